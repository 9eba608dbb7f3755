//! gRPC-Web, PROTOCOL-WEB.md: bodies as bytes and as base64, and the frame of trailers in them.

use super::build::*;
use super::{keep, listed, message};
use binq_http::{Http1, Http2};

const POST: &str = "POST /p.S/M HTTP/1.1\r\nHost: a\r\n";

/// A call over HTTP/1.1 whose bodies are these.
pub fn over_http1(kind: &str, sent: &[u8], more: &str, received: &[u8]) -> (Peer, Peer) {
    let head = |first: &str, more: &str, len: usize| {
        format!("{first}Content-Type: {kind}\r\n{more}Content-Length: {len}\r\n\r\n")
    };
    let client = cat(&[
        head(POST, "X-Sent: 1\r\nK-bin: AAE=\r\n", sent.len()).as_bytes(),
        sent,
    ]);
    let server = cat(&[
        head("HTTP/1.1 200 OK\r\n", more, received.len()).as_bytes(),
        received,
    ]);
    (Peer::new().at(1, &client), Peer::new().at(3, &server))
}

fn shown(kind: &str, sent: &[u8], more: &str, received: &[u8]) -> String {
    let (client, server) = over_http1(kind, sent, more, received);
    listed(&Http1, &client, &server)
}

fn ends(text: &str) -> Vec<u8> {
    message(0x80, text.as_bytes())
}

const DONE: &str = "grpc-status: 0\r\n";

/// Base64 in RFC 4648, with its padding.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for three in bytes.chunks(3) {
        let bits: String = three.iter().map(|b| format!("{b:08b}")).collect();
        let digit = |six: &str| digits[usize::from_str_radix(&format!("{six:0<6}"), 2).unwrap()];
        let own: Vec<u8> = bits
            .as_bytes()
            .chunks(6)
            .map(|six| digit(std::str::from_utf8(six).unwrap()))
            .collect();
        out.extend(&own);
        out.extend(vec![b'='; 4 - own.len()]);
    }
    out
}

/// A message of gzip: the flag of trailers may be with that of compression.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\x2f\x2a\x48\xd6\x2d\x2e\x49\x2c\x29\x2d\xb6\x52\x30\xe4\xe5\x02\0\xca\x06\xe6\xaa\x10\0\0\0";

#[test]
fn bodies_as_bytes() {
    let m = |b: &[u8]| message(0, b);
    let kind = "application/grpc-web+json";
    let of = |more: &str, body: &[u8]| {
        let text = shown(kind, &m(b"ask"), more, body);
        let told = text.lines().filter(|l| !l.starts_with(".timings"));
        told.flat_map(|l| [l, "\n"]).collect::<String>()
    };
    let trailer = |flag: u8, bytes: &[u8]| [m(b"one"), message(flag, bytes)].concat();
    let whole = trailer(0x80, DONE.as_bytes());
    let mut cases: Vec<(String, String)> = vec![
        ("a message and trailers".into(), of("", &whole)),
        (
            "two messages and trailers".into(),
            of("", &[m(b"one"), m(b"two"), ends(DONE)].concat()),
        ),
        (
            "trailers alone".into(),
            of(
                "",
                &ends("grpc-status: 5\r\ngrpc-message: a%20b\r\nX-End:  1 \r\nk-bin: AAE\r\n"),
            ),
        ),
        ("no trailers".into(), of("", &m(b"one"))),
        ("nothing".into(), of("", b"")),
        (
            "a status in the headers".into(),
            of("grpc-status: 3\r\n", b""),
        ),
        (
            "trailers without a line break".into(),
            of("", &ends("grpc-status: 0")),
        ),
        (
            "trailers with line feeds".into(),
            of("", &ends("grpc-status: 0\nx: 1\n")),
        ),
        (
            "trailers with an empty line".into(),
            of("", &ends("grpc-status: 0\r\n\r\n")),
        ),
        (
            "trailers with text behind an empty line".into(),
            of("", &ends("grpc-status: 0\r\n\r\nx")),
        ),
        (
            "trailers with a line that is none".into(),
            of("", &ends("grpc-status: 0\r\nx 1\r\ny: 2\r\n")),
        ),
        ("empty trailers".into(), of("", &ends(""))),
        (
            "what follows the trailers".into(),
            of("", &[whole.clone(), m(b"two")].concat()),
        ),
        (
            "a body that ends in the bytes before a message".into(),
            of("", &[m(b"one"), vec![0, 0]].concat()),
        ),
    ];
    for flag in [0x81, 0x82, 0xff] {
        for (name, encoding) in [
            ("no encoding", ""),
            ("gzip", "grpc-encoding: gzip\r\n"),
            ("identity", "grpc-encoding: identity\r\n"),
            ("br", "grpc-encoding: br\r\n"),
        ] {
            cases.push((
                format!("flags {flag:#x}, {name}, text"),
                of(encoding, &trailer(flag, DONE.as_bytes())),
            ));
            cases.push((
                format!("flags {flag:#x}, {name}, gzip"),
                of(encoding, &trailer(flag, GZIP)),
            ));
        }
    }
    let last = |text: &str| -> String {
        let told = |l: &&str| {
            [". ", ".responses", ".trailers", ".status", ".message"]
                .iter()
                .any(|p| l.starts_with(p))
        };
        text.lines().filter(told).flat_map(|l| [l, "\n"]).collect()
    };
    for end in 1..whole.len() {
        cases.push((
            format!("the first {end} bytes"),
            last(&of("", &whole[..end])),
        ));
    }
    keep("web", &table(cases));
}

#[test]
fn bodies_as_base64() {
    let m = |b: &[u8]| message(0, b);
    let of = |body: &[u8]| {
        let text = shown("application/grpc-web-text", &base64(&m(b"ask")), "", body);
        let told = text.lines().filter(|l| {
            [
                ". ",
                ".requests",
                ".responses",
                ".trailers",
                ".status",
                ".message",
            ]
            .iter()
            .any(|p| l.starts_with(p))
        });
        told.flat_map(|l| [l, "\n"]).collect::<String>()
    };
    let body = [m(b"\xff\xfe\xfd"), ends(DONE)].concat();
    let text = base64(&body);
    // runs of their own, each with its padding
    let pieces = |at: &[usize]| -> Vec<u8> {
        let mut from = 0;
        let mut out = Vec::new();
        for end in at.iter().chain([&body.len()]) {
            out.extend(base64(&body[from..*end]));
            from = *end;
        }
        out
    };
    let mut cases: Vec<(String, String)> = vec![
        ("one run".into(), of(&text)),
        ("three runs".into(), of(&pieces(&[1, 8]))),
        (
            "no padding at the end".into(),
            of(text.trim_ascii_end().strip_suffix(b"=").unwrap_or(&text)),
        ),
        (
            "a character that is none".into(),
            of(&[&text[..], b"*AAA"].concat()),
        ),
        ("a line break".into(), of(&[&text[..], b"\r\n"].concat())),
        ("one digit too much".into(), of(&[&text[..], b"A"].concat())),
        ("padding alone".into(), of(&[&text[..], b"===="].concat())),
        (
            "padding within a group".into(),
            of(&[&text[..], b"AA=A"].concat()),
        ),
        (
            "three of padding".into(),
            of(&[&text[..], b"A==="].concat()),
        ),
        ("nothing".into(), of(b"")),
    ];
    for end in 0..text.len() {
        cases.push((format!("the first {end} characters"), of(&text[..end])));
    }
    keep("web_text", &table(cases));
    let one = of(&text);
    for a in 1..body.len() {
        for b in a + 1..body.len() {
            let of = of(&pieces(&[a, b]));
            assert_eq!(of, one, "{a} {b}");
        }
    }
}

#[test]
fn web_over_http2_and_other_types() {
    let mut cases = Vec::new();
    for kind in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web;a=b",
        "application/grpc-web a",
        "application/grpc-web-text",
        "application/grpc-web-text+proto",
        "application/grpc-website",
        "application/grpc-web-textual",
        "application/grpc",
        "application/json",
    ] {
        let body = match kind.contains("text") {
            true => base64(&[message(0, b"\x08\x01"), ends(DONE)].concat()),
            false => [message(0, b"\x08\x01"), ends(DONE)].concat(),
        };
        cases.push((
            format!("{kind} over HTTP/1.1"),
            shown(kind, &body, "", &body),
        ));
        let settings = frame(SETTINGS, 0, 0, &[]);
        let head = |own: &[u8]| {
            frame(
                HEADERS,
                ENDH,
                1,
                &cat(&[own, &literal_named(31, kind), &literal("x", "1")]),
            )
        };
        let client = Peer::new()
            .at(0, PREFACE)
            .at(0, &settings)
            .at(1, &head(GET))
            .at(2, &frame(DATA, END, 1, &body));
        let server = Peer::new()
            .at(0, &settings)
            .at(3, &head(OK))
            .at(4, &frame(DATA, END, 1, &body));
        cases.push((
            format!("{kind} over HTTP/2"),
            listed(&Http2, &client, &server),
        ));
    }
    keep("web_types", &table(cases));
}
