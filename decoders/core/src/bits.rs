//! Runs of bits as values: what codecs read and write.

use bytes::Bytes;

/// An owned run of bits, most significant bit first; unused low bits of the last byte are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    bytes: Bytes,
    len: u64,
}

impl Bits {
    /// Whole bytes.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len() as u64 * 8;
        Self { bytes, len }
    }

    /// The low `len` (at most 128) bits of `value`.
    pub fn from_uint(value: u128, len: u64) -> Self {
        let n = len.div_ceil(8) as usize;
        let shifted = if len.is_multiple_of(8) {
            value
        } else {
            value << (8 - len % 8)
        };
        let all = shifted.to_be_bytes();
        Self {
            bytes: Bytes::copy_from_slice(&all[16 - n..]),
            len,
        }
    }

    /// The `len` bits of `bytes` that start at bit `skip` of its first byte.
    pub fn extract(bytes: Bytes, skip: u64, len: u64) -> Self {
        if skip == 0 && len.is_multiple_of(8) {
            return Self {
                bytes: bytes.slice(..(len / 8) as usize),
                len,
            };
        }
        let mut out = vec![0u8; len.div_ceil(8) as usize];
        for i in 0..len {
            let from = skip + i;
            if bytes[(from / 8) as usize] >> (7 - from % 8) & 1 == 1 {
                out[(i / 8) as usize] |= 0x80 >> (i % 8);
            }
        }
        Self {
            bytes: out.into(),
            len,
        }
    }

    /// Overwrite bits of `target` from its bit `at` on.
    pub fn write_over(&self, target: &mut [u8], at: u64) {
        for i in 0..self.len {
            let to = at + i;
            let mask = 0x80u8 >> (to % 8);
            if self.bytes[(i / 8) as usize] >> (7 - i % 8) & 1 == 1 {
                target[(to / 8) as usize] |= mask;
            } else {
                target[(to / 8) as usize] &= !mask;
            }
        }
    }

    /// `len` of the bits, from bit `skip` on.
    pub fn slice(&self, skip: u64, len: u64) -> Self {
        let first = (skip / 8) as usize;
        Self::extract(self.bytes.slice(first..), skip % 8, len)
    }

    /// Number of bits.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes that hold the bits.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bits as a big-endian number; the low 128 bits of longer runs.
    pub fn uint(&self) -> u128 {
        let all = self
            .bytes
            .iter()
            .fold(0u128, |n, b| n << 8 | u128::from(*b));
        if self.len.is_multiple_of(8) {
            all
        } else {
            all >> (8 - self.len % 8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extract_and_write_over_are_inverse() {
        let bytes = Bytes::from_static(&[0b1010_1100, 0b0101_0011, 0xff]);
        let bits = Bits::extract(bytes.clone(), 3, 10);
        assert_eq!(bits.uint(), 0b01_1000_1010);
        let mut out = [0b1010_0000, 0b0000_0011, 0xff];
        bits.write_over(&mut out, 3);
        assert_eq!(out[..], bytes[..]);
    }

    #[test]
    fn from_uint_keeps_the_low_bits() {
        assert_eq!(Bits::from_uint(5, 3).uint(), 5);
        assert_eq!(Bits::from_uint(0x1234, 16).bytes()[..], [0x12, 0x34]);
    }
}
