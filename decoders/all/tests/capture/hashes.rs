//! The hashes of packets that pcapng may have (`epb_hash`): a CRC-32 follows, others are told.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::{at, decode, encoded, set};
use binq_core::encode::Did;
use binq_core::{Node, Scalar, Severity};
use bytes::Bytes;

const TARGET: &str = ".streams[0].request.target";

/// The CRC-32 of IEEE 802.3, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |crc, b| (0..8).fold(crc ^ u32::from(*b), step))
}

const MD5: [u8; 17] = *b"\x03sixteen bytes...";

/// A conversation in enhanced packet blocks, each with a comment, its CRC-32 and what stands for its MD5.
fn hashed(is_big: bool) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.open();
    wire.send(CLIENT, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire.close();
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let block = |kind: u32, body: Vec<u8>| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, &body, &total].concat()
    };
    let option = |code: u16, value: &[u8]| {
        let len = (value.len() as u16).to_le_bytes();
        padded([&code.to_le_bytes()[..], &len, value].concat())
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, head);
    out.extend(block(1, vec![101, 0, 0, 0, 0, 0, 4, 0]));
    let pcap = wire.pcap();
    let mut rest = &pcap[24..];
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(record[8..12].try_into().unwrap());
        let (packet, after) = after.split_at(len as usize);
        let sum = crc(packet);
        let sum = if is_big {
            sum.to_be_bytes()
        } else {
            sum.to_le_bytes()
        };
        let body = [vec![0; 12], record[8..16].to_vec(), padded(packet.to_vec())].concat();
        let options = [
            option(1, b"abc"),
            option(3, &[&[2][..], &sum].concat()),
            option(3, &MD5),
            option(0, b""),
        ];
        out.extend(block(6, [body, options.concat()].concat()));
        rest = after;
    }
    out.into()
}

fn bytes_of(root: &Node, path: &str) -> Vec<u8> {
    at(root, path).scalar().as_bytes().unwrap().to_vec()
}

fn damaged(root: &Node) -> Vec<String> {
    let all = root.findings();
    let all = all.filter(|f| f.severity >= Severity::Damage);
    all.map(|f| f.path).collect()
}

#[test]
fn a_crc_follows_and_other_hashes_are_told() {
    for is_big in [false, true] {
        let bytes = hashed(is_big);
        let root = decode(&bytes);
        assert_eq!(damaged(&root), [""; 0]);
        // one that fits, one that grows, one that is cut in several
        for target in ["/b".to_owned(), "/".repeat(41), "/".repeat(4000)] {
            let out = encoded(&set(&root, TARGET, &target[..]));
            let again = decode(&out.to_bytes());
            assert_eq!(at(&again, TARGET).scalar(), target[..].into());
            assert_eq!(damaged(&again), [""; 0], "{}", target.len());
            let mut changed = 0;
            for (i, packet) in at(&again, ".packets").items().enumerate() {
                let path = |option: usize| format!(".packets[{i}].options[{option}].value");
                let whole = packet.field("packet").unwrap().bytes().unwrap();
                let sum = crc(&whole);
                let sum = if is_big {
                    sum.to_be_bytes()
                } else {
                    sum.to_le_bytes()
                };
                assert_eq!(bytes_of(&again, &path(1)), [&[2][..], &sum].concat());
                assert_eq!(bytes_of(&again, &path(2)), MD5);
                let told = |path: &str| out.report.notes.iter().any(|n| n.path == path);
                let is_changed = told(&path(1));
                assert_eq!(told(&path(2)), is_changed || target.len() > 1460 && i == 3);
                changed += usize::from(is_changed);
            }
            assert!(target.len() > 1460 || changed > 0);
        }
    }
}

#[test]
fn a_wrong_crc_is_damage_and_an_assigned_one_stays() {
    let root = decode(&hashed(false));
    let path = ".packets[3].options[1].value";
    let wrong = Scalar::Bytes(vec![2, 1, 2, 3, 4].into());
    let edited = set(&set(&root, TARGET, "/other"), path, wrong.clone());
    let out = encoded(&edited);
    let again = decode(&out.to_bytes());
    assert_eq!(at(&again, path).scalar(), wrong);
    let is_told = |n: &binq_core::encode::Note| {
        n.path == path && matches!(&n.did, Did::LeftWrong { is, .. } if *is == wrong)
    };
    assert!(out.report.notes.iter().any(is_told));
    assert_eq!(damaged(&again).len(), 1, "{:?}", damaged(&again));
    assert!(damaged(&again)[0].ends_with(".options[1].value"));
    // one that was wrong before is told, and stays
    let out = encoded(&set(&again, TARGET, "/a/third/one"));
    let third = decode(&out.to_bytes());
    assert_eq!(at(&third, path).scalar(), wrong);
    assert!(out.report.notes.iter().any(|n| n.path == path));
}
