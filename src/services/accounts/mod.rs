//! Who people are: accounts in a file, and the checking of passwords, for every service that wants to know.
//!
//! A service holds a [`Gate`], asks it with [`Gate::ask`], hands it its jobs' answers and its alarm, and takes the
//! verdicts. The book of accounts is shared by all of them, and a [`Reader`] reads it again on
//! [`News::Reload`](crate::hub::News). Shared are wrong passwords too: who has tried three times at one service has none left at the next.

mod book;
mod desk;
mod gate;
mod proof;
mod reader;
pub mod secret;
mod tries;

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use self::book::{Account, Book, Change, Edit, LARGEST, Role, Wrong, edited};
pub use self::desk::{Coming, Desk};
pub use self::gate::{Check, Gate, Task, Verdict};
pub use self::proof::{Fingerprint, Proof, fingerprint};
pub use self::reader::Reader;
pub use self::tries::{Place, SLOWED, TRIES, Tries};
use super::whole_file;

/// The accounts in force, shared by those who ask for them.
#[derive(Debug, Clone)]
pub struct Accounts {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    book: RefCell<Rc<Book>>,
    /// How often they were replaced.
    version: Cell<u64>,
    tries: Rc<RefCell<Tries>>,
}

impl Accounts {
    /// The accounts of a file. Waits for the disk: for before the loop.
    ///
    /// # Errors
    /// It can't be read, or is wrong.
    pub fn open(path: &Path) -> io::Result<Self> {
        let book = load(path)?;
        let (book, version, tries) = (RefCell::new(Rc::new(book)), Cell::default(), Rc::default());
        Ok(Self { shared: Rc::new(Shared { path: path.to_owned(), book, version, tries }) })
    }

    /// Those that count now.
    #[must_use]
    pub fn book(&self) -> Rc<Book> {
        Rc::clone(&self.shared.book.borrow())
    }

    /// From now on others count.
    pub fn replace(&self, book: Book) {
        *self.shared.book.borrow_mut() = Rc::new(book);
        self.shared.version.set(self.version() + 1);
    }

    /// Another number whenever others have come to count.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.version.get()
    }

    /// Where they are kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

/// Reads a file of accounts.
///
/// # Errors
/// It can't be read, or is wrong; then the error says where.
pub fn load(path: &Path) -> io::Result<Book> {
    let text = whole_file::read(path, LARGEST)?;
    Book::parse(&text).map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))
}
