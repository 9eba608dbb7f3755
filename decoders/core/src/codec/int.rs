//! Integers of whole bytes, and runs of bits.

use super::{Codec, Representation};
use crate::error::Misfit;
use crate::{Bits, Scalar};

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// An integer of 1 to 8 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Int {
    bytes: u8,
    endian: Endian,
    signed: bool,
}

impl Int {
    /// An unsigned byte.
    pub const U8: Self = Self::unsigned(1, Endian::Little);
    /// Unsigned, 2 bytes, little-endian.
    pub const U16LE: Self = Self::unsigned(2, Endian::Little);
    /// Unsigned, 4 bytes, little-endian.
    pub const U32LE: Self = Self::unsigned(4, Endian::Little);
    /// Unsigned, 8 bytes, little-endian.
    pub const U64LE: Self = Self::unsigned(8, Endian::Little);
    /// Signed, 8 bytes, little-endian.
    pub const I64LE: Self = Self {
        bytes: 8,
        endian: Endian::Little,
        signed: true,
    };
    /// Signed, 4 bytes, little-endian.
    pub const I32LE: Self = Self {
        bytes: 4,
        endian: Endian::Little,
        signed: true,
    };
    /// Unsigned, 2 bytes, big-endian.
    pub const U16BE: Self = Self::unsigned(2, Endian::Big);
    /// Unsigned, 4 bytes, big-endian.
    pub const U32BE: Self = Self::unsigned(4, Endian::Big);

    /// Unsigned, 3 bytes, big-endian.
    pub const U24BE: Self = Self::unsigned(3, Endian::Big);
    /// Unsigned, 8 bytes, big-endian.
    pub const U64BE: Self = Self::unsigned(8, Endian::Big);

    const fn unsigned(bytes: u8, endian: Endian) -> Self {
        Self {
            bytes,
            endian,
            signed: false,
        }
    }

    fn range(self) -> (i128, i128) {
        let bits = u32::from(self.bytes) * 8;
        if self.signed {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        }
    }

    fn misfit(self, found: impl std::fmt::Display) -> Misfit {
        let (min, max) = self.range();
        Misfit::new(format!("an integer from {min} to {max}"), found)
    }
}

impl Codec for Int {
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }

    fn representation(&self) -> Representation {
        Representation::Int {
            bits: self.bytes * 8,
            signed: self.signed,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes();
        if bits.len() != u64::from(self.bytes) * 8 {
            return Err(Misfit::new(
                format!("{} bytes", self.bytes),
                format!("{} bits", bits.len()),
            ));
        }
        let add = |n: u64, b: &u8| n << 8 | u64::from(*b);
        let n = match self.endian {
            Endian::Little => bytes.iter().rev().fold(0, add),
            Endian::Big => bytes.iter().fold(0, add),
        };
        let unused = 64 - u32::from(self.bytes) * 8;
        Ok(Scalar::Int(if self.signed {
            i128::from((n << unused) as i64 >> unused)
        } else {
            i128::from(n)
        }))
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        let n = value.as_int().ok_or_else(|| self.misfit(value))?;
        let (min, max) = self.range();
        if !(min..=max).contains(&n) {
            return Err(self.misfit(n));
        }
        let le = n.to_le_bytes();
        let mut bytes = le[..self.bytes as usize].to_vec();
        if self.endian == Endian::Big {
            bytes.reverse();
        }
        Ok(Bits::from_bytes(bytes))
    }
}

/// An unsigned number of as many bits as its span has, at most 64.
#[derive(Clone, Copy, Debug)]
pub struct UBits;

impl Codec for UBits {
    fn representation(&self) -> Representation {
        Representation::Int {
            bits: 64,
            signed: false,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        if bits.len() > 64 {
            return Err(Misfit::new(
                "at most 64 bits",
                format!("{} bits", bits.len()),
            ));
        }
        Ok(Scalar::Int(bits.uint() as i128))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let max = (1i128 << like.len().min(64)) - 1;
        match value.as_int() {
            Some(n) if (0..=max).contains(&n) => Ok(Bits::from_uint(n as u128, like.len())),
            _ => Err(Misfit::new(format!("an integer from 0 to {max}"), value)),
        }
    }
}

/// A number some of whose values have names.
#[derive(Clone, Copy, Debug)]
pub struct Named<C: 'static> {
    /// How the number is stored.
    pub number: C,
    /// The names, by number.
    pub names: &'static [(i128, &'static str)],
}

impl Named<Int> {
    /// A byte some of whose values have names.
    pub const fn u8(names: &'static [(i128, &'static str)]) -> Self {
        Self {
            number: Int::U8,
            names,
        }
    }
}

impl<C> Named<C> {
    /// A number that is stored so, some of whose values have names.
    pub const fn of(number: C, names: &'static [(i128, &'static str)]) -> Self {
        Self { number, names }
    }
}

impl<C: Codec> Codec for Named<C> {
    fn representation(&self) -> Representation {
        self.number.representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.number.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        self.number.encode(value, like).map_err(|e| {
            let names: Vec<_> = self.names.iter().map(|(_, name)| *name).collect();
            Misfit {
                expected: format!("{}, or one of {}", e.expected, names.join(", ")),
                ..e
            }
        })
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        let n = actual.as_int()?;
        let found = self.names.iter().find(|(i, _)| *i == n)?;
        Some(found.1.into())
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        let s = symbol.as_str()?;
        let found = self.names.iter().find(|(_, name)| *name == s)?;
        Some(Scalar::Int(found.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(codec: &dyn Codec, bytes: &[u8], value: i128) {
        let bits = Bits::from_bytes(bytes.to_vec());
        let scalar = codec.decode(&bits).unwrap();
        assert_eq!(scalar, Scalar::Int(value));
        assert_eq!(codec.encode(&scalar, &bits).unwrap(), bits);
    }

    #[test]
    fn integers_keep_order_and_sign() {
        round_trip(&Int::U16LE, &[0x10, 0xd1], 0xd110);
        round_trip(&Int::U16BE, &[0xd1, 0x10], 0xd110);
        round_trip(&Int::U64LE, &[0xff; 8], u64::MAX.into());
        round_trip(&Int::I64LE, &[0xff; 8], -1);
        round_trip(&Int::I32LE, &[0xfe, 0xff, 0xff, 0xff], -2);
    }

    #[test]
    fn the_refusal_names_the_range() {
        let like = Bits::from_bytes(vec![0]);
        let e = Int::U8.encode(&Scalar::Int(256), &like).unwrap_err();
        assert_eq!(e.expected, "an integer from 0 to 255");
        assert_eq!(e.found, "256");
    }
}
