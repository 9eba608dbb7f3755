//! Computed text.

use binq_core::codec::Codec;
use binq_core::{Bits, Misfit, Scalar};

/// Text that is computed, never stored.
pub struct Text;

impl Codec for Text {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Bytes(bits.bytes().clone()))
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        Err(Misfit::new("nothing: it is computed", value))
    }
}
