//! Values that are assigned: what is taken, what is refused, and what is left of it when it is taken back.

use super::{PAIR, bytes, int, root};
use binq_core::codec::{Bool, Int, Raw, Text};
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::layer::Gather;
use binq_core::rule::{Part, Rule};
use binq_core::shape::{Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Reject, Scalar, Space, Span, Table};
use std::sync::Arc;

static PAIRS: Table = Table::of(&PAIR, 3);

fn pairs(data: &[u8]) -> Node {
    root(Kind::Array(Ref::Static(&PAIRS)), data)
}

fn plain(n: i128) -> Plain {
    Plain::Scalar(int(n))
}

/// An object of a pair.
fn pair(a: i128, b: i128) -> Plain {
    Plain::Object(vec![("a".to_owned(), plain(a)), ("b".to_owned(), plain(b))])
}

#[test]
fn items_are_assigned_one_by_one_or_as_a_list() {
    let node = pairs(&[1, 0, 1, 2, 0, 2]);
    let set = |values: Vec<Plain>| {
        node.clone()
            .assign(Plain::Array(values))
            .map(|n| n.bytes().unwrap().to_vec())
    };
    let item = |i: u64| Plain::Node(node.item(i).unwrap());
    assert_eq!(
        set(vec![pair(7, 8), pair(9, 10)]).unwrap(),
        [7, 0, 8, 9, 0, 10]
    );
    assert_eq!(set(vec![item(1), item(0)]).unwrap(), [2, 0, 2, 1, 0, 1]);
    assert_eq!(set(vec![item(1)]).unwrap(), [2, 0, 2]);
    assert_eq!(set(vec![]).unwrap(), Vec::<u8>::new());
    assert_eq!(
        set(vec![item(0), pair(5, 6), item(1)]).unwrap(),
        [1, 0, 1, 5, 0, 6, 2, 0, 2]
    );
    assert_eq!(set(vec![item(0), item(0)]).unwrap(), [1, 0, 1, 1, 0, 1]);
    // the same list leaves no trace
    let same = node
        .clone()
        .assign(Plain::Array(vec![item(0), item(1)]))
        .unwrap();
    assert!(!same.is_edited());
    // a new item has all fields, and no other
    for fields in [
        vec![("a".to_owned(), plain(1)), ("c".to_owned(), plain(1))],
        vec![("a".to_owned(), plain(256))],
    ] {
        assert!(set(vec![Plain::Object(fields)]).is_err());
    }
    let e = node.clone().assign(plain(1)).unwrap_err().to_string();
    assert!(e.contains("takes an array"), "{e}");
    // items of another array of the same kind are copied
    let other = pairs(&[9, 9, 9]);
    assert_eq!(
        set(vec![item(0), Plain::Node(other.item(0).unwrap())]).unwrap(),
        [1, 0, 1, 9, 9, 9]
    );
    let into_none = pairs(&[])
        .assign(Plain::Array(vec![Plain::Node(other.item(0).unwrap())]))
        .unwrap();
    assert_eq!(into_none.bytes().unwrap()[..], [9, 9, 9]);
}

#[test]
fn items_are_removed_by_their_index() {
    let node = pairs(&[1, 0, 1, 2, 0, 2, 3, 0, 3]);
    let without = |i: u64| node.clone().remove_item(i).unwrap();
    assert_eq!(without(0).bytes().unwrap()[..], [2, 0, 2, 3, 0, 3]);
    assert_eq!(without(2).bytes().unwrap()[..], [1, 0, 1, 2, 0, 2]);
    assert!(!without(3).is_edited());
    let one = without(1).remove_item(1).unwrap();
    assert_eq!(
        (one.bytes().unwrap().to_vec(), one.len()),
        (vec![1, 0, 1], 1)
    );
    assert_eq!(
        one.items()
            .map(|i| i.field("a").unwrap().scalar())
            .collect::<Vec<_>>(),
        [int(1)]
    );
    // edits of items stay with them
    let mut edited = node.clone();
    let mut item = edited.take_item(2).unwrap();
    let a = item.take_field("a").unwrap();
    item.put_field(a.assign(plain(7)).unwrap());
    edited.put_item(2, item);
    let edited = edited.remove_item(0).unwrap();
    assert_eq!(edited.bytes().unwrap()[..], [2, 0, 2, 7, 0, 3]);
    let all = edited.items().map(|i| i.field("a").unwrap().scalar());
    assert_eq!(all.collect::<Vec<_>>(), [int(2), int(7)]);
    let fixed = root(Kind::fixed(&PAIR), b"abc")
        .remove_field("a")
        .unwrap_err();
    assert!(fixed.to_string().contains("cannot be removed"), "{fixed}");
    let none = root(Kind::fixed(&PAIR), b"abc").remove_field("c").unwrap();
    assert!(!none.is_edited());
    let unknown = root(Kind::fixed(&PAIR), b"abc")
        .add_field("c", plain(1))
        .unwrap_err();
    assert!(unknown.to_string().contains("a, b"), "{unknown}");
}

#[test]
fn what_is_taken_back_leaves_no_trace() {
    let mut node = root(Kind::fixed(&PAIR), &[1, 2, 3]);
    let a = node.take_field("a").unwrap();
    node.put_field(a.clone().assign(plain(9)).unwrap());
    assert!(node.is_edited());
    assert_eq!(node.field("a").unwrap().scalar(), int(9));
    let b = node.take_field("b").unwrap();
    node.put_field(b.assign(plain(9)).unwrap());
    assert_eq!(node.bytes().unwrap()[..], [9, 0, 9]);
    node.put_field(a.unedited());
    assert!(node.is_edited());
    let _ = node.take_field("b");
    let b = root(Kind::fixed(&PAIR), &[1, 2, 3]).field("b").unwrap();
    node.put_field(b);
    assert!(!node.is_edited());
    let mut list = pairs(&[1, 0, 1]);
    let was = list.item(0).unwrap();
    let mut item = list.take_item(0).unwrap();
    let a = item.take_field("a").unwrap();
    item.put_field(a.assign(plain(7)).unwrap());
    list.put_item(0, item);
    assert!(list.is_edited());
    list.put_item(0, was);
    assert!(!list.is_edited());
    // the value that it has is an edit, as it must stay
    let same = root(Kind::leaf(&Int::U8), &[5]).assign(plain(5)).unwrap();
    assert_eq!(
        (same.is_edited(), same.bytes().unwrap()[..].to_vec()),
        (true, vec![5])
    );
}

#[test]
fn a_struct_takes_an_object() {
    let node = root(Kind::fixed(&PAIR), &[1, 2, 3]);
    assert_eq!(
        node.clone().assign(pair(7, 8)).unwrap().bytes().unwrap()[..],
        [7, 0, 8]
    );
    let other = root(Kind::fixed(&PAIR), &[9, 8, 7]);
    let copied = node.clone().assign(Plain::Node(other)).unwrap();
    assert_eq!(copied.bytes().unwrap()[..], [9, 8, 7]);
    assert_eq!(copied.field("a").unwrap().scalar(), int(9));
    let e = node.clone().assign(plain(1)).unwrap_err();
    assert!(e.to_string().contains("takes an object of a, b"), "{e}");
    // a part of it is no object of it
    let part = Plain::Object(vec![("a".to_owned(), plain(1))]);
    assert!(node.clone().assign(part).is_err());
    // what a damaged object shows of its fault is not assigned
    let with_fault = match pair(4, 5) {
        Plain::Object(mut fields) => {
            fields.push(("_error".to_owned(), Plain::Scalar("x".into())));
            Plain::Object(fields)
        }
        _ => unreachable!(),
    };
    assert_eq!(
        node.clone().assign(with_fault).unwrap().bytes().unwrap()[..],
        [4, 0, 5]
    );
    let leaf = root(Kind::leaf(&Int::U8), &[5]);
    for (value, found) in [
        (Plain::Array(vec![]), "an array"),
        (pair(1, 2), "an object"),
    ] {
        match leaf.clone().assign(value).unwrap_err() {
            Reject::Misfit {
                found: it,
                expected,
                ..
            } => {
                assert_eq!((&*it, &*expected), (found, "an integer from 0 to 255"));
            }
            other => panic!("{other}"),
        }
    }
    let text = root(Kind::leaf(&Text), b"abc");
    let copy = text
        .clone()
        .assign(Plain::Node(root(Kind::leaf(&Raw::ANY), b"xyz")))
        .unwrap();
    assert_eq!(copy.bytes().unwrap(), &b"xyz"[..]);
}

#[test]
fn what_is_computed_or_missing_takes_nothing_else() {
    let computed = Node::root_of(
        "",
        Kind::computed(&Int::U8, int(3)),
        Space::source(vec![0]),
        Span::bits(0, 0),
    );
    assert!(!computed.clone().assign(plain(3)).unwrap().is_edited());
    match computed.assign(plain(4)).unwrap_err() {
        Reject::ReadOnly { is, wanted, .. } => assert_eq!((&*is, &*wanted), ("3", "4")),
        other => panic!("{other}"),
    }
    let mut gather = Gather::new();
    gather.push(None, 2);
    let space = Space::derived(Space::source(vec![0]), Arc::new(gather));
    let span = space.span();
    let lost = Node::root_of("", Kind::leaf(&Raw::ANY), space, span);
    let e = lost.assign(Plain::Scalar(bytes(b"ab"))).unwrap_err();
    assert!(e.to_string().contains("bytes of it are missing"), "{e}");
}

/// So many streams of two bytes each, every one a space of its own.
struct Streams(u64);

impl Shape for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for i in 0..self.0 {
            let mut gather = Gather::new();
            // the second byte comes first
            gather.push(Some(2 * i + 1), 1);
            gather.push(Some(2 * i), 1);
            let space = Space::derived(cx.at.space.clone(), Arc::new(gather));
            let span = space.span();
            cx.node_in(format!("s{i}"), &space, span, Kind::leaf(&Raw::ANY));
        }
        Ok(())
    }
}

#[test]
fn edits_of_many_spaces_come_together() {
    for count in [1, 2, 7, 8, 9, 10, 17, 40] {
        let data = vec![b'-'; 2 * count as usize];
        let mut node = root(Kind::shared(Arc::new(Streams(count))), &data);
        let mut expected = data.clone();
        for i in (0..count).rev().filter(|i| i % 3 != 1) {
            let field = node.take_field(&format!("s{i}")).unwrap();
            let letter = b'a' + (i % 26) as u8;
            let value = Scalar::Bytes(vec![letter, b'='].into());
            node.put_field(field.assign(Plain::Scalar(value)).unwrap());
            expected[2 * i as usize] = b'=';
            expected[2 * i as usize + 1] = letter;
        }
        assert_eq!(node.bytes().unwrap()[..], expected[..], "{count}");
        // and where they grow
        let mut node = root(Kind::shared(Arc::new(Streams(count))), &data);
        for i in 0..count {
            let field = node.take_field(&format!("s{i}")).unwrap();
            node.put_field(field.assign(Plain::Scalar("abc".into())).unwrap());
        }
        let grown = "bca".repeat(count as usize);
        assert_eq!(node.bytes().unwrap(), grown.as_bytes(), "{count}");
    }
}

#[test]
fn notes_are_given_with_their_places() {
    let note = binq_core::encode::Note {
        path: ".a".to_owned(),
        offset: 3,
        did: Did::Recomputed {
            from: int(1),
            to: int(2),
        },
    };
    assert_eq!(note.to_string(), ".a at byte 3: recomputed, 1 became 2");
    let left = binq_core::encode::Note {
        did: Did::LeftWrong {
            is: int(1),
            right: int(2),
        },
        ..note.clone()
    };
    assert_eq!(
        left.to_string(),
        ".a at byte 3: left wrong on purpose: 1, where 2 would be right"
    );
    let edited = root(Kind::leaf(&Raw::ANY), b"abc")
        .assign(Plain::Scalar("x".into()))
        .unwrap();
    let out = encode(&edited, &EncodeOptions::default()).unwrap();
    assert_eq!(
        (out.len(), out.is_clean(), out.is_empty()),
        (1, false, false)
    );
    let none = root(Kind::leaf(&Raw::ANY), b"abc")
        .assign(Plain::Scalar("".into()))
        .unwrap();
    let out = encode(&none, &EncodeOptions::default()).unwrap();
    assert_eq!(
        (out.len(), out.is_clean(), out.is_empty()),
        (0, false, true)
    );
}

/// The sum of what is here and of what is not: it changes as the bytes here do, unless they become more.
fn follow(old: u64, before: &[u8], after: &[u8]) -> Result<u64, String> {
    let sum = |bytes: &[u8]| bytes[1..].iter().map(|b| u64::from(*b)).sum::<u64>();
    match before.len() == after.len() {
        true => Ok((old + sum(after) - sum(before)) & 0xff),
        false => Err("what is not here would have to move".to_owned()),
    }
}

static FOLLOWS: Rule = Rule::Follows {
    follow,
    over: std::borrow::Cow::Borrowed(&[Part::from_byte(1)]),
};

struct Cut;

static CUT: [Field; 1] = [Field::leaf("sum", 0, 1, &Int::U8).derived(&FOLLOWS)];

impl Shape for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }
    fn layout(&self) -> &'static [Field] {
        &CUT
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let text = Span::bits(cx.at.span.start + 8, cx.at.span.len - 8);
        cx.leaf("text", text, &Raw::ANY);
        Ok(())
    }
}

#[test]
fn a_sum_over_what_is_not_here_follows_or_says_why_not() {
    let node = root(Kind::fixed(&Cut), &[200, 1, 2, 3]);
    let edit = |text: &[u8], sum: Option<i128>| {
        let mut node = node.clone();
        if let Some(sum) = sum {
            let field = node.take_field("sum").unwrap();
            node.put_field(field.assign(plain(sum)).unwrap());
        }
        let field = node.take_field("text").unwrap();
        node.put_field(field.assign(Plain::Scalar(bytes(text))).unwrap());
        let out = encode(&node, &EncodeOptions::default()).unwrap();
        let notes: Vec<String> = out.report.notes.iter().map(ToString::to_string).collect();
        (out.to_bytes().to_vec(), notes)
    };
    let (out, notes) = edit(&[1, 2, 4], None);
    assert_eq!(out, [201, 1, 2, 4]);
    assert_eq!(notes, [".sum at byte 0: recomputed, 200 became 201"]);
    let (out, notes) = edit(&[1, 2, 3, 4], None);
    assert_eq!(out, [200, 1, 2, 3, 4]);
    assert_eq!(
        notes,
        [".sum at byte 0: what is not here would have to move"]
    );
    // one that was assigned stays, and of what cannot be told nothing is said
    let (out, notes) = edit(&[1, 2, 4], Some(7));
    assert_eq!(out, [7, 1, 2, 4]);
    assert_eq!(
        notes,
        [".sum at byte 0: left wrong on purpose: 7, where 201 would be right"]
    );
    let (out, notes) = edit(&[1, 2, 3, 4], Some(7));
    assert_eq!((out, notes.len()), (vec![7, 1, 2, 3, 4], 0));
}

#[test]
fn a_copy_of_a_struct_has_its_spelling() {
    static FLAG: Fixed = Fixed {
        name: "flag",
        fields: &[Field::leaf("set", 0, 1, &Bool)],
        word: None,
    };
    // any bit set is true
    let odd = root(Kind::fixed(&FLAG), &[2]);
    let one = root(Kind::fixed(&FLAG), &[1]);
    let copy = one.clone().assign(Plain::Node(odd.clone())).unwrap();
    assert_eq!(copy.bytes().unwrap()[..], [2]);
    // a value that is the same keeps its own
    let set = Plain::Object(vec![("set".to_owned(), Plain::Scalar(Scalar::Bool(true)))]);
    assert_eq!(odd.assign(set).unwrap().bytes().unwrap()[..], [2]);
}
