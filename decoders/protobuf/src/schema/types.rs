//! The types of a schema, made ready for reading bytes.

use super::absent::Alone;
use super::enums::EnumCodec;
use super::features::Table;
use super::map::MapType;
use super::repeated::Repeated;
use super::view::MessageShape;
use super::well_known::{WellKnown, WktCodec};
use crate::wire::codec::{F32, F64, Varint};
use crate::wire::record::{I32, I64, LEN, SGROUP, VARINT};
use binq_core::codec::{Codec, Int};
use binq_core::{Kind as NodeKind, Ref, Scalar};
use prost_reflect::{Cardinality, DescriptorPool, Kind, MessageDescriptor, Value};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A set of types. Lives as long as the program: see [`super::load`].
pub struct Schema {
    pool: DescriptorPool,
    features: Table,
    /// The files that were asked for, not just imported.
    named: Vec<String>,
    /// Fields are called as in JSON.
    pub json_names: bool,
    /// Absent fields are shown with their defaults.
    pub defaults: bool,
    messages: Mutex<HashMap<String, &'static MessageType>>,
    enums: Mutex<HashMap<String, &'static EnumCodec>>,
}

impl Schema {
    /// The request or the response type of an RPC method, by its path: `/package.Service/Method`.
    pub fn of_method(&'static self, path: &str, request: bool) -> Option<&'static MessageType> {
        let (service, method) = path.strip_prefix('/')?.rsplit_once('/')?;
        let service = self.pool.get_service_by_name(service)?;
        let method = service.methods().find(|m| m.name() == method)?;
        let message = if request {
            method.input()
        } else {
            method.output()
        };
        self.message(message.full_name())
    }

    /// The types of a pool.
    pub fn new(
        pool: DescriptorPool,
        features: Table,
        named: Vec<String>,
        json_names: bool,
        defaults: bool,
    ) -> Self {
        Self {
            pool,
            features,
            named,
            json_names,
            defaults,
            messages: Mutex::default(),
            enums: Mutex::default(),
        }
    }

    /// The message type of that full name.
    pub fn message(&'static self, name: &str) -> Option<&'static MessageType> {
        let name = name.strip_prefix('.').unwrap_or(name);
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = messages.get(name) {
            return Some(found);
        }
        let descriptor = self.pool.get_message_by_name(name)?;
        let made: &'static MessageType = Box::leak(Box::new(MessageType::new(self, &descriptor)));
        messages.insert(name.to_owned(), made);
        Some(made)
    }

    fn enumeration(&self, e: &prost_reflect::EnumDescriptor) -> &'static EnumCodec {
        let mut enums = self.enums.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = enums.get(e.full_name()) {
            return found;
        }
        // in the order of the declaration: of two names for one number, the first is the symbol
        let values = e.enum_descriptor_proto().value.iter();
        let values = values.map(|v| (v.number(), leak(v.name()))).collect();
        let closed = self.features.get(e.full_name()).closed;
        let made = EnumCodec::new(leak(e.full_name()), values, closed);
        let made: &'static EnumCodec = Box::leak(Box::new(made));
        enums.insert(e.full_name().to_owned(), made);
        made
    }

    /// The type of the input, if none is named: the one message type that the named files have, or the one of them that no
    /// field has as its type.
    pub fn only_message(&'static self) -> Option<&'static MessageType> {
        let own = self.candidates();
        if let [one] = own.as_slice() {
            return self.message(one.full_name());
        }
        let used: Vec<String> = own
            .iter()
            .flat_map(MessageDescriptor::fields)
            .filter_map(|f| f.kind().as_message().map(|m| m.full_name().to_owned()))
            .collect();
        let free = |m: &&MessageDescriptor| {
            m.parent_message().is_none() && !used.iter().any(|name| name == m.full_name())
        };
        let mut free = own.iter().filter(free);
        match (free.next(), free.next()) {
            (Some(one), None) => self.message(one.full_name()),
            _ => None,
        }
    }

    /// The message types of the files that were asked for.
    fn candidates(&self) -> Vec<MessageDescriptor> {
        let all = self.pool.all_messages();
        all.filter(|m| !m.is_map_entry())
            .filter(|m| self.named.iter().any(|n| n == m.parent_file().name()))
            .collect()
    }

    /// The type at a place in the first of the files that were asked for: a message, a message in that one, and so on.
    pub fn at(&'static self, indexes: &[u64]) -> Option<&'static MessageType> {
        let file = self.pool.get_file_by_name(self.named.first()?)?;
        let (first, rest) = indexes.split_first()?;
        let mut found = file.messages().nth(usize::try_from(*first).ok()?)?;
        for index in rest {
            let next = found.child_messages().nth(usize::try_from(*index).ok()?)?;
            found = next;
        }
        self.message(found.full_name())
    }

    /// The names of those types.
    pub fn names(&self) -> Vec<String> {
        let candidates = self.candidates().into_iter();
        candidates.map(|m| m.full_name().to_owned()).collect()
    }

    /// The types that a name without its package, or without the messages around it, may stand for.
    pub fn short_name(&self, name: &str) -> Vec<String> {
        let mut names = self.names();
        names.retain(|full| {
            full.strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'))
        });
        names
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A message type.
pub struct MessageType {
    /// Full name.
    pub name: &'static str,
    /// The set it belongs to.
    pub schema: &'static Schema,
    /// Fields and known extensions, by number.
    pub fields: Vec<FieldType>,
    names: HashMap<&'static str, usize>,
    /// Other names of fields: as in JSON, or as in the `.proto`.
    aliases: HashMap<&'static str, usize>,
    /// What JSON reads as something else than an object of fields.
    pub well_known: Option<WellKnown>,
    wkt: OnceLock<WktCodec>,
    shape: OnceLock<MessageShape>,
    /// What unknown fields are called: `unknown`, unless a field has that name.
    pub unknown: &'static str,
    /// The numbers of the members of each oneof.
    pub oneofs: HashMap<&'static str, Vec<u32>>,
    /// Whether it has `message_set_wire_format`: see `message_set.rs`.
    pub is_set: bool,
}

impl MessageType {
    fn new(schema: &'static Schema, descriptor: &MessageDescriptor) -> Self {
        let name_of_type = leak(descriptor.full_name());
        let options = descriptor.descriptor_proto().options.as_ref();
        let is_set = options.is_some_and(|o| o.message_set_wire_format());
        let own = descriptor.fields().map(|f| {
            let features = schema.features.get(f.full_name());
            let label = match f.cardinality() {
                Cardinality::Repeated => Label::Repeated,
                _ => Label::Singular,
            };
            let member = f.containing_oneof();
            let in_oneof = member.is_some() || f.field_descriptor_proto().proto3_optional();
            let name = if schema.json_names {
                f.json_name()
            } else {
                f.name()
            };
            FieldType {
                name: leak(name),
                proto_name: leak(f.name()),
                json_name: leak(f.json_name()),
                number: f.number(),
                owner: name_of_type,
                value: ValueType::new(
                    schema,
                    &f.kind(),
                    features.verify,
                    // the value of a map entry is no group, whatever the features around it say
                    (features.delimited && !descriptor.is_map_entry()) || f.is_group(),
                ),
                label,
                packed: features.packed,
                implicit: features.implicit && !in_oneof && f.kind().as_message().is_none(),
                oneof: member.filter(|o| !o.is_synthetic()).map(|o| leak(o.name())),
                default: default_of(&f.kind(), &f.default_value()),
                map: f.is_map().then(OnceLock::new),
                items: OnceLock::new(),
                alone: OnceLock::new(),
                in_set: false,
                schema,
            }
        });
        let extensions = descriptor.extensions().map(|f| {
            let features = schema.features.get(f.full_name());
            let name = leak(&format!("[{}]", f.full_name()));
            FieldType {
                name,
                proto_name: name,
                json_name: name,
                number: f.number(),
                owner: name_of_type,
                value: ValueType::new(
                    schema,
                    &f.kind(),
                    features.verify,
                    !is_set && (features.delimited || f.is_group()),
                ),
                label: match f.cardinality() {
                    Cardinality::Repeated => Label::Repeated,
                    _ => Label::Singular,
                },
                packed: features.packed,
                implicit: false,
                oneof: None,
                default: default_of(&f.kind(), &f.default_value()),
                map: None,
                items: OnceLock::new(),
                alone: OnceLock::new(),
                in_set: is_set,
                schema,
            }
        });
        let mut fields: Vec<FieldType> = own.chain(extensions).collect();
        fields.sort_by_key(|f| f.number);
        let mut oneofs: HashMap<&'static str, Vec<u32>> = HashMap::new();
        for field in &fields {
            if let Some(oneof) = field.oneof {
                oneofs.entry(oneof).or_default().push(field.number);
            }
        }
        let numbered = || fields.iter().enumerate();
        let names: HashMap<_, _> = numbered().map(|(i, f)| (f.name, i)).collect();
        let aliases = numbered().flat_map(|(i, f)| [(f.json_name, i), (f.proto_name, i)]);
        let aliases = aliases.collect();
        let unknown = if names.contains_key("unknown") {
            "_unknown"
        } else {
            "unknown"
        };
        Self {
            name: name_of_type,
            schema,
            names,
            aliases,
            fields,
            well_known: WellKnown::of(descriptor.full_name()),
            wkt: OnceLock::new(),
            shape: OnceLock::new(),
            unknown,
            oneofs,
            is_set,
        }
    }

    /// The field of that number.
    pub fn number(&'static self, number: u32) -> Option<&'static FieldType> {
        // numbers are mostly dense from 1 on
        let guess = self.fields.get((number as usize).wrapping_sub(1));
        if let Some(field) = guess.filter(|f| f.number == number) {
            return Some(field);
        }
        let i = self
            .fields
            .binary_search_by_key(&number, |f| f.number)
            .ok()?;
        Some(&self.fields[i])
    }

    /// The field of that name, as it is shown.
    pub fn named(&'static self, name: &str) -> Option<&'static FieldType> {
        // hashing a name costs more than comparing it with a few
        if self.fields.len() <= 16 {
            return self.fields.iter().find(|f| f.name == name);
        }
        self.names.get(name).map(|i| &self.fields[*i])
    }

    /// The field of that name, as it is shown, as in JSON, or as in the `.proto`.
    pub fn named_anyhow(&'static self, name: &str) -> Option<&'static FieldType> {
        self.named(name)
            .or_else(|| self.aliases.get(name).map(|i| &self.fields[*i]))
    }

    /// A message of this type, as a kind of node.
    pub fn kind(&'static self) -> NodeKind {
        NodeKind::fixed(self.shape.get_or_init(|| MessageShape(self)))
    }

    /// The codec of a well-known type that reads as a scalar.
    pub fn codec(&'static self) -> &'static WktCodec {
        self.wkt.get_or_init(|| WktCodec { of: self })
    }
}

/// How often a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Once at most; the last one counts.
    Singular,
    /// Any number of times.
    Repeated,
}

/// A field of a message type, or an extension.
pub struct FieldType {
    /// Name, as it is shown.
    pub name: &'static str,
    /// Name in the `.proto`.
    pub proto_name: &'static str,
    /// Name in JSON.
    pub json_name: &'static str,
    /// Number.
    pub number: u32,
    /// Full name of the message type that has it.
    pub owner: &'static str,
    /// What it holds.
    pub value: ValueType,
    /// How often it is there.
    pub label: Label,
    /// New lists are packed.
    pub packed: bool,
    /// A field with its default counts as absent.
    pub implicit: bool,
    /// The oneof that it belongs to.
    pub oneof: Option<&'static str>,
    /// What an absent field has.
    pub default: Scalar,
    /// For a map field: key and value.
    map: Option<OnceLock<MapType>>,
    items: OnceLock<Repeated>,
    alone: OnceLock<Alone>,
    /// Whether it is an extension of a message set, and so an item of it.
    pub in_set: bool,
    schema: &'static Schema,
}

impl FieldType {
    /// For a map field: key and value.
    pub fn map(&'static self) -> Option<&'static MapType> {
        let map = self.map.as_ref()?;
        if let Some(made) = map.get() {
            return Some(made);
        }
        let entry = self.value.message()?;
        Some(map.get_or_init(|| MapType::new(self, entry)))
    }

    /// The items of this field, if it is repeated, as a kind of node.
    pub fn items(&'static self) -> NodeKind {
        NodeKind::Array(Ref::Static(self.items.get_or_init(|| Repeated(self))))
    }

    /// A message that has only this field, which is repeated, as a kind of node.
    pub fn alone(&'static self) -> NodeKind {
        NodeKind::fixed(self.alone.get_or_init(|| Alone(self)))
    }

    /// The schema that it belongs to.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }
}

/// What a field holds.
pub enum ValueType {
    /// A scalar.
    Scalar {
        /// How it is stored.
        codec: &'static dyn Codec,
        /// With which wire type.
        wire_type: u8,
        /// Whether JSON writes it as text: an integer of 64 bits.
        wide: bool,
    },
    /// An enum.
    Enum(&'static EnumCodec),
    /// A message.
    Message {
        /// Full name.
        name: String,
        /// The type, once it was needed: types may contain themselves.
        of: OnceLock<&'static MessageType>,
        /// Whether it is written as a group.
        group: bool,
        /// Where to look it up.
        schema: &'static Schema,
    },
}

impl ValueType {
    fn new(schema: &'static Schema, kind: &Kind, verify: bool, group: bool) -> Self {
        let scalar = |codec: &'static dyn Codec, wire_type| Self::Scalar {
            codec,
            wire_type,
            wide: matches!(
                kind,
                Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64
            ),
        };
        match kind {
            Kind::Double => scalar(&F64, I64),
            Kind::Float => scalar(&F32, I32),
            Kind::Int32 => scalar(&Varint::Int32, VARINT),
            Kind::Int64 => scalar(&Varint::Int64, VARINT),
            Kind::Uint32 => scalar(&Varint::Uint32, VARINT),
            Kind::Uint64 => scalar(&Varint::Uint64, VARINT),
            Kind::Sint32 => scalar(&Varint::Sint32, VARINT),
            Kind::Sint64 => scalar(&Varint::Sint64, VARINT),
            Kind::Fixed32 => scalar(&Int::U32LE, I32),
            Kind::Fixed64 => scalar(&Int::U64LE, I64),
            Kind::Sfixed32 => scalar(&Int::I32LE, I32),
            Kind::Sfixed64 => scalar(&Int::I64LE, I64),
            Kind::Bool => scalar(&Varint::Bool, VARINT),
            Kind::String if verify => scalar(&super::text::VERIFIED, LEN),
            Kind::String => scalar(&super::text::LOOSE, LEN),
            Kind::Bytes => scalar(&super::text::Bytes, LEN),
            Kind::Enum(e) => Self::Enum(schema.enumeration(e)),
            Kind::Message(m) => Self::Message {
                name: m.full_name().to_owned(),
                of: OnceLock::new(),
                group: group && !m.is_map_entry(),
                schema,
            },
        }
    }

    /// The wire type of a single value.
    pub fn wire_type(&self) -> u8 {
        match self {
            Self::Scalar { wire_type, .. } => *wire_type,
            Self::Enum(_) => VARINT,
            Self::Message { group: true, .. } => SGROUP,
            Self::Message { .. } => LEN,
        }
    }

    /// Whether several values may be packed into one record.
    pub fn packs(&self) -> bool {
        matches!(self.wire_type(), VARINT | I32 | I64)
    }

    /// The codec of a scalar.
    pub fn codec(&self) -> Option<&'static dyn Codec> {
        match self {
            Self::Scalar { codec, .. } => Some(*codec),
            Self::Enum(codec) => Some(*codec),
            Self::Message { .. } => None,
        }
    }

    /// The type of a message.
    pub fn message(&self) -> Option<&'static MessageType> {
        match self {
            Self::Message {
                name, of, schema, ..
            } => {
                if let Some(known) = of.get() {
                    return Some(known);
                }
                let found = schema.message(name)?;
                Some(of.get_or_init(|| found))
            }
            _ => None,
        }
    }
}

fn default_of(kind: &Kind, value: &Value) -> Scalar {
    match value {
        Value::Bool(b) => Scalar::Bool(*b),
        Value::I32(i) => Scalar::Int((*i).into()),
        Value::I64(i) => Scalar::Int((*i).into()),
        Value::U32(i) => Scalar::Int((*i).into()),
        Value::U64(i) => Scalar::Int((*i).into()),
        Value::F32(x) => Scalar::Float(crate::wire::codec::widen(*x)),
        Value::F64(x) => Scalar::Float(*x),
        Value::String(s) => s.as_str().into(),
        Value::Bytes(b) => Scalar::Bytes(b.clone()),
        Value::EnumNumber(i) => Scalar::Int((*i).into()),
        // of repeated fields: what a single value would have
        _ => match kind.default_value() {
            Value::List(_) | Value::Map(_) | Value::Message(_) => Scalar::Null,
            value => default_of(kind, &value),
        },
    }
}
