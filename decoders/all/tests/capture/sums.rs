//! Lengths, checksums and segments at their borders.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, Wire};
use crate::oracle::{fields, has_tshark, written};
use crate::{at, captures, decode, encoded, int, set};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Scalar, Severity};
use bytes::Bytes;

fn bytes_of(bytes: &[u8]) -> Scalar {
    Scalar::Bytes(Bytes::copy_from_slice(bytes))
}

/// Encode, and nothing follows.
fn as_it_is(root: &Node) -> Bytes {
    let options = EncodeOptions { no_fix: true };
    encode(root, &options).unwrap().to_bytes()
}

fn describe(root: &Node, path: &str) -> String {
    at(root, path).description().unwrap_or_default()
}

/// A datagram from the client.
fn udp(payload: &[u8]) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [0, 0]);
    wire.datagram(CLIENT, payload);
    wire.pcap()
}

const SUM: &str = ".packets[0].packet.payload.checksum";

#[test]
fn a_sum_of_udp_that_comes_out_as_zero_is_sent_as_ffff() {
    let payload = ".packets[0].packet.payload.payload";
    let root = decode(&udp(b"\0\0ab"));
    // the word that makes the sum of all words ffff
    let rest = int(&at(&root, SUM)) as u16;
    let word = [&rest.to_be_bytes()[..], b"ab"].concat();
    let root = decode(&encoded(&set(&root, payload, bytes_of(&word))).to_bytes());
    assert_eq!(int(&at(&root, SUM)), 0xffff);
    assert_eq!(describe(&root, SUM), "valid");
    // none stays none, and is no fault
    let none = decode(&as_it_is(&set(&root, SUM, 0u64)));
    assert_eq!(none.findings().count(), 0);
    let edited = decode(&encoded(&set(&none, payload, bytes_of(b"other"))).to_bytes());
    assert_eq!(int(&at(&edited, SUM)), 0);
}

/// A connection whose client sent so many bytes in one segment, after both named an MSS of 1460. The segment is packet 3.
fn sent(len: usize) -> Node {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(CLIENT, &vec![b'x'; len]);
    wire.send(SERVER, b"ok");
    decode(&wire.pcap())
}

const STREAM: &str = ".tcp_connections[0].client.stream";

/// Payload sizes of the client's segments, and whether each is pushed.
fn segments(root: &Node) -> Vec<(u64, bool)> {
    let port = int(&at(root, ".tcp_connections[0].client.port"));
    let packets = root.field("packets").unwrap().items();
    let tcp = packets.map(|p| at(&p, ".packet.payload"));
    let own = tcp.filter(|t| int(&t.field("source_port").unwrap()) == port);
    let shown = own.map(|t| {
        let pushed = t.field("psh").unwrap().actual() == Some(Scalar::Bool(true));
        (t.field("payload").unwrap().span().byte_len(), pushed)
    });
    shown.filter(|(len, _)| *len > 0).collect()
}

#[test]
fn a_segment_is_cut_where_it_outgrows_the_mss() {
    let grown = |len: usize| {
        let edited = set(&sent(1000), STREAM, bytes_of(&vec![b'y'; len]));
        let root = decode(&encoded(&edited).to_bytes());
        let stream = at(&root, STREAM).bytes().unwrap();
        assert_eq!(stream, vec![b'y'; len]);
        assert_eq!(root.findings().count(), 0);
        segments(&root)
    };
    assert_eq!(grown(1459), [(1459, true)]);
    assert_eq!(grown(1460), [(1460, true)]);
    assert_eq!(grown(1461), [(1460, false), (1, true)]);
    assert_eq!(grown(3000), [(1460, false), (1460, false), (80, true)]);
}

#[test]
fn sums_that_are_left_to_the_card_stay_so_when_a_segment_is_cut() {
    let ip = ".packets[3].packet.header_checksum";
    let tcp = ".packets[3].packet.payload.checksum";
    let root = set(&set(&sent(1000), ip, 0u64), tcp, 0u64);
    let root = decode(&as_it_is(&root));
    let notes: Vec<_> = root.findings().map(|f| (f.path, f.severity)).collect();
    let wanted = [ip, tcp].map(|path| (path.to_owned(), Severity::Note));
    assert_eq!(notes, wanted);
    assert!(at(&root, ip).fault().is_none());
    // a longer one, and one that is cut in two
    for len in [1200, 2000] {
        let edited = set(&root, STREAM, bytes_of(&vec![b'y'; len]));
        let out = decode(&encoded(&edited).to_bytes());
        for i in 0..len.div_ceil(1460) {
            let place = |path: &str| path.replace("[3]", &format!("[{}]", 3 + i));
            assert_eq!(int(&at(&out, &place(ip))), 0, "{len}, piece {i}");
            assert_eq!(int(&at(&out, &place(tcp))), 0, "{len}, piece {i}");
        }
    }
    // an edit of the header alone
    let edited = set(&root, ".packets[3].packet.ttl", 9u64);
    let out = decode(&encoded(&edited).to_bytes());
    assert_eq!(int(&at(&out, ip)), 0);
}

#[test]
fn a_total_length_of_zero_stays_and_means_all() {
    let length = ".packets[3].packet.total_length";
    let root = decode(&encoded(&set(&sent(1000), length, 0u64)).to_bytes());
    assert_eq!(at(&root, STREAM).bytes().unwrap().len(), 1000);
    let edited = set(&root, STREAM, bytes_of(&[b'z'; 1100]));
    let out = decode(&encoded(&edited).to_bytes());
    assert_eq!(int(&at(&out, length)), 0);
    assert_eq!(at(&out, STREAM).bytes().unwrap(), vec![b'z'; 1100]);
}

/// A packet with one thing wrong: which field, and what it is assigned.
const WRONG: [(&str, u64); 2] = [
    (".packets[3].packet.payload.data_offset", 4),
    (".packets[3].packet.total_length", 5000),
];

#[test]
fn what_is_wrong_is_told_once_on_its_field() {
    for (path, value) in WRONG {
        // sums are right, as whoever sent that would have made them
        let root = decode(&encoded(&set(&sent(100), path, value)).to_bytes());
        let bad = root.findings().filter(|f| f.severity >= Severity::Damage);
        let bad: Vec<_> = bad.map(|f| (f.path, f.offset)).collect();
        let field = at(&root, path);
        assert_eq!(bad, [(path.to_owned(), Some(field.offset()))]);
    }
    let all = |root: &Node| -> Vec<_> { root.findings().map(|f| (f.path, f.severity)).collect() };
    let sum = ".packets[3].packet.payload.checksum";
    let root = decode(&as_it_is(&set(&sent(100), sum, 7u64)));
    assert_eq!(all(&root), [(sum.to_owned(), Severity::Damage)]);
    // tshark warns of an option whose length cannot be, and goes on
    let option = ".packets[0].packet.payload.options[0]";
    for length in [0, 1, 5] {
        let root = set(&sent(100), &format!("{option}.length"), length as u64);
        let root = decode(&encoded(&root).to_bytes());
        assert_eq!(all(&root), [(format!("{option}.length"), Severity::Odd)]);
        assert_eq!(at(&root, &format!("{option}.gap0")).span().byte_len(), 2);
    }
    let root = decode(&encoded(&set(&sent(100), &format!("{option}.length"), 2u64)).to_bytes());
    assert_eq!(at(&root, ".packets[0].packet.payload.options").len(), 2);
}

/// The packets in which tshark finds an error, by its defaults.
fn errors(name: &str, bytes: &Bytes) -> Vec<usize> {
    // PI_ERROR, and whatever is malformed
    const ERROR: u64 = 0x0080_0000;
    let rows = fields(
        &written(name, bytes),
        None,
        &["_ws.expert.severity", "_ws.malformed"],
    );
    let is_bad = |row: &Vec<Vec<String>>| {
        let severe = row[0]
            .iter()
            .any(|s| s.parse().is_ok_and(|n: u64| n >= ERROR));
        severe || !row[1].is_empty()
    };
    (0..rows.len()).filter(|i| is_bad(&rows[*i])).collect()
}

/// The packets in which something is wrong, as binq tells.
fn faults(bytes: &Bytes) -> Vec<usize> {
    let root = decode(bytes);
    let bad = root.findings().filter(|f| f.severity >= Severity::Damage);
    let packet = |path: &str| {
        let rest = path.strip_prefix(".packets[")?;
        rest.split(']').next()?.parse().ok()
    };
    let mut all: Vec<usize> = bad.filter_map(|f| packet(&f.path)).collect();
    all.dedup();
    all
}

#[test]
fn faults_are_where_tshark_finds_errors() {
    if !has_tshark() {
        return;
    }
    for (name, bytes) in captures() {
        assert_eq!(
            faults(&bytes),
            errors(&format!("errors-{name}"), &bytes),
            "{name}"
        );
    }
    for (i, (path, value)) in WRONG.into_iter().enumerate() {
        let bytes = encoded(&set(&sent(100), path, value)).to_bytes();
        let theirs = errors(&format!("errors-{i}.pcap"), &bytes);
        assert_eq!(faults(&bytes), theirs, "{path} = {value}");
        assert_eq!(theirs.len(), 1, "{path} = {value}");
    }
}

/// Three segments of the client, 100 bytes each.
fn three() -> (Node, Vec<u8>) {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    let all: Vec<u8> = (0..300).map(|i| b'a' + (i * 7 % 26) as u8).collect();
    for part in all.chunks(100) {
        wire.segment(
            CLIENT,
            wire.next[CLIENT],
            wire.next[SERVER],
            ACK | PSH,
            b"",
            part,
        );
        wire.next[CLIENT] += 100;
    }
    (decode(&wire.pcap()), all)
}

#[test]
fn a_slice_of_a_stream_grows_only_its_segment() {
    let (root, all) = three();
    // what is replaced, by how many bytes, and the sizes of the segments afterwards
    let cases: [(std::ops::Range<usize>, usize, [u64; 3]); 7] = [
        (10..15, 20, [115, 100, 100]),
        (150..155, 20, [100, 115, 100]),
        (150..155, 0, [100, 95, 100]),
        (299..300, 4, [100, 100, 103]),
        (0..0, 5, [105, 100, 100]),
        (95..105, 30, [100, 120, 100]),
        (95..105, 2, [97, 95, 100]),
    ];
    for (range, len, wanted) in cases {
        let mut new = all.clone();
        new.splice(range.clone(), vec![b'#'; len]);
        let out = decode(&encoded(&set(&root, STREAM, bytes_of(&new))).to_bytes());
        assert_eq!(at(&out, STREAM).bytes().unwrap(), new);
        let sizes: Vec<u64> = segments(&out).iter().map(|(len, _)| *len).collect();
        assert_eq!(sizes, wanted, "{range:?} by {len}");
        assert_eq!(out.findings().count(), 0);
    }
    // two edits at once
    let mut new = all.clone();
    new.splice(250..252, *b"LATER");
    new.splice(10..12, *b"SOONER");
    let out = decode(&encoded(&set(&root, STREAM, bytes_of(&new))).to_bytes());
    let sizes: Vec<u64> = segments(&out).iter().map(|(len, _)| *len).collect();
    assert_eq!(sizes, [104, 100, 103]);
}

#[test]
fn a_mac_address_has_twelve_digits() {
    let root = decode(&crate::capture("grpc-unary.pcap"));
    let source = at(&root, ".packets[0].packet.source");
    for wrong in [
        "1:2:3:4:5:6",
        "+1:02:03:04:05:06",
        "01:02:03:04:05",
        "010203040506",
        "01:02:03:04:05:006",
    ] {
        assert!(
            source
                .clone()
                .assign(binq_core::Plain::Scalar(wrong.into()))
                .is_err(),
            "{wrong}"
        );
    }
    let edited = set(&root, ".packets[0].packet.source", "01:02:03:04:05:0F");
    let out = decode(&encoded(&edited).to_bytes());
    assert_eq!(
        crate::text(&at(&out, ".packets[0].packet.source")),
        "01:02:03:04:05:0f"
    );
}
