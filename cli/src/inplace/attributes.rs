//! What belongs to a file beside its bytes: owner, mode, extended attributes, access control lists.

use super::Failed;
use std::fs::{File, Metadata};

/// Give a new file what the old one has.
///
/// # Errors
/// What cannot be kept.
pub fn copy(from: &File, old: &Metadata, to: &File) -> std::io::Result<()> {
    let told = |e: Failed| match e {
        Failed::Unchanged(why) | Failed::Replaced(why) => std::io::Error::other(why),
    };
    // a change of the owner takes bits of the mode and capabilities away, so it comes first
    owner(old, to).map_err(told)?;
    to.set_permissions(old.permissions())?;
    extended(from, to).map_err(told)
}

#[cfg(unix)]
fn owner(old: &Metadata, to: &File) -> Result<(), Failed> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let is = to.metadata()?;
    if (is.uid(), is.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(to, Some(old.uid()), Some(old.gid()))
        .map_err(|e| format!("its owner and group cannot be kept: {e}").into())
}

#[cfg(not(unix))]
fn owner(_: &Metadata, _: &File) -> Result<(), Failed> {
    Ok(())
}

/// Extended attributes; access control lists are some of them (`system.posix_acl_access`).
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn extended(from: &File, to: &File) -> Result<(), Failed> {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr};
    let theirs = names(from);
    for name in names(to) {
        // a list that the folder gives to new files
        if !theirs.contains(&name) && is_kept(&name) {
            let _ = fremovexattr(to, &*name);
        }
    }
    for name in theirs.iter().filter(|name| is_kept(name)) {
        let Some(value) = value(from, name) else {
            continue;
        };
        if self::value(to, name).as_ref() != Some(&value) {
            fsetxattr(to, &**name, &value, XattrFlags::empty()).map_err(|e| {
                let name = String::from_utf8_lossy(name);
                format!(
                    "its attribute {name} cannot be kept: {}",
                    std::io::Error::from(e)
                )
            })?;
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn extended(_: &File, _: &File) -> Result<(), Failed> {
    Ok(())
}

/// Hashes and signatures of the old bytes are not those of the new ones.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn is_kept(name: &[u8]) -> bool {
    !matches!(name, b"security.ima" | b"security.evm")
}

/// The names of a file's attributes; none where the file system has no such thing.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn names(file: &File) -> Vec<Vec<u8>> {
    let list = filled(|buf| rustix::fs::flistxattr(file, buf));
    let list = list.unwrap_or_default();
    let names = list.split(|b| *b == 0).filter(|name| !name.is_empty());
    names.map(<[u8]>::to_vec).collect()
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn value(file: &File, name: &[u8]) -> Option<Vec<u8>> {
    filled(|buf| rustix::fs::fgetxattr(file, name, buf))
}

/// What the system writes into a buffer, which grows until it is large enough.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn filled(read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> Option<Vec<u8>> {
    let mut buf = vec![0; 1 << 12];
    loop {
        match read(&mut buf) {
            Ok(len) => {
                buf.truncate(len);
                return Some(buf);
            }
            Err(rustix::io::Errno::RANGE) if buf.len() < 1 << 24 => buf.resize(buf.len() * 4, 0),
            Err(_) => return None,
        }
    }
}
