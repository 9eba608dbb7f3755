//! What a capture does not hold is not shown: bytes of lost segments, and header fields that they were in.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, Wire};
use crate::{at, capture, captures, decode, decode_with, int, text};
use binq_core::{Node, Options, Reject, Scalar, Severity};
use bytes::Bytes;
use std::collections::HashSet;

/// A connection whose client sent "hello", and "world" so many bytes after it.
fn with_hole(lost: u32) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(CLIENT, b"hello");
    wire.next[CLIENT] = wire.next[CLIENT].wrapping_add(lost);
    wire.segment(
        CLIENT,
        wire.next[CLIENT],
        wire.next[SERVER],
        ACK | PSH,
        b"",
        b"world",
    );
    wire.pcap()
}

#[test]
fn lost_bytes_are_no_bytes_and_cost_nothing() {
    for lost in [10, 1 << 20, 1_000_000_000] {
        let root = decode(&with_hole(lost));
        let stream = at(&root, ".tcp_connections[0].client.stream");
        let wanted = Reject::Lost {
            path: ".tcp_connections[0].client.stream".to_owned(),
            at: 5,
            missing: lost.into(),
            of: u64::from(lost) + 10,
        };
        assert_eq!(stream.bytes(), Err(wanted));
        let part = |range: std::ops::Range<u64>| stream.byte_part(|_| range).unwrap();
        assert_eq!(part(1..5).unwrap(), "ello");
        assert!(part(1..6).is_err());
        let last = u64::from(lost) + 5;
        assert_eq!(part(last..last + 5).unwrap(), "world");
        let found = stream.fault().expect("a fault that tells of the loss");
        assert_eq!(found.severity, Severity::Odd);
        // the byte of the file after what came before
        let before = at(&root, ".tcp_connections[0].client.stream.gap0").ranges();
        assert_eq!(found.offset, Some(before[0].end_byte()));
    }
}

#[test]
fn what_stands_for_lost_bytes_is_asked_for() {
    let shown = |lost: &str| {
        let mut options = Options::default();
        options.values.insert("lost".to_owned(), lost.into());
        let root = decode_with(&with_hole(10), &options);
        at(&root, ".tcp_connections[0].client.stream").bytes().ok()
    };
    assert_eq!(shown("refuse"), None);
    let zeros = [&b"hello"[..], &[0; 10], b"world"].concat();
    assert_eq!(shown("zeros"), Some(zeros.into()));
    assert_eq!(shown("skip"), Some("helloworld".into()));
}

/// A capture of Ethernet, whose packets are cut to so many bytes.
fn cut(bytes: &Bytes, snaplen: usize) -> Bytes {
    let mut out = bytes[..24].to_vec();
    let mut rest = &bytes[24..];
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(record[8..12].try_into().unwrap()) as usize;
        let (packet, after) = after.split_at(len);
        let kept = len.min(snaplen);
        out.extend(&record[..8]);
        out.extend((kept as u32).to_le_bytes());
        out.extend(&record[12..]);
        out.extend(&packet[..kept]);
        rest = after;
    }
    out.into()
}

/// All header fields that are shown, with their values.
fn header_fields(root: &Node) -> Vec<(String, String)> {
    let lists = ["metadata", "response_metadata", "trailers"];
    let mut out = Vec::new();
    let mut add = |field: Node| {
        let part = |name: &str| {
            field
                .field(name)
                .filter(|f| !matches!(f.actual(), None | Some(Scalar::Null)))
        };
        if let (Some(name), Some(value)) = (part("name"), part("value")) {
            out.push((text(&name), text(&value)));
        }
    };
    for call in root.field("grpc_calls").unwrap().items() {
        let lists = lists.iter().filter_map(|name| call.field(name));
        lists
            .flat_map(|l| l.items().collect::<Vec<_>>())
            .for_each(&mut add);
    }
    for who in ["client", "server"] {
        let frames = format!(".tcp_connections[0].{who}.stream.frames");
        let Some(frames) = binq_laws::follow(root, &binq_laws::parse(&frames)) else {
            continue;
        };
        let headers = frames
            .items()
            .filter_map(|f| f.field("payload")?.field("headers"));
        headers
            .flat_map(|h| h.items().collect::<Vec<_>>())
            .for_each(&mut add);
    }
    out
}

#[test]
fn header_fields_that_were_cut_off_are_not_made_up() {
    for name in [
        "grpc-unary.pcap",
        "nghttp-continuation.pcap",
        "grpc-streaming.pcap",
    ] {
        let whole = capture(name);
        let real: HashSet<_> = header_fields(&decode(&whole)).into_iter().collect();
        assert!(real.len() > 10, "{name}: {} fields", real.len());
        let mut shown = 0;
        for snaplen in (70..330).step_by(7) {
            let root = decode(&cut(&whole, snaplen));
            for field in header_fields(&root) {
                assert!(real.contains(&field), "{name} cut to {snaplen}: {field:?}");
                shown += 1;
            }
            // what is cut off is told, and is no damage
            let bad = root.findings().find(|f| f.severity > Severity::Odd);
            assert!(bad.is_none(), "{name} cut to {snaplen}: {}", bad.unwrap());
        }
        assert!(shown > 100, "{name}: {shown} fields were shown");
    }
}

#[test]
fn a_call_of_which_headers_are_lost_says_so() {
    let root = decode(&capture("grpc-snaplen.pcap"));
    let calls: Vec<Node> = root.field("grpc_calls").unwrap().items().collect();
    let metadata = calls
        .iter()
        .map(|c| c.field("metadata").map_or(0, |m| m.len()));
    let metadata: Vec<u64> = metadata.collect();
    assert!(metadata.iter().all(|n| *n <= 2), "{metadata:?}");
    assert!(calls[0].fault().is_some(), "the first call misses headers");
}

#[test]
fn lost_packets_are_no_damage() {
    for (name, bytes) in captures() {
        let root = decode(&bytes);
        let bad = root.findings().find(|f| f.severity > Severity::Odd);
        assert!(bad.is_none(), "{name}: {}", bad.unwrap());
    }
    let skipped = at(
        &decode(&capture("lost.pcap")),
        ".tcp_connections[0].client.skipped_bytes",
    );
    assert!(int(&skipped) > 0);
}
