//! Files: 4.3.6.

use crate::directory::{ENTRY, LOCAL};
use crate::header::{HEADER, Head, is_utf8, language, u32, u64};
use binq_core::codec::{Raw, Text};
use binq_core::layer::{Deflate, Recoding};
use binq_core::rule::{Part, Path, Relation, Rule};
use binq_core::sequence::Sequence;
use binq_core::shape::{At, Cx, Fluid, Shape, Traits};
use binq_core::{Kind, Malformed, Node, Row, Rows, Run, Severity};
use std::borrow::Cow;
use std::sync::Arc;

/// Where a file is, and how long its data is as it is stored.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: u64,
    pub size: u64,
}

impl Place {
    /// The first byte behind its data and their descriptor.
    fn end(self, all: &At<'_>) -> u64 {
        let file = all.after(self.at);
        let end = self
            .at
            .saturating_add(Head::local(&file).end)
            .saturating_add(self.size);
        let follows = |len: &u64| matches!(all.uint_le(end.saturating_add(*len), 4), LOCAL | ENTRY);
        let behind = [0, 12, 16, 20, 24].into_iter().find(follows);
        end.saturating_add(behind.filter(|_| is_streamed(&file)).unwrap_or(0))
    }

    /// The files of the directory, and those between them and before the end that have no entry, as far as their own headers say
    /// how long their data is.
    pub fn all(all: &At<'_>, mut files: Vec<Self>, end: u64) -> Vec<Self> {
        files.retain(|place| place.at < end);
        files.sort_by_key(|place| place.at);
        files.dedup_by_key(|place| place.at);
        let mut out: Vec<Self> = Vec::with_capacity(files.len());
        let mut files = files.into_iter().peekable();
        let mut at = 0;
        loop {
            let file = all.after(at);
            let is_file = file.uint_le(0, 4) == LOCAL && !is_streamed(&file);
            let is_orphan = is_file && at < files.peek().map_or(end, |next| next.at);
            let orphan = is_orphan.then(|| Self {
                at,
                size: Head::local(&file).size,
            });
            let Some(place) = orphan.or_else(|| files.next()) else {
                return out;
            };
            out.push(place);
            at = place.end(all).max(place.at + 1);
        }
    }
}

/// 4.4.4: whether sizes and checksum may be behind the data only.
pub fn is_streamed(file: &At<'_>) -> bool {
    file.uint_le(6, 2) & 8 != 0
}

/// The files, which are given in the order of their places.
pub fn files(places: Vec<Place>) -> Arc<dyn Sequence> {
    let item = move |at: &At<'_>| {
        let here = at.span.first_byte();
        let i = places.binary_search_by_key(&here, |place| place.at).ok()?;
        let len = places.get(i + 1).map_or(at.len(), |next| next.at - here);
        let method = method(at);
        let size = places[i].size;
        Some((Kind::shared(Arc::new(File { size, method })), len))
    };
    Arc::new(Run::of("local_file", item))
}

static DATA: [Part; 1] = [Part::Shown(Path::Name("data"))];
static STORED: Rule = Rule::stored_len_of("data");
static SHOWN: Rule = Rule::len_of("data");
const CRC: Rule = Rule::sum(|parts| crc32fast::hash(parts[0]).into(), &DATA);

const fn of(names: &'static [&'static str], rule: Rule) -> Relation {
    let field = Path::Names(names);
    Relation::One { field, rule }
}

/// What follows from the data where the header does not say it; of data that is not shown, only how long it is.
#[rustfmt::skip]
static BEHIND: [Relation; 6] = [
    language(|file| is_utf8(file, &["file_name"])),
    of(&["zip64", "compressed_size"], Rule::stored_len_of("data")),
    of(&["data_descriptor", "compressed_size"], Rule::stored_len_of("data")),
    of(&["zip64", "uncompressed_size"], Rule::len_of("data")),
    of(&["data_descriptor", "uncompressed_size"], Rule::len_of("data")),
    of(&["data_descriptor", "crc32"], CRC),
];

/// 4.4.5: what data begins with that was compressed by a method that is not undone here, where that says it.
const MARKS: [(u64, &str, u64, &[u8]); 4] = [
    (12, "bzip2", 0, b"BZh"),
    // 5.8.8: the version of the SDK, and the size of the properties
    (14, "lzma", 2, b"\x05\0"),
    (93, "zstd", 0, b"\x28\xb5\x2f\xfd"),
    (95, "xz", 0, b"\xfd7zXZ\0"),
];

impl File {
    /// The data as it is stored.
    fn stored<'a>(&self, at: &At<'a>) -> Cow<'a, [u8]> {
        at.read(Head::local(at).end, self.size)
    }

    /// Data that is longer or shorter than the header says.
    fn is_longer(&self, at: &At<'_>) -> Option<Malformed> {
        let said = at.uint_le(22, 4);
        if said == 0xffff_ffff || is_streamed(at) {
            return None;
        }
        let len = content(at, self.size)?.len() as u64;
        let wrong = || Malformed::new(at.span.first_byte() + 22, len.to_string(), said.to_string());
        (len != said).then(|| wrong().with(Severity::Damage))
    }

    /// A descriptor that does not name checksum and size of the data.
    fn is_described(&self, at: &At<'_>) -> Option<Malformed> {
        let behind = Behind::of(at, self.size);
        let data = content(at, self.size)?;
        let sum = (
            u64::from(crc32fast::hash(&data)),
            behind.first,
            4,
            "checksum",
        );
        let len = (
            data.len() as u64,
            behind.first + 4 + behind.len,
            behind.len,
            "size",
        );
        let (is, from, bytes, what) = [sum, len]
            .into_iter()
            .find(|(is, from, bytes, _)| at.uint_le(*from, *bytes) != *is)?;
        let said = at.uint_le(from, bytes).to_string();
        let wrong = Malformed::new(
            at.span.first_byte() + from,
            format!("the {what} {is}"),
            said,
        );
        Some(wrong.with(Severity::Damage))
    }

    /// Data that another method compressed than the header says.
    fn is_other(&self, at: &At<'_>) -> Option<Malformed> {
        let (method, is_encrypted) = (at.uint_le(8, 2), at.uint_le(6, 2) & 1 != 0);
        let (_, name, from, mark) = MARKS.iter().find(|mark| mark.0 == method)?;
        let data = self.stored(at);
        let is_one = data
            .get(*from as usize..)
            .is_some_and(|data| data.starts_with(mark));
        let start = at.span.first_byte() + Head::local(at).end;
        let wrong = || Malformed::new(start, format!("data that {name} compressed"), "others");
        (!is_one && !is_encrypted && !data.is_empty()).then(wrong)
    }
}

impl Fluid for File {
    fn beyond(&self, field: &str, edited: &Node) -> Option<String> {
        let was = edited.unedited().actual();
        let is_other = field == "compression_method" && edited.actual() != was;
        is_other.then(|| {
            "the data is not compressed anew, so that readers that go by this method cannot read it".to_owned()
        })
    }
}

/// The data of a file as it is shown; nothing where it is not, or cannot be.
pub fn content<'a>(at: &At<'a>, size: u64) -> Option<Cow<'a, [u8]>> {
    let stored = at.read(Head::local(at).end, size);
    let whole = stored.len() as u64 == size;
    match method(at).filter(|_| whole)? {
        8 => Deflate.decode(&stored).ok().map(Cow::Owned),
        _ => Some(stored),
    }
}

/// How the data of a file is compressed, if it is shown decompressed. Encrypted data is not.
fn method(at: &At<'_>) -> Option<u64> {
    let (method, is_encrypted) = (at.uint_le(8, 2), at.uint_le(6, 2) & 1 != 0);
    (matches!(method, 0 | 8) && !is_encrypted).then_some(method)
}

/// What stands behind data of so many bytes, if it is a descriptor: 4.3.9. The signature came later; sizes have 8 bytes in ZIP64.
struct Behind {
    at: u64,
    signed: bool,
    /// The first byte behind the signature.
    first: u64,
    /// How many bytes a size has.
    len: u64,
}

impl Behind {
    fn of(file: &At<'_>, size: u64) -> Self {
        let head = Head::local(file);
        let at = head.end.saturating_add(size);
        let signed = *file.read(at, 4) == *b"PK\x07\x08";
        let first = at.saturating_add(u64::from(signed) * 4);
        let is_wide = head.zip64.is_some() || file.len() == first.saturating_add(20);
        let len = if is_wide { 8 } else { 4 };
        Self {
            at,
            signed,
            first,
            len,
        }
    }

    fn is_there(&self, file: &At<'_>, size: u64) -> bool {
        let whole = self.first.saturating_add(4 + 2 * self.len) <= file.len();
        whole && file.uint_le(self.first + 4, self.len) == size
    }
}

/// A file.
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
            &BEHIND[..3]
        }
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let at_byte = at.span.first_byte();
        let size = "the size that the directory says";
        let is_size = is_streamed(at) || Head::local(at).size == self.size;
        match field {
            "signature" if at.uint_le(0, 4) != LOCAL => {
                Some(Malformed::new(at_byte, "504b0304", "others"))
            }
            "compressed_size" if !is_size => {
                Some(Malformed::new(at_byte + 18, size, "another").with(Severity::Damage))
            }
            "uncompressed_size" => self.is_longer(at),
            "data_descriptor" => self.is_described(at),
            "data" => self.is_other(at),
            _ => None,
        }
    }

    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (at, head) = (cx.at, Head::local(&cx.at));
        let mut fields = cx.reader(0);
        fields.leaf("signature", 4, &Raw::FIXED)?;
        fields.rows(&HEADER)?;
        fields.leaf("file_name", at.uint_le(26, 2), &Text)?;
        head.extra_fields(&mut fields)?;
        let is_shown = self.method.is_some();
        #[rustfmt::skip]
        let said = [
            ("compressed_size", 18, true, Rule::unless(0xffff_ffff, &STORED)),
            ("uncompressed_size", 22, is_shown, Rule::unless(0xffff_ffff, &SHOWN)),
            ("crc32", 14, is_shown, CRC),
        ];
        // 4.4.4: where the descriptor says it, the header has zeros
        let is_said = |from| !is_streamed(&at) || at.uint_le(from, 4) != 0;
        for (name, _, _, rule) in said.into_iter().filter(|s| s.2 && is_said(s.1)) {
            fields.derive(name, rule);
        }
        match self.method {
            Some(8) => fields.recoded("data", self.size, Deflate, Kind::leaf(&Text))?,
            Some(_) => fields.leaf("data", self.size, &Text)?,
            None => fields.leaf("data", self.size, &Raw::ANY)?,
        };
        let behind = Behind::of(&at, self.size);
        let is_missing = is_streamed(&at) && !behind.is_there(&at, self.size);
        if is_streamed(&at) && !is_missing {
            let shape = &DESCRIPTORS[usize::from(behind.len == 8)][usize::from(behind.signed)];
            let len = behind.first + 4 + 2 * behind.len - behind.at;
            fields.node("data_descriptor", len, Kind::fixed(shape))?;
        }
        let place = fields.rest().first_byte();
        fields.gap();
        // the header may say it all the same
        let says = at.uint_le(14, 4) != 0;
        if is_missing && !says && self.size > 0 {
            let expected = format!("a data descriptor that names {} bytes of data", self.size);
            return Err(Malformed::new(place, expected, "none").with(Severity::Damage));
        }
        Ok(())
    }

    fn traits(&self) -> Traits {
        Traits {
            has_aliases: true,
            ..Traits::default()
        }
    }
}

const SIGNATURE: Row = Row::leaf("signature", 4, &Raw::FIXED);
const CRC32: Row = u32("crc32");
#[rustfmt::skip]
static WIDE: [Row; 4] = [SIGNATURE, CRC32, u64("compressed_size"), u64("uncompressed_size")];
#[rustfmt::skip]
static NARROW: [Row; 4] = [SIGNATURE, CRC32, u32("compressed_size"), u32("uncompressed_size")];
const fn descriptor(rows: &'static [Row]) -> Rows {
    Rows::of("data_descriptor", rows)
}

/// By whether sizes have 8 bytes, and by whether it begins with the signature.
#[rustfmt::skip]
static DESCRIPTORS: [[Rows; 2]; 2] = [
    [descriptor(NARROW.split_at(1).1), descriptor(&NARROW)], [descriptor(WIDE.split_at(1).1), descriptor(&WIDE)],
];
