//! Small files that are replaced whole: whoever reads one sees the old or the new, never a half, whenever the power goes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// As the system says; `InvalidData` when it is longer, or no UTF-8.
pub fn read(path: &Path, most: usize) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most as u64 + 1).read_to_string(&mut text)?;
    if text.len() > most {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("it is longer than {most} bytes")));
    }
    Ok(text)
}

/// May what was read once be read again? From a pipe, as a shell's `<(command)` is one, nothing would come, or never an
/// end.
///
/// # Errors
/// It is a pipe.
pub fn readable_again(path: &Path) -> io::Result<()> {
    let is_pipe = fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo());
    if is_pipe { Err(io::Error::other("a pipe is read once, and never again; expected a file")) } else { Ok(()) }
}

/// Puts `text` in the place of what the file holds. Only its owner may read it, whatever was allowed before.
///
/// # Errors
/// As the system says; the file is then what it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = followed(path);
    let unfinished = beside(&path);
    let written = write_new(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        // It may not even have come to be.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    // Of a folder this syncs its entries.
    File::open(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

/// The same, in a folder of ours that is made where there is none.
///
/// # Errors
/// As the system says.
pub fn replace_in_own_folder(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    replace(path, text)
}

/// Changes a file, alone among all who use this: reads it (a missing one is empty) and puts in its place what `change`
/// makes of it.
///
/// # Errors
/// As the system says, or as `change` says; the file is then what it was.
pub fn change<E: From<io::Error>>(
    path: &Path,
    most: usize,
    change: impl FnOnce(&str) -> Result<String, E>,
) -> Result<(), E> {
    let is_new = !path.exists();
    let changed = locked(path).map_err(E::from).and_then(|_lock| {
        let before = read(path, most)?;
        replace(path, &change(&before)?).map_err(E::from)
    });
    if changed.is_err() && is_new && fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        // Nothing came of it, so nothing stays of it.
        let _ = fs::remove_file(path);
    }
    changed
}

/// The file, locked; made if there is none. Whoever waited for the lock may find another file under the name by then.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        file.lock()?;
        let (held, named) = (file.metadata()?, fs::metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (held.dev(), held.ino())) {
            return Ok(file);
        }
    }
}

/// Where a symbolic link leads: the file is to be replaced, not the link.
fn followed(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
