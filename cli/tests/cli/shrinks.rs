//! A file that becomes shorter while it is read: that is said, with the name and the place, and nothing that is not true.

use crate::common::{BINQ, Said, Waiting, sample};
use std::fs::{self, OpenOptions};
use std::process::Command;

/// Run a filter over a file that has this length from when it was mapped on.
///
/// binq opens the file, then waits for another input, which is a pipe; meanwhile the file is cut.
fn cut_to(len: u64, filter: &str) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let seg = dir.path().join("SEG");
    fs::copy(sample("pg15.wal"), &seg).unwrap();
    let filter = format!("input as $seg | (input? // null) | $seg | {filter}");
    let mut binq = Command::new(BINQ);
    binq.current_dir(dir.path());
    binq.args(["-n", "-c", &filter, "SEG", "pipe"]);
    let waiting = Waiting::start(&mut binq, &dir.path().join("pipe"));
    let file = OpenOptions::new().write(true).open(&seg).unwrap();
    file.set_len(len).unwrap();
    waiting.go_on()
}

/// Whole pages are gone: the system would end the process by SIGBUS.
#[test]
fn pages_that_are_gone() {
    for filter in [
        ".records | length",
        "[.records[].xl_xid]",
        "tobytes | length, .[1000000:]",
    ] {
        let said = cut_to(40_960, filter);
        assert_eq!(said.code, 2, "{filter}: {}", said.err);
        assert_eq!(
            said.err,
            "binq: error: SEG: became shorter while it was read: it is gone from byte 40960 on\n",
            "{filter}"
        );
        assert!(
            said.out.is_empty() || filter.starts_with("tobytes"),
            "{filter}"
        );
    }
}

/// The file ends within a page, of which the rest reads as zeros: what was made of them is not written.
#[test]
fn a_part_of_a_page_is_gone() {
    let all = fs::read(sample("pg15.wal")).unwrap();
    let page = all.len() as u64 - 4096;
    let said = cut_to(page + 100, "tobytes | .[-64:]");
    assert_eq!((said.code, said.text()), (2, ""), "{}", said.err);
    let told = format!(
        "binq: error: SEG: became shorter while it was read: from byte {} on it is gone, and it had {} bytes\n",
        page + 100,
        all.len()
    );
    assert_eq!(said.err, told);
}

/// What is still there can be read, but nothing is said of a file that is not the one it was.
#[test]
fn what_is_still_there() {
    let said = cut_to(1_000_000, ".records[0].xl_xid");
    assert_eq!((said.code, said.text()), (2, ""), "{}", said.err);
    assert!(said.err.contains("from byte 1000000 on"), "{}", said.err);
}

/// What was made of a file is written before the next one but one is opened: what happens to it later does not matter.
#[test]
fn one_that_is_done_with() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["A", "B"] {
        fs::copy(sample("pg15.wal"), dir.path().join(name)).unwrap();
    }
    let mut binq = Command::new(BINQ);
    binq.current_dir(dir.path());
    binq.args(["-c", ".records[3].xl_tot_len", "A", "B", "pipe"]);
    let waiting = Waiting::start(&mut binq, &dir.path().join("pipe"));
    let mut open = OpenOptions::new();
    let file = open.write(true).open(dir.path().join("A")).unwrap();
    file.set_len(0).unwrap();
    let said = waiting.go_on();
    assert_eq!(said.text().lines().count(), 2, "{}", said.text());
    assert!(!said.err.contains("shorter"), "{}", said.err);
}
