//! How byte strings are written in JSON, and the encodings used for that.
use data_encoding::{BASE32, BASE64, Encoding, HEXLOWER, HEXLOWER_PERMISSIVE, Specification};
use std::io;
use std::sync::LazyLock;

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

impl BitsFormat {
    /// How bytes are written that are the key of an object: whole, and as a string.
    pub(super) fn key(self, bytes: &[u8]) -> String {
        match (self, std::str::from_utf8(bytes)) {
            (Self::Base64 | Self::Snippet, _) => base64(bytes),
            (Self::String | Self::Truncate, Ok(text)) => text.to_owned(),
            _ => hex(bytes),
        }
    }
}

/// The names of all of them.
pub const BITS_FORMATS: &str = "hex, base64, string, byte_array, snippet or truncate";

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
                return Err(format!(
                    "unknown format of bytes {s:?}: expected {BITS_FORMATS}"
                ));
            }
        })
    }
}

/// Appends bytes in an encoding, without building the whole text.
fn write_encoded(w: &mut dyn io::Write, encoding: &Encoding, bytes: &[u8]) -> io::Result<()> {
    let mut buf = [0; 1024];
    // chunks of whole groups of either encoding
    for chunk in bytes.chunks(384) {
        let out = &mut buf[..encoding.encode_len(chunk.len())];
        encoding.encode_mut(chunk, out);
        w.write_all(out)?;
    }
    Ok(())
}

/// Appends the hexadecimal digits of some bytes.
pub(super) fn write_hex(w: &mut dyn io::Write, bytes: &[u8]) -> io::Result<()> {
    write_encoded(w, &HEXLOWER, bytes)
}

/// Appends the base64 of some bytes.
pub(super) fn write_base64(w: &mut dyn io::Write, bytes: &[u8]) -> io::Result<()> {
    write_encoded(w, &BASE64, bytes)
}

/// Hexadecimal digits of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Base64 of some bytes, padded.
pub fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Base32 of some bytes, padded.
pub fn base32(bytes: &[u8]) -> String {
    BASE32.encode(bytes)
}

/// The encoding as people write it: white space and padding say nothing, nor do bits that fill no byte.
fn lenient(like: &Encoding, also: (&str, &str)) -> Encoding {
    let mut spec: Specification = like.specification();
    spec.padding = None;
    spec.check_trailing_bits = false;
    spec.ignore.push_str(" \t\r\n\x0c=");
    spec.translate.from.push_str(also.0);
    spec.translate.to.push_str(also.1);
    spec.encoding().expect("a valid specification")
}

/// Whether nothing but padding and white space follows the padding: two texts one after the other are not one.
fn ends_once(s: &[u8]) -> bool {
    let mut from_padding = s.iter().skip_while(|b| **b != b'=');
    from_padding.all(|b| *b == b'=' || b.is_ascii_whitespace())
}

/// The bytes that hexadecimal digits stand for; white space between them is skipped. `None` if there are other
/// characters or half a byte.
pub fn from_hex(s: &[u8]) -> Option<Vec<u8>> {
    static HEX: LazyLock<Encoding> = LazyLock::new(|| lenient(&HEXLOWER_PERMISSIVE, ("", "")));
    HEX.decode(s).ok()
}

/// The bytes that base64 stands for, in either alphabet, padded or not. `None` if there are other characters, or if
/// there is less than a byte, or something behind the padding.
pub fn from_base64(s: &[u8]) -> Option<Vec<u8>> {
    static BOTH: LazyLock<Encoding> = LazyLock::new(|| lenient(&BASE64, ("-_", "+/")));
    ends_once(s).then(|| BOTH.decode(s).ok()).flatten()
}

/// The bytes that base32 stands for, padded or not, with nothing behind the padding.
pub fn from_base32(s: &[u8]) -> Option<Vec<u8>> {
    static UNPADDED: LazyLock<Encoding> = LazyLock::new(|| lenient(&BASE32, ("", "")));
    ends_once(s).then(|| UNPADDED.decode(s).ok()).flatten()
}
