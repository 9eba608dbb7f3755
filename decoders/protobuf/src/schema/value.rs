//! `google.protobuf.Value`: null, a number, text, a boolean, an object or a list, and any of them in place of another.
//!
//! An object or a list is a message in a field of the `Value`. Both are one node, whose bytes are those of the `Value`, so that
//! it can become anything else: what lies between is a frame around the entries or items.

use super::build;
use super::hidden;
use super::map::{MapType, Within};
use super::types::{FieldType, MessageType};
use super::well_known::{self, slice};
use crate::wire::build as wire;
use crate::wire::codec::{F64, Varint, float_of};
use crate::wire::record::{I64, LEN, Record, Run, VARINT};
use crate::wire::view::root;
use binq_core::codec::Codec;
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Fluid, Lazy, Room, Rooms, Shape, Traits};
use binq_core::{
    Bits, Frame, Kind, Malformed, Misfit, Node, NodeKind, Plain, Ref, Scalar, Space, Span,
};
use std::sync::Arc;

/// The kind of node for a `Value`; `None` for one that JSON has no form for, which is an object of its fields.
pub fn kind(of: &'static MessageType, space: &Space, span: Span) -> Option<Kind> {
    let mut records = Run::new(space, span).records();
    let mut same = 0;
    let mut last: Option<Record> = None;
    for record in records.by_ref() {
        same = if last.is_some_and(|l| l.number == record.number) {
            same + 1
        } else {
            1
        };
        last = Some(record);
    }
    let record = last.filter(|_| records.wrong.is_none())?;
    // what a later one replaces is found among the fields
    if record.start > span.first_byte() && hidden::before_last(of, space, span) {
        return None;
    }
    if record.number <= 4 {
        let codec = of.codec();
        codec.decode(&space.bits(span)).ok()?;
        return Some(Kind::Leaf(Ref::Static(codec)));
    }
    // one that is split over several records is merged, as the field of a message
    let field = of.number(record.number).filter(|_| same == 1)?;
    if !field.takes(&record, space) {
        return None;
    }
    let inside = field.value.message()?;
    // only as a map or list: an object of fields would hide that it is one
    let items = well_known::only_items(inside, space, record.body())?;
    Some(match items.map() {
        Some(map) => Kind::shared(Arc::new(ValueObject { of, map })),
        None => Kind::array(Arc::new(ValueList { of, items })),
    })
}

/// A `Value` made of a plain one.
///
/// # Errors
/// What a `Value` takes.
pub fn rebuilt(of: &'static MessageType, value: &Plain) -> Result<Node, String> {
    let bytes = build::message(of, value)?;
    let space = Space::source(bytes.clone());
    let kind = kind(of, &space, space.span()).unwrap_or_else(|| of.kind());
    Ok(root(bytes, kind))
}

/// The record of an object or list: the last one of the `Value`.
fn inner(space: &Space, span: Span) -> Option<Record> {
    Run::new(space, span).records().last()
}

/// The records inside an object or list, and the frame around them.
fn within(space: &Space, span: Span) -> Within {
    match inner(space, span) {
        Some(record) => Within {
            span: record.body(),
            up: Some(Arc::new(record.frame(None))),
        },
        None => Within { span, up: None },
    }
}

/// A `Value` that is an object.
struct ValueObject {
    of: &'static MessageType,
    map: &'static MapType,
}

impl Shape for ValueObject {
    fn name(&self) -> &'static str {
        "value"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let within = within(cx.at.space, cx.at.span);
        self.map.expand(cx, &within)
    }

    fn traits(&self) -> Traits {
        Traits {
            is_scattered: true,
            ..Traits::default()
        }
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }

    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }
}

impl Lazy for ValueObject {
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let within = within(cx.at.space, cx.at.span);
        self.map.find(name, cx, &within);
        true
    }

    fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        // a fault is told where it is asked for
        let _ = self.expand(cx);
        true
    }
}

impl Fluid for ValueObject {
    fn rooms(&self, at: &At<'_>) -> Option<Rooms> {
        let within = within(at.space, at.span);
        Some(self.map.rooms(at.space, &within))
    }

    fn donor(&self, name: &str, value: &Plain) -> Option<Result<Node, String>> {
        Some(self.map.donor(name, value))
    }

    fn room(&self, name: &str, at: &At<'_>) -> Option<Room> {
        let within = within(at.space, at.span);
        Some(self.map.room(name, at.space, &within))
    }

    fn takes_null(&self, _name: &str) -> bool {
        true
    }

    fn rebuild(&self, value: &Plain, _at: &At<'_>) -> Option<Result<Node, String>> {
        (value.kind() != NodeKind::Object).then(|| rebuilt(self.of, value))
    }
}

/// A `Value` that is a list.
struct ValueList {
    of: &'static MessageType,
    items: &'static FieldType,
}

impl Sequence for ValueList {
    fn name(&self) -> &'static str {
        "value"
    }

    fn start(&self, at: &SeqAt<'_>) -> State {
        State::new(within(at.space, at.span).span.start)
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        self.framed_step(at, state).map(|(step, _)| step)
    }

    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        let within = within(at.space, at.span);
        let items = SeqAt {
            space: at.space,
            span: within.span,
        };
        let (step, frame) = super::repeated::Repeated(self.items).framed_step(&items, state)?;
        let frame = frame.map(|frame| Frame {
            up: within.up,
            ..frame
        });
        Some((step, frame))
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        super::repeated::Repeated(self.items).build(value)
    }

    fn wrap(&self, item: Vec<u8>, _inside: Option<&Frame>) -> Vec<u8> {
        let mut out = Vec::new();
        wire::len_record(self.items.number, &item, &mut out);
        out
    }

    fn around(&self, at: &SeqAt<'_>) -> Option<Arc<Frame>> {
        within(at.space, at.span).up
    }

    fn rebuild(&self, value: &Plain, _at: &SeqAt<'_>) -> Option<Result<Node, String>> {
        (value.kind() != NodeKind::Array).then(|| rebuilt(self.of, value))
    }
}

/// A `Value` that is a scalar.
///
/// # Errors
/// One that JSON has no form for.
pub fn decode(bits: &Bits) -> Result<Scalar, Misfit> {
    let bytes = bits.bytes();
    let record = Run::of(bytes).records().last();
    let record = record.ok_or_else(|| Misfit::new("a value", "nothing"))?;
    match (record.number, record.wire_type) {
        (1, VARINT) => Ok(Scalar::Null),
        (2, I64) => match F64.decode(&slice(bits, &record))? {
            Scalar::Float(x) if !x.is_finite() => Err(Misfit::new("a finite number", x)),
            number => Ok(number),
        },
        (3, LEN) => super::text::VERIFIED.decode(&slice(bits, &record)),
        (4, VARINT) => Varint::Bool.decode(&slice(bits, &record)),
        (number, _) => Err(Misfit::new("null, a number, text or a boolean", number)),
    }
}

/// The bytes of a `Value` that is a scalar.
///
/// # Errors
/// One that JSON has no form for.
pub fn encode(new: &Scalar) -> Result<Vec<u8>, Misfit> {
    let mut out = Vec::new();
    match new {
        Scalar::Null => {
            wire::tag(1, VARINT, &mut out);
            out.push(0);
        }
        Scalar::Bool(b) => {
            wire::tag(4, VARINT, &mut out);
            out.push(u8::from(*b));
        }
        Scalar::Str(s) => wire::len_record(3, s.as_bytes(), &mut out),
        Scalar::Int(_) | Scalar::Float(_) => {
            let x = float_of(new).filter(|x| x.is_finite());
            let x = x.ok_or_else(|| Misfit::new("a finite number", new))?;
            wire::tag(2, I64, &mut out);
            out.extend(x.to_le_bytes());
        }
        Scalar::Bytes(b) => match std::str::from_utf8(b) {
            Ok(text) => wire::len_record(3, text.as_bytes(), &mut out),
            Err(_) => return Err(Misfit::new("UTF-8 text", new)),
        },
    }
    Ok(out)
}
