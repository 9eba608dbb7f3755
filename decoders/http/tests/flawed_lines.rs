//! Malformed lines among the header fields of HTTP/1.1: readers go on behind them, and so does what is read here.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Severity, Space};
use binq_http::Http1;
use binq_laws as walk;

fn decode(text: &str) -> Node {
    Http1.decode(Space::source(text.as_bytes().to_vec()), &Options::default())
}

fn set(text: &str, path: &str, value: &str) -> Result<String, String> {
    let (root, keys) = (decode(text), walk::parse(path));
    let leaf = walk::follow(&root, &keys).unwrap_or_else(|| panic!("no {path}"));
    let leaf = leaf.assign(Plain::Scalar(value.into()));
    let root = walk::put_back(&root, &keys, leaf.map_err(|e| e.to_string())?);
    let out = encode(&root, &EncodeOptions::default()).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out.to_bytes().to_vec()).unwrap())
}

fn get(root: &Node, path: &str) -> Option<String> {
    let node = walk::follow(root, &walk::parse(path))?;
    let scalar = node.scalar();
    let text = scalar
        .as_bytes()
        .map(|b| String::from_utf8_lossy(b).into_owned());
    Some(text.unwrap_or_else(|| scalar.to_string()))
}

fn findings(root: &Node) -> Vec<(String, Severity, u64)> {
    let all = root.findings();
    all.map(|f| (f.path, f.severity, f.offset.unwrap()))
        .collect()
}

/// Two responses: the first one has a line more between two others.
fn responses(line: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nA: 1\r\n{line}\r\nContent-Length: 2\r\n\r\nok\
         HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nno"
    )
}

const AT: u64 = 17 + 6;

#[test]
fn white_space_before_a_colon_is_not_of_the_name() {
    for (line, name, value) in [
        ("B : 2", "B", "2"),
        ("B\t \t:2", "B", "2"),
        ("B : 2\r\n  3", "B", "2 3"),
        ("B :", "B", ""),
    ] {
        let text = responses(line);
        let root = decode(&text);
        let field = |name| get(&root, &format!(".responses[0].headers[1].{name}")).unwrap();
        assert_eq!(
            (&field("name")[..], &field("value")[..]),
            (name, value),
            "{line:?}"
        );
        assert_eq!(get(&root, ".responses[0].header.b").unwrap(), value);
        assert_eq!(get(&root, ".responses[0].body").unwrap(), "ok");
        assert_eq!(get(&root, ".responses[1].status").unwrap(), "201");
        let found = findings(&root);
        let path = ".responses[0].headers[1].name".to_owned();
        assert_eq!(found[0], (path, Severity::Odd, AT + 1), "{line:?}");
        // one that is folded is odd for that, too
        let folded = usize::from(line.contains('\n'));
        assert_eq!(found.len(), 1 + folded, "{line:?}");
    }
    let text = responses("B \t: 2");
    let edit = |path: &str, value| set(&text, &format!(".responses[0].headers[1].{path}"), value);
    assert_eq!(edit("name", "Other").unwrap(), responses("Other \t: 2"));
    assert_eq!(edit("value", "long").unwrap(), responses("B \t: long"));
    assert_eq!(edit("value", "2").unwrap(), text);
}

#[test]
fn a_line_that_is_no_field_is_a_gap() {
    for line in [
        "no field",
        "two words: 2",
        ": 2",
        ":",
        "x",
        "x ",
        "<!DOCTYPE html \"http: //www\">",
        "na(me: 1",
    ] {
        let text = responses(line);
        let root = decode(&text);
        let path = ".responses[0].headers[1].gap0";
        assert_eq!(get(&root, path).unwrap(), line);
        assert_eq!(get(&root, ".responses[0].headers[2].value").unwrap(), "2");
        assert_eq!(get(&root, ".responses[0].body").unwrap(), "ok");
        assert_eq!(get(&root, ".responses[1].body").unwrap(), "no");
        let right = [(path.to_owned(), Severity::Damage, AT)];
        assert_eq!(findings(&root), right, "{line:?}");
        for new in ["other text", "a b: c", "other "] {
            assert_eq!(set(&text, path, new).unwrap(), responses(new), "{line:?}");
        }
        assert_eq!(set(&text, path, line).unwrap(), text);
        // another line would be read as something else
        for new in [
            "",
            "a: b",
            "a : b",
            " a",
            "a\r\nb",
            "a\n",
            "HTTP/1.1 200 OK",
        ] {
            assert!(set(&text, path, new).is_err(), "{new:?}");
        }
        // the body is as long as the length says, whatever is before it
        let longer = set(&text, ".responses[0].body", "longer").unwrap();
        assert_eq!(
            longer,
            text.replacen("Length: 2\r\n\r\nok", "Length: 6\r\n\r\nlonger", 1)
        );
    }
}

#[test]
fn lines_before_the_first_field_that_begin_with_white_space_are_skipped() {
    for (text, path) in [
        (
            "HTTP/1.1 200 OK\r\n a: 1\r\n\tb\r\nC: 3\r\nContent-Length: 2\r\n\r\nok",
            ".responses",
        ),
        (
            "PUT / HTTP/1.1\r\n a: 1\r\n\tb\r\nHost: 3\r\nContent-Length: 2\r\n\r\nok",
            ".requests",
        ),
    ] {
        let root = decode(text);
        assert_eq!(
            get(&root, &format!("{path}[0].headers[0].value")).unwrap(),
            "3"
        );
        assert_eq!(get(&root, &format!("{path}[0].body")).unwrap(), "ok");
        let at = text.find(" a: 1").unwrap() as u64;
        let right = [(format!("{path}[0].gap0"), Severity::Odd, at)];
        assert_eq!(findings(&root), right);
        let longer = set(text, &format!("{path}[0].headers[0].value"), "44").unwrap();
        assert_eq!(longer, text.replace(": 3\r", ": 44\r"));
    }
}

#[test]
fn a_server_rejects_a_request_for_it_and_the_next_one_is_read() {
    for line in ["B : 2", "no field", ": 2", "two words: 2"] {
        let text = format!(
            "PUT /a HTTP/1.1\r\n{line}\r\nHost: a\r\nContent-Length : 2\r\n\r\nok\
             GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let root = decode(&text);
        assert_eq!(get(&root, ".requests[0].body").unwrap(), "ok", "{line:?}");
        assert_eq!(get(&root, ".requests[1].target").unwrap(), "/b");
        let found = findings(&root);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0].0[..], found[0].1),
            (".requests[0]", Severity::Stops)
        );
        assert!((17..20).contains(&found[0].2), "{found:?}");
    }
}

#[test]
fn a_trailer_is_no_worse_than_a_field() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\nX : 1\r\nno field\r\nY: 2\r\n\r\n\
                HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n";
    let root = decode(text);
    assert_eq!(get(&root, ".responses[0].body").unwrap(), "ok");
    assert_eq!(get(&root, ".responses[0].trailers[2].value").unwrap(), "2");
    assert_eq!(get(&root, ".responses[1].status").unwrap(), "201");
    let found: Vec<_> = findings(&root)
        .into_iter()
        .map(|(p, s, _)| (p, s))
        .collect();
    let right = [
        (".headers[0].name", Severity::Odd),
        (".trailers[0].name", Severity::Odd),
        (".trailers[1].gap0", Severity::Damage),
    ];
    let right = right.map(|(p, s)| (format!(".responses[0]{p}"), s));
    assert_eq!(found, right);
}

#[test]
fn what_is_no_text_or_has_no_end_is_no_head() {
    let sound = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for rest in [
        "A: 1\r\n\u{1}\u{2}\r\nB: 2\r\n\r\n",
        "A: 1\r\nno field\r\nB: 2\r\n",
        "no field\r\nand no end",
        "A: 1\r\nHTTP/1.1 201 OK\r\nB: 2\r\n\r\n",
    ] {
        let text = format!("{sound}HTTP/1.1 200 OK\r\n{rest}");
        let root = decode(&text);
        let found = findings(&root);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0].0[..], found[0].1),
            (".responses[1]", Severity::Stops)
        );
        assert!(get(&root, ".gap0").is_some(), "{rest:?}");
    }
}

#[test]
fn many_malformed_lines_take_time_like_their_bytes() {
    let took = |n: usize| {
        let one = format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            "no field\r\n".repeat(300)
        );
        let text = one.repeat(n);
        let start = std::time::Instant::now();
        let root = decode(&text);
        assert_eq!(
            get(&root, &format!(".responses[{}].status", n - 1)).unwrap(),
            "200"
        );
        start.elapsed()
    };
    took(50);
    let (few, many) = (took(100), took(1600));
    assert!(many < few * 80, "{few:?} {many:?}");
}

#[test]
fn a_version_may_be_a_later_one() {
    let text = "GET /a HTTP/1.2\r\nHost: a\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
    let root = decode(text);
    assert_eq!(get(&root, ".requests[0].version").unwrap(), "HTTP/1.2");
    assert_eq!(get(&root, ".requests[1].target").unwrap(), "/b");
    assert_eq!(findings(&root), []);
    for version in ["HTTP/1.0", "HTTP/1.1", "HTTP/1.9"] {
        let new = set(text, ".requests[0].version", version).unwrap();
        assert_eq!(new, text.replace("HTTP/1.2", version));
    }
    for version in ["HTTP/1.10", "HTTP/2.0", "HTTP/1.", "HTTP/1.x", "http/1.1"] {
        assert!(
            set(text, ".requests[0].version", version).is_err(),
            "{version}"
        );
    }
    // of a later version, as of 1.1, a Host is needed
    let found = findings(&decode("GET /a HTTP/1.2\r\n\r\n"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, Severity::Damage);
}
