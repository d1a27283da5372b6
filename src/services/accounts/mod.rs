//! Who people are: accounts in a file, and the checking of passwords, for every service that wants to know.
//!
//! A service holds a [`Gate`], asks it with [`Gate::ask`], hands it its jobs' answers and its alarm, and takes the
//! verdicts. The book of accounts is shared by all of them, and a [`Reader`] reads it again. Shared are wrong passwords too: who has tried three times at one service has none left at the next.

mod bans;
mod book;
mod desk;
mod gate;
mod owner;
mod proof;
mod reader;
pub mod secret;
mod tries;
mod visitors;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use self::bans::{Bans, Rule, Whom};
pub use self::book::{Account, Book, Change, Edit, LARGEST, Role, Wrong, edited};
pub use self::desk::Desk;
pub use self::gate::{Check, Gate, Task, Verdict};
pub use self::owner::Owner;
pub use self::proof::{Fingerprint, Proof, fingerprint};
pub use self::reader::Reader;
pub use self::tries::{Place, SLOWED, TRIES, Tries};
pub use self::visitors::Coming;
use super::chat::Name;
use super::whole_file;

/// The accounts in force, shared by those who ask for them.
#[derive(Debug, Clone)]
pub struct Accounts {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: RefCell<PathBuf>,
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
        Ok(Self { shared: Rc::new(Shared { path: RefCell::new(path.to_owned()), book, version, tries }) })
    }

    /// Those that count now.
    #[must_use]
    pub fn book(&self) -> Rc<Book> {
        Rc::clone(&self.shared.book.borrow())
    }

    /// From now on others count, from this file.
    pub fn replace(&self, path: PathBuf, book: Book) {
        *self.shared.path.borrow_mut() = path;
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
    pub fn path(&self) -> PathBuf {
        self.shared.path.borrow().clone()
    }

    /// The account of whoever comes with this certificate, and that it was shown.
    #[must_use]
    pub fn holder(&self, certificate: &str) -> Option<(Name, Proof)> {
        let name = self.book().holder(certificate)?.name.clone();
        Some((name, Proof::Certificate(certificate.into())))
    }
}

/// What is unwise about a file of accounts, though not wrong.
#[must_use]
pub fn doubts(path: &Path, book: &Book) -> Vec<String> {
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    let open = is_open.then_some("it can be read by others than its owner; chmod 600 is better");
    let uneven = (!book.is_even()).then_some("passwords differ in what a check costs, so time can tell accounts apart");
    open.into_iter().chain(uneven).map(|doubt| format!("{}: {doubt}", path.display())).collect()
}

/// Reads a file of accounts.
///
/// # Errors
/// It can't be read, or is wrong; then the error says where.
pub fn load(path: &Path) -> io::Result<Book> {
    let text = whole_file::read(path, LARGEST)?;
    Book::parse(&text).map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))
}
