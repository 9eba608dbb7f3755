//! The walk over the items of an array.

use crate::Key;
use crate::edit::Edit;
use crate::green::Kind;
use crate::node::Node;
use crate::sequence::State;
use std::sync::Arc;

/// The items of an array node; owns what it walks over.
pub struct Items {
    pub(crate) node: Node,
    pub(crate) next: u64,
    pub(crate) state: Option<State>,
}

impl Iterator for Items {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        let i = self.next;
        let edit = match self.node.state() {
            Some(Edit::Items(_)) => {
                self.next += 1;
                return self.node.item(i);
            }
            Some(Edit::Sparse(map)) => map.get(&i).cloned(),
            _ => None,
        };
        let green = self.node.green();
        let Kind::Array(seq) = &green.kind else {
            return None;
        };
        let step = seq.framed_step(&green.seq_at(), self.state.as_ref()?);
        let Some((step, frame)) = step else {
            self.state = None;
            return None;
        };
        self.next += 1;
        self.state = Some(step.next);
        let item = green.item(step.kind, step.span, frame);
        Some(self.node.child(Key::Index(i), Arc::new(item), None, edit))
    }
}
