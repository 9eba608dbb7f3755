//! Streams: what TCP makes of segments in whatever order they come, RFC 9293 section 3.

use super::build::{A, ACK, B, FIN, PSH, Pcap, RST, SYN, Sum, Tcp, V4};
use super::{Listing, at, pcap};
use binq_core::{Node, NodeKind};

/// A connection, segment by segment: who sends it (0 is the client), its sequence and acknowledgment number counted from
/// the first one of its sender and receiver, flags, and payload.
type Said<'a> = (usize, i64, i64, u8, &'a [u8]);

const FIRST: [u32; 2] = [1000, 7_000_000];

fn segment((who, seq, ack, flags, payload): Said<'_>, first: [u32; 2], sum: Sum) -> Vec<u8> {
    let mut ends = [A, B];
    let mut ports = [40_000, 80];
    if who == 1 {
        ends.reverse();
        ports.reverse();
    }
    let number = |who: usize, n: i64| first[who].wrapping_add(n as u32);
    let tcp = Tcp {
        ports,
        seq: number(who, seq),
        ack: if flags & ACK == 0 {
            0
        } else {
            number(1 - who, ack)
        },
        flags,
        sum,
        ..Tcp::default()
    };
    let body = tcp.between(&ends.concat(), payload);
    V4 {
        protocol: 6,
        source: ends[0],
        destination: ends[1],
        ..V4::default()
    }
    .with(&body)
}

fn file(said: &[Said<'_>], first: [u32; 2]) -> Node {
    let add = |file: Pcap, said: &Said<'_>| file.packet(&segment(*said, first, Sum::Right));
    pcap(said.iter().fold(Pcap::of(101), add).bytes())
}

/// The connections, and for each stream where in the file its bytes are, and where they are once more.
fn list(all: &mut Listing, title: &str, file: &Node) {
    let connections = at(file, ".tcp_connections");
    all.add(title, &connections);
    for connection in connections.items() {
        for side in ["client", "server"] {
            let stream = at(&connection, &format!(".{side}.stream"));
            let parts: Vec<Node> = match stream.kind() {
                NodeKind::Scalar => vec![stream],
                _ => stream.fields().into_iter().map(|(_, part)| part).collect(),
            };
            for part in parts.iter().filter(|part| part.span().len > 0) {
                let places = |spans: Vec<binq_core::Span>| {
                    let one = |s: &binq_core::Span| format!(" {}+{}", s.first_byte(), s.byte_len());
                    spans.iter().map(one).collect::<String>()
                };
                let copies = places(part.copies());
                let again = if copies.is_empty() {
                    String::new()
                } else {
                    format!(", again at{copies}")
                };
                all.line(format!(
                    "  {} at{}{again}",
                    part.path_text(),
                    places(part.ranges())
                ));
            }
        }
    }
}

const HANDSHAKE: [Said<'static>; 3] = [
    (0, 0, 0, SYN, b""),
    (1, 0, 1, SYN | ACK, b""),
    (0, 1, 1, ACK, b""),
];

/// The handshake, and what comes after it.
fn after<'a>(said: &[Said<'a>]) -> Vec<Said<'a>> {
    [&HANDSHAKE[..], said].concat()
}

#[test]
fn segments_in_whatever_order() {
    let mut all = Listing::of("streams");
    for (title, said) in [
        ("only a SYN", vec![HANDSHAKE[0]]),
        ("only a handshake", HANDSHAKE.to_vec()),
        (
            "both ways, to the end",
            after(&[
                (0, 1, 1, ACK | PSH, b"hello"),
                (1, 1, 6, ACK, b"good"),
                (1, 5, 6, ACK | PSH, b"bye"),
                (0, 6, 8, ACK | FIN, b""),
                (1, 8, 7, ACK | FIN, b""),
                (0, 7, 9, ACK, b""),
            ]),
        ),
        (
            "in the wrong order",
            after(&[
                (0, 4, 1, ACK, b"def"),
                (0, 1, 1, ACK, b"abc"),
                (0, 7, 1, ACK, b"g"),
            ]),
        ),
        (
            "once more",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 1, 1, ACK, b"abc"),
                (0, 4, 1, ACK, b"d"),
            ]),
        ),
        (
            "twice more",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 1, 1, ACK, b"abc"),
                (0, 1, 1, ACK, b"abc"),
            ]),
        ),
        (
            "once more in other pieces",
            after(&[
                (0, 1, 1, ACK, b"abcd"),
                (0, 3, 1, ACK, b"cdef"),
                (0, 5, 1, ACK, b"ef"),
            ]),
        ),
        (
            "once more, longer",
            after(&[(0, 1, 1, ACK, b"abc"), (0, 1, 1, ACK, b"abcdef")]),
        ),
        (
            "inside of what is there",
            after(&[(0, 1, 1, ACK, b"abcdef"), (0, 3, 1, ACK, b"cd")]),
        ),
        (
            "in the middle something is lost",
            after(&[(0, 1, 1, ACK, b"abc"), (0, 6, 1, ACK, b"fg")]),
        ),
        (
            "at the beginning something is lost",
            after(&[(0, 3, 1, ACK, b"cd")]),
        ),
        (
            "twice something is lost",
            after(&[
                (0, 3, 1, ACK, b"cd"),
                (0, 8, 1, ACK, b"h"),
                (0, 5, 1, ACK, b"e"),
            ]),
        ),
        (
            "what was acknowledged was sent",
            after(&[(0, 1, 1, ACK, b"abc"), (1, 1, 6, ACK, b"")]),
        ),
        (
            "a FIN may be what was acknowledged",
            after(&[(0, 1, 1, ACK, b"abc"), (1, 1, 5, ACK, b"")]),
        ),
        (
            "nothing but an acknowledgment",
            after(&[(1, 1, 4, ACK, b"")]),
        ),
        (
            "a FIN behind what was lost",
            after(&[(0, 1, 1, ACK, b"abc"), (0, 6, 1, ACK | FIN, b"")]),
        ),
        (
            "a FIN with the last bytes",
            after(&[(0, 1, 1, ACK | FIN, b"abc")]),
        ),
        (
            "bytes behind the FIN",
            after(&[(0, 1, 1, ACK | FIN, b"abc"), (0, 4, 1, ACK, b"more")]),
        ),
        (
            "an acknowledgment of an RST says nothing",
            after(&[(0, 1, 1, ACK, b"abc"), (1, 1, 7, ACK | RST, b"")]),
        ),
        (
            "an RST says why",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 4, 1, RST | ACK, b"because"),
                (0, 4, 1, ACK, b"d"),
            ]),
        ),
        (
            "a SYN with bytes",
            vec![
                (0, 0, 0, SYN, b"fast"),
                (1, 0, 5, SYN | ACK, b"open"),
                (0, 5, 5, ACK, b"!"),
            ],
        ),
        (
            "a SYN once more",
            vec![
                HANDSHAKE[0],
                HANDSHAKE[0],
                HANDSHAKE[1],
                HANDSHAKE[2],
                (0, 1, 1, ACK, b"abc"),
            ],
        ),
        (
            "an answer before its SYN",
            vec![
                HANDSHAKE[1],
                HANDSHAKE[0],
                (0, 1, 1, ACK, b"abc"),
                (1, 1, 4, ACK, b"de"),
            ],
        ),
        (
            "bytes before their SYN",
            vec![
                (0, 1, 1, ACK, b"abc"),
                HANDSHAKE[0],
                HANDSHAKE[1],
                (0, 4, 1, ACK, b"d"),
            ],
        ),
        (
            "joined late",
            vec![(1, 50, 20, ACK, b"served"), (0, 20, 56, ACK, b"asked")],
        ),
        (
            "joined late, in the wrong order",
            vec![(0, 25, 50, ACK, b"fg"), (0, 20, 50, ACK, b"abcde")],
        ),
        (
            "joined late, and something is lost",
            vec![(0, 20, 50, ACK, b"ab"), (0, 25, 50, ACK, b"fg")],
        ),
        (
            "joined late, with the end",
            vec![(0, 20, 50, ACK | FIN, b"ab"), (1, 50, 23, ACK | FIN, b"")],
        ),
    ] {
        list(&mut all, title, &file(&said, FIRST));
    }
    let wrapped = after(&[
        (0, 1, 1, ACK, b"before"),
        (0, 7, 1, ACK, b"after"),
        (1, 1, 12, ACK, b"both"),
        (0, 12, 5, ACK | FIN, b""),
    ]);
    list(
        &mut all,
        "numbers that wrap",
        &file(&wrapped, [u32::MAX - 4, u32::MAX - 1]),
    );
    list(
        &mut all,
        "numbers that wrap in the wrong order",
        &file(
            &after(&[(0, 7, 1, ACK, b"after"), (0, 1, 1, ACK, b"before")]),
            [u32::MAX - 4, 0],
        ),
    );
    all.keep();
}

#[test]
fn segments_that_are_in_no_stream() {
    let mut all = Listing::of("streams_odd");
    // the largest window, RFC 7323 section 2.3
    const FARTHEST: i64 = 65_535 << 14;
    for (title, said) in [
        (
            "a keep-alive",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 3, 1, ACK, b"c"),
                (0, 4, 1, ACK, b"d"),
            ]),
        ),
        (
            "a keep-alive with another byte",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 3, 1, ACK, b"?"),
                (0, 4, 1, ACK, b"d"),
            ]),
        ),
        (
            "a keep-alive before the first byte",
            after(&[(0, 0, 1, ACK, b"?"), (0, 1, 1, ACK, b"abc")]),
        ),
        (
            "a byte that is farther before",
            after(&[(0, -1, 1, ACK, b"?"), (0, 1, 1, ACK, b"abc")]),
        ),
        (
            "two bytes before the first one",
            after(&[(0, -1, 1, ACK, b"??"), (0, 1, 1, ACK, b"abc")]),
        ),
        (
            "three segments before the first byte",
            after(&[
                (0, -9, 1, ACK, b"??"),
                (0, -7, 1, ACK, b"???"),
                (0, -4, 1, ACK, b"?????"),
                (0, 1, 1, ACK, b"abc"),
            ]),
        ),
        (
            "one that begins before the first byte",
            after(&[(0, -2, 1, ACK, b"???abc"), (0, 4, 1, ACK, b"d")]),
        ),
        (
            "one far behind the others",
            after(&[(0, 1, 1, ACK, b"abc"), (0, FARTHEST + 5, 1, ACK, b"far")]),
        ),
        (
            "two far before the others",
            after(&[
                (0, 1, 1, ACK, b"abc"),
                (0, 3 - FARTHEST, 1, ACK, b"far"),
                (0, -FARTHEST, 1, ACK, b"gone"),
            ]),
        ),
        (
            "one far behind without bytes",
            after(&[(0, 1, 1, ACK, b"abc"), (0, FARTHEST + 5, 1, ACK, b"")]),
        ),
        (
            "an acknowledgment far behind",
            after(&[(0, 1, 1, ACK, b"abc"), (1, 1, FARTHEST + 5, ACK, b"")]),
        ),
        (
            "other bytes",
            after(&[
                (0, 1, 1, ACK, b"abcdef"),
                (0, 1, 1, ACK, b"abXYef"),
                (0, 7, 1, ACK, b"g"),
            ]),
        ),
        (
            "another byte at the end",
            after(&[(0, 1, 1, ACK, b"abc"), (0, 2, 1, ACK, b"bX")]),
        ),
        (
            "other bytes in two segments",
            after(&[
                (0, 1, 1, ACK, b"abcdef"),
                (0, 1, 1, ACK, b"Xbc"),
                (0, 4, 1, ACK, b"dYZ"),
            ]),
        ),
    ] {
        list(&mut all, title, &file(&said, FIRST));
    }
    // just as far as may be: what lies between was lost, and its pieces are not listed
    let near = file(
        &after(&[(0, 1, 1, ACK, b"abc"), (0, FARTHEST + 4, 1, ACK, b"d")]),
        FIRST,
    );
    all.only(
        "as far as may be",
        &near,
        &["client", "client.skipped_bytes"],
    );
    // place 3 is the next one, which number 4 has
    let acknowledged = |far: i64| {
        let said = after(&[(0, 1, 1, ACK, b"abc"), (1, 1, 4 + FARTHEST + far, ACK, b"")]);
        let file = file(&said, FIRST);
        at(&file, ".tcp_connections[0].client.skipped_bytes").scalar()
    };
    all.line(format!(
        "# acknowledged as far as may be, and farther\n{} {}",
        acknowledged(0),
        acknowledged(1)
    ));
    all.keep();
}

/// Segments, some of which have a wrong checksum, or whose packet has one.
fn damaged(said: &[(Said<'_>, [bool; 2])]) -> Node {
    let add = |file: Pcap, (said, [tcp, ip]): &(Said<'_>, [bool; 2])| {
        let mut data = segment(
            *said,
            FIRST,
            if *tcp { Sum::Right } else { Sum::Is(0x1111) },
        );
        if !ip {
            data[10] ^= 0x55;
        }
        file.packet(&data)
    };
    pcap(said.iter().fold(Pcap::of(101), add).bytes())
}

#[test]
fn what_has_a_wrong_sum_gives_way() {
    let mut all = Listing::of("streams_damaged");
    const OK: [bool; 2] = [true, true];
    const BAD: [bool; 2] = [false, true];
    const BAD_IP: [bool; 2] = [true, false];
    let open = HANDSHAKE.map(|said| (said, OK));
    let with = |said: &[(Said<'static>, [bool; 2])]| damaged(&[&open[..], said].concat());
    let seg = |seq: i64, payload: &'static [u8]| -> Said<'static> { (0, seq, 1, ACK, payload) };
    for (title, node) in [
        (
            "a damaged one, then a right one",
            with(&[
                (seg(1, b"aXc"), BAD),
                (seg(1, b"abc"), OK),
                (seg(4, b"d"), OK),
            ]),
        ),
        (
            "a right one, then a damaged one",
            with(&[
                (seg(1, b"abc"), OK),
                (seg(1, b"aXc"), BAD),
                (seg(4, b"d"), OK),
            ]),
        ),
        (
            "a damaged IP header",
            with(&[
                (seg(1, b"aXc"), BAD_IP),
                (seg(1, b"abc"), OK),
                (seg(4, b"d"), OK),
            ]),
        ),
        (
            "two that are damaged, and none that is right",
            damaged(&[(seg(1, b"aXc"), BAD), (seg(1, b"abc"), BAD)]),
        ),
        (
            "a damaged one whose bytes came again in part",
            with(&[
                (seg(1, b"abXXef"), BAD),
                (seg(3, b"cd"), OK),
                (seg(7, b"g"), OK),
            ]),
        ),
        (
            "a damaged one between others",
            with(&[
                (seg(1, b"ab"), OK),
                (seg(2, b"XcXe"), BAD),
                (seg(4, b"d"), OK),
                (seg(6, b"f"), OK),
            ]),
        ),
        (
            "a damaged one behind the others",
            with(&[
                (seg(1, b"abc"), OK),
                (seg(3, b"Xde"), BAD),
                (seg(6, b"f"), OK),
            ]),
        ),
        (
            "a damaged one that disputes nothing",
            with(&[(seg(1, b"abc"), BAD), (seg(4, b"d"), OK)]),
        ),
        (
            "a damaged one that begins before the first byte",
            with(&[
                (seg(-1, b"??Xb"), BAD),
                (seg(1, b"ab"), OK),
                (seg(3, b"c"), OK),
            ]),
        ),
    ] {
        list(&mut all, title, &node);
    }
    all.keep();
}

#[test]
fn the_same_ports_again() {
    let mut all = Listing::of("streams_ports");
    let first = after(&[(0, 1, 1, ACK, b"one"), (1, 1, 4, ACK, b"eins")]);
    // a second connection, whose numbers are far behind those of the first
    let later = |said: &[Said<'static>]| -> Vec<Said<'static>> {
        let by = [100_000, 200_000];
        let moved = |(who, seq, ack, flags, bytes): &Said<'static>| {
            (*who, seq + by[*who], ack + by[1 - who], *flags, *bytes)
        };
        said.iter().map(moved).collect()
    };
    for (title, second) in [
        (
            "another handshake",
            later(&after(&[(0, 1, 1, ACK, b"two"), (1, 1, 4, ACK, b"zwei")])),
        ),
        (
            "a SYN, and both speak at once",
            later(&[HANDSHAKE[0], (0, 1, 1, ACK, b"two")]),
        ),
        ("a SYN that is not answered: the first one goes on", {
            let mut said = later(&[HANDSHAKE[0]]);
            said.extend([(0, 4, 5, ACK, &b"more"[..]), (1, 5, 8, ACK, b"mehr")]);
            said
        }),
        ("a SYN that is answered by an acknowledgment", {
            let mut said = later(&[HANDSHAKE[0]]);
            said.extend([(1, 5, 4, ACK, &b""[..]), (0, 4, 5, RST, b"")]);
            said
        }),
        ("an RST, and a handshake", {
            let mut said: Vec<Said<'static>> = vec![(0, 4, 5, RST | ACK, b"")];
            said.extend(later(&after(&[(0, 1, 1, ACK, b"two")])));
            said
        }),
        ("a late segment of the first one", {
            let mut said = later(&HANDSHAKE);
            said.extend([(0, 4, 5, ACK, &b"late"[..])]);
            said
        }),
    ] {
        list(
            &mut all,
            title,
            &file(&[first.clone(), second].concat(), FIRST),
        );
    }
    // RFC 9293 section 3.5, figure 8
    let both = [
        (0, 0, 0, SYN, &b""[..]),
        (1, 0, 0, SYN, b""),
        (0, 0, 1, SYN | ACK, b""),
        (1, 0, 1, SYN | ACK, b""),
        (0, 1, 1, ACK, b"a"),
        (1, 1, 2, ACK, b"b"),
    ];
    list(&mut all, "both open it", &file(&both, FIRST));
    all.keep();
}

#[test]
fn segments_that_are_not_all_there() {
    let mut all = Listing::of("streams_cut");
    let add = |file: Pcap, (said, cut): &(Said<'_>, usize)| {
        let data = segment(*said, FIRST, Sum::Right);
        file.cut(&data[..data.len() - cut], data.len() as u32)
    };
    let open = HANDSHAKE.map(|said| (said, 0));
    let seg = |seq: i64, payload: &'static [u8]| -> Said<'static> { (0, seq, 1, ACK, payload) };
    for (title, said) in [
        ("one is cut", vec![(seg(1, b"abc"), 1), (seg(4, b"de"), 0)]),
        (
            "the last one is cut",
            vec![(seg(1, b"abc"), 0), (seg(4, b"de"), 1)],
        ),
        (
            "nothing of it was captured",
            vec![(seg(1, b"abc"), 3), (seg(4, b"de"), 0)],
        ),
        (
            "its header was cut",
            vec![(seg(1, b"abc"), 4), (seg(4, b"de"), 0)],
        ),
        (
            "the rest came again",
            vec![(seg(1, b"abcd"), 2), (seg(3, b"cd"), 0)],
        ),
        (
            "it came again whole",
            vec![(seg(1, b"abcd"), 2), (seg(1, b"abcd"), 0)],
        ),
        (
            "it came again cut otherwise",
            vec![(seg(1, b"abcd"), 1), (seg(1, b"abcd"), 2)],
        ),
    ] {
        let said = [&open[..], &said].concat();
        list(
            &mut all,
            title,
            &pcap(said.iter().fold(Pcap::of(101), add).bytes()),
        );
    }
    // in fragments: 20 bytes of header and 20 of payload
    let whole = Tcp {
        seq: 1001,
        ack: 7_000_001,
        ..Tcp::default()
    };
    let whole = whole.between(&[A, B].concat(), b"0123456789abcdefghij");
    let next = Tcp {
        seq: 1021,
        ack: 7_000_001,
        ..Tcp::default()
    }
    .v4(b"next");
    let ip = V4 {
        protocol: 6,
        id: 9,
        ..V4::default()
    };
    let part = |from: usize, to: usize| {
        let more = if to < whole.len() { 0x2000 } else { 0 };
        V4 {
            word: more | (from / 8) as u16,
            ..ip
        }
        .with(&whole[from..to])
    };
    for (title, parts) in [
        (
            "in three fragments",
            vec![part(0, 24), part(24, 32), part(32, 40)],
        ),
        (
            "in the wrong order",
            vec![part(32, 40), part(0, 24), part(24, 32)],
        ),
        ("the header in two", vec![part(0, 16), part(16, 40)]),
        (
            "one came twice",
            vec![part(0, 24), part(0, 24), part(24, 40)],
        ),
        ("two overlap", vec![part(0, 24), part(16, 32), part(24, 40)]),
        (
            "the one in the middle is lost",
            vec![part(0, 24), part(32, 40)],
        ),
        ("the last one is lost", vec![part(0, 24), part(24, 32)]),
        ("the first one is lost", vec![part(24, 32), part(32, 40)]),
        (
            "of the header only a part came",
            vec![part(0, 16), part(24, 40)],
        ),
        ("of the header just all came", vec![part(0, 24)]),
        (
            "the last one in two lengths",
            vec![
                part(0, 24),
                V4 { word: 3, ..ip }.with(&whole[24..32]),
                part(32, 40),
            ],
        ),
    ] {
        let open = HANDSHAKE.map(|said| segment(said, FIRST, Sum::Right));
        let packets = open.iter().chain(&parts).chain([&next]);
        let file = packets.fold(Pcap::of(101), |file, data| file.packet(data));
        list(&mut all, title, &pcap(file.bytes()));
    }
    all.keep();
}
