//! Equality, order and hash. Kinds are compared first, so that nothing is decoded to tell an array from an object.
//!
//! An *ordinal* is a scalar that shows as a text and is a number, such as a log position. It is of two orders:
//!
//! * `Ord` is the order of `sort`, `group_by`, `unique` and the like. It is total. Ordinals stand between the numbers and the
//!   other strings, in the order of their numbers.
//! * The operators (`==`, `<`, ...) compare an ordinal with texts that are one and with numbers, as numbers. That is no total
//!   order: 240 equals the position `0/F0`, which equals the text `"0/F0"`, which is no number. So `==` between values is not
//!   what `Ord` calls equal, and whatever sorts asks `cmp`.
use super::{Held, Kind, Map, Num, Str, V};
use binq_core::{NodeKind, Scalar};
use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Items of an array, plain or decoded on the way.
fn items(v: &V) -> Box<dyn Iterator<Item = V> + '_> {
    match v {
        V::Arr(a) => Box::new(a.iter().cloned()),
        V::Node(n) => Box::new(n.node().items().map(V::node)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Fields of an object, sorted by key.
fn fields(v: &V) -> Vec<(Str, V)> {
    let mut fields = v.clone().into_fields().unwrap_or_default();
    fields.sort_by(|(k, _), (l, _)| k.cmp(l));
    fields
}

fn empty(v: &V) -> bool {
    match v {
        V::Arr(a) => a.is_empty(),
        V::Obj(o) => o.is_empty(),
        V::Node(n) => n.node().is_empty(),
        _ => false,
    }
}

/// Whether the value is a plain empty container, as in `. < []`.
fn bare(v: &V) -> bool {
    match v {
        V::Arr(a) => a.is_empty(),
        V::Obj(o) => o.is_empty(),
        _ => false,
    }
}

/// Deepest nesting that is compared, as in jq.
const DEEPEST: u32 = 10_000;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static TOO_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Compares what is inside of a container. Below the deepest level nothing is compared, and that is remembered: the
/// traits have no way to fail.
fn inside<T>(f: impl FnOnce() -> T, otherwise: T) -> T {
    let depth = DEPTH.get();
    if depth > DEEPEST {
        TOO_DEEP.set(true);
        return otherwise;
    }
    DEPTH.set(depth + 1);
    let out = f();
    DEPTH.set(depth);
    out
}

/// Whether a comparison had to give up since this was asked last.
pub fn too_deep() -> bool {
    TOO_DEEP.replace(false)
}

/// The number that an ordinal is.
pub fn ordinal(v: &V) -> Option<i128> {
    match v {
        V::Node(n) => n.ordinal(),
        _ => None,
    }
}

/// Both as numbers, if one of them is an ordinal, and the other one is too, or is a number, or a text that is one.
pub(super) fn as_numbers(x: &V, y: &V) -> Option<(Num, Num)> {
    let whole = |i: i128| match V::int(i) {
        V::Num(n) => Some(n),
        _ => None,
    };
    let like = |n: &Held, v: &V| match v {
        V::Num(n) => Some(n.clone()),
        _ => match ordinal(v) {
            Some(i) => whole(i),
            None if v.kind() == Kind::Str => whole(n.node().ordinal_of(&v.str()?.lossy())?),
            None => v.num(),
        },
    };
    let own = |n: &Held| n.ordinal().and_then(whole);
    match (x, y) {
        (V::Node(n), y) if n.ordinal().is_some() => Some((own(n)?, like(n, y)?)),
        (x, V::Node(n)) if n.ordinal().is_some() => Some((like(n, x)?, own(n)?)),
        _ => None,
    }
}

/// What the operators say of the order of two values.
fn operated(x: &V, y: &V) -> Ordering {
    match (x, y) {
        (V::Num(x), V::Num(y)) => x.operated(y),
        (V::Node(_), _) | (_, V::Node(_)) => match as_numbers(x, y) {
            Some((x, y)) => x.operated(&y),
            None if x.kind() == Kind::Num && y.kind() == Kind::Num => {
                operated(&x.clone().settle(), &y.clone().settle())
            }
            None => compare(x, y, operated),
        },
        _ => compare(x, y, operated),
    }
}

impl PartialEq for V {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(x), Self::Bool(y)) => x == y,
            (Self::Num(x), Self::Num(y)) => x == y,
            (Self::Text(x) | Self::Bytes(x), Self::Text(y) | Self::Bytes(y)) => x == y,
            (Self::Arr(x), Self::Arr(y)) => inside(|| x[..] == y[..], false),
            (Self::Obj(x), Self::Obj(y)) => inside(|| obj_eq(x, y), false),
            (Self::Node(n), v) | (v, Self::Node(n)) => node_eq(n, v),
            _ => false,
        }
    }
}

impl Eq for V {}

fn obj_eq(x: &Map, y: &Map) -> bool {
    x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| v == w))
}

fn node_eq(n: &Held, v: &V) -> bool {
    if n.kind() == NodeKind::Scalar {
        if n.ordinal().is_some() || ordinal(v).is_some() {
            let numbers = as_numbers(&V::Node(n.clone()), v);
            return numbers.is_some_and(|(x, y)| x == y);
        }
        // most comparisons are of a leaf with a literal: compare without making a value
        return match (n.scalar(), v) {
            (Scalar::Null, V::Null) => true,
            (Scalar::Bool(x), V::Bool(y)) => x == *y,
            (Scalar::Str(x), V::Text(y) | V::Bytes(y)) => *x.as_bytes() == **y,
            (Scalar::Bytes(x), V::Text(y) | V::Bytes(y)) => *x == **y,
            (Scalar::Str(_), V::Num(_)) | (Scalar::Int(_), V::Text(_)) => {
                super::hint::differs(n, v);
                false
            }
            (
                Scalar::Null | Scalar::Bool(_) | Scalar::Str(_) | Scalar::Bytes(_),
                V::Num(_) | V::Arr(_) | V::Obj(_),
            ) => false,
            (s, V::Node(m)) if m.kind() == NodeKind::Scalar => V::from(s) == V::from(m.scalar()),
            (s @ (Scalar::Int(_) | Scalar::Float(_)), v @ V::Num(_)) => V::from(s) == *v,
            _ => false,
        };
    }
    let node = V::Node(n.clone());
    match (node.kind(), v.kind()) {
        (Kind::Arr, Kind::Arr) => inside(|| items(&node).eq(items(v)), false),
        (Kind::Obj, Kind::Obj) if bare(v) => empty(&node),
        (Kind::Obj, Kind::Obj) => inside(|| fields(&node) == fields(v), false),
        _ => false,
    }
}

impl PartialOrd for V {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    // Nothing is less than an empty container of its own kind, so `. < []` and `. >= {}`, which jq programs use to ask
    // for a type, need not look inside.
    fn lt(&self, other: &Self) -> bool {
        if bare(other) {
            self.kind() < other.kind()
        } else {
            operated(self, other).is_lt()
        }
    }

    fn ge(&self, other: &Self) -> bool {
        if bare(other) {
            self.kind() >= other.kind()
        } else {
            operated(self, other).is_ge()
        }
    }

    fn gt(&self, other: &Self) -> bool {
        if bare(self) {
            self.kind() > other.kind()
        } else {
            operated(self, other).is_gt()
        }
    }

    fn le(&self, other: &Self) -> bool {
        if bare(self) {
            self.kind() <= other.kind()
        } else {
            operated(self, other).is_le()
        }
    }
}

impl Ord for V {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self, other, V::cmp)
    }
}

/// Compare two values; `item` compares what is inside of them.
fn compare(x: &V, y: &V, item: fn(&V, &V) -> Ordering) -> Ordering {
    match (x, y) {
        (V::Num(x), V::Num(y)) => x.cmp(y),
        (V::Text(x) | V::Bytes(x), V::Text(y) | V::Bytes(y)) => x.cmp(y),
        _ => x.kind().cmp(&y.kind()).then_with(|| match x.kind() {
            Kind::Null | Kind::False | Kind::True => Ordering::Equal,
            Kind::Num => x.clone().settle().cmp(&y.clone().settle()),
            Kind::Str => match (ordinal(x), ordinal(y)) {
                (Some(x), Some(y)) => x.cmp(&y),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => x.clone().settle().cmp(&y.clone().settle()),
            },
            Kind::Arr => inside(|| arr_cmp(items(x), items(y), item), Ordering::Equal),
            Kind::Obj => inside(|| obj_cmp(x, y, item), Ordering::Equal),
        }),
    }
}

fn arr_cmp(
    x: impl Iterator<Item = V>,
    y: impl Iterator<Item = V>,
    item: fn(&V, &V) -> Ordering,
) -> Ordering {
    let mut y = y;
    for x in x {
        let order = y.next().map_or(Ordering::Greater, |y| item(&x, &y));
        if order.is_ne() {
            return order;
        }
    }
    y.next().map_or(Ordering::Equal, |_| Ordering::Less)
}

/// jq compares the sorted keys first, then the values in the order of keys.
fn obj_cmp(x: &V, y: &V, item: fn(&V, &V) -> Ordering) -> Ordering {
    if bare(x) || bare(y) {
        return empty(y).cmp(&empty(x));
    }
    let (x, y) = (fields(x), fields(y));
    let keys = x.iter().map(|kv| &kv.0).cmp(y.iter().map(|kv| &kv.0));
    let values = |fields: Vec<(Str, V)>| fields.into_iter().map(|kv| kv.1);
    keys.then_with(|| arr_cmp(values(x), values(y), item))
}

fn holds_nan(v: &V) -> bool {
    match v {
        V::Num(n) => n.is_nan(),
        V::Arr(a) => inside(|| a.iter().any(holds_nan), false),
        V::Obj(o) => inside(|| o.values().any(holds_nan), false),
        _ => false,
    }
}

/// Whether two values are one to `unique` and `group_by`: what `Ord` calls equal, but as in jq no NaN is another one.
pub fn same(x: &V, y: &V) -> bool {
    x.cmp(y).is_eq() && !holds_nan(x)
}

/// Values that `Ord` calls equal have one hash.
impl Hash for V {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            // `Num` begins with a 0
            Self::Num(n) => n.hash(state),
            Self::Null => state.write_u8(2),
            Self::Bool(b) => state.write_u8(3 + u8::from(*b)),
            Self::Text(s) | Self::Bytes(s) => {
                state.write_u8(5);
                s.hash(state);
            }
            v => match v.kind() {
                Kind::Arr => {
                    state.write_u8(6);
                    items(v).for_each(|x| x.hash(state));
                    state.write_u8(8);
                }
                Kind::Obj => {
                    state.write_u8(7);
                    fields(v).hash(state);
                }
                _ => v.clone().settle().hash(state),
            },
        }
    }
}
