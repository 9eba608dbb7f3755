//! The bytes of a file, mapped into memory.
//!
//! This is the one place of binq with unsafe code: every other crate forbids it.

mod resident;

use bytes::Bytes;
use memmap2::Mmap;
pub use resident::Resident;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// An input: its bytes, and the file that they are of.
pub struct Mapped {
    bytes: Bytes,
    /// Of what is mapped: the file.
    file: Option<File>,
    resident: Option<Arc<Resident>>,
}

impl Mapped {
    /// The bytes of an open file, without reading those that are never looked at; what is no regular file is read whole.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(mut file: File) -> io::Result<Self> {
        let meta = file.metadata()?;
        if !meta.is_file() || meta.len() == 0 {
            let mut all = Vec::new();
            file.read_to_end(&mut all)?;
            return Ok(Self {
                bytes: all.into(),
                file: None,
                resident: None,
            });
        }
        let map = Arc::new(map(&file)?);
        Ok(Self {
            resident: Resident::of(&map).map(Arc::new),
            bytes: Bytes::from_owner(Owner(map)),
            file: cfg!(unix).then_some(file),
        })
    }

    /// The bytes; a copy of this shares them.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What holds as many of the bytes in memory as are needed; nothing for a file that is small, or was read whole.
    pub fn resident(&self) -> Option<&Arc<Resident>> {
        self.resident.as_ref()
    }

    /// Where in the file these bytes lie, if they are a part of what is mapped, and not just equal to it.
    pub fn run(&self, part: &[u8]) -> Option<Range<u64>> {
        self.file.as_ref()?;
        let whole = self.bytes.as_ptr_range();
        let part = part.as_ptr_range();
        if part.start < whole.start || part.end > whole.end {
            return None;
        }
        let at = |p: *const u8| (p.addr() - whole.start.addr()) as u64;
        Some(at(part.start)..at(part.end))
    }

    /// Write bytes of the file to another one, without mapping them; the system may copy them by itself.
    ///
    /// # Errors
    /// Those of both files; a file that became shorter.
    pub fn send(&self, run: Range<u64>, to: &mut File) -> io::Result<()> {
        let len = run.end - run.start;
        let sent = match &self.file {
            Some(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(run.start))?;
                io::copy(&mut file.take(len), to)?
            }
            None => {
                let all = &self.bytes[..];
                let part = all.get(run.start as usize..run.end as usize);
                io::copy(&mut part.unwrap_or_default(), to)?
            }
        };
        match sent == len {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Read bytes of the file without mapping them.
    ///
    /// # Errors
    /// Those of the file system; a file that became shorter.
    pub fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(file) = &self.file {
            return std::os::unix::fs::FileExt::read_exact_at(file, into, at);
        }
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..));
        let run = rest.and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(run.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
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
        let empty = Mapped::new(file.reopen().unwrap()).unwrap();
        assert!(empty.bytes().is_empty());
        file.write_all(b"a file").unwrap();
        let mapped = Mapped::new(file.reopen().unwrap()).unwrap();
        assert_eq!(mapped.bytes()[..], *b"a file");
        let part = mapped.bytes().slice(2..6);
        let run = mapped.run(&part);
        assert_eq!(run, cfg!(unix).then_some(2..6));
        let mut read = [0; 4];
        mapped.read_exact_at(&mut read, 2).unwrap();
        assert_eq!(read, *b"file");
        assert!(mapped.read_exact_at(&mut read, 3).is_err());
        let mut copy = tempfile::tempfile().unwrap();
        mapped.send(2..6, &mut copy).unwrap();
        assert!(mapped.send(6..9, &mut copy).is_err());
        copy.rewind().unwrap();
        let mut sent = String::new();
        copy.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "file");
    }
}
