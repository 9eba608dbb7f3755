//! Edits, what they are told to bring with them, and the values that their bytes are read as.

use super::build::*;
use super::keep;
use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Plain, Reject, Scalar};
use binq_http::{Http1, Http2};
use binq_laws::spelled::spelled;
use binq_laws::{follow, parse, update};
use std::fmt::Write;

/// A change of one place.
pub enum Op<'a> {
    Set(&'a str, Scalar),
    /// These items of a list, by their old indices.
    Items(&'a str, &'a [u64]),
    /// A new header field at the end of a list.
    Field(&'a str, &'a str, &'a str),
}

pub fn text_of(s: &str) -> Scalar {
    s.into()
}

fn apply(root: &Node, op: &Op<'_>) -> Result<Node, Reject> {
    let path = match op {
        Op::Set(path, _) | Op::Items(path, _) | Op::Field(path, ..) => path,
    };
    let keys = parse(path);
    follow(root, &keys).unwrap_or_else(|| panic!("no {path}"));
    let all = |node: &Node| {
        (0..node.len())
            .map(|i| Plain::Node(node.item(i).unwrap()))
            .collect::<Vec<_>>()
    };
    update(root, &keys, &mut |node| match op {
        Op::Set(_, value) => node.assign(Plain::Scalar(value.clone())),
        Op::Items(_, order) => {
            let items = order.iter().map(|i| Plain::Node(node.item(*i).unwrap()));
            let items = items.collect();
            node.set_items(items)
        }
        Op::Field(_, name, value) => {
            let part = |key: &str, s: &str| (key.to_owned(), Plain::Scalar(s.into()));
            let mut items = all(&node);
            items.push(Plain::Object(vec![
                part("name", name),
                part("value", value),
            ]));
            node.set_items(items)
        }
    })
}

/// The value with some edits: the bytes, and what is told of them; or why there is none.
pub fn edited(root: &Node, ops: &[Op<'_>], no_fix: bool) -> Result<(Vec<u8>, String), String> {
    let mut root = root.clone();
    for op in ops {
        root = apply(&root, op).map_err(|e| format!("refused: {e}\n"))?;
    }
    let options = EncodeOptions { no_fix };
    let out = encode(&root, &options).map_err(|e| format!("not written: {e}\n"))?;
    let mut notes = String::new();
    for note in &out.report.notes {
        let _ = writeln!(notes, "note: {note}");
    }
    Ok((out.to_bytes().to_vec(), notes))
}

fn case(format: &dyn Format, bytes: &[u8], ops: &[Op<'_>], no_fix: bool) -> String {
    match edited(&decode(format, bytes), ops, no_fix) {
        Err(why) => why,
        Ok((new, notes)) => {
            let same = if new == bytes { "the same bytes\n" } else { "" };
            let listing = |bytes: &[u8]| {
                let all = spelled(&decode(format, bytes));
                // flags have a test of their own
                let lines = all
                    .lines()
                    .filter(|l| !l.contains(".flags.") && !l.contains(".reserved "));
                lines.flat_map(|l| [l, "\n"]).collect::<String>()
            };
            format!("{notes}{same}{}", changes(&listing(bytes), &listing(&new)))
        }
    }
}

#[test]
fn edits_of_frames() {
    let padded = client(&[
        frame(HEADERS, ENDH, 1, POST),
        frame(DATA, PADDED, 1, &[2, b'a', b'b', b'c', 0, 0]),
        frame(DATA, END, 1, b"xyz"),
        frame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0why"),
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1, 0, 4, 0, 0, 0, 2]),
        frame(ORIGIN, 0, 0, b"\0\x01a\0\x02bc"),
        frame(ALTSVC, 0, 0, b"\0\x01ah2"),
    ]);
    let raw = |s: &str| Scalar::Bytes(s.as_bytes().to_vec().into());
    let f = |n: usize, rest: &str| format!(".frames[{n}]{rest}");
    let [data, pads, padding, length] = ["data", "pad_length", "padding", ""].map(|p| match p {
        "" => f(2, ".length"),
        p => f(2, &format!(".payload.{p}")),
    });
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        ("data becomes longer", vec![Op::Set(&data, raw("abcdef"))]),
        ("data becomes nothing", vec![Op::Set(&data, raw(""))]),
        (
            "padding becomes longer",
            vec![Op::Set(&padding, raw("\0\0\0\0"))],
        ),
        ("padding becomes nothing", vec![Op::Set(&padding, raw(""))]),
        (
            "padding of 255 bytes",
            vec![Op::Set(&padding, raw(&"\0".repeat(255)))],
        ),
        (
            "padding of 256 bytes",
            vec![Op::Set(&padding, raw(&"\0".repeat(256)))],
        ),
        (
            "data and padding",
            vec![Op::Set(&data, raw("a")), Op::Set(&padding, raw("\0"))],
        ),
        (
            "the length of the padding is assigned",
            vec![Op::Set(&pads, 1.into()), Op::Set(&padding, raw("\0\0\0"))],
        ),
        (
            "the length is assigned and right",
            vec![Op::Set(&length, 9.into()), Op::Set(&data, raw("abcdef"))],
        ),
        (
            "the length is assigned and wrong",
            vec![Op::Set(&length, 8.into()), Op::Set(&data, raw("abcdef"))],
        ),
        (
            "the length is assigned as it is",
            vec![Op::Set(&length, 6.into()), Op::Set(&data, raw("abcdef"))],
        ),
        (
            "the stream is another one",
            vec![Op::Set(".frames[3].stream_id", 3.into())],
        ),
        (
            "debug data",
            vec![Op::Set(".frames[4].payload.debug_data", raw("because"))],
        ),
        (
            "settings in reverse, and one twice",
            vec![Op::Items(".frames[5].payload.settings", &[1, 0, 1])],
        ),
        (
            "a setting less",
            vec![Op::Items(".frames[5].payload.settings", &[1])],
        ),
        (
            "an origin",
            vec![Op::Set(
                ".frames[6].payload.origins[0].ascii_origin",
                raw("https://a"),
            )],
        ),
        (
            "an alternative",
            vec![Op::Set(
                ".frames[7].payload.alt_svc_field_value",
                raw("h3=x"),
            )],
        ),
        (
            "data grows, and its frame moves",
            vec![
                Op::Set(&data, raw("abcdef")),
                Op::Items(".frames", &[0, 1, 3, 2, 4]),
            ],
        ),
        (
            "padding grows, and its frame is copied",
            vec![
                Op::Set(&padding, raw("\0\0\0\0")),
                Op::Items(".frames", &[0, 1, 2, 2, 3]),
            ],
        ),
        (
            "a length is assigned, and its frame moves",
            vec![
                Op::Set(&length, 6.into()),
                Op::Set(&data, raw("abcdef")),
                Op::Items(".frames", &[0, 1, 3, 2, 4]),
            ],
        ),
        (
            "a frame less",
            vec![Op::Items(".frames", &[0, 1, 2, 4, 5, 6, 7])],
        ),
        (
            "frames in another order",
            vec![Op::Items(".frames", &[0, 1, 3, 2, 5, 4])],
        ),
        (
            "a frame twice",
            vec![Op::Items(".frames", &[0, 1, 2, 2, 3])],
        ),
    ];
    let mut text = String::new();
    for no_fix in [false, true] {
        let how = if no_fix { ", without what follows" } else { "" };
        let cases = cases
            .iter()
            .map(|(name, ops)| (format!("{name}{how}"), case(&Http2, &padded, ops, no_fix)));
        text += &table(cases);
    }
    keep("edits_of_frames", &text);
}

/// Frames that outgrow what the peer is known to take are split (section 4.2).
#[test]
fn frames_that_become_too_long() {
    let raw = |n: usize| Scalar::Bytes(vec![b'x'; n].into());
    let bytes = client(&[
        frame(
            HEADERS,
            ENDH | PADDED | HAS_PRIORITY,
            1,
            &cat(&[&[1, 0, 0, 0, 0, 9], POST, &literal("a", "b"), &[0]]),
        ),
        frame(DATA, PADDED | END, 1, &[2, b'a', 0, 0]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
    ]);
    let mut text = String::new();
    let mut one = |name: &str, bytes: &[u8], ops: &[Op<'_>], no_fix: bool| {
        let _ = writeln!(text, "# {name}");
        match edited(&decode(&Http2, bytes), ops, no_fix) {
            Err(why) => text += &why,
            Ok((new, notes)) => {
                text += &notes;
                let root = decode(&Http2, &new);
                for f in root.field("frames").unwrap().items().skip(1) {
                    let n = |name: &str| f.field(name).unwrap().actual().unwrap();
                    let flags = f.field("flags").unwrap().bytes().unwrap()[0];
                    let _ = writeln!(
                        text,
                        "type {} flags {flags:#04x} length {} stream {}",
                        n("type"),
                        n("length"),
                        n("stream_id")
                    );
                }
                text += &findings(&root);
            }
        }
    };
    let data = ".frames[2].payload.data";
    for len in [16_381, 16_382, 32_765, 32_766] {
        one(
            &format!("data of {len} bytes"),
            &bytes,
            &[Op::Set(data, raw(len))],
            false,
        );
    }
    one(
        "data, as it is written",
        &bytes,
        &[Op::Set(data, raw(16_382))],
        true,
    );
    one(
        "a length that was assigned",
        &bytes,
        &[
            Op::Set(data, raw(16_382)),
            Op::Set(".frames[2].length", 16_385.into()),
        ],
        false,
    );
    for len in [16_300, 16_400, 40_000] {
        let value = text_of(&"v".repeat(len));
        one(
            &format!("a header field of {len} bytes"),
            &bytes,
            &[Op::Set(".frames[1].payload.headers[4].value", value)],
            false,
        );
    }
    // of a server
    let promise = cat(&[&[2], &[0, 0, 0, 2], GET, &literal("a", "b"), &[0, 0]]);
    let pushed = cat(&[
        &frame(SETTINGS, 0, 0, &[]),
        &frame(PUSH_PROMISE, ENDH | PADDED, 1, &promise),
    ]);
    one(
        "a promise",
        &pushed,
        &[Op::Set(
            ".frames[1].payload.headers[4].value",
            text_of(&"v".repeat(16_400)),
        )],
        false,
    );
    // a peer that was sent longer ones takes such
    let longer = client(&[
        frame(HEADERS, ENDH, 1, POST),
        frame(DATA, 0, 1, &[b'y'; 16_390]),
        frame(DATA, END, 1, b"z"),
    ]);
    for len in [16_390, 16_391] {
        one(
            &format!("data of {len} bytes where another frame has 16390"),
            &longer,
            &[Op::Set(".frames[3].payload.data", raw(len))],
            false,
        );
    }
    // what is cut off stays cut off
    let cut = &bytes[..bytes.len() - 2];
    one(
        "a frame that the end cuts off",
        cut,
        &[Op::Set(data, raw(3))],
        false,
    );
    keep("split", &text);
}

#[test]
fn edits_of_header_fields() {
    let first = cat(&[
        POST,
        &entry("x-a", "1"),
        &entry("x-b", "2"),
        &entry("x-c", "3"),
    ]);
    // x-c, x-b, x-a, and a literal named by x-b
    let later = cat(&[
        GET,
        &indexed(62),
        &indexed(63),
        &indexed(64),
        &literal_named(63, "9"),
    ]);
    let bytes = client(&[
        frame(HEADERS, ENDH | END, 1, &first),
        frame(HEADERS, END, 3, &later[..8]),
        frame(CONTINUATION, ENDH, 3, &later[8..]),
        frame(
            HEADERS,
            ENDH | END | PADDED,
            5,
            &cat(&[&[2], GET, &indexed(62), &[0, 0]]),
        ),
    ]);
    let h = |n: usize, rest: &str| format!(".frames[{n}].payload.headers{rest}");
    let paths: Vec<String> = [
        h(1, "[5].value"),
        h(1, "[5].name"),
        h(2, "[5].value"),
        h(2, "[5].name"),
        h(2, "[7].name"),
        h(2, "[7].value"),
        h(2, "[5].index"),
        h(1, ""),
        h(2, ""),
        h(4, "[4].value"),
        h(1, "[0].value"),
        h(1, "[3].value"),
        h(4, ""),
    ]
    .into();
    let p = |i: usize| paths[i].as_str();
    let t = text_of;
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        ("the value of an entry", vec![Op::Set(p(0), t("22"))]),
        ("the name of an entry", vec![Op::Set(p(1), t("x-bb"))]),
        ("the value of an index", vec![Op::Set(p(2), t("22"))]),
        ("the name of an index", vec![Op::Set(p(3), t("x-bb"))]),
        (
            "the name of a literal that an index tells",
            vec![Op::Set(p(4), t("x-n"))],
        ),
        ("the value of a literal", vec![Op::Set(p(5), t("99"))]),
        ("an index", vec![Op::Set(p(6), 62.into())]),
        (
            "an index that needs two bytes",
            vec![Op::Set(p(6), 127.into())],
        ),
        ("an entry less", vec![Op::Items(p(7), &[0, 1, 2, 3, 4, 6])]),
        (
            "entries in reverse",
            vec![Op::Items(p(7), &[0, 1, 2, 3, 6, 5, 4])],
        ),
        (
            "an entry twice",
            vec![Op::Items(p(7), &[0, 1, 2, 3, 4, 4, 5, 6])],
        ),
        (
            "fields of a block in two frames in reverse",
            vec![Op::Items(p(8), &[0, 1, 2, 3, 7, 6, 5, 4])],
        ),
        ("a new field", vec![Op::Field(p(8), "x-new", "n")]),
        (
            "a new field of a padded frame",
            vec![Op::Field(p(12), "x-new", "n")],
        ),
        (
            "a value of a padded frame",
            vec![Op::Set(p(9), t("longer than before"))],
        ),
        ("a static index", vec![Op::Set(p(10), t("PUT"))]),
        (
            "a value after a static name",
            vec![Op::Set(p(11), t("host"))],
        ),
        (
            "the first block goes",
            vec![Op::Items(".frames", &[0, 2, 3, 4])],
        ),
        (
            "a continuation goes",
            vec![Op::Items(".frames", &[0, 1, 2, 4])],
        ),
        (
            "the first frame of two goes",
            vec![Op::Items(".frames", &[0, 1, 3, 4])],
        ),
        ("blocks move", vec![Op::Items(".frames", &[0, 4, 2, 3, 1])]),
        (
            "a block is copied",
            vec![Op::Items(".frames", &[0, 1, 2, 3, 4, 2, 3])],
        ),
        (
            "a block of two is torn",
            vec![Op::Items(".frames", &[0, 1, 3, 2, 4])],
        ),
        (
            "static indices in reverse",
            vec![Op::Items(p(7), &[3, 2, 1, 0, 4, 5, 6])],
        ),
        (
            "a value changes, and the fields move",
            vec![
                Op::Set(p(2), t("22")),
                Op::Items(p(8), &[0, 1, 2, 3, 7, 6, 5, 4]),
            ],
        ),
        (
            "a continuation changes, and what comes later goes",
            vec![
                Op::Set(
                    ".frames[3].payload.fragment",
                    Scalar::Bytes(later[8..].to_vec().into()),
                ),
                Op::Items(".frames", &[0, 1, 2, 3]),
            ],
        ),
        (
            "a block is copied before itself",
            vec![Op::Items(".frames", &[0, 2, 3, 1, 2, 3, 4])],
        ),
        (
            "a block is copied twice",
            vec![Op::Items(".frames", &[0, 1, 2, 3, 2, 3, 2, 3])],
        ),
        (
            "the first frame of a block is copied",
            vec![Op::Items(".frames", &[0, 1, 2, 3, 4, 2])],
        ),
        (
            "a block moves to the end",
            vec![Op::Items(".frames", &[0, 1, 4, 2, 3])],
        ),
        (
            "a block ends the stream",
            vec![Op::Items(".frames", &[0, 1, 2])],
        ),
        (
            "an entry is renamed, and a field comes before what names it",
            vec![
                Op::Set(p(1), t("x-bb")),
                Op::Set(p(5), t("99")),
                Op::Items(p(8), &[0, 1, 2, 3, 4, 5, 6, 4, 7]),
            ],
        ),
        (
            "two edits at once",
            vec![Op::Set(p(1), t("x-bb")), Op::Set(p(5), t("99"))],
        ),
        (
            "an entry goes, and what names it changes",
            vec![Op::Items(p(7), &[0, 1, 2, 3, 4, 6]), Op::Set(p(5), t("99"))],
        ),
    ];
    let mut text = table(
        cases
            .iter()
            .map(|(name, ops)| ((*name).to_owned(), case(&Http2, &bytes, ops, false))),
    );
    text += &table(cases[..12].iter().map(|(name, ops)| {
        (
            format!("{name}, without what follows"),
            case(&Http2, &bytes, ops, true),
        )
    }));
    keep("edits_of_fields", &text);
}

/// A table that entries leave: what is longer pushes out others.
#[test]
fn edits_that_evict() {
    // 34 bytes each; the table has room for two
    let first = cat(&[&table_size(69), GET, &entry("a", "1"), &entry("b", "2")]);
    let bytes = client(&[
        frame(HEADERS, ENDH | END, 1, &first),
        frame(
            HEADERS,
            ENDH | END,
            3,
            &cat(&[GET, &indexed(63), &indexed(62)]),
        ),
        frame(
            HEADERS,
            ENDH | END,
            5,
            &cat(&[GET, &entry("c", "3"), &indexed(63), &indexed(62)]),
        ),
    ]);
    let t = text_of;
    let size = ".frames[1].payload.headers[0].max_size";
    let value = ".frames[1].payload.headers[6].value";
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "an entry grows, and both fit",
            vec![Op::Set(value, t("22"))],
        ),
        (
            "an entry grows, and one goes",
            vec![Op::Set(value, t("222"))],
        ),
        ("a table of 68 bytes", vec![Op::Set(size, 68.into())]),
        ("a table of 67 bytes", vec![Op::Set(size, 67.into())]),
        ("a table of 33 bytes", vec![Op::Set(size, 33.into())]),
        ("a table of 102 bytes", vec![Op::Set(size, 102.into())]),
    ];
    let mut text = table(
        cases
            .iter()
            .map(|(name, ops)| ((*name).to_owned(), case(&Http2, &bytes, ops, false))),
    );
    // an entry that nobody saw: the stream begins late
    let late = cat(&[
        &frame(
            HEADERS,
            ENDH | END,
            3,
            &cat(&[
                &indexed(62),
                &indexed(63),
                &entry("n", "1"),
                &indexed(62),
                &indexed(63),
                &literal_named(64, "v"),
            ]),
        ),
        &frame(HEADERS, ENDH | END, 5, &cat(&[&indexed(62), &indexed(64)])),
        &frame(PING, 0, 0, &[0; 8]),
    ]);
    let late = cat(&[&[0, 0], &late]);
    let headers = ".frames[0].payload.headers";
    let later: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "an entry before those that nobody saw goes",
            vec![Op::Items(headers, &[0, 1, 3, 4, 5])],
        ),
        (
            "an entry is added before them",
            vec![Op::Items(headers, &[2, 0, 1, 2, 3, 4, 5])],
        ),
        (
            "what nobody saw is assigned as it is",
            vec![
                Op::Set(".frames[0].payload.headers[0].name", Scalar::Null),
                Op::Set(".frames[0].payload.headers[1].value", Scalar::Null),
                Op::Set(".frames[0].payload.headers[5].name", Scalar::Null),
            ],
        ),
        (
            "a value after a name that nobody saw, and an entry before it goes",
            vec![
                Op::Set(".frames[0].payload.headers[5].value", t("vw")),
                Op::Items(headers, &[0, 1, 3, 4, 5]),
            ],
        ),
        (
            "a value that nobody saw",
            vec![Op::Set(".frames[0].payload.headers[0].value", t("v"))],
        ),
        (
            "a name that nobody saw",
            vec![Op::Set(".frames[0].payload.headers[5].name", t("nm"))],
        ),
        (
            "a field that nobody saw moves",
            vec![Op::Items(headers, &[1, 0, 2, 3, 4, 5])],
        ),
        (
            "frames with fields that nobody saw move",
            vec![Op::Items(".frames", &[1, 0, 2])],
        ),
    ];
    text += &table(
        later
            .iter()
            .map(|(name, ops)| ((*name).to_owned(), case(&Http2, &late, ops, false))),
    );
    keep("evicting", &text);
}

/// Changes behind a field of the same block, and entries that are named by others.
#[test]
fn edits_of_longer_blocks() {
    let long = literal("long", &"v".repeat(60));
    let first = cat(&[GET, &entry("x-a", "1"), &long, &entry_named(62, "2")]);
    // x-a: 2, x-a: 1
    let second = cat(&[
        GET,
        &long,
        &indexed(62),
        &literal("y", "1"),
        &indexed(63),
        &never("z", "1"),
    ]);
    let third = cat(&[
        GET,
        &literal_named(62, "3"),
        &entry_named(63, "4"),
        &indexed(62),
        &literal_named(62, "5"),
    ]);
    let bytes = client(&[
        frame(HEADERS, ENDH | END, 1, &first),
        frame(HEADERS, ENDH | END, 3, &second),
        frame(HEADERS, ENDH | END, 5, &third),
    ]);
    let t = text_of;
    let h = |n: usize, rest: &str| format!(".frames[{n}].payload.headers[{rest}");
    let paths = [
        h(1, "4].name"),
        h(1, "6].value"),
        h(2, "6].value"),
        h(2, "8].value"),
        h(3, "5].value"),
        h(2, "4].value"),
    ];
    let p = |i: usize| paths[i].as_str();
    let list = ".frames[2].payload.headers".to_owned();
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        ("an entry is renamed", vec![Op::Set(p(0), t("x-b"))]),
        (
            "and a value behind an index grows",
            vec![Op::Set(p(0), t("x-b")), Op::Set(p(2), t("11"))],
        ),
        (
            "and a value at the end grows",
            vec![Op::Set(p(0), t("x-b")), Op::Set(p(3), t("11"))],
        ),
        (
            "and a value before the indices changes",
            vec![Op::Set(p(0), t("x-b")), Op::Set(p(5), t("short"))],
        ),
        (
            "and the value of one that it names changes",
            vec![Op::Set(p(0), t("x-b")), Op::Set(p(1), t("22"))],
        ),
        (
            "the value of an entry that an index names",
            vec![Op::Set(p(1), t("22")), Op::Set(p(4), t("44"))],
        ),
        (
            "a field that is never indexed comes twice",
            vec![Op::Items(&list, &[0, 1, 2, 3, 8, 8, 4])],
        ),
        (
            "and an entry is renamed",
            vec![Op::Set(p(0), t("x-b")), Op::Set(p(4), t("44"))],
        ),
    ];
    let text = table(
        cases
            .iter()
            .map(|(name, ops)| ((*name).to_owned(), case(&Http2, &bytes, ops, false))),
    );
    keep("edits_of_longer_blocks", &text);
}

#[test]
fn content_lengths_follow() {
    let post = |stream, length: &[u8]| frame(HEADERS, ENDH, stream, &cat(&[POST, length]));
    let bytes = client(&[
        post(1, &entry("content-length", "5")),
        frame(DATA, 0, 1, b"he"),
        frame(DATA, PADDED | END, 1, b"\x02llo\0\0"),
        post(3, &indexed(62)),
        frame(DATA, END, 3, b"other"),
        post(5, &literal("content-length", "4")),
        frame(DATA, END, 5, b"wrong"),
    ]);
    let raw = |s: &str| Scalar::Bytes(s.as_bytes().to_vec().into());
    let length = ".frames[1].payload.headers[4].value";
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "data grows",
            vec![Op::Set(".frames[2].payload.data", raw("heee"))],
        ),
        (
            "padded data grows",
            vec![Op::Set(".frames[3].payload.data", raw("lloo"))],
        ),
        (
            "padding grows",
            vec![Op::Set(".frames[3].payload.padding", raw("\0\0\0"))],
        ),
        (
            "both shrink",
            vec![
                Op::Set(".frames[2].payload.data", raw("")),
                Op::Set(".frames[3].payload.data", raw("l")),
            ],
        ),
        (
            "one that grows and one that shrinks",
            vec![
                Op::Set(".frames[2].payload.data", raw("")),
                Op::Set(".frames[3].payload.data", raw("hello")),
            ],
        ),
        (
            "another stream, whose length is an index",
            vec![Op::Set(".frames[5].payload.data", raw("others"))],
        ),
        (
            "a stream whose length is wrong",
            vec![Op::Set(".frames[7].payload.data", raw("wrong!"))],
        ),
        (
            "a length that is assigned",
            vec![
                Op::Set(length, text_of("7")),
                Op::Set(".frames[2].payload.data", raw("heee")),
            ],
        ),
        (
            "a length that is assigned as it is",
            vec![
                Op::Set(length, text_of("5")),
                Op::Set(".frames[2].payload.data", raw("heee")),
            ],
        ),
        (
            "a frame goes",
            vec![Op::Items(".frames", &[0, 1, 3, 4, 5, 6, 7])],
        ),
        (
            "a frame comes twice",
            vec![Op::Items(".frames", &[0, 1, 2, 2, 3, 4, 5, 6, 7])],
        ),
        (
            "all of a stream goes",
            vec![Op::Items(".frames", &[0, 4, 5, 6, 7])],
        ),
        (
            "data becomes that of another stream",
            vec![Op::Set(".frames[2].stream_id", 3.into())],
        ),
    ];
    let text = table(
        cases
            .iter()
            .map(|(name, ops)| ((*name).to_owned(), case(&Http2, &bytes, ops, false))),
    );
    keep("content_length", &text);
}

#[test]
fn edits_of_http1() {
    let text = "POST /a?b HTTP/1.1\r\nHost: a\r\nX-Fold: one\r\n  two\r\nTransfer-Encoding: chunked\r\n\r\n\
         003;x=y\r\nabc\r\n1F\r\n0123456789012345678901234567890\r\n0;last\r\nX-Sum: 1\r\n\r\n\
         PUT /b HTTP/1.0\nHost: b\nContent-Length: 3\n\nabc\
         PUT /c HTTP/1.1\r\nHost: c\r\nContent-Length: 03\r\nContent-Length: 3, 3\r\n\r\nxyz";
    let raw = |s: &str| Scalar::Bytes(s.as_bytes().to_vec().into());
    let r = |n: usize, rest: &str| format!(".requests[{n}].{rest}");
    let paths: Vec<String> = [
        r(0, "chunks[0].data"),
        r(0, "chunks[1].data"),
        r(0, "body"),
        r(0, "chunks[0].size"),
        r(0, "headers[1].value"),
        r(0, "headers"),
        r(0, "trailers"),
        r(1, "body"),
        r(1, "headers[1].value"),
        r(2, "body"),
        r(1, "headers"),
        r(0, "method"),
        r(0, "target"),
        r(0, "version"),
        r(0, "chunks[0].extension"),
        r(0, "path"),
        r(0, "authority"),
        r(0, "header.host"),
        r(0, "trailers[0].value"),
        r(1, "body"),
    ]
    .into();
    let p = |i: usize| paths[i].as_str();
    let t = text_of;
    let cases: Vec<(&str, Vec<Op<'_>>)> = vec![
        (
            "a chunk grows",
            vec![Op::Set(p(0), raw("abcdefghijklmnop"))],
        ),
        (
            "a chunk of 4095 bytes in its digits",
            vec![Op::Set(p(1), raw(&"z".repeat(31 + 1)))],
        ),
        ("a chunk becomes nothing", vec![Op::Set(p(0), raw(""))]),
        (
            "the last chunk with data becomes nothing",
            vec![Op::Set(p(1), raw(""))],
        ),
        ("all chunks become nothing", vec![Op::Set(p(2), raw(""))]),
        (
            "the body grows",
            vec![Op::Set(p(2), raw("abcX0123456789012345678901234567890Y"))],
        ),
        (
            "a size that is assigned",
            vec![Op::Set(p(3), 5.into()), Op::Set(p(0), raw("abcde"))],
        ),
        (
            "a size that is assigned wrong",
            vec![Op::Set(p(3), 4.into()), Op::Set(p(0), raw("abcde"))],
        ),
        (
            "a size that is assigned as it is",
            vec![Op::Set(p(3), 3.into()), Op::Set(p(0), raw("abcde"))],
        ),
        (
            "a chunk of an assigned size becomes nothing",
            vec![Op::Set(p(3), 3.into()), Op::Set(p(0), raw(""))],
        ),
        ("a value that is folded", vec![Op::Set(p(4), t("three"))]),
        (
            "a value that is folded, as it is",
            vec![Op::Set(p(4), t("one two"))],
        ),
        (
            "header fields in reverse",
            vec![Op::Items(p(5), &[2, 1, 0])],
        ),
        ("a new header field", vec![Op::Field(p(5), "X-New", "v w")]),
        (
            "a new header field of a wrong name",
            vec![Op::Field(p(5), "X New", "v")],
        ),
        (
            "a new header field of a wrong value",
            vec![Op::Field(p(5), "X-New", "v\r\nw")],
        ),
        ("a new trailer", vec![Op::Field(p(6), "X-New", "v")]),
        (
            "a body with a length",
            vec![Op::Set(p(7), raw("abcdefghijk"))],
        ),
        (
            "a body with a length becomes nothing",
            vec![Op::Set(p(7), raw(""))],
        ),
        (
            "a length that is assigned",
            vec![Op::Set(p(8), t("9")), Op::Set(p(7), raw("abcd"))],
        ),
        (
            "a length that is assigned right",
            vec![Op::Set(p(8), t("4")), Op::Set(p(7), raw("abcd"))],
        ),
        (
            "a length that is assigned as it is",
            vec![Op::Set(p(8), t("3")), Op::Set(p(7), raw("abcd"))],
        ),
        ("two lengths", vec![Op::Set(p(9), raw("wxyz"))]),
        (
            "a length moves and follows",
            vec![Op::Items(p(10), &[1, 0]), Op::Set(p(7), raw("abcd"))],
        ),
        (
            "a length goes",
            vec![Op::Items(p(10), &[0]), Op::Set(p(7), raw("abcd"))],
        ),
        (
            "the first line",
            vec![
                Op::Set(p(11), t("PUT")),
                Op::Set(p(12), t("/other")),
                Op::Set(p(13), t("HTTP/1.0")),
            ],
        ),
        ("a method that is none", vec![Op::Set(p(11), t("P T"))]),
        ("a target that is none", vec![Op::Set(p(12), t("/a b"))]),
        ("a target of nothing", vec![Op::Set(p(12), t(""))]),
        (
            "a version that is none",
            vec![Op::Set(p(13), t("HTTP/2.0"))],
        ),
        (
            "names that HTTP/2 has",
            vec![Op::Set(p(15), t("/p")), Op::Set(p(16), t("auth"))],
        ),
        (
            "a header field by its name",
            vec![Op::Set(p(17), t("other"))],
        ),
        ("a trailer", vec![Op::Set(p(18), t("22"))]),
    ];
    let mut all = table(cases.iter().map(|(name, ops)| {
        (
            (*name).to_owned(),
            case(&Http1, text.as_bytes(), ops, false),
        )
    }));
    let kept = [
        "a chunk grows",
        "a chunk becomes nothing",
        "a body with a length",
        "a size that is assigned wrong",
    ];
    all += &table(
        cases
            .iter()
            .filter(|(name, _)| kept.contains(name))
            .map(|(name, ops)| {
                (
                    format!("{name}, without what follows"),
                    case(&Http1, text.as_bytes(), ops, true),
                )
            }),
    );
    let answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 2\r\n\r\nokHTTP/1.0 404 Not Found\r\n\r\nend";
    let s = |n: usize, rest: &str| format!(".responses[{n}].{rest}");
    let paths: Vec<String> = [
        s(0, "status"),
        s(1, "status"),
        s(1, "reason"),
        s(2, "body"),
        s(2, "reason"),
        s(1, "body"),
    ]
    .into();
    let p = |i: usize| paths[i].as_str();
    let mut cases: Vec<(String, Vec<Op<'_>>)> = Vec::new();
    for (i, values) in [(0, [99u64, 100, 199, 200]), (1, [199, 200, 999, 1000])] {
        for value in values {
            cases.push((
                format!("status {value} of a response {i}"),
                vec![Op::Set(p(i), value.into())],
            ));
        }
    }
    cases.push(("a new reason".into(), vec![Op::Set(p(2), t("Fine"))]));
    cases.push(("no new reason".into(), vec![Op::Set(p(2), t(""))]));
    cases.push((
        "a body up to the end".into(),
        vec![Op::Set(p(3), raw("the end"))],
    ));
    cases.push(("a reason".into(), vec![Op::Set(p(4), t("Gone"))]));
    cases.push(("a body".into(), vec![Op::Set(p(5), raw("okay"))]));
    all += &table(
        cases
            .iter()
            .map(|(name, ops)| (name.clone(), case(&Http1, answers.as_bytes(), ops, false))),
    );
    keep("edits_of_http1", &all);
}
