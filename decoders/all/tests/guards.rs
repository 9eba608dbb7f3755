//! Guards of packets that no sample has: options, and headers that just fit.

use binq_core::{Node, Options};
use binq_laws::{follow, parse};

/// A capture of IP packets.
fn pcap(packets: &[Vec<u8>]) -> Node {
    let mut out = Vec::new();
    for n in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        out.extend(n.to_le_bytes());
    }
    for packet in packets {
        for n in [1_700_000_000, 0, packet.len() as u32, packet.len() as u32] {
            out.extend(n.to_le_bytes());
        }
        out.extend(packet);
    }
    let decoded =
        binq_all::registry().decode(Some("pcap"), bytes::Bytes::from(out), &Options::default());
    decoded.expect("a format that is named")
}

fn bytes_at(root: &Node, path: &str) -> Vec<u8> {
    let node = follow(root, &parse(path)).unwrap_or_else(|| panic!("no {path}"));
    node.bytes().unwrap().to_vec()
}

fn ipv4(options: &[u8], body: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut ip = vec![0x40 | (header / 4) as u8, 0];
    ip.extend(((header + body.len()) as u16).to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    ip.extend(options);
    let sum = binq_laws::wire::checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    [&ip, body].concat()
}

#[test]
fn options_of_an_ip_packet_end_where_its_header_does() {
    for options in [&[][..], &[7, 4, 0, 0], &[1, 1, 1, 1, 7, 4, 0, 0], &[1; 40]] {
        let root = pcap(&[ipv4(options, b"payload")]);
        let packet = ".packets[0].packet";
        match options {
            [] => assert!(follow(&root, &parse(&format!("{packet}.options"))).is_none()),
            _ => assert_eq!(bytes_at(&root, &format!("{packet}.options")), options),
        }
        assert_eq!(bytes_at(&root, &format!("{packet}.payload")), b"payload");
        let sum = follow(&root, &parse(&format!("{packet}.header_checksum"))).unwrap();
        assert_eq!(sum.description().as_deref(), Some("valid"));
    }
}

#[test]
fn a_header_of_ipv6_needs_forty_bytes_and_no_more() {
    let packet = |len: usize| {
        let mut ip = vec![0x60, 0, 0, 0, 0, 0, 59, 64];
        ip.extend([0xfd; 16]);
        ip.extend([0xfe; 16]);
        ip.truncate(len);
        ip
    };
    let whole = pcap(&[packet(40)]);
    let node = follow(&whole, &parse(".packets[0].packet")).unwrap();
    assert_eq!(node.finding(), None);
    assert_eq!(
        bytes_at(&whole, ".packets[0].packet.destination_ip"),
        [0xfe; 16]
    );
    let cut = pcap(&[packet(39)]);
    let node = follow(&cut, &parse(".packets[0].packet")).unwrap();
    let fault = node.fault().expect("a byte is missing");
    assert!(fault.expected.contains("40 bytes"), "{fault}");
    assert!(node.field("destination_ip").is_none());
}

/// A section header of which one mark is damaged is known by the others; bytes with none of them are no section.
#[test]
fn a_section_is_known_by_one_of_its_marks() {
    let section = |kind: u32, order: u32, length: u32| {
        let mut out = Vec::new();
        for n in [kind, length, order, 1, 0xffff_ffff, 0xffff_ffff, 28] {
            out.extend(n.to_le_bytes());
        }
        out
    };
    let decoded = |bytes: Vec<u8>| {
        let bytes = bytes::Bytes::from(bytes);
        let root = binq_all::registry()
            .decode(Some("pcapng"), bytes, &Options::default())
            .unwrap();
        root.field("blocks").map_or(0, |b| b.len())
    };
    const KIND: u32 = 0x0a0d_0d0a;
    const ORDER: u32 = 0x1a2b_3c4d;
    for (kind, order, length, blocks) in [
        (KIND, ORDER, 28, 1),
        (KIND ^ 0x100, ORDER, 28, 1),
        (KIND, ORDER ^ 0x100, 28, 1),
        // no mark, and a length that is none
        (KIND ^ 0x100, ORDER ^ 0x100, 27, 0),
        (KIND ^ 0x100, ORDER ^ 0x100, 8, 0),
        (KIND ^ 0x100, ORDER ^ 0x100, 4000, 0),
    ] {
        let found = decoded(section(kind, order, length));
        assert_eq!(found, blocks, "{kind:x} {order:x} {length}");
    }
}
