//! What a capture does not hold though it was sent, and what it holds more than once: each is told, and no edit hides it.

use crate::craft::{ACK, CLIENT, FIN, Ip, PSH, SERVER, SYN, Wire};
use crate::{at, decode, encoded, int, set, text};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Scalar, Severity};
use bytes::Bytes;

const STREAM: &str = ".tcp_connections[0].client.stream";

fn skipped(root: &Node) -> u64 {
    int(&at(root, ".tcp_connections[0].client.skipped_bytes"))
}

/// The findings that are no notes, with their severities.
fn findings(root: &Node) -> Vec<(Severity, String)> {
    let all = root.findings().filter(|f| f.severity > Severity::Note);
    all.map(|f| (f.severity, f.to_string())).collect()
}

/// One finding, which is odd and says this.
fn only_odd(root: &Node, says: &str) {
    let found = findings(root);
    assert!(
        matches!(&found[..], [(Severity::Odd, text)] if text.contains(says)),
        "{found:?}"
    );
}

/// A client that sends a text in one segment, in fragments of 16 bytes, of which one is lost.
fn without_fragment(lost: usize, acknowledged: bool) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    let (seq, ack) = (wire.next[CLIENT], wire.next[SERVER]);
    wire.segment(CLIENT, seq, ack, ACK | PSH, b"", &[b'x'; 44]);
    wire.next[CLIENT] += 44;
    wire.fragment(3, 24, |parts| {
        parts.remove(lost);
    });
    if acknowledged {
        wire.segment(SERVER, ack, wire.next[CLIENT], ACK, b"", b"");
    }
    wire.pcap()
}

#[test]
fn a_lost_fragment_is_a_hole() {
    // 20 bytes of header and 44 of payload: fragments of 24, 24 and 16 bytes
    for (lost, acknowledged, missing) in [
        (1, true, 24),
        (1, false, 24),
        // the acknowledgment tells how much there was
        (2, true, 16),
        (0, true, 44),
    ] {
        let root = decode(&without_fragment(lost, acknowledged));
        assert_eq!(skipped(&root), missing, "{lost}");
        only_odd(&root, &format!("{missing} bytes that the capture lost"));
    }
    // without its last fragment, and without acknowledgment, nobody knows of more
    assert_eq!(skipped(&decode(&without_fragment(2, false))), 0);
    let stream = at(&decode(&without_fragment(1, true)), STREAM);
    let part = stream.byte_part(|_| 28..44).unwrap();
    assert_eq!(part.unwrap(), [b'x'; 16][..]);
}

#[test]
fn a_datagram_without_one_of_its_fragments_follows() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(CLIENT, b"hello");
    let at_packet = wire.len();
    let (seq, ack) = (wire.next[CLIENT], wire.next[SERVER]);
    wire.segment(CLIENT, seq, ack, ACK | PSH, b"", &[b'x'; 44]);
    wire.next[CLIENT] += 44;
    let whole = wire.pcap();
    wire.fragment(at_packet, 24, |parts| {
        parts.remove(1);
    });
    let root = decode(&wire.pcap());
    let stream = ".tcp_connections[0].client.stream";
    let first = ".tcp_connections[0].client.stream.gap0";
    // in the fragments that are there, and before them
    let longer = set(
        &root,
        ".packets[3].packet.payload.payload",
        Scalar::Bytes(b"hello, world".to_vec().into()),
    );
    let edited = set(
        &longer,
        &format!("{stream}.gap1"),
        Scalar::Bytes(vec![b'y'; 16].into()),
    );
    let again = decode(&encoded(&edited).to_bytes());
    assert_eq!(skipped(&again), 24);
    assert!(text(&at(&again, first)).starts_with("hello, world"));
    only_odd(&again, "24 bytes that the capture lost");
    // the checksum is that of the datagram with all its fragments
    let sum = |root: &Node| {
        int(&at(
            root,
            &format!(".packets[{at_packet}].packet.payload.checksum"),
        ))
    };
    let wanted = decode(&whole);
    let wanted = set(
        &wanted,
        ".packets[3].packet.payload.payload",
        Scalar::Bytes(b"hello, world".to_vec().into()),
    );
    let payload = [vec![b'x'; 28], vec![b'y'; 16]].concat();
    let path = format!(".packets[{at_packet}].packet.payload.payload");
    let wanted = decode(&encoded(&set(&wanted, &path, Scalar::Bytes(payload.into()))).to_bytes());
    let fragment = at(&again, &format!(".packets[{at_packet}].packet.payload"))
        .bytes()
        .unwrap();
    assert_eq!(
        u64::from(u16::from_be_bytes([fragment[16], fragment[17]])),
        sum(&wanted)
    );
    // its own size stays
    let last = format!(".packets[{}].packet.payload", at_packet + 1);
    let edited = set(&root, &last, Scalar::Bytes(vec![b'y'; 24].into()));
    let refused = encode(&edited, &EncodeOptions::default());
    assert!(refused.is_err_and(|e| e.to_string().contains("a fragment of its packet is not")));
}

#[test]
fn what_was_acknowledged_was_sent() {
    let with = |sent: &[u8], lost: u32, fin: bool| {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        wire.open();
        if !sent.is_empty() {
            wire.send(CLIENT, sent);
        }
        wire.next[CLIENT] += lost;
        let [seq, ack] = wire.next;
        wire.segment(SERVER, ack, seq, ACK, b"", b"");
        if fin {
            wire.segment(CLIENT, seq, ack, FIN | ACK, b"", b"");
            wire.segment(SERVER, ack, seq + 1, ACK, b"", b"");
        }
        decode(&wire.pcap())
    };
    for (sent, lost, fin) in [
        (&b""[..], 31, false),
        (b"hello", 11, false),
        (b"hello", 11, true),
        (b"hello", 1, true),
    ] {
        let root = with(sent, lost, fin);
        assert_eq!(skipped(&root), lost.into());
        only_odd(&root, &format!("{lost} bytes that the capture lost"));
        let has_end = at(&root, ".tcp_connections[0].client.has_end").scalar();
        assert_eq!(has_end, Scalar::Bool(fin));
    }
    // one number more than was seen: of a byte, or of a FIN
    assert_eq!(skipped(&with(b"hello", 1, false)), 0);
    assert!(findings(&with(b"hello", 0, true)).is_empty());
}

#[test]
fn a_segment_far_from_the_others_is_told() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(CLIENT, b"hello");
    let [seq, ack] = wire.next;
    wire.segment(
        CLIENT,
        seq + (65_535 << 14) + 1,
        ack,
        ACK | PSH,
        b"",
        b"evil",
    );
    let root = decode(&wire.pcap());
    only_odd(&root, "one far beyond any window");
    assert_eq!(text(&at(&root, STREAM)), "hello");
}

/// A client that sends two texts in segments of their own, and the first one again as another one. `damaged` is the packet of which
/// the checksum at a byte does not hold.
fn disputed(first: &[u8], again: &[u8], damaged: Option<(usize, usize)>) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    let [seq, ack] = wire.next;
    wire.segment(CLIENT, seq, ack, ACK | PSH, b"", first);
    wire.segment(CLIENT, seq, ack, ACK | PSH, b"", again);
    wire.next[CLIENT] += first.len() as u32;
    wire.send(CLIENT, b"the next one");
    if let Some((i, at)) = damaged {
        wire.spoil(i, at);
    }
    wire.pcap()
}

#[test]
fn bytes_that_came_again_as_others_are_told_and_stay() {
    let bytes = disputed(b"GET aaaa now", b"GET bbbb now", None);
    let root = decode(&bytes);
    only_odd(&root, "4 bytes that are others");
    assert_eq!(text(&at(&root, STREAM)), "GET aaaa nowthe next one");
    let write = |new: &str| {
        let edited = set(&root, STREAM, Scalar::Bytes(new.as_bytes().to_vec().into()));
        encode(&edited, &EncodeOptions::default())
    };
    // the others stay, and that is told
    let out = write("GET cccc nowthe next one").unwrap();
    let told = format!("{:?}", out.report.notes);
    assert!(told.contains("once more, as others"), "{told}");
    let payload =
        |root: &Node, i: usize| text(&at(root, &format!(".packets[{i}].packet.payload.payload")));
    let again = decode(&out.to_bytes());
    assert_eq!(
        [payload(&again, 3), payload(&again, 4)],
        ["GET cccc now", "GET bbbb now"]
    );
    // what is no matter of dispute changes in both
    for (new, one, other) in [
        ("GOT aaaa nowthe next one", "GOT aaaa now", "GOT bbbb now"),
        (
            "GET aaaa THEN, and the next one",
            "GET aaaa THEN, and ",
            "GET bbbb THEN, and ",
        ),
        (
            "NOW GET aaaa nowthe next one",
            "NOW GET aaaa now",
            // what is before the first byte is sent once
            "GET bbbb now",
        ),
    ] {
        let out = write(new).unwrap();
        let told = format!("{:?}", out.report.notes);
        assert!(!told.contains("once more"), "{told}");
        let again = decode(&out.to_bytes());
        assert_eq!([payload(&again, 3), payload(&again, 4)], [one, other]);
        assert_eq!(skipped(&again), 0);
    }
    // their number cannot change
    for new in [
        "GET aaxaa nowthe next one",
        "GET aaa nowthe next one",
        "GET aaaax nowthe next one",
    ] {
        assert!(write(new).is_err(), "{new}");
    }
    // a keep-alive may have any byte
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(CLIENT, b"hello");
    let [seq, ack] = wire.next;
    wire.segment(CLIENT, seq - 1, ack, ACK, b"", b"\0");
    assert!(findings(&decode(&wire.pcap())).is_empty());
}

const IP_SUM: usize = 10;
const TCP_SUM: usize = 20 + 16;

#[test]
fn what_the_receiver_threw_away_is_not_in_the_stream() {
    let good = b"the right one";
    for (first, again, damaged) in [
        (&b"the wrong one"[..], &good[..], Some((3, TCP_SUM))),
        (&good[..], b"the wrong one", Some((4, TCP_SUM))),
        (b"the wrong one", &good[..], Some((3, IP_SUM))),
        // shorter, and longer
        (&b"a wrong one"[..], &good[..], Some((3, TCP_SUM))),
        (&good[..], b"the wrong one, and more", Some((4, TCP_SUM))),
    ] {
        let root = decode(&disputed(first, again, damaged));
        let found = findings(&root);
        let damage = found
            .iter()
            .filter(|(s, t)| *s == Severity::Damage && t.contains("checksum"));
        assert_eq!(damage.count(), 1, "{found:?}");
        let shown = at(&root, STREAM).bytes().unwrap();
        assert!(shown.starts_with(good), "{shown:?}");
    }
}

/// A SYN that carries data and outgrows its path takes one number, once.
#[test]
fn a_syn_with_data_stays_one_syn() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    let options = [2, 4, 5, 180, 4, 2, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 7];
    let data = b"hello";
    wire.segment(CLIENT, 1000, 0, SYN, &options, data);
    wire.segment(SERVER, 5000, 1001 + data.len() as u32, SYN | ACK, b"", b"");
    wire.next = [1001 + data.len() as u32, 5001];
    wire.send(CLIENT, b"world");
    wire.close();
    let root = decode(&wire.pcap());
    assert_eq!(text(&at(&root, STREAM)), "helloworld");
    let long = format!("{}world", "hello, ".repeat(300));
    let edited = set(
        &root,
        STREAM,
        Scalar::Bytes(long.clone().into_bytes().into()),
    );
    let again = decode(&encoded(&edited).to_bytes());
    assert_eq!(text(&at(&again, STREAM)), long);
    assert_eq!(at(&again, ".tcp_connections").len(), 1);
    let tcp: Vec<Node> = at(&again, ".packets")
        .items()
        .map(|p| p.field("packet").unwrap().field("payload").unwrap())
        .collect();
    let syn = |p: &Node| p.field("syn").unwrap().scalar() == Scalar::Bool(true);
    let syns: Vec<usize> = (0..tcp.len()).filter(|i| syn(&tcp[*i])).collect();
    assert_eq!(syns.len(), 2, "{syns:?}");
    assert_eq!(syns[0], 0);
    let number = |i: usize| int(&tcp[i].field("sequence_number").unwrap());
    let payload = |i: usize| tcp[i].field("payload").unwrap().bytes().unwrap().len() as u64;
    assert_eq!(number(0), 1000);
    assert_eq!(number(1), 1001 + payload(0));
    // what only a SYN may have
    let kinds: Vec<String> = tcp[1]
        .field("options")
        .unwrap()
        .items()
        .map(|o| text(&o.field("kind").unwrap()))
        .collect();
    assert!(kinds.iter().all(|k| k == "nop"), "{kinds:?}");
    assert!(findings(&again).is_empty(), "{:?}", findings(&again));
}
