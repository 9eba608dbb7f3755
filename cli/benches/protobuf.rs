//! How quick binq is with protobuf, against its peers, in the same run: `cargo bench -p binq --bench protobuf`.
//!
//! The input is 100 MB of made-up people, in a folder that is kept between runs: `$BINQ_BENCH_DIR`, or `binq-bench` in the
//! folder for temporary files. Each command runs alternately with its peer, as a whole process; the figures are medians, to
//! be read as ratios. Peers that are not installed are left out, and that is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: usize = 5;
const SIZE: usize = 100_000_000;
/// fq takes minutes for all of it; it gets so much, and its time is multiplied.
const FQ_PART: usize = 200;

const PROTO: &str = r#"syntax = "proto3";
message Address { int32 number = 1; string street = 2; }
message Person {
  int32 id = 1; string name = 2; int32 age = 3; Address address = 4;
  repeated string tags = 5; repeated int32 scores = 6; double weight = 7;
}
message People { repeated Person people = 1; }
message Big { int32 id = 1; string name = 2; bytes data = 3; int32 after = 4; }
"#;

fn main() {
    // `cargo test --benches` only asks whether this runs at all
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let dir = std::env::var_os("BINQ_BENCH_DIR")
        .map_or_else(|| std::env::temp_dir().join("binq-bench"), PathBuf::from);
    fs::create_dir_all(&dir).expect("a folder for the inputs");
    make(&dir);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (proto, stream, people, part) = (
        path("people.proto"),
        path("people.delimited"),
        path("people.pb"),
        path("part.pb"),
    );
    let binq = env!("CARGO_BIN_EXE_binq");
    let select = |filter: &str| {
        let mut c = Command::new(binq);
        c.args([
            "-d",
            "protobuf_delimited",
            "--proto",
            &proto,
            "--message",
            "Person",
            "-c",
        ]);
        c.args([filter, &stream]);
        c
    };
    let one = select(".messages[] | select(.id == 500000) | .name");
    println!("100 MB of messages, {RUNS} runs each, medians:");
    if installed("protoc", "--version") {
        let script = format!(
            "exec protoc -I '{}' --decode=People people.proto < '{people}'",
            dir.display()
        );
        versus(
            "select on one field : protoc --decode",
            &one,
            &shell(&script),
            1.0,
        );
    }
    if installed("fq", "--version") {
        let mut fq = Command::new("fq");
        // without a schema, fq is told to read each person as a message
        let filter =
            ".fields[] | .wire_value | tobytes | protobuf | select(.fields[0].wire_value == 1000)";
        fq.args(["-d", "protobuf", filter, &part]);
        let what = format!("select on one field : fq, 1/{FQ_PART} times {FQ_PART}");
        versus(&what, &one, &fq, FQ_PART as f64);
    }
    let slow = select(".messages[] | . as $m | select($m.id == 500000) | .name");
    versus("the same : as jq runs it", &one, &slow, 1.0);
    let (big, out, copy) = (path("big.pb"), path("out"), path("copy"));
    let edit = shell(&format!(
        "exec '{binq}' --proto '{proto}' --message Big -b '.name = \"a longer name\"' '{big}' > '{out}'"
    ));
    let cp = shell(&format!("exec cp '{big}' '{copy}'"));
    println!("one message of 100 MB:");
    versus("edit one field : cp", &edit, &cp, 1.0);
    println!("memory beyond the mapped file (most of RssAnon, sampled):");
    memory("select on one field", &one);
    memory("edit one field of 100 MB", &edit);
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn text(number: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn make(dir: &Path) {
    fs::write(dir.join("people.proto"), PROTO).expect("the folder is writable");
    if dir.join("big.pb").exists() {
        return;
    }
    let (mut stream, mut people) = (Vec::new(), Vec::new());
    let mut id = 0u64;
    while stream.len() < SIZE {
        let mut address = vec![8];
        varint(id * 7 % 1000, &mut address);
        text(
            2,
            format!("street {}", id * 13 % 10_000).as_bytes(),
            &mut address,
        );
        let mut one = vec![8];
        varint(id, &mut one);
        text(2, format!("name of person {id}").as_bytes(), &mut one);
        one.push(3 << 3);
        varint(id * 31 % 100, &mut one);
        text(4, &address, &mut one);
        text(5, b"tag", &mut one);
        text(5, b"another", &mut one);
        text(
            6,
            &[1, 22, 33, 44, 55, 66, 77, 88, 99, 11, 12, 13],
            &mut one,
        );
        one.push(7 << 3 | 1);
        one.extend((id as f64).sqrt().to_le_bytes());
        varint(one.len() as u64, &mut stream);
        stream.extend_from_slice(&one);
        text(1, &one, &mut people);
        id += 1;
    }
    // a whole number of messages
    let mut end = 0;
    while end < SIZE / FQ_PART {
        end += 2 + usize::from(people[end + 1]);
    }
    fs::write(dir.join("part.pb"), &people[..end]).expect("the folder is writable");
    fs::write(dir.join("people.delimited"), stream).expect("the folder is writable");
    fs::write(dir.join("people.pb"), people).expect("the folder is writable");
    let mut big = vec![8, 1];
    text(2, b"name", &mut big);
    text(3, &vec![0; SIZE], &mut big);
    big.extend([4 << 3, 5]);
    fs::write(dir.join("big.pb"), big).expect("the folder is writable");
}

fn installed(program: &str, flag: &str) -> bool {
    let found = Command::new(program)
        .arg(flag)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = found.is_ok_and(|s| s.success());
    if !found {
        println!("  left out: {program} is not installed");
    }
    found
}

fn shell(script: &str) -> Command {
    let mut c = Command::new("sh");
    c.args(["-c", script]);
    c
}

fn time(command: &Command) -> f64 {
    let mut c = Command::new(command.get_program());
    c.args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    assert!(c.status().expect("the command runs").success());
    start.elapsed().as_secs_f64()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn versus(what: &str, ours: &Command, theirs: &Command, times: f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (x, y) = (time(ours), time(theirs) * times);
        // the first pair warms up
        if run > 0 {
            a.push(x);
            b.push(y);
        }
    }
    let ratio = median(a.iter().zip(&b).map(|(x, y)| x / y).collect());
    let (a, b) = (median(a) * 1e3, median(b) * 1e3);
    println!(
        "  {what:52} {a:8.1} ms : {b:9.1} ms = {ratio:.3} (1 : {:.1})",
        1.0 / ratio
    );
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
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
    println!("  {what:52} {:8.1} MiB", most as f64 / 1024.0);
}
