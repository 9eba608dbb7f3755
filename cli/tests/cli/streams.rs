//! The standard streams: closed ones, full ones, and readers that leave.

use crate::common::{BINQ, Said, run, sample};
use std::process::Command;

/// A command line for `sh`, with `$B` for binq and `$SEG` for a sample.
fn sh(line: &str) -> Said {
    let mut sh = Command::new("sh");
    sh.args(["-c", line]).env("B", BINQ);
    run(sh.env("SEG", sample("pg15.wal")))
}

#[track_caller]
fn told(line: &str, code: i32, err: &str) {
    let said = sh(line);
    assert_eq!((said.code, said.err.as_str()), (code, err), "{line}");
}

const CLOSED: &str = "binq: error: standard output is closed\n";
const FULL: &str = "binq: error: writing output: No space left on device (os error 28)\n";

#[test]
fn closed_output() {
    for args in [
        "--help",
        "-h",
        "--version",
        "-V",
        ". $SEG",
        "-b . $SEG",
        "-n empty",
        "--verify $SEG",
    ] {
        told(&format!("$B {args} >&-"), 2, CLOSED);
    }
    // nothing is to be written to it here
    let seg = tempfile::tempdir().unwrap();
    let copy = seg.path().join("SEG");
    std::fs::copy(sample("pg15.wal"), &copy).unwrap();
    let name = copy.display();
    told(&format!("$B -i '.records[3].xl_xid = 7' {name} >&-"), 0, "");
    assert_eq!(sh(&format!("$B '.records[3].xl_xid' {name}")).text(), "7\n");
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk() {
    for args in [
        "--help",
        "-h",
        "--version",
        "-V",
        ".records[0] $SEG",
        ". $SEG",
        "-b . $SEG",
        "-n 1",
    ] {
        told(&format!("$B {args} >/dev/full"), 2, FULL);
    }
}

#[test]
fn a_file_that_may_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let line = format!("ulimit -f 100; $B -b . $SEG >{}", out.display());
    told(
        &line,
        2,
        "binq: error: writing output: File too large (os error 27)\n",
    );
}

#[test]
fn a_reader_that_leaves() {
    for args in ["--help", ". $SEG", "-b '., .' $SEG", "-n 'range(1000000)'"] {
        let said = sh(&format!("($B {args}; echo \"exit $?\" >&2) | :"));
        assert_eq!(said.err, "exit 0\n", "{args}");
    }
}

#[test]
fn closed_input() {
    told(
        "$B . <&-",
        2,
        "binq: error: <stdin>: standard input is closed\n",
    );
    // of no use here
    told("$B -n 1 <&- >/dev/null", 0, "");
    told("$B .records[0].lsn $SEG <&- >/dev/null", 0, "");
}

#[test]
fn closed_errors() {
    for (args, code) in [
        ("nosuch", 3),
        (". missing", 2),
        ("-n 'error(1)'", 5),
        ("--nosuch", 2),
        ("-n '1 | debug'", 0),
    ] {
        told(&format!("$B {args} 2>&- >/dev/null"), code, "");
    }
}

/// A file that somebody read the beginning of.
#[test]
fn input_that_was_begun() {
    let text = sh("{ head -c 1 >/dev/null; $B -c -d protobuf '.\"1\"'; } <<'E'\n$\x08\x07\nE");
    // dash has no $'': whatever it read, it is not what was read before
    assert!(text.code != 101, "{}", text.err);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"head\x08\x07").unwrap();
    let line = format!(
        "{{ dd bs=4 count=1 of=/dev/null 2>/dev/null; $B -c -d protobuf tobytes; }} <{}",
        file.display()
    );
    let said = sh(&line);
    assert_eq!((said.code, said.text()), (0, "\"0807\"\n"), "{}", said.err);
}

/// Without a terminal, results are held back until there are many, but with `--unbuffered`: what is read with `input` waits for
/// what the reader of the first result says.
#[test]
fn unbuffered() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    let mut child = Command::new(BINQ);
    child.args(["--unbuffered", "-n", "-c", "[1], (input | length), 2", "-"]);
    let mut child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "[1]\n");
    // only now there is an input
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(&std::fs::read(sample("pg15.wal")).unwrap())
        .unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
