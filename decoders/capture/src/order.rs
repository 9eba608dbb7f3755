//! Codecs of numbers in the byte order that a file says it has.

use binq_core::Ref;
use binq_core::codec::{Codec, Endian, Int};

/// Byte order of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order(pub Endian);

impl Order {
    /// Least significant byte first.
    pub const LITTLE: Self = Self(Endian::Little);
    /// Most significant byte first.
    pub const BIG: Self = Self(Endian::Big);

    /// A number of two bytes.
    pub fn u16(self, b: &[u8]) -> u16 {
        let b = [
            b.first().copied().unwrap_or(0),
            b.get(1).copied().unwrap_or(0),
        ];
        match self.0 {
            Endian::Little => u16::from_le_bytes(b),
            Endian::Big => u16::from_be_bytes(b),
        }
    }

    /// A number of four bytes; what is missing is zero.
    pub fn u32(self, b: &[u8]) -> u32 {
        let mut four = [0; 4];
        let n = b.len().min(4);
        four[..n].copy_from_slice(&b[..n]);
        match self.0 {
            Endian::Little => u32::from_le_bytes(four),
            Endian::Big => u32::from_be_bytes(four),
        }
    }

    /// Write a number of four bytes.
    pub fn put32(self, n: u32) -> [u8; 4] {
        match self.0 {
            Endian::Little => n.to_le_bytes(),
            Endian::Big => n.to_be_bytes(),
        }
    }

    /// The codec of a number of so many bytes: 1, 2, 4 or 8.
    pub fn codec(self, bytes: u64) -> Ref<dyn Codec> {
        let codec: &'static Int = match (bytes, self.0) {
            (1, _) => &Int::U8,
            (2, Endian::Little) => &Int::U16LE,
            (2, Endian::Big) => &Int::U16BE,
            (8, Endian::Little) => &Int::U64LE,
            (8, Endian::Big) => &Int::U64BE,
            (_, Endian::Little) => &Int::U32LE,
            (_, Endian::Big) => &Int::U32BE,
        };
        Ref::Static(codec)
    }
}
