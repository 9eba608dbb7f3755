//! The static Huffman code, RFC 7541 section 5.2 and Appendix B.

/// Lengths of the codes of the 256 octets and of EOS. The code is canonical: of codes of one length, the one of the smaller
/// octet comes first, and so the lengths say all.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const EOS: u16 = 256;
const LONGEST: usize = 30;
const SHORT: u32 = 9;

struct Code {
    /// Code of each symbol, in its low bits.
    codes: [u32; 257],
    /// Symbols by length, then value.
    sorted: [u16; 257],
    /// First code of each length.
    first: [u32; LONGEST + 2],
    /// Where the symbols of each length begin in `sorted`.
    start: [u16; LONGEST + 2],
    /// By the next nine bits: symbol and length of a code that is no longer; length 0 for a longer one.
    short: [(u16, u8); 1 << SHORT],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut c = Code {
        codes: [0; 257],
        sorted: [0; 257],
        first: [0; LONGEST + 2],
        start: [0; LONGEST + 2],
        short: [(0, 0); 1 << SHORT],
    };
    let mut next = 0u32;
    let mut n = 0;
    let mut len = 1;
    while len <= LONGEST {
        next <<= 1;
        c.first[len] = next;
        c.start[len] = n as u16;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == len {
                c.codes[symbol] = next;
                c.sorted[n] = symbol as u16;
                if len as u32 <= SHORT {
                    let from = next << (SHORT - len as u32);
                    let mut k = 0;
                    while k < 1 << (SHORT - len as u32) {
                        c.short[(from + k) as usize] = (symbol as u16, len as u8);
                        k += 1;
                    }
                }
                next += 1;
                n += 1;
            }
            symbol += 1;
        }
        len += 1;
    }
    c.first[LONGEST + 1] = next << 1;
    c.start[LONGEST + 1] = n as u16;
    c
}

/// Why bytes are no Huffman text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The code of EOS occurs.
    Eos,
    /// What is left after the last symbol is a whole byte or more, or not all ones.
    Padding,
}

/// Decode a whole string.
///
/// # Errors
/// EOS, or padding that RFC 7541 section 5.2 forbids.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, Wrong> {
    let mut out = Vec::with_capacity(bytes.len() * 8 / 5);
    let mut have = 0u32;
    let mut bits = 0u64;
    let mut rest = bytes.iter();
    loop {
        while have <= 56 {
            let Some(b) = rest.next() else { break };
            bits |= u64::from(*b) << (56 - have);
            have += 8;
        }
        let Some((symbol, len)) = symbol(bits) else {
            return Err(Wrong::Padding);
        };
        if len > have {
            // fewer than eight ones, the beginning of EOS
            let ones = have < 8 && (have == 0 || bits >> (64 - have) == (1 << have) - 1);
            return if ones { Ok(out) } else { Err(Wrong::Padding) };
        }
        if symbol == EOS {
            return Err(Wrong::Eos);
        }
        out.push(symbol as u8);
        bits <<= len;
        have -= len;
    }
}

/// The symbol whose code comes next, and its length; the bits after the end are zeros.
fn symbol(bits: u64) -> Option<(u16, u32)> {
    let (symbol, len) = CODE.short[(bits >> (64 - SHORT)) as usize];
    if len > 0 {
        return Some((symbol, len.into()));
    }
    for len in SHORT as usize + 1..=LONGEST {
        let code = (bits >> (64 - len)) as u32;
        let count = u32::from(CODE.start[len + 1] - CODE.start[len]);
        let nth = code.wrapping_sub(CODE.first[len]);
        if nth < count {
            return Some((
                CODE.sorted[CODE.start[len] as usize + nth as usize],
                len as u32,
            ));
        }
    }
    None
}

/// Number of bytes that a string takes when encoded.
pub fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|b| LENGTHS[*b as usize] as usize).sum();
    bits.div_ceil(8)
}

/// Encode a string, padded with ones.
pub fn encode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded_len(text));
    let mut bits = 0u64;
    let mut have = 0;
    for b in text {
        let len = u32::from(LENGTHS[*b as usize]);
        bits = bits << len | u64::from(CODE.codes[*b as usize]);
        have += len;
        while have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    if have > 0 {
        out.push((bits << (8 - have)) as u8 | (0xff >> have));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_appendix_b() {
        // first and last code of several lengths
        for (symbol, code) in [
            (b'0' as usize, 0x0),
            (b't' as usize, 0x9),
            (b' ' as usize, 0x14),
            (b'z' as usize, 0x7b),
            (0, 0x1ff8),
            (b'\\' as usize, 0x7fff0),
            (249, 0xfff_fffe),
            (256, 0x3fff_ffff),
        ] {
            assert_eq!(CODE.codes[symbol], code, "{symbol}");
        }
    }

    #[test]
    fn every_octet_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Ok(all));
    }

    #[test]
    fn forbidden_padding_is_told() {
        assert_eq!(decode(&[0xff]), Err(Wrong::Padding));
        // '0' is 00000, then three zeros
        assert_eq!(decode(&[0b0000_0000]), Err(Wrong::Padding));
        assert_eq!(decode(&[0b0000_0111]), Ok(b"0".to_vec()));
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xfc]), Err(Wrong::Eos));
    }
}
