//! What helpers do: everything that touches the disk, a bounded piece at a time.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::census::{Census, Entry};
use super::folder::{Folder, Identity, Remover, Unremoved};
use super::name::{Digest, FileName, Offered};
use super::placing::Misplaced;
use crate::services::accounts::Owner;
use crate::services::line::Wrong;

/// How much of a file one job reads for its digest: some 10 ms, so that another's job never waits long for it.
const DIGEST_PIECE: u64 = 4 * 1024 * 1024;

/// What is read at once for a digest.
const READ: usize = 64 * 1024;

/// A part is synced whenever so many bytes came, so that the last sync, which everybody's jobs may wait for, is short.
const SYNC: u64 = 32 * 1024 * 1024;

/// A file, and the digest of its first `at` bytes.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) file: File,
    hasher: Sha256,
    pub(super) at: u64,
}

impl Body {
    pub(super) fn new(file: File) -> Self {
        Self { file, hasher: Sha256::new(), at: 0 }
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.hasher.clone())
    }
}

/// What a job for a file that is being put came to.
#[derive(Debug)]
pub(super) enum Put {
    /// A file of this name and size is here already.
    Found(Body, Identity),
    /// There is none, and so much is here.
    Counted(Census),
    /// The part is open, and so many bytes of it are there.
    Opened(Body, u64),
    /// So far the digest is known.
    Read(Body),
    /// A piece was written; its memory comes back.
    Wrote(Body, Vec<u8>),
    /// It has its name.
    Placed(Identity),
    /// What was on its way when its sender went is written.
    Left,
}

/// What a job for a file that is being got came to.
#[derive(Debug)]
pub(super) enum Get {
    Nothing,
    Opened(Body, Identity),
    Read(Body),
    /// A piece to be sent.
    Piece(Body, Vec<u8>),
}

impl Get {
    /// The file, if it is open.
    pub(super) fn body(self) -> Option<Body> {
        match self {
            Self::Nothing => None,
            Self::Opened(body, _) | Self::Read(body) | Self::Piece(body, _) => Some(body),
        }
    }
}

/// What the disk said, for whoever asked and for the operator.
fn trouble(doing: &str, error: &io::Error) -> Wrong {
    log::error!("files: {doing}: {error}");
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Wrong::new("disk-full", "there is no room for it on the server's disk; nothing of it was kept")
        }
        _ => Wrong::new("disk", format!("the server's disk refused ({doing}: {error}); nothing of it was kept")),
    }
}

pub(super) fn sweep(folder: &Folder, sent: &[Arc<str>], oldest: u64) {
    if let Err(error) = folder.census(None, sent, oldest) {
        log::warn!("files: old parts could not be looked for: {error}");
    }
}

pub(super) fn list(folder: &Folder) -> Result<Vec<Entry>, Wrong> {
    folder.list().map_err(|error| {
        log::error!("files: listing: {error}");
        Wrong::new("disk", format!("the server's disk refused (listing: {error})"))
    })
}

pub(super) fn count(folder: &Folder, owner: &Owner, sent: &[Arc<str>], oldest: u64) -> Result<Census, Wrong> {
    folder.census(Some(owner), sent, oldest).map_err(|error| trouble("counting files", &error))
}

/// Is there a file of that name? If not, how much is here.
pub(super) fn look(
    folder: &Folder,
    offered: &Offered,
    owner: &Owner,
    sent: &[Arc<str>],
    oldest: u64,
) -> Result<Put, Wrong> {
    let found = folder.find(&offered.name).map_err(|error| trouble("looking for a file", &error))?;
    match found {
        Some((file, identity)) if identity.size == offered.size => Ok(Put::Found(Body::new(file), identity)),
        Some(_) => Err(name_taken(offered)),
        None => count(folder, owner, sent, oldest).map(Put::Counted),
    }
}

/// There is room for it: the part is opened, or begun.
pub(super) fn take_up(folder: &Folder, part: &str, size: u64) -> Result<Put, Wrong> {
    let opened = folder.part(part).and_then(|file| {
        let held = file.metadata()?.len();
        if held <= size {
            return Ok((file, held));
        }
        file.set_len(0)?;
        Ok((file, 0))
    });
    opened.map(|(file, held)| Put::Opened(Body::new(file), held)).map_err(|error| trouble("making a part", &error))
}

pub(super) fn remove(folder: &Folder, name: &FileName, by: &Remover) -> Result<(), Wrong> {
    folder.remove(name, by).map_err(|why| match why {
        Unremoved::Nothing => no_such_file(name),
        Unremoved::Anothers => {
            Wrong::new("forbidden", format!("{name} is not yours; its owner or an operator removes it"))
        }
        Unremoved::Failed(error) => {
            log::error!("files: removing {name}: {error}");
            Wrong::new("disk", format!("the server's disk refused (removing: {error})"))
        }
    })
}

pub(super) fn no_such_file(name: &FileName) -> Wrong {
    Wrong::new("no-such-file", format!("there is no file {name}; list shows all"))
}

pub(super) fn name_taken(offered: &Offered) -> Wrong {
    let name = &offered.name;
    Wrong::new("name-taken", format!("there is a file {name} with other content; choose another name"))
}

/// Reads on for the digest, up to `to` at the most.
fn read_on(folder: &Folder, body: &mut Body, to: u64) -> io::Result<()> {
    let end = to.min(body.at + DIGEST_PIECE);
    let mut bytes = vec![0; READ];
    while body.at < end {
        let count = usize::try_from(end - body.at).map_or(READ, |left| left.min(READ));
        folder.read(&body.file, &mut bytes[..count], body.at)?;
        body.hasher.update(&bytes[..count]);
        body.at += count as u64;
    }
    Ok(())
}

/// The same for a file that is here already.
pub(super) fn compare(folder: &Folder, mut body: Body, to: u64) -> Result<Put, Wrong> {
    read_on(folder, &mut body, to).map_err(|error| trouble("reading a file", &error))?;
    Ok(Put::Read(body))
}

pub(super) fn catch_up(folder: &Folder, part: &str, mut body: Body, to: u64) -> Result<Put, Wrong> {
    match read_on(folder, &mut body, to) {
        Ok(()) => Ok(Put::Read(body)),
        Err(error) => {
            folder.discard(part);
            Err(trouble("reading a part", &error))
        }
    }
}

pub(super) fn write(folder: &Folder, part: &str, mut body: Body, bytes: Vec<u8>) -> Result<Put, Wrong> {
    match append(folder, &mut body, &bytes) {
        Ok(()) => Ok(Put::Wrote(body, bytes)),
        Err(error) => {
            folder.discard(part);
            Err(trouble("writing a part", &error))
        }
    }
}

fn append(folder: &Folder, body: &mut Body, bytes: &[u8]) -> io::Result<()> {
    folder.write(&body.file, bytes, body.at)?;
    body.hasher.update(bytes);
    let before = body.at;
    body.at += bytes.len() as u64;
    if before / SYNC == body.at / SYNC { Ok(()) } else { folder.sync(&body.file) }
}

pub(super) fn place(folder: &Folder, part: &str, body: &Body, offered: &Offered, owner: &Owner) -> Result<Put, Wrong> {
    let digest = body.digest();
    let wrong = if digest == offered.digest {
        match folder.place(part, &body.file, &offered.name, owner) {
            Ok(identity) => return Ok(Put::Placed(identity)),
            Err(Misplaced::Taken) => name_taken(offered),
            Err(Misplaced::Failed(error)) => trouble("giving a part its name", &error),
        }
    } else {
        Wrong::new("digest", format!("what came has the digest {digest}; nothing of it was kept, offer it again"))
    };
    folder.discard(part);
    Err(wrong)
}

/// Its sender has gone: what came is kept for another try, if it is anything.
pub(super) fn leave(folder: &Folder, part: &str, mut body: Body, bytes: &[u8]) -> Result<Put, Wrong> {
    // Of a part that was not looked at again yet nothing is known here but how long it is.
    let written = append(folder, &mut body, bytes).and_then(|()| Ok(body.file.metadata()?.len()));
    if written.as_ref().map_or(true, |&length| length == 0) {
        folder.discard(part);
    }
    written.map(|_| Put::Left).map_err(|error| trouble("writing the rest of a part", &error))
}

pub(super) fn open(folder: &Folder, name: &FileName) -> Result<Get, Wrong> {
    match folder.find(name) {
        Ok(Some((file, identity))) => Ok(Get::Opened(Body::new(file), identity)),
        Ok(None) => Ok(Get::Nothing),
        Err(error) => {
            log::error!("files: opening {name}: {error}");
            Err(Wrong::new("disk", format!("the server's disk refused (opening: {error})")))
        }
    }
}

pub(super) fn digest(folder: &Folder, mut body: Body, size: u64) -> Result<Get, Wrong> {
    match read_on(folder, &mut body, size) {
        Ok(()) => Ok(Get::Read(body)),
        Err(error) => {
            log::error!("files: reading for a digest: {error}");
            Err(Wrong::new("disk", format!("the server's disk refused (reading: {error})")))
        }
    }
}

pub(super) fn piece(folder: &Folder, body: Body, at: u64, count: usize) -> Result<Get, Wrong> {
    let mut bytes = vec![0; count];
    match folder.read(&body.file, &mut bytes, at) {
        Ok(()) => Ok(Get::Piece(body, bytes)),
        Err(error) => {
            log::error!("files: reading a piece: {error}");
            Err(Wrong::new("disk", "a piece could not be read"))
        }
    }
}
