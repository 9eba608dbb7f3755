//! Checksums: what they cover, and whose are wrong throughout.

use super::build::{A, B, Ng, Order, Pcap, Sum, Tcp, V4, V6, ethernet, udp, v6};
use super::{Listing, at, pcap, pcapng};
use binq_core::Node;

fn listed(all: &mut Listing, title: &str, node: &Node) {
    all.only(title, node, &["checksum"]);
}

#[test]
fn the_ends_that_a_sum_covers() {
    let mut all = Listing::of("sums_ends");
    let last = [10, 0, 0, 9];
    let tcp = Tcp::default();
    let v4 = |options: &[u8], to: [u8; 4]| {
        let options = [options, &vec![0; (4 - options.len() % 4) % 4]].concat();
        let ip = V4 {
            protocol: 6,
            options: &options,
            ..V4::default()
        };
        ip.with(&tcp.between(&[A, to].concat(), b"data"))
    };
    for (title, options, to) in [
        (
            "loose route, to the last one",
            &[131, 7, 4, 10, 0, 0, 9][..],
            last,
        ),
        (
            "loose route, to the first one",
            &[131, 7, 4, 10, 0, 0, 9],
            B,
        ),
        (
            "strict route, to the last one",
            &[137, 7, 4, 10, 0, 0, 9],
            last,
        ),
        (
            "a route of two, to the last one",
            &[131, 11, 4, 10, 0, 0, 8, 10, 0, 0, 9],
            last,
        ),
        ("a route that is gone", &[131, 7, 8, 10, 0, 0, 9], B),
        (
            "a route whose last address is next",
            &[131, 7, 7, 10, 0, 0, 9],
            last,
        ),
        (
            "a route behind others",
            &[1, 7, 3, 4, 131, 7, 4, 10, 0, 0, 9],
            last,
        ),
        ("a route behind the end", &[0, 131, 7, 4, 10, 0, 0, 9], B),
        ("a record of the route", &[7, 7, 4, 10, 0, 0, 9], B),
        ("a route of 6 bytes", &[131, 6, 4, 10, 0, 0, 0, 0], B),
        (
            "an option of length 1 before a route",
            &[7, 1, 131, 7, 4, 10, 0, 0, 9],
            B,
        ),
        ("a route that is cut", &[131, 7, 4, 10], B),
        ("a kind and nothing else", &[1, 1, 1, 131], B),
    ] {
        let file = pcap(Pcap::of(101).packet(&v4(options, to)).bytes());
        listed(&mut all, title, &file);
    }
    let segment = |from: u8, to: u8| tcp.between(&[v6(from), v6(to)].concat(), b"data");
    let v6_with = |next: u8, header: &[u8], segment: &[u8]| {
        let ip = V6 {
            next,
            ..V6::default()
        };
        pcap(
            Pcap::of(101)
                .packet(&ip.with(&[header, segment].concat()))
                .bytes(),
        )
    };
    // type, segments left, two addresses: 8 and 9
    let routing =
        |kind: u8, left: u8| [&[6, 4, kind, left, 0, 0, 0, 0][..], &v6(8), &v6(9)].concat();
    for (title, header, from, to) in [
        ("routing of type 0, to the last one", routing(0, 2), 1, 9),
        ("routing of type 0, to the first one", routing(0, 2), 1, 2),
        ("routing of type 0, gone", routing(0, 0), 1, 2),
        ("routing of type 2, to the last one", routing(2, 1), 1, 9),
        (
            "segment routing, to the one that is named first",
            routing(4, 1),
            1,
            8,
        ),
        ("segment routing, gone", routing(4, 0), 1, 2),
        ("routing of type 3, which is not known", routing(3, 1), 1, 2),
        ("routing of type 3, gone", routing(3, 0), 1, 2),
        (
            "routing of type 0 without addresses",
            vec![6, 0, 0, 1, 0, 0, 0, 0],
            1,
            2,
        ),
    ] {
        listed(&mut all, title, &v6_with(43, &header, &segment(from, to)));
    }
    let home = |pad: &[u8]| {
        let mut out = [&[6, 2], pad, &[0xc9, 16][..], &v6(7)].concat();
        out.resize(24, 0);
        out
    };
    let short = [6, 1, 0xc9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (title, header, from) in [
        ("a home address behind padding", home(&[1, 2, 0, 0]), 7),
        (
            "a home address behind single bytes of padding",
            home(&[0, 0, 0, 0]),
            7,
        ),
        (
            "a home address, and the sum of the other",
            home(&[1, 2, 0, 0]),
            1,
        ),
        (
            "a home address of 12 bytes, which is none",
            short.to_vec(),
            1,
        ),
    ] {
        listed(&mut all, title, &v6_with(60, &header, &segment(from, 2)));
    }
    // of hop-by-hop options, none is a home address
    listed(
        &mut all,
        "hop-by-hop options",
        &v6_with(0, &home(&[1, 2, 0, 0]), &segment(1, 2)),
    );
    all.keep();
}

#[test]
fn what_is_not_all_there_is_not_judged() {
    let mut all = Listing::of("sums_cut");
    let wrong = Tcp {
        sum: Sum::Is(0x1111),
        ..Tcp::default()
    }
    .v4(b"data");
    for (title, len, original) in [
        ("whole", 44, 44),
        ("cut by a byte", 43, 44),
        ("cut in the header", 39, 44),
    ] {
        let file = pcap(Pcap::of(101).cut(&wrong[..len], original).bytes());
        listed(&mut all, &format!("TCP, {title}"), &file);
    }
    let options = V4 {
        options: &[1; 8],
        sum: Some(0x1111),
        ..V4::default()
    }
    .with(b"data");
    for (title, len) in [
        ("whole", 32),
        ("to its end", 28),
        ("cut in its options", 27),
        ("cut before its options", 20),
    ] {
        let file = pcap(Pcap::of(101).cut(&options[..len], 32).bytes());
        listed(&mut all, &format!("IPv4 header, {title}"), &file);
    }
    // behind a link header, a header that the capture cut is shorter than its place in the packet
    let frame = ethernet(0x0800, &options);
    for len in [46, 42, 41] {
        let file = pcap(Pcap::of(1).cut(&frame[..len], 46).bytes());
        listed(
            &mut all,
            &format!("IPv4 header in a frame, {len} bytes"),
            &file,
        );
    }
    for ihl in [4, 5] {
        let first = Some(0x40 | ihl);
        let data = V4 {
            first,
            sum: Some(0x1111),
            ..V4::default()
        }
        .with(b"");
        listed(
            &mut all,
            &format!("IPv4 header of {ihl} words"),
            &pcap(Pcap::of(101).packet(&data).bytes()),
        );
    }
    let ends = [A, B].concat();
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    for (title, len) in [("7", 7), ("8", 8), ("12", 12), ("13", 13)] {
        let body = udp(&ends, Some(len), Sum::Is(0x1111), b"data");
        listed(
            &mut all,
            &format!("UDP with a length of {title} of 12"),
            &pcap(Pcap::of(101).packet(&ip.with(&body)).bytes()),
        );
    }
    let card = |sum: Sum| {
        let tcp = Tcp {
            sum,
            ..Tcp::default()
        }
        .between(&ends, b"data");
        let data = V4 {
            total: Some(0),
            protocol: 6,
            ..V4::default()
        }
        .with(&tcp);
        pcap(Pcap::of(101).packet(&data).bytes())
    };
    listed(
        &mut all,
        "left to the card with its length, any sum",
        &card(Sum::Is(0x1111)),
    );
    listed(
        &mut all,
        "left to the card with its length, a right sum",
        &card(Sum::Right),
    );
    all.keep();
}

/// Packets with a UDP datagram from an address, whose checksum is right or not. That of the header is always right.
fn sent(of: &[(u8, bool)]) -> Vec<Vec<u8>> {
    let packet = |(from, right): &(u8, bool)| {
        let source = [10, 0, 0, *from];
        let sum = if *right { Sum::Right } else { Sum::Is(0x1111) };
        let body = udp(&[source, B].concat(), None, sum, b"data");
        V4 {
            protocol: 17,
            source,
            ..V4::default()
        }
        .with(&body)
    };
    of.iter().map(packet).collect()
}

#[test]
fn whose_sums_are_wrong_throughout() {
    let mut all = Listing::of("sums_throughout");
    let times = |n: usize, of: (u8, bool)| vec![of; n];
    let (bad, good) = ((1, false), (1, true));
    let other = |right: bool| (3, right);
    for (title, of) in [
        ("one wrong one", times(1, bad)),
        ("two wrong ones", times(2, bad)),
        ("three wrong ones", times(3, bad)),
        (
            "two wrong ones and a right one",
            [times(2, bad), times(1, good)].concat(),
        ),
        (
            "three wrong ones and a right one",
            [times(3, bad), times(1, good)].concat(),
        ),
        (
            "eight wrong ones and a right one",
            [times(8, bad), times(1, good)].concat(),
        ),
        (
            "nine wrong ones and a right one",
            [times(9, bad), times(1, good)].concat(),
        ),
        (
            "a wrong one, and three wrong ones of another",
            [times(1, bad), times(3, other(false))].concat(),
        ),
        (
            "a wrong one, and three right ones of another",
            [times(1, bad), times(3, other(true))].concat(),
        ),
        (
            "two wrong ones and one of another",
            [times(2, bad), times(1, other(false))].concat(),
        ),
        (
            "three wrong ones, and three right ones of another",
            [times(3, bad), times(3, other(true))].concat(),
        ),
    ] {
        let file = sent(&of)
            .iter()
            .fold(Pcap::of(101), |file, data| file.packet(data));
        let file = pcap(file.bytes());
        all.only(title, &file, &["packets[0].packet.payload.checksum"]);
    }
    // where there are few of the protocol: against all, also of other protocols
    let header = V4 {
        sum: Some(0x1111),
        ..V4::default()
    };
    let tcp = Tcp {
        sum: Sum::Is(0x1111),
        ..Tcp::default()
    }
    .v4(b"data");
    for (title, headers) in [
        ("a wrong TCP sum among right headers", 0),
        ("a wrong TCP sum and 9 wrong headers", 9),
    ] {
        let file = (0..headers).fold(Pcap::of(101).packet(&tcp), |file, _| {
            file.packet(&header.with(b""))
        });
        all.only(
            title,
            &pcap(file.bytes()),
            &[
                "packets[0].packet.header_checksum",
                "packets[0].packet.payload.checksum",
            ],
        );
    }
    // what was left to the card does not count
    let offloaded = |n: usize| {
        let tcp = Tcp {
            sum: Sum::Partial,
            ..Tcp::default()
        }
        .v4(b"data");
        let first = Tcp {
            sum: Sum::Is(0x1111),
            ..Tcp::default()
        }
        .v4(b"data");
        let file = (0..n).fold(Pcap::of(101).packet(&first), |file, _| file.packet(&tcp));
        pcap(file.bytes())
    };
    all.only(
        "a wrong one among ten that are left to the card",
        &offloaded(10),
        &[
            "packets[0].packet.payload.checksum",
            "packets[1].packet.payload.checksum",
        ],
    );
    all.keep();
}

#[test]
fn senders_are_told_apart() {
    let mut all = Listing::of("sums_senders");
    let [bad, good] = [
        sent(&[(1, false)])[0].clone(),
        sent(&[(1, true)])[0].clone(),
    ];
    let sum = |i: usize| format!("packets[{i}].packet.payload.payload.checksum");
    let both = |all: &mut Listing, title: &str, file: &Node| {
        // three wrong ones of one sender, and one of another, that has right ones, too
        let (a, b) = (sum(0), sum(3));
        all.only(title, file, &[&a, &b]);
    };
    // link addresses of Ethernet: destination, source
    let framed = |head: &[u8], data: &[u8]| [head, &[8, 0], data].concat();
    let four = |a: &[u8], b: &[u8]| {
        let of = |head: &[u8], data: &[u8]| framed(head, data);
        vec![
            of(a, &bad),
            of(a, &bad),
            of(a, &bad),
            of(b, &bad),
            of(b, &good),
            of(b, &good),
        ]
    };
    let file = |link: u32, packets: &[Vec<u8>]| {
        pcap(
            packets
                .iter()
                .fold(Pcap::of(link), |file, data| file.packet(data))
                .bytes(),
        )
    };
    let one = [9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6];
    for (title, i) in [
        ("source, first byte", 6),
        ("source, last byte", 11),
        ("destination, which is not looked at", 5),
    ] {
        let mut two = one;
        two[i] ^= 0x40;
        both(
            &mut all,
            &format!("Ethernet: another {title}"),
            &file(1, &four(&one, &two)),
        );
    }
    // SLL: packet type, ARPHRD type, length, address of 8 bytes
    let one = [0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8];
    for (title, i) in [
        ("address, first byte", 6),
        ("address, last byte", 13),
        ("length, which is not looked at", 5),
    ] {
        let mut two = one;
        two[i] ^= 0x40;
        both(
            &mut all,
            &format!("SLL: another {title}"),
            &file(113, &four(&one, &two)),
        );
    }
    // SLL2: protocol, reserved, interface, ARPHRD type, packet type, length, address
    let one = [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8];
    for (title, i) in [
        ("address, first byte", 12),
        ("address, last byte", 19),
        ("interface, first byte", 4),
        ("interface, last byte", 7),
        ("reserved, which is not looked at", 3),
    ] {
        let mut two = one;
        two[i] ^= 0x40;
        let of = |head: &[u8], data: &[u8]| [head, data].concat();
        let packets = [
            of(&one, &bad),
            of(&one, &bad),
            of(&one, &bad),
            of(&two, &bad),
            of(&two, &good),
            of(&two, &good),
        ];
        both(
            &mut all,
            &format!("SLL2: another {title}"),
            &file(276, &packets),
        );
    }
    // interfaces and sections of pcapng
    let frames = four(&[9; 12], &[9; 12]);
    for (title, second, section) in [
        ("the same interface", 0, false),
        ("another interface", 1, false),
        ("another section", 0, true),
    ] {
        let mut file = Ng::new(Order::Little)
            .interface(1, 0, &[])
            .interface(1, 0, &[]);
        for (i, data) in frames.iter().enumerate() {
            if i == 3 && section {
                file = file
                    .section(Order::Little, u64::MAX, &[])
                    .interface(1, 0, &[]);
            }
            file = file.packet(if i < 3 { 0 } else { second }, i as u64, data, &[]);
        }
        both(&mut all, &format!("pcapng: {title}"), &pcapng(file.bytes()));
    }
    all.keep();
}

#[test]
fn the_first_thousand_count() {
    let verdict = |of: &[(u8, bool)], i: usize| {
        let file = sent(of)
            .iter()
            .fold(Pcap::of(101), |file, data| file.packet(data));
        let node = at(
            &pcap(file.bytes()),
            &format!(".packets[{i}].packet.payload.checksum"),
        );
        node.finding().map(|found| found.severity.to_string())
    };
    let many = |bad: usize, good: usize| [vec![(1, false); bad], vec![(1, true); good]].concat();
    // 900 of the first 1000 are nine of ten
    assert_eq!(verdict(&many(900, 100), 0).as_deref(), Some("note"));
    assert_eq!(verdict(&many(899, 101), 0).as_deref(), Some("damage"));
    // those behind them do not count
    assert_eq!(verdict(&many(900, 300), 0).as_deref(), Some("note"));
    let late = [many(899, 101), vec![(1, false); 300]].concat();
    assert_eq!(verdict(&late, 0).as_deref(), Some("damage"));
    // the thousandth does
    let mut last = many(899, 100);
    last.push((1, false));
    assert_eq!(verdict(&last, 0).as_deref(), Some("note"));
    // and the one after it does not
    let mut after = many(899, 101);
    after.push((1, false));
    after.extend([(1, false); 20]);
    assert_eq!(verdict(&after, 0).as_deref(), Some("damage"));
}

#[test]
fn sums_of_datagrams_in_fragments() {
    let mut all = Listing::of("sums_fragments");
    let ends = [A, B].concat();
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    let parts = |id: u16, body: &[u8]| {
        vec![
            V4 {
                id,
                word: 0x2000,
                ..ip
            }
            .with(&body[..16]),
            V4 { id, word: 2, ..ip }.with(&body[16..]),
        ]
    };
    let is = |sum: Sum| udp(&ends, None, sum, b"0123456789abcdef");
    let file = |packets: &[Vec<u8>]| {
        pcap(
            packets
                .iter()
                .fold(Pcap::of(101), |file, data| file.packet(data))
                .bytes(),
        )
    };
    let first = &["packets[0].packet.payload.checksum"];
    all.only("right", &file(&parts(1, &is(Sum::Right))), first);
    all.only("wrong", &file(&parts(1, &is(Sum::Is(0x1111)))), first);
    all.only("none", &file(&parts(1, &is(Sum::Is(0)))), first);
    all.only(
        "left to the card",
        &file(&parts(1, &is(Sum::Partial))),
        first,
    );
    let mut swapped = parts(1, &is(Sum::Is(0x1111)));
    swapped.swap(0, 1);
    all.only(
        "wrong, the last fragment before",
        &file(&swapped),
        &["packets[1].packet.payload.checksum"],
    );
    all.only(
        "the last fragment is not there",
        &file(&parts(1, &is(Sum::Is(0x1111)))[..1]),
        first,
    );
    // a length that is not that of the datagram
    let short = udp(&ends, Some(20), Sum::Is(0x1111), b"0123456789abcdef");
    all.only("a length of 20 of 24", &file(&parts(1, &short)), first);
    let long = udp(&ends, Some(25), Sum::Is(0x1111), b"0123456789abcdef");
    all.only("a length of 25 of 24", &file(&parts(1, &long)), first);
    // those that are whole are of another kind
    let three: Vec<_> = (1..4)
        .flat_map(|id| parts(id, &is(Sum::Is(0x1111))))
        .collect();
    let whole = ip.with(&is(Sum::Is(0x1111)));
    let with = |n: usize, right: bool| {
        let one = if right {
            ip.with(&is(Sum::Right))
        } else {
            whole.clone()
        };
        [three.clone(), vec![whole.clone()], vec![one; n]].concat()
    };
    let both = &[
        "packets[0].packet.payload.checksum",
        "packets[6].packet.payload.checksum",
    ];
    all.only(
        "three wrong ones in fragments, and right ones that are whole",
        &file(&with(3, true)),
        both,
    );
    all.only("wrong ones of both kinds", &file(&with(3, false)), both);
    // one fragment more often does not make another datagram
    let body = is(Sum::Right);
    let again = [parts(1, &body), parts(1, &body)].concat();
    all.only(
        "the same identification again",
        &file(&again),
        &[
            "packets[0].packet.payload.checksum",
            "packets[2].packet.payload.checksum",
        ],
    );
    all.keep();
}

#[test]
fn only_so_many_datagrams_wait_for_their_fragments() {
    let body = udp(&[A, B].concat(), None, Sum::Right, b"0123456789abcdef");
    let ip = V4 {
        protocol: 17,
        ..V4::default()
    };
    let description = |waiting: u16| {
        let mut file = Pcap::of(101);
        for id in 0..waiting {
            let first = V4 {
                id,
                word: 0x2000,
                ..ip
            };
            file = file.packet(&first.with(&body[..16]));
        }
        let last = V4 {
            id: 0,
            word: 2,
            ..ip
        };
        let file = pcap(file.packet(&last.with(&body[16..])).bytes());
        at(&file, ".packets[0].packet.payload.checksum").description()
    };
    assert_eq!(description(1).as_deref(), Some("valid"));
    assert_eq!(description(4096).as_deref(), Some("valid"));
    // with one more, all are forgotten
    assert_eq!(description(4097), None);
}
