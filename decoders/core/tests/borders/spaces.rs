//! Bytes that are missing, and long runs.

use super::{PAIR, bytes, root};
use binq_core::codec::{Int, Raw};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::layer::Gather;
use binq_core::shape::{Shape, Traits};
use binq_core::{Holder, Kind, Lost, Node, Reject, Space, Span};
use bytes::Bytes;
use std::sync::{Arc, Mutex};

/// "abc", two bytes that are missing, "ij".
fn holed() -> Space {
    let mut gather = Gather::new();
    gather.push(Some(0), 3);
    gather.push(None, 2);
    gather.push(Some(8), 2);
    Space::derived(Space::source(b"abcdefghij".to_vec()), Arc::new(gather))
}

#[test]
fn what_is_missing_is_refused_or_stood_in_for() {
    let space = holed();
    let node = |from: u64, len: u64| {
        Node::root_of(
            "toy",
            Kind::leaf(&Raw::ANY),
            space.clone(),
            Span::bytes(from, len),
        )
    };
    let lost = |node: &Node| match node.bytes().unwrap_err() {
        Reject::Lost {
            at, missing, of, ..
        } => (at, missing, of),
        other => panic!("{other}"),
    };
    assert_eq!(lost(&node(0, 7)), (3, 2, 7));
    assert_eq!(lost(&node(1, 3)), (2, 1, 3));
    assert_eq!(lost(&node(4, 2)), (0, 1, 2));
    assert_eq!(lost(&node(3, 2)), (0, 2, 2));
    assert_eq!(node(0, 3).bytes().unwrap(), "abc");
    assert_eq!(node(5, 2).bytes().unwrap(), "ij");
    assert_eq!(node(0, 7).byte_len(), None);
    assert_eq!(node(0, 3).byte_len(), Some(3));
    assert_eq!(node(0, 7).actual(), None);
    let finding = node(1, 4).finding().expect("a finding");
    assert_eq!((finding.offset, finding.lost), (Some(3), true));
    assert_eq!(finding.expected, "4 bytes");
    assert_eq!(node(0, 3).finding(), None);
    // a number of which a byte is missing has no value, whatever stands in for bytes
    let number = Node::root_of(
        "toy",
        Kind::leaf(&Int::U16BE),
        space.clone(),
        Span::bytes(2, 2),
    );
    assert_eq!(number.actual(), None);
    let out = |node: &Node| encode(node, &EncodeOptions::default());
    assert!(matches!(out(&node(0, 7)), Err(Reject::Lost { .. })));
    assert_eq!(out(&node(0, 3)).unwrap().len(), 3);
    space.stand_in(Lost::Zeros);
    assert_eq!(node(0, 7).actual(), Some(bytes(b"abc\0\0ij")));
    assert_eq!(node(2, 3).actual(), Some(bytes(b"c\0\0")));
    assert_eq!(number.actual(), None);
    let zeros = out(&node(0, 7)).unwrap();
    assert_eq!(
        (zeros.len(), zeros.is_empty(), zeros.is_clean()),
        (7, false, true)
    );
    assert_eq!(zeros.to_bytes(), &b"abc\0\0ij"[..]);
    let mut written = Vec::new();
    zeros.write_to(&mut written).unwrap();
    assert_eq!(written, b"abc\0\0ij");
    space.stand_in(Lost::Skip);
    assert_eq!(node(0, 7).actual(), Some(bytes(b"abcij")));
    let skipped = out(&node(0, 7)).unwrap();
    assert_eq!(skipped.len(), 5);
    let mut written = Vec::new();
    skipped.write_to(&mut written).unwrap();
    assert_eq!(written, b"abcij");
    let nothing = out(&node(3, 2)).unwrap();
    assert_eq!((nothing.len(), nothing.is_empty()), (0, true));
    space.stand_in(Lost::Refuse);
    assert_eq!(lost(&node(0, 7)), (3, 2, 7));
}

#[test]
fn bytes_beside_a_hole_lie_beside_it_in_the_input() {
    let space = holed();
    let offsets: Vec<u64> = (0..9).map(|at| space.offset(at)).collect();
    // a missing byte: the one after the one before it; behind the end: after the last one
    assert_eq!(offsets, [0, 1, 2, 3, 3, 8, 9, 10, 10]);
    let mut gather = Gather::new();
    gather.push(None, 1);
    gather.push(None, 1);
    gather.push(Some(4), 1);
    let first = Space::derived(Space::source(b"abcdef".to_vec()), Arc::new(gather));
    assert_eq!(
        (first.offset(0), first.offset(2), first.offset(3)),
        (4, 4, 5)
    );
    let mut gather = Gather::new();
    gather.push(None, 3);
    let none = Space::derived(Space::source(b"abcdef".to_vec()), Arc::new(gather));
    assert_eq!((none.offset(0), none.offset(2)), (0, 0));
    // a hole is found from any byte of it, and not beside it
    let hole = |at: u64, len: u64| {
        space
            .hole_in(Span::bytes(at, len))
            .map(|h| (h.first_byte(), h.byte_len()))
    };
    assert_eq!(hole(0, 3), None);
    assert_eq!(hole(0, 4), Some((3, 2)));
    assert_eq!(hole(4, 1), Some((3, 2)));
    assert_eq!(hole(5, 2), None);
    // through another layer, it is where it lies there
    let mut over = Gather::new();
    over.push(Some(5), 2);
    over.push(Some(0), 4);
    let over = Space::derived(space.clone(), Arc::new(over));
    let found = |at: u64, len: u64| {
        over.hole_in(Span::bytes(at, len))
            .map(|h| (h.first_byte(), h.byte_len()))
    };
    assert_eq!(found(0, 5), None);
    assert_eq!(found(0, 6), Some((5, 1)));
    assert_eq!(found(5, 1), Some((5, 1)));
    assert_eq!(*over.read(0, 6), *b"ijabc");
    // of its own holes and those below, the first one
    let mut both = Gather::new();
    both.push(Some(2), 2);
    both.push(None, 2);
    let both = Space::derived(space, Arc::new(both));
    assert_eq!(both.hole_in(Span::bytes(0, 4)), Some(Span::bytes(1, 1)));
    assert_eq!(both.hole_in(Span::bytes(2, 2)), Some(Span::bytes(2, 2)));
    assert_eq!(both.hole_in(Span::bytes(0, 1)), None);
}

#[test]
fn long_runs_come_in_pieces() {
    const PIECE: u64 = 1 << 20;
    for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5] {
        let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let node = root(Kind::leaf(&Raw::ANY), &data);
        let encoded = encode(&node, &EncodeOptions::default()).unwrap();
        let sizes: Vec<u64> = encoded.pieces().map(|piece| piece.len() as u64).collect();
        let whole = vec![PIECE; (len / PIECE) as usize];
        let rest = Some(len % PIECE).filter(|n| *n > 0);
        assert_eq!(sizes, [whole, rest.into_iter().collect()].concat(), "{len}");
        let joined: Vec<u8> = encoded.pieces().flat_map(|piece| piece.to_vec()).collect();
        assert!(joined == data && encoded.to_bytes() == data && encoded.len() == len);
    }
}

#[test]
fn more_zeros_than_memory_is_given_are_written_only() {
    const MOST: u64 = 64 << 20;
    for (missing, fits) in [(MOST, true), (MOST + 1, false)] {
        let mut gather = Gather::new();
        gather.push(Some(0), 1);
        gather.push(None, missing);
        let space = Space::derived(Space::source(b"a".to_vec()), Arc::new(gather));
        space.stand_in(Lost::Zeros);
        let span = space.span();
        let node = Node::root_of("toy", Kind::leaf(&Raw::ANY), space, span);
        assert_eq!(
            node.bytes().map(|b| b.len() as u64).ok(),
            fits.then_some(missing + 1)
        );
        let encoded = encode(&node, &EncodeOptions::default()).unwrap();
        assert_eq!(encoded.len(), missing + 1);
    }
}

struct Touched(Mutex<Vec<(u64, u64)>>);

impl Holder for Touched {
    fn touch(&self, at: u64, len: u64) {
        self.0.lock().unwrap().push((at, len));
    }
}

#[test]
fn who_holds_the_bytes_is_told_which_are_read() {
    let holder = Arc::new(Touched(Mutex::default()));
    let space = Space::held(Bytes::from_static(b"abcdef"), Some(holder.clone()));
    assert_eq!(*space.read(1, 2), *b"bc");
    assert_eq!(space.bytes(4, 9), "ef");
    assert_eq!(*space.read(7, 1), *b"");
    assert_eq!(*holder.0.lock().unwrap(), [(1, 2), (4, 2), (6, 0)]);
    assert_eq!((space.len(), space.is_empty()), (6, false));
    assert!(Space::source(Vec::new()).is_empty());
}

#[test]
fn what_is_a_run_of_bytes_may_have_holes() {
    struct Parts;
    impl Shape for Parts {
        fn name(&self) -> &'static str {
            "parts"
        }
        fn traits(&self) -> Traits {
            Traits {
                is_bytes: true,
                ..Traits::default()
            }
        }
    }
    let space = holed();
    let span = space.span();
    let node = Node::root_of("toy", Kind::fixed(&Parts), space, span);
    assert_eq!(node.byte_len(), None);
    assert_eq!(node.byte_part(|_| 0..3).expect("bytes").unwrap(), "abc");
    let lost = node.byte_part(|_| 1..4).expect("bytes").unwrap_err();
    assert!(
        matches!(&lost, Reject::Lost { path, .. } if path == ".[1:4]"),
        "{lost}"
    );
    // a struct that is none
    assert!(
        root(Kind::fixed(&PAIR), b"abc")
            .byte_part(|_| 0..1)
            .is_none()
    );
}
