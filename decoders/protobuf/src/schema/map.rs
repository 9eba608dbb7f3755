//! Map fields: objects keyed at run time. On the wire, a map is a repeated message of a key and a value
//! (<https://protobuf.dev/programming-guides/encoding/#maps>); the last entry of a key counts.

use super::build;
use super::hidden;
use super::merge;
use super::types::{FieldType, MessageType, ValueType};
use super::view;
use crate::wire::record::{LEN, Record, Run, VARINT};
use crate::wire::view::root;
use binq_core::codec::Codec;
use binq_core::shape::{At, Cx, Fluid, Lazy, Room, Rooms, Shape, Traits};
use binq_core::{Bits, Frame, Kind, Malformed, Node, Plain, Scalar, Space, Span};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A map field: the types of key and value.
pub struct MapType {
    /// The field.
    pub field: &'static FieldType,
    /// Field 1 of the entry.
    pub key: &'static FieldType,
    /// Field 2 of the entry.
    pub value: &'static FieldType,
    shape: OnceLock<MapShape>,
}

impl MapType {
    /// The map of that field, whose entries are messages of that type.
    pub fn new(field: &'static FieldType, entry: &'static MessageType) -> Self {
        // protobuf defines the entry so; prost-reflect checks it
        let part = |number| entry.number(number).expect("a map entry has key and value");
        Self {
            field,
            key: part(1),
            value: part(2),
            shape: OnceLock::new(),
        }
    }

    /// The map, as a kind of node.
    pub fn kind(&'static self) -> Kind {
        Kind::fixed(self.shape.get_or_init(|| MapShape(self)))
    }

    /// The key of a key's scalar, as an object has it.
    fn text(key: &Scalar) -> String {
        match key {
            Scalar::Str(s) => s.to_string(),
            Scalar::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
            other => other.to_string(),
        }
    }

    /// The key that an object's key stands for.
    ///
    /// # Errors
    /// A key that the type has none for.
    pub fn key_of(&self, text: &str) -> Result<Scalar, String> {
        let scalar = match (self.key.value.wire_type(), &self.key.default) {
            (LEN, _) => text.into(),
            (VARINT, Scalar::Bool(_)) => match text {
                "true" => Scalar::Bool(true),
                "false" => Scalar::Bool(false),
                _ => return Err(format!("a key is \"true\" or \"false\", not {text:?}")),
            },
            _ => match text.parse() {
                Ok(n) => Scalar::Int(n),
                Err(_) => return Err(format!("a key is an integer, not {text:?}")),
            },
        };
        Ok(scalar)
    }

    /// The bytes of an entry, key and value both written.
    ///
    /// # Errors
    /// A key or value that does not fit.
    pub fn entry(&'static self, key: &str, value: &Plain) -> Result<Vec<u8>, String> {
        let key = Plain::Scalar(self.key_of(key)?);
        let mut payload = build::field(self.key, &key)?;
        payload.extend(build::field(self.value, value)?);
        let mut out = Vec::new();
        crate::wire::build::len_record(self.field.number, &payload, &mut out);
        Ok(out)
    }

    fn entries<'a>(
        &'static self,
        space: &'a Space,
        within: &Within,
    ) -> impl Iterator<Item = Record> + use<'a> {
        let number = self.field.number;
        let records = Run::new(space, within.span).records();
        let taken =
            move |r: &Record| r.number == number && r.wire_type == LEN && self.takes(r, space);
        records.filter(taken)
    }

    /// Whether a record is an entry, and not an unknown field: that is all of an entry whose value a closed enum does not have.
    pub fn takes(&self, entry: &Record, space: &Space) -> bool {
        let ValueType::Enum(codec) = &self.value.value else {
            return true;
        };
        let mut records = Run::new(space, entry.body()).records();
        codec.is_open()
            || records
                .all(|r| r.number != 2 || r.wire_type != VARINT || self.value.takes(&r, space))
    }

    /// Key and value of an entry.
    fn read(&'static self, space: &Space, entry: &Record) -> Entry {
        let mut records = Run::new(space, entry.body()).records();
        let (mut key, mut values) = (None, Vec::new());
        let mut wrong = None;
        let mut replaced = |codec: Option<&dyn Codec>, before: Record| {
            let hidden = codec.and_then(|codec| hidden::in_scalar(codec, space, before.body()));
            wrong = wrong.take().or(hidden);
        };
        for record in records.by_ref() {
            if record.number == 1 && self.key.takes(&record, space) {
                if let Some(before) = key.replace(record) {
                    replaced(self.key.value.codec(), before);
                }
            } else if record.number == 2 && self.value.takes(&record, space) {
                // a message is merged, as any that is there more than once
                if self.value.value.message().is_none()
                    && let Some(before) = values.pop()
                {
                    replaced(self.value.value.codec(), before);
                }
                values.push(record);
            }
        }
        let mut wrong = wrong.or(records.wrong);
        let key = match (key, self.key.value.codec()) {
            (Some(key), Some(codec)) => match codec.decode(&space.bits(key.body())) {
                Ok(key) => Some(key),
                Err(e) => {
                    let at = key.body;
                    wrong = wrong.or_else(|| Some(Malformed::new(at, e.expected, e.found)));
                    // so that entries whose keys are no text are not taken for one
                    let bytes = space.bytes(key.body, key.body_end - key.body);
                    Some(Scalar::Bytes(bytes))
                }
            },
            _ => None,
        };
        let key = Self::text(&key.unwrap_or_else(|| self.key.default.clone()));
        Entry {
            record: *entry,
            key,
            values,
            wrong,
        }
    }

    fn add(&'static self, cx: &mut Cx<'_>, entry: &Entry, within: &Within) {
        let space = cx.at.space.clone();
        let around = entry.record.frame(within.up.clone());
        let mut wrong = None;
        let (space, body, frame) = match entry.values[..] {
            [] => {
                self.add_absent(cx, entry);
                return;
            }
            [value] => (space, value.body(), value.frame(Some(Arc::new(around)))),
            _ => {
                wrong = merge::wrong(&space, &entry.values);
                let merged = merge::space(&space, &entry.values);
                let body = merged.span();
                (merged, body, around)
            }
        };
        let opened = view::open(&self.value.value, &space, body, Some(frame));
        let child = cx.node_in(entry.key.clone(), &space, opened.span, opened.kind);
        if let Some(wrong) = wrong {
            child.wrong(merge::placed(wrong, &entry.values));
        }
        if let Some(frame) = opened.frame {
            child.framed(frame);
        }
    }

    /// An entry without a value has the default; assigning it writes the entry anew.
    fn add_absent(&'static self, cx: &mut Cx<'_>, entry: &Entry) {
        let default = match self.value.value.codec() {
            Some(_) => Plain::Scalar(self.value.default.clone()),
            None => Plain::Object(Vec::new()),
        };
        let Ok(bytes) = self.entry(&entry.key, &default) else {
            return;
        };
        let space = Space::source(bytes.clone());
        let record = Run::new(&space, space.span()).records().next();
        let values = record.map(|record| self.read(&space, &record).values);
        if let Some([value]) = values.as_deref() {
            let opened = view::open(&self.value.value, &space, value.body(), None);
            let donor = root(bytes, self.kind());
            cx.node_in(entry.key.clone(), &space, opened.span, opened.kind)
                .absent(donor);
        }
    }
}

struct Entry {
    record: Record,
    key: String,
    /// The value; of a message that is split over several records, all of them.
    values: Vec<Record>,
    wrong: Option<Malformed>,
}

/// Where the entries of a map are.
pub struct Within {
    /// The records that they are among.
    pub span: Span,
    /// What is around those, if it is no node of its own.
    pub up: Option<Arc<Frame>>,
}

impl Within {
    /// The entries of a map field, among the records of its message.
    fn message(at: &At<'_>) -> Self {
        Self {
            span: at.span,
            up: None,
        }
    }
}

/// What the shape of a map does, wherever its entries are.
impl MapType {
    /// Add all entries; of those with the same key, the last one.
    ///
    /// # Errors
    /// What is wrong with the first damaged entry.
    pub fn expand(&'static self, cx: &mut Cx<'_>, within: &Within) -> Result<(), Malformed> {
        let mut last: HashMap<String, usize> = HashMap::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut wrong = None;
        for record in self.entries(cx.at.space, within) {
            let entry = self.read(cx.at.space, &record);
            wrong = wrong.or_else(|| entry.wrong.clone());
            match last.get(&entry.key) {
                Some(i) => {
                    let before = std::mem::replace(&mut entries[*i], entry);
                    wrong = wrong.or_else(|| self.hidden(cx, &before));
                }
                None => {
                    last.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                }
            }
        }
        entries.iter().for_each(|entry| self.add(cx, entry, within));
        wrong.map_or(Ok(()), Err)
    }

    /// What is wrong with the value of an entry that a later one replaces.
    fn hidden(&'static self, cx: &Cx<'_>, entry: &Entry) -> Option<Malformed> {
        // the values are one level below the message that the map is in, as the map is
        let depth = cx.depth().saturating_sub(1);
        let mut values = entry.values.iter();
        values.find_map(|value| hidden::in_value(self.value, cx.at.space, value, depth))
    }

    /// Add the entry of that key.
    pub fn find(&'static self, name: &str, cx: &mut Cx<'_>, within: &Within) {
        let space = cx.at.space.clone();
        let entries = self.entries(&space, within).map(|r| self.read(&space, &r));
        if let Some(entry) = entries.filter(|e| e.key == name).last() {
            self.add(cx, &entry, within);
        }
    }

    /// What [`Self::room`] says of each key.
    pub fn rooms(&'static self, space: &Space, within: &Within) -> Rooms {
        let mut cut: HashMap<String, Vec<_>> = HashMap::new();
        for record in self.entries(space, within) {
            let key = self.read(space, &record).key;
            let place = (record.span(), within.up.clone());
            cut.entry(key).or_default().push(place);
        }
        Rooms {
            cut,
            at: within.span.end(),
            inside: within.up.clone(),
            takes: |_| true,
        }
    }

    /// A map that has only this entry.
    pub fn donor(&'static self, name: &str, value: &Plain) -> Result<Node, String> {
        let bytes = self.entry(name, value)?;
        Ok(root(bytes, self.kind()))
    }

    /// What goes with an entry, and where a new one goes.
    pub fn room(&'static self, name: &str, space: &Space, within: &Within) -> Room {
        let entries = self.entries(space, within).map(|r| self.read(space, &r));
        let cut = entries.filter(|e| e.key == name);
        Room {
            cut: cut.map(|e| (e.record.span(), within.up.clone())).collect(),
            at: within.span.end(),
            inside: within.up.clone(),
        }
    }
}

/// The shape of a map.
pub struct MapShape(pub &'static MapType);

impl Shape for MapShape {
    fn name(&self) -> &'static str {
        self.0.field.name
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let within = Within::message(&cx.at);
        self.0.expand(cx, &within)
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

impl Lazy for MapShape {
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let within = Within::message(&cx.at);
        self.0.find(name, cx, &within);
        true
    }

    fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        // a fault is told where it is asked for
        let _ = self.expand(cx);
        true
    }
}

impl Fluid for MapShape {
    fn rooms(&self, at: &At<'_>) -> Option<Rooms> {
        Some(self.0.rooms(at.space, &Within::message(at)))
    }

    fn donor(&self, name: &str, value: &Plain) -> Option<Result<Node, String>> {
        Some(self.0.donor(name, value))
    }

    fn room(&self, name: &str, at: &At<'_>) -> Option<Room> {
        Some(self.0.room(name, at.space, &Within::message(at)))
    }

    fn takes_null(&self, _name: &str) -> bool {
        super::well_known::takes_null(&self.0.value.value)
    }

    fn retypes(&self) -> bool {
        true
    }
}

/// The bits of no leaf: what a value is spelled like when it is new.
pub fn no_bits() -> Bits {
    Bits::from_bytes(Vec::new())
}
