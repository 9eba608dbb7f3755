//! Messages, headers and frames that come and go.

use crate::edits::{accepted, accepted_but, meaning, shown, shows};
use crate::oracle::has_tshark;
use crate::{at, capture, decode, delete_item, encoded, insert_item, insert_plain, set, text};
use binq_core::encode::{EncodeOptions, encode};
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

/// The header fields of each block, and whether all of them are whole: CONTINUATION frames come where they belong.
fn blocks(root: &Node, frames: &str) -> Vec<Vec<(String, String)>> {
    let all = at(root, frames);
    let mut open = None;
    let mut out = Vec::new();
    for (i, frame) in all.items().enumerate() {
        let (kind, stream) = (text(&at(&frame, ".type")), text(&at(&frame, ".stream_id")));
        assert_eq!(frame.fault(), None);
        let goes_on = kind == "CONTINUATION";
        assert_eq!(open, goes_on.then(|| stream.clone()), "frame {i}");
        let ends = at(&frame, ".flags").field("end_headers");
        open = ends.filter(|end| text(end) == "false").map(|_| stream);
        if kind == "HEADERS" {
            assert_eq!(at(&frame, ".payload").fault(), None);
            let mut all = fields(root, &format!("{frames}[{i}]"));
            for (_, value) in all.iter_mut().filter(|(_, v)| v.len() > 80) {
                *value = format!("{} of {}", value.len(), &value[..9]);
            }
            out.push(all);
        }
    }
    out
}

fn texts(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    all.iter().map(own).collect()
}

/// A capture whose second request goes on in CONTINUATION frames; where that one is.
fn continued() -> (bytes::Bytes, String, u64) {
    let root = decode(&capture("sums.pcap"));
    let long = "v".repeat(40_000);
    let new = [("name", "x-long"), ("value", &*long)];
    let headers = ".streams[1].request.headers";
    let last = at(&root, headers).len() as usize;
    let edited = insert_item(&root, headers, last, &new);
    let new = encoded(&edited).to_bytes();
    let frames = ".tcp_connections[0].client.stream.frames".to_owned();
    let list = headers_frames(&decode(&new), &frames);
    (new, frames, list[1])
}

fn with_items(root: &Node, path: &str, items: impl IntoIterator<Item = Node>) -> Node {
    let items = items.into_iter().map(Plain::Node).collect();
    crate::set_plain(root, path, Plain::Array(items))
}

#[test]
fn a_continued_header_block_comes_to_another_place() {
    let (before, frames, first) = continued();
    let root = decode(&before);
    let old = blocks(&root, &frames);
    let list = || at(&root, &frames).items();
    let all: Vec<Node> = list().collect();
    let first = first as usize;
    let kinds: Vec<_> = all.iter().map(|f| text(&at(f, ".type"))).collect();
    let conts = kinds[first + 1..]
        .iter()
        .take_while(|k| *k == "CONTINUATION")
        .count();
    assert!(conts >= 1, "{kinds:?}");
    let block = first..first + conts + 1;
    let (earlier, later) = (
        headers_frames(&root, &frames)[0] as usize,
        headers_frames(&root, &frames)[2] as usize,
    );
    let check = |what: &str, edited: &Node, wanted: &[Vec<(String, String)>]| {
        let new = encoded(edited).to_bytes();
        let again = decode(&new);
        assert_eq!(blocks(&again, &frames), wanted, "{what}");
        if what != "removed" {
            // the dissector of a message fails where there are no headers before it
            accepted("moved", &before, &new);
        }
        again
    };
    // moved before another one, and behind one
    let mut order: Vec<Node> = all[..earlier].to_vec();
    order.extend_from_slice(&all[block.clone()]);
    order.extend_from_slice(&all[earlier..first]);
    order.extend_from_slice(&all[block.end..]);
    let wanted = [
        old[1].clone(),
        old[0].clone(),
        old[2].clone(),
        old[3].clone(),
    ];
    let wanted = [&wanted[..], &old[4..]].concat();
    let again = check("moved back", &with_items(&root, &frames, order), &wanted);
    assert_eq!(at(&again, &frames).len(), all.len() as u64);

    // copied, all of it or its first frame alone
    for end in [block.end, first + 1] {
        let mut order = all.clone();
        let copy = all[first..end].to_vec();
        order.splice(later..later, copy);
        let wanted = [&old[..2], &[old[1].clone()], &old[2..]].concat();
        check("copied", &with_items(&root, &frames, order), &wanted);
    }

    // one frame in the place of another, whose stream it is now of
    let stream = format!("{frames}[{first}].stream_id");
    let id = crate::int(&at(&all[later], ".stream_id"));
    let copy = at(&set(&root, &stream, id), &format!("{frames}[{first}]"));
    let place = format!("{frames}[{later}]");
    let edited = crate::set_plain(&root, &place, Plain::Node(copy));
    let mut wanted = old.clone();
    wanted[2] = old[1].clone();
    check("in place of another", &edited, &wanted);

    // removed
    let mut order = all.clone();
    order.drain(block.clone());
    let wanted = [&old[..1], &old[2..]].concat();
    check("removed", &with_items(&root, &frames, order), &wanted);

    // edited and moved, in a field that lies across both frames and in one after it
    let path = format!("{frames}[{first}].payload.headers");
    let count = at(&root, &path).len();
    let edited = set(&root, &format!("{path}[{}].value", count - 1), "short");
    let authority = old[1].iter().position(|(n, _)| n == ":authority").unwrap();
    let edited = set(&edited, &format!("{path}[{authority}].value"), "elsewhere");
    let edited = insert_item(&edited, &path, 4, &[("name", "x-new"), ("value", "n")]);
    let mut fields = old[1].clone();
    fields[authority].1 = "elsewhere".to_owned();
    fields.last_mut().unwrap().1 = "short".to_owned();
    fields.splice(4..4, texts(&[("x-new", "n")]));
    let mut order: Vec<Node> = at(&edited, &frames).items().collect();
    let moved: Vec<Node> = order.drain(block.clone()).collect();
    order.splice(earlier..earlier, moved);
    let wanted = [&[fields, old[0].clone()], &old[2..]].concat();
    check(
        "edited and moved",
        &with_items(&edited, &frames, order),
        &wanted,
    );
}

#[test]
fn a_part_of_a_header_block_alone_is_refused() {
    let (before, frames, first) = continued();
    let root = decode(&before);
    let all: Vec<Node> = at(&root, &frames).items().collect();
    let first = first as usize;
    let without = |i: usize| {
        let mut all = all.clone();
        all.remove(i);
        all
    };
    let mut torn = all.clone();
    torn.swap(first + 1, first - 1);
    let mut split = all.clone();
    split.insert(first + 1, all[0].clone());
    let mut twice = all.clone();
    twice.insert(0, all[first + 1].clone());
    for (what, items) in [
        ("no first frame", without(first)),
        ("no second frame", without(first + 1)),
        ("apart", torn),
        ("a frame in between", split),
        ("a second frame alone", twice),
    ] {
        let edited = with_items(&root, &frames, items);
        let error = encode(&edited, &EncodeOptions::default()).map(|_| ());
        let error = error.expect_err(what).to_string();
        assert!(error.contains("CONTINUATION"), "{what}: {error}");
        assert!(error.contains("--no-fix"), "{what}: {error}");
        // written as it is, if that is wanted
        assert!(encode(&edited, &EncodeOptions { no_fix: true }).is_ok());
    }
}

#[test]
fn a_header_block_that_is_edited_and_moved_means_what_was_assigned() {
    for (name, side) in [
        ("sums.pcap", "client"),
        ("nghttp-padding.pcap", "client"),
        ("nghttp-padding.pcap", "server"),
    ] {
        let before = capture(name);
        let root = decode(&before);
        let frames = format!(".tcp_connections[0].{side}.stream.frames");
        let headers = headers_frames(&root, &frames);
        let old = blocks(&root, &frames);
        // the first is not put behind the other: an answer would come before its request
        let (from, to) = (1, 0);
        let path = format!("{frames}[{}].payload.headers", headers[from]);
        let last = old[from].len() - 1;
        let edited = set(&root, &format!("{path}[{last}].value"), "some-other value");
        let edited = delete_item(&edited, &path, last as u64 - 1);
        let mut order: Vec<Node> = at(&edited, &frames).items().collect();
        let moved = order.remove(headers[from] as usize);
        order.insert(headers[to] as usize, moved);
        let new = encoded(&with_items(&edited, &frames, order)).to_bytes();
        let mut wanted = old.clone();
        let mut fields = wanted.remove(from);
        fields[last].1 = "some-other value".to_owned();
        fields.remove(last - 1);
        wanted.insert(to, fields);
        let again = decode(&new);
        assert_eq!(blocks(&again, &frames), wanted, "{name} {side}");
        let pad = |root: &Node, i: u64| {
            let payload = at(root, &format!("{frames}[{i}].payload"));
            payload.field("padding").map(|p| p.bytes().unwrap())
        };
        assert_eq!(pad(&again, headers[to]), pad(&root, headers[from]));
        accepted("edited-moved", &before, &new);
    }
}
