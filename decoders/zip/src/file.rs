//! Files: 4.3.6.

use crate::header::{HEADER, Zip64, extra_fields};
use binq_core::codec::{Int, Raw, Text};
use binq_core::layer::Deflate;
use binq_core::rule::{Part, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Kind, Malformed, Span};
use std::sync::Arc;

/// Where a file is, and how long its data.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its first byte.
    pub at: u64,
    size: u64,
}

impl Place {
    /// The place that an entry of the directory gives.
    pub fn of(entry: &At<'_>) -> Self {
        let zip64 = Zip64::of(entry, [24, 20, 42, 34]);
        let extra = (46 + entry.uint_le(28, 2), entry.uint_le(30, 2));
        let value = |i, header| zip64.value(entry, i, header, extra);
        Self {
            at: value(2, 42),
            size: value(1, 20),
        }
    }

    /// A file that has no entry, by its own header, as far as that says how long its data is.
    fn orphan(all: &At<'_>, at: u64) -> Option<Self> {
        let is_known = all.uint_le(at, 4) == LOCAL && all.uint_le(at + 6, 2) & 8 == 0;
        let extra = (at + 30 + all.uint_le(at + 26, 2), all.uint_le(at + 28, 2));
        let zip64 = Zip64::of(all, [at + 22, at + 18, 0, 0]);
        let size = zip64.value(all, 1, at + 18, extra);
        is_known.then_some(Self { at, size })
    }

    /// The first byte behind its data and their descriptor.
    fn end(self, all: &At<'_>) -> u64 {
        let head = 30 + all.uint_le(self.at + 26, 2) + all.uint_le(self.at + 28, 2);
        let end = self.at.saturating_add(head).saturating_add(self.size);
        if all.uint_le(self.at + 6, 2) & 8 == 0 {
            return end;
        }
        let follows = |len: &u64| matches!(all.uint_le(end + len, 4), LOCAL | ENTRY);
        end + [0, 12, 16, 20, 24].into_iter().find(follows).unwrap_or(0)
    }

    /// The files of the directory, and those between them and before the end that have no entry.
    pub fn all(all: &At<'_>, mut files: Vec<Self>, end: u64) -> Vec<Self> {
        files.retain(|place| place.at < end);
        files.sort_by_key(|place| place.at);
        files.dedup_by_key(|place| place.at);
        let mut out: Vec<Self> = Vec::with_capacity(files.len());
        let mut files = files.into_iter().peekable();
        let mut at = 0;
        loop {
            let next = files.peek().map_or(end, |next| next.at);
            let orphan = Self::orphan(all, at).filter(|_| at < next);
            let Some(place) = orphan.or_else(|| files.next()) else {
                return out;
            };
            out.push(place);
            at = place.end(all).max(place.at + 1);
        }
    }
}

const LOCAL: u64 = 0x0403_4b50;
const ENTRY: u64 = 0x0201_4b50;

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

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let is_wrong = field == "signature" && at.uint_le(0, 4) != LOCAL;
        is_wrong.then(|| Malformed::new(at.span.first_byte(), "504b0304", "others"))
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let mut fields = cx.reader(0);
        fields.leaf("signature", 4, &Raw::FIXED)?;
        fields.rows(&HEADER)?;
        fields.derive("file_name_length", Rule::len_of("file_name"));
        fields.derive("extra_field_length", Rule::len_of("extra_fields"));
        fields.leaf("file_name", at.uint_le(26, 2), &Text)?;
        extra_fields(
            at,
            &mut fields,
            at.uint_le(28, 2),
            Zip64::of(&at, [22, 18, 0, 0]),
        )?;
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
        match self.method {
            Some(8) => fields.recoded("data", self.size, Deflate, Kind::leaf(&Text))?,
            Some(_) => fields.leaf("data", self.size, &Text)?,
            None => fields.leaf("data", self.size, &Raw::ANY)?,
        };
        let signed = u64::from(fields.peek(4)[..] == *b"PK\x07\x08") * 4;
        let from = fields.place() + signed + 4;
        let is_wide = |wide: &bool| at.uint_le(from, if *wide { 8 } else { 4 }) == self.size;
        if let Some(wide) = [false, true].into_iter().find(is_wide).filter(|_| streamed) {
            let len = signed + if wide { 20 } else { 12 };
            let shape = Descriptor { signed, wide };
            fields.node("data_descriptor", len, Kind::shared(Arc::new(shape)))?;
        }
        fields.gap();
        Ok(())
    }
}

/// 4.3.9: the signature came later; sizes have 8 bytes in ZIP64.
struct Descriptor {
    signed: u64,
    wide: bool,
}

impl Shape for Descriptor {
    fn name(&self) -> &'static str {
        "data_descriptor"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        if self.signed > 0 {
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
