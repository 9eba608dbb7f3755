//! The bytes of a file, mapped into memory.
//!
//! This is the one place of binq with unsafe code: every other crate forbids it.

use bytes::Bytes;
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read};

/// The bytes of an open file, without reading those that are never looked at; what is no regular file is read whole.
///
/// # Errors
/// Those of the file system.
pub fn bytes_of(mut file: File) -> io::Result<Bytes> {
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() == 0 {
        let mut all = Vec::new();
        file.read_to_end(&mut all)?;
        return Ok(all.into());
    }
    map(&file).map(Bytes::from_owner)
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
        assert!(bytes_of(file.reopen().unwrap()).unwrap().is_empty());
        file.write_all(b"wal").unwrap();
        assert_eq!(bytes_of(file.reopen().unwrap()).unwrap()[..], *b"wal");
    }
}
