//! A part gets its name: in one step, with its owner noted before, and only if no other file has the name.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, RenameFlags};
use rustix::io::Errno;

use super::disk::Step;
use super::folder::{Folder, Identity};
use super::name::FileName;
use crate::services::accounts::Owner;

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
}

/// Is it this file that stands there?
fn is_at(folder: &OwnedFd, name: &str, file: &File) -> io::Result<()> {
    let (there, ours) = (fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?, fs::fstat(file)?);
    if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "somebody has put something else in its place"))
}
