//! Items of captures that move, come twice and go, in any mix: what is written is a sound TCP connection, and shows what was
//! assigned.
//!
//! The segments are put together here by their sequence numbers alone, which is another way than that of binq; and tshark
//! finds nothing new in them.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::oracle::{fields, has_tshark, written};
use crate::{at, capture, decode, int, set, set_plain};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar};
use binq_laws::Rng;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What one peer sent, put together from its segments.
#[derive(Debug, Default, PartialEq)]
struct Sent {
    bytes: Vec<u8>,
    /// The sizes of the holes, which are no bytes of `bytes`.
    holes: Vec<i64>,
    /// How many bytes came more than once.
    again: usize,
    /// Whether bytes came again as others.
    contradicts: bool,
    /// Whether the bytes begin after the SYN, and end at the FIN, as far as these are there.
    framed: bool,
}

/// A segment.
struct Segment {
    who: Ends,
    seq: u32,
    ack: u32,
    flags: [bool; 3],
    payload: Bytes,
}

/// All segments; nothing where some packet is a fragment.
fn segments(root: &Node) -> Option<Vec<Segment>> {
    let mut out = Vec::new();
    for packet in at(root, ".packets").items() {
        let mut layer = packet.field("packet")?;
        while layer.field("sequence_number").is_none() {
            if layer
                .field("more_fragments")
                .is_some_and(|m| m.scalar() == Scalar::Bool(true))
            {
                return None;
            }
            layer = layer.field("payload")?;
        }
        let number = |name: &str| int(&layer.field(name).unwrap());
        let flag = |name: &str| layer.field(name).unwrap().scalar() == Scalar::Bool(true);
        out.push(Segment {
            who: (number("source_port"), number("destination_port")),
            seq: number("sequence_number") as u32,
            ack: number("acknowledgment_number") as u32,
            flags: [flag("syn"), flag("fin"), flag("ack")],
            payload: layer.field("payload").unwrap().bytes().unwrap(),
        });
    }
    Some(out)
}

/// The ports of who sends, and of who is sent to.
type Ends = (u64, u64);

/// What each peer sent, and how many acknowledgments there are of what was not sent yet.
fn connection(root: &Node) -> Option<(BTreeMap<Ends, Sent>, usize)> {
    let all = segments(root)?;
    let mut peers: BTreeMap<Ends, Vec<&Segment>> = BTreeMap::new();
    let mut ends: BTreeMap<Ends, u32> = BTreeMap::new();
    let mut early = 0;
    for s in &all {
        peers.entry(s.who).or_default().push(s);
        let [syn, fin, ack] = s.flags;
        let end = s
            .seq
            .wrapping_add(s.payload.len() as u32 + u32::from(syn) + u32::from(fin));
        let last = ends.entry(s.who).or_insert(end);
        if end.wrapping_sub(*last) as i32 > 0 {
            *last = end;
        }
        let other = ends.get(&(s.who.1, s.who.0));
        early += usize::from(ack && other.is_some_and(|o| s.ack.wrapping_sub(*o) as i32 > 0));
    }
    let peers = peers
        .into_iter()
        .map(|(who, all)| (who, put_together(&all)));
    Some((peers.collect(), early))
}

fn put_together(all: &[&Segment]) -> Sent {
    let first = all[0].seq;
    let place = |s: &Segment| i64::from(s.seq.wrapping_sub(first) as i32) + i64::from(s.flags[0]);
    let mut data: Vec<_> = all.iter().filter(|s| !s.payload.is_empty()).collect();
    data.sort_by_key(|s| place(s));
    let mut out = Sent {
        framed: true,
        ..Sent::default()
    };
    let start = data.first().map_or(0, |s| place(s));
    let mut end = start;
    // where the bytes from a place on are in `bytes`
    let mut skipped = start;
    for s in &data {
        let at = place(s);
        if at > end {
            out.holes.push(at - end);
            skipped += at - end;
            end = at;
        }
        let known = (end - at).min(s.payload.len() as i64) as usize;
        let there = usize::try_from(at - skipped)
            .ok()
            .and_then(|i| out.bytes.get(i..i + known));
        out.contradicts |= there.is_some_and(|old| *old != s.payload[..known]);
        out.again += known;
        out.bytes.extend_from_slice(&s.payload[known..]);
        end += (s.payload.len() - known) as i64;
    }
    for s in all {
        let begins = !s.flags[0] || data.is_empty() || place(s) == start;
        let ends = !s.flags[1] || data.is_empty() || place(s) + s.payload.len() as i64 == end;
        out.framed &= begins && ends;
    }
    out
}

/// What tshark notices about the segments, by kind. A segment that gave all its bytes away is a bare ACK, and so perhaps a
/// doubled one; these are not counted.
fn noticed(bytes: &Bytes) -> BTreeMap<&'static str, usize> {
    let names = [
        "tcp.analysis.lost_segment",
        "tcp.analysis.ack_lost_segment",
        "tcp.analysis.out_of_order",
        "tcp.analysis.retransmission",
        "tcp.analysis.fast_retransmission",
        "tcp.analysis.spurious_retransmission",
        "tcp.analysis.reused_ports",
        "tcp.analysis.keep_alive",
    ];
    let file = written("moved.pcap", bytes);
    let mut out = BTreeMap::new();
    for row in fields(&file, None, &names) {
        for (name, cell) in names.iter().zip(row) {
            *out.entry(*name).or_default() += cell.len();
        }
    }
    std::fs::remove_file(file).unwrap();
    out
}

/// What an item shows: the texts and bytes of its fields that have a name of their own to the reader.
fn shown(item: &Node) -> Vec<Option<Bytes>> {
    let part = |name: &str| {
        item.field(name).and_then(|f| {
            f.bytes()
                .ok()
                .or_else(|| Some(f.scalar().as_bytes()?.to_vec().into()))
        })
    };
    let value = |name: &str| {
        item.field(name)
            .and_then(|f| Some(f.scalar().as_bytes()?.to_vec().into()))
    };
    match item.field("name") {
        Some(_) => vec![value("name"), value("value")],
        None => vec![part("message")],
    }
}

/// A random mix of the items of an array.
fn mixed(items: &[Node], rng: &mut Rng) -> Vec<Node> {
    let mut all = items.to_vec();
    for _ in 0..=rng.below(2) {
        let n = all.len() as u64;
        match rng.below(6) {
            0 => all.reverse(),
            1 if n > 0 => all.rotate_left(rng.below(n) as usize),
            2 if n < 200 => all.extend(all.clone()),
            3 if n > 0 => {
                let from = rng.below(n) as usize;
                let to = from + rng.below(n - from as u64 + 1) as usize;
                all.drain(from..to);
            }
            4 if n > 0 => {
                let item = all[rng.below(n) as usize].clone();
                all.insert(rng.below(n + 1) as usize, item);
            }
            5 if n > 0 => all.swap(rng.below(n) as usize, rng.below(n) as usize),
            _ => {}
        }
    }
    all
}

/// The arrays of a capture that are mixed.
fn arrays(root: &Node) -> Vec<String> {
    let mut out = Vec::new();
    for (list, parts) in [
        ("grpc_calls", &["requests", "responses", "metadata"][..]),
        ("streams", &["request.headers", "response.headers"]),
    ] {
        for i in 0..at(root, &format!(".{list}")).len() {
            for part in parts {
                let path = format!(".{list}[{i}].{part}");
                let there = binq_laws::follow(root, &binq_laws::parse(&path));
                if there.is_some_and(|node| node.len() > 1) {
                    out.push(path);
                }
            }
        }
    }
    out
}

/// A client that sends 60 header fields in segments of this size, some of them again in other pieces.
fn headers(size: usize, again: bool) -> Bytes {
    let mut request = "GET / HTTP/1.1\r\nHost: here\r\n".to_owned();
    for i in 0..60 {
        request += &format!("x-{}: {}\r\n", i, "v".repeat(i % 7));
    }
    request += "\r\n";
    let mut wire = Wire::new(Ip::V4, [1000, u32::MAX - 40]);
    wire.open();
    for (i, part) in request.as_bytes().chunks(size).enumerate() {
        wire.send(CLIENT, part);
        if again && i % 3 == 2 {
            // the last one and a half segments once more
            let half = size + size / 2;
            let from = (i * size + part.len()).saturating_sub(half);
            let bytes = &request.as_bytes()[from..i * size + part.len()];
            let seq = wire.next[CLIENT].wrapping_sub(bytes.len() as u32);
            let ack = wire.next[SERVER];
            wire.segment(CLIENT, seq, ack, crate::craft::ACK, b"", bytes);
        }
    }
    wire.send(
        SERVER,
        b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\nC: d\r\n\r\nok",
    );
    wire.close();
    wire.pcap()
}

/// The edit is written as a sound connection; the capture as it is then.
fn sound(what: &str, before: &Bytes, edited: &Node) -> Option<Bytes> {
    let root = decode(before);
    let new = encode(edited, &EncodeOptions::default()).ok()?.to_bytes();
    let again = decode(&new);
    if let Some((was, early)) = connection(&root) {
        let (is, early_now) = connection(&again).expect("segments as before");
        assert_eq!(
            early_now, early,
            "{what}: acknowledgments of what was not sent yet"
        );
        for (who, is) in &is {
            let was = &was[who];
            assert_eq!(is.holes, was.holes, "{what}: holes of {who:?}");
            assert_eq!(
                is.framed, was.framed,
                "{what}: beginning and end of {who:?}"
            );
            assert_eq!(
                is.contradicts, was.contradicts,
                "{what}: bytes again of {who:?}"
            );
            assert!(
                is.again == 0 || was.again > 0,
                "{what}: {} bytes of {who:?} again",
                is.again
            );
        }
    }
    Some(new)
}

#[test]
fn items_move_and_the_connection_is_sound() {
    let oracle = has_tshark();
    let mut captures: Vec<(String, Bytes)> = [
        "grpc-streaming.pcap",
        "grpc-unary.pcap",
        "reordered.pcap",
        "sums.pcap",
        "wrap.pcap",
        "fragments.pcap",
        "grpc-gzip.pcap",
        "grpc-unary.pcapng",
        "lost.pcap",
        "grpcweb-http1.pcap",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), capture(name)))
    .collect();
    for (size, again) in [(20, false), (33, true), (100, true), (1000, false)] {
        let name = format!("headers in {size}, {again}");
        captures.push((name, headers(size, again)));
    }
    let mut rng = Rng::new(27);
    let (mut tried, mut written) = (0, 0);
    for (name, bytes) in &captures {
        let root = decode(bytes);
        let paths = arrays(&root);
        let before = oracle.then(|| noticed(bytes));
        for _ in 0..12 {
            let path = &paths[rng.below(paths.len() as u64) as usize];
            let items: Vec<Node> = at(&root, path).items().collect();
            let items = mixed(&items, &mut rng);
            let what = format!("{name} {path} of {} items", items.len());
            let wanted: Vec<_> = items.iter().map(shown).collect();
            let plain = items.into_iter().map(Plain::Node).collect();
            tried += 1;
            let edited = set_plain(&root, path, Plain::Array(plain));
            let Some(new) = sound(&what, bytes, &edited) else {
                continue;
            };
            written += 1;
            // without a name, a call is another one
            let Some(now) = binq_laws::follow(&decode(&new), &binq_laws::parse(path)) else {
                continue;
            };
            let now: Vec<_> = now.items().map(|i| shown(&i)).collect();
            assert_eq!(now, wanted, "{what}");
            if let Some(before) = before.as_ref().filter(|_| tried % 6 == 0) {
                let now = noticed(&new);
                let more = now.iter().find(|(kind, n)| **n > before[*kind]);
                assert_eq!(more, None, "{what}");
            }
        }
    }
    assert!(
        written * 10 >= tried * 9,
        "{written} of {tried} were written"
    );
}

#[test]
fn slices_of_a_stream_change_and_the_connection_is_sound() {
    let mut rng = Rng::new(28);
    for round in 0..60 {
        let text: Vec<u8> = (0..400).map(|i| b'a' + (i * 7 % 26) as u8).collect();
        let mut wire = Wire::new(Ip::V4, [u32::MAX - 100, 7]);
        wire.open();
        let mut sent = 0;
        while sent < text.len() {
            let len = (1 + rng.below(60) as usize).min(text.len() - sent);
            wire.send(CLIENT, &text[sent..sent + len]);
            sent += len;
            if rng.one_in(3) {
                let len = (1 + rng.below(80) as usize).min(sent);
                let seq = wire.next[CLIENT].wrapping_sub(len as u32);
                let ack = wire.next[SERVER];
                wire.segment(
                    CLIENT,
                    seq,
                    ack,
                    crate::craft::ACK,
                    b"",
                    &text[sent - len..sent],
                );
            }
        }
        wire.close();
        let bytes = wire.pcap();
        let root = decode(&bytes);
        let mut new = text.clone();
        for _ in 0..1 + rng.below(4) {
            let from = rng.below(new.len() as u64 + 1) as usize;
            let to = from + rng.below((new.len() - from) as u64 + 1).min(90) as usize;
            let part: Vec<u8> = (0..rng.below(70)).map(|i| b'0' + (i % 10) as u8).collect();
            new.splice(from..to, part);
        }
        let path = ".tcp_connections[0].client.stream";
        let edited = set(&root, path, Scalar::Bytes(new.clone().into()));
        let what = format!("round {round}");
        let out = sound(&what, &bytes, &edited).expect("a stream can be assigned");
        let again = decode(&out);
        assert_eq!(at(&again, path).bytes().unwrap(), new, "{what}");
        let (sent, _) = connection(&again).unwrap();
        assert_eq!(sent[&(40_000, 80)].bytes, new, "{what}");
    }
}
