//! An archive: the files, the directory, and its end.

use crate::directory::{END, END64, ENTRY, LOCAL, LOCATOR, entries};
use crate::file::{Place, files};
use crate::header::{Head, LANGUAGE, is_utf8};
use binq_core::rule::{Custom, Edge, Match, Of, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, State};
use binq_core::shape::{At, Cx, Shape, Traits};
use binq_core::{Kind, Malformed, Node, Ref, Scalar, Severity, Space, Span};
use std::borrow::Cow;

/// Where the parts of an archive are, in bytes.
pub struct Archive {
    /// From where its places are counted: where it begins, if it was put behind other bytes and not told.
    base: i64,
    files: Vec<Place>,
    directory: Span,
    /// Where the files end.
    until: u64,
    /// The end of central directory record; nothing if there is none.
    end: Option<u64>,
    /// Whether bytes that are no entries are at the end of the directory: those of a signature (4.3.13), or others.
    is_padded: bool,
}

/// 4.4.8, 4.4.21 and more: the number is in the fields of ZIP64.
const IN_ZIP64: i128 = 0xffff_ffff;
const IN_ZIP64_16: i128 = 0xffff;

impl Archive {
    /// Find the directory from the end on, and the files by it.
    pub fn find(space: &Space) -> Self {
        let at = At::new(space, space.span());
        // 4.3.16: a comment of at most 65535 bytes is behind the record
        let from = space.len().saturating_sub(0xffff + 22);
        let tail = at.after(from);
        let bytes = tail.read(0, u64::MAX);
        let fits = |i: usize| i as u64 + 22 + tail.uint_le(i as u64 + 20, 2) <= tail.len();
        let is_end = |i: &usize| bytes[*i..].starts_with(b"PK\x05\x06") && fits(*i);
        let end = (0..bytes.len()).rev().find(is_end).map(|i| from + i as u64);
        let (base, directory) = end.map_or((0, Span::bytes(0, 0)), |end| directory(&at, end));
        let (walk, entries) = (SeqAt::new(space, directory), entries(base));
        let file = |entry: Span| {
            let Head { size, place, .. } = Head::entry(&At::new(space, entry));
            place.checked_add_signed(base).map(|at| Place { at, size })
        };
        let listed: Vec<Span> = walk.spans(&*entries).collect();
        let last = listed
            .last()
            .copied()
            .unwrap_or(Span::bits(directory.start, 0));
        let files = listed.into_iter().filter_map(file).collect();
        let until = end.map_or(space.len(), |_| directory.first_byte());
        Self {
            base,
            files: Place::all(&at, files, until),
            directory,
            until,
            end,
            is_padded: last.end() < directory.end(),
        }
    }

    /// What a reader finds wrong that takes as many entries as the end says, from where it says.
    fn wrong(&self, at: &At<'_>, walk: &State, end: u64) -> Option<Malformed> {
        let said = |from, len| at.uint_le(end + from, len);
        let (count, len) = (walk.memory, self.directory.byte_len());
        let place = self
            .directory
            .first_byte()
            .saturating_add_signed(-self.base);
        let is_in_zip64 = |from, bytes| said(from, bytes) == u64::MAX >> (64 - 8 * bytes);
        let malformed = |at, expected: &str, found: &str| Some(Malformed::new(at, expected, found));
        if walk.at != self.directory.end() {
            return malformed(walk.at / 8, "a header of an entry", "others");
        }
        let (_, from, bytes, expected) = [
            (0, 4, 2, "part 0, which is the only one".to_owned()),
            (len, 12, 4, format!("a directory of {len} bytes")),
            (count & 0xffff, 10, 2, format!("{count} entries")),
            (place, 16, 4, format!("a directory at {place}")),
        ]
        .into_iter()
        .find(|(is, from, bytes, _)| said(*from, *bytes) != *is && !is_in_zip64(*from, *bytes))?;
        malformed(end + from, &expected, &said(from, bytes).to_string())
    }
}

/// From where places are counted, and where the directory is, by its end.
fn directory(at: &At<'_>, end: u64) -> (i64, Span) {
    let (mut size, mut offset, mut until) = (at.uint_le(end + 12, 4), at.uint_le(end + 16, 4), end);
    let is_64 = |end64: &u64| at.uint_le(*end64, 4) == 0x0606_4b50 && *end64 + 56 <= end;
    let is_located = end >= 76 && at.uint_le(end - 20, 4) == 0x0706_4b50;
    let mut end64 = [at.uint_le(end.wrapping_sub(12), 8), end.wrapping_sub(76)].into_iter();
    if let Some(end64) = end64.find(is_64).filter(|_| is_located) {
        (size, offset, until) = (at.uint_le(end64 + 40, 8), at.uint_le(end64 + 48, 8), end64);
    }
    let before = until.saturating_sub(size);
    // as other readers do, the directory is taken to be right before its end, if it is not where it should be
    let is_moved = at.uint_le(offset, 4) != ENTRY && at.uint_le(before, 4) == ENTRY;
    let directory = match is_moved {
        true => Span::bytes(before, until - before),
        false => Span::bytes(offset.min(until), size.min(until - offset.min(until))),
    };
    let base = (before as i64).wrapping_sub(offset as i64);
    let first = Head::entry(&at.after(before)).place;
    let is_file = |place| at.uint_le(place, 4) == LOCAL;
    let is_near = is_moved && base.unsigned_abs() < at.len();
    let is_behind = is_near && first.checked_add_signed(base).is_some_and(is_file);
    (if is_behind { base } else { 0 }, directory)
}

const fn end(names: &'static [&'static str], rule: Rule) -> Relation {
    let field = Path::Names(names);
    Relation::One { field, rule }
}

/// What a file says of its data: behind the data, in a field of ZIP64, or in the header.
fn said(file: &Node, name: &str) -> Option<Scalar> {
    let part = |of: &str| file.field(of)?.field(name)?.actual();
    part("data_descriptor")
        .or_else(|| part("zip64"))
        .or_else(|| file.field(name)?.actual())
}

const fn of_file(said: fn(&Node) -> Option<Scalar>) -> Rule {
    Rule::Custom(Custom::Of(said))
}

static COMPRESSED: Rule = of_file(|file| said(file, "compressed_size"));
static UNCOMPRESSED: Rule = of_file(|file| said(file, "uncompressed_size"));
static PLACE: Rule = Rule::place();
static COUNT: Rule = Rule::count_of("central_directory");
static OFFSET: Rule = Rule::offset_of("central_directory");

/// The size of the directory, up to the end of what is in it besides entries.
const fn size_up_to(gap: &'static str) -> Rule {
    let first = Edge::Start(Path::Name("central_directory"));
    Rule::len(Of::Between(first, Edge::End(Path::Name(gap))))
}

/// Without such bytes; with them, as the first gap or the second.
static SIZES: [Rule; 3] = [
    Rule::stored_len_of("central_directory"),
    size_up_to("gap0"),
    size_up_to("gap1"),
];

/// What an entry of the directory says of its file.
#[rustfmt::skip]
static OF_FILE: [(Path, Rule); 10] = [
    (Path::Name("file_name"), Rule::Copy(Path::Name("file_name"))),
    (Path::Names(LANGUAGE), of_file(|file| is_utf8(file, &["file_name"]))),
    (Path::Name("compression_method"), Rule::Copy(Path::Name("compression_method"))),
    (Path::Name("crc32"), of_file(|file| said(file, "crc32"))),
    (Path::Name("compressed_size"), Rule::unless(IN_ZIP64, &COMPRESSED)),
    (Path::Name("uncompressed_size"), Rule::unless(IN_ZIP64, &UNCOMPRESSED)),
    (Path::Name("relative_offset_of_local_header"), Rule::unless(IN_ZIP64, &PLACE)),
    (Path::Names(&["zip64", "compressed_size"]), of_file(|file| said(file, "compressed_size"))),
    (Path::Names(&["zip64", "uncompressed_size"]), of_file(|file| said(file, "uncompressed_size"))),
    (Path::Names(&["zip64", "relative_offset_of_local_header"]), Rule::place()),
];

/// By what says how long the directory is: see [`SIZES`].
#[rustfmt::skip]
const fn relations(size: &'static Rule, wide: Rule) -> [Relation; 10] { [
    Relation::Each {
        list: Path::Name("central_directory"),
        with: Path::Name("local_files"),
        by: Match::At(|entry| said(entry, "relative_offset_of_local_header")),
        fields: Cow::Borrowed(&OF_FILE),
    },
    end(&["end_of_central_directory", "entries_on_disk"], Rule::unless(IN_ZIP64_16, &COUNT)),
    end(&["end_of_central_directory", "entries"], Rule::unless(IN_ZIP64_16, &COUNT)),
    end(&["end_of_central_directory", "size_of_central_directory"], Rule::unless(IN_ZIP64, size)),
    end(&["end_of_central_directory", "offset_of_central_directory"], Rule::unless(IN_ZIP64, &OFFSET)),
    end(&["zip64_end_of_central_directory", "entries_on_disk"], Rule::count_of("central_directory")),
    end(&["zip64_end_of_central_directory", "entries"], Rule::count_of("central_directory")),
    end(&["zip64_end_of_central_directory", "size_of_central_directory"], wide),
    end(&["zip64_end_of_central_directory", "offset_of_central_directory"], Rule::offset_of("central_directory")),
    end(&["zip64_locator", "offset_of_zip64_end"], Rule::offset_of("zip64_end_of_central_directory")),
] }

static RELATIONS: [[Relation; 10]; 3] = [
    relations(&SIZES[0], Rule::stored_len_of("central_directory")),
    relations(&SIZES[1], size_up_to("gap0")),
    relations(&SIZES[2], size_up_to("gap1")),
];

fn no_end() -> Malformed {
    Malformed::new(0, "an end of central directory record", "none")
}

impl Shape for Archive {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn fault(&self) -> Option<Malformed> {
        (self.end.is_none() && self.files.is_empty()).then(no_end)
    }

    fn relations(&self) -> &[Relation] {
        let begins_late = self.files.first().map_or(self.until, |file| file.at) > 0;
        &RELATIONS[usize::from(self.is_padded) * (1 + usize::from(begins_late))]
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, until, directory) = (cx.at.space, self.until, self.directory);
        let first = self.files.first().map_or(until, |file| file.at);
        cx.gap(space, Span::bytes(0, first));
        let files = Kind::array(files(self.files.clone()));
        cx.node("local_files", Span::bytes(first, until - first), files);
        let end = self.end.ok_or_else(no_end)?;
        let entries = Ref::Shared(entries(self.base));
        let walk = cx.list("central_directory", directory, entries);
        cx.gap(space, Span::bits(walk.at, directory.end() - walk.at));
        let mut from = directory.end_byte();
        if cx.at.uint_le(from, 4) == 0x0606_4b50 && end >= from + 76 {
            let end64 = Span::bytes(from, end - 20 - from);
            cx.node("zip64_end_of_central_directory", end64, Kind::fixed(&END64));
            let locator = Span::bytes(end - 20, 20);
            cx.node("zip64_locator", locator, Kind::fixed(&LOCATOR));
            from = end;
        }
        cx.gap(space, Span::bytes(from, end - from));
        let len = 22 + cx.at.uint_le(end + 20, 2);
        let wrong = self.wrong(&cx.at, &walk, end);
        let span = Span::bytes(end, len);
        let last = cx.node("end_of_central_directory", span, Kind::fixed(&END));
        if let Some(wrong) = wrong {
            last.wrong(wrong.with(Severity::Damage));
        }
        cx.nothing_after((end + len) * 8)
    }

    fn traits(&self) -> Traits {
        Traits {
            origin: self.base,
            ..Traits::default()
        }
    }
}
