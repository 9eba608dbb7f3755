//! What a capture lost of HTTP/1.1: it is told on the messages and exchanges that it may belong to, and nothing is made up of it.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::{at, decode, text};
use binq_core::{Node, Severity};
use std::collections::HashSet;

/// What was sent, in order: by whom, what, and whether the capture has it.
pub(crate) type Sent<'a> = (usize, &'a [u8], bool);

pub(crate) fn capture(sent: &[Sent<'_>]) -> Node {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    for (who, bytes, is_there) in sent {
        match is_there {
            true => wire.send(*who, bytes),
            false => wire.next[*who] = wire.next[*who].wrapping_add(bytes.len() as u32),
        }
    }
    wire.close();
    decode(&wire.pcap())
}

/// The worst that is found.
pub(crate) fn worst(root: &Node) -> Option<Severity> {
    root.findings().map(|f| f.severity).max()
}

/// Target and status of each exchange, and what is found about it.
fn exchanges(root: &Node) -> Vec<(String, String, Option<Severity>)> {
    let part = |stream: &Node, side: &str, name: &str| {
        let message = stream.field(side);
        let found = message.and_then(|m| m.field(name));
        found.map_or_else(|| "-".to_owned(), |n| text(&n))
    };
    let all = at(root, ".streams").items();
    all.map(|s| {
        let fault = s.finding().map(|f| f.severity);
        (
            part(&s, "request", "target"),
            part(&s, "response", "status"),
            fault,
        )
    })
    .collect()
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

fn answer(status: u32) -> Vec<u8> {
    format!("HTTP/1.1 {status} OK\r\nContent-Length: 2\r\n\r\nok").into_bytes()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    of.iter().map(pair).collect()
}

fn shown(root: &Node) -> Vec<(String, String)> {
    let all = exchanges(root).into_iter();
    all.map(|(target, status, _)| (target, status)).collect()
}

#[test]
fn a_lost_response_moves_no_other() {
    for lost in 0..4 {
        let (asked, answers): (Vec<_>, Vec<_>) = (0..4)
            .map(|i| (get(&format!("/{i}")), answer(200 + i)))
            .unzip();
        let mut sent: Vec<Sent<'_>> = Vec::new();
        for i in 0..4 {
            sent.push((CLIENT, &asked[i], true));
            sent.push((SERVER, &answers[i], i != lost));
        }
        let root = capture(&sent);
        let found = exchanges(&root);
        assert_eq!(found.len(), 4, "{found:?}");
        for (i, (target, status, fault)) in found.iter().enumerate() {
            assert_eq!(*target, format!("/{i}"));
            let is_lost = i == lost;
            let wanted = if is_lost {
                "-".to_owned()
            } else {
                (200 + i).to_string()
            };
            assert_eq!(*status, wanted, "{lost}: {found:?}");
            // the last one is not seen to be lost: nothing comes after it
            let severity = match (is_lost, lost) {
                (false, _) => None,
                (true, 3) => *fault,
                (true, _) => Some(Severity::Odd),
            };
            assert_eq!(*fault, severity, "{lost} {i}");
        }
        assert!(worst(&root) <= Some(Severity::Odd));
    }
}

#[test]
fn several_lost_responses_move_no_other_of_a_client_that_waits() {
    let (asked, answers): (Vec<_>, Vec<_>) = (0..6)
        .map(|i| (get(&format!("/{i}")), answer(210 + i)))
        .unzip();
    let mut sent: Vec<Sent<'_>> = Vec::new();
    for i in 0..6 {
        sent.push((CLIENT, &asked[i], true));
        sent.push((SERVER, &answers[i], !(1..4).contains(&i)));
    }
    let root = capture(&sent);
    let wanted = [
        ("/0", "210"),
        ("/1", "-"),
        ("/2", "-"),
        ("/3", "-"),
        ("/4", "214"),
        ("/5", "215"),
    ];
    assert_eq!(shown(&root), pairs(&wanted));
    // of one that does not wait, it is not known which was lost
    let mut sent: Vec<Sent<'_>> = asked.iter().map(|a| (CLIENT, &a[..], true)).collect();
    sent.extend(
        answers
            .iter()
            .enumerate()
            .map(|(i, a)| (SERVER, &a[..], i != 1 && i != 2)),
    );
    let found = shown(&capture(&sent));
    let answered = |(target, status): &&(String, String)| target != "-" && status != "-";
    let known: Vec<_> = found.iter().filter(answered).cloned().collect();
    assert_eq!(known, pairs(&[("/0", "210")]), "{found:?}");
    let statuses: HashSet<_> = found.iter().map(|(_, s)| s.as_str()).collect();
    assert!(
        ["213", "214", "215"].iter().all(|s| statuses.contains(s)),
        "{found:?}"
    );
}

#[test]
fn a_lost_request_leaves_its_response_alone() {
    for lost in 0..3 {
        let (asked, answers): (Vec<_>, Vec<_>) = (0..3)
            .map(|i| (get(&format!("/{i}")), answer(200 + i)))
            .unzip();
        let mut sent: Vec<Sent<'_>> = Vec::new();
        for i in 0..3 {
            sent.push((CLIENT, &asked[i], i != lost));
            sent.push((SERVER, &answers[i], true));
        }
        let root = capture(&sent);
        let found = exchanges(&root);
        let wanted: Vec<_> = (0..3)
            .map(|i| {
                let target = if i == lost {
                    "-".to_owned()
                } else {
                    format!("/{i}")
                };
                (target, (200 + i).to_string())
            })
            .collect();
        assert_eq!(shown(&root), wanted, "{lost}");
        if lost < 2 {
            assert_eq!(found[lost].2, Some(Severity::Odd), "{lost}");
        }
        assert!(worst(&root) <= Some(Severity::Odd));
    }
}

#[test]
fn a_hole_in_a_head_is_a_loss_and_no_text_that_is_wrong() {
    let parts: [&[u8]; 3] = [
        b"GET /a HTTP/1.1\r\nHost: a\r\nX-A: 1",
        b"23456789\r\nX-B: 1\r\n",
        b"X-C: 2\r\n\r\n",
    ];
    for lost in 1..3 {
        let next = get("/b");
        let mut sent: Vec<Sent<'_>> = Vec::new();
        sent.extend(
            parts
                .iter()
                .enumerate()
                .map(|(i, p)| (CLIENT, *p, i != lost)),
        );
        let (one, two) = (answer(201), answer(202));
        sent.extend([
            (SERVER, &one[..], true),
            (CLIENT, &next[..], true),
            (SERVER, &two[..], true),
        ]);
        let root = capture(&sent);
        assert_eq!(worst(&root), Some(Severity::Odd), "{lost}");
        assert_eq!(
            shown(&root),
            pairs(&[("/a", "201"), ("/b", "202")]),
            "{lost}"
        );
        let request = at(&root, ".tcp_connections[0].client.stream.requests[0]");
        let found = request.fault().expect("a fault on the request");
        assert_eq!(found.found, "bytes that the capture lost");
        // what is there of the head is known, and nothing that is not
        let names: Vec<_> = at(&request, ".headers")
            .items()
            .map(|h| text(&h.field("name").unwrap()))
            .collect();
        let wanted: &[&str] = if lost == 1 {
            &["Host"]
        } else {
            &["Host", "X-A", "X-B"]
        };
        assert_eq!(names, wanted);
        let told: Vec<_> = root
            .findings()
            .filter(|f| f.severity == Severity::Odd)
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

#[test]
fn a_hole_between_chunks_is_a_loss() {
    let head: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (asked, again, last) = (get("/a"), get("/b"), answer(203));
    let root = capture(&[
        (CLIENT, &asked, true),
        (SERVER, head, true),
        (SERVER, b"5\r\nhello\r\n", false),
        (SERVER, b"2\r\nhi\r\n0\r\n\r\n", true),
        (CLIENT, &again, true),
        (SERVER, &last, true),
    ]);
    assert_eq!(worst(&root), Some(Severity::Odd));
    assert_eq!(shown(&root), pairs(&[("/a", "200"), ("/b", "203")]));
    let list = at(&root, ".tcp_connections[0].server.stream.responses");
    assert_eq!(list.items().count(), 3);
    // what lies between the two is there, and belongs to none
    assert_eq!(
        text(&at(&list.item(1).unwrap(), ".gap0")),
        "2\r\nhi\r\n0\r\n\r\n"
    );
}

#[test]
fn after_a_switch_both_directions_are_bytes() {
    let upgrade: &[u8] =
        b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n";
    let switches: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n";
    let connect: &[u8] = b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n";
    let opened: &[u8] = b"HTTP/1.1 204 Opened\r\n\r\n";
    let (inner, inner_answer) = (get("/inner"), answer(207));
    let bytes: &[u8] = b"\x82\x01\xff\0\0\0";
    for (asked, answered) in [(upgrade, switches), (connect, opened)] {
        for (theirs, back) in [(&inner[..], &inner_answer[..]), (bytes, bytes)] {
            let first = (get("/"), answer(200));
            let root = capture(&[
                (CLIENT, &first.0, true),
                (SERVER, &first.1, true),
                (CLIENT, asked, true),
                (SERVER, answered, true),
                (CLIENT, theirs, true),
                (SERVER, back, true),
            ]);
            assert_eq!(worst(&root), None);
            assert_eq!(at(&root, ".streams").items().count(), 2);
            let connection = at(&root, ".tcp_connections[0]");
            assert_eq!(
                at(&connection, ".client.stream.gap0").bytes().unwrap(),
                theirs
            );
            assert_eq!(
                at(&connection, ".server.stream.gap0").bytes().unwrap(),
                back
            );
        }
        // what was refused goes on as it was
        let refused = answer(400);
        let root = capture(&[
            (CLIENT, asked, true),
            (SERVER, &refused, true),
            (CLIENT, &inner, true),
            (SERVER, &inner_answer, true),
        ]);
        let found = shown(&root);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], ("/inner".to_owned(), "207".to_owned()));
    }
}

/// What begins behind a hole may be the rest of a word: its method is one that is known, or it is none.
#[test]
fn no_method_is_made_up_behind_a_hole() {
    let post = b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n";
    let body = [b'x'; 20];
    let whole = [&post[..], &body].concat();
    // the first byte of a request is lost; its head and the first bytes of its body are
    let cases = [(whole.clone(), 1), (whole.clone(), post.len() + 5)];
    for (bytes, lost) in cases {
        let (one, three) = (get("/1"), get("/3"));
        // in the second case another request follows in the segment
        let rest = [&bytes[lost..], &get("/p")[..]].concat();
        let rest = if lost == 1 { &bytes[lost..] } else { &rest[..] };
        let answers = [answer(201), answer(202), answer(203)];
        let root = capture(&[
            (CLIENT, &one, true),
            (SERVER, &answers[0], true),
            (CLIENT, &bytes[..lost], false),
            (CLIENT, rest, true),
            (SERVER, &answers[1], true),
            (CLIENT, &three, true),
            (SERVER, &answers[2], true),
        ]);
        let wanted = [("/1", "201"), ("-", "202"), ("/3", "203")];
        assert_eq!(shown(&root), pairs(&wanted), "{lost}");
        assert_eq!(worst(&root), Some(Severity::Odd));
    }
}

/// The answer to a HEAD that was lost has no body, however short the one is that it speaks of.
#[test]
fn a_response_to_a_lost_head_has_no_body() {
    for head in [
        "Content-Length: 3",
        "Content-Length: 300",
        "Transfer-Encoding: chunked",
    ] {
        let answer_head = format!("HTTP/1.1 202 OK\r\n{head}\r\n\r\n").into_bytes();
        let asked = [
            get("/1"),
            b"HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            get("/3"),
        ];
        let answers = [answer(201), answer_head, answer(203)];
        let mut sent: Vec<Sent<'_>> = Vec::new();
        for i in 0..3 {
            sent.push((CLIENT, &asked[i], i != 1));
            sent.push((SERVER, &answers[i], true));
        }
        let root = capture(&sent);
        let wanted = [("/1", "201"), ("-", "202"), ("/3", "203")];
        assert_eq!(shown(&root), pairs(&wanted), "{head}");
        assert_eq!(worst(&root), Some(Severity::Odd), "{head}");
    }
}

/// Of requests that did not wait, and of which a response is lost, it is told that it is not known which ones the others answer.
#[test]
fn responses_that_stand_alone_say_why() {
    let (asked, answers): (Vec<_>, Vec<_>) = (0..4)
        .map(|i| (get(&format!("/{i}")), answer(210 + i)))
        .unzip();
    let mut sent: Vec<Sent<'_>> = asked.iter().map(|a| (CLIENT, &a[..], true)).collect();
    let heard = answers.iter().enumerate();
    sent.extend(heard.map(|(i, a)| (SERVER, &a[..], i != 1)));
    let root = capture(&sent);
    for stream in at(&root, ".streams").items() {
        let found = stream.finding().map(|f| f.found);
        let of = |name: &str| stream.field(name).is_some();
        let wanted = match (of("request"), of("response")) {
            (true, true) => None,
            (false, _) => Some("one that is not known, as the capture lost responses"),
            (true, false) => Some("none that is known to answer it, as the capture lost responses"),
        };
        assert_eq!(found.as_deref(), wanted);
    }
}
