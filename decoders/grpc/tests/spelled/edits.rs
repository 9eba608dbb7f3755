//! Edits of calls: what they bring with them, and how the bytes are read then.

use super::build::*;
use super::calls::{answer, ask, data, hello, trailers};
use super::web::{base64, over_http1};
use super::{call, calls, keep, message};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Plain, Reject, Scalar};
use binq_http::{Http1, Http2};
use binq_laws::spelled::spelled;
use binq_laws::{follow, parse, update};
use std::fmt::Write;

enum Op<'a> {
    Set(&'a str, Scalar),
    Items(&'a str, &'a [u64]),
    Field(&'a str, &'a str, Scalar),
    Message(&'a str, &'a [u8]),
}

fn apply(root: &Node, op: &Op<'_>) -> Result<Node, Reject> {
    let path = match op {
        Op::Set(path, _) | Op::Items(path, _) | Op::Field(path, ..) | Op::Message(path, _) => path,
    };
    let keys = parse(path);
    follow(root, &keys).unwrap_or_else(|| panic!("no {path}"));
    update(root, &keys, &mut |node| {
        let all = (0..node.len()).map(|i| Plain::Node(node.item(i).unwrap()));
        match op {
            Op::Set(_, value) => node.assign(Plain::Scalar(value.clone())),
            Op::Items(_, order) => {
                let items = order
                    .iter()
                    .map(|i| Plain::Node(node.item(*i).unwrap()))
                    .collect();
                node.set_items(items)
            }
            Op::Field(_, name, value) => {
                let name = ("name".to_owned(), Plain::Scalar((*name).into()));
                let value = ("value".to_owned(), Plain::Scalar(value.clone()));
                let items = all.chain([Plain::Object(vec![name, value])]).collect();
                node.set_items(items)
            }
            Op::Message(_, bytes) => {
                let items = all
                    .chain([Plain::Scalar(Scalar::Bytes(bytes.to_vec().into()))])
                    .collect();
                node.set_items(items)
            }
        }
    })
}

/// Which of the peers sent what is edited.
#[derive(Clone, Copy)]
enum Of {
    Client = 0,
    Server = 1,
}

/// The first call with some edits, in the bytes that one peer sent: what is told of them, and what is other then.
fn case(format: &dyn Format, peers: &(Peer, Peer), of: Of, ops: &[Op<'_>], no_fix: bool) -> String {
    let (client, server) = peers;
    let (found, spaces) = calls(format, client, server).unwrap();
    let space = &spaces[of as usize];
    let old = call(&*found, 0, space);
    let mut root = old.clone();
    for op in ops {
        root = match apply(&root, op) {
            Ok(root) => root,
            Err(why) => return format!("refused: {why}\n"),
        };
    }
    let out = match encode(&root, &EncodeOptions { no_fix }) {
        Ok(out) => out,
        Err(why) => return format!("not written: {why}\n"),
    };
    let mut text = String::new();
    for note in &out.report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let bytes = Peer::new().at(1, &out.to_bytes());
    let (client, server) = match of {
        Of::Client => (&bytes, server),
        Of::Server => (client, &bytes),
    };
    let Some((found, spaces)) = calls(format, client, server) else {
        return text + "not of this format\n";
    };
    let new = call(&*found, 0, &spaces[of as usize]);
    let listing = |root: &Node| {
        // the fields of HTTP show how a text is written
        let own = without(&spelled(root), &[". ", ".time", ".duration"]);
        let stream = spelled(&root.field("stream").unwrap());
        let kept =
            |l: &&str| l.contains("headers[") || l.contains("trailers[") || l.contains(".body");
        own + &stream
            .lines()
            .filter(kept)
            .flat_map(|l| [l, "\n"])
            .collect::<String>()
    };
    text + &changes(&listing(&old), &listing(&new))
}

fn raw(bytes: &[u8]) -> Scalar {
    Scalar::Bytes(bytes.to_vec().into())
}

#[test]
fn edits_of_calls() {
    let (c, s) = hello();
    let metadata = [
        literal("x-text", "a"),
        literal("k-bin", "AAE="),
        literal("l-bin", "AAE"),
        literal("m-bin", "\0\x07"),
    ];
    let body = [message(0, b"one"), message(0, b"two")].concat();
    let peers = (
        c.at(1, &ask(1, "/p.S/M", &metadata))
            .at(2, &data(1, 0, &body[..10]))
            .at(3, &data(1, END, &body[10..])),
        s.at(4, &answer(1, &[]))
            .at(5, &data(1, 0, &message(0, b"answer")))
            .at(
                6,
                &trailers(
                    1,
                    &[
                        ("grpc-status", "5"),
                        ("grpc-message", "a%20b"),
                        ("x-end", "1"),
                        ("k-bin", "AAE"),
                    ],
                ),
            ),
    );
    let all: String = (0..=0x7f).map(char::from).collect();
    let sent: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "a message grows",
            vec![Op::Set(".requests[0].message", raw(b"first"))],
        ),
        (
            "a message across frames",
            vec![Op::Set(".requests[1].message", raw(b"second one"))],
        ),
        (
            "a message becomes nothing",
            vec![Op::Set(".requests[1].message", raw(b""))],
        ),
        ("a new message", vec![Op::Message(".requests", b"three")]),
        ("a message less", vec![Op::Items(".requests", &[1])]),
        (
            "messages in reverse, and one twice",
            vec![Op::Items(".requests", &[1, 0, 0])],
        ),
        ("a length", vec![Op::Set(".requests[0].length", 2.into())]),
        (
            "a length and its message",
            vec![
                Op::Set(".requests[0].length", 2.into()),
                Op::Set(".requests[0].message", raw(b"first")),
            ],
        ),
        (
            "the flag",
            vec![Op::Set(".requests[0].compressed", Scalar::Bool(true))],
        ),
        ("the path", vec![Op::Set(".path", "/q.T/N".into())]),
        ("the authority", vec![Op::Set(".authority", "other".into())]),
        (
            "metadata",
            vec![Op::Set(".metadata[0].value", "b c".into())],
        ),
        (
            "metadata in base64 with padding",
            vec![Op::Set(".metadata[1].value", raw(&[1]))],
        ),
        (
            "metadata in base64 without padding",
            vec![Op::Set(".metadata[2].value", raw(&[1]))],
        ),
        (
            "metadata as it is",
            vec![Op::Set(".metadata[1].value", raw(&[0, 1]))],
        ),
        (
            "raw metadata",
            vec![Op::Set(".metadata[3].value", raw(&[9, 0]))],
        ),
        (
            "two and three bytes",
            vec![
                Op::Set(".metadata[1].value", raw(&[255, 254])),
                Op::Set(".metadata[2].value", raw(&[255, 254, 253])),
            ],
        ),
        (
            "new metadata",
            vec![Op::Field(".metadata", "y-text", "v".into())],
        ),
        (
            "new binary metadata",
            vec![Op::Field(".metadata", "y-bin", raw(&[1]))],
        ),
        ("metadata less", vec![Op::Items(".metadata", &[1, 3])]),
        (
            "a name that means something else",
            vec![Op::Set(".metadata[0].name", "x-bin".into())],
        ),
    ];
    let received: Vec<(&str, Vec<Op<'_>>)> = vec![
        ("a status", vec![Op::Set(".status", 16.into())]),
        (
            "a status by its name",
            vec![Op::Set(".status", "OK".into())],
        ),
        (
            "a status that is not known",
            vec![Op::Set(".status", 17.into())],
        ),
        (
            "a status of 2^32",
            vec![Op::Set(".status", Scalar::Int(1 << 32))],
        ),
        (
            "a status below 0",
            vec![Op::Set(".status", Scalar::Int(-1))],
        ),
        ("a status as it is", vec![Op::Set(".status", 5.into())]),
        ("a message", vec![Op::Set(".message", "ü%".into())]),
        (
            "a message as it is",
            vec![Op::Set(".message", "a b".into())],
        ),
        (
            "a message of all of ASCII",
            vec![Op::Set(".message", all.as_str().into())],
        ),
        (
            "a message of bytes",
            vec![Op::Set(".message", raw(&[0x7e, 0x7f, 0x80, 0xff]))],
        ),
        (
            "a response",
            vec![Op::Set(".responses[0].message", raw(b"longer answer"))],
        ),
        (
            "trailers",
            vec![
                Op::Set(".trailers[0].value", "2".into()),
                Op::Set(".trailers[1].value", raw(&[2])),
            ],
        ),
        (
            "a new trailer",
            vec![Op::Field(".trailers", "y-bin", raw(&[1, 2]))],
        ),
    ];
    let mut text = String::new();
    for no_fix in [false, true] {
        let how = if no_fix { ", without what follows" } else { "" };
        for (of, cases) in [(Of::Client, &sent), (Of::Server, &received)] {
            let some = cases.iter().take(if no_fix { 5 } else { usize::MAX });
            text += &table(some.map(|(name, ops)| {
                (
                    format!("{name}{how}"),
                    case(&Http2, &peers, of, ops, no_fix),
                )
            }));
        }
    }
    keep("edits", &text);
}

#[test]
fn edits_of_web_calls() {
    let body = [
        message(0, b"one"),
        message(0, b"two"),
        message(0x80, b"grpc-status: 5\r\nX-End: 1\r\n"),
    ]
    .concat();
    let alone = [message(0, b"one"), message(0, b"two")].concat();
    let text_body = base64(&body);
    let runs = [base64(&body[..9]), base64(&body[9..])].concat();
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "a message",
            vec![Op::Set(".responses[0].message", raw(b"ONE"))],
        ),
        (
            "a message grows",
            vec![Op::Set(".responses[0].message", raw(b"first"))],
        ),
        (
            "the last message grows",
            vec![Op::Set(".responses[1].message", raw(b"second"))],
        ),
        ("a message less", vec![Op::Items(".responses", &[1])]),
        ("a new message", vec![Op::Message(".responses", b"three")]),
    ];
    let ends: Vec<(&str, Vec<Op<'_>>)> = vec![
        ("a status", vec![Op::Set(".status", 7.into())]),
        ("a longer status", vec![Op::Set(".status", 16.into())]),
        (
            "a trailer",
            vec![Op::Set(".trailers[0].value", "22".into())],
        ),
        (
            "a new trailer",
            vec![Op::Field(".trailers", "y-bin", raw(&[1, 2]))],
        ),
        ("no trailers", vec![Op::Items(".trailers", &[])]),
        (
            "a message and a trailer",
            vec![
                Op::Set(".responses[0].message", raw(b"first")),
                Op::Set(".trailers[0].value", "22".into()),
            ],
        ),
    ];
    let news: Vec<(&str, Vec<Op<'_>>)> = vec![(
        "a first trailer",
        vec![Op::Field(".trailers", "grpc-status", "0".into())],
    )];
    let mut text = String::new();
    for (name, kind, body, cases) in [
        (
            "bytes",
            "application/grpc-web+json",
            &body,
            [&cases[..], &ends].concat_refs(),
        ),
        (
            "bytes without trailers",
            "application/grpc-web+json",
            &alone,
            [&cases[..], &news].concat_refs(),
        ),
        (
            "base64",
            "application/grpc-web-text+json",
            &text_body,
            [&cases[..], &ends].concat_refs(),
        ),
        (
            "two runs of base64",
            "application/grpc-web-text+json",
            &runs,
            [&cases[..], &ends].concat_refs(),
        ),
    ] {
        let peers = over_http1(kind, b"", "", body);
        for no_fix in [false, true] {
            let how = if no_fix { ", without what follows" } else { "" };
            text += &table(cases.iter().map(|(case_name, ops)| {
                (
                    format!("{name}: {case_name}{how}"),
                    case(&Http1, &peers, Of::Server, ops, no_fix),
                )
            }));
        }
    }
    keep("web_edits", &text);
}

trait ConcatRefs<'a, T> {
    fn concat_refs(&self) -> Vec<&'a T>;
}

impl<'a, T> ConcatRefs<'a, T> for [&'a [T]; 2] {
    fn concat_refs(&self) -> Vec<&'a T> {
        self.iter().flat_map(|part| part.iter()).collect()
    }
}
