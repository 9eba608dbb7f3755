//! How byte strings are written in JSON, and the encodings used for that.
use std::io;

/// How byte strings are written. The names are those of fq's option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BitsFormat {
    /// hexadecimal digits in lower case
    #[default]
    Hex,
    /// base64
    Base64,
    /// the bytes as text, with what is not UTF-8 replaced
    String,
    /// an array of numbers
    ByteArray,
    /// the length in angle brackets and the first 256 bytes as base64
    Snippet,
    /// like `string`, cut after 1024 bytes
    Truncate,
}

impl std::str::FromStr for BitsFormat {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Ok(match s {
            "hex" => Self::Hex,
            "base64" => Self::Base64,
            "string" => Self::String,
            "byte_array" => Self::ByteArray,
            "snippet" => Self::Snippet,
            "truncate" => Self::Truncate,
            s => {
                let known = "hex, base64, string, byte_array, snippet or truncate";
                return Err(format!("unknown format of bytes {s:?}: expected {known}"));
            }
        })
    }
}

/// Appends the hexadecimal digits of some bytes.
pub(super) fn write_hex(w: &mut dyn io::Write, bytes: &[u8]) -> io::Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut buf = [0; 512];
    for chunk in bytes.chunks(256) {
        for (pair, b) in buf.chunks_exact_mut(2).zip(chunk) {
            pair[0] = DIGITS[usize::from(b >> 4)];
            pair[1] = DIGITS[usize::from(b & 15)];
        }
        w.write_all(&buf[..2 * chunk.len()])?;
    }
    Ok(())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the base64 of some bytes.
pub(super) fn write_base64(w: &mut dyn io::Write, bytes: &[u8]) -> io::Result<()> {
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        let mut out = [b'='; 4];
        for (i, c) in out.iter_mut().enumerate().take(chunk.len() + 1) {
            *c = ALPHABET[(n >> (18 - 6 * i)) as usize & 63];
        }
        w.write_all(&out)?;
    }
    Ok(())
}

/// Hexadecimal digits of some bytes.
pub fn hex(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * bytes.len());
    // writing to a vector does not fail
    _ = write_hex(&mut out, bytes);
    out
}

/// Base64 of some bytes, padded.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + 4);
    _ = write_base64(&mut out, bytes);
    out
}

/// The bytes that hexadecimal digits stand for; white space between them is skipped. `None` if there are other
/// characters or half a byte.
pub fn from_hex(s: &[u8]) -> Option<Vec<u8>> {
    let digits = s.iter().filter(|b| !b.is_ascii_whitespace());
    let digits: Vec<u8> = digits
        .map(|b| char::from(*b).to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[h, l]| h << 4 | l).collect())
}

/// The bytes that base64 stands for, in either alphabet, padded or not. `None` if there are other characters, or if
/// there is less than a byte.
pub fn from_base64(s: &[u8]) -> Option<Vec<u8>> {
    let (mut bits, mut n) = (0u32, 0);
    let mut out = Vec::with_capacity(s.len() / 4 * 3 + 3);
    for b in s.iter().filter(|b| **b != b'=' && !b.is_ascii_whitespace()) {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push((bits >> n) as u8);
        }
    }
    // six bits and no more are no byte
    (n < 6).then_some(out)
}
