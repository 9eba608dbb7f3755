//! The walk over all that was found about a decoded value.

use crate::edit::{Edit, Item};
use crate::node::{Items, Node, NodeKind};
use crate::{Fault, Severity};
use std::collections::HashSet;

/// The findings about a node and all that is in it, in order. What several views show of the same bytes is told once.
pub struct Findings {
    walk: Vec<Rest>,
    told: HashSet<(Option<u64>, Severity, String, String)>,
}

/// Nodes that are still to be looked at.
enum Rest {
    Nodes(std::vec::IntoIter<Node>),
    Items(Items),
    /// Nodes of which nothing is looked at that is in them.
    Bare(std::vec::IntoIter<Node>),
}

impl Findings {
    pub(crate) fn of(node: Node) -> Self {
        Self {
            walk: vec![Rest::Nodes(vec![node].into_iter())],
            told: HashSet::new(),
        }
    }

    pub(crate) fn touched(node: &Node) -> Self {
        let (mut on_the_way, mut whole) = (Vec::new(), Vec::new());
        touch(node, &mut on_the_way, &mut whole);
        Self {
            walk: vec![
                Rest::Nodes(whole.into_iter()),
                Rest::Bare(on_the_way.into_iter()),
            ],
            told: HashSet::new(),
        }
    }

    /// The next node, and whether what is in it is looked at as well.
    fn next_node(&mut self) -> Option<(Node, bool)> {
        loop {
            let (next, inside) = match self.walk.last_mut()? {
                Rest::Nodes(nodes) => (nodes.next(), true),
                Rest::Items(items) => (items.next(), true),
                Rest::Bare(nodes) => (nodes.next(), false),
            };
            match next {
                Some(node) => return Some((node, inside)),
                None => self.walk.pop(),
            };
        }
    }
}

/// What the edits of a node are on the way to, and what they change, as it was decoded. An item of an array that they reach into
/// counts as changed: what covers the change, such as a checksum, is in it.
fn touch(node: &Node, on_the_way: &mut Vec<Node>, whole: &mut Vec<Node>) {
    let was = node.unedited();
    let items = |edited: &mut dyn Iterator<Item = u64>, whole: &mut Vec<Node>| {
        whole.extend(edited.filter_map(|i| was.kept_item(i)));
    };
    match node.edit.as_deref() {
        None => {}
        Some(Edit::Fields(fields)) => {
            on_the_way.push(was.clone());
            for (name, edit) in fields {
                if let Some(field) = was.field_as_it_was(name) {
                    let edit = Some(edit.clone());
                    touch(&Node { edit, ..field }, on_the_way, whole);
                }
            }
        }
        Some(Edit::Sparse(edits)) => {
            on_the_way.push(was.clone());
            items(&mut edits.keys().copied(), whole);
        }
        Some(Edit::Items(list)) => {
            on_the_way.push(was.clone());
            let edited = list.iter().filter_map(|item| match item {
                Item::Kept(i, Some(_)) => Some(*i),
                _ => None,
            });
            items(&mut edited.into_iter(), whole);
        }
        Some(_) => whole.push(was),
    }
}

impl Iterator for Findings {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        loop {
            let (node, inside) = self.next_node()?;
            match node.kind() {
                NodeKind::Scalar => {}
                _ if !inside => {}
                NodeKind::Array => self.walk.push(Rest::Items(node.items())),
                NodeKind::Object => {
                    let fields = node.fields().into_iter().map(|(_, field)| field);
                    let fields: Vec<_> = fields.collect();
                    self.walk.push(Rest::Nodes(fields.into_iter()));
                }
            }
            let Some(found) = node.finding() else {
                continue;
            };
            let what = (
                found.offset,
                found.severity,
                found.expected.clone(),
                found.found.clone(),
            );
            if self.told.insert(what) {
                return Some(found);
            }
        }
    }
}
