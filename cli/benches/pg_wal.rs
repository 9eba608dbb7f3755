//! How quick binq is with WAL, against its peers, in the same run: `cargo bench -p binq --bench pg_wal`.
//!
//! The input is made by a real server (15 and pgbench, from Debian's packages), in a folder that is kept between runs:
//! `$BINQ_BENCH_DIR`, or `binq-bench` in the folder for temporary files. Each command runs alternately with its peer, as a
//! whole process; the figures are medians, to be read as ratios.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 15;

fn main() {
    // `cargo test --benches` only asks whether this runs at all
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let Some(server) = server() else {
        println!("skipped: no postgres 15 with pgbench in /usr/lib/postgresql/15/bin");
        return;
    };
    let dir = std::env::var_os("BINQ_BENCH_DIR")
        .map_or_else(|| std::env::temp_dir().join("binq-bench"), PathBuf::from);
    fs::create_dir_all(&dir).expect("a folder for the inputs");
    let segment = segment(&server, &dir, 16);
    let huge = segment_of(&server, &dir, 1024);
    let binq = env!("CARGO_BIN_EXE_binq");
    let waldump = server.join("pg_waldump");
    let s = segment.to_str().unwrap();
    let h = huge.to_str().unwrap();
    let out = dir.join("out");
    let copy = dir.join("copy");

    println!("16 MB segment, {RUNS} runs each, medians:");
    let stats = cmd(&waldump, &["--stats", s]);
    versus(
        "'.records | length' : pg_waldump --stats",
        &cmd(binq, &[".records | length", s]),
        &stats,
    );
    let print = cmd(&waldump, &[s]);
    let four = ".records[] | {lsn, rmgr, record_type, xl_xid}";
    versus(
        "four fields of each record : pg_waldump",
        &cmd(binq, &["-c", four, s]),
        &print,
    );
    let rewrite = shell(&format!(
        "exec '{binq}' -b '.records[1000].xl_xid = 7' '{s}' > '{}'",
        out.display()
    ));
    let cp = shell(&format!("exec cp '{s}' '{}'", copy.display()));
    versus("rewrite one record : cp", &rewrite, &cp);

    println!("1 GB segment:");
    single(
        "first(.records[])",
        &cmd(binq, &["first(.records[]) | .lsn", h]),
    );
    println!("start-up:");
    single("binq -n 1", &cmd(binq, &["-n", "1"]));
    println!("memory beyond the mapped file (most of RssAnon, sampled):");
    memory(
        "'.records | length', 16 MB",
        &cmd(binq, &[".records | length", s]),
    );
    memory(
        "four fields of each record, 16 MB",
        &cmd(binq, &["-c", four, s]),
    );
    memory("'.' as JSON, 16 MB", &cmd(binq, &["-c", ".", s]));
}

fn server() -> Option<PathBuf> {
    let bin = PathBuf::from("/usr/lib/postgresql/15/bin");
    ["postgres", "initdb", "pgbench", "pg_waldump"]
        .iter()
        .all(|p| bin.join(p).exists())
        .then_some(bin)
}

/// A full segment of pgbench's work.
fn segment(server: &Path, dir: &Path, mb: u32) -> PathBuf {
    make(
        server,
        dir,
        mb,
        "pgbench -i -s 5 -q && pgbench -c 4 -t 12000 -n",
        5,
    )
}

/// The first segment of a new cluster: little log, and much room.
fn segment_of(server: &Path, dir: &Path, mb: u32) -> PathBuf {
    make(server, dir, mb, "pgbench -i -s 1 -q", 1)
}

fn make(server: &Path, dir: &Path, mb: u32, work: &str, number: u32) -> PathBuf {
    // pg_waldump wants the name that the server gave
    let name = format!("00000001{:016X}", number);
    let path = dir.join(format!("{mb}mb-{name}")).join(&name);
    if path.exists() {
        return path;
    }
    let data = dir.join("data");
    let pgbench = format!(
        "'{}/pgbench' -h '{}' postgres",
        server.display(),
        dir.display()
    );
    let work = work.replace("pgbench", &pgbench);
    let script = format!(
        "set -e; cd '{dir}'; rm -rf data
        '{bin}/initdb' -D data -A trust --no-sync --wal-segsize={mb} >log
        '{bin}/pg_ctl' -D data -w -l log -o \"-c listen_addresses= -c unix_socket_directories='{dir}' \
            -c max_wal_size=8GB -c wal_keep_size=4GB -c checkpoint_timeout=1h\" start >>log
        {{ {work}; }} >>log 2>&1
        '{bin}/pg_ctl' -D data -w stop >>log",
        dir = dir.display(),
        bin = server.display(),
    );
    let mut command = match is_root() {
        false => shell(&script),
        true => {
            let chown = Command::new("chown").arg("postgres").arg(dir).status();
            assert!(chown.expect("chown").success());
            cmd("runuser", &["-u", "postgres", "--", "sh", "-c", &script])
        }
    };
    let made = command.stdout(Stdio::null()).status().expect("a shell");
    assert!(made.success(), "see {}", dir.join("log").display());
    fs::create_dir_all(path.parent().unwrap()).expect("a folder for the segment");
    fs::copy(data.join("pg_wal").join(&name), &path).expect("the segment");
    fs::remove_dir_all(&data).expect("the cluster is no longer needed");
    path
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

fn cmd(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut c = Command::new(program);
    c.args(args);
    c
}

fn shell(script: &str) -> Command {
    cmd("sh", &["-c", script])
}

fn time(command: &Command) -> Duration {
    let mut c = Command::new(command.get_program());
    c.args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    // pg_waldump ends with 1 where a log ends
    c.status().expect("the command runs");
    start.elapsed()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn versus(what: &str, ours: &Command, theirs: &Command) {
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (x, y) = (time(ours).as_secs_f64(), time(theirs).as_secs_f64());
        // the first pair warms up
        if run > 0 {
            a.push(x * 1e3);
            b.push(y * 1e3);
            ratios.push(x / y);
        }
    }
    println!(
        "  {what:45} {:8.1} ms : {:8.1} ms = {:.2}",
        median(a),
        median(b),
        median(ratios)
    );
}

fn single(what: &str, command: &Command) {
    let all = (0..=RUNS)
        .map(|_| time(command).as_secs_f64() * 1e3)
        .skip(1);
    println!("  {what:45} {:8.1} ms", median(all.collect()));
}

fn memory(what: &str, command: &Command) {
    let mut c = Command::new(command.get_program());
    let mut child = c
        .args(command.get_args())
        .stdout(Stdio::null())
        .spawn()
        .expect("the command runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        let kb = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
        most = most.max(kb.unwrap_or(0));
        std::thread::sleep(Duration::from_micros(500));
    }
    println!("  {what:45} {:8.1} MiB", most as f64 / 1024.0);
}
