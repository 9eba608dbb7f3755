//! Control files: against `pg_controldata`, and against where a C compiler puts the fields.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Confidence, Format, Node, Options, Plain, Probe, Scalar, Severity, Space};
use binq_postgres::control::PG_CONTROL;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const SAMPLES: [&str; 8] = [
    "pg12",
    "pg13",
    "pg14",
    "pg15",
    "pg15-stopped",
    "pg16",
    "pg17",
    "pg18",
];

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/pg_control");
    std::fs::read(path.join(name)).expect(name)
}

fn sample(name: &str) -> Bytes {
    file(&format!("{name}.control")).into()
}

fn decode(bytes: &Bytes) -> Node {
    PG_CONTROL.decode(Space::source(bytes.clone()), &Options::default())
}

fn probe(bytes: &[u8]) -> Confidence {
    PG_CONTROL.probe(&Probe { bytes })
}

/// A field by its path.
fn at(root: &Node, path: &str) -> Option<Node> {
    path.split('.')
        .try_fold(root.clone(), |node, name| node.field(name))
}

/// All that is wrong, a line each.
fn findings(root: &Node) -> Vec<String> {
    let line = |f: binq_core::Fault| {
        let (at, severity) = (f.offset.unwrap_or(0), f.severity);
        let (path, expected, found) = (f.path, f.expected, f.found);
        format!("{path} at {at}, {severity}: expected {expected}, found {found}")
    };
    root.findings().map(line).collect()
}

/// The bytes with fields assigned.
fn assigned(bytes: &Bytes, edits: &[(String, Scalar)]) -> Bytes {
    let mut root = decode(bytes);
    for (path, value) in edits {
        let value = Plain::Scalar(value.clone());
        match path.split_once('.') {
            None => {
                let field = root.take_field(path).expect("a field");
                root.put_field(field.assign(value).expect(path));
            }
            Some((outer, inner)) => {
                let mut around = root.take_field(outer).expect("a struct");
                let field = around.take_field(inner).expect("a field");
                around.put_field(field.assign(value).expect(path));
                root.put_field(around);
            }
        }
    }
    encode(&root, &EncodeOptions::default())
        .expect("an edit")
        .to_bytes()
}

fn assign(bytes: &Bytes, path: &str, value: impl Into<Scalar>) -> Bytes {
    assigned(bytes, &[(path.to_owned(), value.into())])
}

/// How `pg_controldata` writes a value.
#[derive(Clone, Copy)]
enum As {
    Plain,
    Time,
    Xid,
    YesNo,
    OnOff,
    ByValue,
    Signed,
}

/// What `pg_controldata` calls a field.
#[rustfmt::skip]
const LINES: [(&str, &str, As); 49] = [
    ("pg_control version number", "pg_control_version", As::Plain),
    ("Catalog version number", "catalog_version_no", As::Plain),
    ("Database system identifier", "system_identifier", As::Plain),
    ("Database cluster state", "state", As::Plain),
    ("pg_control last modified", "time", As::Time),
    ("Latest checkpoint location", "checkPoint", As::Plain),
    ("Latest checkpoint's REDO location", "checkPointCopy.redo", As::Plain),
    ("Latest checkpoint's TimeLineID", "checkPointCopy.ThisTimeLineID", As::Plain),
    ("Latest checkpoint's PrevTimeLineID", "checkPointCopy.PrevTimeLineID", As::Plain),
    ("Latest checkpoint's full_page_writes", "checkPointCopy.fullPageWrites", As::OnOff),
    // 12 and 13, and later ones
    ("Latest checkpoint's NextXID", "checkPointCopy.nextFullXid", As::Xid),
    ("Latest checkpoint's NextXID", "checkPointCopy.nextXid", As::Xid),
    ("Latest checkpoint's NextOID", "checkPointCopy.nextOid", As::Plain),
    ("Latest checkpoint's NextMultiXactId", "checkPointCopy.nextMulti", As::Plain),
    ("Latest checkpoint's NextMultiOffset", "checkPointCopy.nextMultiOffset", As::Plain),
    ("Latest checkpoint's oldestXID", "checkPointCopy.oldestXid", As::Plain),
    ("Latest checkpoint's oldestXID's DB", "checkPointCopy.oldestXidDB", As::Plain),
    ("Latest checkpoint's oldestActiveXID", "checkPointCopy.oldestActiveXid", As::Plain),
    ("Latest checkpoint's oldestMultiXid", "checkPointCopy.oldestMulti", As::Plain),
    ("Latest checkpoint's oldestMulti's DB", "checkPointCopy.oldestMultiDB", As::Plain),
    ("Latest checkpoint's oldestCommitTsXid", "checkPointCopy.oldestCommitTsXid", As::Plain),
    ("Latest checkpoint's newestCommitTsXid", "checkPointCopy.newestCommitTsXid", As::Plain),
    ("Time of latest checkpoint", "checkPointCopy.time", As::Time),
    ("Fake LSN counter for unlogged rels", "unloggedLSN", As::Plain),
    ("Minimum recovery ending location", "minRecoveryPoint", As::Plain),
    ("Min recovery ending loc's timeline", "minRecoveryPointTLI", As::Plain),
    ("Backup start location", "backupStartPoint", As::Plain),
    ("Backup end location", "backupEndPoint", As::Plain),
    ("End-of-backup record required", "backupEndRequired", As::YesNo),
    ("wal_level setting", "wal_level", As::Plain),
    ("wal_log_hints setting", "wal_log_hints", As::OnOff),
    ("max_connections setting", "MaxConnections", As::Plain),
    ("max_worker_processes setting", "max_worker_processes", As::Plain),
    ("max_wal_senders setting", "max_wal_senders", As::Plain),
    ("max_prepared_xacts setting", "max_prepared_xacts", As::Plain),
    ("max_locks_per_xact setting", "max_locks_per_xact", As::Plain),
    ("track_commit_timestamp setting", "track_commit_timestamp", As::OnOff),
    ("Maximum data alignment", "maxAlign", As::Plain),
    ("Database block size", "blcksz", As::Plain),
    ("Blocks per segment of large relation", "relseg_size", As::Plain),
    ("WAL block size", "xlog_blcksz", As::Plain),
    ("Bytes per WAL segment", "xlog_seg_size", As::Plain),
    ("Maximum length of identifiers", "nameDataLen", As::Plain),
    ("Maximum columns in an index", "indexMaxKeys", As::Plain),
    ("Maximum size of a TOAST chunk", "toast_max_chunk_size", As::Plain),
    ("Size of a large-object chunk", "loblksize", As::Plain),
    ("Float8 argument passing", "float8ByVal", As::ByValue),
    ("Data page checksum version", "data_checksum_version", As::Plain),
    ("Default char data signedness", "default_char_signedness", As::Signed),
];
/// What is no field of its own: a constant, and the name of the segment that `redo` is in.
const NO_FIELDS: [&str; 2] = [
    "Date/time type storage",
    "Latest checkpoint's REDO WAL file",
];
/// The fields that it does not print.
const NOT_PRINTED: [&str; 5] = [
    "checkPointCopy.wal_level",
    "floatFormat",
    "float4ByVal",
    "crc",
    "gap0",
];

/// `Sat Nov 28 23:39:58 2026`, as RFC 3339.
fn rfc3339(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, time, year] = words[..] else {
        panic!("{text:?} is no time");
    };
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(month).expect("a month") / 3 + 1;
    format!("{year}-{month:02}-{day:0>2}T{time}Z")
}

/// Hold each line that `pg_controldata` printed against the fields, and see that no field is left out.
fn compare(root: &Node, printed: &str, what: &str) {
    let mut seen: BTreeSet<&str> = NOT_PRINTED.into_iter().collect();
    for line in printed.lines().filter(|line| !line.starts_with('#')) {
        let (label, text) = line.split_once(':').expect("a line");
        let text = text.trim();
        if NO_FIELDS.contains(&label) {
            continue;
        }
        if label == "Mock authentication nonce" {
            let nonce = at(root, "mock_authentication_nonce").expect("a nonce");
            let hex: String = nonce
                .bytes()
                .unwrap()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(hex, text, "{what}");
            seen.insert("mock_authentication_nonce");
            continue;
        }
        let known = LINES.iter().filter(|line| line.0 == label);
        let (path, node, how) = known
            .filter_map(|(_, path, how)| Some((*path, at(root, path)?, *how)))
            .next()
            .unwrap_or_else(|| panic!("{what}: no field for {line:?}"));
        seen.insert(path);
        let value = node.scalar();
        let word = |no, yes| String::from(if value == Scalar::Bool(true) { yes } else { no });
        let (ours, theirs) = match how {
            As::Plain => (
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
                text.to_owned(),
            ),
            As::Time => (node.description().expect("a time"), rfc3339(text)),
            As::Xid => {
                let xid = value.as_int().expect("a number");
                (
                    format!("{}:{}", xid >> 32, xid & 0xffff_ffff),
                    text.to_owned(),
                )
            }
            As::YesNo => (word("no", "yes"), text.to_owned()),
            As::OnOff => (word("off", "on"), text.to_owned()),
            As::ByValue => (word("by reference", "by value"), text.to_owned()),
            As::Signed => (word("unsigned", "signed"), text.to_owned()),
        };
        assert_eq!(ours, theirs, "{what}: {path}");
    }
    for path in paths(root) {
        assert!(seen.contains(&*path), "{what}: nothing was said of {path}");
    }
}

/// The paths of all leaves.
fn paths(root: &Node) -> Vec<String> {
    let mut out = Vec::new();
    for (name, field) in root.fields() {
        match &*name {
            "checkPointCopy" => out.extend(
                field
                    .fields()
                    .into_iter()
                    .map(|(inner, _)| format!("{name}.{inner}")),
            ),
            name => out.push(name.to_owned()),
        }
    }
    out
}

/// A directory that goes with its last user.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("binq-{}-{name}", std::process::id()));
        std::fs::create_dir_all(dir.join("global")).expect("a directory");
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// pg_controldata of a major: Debian's, or one that `samples/make-pg-wal --waldump` fetched.
fn pg_controldata(major: u32) -> Option<PathBuf> {
    let debian = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/pg_controldata"));
    let cache = std::env::var_os("BINQ_PG_CACHE").map(PathBuf::from);
    let cached = cache.map(|dir| dir.join(format!("waldump-{major}/bin/pg_controldata")));
    let mut both = std::iter::once(debian).chain(cached);
    let found = both.find(|path| path.exists());
    if found.is_none() {
        binq_laws::skip(format!("no pg_controldata of major {major}"));
    }
    found
}

/// What it says of a file: the fields that it prints, and all, warnings included.
fn run(tool: &Path, dir: &Dir, bytes: &[u8]) -> (String, String) {
    std::fs::write(dir.0.join("global/pg_control"), bytes).expect("a file");
    let mut command = Command::new(tool);
    let out = command
        .arg("-D")
        .arg(&dir.0)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .expect("pg_controldata runs");
    let printed = String::from_utf8(out.stdout).expect("text");
    let lines = printed.lines().filter(|line| line.contains(':'));
    let lines = lines.map(|line| format!("{line}\n")).collect();
    (lines, printed + &String::from_utf8_lossy(&out.stderr))
}

const BAD_CRC: &str = "Calculated CRC checksum does not match value stored in ";

fn warns(said: &str) -> bool {
    said.to_lowercase().contains(&BAD_CRC.to_lowercase())
}

#[test]
fn fields_are_those_that_pg_controldata_prints() {
    for name in SAMPLES {
        let printed = String::from_utf8(file(&format!("{name}.txt"))).expect("text");
        let root = decode(&sample(name));
        compare(&root, &printed, name);
        assert_eq!(findings(&root), [""; 0], "{name}");
        assert_eq!(probe(&sample(name)), Confidence::Certain, "{name}");
    }
}

/// Where gcc puts the fields; see the head of the file.
#[test]
fn fields_lie_where_a_c_compiler_puts_them() {
    let text = include_str!("data/control-offsets.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(' ').collect()).collect();
    for (key, version, catalog) in [
        ("12", 1201_u32, 201_909_212_u32),
        ("13", 1300, 202_007_201),
        ("14", 1300, 202_107_181),
        ("15", 1300, 202_209_061),
        ("16", 1300, 202_307_071),
        ("17", 1700, 202_406_281),
        ("18", 1800, 202_506_291),
        ("1902", 1902, 202_605_131),
        ("1905", 1905, 202_609_161),
    ] {
        let mut bytes = vec![0; 8192];
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        bytes[12..16].copy_from_slice(&catalog.to_le_bytes());
        let root = decode(&bytes.into());
        let expected: Vec<String> = rows
            .iter()
            .filter(|row| row[0] == key && row[1] != "checkPointCopy")
            .map(|row| row[1..].join(" "))
            .collect();
        let mut found: Vec<String> = paths(&root)
            .iter()
            .map(|path| {
                let span = at(&root, path).expect("a field").span();
                format!("{path} {} {}", span.start / 8, span.len / 8)
            })
            .collect();
        assert!(found.pop().is_some_and(|gap| gap.starts_with("gap0 ")));
        let sorted = |mut rows: Vec<String>| {
            rows.sort();
            rows
        };
        assert_eq!(sorted(found), sorted(expected), "{key}");
    }
}

/// A value of its own for each field, as far as pg_controldata does not depend on it.
fn other_values(root: &Node) -> Vec<(String, Scalar)> {
    let keep = [
        "pg_control_version",
        "catalog_version_no",
        "xlog_seg_size",
        "crc",
        "gap0",
    ];
    // 12, whose flags are read by the tool of 13
    let is_12 = root.field("float4ByVal").is_some();
    let paths = paths(root).into_iter().filter(|path| {
        let flag = is_12 && path.ends_with("ByVal");
        !keep.contains(&&**path) && !flag
    });
    let edits = paths.enumerate().map(|(i, path)| {
        let node = at(root, &path).expect("a field");
        let value = match node.actual().expect("a value") {
            Scalar::Bool(b) => Scalar::Bool(!b),
            Scalar::Int(_) if path.ends_with("wal_level") => Scalar::Int(0),
            Scalar::Int(_) if path == "state" => Scalar::Int(5),
            Scalar::Int(_) => Scalar::Int(1_000_003 + i as i128),
            Scalar::Float(_) => Scalar::Float(0.5),
            _ => Scalar::Bytes(vec![i as u8; 32].into()),
        };
        (path, value)
    });
    edits.collect()
}

#[test]
fn pg_controldata_reads_an_edit_of_every_field() {
    let dir = Dir::new("control-edits");
    for name in SAMPLES {
        let major: u32 = name[2..4].parse().expect("a major");
        // no package carries that of 12: but for float4ByVal, 13 has its layout
        let Some(tool) = pg_controldata(major.max(13)) else {
            continue;
        };
        let bytes = sample(name);
        let edits = other_values(&decode(&bytes));
        let edited = assigned(&bytes, &edits);
        let root = decode(&edited);
        for (path, value) in &edits {
            assert_eq!(
                at(&root, path).unwrap().actual().as_ref(),
                Some(value),
                "{name}: {path}"
            );
        }
        let (printed, said) = run(&tool, &dir, &edited);
        assert!(!warns(&said), "{name}: {said}");
        compare(&root, &printed, name);

        // the same bytes with the old checksum
        let mut stale = edited.to_vec();
        let crc = at(&root, "crc").unwrap().span();
        let crc = crc.start as usize / 8..crc.end() as usize / 8;
        stale[crc.clone()].copy_from_slice(&bytes[crc.clone()]);
        assert!(warns(&run(&tool, &dir, &stale).1), "{name}");
        let root = decode(&stale.into());
        let fault = at(&root, "crc").unwrap().fault().expect("a fault");
        assert_eq!(
            (fault.severity, fault.offset),
            (Severity::Damage, Some(crc.start as u64)),
            "{name}"
        );
    }
}

#[test]
fn an_edit_changes_the_field_and_the_checksum() {
    let bytes = sample("pg15");
    let edited = assign(&bytes, "checkPoint", "0/2000060");
    let differ: Vec<usize> = (0..8192).filter(|i| bytes[*i] != edited[*i]).collect();
    let inside = |i: &usize| (32..40).contains(i) || (288..292).contains(i);
    assert!(differ.iter().all(inside), "{differ:?}");
    assert_eq!(findings(&decode(&edited)), [""; 0]);
    // one that is assigned stays
    let wrong = assigned(
        &bytes,
        &[
            ("MaxConnections".into(), 4096.into()),
            ("crc".into(), 7.into()),
        ],
    );
    assert_eq!(
        at(&decode(&wrong), "crc").unwrap().actual(),
        Some(Scalar::Int(7))
    );
    assert_eq!(findings(&decode(&wrong)).len(), 1);
    // nothing is recomputed for the value that is there
    assert_eq!(assign(&bytes, "state", "in production"), bytes);
}

#[test]
fn a_file_of_the_server_here_is_read_and_edited() {
    let initdb = Path::new("/usr/lib/postgresql/15/bin/initdb");
    let Some(tool) = pg_controldata(15).filter(|_| initdb.exists()) else {
        return binq_laws::skip("no server of major 15");
    };
    let dir = Dir::new("control-initdb");
    let data = dir.0.join("data");
    // a server does not run as root
    let owner = Command::new("id").arg("-u").output().expect("id runs");
    let is_root = String::from_utf8_lossy(&owner.stdout).trim() == "0";
    let mut command = match is_root {
        true => {
            let chown = Command::new("chown").arg("postgres").arg(&dir.0).status();
            assert!(chown.expect("chown runs").success());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(initdb);
            command
        }
        false => Command::new(initdb),
    };
    let made = command
        .arg("-D")
        .arg(&data)
        .args(["-A", "trust", "--no-sync"])
        .output();
    let made = made.expect("initdb runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let bytes: Bytes = std::fs::read(data.join("global/pg_control"))
        .expect("a control file")
        .into();
    assert_eq!(probe(&bytes), Confidence::Certain);
    let (printed, said) = run(&tool, &dir, &bytes);
    assert!(!warns(&said));
    compare(&decode(&bytes), &printed, "initdb");
    let edited = assign(&bytes, "state", "in archive recovery");
    let (printed, said) = run(&tool, &dir, &edited);
    assert!(
        !warns(&said) && printed.contains("in archive recovery"),
        "{said}"
    );
}

#[test]
fn other_versions_and_machines_show_what_is_certain() {
    let bytes = sample("pg15");
    let with = |version: [u8; 4]| {
        let mut other = bytes.to_vec();
        other[8..12].copy_from_slice(&version);
        Bytes::from(other)
    };
    for (version, expected) in [
        (
            2000_u32.to_le_bytes(),
            "one of [1201, 1300, 1700, 1800, 1902, 1905]",
        ),
        (1300_u32.to_be_bytes(), "the other byte order"),
    ] {
        let other = with(version);
        assert_eq!(probe(&other), Confidence::No);
        let root = decode(&other);
        let names: Vec<_> = root
            .fields()
            .into_iter()
            .map(|(name, _)| name.to_string())
            .collect();
        assert_eq!(
            names,
            [
                "system_identifier",
                "pg_control_version",
                "catalog_version_no",
                "gap0"
            ]
        );
        let found = u32::from_le_bytes(version);
        let fault = format!(".pg_control_version at 8, stops: expected {expected}, found {found}");
        assert_eq!(findings(&root), [fault]);
        // what is certain can be edited, and nothing else changes
        let mut edited = assign(&other, "system_identifier", 7).to_vec();
        assert_eq!(edited[..8], 7_u64.to_le_bytes());
        edited[..8].copy_from_slice(&other[..8]);
        assert_eq!(edited, other);
    }
}

#[test]
fn what_a_server_refuses_is_a_fault() {
    let bytes = sample("pg17");
    let float = assign(&bytes, "floatFormat", Scalar::Float(1.5));
    assert_eq!(
        findings(&decode(&float)),
        [".floatFormat at 208, stops: expected 1234567, found 1.5"]
    );
    let size = assign(&bytes, "xlog_seg_size", 1_048_577);
    assert_eq!(
        findings(&decode(&size)),
        [
            ".xlog_seg_size at 228, stops: expected a power of two in 1048576..=1073741824, found 1048577"
        ]
    );
    // tried with a server of 15
    for (field, value, expected) in [
        (
            "checkPoint",
            Scalar::from("0/5"),
            "a place behind the header of a page of the log",
        ),
        (
            "checkPoint",
            Scalar::from("0/2017"),
            "a place behind the header of a page of the log",
        ),
        ("state", 99.into(), "a state from 1 to 6"),
        ("state", 0.into(), "a state from 1 to 6"),
        ("maxAlign", 3.into(), "8"),
        ("blcksz", 7.into(), "a power of two in 1024..=32768"),
        ("blcksz", 4096.into(), "1024, for pages of 4096 bytes"),
        ("relseg_size", 0.into(), "at least 1"),
        ("xlog_blcksz", 3.into(), "a power of two in 1024..=65536"),
        ("nameDataLen", 7.into(), "a multiple of 4"),
        ("indexMaxKeys", 0.into(), "at least 1"),
        (
            "toast_max_chunk_size",
            5.into(),
            "1996, for pages of 8192 bytes",
        ),
        ("loblksize", 5.into(), "2048, for pages of 8192 bytes"),
        ("float8ByVal", Scalar::Bool(false), "true"),
    ] {
        for name in ["pg13", "pg15", "pg17", "pg18"] {
            let found = findings(&decode(&assign(&sample(name), field, value.clone())));
            let told = format!(", stops: expected {expected}, found ");
            assert!(
                found.iter().any(|line| line.contains(&told)),
                "{name} {field}: {found:?}"
            );
        }
    }
    for (field, value) in [
        ("checkPoint", "0/2018"),
        ("checkPoint", "F/FFFFFFF8"),
        ("state", "shut down"),
    ] {
        assert_eq!(findings(&decode(&assign(&bytes, field, value))), [""; 0]);
    }
    // padding, too, is under the checksum
    for at in (0..288).filter(|at| !(8..16).contains(at)) {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1;
        assert_eq!(probe(&damaged), Confidence::Likely);
        let found = findings(&decode(&damaged.into()));
        let is_crc = |line: &String| line.starts_with(".crc at 288, damage: ");
        assert!(found.iter().any(is_crc), "{at}: {found:?}");
    }
}

#[test]
fn numbers_have_borders() {
    let bytes = sample("pg17");
    let told = |field: &str, value: u64| {
        let found = findings(&decode(&assign(&bytes, field, value)));
        let own = format!(".{field} at ");
        found.iter().any(|line| line.starts_with(&own))
    };
    for (field, least, most) in [
        ("blcksz", 1 << 10, 1 << 15),
        ("xlog_blcksz", 1 << 10, 1 << 16),
        ("xlog_seg_size", 1 << 20, 1 << 30),
    ] {
        for value in [least, 2 * least, most / 2, most] {
            assert!(!told(field, value), "{field} {value}");
        }
        for value in [
            0,
            least / 2,
            least - 1,
            least + 1,
            most - 1,
            most + 1,
            2 * most,
        ] {
            assert!(told(field, value), "{field} {value}");
        }
    }
    for (field, value, wrong) in [
        ("relseg_size", 0, true),
        ("relseg_size", 1, false),
        ("indexMaxKeys", 0, true),
        ("indexMaxKeys", 1, false),
        ("nameDataLen", 4, false),
        ("nameDataLen", 5, true),
        ("nameDataLen", 8, false),
        ("state", 0, true),
        ("state", 1, false),
        ("state", 6, false),
        ("state", 7, true),
    ] {
        assert_eq!(told(field, value), wrong, "{field} {value}");
    }
}

#[test]
fn cut_files_show_what_they_hold() {
    let bytes = sample("pg18");
    for len in 0..400 {
        let root = decode(&bytes.slice(..len));
        let found = findings(&root);
        let unit = if len < 296 { "stops" } else { "odd" };
        assert!(found.len() == 1 || len < 12, "{len}: {found:?}");
        assert!(found.last().unwrap().contains(unit), "{len}: {found:?}");
        for path in paths(&root) {
            let span = at(&root, &path).unwrap().span();
            assert!(span.end() / 8 <= len as u64, "{len}: {path}");
        }
        let again = encode(&root, &EncodeOptions::default()).unwrap().to_bytes();
        assert_eq!(again, bytes.slice(..len));
    }
    // longer than a server writes it
    let long = [&bytes[..], b"more"].concat();
    assert_eq!(
        findings(&decode(&long.into())),
        [". at 296, odd: expected 8192 bytes, found 8196"]
    );
}

#[test]
fn what_only_looks_like_one_is_not_claimed() {
    let mut bytes = vec![0_u8; 8192];
    bytes[8..12].copy_from_slice(&1300_u32.to_le_bytes());
    assert_eq!(probe(&bytes), Confidence::No);
    for len in [0, 7, 11, 15] {
        assert_eq!(probe(&sample("pg18")[..len]), Confidence::No);
    }
    assert_eq!(probe(&sample("pg18")[..16]), Confidence::Likely);
}
