//! Running binq, and the samples.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The command under test.
pub const BINQ: &str = env!("CARGO_BIN_EXE_binq");

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Said {
    /// Of a process that ended, and not by a signal.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("{output:?}")),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("output is text")
    }
}

/// Run a command to its end, with nothing on standard input.
pub fn run(command: &mut Command) -> Said {
    command.stdin(Stdio::null());
    let mut output = command.output();
    // a binary that was just copied may still be open in another test's child that has not begun to run
    for _ in 0..100 {
        match &output {
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            _ => break,
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        output = command.output();
    }
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Said::of(output)
}

/// A process that was started with a pipe as one of its inputs, and has opened it: so it has opened and mapped all inputs
/// before that, and waits.
pub struct Waiting {
    child: Child,
    pipe: File,
}

impl Waiting {
    /// Start it.
    pub fn start(command: &mut Command, pipe: &Path) -> Self {
        const O_NONBLOCK: i32 = 0o4000;
        assert_eq!(run(Command::new("mkfifo").arg(pipe)).code, 0);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        loop {
            // this fails as long as nobody reads
            let mut open = OpenOptions::new();
            if let Ok(pipe) = open.write(true).custom_flags(O_NONBLOCK).open(pipe) {
                return Self { child, pipe };
            }
            let ended = child.try_wait().unwrap();
            if ended.is_some() || start.elapsed() > Duration::from_secs(120) {
                let _ = child.kill();
                let output = child.wait_with_output().unwrap();
                panic!("it did not come to the pipe: {output:?}");
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Let it read nothing from the pipe, and run to its end.
    pub fn go_on(self) -> Said {
        drop(self.pipe);
        Said::of(self.child.wait_with_output().unwrap())
    }
}

/// binq with these arguments.
pub fn binq<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    run(Command::new(BINQ).args(args).env_remove("NO_COLOR"))
}

/// binq, which must succeed and say nothing on standard error.
pub fn binq_ok<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Vec<u8> {
    let said = binq(args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "exit code, stderr");
    said.out
}

/// The directory of the WAL samples.
pub fn samples_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/pg_wal")
}

/// The sample of this name.
pub fn sample(name: &str) -> PathBuf {
    samples_dir().join(name)
}

/// All WAL samples.
pub fn samples() -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(samples_dir())
        .expect("samples/pg_wal is there")
        .map(|e| e.expect("an entry of samples/pg_wal").path())
        .filter(|p| p.extension().is_some_and(|e| e == "wal"))
        .collect();
    all.sort();
    assert!(all.len() >= 7, "a sample for each major");
    all
}

/// A new directory with a copy of a sample, named SEG.
pub fn with_copy(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let seg = dir.path().join("SEG");
    fs::copy(sample(name), &seg).unwrap();
    (dir, seg)
}

/// A record, as far as two tools can agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rec {
    pub lsn: u64,
    pub prev: u64,
    pub xid: u32,
    pub len: u32,
    pub rmgr: String,
    pub kind: String,
}

/// `0/202AB08` or `0/0202AB08`
pub fn lsn(text: &str) -> u64 {
    let (high, low) = text
        .split_once('/')
        .unwrap_or_else(|| panic!("no LSN: {text}"));
    let half = |s| u64::from_str_radix(s, 16).unwrap_or_else(|e| panic!("no LSN: {text}: {e}"));
    half(high) << 32 | half(low)
}

impl Rec {
    /// The columns of `records.tsv`'s kind: LSN, the one before, xid, length, resource manager, type.
    pub fn of_row(line: &str) -> Self {
        let cells: Vec<_> = line.split('\t').collect();
        let [at, prev, xid, len, rmgr, kind] = cells[..] else {
            panic!("{line:?} is no row");
        };
        Self {
            lsn: lsn(at),
            prev: lsn(prev),
            xid: xid.parse().expect(line),
            len: len.parse().expect(line),
            rmgr: rmgr.to_owned(),
            kind: kind.to_owned(),
        }
    }
}

/// The records of a file by binq.
pub fn records(file: &Path) -> Vec<Rec> {
    const ROW: &str =
        ".records[] | [.lsn, .xl_prev, .xl_xid, .xl_tot_len, .rmgr, .record_type] | @tsv";
    let out = binq_ok([OsStr::new("-r"), OsStr::new(ROW), file.as_os_str()]);
    let text = String::from_utf8(out).expect("rows are text");
    text.lines().map(Rec::of_row).collect()
}
