//! Well-known types: read and assigned as JSON has them (<https://protobuf.dev/programming-guides/json/>).
//!
//! A value that JSON has no form for, such as a `Timestamp` in the year 12000 or a `Value` without a kind, is an object of
//! its fields like any other message.

use super::build;
use super::time;
use super::types::{FieldType, MessageType, ValueType};
use super::value;
use super::view::Opened;
use crate::wire::build as wire;
use crate::wire::codec::float_of;
use crate::wire::record::{LEN, Record, Run, VARINT, parts};
use crate::wire::varint;
use binq_core::codec::Codec;
use binq_core::{Bits, Frame, Kind, Misfit, Node, NodeKind, Plain, Ref, Scalar, Space, Span};

/// A type that is not just an object of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WellKnown {
    /// RFC 3339.
    Timestamp,
    /// Seconds, with an `s`.
    Duration,
    /// Paths, with commas.
    FieldMask,
    /// A scalar that can be absent.
    Wrapper,
    /// Any object.
    Struct,
    /// Any value.
    Value,
    /// Any list.
    ListValue,
    /// A message and its type.
    Any,
    /// An object without fields.
    Empty,
}

/// The enum whose only value is null in JSON.
pub const NULL_VALUE: &str = "google.protobuf.NullValue";

impl WellKnown {
    /// What a type of that name is.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("google.protobuf.")? {
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "Struct" => Self::Struct,
            "Value" => Self::Value,
            "ListValue" => Self::ListValue,
            "Any" => Self::Any,
            "Empty" => Self::Empty,
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
            | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
            _ => return None,
        })
    }
}

/// The node of a message.
pub fn open(of: &'static MessageType, space: &Space, span: Span, frame: Option<Frame>) -> Opened {
    let special = of
        .well_known
        .and_then(|kind| special(of, kind, space, span, frame.as_ref()));
    special.unwrap_or_else(|| Opened {
        kind: of.kind(),
        span,
        frame,
    })
}

fn special(
    of: &'static MessageType,
    kind: WellKnown,
    space: &Space,
    span: Span,
    frame: Option<&Frame>,
) -> Option<Opened> {
    let opened = |kind| {
        Some(Opened {
            kind,
            span,
            frame: frame.cloned(),
        })
    };
    match kind {
        WellKnown::Timestamp | WellKnown::Duration | WellKnown::FieldMask | WellKnown::Wrapper => {
            let codec = of.codec();
            codec.decode(&space.bits(span)).ok()?;
            if super::hidden::before_last(of, space, span) {
                return None;
            }
            opened(Kind::Leaf(Ref::Static(codec)))
        }
        WellKnown::Struct | WellKnown::ListValue => {
            let field = only_items(of, space, span)?;
            opened(match field.map() {
                Some(map) => map.kind(),
                None => field.items(),
            })
        }
        WellKnown::Value => opened(value::kind(of, space, span)?),
        WellKnown::Any | WellKnown::Empty => None,
    }
}

/// The field of the entries of a `Struct`, or of the items of a list; `None` where there is anything else.
pub fn only_items(
    of: &'static MessageType,
    space: &Space,
    span: Span,
) -> Option<&'static FieldType> {
    let mut records = Run::new(space, span).records();
    let only = records
        .by_ref()
        .all(|r| r.number == 1 && r.wire_type == LEN);
    of.number(1).filter(|_| only && records.wrong.is_none())
}

/// Whether null is a value of that type, and not its absence.
pub fn takes_null(value: &ValueType) -> bool {
    match value {
        ValueType::Enum(codec) => codec.name == NULL_VALUE,
        _ => value
            .message()
            .is_some_and(|of| of.well_known == Some(WellKnown::Value)),
    }
}

/// The bytes of a well-known type from what JSON has for it; `None` if the value is an object of its fields.
pub fn build(of: &'static MessageType, value: &Plain) -> Option<Result<Vec<u8>, String>> {
    let scalar = build::scalar(value);
    let encoded = |scalar: &Scalar| {
        let bits = of.codec().encode(scalar, &super::map::no_bits());
        bits.map(|bits| bits.bytes().to_vec())
            .map_err(|e| format!("takes {}, not {}", e.expected, e.found))
    };
    match of.well_known? {
        WellKnown::Timestamp | WellKnown::Duration | WellKnown::FieldMask | WellKnown::Wrapper => {
            Some(encoded(&scalar?))
        }
        WellKnown::Value => {
            if let Some(scalar) = scalar {
                return Some(encoded(&scalar));
            }
            let number = if build::items(value).is_some() { 6 } else { 5 };
            let field = of.number(number)?;
            Some(build::field(field, value))
        }
        WellKnown::Struct => {
            build::pairs(value)?;
            Some(build::field(of.number(1)?, value))
        }
        WellKnown::ListValue => {
            build::items(value)?;
            Some(build::field(of.number(1)?, value))
        }
        WellKnown::Any => any(of, value),
        WellKnown::Empty => None,
    }
}

/// An `Any` from `{type_url, value}` with a message as the value, or from `{"@type", …}` as JSON has it.
fn any(of: &'static MessageType, value: &Plain) -> Option<Result<Vec<u8>, String>> {
    let mut pairs = build::pairs(value)?;
    let take = |pairs: &mut Vec<(String, Plain)>, names: &[&str]| {
        let at = pairs.iter().position(|(k, _)| names.contains(&&**k))?;
        Some(pairs.remove(at).1)
    };
    let (url, inner) = match take(&mut pairs, &["@type"]) {
        Some(url) => {
            let url = build::scalar(&url)?.as_str()?.to_owned();
            let special = of
                .schema
                .any_type(&url)
                .is_some_and(|t| t.well_known.is_some());
            let inner = match take(&mut pairs, &["value"]).filter(|_| special) {
                Some(value) => value,
                None => Plain::Object(pairs),
            };
            (url, inner)
        }
        None => {
            let url = take(&mut pairs, &["type_url", "typeUrl"])?;
            let inner = take(&mut pairs, &["value"])?;
            if build::scalar(&inner).is_some_and(|s| matches!(s, Scalar::Bytes(_))) {
                return None;
            }
            (build::scalar(&url)?.as_str()?.to_owned(), inner)
        }
    };
    let Some(inside) = of.schema.any_type(&url) else {
        return Some(Err(format!("{url:?} names no type of the schema")));
    };
    Some(build::message(inside, &inner).map(|payload| {
        let mut out = Vec::new();
        wire::len_record(1, url.as_bytes(), &mut out);
        wire::len_record(2, &payload, &mut out);
        out
    }))
}

/// A message that reads as a scalar; its bytes are those of the message.
pub struct WktCodec {
    /// The type.
    pub of: &'static MessageType,
}

impl Codec for WktCodec {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes();
        let mut whole = Run::of(bytes).records();
        whole.by_ref().for_each(drop);
        if let Some(wrong) = whole.wrong {
            return Err(Misfit::new(wrong.expected, wrong.found));
        }
        let seconds = || integer(bytes, 1);
        let nanos = || integer(bytes, 2) as i32;
        match self.of.well_known {
            Some(WellKnown::Timestamp) => {
                let text = time::timestamp(seconds(), nanos());
                text.map(Scalar::from)
                    .ok_or_else(|| Misfit::new("a time from year 1 to 9999", seconds()))
            }
            Some(WellKnown::Duration) => {
                let text = time::duration(seconds(), nanos());
                text.map(Scalar::from)
                    .ok_or_else(|| Misfit::new("a time of at most 10,000 years", seconds()))
            }
            Some(WellKnown::FieldMask) => mask(bytes),
            Some(WellKnown::Wrapper) => {
                let (codec, number) = self.wrapped()?;
                match last(bytes, number, self.wrapped_type()) {
                    Some(record) => codec.decode(&slice(bits, &record)),
                    None => Ok(self
                        .of
                        .number(number)
                        .map_or(Scalar::Null, |f| f.default.clone())),
                }
            }
            _ => value::decode(bits),
        }
    }

    fn encode(&self, new: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| same(&old, new)) {
            return Ok(like.clone());
        }
        let bytes = like.bytes();
        let changed = match self.of.well_known {
            Some(WellKnown::Timestamp) => {
                let expected = "a time as in RFC 3339: \"1972-01-01T10:00:20.021Z\"";
                let parsed = new.as_str().and_then(time::parse_timestamp);
                let (seconds, nanos) = parsed.ok_or_else(|| Misfit::new(expected, new))?;
                set_time(bytes, seconds, nanos)
            }
            Some(WellKnown::Duration) => {
                let expected = "seconds with an s: \"1.5s\"";
                let parsed = new.as_str().and_then(time::parse_duration);
                let (seconds, nanos) = parsed.ok_or_else(|| Misfit::new(expected, new))?;
                set_time(bytes, seconds, nanos)
            }
            Some(WellKnown::FieldMask) => set_mask(bytes, new)?,
            Some(WellKnown::Wrapper) => {
                let (codec, number) = self.wrapped()?;
                let old = last(bytes, number, self.wrapped_type());
                let spelled = old.map_or_else(super::map::no_bits, |r| slice(like, &r));
                // JSON writes integers of 64 bits as text
                let number_as_text = match (new, self.of.number(number).map(|f| &f.value)) {
                    (Scalar::Str(text), Some(ValueType::Scalar { wide: true, .. })) => {
                        text.parse().ok().map(Scalar::Int)
                    }
                    _ => None,
                };
                let new = codec.encode(number_as_text.as_ref().unwrap_or(new), &spelled)?;
                set(bytes, number, self.wrapped_type(), new.bytes(), old)
            }
            _ => value::encode(new)?,
        };
        Ok(Bits::from_bytes(changed))
    }

    /// The seconds and nanoseconds of a time.
    fn part(&self, name: &str, bits: &Bits) -> Option<(Span, Ref<dyn Codec>)> {
        let (number, codec) = self.time_part(name)?;
        let span = match last(bits.bytes(), number, VARINT) {
            Some(record) => record.body(),
            None => Span::bits(bits.len(), 0),
        };
        Some((span, Ref::Static(codec)))
    }

    fn with_part(&self, name: &str, new: &Bits, bits: &Bits) -> Option<(Bits, Kind)> {
        let (number, _) = self.time_part(name)?;
        let bytes = bits.bytes();
        let old = last(bytes, number, VARINT);
        let changed = match (old, new.len()) {
            (None, 0) => bytes.to_vec(),
            _ => set(bytes, number, VARINT, new.bytes(), old),
        };
        let changed = Bits::from_bytes(changed);
        // a time that has no text is an object of its fields
        let kind = match self.decode(&changed) {
            Ok(_) => Kind::Leaf(Ref::Static(self.of.codec())),
            Err(_) => self.of.kind(),
        };
        Some((changed, kind))
    }

    fn rebuild(&self, value: &Plain) -> Option<Result<Node, String>> {
        let is_value = self.of.well_known == Some(WellKnown::Value);
        (is_value && value.kind() != NodeKind::Scalar).then(|| value::rebuilt(self.of, value))
    }
}

impl WktCodec {
    /// The number of a part of a time, and how it is stored.
    fn time_part(&self, name: &str) -> Option<(u32, &'static dyn Codec)> {
        let is_time = matches!(
            self.of.well_known,
            Some(WellKnown::Timestamp | WellKnown::Duration)
        );
        match name {
            "seconds" if is_time => Some((1, &time::SECONDS)),
            "nanos" if is_time => Some((2, &time::NANOS)),
            _ => None,
        }
    }

    fn wrapped(&self) -> Result<(&'static dyn Codec, u32), Misfit> {
        let codec = self.of.number(1).and_then(|f| f.value.codec());
        codec
            .map(|c| (c, 1))
            .ok_or_else(|| Misfit::new("a wrapper", self.of.name))
    }

    fn wrapped_type(&self) -> u8 {
        self.of.number(1).map_or(VARINT, |f| f.value.wire_type())
    }
}

fn same(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Float(a), b) => float_of(b).is_some_and(|b| a.to_bits() == b.to_bits()),
        (a, b) => a == b,
    }
}

pub(super) fn slice(bits: &Bits, record: &Record) -> Bits {
    bits.slice(record.body * 8, (record.body_end - record.body) * 8)
}

fn last(bytes: &[u8], number: u32, wire_type: u8) -> Option<Record> {
    let records = Run::of(bytes).records();
    records
        .filter(|r| r.number == number && r.wire_type == wire_type)
        .last()
}

fn integer(bytes: &[u8], number: u32) -> i64 {
    let record = last(bytes, number, VARINT);
    let raw = record.and_then(|r| varint::read(&bytes[r.body as usize..]));
    raw.map_or(0, |(raw, _)| raw as i64)
}

/// The bytes of a message with the value of one field replaced, or added at the end.
fn set(bytes: &[u8], number: u32, wire_type: u8, value: &[u8], old: Option<Record>) -> Vec<u8> {
    let mut out = Vec::new();
    let (head, tail) = match old {
        Some(r) => (&bytes[..r.tag_end as usize], &bytes[r.end as usize..]),
        None => (bytes, &[][..]),
    };
    out.extend_from_slice(head);
    if old.is_none() {
        wire::tag(number, wire_type, &mut out);
    }
    if wire_type == LEN {
        let like = old.map_or(&[][..], |r| &bytes[r.tag_end as usize..r.body as usize]);
        varint::write_like(value.len() as u64, like, &mut out);
    }
    out.extend_from_slice(value);
    out.extend_from_slice(tail);
    out
}

fn set_time(bytes: &[u8], seconds: i64, nanos: i32) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (number, new) in [(1, seconds), (2, i64::from(nanos))] {
        if integer(&out, number) == new {
            continue;
        }
        let old = last(&out, number, VARINT);
        let like = old.map_or(&[][..], |r| &out[r.body as usize..r.body_end as usize]);
        let mut value = Vec::new();
        varint::write_like(new as u64, like, &mut value);
        out = set(&out, number, VARINT, &value, old);
    }
    out
}

/// Paths in lowerCamelCase, with commas.
fn mask(bytes: &[u8]) -> Result<Scalar, Misfit> {
    let mut paths = Vec::new();
    for (record, body) in parts(bytes) {
        if record.number == 1 && record.wire_type == LEN {
            let path = std::str::from_utf8(body).ok();
            let camel = path.and_then(camel);
            paths.push(camel.ok_or_else(|| {
                Misfit::new("a path that JSON can write", String::from_utf8_lossy(body))
            })?);
        }
    }
    match paths.as_slice() {
        // what is written so is a mask without paths
        [one] if one.is_empty() => Err(Misfit::new(
            "a path that JSON can write",
            "one that is empty",
        )),
        paths => Ok(paths.join(",").into()),
    }
}

/// `foo_bar` as `fooBar`, if that can be undone.
fn camel(path: &str) -> Option<String> {
    let mut out = String::new();
    let mut after = false;
    for c in path.chars() {
        match c {
            '_' if after => return None,
            '_' => after = true,
            'A'..='Z' | ',' => return None,
            'a'..='z' if after => {
                out.push(c.to_ascii_uppercase());
                after = false;
            }
            _ if after => return None,
            c => out.push(c),
        }
    }
    (!after).then_some(out)
}

fn snake(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn set_mask(bytes: &[u8], new: &Scalar) -> Result<Vec<u8>, Misfit> {
    let text = new.as_str();
    let text = text.filter(|t| !t.contains('_'));
    let text = text.ok_or_else(|| Misfit::new("paths in lowerCamelCase with commas", new))?;
    let mut paths = Vec::new();
    // between two commas is a path that is empty
    for path in text.split(',').filter(|_| !text.is_empty()) {
        wire::len_record(1, snake(path).as_bytes(), &mut paths);
    }
    let mut out = Vec::new();
    let mut paths = Some(paths);
    for record in Run::of(bytes).records() {
        if record.number == 1 && record.wire_type == LEN {
            out.extend(paths.take().unwrap_or_default());
        } else {
            out.extend_from_slice(&bytes[record.start as usize..record.end as usize]);
        }
    }
    out.extend(paths.unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Google's Python writes and reads them: a path that is empty is one. One by itself would be read as none.
    #[test]
    fn masks_keep_paths_that_are_empty() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("a", b"\x0a\x01a"),
            ("a,,b", b"\x0a\x01a\x0a\x00\x0a\x01b"),
            (",a", b"\x0a\x00\x0a\x01a"),
            ("a,", b"\x0a\x01a\x0a\x00"),
            (",", b"\x0a\x00\x0a\x00"),
        ] {
            assert_eq!(set_mask(b"", &text.into()).unwrap(), bytes, "{text}");
            assert_eq!(mask(bytes).unwrap(), Scalar::from(text), "{text}");
        }
        assert!(mask(b"\x0a\x00").is_err());
    }
}
