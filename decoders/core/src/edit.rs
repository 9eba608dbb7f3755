//! Edits: an overlay that a node carries, shared between copies of it.

use crate::node::Node;
use crate::{Name, Scalar};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was assigned at a node or below it.
#[derive(Clone)]
pub(crate) enum Edit {
    /// A leaf was assigned this actual value.
    Scalar(Scalar),
    /// A leaf follows from what was assigned elsewhere. Nobody assigned it: it is there only while edits are encoded.
    Derived(Scalar),
    /// The node stands for another node, whose bytes it takes.
    Replaced(Node),
    /// A field was removed.
    Removed,
    /// A field was displaced by an added one, which takes care of its bytes.
    Hidden,
    /// A field was added, or one that shows a default was assigned.
    Added(Added),
    /// Fields of an object were edited.
    Fields(BTreeMap<Name, Arc<Edit>>),
    /// Items of an array were edited, each in its place.
    Sparse(BTreeMap<u64, Arc<Edit>>),
    /// Items were removed, added or moved: the new list.
    Items(Vec<Item>),
}

/// An item of a new list.
#[derive(Clone)]
pub(crate) enum Item {
    /// The item that was at this index, perhaps edited.
    Kept(u64, Option<Arc<Edit>>),
    /// A node from elsewhere.
    New(Node),
}

/// An added field.
#[derive(Clone)]
pub(crate) struct Added {
    /// A struct that has only this field.
    pub donor: Arc<Node>,
    /// Edits of the field after it was added.
    pub edit: Option<Arc<Edit>>,
    /// Whether it is added even if it was not edited since.
    pub always: bool,
}
