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

/// `POST http`, to the authority `h`.
const POST: &[u8] = &[0x83, 0x86, 0x01, 1, b'h'];

fn request(stream: u32) -> Vec<u8> {
    let path = literal(":path", "/s/m");
    let kind = literal("content-type", "application/grpc");
    frame(1, 4, stream, &[POST, &path, &kind].concat())
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
    let head = |extra: &[u8]| [POST, &path, &kind, extra].concat();
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
    let block = |update: &[u8]| frame(1, 5, 1, &[update, POST, &[0x84]].concat());
    // 4096 and 4097 in five bits
    let (most, more) = (block(&[0x3f, 0xe1, 0x1f]), block(&[0x3f, 0xe2, 0x1f]));
    let wrong = vec![(path(1, "payload.headers[0].max_size"), Severity::Stops)];
    assert_eq!(sent(&[settings(&[])], std::slice::from_ref(&most)), []);
    assert_eq!(sent(&[settings(&[])], std::slice::from_ref(&more)), wrong);
    assert_eq!(sent(&[settings(&[(1, 5000)])], &[more]), []);
    let less = [ACK.to_vec(), most];
    let wrong = vec![(path(2, "payload.headers[0].max_size"), Severity::Stops)];
    assert_eq!(sent(&[settings(&[(1, 100)])], &less), wrong);
    // a reduction is told by the next block, once it is acknowledged (RFC 9113 section 4.3.1)
    let (plain, small) = (block(&[]), settings(&[(1, 100)]));
    let (exact, none) = (block(&[0x3f, 0x45]), settings(&[(1, 4096)]));
    let missing = vec![(path(2, "payload.headers[0].index"), Severity::Stops)];
    let after = |server: &[u8], blocks: &[&[u8]]| {
        let blocks = blocks.iter().map(|b| b.to_vec());
        let all: Vec<_> = std::iter::once(ACK.to_vec()).chain(blocks).collect();
        sent(&[server.to_vec()], &all)
    };
    assert_eq!(after(&small, &[&plain]), missing);
    assert_eq!(after(&small, &[&exact]), []);
    assert_eq!(after(&none, &[&plain]), []);
    assert_eq!(sent(&[small], &[plain]), []);
}

#[test]
fn no_more_data_is_sent_than_the_windows_allow() {
    use Severity::{Damage, Stops};
    let open = frame(1, 4, 1, &[POST, &[0x84]].concat());
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

/// A request of which nothing is there, though it is answered, is told as one that was lost.
#[test]
fn a_whole_request_that_is_lost_is_no_empty_one() {
    let asked = |stream| [request(stream), data(1, stream, 1)].concat();
    let answer = |stream| [response(stream), data(0, stream, 1), trailers(stream)].concat();
    let (hello, settings) = (begin(&[]), frame(4, 0, 0, &[]));
    let all = [1, 3, 5].map(|stream| (asked(stream), answer(stream)));
    for lost in 0..3 {
        let mut sent: Vec<Sent<'_>> = vec![(CLIENT, &hello, true), (SERVER, &settings, true)];
        for (i, (asked, answer)) in all.iter().enumerate() {
            sent.push((CLIENT, asked, i != lost));
            sent.push((SERVER, answer, true));
        }
        let root = capture(&sent);
        let stream = |i: usize| {
            let id = binq_core::Scalar::from(2 * i as u64 + 1);
            let mut all = at(&root, ".streams").items();
            all.find(|s| s.field("stream_id").unwrap().scalar() == id)
                .unwrap()
        };
        for i in 0..3 {
            let request = at(&stream(i), ".request");
            let wanted = (Severity::Odd, "bytes that the capture lost".to_owned());
            assert_eq!(found(&request), (i == lost).then_some(wanted), "{lost} {i}");
            let missing = at(&request, "._missing").scalar();
            assert_eq!(missing == binq_core::Scalar::Null, i != lost, "{lost} {i}");
        }
        assert_eq!(worst(&root), Some(Severity::Odd));
    }
}

/// Behind a hole, a frame that fills what is there up to the next hole is one, and no frame is made of bytes of its data that look
/// like one that this peer does not send.
#[test]
fn frames_between_two_holes_are_found() {
    let (hello, settings) = (begin(&[]), frame(4, 0, 0, &[]));
    // the data looks like a frame that a client does not send
    let inner = frame(0, 0, 778, &[0; 3]);
    let part = |stream| frame(0, 0, stream, &inner.repeat(4));
    let open: Vec<_> = (0..4).map(|i| request(2 * i + 1)).collect();
    let open = open.concat();
    let parts: Vec<_> = (0..8).map(|i| part(2 * (i % 4) + 1)).collect();
    let mut sent: Vec<Sent<'_>> = vec![
        (CLIENT, &hello, true),
        (SERVER, &settings, true),
        (CLIENT, &open, true),
    ];
    sent.extend(
        parts
            .iter()
            .enumerate()
            .map(|(i, p)| (CLIENT, &p[..], i % 2 == 0)),
    );
    let root = capture(&sent);
    let frames = at(&root, ".tcp_connections[0].client.stream.frames").items();
    let data = frames.filter(|f| f.field("type").is_some_and(|t| t.scalar() == "DATA".into()));
    let streams: Vec<_> = data
        .map(|f| f.field("stream_id").unwrap().scalar())
        .collect();
    assert_eq!(
        streams,
        [1, 5, 1, 5].map(|n: u64| binq_core::Scalar::from(n))
    );
}

/// The rest of a frame header, and the message behind it, read as a frame of a stream that nobody promised: it is a gap.
#[test]
fn the_rest_of_a_header_is_no_frame() {
    let (hello, settings) = (begin(&[]), frame(4, 0, 0, &[]));
    let asked: Vec<u8> = (0..12).flat_map(|i| request(2 * i + 1)).collect();
    // a message of field 1; behind six lost bytes, it begins 00 00 11, 00, 00, 00 00 12 0a
    let message = [&[0, 0, 0, 0, 0x12, 0x0a, 0x10][..], &[b'p'; 16]].concat();
    let told = frame(0, 0, 0x11, &message);
    let rest = [&told[..], &response(0x13), &trailers(0x13)].concat();
    let first = [settings, response(0x11)].concat();
    let root = capture(&[
        (CLIENT, &hello, true),
        (CLIENT, &asked, true),
        (SERVER, &first, true),
        (SERVER, &rest[..6], false),
        (SERVER, &rest[6..], true),
    ]);
    let frames = at(&root, ".tcp_connections[0].server.stream.frames").items();
    let streams: Vec<_> = frames
        .filter_map(|f| Some(f.field("stream_id")?.scalar()))
        .collect();
    assert_eq!(streams, [0, 0x11, 0x13, 0x13].map(|n: u64| n.into()));
}

/// What a server sends after a request of a client, and what is found about it.
fn answered(server: &[Vec<u8>]) -> Vec<(String, Severity)> {
    let hello = [begin(&[]), frame(1, 5, 1, &[POST, &[0x84]].concat())].concat();
    let server = [&settings(&[]), &server.concat()[..]].concat();
    let root = capture(&[(CLIENT, &hello, true), (SERVER, &server, true)]);
    let found = root.findings().filter(|f| f.severity > Severity::Odd);
    let path = |p: String| p.replace(".tcp_connections[0].server.stream.frames", "");
    found.map(|f| (path(f.path), f.severity)).collect()
}

/// RFC 9113: what nghttp, as a client, answers with RST_STREAM or GOAWAY.
#[test]
fn what_a_server_may_not_send() {
    use Severity::{Damage, Stops};
    let head = |flags: u8, fields: &[(&str, &str)]| {
        let block: Vec<u8> = fields.iter().flat_map(|(n, v)| literal(n, v)).collect();
        frame(1, flags, 1, &block)
    };
    let ok = |flags| frame(1, flags, 1, &[0x88]);
    let promise = |id: u32| frame(5, 4, 1, &[&id.to_be_bytes(), POST, &[0x84]].concat());
    let sound = [
        vec![head(4, &[(":status", "100")]), ok(4), data(1, 1, 1)],
        vec![promise(2), promise(4), ok(5), frame(1, 5, 2, &[0x88])],
        vec![ok(4), data(0, 1, 1), head(5, &[("a", "b")])],
        vec![head(5, &[(":status", "204"), ("content-length", "0")])],
        vec![head(5, &[(":status", "304"), ("content-length", "9")])],
        vec![settings(&[(2, 0)]), ok(5)],
    ];
    for frames in sound {
        assert_eq!(answered(&frames), [], "{frames:?}");
    }
    let status = "[1].payload.headers[0].value";
    let cases = [
        (vec![head(5, &[("a", "b")])], "[1].payload.headers", Damage),
        (vec![head(5, &[(":status", "abc")])], status, Damage),
        (vec![head(5, &[(":status", "99")])], status, Damage),
        (vec![head(5, &[(":status", "2000")])], status, Damage),
        (vec![head(5, &[(":status", "101")])], status, Damage),
        (vec![head(5, &[(":status", "100")])], "[1].flags", Damage),
        (
            vec![head(4, &[(":status", "103")]), data(1, 1, 1)],
            "[2].type",
            Damage,
        ),
        (vec![data(1, 1, 1)], "[1].type", Damage),
        (
            vec![ok(4), head(5, &[(":status", "200")])],
            "[2].payload.headers[0].name",
            Damage,
        ),
        (
            vec![ok(4), data(0, 1, 1), head(4, &[("a", "b")])],
            "[3].flags",
            Damage,
        ),
        (vec![frame(1, 5, 3, &[0x88])], "[1].stream_id", Stops),
        (vec![frame(1, 5, 2, &[0x88])], "[1].stream_id", Stops),
        (vec![promise(3)], "[1].payload.promised_stream_id", Stops),
        (
            vec![promise(4), promise(2)],
            "[2].payload.promised_stream_id",
            Stops,
        ),
        (
            vec![settings(&[(2, 1)])],
            "[1].payload.settings[0].value",
            Stops,
        ),
        (
            vec![head(4, &[(":status", "204")]), data(1, 1, 1)],
            "[2].payload.data",
            Damage,
        ),
        (
            vec![head(5, &[(":status", "204"), ("content-length", "5")])],
            "[1].payload.headers[1].name",
            Damage,
        ),
        (vec![ACK.to_vec(), ACK.to_vec()], "[2].flags", Stops),
    ];
    for (frames, path, severity) in cases {
        assert_eq!(
            answered(&frames),
            [(path.to_owned(), severity)],
            "{frames:?}"
        );
    }
}

/// What is told of a client only where all that the server sent is there.
#[test]
fn what_a_client_may_not_send_to_this_server() {
    use Severity::{Damage, Stops};
    let window = |stream: u32, n: u32| frame(8, 0, stream, &n.to_be_bytes());
    let open = frame(1, 4, 1, &[POST, &[0x84]].concat());
    let first = |frames: &[Vec<u8>]| sent(&[settings(&[])], frames);
    // 65,535 and that many are the most that a window may be
    let most = (1 << 31) - 1 - 65_535;
    assert_eq!(first(&[window(0, most)]), []);
    let increment = "payload.window_size_increment";
    assert_eq!(first(&[window(0, most + 1)]), [(path(1, increment), Stops)]);
    assert_eq!(first(&[open.clone(), window(1, most)]), []);
    assert_eq!(
        first(&[open.clone(), window(1, most + 1)]),
        [(path(2, increment), Damage)]
    );
    // what the server sent made room
    let body = [settings(&[]), frame(1, 4, 1, &[0x88]), data(0, 1, 1)];
    assert_eq!(sent(&body, &[open.clone(), window(1, most + 6)]), []);
    assert_eq!(
        sent(&body, &[open, window(1, most + 7)]),
        [(path(2, increment), Damage)]
    );
    // RFC 8441
    let connect: Vec<u8> = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "h"),
    ]
    .iter()
    .flat_map(|(n, v)| literal(n, v))
    .collect();
    let connect = [frame(1, 4, 1, &connect)];
    let wrong = vec![(path(1, "payload.headers[1].name"), Damage)];
    assert_eq!(sent(&[settings(&[])], &connect), wrong);
    assert_eq!(sent(&[settings(&[(8, 1)])], &connect), []);
}
