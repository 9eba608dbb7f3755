//! Packets by themselves: one that is written alone, and those that come and go.

use super::build::{Pcap, Sum, Tcp, crc, ethernet};
use super::edits::{file, udp_packet};
use super::edits_tcp::connection;
use super::{at, pcap};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Plain};
use binq_laws::{parse, put_back};

/// A root with a value assigned at a path.
fn with(root: &Node, path: &str, value: &str) -> Node {
    let new = at(root, path)
        .assign(Plain::Scalar(value.into()))
        .expect("a value");
    put_back(root, &parse(path), new)
}

#[test]
fn a_packet_alone_is_what_is_written_for_it() {
    let right = [
        ethernet(0x0800, &udp_packet(Sum::Right, b"data")),
        b"trail".to_vec(),
    ]
    .concat();
    let framed = [&right[..], &crc(&right)].concat();
    let tcp = Tcp::default().v4(b"data");
    for (link, data, path) in [
        (
            101,
            &udp_packet(Sum::Right, b"data")[..],
            ".packet.payload.payload",
        ),
        (101, &udp_packet(Sum::Right, b"data"), ".packet.source_ip"),
        (101, &tcp, ".packet.payload.payload"),
        (0x2400_0001, &framed, ".packet.payload.payload.payload"),
        (0x2400_0001, &framed, ".packet.source"),
    ] {
        let root = pcap(
            Pcap::of(link)
                .packet(b"-")
                .packet(data)
                .packet(b"-")
                .bytes(),
        );
        let value = match path.rsplit('.').next() {
            Some("source_ip") => "10.0.0.7",
            Some("source") => "02:00:00:00:00:07",
            _ => "longer",
        };
        let edited = with(&root, &format!(".packets[1]{path}"), value);
        let all = edited.bytes().expect("encodes");
        let record = at(&edited, ".packets[1]").bytes().expect("encodes");
        let from = at(&root, ".packets[1]").span().first_byte() as usize;
        assert_eq!(record, all[from..all.len() - 17], "{link} {path}");
        // and without what follows
        let plain = encode(&edited, &EncodeOptions { no_fix: true })
            .expect("encodes")
            .to_bytes();
        let span = at(&root, &format!(".packets[1]{path}")).span();
        let bytes = root.bytes().expect("encodes");
        let new = at(&edited, &format!(".packets[1]{path}"))
            .bytes()
            .expect("encodes");
        let (from, to) = (span.first_byte() as usize, span.end_byte() as usize);
        assert_eq!(
            plain,
            [&bytes[..from], &new, &bytes[to..]].concat(),
            "{link} {path}"
        );
    }
}

#[test]
fn packets_come_and_go_as_they_are() {
    let root = pcap(
        Pcap::of(147)
            .packet(b"one")
            .packet(b"two")
            .packet(b"three")
            .bytes(),
    );
    let bytes = root.bytes().expect("encodes");
    let packets = at(&root, ".packets");
    let one = |i: u64| Plain::Node(packets.item(i).expect("a packet"));
    let set = |items: Vec<Plain>| {
        let list = packets
            .clone()
            .assign(Plain::Array(items))
            .expect("packets");
        put_back(&root, &parse(".packets"), list)
            .bytes()
            .expect("encodes")
            .to_vec()
    };
    // 16 bytes of record and the packet
    let (head, a, b, c) = (&bytes[..24], &bytes[24..43], &bytes[43..62], &bytes[62..]);
    assert_eq!(set(vec![one(0), one(2)]), [head, a, c].concat());
    assert_eq!(set(vec![one(2), one(1), one(0)]), [head, c, b, a].concat());
    assert_eq!(set(vec![]), head);
    assert_eq!(
        set(vec![one(1), one(0), one(1), one(2)]),
        [head, b, a, b, c].concat()
    );
}

#[test]
fn a_packet_that_moves_takes_along_what_follows_from_its_edit() {
    let data = udp_packet(Sum::Right, b"data");
    let root = pcap(Pcap::of(101).packet(b"-").packet(&data).bytes());
    let edited = with(&root, ".packets[1].packet.payload.payload", "dame");
    let list = at(&edited, ".packets");
    let turned = [1, 0].map(|i| Plain::Node(list.item(i).expect("a packet")));
    let turned = list
        .clone()
        .assign(Plain::Array(turned.into()))
        .expect("packets");
    let turned = put_back(&edited, &parse(".packets"), turned);
    let write = |no_fix: bool| {
        let options = EncodeOptions { no_fix };
        encode(&turned, &options)
            .expect("encodes")
            .to_bytes()
            .to_vec()
    };
    let before = root.bytes().expect("encodes");
    let expected = |data: &[u8]| [&before[..24], &before[41..57], data, &before[24..41]].concat();
    assert_eq!(write(false), expected(&udp_packet(Sum::Right, b"dame")));
    // the checksum of before
    let mut plain = data.clone();
    plain[28..].copy_from_slice(b"dame");
    assert_eq!(write(true), expected(&plain));
}

#[test]
fn a_packet_goes_from_a_connection_that_changes() {
    let root = file(&connection(Tcp::default(), Sum::Right));
    let edited = with(&root, ".packets[2].packet.payload.payload", "hi");
    let list = at(&edited, ".packets").remove_item(5).expect("packets");
    let out = put_back(&edited, &parse(".packets"), list)
        .bytes()
        .expect("encodes");
    // what the edit makes of them, without the last one
    let all = edited.bytes().expect("encodes");
    assert_eq!(out, all[..all.len() - 56]);
}
