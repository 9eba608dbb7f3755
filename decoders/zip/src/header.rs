//! What the headers of files and of entries have in common.

use binq_core::codec::{Bool, Int, LeBits, Named, Raw};
use binq_core::rule::{Custom, Path, Relation, Rule};
use binq_core::shape::{At, Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Node, Reader, Row, Run, Scalar, Span};
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
/// 4.4.4, bit 11: whether name and comment are UTF-8. Without it, readers take them for code page 437.
pub const LANGUAGE: &[&str] = &["flags", "language_encoding"];

/// The flag follows when one of these texts is assigned that is not ASCII: binq writes text as UTF-8, and bytes as they are.
pub const fn language(texts: fn(&Node) -> Option<Scalar>) -> Relation {
    Relation::One {
        field: Path::Names(LANGUAGE),
        rule: Rule::Custom(Custom::Of(texts)),
    }
}

/// What the flag should say, by texts of which one was assigned; nothing where none was, or where all readers read them the same.
pub fn is_utf8(header: &Node, names: &[&str]) -> Option<Scalar> {
    let texts: Vec<Node> = names.iter().filter_map(|name| header.field(name)).collect();
    texts.iter().any(Node::is_edited).then_some(())?;
    let texts: Vec<Scalar> = texts.iter().filter_map(Node::actual).collect();
    let bytes = |text: &Scalar| text.as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
    let texts: Vec<Vec<u8>> = texts.iter().map(bytes).collect();
    let is_plain = texts.iter().all(|text| text.is_ascii());
    let is_utf8 = texts.iter().all(|text| std::str::from_utf8(text).is_ok());
    (!is_plain).then_some(Scalar::Bool(is_utf8))
}

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

pub const fn u16(name: &'static str) -> Row {
    Row::leaf(name, 2, &Int::U16LE)
}

pub const fn u32(name: &'static str) -> Row {
    Row::leaf(name, 4, &Int::U32LE)
}

pub const fn u64(name: &'static str) -> Row {
    Row::leaf(name, 8, &Int::U64LE)
}

/// From `version_needed` on: 4.3.7, 4.3.12
#[rustfmt::skip]
pub static HEADER: [Row; 10] = [
    u16("version_needed"), Row::of("flags", 2, &FLAGS), Row::leaf("compression_method", 2, &METHOD),
    Row::of("last_modification_time", 2, &TIME), Row::of("last_modification_date", 2, &DATE),
    u32("crc32"), u32("compressed_size"), u32("uncompressed_size"),
    u16("file_name_length").len_of("file_name"), u16("extra_field_length").len_of("extra_fields"),
];

/// 4.5.3: the fields of ZIP64, in this order, each only where the header has nothing but ones.
#[rustfmt::skip]
static ZIP64: [Row; 4] = [
    u64("uncompressed_size"), u64("compressed_size"), u64("relative_offset_of_local_header"), u32("disk_number_start"),
];

/// What a header says, wherever it says it.
#[derive(Clone, Copy)]
pub struct Head {
    /// Its first byte behind the extra fields.
    pub end: u64,
    /// How long the data is as it is stored.
    pub size: u64,
    /// Where the file is.
    pub place: u64,
    /// Which fields of ZIP64 there are.
    wide: [bool; 4],
    /// Where they are, in bytes from the start of the header.
    pub zip64: Option<(u64, u64)>,
}

impl Head {
    /// Of a file.
    pub fn local(at: &At<'_>) -> Self {
        Self::of(at, 30, 26, [22, 18, 0, 0])
    }

    /// Of an entry of the directory.
    pub fn entry(at: &At<'_>) -> Self {
        Self::of(at, 46, 28, [24, 20, 42, 34])
    }

    fn of(at: &At<'_>, name: u64, lengths: u64, fields: [u64; 4]) -> Self {
        let ones = [u32::MAX.into(), u32::MAX.into(), u32::MAX.into(), 0xffff];
        let said = [0, 1, 2, 3].map(|i| at.uint_le(fields[i], if i == 3 { 2 } else { 4 }));
        let wide = [0, 1, 2, 3].map(|i| fields[i] > 0 && said[i] == ones[i]);
        let mut extra = name + at.uint_le(lengths, 2);
        let end = extra + at.uint_le(lengths + 2, 2);
        let mut zip64 = None;
        while extra + 4 <= end && zip64.is_none() {
            let len = at.uint_le(extra + 2, 2).min(end - extra - 4);
            zip64 = (at.uint_le(extra, 2) == 1).then_some((extra + 4, len));
            extra += 4 + len;
        }
        let value = |i: usize| match zip64 {
            Some((from, _)) if wide[i] => at.uint_le(
                from + 8 * wide[..i].iter().filter(|w| **w).count() as u64,
                8,
            ),
            _ => said[i],
        };
        let (size, place) = (value(1), value(2));
        Self {
            end,
            size,
            place,
            wide,
            zip64,
        }
    }

    /// The extra fields, and by a name of its own what of them is read in place of the header: 4.5.1.
    pub fn extra_fields(self, fields: &mut Reader<'_, '_>) -> Result<(), Malformed> {
        // zipalign fills up with bytes that begin no field, and readers pass over them
        let item = move |at: &At<'_>| match at.len() {
            left @ ..4 => Some((Kind::leaf(&Raw::FIXED), left)),
            _ => Some((Kind::shared(Arc::new(Extra(self))), 4 + at.uint_le(2, 2))),
        };
        let len = self.end - fields.place();
        let start = fields.rest().first_byte() - fields.place();
        fields.node(
            "extra_fields",
            len,
            Kind::array(Arc::new(Run::of("extra_field", item))),
        )?;
        if let Some((from, len)) = self.zip64 {
            let span = Span::bytes(start + from, len);
            fields
                .view("zip64", span, Kind::shared(Arc::new(Zip64(self))))
                .hidden();
        }
        Ok(())
    }
}

static EXTRA: [Row; 2] = [u16("header_id"), u16("data_size").len_of("data")];

struct Extra(Head);

impl Shape for Extra {
    fn name(&self) -> &'static str {
        "extra_field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (id, len) = (cx.at.uint_le(0, 2), cx.at.uint_le(2, 2));
        let mut fields = cx.reader(0);
        fields.rows(&EXTRA)?;
        let data = match id {
            1 => Kind::shared(Arc::new(Zip64(self.0))),
            _ => Kind::leaf(&Raw::ANY),
        };
        fields.node("data", len, data).map(drop)
    }
}

struct Zip64(Head);

impl Shape for Zip64 {
    fn name(&self) -> &'static str {
        "zip64"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        for (i, _) in self.0.wide.iter().enumerate().filter(|(_, wide)| **wide) {
            fields.rows(&ZIP64[i..=i])?;
        }
        fields.gap();
        Ok(())
    }
}
