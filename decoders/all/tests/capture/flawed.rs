//! Malformed header fields of HTTP/1.1 in a connection: the messages behind them are read, and answer what they answer.

use crate::craft::{CLIENT, SERVER};
use crate::lost_http::capture;
use crate::{at, text};
use binq_core::{Node, Severity};

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Target, status and body of each exchange.
fn exchanges(root: &Node) -> Vec<[String; 3]> {
    let part = |stream: &Node, side: &str, name: &str| {
        let message = stream.field(side).and_then(|m| m.field(name));
        message.map_or_else(|| "-".to_owned(), |n| text(&n))
    };
    let streams = at(root, ".streams").items();
    let each = |s: Node| {
        [
            part(&s, "request", "target"),
            part(&s, "response", "status"),
            part(&s, "response", "body"),
        ]
    };
    streams.map(each).collect()
}

fn findings(root: &Node) -> Vec<(String, Severity)> {
    root.findings().map(|f| (f.path, f.severity)).collect()
}

const LINES: [(&str, &str, Severity); 4] = [
    ("X-A : b", ".headers[0].name", Severity::Odd),
    ("no field", ".headers[0].gap0", Severity::Damage),
    (
        "<!DOCTYPE html \"http://x\">",
        ".headers[0].gap0",
        Severity::Damage,
    ),
    (" b", ".gap0", Severity::Odd),
];

#[test]
fn what_follows_a_malformed_response_is_read() {
    for (line, path, severity) in LINES {
        let first = format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 3\r\n\r\nabc");
        let second = "HTTP/1.1 201 OK\r\nContent-Length : 3\r\n\r\ndef";
        let root = capture(&[
            (CLIENT, get("/1").as_bytes(), true),
            (SERVER, first.as_bytes(), true),
            (CLIENT, get("/2").as_bytes(), true),
            (SERVER, second.as_bytes(), true),
        ]);
        let right = [["/1", "200", "abc"], ["/2", "201", "def"]];
        assert_eq!(exchanges(&root), right, "{line:?}");
        let responses = ".tcp_connections[0].server.stream.responses";
        let right = [
            (format!("{responses}[0]{path}"), severity),
            (format!("{responses}[1].headers[0].name"), Severity::Odd),
        ];
        assert_eq!(findings(&root), right, "{line:?}");
    }
}

#[test]
fn what_follows_a_malformed_request_is_read() {
    for (line, path, _) in LINES {
        let first = format!("GET /1 HTTP/1.1\r\n{line}\r\nHost: a\r\n\r\n");
        let refused = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno";
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let root = capture(&[
            (CLIENT, first.as_bytes(), true),
            (SERVER, refused.as_bytes(), true),
            (CLIENT, get("/2").as_bytes(), true),
            (SERVER, answer.as_bytes(), true),
        ]);
        let right = [["/1", "400", "no"], ["/2", "200", "ok"]];
        assert_eq!(exchanges(&root), right, "{line:?}");
        let request = ".tcp_connections[0].client.stream.requests[0]";
        let right = match path {
            ".gap0" => (format!("{request}.gap0"), Severity::Odd),
            _ => (request.to_owned(), Severity::Stops),
        };
        assert_eq!(findings(&root), [right], "{line:?}");
    }
}

#[test]
fn a_response_behind_one_that_breaks_off_is_not_told_to_be_cut() {
    let broken = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let root = capture(&[
        (CLIENT, get("/1").as_bytes(), true),
        (SERVER, broken.as_bytes(), true),
        (CLIENT, get("/2").as_bytes(), true),
        (
            SERVER,
            b"HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n",
            true,
        ),
    ]);
    let told = root.findings().filter(|f| f.severity == Severity::Note);
    let told: Vec<_> = told.map(|f| f.found).collect();
    assert_eq!(told, ["bytes behind a response that breaks off"]);
}

#[test]
fn a_later_minor_version_is_read() {
    let root = capture(&[
        (CLIENT, b"GET /1 HTTP/1.2\r\nHost: a\r\n\r\n", true),
        (
            SERVER,
            b"HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
            true,
        ),
    ]);
    assert_eq!(exchanges(&root), [["/1", "200", "ok"]]);
    assert_eq!(findings(&root), []);
}
