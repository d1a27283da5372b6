//! The folder and its files. Everything goes through descriptors of two folders that were opened at the start, and no
//! link is ever followed, so whatever is renamed or swapped meanwhile, nothing outside is touched.

use std::fmt;
use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{self, AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::name::FileName;
use super::owners::{self, Owners};
use crate::services::accounts::Owner;

/// Files that the folder may hold; a listing of so many is about 1 MB.
pub const MAX_FILES: usize = 10_000;

/// Where parts grow: no file name begins with a dot.
const PARTS: &str = ".parts";

/// Something that is about to be done to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A folder is looked through.
    Look,
    /// A file is opened for reading.
    Open,
    /// A part is made or opened.
    Create,
    /// A piece is read.
    Read,
    /// A piece is written.
    Write,
    /// What was written is synced, or which names there are.
    Sync,
    /// A part gets its name.
    Place,
    /// Whose a file is, is noted.
    Own,
    /// A file is removed.
    Remove,
}

/// Asked before every step, so that a test can make it fail.
pub trait Disk: fmt::Debug + Send + Sync {
    /// May it be done?
    ///
    /// # Errors
    /// What the step is to fail with.
    fn allow(&self, _step: Step) -> io::Result<()> {
        Ok(())
    }
}

/// The disk as it is.
#[derive(Debug)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// The folder, claimed by this server.
#[derive(Debug)]
pub struct Folder {
    files: OwnedFd,
    parts: OwnedFd,
    owners: Mutex<Owners>,
    disk: Arc<dyn Disk>,
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
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// A file of a listing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: FileName,
    pub(super) size: u64,
    /// Milliseconds since 1970.
    pub(super) modified: u64,
}

/// How much there is.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// In files.
    pub(super) bytes: u64,
    pub(super) files: usize,
    /// In files of whoever asks.
    pub(super) own_bytes: u64,
    pub(super) own_files: usize,
    /// All parts, with what is there of each.
    pub(super) parts: Vec<(String, u64)>,
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

/// Why a part did not get its name.
#[derive(Debug)]
pub(super) enum Misplaced {
    /// Another file has the name.
    Taken,
    Failed(io::Error),
}

impl<E: Into<io::Error>> From<E> for Misplaced {
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

    /// All files, in the order of their names.
    pub(super) fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.each(&self.files, |name, stat| {
            // Only what could have been put here is shown.
            let ours = FileName::new(name).ok().filter(|ours| ours.as_str() == name);
            if let Some(name) = ours.filter(|_| entries.len() < MAX_FILES) {
                entries.push(Entry { name, size: size(stat), modified: modified(stat) });
            }
        })?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Counts everything, and what is `own`, and removes parts that no byte was added to since `oldest`, in milliseconds
    /// since 1970, but for those that are being sent.
    pub(super) fn census(&self, own: Option<&Owner>, sent: &[Arc<str>], oldest: u64) -> io::Result<Census> {
        let (mut census, own) = (Census::default(), own.map(Owner::to_string));
        let owners = self.owners();
        self.each(&self.files, |name, stat| {
            if owners::is_ours(name) {
                return;
            }
            census.bytes += size(stat);
            census.files += 1;
            if own.is_some() && owners.of(name) == own.as_deref() {
                census.own_bytes += size(stat);
                census.own_files += 1;
            }
        })?;
        let mut old = Vec::new();
        self.each(&self.parts, |name, stat| {
            let is_sent = sent.iter().any(|part| **part == *name);
            if modified(stat) < oldest && !is_sent {
                old.push(name.to_owned());
            } else {
                census.parts.push((name.to_owned(), size(stat)));
            }
        })?;
        for part in old {
            self.discard(&part);
        }
        Ok(census)
    }

    /// Every plain file of a folder.
    fn each(&self, folder: &OwnedFd, mut act: impl FnMut(&str, &Stat)) -> io::Result<()> {
        self.disk.allow(Step::Look)?;
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => act(name, &stat),
                // Gone since, or no plain file.
                _ => {}
            }
        }
        Ok(())
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

    /// Gives a part its name, if no other file has it. What gets the name is `file`, whatever stands under the part's
    /// name by now.
    pub(super) fn place(&self, part: &str, file: &File, name: &FileName, owner: &Owner) -> Result<Identity, Misplaced> {
        self.sync(file)?;
        self.disk.allow(Step::Place)?;
        is_at(&self.parts, part, file)?;
        // Files are placed one after another, so only somebody with hands in the folder comes between this and the next.
        if fs::statat(&self.files, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Err(Misplaced::Taken);
        }
        // Noted before it has its name: whatever stops the server in between, no file of somebody's is nobody's.
        self.disk.allow(Step::Own)?;
        self.owners().claim(&self.files, name.as_str(), &owner.to_string())?;
        let placed = self.name(part, name).and_then(|()| {
            let known = is_at(&self.files, name.as_str(), file).and_then(|()| self.sync_folder());
            if known.is_err() {
                // Who offered it is told that nothing was kept.
                fs::unlinkat(&self.files, name.as_str(), AtFlags::empty())?;
            }
            known?;
            Ok(Identity::of(&file.metadata()?))
        });
        if placed.is_err() {
            self.owners().disown(&self.files, name.as_str())?;
        }
        placed
    }

    fn name(&self, part: &str, name: &FileName) -> Result<(), Misplaced> {
        match fs::renameat_with(&self.parts, part, &self.files, name.as_str(), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => Err(Misplaced::Taken),
            // Some file systems can't rename so.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.link(part, name),
            renamed => Ok(renamed?),
        }
    }

    /// What has a name in the folder, and what has none any more, stays so when the power goes.
    fn sync_folder(&self) -> io::Result<()> {
        self.disk.allow(Step::Sync)?;
        Ok(fs::fsync(&self.files)?)
    }

    fn link(&self, part: &str, name: &FileName) -> Result<(), Misplaced> {
        match fs::linkat(&self.parts, part, &self.files, name.as_str(), AtFlags::empty()) {
            Err(Errno::EXIST) => Err(Misplaced::Taken),
            linked => {
                linked?;
                // It has its name. A part that can't be removed now goes when it is old.
                self.discard(part);
                Ok(())
            }
        }
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
    fn owners(&self) -> MutexGuard<'_, Owners> {
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

/// Is it this file that stands there?
fn is_at(folder: &OwnedFd, name: &str, file: &File) -> io::Result<()> {
    let (there, ours) = (fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?, fs::fstat(file)?);
    if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "somebody has put something else in its place"))
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Milliseconds since 1970.
fn modified(stat: &Stat) -> u64 {
    u64::try_from(stat.st_mtime).unwrap_or(0) * 1000 + stat.st_mtime_nsec / 1_000_000
}
