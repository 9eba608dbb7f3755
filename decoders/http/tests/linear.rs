//! Work grows no faster than input, output and edits together: counted in instructions, by valgrind, at n and at 4n.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Key, Node, Options, Plain, Space};
use binq_http::{Http1, Http2};
use std::process::Command;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn literal(first: u8, name: &str, value: &str) -> Vec<u8> {
    let text = |s: &str| [&[s.len() as u8], s.as_bytes()].concat();
    [vec![first], text(name), text(value)].concat()
}

const GET: &[u8] = &[0x82, 0x86, 0x84];

fn each(n: u32, make: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..n).flat_map(make).collect()
}

/// Streams that have n of something.
fn input(name: &str, n: u32) -> Vec<u8> {
    let http2 = |frames: Vec<u8>| [PREFACE, &frame(4, 0, 0, &[]), &frames].concat();
    let header = |form: u8| move |i: u32| literal(form, &format!("x{i:06}"), "v");
    match name {
        "headers" => http2(frame(1, 5, 1, &[GET, &each(n, header(0))].concat())),
        "entries" => {
            // a table that holds them all
            let size: &[u8] = &[0x3f, 0xe1, 0xff, 0xff, 0x03];
            let again = frame(1, 5, 3, &[GET, &[0x80 | 62]].concat());
            http2(
                [
                    frame(1, 5, 1, &[size, GET, &each(n, header(0x40))].concat()),
                    again,
                ]
                .concat(),
            )
        }
        "continuations" => {
            let last = |i: u32| if i + 1 == n { 4 } else { 0 };
            let parts = each(n, |i| frame(9, last(i), 1, &header(0)(i)));
            http2([frame(1, 1, 1, GET), parts].concat())
        }
        "streams" => http2(each(n, |i| {
            let id = 2 * i + 1;
            let length = literal(0, "content-length", "5");
            let block = [GET, &length, &literal(0x40, "x", &format!("{i:06}"))].concat();
            [frame(1, 4, id, &block), frame(0, 1, id, b"hello")].concat()
        })),
        "data" => http2([frame(1, 4, 1, GET), each(n, |_| frame(0, 0, 1, b"hello"))].concat()),
        "settings" => http2(frame(
            4,
            0,
            0,
            &each(n, |i| [&[0, 3][..], &i.to_be_bytes()].concat()),
        )),
        "messages" => each(n, |_| {
            b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_vec()
        }),
        "chunks" => {
            let head = b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            [
                &head[..],
                &each(n, |_| b"5\r\nhello\r\n".to_vec()),
                b"0\r\n\r\n",
            ]
            .concat()
        }
        _ => {
            let lines = each(n, |i| format!("x{i:06}: v\r\n").into_bytes());
            [&b"GET /a HTTP/1.1\r\nHost: a\r\n"[..], &lines, b"\r\n"].concat()
        }
    }
}

/// Change a field, or each item of an array, and so on along a path.
fn change(node: Node, path: &[&str], to: &dyn Fn(Node) -> Node) -> Node {
    let Some((step, rest)) = path.split_first() else {
        return to(node);
    };
    let mut node = node;
    if *step == "*" {
        for i in 0..node.len() {
            let child = node.take_item(i).expect("an item");
            node.put_item(i, change(child, rest, to));
        }
        return node;
    }
    if let Ok(i) = step.parse() {
        let child = node.take_item(i).expect("an item");
        node.put_item(i, change(child, rest, to));
        return node;
    }
    if let Some(child) = node.take_field(step) {
        node.put_field(change(child, rest, to));
    }
    node
}

/// What is done, by its name: read all, or an edit of all.
const CASES: &[(&str, &str, &str)] = &[
    ("headers", "find", ""),
    ("headers", "set", "frames 1 payload headers * value"),
    ("headers", "set", "frames 1 payload headers * name"),
    ("headers", "same", "frames 1 payload headers * value"),
    ("headers", "remove", "frames 1 payload headers"),
    ("entries", "find", ""),
    ("entries", "set", "frames 1 payload headers * value"),
    ("entries", "turn", "frames 1 payload headers"),
    ("continuations", "find", ""),
    ("continuations", "set", "frames 1 payload headers * value"),
    ("streams", "find", ""),
    ("streams", "set", "frames * payload data"),
    ("streams", "set", "frames * payload headers 4 value"),
    ("streams", "turn", "frames"),
    ("streams", "remove", "frames"),
    ("data", "find", ""),
    ("data", "set", "frames * payload data"),
    ("settings", "find", ""),
    ("messages", "find", ""),
    ("messages", "set", "requests * body"),
    ("messages", "set", "requests * target"),
    ("messages", "same", "requests * headers 1 value"),
    ("chunks", "find", ""),
    ("chunks", "set", "requests 0 chunks * data"),
    ("chunks", "empty", "requests 0 chunks * data"),
    ("lines", "find", ""),
    ("lines", "set", "requests 0 headers * value"),
    ("lines", "turn", "requests 0 headers"),
];

fn work((name, does, path): (&str, &str, &str), n: u32) {
    let format: &dyn Format = match name {
        "messages" | "chunks" | "lines" => &Http1,
        _ => &Http2,
    };
    let bytes = input(name, n);
    let root = format.decode(Space::source(bytes.clone()), &Options::default());
    let assign = |node: Node, value: &str| node.assign(Plain::Scalar(value.into())).unwrap();
    let list = |node: Node, items: Vec<Node>| {
        node.set_items(items.into_iter().map(Plain::Node).collect())
            .unwrap()
    };
    let to = |node: Node| match does {
        "set" if node.key() == Some(&Key::Name("target".into())) => assign(node, "/longer"),
        "set" => assign(node, "longer"),
        "empty" => assign(node, ""),
        "same" => {
            let is = node.scalar();
            node.assign(Plain::Scalar(is)).unwrap()
        }
        "turn" => {
            let mut items: Vec<_> = node.items().collect();
            items[1..].reverse();
            list(node, items)
        }
        _ => {
            let items = node.items().step_by(2).collect();
            list(node, items)
        }
    };
    if does == "find" {
        std::hint::black_box(root.findings().count());
        return;
    }
    let path: Vec<&str> = path.split(' ').collect();
    let root = change(root, &path, &to);
    let out = encode(&root, &EncodeOptions::default()).unwrap().to_bytes();
    assert_eq!(out == bytes, does == "same" || n == 0, "{name} {does}");
}

/// The work alone, for valgrind: `BINQ_WORK` is the number of the case and n.
#[test]
#[ignore = "run by the other test"]
fn work_alone() {
    let asked = std::env::var("BINQ_WORK").expect("BINQ_WORK");
    let (case, n) = asked.split_once(' ').expect("a case and n");
    work(CASES[case.parse::<usize>().unwrap()], n.parse().unwrap());
}

fn instructions(case: usize, n: u32) -> u64 {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "work_alone", "--test-threads=1"])
        .env("BINQ_WORK", format!("{case} {n}"))
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}");
    let count = text.lines().find_map(|l| l.split("Collected :").nth(1));
    count.expect("a count").trim().parse().unwrap()
}

#[test]
fn work_is_linear() {
    let there = Command::new("valgrind").arg("--version").output();
    if !there.is_ok_and(|o| o.status.success()) {
        assert!(
            std::env::var_os("BINQ_REQUIRE_ORACLES").is_none(),
            "valgrind is required"
        );
        eprintln!("skipped: no valgrind");
        return;
    }
    let mut steep = Vec::new();
    for (i, case) in CASES.iter().enumerate() {
        let [start, once, four] = [2, 150, 600].map(|n| instructions(i, n));
        let factor = (four - start) as f64 / (once - start) as f64;
        println!("{case:?}: {once} instructions, {factor:.2} times as many at 4n");
        if factor > 6.0 {
            steep.push((case, factor));
        }
    }
    assert!(steep.is_empty(), "{steep:?}");
}
