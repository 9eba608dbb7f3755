//! Sections and times of pcapng.

use crate::craft::{CLIENT, Ip, SERVER, Wire, as_pcapng};
use crate::{at, decode, delete_item, encoded, int, set};
use binq_core::{Node, Scalar};
use bytes::Bytes;

const TARGET: &str = ".streams[0].request.target";

fn spoken() -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    wire.send(CLIENT, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire.close();
    as_pcapng(&wire.pcap())
}

const HEADER: usize = 28;

fn with_length(section: &Bytes, length: u64) -> Vec<u8> {
    let mut out = section.to_vec();
    out[16..24].copy_from_slice(&length.to_le_bytes());
    out
}

fn lengths(root: &Node) -> Vec<u64> {
    let all = at(root, ".blocks");
    all.items()
        .filter_map(|b| Some(int(&b.field("section_length")?)))
        .collect()
}

#[test]
fn the_length_of_a_section_follows() {
    let section = spoken();
    let len = (section.len() - HEADER) as u64;
    let told = with_length(&section, len);
    // a second section, whose length is not told, and a third one
    let bytes: Bytes = [&told[..], &section, &told].concat().into();
    let root = decode(&bytes);
    // all of them have the same bytes of one stream
    for (target, by) in [("/a", 0), ("/ab", 4), ("/abcd", 4), ("/abcdefghijklm", 12)] {
        let out = encoded(&set(&root, TARGET, target)).to_bytes();
        assert_eq!(out.len(), bytes.len() + 3 * by, "{target}");
        let len = len + by as u64;
        assert_eq!(lengths(&decode(&out)), [len, u64::MAX, len], "{target}");
    }
    // packets that come and go
    let count = at(&root, ".packets").len();
    let first = encoded(&delete_item(&root, ".packets", 0)).to_bytes();
    let gone = (bytes.len() - first.len()) as u64;
    assert!(gone > 0);
    assert_eq!(lengths(&decode(&first)), [len - gone, u64::MAX, len]);
    let last = encoded(&delete_item(&root, ".packets", count - 1)).to_bytes();
    let gone = (bytes.len() - last.len()) as u64;
    assert_eq!(lengths(&decode(&last)), [len, u64::MAX, len - gone]);
    // what was assigned stays
    let edited = set(&root, TARGET, "/abcdefghijklm");
    for length in [5, len] {
        let edited = set(&edited, ".blocks[0].section_length", length);
        let again = decode(&encoded(&edited).to_bytes());
        assert_eq!(lengths(&again)[0], length);
    }
}

/// A capture of one packet: its time, and the options of its interface.
fn timed(time: u64, options: &[u8]) -> Bytes {
    let block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &total].concat()
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &head);
    out.extend(block(1, &[&[101, 0, 0, 0, 0, 0, 4, 0], options].concat()));
    let mut body = vec![0; 4];
    body.extend(((time >> 32) as u32).to_le_bytes());
    body.extend((time as u32).to_le_bytes());
    body.extend([4, 0, 0, 0, 4, 0, 0, 0, 0x45, 0, 0, 0]);
    out.extend(block(6, &body));
    out.into()
}

#[test]
fn a_time_is_right_or_is_none() {
    let resolution = |n: u8| vec![9, 0, 1, 0, n, 0, 0, 0];
    let offset = |n: i64| [&[14, 0, 8, 0][..], &n.to_le_bytes()].concat();
    for (time, options, right) in [
        (253_402_300_800, resolution(0), None),
        (1 << 63, resolution(0), None),
        (u64::MAX, vec![], None),
        (u64::MAX, resolution(9), None),
        (
            9_223_372_036,
            resolution(0),
            Some("2262-04-11T23:47:16.000000000Z"),
        ),
        (9_223_372_037, resolution(0), None),
        (
            10_000_000_000_000_000_000,
            resolution(20),
            Some("1970-01-01T00:00:00.100000000Z"),
        ),
        (
            u64::MAX,
            resolution(100),
            Some("1970-01-01T00:00:00.000000000Z"),
        ),
        (
            1 << 63,
            resolution(0x80 | 64),
            Some("1970-01-01T00:00:00.500000000Z"),
        ),
        (
            1 << 63,
            resolution(0x80 | 127),
            Some("1970-01-01T00:00:00.000000000Z"),
        ),
        (0, offset(i64::MAX), None),
        (0, offset(i64::MIN), None),
        (
            5_000_000,
            offset(-4),
            Some("1970-01-01T00:00:01.000000000Z"),
        ),
    ] {
        let root = decode(&timed(time, &options));
        let found = at(&root, ".packets[0].time").scalar();
        let right = right.map_or(Scalar::Null, Scalar::from);
        assert_eq!(found, right, "{time} {options:?}");
    }
}
