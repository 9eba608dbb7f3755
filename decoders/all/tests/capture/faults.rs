//! What is wrong is found: held against tshark's expert information at its default settings, on the samples and on damaged
//! copies of them.

use crate::oracle::{fields, has_tshark, temporary};
use crate::{at, capture, captures, decode, encoded, int, set, text};
use binq_core::{Node, Severity};
use binq_laws::Rng;
use bytes::Bytes;
use std::collections::BTreeSet;

/// The errors that tshark's HTTP and gRPC dissectors tell, by their texts.
fn errors(name: &str, bytes: &Bytes, port: Option<u64>) -> BTreeSet<String> {
    let file = temporary(name, bytes);
    let names = ["_ws.expert.severity", "_ws.expert.message"];
    let mut out = BTreeSet::new();
    for row in fields(&file, port, &names) {
        let [severities, messages] = &row[..] else {
            unreachable!("two columns")
        };
        for (severity, message) in severities.iter().zip(messages) {
            // PI_ERROR, as a number or by its name
            if severity == "8388608" || severity == "Error" {
                out.insert(message.clone());
            }
        }
    }
    std::fs::remove_file(file).unwrap();
    out
}

fn port(root: &Node) -> Option<u64> {
    let connection = at(root, ".tcp_connections").item(0)?;
    let speaks = connection.field("server")?.field("stream")?;
    let http2 = speaks.field("frames").is_some();
    http2.then(|| int(&at(&connection, ".server.port")))
}

/// The findings that are faults of who sent the bytes.
fn found(root: &Node) -> Vec<String> {
    let faults = root.findings().filter(|f| f.severity >= Severity::Damage);
    faults.map(|f| f.to_string()).collect()
}

#[test]
fn the_samples_have_no_fault() {
    let oracle = has_tshark();
    for (name, bytes) in captures() {
        let root = decode(&bytes);
        assert_eq!(found(&root), [""; 0], "{name}");
        if oracle {
            assert_eq!(
                errors(&name, &bytes, port(&root)),
                BTreeSet::new(),
                "{name}"
            );
        }
    }
}

/// Where tshark tells an error in a copy with one byte that differs, so does binq.
#[test]
fn what_tshark_finds_is_found() {
    if !has_tshark() {
        return;
    }
    let samples = [
        "grpc-unary.pcap",
        "grpc-streaming.pcap",
        "grpc-gzip.pcap",
        "nghttp-padding.pcap",
        "nghttp-push.pcap",
        "grpcweb-http1.pcap",
    ];
    let mut rng = Rng::new(11);
    let (mut told, mut tried) = (0, 0);
    for name in samples {
        let bytes = capture(name);
        let root = decode(&bytes);
        for _ in 0..8 {
            let who = if rng.one_in(2) { "client" } else { "server" };
            let ranges = at(&root, &format!(".tcp_connections[0].{who}.stream")).ranges();
            let range = ranges[rng.below(ranges.len() as u64) as usize];
            // the beginning of a packet, where the headers of frames and messages are, more often than the rest
            let within = if rng.one_in(2) { 14 } else { range.byte_len() };
            let place = (range.first_byte() + rng.below(within.min(range.byte_len()))) as usize;
            let mut copy = bytes.to_vec();
            copy[place] ^= 1 << rng.below(8);
            let copy = Bytes::from(copy);
            let theirs = errors(name, &copy, port(&root));
            let ours: Vec<_> = decode(&copy).findings().map(|f| f.to_string()).collect();
            tried += 1;
            told += usize::from(!theirs.is_empty());
            // tshark throws at an empty frame of an unknown type, which is ignored (RFC 9113 section 5.5); its gRPC dissector
            // fails an assertion of its own where the path or the content type has another name
            let own = ["Exception occurred", "failed assertion"];
            let throws = theirs.iter().all(|e| own.iter().any(|own| e.contains(own)));
            assert!(
                theirs.is_empty() || !ours.is_empty() || throws,
                "{name}, byte {place}: tshark tells {theirs:?}"
            );
        }
    }
    assert!(tried == 48 && told > 0, "{told} of {tried}");
}

/// A header edit before a loss: what comes after it, of which the table is not known, stays as it was.
#[test]
fn a_header_edit_before_a_loss() {
    let frames = ".tcp_connections[0].client.stream.frames";
    let shown = |root: &Node| -> Vec<String> {
        let mut all = Vec::new();
        for (i, frame) in at(root, frames).items().enumerate() {
            let headers = frame.field("payload").and_then(|p| p.field("headers"));
            for header in headers.iter().flat_map(Node::items) {
                let part = |name: &str| header.field(name).map(|n| text(&n));
                let wrong = header.fault().is_some();
                all.push(format!(
                    "{i} {:?} {:?} {wrong}",
                    part("name"),
                    part("value")
                ));
            }
        }
        all
    };
    let root = decode(&capture("lost.pcap"));
    let was = shown(&root);
    assert!(
        was.iter().any(|h| h.ends_with("true")),
        "nothing is unknown"
    );
    // the first entry of the table that a later block refers to
    let path = format!("{frames}[3].payload.headers");
    let path_of_path = at(&root, &path)
        .items()
        .position(|h| {
            h.field("representation")
                .is_some_and(|r| text(&r).contains("incremental"))
        })
        .map(|i| format!("{path}[{i}].value"))
        .expect("an entry");
    let edited = set(&root, &path_of_path, "/another.Path/ThatIsLonger");
    let again = decode(&encoded(&edited).to_bytes());
    let now = shown(&again);
    assert_eq!(now.len(), was.len());
    let differ: Vec<_> = was.iter().zip(&now).filter(|(a, b)| a != b).collect();
    assert_eq!(differ.len(), 1, "{differ:?}");
    assert!(differ[0].1.contains("/another.Path"), "{differ:?}");
}
