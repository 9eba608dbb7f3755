//! What a peer may not send, RFC 9113 sections 3.4, 5.1, 6 and 8: each rule at its border, with all that the other one sent.

use super::build::*;
use super::keep;
use binq_core::Space;
use binq_http::Http2;
use binq_http::exchange::Who;
use binq_http::http2::side::{Look, look, resync};

/// What is wrong in both directions of a conversation and with its streams.
fn wrong(client: &Peer, server: &Peer) -> String {
    let Some(found) = converse(&Http2, client, server) else {
        return "not of this format\n".to_owned();
    };
    let mut out = String::new();
    for (name, node) in [("client", found.client()), ("server", found.server())] {
        let text = node.map_or("not of this format\n".to_owned(), |node| findings(&node));
        out.extend(text.lines().map(|line| format!("{name} {line}\n")));
    }
    for (i, node) in streams(&*found).iter().enumerate() {
        let text = findings(node);
        // a stream that is still open
        let told = text.lines().filter(|line| !line.contains("!note"));
        out.extend(told.map(|line| format!("stream {i} {line}\n")));
    }
    out
}

/// A client and a server that send these frames after their settings: each frame a second, those of the client first.
fn peers(sent: &[Vec<u8>], received: &[Vec<u8>]) -> (Peer, Peer) {
    let mut client = Peer::new()
        .at(0, PREFACE)
        .at(0, &frame(SETTINGS, 0, 0, &[]));
    let mut server = Peer::new().at(0, &frame(SETTINGS, 0, 0, &[]));
    for (i, frame) in sent.iter().enumerate() {
        client = client.at(10 + i as i128, frame);
    }
    for (i, frame) in received.iter().enumerate() {
        server = server.at(100 + i as i128, frame);
    }
    (client, server)
}

type Case = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>);

fn cases(all: Vec<Case>) -> String {
    table(all.into_iter().map(|(name, sent, received)| {
        let (client, server) = peers(&sent, &received);
        (name.to_owned(), wrong(&client, &server))
    }))
}

fn data(stream: u32, flags: u8, len: usize) -> Vec<u8> {
    frame(DATA, flags, stream, &vec![b'x'; len])
}

fn window(stream: u32, n: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &n.to_be_bytes())
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    frame(
        SETTINGS,
        0,
        0,
        &cat(&[&id.to_be_bytes(), &value.to_be_bytes()]),
    )
}

fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, ENDH | END, stream, GET)
}

fn post(stream: u32) -> Vec<u8> {
    frame(HEADERS, ENDH, stream, POST)
}

fn ok(stream: u32, flags: u8) -> Vec<u8> {
    frame(HEADERS, ENDH | flags, stream, OK)
}

fn promise(stream: u32, id: u32) -> Vec<u8> {
    frame(PUSH_PROMISE, ENDH, stream, &cat(&[&id.to_be_bytes(), GET]))
}

#[test]
fn conduct() {
    let ack = || frame(SETTINGS, END, 0, &[]);
    let reset = |stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    let status = |stream, flags: u8, code: &str| {
        frame(HEADERS, ENDH | flags, stream, &literal_named(8, code))
    };
    let trailers = |stream, flags: u8| frame(HEADERS, ENDH | flags, stream, &literal("a", "b"));
    let all: Vec<Case> = vec![
        (
            "nothing is wrong",
            vec![ack(), post(1), data(1, END, 3), get(3)],
            vec![ack(), ok(1, 0), data(1, END, 2), ok(3, END)],
        ),
        (
            "data of a client on a stream that it opens later",
            vec![data(1, 0, 1), post(1)],
            vec![],
        ),
        (
            "data on one below and one above the last that was opened",
            vec![post(3), data(1, 0, 1), data(5, 0, 1)],
            vec![],
        ),
        (
            "a reset and a window of a stream that nobody opened",
            vec![post(1), reset(3), window(5, 1), window(1, 1), reset(1)],
            vec![],
        ),
        (
            "priority of a stream that nobody opened",
            vec![post(1), frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1])],
            vec![],
        ),
        (
            "a client about a stream that was promised",
            vec![post(1), window(2, 1), reset(2)],
            vec![promise(1, 2)],
        ),
        (
            "a client about a stream above the one that was promised",
            vec![post(1), window(4, 1), reset(4)],
            vec![promise(1, 2)],
        ),
        (
            "a client about an even stream, of which none was promised",
            vec![post(1), window(2, 1)],
            vec![],
        ),
        (
            "a server on streams that the client opened, and did not",
            vec![get(1), get(3)],
            vec![ok(1, 0), ok(3, 0), ok(5, 0), window(7, 1)],
        ),
        (
            "a server on streams that it promised, and did not",
            vec![post(1)],
            vec![promise(1, 2), ok(2, END), ok(4, END), ok(1, END)],
        ),
        (
            "promises of 0, of an odd one, of one again, and of a lower one",
            vec![post(1)],
            vec![
                promise(1, 0),
                promise(1, 3),
                promise(1, 4),
                promise(1, 4),
                promise(1, 2),
                promise(1, 6),
                ok(1, END),
            ],
        ),
        (
            "a promise with padding and a reserved bit",
            vec![post(1)],
            vec![
                frame(
                    PUSH_PROMISE,
                    ENDH | PADDED,
                    1,
                    &cat(&[&[1, 0x80, 0, 0, 2], GET, &[0]]),
                ),
                ok(2, END),
                ok(1, END),
            ],
        ),
        (
            "a promise that lacks its authority",
            vec![post(1)],
            vec![
                frame(PUSH_PROMISE, ENDH, 1, &cat(&[&[0, 0, 0, 2], &GET[..3]])),
                ok(1, END),
            ],
        ),
        (
            "a client that promises",
            vec![post(1), promise(1, 2)],
            vec![],
        ),
        (
            "as many acknowledgements as settings",
            vec![ack()],
            vec![ack()],
        ),
        (
            "an acknowledgement too much",
            vec![ack(), ack()],
            vec![ack(), ack()],
        ),
        (
            "two settings and two acknowledgements",
            vec![setting(3, 1), ack(), ack(), ack()],
            vec![setting(3, 1), ack(), ack(), ack()],
        ),
        (
            "a window of 2^31 - 1, and of one more",
            vec![window(0, 0x7fff_ffff - 65_535), window(0, 1)],
            vec![],
        ),
        (
            "a window of a stream of 2^31 - 1, and of one more",
            vec![post(1), window(1, 0x7fff_ffff - 65_535), window(1, 1)],
            vec![],
        ),
        (
            "windows that what the peer sent makes smaller",
            vec![
                post(1),
                window(0, 0x7fff_ffff - 65_535 + 10),
                window(0, 1),
                window(1, 0x7fff_ffff - 65_535 + 7),
                window(1, 1),
            ],
            vec![ok(1, 0), data(1, 0, 7), post(3), data(3, 0, 3)],
        ),
        (
            "a window after a smaller first one of streams",
            vec![
                setting(4, 5),
                post(1),
                window(1, 0x7fff_ffff - 5),
                window(1, 1),
            ],
            vec![],
        ),
        (
            "a window after a larger first one of streams",
            vec![
                setting(4, 70_000),
                post(1),
                window(1, 0x7fff_ffff - 65_535),
                window(1, 1),
            ],
            vec![],
        ),
        (
            "a window after two first ones in one frame",
            vec![
                frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 5, 0, 4, 0, 1, 0, 0]),
                post(1),
                window(1, 0x7fff_ffff - 5),
                window(1, 1),
            ],
            vec![],
        ),
        (
            "a window after other settings",
            vec![
                setting(3, 5),
                setting(5, 16_384),
                post(1),
                window(1, 0x7fff_ffff - 65_535),
                window(1, 1),
            ],
            vec![],
        ),
        (
            "an increment with its reserved bit",
            vec![window(0, 0x8000_0001)],
            vec![],
        ),
        (
            "trailers with and without end_stream",
            vec![post(1), trailers(1, END), post(3), trailers(3, 0)],
            vec![],
        ),
        (
            "trailers of a response",
            vec![get(1), get(3)],
            vec![ok(1, 0), trailers(1, END), ok(3, 0), trailers(3, 0)],
        ),
        (
            "an interim response, and its end",
            vec![get(1), get(3)],
            vec![status(1, 0, "103"), ok(1, END), status(3, END, "103")],
        ),
        (
            "two interim responses",
            vec![get(1)],
            vec![
                status(1, 0, "100"),
                status(1, 0, "103"),
                ok(1, 0),
                trailers(1, END),
            ],
        ),
        ("a status of 101", vec![get(1)], vec![status(1, END, "101")]),
        (
            "data before headers",
            vec![get(1)],
            vec![data(1, 0, 1), ok(1, END)],
        ),
        (
            "data after an interim response",
            vec![get(1)],
            vec![status(1, 0, "103"), data(1, 0, 1), ok(1, END)],
        ),
        (
            "content of 204 and 304",
            vec![get(1), get(3), get(5), get(7)],
            vec![
                status(1, 0, "204"),
                data(1, END, 1),
                status(3, 0, "304"),
                data(3, END, 2),
                status(5, 0, "204"),
                data(5, END, 0),
                status(7, 0, "205"),
                data(7, END, 1),
            ],
        ),
        (
            "padding alone of 204",
            vec![get(1)],
            vec![status(1, 0, "204"), frame(DATA, PADDED | END, 1, &[1, 0])],
        ),
        (
            "data after the end, and after a reset",
            vec![
                get(1),
                data(1, 0, 1),
                post(3),
                reset(3),
                data(3, 0, 1),
                data(3, END, 0),
            ],
            vec![ok(1, END), data(1, 0, 1)],
        ),
        (
            "headers after the end",
            vec![get(1), trailers(1, END)],
            vec![ok(1, END), trailers(1, END)],
        ),
        (
            "a reset of the peer ends nothing of this one",
            vec![post(1), data(1, END, 1)],
            vec![reset(1)],
        ),
        (
            "data of no bytes ends a stream",
            vec![post(1), data(1, END, 0), data(1, END, 0)],
            vec![],
        ),
        (
            "a request that lacks its path",
            vec![frame(HEADERS, ENDH | END, 1, &cat(&[&GET[..2], &GET[3..]]))],
            vec![],
        ),
        (
            "a request of an even stream",
            vec![frame(HEADERS, ENDH | END, 2, GET)],
            vec![],
        ),
        (
            "an extended CONNECT that the peer takes",
            vec![frame(
                HEADERS,
                ENDH,
                1,
                &cat(&[
                    &literal_named(2, "CONNECT"),
                    &GET[1..],
                    &literal(":protocol", "websocket"),
                ]),
            )],
            vec![setting(8, 1)],
        ),
        (
            "an extended CONNECT that the peer does not take",
            vec![frame(
                HEADERS,
                ENDH,
                1,
                &cat(&[
                    &literal_named(2, "CONNECT"),
                    &GET[1..],
                    &literal(":protocol", "websocket"),
                ]),
            )],
            vec![setting(8, 0), setting(2, 0)],
        ),
        (
            "content lengths",
            vec![
                frame(
                    HEADERS,
                    ENDH,
                    1,
                    &cat(&[POST, &literal("content-length", "3")]),
                ),
                data(1, END, 3),
                frame(
                    HEADERS,
                    ENDH,
                    3,
                    &cat(&[POST, &literal("content-length", "3")]),
                ),
                data(3, END, 2),
                frame(
                    HEADERS,
                    ENDH,
                    5,
                    &cat(&[POST, &literal("content-length", "3")]),
                ),
                data(5, 0, 4),
                frame(
                    HEADERS,
                    ENDH,
                    7,
                    &cat(&[POST, &literal("content-length", "3")]),
                ),
                data(7, 0, 2),
            ],
            vec![],
        ),
        (
            "content lengths of responses",
            vec![get(1), get(3)],
            vec![
                frame(
                    HEADERS,
                    ENDH | END,
                    1,
                    &cat(&[OK, &literal("content-length", "3")]),
                ),
                frame(
                    HEADERS,
                    ENDH,
                    3,
                    &cat(&[OK, &literal("content-length", "3")]),
                ),
                data(3, END, 0),
            ],
        ),
        (
            "a content length and padded data",
            vec![
                frame(
                    HEADERS,
                    ENDH,
                    1,
                    &cat(&[POST, &literal("content-length", "2")]),
                ),
                frame(DATA, PADDED | END, 1, &[1, b'a', b'b', 0]),
            ],
            vec![],
        ),
    ];
    let mut text = cases(all);
    // what is told only where all is there
    let (client, server) = peers(&[post(1)], &[ok(1, 0)]);
    let begins = [
        (
            "a client whose first frame is an acknowledgement",
            Peer::new().at(0, PREFACE).at(0, &ack()),
            Peer::new().at(1, &frame(SETTINGS, 0, 0, &[])),
        ),
        (
            "a server whose first frame is another one",
            client.clone(),
            Peer::new().at(1, &window(0, 1)).at(2, &ack()),
        ),
        (
            "a server that has sent nothing",
            client.clone(),
            Peer::new(),
        ),
        (
            "a client that lost bytes",
            Peer::new()
                .at(0, &super::build::client(&[post(1)]))
                .lost(9)
                .at(1, &window(3, 1))
                .at(1, &data(1, 0, 1))
                .at(2, &data(9, 0, 1)),
            server.clone(),
        ),
        (
            "a peer that lost bytes",
            client
                .clone()
                .at(12, &window(2, 1))
                .at(12, &ack())
                .at(12, &ack()),
            server
                .clone()
                .lost(9)
                .at(200, &data(1, 0, 2))
                .at(201, &data(1, END, 2)),
        ),
    ];
    let begins = begins.map(|(name, client, server)| (name.to_owned(), wrong(&client, &server)));
    text += &table(begins);
    keep("conduct", &text);
}

#[test]
fn limits() {
    let ack = || frame(SETTINGS, END, 0, &[]);
    let open = |n: u32| -> Vec<Vec<u8>> { (0..n).map(|i| post(2 * i + 1)).collect() };
    // what fills the windows up to so many bytes
    let fill = |stream: u32, mut len: usize| {
        let mut out = Vec::new();
        while len > 0 {
            let part = len.min(16_384);
            out.extend(data(stream, 0, part));
            len -= part;
        }
        out
    };
    let all: Vec<Case> = vec![
        (
            "a frame of 2^14 bytes, and of one more",
            vec![post(1), data(1, 0, 16_384), data(1, 0, 16_385)],
            vec![],
        ),
        (
            "a frame that is no DATA and too long",
            vec![frame(
                HEADERS,
                ENDH,
                1,
                &cat(&[POST, &literal("a", &"v".repeat(16_400))]),
            )],
            vec![],
        ),
        (
            "the window of a stream and of the connection",
            vec![post(1), fill(1, 65_535)],
            vec![],
        ),
        (
            "one byte more, and another one",
            vec![post(1), fill(1, 65_535), data(1, 0, 1), data(1, 0, 1)],
            vec![],
        ),
        (
            "an empty frame where nothing is left",
            vec![post(1), fill(1, 65_535), data(1, END, 0)],
            vec![],
        ),
        (
            "two streams share the window of the connection",
            [
                open(2),
                vec![fill(1, 40_000), fill(3, 25_535), data(3, 0, 3)],
            ]
            .concat(),
            vec![],
        ),
        (
            "a table of 4096 bytes, and of one more",
            vec![
                frame(HEADERS, ENDH | END, 1, &cat(&[&table_size(4096), GET])),
                frame(HEADERS, ENDH | END, 3, &cat(&[&table_size(4097), GET])),
            ],
            vec![],
        ),
        (
            "more acknowledgements than settings",
            vec![ack(), ack(), ack(), ack(), post(1), data(1, 0, 16_385)],
            vec![],
        ),
        (
            "a literal whose index is more than the table",
            vec![frame(
                HEADERS,
                ENDH | END,
                1,
                &cat(&[GET, &literal("a", "b")]),
            )],
            vec![],
        ),
    ];
    let mut text = cases(all);
    let settings = |id: u16, value: u32| setting(id, value);
    let start = |sent: &[(i128, Vec<u8>)], received: &[(i128, Vec<u8>)]| {
        let mut client = Peer::new()
            .at(0, PREFACE)
            .at(0, &frame(SETTINGS, 0, 0, &[]));
        let mut server = Peer::new();
        for (at, bytes) in sent {
            client = client.at(*at, bytes);
        }
        for (at, bytes) in received {
            server = server.at(*at, bytes);
        }
        (client, server)
    };
    let none = || frame(SETTINGS, 0, 0, &[]);
    let timed = [
        (
            "a longer frame before, with and after the settings that allow it",
            start(
                &[
                    (1, post(1)),
                    (4, data(1, 0, 20_000)),
                    (5, data(1, 0, 20_000)),
                    (6, data(1, 0, 20_001)),
                ],
                &[(2, none()), (5, settings(5, 20_000))],
            ),
        ),
        (
            "settings that are acknowledged hold",
            start(
                &[
                    (1, post(1)),
                    (6, ack()),
                    (7, ack()),
                    (8, data(1, 0, 16_384)),
                    (9, data(1, 0, 16_385)),
                ],
                &[(2, settings(5, 20_000)), (5, settings(5, 16_384))],
            ),
        ),
        (
            "settings that are not acknowledged may hold",
            start(
                &[
                    (1, post(1)),
                    (6, ack()),
                    (8, data(1, 0, 20_000)),
                    (9, data(1, 0, 20_001)),
                ],
                &[(2, settings(5, 20_000)), (5, settings(5, 16_384))],
            ),
        ),
        (
            "a window that is opened before, with and after",
            start(
                &[
                    (1, post(1)),
                    (3, fill(1, 65_535)),
                    (4, data(1, 0, 1)),
                    (5, data(1, 0, 1)),
                ],
                &[(0, none()), (4, window(0, 2)), (4, window(1, 1))],
            ),
        ),
        (
            "a window of a stream that settings make smaller",
            start(
                &[
                    (1, ack()),
                    (2, post(1)),
                    (3, data(1, 0, 10)),
                    (4, data(1, 0, 1)),
                    (5, post(3)),
                    (6, data(3, 0, 11)),
                ],
                &[(0, settings(4, 10))],
            ),
        ),
        (
            "a table that settings allow",
            start(
                &[
                    (2, ack()),
                    (
                        3,
                        frame(HEADERS, ENDH | END, 1, &cat(&[&table_size(5000), GET])),
                    ),
                    (
                        4,
                        frame(HEADERS, ENDH | END, 3, &cat(&[&table_size(5001), GET])),
                    ),
                ],
                &[(1, settings(1, 5000))],
            ),
        ),
        (
            "a table in the second field",
            start(
                &[
                    (2, ack()),
                    (
                        3,
                        frame(
                            HEADERS,
                            ENDH | END,
                            1,
                            &cat(&[&table_size(0), &table_size(101), GET]),
                        ),
                    ),
                ],
                &[(1, settings(1, 100))],
            ),
        ),
    ];
    text +=
        &table(timed.map(|(name, (client, server))| (name.to_owned(), wrong(&client, &server))));
    keep("limits", &text);
}

/// Where frames begin again, and what stands at a byte where one should.
#[test]
fn where_frames_begin_again() {
    let ping = frame(PING, 0, 0, &[7; 8]);
    let space = |bytes: &[u8]| Space::source(bytes.to_vec());
    let at = |bytes: &[u8], from: u64, who: Option<Who>| resync(&space(bytes), from, who);
    // three frames, or fewer up to the end
    assert_eq!(
        at(&cat(&[b"zz", &ping, &ping, &ping, b"z"]), 0, None),
        Some(2)
    );
    assert_eq!(at(&cat(&[b"zz", &ping, &ping, b"z"]), 0, None), None);
    assert_eq!(at(&cat(&[b"zz", &ping, &ping]), 0, None), Some(2));
    assert_eq!(at(&cat(&[b"zz", &ping]), 0, None), Some(2));
    assert_eq!(at(&cat(&[b"zz", &ping]), 2, None), Some(2));
    assert_eq!(at(&cat(&[b"zz", &ping, &ping]), 3, None), Some(19));
    assert_eq!(at(&cat(&[b"zz", &ping[..16]]), 0, None), None);
    assert_eq!(at(b"", 0, None), None);
    // the third one does not fit
    assert_eq!(at(&cat(&[b"zz", &ping, &ping, &ping[..16]]), 0, None), None);
    assert_eq!(at(&cat(&[b"zz", &ping, &ping, &ping[..8]]), 0, None), None);
    // one DATA frame alone may be chance, unless it is where frames were looked for
    let data = frame(DATA, 0, 1, b"abc");
    assert_eq!(at(&cat(&[b"z", &data]), 0, None), None);
    assert_eq!(at(&cat(&[b"z", &data]), 1, None), Some(1));
    assert_eq!(at(&cat(&[b"z", &data, &data]), 0, None), Some(1));
    // who sent it
    let even = cat(&[&frame(HEADERS, ENDH, 2, OK), &ping]);
    assert_eq!(at(&even, 0, None), Some(0));
    assert_eq!(at(&even, 0, Some(Who::Client)), Some(10));
    assert_eq!(at(&even, 0, Some(Who::Server)), Some(10));
    let reset = cat(&[&frame(RST_STREAM, 0, 2, &[0; 4]), &ping]);
    assert_eq!(at(&reset, 0, Some(Who::Server)), Some(0));
    // not farther than 64 KiB
    let far = |n: usize| cat(&[&vec![b'z'; n], &ping, &ping, &ping]);
    assert_eq!(at(&far(0xffff), 0, None), Some(0xffff));
    assert_eq!(at(&far(0x1_0000), 0, None), None);
    assert_eq!(at(&far(0x1_0000), 1, None), Some(0x1_0000));

    // bytes that are missing
    let holed = |before: &[u8], len: u64, after: &[u8]| {
        Peer::new().at(0, before).lost(len).at(1, after).stream()
    };
    let stream = holed(&ping, 30, &cat(&[b"zz", &ping, &ping]));
    assert_eq!(resync(&stream, 0, None), Some(0));
    assert_eq!(resync(&stream, 1, None), Some(49));
    assert_eq!(
        look(&stream, 0, None),
        Look::Frame(binq_http::http2::frame::Head::of(&ping).unwrap(), 17)
    );
    assert_eq!(look(&stream, 17, None), Look::Lost(49));
    assert_eq!(look(&stream, 47, None), Look::Lost(49).max_of(&stream, 47));
    // a frame up to a hole
    let stream = holed(&cat(&[b"z", &ping]), 5, b"zzz");
    assert_eq!(resync(&stream, 0, None), Some(1));
    let stream = holed(&cat(&[b"z", &ping[..10]]), 5, b"zzz");
    assert_eq!(resync(&stream, 0, None), None);
    // one that begins right behind a hole
    let stream = holed(b"z", 5, &data);
    assert_eq!(resync(&stream, 2, None), Some(6));
    let stream = holed(b"z", 5, &cat(&[b"z", &data]));
    assert_eq!(resync(&stream, 2, None), None);
    // nothing but what is lost
    let stream = holed(&ping, 30, b"zz");
    assert_eq!(look(&stream, 17, None), Look::Lost(49));
    assert_eq!(look(&stream, 49, None), Look::End);
    let whole = space(&cat(&[&ping, &ping[..8]]));
    assert_eq!(look(&whole, 17, None), Look::End);
    assert_eq!(look(&whole, 25, None), Look::End);
    let whole = space(&cat(&[&ping, &ping[..9]]));
    assert_eq!(
        look(&whole, 17, None),
        Look::Frame(binq_http::http2::frame::Head::of(&ping).unwrap(), 26)
    );
}

trait MaxOf {
    fn max_of(self, stream: &Space, at: u64) -> Self;
}

impl MaxOf for Look {
    /// At a byte that is there, no frame begins that could be told from others: what is read is taken for one.
    fn max_of(self, stream: &Space, at: u64) -> Self {
        let head = binq_http::http2::frame::Head::of(&stream.read(at, 9));
        head.map_or(self, |head| {
            Self::Frame(head, (at + 9 + head.length).min(stream.len()))
        })
    }
}

/// How many bits frames are worth that begin late: with so many others a direction is proven, and with one less it is not.
#[test]
fn evidence_of_frames() {
    /// What others are worth; two frames that are like each other count.
    const PROOF: usize = 56;
    let others: Vec<(Vec<u8>, usize)> = [
        (frame(PING, 0, 0, &[9; 8]), 16),
        (frame(PING, 0, 0, &[8; 8]), 16),
        (frame(PING, END, 0, &[9; 8]), 16),
        (frame(PING, END, 0, &[8; 8]), 16),
        (window(0, 9), 13),
        (window(5, 9), 13),
        (frame(PRIORITY, 0, 3, &[0, 0, 0, 1, 9]), 12),
        (frame(PRIORITY, 0, 5, &[0, 0, 0, 1, 9]), 12),
        (frame(RST_STREAM, 0, 3, &[0, 0, 0, 8]), 14),
        (frame(SETTINGS, END, 0, &[]), 10),
        (frame(SETTINGS, END, 0, &[]), 10),
        (frame(HEADERS, ENDH, 7, &[0xc1]), 6),
        (frame(HEADERS, ENDH, 9, &[0xc2]), 6),
        (frame(HEADERS, ENDH, 7, &[0xc1, 0xc2]), 7),
        (frame(HEADERS, ENDH, 9, &[0xc1, 0xc2]), 7),
        (frame(HEADERS, ENDH, 9, &[0xc1, 0xc2, 0xc3]), 8),
        (frame(HEADERS, ENDH | END, 9, &[0xc1, 0xc2, 0xc3]), 8),
        (data(9, 0, 3), 1),
        (data(9, END, 0), 1),
    ]
    .into();
    let proves = |frames: &[u8]| {
        let found = converse(&Http2, &Peer::late().at(0, frames), &Peer::new());
        found.is_some_and(|found| found.client().is_some())
    };
    /// A choice of others that are worth exactly so much.
    fn choice(others: &[(Vec<u8>, usize)], worth: usize) -> Option<Vec<u8>> {
        if worth == 0 {
            return Some(Vec::new());
        }
        let ((frame, own), rest) = others.split_first()?;
        let with = worth.checked_sub(*own).and_then(|left| choice(rest, left));
        let with = with.map(|more| [&frame[..], &more].concat());
        with.or_else(|| choice(rest, worth))
    }
    let weigh = |name: &str, frames: &[u8], bits: i32| {
        let kind = frames[3];
        let others: Vec<_> = others
            .iter()
            .filter(|(f, _)| f[3] != kind)
            .cloned()
            .collect();
        let with = |more: i32| {
            let worth = usize::try_from(PROOF as i32 - bits + more).unwrap();
            let others = choice(&others, worth).unwrap_or_else(|| panic!("{name}: no {worth}"));
            [&others, frames].concat()
        };
        assert!(proves(&with(0)), "{name} is worth less than {bits}");
        assert!(!proves(&with(-1)), "{name} is worth more than {bits}");
    };
    weigh("ping", &frame(PING, 0, 0, &[1; 8]), 16);
    weigh(
        "three pings",
        &[
            frame(PING, 0, 0, &[1; 8]),
            frame(PING, 0, 0, &[2; 8]),
            frame(PING, 0, 0, &[3; 8]),
        ]
        .concat(),
        32,
    );
    weigh("window", &window(0, 1), 13);
    weigh("priority", &frame(PRIORITY, 0, 3, &[0, 0, 0, 1, 9]), 12);
    weigh(
        "priority on itself but for a bit",
        &frame(PRIORITY, 0, 3, &[0, 0, 0, 2, 9]),
        12,
    );
    for (code, bits) in [(0, 14), (1, 14), (13, 14), (14, 14), (15, 0), (1 << 24, 0)] {
        let code = u32::to_be_bytes(code);
        weigh("reset", &frame(RST_STREAM, 0, 3, &code), bits);
        weigh(
            "goaway",
            &frame(GOAWAY, 0, 0, &[&[0, 0, 0, 1], &code[..]].concat()),
            if bits == 0 { 0 } else { 10 },
        );
    }
    weigh("ack", &frame(SETTINGS, END, 0, &[]), 10);
    weigh("settings of nothing", &frame(SETTINGS, 0, 0, &[]), 6);
    weigh("a setting", &setting(3, 100), 14);
    weigh(
        "two settings",
        &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 1, 0, 0, 0, 0]),
        22,
    );
    weigh("a setting that is not known", &setting(0x4a4a, 100), 2);
    weigh(
        "two settings, of which one is not known",
        &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100, 0x4a, 1, 0, 0, 0, 0]),
        10,
    );
    for id in [1, 2, 3, 4, 6, 8, 9, 0xfe03] {
        weigh("a setting that is known", &setting(id, 1), 14);
    }
    for id in [0, 7, 10, 0xfe02] {
        weigh("a setting that is none", &setting(id, 1), 2);
    }
    weigh("the longest frames", &setting(5, 0xff_ffff), 14);
    weigh("the shortest frames", &setting(5, 16_384), 14);
    weigh("the largest window", &setting(4, 0x7fff_ffff), 14);
    weigh("data", &data(3, 0, 5), 1);
    weigh("data that ends", &data(3, END, 0), 1);
    weigh("data of nothing", &data(3, 0, 0), -4);
    weigh(
        "data of nothing again and again",
        &data(3, 0, 0).repeat(4),
        -16,
    );
    weigh("data on a stream of 2^24", &data(1 << 24, 0, 5), -7);
    weigh("data on a stream below", &data((1 << 24) - 1, 0, 5), 1);
    weigh("an extension", &frame(0x40, 9, 1, &[0; 5]), -6);
    weigh(
        "an extension of 2^14 bytes",
        &frame(10, 9, 1, &vec![0; 1 << 14]),
        -6,
    );
    // what a server sent proves as much
    for (worth, is) in [(PROOF, true), (PROOF - 1, false)] {
        let server = Peer::late().at(0, &choice(&others, worth).unwrap());
        let found = converse(&Http2, &Peer::new(), &server);
        assert_eq!(found.is_some_and(|found| found.server().is_some()), is);
    }
    // header fields
    weigh("one field", &frame(HEADERS, ENDH, 3, &[0xc1]), 6);
    weigh(
        "four fields",
        &frame(HEADERS, ENDH, 3, &[0xc1, 0xc2, 0xc3, 0xc4]),
        8,
    );
    weigh(
        "a pseudo-header field",
        &frame(HEADERS, ENDH, 3, &[0x82]),
        9,
    );
    weigh(
        "four of them",
        &frame(HEADERS, ENDH, 3, &[0x82, 0x84, 0x86, 0x81]),
        17,
    );
    weigh(
        "a text of three",
        &frame(HEADERS, ENDH, 3, &literal("abc", "def")),
        6,
    );
    weigh(
        "a text of four",
        &frame(HEADERS, ENDH, 3, &literal("abc", "defg")),
        11,
    );
    weigh(
        "a text that is not all ASCII",
        &frame(HEADERS, ENDH, 3, &literal("abc", "de\u{1}fg")),
        6,
    );
    weigh(
        "a text with the last of ASCII",
        &frame(HEADERS, ENDH, 3, &literal("abc", " ~~~")),
        11,
    );
    weigh(
        "a text with what comes after",
        &frame(HEADERS, ENDH, 3, &literal("abc", " ~~\u{7f}")),
        6,
    );
    weigh(
        "four texts",
        &frame(HEADERS, ENDH, 3, &literal("abc", "defg").repeat(4)),
        23,
    );
    weigh(
        "a promise",
        &frame(PUSH_PROMISE, ENDH, 3, &[0, 0, 0, 2, 0xc1]),
        6,
    );
    weigh(
        "a block in two frames",
        &cat(&[
            &frame(HEADERS, 0, 3, &[0xc1]),
            &frame(CONTINUATION, ENDH, 3, &[0xc2]),
        ]),
        12,
    );
    // what is cut off says nothing
    let long = frame(HEADERS, ENDH, 3, &literal("abc", "defg").repeat(4));
    weigh("a block that is cut", &long[..long.len() - 3], 5);
    weigh(
        "a block whose padding does not fit",
        &frame(
            HEADERS,
            ENDH | PADDED,
            3,
            &cat(&[&[99], &literal("abc", "defg")]),
        ),
        5,
    );
    weigh(
        "raw binary metadata",
        &frame(HEADERS, ENDH, 3, &literal("abc-bin", "\0\r\n")),
        6,
    );
    weigh(
        "raw binary metadata of a name that is not known",
        &frame(HEADERS, ENDH, 3, &literal_named(70, "\0\r\n")),
        6,
    );
    // what no peer may send
    let all: Vec<u8> = others[..6].iter().flat_map(|(f, _)| f.clone()).collect();
    assert!(proves(&all));
    for (name, wrong) in [
        ("a window of 0", window(0, 0)),
        ("a window with its reserved bit", window(0, 0x8000_0001)),
        (
            "a priority on itself",
            frame(PRIORITY, 0, 3, &[0x80, 0, 0, 3, 9]),
        ),
        (
            "goaway with its reserved bit",
            frame(GOAWAY, 0, 0, &[0x80, 0, 0, 1, 0, 0, 0, 0]),
        ),
        (
            "padding that does not fit",
            frame(DATA, PADDED, 3, &[3, 0, 0]),
        ),
        ("push of 2", setting(2, 2)),
        ("connect of 2", setting(8, 2)),
        ("priorities of 2", setting(9, 2)),
        ("a window of 2^31", setting(4, 1 << 31)),
        ("frames of 2^14 - 1", setting(5, 16_383)),
        ("frames of 2^24", setting(5, 1 << 24)),
        (
            "the second setting",
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 2, 0, 0, 0, 2]),
        ),
        (
            "a continuation of nothing",
            frame(CONTINUATION, ENDH, 3, &[0xc1]),
        ),
        (
            "a continuation of another stream",
            cat(&[
                &frame(HEADERS, 0, 3, &[0xc1]),
                &frame(CONTINUATION, ENDH, 5, &[0xc2]),
            ]),
        ),
        (
            "a frame within a block",
            cat(&[&frame(HEADERS, 0, 3, &[0xc1]), &frame(PING, 0, 0, &[0; 8])]),
        ),
        ("bad HPACK", frame(HEADERS, ENDH, 3, &[0xff])),
        ("index 0", frame(HEADERS, ENDH, 3, &[0x80])),
        (
            "a name in upper case",
            frame(HEADERS, ENDH, 3, &literal("Abc", "x")),
        ),
        (
            "a name that is no token",
            frame(HEADERS, ENDH, 3, &literal("a b", "x")),
        ),
        (
            "a value with a line break",
            frame(HEADERS, ENDH, 3, &literal("abc", "x\ny")),
        ),
        (
            "a value with CR",
            frame(HEADERS, ENDH, 3, &literal("abc", "x\ry")),
        ),
        (
            "an extension of more than 2^14 bytes",
            frame(10, 9, 1, &vec![0; (1 << 14) + 1]),
        ),
        (
            "an extension with its reserved bit",
            frame(10, 9, 0x8000_0001, &[0; 5]),
        ),
        ("a frame that no peer sends", frame(PING, 0, 3, &[0; 8])),
    ] {
        // 24 bits are taken off; what comes before it in its case is worth up to six
        let worth = |n: usize| [&choice(&others, n).unwrap()[..], &wrong].concat();
        assert!(!proves(&worth(56)), "{name}");
        assert!(!proves(&worth(73)), "{name}");
    }
}

/// Two directions prove each other with less: 44 bits together, of which each has 14.
#[test]
fn evidence_of_both_directions() {
    let proves = |sent: &[&[u8]], received: &[&[u8]]| {
        let found = converse(
            &Http2,
            &Peer::late().at(0, &sent.concat()),
            &Peer::late().at(0, &received.concat()),
        );
        found.map_or([false; 2], |found| {
            [found.client().is_some(), found.server().is_some()]
        })
    };
    let [ping, ack, window, reset] = [
        frame(PING, 0, 0, &[9; 8]),
        frame(SETTINGS, END, 0, &[]),
        window(0, 9),
        frame(RST_STREAM, 0, 3, &[0, 0, 0, 8]),
    ];
    let none = data(9, 0, 3);
    // 16 + 13 and 14, with what shared streams say
    assert_eq!(proves(&[&ping, &window], &[&reset]), [false; 2]);
    // 16 + 13 + 1 and 14
    let other = data(7, 0, 3);
    assert_eq!(proves(&[&ping, &window, &none], &[&reset]), [true; 2]);
    assert_eq!(proves(&[&reset], &[&ping, &window, &none]), [true; 2]);
    // the same streams are four bits more, others are twelve less
    assert_eq!(proves(&[&ping, &ack, &none], &[&reset, &none]), [true; 2]);
    assert_eq!(
        proves(&[&ping, &ping, &none], &[&reset, &other]),
        [false; 2]
    );
    assert_eq!(
        proves(&[&ping, &ping, &window, &none], &[&reset, &other]),
        [true; 2]
    );
    // one of them has 13
    assert_eq!(proves(&[&ping, &ping, &ack], &[&window]), [false; 2]);
    assert_eq!(
        proves(&[&ping, &ping, &ack, &window, &none], &[&window]),
        [true; 2]
    );
}
