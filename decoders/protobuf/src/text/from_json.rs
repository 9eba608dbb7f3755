//! Messages from the JSON mapping of protobuf: <https://protobuf.dev/programming-guides/json/>.
//!
//! What is written is what Google's runtimes write: fields in the order of their numbers, none that has no presence and its
//! default. What a runtime would refuse is an error.

use super::json::BASE64;
use crate::schema::canonical::is_default;
use crate::schema::types::{FieldType, Label, MessageType, ValueType};
use crate::schema::well_known::{NULL_VALUE, WellKnown};
use crate::schema::{self, no_bits};
use crate::wire::build::{describe, len_record};
use binq_core::codec::Codec;
use binq_core::codec::Float;
use binq_core::{Plain, Scalar};
use std::collections::HashMap;

/// How JSON is read.
pub struct Reader {
    /// Leave out fields, and values of enums, that the schema does not have.
    pub ignore_unknown: bool,
}

/// The field of a `Value` for each kind of JSON value.
mod value_field {
    pub const NULL: u32 = 1;
    pub const NUMBER: u32 = 2;
    pub const STRING: u32 = 3;
    pub const BOOL: u32 = 4;
    pub const STRUCT: u32 = 5;
    pub const LIST: u32 = 6;
}

/// Deepest nesting that is read, as in Google's runtimes.
const MOST_DEPTH: u32 = 100;

type Encoded<T = Vec<u8>> = Result<T, String>;

impl Reader {
    /// The bytes of a message.
    ///
    /// # Errors
    /// What the JSON mapping does not have for that type.
    pub fn message(&self, of: &'static MessageType, value: &Plain) -> Encoded {
        self.nested(of, value, 0)
    }

    fn nested(&self, of: &'static MessageType, value: &Plain, depth: u32) -> Encoded {
        if depth > MOST_DEPTH {
            return Err(format!("at most {MOST_DEPTH} messages in each other"));
        }
        let missing = || format!("{} lacks a field", of.name);
        match of.well_known {
            Some(WellKnown::Timestamp | WellKnown::Duration | WellKnown::FieldMask) => {
                let text = text_of(value);
                let text = text.ok_or_else(|| wanted(of.name, "a string", value))?;
                let bits = of.codec().encode(&text, &no_bits());
                let bits = bits.map_err(|e| wanted(of.name, &e.expected, value))?;
                Ok(bits.bytes().to_vec())
            }
            Some(WellKnown::Wrapper) => {
                let field = of.number(1).ok_or_else(missing)?;
                self.singular(field, value, depth)
            }
            Some(WellKnown::Value) => {
                let number = match value {
                    Plain::Scalar(Scalar::Null) => value_field::NULL,
                    Plain::Scalar(Scalar::Bool(_)) => value_field::BOOL,
                    Plain::Scalar(Scalar::Int(_) | Scalar::Float(_)) => value_field::NUMBER,
                    Plain::Scalar(_) => value_field::STRING,
                    Plain::Array(_) => value_field::LIST,
                    _ => value_field::STRUCT,
                };
                let field = of.number(number).ok_or_else(missing)?;
                let bytes = self.value(field, value, depth)?.unwrap_or_default();
                let mut out = Vec::new();
                schema::record(field, &bytes, &mut out);
                Ok(out)
            }
            Some(WellKnown::Struct | WellKnown::ListValue) => {
                let field = of.number(1).ok_or_else(missing)?;
                self.field(field, value, depth)
            }
            Some(WellKnown::Any) => self.any(of, value, depth),
            Some(WellKnown::Empty) | None => self.fields(of, value, depth),
        }
    }

    fn fields(&self, of: &'static MessageType, value: &Plain, depth: u32) -> Encoded {
        let Plain::Object(pairs) = value else {
            return Err(wanted(of.name, "an object", value));
        };
        let mut given: HashMap<u32, &str> = HashMap::new();
        let mut chosen: HashMap<&str, &str> = HashMap::new();
        let mut records: Vec<(u32, Vec<u8>)> = Vec::new();
        for (name, value) in pairs {
            let Some(field) = of.named_anyhow(name) else {
                if self.ignore_unknown {
                    continue;
                }
                return Err(format!("{} has no field {name:?}", of.name));
            };
            if let Some(other) = given.insert(field.number, name) {
                return Err(format!("{}: {other:?} and {name:?} are one field", of.name));
            }
            if is_null(value) && !takes_null(&field.value) {
                continue;
            }
            if let Some(oneof) = field.oneof
                && let Some(other) = chosen.insert(oneof, name)
            {
                return Err(format!(
                    "{}: of oneof {oneof}, there can be only one of {other:?} and {name:?}",
                    of.name
                ));
            }
            let bytes = self.field(field, value, depth);
            records.push((field.number, bytes.map_err(|e| format!("{name}: {e}"))?));
        }
        records.sort_by_key(|(number, _)| *number);
        Ok(records.into_iter().flat_map(|(_, bytes)| bytes).collect())
    }

    /// The records of a field.
    fn field(&self, field: &'static FieldType, value: &Plain, depth: u32) -> Encoded {
        if let Some(map) = field.map() {
            let Plain::Object(pairs) = value else {
                return Err(wanted(field.name, "an object", value));
            };
            let mut out = Vec::new();
            let mut keys: HashMap<String, ()> = HashMap::new();
            for (key, value) in pairs {
                let named = |e: String| format!("{key}: {e}");
                let scalar = map.key_of(key).map_err(named)?;
                if keys.insert(scalar.to_string(), ()).is_some() {
                    return Err(format!("the key {key:?} is there twice"));
                }
                let scalar = encode(map.key, &scalar)?;
                if is_null(value) && !takes_null(&map.value.value) {
                    return Err(named(wanted(field.name, "no null", value)));
                }
                let Some(bytes) = self.value(map.value, value, depth).map_err(named)? else {
                    continue;
                };
                let mut entry = Vec::new();
                schema::record(map.key, &scalar, &mut entry);
                schema::record(map.value, &bytes, &mut entry);
                len_record(field.number, &entry, &mut out);
            }
            return Ok(out);
        }
        if field.label == Label::Singular {
            return self.singular(field, value, depth);
        }
        let Plain::Array(values) = value else {
            return Err(wanted(field.name, "an array", value));
        };
        let mut items = Vec::with_capacity(values.len());
        for (i, value) in values.iter().enumerate() {
            let named = |e: String| format!("[{i}]: {e}");
            if is_null(value) && !takes_null(&field.value) {
                return Err(named(wanted(field.name, "no null", value)));
            }
            items.extend(self.value(field, value, depth).map_err(named)?);
        }
        let mut out = Vec::new();
        if field.packed && field.value.packs() {
            if !items.is_empty() {
                len_record(field.number, &items.concat(), &mut out);
            }
        } else {
            for item in &items {
                schema::record(field, item, &mut out);
            }
        }
        Ok(out)
    }

    /// The record of a field that is there once; none if it has no presence and its default.
    fn singular(&self, field: &'static FieldType, value: &Plain, depth: u32) -> Encoded {
        let mut out = Vec::new();
        if let Some(bytes) = self.value(field, value, depth)?
            && !(field.implicit && is_default(field, &bytes))
        {
            schema::record(field, &bytes, &mut out);
        }
        Ok(out)
    }

    /// The bytes of one value; `None` for one that is left out.
    fn value(
        &self,
        field: &'static FieldType,
        value: &Plain,
        depth: u32,
    ) -> Encoded<Option<Vec<u8>>> {
        match &field.value {
            ValueType::Message { .. } => {
                let of = field.value.message();
                let of = of.ok_or_else(|| format!("{} has no type", field.name))?;
                self.nested(of, value, depth + 1).map(Some)
            }
            ValueType::Enum(codec) => {
                let Plain::Scalar(scalar) = value else {
                    return Err(wanted(field.name, "a name or number", value));
                };
                let number = match scalar {
                    Scalar::Null if codec.name == NULL_VALUE => Some(Scalar::Int(0)),
                    Scalar::Str(_) => codec.actual(scalar),
                    Scalar::Int(_) | Scalar::Float(_) => scalar.as_int().map(Scalar::Int),
                    _ => return Err(wanted(field.name, "a name or number", value)),
                };
                match number {
                    Some(number) => encode(field, &number).map(Some),
                    None if self.ignore_unknown => Ok(None),
                    None => Err(wanted(field.name, "a value of the enum", value)),
                }
            }
            ValueType::Scalar { codec, .. } => {
                let Plain::Scalar(scalar) = value else {
                    return Err(wanted(field.name, "a scalar", value));
                };
                let scalar = read(*codec, &field.default, scalar);
                let scalar = scalar.map_err(|expected| wanted(field.name, expected, value))?;
                encode(field, &scalar).map(Some)
            }
        }
    }

    fn any(&self, of: &'static MessageType, value: &Plain, depth: u32) -> Encoded {
        let Plain::Object(pairs) = value else {
            return Err(wanted(of.name, "an object", value));
        };
        let Some(at) = pairs.iter().position(|(name, _)| name == "@type") else {
            return match pairs.is_empty() || self.ignore_unknown {
                true => Ok(Vec::new()),
                false => Err(wanted(of.name, "an object with @type", value)),
            };
        };
        let url = text_of(&pairs[at].1);
        let url = url.as_ref().and_then(Scalar::as_str);
        let url = url.ok_or_else(|| wanted("@type", "a string", &pairs[at].1))?;
        let inside = of.schema.any_type(url);
        let inside = inside.ok_or_else(|| format!("@type: {url:?} names no type of the schema"))?;
        let mut rest = pairs.clone();
        rest.remove(at);
        let is_special = inside
            .well_known
            .is_some_and(|known| known != WellKnown::Empty);
        let inner = if is_special {
            match rest.as_slice() {
                [(name, value)] if name == "value" => value.clone(),
                _ => return Err(format!("a {} in an Any is its value", inside.name)),
            }
        } else {
            if inside.well_known == Some(WellKnown::Empty) {
                rest.retain(|(name, _)| name != "value");
            }
            Plain::Object(rest)
        };
        let payload = self.nested(inside, &inner, depth + 1)?;
        let mut out = Vec::new();
        for (number, bytes) in [(1, url.as_bytes()), (2, &payload)] {
            if !bytes.is_empty() {
                len_record(number, bytes, &mut out);
            }
        }
        Ok(out)
    }
}

fn is_null(value: &Plain) -> bool {
    matches!(value, Plain::Scalar(Scalar::Null))
}

/// Whether null is a value, and not an absent field.
fn takes_null(value: &ValueType) -> bool {
    schema::well_known::takes_null(value)
}

fn wanted(what: &str, expected: &str, found: &Plain) -> String {
    format!("{what} takes {expected}, not {}", describe(found))
}

fn text_of(value: &Plain) -> Option<Scalar> {
    match value {
        Plain::Scalar(s @ Scalar::Str(_)) => Some(s.clone()),
        _ => None,
    }
}

fn encode(field: &FieldType, scalar: &Scalar) -> Encoded {
    let codec = field.value.codec();
    let codec = codec.ok_or_else(|| format!("{} is a message", field.name))?;
    let bits = codec.encode(scalar, &no_bits());
    let bits = bits.map_err(|e| format!("{} takes {}, not {}", field.name, e.expected, e.found))?;
    Ok(bits.bytes().to_vec())
}

/// The scalar that JSON means, for a field of that codec; its default tells text, bytes and truth values apart.
fn read(codec: &dyn Codec, default: &Scalar, json: &Scalar) -> Result<Scalar, &'static str> {
    let any = codec.as_any();
    let is_float = any.is_some_and(|c| c.is::<Float>());
    match (default, json) {
        (Scalar::Bool(_), Scalar::Bool(_)) => Ok(json.clone()),
        (Scalar::Bool(_), _) => Err("true or false"),
        (Scalar::Str(_), Scalar::Str(_)) => Ok(json.clone()),
        (Scalar::Str(_), _) => Err("a string"),
        (Scalar::Bytes(_), Scalar::Str(text)) => match from_base64(text) {
            Some(bytes) => Ok(Scalar::Bytes(bytes.into())),
            None => Err("base64"),
        },
        (Scalar::Bytes(_), _) => Err("base64"),
        (_, Scalar::Int(_)) => Ok(json.clone()),
        (_, Scalar::Float(x)) if x.is_finite() => Ok(json.clone()),
        (_, Scalar::Float(_)) => Err("a number that is not beyond the largest"),
        (_, Scalar::Str(text)) => match &**text {
            "NaN" | "Infinity" | "-Infinity" if is_float => Ok(json.clone()),
            text => number(text).ok_or("a number"),
        },
        _ => Err("a number"),
    }
}

/// The number of a text, as JSON writes numbers.
fn number(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &digits[whole..];
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let is_number = (whole == 1 || whole > 1 && !digits.starts_with('0'))
        && (fraction.is_empty() || fraction.strip_prefix('.').is_some_and(all_digits))
        && exponent.is_none_or(|e| all_digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if !is_number {
        return None;
    }
    match text.parse() {
        Ok(n) if text != "-0" => Some(Scalar::Int(n)),
        _ => {
            let x: f64 = text.parse().ok()?;
            x.is_finite().then_some(Scalar::Float(x))
        }
    }
}

/// The bytes of base64, of either alphabet, with padding or without.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_padded = padding <= 2 && text.len().is_multiple_of(4);
    if digits.len() % 4 == 1 || padding > 0 && !is_padded {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut word, mut bits) = (0u32, 0);
    for digit in digits.bytes() {
        let digit = match digit {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
        let value = BASE64.iter().position(|d| *d == digit)?;
        word = word << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{from_base64, number};
    use binq_core::Scalar;

    #[test]
    fn base64_of_either_alphabet() {
        for text in ["+/+/Zg==", "-_-_Zg", "-_-_Zg=="] {
            assert_eq!(
                from_base64(text).as_deref(),
                Some(&b"\xfb\xff\xbf\x66"[..]),
                "{text}"
            );
        }
        for wrong in ["A", "AA=", "A===", "A A=", "é"] {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_as_text() {
        assert_eq!(number("-12"), Some(Scalar::Int(-12)));
        assert_eq!(number("1e2"), Some(Scalar::Float(100.0)));
        assert_eq!(number("0.5E+1"), Some(Scalar::Float(5.0)));
        for wrong in [
            "", "-", "+1", "01", "1.", ".5", "1e", " 1", "1 ", "0x1", "1e400",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
