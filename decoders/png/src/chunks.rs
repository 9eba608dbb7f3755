//! What is in the chunks, as far as it has a structure: 11.2, 11.3.

use crate::checks::{self, Checked};
use binq_core::codec::{Int, Latin1, Named, Raw, Terminated, Text};
use binq_core::layer::Zlib;
use binq_core::shape::{At, Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Ref, Severity, Table};

/// What the data of a chunk is.
pub fn kind(chunk: &[u8; 4], len: u64) -> Kind {
    match (chunk, len) {
        (b"IHDR", 13) => Kind::fixed(&IHDR),
        (b"PLTE", _) => Kind::Array(Ref::Static(&PLTE)),
        (b"gAMA", 4) => Kind::fixed(&GAMA),
        (b"pHYs", 9) => Kind::fixed(&PHYS),
        (b"tIME", 7) => Kind::fixed(&TIME),
        (b"tEXt", _) => Kind::fixed(&Texts("tEXt")),
        (b"zTXt", _) => Kind::fixed(&Texts("zTXt")),
        (b"iTXt", _) => Kind::fixed(&Texts("iTXt")),
        _ => Kind::leaf(&Raw::ANY),
    }
}

#[rustfmt::skip]
static COLOUR: Named<Int> = Named::u8(&[
    (0, "greyscale"), (2, "truecolour"), (3, "indexed-colour"), (4, "greyscale with alpha"), (6, "truecolour with alpha"),
]);
static DEFLATE: Named<Int> = Named::u8(&[(0, "deflate")]);
static INTERLACE: Named<Int> = Named::u8(&[(0, "none"), (1, "Adam7")]);
static COMPRESSED: Named<Int> = Named::u8(&[(0, "uncompressed"), (1, "compressed")]);
static UNIT: Named<Int> = Named::u8(&[(0, "unknown"), (1, "metre")]);

#[rustfmt::skip]
static IHDR_FIELDS: Fixed = Fixed::of("IHDR", &[
    Field::leaf("width", 0, 4, &Int::U32BE),
    Field::leaf("height", 4, 4, &Int::U32BE),
    Field::leaf("bit_depth", 8, 1, &Int::U8),
    Field::leaf("colour_type", 9, 1, &COLOUR),
    Field::leaf("compression_method", 10, 1, &DEFLATE),
    Field::leaf("filter_method", 11, 1, &Int::U8),
    Field::leaf("interlace_method", 12, 1, &INTERLACE),
]);
#[rustfmt::skip]
static RGB: Fixed = Fixed::of("rgb", &[
    Field::leaf("red", 0, 1, &Int::U8), Field::leaf("green", 1, 1, &Int::U8), Field::leaf("blue", 2, 1, &Int::U8),
]);
static IHDR: Checked = Checked {
    fixed: &IHDR_FIELDS,
    wrong: checks::header,
    severity: Severity::Stops,
};
static PLTE: Table = Table::of(&RGB, 3);
static GAMA_FIELDS: Fixed = Fixed::of("gAMA", &[Field::leaf("gamma", 0, 4, &Int::U32BE)]);
#[rustfmt::skip]
static PHYS_FIELDS: Fixed = Fixed::of("pHYs", &[
    Field::leaf("x", 0, 4, &Int::U32BE), Field::leaf("y", 4, 4, &Int::U32BE), Field::leaf("unit", 8, 1, &UNIT),
]);
#[rustfmt::skip]
static TIME_FIELDS: Fixed = Fixed::of("tIME", &[
    Field::leaf("year", 0, 2, &Int::U16BE), Field::leaf("month", 2, 1, &Int::U8), Field::leaf("day", 3, 1, &Int::U8),
    Field::leaf("hour", 4, 1, &Int::U8), Field::leaf("minute", 5, 1, &Int::U8), Field::leaf("second", 6, 1, &Int::U8),
]);

/// One whose values are left out by readers where they are wrong.
const fn left_out(fixed: &'static Fixed) -> Checked {
    Checked {
        fixed,
        wrong: checks::other,
        severity: Severity::Damage,
    }
}

static GAMA: Checked = left_out(&GAMA_FIELDS);
static PHYS: Checked = left_out(&PHYS_FIELDS);
static TIME: Checked = left_out(&TIME_FIELDS);

/// A chunk of text, by its type.
struct Texts(&'static str);

impl Shape for Texts {
    fn name(&self) -> &'static str {
        self.0
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        checks::text(self.0, field, at)
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        fields.terminated("keyword", &Terminated(Latin1))?;
        let mut is_compressed = self.0 == "zTXt";
        let mut text = Kind::leaf(&Latin1);
        if self.0 == "iTXt" {
            is_compressed = fields.peek(1).first() == Some(&1);
            fields.leaf("compression_flag", 1, &COMPRESSED)?;
        }
        if self.0 != "tEXt" {
            fields.leaf("compression_method", 1, &DEFLATE)?;
        }
        if self.0 == "iTXt" {
            fields.terminated("language_tag", &Terminated(Latin1))?;
            fields.terminated("translated_keyword", &Terminated(Text))?;
            text = Kind::leaf(&Text);
        }
        match is_compressed {
            true => fields.recoded("text", fields.left(), Zlib, text).map(drop),
            false => fields.node("text", fields.left(), text).map(drop),
        }
    }
}
