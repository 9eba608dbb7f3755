//! HPACK against RFC 7541 Appendix C and the http2jp test stories.

use binq_core::codec::Codec;
use binq_core::{Bits, Scalar};
use binq_http::http2::hpack::codec::Literal;
use binq_http::http2::hpack::int;
use binq_http::http2::hpack::repr::{Form, Repr, Spelling, text_of, write_text};
use binq_http::http2::hpack::table::{Log, Window};
use binq_http::http2::hpack::{Block, read_block};
use proptest::prelude::*;
use std::path::PathBuf;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The block written anew from what was read: values, forms, indices, widths, Huffman or not.
fn again(bytes: &[u8], block: &Block) -> Vec<u8> {
    let mut out = Vec::new();
    for field in &block.fields {
        let Repr {
            form,
            at,
            int_end,
            int,
            name,
            value,
            ..
        } = field.repr;
        out.extend(int::encode(
            int,
            form.prefix(),
            form.pattern(),
            int_end - at,
        ));
        for text in name.iter().chain(&value) {
            let spelling = Spelling::Like {
                huffman: bytes[text.at] & 0x80 != 0,
                width: text.body - text.at,
            };
            let meaning = text_of(&bytes[text.at..text.end]).expect("a text of a valid block");
            out.extend(write_text(&meaning, spelling));
        }
    }
    out
}

fn headers(block: &Block) -> Vec<(String, String)> {
    assert_eq!(block.wrong, None);
    let fields = block
        .fields
        .iter()
        .filter(|f| f.repr.form != Form::SizeUpdate);
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    fields
        .map(|f| {
            let e = f.entry().expect("name and value are known");
            (text(&e.name), text(&e.value))
        })
        .collect()
}

fn appendix_c(blocks: &[(&str, &[(&str, &str)])], max: Option<u64>) {
    let (mut log, mut table) = (Log::default(), Window::new());
    if let Some(max) = max {
        table.resize(&log, max);
    }
    for (wire, expected) in blocks {
        let wire = hex(wire);
        let block = read_block(&wire.clone().into(), &mut log, &mut table);
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect();
        assert_eq!(headers(&block), expected);
        assert_eq!(again(&wire, &block), wire);
    }
}

const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "www.example.com"),
];

#[test]
fn requests_of_c_3_and_c_4() {
    let second = [&GET[..], &[("cache-control", "no-cache")]].concat();
    let third = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (":authority", "www.example.com"),
        ("custom-key", "custom-value"),
    ];
    appendix_c(
        &[
            ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", &GET),
            ("8286 84be 5808 6e6f 2d63 6163 6865", &second),
            (
                "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                &third,
            ),
        ],
        None,
    );
    appendix_c(
        &[
            ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", &GET),
            ("8286 84be 5886 a8eb 1064 9cbf", &second),
            (
                "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                &third,
            ),
        ],
        None,
    );
}

#[test]
fn responses_of_c_6_with_eviction() {
    let date = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
    let location = ("location", "https://www.example.com");
    let cookie = (
        "set-cookie",
        "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    );
    appendix_c(
        &[
            (
                "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d \
                 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
                &[
                    (":status", "302"),
                    ("cache-control", "private"),
                    date,
                    location,
                ],
            ),
            (
                "4883 640e ffc1 c0bf",
                &[
                    (":status", "307"),
                    ("cache-control", "private"),
                    date,
                    location,
                ],
            ),
            (
                "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d \
                 d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
                &[
                    (":status", "200"),
                    ("cache-control", "private"),
                    ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
                    location,
                    ("content-encoding", "gzip"),
                    cookie,
                ],
            ),
        ],
        Some(256),
    );
}

fn stories() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let registry = home.unwrap_or_default().join("registry/src");
    let indexes = std::fs::read_dir(registry).into_iter().flatten().flatten();
    let fixtures = indexes.map(|i| i.path().join("httlib-hpack-0.1.3/fixtures"));
    let encoders = fixtures
        .filter_map(|f| std::fs::read_dir(f).ok())
        .flatten()
        .flatten();
    let files = encoders
        .filter_map(|e| std::fs::read_dir(e.path()).ok())
        .flatten()
        .flatten();
    let mut all: Vec<_> = files
        .map(|f| f.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    all.sort();
    all
}

/// The stories come inside the package of httlib-hpack: `cargo fetch` it in a scratch project.
#[test]
fn stories_of_http2jp() {
    let stories = stories();
    if stories.is_empty() {
        return binq_laws::skip("httlib-hpack 0.1.3 with its stories is not in the cargo registry");
    }
    let (mut blocks, mut same) = (0, 0);
    for path in &stories {
        let story: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let (mut log, mut table) = (Log::default(), Window::new());
        for case in story["cases"].as_array().unwrap() {
            if let (Some(size), true) = (case["header_table_size"].as_u64(), case["seqno"] == 0) {
                table.resize(&log, size);
            }
            let wire = hex(case["wire"].as_str().unwrap());
            let block = read_block(&wire.clone().into(), &mut log, &mut table);
            let expected: Vec<(String, String)> = case["headers"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|h| h.as_object().unwrap())
                .map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()))
                .collect();
            assert_eq!(
                headers(&block),
                expected,
                "{} case {}",
                path.display(),
                case["seqno"]
            );
            same += usize::from(again(&wire, &block) == wire);
            blocks += 1;
        }
    }
    assert_eq!(same, blocks, "re-encoded identical");
    assert!(blocks > 10_000, "{blocks} blocks were compared");
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_come_back(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6)) {
        let (mut log, mut table) = (Log::default(), Window::new());
        for bytes in blocks {
            let block = read_block(&bytes.clone().into(), &mut log, &mut table);
            let end = block.fields.last().map_or(0, |f| f.repr.end);
            prop_assert!(block.wrong.is_some() || end == bytes.len());
            for field in &block.fields {
                for text in field.repr.name.iter().chain(&field.repr.value) {
                    let like = Bits::from_bytes(bytes[text.at..text.end].to_vec());
                    if let Ok(value) = Literal.decode(&like) {
                        prop_assert_eq!(Literal.encode(&value, &like).unwrap(), like);
                    }
                }
            }
        }
    }

    #[test]
    fn a_string_keeps_its_spelling(text in prop::collection::vec(any::<u8>(), 0..300), new in "[ -~]{0,300}", huffman: bool, width in 1usize..5) {
        let old = Bits::from_bytes(write_text(&text, Spelling::Like { huffman, width }));
        let written = Literal.encode(&Scalar::from(new.as_str()), &old).unwrap();
        prop_assert_eq!(Literal.decode(&written).unwrap(), Scalar::from(new.as_str()));
        if new.as_bytes() != text {
            prop_assert_eq!(written.bytes()[0] & 0x80 != 0, huffman);
        }
    }
}
