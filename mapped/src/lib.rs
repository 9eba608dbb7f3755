//! The bytes of a file, mapped into memory.
//!
//! This is the one place of binq with unsafe code: every other crate forbids it.

mod resident;

use bytes::Bytes;
use memmap2::Mmap;
pub use resident::Resident;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// The bytes of a file.
pub struct Mapped {
    /// All of them.
    pub bytes: Bytes,
    /// What holds as many of them in memory as are needed; nothing for a file that is small, or was read whole.
    pub resident: Option<Arc<Resident>>,
}

/// The bytes of an open file, without reading those that are never looked at; what is no regular file is read whole.
///
/// # Errors
/// Those of the file system.
pub fn bytes_of(mut file: File) -> io::Result<Mapped> {
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() == 0 {
        let mut all = Vec::new();
        file.read_to_end(&mut all)?;
        let bytes = all.into();
        return Ok(Mapped {
            bytes,
            resident: None,
        });
    }
    let map = Arc::new(map(&file)?);
    Ok(Mapped {
        resident: Resident::of(&map).map(Arc::new),
        bytes: Bytes::from_owner(Owner(map)),
    })
}

struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping is private and read-only. What remains is that another process may write to or truncate the
    // file while it is mapped. binq replaces files by renaming and never writes to one that it has mapped; a log that a
    // server goes on writing to may change under us, and the decoders, which trust no byte, then see other bytes. A file
    // that is truncated while it is read ends the process with SIGBUS, as it does with other tools that map files.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_and_an_empty_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        assert!(bytes_of(file.reopen().unwrap()).unwrap().bytes.is_empty());
        file.write_all(b"wal").unwrap();
        assert_eq!(bytes_of(file.reopen().unwrap()).unwrap().bytes[..], *b"wal");
    }
}
