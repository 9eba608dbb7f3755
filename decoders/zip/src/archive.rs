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
    /// That of ZIP64, where its locator leads to it.
    end64: Option<u64>,
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
        let nothing = (0, Span::bytes(0, 0), None);
        let (base, directory, end64) = end.map_or(nothing, |end| directory(&at, end));
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
            end64,
            is_padded: last.end() < directory.end(),
        }
    }

    /// What a reader finds wrong that takes as many entries as the ends say, from where they say: of the end, of that of ZIP64, and
    /// of its locator.
    fn wrong(&self, at: &At<'_>, walk: &State, end: u64) -> [Option<Malformed>; 3] {
        let (count, len) = (walk.memory, self.directory.byte_len());
        let moved = |place: u64| place.saturating_add_signed(-self.base);
        let place = moved(self.directory.first_byte());
        let ones = |bytes: u64| u64::MAX >> (64 - 8 * bytes);
        // a number that only ZIP64 has a field for
        let (small, far) = (ones(2), ones(4));
        let part = |from, bytes| (0, from, bytes, "part 0, which is the only one".to_owned());
        let entries = |from, bytes, is| (is, from, bytes, format!("{count} entries"));
        let size = |from, bytes| (len, from, bytes, format!("a directory of {len} bytes"));
        let begins = |from, bytes| (place, from, bytes, format!("a directory at {place}"));
        let find = |start: u64, said: &[(u64, u64, u64, String)], is_wide: bool| {
            let said = said.iter().map(|(is, from, bytes, expected)| {
                (
                    *is,
                    at.uint_le(start + from, *bytes),
                    *bytes,
                    start + from,
                    expected,
                )
            });
            let mut wrong = said
                .filter(|(is, said, bytes, ..)| said != is && (is_wide || *said != ones(*bytes)));
            let (_, said, _, at, expected) = wrong.next()?;
            Some(Malformed::new(at, expected, said.to_string()))
        };
        let needs_64 = [12, 16].iter().any(|from| at.uint_le(end + from, 4) == far);
        let own = match (walk.at == self.directory.end(), self.end64) {
            (_, None) if needs_64 => {
                let expected = "a ZIP64 end of central directory record before it";
                Some(Malformed::new(end, expected, "none"))
            }
            (false, _) => Some(Malformed::new(
                walk.at / 8,
                "a header of an entry",
                "others",
            )),
            _ => find(
                end,
                &[
                    part(4, 2),
                    size(12, 4),
                    entries(10, 2, count & small),
                    begins(16, 4),
                ],
                false,
            ),
        };
        let Some(end64) = self.end64 else {
            return [own, None, None];
        };
        let wide = [
            part(16, 4),
            part(20, 4),
            entries(24, 8, count),
            entries(32, 8, count),
            size(40, 8),
            begins(48, 8),
        ];
        let at64 = moved(end64);
        let located = [
            part(4, 4),
            (at64, 8, 8, format!("the record at {at64}")),
            (1, 16, 4, "1 part".to_owned()),
        ];
        [
            own,
            find(end64, &wide, true),
            find(end - 20, &located, true),
        ]
    }
}

/// From where places are counted, and where the directory is, by its end.
fn directory(at: &At<'_>, end: u64) -> (i64, Span, Option<u64>) {
    let (mut size, mut offset, mut until) = (at.uint_le(end + 12, 4), at.uint_le(end + 16, 4), end);
    let is_64 = |end64: &u64| at.uint_le(*end64, 4) == 0x0606_4b50 && *end64 + 56 <= end;
    let is_located = end >= 76 && at.uint_le(end - 20, 4) == 0x0706_4b50;
    let mut end64 = [at.uint_le(end.wrapping_sub(12), 8), end.wrapping_sub(76)].into_iter();
    let end64 = end64.find(is_64).filter(|_| is_located);
    if let Some(end64) = end64 {
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
    (if is_behind { base } else { 0 }, directory, end64)
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
        let wrong = self
            .wrong(&cx.at, &walk, end)
            .map(|wrong| wrong.map(|w| w.with(Severity::Damage)));
        let [own, of_64, of_locator] = wrong;
        let mut from = directory.end_byte();
        if let Some(end64) = self.end64.filter(|end64| *end64 >= from) {
            cx.gap(space, Span::bytes(from, end64 - from));
            let span = Span::bytes(end64, end - 20 - end64);
            let record = cx.node("zip64_end_of_central_directory", span, Kind::fixed(&END64));
            if let Some(wrong) = of_64 {
                record.wrong(wrong);
            }
            let span = Span::bytes(end - 20, 20);
            let locator = cx.node("zip64_locator", span, Kind::fixed(&LOCATOR));
            if let Some(wrong) = of_locator {
                locator.wrong(wrong);
            }
            from = end;
        }
        cx.gap(space, Span::bytes(from, end - from));
        let len = 22 + cx.at.uint_le(end + 20, 2);
        let span = Span::bytes(end, len);
        let last = cx.node("end_of_central_directory", span, Kind::fixed(&END));
        if let Some(wrong) = own {
            last.wrong(wrong);
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
