//! Calls over HTTP/2, PROTOCOL-HTTP2.md.

use super::build::*;
use super::{keep, listed, message};
use binq_http::Http2;

fn headers(stream: u32, flags: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    frame(HEADERS, ENDH | flags, stream, &fields.concat())
}

pub fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, flags, stream, bytes)
}

/// The request of a call.
pub fn ask(stream: u32, path: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let own = [
        vec![0x83, 0x86],
        literal_named(4, path),
        literal_named(1, "h"),
        literal_named(31, "application/grpc"),
    ];
    headers(stream, 0, &[&own, more].concat())
}

/// The header fields of a response.
pub fn answer(stream: u32, more: &[Vec<u8>]) -> Vec<u8> {
    let own = [vec![0x88], literal_named(31, "application/grpc")];
    headers(stream, 0, &[&own, more].concat())
}

pub fn trailers(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let fields: Vec<_> = fields.iter().map(|(n, v)| literal(n, v)).collect();
    headers(stream, END, &fields)
}

pub fn hello() -> (Peer, Peer) {
    let settings = frame(SETTINGS, 0, 0, &[]);
    (
        Peer::new().at(0, PREFACE).at(0, &settings),
        Peer::new().at(0, &settings),
    )
}

fn peers(sent: &[Vec<u8>], received: &[Vec<u8>]) -> (Peer, Peer) {
    let (mut client, mut server) = hello();
    for (i, bytes) in sent.iter().enumerate() {
        client = client.at(1 + i as i128, bytes);
    }
    for (i, bytes) in received.iter().enumerate() {
        server = server.at(10 + i as i128, bytes);
    }
    (client, server)
}

fn shown(sent: &[Vec<u8>], received: &[Vec<u8>]) -> String {
    let (client, server) = peers(sent, received);
    listed(&Http2, &client, &server)
}

/// A call whose end has these trailers.
fn ended(fields: &[(&str, &str)]) -> String {
    let sent = [ask(1, "/p.S/M", &[]), data(1, END, &message(0, b"a"))];
    shown(
        &sent,
        &[
            answer(1, &[]),
            data(1, 0, &message(0, b"b")),
            trailers(1, fields),
        ],
    )
}

#[test]
fn unary_and_streaming_calls() {
    let ok = |stream| trailers(stream, &[("grpc-status", "0")]);
    let metadata = [
        literal("x-text", "a b"),
        literal("k-bin", "AAE="),
        literal("l-bin", "AAE"),
        literal("m-bin", "\0\x07\x08"),
        literal("n-bin", "AAE,Ag=="),
        literal("o-bin", "a*"),
        literal("p-bin", ""),
        literal("grpc-timeout", "99999999n"),
        literal("te", "trailers"),
        literal("user-agent", "u"),
        literal("grpc-x", "y"),
        literal("accept", "y"),
        literal("bin", "AAE="),
    ];
    let two = [message(0, b"one"), message(0, b""), message(0, b"three")].concat();
    let cases = [
        (
            "unary",
            shown(
                &[
                    ask(1, "/p.S/M", &metadata),
                    data(1, END, &message(0, b"\x08\x01")),
                ],
                &[
                    answer(1, &metadata[..2]),
                    data(1, 0, &message(0, b"\x08\x02")),
                    trailers(
                        1,
                        &[("grpc-status", "0"), ("x-end", "1"), ("grpc-message", "")],
                    ),
                ],
            ),
        ),
        (
            "messages in one frame",
            shown(
                &[ask(1, "/p.S/M", &[]), data(1, END, &two)],
                &[answer(1, &[]), data(1, 0, &two), ok(1)],
            ),
        ),
        (
            "no messages",
            shown(
                &[ask(1, "/p.S/M", &[]), data(1, END, b"")],
                &[answer(1, &[]), ok(1)],
            ),
        ),
        (
            "trailers only",
            shown(
                &[
                    ask(1, "/p.S/M", &[literal("a", "b")]),
                    data(1, END, &message(0, b"")),
                ],
                &[headers(
                    1,
                    END,
                    &[
                        vec![0x88],
                        literal_named(31, "application/grpc"),
                        literal("grpc-status", "12"),
                        literal("grpc-message", "no%20such"),
                        literal("x-end", "1"),
                    ],
                )],
            ),
        ),
        (
            "two calls",
            shown(
                &[
                    ask(1, "/p.S/M", &[]),
                    ask(3, "/p.S/N", &[]),
                    data(3, END, b""),
                    data(1, END, b""),
                ],
                &[answer(3, &[]), ok(3), answer(1, &[]), ok(1)],
            ),
        ),
        (
            "a call among others",
            shown(
                &[
                    frame(HEADERS, ENDH | END, 1, GET),
                    ask(3, "/p.S/N", &[]),
                    data(3, END, b""),
                ],
                &[
                    headers(1, END, &[vec![0x88], literal_named(31, "text/html")]),
                    answer(3, &[]),
                    ok(3),
                ],
            ),
        ),
        (
            "resets",
            shown(
                &[
                    ask(1, "/p.S/M", &[]),
                    frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]),
                    ask(3, "/p.S/M", &[]),
                ],
                &[answer(3, &[]), frame(RST_STREAM, 0, 3, &[0, 0, 0, 2])],
            ),
        ),
        (
            "what is still open",
            shown(
                &[
                    ask(1, "/p.S/M", &[]),
                    data(1, 0, &message(0, b"abc")[..7]),
                    ask(3, "/p.S/M", &[]),
                    data(3, END, b""),
                ],
                &[
                    answer(1, &[]),
                    data(1, 0, &message(0, b"abc")[..3]),
                    answer(3, &[]),
                ],
            ),
        ),
        (
            "details of a status",
            ended(&[("grpc-status", "3"), ("grpc-status-details-bin", "CAM")]),
        ),
        (
            "details that are no base64",
            ended(&[("grpc-status", "3"), ("grpc-status-details-bin", "*")]),
        ),
    ];
    keep(
        "calls",
        &table(cases.map(|(name, text)| (name.to_owned(), text))),
    );
}

/// The lines of one call that say something of its end.
fn end(text: &str) -> String {
    let told = |l: &&str| {
        [". grpc_call", ".status", ".message", ".trailers"]
            .iter()
            .any(|p| l.starts_with(p))
    };
    text.lines().filter(told).flat_map(|l| [l, "\n"]).collect()
}

#[test]
fn statuses_and_messages() {
    let mut cases = Vec::new();
    let codes = (0..=18).map(|n| n.to_string());
    let other = [
        "",
        "00",
        "016",
        "x",
        "+1",
        "-1",
        "1 ",
        "4294967295",
        "4294967296",
        "99999999999",
    ]
    .map(str::to_owned);
    for code in codes.chain(other) {
        cases.push((
            format!("status {code:?}"),
            end(&ended(&[("grpc-status", &code)])),
        ));
    }
    cases.push((
        "two of them".into(),
        end(&ended(&[("grpc-status", "1"), ("grpc-status", "2")])),
    ));
    cases.push(("none".into(), end(&ended(&[("x", "1")]))));
    let all: String = (b' '..=b'~').map(char::from).collect();
    for text in [
        "a b",
        "%41%7e%7E",
        "%C3%BC",
        "%",
        "%4",
        "%4g",
        "%g4",
        "100%25",
        "%FF",
        "a%",
        "%25%",
        "%+1",
        &all,
    ] {
        cases.push((
            format!("message {text:?}"),
            end(&ended(&[("grpc-status", "2"), ("grpc-message", text)])),
        ));
    }
    let only = |flags: u8| {
        let own = [
            vec![0x88],
            literal_named(31, "application/grpc"),
            literal("grpc-status", "5"),
        ];
        [headers(1, flags, &own)]
    };
    let sent = [ask(1, "/p.S/M", &[]), data(1, END, b"")];
    cases.push((
        "a status in the headers that end the response".into(),
        end(&shown(&sent, &only(END))),
    ));
    cases.push((
        "a status in the headers alone".into(),
        end(&shown(&sent, &only(0))),
    ));
    let both = [&only(0)[..], &[trailers(1, &[("x", "1")])]].concat();
    cases.push((
        "a status in the headers, and trailers without one".into(),
        end(&shown(&sent, &both)),
    ));
    let both = [&only(0)[..], &[trailers(1, &[("grpc-status", "6")])]].concat();
    cases.push(("a status in both".into(), end(&shown(&sent, &both))));
    let none = [answer(1, &[]), data(1, END, &message(0, b"b"))];
    cases.push((
        "a response that ends with data".into(),
        end(&shown(&sent, &none)),
    ));
    keep("statuses", &table(cases));
}

#[test]
fn paths_and_types() {
    let told = |text: String| -> String {
        let told = |l: &&str| {
            ["-- ", ".path", ".service", ".method", ".authority"]
                .iter()
                .any(|p| l.starts_with(p))
        };
        text.lines().filter(told).flat_map(|l| [l, "\n"]).collect()
    };
    let mut cases = Vec::new();
    for path in ["/p.S/M", "/M", "p.S/M", "/a/b/c", "/", "", "//M", "/S/"] {
        cases.push((
            format!("path {path:?}"),
            told(shown(&[ask(1, path, &[]), data(1, END, b"")], &[])),
        ));
    }
    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc;a=b",
        "application/grpc-web",
        "application/grp",
        "text/html",
        "",
    ] {
        let head = [GET.to_vec(), literal_named(31, kind)];
        let sent = [headers(1, 0, &head), data(1, END, &message(0, b"\x08\x01"))];
        cases.push((
            format!("type {kind:?} of a request"),
            told(shown(&sent, &[])),
        ));
        let received = [headers(1, END, &[vec![0x88], literal_named(31, kind)])];
        cases.push((
            format!("type {kind:?} of a response"),
            told(shown(&[headers(1, END, &[GET.to_vec()])], &received)),
        ));
    }
    // what says so is the status alone
    let received = [headers(1, END, &[vec![0x88], literal("grpc-status", "0")])];
    cases.push((
        "a status without a type".into(),
        told(shown(&[headers(1, END, &[GET.to_vec()])], &received)),
    ));
    let received = [
        headers(1, 0, &[vec![0x88]]),
        trailers(1, &[("grpc-status", "0")]),
    ];
    cases.push((
        "a status in trailers without a type".into(),
        told(shown(&[headers(1, END, &[GET.to_vec()])], &received)),
    ));
    keep("types", &table(cases));
}

const GZIP: &[u8] =
    b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0";
const ZLIB: &[u8] = b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\0\x06\x2c\x02\x15";
const SNAPPY: &[u8] = b"\x05\x10hello";
const FRAMED: &[u8] = b"\xff\x06\0\0sNaPpY\x01\x09\0\0\xbb\x1f\x1c\x19hello";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x05\x29\0\0hello";

/// Length-Prefixed-Message: the flag, and what the encoding makes of it.
#[test]
fn messages_and_their_encodings() {
    let told = |text: String| -> String {
        text.lines()
            .filter(|l| l.starts_with(".requests"))
            .flat_map(|l| [l, "\n"])
            .collect()
    };
    let of = |encoding: Option<&str>, kind: &str, body: &[u8]| {
        let more: Vec<_> = encoding
            .iter()
            .map(|e| literal("grpc-encoding", e))
            .collect();
        let own = [
            vec![0x83, 0x86],
            literal_named(4, "/p.S/M"),
            literal_named(1, "h"),
            literal_named(31, kind),
        ];
        let sent = [
            headers(1, 0, &[&own[..], &more].concat()),
            data(1, END, body),
        ];
        told(shown(&sent, &[]))
    };
    let plain = "application/grpc+json";
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("gzip", GZIP),
        ("x-gzip", GZIP),
        ("deflate", ZLIB),
        ("snappy", SNAPPY),
        ("snappy", FRAMED),
        ("x-snappy-framed", FRAMED),
        ("zstd", ZSTD),
        ("identity", b"hello"),
        ("br", b"hello"),
        ("GZIP", GZIP),
        ("gzip", b"hello"),
    ] {
        for flag in 0..=2 {
            let body = message(flag, bytes);
            cases.push((
                format!("flag {flag}, {name}, {} bytes", bytes.len()),
                of(Some(name), plain, &body),
            ));
        }
    }
    for flag in [0, 1, 2, 0x80, 0xff] {
        cases.push((
            format!("flag {flag} and no encoding"),
            of(None, plain, &message(flag, b"hello")),
        ));
    }
    let body = message(0, b"hello");
    for end in 0..=body.len() {
        cases.push((
            format!("the first {end} bytes of a message"),
            of(None, plain, &body[..end]),
        ));
        cases.push((
            format!("a message, and the first {end} bytes of another one"),
            of(None, plain, &[&message(0, b"1"), &body[..end]].concat()),
        ));
    }
    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc + proto",
        "application/grpc+proto;a=+json",
    ] {
        cases.push((format!("messages of {kind}"), of(None, kind, &body)));
    }
    keep("messages", &table(cases));
}

/// The same messages, wherever DATA frames cut them.
#[test]
fn messages_across_frames() {
    let body = [message(0, b"hello"), message(0, b""), message(0, b"!")].concat();
    let of = |frames: &[Vec<u8>]| {
        let sent = [&[ask(1, "/p.S/M", &[])], frames].concat();
        let text = shown(&sent, &[]);
        let told = text.lines().filter(|l| l.starts_with(".requests"));
        told.flat_map(|l| [l, "\n"]).collect::<String>()
    };
    let one = of(&[data(1, END, &body)]);
    assert_eq!(
        one.lines().filter(|l| l.contains(".length ")).count(),
        3,
        "{one}"
    );
    for a in 0..=body.len() {
        for b in a..=body.len() {
            let frames = [
                data(1, 0, &body[..a]),
                frame(DATA, PADDED, 1, &cat(&[&[2], &body[a..b], &[0, 0]])),
                data(1, END, &body[b..]),
            ];
            assert_eq!(of(&frames), one, "{a} {b}");
        }
    }
}

/// Bytes that the capture lost: within a message, between two, and with the end of one.
#[test]
fn messages_of_which_parts_are_missing() {
    let (c, s) = hello();
    let asks = ask(1, "/p.S/M", &[]);
    let ping = frame(PING, 0, 0, &[7; 8]);
    let client = || c.clone().at(1, &asks);
    let m = |bytes: &[u8]| data(1, 0, &message(0, bytes));
    let ends = data(1, END, b"");
    let answered = || {
        s.clone()
            .at(20, &answer(1, &[]))
            .at(21, &m(b"ok"))
            .at(22, &trailers(1, &[("grpc-status", "0")]))
    };
    let cut = |bytes: &[u8], n: usize| bytes[..bytes.len() - n].to_vec();
    let cases: Vec<(&str, Peer, Peer)> = vec![
        (
            "nothing",
            client().at(2, &m(b"one")).at(3, &m(b"two")).at(4, &ends),
            answered(),
        ),
        (
            "a whole frame",
            client()
                .at(2, &m(b"one"))
                .lost(17)
                .at(4, &m(b"three"))
                .at(5, &ends),
            answered(),
        ),
        (
            "two places",
            client()
                .at(2, &m(b"one"))
                .lost(17)
                .at(4, &m(b"three"))
                .at(4, &ping)
                .lost(17)
                .at(5, &m(b"five"))
                .at(6, &ping)
                .at(6, &ends),
            answered(),
        ),
        (
            "a part of a message",
            client()
                .at(2, &cut(&m(b"one"), 2))
                .lost(2)
                .at(4, &m(b"two"))
                .at(5, &ends),
            answered(),
        ),
        (
            "the length of a message",
            client()
                .at(2, &m(b"one")[..11])
                .lost(3)
                .at(2, &m(b"one")[14..])
                .at(4, &m(b"two"))
                .at(5, &ends),
            answered(),
        ),
        (
            "a frame in the middle of a message",
            client()
                .at(2, &data(1, 0, &message(0, b"onetwo")[..8]))
                .lost(12)
                .at(4, &ping)
                .at(4, &m(b"three"))
                .at(5, &ends),
            answered(),
        ),
        (
            "what goes on after it is no message",
            client()
                .at(2, &m(b"one"))
                .lost(17)
                .at(4, &data(1, 0, b"xyzzy"))
                .at(4, &m(b"three"))
                .at(5, &ends),
            answered(),
        ),
        (
            "what goes on after it ends within a message",
            client()
                .at(2, &m(b"one"))
                .lost(17)
                .at(4, &m(b"three"))
                .at(4, &data(1, 0, &message(0, b"four")[..7]))
                .at(5, &ends),
            answered(),
        ),
        ("the end", client().at(2, &m(b"one")).lost(17), answered()),
        (
            "the headers of the request",
            c.clone().lost(60).at(2, &m(b"one")).at(3, &ends),
            answered(),
        ),
        (
            "the trailers",
            client().at(2, &m(b"one")).at(4, &ends),
            s.clone().at(20, &answer(1, &[])).at(21, &m(b"ok")).lost(30),
        ),
        (
            "a part of the headers of the request",
            c.clone()
                .at(1, &asks[..30])
                .lost(asks.len() as u64 - 30)
                .at(2, &m(b"one"))
                .at(3, &ends),
            answered(),
        ),
    ];
    keep(
        "missing",
        &table(
            cases
                .into_iter()
                .map(|(name, client, server)| (name.to_owned(), listed(&Http2, &client, &server))),
        ),
    );
}

/// A capture that begins late: what is a call is told by its bodies.
#[test]
fn calls_that_begin_late() {
    let ping = frame(PING, 0, 0, &[7; 8]);
    let window = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 9]);
    let proof = [&ping[..], &window, &ping, &window].concat();
    let both = |sent: &[u8], received: &[u8], head: &[u8], answer: &[u8]| {
        let client = Peer::late()
            .at(1, &proof)
            .at(2, &frame(HEADERS, ENDH, 9, head))
            .at(3, &data(9, END, sent));
        let server = Peer::late()
            .at(1, &proof)
            .at(4, &frame(HEADERS, ENDH, 9, answer))
            .at(5, &data(9, 0, received))
            .at(6, &frame(HEADERS, ENDH | END, 9, &indexed(80)));
        let text = listed(&Http2, &client, &server);
        let told = text.lines().filter(|l| !l.starts_with(".timings"));
        told.flat_map(|l| [l, "\n"]).collect::<String>()
    };
    let (unknown, known) = (indexed(70), cat(&[GET, &indexed(70)]));
    let m = |bytes: &[u8]| message(0, bytes);
    let cases = [
        (
            "messages in both",
            both(&m(b"a"), &m(b"b"), &unknown, &unknown),
        ),
        (
            "an empty message in both",
            both(&m(b""), &m(b""), &unknown, &unknown),
        ),
        (
            "an empty message in one",
            both(&m(b""), b"", &unknown, &unknown),
        ),
        (
            "an empty message in the other one",
            both(b"", &m(b""), &unknown, &unknown),
        ),
        ("a message in one", both(&m(b"a"), b"", &unknown, &unknown)),
        (
            "a message in the other one",
            both(b"", &m(b"a"), &unknown, &unknown),
        ),
        ("nothing", both(b"", b"", &unknown, &unknown)),
        ("other bytes", both(b"hello", b"world", &unknown, &unknown)),
        (
            "a message, and other bytes",
            both(&m(b"a"), b"world", &unknown, &unknown),
        ),
        (
            "a flag of 1",
            both(&message(1, b"a"), b"", &unknown, &unknown),
        ),
        (
            "a flag of 2",
            both(&message(2, b"a"), b"", &unknown, &unknown),
        ),
        (
            "a message and half of one",
            both(
                &[m(b"a"), m(b"b")[..5].to_vec()].concat(),
                b"",
                &unknown,
                &unknown,
            ),
        ),
        (
            "a message and a byte",
            both(&[m(b"a"), vec![0]].concat(), b"", &unknown, &unknown),
        ),
        (
            "what is known of its headers",
            both(&m(b"a"), &m(b"b"), &known, &unknown),
        ),
        (
            "headers that are all known",
            both(&m(b"a"), &m(b"b"), GET, OK),
        ),
        (
            "a type that denies it",
            both(
                &m(b"a"),
                &m(b"b"),
                &unknown,
                &cat(&[OK, &literal_named(31, "text/html")]),
            ),
        ),
    ];
    keep(
        "late",
        &table(cases.map(|(name, text)| (name.to_owned(), text))),
    );
}

/// What is answered to a call says itself whether it is one: a proxy's page has no messages, and neither has an exchange of another
/// type that names a status.
#[test]
fn answers_of_other_types() {
    let page = |kind: &str, more: &[Vec<u8>]| {
        let own = [
            vec![0x48],
            vec![3],
            b"502".to_vec(),
            literal_named(31, kind),
        ];
        headers(1, 0, &[&own, more].concat())
    };
    let sent = [ask(1, "/p.S/M", &[]), data(1, END, &message(0, b"a"))];
    let mut cases = Vec::new();
    for kind in [
        "text/html",
        "application/json",
        "Application/gRPC+proto",
        "application/grpcfoo",
    ] {
        let received = [page(kind, &[]), data(1, END, b"<html>bad gateway</html>")];
        cases.push((format!("answered as {kind}"), shown(&sent, &received)));
    }
    let plain = |kind: &str| {
        let own = [
            vec![0x83, 0x86],
            literal_named(4, "/p.S/M"),
            literal_named(1, "h"),
            literal_named(31, kind),
        ];
        [headers(1, 0, &own), data(1, END, b"{\"a\":1}")]
    };
    let received = [
        page("application/json", &[literal("grpc-status", "0")]),
        data(1, END, b"{\"a\":1}"),
    ];
    for kind in [
        "application/json",
        "application/proto",
        "application/connect+proto",
        "APPLICATION/GRPC",
    ] {
        cases.push((format!("asked as {kind}"), shown(&plain(kind), &received)));
    }
    keep("answers", &table(cases));
}
