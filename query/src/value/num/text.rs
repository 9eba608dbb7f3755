//! How numbers are read and written.
use super::{Decimal, MOST_DIGITS, Num, to_f64};
use std::cmp::Ordering;
use std::fmt::Write;
use std::rc::Rc;

/// A number from the text of one, as in jq programs and JSON.
///
/// Integers stay exact, and what would print in another way than jq prints it keeps its spelling.
pub fn parse(s: &str) -> Option<Num> {
    let digits = s.strip_prefix('-').unwrap_or(s);
    // an integer has no negative zero, so that one is a float
    let negative_zero = s.starts_with('-') && digits.bytes().all(|b| b == b'0');
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if whole && !negative_zero && digits.len() <= MOST_DIGITS {
        return Num::written(s, digits.len());
    }
    let float: f64 = s.parse().ok()?;
    if !float.is_finite() && !s.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
        // `inf` and `nan` are no text of a number
        return None;
    }
    if short(digits) || negative_zero {
        return Some(Num::Float(float));
    }
    let number = Digits::parse(s)?;
    // an exponent beyond what jq's decimals have
    if number.adjusted().abs() > 999_999_999 {
        return Some(Num::Float(float));
    }
    let text = number.to_string();
    let mut plain = String::new();
    write_f64(float, &mut plain);
    Some(match plain == text {
        true => Num::Float(float),
        false => Num::Dec(Rc::new(Decimal {
            text: text.into(),
            float,
        })),
    })
}

/// Whether a number prints as it is written, told without reading it: a few digits on both sides of the point, none of them
/// needless. Most fractions are such.
fn short(digits: &str) -> bool {
    let Some((int, fraction)) = digits.split_once('.') else {
        return false;
    };
    let all = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all(int)
        && all(fraction)
        && int.len() + fraction.len() <= 15
        && !fraction.ends_with('0')
        && (int == "0" || !int.starts_with('0'))
        && !(int == "0" && fraction.starts_with("0000"))
}

/// A number, as leniently as jq takes one in a string: `.5`, `1.`, `+1`, `007`.
pub fn parse_lenient(s: &str) -> Option<Num> {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    let (mantissa, exp) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(m, e)| (m, Some(e)));
    // `parse` refuses a text without digits
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let dots = mantissa.bytes().filter(|b| *b == b'.').count();
    let exp_ok = exp.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())
    });
    let ok = dots <= 1 && digits + dots == mantissa.len() && exp_ok;
    ok.then(|| parse(s.strip_prefix('+').unwrap_or(s)))
        .flatten()
}

/// `nan` and `infinity`, as jq takes them where numbers are.
pub fn parse_special(s: &str) -> Option<Num> {
    let (negative, word) = match s.strip_prefix('-') {
        Some(word) => (true, word),
        None => (false, s.strip_prefix('+').unwrap_or(s)),
    };
    let float = match word.to_ascii_lowercase().as_str() {
        "nan" => f64::NAN,
        "inf" | "infinity" => f64::INFINITY,
        _ => return None,
    };
    Some(Num::Float(if negative { -float } else { float }))
}

/// The digits of a number: those from the first that is not 0, and the power of ten of the last one.
pub struct Digits {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    fn parse(s: &str) -> Option<Self> {
        let (negative, s) = match s.strip_prefix('-') {
            Some(s) => (true, s),
            None => (false, s),
        };
        let (mantissa, exponent) = s.split_once(['e', 'E']).unwrap_or((s, "0"));
        let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = match exponent.parse::<i64>() {
            Ok(e) => e.clamp(-(1 << 40), 1 << 40),
            Err(_) if exponent.starts_with('-') => -(1 << 40),
            Err(_) => 1 << 40,
        };
        let all = format!("{int}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        // a zero has one digit
        let digits = all[zeros.min(all.len().checked_sub(1)?)..].to_owned();
        Some(Self {
            negative,
            digits,
            exponent: exponent - i64::try_from(fraction.len()).ok()?,
        })
    }

    /// The digits of a number, which is not NaN.
    pub fn of(n: &Num) -> Self {
        let mut text = String::new();
        match n {
            Num::Dec(d) => text.push_str(&d.text),
            Num::Float(f) if f.abs() >= 9_007_199_254_740_992.0 && f.is_finite() => {
                // exactly that integer
                _ = write!(text, "{f:.0}");
            }
            n => write(n, &mut text),
        }
        Self::parse(&text).unwrap_or(Self {
            negative: false,
            digits: "0".into(),
            exponent: 0,
        })
    }

    fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// The power of ten of the first digit.
    fn adjusted(&self) -> i64 {
        self.exponent + self.digits.len() as i64 - 1
    }

    /// Compares without signs.
    fn size(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => (),
        }
        let plain = |d: &Self| d.digits.trim_end_matches('0').to_owned();
        self.adjusted()
            .cmp(&other.adjusted())
            .then_with(|| plain(self).cmp(&plain(other)))
    }

    /// Compares.
    pub fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| match (d.is_zero(), d.negative) {
            (true, _) => 0,
            (_, true) => -1,
            _ => 1,
        };
        sign(self)
            .cmp(&sign(other))
            .then_with(|| match self.negative {
                true => other.size(self),
                false => self.size(other),
            })
    }
}

/// As jq's decimals print, by General Decimal Arithmetic's to-scientific-string.
impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative {
            f.write_char('-')?;
        }
        let (digits, adjusted) = (&self.digits, self.adjusted());
        if self.exponent > 0 || adjusted < -6 {
            let (first, rest) = digits.split_at(1);
            f.write_str(first)?;
            if !rest.is_empty() {
                write!(f, ".{rest}")?;
            }
            return write!(f, "E{adjusted:+}");
        }
        let point = digits.len() as i64 + self.exponent;
        if self.exponent == 0 {
            f.write_str(digits)
        } else if point > 0 {
            let (int, fraction) = digits.split_at(point as usize);
            write!(f, "{int}.{fraction}")
        } else {
            write!(f, "0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
        }
    }
}

impl Decimal {
    /// The number with the other sign; a zero has none.
    pub(super) fn negated(&self) -> Self {
        let text = match self.text.strip_prefix('-') {
            Some(text) => text.to_owned(),
            None if self.float == 0.0 && self.text.bytes().all(|b| matches!(b, b'0' | b'.')) => {
                self.text.to_string()
            }
            None => format!("-{}", self.text),
        };
        Self {
            text: text.into(),
            float: 0.0 - self.float,
        }
    }
}

/// Appends a number as jq writes it: NaN as null, infinities as the largest float.
pub fn write(n: &Num, out: &mut String) {
    match n {
        // writing to a string cannot fail
        Num::Int(i) => _ = write!(out, "{i}"),
        Num::BigInt(b) => _ = write!(out, "{}", ***b),
        Num::Dec(d) => out.push_str(&d.text),
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
