//! Packets that the capture cut, and headers that lie in several fragments.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, SYN, Wire};
use crate::{at, capture, captures, decode, encoded, set, text};
use binq_core::{Node, Severity};
use bytes::Bytes;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: hhhhhhhhhhhhhhhhhhhh\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A pcap file as it were with another snaplen.
fn cut(pcap: &Bytes, snaplen: usize) -> Bytes {
    let is_big = pcap[0] == 0xa1;
    let number = |b: &[u8]| {
        let b = b.try_into().unwrap();
        if is_big {
            u32::from_be_bytes(b)
        } else {
            u32::from_le_bytes(b)
        }
    };
    let mut out = pcap[..24].to_vec();
    let mut rest = &pcap[24..];
    while let Some((record, after)) = rest.split_at_checked(16) {
        let (packet, after) = after.split_at(number(&record[8..12]) as usize);
        let packet = &packet[..packet.len().min(snaplen)];
        let len = packet.len() as u32;
        out.extend(&record[..8]);
        out.extend(if is_big {
            len.to_be_bytes()
        } else {
            len.to_le_bytes()
        });
        out.extend(&record[12..]);
        out.extend(packet);
        rest = after;
    }
    out.into()
}

#[test]
fn a_snaplen_in_any_header_is_odd_and_no_more() {
    for (name, bytes) in captures() {
        let is_pcap = [0xa1, 0xd4, 0x4d].contains(&bytes[0]);
        // what is wrong with a sample as it is says nothing here
        let root = decode(&bytes);
        let is_sound = |root: &Node| root.findings().all(|f| f.severity < Severity::Damage);
        if !is_pcap || !is_sound(&root) || bytes.len() > 20_000 {
            continue;
        }
        for snaplen in (1..100).step_by(3) {
            let root = decode(&cut(&bytes, snaplen));
            for packet in at(&root, ".packets").items() {
                let worst = packet.findings().map(|f| f.severity).max();
                assert!(worst.is_none_or(|s| s <= Severity::Odd), "{name} {snaplen}");
            }
        }
    }
    // what a header says that was not cut is told as before
    let bytes = capture("sums.pcap");
    let root = decode(&cut(&bytes, 40));
    let found: Vec<_> = root
        .findings()
        .filter(|f| f.severity == Severity::Odd)
        .collect();
    assert!(
        found
            .iter()
            .any(|f| f.expected == "20 bytes of tcp_segment"),
        "{found:?}"
    );
    let mut short = bytes.to_vec();
    // the first packet: its record and what it says it had end in the header of TCP
    short.drain(24 + 16 + 40..);
    short[32..36].copy_from_slice(&40u32.to_le_bytes());
    short[36..40].copy_from_slice(&40u32.to_le_bytes());
    let root = decode(&short.into());
    let worst = root.findings().map(|f| f.severity).max();
    assert_eq!(worst, Some(Severity::Stops));
}

/// A connection whose packets of the client come in fragments of these sizes.
fn spoken(ip: Ip, sizes: &[usize], options: bool) -> (Wire, Vec<usize>) {
    let mut wire = Wire::new(ip, [1000, 9000]);
    let mss = [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7];
    wire.segment(CLIENT, 1000, 0, SYN, &mss, b"");
    wire.segment(SERVER, 9000, 1001, SYN | ACK, &mss, b"");
    wire.next = [1001, 9001];
    wire.segment(
        CLIENT,
        1001,
        9001,
        ACK | PSH,
        &[1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
        REQUEST,
    );
    wire.next[CLIENT] += REQUEST.len() as u32;
    wire.send(SERVER, RESPONSE);
    wire.close();
    for i in [2, 0] {
        wire.fragment_in(i, sizes, options, |_| ());
    }
    (wire, vec![2, 0])
}

#[test]
fn a_header_of_tcp_in_several_fragments() {
    for (ip, options) in [
        (Ip::V4, false),
        (Ip::V6Extended, false),
        (Ip::V6Extended, true),
    ] {
        for sizes in [&[8, 8][..], &[16], &[8], &[24], &[32]] {
            // with its options, a first fragment has more of IPv6 before it has any of TCP
            let first = if options { 16 } else { 0 };
            let mut sizes = sizes.to_vec();
            sizes[0] += first;
            let (wire, _) = spoken(ip, &sizes, options);
            let bytes = wire.pcap();
            let root = decode(&bytes);
            let bad: Vec<_> = root
                .findings()
                .filter(|f| f.severity > Severity::Note)
                .collect();
            assert!(bad.is_empty(), "{sizes:?}: {bad:?}");
            let target = ".streams[0].request.target";
            assert_eq!(text(&at(&root, target)), "/a");
            for new in ["/b", "/longer/than/that", &"/long".repeat(100)] {
                let out = encoded(&set(&root, target, new)).to_bytes();
                let again = decode(&out);
                assert_eq!(text(&at(&again, target)), new, "{sizes:?}");
                let bad: Vec<_> = again
                    .findings()
                    .filter(|f| f.severity > Severity::Note)
                    .collect();
                assert!(bad.is_empty(), "{sizes:?} {new}: {bad:?}");
                crate::edits::accepted("header-in-fragments", &bytes, &out);
            }
        }
    }
}

#[test]
fn the_checksum_of_a_datagram_in_fragments_is_checked() {
    for (ip, options) in [
        (Ip::V4, false),
        (Ip::V6Extended, false),
        (Ip::V6Extended, true),
    ] {
        let (wire, _) = spoken(ip, &[40], options);
        let bytes = wire.pcap();
        let root = decode(&bytes);
        let first = (0..at(&root, ".packets").len())
            .filter_map(|i| {
                let payload = crate::fragments::ip_of(&at(&root, &format!(".packets[{i}]")));
                let sum = payload.field("payload")?.field("checksum")?;
                Some((i, sum))
            })
            .collect::<Vec<_>>();
        for (i, sum) in &first {
            assert_eq!(sum.description().as_deref(), Some("valid"), "{i}");
        }
        // a bit of what the last fragment of the request carries
        let place = bytes
            .windows(6)
            .position(|w| w == b"\r\n\r\nHT")
            .or_else(|| bytes.windows(8).position(|w| w == b"hhhh\r\n\r\n"));
        let mut bad = bytes.to_vec();
        bad[place.unwrap()] ^= 1;
        let root = decode(&bad.into());
        let damage: Vec<_> = root
            .findings()
            .filter(|f| f.severity == Severity::Damage)
            .collect();
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert!(damage[0].path.ends_with(".checksum"), "{damage:?}");
    }
    // without one of them, nothing is known
    let (wire, _) = spoken(Ip::V4, &[40], false);
    let root = decode(&wire.pcap());
    let root = decode(&encoded(&crate::delete_item(&root, ".packets", 3)).to_bytes());
    assert_eq!(
        at(&root, ".packets[2].packet.payload.checksum").description(),
        None
    );
}

/// One packet of IPv6, raw.
fn alone(packet: &[u8]) -> Bytes {
    let mut out = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0,
    ];
    let len = packet.len() as u32;
    for n in [1_700_000_000, 0, len, len] {
        out.extend(n.to_le_bytes());
    }
    out.extend(packet);
    out.into()
}

#[test]
fn a_jumbogram_is_as_long_as_its_option_says() {
    let payload = vec![b'x'; 70_000];
    let mut tcp = vec![
        0x9c, 0x40, 0, 80, 0, 0, 3, 232, 0, 0, 0, 0, 0x50, 16, 255, 255, 0, 0, 0, 0,
    ];
    tcp.extend(&payload);
    let jumbo = |tcp: &[u8]| {
        let mut ip = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        ip.extend([[0xfd; 16], [0xfe; 16]].concat());
        ip.extend([6, 0, 0xc2, 4]);
        ip.extend((8 + tcp.len() as u32).to_be_bytes());
        ip.extend(tcp);
        ip
    };
    let root = decode(&alone(&jumbo(&tcp)));
    let stream = ".tcp_connections[0].client.stream";
    assert_eq!(at(&root, stream).bytes().unwrap().len(), 70_000);
    let worst = root.findings().map(|f| f.severity).max();
    assert!(worst.is_none_or(|s| s <= Severity::Note));
    // its length follows
    let more = vec![b'y'; 80_000];
    let edited = set(&root, stream, binq_core::Scalar::Bytes(more.clone().into()));
    let out = encoded(&edited).to_bytes();
    tcp.truncate(20);
    tcp.extend(&more);
    let right = alone(&jumbo(&tcp));
    assert_eq!(out, right);
    // without the option: what a card was to cut
    let mut ip = jumbo(&tcp);
    ip.drain(40..48);
    ip[6] = 6;
    let root = decode(&alone(&ip));
    assert_eq!(at(&root, stream).bytes().unwrap().len(), 80_000);
    // no length, and none that fits: it is told what there was
    let mut ip = jumbo(&tcp);
    ip[42] = 1;
    let root = decode(&alone(&ip));
    let found = root.findings().next().expect("a fault");
    assert_eq!(found.severity, Severity::Stops);
    assert!(found.found.contains("0 bytes"), "{found}");
}
