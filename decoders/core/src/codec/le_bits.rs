//! Runs of bits of little-endian words.

use super::{Codec, Representation};
use crate::error::Misfit;
use crate::{Bits, Scalar, Span};

/// The bits of value `1 << shift` to `1 << shift + len - 1` of a little-endian word of at most 8 bytes, as C compilers lay out bit
/// fields there. The leaf is the whole word; its other bits belong to other leaves.
#[derive(Clone, Copy, Debug)]
pub struct LeBits {
    shift: u32,
    len: u32,
}

impl LeBits {
    /// `len` bits from the bit of value `1 << shift` on.
    pub const fn new(shift: u32, len: u32) -> Self {
        Self { shift, len }
    }

    const fn max(self) -> u64 {
        u64::MAX >> (64 - self.len)
    }

    fn word(bits: &Bits) -> u64 {
        let bytes = bits.bytes().iter().rev();
        bytes.fold(0, |n, b| n << 8 | u64::from(*b))
    }
}

impl Codec for LeBits {
    fn representation(&self) -> Representation {
        Representation::Int {
            bits: self.len as u8,
            signed: false,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let (has, needs) = (bits.len(), u64::from(self.shift + self.len));
        if has < needs || has > 64 || !has.is_multiple_of(8) {
            return Err(Misfit::new(
                format!("a word of {} to 8 bytes", needs.div_ceil(8)),
                format!("{has} bits"),
            ));
        }
        Ok(Scalar::from(Self::word(bits) >> self.shift & self.max()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let fits = |n: &i128| (0..=i128::from(self.max())).contains(n);
        let Some(n) = value.as_int().filter(fits) else {
            return Err(Misfit::new(
                format!("an integer from 0 to {}", self.max()),
                value,
            ));
        };
        let word = Self::word(like) & !(self.max() << self.shift) | (n as u64) << self.shift;
        let size = like.bytes().len().min(8);
        Ok(Bits::from_bytes(word.to_le_bytes()[..size].to_vec()))
    }

    fn own_bits(&self) -> Option<Vec<Span>> {
        let mut own = Vec::new();
        let (mut at, end) = (self.shift, self.shift + self.len);
        while at < end {
            // a byte has its low bits last
            let until = end.min((at / 8 + 1) * 8);
            let last = u64::from(at / 8 * 8 + 7 - at % 8);
            let len = u64::from(until - at);
            own.push(Span::bits(last + 1 - len, len));
            at = until;
        }
        Some(own)
    }
}
