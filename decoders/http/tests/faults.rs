//! What a peer of HTTP/2 or HTTP/1.1 rejects is found, once, on the field that has the byte (RFC 9113, RFC 9112).

use binq_core::{Format, Node, Options, Severity, Space};
use binq_http::{Http1, Http2};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    [
        &[0, name.len() as u8],
        name.as_bytes(),
        &[value.len() as u8],
        value.as_bytes(),
    ]
    .concat()
}

/// `GET http / h`
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x01, 1, b'h'];

fn found(format: &dyn Format, bytes: &[u8]) -> Vec<(String, Severity, u64)> {
    let root: Node = format.decode(Space::source(bytes.to_vec()), &Options::default());
    let all = root.findings();
    all.map(|f| (f.path, f.severity, f.offset.unwrap()))
        .collect()
}

/// The only finding about a client's stream that has these frames after its settings.
fn one(frames: &[Vec<u8>]) -> (String, Severity, u64) {
    let bytes = [PREFACE, &frame(4, 0, 0, &[]), &frames.concat()].concat();
    let mut all = found(&Http2, &bytes);
    assert_eq!(all.len(), 1, "{all:?}");
    let (path, severity, offset) = all.remove(0);
    (path, severity, offset - 33)
}

#[test]
fn a_sound_stream_has_no_fault() {
    let bytes = [
        PREFACE,
        &frame(4, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 5, 0, 0, 0x40, 0]),
        &frame(4, 1, 0, &[]),
        &frame(
            1,
            4,
            1,
            &[
                GET,
                &literal("content-length", "5"),
                &literal("te", "trailers"),
            ]
            .concat(),
        ),
        &frame(0, 8, 1, b"\x02hel\0\0"),
        &frame(0, 1, 1, b"lo"),
        &frame(1, 1, 3, GET),
        &frame(9, 4, 3, &literal("a", "b")),
        &frame(8, 0, 0, &[0, 0, 0, 1]),
        &frame(0x40, 0xff, 9, b"unknown"),
        &frame(7, 0, 0, &[0; 8]),
    ];
    assert_eq!(found(&Http2, &bytes.concat()), []);
}

#[test]
fn frames_that_end_a_connection() {
    use Severity::{Damage, Odd, Stops};
    let headers = |extra: &[u8]| frame(1, 5, 1, &[GET, extra].concat());
    let open = frame(1, 4, 1, GET);
    let cases: Vec<(Vec<Vec<u8>>, &str, Severity, u64)> = vec![
        (vec![frame(0, 1, 0, b"x")], ".frames[1].stream_id", Stops, 5),
        (vec![frame(4, 0, 3, &[])], ".frames[1].stream_id", Stops, 5),
        (
            vec![frame(6, 0, 3, &[0; 8])],
            ".frames[1].stream_id",
            Stops,
            5,
        ),
        (vec![frame(1, 5, 2, GET)], ".frames[1].stream_id", Stops, 5),
        (
            vec![headers(&[]), frame(0, 0, 1, b"x")],
            ".frames[2].stream_id",
            Stops,
            20,
        ),
        (vec![frame(4, 1, 0, &[0; 6])], ".frames[1].length", Stops, 0),
        (
            vec![frame(4, 0, 0, &[0; 5])],
            ".frames[1].payload",
            Stops,
            9,
        ),
        (
            vec![frame(6, 0, 0, &[0; 7])],
            ".frames[1].payload",
            Stops,
            9,
        ),
        (
            vec![frame(8, 0, 0, &[0; 4])],
            ".frames[1].payload.window_size_increment",
            Stops,
            9,
        ),
        (
            vec![open.clone(), frame(8, 0, 1, &[0x80, 0, 0, 0])],
            ".frames[2].payload.window_size_increment",
            Damage,
            24,
        ),
        (
            vec![frame(4, 0, 0, &[0, 2, 0, 0, 0, 2])],
            ".frames[1].payload.settings[0].value",
            Stops,
            11,
        ),
        (
            vec![frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0])],
            ".frames[1].payload.settings[0].value",
            Stops,
            11,
        ),
        (
            vec![frame(4, 0, 0, &[0, 5, 0, 0, 0x3f, 0xff])],
            ".frames[1].payload.settings[0].value",
            Stops,
            11,
        ),
        (
            vec![open.clone(), frame(0, 9, 1, &[3, 0, 0])],
            ".frames[2].payload.pad_length",
            Stops,
            24,
        ),
        (
            vec![open.clone(), frame(0, 9, 1, &[2, b'x', 0, 7])],
            ".frames[2].payload.padding",
            Odd,
            27,
        ),
        (vec![frame(9, 4, 1, b"")], ".frames[1].type", Stops, 3),
        (
            vec![frame(1, 1, 1, GET), frame(6, 0, 0, &[0; 8])],
            ".frames[1].payload",
            Stops,
            15,
        ),
        (
            vec![headers(&[0xff, 0x10])],
            ".frames[1].payload.headers[4]",
            Stops,
            15,
        ),
        (
            vec![headers(&[0x20])],
            ".frames[1].payload.headers[4].max_size",
            Stops,
            15,
        ),
        (
            vec![headers(&[0, 1, b'a', 0x81, 0])],
            ".frames[1].payload.headers[4].value",
            Stops,
            18,
        ),
        (
            vec![headers(&[0, 9, b'a'])],
            ".frames[1].payload.headers[4]",
            Stops,
            16,
        ),
        (vec![headers(&[0xff])], ".frames[1].payload", Stops, 15),
        (
            vec![frame(6, 0, 0, &[0; 8])[..12].to_vec()],
            ".frames[1]",
            Stops,
            9,
        ),
        (vec![vec![0; 5]], ".gap0", Stops, 0),
        // a stream that nobody opened (section 5.1)
        (vec![frame(0, 1, 1, b"x")], ".frames[1].stream_id", Stops, 5),
        (
            vec![frame(3, 0, 1, &[0, 0, 0, 1])],
            ".frames[1].stream_id",
            Stops,
            5,
        ),
        (
            vec![open.clone(), frame(8, 0, 3, &[0, 0, 0, 1])],
            ".frames[2].stream_id",
            Stops,
            20,
        ),
        // one that its sender gave up
        (
            vec![
                open.clone(),
                frame(3, 0, 1, &[0, 0, 0, 8]),
                frame(0, 0, 1, b"x"),
            ],
            ".frames[3].stream_id",
            Stops,
            33,
        ),
        (
            vec![
                open.clone(),
                frame(3, 0, 1, &[0, 0, 0, 8]),
                frame(1, 5, 1, &literal("a", "b")),
            ],
            ".frames[3].stream_id",
            Stops,
            33,
        ),
        // a client promises nothing (section 8.4)
        (
            vec![open.clone(), frame(5, 4, 1, &[&[0, 0, 0, 2], GET].concat())],
            ".frames[2].type",
            Stops,
            18,
        ),
        // index 0 (RFC 7541 section 6.1)
        (
            vec![headers(&[0x80])],
            ".frames[1].payload.headers[4]",
            Stops,
            15,
        ),
        // what depends on itself (RFC 7540 section 5.3.1)
        (
            vec![frame(2, 0, 1, &[0, 0, 0, 1, 1])],
            ".frames[1].payload.stream_dependency",
            Damage,
            9,
        ),
        (
            vec![frame(1, 0x25, 1, &[&[0, 0, 0, 1, 1], GET].concat())],
            ".frames[1].payload.stream_dependency",
            Damage,
            9,
        ),
        // trailers end their stream, and have no pseudo-header fields (section 8.1)
        (
            vec![open.clone(), frame(1, 4, 1, &literal("a", "b"))],
            ".frames[2].flags",
            Damage,
            19,
        ),
        (
            vec![open.clone(), frame(1, 5, 1, &[0x84])],
            ".frames[2].payload.headers[0].name",
            Damage,
            24,
        ),
        // what a request lacks (section 8.3.1)
        (
            vec![frame(1, 5, 1, &GET[1..])],
            ".frames[1].payload.headers",
            Damage,
            9,
        ),
        (
            vec![frame(1, 5, 1, &GET[..3])],
            ".frames[1].payload.headers",
            Damage,
            9,
        ),
    ];
    for (frames, path, severity, offset) in cases {
        let (at, how, byte) = one(&frames);
        assert_eq!(
            (at.as_str(), how, byte),
            (path, severity, offset),
            "{frames:?}"
        );
    }
}

/// RFC 9113 section 3.4.
#[test]
fn a_client_begins_with_settings() {
    let bytes = [PREFACE, &frame(6, 0, 0, &[0; 8]), &frame(4, 0, 0, &[])].concat();
    assert_eq!(
        found(&Http2, &bytes),
        [(".frames[0].type".to_owned(), Severity::Stops, 27)]
    );
    // a piece of a stream may begin with any frame
    assert_eq!(found(&Http2, &bytes[24..]), []);
}

#[test]
fn messages_that_are_malformed() {
    let damaged = |fields: &[(&str, &str)], data: &[u8]| {
        let block: Vec<u8> = fields.iter().flat_map(|(n, v)| literal(n, v)).collect();
        let frames = [
            frame(1, 4, 1, &[GET, &block].concat()),
            frame(0, 1, 1, data),
        ];
        let (path, severity, _) = one(&frames);
        assert_eq!(severity, Severity::Damage);
        path.strip_prefix(".frames[1].payload.headers")
            .unwrap()
            .to_owned()
    };
    assert_eq!(damaged(&[("Upper", "x")], b""), "[4].name");
    assert_eq!(damaged(&[("a", "b\r\nc")], b""), "[4].value");
    assert_eq!(damaged(&[("a", "b"), (":authority", "c")], b""), "[5].name");
    assert_eq!(damaged(&[("connection", "close")], b""), "[4].name");
    assert_eq!(damaged(&[("content-length", "4")], b"hello"), "[4].value");
    assert_eq!(damaged(&[("content-length", "6")], b"hello"), "[4].value");
    assert_eq!(damaged(&[("content-length", "+5")], b"hello"), "[4].value");
    assert_eq!(
        damaged(
            &[("content-length", "5"), ("content-length", "5")],
            b"hello"
        ),
        "[5].name"
    );
    assert_eq!(damaged(&[("a", "b\u{1}c")], b""), "[4].value");
    assert_eq!(damaged(&[("a", "b\u{7f}c")], b""), "[4].value");
}

#[test]
fn http1_faults() {
    use Severity::{Damage, Odd, Stops};
    let cases: &[(&str, &str, Severity)] = &[
        ("GET / HTTP/1.1\r\n\r\n", ".requests[0]", Damage),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            ".requests[0]",
            Damage,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nb : c\r\n\r\n",
            ".requests[0]",
            Stops,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nb: c\0d\r\n\r\n",
            ".requests[0].headers[1].value",
            Damage,
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            ".requests[0]",
            Stops,
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
            ".requests[0]",
            Stops,
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            ".requests[0]",
            Damage,
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ".requests[0]",
            Odd,
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\n",
            ".requests[0]",
            Stops,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nnothing", "", Stops),
    ];
    for (text, path, severity) in cases {
        let all = found(&Http1, text.as_bytes());
        let path = if path.is_empty() { "." } else { path };
        let is: Vec<_> = all.iter().map(|(p, s, _)| (p.as_str(), *s)).collect();
        assert!(is.contains(&(path, *severity)), "{text:?}: {is:?}");
        assert!(
            is.len() == 1 || text.contains("Length: 1\r\nContent"),
            "{text:?}: {is:?}"
        );
    }
    let sound = "GET / HTTP/1.0\r\n\r\nPUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    assert_eq!(found(&Http1, sound.as_bytes()), []);
}
