//! Every example of the documentation, as typed.
//!
//! In a block marked `console`, each line after `$ ` runs in a shell, in a folder with the samples, and what it prints must
//! be the lines after it. `UPDATE=1 cargo test -p binq --test docs` writes what was printed into the documents.
#![cfg(unix)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let cli = Path::new(env!("CARGO_MANIFEST_DIR"));
    cli.join("..").canonicalize().unwrap()
}

/// Run a command as a user would: `binq` is on the path, and both outputs go to one terminal.
fn run(command: &str, dir: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_binq")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(dir)
        .env("PATH", path)
        .output()
        .expect("a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The document with each command followed by what it prints.
fn rerun(document: &str, dir: &Path) -> String {
    let mut out = String::new();
    let mut in_console = false;
    for line in document.lines() {
        match line {
            "```console" => in_console = true,
            "```" => in_console = false,
            _ => {}
        }
        match line.strip_prefix("$ ").filter(|_| in_console) {
            Some(command) => write!(out, "{line}\n{}", run(command, dir)).unwrap(),
            // what was printed before is printed again
            None if in_console && line != "```console" => {}
            None => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

#[test]
fn examples_print_what_the_documents_say() {
    let root = root();
    let mut documents = vec![root.join("README.md")];
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|e| e.unwrap().path());
    documents.extend(docs.filter(|p| p.extension().is_some_and(|e| e == "md")));
    documents.sort();
    let mut commands = 0;
    for path in documents {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.join("samples"), dir.path().join("samples")).unwrap();
        let document = std::fs::read_to_string(&path).unwrap();
        commands += document.lines().filter(|l| l.starts_with("$ ")).count();
        let printed = rerun(&document, dir.path());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, printed).unwrap();
            continue;
        }
        for (i, (ours, theirs)) in printed.lines().zip(document.lines()).enumerate() {
            assert_eq!(ours, theirs, "{}:{}", path.display(), i + 1);
        }
        assert_eq!(printed.lines().count(), document.lines().count());
    }
    assert!(commands > 20, "{commands} examples were run");
}
