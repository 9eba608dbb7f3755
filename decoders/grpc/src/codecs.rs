//! Codecs of header values that gRPC gives a meaning.

use binq_core::codec::Codec;
use binq_core::{Bits, Malformed, Misfit, Ref, Scalar, Severity, Span};
use binq_http::text;
use bytes::Bytes;

/// Status codes, by number.
pub static STATUS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The name of the field that has the status.
pub const STATUS_FIELD: &[u8] = b"grpc-status";

/// A number in decimal digits: `grpc-status`.
pub struct StatusCode(pub Ref<dyn Codec>);

impl Codec for StatusCode {
    fn keeps(&self, leaf: Span) -> Span {
        self.0.keeps(leaf)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = self.0.decode(bits)?;
        if text == Scalar::Null {
            return Ok(text);
        }
        let digits = text.as_str().filter(|s| is_number(s.as_bytes()));
        let number = digits.and_then(|s| s.parse::<u32>().ok());
        match number {
            Some(n) => Ok(u64::from(n).into()),
            None => Err(Misfit::new(STATUS_DIGITS, text)),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| old == *value) {
            return Ok(like.clone());
        }
        let misfit = || Misfit::new("a status code from 0 to 4294967295, or its name", value);
        let n = value
            .as_int()
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(misfit)?;
        self.0.encode(&n.to_string().into(), like)
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        status_code(symbol)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        status_name(actual)
    }
}

const STATUS_DIGITS: &str = "a status code in digits";

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// A status as gRPC's HTTP/2 protocol writes it: digits, of a code that is defined.
///
/// # Errors
/// What was expected, and how bad it is: a client takes codes that it does not know for `UNKNOWN`.
pub fn status_of(text: &[u8]) -> Result<u32, (&'static str, Severity)> {
    let text = std::str::from_utf8(text).ok();
    let text = text.filter(|t| is_number(t.as_bytes()));
    let code = text.and_then(|t| t.parse::<u32>().ok());
    let code = code.ok_or((STATUS_DIGITS, Severity::Damage))?;
    let known = (code as usize) < STATUS.len();
    known
        .then_some(code)
        .ok_or(("a status code from 0 to 16", Severity::Odd))
}

/// The code that a name stands for.
pub fn status_code(name: &Scalar) -> Option<Scalar> {
    let name = name.as_str()?;
    let i = STATUS.iter().position(|s| *s == name)?;
    Some((i as u64).into())
}

/// The name of a code.
pub fn status_name(code: &Scalar) -> Option<String> {
    let n = usize::try_from(code.as_int()?).ok()?;
    STATUS.get(n).map(|s| (*s).to_owned())
}

/// Percent-encoded text: `grpc-message`.
pub struct Percent(pub Ref<dyn Codec>);

impl Codec for Percent {
    fn keeps(&self, leaf: Span) -> Span {
        self.0.keeps(leaf)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = self.0.decode(bits)?;
        let Some(bytes) = text.as_bytes() else {
            return Ok(text);
        };
        Ok(text::scalar(&unpercent(bytes).into()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| old == *value) {
            return Ok(like.clone());
        }
        let text = text::bytes_of(value)?;
        let mut out = Vec::with_capacity(text.len());
        for b in text {
            match b {
                b' '..=b'~' if *b != b'%' => out.push(*b),
                _ => out.extend(format!("%{b:02X}").into_bytes()),
            }
        }
        self.0.encode(&Scalar::Bytes(out.into()), like)
    }
}

fn unpercent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let digits = bytes
            .get(i + 1..i + 3)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok());
        let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        match (bytes[i], byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (b, _) => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

/// A `-bin` value: base64, with or without padding; or, as the C core sends to itself, a NUL and the bytes.
pub struct Binary(pub Ref<dyn Codec>);

impl Codec for Binary {
    fn keeps(&self, leaf: Span) -> Span {
        self.0.keeps(leaf)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = self.0.decode(bits)?;
        // what is not known stays so
        let Some(bytes) = text.as_bytes() else {
            return Ok(text);
        };
        match unwrap(bytes) {
            Some(bytes) => Ok(Scalar::Bytes(bytes)),
            // several values of one name, each in base64: they stay as they are
            None if are_several(bytes) => Ok(text),
            None => Err(Misfit::new("base64", text)),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| old == *value) {
            return Ok(like.clone());
        }
        let new = text::bytes_of(value)?;
        // bytes may be given as text
        if self
            .decode(like)
            .is_ok_and(|old| old.as_bytes() == Some(new))
        {
            return Ok(like.clone());
        }
        let old = self.0.decode(like).ok();
        let old = old.as_ref().and_then(Scalar::as_bytes).unwrap_or(&[]);
        self.0.encode(&Scalar::Bytes(wrap(new, old).into()), like)
    }
}

/// Whether a `-bin` value is several, with commas between them, as a list of HTTP is.
fn are_several(text: &[u8]) -> bool {
    let mut parts = text.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    text.contains(&b',') && parts.all(|part| unbase64(part).is_some())
}

/// What is wrong with a `-bin` value at a byte: a peer ends the call.
pub fn not_base64(text: &[u8], at: u64) -> Option<Malformed> {
    let fits = unwrap(text).is_some() || are_several(text);
    let found = || format!("{:?}", String::from_utf8_lossy(text));
    (!fits).then(|| Malformed::new(at, "base64", found()).with(Severity::Damage))
}

/// The bytes of a `-bin` value.
pub fn unwrap(text: &[u8]) -> Option<Bytes> {
    match text.split_first() {
        Some((0, raw)) => Some(Bytes::copy_from_slice(raw)),
        _ => unbase64(text).map(Bytes::from),
    }
}

/// The `-bin` value of bytes, spelled like another one.
pub fn wrap(bytes: &[u8], like: &[u8]) -> Vec<u8> {
    match like.first() {
        Some(0) => [&[0], bytes].concat(),
        _ => base64(bytes, like.ends_with(b"=")),
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64.
pub fn base64(bytes: &[u8], padded: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let n = (0..3).fold(0u32, |n, i| {
            n << 8 | u32::from(three.get(i).copied().unwrap_or(0))
        });
        for i in 0..=three.len() {
            out.push(DIGITS[(n >> (18 - 6 * i) & 63) as usize]);
        }
        if padded {
            out.extend(std::iter::repeat_n(b'=', 3 - three.len()));
        }
    }
    out
}

/// The value of a character of base64.
pub fn digit(b: u8) -> Option<u8> {
    DIGITS.iter().position(|d| *d == b).map(|i| i as u8)
}

fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for four in text.chunks(4) {
        let mut n = 0u32;
        for b in four {
            n = n << 6 | u32::from(digit(*b)?);
        }
        match four.len() {
            4 => out.extend_from_slice(&n.to_be_bytes()[1..]),
            3 => out.extend_from_slice(&(n << 6).to_be_bytes()[1..3]),
            2 => out.push((n >> 4) as u8),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_back() {
        for n in 0..20u8 {
            let bytes: Vec<u8> = (0..n).map(|i| i.wrapping_mul(97)).collect();
            for padded in [false, true] {
                assert_eq!(unbase64(&base64(&bytes, padded)), Some(bytes.clone()));
            }
        }
        assert_eq!(base64(b"foob", true), b"Zm9vYg==");
        assert_eq!(unbase64(b"a"), None);
        assert_eq!(unbase64(b"a*=="), None);
    }

    /// Each value that is read takes itself; several of one name stay as they are written.
    #[test]
    fn a_binary_value_takes_itself() {
        let codec = Binary((&binq_core::codec::Text).into());
        for (text, is) in [
            ("AAE=", &[0, 1][..]),
            ("AAE", &[0, 1]),
            ("\0\x07", &[7]),
            ("AAE,Ag==", b"AAE,Ag=="),
        ] {
            let bits = Bits::from_bytes(text.as_bytes().to_vec());
            let value = codec.decode(&bits).unwrap();
            assert_eq!(value.as_bytes(), Some(is), "{text:?}");
            assert_eq!(codec.encode(&value, &bits).unwrap(), bits, "{text:?}");
            assert_eq!(not_base64(text.as_bytes(), 0), None);
        }
        let wrong = Bits::from_bytes(b"a*".to_vec());
        assert!(codec.decode(&wrong).is_err() && not_base64(b"a*", 0).is_some());
    }

    #[test]
    fn a_percent_sign_alone_is_itself() {
        assert_eq!(unpercent(b"100%"), b"100%");
        assert_eq!(unpercent(b"%C3%BC %zz"), "ü %zz".as_bytes());
        assert_eq!(unpercent(b"%+1"), b"%+1");
    }
}
