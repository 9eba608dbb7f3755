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
    let old = File::open(&path)?.metadata()?;
    let mut new = tempfile::Builder::new().prefix(".binq-").tempfile_in(dir)?;
    let mut out = Blocks::new(BLOCK, new.as_file_mut());
    write_encoded(encoded, input, &mut out)?;
    out.flush()?;
    drop(out);
    same_owner(new.as_file(), &old)?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    if !suffix.is_empty() {
        keep(&path, suffix)?;
    }
    new.persist(&path)?;
    // the rename itself must outlast a crash
    File::open(dir)?.sync_all()
}

/// Give the original a second name, `NAME` with the suffix after it, or, as sed has it, in place of each `*` in it.
fn keep(path: &Path, suffix: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let backup: PathBuf = path.with_file_name(match suffix.contains('*') {
        true => suffix.replace('*', &name),
        false => format!("{name}{suffix}"),
    });
    match fs::remove_file(&backup) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // not all file systems have hard links
    fs::hard_link(path, &backup).or_else(|_| fs::copy(path, &backup).map(|_| ()))
}

#[cfg(unix)]
fn same_owner(new: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let is = new.metadata()?;
    if (is.uid(), is.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn same_owner(_new: &File, _old: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
