//! The walk over all that was found about a decoded value.

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
}

impl Findings {
    pub(crate) fn of(node: Node) -> Self {
        Self {
            walk: vec![Rest::Nodes(vec![node].into_iter())],
            told: HashSet::new(),
        }
    }

    fn next_node(&mut self) -> Option<Node> {
        loop {
            let next = match self.walk.last_mut()? {
                Rest::Nodes(nodes) => nodes.next(),
                Rest::Items(items) => items.next(),
            };
            match next {
                Some(node) => return Some(node),
                None => self.walk.pop(),
            };
        }
    }
}

impl Iterator for Findings {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        loop {
            let node = self.next_node()?;
            match node.kind() {
                NodeKind::Scalar => {}
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
