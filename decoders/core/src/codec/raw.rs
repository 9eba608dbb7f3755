//! Truth values and raw bytes.

use super::{Codec, Representation};
use crate::error::Misfit;
use crate::{Bits, Scalar};

/// A truth value: whether any bit of the span is set. True is written as 1.
#[derive(Clone, Copy, Debug)]
pub struct Bool;

impl Codec for Bool {
    fn representation(&self) -> Representation {
        Representation::Bool
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Bool(bits.uint() != 0))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match value {
            // any bits but zeros are a spelling of true
            Scalar::Bool(b) if *b == (like.uint() != 0) => Ok(like.clone()),
            Scalar::Bool(b) => {
                let unit = first_byte_one(like.len());
                Ok(Bits::from_uint(if *b { unit } else { 0 }, like.len()))
            }
            _ => Err(Misfit::new("true or false", value)),
        }
    }
}

/// Raw bytes.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    fixed: bool,
}

impl Raw {
    /// Bytes whose number may change.
    pub const ANY: Self = Self { fixed: false };
    /// Bytes whose number must not change.
    pub const FIXED: Self = Self { fixed: true };
}

impl Codec for Raw {
    fn representation(&self) -> Representation {
        Representation::Bytes
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Bytes(bits.bytes().clone()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let expected = || {
            let n = like.len().div_ceil(8);
            if self.fixed {
                format!("a string of exactly {n} bytes")
            } else {
                "a string".to_owned()
            }
        };
        let bytes = match value {
            Scalar::Bytes(b) => b.clone(),
            Scalar::Str(s) => s.as_bytes().to_vec().into(),
            _ => return Err(Misfit::new(expected(), value)),
        };
        if !self.fixed {
            return Ok(Bits::from_bytes(bytes));
        }
        if bytes.len() as u64 != like.len().div_ceil(8) {
            return Err(Misfit::new(expected(), format!("{} bytes", bytes.len())));
        }
        // of a last byte that is not whole, the bits that are not there are shown as zeros
        let bits = Bits::extract(bytes.clone(), 0, like.len());
        match *bits.bytes() == bytes {
            true => Ok(bits),
            false => Err(Misfit::new(format!("{} bits", like.len()), "more")),
        }
    }
}

/// One in the first byte (little-endian C `bool`) or, for less than a byte, in the lowest bit.
fn first_byte_one(len: u64) -> u128 {
    1 << (len.saturating_sub(8)).min(120)
}
