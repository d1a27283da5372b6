//! Whose each stored file is: lines in a file of the folder, `NAME OWNER`, the last of a name counts, and one without an
//! owner takes it back. Lines are appended; now and then the file is written anew without those that count no more.
//!
//! What an operator put into the folder by hand is nobody's. A line is written before its file has the name, and one
//! without a file counts for nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, Mode, OFlags};

use super::folder::MAX_FILES;

/// No file has such a name: they do not begin with a dot.
const NAME: &str = ".owners";
/// What it is called while it is written anew.
const UNFINISHED: &str = ".owners.new";

/// Lines after which it is written anew. Half of them count at most.
const MAX_LINES: usize = 2 * MAX_FILES;

/// The largest that is read: so many lines are far shorter.
const LARGEST: u64 = 32 * 1024 * 1024;

/// The list, in memory and on the disk.
#[derive(Debug)]
pub(super) struct Owners {
    file: File,
    whose: BTreeMap<String, String>,
    lines: usize,
    /// The last line may be there in part.
    is_torn: bool,
}

impl Owners {
    /// Reads the list of a folder.
    ///
    /// # Errors
    /// As the disk says.
    pub(super) fn open(folder: &OwnedFd) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(fs::openat(folder, NAME, flags, Mode::RUSR | Mode::WUSR)?);
        let mut text = Vec::new();
        if (&file).take(LARGEST + 1).read_to_end(&mut text)? as u64 > LARGEST {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("{NAME} is longer than {LARGEST} bytes")));
        }
        let mut owners = Self { file, whose: BTreeMap::new(), lines: 0, is_torn: false };
        for line in String::from_utf8_lossy(&text).split_inclusive('\n') {
            owners.lines += 1;
            // A line without its end was being written when the power went.
            owners.is_torn = !line.ends_with('\n');
            let Some(line) = line.strip_suffix('\n') else { continue };
            match line.split_once(' ') {
                Some((name, owner)) => drop(owners.whose.insert(name.to_owned(), owner.to_owned())),
                None => drop(owners.whose.remove(line)),
            }
        }
        owners.forget_missing(folder);
        if (owners.is_torn || owners.lines > owners.whose.len())
            && let Err(error) = owners.rewrite(folder)
        {
            // A disk that is full keeps nobody from starting: what is there can be read, and before the next line it is tried again.
            log::warn!("files: whose files are could not be written anew: {error}");
        }
        Ok(owners)
    }

    /// Whose a file is, if that is known.
    pub(super) fn of(&self, name: &str) -> Option<&str> {
        self.whose.get(name).map(String::as_str)
    }

    /// A file is somebody's from now on.
    pub(super) fn claim(&mut self, folder: &OwnedFd, name: &str, owner: &str) -> io::Result<()> {
        self.append(folder, &format!("{name} {owner}\n"))?;
        self.whose.insert(name.to_owned(), owner.to_owned());
        Ok(())
    }

    /// It is nobody's any more.
    pub(super) fn disown(&mut self, folder: &OwnedFd, name: &str) -> io::Result<()> {
        if self.whose.remove(name).is_none() {
            return Ok(());
        }
        self.append(folder, &format!("{name}\n"))
    }

    fn append(&mut self, folder: &OwnedFd, line: &str) -> io::Result<()> {
        if self.is_torn || self.lines >= MAX_LINES {
            self.forget_missing(folder);
            self.rewrite(folder)?;
        }
        self.lines += 1;
        self.is_torn = true;
        (&self.file).write_all(line.as_bytes())?;
        fs::fdatasync(&self.file)?;
        self.is_torn = false;
        Ok(())
    }

    /// Somebody may have removed files by hand.
    fn forget_missing(&mut self, folder: &OwnedFd) {
        self.whose.retain(|name, _| fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok());
    }

    /// Leaves out what counts no more.
    fn rewrite(&mut self, folder: &OwnedFd) -> io::Result<()> {
        match fs::unlinkat(folder, UNFINISHED, AtFlags::empty()) {
            Err(error) if error != rustix::io::Errno::NOENT => return Err(error.into()),
            _ => {}
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::APPEND | OFlags::CLOEXEC;
        let file = File::from(fs::openat(folder, UNFINISHED, flags, Mode::RUSR | Mode::WUSR)?);
        let text: String = self.whose.iter().flat_map(|(name, owner)| [name, " ", owner, "\n"]).collect();
        (&file).write_all(text.as_bytes())?;
        fs::fdatasync(&file)?;
        fs::renameat(folder, UNFINISHED, folder, NAME)?;
        fs::fsync(folder)?;
        (self.file, self.lines, self.is_torn) = (file, self.whose.len(), false);
        Ok(())
    }
}

/// Is this name the list's own?
pub(super) fn is_ours(name: &str) -> bool {
    [NAME, UNFINISHED].contains(&name)
}
