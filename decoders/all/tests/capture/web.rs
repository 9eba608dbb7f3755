//! gRPC-Web and HTTP/1.1: the samples against tshark, before and after edits.

use crate::oracle::{has_tshark, written};
use crate::{at, capture, captures, decode, delete_item, encoded, int, set, set_plain, text};
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar};
use bytes::Bytes;
use std::path::Path;
use std::process::Command;

/// The samples of gRPC-Web that hold connections from their beginning on.
fn samples() -> Vec<(String, Bytes)> {
    let is_whole = |name: &str| name.starts_with("grpcweb") && !name.contains("late");
    let all = captures().into_iter();
    let all: Vec<_> = all.filter(|(n, _)| is_whole(n)).collect();
    assert_eq!(all.len(), 4);
    all
}

/// What a frame of gRPC-Web holds: a message, or lines of trailers in alphabetical order.
type Frames = Vec<(bool, Vec<u8>)>;

fn sorted_lines(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = text.split_inclusive(|b| *b == b'\n').collect();
    lines.sort();
    lines.concat()
}

/// The frames that tshark sees.
fn theirs(file: &Path, port: u64, is_http2: bool) -> Frames {
    let protocol = if is_http2 { "http2" } else { "http" };
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-n", "-T", "fields"]);
    command.args([
        "-E",
        "separator=|",
        "-E",
        "aggregator=,",
        "-E",
        "occurrence=a",
    ]);
    command.args([
        "-e",
        "grpc.frame_type",
        "-e",
        "grpc.message_length",
        "-e",
        "grpc.message_data",
    ]);
    command.args(["-e", "_ws.malformed"]);
    command
        .arg("-d")
        .arg(format!("tcp.port=={port},{protocol}"));
    let output = command.output().expect("tshark runs");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut out = Frames::new();
    for line in text.lines() {
        let cells: Vec<Vec<&str>> = line
            .split('|')
            .map(|c| c.split(',').filter(|s| !s.is_empty()).collect())
            .collect();
        let [kinds, lengths, data, wrong] = &cells[..] else {
            panic!("{line:?}")
        };
        assert!(wrong.is_empty(), "{}: malformed", file.display());
        let mut data = data.iter();
        for (kind, length) in kinds.iter().zip(lengths) {
            // tshark has no data for an empty message
            let hex = if *length == "0" {
                ""
            } else {
                data.next().unwrap()
            };
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            assert_eq!(bytes.len().to_string(), *length, "{line}");
            match *kind {
                "1" => out.push((true, sorted_lines(&bytes))),
                _ => out.push((false, bytes)),
            }
        }
    }
    out.sort();
    out
}

/// The bytes of a value.
fn raw(node: &Node) -> Vec<u8> {
    node.scalar().as_bytes().unwrap().to_vec()
}

/// The frames that are in the calls. Nothing may be wrong with any of them.
fn ours(root: &Node) -> Frames {
    let mut out = Frames::new();
    for call in root.field("grpc_calls").unwrap().items() {
        assert_eq!(call.fault(), None);
        for list in ["requests", "responses"] {
            for message in call.field(list).unwrap().items() {
                assert_eq!(message.fault(), None);
                let body = raw(&message.field("message").unwrap());
                assert_eq!(int(&message.field("length").unwrap()), body.len() as u64);
                out.push((false, body));
            }
        }
        let mut lines = String::new();
        for trailer in call.field("trailers").unwrap().items() {
            // as it is written, not what it means
            let line = trailer.bytes().unwrap();
            lines += std::str::from_utf8(&line).unwrap();
        }
        for (header, field) in [("grpc-status", "status"), ("grpc-message", "message")] {
            if let Some(value) = call.field(field) {
                let value = value.bytes().unwrap();
                lines += &format!("{header}: {}\r\n", std::str::from_utf8(&value).unwrap());
            }
        }
        out.push((true, sorted_lines(lines.as_bytes())));
    }
    for stream in root.field("streams").unwrap().items() {
        for side in ["request", "response"] {
            assert_eq!(stream.field(side).and_then(|s| s.fault()), None);
        }
    }
    for side in ["client", "server"] {
        let stream = at(root, &format!(".tcp_connections[0].{side}.stream"));
        assert_eq!(stream.fault(), None);
    }
    out.sort();
    out
}

fn agrees(name: &str, bytes: &Bytes) {
    let root = decode(bytes);
    let ours = ours(&root);
    if has_tshark() {
        let file = written(&format!("web-{name}"), bytes);
        let port = int(&at(&root, ".tcp_connections[0].server.port"));
        assert_eq!(theirs(&file, port, name.contains("http2")), ours, "{name}");
    }
}

#[test]
fn calls_are_those_of_tshark() {
    for (name, bytes) in samples() {
        let root = decode(&bytes);
        assert_eq!(encoded(&root).to_bytes(), bytes);
        agrees(&name, &bytes);
        let calls = root.field("grpc_calls").unwrap();
        let mut said: Vec<_> = calls
            .items()
            .map(|call| {
                let n = |list: &str| call.field(list).unwrap().len();
                let name = text(&call.field("method").unwrap());
                let status = text(&call.field("status_name").unwrap());
                (name, n("requests"), n("responses"), status)
            })
            .collect();
        said.sort();
        said.dedup();
        let replies = if name == "grpcweb-text.pcap" { 4 } else { 3 };
        let call = |name: &str, n, status: &str| (name.to_owned(), 1, n, status.to_owned());
        assert_eq!(
            said,
            [
                call("Count", replies, "OK"),
                call("Fail", 0, "NOT_FOUND"),
                call("Greet", 1, "OK"),
            ]
        );
        for call in calls.items() {
            let failed = text(&call.field("method").unwrap()) == "Fail";
            let message = call.field("message").map(|m| text(&m));
            assert_eq!(failed, message.as_deref() == Some("no Bob: ü"));
        }
    }
}

#[test]
fn edits_over_http1() {
    edits_go_through_all_layers("grpcweb-http1.pcap");
}

#[test]
fn edits_over_http2() {
    edits_go_through_all_layers("grpcweb-http2.pcap");
}

#[test]
fn edits_of_text_over_http1() {
    edits_go_through_all_layers("grpcweb-text.pcap");
}

#[test]
fn edits_of_text_over_http2() {
    edits_go_through_all_layers("grpcweb-text-http2.pcap");
}

/// Sizes of messages, trailers, base64, chunks, `Content-Length` and frames follow.
fn edits_go_through_all_layers(name: &str) {
    let long = Bytes::from(vec![b'x'; 3_000]);
    let few = Bytes::from_static(b"\x0a\x01A");
    type Edit = Box<dyn Fn(&Node, &str) -> Node>;
    let message = |side: &'static str, new: Bytes| -> Edit {
        Box::new(move |root, call| {
            let path = format!("{call}.{side}[0].message");
            set(root, &path, Scalar::Bytes(new.clone()))
        })
    };
    let edits: Vec<(&str, Edit)> = vec![
        ("longer request", message("requests", long.clone())),
        ("shorter request", message("requests", few.clone())),
        ("empty request", message("requests", Bytes::new())),
        ("longer response", message("responses", long)),
        ("shorter response", message("responses", few)),
        ("empty response", message("responses", Bytes::new())),
        (
            "status",
            Box::new(|root, call| set(root, &format!("{call}.status"), 13)),
        ),
        (
            "no responses",
            Box::new(|root, call| delete_item(root, &format!("{call}.responses"), 0)),
        ),
        (
            "twice the response",
            Box::new(|root, call| {
                let path = format!("{call}.responses");
                let list = at(root, &path);
                let again: Vec<Plain> = list.items().chain(list.items()).map(Plain::Node).collect();
                set_plain(root, &path, Plain::Array(again))
            }),
        ),
        (
            "a trailer more",
            Box::new(|root, call| {
                let path = format!("{call}.trailers");
                let text = |s: &str| Plain::Scalar(s.into());
                let new = Plain::Object(vec![
                    ("name".to_owned(), text("added")),
                    ("value".to_owned(), text("much later")),
                ]);
                let list = at(root, &path).items().map(Plain::Node);
                set_plain(root, &path, Plain::Array(list.chain([new]).collect()))
            }),
        ),
    ];
    let bytes = capture(name);
    let root = decode(&bytes);
    let before = ours(&root);
    // a unary call, and one with several responses
    let calls = at(&root, ".grpc_calls");
    let responses = |i: &u64| at(&root, &format!(".grpc_calls[{i}].responses")).len();
    let many = (0..calls.len()).find(|i| responses(i) > 1).unwrap();
    for (what, edit) in &edits {
        for i in [0, many] {
            let call = format!(".grpc_calls[{i}]");
            let out = encoded(&edit(&root, &call)).to_bytes();
            let after = ours(&decode(&out));
            assert_ne!(after, before, "{name}: {what}");
            let kept = before.iter().filter(|f| after.contains(f)).count();
            assert!(
                kept + 1 >= before.len(),
                "{name}: {what} changed other frames"
            );
            // tshark takes its time
            if i == many {
                agrees(name, &out);
            }
        }
    }
}

/// The path of the response that a call has.
fn response_of(root: &Node, call: &str) -> String {
    let key = |node: &Node| ["stream_id", "time"].map(|name| text(&node.field(name).unwrap()));
    let wanted = key(&at(root, call));
    let mut streams = at(root, ".streams").items();
    let i = streams.position(|s| key(&s) == wanted).unwrap();
    format!(".streams[{i}].response")
}

/// Where the trailers begin in a body.
fn trailers_at(root: &Node, call: &str, body: &[u8]) -> usize {
    if body.starts_with(b"AAAA") {
        // base64 of a frame that begins with 0x80 0x00 0x00 0x00
        return body.windows(5).rposition(|w| w == b"gAAAA").unwrap();
    }
    let messages = at(root, &format!("{call}.responses")).items();
    let sizes = messages.map(|m| 5 + int(&m.field("length").unwrap()) as usize);
    sizes.sum()
}

fn trailers(root: &Node, call: &str) -> Vec<(String, String)> {
    let field = |t: &Node, name: &str| text(&t.field(name).unwrap());
    let list = at(root, &format!("{call}.trailers")).items();
    list.map(|t| (field(&t, "name"), field(&t, "value")))
        .collect()
}

/// Trailers that are added where there are none: to an empty frame, or in a new one at the end of the body.
#[test]
fn the_first_trailers_are_added() {
    for (name, bytes) in samples() {
        let root = decode(&bytes);
        for i in 0..at(&root, ".grpc_calls").len() {
            let call = format!(".grpc_calls[{i}]");
            if at(&root, &format!("{call}.responses")).is_empty() {
                continue;
            }
            let path = format!("{}.body", response_of(&root, &call));
            let body = raw(&at(&root, &path));
            let cut = trailers_at(&root, &call, &body);
            let empty: &[u8] = match body.starts_with(b"AAAA") {
                true => b"gAAAAAA=",
                false => b"\x80\0\0\0\0",
            };
            for frame in [&b""[..], empty] {
                let without = [&body[..cut], frame].concat();
                let without = set(&root, &path, Scalar::Bytes(without.into()));
                let without = decode(&encoded(&without).to_bytes());
                assert_eq!(trailers(&without, &call), []);
                assert!(at(&without, &call).field("status").is_none());
                let messages = at(&without, &format!("{call}.responses")).bytes().unwrap();
                let new = [("grpc-status", "5"), ("added", "much later")];
                let item = |(name, value): (&str, &str)| {
                    let text = |s: &str| Plain::Scalar(s.into());
                    let pairs = [("name", text(name)), ("value", text(value))];
                    Plain::Object(pairs.map(|(k, v)| (k.to_owned(), v)).into())
                };
                let list = Plain::Array(new.map(item).into());
                let edited = set_plain(&without, &format!("{call}.trailers"), list);
                let out = encoded(&edited).to_bytes();
                let again = decode(&out);
                let added = [("added".to_owned(), "much later".to_owned())];
                assert_eq!(trailers(&again, &call), added, "{name} {i}");
                assert_eq!(int(&at(&again, &format!("{call}.status"))), 5);
                let kept = at(&again, &format!("{call}.responses")).bytes().unwrap();
                assert_eq!(kept, messages);
                agrees(&name, &out);
            }
        }
    }
}

/// The trailers of a call in gzip, as another implementation wrote them (Python's `gzip.compress(text, mtime=0)`).
#[test]
fn compressed_trailers_are_read_and_edited() {
    const GZIP: &str = "1f8b08000000000002034b2f2a48d62d2e492c292db65230e7e54a07f173538b8b13d353ad14f2f279b992f38b4bac140c8d78b900991006242c000000";
    let digits = (0..GZIP.len()).step_by(2).map(|i| &GZIP[i..i + 2]);
    let gzip: Vec<u8> = digits.map(|d| u8::from_str_radix(d, 16).unwrap()).collect();
    for name in ["grpcweb-http1.pcap", "grpcweb-http2.pcap"] {
        let root = decode(&capture(name));
        let call = ".grpc_calls[0]";
        let response = response_of(&root, call);
        let body = raw(&at(&root, &format!("{response}.body")));
        let cut = trailers_at(&root, call, &body);
        let body = [&body[..cut], &[0x81, 0, 0, 0, gzip.len() as u8], &gzip].concat();
        let edited = set(
            &root,
            &format!("{response}.body"),
            Scalar::Bytes(body.into()),
        );
        // the encoding is not known: what is there is told, and stays
        let plain = decode(&encoded(&edited).to_bytes());
        let fault = at(&plain, call).fault().unwrap();
        assert!(fault.to_string().contains("no grpc-encoding"), "{fault}");
        let encoding = [("name", "grpc-encoding"), ("value", "gzip")];
        let list = format!("{response}.headers");
        let last = at(&root, &list).len() as usize;
        let edited = crate::insert_item(&edited, &list, last, &encoding);
        let before = encoded(&edited).to_bytes();
        let root = decode(&before);
        assert_eq!(at(&root, call).fault(), None);
        let cost = |value: &str| ("cost".to_owned(), value.to_owned());
        assert_eq!(trailers(&root, call), [cost("12")]);
        assert_eq!(int(&at(&root, &format!("{call}.status"))), 7);
        assert_eq!(text(&at(&root, &format!("{call}.message"))), "no");
        assert_eq!(encoded(&root).to_bytes(), before);

        let edited = set(&root, &format!("{call}.message"), "not any more");
        let edited = set(&edited, &format!("{call}.trailers[0].value"), "1");
        let list = format!("{call}.trailers");
        let new = [("name", "added"), ("value", "here")];
        let after = encoded(&crate::insert_item(&edited, &list, 1, &new)).to_bytes();
        let again = decode(&after);
        assert_eq!(at(&again, call).fault(), None);
        let added = ("added".to_owned(), "here".to_owned());
        assert_eq!(trailers(&again, call), [cost("1"), added]);
        assert_eq!(
            text(&at(&again, &format!("{call}.message"))),
            "not any more"
        );
        crate::edits::accepted("web-compressed", &before, &after);
    }
}

/// A capture (pcap, little-endian) without its first packets.
fn joined_late(bytes: &Bytes, packets: usize) -> Option<Bytes> {
    let mut at = 24;
    for _ in 0..packets {
        let len = bytes.get(at + 8..at + 12)?.try_into().unwrap();
        at += 16 + u32::from_le_bytes(len) as usize;
    }
    Some([&bytes[..24], bytes.get(at..)?].concat().into())
}

/// The targets that tshark sees of requests, and the statuses of responses.
fn http_of_tshark(name: &str, bytes: &Bytes, told: &[String]) -> Vec<String> {
    let file = written(name, bytes);
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(file)
        .args(["-n", "-T", "fields", "-E", "aggregator=,"]);
    command.args(["-e", "http.request.uri", "-e", "http.response.code"]);
    command.args(told);
    let output = command.output().expect("tshark runs");
    let text = String::from_utf8(output.stdout).unwrap();
    let cells = text.split(|c: char| "\t\n,".contains(c));
    let mut all: Vec<String> = cells.filter(|c| !c.is_empty()).map(str::to_owned).collect();
    all.sort();
    all
}

/// A connection whose beginning was not captured shows its messages from the first whole one on, each answer with its request.
#[test]
fn http1_is_joined_late() {
    let pair = |stream: &Node| {
        let part = |side: &str, name: &str| {
            let value = stream.field(side)?.field(name)?;
            Some(text(&value))
        };
        (
            part("request", "target"),
            part("response", "status"),
            part("response", "body"),
        )
    };
    for name in ["grpcweb-http1.pcap", "grpcweb-text.pcap"] {
        let bytes = capture(name);
        let whole = decode(&bytes);
        let port = int(&at(&whole, ".tcp_connections[0].server.port"));
        let all: Vec<_> = at(&whole, ".streams").items().map(|s| pair(&s)).collect();
        let (mut late, mut unasked, mut before) = (0, 0, None);
        for packets in 1.. {
            let Some(cut) = joined_late(&bytes, packets).filter(|b| b.len() > 24) else {
                break;
            };
            let root = decode(&cut);
            assert_eq!(encoded(&root).to_bytes(), cut);
            let found: Vec<_> = at(&root, ".streams").items().map(|s| pair(&s)).collect();
            let rest = &all[all.len() - found.len()..];
            let Some(first) = found.first() else {
                continue;
            };
            // of the first exchange the request may be missing; all others are as they were
            assert_eq!(
                (&first.1, &first.2),
                (&rest[0].1, &rest[0].2),
                "{name} {packets}"
            );
            assert_eq!(found[1..], rest[1..], "{name} {packets}");
            unasked += u32::from(first.0.is_none());
            let gap = |side: &str| {
                let stream = at(&root, &format!(".tcp_connections[0].{side}.stream"));
                assert_eq!(stream.field("gap0").is_some(), stream.fault().is_some());
                u32::from(stream.field("gap0").is_some())
            };
            late += gap("client") + gap("server");
            // packets without data change nothing
            let shown = at(&root, ".tcp_connections[0].server.stream")
                .span()
                .byte_len();
            if has_tshark() && before != Some((found.len(), shown)) {
                before = Some((found.len(), shown));
                let ours = found.iter().flat_map(|(asked, status, _)| [asked, status]);
                let mut ours: Vec<String> = ours.flatten().cloned().collect();
                ours.sort();
                // told the protocol of the port, tshark may take what comes first for a body without an end; not told, it
                // does not take a request alone for one
                let told = ["-d".to_owned(), format!("tcp.port=={port},http")];
                let both = [&told[..], &[]].map(|told| http_of_tshark("late", &cut, told));
                assert!(both.contains(&ours), "{name} {packets}: {ours:?}, {both:?}");
            }
        }
        assert!(late > 0 && unasked > 0, "{name}: {late}, {unasked}");

        let gaps = ["client", "server"].map(|s| format!(".tcp_connections[0].{s}.stream.gap0"));
        let cuts = (1..).map(|n| decode(&joined_late(&bytes, n).unwrap()));
        let mut late = cuts.into_iter().filter_map(|root| {
            let there = |gap: &&String| binq_laws::follow(&root, &binq_laws::parse(gap)).is_some();
            gaps.iter().find(there).map(|gap| (root.clone(), gap))
        });
        let (root, gap) = late.next().unwrap();
        let lost = raw(&at(&root, gap));
        let last = at(&root, ".streams").len() - 1;
        let path = format!(".streams[{last}].request.path");
        let body = format!(".streams[{last}].response.body");
        let edited = set(&root, &path, "/somewhere/else");
        let new = Bytes::from_static(b"AAAAAAA=");
        let edited = set(&edited, &body, Scalar::Bytes(new.clone()));
        let again = decode(&encoded(&edited).to_bytes());
        assert_eq!(text(&at(&again, &path)), "/somewhere/else");
        assert_eq!(raw(&at(&again, &body)), new);
        assert_eq!(raw(&at(&again, gap)), lost);
    }
}

/// What is written for `no_fix` is what was assigned, and nothing follows.
#[test]
fn nothing_follows_with_no_fix() {
    let bytes = capture("grpcweb-http1.pcap");
    let root = decode(&bytes);
    let path = ".grpc_calls[0].requests[0].message";
    let mut new = raw(&at(&root, path));
    new[2] ^= 1;
    let edited = set(&root, path, Scalar::Bytes(new.into()));
    let out = encode(&edited, &EncodeOptions { no_fix: true })
        .unwrap()
        .to_bytes();
    let differ = out.iter().zip(&bytes).filter(|(a, b)| a != b).count();
    assert_eq!((out.len(), differ), (bytes.len(), 1));
}

/// A length that was assigned stays, and that is told.
#[test]
fn an_assigned_length_stays() {
    let said = |name: &str, paths: &[(&str, Scalar)]| {
        let mut root = decode(&capture(name));
        for (path, value) in paths {
            root = set(&root, path, value.clone());
        }
        let out = encoded(&root);
        let wrong: Vec<String> = out
            .report
            .notes
            .iter()
            .filter(|n| matches!(n.did, Did::LeftWrong { .. }))
            .map(|n| n.path.clone())
            .collect();
        (wrong, decode(&out.to_bytes()))
    };
    let message = ".grpc_calls[0].requests[0].message";
    let new = || Scalar::Bytes(Bytes::from_static(b"\x0a\x08new name"));
    let size = ".tcp_connections[0].client.stream.requests[0].chunks[0].size";
    let (wrong, after) = said(
        "grpcweb-http1.pcap",
        &[(message, new()), (size, 200.into())],
    );
    assert_eq!(
        (wrong, int(&at(&after, size))),
        (vec![size.to_owned()], 200)
    );
    // the value that it has is an assignment too
    let (wrong, after) = said("grpcweb-http1.pcap", &[(message, new()), (size, 19.into())]);
    assert_eq!((wrong, int(&at(&after, size))), (vec![size.to_owned()], 19));
    let list = ".tcp_connections[0].client.stream.requests[0].headers";
    let root = decode(&capture("grpcweb-text.pcap"));
    let i = (0..).find(|i| text(&at(&root, &format!("{list}[{i}].name"))) == "Content-Length");
    let length = format!("{list}[{}].value", i.unwrap());
    let (wrong, after) = said(
        "grpcweb-text.pcap",
        &[(message, new()), (&length, "7".into())],
    );
    assert_eq!(
        (wrong, text(&at(&after, &length))),
        (vec![length.clone()], "7".to_owned())
    );
    let (wrong, after) = said("grpcweb-text.pcap", &[(message, new())]);
    assert_eq!(
        (wrong, text(&at(&after, &length))),
        (vec![], "20".to_owned())
    );
}

/// Two views of the same bytes that say different things are an error.
#[test]
fn contradictions_are_told() {
    let root = decode(&capture("grpcweb-text.pcap"));
    let one = set(&root, ".grpc_calls[0].requests[0].message", "abcdefg");
    let both = set(&one, ".streams[0].request.body", "AAAAAAcxMjM0NTY3");
    assert!(encode(&both, &EncodeOptions::default()).is_err());
}
