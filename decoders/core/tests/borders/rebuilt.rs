//! An input that is put together from its parts.

use super::nodes::Scattered;
use super::root;
use binq_core::codec::{Codec, Int, Raw, Terminated, Text, UBits};
use binq_core::encode::rebuild;
use binq_core::layer::Gather;
use binq_core::shape::{Cx, Field, Fixed, Shape};
use binq_core::{
    Bits, Frame, Kind, Malformed, Misfit, Node, Prefix, Ref, Scalar, Space, Span, Table,
};
use std::sync::Arc;

/// `len` text of that size, with a tag before and a byte behind.
struct Framed;

impl Shape for Framed {
    fn name(&self) -> &'static str {
        "framed"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at.span.first_byte();
        let frame = Frame {
            len: Some(Prefix {
                span: Span::bytes(at + 1, 1),
                codec: &Int::U8,
            }),
            outer: Span::bytes(at, 6),
            up: None,
        };
        cx.leaf("text", Span::bytes(at + 2, 3), &Text).framed(frame);
        Ok(())
    }
}

#[test]
fn an_input_is_put_together_from_its_parts() {
    let data = b"t\x03abc;x";
    let built = rebuild(&root(Kind::fixed(&Framed), data));
    assert_eq!((&built.bytes[..6], built.bytes[6]), (&data[..6], 0));
    assert_eq!(built.unowned(), [Span::bytes(6, 1)]);
    // the text and its length
    assert_eq!((built.encoded, built.copied), (2, 0));
    assert_eq!(built.wrong, Vec::<String>::new());
    // what should lie behind the end is told
    let cut = rebuild(&root(Kind::fixed(&Framed), b"t\x03abc"));
    assert_eq!((&cut.bytes[..], cut.wrong.len()), (&b"t\x03abc"[..], 1));
    // bits that share a byte, of which one is nobody's
    static BITS: Fixed = Fixed {
        name: "bits",
        fields: &[
            Field::bits("a", 0, 3, &UBits),
            Field::bits("b", 3, 9, &UBits),
            Field::bits("c", 13, 3, &UBits),
        ],
        word: None,
    };
    let data = [0b1010_1100, 0b0101_0011];
    let built = rebuild(&root(Kind::fixed(&BITS), &data));
    assert_eq!(built.bytes, [0b1010_1100, 0b0101_0011 & !0b1000]);
    assert_eq!(built.unowned(), [Span::bytes(1, 1)]);
    assert_eq!((built.encoded, built.wrong.len()), (3, 0));
    // what has no value is copied
    let built = rebuild(&root(Kind::leaf(&Terminated(Text)), b"no end"));
    assert_eq!((built.encoded, built.copied), (1, 1));
    assert_eq!(built.bytes, b"no end");
    assert_eq!(built.unowned(), Vec::<Span>::new());
    // all of nothing
    let built = rebuild(&root(Kind::leaf(&Raw::ANY), b""));
    assert_eq!((built.bytes.len(), built.unowned().len()), (0, 0));
    // none of it
    let built = rebuild(&root(Kind::shared(Arc::new(Scattered(vec![]))), b"abcd"));
    assert_eq!((built.bytes, built.encoded), (vec![0; 4], 0));
}

/// Always encodes the same byte.
#[derive(Clone, Copy)]
struct Stubborn;

impl Codec for Stubborn {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U8.decode(bits)
    }
    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        match value.as_int() {
            Some(9) => Err(Misfit::new("anything but 9", value)),
            Some(8) => Ok(Bits::from_bytes(vec![1, 2])),
            _ => Ok(Bits::from_bytes(vec![0x11])),
        }
    }
}

#[test]
fn what_does_not_come_out_as_it_was_is_told() {
    let built = rebuild(&root(Kind::leaf(&Stubborn), &[0x22]));
    assert_eq!(built.bytes, [0x11]);
    assert_eq!(built.wrong, [" at byte 0 of its space: [22] became [11]"]);
    let built = rebuild(&root(Kind::leaf(&Stubborn), &[9]));
    assert!(
        built.wrong[0].contains("is 9, which it does not take"),
        "{:?}",
        built.wrong
    );
    let built = rebuild(&root(Kind::leaf(&Stubborn), &[8]));
    assert_eq!((built.bytes, built.wrong.len()), (vec![0], 1));
    // two parts that disagree about a byte, and about bits of one
    struct Twice(u64);
    impl Shape for Twice {
        fn name(&self) -> &'static str {
            "twice"
        }
        fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
            cx.leaf("one", Span::bytes(0, 1), &Int::U8);
            match self.0 {
                0 => cx.leaf("two", Span::bytes(0, 1), &Stubborn),
                1 => cx.leaf("two", Span::bytes(0, 1), &Int::U8),
                _ => cx.leaf("two", Span::bits(2, 3), &UBits),
            };
            Ok(())
        }
    }
    let twice = |n: u64| rebuild(&root(Kind::shared(Arc::new(Twice(n))), &[0x22])).wrong;
    assert_eq!(twice(0).len(), 2);
    assert_eq!(
        twice(0)[1],
        ".two at byte 0 of its space: another part has other bits there"
    );
    assert_eq!(twice(1), Vec::<String>::new());
    assert_eq!(twice(2), Vec::<String>::new());
    // an array: items by their index
    static LIST: Table = Table::of(&STUBBORN, 1);
    static STUBBORN: Fixed = Fixed {
        name: "stubborn",
        fields: &[Field::leaf("n", 0, 1, &Stubborn)],
        word: None,
    };
    let built = rebuild(&root(Kind::Array(Ref::Static(&LIST)), &[0x11, 0x22, 0x33]));
    let told = |i: u64| {
        format!(
            "[{i}].n at byte {i} of its space: [{}] became [11]",
            if i == 1 { 22 } else { 33 }
        )
    };
    assert_eq!(built.wrong, [told(1), told(2)]);
    // no more than 20 are told, and each in no more than 400 characters
    let built = rebuild(&root(Kind::Array(Ref::Static(&LIST)), &[0x22; 30]));
    assert_eq!(built.wrong.len(), 20);
    let long = Node::root_of(
        "toy",
        Kind::leaf(&Shouting),
        Space::source(vec![0; 300]),
        Span::bytes(0, 300),
    );
    assert_eq!(rebuild(&long).wrong[0].chars().count(), 400);
}

struct Shouting;

impl Codec for Shouting {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Raw::ANY.decode(bits)
    }
    fn encode(&self, _value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Ok(Bits::from_bytes(vec![0xff; like.bytes().len()]))
    }
}

#[test]
fn bytes_of_layers_are_put_where_they_came_from() {
    struct Over;
    impl Shape for Over {
        fn name(&self) -> &'static str {
            "over"
        }
        fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
            let mut gather = Gather::new();
            gather.push(Some(4), 2);
            gather.push(None, 1);
            gather.push(Some(0), 2);
            // the last two are there once more
            gather.copy(3, 2, 2);
            let space = Space::derived(cx.at.space.clone(), Arc::new(gather));
            cx.node_in("one", &space, Span::bytes(0, 2), Kind::leaf(&Raw::ANY));
            cx.node_in("lost", &space, Span::bytes(1, 2), Kind::leaf(&Raw::ANY));
            cx.node_in("two", &space, Span::bytes(3, 2), Kind::leaf(&Raw::ANY));
            Ok(())
        }
    }
    let built = rebuild(&root(Kind::fixed(&Over), b"ababef"));
    assert_eq!(built.bytes, b"ababef");
    assert_eq!(built.unowned(), Vec::<Span>::new());
    assert_eq!(built.wrong, Vec::<String>::new());
    assert_eq!(built.encoded, 2);
}
