//! Messages of a known type: objects keyed by field names.

use super::build;
use super::hidden;
use super::merge;
use super::types::{FieldType, Label, MessageType, Schema, ValueType};
use super::unknown::Unknown;
use super::well_known::WellKnown;
use crate::wire::record::{LEN, MOST_DEPTH, Record, Run};
use crate::wire::view as wire;
use binq_core::shape::{At, Cx, Fluid, Lazy, Room, Shape, Traits};
use binq_core::{Child, Frame, Kind, Malformed, Node, Plain, Ref, Scalar, Severity, Space, Span};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A message of that type, without what is around it.
pub fn root(of: &'static MessageType, bytes: Vec<u8>) -> Node {
    wire::root(bytes, of.kind())
}

/// The shape of a message of that type. Types are never freed (see [`super::load`]), so shapes are found by reference.
pub struct MessageShape(pub &'static MessageType);

/// A message as its well-known type reads it, as the root of a decode of its own.
///
/// # Errors
/// Edits that cannot be encoded.
pub fn open_root(of: &'static MessageType, node: &Node) -> Result<Node, String> {
    let space = Space::source(node.bytes().map_err(|e| e.to_string())?);
    let span = space.span();
    let opened = super::well_known::open(of, &space, span, None);
    Ok(Node::root_of(wire::FORMAT, opened.kind, space, opened.span))
}

/// A node, its place, and what is around it.
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// Where its bytes lie: for a `Value` that is an object, those of the object.
    pub span: Span,
    /// What belongs to it.
    pub frame: Option<Frame>,
}

/// The node for a value of that type.
pub fn open(value: &'static ValueType, space: &Space, span: Span, frame: Option<Frame>) -> Opened {
    let kind = match (value.codec(), value.message()) {
        (Some(codec), _) => Kind::Leaf(Ref::Static(codec)),
        (None, Some(of)) => return super::well_known::open(of, space, span, frame),
        // a type that the set lacks: prost-reflect lets none through
        (None, None) => Kind::fixed(&wire::MESSAGE),
    };
    Opened { kind, span, frame }
}

/// Where a field was seen in a message.
#[derive(Clone, Default)]
struct Seen {
    first: u64,
    end: u64,
    last: Option<Record>,
    /// The records of a message that is split over several; they are merged.
    pieces: Vec<Record>,
}

impl Seen {
    fn spread(&mut self, record: Record) {
        if self.last.is_none() {
            self.first = record.start;
        }
        self.end = record.end;
        self.last = Some(record);
    }

    fn note(&mut self, field: &FieldType, record: Record) {
        if field.label == Label::Singular && matches!(field.value, ValueType::Message { .. }) {
            self.pieces.push(record);
        }
        self.spread(record);
    }

    /// The records of what is shown of a field: of a message, all that are merged.
    fn records(self) -> impl Iterator<Item = Record> {
        let single = self.last.filter(|_| self.pieces.is_empty());
        self.pieces.into_iter().chain(single)
    }

    fn span(&self) -> Span {
        Span::bytes(self.first, self.end - self.first)
    }
}

impl FieldType {
    /// Whether a record with this number is this field, and not an unknown one.
    pub fn takes(&'static self, record: &Record, at: &Space) -> bool {
        let packed = self.label == Label::Repeated && record.wire_type == LEN && self.value.packs();
        if record.wire_type != self.value.wire_type() {
            return packed;
        }
        match &self.value {
            // a closed enum has unknown numbers as unknown fields
            ValueType::Enum(codec) => {
                let bits = at.bits(record.body());
                binq_core::codec::Codec::decode(*codec, &bits).is_ok_and(|n| codec.takes(&n))
            }
            _ => self.map().is_none_or(|map| map.takes(record, at)),
        }
    }
}

impl MessageType {
    /// The field that a record belongs to.
    pub fn field_of(&'static self, record: &Record, space: &Space) -> Option<&'static FieldType> {
        self.number(record.number)
            .filter(|f| f.takes(record, space))
    }

    /// The numbers of the oneof that a field is in; of the field itself, if it is in none.
    fn rivals(&'static self, field: &'static FieldType) -> Vec<u32> {
        let members = field.oneof.and_then(|oneof| self.oneofs.get(oneof));
        members.cloned().unwrap_or_else(|| vec![field.number])
    }

    fn add(&'static self, cx: &mut Cx<'_>, field: &'static FieldType, seen: &Seen) {
        let space = cx.at.space.clone();
        let Some(last) = seen.last else { return };
        if let Some(map) = field.map() {
            cx.node(field.name, seen.span(), map.kind());
            return;
        }
        if field.label == Label::Repeated {
            cx.node(field.name, seen.span(), field.items());
            return;
        }
        if seen.pieces.len() > 1 {
            let merged = merge::space(&space, &seen.pieces);
            let opened = open(&field.value, &merged, merged.span(), None);
            let wrong = merge::wrong(&space, &seen.pieces);
            let child = cx.node_in(field.name, &merged, opened.span, opened.kind);
            if let Some(wrong) = wrong {
                child.wrong(merge::placed(wrong, &seen.pieces));
            }
            if let Some(frame) = opened.frame {
                child.framed(frame);
            }
            return;
        }
        if let (Some(WellKnown::Any), 2) = (self.well_known, field.number)
            && let Some(of) = self.packed_type(&cx.at)
        {
            let body = last.body();
            let Some(wrong) = hidden::in_message(of, &space, body, cx.depth() + 1) else {
                let frame = Some(last.frame(None));
                let opened = super::well_known::open(of, &space, body, frame);
                add_opened(cx, field.name, opened);
                return;
            };
            // a runtime reads these bytes only when somebody unpacks them
            let expected = format!("a {}: {}", of.name, wrong.expected);
            let wrong = Malformed { expected, ..wrong }.with(Severity::Odd);
            let opened = open(&field.value, &space, body, Some(last.frame(None)));
            add_opened(cx, field.name, opened).wrong(wrong);
            return;
        }
        let opened = open(&field.value, &space, last.body(), Some(last.frame(None)));
        add_opened(cx, field.name, opened);
    }

    /// The type that an `Any` says it holds.
    fn packed_type(&'static self, at: &At<'_>) -> Option<&'static MessageType> {
        self.schema.any_type(&type_url(at)?)
    }
}

/// The type URL of an `Any`.
fn type_url(at: &At<'_>) -> Option<String> {
    let records = Run::new(at.space, at.span).records();
    let url = records
        .filter(|r| r.number == 1 && r.wire_type == LEN)
        .last()?;
    let url = at.space.bytes(url.body, url.body_end - url.body);
    String::from_utf8(url.to_vec()).ok()
}

fn add_opened<'c>(cx: &'c mut Cx<'_>, name: &'static str, opened: Opened) -> &'c mut Child {
    let child = cx.node(name, opened.span, opened.kind);
    if let Some(frame) = opened.frame {
        child.framed(frame);
    }
    child
}

impl Schema {
    /// The type that a type URL names: what follows its last slash.
    pub fn any_type(&'static self, url: &str) -> Option<&'static MessageType> {
        let (_, name) = url.rsplit_once('/')?;
        self.message(name)
    }
}

impl Shape for MessageShape {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn foreign(&self, at: &At<'_>) -> Option<Malformed> {
        wire::breaks_off(at)
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let this = self.0;
        let at = cx.at;
        if cx.depth() > MOST_DEPTH {
            cx.gap(at.space, at.span);
            return Err(wire::too_deep(at.span));
        }
        let mut seen: Vec<(Option<&'static FieldType>, Seen)> = Vec::new();
        // where each number is among those; 0 stands for unknown fields
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut replaced: Vec<(&'static FieldType, Record)> = Vec::new();
        let mut records = this.records(at.space, at.span);
        for record in records.by_ref() {
            let field = this.field_of(&record, at.space);
            if let Some(oneof) = field.and_then(|f| f.oneof) {
                // setting one member clears the others
                let rivals = this.oneofs.get(oneof).into_iter().flatten();
                for number in rivals.filter(|n| **n != record.number) {
                    if let Some(i) = places.remove(number) {
                        let (field, gone) = (seen[i].0, std::mem::take(&mut seen[i].1));
                        if let Some(field) = field {
                            replaced.extend(gone.records().map(|r| (field, r)));
                        }
                    }
                }
            }
            let place = places.entry(field.map_or(0, |f| f.number));
            let place = *place.or_insert_with(|| {
                seen.push((field, Seen::default()));
                seen.len() - 1
            });
            let entry = &mut seen[place].1;
            match field {
                Some(field) => {
                    if field.label == Label::Singular && field.value.message().is_none() {
                        replaced.extend(entry.last.map(|before| (field, before)));
                    }
                    entry.note(field, record);
                }
                None => entry.spread(record),
            }
            if field.is_some_and(|f| f.has_unknown(&record, at.space)) {
                let place = *places.entry(0).or_insert_with(|| {
                    seen.push((None, Seen::default()));
                    seen.len() - 1
                });
                seen[place].1.spread(record);
            }
        }
        for (field, seen) in &seen {
            if let Some(field) = field {
                this.add(cx, field, seen);
            }
        }
        if this.schema.defaults {
            let absent = |f: &&FieldType| !places.contains_key(&f.number);
            let own = |f: &&FieldType| !f.name.starts_with('[');
            for field in this.fields.iter().filter(absent).filter(own) {
                field.add_default(cx);
            }
        }
        if let Some((_, unknown)) = seen.iter().find(|(f, _)| f.is_none()) {
            let kind = Kind::array(Arc::new(Unknown { of: this }));
            cx.node(this.unknown, unknown.span(), kind);
        }
        replaced.sort_by_key(|(_, record)| record.start);
        let depth = cx.depth();
        let hidden = replaced
            .iter()
            .find_map(|(field, record)| hidden::in_value(field, at.space, record, depth));
        let good = records.at() * 8;
        let Some(wrong) = records.wrong() else {
            return hidden.map_or(Ok(()), Err);
        };
        let gap = cx.gap(at.space, Span::bits(good, at.span.end() - good));
        match (hidden, gap) {
            // a node has one finding: the message has what comes first, and the rest has its own
            (Some(hidden), Some(gap)) => {
                gap.wrong(wrong);
                Err(hidden)
            }
            _ => Err(wrong),
        }
    }

    fn traits(&self) -> Traits {
        Traits {
            deepens: true,
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

impl Lazy for MessageShape {
    fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        let this = self.0;
        if cx.depth() > MOST_DEPTH {
            return false;
        }
        // a fault is told where it is asked for
        let _ = self.expand(cx);
        if !this.schema.defaults {
            let found: HashSet<String> = cx.names().map(str::to_owned).collect();
            let many = this.fields.iter().filter(|f| f.label == Label::Repeated);
            for field in many.filter(|f| !found.contains(f.name)) {
                field.add_empty(cx);
            }
        }
        true
    }

    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let this = self.0;
        let Some(field) = this.named(name) else {
            return false;
        };
        if cx.depth() > MOST_DEPTH {
            return false;
        }
        let at = cx.at;
        let mut seen = Seen::default();
        for record in this.records(at.space, at.span) {
            if record.number == field.number {
                if field.takes(&record, at.space) {
                    seen.note(field, record);
                }
            } else if field.oneof.is_some()
                && let Some(other) = this.field_of(&record, at.space)
                && other.oneof == field.oneof
            {
                seen = Seen::default();
            }
        }
        match seen.last {
            Some(_) => this.add(cx, field, &seen),
            None if this.schema.defaults && !name.starts_with('[') => field.add_default(cx),
            None if field.label == Label::Repeated => field.add_empty(cx),
            None => {}
        }
        true
    }

    fn peek(&self, name: &str, at: &At<'_>) -> Option<Scalar> {
        let this = self.0;
        let field = this.named(name)?;
        let codec = field.value.codec()?;
        if field.label == Label::Repeated || field.oneof.is_some() || this.schema.defaults {
            return None;
        }
        let mut last = None;
        for record in this.records(at.space, at.span) {
            if record.number == field.number && field.takes(&record, at.space) {
                last = Some(record);
            }
        }
        let Some(last) = last else {
            return Some(Scalar::Null);
        };
        let actual = codec.decode(&at.space.bits(last.body())).ok()?;
        Some(codec.symbol(&actual).unwrap_or(actual))
    }
}

impl Fluid for MessageShape {
    fn donor(&self, name: &str, value: &Plain) -> Option<Result<Node, String>> {
        let this = self.0;
        if name == this.unknown {
            return Some(build::unknown(value).map(|bytes| root(this, bytes)));
        }
        let field = this.named(name)?;
        let bytes = build::field(field, value);
        Some(bytes.map(|bytes| root(this, bytes)))
    }

    fn room(&self, name: &str, at: &At<'_>) -> Option<Room> {
        let this = self.0;
        let mut records = this.records(at.space, at.span);
        let mut cut = Vec::new();
        let numbers: Vec<u32> = match this.named(name) {
            Some(field) => this.rivals(field),
            None if name == this.unknown => Vec::new(),
            None => return None,
        };
        for record in records.by_ref() {
            let field = this.field_of(&record, at.space);
            let goes = match field {
                Some(field) => numbers.contains(&field.number),
                None => name == this.unknown,
            };
            if goes {
                cut.push((record.span(), None));
            } else if let Some(field) = field.filter(|_| name == this.unknown) {
                let numbers = field.unknown_numbers(&record, at.space);
                let around = Arc::new(record.frame(None));
                cut.extend(numbers.map(|number| (number, Some(around.clone()))));
            }
        }
        Some(Room {
            cut,
            at: records.at() * 8,
            inside: None,
        })
    }

    fn takes_null(&self, name: &str) -> bool {
        let field = self.0.named(name).filter(|f| f.label == Label::Singular);
        field.is_some_and(|field| super::well_known::takes_null(&field.value))
    }

    fn displaced(&self, name: &str) -> Vec<String> {
        let this = self.0;
        let Some(field) = this.named(name).filter(|f| f.oneof.is_some()) else {
            return Vec::new();
        };
        let others = this
            .rivals(field)
            .into_iter()
            .filter(|n| *n != field.number);
        let others = others.filter_map(|n| this.number(n));
        others.map(|f| f.name.to_owned()).collect()
    }

    fn addable(&self) -> Vec<String> {
        self.0.fields.iter().map(|f| f.name.to_owned()).collect()
    }

    /// Bytes are those of the message. An `Any` of another type is a new one: what it holds has other fields.
    fn rebuild(&self, value: &Plain, at: &At<'_>) -> Option<Result<Node, String>> {
        let this = self.0;
        if let Plain::Scalar(Scalar::Bytes(bytes)) = value {
            return Some(Ok(root(this, bytes.to_vec())));
        }
        if this.well_known != Some(WellKnown::Any) {
            return None;
        }
        let pairs = build::pairs(value)?;
        let named = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v);
        let as_json = named("@type").is_some();
        let url = named("type_url").or_else(|| named("typeUrl"));
        let url = url.and_then(build::scalar);
        let other = url.is_some_and(|url| url.as_str() != type_url(at).as_deref());
        (as_json || other).then(|| Ok(root(this, build::message(this, value)?)))
    }

    fn retypes(&self) -> bool {
        // a Value changes its kind with its value
        true
    }
}
