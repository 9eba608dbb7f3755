//! How much speaks for frames at a byte where none was proven: that of streams whose beginning was not captured.
//!
//! Each frame counts so many bits: how unlikely it is that bytes of another protocol look like it. Bytes are not random there:
//! every second one may be zero, and small numbers are common. So a DATA frame says next to nothing, as zeros look like it, and
//! WINDOW_UPDATE, whose length, type and flags are all fixed, says much. The like of it again says nothing new: protocols
//! repeat themselves. A frame that no peer may send (RFC 9113 section 6) speaks against all of them.

use crate::http2::frame::{self, HEAD, Head, Parts, head_at, kind};
use crate::http2::hpack::repr::Form;
use crate::http2::hpack::table::{Log, Window};
use crate::http2::hpack::{Block, Part, read_block};
use crate::http2::malformed::is_raw_binary;
use binq_core::{Space, Span};
use std::collections::{BTreeSet, HashMap};

/// Frames that are looked at: what they do not tell, more would not.
const FRAMES: usize = 64;

/// Frames that are like each other and count.
const TELLING: u32 = 2;

/// What frames have that are like each other. All DATA is, and so is what differs by its stream alone: a counter would do that.
fn likeness(head: &Head) -> (u8, u8, u64) {
    match head.kind {
        kind::DATA => (kind::DATA, 0, 0),
        _ => (head.kind, head.flags, head.length),
    }
}

/// What the bytes say from a place on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Bits that speak for frames, less those that speak against them.
    pub bits: i32,
    /// Whether a frame was found that no peer may send.
    pub broken: bool,
    /// The streams whose HEADERS or DATA are there.
    pub streams: BTreeSet<u32>,
}

/// Follow the frames from a byte on.
pub fn follow(stream: &Space, from: u64) -> Evidence {
    let mut out = Evidence::default();
    let mut seen = HashMap::new();
    let (mut at, len) = (from, stream.len());
    let mut open: Option<Open> = None;
    for _ in 0..FRAMES {
        // what is cut off by the end, or lost, says nothing
        let Some(head) = head_at(stream, at) else {
            break;
        };
        let payload = at + HEAD;
        let end = payload.saturating_add(head.length);
        let span = Span::bytes(payload, head.length.min(len - payload));
        let whole = end <= len && stream.hole_in(span).is_none();
        if !head.is_plausible() && !is_extension(&head) {
            out.broken = true;
            break;
        }
        let mut bits = 0;
        match (&mut open, head.kind) {
            (Some(block), kind::CONTINUATION) if block.stream == head.stream => {
                block.add(stream, &head, payload, end, whole);
                bits = 5;
            }
            (None, kind::HEADERS | kind::PUSH_PROMISE) => {
                let mut block = Open::new(head.stream);
                block.add(stream, &head, payload, end, whole);
                open = Some(block);
                bits = 5;
            }
            (None, kind::CONTINUATION) | (Some(_), _) => out.broken = true,
            _ if whole => match of_payload(stream, &head, payload, end) {
                Some(found) => bits = found,
                None => out.broken = true,
            },
            _ => {}
        }
        if let Some(block) = open.take_if(|b| b.ended || !b.whole) {
            match block.bits() {
                Some(found) => bits += found,
                None => out.broken = true,
            }
        }
        if out.broken {
            break;
        }
        if matches!(head.kind, kind::HEADERS | kind::DATA) {
            out.streams.insert(head.stream);
            // no connection gets there
            bits -= if head.stream >> 24 != 0 { 8 } else { 0 };
        }
        let like = seen.entry(likeness(&head)).or_insert(0);
        *like += 1;
        if *like <= TELLING || bits < 0 {
            out.bits += bits;
        }
        if !whole {
            break;
        }
        at = end;
    }
    if out.broken {
        out.bits -= 24;
    }
    out
}

/// A type of an extension, or one of those that are sent so that peers learn to ignore what they do not know (RFC 8701 has such
/// for TLS, Chromium for HTTP/2).
fn is_extension(head: &Head) -> bool {
    head.kind > kind::CONTINUATION && !head.reserved && head.length <= 1 << 14
}

/// What a frame without a header block says; nothing if no peer may send it.
fn of_payload(stream: &Space, head: &Head, payload: u64, end: u64) -> Option<i32> {
    let word = |at: u64| {
        let bytes = stream.read(payload + at, 4);
        bytes.iter().fold(0u32, |n, b| n << 8 | u32::from(*b))
    };
    let known = |code: u32| code <= frame::ERROR_CODE.names.len() as u32;
    Some(match head.kind {
        kind::DATA if !Parts::of(stream, head, payload, end).fit => return None,
        // zeros look like that
        kind::DATA if head.length == 0 && !head.has(frame::END_STREAM) => -4,
        kind::DATA => 1,
        kind::PRIORITY if word(0) & 0x7fff_ffff == head.stream => return None,
        kind::PRIORITY => 12,
        kind::RST_STREAM if known(word(0)) => 14,
        kind::RST_STREAM => 0,
        kind::SETTINGS if head.has(frame::END_STREAM) => 10,
        kind::SETTINGS => settings(stream, payload, end)?,
        kind::PING => 16,
        kind::GOAWAY if word(0) >> 31 == 1 => return None,
        kind::GOAWAY if known(word(4)) => 10,
        kind::GOAWAY => 0,
        kind::WINDOW_UPDATE if matches!(word(0), 0 | 0x8000_0000..) => return None,
        kind::WINDOW_UPDATE => 13,
        // of an extension
        _ => -6,
    })
}

/// What settings say; nothing where a value is one that none may have (section 6.5.2).
fn settings(stream: &Space, payload: u64, end: u64) -> Option<i32> {
    let mut bits = 6;
    for at in (payload..end).step_by(6) {
        let b = stream.read(at, 6);
        let id = u16::from_be_bytes([b[0], b[1]]);
        let value = u32::from_be_bytes([b[2], b[3], b[4], b[5]]);
        let fits = match id {
            2 | 8 | 9 => value <= 1,
            4 => value >> 31 == 0,
            5 => (1 << 14..1 << 24).contains(&value),
            _ => true,
        };
        if !fits {
            return None;
        }
        bits += match id {
            1..=6 | 8 | 9 | 0xfe03 => 8,
            _ => -4,
        };
    }
    Some(bits)
}

/// A header block whose end did not come yet.
struct Open {
    stream: u32,
    bytes: Vec<u8>,
    ended: bool,
    /// Whether nothing of it is lost.
    whole: bool,
}

impl Open {
    fn new(stream: u32) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            ended: false,
            whole: true,
        }
    }

    fn add(&mut self, space: &Space, head: &Head, payload: u64, end: u64, whole: bool) {
        self.whole &= whole;
        self.ended = head.has(frame::END_HEADERS);
        if self.whole {
            let parts = Parts::of(space, head, payload, end);
            self.whole = parts.fit;
            let body = space.read(parts.body, parts.body_end - parts.body);
            self.bytes.extend_from_slice(&body);
        }
    }

    /// What the header fields say; nothing if there are none that a peer may send.
    fn bits(self) -> Option<i32> {
        if !self.whole {
            return Some(0);
        }
        let mut table = Window::new();
        table.forget();
        let block = read_block(&self.bytes.into(), &mut Log::default(), &mut table);
        fields(&block)
    }
}

fn fields(block: &Block) -> Option<i32> {
    if block.wrong.is_some() {
        return None;
    }
    let (mut pseudo, mut literal, mut indexed) = (0, 0, 0);
    for field in &block.fields {
        let (name, value) = (&field.name, &field.value);
        if matches!(name, Part::Wrong(_)) || matches!(value, Part::Wrong(_)) {
            return None;
        }
        let text = value.known().filter(|_| field.repr.form != Form::Indexed);
        match (name.known(), text) {
            // names are tokens in lower case (section 8.2.1), and values have no line breaks
            (Some(name), _) if !is_name(name) => return None,
            (name, Some(text)) if is_raw_binary(name.map(|n| &n[..]), text) => indexed += 1,
            (_, Some(text)) if text.iter().any(|b| matches!(b, b'\r' | b'\n')) => return None,
            (Some(name), _) if name.starts_with(b":") => pseudo += 4,
            (_, Some(text)) if text.len() > 3 && text.iter().all(|b| (32..127).contains(b)) => {
                literal += 6;
            }
            _ => indexed += 1,
        }
    }
    Some(pseudo.min(12) + literal.min(18) + indexed.min(3))
}

fn is_name(name: &[u8]) -> bool {
    let name = name.strip_prefix(b":").unwrap_or(name);
    (crate::lines::TOKEN.fits)(name) && !name.iter().any(u8::is_ascii_uppercase)
}
