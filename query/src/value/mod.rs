//! The values that queries work on.
//!
//! A value is either plain, like JSON plus byte strings, or a [`Node`] of a decoded input. A node behaves as the value
//! it stands for; it is decoded no further than a query looks. Arithmetic and string functions turn a leaf into a plain
//! value, navigation keeps nodes, so that `tobytes`, `topath` and assignments know the place.
mod access;
mod held;
pub mod hint;
mod index;
mod map;
mod node;
pub mod num;
mod ops;
mod order;
mod show;
mod store;
mod str;
mod update;

pub use held::Held;
pub(crate) use index::{cannot_iterate, slice_bounds};
pub use map::{Iter, Map};
pub use node::{fault, finding, from_plain, rejected, tells_fault, to_plain};
pub use num::Num;
pub(crate) use ops::{find, find_all, split};
pub(crate) use order::{same, too_deep};
pub(crate) use show::{Brief, cut_text};
pub use store::List;
pub use str::Str;
pub(crate) use update::remove_items;

use binq_core::{Node, NodeKind, Scalar};
use bytes::Bytes;
use std::rc::Rc;

/// A value, at most 32 bytes wide.
#[derive(Clone, Default)]
pub enum V {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; integers are exact.
    Num(Num),
    /// A string meant as UTF-8. It may hold other bytes; they are replaced when it is written.
    Text(Str),
    /// A string meant as bytes: indexed by byte, written as hexadecimal digits by default.
    Bytes(Str),
    /// An array.
    Arr(List),
    /// An object.
    Obj(Rc<Map>),
    /// A part of a decoded input.
    Node(Held),
}

const _: () = assert!(size_of::<V>() <= 32);

/// So many levels of objects are made light with what they are collected in.
const LIGHT: u32 = 8;

/// A runtime error that carries a value.
pub type Error = jaq_core::Error<V>;
/// A value or a runtime error.
pub type ValR<T = V> = Result<T, Error>;
/// A value, a runtime error or control flow.
pub type ValX<'a, T = V> = jaq_core::ValX<'a, T, V>;
/// Outputs of a filter.
pub type ValXs<'a, T = V> = jaq_core::ValXs<'a, T, V>;

/// The kinds of values, in jq's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`; jq orders it as a kind of its own
    False,
    /// `true`
    True,
    /// numbers
    Num,
    /// text and byte strings
    Str,
    /// arrays
    Arr,
    /// objects
    Obj,
}

impl Kind {
    /// The name that `type` gives.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "boolean",
            Self::Num => "number",
            Self::Str => "string",
            Self::Arr => "array",
            Self::Obj => "object",
        }
    }
}

impl V {
    /// A part of a decoded input.
    pub fn node(node: Node) -> Self {
        Self::Node(Held::Near(node))
    }

    /// An array of values.
    pub fn arr(items: impl Into<List>) -> Self {
        Self::Arr(items.into())
    }

    /// An object.
    pub fn obj(map: Map) -> Self {
        Self::Obj(Rc::new(map))
    }

    /// An object with keys known at compile time.
    pub fn fields<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::obj(fields.into_iter().map(|(k, v)| (Str::from(k), v)).collect())
    }

    /// A text string.
    pub fn text(s: impl Into<Str>) -> Self {
        Self::Text(s.into())
    }

    /// A byte string.
    pub fn bytes(b: impl Into<Bytes>) -> Self {
        Self::Bytes(Str::new(b.into()))
    }

    /// The key of an object as a value: bytes if it was given as bytes, or is no text.
    pub fn key(key: Str) -> Self {
        match key.is_bytes_key() {
            true => Self::Bytes(key.into_key(false)),
            false => Self::Text(key),
        }
    }

    /// The key of an object that a string is.
    pub fn as_key(&self) -> Option<Str> {
        match self {
            Self::Text(k) => Some(k.clone()),
            Self::Bytes(k) => Some(k.clone().into_key(true)),
            _ => None,
        }
    }

    /// An integer of up to 128 bits.
    pub fn int(i: impl Into<i128>) -> Self {
        Self::Num(num::from_i128(i.into()))
    }

    /// An unsigned machine integer.
    pub fn size(n: usize) -> Self {
        // a `usize` has at most 64 bits
        Self::int(n as u64)
    }

    /// The kind, found without decoding more than a leaf.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(false) => Kind::False,
            Self::Bool(true) => Kind::True,
            Self::Num(_) => Kind::Num,
            Self::Text(_) | Self::Bytes(_) => Kind::Str,
            Self::Arr(_) => Kind::Arr,
            Self::Obj(_) => Kind::Obj,
            Self::Node(n) => match n.kind() {
                NodeKind::Scalar if n.node().byte_len().is_some() => Kind::Str,
                NodeKind::Scalar => match n.scalar() {
                    Scalar::Null => Kind::Null,
                    Scalar::Bool(false) => Kind::False,
                    Scalar::Bool(true) => Kind::True,
                    Scalar::Int(_) | Scalar::Float(_) => Kind::Num,
                    Scalar::Str(_) | Scalar::Bytes(_) => Kind::Str,
                },
                NodeKind::Array => Kind::Arr,
                NodeKind::Object => Kind::Obj,
            },
        }
    }

    /// A leaf as a plain value; everything else as it is.
    pub fn settle(self) -> Self {
        match self {
            Self::Node(n) if n.kind() == NodeKind::Scalar => n.scalar().into(),
            v => v,
        }
    }

    /// [`V::settle`] for a borrowed value.
    pub fn settled(&self) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::Node(n) if n.kind() == NodeKind::Scalar => {
                std::borrow::Cow::Owned(n.scalar().into())
            }
            v => std::borrow::Cow::Borrowed(v),
        }
    }

    /// [`V::settled`] for a value that others are looked into with: an array is looked for, an object names a slice.
    pub fn as_index(&self) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::Node(n) if n.kind() == NodeKind::Array => {
                std::borrow::Cow::Owned(n.node().items().map(Self::node).collect())
            }
            Self::Node(n) if n.kind() == NodeKind::Object => {
                let fields = n.node().shown_fields().into_iter();
                let fields = fields.map(|(k, v)| (Str::from(&*k), Self::node(v)));
                std::borrow::Cow::Owned(Self::obj(fields.collect()))
            }
            v => v.settled(),
        }
    }

    /// The bytes of a string or of a string leaf.
    pub fn str(&self) -> Option<Str> {
        match &*self.settled() {
            Self::Text(s) | Self::Bytes(s) => Some(s.clone()),
            _ => None,
        }
    }

    /// The number, also of a leaf.
    pub fn num(&self) -> Option<Num> {
        match &*self.settled() {
            Self::Num(n) => Some(n.clone()),
            _ => None,
        }
    }

    /// False for `null` and `false`.
    pub fn truth(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => false,
            Self::Node(n) if n.kind() == NodeKind::Scalar => {
                n.node().byte_len().is_some()
                    || !matches!(n.scalar(), Scalar::Null | Scalar::Bool(false))
            }
            _ => true,
        }
    }

    /// Whether the value is an array or an object.
    pub fn is_container(&self) -> bool {
        match self {
            Self::Arr(_) | Self::Obj(_) => true,
            Self::Node(n) => n.kind() != NodeKind::Scalar,
            _ => false,
        }
    }

    /// The value as one keeps many of: see [`Node::light`].
    pub(crate) fn light(self) -> Self {
        self.light_to(LIGHT)
    }

    fn light_to(self, depth: u32) -> Self {
        match self {
            Self::Node(n) => Self::Node(n.light()),
            Self::Obj(mut o) if depth > 0 => {
                // one that others have, too, was collected before
                if let Some(fields) = Rc::get_mut(&mut o) {
                    fields.change_values(|v| *v = std::mem::take(v).light_to(depth - 1));
                    fields.shrink();
                }
                Self::Obj(o)
            }
            v => v,
        }
    }

    /// The items of an array, those of a node still undecoded.
    pub fn into_items(self) -> Result<Vec<Self>, Self> {
        match self {
            Self::Arr(a) => Ok(a.into_vec()),
            Self::Node(n) if n.kind() == NodeKind::Array => {
                Ok(n.node().items().map(Self::node).collect())
            }
            v => Err(v),
        }
    }

    /// The fields of an object in order; fields of a node are still undecoded.
    pub fn into_fields(self) -> Result<Vec<(Str, Self)>, Self> {
        match self {
            Self::Obj(o) => Ok(match Rc::try_unwrap(o) {
                Ok(mut o) => o.take_all().collect(),
                Err(o) => o.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            }),
            Self::Node(n) if n.kind() == NodeKind::Object => Ok(n
                .node()
                .shown_fields()
                .into_iter()
                .map(|(k, v)| (Str::from(&*k), Self::node(v)))
                .collect()),
            v => Err(v),
        }
    }
}

/// Lets a shared string own the bytes of a long text without copying them.
struct Shared(std::sync::Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<Scalar> for V {
    fn from(s: Scalar) -> Self {
        match s {
            Scalar::Null => Self::Null,
            Scalar::Bool(b) => Self::Bool(b),
            Scalar::Int(i) => Self::int(i),
            Scalar::Float(f) => Self::Num(Num::Float(f)),
            Scalar::Str(s) if s.len() > 64 => Self::Text(Str::new(Bytes::from_owner(Shared(s)))),
            Scalar::Str(s) => Self::text(&*s),
            Scalar::Bytes(b) => Self::bytes(b),
        }
    }
}

impl From<bool> for V {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<isize> for V {
    fn from(i: isize) -> Self {
        Self::Num(Num::Int(i))
    }
}

impl From<usize> for V {
    fn from(i: usize) -> Self {
        Self::size(i)
    }
}

impl From<f64> for V {
    fn from(f: f64) -> Self {
        Self::Num(Num::Float(f))
    }
}

impl From<String> for V {
    fn from(s: String) -> Self {
        Self::text(s)
    }
}

impl From<&str> for V {
    fn from(s: &str) -> Self {
        Self::text(s)
    }
}

impl From<jaq_core::val::Range<V>> for V {
    fn from(r: jaq_core::val::Range<V>) -> Self {
        // both keys are there, as in jq's paths
        Self::fields([
            ("start", r.start.unwrap_or(V::Null)),
            ("end", r.end.unwrap_or(V::Null)),
        ])
    }
}

/// Values that are collected are as light as they can be: they keep nothing that was decoded besides them.
impl FromIterator<V> for V {
    fn from_iter<I: IntoIterator<Item = V>>(iter: I) -> Self {
        Self::Arr(iter.into_iter().map(V::light).collect())
    }
}
