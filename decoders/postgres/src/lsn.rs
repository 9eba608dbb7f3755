//! Log sequence numbers: byte positions in the log, written `0/202AB08`.
//!
//! Text as the server prints it (`LSN_FORMAT_ARGS`, src/include/access/xlogdefs.h): both halves in hexadecimal, without
//! padding. pg_waldump pads the low half; both are read.

use binq_core::codec::{Codec, Int, Representation};
use binq_core::{Bits, Misfit, Scalar};

/// The text of an LSN.
pub fn text(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)
}

/// The LSN of a text, if it is one.
pub fn parse(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let half = |s: &str| {
        let digits = s.bytes().all(|b| b.is_ascii_hexdigit());
        (digits && (1..=8).contains(&s.len()))
            .then(|| u64::from_str_radix(s, 16).ok())
            .flatten()
    };
    Some(half(high)? << 32 | half(low)?)
}

/// An LSN: 8 bytes, little-endian. Its symbol is the text.
#[derive(Clone, Copy, Debug)]
pub struct Lsn;

impl Codec for Lsn {
    fn representation(&self) -> Representation {
        Int::U64LE.representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U64LE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U64LE.encode(value, like).map_err(|e| Misfit {
            expected: format!("an LSN such as \"0/202AB08\", or {}", e.expected),
            ..e
        })
    }

    fn is_ordinal(&self) -> bool {
        true
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        let lsn = u64::try_from(actual.as_int()?).ok()?;
        Some(text(lsn).into())
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        parse(symbol.as_str()?).map(Scalar::from)
    }
}

/// `pg_lsn`: from a number to text and from text to a number.
///
/// # Errors
/// A value that is neither.
pub fn pg_lsn(value: &Scalar) -> Result<Scalar, String> {
    let number = value.as_int().and_then(|n| u64::try_from(n).ok());
    let lsn = value.as_str().and_then(parse);
    match (number, lsn) {
        (Some(n), _) => Ok(text(n).into()),
        (_, Some(n)) => Ok(n.into()),
        _ => Err(format!(
            "pg_lsn takes a text such as \"0/202AB08\" or a number from 0 to {}, not {value}",
            u64::MAX
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_that_of_the_server() {
        assert_eq!(text(0x202_AB08), "0/202AB08");
        assert_eq!(parse("0/0202AB08"), Some(0x202_AB08));
        assert_eq!(parse("1/0"), Some(1 << 32));
        assert_eq!(parse("1/+2"), None);
        assert_eq!(parse("123456789/0"), None);
    }
}
