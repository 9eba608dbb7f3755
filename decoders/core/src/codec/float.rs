//! Floating-point numbers, IEEE 754.

use super::{Codec, Endian, Representation};
use crate::error::Misfit;
use crate::{Bits, Scalar};
use std::any::Any;

/// A `float` or a `double`. Any NaN is a spelling of NaN, and stays as it was.
#[derive(Clone, Copy, Debug)]
pub struct Float {
    bytes: u8,
    endian: Endian,
}

impl Float {
    /// 4 bytes, little-endian.
    pub const F32LE: Self = Self::of(4, Endian::Little);
    /// 4 bytes, big-endian.
    pub const F32BE: Self = Self::of(4, Endian::Big);
    /// 8 bytes, little-endian.
    pub const F64LE: Self = Self::of(8, Endian::Little);
    /// 8 bytes, big-endian.
    pub const F64BE: Self = Self::of(8, Endian::Big);

    const fn of(bytes: u8, endian: Endian) -> Self {
        Self { bytes, endian }
    }
}

impl Codec for Float {
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn representation(&self) -> Representation {
        Representation::Float
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let expected = usize::from(self.bytes);
        if bits.len() != expected as u64 * 8 {
            let found = format!("{} bits", bits.len());
            return Err(Misfit::new(format!("{expected} bytes"), found));
        }
        let mut raw = [0; 8];
        raw[..expected].copy_from_slice(bits.bytes());
        if self.endian == Endian::Big {
            raw[..expected].reverse();
        }
        let [a, b, c, d, ..] = raw;
        Ok(Scalar::Float(match self.bytes {
            4 => widen(f32::from_le_bytes([a, b, c, d])),
            _ => f64::from_le_bytes(raw),
        }))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let expected = match self.bytes {
            4 => "a float from -3.4028235e38 to 3.4028235e38",
            _ => "a number",
        };
        let x = float_of(value).ok_or_else(|| Misfit::new(expected, value))?;
        let is = |old: f64| old.to_bits() == x.to_bits() || old.is_nan() && x.is_nan();
        if matches!(self.decode(like), Ok(Scalar::Float(old)) if is(old)) {
            return Ok(like.clone());
        }
        let narrow = x as f32;
        let mut bytes = match self.bytes {
            4 if x.is_finite() && narrow.is_infinite() => {
                return Err(Misfit::new(expected, value));
            }
            4 => narrow.to_le_bytes().to_vec(),
            _ => x.to_le_bytes().to_vec(),
        };
        if self.endian == Endian::Big {
            bytes.reverse();
        }
        Ok(Bits::from_bytes(bytes))
    }
}

/// The decimal number that is this `float`, of 6 digits or as few more as it takes: so 0.1 reads as 0.1. That is what Google's
/// runtimes of protobuf write, which is not always the shortest one: 426592.62, not 426592.63, for 426592.625.
pub fn widen(x: f32) -> f64 {
    let exact = f64::from(x);
    if !x.is_finite() {
        return exact;
    }
    let mut rounded = (5..8).filter_map(|digits| format!("{exact:.digits$e}").parse().ok());
    let found = rounded.find(|short: &f64| *short as f32 == x);
    // any float is told from the others by 9 digits
    found.unwrap_or_else(|| format!("{exact:.8e}").parse().unwrap_or(exact))
}

/// The number; infinities and NaN are also taken by the names that JSON gives them.
pub fn float_of(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Float(x) => Some(*x),
        Scalar::Int(i) => Some(*i as f64),
        Scalar::Str(s) => match &**s {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}
