//! Sorting, grouping and what else takes an array apart.
//!
//! Keys to sort by are made plain first, so that a leaf is decoded once and not for each comparison.
use super::{Table, fail, filter_arg, unary};
use crate::value::{Brief, Kind, V, ValR, ValX, cannot_iterate, num, same, too_deep};
use jaq_core::box_iter::box_once;
use jaq_core::native::{bome, v};
use std::cmp::Ordering;

pub fn table() -> Table {
    vec![
        ("add", v(0), |cv| bome(add(cv.1))),
        ("flatten", v(0), |cv| bome(flatten(cv.1, f64::INFINITY))),
        ("flatten", v(1), |cv| unary(cv, flatten_to)),
        ("reverse", v(0), |cv| bome(reverse(cv.1))),
        ("sort", v(0), |cv| {
            bome(plain(cv.1, "sorted").and_then(sorted).map(items_of))
        }),
        ("unique", v(0), |cv| {
            bome(plain(cv.1, "sorted").and_then(sorted).map(unique))
        }),
        ("min", v(0), |cv| {
            bome(plain(cv.1, "iterated over").map(|k| extreme(k, Ordering::Less)))
        }),
        ("max", v(0), |cv| {
            bome(plain(cv.1, "iterated over").map(|k| extreme(k, Ordering::Greater)))
        }),
        ("sort_by", filter_arg(), |cv| {
            box_once(sorted_by(cv, "sorted").map(items_of))
        }),
        ("unique_by", filter_arg(), |cv| {
            box_once(sorted_by(cv, "grouped").map(unique))
        }),
        ("group_by", filter_arg(), |cv| {
            box_once(sorted_by(cv, "grouped").map(group))
        }),
        ("min_by", filter_arg(), |cv| {
            box_once(keyed(cv, "iterated over").map(|k| extreme(k, Ordering::Less)))
        }),
        ("max_by", filter_arg(), |cv| {
            box_once(keyed(cv, "iterated over").map(|k| extreme(k, Ordering::Greater)))
        }),
        ("to_entries", v(0), |cv| bome(to_entries(cv.1))),
        ("bsearch", v(1), |cv| unary(cv, bsearch)),
    ]
}

fn sorted_by<'a>(cv: super::Args<'a>, done: &str) -> ValX<'a, Keyed> {
    Ok(sorted(keyed(cv, done)?)?)
}

/// Items with what they are ordered by.
type Keyed = Vec<(Keys, V)>;

/// What an item is ordered by: one value nearly always, which wants no list of its own.
enum Keys {
    One(V),
    Many(Vec<V>),
}

impl Keys {
    fn new(mut keys: Vec<V>) -> Self {
        match keys.len() {
            1 => Self::One(keys.remove(0)),
            _ => Self::Many(keys),
        }
    }

    fn all(&self) -> &[V] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Many(keys) => keys,
        }
    }
}

fn items(v: V, done: &str) -> ValR<Vec<V>> {
    v.into_items().or_else(|v| {
        fail(format_args!(
            "{} cannot be {done}, as it is not an array",
            Brief(&v)
        ))
    })
}

/// A value that is cheap to compare more than once. What compares as a number stays what it is.
fn key(v: &V) -> V {
    match v {
        V::Node(n) if n.ordinal().is_some() => v.clone(),
        V::Arr(a) => a.iter().map(key).collect(),
        V::Obj(o) => V::obj(o.iter().map(|(k, v)| (k.clone(), key(v))).collect()),
        _ => super::nodes::to_value(v, false),
    }
}

fn plain(v: V, done: &str) -> ValR<Keyed> {
    Ok(items(v, done)?
        .into_iter()
        .map(|x| (Keys::One(key(&x)), x))
        .collect())
}

fn keyed<'a>(mut cv: super::Args<'a>, done: &str) -> ValX<'a, Keyed> {
    let (f, fc) = cv.0.pop_fun();
    let with_key = |x: V| {
        let keys = f.run((fc.clone(), x.clone())).map(|k| k.map(|k| key(&k)));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        // what the keys were read from is not kept
        Ok((Keys::new(keys), x.light()))
    };
    items(cv.1, done)?.into_iter().map(with_key).collect()
}

fn sorted(mut keyed: Keyed) -> ValR<Keyed> {
    too_deep();
    keyed.sort_by(|(k, _), (l, _)| k.all().cmp(l.all()));
    if too_deep() {
        fail("Comparison too deep")
    } else {
        Ok(keyed)
    }
}

fn items_of(keyed: Keyed) -> V {
    keyed.into_iter().map(|(_, x)| x).collect()
}

fn all_same(x: &Keys, y: &Keys) -> bool {
    let (x, y) = (x.all(), y.all());
    x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
}

fn unique(mut keyed: Keyed) -> V {
    keyed.dedup_by(|(k, _), (l, _)| all_same(k, l));
    keyed.into_iter().map(|(_, x)| x).collect()
}

fn group(keyed: Keyed) -> V {
    let mut groups: Vec<(Keys, Vec<V>)> = Vec::new();
    for (k, x) in keyed {
        match groups.last_mut() {
            Some((l, group)) if all_same(l, &k) => group.push(x),
            _ => groups.push((k, vec![x])),
        }
    }
    groups.into_iter().map(|(_, group)| V::arr(group)).collect()
}

/// The first least, or the last greatest item; null if there is none.
fn extreme(keyed: Keyed, want: Ordering) -> V {
    let mut best: Option<(Keys, V)> = None;
    for (k, x) in keyed {
        let better = best.as_ref().is_none_or(|(b, _)| {
            let o = k.all().cmp(b.all());
            o == want || (o == Ordering::Equal && want == Ordering::Greater)
        });
        if better {
            best = Some((k, x));
        }
    }
    best.map_or(V::Null, |(_, x)| x)
}

/// What `.[]` gives.
pub fn values(v: V) -> ValR<Vec<V>> {
    let fields = |v: V| {
        v.into_fields()
            .map(|f| f.into_iter().map(|(_, x)| x).collect())
    };
    v.into_items()
        .or_else(fields)
        .map_err(|v| cannot_iterate(&v))
}

fn add(v: V) -> ValR {
    values(v)?.into_iter().try_fold(V::Null, |sum, x| sum + x)
}

/// As jq has it: a level takes 1 from the depth, until that is 0.
fn flatten_to(v: V, depth: V) -> ValR {
    let depth = depth.settle();
    if depth < V::size(0) {
        return fail("flatten depth must not be negative");
    }
    match depth.num() {
        Some(n) if num::to_f64(&n).fract() == 0.0 => flatten(v, num::to_f64(&n)),
        Some(_) => flatten(v, f64::INFINITY),
        None => {
            let items = values(v)?;
            match items.iter().any(|x| x.kind() == Kind::Arr) {
                true => depth - V::size(1),
                false => Ok(V::arr(items)),
            }
        }
    }
}

fn flatten(v: V, depth: f64) -> ValR {
    let mut out = Vec::new();
    // a list of what is left at each level, instead of recursion
    let mut stack = vec![values(v)?.into_iter()];
    while let Some(top) = stack.last_mut() {
        match top.next() {
            Some(x) if x.kind() == Kind::Arr && (stack.len() as f64) <= depth => {
                stack.push(x.into_items().unwrap_or_default().into_iter());
            }
            Some(x) => out.push(x),
            None => _ = stack.pop(),
        }
    }
    Ok(V::arr(out))
}

fn reverse(v: V) -> ValR {
    match v.settle() {
        V::Null => Ok(V::arr(Vec::new())),
        // its length is 0
        V::Num(n) if num::to_f64(&n) == 0.0 => Ok(V::arr(Vec::new())),
        V::Text(s) => Ok(V::text(s.lossy().chars().rev().collect::<String>())),
        V::Bytes(s) => Ok(V::Bytes(
            s.iter().rev().copied().collect::<Vec<u8>>().into(),
        )),
        v => match v.into_items() {
            Ok(mut items) => {
                items.reverse();
                Ok(V::arr(items))
            }
            Err(v) if v == V::obj(Default::default()) => Ok(V::arr(Vec::new())),
            Err(v) => fail(format_args!("Cannot reverse {}", Brief(&v))),
        },
    }
}

fn to_entries(v: V) -> ValR {
    let entry = |k, v| V::fields([("key", k), ("value", v)]);
    let v = match v.into_items() {
        // jq goes by `keys_unsorted`, and the keys of an array are its indices
        Ok(items) => {
            let entries = items.into_iter().enumerate();
            return Ok(entries.map(|(i, v)| entry(V::size(i), v)).collect());
        }
        Err(v) => v,
    };
    match v.into_fields() {
        Ok(fields) => Ok(fields
            .into_iter()
            .map(|(k, v)| entry(V::key(k), v))
            .collect()),
        Err(v) => fail(format_args!("{} has no keys", Brief(&v))),
    }
}

fn bsearch(v: V, x: V) -> ValR {
    let items = v
        .into_items()
        .or_else(|v| fail(format_args!("{} cannot be searched from", Brief(&v))))?;
    // as the operators compare: a log position is found by its text
    let order = |item: &V| match (*item < x, *item > x) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => Ordering::Equal,
    };
    Ok(V::from(match items.binary_search_by(order) {
        Ok(i) => i as isize,
        Err(i) => -1 - i as isize,
    }))
}
