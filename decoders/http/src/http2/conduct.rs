//! What a peer may not do on a connection, though each of its frames can be read: RFC 9113 sections 3.4, 5.1, 6 and 8. It is told
//! where all that was sent is there, so that the capture proves it.

use crate::exchange::Who;
use crate::http2::frame::{END_STREAM, HEAD, Head, Parts, kind};
use crate::http2::hpack::Block;
use crate::http2::required::{Role, wrong};
use crate::http2::side::Side;
use binq_core::{Severity, Space};
use std::collections::HashMap;

/// What was expected, what was found, and how bad it is.
pub type Wrong = (String, String, Severity);

/// The most that a window may be (section 6.9.1).
const WINDOW: u64 = (1 << 31) - 1;
/// What a window is at first (section 6.9.2).
const FIRST_WINDOW: u64 = 65_535;

/// What a peer did that it may not do.
#[derive(Default)]
pub struct Conduct {
    /// By the first byte of the frame, and the name of the field of it or of its payload.
    frames: HashMap<(u64, &'static str), Wrong>,
    /// By the first byte of the frame that the block begins in, the index of the header field, and its name or value.
    fields: HashMap<(u64, usize, &'static str), (String, String)>,
}

/// What the other direction says, from its begin to its end.
#[derive(Default)]
struct Facts {
    /// The last stream that it opened by HEADERS, and the last one that it promised.
    opened: u32,
    promised: u32,
    /// SETTINGS that are to be acknowledged.
    settings: usize,
    /// Whether it takes `:protocol` (RFC 8441).
    connects: bool,
    /// Bytes that it sent, by stream, that count for windows; those of the connection are of stream 0.
    data: HashMap<u32, u64>,
}

/// Whether all that a direction sent is there.
fn is_whole(side: &Side) -> bool {
    !side.begin.late && side.space.hole_in(side.space.span()).is_none()
}

/// The stream that a frame promises.
fn promised(space: &Space, head: &Head, at: u64, end: u64) -> Option<u32> {
    let parts = (at + HEAD <= end).then(|| Parts::of(space, head, at + HEAD, end))?;
    let id = space.read(parts.before?, 4);
    Some(number(&id) & 0x7fff_ffff)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

/// The settings of a frame: identifiers and values.
fn settings(space: &Space, at: u64, end: u64) -> Vec<(u32, u32)> {
    let from = (at + HEAD).min(end);
    let text = space.read(from, end - from);
    let all = text.chunks_exact(6);
    all.map(|s| (number(&s[..2]), number(&s[2..]))).collect()
}

impl Facts {
    /// Nothing if not all is there.
    fn of(side: &Side) -> Option<Self> {
        if !is_whole(side) {
            return None;
        }
        let mut all = Self::default();
        let space = &side.space;
        for (at, head, end) in side.walk(side.begin.frames) {
            match head.kind {
                kind::HEADERS => all.opened = all.opened.max(head.stream),
                kind::PUSH_PROMISE => {
                    let id = promised(space, &head, at, end).unwrap_or(0);
                    all.promised = all.promised.max(id);
                }
                kind::SETTINGS if !head.has(END_STREAM) => {
                    all.settings += 1;
                    all.connects |= settings(space, at, end).contains(&(8, 1));
                }
                kind::DATA => {
                    for stream in [0, head.stream] {
                        *all.data.entry(stream).or_default() += head.length;
                    }
                }
                _ => {}
            }
        }
        // the request of an upgrade opens stream 1 (RFC 7540 section 3.2)
        if side.begin.upgrade > 0 {
            all.opened = all.opened.max(1);
        }
        Some(all)
    }
}

/// A stream, as far as a peer sent on it.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Whether its first header block came, other than interim ones.
    begun: bool,
    /// Whether nothing follows.
    ended: bool,
    /// A status that has no content.
    empty: Option<u16>,
}

struct Walk<'a> {
    side: &'a Side,
    who: Option<Who>,
    whole: bool,
    peer: Option<Facts>,
    /// The last stream that this peer opened by HEADERS, and the last one that it promised.
    opened: u32,
    promised: u32,
    streams: HashMap<u32, Seen>,
    /// Settings that it acknowledged.
    acknowledged: usize,
    /// The least that it set the windows of streams to.
    window: u64,
    /// By how much it opened windows.
    windows: HashMap<u32, u64>,
    out: Conduct,
}

impl Conduct {
    /// Walk over a direction.
    pub fn of(side: &Side) -> Self {
        let peer = side.peer().and_then(|p| p.side.upgrade());
        let is_captured = peer.is_some();
        let who = side.begin.who;
        let peer = peer.as_deref().and_then(Facts::of);
        let upgraded = side.begin.upgrade > 0;
        let mut walk = Walk {
            side,
            who,
            whole: is_whole(side),
            peer,
            opened: u32::from(upgraded && who == Some(Who::Client)),
            promised: 0,
            streams: HashMap::new(),
            acknowledged: 0,
            window: FIRST_WINDOW,
            windows: HashMap::new(),
            out: Self::default(),
        };
        // a stream alone may be a piece of one
        let mut is_first = walk.whole && (side.begin.preface || is_captured);
        let mut frames = side.walk(side.begin.frames);
        while let Some((at, head, end)) = frames.next() {
            if is_first && (head.kind != kind::SETTINGS || head.has(END_STREAM)) {
                let expected = "SETTINGS, with which a peer begins";
                walk.stops(at, "type", expected, "another frame");
            }
            is_first = false;
            let read = match head.kind {
                kind::HEADERS | kind::PUSH_PROMISE => frames.block(at),
                _ => None,
            };
            let block = read.as_ref().filter(|r| r.0.complete).map(|r| &r.1);
            walk.frame(at, &head, end, block);
        }
        walk.out
    }

    /// What is wrong with a field of a frame or of its payload.
    pub fn frame(&self, at: u64, field: &str) -> Option<&Wrong> {
        let field = FIELDS.iter().find(|f| **f == field)?;
        self.frames.get(&(at, *field))
    }

    /// What is wrong with the name or the value of a header field.
    pub fn field(&self, at: u64, i: usize, part: &'static str) -> Option<&(String, String)> {
        self.fields.get(&(at, i, part))
    }
}

/// The fields that something is told of.
const FIELDS: [&str; 7] = [
    "type",
    "flags",
    "stream_id",
    "headers",
    "data",
    "promised_stream_id",
    "window_size_increment",
];

impl Walk<'_> {
    fn tell(&mut self, at: u64, field: &'static str, wrong: Wrong) {
        self.out.frames.entry((at, field)).or_insert(wrong);
    }

    fn stops(&mut self, at: u64, field: &'static str, expected: &str, found: impl ToString) {
        let wrong = (expected.to_owned(), found.to_string(), Severity::Stops);
        self.tell(at, field, wrong);
    }

    fn damage(&mut self, at: u64, field: &'static str, expected: &str, found: impl ToString) {
        let wrong = (expected.to_owned(), found.to_string(), Severity::Damage);
        self.tell(at, field, wrong);
    }

    /// Whether nobody opened that stream (section 5.1), as far as that is known.
    fn is_idle(&self, stream: u32) -> bool {
        let (opened, promised) = match (self.who, &self.peer) {
            _ if !self.whole => return false,
            (Some(Who::Client), peer) => (Some(self.opened), peer.as_ref().map(|p| p.promised)),
            (Some(Who::Server), peer) => (peer.as_ref().map(|p| p.opened), Some(self.promised)),
            (None, _) => return false,
        };
        let last = if stream % 2 == 1 { opened } else { promised };
        last.is_some_and(|last| stream > last)
    }

    fn frame(&mut self, at: u64, head: &Head, end: u64, block: Option<&Block>) {
        let stream = head.stream;
        if stream == 0 {
            return self.connection(at, head, end);
        }
        let of_client = self.who == Some(Who::Client);
        if head.kind == kind::HEADERS && of_client && stream % 2 == 1 {
            self.opened = self.opened.max(stream);
        }
        let on_stream = matches!(
            head.kind,
            kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::WINDOW_UPDATE
        );
        if on_stream && self.is_idle(stream) {
            return self.stops(at, "stream_id", "a stream that was opened", stream);
        }
        match head.kind {
            kind::PUSH_PROMISE => self.promise(at, head, end, block),
            kind::WINDOW_UPDATE => self.open_window(at, head),
            kind::RST_STREAM => self.streams.entry(stream).or_default().ended = true,
            kind::HEADERS => self.headers(at, head, block),
            kind::DATA => self.data(at, head, end),
            _ => {}
        }
    }

    /// A frame of the connection.
    fn connection(&mut self, at: u64, head: &Head, end: u64) {
        match head.kind {
            kind::WINDOW_UPDATE => self.open_window(at, head),
            kind::SETTINGS if head.has(END_STREAM) => {
                self.acknowledged += 1;
                let settings = self.peer.as_ref().map(|p| p.settings);
                if self.whole && settings.is_some_and(|n| self.acknowledged > n) {
                    let expected = "settings that the peer sent";
                    self.stops(at, "flags", expected, "an acknowledgement of none");
                }
            }
            kind::SETTINGS => {
                let all = settings(&self.side.space, at, end);
                let windows = all.iter().filter(|(id, _)| *id == 4);
                let least = windows.map(|(_, n)| u64::from(*n)).min();
                self.window = self.window.min(least.unwrap_or(self.window));
            }
            _ => {}
        }
    }

    /// Section 6.9.1. What was sent in between is not more than all that the peer sent.
    fn open_window(&mut self, at: u64, head: &Head) {
        let (Some(peer), true) = (&self.peer, self.whole) else {
            return;
        };
        let increment = number(&self.side.space.read(at + HEAD, 4)) & 0x7fff_ffff;
        let opened = self.windows.entry(head.stream).or_default();
        *opened += u64::from(increment);
        let first = if head.stream == 0 {
            FIRST_WINDOW
        } else {
            self.window
        };
        let sent = peer.data.get(&head.stream).copied().unwrap_or(0);
        if first + *opened > WINDOW + sent {
            let severity = match head.stream {
                0 => Severity::Stops,
                _ => Severity::Damage,
            };
            let expected = format!("a window of at most {WINDOW}");
            let found = format!("one that becomes larger by {increment}");
            self.tell(at, "window_size_increment", (expected, found, severity));
        }
    }

    fn promise(&mut self, at: u64, head: &Head, end: u64, block: Option<&Block>) {
        if self.who == Some(Who::Client) {
            // section 8.4
            return self.stops(at, "type", "what a client sends", "PUSH_PROMISE");
        }
        if let Some(id) = promised(&self.side.space, head, at, end) {
            let last = self.promised;
            if id == 0 || id % 2 == 1 {
                let expected = "an even stream, as a server opens it";
                self.stops(at, "promised_stream_id", expected, id);
            } else if id <= last && self.whole {
                let expected = format!("a stream after {last}");
                self.stops(at, "promised_stream_id", &expected, id);
            }
            self.promised = last.max(id);
        }
        if let Some(block) = block {
            self.block(at, Role::Request, block);
        }
    }

    /// What a block is to its stream: by who sent it and what came before it, or, where that is not known, by what it says.
    fn role(&self, seen: Seen, block: &Block) -> Option<Role> {
        let status = block.value(b":status");
        // 101 is none that HTTP/2 has, and what follows it is not known
        let response = match status.is_some_and(|s| s.starts_with(b"1") && s != b"101") {
            true => Role::Interim,
            false => Role::Response,
        };
        let says = |names: &[&[u8]]| names.iter().any(|n| block.get(n).is_some());
        match self.who {
            _ if self.whole && seen.begun => Some(Role::Trailers),
            Some(Who::Client) if self.whole => Some(Role::Request),
            Some(Who::Server) if self.whole => Some(response),
            _ if status.is_some() => Some(response),
            _ if says(&[b":method", b":path", b":scheme"]) => Some(Role::Request),
            _ => None,
        }
    }

    fn headers(&mut self, at: u64, head: &Head, block: Option<&Block>) {
        let mut seen = self.streams.get(&head.stream).copied().unwrap_or_default();
        let ends = head.has(END_STREAM);
        if !seen.ended {
            let role = block.and_then(|b| self.role(seen, b));
            if let (Some(role), Some(block)) = (role, block) {
                self.block(at, role, block);
            }
            match role {
                Some(Role::Trailers) if !ends => {
                    let expected = "trailers with the flag end_stream";
                    self.damage(at, "flags", expected, "trailers without it");
                }
                Some(Role::Interim) if ends => {
                    let expected = "an informational response without the flag end_stream";
                    self.damage(at, "flags", expected, "one with it");
                }
                _ => {}
            }
            seen.begun |= role != Some(Role::Interim);
            let status = block.and_then(|b| b.value(b":status"));
            seen.empty = seen.empty.or(match status {
                Some(b"204") => Some(204),
                Some(b"304") => Some(304),
                _ => None,
            });
        }
        seen.ended |= ends;
        self.streams.insert(head.stream, seen);
    }

    fn data(&mut self, at: u64, head: &Head, end: u64) {
        let seen = self.streams.get(&head.stream).copied().unwrap_or_default();
        if seen.ended {
            return;
        }
        if self.whole && self.who == Some(Who::Server) && !seen.begun {
            self.damage(at, "type", "HEADERS of a response before its data", "DATA");
        }
        let parts = Parts::of(&self.side.space, head, (at + HEAD).min(end), end);
        let len = parts.body_end - parts.body;
        if let Some(status) = seen.empty.filter(|_| len > 0) {
            let expected = format!("no content, which a response of status {status} has not");
            self.damage(at, "data", &expected, format!("{len} bytes"));
        }
        if head.has(END_STREAM) {
            self.streams.entry(head.stream).or_default().ended = true;
        }
    }

    fn block(&mut self, at: u64, role: Role, block: &Block) {
        let may_connect = self.peer.as_ref().map(|p| p.connects);
        let found = wrong(role, block, may_connect);
        if let Some((expected, found)) = found.lacks {
            self.damage(at, "headers", &expected, found);
        }
        for ((i, part), wrong) in found.fields {
            self.out.fields.entry((at, i, part)).or_insert(wrong);
        }
    }
}
