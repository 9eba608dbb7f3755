//! Random messages, random damage, and walks over nodes.
#![allow(dead_code, reason = "each test uses a part of it")]

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Key, Node, NodeKind, Options, Plain, Scalar, Space};
use binq_protobuf::Protobuf;
use binq_protobuf::wire::{build, varint};
use proptest::prelude::ProptestConfig;

/// A small generator (SplitMix64), so that a case is reproduced by its seed.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A varint, sometimes with padding.
pub fn varint(value: u64, rng: &mut Rng, out: &mut Vec<u8>) {
    let pad = if rng.one_in(5) {
        rng.below(11) as usize
    } else {
        0
    };
    varint::write_padded(value, pad, out);
}

/// A number, small or large.
pub fn number(rng: &mut Rng) -> u64 {
    let bits = rng.below(65) as u32;
    rng.next() & 1u64.checked_shl(bits).map_or(u64::MAX, |b| b - 1)
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
        varint(n << 3 | wire_type, rng, &mut out);
        match wire_type {
            0 => varint(number(rng), rng, &mut out),
            1 => out.extend(rng.next().to_le_bytes()),
            5 => out.extend((rng.next() as u32).to_le_bytes()),
            3 => {
                if depth > 0 {
                    out.extend(message(rng, depth - 1));
                }
                varint(n << 3 | 4, rng, &mut out);
            }
            _ => {
                let payload = match rng.below(5) {
                    0 | 1 if depth > 0 => message(rng, depth - 1),
                    2 => (0..rng.below(20)).map(|_| rng.next() as u8).collect(),
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
                varint(payload.len() as u64, rng, &mut out);
                out.extend(payload);
            }
        }
    }
    out
}

/// Truncate, flip bits, overwrite, insert.
pub fn damage(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(out.len() as u64) as usize;
        match rng.below(4) {
            0 => out.truncate(at),
            1 => {
                if let Some(b) = out.get_mut(at) {
                    *b ^= 1 << rng.below(8);
                }
            }
            2 => {
                if let Some(b) = out.get_mut(at) {
                    *b = rng.next() as u8;
                }
            }
            _ => out.insert(at, rng.next() as u8),
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

/// The node at a path.
pub fn follow(root: &Node, path: &[Key]) -> Option<Node> {
    path.iter().try_fold(root.clone(), |node, key| match key {
        Key::Name(name) => node.field(name),
        Key::Index(i) => node.item(*i),
    })
}

/// The root, with the node at a path changed.
pub fn update(
    root: &Node,
    path: &[Key],
    f: &mut dyn FnMut(Node) -> Result<Node, binq_core::Reject>,
) -> Result<Node, binq_core::Reject> {
    let Some((key, rest)) = path.split_first() else {
        return f(root.clone());
    };
    let mut node = root.clone();
    match key {
        Key::Name(name) => {
            let inner = node.take_field(name).expect("a field of the path");
            let inner = update(&inner, rest, f)?;
            node.put_field(inner);
        }
        Key::Index(i) => {
            let inner = node.take_item(*i).expect("an item of the path");
            let inner = update(&inner, rest, f)?;
            node.put_item(*i, inner);
        }
    }
    Ok(node)
}

/// A path as one types it: `.fields[0].value`.
pub fn path(text: &str) -> Vec<Key> {
    let parts = text.split(['.', '[', ']', '"']).filter(|p| !p.is_empty());
    let mut out: Vec<Key> = Vec::new();
    let mut at = 0;
    for part in parts {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        at += start - at;
        let bracket = text[..start].ends_with('[');
        out.push(match part.parse() {
            Ok(i) if bracket => Key::Index(i),
            _ => Key::Name(part.to_owned().into()),
        });
    }
    out
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

/// All leaves below a node.
pub fn leaves(node: &Node, out: &mut Vec<Node>) {
    match node.kind() {
        NodeKind::Scalar => out.push(node.clone()),
        NodeKind::Object => node
            .fields()
            .iter()
            .for_each(|(_, child)| leaves(child, out)),
        NodeKind::Array => node.items().for_each(|item| leaves(&item, out)),
    }
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
