//! Fields of HTTP/1.1 keep its framing: what would break it is refused, and what is taken reads back, with all else as it was.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Scalar, Space};
use binq_http::Http1;
use binq_laws as walk;
use proptest::prelude::*;
use std::collections::BTreeMap;

const REQUESTS: &str = "POST /a?b=c HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n\
     3;x=y\r\nabc\r\n2 ; q\r\nde\r\n0;last\r\nx-sum: 1\r\n\r\n\
     PUT /b HTTP/1.0\nHost: b\nContent-Length: 3\n\nabc\
     GET /c HTTP/1.1\r\nHost: c\r\n\r\n";

const RESPONSES: &str = "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok\
     HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n\
     HTTP/1.1 500 It broke \r\nX-A:  b  \r\nContent-Length: 0\r\n\r\n\
     HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";

fn decode(bytes: &[u8]) -> Node {
    Http1.decode(Space::source(bytes.to_vec()), &Options::default())
}

fn set(text: &str, path: &str, value: &str) -> Result<Vec<u8>, String> {
    let (root, keys) = (decode(text.as_bytes()), walk::parse(path));
    let leaf = walk::follow(&root, &keys).unwrap_or_else(|| panic!("no {path}"));
    let leaf = leaf
        .assign(Plain::Scalar(value.into()))
        .map_err(|e| e.to_string())?;
    let root = walk::put_back(&root, &keys, leaf);
    let out = encode(&root, &EncodeOptions::default()).map_err(|e| e.to_string())?;
    Ok(out.to_bytes().to_vec())
}

fn text(scalar: &Scalar) -> String {
    match scalar.as_bytes() {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => scalar.to_string(),
    }
}

/// All leaves, by path.
fn leaves(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk::leaves(&decode(bytes), &mut |leaf| {
        all.insert(leaf.path_text(), text(&leaf.scalar()));
    });
    all
}

#[test]
fn a_reason_comes_with_its_space() {
    let set = |i: usize, value| set(RESPONSES, &format!(".responses[{i}].reason"), value);
    let first = |i, value| {
        let text = String::from_utf8(set(i, value).unwrap()).unwrap();
        let old = [
            "HTTP/1.1 200\r",
            "HTTP/1.1 404 \r",
            "HTTP/1.1 500 It broke \r",
        ][i];
        let at = RESPONSES.find(old).unwrap();
        text[at..].lines().next().unwrap().to_owned()
    };
    assert_eq!(first(0, "OK"), "HTTP/1.1 200 OK");
    assert_eq!(first(1, "Not Found"), "HTTP/1.1 404 Not Found");
    assert_eq!(first(2, ""), "HTTP/1.1 500 ");
    assert_eq!(set(0, "").unwrap(), RESPONSES.as_bytes());
    for i in 0..3 {
        let refused = set(i, "OK\r\nSet-Cookie: a").unwrap_err();
        assert!(refused.contains("without line breaks"), "{refused}");
    }
}

#[test]
fn an_extension_begins_with_its_semicolon() {
    let set = |i: usize, value: &str| {
        let out = set(
            REQUESTS,
            &format!(".requests[0].chunks[{i}].extension"),
            value,
        )?;
        Ok::<_, String>(String::from_utf8(out).unwrap())
    };
    for wrong in [
        "abcd",
        "a",
        ";a\r\nb",
        ";\n",
        ";\r",
        ";a\0",
        &format!(";{}", "x".repeat(5000)),
    ] {
        let refused = set(0, wrong).unwrap_err();
        assert!(
            refused.contains("takes chunk extensions"),
            "{wrong:?}: {refused}"
        );
    }
    assert!(
        set(0, ";a=longer")
            .unwrap()
            .contains("\r\n3;a=longer\r\nabc")
    );
    assert!(set(0, "").unwrap().contains("\r\n3\r\nabc"));
    assert!(set(1, "").unwrap().contains("\r\n2\r\nde"));
}

/// A head may be of any length.
#[test]
fn long_values_are_read_back() {
    for (len, path) in [
        (70_000, ".requests[0].headers[0].value"),
        (300_000, ".requests[1].target"),
    ] {
        let long = "x".repeat(len);
        let out = set(REQUESTS, path, &long);
        if path.ends_with("target") {
            assert!(
                out.unwrap_err().contains("takes"),
                "a request line has a bound"
            );
            continue;
        }
        let root = decode(&out.unwrap());
        let leaf = walk::follow(&root, &walk::parse(path)).unwrap();
        assert_eq!(leaf.scalar(), long.as_str().into());
        assert!(walk::follow(&root, &walk::parse(".requests[2].target")).is_some());
    }
}

/// Whether changing a field means that messages are read in another way.
fn frames_body(path: &str, is: &BTreeMap<String, String>) -> bool {
    let by_name = path.contains(".header.") || path.contains(".header[");
    let name = match path.strip_suffix(".value").or(path.strip_suffix(".name")) {
        Some(header) => is
            .get(&format!("{header}.name"))
            .cloned()
            .unwrap_or_default(),
        None if by_name => path.to_owned(),
        None => return false,
    };
    let name = name.to_ascii_lowercase();
    name.contains("content-length") || name.contains("transfer-encoding")
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "B",
        "/x",
        "7",
        " ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "\0",
        ":",
        ";",
        "=",
        "\u{7f}",
        "ü",
        "",
        "HTTP/1.1",
        "0",
        "\r\n\r\n",
        "GET / HTTP/1.1",
        "\u{85}",
        ",",
        "\x0b",
        "\x0c",
        "\u{1}",
    ]);
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// What is assigned is refused, or reads back, and nothing else changes but what follows from its length.
    #[test]
    fn texts_keep_the_framing(responses: bool, which: prop::sample::Index, value in hostile()) {
        let text = if responses { RESPONSES } else { REQUESTS };
        let was = leaves(text.as_bytes());
        let is_body = |path: &str| path.ends_with(".body") || path.ends_with(".data");
        let paths: Vec<_> = was.keys().filter(|path| !frames_body(path, &was) && !is_body(path)).collect();
        let path = which.get(&paths).as_str();
        let root = decode(text.as_bytes());
        let keys = walk::parse(path);
        let leaf = walk::follow(&root, &keys).unwrap();
        // a name that frames the body is another message
        prop_assume!(!path.ends_with(".name") || value.len() < 12);
        let span = leaf.ranges();
        let Ok(out) = set(text, path, &value) else {
            return Ok(());
        };
        let now = leaves(&out);
        let follows = |other: &str| {
            let node = walk::follow(&root, &walk::parse(other)).unwrap();
            let ranges = node.ranges();
            let touches = ranges.iter().any(|r| span.iter().any(|s| s.touches(*r)));
            // sizes, and what names a header field by another name
            touches || other.ends_with(".size") || frames_body(other, &was) || other.contains(".header")
        };
        let read = now.get(path).cloned().unwrap_or_default();
        prop_assert_eq!(&read, &value, "{}", path);
        for (other, old) in &was {
            if !follows(other) {
                prop_assert_eq!(now.get(other), Some(old), "{} = {:?} changed {}", path, value, other);
            }
        }
        let count = |all: &BTreeMap<String, String>| all.keys().filter(|k| k.ends_with(".version")).count();
        prop_assert_eq!(count(&now), count(&was), "{} = {:?}", path, value);
    }
}

/// RFC 9112 section 5.2: a value over several lines is one with spaces; it keeps its lines until it changes.
#[test]
fn a_folded_value_reads_as_one_line() {
    let folded = "HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\n\t c\r\nContent-Length:\r\n 2\r\nX-C: d\r\n\r\nok\
         HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    let all = leaves(folded.as_bytes());
    let shown = |path: &str| all.get(path).map(String::as_str);
    assert_eq!(shown(".responses[0].headers[0].value"), Some("a b c"));
    let by_name = all.iter().find(|(path, _)| path.contains("x-fold"));
    assert_eq!(by_name.unwrap().1, "a b c");
    assert_eq!(shown(".responses[0].headers[1].value"), Some("2"));
    assert_eq!(shown(".responses[0].headers[2].value"), Some("d"));
    assert_eq!(shown(".responses[0].body"), Some("ok"));
    assert_eq!(shown(".responses[1].status"), Some("404"));
    let found: Vec<_> = decode(folded.as_bytes()).findings().collect();
    // the second one has nothing in its first line
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|f| f.severity == binq_core::Severity::Odd));
    let value = ".responses[0].headers[0].value";
    assert_eq!(set(folded, value, "a b c").unwrap(), folded.as_bytes());
    let wanted = folded.replace("a\r\n b\r\n\t c", "new");
    assert_eq!(set(folded, value, "new").unwrap(), wanted.as_bytes());
    assert!(set(folded, value, "a\r\n b").is_err());
    // the length follows where it is
    let wanted = folded
        .replace("\r\n 2\r\n", "\r\n 4\r\n")
        .replace("ok", "okay");
    assert_eq!(
        set(folded, ".responses[0].body", "okay").unwrap(),
        wanted.as_bytes()
    );
}

/// RFC 9112 section 2.2: a server ignores empty lines before a request line.
#[test]
fn empty_lines_before_a_request_are_a_gap_of_it() {
    let two = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\n\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\n";
    for text in [two, &two[two.find("\r\n\n").unwrap()..]] {
        let all = leaves(text.as_bytes());
        let targets: Vec<_> = all.iter().filter(|(p, _)| p.ends_with(".target")).collect();
        assert_eq!(targets.len(), text.matches("GET").count());
        assert_eq!(targets.last().unwrap().1, "/2");
        assert_eq!(decode(text.as_bytes()).findings().count(), 0);
        let i = targets.len() - 1;
        let wanted = text.replace("/2", "/longer");
        let path = format!(".requests[{i}].target");
        assert_eq!(set(text, &path, "/longer").unwrap(), wanted.as_bytes());
        assert!(set(text, &format!(".requests[{i}].gap0"), "GET").is_err());
    }
    // not before the first status line
    let answer = "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let found: Vec<_> = decode(answer.as_bytes()).findings().collect();
    assert_eq!(found.len(), 1);
}

/// Some old servers end a body with an empty line, which is no part of it.
#[test]
fn empty_lines_behind_a_response_are_a_gap_of_the_next() {
    let one = |status| format!("HTTP/1.1 {status} OK\r\nContent-Length: 2\r\n\r\nok");
    for between in ["\r\n", "\n", "\r\n\r\n"] {
        let text = format!("{}{between}{}{between}", one(200), one(201));
        let root = decode(text.as_bytes());
        assert_eq!(root.findings().count(), 0, "{between:?}");
        let all = leaves(text.as_bytes());
        let statuses: Vec<_> = all.iter().filter(|(p, _)| p.ends_with(".status")).collect();
        assert_eq!(statuses.len(), 2);
        assert_eq!(statuses[1].1, "201");
        let longer = set(&text, ".responses[0].body", "longer").unwrap();
        let wanted = text.replacen("2\r\n\r\nok", "6\r\n\r\nlonger", 1);
        assert_eq!(longer, wanted.as_bytes());
    }
}

/// Items of a list in another order, and bytes of the body, in one query; the order of the two edits says nothing.
fn moved(text: &str, list: &str, body: (&str, &str), length: Option<&str>) -> String {
    let mut root = decode(text.as_bytes());
    if let Some(value) = length {
        let keys = walk::parse(&format!("{list}[1].value"));
        let leaf = walk::follow(&root, &keys).unwrap();
        let leaf = leaf.assign(Plain::Scalar(value.into())).unwrap();
        root = walk::put_back(&root, &keys, leaf);
    }
    let keys = walk::parse(list);
    let all = walk::follow(&root, &keys).unwrap();
    let items = (0..all.items().count() as u64).rev();
    let items = items.map(|i| Plain::Node(all.item(i).unwrap())).collect();
    let all = all.set_items(items).unwrap();
    root = walk::put_back(&root, &keys, all);
    let keys = walk::parse(body.0);
    let leaf = walk::follow(&root, &keys).unwrap();
    let leaf = leaf.assign(Plain::Scalar(body.1.into())).unwrap();
    root = walk::put_back(&root, &keys, leaf);
    let out = encode(&root, &EncodeOptions::default()).unwrap();
    String::from_utf8(out.to_bytes().to_vec()).unwrap()
}

/// Law 5: a length follows the body, wherever its line comes to; one that was assigned stays.
#[test]
fn a_content_length_follows_where_its_line_moves() {
    let text = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\nabc";
    let new = |length: &str| {
        format!("PUT / HTTP/1.1\r\nX: y\r\nContent-Length: {length}\r\nHost: a\r\n\r\nabcdefghijk")
    };
    let edit = |length| {
        moved(
            text,
            ".requests[0].headers",
            (".requests[0].body", "abcdefghijk"),
            length,
        )
    };
    assert_eq!(edit(None), new("11"));
    assert_eq!(edit(Some("7")), new("7"));
    assert_eq!(edit(Some("3")), new("3"));
}

/// Several lines are one list (RFC 9110 section 5.3), and a list of one number is that number (section 8.6).
#[test]
fn framing_that_is_told_more_than_once() {
    let body = |head: &str, rest: &str| {
        let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{head}\r\n\r\n{rest}");
        let root = decode(text.as_bytes());
        let whole = root.findings().count() == 0;
        let body = walk::follow(&root, &walk::parse(".requests[0].body"));
        whole.then(|| body.unwrap().bytes().unwrap().to_vec())
    };
    let chunks = "3\r\nabc\r\n0\r\n\r\n";
    let lines = "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked";
    assert_eq!(body(lines, chunks).as_deref(), Some(&b"abc"[..]));
    assert_eq!(
        body("Transfer-Encoding: gzip, chunked", chunks).as_deref(),
        Some(&b"abc"[..])
    );
    assert_eq!(
        body("Content-Length: 2, 2", "ab").as_deref(),
        Some(&b"ab"[..])
    );
    assert_eq!(
        body("Content-Length: 2\r\nContent-Length: 2", "ab").as_deref(),
        Some(&b"ab"[..])
    );
    for wrong in [
        "Content-Length: 2, 3",
        "Content-Length: 2,",
        "Content-Length: +2",
    ] {
        assert_eq!(body(wrong, "ab"), None, "{wrong}");
    }
    let doubled = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 2\r\n\r\nab";
    let longer = set(doubled, ".requests[0].body", "abc").unwrap();
    assert_eq!(
        String::from_utf8(longer).unwrap(),
        doubled.replace("2, 2", "3") + "c"
    );
}
