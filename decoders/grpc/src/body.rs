//! Where the messages of a body are: each after a flag and its length.

use binq_core::Span;

/// Bytes before a message: compressed or not, and its length.
pub const PREFIX: u64 = 5;

/// A message with its prefix.
#[derive(Clone, Copy, Debug)]
pub struct Prefixed {
    /// First byte of the prefix.
    pub at: u64,
    /// What it says that the length is.
    pub said: u64,
    /// The length that is there.
    pub len: u64,
}

impl Prefixed {
    /// Whether all of it is there.
    pub fn is_whole(&self) -> bool {
        self.said == self.len
    }

    /// First byte after it.
    pub fn end(&self) -> u64 {
        self.at + PREFIX + self.len
    }

    /// The message without its prefix.
    pub fn span(&self) -> Span {
        Span::bytes(self.at + PREFIX, self.len)
    }
}

/// The messages of a body.
pub fn messages(
    read: impl Fn(u64, u64) -> Vec<u8>,
    len: u64,
    breaks: &[Span],
) -> impl Iterator<Item = Prefixed> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = next(&read, len, breaks, at)?;
        at = found.end();
        Some(found)
    })
}

/// The next message from a byte on.
///
/// It is not known how many bytes are missing at a break. What follows it is taken for messages where it is filled by them up to
/// the next break, or to the end.
pub fn next(
    read: &impl Fn(u64, u64) -> Vec<u8>,
    len: u64,
    breaks: &[Span],
    mut at: u64,
) -> Option<Prefixed> {
    let mut i = breaks.partition_point(|b| b.end_byte() <= at);
    loop {
        let gap = breaks.get(i);
        let end = gap.map_or(len, |b| b.first_byte());
        if let Some(found) = one(read, at, end) {
            return Some(found);
        }
        // the next run that is all messages
        loop {
            at = breaks.get(i)?.end_byte();
            i += 1;
            let end = breaks.get(i).map_or(len, |b| b.first_byte());
            if is_filled(read, at, end) {
                break;
            }
        }
    }
}

/// The message at a byte, if all of its prefix is there.
fn one(read: &impl Fn(u64, u64) -> Vec<u8>, at: u64, end: u64) -> Option<Prefixed> {
    let left = end.checked_sub(at + PREFIX)?;
    let head: [u8; 5] = read(at, PREFIX).try_into().ok()?;
    let said = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
    let len = said.min(left);
    Some(Prefixed { at, said, len })
}

/// Whether bytes are whole messages, with flags that messages have.
fn is_filled(read: &impl Fn(u64, u64) -> Vec<u8>, mut at: u64, end: u64) -> bool {
    while at < end {
        let flags = read(at, 1).first().copied();
        match one(read, at, end) {
            Some(found) if found.is_whole() && flags <= Some(1) => at = found.end(),
            _ => return false,
        }
    }
    true
}
