//! The fields of a header block, as a format above HTTP sees them.

use super::header::{Header, standalone};
use super::hpack::Field;
use super::hpack::repr::{Form, write_literal};
use super::side::{Read, Side};
use crate::exchange::{Head, Meaning, is_renamed, new_field};
use binq_core::codec::Codec;
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Fluid, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Reject, Space, Span};
use std::sync::Arc;

/// The fields of a header block, and where they lie.
pub struct List {
    read: Arc<Read>,
    side: Arc<Side>,
    /// The space that it lies in.
    pub space: Space,
    /// First byte of the block there.
    pub base: u64,
}

impl List {
    /// A block that a peer sent.
    pub fn new(side: &Arc<Side>, read: Arc<Read>) -> Self {
        let (space, span) = read.0.space(&side.space);
        Self {
            read,
            side: side.clone(),
            base: span.first_byte(),
            space,
        }
    }

    /// The fields.
    pub fn fields(&self) -> &[Field] {
        &self.read.1.fields
    }

    /// The first field of that name.
    pub fn get(&self, name: &[u8]) -> Option<&Field> {
        self.read.1.get(name)
    }
}

impl Head for List {
    fn space(&self) -> &Space {
        &self.space
    }

    fn first(&self) -> u64 {
        self.base
    }

    fn is_complete(&self) -> bool {
        self.read.0.complete
    }

    fn has_unknown(&self) -> bool {
        self.fields().iter().any(|f| f.is_unknown())
    }

    /// The first frame of the block says the same.
    fn cut(&self) -> Option<Malformed> {
        let cut = self.read.0.cut(&self.side)?;
        let at = self.side.space.offset(cut.at);
        Some(Malformed { at, ..cut })
    }

    fn count(&self, name: &[u8]) -> usize {
        let same = |f: &&Field| f.name.known().is_some_and(|n| n == name);
        self.fields().iter().filter(same).count()
    }

    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.read.1.value(name)
    }

    fn place(&self, name: &[u8]) -> Option<(Span, Ref<dyn Codec>)> {
        let header = Header::of(self.get(name)?.clone());
        Some(header.place(self.base, true))
    }

    fn add_list(
        &self,
        cx: &mut Cx<'_>,
        name: &'static str,
        wanted: fn(&[u8]) -> bool,
        means: Meaning,
    ) {
        let all = self.fields();
        let end = all.last().map_or(0, |f| f.repr.end) as u64;
        let is_wanted = |f: &&Field| f.name.known().is_some_and(|name| wanted(name));
        let fields: Vec<Field> = all.iter().filter(is_wanted).cloned().collect();
        let first = fields.first().map_or(end, |f| f.repr.at as u64);
        let last = fields.last().map_or(end, |f| f.repr.end as u64);
        let span = Span::bytes(self.base + first, last - first);
        let chosen = Chosen {
            fields,
            base: self.base,
            means,
        };
        let added = cx.node_in(name, &self.space, span, Kind::array(Arc::new(chosen)));
        // of a name that is not known, it is not known either whether it is one of these
        let unknown = |f: &&Field| f.name.known().is_none() && f.repr.form != Form::SizeUpdate;
        if let Some(field) = all.iter().find(unknown) {
            let at = self.base + field.repr.at as u64;
            if let Some(wrong) = Header::of(field.clone()).unresolved(at) {
                added.wrong(wrong);
            }
        }
    }
}

/// Some fields of a header block.
struct Chosen {
    fields: Vec<Field>,
    base: u64,
    means: Meaning,
}

impl Sequence for Chosen {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let field = self.fields.get(state.memory as usize)?.clone();
        let span = Span::bytes(
            self.base + field.repr.at as u64,
            (field.repr.end - field.repr.at) as u64,
        );
        let means = self.means;
        Some(Step {
            kind: Kind::shared(Arc::new(Entry { field, means })),
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        new_entry(value, self.means)
    }
}

struct Entry {
    field: Field,
    means: Meaning,
}

/// A new field with bytes of its own.
fn new_entry(value: &Plain, means: Meaning) -> Result<Node, String> {
    let (name, text) = new_field(value, Some(means))?;
    Ok(standalone(write_literal(
        Form::WithoutIndexing,
        0,
        &name,
        &text,
    )))
}

impl Fluid for Entry {
    fn rebuild(&self, value: &Plain, _at: &At<'_>) -> Option<Result<Node, String>> {
        let old = self.field.name.known()?;
        is_renamed(value, old, self.means).then(|| new_entry(value, self.means))
    }
}

impl Shape for Entry {
    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }

    fn name(&self) -> &'static str {
        // a header field from elsewhere can be put here
        "header field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let base = cx.at.span.first_byte() - self.field.repr.at as u64;
        let header = Header::of(self.field.clone());
        let (span, codec) = header.place(base, false);
        cx.leaf("name", span, codec);
        let (span, codec) = header.place(base, true);
        let (name, value) = (self.field.name.known(), self.field.value.known());
        let text = value.map(|text| &text[..]);
        let meant = name.and_then(|n| (self.means)(n, text, codec.clone(), span.first_byte()));
        let (codec, wrong) = meant.unwrap_or((codec, None));
        let value = cx.leaf("value", span, codec);
        if let Some(wrong) = wrong {
            value.wrong(wrong);
        }
        Ok(())
    }
}
