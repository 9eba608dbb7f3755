//! Sequences: how an array-like node finds its items without decoding them.

use crate::encode::{Changes, Report, Splice};
use crate::green::Kind;
use crate::node::Node;
use crate::{Plain, Reject, Space, Span};
use std::any::Any;
use std::sync::Arc;

/// An array-like node.
pub trait Sequence: Send + Sync + 'static {
    /// Name of the items' type, for messages.
    fn name(&self) -> &'static str;

    /// Where the walk over the items begins.
    fn start(&self, at: &SeqAt<'_>) -> State {
        State::new(at.span.start)
    }

    /// The item at `state`, and the state after it; `None` at the end. Every step advances. Does not decode the item.
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step>;

    /// For items of one size: that size in bits, so that index and length cost nothing.
    fn stride(&self) -> Option<u64> {
        None
    }

    /// Whether items can be removed, added and moved.
    fn resizable(&self) -> bool {
        false
    }

    /// Whether items refer to each other, so that all of them must be laid out again when one changes its size.
    fn relinks(&self) -> bool {
        false
    }

    /// Bytes of a new item, made from a plain value.
    ///
    /// # Errors
    /// What an item must look like.
    fn build(&self, _value: &Plain) -> Result<Node, String> {
        Err(format!(
            "a new {} can only be a copy of a decoded one",
            self.name()
        ))
    }

    /// Lay the items out again, after items were added, removed or moved, or changed their size.
    ///
    /// The default is for items that follow each other without anything in between.
    ///
    /// # Errors
    /// Why the items cannot be laid out so.
    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        cx.in_place()
    }
}

/// Where a sequence lies.
#[derive(Clone, Copy)]
pub struct SeqAt<'a> {
    /// The space it is in.
    pub space: &'a Space,
    /// Its span there.
    pub span: Span,
}

/// A place in the walk over the items of a sequence.
#[derive(Clone)]
pub struct State {
    /// Place of the next item, in bits from the start of the space.
    pub at: u64,
    /// What the walk must remember beyond the place.
    pub memory: u64,
    /// More to remember, shared.
    pub more: Option<Arc<dyn Any + Send + Sync>>,
}

impl State {
    /// A place with nothing to remember.
    pub fn new(at: u64) -> Self {
        Self {
            at,
            memory: 0,
            more: None,
        }
    }
}

/// One step of the walk.
pub struct Step {
    /// What the item is.
    pub kind: Kind,
    /// Where it lies, in the space of the sequence.
    pub span: Span,
    /// The state after it.
    pub next: State,
}

/// What [`Sequence::arrange`] works on: the new list of items, from the first one on that changed.
pub struct Arrange<'a> {
    /// Where the sequence lies.
    pub at: SeqAt<'a>,
    /// The state of the walk at the first of them.
    pub first: State,
    /// The items that changed, or come after one that did, in their new order.
    pub items: Vec<Placed>,
    /// Path of the sequence, for messages.
    pub path: String,
    /// Whether derived fields are recomputed.
    pub fix: bool,
    /// What was done and left is reported here.
    pub report: &'a mut Report,
    /// The changes made; those of the kept items are not in here yet.
    pub changes: &'a mut Changes,
}

/// An item in its new place.
pub struct Placed {
    /// Where it was in this sequence, unless it is new.
    pub was: Option<Span>,
    /// Changes inside the item, in the space of the sequence.
    pub splices: Vec<Splice>,
    /// The bytes of a new item.
    pub new: Option<Node>,
    /// Name of the item's shape.
    pub shape: &'static str,
    /// Names of the item's own fields that were assigned, and so must stay.
    pub pinned: Vec<String>,
}

impl Arrange<'_> {
    /// The bytes of an item, changes applied.
    ///
    /// # Errors
    /// A new item that cannot be encoded.
    pub fn bytes(&self, item: &Placed) -> Result<Vec<u8>, Reject> {
        match (&item.was, &item.new) {
            (Some(span), _) => Ok(crate::encode::patched(self.at.space, *span, &item.splices)),
            (None, Some(node)) => Ok(node.bytes()?.to_vec()),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Change only what changed: remove the items that are gone, insert the new ones before the one that follows, and leave
    /// the rest in its place. Items in another order are written one after the other, as by [`Self::in_place`].
    ///
    /// # Errors
    /// A new item that cannot be encoded.
    pub fn by_item(&mut self, seq: &dyn Sequence) -> Result<(), Reject> {
        let mut old = Vec::new();
        let mut state = self.first.clone();
        while let Some(step) = seq.step(&self.at, &state) {
            old.push(step.span);
            state = step.next;
        }
        let kept: Vec<Span> = self.items.iter().filter_map(|i| i.was).collect();
        if !kept.is_sorted_by(|a, b| a.start < b.start) {
            return self.in_place();
        }
        let end = old.last().map_or(self.first.at, |s| s.end());
        let items = std::mem::take(&mut self.items);
        let mut new = Vec::new();
        let put = |at: u64, new: &mut Vec<u8>, changes: &mut Changes| {
            if !new.is_empty() {
                let mut splice = Splice::new(Span::bits(at, 0), std::mem::take(new), &self.path);
                splice.items = Some(seq.name());
                changes.push(self.at.space, splice);
            }
        };
        for item in &items {
            match (&item.was, &item.new) {
                (Some(was), _) => {
                    put(was.start, &mut new, self.changes);
                    for splice in &item.splices {
                        self.changes.push(self.at.space, splice.clone());
                    }
                }
                (None, Some(node)) => new.extend_from_slice(&node.bytes()?),
                (None, None) => {}
            }
        }
        put(end, &mut new, self.changes);
        let mut kept = kept.into_iter().peekable();
        for span in old {
            if kept.next_if_eq(&span).is_none() {
                let mut splice = Splice::new(span, Vec::new(), &self.path);
                splice.items = Some(seq.name());
                self.changes.push(self.at.space, splice);
            }
        }
        Ok(())
    }

    /// The default: replace everything from the first changed item to the end by the items' bytes.
    ///
    /// # Errors
    /// A new item that cannot be encoded.
    pub fn in_place(&mut self) -> Result<(), Reject> {
        let mut new = Vec::new();
        for item in &self.items {
            new.extend(self.bytes(item)?);
        }
        let rest = Span::bits(self.first.at, self.at.span.end() - self.first.at);
        let splice = Splice::new(rest, new, &self.path);
        self.changes.push(self.at.space, splice);
        Ok(())
    }
}
