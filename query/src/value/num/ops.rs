//! Arithmetic. It is exact for integers, as long as they have no more digits than an integer that is read may have; larger
//! ones are computed as floats, as in jq.
use super::{Big, MOST_DIGITS, Num, to_big, to_f64};
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};
use std::ops::{Add, Mul, Neg, Sub};
use std::rc::Rc;

/// 2 to the power of this has [`MOST_DIGITS`] digits, so that no program makes integers that fill the memory.
const MOST_BITS: u64 = MOST_DIGITS as u64 * 3322 / 1000;

/// A number as an integer that is computed with exactly.
pub fn exact(n: &Num) -> Option<BigInt> {
    match n {
        Num::Int(_) => to_big(n),
        Num::BigInt(b) if !b.written => to_big(n),
        _ => None,
    }
}

/// An integer that was computed; as a float if it has too many digits.
fn computed(i: BigInt) -> Num {
    match i.bits() > MOST_BITS {
        true => Num::Float(i.to_f64().unwrap_or(f64::NAN)),
        false => Num::big_int(i),
    }
}

/// Whole quotient and remainder, if there is no remainder.
pub fn divided(x: &Num, y: &Num) -> Option<Num> {
    if let (Num::Int(x), Num::Int(y)) = (x, y)
        && let Some(rest) = x.checked_rem(*y)
    {
        let whole = rest == 0 && (*x != 0 || *y > 0);
        return whole.then(|| Num::Int(x / y));
    }
    let (x, y) = (exact(x)?, exact(y)?);
    // a zero that has a sign is no integer
    let signed_zero = x.is_zero() && y.sign() == num_bigint::Sign::Minus;
    let whole = !y.is_zero() && !signed_zero && (&x % &y).is_zero();
    whole.then(|| computed(x / y))
}

macro_rules! operator {
    ($trait:ident, $method:ident, $checked:ident, $whole:expr) => {
        impl $trait for Num {
            type Output = Self;
            fn $method(self, rhs: Self) -> Self {
                let (x, y) = (self.plain(), rhs.plain());
                if let (Self::Int(x), Self::Int(y)) = (&x, &y)
                    && let Some(i) = x.$checked(*y)
                {
                    return match i != 0 || $whole(*x, *y) {
                        true => Self::Int(i),
                        false => Self::Float($trait::$method(*x as f64, *y as f64)),
                    };
                }
                match (exact(&x), exact(&y)) {
                    (Some(x), Some(y)) => computed($trait::$method(x, y)),
                    _ => Self::Float($trait::$method(to_f64(&x), to_f64(&y))),
                }
            }
        }
    };
}

/// Whether a product is an integer: a zero that has a sign is none.
fn unsigned_zero(x: isize, y: isize) -> bool {
    !(x == 0 && y < 0 || x < 0 && y == 0)
}

operator!(Add, add, checked_add, |_, _| true);
operator!(Sub, sub, checked_sub, |_, _| true);
operator!(Mul, mul, checked_mul, unsigned_zero);

impl Neg for Num {
    type Output = Self;
    fn neg(self) -> Self {
        match self {
            Self::Int(i) => match i.checked_neg() {
                Some(i) => Self::Int(i),
                None => Self::big_int(-BigInt::from(i)),
            },
            // the spelling stays, as in jq
            Self::BigInt(b) if b.written => Self::BigInt(Rc::new(Big {
                int: -&b.int,
                written: true,
            })),
            Self::BigInt(b) => Self::big_int(-&b.int),
            Self::Float(f) => Self::Float(-f),
            Self::Dec(d) => Self::Dec(std::rc::Rc::new(d.negated())),
        }
    }
}
