//! A disk that can fail in a test.

use std::fmt;
use std::io;

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
