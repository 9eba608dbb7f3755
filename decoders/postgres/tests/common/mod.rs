//! What the tests share.
#![allow(dead_code)]

use binq_core::encode::{EncodeOptions, Encoded, encode};
use binq_core::{Fault, Format, Node, Options, Plain, Reject, Scalar, Severity, Space};
use binq_postgres::wal::PgWal;
use bytes::Bytes;
use std::path::Path;

/// A file of `tests/data`.
pub fn data(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    std::fs::read(path.join(name)).expect(name).into()
}

/// A sample.
pub fn sample(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/pg_wal");
    std::fs::read(path.join(name)).expect(name).into()
}

pub fn decode(bytes: &Bytes) -> Node {
    decode_named(bytes, None)
}

/// Decode what a file of that name holds.
pub fn decode_named(bytes: &Bytes, name: Option<&str>) -> Node {
    let options = Options {
        input_name: name.map(Into::into),
        ..Options::default()
    };
    PgWal.decode(Space::source(bytes.clone()), &options)
}

/// All that was found, as one line each: path, offset, severity, what was expected and found.
pub fn findings(root: &Node) -> Vec<String> {
    let line = |f: Fault| {
        let offset = f.offset.map_or(String::new(), |offset| offset.to_string());
        format!(
            "{} at {offset}, {}: expected {}, found {}",
            if f.path.is_empty() { "." } else { &f.path },
            f.severity,
            f.expected,
            f.found
        )
    };
    root.findings().map(line).collect()
}

/// What is worse than odd.
pub fn faults(root: &Node) -> Vec<Fault> {
    let bad = |f: &Fault| f.severity >= Severity::Damage;
    root.findings().filter(bad).collect()
}

/// The records that are not damaged.
pub fn records(root: &Node) -> Vec<Node> {
    let records = root.field("records").expect("a list of records");
    let whole = |node: &Node| node.shape_name() == Some("XLogRecord");
    records.items().filter(whole).collect()
}

pub fn text(node: &Node, name: &str) -> String {
    let Scalar::Str(text) = node.field(name).expect(name).scalar() else {
        panic!("{name} is no text");
    };
    text.to_string()
}

pub fn lsns(root: &Node) -> Vec<String> {
    records(root).iter().map(|r| text(r, "lsn")).collect()
}

/// The input with the node at a path changed.
pub fn edit(
    bytes: &Bytes,
    path: &[&str],
    f: impl FnOnce(Node) -> Result<Node, Reject>,
) -> Result<Encoded, Reject> {
    fn go(
        node: &mut Node,
        path: &[&str],
        f: impl FnOnce(Node) -> Result<Node, Reject>,
    ) -> Result<(), Reject> {
        let (first, rest) = path.split_first().expect("a path");
        let take = |node: &mut Node| match first.parse() {
            Ok(i) => node.take_item(i).expect("an item"),
            Err(_) => node.take_field(first).expect("a field"),
        };
        let mut child = take(node);
        match rest {
            [] => child = f(child)?,
            rest => go(&mut child, rest, f)?,
        }
        match first.parse() {
            Ok(i) => node.put_item(i, child),
            Err(_) => node.put_field(child),
        }
        Ok(())
    }
    let mut root = decode(bytes);
    go(&mut root, path, f)?;
    encode(&root, &EncodeOptions::default())
}

/// The input with a value assigned.
pub fn assign(bytes: &Bytes, path: &[&str], value: impl Into<Scalar>) -> Bytes {
    let value = Plain::Scalar(value.into());
    let out = edit(bytes, path, |node| node.assign(value));
    out.expect("an edit").to_bytes()
}

/// The places where two inputs of one size differ.
pub fn differences(a: &[u8], b: &[u8]) -> Vec<usize> {
    assert_eq!(a.len(), b.len());
    (0..a.len()).filter(|i| a[*i] != b[*i]).collect()
}

/// Where the segment begins that `lay_out` makes.
pub const BASE: u64 = 0x0700_0000;

/// A segment of 1 MB with these records, on pages of `blcksz` bytes: it names the record before each, and their checksums hold.
pub fn lay_out(magic: [u8; 2], blcksz: usize, records: &[Vec<u8>]) -> Bytes {
    let mut out = Vec::new();
    let mut prev = BASE - 0x28;
    for record in records {
        let mut bytes = record.clone();
        bytes[8..16].copy_from_slice(&prev.to_le_bytes());
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[24..]), &bytes[..20]);
        bytes[20..24].copy_from_slice(&sum.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let (mut rest, mut begins) = (&bytes[..], true);
        while !rest.is_empty() {
            if out.len() % blcksz == 0 {
                let info = u16::from(!begins) | if out.is_empty() { 2 } else { 0 };
                // the alignment at its end is no part of the record
                let left = match begins {
                    true => 0,
                    false => rest.len() - (bytes.len() - record.len()),
                };
                let address = BASE + out.len() as u64;
                out.extend(magic);
                out.extend(info.to_le_bytes());
                out.extend(1u32.to_le_bytes());
                out.extend(address.to_le_bytes());
                out.extend((left as u64).to_le_bytes());
                if address == BASE {
                    out.extend(7u64.to_le_bytes());
                    out.extend((1u32 << 20).to_le_bytes());
                    out.extend((blcksz as u32).to_le_bytes());
                }
            }
            if begins {
                prev = BASE + out.len() as u64;
                begins = false;
            }
            let n = rest.len().min(blcksz - out.len() % blcksz);
            out.extend_from_slice(&rest[..n]);
            rest = &rest[n..];
        }
    }
    assert!(out.len() <= 1 << 20);
    out.resize(1 << 20, 0);
    out.into()
}
