//! Types, sizes, containment, conversions.
use super::contains::contains;
use super::{Table, fail, unary};
use crate::json;
use crate::value::{Brief, Error, Kind, Num, V, ValR, ValXs, cut_text, num};
use jaq_core::native::{bome, v};

pub fn table() -> Table {
    vec![
        ("null", v(0), |_| bome(Ok(V::Null))),
        ("true", v(0), |_| bome(Ok(V::Bool(true)))),
        ("false", v(0), |_| bome(Ok(V::Bool(false)))),
        ("nan", v(0), |_| bome(Ok(V::from(f64::NAN)))),
        ("infinite", v(0), |_| bome(Ok(V::from(f64::INFINITY)))),
        ("not", v(0), |cv| bome(Ok(V::Bool(!cv.1.truth())))),
        ("type", v(0), |cv| bome(Ok(V::text(cv.1.kind().name())))),
        ("isboolean", v(0), |cv| {
            bome(Ok(matches!(cv.1.kind(), Kind::True | Kind::False).into()))
        }),
        ("isnumber", v(0), |cv| {
            bome(Ok((cv.1.kind() == Kind::Num).into()))
        }),
        ("isstring", v(0), |cv| {
            bome(Ok((cv.1.kind() == Kind::Str).into()))
        }),
        ("isarray", v(0), |cv| {
            bome(Ok((cv.1.kind() == Kind::Arr).into()))
        }),
        ("isobject", v(0), |cv| {
            bome(Ok((cv.1.kind() == Kind::Obj).into()))
        }),
        ("_iscontainer", v(0), |cv| {
            bome(Ok(cv.1.is_container().into()))
        }),
        ("isnan", v(0), |cv| bome(Ok(is(&cv.1, f64::is_nan)))),
        ("isinfinite", v(0), |cv| {
            bome(Ok(is(&cv.1, f64::is_infinite)))
        }),
        ("isnormal", v(0), |cv| bome(Ok(is(&cv.1, f64::is_normal)))),
        ("floor", v(0), |cv| bome(whole(&cv.1, f64::floor))),
        ("ceil", v(0), |cv| bome(whole(&cv.1, f64::ceil))),
        ("round", v(0), |cv| bome(whole(&cv.1, f64::round))),
        ("trunc", v(0), |cv| bome(whole(&cv.1, f64::trunc))),
        ("rint", v(0), |cv| bome(whole(&cv.1, f64::round_ties_even))),
        ("nearbyint", v(0), |cv| {
            bome(whole(&cv.1, f64::round_ties_even))
        }),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("abs", v(0), |cv| bome(abs(cv.1))),
        ("toarray", v(0), |cv| {
            bome(Ok(if cv.1.kind() == Kind::Arr {
                cv.1
            } else {
                V::arr(vec![cv.1])
            }))
        }),
        ("contains", v(1), |cv| {
            unary(cv, |x, y| contains(&x, &y).map(V::Bool))
        }),
        ("has", v(1), |cv| unary(cv, has)),
        ("keys", v(0), |cv| bome(keys(cv.1))),
        ("tojson", v(0), |cv| bome(Ok(V::text(json::to_text(&cv.1))))),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("tonumber", v(0), |cv| bome(to_number(cv.1))),
        ("range", v(3), |mut cv| {
            let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            range(&from, &to, &by)
        }),
        ("toboolean", v(0), |cv| bome(to_boolean(cv.1))),
    ]
}

/// Whether it is a number of which that holds.
fn is(v: &V, holds: fn(f64) -> bool) -> V {
    V::Bool(v.num().is_some_and(|n| holds(num::to_f64(&n))))
}

/// A whole number; integers are whole, of any size.
fn whole(v: &V, round: fn(f64) -> f64) -> ValR {
    match v.num() {
        Some(n) if num::is_int(&n) => Ok(V::Num(n)),
        Some(n) => Ok(V::Num(num::integral(round(num::to_f64(&n))))),
        None => fail(format_args!("{} number required", Brief(v))),
    }
}

fn abs(v: V) -> ValR {
    match v.settle() {
        V::Num(n) => Ok(match n {
            Num::Float(f) => V::from(f.abs()),
            n if num::to_f64(&n) < 0.0 => V::Num(-n),
            n => V::Num(n),
        }),
        // what is not less than 0, as jq compares
        v if matches!(v.kind(), Kind::Str | Kind::Arr | Kind::Obj) => Ok(v),
        v => fail(format_args!("{} has no absolute value", Brief(&v))),
    }
}

fn length(v: &V) -> ValR {
    Ok(match v {
        V::Null => V::size(0),
        V::Num(_) => return abs(v.clone()),
        V::Text(s) if s.is_ascii() => V::size(s.len()),
        V::Text(s) => V::size(s.chars().unwrap_or_else(|| s.lossy().chars().count())),
        V::Bytes(s) => V::size(s.len()),
        V::Arr(a) => V::size(a.len()),
        V::Obj(o) => V::size(o.len()),
        V::Node(n) if v.is_container() => V::int(n.node().len()),
        V::Node(n) => match n.node().byte_len() {
            Some(len) => V::int(len),
            None => return length(&V::from(n.scalar())),
        },
        V::Bool(_) => return fail(format_args!("{} has no length", Brief(v))),
    })
}

fn has(v: V, k: V) -> ValR {
    match (v.kind(), k.kind()) {
        (Kind::Obj, Kind::Str) | (Kind::Arr, Kind::Num) => {
            // counting from the end is not having
            let negative = k.num().is_some_and(|n| num::to_f64(&n) < 0.0);
            let listed = |child: &V| match (child, &v) {
                // a field that is not there, and found so that it can be walked over or assigned
                (V::Node(child), V::Node(of)) if !child.node().is_stored() => {
                    let name = child.node().key().cloned();
                    of.node()
                        .fields()
                        .iter()
                        .any(|(_, field)| field.key() == name.as_ref())
                }
                _ => true,
            };
            Ok(V::Bool(
                !negative && v.clone().get(&k)?.is_some_and(|c| listed(&c)),
            ))
        }
        // nothing has nothing
        (Kind::Null, _) => Ok(V::Bool(false)),
        (kind, key) => fail(format_args!(
            "Cannot check whether {} has a {} key",
            kind.name(),
            key.name()
        )),
    }
}

fn keys(v: V) -> ValR {
    match v.kind() {
        Kind::Arr => {
            let V::Num(n) = length(&v)? else {
                return fail("no length");
            };
            let n = num::to_index(&n).unwrap_or(0);
            Ok((0..n).map(V::from).collect())
        }
        Kind::Obj => {
            let mut keys: Vec<_> = v
                .into_fields()
                .unwrap_or_default()
                .into_iter()
                .map(|(k, _)| k)
                .collect();
            keys.sort();
            Ok(keys.into_iter().map(V::key).collect())
        }
        _ => fail(format_args!("{} has no keys", Brief(&v))),
    }
}

fn from_json(v: &V) -> ValR {
    let Some(s) = v.str() else {
        return fail(format_args!("{} cannot be parsed as JSON", Brief(v)));
    };
    json::parse(&s).map_err(|e| {
        let text = cut_text(&s.lossy());
        Error::str(format_args!("{e} (while parsing '{text}')"))
    })
}

fn to_number(v: V) -> ValR {
    let v = v.settle();
    let parsed = match &v {
        V::Num(_) => return Ok(v),
        V::Text(s) | V::Bytes(s) => match std::str::from_utf8(s) {
            Ok(s) => num::parse_lenient(s).or_else(|| num::parse_special(s)),
            Err(_) => None,
        },
        _ => None,
    };
    match parsed {
        Some(n) => Ok(V::Num(n)),
        None => fail(format_args!("{} cannot be parsed as a number", Brief(&v))),
    }
}

fn to_boolean(v: V) -> ValR {
    match v.settle() {
        v @ V::Bool(_) => Ok(v),
        V::Text(s) if *s == *b"true" => Ok(V::Bool(true)),
        V::Text(s) if *s == *b"false" => Ok(V::Bool(false)),
        v => fail(format_args!("{} cannot be parsed as a boolean", Brief(&v))),
    }
}

fn range<'a>(from: &V, to: &V, by: &V) -> ValXs<'a> {
    let (Some(from), Some(to), Some(by)) = (from.num(), to.num(), by.num()) else {
        return bome(fail("Range bounds must be numeric"));
    };
    let zero = Num::Int(0);
    let (up, down) = (by > zero, by < zero);
    let mut next = from;
    Box::new(std::iter::from_fn(move || {
        let go = (up && next < to) || (down && next > to);
        go.then(|| {
            let following = next.clone() + by.clone();
            Ok(V::Num(std::mem::replace(&mut next, following)))
        })
    }))
}
