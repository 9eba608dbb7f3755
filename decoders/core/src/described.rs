//! Formats and arrays that a few words describe.

use crate::green::{Kind, Ref};
use crate::registry::{Confidence, Format, Options, Probe};
use crate::sequence::{SeqAt, Sequence, State, Step};
use crate::shape::{At, Shape};
use crate::{Malformed, Node, Space, Span};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A format that begins with certain bytes, or that a function knows.
pub struct Described {
    /// The name of the format.
    pub name: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// The bytes that every input begins with.
    pub magic: &'static [u8],
    /// What the input is.
    pub root: &'static dyn Shape,
    /// How sure the format is of an input, where bytes at its beginning do not tell.
    pub probe: Option<fn(&Probe<'_>) -> Confidence>,
}

impl Described {
    /// A format of this name, which begins with these bytes.
    pub const fn of(
        name: &'static str,
        description: &'static str,
        magic: &'static [u8],
        root: &'static dyn Shape,
    ) -> Self {
        Self {
            name,
            description,
            magic,
            root,
            probe: None,
        }
    }

    /// A format of this name, which a function knows.
    pub const fn probed(
        name: &'static str,
        description: &'static str,
        probe: fn(&Probe<'_>) -> Confidence,
        root: &'static dyn Shape,
    ) -> Self {
        Self {
            probe: Some(probe),
            ..Self::of(name, description, b"", root)
        }
    }
}

impl Format for Described {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        match (self.probe, probe.bytes.starts_with(self.magic)) {
            (Some(of), _) => of(probe),
            (None, true) => Confidence::Certain,
            (None, false) => Confidence::No,
        }
    }

    /// Bytes that do not begin as they should are read all the same, so that what was damaged can be mended.
    fn decode(&self, space: Space, _options: &Options) -> Node {
        let span = space.span();
        let head = space.bytes(0, self.magic.len() as u64);
        let root = Node::root_of(self.name, Kind::fixed(self.root), space, span);
        match head == self.magic {
            true => root,
            false => root.wrong(Malformed::new(0, hex(self.magic), hex(&head))),
        }
    }
}

/// An array of structs of one size, to the end of its span. Items come and go.
pub struct Table {
    /// What an item is.
    pub item: &'static dyn Shape,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Table {
    /// Structs of so many bytes.
    pub const fn of(item: &'static dyn Shape, bytes: u64) -> Self {
        Self { item, bytes }
    }
}

impl Sequence for Table {
    fn name(&self) -> &'static str {
        self.item.name()
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let len = (at.span.end() - state.at).min(self.bytes * 8);
        (len > 0).then(|| Step {
            kind: Kind::Struct(Ref::Static(self.item)),
            span: Span::bits(state.at, len),
            next: State::new(state.at + len),
        })
    }

    fn stride(&self) -> Option<u64> {
        Some(self.bytes * 8)
    }

    fn resizable(&self) -> bool {
        true
    }

    fn template(&self) -> Option<(Kind, u64)> {
        Some((Kind::Struct(Ref::Static(self.item)), self.bytes))
    }
}

/// An array of items one behind the other, to the end of its span, each of which tells what it is and how long. Items come and go.
pub struct Run<F> {
    name: &'static str,
    item: F,
}

impl<F: Fn(&At<'_>) -> Option<(Kind, u64)> + Send + Sync + 'static> Run<F> {
    /// Items of this name. The function is given an item with all that follows it, and finds what the item is, and its size in
    /// bytes; nothing where there is no item. One that does not fit is cut. The walk counts items in [`State::memory`].
    pub const fn of(name: &'static str, item: F) -> Self {
        Self { name, item }
    }
}

impl<F: Fn(&At<'_>) -> Option<(Kind, u64)> + Send + Sync + 'static> Sequence for Run<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let left = at.span.end().saturating_sub(state.at);
        let rest = At {
            space: at.space,
            span: Span::bits(state.at, left),
        };
        let (kind, bytes) = (left > 0).then(|| (self.item)(&rest))??;
        let len = bytes.saturating_mul(8).min(left);
        (len > 0).then(|| Step {
            kind,
            span: Span::bits(state.at, len),
            next: State::with(state.at + len, state.memory + 1),
        })
    }

    fn resizable(&self) -> bool {
        true
    }
}
