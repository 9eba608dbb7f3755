//! The central directory and its end: 4.3.12 to 4.3.16.

use crate::header::{HEADER, Zip64, extra_fields};
use binq_core::codec::{Int, Raw, Text};
use binq_core::rule::{Of, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::What::{self, Leaf};
use binq_core::shape::{At, Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Span};

/// The entries of the directory.
pub struct Entries;

impl Sequence for Entries {
    fn name(&self) -> &'static str {
        "central_directory_header"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, at.span.end().checked_sub(state.at)?);
        let rest = At {
            space: at.space,
            span,
        };
        let len = 46
            + [28, 30, 32]
                .map(|at| rest.uint_le(at, 2))
                .iter()
                .sum::<u64>();
        (rest.uint_le(0, 4) == 0x0201_4b50 && len * 8 <= span.len).then(|| Step {
            kind: Kind::fixed(&Entry),
            span: Span::bits(state.at, len * 8),
            next: State::new(state.at + len * 8),
        })
    }

    fn resizable(&self) -> bool {
        true
    }
}

#[rustfmt::skip]
static MORE: [(&str, u64, What); 5] = [
    ("file_comment_length", 2, Leaf(&Int::U16LE)), ("disk_number_start", 2, Leaf(&Int::U16LE)),
    ("internal_file_attributes", 2, Leaf(&Int::U16LE)), ("external_file_attributes", 4, Leaf(&Int::U32LE)),
    ("relative_offset_of_local_header", 4, Leaf(&Int::U32LE)),
];

struct Entry;

impl Shape for Entry {
    fn name(&self) -> &'static str {
        "central_directory_header"
    }

    fn has_aliases(&self) -> bool {
        true
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let mut fields = cx.reader(0);
        fields.leaf("signature", 4, &Raw::FIXED)?;
        fields.leaf("version_made_by", 2, &Int::U16LE)?;
        fields.rows(&HEADER)?;
        fields.rows(&MORE)?;
        fields.derive("file_name_length", Rule::len_of("file_name"));
        fields.derive("extra_field_length", Rule::len_of("extra_fields"));
        fields.derive("file_comment_length", Rule::len_of("file_comment"));
        fields.leaf("file_name", at.uint_le(28, 2), &Text)?;
        extra_fields(
            at,
            &mut fields,
            at.uint_le(30, 2),
            Zip64::of(&at, [24, 20, 42, 34]),
        )?;
        fields.leaf("file_comment", at.uint_le(32, 2), &Text)?;
        Ok(())
    }
}

#[rustfmt::skip]
static LAST: [(&str, u64, What); 8] = [
    ("signature", 4, Leaf(&Raw::FIXED)), ("disk_number", 2, Leaf(&Int::U16LE)),
    ("disk_of_central_directory", 2, Leaf(&Int::U16LE)), ("entries_on_disk", 2, Leaf(&Int::U16LE)),
    ("entries", 2, Leaf(&Int::U16LE)), ("size_of_central_directory", 4, Leaf(&Int::U32LE)),
    ("offset_of_central_directory", 4, Leaf(&Int::U32LE)), ("comment_length", 2, Leaf(&Int::U16LE)),
];

/// 4.3.16
pub struct End;

impl Shape for End {
    fn name(&self) -> &'static str {
        "end_of_central_directory"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        fields.rows(&LAST)?;
        fields.derive("comment_length", Rule::len_of("comment"));
        fields.leaf("comment", fields.left(), &Text).map(drop)
    }
}

static REST: Rule = Rule::Len {
    of: Of::Struct,
    unit: 1,
    bias: -12,
};

/// 4.3.14, without what the sector behind it may add.
#[rustfmt::skip]
pub static END64: Fixed = Fixed::of("zip64_end_of_central_directory", &[
    Field::leaf("signature", 0, 4, &Raw::FIXED), Field::leaf("size_of_record", 4, 8, &Int::U64LE).derived(&REST),
    Field::leaf("version_made_by", 12, 2, &Int::U16LE), Field::leaf("version_needed", 14, 2, &Int::U16LE),
    Field::leaf("disk_number", 16, 4, &Int::U32LE), Field::leaf("disk_of_central_directory", 20, 4, &Int::U32LE),
    Field::leaf("entries_on_disk", 24, 8, &Int::U64LE), Field::leaf("entries", 32, 8, &Int::U64LE),
    Field::leaf("size_of_central_directory", 40, 8, &Int::U64LE),
    Field::leaf("offset_of_central_directory", 48, 8, &Int::U64LE),
]);

/// 4.3.15
#[rustfmt::skip]
pub static LOCATOR: Fixed = Fixed::of("zip64_locator", &[
    Field::leaf("signature", 0, 4, &Raw::FIXED), Field::leaf("disk_of_zip64_end", 4, 4, &Int::U32LE),
    Field::leaf("offset_of_zip64_end", 8, 8, &Int::U64LE), Field::leaf("number_of_disks", 16, 4, &Int::U32LE),
]);
