//! The central directory and its end: 4.3.12 to 4.3.16.

use crate::file::{content, is_streamed};
use crate::header::{HEADER, Head, is_utf8, language, u16, u32, u64};
use binq_core::codec::{Raw, Text};
use binq_core::rule::{Of, Relation, Rule};
use binq_core::sequence::Sequence;
use binq_core::shape::{At, Cx, Shape, Traits};
use binq_core::{Kind, Malformed, Ref, Row, Rows, Run, Severity};
use std::sync::Arc;

/// The first bytes of a file, and of an entry.
pub const LOCAL: u64 = 0x0403_4b50;
pub const ENTRY: u64 = 0x0201_4b50;

/// The entries of a directory whose places are counted from that byte.
pub fn entries(base: i64) -> Arc<dyn Sequence> {
    let entry: Arc<dyn Shape> = Arc::new(Entry(base));
    let item = move |at: &At<'_>| {
        let len = Head::entry(at).end + at.uint_le(32, 2);
        let is_one = at.uint_le(0, 4) == ENTRY && len <= at.len();
        is_one.then(|| (Kind::Struct(Ref::Shared(entry.clone())), len))
    };
    Arc::new(Run::of("central_directory_header", item))
}

static FIRST: [Row; 2] = [
    Row::leaf("signature", 4, &Raw::FIXED),
    u16("version_made_by"),
];
#[rustfmt::skip]
static MORE: [Row; 5] = [
    u16("file_comment_length").len_of("file_comment"), u16("disk_number_start"), u16("internal_file_attributes"),
    u32("external_file_attributes"), u32("relative_offset_of_local_header"),
];

const PLACE: &str = "relative_offset_of_local_header";
/// 4.4.4: the file's header has no true values.
const MASKED: u64 = 0x2000;

struct Entry(i64);

static OF_ENTRY: [Relation; 1] = [language(|entry| {
    is_utf8(entry, &["file_name", "file_comment"])
})];

impl Shape for Entry {
    fn name(&self) -> &'static str {
        "central_directory_header"
    }

    fn relations(&self) -> &[Relation] {
        &OF_ENTRY
    }

    /// A reader goes to the file, and compares. What a descriptor says is not in the file's header.
    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let place = Head::entry(at).place.saturating_add_signed(self.0);
        let file = At::new(at.space, at.space.span()).after(place);
        let is_file = file.uint_le(0, 4) == LOCAL;
        let is_here = at.uint_le(34, 2) == 0;
        let is_compared = is_file && at.uint_le(8, 2) & MASKED == 0;
        let is_same = |here, there, len| at.read(here, len) == file.read(there, len);
        // where the two differ, the data tells which of them is wrong, as far as it is known
        let fits = |same: bool, of_data: &dyn Fn(&[u8]) -> u64, from: u64, unknown: bool| {
            let data = || content(&file, Head::entry(at).size);
            same || data().map_or(unknown, |data| of_data(&data) == at.uint_le(from, 4))
        };
        let sum = || {
            let of_data = |data: &[u8]| crc32fast::hash(data).into();
            fits(is_same(16, 14, 4), &of_data, 16, is_streamed(&file))
        };
        let is_far = at.uint_le(24, 4) == 0xffff_ffff;
        let len = || {
            fits(
                is_far || is_same(24, 22, 4),
                &|data| data.len() as u64,
                24,
                true,
            )
        };
        let name = is_same(28, 26, 2) && is_same(46, 30, at.uint_le(28, 2));
        let (here, fits, expected) = match field {
            PLACE => (42, is_file || !is_here, "where a file begins"),
            "compression_method" => (10, is_same(10, 8, 2), "the method that the file names"),
            "crc32" => (16, !is_compared || sum(), "the checksum of the file"),
            "uncompressed_size" => (24, !is_compared || len(), "the size of the file"),
            "file_name" => (46, name, "the name of the file"),
            _ => return None,
        };
        let wrong = || Malformed::new(at.span.first_byte() + here, expected, "another");
        let is_right = fits || field != PLACE && !is_compared;
        (!is_right).then(|| wrong().with(Severity::Damage))
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (at, head) = (cx.at, Head::entry(&cx.at));
        let mut fields = cx.reader(0);
        fields.rows(&FIRST)?;
        fields.rows(&HEADER)?;
        fields.rows(&MORE)?;
        fields.leaf("file_name", at.uint_le(28, 2), &Text)?;
        head.extra_fields(&mut fields)?;
        fields
            .leaf("file_comment", at.uint_le(32, 2), &Text)
            .map(drop)
    }

    fn traits(&self) -> Traits {
        Traits {
            has_aliases: true,
            ..Traits::default()
        }
    }
}

/// 4.3.16
#[rustfmt::skip]
pub static END: Rows = Rows::of("end_of_central_directory", &[
    Row::leaf("signature", 4, &Raw::FIXED), u16("disk_number"), u16("disk_of_central_directory"), u16("entries_on_disk"),
    u16("entries"), u32("size_of_central_directory"), u32("offset_of_central_directory"),
    u16("comment_length").len_of("comment"), Row::rest("comment", &Text),
]);

static REST: Rule = Rule::Len {
    of: Of::Struct,
    unit: 1,
    bias: -12,
};

/// 4.3.14
#[rustfmt::skip]
pub static END64: Rows = Rows::of("zip64_end_of_central_directory", &[
    Row::leaf("signature", 4, &Raw::FIXED), u64("size_of_record").derived(&REST), u16("version_made_by"),
    u16("version_needed"), u32("disk_number"), u32("disk_of_central_directory"), u64("entries_on_disk"), u64("entries"),
    u64("size_of_central_directory"), u64("offset_of_central_directory"),
]);

/// 4.3.15
#[rustfmt::skip]
pub static LOCATOR: Rows = Rows::of("zip64_locator", &[
    Row::leaf("signature", 4, &Raw::FIXED), u32("disk_of_zip64_end"), u64("offset_of_zip64_end"), u32("number_of_disks"),
]);
