//! Law 10: a format is claimed on marks that its standard makes mandatory; everything else is bytes.

use crate::samples::decode_as;
use binq_core::{NodeKind, Options};
use binq_laws::wire::Wire;
use binq_laws::{Rng, follow, parse};
use bytes::Bytes;

/// Bytes of other protocols and kinds of files, made up: a name and the bytes.
fn stranger(rng: &mut Rng) -> (&'static str, Vec<u8>) {
    let len = 20 + rng.below(3000) as usize;
    let random =
        |rng: &mut Rng, n: usize| -> Vec<u8> { (0..n).map(|_| rng.random() as u8).collect() };
    let words = |rng: &mut Rng, n: usize| -> Vec<u8> {
        const WORDS: [&str; 10] = [
            "the ",
            "log ",
            "of\n",
            "a ",
            "server\r\n",
            "GET ",
            "at ",
            "1.1 ",
            "200 ",
            "user=x ",
        ];
        let mut out = Vec::new();
        while out.len() < n {
            out.extend(WORDS[rng.below(10) as usize].bytes());
        }
        out
    };
    // records of a length and a body, as most binary protocols have them
    let records = |rng: &mut Rng, head: &dyn Fn(&mut Rng, usize) -> Vec<u8>| -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < len {
            let n = rng.below(200) as usize;
            out.extend(head(rng, n));
            out.extend(random(rng, n));
        }
        out
    };
    match rng.below(20) {
        0 => ("random bytes", random(rng, len)),
        1 => ("text", words(rng, len)),
        2 => ("zeros", vec![0; len]),
        3 => ("ones", vec![0xff; len]),
        4 => (
            "small numbers",
            (0..len).map(|_| rng.below(10) as u8).collect(),
        ),
        5 => (
            "ELF",
            [
                &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0"[..],
                &random(rng, len),
            ]
            .concat(),
        ),
        6 => (
            "7z",
            [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &random(rng, len)].concat(),
        ),
        7 => (
            "gzip",
            [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &random(rng, len)].concat(),
        ),
        8 => (
            "JPEG",
            [&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], &random(rng, len)].concat(),
        ),
        9 => (
            "JSON",
            format!("{{\"id\":{},\"name\":\"{}\"}}", rng.random(), rng.random())
                .repeat(1 + len / 60)
                .into_bytes(),
        ),
        10 => (
            "SSH",
            [
                &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
                &records(rng, &|_, n| (n as u32).to_be_bytes().to_vec()),
            ]
            .concat(),
        ),
        11 => (
            "TLS",
            records(rng, &|_, n| {
                [&[22, 3, 3][..], &(n as u16).to_be_bytes()].concat()
            }),
        ),
        12 => (
            "SMB",
            records(rng, &|_, n| {
                [&[0, 0][..], &(n as u16 + 4).to_be_bytes(), b"\xfeSMB"].concat()
            }),
        ),
        13 => (
            "32-bit lengths",
            records(rng, &|_, n| (n as u32).to_le_bytes().to_vec()),
        ),
        // as the frame header of HTTP/2 has them, with types of another protocol
        14 => (
            "24-bit lengths",
            records(rng, &|r, n| {
                [&(n as u32).to_be_bytes()[1..], &random(r, 6)].concat()
            }),
        ),
        15 => (
            "memcached",
            records(rng, &|r, n| {
                [
                    &[0x80, r.below(30) as u8][..],
                    &[0; 6],
                    &(n as u32).to_be_bytes(),
                    &[0; 12],
                ]
                .concat()
            }),
        ),
        16 => (
            "Modbus",
            records(rng, &|r, n| {
                [
                    &(r.random() as u16).to_be_bytes()[..],
                    &[0, 0],
                    &(n as u16).to_be_bytes(),
                ]
                .concat()
            }),
        ),
        17 => (
            "DNS over TCP",
            records(rng, &|r, n| {
                [
                    &(n as u16).to_be_bytes()[..],
                    &random(r, 2),
                    &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
                ]
                .concat()
            }),
        ),
        18 => (
            "SMTP",
            b"220 mail.example.org ESMTP\r\n250-8BITMIME\r\n250 STARTTLS\r\n".repeat(1 + len / 60),
        ),
        _ => (
            "UTF-16",
            words(rng, len).into_iter().flat_map(|b| [b, 0]).collect(),
        ),
    }
}

/// Of so many made-up inputs one may be claimed.
const ONE_IN: u64 = 1000;

#[test]
fn no_format_claims_what_is_not_its_own() {
    const INPUTS: u64 = 4000;
    let registry = binq_all::registry();
    let mut claimed = Vec::new();
    for seed in 0..INPUTS {
        let (kind, bytes) = stranger(&mut Rng::new(seed));
        if let Ok(root) = registry.decode(None, Bytes::from(bytes), &Options::default()) {
            claimed.push(format!("seed {seed}, {kind}: {}", root.format()));
        }
    }
    assert!(
        claimed.len() as u64 <= INPUTS / ONE_IN,
        "{} of {INPUTS}: {claimed:#?}",
        claimed.len()
    );
}

/// A connection of two strangers, in segments of random sizes.
fn conversation(captured: bool, rng: &mut Rng) -> (&'static str, Bytes) {
    let mut wire = Wire::new([80, 443, 8080, 50051, 445][rng.below(5) as usize], captured);
    let (kind, client) = stranger(rng);
    let (_, server) = if rng.one_in(2) {
        stranger(rng)
    } else {
        (kind, client.clone())
    };
    for (who, bytes) in [(0, client), (1, server)] {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let n = (1 + rng.below(1400) as usize).min(rest.len());
            wire.send(who, &rest[..n]);
            rest = &rest[n..];
        }
    }
    (kind, wire.pcap(|_, len| Some(len)).into())
}

fn claims_in_captures(captured: bool, first: u64) -> (u64, Vec<String>) {
    const INPUTS: u64 = 2000;
    let mut claimed = Vec::new();
    for seed in first..first + INPUTS {
        let (kind, pcap) = conversation(captured, &mut Rng::new(seed));
        let root = decode_as("pcap", &pcap, &Options::default());
        for who in ["client", "server"] {
            let stream = follow(&root, &parse(&format!(".tcp_connections[0].{who}.stream")));
            let stream = stream.unwrap_or_else(|| panic!("seed {seed}: no stream"));
            if stream.kind() != NodeKind::Scalar {
                claimed.push(format!("seed {seed}, {kind}, {who}: {}", stream.format()));
            }
        }
    }
    (2 * INPUTS, claimed)
}

#[test]
fn no_connection_from_its_beginning_on_is_claimed_without_marks() {
    let (of, claimed) = claims_in_captures(true, 0);
    // its beginning has the marks, or there are none
    assert!(
        claimed.is_empty(),
        "{} of {of}: {claimed:#?}",
        claimed.len()
    );
}

#[test]
fn no_late_connection_is_claimed_without_marks() {
    let (of, claimed) = claims_in_captures(false, 100_000);
    assert!(
        claimed.len() as u64 <= of / ONE_IN,
        "{} of {of}: {claimed:#?}",
        claimed.len()
    );
}

/// A stream whose beginning was captured is HTTP/2 with the preface or, of a server, whole SETTINGS first; not because frames
/// could be found somewhere in it.
#[test]
fn frames_without_a_preface_are_bytes() {
    let mut claimed = Vec::new();
    for seed in 0..200 {
        let rng = &mut Rng::new(seed);
        let banner: &[u8] = [
            &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
            b"+OK ready\r\n",
            b"\x05\x01\0",
            b"RFB 003.008\n",
        ][rng.below(4) as usize];
        let mut frames = Vec::new();
        for _ in 0..3 + rng.below(5) {
            // a frame of DATA, PRIORITY, RST_STREAM, PING, or of no bytes
            let (kind, len) =
                [(0, 0), (2, 5), (3, 4), (6, 8), (0, 12), (1, 0)][rng.below(6) as usize];
            frames.extend([0, 0, len, kind, 0, 0, 0, 0, rng.below(4) as u8]);
            frames.extend((0..len).map(|_| rng.below(3) as u8));
        }
        let mut wire = Wire::new(445, true);
        for who in [0, 1] {
            wire.send(who, &[banner, &frames].concat());
        }
        let root = decode_as(
            "pcap",
            &wire.pcap(|_, len| Some(len)).into(),
            &Options::default(),
        );
        for who in ["client", "server"] {
            let stream = follow(&root, &parse(&format!(".tcp_connections[0].{who}.stream")))
                .expect("a stream");
            if stream.kind() != NodeKind::Scalar {
                claimed.push(format!("seed {seed}, {who}: {}", stream.format()));
            }
        }
    }
    assert!(
        claimed.is_empty(),
        "{} claimed: {claimed:#?}",
        claimed.len()
    );
}

/// The marks themselves are seen.
#[test]
fn what_has_the_marks_is_claimed() {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut wire = Wire::new(50051, true);
    wire.send(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    wire.send(0, &settings);
    wire.send(1, &settings);
    let root = decode_as(
        "pcap",
        &wire.pcap(|_, len| Some(len)).into(),
        &Options::default(),
    );
    for who in ["client", "server"] {
        let stream = follow(&root, &parse(&format!(".tcp_connections[0].{who}.stream"))).unwrap();
        assert_eq!(
            (stream.kind(), stream.format()),
            (NodeKind::Object, "http2"),
            "{who}"
        );
    }
    // the client's bytes were not captured: the server's SETTINGS say it, and frames fill the rest
    let mut wire = Wire::new(50051, true);
    let headers = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
    let data = [0, 0, 2, 0, 1, 0, 0, 0, 1, b'h', b'i'];
    wire.send(1, &[&settings[..], &headers, &data].concat());
    let root = decode_as(
        "pcap",
        &wire.pcap(|_, len| Some(len)).into(),
        &Options::default(),
    );
    let stream = follow(&root, &parse(".tcp_connections[0].server.stream")).unwrap();
    assert_eq!(
        (stream.kind(), stream.format()),
        (NodeKind::Object, "http2")
    );
    let mut wire = Wire::new(80, true);
    wire.send(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    wire.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let root = decode_as(
        "pcap",
        &wire.pcap(|_, len| Some(len)).into(),
        &Options::default(),
    );
    for who in ["client", "server"] {
        let stream = follow(&root, &parse(&format!(".tcp_connections[0].{who}.stream"))).unwrap();
        assert_eq!(
            (stream.kind(), stream.format()),
            (NodeKind::Object, "http1"),
            "{who}"
        );
    }
}
