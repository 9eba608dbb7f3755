//! Edits of packets: what follows from them, as the notes say it and as the outcome is decoded again.

use super::build::{Order, Pcap, Sum, V4, V6, crc, ethernet, udp, v6};
use super::{Listing, at, pcap, pcapng};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar};
use binq_laws::spelled::spelled;
use binq_laws::{parse, put_back};
use std::collections::HashSet;

/// A value to assign.
pub(super) fn text(s: &str) -> Scalar {
    s.into()
}

pub(super) fn number(n: u64) -> Scalar {
    n.into()
}

/// Assign these values, encode, and list the notes, and what is decoded now that was not there before: places aside, as they move.
pub(super) fn edit(all: &mut Listing, title: &str, root: &Node, edits: &[(&str, Scalar)]) {
    edit_but(&[], all, title, root, edits);
}

/// What stays as it is where packets move in the list, and is not listed there.
pub(super) const STAYS: [&str; 32] = [
    "source_port",
    "destination_port",
    "window_size",
    "urgent_pointer",
    "reserved",
    "ns",
    "cwr",
    "ece",
    "urg",
    "rst",
    "version",
    "ihl",
    "dscp",
    "ecn",
    "ttl",
    "protocol",
    "source_ip",
    "destination_ip",
    "dont_fragment",
    "more_fragments",
    "fragment_offset",
    "ts_sec",
    "ts_usec",
    "time",
    "source",
    "destination",
    "ether_type",
    "kind",
    "interface_id",
    "timestamp_high",
    "timestamp_low",
    "code",
];

/// The same without fields of these names, but for what was found about them.
pub(super) fn edit_but(
    names: &[&str],
    all: &mut Listing,
    title: &str,
    root: &Node,
    edits: &[(&str, Scalar)],
) {
    all.line(format!("# {title}"));
    let mut node = root.clone();
    for (path, value) in edits {
        match at(&node, path).assign(Plain::Scalar(value.clone())) {
            Ok(new) => node = put_back(&node, &parse(path), new),
            Err(e) => return all.line(format!("not assigned: {e}")),
        }
    }
    let encoded = match encode(&node, &EncodeOptions::default()) {
        Ok(encoded) => encoded,
        Err(e) => return all.line(format!("refused: {e}")),
    };
    for note in &encoded.report.notes {
        all.line(format!("  {note}"));
    }
    let decode = match root.format() {
        "pcap" => pcap,
        _ => pcapng,
    };
    let again = decode(encoded.to_bytes().to_vec());
    // a line without its place
    let value = |line: &str| {
        let (path, rest) = line.split_once(' ').expect("a path");
        let (_, rest) = rest.split_once(' ').unwrap_or(("", ""));
        format!("{path} {rest}")
    };
    let old = spelled(root);
    let known: HashSet<String> = old.lines().map(value).collect();
    for line in spelled(&again).lines() {
        // blocks are listed as packets, too
        let (path, rest) = line.split_once(' ').expect("a path");
        let name = path.rsplit('.').next().unwrap_or_default();
        if names.contains(&name) && !rest.contains(" !") {
            continue;
        }
        if !known.contains(&value(line)) && !line.starts_with(".blocks") {
            all.line(line);
        }
    }
}

pub(super) const ENDS: [u8; 8] = [10, 0, 0, 1, 10, 0, 0, 2];

pub(super) fn one(link: u32, data: &[u8]) -> Node {
    pcap(Pcap::of(link).packet(data).bytes())
}

pub(super) fn udp_packet(sum: Sum, payload: &[u8]) -> Vec<u8> {
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    ip.with(&udp(&ENDS, None, sum, payload))
}

#[test]
fn datagrams() {
    let mut all = Listing::of("edits_udp");
    let payload = ".packets[0].packet.payload.payload";
    for (name, sum) in [
        ("right", Sum::Right),
        ("zero", Sum::Is(0)),
        ("left to the card", Sum::Partial),
        ("wrong", Sum::Is(0x1111)),
    ] {
        let root = one(101, &udp_packet(sum, b"data"));
        for new in ["dame", "longer", "d", ""] {
            edit(
                &mut all,
                &format!("sum {name}, {new:?}"),
                &root,
                &[(payload, text(new))],
            );
        }
        let ports = [(".packets[0].packet.payload.source_port", number(7))];
        edit(&mut all, &format!("sum {name}, a port"), &root, &ports);
        let address = [(".packets[0].packet.source_ip", text("10.0.0.7"))];
        edit(
            &mut all,
            &format!("sum {name}, an address"),
            &root,
            &address,
        );
    }
    let root = one(101, &udp_packet(Sum::Right, b"data"));
    for (title, edits) in [
        (
            "a length that is assigned",
            vec![
                (payload, text("longer")),
                (".packets[0].packet.payload.length", number(12)),
            ],
        ),
        (
            "a sum that is assigned",
            vec![
                (payload, text("longer")),
                (".packets[0].packet.payload.checksum", number(7)),
            ],
        ),
        (
            "lengths that are assigned",
            vec![
                (payload, text("longer")),
                (".packets[0].packet.total_length", number(32)),
                (".packets[0].incl_len", number(34)),
            ],
        ),
    ] {
        edit(&mut all, title, &root, &edits);
    }
    // a length that is less than the packet has, and one that is more
    let body = |len: u16| udp(&ENDS, Some(len), Sum::Right, b"data");
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    for len in [0, 10, 13] {
        let root = one(101, &ip.with(&body(len)));
        edit(
            &mut all,
            &format!("a length of {len} of 12"),
            &root,
            &[(payload, text("longer"))],
        );
    }
    // a sum of zero is sent as all ones
    let root = one(101, &udp_packet(Sum::Right, &[0x8b, 0x65]));
    let bytes = Scalar::Bytes(vec![0x8b, 0x64].into());
    edit(
        &mut all,
        "bytes whose sum is zero",
        &root,
        &[(payload, bytes)],
    );
    all.keep();
}

#[test]
fn headers_of_ip() {
    let mut all = Listing::of("edits_ip");
    let ip = V4::default();
    let options = [7, 4, 4, 0];
    for (name, sum, options) in [
        ("right", None, &[][..]),
        ("right, with options", None, &options),
        ("zero", Some(0), &[]),
        ("wrong", Some(0x1111), &[]),
    ] {
        let root = one(101, &V4 { sum, options, ..ip }.with(b"data"));
        edit(
            &mut all,
            &format!("sum {name}, ttl"),
            &root,
            &[(".packets[0].packet.ttl", number(63))],
        );
        edit(
            &mut all,
            &format!("sum {name}, payload"),
            &root,
            &[(".packets[0].packet.payload", text("longer"))],
        );
        edit(
            &mut all,
            &format!("sum {name}, same size"),
            &root,
            &[(".packets[0].packet.payload", text("dame"))],
        );
    }
    let root = one(101, &ip.with(b"data"));
    edit(
        &mut all,
        "four words",
        &root,
        &[(".packets[0].packet.ihl", number(4))],
    );
    edit(
        &mut all,
        "16 words",
        &root,
        &[(".packets[0].packet.ihl", number(16))],
    );
    edit(
        &mut all,
        "no address",
        &root,
        &[(".packets[0].packet.source_ip", text("10.0.0.256"))],
    );
    edit(
        &mut all,
        "an address of IPv6",
        &root,
        &[(".packets[0].packet.source_ip", text("fd00::1"))],
    );
    let options = one(
        101,
        &V4 {
            options: &options,
            ..ip
        }
        .with(b"data"),
    );
    let bytes = |b: &[u8]| Scalar::Bytes(b.to_vec().into());
    edit(
        &mut all,
        "options",
        &options,
        &[(".packets[0].packet.options", bytes(&[1, 1, 1, 1]))],
    );
    edit(
        &mut all,
        "options of another size",
        &options,
        &[(".packets[0].packet.options", bytes(&[1; 8]))],
    );
    let trailed = one(
        101,
        &V4 {
            total: Some(22),
            ..ip
        }
        .with(b"data"),
    );
    edit(
        &mut all,
        "with bytes behind",
        &trailed,
        &[(".packets[0].packet.payload", text("longer"))],
    );
    edit(
        &mut all,
        "the bytes behind",
        &trailed,
        &[(".packets[0].packet.trailer", text("TA"))],
    );
    let big = [(
        ".packets[0].packet.payload",
        Scalar::Bytes(vec![0; 65_516].into()),
    )];
    edit(&mut all, "65516 bytes", &root, &big);
    // with options there is less room
    edit(&mut all, "65516 bytes behind options", &options, &big);

    let ip = V6::default();
    let root = one(101, &ip.with(b"data"));
    edit(
        &mut all,
        "IPv6, payload",
        &root,
        &[(".packets[0].packet.payload", text("longer"))],
    );
    edit(
        &mut all,
        "IPv6, flow label",
        &root,
        &[(".packets[0].packet.flow_label", number(0xfffff))],
    );
    edit(
        &mut all,
        "IPv6, no address",
        &root,
        &[(".packets[0].packet.source_ip", text("fd00::1::2"))],
    );
    let ends = [v6(1), v6(2)].concat();
    let datagram = udp(&ends, None, Sum::Right, b"data");
    let root = one(101, &V6 { next: 17, ..ip }.with(&datagram));
    edit(
        &mut all,
        "IPv6, UDP",
        &root,
        &[(".packets[0].packet.payload.payload", text("longer"))],
    );
    edit(
        &mut all,
        "IPv6, an address",
        &root,
        &[(".packets[0].packet.destination_ip", text("fd00::3"))],
    );
    let routing = [&[17, 2, 0, 1, 0, 0, 0, 0][..], &v6(9)].concat();
    let covered = udp(&[v6(1), v6(9)].concat(), None, Sum::Right, b"data");
    let root = one(
        101,
        &V6 { next: 43, ..ip }.with(&[routing, covered].concat()),
    );
    edit(
        &mut all,
        "IPv6, the next address of a route",
        &root,
        &[(".packets[0].packet.destination_ip", text("fd00::3"))],
    );
    let jumbo = |len: u8| {
        let option = [17, 0, 0xc2, 4, 0, 0, 0, len];
        let body = udp(&ends, Some(0), Sum::Right, b"jumbo");
        one(
            101,
            &V6 {
                next: 0,
                len: Some(0),
                ..ip
            }
            .with(&[&option, &body[..]].concat()),
        )
    };
    edit(
        &mut all,
        "a jumbogram",
        &jumbo(21),
        &[(".packets[0].packet.payload.payload", text("longer"))],
    );
    edit(
        &mut all,
        "a jumbogram whose length is assigned",
        &jumbo(21),
        &[
            (".packets[0].packet.payload.payload", text("longer")),
            (
                ".packets[0].packet.extensions[0].data",
                bytes(&[0xc2, 4, 0, 0, 0, 9]),
            ),
        ],
    );
    all.keep();
}

#[test]
fn frames() {
    let mut all = Listing::of("edits_frames");
    let payload = ".packets[0].packet.payload.payload.payload";
    let frame = [
        ethernet(0x0800, &udp_packet(Sum::Right, b"data")),
        b"trail".to_vec(),
    ]
    .concat();
    let right = [&frame[..], &crc(&frame)].concat();
    let mut wrong = right.clone();
    wrong[51] ^= 1;
    for (name, network, data, original) in [
        ("no check sequence", 1, &frame[..], 51),
        ("a right one", 0x2400_0001, &right, 55),
        ("a wrong one", 0x2400_0001, &wrong, 55),
        ("half of one", 0x2400_0001, &right[..53], 55),
        ("none of it captured", 0x2400_0001, &right[..51], 55),
        ("one of two bytes", 0x1400_0001, &right[..53], 53),
    ] {
        let root = pcap(Pcap::of(network).cut(data, original).bytes());
        for new in ["dame", "longer", "d"] {
            edit(
                &mut all,
                &format!("{name}, {new:?}"),
                &root,
                &[(payload, text(new))],
            );
        }
        edit(
            &mut all,
            &format!("{name}, a link address"),
            &root,
            &[(".packets[0].packet.source", text("02:00:00:00:00:ff"))],
        );
    }
    let root = pcap(Pcap::of(0x2400_0001).packet(&right).bytes());
    edit(
        &mut all,
        "a check sequence that is assigned",
        &root,
        &[
            (payload, text("dame")),
            (".packets[0].packet.fcs", number(7)),
        ],
    );
    edit(
        &mut all,
        "the check sequence alone",
        &root,
        &[(".packets[0].packet.fcs", number(7))],
    );
    edit(
        &mut all,
        "the trailer",
        &root,
        &[(".packets[0].packet.trailer", text("TRAIL"))],
    );
    for address in [
        "02:00:00:00:00",
        "02:00:00:00:00:0",
        "02:00:00:00:00:0g",
        "02:00:00:00:00:000",
        "02:00:00:00:00:00:00",
    ] {
        edit(
            &mut all,
            &format!("the address {address:?}"),
            &root,
            &[(".packets[0].packet.source", text(address))],
        );
    }
    let tagged = [&frame[..12], &[0x81, 0, 0xb1, 0x23], &frame[12..]].concat();
    let root = one(1, &tagged);
    edit(
        &mut all,
        "a tag",
        &root,
        &[(".packets[0].packet.vlan_tags[0].vid", number(4095))],
    );
    edit(
        &mut all,
        "behind a tag",
        &root,
        &[(payload, text("longer"))],
    );
    let little = [&[2, 0, 0, 0][..], &udp_packet(Sum::Right, b"data")].concat();
    let big = [&[0, 0, 0, 2][..], &udp_packet(Sum::Right, b"data")].concat();
    for (name, data) in [("little-endian", little), ("big-endian", big)] {
        let root = one(0, &data);
        for family in [30, 65_535, 65_536, 0] {
            let value = [(".packets[0].packet.address_family", number(family))];
            edit(&mut all, &format!("{name}, family {family}"), &root, &value);
        }
        edit(
            &mut all,
            &format!("{name}, payload"),
            &root,
            &[(payload, text("longer"))],
        );
    }
    for order in [Order::Little, Order::Big] {
        let name = if order == Order::Big { "big" } else { "little" };
        let root = pcap(Pcap::new(order, false, 1).packet(&frame).bytes());
        for link in [0xffff, 0x1_0000, 101] {
            edit(
                &mut all,
                &format!("{name}-endian, link type {link}"),
                &root,
                &[(".network", number(link))],
            );
        }
        edit(
            &mut all,
            &format!("{name}-endian, payload"),
            &root,
            &[(payload, text("longer"))],
        );
        let root = pcap(Pcap::new(order, false, 0x2400_0001).packet(&right).bytes());
        edit(
            &mut all,
            &format!("{name}-endian, no check sequence"),
            &root,
            &[(".has_fcs_words", Scalar::Bool(false))],
        );
    }
    all.keep();
}

#[test]
fn datagrams_in_fragments() {
    let mut all = Listing::of("edits_fragments");
    let whole = udp(&ENDS, None, Sum::Right, b"0123456789abcdef");
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    let parts = [
        V4 { word: 0x2000, ..ip }.with(&whole[..16]),
        V4 { word: 2, ..ip }.with(&whole[16..]),
    ];
    let root = file(&parts);
    let [first, last] = [
        ".packets[0].packet.payload.payload",
        ".packets[1].packet.payload",
    ];
    for (title, edits) in [
        ("the first one, same size", vec![(first, text("ABCDEFGH"))]),
        ("the last one, same size", vec![(last, text("ABCDEFGH"))]),
        ("the last one, longer", vec![(last, text("89abcdefg"))]),
        (
            "the last one, two more",
            vec![(last, text("89abcdef89abcdefg"))],
        ),
        ("the last one, shorter", vec![(last, text("89"))]),
        ("the last one, empty", vec![(last, text(""))]),
        (
            "the first one, 8 bytes longer",
            vec![(first, text("0123456701234567"))],
        ),
        (
            "the first one, a byte longer",
            vec![(first, text("012345678"))],
        ),
        (
            "a port",
            vec![(".packets[0].packet.payload.source_port", number(7))],
        ),
        (
            "an address of the first one",
            vec![(".packets[0].packet.source_ip", text("10.0.0.7"))],
        ),
    ] {
        edit(&mut all, title, &root, &edits);
    }
    let alone = file(&parts[..1]);
    edit(
        &mut all,
        "without the last one, same size",
        &alone,
        &[(first, text("ABCDEFGH"))],
    );
    edit(
        &mut all,
        "without the last one, longer",
        &alone,
        &[(first, text("0123456701234567"))],
    );
    all.keep();
}

pub(super) fn file(packets: &[Vec<u8>]) -> Node {
    pcap(
        packets
            .iter()
            .fold(Pcap::of(101), |file, data| file.packet(data))
            .bytes(),
    )
}
