//! What the headers of files and of entries have in common.

use binq_core::codec::{Bool, Int, LeBits, Named, Raw};
use binq_core::rule::Rule;
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::What::{self, Leaf, Struct};
use binq_core::shape::{At, Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Reader, Span};
use std::sync::Arc;

/// 4.4.5
#[rustfmt::skip]
static METHOD: Named<Int> = Named { number: Int::U16LE, names: &[
    (0, "stored"), (1, "shrunk"), (6, "imploded"), (8, "deflated"), (9, "deflate64"), (12, "bzip2"), (14, "lzma"),
    (93, "zstd"), (95, "xz"), (98, "ppmd"), (99, "aes"),
] };
/// 4.4.4
#[rustfmt::skip]
static FLAGS: Fixed = Fixed::flags("flags", &Int::U16LE, &[
    Field::flag("encrypted", 0, &Bool), Field::leaf("compression_option", 0, 2, &const { LeBits::new(1, 2) }),
    Field::flag("data_descriptor", 3, &Bool), Field::flag("enhanced_deflation", 4, &Bool),
    Field::flag("patched", 5, &Bool), Field::flag("strong_encryption", 6, &Bool),
    Field::leaf("unused", 0, 2, &const { LeBits::new(7, 4) }), Field::flag("language_encoding", 11, &Bool),
    Field::flag("enhanced_compression", 12, &Bool), Field::flag("mask_header_values", 13, &Bool),
    Field::leaf("reserved", 0, 2, &const { LeBits::new(14, 2) }),
]);
/// 4.4.6: seconds in steps of two, years since 1980.
#[rustfmt::skip]
static TIME: Fixed = Fixed::flags("time", &Int::U16LE, &[
    Field::leaf("hours", 0, 2, &const { LeBits::new(11, 5) }), Field::leaf("minutes", 0, 2, &const { LeBits::new(5, 6) }),
    Field::leaf("seconds", 0, 2, &const { LeBits::new(0, 5) }),
]);
#[rustfmt::skip]
static DATE: Fixed = Fixed::flags("date", &Int::U16LE, &[
    Field::leaf("year", 0, 2, &const { LeBits::new(9, 7) }), Field::leaf("month", 0, 2, &const { LeBits::new(5, 4) }),
    Field::leaf("day", 0, 2, &const { LeBits::new(0, 5) }),
]);
/// From `version_needed` on: 4.3.7, 4.3.12
#[rustfmt::skip]
pub static HEADER: [(&str, u64, What); 10] = [
    ("version_needed", 2, Leaf(&Int::U16LE)), ("flags", 2, Struct(&FLAGS)), ("compression_method", 2, Leaf(&METHOD)),
    ("last_modification_time", 2, Struct(&TIME)), ("last_modification_date", 2, Struct(&DATE)),
    ("crc32", 4, Leaf(&Int::U32LE)), ("compressed_size", 4, Leaf(&Int::U32LE)),
    ("uncompressed_size", 4, Leaf(&Int::U32LE)), ("file_name_length", 2, Leaf(&Int::U16LE)),
    ("extra_field_length", 2, Leaf(&Int::U16LE)),
];

/// 4.5.3: the fields of ZIP64, in this order, each only where the header has nothing but ones.
const ZIP64: [(&str, u64); 4] = [
    ("uncompressed_size", 8),
    ("compressed_size", 8),
    ("relative_offset_of_local_header", 8),
    ("disk_number_start", 4),
];

/// Which of them are there.
#[derive(Clone, Copy)]
pub struct Zip64([bool; 4]);

impl Zip64 {
    /// By what a header of that kind holds.
    pub fn of(at: &At<'_>, fields: [u64; 4]) -> Self {
        let ones = |i: usize| {
            fields[i] > 0
                && at.uint_le(fields[i], ZIP64[i].1 / 2) == u64::MAX >> (64 - ZIP64[i].1 * 4)
        };
        Self([0, 1, 2, 3].map(ones))
    }

    /// Where the extra field of ZIP64 has its data, among the extra fields there.
    fn span(self, at: &At<'_>, mut from: u64, end: u64) -> Option<Span> {
        while from + 4 <= end {
            let len = at.uint_le(from + 2, 2).min(end - from - 4);
            if at.uint_le(from, 2) == 1 {
                return Some(Span::bytes(at.span.first_byte() + from + 4, len));
            }
            from += 4 + len;
        }
        None
    }

    /// The value of a field: of the header, or of the extra field.
    pub fn value(self, at: &At<'_>, i: usize, header: u64, extra: (u64, u64)) -> u64 {
        let before: u64 = (0..i).filter(|k| self.0[*k]).map(|k| ZIP64[k].1).sum();
        match self
            .span(at, extra.0, extra.0 + extra.1)
            .filter(|_| self.0[i])
        {
            Some(span) => at.uint_le(
                span.first_byte() - at.span.first_byte() + before,
                ZIP64[i].1,
            ),
            None => at.uint_le(header, ZIP64[i].1 / 2),
        }
    }
}

impl Shape for Zip64 {
    fn name(&self) -> &'static str {
        "zip64"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        for ((name, len), _) in ZIP64.into_iter().zip(self.0).filter(|(_, there)| *there) {
            match len {
                8 => fields.leaf(name, 8, &Int::U64LE)?,
                _ => fields.leaf(name, 4, &Int::U32LE)?,
            };
        }
        fields.gap();
        Ok(())
    }
}

/// 4.5.1
struct Extra(Zip64);

impl Shape for Extra {
    fn name(&self) -> &'static str {
        "extra_field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (id, len) = (cx.at.uint_le(0, 2), cx.at.uint_le(2, 2));
        let mut fields = cx.reader(0);
        fields.leaf("header_id", 2, &Int::U16LE)?;
        fields
            .leaf("data_size", 2, &Int::U16LE)?
            .derived(Rule::len_of("data"));
        let data = if id == 1 {
            Kind::shared(Arc::new(self.0))
        } else {
            Kind::leaf(&Raw::ANY)
        };
        fields.node("data", len, data).map(drop)
    }
}

struct Extras(Zip64);

impl Sequence for Extras {
    fn name(&self) -> &'static str {
        "extra_field"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let left = at
            .span
            .end()
            .checked_sub(state.at)
            .filter(|left| *left > 0)?;
        let head = At {
            space: at.space,
            span: Span::bits(state.at, left),
        };
        let len = ((4 + head.uint_le(2, 2)) * 8).min(left);
        Some(Step {
            kind: Kind::shared(Arc::new(Extra(self.0))),
            span: Span::bits(state.at, len),
            next: State::new(state.at + len),
        })
    }

    fn resizable(&self) -> bool {
        true
    }
}

/// The extra fields, and by a name of its own what of them is read in place of the header.
pub fn extra_fields(
    at: At<'_>,
    fields: &mut Reader<'_, '_>,
    len: u64,
    zip64: Zip64,
) -> Result<(), Malformed> {
    let from = fields.place();
    fields.node("extra_fields", len, Kind::array(Arc::new(Extras(zip64))))?;
    if let Some(span) = zip64.span(&at, from, from + len) {
        fields
            .view("zip64", span, Kind::shared(Arc::new(zip64)))
            .hidden();
    }
    Ok(())
}
