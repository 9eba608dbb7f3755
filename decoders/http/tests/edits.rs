//! What follows from an edit of a raw stream, where a mutant once went unseen.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Space};
use binq_http::Http2;
use binq_laws as walk;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `host: h`
const HOST: &[u8] = &[0x0f, 38 - 15, 1, b'h'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, &frame(4, 0, 0, &[]), &frames.concat()].concat()
}

fn decode(bytes: &[u8]) -> Node {
    Http2.decode(Space::source(bytes.to_vec()), &Options::default())
}

fn text(root: &Node, path: &str) -> String {
    let node = walk::follow(root, &walk::parse(path)).unwrap_or_else(|| panic!("no {path}"));
    let scalar = node.scalar();
    String::from_utf8_lossy(scalar.as_bytes().unwrap_or(b"")).into_owned()
}

/// The stream with texts assigned, decoded again.
fn edited(bytes: &[u8], edits: &[(&str, &str)]) -> Node {
    let mut root = decode(bytes);
    for (path, value) in edits {
        let keys = walk::parse(path);
        let leaf = walk::follow(&root, &keys).unwrap_or_else(|| panic!("no {path}"));
        let leaf = leaf.assign(Plain::Scalar((*value).into())).unwrap();
        root = walk::put_back(&root, &keys, leaf);
    }
    let out = encode(&root, &EncodeOptions::default()).unwrap();
    decode(&out.to_bytes())
}

fn text_of(s: &str) -> Vec<u8> {
    [&[s.len() as u8], s.as_bytes()].concat()
}

/// An entry of the dynamic table is renamed; a literal that took its name from there keeps it, whether it is edited or not.
#[test]
fn a_renamed_entry_that_a_literal_names() {
    for form in [0x00, 0x10, 0x40] {
        let entry = [&[0x40][..], &text_of("x-old"), &text_of("1")].concat();
        // index 62, in four or six bits
        let index: &[u8] = if form == 0x40 {
            &[0x40 | 62]
        } else {
            &[form | 15, 62 - 15]
        };
        let literal = [index, &text_of("2")].concat();
        let block = [&[0x82, 0x86, 0x84][..], &entry, &literal, HOST].concat();
        let bytes = stream(&[
            frame(1, 5, 1, &block),
            frame(1, 5, 3, &[&[0x82, 0x86, 0x84, 0x80 | 62], HOST].concat()),
        ]);
        let headers = ".frames[1].payload.headers";
        let name = format!("{headers}[3].name");
        let value = format!("{headers}[4].value");
        for edits in [
            vec![(name.as_str(), "x-new")],
            vec![(name.as_str(), "x-new"), (value.as_str(), "longer")],
        ] {
            let root = edited(&bytes, &edits);
            let field =
                |i: usize| ["name", "value"].map(|p| text(&root, &format!("{headers}[{i}].{p}")));
            assert_eq!(field(3), ["x-new", "1"], "{form}");
            assert_eq!(
                field(4),
                ["x-old", if edits.len() == 1 { "2" } else { "longer" }],
                "{form}"
            );
            // what comes later means what it meant
            let last = if form == 0x40 {
                ["x-old", "2"]
            } else {
                ["x-old", "1"]
            };
            let later = ["name", "value"]
                .map(|p| text(&root, &format!(".frames[2].payload.headers[3].{p}")));
            assert!(
                later == last || form == 0x40 && edits.len() == 2,
                "{form}: {later:?}"
            );
            assert_eq!(root.findings().count(), 0);
        }
    }
}

/// A `content-length` that was right follows; one that was wrong was planted, and stays.
#[test]
fn a_wrong_content_length_stays() {
    for (said, then) in [("5", "7"), ("9", "9"), ("005", "7"), ("x", "x")] {
        let length = [&[0x0f, 28 - 15][..], &text_of(said)].concat();
        let block = [&[0x83, 0x86, 0x84][..], &length].concat();
        let bytes = stream(&[frame(1, 4, 1, &block), frame(0, 1, 1, b"hello")]);
        let root = edited(&bytes, &[(".frames[2].payload.data", "goodbye")]);
        assert_eq!(
            text(&root, ".frames[1].payload.headers[3].value"),
            then,
            "{said}"
        );
        assert_eq!(text(&root, ".frames[2].payload.data"), "goodbye");
    }
}

fn entry(name: &str, value: &str) -> Vec<u8> {
    [&[0x40][..], &text_of(name), &text_of(value)].concat()
}

/// The items of a list in reverse.
fn reversed(root: &Node, path: &str) -> Node {
    let keys = walk::parse(path);
    let list = walk::follow(root, &keys).unwrap();
    let items = (0..list.items().count() as u64).rev();
    let items = items.map(|i| Plain::Node(list.item(i).unwrap())).collect();
    walk::put_back(root, &keys, list.set_items(items).unwrap())
}

fn assigned(root: &Node, path: &str, value: &str) -> Node {
    let keys = walk::parse(path);
    let leaf = walk::follow(root, &keys).unwrap();
    let leaf = leaf.assign(Plain::Scalar(value.into())).unwrap();
    walk::put_back(root, &keys, leaf)
}

fn written(root: &Node) -> Node {
    let out = encode(root, &EncodeOptions::default()).unwrap();
    decode(&out.to_bytes())
}

fn fields(root: &Node, frame: usize) -> Vec<(String, String)> {
    let list = format!(".frames[{frame}].payload.headers");
    let count = walk::follow(root, &walk::parse(&list))
        .unwrap()
        .items()
        .count();
    let part = |i: usize, name: &str| text(root, &format!("{list}[{i}].{name}"));
    (0..count)
        .map(|i| (part(i, "name"), part(i, "value")))
        .collect()
}

/// Fields that move in a block that goes on in CONTINUATION: what later blocks mean stays.
#[test]
fn fields_move_across_the_frames_of_a_block() {
    let of = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        all.iter().map(own).collect()
    };
    let all = [("abcdefgh", "1"), ("ijklmnop", "2"), ("grpc-status", "0")];
    let block: Vec<u8> = all.iter().flat_map(|(n, v)| entry(n, v)).collect();
    // the three entries, in the order in which they came
    let indexes = [0x80 | 64, 0x80 | 63, 0x80 | 62];
    for cut in 0..block.len() {
        let bytes = stream(&[
            frame(1, 1, 1, &block[..cut]),
            frame(9, 4, 1, &block[cut..]),
            frame(1, 5, 3, &indexes),
        ]);
        let new = written(&reversed(&decode(&bytes), ".frames[1].payload.headers"));
        let mut back = all;
        back.reverse();
        assert_eq!(fields(&new, 1), of(&back), "{cut}");
        assert_eq!(fields(&new, 3), of(&all), "{cut}");
    }
}

/// Law 3 and 4: an index of a field to which its own name or value is assigned follows the table as every other one.
#[test]
fn a_field_to_which_its_own_text_is_assigned_keeps_its_meaning() {
    let block = [entry("x-a", "1"), entry("x-b", "2"), entry("x-c", "3")].concat();
    // x-a, x-b, and a literal named by x-b
    let later = [&[0x80 | 64, 0x80 | 63, 0x0f, 63 - 15][..], &text_of("9")].concat();
    let bytes = stream(&[frame(1, 5, 1, &block), frame(1, 5, 3, &later)]);
    let wanted = fields(&decode(&bytes), 2);
    for part in ["[0].name", "[0].value", "[1].name", "[1].value", "[2].name"] {
        let root = decode(&bytes);
        let path = format!(".frames[2].payload.headers{part}");
        let root = assigned(&root, &path, &text(&root, &path));
        // the entry is made another one, or moves
        let renamed = written(&assigned(
            &root,
            ".frames[1].payload.headers[1].value",
            "22",
        ));
        assert_eq!(fields(&renamed, 2), wanted, "{part}");
        let moved = written(&reversed(&root, ".frames[1].payload.headers"));
        assert_eq!(fields(&moved, 2), wanted, "{part}");
    }
}

/// Law 5, for the index itself and for a length that an index tells.
#[test]
fn what_is_assigned_as_it_is_stays() {
    let block = [entry("x-a", "1"), entry("x-b", "2")].concat();
    let bytes = stream(&[frame(1, 5, 1, &block), frame(1, 5, 3, &[0x80 | 63])]);
    let root = decode(&bytes);
    let keys = walk::parse(".frames[2].payload.headers[0].index");
    let leaf = walk::follow(&root, &keys).unwrap();
    let leaf = leaf.assign(Plain::Scalar(63u64.into())).unwrap();
    let root = walk::put_back(&root, &keys, leaf);
    let new = written(&reversed(&root, ".frames[1].payload.headers"));
    assert_eq!(fields(&new, 2), [("x-b".to_owned(), "2".to_owned())]);

    let post = [0x83, 0x86, 0x84, 0x01, 1, b'h'];
    let first = [&post[..], &entry("content-length", "5")].concat();
    let second = [&post[..], &[0x80 | 62]].concat();
    let bytes = stream(&[
        frame(1, 4, 1, &first),
        frame(0, 1, 1, b"hello"),
        frame(1, 4, 3, &second),
        frame(0, 1, 3, b"hello"),
    ]);
    let length = ".frames[3].payload.headers[4].value";
    let longer = assigned(&decode(&bytes), ".frames[4].payload.data", "goodbye");
    assert_eq!(text(&written(&longer), length), "7");
    assert_eq!(text(&written(&assigned(&longer, length, "5")), length), "5");
}

/// A `content-length` follows the data where its field moves, too.
#[test]
fn a_content_length_that_moves_follows() {
    let named = |value: &str| [&[0x0f, 28 - 15][..], &text_of(value)].concat();
    let spelled = |value: &str| [&[0][..], &text_of("content-length"), &text_of(value)].concat();
    let post = [0x83, 0x86, 0x84, 0x01, 1, b'h'];
    for length in [named("5"), spelled("5"), entry("content-length", "5")] {
        let block = [&post[..], &length, &entry("x-a", "1"), &entry("x-b", "2")].concat();
        for cut in [block.len(), post.len() + 3] {
            let mut frames = vec![frame(
                1,
                if cut == block.len() { 4 } else { 0 },
                1,
                &block[..cut],
            )];
            if cut < block.len() {
                frames.push(frame(9, 4, 1, &block[cut..]));
            }
            let data = frames.len() + 1;
            frames.push(frame(0, 1, 1, b"hello"));
            let root = reversed(&decode(&stream(&frames)), ".frames[1].payload.headers");
            let root = assigned(&root, &format!(".frames[{data}].payload.data"), "goodbye");
            let new = written(&root);
            let found = fields(&new, 1);
            let lengths: Vec<_> = found
                .iter()
                .filter(|(n, _)| n == "content-length")
                .collect();
            assert_eq!(lengths.len(), 1, "{found:?}");
            assert_eq!(lengths[0].1, "7", "{found:?}");
        }
    }
}
