//! Both directions of a connection of HTTP/2: where each begins, which frames are of which stream, and what is missing.

use super::build::*;
use super::keep;
use binq_core::{Confidence, Format, Probe};
use binq_http::Http2;

fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, flags, stream, bytes)
}

fn headers(stream: u32, flags: u8, fields: &[&[u8]]) -> Vec<u8> {
    frame(HEADERS, ENDH | flags, stream, &cat(fields))
}

fn status(code: &str) -> Vec<u8> {
    literal_named(8, code)
}

/// The streams alone, without the lines of flags and frames.
fn said(client: &Peer, server: &Peer) -> String {
    match converse(&Http2, client, server) {
        None => "not of this format\n".to_owned(),
        Some(found) => {
            let mut out = String::new();
            for (name, node) in [("client", found.client()), ("server", found.server())] {
                match node {
                    None => out += &format!("{name} is not of this format\n"),
                    Some(node) => {
                        let frames = node.field("frames").unwrap();
                        let kinds = frames.items().map(|f| {
                            match f.field("type").and_then(|t| t.actual()) {
                                Some(kind) => format!("{kind}@{}", f.span().first_byte()),
                                None => format!(
                                    "lost@{}+{}",
                                    f.span().first_byte(),
                                    f.span().byte_len()
                                ),
                            }
                        });
                        out += &format!("{name} {}\n", kinds.collect::<Vec<_>>().join(" "));
                        out.extend(findings(&node).lines().map(|l| format!("{name} {l}\n")));
                    }
                }
            }
            out + &exchanges(&*found)
        }
    }
}

/// A whole connection of a client and a server.
fn start() -> (Peer, Peer) {
    let client = Peer::new()
        .at(1, PREFACE)
        .at(1, &frame(SETTINGS, 0, 0, &[]));
    let server = Peer::new().at(2, &frame(SETTINGS, 0, 0, &[]));
    (client, server)
}

#[test]
fn streams() {
    let (c, s) = start();
    let trailers = literal("grpc-status", "0");
    let reset = |stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    let cases: Vec<(&str, Peer, Peer)> = vec![
        (
            "a request and its response",
            c.clone()
                .at(
                    3,
                    &headers(1, 0, &[POST, &literal("a", "b"), &literal("a", "c")]),
                )
                .at(4, &data(1, 0, b"he"))
                .at(5, &data(1, END, b"llo")),
            s.clone()
                .at(7, &headers(1, 0, &[OK]))
                .at(8, &data(1, 0, b"wor"))
                .at(9, &frame(DATA, PADDED, 1, b"\x01ld\0"))
                .at(10, &headers(1, END, &[&trailers])),
        ),
        (
            "interim responses",
            c.clone().at(3, &headers(1, END, &[GET])),
            s.clone()
                .at(4, &headers(1, 0, &[&status("103"), &literal("link", "x")]))
                .at(5, &headers(1, 0, &[&status("100")]))
                .at(6, &headers(1, 0, &[OK]))
                .at(7, &data(1, END, b"")),
        ),
        (
            "streams that lie mixed",
            c.clone()
                .at(3, &headers(3, 0, &[POST]))
                .at(4, &headers(1, END, &[GET]))
                .at(6, &data(3, END, b"x")),
            s.clone()
                .at(5, &headers(1, END, &[OK]))
                .at(7, &headers(3, 0, &[OK]))
                .at(8, &data(3, END, b"y")),
        ),
        (
            "a server that gives up",
            c.clone()
                .at(3, &headers(1, 0, &[POST]))
                .at(5, &data(1, 0, b"x")),
            s.clone().at(4, &headers(1, 0, &[OK])).at(6, &reset(1)),
        ),
        (
            "a client that gives up",
            c.clone().at(3, &headers(1, 0, &[POST])).at(5, &reset(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK]))
                .at(4, &data(1, 0, b"x")),
        ),
        (
            "a client that gives up without a response",
            c.clone().at(3, &headers(1, 0, &[POST])).at(5, &reset(1)),
            s.clone(),
        ),
        (
            "streams that are open",
            c.clone()
                .at(3, &headers(1, END, &[GET]))
                .at(4, &headers(3, 0, &[POST])),
            s.clone()
                .at(5, &headers(1, 0, &[OK]))
                .at(6, &headers(3, END, &[OK])),
        ),
        (
            "a promise",
            c.clone().at(3, &headers(1, END, &[GET])),
            s.clone()
                .at(
                    4,
                    &frame(
                        PUSH_PROMISE,
                        ENDH,
                        1,
                        &cat(&[
                            &[0, 0, 0, 2],
                            &GET[..2],
                            &literal_named(4, "/pushed"),
                            &literal_named(1, "h"),
                        ]),
                    ),
                )
                .at(5, &headers(1, END, &[OK]))
                .at(6, &headers(2, 0, &[OK]))
                .at(7, &data(2, END, b"pushed")),
        ),
        (
            "a promise that is not kept",
            c.clone().at(3, &headers(1, END, &[GET])),
            s.clone()
                .at(
                    4,
                    &frame(PUSH_PROMISE, ENDH, 1, &cat(&[&[0, 0, 0, 2], GET])),
                )
                .at(5, &headers(1, END, &[OK]))
                .at(6, &frame(PUSH_PROMISE, ENDH, 1, &[0, 0, 0]))
                .at(7, &frame(PUSH_PROMISE, ENDH, 1, &[])),
        ),
        (
            "a promise that the client takes back",
            c.clone().at(3, &headers(1, END, &[GET])).at(6, &reset(2)),
            s.clone()
                .at(
                    4,
                    &frame(PUSH_PROMISE, ENDH, 1, &cat(&[&[0, 0, 0, 2], GET])),
                )
                .at(5, &headers(1, END, &[OK]))
                .at(7, &headers(2, 0, &[OK])),
        ),
        (
            "a promise whose response is open",
            c.clone().at(3, &headers(1, END, &[GET])),
            s.clone()
                .at(
                    4,
                    &frame(PUSH_PROMISE, ENDH, 1, &cat(&[&[0, 0, 0, 2], GET])),
                )
                .at(5, &headers(1, END, &[OK]))
                .at(6, &headers(2, 0, &[OK])),
        ),
        (
            "data before headers, and two of trailers",
            c.clone().at(3, &headers(1, END, &[GET])),
            s.clone()
                .at(4, &data(1, 0, b"x"))
                .at(5, &headers(1, 0, &[OK]))
                .at(6, &headers(1, END, &[&trailers])),
        ),
        (
            "a block in two frames",
            c.clone()
                .at(3, &frame(HEADERS, END, 1, &GET[..2]))
                .at(4, &frame(CONTINUATION, ENDH, 1, &GET[2..])),
            s.clone()
                .at(5, &frame(HEADERS, 0, 1, OK))
                .at(6, &frame(CONTINUATION, ENDH, 1, &literal("a", "b")))
                .at(7, &data(1, END, b"x")),
        ),
        (
            "a header block that the capture ends",
            c.clone().at(3, &frame(HEADERS, END, 1, &GET[..2])),
            s.clone().at(4, &headers(1, 0, &[OK])[..9]),
        ),
        (
            "data that the capture ends",
            c.clone()
                .at(3, &headers(1, 0, &[POST]))
                .at(4, &data(1, END, b"hello")[..11]),
            s.clone(),
        ),
        (
            "a size, and a name that is not text",
            c.clone().at(
                3,
                &headers(1, END, &[&table_size(0), GET, b"\0\x02\xff\xfe\x01v"]),
            ),
            s.clone().at(4, &headers(1, END, &[OK])),
        ),
        (
            "frames of the connection and of other types are of no stream",
            c.clone()
                .at(3, &headers(1, END, &[GET]))
                .at(4, &frame(PRIORITY, 0, 5, &[0, 0, 0, 0, 1]))
                .at(5, &frame(0x40, 0, 7, b"x")),
            s.clone()
                .at(4, &frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]))
                .at(5, &headers(1, END, &[OK])),
        ),
        (
            "times that go backwards",
            c.clone()
                .at(9, &headers(1, 0, &[POST]))
                .at(8, &data(1, END, b"x")),
            s.clone()
                .at(3, &headers(1, 0, &[OK]))
                .at(4, &data(1, END, b"x")),
        ),
    ];
    keep(
        "streams",
        &table(
            cases
                .into_iter()
                .map(|(name, client, server)| (name.to_owned(), said(&client, &server))),
        ),
    );
}

#[test]
fn streams_of_which_parts_are_missing() {
    let (c, s) = start();
    let l = Peer::late;
    let trailers = literal("grpc-status", "0");
    let ping = frame(PING, 0, 0, &[0; 8]);
    let get = |stream| headers(stream, END, &[GET]);
    let ok = |stream| headers(stream, END, &[OK]);
    // each of them begins with what proves it
    let late_client = || {
        l().at(1, b"zz")
            .at(3, &ping)
            .at(3, &frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))
            .at(3, &frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1]))
            .at(3, &ping)
    };
    let late_server = || {
        l().at(1, b"zzz")
            .at(3, &ping)
            .at(3, &frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))
            .at(3, &frame(SETTINGS, END, 0, &[]))
            .at(3, &ping)
    };
    let cases: Vec<(&str, Peer, Peer)> = vec![
        (
            "data between two frames",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK]))
                .at(5, &data(1, 0, b"he"))
                .lost(20)
                .at(6, &data(1, 0, b"llo"))
                .at(7, &headers(1, END, &[&trailers])),
        ),
        (
            "data within a frame",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK]))
                .at(5, &data(1, 0, b"hello")[..11])
                .lost(3)
                .at(6, &data(1, END, b"x")),
        ),
        (
            "data across the end of a frame",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK]))
                .at(5, &data(1, 0, b"hello")[..11])
                .lost(9)
                .at(6, &ping)
                .at(7, &data(1, END, b"x"))
                .at(8, &ping),
        ),
        (
            "the headers of a response",
            c.clone().at(3, &get(1)),
            s.clone()
                .lost(12)
                .at(5, &data(1, 0, b"he"))
                .at(7, &headers(1, END, &[&trailers])),
        ),
        (
            "a part of a header block",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK, &literal("a", "bcdef")])[..15])
                .lost(3)
                .at(5, &data(1, END, b"he")),
        ),
        (
            "the request",
            c.clone().lost(30).at(5, &get(3)),
            s.clone().at(4, &ok(1)).at(6, &ok(3)),
        ),
        (
            "the response",
            c.clone().at(3, &get(1)).at(5, &get(3)),
            s.clone().lost(30).at(6, &ok(3)),
        ),
        (
            "the response, at the end",
            c.clone().at(3, &get(1)).at(5, &get(3)),
            s.clone().at(4, &ok(1)).lost(30),
        ),
        (
            "what is after the end of a stream",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &ok(1))
                .lost(30)
                .at(6, &ping)
                .at(6, &ping)
                .at(6, &ping),
        ),
        (
            "what is after a reset of the peer",
            c.clone()
                .at(3, &headers(1, 0, &[POST]))
                .at(4, &data(1, 0, b"x"))
                .lost_at(8, 20)
                .at(9, &ping)
                .at(9, &ping)
                .at(9, &ping),
            s.clone()
                .at(2, &headers(1, 0, &[OK]))
                .at(3, &frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        ),
        (
            "what is before a reset of the peer",
            c.clone()
                .at(3, &headers(1, 0, &[POST]))
                .at(4, &data(1, 0, b"x"))
                .lost_at(9, 20)
                .at(9, &ping)
                .at(9, &ping)
                .at(9, &ping),
            s.clone()
                .at(2, &headers(1, 0, &[OK]))
                .at(9, &frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        ),
        (
            "what is after the end of the response",
            c.clone()
                .at(3, &headers(1, 0, &[POST]))
                .at(4, &data(1, 0, b"x"))
                .lost_at(8, 20)
                .at(9, &ping)
                .at(9, &ping)
                .at(9, &ping),
            s.clone().at(5, &ok(1)),
        ),
        (
            "the response of one that was asked for later",
            c.clone().at(3, &get(1)).at(7, &get(3)),
            s.clone()
                .at(4, &ok(1))
                .lost_at(5, 20)
                .at(6, &ping)
                .at(6, &ping)
                .at(6, &ping),
        ),
        (
            "one of two places, by when it was asked for",
            c.clone().at(3, &get(1)).at(6, &get(3)),
            s.clone()
                .lost_at(4, 20)
                .at(5, &ping)
                .at(5, &ping)
                .at(5, &ping)
                .lost_at(7, 20)
                .at(8, &ping)
                .at(8, &ping)
                .at(8, &ping),
        ),
        (
            "the request, in one of two places",
            c.clone()
                .lost_at(3, 20)
                .at(4, &ping)
                .at(4, &ping)
                .at(4, &ping)
                .lost_at(6, 20)
                .at(8, &get(3)),
            s.clone().at(5, &ok(1)).at(7, &ok(5)).at(9, &ok(3)),
        ),
        (
            "two places",
            c.clone().at(3, &get(1)),
            s.clone()
                .at(4, &headers(1, 0, &[OK]))
                .lost(5)
                .at(5, &data(1, 0, b"he"))
                .at(5, &ping)
                .lost(6)
                .at(6, &data(1, 0, b"llo"))
                .at(6, &ping)
                .at(7, &headers(1, END, &[&trailers])),
        ),
        (
            "both begin late",
            late_client().at(4, &get(9)),
            late_server().at(5, &ok(7)).at(6, &ok(9)),
        ),
        (
            "both begin late, within a stream",
            late_client()
                .at(4, &data(9, 0, b"abc"))
                .at(4, &data(9, END, b"")),
            late_server()
                .at(5, &headers(9, 0, &[OK]))
                .at(6, &data(9, 0, b"x"))
                .at(7, &headers(9, END, &[&trailers])),
        ),
        (
            "both begin late, within a response",
            late_client().at(4, &get(11)),
            late_server()
                .at(6, &data(9, 0, b"x"))
                .at(7, &headers(9, END, &[&trailers]))
                .at(8, &ok(11)),
        ),
        (
            "both begin late, with indices that are not known",
            late_client().at(4, &headers(9, END, &[&indexed(70), &indexed(71)])),
            late_server().at(5, &headers(9, END, &[&indexed(80)])),
        ),
        (
            "the server begins late",
            c.clone().at(3, &get(1)).at(5, &get(3)),
            late_server().at(6, &ok(3)),
        ),
        (
            "a promise that is late",
            late_client().at(4, &ping),
            late_server()
                .at(
                    5,
                    &frame(PUSH_PROMISE, ENDH, 9, &cat(&[&[0, 0, 0, 2], GET])),
                )
                .at(6, &ok(2)),
        ),
        (
            "the one that is taken for the client answers",
            late_client().at(4, &ok(9)),
            late_server().at(5, &ping),
        ),
        (
            "the one that is taken for the server asks",
            late_client().at(4, &ping),
            late_server().at(5, &get(9)),
        ),
        (
            "an upgrade, and lost bytes",
            Peer::new()
                .at(1, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n")
                .at(2, PREFACE)
                .at(2, &frame(SETTINGS, 0, 0, &[]))
                .lost_at(3, 20)
                .at(4, &ping)
                .at(4, &ping)
                .at(4, &ping)
                .at(8, &get(3)),
            Peer::new()
                .at(2, b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n")
                .at(2, &frame(SETTINGS, 0, 0, &[]))
                .at(5, &ok(1))
                .at(6, &ok(5))
                .at(9, &ok(3)),
        ),
        (
            "a client of which nothing is there",
            Peer::late(),
            s.clone().at(4, &ok(1)),
        ),
        (
            "what is before an interim response",
            c.clone().at(3, &get(1)),
            s.clone()
                .lost(20)
                .at(4, &headers(1, 0, &[&status("103")]))
                .at(5, &ok(1)),
        ),
        (
            "an end within a header",
            c.clone().at(3, &get(1)).at(4, &ping[..8]),
            s.clone().at(4, &ok(1)).at(4, &ping[..1]),
        ),
        (
            "an end that is lost within a header",
            c.clone().at(3, &get(1)).at(4, &ping[..4]).lost(5),
            s.clone().at(4, &ok(1)).lost(3),
        ),
    ];
    keep(
        "missing",
        &table(
            cases
                .into_iter()
                .map(|(name, client, server)| (name.to_owned(), said(&client, &server))),
        ),
    );
}

/// How sure the first bytes of a file are.
#[test]
fn probes() {
    let settings = frame(SETTINGS, 0, 0, &[]);
    let sure = |bytes: &[u8]| Http2.probe(&Probe { bytes });
    assert_eq!(sure(&cat(&[PREFACE, &settings])), Confidence::Certain);
    assert_eq!(sure(&settings), Confidence::Likely);
    let upgrade = cat(&[b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", PREFACE]);
    assert_eq!(sure(&upgrade), Confidence::Likely);
    let mut damaged = PREFACE.to_vec();
    damaged[3] = b'x';
    assert_eq!(sure(&cat(&[&damaged, &settings])), Confidence::Likely);
    for other in [
        &b""[..],
        &PREFACE[..15],
        &settings[..8],
        b"hello",
        &frame(PING, 0, 0, &[0; 8]),
        &frame(SETTINGS, END, 0, &[]),
    ] {
        assert_eq!(sure(other), Confidence::No, "{other:?}");
    }
}

/// RFC 9113 section 3, RFC 7540 section 3.2, RFC 9110 section 9.3.6.
#[test]
fn where_http2_begins() {
    let settings = frame(SETTINGS, 0, 0, &[]);
    let ping = frame(PING, 0, 0, &[0; 8]);
    let asks = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: foo, H2C\r\n\r\n";
    let grants = b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n";
    let tunnel = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n";
    let p = Peer::new;
    let hello = || p().at(1, PREFACE).at(1, &settings);
    let flipped = |n: usize| {
        let mut preface = PREFACE.to_vec();
        preface[..n].iter_mut().for_each(|b| *b ^= 1);
        p().at(1, &preface).at(1, &settings)
    };
    let ok = headers(1, END, &[OK]);
    let cases: Vec<(&str, Peer, Peer)> = vec![
        ("a preface and settings", hello(), p().at(2, &settings)),
        ("a preface alone", p().at(1, PREFACE), p()),
        (
            "a preface without its last byte",
            p().at(1, &PREFACE[..23]),
            p(),
        ),
        (
            "a preface of which eight bytes are wrong",
            flipped(8),
            p().at(2, &settings),
        ),
        (
            "a preface of which nine bytes are wrong",
            flipped(9),
            p().at(2, &settings),
        ),
        (
            "a preface of which a byte is lost",
            p().at(1, &PREFACE[..23]).lost(1).at(2, &settings),
            p(),
        ),
        (
            "an upgrade",
            p().at(1, asks).at(3, PREFACE).at(3, &settings),
            p().at(2, grants).at(2, &settings).at(4, &ok),
        ),
        (
            "a grant alone",
            p().at(1, asks).at(3, PREFACE),
            p().at(2, grants),
        ),
        ("a server alone", p(), p().at(2, &settings).at(2, &ping)),
        (
            "a method in lower case",
            p().at(1, b"gET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nbody")
                .at(3, PREFACE)
                .at(3, &settings),
            p(),
        ),
        (
            "a method with one capital",
            p().at(1, b"Get / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nbody")
                .at(3, PREFACE)
                .at(3, &settings),
            p(),
        ),
        (
            "an upgrade with a body",
            p().at(1, asks)
                .at(1, b"body")
                .at(3, PREFACE)
                .at(3, &settings),
            p().at(2, grants).at(2, &settings),
        ),
        (
            "a body with the preface in it, and no upgrade",
            p().at(1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nx")
                .at(3, PREFACE)
                .at(3, &settings),
            p(),
        ),
        (
            "another upgrade",
            p().at(1, b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2cx\r\n\r\nx")
                .at(3, PREFACE)
                .at(3, &settings),
            p(),
        ),
        (
            "a grant whose head is damaged",
            p().at(1, asks).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n")
                .lost(2)
                .at(2, &settings)
                .at(4, &ping)
                .at(4, &ping),
        ),
        (
            "a grant of something else",
            p().at(1, asks),
            p().at(2, b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n")
                .at(2, &settings),
        ),
        (
            "an answer that grants nothing",
            p().at(1, asks),
            p().at(2, b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\n\r\n")
                .at(2, &settings),
        ),
        (
            "a tunnel",
            p().at(1, tunnel).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\n")
                .at(2, &settings)
                .at(4, &ping),
        ),
        (
            "a tunnel of 299",
            p().at(1, tunnel).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.0 299 OK\r\n\r\n").at(2, &settings),
        ),
        (
            "a tunnel of 300",
            p().at(1, tunnel).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.1 300 OK\r\n\r\n").at(2, &settings),
        ),
        (
            "a tunnel in which something else comes first",
            p().at(1, tunnel).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\n").at(2, &ping),
        ),
        (
            "a tunnel in which an acknowledgement comes first",
            p().at(1, tunnel).at(3, PREFACE).at(3, &settings),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\n")
                .at(2, &frame(SETTINGS, END, 0, &[])),
        ),
        (
            "an answer that opens a tunnel nobody asked for",
            hello(),
            p().at(2, b"HTTP/1.1 200 OK\r\n\r\n").at(2, &settings),
        ),
        (
            "settings of a server alone",
            p().at(1, b"x"),
            p().at(2, &settings).at(2, &ping),
        ),
        (
            "settings that are acknowledged",
            p().at(1, b"x"),
            p().at(2, &frame(SETTINGS, END, 0, &[])).at(2, &ping),
        ),
        (
            "settings whose end is lost",
            p().at(1, b"x"),
            p().at(2, &frame(SETTINGS, 0, 0, &[0; 6])[..12])
                .lost(3)
                .at(2, &ping),
        ),
        (
            "settings and a frame that no peer sends",
            p().at(1, b"x"),
            p().at(2, &settings).at(2, &frame(PING, 0, 3, &[0; 8])),
        ),
        (
            "a first frame that is odd",
            hello(),
            p().at(2, &frame(SETTINGS, 0, 0, &[0; 5])).at(3, &ping),
        ),
        (
            "a first frame of a type that is not known, and frames",
            hello(),
            p().at(2, &frame(0xfa, 0, 0, b"x"))
                .at(3, &ping)
                .at(3, &ping)
                .at(3, &ping),
        ),
        (
            "a first frame of a type that is not known alone",
            hello(),
            p().at(2, &frame(0xfa, 0, 0, b"x")),
        ),
        (
            "a first frame that is odd alone",
            hello(),
            p().at(2, &frame(CONTINUATION, 0xff, 0, b"x")),
        ),
        (
            "a frame after the last type that there is",
            hello(),
            p().at(2, &frame(10, 0xff, 0, b"x")),
        ),
        ("HTTP/1.1", hello(), p().at(2, b"HTTP/1.1 400 Bad\r\n\r\n")),
        (
            "what begins like HTTP/1.1",
            hello(),
            p().at(2, b"HTTP/1x400 Bad\r\n\r\n"),
        ),
        (
            "the first bytes of a server are lost",
            hello(),
            p().lost(9).at(2, &ping).at(2, &ping).at(2, &ping),
        ),
        (
            "the first byte of a frame behind the 65536th",
            p().lost(1)
                .at(1, &vec![b'z'; 65_535])
                .at(1, &ping)
                .at(1, &ping),
            p().at(2, &settings),
        ),
        (
            "a frame at the 65535th byte",
            p().lost(1)
                .at(1, &vec![b'z'; 65_534])
                .at(1, &ping)
                .at(1, &ping),
            p().at(2, &settings),
        ),
    ];
    let text = table(cases.into_iter().map(|(name, client, server)| {
        let Some(found) = converse(&Http2, &client, &server) else {
            return (name.to_owned(), "not of this format\n".to_owned());
        };
        let mut out = String::new();
        for (name, node) in [("client", found.client()), ("server", found.server())] {
            let Some(node) = node else {
                out += &format!("{name} is not of this format\n");
                continue;
            };
            for (part, node) in node.fields() {
                out += &format!(
                    "{name} {part} @{}+{}\n",
                    node.span().first_byte(),
                    node.span().byte_len()
                );
            }
            out.extend(findings(&node).lines().map(|l| format!("{name} {l}\n")));
        }
        (name.to_owned(), out)
    }));
    // streams that are said to be HTTP/2, and those of one direction alone
    let mut text = text;
    for (name, bytes) in [
        ("frames from the first byte", cat(&[&ping, &ping])),
        ("the rest of a frame", cat(&[b"zz", &ping, &ping])),
        ("one byte before frames", cat(&[b"z", &ping, &ping])),
        (
            "bytes of another protocol",
            b"SSH-2.0-OpenSSH_9.6\r\n and some more".to_vec(),
        ),
        ("nothing", Vec::new()),
        ("three bytes", vec![0, 0, 4]),
        ("a frame that is odd and whole", frame(9, 0xff, 0, b"x")),
        (
            "a frame that is odd and longer",
            frame(9, 0xff, 0, b"x")[..9].to_vec(),
        ),
        ("an upgrade", cat(&[asks, PREFACE, &settings])),
        ("a grant", cat(&[grants, &settings])),
        (
            "a preface with a wrong byte",
            cat(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", &settings]),
        ),
    ] {
        let root = decode(&Http2, &bytes);
        text += &format!("# alone: {name}\n");
        for (part, node) in root.fields() {
            text += &format!(
                "{part} @{}+{}\n",
                node.span().first_byte(),
                node.span().byte_len()
            );
        }
        text += &findings(&root);
    }
    keep("begins", &text);
}
