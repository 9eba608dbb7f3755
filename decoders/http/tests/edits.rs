//! What follows from an edit of a raw stream, where a mutant once went unseen.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Space};
use binq_http::Http2;
use binq_laws as walk;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, &frame(4, 0, 0, &[]), &frames.concat()].concat()
}

fn decode(bytes: &[u8]) -> Node {
    Http2.decode(Space::source(bytes.to_vec()), &Options::default())
}

fn text(root: &Node, path: &str) -> String {
    let node = walk::follow(root, &walk::parse(path)).unwrap_or_else(|| panic!("no {path}"));
    let scalar = node.scalar();
    String::from_utf8_lossy(scalar.as_bytes().unwrap_or(b"")).into_owned()
}

/// The stream with texts assigned, decoded again.
fn edited(bytes: &[u8], edits: &[(&str, &str)]) -> Node {
    let mut root = decode(bytes);
    for (path, value) in edits {
        let keys = walk::parse(path);
        let leaf = walk::follow(&root, &keys).unwrap_or_else(|| panic!("no {path}"));
        let leaf = leaf.assign(Plain::Scalar((*value).into())).unwrap();
        root = walk::put_back(&root, &keys, leaf);
    }
    let out = encode(&root, &EncodeOptions::default()).unwrap();
    decode(&out.to_bytes())
}

fn text_of(s: &str) -> Vec<u8> {
    [&[s.len() as u8], s.as_bytes()].concat()
}

/// An entry of the dynamic table is renamed; a literal that took its name from there keeps it, whether it is edited or not.
#[test]
fn a_renamed_entry_that_a_literal_names() {
    for form in [0x00, 0x10, 0x40] {
        let entry = [&[0x40][..], &text_of("x-old"), &text_of("1")].concat();
        // index 62, in four or six bits
        let index: &[u8] = if form == 0x40 {
            &[0x40 | 62]
        } else {
            &[form | 15, 62 - 15]
        };
        let literal = [index, &text_of("2")].concat();
        let block = [&[0x82, 0x86, 0x84][..], &entry, &literal].concat();
        let bytes = stream(&[
            frame(1, 5, 1, &block),
            frame(1, 5, 3, &[0x82, 0x86, 0x84, 0x80 | 62]),
        ]);
        let headers = ".frames[1].payload.headers";
        let name = format!("{headers}[3].name");
        let value = format!("{headers}[4].value");
        for edits in [
            vec![(name.as_str(), "x-new")],
            vec![(name.as_str(), "x-new"), (value.as_str(), "longer")],
        ] {
            let root = edited(&bytes, &edits);
            let field =
                |i: usize| ["name", "value"].map(|p| text(&root, &format!("{headers}[{i}].{p}")));
            assert_eq!(field(3), ["x-new", "1"], "{form}");
            assert_eq!(
                field(4),
                ["x-old", if edits.len() == 1 { "2" } else { "longer" }],
                "{form}"
            );
            // what comes later means what it meant
            let last = if form == 0x40 {
                ["x-old", "2"]
            } else {
                ["x-old", "1"]
            };
            let later = ["name", "value"]
                .map(|p| text(&root, &format!(".frames[2].payload.headers[3].{p}")));
            assert!(
                later == last || form == 0x40 && edits.len() == 2,
                "{form}: {later:?}"
            );
            assert_eq!(root.findings().count(), 0);
        }
    }
}

/// A `content-length` that was right follows; one that was wrong was planted, and stays.
#[test]
fn a_wrong_content_length_stays() {
    for (said, then) in [("5", "7"), ("9", "9"), ("005", "7"), ("x", "x")] {
        let length = [&[0x0f, 28 - 15][..], &text_of(said)].concat();
        let block = [&[0x83, 0x86, 0x84][..], &length].concat();
        let bytes = stream(&[frame(1, 4, 1, &block), frame(0, 1, 1, b"hello")]);
        let root = edited(&bytes, &[(".frames[2].payload.data", "goodbye")]);
        assert_eq!(
            text(&root, ".frames[1].payload.headers[3].value"),
            then,
            "{said}"
        );
        assert_eq!(text(&root, ".frames[2].payload.data"), "goodbye");
    }
}
