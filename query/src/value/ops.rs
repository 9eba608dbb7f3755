//! Arithmetic. Leaves become plain values here.
use super::node::rejected;
use super::show::Brief;
use super::{Error, Held, List, Map, Num, Str, V, ValR, num, to_plain};
use binq_core::Node;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

/// Longest string that repetition may make, as in jq.
const LONGEST: usize = i32::MAX as usize;
/// Deepest merge of objects, as in jq.
const DEEPEST: usize = 10_000;

fn refuse(l: &V, r: &V, what: &str) -> ValR {
    Err(Error::str(format_args!(
        "{} and {} cannot be {what}",
        Brief(l),
        Brief(r)
    )))
}

/// The operand that was read as a type of its own, such as what `as_sint64` gives, if only one was.
fn reading(l: &V, r: &V) -> Option<Node> {
    let read = |v: &V| match v {
        V::Node(Held::Near(n)) if n.is_reading() => Some(n.clone()),
        _ => None,
    };
    match (read(l), read(r)) {
        (Some(one), None) | (None, Some(one)) => Some(one),
        _ => None,
    }
}

/// A number that came of such an operand keeps its type, so that it is assigned as such; one that the type has no room for
/// is a plain number.
fn kept(read: Option<Node>, value: V) -> V {
    let (Some(read), V::Num(_)) = (read, &value) else {
        return value;
    };
    let typed = to_plain(&value).and_then(|plain| read.assign(plain).map_err(rejected));
    // not one that the type would round
    match typed {
        Ok(typed) if V::from(typed.scalar()) == value => V::node(typed),
        _ => value,
    }
}

/// Containers of a decode as plain ones, one level deep.
fn open(v: V) -> V {
    let v = v.settle();
    if !matches!(v, V::Node(_)) {
        return v;
    }
    match v.into_items() {
        Ok(items) => V::arr(items),
        Err(v) => v
            .into_fields()
            .map_or(V::Null, |f| V::obj(f.into_iter().collect())),
    }
}

impl Add for V {
    type Output = ValR;
    fn add(self, rhs: Self) -> ValR {
        match (self, rhs) {
            (V::Null, x) | (x, V::Null) => Ok(x),
            (V::Num(x), V::Num(y)) => Ok(V::Num(x + y)),
            (V::Text(l), V::Text(r)) => Ok(V::Text(l.append(&r))),
            (V::Text(l) | V::Bytes(l), V::Text(r) | V::Bytes(r)) => Ok(V::Bytes(l.append(&r))),
            (V::Arr(mut l), V::Arr(r)) => {
                l.append(r.into_vec().into_iter());
                Ok(V::Arr(l))
            }
            (V::Obj(mut l), V::Obj(r)) => {
                Rc::make_mut(&mut l).extend(r.iter().map(|(k, v)| (k.clone(), v.clone())));
                Ok(V::Obj(l))
            }
            (l @ V::Node(_), r) | (l, r @ V::Node(_)) => {
                let read = reading(&l, &r);
                (open(l) + open(r)).map(|v| kept(read, v))
            }
            (l, r) => refuse(&l, &r, "added"),
        }
    }
}

/// A value in which ordinals are numbers, and so are texts that `like` reads as one: values that are equal have the same one.
fn numbered(v: &V, like: &[Node], depth: usize) -> V {
    if depth > crate::json::DEEPEST {
        return V::Null;
    }
    let text = |s: &Str| like.iter().find_map(|n| n.ordinal_of(&s.lossy()));
    if let Some(n) = super::order::ordinal(v) {
        return V::int(n);
    }
    match open(v.clone()) {
        V::Text(s) | V::Bytes(s) => text(&s).map_or(V::Text(s), V::int),
        V::Arr(a) => {
            let items: Vec<V> = a.iter().map(|v| numbered(v, like, depth + 1)).collect();
            V::arr(items)
        }
        V::Obj(o) => {
            let field = |(k, v): (&Str, &V)| (k.clone(), numbered(v, like, depth + 1));
            V::obj(o.iter().map(field).collect())
        }
        v => v,
    }
}

/// The first ordinal in a value.
fn ordinal_in(v: &V, depth: usize) -> Option<Node> {
    if depth > crate::json::DEEPEST {
        return None;
    }
    if let V::Node(n) = v
        && n.ordinal().is_some()
    {
        return Some(n.node().into_owned());
    }
    if !v.is_container() {
        return None;
    }
    match open(v.clone()) {
        V::Arr(a) => a.iter().find_map(|v| ordinal_in(v, depth + 1)),
        V::Obj(o) => o.values().find_map(|v| ordinal_in(v, depth + 1)),
        _ => None,
    }
}

/// The items of `l` that none of `r` equals.
fn without(mut l: List, r: &List) -> List {
    // what is in containers matters only if they meet others
    let deep = l.iter().any(V::is_container) && r.iter().any(V::is_container);
    let first = |of: &List| {
        let mut items = of.iter().filter(|v| deep || !v.is_container());
        items.find_map(|v| ordinal_in(v, 0))
    };
    let like: Vec<Node> = first(&l).into_iter().chain(first(r)).collect();
    if like.is_empty() {
        let mut set: Vec<&V> = r.iter().collect();
        set.sort();
        // what holds `nan` equals nothing, not even itself
        let gone = |v: &V| set.binary_search(&v).is_ok_and(|i| *v == *set[i]);
        l.change(|l| l.retain(|v| !gone(v)));
        return l;
    }
    let key = |v: &V| match v.is_container() && !deep {
        true => v.clone(),
        false => numbered(v, &like, 0),
    };
    // those that may equal a value lie together; whether they do, `==` tells
    let mut others: Vec<(V, &V)> = r.iter().map(|v| (key(v), v)).collect();
    others.sort();
    others.dedup_by(|a, b| super::same(a.1, b.1));
    let gone = |v: &V| {
        let key = key(v);
        let from = others.partition_point(|(k, _)| k.cmp(&key).is_lt());
        let mut same = others[from..]
            .iter()
            .take_while(|(k, _)| k.cmp(&key).is_eq());
        same.any(|(_, other)| *v == **other)
    };
    l.change(|l| l.retain(|v| !gone(v)));
    l
}

impl Sub for V {
    type Output = ValR;
    fn sub(self, rhs: Self) -> ValR {
        match (self, rhs) {
            (V::Num(x), V::Num(y)) => Ok(V::Num(x - y)),
            (V::Arr(l), V::Arr(r)) => Ok(V::Arr(without(l, &r))),
            (l @ V::Node(_), r) | (l, r @ V::Node(_)) => match super::order::as_numbers(&l, &r) {
                Some((l, r)) => Ok(V::Num(l - r)),
                None => {
                    let read = reading(&l, &r);
                    (open(l) - open(r)).map(|v| kept(read, v))
                }
            },
            (l, r) => refuse(&l, &r, "subtracted"),
        }
    }
}

fn merge(l: &mut Map, r: &Map, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(Error::str("Object merge too deep"));
    }
    for (k, v) in r.iter() {
        let both = l
            .get_mut(k)
            .filter(|old| old.kind() == super::Kind::Obj && v.kind() == super::Kind::Obj);
        match both {
            Some(old) => {
                let mut inner = open(std::mem::take(old));
                if let (V::Obj(x), V::Obj(y)) = (&mut inner, open(v.clone())) {
                    merge(Rc::make_mut(x), &y, depth + 1)?;
                }
                *old = inner;
            }
            None => l.insert(k.clone(), v.clone()),
        }
    }
    Ok(())
}

fn repeat(s: &Str, n: &Num, text: bool) -> ValR {
    let n = num::to_f64(n);
    // as in jq, nothing at all where the count is negative or no number
    if n.is_nan() || n < 0.0 {
        return Ok(V::Null);
    }
    let times = n.floor();
    if s.len() as f64 * times > LONGEST as f64 {
        return Err(Error::str("Repeat string result too long"));
    }
    let times = if s.is_empty() { 0 } else { times as usize };
    let s = Str::from(s.repeat(times));
    Ok(if text { V::Text(s) } else { V::Bytes(s) })
}

impl Mul for V {
    type Output = ValR;
    fn mul(self, rhs: Self) -> ValR {
        match (self, rhs) {
            (V::Num(x), V::Num(y)) => Ok(V::Num(x * y)),
            (V::Text(s), V::Num(n)) | (V::Num(n), V::Text(s)) => repeat(&s, &n, true),
            (V::Bytes(s), V::Num(n)) | (V::Num(n), V::Bytes(s)) => repeat(&s, &n, false),
            (V::Obj(mut l), V::Obj(r)) => {
                merge(Rc::make_mut(&mut l), &r, 0)?;
                Ok(V::Obj(l))
            }
            (l @ V::Node(_), r) | (l, r @ V::Node(_)) => {
                let read = reading(&l, &r);
                (open(l) * open(r)).map(|v| kept(read, v))
            }
            (l, r) => refuse(&l, &r, "multiplied"),
        }
    }
}

/// The parts of `s` between separators; single characters (or bytes) if the separator is empty.
pub fn split(s: &Str, sep: &[u8], text: bool) -> Vec<V> {
    let wrap = |s: Str| if text { V::Text(s) } else { V::Bytes(s) };
    if s.is_empty() {
        return Vec::new();
    }
    if sep.is_empty() {
        if text {
            return s
                .lossy()
                .chars()
                .map(|c| V::text(c.encode_utf8(&mut [0; 4]) as &str))
                .collect();
        }
        return (0..s.len()).map(|i| wrap(s.slice(i..i + 1))).collect();
    }
    let mut parts = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(s, sep) {
        parts.push(wrap(s.slice(from..at)));
        from = at + sep.len();
    }
    parts.push(wrap(s.slice(from..s.len())));
    parts
}

/// Where `needle` first lies in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(hay, needle)
}

/// All places where `needle`, which is not empty, lies in `hay`, also where they overlap (Knuth, Morris and Pratt).
pub fn find_all<T: PartialEq>(hay: &[T], needle: &[T]) -> Vec<usize> {
    // how much of the needle still fits when its next item does not
    let mut back = vec![0; needle.len()];
    let mut fits = 0;
    for i in 1..needle.len() {
        while fits > 0 && needle[i] != needle[fits] {
            fits = back[fits - 1];
        }
        fits += usize::from(needle[i] == needle[fits]);
        back[i] = fits;
    }
    let mut found = Vec::new();
    fits = 0;
    for (i, x) in hay.iter().enumerate() {
        while fits > 0 && *x != needle[fits] {
            fits = back[fits - 1];
        }
        fits += usize::from(*x == needle[fits]);
        if fits == needle.len() {
            found.push(i + 1 - fits);
            fits = back[fits - 1];
        }
    }
    found
}

impl Div for V {
    type Output = ValR;
    fn div(self, rhs: Self) -> ValR {
        match (self, rhs) {
            (V::Num(x), V::Num(y)) => div(x, y),
            (V::Text(x), V::Text(y)) => Ok(V::arr(split(&x, &y, true))),
            (V::Text(x) | V::Bytes(x), V::Text(y) | V::Bytes(y)) => {
                Ok(V::arr(split(&x, &y, false)))
            }
            (l @ V::Node(_), r) | (l, r @ V::Node(_)) if !l.is_container() && !r.is_container() => {
                let read = reading(&l, &r);
                (l.settle() / r.settle()).map(|v| kept(read, v))
            }
            (l, r) => refuse(&l, &r, "divided"),
        }
    }
}

/// Exact where two integers divide evenly, so that 64-bit numbers survive; a float otherwise.
fn div(x: Num, y: Num) -> ValR {
    if num::to_f64(&y) == 0.0 {
        return refuse(
            &V::Num(x),
            &V::Num(y),
            "divided because the divisor is zero",
        );
    }
    let float = || Num::Float(num::to_f64(&x) / num::to_f64(&y));
    Ok(V::Num(num::divided(&x, &y).unwrap_or_else(float)))
}

impl Rem for V {
    type Output = ValR;
    fn rem(self, rhs: Self) -> ValR {
        match (self, rhs) {
            (V::Num(x), V::Num(y)) => rem(x, y),
            (l @ V::Node(_), r) | (l, r @ V::Node(_)) if !l.is_container() && !r.is_container() => {
                let read = reading(&l, &r);
                (l.settle() % r.settle()).map(|v| kept(read, v))
            }
            (l, r) => refuse(&l, &r, "divided (remainder)"),
        }
    }
}

/// jq takes the remainder of integers, dropping fractions. What is too large counts as the largest of 64 bits.
fn rem(x: Num, y: Num) -> ValR {
    if num::to_f64(&x).is_nan() || num::to_f64(&y).is_nan() {
        return Ok(V::Num(Num::Float(f64::NAN)));
    }
    let (x_is, y_is) = (whole(&x), whole(&y));
    if let (Num::Int(a), Num::Int(b)) = (&x_is, &y_is)
        && let Some(rest) = a.checked_rem(*b)
    {
        return Ok(V::Num(Num::Int(rest)));
    }
    match (num::exact(&x_is), num::exact(&y_is)) {
        (Some(a), Some(b)) if b != 0.into() => Ok(V::Num(Num::big_int(a % b))),
        _ => refuse(
            &V::Num(x),
            &V::Num(y),
            "divided (remainder) because the divisor is zero",
        ),
    }
}

/// A number without its fraction. What is too large for a machine counts as the largest of 64 bits, unless it is computed
/// with exactly.
fn whole(n: &Num) -> Num {
    match n {
        Num::Int(_) => n.clone(),
        Num::BigInt(_) if num::exact(n).is_some() => n.clone(),
        // `as` saturates
        n => num::from_i128(i128::from(num::to_f64(n) as i64)),
    }
}

impl Neg for V {
    type Output = ValR;
    fn neg(self) -> ValR {
        let read = reading(&self, &V::Null);
        match self.settle() {
            V::Num(n) => Ok(kept(read, V::Num(-n))),
            v => Err(Error::str(format_args!("{} cannot be negated", Brief(&v)))),
        }
    }
}
