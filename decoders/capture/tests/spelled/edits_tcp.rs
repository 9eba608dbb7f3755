//! Edits of segments: numbers, sums, and what is cut in several.

use super::build::{A, ACK, B, FIN, PSH, Pcap, SYN, Sum, Tcp, V4, V6, v6};
use super::edits::{ENDS, STAYS, edit, edit_but, file, number, one, text, udp_packet};
use super::{Listing, at, pcap};
use binq_core::{Plain, Scalar};
use binq_laws::{parse, put_back};

/// The packets of a connection: the client has said "hello", and the server "well".
pub(super) fn connection(tcp: Tcp<'_>, sums: Sum) -> Vec<Vec<u8>> {
    let syn = [2, 4, 0, 8];
    let server = |seq: u32, ack: u32, flags: u8, options: &[u8], payload: &[u8]| {
        let back = Tcp {
            ports: [80, 40_000],
            seq,
            ack,
            flags,
            options,
            ..tcp
        };
        let body = back.between(&[B, A].concat(), payload);
        V4 {
            protocol: 6,
            source: B,
            destination: A,
            ..V4::default()
        }
        .with(&body)
    };
    let client = |seq: u32, ack: u32, flags: u8, options: &[u8], sum: Sum, payload: &[u8]| {
        Tcp {
            seq,
            ack,
            flags,
            options,
            sum,
            ..tcp
        }
        .v4(payload)
    };
    vec![
        client(100, 0, SYN, &syn, Sum::Right, b""),
        server(500, 101, SYN | ACK, &syn, b""),
        client(101, 501, ACK | PSH, tcp.options, sums, b"hello"),
        server(501, 106, ACK, &[], b"well"),
        client(106, 505, ACK | FIN, tcp.options, sums, b"bye"),
        server(505, 110, ACK, &[], b""),
    ]
}

#[test]
fn segments() {
    let mut all = Listing::of("edits_tcp");
    let tcp = Tcp::default();
    let hello = ".packets[2].packet.payload.payload";
    let root = file(&connection(tcp, Sum::Right));
    for new in ["HELLO", "hi", "", "hello you", "hello all of you there"] {
        edit_but(
            &STAYS,
            &mut all,
            &format!("{new:?} for \"hello\""),
            &root,
            &[(hello, text(new))],
        );
    }
    let stream = ".tcp_connections[0].client.stream";
    edit_but(
        &STAYS,
        &mut all,
        "the stream",
        &root,
        &[(stream, text("hello, and bye now"))],
    );
    edit_but(
        &STAYS,
        &mut all,
        "the last segment",
        &root,
        &[(
            ".packets[4].packet.payload.payload",
            text("farewell to you"),
        )],
    );
    edit_but(
        &STAYS,
        &mut all,
        "of the server",
        &root,
        &[(".packets[3].packet.payload.payload", text("very well"))],
    );
    edit_but(
        &STAYS,
        &mut all,
        "a segment without payload",
        &root,
        &[(".packets[5].packet.payload.payload", text("so long"))],
    );
    edit_but(
        &STAYS,
        &mut all,
        "a number that is assigned",
        &root,
        &[
            (hello, text("hi")),
            (".packets[4].packet.payload.sequence_number", number(106)),
        ],
    );
    edit_but(
        &STAYS,
        &mut all,
        "a SYN with bytes",
        &root,
        &[(".packets[0].packet.payload.payload", text("fast and open"))],
    );
    for (name, sum) in [
        ("left to the card", Sum::Partial),
        ("zero", Sum::Is(0)),
        ("wrong", Sum::Is(0x1111)),
    ] {
        let root = file(&connection(tcp, sum));
        for new in ["HELLO", "hi", "hello all of you there"] {
            edit_but(
                &STAYS,
                &mut all,
                &format!("sums {name}, {new:?}"),
                &root,
                &[(hello, text(new))],
            );
        }
    }
    // timestamps take 12 bytes of what a segment may have
    let stamped = Tcp {
        options: &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        ..tcp
    };
    let root = file(&connection(stamped, Sum::Right));
    edit_but(
        &STAYS,
        &mut all,
        "with timestamps",
        &root,
        &[(hello, text("hello all of you there"))],
    );
    edit_but(
        &STAYS,
        &mut all,
        "a timestamp",
        &root,
        &[(".packets[2].packet.payload.options[2].value", number(9))],
    );
    // SACK: what the client lost is told by the server
    let mut packets = connection(tcp, Sum::Right);
    let edges = [101u32, 106, 106, 109].map(u32::to_be_bytes).concat();
    let options = [&[1, 1, 5, 18][..], &edges].concat();
    let sack = Tcp {
        ports: [80, 40_000],
        seq: 505,
        ack: 101,
        flags: ACK,
        options: &options,
        ..tcp
    };
    packets.push(
        V4 {
            protocol: 6,
            source: B,
            destination: A,
            ..V4::default()
        }
        .with(&sack.between(&[B, A].concat(), b"")),
    );
    edit_but(
        &STAYS,
        &mut all,
        "SACK",
        &file(&packets),
        &[(hello, text("hi"))],
    );
    // an MSS counts only where it may be named: in a SYN
    let named = Tcp {
        ports: [80, 40_000],
        seq: 505,
        ack: 110,
        flags: ACK,
        options: &[2, 4, 1, 0],
        ..tcp
    };
    let from_server = V4 {
        protocol: 6,
        source: B,
        destination: A,
        ..V4::default()
    };
    let mut packets = connection(tcp, Sum::Right);
    packets[5] = from_server.with(&named.between(&[B, A].concat(), b""));
    let edits = [(hello, text("hello you"))];
    edit_but(
        &STAYS,
        &mut all,
        "an MSS outside of a SYN",
        &file(&packets),
        &edits,
    );
    // numbers wrap
    let ip = V4 {
        protocol: 6,
        ..V4::default()
    };
    let wrap = |seq: u32, payload: &[u8]| ip.with(&Tcp { seq, ..tcp }.between(&ENDS, payload));
    let root = file(&[wrap(u32::MAX - 2, b"abc"), wrap(0, b"def"), wrap(3, b"g")]);
    edit_but(
        &STAYS,
        &mut all,
        "numbers that wrap",
        &root,
        &[(".packets[0].packet.payload.payload", text("abcdef"))],
    );
    // in the wrong order, and grown in two of them
    let root = file(&[
        wrap(1, b"abc"),
        wrap(7, b"ghi"),
        wrap(4, b"def"),
        wrap(10, b"jkl"),
    ]);
    let edits = [
        (".packets[1].packet.payload.payload", text("gi")),
        (".packets[2].packet.payload.payload", text("d")),
    ];
    edit_but(&STAYS, &mut all, "in the wrong order", &root, &edits);
    // what came twice
    let root = file(&[wrap(1, b"abc"), wrap(1, b"abc"), wrap(4, b"d")]);
    edit_but(
        &STAYS,
        &mut all,
        "what came twice",
        &root,
        &[(".tcp_connections[0].client.stream", text("abXXcd"))],
    );
    edit_but(
        &STAYS,
        &mut all,
        "one of the two",
        &root,
        &[(".packets[1].packet.payload.payload", text("abXXc"))],
    );
    all.keep();
}

#[test]
fn segments_left_to_the_card() {
    let mut all = Listing::of("edits_card");
    let payload = ".packets[0].packet.payload.payload";
    for (name, sum) in [
        ("right", Sum::Right),
        ("left to the card", Sum::Partial),
        ("zero", Sum::Is(0)),
        ("wrong", Sum::Is(0x1111)),
    ] {
        let body = Tcp {
            sum,
            ..Tcp::default()
        }
        .between(&ENDS, b"data");
        let root = one(
            101,
            &V4 {
                total: Some(0),
                protocol: 6,
                ..V4::default()
            }
            .with(&body),
        );
        for new in ["dame", "longer", "d"] {
            edit(
                &mut all,
                &format!("total length 0, sum {name}, {new:?}"),
                &root,
                &[(payload, text(new))],
            );
        }
        let ends = [v6(1), v6(2)].concat();
        let body = Tcp {
            sum,
            ..Tcp::default()
        }
        .between(&ends, b"data");
        let root = one(
            101,
            &V6 {
                len: Some(0),
                next: 6,
                ..V6::default()
            }
            .with(&body),
        );
        edit(
            &mut all,
            &format!("payload length 0, sum {name}"),
            &root,
            &[(payload, text("longer"))],
        );
    }
    all.keep();
}

#[test]
fn packets_that_the_capture_cut() {
    let mut all = Listing::of("edits_cut");
    for (name, sum) in [("right", Sum::Right), ("left to the card", Sum::Partial)] {
        let tcp = Tcp {
            sum,
            ..Tcp::default()
        }
        .v4(b"data and more");
        let udp = udp_packet(sum, b"data and more");
        for (protocol, data, cut) in [("TCP", tcp, 44), ("UDP", udp, 32)] {
            let root = pcap(Pcap::of(101).cut(&data[..cut], data.len() as u32).bytes());
            let payload = ".packets[0].packet.payload.payload";
            for new in ["dame", "dat", "longer", "longest"] {
                edit(
                    &mut all,
                    &format!("{protocol}, sum {name}, {new:?}"),
                    &root,
                    &[(payload, text(new))],
                );
            }
            edit(
                &mut all,
                &format!("{protocol}, sum {name}, a port"),
                &root,
                &[(".packets[0].packet.payload.source_port", number(7))],
            );
            edit(
                &mut all,
                &format!("{protocol}, sum {name}, an address"),
                &root,
                &[(".packets[0].packet.source_ip", text("10.0.0.7"))],
            );
        }
    }
    all.keep();
}

#[test]
fn a_right_sum_among_wrong_ones_stays_right() {
    let mut all = Listing::of("edits_right");
    let segment = |seq: u32, sum: Sum, payload: &[u8]| {
        let tcp = Tcp {
            seq,
            sum,
            ..Tcp::default()
        };
        tcp.between(&[A, B].concat(), payload)
    };
    let ip = V4 {
        protocol: 6,
        ..V4::default()
    };
    // whole, and in two fragments
    let whole = |id: u16, body: &[u8]| vec![V4 { id, ..ip }.with(body)];
    let parts = |id: u16, body: &[u8]| {
        let first = V4 {
            id,
            word: 0x2000,
            ..ip
        };
        let last = V4 { id, word: 3, ..ip };
        vec![first.with(&body[..24]), last.with(&body[24..])]
    };
    type Sent<'a> = &'a dyn Fn(u16, &[u8]) -> Vec<Vec<u8>>;
    let sent: [(&str, Sent<'_>, &str); 2] = [
        ("whole", &whole, ".packets[0].packet.payload.payload"),
        ("in fragments", &parts, ".tcp_connections[0].client.stream"),
    ];
    for (title, sent, path) in sent {
        let mut packets = sent(0, &segment(1, Sum::Right, b"12345678"));
        for i in 1..28u16 {
            let wrong = segment(1 + 8 * u32::from(i), Sum::Is(0x1111), b"12345678");
            packets.extend(sent(i, &wrong));
        }
        let root = file(&packets);
        let old = at(&root, path);
        let value = match old.scalar() {
            Scalar::Bytes(bytes) => [b"what is here and more to come", &bytes[8..]].concat(),
            other => panic!("{other}"),
        };
        let new = old.assign(Plain::Scalar(Scalar::Bytes(value.into())));
        let edited = put_back(&root, &parse(path), new.expect("bytes"));
        let again = pcap(edited.bytes().expect("encodes").to_vec());
        let sums = (0..10).map(|i| format!("packets[{i}].packet.payload.checksum"));
        let sums: Vec<String> = sums.collect();
        let sums: Vec<&str> = sums.iter().map(String::as_str).collect();
        all.only(title, &again, &sums);
    }
    all.keep();
}
