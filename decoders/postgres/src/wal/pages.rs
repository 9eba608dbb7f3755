//! Page headers: `XLogPageHeaderData` and `XLogLongPageHeaderData`, src/include/access/xlog_internal.h.

use super::geometry::{Geometry, LONG, PageHeader, major_of};
use crate::lsn::Lsn;
use binq_core::codec::{Bool, Codec, Int};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Field, Fixed};
use binq_core::{Bits, Kind, Misfit, Scalar, Span};
use std::sync::Arc;

/// `xlp_magic`: tells the major version.
struct Magic;

impl Codec for Magic {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U16LE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U16LE.encode(value, like)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        let magic = u16::try_from(actual.as_int()?).ok()?;
        Some(match major_of(magic) {
            Some(major) => format!("{magic:04X}, PostgreSQL {major}"),
            None => format!("{magic:04X}, of no known version"),
        })
    }
}

/// `XLP_*`
static INFO: Fixed = Fixed {
    name: "xlp_info",
    fields: &[
        Field::flag("XLP_FIRST_IS_CONTRECORD", 0, &Bool),
        Field::flag("XLP_LONG_HEADER", 1, &Bool),
        Field::flag("XLP_BKP_REMOVABLE", 2, &Bool),
        Field::flag("XLP_FIRST_IS_OVERWRITE_CONTRECORD", 3, &Bool),
    ],
    word: Some(&Int::U16LE),
};

const SHORT_FIELDS: [Field; 5] = [
    Field::leaf("xlp_magic", 0, 2, &Magic),
    Field::of("xlp_info", 2, 2, &INFO),
    Field::leaf("xlp_tli", 4, 4, &Int::U32LE),
    Field::leaf("xlp_pageaddr", 8, 8, &Lsn),
    Field::leaf("xlp_rem_len", 16, 4, &Int::U32LE),
];

static SHORT: Fixed = Fixed {
    name: "XLogPageHeaderData",
    fields: &SHORT_FIELDS,
    word: None,
};

static LONG_PAGE: Fixed = Fixed {
    name: "XLogLongPageHeaderData",
    fields: &{
        let [magic, info, tli, pageaddr, rem_len] = SHORT_FIELDS;
        [
            magic,
            info,
            tli,
            pageaddr,
            rem_len,
            // 4 bytes of padding: xlp_sysid is aligned to 8
            Field::leaf("xlp_sysid", 24, 8, &Int::U64LE),
            Field::leaf("xlp_seg_size", 32, 4, &Int::U32LE),
            Field::leaf("xlp_xlog_blcksz", 36, 4, &Int::U32LE),
        ]
    },
    word: None,
};

/// `.pages[]`
pub struct Pages {
    /// Where they are.
    pub geometry: Arc<Geometry>,
}

impl Sequence for Pages {
    fn name(&self) -> &'static str {
        "page"
    }

    fn stride(&self) -> Option<u64> {
        Some(self.geometry.blcksz * 8)
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let left = at
            .span
            .end()
            .checked_sub(state.at)
            .filter(|left| *left > 0)?;
        let len = left.min(self.geometry.blcksz * 8);
        let info = PageHeader::read(at.space, state.at / 8).map_or(0, |h| h.info);
        let shape = if info & LONG != 0 { &LONG_PAGE } else { &SHORT };
        Some(Step {
            kind: Kind::fixed(shape),
            span: Span::bits(state.at, len),
            next: State::new(state.at + len),
        })
    }
}
