//! A message as Google's runtimes write it: fields by their numbers, each once, with the shortest varints, lists packed where
//! they are declared so, no field that has no presence and its default, and unknown fields last.

use super::build::record;
use super::map::no_bits;
use super::types::{FieldType, Label, MessageType};
use super::view::root;
use super::well_known::WellKnown;
use crate::wire::build as wire;
use crate::wire::record::{MOST_DEPTH, VARINT};
use crate::wire::varint;
use binq_core::{Bits, Node, Scalar, Space};

/// The bytes of a message, written anew.
///
/// # Errors
/// What a parser would give up at.
pub fn canonical(of: &'static MessageType, bytes: &[u8]) -> Result<Vec<u8>, String> {
    nested(of, bytes, 0)
}

fn nested(of: &'static MessageType, bytes: &[u8], depth: u16) -> Result<Vec<u8>, String> {
    if depth > MOST_DEPTH {
        return Err(format!("at most {MOST_DEPTH} messages in each other"));
    }
    // read as an object of its fields, whatever JSON makes of it
    let message = root(of, bytes.to_vec());
    if let Some(fault) = message.fault() {
        return Err(fault.to_string());
    }
    // found in one walk, and not one by one
    let listed: std::collections::HashMap<_, _> = message.fields().into_iter().collect();
    let mut out = Vec::new();
    for field in &of.fields {
        let Some(child) = listed.get(field.name).filter(|child| child.is_stored()) else {
            continue;
        };
        if let Some(map) = field.map() {
            for (key, entry) in child.fields() {
                let key = scalar(map.key, &map.key_of(&key)?)?;
                let mut payload = Vec::new();
                record(map.key, &key, &mut payload);
                record(map.value, &value(map.value, &entry, depth)?, &mut payload);
                wire::len_record(field.number, &payload, &mut out);
            }
            continue;
        }
        if field.label == Label::Singular {
            let is_any_value = of.well_known == Some(WellKnown::Any) && field.number == 2;
            let bytes = match is_any_value {
                // bytes, even if they are shown as what they are of
                true => stored(child)?,
                false => value(field, child, depth)?,
            };
            if !(field.implicit && is_default(field, &bytes)) {
                record(field, &bytes, &mut out);
            }
            continue;
        }
        let items = child.items().map(|item| value(field, &item, depth));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        if field.packed && field.value.packs() {
            if !items.is_empty() {
                wire::len_record(field.number, &items.concat(), &mut out);
            }
        } else {
            items.iter().for_each(|item| record(field, item, &mut out));
        }
    }
    unknown(of, bytes, &mut out);
    Ok(out)
}

/// The bytes of a value, without tag and length.
fn value(field: &'static FieldType, node: &Node, depth: u16) -> Result<Vec<u8>, String> {
    if let Some(of) = field.value.message() {
        return nested(of, &stored(node)?, depth + 1);
    }
    if let Some(fault) = node.fault() {
        return Err(fault.to_string());
    }
    scalar(field, &node.actual().unwrap_or(Scalar::Null)).or_else(|_| stored(node))
}

fn scalar(field: &FieldType, value: &Scalar) -> Result<Vec<u8>, String> {
    let codec = field.value.codec();
    let codec = codec.ok_or_else(|| format!("{} is a message", field.name))?;
    let bits = codec.encode(value, &no_bits());
    let bits = bits.map_err(|e| format!("{} takes {}, not {}", field.name, e.expected, e.found))?;
    Ok(bits.bytes().to_vec())
}

fn stored(node: &Node) -> Result<Vec<u8>, String> {
    Ok(node.bytes().map_err(|e| e.to_string())?.to_vec())
}

/// Whether a value is the default of its field; a negative zero is none.
pub fn is_default(field: &FieldType, bytes: &[u8]) -> bool {
    let value = field.value.codec();
    let value = value.and_then(|c| c.decode(&Bits::from_bytes(bytes.to_vec())).ok());
    match (value, &field.default) {
        (Some(Scalar::Float(a)), Scalar::Float(b)) => a.to_bits() == b.to_bits(),
        (Some(a), b) => a == *b || a.as_bytes().is_some_and(|a| Some(a) == b.as_bytes()),
        (None, _) => false,
    }
}

/// The unknown fields, in their order: records that no field takes, and values of packed lists that a closed enum does not have.
fn unknown(of: &'static MessageType, bytes: &[u8], out: &mut Vec<u8>) {
    let space = Space::source(bytes.to_vec());
    for record in of.records(&space, space.span()) {
        let whole = &bytes[record.start as usize..record.end as usize];
        let field = of
            .number(record.number)
            .filter(|f| f.takes(&record, &space));
        let Some(field) = field else {
            out.extend_from_slice(whole);
            continue;
        };
        for number in field.unknown_numbers(&record, &space) {
            let raw = varint::read(&bytes[number.first_byte() as usize..]);
            wire::tag(record.number, VARINT, out);
            varint::write(raw.map_or(0, |(raw, _)| raw), out);
        }
    }
}
