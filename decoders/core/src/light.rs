//! Nodes that are kept.
//!
//! A node keeps its parent, and that keeps all that was decoded below it. Who keeps one field of each of many items would keep
//! them all. A *light* node knows the way from an array further up instead; what lies between is decoded again if it is asked
//! for.

use crate::green::Kind;
use crate::node::{Node, Parent, Red};
use crate::{Key, Name};
use std::cell::RefCell;
use std::sync::Arc;

/// The way to a node from one further up.
pub(crate) struct Far {
    pub base: Arc<Red>,
    /// The index of the first step, if the way begins with one.
    item: u64,
    way: Arc<Way>,
}

/// What the ways to the same field of many items share.
#[derive(PartialEq, Eq)]
struct Way {
    from_item: bool,
    /// The steps that follow; the last one is the key of the node itself.
    keys: Vec<Key>,
    /// The name of the format that the node belongs to.
    format: Option<Name>,
}

thread_local! {
    /// The ways that were gone last.
    static WAYS: RefCell<Vec<Arc<Way>>> = const { RefCell::new(Vec::new()) };
}

/// So many fields may be collected side by side until their ways are no longer shared.
const MOST_WAYS: usize = 16;

impl Way {
    fn shared(self) -> Arc<Self> {
        WAYS.with_borrow_mut(|ways| {
            if let Some(way) = ways.iter().find(|way| ***way == self) {
                return way.clone();
            }
            if ways.len() == MOST_WAYS {
                ways.remove(0);
            }
            ways.push(Arc::new(self));
            ways[ways.len() - 1].clone()
        })
    }
}

/// Whoever has items up to this one keeps what is above their array: to come here from further up again is cheap.
const NEAR: u64 = 64;

impl Far {
    fn new(base: Arc<Red>, mut keys: Vec<Key>, format: Option<Name>) -> Self {
        let item = match keys[0] {
            Key::Index(i) if keys.len() > 1 => Some(i),
            _ => None,
        };
        if item.is_some() {
            keys.remove(0);
        }
        let way = Way {
            from_item: item.is_some(),
            keys,
            format,
        };
        Self {
            base,
            item: item.unwrap_or(0),
            way: way.shared(),
        }
    }

    /// The key of the node.
    pub fn key(&self) -> Option<&Key> {
        self.way.keys.last()
    }

    /// The steps from the node back to its base.
    pub fn back(&self) -> impl Iterator<Item = Key> + '_ {
        let first = self.way.from_item.then_some(Key::Index(self.item));
        self.way.keys.iter().rev().cloned().chain(first)
    }

    pub fn format(&self) -> Option<&Name> {
        self.way.format.as_ref()
    }

    /// What the node is a child of, decoded again.
    pub fn parent(&self) -> Option<Arc<Red>> {
        let mut node = Node {
            red: self.base.clone(),
            edit: None,
        };
        if self.way.from_item {
            node = node.item(self.item)?;
        }
        let (_, way) = self.way.keys.split_last()?;
        for key in way {
            node = match key {
                Key::Name(name) => node.field_as_it_was(name)?,
                Key::Index(i) => node.item(*i)?,
            };
        }
        Some(node.red)
    }
}

impl Node {
    /// The same node, for whoever keeps many: it does not keep what was decoded around it and below it.
    #[must_use]
    pub fn light(&self) -> Node {
        let red = &self.red;
        let parent = match self.way() {
            Some(far) => Parent::Far(far),
            None => match &red.parent {
                Parent::Node(parent, key) if red.donor.is_none() => {
                    Parent::Node(parent.clone(), key.clone())
                }
                // the root, what was added, and what is light already
                _ => return self.clone(),
            },
        };
        let green = match &red.green.kind {
            Kind::Struct(_) => red.green.bare().map(Arc::new),
            // the index of an array is small, and dear to make
            _ => None,
        };
        if green.is_none() && matches!(parent, Parent::Node(..)) {
            return self.clone();
        }
        Node {
            red: Arc::new(Red {
                green: green.unwrap_or_else(|| red.green.clone()),
                rule: red.rule.clone(),
                parent,
                donor: None,
            }),
            edit: self.edit.clone(),
        }
    }

    /// The way from an array further up, or from the root; nothing if there is nothing between.
    fn way(&self) -> Option<Far> {
        let mut keys = Vec::new();
        let mut red = &self.red;
        let base = loop {
            if red.donor.is_some() {
                return None;
            }
            match &red.parent {
                Parent::Root => break red,
                Parent::Node(parent, key) => {
                    keys.push(key.clone());
                    red = parent;
                    if matches!(key, Key::Index(i) if *i >= NEAR) {
                        break red;
                    }
                }
                // light already
                Parent::Far(_) if keys.is_empty() => return None,
                Parent::Far(far) => {
                    keys.extend(far.back());
                    break &far.base;
                }
            }
        };
        if keys.len() < 2 {
            return None;
        }
        keys.reverse();
        Some(Far::new(base.clone(), keys, self.red.format().cloned()))
    }
}
