//! Writing in whole blocks, which each end at a multiple of their size.
//!
//! Writes that begin in the middle of a page cost the system twice as much as others: after an edit that moves the rest of a
//! large file by some bytes, all of them would.

use binq_mapped::Mapped;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

/// Small enough to stay in a processor's cache between reading and writing, as that of `cp`: larger ones were slower.
pub const BLOCK: usize = 1 << 17;

/// Where a page of a file begins.
const PAGE: u64 = 1 << 12;

/// Something that is written to; what is a file can take a run of another one without a detour.
pub trait Sink: Write {
    /// Take this run of a file.
    ///
    /// # Errors
    /// Those of both files.
    fn take(&mut self, from: &Mapped, run: Range<u64>) -> io::Result<()>;

    /// Whether it is a file.
    fn is_file(&self) -> bool {
        true
    }
}

impl Sink for File {
    fn take(&mut self, from: &Mapped, run: Range<u64>) -> io::Result<()> {
        from.send(run, self)
    }
}

impl Sink for &File {
    fn take(&mut self, from: &Mapped, run: Range<u64>) -> io::Result<()> {
        from.send(run, self)
    }
}

/// A writer that holds back what does not fill a block.
pub struct Blocks<W: Sink> {
    inner: W,
    block: Vec<u8>,
    /// What is in the block and not written: from the first of these places to the second.
    held: (usize, usize),
}

impl<W: Sink> Blocks<W> {
    /// Blocks of this size.
    pub fn new(size: usize, inner: W) -> Self {
        Self {
            inner,
            block: vec![0; size],
            held: (0, 0),
        }
    }

    /// Write a run that is part of a mapped file, without a look at its mapping: so its pages need not be mapped. Where its
    /// pages are pages of the output as well, the system copies them.
    ///
    /// # Errors
    /// Those of the file and of the writer.
    pub fn copy(&mut self, file: &Mapped, mut run: Range<u64>) -> io::Result<()> {
        if self.inner.is_file() && self.held.1 as u64 % PAGE == run.start % PAGE {
            self.drain()?;
            let len = run.end - run.start;
            self.inner.take(file, run)?;
            let end = (self.held.1 as u64 + len) % self.block.len() as u64;
            self.held = (end as usize, end as usize);
            return Ok(());
        }
        while run.start < run.end {
            let (_, end) = self.held;
            let rest = run.end - run.start;
            let n = usize::try_from(rest).map_or(self.block.len() - end, |rest| {
                rest.min(self.block.len() - end)
            });
            file.read_exact_at(&mut self.block[end..end + n], run.start)?;
            run.start += n as u64;
            self.grow(n)?;
        }
        Ok(())
    }

    /// So many more bytes are in the block.
    fn grow(&mut self, n: usize) -> io::Result<()> {
        self.held.1 += n;
        if self.held.1 == self.block.len() {
            self.drain()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        let (start, end) = self.held;
        // what failed once is not written again
        self.held = if end == self.block.len() {
            (0, 0)
        } else {
            (end, end)
        };
        self.inner.write_all(&self.block[start..end])
    }
}

impl<W: Sink> Write for Blocks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (_, end) = self.held;
        let n = bytes.len().min(self.block.len() - end);
        self.block[end..end + n].copy_from_slice(&bytes[..n]);
        self.grow(n)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.inner.flush()
    }
}

impl<W: Sink> Drop for Blocks<W> {
    fn drop(&mut self) {
        // whoever wants to know of an error flushes before
        let _ = self.drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of what is written.
    #[derive(Default)]
    struct Sizes(Vec<usize>, Vec<u8>);

    impl Sink for &mut Sizes {
        fn take(&mut self, _: &Mapped, _: Range<u64>) -> io::Result<()> {
            unreachable!("it is no file")
        }

        fn is_file(&self) -> bool {
            false
        }
    }

    impl Write for &mut Sizes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                self.0.push(bytes.len());
            }
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn blocks_end_where_they_should() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text: Vec<u8> = (0..100).collect();
        file.write_all(&text).unwrap();
        let mapped = Mapped::new(file.reopen().unwrap(), "").unwrap();
        let run = mapped.run(&mapped.bytes().slice(3..50)).unwrap();
        assert_eq!(run, 3..50);
        assert!(mapped.run(&text[3..50]).is_none());
        let mut sizes = Sizes::default();
        let mut out = Blocks::new(16, &mut sizes);
        out.write_all(b"head").unwrap();
        out.copy(&mapped, run).unwrap();
        out.flush().unwrap();
        out.write_all(&text[50..80]).unwrap();
        drop(out);
        assert_eq!(sizes.0, [16, 16, 16, 3, 13, 16, 1]);
        assert_eq!(sizes.1, [b"head", &text[3..80]].concat());
    }
}
