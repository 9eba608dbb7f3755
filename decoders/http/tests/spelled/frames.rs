//! Frames of HTTP/2, RFC 9113 sections 4 and 6: every flag, and sizes at and around their borders.

use super::build::*;
use super::keep;
use binq_core::{NodeKind, Scalar};
use binq_http::Http2;
use binq_http::exchange::Who;
use binq_http::http2::frame::Head;
use binq_laws::spelled::spelled;
use std::fmt::Write;

/// The frames of a client after its settings; their flags have a test of their own.
fn shown(frames: &[Vec<u8>], hidden: &[&str]) -> String {
    let root = decode(&Http2, &client(frames));
    let all = without(
        &spelled(&root),
        &[&[".preface", ".frames[0]"], hidden].concat(),
    );
    let lines = all.lines().filter(|l| !l.contains(".flags."));
    lines.flat_map(|l| [l, "\n"]).collect()
}

/// Each case by itself.
fn listed(cases: Vec<(&str, Vec<Vec<u8>>)>) -> String {
    table(
        cases
            .into_iter()
            .map(|(name, frames)| (name.to_owned(), shown(&frames, &[]))),
    )
}

/// The types that there are, and three that there are not.
const KINDS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17];

/// The names of the flags of each type, by their bits (RFC 9113 section 6).
fn flag_of(kind: u8, bit: u8) -> Option<&'static str> {
    Some(match (kind, bit) {
        (DATA | HEADERS, 0x1) => "end_stream",
        (SETTINGS | PING, 0x1) => "ack",
        (HEADERS | PUSH_PROMISE | CONTINUATION, 0x4) => "end_headers",
        (DATA | HEADERS | PUSH_PROMISE, 0x8) => "padded",
        (HEADERS, 0x20) => "priority",
        _ => return None,
    })
}

/// All 256 flags of all types: those that a type has are told by their names, the others are kept as what is not used.
#[test]
fn every_flag_of_every_type() {
    for kind in KINDS {
        for flags in 0..=255u8 {
            let root = decode(&Http2, &client(&[frame(kind, flags, 1, &[0; 24])]));
            let head = root.field("frames").unwrap().item(1).unwrap();
            let number = |name: &str| head.field(name).unwrap().actual().unwrap().as_int();
            assert_eq!(number("length"), Some(24));
            assert_eq!(number("type"), Some(kind.into()));
            assert_eq!(number("reserved"), Some(0));
            assert_eq!(number("stream_id"), Some(1));
            let node = head.field("flags").unwrap();
            let (mut named, mut rest) = (0, 0);
            for (name, part) in node.fields() {
                let span = part.span();
                let at = span.start - node.span().start;
                let mask = (0xffu8 >> at) & !(0xff_u16 >> (at + span.len)) as u8;
                match part.scalar() {
                    Scalar::Bool(is) => {
                        assert_eq!(mask.count_ones(), 1, "{kind} {name}");
                        assert_eq!(flag_of(kind, mask), Some(&*name.to_string()), "{kind}");
                        assert_eq!(is, flags & mask != 0, "{kind} {flags} {name}");
                        named |= mask;
                    }
                    unused => {
                        let is = u32::from(flags & mask) >> mask.trailing_zeros();
                        assert_eq!(unused.as_int(), Some(is.into()), "{kind} {flags} {name}");
                        rest |= mask;
                    }
                }
            }
            let all = (0..8)
                .map(|i| 1 << i)
                .filter(|bit| flag_of(kind, *bit).is_some());
            assert_eq!(named, all.fold(0, |a, b| a | b), "{kind}");
            assert_eq!(named ^ rest, 0xff, "{kind}");
        }
    }
}

/// What a peer sends, by type: whether on a stream, with which flags, and of which lengths (RFC 9113 section 6). A SETTINGS frame
/// with more than 32 settings is none that anybody sent.
fn plausible(h: &Head) -> bool {
    let on_stream = h.stream != 0;
    let (place, flags, length) = match h.kind {
        DATA => (on_stream, 0x9, true),
        HEADERS => (on_stream, 0x2d, h.length >= 1),
        PRIORITY => (on_stream, 0, h.length == 5),
        RST_STREAM => (on_stream, 0, h.length == 4),
        SETTINGS if h.flags == 1 => (!on_stream, 1, h.length == 0),
        SETTINGS => (!on_stream, 0, h.length.is_multiple_of(6) && h.length <= 192),
        PUSH_PROMISE => (on_stream, 0xc, h.length >= 5),
        PING => (!on_stream, 1, h.length == 8),
        GOAWAY => (!on_stream, 0, h.length >= 8),
        WINDOW_UPDATE => (true, 0, h.length == 4),
        CONTINUATION => (on_stream, 4, true),
        _ => return false,
    };
    place && h.flags & !flags == 0 && length && !h.reserved && h.length <= 1 << 20
}

#[test]
fn what_looks_like_a_frame() {
    let lengths = [
        0,
        1,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        12,
        186,
        192,
        193,
        198,
        1 << 14,
        (1 << 20) - 1,
        1 << 20,
        (1 << 20) + 1,
        0xff_ffff,
    ];
    for kind in 0..=20 {
        for flags in 0..=255 {
            for length in lengths {
                for (stream, reserved) in [(0, false), (1, false), (1, true), (0x7fff_ffff, false)]
                {
                    let head = Head {
                        length,
                        kind,
                        flags,
                        reserved,
                        stream,
                    };
                    assert_eq!(head.is_plausible(), plausible(&head), "{head:?}");
                }
            }
        }
    }
}

#[test]
fn a_header_is_read_at_its_bits() {
    let bytes = [0x12, 0x34, 0x56, 0x09, 0xa5, 0x81, 0x02, 0x03, 0x04];
    let head = Head::of(&bytes).unwrap();
    assert_eq!(
        head,
        Head {
            length: 0x12_3456,
            kind: 9,
            flags: 0xa5,
            reserved: true,
            stream: 0x0102_0304
        }
    );
    assert_eq!(Head::of(&bytes[..8]), None);
    let stream = |b: [u8; 4]| {
        let head = Head::of(&[&[0; 5][..], &b].concat()).unwrap();
        (head.reserved, head.stream)
    };
    assert_eq!(stream([0x7f, 0xff, 0xff, 0xff]), (false, 0x7fff_ffff));
    assert_eq!(stream([0x80, 0, 0, 0]), (true, 0));
}

/// RFC 9113 sections 5.1.1 and 8.4: a client opens odd streams, and promises nothing; a server promises on those.
#[test]
fn who_may_send_a_frame() {
    for kind in 0..=17 {
        for stream in [0, 1, 2, 3, 0x7fff_fffe, 0x7fff_ffff] {
            let head = Head {
                length: 8,
                kind,
                flags: 0,
                reserved: false,
                stream,
            };
            let odd = stream % 2 == 1;
            let of_client = match kind {
                PUSH_PROMISE => false,
                DATA | HEADERS => odd,
                _ => true,
            };
            assert_eq!(head.may_be_from(Some(Who::Client)), of_client, "{head:?}");
            assert_eq!(
                head.may_be_from(Some(Who::Server)),
                kind != PUSH_PROMISE || odd,
                "{head:?}"
            );
            assert!(head.may_be_from(None));
        }
    }
    for kind in 0..=255 {
        let head = Head {
            length: 8,
            kind,
            flags: 0,
            reserved: false,
            stream: 1,
        };
        let has = matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION);
        assert_eq!(head.has_fragment(), has, "{kind}");
    }
}

#[test]
fn sizes_of_frames() {
    let ramp: Vec<u8> = (1..=200).collect();
    let mut cases = Vec::new();
    let fixed = [
        (PRIORITY, 1, 5),
        (RST_STREAM, 1, 4),
        (SETTINGS, 0, 6),
        (SETTINGS, 0, 12),
        (PING, 0, 8),
        (GOAWAY, 0, 8),
        (WINDOW_UPDATE, 0, 4),
        (WINDOW_UPDATE, 1, 4),
        (ALTSVC, 0, 2),
        (PRIORITY_UPDATE, 0, 4),
        (PUSH_PROMISE, 1, 4),
    ];
    for (kind, stream, size) in fixed {
        for len in [0, size - 1, size, size + 1, size + 2] {
            let name = format!("type {kind}, stream {stream}, {len} bytes");
            let frames = vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(kind, 0, stream, &ramp[..len]),
            ];
            cases.push((name, frames));
        }
    }
    for kind in [DATA, HEADERS, CONTINUATION, ORIGIN, 11, 13, 14, 15, 17, 255] {
        for len in [0, 1] {
            let frames = vec![frame(kind, ENDH, 1, &ramp[..len])];
            cases.push((format!("type {kind}, {len} bytes"), frames));
        }
    }
    let text = table(cases.into_iter().map(|(name, frames)| {
        let opened = if frames.len() == 2 {
            ".frames[1]"
        } else {
            ".preface"
        };
        let text = shown(&frames, &[opened]);
        (name, text)
    }));
    keep("sizes", &text);
}

#[test]
fn reserved_bits_and_numbers() {
    let open = frame(HEADERS, ENDH, 1, GET);
    let ones = [0xff; 4];
    let text = listed(vec![
        (
            "stream and its reserved bit",
            vec![frame(PRIORITY, 0, 0x8000_0003, &[0x80, 0, 0, 5, 6])],
        ),
        (
            "the highest stream",
            vec![frame(
                PRIORITY,
                0,
                0x7fff_ffff,
                &[0x7f, 0xff, 0xff, 0xfe, 255],
            )],
        ),
        (
            "a stream that depends on itself",
            vec![frame(PRIORITY, 0, 3, &[0x80, 0, 0, 3, 0])],
        ),
        (
            "a stream of four bytes that depends on itself",
            vec![frame(PRIORITY, 0, 0x0102_0305, &[1, 2, 3, 5, 0])],
        ),
        (
            "one that differs in one bit",
            vec![frame(PRIORITY, 0, 3, &[0, 0, 0, 2, 0])],
        ),
        (
            "stream 0 that depends on stream 0",
            vec![frame(PRIORITY, 0, 0, &[0, 0, 0, 0, 0])],
        ),
        (
            "priority of headers",
            vec![frame(
                HEADERS,
                ENDH | HAS_PRIORITY,
                1,
                &cat(&[&[0x80, 0, 1, 2, 3], GET]),
            )],
        ),
        (
            "headers that depend on themselves",
            vec![frame(
                HEADERS,
                ENDH | HAS_PRIORITY | PADDED,
                1,
                &cat(&[&[1, 0, 0, 0, 1, 3], GET, &[0]]),
            )],
        ),
        ("window", vec![frame(WINDOW_UPDATE, 0, 0, &ones)]),
        (
            "window of 0 with the reserved bit",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0x80, 0, 0, 0])],
        ),
        (
            "window of 0 of a stream",
            vec![open.clone(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])],
        ),
        (
            "window of 1",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])],
        ),
        (
            "window of 2^8",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0])],
        ),
        (
            "window of 2^24",
            vec![frame(WINDOW_UPDATE, 0, 0, &[1, 0, 0, 0])],
        ),
        (
            "goaway",
            vec![frame(GOAWAY, 0, 0, b"\x80\0\0\x07\0\0\0\x0bdebug")],
        ),
        (
            "goaway of an error that is not known",
            vec![frame(GOAWAY, 0, 0, b"\x7f\0\0\x07\0\0\0\x0e")],
        ),
        (
            "errors",
            (0..=14)
                .flat_map(|e| {
                    [
                        frame(HEADERS, ENDH, 2 * e + 1, GET),
                        frame(RST_STREAM, 0, 2 * e + 1, &e.to_be_bytes()),
                    ]
                })
                .collect(),
        ),
        ("ping", vec![frame(PING, 0, 0, &[1, 2, 3, 4, 5, 6, 7, 8])]),
        (
            "priority update",
            vec![frame(PRIORITY_UPDATE, 0, 0, b"\x80\0\0\x09u=5, i")],
        ),
        (
            "priority update on a stream",
            vec![frame(PRIORITY_UPDATE, 0, 5, b"\0\0\0\x09u=5, i")],
        ),
        (
            "altsvc",
            vec![frame(ALTSVC, 0, 0, b"\0\x09https://ah2=\":8000\"")],
        ),
        (
            "altsvc without an origin",
            vec![frame(ALTSVC, 0, 1, b"\0\0h2=\":8000\"")],
        ),
        (
            "altsvc with nothing after its origin",
            vec![frame(ALTSVC, 0, 0, b"\0\x03abc")],
        ),
        (
            "altsvc whose origin is too long by one",
            vec![frame(ALTSVC, 0, 0, b"\0\x04abc")],
        ),
        (
            "altsvc of 0x0100 bytes",
            vec![frame(ALTSVC, 0, 0, &cat(&[&[1, 0], &[b'a'; 257]]))],
        ),
        (
            "origins",
            vec![frame(ORIGIN, 0, 0, b"\0\x09https://a\0\0\0\x0ahttps://bc")],
        ),
        (
            "origin that is too long by one",
            vec![frame(ORIGIN, 0, 0, b"\0\x01a\0\x04abc")],
        ),
        (
            "origin of a length alone",
            vec![frame(ORIGIN, 0, 0, b"\0\x01a\0\x00")],
        ),
        (
            "half a length of an origin",
            vec![frame(ORIGIN, 0, 0, b"\0\x01a\0")],
        ),
        (
            "origin of 0x0101 bytes",
            vec![frame(ORIGIN, 0, 0, &cat(&[&[1, 1], &[b'a'; 257]]))],
        ),
    ]);
    keep("numbers", &text);
}

/// A case for each border of the padding (sections 6.1, 6.2, 6.6).
#[test]
fn padding() {
    let mut cases = Vec::new();
    for pads in [0, 1, 2, 3, 4, 5, 255] {
        let name = format!("DATA of 5 bytes, {pads} of padding");
        let payload = [pads, b'a', b'b', 0, 0];
        cases.push((
            name,
            vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(DATA, PADDED | END, 1, &payload),
            ],
        ));
    }
    for len in 0..=8 {
        let payload = &[1, 0, 0, 0, 0, 7, 0x82, 0][..len];
        let name = format!("HEADERS with padding and priority, {len} bytes");
        cases.push((
            name,
            vec![frame(
                HEADERS,
                ENDH | END | PADDED | HAS_PRIORITY,
                1,
                payload,
            )],
        ));
    }
    for pads in [0, 5, 6, 7, 8] {
        let payload = cat(&[&[pads], GET, &[0]]);
        let name = format!("HEADERS of 8 bytes, {pads} of padding");
        cases.push((name, vec![frame(HEADERS, ENDH | END | PADDED, 1, &payload)]));
    }
    for len in 0..=6 {
        let payload = &[0, 0, 0, 0, 2, 0x82][..len];
        let name = format!("PUSH_PROMISE with padding, {len} bytes");
        cases.push((
            name,
            vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(PUSH_PROMISE, ENDH | PADDED, 1, payload),
            ],
        ));
    }
    for (name, padding) in [
        ("zeros", [0, 0, 0]),
        ("a first 1", [1, 0, 0]),
        ("a last 255", [0, 0, 255]),
    ] {
        let payload = cat(&[&[3, b'a'], &padding]);
        cases.push((
            format!("padding of {name}"),
            vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(DATA, PADDED, 1, &payload),
            ],
        ));
    }
    let payload = cat(&[&[0], GET]);
    cases.push((
        "CONTINUATION has no padding".to_owned(),
        vec![
            frame(HEADERS, 0, 1, &[]),
            frame(CONTINUATION, ENDH | PADDED, 1, &payload),
        ],
    ));
    let text = table(cases.into_iter().map(|(name, frames)| {
        let opened = if frames.len() == 2 {
            ".frames[1]"
        } else {
            ".preface"
        };
        let text = shown(&frames, &[opened]);
        (name, text)
    }));
    keep("padding", &text);
}

/// Section 6.5.2: values at their borders, of a client and of a server.
#[test]
fn values_of_settings() {
    let mut all = Vec::new();
    for id in [0u16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xfe03] {
        for value in [
            0u32,
            1,
            2,
            16_383,
            16_384,
            0xff_ffff,
            0x100_0000,
            0x7fff_ffff,
            0x8000_0000,
        ] {
            all.push([&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        }
    }
    let settings = frame(SETTINGS, 0, 0, &all.concat());
    let mut text = String::new();
    let root = decode(&Http2, &cat(&[PREFACE, &settings]));
    let list = root.field("frames").unwrap().item(0).unwrap();
    for node in list
        .field("payload")
        .unwrap()
        .field("settings")
        .unwrap()
        .items()
    {
        text += &spelled(&node);
    }
    let server = Peer::new().at(2, &settings);
    let found = converse(&Http2, &Peer::new().at(1, &client(&[])), &server).unwrap();
    let _ = write!(
        text,
        "# of a server\n{}",
        findings(&found.server().unwrap())
    );
    let cases = [
        ("ack", frame(SETTINGS, END, 0, &[])),
        (
            "ack with settings",
            frame(SETTINGS, END, 0, &[0, 1, 0, 0, 0, 0]),
        ),
        ("ack on a stream", frame(SETTINGS, END, 1, &[])),
    ];
    for (name, frame) in cases {
        let root = decode(&Http2, &client(&[frame]));
        let _ = write!(
            text,
            "# {name}\n{}",
            without(&spelled(&root), &[".preface", ".frames[0]"])
        );
    }
    keep("settings", &text);
}

/// What the end of the stream cuts off, at every byte.
#[test]
fn a_stream_that_ends_too_soon() {
    let whole = client(&[
        frame(HEADERS, ENDH | PADDED, 1, &cat(&[&[2], GET, &[0, 0]])),
        frame(DATA, PADDED | END, 1, &[2, b'a', b'b', 0, 0]),
        frame(GOAWAY, 0, 0, &[0; 10]),
    ]);
    let mut text = String::new();
    for end in 33..whole.len() {
        let root = decode(&Http2, &whole[..end]);
        let _ = writeln!(text, "# {end} bytes");
        let frames = root.field("frames").unwrap();
        let ends: Vec<_> = frames.items().map(|f| f.span().end_byte()).collect();
        let _ = writeln!(text, "frames end at {ends:?}");
        assert!(frames.kind() == NodeKind::Array);
        if let Some(last) = frames.items().last().filter(|_| ends.len() > 1) {
            let payload = last
                .field("payload")
                .map(|p| spelled(&p))
                .unwrap_or_default();
            text += &payload;
        }
        text += &findings(&root);
    }
    keep("cut", &text);
}
