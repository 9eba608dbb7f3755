//! Whose addresses a checksum covers: those of who made a packet and of who it is for in the end, which may be others than those
//! of its header. And how many bytes: UDP says it itself.

use crate::oracle::{fields, has_tshark, temporary};
use crate::{at, decode, encoded, set};
use binq_core::{Node, Scalar};
use binq_laws::wire::checksum;
use bytes::Bytes;

const HERE: [u8; 16] = [0xfd; 16];
const NEXT: [u8; 16] = [0xfe; 16];
const LAST: [u8; 16] = [0xfc; 16];

/// A datagram between these ends, with bytes behind it that it does not count.
fn udp(from: &[u8], to: &[u8], behind: usize) -> Vec<u8> {
    let mut out = vec![0x30, 0x39, 0x30, 0x3a, 0, 13, 0, 0];
    out.extend(b"hello");
    let sum = checksum(&[from, to, &[0, 17, 0, 13], &out].concat());
    out[6..8].copy_from_slice(&sum.to_be_bytes());
    out.resize(out.len() + behind, b'!');
    out
}

fn v4(options: &[u8], carried: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut out = vec![0x40 | (header / 4) as u8, 0];
    out.extend(((header + carried.len()) as u16).to_be_bytes());
    out.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    out.extend([HERE[..4].to_vec(), NEXT[..4].to_vec(), options.to_vec()].concat());
    let sum = checksum(&out);
    out[10..12].copy_from_slice(&sum.to_be_bytes());
    [&out, carried].concat()
}

/// `kind` is that of the extension header, whose first byte is that of UDP.
fn v6(kind: u8, extension: &[u8], carried: &[u8]) -> Vec<u8> {
    let len = (extension.len() + carried.len()) as u16;
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(len.to_be_bytes());
    out.extend([kind, 64]);
    out.extend([&HERE[..], &NEXT, extension, carried].concat());
    out
}

fn pcap(packet: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let len = packet.len() as u32;
    for n in [
        0xa1b2_c3d4,
        0x0004_0002,
        0,
        0,
        262_144,
        101,
        1_700_000_000,
        0,
        len,
        len,
    ] {
        out.extend(n.to_le_bytes());
    }
    out.extend(packet);
    out.into()
}

/// What tshark says of the sum: 1 is good.
fn tshark(name: &str, bytes: &Bytes) -> String {
    let file = temporary(&format!("ends-{name}.pcap"), bytes);
    let row = fields(&file, None, &["udp.checksum.status"]).remove(0);
    std::fs::remove_file(file).unwrap();
    row[0].concat()
}

/// Each with what tells its ends.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let end = |address: &[u8]| udp(&HERE[..address.len()], address, 0);
    let routing = |kind: u8, left: u8, list: &[[u8; 16]]| {
        [
            &[17, list.len() as u8 * 2, kind, left, 0, 0, 0, 0],
            &list.concat()[..],
        ]
        .concat()
    };
    let home = [&[17, 2, 1, 2, 0, 0, 0xc9, 16], &LAST[..]].concat();
    let route = |kind: u8, pointer: u8| [&[1, kind, 7, pointer], &LAST[..4]].concat();
    vec![
        ("plain", v4(&[], &end(&NEXT[..4]))),
        ("loose", v4(&route(131, 4), &end(&LAST[..4]))),
        ("strict", v4(&route(137, 4), &end(&LAST[..4]))),
        ("gone", v4(&route(131, 8), &end(&NEXT[..4]))),
        (
            "routing",
            v6(43, &routing(0, 2, &[HERE, LAST]), &end(&LAST)),
        ),
        (
            "arrived",
            v6(43, &routing(0, 0, &[HERE, LAST]), &end(&NEXT)),
        ),
        ("mobile", v6(43, &routing(2, 1, &[LAST]), &end(&LAST))),
        ("home", v6(60, &home, &udp(&LAST, &NEXT, 0))),
        ("behind", v4(&[], &udp(&HERE[..4], &NEXT[..4], 3))),
    ]
}

const UDP: &str = ".packets[0].packet.payload";

fn describe(root: &Node) -> Option<String> {
    at(root, &format!("{UDP}.checksum")).description()
}

#[test]
fn sums_are_of_the_ends_of_a_route() {
    let oracle = has_tshark();
    for (name, packet) in packets() {
        let bytes = pcap(&packet);
        let root = decode(&bytes);
        assert_eq!(root.findings().count(), 0, "{name}");
        assert_eq!(describe(&root).as_deref(), Some("valid"), "{name}");
        // of each as long, shorter and longer
        for new in ["HELLO", "", "hello, and more"] {
            let value = Scalar::Bytes(Bytes::copy_from_slice(new.as_bytes()));
            let out = encoded(&set(&root, &format!("{UDP}.payload"), value)).to_bytes();
            let again = decode(&out);
            assert_eq!(again.findings().count(), 0, "{name}: {new:?}");
            assert_eq!(
                describe(&again).as_deref(),
                Some("valid"),
                "{name}: {new:?}"
            );
            if oracle {
                assert_eq!(tshark(name, &out), "1", "{name}: {new:?}");
            }
        }
        if oracle {
            assert_eq!(tshark(name, &bytes), "1", "{name}");
        }
    }
}

/// What is not known is not judged, but kept as right or as wrong as it was.
#[test]
fn a_route_of_an_unknown_kind_says_nothing() {
    let header = [&[17, 2, 99, 1, 0, 0, 0, 0], &LAST[..]].concat();
    let root = decode(&pcap(&v6(43, &header, &udp(&HERE, &LAST, 0))));
    assert_eq!(root.findings().count(), 0);
    assert_eq!(describe(&root), None);
    let value = Scalar::Bytes(Bytes::from_static(b"other"));
    let out = decode(&encoded(&set(&root, &format!("{UDP}.payload"), value)).to_bytes());
    let sent = udp(&HERE, &LAST, 0);
    let wanted = [
        &HERE[..],
        &LAST,
        &[0, 17, 0, 13],
        &sent[..6],
        &[0, 0],
        b"other",
    ]
    .concat();
    let sum = crate::int(&at(&out, &format!("{UDP}.checksum")));
    assert_eq!(sum, checksum(&wanted).into());
}
