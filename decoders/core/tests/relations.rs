//! Relations between parts of a struct that lie apart: an archive with a directory, and a chain of lengths.

use binq_core::codec::{Int, Raw};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::rule::{Edge, Match, Of, Part, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Field, Shape, Traits};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Scalar, Space, Span};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

fn add(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .flat_map(|p| p.iter())
        .fold(0, |n, b| n + u64::from(*b))
        & 0xff
}

/// `length`, `sum`, `text`.
struct File;
static LENGTH: Rule = Rule::len_of("text");
static TEXT: [Part; 1] = [Part::fields("text", "text")];
static SUM: Rule = Rule::sum(add, &TEXT);
static FILE: [Field; 2] = [
    Field::leaf("length", 0, 1, &Int::U8).derived(&LENGTH),
    Field::leaf("sum", 1, 1, &Int::U8).derived(&SUM),
];

impl Shape for File {
    fn name(&self) -> &'static str {
        "file"
    }
    fn layout(&self) -> &'static [Field] {
        &FILE
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        cx.leaf(
            "text",
            Span::bits(span.start + 16, span.len - 16),
            &Raw::ANY,
        );
        Ok(())
    }
}

/// `place`, `sum` and `length` of a file, and a sum over these three.
struct Entry;
static HEAD: [Part; 1] = [Part::fields("place", "length")];
static CHECK: Rule = Rule::sum(add, &HEAD);
static ENTRY: [Field; 4] = [
    Field::leaf("place", 0, 1, &Int::U8),
    Field::leaf("sum", 1, 1, &Int::U8),
    Field::leaf("length", 2, 1, &Int::U8),
    Field::leaf("check", 3, 1, &Int::U8).derived(&CHECK),
];

impl Shape for Entry {
    fn name(&self) -> &'static str {
        "entry"
    }
    fn layout(&self) -> &'static [Field] {
        &ENTRY
    }
}

/// Items until the number of bytes that is given.
struct Items {
    of: &'static dyn Shape,
    /// The size of an item, if all have the same.
    size: Option<u64>,
}

impl Sequence for Items {
    fn name(&self) -> &'static str {
        self.of.name()
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        if state.at >= at.span.end() {
            return None;
        }
        let length = u64::from(*at.space.read(state.at / 8, 1).first()?);
        let span = Span::bits(state.at, self.size.unwrap_or(length + 2) * 8);
        (span.end() <= at.span.end()).then(|| Step {
            kind: Kind::fixed(self.of),
            span,
            next: State::new(span.end()),
        })
    }
    fn resizable(&self) -> bool {
        true
    }
}

/// `directory_at`, `files` up to there, `count` and `size` of the directory, `directory`, `total`: the sum of all sums of the files,
/// and the sum of everything; behind so many bytes of something else, from which no place is counted.
struct Archive(u64);

static RELATIONS: LazyLock<Vec<Relation>> = LazyLock::new(|| {
    let one = |field, rule| Relation::One {
        field: Path::Name(field),
        rule,
    };
    vec![
        // what reads most comes first: the order does not count
        one(
            "all",
            Rule::Sum {
                sum: binq_core::rule::Checksum::Shared(Arc::new(add)),
                over: Cow::Owned(vec![Part::Between(
                    Edge::Byte(0),
                    Edge::Start(Path::Name("all")),
                )]),
            },
        ),
        one("copy", Rule::Copy(Path::Names(&["end", "count"]))),
        one("directory_at", Rule::offset_of("directory")),
        Relation::One {
            field: Path::Names(&["end", "count"]),
            rule: Rule::Count(Path::Name("directory")),
        },
        Relation::One {
            field: Path::Names(&["end", "size"]),
            rule: Rule::Len {
                of: Of::Stored(Path::Name("directory")),
                unit: 4,
                bias: 0,
            },
        },
        Relation::Each {
            list: Path::Name("directory"),
            with: Path::Name("files"),
            by: Match::Place(Path::Name("place")),
            fields: Cow::Borrowed(&PER_ENTRY),
        },
    ]
});

static PER_ENTRY: [(Path, Rule); 3] = [
    (
        Path::Name("place"),
        Rule::Offset {
            of: Edge::Start(Path::Here),
            unit: 1,
            bias: 0,
        },
    ),
    (Path::Name("sum"), Rule::Copy(Path::Name("sum"))),
    (Path::Name("length"), Rule::len_of("text")),
];

/// `count` and `size` of the directory.
struct End;
static END: [Field; 2] = [
    Field::leaf("count", 0, 1, &Int::U8),
    Field::leaf("size", 1, 1, &Int::U8),
];

impl Shape for End {
    fn name(&self) -> &'static str {
        "end"
    }
    fn layout(&self) -> &'static [Field] {
        &END
    }
}

impl Shape for Archive {
    fn name(&self) -> &'static str {
        "archive"
    }
    fn relations(&self) -> &[Relation] {
        &RELATIONS
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (base, len) = (self.0, cx.at.len());
        let at = base + u64::from(cx.at.read(base, 1)[0]);
        let list = |of, size| Kind::Array(Ref::Shared(Arc::new(Items { of, size })));
        cx.gap(&cx.at.space.clone(), Span::bytes(0, base));
        cx.leaf("directory_at", Span::bytes(base, 1), &Int::U8);
        cx.leaf("copy", Span::bytes(base + 1, 1), &Int::U8);
        let files = Span::bytes(base + 2, at - base - 2);
        cx.node("files", files, list(&File, None));
        cx.node(
            "directory",
            Span::bytes(at, len - 3 - at),
            list(&Entry, Some(4)),
        );
        cx.node("end", Span::bytes(len - 3, 2), Kind::fixed(&End));
        cx.leaf("all", Span::bytes(len - 1, 1), &Int::U8);
        Ok(())
    }

    fn traits(&self) -> Traits {
        Traits {
            origin: self.0 as i64,
            ..Traits::default()
        }
    }
}

/// An archive of texts, the directory in the order of these numbers.
fn archive(texts: &[&str], directory: &[usize]) -> Vec<u8> {
    let mut out = vec![0, directory.len() as u8];
    let mut places = Vec::new();
    for text in texts {
        places.push((
            out.len() as u8,
            add(&[text.as_bytes()]) as u8,
            text.len() as u8,
        ));
        out.extend([text.len() as u8, add(&[text.as_bytes()]) as u8]);
        out.extend(text.as_bytes());
    }
    out[0] = out.len() as u8;
    for i in directory {
        let (place, sum, length) = places[*i];
        out.extend([place, sum, length, add(&[&[place, sum, length]]) as u8]);
    }
    out.extend([directory.len() as u8, directory.len() as u8]);
    out.push(add(&[&out]) as u8);
    out
}

fn decode(bytes: &[u8]) -> Node {
    decode_behind(0, bytes)
}

fn decode_behind(base: u64, bytes: &[u8]) -> Node {
    let space = Space::source(bytes.to_vec());
    let span = space.span();
    let shape = Kind::shared(Arc::new(Archive(base)));
    Node::root_of("archive", shape, space, span)
}

/// The same archive behind other bytes, which it was not told of.
fn behind(other: &[u8], archive: Vec<u8>) -> Vec<u8> {
    let mut out = [other, &archive].concat();
    *out.last_mut().unwrap() = add(&[&out[..out.len() - 1]]) as u8;
    out
}

fn set(node: &mut Node, path: &[&str], value: Plain) {
    let (first, rest) = path.split_first().unwrap();
    let index = first.parse::<u64>();
    let mut child = match index {
        Ok(i) => node.take_item(i).unwrap(),
        Err(_) => node.take_field(first).unwrap(),
    };
    match rest.is_empty() {
        true => child = child.assign(value).unwrap(),
        false => set(&mut child, rest, value),
    }
    match index {
        Ok(i) => node.put_item(i, child),
        Err(_) => node.put_field(child),
    }
}

fn text(node: &mut Node, i: &str, text: &str) {
    set(node, &["files", i, "text"], Plain::Scalar(text.into()));
}

/// Give a list other items.
fn reorder(node: &mut Node, list: &str, order: &[u64]) {
    let list = node.take_field(list).unwrap();
    let items = order.iter().map(|i| Plain::Node(list.item(*i).unwrap()));
    let list = list.clone().set_items(items.collect()).unwrap();
    node.put_field(list);
}

#[test]
fn what_was_decoded_holds_every_relation() {
    let root = decode(&archive(&["one", "two", "three"], &[2, 0, 1]));
    let mut fields = vec![
        root.field("all"),
        root.field("directory_at"),
        root.field("copy"),
    ];
    let end = root.field("end").unwrap();
    fields.extend([end.field("count"), end.field("size")]);
    for entry in root.field("directory").unwrap().items() {
        fields.extend(["place", "sum", "length", "check"].map(|name| entry.field(name)));
    }
    assert_eq!(fields.len(), 17);
    for field in fields.into_iter().flatten() {
        assert_eq!(field.right(), field.actual(), "{}", field.path_text());
    }
}

#[test]
fn a_longer_file_moves_what_speaks_of_it() {
    let before = archive(&["one", "two", "three"], &[2, 0, 1]);
    for (i, texts) in [
        ("0", ["longer", "two", "three"]),
        ("1", ["one", "longer", "three"]),
        ("2", ["one", "two", "longer"]),
        ("0", ["", "two", "three"]),
        ("0", ["two", "two", "three"]),
    ] {
        let mut root = decode(&before);
        text(&mut root, i, texts[i.parse::<usize>().unwrap()]);
        assert_eq!(
            root.bytes().unwrap(),
            archive(&texts, &[2, 0, 1]),
            "{texts:?}"
        );
    }
}

#[test]
fn several_files_and_an_empty_one() {
    let mut root = decode(&archive(&["", "", "x"], &[0, 1, 2]));
    text(&mut root, "1", "second");
    text(&mut root, "0", "first");
    let expected = archive(&["first", "second", "x"], &[0, 1, 2]);
    assert_eq!(root.bytes().unwrap(), expected);
}

#[test]
fn the_directory_follows_files_that_move() {
    let mut root = decode(&archive(&["a", "bb", "ccc"], &[0, 1, 2]));
    reorder(&mut root, "files", &[2, 0, 1]);
    let out = root.bytes().unwrap();
    let expected = archive(&["ccc", "a", "bb"], &[1, 2, 0]);
    assert_eq!(out, expected);
    // and with another text in one that moved
    text(&mut root, "0", "c");
    assert_eq!(
        root.bytes().unwrap(),
        archive(&["c", "a", "bb"], &[1, 2, 0])
    );
}

#[test]
fn a_file_goes_with_its_entry() {
    let whole = archive(&["a", "bb", "ccc"], &[2, 1, 0]);
    let mut root = decode(&whole);
    reorder(&mut root, "files", &[0, 2]);
    let why = encode(&root, &EncodeOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        why.contains(".directory[1]") && why.contains(".files[1]"),
        "{why}"
    );
    reorder(&mut root, "directory", &[0, 2]);
    assert_eq!(root.bytes().unwrap(), archive(&["a", "ccc"], &[1, 0]));
    // an entry without its file, where its fields were assigned
    let mut root = decode(&whole);
    reorder(&mut root, "files", &[0, 2]);
    for name in ["place", "sum", "length"] {
        set(
            &mut root,
            &["directory", "1", name],
            Plain::Scalar(Scalar::Int(7)),
        );
    }
    let out = root.bytes().unwrap();
    let entry = decode(&out).field("directory").unwrap().item(1).unwrap();
    assert_eq!(entry.bytes().unwrap(), vec![7, 7, 7, 21]);
}

#[test]
fn a_new_file_has_a_new_entry() {
    let mut root = decode(&archive(&["a", "bb"], &[1, 0]));
    reorder(&mut root, "files", &[0, 1, 0]);
    reorder(&mut root, "directory", &[0, 1, 1]);
    text(&mut root, "2", "new");
    assert_eq!(
        root.bytes().unwrap(),
        archive(&["a", "bb", "new"], &[1, 0, 2])
    );
    // an entry more than files: a second one for the same file
    let mut root = decode(&archive(&["a", "bb"], &[1, 0]));
    reorder(&mut root, "directory", &[0, 1, 0]);
    text(&mut root, "0", "longer");
    assert_eq!(
        root.bytes().unwrap(),
        archive(&["longer", "bb"], &[1, 0, 1])
    );
}

#[test]
fn what_was_assigned_stays_and_what_covers_it_follows() {
    let mut root = decode(&archive(&["a", "bb"], &[0, 1]));
    set(
        &mut root,
        &["directory", "1", "place"],
        Plain::Scalar(Scalar::Int(99)),
    );
    text(&mut root, "0", "longer");
    let out = root.bytes().unwrap();
    let read = decode(&out);
    let entry = read.field("directory").unwrap().item(1).unwrap();
    assert_eq!(
        entry.field("place").unwrap().actual(),
        Some(Scalar::Int(99))
    );
    let check = entry.field("check").unwrap();
    assert_eq!(check.actual(), check.right());
    let all = read.field("all").unwrap();
    assert_eq!(all.actual(), all.right());
}

#[test]
fn nothing_is_recomputed_if_nothing_is_to_be_fixed() {
    let before = archive(&["a", "bb"], &[0, 1]);
    let mut root = decode(&before);
    text(&mut root, "0", "z");
    let out = encode(&root, &EncodeOptions { no_fix: true }).unwrap();
    let mut expected = before;
    expected[4] = b'z';
    assert_eq!(out.to_bytes(), expected);
}

#[test]
fn places_are_counted_from_the_origin() {
    let before = behind(b"stub", archive(&["one", "two", "three"], &[2, 0, 1]));
    let mut root = decode_behind(4, &before);
    let at = root.field("directory_at").unwrap();
    assert_eq!(at.right(), at.actual());
    for entry in root.field("directory").unwrap().items() {
        let place = entry.field("place").unwrap();
        assert_eq!(place.right(), place.actual(), "{}", place.path_text());
    }
    text(&mut root, "0", "longer");
    reorder(&mut root, "files", &[2, 0, 1]);
    let expected = behind(b"stub", archive(&["three", "longer", "two"], &[0, 1, 2]));
    assert_eq!(root.bytes().unwrap(), expected);
}

#[test]
fn what_replaces_a_file_and_its_entry_follows_as_a_new_one() {
    let mut root = decode(&archive(&["a", "bb", "ccc"], &[0, 1, 2]));
    for list in ["files", "directory"] {
        let mut all = root.take_field(list).unwrap();
        let last = all.item(2).unwrap();
        let first = all.take_item(0).unwrap();
        all.put_item(0, first.assign(Plain::Node(last)).unwrap());
        root.put_field(all);
    }
    let expected = archive(&["ccc", "bb", "ccc"], &[0, 1, 2]);
    assert_eq!(root.bytes().unwrap(), expected);
}

#[test]
fn files_of_another_archive_come_into_an_empty_one() {
    let other = decode(&archive(&["a", "bb"], &[1, 0]));
    let mut root = decode(&archive(&[], &[]));
    for list in ["files", "directory"] {
        let items = other.field(list).unwrap().items().map(Plain::Node);
        let own = root.take_field(list).unwrap();
        root.put_field(own.set_items(items.collect()).unwrap());
    }
    // the first new entry is that of the first new file
    assert_eq!(root.bytes().unwrap(), archive(&["a", "bb"], &[0, 1]));
    // an item of another kind is none
    let entries = other.field("directory").unwrap().items().map(Plain::Node);
    let files = decode(&archive(&[], &[])).field("files").unwrap();
    assert!(files.set_items(entries.collect()).is_err());
}

/// Two sums that cover each other, and a field beside them.
struct Circle;
static OTHER: [Part; 1] = [Part::fields("two", "free")];
static FIRST: [Part; 1] = [Part::fields("one", "one")];
static ONE: Rule = Rule::sum(add, &OTHER);
static TWO: Rule = Rule::sum(add, &FIRST);
static CIRCLE: [Field; 3] = [
    Field::leaf("one", 0, 1, &Int::U8).derived(&ONE),
    Field::leaf("two", 1, 1, &Int::U8).derived(&TWO),
    Field::leaf("free", 2, 1, &Int::U8),
];

impl Shape for Circle {
    fn name(&self) -> &'static str {
        "circle"
    }
    fn layout(&self) -> &'static [Field] {
        &CIRCLE
    }
}

#[test]
fn a_circle_is_an_error_that_names_its_fields() {
    let space = Space::source(vec![0, 0, 0]);
    let span = space.span();
    let mut root = Node::root_of("circle", Kind::fixed(&Circle), space, span);
    set(&mut root, &["free"], Plain::Scalar(Scalar::Int(5)));
    let why = encode(&root, &EncodeOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(why.contains("one, two"), "{why}");
    // once one of them was assigned, nothing goes round
    set(&mut root, &["two"], Plain::Scalar(Scalar::Int(1)));
    assert_eq!(root.bytes().unwrap(), vec![6, 1, 5]);
}
