//! What a peer allows the other one: sizes of frames and of the header table, and flow control (RFC 9113 sections 4.2, 5.2 and 6.9,
//! RFC 7541 section 6.3). It is told where the capture proves that more was sent: all that the peer said is there.

use crate::http2::conduct::Wrong;
use crate::http2::frame::{END_STREAM, HEAD, Head, kind};
use crate::http2::hpack::Field;
use crate::http2::hpack::repr::Form;
use crate::http2::side::Side;
use binq_core::dialogue::Clock;
use binq_core::{Malformed, Severity};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// The other direction of a connection.
pub struct Peer {
    /// What it sent.
    pub side: Weak<Side>,
    /// When this direction was sent, and when the other one.
    pub clocks: [Arc<dyn Clock>; 2],
}

/// What was sent beyond the limits of the peer.
#[derive(Default)]
pub struct Exceeded {
    /// By the first byte of the frame whose length is too much.
    frames: HashMap<u64, Wrong>,
    /// Size updates, and fields that should have been one, by the first byte of the frame that their block begins in, and their
    /// index there.
    updates: HashMap<(u64, usize), Wrong>,
}

/// The settings that limit the other one (RFC 9113 section 6.5.2).
#[derive(Clone, Copy)]
struct Limits {
    table: u64,
    window: u64,
    frame: u64,
}

impl Limits {
    const FIRST: Self = Self {
        table: 4096,
        window: 65_535,
        frame: 16_384,
    };

    fn most(self, other: &Self) -> Self {
        Self {
            table: self.table.max(other.table),
            window: self.window.max(other.window),
            frame: self.frame.max(other.frame),
        }
    }
}

/// What a peer allowed.
struct Allowed {
    /// The settings, at first and after each SETTINGS frame.
    limits: Vec<Limits>,
    /// When these frames were sent.
    settings: Vec<Option<i128>>,
    /// When windows were opened: of which stream, and by how much.
    windows: Vec<(Option<i128>, u32, u64)>,
}

impl Allowed {
    /// Nothing if not all that the peer said is there.
    fn by(peer: &Peer) -> Option<Self> {
        let side = peer.side.upgrade()?;
        let begin = side.begin;
        // the header field HTTP2-Settings of an upgrade has settings, too
        if begin.late || begin.upgrade > 0 || side.space.hole_in(side.space.span()).is_some() {
            return None;
        }
        let mut all = Self {
            limits: vec![Limits::FIRST],
            settings: Vec::new(),
            windows: Vec::new(),
        };
        for (at, head, end) in side.walk(begin.frames) {
            let payload = at + HEAD;
            let time = || peer.clocks[1].time(at);
            match head.kind {
                kind::SETTINGS if !head.has(END_STREAM) => {
                    let text = side.space.read(payload, end.saturating_sub(payload));
                    let mut limits = *all.limits.last()?;
                    for setting in text.chunks_exact(6) {
                        let n = number(&setting[2..]);
                        match setting[..2] {
                            [0, 1] => limits.table = n,
                            [0, 4] => limits.window = n,
                            [0, 5] => limits.frame = n,
                            _ => {}
                        }
                    }
                    all.limits.push(limits);
                    all.settings.push(time());
                }
                kind::WINDOW_UPDATE => {
                    let increment = number(&side.space.read(payload, 4)) & 0x7fff_ffff;
                    all.windows.push((time(), head.stream, increment));
                }
                _ => {}
            }
        }
        Some(all)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// Sums of what a sender may send and has sent, of one stream or of the connection.
#[derive(Clone, Copy, Default)]
struct Flow {
    /// What windows were opened by.
    opened: u64,
    sent: u64,
    told: bool,
}

impl Flow {
    /// Send a frame; what was allowed, if that is too much for the first time.
    fn send(&mut self, head: &Head, window: u64) -> Option<u64> {
        self.sent += head.length;
        let allowed = window + self.opened;
        let exceeds = head.length > 0 && self.sent > allowed && !self.told;
        self.told |= exceeds;
        let left = allowed.saturating_sub(self.sent - head.length);
        exceeds.then_some(left)
    }
}

impl Exceeded {
    /// What this direction sent beyond what the peer had allowed by then.
    ///
    /// Settings hold at the latest when they are acknowledged, and at the earliest when they are sent: of those that may hold, the
    /// most that one of them allows.
    pub fn of(side: &Side) -> Self {
        let mut out = Self::default();
        let Some((peer, allowed)) = side.peer().and_then(|p| Some((p, Allowed::by(p)?))) else {
            return out;
        };
        let (mut acknowledged, mut table) = (0, Limits::FIRST.table);
        let mut windows = allowed.windows.iter().peekable();
        let (mut all, mut streams) = (Flow::default(), HashMap::<u32, Flow>::new());
        let mut walk = side.walk(side.begin.frames);
        while let Some((at, head, _)) = walk.next() {
            let time = peer.clocks[0].time(at);
            let seen = allowed.settings.partition_point(|t| *t <= time);
            let last = allowed.limits.len() - 1;
            let first = acknowledged.min(last);
            let possible = &allowed.limits[first..=seen.max(first)];
            let limits = possible.iter().fold(possible[0], Limits::most);
            while let Some((_, stream, by)) = windows.next_if(|(t, ..)| *t <= time) {
                match stream {
                    0 => all.opened += by,
                    _ => streams.entry(*stream).or_default().opened += by,
                }
            }
            let found = head.length.to_string();
            if head.length > limits.frame {
                let expected = format!("at most {} bytes, as the peer allows", limits.frame);
                out.frames.insert(at, (expected, found, Severity::Stops));
                continue;
            }
            match head.kind {
                kind::SETTINGS if head.has(END_STREAM) => acknowledged += 1,
                kind::DATA => {
                    let left = all.send(&head, Limits::FIRST.window);
                    let left = left.map(|left| (left, "connection", Severity::Stops));
                    let stream = streams.entry(head.stream).or_default();
                    let of_stream = stream.send(&head, limits.window);
                    let of_stream = of_stream.map(|left| (left, "stream", Severity::Damage));
                    if let Some((left, what, severity)) = left.or(of_stream) {
                        let expected = format!("at most {left} bytes, the window of the {what}");
                        out.frames.insert(at, (expected, found, severity));
                    }
                }
                kind::HEADERS | kind::PUSH_PROMISE => {
                    let Some(read) = walk.block(at) else { continue };
                    let fields = &read.1.fields;
                    let is_update = |f: &Field| f.repr.form == Form::SizeUpdate;
                    // RFC 9113 section 4.3.1: a block after an acknowledged reduction begins with an update
                    if table > limits.table && fields.first().is_some_and(|f| !is_update(f)) {
                        let expected = format!("a size update to at most {}", limits.table);
                        let found = format!("a field, with a table of {table} bytes");
                        out.updates
                            .insert((at, 0), (expected, found, Severity::Stops));
                    }
                    let last = fields.iter().rfind(|f| is_update(f));
                    table = last.map_or(table, |f| f.repr.int);
                    for (i, field) in fields.iter().enumerate() {
                        let size = field.repr.int;
                        if is_update(field) && size > limits.table {
                            let expected = format!("at most {}, as the peer allows", limits.table);
                            let wrong = (expected, size.to_string(), Severity::Stops);
                            out.updates.insert((at, i), wrong);
                        }
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// What is wrong with the length of a frame, at its first byte.
    pub fn frame(&self, at: u64) -> Option<Malformed> {
        let wrong = self.frames.get(&at)?.clone();
        Some(Malformed::new(at, wrong.0, wrong.1).with(wrong.2))
    }

    /// What is wrong with a size update, or with a field where one should be.
    pub fn update(&self, frame: u64, i: usize) -> Option<Wrong> {
        self.updates.get(&(frame, i)).cloned()
    }
}
