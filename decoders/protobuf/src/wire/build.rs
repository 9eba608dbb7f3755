//! Records from plain values.

use super::record::{EGROUP, I32, I64, LEN, MOST_NUMBER, SGROUP, VARINT, WIRE_TYPES};
use super::{typed, varint};
use binq_core::{Node, NodeKind, Plain, Scalar};

/// Write a tag.
pub fn tag(number: u32, wire_type: u8, out: &mut Vec<u8>) {
    varint::write(u64::from(number) << 3 | u64::from(wire_type), out);
}

/// Write a record with a length.
pub fn len_record(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    tag(number, LEN, out);
    varint::write(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Write a record around the bytes of its value.
pub fn around(number: u32, wire_type: u8, value: &[u8], out: &mut Vec<u8>) {
    if wire_type == LEN {
        return len_record(number, value, out);
    }
    tag(number, wire_type, out);
    out.extend_from_slice(value);
    if wire_type == SGROUP {
        tag(number, EGROUP, out);
    }
}

/// A node as a value, as deep as it goes.
pub fn plain(node: &Node) -> Plain {
    match node.kind() {
        NodeKind::Scalar => Plain::Scalar(node.scalar()),
        NodeKind::Array => Plain::Array(node.items().map(|item| plain(&item)).collect()),
        NodeKind::Object => {
            let fields = node.fields().into_iter();
            Plain::Object(fields.map(|(k, v)| (k.into_owned(), plain(&v))).collect())
        }
    }
}

/// How a value is called in messages.
pub fn describe(value: &Plain) -> String {
    match value {
        Plain::Scalar(s) => s.to_string(),
        Plain::Array(items) => format!("an array of {}", items.len()),
        Plain::Object(_) => "an object".to_owned(),
        Plain::Node(node) => match node.kind() {
            NodeKind::Scalar => node.scalar().to_string(),
            NodeKind::Array => "an array".to_owned(),
            NodeKind::Object => "an object".to_owned(),
        },
    }
}

/// A field number, from its text or as a number.
pub fn number(value: &Scalar) -> Result<u32, String> {
    let n = match value {
        Scalar::Str(s) => s.parse().ok(),
        other => other.as_int(),
    };
    let n = n.and_then(|n| u32::try_from(n).ok());
    n.filter(|n| (1..=MOST_NUMBER).contains(n))
        .ok_or_else(|| format!("a field number is an integer from 1 to {MOST_NUMBER}, not {value}"))
}

/// The bytes of a message: an object with `fields`, or with field numbers as keys.
pub fn message(value: &Plain) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match value {
        Plain::Node(node) if node.kind() == NodeKind::Object => {
            return Ok(node.bytes().map_err(|e| e.to_string())?.to_vec());
        }
        Plain::Object(pairs) => {
            for (key, value) in pairs {
                match (key.as_str(), value) {
                    ("_error", _) => {}
                    ("fields", Plain::Array(records)) => {
                        for record in records {
                            out.extend(record_of(record)?);
                        }
                    }
                    ("fields", Plain::Node(node)) => {
                        return message(&Plain::Object(vec![(key.clone(), plain(node))]));
                    }
                    _ => shorthand(number(&Scalar::from(key.as_str()))?, value, &mut out)?,
                }
            }
        }
        other => {
            return Err(format!(
                "a message is an object with \"fields\" or with field numbers as keys, not {}",
                describe(other)
            ));
        }
    }
    Ok(out)
}

/// The records of one number: one of them, or one for each item.
pub fn shorthand(number: u32, value: &Plain, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Plain::Array(items) => items
            .iter()
            .try_for_each(|item| record(number, natural(item), item, out)),
        Plain::Node(node) if node.kind() == NodeKind::Array => shorthand(number, &plain(node), out),
        one => record(number, natural(one), one, out),
    }
}

/// The wire type that a value has if nothing is said about it.
pub fn natural(value: &Plain) -> u8 {
    if let Some((wire_type, _)) = typed::typed(value) {
        return wire_type;
    }
    match value {
        Plain::Scalar(Scalar::Int(_) | Scalar::Bool(_)) => VARINT,
        Plain::Scalar(Scalar::Float(_)) => I64,
        Plain::Node(node) if node.kind() == NodeKind::Scalar => {
            typed::undeclared(node).unwrap_or_else(|| natural(&Plain::Scalar(node.scalar())))
        }
        _ => LEN,
    }
}

/// What the shape of a record is called.
pub const RECORD: &str = "field";

/// The bytes of a record: `{number, wire_type, value}`; without a wire type, the natural one of the value.
pub fn record_of(value: &Plain) -> Result<Vec<u8>, String> {
    let made;
    let pairs = match value {
        Plain::Object(pairs) => pairs,
        Plain::Node(node) if node.shape_name() == Some(RECORD) => {
            return Ok(node.bytes().map_err(|e| e.to_string())?.to_vec());
        }
        // what only reads as a record
        Plain::Node(node) if node.kind() == NodeKind::Object => {
            let fields = node.fields().into_iter();
            made = fields
                .map(|(name, child)| (name.into_owned(), Plain::Node(child)))
                .collect();
            &made
        }
        other => {
            return Err(format!(
                "a field is an object of number, wire_type and value, not {}",
                describe(other)
            ));
        }
    };
    let get = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v);
    // an object that was read from a damaged record carries its fault along
    let known = ["number", "wire_type", "value", "_error"];
    if let Some((key, _)) = pairs.iter().find(|(k, _)| !known.contains(&&**k)) {
        return Err(format!(
            "a field has number, wire_type and value, but no {key:?}"
        ));
    }
    let scalar = |v: &Plain| match v {
        Plain::Scalar(s) => Some(s.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Scalar => Some(node.scalar()),
        _ => None,
    };
    let n = get("number").and_then(scalar).unwrap_or(Scalar::Null);
    let value = get("value").ok_or("a field needs a value")?;
    let wire_type = match get("wire_type").and_then(scalar) {
        None => natural(value),
        Some(name) => wire_type(&name)?,
    };
    let mut out = Vec::new();
    record(number(&n)?, wire_type, value, &mut out)?;
    Ok(out)
}

/// The wire type of that name, or number, that a record may be given.
///
/// # Errors
/// What there is.
pub fn wire_type(name: &Scalar) -> Result<u8, String> {
    let found = WIRE_TYPES.iter().find(|(n, s)| match name {
        Scalar::Str(name) => **s == **name,
        other => other.as_int() == Some(*n),
    });
    match found {
        Some((n, _)) if *n as u8 != EGROUP => Ok(*n as u8),
        _ => Err(format!(
            "a wire type is one of VARINT, I64, LEN, SGROUP, I32 (0 to 3, and 5), not {name}"
        )),
    }
}

/// Write a record.
pub fn record(number: u32, wire_type: u8, value: &Plain, out: &mut Vec<u8>) -> Result<(), String> {
    let misfit = |what: &str| {
        Err(format!(
            "field {number} takes {what}, not {}",
            describe(value)
        ))
    };
    if let Some((own, bytes)) = typed::typed(value)
        && own == wire_type
    {
        around(number, wire_type, &bytes, out);
        return Ok(());
    }
    let scalar = match value {
        Plain::Scalar(s) => Some(s.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Scalar => Some(node.scalar()),
        _ => None,
    };
    match wire_type {
        LEN => len_record(number, &payload(value)?, out),
        SGROUP => around(number, SGROUP, &message(value)?, out),
        VARINT => {
            let n = match &scalar {
                Some(Scalar::Bool(b)) => Some(i128::from(*b)),
                Some(s) => s.as_int(),
                None => None,
            };
            let Some(n) = n.filter(|n| fits(*n, 64)) else {
                return misfit("an integer of at most 64 bits");
            };
            tag(number, VARINT, out);
            varint::write(n as u64, out);
        }
        I64 => {
            let bytes = match &scalar {
                Some(Scalar::Int(n)) if fits(*n, 64) => (*n as u64).to_le_bytes(),
                Some(Scalar::Float(x)) => x.to_le_bytes(),
                _ => return misfit("a number of 64 bits"),
            };
            tag(number, I64, out);
            out.extend(bytes);
        }
        _ => {
            let bytes = match &scalar {
                Some(Scalar::Int(n)) if fits(*n, 32) => (*n as u32).to_le_bytes(),
                Some(Scalar::Float(x)) if !x.is_finite() || (*x as f32).is_finite() => {
                    (*x as f32).to_le_bytes()
                }
                _ => return misfit("a number of 32 bits"),
            };
            tag(number, I32, out);
            out.extend(bytes);
        }
    }
    Ok(())
}

/// Whether a number, signed or not, has so many bits.
fn fits(n: i128, bits: u32) -> bool {
    (-(1 << (bits - 1))..1 << bits).contains(&n)
}

/// The bytes of a length-delimited value: text, bytes, a message, or an array of numbers to be packed.
pub fn payload(value: &Plain) -> Result<Vec<u8>, String> {
    match value {
        Plain::Scalar(s) => match s.as_bytes() {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(format!(
                "a length-delimited value is a string, an object of fields, or an array of numbers, not {s}"
            )),
        },
        Plain::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                let n = match item {
                    Plain::Scalar(s) => s.as_int(),
                    Plain::Node(node) => node.scalar().as_int(),
                    _ => None,
                };
                let n = n.filter(|n| fits(*n, 64)).ok_or_else(|| {
                    format!("packed numbers are integers, not {}", describe(item))
                })?;
                varint::write(n as u64, &mut out);
            }
            Ok(out)
        }
        Plain::Object(_) => message(value),
        Plain::Node(node) if node.kind() == NodeKind::Scalar => {
            payload(&Plain::Scalar(node.scalar()))
        }
        Plain::Node(node) => Ok(node.bytes().map_err(|e| e.to_string())?.to_vec()),
    }
}
