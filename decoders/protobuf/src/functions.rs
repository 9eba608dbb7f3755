//! Functions that protobuf adds to the query language.

use crate::guess_type;
use crate::schema::{self, load};
use crate::text::{from_json, json, protoscope};
use crate::wire::codec::{F32, F64, Payload, Varint};
use crate::wire::varint;
use crate::wire::view::{self, FORMAT};
use binq_core::codec::{Codec, Int};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::{FnCx, Kind, Node, NodeFn, NodeKind, Plain, Ref, Scalar, Space, Span};

macro_rules! readings {
    ($($name:literal $kind:literal),* $(,)?) => {
        &[
            NodeFn { name: "as", arity: 1, run: as_any },
            NodeFn { name: "new_message", arity: 2, run: new_message },
            NodeFn { name: "to_protojson", arity: 0, run: to_protojson },
            NodeFn { name: "canonical", arity: 0, run: canonical },
            NodeFn { name: "from_protojson", arity: 0, run: from_protojson },
            NodeFn { name: "from_protojson", arity: 1, run: from_protojson },
            NodeFn { name: "to_protoscope", arity: 0, run: to_protoscope },
            NodeFn { name: "from_protoscope", arity: 0, run: from_protoscope },
            NodeFn { name: "guess_message", arity: 0, run: guess_message },
            $(NodeFn { name: $name, arity: 0, run: |cx, input, _| read_as(cx, input, $kind) }),*
        ]
    };
}

/// All of them.
pub const ALL: &[NodeFn] = readings!(
    "as_int32" "int32",
    "as_int64" "int64",
    "as_uint32" "uint32",
    "as_uint64" "uint64",
    "as_sint32" "sint32",
    "as_sint64" "sint64",
    "as_bool" "bool",
    "as_fixed32" "fixed32",
    "as_fixed64" "fixed64",
    "as_sfixed32" "sfixed32",
    "as_sfixed64" "sfixed64",
    "as_float" "float",
    "as_double" "double",
    "as_string" "string",
    "as_bytes" "bytes",
    "as_message" "message",
);

/// A scalar type: its name, how it is stored, and its size if that is fixed.
type Reading = (&'static str, &'static dyn Codec, Option<u64>);

static SCALARS: [Reading; 13] = [
    ("int32", &Varint::Int32, None),
    ("int64", &Varint::Int64, None),
    ("uint32", &Varint::Uint32, None),
    ("uint64", &Varint::Uint64, None),
    ("sint32", &Varint::Sint32, None),
    ("sint64", &Varint::Sint64, None),
    ("bool", &Varint::Bool, None),
    ("fixed32", &Int::U32LE, Some(4)),
    ("fixed64", &Int::U64LE, Some(8)),
    ("sfixed32", &Int::I32LE, Some(4)),
    ("sfixed64", &Int::I64LE, Some(8)),
    ("float", &F32, Some(4)),
    ("double", &F64, Some(8)),
];

fn scalar_reading(name: &str) -> Option<&'static Reading> {
    // what most call it
    let name = if name == "varint" { "uint64" } else { name };
    SCALARS.iter().find(|(n, _, _)| *n == name)
}

/// Packed numbers of a known type.
struct PackedOf(&'static Reading);

impl Sequence for PackedOf {
    fn name(&self) -> &'static str {
        self.0.0
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let (_, codec, size) = self.0;
        let start = state.at / 8;
        let rest = at.span.end_byte().saturating_sub(start);
        if rest == 0 {
            return None;
        }
        let size = size.unwrap_or_else(|| {
            let head = at.space.read(start, rest.min(varint::MOST as u64));
            varint::read(&head).map_or(rest, |(_, size)| size as u64)
        });
        // what is cut off is an item with a fault
        let size = size.min(rest);
        Some(Step {
            kind: Kind::Leaf(Ref::Static(*codec)),
            span: Span::bytes(start, size),
            next: State::new((start + size) * 8),
        })
    }

    fn resizable(&self) -> bool {
        true
    }
}

/// The kind of node that a reading is.
fn kind_of(cx: &FnCx<'_>, name: &str) -> Result<Kind, String> {
    let leaf = |codec: &'static dyn Codec| Ok(Kind::Leaf(Ref::Static(codec)));
    match name {
        "message" | "group" => return Ok(Kind::fixed(&view::GUESSED)),
        "string" => return leaf(&Payload::Text),
        "bytes" => return leaf(&Payload::Bytes),
        _ => {}
    }
    if let Some((_, codec, _)) = scalar_reading(name) {
        return leaf(*codec);
    }
    if let Some(reading) = name.strip_prefix("packed_").and_then(scalar_reading) {
        return Ok(Kind::array(std::sync::Arc::new(PackedOf(reading))));
    }
    if let Some(of) = load::schema(cx.options)?.and_then(|s| s.message(name)) {
        return Ok(of.kind());
    }
    let scalars: Vec<_> = SCALARS.iter().map(|(n, _, _)| *n).collect();
    let scalars = scalars.join(", ");
    Err(format!(
        "as: expected \"message\", \"string\", \"bytes\", the name of a message type, one of {scalars}, or packed_ with one of \
         them, not {name:?}"
    ))
}

fn as_any(cx: &FnCx<'_>, input: &Plain, args: &[Plain]) -> Result<Plain, String> {
    let name = args.first().and_then(schema::scalar);
    let name = name.as_ref().and_then(Scalar::as_str);
    read_as(
        cx,
        input,
        name.ok_or("as: the name of a reading is a string")?,
    )
}

fn read_as(cx: &FnCx<'_>, input: &Plain, name: &str) -> Result<Plain, String> {
    let kind = kind_of(cx, name)?;
    // a number is read anew from its bits
    if let Plain::Scalar(number @ (Scalar::Int(_) | Scalar::Bool(_))) = input {
        let bits = bits_of(number, scalar_reading(name))
            .ok_or_else(|| format!("as: a number is read as another number, not as {name:?}"))?;
        let node = view::root(bits, kind);
        return fine(node, name);
    }
    let node = match input {
        Plain::Node(node) => node.reread(FORMAT, kind).map_err(|e| e.to_string())?,
        Plain::Scalar(s) => match s.as_bytes() {
            Some(bytes) => view::root(bytes.to_vec(), kind),
            None => return Err(format!("as: expected bytes, found {s}")),
        },
        _ => return Err("as: expected a decoded value, a string or a number".to_owned()),
    };
    fine(node, name)
}

/// A node that could be read as what was asked for; of a message, as much as there is.
fn fine(node: Node, name: &str) -> Result<Plain, String> {
    match node.fault() {
        Some(fault) if node.kind() == NodeKind::Scalar => Err(format!(
            "as: these bytes are no {name}: expected {}, found {}",
            fault.expected, fault.found
        )),
        _ => Ok(Plain::Node(node)),
    }
}

/// The bits that a number has as a varint, or as a number of the size that is asked for.
fn bits_of(number: &Scalar, reading: Option<&'static Reading>) -> Option<Vec<u8>> {
    let n = match number {
        Scalar::Bool(b) => i128::from(*b),
        other => other.as_int()?,
    };
    let raw = u64::try_from(n)
        .ok()
        .or_else(|| Some(i64::try_from(n).ok()? as u64))?;
    Some(match reading?.2 {
        Some(4) => u32::try_from(raw)
            .ok()
            .or_else(|| Some(i32::try_from(raw as i64).ok()? as u32))?
            .to_le_bytes()
            .to_vec(),
        Some(_) => raw.to_le_bytes().to_vec(),
        None => {
            let mut out = Vec::new();
            varint::write(raw, &mut out);
            out
        }
    })
}

fn new_message(cx: &FnCx<'_>, _: &Plain, args: &[Plain]) -> Result<Plain, String> {
    let [name, fields] = args else {
        return Err("new_message takes a type and an object".to_owned());
    };
    let name = schema::scalar(name);
    let name = name.as_ref().and_then(Scalar::as_str);
    let name = name.ok_or("new_message: the name of a type is a string")?;
    let schema = load::schema(cx.options)?;
    let schema = schema.ok_or("new_message needs a schema: --proto or --descriptor-set")?;
    let of = schema.message(name).ok_or_else(|| {
        let names = schema.names();
        let some: Vec<_> = names.iter().take(20).map(String::as_str).collect();
        format!(
            "new_message: there is no type {name:?}; there are {}",
            some.join(", ")
        )
    })?;
    let node = schema::new_message(of, fields);
    Ok(Plain::Node(node.map_err(|e| format!("new_message: {e}"))?))
}

fn to_protojson(cx: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let schema = load::schema(cx.options)?;
    json::any_value(&|name| schema?.message(name), input)
}

/// A message as Google's runtimes would write it.
fn canonical(cx: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let schema = load::schema(cx.options)?;
    let of = match input {
        Plain::Node(node) => node.shape_name().and_then(|name| schema?.message(name)),
        _ => None,
    };
    let of = of.ok_or(
        "canonical needs a message of a known type; --proto or --descriptor-set describe it",
    )?;
    let bytes = schema::canonical::canonical(of, &bytes_of(input, "canonical")?);
    let bytes = bytes.map_err(|e| format!("canonical: {e}"))?;
    Ok(Plain::Node(schema::root(of, bytes)))
}

/// A message from what the JSON mapping has for it: of the type named, or of the one that the input would have.
fn from_protojson(cx: &FnCx<'_>, input: &Plain, args: &[Plain]) -> Result<Plain, String> {
    let schema = load::schema(cx.options)?;
    let schema = schema.ok_or("from_protojson needs a schema: --proto or --descriptor-set")?;
    let of = match args.first() {
        Some(name) => {
            let name = schema::scalar(name);
            let name = name.as_ref().and_then(Scalar::as_str);
            let name = name.ok_or("from_protojson: the name of a type is a string")?;
            let found = schema.message(name);
            found.ok_or_else(|| format!("from_protojson: there is no type {name:?}"))?
        }
        None => {
            let of = crate::format::message_type(cx.options);
            let of = of.map_err(|(expected, found)| {
                format!("from_protojson: expected {expected}, found {found}")
            })?;
            of.ok_or("from_protojson needs a type: from_protojson(\"NAME\") or --message NAME")?
        }
    };
    let plain = json::any_value(&|name| schema.message(name), input)?;
    let reader = from_json::Reader {
        ignore_unknown: cx.options.is_on(load::IGNORE_UNKNOWN),
    };
    let bytes = reader.message(of, &plain);
    let bytes = bytes.map_err(|e| format!("from_protojson: {e}"))?;
    Ok(Plain::Node(schema::root(of, bytes)))
}

/// The bytes of any value that has some.
fn bytes_of(input: &Plain, function: &str) -> Result<Vec<u8>, String> {
    match input {
        Plain::Node(node) => Ok(node.bytes().map_err(|e| e.to_string())?.to_vec()),
        Plain::Scalar(s) => match s.as_bytes() {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(format!("{function}: expected bytes, found {s}")),
        },
        _ => Err(format!("{function}: expected a decoded value or a string")),
    }
}

fn to_protoscope(_: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let bytes = bytes_of(input, "to_protoscope")?;
    Ok(Plain::Scalar(protoscope::write(&bytes).into()))
}

fn from_protoscope(cx: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let text = bytes_of(input, "from_protoscope")?;
    let text = String::from_utf8(text).map_err(|_| "from_protoscope: expected UTF-8 text")?;
    let space = Space::source(protoscope::read(&text)?);
    let span = space.span();
    let of = crate::format::message_type(cx.options).ok().flatten();
    let kind = of.map_or_else(|| Kind::fixed(&view::MESSAGE), |of| of.kind());
    Ok(Plain::Node(Node::root_of(FORMAT, kind, space, span)))
}

fn guess_message(cx: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let bytes = bytes_of(input, "guess_message")?;
    let schema = load::schema(cx.options)?;
    let schema = schema.ok_or("guess_message needs a schema: --proto or --descriptor-set")?;
    let ranked = guess_type::rank(schema, &bytes).into_iter().map(|fit| {
        Plain::Object(vec![
            ("message".to_owned(), Plain::Scalar(fit.name.into())),
            ("known".to_owned(), Plain::Scalar(fit.known.into())),
            ("unknown".to_owned(), Plain::Scalar(fit.unknown.into())),
        ])
    });
    Ok(Plain::Array(ranked.collect()))
}
