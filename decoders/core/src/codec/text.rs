//! Text.

use super::{Codec, Representation};
use crate::error::Misfit;
use crate::{Bits, Scalar};

/// Text in UTF-8; what is not stays raw bytes.
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// Text in Latin-1, ISO 8859-1: each byte is the character of its number.
#[derive(Clone, Copy, Debug)]
pub struct Latin1;

/// Text that a NUL ends, which belongs to the leaf and not to the value.
#[derive(Clone, Copy, Debug)]
pub struct Terminated<T>(pub T);

/// Text in a field of fixed size: what comes before the first NUL. What is behind it stays as long as the text does, and is filled
/// with NULs then.
#[derive(Clone, Copy, Debug)]
pub struct Padded;

/// Text in UTF-8, else raw bytes.
fn text_of(bytes: &[u8]) -> Scalar {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => Scalar::Bytes(bytes.to_vec().into()),
    }
}

/// The bytes of a text without NUL.
fn without_nul<'a>(value: &'a Scalar, expected: &str) -> Result<&'a [u8], Misfit> {
    let bytes = value.as_bytes().filter(|bytes| !bytes.contains(&0));
    bytes.ok_or_else(|| Misfit::new(expected, value))
}

impl Codec for Text {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(match std::str::from_utf8(bits.bytes()) {
            Ok(text) => text.into(),
            Err(_) => Scalar::Bytes(bits.bytes().clone()),
        })
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() {
            Some(bytes) => Ok(Bits::from_bytes(bytes.to_vec())),
            None => Err(Misfit::new("a string", value)),
        }
    }
}

impl Codec for Latin1 {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text: String = bits.bytes().iter().map(|b| char::from(*b)).collect();
        Ok(text.into())
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        if let Scalar::Bytes(bytes) = value {
            return Ok(Bits::from_bytes(bytes.clone()));
        }
        let bytes = value.as_str().and_then(|text| {
            let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
            bytes.collect::<Option<Vec<u8>>>()
        });
        let bytes = bytes.ok_or_else(|| Misfit::new("a string of Latin-1 characters", value))?;
        Ok(Bits::from_bytes(bytes))
    }
}

impl<T: Codec> Codec for Terminated<T> {
    fn representation(&self) -> Representation {
        match self.0.representation() {
            // the NUL is none of them
            Representation::Bytes => Representation::Mixed,
            other => other,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match bits.bytes().split_last() {
            Some((0, text)) if !text.contains(&0) => self
                .0
                .decode(&Bits::from_bytes(bits.bytes().slice(..text.len()))),
            _ => Err(Misfit::new(
                "text that ends with its first NUL",
                format!("{} bytes", bits.len() / 8),
            )),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        without_nul(value, "a string without NUL")?;
        let mut bytes = self.0.encode(value, like)?.bytes().to_vec();
        bytes.push(0);
        Ok(Bits::from_bytes(bytes))
    }
}

impl Codec for Padded {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = bits.bytes().split(|b| *b == 0).next();
        Ok(text_of(text.unwrap_or_default()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let size = like.bytes().len();
        let expected = || format!("a string of at most {size} bytes without NUL");
        let text = without_nul(value, &expected())?;
        if text.len() > size {
            return Err(Misfit::new(expected(), format!("{} bytes", text.len())));
        }
        let old = like.bytes().split(|b| *b == 0).next();
        if old == Some(text) {
            return Ok(like.clone());
        }
        let mut bytes = text.to_vec();
        bytes.resize(size, 0);
        Ok(Bits::from_bytes(bytes))
    }
}
