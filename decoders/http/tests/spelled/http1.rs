//! HTTP/1.1, RFC 9112: first lines, header fields, bodies and chunks at their borders; which response answers which request.

use super::build::*;
use super::keep;
use binq_core::{Format, Probe};
use binq_http::Http1;
use binq_laws::spelled::spelled;
use std::fmt::Write;

fn listed(cases: &[(&str, &str)]) -> String {
    table(cases.iter().map(|(name, text)| {
        let root = decode(&Http1, text.as_bytes());
        ((*name).to_owned(), spelled(&root))
    }))
}

const HOST: &str = "Host: a\r\n\r\n";

#[test]
fn first_lines() {
    let get = |line: &str| format!("{line}\r\n{HOST}");
    let cases: Vec<(&str, String)> = vec![
        ("a request", get("GET /a?b=c HTTP/1.1")),
        (
            "a request of HTTP/1.0 without header fields",
            "GET / HTTP/1.0\r\n\r\n".into(),
        ),
        ("line feeds alone", "GET / HTTP/1.1\nHost: a\n\n".into()),
        ("empty lines before it", get("\r\n\n\r\nGET / HTTP/1.1")),
        ("an absolute target", get("GET http://h/p HTTP/1.1")),
        (
            "an authority and an asterisk",
            get("CONNECT h:1 HTTP/1.1") + &get("OPTIONS * HTTP/1.1"),
        ),
        (
            "a method of its own",
            get("X-Y!#$%&'*+-.^_`|~09 / HTTP/1.1"),
        ),
        ("two spaces", get("GET  / HTTP/1.1")),
        ("a space at the end", get("GET / HTTP/1.1 ")),
        ("a tab", get("GET\t/ HTTP/1.1")),
        ("no target", get("GET HTTP/1.1")),
        ("a method that is no token", get("G(T / HTTP/1.1")),
        ("a version of 1.2", get("GET / HTTP/1.2")),
        ("a version of 2.0", get("GET / HTTP/2.0")),
        ("a target of all that is shown", get("GET !~ HTTP/1.1")),
        ("a target with DEL", get("GET /\u{7f} HTTP/1.1")),
        ("a target that is not ASCII", get("GET /ü HTTP/1.1")),
        ("no end", "GET / HTTP/1.1".into()),
        ("a response", "HTTP/1.1 204 No Content\r\n\r\n".into()),
        ("a response without a reason", "HTTP/1.1 204\r\n\r\n".into()),
        (
            "a response with an empty reason",
            "HTTP/1.1 204 \r\n\r\n".into(),
        ),
        (
            "a response of HTTP/1.0",
            "HTTP/1.0 304 Not Modified\r\n\r\n".into(),
        ),
        ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n".into()),
        ("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n".into()),
        (
            "a status of other characters",
            "HTTP/1.1 2x0 OK\r\n\r\n".into(),
        ),
        (
            "empty lines before the first response",
            "\r\nHTTP/1.1 204 OK\r\n\r\n".into(),
        ),
        (
            "empty lines between responses",
            "HTTP/1.1 204 OK\r\n\r\n\r\n\nHTTP/1.1 204 OK\r\n\r\n\r\n".into(),
        ),
        ("what follows is none", "HTTP/1.1 204 OK\r\n\r\nrest".into()),
        ("nothing", String::new()),
        ("an empty line", "\r\n".into()),
    ];
    let mut text = String::new();
    for (name, input) in &cases {
        let root = decode(&Http1, input.as_bytes());
        let probe = Http1.probe(&Probe {
            bytes: input.as_bytes(),
        });
        let _ = write!(text, "# {name}\n{probe:?}\n{}\n", spelled(&root));
    }
    keep("first_lines", &text);
}

#[test]
fn header_fields() {
    let of = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let cases: Vec<(&str, String)> = vec![
        (
            "white space around a value",
            of("A:1\r\nB:  2\r\nC: 3 \t\r\nD:\t4\r\n"),
        ),
        ("empty values", of("A:\r\nB: \r\nC:  \t\r\n")),
        (
            "a name in upper case, and all of a token",
            of("ABC: 1\r\n!#$%&'*+-.^_`|~09az: 2\r\n"),
        ),
        ("colons and spaces in a value", of("A: b: c  d\r\n")),
        (
            "a value that is folded",
            of("A: one\r\n two\r\n\tthree\r\nB: 1\r\n"),
        ),
        ("a fold of nothing", of("A: one\r\n \r\nB: 1\r\n")),
        (
            "a folded value that begins in its second line",
            of("A:\r\n two\r\n"),
        ),
        (
            "a fold of nothing behind nothing",
            of("A:\r\n \r\nB: 1\r\n"),
        ),
        (
            "a fold before any field",
            "GET / HTTP/1.1\r\n a\r\nHost: a\r\n\r\n".into(),
        ),
        (
            "a fold that has no end",
            "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c".into(),
        ),
        ("fields of one name", of("A: 1\r\na: 2\r\nA: 3\r\n")),
        ("a space before the colon", of("A : 1\r\n")),
        ("no colon", of("A 1\r\n")),
        ("no name", of(": 1\r\n")),
        ("a name that is no token", of("A(: 1\r\n")),
        ("NUL and CR in values", of("A: b\0c\r\nB: d\re\r\n")),
        ("text that is not ASCII", of("A: ü\r\n")),
        (
            "line feeds alone",
            "GET / HTTP/1.1\nHost: a\nB: 1\n\n".into(),
        ),
        ("no Host", "GET / HTTP/1.1\r\nA: 1\r\n\r\n".into()),
        ("two of Host", of("Host: b\r\n")),
        ("no end of the head", "GET / HTTP/1.1\r\nHost: a\r\n".into()),
        ("no end of a line", "GET / HTTP/1.1\r\nHost: a".into()),
    ];
    let cases: Vec<_> = cases.iter().map(|(n, t)| (*n, t.as_str())).collect();
    keep("lines", &listed(&cases));
    // a head that is longer than what is read at first, to the byte
    for len in [440, 480, 500, 512, 1000, 2000, 2048, 8000, 70_000] {
        for more in 0..16 {
            let value = "v".repeat(len + more);
            let text = format!(
                "GET / HTTP/1.1\r\nHost: a\r\nA: {value}\r\nB: 1\r\n\r\nGET /2 HTTP/1.1\r\n{HOST}"
            );
            let root = decode(&Http1, text.as_bytes());
            assert_eq!(findings(&root), "", "{len} {more}");
            let requests: Vec<_> = root.field("requests").unwrap().items().collect();
            assert_eq!(requests.len(), 2);
            let a = requests[0]
                .field("headers")
                .unwrap()
                .item(1)
                .unwrap()
                .field("value")
                .unwrap();
            assert_eq!(a.scalar(), value.as_str().into());
        }
    }
    // a first line of up to 30000 characters in its target
    for (len, fits) in [(29_999, true), (30_000, true), (30_001, false)] {
        let text = format!("GET /{} HTTP/1.1\r\n{HOST}", "t".repeat(len - 1));
        assert_eq!(
            findings(&decode(&Http1, text.as_bytes())).is_empty(),
            fits,
            "{len}"
        );
        let text = format!("{} / HTTP/1.1\r\n{HOST}", "M".repeat(len));
        assert_eq!(
            findings(&decode(&Http1, text.as_bytes())).is_empty(),
            fits,
            "{len}"
        );
    }
}

#[test]
fn bodies() {
    let post =
        |fields: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
    let ok =
        |status: &str, fields: &str, body: &str| format!("HTTP/1.1 {status}\r\n{fields}\r\n{body}");
    let cases: Vec<(&str, String)> = vec![
        ("a request without a body", post("", "") + &post("", "")),
        (
            "a length of 0",
            post("Content-Length: 0\r\n", "") + &post("", ""),
        ),
        (
            "a length of 3",
            post("Content-Length: 3\r\n", "abc") + &post("", ""),
        ),
        (
            "a length that is too long by one",
            post("Content-Length: 4\r\n", "abc"),
        ),
        (
            "a length that is too short by one",
            post("Content-Length: 2\r\n", "abc"),
        ),
        (
            "a length with zeros before it",
            post("Content-Length: 003\r\n", "abc"),
        ),
        (
            "a length of 2^64 - 1, and of 2^64",
            post("Content-Length: 18446744073709551615\r\n", "abc"),
        ),
        (
            "a length of 2^64",
            post("Content-Length: 18446744073709551616\r\n", "abc"),
        ),
        (
            "a length with a sign",
            post("Content-Length: +3\r\n", "abc"),
        ),
        ("a length of nothing", post("Content-Length:\r\n", "abc")),
        (
            "one length twice",
            post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
        ),
        (
            "one length in two spellings",
            post("Content-Length: 3\r\nContent-Length: 03\r\n", "abc"),
        ),
        (
            "a list of one length",
            post("Content-Length: 3, 3\r\n", "abc"),
        ),
        (
            "a list of two lengths",
            post("Content-Length: 3, 4\r\n", "abc"),
        ),
        (
            "a list that ends with a comma",
            post("Content-Length: 3,\r\n", "abc"),
        ),
        (
            "two lengths",
            post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"),
        ),
        (
            "a length and chunks",
            post(
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
        ),
        (
            "a coding that is not the last",
            post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
        ),
        (
            "a coding that is the last",
            post("Transfer-Encoding: gzip , CHUNKED\r\n", "0\r\n\r\n"),
        ),
        (
            "codings in two fields",
            post(
                "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
        ),
        (
            "codings in two fields, the wrong way",
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
                "0\r\n\r\n",
            ),
        ),
        ("a response up to the end", ok("200 OK", "", "all of it")),
        (
            "a response with a coding up to the end",
            ok(
                "200 OK",
                "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n",
                "all of it",
            ),
        ),
        (
            "a response of a length",
            ok("200 OK", "Content-Length: 3\r\n", "abc")
                + &ok("404 No", "Content-Length: 0\r\n", ""),
        ),
        (
            "a response of chunks",
            ok(
                "200 OK",
                "Transfer-Encoding: chunked\r\n",
                "1\r\na\r\n0\r\n\r\n",
            ),
        ),
        (
            "responses that have no content",
            ["100", "101", "102", "199", "204", "304"]
                .map(|s| ok(s, "Content-Length: 3\r\n", ""))
                .concat(),
        ),
        (
            "responses that have content",
            ["200", "203", "205", "303", "305"]
                .map(|s| ok(s, "Content-Length: 1\r\n", "x"))
                .concat(),
        ),
        (
            "a response whose length is none",
            ok("200 OK", "Content-Length: x\r\n", "abc"),
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(n, t)| (*n, t.as_str())).collect();
    keep("bodies", &listed(&cases));
}

#[test]
fn chunks() {
    let of = |body: &str| {
        format!("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
    };
    let bodies = [
        ("one chunk", "3\r\nabc\r\n0\r\n\r\n"),
        ("a size in both cases", "aB\r\n".to_owned().leak() as &str),
        ("line feeds alone", "3\nabc\n0\n\n"),
        ("zeros before a size", "003\r\nabc\r\n000\r\n\r\n"),
        ("extensions", "3;a=b;c\r\nabc\r\n2 ; d\r\nde\r\n0;e\r\n\r\n"),
        ("white space after a size", "3 \r\nabc\r\n0\t\r\n\r\n"),
        ("what is no extension", "3 x\r\nabc\r\n0\r\n\r\n"),
        ("an extension of nothing", "3;\r\nabc\r\n0;\r\n\r\n"),
        ("trailers", "1\r\na\r\n0\r\nA: 1\r\nB:  2\r\n\r\n"),
        ("a trailer that is folded", "0\r\nA: 1\r\n 2\r\n\r\n"),
        ("a trailer that is none", "0\r\nA 1\r\n\r\n"),
        ("no end of the trailers", "0\r\nA: 1\r\n"),
        ("no empty line", "0\r\n"),
        ("no line break after the data", "3\r\nabcd\r\n0\r\n\r\n"),
        ("one byte of a line break", "3\r\nabc\r"),
        ("data that ends", "3\r\nab"),
        ("data that ends before its line break", "3\r\nabc"),
        ("a size that has no end", "3"),
        ("no size", "\r\nabc\r\n0\r\n\r\n"),
        (
            "a size of 16 digits",
            "0000000000000003\r\nabc\r\nffffffffffffffff\r\nx",
        ),
        ("a size of 17 digits", "fffffffffffffffff\r\nx"),
        (
            "another request behind it",
            "0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        ),
    ];
    let cases: Vec<_> = bodies.iter().map(|(n, b)| (*n, of(b))).collect();
    let cases: Vec<_> = cases.iter().map(|(n, t)| (*n, t.as_str())).collect();
    let mut text = listed(&cases);
    // the line of a chunk has at most 4096 bytes
    for len in [60, 61, 62, 63, 64, 4090, 4091, 4092, 4093, 4094, 4095] {
        let body = of(&format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(len - 3)));
        let root = decode(&Http1, body.as_bytes());
        let _ = write!(text, "# a line of {} bytes\n{}", len + 1, findings(&root));
    }
    for len in [4094, 4095, 4096, 4097] {
        let body = of(&format!("3;{}", "x".repeat(len - 2)));
        let _ = write!(
            text,
            "# a line of {len} bytes without an end\n{}",
            findings(&decode(&Http1, body.as_bytes()))
        );
    }
    for long in [63, 64, 65, 255, 256, 4095, 4096, 70_000] {
        let body = of(&format!(
            "{long:x}\r\n{}\r\n{long:X}\r\n{}\r\n0\r\n\r\n",
            "x".repeat(long),
            "y".repeat(long)
        ));
        let root = decode(&Http1, body.as_bytes());
        assert_eq!(findings(&root), "", "{long}");
        let body = root
            .field("requests")
            .unwrap()
            .item(0)
            .unwrap()
            .field("body")
            .unwrap();
        assert_eq!(body.bytes().unwrap().len(), 2 * long);
    }
    keep("chunks", &text);
}

/// Which response answers which request, in short.
fn pairs(client: &Peer, server: &Peer) -> String {
    let Some(found) = converse(&Http1, client, server) else {
        return "not of this format\n".to_owned();
    };
    let mut out = String::new();
    for (name, node) in [("client", found.client()), ("server", found.server())] {
        match node {
            Some(node) => out.extend(findings(&node).lines().map(|l| format!("{name} {l}\n"))),
            None => _ = writeln!(out, "{name} is not of this format"),
        }
    }
    for node in streams(&*found) {
        let text = |side: &str, field: &str| {
            let node = node.field(side)?.field(field)?;
            Some(node.scalar().to_string())
        };
        let (asks, answers) = (text("request", "target"), text("response", "status"));
        let body = node
            .field("response")
            .and_then(|r| r.field("body"))
            .map(|b| b.span().byte_len());
        let wrong = node.finding().map(|f| {
            format!(
                " !{} at {:?}: {}, {}",
                f.severity, f.offset, f.expected, f.found
            )
        });
        let of = |part: Option<String>| part.unwrap_or("-".to_owned());
        let body = body.map_or(String::new(), |n| format!(" {n} bytes"));
        let missing = ["request", "response"].map(|side| {
            node.field(side)?
                .field("_missing")
                .map(|m| m.scalar().to_string())
        });
        let missing = missing
            .into_iter()
            .flatten()
            .filter(|m| m != "null")
            .collect::<Vec<_>>()
            .join(" ");
        let _ = writeln!(
            out,
            "{} {}{body}{} {missing}",
            of(asks),
            of(answers),
            wrong.unwrap_or_default()
        );
    }
    out
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

fn asks(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

fn answer(status: u32, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn responses_and_their_requests() {
    let p = Peer::new;
    let head = |n: usize| format!("HTTP/1.1 200 X\r\nContent-Length: {n}\r\n\r\n").into_bytes();
    let cases: Vec<(&str, Peer, Peer)> = vec![
        (
            "one after the other",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &answer(200, "a")).at(4, &answer(404, "bc")),
        ),
        (
            "pipelined",
            p().at(1, &[get("/1"), get("/2"), get("/3")].concat()),
            p().at(2, &answer(201, "a"))
                .at(3, &answer(202, ""))
                .at(4, &answer(203, "")),
        ),
        (
            "a response that never comes",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &answer(200, "a")),
        ),
        (
            "HEAD, and then GET",
            p().at(1, &asks("HEAD", "/1")).at(3, &get("/2")),
            p().at(2, &head(5)).at(4, &answer(200, "hello")),
        ),
        (
            "interim responses",
            p().at(1, &get("/1")).at(5, &get("/2")),
            p().at(2, b"HTTP/1.1 100 Go on\r\n\r\n")
                .at(3, b"HTTP/1.1 103 Hints\r\n\r\n")
                .at(4, &answer(200, "a"))
                .at(6, &answer(404, "")),
        ),
        (
            "CONNECT, and a tunnel",
            p().at(1, &asks("CONNECT", "a:1")).at(3, b"\0tunnel"),
            p().at(2, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
                .at(4, b"\x01tunnel"),
        ),
        (
            "CONNECT that is refused",
            p().at(1, &asks("CONNECT", "a:1")).at(3, &get("/2")),
            p().at(2, &answer(403, "no")).at(4, &answer(200, "")),
        ),
        (
            "CONNECT, 299 and 300",
            p().at(1, &asks("CONNECT", "a:1"))
                .at(3, &asks("CONNECT", "b:1")),
            p().at(2, &answer(300, "")).at(4, &answer(299, "")),
        ),
        (
            "an upgrade",
            p().at(
                1,
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            )
            .at(3, b"\x81\x01x"),
            p().at(2, b"HTTP/1.1 101 X\r\n\r\n").at(4, b"\x81\x02yz"),
        ),
        (
            "an upgrade that is not granted",
            p().at(
                1,
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            )
            .at(3, &get("/2")),
            p().at(2, &answer(200, "")).at(4, &answer(404, "")),
        ),
        (
            "a body up to the end of the connection",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\nall").at(3, b"of it"),
        ),
        (
            "a body that the capture ends",
            p().at(1, &get("/1")),
            p().at(2, &head(5)).at(3, b"he"),
        ),
        (
            "a request that the capture ends",
            p().at(1, &get("/1"))
                .at(3, b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Le"),
            p().at(2, &answer(200, "")),
        ),
        (
            "empty lines behind a body",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &cat(&[&answer(200, "a"), b"\r\n\r\n"]))
                .at(4, &answer(404, ""))
                .at(5, b"\r\n"),
        ),
        (
            "responses that were not asked for",
            p(),
            p().at(2, &answer(200, "a")).at(4, &answer(404, "bc")),
        ),
        ("requests that nobody answers", p().at(2, &get("/1")), p()),
        (
            "one response too much",
            p().at(1, &get("/1")),
            p().at(2, &answer(200, "a")).at(4, &answer(404, "bc")),
        ),
        (
            "a client that speaks something else",
            p().at(1, b"EHLO"),
            p().at(2, &answer(200, "a")),
        ),
        (
            "no time is known",
            {
                let mut peer = p().at(1, &get("/1"));
                peer = peer.at(1, &get("/2"));
                peer
            },
            p().at(0, &answer(200, "a")).at(0, &answer(404, "")),
        ),
        (
            "no times at all",
            p().untimed(&get("/1"))
                .untimed(&asks("HEAD", "/2"))
                .untimed(&get("/3")),
            p().untimed(&answer(201, "a"))
                .untimed(&head(3))
                .untimed(&answer(203, "")),
        ),
        (
            "a 101 that nobody asked for",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, b"HTTP/1.1 101 X\r\n\r\n").at(4, &answer(200, "")),
        ),
        (
            "an upgrade, and lost bytes",
            p().at(
                1,
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            )
            .at(3, b"\x81\x01x")
            .lost(9),
            p().at(2, b"HTTP/1.1 101 X\r\n\r\nzz").lost(9).at(4, b"yz"),
        ),
        (
            "a capture that ends in the size of a chunk",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5"),
        ),
        (
            "a capture that ends in the data of a chunk",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            ),
        ),
        (
            "a capture that ends before the line break of a chunk",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
            ),
        ),
        (
            "a capture that ends in the line break of a chunk",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r",
            ),
        ),
        (
            "a capture that ends in other bytes than a line break",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc",
            ),
        ),
        (
            "a capture that ends behind other bytes than a line break",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\rcd",
            ),
        ),
        (
            "a capture that ends in trailers",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
            ),
        ),
        (
            "a capture that ends with a trailer that is none",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX 1\r\n",
            ),
        ),
        (
            "a capture that ends in the fields of a response",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 X\r\nA: 1\r\n"),
        ),
        (
            "a capture that ends with a field that is none",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 X\r\nA 1\r\n"),
        ),
        (
            "a capture that ends with a length that is none",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 X\r\nContent-Length: x\r\n\r\n"),
        ),
        (
            "other bytes where requests are lost",
            p().at(1, &get("/1")).lost(9),
            p().at(2, &answer(200, "")).at(4, b"other bytes"),
        ),
        (
            "other bytes where none are lost",
            p().at(1, &get("/1")),
            p().at(2, &answer(200, "")).at(4, b"other bytes"),
        ),
        (
            "other bytes, and a request behind a hole",
            p().at(1, b"x").lost(5).at(2, &get("/1")),
            p().at(3, &answer(200, "")),
        ),
        (
            "HTTP in a tunnel",
            p().at(1, &asks("CONNECT", "a:1")).at(3, &get("/inner")),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\n")
                .at(4, &answer(200, "inner")),
        ),
        (
            "other bytes than a line break, and a hole behind them",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdefgh",
            )
            .lost(9),
        ),
        (
            "other bytes, where the requests begin late",
            Peer::late().at(1, b"rest").at(2, &get("/1")),
            p().at(3, &answer(200, "")).at(4, b"other bytes"),
        ),
        (
            "holes that follow each other",
            p().at(1, &get("/1"))
                .lost(5)
                .at(2, b"z")
                .lost(5)
                .at(3, b"zz")
                .lost(1)
                .at(4, &get("/2")),
            p().at(2, &answer(201, "")).at(5, &answer(202, "")),
        ),
        (
            "one who pipelines, and lost responses",
            p().at(1, &[get("/1"), get("/2")].concat())
                .at(3, &get("/3"))
                .at(5, &get("/4")),
            p().at(2, &answer(201, ""))
                .lost(40)
                .at(4, &answer(203, ""))
                .at(6, &answer(204, "")),
        ),
        (
            "one who waited, and two lost responses",
            p().at(1, &get("/1"))
                .at(3, &get("/2"))
                .at(5, &get("/3"))
                .at(7, &get("/4"))
                .at(9, &get("/5")),
            p().at(2, &answer(201, ""))
                .at(4, &answer(202, ""))
                .lost(80)
                .at(10, &answer(205, "")),
        ),
        (
            "one of whom it is not known whether he waits",
            p().at(1, &get("/1")).at(3, &get("/2")).at(3, &get("/3")),
            p().lost(80).at(5, &answer(203, "")),
        ),
        // what the capture lost
        (
            "a lost body",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &head(9)).lost(9).at(4, &answer(404, "")),
        ),
        (
            "a part of a body is lost",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &cat(&[&head(9), b"abc"]))
                .lost(3)
                .at(2, b"def")
                .at(4, &answer(404, "")),
        ),
        (
            "a lost response of one who waits",
            p().at(1, &get("/1"))
                .at(3, &get("/2"))
                .at(5, &get("/3"))
                .at(7, &get("/4")),
            p().at(2, &answer(201, ""))
                .lost(60)
                .at(6, &answer(203, ""))
                .at(8, &answer(204, "")),
        ),
        (
            "two lost responses of one who waits",
            p().at(1, &get("/1"))
                .at(3, &get("/2"))
                .at(5, &get("/3"))
                .at(7, &get("/4")),
            p().at(2, &answer(201, ""))
                .lost(120)
                .at(8, &answer(204, "")),
        ),
        (
            "a lost response of one who does not",
            p().at(1, &[get("/1"), get("/2"), get("/3")].concat()),
            p().at(2, &answer(201, "")).lost(60).at(6, &answer(203, "")),
        ),
        (
            "a lost first response",
            p().at(1, &get("/1")).at(3, &get("/2")).at(5, &get("/3")),
            p().lost(60).at(4, &answer(202, "")).at(6, &answer(203, "")),
        ),
        (
            "the rest of a response is lost",
            p().at(1, &get("/1")).at(3, &get("/2")).at(5, &get("/3")),
            p().at(2, &answer(201, "")[..20])
                .lost(60)
                .at(4, &answer(202, ""))
                .at(6, &answer(203, "")),
        ),
        (
            "a lost request",
            p().at(1, &get("/1")).lost(33).at(5, &get("/3")),
            p().at(2, &answer(201, ""))
                .at(4, &answer(202, ""))
                .at(6, &answer(203, "")),
        ),
        (
            "a lost request before the first one",
            p().lost(33).at(3, &get("/2")).at(5, &get("/3")),
            p().at(2, &answer(201, ""))
                .at(4, &answer(202, ""))
                .at(6, &answer(203, "")),
        ),
        (
            "a lost request of one who does not wait",
            p().at(1, &get("/1"))
                .at(1, &get("/2"))
                .lost(33)
                .at(2, &get("/4")),
            p().at(3, &answer(201, ""))
                .at(4, &answer(202, ""))
                .at(5, &answer(203, ""))
                .at(6, &answer(204, "")),
        ),
        (
            "lost requests and lost responses",
            p().at(1, &get("/1"))
                .lost(33)
                .at(5, &get("/3"))
                .at(7, &get("/4")),
            p().at(2, &answer(201, ""))
                .lost(50)
                .at(6, &answer(203, ""))
                .at(8, &answer(204, "")),
        ),
        (
            "a lost end of the requests",
            p().at(1, &get("/1")).lost(33),
            p().at(2, &answer(201, "")).at(4, &answer(202, "")),
        ),
        (
            "a lost end of the responses",
            p().at(1, &get("/1")).at(3, &get("/2")),
            p().at(2, &answer(201, "")).lost(33),
        ),
        (
            "what may answer HEAD",
            p().at(1, &get("/1")).lost(33).at(5, &get("/3")),
            p().at(2, &answer(201, ""))
                .at(4, &cat(&[&head(99), &answer(203, "x")])),
        ),
        (
            "a head that is lost in its middle",
            p().at(1, b"GET /1 HTTP/1.1\r\nHo")
                .lost(9)
                .at(2, b"\r\n\r\n")
                .at(3, &get("/2")),
            p().at(4, &answer(200, "")),
        ),
        (
            "a chunk that is lost in its middle",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            )
            .lost(3)
            .at(3, b"\r\n2\r\nyz\r\n0\r\n\r\n")
            .at(4, &answer(404, "")),
        ),
        (
            "a line of a chunk that is lost",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
            )
            .lost(3)
            .at(3, b"2\r\nyz\r\n0\r\n\r\n")
            .at(4, &answer(404, "")),
        ),
        (
            "a line break of a chunk that is lost",
            p().at(1, &get("/1")),
            p().at(
                2,
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde",
            )
            .lost(2)
            .at(3, b"0\r\n\r\n")
            .at(4, &answer(404, "")),
        ),
        // a capture that begins late
        (
            "both begin late",
            Peer::late()
                .at(1, b"rest of a body")
                .at(3, &get("/2"))
                .at(5, &get("/3")),
            Peer::late()
                .at(2, b"another")
                .at(4, &answer(202, ""))
                .at(6, &answer(203, "")),
        ),
        (
            "a late begin of the responses alone",
            p().at(1, &get("/1")).at(3, &get("/2")),
            Peer::late().at(2, b"rest").at(4, &answer(202, "")),
        ),
        (
            "a late begin with a method that is not registered",
            Peer::late()
                .at(1, b"rest")
                .at(3, &asks("FETCH", "/2"))
                .at(5, &get("/3")),
            Peer::late().at(4, &answer(202, "")).at(6, &answer(203, "")),
        ),
        (
            "a late begin with a response before any request",
            Peer::late().at(3, &get("/2")),
            Peer::late().at(2, &answer(201, "")).at(4, &answer(202, "")),
        ),
        (
            "a late begin of nothing else",
            Peer::late().at(1, b"rest"),
            Peer::late().at(2, b"rest"),
        ),
    ];
    keep(
        "pairs",
        &table(
            cases
                .into_iter()
                .map(|(name, client, server)| (name.to_owned(), pairs(&client, &server))),
        ),
    );
}

#[test]
fn conversations() {
    let p = Peer::new;
    let cases: Vec<(&str, Peer, Peer)> = vec![
        (
            "a request and its response",
            p().at(
                1,
                b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na",
            )
            .at(2, b"bc"),
            p().at(4, b"HTTP/1.1 100 Go\r\n\r\n")
                .at(
                    5,
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
                )
                .at(7, b"0\r\n\r\n"),
        ),
        (
            "a lost body, and a rest of other bytes",
            p().at(1, &get("/1")),
            p().at(2, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na")
                .lost(3)
                .at(3, b"bc")
                .at(4, b"other"),
        ),
        (
            "bytes that are lost between messages",
            p().at(1, &get("/1"))
                .lost(20)
                .at(3, b"zz")
                .lost(5)
                .at(4, &get("/2")),
            p().at(5, &answer(200, "")),
        ),
        (
            "two places that are lost",
            p().at(1, &get("/1"))
                .lost(20)
                .at(3, b"zz")
                .lost(5)
                .at(4, &get("/2"))
                .lost(5)
                .at(5, &get("/3")),
            p().at(6, &answer(200, "")),
        ),
        (
            "the beginning is lost",
            p().lost(5).at(1, b"zz").lost(5).at(4, &get("/2")),
            p().at(5, &answer(200, "")),
        ),
        (
            "the end is lost",
            p().at(1, &get("/2")).at(2, b"zz").lost(5),
            p().at(5, &answer(200, "")).lost(9),
        ),
    ];
    let text = table(
        cases
            .into_iter()
            .map(|(name, client, server)| (name.to_owned(), talk(&Http1, &client, &server))),
    );
    keep("http1_conversations", &text);
}
