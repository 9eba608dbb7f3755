//! JSON: written straight from values and nodes, and read.
mod bits;
mod color;
mod read;
mod write;

pub use bits::{BITS_FORMATS, BitsFormat, base32, base64, from_base32, from_base64, from_hex, hex};
pub use color::Colors;
pub use read::{ParseError, Reader, parse};
pub use write::{Indent, Options, is_obeyed, write};

use crate::value::V;
use std::io;

/// Deepest nesting that is written and read, as in jq.
pub const DEEPEST: usize = 10_000;

/// Takes a limited number of bytes, then fails: what stops the writing of a huge value early.
struct Bounded {
    buf: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, b: &[u8]) -> io::Result<usize> {
        let room = self.max - self.buf.len();
        if room == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let n = b.len().min(room);
        self.buf.extend_from_slice(&b[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The value as JSON text without line breaks.
pub fn to_text(v: &V) -> String {
    let mut buf = Vec::new();
    // writing to a vector does not fail
    _ = write(&mut buf, v, &Options::compact());
    into_text(buf)
}

/// The beginning of [`to_text`], at most `max` bytes. No more of the value is looked at than that takes.
pub fn to_text_bounded(v: &V, options: &Options, max: usize) -> String {
    let mut w = Bounded {
        buf: Vec::new(),
        max,
    };
    // fails where the bound is reached
    _ = write(&mut w, v, options);
    let mut buf = w.buf;
    // the bound may have split a character
    if let Err(e) = std::str::from_utf8(&buf) {
        buf.truncate(e.valid_up_to());
    }
    into_text(buf)
}

fn into_text(buf: Vec<u8>) -> String {
    String::from_utf8(buf).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
