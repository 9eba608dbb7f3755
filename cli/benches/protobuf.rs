//! How quick binq is with protobuf, against its peers, in the same run: `cargo bench -p binq --bench protobuf`.
//!
//! The input is 100 MB of made-up people. Peers that are not installed are left out, and that is said.

mod common;

use common::{BINQ, Runs, installed, memory, shell};
use std::fs;
use std::path::Path;
use std::process::Command;

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
    let Some(dir) = common::dir() else {
        return;
    };
    make(&dir);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (proto, stream, people, part) = (
        path("people.proto"),
        path("people.delimited"),
        path("people.pb"),
        path("part.pb"),
    );
    let select = |filter: &str| {
        let mut c = Command::new(BINQ);
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
    let runs = Runs {
        count: 5,
        may_fail: false,
    };
    println!("100 MB of messages, 5 runs each, medians:");
    if installed("protoc", "--version") {
        let script = format!(
            "exec protoc -I '{}' --decode=People people.proto < '{people}'",
            dir.display()
        );
        runs.versus(
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
        runs.versus(&what, &one, &fq, FQ_PART as f64);
    }
    let slow = select(".messages[] | . as $m | select($m.id == 500000) | .name");
    runs.versus("the same : as jq runs it", &one, &slow, 1.0);
    let (big, out, copy) = (path("big.pb"), path("out"), path("copy"));
    let edit = shell(&format!(
        "exec '{BINQ}' --proto '{proto}' --message Big -b '.name = \"a longer name\"' '{big}' > '{out}'"
    ));
    let cp = shell(&format!("exec cp '{big}' '{copy}'"));
    println!("one message of 100 MB:");
    runs.versus("edit one field : cp", &edit, &cp, 1.0);
    println!("memory (sampled), mapped parts of the file included:");
    memory("select on one field", "VmHWM:", &one);
    memory("edit one field of 100 MB", "VmHWM:", &edit);
    println!("of that, beyond the mapped file:");
    memory("select on one field", "RssAnon:", &one);
    memory("edit one field of 100 MB", "RssAnon:", &edit);
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
