//! What jaq's number type lacks for us, and how numbers are written.
use jaq_json::Num;
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

/// A number from the text of one, as in jq programs and JSON.
///
/// Integers stay exact whatever their size; the rest is a float.
pub fn parse(s: &str) -> Option<Num> {
    let digits = s.strip_prefix('-').unwrap_or(s);
    // an integer has no negative zero, so that one is a float
    let negative_zero = s.starts_with('-') && digits.bytes().all(|b| b == b'0');
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !negative_zero {
        return Num::from_str_radix(s, 10);
    }
    // one beyond the largest float stays as it is written: who needs it as a float is to be told
    let digits = s.bytes().any(|b| b.is_ascii_digit());
    s.parse()
        .ok()
        .map(|f: f64| match f.is_infinite() && digits {
            true => Num::Dec(std::rc::Rc::new(s.to_owned())),
            false => Num::Float(f),
        })
}

/// A number, as leniently as jq takes one in a string: `.5`, `1.`, `+1`, `007`.
pub fn parse_lenient(s: &str) -> Option<Num> {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    let (mantissa, exp) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let dots = mantissa.bytes().filter(|b| *b == b'.').count();
    let exp_ok = exp.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())
    });
    let ok = digits > 0 && dots <= 1 && digits + dots == mantissa.len() && exp_ok;
    ok.then(|| parse(s.strip_prefix('+').unwrap_or(s)))
        .flatten()
}

/// An exact integer of any codec's width.
pub fn from_i128(i: i128) -> Num {
    isize::try_from(i).map_or_else(|_| Num::big_int(BigInt::from(i)), Num::Int)
}

/// The number as an integer that fits a codec, if it is one.
pub fn to_i128(n: &Num) -> Option<i128> {
    match n {
        Num::Int(i) => i128::try_from(*i).ok(),
        Num::BigInt(b) => b.to_i128(),
        _ => None,
    }
}

/// The number as a float, rounded where it has to be.
pub fn to_f64(n: &Num) -> f64 {
    match n {
        Num::Int(i) => *i as f64,
        Num::BigInt(b) => b.to_f64().unwrap_or(f64::NAN),
        Num::Float(f) => *f,
        Num::Dec(d) => d.parse().unwrap_or(f64::NAN),
    }
}

/// Whether the number is kept as an integer.
pub fn is_int(n: &Num) -> bool {
    matches!(n, Num::Int(_) | Num::BigInt(_))
}

/// The number as an integer of any size, with its fraction dropped; `None` for what is not finite.
pub fn to_big(n: &Num) -> Option<BigInt> {
    match n {
        Num::Int(i) => Some(BigInt::from(*i)),
        Num::BigInt(b) => Some((**b).clone()),
        n => {
            let f = to_f64(n);
            let (mant, exp, sign) = num_traits::float::FloatCore::integer_decode(f);
            if !f.is_finite() {
                return None;
            }
            let big = BigInt::from(mant);
            let big = if exp >= 0 {
                big << (exp as u32)
            } else {
                big >> (exp.unsigned_abs() as u32)
            };
            Some(if sign < 0 { -big } else { big })
        }
    }
}

/// A number from an integer of any size.
pub fn from_big(b: BigInt) -> Num {
    b.to_isize().map_or_else(|| Num::big_int(b), Num::Int)
}

/// The number as an index; floats round down as in jq. `None` for NaN.
pub fn to_index(n: &Num) -> Option<isize> {
    match n {
        Num::Int(i) => Some(*i),
        Num::BigInt(b) if b.sign() == Sign::Minus => Some(isize::MIN),
        Num::BigInt(_) => Some(isize::MAX),
        n => {
            let f = to_f64(n);
            // `as` saturates
            (!f.is_nan()).then(|| f.floor() as isize)
        }
    }
}

/// Appends a number as jq writes it: NaN as null, infinities as the largest float.
pub fn write(n: &Num, out: &mut String) {
    use std::fmt::Write;
    match n {
        // writing to a string cannot fail
        Num::Int(i) => _ = write!(out, "{i}"),
        Num::BigInt(b) => _ = write!(out, "{b}"),
        n => write_f64(to_f64(n), out),
    }
}

fn write_f64(f: f64, out: &mut String) {
    if f.is_nan() {
        return out.push_str("null");
    }
    let f = f.clamp(-f64::MAX, f64::MAX);
    let mut buf = ryu::Buffer::new();
    let text = buf.format_finite(f);
    // ryu gives the shortest digits that read back the same; the layout is jq's (David Gay's `g_fmt`, with its limits)
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |t| ("-", t));
    let (mantissa, exp) = text.split_once('e').unwrap_or((text, "0"));
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exp: i32 = exp.parse().unwrap_or(0);
    let mut digits = format!("{int}{frac}");
    let mut point = int.len() as i32 + exp;
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    digits.drain(..zeros);
    point -= zeros as i32;
    digits.truncate(digits.trim_end_matches('0').len());
    out.push_str(sign);
    if digits.is_empty() {
        return out.push('0');
    }
    let len = digits.len() as i32;
    let zeros = |n: i32| std::iter::repeat_n('0', n.max(0) as usize);
    if point <= -4 || point > len + 15 {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let e = point - 1;
        out.push_str(if e < 0 { "e-" } else { "e+" });
        out.push_str(&format!("{:02}", e.abs()));
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(zeros(-point));
        out.push_str(&digits);
    } else if point >= len {
        out.push_str(&digits);
        out.extend(zeros(point - len));
    } else {
        let (int, frac) = digits.split_at(point as usize);
        out.push_str(int);
        out.push('.');
        out.push_str(frac);
    }
}
