//! HPACK, RFC 7541: integers, strings, forms, and the dynamic table at its borders.

use super::build::*;
use super::keep;
use binq_core::codec::Codec;
use binq_core::{Bits, Scalar};
use binq_http::Http2;
use binq_http::http2::hpack::codec::{Integer, Literal};
use binq_http::http2::hpack::int::{self, Wrong};
use binq_http::http2::hpack::table::{Entry, Log, Lookup, Window};
use binq_http::http2::hpack::{huffman, read_block};
use binq_laws::spelled::spelled;
use std::fmt::Write;

/// Every prefix, around each border of one more byte, with and without bytes that are not needed.
#[test]
fn integers() {
    for prefix in 1..=8u8 {
        let full = (1u64 << prefix) - 1;
        let pattern = if prefix == 8 { 0 } else { 0xffu8 << prefix };
        let mut values = vec![0, 1, full - 1, full, full + 1];
        for bits in [7, 14, 21, 28, 35, 42, 49, 56] {
            values.extend([full + (1 << bits) - 1, full + (1 << bits)]);
        }
        for n in values {
            let short = int(prefix, pattern, n, 0);
            assert_eq!(int::encode(n, prefix, pattern, 1), short, "{n} in {prefix}");
            assert_eq!(
                int::encode(n, prefix, 0xff, 1)[0] | pattern,
                short[0] | pattern
            );
            for more in 0..=10 - short.len() {
                if n < full && more > 0 {
                    // one byte has room for it, and there are no others
                    assert_eq!(int::encode(n, prefix, pattern, 1 + more), short);
                    continue;
                }
                let long = int(prefix, pattern, n, more);
                assert_eq!(
                    int::decode(&long, prefix),
                    Ok((n, long.len())),
                    "{n} in {prefix}"
                );
                assert_eq!(int::encode(n, prefix, pattern, long.len()), long);
                for end in 0..long.len() {
                    assert_eq!(int::decode(&long[..end], prefix), Err(Wrong::Short));
                }
            }
            if n >= full {
                // ten bytes are the most
                let longest = int(prefix, pattern, n, 10 - short.len());
                assert_eq!(longest.len(), 10);
                assert_eq!(int::encode(n, prefix, pattern, 11), longest);
                let longer = int(prefix, pattern, n, 11 - short.len());
                assert_eq!(int::decode(&longer, prefix), Err(Wrong::Long));
            }
        }
        // 2^63 - 1 is the most
        let most = i64::MAX as u64;
        for (n, fits) in [
            (most - 1, true),
            (most, true),
            (most + 1, false),
            (most + full, false),
        ] {
            let bytes = int(prefix, pattern, n, 0);
            let wanted = if fits { Ok((n, 10)) } else { Err(Wrong::Long) };
            assert_eq!(int::decode(&bytes, prefix), wanted, "{n} in {prefix}");
        }
    }
}

/// The code of each octet (RFC 7541 Appendix B), as bytes padded with ones.
#[test]
fn codes_of_huffman() {
    let mut text = String::new();
    for octet in 0..=255u8 {
        let code = huffman::encode(&[octet]);
        assert_eq!(huffman::encoded_len(&[octet]), code.len());
        assert_eq!(huffman::decode(&code), Ok(vec![octet]));
        let hex: String = code.iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(text, "{octet} {hex}");
        // before and after others
        let around = [b'0', octet, b'&', octet, octet];
        let code = huffman::encode(&around);
        assert_eq!(huffman::encoded_len(&around), code.len());
        assert_eq!(huffman::decode(&code), Ok(around.to_vec()));
    }
    keep("huffman", &text);
}

/// Section 5.2: after the last symbol, up to seven bits that are all ones.
#[test]
fn padding_of_huffman() {
    use huffman::Wrong::{Eos, Padding};
    // of five bits, and of six, seven and eight
    for (symbol, code, len) in [
        (b'0', 0u8, 5),
        (b' ', 0b01_0100, 6),
        (b':', 0b101_1100, 7),
        (b'&', 0b1111_1000, 8),
    ] {
        let first = u16::from(code) << (8 - len);
        for padding in 0..1u16 << (8 - len) {
            let all = (1 << (8 - len)) - 1;
            let wanted = if padding == all {
                Ok(vec![symbol])
            } else {
                Err(Padding)
            };
            let is = huffman::decode(&[(first | padding) as u8]);
            // five zeros and another symbol do not fit into eight bits
            assert_eq!(is, wanted, "{symbol} {padding:b}");
        }
        // eight ones more are a byte too much
        let full = (first | ((1 << (8 - len)) - 1)) as u8;
        assert_eq!(huffman::decode(&[full, 0xff]), Err(Padding));
    }
    assert_eq!(huffman::decode(&[]), Ok(vec![]));
    // the code of 22 is that of EOS but for its last bit
    assert_eq!(huffman::decode(&[0xff, 0xff, 0xff, 0xfb]), Ok(vec![22]));
    assert_eq!(huffman::decode(&[0xff, 0xff, 0xff, 0xff]), Err(Eos));
    assert_eq!(huffman::decode(&[0x07, 0xff, 0xff, 0xff, 0xff]), Err(Eos));
}

fn window(entries: &[(&str, &str)]) -> (Log, Window) {
    let (mut log, mut table) = (Log::default(), Window::new());
    for (name, value) in entries {
        table.insert(&mut log, Some(self::entry_of(name, value)));
    }
    (log, table)
}

fn entry_of(name: &str, value: &str) -> Entry {
    Entry {
        name: name.as_bytes().to_vec().into(),
        value: value.as_bytes().to_vec().into(),
    }
}

/// The entries of the dynamic table, the newest first.
fn held(log: &Log, table: &Window) -> Vec<String> {
    let mut out = Vec::new();
    for index in 62.. {
        match table.get(log, index) {
            Lookup::Entry(e) => out.push(String::from_utf8(e.name.to_vec()).unwrap()),
            Lookup::Unknown => {
                out.push("?".to_owned());
                break;
            }
            Lookup::Nothing => break,
        }
    }
    out
}

/// Section 4.4: entries go when the sum of the sizes is more than the maximum, and not when it is that.
#[test]
fn entries_are_evicted_at_the_border() {
    // 34, 35 and 36 bytes
    let (log, table) = window(&[("a", "1"), ("b", "22"), ("c", "333")]);
    assert_eq!(held(&log, &table), ["c", "b", "a"]);
    for (max, left) in [
        (4096, &["c", "b", "a"][..]),
        (105, &["c", "b", "a"]),
        (104, &["c", "b"]),
        (71, &["c", "b"]),
        (70, &["c"]),
        (36, &["c"]),
        (35, &[]),
        (0, &[]),
    ] {
        let mut table = table;
        table.resize(&log, max);
        assert_eq!(held(&log, &table), left, "{max}");
        // one of 34 bytes
        let mut log = log.clone();
        table.insert(&mut log, Some(entry_of("d", "4")));
        let rest = match max {
            4096 => &["d", "c", "b", "a"][..],
            105 => &["d", "c", "b"],
            104 => &["d", "c"],
            71 | 70 => &["d", "c"],
            36 | 35 => &["d"],
            _ => &[],
        };
        let rest = if max == 71 || max == 104 {
            &["d", "c"][..]
        } else {
            rest
        };
        assert_eq!(held(&log, &table), rest, "{max}");
    }
    // exactly 4096, and one more
    for (len, left) in [
        (4096 - 33 - 34, 2),
        (4096 - 33 - 33, 1),
        (4096 - 33, 1),
        (4096 - 32, 0),
    ] {
        let (log, table) = window(&[("a", "1"), ("b", &"x".repeat(len))]);
        assert_eq!(held(&log, &table).len(), left, "{len}");
    }
}

#[test]
fn what_an_index_stands_for() {
    let (mut log, mut table) = window(&[("a", "1"), ("b", "2"), ("a", "3")]);
    assert_eq!(table.get(&log, 0), Lookup::Nothing);
    assert_eq!(
        table.get(&log, 1),
        Lookup::Entry(entry_of(":authority", ""))
    );
    assert_eq!(
        table.get(&log, 61),
        Lookup::Entry(entry_of("www-authenticate", ""))
    );
    assert_eq!(table.get(&log, 62), Lookup::Entry(entry_of("a", "3")));
    assert_eq!(table.get(&log, 64), Lookup::Entry(entry_of("a", "1")));
    assert_eq!(table.get(&log, 65), Lookup::Nothing);
    assert_eq!(table.find(&log, &entry_of("b", "2")), Some(63));
    assert_eq!(table.find(&log, &entry_of(":path", "/")), Some(4));
    assert_eq!(table.find(&log, &entry_of(":path", "/x")), None);
    assert_eq!(table.find_name(&log, b"a"), Some(62));
    assert_eq!(table.find_name(&log, b":path"), Some(4));
    assert_eq!(table.find_name(&log, b"c"), None);
    // a log that knows its places says the same
    let copy = log.of(&table);
    assert_eq!(table.find(&copy, &entry_of("b", "2")), Some(63));
    assert_eq!(table.find_name(&copy, b"a"), Some(62));
    table.resize(&log, 68);
    let copy = log.of(&table);
    for log in [&log, &copy] {
        assert_eq!(held(log, &table), ["a", "b"]);
        assert_eq!(table.find(log, &entry_of("a", "1")), None);
        assert_eq!(table.find(log, &entry_of("a", "3")), Some(62));
        assert_eq!(table.find_name(log, b"b"), Some(63));
    }
    assert!(table.same(&log, &table, &copy));
    let before = table;
    table.insert(&mut log, Some(entry_of("z", "9")));
    assert!(!table.same(&log, &before, &copy));
    assert_eq!(table.ahead_of(&before), 1);
    assert_eq!(before.ahead_of(&table), -1);
    // what nobody saw
    table.forget();
    assert!(table.is_late() && !before.is_late());
    assert_eq!(held(&log, &table), ["?"]);
    table.insert(&mut log, None);
    table.insert(&mut log, Some(entry_of("n", "1")));
    assert_eq!(held(&log, &table), ["n", "?"]);
    table.resize(&log, 0);
    assert_eq!(held(&log, &table), [""; 0]);
    // what is forgotten takes no room
    table.resize(&log, 34);
    table.insert(&mut log, Some(entry_of("o", "1")));
    table.forget();
    table.insert(&mut log, Some(entry_of("p", "1")));
    assert_eq!(held(&log, &table), ["p", "?"]);
}

/// Codecs of an index and of a string keep how they are written.
#[test]
fn spellings_are_kept() {
    let number = |prefix: u8, like: &[u8], n: i128| {
        let new = Integer { prefix }.encode(&Scalar::Int(n), &Bits::from_bytes(like.to_vec()));
        new.map(|b| b.bytes().to_vec()).map_err(|e| e.expected)
    };
    assert_eq!(number(7, &[0x82], 126), Ok(vec![0xfe]));
    assert_eq!(number(7, &[0x82], 127), Ok(vec![0xff, 0]));
    assert_eq!(number(4, &[0x1f, 0x80, 0], 15), Ok(vec![0x1f, 0x80, 0]));
    assert_eq!(number(4, &[0x1f, 0x80, 0], 14), Ok(vec![0x1e]));
    let border = "an integer from 0 to 9223372036854775807";
    assert!(number(7, &[0x82], i128::from(i64::MAX)).is_ok());
    assert_eq!(number(7, &[0x82], 1 << 63), Err(border.into()));
    assert_eq!(number(7, &[0x82], -1), Err(border.into()));
    let read = |prefix: u8, bytes: &[u8]| {
        Integer { prefix }
            .decode(&Bits::from_bytes(bytes.to_vec()))
            .ok()
            .and_then(|n| n.as_int())
    };
    assert_eq!(read(7, &[0x82]), Some(2));
    assert_eq!(read(7, &[0x82, 0]), None);
    let text = |like: &[u8], new: &str| {
        let bits = Literal
            .encode(&new.into(), &Bits::from_bytes(like.to_vec()))
            .unwrap();
        bits.bytes().to_vec()
    };
    assert_eq!(text(b"\x01a", "bc"), b"\x02bc");
    assert_eq!(text(b"\x81\x1f", "0"), b"\x81\x07");
    // what cannot be read is spelled as is shortest
    assert_eq!(text(b"", "00000000"), b"\x85\0\0\0\0\0");
    assert_eq!(text(b"", "0"), b"\x010");
    assert_eq!(text(b"\x7f\x80\0", "ab"), b"\x02ab");
    let literal = |bytes: &[u8]| Literal.decode(&Bits::from_bytes(bytes.to_vec())).is_ok();
    assert!(literal(b"\x01a") && !literal(b"\x02a") && !literal(b"\x01ab") && !literal(b""));
}

fn block(fields: &[Vec<u8>]) -> Vec<u8> {
    fields.concat()
}

/// Header blocks as frames show them.
#[test]
fn header_fields() {
    let long = |n: usize| "v".repeat(n);
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        (
            "an index of each kind",
            vec![GET.to_vec(), indexed(61), entry("x", "1"), indexed(62)],
        ),
        (
            "forms of a literal",
            vec![
                GET.to_vec(),
                entry("a", "1"),
                literal("b", "2"),
                never("c", "3"),
                entry_named(62, "4"),
                literal_named(63, "5"),
                cat(&[&int(4, 0x10, 62, 0), &text("6")]),
            ],
        ),
        (
            "indices of 14, 15 and 16 in four bits",
            vec![
                GET.to_vec(),
                literal_named(14, "a"),
                literal_named(15, "b"),
                literal_named(16, "c"),
            ],
        ),
        (
            "indices of 62, 63 and 64 in six bits",
            vec![
                GET.to_vec(),
                entry("k", "1"),
                entry("l", "2"),
                entry("m", "3"),
                entry_named(62, "4"),
                entry_named(63, "5"),
                entry_named(64, "6"),
            ],
        ),
        (
            "an index in more bytes than it needs",
            vec![
                GET.to_vec(),
                entry("k", "1"),
                int(7, 0x80, 62, 0),
                cat(&[&int(4, 0, 15, 2), &text("a")]),
            ],
        ),
        (
            "strings of 126, 127 and 128 bytes",
            vec![
                GET.to_vec(),
                literal("a", &long(126)),
                literal("b", &long(127)),
                literal("c", &long(128)),
            ],
        ),
        (
            "strings in Huffman code",
            vec![
                GET.to_vec(),
                b"\x00\x81\x1f\x81\x07".to_vec(),
                b"\x00\x81\x1f\x80".to_vec(),
            ],
        ),
        (
            "padding of eleven bits",
            vec![GET.to_vec(), b"\x00\x81\x1f\x82\x07\xff".to_vec()],
        ),
        (
            "bad Huffman code of a name and of a value",
            vec![
                GET.to_vec(),
                b"\x00\x81\x00\x01v".to_vec(),
                b"\x00\x01n\x81\x00".to_vec(),
                b"\x40\x81\x00\x01v".to_vec(),
                indexed(62),
            ],
        ),
        (
            "EOS",
            vec![GET.to_vec(), b"\x00\x01n\x84\xff\xff\xff\xff".to_vec()],
        ),
        (
            "sizes of 30, 31 and 32",
            vec![table_size(30), table_size(31), table_size(32), GET.to_vec()],
        ),
        (
            "a size after a field",
            vec![table_size(1), GET.to_vec(), table_size(2)],
        ),
        (
            "a size that evicts",
            vec![GET.to_vec(), entry("a", "1"), table_size(33), indexed(62)],
        ),
        ("index 0", vec![GET.to_vec(), indexed(0)]),
        (
            "index 62 of an empty table",
            vec![GET.to_vec(), indexed(62)],
        ),
        (
            "a name of index 62 of an empty table",
            vec![GET.to_vec(), literal_named(62, "v")],
        ),
        ("an index that has no end", vec![GET.to_vec(), vec![0xff]]),
        (
            "an index of eleven bytes",
            vec![
                GET.to_vec(),
                vec![
                    0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,
                ],
            ],
        ),
        (
            "a literal that ends after its index",
            vec![GET.to_vec(), vec![0x0f, 1]],
        ),
        (
            "a literal that ends after its name",
            vec![GET.to_vec(), b"\0\x01a".to_vec()],
        ),
        (
            "a value that is too long by one",
            vec![GET.to_vec(), b"\0\x01a\x02b".to_vec()],
        ),
        (
            "a name that is too long by one",
            vec![GET.to_vec(), b"\x10\x02a".to_vec()],
        ),
        ("a size that has no end", vec![vec![0x3f]]),
        (
            "an entry that is too large for the table",
            vec![
                GET.to_vec(),
                entry("a", "1"),
                entry("b", &long(4096 - 33)),
                entry("c", &long(4096 - 32)),
                indexed(62),
            ],
        ),
        (
            "text that is not UTF-8",
            vec![GET.to_vec(), b"\0\x01\xff\x02\xfe\xfd".to_vec()],
        ),
    ];
    let text = table(cases.iter().map(|(name, fields)| {
        let root = decode(
            &Http2,
            &client(&[frame(HEADERS, ENDH | END, 1, &block(fields))]),
        );
        let payload = root
            .field("frames")
            .unwrap()
            .item(1)
            .unwrap()
            .field("payload")
            .unwrap();
        let listing = spelled(&payload);
        let fields = listing
            .lines()
            .map(|l| l.strip_prefix(".frames[1].payload").unwrap_or(l));
        // those of the request are the same
        let hide = ["[0]", "[1]", "[2]", "[3]"].map(|i| format!(".headers{i}"));
        let starts_with_get = fields_begin_with_get(name);
        let shown =
            fields.filter(|l| !starts_with_get || !hide.iter().any(|h| l.starts_with(h.as_str())));
        ((*name).to_owned(), shown.flat_map(|l| [l, "\n"]).collect())
    }));
    keep("fields", &text);
}

fn fields_begin_with_get(name: &str) -> bool {
    ![
        "sizes of",
        "a size after",
        "a size that has",
        "an index of each",
    ]
    .iter()
    .any(|n| name.starts_with(n))
}

/// A block in several frames, cut at each byte: the fields are the same, and every byte is shown once.
#[test]
fn blocks_in_several_frames() {
    let whole = block(&[
        GET.to_vec(),
        entry("name", "value"),
        b"\x00\x81\x1f\x81\x07".to_vec(),
    ]);
    let of = |frames: &[Vec<u8>], at: u64| {
        let root = decode(&Http2, &client(frames));
        let frame = root.field("frames").unwrap().item(at).unwrap();
        let headers = frame.field("payload").unwrap().field("headers").unwrap();
        (spelled(&headers), findings(&root))
    };
    let (one, wrong) = of(&[frame(HEADERS, ENDH | END, 1, &whole)], 1);
    assert_eq!(wrong, "");
    let places = |listing: &str| -> Vec<String> {
        let moved = |word: &str| match word.strip_prefix('@').and_then(|w| w.split_once('+')) {
            Some((at, len)) => format!("@{}+{len}", at.parse::<u64>().unwrap() - 42),
            None => word.to_owned(),
        };
        listing
            .lines()
            .map(|l| l.split(' ').map(moved).collect::<Vec<_>>().join(" "))
            .collect()
    };
    let one = places(&one);
    for a in 0..=whole.len() {
        let b = (a + whole.len()) / 2;
        let frames = [
            frame(HEADERS, END | PADDED, 1, &cat(&[&[1], &whole[..a], &[0]])),
            frame(CONTINUATION, 0, 1, &whole[a..b]),
            frame(CONTINUATION, ENDH, 1, &whole[b..]),
        ];
        let (three, wrong) = of(&frames, 1);
        assert_eq!(wrong, "", "{a}");
        let three: Vec<_> = three.lines().map(str::to_owned).collect();
        assert_eq!(three, one, "{a}");
    }
    let mut text = String::new();
    let cases = [
        (
            "three frames",
            vec![
                frame(HEADERS, 0, 1, &whole[..3]),
                frame(CONTINUATION, 0, 1, &whole[3..9]),
                frame(CONTINUATION, ENDH, 1, &whole[9..]),
            ],
        ),
        (
            "another frame in between",
            vec![
                frame(HEADERS, 0, 1, &whole[..3]),
                frame(PING, 0, 0, &[0; 8]),
                frame(CONTINUATION, ENDH, 1, &whole[3..]),
            ],
        ),
        (
            "a continuation on another stream",
            vec![
                frame(HEADERS, 0, 1, &whole[..3]),
                frame(CONTINUATION, ENDH, 3, &whole[3..]),
            ],
        ),
        (
            "headers while a block is open",
            vec![
                frame(HEADERS, 0, 1, &whole[..3]),
                frame(HEADERS, ENDH, 3, GET),
            ],
        ),
        (
            "a block that the stream cuts off",
            vec![
                frame(HEADERS, 0, 1, &whole[..3]),
                frame(CONTINUATION, ENDH, 1, &whole[3..])[..14].to_vec(),
            ],
        ),
        (
            "a continuation of a whole block",
            vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(CONTINUATION, ENDH, 1, &[]),
            ],
        ),
        (
            "a table that is not known after it",
            vec![
                frame(HEADERS, 0, 1, &entry("a", "1")),
                frame(PING, 0, 0, &[0; 8]),
                frame(
                    HEADERS,
                    ENDH,
                    3,
                    &cat(&[
                        GET,
                        &indexed(62),
                        &literal_named(63, "x"),
                        &entry("b", "2"),
                        &indexed(62),
                        &indexed(63),
                    ]),
                ),
            ],
        ),
        ("a broken block that many others follow", {
            let broken = frame(HEADERS, ENDH | END, 1, &cat(&[GET, &[0, 9, b'a']]));
            let others = (1..20).map(|i| frame(HEADERS, ENDH | END, 2 * i + 1, &indexed(2)));
            [broken].into_iter().chain(others).collect()
        }),
        (
            "a promise in two frames",
            vec![
                frame(HEADERS, ENDH, 1, GET),
                frame(PUSH_PROMISE, 0, 1, &cat(&[&[0x80, 0, 0, 2], &GET[..2]])),
                frame(CONTINUATION, ENDH, 1, &GET[2..]),
            ],
        ),
    ];
    for (name, frames) in cases {
        let root = decode(&Http2, &client(&frames));
        let _ = write!(
            text,
            "# {name}\n{}",
            without(&spelled(&root), &[".preface", ".frames[0]"])
        );
    }
    keep("continuations", &text);
}

/// A block is read once more with the table that it had.
#[test]
fn a_block_is_read_again_with_its_table() {
    let (mut log, mut table) = (Log::default(), Window::new());
    let first = cat(&[&entry("a", "1"), &entry("b", "2")]);
    read_block(&first.clone().into(), &mut log, &mut table);
    let mut again = Window::new();
    let read = read_block(&first.into(), &mut log, &mut again);
    assert_eq!(again, table);
    assert_eq!(read.fields.len(), 2);
    assert_eq!(held(&log, &table), ["b", "a"]);
}
