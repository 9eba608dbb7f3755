//! Edits of datagrams that travel in several IP fragments.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, Wire, as_pcapng};
use crate::edits::{accepted, meaning, shown};
use crate::oracle::{fields, has_tshark, written};
use crate::transport::halves;
use crate::{at, capture, decode, delete_item, encoded, int, set, text};
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::{Node, Scalar};
use bytes::Bytes;

type Arrive = fn(&mut Vec<Vec<u8>>);

/// In order, in another one, and the last one first.
const ARRIVE: [Arrive; 3] = [
    |_| (),
    |parts| {
        let half = parts.len() / 2;
        parts.rotate_left(half);
    },
    |parts| parts.reverse(),
];

/// A capture where each segment of the client with data comes in fragments of `most` bytes.
fn fragmented(ip: Ip, most: usize, arrive: Arrive) -> Bytes {
    let [client, server] = halves();
    let mut wire = Wire::new(ip, [1000, 9000]);
    wire.open();
    let mut sent = Vec::new();
    for part in client.chunks(330) {
        sent.push(wire.len());
        wire.send(CLIENT, part);
    }
    wire.send(SERVER, &server);
    wire.close();
    for i in sent.into_iter().rev() {
        wire.fragment(i, most, arrive);
    }
    wire.pcap()
}

/// The IP packet in a packet, with a link header or without.
pub(crate) fn ip_of(packet: &Node) -> Node {
    let packet = packet.field("packet").unwrap();
    match packet.field("ether_type") {
        Some(_) => packet.field("payload").unwrap(),
        None => packet,
    }
}

/// The fragments of each datagram, in order of their places: offset in bytes, whether more come, bytes.
pub(crate) fn fragments(root: &Node) -> Vec<Vec<(u64, bool, u64)>> {
    let mut all: Vec<(Vec<u8>, Vec<_>)> = Vec::new();
    for packet in at(root, ".packets").items() {
        let ip = ip_of(&packet);
        let header = match ip.field("extensions") {
            Some(list) => list.items().find(|h| h.field("fragment_offset").is_some()),
            None => Some(ip.clone()),
        };
        let Some(header) = header.filter(|_| ip.field("payload").is_some()) else {
            continue;
        };
        let offset = int(&header.field("fragment_offset").unwrap()) * 8;
        let more = header.field("more_fragments").unwrap().scalar() == Scalar::Bool(true);
        if offset == 0 && !more {
            continue;
        }
        let source = text(&ip.field("source_ip").unwrap());
        let id = int(&header.field("identification").unwrap());
        let key = format!("{source} {id}").into_bytes();
        let end = ip.field("payload").unwrap().span().end();
        // options that come after the fragment header of IPv6 are in the fragment
        let from = match ip.field("extensions") {
            Some(_) => header.span().end(),
            None => ip.field("payload").unwrap().span().start,
        };
        let len = (end - from) / 8;
        let part = (offset, more, len);
        match all.iter_mut().find(|(k, _)| *k == key) {
            Some((_, parts)) => parts.push(part),
            None => all.push((key, vec![part])),
        }
    }
    let sorted = |mut parts: Vec<_>| {
        parts.sort_unstable();
        parts
    };
    all.into_iter().map(|(_, parts)| sorted(parts)).collect()
}

/// Each datagram is whole, in fragments of at most `most` bytes that follow each other.
pub(crate) fn are_sound(root: &Node, most: u64) {
    for parts in fragments(root) {
        let mut next = 0;
        for (i, (offset, more, len)) in parts.iter().enumerate() {
            assert_eq!(*offset, next, "{parts:?}");
            assert_eq!(*more, i + 1 < parts.len(), "{parts:?}");
            assert!(
                (1..=most).contains(len) && (!more || len % 8 == 0),
                "{parts:?}"
            );
            next += len;
        }
    }
    for packet in at(root, ".packets").items() {
        let sum = ip_of(&packet).field("header_checksum");
        let verdict = sum.map_or_else(|| "valid".into(), |s| s.description().unwrap());
        assert_eq!(verdict, "valid", "{}", packet.path_text());
    }
}

fn message(call: u64) -> String {
    format!(".grpc_calls[{call}].requests[0].message")
}

/// The capture after an edit of a message, which is there, and changed nothing else.
fn with_message(bytes: &Bytes, call: u64, new: &[u8]) -> Bytes {
    let root = decode(bytes);
    let edited = set(&root, &message(call), Scalar::Bytes(new.to_vec().into()));
    let out = encoded(&edited).to_bytes();
    let again = decode(&out);
    let read = at(&again, &message(call)).bytes().unwrap();
    assert!(read == new, "call {call}: {} bytes", read.len());
    let (old, now) = (meaning(&root), meaning(&again));
    let changed = old.iter().zip(&now).filter(|(a, b)| a != b).count();
    assert_eq!((now.len(), changed), (old.len(), 1), "call {call}");
    for who in ["client", "server"] {
        let end = at(&again, &format!(".tcp_connections[0].{who}.has_end"));
        assert_eq!(end.scalar(), Scalar::Bool(true));
    }
    out
}

/// A message of so many bytes: one text, in field 1.
fn greeting(len: usize) -> Vec<u8> {
    let text = match len {
        0 => return Vec::new(),
        // its length takes a second byte
        130.. => len - 3,
        _ => len - 2,
    };
    let mut out = vec![10];
    match len {
        130.. => out.extend([text as u8 | 0x80, (text >> 7) as u8]),
        _ => out.push(text as u8),
    }
    out.extend((0..text).map(|i| b'a' + (i % 23) as u8));
    out
}

#[test]
fn a_message_of_any_size_anywhere_in_the_fragments() {
    let mut turn = 0;
    for ip in [Ip::V4, Ip::V6Extended] {
        // the smallest there can be, where TCP's header is in three, and others
        for most in [8, 48, 200] {
            for arrive in ARRIVE {
                let bytes = fragmented(ip, most, arrive);
                let root = decode(&bytes);
                assert_eq!(at(&root, ".grpc_calls").len(), 4);
                are_sound(&root, most as u64);
                for call in 0..3 {
                    let old = at(&root, &message(call)).bytes().unwrap();
                    for len in [old.len() + 1, old.len() + 7, old.len() + 900, 5000, 2, 0] {
                        let new = greeting(len);
                        let out = with_message(&bytes, call, &new);
                        are_sound(&decode(&out), most as u64);
                        turn += 1;
                        // tshark looks at some of each kind
                        if turn % 23 == 0 {
                            let name = format!("fragments-{most}-{call}-{len}");
                            accepted(&name, &bytes, &out);
                            if has_tshark() && len > 0 {
                                let hex: String = new.iter().map(|b| format!("{b:02x}")).collect();
                                let data = shown(&name, &out, "http2.data.data").concat();
                                assert!(data.contains(&hex), "{name}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_path_in_the_first_fragment_and_in_pcapng() {
    let crafted = fragmented(Ip::V6Extended, 104, ARRIVE[1]);
    for (name, bytes, most) in [
        ("sample", capture("fragments.pcap"), 160),
        ("v4", fragmented(Ip::V4, 104, ARRIVE[2]), 104),
        ("pcapng", as_pcapng(&crafted), 104),
        ("v6", crafted, 104),
    ] {
        let root = decode(&bytes);
        let long = format!("/demo.Greeter/{}", "Long".repeat(100));
        for path in [
            "/demo.Greeter/GreetWithALongName",
            "/demo.Greeter/Gree",
            "/d",
            &long,
        ] {
            let out = encoded(&set(&root, ".grpc_calls[0].path", path)).to_bytes();
            let again = decode(&out);
            assert_eq!(text(&at(&again, ".grpc_calls[0].path")), path, "{name}");
            assert_eq!(meaning(&again).len(), meaning(&root).len());
            are_sound(&again, most);
            accepted(&format!("path-{name}"), &bytes, &out);
            if has_tshark() {
                let paths = shown(name, &out, "http2.headers.path");
                assert_eq!(paths.iter().filter(|p| *p == path).count(), 1, "{paths:?}");
            }
        }
    }
}

#[test]
fn a_segment_that_was_sent_again_in_fragments() {
    let [client, server] = halves();
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let first = wire.next[CLIENT];
    wire.send(CLIENT, &client);
    wire.segment(CLIENT, first, wire.next[SERVER], ACK | PSH, b"", &client);
    wire.send(SERVER, &server);
    wire.close();
    wire.fragment(5, 104, ARRIVE[2]);
    wire.fragment(3, 104, ARRIVE[0]);
    let bytes = wire.pcap();
    for len in [20, 41, 400] {
        let out = with_message(&bytes, 1, &greeting(len));
        are_sound(&decode(&out), 104);
        let sizes = fragments(&decode(&out));
        assert_eq!(sizes[0], sizes[1]);
        accepted("again", &bytes, &out);
    }
}

#[test]
fn a_message_is_removed_with_its_fragments() {
    for ip in [Ip::V4, Ip::V6Extended] {
        let bytes = fragmented(ip, 24, ARRIVE[0]);
        let root = decode(&bytes);
        for call in 0..3 {
            let edited = delete_item(&root, &format!(".grpc_calls[{call}].requests"), 0);
            let out = encoded(&edited).to_bytes();
            let again = decode(&out);
            assert_eq!(
                at(&again, &format!(".grpc_calls[{call}].requests")).len(),
                0
            );
            assert!(at(&again, ".packets").len() < at(&root, ".packets").len());
            are_sound(&again, 24);
            accepted("removed", &bytes, &out);
        }
    }
}

/// A hundred bytes of no protocol: 20 of header and 28, then 48, then 24, in packets 3 to 5.
fn plain(repeat: Option<usize>) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    let text: Vec<u8> = (0..100).map(|i| b'A' + i % 26).collect();
    wire.send(CLIENT, &text);
    wire.send(SERVER, b"more");
    wire.close();
    wire.fragment(3, 48, |_| ());
    if let Some(i) = repeat {
        wire.again(i);
    }
    wire.pcap()
}

const STREAM: &str = ".tcp_connections[0].client.stream";

fn payload(i: u64) -> String {
    let tcp = if i == 3 { ".payload" } else { "" };
    format!(".packets[{i}].packet.payload{tcp}")
}

fn bytes_of(len: usize) -> Scalar {
    Scalar::Bytes((0..len).map(|i| b'a' + (i % 26) as u8).collect())
}

#[test]
fn a_payload_that_is_assigned_stays_in_its_fragment() {
    let bytes = plain(None);
    let root = decode(&bytes);
    for (i, len, sizes) in [
        (3, 36, vec![56, 48, 24]),
        (3, 4, vec![24, 48, 24]),
        (4, 56, vec![48, 56, 24]),
        (4, 8, vec![48, 8, 24]),
        (5, 25, vec![48, 48, 25]),
        (5, 7, vec![48, 48, 7]),
        (5, 700, vec![48, 48, 700]),
    ] {
        let new = bytes_of(len);
        let out = encoded(&set(&root, &payload(i), new.clone())).to_bytes();
        let again = decode(&out);
        assert_eq!(at(&again, &payload(i)).scalar(), new);
        for other in (3..6).filter(|k| *k != i) {
            let there = |root: &Node| at(root, &payload(other)).bytes().unwrap();
            assert_eq!(there(&again), there(&root), "{i} {len}");
        }
        let now: Vec<_> = fragments(&again)[0].iter().map(|p| p.2).collect();
        assert_eq!(now, sizes);
        are_sound(&again, 1000);
        accepted("assigned-payload", &bytes, &out);
    }
    // those around it take the difference: what is before the second cannot, what is after it can
    let edited = set(&root, &payload(4), bytes_of(48));
    let last = set(&edited, &payload(5), bytes_of(3));
    let again = decode(&encoded(&last).to_bytes());
    assert_eq!(at(&again, &payload(4)).scalar(), bytes_of(48));
    let first = set(&edited, &payload(3), bytes_of(29));
    for edited in [first, set(&root, &payload(4), bytes_of(49))] {
        let e = encode(&edited, &EncodeOptions::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            e.contains("a multiple of 8 bytes") && e.contains("not 49"),
            "{e}"
        );
        // literally, it is written
        let out = encode(&edited, &EncodeOptions { no_fix: true }).unwrap();
        assert_eq!(out.len(), bytes.len() as u64 + 1);
    }
    let e = encode(
        &set(&root, &payload(5), bytes_of(66_000)),
        &EncodeOptions::default(),
    );
    let e = e.err().unwrap().to_string();
    assert!(
        e.contains("outgrows the 65535 bytes of IP by 581 bytes"),
        "{e}"
    );
}

#[test]
fn what_is_assigned_stays_wrong_in_fragments() {
    let bytes = plain(None);
    let root = decode(&bytes);
    for len in [107, 250, 1, 3000] {
        let edited = set(&root, STREAM, bytes_of(len));
        let out = encoded(&edited);
        accepted("stream", &bytes, &out.to_bytes());
        let again = decode(&out.to_bytes());
        assert_eq!(at(&again, STREAM).scalar(), bytes_of(len));
        are_sound(&again, 48);
        let recomputed = |n: &&binq_core::encode::Note| matches!(n.did, Did::Recomputed { .. });
        let notes: Vec<_> = out.report.notes.iter().filter(recomputed).collect();
        assert!(notes.iter().any(|n| n.path.ends_with(".more_fragments")) || len == 107);
        for note in notes {
            let Did::Recomputed { from, .. } = &note.did else {
                unreachable!()
            };
            let out = encoded(&set(&edited, &note.path, from.clone()));
            let left = |n: &&binq_core::encode::Note| n.path == note.path;
            let left = out.report.notes.iter().find(left).expect("a note");
            assert!(
                matches!(&left.did, Did::LeftWrong { is, .. } if is == from),
                "{note}"
            );
        }
        // a segment that goes on in others does not say that this is all
        let psh = at(&again, ".packets[3].packet.payload.psh").scalar();
        assert_eq!(psh, Scalar::Bool(len < 3000));
        // another value than it had, which is not what would be right
        let edited = set(
            &edited,
            ".packets[3].packet.fragment_offset",
            Scalar::Int(77),
        );
        let again = decode(&encoded(&edited).to_bytes());
        assert_eq!(int(&at(&again, ".packets[3].packet.fragment_offset")), 77);
        // nothing but the value, if nothing is to follow
        let edited = set(&root, STREAM, bytes_of(len));
        let out = encode(&edited, &EncodeOptions { no_fix: true }).unwrap();
        assert_eq!(out.len(), bytes.len() as u64 + len as u64 - 100);
    }
}

#[test]
fn what_cannot_be_done_in_fragments_is_told() {
    let refused = |root: &Node, why: &str| {
        let e = encode(root, &EncodeOptions::default())
            .err()
            .expect("an error");
        assert!(e.to_string().contains(why), "{e}");
    };
    // one that was captured twice, before the others and after them
    for repeat in [3, 5] {
        let bytes = plain(Some(repeat));
        let root = decode(&bytes);
        refused(
            &set(&root, STREAM, bytes_of(101)),
            "captured twice or overlaps another",
        );
        let out = encoded(&set(&root, STREAM, bytes_of(100)));
        assert_eq!(at(&decode(&out.to_bytes()), STREAM).scalar(), bytes_of(100));
    }
    let root = decode(&plain(None));
    // nothing is left for a packet in which something was assigned
    let short = set(&root, STREAM, bytes_of(20));
    let assigned = set(&short, ".packets[5].packet.ttl", Scalar::Int(3));
    refused(&assigned, ".packets[5]: nothing is left for this fragment");
    let kept = set(&short, ".packets[5].packet.ttl", Scalar::Int(64));
    refused(&kept, ".packets[5]: nothing is left for this fragment");
    // a packet is removed that has changes, and one that others' bytes move through
    let edited = set(&root, STREAM, bytes_of(107));
    refused(&delete_item(&edited, ".packets", 5), "both cover byte");
    let root = decode(&fragmented(Ip::V4, 104, ARRIVE[0]));
    let edited = set(&root, ".grpc_calls[0].path", "/demo.Greeter/GreetMore");
    refused(&delete_item(&edited, ".packets", 4), "both cover byte");
    // where nothing moves, the other packets follow
    let edited = set(
        &root,
        ".grpc_calls[0].responses[0].message",
        Scalar::Bytes(greeting(90).into()),
    );
    let count = at(&root, ".packets").len();
    let out = encoded(&delete_item(&edited, ".packets", 4)).to_bytes();
    assert_eq!(at(&decode(&out), ".packets").len(), count - 1);
}

#[test]
fn udp_in_fragments_follows() {
    for (ip, arrive) in [(Ip::V4, ARRIVE[1]), (Ip::V6Extended, ARRIVE[2])] {
        {
            let mut wire = Wire::new(ip, [0, 0]);
            let question: Vec<u8> = (0..100).collect();
            wire.datagram(CLIENT, &question);
            wire.datagram(SERVER, b"answer");
            wire.fragment(0, 48, arrive);
            let bytes = wire.pcap();
            let root = decode(&bytes);
            for i in 0..3 {
                let ip = at(&root, &format!(".packets[{i}].packet"));
                let is_first = ip.field("payload").unwrap().field("length").is_some();
                let path = format!(
                    ".packets[{i}].packet.payload{}",
                    if is_first { ".payload" } else { "" }
                );
                let old = at(&root, &path).bytes().unwrap().len();
                let sizes = if old == 12 {
                    [1, 13, 400]
                } else {
                    [old - 8, old, old + 80]
                };
                for len in sizes {
                    let out = encoded(&set(&root, &path, bytes_of(len))).to_bytes();
                    let again = decode(&out);
                    assert_eq!(at(&again, &path).bytes().unwrap().len(), len);
                    if has_tshark() {
                        let names = ["udp.length", "udp.checksum.status", "_ws.malformed"];
                        let rows = fields(&written("udp-fragments.pcap", &out), None, &names);
                        let first = rows.iter().find(|r| !r[0].is_empty()).unwrap();
                        let total = (108 + len - old).to_string();
                        assert_eq!(
                            first,
                            &[vec![total], vec!["1".to_owned()], vec![]],
                            "{i} {len}"
                        );
                    }
                }
            }
        }
    }
}
