//! Messages without a schema: `.fields[]` of number, wire type and value.

use super::build;
use super::codec::{LENGTH, Payload, TagNumber};
use super::guess::{Guess, guess};
use super::record::{I32, I64, LEN, MOST_DEPTH, Record, Run, SGROUP, VARINT, WIRE_TYPES};
use super::typed::Undeclared;
use super::varint;
use binq_core::codec::{Codec, Named, UBits};
use binq_core::rule::{Path, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Fluid, Lazy, Room, Rooms, Shape, Traits};
use binq_core::{
    Frame, Kind, Malformed, Node, NodeKind, Plain, Ref, Scalar, Severity, Space, Span,
};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Name of the format.
pub const FORMAT: &str = "protobuf";

/// A message: the records of its span. Where the first damage is, the rest is a gap.
pub struct Message {
    /// Whether the message could be something else: a length-delimited value.
    guessed: bool,
}

/// A message at the top, or a group.
pub static MESSAGE: Message = Message { guessed: false };
/// A length-delimited value that is taken for a message.
pub static GUESSED: Message = Message { guessed: true };

/// So many records are looked at to tell whether an input is a message.
const PROBED: usize = 4096;

/// Where bytes are no message, among the first records. A message has no mark: bytes of another format are told by that they cannot
/// be read to their end, where `protoc` gives up on all of them.
pub fn breaks_off(at: &At<'_>) -> Option<Malformed> {
    let mut records = Run::new(at.space, at.span).records();
    records.by_ref().take(PROBED).for_each(drop);
    records.wrong
}

impl Shape for Message {
    fn name(&self) -> &'static str {
        "message"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        if cx.depth() > MOST_DEPTH {
            cx.gap(at.space, at.span);
            // nobody but this view reads what only looks like a message
            let severity = match self.guessed {
                true => Severity::Note,
                false => Severity::Stops,
            };
            return Err(too_deep(at.span).with(severity));
        }
        let mut records = Run::new(at.space, at.span).records();
        records.by_ref().for_each(drop);
        cx.node("fields", at.span, Kind::Array(Ref::Static(&Fields)));
        let Some(wrong) = records.wrong else {
            return Ok(());
        };
        let good = records.at * 8;
        cx.gap(at.space, Span::bits(good, at.span.end() - good));
        Err(wrong)
    }

    fn foreign(&self, at: &At<'_>) -> Option<Malformed> {
        breaks_off(at)
    }

    fn traits(&self) -> Traits {
        Traits {
            deepens: true,
            // `.fields[0].value` and `.["1"]`
            has_aliases: true,
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

impl Lazy for Message {
    /// `fields` need not be looked at to be found; a field number stands for the values of that field.
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let at = cx.at;
        if cx.depth() > MOST_DEPTH {
            return false;
        }
        if name == "fields" {
            cx.node("fields", at.span, Kind::Array(Ref::Static(&Fields)));
            return true;
        }
        let Some(number) = number(name) else {
            return false;
        };
        let mut same = Run::new(at.space, at.span).records();
        let mut same = same.by_ref().filter(|r| r.number == number);
        let Some(first) = same.next() else {
            return true;
        };
        add_values(cx, name.to_owned(), &first, same.last().as_ref());
        true
    }

    /// The values of each field number, in one walk.
    fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        let at = cx.at;
        if cx.depth() > MOST_DEPTH {
            return false;
        }
        let mut order = Vec::new();
        let mut seen: HashMap<u32, (Record, Option<Record>)> = HashMap::new();
        let mut records = Run::new(at.space, at.span).records();
        for record in records.by_ref() {
            match seen.entry(record.number) {
                Entry::Occupied(mut there) => there.get_mut().1 = Some(record),
                Entry::Vacant(new) => {
                    order.push(record.number);
                    new.insert((record, None));
                }
            }
        }
        cx.node("fields", at.span, Kind::Array(Ref::Static(&Fields)));
        for number in order {
            let (first, last) = seen[&number];
            add_values(cx, number.to_string(), &first, last.as_ref());
        }
        if records.wrong.is_some() {
            let good = records.at * 8;
            cx.gap(at.space, Span::bits(good, at.span.end() - good));
        }
        true
    }
}

impl Fluid for Message {
    /// An edit through a field number shows in `fields`.
    fn restated(&self, name: &str) -> Option<Kind> {
        let kind = if self.guessed { &GUESSED } else { &MESSAGE };
        number(name).map(|_| Kind::fixed(kind))
    }

    fn rooms(&self, at: &At<'_>) -> Option<Rooms> {
        let mut records = Run::new(at.space, at.span).records();
        let mut cut: HashMap<String, Vec<_>> = HashMap::new();
        for record in records.by_ref() {
            let spans = cut.entry(record.number.to_string()).or_default();
            spans.push((record.span(), None));
        }
        Some(Rooms {
            cut,
            at: records.at * 8,
            inside: None,
            takes: |name| number(name).is_some(),
        })
    }

    fn donor(&self, name: &str, value: &Plain) -> Option<Result<Node, String>> {
        let number = number(name)?;
        let mut out = Vec::new();
        let built = build::shorthand(number, value, &mut out);
        Some(built.map(|()| root(out, Kind::fixed(&MESSAGE))))
    }

    fn room(&self, name: &str, at: &At<'_>) -> Option<Room> {
        let number = number(name)?;
        let mut records = Run::new(at.space, at.span).records();
        let cut = records.by_ref().filter(|r| r.number == number);
        Some(Room {
            cut: cut.map(|r| (r.span(), None)).collect(),
            at: records.at * 8,
            inside: None,
        })
    }

    fn addable(&self) -> Vec<String> {
        vec!["fields".to_owned(), "field numbers as text".to_owned()]
    }

    fn rebuild(&self, value: &Plain, at: &At<'_>) -> Option<Result<Node, String>> {
        match value {
            _ if self.guessed => (value.kind() != NodeKind::Object).then(|| payload(value)),
            // a message that is all there is
            Plain::Scalar(Scalar::Bytes(bytes)) if at.span == at.space.span() => {
                Some(Ok(root(bytes.to_vec(), Kind::fixed(&MESSAGE))))
            }
            _ => None,
        }
    }
}

/// Add the value of a field number, or, where it is there more than once, all of its values.
fn add_values(cx: &mut Cx<'_>, name: String, first: &Record, last: Option<&Record>) {
    match last {
        None => {
            let kind = value_kind(cx.at.space, first);
            let child = cx.node(name, first.body(), kind);
            child.framed(first.frame(None));
        }
        Some(last) => {
            let span = Span::bytes(first.start, last.end - first.start);
            let values = Values {
                number: first.number,
                wire_type: first.wire_type,
            };
            cx.node(name, span, Kind::array(Arc::new(values)));
        }
    }
}

/// The fault of a message that is nested too deep.
pub fn too_deep(span: Span) -> Malformed {
    Malformed::new(
        span.first_byte(),
        format!("at most {MOST_DEPTH} messages in each other"),
        "one more",
    )
}

/// The field number that a key like `"1"` stands for.
fn number(name: &str) -> Option<u32> {
    let digits = name.bytes().all(|b| b.is_ascii_digit()) && !name.starts_with('0');
    let text = digits.then(|| Scalar::from(name))?;
    build::number(&text).ok()
}

/// A node in a space of its own.
pub fn root(bytes: Vec<u8>, kind: Kind) -> Node {
    let space = Space::source(bytes);
    let span = space.span();
    Node::root_of(FORMAT, kind, space, span)
}

/// A length-delimited value, made from a plain one.
pub fn payload(value: &Plain) -> Result<Node, String> {
    let bytes = build::payload(value)?;
    let kind = match value {
        Plain::Scalar(Scalar::Str(_)) => leaf(&Payload::Text),
        Plain::Scalar(_) => leaf(&Payload::Bytes),
        Plain::Array(_) => Kind::Array(Ref::Static(&Packed)),
        Plain::Object(_) => Kind::fixed(&GUESSED),
        Plain::Node(_) => {
            let space = Space::source(bytes.clone());
            len_kind(&space, space.span())
        }
    };
    Ok(root(bytes, kind))
}

fn leaf(codec: &'static dyn Codec) -> Kind {
    Kind::Leaf(Ref::Static(codec))
}

/// The kind of node for a length-delimited value.
fn len_kind(space: &Space, span: Span) -> Kind {
    match guess(space, span) {
        Guess::Message => Kind::fixed(&GUESSED),
        Guess::Text => leaf(&Payload::Text),
        Guess::Packed => Kind::Array(Ref::Static(&Packed)),
        Guess::Bytes => leaf(&Payload::Bytes),
    }
}

/// The kind of node for the value of a record.
pub fn value_kind(space: &Space, record: &Record) -> Kind {
    match record.wire_type {
        VARINT | I64 | I32 => leaf(Undeclared::of(record.wire_type)),
        SGROUP => Kind::fixed(&MESSAGE),
        _ => len_kind(space, record.body()),
    }
}

/// The records of a message.
pub struct Fields;

impl Sequence for Fields {
    fn name(&self) -> &'static str {
        "field"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        if state.at >= at.span.end() {
            return None;
        }
        let record = Run::new(at.space, at.span).record(state.at / 8).ok()?;
        Some(step(Kind::fixed(&FIELD), record.span(), record.end))
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        Ok(root(build::record_of(value)?, Kind::fixed(&FIELD)))
    }
}

/// An item and the place after it.
pub fn step(kind: Kind, span: Span, next: u64) -> Step {
    Step {
        kind,
        span,
        next: State::new(next * 8),
    }
}

/// One record: number, wire type and value.
pub struct Field;

/// The shape of a record.
pub static FIELD: Field = Field;

/// A wire type and its name.
pub static WIRE_TYPE: Named<UBits> = Named {
    number: UBits,
    names: &WIRE_TYPES,
};

impl Shape for Field {
    fn name(&self) -> &'static str {
        build::RECORD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let record = Run::new(at.space, at.span).record(at.span.first_byte());
        let record = match record {
            Ok(record) => record,
            Err(wrong) => {
                cx.gap(at.space, at.span);
                return Err(wrong);
            }
        };
        cx.leaf("number", record.tag(), &TagNumber);
        let bits = Span::bits(at.span.start + 5, 3);
        cx.leaf("wire_type", bits, &WIRE_TYPE);
        if record.wire_type == LEN {
            cx.leaf("length", record.prefix(), &LENGTH)
                .derived(Rule::len_of("value"))
                .hidden();
        }
        let kind = value_kind(at.space, &record);
        cx.node("value", record.body(), kind);
        if record.wire_type == SGROUP {
            let end = Span::bytes(record.body_end, record.end - record.body_end);
            cx.leaf("end_number", end, &TagNumber)
                .derived(Rule::Copy(Path::Name("number")))
                .hidden();
        }
        Ok(())
    }

    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }
}

impl Fluid for Field {
    /// An object without a wire type is a new record, with the natural one of its value; so is one of another wire type, as its
    /// value is stored in another way.
    fn rebuild(&self, value: &Plain, at: &At<'_>) -> Option<Result<Node, String>> {
        let Plain::Object(pairs) = value else {
            return None;
        };
        let given = pairs.iter().find(|(key, _)| key == "wire_type");
        let record = Run::new(at.space, at.span)
            .record(at.span.first_byte())
            .ok();
        let is = |name: &Scalar| {
            let same = |r: &Record| build::wire_type(name) == Ok(r.wire_type);
            record.is_some_and(|r| same(&r))
        };
        let same = match given {
            Some((_, Plain::Scalar(name))) => is(name),
            Some((_, Plain::Node(name))) => is(&name.scalar()),
            _ => false,
        };
        (!same).then(|| Ok(root(build::record_of(value)?, Kind::fixed(&FIELD))))
    }
}

/// The values of one field number, scattered over a message.
struct Values {
    number: u32,
    /// The wire type of the first: new ones get it too.
    wire_type: u8,
}

impl Values {
    fn next(&self, at: &SeqAt<'_>, state: &State) -> Option<Record> {
        let run = Run::new(at.space, at.span);
        let mut start = state.at / 8;
        while start < at.span.end_byte() {
            let record = run.record(start).ok()?;
            if record.number == self.number {
                return Some(record);
            }
            start = record.end;
        }
        None
    }
}

impl Sequence for Values {
    fn name(&self) -> &'static str {
        "value"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        self.framed_step(at, state).map(|(step, _)| step)
    }

    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        let record = self.next(at, state)?;
        let kind = value_kind(at.space, &record);
        let step = step(kind, record.body(), record.end);
        Some((step, Some(record.frame(None))))
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let mut out = Vec::new();
        build::record(self.number, self.wire_type, value, &mut out)?;
        let host = root(out, Kind::fixed(&MESSAGE));
        let value = host.field(&self.number.to_string());
        value.ok_or_else(|| "the new value is empty".to_owned())
    }

    fn wrap(&self, item: Vec<u8>, _inside: Option<&Frame>) -> Vec<u8> {
        let mut out = Vec::new();
        build::around(self.number, self.wire_type, &item, &mut out);
        out
    }
}

/// A length-delimited value that is taken for packed varints.
pub struct Packed;

impl Sequence for Packed {
    fn name(&self) -> &'static str {
        "packed number"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let start = state.at / 8;
        let head = at.space.read(
            start,
            (varint::MOST as u64).min(at.span.end_byte().saturating_sub(start)),
        );
        let (_, size) = varint::read(&head)?;
        let span = Span::bytes(start, size as u64);
        Some(step(leaf(&Undeclared::Varint), span, span.end_byte()))
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let bytes = build::payload(&Plain::Array(vec![value.clone()]))?;
        Ok(root(bytes, leaf(&Undeclared::Varint)))
    }

    fn rebuild(&self, value: &Plain, _at: &SeqAt<'_>) -> Option<Result<Node, String>> {
        (value.kind() != NodeKind::Array).then(|| payload(value))
    }
}

/// Whether a node is a message of the wire view.
pub fn is_message(node: &Node) -> bool {
    node.kind() == NodeKind::Object && node.shape_name() == Some("message")
}
