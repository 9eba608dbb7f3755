//! What stands behind a datagram in its frame: trailers of taps, padding, the frame check sequence.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::oracle::{fields, has_tshark, written};
use crate::{at, decode, encoded, int, set, text};
use binq_core::Node;
use bytes::Bytes;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TARGET: &str = ".streams[0].request.target";

fn spoken(fragments: &[usize]) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 9000]);
    wire.next = [1001, 9001];
    wire.send(CLIENT, REQUEST);
    wire.send(SERVER, RESPONSE);
    wire.close();
    if !fragments.is_empty() {
        wire.fragment_in(0, fragments, false, |_| ());
    }
    wire.pcap()
}

/// The packets of a capture as Ethernet frames that end with these bytes and, where `fcs`, their check sequence.
fn frames(pcap: &Bytes, trailer: &[u8], fcs: bool) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = &pcap[24..];
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(record[8..12].try_into().unwrap());
        let (packet, after) = after.split_at(len as usize);
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        frame.extend([packet, trailer].concat());
        if fcs {
            let sum = crc(&frame);
            frame.extend(sum.to_le_bytes());
        }
        out.push(frame);
        rest = after;
    }
    out
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(sum & 1)));
        }
    }
    !sum
}

fn as_pcap(frames: &[Vec<u8>], network: u32) -> Bytes {
    let mut out = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
    ];
    out.extend(network.to_le_bytes());
    for (i, frame) in frames.iter().enumerate() {
        let len = frame.len() as u32;
        for n in [1_700_000_000, i as u32 * 1000, len, len] {
            out.extend(n.to_le_bytes());
        }
        out.extend(frame);
    }
    out.into()
}

/// As pcapng: with what `if_fcslen` says, and what the flags of each packet say.
fn as_pcapng(frames: &[Vec<u8>], interface: Option<u8>, flags: Option<u32>) -> Bytes {
    let block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &total].concat()
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &head);
    let mut described = vec![1, 0, 0, 0, 0, 0, 4, 0];
    if let Some(len) = interface {
        described.extend([13, 0, 1, 0, len, 0, 0, 0, 0, 0, 0, 0]);
    }
    out.extend(block(1, &described));
    for frame in frames {
        let len = (frame.len() as u32).to_le_bytes();
        let mut body = vec![0; 12];
        body.extend([&len[..], &len, frame].concat());
        body.resize(body.len().next_multiple_of(4), 0);
        if let Some(flags) = flags {
            body.extend([2, 0, 4, 0]);
            body.extend(flags.to_le_bytes());
            body.extend([0; 4]);
        }
        out.extend(block(6, &body));
    }
    out.into()
}

fn frame(root: &Node, i: u64) -> Node {
    at(root, &format!(".packets[{i}].packet"))
}

/// How often bytes are in a file.
fn count(bytes: &Bytes, what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|w| *w == what).count()
}

#[test]
fn a_trailer_stays_where_a_segment_is_split() {
    for cuts in [&[][..], &[24]] {
        let frames = frames(&spoken(cuts), b"TRAILER!", false);
        for bytes in [as_pcap(&frames, 1), as_pcapng(&frames, None, None)] {
            let root = decode(&bytes);
            for target in ["/b", "/longer/than/that", &"/long".repeat(300)] {
                let out = encoded(&set(&root, TARGET, target)).to_bytes();
                let again = decode(&out);
                assert_eq!(text(&at(&again, TARGET)), target);
                assert_eq!(count(&out, b"TRAILER!"), frames.len());
                let packets = at(&again, ".packets").len();
                let is_split = target.len() > 2 && packets > frames.len() as u64;
                assert!(is_split || target.len() <= 2, "{target}");
                // on the first piece
                assert!(frame(&again, 0).field("trailer").is_some());
                sound(&again);
                if has_tshark() {
                    let file = written("trailer.pcap", &out);
                    let rows = fields(&file, None, &["eth.trailer", "tcp.checksum.status"]);
                    let trailers = rows.iter().filter(|r| !r[0].is_empty()).count();
                    assert_eq!(trailers, frames.len());
                    assert!(rows.iter().flat_map(|r| &r[1]).all(|s| s == "1"));
                }
            }
        }
    }
}

fn sound(root: &Node) {
    let bad: Vec<_> = root
        .findings()
        .filter(|f| f.severity > binq_core::Severity::Note)
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn a_check_sequence_is_no_padding_and_each_frame_has_its_own() {
    for cuts in [&[][..], &[24]] {
        let frames = frames(&spoken(cuts), b"", true);
        for (name, bytes) in [
            ("octets", as_pcapng(&frames, Some(4), None)),
            ("bits", as_pcapng(&frames, Some(32), None)),
            ("flags", as_pcapng(&frames, None, Some(4 << 5))),
            // those of a packet say more than those of its interface
            ("both", as_pcapng(&frames, Some(2), Some(4 << 5))),
            ("pcap", as_pcap(&frames, 0x2400_0001)),
        ] {
            let root = decode(&bytes);
            sound(&root);
            for target in ["/b", "/longer/than/that", &"/long".repeat(300)] {
                let out = encoded(&set(&root, TARGET, target)).to_bytes();
                let again = decode(&out);
                assert_eq!(text(&at(&again, TARGET)), target, "{name}");
                sound(&again);
                for packet in at(&again, ".packets").items() {
                    let frame = packet.field("packet").unwrap();
                    let fcs = frame.field("fcs").expect(name);
                    assert_eq!(fcs.description().unwrap(), "valid", "{name}");
                    assert!(frame.field("trailer").is_none());
                    let body = frame.bytes().unwrap();
                    let (body, _) = body.split_at(body.len() - 4);
                    assert_eq!(int(&fcs), u64::from(crc(body)), "{name}");
                }
                if has_tshark() && name == "octets" {
                    let rows = fields(&written("fcs.pcapng", &out), None, &["tcp.checksum.status"]);
                    assert!(rows.iter().flat_map(|r| &r[0]).all(|s| s == "1"));
                }
            }
            // one that was assigned stays, and one that is wrong is odd
            let path = ".packets[0].packet.fcs";
            let edited = set(&root, path, 7u64);
            let again = decode(&encoded(&set(&edited, TARGET, "/b")).to_bytes());
            assert_eq!(int(&at(&again, path)), 7, "{name}");
            let found = at(&again, path).finding().expect("a fault");
            assert_eq!(found.severity, binq_core::Severity::Odd);
            // and stays as it is, on each frame
            let out = encoded(&set(&again, TARGET, "/longer/than/that")).to_bytes();
            assert_eq!(count(&out, &[7, 0, 0, 0]) > 1, cuts.is_empty(), "{name}");
        }
    }
}

#[test]
fn the_upper_half_of_the_link_type_has_fields_of_its_own() {
    let frames = frames(&spoken(&[]), b"", true);
    let root = decode(&as_pcap(&frames, 0x2400_0001));
    assert_eq!(text(&at(&root, ".network")), "ethernet");
    assert_eq!(int(&at(&root, ".fcs_words")), 2);
    assert_eq!(
        at(&root, ".has_fcs_words").scalar(),
        binq_core::Scalar::Bool(true)
    );
    // without the bit that says so, the number says nothing
    let root = decode(&as_pcap(&frames, 0x2000_0001));
    assert!(frame(&root, 0).field("fcs").is_none());
    assert!(frame(&root, 0).field("trailer").is_some());
    // a word is no two halves, so that what is assigned is there afterwards
    let root = decode(&as_pcap(&frames, 1));
    let refused = at(&root, ".network").assign(binq_core::Plain::Scalar(0x2400_0001u64.into()));
    assert!(refused.unwrap_err().to_string().contains("from 0 to 65535"));
    assert!(root.field("fcs_words").is_none());
    assert!(frame(&root, 0).field("fcs").is_none());
}
