//! Structs whose fields follow each other, and what is said where they end too early.

use super::{bytes, fields, int, root};
use binq_core::codec::{Int, Terminated, Text};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Row, Rows, Severity, Span};
use std::sync::Arc;

static LISTED: Rows = Rows::of(
    "listed",
    &[
        Row::leaf("size", 1, &Int::U8).len_of("text"),
        Row::leaf("number", 2, &Int::U16BE),
        Row::of("part", 2, &PART),
        Row::rest("text", &Text),
    ],
);
static PART: Rows = Rows::of("part", &[Row::leaf("one", 1, &Int::U8)]);

#[test]
fn a_table_of_fields_reads_one_behind_the_other() {
    let node = root(Kind::fixed(&LISTED), b"\x02\x01\x02\x07\x08hi");
    let found = fields(&node);
    let place = |i: usize| (&*found[i].0, found[i].1 / 8, found[i].2 / 8);
    assert_eq!(
        [place(0), place(1), place(2), place(3)],
        [
            ("size", 0, 1),
            ("number", 1, 2),
            ("part", 3, 2),
            ("text", 5, 2)
        ]
    );
    assert_eq!(found.len(), 4);
    assert_eq!(found[1].3, int(0x0102));
    // what a struct does not know is a gap
    let part = node.field("part").unwrap();
    assert_eq!(
        fields(&part),
        [
            ("one".into(), 24, 8, int(7)),
            ("gap0".into(), 32, 8, bytes(&[8]))
        ]
    );
    let mut longer = node.clone();
    let text = longer.take_field("text").unwrap();
    longer.put_field(text.assign(Plain::Scalar("hello".into())).unwrap());
    assert_eq!(longer.bytes().unwrap(), &b"\x05\x01\x02\x07\x08hello"[..]);
    // the rest may be empty
    let empty = root(Kind::fixed(&LISTED), b"\x00\x01\x02\x07\x08");
    assert_eq!(empty.field("text").unwrap().scalar(), "".into());
    assert_eq!(empty.finding(), None);
}

#[test]
fn what_is_too_short_is_a_gap_and_told() {
    for (data, names, expected, found, at) in [
        (&b""[..], &[][..], "1 bytes of size", "the end", 0),
        (b"\x00", &["size"], "2 bytes of number", "the end", 1),
        (
            b"\x00\x01",
            &["size", "gap0"],
            "2 bytes of number",
            "1 other bytes",
            1,
        ),
        (
            b"\x00\x01\x02\x07",
            &["size", "number", "gap0"],
            "2 bytes of part",
            "1 other bytes",
            3,
        ),
    ] {
        let node = root(Kind::fixed(&LISTED), data);
        let listed: Vec<String> = fields(&node).into_iter().map(|f| f.0).collect();
        assert_eq!(listed, names, "{data:?}");
        let fault = node.fault().expect("a fault");
        assert_eq!(
            (&*fault.expected, &*fault.found, fault.offset),
            (expected, found, Some(at))
        );
    }
}

/// Reads with every method, from byte 1 on.
struct Read;

impl Shape for Read {
    fn name(&self) -> &'static str {
        "read"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut all = cx.reader(1);
        assert_eq!(all.place(), 1);
        let left = all.left();
        assert_eq!(all.peek(2).len() as u64, left.min(2));
        assert_eq!(all.peek(99).len() as u64, left);
        all.terminated("name", &Terminated(Text))?;
        let place = all.place();
        assert_eq!(all.left(), left + 1 - place);
        all.leaf("one", 1, &Int::U8)?;
        all.gap();
        assert_eq!(all.left(), 0);
        Ok(())
    }
}

#[test]
fn a_reader_goes_on_where_it_stands() {
    let node = root(Kind::shared(Arc::new(Read)), b"?ab\0\x07xyz");
    assert_eq!(
        fields(&node),
        [
            ("name".into(), 8, 24, "ab".into()),
            ("one".into(), 32, 8, int(7)),
            ("gap0".into(), 40, 24, bytes(b"xyz")),
        ]
    );
    assert_eq!(node.finding(), None);
    let whole = root(Kind::shared(Arc::new(Read)), b"?\0\x07");
    assert_eq!(fields(&whole).len(), 2);
    assert_eq!(whole.field("name").unwrap().scalar(), "".into());
    let no_nul = root(Kind::shared(Arc::new(Read)), b"?abc");
    let fault = no_nul.fault().expect("a fault");
    assert_eq!(
        (&*fault.expected, fault.offset),
        ("name and a NUL behind it", Some(1))
    );
    assert_eq!(fields(&no_nul), [("gap0".into(), 8, 24, bytes(b"abc"))]);
    // one that begins behind its end
    let nothing = root(Kind::shared(Arc::new(Nothing)), b"");
    assert_eq!(nothing.finding(), None);
}

struct Nothing;

impl Shape for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        assert_eq!(cx.at.read(0, 4).len(), 0);
        let all = cx.reader(3);
        assert_eq!((all.left(), all.rest().len), (0, 0));
        Ok(())
    }
}

/// An array between two bytes, and what is behind it.
struct Between;

impl Shape for Between {
    fn name(&self) -> &'static str {
        "between"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = &cx.at;
        // numbers in the order of a machine, as many bytes as there are
        assert_eq!(at.uint_le(1, 2), 0x0302);
        assert_eq!(at.uint_le(4, 9), 0x0605);
        assert_eq!((at.len(), at.is_empty()), (6, false));
        assert_eq!(*at.read(4, 9), [5, 6]);
        assert_eq!(*at.read(9, 1), []);
        let later = at.after(2);
        assert_eq!((later.len(), *later.read(0, 1).first().unwrap()), (4, 3));
        assert_eq!(at.after(9).len(), 0);
        Ok(())
    }
}

#[test]
fn a_struct_is_read_from_its_start() {
    let space = binq_core::Space::source(vec![0, 1, 2, 3, 4, 5, 6, 7]);
    let node = Node::root_of(
        "toy",
        Kind::fixed(&Between),
        space,
        binq_core::Span::bytes(1, 6),
    );
    assert_eq!(node.fields().len(), 0);
}

/// A list of numbers up to a zero, which nothing but a byte may follow.
struct Listing;

struct UpToZero;

impl Sequence for UpToZero {
    fn name(&self) -> &'static str {
        "number"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let n = *at.space.read(state.at / 8, 1).first()?;
        let span = Span::bits(state.at, 8);
        (n != 0).then(|| Step {
            kind: Kind::leaf(&Int::U8),
            span,
            next: State::with(span.end(), state.memory + u64::from(n)),
        })
    }
}

impl Shape for Listing {
    fn name(&self) -> &'static str {
        "listing"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let within = Span::bits(cx.at.span.start + 8, cx.at.span.len - 8);
        let end = cx.list("numbers", within, Ref::Static(&UpToZero));
        cx.leaf("sum", Span::bits(cx.at.span.start, 8), &Int::U8);
        assert_eq!(cx.names().collect::<Vec<_>>(), ["numbers", "sum"]);
        assert_eq!(u64::from(cx.at.read(0, 1)[0]), end.memory);
        cx.nothing_after(end.at + 8)
    }
}

#[test]
fn a_list_takes_what_its_walk_takes() {
    let node = root(Kind::fixed(&Listing), &[6, 1, 2, 3, 0]);
    let numbers = node.field("numbers").unwrap();
    assert_eq!((numbers.span(), numbers.len()), (Span::bytes(1, 3), 3));
    assert_eq!(node.finding(), None);
    let more = root(Kind::fixed(&Listing), &[3, 3, 0, 9, 9]);
    assert_eq!(more.field("numbers").unwrap().span(), Span::bytes(1, 1));
    let found = more.finding().expect("a finding");
    assert_eq!(
        (&*found.expected, &*found.found, found.offset),
        ("the end", "2 other bytes", Some(3))
    );
    assert_eq!(found.severity, Severity::Odd);
    assert_eq!(more.field("gap0").unwrap().span(), Span::bytes(3, 2));
    let open = root(Kind::fixed(&Listing), &[3, 3]);
    assert_eq!(open.field("numbers").unwrap().span(), Span::bytes(1, 1));
    assert_eq!(open.finding(), None);
    let none = root(Kind::fixed(&Listing), &[0, 0]);
    assert_eq!(none.field("numbers").unwrap().span(), Span::bytes(1, 0));
    assert!(none.field("numbers").unwrap().is_empty());
}
