//! Repeated fields: items scattered over the message, packed and unpacked in any mix.

use super::build;
use super::types::{FieldType, ValueType};
use super::view;
use crate::wire::build as wire;
use crate::wire::record::{I32, I64, LEN, Run};
use crate::wire::varint;
use crate::wire::view::root;
use binq_core::codec::Codec;
use binq_core::encode::Splice;
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::{Frame, Kind, Node, Plain, Ref, Reject, Space, Span};
use std::sync::Arc;

impl FieldType {
    /// The item of a packed record at byte `start`. What is left of it when it is cut off is an item with a fault.
    pub fn packed_item(&self, space: &Space, start: u64, end: u64) -> Span {
        let size = match self.value.wire_type() {
            I32 => 4,
            I64 => 8,
            _ => {
                let head = space.read(start, (varint::MOST as u64).min(end - start));
                varint::read(&head).map_or(end - start, |(_, size)| size as u64)
            }
        };
        Span::bytes(start, size.min(end - start))
    }

    /// Whether a packed item is not a value of its closed enum, and so counts as unknown.
    pub fn is_unknown(&self, space: &Space, item: Span) -> bool {
        match &self.value {
            ValueType::Enum(codec) => {
                let number = codec.decode(&space.bits(item));
                number.is_ok_and(|number| !codec.takes(&number))
            }
            _ => false,
        }
    }
}

/// The state inside a packed record: `memory` is where the record ends, `more` its frame.
fn inside(at: u64, end: u64, frame: &Arc<Frame>) -> State {
    State {
        at: at * 8,
        memory: end,
        more: Some(frame.clone()),
    }
}

/// The items of a repeated field.
pub struct Repeated(pub &'static FieldType);

impl Sequence for Repeated {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        self.framed_step(at, state).map(|(step, _)| step)
    }

    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        let this = self.0;
        let run = Run::new(at.space, at.span);
        let mut state = state.clone();
        loop {
            let start = state.at / 8;
            let chunk = state.more.clone().and_then(|m| m.downcast::<Frame>().ok());
            if let Some(chunk) = chunk {
                if start >= state.memory {
                    state = State::new(state.memory * 8);
                    continue;
                }
                let span = this.packed_item(at.space, start, state.memory);
                let next = inside(span.end_byte(), state.memory, &chunk);
                if this.is_unknown(at.space, span) {
                    state = next;
                    continue;
                }
                let frame = Frame {
                    outer: span,
                    len: None,
                    up: Some(chunk),
                };
                let kind = Kind::Leaf(Ref::Static(this.value.codec()?));
                return Some((Step { kind, span, next }, Some(frame)));
            }
            // at the end there is none
            let record = run.record(start).ok()?;
            if record.number != this.number || !this.takes(&record, at.space) {
                state = State::new(record.end * 8);
                continue;
            }
            if record.wire_type == LEN && this.value.packs() {
                state = inside(record.body, record.end, &Arc::new(record.frame(None)));
                continue;
            }
            let frame = Some(record.frame(None));
            let opened = view::open(&this.value, at.space, record.body(), frame);
            let step = Step {
                kind: opened.kind,
                span: opened.span,
                next: State::new(record.end * 8),
            };
            return Some((step, opened.frame));
        }
    }

    fn resizable(&self) -> bool {
        true
    }

    /// The first items of a packed field are packed.
    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        let this = self.0;
        let at = cx.at;
        let none = || self.framed_step(&at, &self.start(&at)).is_none();
        if !(this.packed && this.value.packs() && none()) {
            return cx.in_place();
        }
        let items = std::mem::take(&mut cx.items);
        let bytes: Result<Vec<_>, _> = items.iter().map(|item| cx.bytes(item)).collect();
        let mut record = Vec::new();
        wire::len_record(this.number, &bytes?.concat(), &mut record);
        let place = Span::bits(at.span.end(), 0);
        let mut splice = Splice::new(place, record, &cx.path);
        splice.assigned = true;
        splice.items = Some(self.label());
        cx.changes.push(at.space, splice);
        Ok(())
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let this = self.0;
        let bytes = build::value(this, value)?;
        let space = Space::source(bytes.clone());
        let opened = view::open(&this.value, &space, space.span(), None);
        Ok(root(bytes, opened.kind))
    }

    /// In a packed record, the bare value; else a record of its own.
    fn wrap(&self, item: Vec<u8>, inside: Option<&Frame>) -> Vec<u8> {
        if inside.is_some() {
            return item;
        }
        let mut out = Vec::new();
        let field = self.0;
        wire::around(field.number, field.value.wire_type(), &item, &mut out);
        out
    }
}
