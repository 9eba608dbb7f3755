//! Builders of the inputs: frames, header fields, and what two peers send to each other.

use binq_core::dialogue::{Clock, Conversation, Dialogue, Half};
use binq_core::layer::Gather;
use binq_core::{Format, Node, Options, Space, Span};
use binq_laws::spelled::spelled;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const ALTSVC: u8 = 10;
pub const ORIGIN: u8 = 12;
pub const PRIORITY_UPDATE: u8 = 16;

/// END_STREAM, or ACK.
pub const END: u8 = 1;
/// END_HEADERS.
pub const ENDH: u8 = 4;
pub const PADDED: u8 = 8;
pub const HAS_PRIORITY: u8 = 0x20;

pub fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    cat(&[&len[1..], &[kind, flags], &stream.to_be_bytes(), payload])
}

/// RFC 7541 section 5.1, in so many bytes more than are needed.
pub fn int(prefix: u8, pattern: u8, n: u64, more: usize) -> Vec<u8> {
    let full = (1u64 << prefix) - 1;
    if n < full {
        return vec![pattern | n as u8];
    }
    let mut out = vec![pattern | full as u8];
    let mut rest = n - full;
    while rest >= 128 {
        out.push(rest as u8 & 127 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
    for _ in 0..more {
        *out.last_mut().unwrap() |= 128;
        out.push(0);
    }
    out
}

pub fn text(s: &str) -> Vec<u8> {
    cat(&[&int(7, 0, s.len() as u64, 0), s.as_bytes()])
}

/// Section 6.1.
pub fn indexed(i: u64) -> Vec<u8> {
    int(7, 0x80, i, 0)
}

/// Section 6.2.1.
pub fn entry(name: &str, value: &str) -> Vec<u8> {
    cat(&[&[0x40], &text(name), &text(value)])
}

pub fn entry_named(i: u64, value: &str) -> Vec<u8> {
    cat(&[&int(6, 0x40, i, 0), &text(value)])
}

/// Section 6.2.2.
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    cat(&[&[0], &text(name), &text(value)])
}

pub fn literal_named(i: u64, value: &str) -> Vec<u8> {
    cat(&[&int(4, 0, i, 0), &text(value)])
}

/// Section 6.2.3.
pub fn never(name: &str, value: &str) -> Vec<u8> {
    cat(&[&[0x10], &text(name), &text(value)])
}

/// Section 6.3.
pub fn table_size(n: u64) -> Vec<u8> {
    int(5, 0x20, n, 0)
}

/// `:method: GET`, `:scheme: http`, `:path: /`, `:authority: h`.
pub const GET: &[u8] = &[0x82, 0x86, 0x84, 0x01, 1, b'h'];
/// The same of POST.
pub const POST: &[u8] = &[0x83, 0x86, 0x84, 0x01, 1, b'h'];
/// `:status: 200`.
pub const OK: &[u8] = &[0x88];

/// What a client sends: its preface, settings, and these frames, the first of which is at byte 33.
pub fn client(frames: &[Vec<u8>]) -> Vec<u8> {
    cat(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &frames.concat()])
}

pub fn decode(format: &dyn Format, bytes: &[u8]) -> Node {
    format.decode(Space::source(bytes.to_vec()), &Options::default())
}

/// A value without the lines of what is the same in each case.
pub fn without(listing: &str, what: &[&str]) -> String {
    let kept = |line: &&str| !what.iter().any(|w| line.starts_with(w));
    let lines = listing.lines().filter(kept);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The lines of a value that are others than before, wherever they are now, and the paths that are gone.
pub fn changes(old: &str, new: &str) -> String {
    fn parts(line: &str) -> (&str, &str) {
        let (path, rest) = line.split_once(' ').unwrap_or((line, ""));
        // without the place
        (path, rest.split_once(' ').map_or("", |(_, value)| value))
    }
    let was: HashMap<_, _> = old.lines().map(parts).collect();
    let is: HashMap<_, _> = new.lines().map(parts).collect();
    let changed = new.lines().filter(|line| {
        let (path, value) = parts(line);
        was.get(path) != Some(&value)
    });
    let mut out: String = changed.flat_map(|line| [line, "\n"]).collect();
    let gone = old
        .lines()
        .map(|line| parts(line).0)
        .filter(|path| !is.contains_key(path));
    out.extend(gone.map(|path| format!("gone: {path}\n")));
    out
}

/// What is wrong with a value, a line each.
pub fn findings(root: &Node) -> String {
    let mut out = String::new();
    for f in root.findings() {
        let at = f.offset.map_or("?".to_owned(), |at| at.to_string());
        let (severity, expected, found) = (f.severity, f.expected, f.found);
        let _ = writeln!(
            out,
            "{} !{severity} at {at}: expected {expected}, found {found}",
            f.path
        );
    }
    out
}

/// What a peer sends, and when.
#[derive(Clone, Default)]
pub struct Peer {
    bytes: Vec<u8>,
    /// Where each piece begins, and when it was seen.
    times: Vec<(u64, Option<i128>)>,
    gather: Vec<(Option<u64>, u64)>,
    len: u64,
    late: bool,
}

impl Peer {
    pub fn new() -> Self {
        Self::default()
    }

    /// One whose first bytes were not captured.
    pub fn late() -> Self {
        Self {
            late: true,
            ..Self::default()
        }
    }

    /// Bytes that were seen at a second.
    pub fn at(mut self, second: i128, bytes: &[u8]) -> Self {
        self.times.push((self.len, Some(second * 1_000_000_000)));
        self.gather
            .push((Some(self.bytes.len() as u64), bytes.len() as u64));
        self.bytes.extend(bytes);
        self.len += bytes.len() as u64;
        self
    }

    /// Bytes of which it is not known when they were seen.
    pub fn untimed(mut self, bytes: &[u8]) -> Self {
        self = self.at(0, bytes);
        self.times.last_mut().unwrap().1 = None;
        self
    }

    /// Bytes that the capture lost.
    pub fn lost(mut self, len: u64) -> Self {
        self.times.push((self.len, None));
        self.gather.push((None, len));
        self.len += len;
        self
    }

    /// Those of which it is known when they were sent.
    pub fn lost_at(self, second: i128, len: u64) -> Self {
        let mut all = self.lost(len);
        all.times.last_mut().unwrap().1 = Some(second * 1_000_000_000);
        all
    }

    pub fn stream(&self) -> Space {
        let source = Space::source(self.bytes.clone());
        if self.gather.iter().all(|(from, _)| from.is_some()) {
            return source;
        }
        let mut gather = Gather::new();
        for (from, len) in &self.gather {
            gather.push(*from, *len);
        }
        Space::derived(source, Arc::new(gather))
    }

    pub fn half(&self) -> Half {
        Half {
            stream: self.stream(),
            clock: Arc::new(Times(self.times.clone())),
            whole: !self.late,
        }
    }
}

struct Times(Vec<(u64, Option<i128>)>);

impl Clock for Times {
    fn time(&self, at: u64) -> Option<i128> {
        let i = self.0.partition_point(|(from, _)| *from <= at);
        self.0.get(i.checked_sub(1)?)?.1
    }
}

pub fn conversation(client: &Peer, server: &Peer) -> Conversation {
    Conversation {
        number: 3,
        client: client.half(),
        server: server.half(),
        given: false,
    }
}

pub fn converse(format: &dyn Format, client: &Peer, server: &Peer) -> Option<Arc<dyn Dialogue>> {
    format.converse(&conversation(client, server), &Options::default())
}

/// The streams of a conversation.
pub fn streams(with: &dyn Dialogue) -> Vec<Node> {
    let item = |i| with.item("streams", i).expect("a stream that is counted");
    let node = |kind| Node::root_of("http", kind, Space::source(Vec::new()), Span::bits(0, 0));
    // there are no others, and no other lists
    assert!(with.item("streams", with.count("streams")).is_none());
    assert!(with.item("other", 0).is_none());
    assert_eq!(with.count("other"), 0);
    (0..with.count("streams")).map(item).map(node).collect()
}

/// Both directions of a conversation, and its streams with the fields that no list shows.
pub fn talk(format: &dyn Format, client: &Peer, server: &Peer) -> String {
    let Some(found) = converse(format, client, server) else {
        return "not of this format\n".to_owned();
    };
    let mut out = String::new();
    for (name, node) in [("client", found.client()), ("server", found.server())] {
        match node {
            Some(node) => _ = write!(out, "-- {name}\n{}", spelled(&node)),
            None => _ = writeln!(out, "-- {name} is not of this format"),
        }
    }
    out + &exchanges(&*found)
}

/// The streams of a conversation alone.
pub fn exchanges(with: &dyn Dialogue) -> String {
    let mut out = String::new();
    for (i, node) in streams(with).iter().enumerate() {
        let _ = write!(out, "-- stream {i}\n{}", spelled(node));
        out += &spelled(&node.field("timings").expect("a field that is found"));
        for side in ["request", "response"] {
            let missing = node.field(side).and_then(|m| m.field("_missing"));
            out += &missing.map(|n| spelled(&n)).unwrap_or_default();
        }
    }
    out
}

/// Named cases as one text.
pub fn table(cases: impl IntoIterator<Item = (String, String)>) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let _ = write!(out, "# {name}\n{text}\n");
    }
    out
}
