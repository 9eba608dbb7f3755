//! An archive: the files, the directory, and its end.

use crate::directory::{END64, End, Entries, LOCATOR};
use crate::file::{Files, Place};
use binq_core::rule::{Custom, Match, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, Sequence};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Kind, Malformed, Node, Ref, Scalar, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// Where the parts of an archive are, in bytes.
pub struct Archive {
    files: Vec<Place>,
    directory: Span,
    /// The end of central directory record; nothing if there is none.
    end: Option<u64>,
}

/// 4.3.16: a comment of at most so many bytes is behind the record.
const MOST_COMMENT: u64 = 0xffff;

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
        let from = space.len().saturating_sub(MOST_COMMENT + 22);
        let tail = at.read(from, u64::MAX);
        let is_end = |i: &usize| {
            let fits = |len: u64| *i as u64 + 22 + len <= tail.len() as u64;
            tail[*i..].starts_with(b"PK\x05\x06") && fits(at.uint_le(from + *i as u64 + 20, 2))
        };
        let end = (0..tail.len().saturating_sub(21))
            .rev()
            .find(is_end)
            .map(|i| from + i as u64);
        let mut directory = Span::bytes(0, 0);
        if let Some(end) = end {
            let (mut size, mut offset) = (at.uint_le(end + 12, 4), at.uint_le(end + 16, 4));
            let mut until = end;
            if end >= 76 && *at.read(end - 20, 4) == *b"PK\x06\x07" {
                let end64 = at.uint_le(end - 12, 8);
                if *at.read(end64, 4) == *b"PK\x06\x06" {
                    (size, offset, until) =
                        (at.uint_le(end64 + 40, 8), at.uint_le(end64 + 48, 8), end64);
                }
            }
            let offset = offset.min(until);
            directory = Span::bytes(offset, size.min(until - offset));
        }
        let entries = SeqAt {
            space,
            span: directory,
        };
        let mut files = Vec::new();
        let mut state = Entries.start(&entries);
        while let Some(step) = Entries.step(&entries, &state) {
            files.push(Place::of(&At {
                space,
                span: step.span,
            }));
            state = step.next;
        }
        let until = if end.is_some() {
            directory.first_byte()
        } else {
            space.len()
        };
        let files = Place::all(&at, files, until);
        Self {
            files,
            directory,
            end,
        }
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
        let is_one = self.end.is_some() || !self.files.is_empty();
        (!is_one).then(no_end)
    }

    fn relations(&self) -> &[Relation] {
        &RELATIONS
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, directory) = (cx.at.space.clone(), self.directory);
        let none = if self.end.is_some() {
            directory.start
        } else {
            cx.at.span.end()
        };
        let first = self.files.first().map_or(none, |file| file.at * 8);
        cx.gap(&space, Span::bits(0, first));
        let files = Kind::array(Arc::new(Files(self.files.clone())));
        let Some(end) = self.end else {
            let span = Span::bits(first, cx.at.span.end() - first);
            cx.node("local_files", span, files);
            return Err(no_end());
        };
        cx.node(
            "local_files",
            Span::bits(first, directory.start - first),
            files,
        );
        let walk = cx.list("central_directory", directory, Ref::Static(&Entries));
        cx.gap(&space, Span::bits(walk.at, directory.end() - walk.at));
        let mut from = directory.end_byte();
        if *cx.at.read(from, 4) == *b"PK\x06\x06" && end >= from + 76 {
            cx.node(
                "zip64_end_of_central_directory",
                Span::bytes(from, end - 20 - from),
                Kind::fixed(&END64),
            );
            cx.node(
                "zip64_locator",
                Span::bytes(end - 20, 20),
                Kind::fixed(&LOCATOR),
            );
            from = end;
        }
        cx.gap(&space, Span::bytes(from, end - from));
        let len = 22 + cx.at.uint_le(end + 20, 2);
        cx.node(
            "end_of_central_directory",
            Span::bytes(end, len),
            Kind::fixed(&End),
        );
        cx.nothing_after((end + len) * 8)
    }
}
