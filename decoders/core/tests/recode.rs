//! Lengths of a field that a layer encodes anew: as it is shown, and as it is stored.

use binq_core::codec::{Int, Raw};
use binq_core::layer::{Recode, Recoding};
use binq_core::rule::{Of, Path, Rule};
use binq_core::shape::{Cx, Field, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Scalar, Space, Span};

/// Each byte is stored twice: stands for compression, base64, encryption.
struct Twice;

impl Recoding for Twice {
    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
        let pair = |(i, pair): (usize, &[u8])| match pair {
            [a, b] if a == b => Ok(*a),
            _ => Err(Malformed::new(
                2 * i as u64,
                "a byte twice",
                format!("{pair:?}"),
            )),
        };
        stored.chunks(2).enumerate().map(pair).collect()
    }

    fn encode(&self, shown: &[u8], _old: &[u8]) -> Result<Vec<u8>, String> {
        match shown.contains(&b'!') {
            true => Err("an exclamation mark cannot be stored twice".to_owned()),
            false => Ok(shown.iter().flat_map(|b| [*b, *b]).collect()),
        }
    }
}

struct Packed;

static SHOWN: Rule = Rule::len_of("text");
static STORED: Rule = Rule::Len {
    of: Of::Stored(Path::Name("text")),
    unit: 1,
    bias: 1,
};
static HEAD: [Field; 2] = [
    Field::leaf("uncompressed_size", 0, 1, &Int::U8).derived(&SHOWN),
    Field::leaf("compressed_size", 1, 1, &Int::U8).derived(&STORED),
];

impl Shape for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn layout(&self) -> &'static [Field] {
        &HEAD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let stored = Span::bits(16, cx.at.span.len - 16);
        let space = Recode::space(cx.at.space, stored, Twice)?;
        let span = space.span();
        cx.node_in("text", &space, span, Kind::Leaf(Ref::Static(&Raw::ANY)));
        Ok(())
    }
}

fn packed(bytes: &'static [u8]) -> Node {
    let space = Space::source(bytes);
    let span = space.span();
    Node::root_of("packed", Kind::fixed(&Packed), space, span)
}

fn with_text(mut root: Node, text: &str) -> Node {
    let old = root.take_field("text").unwrap();
    root.put_field(old.assign(Plain::Scalar(text.into())).unwrap());
    root
}

#[test]
fn a_length_is_measured_where_the_field_shows_its_value_or_where_it_is_stored() {
    let root = packed(b"\x02\x05hhii");
    let text = root.field("text").unwrap().scalar();
    assert_eq!(text, Scalar::Bytes(b"hi".to_vec().into()));
    let hello = with_text(root.clone(), "hello").bytes().unwrap();
    assert_eq!(hello[..], *b"\x05\x0bhheelllloo");
    let nothing = with_text(root.clone(), "").bytes().unwrap();
    assert_eq!(nothing[..], *b"\0\x01");
    // what was done to them is told, for what lies in them and not for what lies beside
    assert_eq!(root.field("text").unwrap().made_by(), "decompressed");
    assert_eq!(root.made_by(), "edited");
    // the same value leaves the bytes alone
    let same = with_text(root, "hi").bytes().unwrap();
    assert_eq!(same[..], *b"\x02\x05hhii");
}

#[test]
fn an_assigned_length_stays() {
    let mut root = with_text(packed(b"\x02\x05hhii"), "hello");
    let size = root.take_field("uncompressed_size").unwrap();
    root.put_field(size.assign(Plain::Scalar(9.into())).unwrap());
    assert_eq!(root.bytes().unwrap()[..], *b"\x09\x0bhheelllloo");
}

#[test]
fn what_cannot_be_recoded_is_told() {
    let fault = packed(b"\x02\x05hhix").fault().unwrap();
    assert_eq!((fault.offset, &*fault.found), (Some(4), "[105, 120]"));
    let refused = with_text(packed(b"\x02\x05hhii"), "hi!").bytes();
    let refused = refused.unwrap_err().to_string();
    assert_eq!(refused, ".text: an exclamation mark cannot be stored twice");
}
