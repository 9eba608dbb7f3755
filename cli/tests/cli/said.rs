//! What is written where, and with which exit code: a table of short commands. `UPDATE=1` writes it anew; read the difference.
//!
//! In the folder are `P`, a message `{1: 1}`, `CUT`, of which the value is missing, and `E`, which is empty.

use crate::common::{BINQ, run};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn table() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("P", &[8, 1][..]), ("CUT", &[8]), ("E", &[])] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/said.txt");
    let wanted = fs::read_to_string(&file).unwrap();
    let mut found = String::new();
    for line in wanted.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let script = format!("binq() {{ {BINQ} \"$@\"; }}; {line}");
        let mut sh = Command::new("sh");
        sh.args(["-c", &script]).current_dir(dir.path());
        let said = run(sh.env_remove("NO_COLOR").env_remove("JQ_COLORS"));
        if !found.is_empty() {
            found.push('\n');
        }
        let out = String::from_utf8_lossy(&said.out);
        writeln!(
            found,
            "$ {line}\nout {out:?}\nerr {:?}\nexit {}",
            said.err, said.code
        )
        .unwrap();
    }
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let both = wanted.split("\n\n").zip(found.split("\n\n"));
    for (wanted, found) in both {
        assert_eq!(found.trim_end(), wanted.trim_end());
    }
}
