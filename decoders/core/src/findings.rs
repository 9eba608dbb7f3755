//! The walk over all that was found about a decoded value.

use crate::edit::{Edit, Item};
use crate::node::{Items, Node, NodeKind};
use crate::{Fault, Severity};
use std::collections::HashSet;

/// The findings about a node and all that is in it, in order. What several views show of the same bytes is told once; so are
/// bytes that are missing, whatever each view says of them.
pub struct Findings {
    walk: Vec<Rest>,
    told: HashSet<(Option<u64>, Severity, String, String)>,
    /// Where in the input bytes are missing that were told.
    lost: HashSet<Option<u64>>,
}

/// Nodes that are still to be looked at.
enum Rest {
    Nodes(std::vec::IntoIter<Node>),
    Items(Items),
    /// Nodes of which nothing is looked at that is in them.
    Bare(std::vec::IntoIter<Node>),
    /// A node that may be a view of bytes which those beside it own: they come first.
    View(Option<Node>),
}

/// How a node is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Whole,
    Bare,
    View,
}

impl Findings {
    pub(crate) fn of(node: Node) -> Self {
        Self {
            walk: vec![Rest::Nodes(vec![node].into_iter())],
            told: HashSet::new(),
            lost: HashSet::new(),
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
            lost: HashSet::new(),
        }
    }

    /// The next node.
    fn next_node(&mut self) -> Option<(Node, How)> {
        loop {
            let (next, how) = match self.walk.last_mut()? {
                Rest::Nodes(nodes) => (nodes.next(), How::Whole),
                Rest::Items(items) => (items.next(), How::Whole),
                Rest::Bare(nodes) => (nodes.next(), How::Bare),
                Rest::View(node) => (node.take(), How::View),
            };
            match next {
                Some(node) => return Some((node, how)),
                None => self.walk.pop(),
            };
        }
    }

    /// Whether a finding was not told yet.
    fn is_new(&mut self, found: &Fault) -> bool {
        if found.lost {
            return self.lost.insert(found.offset);
        }
        let what = (
            found.offset,
            found.severity,
            found.expected.clone(),
            found.found.clone(),
        );
        self.told.insert(what)
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
            let (node, how) = self.next_node()?;
            match node.kind() {
                NodeKind::Scalar => {}
                _ if how != How::Whole => {}
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
            if found.lost && how == How::Whole && is_view(&node) {
                let beside = self.walk.len() - 1;
                self.walk.insert(beside, Rest::View(Some(node)));
                continue;
            }
            if self.is_new(&found) {
                return Some(found);
            }
        }
    }
}

/// Whether a scalar lies in another space than what it is in.
fn is_view(node: &Node) -> bool {
    let parent = node.parent();
    node.kind() == NodeKind::Scalar
        && parent.is_some_and(|parent| !parent.green().space.same(&node.green().space))
}
