//! Arithmetic. It is exact for integers of up to 30 digits, more than any field of 64 bits has; all else is computed as floats,
//! as in jq.
use super::{Num, to_f64};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use std::ops::{Add, Mul, Neg, Sub};

/// The integers that are computed with are smaller.
const LIMIT: u128 = 10_u128.pow(30);

/// A number as an integer that is computed with exactly.
pub fn exact(n: &Num) -> Option<i128> {
    match n {
        Num::Int(i) => i128::try_from(*i).ok(),
        Num::BigInt(b) => b.to_i128().filter(|i| i.unsigned_abs() < LIMIT),
        _ => None,
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $checked:ident, $whole:expr) => {
        impl $trait for Num {
            type Output = Self;
            fn $method(self, rhs: Self) -> Self {
                let (x, y) = (self.plain(), rhs.plain());
                if let (Self::Int(x), Self::Int(y)) = (&x, &y)
                    && let Some(i) = x.$checked(*y)
                    && (i != 0 || $whole(*x as i128, *y as i128))
                {
                    return Self::Int(i);
                }
                match (exact(&x), exact(&y)) {
                    (Some(x), Some(y)) if $whole(x, y) => match x.$checked(y) {
                        Some(i) => super::from_i128(i),
                        None => Self::big_int($trait::$method(BigInt::from(x), BigInt::from(y))),
                    },
                    _ => Self::Float($trait::$method(to_f64(&x), to_f64(&y))),
                }
            }
        }
    };
}

/// Whether a product is an integer: a zero that has a sign is none.
fn unsigned_zero(x: i128, y: i128) -> bool {
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
            Self::BigInt(b) => Self::big_int(-&*b),
            Self::Float(f) => Self::Float(-f),
            // the spelling stays, as in jq
            Self::Dec(d) => Self::Dec(std::rc::Rc::new(d.negated())),
        }
    }
}
