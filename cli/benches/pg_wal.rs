//! How quick binq is with WAL, against its peers, in the same run: `cargo bench -p binq --bench pg_wal`.
//!
//! The input is made by a real server (15 and pgbench, from Debian's packages).

mod common;

use common::{BINQ, Runs, cmd, memory, shell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    let Some(dir) = common::dir() else {
        return;
    };
    let Some(server) = server() else {
        println!("skipped: no postgres 15 with pgbench in /usr/lib/postgresql/15/bin");
        return;
    };
    let segment = segment(&server, &dir, 16);
    let huge = segment_of(&server, &dir, 1024);
    let waldump = server.join("pg_waldump");
    let s = segment.to_str().unwrap();
    let h = huge.to_str().unwrap();
    let out = dir.join("out");
    let copy = dir.join("copy");

    let runs = Runs {
        count: 15,
        // pg_waldump ends with 1 where a log ends
        may_fail: true,
    };
    println!("16 MB segment, 15 runs each, medians:");
    let stats = cmd(&waldump, &["--stats", s]);
    runs.versus(
        "'.records | length' : pg_waldump --stats",
        &cmd(BINQ, &[".records | length", s]),
        &stats,
        1.0,
    );
    let print = cmd(&waldump, &[s]);
    let four = ".records[] | {lsn, rmgr, record_type, xl_xid}";
    runs.versus(
        "four fields of each record : pg_waldump",
        &cmd(BINQ, &["-c", four, s]),
        &print,
        1.0,
    );
    let rewrite = shell(&format!(
        "exec '{BINQ}' -b '.records[1000].xl_xid = 7' '{s}' > '{}'",
        out.display()
    ));
    let cp = shell(&format!("exec cp '{s}' '{}'", copy.display()));
    runs.versus("rewrite one record : cp", &rewrite, &cp, 1.0);

    println!("1 GB segment:");
    runs.single(
        "first(.records[])",
        &cmd(BINQ, &["first(.records[]) | .lsn", h]),
    );
    println!("start-up:");
    runs.single("binq -n 1", &cmd(BINQ, &["-n", "1"]));
    println!("memory beyond the mapped file (most of RssAnon, sampled):");
    memory(
        "'.records | length', 16 MB",
        "RssAnon:",
        &cmd(BINQ, &[".records | length", s]),
    );
    memory(
        "four fields of each record, 16 MB",
        "RssAnon:",
        &cmd(BINQ, &["-c", four, s]),
    );
    memory(
        "'.' as JSON, 16 MB",
        "RssAnon:",
        &cmd(BINQ, &["-c", ".", s]),
    );
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
