//! The folder and its files: claimed, named, written, synced. Whatever can fail in a way worth testing goes through
//! [`Disk`].

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FlockOperation;
use rustix::io::{Errno, ReadWriteFlags};

use super::OpenError;

/// A segment whose head is not safe yet.
const UNFINISHED: &str = "new";

/// Writing and syncing, so that a test can make either fail.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Writes at a place; may write less.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
        file.write_at(bytes, at)
    }

    /// Makes what was written survive a power cut.
    ///
    /// # Errors
    /// As the system says. Nobody may try again: the pages that failed count as clean from then on.
    fn sync(&self, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(file)?)
    }
}

/// The disk as it is.
#[derive(Debug)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// A folder that is ours. Chores share it: the lock stands until the last of them is through.
#[derive(Debug)]
pub(super) struct Site {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    _lock: File,
}

impl Site {
    /// Makes the folder where there is none, and locks it.
    pub(super) fn claim(folder: &Path, disk: Arc<dyn Disk>) -> Result<Arc<Self>, OpenError> {
        let failed = |what| move |error| OpenError::Failed { what, error };
        make(folder, &*disk).map_err(failed("making the folder"))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(folder.join("lock")).map_err(failed("opening its lock"))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut owner = String::new();
                // Without its number the owner is still an owner.
                let _ = lock.read_to_string(&mut owner);
                return Err(OpenError::Taken { pid: owner.trim().parse().ok() });
            }
            Err(error) => return Err(failed("locking it")(error.into())),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed("writing its lock"))?;
        Ok(Arc::new(Self { folder: folder.to_owned(), disk, _lock: lock }))
    }

    pub(super) fn path(&self, number: u64) -> PathBuf {
        segment_path(&self.folder, number)
    }

    /// The numbers of the segments, rising. What a killed run left half made is removed.
    pub(super) fn numbers(&self) -> io::Result<Vec<u64>> {
        for unfinished in numbered(&self.folder, UNFINISHED)? {
            fs::remove_file(self.path(unfinished).with_extension(UNFINISHED))?;
        }
        segment_numbers(&self.folder)
    }

    pub(super) fn open(&self, number: u64) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path(number))
    }

    /// Makes a segment with its head. Under its name it is whole, whenever the power goes.
    pub(super) fn create(&self, number: u64, head: &[u8]) -> io::Result<File> {
        let path = self.path(number);
        let unfinished = path.with_extension(UNFINISHED);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        self.write(&file, head, 0)?;
        self.sync(&file)?;
        fs::rename(unfinished, path)?;
        // Of a folder this syncs its entries.
        self.sync(&File::open(&self.folder)?)?;
        Ok(file)
    }

    /// A short write is completed, or it is a failure.
    pub(super) fn write(&self, file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.disk.write(file, bytes, at) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    at += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.sync(file)
    }

    /// Removes a segment. One that somebody else removed is gone as well.
    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Makes a folder, so that a power cut does not take it away with all that is in it.
fn make(folder: &Path, disk: &dyn Disk) -> io::Result<()> {
    if folder.is_dir() {
        // One that was made for us becomes ours alone. What holds something has a mode for a reason.
        if fs::read_dir(folder)?.next().is_none() {
            let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
        }
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // From the root down; what we may not open was there before.
    let parents = folder.canonicalize()?;
    parents.ancestors().skip(1).filter_map(|parent| File::open(parent).ok()).try_for_each(|parent| disk.sync(&parent))
}

/// Where a segment lies. Eight digits keep a listing in order.
pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.log"))
}

/// The segments of a folder, rising.
pub(super) fn segment_numbers(folder: &Path) -> io::Result<Vec<u64>> {
    numbered(folder, "log")
}

fn numbered(folder: &Path, extension: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        // Only what we would call so ourselves is ours.
        numbers.extend(number.filter(|number| segment_path(folder, *number).with_extension(extension) == path));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads what is there, or says `WouldBlock` when `wait` is not allowed and the cache does not have it.
pub(super) fn read_at(file: &File, bytes: &mut [u8], at: u64, wait: bool) -> io::Result<usize> {
    if !wait {
        // Some file systems cannot say whether they would wait: then they would.
        let read = rustix::io::preadv2(file, &mut [IoSliceMut::new(bytes)], at, ReadWriteFlags::NOWAIT);
        return read.map_err(|_| ErrorKind::WouldBlock.into());
    }
    loop {
        match file.read_at(bytes, at) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
