//! Datagrams whose fragments are of different sizes, and grow: each byte goes over the wire once.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::edits::{accepted, meaning};
use crate::fragments::{are_sound, fragments, ip_of};
use crate::oracle::{fields, has_tshark, written};
use crate::{at, decode, encoded, set, text};
use binq_core::Node;
use bytes::Bytes;

const REQUEST: &[u8] =
    b"GET /abcdefghij HTTP/1.1\r\nHost: example.org\r\nX: aaaaaaaaaaaaaaaaaa\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HOST: &str = ".streams[0].request.headers[0].value";

/// A request in fragments of these sizes and one with the rest; where `longer`, another segment of the client is longer.
fn request(ip: Ip, sizes: &[usize], options: bool, longer: bool) -> Bytes {
    let mut wire = Wire::new(ip, [1000, 9000]);
    // no MSS is named: a path takes what was seen on it
    wire.next = [1001, 9001];
    wire.send(CLIENT, REQUEST);
    wire.send(SERVER, RESPONSE);
    if longer {
        let next = format!("GET /{} HTTP/1.1\r\nHost: b\r\n\r\n", "b".repeat(700));
        wire.send(CLIENT, next.as_bytes());
        wire.send(SERVER, RESPONSE);
    }
    wire.close();
    wire.fragment_in(0, sizes, options, |_| ());
    wire.pcap()
}

/// The bytes of IP payload that the packets of a peer carry, TCP headers included.
fn carried(root: &Node, from: &str) -> u64 {
    let mut sum = 0;
    for packet in at(root, ".packets").items() {
        let ip = ip_of(&packet);
        if text(&ip.field("source_ip").unwrap()) == from {
            sum += ip.field("payload").unwrap().span().byte_len();
        }
    }
    sum
}

#[test]
fn the_last_fragment_may_be_longer_than_those_before_it() {
    let whole = REQUEST.len() + 20;
    let mut turn = 0;
    for (ip, options, from) in [
        (Ip::V4, false, "10.0.0.1"),
        (
            Ip::V6Extended,
            false,
            "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd",
        ),
        (
            Ip::V6Extended,
            true,
            "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd",
        ),
    ] {
        for sizes in [
            vec![40],
            vec![24],
            vec![8, 16, 24],
            vec![whole / 8 * 8],
            vec![32, 8],
        ] {
            let before = if options { 16 } else { 0 };
            let mut sizes = sizes.clone();
            sizes[0] += before;
            let first: usize = sizes.iter().sum();
            let last = whole + before - first;
            let most = *sizes.iter().max().unwrap().max(&last) as u64;
            for longer in [false, true] {
                let bytes = request(ip, &sizes, options, longer);
                let root = decode(&bytes);
                are_sound(&root, most);
                let old = carried(&root, from);
                let count = at(&root, ".packets").len();
                for host in ["", "b.org", "example.com", "example.organisation.com", "y"]
                    .into_iter()
                    .map(str::to_owned)
                    .chain((12..20).map(|n| "z".repeat(n)))
                    .chain(["w".repeat(300)])
                {
                    let out = encoded(&set(&root, HOST, host.as_str())).to_bytes();
                    let again = decode(&out);
                    let name = format!("{sizes:?} {longer} {host}");
                    assert_eq!(text(&at(&again, HOST)), host, "{name}");
                    let (a, b) = (meaning(&root), meaning(&again));
                    assert_eq!(
                        a.iter().zip(&b).filter(|(a, b)| a != b).count(),
                        1,
                        "{name}"
                    );
                    are_sound(&again, most);
                    // what is more than it was is the text, and the headers of segments that are new
                    let by = host.len() as i64 - "example.org".len() as i64;
                    let segments = segments(&again) - segments(&root);
                    let now = carried(&again, from) as i64;
                    assert_eq!(now - old as i64, by + segments * 20, "{name}");
                    assert!(segments == 0 || !longer, "{name}");
                    assert!(by > 0 || at(&again, ".packets").len() <= count, "{name}");
                    let found = again.findings();
                    let bad = found.filter(|f| f.severity > binq_core::Severity::Note);
                    assert_eq!(bad.count(), 0, "{name}");
                    turn += 1;
                    // tshark looks at some
                    if turn % 31 == 0 {
                        accepted("grow", &bytes, &out);
                        whole_sums(&out);
                    }
                }
            }
        }
    }
}

/// How many TCP headers there are.
fn segments(root: &Node) -> i64 {
    let all = at(root, ".packets");
    let is_segment = |p: &Node| {
        let payload = ip_of(p).field("payload").unwrap();
        payload.field("source_port").is_some()
    };
    all.items().filter(is_segment).count() as i64
}

/// tshark finds the checksum of each segment right, those in fragments included.
fn whole_sums(bytes: &Bytes) {
    if !has_tshark() {
        return;
    }
    let rows = fields(&written("grow.pcap", bytes), None, &["tcp.checksum.status"]);
    let known: Vec<_> = rows.iter().flat_map(|r| &r[0]).collect();
    let root = decode(bytes);
    let in_fragments: usize = fragments(&root).iter().map(Vec::len).sum();
    let whole = at(&root, ".packets").len() as usize - in_fragments + fragments(&root).len();
    assert_eq!(known, vec!["1"; whole]);
}
