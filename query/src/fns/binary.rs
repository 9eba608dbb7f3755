//! Bytes and bits: conversions, bit operations, dumps. The names are fq's.
use super::strings::string;
use super::{Table, binary, fail, unary};
use crate::json;
use crate::value::{Brief, Error, Num, Str, V, ValR, num};
use bytes::Bytes;
use jaq_core::native::{bome, v};
use num_bigint::{BigInt, Sign};
use num_traits::{ToPrimitive, Zero};

pub fn table() -> Table {
    vec![
        ("tobytes", v(0), |cv| bome(to_bytes(&cv.1).map(V::bytes))),
        ("tobits", v(0), |cv| bome(to_bits(&cv.1))),
        ("hexdump", v(0), |cv| {
            bome(to_bytes(&cv.1).map(|b| V::text(dump(&cv.1, &b))))
        }),
        ("band", v(2), |cv| {
            binary(cv, |_, x, y| bits("band", &x, &y, |x, y| x & y))
        }),
        ("bor", v(2), |cv| {
            binary(cv, |_, x, y| bits("bor", &x, &y, |x, y| x | y))
        }),
        ("bxor", v(2), |cv| {
            binary(cv, |_, x, y| bits("bxor", &x, &y, |x, y| x ^ y))
        }),
        ("bsl", v(2), |cv| binary(cv, |_, x, n| shift("bsl", &x, &n))),
        ("bsr", v(2), |cv| binary(cv, |_, x, n| shift("bsr", &x, &n))),
        ("bnot", v(0), |cv| {
            bome(integer("bnot", &cv.1).map(|i| V::Num(num::from_big(!i))))
        }),
        ("intdiv", v(2), |cv| binary(cv, |_, x, y| int_div(&x, &y))),
        ("idiv", v(2), |cv| binary(cv, |_, x, y| int_div(&x, &y))),
        ("to_hex", v(0), |cv| {
            bome(to_bytes(&cv.1).map(|b| V::text(json::hex(&b))))
        }),
        ("from_hex", v(0), |cv| bome(from_hex(&cv.1))),
        ("to_base64", v(0), |cv| {
            bome(to_bytes(&cv.1).map(|b| V::text(json::base64(&b))))
        }),
        ("from_base64", v(0), |cv| bome(from_base64(&cv.1))),
        ("to_radix", v(1), |cv| unary(cv, |x, base| radix(&x, &base))),
        ("from_radix", v(1), |cv| {
            unary(cv, |s, base| from_radix(&s, &base))
        }),
    ]
}

/// The bytes of a value: those a node has in its input, with edits encoded; those of a string; a number as big-endian
/// bytes, as few as it takes; an array of bytes, strings and such arrays, put together.
pub fn to_bytes(v: &V) -> ValR<Bytes> {
    match v {
        V::Node(n) => {
            let n = n.node();
            let bytes = n.bytes().map_err(Error::str)?;
            let places = bytes.is_empty().then(|| n.places()).flatten();
            if let Some(places) = places {
                return fail(format_args!(
                    "{} is put together of {} places of the input and has no bytes of its own; take one of its fields, or \
                     see tobytesrange",
                    n.path_text(),
                    places.len()
                ));
            }
            // bits that do not fill their last byte are moved to its low end, as in fq
            Ok(match n.span().len % 8 {
                0 => bytes,
                len => shifted(&bytes, 8 - len as u32),
            })
        }
        V::Text(s) | V::Bytes(s) => Ok(s.to_bytes()),
        V::Num(n) => match num::to_big(n) {
            Some(i) if i.sign() != Sign::Minus => Ok(i.to_bytes_be().1.into()),
            _ => fail(format_args!("{} cannot be converted to bytes", Brief(v))),
        },
        V::Arr(_) => {
            let mut out = Vec::new();
            gather(v, &mut out)?;
            Ok(out.into())
        }
        v => fail(format_args!("{} cannot be converted to bytes", Brief(v))),
    }
}

/// Bytes moved by less than 8 bits to the right.
fn shifted(bytes: &[u8], by: u32) -> Bytes {
    let mut carry = 0;
    let shift = |b: &u8| {
        let out = carry | b >> by;
        carry = b << (8 - by);
        out
    };
    bytes.iter().map(shift).collect::<Vec<u8>>().into()
}

fn gather(v: &V, out: &mut Vec<u8>) -> ValR<()> {
    // a list of what is left, last first, instead of recursion
    let mut rest = vec![v.clone()];
    while let Some(v) = rest.pop() {
        match v {
            V::Arr(a) => rest.extend(a.iter().rev().cloned()),
            V::Num(n) => match num::to_i128(&n).and_then(|i| u8::try_from(i).ok()) {
                Some(b) => out.push(b),
                None => {
                    return fail(format_args!(
                        "{} is no byte: expected 0 to 255",
                        Brief(&V::Num(n))
                    ));
                }
            },
            v => out.extend_from_slice(&to_bytes(&v)?),
        }
    }
    Ok(())
}

/// The bits as an array of zeros and ones, those of a node without what else shares its bytes.
fn to_bits(v: &V) -> ValR {
    let bytes = to_bytes(v)?;
    // the bits of a node may begin within a byte
    let skip = match v {
        V::Node(n) => (8 - (n.node().span().len % 8) as usize) % 8,
        _ => 0,
    };
    let bit = |i: usize| V::int(bytes[i / 8] >> (7 - i % 8) & 1);
    Ok((skip..bytes.len() * 8).map(bit).collect())
}

/// Bytes as lines. Offsets are those of the input, where the bytes lie there; those of several places each begin a line. Of
/// bytes that were made from others, the first line says so, and offsets count from the first of them.
fn dump(v: &V, bytes: &[u8]) -> String {
    let V::Node(n) = v else {
        return hexdump(bytes, 0);
    };
    let n = n.node();
    let Some(runs) = n.in_input(bytes) else {
        let from = n.offset();
        let lines = hexdump(bytes, 0);
        return format!(
            "{}, from byte {from:#x} of the input:\n{lines}",
            n.made_by()
        );
    };
    let mut rest = bytes;
    let lines = runs.iter().map(|(at, len)| {
        let (run, after) = rest.split_at(*len as usize);
        rest = after;
        hexdump(run, *at)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Lines of 16 bytes: the offset, the bytes, what they are as ASCII.
fn hexdump(bytes: &[u8], start: u64) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(16) * 79);
    for (i, line) in bytes.chunks(16).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&format!("{:08x}  ", start + 16 * i as u64));
        for j in 0..16 {
            match line.get(j) {
                Some(b) => out.push_str(&format!("{b:02x} ")),
                None => out.push_str("   "),
            }
            if j == 7 {
                out.push(' ');
            }
        }
        out.push_str(" |");
        out.extend(line.iter().map(|b| {
            if (0x20..0x7f).contains(b) {
                char::from(*b)
            } else {
                '.'
            }
        }));
        out.push('|');
    }
    out
}

fn integer(name: &str, v: &V) -> ValR<BigInt> {
    // what is too large for a fraction has none
    let is_whole = |n: &Num| num::to_f64(n).fract() == 0.0 || num::to_f64(n).is_infinite();
    let n = v.num().filter(is_whole);
    match n.as_ref().and_then(num::to_big) {
        Some(i) => Ok(i),
        None => fail(format_args!("{name} needs integers, not {}", Brief(v))),
    }
}

fn bits(name: &str, x: &V, y: &V, f: fn(BigInt, BigInt) -> BigInt) -> ValR {
    Ok(V::Num(num::from_big(f(
        integer(name, x)?,
        integer(name, y)?,
    ))))
}

/// Largest shift to the left, so that a slip does not fill the memory.
const FARTHEST: u32 = 1 << 20;

fn shift(name: &str, x: &V, n: &V) -> ValR {
    let x = integer(name, x)?;
    let Some(n) = integer(name, n)?.to_u32().filter(|n| *n <= FARTHEST) else {
        return fail(format_args!(
            "{name} cannot shift by {}: expected 0 to {FARTHEST}",
            Brief(n)
        ));
    };
    Ok(V::Num(num::from_big(if name == "bsl" {
        x << n
    } else {
        x >> n
    })))
}

/// Division of integers, rounded towards zero.
fn int_div(x: &V, y: &V) -> ValR {
    let (a, b) = (integer("intdiv", x)?, integer("intdiv", y)?);
    if b.is_zero() {
        return fail(format_args!(
            "{} and {} cannot be divided because the divisor is zero",
            Brief(x),
            Brief(y)
        ));
    }
    Ok(V::Num(num::from_big(a / b)))
}

fn decoded(v: &V, what: &str, f: fn(&[u8]) -> Option<Vec<u8>>) -> ValR {
    let s: Str = string(v, |v| format!("{v} is not a string of {what}"))?;
    match f(&s) {
        Some(b) => Ok(V::bytes(b)),
        None => fail(format_args!("{} is not valid {what}", Brief(v))),
    }
}

fn from_hex(v: &V) -> ValR {
    decoded(v, "hexadecimal digits", json::from_hex)
}

fn from_base64(v: &V) -> ValR {
    decoded(v, "base64 data", json::from_base64)
}

fn base(v: &V) -> ValR<u32> {
    let base = v
        .num()
        .as_ref()
        .and_then(num::to_i128)
        .and_then(|b| u32::try_from(b).ok());
    match base.filter(|b| (2..=64).contains(b)) {
        Some(b) => Ok(b),
        None => fail(format_args!("{} is no base: expected 2 to 64", Brief(v))),
    }
}

fn radix(x: &V, b: &V) -> ValR {
    let n: Num = num::from_big(integer("to_radix", x)?);
    to_radix(&n, base(b)?).map_or(Ok(V::Null), |s| Ok(V::text(s)))
}

fn from_radix(s: &V, b: &V) -> ValR {
    let base = base(b)?;
    let digits = string(s, |v| format!("{v} is not a string of digits"))?;
    let (negative, digits) = digits
        .strip_prefix(b"-")
        .map_or((false, &digits[..]), |d| (true, d));
    let mut n = BigInt::zero();
    for d in digits {
        let digit = match d {
            b'0'..=b'9' => d - b'0',
            b'a'..=b'z' => d - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => d - b'A' + 10,
            b'A'..=b'Z' => d - b'A' + 36,
            b'@' => 62,
            b'_' => 63,
            _ => u8::MAX,
        };
        if u32::from(digit) >= base {
            return fail(format_args!(
                "{} has a character that is no digit to the base {base}",
                Brief(s)
            ));
        }
        n = n * base + digit;
    }
    if digits.is_empty() {
        return fail("an empty string is no number");
    }
    Ok(V::Num(num::from_big(if negative { -n } else { n })))
}

/// A number in the digits of a base, which must be 2 to 64.
fn to_radix(n: &Num, base: u32) -> Option<String> {
    const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_";
    let big = num::to_big(n)?;
    let (sign, digits) = big.to_radix_be(base.min(256));
    let minus = if sign == num_bigint::Sign::Minus {
        "-"
    } else {
        ""
    };
    Some(
        minus
            .chars()
            .chain(
                digits
                    .into_iter()
                    .map(|d| char::from(DIGITS[usize::from(d)])),
            )
            .collect(),
    )
}
