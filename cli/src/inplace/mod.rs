//! Writing a result back to its file: all of it, or nothing.
//!
//! The new bytes are written to a file without a name where the system has such, synced, given the attributes of the old one,
//! and renamed over it. Whatever happens, the name stands for the old bytes or for the new ones, whole.
//!
//! * Two that edit one file: the second one finds the lock of the first, or that the file is another one than it read. Between
//!   the last look at the file and the renaming lie two calls of the system; who writes to it just then, without a lock, loses.
//! * The new file has the owner, mode, extended attributes and access control lists of the old one, or is not put in its place.
//! * A file with several names (hard links) is parted from the others: they keep the old bytes, and that is told. Writing into
//!   the file instead would leave half of an edit where something fails.

mod attributes;
#[cfg(unix)]
mod signals;
mod staged;

use crate::blocks::{BLOCK, Blocks};
use crate::input::Opened;
use crate::output::write_encoded;
use crate::text::shown;
use binq_core::encode::Encoded;
use staged::Staged;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file was not written as it should be.
#[derive(Debug)]
pub enum Failed {
    /// It is as it was.
    Unchanged(String),
    /// It is the new one, but something went wrong after that.
    Replaced(String),
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Unchanged(why)
    }
}

impl From<&str> for Failed {
    fn from(why: &str) -> Self {
        Self::Unchanged(why.to_owned())
    }
}

impl From<io::Error> for Failed {
    fn from(e: io::Error) -> Self {
        Self::Unchanged(e.to_string())
    }
}

/// A file that is edited: what it was when it was read. Others that would edit it are kept from it meanwhile.
pub struct Source {
    file: Option<File>,
    meta: Option<Metadata>,
}

impl Source {
    /// The input that was opened last, before it is looked at.
    ///
    /// # Errors
    /// That somebody has the lock.
    pub fn lock(inputs: &Opened) -> Result<Self, Failed> {
        let read = inputs.with_last(|input| {
            let file = input.file().and_then(|file| file.try_clone().ok());
            (file, input.meta().cloned())
        });
        let (file, meta) = read.unwrap_or_default();
        #[cfg(unix)]
        if let Some(file) = &file {
            use rustix::fs::{FlockOperation, flock};
            let locked = flock(file, FlockOperation::NonBlockingLockExclusive);
            // not all file systems have locks; that the file changed is seen without
            if locked == Err(rustix::io::Errno::WOULDBLOCK) {
                return Err(
                    "another process, such as a second binq -i, has locked it; try again when that is done"
                        .into(),
                );
            }
        }
        Ok(Self { file, meta })
    }
}

#[cfg(unix)]
impl Drop for Source {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // the input keeps the file open for longer
            let _ = rustix::fs::flock(file, rustix::fs::FlockOperation::Unlock);
        }
    }
}

/// Replace a file by encoded bytes; gives what is to be remarked of it.
///
/// # Errors
/// Those of the file system.
pub fn replace(
    path: &Path,
    source: &Source,
    encoded: &Encoded,
    inputs: &Opened,
    suffix: &OsStr,
) -> Result<Option<String>, Failed> {
    // a link stays one: the file that it leads to is replaced
    let path = fs::canonicalize(path)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    // a pipe or a device would be gone, and a file in its place
    let (Some(old_file), Some(old)) = (&source.file, &source.meta) else {
        return Err("not a regular file".into());
    };
    let backup = backup(&path, suffix)?;
    let staged = Staged::new(dir)?;
    let mut out = Blocks::new(BLOCK, staged.file());
    write_encoded(encoded, inputs, &mut out)?;
    out.flush()?;
    drop(out);
    attributes::copy(old_file, old, staged.file())?;
    staged.file().sync_all()?;
    unchanged(&path, old)?;
    if let Some(backup) = &backup {
        let kept = keep(&path, backup, old);
        kept.map_err(|e| format!("{}: {e}", shown(backup)))?;
        unchanged(&path, old)?;
    }
    staged.put(&path)?;
    sync(dir).map_err(|e| {
        Failed::Replaced(format!(
            "its folder cannot be synced: {e}; after a crash it may be the old one again"
        ))
    })?;
    Ok(parted(old))
}

/// The rename itself must outlast a crash.
fn sync(dir: &Path) -> io::Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // a file system that cannot
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// Whether a name still stands for the file that was read, as it was then.
///
/// # Errors
/// That it does not.
fn unchanged(path: &Path, old: &Metadata) -> Result<(), Failed> {
    let now = fs::metadata(path)?;
    match stamp(&now) == stamp(old) {
        true => Ok(()),
        false => Err("it was changed or replaced by another process while it was edited".into()),
    }
}

/// What tells a file from another one, or from itself after a change.
#[cfg(unix)]
fn stamp(meta: &Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt;
    let place = (meta.dev(), meta.ino());
    (place, meta.len(), meta.mtime(), meta.mtime_nsec())
}

#[cfg(not(unix))]
fn stamp(meta: &Metadata) -> impl PartialEq + use<> {
    (meta.len(), meta.modified().ok())
}

/// What is told where a file had several names.
fn parted(old: &Metadata) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let others = old.nlink().checked_sub(1).filter(|n| *n > 0)?;
        let names = match others {
            1 => "1 other name (hard links), which stands".to_owned(),
            n => format!("{n} other names (hard links), which stand"),
        };
        Some(format!("it had {names} for the old bytes still"))
    }
    #[cfg(not(unix))]
    {
        let _ = old;
        None
    }
}

/// Where the original is kept: `NAME` with the suffix after it, or, as sed has it, in place of each `*` in it.
fn backup(path: &Path, suffix: &OsStr) -> Result<Option<PathBuf>, Failed> {
    if suffix.is_empty() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default();
    let backup = path.with_file_name(backup_name(name, suffix));
    // under its own name, or by way of a folder or a link that leads back here, nothing would be kept
    match fs::canonicalize(&backup) {
        Ok(found) if found == path => {
            Err(format!("the suffix {suffix:?} names the file itself, and keeps nothing").into())
        }
        _ => Ok(Some(backup)),
    }
}

#[cfg(unix)]
fn backup_name(name: &OsStr, suffix: &OsStr) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let (name, suffix) = (name.as_bytes(), suffix.as_bytes());
    let parts: Vec<&[u8]> = suffix.split(|b| *b == b'*').collect();
    OsString::from_vec(match parts[..] {
        [suffix] => [name, suffix].concat(),
        _ => parts.join(name),
    })
}

#[cfg(not(unix))]
fn backup_name(name: &OsStr, suffix: &OsStr) -> OsString {
    let (name, suffix) = (name.to_string_lossy(), suffix.to_string_lossy());
    match suffix.contains('*') {
        true => suffix.replace('*', &name).into(),
        false => format!("{name}{suffix}").into(),
    }
}

/// Give the original a second name, in place of what has that name.
fn keep(path: &Path, backup: &Path, old: &Metadata) -> io::Result<()> {
    // it has it already
    if fs::symlink_metadata(backup).is_ok_and(|is| stamp(&is) == stamp(old)) && cfg!(unix) {
        return Ok(());
    }
    let dir = backup.parent().unwrap_or(Path::new("/"));
    // not all file systems have hard links
    staged::linked(path, backup).or_else(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => Err(e),
        _ => {
            let staged = Staged::new(dir)?;
            let from = File::open(path)?;
            io::copy(&mut &from, &mut staged.file())?;
            attributes::copy(&from, old, staged.file())?;
            staged.file().sync_all()?;
            staged.put(backup)
        }
    })
}
