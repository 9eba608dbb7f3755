//! Ways to nodes that are kept. Those to the same field of many items are one.

use crate::codec::Codec;
use crate::green::{Kind, Ref};
use crate::node::{Node, NodeKind};
use crate::red::{Parent, Red};
use crate::rule::Rule;
use crate::{Key, Name};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Weak};

/// The way to a node from one further up.
pub(crate) struct Far {
    pub way: Arc<Way>,
    /// The index of the first step, if the way begins with one.
    pub item: u64,
}

/// What the ways to the same field of many items share.
pub(crate) struct Way {
    pub base: Arc<Red>,
    /// Whether it begins with the index of an item of the base.
    pub from_item: bool,
    /// The steps that follow; the last one is the key of the node itself.
    pub keys: Vec<Key>,
    /// The name of the format that the node belongs to.
    format: Option<Name>,
    /// How all of them are stored.
    pub stored: Stored,
}

/// What nodes that are kept have in common.
pub(crate) enum Stored {
    /// Nothing but their way.
    Apart,
    /// Everything but their places.
    Alike {
        kind: Kind,
        rule: Option<Ref<Rule>>,
        depth: u16,
    },
    /// Everything but their numbers, which are computed.
    Computed(Ref<dyn Codec>),
    /// That they are found again in items that are alike.
    Inside {
        item: Kind,
        depth: u16,
        kind: NodeKind,
    },
}

/// Whether both are the same description, not one that says the same.
fn same_ref<T: ?Sized>(a: &Ref<T>, b: &Ref<T>) -> bool {
    // two of no size may lie at one address; what they do tells them apart
    #[allow(ambiguous_wide_pointer_comparisons)]
    std::ptr::eq(&raw const **a, &raw const **b)
}

fn same_kind(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Leaf(a), Kind::Leaf(b)) => same_ref(a, b),
        (Kind::Struct(a), Kind::Struct(b)) => same_ref(a, b),
        (Kind::Array(a), Kind::Array(b)) => same_ref(a, b),
        _ => false,
    }
}

fn address(kind: &Kind) -> u64 {
    let of = |at: *const ()| at.addr() as u64;
    match kind {
        Kind::Leaf(codec) => of((&raw const **codec).cast()),
        Kind::Struct(shape) => of((&raw const **shape).cast()),
        Kind::Array(seq) => of((&raw const **seq).cast()),
        Kind::Computed(_) => 0,
    }
}

impl Stored {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Apart, Self::Apart) => true,
            (
                Self::Alike { kind, rule, depth },
                Self::Alike {
                    kind: k,
                    rule: r,
                    depth: d,
                },
            ) => {
                let same_rule = match (rule, r) {
                    (None, None) => true,
                    (Some(a), Some(b)) => same_ref(a, b),
                    _ => false,
                };
                same_kind(kind, k) && same_rule && depth == d
            }
            (Self::Computed(a), Self::Computed(b)) => same_ref(a, b),
            (
                Self::Inside { item, depth, kind },
                Self::Inside {
                    item: i,
                    depth: d,
                    kind: k,
                },
            ) => same_kind(item, i) && depth == d && kind == k,
            _ => false,
        }
    }

    fn address(&self) -> u64 {
        let own = match self {
            Self::Apart => 0,
            Self::Alike { kind, .. } => address(kind),
            Self::Computed(codec) => (&raw const **codec).cast::<()>().addr() as u64,
            Self::Inside { item, .. } => address(item),
        };
        own ^ self.sort()
    }

    fn sort(&self) -> u64 {
        match self {
            Self::Apart => 0,
            Self::Alike { .. } => 1,
            Self::Computed(_) => 2,
            Self::Inside { .. } => 3,
        }
    }

    /// Whether it has a description that was made at run time, perhaps for one item only.
    fn is_made(&self) -> bool {
        let made = |kind: &Kind| {
            matches!(
                kind,
                Kind::Leaf(Ref::Shared(_))
                    | Kind::Struct(Ref::Shared(_))
                    | Kind::Array(Ref::Shared(_))
            )
        };
        match self {
            Self::Apart | Self::Computed(Ref::Static(_)) => false,
            Self::Computed(Ref::Shared(_)) => true,
            Self::Alike { kind, rule, .. } => made(kind) || matches!(rule, Some(Ref::Shared(_))),
            Self::Inside { item, .. } => made(item),
        }
    }
}

/// Whoever has items up to this one keeps what is above their array: to come here from further up again is cheap.
const NEAR: u64 = 64;

/// The steps from a node up to the array that many items are kept of, or to the root.
pub(crate) struct Trace<'a> {
    pub base: &'a Arc<Red>,
    /// The index of the first step, if the base has many items, and the item, if it is at hand.
    pub item: Option<(u64, Option<&'a Red>)>,
    /// The steps that follow, the last one first.
    back: Vec<&'a Key>,
}

impl<'a> Trace<'a> {
    /// Nothing for a node that was added, that is a root, or that is light already.
    pub fn of(node: &'a Arc<Red>) -> Option<Self> {
        let mut back = Vec::new();
        let mut red = node;
        let (base, item) = loop {
            if red.donor.is_some() {
                return None;
            }
            match &red.parent {
                Parent::Root => break (red, None),
                Parent::Node(parent, Key::Index(i)) if *i >= NEAR => {
                    break (parent, Some((*i, Some(&**red))));
                }
                Parent::Node(parent, key) => {
                    back.push(key);
                    red = parent;
                }
                Parent::Far(_) if back.is_empty() => return None,
                Parent::Far(far) => {
                    back.extend(far.way.keys.iter().rev());
                    break (&far.way.base, far.way.from_item.then_some((far.item, None)));
                }
            }
        };
        let any = item.is_some() || !back.is_empty();
        any.then_some(Self { base, item, back })
    }

    /// Whether the node lies in the base itself.
    pub fn is_short(&self) -> bool {
        self.back.len() + usize::from(self.item.is_some()) < 2
    }

    /// Whether the node is an item of the base.
    pub fn is_item(&self) -> bool {
        self.item.is_some() && self.back.is_empty()
    }

    /// The way of a node that is stored so; nothing if there are too many descriptions of such nodes to share one.
    pub fn way(&self, node: &Red, stored: Stored) -> Option<Arc<Way>> {
        WAYS.with_borrow_mut(|ways| ways.get(self, node.format(), stored))
    }
}

impl Way {
    fn is_of(&self, trace: &Trace<'_>, format: Option<&Name>) -> bool {
        Arc::ptr_eq(&self.base, trace.base)
            && self.from_item == trace.item.is_some()
            && self.keys.iter().rev().eq(trace.back.iter().copied())
            && self.format.as_ref() == format
    }

    fn of(trace: &Trace<'_>, format: Option<&Name>, stored: Stored) -> Arc<Self> {
        Arc::new(Self {
            base: trace.base.clone(),
            from_item: trace.item.is_some(),
            keys: trace.back.iter().rev().map(|key| (*key).clone()).collect(),
            format: format.cloned(),
            stored,
        })
    }

    pub fn format(&self) -> Option<&Name> {
        self.format.as_ref()
    }
}

impl Far {
    /// The key of the node.
    pub fn key(&self) -> Option<&Key> {
        self.way.keys.last()
    }

    /// The steps from the node back to its base.
    pub fn back(&self) -> impl Iterator<Item = Key> + '_ {
        let first = self.way.from_item.then_some(Key::Index(self.item));
        self.way.keys.iter().rev().cloned().chain(first)
    }

    /// What the node is a child of, decoded again.
    pub fn parent(&self) -> Option<Arc<Red>> {
        let mut node = Node::at(self.way.base.clone());
        if self.way.from_item {
            node = node.item(self.item)?;
        }
        let (_, way) = self.way.keys.split_last()?;
        Some(node.down(way)?.red)
    }
}

impl Node {
    /// The node of that place, without edits.
    pub(crate) fn at(red: Arc<Red>) -> Self {
        Self { red, edit: None }
    }

    /// What lies some steps down, as it was decoded.
    pub(crate) fn down(self, way: &[Key]) -> Option<Self> {
        let mut node = self;
        for key in way {
            node = match key {
                Key::Name(name) => node.field_as_it_was(name)?,
                Key::Index(i) => node.item(*i)?,
            };
        }
        Some(node)
    }
}

/// So many ways are looked for again. They are not kept by this: whoever keeps nodes keeps them.
const MOST_WAYS: usize = 1024;
/// So many descriptions made at run time may the nodes of one place have until each is taken to have its own.
const MOST_MADE: u8 = 8;

thread_local! {
    static WAYS: RefCell<Ways> = RefCell::default();
}

#[derive(Default)]
struct Ways {
    by_hash: Table<Weak<Way>>,
    /// How many descriptions made at run time there were in a place.
    made: Table<u8>,
}

impl Ways {
    fn get(
        &mut self,
        trace: &Trace<'_>,
        format: Option<&Name>,
        stored: Stored,
    ) -> Option<Arc<Way>> {
        // fields and the first items of few things: as many ways as nodes
        if trace.item.is_none() {
            return Some(Way::of(trace, format, stored));
        }
        let place = hash_of(trace);
        let hash = mixed(place, stored.address());
        let found = self.by_hash.get(&hash).and_then(Weak::upgrade);
        if let Some(way) = found
            && way.is_of(trace, format)
            && way.stored.same(&stored)
        {
            return Some(way);
        }
        if stored.is_made() {
            let place = mixed(place, stored.sort());
            let made = room_in(&mut self.made).entry(place).or_default();
            if *made == MOST_MADE {
                return None;
            }
            *made += 1;
        }
        let way = Way::of(trace, format, stored);
        room_in(&mut self.by_hash).insert(hash, Arc::downgrade(&way));
        Some(way)
    }
}

fn room_in<T>(table: &mut Table<T>) -> &mut Table<T> {
    if table.len() == MOST_WAYS {
        table.clear();
    }
    table
}

fn mixed(hash: u64, with: u64) -> u64 {
    let mixed = (hash.rotate_left(5) ^ with).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

/// The hash of a way. Whatever is found by it is compared.
fn hash_of(trace: &Trace<'_>) -> u64 {
    let mut hash = Arc::as_ptr(trace.base).addr() as u64;
    for key in &trace.back {
        hash = match key {
            Key::Index(i) => mixed(hash, *i),
            Key::Name(name) => name.as_bytes().chunks(8).fold(hash, |hash, part| {
                let mut word = [0; 8];
                word[..part.len()].copy_from_slice(part);
                mixed(hash, u64::from_le_bytes(word))
            }),
        };
    }
    hash
}

type Table<T> = HashMap<u64, T, BuildHasherDefault<Hashed>>;

/// Keys that are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mixed(self.0, u64::from(*byte));
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
