//! How connections begin: at the same time from both sides, with a SYN out of the blue, with segments from before.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, SYN, Wire};
use crate::{at, decode, encoded, set, text};
use binq_core::{Node, Scalar, Severity};

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const AGAIN: &[u8] = b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn targets(root: &Node) -> Vec<String> {
    let all = at(root, ".streams");
    let target = |s: Node| text(&s.field("request").unwrap().field("target").unwrap());
    all.items().map(target).collect()
}

#[test]
fn both_open_at_the_same_time() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.segment(CLIENT, 1000, 0, SYN, b"", b"");
    wire.segment(SERVER, 5000, 0, SYN, b"", b"");
    wire.segment(CLIENT, 1000, 5001, SYN | ACK, b"", b"");
    wire.segment(SERVER, 5000, 1001, SYN | ACK, b"", b"");
    wire.next = [1001, 5001];
    wire.send(CLIENT, REQUEST);
    wire.send(SERVER, RESPONSE);
    wire.close();
    let root = decode(&wire.pcap());
    assert_eq!(at(&root, ".tcp_connections").len(), 1);
    for who in ["client", "server"] {
        let start = at(&root, &format!(".tcp_connections[0].{who}.has_start"));
        assert_eq!(start.scalar(), Scalar::Bool(true));
    }
    // the one that sent the first SYN
    assert_eq!(text(&at(&root, ".tcp_connections[0].client.port")), "40000");
    assert_eq!(targets(&root), ["/a"]);
}

#[test]
fn a_syn_that_nobody_answers_ends_nothing() {
    for seq in [99_999_999, 1_500, 3_000_000_000] {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        wire.open();
        wire.send(CLIENT, REQUEST);
        wire.segment(CLIENT, seq, 0, SYN, b"", b"");
        // the challenge (RFC 5961 section 4)
        wire.segment(SERVER, wire.next[SERVER], wire.next[CLIENT], ACK, b"", b"");
        wire.send(SERVER, RESPONSE);
        wire.send(CLIENT, AGAIN);
        wire.send(SERVER, RESPONSE);
        wire.close();
        let root = decode(&wire.pcap());
        assert_eq!(targets(&root), ["/a", "/b"], "{seq}");
        let lost = at(&root, ".tcp_connections[0].client.skipped_bytes");
        assert_eq!(text(&lost), "0");
        let out = encoded(&set(&root, ".streams[0].request.target", "/aaaa")).to_bytes();
        assert_eq!(targets(&decode(&out)), ["/aaaa", "/b"], "{seq}");
    }
    // one that is answered begins another one, with numbers near those of the first, too
    for seq in [99_999_999, 3_000] {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        wire.open();
        wire.send(CLIENT, REQUEST);
        wire.send(SERVER, RESPONSE);
        wire.next = [seq, 700_000];
        wire.open();
        wire.send(CLIENT, AGAIN);
        wire.send(SERVER, RESPONSE);
        wire.close();
        let root = decode(&wire.pcap());
        assert_eq!(at(&root, ".tcp_connections").len(), 2);
        assert_eq!(targets(&root), ["/a", "/b"]);
    }
}

#[test]
fn what_lies_before_the_beginning_is_told() {
    let odd = |root: &Node| {
        let found = at(root, ".tcp_connections[0].client").finding()?;
        assert_eq!(found.severity, Severity::Odd);
        Some(found.found)
    };
    let spoken = |early: &[(u32, &[u8])]| {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        wire.open();
        wire.send(CLIENT, REQUEST);
        for (seq, payload) in early {
            wire.segment(CLIENT, *seq, wire.next[SERVER], ACK | PSH, b"", payload);
        }
        wire.send(SERVER, RESPONSE);
        wire.close();
        let root = decode(&wire.pcap());
        assert_eq!(targets(&root), ["/a"]);
        odd(&root)
    };
    let old = 1000u32.wrapping_sub(100_000_000);
    let none = "before the beginning, which";
    assert_eq!(spoken(&[]), None);
    assert_eq!(
        spoken(&[(old, b"evil-old")]),
        Some(format!("one {none} is in no stream"))
    );
    assert_eq!(
        spoken(&[(old, b"evil-old"), (900, b"evil-b4")]),
        Some(format!("2 {none} are in no stream"))
    );
    // a keep-alive is none of these, and of a segment that reaches beyond it the rest is there
    assert_eq!(spoken(&[(1000, b"\0")]), None);
    let reaching = [b"xyz", &REQUEST[..4]].concat();
    assert_eq!(spoken(&[(998, &reaching)]), None);
}
