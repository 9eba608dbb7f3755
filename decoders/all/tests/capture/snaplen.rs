//! The limit of a capture for its packets: a reader that makes room for no more cuts a packet that is longer.

use crate::craft::{CLIENT, Ip, SERVER, Wire, as_pcapng};
use crate::{at, decode, encoded, insert_plain, int, set};
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar, Severity};
use bytes::Bytes;

const TARGET: &str = ".streams[0].request.target";

fn spoken() -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    wire.send(CLIENT, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire.close();
    wire.pcap()
}

/// The longest packet of it.
const LONGEST: u32 = 20 + 20 + 40;

/// The same with another limit; `place` is that of the field.
fn limited(bytes: &Bytes, place: usize, snaplen: u32) -> Bytes {
    let mut out = bytes.to_vec();
    out[place..place + 4].copy_from_slice(&snaplen.to_le_bytes());
    out.into()
}

/// Both kinds of file: with this limit, and the path of the field.
fn both(snaplen: u32) -> [(Bytes, &'static str, &'static str); 2] {
    let pcap = spoken();
    [
        (limited(&pcap, 16, snaplen), ".snaplen", "incl_len"),
        (
            limited(&as_pcapng(&pcap), 28 + 12, snaplen),
            ".blocks[1].snap_len",
            "capture_packet_length",
        ),
    ]
}

/// The longest packet that a file has, as its fields say.
fn longest(root: &Node, field: &str) -> u64 {
    let packets = at(root, ".packets");
    let all = packets.items().map(|p| int(&p.field(field).unwrap()));
    all.max().unwrap()
}

fn beyond(root: &Node) -> Vec<(String, Severity)> {
    let all = root.findings();
    let all = all.filter(|f| f.expected.contains("snaplen"));
    all.map(|f| (f.path, f.severity)).collect()
}

#[test]
fn a_packet_that_outgrows_the_limit_raises_it() {
    for (bytes, path, field) in both(LONGEST) {
        let root = decode(&bytes);
        assert_eq!(longest(&root, field), LONGEST.into(), "{path}");
        assert_eq!(beyond(&root), []);
        for len in [1, 14, 15, 400, 3000] {
            let target = format!("/{}", "x".repeat(len));
            let out = encoded(&set(&root, TARGET, &target[..]));
            let again = decode(&out.to_bytes());
            assert_eq!(at(&again, TARGET).scalar(), target[..].into());
            let longest = longest(&again, field);
            let right = longest.max(LONGEST.into());
            assert_eq!(int(&at(&again, path)), right, "{path} {len}");
            assert_eq!(beyond(&again), [], "{path} {len}");
            // it is told
            let told = out.report.notes.iter().filter(|n| n.path == path);
            let told: Vec<_> = told.map(|n| n.did.clone()).collect();
            match right > LONGEST.into() {
                false => assert!(told.is_empty(), "{told:?}"),
                true => assert!(
                    matches!(&told[..], [Did::Recomputed { from, to }]
                        if *from == u64::from(LONGEST).into() && *to == right.into()),
                    "{told:?}"
                ),
            }
        }
        // a packet that is put in
        let other = set(&root, TARGET, &"/".repeat(500)[..]);
        let other = decode(&encoded(&other).to_bytes());
        let item = at(&other, ".packets[3]");
        let put = encoded(&insert_plain(&root, ".packets", 1, Plain::Node(item)));
        let again = decode(&put.to_bytes());
        assert_eq!(int(&at(&again, path)), longest(&again, field), "{path}");
    }
}

#[test]
fn no_limit_stays_none_and_one_that_is_wide_stays() {
    for snaplen in [0, 5000, u32::MAX] {
        for (bytes, path, _) in both(snaplen) {
            let root = decode(&bytes);
            let out = encoded(&set(&root, TARGET, &"/".repeat(900)[..]));
            let again = decode(&out.to_bytes());
            assert_eq!(int(&at(&again, path)), snaplen.into(), "{path}");
            assert_eq!(beyond(&again), []);
        }
    }
}

#[test]
fn a_limit_that_was_assigned_stays() {
    for (bytes, path, field) in both(LONGEST) {
        let root = set(&decode(&bytes), TARGET, &"/".repeat(900)[..]);
        for limit in [60, u64::from(LONGEST), 0, 2000] {
            let out = encoded(&set(&root, path, limit));
            let again = decode(&out.to_bytes());
            assert_eq!(int(&at(&again, path)), limit, "{path}");
            let is_wrong = (1..longest(&again, field)).contains(&limit);
            let told = out.report.notes.iter().any(|n| {
                n.path == path && matches!(&n.did, Did::LeftWrong { is, .. } if *is == limit.into())
            });
            assert_eq!(told, is_wrong, "{path} {limit}");
            assert_eq!(!beyond(&again).is_empty(), is_wrong, "{path} {limit}");
        }
    }
}

#[test]
fn a_packet_beyond_the_limit_is_odd_once() {
    for (bytes, path, _) in both(LONGEST - 1) {
        let found = beyond(&decode(&bytes));
        assert_eq!(found.len(), 1, "{path} {found:?}");
        assert_eq!(found[0].1, Severity::Odd);
    }
}

/// A section with an interface whose limit is `snaplen`, and simple packets: UDP with payloads of these sizes; the limit cuts them.
fn simple(snaplen: usize, payloads: &[usize]) -> Bytes {
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, &body, &total].concat()
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &head);
    let interface = [&[101, 0, 0, 0][..], &(snaplen as u32).to_le_bytes()].concat();
    out.extend(block(1, &interface));
    for size in payloads {
        let mut wire = Wire::new(Ip::V4, [0, 0]);
        wire.datagram(CLIENT, &vec![7; *size]);
        let packet = wire.pcap().slice(24 + 16..);
        let original = (packet.len() as u32).to_le_bytes();
        let there = &packet[..packet.len().min(snaplen)];
        out.extend(block(3, &[&original[..], there].concat()));
    }
    out.into()
}

#[test]
fn the_limit_is_the_length_of_simple_packets_that_are_cut() {
    let path = ".blocks[1].snap_len";
    let payload = ".packets[0].packet.payload.payload";
    let new = Scalar::Bytes(vec![9u8; 21].into());
    let longer = |bytes: &Bytes| set(&decode(bytes), payload, new.clone());
    let again = decode(&encoded(&longer(&simple(36, &[8, 7]))).to_bytes());
    assert_eq!(int(&at(&again, path)), 28 + 21);
    assert_eq!(at(&again, payload).scalar(), new);
    // another one would become longer than it is
    let options = EncodeOptions::default();
    assert!(encode(&longer(&simple(36, &[8, 30])), &options).is_err());
    // where there is room, nothing follows
    let again = decode(&encoded(&longer(&simple(49, &[8, 30]))).to_bytes());
    assert_eq!(int(&at(&again, path)), 49);
    assert_eq!(at(&again, payload).scalar(), new);
}
