//! Messages from plain values.

use super::map::no_bits;
use super::message_set;
use super::types::{FieldType, Label, MessageType, ValueType};
use super::well_known;
use crate::wire::build::{self as wire, describe};
use binq_core::codec::encode_assigned;
use binq_core::{Node, NodeKind, Plain, Scalar};
use std::collections::HashMap;

/// The records of a field with that value.
///
/// # Errors
/// What the field takes.
pub fn field(field: &'static FieldType, value: &Plain) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    if let Some(map) = field.map() {
        for (key, value) in pairs(value).ok_or_else(|| misfit(field, "an object", value))? {
            out.extend(map.entry(&key, &value)?);
        }
        return Ok(out);
    }
    if field.label == Label::Singular {
        record(field, &self::value(field, value)?, &mut out);
        return Ok(out);
    }
    let items = items(value).ok_or_else(|| misfit(field, "an array", value))?;
    let items: Vec<Vec<u8>> = items
        .iter()
        .map(|item| self::value(field, item))
        .collect::<Result<_, _>>()?;
    if field.packed && field.value.packs() {
        if !items.is_empty() {
            wire::len_record(field.number, &items.concat(), &mut out);
        }
    } else {
        items.iter().for_each(|item| record(field, item, &mut out));
    }
    Ok(out)
}

/// Write one record.
pub fn record(field: &FieldType, value: &[u8], out: &mut Vec<u8>) {
    if field.in_set {
        return message_set::item(field.number, value, out);
    }
    wire::around(field.number, field.value.wire_type(), value, out);
}

fn misfit(field: &FieldType, takes: &str, value: &Plain) -> String {
    format!("{} takes {takes}, not {}", field.name, describe(value))
}

/// The bytes of one value of a field, without tag and length.
///
/// # Errors
/// What the field takes.
pub fn value(field: &'static FieldType, value: &Plain) -> Result<Vec<u8>, String> {
    let scalar = scalar(value);
    if let Some(codec) = field.value.codec() {
        let scalar = scalar.ok_or_else(|| misfit(field, "a scalar", value))?;
        let wide = matches!(field.value, ValueType::Scalar { wide: true, .. });
        // JSON writes integers of 64 bits as text
        let scalar = match &scalar {
            Scalar::Str(text) if wide => text.parse().map_or(scalar, Scalar::Int),
            _ => scalar,
        };
        let (_, bits) = encode_assigned(codec, &scalar, &no_bits())
            .map_err(|e| format!("{} takes {}, not {}", field.name, e.expected, e.found))?;
        return Ok(bits.bytes().to_vec());
    }
    match field.value.message() {
        Some(of) => message(of, value).map_err(|e| format!("{}: {e}", field.name)),
        None => Err(misfit(field, "nothing", value)),
    }
}

/// The bytes of a message.
///
/// # Errors
/// What the type takes.
pub fn message(of: &'static MessageType, value: &Plain) -> Result<Vec<u8>, String> {
    if let Plain::Node(node) = value
        && node.shape_name() == Some(of.name)
    {
        return Ok(node.bytes().map_err(|e| e.to_string())?.to_vec());
    }
    if let Some(built) = well_known::build(of, value) {
        return built;
    }
    let pairs = pairs(value);
    let pairs =
        pairs.ok_or_else(|| format!("a {} is an object, not {}", of.name, describe(value)))?;
    let mut out = Vec::new();
    // what was given already: fields, by their numbers, and oneofs
    let mut given: HashMap<u32, String> = HashMap::new();
    let mut chosen: HashMap<&str, String> = HashMap::new();
    for (name, value) in pairs {
        if name == "_error" && of.named("_error").is_none() {
            continue;
        }
        if name == of.unknown && of.named(&name).is_none() {
            out.extend(unknown(&value)?);
            continue;
        }
        let Some(known) = of.named_anyhow(&name) else {
            let names: Vec<_> = of.fields.iter().map(|f| f.name).collect();
            let names = match names[..] {
                [] => "none".to_owned(),
                _ => names.join(", "),
            };
            return Err(format!("{} has no field {name:?}; it has {names}", of.name));
        };
        // null stands for an absent field, as in JSON, except where it is a value
        let null = matches!(value, Plain::Scalar(Scalar::Null));
        if null && !well_known::takes_null(&known.value) {
            continue;
        }
        if let Some(other) = given.insert(known.number, name.clone()) {
            return Err(format!("{}: {other:?} and {name:?} are one field", of.name));
        }
        if let Some(oneof) = known.oneof
            && let Some(other) = chosen.insert(oneof, name.clone())
        {
            return Err(format!(
                "{}: of oneof {oneof}, there can be only one of {other:?} and {name:?}",
                of.name
            ));
        }
        out.extend(field(known, &value)?);
    }
    Ok(out)
}

/// The bytes of unknown fields.
///
/// # Errors
/// What a record must look like.
pub fn unknown(value: &Plain) -> Result<Vec<u8>, String> {
    let items = items(value)
        .ok_or_else(|| format!("unknown fields are an array, not {}", describe(value)))?;
    let records = items.iter().map(wire::record_of);
    Ok(records.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The scalar of a value.
pub fn scalar(value: &Plain) -> Option<Scalar> {
    match value {
        Plain::Scalar(s) => Some(s.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Scalar => Some(node.scalar()),
        _ => None,
    }
}

/// The fields of an object.
pub fn pairs(value: &Plain) -> Option<Vec<(String, Plain)>> {
    match value {
        Plain::Object(pairs) => Some(pairs.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Object => {
            let fields = node.fields().into_iter();
            Some(
                fields
                    .map(|(k, v)| (k.into_owned(), Plain::Node(v)))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// The items of an array.
pub fn items(value: &Plain) -> Option<Vec<Plain>> {
    match value {
        Plain::Array(items) => Some(items.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Array => {
            Some(node.items().map(Plain::Node).collect())
        }
        _ => None,
    }
}

/// A new message of that type.
///
/// # Errors
/// What the type takes.
pub fn new_message(of: &'static MessageType, value: &Plain) -> Result<Node, String> {
    Ok(super::view::root(of, message(of, value)?))
}
