//! Standard input and output on the loop, and as they were when we are gone.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};

use crate::hub::{Reason, Target};

/// Descriptors that are read and written without waiting. Whether a descriptor waits is a property of what it stands
/// for, which other programs may share (the shell, for one): where that can be had, ours stands for something of its
/// own; else it is put back at the end.
#[derive(Debug, Default)]
pub struct Standard {
    changed: Vec<(OwnedFd, OFlags)>,
}

impl Standard {
    /// Standard input.
    ///
    /// # Errors
    /// When there is none, or no descriptor is left.
    pub fn input(&mut self) -> io::Result<Target> {
        let own = if stdin().is_terminal() { own(0, OpenOptions::new().read(true)) } else { None };
        let input = match own {
            Some(file) => file.into(),
            None => self.shared(stdin().as_fd().try_clone_to_owned()?)?,
        };
        Ok(Target::Pipe { input: Some(input), output: None })
    }

    /// Standard output.
    ///
    /// # Errors
    /// When there is none, or no descriptor is left.
    pub fn output(&mut self) -> io::Result<Target> {
        self.written(&stdout(), 1)
    }

    /// Whoever reads standard output, if it is a pipe: what ends when they have gone, also while nothing is written.
    #[must_use]
    pub fn reader() -> Option<Target> {
        let is_pipe = fstat(stdout()).is_ok_and(|file| FileType::from_raw_mode(file.st_mode) == FileType::Fifo);
        let output = if is_pipe { stdout().as_fd().try_clone_to_owned().ok() } else { None };
        output.map(Target::Exit)
    }

    /// Standard error.
    ///
    /// # Errors
    /// When there is none, or no descriptor is left.
    pub fn error(&mut self) -> io::Result<Target> {
        self.written(&stderr(), 2)
    }

    fn written(&mut self, stream: &(impl AsFd + IsTerminal), number: u8) -> io::Result<Target> {
        let may = stream.is_terminal() || FileType::from_raw_mode(fstat(stream)?.st_mode) == FileType::Fifo;
        let own = if may { own(number, OpenOptions::new().write(true)) } else { None };
        let output = match own {
            Some(file) => file.into(),
            None => self.shared(stream.as_fd().try_clone_to_owned()?)?,
        };
        Ok(Target::Pipe { input: None, output: Some(output) })
    }

    /// As they were, for as long as somebody else has them: a shell, while we are stopped.
    pub fn give_back(&self) {
        for (descriptor, flags) in &self.changed {
            // Nobody is left who could be told.
            let _ = fcntl_setfl(descriptor, *flags);
        }
    }

    /// The reverse: whoever had them meanwhile may have left them waiting, and then the loop would wait with them.
    pub fn take_again(&self) {
        for (descriptor, flags) in &self.changed {
            // One that does not take it did not take it before.
            let _ = fcntl_setfl(descriptor, *flags | OFlags::NONBLOCK);
        }
    }

    fn shared(&mut self, descriptor: OwnedFd) -> io::Result<OwnedFd> {
        self.changed.push((descriptor.try_clone()?, fcntl_getfl(&descriptor)?));
        Ok(descriptor)
    }
}

/// The same terminal or pipe, opened once more. A pipe that nobody reads can't be.
fn own(number: u8, how: &mut OpenOptions) -> Option<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    how.custom_flags(flags.try_into().ok()?).open(format!("/proc/self/fd/{number}")).ok()
}

impl Drop for Standard {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Why output can't be kept, unless it was only its reader who went.
#[must_use]
pub fn unkept(why: Reason) -> Option<ErrorKind> {
    match why {
        Reason::Lost(kind) if !matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Some(kind),
        _ => None,
    }
}

/// Tells the user something that is no answer. Where nobody listens, it is lost.
pub fn say_aside(text: &str) {
    let _ = writeln!(stderr(), "parlor: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_waits_while_others_have_it_and_at_the_end_and_never_while_we_do() {
        let (reader, _writer) = io::pipe().unwrap_or_else(|error| panic!("no pipe: {error}"));
        let waits = || !fcntl_getfl(&reader).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK));
        let mut standard = Standard::default();
        let ours = reader.try_clone().and_then(|reader| standard.shared(reader.into()));
        standard.take_again();
        assert!(ours.is_ok() && !waits());
        standard.give_back();
        assert!(waits());
        standard.take_again();
        assert!(!waits());
        drop(standard);
        assert!(waits());
    }
}
