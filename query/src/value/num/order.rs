//! Which number is larger. The order is total and exact: NaN comes first, and an integer is no float that is near it.
//!
//! A float below 2^53 counts as the shortest decimal that reads as it, so that `1.1` is the number that `1.10` is. Above,
//! where floats are integers, it counts as that integer.
use super::text::Digits;
use super::{Num, to_big, to_f64};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// From here on floats are whole, and not all integers are floats.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn floats(x: f64, y: f64) -> Ordering {
    match (x.is_nan(), y.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        // zeros are equal
        (false, false) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
    }
}

/// An integer and a float.
fn mixed(i: &Num, f: f64) -> Ordering {
    if f.abs() < WHOLE || !f.is_finite() {
        // what is rounded here is larger than the float can be
        return floats(to_f64(i), f);
    }
    to_big(i).cmp(&to_big(&Num::Float(f)))
}

impl Ord for Num {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(x), Self::Int(y)) => x.cmp(y),
            (Self::Float(x), Self::Float(y)) => floats(*x, *y),
            (x @ (Self::Int(_) | Self::BigInt(_)), Self::Float(f)) => mixed(x, *f),
            (Self::Float(f), y @ (Self::Int(_) | Self::BigInt(_))) => mixed(y, *f).reverse(),
            (Self::Dec(_), _) | (_, Self::Dec(_)) => {
                // rounding keeps the order
                let rounded = floats(to_f64(self), to_f64(other));
                rounded.then_with(|| Digits::of(self).cmp(&Digits::of(other)))
            }
            (x, y) => to_big(x).cmp(&to_big(y)),
        }
    }
}

impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Num {
    /// NaN is not equal to itself.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(x), Self::Int(y)) => x == y,
            (x, y) => !x.is_nan() && x.cmp(y).is_eq(),
        }
    }
}

impl Eq for Num {}

impl Num {
    /// The order as jq's operators have it: NaN is less than anything, itself included.
    pub fn operated(&self, other: &Self) -> Ordering {
        match self.is_nan() {
            true => Ordering::Less,
            false => self.cmp(other),
        }
    }
}

impl Hash for Num {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // equal numbers are equal when they are rounded
        let f = to_f64(self);
        let bits = match f {
            f if f.is_nan() => u64::MAX,
            0.0 => 0,
            f => f.to_bits(),
        };
        // what `V` begins its other hashes with is no 0
        state.write_u8(0);
        state.write_u64(bits);
    }
}
