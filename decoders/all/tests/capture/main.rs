//! Captures, HTTP/2 and gRPC: the samples against tshark, before and after edits.

mod copies;
mod craft;
mod cuts;
mod edits;
mod ends;
mod faults;
mod flawed;
mod fragments;
mod fragments_grow;
mod framed;
mod hashes;
mod losses;
mod lost;
mod lost_h2;
mod lost_http;
mod moves;
mod once;
mod opens;
mod oracle;
mod peer;
mod reads;
mod schema;
mod sections;
mod senders;
mod snaplen;
mod speakers;
mod structure;
mod sums;
mod transport;
mod web;

use binq_core::encode::{EncodeOptions, Encoded, encode};
use binq_core::{Node, Options, Plain, Registry, Scalar};
use binq_laws as walk;
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// The folder of samples.
pub(crate) fn dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../samples")
        .join(name)
}

/// All captures, by name.
pub(crate) fn captures() -> Vec<(String, Bytes)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir("capture")).expect("samples/capture is there") {
        let path = entry.expect("a readable entry").path();
        if path
            .extension()
            .is_some_and(|e| e == "pcap" || e == "pcapng")
        {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.push((name, std::fs::read(&path).unwrap().into()));
        }
    }
    all.sort();
    assert!(all.len() >= 20, "{} captures", all.len());
    all
}

pub(crate) fn capture(name: &str) -> Bytes {
    std::fs::read(dir("capture").join(name))
        .expect("a sample")
        .into()
}

/// The formats here without protobuf, so that messages are bytes.
pub(crate) fn formats() -> Registry {
    Registry::new(vec![
        &binq_http::Http2,
        &binq_http::Http1,
        &binq_grpc::Grpc,
        &binq_capture::Pcap,
        &binq_capture::PcapNg,
    ])
}

pub(crate) fn decode(bytes: &Bytes) -> Node {
    decode_with(bytes, &Options::default())
}

pub(crate) fn decode_with(bytes: &Bytes, options: &Options) -> Node {
    let root = formats().decode(None, bytes.clone(), options);
    root.expect("a capture")
}

pub(crate) fn at(root: &Node, path: &str) -> Node {
    walk::follow(root, &walk::parse(path)).unwrap_or_else(|| panic!("no {path}"))
}

/// The root with a value assigned at a path.
pub(crate) fn set(root: &Node, path: &str, value: impl Into<Scalar>) -> Node {
    set_plain(root, path, Plain::Scalar(value.into()))
}

pub(crate) fn set_plain(root: &Node, path: &str, value: Plain) -> Node {
    let keys = walk::parse(path);
    let node = at(root, path)
        .assign(value)
        .unwrap_or_else(|e| panic!("{path}: {e}"));
    walk::put_back(root, &keys, node)
}

pub(crate) fn delete_item(root: &Node, path: &str, i: u64) -> Node {
    let node = at(root, path).remove_item(i).unwrap();
    walk::put_back(root, &walk::parse(path), node)
}

/// The root with an item, an object of texts, inserted before item `i` of an array.
pub(crate) fn insert_item(root: &Node, path: &str, i: usize, fields: &[(&str, &str)]) -> Node {
    let text = |(name, value): &(&str, &str)| {
        let name = (*name).to_owned();
        (name, Plain::Scalar((*value).into()))
    };
    insert_plain(
        root,
        path,
        i,
        Plain::Object(fields.iter().map(text).collect()),
    )
}

pub(crate) fn insert_plain(root: &Node, path: &str, i: usize, item: Plain) -> Node {
    let mut items: Vec<Plain> = at(root, path).items().map(Plain::Node).collect();
    items.insert(i, item);
    set_plain(root, path, Plain::Array(items))
}

pub(crate) fn encoded(root: &Node) -> Encoded {
    encode(root, &EncodeOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Text or bytes as text; numbers and others as shown.
pub(crate) fn text(node: &Node) -> String {
    match node.scalar() {
        Scalar::Str(s) => s.to_string(),
        Scalar::Bytes(b) => String::from_utf8_lossy(&b).into_owned(),
        other => other.to_string(),
    }
}

pub(crate) fn int(node: &Node) -> u64 {
    u64::try_from(node.actual().unwrap().as_int().unwrap()).unwrap()
}
