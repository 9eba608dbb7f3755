//! Sequences: how an array-like node finds its items without decoding them.

use crate::encode::{Changes, Report, Splice};
use crate::frame::Frame;
use crate::green::{Kind, Ref};
use crate::node::Node;
use crate::shape::Shape;
use crate::{Name, Plain, Reject, Space, Span, columns};
use std::any::Any;
use std::sync::Arc;

/// By what a layer knows changes of whole items again. Each is its own: two are the same if they are one static, whatever their
/// names.
#[derive(Debug)]
pub struct Label(pub &'static str);

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Label {}

/// That of items which no layer asks for.
static ITEMS: Label = Label("items");

/// An array-like node.
pub trait Sequence: Send + Sync + 'static {
    /// Name of the items' type, for messages.
    fn name(&self) -> &str;

    /// By what a layer of the format knows changes of these items again: see [`Splice::items`].
    fn label(&self) -> &'static Label {
        &ITEMS
    }

    /// Where the walk over the items begins.
    fn start(&self, at: &SeqAt<'_>) -> State {
        State::new(at.span.start)
    }

    /// The item at `state`, and the state after it; `None` at the end. Every step advances. Does not decode the item.
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step>;

    /// Like [`Self::step`], with the bytes around the item that belong to it, such as a length prefix.
    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        Some((self.step(at, state)?, None))
    }

    /// What an item is stored as, given its own bytes: with its frame. `inside` is the frame, if there is one, that other
    /// items share at that place.
    fn wrap(&self, item: Vec<u8>, _inside: Option<&Frame>) -> Vec<u8> {
        item
    }

    /// The frame around all items, for the first one that is added where there is none; it ends where the sequence does.
    fn around(&self, _at: &SeqAt<'_>) -> Option<Arc<Frame>> {
        None
    }

    /// A node to replace the one that lies there, for a value that is not assigned item by item. `None` for those that are.
    fn rebuild(&self, _value: &Plain, _at: &SeqAt<'_>) -> Option<Result<Node, String>> {
        None
    }

    /// Move over up to `most` items, and say over how many: fewer only at the end. For sequences that can do so faster than
    /// step by step.
    fn advance(&self, at: &SeqAt<'_>, state: &mut State, most: u64) -> u64 {
        for done in 0..most {
            match self.step(at, state) {
                Some(step) => *state = step.next,
                None => return done,
            }
        }
        most
    }

    /// A reader of these fields of many items, for sequences that read them faster than item by item.
    fn columns(&self, _fields: &[Name]) -> Option<Box<dyn columns::Read>> {
        None
    }

    /// Where else the walk can be entered: its state at an item that begins at or behind the bit `from` of the space, as far as
    /// the bytes there tell. Nothing where they do not.
    ///
    /// A walk from there finds the items that the walk from the start finds, if that comes to an equal place with an equal memory:
    /// who joins parts of a walk compares the two, as damage before `from` may hide where an item begins.
    fn resync(&self, at: &SeqAt<'_>, from: u64) -> Option<State> {
        let stride = self.stride()?;
        let first = from.max(at.span.start) - at.span.start;
        let start = at.span.start + first.div_ceil(stride) * stride;
        (start < at.span.end()).then(|| State::new(start))
    }

    /// For items of one size: that size in bits, so that index and length cost nothing.
    fn stride(&self) -> Option<u64> {
        None
    }

    /// Whether items can be removed, added and moved.
    fn resizable(&self) -> bool {
        false
    }

    /// Whether items refer to each other, so that all of them must be laid out again when one changes its size, or another one
    /// is put in its place.
    fn relinks(&self) -> bool {
        false
    }

    /// Whether what the bytes of an item mean depends on its place, so that [`Self::arrange`] must also see an item that is
    /// put in the place of another.
    fn follows_place(&self) -> bool {
        false
    }

    /// What a new item is, and its size in bytes, where all items look alike: then one can be made of a plain value that has all
    /// its fields.
    fn template(&self) -> Option<(Kind, u64)> {
        None
    }

    /// Bytes of a new item, made from a plain value.
    ///
    /// # Errors
    /// What an item must look like.
    fn build(&self, value: &Plain) -> Result<Node, String> {
        let Some((kind, bytes)) = self.template() else {
            return Err(format!(
                "a new {} can only be a copy of a decoded one, which then is edited: += [.[0]]",
                self.name()
            ));
        };
        let space = Space::source(vec![0; bytes as usize]);
        let span = space.span();
        let item = Node::root_of(self.name().to_owned(), kind, space, span);
        item.assign(value.clone()).map_err(|e| e.to_string())
    }

    /// Lay the items out again, after items were added, removed or moved, or changed their size.
    ///
    /// The default leaves as many items as it can where they are, and removes and inserts the others there.
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

impl<'a> SeqAt<'a> {
    /// What lies there.
    pub const fn new(space: &'a Space, span: Span) -> Self {
        Self { space, span }
    }

    /// Where the items of a sequence lie.
    pub fn spans<'s>(&'s self, sequence: &'s dyn Sequence) -> impl Iterator<Item = Span> + 's {
        let mut state = sequence.start(self);
        std::iter::from_fn(move || {
            let step = sequence.step(self, &state)?;
            state = step.next;
            Some(step.span)
        })
    }
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
    /// A place with something to remember.
    pub fn with(at: u64, memory: u64) -> Self {
        Self {
            memory,
            ..Self::new(at)
        }
    }

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
    pub(crate) seq: &'a dyn Sequence,
    /// The index of the first of them.
    pub(crate) number: u64,
    /// How many steps the sequence is from its root.
    pub(crate) level: usize,
    /// The item before the first.
    pub(crate) before: Option<Old>,
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
    /// The same with what the layer makes follow from them ([`Layer::alone`](crate::layer::Layer::alone)): what is written if the
    /// item moves.
    pub moved: Vec<Splice>,
    /// What a new item is made of; or the node that was put in the place of this one, which its splices write there.
    pub new: Option<Node>,
    /// The item's shape, if it is a struct.
    pub shape: Option<Ref<dyn Shape>>,
    /// Names of the item's own fields that were assigned, and so must stay.
    pub pinned: Vec<String>,
}

impl Placed {
    /// Whether the item is a struct of that name.
    pub fn is(&self, name: &str) -> bool {
        self.shape
            .as_ref()
            .is_some_and(|shape| shape.name() == name)
    }
}

/// An item as it was decoded.
#[derive(Clone)]
pub(crate) struct Old {
    pub span: Span,
    pub frame: Option<Frame>,
}
