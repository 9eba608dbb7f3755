//! Numbers: integers of any size, floats, and numbers that stay as they were written.
mod ops;
mod order;
mod text;

pub use ops::{divided, exact};
pub use text::{parse, parse_lenient, parse_special, write};

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use std::ops::Deref;
use std::rc::Rc;

/// A number.
#[derive(Clone, Debug)]
pub enum Num {
    /// An integer of the machine.
    Int(isize),
    /// An integer that is larger.
    BigInt(Rc<Big>),
    /// A float.
    Float(f64),
    /// A number as it was written, where neither of the others prints as that: `1.10`, `1E+1000`.
    Dec(Rc<Decimal>),
}

/// An integer that is larger than one of the machine.
#[derive(Debug)]
pub struct Big {
    int: BigInt,
    /// Whether it is a number of JSON or of a program with more digits than are computed with.
    written: bool,
}

impl Deref for Big {
    type Target = BigInt;
    fn deref(&self) -> &BigInt {
        &self.int
    }
}

/// A number as it was written, in jq's canonical form.
#[derive(Debug)]
pub struct Decimal {
    text: Box<str>,
    /// What is computed with.
    float: f64,
}

/// A number of JSON or of a program that has more digits stays as it was written, but arithmetic rounds it, as jq's manual says.
/// A field of a file, and what is computed of others, is exact however large it is.
const WRITTEN_DIGITS: usize = 30;

/// Integers of more digits are only kept as they are written.
const MOST_DIGITS: usize = 1000;

impl Num {
    /// An integer of any size.
    pub fn big_int(i: BigInt) -> Self {
        match i.to_isize() {
            Some(i) => Self::Int(i),
            None => Self::BigInt(Rc::new(Big {
                int: i,
                written: false,
            })),
        }
    }

    /// An integer as it was written in JSON or in a program.
    fn written(s: &str, digits: usize) -> Option<Self> {
        Some(match Self::from_str_radix(s, 10)? {
            Self::BigInt(b) if digits > WRITTEN_DIGITS => Self::BigInt(Rc::new(Big {
                int: b.int.clone(),
                written: true,
            })),
            n => n,
        })
    }

    /// An integer in digits of a base.
    pub fn from_str_radix(s: &str, radix: u32) -> Option<Self> {
        let digits = s.strip_prefix(['-', '+']).unwrap_or(s);
        // the parsers take underscores
        let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        if !valid {
            return None;
        }
        match isize::from_str_radix(s, radix) {
            Ok(i) => Some(Self::Int(i)),
            Err(_) => BigInt::parse_bytes(s.as_bytes(), radix).map(Self::big_int),
        }
    }

    /// The integer, if it is one of the machine.
    pub fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// Whether it is no number.
    pub fn is_nan(&self) -> bool {
        matches!(self, Self::Float(f) if f.is_nan())
    }

    /// What is computed with: the spelling is gone.
    fn plain(self) -> Self {
        match self {
            Self::Dec(d) => Self::Float(d.float),
            n => n,
        }
    }
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
        Num::Dec(d) => d.float,
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
        Num::BigInt(b) => Some(b.int.clone()),
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

/// A float as an integer, if it is one of the machine; a zero with a sign is none.
pub fn integral(f: f64) -> Num {
    let whole = f.fract() == 0.0 && f.abs() < 9_223_372_036_854_775_807.0;
    match whole && !(f == 0.0 && f.is_sign_negative()) {
        true => Num::Int(f as isize),
        false => Num::Float(f),
    }
}

/// A number from an integer of any size.
pub fn from_big(b: BigInt) -> Num {
    Num::big_int(b)
}

/// The number as an index; a fraction is dropped as in jq. `None` for NaN.
pub fn to_index(n: &Num) -> Option<isize> {
    match n {
        Num::Int(i) => Some(*i),
        Num::BigInt(b) if b.sign() == Sign::Minus => Some(isize::MIN),
        Num::BigInt(_) => Some(isize::MAX),
        n => {
            let f = to_f64(n);
            // `as` saturates
            (!f.is_nan()).then_some(f as isize)
        }
    }
}
