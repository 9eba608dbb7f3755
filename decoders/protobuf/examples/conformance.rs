//! The program that Google's conformance suite talks to: it reads requests from standard input, each after its length, and
//! answers so on standard output. `.ci/extended.d/protobuf-conformance` runs it.
//!
//! `conformance DIR` takes the `.proto` files of the suite from that directory.

use binq_core::{Format, Node, Options, Plain, Scalar, Severity, Space};
use binq_protobuf::Protobuf;
use binq_protobuf::schema::{self, types::MessageType};
use binq_protobuf::text::{from_json::Reader, json};
use binq_protobuf::wire::build::{self, len_record};
use binq_protobuf::wire::record::parts;
use binq_protobuf::wire::varint;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{self, Read, Write};

/// The files that have the types of the tests.
const FILES: [&str; 5] = [
    "google/protobuf/test_messages_proto2.proto",
    "google/protobuf/test_messages_proto3.proto",
    "google/protobuf/test_messages_edition2023.proto",
    "google/protobuf/test_messages_proto2_editions.proto",
    "google/protobuf/test_messages_proto3_editions.proto",
];

/// Numbers of the fields of `ConformanceRequest` and `ConformanceResponse`, and of `WireFormat` and `TestCategory`.
mod numbers {
    pub const REQUEST_PROTOBUF: u32 = 1;
    pub const REQUEST_JSON: u32 = 2;
    pub const REQUEST_FORMAT: u32 = 3;
    pub const REQUEST_TYPE: u32 = 4;
    pub const REQUEST_CATEGORY: u32 = 5;
    pub const PARSE_ERROR: u32 = 1;
    pub const PROTOBUF: u32 = 3;
    pub const JSON: u32 = 4;
    pub const SKIPPED: u32 = 5;
    pub const SERIALIZE_ERROR: u32 = 6;
    pub const FORMAT_PROTOBUF: u64 = 1;
    pub const FORMAT_JSON: u64 = 2;
    pub const CATEGORY_IGNORE_UNKNOWN: u64 = 3;
}

fn main() -> io::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mut options = Options::default();
    let files = FILES.map(|file| format!("{dir}/{file}"));
    options
        .lists
        .insert("proto".into(), files.iter().map(Into::into).collect());
    options.lists.insert("proto_path".into(), vec![dir.into()]);
    options
        .values
        .insert("json_names".into(), Scalar::Bool(true));
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut len = [0; 4];
    while input.read_exact(&mut len).is_ok() {
        let mut request = vec![0; u32::from_le_bytes(len) as usize];
        input.read_exact(&mut request)?;
        let (number, content) = answer(&request, &options);
        let mut response = Vec::new();
        len_record(number, &content, &mut response);
        output.write_all(&(response.len() as u32).to_le_bytes())?;
        output.write_all(&response)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(request: &[u8], options: &Options) -> (u32, Vec<u8>) {
    let text = |number| {
        let field = parts(request).filter(|(r, _)| r.number == number).last();
        field.map(|(_, body)| body)
    };
    let int = |number| {
        let field = text(number).and_then(varint::read);
        field.map_or(0, |(value, _)| value)
    };
    let name = text(numbers::REQUEST_TYPE).unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    if name == "conformance.FailureSet" {
        return (numbers::PROTOBUF, Vec::new());
    }
    let mut options = options.clone();
    options
        .values
        .insert("message".into(), name.as_str().into());
    let ignore_unknown = int(numbers::REQUEST_CATEGORY) == numbers::CATEGORY_IGNORE_UNKNOWN;
    let schema = match schema::load::schema(&options) {
        Ok(Some(schema)) => schema,
        other => panic!("no schema: {:?}", other.err()),
    };
    let Some(of) = schema.message(&name) else {
        return (numbers::SKIPPED, name.into_bytes());
    };
    let bytes = match (text(numbers::REQUEST_PROTOBUF), text(numbers::REQUEST_JSON)) {
        (Some(payload), _) => payload.to_vec(),
        (None, Some(json)) => match from_json(of, json, ignore_unknown) {
            Ok(bytes) => bytes,
            Err(why) => return (numbers::PARSE_ERROR, why.into_bytes()),
        },
        _ => return (numbers::SKIPPED, b"text format".to_vec()),
    };
    let message = Protobuf.decode(Space::source(bytes.clone()), &options);
    if let Some(why) = stops(&message) {
        return (numbers::PARSE_ERROR, why.into_bytes());
    }
    match int(numbers::REQUEST_FORMAT) {
        numbers::FORMAT_PROTOBUF => match schema::canonical::canonical(of, &bytes) {
            Ok(bytes) => (numbers::PROTOBUF, bytes),
            Err(why) => (numbers::SERIALIZE_ERROR, why.into_bytes()),
        },
        numbers::FORMAT_JSON => match json::message(of, &message) {
            Ok(value) => (numbers::JSON, write(&value).into_bytes()),
            Err(why) => (numbers::SERIALIZE_ERROR, why.into_bytes()),
        },
        _ => (numbers::SKIPPED, b"format".to_vec()),
    }
}

/// What a parser gives up at, anywhere in the message.
fn stops(message: &Node) -> Option<String> {
    let found = message
        .findings()
        .find(|fault| fault.severity >= Severity::Stops);
    found.map(|fault| fault.to_string())
}

fn from_json(
    of: &'static MessageType,
    json: &[u8],
    ignore_unknown: bool,
) -> Result<Vec<u8>, String> {
    let value: Json = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    Reader { ignore_unknown }.message(of, &value.0)
}

/// A JSON value that keeps fields that are there twice.
struct Json(Plain);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(JsonVisitor).map(Json)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, v: bool) -> Result<Plain, E> {
        Ok(Plain::Scalar(Scalar::Bool(v)))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Plain, E> {
        Ok(Plain::Scalar(Scalar::Int(v.into())))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Plain, E> {
        Ok(Plain::Scalar(Scalar::Int(v.into())))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Plain, E> {
        Ok(Plain::Scalar(Scalar::Float(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Plain, E> {
        Ok(Plain::Scalar(v.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
        let mut items = Vec::new();
        while let Some(Json(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Plain::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, Json(value))) = map.next_entry::<String, Json>()? {
            pairs.push((key, value));
        }
        Ok(Plain::Object(pairs))
    }
}

/// As JSON text.
fn write(value: &Plain) -> String {
    let list = |parts: Vec<String>| parts.join(",");
    match value {
        Plain::Scalar(Scalar::Str(s)) => serde_json::Value::from(&**s).to_string(),
        Plain::Scalar(Scalar::Float(x)) => serde_json::Value::from(*x).to_string(),
        Plain::Scalar(other) => other.to_string(),
        Plain::Array(items) => format!("[{}]", list(items.iter().map(write).collect())),
        Plain::Object(pairs) => {
            let pair = |(k, v): &(String, Plain)| {
                format!("{}:{}", serde_json::Value::from(k.as_str()), write(v))
            };
            format!("{{{}}}", list(pairs.iter().map(pair).collect()))
        }
        Plain::Node(node) => write(&build::plain(node)),
    }
}
