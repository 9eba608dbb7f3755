//! Borders: one byte less, exactly as many, one byte more, for what the core decides by a comparison.

mod assigned;
mod codecs;
mod described;
mod green;
mod nodes;
mod readers;
mod rebuilt;
mod registry;
mod spaces;

use binq_core::codec::Int;
use binq_core::shape::{Field, Fixed};
use binq_core::{Kind, Node, Scalar, Space};

fn root(kind: Kind, bytes: &[u8]) -> Node {
    let space = Space::source(bytes.to_vec());
    let span = space.span();
    Node::root_of("toy", kind, space, span)
}

/// Name, place in bits and value of each field.
fn fields(node: &Node) -> Vec<(String, u64, u64, Scalar)> {
    let all = node.fields().into_iter();
    all.map(|(name, f)| (name.to_string(), f.span().start, f.span().len, f.scalar()))
        .collect()
}

fn bytes(b: &[u8]) -> Scalar {
    Scalar::Bytes(b.to_vec().into())
}

fn int(n: i128) -> Scalar {
    Scalar::Int(n)
}

static PAIR: Fixed = Fixed {
    name: "pair",
    fields: &[
        Field::leaf("a", 0, 1, &Int::U8),
        Field::leaf("b", 1, 2, &Int::U16BE),
    ],
    word: None,
};
