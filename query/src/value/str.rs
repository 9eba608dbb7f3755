//! Strings: short ones inline, long ones as slices of shared bytes.
use bytes::{Bytes, BytesMut};
use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// The longest string kept inline. Field names and symbols nearly always fit.
const INLINE: usize = 22;

/// The bytes of a string, 24 bytes wide.
///
/// Whether they are meant as text is said by the value that holds them, not here.
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    Short(u8, [u8; INLINE]),
    Long(Arc<Long>),
}

/// A long string, and whether it was found to be ASCII: positions in a text that is are those of its bytes, and a query may
/// ask for many of them.
struct Long {
    bytes: Bytes,
    ascii: AtomicU8,
    /// How many characters it has, and one more: 0 is not counted yet.
    chars: AtomicU64,
    /// The last position that was asked for: a character in the upper half, its first byte in the lower one. The next one is
    /// looked for from there, as queries go through texts from one end to the other.
    last: AtomicU64,
    /// As in [`MARK`].
    is_bytes: bool,
}

/// The bit of a short string's length that is set for a key that was given as bytes.
const MARK: u8 = 0x80;

/// For a string that is no UTF-8.
const NO_TEXT: u64 = u64::MAX;

/// Whether a byte of UTF-8 is the first one of its character.
fn begins(b: u8) -> bool {
    b & 0xc0 != 0x80
}

const UNKNOWN: u8 = 0;
const ASCII: u8 = 1;
const OTHER: u8 = 2;

fn long(bytes: Bytes, ascii: u8) -> Repr {
    Repr::Long(Arc::new(Long {
        bytes,
        ascii: AtomicU8::new(ascii),
        chars: AtomicU64::new(0),
        last: AtomicU64::new(0),
        is_bytes: false,
    }))
}

impl Str {
    /// Copies short bytes inline, shares long ones.
    pub fn new(b: Bytes) -> Self {
        if b.len() <= INLINE {
            Self::short(&b)
        } else {
            Self(long(b, UNKNOWN))
        }
    }

    /// The string with more at its end. Where nothing else holds it, it grows in place, so that to append again and again
    /// is not quadratic.
    pub fn append(self, more: &[u8]) -> Self {
        let (bytes, ascii) = match self.0 {
            Repr::Long(l) => match Arc::try_unwrap(l) {
                Ok(l) => (l.bytes, l.ascii.into_inner()),
                Err(l) => (l.bytes.clone(), l.ascii.load(Relaxed)),
            },
            Repr::Short(..) => return [&self[..], more].concat().into(),
        };
        let ascii = match (ascii, more.len() <= INLINE && more.is_ascii()) {
            (ASCII, true) => ASCII,
            (OTHER, _) => OTHER,
            _ => UNKNOWN,
        };
        let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| {
            let mut copy = BytesMut::with_capacity((shared.len() + more.len()) * 3 / 2);
            copy.extend_from_slice(&shared);
            copy
        });
        bytes.extend_from_slice(more);
        Self(long(bytes.freeze(), ascii))
    }

    /// Whether there is nothing but ASCII. It is looked for once.
    pub fn is_ascii(&self) -> bool {
        match &self.0 {
            Repr::Short(..) => self[..].is_ascii(),
            Repr::Long(l) => match l.ascii.load(Relaxed) {
                UNKNOWN => {
                    let ascii = l.bytes.is_ascii();
                    l.ascii.store(if ascii { ASCII } else { OTHER }, Relaxed);
                    ascii
                }
                known => known == ASCII,
            },
        }
    }

    /// How many characters there are, if it is text. They are counted once.
    pub fn chars(&self) -> Option<usize> {
        let count = || Some(std::str::from_utf8(self).ok()?.chars().count());
        let Repr::Long(l) = &self.0 else {
            return count();
        };
        let known = match l.chars.load(Relaxed) {
            0 => {
                let counted = count().map_or(NO_TEXT, |n| n as u64 + 1);
                l.chars.store(counted, Relaxed);
                counted
            }
            known => known,
        };
        (known != NO_TEXT).then(|| known as usize - 1)
    }

    /// The first byte of a character of a text, or its end.
    pub fn char_start(&self, char: usize) -> usize {
        let (mut at, mut byte) = match &self.0 {
            Repr::Long(l) => {
                let last = l.last.load(Relaxed);
                ((last >> 32) as usize, last as u32 as usize)
            }
            Repr::Short(..) => (0, 0),
        };
        // the ends may be nearer
        if char < at / 2 {
            (at, byte) = (0, 0);
        }
        if let Some(count) = self.chars()
            && char.abs_diff(at) > count.abs_diff(char)
        {
            (at, byte) = (count, self.len());
        }
        let forth = |byte: &mut usize| {
            *byte += 1;
            while self.get(*byte).is_some_and(|b| !begins(*b)) {
                *byte += 1;
            }
        };
        while at < char && byte < self.len() {
            forth(&mut byte);
            at += 1;
        }
        while at > char {
            byte -= 1;
            while !begins(self[byte]) {
                byte -= 1;
            }
            at -= 1;
        }
        if let (Repr::Long(l), Ok(_)) = (&self.0, u32::try_from(self.len())) {
            l.last.store((at as u64) << 32 | byte as u64, Relaxed);
        }
        byte
    }

    fn short(s: &[u8]) -> Self {
        let mut buf = [0; INLINE];
        buf[..s.len()].copy_from_slice(s);
        // `s` is at most INLINE bytes long
        Self(Repr::Short(s.len() as u8, buf))
    }

    /// A part of the string, sharing its bytes. The range must lie within it.
    pub fn slice(&self, range: Range<usize>) -> Self {
        match &self.0 {
            Repr::Long(l) if range.len() > INLINE => {
                let ascii = match l.ascii.load(Relaxed) {
                    ASCII => ASCII,
                    _ => UNKNOWN,
                };
                Self(long(l.bytes.slice(range), ascii))
            }
            _ => Self::short_or_copy(&self[range]),
        }
    }

    /// A part of a text that has so many characters.
    pub fn slice_of(&self, range: Range<usize>, chars: usize) -> Self {
        let part = self.slice(range);
        if let Repr::Long(l) = &part.0 {
            l.chars.store(chars as u64 + 1, Relaxed);
            let ascii = if chars == l.bytes.len() { ASCII } else { OTHER };
            l.ascii.store(ascii, Relaxed);
        }
        part
    }

    /// The key of an object that these bytes are. It is the same key as the text of these bytes, and is remembered as it was
    /// given first.
    pub fn into_key(self, is_bytes: bool) -> Self {
        if self.is_marked() == is_bytes {
            return self;
        }
        Self(match self.0 {
            Repr::Short(n, buf) => Repr::Short(n ^ MARK, buf),
            Repr::Long(l) => Repr::Long(Arc::new(Long {
                bytes: l.bytes.clone(),
                ascii: AtomicU8::new(l.ascii.load(Relaxed)),
                chars: AtomicU64::new(0),
                last: AtomicU64::new(0),
                is_bytes,
            })),
        })
    }

    fn is_marked(&self) -> bool {
        match &self.0 {
            Repr::Short(n, _) => n & MARK != 0,
            Repr::Long(l) => l.is_bytes,
        }
    }

    /// Whether this key of an object was given as bytes, or is no text.
    pub fn is_bytes_key(&self) -> bool {
        self.is_marked() || std::str::from_utf8(self).is_err()
    }

    fn short_or_copy(s: &[u8]) -> Self {
        if s.len() <= INLINE {
            Self::short(s)
        } else {
            Self::new(Bytes::copy_from_slice(s))
        }
    }

    /// The bytes, shared where they are long.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Long(l) => l.bytes.clone(),
            Repr::Short(..) => Bytes::copy_from_slice(self),
        }
    }

    /// The string as text, with what is not UTF-8 replaced.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self)
    }
}

impl Deref for Str {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(n, buf) => &buf[..usize::from(n & !MARK)],
            Repr::Long(l) => &l.bytes,
        }
    }
}

impl From<&str> for Str {
    fn from(s: &str) -> Self {
        Self::short_or_copy(s.as_bytes())
    }
}

impl From<&[u8]> for Str {
    fn from(s: &[u8]) -> Self {
        Self::short_or_copy(s)
    }
}

impl From<String> for Str {
    fn from(s: String) -> Self {
        s.into_bytes().into()
    }
}

impl From<Vec<u8>> for Str {
    fn from(s: Vec<u8>) -> Self {
        if s.len() <= INLINE {
            Self::short(&s)
        } else {
            Self::new(s.into())
        }
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Str {}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self[..].cmp(&other[..])
    }
}

// As `Borrow<[u8]>` asks for, this is the hash of the slice.
impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl std::fmt::Debug for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.lossy())
    }
}
