//! Strings: short ones inline, long ones as slices of shared bytes.
use bytes::Bytes;
use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};

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
    Long(Box<Bytes>),
}

impl Str {
    /// Copies short bytes inline, shares long ones.
    pub fn new(b: Bytes) -> Self {
        if b.len() <= INLINE {
            Self::short(&b)
        } else {
            Self(Repr::Long(Box::new(b)))
        }
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
            Repr::Long(b) if range.len() > INLINE => Self(Repr::Long(Box::new(b.slice(range)))),
            _ => Self::short_or_copy(&self[range]),
        }
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
            Repr::Long(b) => (**b).clone(),
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
            Repr::Short(n, buf) => &buf[..usize::from(*n)],
            Repr::Long(b) => b,
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
