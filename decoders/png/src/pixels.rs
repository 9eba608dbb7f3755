//! The pixels: the data of all IDAT chunks is one stream of zlib (10.1). They stay bytes; what a reader would stop at is told.

use crate::checks::bytes_of_rows;
use binq_core::{Malformed, Severity, Space};
use flate2::{Decompress, FlushDecompress, Status};

/// As many bytes are read, and inflated, at once.
const PART: u64 = 64 << 10;

/// What is wrong with the stream that begins in the chunk at that byte of the file. Nothing is kept of what it inflates to.
pub fn wrong(file: &Space, first: u64) -> Option<Malformed> {
    let rows = bytes_of_rows(file)?;
    // the checksum is compared here: what is wrong with it alone costs no pixel
    let mut inflate = Decompress::new(false);
    let mut sum = adler2::Adler32::new();
    let mut parts = Parts::of(file, first);
    let head = parts.take(2);
    let stopped = |at: u64, found: String| Some(Malformed::new(at, "a stream of zlib", found));
    // RFC 1950, 2.2: deflate, and a check of the two bytes
    if head.len() < 2
        || head[0] & 15 != 8
        || !u16::from_be_bytes([head[0], head[1]]).is_multiple_of(31)
        || head[1] & 32 != 0
    {
        return stopped(first + 8, format!("{head:02x?}"));
    }
    let mut out = vec![0; PART as usize];
    loop {
        let part = parts.peek();
        if part.is_empty() && parts.left > 0 {
            // the chunk tells that it is cut
            return None;
        }
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(&part, &mut out, FlushDecompress::None);
        let used = inflate.total_in() - before.0;
        let made = (inflate.total_out() - before.1) as usize;
        sum.write_slice(&out[..made]);
        let at = parts.at;
        parts.pass(used);
        match status {
            Err(e) => return stopped(at, e.to_string()),
            Ok(Status::StreamEnd) => break,
            // a reader takes no more than the rows
            _ if inflate.total_out() > rows => return None,
            _ if used == 0 && made == 0 => {
                let found = format!("{} bytes, before the stream ends", inflate.total_out());
                return stopped(at, found);
            }
            _ => {}
        }
    }
    if inflate.total_out() < rows {
        let found = format!("{} bytes", inflate.total_out());
        return Some(Malformed::new(
            first + 8,
            format!("{rows} bytes of pixels"),
            found,
        ));
    }
    let at = parts.at;
    let right = sum.checksum();
    let is = parts
        .take(4)
        .first_chunk()
        .map(|sum| u32::from_be_bytes(*sum));
    let found = is.map_or("none".to_owned(), |is| is.to_string());
    let wrong = || Malformed::new(at, format!("the checksum {right} of the pixels"), found);
    (is != Some(right)).then(|| wrong().with(Severity::Damage))
}

/// The data of chunks of pixels that follow each other.
struct Parts<'a> {
    file: &'a Space,
    /// The next byte, and how many there are in its chunk.
    at: u64,
    left: u64,
}

impl<'a> Parts<'a> {
    fn of(file: &'a Space, chunk: u64) -> Self {
        let mut parts = Self {
            file,
            at: chunk,
            left: 0,
        };
        parts.enter();
        parts
    }

    /// Go into the chunk that begins here, if it is one of pixels.
    fn enter(&mut self) -> bool {
        let head = self.file.read(self.at, 8);
        let is_one = head.get(4..) == Some(b"IDAT");
        if let (true, Some(len)) = (is_one, head.first_chunk()) {
            self.left = u32::from_be_bytes(*len).into();
            self.at += 8;
        }
        is_one
    }

    /// The next bytes that stand together; none at the end.
    fn peek(&mut self) -> std::borrow::Cow<'a, [u8]> {
        while self.left == 0 {
            // over the checksum
            self.at += 4;
            if !self.enter() {
                self.at -= 4;
                return (&[][..]).into();
            }
        }
        self.file.read(self.at, self.left.min(PART))
    }

    fn pass(&mut self, bytes: u64) {
        self.at += bytes;
        self.left -= bytes;
    }

    /// Some bytes, which may lie in several chunks; fewer at the end.
    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < bytes {
            let part = self.peek();
            let n = part.len().min(bytes - out.len());
            if n == 0 {
                break;
            }
            out.extend(&part[..n]);
            self.pass(n as u64);
        }
        out
    }
}
