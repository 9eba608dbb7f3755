//! Equality, order and hash. Kinds are compared first, so that nothing is decoded to tell an array from an object.
use super::{Kind, Map, Str, V};
use binq_core::{Node, NodeKind, Scalar};
use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Items of an array, plain or decoded on the way.
fn items(v: &V) -> Box<dyn Iterator<Item = V> + '_> {
    match v {
        V::Arr(a) => Box::new(a.iter().cloned()),
        V::Node(n) => Box::new(n.items().map(V::Node)),
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
        V::Node(n) => n.is_empty(),
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

fn node_eq(n: &Node, v: &V) -> bool {
    if n.kind() == NodeKind::Scalar {
        // most comparisons are of a leaf with a literal: compare without making a value
        return match (n.scalar(), v) {
            (Scalar::Null, V::Null) => true,
            (Scalar::Bool(x), V::Bool(y)) => x == *y,
            (Scalar::Str(x), V::Text(y) | V::Bytes(y)) => *x.as_bytes() == **y,
            (Scalar::Bytes(x), V::Text(y) | V::Bytes(y)) => *x == **y,
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
            self.cmp(other).is_lt()
        }
    }

    fn ge(&self, other: &Self) -> bool {
        if bare(other) {
            self.kind() >= other.kind()
        } else {
            self.cmp(other).is_ge()
        }
    }

    fn gt(&self, other: &Self) -> bool {
        if bare(self) {
            self.kind() > other.kind()
        } else {
            self.cmp(other).is_gt()
        }
    }

    fn le(&self, other: &Self) -> bool {
        if bare(self) {
            self.kind() <= other.kind()
        } else {
            self.cmp(other).is_le()
        }
    }
}

impl Ord for V {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Num(x), Self::Num(y)) => x.cmp(y),
            (Self::Text(x) | Self::Bytes(x), Self::Text(y) | Self::Bytes(y)) => x.cmp(y),
            (Self::Arr(x), Self::Arr(y)) => inside(|| x.iter().cmp(y.iter()), Ordering::Equal),
            _ => self
                .kind()
                .cmp(&other.kind())
                .then_with(|| match self.kind() {
                    Kind::Null | Kind::False | Kind::True => Ordering::Equal,
                    Kind::Num | Kind::Str => self.clone().settle().cmp(&other.clone().settle()),
                    Kind::Arr => inside(|| items(self).cmp(items(other)), Ordering::Equal),
                    Kind::Obj => inside(|| obj_cmp(self, other), Ordering::Equal),
                }),
        }
    }
}

/// jq compares the sorted keys first, then the values in the order of keys.
fn obj_cmp(x: &V, y: &V) -> Ordering {
    if bare(x) || bare(y) {
        return empty(y).cmp(&empty(x));
    }
    let (x, y) = (fields(x), fields(y));
    let keys = x.iter().map(|kv| &kv.0).cmp(y.iter().map(|kv| &kv.0));
    keys.then_with(|| x.iter().map(|kv| &kv.1).cmp(y.iter().map(|kv| &kv.1)))
}

impl Hash for V {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            // `Num` begins with a 0 or a 1
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
