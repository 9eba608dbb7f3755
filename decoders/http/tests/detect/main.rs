//! What is taken for HTTP: a claim needs a proof.

mod protocols;

use binq_core::dialogue::{Clock, Conversation, Dialogue, Half};
use binq_core::layer::Gather;
use binq_core::{Format, Node, Options, Space};
use binq_http::{Http1, Http2};
use protocols::{Rng, SPEAKERS};
use std::sync::Arc;

struct Always;

impl Clock for Always {
    fn time(&self, at: u64) -> Option<i128> {
        // as segments of 1448 bytes come
        Some((at / 1448).into())
    }
}

/// A direction whose first byte is the first one that was sent, or not.
fn half(bytes: impl Into<Vec<u8>>, whole: bool) -> Half {
    let stream = Space::source(bytes.into());
    let clock = Arc::new(Always);
    Half {
        stream,
        clock,
        whole,
    }
}

fn conversation(client: Half, server: Half) -> Conversation {
    Conversation {
        number: 0,
        client,
        server,
        given: false,
    }
}

/// Which directions a format takes for its own.
fn claims(format: &dyn Format, with: &Conversation) -> [bool; 2] {
    let found = format.converse(with, &Options::default());
    let is = |root: fn(&dyn Dialogue) -> Option<Node>| found.as_deref().and_then(root).is_some();
    [is(|d| d.client()), is(|d| d.server())]
}

/// HTTP/2 of these bytes, from the beginning.
fn http2(client: &[u8], server: &[u8]) -> [bool; 2] {
    claims(
        &Http2,
        &conversation(half(client, true), half(server, true)),
    )
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
const ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";

#[test]
fn a_client_is_known_by_its_preface_alone() {
    assert_eq!(http2(&[PREFACE, SETTINGS].concat(), SETTINGS), [true, true]);
    assert_eq!(http2(PREFACE, b""), [true, true]);
    // SETTINGS are the preface of a server
    let frames = [SETTINGS, PING, ACK].concat();
    assert_eq!(http2(&frames, &frames), [false, true]);
    assert_eq!(http2(&frames, b""), [false, false]);
    assert_eq!(http2(&PREFACE[..23], b""), [false, false]);
    // what looks like frames later is no beginning
    let other = [b"SSH-2.0-OpenSSH_9.6\r\n", &frames[..]].concat();
    assert_eq!(http2(&other, &other), [false, false]);
}

#[test]
fn a_server_begins_with_settings_and_frames_fill_the_rest() {
    let begins = |server: &[u8]| http2(b"GET / HTTP/1.1\r\n\r\n", server)[1];
    assert!(begins(SETTINGS));
    assert!(begins(b"\0\0\0\x04\0\0\0\0\0"));
    assert!(begins(&[SETTINGS, ACK, PING].concat()));
    // the capture ends in a frame
    assert!(begins(&[SETTINGS, &PING[..12]].concat()));
    // not whole, an answer to one, on a stream, of another size, of a value that none may have
    assert!(!begins(&SETTINGS[..14]));
    assert!(!begins(ACK));
    assert!(!begins(b"\0\0\x06\x04\0\0\0\0\x01\0\x03\0\0\0\x64"));
    assert!(!begins(b"\0\0\x05\x04\0\0\0\0\0\0\x03\0\0\0"));
    assert!(!begins(b"\0\0\x06\x04\0\0\0\0\0\0\x02\0\0\0\x07"));
    // another frame, or none, comes first or next
    assert!(!begins(PING));
    assert!(!begins(&[SETTINGS, b"hello, this is no frame"].concat()));
    assert!(!begins(
        &[SETTINGS, ACK, b"\0\0\x04\x06\0\0\0\0\0abcd"].concat()
    ));
}

#[test]
fn after_the_preface_the_answer_is_frames_unless_it_says_otherwise() {
    let after = |server: &[u8]| http2(&[PREFACE, SETTINGS].concat(), server)[1];
    assert!(after(SETTINGS));
    // of a wrong length, an unknown type
    assert!(after(&[b"\0\0\x07", &SETTINGS[3..]].concat()));
    assert!(after(
        &[b"\0\0\x01\xfa\0\0\0\0\0x", PING, ACK, PING].concat()
    ));
    // HTTP/1.1, and an alert of TLS
    assert!(!after(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert!(!after(b"\x15\x03\x01\0\x02\x02\x46"));
}

#[test]
fn an_upgrade_is_asked_for_and_granted() {
    let asks = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let grants = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
    let client = [asks, PREFACE, SETTINGS].concat();
    let server = [&grants[..], SETTINGS].concat();
    assert_eq!(http2(&client, &server), [true, true]);
    assert_eq!(http2(asks, b"HTTP/1.1 200 OK\r\n\r\n"), [false, false]);
    // a document about HTTP/2 is none
    let document = [b"POST / HTTP/1.1\r\n\r\nThe preface is ", PREFACE].concat();
    assert_eq!(http2(&document, b""), [false, false]);
    let websocket = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello";
    assert_eq!(http2(asks, websocket), [false, false]);
}

/// RFC 9110 section 9.3.6: what follows a 2xx to CONNECT is the tunnel's, whatever length it tells.
#[test]
fn a_tunnel_may_be_one_of_http2() {
    let client = [
        b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        PREFACE,
        SETTINGS,
    ]
    .concat();
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\n\r\n",
        "HTTP/1.1 204\r\n\r\n",
    ] {
        let server = [head.as_bytes(), SETTINGS, ACK].concat();
        assert_eq!(http2(&client, &server), [true, true], "{head}");
        let text = [head.as_bytes(), b"hello"].concat();
        assert_eq!(http2(&client, &text), [true, false], "{head}");
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(http2(request, &server), [false, false], "{head}");
    }
    let refused = [b"HTTP/1.1 407 No\r\n\r\n", SETTINGS].concat();
    assert_eq!(http2(&client, &refused), [true, false]);
}

#[test]
fn the_peers_may_speak_different_versions() {
    let with = |client: &[u8], server: &[u8]| {
        let with = conversation(half(client, true), half(server, true));
        [claims(&Http2, &with), claims(&Http1, &with)]
    };
    let old = b"GET / HTTP/1.1\r\n\r\n";
    assert_eq!(with(old, SETTINGS), [[false, true], [true, false]]);
    let new = [PREFACE, SETTINGS].concat();
    let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    assert_eq!(with(&new, answer), [[true, false], [false, true]]);
    assert_eq!(with(b"EHLO x\r\n", b"220 y\r\n"), [[false; 2]; 2]);
    assert_eq!(
        with(b"GET / HTTP/2.0\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\n"),
        [[false; 2]; 2]
    );
}

#[test]
fn what_the_user_says_needs_no_proof() {
    let mut with = conversation(half(b"hello".to_vec(), true), half(b"".to_vec(), false));
    with.given = true;
    assert_eq!(claims(&Http2, &with), [true, true]);
    assert_eq!(claims(&Http1, &with), [true, true]);
}

/// Of so many connections of each protocol, how many are taken for HTTP/2 or HTTP/1.1.
fn measure(whole: bool, count: u32) -> Vec<(&'static str, u32)> {
    let mut wrong = Vec::new();
    for (name, speak) in SPEAKERS {
        let mut rng = Rng::new(name, whole);
        let mut claimed = 0;
        for _ in 0..count {
            let [client, server] = speak(&mut rng);
            let cut = |bytes: Vec<u8>, rng: &mut Rng| match whole {
                true => half(bytes, true),
                false => {
                    let at = rng.below(bytes.len() as u32 / 2 + 1) as usize;
                    half(&bytes[at..], false)
                }
            };
            let (client, server) = (cut(client, &mut rng), cut(server, &mut rng));
            let with = conversation(client, server);
            let both = [claims(&Http2, &with), claims(&Http1, &with)];
            claimed += u32::from(both != [[false; 2]; 2]);
        }
        if claimed > 0 {
            wrong.push((name, claimed));
        }
    }
    wrong
}

/// How many connections of each protocol are tried: `BINQ_DETECT` asks for more.
fn count() -> u32 {
    let more = std::env::var("BINQ_DETECT").ok();
    more.and_then(|n| n.parse().ok()).unwrap_or(1000)
}

#[test]
fn other_protocols_are_bytes() {
    assert_eq!(measure(true, count()), []);
}

#[test]
fn other_protocols_that_are_joined_late_are_bytes() {
    let count = count();
    let wrong = measure(false, count);
    let too_many = wrong.iter().any(|(_, n)| *n * 1000 > count);
    assert!(!too_many, "of {count} each: {wrong:?}");
}

/// A frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// What the peers of a gRPC connection send that was joined late: `calls` calls, with header blocks of which most is in the
/// dynamic table.
fn joined_late(rng: &mut Rng, calls: u32) -> [Vec<u8>; 2] {
    let (mut client, mut server) = (Vec::new(), Vec::new());
    let mut id = 2 * rng.below(500) + 1;
    // the rest of a frame
    client.extend(rng.bytes(7));
    server.extend(rng.bytes(11));
    for _ in 0..calls {
        let message = rng.below(60) as usize;
        let message = [&[0, 0, 0, 0, message as u8][..], &rng.bytes(message)].concat();
        client.extend(frame(1, 4, id, b"\x83\x86\xc5\xc4\xc3\xc2\xc1\xc0\xbf\xbe"));
        client.extend(frame(8, 0, id, &[0, 0, 0, 5]));
        client.extend(frame(0, 1, id, &message));
        server.extend(frame(8, 0, 0, &[0, 0, 0, 30]));
        server.extend(frame(1, 4, id, b"\x88\xc2\xc1\xc0"));
        server.extend(frame(0, 0, id, &message));
        server.extend(frame(1, 5, id, b"\xbf\xbe"));
        id += 2;
    }
    [client, server]
}

#[test]
fn a_connection_that_is_joined_late_is_known_by_its_frames() {
    let mut rng = Rng::new("late", false);
    for calls in [3, 5, 20] {
        for _ in 0..200 {
            let [client, server] = joined_late(&mut rng, calls);
            let with = conversation(half(client, false), half(server, false));
            assert_eq!(claims(&Http2, &with), [true, true], "{calls} calls");
        }
    }
    // a single DATA frame proves nothing
    let data = frame(0, 1, 5, b"hello");
    let with = conversation(half(data.clone(), false), half(data, false));
    assert_eq!(claims(&Http2, &with), [false, false]);
}

#[test]
fn a_hole_is_no_evidence() {
    let under = Space::source([PREFACE, SETTINGS].concat());
    let mut gather = Gather::new();
    gather.push(Some(0), 10);
    gather.push(None, 1 << 40);
    gather.push(Some(10), 20);
    let stream = Space::derived(under, Arc::new(gather));
    let client = Half {
        stream,
        ..half(b"".to_vec(), true)
    };
    let with = conversation(client, half(b"".to_vec(), true));
    assert_eq!(claims(&Http2, &with), [false, false]);
    assert_eq!(claims(&Http1, &with), [false, false]);
}

/// The C core of gRPC sends binary metadata to itself as it is: a line break in it is no sign of another protocol.
#[test]
fn raw_binary_metadata_speaks_against_nothing() {
    let literal = |name: &[u8], value: &[u8]| {
        [&[0x40, name.len() as u8], name, &[value.len() as u8], value].concat()
    };
    let server = |name: &[u8], value: &[u8]| {
        let block = [b"\x88", &literal(name, value)[..]].concat();
        [
            SETTINGS,
            ACK,
            &frame(1, 4, 1, &block),
            &frame(0, 0, 1, &[0; 7]),
        ]
        .concat()
    };
    let raw = b"\0\x01\r\n\0";
    assert!(http2(b"", &server(b"trace-bin", raw))[1]);
    // what no header field has
    assert!(!http2(b"", &server(b"trace", raw))[1]);
    assert!(!http2(b"", &server(b"trace-bin", b"a\r\nb"))[1]);
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/http2/grpc-unary-server.h2"
    );
    let sample = std::fs::read(sample).unwrap();
    assert!(http2(b"", &sample)[1]);
}
