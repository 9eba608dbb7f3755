//! An archive: the files, the directory, and its end.

use crate::directory::{END, END64, ENTRY, LOCATOR, entries};
use crate::file::{Place, files};
use crate::header::Head;
use binq_core::rule::{Custom, Match, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, State};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Kind, Malformed, Node, Ref, Scalar, Severity, Space, Span};
use std::borrow::Cow;

/// Where the parts of an archive are, in bytes.
pub struct Archive {
    /// From where its places are counted: where it begins, if it was put behind other bytes and not told.
    base: i64,
    files: Vec<Place>,
    directory: Span,
    /// The end of central directory record; nothing if there is none.
    end: Option<u64>,
}

/// 4.4.8, 4.4.21 and more: the number is in the fields of ZIP64.
const IN_ZIP64: i128 = 0xffff_ffff;
const IN_ZIP64_16: i128 = 0xffff;

impl Archive {
    /// Find the directory from the end on, and the files by it.
    pub fn find(space: &Space) -> Self {
        let at = At {
            space,
            span: space.span(),
        };
        // 4.3.16: a comment of at most 65535 bytes is behind the record
        let from = space.len().saturating_sub(0xffff + 22);
        let tail = at.read(from, u64::MAX);
        let fits =
            |i: &usize| *i as u64 + 22 + at.uint_le(from + *i as u64 + 20, 2) <= tail.len() as u64;
        let is_end = |i: &usize| tail[*i..].starts_with(b"PK\x05\x06") && fits(i);
        let end = (0..tail.len().saturating_sub(21))
            .rev()
            .find(is_end)
            .map(|i| from + i as u64);
        let (base, directory) = end.map_or((0, Span::bytes(0, 0)), |end| directory(&at, end));
        let mut archive = Self {
            base,
            files: Vec::new(),
            directory,
            end,
        };
        let (walk, entries) = (
            SeqAt {
                space,
                span: directory,
            },
            entries(base),
        );
        let mut state = entries.start(&walk);
        while let Some(step) = entries.step(&walk, &state) {
            let head = Head::entry(&At {
                space,
                span: step.span,
            });
            let at = i64::try_from(head.place)
                .ok()
                .and_then(|at| at.checked_add(base));
            let at = at.and_then(|at| u64::try_from(at).ok());
            archive.files.extend(at.map(|at| Place {
                at,
                size: head.size,
            }));
            state = step.next;
        }
        let until = archive.until(space);
        archive.files = Place::all(&at, archive.files, until);
        archive
    }

    /// Where the files end.
    fn until(&self, space: &Space) -> u64 {
        self.end
            .map_or(space.len(), |_| self.directory.first_byte())
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
    let is_told = i128::from(offset) != IN_ZIP64;
    let base = before.wrapping_sub(offset) as i64;
    match is_moved {
        true => (
            if is_told { base } else { 0 },
            Span::bytes(before, until - before),
        ),
        false => (
            0,
            Span::bytes(offset.min(until), size.min(until - offset.min(until))),
        ),
    }
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
static SIZE: Rule = Rule::stored_len_of("central_directory");
static OFFSET: Rule = Rule::offset_of("central_directory");

/// What an entry of the directory says of its file.
#[rustfmt::skip]
static OF_FILE: [(Path, Rule); 8] = [
    (Path::Name("file_name"), Rule::Copy(Path::Name("file_name"))),
    (Path::Name("crc32"), of_file(|file| said(file, "crc32"))),
    (Path::Name("compressed_size"), Rule::unless(IN_ZIP64, &COMPRESSED)),
    (Path::Name("uncompressed_size"), Rule::unless(IN_ZIP64, &UNCOMPRESSED)),
    (Path::Name("relative_offset_of_local_header"), Rule::unless(IN_ZIP64, &PLACE)),
    (Path::Names(&["zip64", "compressed_size"]), of_file(|file| said(file, "compressed_size"))),
    (Path::Names(&["zip64", "uncompressed_size"]), of_file(|file| said(file, "uncompressed_size"))),
    (Path::Names(&["zip64", "relative_offset_of_local_header"]), Rule::place()),
];

#[rustfmt::skip]
static RELATIONS: [Relation; 10] = [
    Relation::Each {
        list: Path::Name("central_directory"),
        with: Path::Name("local_files"),
        by: Match::At(|entry| said(entry, "relative_offset_of_local_header")),
        fields: Cow::Borrowed(&OF_FILE),
    },
    end(&["end_of_central_directory", "entries_on_disk"], Rule::unless(IN_ZIP64_16, &COUNT)),
    end(&["end_of_central_directory", "entries"], Rule::unless(IN_ZIP64_16, &COUNT)),
    end(&["end_of_central_directory", "size_of_central_directory"], Rule::unless(IN_ZIP64, &SIZE)),
    end(&["end_of_central_directory", "offset_of_central_directory"], Rule::unless(IN_ZIP64, &OFFSET)),
    end(&["zip64_end_of_central_directory", "entries_on_disk"], Rule::count_of("central_directory")),
    end(&["zip64_end_of_central_directory", "entries"], Rule::count_of("central_directory")),
    end(&["zip64_end_of_central_directory", "size_of_central_directory"], Rule::stored_len_of("central_directory")),
    end(&["zip64_end_of_central_directory", "offset_of_central_directory"], Rule::offset_of("central_directory")),
    end(&["zip64_locator", "offset_of_zip64_end"], Rule::offset_of("zip64_end_of_central_directory")),
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
        &RELATIONS
    }

    fn origin(&self) -> i64 {
        self.base
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, until, directory) = (cx.at.space, self.until(cx.at.space), self.directory);
        let first = self.files.first().map_or(until, |file| file.at);
        cx.gap(space, Span::bytes(0, first));
        let files = Kind::array(files(self.files.clone()));
        cx.node("local_files", Span::bytes(first, until - first), files);
        let end = self.end.ok_or_else(no_end)?;
        let walk = cx.list(
            "central_directory",
            directory,
            Ref::Shared(entries(self.base)),
        );
        cx.gap(space, Span::bits(walk.at, directory.end() - walk.at));
        let mut from = directory.end_byte();
        if cx.at.uint_le(from, 4) == 0x0606_4b50 && end >= from + 76 {
            let (end64, locator) = (
                Span::bytes(from, end - 20 - from),
                Span::bytes(end - 20, 20),
            );
            cx.node("zip64_end_of_central_directory", end64, Kind::fixed(&END64));
            cx.node("zip64_locator", locator, Kind::fixed(&LOCATOR));
            from = end;
        }
        cx.gap(space, Span::bytes(from, end - from));
        let len = 22 + cx.at.uint_le(end + 20, 2);
        let wrong = wrong(&cx.at, &walk, directory, end);
        let last = cx.node(
            "end_of_central_directory",
            Span::bytes(end, len),
            Kind::fixed(&END),
        );
        if let Some(wrong) = wrong {
            last.wrong(wrong.with(Severity::Damage));
        }
        cx.nothing_after((end + len) * 8)
    }
}

/// What a reader finds wrong that takes as many entries as the end says.
fn wrong(at: &At<'_>, walk: &State, directory: Span, end: u64) -> Option<Malformed> {
    let (entries, size) = (at.uint_le(end + 10, 2), at.uint_le(end + 12, 4));
    let is_all = i128::from(entries) == IN_ZIP64_16 || walk.memory & 0xffff == entries;
    let is_size = i128::from(size) == IN_ZIP64 || directory.byte_len() == size;
    let wrong = |at, expected: String, found: String| Some(Malformed::new(at, expected, found));
    match (walk.at == directory.end(), is_size, is_all) {
        (false, ..) => wrong(walk.at / 8, "a header of an entry".into(), "others".into()),
        (_, false, _) => {
            let expected = format!("a directory of {} bytes", directory.byte_len());
            wrong(end + 12, expected, size.to_string())
        }
        (.., false) => wrong(
            end + 10,
            format!("{} entries", walk.memory),
            entries.to_string(),
        ),
        _ => None,
    }
}
