//! What is lost is told once, on the node that has the bytes, however many views there are of them.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::{captures, decode};
use binq_core::{Fault, Node, Severity};
use binq_laws::Rng;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The words for bytes that are lost.
const LOST: [&str; 3] = [
    "that the capture lost",
    "missing from the input",
    "the rest is not there",
];

fn losses(root: &Node) -> Vec<Fault> {
    let all = root.findings();
    let is_lost = |f: &Fault| LOST.iter().any(|words| f.found.ends_with(words));
    all.filter(is_lost).collect()
}

/// A connection of which these bytes of the stream of a peer are lost: from, to.
fn lost(who: usize, sent: [&[u8]; 2], from: usize, to: usize) -> Node {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    for side in [CLIENT, SERVER] {
        match side == who {
            true => {
                wire.send(side, &sent[side][..from]);
                wire.next[side] += (to - from) as u32;
                wire.send(side, &sent[side][to..]);
            }
            false => wire.send(side, sent[side]),
        }
    }
    wire.close();
    decode(&wire.pcap())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A call whose request has a message of 40 bytes, in a DATA frame of 45.
fn call() -> [Vec<u8>; 2] {
    let literal = |name: &str, value: &str| {
        let text = |s: &str| [&[s.len() as u8], s.as_bytes()].concat();
        [vec![0], text(name), text(value)].concat()
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let kind = literal("content-type", "application/grpc");
    let head = [&[0x83, 0x86], &literal(":path", "/s/m")[..], &kind[..]].concat();
    let message = [&[0, 0, 0, 0, 40], &[b'x'; 40][..]].concat();
    let sent = [
        &preface[..],
        &frame(4, 0, 0, b""),
        &frame(1, 4, 1, &head),
        &frame(0, 1, 1, &message),
        &frame(8, 0, 0, &[0, 0, 1, 0]),
    ];
    let received = [
        frame(4, 0, 0, b""),
        frame(1, 4, 1, &[&[0x88], &kind[..]].concat()),
        frame(1, 5, 1, &literal("grpc-status", "0")),
    ];
    [sent.concat(), received.concat()]
}

const STREAM: &str = ".tcp_connections[0].client.stream";

#[test]
fn it_is_told_where_the_bytes_are() {
    let [sent, received] = call();
    let both = [&sent[..], &received[..]];
    let end = sent.len();
    for (from, to, path) in [
        // within the message, in the header block, and in the window update
        (end - 40, end - 20, "frames[2].payload.data"),
        (60, 70, "frames[1].payload"),
        (end - 3, end - 1, "frames[3].payload.window_size_increment"),
        // from within the message to within the frame after it
        (end - 20, end - 8, "frames[2].payload.data"),
    ] {
        let found = losses(&lost(CLIENT, both, from, to));
        let paths: Vec<_> = found.iter().map(|f| f.path.clone()).collect();
        assert_eq!(paths, [format!("{STREAM}.{path}")], "{from} to {to}");
        assert_eq!(found[0].severity, Severity::Odd);
    }
}

#[test]
fn a_body_tells_it_where_its_bytes_are() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let whole = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789";
    let chunks =
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\na\r\n0123456789\r\n0\r\n\r\n";
    for (sent, before, path) in [
        (&whole[..], 10, "requests[0].body"),
        (&chunks[..], 12, "requests[0].chunks[1].data"),
    ] {
        let at = sent.len() - before;
        let found = losses(&lost(CLIENT, [sent, answer], at, at + 3));
        let paths: Vec<_> = found.iter().map(|f| f.path.clone()).collect();
        assert_eq!(paths, [format!("{STREAM}.{path}")]);
    }
}

/// The records of a pcap file, of which some are cut or gone; `keep` says how many bytes are there.
fn cut(pcap: &Bytes, mut keep: impl FnMut(usize, usize) -> Option<usize>) -> Option<Bytes> {
    let little = *pcap.first()? == 0xd4;
    let number = |b: &[u8]| {
        let b: [u8; 4] = b.try_into().unwrap();
        if little {
            u32::from_le_bytes(b)
        } else {
            u32::from_be_bytes(b)
        }
    };
    let mut out = pcap.get(..24)?.to_vec();
    let mut rest = &pcap[24..];
    let mut i = 0;
    while let Some((head, after)) = rest.split_at_checked(16) {
        let (packet, after) = after.split_at(number(&head[8..12]) as usize);
        if let Some(len) = keep(i, packet.len()) {
            let n = len as u32;
            out.extend(&head[..8]);
            out.extend(if little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            });
            out.extend(&head[12..]);
            out.extend(&packet[..len]);
        }
        (rest, i) = (after, i + 1);
    }
    Some(out.into())
}

#[test]
fn nothing_is_told_twice_of_a_sample_that_is_cut() {
    let mut rng = Rng::new(9113);
    let (mut tried, mut told) = (0, 0);
    for (name, bytes) in captures() {
        if name.ends_with("pcapng") {
            continue;
        }
        let mut count = 0;
        cut(&bytes, |_, len| {
            count += 1;
            Some(len)
        });
        for _ in 0..6 {
            let which = rng.below(count);
            // gone, or the end of it is
            let left = (!rng.one_in(3)).then(|| 54 + rng.below(200) as usize);
            let short = cut(&bytes, |i, len| match i as u64 == which {
                true => left.map(|left| len.min(left)),
                false => Some(len),
            });
            let root = decode(&short.unwrap());
            let mut at: BTreeMap<Option<u64>, Vec<String>> = BTreeMap::new();
            for found in losses(&root) {
                at.entry(found.offset).or_default().push(found.path);
            }
            let twice: Vec<_> = at.iter().filter(|(_, paths)| paths.len() > 1).collect();
            assert!(twice.is_empty(), "{name}, packet {which}: {twice:?}");
            tried += 1;
            told += at.len();
        }
    }
    assert!(told > tried / 2, "{told} of {tried}");
}
