//! Codecs of values: varints in every reading, floating-point numbers, text and bytes.

use super::record::MOST_NUMBER;
use super::varint;
use super::view;
use binq_core::codec::{Codec, Float};
pub use binq_core::codec::{float_of, widen};
use binq_core::{Bits, Misfit, Node, NodeKind, Plain, Scalar, Span};
use std::any::Any;

/// How the 64 bits of a varint are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varint {
    /// As they are.
    Uint64,
    /// Two's complement.
    Int64,
    /// The low 32 bits.
    Uint32,
    /// The low 32 bits, two's complement; negative numbers are written with 64 bits.
    Int32,
    /// ZigZag.
    Sint64,
    /// The low 32 bits, ZigZag.
    Sint32,
    /// Zero or not.
    Bool,
}

/// A length prefix.
pub static LENGTH: Varint = Varint::Uint64;

impl Varint {
    /// The value of these 64 bits.
    pub fn value(self, raw: u64) -> Scalar {
        let n = match self {
            Self::Uint64 => i128::from(raw),
            Self::Int64 => i128::from(raw as i64),
            Self::Uint32 => i128::from(raw as u32),
            Self::Int32 => i128::from(raw as i32),
            Self::Sint64 => i128::from(varint::unzigzag(raw)),
            Self::Sint32 => i128::from(varint::unzigzag(u64::from(raw as u32)) as i32),
            Self::Bool => return Scalar::Bool(raw != 0),
        };
        Scalar::Int(n)
    }

    /// The 64 bits of a value.
    ///
    /// # Errors
    /// The range, for a value outside it.
    pub fn raw(self, value: &Scalar) -> Result<u64, Misfit> {
        let (min, max) = match self {
            Self::Uint64 => (0, i128::from(u64::MAX)),
            Self::Int64 | Self::Sint64 => (i64::MIN.into(), i64::MAX.into()),
            Self::Uint32 => (0, u32::MAX.into()),
            Self::Int32 | Self::Sint32 => (i32::MIN.into(), i32::MAX.into()),
            Self::Bool => {
                return match value {
                    Scalar::Bool(b) => Ok(u64::from(*b)),
                    _ => Err(Misfit::new("true or false", value)),
                };
            }
        };
        match value.as_int() {
            Some(n) if (min..=max).contains(&n) => Ok(match self {
                Self::Sint64 | Self::Sint32 => varint::zigzag(n as i64),
                _ => n as u64,
            }),
            _ => Err(Misfit::new(
                format!("an integer from {min} to {max}"),
                value,
            )),
        }
    }
}

fn raw_of(bits: &Bits) -> Result<u64, Misfit> {
    match varint::read(bits.bytes()) {
        Some((raw, size)) if size as u64 * 8 == bits.len() => Ok(raw),
        _ => Err(Misfit::new("a varint", format!("{} bytes", bits.len() / 8))),
    }
}

impl Codec for Varint {
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(self.value(raw_of(bits)?))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let raw = self.raw(value)?;
        if raw_of(like).is_ok_and(|old| self.value(old) == self.value(raw)) {
            return Ok(like.clone());
        }
        let mut out = Vec::new();
        varint::write_like(raw, like.bytes(), &mut out);
        Ok(Bits::from_bytes(out))
    }
}

/// The field number of a tag; the wire type in its lowest bits is another leaf.
pub struct TagNumber;

impl Codec for TagNumber {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Int((raw_of(bits)? as u32 >> 3).into()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let n = value.as_int().and_then(|n| u32::try_from(n).ok());
        let n = n.filter(|n| (1..=MOST_NUMBER).contains(n));
        let n =
            n.ok_or_else(|| Misfit::new(format!("a field number from 1 to {MOST_NUMBER}"), value))?;
        let old = raw_of(like)?;
        if old as u32 >> 3 == n {
            return Ok(like.clone());
        }
        let mut out = Vec::new();
        varint::write_like(u64::from(n) << 3 | old & 7, like.bytes(), &mut out);
        Ok(Bits::from_bytes(out))
    }

    fn spares(&self) -> Option<Span> {
        Some(Span::bits(5, 3))
    }
}

/// A `float`.
pub static F32: Float = Float::F32LE;

/// A `double`.
pub static F64: Float = Float::F64LE;

/// A length-delimited value that was guessed to be a scalar.
pub enum Payload {
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

impl Codec for Payload {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes();
        match self {
            Self::Bytes => Ok(Scalar::Bytes(bytes.clone())),
            Self::Text => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.into()),
                Err(e) => Err(Misfit::new("UTF-8", not_utf8(bytes, &e))),
            },
        }
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() {
            Some(bytes) => Ok(Bits::from_bytes(bytes.to_vec())),
            None => Err(Misfit::new("a string, or an object of fields", value)),
        }
    }

    fn rebuild(&self, value: &Plain) -> Option<Result<Node, String>> {
        (value.kind() != NodeKind::Scalar).then(|| view::payload(value))
    }
}

/// What is wrong with bytes that should be UTF-8.
pub fn not_utf8(bytes: &[u8], e: &std::str::Utf8Error) -> String {
    let at = e.valid_up_to();
    format!("0x{:02x} at byte {at} of it", bytes[at])
}
