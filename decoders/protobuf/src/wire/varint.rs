//! Base-128 varints: <https://protobuf.dev/programming-guides/encoding/#varints>.

/// A varint has at most so many bytes.
pub const MOST: usize = 10;

/// The varint at the start of these bytes, and its size; `None` if it does not end within 10 bytes.
///
/// Bits beyond the 64th are dropped, as `protoc` does.
pub fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(MOST).enumerate() {
        // the tenth byte adds one bit
        value |= u64::from(byte & 0x7f) << (7 * i);
        if *byte < 0x80 {
            return Some((value, i + 1));
        }
    }
    None
}

/// The size of the shortest spelling.
pub fn len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Write the shortest spelling.
pub fn write(value: u64, out: &mut Vec<u8>) {
    write_padded(value, 0, out);
}

/// Write a value in at least `size` bytes (at most 10), with padding that adds nothing to it.
pub fn write_padded(mut value: u64, size: usize, out: &mut Vec<u8>) {
    let size = size.min(MOST);
    let mut n = 1;
    while value >= 0x80 || n < size {
        out.push(value as u8 | 0x80);
        value >>= 7;
        n += 1;
    }
    out.push(value as u8);
}

/// Write a value in place of an older one: padded if that was padded, and then in as many bytes if it fits.
pub fn write_like(value: u64, like: &[u8], out: &mut Vec<u8>) {
    let padded = read(like).is_some_and(|(old, size)| size > len(old));
    write_padded(value, if padded { like.len() } else { 0 }, out);
}

/// ZigZag: small negative numbers become small.
pub fn zigzag(n: i64) -> u64 {
    (n << 1 ^ n >> 63) as u64
}

/// The number that [`zigzag`] made this of.
pub fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_the_encoding_guide() {
        assert_eq!(read(&[0x96, 0x01, 0xff]), Some((150, 2)));
        assert_eq!(read(&[0x80]), None);
        assert_eq!(read(&[0x80; 11]), None);
        assert_eq!(zigzag(-2), 3);
        assert_eq!(unzigzag(4_294_967_295), -2_147_483_648);
        let mut out = Vec::new();
        write_like(1, &[0x96, 0x80, 0x00], &mut out);
        assert_eq!(out, [0x81, 0x80, 0x00]);
    }

    /// `protoc` takes a tenth byte of 2, though it adds nothing within 64 bits.
    #[test]
    fn the_tenth_byte_may_overflow() {
        let mut bytes = [0x80; 10];
        bytes[9] = 2;
        assert_eq!(read(&bytes), Some((0, 10)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any::<u64>(), size in 0usize..12) {
            let mut out = Vec::new();
            write_padded(value, size, &mut out);
            prop_assert_eq!(out.len(), len(value).max(size.clamp(1, MOST)));
            prop_assert_eq!(read(&out), Some((value, out.len())));
            prop_assert_eq!(unzigzag(zigzag(value as i64)), value as i64);
        }
    }
}
