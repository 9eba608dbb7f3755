//! What no field takes: records of unknown numbers, and numbers of a packed list that its closed enum does not have.

use super::types::{FieldType, Label, MessageType, ValueType};
use crate::wire::build;
use crate::wire::codec::TagNumber;
use crate::wire::record::{LEN, Record, Run, VARINT};
use crate::wire::typed::Undeclared;
use crate::wire::view::{self as wire, WIRE_TYPE, step};
use binq_core::codec::Codec;
use binq_core::encode::Splice;
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Frame, Kind, Malformed, Node, Plain, Reject, Scalar, Space, Span};
use std::sync::Arc;

impl FieldType {
    /// Where the numbers of a record are that a closed enum does not have, if the record is a packed list of them. A runtime
    /// makes an unknown field of each.
    pub fn unknown_numbers(
        &'static self,
        record: &Record,
        space: &Space,
    ) -> impl Iterator<Item = Span> {
        let closed = matches!(&self.value, ValueType::Enum(codec) if !codec.is_open());
        let packed = self.label == Label::Repeated && record.wire_type == LEN;
        let (mut at, end) = (record.body, record.body_end);
        std::iter::from_fn(move || {
            while closed && packed && at < end {
                let item = self.packed_item(space, at, end);
                at = item.end_byte();
                if self.is_unknown(space, item) {
                    return Some(item);
                }
            }
            None
        })
    }

    /// Whether there is one.
    pub fn has_unknown(&'static self, record: &Record, space: &Space) -> bool {
        self.unknown_numbers(record, space).next().is_some()
    }
}

/// What no field of a message takes, in order.
pub struct Unknown {
    /// The type of the message.
    pub of: &'static MessageType,
}

/// Where the walk is inside a packed list.
struct Inside {
    field: &'static FieldType,
    record: Record,
    frame: Arc<Frame>,
}

impl Unknown {
    /// The next number of a packed list, from byte `from` on.
    fn number(inside: &Arc<Inside>, from: u64, space: &Space) -> Option<(Step, Option<Frame>)> {
        let rest = Record {
            body: from,
            ..inside.record
        };
        let span = inside.field.unknown_numbers(&rest, space).next()?;
        let shape = UnknownNumber {
            of: inside.field.number,
        };
        let frame = Frame {
            outer: span,
            len: None,
            up: Some(inside.frame.clone()),
        };
        let next = State {
            at: span.end(),
            memory: 0,
            more: Some(inside.clone()),
        };
        let kind = Kind::shared(Arc::new(shape));
        Some((Step { kind, span, next }, Some(frame)))
    }
}

impl Sequence for Unknown {
    fn name(&self) -> &'static str {
        "field"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        self.framed_step(at, state).map(|(step, _)| step)
    }

    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        let run = Run::new(at.space, at.span);
        let mut start = state.at / 8;
        let inside = state.more.clone().and_then(|m| m.downcast::<Inside>().ok());
        if let Some(inside) = inside {
            let next = Self::number(&inside, start, at.space);
            if next.is_some() {
                return next;
            }
            start = inside.record.end;
        }
        while start < at.span.end_byte() {
            let record = run.record(start).ok()?;
            let len = record.body_end - record.body;
            let content = || at.space.read(record.body, len).into_owned();
            let field = self.of.record_of(record, content);
            match self.of.field_of(&field, at.space) {
                None => {
                    let step = step(Kind::fixed(&wire::FIELD), record.span(), record.end);
                    return Some((step, None));
                }
                Some(field) if field.has_unknown(&record, at.space) => {
                    let frame = Arc::new(record.frame(None));
                    let inside = Inside {
                        field,
                        record,
                        frame,
                    };
                    return Self::number(&Arc::new(inside), record.body, at.space);
                }
                Some(_) => start = record.end,
            }
        }
        None
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let bytes = build::record_of(value)?;
        Ok(wire::root(bytes, Kind::fixed(&wire::FIELD)))
    }

    /// Records have no place in a packed list, nor its numbers outside of it: where there are any, nothing moves, and what is new
    /// comes after all that was there.
    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        for item in &mut cx.items {
            // a number of a packed list of another message becomes a record
            if let Some(node) = &item.new
                && node.shape_name() != Some(build::RECORD)
            {
                let made = self.build(&Plain::Node(node.clone()));
                item.new = Some(made.map_err(|why| Reject::Structure {
                    path: cx.path.clone(),
                    why,
                })?);
            }
        }
        let mut state = self.start(&cx.at);
        let mut packed = false;
        while let (false, Some((step, frame))) = (packed, self.framed_step(&cx.at, &state)) {
            packed = frame.is_some();
            state = step.next;
        }
        if !packed {
            return cx.in_place();
        }
        let (new, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut cx.items)
            .into_iter()
            .partition(|item| item.was.is_none());
        let mut from = cx.first.at;
        for was in kept.iter().filter_map(|item| item.was) {
            if was.start < from {
                return Err(Reject::Structure {
                    path: cx.path.clone(),
                    why: "beside unknown numbers of a packed list, nothing can be moved or doubled"
                        .to_owned(),
                });
            }
            from = was.start + 1;
        }
        cx.items = kept;
        cx.in_place()?;
        for item in &new {
            let place = Span::bits(cx.at.span.end(), 0);
            let mut splice = Splice::new(place, cx.bytes(item)?, &cx.path);
            splice.assigned = true;
            splice.items = Some(self.label());
            cx.changes.push(cx.at.space, splice);
        }
        Ok(())
    }
}

/// A number of a packed list that its closed enum does not have. It reads as a record; number and wire type are those of the
/// list, and of a record that holds one number.
struct UnknownNumber {
    of: u32,
}

impl Shape for UnknownNumber {
    fn name(&self) -> &'static str {
        "number of a packed list"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        cx.leaf("value", span, Undeclared::of(VARINT));
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for UnknownNumber {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static OF_ALL: [(&str, &dyn Codec); 2] =
            [("number", &TagNumber), ("wire_type", &WIRE_TYPE)];
        &OF_ALL
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        match name {
            "number" => Scalar::Int(self.of.into()),
            _ => Scalar::Int(VARINT.into()),
        }
    }
}
