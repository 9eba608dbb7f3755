//! Messages as the JSON mapping of protobuf has them: <https://protobuf.dev/programming-guides/json/>.

use crate::schema::text::Text;
use crate::schema::types::{FieldType, Label, MessageType, ValueType};
use crate::schema::well_known::{NULL_VALUE, WellKnown};
use crate::schema::{self, no_bits};
use binq_core::codec::Codec;
use binq_core::{Node, NodeKind, Plain, Scalar};

/// The digits of base64.
pub const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A message as JSON has it. Field names are those of the schema's option; unknown fields are left out.
///
/// # Errors
/// What has no form in JSON: damage, a `Timestamp` out of range, an `Any` of an unknown type.
pub fn message(of: &'static MessageType, node: &Node) -> Result<Plain, String> {
    if let Some(fault) = node.fault() {
        return Err(fault.to_string());
    }
    let no_form = || format!("{}: this {} has no form in JSON", node.path_text(), of.name);
    let is_fields = node.shape_name() == Some(of.name);
    match of.well_known {
        None | Some(WellKnown::Empty) => fields(of, node),
        Some(WellKnown::Any) => any(of, node),
        Some(_) if is_fields => {
            let opened = schema::open_root(of, node)?;
            if opened.shape_name() != Some(of.name) {
                return message(of, &opened);
            }
            match of.well_known {
                Some(WellKnown::Value) => dynamic(&opened),
                _ => Err(no_form()),
            }
        }
        Some(WellKnown::Wrapper) => match of.number(1) {
            Some(field) => scalar(&field.value, node),
            None => Err(no_form()),
        },
        Some(WellKnown::Timestamp | WellKnown::Duration | WellKnown::FieldMask) => {
            Ok(Plain::Scalar(node.scalar()))
        }
        Some(WellKnown::Value | WellKnown::Struct | WellKnown::ListValue) => dynamic(node),
    }
}

/// A `Value`, `Struct` or `ListValue`; one inside that has no form, such as a `Value` without a kind, is an error.
fn dynamic(node: &Node) -> Result<Plain, String> {
    if let Some(fault) = node.fault() {
        return Err(fault.to_string());
    }
    if node.shape_name() == Some("google.protobuf.Value") {
        // spelled in a way that is shown as its fields, such as a list in two records
        let mut fields = node
            .fields()
            .into_iter()
            .filter(|(name, _)| name != "unknown");
        if let (Some((_, one)), None) = (fields.next(), fields.next()) {
            return dynamic(&one);
        }
    }
    if node
        .shape_name()
        .is_some_and(|name| name.starts_with("google.protobuf."))
    {
        return Err(format!(
            "{}: this value has no form in JSON",
            node.path_text()
        ));
    }
    match node.kind() {
        NodeKind::Scalar => match node.scalar() {
            Scalar::Float(x) if !x.is_finite() => Err(format!(
                "{}: a google.protobuf.Value holds {x}, which has no form in JSON",
                node.path_text()
            )),
            scalar => Ok(Plain::Scalar(scalar)),
        },
        NodeKind::Array => {
            let items: Result<_, _> = node.items().map(|item| dynamic(&item)).collect();
            Ok(Plain::Array(items?))
        }
        NodeKind::Object => {
            let mut pairs = Vec::new();
            for (name, child) in node.fields() {
                pairs.push((name.into_owned(), dynamic(&child)?));
            }
            Ok(Plain::Object(pairs))
        }
    }
}

fn fields(of: &'static MessageType, node: &Node) -> Result<Plain, String> {
    let mut pairs = Vec::new();
    for field in &of.fields {
        let Some(child) = node.field(field.name) else {
            continue;
        };
        // a default is made up only for fields that have no presence
        let many = field.label == Label::Repeated || field.map().is_some();
        let made_up = !child.is_stored();
        let of_extension = field.name.starts_with('[');
        if made_up && (of_extension || !field.implicit && !many) {
            continue;
        }
        let name = field.name.to_owned();
        if let Some(map) = field.map() {
            if let Some(fault) = child.fault() {
                return Err(fault.to_string());
            }
            let mut entries = Vec::new();
            let stored = child.bytes().unwrap_or_default();
            for (key, entry) in child.fields() {
                // what stands for bytes that are no UTF-8 is not in the message itself
                let is_stored = || stored.windows(key.len()).any(|part| part == key.as_bytes());
                if key.contains(char::REPLACEMENT_CHARACTER) && !is_stored() {
                    return Err(not_utf8(&entry));
                }
                entries.push((key.into_owned(), value(map.value, &entry)?));
            }
            if !entries.is_empty() || of.schema.defaults {
                pairs.push((name, Plain::Object(entries)));
            }
        } else if field.label == Label::Repeated {
            let items: Result<Vec<_>, _> = child.items().map(|item| value(field, &item)).collect();
            let items = items?;
            if !items.is_empty() || of.schema.defaults {
                pairs.push((name, Plain::Array(items)));
            }
        } else if made_up || of.schema.defaults || !is_default(field, &child) {
            pairs.push((name, value(field, &child)?));
        }
    }
    Ok(Plain::Object(pairs))
}

/// Whether a field without presence has its default, and so counts as absent.
fn is_default(field: &FieldType, node: &Node) -> bool {
    let actual = node.actual().unwrap_or(Scalar::Null);
    field.implicit
        && match (&actual, &field.default) {
            // a negative zero is no default
            (Scalar::Float(a), Scalar::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) if a == b => true,
            (a, b) => a.as_bytes().is_some() && a.as_bytes() == b.as_bytes(),
        }
}

fn value(field: &FieldType, node: &Node) -> Result<Plain, String> {
    match field.value.message() {
        Some(of) => message(of, node),
        None => scalar(&field.value, node),
    }
}

fn not_utf8(node: &Node) -> String {
    format!(
        "{}: text that is no UTF-8 has no form in JSON",
        node.path_text()
    )
}

fn scalar(value: &ValueType, node: &Node) -> Result<Plain, String> {
    if let Some(fault) = node.fault() {
        return Err(fault.to_string());
    }
    let actual = node.actual().unwrap_or(Scalar::Null);
    let is_text = || {
        node.codec()
            .and_then(Codec::as_any)
            .is_some_and(|codec| codec.is::<Text>())
    };
    if matches!(actual, Scalar::Bytes(_)) && is_text() {
        return Err(not_utf8(node));
    }
    Ok(Plain::Scalar(match (value, actual) {
        (ValueType::Enum(codec), _) if codec.name == NULL_VALUE => Scalar::Null,
        (ValueType::Enum(codec), n) => codec.symbol(&n).unwrap_or(n),
        (ValueType::Scalar { wide: true, .. }, Scalar::Int(n)) => n.to_string().into(),
        (_, Scalar::Float(x)) if x.is_nan() => "NaN".into(),
        (_, Scalar::Float(x)) if x.is_infinite() && x > 0.0 => "Infinity".into(),
        (_, Scalar::Float(x)) if x.is_infinite() => "-Infinity".into(),
        (_, Scalar::Bytes(bytes)) => base64(&bytes).into(),
        (_, other) => other,
    }))
}

fn any(of: &'static MessageType, node: &Node) -> Result<Plain, String> {
    let url = node.field("type_url").or_else(|| node.field("typeUrl"));
    let value = node.field("value").filter(Node::is_stored);
    let url = url.map_or_else(|| "".into(), |url| url.scalar());
    let text = url.as_str().unwrap_or_default();
    let holds_nothing = match &value {
        Some(value) => value.bytes().map_err(|e| e.to_string())?.is_empty(),
        None => true,
    };
    if text.is_empty() && holds_nothing {
        return Ok(Plain::Object(Vec::new()));
    }
    let Some(inside) = of.schema.any_type(text) else {
        return Err(format!(
            "{}: {text:?} names no type of the schema",
            node.path_text()
        ));
    };
    let inner = match value {
        Some(inner) => message(inside, &inner)?,
        None => message(inside, &schema::root(inside, no_bits().bytes().to_vec()))?,
    };
    let mut pairs = vec![("@type".to_owned(), Plain::Scalar(url))];
    match (inside.well_known, inner) {
        // an Empty has no form of its own
        (None | Some(WellKnown::Empty), Plain::Object(fields)) => pairs.extend(fields),
        (_, other) => pairs.push(("value".to_owned(), other)),
    }
    Ok(Plain::Object(pairs))
}

/// Bytes as base64, with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { digit as char } else { '=' });
        }
    }
    out
}

/// Any value as JSON has it: a message by its type, and what is no message as it is.
///
/// # Errors
/// As for a message; and a message whose type is not known.
pub fn any_value(
    find: &dyn Fn(&str) -> Option<&'static MessageType>,
    value: &Plain,
) -> Result<Plain, String> {
    match value {
        Plain::Node(node) => match (node.kind(), node.shape_name()) {
            (NodeKind::Scalar, _) => Ok(Plain::Scalar(match node.scalar() {
                Scalar::Bytes(bytes) => base64(&bytes).into(),
                other => other,
            })),
            (NodeKind::Array, _) => {
                let items = node.items().map(|item| any_value(find, &Plain::Node(item)));
                Ok(Plain::Array(items.collect::<Result<_, _>>()?))
            }
            (NodeKind::Object, name) => match name.and_then(find) {
                Some(of) => message(of, node),
                None => Err(format!(
                    "{}: to_protojson needs a message of a known type; --proto or --descriptor-set describe it",
                    node.path_text()
                )),
            },
        },
        other => Ok(match other {
            Plain::Scalar(Scalar::Bytes(bytes)) => Plain::Scalar(base64(bytes).into()),
            other => other.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
