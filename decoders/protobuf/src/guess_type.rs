//! Which types of a schema fit some bytes.

use crate::schema::types::{FieldType, Label, MessageType, Schema};
use crate::wire::record::{I32, I64, LEN, MOST_DEPTH, Run, parts};
use crate::wire::varint;

/// A type that fits.
pub struct Fit {
    /// Full name.
    pub name: &'static str,
    /// Values that the type knows, at any depth.
    pub known: u64,
    /// Records that it does not know.
    pub unknown: u64,
}

/// The types that fit, the best first: those with the fewest unknown records; of these, those with the most values that are
/// known; of these, those with the fewest fields.
pub fn rank(schema: &'static Schema, bytes: &[u8]) -> Vec<Fit> {
    let types = schema
        .names()
        .into_iter()
        .filter_map(|name| schema.message(&name));
    let mut fits: Vec<(Fit, usize)> = types
        .filter_map(|of| {
            let mut fit = Fit {
                name: of.name,
                known: 0,
                unknown: 0,
            };
            message(of, bytes, 0, &mut fit)?;
            // bytes of which nothing is known fit every type
            (fit.known > 0 || bytes.is_empty()).then_some((fit, of.fields.len()))
        })
        .collect();
    fits.sort_by(|(a, m), (b, n)| {
        (a.unknown, b.known, m, a.name).cmp(&(b.unknown, a.known, n, b.name))
    });
    fits.into_iter().map(|(fit, _)| fit).collect()
}

/// `None` if the bytes are no message of that type: damage, another wire type, text that is no UTF-8.
fn message(of: &'static MessageType, bytes: &[u8], depth: u16, fit: &mut Fit) -> Option<()> {
    if depth > MOST_DEPTH {
        return None;
    }
    let mut whole = Run::of(bytes).records();
    whole.by_ref().for_each(drop);
    if whole.wrong.is_some() {
        return None;
    }
    for (record, body) in parts(bytes) {
        let record = of.record_of(record, || body.to_vec());
        let body = &bytes[record.body as usize..record.body_end as usize];
        match of.number(record.number) {
            None => fit.unknown += 1,
            Some(field) if record.wire_type == field.value.wire_type() => {
                fit.known += 1;
                value(field, body, depth, fit)?;
            }
            Some(field) => {
                let packs = field.label == Label::Repeated && field.value.packs();
                if record.wire_type != LEN || !packs || !is_packed(field, body) {
                    return None;
                }
                fit.known += 1;
            }
        }
    }
    Some(())
}

fn value(field: &'static FieldType, body: &[u8], depth: u16, fit: &mut Fit) -> Option<()> {
    if let Some(of) = field.value.message() {
        return message(of, body, depth + 1, fit);
    }
    let codec = field.value.codec()?;
    let bits = binq_core::Bits::from_bytes(body.to_vec());
    codec.decode(&bits).ok().map(|_| ())
}

fn is_packed(field: &FieldType, mut body: &[u8]) -> bool {
    match field.value.wire_type() {
        I32 => body.len().is_multiple_of(4),
        I64 => body.len().is_multiple_of(8),
        _ => {
            while let Some((_, size)) = varint::read(body) {
                body = &body[size..];
            }
            body.is_empty()
        }
    }
}
