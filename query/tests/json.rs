//! Writing and reading JSON.
mod common;
use binq_query::json::{self, BitsFormat, Colors, Indent, Options, Reader};
use binq_query::{V, value::Str};
use common::{node, run_values};

fn written(v: &V, options: &Options) -> String {
    let mut out = Vec::new();
    json::write(&mut out, v, options).unwrap();
    String::from_utf8(out).unwrap()
}

fn value(s: &str) -> V {
    json::parse(s.as_bytes()).unwrap()
}

#[test]
fn layouts() {
    let v = value(r#"{"a":[1,{}],"b":[]}"#);
    assert_eq!(written(&v, &Options::compact()), r#"{"a":[1,{}],"b":[]}"#);
    assert_eq!(
        written(&v, &Options::default()),
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"
    );
    let tab = Options {
        indent: Indent::Tab,
        ..Options::default()
    };
    assert_eq!(written(&value("[1]"), &tab), "[\n\t1\n]");
}

/// Two keys are never written alike, whatever bytes they are. Keys that are bytes are written as byte strings are.
#[test]
fn keys_that_are_bytes() {
    let text = |program: &str| {
        let v = run_values(V::Null, program).remove(0);
        written(
            &v.unwrap_or_else(|e| panic!("{program}: {e}")),
            &Options::compact(),
        )
    };
    let two = r#"{("ff"|from_hex):1,("fe"|from_hex):2}"#;
    let long = "0123456789".repeat(5) + "ff";
    for (program, expected) in [
        (two.to_owned(), r#"{"ff":1,"fe":2}"#.to_owned()),
        (format!("{two} | keys"), r#"["fe","ff"]"#.into()),
        (
            format!("{two} | tojson | fromjson"),
            r#"{"ff":1,"fe":2}"#.into(),
        ),
        (
            format!("{two} | to_entries | from_entries"),
            r#"{"ff":1,"fe":2}"#.into(),
        ),
        (
            format!("{two} | .[\"ff\"|from_hex] += 1 | [paths], del(.[\"fe\"|from_hex]) | tojson"),
            r#""[[\"ff\"],[\"fe\"]]""#.into(),
        ),
        // bytes that are text, too, are bytes; the same bytes are one key
        (
            r#"{("6162"|from_hex):1} | ., .ab, (.ab = 2) | tojson"#.into(),
            r#""{\"6162\":1}""#.into(),
        ),
        (
            r#"{ab:1} | .["6162"|from_hex] = 2"#.into(),
            r#"{"ab":2}"#.into(),
        ),
        (
            r#"reduce ("00", "6162", "ff", "ff") as $x ({}; .[$x|from_hex] += 1)"#.into(),
            r#"{"00":1,"6162":1,"ff":2}"#.into(),
        ),
        (
            r#"{("ff"|from_hex):1, "ff":2, "0xff":3}"#.into(),
            r#"{"0x0xff":1,"ff":2,"0xff":3}"#.into(),
        ),
        (
            format!("{{(\"{long}\"|from_hex):1}}"),
            format!("{{\"{long}\":1}}"),
        ),
    ] {
        assert_eq!(text(&program), expected, "{program}");
    }
    // a name that is no text, such as that of a file
    let [one, other] = [b"a\xff", b"a\xfe"].map(|b| (Str::from(&b[..]), V::Null));
    let v = V::obj([one, other].into_iter().collect());
    let formats = [
        (BitsFormat::Hex, r#"{"61ff":null,"61fe":null}"#),
        (BitsFormat::String, r#"{"61ff":null,"61fe":null}"#),
        (BitsFormat::ByteArray, r#"{"61ff":null,"61fe":null}"#),
        (BitsFormat::Base64, r#"{"Yf8=":null,"Yf4=":null}"#),
    ];
    for (bits, expected) in formats {
        for sort_keys in [false, true] {
            let options = Options {
                bits,
                sort_keys,
                ..Options::compact()
            };
            let mut in_order: Vec<&str> = expected[1..expected.len() - 1].split(',').collect();
            if sort_keys {
                in_order.reverse();
            }
            assert_eq!(written(&v, &options), format!("{{{}}}", in_order.join(",")));
        }
    }
}

#[test]
fn nodes_like_plain_values() {
    let doc =
        r#"{"b":[1,{"x":"y"}],"a":{"$bytes":"ff00"},"e":{"$fault":"more","$fields":{"n":1}}}"#;
    let n = node(doc);
    let plain = run_values(n.clone(), "tovalue").remove(0).unwrap();
    assert!(!matches!(plain, V::Node(_)));
    for indent in [Indent::Compact, Indent::Spaces(2), Indent::Tab] {
        for sort_keys in [false, true] {
            let options = Options {
                indent,
                sort_keys,
                ..Options::default()
            };
            assert_eq!(written(&n, &options), written(&plain, &options));
        }
    }
    let text = written(&n, &Options::compact());
    assert!(
        text.starts_with(r#"{"b":[1,{"x":"y"}],"a":"ff00","e":{"n":1,"_error":{"#),
        "{text}"
    );
}

#[test]
fn sorted_keys() {
    let options = Options {
        sort_keys: true,
        ..Options::compact()
    };
    assert_eq!(
        written(&value(r#"{"b":{"d":1,"c":2},"a":0}"#), &options),
        r#"{"a":0,"b":{"c":2,"d":1}}"#
    );
}

#[test]
fn raw_strings() {
    let options = Options {
        raw: true,
        ..Options::compact()
    };
    assert_eq!(written(&V::text("a\"b"), &options), "a\"b");
    assert_eq!(written(&value(r#"["a"]"#), &options), r#"["a"]"#);
    assert_eq!(written(&V::bytes(vec![1]), &options), "\"01\"");
}

#[test]
fn ascii() {
    let options = Options {
        ascii: true,
        ..Options::compact()
    };
    assert_eq!(
        written(&V::text("é😀"), &options),
        r#""\u00e9\ud83d\ude00""#
    );
}

#[test]
fn formats_of_bytes() {
    let v = V::bytes(vec![0xff, b'a']);
    let with = |bits| {
        written(
            &v,
            &Options {
                bits,
                ..Options::compact()
            },
        )
    };
    assert_eq!(with(BitsFormat::Hex), "\"ff61\"");
    assert_eq!(with(BitsFormat::Base64), "\"/2E=\"");
    assert_eq!(with(BitsFormat::String), "\"\u{fffd}a\"");
    assert_eq!(with(BitsFormat::ByteArray), "[255,97]");
    assert_eq!(with(BitsFormat::Snippet), "\"<2>/2E=\"");
    assert_eq!("base64".parse(), Ok(BitsFormat::Base64));
    assert!(
        "nope"
            .parse::<BitsFormat>()
            .unwrap_err()
            .contains("byte_array")
    );
}

#[test]
fn colours() {
    let colors = Some(Colors::from_jq_colors("1;31::::::"));
    let options = Options {
        colors,
        ..Options::compact()
    };
    assert_eq!(written(&V::Null, &options), "\x1b[1;31mnull\x1b[0m");
    let options = Options {
        colors: Some(Colors::default()),
        ..Options::compact()
    };
    assert_eq!(
        written(&value(r#"{"a":"b"}"#), &options),
        "\x1b[1;39m{\x1b[0m\x1b[34;1m\"a\"\x1b[0m\x1b[1;39m:\x1b[0m\x1b[0;32m\"b\"\x1b[0m\x1b[1;39m}\x1b[0m"
    );
    assert_eq!(Colors::from_jq_colors("red"), Colors::default());
}

#[test]
fn writing_is_lazy() {
    // a writer that takes a little: no more than that may be decoded
    struct Few(usize);
    impl std::io::Write for Few {
        fn write(&mut self, b: &[u8]) -> std::io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(b.len())
                .ok_or(std::io::ErrorKind::WriteZero)?;
            Ok(b.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let endless = run_values(V::Null, "[range(100000)]").remove(0).unwrap();
    assert!(json::write(&mut Few(100), &endless, &Options::compact()).is_err());
}

#[test]
fn deep_values() {
    let deep = (0..10_000).fold(V::arr(vec![]), |v, _| V::arr(vec![v]));
    assert_eq!(written(&deep, &Options::compact()).len(), 20_002);
    let deeper = (0..200_000).fold(V::arr(vec![]), |v, _| V::arr(vec![v]));
    assert!(written(&deeper, &Options::compact()).contains("<skipped: too deep>"));
    // and dropped without using up the stack
    drop(deeper);
    let text = "[".repeat(10_000) + &"]".repeat(10_000);
    assert_eq!(json::to_text(&value(&text)), text);
    let objects = "{\"a\":".repeat(9_999) + "{}" + &"}".repeat(9_999);
    assert_eq!(json::to_text(&value(&objects)), objects);
    // given up deep inside, where values were read that nest as deep
    assert!(json::parse(format!("[{},}}", &text[1..text.len() - 1]).as_bytes()).is_err());
    let text = "[".repeat(100_000);
    assert_eq!(
        json::parse(text.as_bytes()).unwrap_err().message,
        "Exceeds depth limit for parsing"
    );
}

#[test]
fn reading() {
    for s in [
        "null",
        "true",
        "[]",
        "{}",
        "[1,2.5,-3]",
        r#"{"a":{"b":[null]}}"#,
        "18446744073709551616",
        "-0",
        "1E+300",
        "1.10",
    ] {
        assert_eq!(json::to_text(&value(s)), s);
    }
    assert_eq!(value(" [ 1 , 2 ] "), value("[1,2]"));
    assert_eq!(value(r#""\ud83d\ude00""#), V::text("😀"));
    // a literal of any length stays what it is
    let long = "123456789012345678901234567890.5";
    assert_eq!(json::to_text(&value(long)), long);
    assert_eq!(
        json::to_text(&value("[nan, -Infinity, 01, .5]")),
        "[null,-1.7976931348623157e+308,1,0.5]"
    );
    // what is not UTF-8 is replaced
    assert_eq!(json::parse(b"\"a\xff\"").unwrap(), V::text("a\u{fffd}"));
    let many: Vec<V> = Reader::new(b"1 2\n[3]").map(Result::unwrap).collect();
    assert_eq!(many, [value("1"), value("2"), value("[3]")]);
    assert_eq!(value("\u{feff}1"), value("1"));
}

#[test]
fn reading_errors_have_places() {
    let e = json::parse(b"[1,\n  x]").unwrap_err();
    assert_eq!((e.line, e.column, e.offset), (2, 3, 6));
    assert_eq!(e.to_string(), "expected value at line 2, column 3");
    for bad in [
        "",
        "[",
        "[1",
        "{",
        "{\"a\"",
        "{\"a\":}",
        "{1:2}",
        "\"abc",
        "\"\\x\"",
        "01x",
        "nul",
        "1 2",
        "[1,]",
        "}",
        "nan1",
        "1_0",
        "\"\\ud800x\"",
        "\"\t\"",
    ] {
        assert!(json::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    // columns are counted in characters, offsets in bytes, also after other values
    let mut r = Reader::new("[1]\n\"é\" ?".as_bytes());
    assert!(r.by_ref().take(2).all(|v| v.is_ok()));
    let e = r.next().unwrap().unwrap_err();
    assert_eq!((e.line, e.column, e.offset), (2, 5, 9));
    assert!(r.next().is_none());
    let e = json::parse(b"[1, 2").unwrap_err();
    assert_eq!((e.line, e.column, e.offset), (1, 6, 5));
}

#[test]
fn strings_of_all_lengths() {
    for n in [0, 1, 21, 22, 23, 24, 100] {
        let s = "x".repeat(n);
        assert_eq!(*Str::from(s.as_str()), *s.as_bytes());
        assert_eq!(V::text(s.clone()), V::bytes(s.into_bytes()));
    }
}

/// On a terminal, raw texts show what it would obey.
#[test]
fn raw_on_a_terminal() {
    let text = value(r#""a\n\tb\u001b\u007f\u009f\u202e\u2028é""#);
    let written = |terminal| {
        let options = Options {
            raw: true,
            terminal,
            ..Options::compact()
        };
        written(&text, &options)
    };
    assert_eq!(written(true), "a\n\tb\\u001b\\u007f\\u009f\\u202e\u{2028}é");
    assert_eq!(written(false), "a\n\tb\u{1b}\u{7f}\u{9f}\u{202e}\u{2028}é");
}

#[test]
fn long_bytes_are_cut_where_they_are_shown_in_short() {
    let bytes = |n: usize| V::bytes(vec![b'a'; n]);
    let with = |bits| Options {
        bits,
        ..Options::compact()
    };
    for (len, shown) in [(0, 0), (1023, 1023), (1024, 1024), (1025, 1024)] {
        let text = written(&bytes(len), &with(BitsFormat::Truncate));
        assert_eq!(text, format!("\"{}\"", "a".repeat(shown)));
    }
    for (len, shown) in [(0, 0), (255, 255), (256, 256), (257, 256)] {
        let text = written(&bytes(len), &with(BitsFormat::Snippet));
        let base64 = json::base64(&vec![b'a'; shown]);
        assert_eq!(text, format!("\"<{len}>{base64}\""));
    }
}
