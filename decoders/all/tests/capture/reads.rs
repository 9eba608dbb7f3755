//! What is read, against what tshark reads.

use crate::oracle::{fields, has_tshark};
use crate::{at, capture, captures, decode, dir, int, text};
use binq_core::{Node, NodeKind, Scalar};

/// The link frame, then IP, then TCP.
fn ip_of(packet: &Node) -> Option<Node> {
    let frame = packet.field("packet")?;
    match frame.field("version") {
        Some(_) => Some(frame),
        None => frame.field("payload"),
    }
}

#[test]
fn packets_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let mut compared = 0;
    for (name, bytes) in captures() {
        let names = [
            "frame.cap_len",
            "frame.len",
            "frame.time_epoch",
            "ip.src",
            "ipv6.dst",
            "tcp.seq_raw",
            "tcp.ack_raw",
            "tcp.flags",
            "tcp.checksum.status",
        ];
        let theirs = fields(&dir("capture").join(&name), None, &names);
        let root = decode(&bytes);
        let packets: Vec<Node> = root.field("packets").unwrap().items().collect();
        assert_eq!(packets.len(), theirs.len(), "{name}");
        for (i, (packet, row)) in packets.iter().zip(theirs).enumerate() {
            let what = format!("{name} packet {i}");
            let data = packet.field("packet").unwrap();
            assert_eq!(row[0], [(data.span().len / 8).to_string()], "{what}");
            let original = packet
                .field("orig_len")
                .or(packet.field("original_packet_length"));
            assert_eq!(row[1], [int(&original.unwrap()).to_string()], "{what}");
            let ip = ip_of(packet).unwrap();
            let source = ip.field("source_ip").map(|n| text(&n));
            if row[4].is_empty() {
                assert_eq!(row[3].first().cloned(), source, "{what}");
            } else {
                assert_eq!(
                    row[4],
                    [text(&ip.field("destination_ip").unwrap())],
                    "{what}"
                );
            }
            let tcp = ip.field("payload").unwrap();
            if tcp.kind() != NodeKind::Object {
                // a fragment: tshark shows the segment with the last one
                continue;
            }
            if row[5].len() == 1 {
                assert_eq!(
                    row[5],
                    [int(&tcp.field("sequence_number").unwrap()).to_string()],
                    "{what}"
                );
                assert_eq!(
                    row[6],
                    [int(&tcp.field("acknowledgment_number").unwrap()).to_string()],
                    "{what}"
                );
            }
            let verdict = tcp.field("checksum").unwrap().description();
            match row[8].first().map(String::as_str) {
                Some("1") => assert_eq!(verdict.as_deref(), Some("valid"), "{what}"),
                // of a datagram in fragments, tshark says it with the last one to come
                None if ip.field("more_fragments").map(|m| m.scalar())
                    == Some(Scalar::Bool(true)) =>
                {
                    assert_eq!(verdict.as_deref(), Some("valid"), "{what}");
                }
                // tshark does not verify what is not all there, and takes some offloaded sums for bad ones
                _ => assert_ne!(verdict.as_deref(), Some("valid"), "{what}"),
            }
            compared += 1;
        }
    }
    assert!(compared > 600, "{compared} packets were compared");
}

/// What a direction's frames say: type, flags, stream, length; and the header fields in order.
type Said = (Vec<[u64; 4]>, Vec<(String, String)>);

fn ours(side: &Node) -> Said {
    let mut out: Said = Default::default();
    for frame in side
        .field("stream")
        .unwrap()
        .field("frames")
        .unwrap()
        .items()
    {
        assert_eq!(frame.fault(), None);
        let get = |name: &str| int(&frame.field(name).unwrap());
        out.0
            .push([get("type"), get("flags"), get("stream_id"), get("length")]);
        let headers = frame.field("payload").unwrap().field("headers");
        for header in headers.iter().flat_map(Node::items) {
            if let (Some(name), Some(value)) = (header.field("name"), header.field("value")) {
                out.1.push((text(&name), text(&value)));
            }
        }
    }
    out
}

/// Those that tshark can read whole: not cut, not begun late, nothing lost.
const WHOLE: [&str; 15] = [
    "grpc-unary.pcap",
    "grpc-streaming.pcap",
    "grpc-ipv6.pcap",
    "grpc-gzip.pcap",
    "grpc-deflate.pcap",
    "grpc-snappy.pcap",
    "grpc-zstd.pcap",
    "nghttp-push.pcap",
    "nghttp-padding.pcap",
    "nghttp-continuation.pcap",
    "nghttp-post.pcap",
    "nghttp-table.pcap",
    "fragments.pcap",
    "reordered.pcap",
    "wrap.pcap",
];

#[test]
fn frames_and_headers_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let (mut frames, mut headers) = (0, 0);
    for name in WHOLE {
        let root = decode(&capture(name));
        let connection = at(&root, ".tcp_connections[0]");
        let port = int(&at(&connection, ".server.port"));
        let names = [
            "tcp.srcport",
            "http2.type",
            "http2.flags",
            "http2.streamid",
            "http2.length",
            "http2.header.name",
            "http2.header.value",
        ];
        let rows = fields(&dir("capture").join(name), Some(port), &names);
        for who in ["client", "server"] {
            let side = connection.field(who).unwrap();
            let from = int(&side.field("port").unwrap()).to_string();
            let mut theirs: Said = Default::default();
            for row in rows.iter().filter(|r| r[0] == [from.clone()]) {
                let number = |s: &String| match s.strip_prefix("0x") {
                    Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
                    None => s.parse().unwrap(),
                };
                let frames = row[1].len();
                let frame = |i: usize| [1, 2, 3, 4].map(|k| number(&row[k][i]));
                theirs.0.extend((0..frames).map(frame));
                theirs
                    .1
                    .extend(row[5].iter().cloned().zip(row[6].iter().cloned()));
            }
            let (our_frames, our_headers) = ours(&side);
            assert_eq!(our_frames, theirs.0, "{name} {who}");
            // raw bytes after a NUL, as the C core sends them, are no text to tshark
            let texts = |all: &[(String, String)]| -> Vec<_> {
                let text = |(n, v): &(String, String)| {
                    let value = if n.ends_with("-bin") { "" } else { v };
                    (n.clone(), value.to_owned())
                };
                all.iter().map(text).collect()
            };
            if name == "nghttp-table.pcap" && who == "server" {
                // tshark shows no header at all after the table was made smaller than its default
                assert!(theirs.1.is_empty());
                let names: Vec<_> = our_headers.iter().map(|(n, _)| n.as_str()).collect();
                assert_eq!(names[..4], [":status", "server", "cache-control", "date"]);
                assert_eq!(names.len(), 27);
                continue;
            }
            assert_eq!(texts(&our_headers), texts(&theirs.1), "{name} {who}");
            frames += our_frames.len();
            headers += our_headers.len();
        }
    }
    assert!(
        frames > 200 && headers > 400,
        "{frames} frames and {headers} headers were compared"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What the DATA frames hold, frame by frame, and what the messages in them are, inflated.
#[test]
fn contents_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let (mut frames, mut messages) = (0, 0);
    for name in WHOLE {
        let root = decode(&capture(name));
        let connection = at(&root, ".tcp_connections[0]");
        let port = int(&at(&connection, ".server.port"));
        let names = ["tcp.srcport", "http2.data.data", "grpc.message_data"];
        let rows = fields(&dir("capture").join(name), Some(port), &names);
        for (who, list) in [("client", "requests"), ("server", "responses")] {
            let side = connection.field(who).unwrap();
            let from = int(&side.field("port").unwrap()).to_string();
            let theirs = |column: usize| -> Vec<String> {
                let own = rows.iter().filter(|r| r[0] == [from.clone()]);
                let cells = own.flat_map(|r| r[column].iter().cloned());
                // empty ones are shown as missing, if at all
                cells
                    .filter(|c| !c.is_empty() && !c.starts_with('<'))
                    .collect()
            };
            let all = at(&side, ".stream.frames");
            let data = all
                .items()
                .filter_map(|f| f.field("payload")?.field("data"));
            let ours: Vec<_> = data
                .map(|d| hex(&d.bytes().unwrap()))
                .filter(|d| !d.is_empty())
                .collect();
            // the body of a single frame is shown twice: as data of the frame, and once more at the end of the stream
            let once = |mut all: Vec<String>| {
                all.dedup();
                all
            };
            assert_eq!(once(ours.clone()), once(theirs(1)), "{name} {who}");
            frames += ours.len();
            if ["grpc-snappy.pcap", "grpc-zstd.pcap"].contains(&name) {
                // tshark does not inflate these
                continue;
            }
            // tshark shows them as they come, binq call by call
            let calls = root.field("grpc_calls").unwrap();
            let each = calls
                .items()
                .flat_map(|c| c.field(list).unwrap().items().collect::<Vec<_>>());
            let each = each.map(|m| hex(&m.field("message").unwrap().bytes().unwrap()));
            let mut ours: Vec<_> = each.filter(|m| !m.is_empty()).collect();
            let mut theirs = theirs(2);
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs, "{name} {who}");
            messages += ours.len();
        }
    }
    assert!(
        frames > 60 && messages > 50,
        "{frames} frames and {messages} messages were compared"
    );
}

#[test]
fn calls_are_those_that_were_made() {
    for name in [
        "grpc-unary.pcap",
        "grpc-ipv6.pcap",
        "reordered.pcap",
        "fragments.pcap",
        "wrap.pcap",
        "vlan.pcap",
    ] {
        let root = decode(&capture(name));
        let calls: Vec<Node> = root.field("grpc_calls").unwrap().items().collect();
        let methods: Vec<_> = calls
            .iter()
            .map(|c| text(&c.field("method").unwrap()))
            .collect();
        assert_eq!(methods, ["Greet", "Greet", "Greet", "Fail"], "{name}");
        for (i, call) in calls.iter().enumerate() {
            let get = |path: &str| text(&at(call, path));
            assert_eq!(get(".service"), "demo.Greeter");
            assert_eq!(get(".requests[0].encoding"), "identity");
            let request = at(call, ".requests[0].message").bytes().unwrap();
            if i == 3 {
                assert_eq!(
                    (get(".status"), get(".status_name")),
                    ("5".into(), "NOT_FOUND".into())
                );
                assert_eq!(get(".message"), "no Bob: ü");
                assert_eq!(request[..], *b"\x0a\x03Bob");
                // code, message and one Any of google.rpc.Status
                let details = at(call, ".status_details").bytes().unwrap();
                assert!(details.starts_with(b"\x08\x05\x12\x0ano Bob: "));
                continue;
            }
            assert_eq!(
                (get(".status"), get(".status_name")),
                ("0".into(), "OK".into())
            );
            assert!(request.starts_with(format!("\x0a\x05Ada {i}").as_bytes()));
            assert_eq!(get(".metadata[0].name"), "request-id");
            assert_eq!(get(".metadata[0].value"), format!("r-{i}"));
            let binary = at(call, ".metadata[1].value").actual().unwrap();
            assert_eq!(binary.as_bytes().unwrap(), [0, i as u8, 200]);
            let sent = at(call, ".response_metadata");
            let trace = sent
                .items()
                .find(|e| text(&e.field("name").unwrap()) == "trace-bin")
                .unwrap();
            let trace = trace.field("value").unwrap().actual().unwrap();
            assert_eq!(trace.as_bytes().unwrap(), (0..20).collect::<Vec<u8>>());
        }
    }
}

#[test]
fn streaming_and_compressed_messages() {
    let root = decode(&capture("grpc-streaming.pcap"));
    let counts: Vec<_> = root
        .field("grpc_calls")
        .unwrap()
        .items()
        .map(|c| {
            (
                text(&c.field("method").unwrap()),
                c.field("requests").unwrap().len(),
                c.field("responses").unwrap().len(),
            )
        })
        .collect();
    let expected = [
        ("Count", 1, 5),
        ("Collect", 3, 1),
        ("Chat", 2, 2),
        ("Greet", 1, 1),
    ];
    assert_eq!(counts, expected.map(|(m, a, b)| (m.to_owned(), a, b)));
    let big = at(&root, ".grpc_calls[3].requests[0].message")
        .bytes()
        .unwrap();
    assert!(big.len() > 40_000);
    // snappy: the first call in its framing format, the second as one block
    for (encoding, call) in [
        ("gzip", 0),
        ("deflate", 0),
        ("snappy", 0),
        ("snappy", 1),
        ("zstd", 0),
        ("zstd", 1),
    ] {
        let root = decode(&capture(&format!("grpc-{encoding}.pcap")));
        if call == 1 {
            let plain = at(&root, ".grpc_calls[1].requests[1]");
            assert_eq!(text(&plain.field("encoding").unwrap()), "identity");
            assert_eq!(
                plain.field("message").unwrap().bytes().unwrap()[..],
                *b"\x0a\x05short\x10\x08"
            );
            let reply = at(&root, ".grpc_calls[1].responses[0].message")
                .bytes()
                .unwrap();
            assert!(reply.starts_with(b"\x0a\xa6\x01Hello Ada "));
        }
        let message = at(&root, &format!(".grpc_calls[{call}].requests[0]"));
        assert_eq!(text(&message.field("encoding").unwrap()), encoding);
        assert!(int(&message.field("length").unwrap()) < 60);
        let inflated = message.field("message").unwrap().bytes().unwrap();
        let name = "Ada ".repeat(40);
        assert!(inflated.windows(name.len()).any(|w| w == name.as_bytes()));
    }
}

#[test]
fn what_is_lost_is_marked() {
    let root = decode(&capture("lost.pcap"));
    let client = at(&root, ".tcp_connections[0].client");
    assert!(int(&client.field("skipped_bytes").unwrap()) > 0);
    let frames: Vec<_> = at(&client, ".stream.frames").items().collect();
    let faults = frames.iter().filter(|f| f.fault().is_some()).count();
    assert!(
        faults > 0 && faults < frames.len() / 2,
        "{faults} of {}",
        frames.len()
    );
    // a capture that begins late: what it cannot know is null and has a fault, what it can is there
    let root = decode(&capture("grpc-late.pcap"));
    let frames = at(&root, ".tcp_connections[0].client.stream.frames");
    let (mut known, mut unknown) = (0, 0);
    for frame in frames.items() {
        let headers = frame.field("payload").and_then(|p| p.field("headers"));
        for header in headers.iter().flat_map(Node::items) {
            let value = header.field("value").unwrap();
            match (header.fault(), value.actual()) {
                (None, Some(value)) if value != Scalar::Null => known += 1,
                // told once, on the field
                (Some(_), Some(Scalar::Null)) if value.fault().is_none() => unknown += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(
        known > 10 && unknown > 10,
        "{known} known, {unknown} unknown"
    );
    let calls = root.field("grpc_calls").unwrap();
    assert!(calls.len() >= 4, "{} calls", calls.len());
}

#[test]
fn upgrades_and_pushes() {
    let root = decode(&capture("nghttp-upgrade.pcap"));
    for who in ["client", "server"] {
        let stream = at(&root, &format!(".tcp_connections[0].{who}.stream"));
        assert!(stream.field("upgrade").is_some(), "{who}");
        assert!(
            stream
                .field("frames")
                .unwrap()
                .items()
                .all(|f| f.fault().is_none())
        );
    }
    let root = decode(&capture("nghttp-push.pcap"));
    let streams: Vec<_> = root.field("streams").unwrap().items().collect();
    let pushed = streams
        .iter()
        .find(|s| text(&s.field("pushed").unwrap()) == "true")
        .unwrap();
    assert_eq!(text(&at(pushed, ".request.path")), "/style.css");
    assert_eq!(text(&at(pushed, ".response.body")), "p { color: red }\n");
    assert_eq!(text(&at(pushed, ".response.header.:status")), "200");
}
