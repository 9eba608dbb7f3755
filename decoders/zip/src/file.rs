//! Files: 4.3.6.

use crate::header::{HEADER, Zip64, extra_fields};
use binq_core::codec::{Int, Raw, Text};
use binq_core::layer::Deflate;
use binq_core::rule::{Part, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Kind, Malformed, Span};
use std::sync::Arc;

/// Where a file is, and how long its data, by the directory.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its first byte.
    pub at: u64,
    size: u64,
}

impl Place {
    /// The place that an entry gives.
    pub fn of(entry: &At<'_>) -> Self {
        let zip64 = Zip64::of(entry, [24, 20, 42, 34]);
        let extra = (46 + entry.uint_le(28, 2), entry.uint_le(30, 2));
        let value = |i, header| zip64.value(entry, i, header, extra);
        Self {
            at: value(2, 42),
            size: value(1, 20),
        }
    }
}

/// The files, in the order of their places.
pub struct Files(pub Vec<Place>);

impl Sequence for Files {
    fn name(&self) -> &'static str {
        "local_file"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let i = usize::try_from(state.memory).ok()?;
        let place = self.0.get(i)?;
        let next = self.0.get(i + 1).map_or(at.span.end(), |next| next.at * 8);
        let head = At {
            space: at.space,
            span: Span::bits(place.at * 8, next - place.at * 8),
        };
        let method = head.uint_le(8, 2);
        // encrypted data is not decompressed
        let is_shown = (method == 0 || method == 8) && head.uint_le(6, 2) & 1 == 0;
        let method = is_shown.then_some(method);
        Some(Step {
            kind: Kind::shared(Arc::new(File {
                size: place.size,
                method,
            })),
            span: head.span,
            next: State::with(next, state.memory + 1),
        })
    }

    fn resizable(&self) -> bool {
        true
    }
}

static DATA: [Part; 1] = [Part::Shown(Path::Name("data"))];
static STORED: Rule = Rule::stored_len_of("data");
static SHOWN: Rule = Rule::len_of("data");

const fn crc() -> Rule {
    Rule::sum(|parts| crc32fast::hash(parts[0]).into(), &DATA)
}

const fn of(names: &'static [&'static str], rule: Rule) -> Relation {
    let field = Path::Names(names);
    Relation::One { field, rule }
}

/// What follows from the data where the header does not say it; of data that is not shown, only how long it is.
static BEHIND: [Relation; 5] = [
    of(&["zip64", "compressed_size"], Rule::stored_len_of("data")),
    of(
        &["data_descriptor", "compressed_size"],
        Rule::stored_len_of("data"),
    ),
    of(&["zip64", "uncompressed_size"], Rule::len_of("data")),
    of(
        &["data_descriptor", "uncompressed_size"],
        Rule::len_of("data"),
    ),
    of(&["data_descriptor", "crc32"], crc()),
];

struct File {
    size: u64,
    /// How its data is compressed, if it is shown decompressed.
    method: Option<u64>,
}

impl Shape for File {
    fn name(&self) -> &'static str {
        "local_file"
    }

    fn relations(&self) -> &[Relation] {
        if self.method.is_some() {
            &BEHIND
        } else {
            &BEHIND[..2]
        }
    }

    fn has_aliases(&self) -> bool {
        true
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let mut fields = cx.reader(0);
        if at.uint_le(0, 4) != 0x0403_4b50 {
            return Err(fields.expected("a local file header"));
        }
        fields.leaf("signature", 4, &Raw::FIXED)?;
        fields.rows(&HEADER)?;
        fields.leaf("file_name", at.uint_le(26, 2), &Text)?;
        extra_fields(
            at,
            &mut fields,
            at.uint_le(28, 2),
            Zip64::of(&at, [22, 18, 0, 0]),
        )?;
        fields.derive("file_name_length", Rule::len_of("file_name"));
        fields.derive("extra_field_length", Rule::len_of("extra_fields"));
        match self.method {
            Some(8) => fields.recoded("data", self.size, Deflate, Kind::leaf(&Text))?,
            Some(_) => fields.leaf("data", self.size, &Text)?,
            None => fields.leaf("data", self.size, &Raw::ANY)?,
        };
        // 4.4.4: where the descriptor says it, the header has zeros
        let streamed = at.uint_le(6, 2) & 8 != 0;
        let is_shown = self.method.is_some();
        for (name, from, known, rule) in [
            (
                "compressed_size",
                18,
                true,
                Rule::unless(0xffff_ffff, &STORED),
            ),
            (
                "uncompressed_size",
                22,
                is_shown,
                Rule::unless(0xffff_ffff, &SHOWN),
            ),
            ("crc32", 14, is_shown, crc()),
        ] {
            if known && !(streamed && at.uint_le(from, 4) == 0) {
                fields.derive(name, rule);
            }
        }
        let signed = fields.peek(4)[..] == *b"PK\x07\x08";
        let lens = [12, 20].map(|len| len + u64::from(signed) * 4);
        let len = lens
            .into_iter()
            .rev()
            .find(|len| streamed && *len <= fields.left());
        if let Some(len) = len {
            let shape = Descriptor {
                signed,
                wide: len >= 20,
            };
            fields.node("data_descriptor", len, Kind::shared(Arc::new(shape)))?;
        }
        fields.gap();
        Ok(())
    }
}

/// 4.3.9: the signature came later; sizes have 8 bytes in ZIP64.
struct Descriptor {
    signed: bool,
    wide: bool,
}

impl Shape for Descriptor {
    fn name(&self) -> &'static str {
        "data_descriptor"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        if self.signed {
            fields.leaf("signature", 4, &Raw::FIXED)?;
        }
        fields.leaf("crc32", 4, &Int::U32LE)?;
        for name in ["compressed_size", "uncompressed_size"] {
            match self.wide {
                true => fields.leaf(name, 8, &Int::U64LE)?,
                false => fields.leaf(name, 4, &Int::U32LE)?,
            };
        }
        Ok(())
    }
}
