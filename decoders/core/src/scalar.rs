//! Scalars: what a leaf holds.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A plain scalar. Integers are exact over the whole of `i64` and `u64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// Raw bytes.
    Bytes(Bytes),
}

impl Scalar {
    /// The integer, if it is one; a float without a fraction counts.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Float(f) if f.fract() == 0.0 && f.abs() < 9.1e18 => Some(*f as i128),
            _ => None,
        }
    }

    /// The text, if it is text or bytes that are valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            Self::Bytes(b) => std::str::from_utf8(b).ok(),
            _ => None,
        }
    }

    /// The bytes of text or of raw bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(s) => Some(s.as_bytes()),
            Self::Bytes(b) => Some(b),
            _ => None,
        }
    }

    /// The kind of value, as an error message names it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
        }
    }
}

impl From<&str> for Scalar {
    fn from(s: &str) -> Self {
        Self::Str(s.into())
    }
}

impl From<String> for Scalar {
    fn from(s: String) -> Self {
        Self::Str(s.into())
    }
}

impl From<u64> for Scalar {
    fn from(i: u64) -> Self {
        Self::Int(i.into())
    }
}

/// The value as an error message shows it: short, however long the value is.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 40;
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Str(s) if s.chars().count() > MOST => {
                let head: String = s.chars().take(MOST).collect();
                write!(f, "{head:?}… ({} bytes)", s.len())
            }
            Self::Str(s) => write!(f, "{s:?}"),
            Self::Bytes(b) => {
                b.iter()
                    .take(MOST / 2)
                    .try_for_each(|x| write!(f, "{x:02x}"))?;
                if b.len() > MOST / 2 {
                    f.write_str("…")?;
                }
                write!(f, " ({} bytes)", b.len())
            }
        }
    }
}
