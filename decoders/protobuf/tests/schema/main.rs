//! The schema view: what it shows and what edits do to the bytes.

#[path = "../common/mod.rs"]
mod common;

mod borders;
mod edges;
mod fields;
mod laws;
mod lists;
mod sets;
mod types;
mod unknown;

use binq_core::{Format, Node, Options, Plain, Scalar, Space};
use binq_protobuf::Protobuf;

pub(crate) fn options(proto: &str, message: &str, on: &[&str]) -> Options {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
    let mut options = Options::default();
    options
        .lists
        .insert("proto".into(), vec![format!("{dir}/{proto}").into()]);
    options.lists.insert("proto_path".into(), vec![dir.into()]);
    options.values.insert("message".into(), message.into());
    for name in on {
        options.values.insert((*name).into(), Scalar::Bool(true));
    }
    options
}

pub(crate) fn all3(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("all3.proto", "all3.All", &[]),
    )
}

pub(crate) fn all2(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("all2.proto", "all2.All", &[]),
    )
}

pub(crate) fn edition(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("edition.proto", "ed.All", &[]),
    )
}

pub(crate) fn add(root: &Node, name: &str, value: Plain) -> Node {
    root.clone()
        .add_field(name, value)
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn list<const N: usize>(items: [Plain; N]) -> Plain {
    Plain::Array(items.into())
}
