//! Nodes: parts, places, and where their bytes are in the input.

use super::{PAIR, int, root};
use binq_core::codec::{Codec, Raw, Text, UBits};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::layer::Gather;
use binq_core::shape::{Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Reject, Scalar, Space, Span};
use std::sync::Arc;

#[test]
fn a_part_of_bytes_is_cut_to_what_there_is() {
    let node = root(Kind::leaf(&Raw::ANY), b"abcdef");
    let part = |from: u64, to: u64| node.byte_part(|_| from..to).expect("bytes").expect("there");
    assert_eq!(node.byte_len(), Some(6));
    assert_eq!(part(0, 6), "abcdef");
    assert_eq!(part(2, 4), "cd");
    assert_eq!(part(2, 99), "cdef");
    assert_eq!(part(6, 9), "");
    assert_eq!(part(9, 12), "");
    assert_eq!(part(4, 2), "");
    assert_eq!(
        node.byte_part(|len| len - 1..len)
            .expect("bytes")
            .expect("there"),
        "f"
    );
    assert!(root(Kind::leaf(&Text), b"abc").byte_len().is_none());
    assert!(
        root(Kind::leaf(&Text), b"abc")
            .byte_part(|_| 0..1)
            .is_none()
    );
    let edited = node.clone().assign(Plain::Scalar("x".into())).unwrap();
    assert_eq!(edited.byte_len(), None);
    assert!(edited.byte_part(|_| 0..1).is_none());
}

#[test]
fn bits_of_a_leaf_are_its_bytes() {
    let node = |start: u64, len: u64| {
        Node::root_of(
            "toy",
            Kind::leaf(&UBits),
            Space::source(vec![0x12, 0x34, 0x56]),
            Span::bits(start, len),
        )
    };
    assert_eq!(node(4, 8).bytes().unwrap()[..], [0x23]);
    assert_eq!(node(4, 12).bytes().unwrap()[..], [0x23, 0x40]);
    assert_eq!(node(8, 8).bytes().unwrap()[..], [0x34]);
    assert_eq!(node(20, 4).bytes().unwrap()[..], [0x60]);
    assert_eq!(node(4, 12).actual(), Some(int(0x234)));
    let out = encode(&node(4, 12), &EncodeOptions::default()).unwrap();
    assert_eq!(out.to_bytes()[..], [0x23, 0x40]);
    let edited = node(4, 12).assign(Plain::Scalar(int(0xabc))).unwrap();
    let out = encode(&edited, &EncodeOptions::default()).unwrap();
    assert_eq!(
        (out.to_bytes()[..].to_vec(), out.len()),
        (vec![0xab, 0xc0], 2)
    );
    assert_eq!(edited.actual(), Some(int(0xabc)));
}

#[test]
fn an_absent_node_is_known_again() {
    assert!(Node::absent().is_absent());
    let null = Node::root_of(
        "",
        Kind::computed(&Raw::ANY, Scalar::Null),
        Space::source(Vec::new()),
        Span::bits(0, 0),
    );
    assert!(null.is_absent());
    let one = Node::root_of(
        "",
        Kind::computed(&Raw::ANY, int(1)),
        Space::source(Vec::new()),
        Span::bits(0, 0),
    );
    assert!(!one.is_absent());
    assert!(!root(Kind::leaf(&Raw::ANY), b"").is_absent());
    assert!(root(Kind::leaf(&Raw::ANY), b"").is_reading());
    assert!(!root(Kind::fixed(&PAIR), b"abc").is_reading());
    let field = root(Kind::fixed(&PAIR), b"abc").field("a").unwrap();
    assert!(!field.is_reading());
    // what is computed has no bytes
    assert!(matches!(
        encode(&null, &EncodeOptions::default()),
        Err(Reject::Structure { .. })
    ));
    // a computed null below a root is a field, and not an absent one
    let node = root(Kind::fixed(&Nulled), b"");
    assert!(!node.field("nothing").unwrap().is_absent());
}

struct Nulled;

impl Shape for Nulled {
    fn name(&self) -> &'static str {
        "nulled"
    }
    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Nulled {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        &[("nothing", &Raw::ANY)]
    }
}

/// A struct that has its parts elsewhere: it lies nowhere itself.
pub(crate) struct Scattered(pub Vec<(u64, u64)>);

impl Shape for Scattered {
    fn name(&self) -> &'static str {
        "scattered"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let space = cx.at.space.clone();
        for (i, (at, len)) in self.0.iter().enumerate() {
            cx.node_in(
                format!("part{i}"),
                &space,
                Span::bytes(*at, *len),
                Kind::leaf(&Raw::ANY),
            );
        }
        Ok(())
    }
}

#[test]
fn parts_of_a_node_are_joined_where_they_touch() {
    for (parts, places) in [
        (vec![(4, 2), (0, 2)], Some(vec![(0, 2), (4, 2)])),
        (vec![(0, 2), (2, 2)], Some(vec![(0, 4)])),
        (vec![(0, 2), (3, 2)], Some(vec![(0, 2), (3, 2)])),
        (vec![(0, 6), (2, 2)], Some(vec![(0, 6)])),
        (vec![(2, 2), (0, 3), (9, 0)], Some(vec![(0, 4)])),
        (vec![(5, 0)], None),
        (vec![], None),
    ] {
        let kind = Kind::shared(Arc::new(Scattered(parts.clone())));
        let node = Node::root_of("toy", kind, Space::source(vec![0; 10]), Span::bits(0, 0));
        let found = node.places().map(|all| {
            all.iter()
                .map(|s| (s.first_byte(), s.byte_len()))
                .collect::<Vec<_>>()
        });
        assert_eq!(found, places, "{parts:?}");
    }
    // one that has a bit of its own
    let kind = Kind::shared(Arc::new(Scattered(vec![(4, 2)])));
    let bit = Node::root_of("toy", kind, Space::source(vec![0; 10]), Span::bits(0, 1));
    assert_eq!(bit.places(), None);
    // one that has its bytes together, and a scalar
    assert_eq!(root(Kind::fixed(&PAIR), b"abc").places(), None);
    let empty = Node::root_of(
        "toy",
        Kind::leaf(&Raw::ANY),
        Space::source(vec![0; 9]),
        Span::bits(8, 0),
    );
    assert_eq!(empty.places(), None);
}

#[test]
fn bytes_are_found_in_the_input_where_they_are_the_same() {
    let space = Space::source(b"abcdefghij".to_vec());
    let mut gather = Gather::new();
    gather.push(Some(4), 2);
    gather.push_apart(6, 1);
    gather.push(Some(0), 2);
    let stream = Space::derived(space.clone(), Arc::new(gather));
    let node = |from: u64, len: u64| {
        Node::root_of(
            "toy",
            Kind::leaf(&Raw::ANY),
            stream.clone(),
            Span::bytes(from, len),
        )
    };
    assert_eq!(node(0, 5).in_input(b"efgab"), Some(vec![(4, 3), (0, 2)]));
    assert_eq!(node(0, 2).in_input(b"ef"), Some(vec![(4, 2)]));
    assert_eq!(node(0, 5).in_input(b"efgaX"), None);
    assert_eq!(node(0, 5).in_input(b"efga"), None);
    assert_eq!(node(0, 5).in_input(b"efgabc"), None);
    assert_eq!(node(1, 4).ranges().len(), 3);
}
