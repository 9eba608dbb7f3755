//! Commands as a user types them, with what they print and how they exit.
//!
//! The sessions are `golden/*.txt`. `UPDATE=1 cargo test -p binq --test cli golden` writes them anew from what the
//! commands print now; `git diff` then shows what changed.
//!
//! A session is a list of `$ COMMAND` lines (lines that begin with `> ` continue a command), each followed by what it
//! prints on both outputs, and by `[exit N]` if it does not exit with 0. Lines that begin with `# ` before a command are
//! remarks. Commands run one after another, by `sh`, in a directory of their own with these copies of samples:
//! SEG is `pg15.wal`, and the others have their own names; those of captures are in `capture/`.

use crate::common::{BINQ, binq, run, samples, samples_dir};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A command, with what comes before it and after it in the file.
struct Step {
    remarks: String,
    command: Vec<String>,
    printed: String,
}

fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut remarks = String::new();
    for line in text.lines() {
        let last = steps.last_mut().filter(|_| remarks.is_empty());
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                remarks: std::mem::take(&mut remarks),
                command: vec![command.to_owned()],
                printed: String::new(),
            });
        } else if line.starts_with("# ") {
            remarks += &format!("{line}\n");
        } else if let Some(step) = last {
            match line.strip_prefix("> ") {
                Some(more) if step.printed.is_empty() => step.command.push(more.to_owned()),
                _ => step.printed += &format!("{line}\n"),
            }
        } else {
            assert_eq!(line, "", "no command before this");
        }
    }
    steps
}

/// What a command prints, as a session shows it.
fn printed(dir: &Path, command: &str) -> String {
    let bin = Path::new(BINQ).parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(format!("exec 2>&1\n{command}"));
    sh.current_dir(dir)
        .env("PATH", format!("{bin}:{path}"))
        .env("LC_ALL", "C")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .env_remove("JQ_COLORS");
    let said = run(&mut sh);
    let mut text = String::from_utf8_lossy(&said.out).replace('\x1b', "\u{241b}");
    if !text.is_empty() && !text.ends_with('\n') {
        text += "[no newline]\n";
    }
    if said.code != 0 {
        writeln!(text, "[exit {}]", said.code).unwrap();
    }
    text
}

fn session(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/golden/{name}.txt"));
    let expected = fs::read_to_string(&path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for sample in samples() {
        let name = sample.file_name().unwrap();
        let name = if name == "pg15.wal" {
            "SEG".as_ref()
        } else {
            name
        };
        fs::copy(&sample, dir.path().join(name)).unwrap();
    }
    let captures = dir.path().join("capture");
    fs::create_dir(&captures).unwrap();
    for sample in fs::read_dir(samples_dir().join("../capture")).unwrap() {
        let sample = sample.unwrap().path();
        fs::copy(&sample, captures.join(sample.file_name().unwrap())).unwrap();
    }
    let image = "greeter.image.binpb";
    fs::copy(
        samples_dir().join("../protobuf").join(image),
        dir.path().join(image),
    )
    .unwrap();
    let mut found = String::new();
    for step in parse(&expected) {
        if !found.is_empty() {
            found.push('\n');
        }
        found += &step.remarks;
        writeln!(found, "$ {}", step.command.join("\n> ")).unwrap();
        found += &printed(dir.path(), &step.command.join("\n"));
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, found).unwrap();
        return;
    }
    for (i, (a, b)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            a,
            b,
            "line {} of {}: found, expected",
            i + 1,
            path.display()
        );
    }
    assert_eq!(found, expected, "{}", path.display());
}

macro_rules! sessions {
    ($($name:ident)*) => {
        $(#[test] fn $name() { session(stringify!($name)) })*

        #[test]
        fn every_session_is_run() {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden");
            let mut files: Vec<_> = fs::read_dir(dir)
                .unwrap()
                .map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            files.sort();
            let mut names = vec![$(stringify!($name)),*];
            names.sort_unstable();
            assert_eq!(files, names);
        }
    };
}

sessions! {
    arguments
    bytes
    captures
    done_when
    errors
    exit_status
    help
    inputs
    json
    lost
    no_fix
    protobuf
    values
    verify
}

#[test]
fn version() {
    let said = binq(["-V"]);
    let expected = format!("binq {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (said.code, said.text(), said.err.as_str()),
        (0, expected.as_str(), "")
    );
    assert_eq!(binq(["--version"]).out, said.out);
}

/// `-b .` of every sample and of damaged copies of it gives the bytes back.
#[test]
fn identity() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("damaged");
    for sample in samples() {
        let bytes = fs::read(&sample).unwrap();
        let mut copies = vec![bytes.clone()];
        for at in [9_000, 50_001, 777_777] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x40;
            copies.push(flipped);
            copies.push(bytes[..at].to_vec());
            let mut spliced = bytes[..at].to_vec();
            spliced.extend(&bytes[at / 2..at / 2 + 20_000]);
            spliced.extend(&bytes[at..]);
            copies.push(spliced);
        }
        for copy in copies {
            fs::write(&file, &copy).unwrap();
            let said = binq(["-b".as_ref(), ".".as_ref(), file.as_os_str()]);
            let name = sample.display();
            assert_eq!(said.code, 0, "{name}, {} bytes: {}", copy.len(), said.err);
            // what is wrong with it is told, in few words
            let told = format!("binq: {}: ", file.display());
            assert!(
                said.err.lines().all(|l| l.starts_with(&told)),
                "{}",
                said.err
            );
            assert!(said.err.lines().count() <= 4, "{}", said.err);
            assert!(copy != bytes || said.err.is_empty(), "{name}: {}", said.err);
            assert!(said.out == copy, "{name}, {} bytes", copy.len());
        }
    }
}
