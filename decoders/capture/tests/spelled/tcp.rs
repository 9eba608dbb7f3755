//! TCP, RFC 9293 and the documents of its options.

use super::build::{A, ACK, B, FIN, PSH, Pcap, RST, SYN, Tcp, V4, ethernet};
use super::{Listing, at, pcap};
use binq_core::Node;

/// What a packet over IPv4 carries.
fn carried(data: &[u8], original: u32) -> Node {
    at(
        &pcap(Pcap::of(228).cut(data, original).bytes()),
        ".packets[0].packet.payload",
    )
}

fn segment(tcp: Tcp<'_>, payload: &[u8]) -> Node {
    let data = tcp.v4(payload);
    carried(&data, data.len() as u32)
}

#[test]
fn headers() {
    let mut all = Listing::of("tcp");
    let tcp = Tcp::default();
    all.add("every field", &segment(tcp, b"data"));
    // every other bit, then the others
    for (title, word) in [
        ("reserved, cwr, urg, psh, syn", 0x5aaa),
        ("reserved, ns, ece, ack, rst, fin", 0x5555),
        ("ns, cwr, ece, urg", 0x51e0),
        ("ack, psh, rst", 0x5000 | u16::from(ACK | PSH | RST)),
        ("syn, fin", 0x5000 | u16::from(SYN | FIN)),
    ] {
        let word = Some(word);
        let flags = [
            "reserved", "ns", "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin", "offset",
        ];
        all.only(title, &segment(Tcp { word, ..tcp }, b""), &flags);
    }
    let named = [
        "payload",
        "data_offset",
        "options",
        "].kind",
        "gap0",
        "].length",
        "].data",
    ];
    for (title, offset, options, payload) in [
        ("4 words", 4, &[][..], &b"data"[..]),
        ("6 words, which are there", 6, &[1, 1, 1, 0], b"data"),
        ("6 words, with the payload", 6, &[], b"\x01\x01\x01\x01data"),
        ("6 words of 5", 6, &[], b""),
        ("6 words of 5 and a half", 6, &[], b"\x01\x01"),
        ("15 words", 15, &[1; 40], b"data"),
        ("15 words of 14", 15, &[1; 36], b""),
    ] {
        let word = Some(offset << 12 | 0x10);
        let tcp = Tcp {
            word,
            options,
            ..tcp
        };
        all.only(title, &segment(tcp, payload), &named);
    }
    for len in [19, 14, 1, 0] {
        let data = V4 {
            protocol: 6,
            ..V4::default()
        }
        .with(&tcp.between(&[A, B].concat(), b"")[..len]);
        all.add(&format!("{len} bytes"), &carried(&data, data.len() as u32));
    }
    all.keep();
}

#[test]
fn segments_that_the_capture_cut() {
    let mut all = Listing::of("tcp_cut");
    let tcp = Tcp {
        options: &[1, 3, 3, 7, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0],
        ..Tcp::default()
    };
    let data = tcp.v4(b"data");
    let named = [
        "payload",
        "data_offset",
        "checksum",
        "options",
        "]",
        ".kind",
        ".length",
        ".shift",
        ".value",
        "gap0",
        ".echo_reply",
        ".size",
        ".data",
    ];
    for len in [
        39, 40, 41, 42, 43, 44, 45, 46, 47, 50, 54, 55, 56, 57, 59, 60,
    ] {
        all.only(&format!("{len} of 60"), &carried(&data[..len], 60), &named);
    }
    // a header that is longer than its packet, whatever was captured
    let word = Some(15 << 12 | 0x10);
    let long = Tcp {
        word,
        options: &[1; 4],
        ..tcp
    }
    .v4(b"");
    for len in [44, 42, 40] {
        all.only(
            &format!("15 words of 6, {len} of 44"),
            &carried(&long[..len], 44),
            &named,
        );
    }
    // one that ends with the header, which is all there
    let short = Tcp {
        options: &[1, 1, 1, 2],
        ..Tcp::default()
    };
    let data = short.v4(b"data");
    all.only(
        "cut just behind the header",
        &carried(&data[..44], 48),
        &named,
    );
    // an option that ends too early, where nothing of the segment was cut
    let ends = [A, B].concat();
    let cut = Tcp {
        word,
        options: &[1, 1, 3, 3],
        ..tcp
    }
    .between(&ends, b"");
    let ip = V4 {
        protocol: 6,
        ..V4::default()
    };
    let beyond = V4 {
        total: Some(99),
        ..ip
    };
    let data = beyond.with(&cut);
    all.only(
        "a total length beyond the packet",
        &carried(&data, 44),
        &named,
    );
    let frame = ethernet(0x0800, &ip.with(&cut));
    let file = pcap(Pcap::of(1).cut(&frame, 60).bytes());
    let node = at(&file, ".packets[0].packet.payload.payload");
    all.only("cut just behind it", &node, &named);
    all.keep();
}

#[test]
fn options() {
    let mut all = Listing::of("tcp_options");
    for (title, options) in [
        ("end, and what is behind it", vec![0, 9, 9, 9]),
        ("end at the end", vec![1, 1, 1, 0]),
        ("nothing but a kind at the end", vec![1, 1, 1, 2]),
        ("MSS of 1", vec![2, 1, 5, 180]),
        ("MSS of 2", vec![2, 2, 1, 1]),
        ("MSS of 3", vec![2, 3, 5, 1]),
        ("MSS of 4", vec![2, 4, 5, 180]),
        ("MSS of 5", vec![2, 5, 5, 180, 9, 1, 1, 1]),
        ("MSS of 5, of which 4 are there", vec![2, 5, 5, 180]),
        ("window scale of 2", vec![3, 2, 1, 1]),
        ("window scale of 3", vec![3, 3, 14, 1]),
        ("window scale of 4", vec![3, 4, 14, 9]),
        ("SACK permitted of 2", vec![4, 2, 1, 1]),
        ("SACK permitted of 3", vec![4, 3, 7, 1]),
        ("SACK without blocks", vec![5, 2, 1, 1]),
        ("SACK of 9", vec![5, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        ("SACK of a block", vec![5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1]),
        (
            "SACK of two blocks",
            vec![5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 1, 1],
        ),
        ("SACK of 11", vec![5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 3, 1]),
        ("timestamps of 9", vec![8, 9, 0, 0, 0, 1, 0, 0, 2, 1, 1, 1]),
        (
            "timestamps of 10",
            vec![8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1],
        ),
        (
            "timestamps of 11",
            vec![8, 11, 0, 0, 0, 1, 0, 0, 0, 2, 3, 1],
        ),
        ("MPTCP", vec![30, 4, 0x20, 0]),
        ("Fast Open", vec![34, 6, 1, 2, 3, 4, 1, 1]),
        ("Fast Open without a cookie", vec![34, 2, 1, 1]),
        ("an unknown one", vec![253, 4, 1, 2]),
        ("a length of 0", vec![253, 0, 1, 2]),
        ("a length of all", vec![253, 4, 1, 1]),
        ("a length of more than all", vec![1, 253, 4, 1]),
    ] {
        let tcp = Tcp {
            options: &options,
            ..Tcp::default()
        };
        all.add(title, &at(&segment(tcp, b""), ".options"));
    }
    all.keep();
}

#[test]
fn options_of_fragments() {
    let mut all = Listing::of("tcp_fragments");
    // 32 bytes of header and 8 of payload, in fragments of 24 and 16
    let tcp = Tcp {
        options: &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        ..Tcp::default()
    };
    let whole = tcp.between(&[A, B].concat(), b"12345678");
    let ip = V4 {
        protocol: 6,
        ..V4::default()
    };
    let first = |len: usize| V4 { word: 0x2000, ..ip }.with(&whole[..len]);
    let last = |from: usize| {
        V4 {
            word: (from / 8) as u16,
            ..ip
        }
        .with(&whole[from..])
    };
    for (title, from, packets) in [
        ("all of them", 24, vec![first(24), last(24)]),
        ("only the first", 24, vec![first(24)]),
        ("the last one before", 24, vec![last(24), first(24)]),
        ("a first one of 16 bytes", 16, vec![first(16), last(16)]),
        ("a first one of 16 bytes, alone", 16, vec![first(16)]),
    ] {
        let file = packets
            .iter()
            .fold(Pcap::of(101), |file, data| file.packet(data));
        let file = pcap(file.bytes());
        let _ = from;
        for i in 0..packets.len() {
            let title = format!("{title}, packet {i}");
            all.add(&title, &at(&file, &format!(".packets[{i}].packet.payload")));
        }
    }
    // a header that is longer than all fragments
    let word = Some(15 << 12 | 0x10);
    let long = Tcp {
        word,
        ..Tcp::default()
    }
    .between(&[A, B].concat(), b"1234");
    let packets = [
        V4 { word: 0x2000, ..ip }.with(&long[..16]),
        V4 { word: 2, ..ip }.with(&long[16..]),
        V4 {
            word: 0x2000,
            id: 9,
            ..ip
        }
        .with(&[&long[..], &[1; 8]].concat()),
        V4 {
            word: 4,
            id: 9,
            ..ip
        }
        .with(&[1; 24]),
    ];
    let file = packets
        .iter()
        .fold(Pcap::of(101), |file, data| file.packet(data));
    let file = pcap(file.bytes());
    for i in 0..4 {
        let node = at(&file, &format!(".packets[{i}].packet.payload"));
        all.only(
            &format!("15 words, packet {i}"),
            &node,
            &["payload", "data_offset", "options"],
        );
    }
    all.keep();
}
