//! Postgres and its pg_waldump, where the machine has them.
//!
//! Looked for in `/usr/lib/postgresql/*/bin`, `/opt/binq-postgres/*/bin`, `$BINQ_PG_CACHE/*/bin` and `$PATH`.

use crate::common::{Rec, lsn, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// Say that a test is skipped, or fail where it must not be: of PostgreSQL 15 there must be all, where oracles are required.
pub fn skip(major: u32, why: &str) {
    match major {
        15 => binq_laws::skip(why),
        _ => binq_laws::skip_anyway(why),
    }
}

/// Say that a test is skipped for want of a pg_waldump, or fail where there must be one. No package carries the one of 12;
/// `samples/make-pg-wal --waldump` fetches the others.
pub fn skip_waldump(major: u32) {
    let why = format!("no pg_waldump of major {major}");
    match major {
        12 => binq_laws::skip_anyway(&why),
        _ => binq_laws::skip(&why),
    }
}

fn folders() -> Vec<PathBuf> {
    let mut all = Vec::new();
    let cache = env::var_os("BINQ_PG_CACHE").map(PathBuf::from);
    let usual = ["/usr/lib/postgresql", "/opt/binq-postgres"].map(PathBuf::from);
    for parent in usual.into_iter().chain(cache) {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries.map(|e| e.path().join("bin")).collect();
        found.sort();
        all.extend(found);
    }
    all.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    all
}

/// Programs of this name by the major that they say they are of; the first found of each.
fn by_major(name: &str) -> BTreeMap<u32, PathBuf> {
    let mut all = BTreeMap::new();
    for program in folders().iter().map(|f| f.join(name)) {
        if !program.is_file() {
            continue;
        }
        let Ok(output) = Command::new(&program).arg("--version").output() else {
            continue;
        };
        // pg_waldump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_once("(PostgreSQL) ").map_or("", |(_, v)| v);
        let digits = version.split(|c: char| !c.is_ascii_digit()).next();
        if let Some(major) = digits.and_then(|d| d.parse().ok()) {
            all.entry(major).or_insert(program);
        }
    }
    all
}

/// pg_waldump of a major.
pub fn pg_waldump(major: u32) -> Option<&'static Path> {
    static FOUND: OnceLock<BTreeMap<u32, PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| by_major("pg_waldump"));
    found.get(&major).map(PathBuf::as_path)
}

/// The folder with initdb, pg_ctl and postgres of a major.
pub fn server(major: u32) -> Option<&'static Path> {
    static FOUND: OnceLock<BTreeMap<u32, PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| by_major("initdb"));
    let folder = found.get(&major)?.parent()?;
    let whole = ["pg_ctl", "postgres"]
        .iter()
        .all(|p| folder.join(p).is_file());
    whole.then_some(folder)
}

/// psql of any version; it talks to servers of all these majors.
pub fn psql() -> Option<&'static Path> {
    static FOUND: OnceLock<BTreeMap<u32, PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| by_major("psql"));
    found.last_key_value().map(|(_, path)| path.as_path())
}

/// The major that wrote a segment, by the magic of its first page.
pub fn major_of(segment: &[u8]) -> u32 {
    match u16::from_le_bytes([segment[0], segment[1]]) {
        0xD101 => 12,
        0xD106 => 13,
        0xD10D => 14,
        0xD110 => 15,
        0xD113 => 16,
        0xD116 => 17,
        0xD118 => 18,
        magic => panic!("no page magic of 12 to 18: {magic:04X}"),
    }
}

/// The name that a server gives to a segment: timeline and number, from the long page header.
pub fn segment_name(segment: &[u8]) -> String {
    let u32_at = |at: usize| u32::from_le_bytes(segment[at..at + 4].try_into().unwrap());
    let address = u64::from_le_bytes(segment[8..16].try_into().unwrap());
    let size = u64::from(u32_at(32));
    let (number, per_file) = (address / size, (1 << 32) / size);
    let timeline = u32_at(4);
    format!(
        "{timeline:08X}{:08X}{:08X}",
        number / per_file,
        number % per_file
    )
}

/// What pg_waldump says of a segment.
#[derive(Debug)]
pub struct Dump {
    pub records: Vec<Rec>,
    /// Its complaint, with the LSNs in it as `_`.
    pub complaint: String,
    pub code: i32,
}

/// Let pg_waldump of the right major read a segment; `None` where there is none.
pub fn dump(segment: &[u8]) -> Option<Dump> {
    let program = pg_waldump(major_of(segment))?;
    let dir = tempfile::tempdir().unwrap();
    let name = segment_name(segment);
    fs::write(dir.path().join(&name), segment).unwrap();
    let said = run(Command::new(program)
        .arg(&name)
        .current_dir(dir.path())
        .env("LC_ALL", "C"));
    // some records carry bytes of the user
    let text = String::from_utf8_lossy(&said.out);
    let records = text.lines().filter_map(|l| l.strip_prefix("rmgr: "));
    Some(Dump {
        records: records.map(dumped).collect(),
        complaint: without_lsns(&said.err),
        code: said.code,
    })
}

/// `Heap        len (rec/tot):     76/    76, tx:      32745, lsn: 0/00B02158, prev 0/00AFEA28, desc: INSERT off 31 ...`
fn dumped(line: &str) -> Rec {
    let between = |from: &str, to: &str| {
        let (_, rest) = line
            .split_once(from)
            .unwrap_or_else(|| panic!("no {from:?}: {line}"));
        let (cell, _) = rest
            .split_once(to)
            .unwrap_or_else(|| panic!("no {to:?}: {line}"));
        cell.trim().to_owned()
    };
    let (rmgr, _) = line.split_once(" len (rec/tot):").expect(line);
    let (_, desc) = line.split_once(", desc: ").expect(line);
    let mut words = desc.split(' ');
    let mut kind = words.next().unwrap_or_default().to_owned();
    if kind == "UNKNOWN" {
        kind = format!("{kind} {}", words.next().expect(line));
    }
    let lengths = between("len (rec/tot):", ", tx:");
    let (_, len) = lengths.split_once('/').expect(line);
    Rec {
        lsn: lsn(&between(", lsn: ", ",")),
        prev: lsn(&between(", prev ", ",")),
        xid: between(", tx:", ",").parse().expect(line),
        len: len.trim().parse().expect(line),
        rmgr: rmgr.trim().to_owned(),
        kind,
    }
}

fn without_lsns(text: &str) -> String {
    let is_lsn = |w: &str| {
        let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
        w.split_once('/').is_some_and(|(a, b)| hex(a) && hex(b))
    };
    let words = text.split([' ', '\n']).map(|w| {
        let end = w.trim_end_matches([':', ',', ';']);
        if is_lsn(end) {
            w.replace(end, "_")
        } else {
            w.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ").trim().to_owned()
}
