//! Edits through all layers, and what tshark thinks of the outcome.

use crate::oracle::{complaints, fields, has_tshark, written};
use crate::{at, capture, decode, delete_item, encoded, int, set, text};
use binq_core::encode::Did;
use binq_core::{Node, Scalar};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The server's port, if there is a connection.
fn port(root: &Node) -> Option<u64> {
    let first = at(root, ".tcp_connections").item(0)?;
    Some(int(&at(&first, ".server.port")))
}

/// What tshark said of a sample before any edit.
static BEFORE: Mutex<BTreeMap<Bytes, BTreeMap<String, usize>>> = Mutex::new(BTreeMap::new());

/// How many complaints there are of each kind: a segment that is cut in several changes the numbers of packets.
fn kinds(complaints: Vec<String>) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for complaint in complaints {
        let (_, kind) = complaint.split_once(": ").unwrap();
        *out.entry(kind.to_owned()).or_default() += 1;
    }
    out
}

/// Tshark complains about the outcome of no more than it did before.
pub(crate) fn accepted(name: &str, before: &Bytes, after: &Bytes) {
    accepted_but(name, before, after, &[]);
}

/// The same, but for what an edit was to bring about: each of these there is now, and was not before.
pub(crate) fn accepted_but(name: &str, before: &Bytes, after: &Bytes, news: &[&str]) {
    if !has_tshark() {
        return;
    }
    let root = decode(before);
    let port = port(&root);
    let sums = !has_offloaded_sums(&root);
    let old = {
        let mut known = BEFORE.lock().unwrap();
        let look = || {
            kinds(complaints(
                &written(&format!("{name}-before.pcap"), before),
                port,
                sums,
            ))
        };
        known.entry(before.clone()).or_insert_with(look).clone()
    };
    let after = written(&format!("{name}-after.pcap"), after);
    let mut new = kinds(complaints(&after, port, sums));
    for kind in news {
        let known = new.len();
        new.retain(|k, _| old.contains_key(k) || !k.starts_with(kind));
        assert!(new.len() < known, "{name}: no {kind} among {new:?}");
    }
    assert_eq!(new, old, "{name}");
}

fn has_offloaded_sums(root: &Node) -> bool {
    fn find(node: &Node) -> Option<String> {
        let payload = node.field("payload").or(node.field("packet"))?;
        let sum = payload.field("checksum").and_then(|c| c.description());
        sum.or_else(|| find(&payload))
    }
    find(&at(root, ".packets[0]")).is_some_and(|d| d.starts_with("offloaded"))
}

/// All values of a field that tshark shows.
pub(crate) fn shown(name: &str, bytes: &Bytes, field: &str) -> Vec<String> {
    let port = port(&decode(bytes));
    let rows = fields(
        &written(&format!("{name}-shown.pcap"), bytes),
        port,
        &[field],
    );
    rows.into_iter().flat_map(|mut r| r.remove(0)).collect()
}

/// Whether tshark shows a value of a field that it did not show before.
pub(crate) fn shows(name: &str, before: &Bytes, after: &Bytes, field: &str, value: &str) {
    if !has_tshark() {
        return;
    }
    let count = |bytes| {
        let values = shown(name, bytes, field);
        // fields of several lines are one cell to tshark
        values.iter().filter(|v| *v == value).count()
    };
    let (old, new) = (count(before), count(after));
    assert!(
        new > old,
        "{name}: {field} {value:?} {old} times before, {new} after"
    );
}

/// All header fields and messages of a capture, by stream.
pub(crate) fn meaning(root: &Node) -> Vec<String> {
    let mut out = Vec::new();
    for stream in root.field("streams").unwrap().items() {
        for side in ["request", "response"] {
            let side = stream.field(side).unwrap();
            for list in ["headers", "trailers"] {
                for header in side.field(list).iter().flat_map(Node::items) {
                    if let (Some(n), Some(v)) = (header.field("name"), header.field("value")) {
                        out.push(format!("{}: {}", text(&n), text(&v)));
                    }
                }
            }
            if let Some(body) = side.field("body") {
                out.push(format!("{:?}", body.bytes().unwrap()));
            }
        }
    }
    out
}

/// After an edit of one value, all else means what it meant.
fn only(before: &Node, after: &Bytes, changed: usize) {
    let (a, b) = (meaning(before), meaning(&decode(after)));
    assert_eq!(a.len(), b.len());
    let different: Vec<_> = a.iter().zip(&b).filter(|(a, b)| a != b).collect();
    assert_eq!(different.len(), changed, "{different:#?}");
}

#[test]
fn a_header_of_the_same_size() {
    for name in [
        "sums.pcap",
        "grpc-unary.pcap",
        "vlan.pcap",
        "fragments.pcap",
        "reordered.pcap",
        "raw-ip.pcap",
    ] {
        let bytes = capture(name);
        let root = decode(&bytes);
        let edited = set(&root, ".grpc_calls[1].metadata[0].value", "r-9");
        let out = encoded(&edited);
        let new = out.to_bytes();
        assert_eq!(new.len(), bytes.len(), "{name}");
        only(&root, &new, 1);
        assert_eq!(
            text(&at(&decode(&new), ".grpc_calls[1].metadata[0].value")),
            "r-9"
        );
        accepted(name, &bytes, &new);
        shows(name, &bytes, &new, "http2.header.value", "r-9");
    }
}

#[test]
fn a_path_that_grows_and_one_that_shrinks() {
    for name in [
        "sums.pcap",
        "grpc-unary.pcap",
        "vlan.pcap",
        "reordered.pcap",
        "raw-ip.pcap",
        "wrap.pcap",
        "grpc-ipv6.pcap",
        "linux-sll2.pcap",
        "grpc-unary.pcapng",
        "big-endian-nano.pcap",
    ] {
        for path in ["/demo.Greeter/GreetWithAVeryLongNameIndeed", "/d.G/G"] {
            if path.len() < 10 && name.len() > 11 {
                continue;
            }
            let bytes = capture(name);
            let root = decode(&bytes);
            let edited = set(&root, ".grpc_calls[0].path", path);
            let new = encoded(&edited).to_bytes();
            let again = decode(&new);
            assert_eq!(text(&at(&again, ".grpc_calls[0].path")), path, "{name}");
            // the entry of the table is another one: the calls that referred to it are spelled anew
            only(&root, &new, 1);
            accepted(name, &bytes, &new);
            if has_tshark() {
                let paths = shown(name, &new, "http2.headers.path");
                assert_eq!(
                    paths.iter().filter(|p| *p == path).count(),
                    1,
                    "{name}: {paths:?}"
                );
            }
        }
    }
}

#[test]
fn a_message_that_grows_shrinks_and_splits() {
    for (name, call) in [
        ("sums.pcap", 0),
        ("grpc-streaming.pcap", 3),
        ("grpc-gzip.pcap", 0),
        ("grpc-deflate.pcap", 1),
        ("grpc-snappy.pcap", 0),
        ("grpc-snappy.pcap", 1),
        ("grpc-zstd.pcap", 1),
        ("reordered.pcap", 2),
    ] {
        let bytes = capture(name);
        let root = decode(&bytes);
        for len in [0, 3, 200, 90_000] {
            let message: Vec<u8> = (0..len)
                .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            let path = format!(".grpc_calls[{call}].requests[0].message");
            let edited = set(&root, &path, Scalar::Bytes(message.clone().into()));
            let new = encoded(&edited).to_bytes();
            let read = at(&decode(&new), &path).bytes().unwrap();
            assert!(read == message, "{name} {len}: {} bytes", read.len());
            only(&root, &new, 1);
            accepted(&format!("{name}-{len}"), &bytes, &new);
            let requests = at(&decode(&new), &format!(".grpc_calls[{call}].requests"));
            let length = text(&at(&requests, "[0].length"));
            shows(name, &bytes, &new, "grpc.message_length", &length);
        }
    }
}

#[test]
fn messages_headers_and_frames_are_removed() {
    let bytes = capture("grpc-streaming.pcap");
    let root = decode(&bytes);
    let without = delete_item(&root, ".grpc_calls[1].requests", 1);
    let new = encoded(&without).to_bytes();
    assert_eq!(at(&decode(&new), ".grpc_calls[1].requests").len(), 2);
    accepted("message", &bytes, &new);

    let bytes = capture("sums.pcap");
    let root = decode(&bytes);
    let without = delete_item(&root, ".grpc_calls[0].metadata", 0);
    let new = encoded(&without).to_bytes();
    let again = decode(&new);
    assert_eq!(at(&again, ".grpc_calls[0].metadata").len(), 1);
    assert_eq!(meaning(&again).len(), meaning(&root).len() - 1);
    assert_eq!(text(&at(&again, ".grpc_calls[1].metadata[0].value")), "r-1");
    accepted("header", &bytes, &new);

    // all pings and window updates of the server
    let frames = ".tcp_connections[0].server.stream.frames";
    let mut edited = root.clone();
    for i in (0..at(&root, frames).len()).rev() {
        let kind = text(&at(&root, &format!("{frames}[{i}].type")));
        if kind == "PING" || kind == "WINDOW_UPDATE" {
            edited = delete_item(&edited, frames, i);
        }
    }
    let new = encoded(&edited).to_bytes();
    let again = decode(&new);
    assert!(at(&again, frames).len() < at(&root, frames).len());
    assert_eq!(meaning(&again), meaning(&root));
    accepted("frames", &bytes, &new);
}

#[test]
fn two_views_are_one_edit_and_a_contradiction_is_told() {
    let bytes = capture("sums.pcap");
    let root = decode(&bytes);
    // the same header in two views, to the same value and to different ones
    let frames = ".tcp_connections[0].client.stream.frames";
    let n = at(&root, frames)
        .items()
        .position(|f| text(&f.field("type").unwrap()) == "HEADERS")
        .unwrap();
    let headers: Vec<_> = at(&root, &format!("{frames}[{n}].payload.headers"))
        .items()
        .collect();
    let i = headers
        .iter()
        .position(|h| text(&h.field("name").unwrap()) == ":path")
        .unwrap();
    let other = format!("{frames}[{n}].payload.headers[{i}].value");
    let once = set(&root, ".grpc_calls[0].path", "/a/b");
    let same = set(&once, &other, "/a/b");
    assert_eq!(encoded(&same).to_bytes(), encoded(&once).to_bytes());
    let different = set(&once, &other, "/a/c");
    let e = binq_core::encode::encode(&different, &Default::default());
    assert!(e.err().unwrap().to_string().contains("both cover byte"));
    // different fields in two views meet in one packet
    let both = set(
        &once,
        ".grpc_calls[0].requests[0].message",
        Scalar::Bytes(vec![1; 9].into()),
    );
    let new = encoded(&both).to_bytes();
    only(&root, &new, 2);
    accepted("both", &bytes, &new);
    shows("both", &bytes, &new, "http2.headers.path", "/a/b");
    shows("both", &bytes, &new, "grpc.message_length", "9");
}

#[test]
fn what_is_assigned_stays_wrong() {
    let bytes = capture("sums.pcap");
    let root = decode(&bytes);
    let edited = set(
        &root,
        ".grpc_calls[0].path",
        "/grown/much/longer/than/it/was",
    );
    let notes = encoded(&edited).report.notes;
    let recomputed: Vec<_> = notes
        .iter()
        .filter(|n| matches!(n.did, Did::Recomputed { .. }))
        .collect();
    assert!(recomputed.len() > 20, "{}", recomputed.len());
    for note in recomputed.iter().step_by(5) {
        let Did::Recomputed { from, to } = &note.did else {
            unreachable!()
        };
        if !matches!(from, Scalar::Int(_)) {
            continue;
        }
        let pinned = set(&edited, &note.path, from.clone());
        let out = encoded(&pinned);
        let left = out
            .report
            .notes
            .iter()
            .find(|n| n.path == note.path)
            .expect("a note");
        assert!(
            matches!(&left.did, Did::LeftWrong { is, .. } if is == from),
            "{}: {:?} instead of {to}",
            note.path,
            left.did
        );
    }
}

#[test]
fn status_and_details() {
    let bytes = capture("sums.pcap");
    let root = decode(&bytes);
    let edited = set(&root, ".grpc_calls[3].status", "ABORTED");
    let edited = set(&edited, ".grpc_calls[3].message", "später");
    let new = encoded(&edited).to_bytes();
    let again = decode(&new);
    assert_eq!(text(&at(&again, ".grpc_calls[3].status_name")), "ABORTED");
    assert_eq!(text(&at(&again, ".grpc_calls[3].message")), "später");
    only(&root, &new, 2);
    accepted("status", &bytes, &new);
    shows("status", &bytes, &new, "http2.header.value", "10");
    shows("status", &bytes, &new, "http2.header.value", "sp%C3%A4ter");
    let details = ".grpc_calls[3].status_details";
    let edited = set(&root, details, Scalar::Bytes(vec![8, 10].into()));
    let new = encoded(&edited).to_bytes();
    assert_eq!(at(&decode(&new), details).bytes().unwrap()[..], [8, 10]);
    accepted("details", &bytes, &new);
    // as bytes, after a zero: to tshark, a value without text
    shows("details", &bytes, &new, "http2.header.value.length", "3");
}
