//! Relations, declared as data: what a derived field must say about other bytes.
//!
//! A [`Rule`] says how a field follows from other bytes. A field of a struct declares the rule that it follows itself
//! ([`Field::derived`](crate::shape::Field::derived), [`Child::derived`](crate::Child::derived)); the ways of that rule begin at the
//! struct. Where field and bytes lie further apart, the struct around both of them declares a [`Relation`].
//!
//! What holds when edits are encoded (`encode/derive.rs`, `encode/relate.rs`):
//!
//! * A field is recomputed when the edits change what it should say, unless it was assigned.
//! * What a rule reads is settled first: a copy of a checksum follows the checksum. Where a new value moves other bytes, such as
//!   a varint that needs one byte more, all is settled again until nothing moves. Fields that follow from each other in a circle are
//!   an error that names them.
//! * A derived space is encoded before a rule reads how it is stored.

use crate::{Name, Node, Ref, Scalar};
use std::borrow::Cow;
use std::sync::Arc;

/// How a derived field follows from other bytes. Lengths and places are in bytes, divided by `unit`, and `bias` is added.
#[derive(Clone, Debug)]
pub enum Rule {
    /// The field holds the size of something.
    Len {
        /// What is measured.
        of: Of,
        /// How many bytes count as one.
        unit: u64,
        /// Added to the size.
        bias: i64,
    },
    /// The field holds the number of items of that array.
    Count(Path),
    /// The field holds a place, counted from the start of the struct that declares the rule.
    Offset {
        /// The place.
        of: Edge,
        /// How many bytes count as one.
        unit: u64,
        /// Added to the place.
        bias: i64,
    },
    /// The field repeats the value of that field.
    Copy(Path),
    /// The field holds a checksum.
    Sum {
        /// The checksum of the parts, in order.
        sum: Checksum,
        /// The parts.
        over: Cow<'static, [Part]>,
    },
    /// The field holds a checksum over parts of the struct, and over bytes that the input does not hold, such as the rest of a
    /// record that goes on in another file. What it holds is taken as right, and changes with the bytes that are here.
    Follows {
        /// The new checksum, from the old one and the bytes of the struct before and after the edit.
        follow: Follow,
        /// The parts.
        over: Cow<'static, [Part]>,
    },
    /// The field holds what a function finds.
    Custom(Custom),
    /// The field follows a rule, unless it holds a number that says that another field does.
    Unless {
        /// That number, such as `0xffff_ffff`.
        is: i128,
        /// The rule.
        rule: Ref<Rule>,
    },
}

impl Rule {
    /// The size of something, in bytes.
    pub const fn len(of: Of) -> Self {
        Self::Len {
            of,
            unit: 1,
            bias: 0,
        }
    }

    /// The size of a field as it shows its value, in bytes.
    pub const fn len_of(name: &'static str) -> Self {
        Self::len(Of::Field(Path::Name(name)))
    }

    /// The place where a field begins, in bytes from the start of the struct.
    pub const fn offset_of(name: &'static str) -> Self {
        Self::Offset {
            of: Edge::Start(Path::Name(name)),
            unit: 1,
            bias: 0,
        }
    }

    /// Where the struct begins: of a partner, its place.
    pub const fn place() -> Self {
        Self::Offset {
            of: Edge::Start(Path::Here),
            unit: 1,
            bias: 0,
        }
    }

    /// A rule for fields that do not hold that number.
    pub const fn unless(is: i128, rule: &'static Rule) -> Self {
        Self::Unless {
            is,
            rule: Ref::Static(rule),
        }
    }

    /// The size of a field as it is stored, in bytes.
    pub const fn stored_len_of(name: &'static str) -> Self {
        Self::len(Of::Stored(Path::Name(name)))
    }

    /// The number of items of an array.
    pub const fn count_of(name: &'static str) -> Self {
        Self::Count(Path::Name(name))
    }

    /// Whether it is a checksum.
    pub(crate) fn is_sum(&self) -> bool {
        match self {
            Self::Sum { .. } => true,
            Self::Unless { rule, .. } => rule.is_sum(),
            _ => false,
        }
    }

    /// A checksum over parts.
    pub const fn sum(sum: fn(&[&[u8]]) -> u64, over: &'static [Part]) -> Self {
        Self::Sum {
            sum: Checksum::Of(sum),
            over: Cow::Borrowed(over),
        }
    }
}

/// How a checksum changes with a part of what it covers; an error says why that cannot be told.
pub type Follow = fn(was: u64, old: &[u8], new: &[u8]) -> Result<u64, String>;

/// The way from a struct to something in it: names of fields, each in the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// The struct itself.
    Here,
    /// One of its fields.
    Name(&'static str),
    /// A field of a field.
    Names(&'static [&'static str]),
    /// The same, made at run time.
    Owned(Arc<[Name]>),
}

impl Path {
    /// The names, from the struct on.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        let (one, some, own): (&[&str], &[&str], &[Name]) = match self {
            Self::Here => (&[], &[], &[]),
            Self::Name(name) => (std::slice::from_ref(name), &[], &[]),
            Self::Names(names) => (&[], names, &[]),
            Self::Owned(names) => (&[], &[], names),
        };
        let fixed = one.iter().chain(some).copied();
        fixed.chain(own.iter().map(|name| &**name))
    }
}

/// What a [`Rule::Len`] measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// The whole struct that declares the rule.
    Struct,
    /// A field as it shows its value: of compressed text, the text.
    Field(Path),
    /// A field as it is stored: of compressed text, what it is compressed to. For a field that no layer encodes anew the two are
    /// the same.
    Stored(Path),
    /// What lies between two places.
    Between(Edge, Edge),
}

/// A place in a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Where that begins.
    Start(Path),
    /// Where that ends.
    End(Path),
    /// So many bytes from the start of the struct.
    Byte(u64),
    /// So many bytes before the end of the struct.
    Last(u64),
}

/// What a checksum covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The bytes between two places.
    Between(Edge, Edge),
    /// A field as it shows its value.
    Shown(Path),
}

impl Part {
    /// Bytes by their numbers, counted from the start of the struct.
    pub const fn bytes(from: u64, to: u64) -> Self {
        Self::Between(Edge::Byte(from), Edge::Byte(to))
    }

    /// All bytes from that one on.
    pub const fn from_byte(from: u64) -> Self {
        Self::Between(Edge::Byte(from), Edge::Last(0))
    }

    /// From where one field begins to where another ends.
    pub const fn fields(first: &'static str, last: &'static str) -> Self {
        Self::Between(Edge::Start(Path::Name(first)), Edge::End(Path::Name(last)))
    }
}

/// Makes a checksum of parts.
pub type SumFn = dyn Fn(&[&[u8]]) -> u64 + Send + Sync;

/// A checksum of parts.
#[derive(Clone)]
pub enum Checksum {
    /// Known at compile time.
    Of(fn(&[&[u8]]) -> u64),
    /// Made at run time.
    Shared(Arc<SumFn>),
}

impl Checksum {
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u64 {
        match self {
            Self::Of(sum) => sum(parts),
            Self::Shared(sum) => sum(parts),
        }
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

/// Finds what a field should hold.
pub type CustomFn = dyn Fn(&Node) -> Option<Scalar> + Send + Sync;

/// What a field should hold, from the struct that declares the rule, or, in a [`Relation::Each`], from the partner; nothing if that
/// cannot be told.
#[derive(Clone)]
pub enum Custom {
    /// Known at compile time.
    Of(fn(&Node) -> Option<Scalar>),
    /// Made at run time.
    Shared(Arc<CustomFn>),
}

impl Custom {
    pub(crate) fn of(&self, node: &Node) -> Option<Scalar> {
        match self {
            Self::Of(right) => right(node),
            Self::Shared(right) => right(node),
        }
    }
}

impl std::fmt::Debug for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Custom")
    }
}

/// A relation between parts of a struct that lie apart, declared by the struct around both of them.
#[derive(Clone, Debug)]
pub enum Relation {
    /// A field somewhere in the struct follows a rule, whose ways begin at the struct.
    One {
        /// The derived field.
        field: Path,
        /// How it follows.
        rule: Rule,
    },
    /// Items of one list speak of items of another one: the entries of a directory of the files.
    Each {
        /// The list whose items have derived fields.
        list: Path,
        /// The list of what they speak of: the partners.
        with: Path,
        /// Which of them belong together.
        by: Match,
        /// The derived fields, from the item on, and their rules, whose ways begin at the partner. Places are counted from the start
        /// of the struct that declares the relation.
        fields: Cow<'static, [(Path, Rule)]>,
    },
}

/// Which items of two lists belong together. Of those that an edit adds, the first of one list belongs to the first of the other
/// one, and so on; one too many belongs to what the item belonged to that it is a copy of.
#[derive(Clone, Debug)]
pub enum Match {
    /// Those that have the same index.
    Index,
    /// That field of an item says where the partner begins, in bytes from the start of the struct that declares the relation.
    Place(Path),
    /// A function finds in an item where the partner begins, in bytes from the start of the struct that declares the relation.
    At(fn(&Node) -> Option<Scalar>),
    /// That field of an item equals that one of the partner.
    Key(Path, Path),
}
