//! What blocks: reading, writing, comparing. Run off the loop.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

/// Bytes read or written at once.
pub(super) const PIECE: usize = 256 * 1024;

/// A file to be put: open, measured, and its digest taken.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Arc<File>,
    pub(super) size: u64,
    pub(super) digest: String,
}

pub(super) fn measure(path: &Path) -> io::Result<Source> {
    // A pipe that nobody writes into would be waited for; to a plain file the flag means nothing.
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("that is no plain file"));
    }
    let (size, digest) = digest(&file)?;
    Ok(Source { file: Arc::new(file), size, digest })
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// The size and the digest of a whole file.
fn digest(mut file: &File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        size += count as u64;
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    Ok((size, text))
}

/// The next piece from a place on; shorter only at the end.
pub(super) fn read(file: &File, at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; most];
    let mut count = 0;
    while count < most {
        match file.read_at(&mut piece[count..], at + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.truncate(count);
    Ok(piece)
}

/// What is there of a file that was cut on its way: its name says the digest of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) digest: String,
    pub(super) size: u64,
}

/// Where the part of a file with this digest is kept: beside it.
fn place(path: &Path, digest: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{digest}.part"));
    path.with_file_name(name)
}

/// The part that is there, if the file itself is not.
pub(super) fn find_part(path: &Path, force: bool) -> io::Result<Option<Part>> {
    look_at_place(path)?;
    if !force && path.exists() {
        return Err(is_here());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name().to_string_lossy().into_owned();
        let digest = found.strip_prefix(&format!("{name}.")).and_then(|rest| rest.strip_suffix(".part"));
        let Some(digest) = digest.filter(|digest| is_digest(digest)) else { continue };
        return Ok(Some(Part { digest: digest.to_owned(), size: entry.metadata()?.len() }));
    }
    Ok(None)
}

pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn open_part(path: &Path, digest: &str) -> io::Result<Arc<File>> {
    let part = place(path, digest);
    // In a folder that others can write to somebody may have put a link to a file of ours there.
    let mut how = OpenOptions::new();
    how.write(true)
        .read(true)
        .create(true)
        .truncate(false)
        .custom_flags(flags(OFlags::NOFOLLOW))
        .open(part)
        .map(Arc::new)
}

pub(super) fn forget_part(path: &Path, digest: &str) -> io::Result<()> {
    match fs::remove_file(place(path, digest)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Compares the whole with its digest, and puts it in its place. `false`: it is another, and was thrown away.
pub(super) fn finish(path: &Path, digest: &str, force: bool) -> io::Result<bool> {
    let part = place(path, digest);
    let file = File::open(&part)?;
    let (_, found) = self::digest(&file)?;
    if found != digest {
        fs::remove_file(&part)?;
        return Ok(false);
    }
    file.sync_all()?;
    put_in_place(&part, path, force)?;
    Ok(true)
}

/// Also what has come there since the beginning stays, unless it is to go.
fn put_in_place(part: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        look_at_place(path)?;
        return fs::rename(part, path);
    }
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        // Some file systems can't rename so.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if !path.exists() => fs::rename(part, path),
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(is_here()),
        renamed => Ok(renamed?),
    }
}

/// Folders, pipes and devices are not put out of their place, whoever wants so.
fn look_at_place(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(io::Error::other("that is no plain file; --output names another")),
        _ => Ok(()),
    }
}

fn is_here() -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, "it is here already; --force puts another in its place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_the_digest_in_its_name_and_put_in_its_place_if_it_is_whole() {
        let folder = tempfile::tempdir().expect("ours");
        let path = folder.path().join("tea.txt");
        let digest = "27150f2fab7401fec3d9ab70bd7653f8d6c35452d4b4bad0f8c213f29e069048";
        assert_eq!(find_part(&path, false).expect("it can be looked"), None);
        let part = open_part(&path, digest).expect("ours");
        part.write_all_at(b"green", 0).expect("ours");
        let found = find_part(&path, false).expect("it can be looked");
        assert_eq!(found, Some(Part { digest: digest.to_owned(), size: 5 }));
        part.write_all_at(b"green tea\n", 0).expect("ours");
        assert!(finish(&path, digest, false).expect("ours"));
        assert_eq!(fs::read(&path).expect("ours"), b"green tea\n");
        assert!(find_part(&path, false).is_err() && find_part(&path, true).is_ok());
        open_part(&path, digest).expect("ours").write_all_at(b"other", 0).expect("ours");
        assert!(!finish(&path, digest, true).expect("ours"));
        assert_eq!(find_part(&path, true).expect("ours"), None, "thrown away");
    }
}
