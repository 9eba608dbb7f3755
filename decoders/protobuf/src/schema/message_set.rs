//! Message sets (`message_set_wire_format`): an extension is a group of number 1, with the number of the extension as its
//! `type_id` (2), and its `message` (3).
//!
//! To everyone else, an item stands for the record of its extension, whose tag is the rest of the group. As in Google's
//! runtimes, the first `type_id` and the first `message` of an item count, in either order, and an extension may as well be
//! a record like any other.

use super::types::{Label, MessageType};
use crate::wire::build as wire;
use crate::wire::record::{EGROUP, LEN, Record, Records, Run, SGROUP, VARINT};
use crate::wire::varint;
use binq_core::{Malformed, Space, Span};

/// The number of an item.
const ITEM: u32 = 1;
/// The field of an item that has the number of the extension.
const TYPE_ID: u32 = 2;
/// The field of an item that has the extension.
const MESSAGE: u32 = 3;

impl MessageType {
    /// The record that a record of this message stands for: in a message set, an item stands for its extension. `content` is
    /// what is in the record.
    pub fn record_of(&'static self, record: Record, content: impl FnOnce() -> Vec<u8>) -> Record {
        if !self.is_set || record.number != ITEM || record.wire_type != SGROUP {
            return record;
        }
        let content = content();
        let inside = || Run::of(&content).records();
        let first =
            |number, wire_type| inside().find(|r| r.number == number && r.wire_type == wire_type);
        let type_id = first(TYPE_ID, VARINT);
        let type_id = type_id.and_then(|r| varint::read(&content[r.body as usize..]));
        let (Some((type_id, _)), Some(message)) = (type_id, first(MESSAGE, LEN)) else {
            return record;
        };
        // read as uint32
        let number = type_id as u32;
        let known = self
            .number(number)
            .is_some_and(|f| f.in_set && f.label == Label::Singular && f.value.message().is_some());
        if !known {
            return record;
        }
        Record {
            number,
            wire_type: LEN,
            start: record.start,
            tag_end: record.body + message.tag_end,
            body: record.body + message.body,
            body_end: record.body + message.body_end,
            end: record.end,
        }
    }

    /// The records of a message of this type.
    pub fn records<'a>(&'static self, space: &'a Space, span: Span) -> Fields<'a> {
        Fields {
            of: self,
            space,
            records: Run::new(space, span).records(),
        }
    }
}

/// A walk over the records of a message.
pub struct Fields<'a> {
    of: &'static MessageType,
    space: &'a Space,
    records: Records<'a>,
}

impl Fields<'_> {
    /// Where the next record begins.
    pub fn at(&self) -> u64 {
        self.records.at
    }

    /// What ended the walk before the end of the message.
    pub fn wrong(self) -> Option<Malformed> {
        self.records.wrong
    }
}

impl Iterator for Fields<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let record = self.records.next()?;
        let len = record.body_end - record.body;
        let content = || self.space.read(record.body, len).into_owned();
        Some(self.of.record_of(record, content))
    }
}

/// Write an item.
pub fn item(number: u32, message: &[u8], out: &mut Vec<u8>) {
    wire::tag(ITEM, SGROUP, out);
    wire::tag(TYPE_ID, VARINT, out);
    varint::write(number.into(), out);
    wire::len_record(MESSAGE, message, out);
    wire::tag(ITEM, EGROUP, out);
}
