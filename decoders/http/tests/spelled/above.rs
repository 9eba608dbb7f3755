//! What a format above HTTP sees of a conversation, whatever its version.

use super::build::*;
use super::keep;
use binq_core::codec::Codec;
use binq_core::shape::{Cx, Shape};
use binq_core::{Format, Kind, Malformed, Node, Options, Ref, Severity, Space, Span};
use binq_http::coding::Coding;
use binq_http::exchange::{Carrier, Exchanges, Head, Who};
use binq_http::{Http1, Http2};
use binq_laws::spelled::spelled;
use std::fmt::Write;
use std::sync::Arc;

/// The header fields of a message, as a format above adds them.
struct Above(Arc<dyn Exchanges>, usize);

/// Values of fields that end with `-odd` are said to be wrong.
fn meaning(
    name: &[u8],
    text: Option<&[u8]>,
    codec: Ref<dyn Codec>,
    at: u64,
) -> Option<(Ref<dyn Codec>, Option<Malformed>)> {
    let wrong = text.map(|_| Malformed::new(at, "another value", "this one").with(Severity::Odd));
    name.ends_with(b"-odd").then_some((codec, wrong))
}

impl Above {
    fn add(&self, cx: &mut Cx<'_>, name: &'static str, head: Option<Box<dyn Head>>) {
        let Some(head) = head.as_deref() else { return };
        head.add_list(cx, name, |name| name.starts_with(b"x"), meaning);
        for field in ["path", "authority", "status", "x-a"] {
            let header = if field.starts_with('x') {
                field.to_owned()
            } else {
                format!(":{field}")
            };
            head.add(cx, header.as_bytes(), format!("{name} {field}"));
        }
    }
}

impl Shape for Above {
    fn name(&self) -> &'static str {
        "above"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        self.add(cx, "request", self.0.headers(self.1, Who::Client));
        self.add(cx, "response", self.0.headers(self.1, Who::Server));
        self.add(cx, "trailers", self.0.trailers(self.1));
        Ok(())
    }
}

fn told(head: Option<&dyn Head>) -> String {
    let Some(head) = head else {
        return "nothing".to_owned();
    };
    let value = |name: &[u8]| {
        head.value(name)
            .map(|v| String::from_utf8_lossy(v).into_owned())
    };
    let cut = head.cut().map(|cut| cut.at);
    format!(
        "first {} complete {} unknown {} hides {} cut {cut:?} x-a {} of them {:?} path {:?} has x-z {}",
        head.first(),
        head.is_complete(),
        head.has_unknown(),
        head.hides(),
        head.count(b"x-a"),
        value(b"x-a"),
        value(b":path"),
        head.has(b"x-z"),
    )
}

fn seen(format: &dyn Format, client: &Peer, server: &Peer) -> String {
    let found = format
        .converse(&conversation(client, server), &Options::default())
        .unwrap();
    let Carrier(by) = found.carries().unwrap().downcast_ref().unwrap();
    by.remember(b"x-a");
    let mut out = format!("HTTP/2 {}\n", by.is_http2());
    for i in 0..by.count() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let _ = writeln!(out, "-- {i}");
        for name in ["connection", "stream_id", "time", "duration"] {
            let _ = writeln!(out, "{name} {}", by.compute(i, name));
        }
        let _ = writeln!(out, "path {:?}", by.path(i).map(|p| text(&p)));
        for who in Who::BOTH {
            let body = by.body(i, who);
            let breaks: Vec<_> = body
                .breaks
                .iter()
                .map(|b| (b.first_byte(), b.byte_len()))
                .collect();
            let _ = writeln!(
                out,
                "{who:?} type {:?} body {} {breaks:?} open {} reset {:?} lost {:?}",
                by.content_type(i, who).map(|t| text(&t)),
                body.space.len(),
                by.is_open(i, who),
                by.reset(i, who).map(|(_, span)| span.first_byte()),
                by.lost(i, who).map(|l| (l.at, l.severity)),
            );
            let _ = writeln!(out, "{who:?} {}", told(by.headers(i, who).as_deref()));
        }
        let _ = writeln!(out, "trailers {}", told(by.trailers(i).as_deref()));
        let remembered = by
            .remembered(i)
            .map(|(value, _, span)| (text(value), span.first_byte(), span.byte_len()));
        let _ = writeln!(out, "remembered {remembered:?}");
        let kind = Kind::shared(Arc::new(Above(by.clone(), i)));
        let node = Node::root_of("above", kind, Space::source(Vec::new()), Span::bits(0, 0));
        out += &spelled(&node);
    }
    out
}

#[test]
fn what_a_format_above_sees() {
    let hello = || {
        (
            Peer::new().at(0, &client(&[])),
            Peer::new().at(0, &frame(SETTINGS, 0, 0, &[])),
        )
    };
    let head = |stream, flags, fields: &[&[u8]]| frame(HEADERS, ENDH | flags, stream, &cat(fields));
    let kind = literal_named(31, "text/x");
    let (c, s) = hello();
    let ended = (
        c.clone()
            .at(
                1,
                &head(
                    1,
                    0,
                    &[
                        POST,
                        &kind,
                        &literal("x-a", "1"),
                        &literal("y", "2"),
                        &literal("x-odd", "3"),
                        &literal("x-a", "4"),
                    ],
                ),
            )
            .at(2, &frame(DATA, END, 1, b"sent")),
        s.clone()
            .at(3, &head(1, 0, &[OK, &kind, &literal("x-b", "1")]))
            .at(4, &frame(DATA, 0, 1, b"back"))
            .at(
                5,
                &head(1, END, &[&literal("y", "1"), &literal("x-a", "12")]),
            ),
    );
    let twice = (
        c.clone().at(1, &head(1, END, &[GET])),
        s.clone().at(
            3,
            &head(1, END, &[OK, &literal("x-a", "1"), &literal("x-a", "2")]),
        ),
    );
    let once = (
        c.clone().at(1, &head(1, END, &[GET])),
        s.clone().at(3, &head(1, END, &[OK, &entry("x-a", "1")])),
    );
    let parts = (
        c.clone().at(1, &head(1, END, &[GET])),
        s.clone()
            .at(3, &frame(HEADERS, END, 1, OK))
            .at(4, &frame(CONTINUATION, ENDH, 1, &literal("x-a", "1"))),
    );
    let reset = (
        c.clone()
            .at(1, &head(1, 0, &[POST]))
            .at(1, &head(3, 0, &[POST])),
        s.clone()
            .at(3, &head(1, END, &[OK]))
            .at(4, &frame(RST_STREAM, 0, 3, &[0, 0, 0, 8])),
    );
    let open = (
        c.clone()
            .at(1, &head(1, 0, &[POST]))
            .at(2, &frame(HEADERS, 0, 3, GET)),
        s.clone().at(3, &head(1, 0, &[OK])),
    );
    let unseen = (
        c.clone().at(1, &head(1, END, &[GET])),
        s.clone()
            .at(2, &head(1, 0, &[OK]))
            .lost(20)
            .at(3, &frame(DATA, 0, 1, b"x"))
            .at(
                4,
                &head(
                    1,
                    END,
                    &[&indexed(70), &literal("x-a", "1"), &literal_named(71, "v")],
                ),
            ),
    );
    let proof = cat(&[
        &frame(PING, 0, 0, &[9; 8]),
        &frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        &frame(PING, 0, 0, &[9; 8]),
        &frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
    ]);
    let late = (
        Peer::late()
            .at(1, &proof)
            .at(2, &frame(DATA, END, 9, b"rest")),
        Peer::late().at(1, &proof).at(3, &head(9, END, &[OK])),
    );
    let p = Peer::new;
    let old = (p().at(1, b"POST /p HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-Odd: 2\r\nContent-Type: text/x\r\nx-a: 3\r\nContent-Length: 2\r\n\r\nab").at(3, b"GET /q HTTP/1.0\r\n\r\n"), p().at(2, b"HTTP/1.1 200 OK\r\nX-B:\r\nContent-Length: 3\r\n\r\nabc").at(4, b"HTTP/1.1 204 No\r\n\r\n"));
    let old_open = (
        p().at(1, b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
            .at(5, b"GET /q HTTP/1.1\r\nHost: h\r\n\r\n"),
        p().at(2, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
    );
    let old_lost = (
        p().at(1, b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
            .at(5, b"GET /q HTTP/1.1\r\nHost: h\r\n\r\n"),
        p().at(
            2,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        )
        .lost(30)
        .at(6, b"HTTP/1.1 204 No\r\n\r\n"),
    );
    let cases: Vec<(&str, String)> = vec![
        ("a call", seen(&Http2, &ended.0, &ended.1)),
        ("a field that comes twice", seen(&Http2, &twice.0, &twice.1)),
        (
            "a field of the headers that end it",
            seen(&Http2, &once.0, &once.1),
        ),
        (
            "a field of a block in two frames",
            seen(&Http2, &parts.0, &parts.1),
        ),
        (
            "resets, and an answer before the end",
            seen(&Http2, &reset.0, &reset.1),
        ),
        ("what is open", seen(&Http2, &open.0, &open.1)),
        (
            "fields that are not known",
            seen(&Http2, &unseen.0, &unseen.1),
        ),
        ("what begins late", seen(&Http2, &late.0, &late.1)),
        ("HTTP/1.1", seen(&Http1, &old.0, &old.1)),
        (
            "HTTP/1.1 that is open",
            seen(&Http1, &old_open.0, &old_open.1),
        ),
        (
            "HTTP/1.1 of which bytes are lost",
            seen(&Http1, &old_lost.0, &old_lost.1),
        ),
    ];
    keep(
        "above",
        &table(
            cases
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text)),
        ),
    );
}

/// A conversation is heard in steps of time, and says the same in the end.
#[test]
fn what_is_heard_in_steps() {
    let sent = Peer::new()
        .at(1, &client(&[frame(HEADERS, ENDH | END, 1, GET)]))
        .at(4, &frame(HEADERS, ENDH | END, 3, GET));
    let received = Peer::new()
        .at(2, &frame(SETTINGS, 0, 0, &[]))
        .at(3, &frame(HEADERS, ENDH | END, 1, OK))
        .at(6, &frame(HEADERS, ENDH | END, 3, OK));
    let at = |second: i128| second * 1_000_000_000;
    let found = converse(&Http2, &sent, &received).unwrap();
    let all = exchanges(&*converse(&Http2, &sent, &received).unwrap());
    for second in [0, 1, 2, 5, 5] {
        assert!(found.hear(at(second)), "{second}");
    }
    assert!(!found.hear(at(6)));
    assert_eq!(exchanges(&*found), all);
    // all of it was heard
    assert!(!found.hear(at(9)));
    let found = converse(&Http2, &sent, &received).unwrap();
    assert_eq!(exchanges(&*found), all);
    assert!(!found.hear(at(0)));
    assert!(
        !converse(
            &Http1,
            &Peer::new().at(1, b"GET / HTTP/1.0\r\n\r\n"),
            &Peer::new()
        )
        .unwrap()
        .hear(at(0))
    );
}

/// What the user says needs no proof, and begins where something of it is found, or at the first byte.
#[test]
fn what_is_given() {
    let ping = frame(PING, 0, 0, &[0; 8]);
    let settings = frame(SETTINGS, 0, 0, &[]);
    let mut text = String::new();
    for (name, sent) in [
        ("other bytes", b"hello, this is none".to_vec()),
        (
            "frames behind other bytes",
            cat(&[b"zz", &ping, &ping, &ping]),
        ),
        ("a preface", cat(&[PREFACE, &settings])),
        ("a request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
    ] {
        for format in [&Http2 as &dyn Format, &Http1] {
            for whole in [true, false] {
                let peer = if whole { Peer::new() } else { Peer::late() };
                let mut with = conversation(&peer.at(1, &sent), &Peer::new().at(2, &settings));
                with.given = true;
                let found = format.converse(&with, &Options::default()).unwrap();
                let _ = writeln!(text, "# {} of {name}, whole {whole}", format.name());
                for node in [found.client().unwrap(), found.server().unwrap()] {
                    for (part, node) in node.fields() {
                        let span = node.span();
                        let _ = writeln!(text, "{part} @{}+{}", span.first_byte(), span.byte_len());
                    }
                    text += &findings(&node);
                }
            }
        }
    }
    keep("given", &text);
}

/// Snappy says how long it becomes: 64 MiB is the most.
#[test]
fn what_is_inflated_has_a_bound() {
    let varint = |mut n: u64| {
        let mut out = Vec::new();
        while n >= 128 {
            out.push(n as u8 | 128);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    let too_much = |n: u64| {
        let why = Coding::Snappy.inflate(&varint(n)).unwrap_err();
        why.contains("more than 64 MiB")
    };
    assert!(!too_much((64 << 20) - 1) && !too_much(64 << 20) && too_much((64 << 20) + 1));
    for (name, coding) in [
        ("gzip", Coding::Gzip),
        ("x-gzip", Coding::Gzip),
        ("deflate", Coding::Deflate),
        ("snappy", Coding::Snappy),
        ("x-snappy-framed", Coding::Snappy),
        ("zstd", Coding::Zstd),
    ] {
        assert_eq!(Coding::named(name.as_bytes()), Some(coding));
    }
    for name in ["", "Gzip", "br", "identity", "gzip "] {
        assert_eq!(Coding::named(name.as_bytes()), None);
    }
    let names = [Coding::Gzip, Coding::Deflate, Coding::Snappy, Coding::Zstd].map(Coding::name);
    assert_eq!(names, ["gzip", "deflate", "snappy", "zstd"]);
}
