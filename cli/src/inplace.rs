//! Writing a result back to its file: all of it, or nothing.

use crate::blocks::{BLOCK, Blocks};
use crate::input::Current;
use crate::output::write_encoded;
use binq_core::encode::Encoded;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replace a file by encoded bytes: written beside it, synced, and renamed over it. Whatever happens, the name stands for
/// the old bytes or for the new ones, whole.
///
/// # Errors
/// Those of the file system; the original is then as it was.
pub fn replace(path: &Path, encoded: &Encoded, input: &Current, suffix: &str) -> io::Result<()> {
    // a link stays one: the file that it leads to is replaced
    let path = fs::canonicalize(path)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let old = fs::metadata(&path)?;
    // a pipe or a device would be gone, and a file in its place
    if !old.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let backup = backup(&path, suffix)?;
    let mut new = tempfile::Builder::new().prefix(".binq-").tempfile_in(dir)?;
    let mut out = Blocks::new(BLOCK, new.as_file_mut());
    write_encoded(encoded, input, &mut out)?;
    out.flush()?;
    drop(out);
    same_owner(new.as_file(), &old)?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    if let Some(backup) = backup {
        keep(&path, &backup)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", backup.display())))?;
    }
    new.persist(&path)?;
    // the rename itself must outlast a crash
    File::open(dir)?.sync_all()
}

/// Where the original is kept: `NAME` with the suffix after it, or, as sed has it, in place of each `*` in it.
fn backup(path: &Path, suffix: &str) -> io::Result<Option<PathBuf>> {
    if suffix.is_empty() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let backup = path.with_file_name(match suffix.contains('*') {
        true => suffix.replace('*', &name),
        false => format!("{name}{suffix}"),
    });
    // under its own name, or by way of a folder that leads back here, the original would be removed to make room for itself
    match fs::canonicalize(&backup) {
        Ok(found) if found == path && !fs::symlink_metadata(&backup)?.is_symlink() => {
            Err(io::Error::other(format!(
                "the suffix {suffix:?} names the file itself, and keeps nothing"
            )))
        }
        _ => Ok(Some(backup)),
    }
}

/// Give the original a second name.
fn keep(path: &Path, backup: &Path) -> io::Result<()> {
    match fs::remove_file(backup) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // not all file systems have hard links
    fs::hard_link(path, backup).or_else(|_| fs::copy(path, backup).map(|_| ()))
}

#[cfg(unix)]
fn same_owner(new: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let is = new.metadata()?;
    if (is.uid(), is.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
        .map_err(|e| io::Error::new(e.kind(), format!("its owner and group cannot be kept: {e}")))
}

#[cfg(not(unix))]
fn same_owner(_new: &File, _old: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
