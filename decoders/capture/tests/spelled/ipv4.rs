//! IPv4, RFC 791.

use super::build::{Pcap, V4, ethernet};
use super::{Listing, at, pcap};
use binq_core::Node;

fn packet(data: &[u8]) -> Node {
    at(
        &pcap(Pcap::of(101).packet(data).bytes()),
        ".packets[0].packet",
    )
}

/// What is the same in all cases.
const SAME: [&str; 7] = [
    ".version",
    ".dscp",
    ".ecn",
    ".identification",
    ".ttl",
    ".source_ip",
    ".destination_ip",
];

#[test]
fn headers() {
    let mut all = Listing::of("ipv4");
    let ip = V4::default();
    let full = V4 {
        // expedited forwarding, ECT(1)
        tos: 0b1011_1001,
        // reserved and "do not fragment"
        word: 0xc000,
        ttl: 63,
        ..ip
    };
    all.add("every field", &packet(&full.with(b"data")));
    let options = [7, 4, 4, 0, 131, 7, 4, 10, 0, 0, 9, 0];
    for (title, data) in [
        (
            "4 words",
            V4 {
                first: Some(0x44),
                ..ip
            }
            .with(b"data"),
        ),
        ("5 words, no payload", ip.with(b"")),
        (
            "6 words",
            V4 {
                options: &[1, 1, 1, 0],
                ..ip
            }
            .with(b"data"),
        ),
        (
            "8 words",
            V4 {
                options: &options,
                ..ip
            }
            .with(b"data"),
        ),
        (
            "15 words",
            V4 {
                options: &[1; 40],
                ..ip
            }
            .with(b"data"),
        ),
        (
            "6 words, of which 5 are there",
            V4 {
                first: Some(0x46),
                total: Some(24),
                ..ip
            }
            .with(b""),
        ),
        (
            "version 5",
            V4 {
                first: Some(0x55),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 0",
            V4 {
                total: Some(0),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 19",
            V4 {
                total: Some(19),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 20",
            V4 {
                total: Some(20),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 22 of 24",
            V4 {
                total: Some(22),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 25 of 24",
            V4 {
                total: Some(25),
                ..ip
            }
            .with(b"data"),
        ),
        (
            "total length 23 of 24, 6 words",
            V4 {
                total: Some(23),
                options: &[1; 4],
                ..ip
            }
            .with(b""),
        ),
        (
            "first fragment",
            V4 { word: 0x2000, ..ip }.with(b"fragment"),
        ),
        (
            "middle fragment",
            V4 { word: 0x2123, ..ip }.with(b"fragment"),
        ),
        ("last fragment", V4 { word: 0x1fff, ..ip }.with(b"fragment")),
        (
            "a wrong checksum",
            V4 {
                sum: Some(0x1111),
                ..ip
            }
            .with(b"data"),
        ),
        ("no checksum", V4 { sum: Some(0), ..ip }.with(b"data")),
        (
            "6 words, a wrong checksum",
            V4 {
                sum: Some(0x1111),
                options: &[1; 4],
                ..ip
            }
            .with(b"data"),
        ),
        ("19 bytes", ip.with(b"")[..19].to_vec()),
        ("1 byte", ip.with(b"")[..1].to_vec()),
    ] {
        all.without(title, &packet(&data), &SAME);
    }
    all.keep();
}

#[test]
fn packets_that_the_capture_cut() {
    let mut all = Listing::of("ipv4_cut");
    let ip = V4 {
        options: &[1, 1, 1, 0],
        ..V4::default()
    };
    let data = ip.with(b"data");
    for len in [19, 20, 22, 24, 26, 28] {
        let file = pcap(Pcap::of(101).cut(&data[..len], 28).bytes());
        all.without(
            &format!("{len} of 28"),
            &at(&file, ".packets[0].packet"),
            &SAME,
        );
    }
    // the rest of a frame is no part of the packet
    let frame = [ethernet(0x0800, &data), b"trailer".to_vec()].concat();
    for len in [33, 40, 42, 43] {
        let file = pcap(Pcap::of(1).cut(&frame[..len], 49).bytes());
        let node = at(&file, ".packets[0].packet");
        let link = [".destination", ".source", ".ether_type"];
        all.without(
            &format!("{len} of a frame of 49"),
            &node,
            &[&SAME[..], &link].concat(),
        );
    }
    // a length that is more than was sent, which the cut hides
    let long = V4 {
        total: Some(99),
        ..ip
    }
    .with(b"data");
    for (title, captured) in [("whole", 28), ("cut", 27)] {
        let file = pcap(Pcap::of(101).cut(&long[..captured], 28).bytes());
        let title = format!("total length 99, {title}");
        all.only(
            &title,
            &at(&file, ".packets[0].packet"),
            &["total_length", "payload"],
        );
    }
    all.keep();
}

#[test]
fn the_names_of_protocols() {
    let mut all = Listing::of("protocols");
    for protocol in 0..=255 {
        let node = packet(
            &V4 {
                protocol,
                ..V4::default()
            }
            .with(b""),
        );
        let name = at(&node, ".protocol");
        if name.symbol().is_some() {
            all.only(&protocol.to_string(), &node, &[".protocol"]);
        }
    }
    all.keep();
}
