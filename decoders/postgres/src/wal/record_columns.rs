//! Fields of many records at once, from their headers.

use super::geometry::Geometry;
use super::record::{RECORD, Rmid};
use super::records::Records;
use super::rmgr;
use super::scan::{Header, align};
use crate::lsn::Lsn;
use binq_core::codec::{Codec, Int};
use binq_core::columns::{Batch, Column, Read};
use binq_core::sequence::{SeqAt, Sequence, State};
use binq_core::{Kind, Name, Ref, Scalar};

/// A field that the header of a record tells, and its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Lsn,
    EndLsn,
    Rmgr,
    RecordType,
    TotLen,
    Xid,
    Prev,
    Info,
    Rmid,
    Padding,
    Crc,
}

#[rustfmt::skip]
static FIELDS: [(&str, Field); 11] = [
    ("lsn", Field::Lsn), ("end_lsn", Field::EndLsn), ("rmgr", Field::Rmgr), ("record_type", Field::RecordType),
    ("xl_tot_len", Field::TotLen), ("xl_xid", Field::Xid), ("xl_prev", Field::Prev), ("xl_info", Field::Info),
    ("xl_rmid", Field::Rmid), ("padding", Field::Padding), ("xl_crc", Field::Crc),
];

impl Field {
    fn column(self, major: u8) -> Column {
        let codec: &'static dyn Codec = match self {
            Self::Rmgr | Self::RecordType => return Column::coded(),
            Self::Lsn | Self::EndLsn | Self::Prev => &Lsn,
            Self::TotLen | Self::Xid | Self::Crc => &Int::U32LE,
            Self::Info => &Int::U8,
            Self::Rmid => Rmid::of(major),
            Self::Padding => &Int::U16LE,
        };
        Column::of(Ref::Static(codec))
    }
}

/// Of a record: its first byte in the stream and behind it, and its header.
struct Seen<'a> {
    start: u64,
    end: u64,
    header: &'a Header,
}

pub struct RecordColumns {
    records: Records,
    fields: Vec<Field>,
    /// Numbers of names in the dictionaries, by manager and info bits; those of managers have the bits 0.
    codes: Vec<Option<Vec<Option<u32>>>>,
}

impl RecordColumns {
    /// A reader of these fields, if the headers tell all of them.
    pub fn new(records: &Records, fields: &[Name]) -> Option<Self> {
        let field = |name: &Name| FIELDS.iter().find(|(n, _)| n == name).map(|(_, f)| *f);
        let fields = fields.iter().map(field).collect::<Option<Vec<_>>>()?;
        Some(Self {
            records: records.clone(),
            codes: fields.iter().map(|_| None).collect(),
            fields,
        })
    }

    /// The name of a manager or of a type of records.
    fn name(geometry: &Geometry, field: Field, header: &Header) -> Option<Scalar> {
        let name = match field {
            Field::Rmgr => rmgr::rmgr_name(geometry.major(), header.rmid)?.into(),
            _ => super::record::record_type(geometry, header),
        };
        Some(name)
    }

    fn push(&mut self, seen: &Seen<'_>, into: &mut Batch) {
        let (geometry, header) = (self.records.geometry(), seen.header);
        for (i, column) in into.columns.iter_mut().enumerate() {
            let field = self.fields[i];
            match field {
                Field::Lsn => column.uint(geometry.lsn(seen.start)),
                Field::EndLsn => {
                    let end = match header.is_switch() {
                        true => geometry.next_segment(seen.start),
                        false => align(seen.end),
                    };
                    column.uint(geometry.lsn_after(end));
                }
                Field::TotLen => column.uint(header.tot_len.into()),
                Field::Xid => column.uint(header.xid.into()),
                Field::Prev => column.uint(header.prev),
                Field::Info => column.uint(header.info.into()),
                Field::Rmid => column.uint(header.rmid.into()),
                Field::Padding => column.uint(header.padding.into()),
                Field::Crc => column.uint(header.crc()),
                Field::Rmgr | Field::RecordType => {
                    let info = if field == Field::Rmgr { 0 } else { header.info };
                    let at = usize::from(header.rmid) << 8 | usize::from(info);
                    let codes = self.codes[i].get_or_insert_with(|| vec![None; 1 << 16]);
                    if codes[at].is_none() {
                        let name = Self::name(geometry, field, header);
                        codes[at] = name.and_then(|name| column.code_of(&name));
                    }
                    match codes[at] {
                        Some(code) => column.code(code),
                        None => column.ask(),
                    }
                }
            }
        }
    }
}

impl Read for RecordColumns {
    fn columns(&self) -> Vec<Column> {
        let major = self.records.geometry().major();
        self.fields
            .iter()
            .map(|field| field.column(major))
            .collect()
    }

    fn read(&mut self, at: &SeqAt<'_>, state: &mut State, most: usize, into: &mut Batch) {
        let records = self.records.clone();
        let scan = records.scan(at.space);
        let until = into.len() + most;
        while into.len() < until {
            let left = (until - into.len()) as u64;
            let run = scan.run_with(
                align(state.at / 8),
                state.memory,
                left,
                |start, prev, header| {
                    into.row(&State::with(start * 8, prev));
                    let end = start + u64::from(header.tot_len);
                    self.push(&Seen { start, end, header }, into);
                },
            );
            if run.records > 0 {
                state.at = run.next * 8;
                state.memory = run.prev;
                continue;
            }
            let Some(step) = records.step(at, state) else {
                return;
            };
            let start = step.span.first_byte();
            let header = Header::read(&at.space.read(start, super::scan::RECORD_HEADER));
            let is_record = matches!(&step.kind, Kind::Struct(shape) if shape.name() == RECORD);
            match header.filter(|_| is_record) {
                Some(header) => {
                    let end = step.span.end_byte();
                    into.row(state);
                    self.push(
                        &Seen {
                            start,
                            end,
                            header: &header,
                        },
                        into,
                    );
                }
                None => into.ask(state),
            }
            *state = step.next;
        }
    }
}
