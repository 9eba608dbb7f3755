//! Random messages, and values as the tests write and compare them; `binq_laws` has the walks over nodes.
#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Scalar, Space};
pub use binq_laws::{Rng, damage, follow, leaves, parse as path, update};
use binq_protobuf::Protobuf;
use binq_protobuf::wire::{build, varint};
use proptest::prelude::ProptestConfig;

/// A varint, sometimes with padding.
pub fn varint(value: u64, rng: &mut Rng, out: &mut Vec<u8>) {
    let pad = if rng.one_in(5) {
        rng.below(11) as usize
    } else {
        0
    };
    varint::write_padded(value, pad, out);
}

/// A tag or a length: at most 5 bytes, sometimes with padding.
pub fn short(value: u64, rng: &mut Rng, out: &mut Vec<u8>) {
    let pad = if rng.one_in(5) { rng.below(6) } else { 0 };
    varint::write_padded(value, pad as usize, out);
}

/// A number, small or large.
pub fn number(rng: &mut Rng) -> u64 {
    let bits = rng.below(65) as u32;
    rng.random() & 1u64.checked_shl(bits).map_or(u64::MAX, |b| b - 1)
}

/// Any well-formed message, with padding, groups, packed numbers, repeats.
pub fn message(rng: &mut Rng, depth: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..rng.below(6) {
        let n = if rng.one_in(8) {
            1 + rng.below((1 << 29) - 1)
        } else {
            1 + rng.below(5)
        };
        let wire_type = [0, 0, 1, 2, 2, 2, 2, 3, 5][rng.below(9) as usize];
        short(n << 3 | wire_type, rng, &mut out);
        match wire_type {
            0 => varint(number(rng), rng, &mut out),
            1 => out.extend(rng.random().to_le_bytes()),
            5 => out.extend((rng.random() as u32).to_le_bytes()),
            3 => {
                if depth > 0 {
                    out.extend(message(rng, depth - 1));
                }
                short(n << 3 | 4, rng, &mut out);
            }
            _ => {
                let payload = match rng.below(5) {
                    0 | 1 if depth > 0 => message(rng, depth - 1),
                    2 => (0..rng.below(20)).map(|_| rng.random() as u8).collect(),
                    3 => {
                        let mut packed = Vec::new();
                        for _ in 0..rng.below(6) {
                            varint(number(rng) >> 50, rng, &mut packed);
                        }
                        packed
                    }
                    _ => (0..rng.below(30))
                        .map(|_| b' ' + rng.below(90) as u8)
                        .collect(),
                };
                short(payload.len() as u64, rng, &mut out);
                out.extend(payload);
            }
        }
    }
    out
}

/// Few cases by default, so that the tests are quick; `PROPTEST_CASES` asks for more.
pub fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|n| n.parse().ok()).unwrap_or(256),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub fn wire(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(Space::source(bytes.into()), &Options::default())
}

pub fn bytes(root: &Node) -> Vec<u8> {
    encode(root, &EncodeOptions::default())
        .expect("edits that were taken encode")
        .to_bytes()
        .to_vec()
}

pub fn get(root: &Node, at: &str) -> Plain {
    follow(root, &path(at)).map_or(Plain::Scalar(Scalar::Null), |n| build::plain(&n))
}

/// Assign, encode.
pub fn set(root: &Node, at: &str, value: Plain) -> Node {
    let mut value = Some(value);
    let set = &mut |node: Node| node.assign(value.take().expect("one place"));
    update(root, &path(at), set).unwrap_or_else(|e| panic!("{at}: {e}"))
}

pub fn int(n: i64) -> Plain {
    Plain::Scalar(Scalar::Int(n.into()))
}

pub fn text(s: &str) -> Plain {
    Plain::Scalar(s.into())
}

pub fn object<const N: usize>(pairs: [(&str, Plain); N]) -> Plain {
    Plain::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|d| (d[0] << 4 | d[1]) as u8).collect()
}

/// A value as JSON-like text, to compare and to read.
pub fn show(value: &Plain) -> String {
    match value {
        Plain::Scalar(Scalar::Str(s)) => format!("{s:?}"),
        Plain::Scalar(s) => s.to_string(),
        Plain::Array(items) => {
            let items: Vec<_> = items.iter().map(show).collect();
            format!("[{}]", items.join(","))
        }
        Plain::Object(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| format!("{k}:{}", show(v)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Plain::Node(node) => show(&build::plain(node)),
    }
}
