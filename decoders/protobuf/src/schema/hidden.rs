//! What no node shows: values that a later one replaces, and entries of a map that a later one of the same key replaces.
//!
//! A runtime parses all of them, and refuses the message for what is wrong with any.

use super::types::{FieldType, Label, MessageType};
use crate::wire::record::{LEN, MOST_DEPTH, Record, Run};
use crate::wire::view::too_deep;
use binq_core::codec::Codec;
use binq_core::{Malformed, Space, Span};

/// What a reader stops at in a message of that type, so many levels down.
pub fn in_message(
    of: &'static MessageType,
    space: &Space,
    span: Span,
    depth: u16,
) -> Option<Malformed> {
    if depth > MOST_DEPTH {
        return Some(too_deep(span));
    }
    let mut records = of.records(space, span);
    let inside = records.find_map(|record| {
        let field = of.field_of(&record, space)?;
        in_value(field, space, &record, depth)
    });
    inside.or_else(|| records.wrong())
}

/// What a reader stops at in a value of that field, in a message so many levels down.
pub fn in_value(
    field: &'static FieldType,
    space: &Space,
    record: &Record,
    depth: u16,
) -> Option<Malformed> {
    match (field.value.message(), field.value.codec()) {
        // the entry is no level of its own
        (Some(entry), _) if field.map().is_some() => in_message(entry, space, record.body(), depth),
        (Some(of), _) => in_message(of, space, record.body(), depth + 1),
        (None, Some(codec)) if is_packed(field, record) => {
            let mut at = record.body;
            while at < record.body_end {
                let item = field.packed_item(space, at, record.body_end);
                if let Some(wrong) = in_scalar(codec, space, item) {
                    return Some(wrong);
                }
                at = item.end_byte();
            }
            None
        }
        (None, Some(codec)) => in_scalar(codec, space, record.body()),
        (None, None) => None,
    }
}

fn is_packed(field: &FieldType, record: &Record) -> bool {
    field.label == Label::Repeated && record.wire_type == LEN && field.value.packs()
}

/// What a reader stops at in a scalar.
pub fn in_scalar(codec: &dyn Codec, space: &Space, span: Span) -> Option<Malformed> {
    let misfit = codec.decode(&space.bits(span)).err()?;
    Some(Malformed::new(
        span.first_byte(),
        misfit.expected,
        misfit.found,
    ))
}

/// Whether a reader stops at any record of a message but the last.
pub fn before_last(of: &'static MessageType, space: &Space, span: Span) -> bool {
    let mut before: Option<Record> = None;
    Run::new(space, span).records().any(|record| {
        let before = before.replace(record);
        before.is_some_and(|record| {
            let field = of.field_of(&record, space);
            field.is_some_and(|field| in_value(field, space, &record, 0).is_some())
        })
    })
}
