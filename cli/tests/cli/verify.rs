//! What is told of faults, where an input is long. Short ones are in `golden/verify.txt`.
#![cfg(target_os = "linux")]

use crate::common::{binq, binq_ok, samples_dir};
use crate::memory::{MIB, long_log};
use std::ffi::OsStr;
use std::fs;

/// Only where it was edited is a long input looked through, unless all of it is asked for.
#[test]
fn a_long_input() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long");
    long_log(&file, 4 * MIB / 8192);
    let range = binq_ok([
        "-r".as_ref(),
        ".records[5] | tobytesrange.stop".as_ref(),
        file.as_os_str(),
    ]);
    let stop: usize = String::from_utf8(range).unwrap().trim().parse().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[stop - 1] ^= 1;
    fs::write(&file, bytes).unwrap();
    let name = file.display();
    let told = |args: &[&str]| {
        let args = args.iter().map(OsStr::new);
        let said = binq(args.chain([file.as_os_str()]));
        (said.code, said.err)
    };
    let partly = format!(
        "binq: {name}: looked for faults near the edit only; --verify and --strict look at all of it\n"
    );
    for edit in [
        ".records[5].xl_xid = 9",
        ".records[5:7][].xl_xid = 9",
        "del(.records[0]) | .records[4].xl_xid = 9",
    ] {
        let (code, err) = told(&["-b", "--no-fix", edit]);
        let start = format!("binq: {name}: .records[5].xl_crc at byte ");
        assert!(
            code == 0 && err.starts_with(&start) && err.contains(": damage: "),
            "{edit}: {err}"
        );
        // that not all was looked at is told once
        assert_eq!(err.lines().last(), Some(partly.trim_end()), "{edit}: {err}");
        assert_eq!(err.lines().count(), 2, "{edit}: {err}");
    }
    let elsewhere = ".records[7].xl_xid = 9";
    assert_eq!(told(&["-b", "--no-fix", elsewhere]), (0, partly.clone()));
    assert_eq!(
        told(&["-b", "--no-fix", &format!("{elsewhere} | ., .")]),
        (0, partly)
    );
    assert_eq!(told(&["-b", "."]), (0, String::new()));
    let (code, err) = told(&["--strict", "-b", elsewhere]);
    assert!(code == 6 && err.contains(".records[5].xl_crc"), "{err}");
    let (code, err) = told(&["--verify"]);
    assert_eq!((code, err.as_str()), (1, ""));
}

/// `faults` lists what `._error` of each value tells: all of it, and each once; what views say of bytes that it told as lost is left
/// out.
#[test]
fn faults_are_what_values_tell() {
    const WHAT: &str = "{offset, severity, expected, found}";
    for (sample, least) in [
        ("../capture/grpc-late.pcap", 40),
        ("../capture/grpc-snaplen.pcap", 30),
        ("../capture/lost.pcap", 10),
        ("pg15-lz4-zstd.wal", 0),
    ] {
        let filter = format!(
            "[faults | select(.severity != \"note\") | {WHAT}] as $listed | [.. | ._error? // empty | {WHAT}] as $told \
             | def lost: .found == \"bytes that the capture lost\" or .found == \"bytes that are missing from the input\"; \
             ($listed | length), ($listed | unique | length), \
             ($listed - $told == [] and all(($told - $listed)[]; lost))"
        );
        let file = samples_dir().join(sample);
        let out = binq_ok(["-c".as_ref(), filter.as_ref(), file.as_os_str()]);
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        let listed: usize = lines[0].parse().unwrap();
        assert!(listed >= least, "{sample}: {listed}");
        assert_eq!(lines[1..], [lines[0], "true"], "{sample}");
    }
}

/// A format that was named, of bytes that are another's: they are shown as far as they go, and the exit code says that they are none.
#[test]
fn bytes_of_another_format() {
    let of = |format: &str, file: &str| {
        let file = samples_dir().parent().unwrap().join(file);
        let file = file.as_os_str();
        let said = binq(["-d".as_ref(), format.as_ref(), "keys".as_ref(), file]);
        assert!(!said.out.is_empty(), "{format} {file:?}");
        (said.code, said.err.lines().count())
    };
    let (png, zip) = ("png/palette.png", "zip/info-zip.zip");
    for (format, file) in [
        ("png", zip),
        ("http2", png),
        ("http1", png),
        ("pg_control", png),
        ("grpc_message", png),
        ("protobuf_delimited", png),
        ("confluent_protobuf", png),
        ("pcap", png),
        ("zip", png),
        ("pg_wal", png),
        ("pcapng", zip),
        ("pcapng", png),
        ("http2", "capture/grpc-unary.pcap"),
        ("http2", "capture/grpc-unary.pcapng"),
        ("http2", "pg_wal/pg15.wal"),
        ("protobuf", png),
        ("protobuf", zip),
        ("protobuf", "pg_wal/pg15.wal"),
        ("protobuf", "http2/grpc-unary-client.h2"),
        ("protobuf_delimited", zip),
        ("protobuf_delimited", "pg_wal/pg15.wal"),
        ("protobuf_delimited", "http2/grpc-unary-client.h2"),
        ("protobuf_delimited", "protobuf/README.md"),
        ("grpc_message", zip),
        ("grpc_message", "protobuf/README.md"),
        ("confluent_protobuf", "capture/grpc-unary.pcap"),
    ] {
        assert_eq!(of(format, file), (6, 1), "{format} {file}");
    }
    for (format, file) in [
        ("png", png),
        ("zip", zip),
        ("zip", "zip/behind-a-script.zip"),
        ("pg_wal", "pg_wal/pg15.wal"),
        ("pcap", "capture/lost.pcap"),
        ("pcapng", "capture/two-sections.pcapng"),
        ("http2", "http2/grpc-unary-server.h2"),
        ("http2", "http2/nghttp-post-client.h2"),
        ("protobuf", "protobuf/types.desc"),
        ("protobuf", "protobuf/protoscope/message.pb"),
        ("protobuf_delimited", "protobuf/all3.delimited"),
    ] {
        assert_eq!(of(format, file), (0, 0), "{format} {file}");
    }
}

/// What is wrong at the beginning of an input is told once, by the root or by the first thing in it.
#[test]
fn the_first_fault_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let made = |name: &str, bytes: &[u8]| {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        file
    };
    let sample = |name: &str| samples_dir().parent().unwrap().join(name);
    let cut = [&[0, 0, 0, 0, 9][..], &[8, 1]].concat();
    for (format, file) in [
        ("grpc_message", sample("png/palette.png")),
        ("grpc_message", made("cut", &cut)),
        (
            "grpc_message",
            made("second", &[&[0, 0, 0, 0, 2, 8, 1][..], &cut].concat()),
        ),
        ("http2", sample("png/palette.png")),
        ("http2", sample("protobuf/README.md")),
        ("confluent_protobuf", sample("png/palette.png")),
        (
            "confluent_protobuf",
            made("magic", &[1, 0, 0, 0, 1, 0, 8, 1]),
        ),
        ("protobuf", sample("png/palette.png")),
        ("protobuf_delimited", sample("png/palette.png")),
    ] {
        let said = binq([
            "-d".as_ref(),
            format.as_ref(),
            "--verify".as_ref(),
            file.as_os_str(),
        ]);
        let here = format!("{format} {}: {}", file.display(), said.err);
        let out = String::from_utf8_lossy(&said.out).into_owned() + &said.err;
        assert_eq!(out.matches(": stops: ").count(), 1, "{here}{out}");
    }
}

/// A name may be of no bytes, as a variable of a script that is not set.
#[test]
fn a_name_that_is_empty_is_no_file() {
    for args in [&["--verify", ""][..], &[".", ""], &["-i", ".", ""]] {
        let said = binq(args.iter().map(OsStr::new));
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        assert!(said.err.starts_with("binq: "), "{args:?}: {}", said.err);
        assert!(!said.err.contains("panicked"), "{args:?}: {}", said.err);
    }
}
