//! Codecs of `string` and `bytes`.

use crate::wire::codec::not_utf8;
use binq_core::codec::Codec;
use binq_core::{Bits, Misfit, Scalar};
use std::any::Any;

/// A `string`.
pub struct Text {
    /// Whether it must be UTF-8: `utf8_validation` of editions. Else other bytes read as bytes.
    verify: bool,
}

/// A `string` of proto3.
pub static VERIFIED: Text = Text { verify: true };
/// A `string` of proto2.
pub static LOOSE: Text = Text { verify: false };

impl Codec for Text {
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match std::str::from_utf8(bits.bytes()) {
            Ok(text) => Ok(text.into()),
            Err(_) if !self.verify => Ok(Scalar::Bytes(bits.bytes().clone())),
            Err(e) => Err(Misfit::new("UTF-8", not_utf8(bits.bytes(), &e))),
        }
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value {
            Scalar::Str(text) => Ok(Bits::from_bytes(text.as_bytes().to_vec())),
            Scalar::Bytes(bytes) if !self.verify || std::str::from_utf8(bytes).is_ok() => {
                Ok(Bits::from_bytes(bytes.clone()))
            }
            Scalar::Bytes(_) => Err(Misfit::new("UTF-8 text", value)),
            _ => Err(Misfit::new("a string", value)),
        }
    }
}

/// `bytes`.
pub struct Bytes;

impl Codec for Bytes {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Bytes(bits.bytes().clone()))
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() {
            Some(bytes) => Ok(Bits::from_bytes(bytes.to_vec())),
            None => Err(Misfit::new("a string of bytes", value)),
        }
    }
}
