//! IPv6, RFC 8200.

use super::build::{Pcap, Sum, Tcp, V6, udp, v6};
use super::{Listing, at, pcap};
use binq_core::Node;

fn packet(data: &[u8]) -> Node {
    at(
        &pcap(Pcap::of(101).packet(data).bytes()),
        ".packets[0].packet",
    )
}

fn cut(data: &[u8], original: u32) -> Node {
    at(
        &pcap(Pcap::of(101).cut(data, original).bytes()),
        ".packets[0].packet",
    )
}

const SAME: [&str; 6] = [
    ".version",
    ".ds",
    ".ecn",
    ".flow_label",
    ".hop_limit",
    "_ip",
];

#[test]
fn headers() {
    let mut all = Listing::of("ipv6");
    let ip = V6::default();
    // expedited forwarding, ECT(1), flow label 0x54321
    let first = [0x6b, 0x95, 0x43, 0x21];
    all.add("every field", &packet(&V6 { first, ..ip }.with(b"data")));
    let whole = ip.with(b"data");
    for (title, data) in [
        ("23 bytes", whole[..23].to_vec()),
        ("24 bytes", whole[..24].to_vec()),
        ("39 bytes", whole[..39].to_vec()),
        ("40 bytes, with a payload", whole[..40].to_vec()),
        ("40 bytes, without a payload", ip.with(b"")),
        ("41 bytes", ip.with(b"d")),
        (
            "a payload length of 3 of 4",
            V6 { len: Some(3), ..ip }.with(b"data"),
        ),
        (
            "a payload length of 5 of 4",
            V6 { len: Some(5), ..ip }.with(b"data"),
        ),
        (
            "no payload length, nobody knows why",
            V6 { len: Some(0), ..ip }.with(b"data"),
        ),
    ] {
        all.without(title, &packet(&data), &SAME);
    }
    for len in [39, 40, 41, 43] {
        all.without(&format!("{len} of 44"), &cut(&whole[..len], 44), &SAME);
    }
    let mut other = whole.clone();
    other[0] = 0x70;
    let file = pcap(Pcap::of(229).packet(&other).bytes());
    all.without("version 7", &at(&file, ".packets[0].packet"), &SAME);
    all.keep();
}

#[test]
fn extension_headers() {
    let mut all = Listing::of("ipv6_extensions");
    // next header, length, and what fills it
    let ext = |next: u8, len: u8, bytes: usize| {
        let mut out = vec![next, len];
        out.extend((2..).take(bytes - 2));
        out
    };
    for (kind, len, bytes, name) in [
        (0, 0, 8, "hop-by-hop"),
        (0, 1, 16, "hop-by-hop, 16 bytes"),
        (43, 0, 8, "routing"),
        (60, 0, 8, "destination options"),
        (135, 0, 8, "mobility"),
        (139, 2, 24, "HIP"),
        (140, 0, 8, "shim6"),
        (51, 4, 24, "authentication, counted in words of 4"),
        (51, 1, 12, "authentication, 12 bytes"),
        (253, 0, 8, "an unknown one"),
        (50, 0, 8, "ESP"),
        (59, 0, 8, "no next header"),
    ] {
        let body = [ext(253, len, bytes), b"data".to_vec()].concat();
        let ip = V6 {
            next: kind,
            ..V6::default()
        };
        all.without(name, &packet(&ip.with(&body)), &SAME);
    }
    let chain = [
        ext(60, 0, 8),
        ext(43, 0, 8),
        ext(51, 0, 8),
        ext(44, 0, 8),
        // neither an offset nor more: all of it is here
        vec![135, 0, 0, 0, 0, 0, 0, 1],
        ext(253, 0, 8),
        b"data".to_vec(),
    ];
    let ip = V6 {
        next: 0,
        ..V6::default()
    };
    all.without("six of them", &packet(&ip.with(&chain.concat())), &SAME);
    // a payload that ends within them
    let two = [ext(60, 0, 8), ext(253, 1, 16)].concat();
    for len in [24, 23, 16, 9, 8, 7] {
        let data = V6 {
            len: Some(len),
            ..ip
        }
        .with(&two);
        all.without(
            &format!("two of 24 bytes, payload length {len}"),
            &packet(&data),
            &SAME,
        );
    }
    let data = ip.with(&two);
    for len in [64, 63, 56, 49, 48, 47, 41, 40] {
        all.without(
            &format!("two of 24 bytes, {len} captured"),
            &cut(&data[..len], 64),
            &SAME,
        );
    }
    all.keep();
}

#[test]
fn fragments() {
    let mut all = Listing::of("ipv6_fragments");
    let ip = V6 {
        next: 44,
        ..V6::default()
    };
    let fragment = |next: u8, word: u16, rest: &[u8]| {
        let [a, b] = word.to_be_bytes();
        [&[next, 9, a, b, 1, 2, 3, 4], rest].concat()
    };
    let options = [17, 0, 1, 4, 0, 0, 0, 0];
    let datagram = udp(&[v6(1), v6(2)].concat(), None, Sum::Is(0x1234), b"datagram");
    for (title, body) in [
        ("every field", fragment(253, 0x1237, b"fragment")),
        ("the first one", fragment(17, 1, &datagram)),
        ("a middle one", fragment(17, 0x0011, &datagram)),
        ("the last one", fragment(17, 0x0010, &datagram)),
        ("the only one", fragment(17, 0, &datagram)),
        (
            "the first one, with options behind",
            fragment(60, 1, &[&options, &datagram[..]].concat()),
        ),
        (
            "the first one, with a part of the options",
            fragment(60, 1, &options[..7]),
        ),
        (
            "the first one, with just the options",
            fragment(60, 1, &options),
        ),
        (
            "a later one, whose bytes are no options",
            fragment(60, 0x11, &[&options, &datagram[..]].concat()),
        ),
        (
            "the only one, with another behind",
            fragment(44, 0, &fragment(17, 0x11, &datagram)),
        ),
        (
            "the first one, with another behind",
            fragment(44, 1, &fragment(17, 0x11, &datagram)),
        ),
        ("7 bytes of it", fragment(17, 0, b"")[..7].to_vec()),
    ] {
        all.without(title, &packet(&ip.with(&body)), &SAME);
    }
    all.keep();
}

#[test]
fn lengths_that_are_told_elsewhere() {
    let mut all = Listing::of("ipv6_lengths");
    let ends = [v6(1), v6(2)].concat();
    let jumbo = |len: u32| {
        let [a, b, c, d] = len.to_be_bytes();
        [17, 0, 0xc2, 4, a, b, c, d]
    };
    let datagram = udp(&ends, Some(0), Sum::Right, b"jumbo");
    let hop = V6 {
        next: 0,
        len: Some(0),
        ..V6::default()
    };
    let with = |option: &[u8]| hop.with(&[option, &datagram].concat());
    // behind padding of one byte, and of several
    let padded = [17, 1, 0, 1, 2, 7, 7, 0xc2, 4, 0, 0, 0, 29, 1, 1, 0];
    for (title, data) in [
        ("a jumbogram", with(&jumbo(21))),
        (
            "a jumbogram that is longer than what is there",
            with(&jumbo(22)),
        ),
        ("a jumbogram that is shorter", with(&jumbo(20))),
        ("the option behind padding", with(&padded)),
        (
            "an option of another length",
            with(&[17, 0, 0xc2, 3, 0, 0, 21, 0]),
        ),
        ("an option that is cut", with(&[17, 0, 1, 1, 0, 0, 0xc2, 4])),
    ] {
        all.without(title, &packet(&data), &SAME);
    }
    let tcp = Tcp {
        sum: Sum::Partial,
        ..Tcp::default()
    };
    let card = |next: u8, body: &[u8]| {
        V6 {
            next,
            len: Some(0),
            ..V6::default()
        }
        .with(body)
    };
    for (title, data) in [
        (
            "TCP left to the card",
            card(6, &tcp.between(&ends, b"data")),
        ),
        (
            "TCP of 20 bytes left to the card",
            card(6, &tcp.between(&ends, b"")),
        ),
        (
            "TCP of 19 bytes, which is none",
            card(6, &tcp.between(&ends, b"")[..19]),
        ),
        ("UDP left to the card", card(17, &datagram)),
        ("UDP of 8 bytes left to the card", card(17, &datagram[..8])),
        ("UDP of 7 bytes, which is none", card(17, &datagram[..7])),
    ] {
        let parts = [&SAME[..], &["flags", "sequence", "acknowledgment"]].concat();
        all.without(title, &packet(&data), &parts);
    }
    all.keep();
}
