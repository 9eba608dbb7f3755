//! `protoc` is the judge of what makes a message unreadable: binq has a finding that stops exactly where protoc refuses the
//! message, with a schema and without.

#[path = "../common/mod.rs"]
mod common;
mod replaced;

use binq_core::{Format, Node, Options, Severity, Space};
use binq_protobuf::{Delimited, Protobuf};
use common::{Rng, damage, hex};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn protos() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos"))
}

fn samples() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/protobuf"
    ))
}

/// Whether protoc is there; without it, that is told, and fails where oracles are required.
fn has_protoc() -> bool {
    let there = Command::new("protoc").arg("--version").output().is_ok();
    if !there {
        let required = std::env::var("BINQ_REQUIRE_ORACLES").is_ok();
        assert!(!required, "protoc is missing");
        eprintln!("skipped: protoc is missing");
    }
    there
}

/// Whether protoc refuses a message of a type of a file; of no type, whether it refuses any message.
fn refuses(of: Option<(&str, &str)>, message: &[u8]) -> bool {
    let mut command = Command::new("protoc");
    match of {
        None => command.arg("--decode_raw"),
        // what this file imports need not be installed
        Some(("types.desc", name)) => command
            .current_dir(samples())
            .arg(format!("--decode={name}"))
            .arg("--descriptor_set_in=types.desc")
            .arg(format!(
                "{}.proto",
                name.split('.').next().unwrap_or_default()
            )),
        Some((file, name)) => command
            .current_dir(protos())
            .arg(format!("--decode={name}"))
            .arg(file),
    };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = child.stderr(Stdio::null()).spawn().unwrap();
    // protoc may have given up already
    let _ = child.stdin.take().unwrap().write_all(message);
    !child.wait().unwrap().success()
}

fn decode(of: Option<(&str, &str)>, message: &[u8]) -> Node {
    let mut options = Options::default();
    if let Some((file, name)) = of {
        let (list, folder) = match file {
            "types.desc" => ("descriptor_set", samples()),
            _ => ("proto", protos()),
        };
        let path = folder.join(file).to_string_lossy().into_owned();
        options.lists.insert(list.into(), vec![path.into()]);
        options.values.insert("message".into(), name.into());
    }
    Protobuf.decode(Space::source(message.to_vec()), &options)
}

/// What stops a reader.
fn stops(root: &Node) -> Vec<String> {
    let stops = root.findings().filter(|f| f.severity == Severity::Stops);
    stops.map(|f| f.to_string()).collect()
}

fn agree(of: Option<(&str, &str)>, message: &[u8]) {
    let found = stops(&decode(of, message));
    let refused = refuses(of, message);
    assert_eq!(
        refused,
        !found.is_empty(),
        "{of:?} {message:02x?}: protoc refuses it: {refused}; binq: {found:?}"
    );
}

const NESTED: (&str, &str) = ("nested.proto", "t.M");

/// A field 8 in itself, so many times.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| {
        let mut out = Vec::new();
        binq_protobuf::wire::build::len_record(8, &inner, &mut out);
        out
    })
}

#[test]
fn the_borders_are_those_of_protoc() {
    if !has_protoc() {
        return;
    }
    for message in [
        "",
        "00",
        "00 01",
        "08",
        "08 01 03",
        "0b 0c",
        "0b",
        "0c",
        "0b 13 0c 14",
        "0b 13 14 0c",
        "0b 14",
        "0e",
        "0f 01",
        // text that is no UTF-8, in a field and in a key
        "22 01 ff",
        "22 02 c3 a4",
        "12 05 0a 01 ff 10 01",
        "12 05 0a 03 61",
        // tags, lengths and values of many bytes
        "88 80 80 80 10 05",
        "88 80 80 80 00 05",
        "88 80 80 80 80 00 05",
        "80 80 80 80 10 05",
        "f8 ff ff ff 0f 01",
        "f8 ff ff ff 1f 01",
        "22 81 80 80 80 00 41",
        "22 81 80 80 80 80 00 41",
        "22 ff ff ff ff 07 41",
        "30 ff ff ff ff ff ff ff ff ff 02",
        "30 ff ff ff ff ff ff ff ff ff 7f",
        "30 80 80 80 80 80 80 80 80 80 80 01",
        // packed lists that are cut off
        "3a 01 80",
        "3a 02 80 01",
        "3a 0b 80 80 80 80 80 80 80 80 80 80 00",
        "3a 02 01",
        // other wire types
        "32 01 61",
        "3d 01 02 03 04",
        "25 01 02 03",
        "21 01 02 03 04 05 06 07",
        // a message in two records, of which one stops in a field
        "42 01 30 42 01 05",
        "42 02 30 05 42 00",
        "42 01 08",
        "0a 01 08",
        "0a 02 08 01 0a 01 08",
    ] {
        let message = hex(message);
        agree(Some(NESTED), &message);
        agree(None, &message);
    }
}

#[test]
fn the_deepest_message_is_that_of_protoc() {
    if !has_protoc() {
        return;
    }
    for depth in [99, 100, 101] {
        agree(Some(NESTED), &nested(depth));
        agree(None, &nested(depth));
        let groups = [vec![0x0b; depth], vec![0x0c; depth]].concat();
        agree(Some(NESTED), &groups);
        agree(None, &groups);
        // groups in a message
        let mut both = Vec::new();
        let inner = [vec![0x4b; depth - 1], vec![0x4c; depth - 1]].concat();
        binq_protobuf::wire::build::len_record(8, &inner, &mut both);
        agree(Some(NESTED), &both);
    }
}

#[test]
fn message_sets_and_closed_enums_are_those_of_protoc() {
    if !has_protoc() {
        return;
    }
    for content in [
        "0b 10e807 1a020807 0c",
        "0b 10e807 1a02080f 0d",
        "0b 10e807 1a020a07 0c",
        "0b 1a02ffff 0c",
        "0b 1a02ffff 10e807 0c",
        "0b 10e807 1a02ffff 0c",
        "0b 10e907 1a02ffff 0c",
        "0b 10e807 0a",
        "c23e 02ffff",
    ] {
        let content = hex(content);
        let mut message = vec![0x0a, content.len() as u8];
        message.extend(content);
        agree(Some(("mset.proto", "W")), &message);
    }
    for message in ["0a05 0a016b 1063", "0a05 0a016b 10ff", "0a05 0a01ff 1001"] {
        agree(Some(("mapenum.proto", "q.N")), &hex(message));
    }
}

/// Messages of the samples, damaged.
#[test]
fn damage_is_told_where_protoc_refuses_it() {
    if !has_protoc() {
        return;
    }
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|n| n.parse().ok()).unwrap_or(60);
    for (sample, name) in [("all3", "all3.All"), ("all2", "all2.All")] {
        let stream = std::fs::read(samples().join(format!("{sample}.delimited"))).unwrap();
        let root = Delimited.decode(Space::source(stream), &Options::default());
        let messages: Vec<Node> = root.field("messages").unwrap().items().collect();
        let rng = &mut Rng::new(11);
        for _ in 0..cases {
            let message = &messages[rng.below(messages.len() as u64) as usize];
            let bytes = message.bytes().unwrap().to_vec();
            if bytes.is_empty() {
                continue;
            }
            let damaged = damage(&bytes, rng).to_vec();
            agree(Some(("types.desc", name)), &damaged);
            agree(None, &damaged);
        }
    }
}
