//! The bytes of a file, mapped into memory.
//!
//! This is the one place of binq with unsafe code: every other crate forbids it.

mod resident;
mod shrunk;
mod standard;
mod stream;

use bytes::Bytes;
use memmap2::Mmap;
pub use resident::Resident;
pub use shrunk::{EXIT, Shrunk};
#[cfg(unix)]
pub use standard::is_ignored;
pub use standard::{Standard, was_closed};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Weak};
use stream::All;

/// An input: its bytes, and the file that they are of.
pub struct Mapped {
    bytes: Bytes,
    /// Name of the file, as messages show it.
    name: String,
    /// The file, where it is a regular one.
    file: Option<File>,
    /// What the file was when it was opened.
    meta: Option<Metadata>,
    map: Option<Arc<Map>>,
    /// What the bytes hold as long as somebody has a part of them.
    held: Weak<()>,
    resident: Option<Arc<Resident>>,
}

impl Mapped {
    /// The bytes of an open file, without reading those that are never looked at. What is no regular file is read to its end:
    /// to memory, or to a temporary file if it is long. One that was read from before begins where that ended.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(mut file: File, name: &str) -> io::Result<Self> {
        let meta = file.metadata()?;
        let begun = meta.is_file() && file.stream_position()? != 0;
        if meta.is_file() && meta.len() > 0 && !begun {
            return Self::of(file, name, Some(meta));
        }
        let all = stream::read(&mut file, tempfile::tempfile)?;
        match all {
            All::File(spilled) => Self::of(spilled, name, None),
            All::Bytes(bytes) => Ok(Self {
                bytes: bytes.into(),
                name: name.to_owned(),
                file: (meta.is_file() && !begun).then_some(file),
                meta: (meta.is_file() && !begun).then_some(meta),
                map: None,
                held: Weak::new(),
                resident: None,
            }),
        }
    }

    /// What is mapped.
    fn of(file: File, name: &str, meta: Option<Metadata>) -> io::Result<Self> {
        let map = Arc::new(Map::new(&file, name)?);
        let owner = Owner(map.clone(), Arc::default());
        Ok(Self {
            resident: Resident::of(&map).map(Arc::new),
            held: Arc::downgrade(&owner.1),
            bytes: Bytes::from_owner(owner),
            name: name.to_owned(),
            file: Some(file),
            meta,
            map: Some(map),
        })
    }

    /// Whether the file still has all the bytes that it had.
    ///
    /// # Errors
    /// That it is shorter, as [`Shrunk`].
    pub fn check(&self) -> io::Result<()> {
        let (Some(file), Some(map)) = (&self.file, &self.map) else {
            return Ok(());
        };
        let is = file.metadata()?.len();
        match is < map.map.len() as u64 {
            true => Err(self.shrunk(is).into()),
            false => Ok(()),
        }
    }

    fn shrunk(&self, at: u64) -> Shrunk {
        Shrunk {
            name: self.name.clone(),
            at,
            had: self.map.as_ref().map_or(0, |m| m.map.len() as u64),
        }
    }

    /// Name of the file, as messages show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file, where the input is a regular one.
    pub fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// What a regular file was when it was opened; nothing for what was read from a pipe.
    pub fn meta(&self) -> Option<&Metadata> {
        self.meta.as_ref()
    }

    /// Let go of the bytes, but not of the file: it is still checked, and copied from, for whoever has a part of the bytes.
    pub fn let_go(&mut self) {
        self.bytes = Bytes::new();
    }

    /// Whether nobody has a part of what is mapped.
    pub fn is_done(&self) -> bool {
        self.map.is_none() || self.held.strong_count() == 0
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
        let map = self.map.as_ref().filter(|_| cfg!(unix))?;
        let whole = map.map.as_ptr_range();
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
    pub fn send(&self, run: Range<u64>, mut to: &File) -> io::Result<()> {
        let len = run.end - run.start;
        let sent = match self.file.as_ref().filter(|_| self.map.is_some()) {
            Some(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(run.start))?;
                io::copy(&mut file.take(len), &mut to)?
            }
            None => {
                let all = &self.bytes[..];
                let part = all.get(run.start as usize..run.end as usize);
                io::copy(&mut part.unwrap_or_default(), &mut to)?
            }
        };
        match sent == len {
            true => Ok(()),
            false => Err(self.shrunk(run.start + sent).into()),
        }
    }

    /// Read bytes of the file without mapping them.
    ///
    /// # Errors
    /// Those of the file system; a file that became shorter.
    pub fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(file) = self.file.as_ref().filter(|_| self.map.is_some()) {
            let read = std::os::unix::fs::FileExt::read_exact_at(file, into, at);
            return read.map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => {
                    let is = file.metadata().map_or(at, |m| m.len());
                    self.shrunk(is).into()
                }
                _ => e,
            });
        }
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..));
        let run = rest.and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(run.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // the bytes may outlive the open file
        #[cfg(unix)]
        if let Some(map) = &self.map {
            map.slot.close();
        }
    }
}

/// A mapping, which [`shrunk`] knows of.
struct Map {
    map: Mmap,
    #[cfg(unix)]
    slot: &'static shrunk::Slot,
}

impl Map {
    #[allow(unsafe_code)]
    fn new(file: &File, name: &str) -> io::Result<Self> {
        // SAFETY: the mapping is private and read-only. What remains is that another process may write to or truncate the
        // file while it is mapped. binq replaces files by renaming and never writes to one that it has mapped; a log that a
        // server goes on writing to may change under us, and the decoders, which trust no byte, then see other bytes. What
        // happens with a file that is truncated is told in `shrunk`.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self {
            #[cfg(unix)]
            slot: shrunk::Slot::enter(&map, file, name),
            map,
        })
    }
}

#[cfg(unix)]
impl Drop for Map {
    fn drop(&mut self) {
        self.slot.leave();
    }
}

struct Owner(Arc<Map>, Arc<()>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[cfg(unix)]
    #[test]
    fn a_mapping_that_went_leaves_its_slot() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"a file").unwrap();
        let open = || Mapped::new(file.reopen().unwrap(), "a file").unwrap();
        let all: Vec<_> = (0..10).map(|_| open()).collect();
        drop(all);
        let before = shrunk::slots();
        for _ in 0..100 {
            drop(open());
        }
        // other tests map files meanwhile
        let (slots, taken) = shrunk::slots();
        assert!(slots < before.0 + 20, "{slots} slots, {} before", before.0);
        assert!(taken < 20, "{taken} of {slots} slots are taken");
    }

    #[test]
    fn a_file_and_an_empty_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let empty = Mapped::new(file.reopen().unwrap(), "a file").unwrap();
        assert!(empty.bytes().is_empty());
        file.write_all(b"a file").unwrap();
        let mut mapped = Mapped::new(file.reopen().unwrap(), "a file").unwrap();
        assert_eq!(mapped.bytes()[..], *b"a file");
        let part = mapped.bytes().slice(2..6);
        let run = mapped.run(&part);
        assert_eq!(run, cfg!(unix).then_some(2..6));
        let mut read = [0; 4];
        assert!(!mapped.is_done());
        mapped.let_go();
        assert!(!mapped.is_done());
        assert_eq!(mapped.run(&part), run);
        drop(part);
        assert!(mapped.is_done());
        mapped.read_exact_at(&mut read, 2).unwrap();
        assert_eq!(read, *b"file");
        assert!(mapped.read_exact_at(&mut read, 3).is_err());
        let mut copy = tempfile::tempfile().unwrap();
        mapped.send(2..6, &copy).unwrap();
        assert!(mapped.send(6..9, &copy).is_err());
        copy.rewind().unwrap();
        let mut sent = String::new();
        copy.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "file");
    }

    #[test]
    fn one_that_became_shorter() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[7; 5000]).unwrap();
        let mapped = Mapped::new(file.reopen().unwrap(), "NAME").unwrap();
        mapped.check().unwrap();
        file.as_file().set_len(4500).unwrap();
        let told = |e: io::Error| Shrunk::of(&e).cloned().expect("it says so");
        let shrunk = told(mapped.check().unwrap_err());
        assert_eq!((shrunk.at, shrunk.had), (4500, 5000));
        assert!(shrunk.to_string().starts_with("NAME: became shorter"));
        // the rest of the page reads as zeros, and nothing but the check tells
        assert_eq!(mapped.bytes()[4600], 0);
        let copy = tempfile::tempfile().unwrap();
        assert_eq!(told(mapped.send(4000..5000, &copy).unwrap_err()), shrunk);
        #[cfg(unix)]
        assert_eq!(
            told(mapped.read_exact_at(&mut [0; 9], 4496).unwrap_err()),
            shrunk
        );
        // one that grows is none
        file.as_file().set_len(6000).unwrap();
        mapped.check().unwrap();
    }

    #[test]
    fn one_that_was_read_from_before() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"a file").unwrap();
        let mut begun = file.reopen().unwrap();
        begun.seek(SeekFrom::Start(2)).unwrap();
        let mapped = Mapped::new(begun, "").unwrap();
        assert_eq!(mapped.bytes()[..], *b"file");
        assert!(mapped.run(mapped.bytes()).is_none() && mapped.meta().is_none());
    }
}
