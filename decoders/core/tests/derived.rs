//! A small format with every kind of derived field: what follows from an edit, and what does not.

use binq_core::codec::{Bool, Codec, Endian, Int, Named, Raw, UBits};
use binq_core::columns::Cell;
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::rule::{Of, Part, Path, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Shape};
use binq_core::{Bits, Kind, Malformed, Node, Plain, Scalar, Severity, Space, Span};
use std::sync::Arc;

/// `total`, `length`, `count`, `copy`, `sum`, then `text` of `length` bytes, then `count` items of a byte.
struct Message;

fn add(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .flat_map(|p| p.iter())
        .map(|b| u64::from(*b))
        .sum::<u64>()
        & 0xff
}

static TOTAL: Rule = Rule::len(Of::Struct);
static LENGTH: Rule = Rule::Len {
    of: Of::Field(Path::Name("text")),
    unit: 1,
    bias: 1,
};
static COUNT: Rule = Rule::Count(Path::Name("items"));
static COPY: Rule = Rule::Copy(Path::Name("kind"));
static SUM_OVER: [Part; 2] = [Part::bytes(0, 4), Part::from_byte(5)];
static SUM: Rule = Rule::sum(add, &SUM_OVER);
static KIND: Named<Int> = Named {
    number: Int::U8,
    names: &[(1, "greeting"), (2, "farewell")],
};
static HEAD: [Field; 6] = [
    Field::leaf("total", 0, 1, &Int::U8).derived(&TOTAL),
    Field::leaf("length", 1, 1, &Int::U8).derived(&LENGTH),
    Field::leaf("count", 2, 1, &Int::U8).derived(&COUNT),
    Field::leaf("copy", 3, 1, &Int::U8).derived(&COPY),
    Field::leaf("sum", 4, 1, &Int::U8).derived(&SUM),
    Field::leaf("kind", 5, 1, &KIND),
];

impl Shape for Message {
    fn name(&self) -> &'static str {
        "message"
    }
    fn layout(&self) -> &'static [Field] {
        &HEAD
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let len = u64::from(cx.at.read(1, 1).first().copied().unwrap_or(0)).saturating_sub(1);
        let start = cx.at.span.start + 48;
        let end = (start + len * 8).min(cx.at.span.end());
        cx.leaf("text", Span::bits(start, end - start), &Raw::ANY);
        let items = Span::bits(end, cx.at.span.end() - end);
        cx.node("items", items, Kind::array(Arc::new(Numbers)));
        Ok(())
    }
}

struct Numbers;

impl Sequence for Numbers {
    fn name(&self) -> &'static str {
        "number"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 8);
        let kind = Kind::Leaf((&Int::U8).into());
        (span.end() <= at.span.end()).then(|| Step {
            kind,
            span,
            next: State::new(span.end()),
        })
    }
    fn resizable(&self) -> bool {
        true
    }
}

struct Messages;

impl Sequence for Messages {
    fn name(&self) -> &'static str {
        "message"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let total = u64::from(*at.space.read(state.at / 8, 1).first()?).max(6);
        let span = Span::bits(state.at, total * 8);
        (span.end() <= at.span.end()).then(|| Step {
            kind: Kind::fixed(&Message),
            span,
            next: State::new(span.end()),
        })
    }
    fn resizable(&self) -> bool {
        true
    }
}

fn decode(bytes: &[u8]) -> Node {
    let space = Space::source(bytes.to_vec());
    let span = space.span();
    Node::root_of("toy", Kind::array(Arc::new(Messages)), space, span)
}

fn message(kind: u8, text: &[u8], items: &[u8]) -> Vec<u8> {
    let len = text.len() as u8 + 1;
    let mut out = vec![
        6 + text.len() as u8 + items.len() as u8,
        len,
        items.len() as u8,
        kind,
        0,
        kind,
    ];
    out.extend(text);
    out.extend(items);
    out[4] = out.iter().map(|b| u64::from(*b)).sum::<u64>() as u8;
    out
}

fn input() -> Vec<u8> {
    [
        message(1, b"hi", &[1, 2, 3]),
        message(2, b"bye", &[]),
        message(1, b"", &[7]),
    ]
    .concat()
}

/// The first message with a field assigned.
fn assign(root: &Node, i: u64, field: &str, value: Plain) -> Node {
    let mut root = root.clone();
    let mut item = root.take_item(i).unwrap();
    let child = item.take_field(field).unwrap();
    item.put_field(child.assign(value).unwrap());
    root.put_item(i, item);
    root
}

fn right(root: &Node) -> Vec<String> {
    let fields = root.items().flat_map(|item| item.fields());
    let wrong = fields.filter(|(_, f)| f.right().is_some_and(|r| Some(r) != f.actual()));
    wrong.map(|(_, f)| f.path_text()).collect()
}

#[test]
fn every_rule_says_what_is_right() {
    let bytes = input();
    assert_eq!(right(&decode(&bytes)), Vec::<String>::new());
    // one that is wrong is wrong, and nothing else but what covers it
    for (at, name) in [(1, "length"), (2, "count"), (3, "copy"), (4, "sum")] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x40;
        let root = decode(&bytes);
        let field = root.item(0).unwrap().field(name).unwrap();
        assert_ne!(field.right(), field.actual(), "{name}");
        let sum = root.item(0).unwrap().field("sum").unwrap();
        let fault = sum.fault().expect("the sum does not hold");
        assert_eq!((fault.severity, fault.offset), (Severity::Damage, Some(4)));
        assert!(sum.description().unwrap().starts_with("invalid"), "{name}");
    }
    assert_eq!(decode(&bytes).findings().count(), 0);
}

#[test]
fn all_that_follows_from_a_longer_text_is_right() {
    let root = decode(&input());
    for text in [&b"hello"[..], b"", b"h", b"ho"] {
        let edited = assign(
            &root,
            0,
            "text",
            Plain::Scalar(Scalar::Bytes(text.to_vec().into())),
        );
        let out = edited.bytes().unwrap();
        let expected = [message(1, text, &[1, 2, 3]), input()[11..].to_vec()].concat();
        assert_eq!(out, expected, "{text:?}");
        assert_eq!(right(&decode(&out)), Vec::<String>::new());
    }
}

#[test]
fn all_that_follows_from_other_items_is_right() {
    let root = decode(&input());
    for items in [&[][..], &[9], &[1, 2, 3, 4, 5]] {
        let list = items
            .iter()
            .map(|n| Plain::Scalar(Scalar::Int(i128::from(*n))))
            .collect::<Vec<_>>();
        let array = root.item(0).unwrap().field("items").unwrap();
        // new items are copies of others
        let copies = items
            .iter()
            .map(|_| Plain::Node(array.item(0).unwrap()))
            .collect();
        let array = array.set_items(copies).unwrap();
        let array = array.assign(Plain::Array(list)).unwrap();
        let mut edited = root.clone();
        let mut item = edited.take_item(0).unwrap();
        item.put_field(array);
        edited.put_item(0, item);
        let out = edited.bytes().unwrap();
        assert_eq!(
            out,
            [message(1, b"hi", items), input()[11..].to_vec()].concat(),
            "{items:?}"
        );
    }
}

#[test]
fn a_copy_follows_what_it_repeats() {
    let edited = assign(
        &decode(&input()),
        0,
        "kind",
        Plain::Scalar("farewell".into()),
    );
    let expected = [message(2, b"hi", &[1, 2, 3]), input()[11..].to_vec()].concat();
    assert_eq!(edited.bytes().unwrap(), expected);
}

#[test]
fn what_was_assigned_is_left_and_told() {
    let root = decode(&input());
    for name in ["total", "length", "count", "copy", "sum"] {
        let pinned = assign(&root, 0, name, Plain::Scalar(Scalar::Int(77)));
        let edited = assign(&pinned, 0, "text", Plain::Scalar("longer".into()));
        let out = encode(&edited, &EncodeOptions::default()).unwrap();
        let at = ["total", "length", "count", "copy", "sum"]
            .iter()
            .position(|n| *n == name)
            .unwrap();
        assert_eq!(out.to_bytes()[at], 77, "{name}");
        let left = out
            .report
            .notes
            .iter()
            .filter(|n| matches!(n.did, Did::LeftWrong { .. }));
        let left: Vec<_> = left.map(|n| n.path.as_str()).collect();
        assert!(
            left.contains(&&*format!(".[0].{name}")) || left.contains(&&*format!("[0].{name}")),
            "{name}: {left:?}"
        );
    }
}

#[test]
fn nothing_is_recomputed_if_nothing_is_to_be_fixed() {
    let edited = assign(
        &decode(&input()),
        0,
        "kind",
        Plain::Scalar("farewell".into()),
    );
    let out = encode(&edited, &EncodeOptions { no_fix: true }).unwrap();
    let mut expected = input();
    expected[5] = 2;
    // the copy and the sum
    assert_eq!(out.to_bytes(), expected);
    // and what is wrong now is told
    assert!(
        out.report
            .notes
            .iter()
            .all(|n| matches!(n.did, Did::LeftWrong { .. }))
    );
    assert_eq!(out.report.notes.len(), 2);
}

#[test]
fn items_that_were_edited_are_not_skipped_by_what_they_were() {
    let is = |wanted: &'static str| move |value: &Scalar| *value == Scalar::from(wanted);
    let found = |root: &Node, fits: &dyn Fn(&Scalar) -> bool| {
        let mut columns = root.columns(&["kind"]).unwrap();
        let mut all = Vec::new();
        while columns.advance(2) {
            for row in 0..columns.batch().len() {
                let cell = columns.batch().columns[0].shown(row);
                if matches!(&cell, Cell::Value(value) if !fits(value)) {
                    continue;
                }
                let item = columns.item(row).unwrap();
                if fits(&item.field("kind").unwrap().scalar()) {
                    all.push(item.key().cloned());
                }
            }
        }
        all
    };
    let index = |i| Some(binq_core::Key::Index(i));
    let root = decode(&input());
    assert_eq!(found(&root, &is("farewell")), [index(1)]);
    assert_eq!(found(&root, &is("greeting")), [index(0), index(2)]);
    let edited = assign(&root, 0, "kind", Plain::Scalar("farewell".into()));
    assert_eq!(found(&edited, &is("farewell")), [index(0), index(1)]);
    assert_eq!(found(&edited, &is("greeting")), [index(2)]);
}

#[test]
fn a_field_behind_the_end_of_its_struct_is_not_peeked_at() {
    let space = Space::source(vec![6, 1, 0, 1, 9, 1, 99]);
    let peek = |len| {
        (&Message as &dyn Shape).peek(
            "kind",
            &At {
                space: &space,
                span: Span::bytes(0, len),
            },
        )
    };
    assert_eq!(peek(6), Some("greeting".into()));
    assert_eq!(peek(7), Some("greeting".into()));
    assert_eq!(peek(5), None);
    assert_eq!(
        (&Message as &dyn Shape).peek(
            "text",
            &At {
                space: &space,
                span: Span::bytes(0, 6)
            }
        ),
        None
    );
}

#[test]
fn items_come_go_and_move() {
    let bytes = input();
    let root = decode(&bytes);
    let items: Vec<Plain> = root.items().map(Plain::Node).collect();
    let parts = [&bytes[..11], &bytes[11..20], &bytes[20..]];
    for order in [
        &[0, 1, 2][..],
        &[1, 0, 2],
        &[2, 1, 0],
        &[0],
        &[],
        &[1, 1, 0],
        &[2, 0, 1, 2, 0],
    ] {
        let list = order.iter().map(|i| items[*i].clone()).collect();
        let out = root.clone().set_items(list).unwrap().bytes().unwrap();
        let expected: Vec<u8> = order.iter().flat_map(|i| parts[*i].to_vec()).collect();
        assert_eq!(out, expected, "{order:?}");
    }
}

#[test]
fn integers_take_all_that_fits_and_nothing_more() {
    let borders: [(Int, u64, i128, i128); 10] = [
        (Int::U8, 1, 0, u8::MAX.into()),
        (Int::U16LE, 2, 0, u16::MAX.into()),
        (Int::U16BE, 2, 0, u16::MAX.into()),
        (Int::U24BE, 3, 0, 0xff_ffff),
        (Int::U32LE, 4, 0, u32::MAX.into()),
        (Int::U32BE, 4, 0, u32::MAX.into()),
        (Int::U64LE, 8, 0, u64::MAX.into()),
        (Int::U64BE, 8, 0, u64::MAX.into()),
        (Int::I32LE, 4, i32::MIN.into(), i32::MAX.into()),
        (Int::I64LE, 8, i64::MIN.into(), i64::MAX.into()),
    ];
    for (codec, len, min, max) in borders {
        let like = Bits::from_bytes(vec![0; len as usize]);
        for n in [min, min + 1, -1, 0, 1, max - 1, max] {
            let bits = codec.encode(&Scalar::Int(n), &like);
            if n < min {
                assert!(bits.is_err(), "{codec:?} takes {n}");
                continue;
            }
            assert_eq!(
                codec.decode(&bits.unwrap()).unwrap(),
                Scalar::Int(n),
                "{codec:?}"
            );
        }
        for n in [min - 1, max + 1, i128::MIN, i128::MAX] {
            let e = codec
                .encode(&Scalar::Int(n), &like)
                .expect_err("does not fit");
            assert_eq!(e.expected, format!("an integer from {min} to {max}"));
        }
        // bytes of another length are no such number
        assert!(
            codec
                .decode(&Bits::from_bytes(vec![0; len as usize + 1]))
                .is_err()
        );
    }
    let _ = Endian::Little;
}

#[test]
fn numbers_of_bits_take_all_that_fits_and_nothing_more() {
    for len in [1u64, 3, 7, 8, 31, 63, 64] {
        let like = Bits::from_uint(0, len);
        let max = (1i128 << len) - 1;
        for n in [0, 1, max / 2, max] {
            let bits = UBits.encode(&Scalar::Int(n), &like).unwrap();
            assert_eq!(
                (UBits.decode(&bits).unwrap(), bits.len()),
                (Scalar::Int(n), len)
            );
        }
        for n in [-1, max + 1] {
            assert!(
                UBits.encode(&Scalar::Int(n), &like).is_err(),
                "{len} bits take {n}"
            );
        }
    }
    assert!(UBits.decode(&Bits::from_bytes(vec![0; 9])).is_err());
    // any bits but zeros are true, and stay as they are; another truth value is written as 1
    let odd = Bits::from_uint(0x20, 8);
    assert_eq!(Bool.encode(&Scalar::Bool(true), &odd).unwrap(), odd);
    assert_eq!(Bool.encode(&Scalar::Bool(false), &odd).unwrap().uint(), 0);
    assert_eq!(
        Bool.encode(&Scalar::Bool(true), &Bits::from_uint(0, 8))
            .unwrap()
            .uint(),
        1
    );
    assert_eq!(
        Bool.encode(&Scalar::Bool(true), &Bits::from_uint(0, 16))
            .unwrap()
            .uint(),
        0x100
    );
}

#[test]
fn bytes_of_a_fixed_length_keep_it() {
    let like = Bits::from_bytes(vec![0; 3]);
    assert!(Raw::FIXED.encode(&"abc".into(), &like).is_ok());
    for text in ["", "ab", "abcd"] {
        assert!(Raw::FIXED.encode(&text.into(), &like).is_err(), "{text}");
        assert!(Raw::ANY.encode(&text.into(), &like).is_ok(), "{text}");
    }
}
