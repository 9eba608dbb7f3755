//! What other readers make of edited archives: Info-ZIP's `unzip -t`, and Python's `zipfile`, which reads every member.
//!
//! `BINQ_PYTHON` names a Python. With `BINQ_REQUIRE_ORACLES=1`, a missing oracle is a failure.

mod common;

use binq_core::{Node, Plain, Scalar};
use binq_laws::skip;
use common::{decode, field, samples, set, text};
use std::io::Write;
use std::process::{Command, Stdio};

/// The members of an archive, in the order of the directory.
type Members = Vec<(String, Vec<u8>)>;

/// Reads all members of each archive that is named, and prints one line for each archive.
const READ: &str = "
import sys, zipfile
for name in sys.argv[1:]:
    with zipfile.ZipFile(name) as archive:
        assert archive.testzip() is None, name
        pairs = [(info.filename.encode(), archive.read(info)) for info in archive.infolist()]
        print(*[name.hex() + ':' + data.hex() for name, data in pairs])
";

fn python() -> String {
    std::env::var("BINQ_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether both readers are here.
fn are_here() -> bool {
    let has = |command: &str, argument: &str| {
        let run = Command::new(command)
            .arg(argument)
            .stdin(Stdio::null())
            .output();
        run.is_ok_and(|run| run.status.success())
    };
    static HERE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let here = *HERE.get_or_init(|| has("unzip", "-v") && has(&python(), "--version"));
    if !here {
        skip("unzip or Python is missing");
    }
    here
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

/// What both readers find in each of some archives.
fn members(archives: &[Vec<u8>]) -> Vec<Members> {
    let mut files = Vec::new();
    for bytes in archives {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let unzip = Command::new("unzip")
            .arg("-tqq")
            .arg(file.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&unzip.stdout).into_owned()
            + &String::from_utf8_lossy(&unzip.stderr);
        // 1 is a warning: that bytes are before the archive, or that it is empty
        let is_warning = said.contains("extra byte") || said.contains("zipfile is empty");
        assert!(
            unzip.status.success() || unzip.status.code() == Some(1) && is_warning,
            "{said}"
        );
        files.push(file);
    }
    let paths = files.iter().map(|file| file.path());
    let read = Command::new(python())
        .args(["-c", READ])
        .args(paths)
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let member = |pair: &str| {
        let (name, data) = pair.split_once(':').unwrap();
        (String::from_utf8(unhex(name)).unwrap(), unhex(data))
    };
    let lines = String::from_utf8(read.stdout).unwrap();
    lines
        .lines()
        .map(|line| line.split_whitespace().map(member).collect())
        .collect()
}

/// Edit all samples, and compare what is read then with what should be.
fn edited(edit: impl Fn(&mut Node, &mut Members)) {
    if !are_here() {
        return;
    }
    static BEFORE: std::sync::OnceLock<Vec<Members>> = std::sync::OnceLock::new();
    let samples = samples();
    let before = BEFORE.get_or_init(|| {
        let all: Vec<_> = samples.iter().map(|sample| sample.1.clone()).collect();
        members(&all)
    });
    let (mut out, mut expected) = (Vec::new(), before.clone());
    for ((name, bytes), members) in samples.iter().zip(&mut expected) {
        let mut root = decode(bytes);
        edit(&mut root, members);
        out.push(root.bytes().unwrap().to_vec());
        let faults: Vec<_> = decode(&out[out.len() - 1])
            .findings()
            .map(|f| f.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    for ((found, expected), (name, _)) in members(&out).iter().zip(&expected).zip(&samples) {
        assert_eq!(found, expected, "{name}");
    }
}

/// The files whose data is shown.
fn shown(root: &Node) -> Vec<u64> {
    let files = field(root, &["local_files"]);
    let is_shown = |i: &u64| {
        let method = files
            .item(*i)
            .unwrap()
            .field("compression_method")
            .unwrap()
            .actual();
        matches!(method, Some(Scalar::Int(0 | 8)))
    };
    (0..files.len()).filter(is_shown).collect()
}

#[test]
fn longer_and_shorter_data() {
    for new in [
        "",
        "x",
        "a longer text than all the others were, so that what is behind it moves "
            .repeat(40)
            .as_str(),
    ] {
        edited(|root, members| {
            for i in shown(root) {
                text(root, &["local_files", &i.to_string(), "data"], new);
                members[i as usize].1 = new.into();
            }
        });
        edited(|root, members| {
            let i = *shown(root).last().unwrap();
            text(root, &["local_files", &i.to_string(), "data"], new);
            members[i as usize].1 = new.into();
        });
    }
}

#[test]
fn other_names() {
    edited(|root, members| {
        for (i, member) in members.iter_mut().enumerate() {
            member.0 = format!("a directory/{}", member.0);
            text(
                root,
                &["local_files", &i.to_string(), "file_name"],
                &member.0,
            );
        }
    });
}

/// Give a list other items of its own.
fn order(root: &mut Node, list: &str, of: impl Fn(u64) -> Vec<u64>) {
    let own = root.take_field(list).unwrap();
    let items = of(own.len())
        .into_iter()
        .map(|i| Plain::Node(own.item(i).unwrap()));
    root.put_field(own.clone().set_items(items.collect()).unwrap());
}

#[test]
fn removed_and_added_members() {
    let both = |root: &mut Node, of: fn(u64) -> Vec<u64>| {
        order(root, "local_files", of);
        order(root, "central_directory", of);
    };
    edited(|root, members| {
        both(root, |n| (1..n).collect());
        members.remove(0);
    });
    edited(|root, members| {
        both(root, |_| Vec::new());
        members.clear();
    });
    edited(|root, members| {
        both(root, |n| (0..n).chain([0]).collect());
        let last = members.len().to_string();
        text(root, &["local_files", &last, "file_name"], "added");
        members.push(("added".to_owned(), members[0].1.clone()));
    });
}

#[test]
fn members_in_another_order() {
    edited(|root, _| order(root, "local_files", |n| (0..n).rev().collect()));
    edited(|root, members| {
        order(root, "central_directory", |n| (0..n).rev().collect());
        members.reverse();
    });
}

#[test]
fn comments() {
    edited(|root, _| {
        text(
            root,
            &["end_of_central_directory", "comment"],
            "of the archive",
        );
        text(
            root,
            &["central_directory", "0", "file_comment"],
            "of a file",
        );
    });
}

#[test]
fn members_of_another_archive() {
    edited(|root, members| {
        let other = std::mem::replace(root, decode(&empty()));
        for list in ["local_files", "central_directory"] {
            let items = other.field(list).unwrap().items().map(Plain::Node);
            let own = root.take_field(list).unwrap();
            root.put_field(own.set_items(items.collect()).unwrap());
        }
        if let Some(i) = shown(&other).first() {
            text(root, &["local_files", &i.to_string(), "data"], "new");
            members[*i as usize].1 = b"new".to_vec();
        }
    });
}

/// An archive without members.
fn empty() -> Vec<u8> {
    [&b"PK\x05\x06"[..], &[0; 18]].concat()
}

#[test]
fn an_assigned_checksum_is_that_of_the_directory_too() {
    for (name, bytes) in samples() {
        let mut root = decode(&bytes);
        let is_behind = field(&root, &["local_files", "0"])
            .field("data_descriptor")
            .is_some();
        let sum = if is_behind {
            &["local_files", "0", "data_descriptor", "crc32"][..]
        } else {
            &["local_files", "0", "crc32"]
        };
        set(&mut root, sum, Plain::Scalar(Scalar::Int(7)));
        let read = decode(&root.bytes().unwrap());
        assert_eq!(
            field(&read, &["central_directory", "0", "crc32"]).actual(),
            Some(Scalar::Int(7)),
            "{name}"
        );
    }
}

/// A name that is not ASCII is written as UTF-8, and the flag says so, in the file and in its entry: else readers take it for code
/// page 437.
#[test]
fn names_that_are_not_ascii() {
    for name in ["é", "naïve/日本.txt", "plain"] {
        edited(|root, members| {
            text(root, &["local_files", "0", "file_name"], name);
            members[0].0 = name.to_owned();
        });
        for (sample, bytes) in samples() {
            let mut root = decode(&bytes);
            text(&mut root, &["local_files", "0", "file_name"], name);
            let read = decode(&root.bytes().unwrap());
            for list in ["local_files", "central_directory"] {
                let flag = field(&read, &[list, "0", "flags", "language_encoding"]).actual();
                assert_eq!(
                    flag,
                    Some(Scalar::Bool(!name.is_ascii())),
                    "{sample}: {list}"
                );
            }
        }
    }
    // bytes that are not UTF-8 are of another code page; what was assigned stays
    let mut root = decode(&samples()[0].1);
    let bytes = Scalar::Bytes(vec![0x82].into());
    set(
        &mut root,
        &["local_files", "0", "flags", "language_encoding"],
        Plain::Scalar(Scalar::Bool(true)),
    );
    text(&mut root, &["local_files", "1", "file_name"], "é");
    set(
        &mut root,
        &["local_files", "1", "flags", "language_encoding"],
        Plain::Scalar(Scalar::Bool(false)),
    );
    let read = decode(&root.bytes().unwrap());
    let flag = |i: &str| field(&read, &["local_files", i, "flags", "language_encoding"]).actual();
    assert_eq!(
        [flag("0"), flag("1")],
        [Some(Scalar::Bool(true)), Some(Scalar::Bool(false))]
    );
    let mut root = read;
    set(
        &mut root,
        &["local_files", "0", "file_name"],
        Plain::Scalar(bytes),
    );
    let read = decode(&root.bytes().unwrap());
    let flag = field(&read, &["local_files", "0", "flags", "language_encoding"]).actual();
    assert_eq!(flag, Some(Scalar::Bool(false)));
}

/// A comment is of the entry alone, and so is its flag.
#[test]
fn a_comment_that_is_not_ascii() {
    let mut root = decode(&samples()[0].1);
    text(&mut root, &["central_directory", "0", "file_comment"], "ö");
    let read = decode(&root.bytes().unwrap());
    let flag = |list: &str| field(&read, &[list, "0", "flags", "language_encoding"]).actual();
    assert_eq!(flag("central_directory"), Some(Scalar::Bool(true)));
    assert_eq!(flag("local_files"), Some(Scalar::Bool(false)));
}
