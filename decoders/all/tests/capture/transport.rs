//! What follows in TCP, IP and the file from an edit of a stream.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, SYN, Wire};
use crate::edits::{accepted, accepted_but, shows};
use crate::{at, capture, decode, delete_item, dir, encoded, int, set, set_plain, text};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar};
use bytes::Bytes;

/// What client and server of `grpc-unary` said.
pub(crate) fn halves() -> [Bytes; 2] {
    ["client", "server"].map(|who| {
        std::fs::read(dir("http2").join(format!("grpc-unary-{who}.h2")))
            .unwrap()
            .into()
    })
}

const PATH: &str = ".grpc_calls[0].path";
const LONGER: &str = "/demo.Greeter/GreetWithALongName";

/// The capture with a longer path, by which its first request grows; `by` how many bytes.
fn grown(bytes: &Bytes) -> (Node, Bytes, i64) {
    let root = decode(bytes);
    let new = encoded(&set(&root, PATH, LONGER)).to_bytes();
    let again = decode(&new);
    assert_eq!(text(&at(&again, PATH)), LONGER);
    let stream = |root: &Node| at(root, ".tcp_connections[0].client.stream").span().len as i64 / 8;
    let by = stream(&again) - stream(&root);
    assert!(by > 0);
    shows("reordered-grown", bytes, &new, "http2.headers.path", LONGER);
    (again, new, by)
}

fn tcp(root: &Node, packet: usize) -> Node {
    at(root, &format!(".packets[{packet}].packet.payload"))
}

#[test]
fn selective_acknowledgments_move_with_what_they_acknowledge() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let (a, b, c) = (&client[..200], &client[200..400], &client[400..]);
    wire.send(CLIENT, a);
    let start = wire.next[CLIENT];
    let (c_at, end) = (start + 200, start + 200 + c.len() as u32);
    // the third part comes before the second, and is acknowledged by a block of its own
    wire.segment(CLIENT, c_at, wire.next[SERVER], ACK | PSH, b"", c);
    let mut sack = vec![1, 1, 5, 10];
    sack.extend([c_at.to_be_bytes(), end.to_be_bytes()].concat());
    wire.segment(SERVER, wire.next[SERVER], start, ACK, &sack, b"");
    wire.segment(CLIENT, start, wire.next[SERVER], ACK | PSH, b"", b);
    wire.next[CLIENT] = end;
    wire.segment(SERVER, wire.next[SERVER], end, ACK, b"", b"");
    wire.send(SERVER, &server);
    let bytes = wire.pcap();
    let (again, new, by) = grown(&bytes);
    let edge =
        |root: &Node, name: &str| int(&at(&tcp(root, 6), &format!(".options[2].blocks[0].{name}")));
    let segment = |i: usize| tcp(&again, i);
    let third = int(&segment(5).field("sequence_number").unwrap());
    assert_eq!(edge(&decode(&bytes), "left_edge"), u64::from(c_at));
    assert_eq!(edge(&again, "left_edge"), third);
    // the rest of the growth is in the third part, where later requests spell the old path out
    assert!((1..by).contains(&(third as i64 - i64::from(c_at))));
    assert_eq!(edge(&again, "right_edge") as i64, i64::from(end) + by);
    accepted("sack", &bytes, &new);
    // of what is selectively acknowledged, only the end moves
    let root = decode(&bytes);
    let last = root.field("grpc_calls").unwrap().len() - 1;
    let path = format!(".grpc_calls[{last}].requests[0].message");
    let old = at(&root, &path).bytes().unwrap().len() as u64;
    let edited = set(&root, &path, Scalar::Bytes(vec![7; 50].into()));
    let new = encoded(&edited).to_bytes();
    let again = decode(&new);
    assert_eq!(edge(&again, "left_edge"), u64::from(c_at));
    assert_eq!(edge(&again, "right_edge"), u64::from(end) + 50 - old);
    accepted("sack-end", &bytes, &new);
}

#[test]
fn sequence_numbers_that_wrap_and_extension_headers() {
    let [client, server] = halves();
    for ip in [Ip::V4, Ip::V6Extended] {
        // the number wraps inside of the bytes that grow, and just after them
        for before in [60, 300, 700] {
            let mut wire = Wire::new(ip, [u32::MAX - before, u32::MAX - 10]);
            wire.open();
            for part in client.chunks(150) {
                wire.send(CLIENT, part);
            }
            wire.send(SERVER, &server);
            wire.close();
            let bytes = wire.pcap();
            assert_eq!(at(&decode(&bytes), ".grpc_calls").len(), 4);
            let (_, new, _) = grown(&bytes);
            accepted("wrap", &bytes, &new);
        }
    }
}

#[test]
fn udp_lengths_follow() {
    let mut wire = Wire::new(Ip::V4, [0, 0]);
    wire.datagram(CLIENT, b"question");
    wire.datagram(SERVER, b"answer");
    let bytes = wire.pcap();
    let root = decode(&bytes);
    for payload in [&b"a longer question"[..], b"?", b""] {
        let edited = set(
            &root,
            ".packets[0].packet.payload.payload",
            Scalar::Bytes(payload.to_vec().into()),
        );
        let out = encoded(&edited);
        let again = decode(&out.to_bytes());
        let udp = at(&again, ".packets[0].packet.payload");
        assert_eq!(int(&udp.field("length").unwrap()), 8 + payload.len() as u64);
        assert_eq!(
            udp.field("checksum").unwrap().description().as_deref(),
            Some("valid")
        );
        assert_eq!(
            int(&at(&again, ".packets[0].packet.total_length")),
            28 + payload.len() as u64
        );
        assert_eq!(
            at(&again, ".packets[1]").bytes().unwrap(),
            at(&root, ".packets[1]").bytes().unwrap()
        );
        let new = out.to_bytes();
        accepted("udp", &bytes, &new);
        let length = (8 + payload.len()).to_string();
        shows("udp", &bytes, &new, "udp.length", &length);
        let hex: String = payload.iter().map(|b| format!("{b:02x}")).collect();
        if !hex.is_empty() {
            shows("udp", &bytes, &new, "data.data", &hex);
        }
    }
}

#[test]
fn the_same_ports_again_are_another_connection() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    for first in [[1000, 9000], [500_000, 700_000]] {
        wire.next = first;
        wire.open();
        wire.send(CLIENT, &client);
        wire.send(SERVER, &server);
        wire.close();
    }
    let bytes = wire.pcap();
    let root = decode(&bytes);
    assert_eq!(root.field("tcp_connections").unwrap().len(), 2);
    let (again, new, by) = grown(&bytes);
    // the packets of the second one are as they were
    let count = at(&root, ".packets").len();
    for i in count / 2..count {
        let packet = |root: &Node| at(root, &format!(".packets[{i}]")).bytes().unwrap();
        assert_eq!(packet(&again), packet(&root), "packet {i}");
    }
    assert_eq!(new.len() as i64, bytes.len() as i64 + by);
    accepted("ports", &bytes, &new);
}

#[test]
fn a_syn_that_was_captured_after_its_answer_opens_no_other_connection() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    let mss = [2, 4, 5, 180];
    wire.segment(SERVER, 9000, 1001, SYN | ACK, &mss, b"");
    wire.segment(CLIENT, 1000, 0, SYN, &mss, b"");
    wire.next = [1001, 9001];
    wire.send(CLIENT, &client);
    wire.send(SERVER, &server);
    wire.close();
    let root = decode(&wire.pcap());
    assert_eq!(at(&root, ".tcp_connections").len(), 1);
    let begun = ["client", "server"].map(|who| format!(".tcp_connections[0].{who}.has_start"));
    for path in begun {
        assert_eq!(
            at(&root, &path).actual(),
            Some(Scalar::Bool(true)),
            "{path}"
        );
    }
    assert_eq!(at(&root, ".grpc_calls").len(), 4);
}

/// A capture whose second segment begins at a byte of the first, and has another byte 20 bytes on; and the place of that byte.
fn overlapping(from: usize) -> (Bytes, u64) {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let first = wire.next[CLIENT];
    wire.send(CLIENT, &client[..from + 100]);
    let mut other = client[from..].to_vec();
    other[20] ^= 1;
    wire.segment(
        CLIENT,
        first + from as u32,
        wire.next[SERVER],
        ACK | PSH,
        b"",
        &other,
    );
    wire.next[CLIENT] = first + client.len() as u32;
    wire.send(SERVER, &server);
    (wire.pcap(), from as u64 + 20)
}

#[test]
fn of_overlapping_segments_the_first_is_shown() {
    let (bytes, place) = overlapping(200);
    let root = decode(&bytes);
    let stream = at(&root, ".tcp_connections[0].client.stream")
        .bytes()
        .unwrap();
    assert_eq!(
        stream[..],
        halves()[0][..],
        "byte {place} is that of the first segment"
    );
    // an edit of the stream is written to both; what it does not touch stays different
    let (again, new, _) = grown(&bytes);
    assert_eq!(at(&again, ".grpc_calls").len(), 4);
    accepted("overlap", &bytes, &new);
    let second = |root: &Node| {
        at(root, ".packets[5].packet.payload.payload")
            .bytes()
            .unwrap()
    };
    assert_eq!(second(&again)[20], second(&root)[20]);
}

#[test]
fn every_copy_changes_and_one_alone_is_a_contradiction() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let first = wire.next[CLIENT];
    wire.send(CLIENT, &client);
    wire.segment(CLIENT, first, wire.next[SERVER], ACK | PSH, b"", &client);
    wire.send(SERVER, &server);
    let bytes = wire.pcap();
    let (again, new, _) = grown(&bytes);
    let payload = |root: &Node, i: usize| {
        at(root, &format!(".packets[{i}].packet.payload.payload"))
            .bytes()
            .unwrap()
    };
    assert_eq!(payload(&again, 3), payload(&again, 5));
    accepted("copies", &bytes, &new);
    // the same bytes by a packet, and by a call
    let root = decode(&bytes);
    let edited = set(&root, ".grpc_calls[1].metadata[0].value", "r-7");
    let changed = encoded(&edited).to_bytes();
    let there = payload(&decode(&changed), 3);
    let path = ".packets[3].packet.payload.payload";
    let both = set(
        &set(&edited, path, Scalar::Bytes(there.clone())),
        ".packets[5].packet.payload.payload",
        Scalar::Bytes(there),
    );
    let other = set(&edited, path, Scalar::Bytes(vec![0; client.len()].into()));
    let e = encode(&other, &EncodeOptions::default())
        .err()
        .expect("a contradiction");
    names_both(e, path, ".grpc_calls[1].metadata[0].value");
    // a packet's payload is one field: to assign all of it is another edit than that of a part
    let e = encode(&both, &EncodeOptions::default())
        .err()
        .expect("a contradiction");
    names_both(e, path, ".grpc_calls[1].metadata[0].value");
}

/// A segment that was sent again begins or ends where it likes: in the middle of what is edited, too.
#[test]
fn what_was_sent_again_in_other_pieces_grows_and_shrinks() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let first = wire.next[CLIENT];
    // where the path lies in the stream
    let path = client.windows(8).position(|w| w == b"/demo.Gr").unwrap();
    wire.send(CLIENT, &client);
    let ack = wire.next[SERVER];
    for piece in [path - 5..path + 4, path + 2..path + 14] {
        let seq = first + piece.start as u32;
        wire.segment(CLIENT, seq, ack, ACK | PSH, b"", &client[piece]);
    }
    wire.send(SERVER, &server);
    wire.close();
    let bytes = wire.pcap();
    let root = decode(&bytes);
    let streams = |root: &Node| {
        ["client", "server"].map(|who| {
            let stream = at(root, &format!(".tcp_connections[0].{who}.stream"));
            stream.bytes().unwrap()
        })
    };
    // as it came without the repetitions
    let mut plain = Wire::new(Ip::V4, [1000, 9000]);
    plain.open();
    plain.send(CLIENT, &client);
    plain.send(SERVER, &server);
    plain.close();
    let plain = decode(&plain.pcap());
    for path in ["/a/b", "/demo.Greeter/Grown", &"/long".repeat(100)] {
        let new = encoded(&set(&root, PATH, path)).to_bytes();
        let again = decode(&new);
        assert_eq!(text(&at(&again, PATH)), path);
        let wanted = decode(&encoded(&set(&plain, PATH, path)).to_bytes());
        assert_eq!(streams(&again), streams(&wanted));
        accepted("again", &bytes, &new);
    }
}

/// The error of a contradiction names both paths.
fn names_both(error: impl std::fmt::Display, one: &str, other: &str) {
    let told = error.to_string();
    let paths = told.contains(one) && told.contains(other);
    assert!(paths && told.contains("both cover byte"), "{told}");
}

/// By a packet and by a call, to different values; of segments that overlap and differ, whichever is assigned.
#[test]
fn packets_and_calls_that_contradict_each_other() {
    // the differing byte is in the path
    let (overlap, place) = overlapping(95);
    let root = decode(&overlap);
    let stream = at(&root, ".tcp_connections[0].client.stream");
    let start = stream.ranges()[0].first_byte();
    let path = at(&root, PATH).ranges()[0];
    assert!((path.first_byte()..path.end_byte()).contains(&(start + place)));

    let sums = capture("sums.pcap");
    let payload = |i: u64| format!(".packets[{i}].packet.payload.payload");
    let bytes_of = |root: &Node, i| at(root, &payload(i)).bytes().unwrap();
    // the one that has the path, behind Ethernet
    let ether = |i: u64| format!(".packets[{i}].packet.payload.payload.payload");
    let root = decode(&sums);
    let path = at(&root, PATH).ranges()[0];
    let has = |i: &u64| {
        let range = at(&root, &ether(*i)).ranges()[0];
        (range.first_byte()..range.end_byte()).contains(&path.first_byte())
    };
    let packet = (3..).find(has).unwrap();
    for (bytes, packet) in [
        (&overlap, payload(3)),
        (&overlap, payload(5)),
        (&sums, ether(packet)),
    ] {
        let root = decode(bytes);
        let len = at(&root, &packet).bytes().unwrap().len();
        let edited = set(&root, &packet, Scalar::Bytes(vec![0; len].into()));
        let both = set(&edited, PATH, "/demo.Greeter/Other");
        let error = encode(&both, &EncodeOptions::default()).err();
        names_both(error.expect("a contradiction"), &packet, PATH);
    }
    // alone, the second of the overlapping segments changes nothing of what the first shows
    let root = decode(&overlap);
    let len = bytes_of(&root, 5).len();
    let edited = set(&root, &payload(5), Scalar::Bytes(vec![0; len].into()));
    let again = decode(&encoded(&edited).to_bytes());
    assert_eq!(bytes_of(&again, 5)[..], vec![0; len]);
    assert_eq!(bytes_of(&again, 3), bytes_of(&root, 3));
    assert_eq!(text(&at(&again, PATH)), text(&at(&root, PATH)));
}

#[test]
fn what_was_cut_off_by_the_snaplen_stays_cut_off() {
    let bytes = capture("grpc-snaplen.pcap");
    let root = decode(&bytes);
    let calls = at(&root, ".grpc_calls");
    let mut edits = 0;
    for i in 0..calls.len() {
        let path = format!(".grpc_calls[{i}].path");
        let known = calls
            .item(i)
            .unwrap()
            .field("path")
            .is_some_and(|p| p.actual().is_some());
        if !known {
            continue;
        }
        for value in ["/demo.Greeter/Other", "/demo.Greeter/MuchLonger", "/d.G/S"] {
            let Ok(out) = encode(&set(&root, &path, value), &EncodeOptions::default()) else {
                continue;
            };
            let new = out.to_bytes();
            let again = decode(&new);
            assert_eq!(text(&at(&again, &path)), value);
            let missing = |root: &Node| -> Vec<u64> {
                let packets = at(root, ".packets");
                let cut = |p: Node| {
                    int(&p.field("orig_len").unwrap()) - int(&p.field("incl_len").unwrap())
                };
                packets.items().map(cut).collect()
            };
            assert_eq!(missing(&again), missing(&root));
            accepted(&format!("snaplen-{i}"), &bytes, &new);
            edits += 1;
        }
    }
    assert!(edits >= 3, "{edits} edits");
}

#[test]
fn a_length_that_runs_past_its_block_leaves_the_padding_out() {
    let bytes = capture("grpc-unary.pcapng");
    let call = at(&decode(&bytes), ".grpc_calls[0].authority").ranges()[0];
    let packets: Vec<Node> = at(&decode(&bytes), ".packets").items().collect();
    let holds = |p: &Node| p.ranges()[0].start <= call.start && call.end() <= p.ranges()[0].end();
    let i = packets.iter().position(holds).unwrap();
    // all that the block has room for, what padded it included, is the packet now
    let length = packets[i].field("capture_packet_length").unwrap();
    let mut damaged = bytes.to_vec();
    damaged[length.offset() as usize + 2] = 1;
    let root = decode(&damaged.into());
    for value in ["a", "a.b", "a.bc", "a.bcd", "a.bcde", &"a".repeat(40)] {
        let edited = set(&root, ".grpc_calls[0].authority", value);
        let again = decode(&encoded(&edited).to_bytes());
        assert_eq!(text(&at(&again, ".grpc_calls[0].authority")), value);
        let trailer = |root: &Node| {
            let packet = at(root, &format!(".packets[{i}].packet"));
            packet.field("trailer").map(|t| t.bytes().unwrap())
        };
        assert_eq!(trailer(&again), trailer(&root), "{value}");
    }
}

#[test]
fn without_repairs_only_the_assigned_bytes_change() {
    let bytes = capture("sums.pcap");
    let root = decode(&bytes);
    let edited = set(&root, ".grpc_calls[1].metadata[0].value", "much longer");
    let out = encode(&edited, &EncodeOptions { no_fix: true }).unwrap();
    assert!(
        out.report
            .notes
            .iter()
            .all(|n| !matches!(n.did, binq_core::encode::Did::Recomputed { .. }))
    );
    let place = at(&root, ".grpc_calls[1].metadata[0].value").ranges();
    let [place] = place[..] else {
        panic!("{place:?}")
    };
    let (start, end) = (place.first_byte() as usize, place.end_byte() as usize);
    let new = out.to_bytes();
    assert_eq!(new[..start], bytes[..start]);
    assert!(new.ends_with(&bytes[end..]));
    assert!(new.len() > bytes.len());
}

#[test]
fn packets_come_and_go() {
    for name in ["sums.pcap", "grpc-unary.pcapng"] {
        let bytes = capture(name);
        let root = decode(&bytes);
        let count = at(&root, ".packets").len();
        let of = |root: &Node, i: u64| at(root, &format!(".packets[{i}]")).bytes().unwrap();
        // one that has a part of a stream: the rest has a gap then
        let edited = delete_item(&root, ".packets", 10);
        let new = encoded(&edited).to_bytes();
        let again = decode(&new);
        assert_eq!(at(&again, ".packets").len(), count - 1);
        assert_eq!(new.len(), bytes.len() - of(&root, 10).len());
        for i in 0..count - 1 {
            assert_eq!(
                of(&again, i),
                of(&root, i + u64::from(i >= 10)),
                "{name} {i}"
            );
        }
        assert!(int(&at(&again, ".tcp_connections[0].client.skipped_bytes")) > 0);
        // the call whose beginning is lost
        let lost = [
            "tcp.analysis.lost_segment",
            "tcp.analysis.ack_lost_segment",
            "_ws.malformed [\"[Dissector bug, protocol GRPC",
        ];
        accepted_but(name, &bytes, &new, &lost);
        // sent again, as a capture would have it
        let mut items: Vec<Plain> = at(&root, ".packets").items().map(Plain::Node).collect();
        items.push(Plain::Node(at(&root, ".packets[10]")));
        let new = encoded(&set_plain(&root, ".packets", Plain::Array(items))).to_bytes();
        let again = decode(&new);
        assert_eq!(at(&again, ".packets").len(), count + 1);
        assert_eq!(of(&again, count), of(&root, 10));
        assert_eq!(
            at(&again, ".tcp_connections[0].client.stream")
                .bytes()
                .unwrap(),
            at(&root, ".tcp_connections[0].client.stream")
                .bytes()
                .unwrap(),
        );
        accepted_but(
            name,
            &bytes,
            &new,
            &[
                "tcp.analysis.retransmission",
                "tcp.analysis.spurious_retransmission",
            ],
        );
        // an edit of another packet's stream goes with it: all but the removed one follow
        let edited = delete_item(&set(&root, PATH, LONGER), ".packets", count - 1);
        let new = encoded(&edited).to_bytes();
        let again = decode(&new);
        assert_eq!(text(&at(&again, PATH)), LONGER);
        assert_eq!(at(&again, ".packets").len(), count - 1);
        accepted(name, &bytes, &new);
        shows(name, &bytes, &new, "http2.headers.path", LONGER);
    }
}

/// RFC 9293 section 3.8.5: with URG, the pointer says where urgent data ends, from the sequence number on.
#[test]
fn the_urgent_pointer_moves_with_what_it_points_at() {
    const URG: u8 = 0x20;
    let mut wire = Wire::new(Ip::V4, [100, 200]);
    wire.open();
    let packet = wire.len();
    let request = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    let [seq, ack] = wire.next;
    wire.segment(CLIENT, seq, ack, ACK | PSH | URG, b"", request);
    wire.next[CLIENT] += request.len() as u32;
    wire.send(SERVER, b"HTTP/1.1 204 No Content\r\n\r\n");
    wire.close();
    let root = decode(&wire.pcap());
    let pointer = format!(".packets[{packet}].packet.payload.urgent_pointer");
    // behind the target, at its end, and before it
    for (was, is) in [
        (request.len() as u64, request.len() as u64 + 10),
        (6, 16),
        (4, 4),
        (0, 0),
    ] {
        let marked = encoded(&set(&root, &pointer, was)).to_bytes();
        let marked = decode(&marked);
        let target = ".streams[0].request.target";
        let new = encoded(&set(&marked, target, "/a/longer123")).to_bytes();
        let again = decode(&new);
        assert_eq!(text(&at(&again, target)), "/a/longer123");
        assert_eq!(int(&at(&again, &pointer)), is, "{was}");
        assert_eq!(again.findings().count(), 0);
    }
}
