//! UDP, RFC 768.

use super::build::{A, B, Pcap, Sum, V4, udp};
use super::{Listing, at, pcap};

#[test]
fn datagrams() {
    let mut all = Listing::of("udp");
    let ends = [A, B].concat();
    let is = |len: Option<u16>, sum: Sum, payload: &[u8]| udp(&ends, len, sum, payload);
    // the right sum of a datagram of 12 bytes, with 4 more in the packet
    let short = [is(None, Sum::Right, b"data"), b"more".to_vec()].concat();
    for (title, body) in [
        ("every field", is(None, Sum::Right, b"data")),
        ("no payload", is(None, Sum::Right, b"")),
        ("no checksum", is(None, Sum::Is(0), b"data")),
        ("a wrong checksum", is(None, Sum::Is(0x1111), b"data")),
        (
            "a checksum left to the card",
            is(None, Sum::Partial, b"data"),
        ),
        // RFC 768: a sum of zero is sent as all ones
        ("a sum of zero", is(None, Sum::Is(0xffff), &[0x8b, 0x64])),
        (
            "a length of 0, as a jumbogram has",
            is(Some(0), Sum::Right, b"data"),
        ),
        ("a length of 7", is(Some(7), Sum::Right, b"data")),
        ("a length of 8", is(Some(8), Sum::Right, b"data")),
        ("a length of 12, and 4 bytes behind", short),
        ("a length of 13 of 12", is(Some(13), Sum::Right, b"data")),
        ("7 bytes", is(None, Sum::Right, b"")[..7].to_vec()),
        ("6 bytes", is(None, Sum::Right, b"")[..6].to_vec()),
        ("5 bytes", is(None, Sum::Right, b"")[..5].to_vec()),
        ("nothing", vec![]),
    ] {
        let data = V4 {
            protocol: 17,
            ..V4::default()
        }
        .with(&body);
        let file = pcap(Pcap::of(228).packet(&data).bytes());
        all.add(title, &at(&file, ".packets[0].packet.payload"));
    }
    let data = V4 {
        protocol: 17,
        ..V4::default()
    }
    .with(&is(None, Sum::Right, b"data"));
    for len in [31, 28, 27, 26, 25, 20] {
        let file = pcap(Pcap::of(228).cut(&data[..len], 32).bytes());
        all.add(
            &format!("{len} of 32"),
            &at(&file, ".packets[0].packet.payload"),
        );
    }
    // in fragments
    let whole = is(None, Sum::Right, b"0123456789abcdef");
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    let parts = [
        V4 { word: 0x2000, ..ip }.with(&whole[..8]),
        V4 { word: 0x2001, ..ip }.with(&whole[8..16]),
        V4 { word: 2, ..ip }.with(&whole[16..]),
        V4 {
            word: 0x2000,
            id: 7,
            ..ip
        }
        .with(&whole[..8]),
    ];
    let file = parts
        .iter()
        .fold(Pcap::of(101), |file, data| file.packet(data));
    let file = pcap(file.bytes());
    for i in 0..4 {
        let node = at(&file, &format!(".packets[{i}].packet.payload"));
        all.add(&format!("fragment {i}"), &node);
    }
    all.keep();
}
