//! What libpng and pngcheck stop at, or tell, is found once, where it is.

use binq_core::{Format, Node, Options, Space};
use binq_png::PNG;
use std::path::Path;

fn decode(bytes: &[u8]) -> Node {
    PNG.decode(Space::source(bytes.to_vec()), &Options::default())
}

fn faults(bytes: &[u8]) -> Vec<String> {
    let found = decode(bytes).findings();
    found.map(|f| format!("{} {f}", f.severity)).collect()
}

/// There is one fault, of that severity, and there.
fn only(bytes: &[u8], severity: &str, path: &str) {
    let found = faults(bytes);
    let is = |f: &String| f.starts_with(severity) && f.contains(&format!("{path} at"));
    assert!(
        found.len() == 1 && is(&found[0]),
        "{severity} {path}: {found:?}"
    );
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let covered = [&kind[..], data].concat();
    let crc = crc32fast::hash(&covered);
    [
        &(data.len() as u32).to_be_bytes()[..],
        &covered,
        &crc.to_be_bytes(),
    ]
    .concat()
}

fn image(header: &[u8; 13], chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", header));
    out.extend(chunks.concat());
    out.extend(chunk(b"IEND", b""));
    out
}

/// 3 by 2 pixels of 8 bits, grey.
const GREY: [u8; 13] = [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0];
const ROWS: [u8; 8] = [0, 1, 2, 3, 0, 4, 5, 6];

/// A stream of zlib with one stored block.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u16;
    let mut out = vec![0x78, 0x01, 1];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(bytes);
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn pixels(stream: &[u8]) -> Vec<u8> {
    image(&GREY, &[chunk(b"IDAT", stream)])
}

#[test]
fn samples_have_none() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/png");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "png") {
            let found = faults(&std::fs::read(&path).unwrap());
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
}

#[test]
fn pixels_are_one_stream() {
    let stream = zlib(&ROWS);
    assert_eq!(faults(&pixels(&stream)), [""; 0]);
    // in chunks of any size, empty ones among them
    for size in 1..stream.len() {
        let mut parts: Vec<_> = stream
            .chunks(size)
            .map(|part| chunk(b"IDAT", part))
            .collect();
        parts.insert(size % parts.len(), chunk(b"IDAT", b""));
        assert_eq!(faults(&image(&GREY, &parts)), [""; 0], "{size}");
    }
    let path = ".chunks[1].data";
    // a checksum that is another, or not there
    let mut wrong = stream.clone();
    *wrong.last_mut().unwrap() ^= 1;
    only(&pixels(&wrong), "damage", path);
    only(&pixels(&stream[..stream.len() - 1]), "damage", path);
    // no stream, one that breaks off, or is of another method
    only(&pixels(&stream[..stream.len() - 5]), "stops", path);
    only(&pixels(&[]), "stops", path);
    only(&pixels(&stream[..1]), "stops", path);
    for (at, bit) in [(0, 1), (1, 1), (2, 6), (3, 1), (5, 1)] {
        let mut wrong = stream.clone();
        wrong[at] ^= bit;
        only(&pixels(&wrong), "stops", path);
    }
    // fewer rows than the header says; more are passed over
    only(&pixels(&zlib(&ROWS[..7])), "stops", path);
    assert_eq!(
        faults(&pixels(&zlib(&[&ROWS[..], &[0; 9]].concat()))),
        [""; 0]
    );
}

/// Bytes of the rows, by 7.2 and 8.1: 5 by 5 pixels of each kind, whole and by Adam7.
#[test]
fn how_many_bytes_the_rows_have() {
    for (depth, colour, whole, adam) in [
        (1, 0, 10, 22),
        (8, 0, 30, 36),
        (16, 0, 55, 61),
        (8, 2, 80, 86),
        (4, 3, 20, 27),
        (8, 4, 55, 61),
        (16, 6, 205, 211),
    ] {
        for (interlace, bytes) in [(0, whole), (1, adam)] {
            let header = [0, 0, 0, 5, 0, 0, 0, 5, depth, colour, 0, 0, interlace];
            let of = |n: usize| image(&header, &[chunk(b"IDAT", &zlib(&vec![0; n]))]);
            let palette = |found: Vec<String>| found.is_empty();
            assert!(
                palette(faults(&of(bytes))),
                "{header:?}: {:?}",
                faults(&of(bytes))
            );
            only(&of(bytes - 1), "stops", ".chunks[1].data");
        }
    }
}

#[test]
fn types_and_lengths() {
    let stream = chunk(b"IDAT", &zlib(&ROWS));
    let with = |more: Vec<u8>| image(&GREY, &[more, stream.clone()]);
    assert_eq!(faults(&with(chunk(b"abCd", b"1"))), [""; 0]);
    for kind in [b"ab1d", b"ABCD", b"IDAX", b"a Cd"] {
        only(&with(chunk(kind, b"1")), "stops", ".chunks[1].type");
    }
    assert_eq!(faults(&image(&GREY, &[])).len(), 1);
    // a cut chunk is told once
    let whole = with(chunk(b"gAMA", &[0, 0, 0, 1]));
    for end in 41..49 {
        only(&whole[..end], "stops", ".chunks[1]");
    }
    let mut long = with(chunk(b"abCd", b"1"));
    long[33] = 0x80;
    only(&long, "stops", ".chunks[1].length");
}
