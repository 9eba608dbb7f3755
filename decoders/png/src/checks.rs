//! What libpng and pngcheck refuse in a chunk.

use binq_core::shape::{At, Field, Fixed, Shape};
use binq_core::{Malformed, Severity, Space};
use std::ops::RangeInclusive;

/// A struct at fixed places, of whose fields some values are wrong.
pub struct Checked {
    /// Where the fields lie.
    pub fixed: &'static Fixed,
    /// What is expected of a field instead of what it holds.
    pub wrong: fn(&str, &Numbers<'_>) -> Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

/// The numbers that the fields of a struct hold.
pub struct Numbers<'a> {
    fixed: &'static Fixed,
    at: &'a At<'a>,
}

impl Numbers<'_> {
    /// What a field holds.
    pub fn of(&self, name: &str) -> u64 {
        let field = self.fixed.fields.iter().find(|field| field.name == name);
        field.map_or(0, |field| {
            be(self.at, field.span.start / 8, field.span.len / 8)
        })
    }

    /// What is expected, if a field does not hold a number of the range.
    fn within(&self, name: &str, range: RangeInclusive<u64>) -> Option<String> {
        let (least, most) = (range.start(), range.end());
        (!range.contains(&self.of(name))).then(|| format!("a number from {least} to {most}"))
    }

    /// What is expected, if a field does not hold one of those.
    fn among(&self, name: &str, known: &[u64]) -> Option<String> {
        (!known.contains(&self.of(name))).then(|| match known {
            [one] => one.to_string(),
            all => format!("one of {all:?}"),
        })
    }
}

/// A big-endian number.
fn be(at: &At<'_>, from: u64, len: u64) -> u64 {
    let bytes = at.read(from, len.min(8));
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

impl Shape for Checked {
    fn name(&self) -> &str {
        self.fixed.name
    }

    fn layout(&self) -> &'static [Field] {
        self.fixed.fields
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let numbers = Numbers {
            fixed: self.fixed,
            at,
        };
        let expected = (self.wrong)(field, &numbers)?;
        let place = self
            .fixed
            .fields
            .iter()
            .find(|f| f.name == field)?
            .span
            .start
            / 8;
        let found = numbers.of(field).to_string();
        let wrong = Malformed::new(at.span.start / 8 + place, expected, found);
        Some(wrong.with(self.severity))
    }
}

/// 11.2.1: numbers of pixels are never 0; table 11.1: depths by colour type; methods.
pub fn header(field: &str, is: &Numbers<'_>) -> Option<String> {
    match field {
        "width" | "height" => is.within(field, 1..=0x7fff_ffff),
        "colour_type" => is.among(field, &[0, 2, 3, 4, 6]),
        "bit_depth" => match is.of("colour_type") {
            3 => is.among(field, &[1, 2, 4, 8]),
            2 | 4 | 6 => is.among(field, &[8, 16]),
            _ => is.among(field, &[1, 2, 4, 8, 16]),
        },
        "compression_method" | "filter_method" => is.among(field, &[0]),
        "interlace_method" => is.among(field, &[0, 1]),
        _ => None,
    }
}

/// 11.3.3.2 and 11.3.4.3
pub fn other(field: &str, is: &Numbers<'_>) -> Option<String> {
    match field {
        "gamma" => (is.of(field) == 0).then(|| "more than 0".to_owned()),
        "unit" => is.among(field, &[0, 1]),
        "month" => is.within(field, 1..=12),
        "day" => is.within(field, 1..=31),
        "hour" => is.within(field, 0..=23),
        "minute" => is.within(field, 0..=59),
        // a leap second
        "second" => is.within(field, 0..=60),
        _ => None,
    }
}

/// 11.3.3: a keyword has 1 to 79 bytes, and one method of compression is known.
pub fn text(kind: &str, field: &str, at: &At<'_>) -> Option<Malformed> {
    let keyword = at.read(0, at.len());
    let end = keyword.iter().position(|b| *b == 0)? as u64;
    let byte = |from: u64| be(at, from, 1);
    let (place, expected, found) = match (field, kind) {
        ("keyword", _) => (0, "1 to 79 bytes", format!("{end} bytes")),
        ("compression_flag", _) => (end + 1, "0 or 1", byte(end + 1).to_string()),
        ("compression_method", "zTXt") => (end + 1, "0", byte(end + 1).to_string()),
        ("compression_method", _) => (end + 2, "0", byte(end + 2).to_string()),
        _ => return None,
    };
    let holds = match (field, kind) {
        ("keyword", _) => (1..=79).contains(&end),
        ("compression_flag", _) => byte(place) < 2,
        // says nothing of a text that is not compressed
        (_, "iTXt") if byte(end + 1) == 0 => true,
        _ => byte(place) == 0,
    };
    let wrong = Malformed::new(at.span.start / 8 + place, expected, found);
    (!holds).then(|| wrong.with(Severity::Damage))
}

/// Bit depth and colour type, where the file begins with its header.
fn depth_and_colour(file: &Space) -> Option<(u8, u8)> {
    match *file.read(12, 14) {
        [b'I', b'H', b'D', b'R', .., depth, colour] => Some((depth, colour)),
        _ => None,
    }
}

/// How many colours a palette may have: 11.2.2.
fn colours(file: &Space) -> u64 {
    match depth_and_colour(file) {
        Some((depth, 3)) if depth < 8 => 1 << depth,
        _ => 256,
    }
}

/// Bits of a pixel, for each colour type: table 11.1.
fn bits(depth: u8, colour: u8) -> Option<u64> {
    let samples = match colour {
        0 | 3 => 1,
        4 => 2,
        2 => 3,
        6 => 4,
        _ => return None,
    };
    Some(samples * u64::from(depth))
}

/// How many bytes the rows of an image have, each with its filter: 7.2, and 8.1 for Adam7. Nothing where the header does not say it.
pub fn bytes_of_rows(file: &Space) -> Option<u64> {
    let (depth, colour) = depth_and_colour(file)?;
    let bits = bits(depth, colour)?;
    let head = At::new(file, file.span());
    let (width, height) = (be(&head, 16, 4), be(&head, 20, 4));
    let pass = |first: [u64; 2], step: [u64; 2]| {
        let count = |all: u64, i: usize| all.saturating_sub(first[i]).div_ceil(step[i]);
        match (count(width, 0), count(height, 1)) {
            (0, _) => 0,
            (columns, rows) => rows.saturating_mul(1 + columns.saturating_mul(bits).div_ceil(8)),
        }
    };
    // first column and row, and how many there are to the next
    #[rustfmt::skip]
    const ADAM7: [([u64; 2], [u64; 2]); 7] = [
        ([0, 0], [8, 8]), ([4, 0], [8, 8]), ([0, 4], [4, 8]), ([2, 0], [4, 4]), ([0, 2], [2, 4]), ([1, 0], [2, 2]), ([0, 1], [1, 2]),
    ];
    match be(&head, 28, 1) {
        0 => Some(pass([0, 0], [1, 1])),
        1 => Some(
            ADAM7
                .iter()
                .fold(0, |n, (first, step)| n.saturating_add(pass(*first, *step))),
        ),
        _ => None,
    }
}

/// Whether an image has no colours: 11.2.2 allows no palette then.
pub fn is_grey(file: &Space) -> bool {
    matches!(depth_and_colour(file), Some((_, 0 | 4)))
}

/// What is expected of a type instead: 5.4. What a reader does not know it passes over, unless the first letter is a capital.
pub fn kind(kind: &[u8; 4]) -> Option<&'static str> {
    const CRITICAL: [&[u8; 4]; 4] = [b"IHDR", b"PLTE", b"IDAT", b"IEND"];
    match kind.iter().all(u8::is_ascii_alphabetic) {
        false => Some("a type of four letters"),
        true if kind[0].is_ascii_uppercase() && !CRITICAL.contains(&kind) => {
            Some("a critical chunk that is known: IHDR, PLTE, IDAT, IEND")
        }
        true => None,
    }
}

/// How long the data of a chunk must be: 11.2, 11.3.
pub fn length(kind: &[u8; 4], len: u64, file: &Space) -> Option<(String, Severity)> {
    let exactly = |n: u64, severity| (len != n).then(|| (n.to_string(), severity));
    match kind {
        b"IHDR" => exactly(13, Severity::Stops),
        b"IEND" => exactly(0, Severity::Damage),
        b"PLTE" => {
            let most = colours(file);
            let right = (1..=most).contains(&(len / 3)) && len.is_multiple_of(3);
            let expected = format!("3 bytes for each of 1 to {most} colours");
            (!right).then_some((expected, Severity::Stops))
        }
        b"gAMA" => exactly(4, Severity::Damage),
        b"pHYs" => exactly(9, Severity::Damage),
        b"tIME" => exactly(7, Severity::Damage),
        b"cHRM" => exactly(32, Severity::Damage),
        b"sRGB" => exactly(1, Severity::Damage),
        _ => None,
    }
}
