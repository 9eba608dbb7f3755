//! Text.

use super::Codec;
use crate::error::Misfit;
use crate::{Bits, Scalar};

/// Text in UTF-8; what is not stays raw bytes.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Codec for Text {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes();
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => Scalar::Bytes(bytes.clone()),
        })
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() {
            Some(bytes) => Ok(Bits::from_bytes(bytes.to_vec())),
            None => Err(Misfit::new("a string", value)),
        }
    }
}
