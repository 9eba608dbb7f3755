//! HTTP/2: frames that a capture lost are told on the streams and calls that may lack them, and what a peer sent beyond the limits
//! of the other one where the capture proves it.

use crate::at;
use crate::craft::{CLIENT, SERVER};
use crate::lost_http::{Sent, capture, worst};
use binq_core::{Node, Severity};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |s: &str| [&[s.len() as u8], s.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// The preface, and settings.
fn begin(settings: &[u8]) -> Vec<u8> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    [&preface[..], &frame(4, 0, 0, settings)].concat()
}

fn request(stream: u32) -> Vec<u8> {
    let path = literal(":path", "/s/m");
    let kind = literal("content-type", "application/grpc");
    frame(1, 4, stream, &[&[0x83, 0x86], &path[..], &kind].concat())
}

fn response(stream: u32) -> Vec<u8> {
    let kind = literal("content-type", "application/grpc");
    frame(1, 4, stream, &[&[0x88], &kind[..]].concat())
}

fn trailers(stream: u32) -> Vec<u8> {
    frame(1, 5, stream, &literal("grpc-status", "0"))
}

/// A frame with a message of one byte.
fn data(flags: u8, stream: u32, byte: u8) -> Vec<u8> {
    frame(0, flags, stream, &[0, 0, 0, 0, 1, byte])
}

/// The bytes of the messages of a call.
fn messages(call: &Node, side: &str) -> Vec<u8> {
    let all = at(call, side).items();
    all.flat_map(|m| m.field("message").unwrap().bytes().unwrap().to_vec())
        .collect()
}

/// What is found about a part of a call or a stream.
fn found(node: &Node) -> Option<(Severity, String)> {
    node.finding().map(|f| (f.severity, f.found))
}

#[test]
fn a_lost_frame_is_told_on_each_stream_that_was_open() {
    for (lost, side) in [(CLIENT, "request"), (SERVER, "response")] {
        let sent = |who: usize, bytes: Vec<u8>| (who, bytes, true);
        let mut all = vec![
            sent(CLIENT, begin(&[])),
            sent(SERVER, frame(4, 0, 0, &[])),
            // one that ends before, one that goes on, one that begins after
            sent(CLIENT, [request(1), data(1, 1, 1)].concat()),
            sent(SERVER, [response(1), data(0, 1, 1), trailers(1)].concat()),
            sent(CLIENT, [request(3), data(0, 3, 1)].concat()),
            sent(SERVER, [response(3), data(0, 3, 1)].concat()),
            (lost, data(0, 3, 2), false),
            sent(lost, data(0, 3, 3)),
        ];
        all.extend([
            sent(CLIENT, data(1, 3, 4)),
            sent(SERVER, [data(0, 3, 4), trailers(3)].concat()),
            sent(CLIENT, [request(5), data(1, 5, 1)].concat()),
            sent(SERVER, [response(5), data(0, 5, 1), trailers(5)].concat()),
        ]);
        let all: Vec<Sent<'_>> = all.iter().map(|(w, b, t)| (*w, &b[..], *t)).collect();
        let root = capture(&all);
        let wanted = Some((Severity::Odd, "bytes that the capture lost".to_owned()));
        for i in 0..3 {
            let call = at(&root, &format!(".grpc_calls[{i}]"));
            let stream = at(&root, &format!(".streams[{i}]"));
            let is_open = i == 1;
            assert_eq!(
                found(&call),
                wanted.clone().filter(|_| is_open),
                "{side} {i}"
            );
            for part in ["request", "response"] {
                let told = is_open && part == side;
                let message = at(&stream, &format!(".{part}"));
                assert_eq!(
                    found(&message),
                    wanted.clone().filter(|_| told),
                    "{part} {i}"
                );
                // what is not whole is not given as bytes
                assert_eq!(at(&message, ".body").bytes().is_err(), told, "{part} {i}");
            }
            let why = at(&call, "._cut").scalar();
            assert_eq!(why == binq_core::Scalar::Null, !(is_open && lost == CLIENT));
        }
        let call = at(&root, ".grpc_calls[1]");
        let (theirs, others) = match lost {
            CLIENT => ("requests", "responses"),
            _ => ("responses", "requests"),
        };
        assert_eq!(messages(&call, &format!(".{theirs}")), [1, 3, 4]);
        assert_eq!(messages(&call, &format!(".{others}")), [1, 4]);
        // the connection, its streams and its calls say the same: it is told once
        let odd: Vec<_> = root
            .findings()
            .filter(|f| f.severity > Severity::Note)
            .collect();
        assert_eq!(odd.len(), 1, "{odd:?}");
    }
}

#[test]
fn what_follows_a_lost_part_of_a_message_is_no_message() {
    // a message of eight bytes in two frames, the second of which is lost, and the rest of another one
    let first = frame(0, 0, 1, &[0, 0, 0, 0, 8, 1, 2, 3, 4]);
    let second = frame(0, 0, 1, &[5, 6, 7, 8]);
    for (after, wanted) in [(vec![9, 9, 9], 1), (vec![0, 0, 0, 0, 2, 7, 7], 2)] {
        let last = frame(0, 1, 1, &after);
        let (hello, asked) = (begin(&[]), [request(1), first.clone()].concat());
        let root = capture(&[
            (CLIENT, &hello, true),
            (CLIENT, &asked, true),
            (CLIENT, &second, false),
            (CLIENT, &last, true),
        ]);
        let list = at(&root, ".grpc_calls[0].requests");
        assert_eq!(list.items().count(), wanted, "{after:?}");
        let cut = list
            .item(0)
            .unwrap()
            .fault()
            .expect("a message that is cut");
        assert_eq!(cut.severity, Severity::Odd);
        if wanted == 2 {
            let whole = list.item(1).unwrap();
            assert_eq!(whole.field("message").unwrap().bytes().unwrap(), [7, 7][..]);
        }
    }
}

#[test]
fn lost_header_fields_are_told_where_they_would_be() {
    // an entry of the dynamic table, in a frame that is lost, and a request that names it
    let kind = literal("content-type", "application/grpc");
    let entry = [&[0x40][..], &literal("x-secret", "1")[1..]].concat();
    let path = literal(":path", "/s/m");
    let head = |extra: &[u8]| [&[0x83, 0x86][..], &path, &kind, extra].concat();
    let (hello, settings) = (begin(&[]), frame(4, 0, 0, &[]));
    let lost = frame(1, 5, 1, &head(&entry));
    let next = frame(1, 5, 3, &head(&[0x80 | 62]));
    let root = capture(&[
        (CLIENT, &hello, true),
        (SERVER, &settings, true),
        (CLIENT, &lost, false),
        (CLIENT, &next, true),
    ]);
    let call = at(&root, ".grpc_calls[0]");
    let metadata = at(&call, ".metadata");
    assert_eq!(metadata.items().count(), 0);
    let told = metadata.fault().expect("a fault on what may lack an entry");
    assert_eq!(told.severity, Severity::Odd);
    let why = at(&call, "._cut").scalar();
    assert_eq!(why, "not all headers of its request are known".into());
}

/// What the client sent after settings of the server, and its windows.
fn sent(server: &[Vec<u8>], client: &[Vec<u8>]) -> Vec<(String, Severity)> {
    let hello = begin(&[]);
    let server = server.concat();
    let mut all: Vec<Sent<'_>> = vec![(CLIENT, &hello, true), (SERVER, &server, true)];
    all.extend(client.iter().map(|f| (CLIENT, &f[..], true)));
    let root = capture(&all);
    let found = root.findings().filter(|f| f.severity > Severity::Odd);
    found.map(|f| (f.path, f.severity)).collect()
}

fn settings(all: &[(u16, u32)]) -> Vec<u8> {
    let setting = |(id, n): &(u16, u32)| [&id.to_be_bytes()[..], &n.to_be_bytes()].concat();
    frame(4, 0, 0, &all.iter().flat_map(setting).collect::<Vec<_>>())
}

const ACK: [u8; 9] = [0, 0, 0, 4, 1, 0, 0, 0, 0];

fn path(i: usize, field: &str) -> String {
    format!(".tcp_connections[0].client.stream.frames[{i}].{field}")
}

#[test]
fn a_frame_is_no_longer_than_the_peer_allows() {
    use Severity::Stops;
    let plain = |n: usize| frame(0x40, 0, 0, &vec![0; n]);
    assert_eq!(sent(&[settings(&[])], &[plain(16_384)]), []);
    let wrong = vec![(path(1, "length"), Stops)];
    assert_eq!(sent(&[settings(&[])], &[plain(16_385)]), wrong);
    let allows = settings(&[(5, 20_000)]);
    assert_eq!(sent(std::slice::from_ref(&allows), &[plain(20_000)]), []);
    assert_eq!(sent(&[allows], &[plain(20_001)]), wrong);
    // less is allowed once it is acknowledged
    let (more, less) = (settings(&[(5, 20_000)]), settings(&[(5, 16_384)]));
    let both = [more, less];
    assert_eq!(sent(&both, &[ACK.to_vec(), plain(20_000)]), []);
    let after = [ACK.to_vec(), ACK.to_vec(), plain(20_000)];
    assert_eq!(sent(&both, &after), [(path(3, "length"), Stops)]);
}

#[test]
fn the_header_table_is_no_larger_than_the_peer_allows() {
    let block = |update: &[u8]| frame(1, 5, 1, &[update, &[0x82, 0x86, 0x84]].concat());
    // 4096 and 4097 in five bits
    let (most, more) = (block(&[0x3f, 0xe1, 0x1f]), block(&[0x3f, 0xe2, 0x1f]));
    let wrong = vec![(path(1, "payload.headers[0].max_size"), Severity::Stops)];
    assert_eq!(sent(&[settings(&[])], std::slice::from_ref(&most)), []);
    assert_eq!(sent(&[settings(&[])], std::slice::from_ref(&more)), wrong);
    assert_eq!(sent(&[settings(&[(1, 5000)])], &[more]), []);
    let less = [ACK.to_vec(), most];
    let wrong = vec![(path(2, "payload.headers[0].max_size"), Severity::Stops)];
    assert_eq!(sent(&[settings(&[(1, 100)])], &less), wrong);
}

#[test]
fn no_more_data_is_sent_than_the_windows_allow() {
    use Severity::{Damage, Stops};
    let open = frame(1, 4, 1, &[0x83, 0x86, 0x84]);
    let part = |n: usize| frame(0, 0, 1, &vec![0; n]);
    let window = |stream: u32, n: u32| frame(8, 0, stream, &n.to_be_bytes());
    let many = |n: usize| {
        let mut all = vec![open.clone()];
        all.extend((0..4).map(|_| part(16_000)));
        all.push(part(n));
        all
    };
    // 64,000 and 1,535 are all of the first window
    assert_eq!(sent(&[settings(&[])], &many(1_535)), []);
    assert_eq!(
        sent(&[settings(&[])], &many(1_536)),
        [(path(6, "length"), Stops)]
    );
    let opened = |n| vec![settings(&[]), window(0, 10), window(1, n)];
    assert_eq!(sent(&opened(10), &many(1_545)), []);
    assert_eq!(
        sent(&opened(9), &many(1_545)),
        [(path(6, "length"), Damage)]
    );
    // of a stream alone
    let small = settings(&[(4, 100)]);
    let of_stream = |n: usize| vec![ACK.to_vec(), open.clone(), part(n), part(0)];
    assert_eq!(sent(std::slice::from_ref(&small), &of_stream(100)), []);
    let wrong = vec![(path(3, "length"), Damage)];
    assert_eq!(sent(std::slice::from_ref(&small), &of_stream(101)), wrong);
    // before the settings are acknowledged, the others may hold
    assert_eq!(sent(&[small], &[open.clone(), part(101)]), []);
}

#[test]
fn a_call_ends_with_one_status() {
    use Severity::{Damage, Odd};
    let status = |all: &[&str]| {
        let fields: Vec<u8> = all.iter().flat_map(|s| literal("grpc-status", s)).collect();
        let fields = [fields, literal("x", "y")].concat();
        let hello = begin(&[]);
        let asked = [request(1), data(1, 1, 1)].concat();
        let answer = [
            frame(4, 0, 0, &[]),
            response(1),
            data(0, 1, 1),
            frame(1, 5, 1, &fields),
        ];
        let answer = answer.concat();
        let root = capture(&[
            (CLIENT, &hello, true),
            (CLIENT, &asked, true),
            (SERVER, &answer, true),
        ]);
        let call = at(&root, ".grpc_calls[0]");
        let field = call.field("status").and_then(|s| s.finding());
        let severity = field.or_else(|| call.finding()).map(|f| f.severity);
        assert_eq!(worst(&root), severity, "{all:?}");
        severity
    };
    assert_eq!(status(&["0"]), None);
    assert_eq!(status(&["16"]), None);
    assert_eq!(status(&["007"]), None);
    assert_eq!(status(&["17"]), Some(Odd));
    assert_eq!(status(&["5", "0"]), Some(Odd));
    for wrong in ["+3", "-1", "x", "", "1 2", "4294967296"] {
        assert_eq!(status(&[wrong]), Some(Damage), "{wrong:?}");
    }
    assert_eq!(status(&[]), Some(Odd));
}
