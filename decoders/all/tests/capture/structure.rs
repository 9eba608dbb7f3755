//! Messages, headers and frames that come and go.

use crate::edits::{accepted, accepted_but, meaning, shown, shows};
use crate::oracle::has_tshark;
use crate::{at, capture, decode, delete_item, encoded, insert_item, insert_plain, set, text};
use binq_core::{Node, Plain, Scalar};

fn bytes(n: usize) -> Plain {
    Plain::Scalar(Scalar::Bytes(vec![b'm'; n].into()))
}

fn lengths(root: &Node, path: &str) -> Vec<u64> {
    at(root, path)
        .items()
        .map(|m| m.field("message").unwrap().bytes().unwrap().len() as u64)
        .collect()
}

#[test]
fn messages_come_and_go() {
    let before = capture("grpc-streaming.pcap");
    let root = decode(&before);
    let requests = ".grpc_calls[1].requests";
    let old = lengths(&root, requests);
    for i in [0, 1, 3] {
        let edited = insert_plain(&root, requests, i, bytes(70));
        let new = encoded(&edited).to_bytes();
        let mut wanted = old.clone();
        wanted.insert(i, 70);
        assert_eq!(lengths(&decode(&new), requests), wanted, "at {i}");
        accepted("message-more", &before, &new);
        shows("message-more", &before, &new, "grpc.message_length", "70");
    }
    let responses = ".grpc_calls[0].responses";
    let old = lengths(&root, responses);
    for i in [0, 1, 4] {
        let new = encoded(&delete_item(&root, responses, i)).to_bytes();
        let mut wanted = old.clone();
        wanted.remove(i as usize);
        assert_eq!(lengths(&decode(&new), responses), wanted, "without {i}");
        accepted("message-less", &before, &new);
    }
    // copied, and put first
    let copy = Plain::Node(at(&root, &format!("{responses}[4]")));
    let new = encoded(&insert_plain(&root, responses, 0, copy)).to_bytes();
    let again = decode(&new);
    let message = |root: &Node, i: usize| {
        at(root, &format!("{responses}[{i}].message"))
            .bytes()
            .unwrap()
    };
    assert_eq!(message(&again, 0), message(&root, 4));
    assert_eq!(at(&again, responses).len(), 6);
    accepted("message-copy", &before, &new);
}

#[test]
fn a_header_is_added() {
    for (name, path) in [
        ("sums.pcap", ".grpc_calls[1].metadata"),
        ("sums.pcap", ".grpc_calls[0].trailers"),
        ("nghttp-push.pcap", ".streams[0].response.headers"),
    ] {
        let before = capture(name);
        let root = decode(&before);
        for i in [0, at(&root, path).len() as usize] {
            // a field without a colon must not come before those with one
            let i = if path.ends_with("headers") {
                i.max(1)
            } else {
                i
            };
            let edited = insert_item(
                &root,
                path,
                i,
                &[("name", "x-new"), ("value", "some value")],
            );
            let new = encoded(&edited).to_bytes();
            let again = decode(&new);
            assert_eq!(text(&at(&again, &format!("{path}[{i}].name"))), "x-new");
            let (mut a, mut b) = (meaning(&root), meaning(&again));
            a.push("x-new: some value".to_owned());
            a.sort();
            b.sort();
            assert_eq!(a, b, "{name} {path} {i}");
            accepted(&format!("header-{i}"), &before, &new);
            if has_tshark() {
                let names = shown("header", &new, "http2.header.name");
                assert_eq!(names.iter().filter(|n| *n == "x-new").count(), 1);
            }
        }
    }
}

fn headers_frames(root: &Node, frames: &str) -> Vec<u64> {
    let all = at(root, frames);
    let is = |i: &u64| text(&at(&all.item(*i).unwrap(), ".type")) == "HEADERS";
    (0..all.len()).filter(is).collect()
}

fn fields(root: &Node, frame: &str) -> Vec<(String, String)> {
    let of = |h: Node| {
        (
            text(&h.field("name").unwrap()),
            text(&h.field("value").unwrap()),
        )
    };
    at(root, &format!("{frame}.payload.headers"))
        .items()
        .map(of)
        .collect()
}

#[test]
fn header_frames_that_are_copied_or_moved_keep_their_meaning() {
    let before = capture("sums.pcap");
    let root = decode(&before);
    for side in ["client", "server"] {
        let frames = format!(".tcp_connections[0].{side}.stream.frames");
        let headers = headers_frames(&root, &frames);
        for (from, to) in [
            (headers[0], headers[2]),
            (headers[2], headers[0]),
            (headers[1], headers[1]),
        ] {
            let frame = format!("{frames}[{from}]");
            let copy = Plain::Node(at(&root, &frame));
            let new = encoded(&insert_plain(&root, &frames, to as usize, copy)).to_bytes();
            let again = decode(&new);
            let all: Vec<_> = headers_frames(&again, &frames);
            assert_eq!(all.len(), headers.len() + 1);
            let mut wanted: Vec<_> = headers
                .iter()
                .map(|i| fields(&root, &format!("{frames}[{i}]")))
                .collect();
            let place = headers.iter().position(|i| *i == to).unwrap();
            wanted.insert(place, fields(&root, &frame));
            let found: Vec<_> = all
                .iter()
                .map(|i| fields(&again, &format!("{frames}[{i}]")))
                .collect();
            assert_eq!(found, wanted, "{side}: {from} before {to}");
            accepted("frame-more", &before, &new);
            as_tshark_shows(&new, side, &wanted);
        }
        // removed: the entries that it made are spelled out where they were referred to
        let new = encoded(&delete_item(&root, &frames, headers[0])).to_bytes();
        let again = decode(&new);
        let found: Vec<_> = headers_frames(&again, &frames)
            .iter()
            .map(|i| fields(&again, &format!("{frames}[{i}]")))
            .collect();
        let wanted: Vec<_> = headers[1..]
            .iter()
            .map(|i| fields(&root, &format!("{frames}[{i}]")))
            .collect();
        assert_eq!(found, wanted, "{side}");
        // the call whose beginning is gone
        let gone = ["_ws.malformed [\"[Dissector bug, protocol GRPC"];
        accepted_but("frame-less", &before, &new, &gone);
        as_tshark_shows(&new, side, &wanted);
    }
}

/// Tshark shows these header blocks of a peer, in this order: by a field that the other peer does not send.
fn as_tshark_shows(capture: &bytes::Bytes, side: &str, blocks: &[Vec<(String, String)>]) {
    if !has_tshark() {
        return;
    }
    let (name, field) = match side {
        "client" => (":path", "http2.headers.path"),
        _ => (":status", "http2.headers.status"),
    };
    let all = blocks.iter().flatten().filter(|(n, _)| n == name);
    let wanted: Vec<_> = all.map(|(_, value)| value.clone()).collect();
    assert_eq!(shown("frames", capture, field), wanted, "{side}");
}

#[test]
fn a_content_length_follows_frames_that_go() {
    let before = capture("nghttp-post.pcap");
    let root = decode(&before);
    let frames = ".tcp_connections[0].client.stream.frames";
    let body = |root: &Node| {
        let body = at(root, ".streams[0].request").field("body");
        body.map_or(0, |body| body.span().byte_len())
    };
    let stated = |root: &Node| {
        let headers = at(root, ".streams[0].request.headers");
        let found = headers
            .items()
            .find(|h| text(&h.field("name").unwrap()) == "content-length");
        text(&found.unwrap().field("value").unwrap())
    };
    assert_eq!(stated(&root), body(&root).to_string());
    let stream = text(&at(&root, ".streams[0].stream_id"));
    let data = at(&root, frames).items().position(|f| {
        text(&f.field("type").unwrap()) == "DATA" && text(&f.field("stream_id").unwrap()) == stream
    });
    let edited = delete_item(&root, frames, data.unwrap() as u64);
    let new = encoded(&edited).to_bytes();
    let again = decode(&new);
    assert!(body(&again) < body(&root));
    assert_eq!(stated(&again), body(&again).to_string());
    accepted("content-length", &before, &new);
    if has_tshark() {
        let values = shown("content-length", &new, "http2.headers.content_length");
        let wanted = stated(&again);
        assert!(
            values.iter().any(|v| v.split(',').any(|v| v == wanted)),
            "{values:?}"
        );
    }
}

#[test]
fn a_header_block_that_outgrows_a_frame_goes_on_in_continuations() {
    let before = capture("sums.pcap");
    let root = decode(&before);
    let long = "v".repeat(40_000);
    let edited = insert_item(
        &root,
        ".streams[1].request.headers",
        5,
        &[("name", "x-long"), ("value", &long)],
    );
    let new = encoded(&edited).to_bytes();
    let again = decode(&new);
    let kinds: Vec<_> = at(&again, ".tcp_connections[0].client.stream.frames")
        .items()
        .map(|f| {
            (
                text(&f.field("type").unwrap()),
                crate::int(&f.field("length").unwrap()),
            )
        })
        .collect();
    let continued = kinds.iter().filter(|(k, _)| k == "CONTINUATION").count();
    assert!(
        continued >= 1 && kinds.iter().all(|(_, len)| *len <= 1 << 14),
        "{kinds:?}"
    );
    let (a, b) = (meaning(&root), meaning(&again));
    assert_eq!(a.len() + 1, b.len());
    assert!(a.iter().all(|x| b.contains(x)));
    accepted("continuation", &before, &new);
    if has_tshark() {
        let values = shown("continuation", &new, "http2.header.value");
        assert!(values.iter().any(|v| v.starts_with("vvvvvvvv")));
    }
    // a change of one value, all else kept, goes the same way
    let edited = set(&root, ".grpc_calls[1].metadata[0].value", &*long);
    let new = encoded(&edited).to_bytes();
    assert_eq!(
        text(&at(&decode(&new), ".grpc_calls[1].metadata[0].value")),
        long
    );
    accepted("continuation-value", &before, &new);
}
