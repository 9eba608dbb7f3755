//! Mathematical functions. `defs.jq` runs through the arguments of those with several in jq's order.
//!
//! Where jq hands a number over as an integer of C, it is cut towards 0, and one that is too large becomes the least one.
use super::{Args, Table, fail};
use crate::value::{Brief, V, ValR, ValXs, num};
use jaq_core::native::{bome, v};

/// Functions of the input.
macro_rules! unary {
    ($($name:literal $f:expr,)*) => {
        vec![$(($name, v(0), |cv| {
            bome(number(&cv.1).map(|x| V::from($f(x))))
        }),)*]
    };
}

fn of_one() -> Table {
    unary!(
        "acos" f64::acos,
        "acosh" libm::acosh,
        "asin" f64::asin,
        "asinh" libm::asinh,
        "atan" f64::atan,
        "atanh" libm::atanh,
        "cbrt" f64::cbrt,
        "cos" f64::cos,
        "cosh" f64::cosh,
        "exp" f64::exp,
        "exp2" f64::exp2,
        "exp10" libm::exp10,
        "expm1" f64::exp_m1,
        "fabs" f64::abs,
        "j0" libm::j0,
        "j1" libm::j1,
        "lgamma" libm::lgamma,
        "log" f64::ln,
        "log10" f64::log10,
        "log1p" f64::ln_1p,
        "log2" f64::log2,
        "logb" logb,
        "significand" significand,
        "sin" f64::sin,
        "sinh" f64::sinh,
        "sqrt" f64::sqrt,
        "tan" f64::tan,
        "tanh" f64::tanh,
        "tgamma" libm::tgamma,
        "y0" libm::y0,
        "y1" libm::y1,
    )
}

pub fn table() -> Table {
    let mut all = of_one();
    all.extend(of_more());
    all
}

fn of_more() -> Table {
    vec![
        ("frexp", v(0), |cv| {
            bome(number(&cv.1).map(|x| {
                let (part, power) = libm::frexp(x);
                V::arr(vec![V::from(part), V::int(power)])
            }))
        }),
        ("modf", v(0), |cv| {
            bome(number(&cv.1).map(|x| {
                let rest = if x.is_infinite() { 0.0 } else { x - x.trunc() };
                V::arr(vec![V::from(rest.copysign(x)), V::from(x.trunc())])
            }))
        }),
        ("_pow", v(2), |cv| two(cv, f64::powf)),
        ("_atan2", v(2), |cv| two(cv, f64::atan2)),
        ("_fmin", v(2), |cv| two(cv, f64::min)),
        ("_fmax", v(2), |cv| two(cv, f64::max)),
        ("_fmod", v(2), |cv| two(cv, |x, y| x % y)),
        ("_hypot", v(2), |cv| two(cv, f64::hypot)),
        ("_fdim", v(2), |cv| two(cv, libm::fdim)),
        ("_remainder", v(2), |cv| two(cv, libm::remainder)),
        ("_drem", v(2), |cv| two(cv, drem)),
        ("_copysign", v(2), |cv| two(cv, f64::copysign)),
        ("_nextafter", v(2), |cv| two(cv, libm::nextafter)),
        ("_ldexp", v(2), |cv| two(cv, |x, y| libm::ldexp(x, int(y)))),
        ("_scalb", v(2), |cv| two(cv, scalb)),
        ("_scalbln", v(2), |cv| two(cv, scalbln)),
        ("_jn", v(2), |cv| two(cv, |n, x| jn(int(n), x))),
        ("_yn", v(2), |cv| two(cv, |n, x| libm::yn(int(n), x))),
        ("_fma", v(3), |mut cv| {
            let (z, y, x) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            let product = || Ok(V::from(number(&x)?.mul_add(number(&y)?, number(&z)?)));
            bome(product())
        }),
    ]
}

fn number(v: &V) -> ValR<f64> {
    match v.num() {
        Some(n) => Ok(num::to_f64(&n)),
        None => fail(format_args!("{} number required", Brief(v))),
    }
}

fn two<'a>(mut cv: Args<'a>, f: fn(f64, f64) -> f64) -> ValXs<'a> {
    let (y, x) = (cv.0.pop_var(), cv.0.pop_var());
    let value = || Ok(V::from(f(number(&x)?, number(&y)?)));
    bome(value())
}

/// As an `int` of C.
fn int(f: f64) -> i32 {
    let whole = f.trunc();
    match (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&whole) {
        true => whole as i32,
        false => i32::MIN,
    }
}

/// The power of two below a number.
fn logb(x: f64) -> f64 {
    match x {
        0.0 => f64::NEG_INFINITY,
        x if x.is_finite() => libm::ilogb(x).into(),
        x => x * x,
    }
}

/// A number without its power of two.
fn significand(x: f64) -> f64 {
    match x == 0.0 || !x.is_finite() {
        true => x,
        false => libm::scalbn(x, -libm::ilogb(x)),
    }
}

/// `drem` of C: that of nothing has the sign of what is divided.
fn drem(x: f64, y: f64) -> f64 {
    match libm::remainder(x, y) {
        0.0 => 0f64.copysign(x),
        rest => rest,
    }
}

/// Powers of two that are no integers have no meaning.
fn scalb(x: f64, y: f64) -> f64 {
    match y.is_nan() || (y.is_finite() && y.fract() != 0.0) {
        true => f64::NAN,
        false => x * y.exp2(),
    }
}

/// A `long` of C is wider than what any number can be scaled by.
fn scalbln(x: f64, y: f64) -> f64 {
    const FAR: f64 = 5000.0;
    let out_of_range = y.is_nan() || y.abs() >= 2f64.powi(63);
    let by = if out_of_range {
        -FAR
    } else {
        y.clamp(-FAR, FAR)
    };
    libm::scalbn(x, by as i32)
}

/// The least order stands for those that are no `int`.
///
/// `libm` takes as many steps as the order has, also to what is nothing: |Jn(x)| is at most (|x|/2)^n / n!, which is less than
/// (e|x|/2n)^n.
fn jn(n: i32, x: f64) -> f64 {
    /// Far below the logarithm of the least number.
    const NOTHING: f64 = -1000.0;
    let order = f64::from(n).abs();
    let log = order * (x.abs() * std::f64::consts::E / 2.0 / order).ln();
    if n == i32::MIN {
        f64::NAN
    } else if log < NOTHING {
        // Jn(-x) is -Jn(x) where n is odd, and so is J-n(x)
        let odd = n % 2 != 0 && (n < 0) != x.is_sign_negative();
        if odd { -0.0 } else { 0.0 }
    } else {
        libm::jn(n, x)
    }
}
