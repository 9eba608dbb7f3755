//! Nodes that are kept.
//!
//! A node keeps its parent, and that keeps all that was decoded below it. Who keeps one field of each of many items would keep
//! them all. A *light* node knows the way from an array further up instead; what lies between is decoded again if it is asked
//! for.

use crate::Key;
use crate::green::Kind;
use crate::node::{Node, Parent, Red};
use std::sync::Arc;

/// The way to a node from one further up.
pub(crate) struct Far {
    pub base: Arc<Red>,
    /// The last one is the key of the node itself.
    pub keys: Box<[Key]>,
    /// The name of the format that the node belongs to.
    pub format: &'static str,
}

/// Whoever has items up to this one keeps what is above their array: to come here from further up again is cheap.
const NEAR: u64 = 64;

impl Far {
    /// What the node is a child of, decoded again.
    pub fn parent(&self) -> Option<Arc<Red>> {
        let mut node = Node {
            red: self.base.clone(),
            edit: None,
        };
        let (_, way) = self.keys.split_last()?;
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
            Some(far) => Parent::Far(Box::new(far)),
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
                    keys.extend(far.keys.iter().rev().cloned());
                    break &far.base;
                }
            }
        };
        if keys.len() < 2 {
            return None;
        }
        keys.reverse();
        Some(Far {
            base: base.clone(),
            keys: keys.into(),
            format: self.red.format(),
        })
    }
}
