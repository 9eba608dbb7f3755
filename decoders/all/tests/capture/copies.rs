//! Items that are copied or moved, and changed: what follows from the change follows where they come to lie. And structs whose
//! fields lie in several places: to assign one is to assign its fields.

use crate::{at, capture, decode, set};
use binq_core::{Format, Node, Options, Plain, Scalar, Severity, Space};

/// The items of an array with a changed copy behind one of them, or with the changed one moved to the front.
fn arranged(root: &Node, array: &str, i: usize, changed: &Node, copies: bool) -> Node {
    let mut items: Vec<Plain> = at(root, array).items().map(Plain::Node).collect();
    match copies {
        true => items.insert(i + 1, Plain::Node(changed.clone())),
        false => {
            items.remove(i);
            items.insert(0, Plain::Node(changed.clone()));
        }
    }
    let list = at(root, array).set_items(items).unwrap();
    let path = binq_laws::parse(array);
    binq_laws::put_back(root, &path, list)
}

/// An item with one leaf changed.
fn changed(root: &Node, item: &str, leaf: &str, value: impl Into<Scalar>) -> Node {
    at(&set(root, &format!("{item}{leaf}"), value), item)
}

fn bytes(of: &'static [u8]) -> Scalar {
    Scalar::Bytes(of.into())
}

/// What is wrong with it, but for what the sample says itself.
fn wrong(root: &Node) -> Vec<String> {
    let all = root.findings().filter(|f| f.severity >= Severity::Damage);
    all.map(|f| format!("{}: expected {}, found {}", f.path, f.expected, f.found))
        .collect()
}

#[test]
fn messages() {
    for (sample, call) in [
        ("grpc-unary.pcap", 0),
        ("grpc-streaming.pcap", 1),
        ("grpc-gzip.pcap", 0),
    ] {
        let root = decode(&capture(sample));
        let array = format!(".grpc_calls[{call}].requests");
        for (text, copies) in [
            (&b"\x0a\x01X"[..], true),
            (b"\x0a\x0cXXXXXXXXXXXX", true),
            (b"\x0a\x01X", false),
        ] {
            let last = at(&root, &array).len() as usize - 1;
            let item = changed(&root, &format!("{array}[{last}]"), ".message", bytes(text));
            let edited = arranged(&root, &array, last, &item, copies);
            let again = decode(&edited.bytes().unwrap());
            let place = if copies { last + 1 } else { 0 };
            let message = at(&again, &format!("{array}[{place}].message"));
            assert_eq!(message.bytes().unwrap()[..], *text, "{sample} {copies}");
            assert_eq!(
                at(&again, &array).len() as usize,
                last + 1 + usize::from(copies)
            );
            assert_eq!(wrong(&again), wrong(&root), "{sample} {copies}");
        }
    }
}

#[test]
fn packets() {
    for (sample, leaf) in [
        ("sums.pcap", ".packet.payload.payload.payload"),
        ("sums.pcap", ".packet.payload.ttl"),
        ("nghttp-push.pcap", ".packet.payload.ttl"),
    ] {
        let root = decode(&capture(sample));
        for copies in [true, false] {
            let value = match leaf.ends_with("ttl") {
                true => Scalar::Int(9),
                false => bytes(b"\xaa\xbb\xcc"),
            };
            let item = changed(&root, ".packets[3]", leaf, value.clone());
            let edited = arranged(&root, ".packets", 3, &item, copies);
            let again = decode(&edited.bytes().unwrap());
            let place = if copies { 4 } else { 0 };
            let read = at(&again, &format!(".packets[{place}]{leaf}"));
            match &value {
                Scalar::Bytes(bytes) => assert_eq!(read.bytes().unwrap(), *bytes),
                value => assert_eq!(read.scalar(), *value),
            }
            assert_eq!(
                at(&again, ".packets").len(),
                at(&root, ".packets").len() + u64::from(copies)
            );
            assert_eq!(wrong(&again), wrong(&root), "{sample}{leaf} {copies}");
        }
    }
}

#[test]
fn frames() {
    let path = crate::dir("http2").join("grpc-unary-client.h2");
    let stream = std::fs::read(path).unwrap();
    let read = |bytes: Vec<u8>| binq_http::Http2.decode(Space::source(bytes), &Options::default());
    let root = read(stream);
    let lengths = |root: &Node| -> Vec<u64> {
        let frames = at(root, ".frames");
        let length = |f: Node| crate::int(&f.field("length").unwrap());
        frames.items().map(length).collect()
    };
    let item = changed(&root, ".frames[5]", ".payload.data", bytes(b"\0\0\0\0\x01"));
    let mut expected = lengths(&root);
    expected.insert(6, 5);
    let edited = arranged(&root, ".frames", 5, &item, true);
    assert_eq!(lengths(&read(edited.bytes().unwrap().to_vec())), expected);
}

#[test]
fn a_struct_that_lies_in_several_places_is_assigned_field_by_field() {
    let root = decode(&capture("grpc-unary.pcap"));
    for (to, from, shown) in [
        (".grpc_calls[0]", ".grpc_calls[1]", ".metadata[0].value"),
        (".streams[0]", ".streams[1]", ".request.header.request-id"),
        (
            ".streams[0].request",
            ".streams[1].request",
            ".header.request-id",
        ),
    ] {
        let edited = crate::set_plain(&root, to, Plain::Node(at(&root, from)));
        let again = decode(&edited.bytes().unwrap());
        let value = |root: &Node, at_: &str| at(root, &format!("{at_}{shown}")).scalar();
        assert_ne!(
            value(&root, to),
            value(&root, from),
            "the test shows something"
        );
        assert_eq!(value(&again, to), value(&root, from), "{to}");
        assert_eq!(wrong(&again), wrong(&root), "{to}");
    }
}

/// A field that takes another name may take another form with it: the value of `-bin` fields is base64.
#[test]
fn metadata_that_is_renamed_is_spelled_anew() {
    let root = decode(&capture("sums.pcap"));
    let field = |name: &str, value: &str| {
        Plain::Object(vec![
            ("name".to_owned(), Plain::Scalar(name.into())),
            ("value".to_owned(), Plain::Scalar(value.into())),
        ])
    };
    let metadata = ".grpc_calls[0].metadata";
    let edited = crate::set_plain(&root, &format!("{metadata}[1]"), field("n", "v"));
    let again = decode(&edited.bytes().unwrap());
    assert_eq!(
        at(&again, &format!("{metadata}[1].value")).scalar(),
        "v".into()
    );
    // what is added where one was removed is no change of that one
    let mut kept: Vec<Plain> = at(&root, metadata).items().map(Plain::Node).collect();
    kept.remove(0);
    kept.push(field("n-bin", "v"));
    let list = at(&root, metadata).set_items(kept).unwrap();
    let edited = binq_laws::put_back(&root, &binq_laws::parse(metadata), list);
    let again = decode(&edited.bytes().unwrap());
    let read = at(&again, &format!("{metadata}[1].value"));
    assert_eq!(read.scalar().as_bytes(), Some(&b"v"[..]));
    assert_eq!(wrong(&again), wrong(&root));
}
