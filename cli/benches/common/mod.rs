//! What the benchmarks share: inputs that are kept between runs, and commands that run alternately with their peers.
//!
//! Each command runs as a whole process; the figures are medians, to be read as ratios.
#![allow(dead_code)] // each benchmark uses a part of it

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The command that is measured.
pub const BINQ: &str = env!("CARGO_BIN_EXE_binq");

/// The folder for inputs: `$BINQ_BENCH_DIR`, or `binq-bench` in the folder for temporary files. Nothing if
/// `cargo test --benches` only asks whether this runs at all.
pub fn dir() -> Option<PathBuf> {
    if std::env::args().any(|a| a == "--test") {
        return None;
    }
    let dir = std::env::var_os("BINQ_BENCH_DIR")
        .map_or_else(|| std::env::temp_dir().join("binq-bench"), PathBuf::from);
    fs::create_dir_all(&dir).expect("a folder for the inputs");
    Some(dir)
}

/// A command with arguments.
pub fn cmd(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut c = Command::new(program);
    c.args(args);
    c
}

/// A line of shell.
pub fn shell(script: &str) -> Command {
    cmd("sh", &["-c", script])
}

/// Whether a program is there; that it is not is said.
pub fn installed(program: &str, flag: &str) -> bool {
    let mut c = cmd(program, &[flag]);
    let found = c.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|s| s.success());
    if !found {
        println!("  left out: {program} is not installed");
    }
    found
}

fn quiet(command: &Command) -> Command {
    let mut c = Command::new(command.get_program());
    c.args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    c
}

/// How commands are measured.
pub struct Runs {
    /// So many times each, after one that warms up.
    pub count: usize,
    /// Whether a command may end with another exit code than 0.
    pub may_fail: bool,
}

impl Runs {
    /// Milliseconds.
    fn time(&self, command: &Command) -> f64 {
        let start = Instant::now();
        let status = quiet(command).status().expect("the command runs");
        let took = start.elapsed();
        assert!(status.success() || self.may_fail, "{command:?}: {status}");
        took.as_secs_f64() * 1e3
    }

    /// One against another, whose time is multiplied.
    pub fn versus(&self, what: &str, ours: &Command, theirs: &Command, times: f64) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for run in 0..=self.count {
            let (x, y) = (self.time(ours), self.time(theirs) * times);
            if run > 0 {
                a.push(x);
                b.push(y);
            }
        }
        let ratio = median(a.iter().zip(&b).map(|(x, y)| x / y).collect());
        println!(
            "  {what:52} {:8.1} ms : {:9.1} ms = {ratio:.3} (1 : {:.1})",
            median(a),
            median(b),
            1.0 / ratio
        );
    }

    /// One alone.
    pub fn single(&self, what: &str, command: &Command) {
        let all = (0..=self.count).map(|_| self.time(command)).skip(1);
        println!("  {what:52} {:8.1} ms", median(all.collect()));
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The most that a command has of a kind of memory, as `/proc/PID/status` tells it: sampled.
pub fn memory(what: &str, kind: &str, command: &Command) {
    let mut child = quiet(command).spawn().expect("the command runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix(kind));
        let kb = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
        most = most.max(kb.unwrap_or(0));
        std::thread::sleep(Duration::from_micros(500));
    }
    println!("  {what:52} {:8.1} MiB", most as f64 / 1024.0);
}
