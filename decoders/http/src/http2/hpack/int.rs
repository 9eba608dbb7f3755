//! Integers, RFC 7541 section 5.1.

/// No integer has more bytes than this; leading zeros, which the RFC allows, included.
pub const LONGEST: usize = 10;

/// Why bytes are no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// They end too soon.
    Short,
    /// It has too many bytes, or is 2^63 or more.
    Long,
}

/// Decode the integer at the start of `bytes`, whose first byte has `prefix` bits of it: value and length.
///
/// # Errors
/// Bytes that end too soon, or an integer that is too long.
pub fn decode(bytes: &[u8], prefix: u8) -> Result<(u64, usize), Wrong> {
    let full = mask(prefix);
    let first = u64::from(*bytes.first().ok_or(Wrong::Short)?) & full;
    if first < full {
        return Ok((first, 1));
    }
    let mut value = full;
    for n in 1..LONGEST {
        let byte = *bytes.get(n).ok_or(Wrong::Short)?;
        // nine bytes have 63 bits
        value += u64::from(byte & 0x7f) << (7 * (n - 1));
        if byte & 0x80 == 0 {
            let fits = i64::try_from(value).is_ok();
            return fits.then_some((value, n + 1)).ok_or(Wrong::Long);
        }
    }
    Err(Wrong::Long)
}

/// Encode an integer after the pattern bits of `first`, in at least `width` bytes where the value allows that.
pub fn encode(value: u64, prefix: u8, first: u8, width: usize) -> Vec<u8> {
    let full = mask(prefix);
    let pattern = first & !(full as u8);
    if value < full {
        return vec![pattern | value as u8];
    }
    let mut out = vec![pattern | full as u8];
    let mut rest = value - full;
    while rest >= 0x80 || out.len() + 1 < width.min(LONGEST) {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out
}

fn mask(prefix: u8) -> u64 {
    (1 << prefix) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_c_1() {
        assert_eq!(decode(&[0b1110_1010], 5), Ok((10, 1)));
        assert_eq!(
            decode(&[0b0001_1111, 0b1001_1010, 0b0000_1010], 5),
            Ok((1337, 3))
        );
        assert_eq!(decode(&[0b0010_1010], 8), Ok((42, 1)));
        assert_eq!(
            encode(1337, 5, 0b1010_0000, 1),
            [0b1011_1111, 0b1001_1010, 0b0000_1010]
        );
    }

    #[test]
    fn leading_zeros_are_kept() {
        let padded = [0xff, 0x80, 0x80, 0x00];
        assert_eq!(decode(&padded, 7), Ok((127, 4)));
        assert_eq!(encode(127, 7, 0x80, 4), padded);
        assert_eq!(encode(127, 7, 0x80, 1), [0xff, 0x00]);
    }

    #[test]
    fn too_much_is_told() {
        assert_eq!(decode(&[0x1f, 0xff, 0xff], 5), Err(Wrong::Short));
        assert_eq!(decode(&[0xff; 12], 5), Err(Wrong::Long));
    }
}
