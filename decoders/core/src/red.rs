//! Red nodes, as in rowan: a green node in its place.

use crate::green::{Green, Ref};
use crate::node::Node;
use crate::rule::Rule;
use crate::way::Far;
use crate::{Key, Name};
use std::sync::Arc;

/// A green node in its place.
pub(crate) struct Red {
    pub green: Arc<Green>,
    pub rule: Option<Ref<Rule>>,
    pub parent: Parent,
    /// For a field that was added, or that is not stored and shows a default: what has it, and whether it is added even if
    /// it is not edited.
    pub donor: Option<(Arc<Node>, bool)>,
    /// For a checksum beside edits: the struct with them.
    pub around: Option<Arc<Node>>,
}

pub(crate) enum Parent {
    Root,
    Node(Arc<Red>, Key),
    /// Some steps below: see [`Node::light`].
    Far(Far),
}

impl Red {
    pub fn key(&self) -> Option<&Key> {
        match &self.parent {
            Parent::Root => None,
            Parent::Node(_, key) => Some(key),
            Parent::Far(far) => far.key(),
        }
    }

    /// What this is a child of.
    pub fn parent(&self) -> Option<Arc<Red>> {
        match &self.parent {
            Parent::Root => None,
            Parent::Node(parent, _) => Some(parent.clone()),
            Parent::Far(far) => far.parent(),
        }
    }

    pub fn path(&self) -> Vec<Key> {
        let mut out = Vec::new();
        let mut red = self;
        loop {
            match &red.parent {
                Parent::Root => break,
                Parent::Node(parent, key) => {
                    out.push(key.clone());
                    red = parent;
                }
                Parent::Far(far) => {
                    out.extend(far.back());
                    red = &far.way.base;
                }
            }
        }
        out.reverse();
        out
    }

    fn root(&self) -> &Red {
        let mut red = self;
        loop {
            match &red.parent {
                Parent::Root => return red,
                Parent::Node(parent, _) => red = parent,
                Parent::Far(far) => red = &far.way.base,
            }
        }
    }

    pub(crate) fn format(&self) -> Option<&Name> {
        let mut red = self;
        loop {
            match (red.green.format(), &red.parent) {
                (Some(format), _) => return Some(format),
                (None, Parent::Node(parent, _)) => red = parent,
                (None, Parent::Far(far)) => return far.way.format(),
                (None, Parent::Root) => return None,
            }
        }
    }

    pub fn same_place(&self, other: &Red) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match (&self.parent, &other.parent) {
            (Parent::Node(a, i), Parent::Node(b, j)) => {
                i == j && (Arc::ptr_eq(a, b) || a.same_place(b))
            }
            (Parent::Root, Parent::Root) => Arc::ptr_eq(&self.green, &other.green),
            (Parent::Far(_), _) | (_, Parent::Far(_)) => {
                self.key() == other.key()
                    && Arc::ptr_eq(&self.root().green, &other.root().green)
                    && self.path() == other.path()
            }
            _ => false,
        }
    }

    /// Whether this is a child of that place.
    pub fn is_in(&self, other: &Red) -> bool {
        match &self.parent {
            Parent::Root => false,
            Parent::Node(parent, _) => parent.same_place(other),
            Parent::Far(_) => self.parent().is_some_and(|parent| parent.same_place(other)),
        }
    }
}
