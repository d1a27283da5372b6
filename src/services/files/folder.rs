//! The folder and its files. Everything goes through descriptors of two folders that were opened at the start, and no
//! link is ever followed, so whatever is renamed or swapped meanwhile, nothing outside is touched.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::{Disk, Step};
use super::name::FileName;
use super::owners::Owners;

/// Files that the folder may hold; a listing of so many is about 1 MB.
pub const MAX_FILES: usize = 10_000;

/// Where parts grow: no file name begins with a dot.
const PARTS: &str = ".parts";

/// The folder, claimed by this server.
#[derive(Debug)]
pub struct Folder {
    pub(super) files: OwnedFd,
    pub(super) parts: OwnedFd,
    owners: Mutex<Owners>,
    pub(super) disk: Arc<dyn Disk>,
}

/// Which file in which state: another one of these, and a digest that was known is not known any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    pub(super) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(super) fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// Who removes a file.
#[derive(Debug)]
pub(super) enum Remover {
    /// Only what is theirs.
    Owner(String),
    /// Whatever there is.
    Operator,
}

/// Why a file was not removed.
#[derive(Debug)]
pub(super) enum Unremoved {
    /// There is none.
    Nothing,
    /// It is somebody else's, or nobody knows whose.
    Anothers,
    Failed(io::Error),
}

impl<E: Into<io::Error>> From<E> for Unremoved {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Folder {
    /// Makes the folder where there is none, and claims it.
    ///
    /// # Errors
    /// It can't be made or used, or another server has it.
    pub fn open(path: &Path, disk: Arc<dyn Disk>) -> io::Result<Self> {
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        let folder = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let files = fs::open(path, folder, Mode::empty())?;
        match fs::mkdirat(&files, PARTS, Mode::RWXU) {
            Err(error) if error != Errno::EXIST => return Err(error.into()),
            _ => {}
        }
        let parts = fs::openat(&files, PARTS, folder | OFlags::NOFOLLOW, Mode::empty())?;
        match fs::flock(&parts, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(io::Error::other("another server keeps its files there")),
            Err(error) => Err(error.into()),
            Ok(()) => {
                let owners = Mutex::new(Owners::open(&files)?);
                Ok(Self { files, parts, owners, disk })
            }
        }
    }

    /// A plain file, for reading.
    pub(super) fn find(&self, name: &FileName) -> io::Result<Option<(File, Identity)>> {
        self.disk.allow(Step::Open)?;
        // Not blocking: a pipe in the folder must not keep a helper waiting for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&self.files, name.as_str(), flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            opened => File::from(opened?),
        };
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then(|| (file, Identity::of(&metadata))))
    }

    /// Opens a part, or begins it. What stands in its place and is no plain file of one name is removed.
    pub(super) fn part(&self, part: &str) -> io::Result<File> {
        self.disk.allow(Step::Create)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        if let Ok(found) = fs::openat(&self.parts, part, flags, mode) {
            let file = File::from(found);
            let metadata = file.metadata()?;
            if metadata.is_file() && metadata.nlink() == 1 {
                return Ok(file);
            }
        }
        self.discard(part);
        Ok(fs::openat(&self.parts, part, flags | OFlags::EXCL, mode)?.into())
    }

    pub(super) fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.allow(Step::Write)?;
        file.write_all_at(bytes, at)
    }

    /// Fills `bytes`; a file that ends before is an error.
    pub(super) fn read(&self, file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.disk.allow(Step::Read)?;
        file.read_exact_at(bytes, at)
    }

    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.allow(Step::Sync)?;
        Ok(fs::fdatasync(file)?)
    }

    /// What has a name in the folder, and what has none any more, stays so when the power goes.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        self.disk.allow(Step::Sync)?;
        Ok(fs::fsync(&self.files)?)
    }

    /// Removes a plain file. Whoever has it open reads on.
    pub(super) fn remove(&self, name: &FileName, by: &Remover) -> Result<(), Unremoved> {
        self.disk.allow(Step::Remove)?;
        match fs::statat(&self.files, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {}
            Ok(_) | Err(Errno::NOENT) => return Err(Unremoved::Nothing),
            Err(error) => return Err(error.into()),
        }
        let mut owners = self.owners();
        if let Remover::Owner(owner) = by
            && owners.of(name.as_str()) != Some(owner)
        {
            return Err(Unremoved::Anothers);
        }
        fs::unlinkat(&self.files, name.as_str(), AtFlags::empty())?;
        owners.disown(&self.files, name.as_str())?;
        Ok(self.sync_folder()?)
    }

    /// Whatever a helper that panicked was about, each line of the list is whole.
    pub(super) fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a part. What can't be removed now goes when it is old.
    pub(super) fn discard(&self, part: &str) {
        match fs::unlinkat(&self.parts, part, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => log::warn!("files: a part could not be removed: {error}"),
            _ => {}
        }
    }
}
