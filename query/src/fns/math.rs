//! Mathematical functions of two and three numbers. `defs.jq` runs through their arguments in jq's order.
//!
//! Where jq hands a number over as an integer of C, it is cut towards 0, and one that is too large becomes the least one.
use super::{Args, Table, fail};
use crate::value::{Brief, V, ValR, ValXs, num};
use jaq_core::native::{bome, v};

pub fn table() -> Table {
    vec![
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
fn jn(n: i32, x: f64) -> f64 {
    if n == i32::MIN {
        f64::NAN
    } else {
        libm::jn(n, x)
    }
}
