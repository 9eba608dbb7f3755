//! Functions over strings. Leaves of a decode are strings where their values are.
use super::{Table, fail, unary};
use crate::value::{Brief, Error, Kind, Str, V, ValR, find_all, num, split};
use jaq_core::native::{bome, v};

pub fn table() -> Table {
    vec![
        ("utf8bytelength", v(0), |cv| {
            bome(
                string(&cv.1, |v| {
                    format!("{v} only strings have UTF-8 byte length")
                })
                .map(|s| V::size(s.len())),
            )
        }),
        ("explode", v(0), |cv| bome(explode(&cv.1))),
        ("implode", v(0), |cv| bome(implode(cv.1))),
        ("ascii_downcase", v(0), |cv| {
            bome(map(
                &cv.1,
                "explode input must be a string",
                <[u8]>::to_ascii_lowercase,
            ))
        }),
        ("ascii_upcase", v(0), |cv| {
            bome(map(
                &cv.1,
                "explode input must be a string",
                <[u8]>::to_ascii_uppercase,
            ))
        }),
        ("startswith", v(1), |cv| {
            unary(cv, |s, x| {
                fixes(&s, &x, "startswith").map(|(s, x)| s.starts_with(&x).into())
            })
        }),
        ("endswith", v(1), |cv| {
            unary(cv, |s, x| {
                fixes(&s, &x, "endswith").map(|(s, x)| s.ends_with(&x).into())
            })
        }),
        ("ltrimstr", v(1), |cv| {
            unary(cv, |s, x| trim_fix(s, &x, true, false))
        }),
        ("rtrimstr", v(1), |cv| {
            unary(cv, |s, x| trim_fix(s, &x, false, true))
        }),
        ("trimstr", v(1), |cv| {
            unary(cv, |s, x| trim_fix(s, &x, true, true))
        }),
        ("trim", v(0), |cv| bome(trim(cv.1, true, true))),
        ("ltrim", v(0), |cv| bome(trim(cv.1, true, false))),
        ("rtrim", v(0), |cv| bome(trim(cv.1, false, true))),
        ("split", v(1), |cv| unary(cv, |s, sep| split_on(&s, &sep))),
        ("join", v(1), |cv| unary(cv, join)),
        ("_strindices", v(1), |cv| {
            unary(cv, |s, x| str_indices(&s, &x))
        }),
        ("indices", v(1), |cv| unary(cv, indices)),
    ]
}

/// The string that a value is, or an error made of what the value is instead.
pub fn string(v: &V, complain: impl FnOnce(Brief<'_>) -> String) -> ValR<Str> {
    v.str().ok_or_else(|| Error::str(complain(Brief(v))))
}

/// Whether a string counts in bytes rather than characters.
pub fn is_bytes(v: &V) -> bool {
    matches!(*v.settled(), V::Bytes(_))
}

/// A string of the same flavour as `like`.
pub fn same(like: &V, s: Str) -> V {
    if is_bytes(like) {
        V::Bytes(s)
    } else {
        V::Text(s)
    }
}

fn map(v: &V, complaint: &str, f: fn(&[u8]) -> Vec<u8>) -> ValR {
    Ok(same(v, f(&string(v, |_| complaint.into())?).into()))
}

fn explode(v: &V) -> ValR {
    let s = string(v, |v| format!("{v} cannot be exploded"))?;
    Ok(match is_bytes(v) {
        true => s.iter().map(|b| V::int(*b)).collect(),
        false => s.lossy().chars().map(|c| V::int(u32::from(c))).collect(),
    })
}

fn implode(v: V) -> ValR {
    let Ok(items) = v.into_items() else {
        return fail("implode input must be an array");
    };
    let mut s = String::with_capacity(items.len());
    for x in items {
        let n = x.num().and_then(|n| num::to_index(&n));
        let Some(n) = n else {
            let b = Brief(&x);
            return fail(format_args!(
                "{b} can't be imploded, unicode codepoint needs to be numeric"
            ));
        };
        s.push(
            u32::try_from(n)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER),
        );
    }
    Ok(V::text(s))
}

fn fixes(s: &V, x: &V, name: &str) -> ValR<(Str, Str)> {
    match (s.str(), x.str()) {
        (Some(s), Some(x)) => Ok((s, x)),
        _ => fail(format_args!("{name}() requires string inputs")),
    }
}

fn trim_fix(v: V, fix: &V, left: bool, right: bool) -> ValR {
    let (s, x) = fixes(&v, fix, if left { "startswith" } else { "endswith" })?;
    let start = if left && s.starts_with(&x) {
        x.len()
    } else {
        0
    };
    let end = if right && s[start..].ends_with(&x) {
        s.len() - x.len()
    } else {
        s.len()
    };
    // what is not changed stays a leaf
    Ok(if (start, end) == (0, s.len()) {
        v
    } else {
        same(&v, s.slice(start..end))
    })
}

fn trim(v: V, left: bool, right: bool) -> ValR {
    let s = string(&v, |_| "trim input must be a string".into())?;
    let (start, end) = match std::str::from_utf8(&s) {
        Ok(t) => {
            let start = if left {
                t.len() - t.trim_start().len()
            } else {
                0
            };
            (
                start,
                if right {
                    start + t[start..].trim_end().len()
                } else {
                    t.len()
                },
            )
        }
        Err(_) => {
            let start = if left {
                s.len() - s.trim_ascii_start().len()
            } else {
                0
            };
            (
                start,
                if right {
                    start + s[start..].trim_ascii_end().len()
                } else {
                    s.len()
                },
            )
        }
    };
    Ok(if (start, end) == (0, s.len()) {
        v
    } else {
        same(&v, s.slice(start..end))
    })
}

fn split_on(v: &V, sep: &V) -> ValR {
    match (v.str(), sep.str()) {
        (Some(s), Some(sep)) => Ok(V::arr(split(&s, &sep, !is_bytes(v)))),
        _ => fail("split input and separator must be strings"),
    }
}

fn join(v: V, sep: V) -> ValR {
    let mut out: Vec<u8> = Vec::new();
    for (i, x) in super::arrays::values(v)?.into_iter().enumerate() {
        if i > 0 {
            match sep.str() {
                Some(s) => out.extend_from_slice(&s),
                None if sep == V::Null => (),
                None => return V::text(out) + sep,
            }
        }
        match x.settle() {
            V::Null => (),
            V::Text(s) | V::Bytes(s) => out.extend_from_slice(&s),
            x @ (V::Bool(_) | V::Num(_)) => out.extend(crate::json::to_text(&x).into_bytes()),
            x => return V::text(out) + x,
        }
    }
    Ok(V::text(out))
}

fn str_indices(s: &V, x: &V) -> ValR {
    let hay = string(s, |v| {
        format!("{v} cannot be searched, as it is not a string")
    })?;
    let needle = string(x, |v| format!("{v} is not a string"))?;
    if needle.is_empty() {
        return Ok(V::arr(Vec::new()));
    }
    let found = find_all(&hay, &needle).into_iter();
    if is_bytes(s) || hay.is_ascii() {
        return Ok(found.map(V::size).collect());
    }
    // positions count characters
    let mut last = (0, 0);
    let counted = found.map(|at| {
        last = (at, last.1 + characters(&hay[last.0..at]));
        V::size(last.1)
    });
    Ok(counted.collect())
}

/// How many characters there are; what is not UTF-8 counts as the marks that it is shown as.
pub fn characters(s: &[u8]) -> usize {
    let chunk = |c: std::str::Utf8Chunk<'_>| {
        c.valid().chars().count() + usize::from(!c.invalid().is_empty())
    };
    s.utf8_chunks().map(chunk).sum()
}

fn indices(v: V, x: V) -> ValR {
    match (v.kind(), x.kind()) {
        (Kind::Null, _) => Ok(V::Null),
        (Kind::Str, Kind::Str) => str_indices(&v, &x),
        (Kind::Arr, Kind::Arr) => v.get(&x).map(Option::unwrap_or_default),
        (Kind::Arr, _) => {
            let items = v.into_items().unwrap_or_default();
            let found = items.iter().enumerate().filter(|(_, y)| **y == x);
            Ok(found.map(|(i, _)| V::size(i)).collect())
        }
        _ => v.get(&x).map(Option::unwrap_or_default),
    }
}
