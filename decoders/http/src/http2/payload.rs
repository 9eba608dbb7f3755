//! Payloads of frames, RFC 9113 section 6.

use super::said::ALL_FRAMES;
use crate::exchange::{LOST, Who};
use crate::http2::frame::{END_STREAM, ERROR_CODE, HEAD, Head, Parts, SETTING, kind, layout};
use crate::http2::header::{Framed, Headers};
use crate::http2::side::Side;
use binq_core::codec::{Bool, Int, Raw, UBits};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Shape, Traits};
use binq_core::{Kind, Malformed, Ref, Reject, Severity, Span};
use std::sync::Arc;

/// A frame.
pub struct Frame {
    /// The direction that it is in.
    pub side: Arc<Side>,
    /// Its header.
    pub head: Head,
}

impl Shape for Frame {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn layout(&self) -> &'static [Field] {
        layout(self.head.kind)
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let frame = at.span.first_byte();
        if field == "length"
            && let Some(wrong) = self.side.exceeded().frame(frame)
        {
            return Some(wrong);
        }
        let wrong = match field {
            "stream_id" => self.stream_wrong(frame),
            "type" => self.alone(frame),
            "length" => self.length_wrong(),
            _ => None,
        };
        let Some((expected, found)) = wrong else {
            let wrong = self.side.conduct().frame(frame, field)?.clone();
            let place = match field {
                "type" => 3,
                "flags" => 4,
                _ => 5,
            };
            return Some(Malformed::new(frame + place, wrong.0, wrong.1).with(wrong.2));
        };
        let lost = self.side.begin.late && field == "type";
        let place = frame
            + match field {
                "length" => 0,
                "type" => 3,
                _ => 5,
            };
        let wrong = Malformed::new(place, expected, found);
        Some(if lost {
            wrong.with(Severity::Odd)
        } else {
            wrong
        })
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = cx.at.span.first_byte() + HEAD;
        let end = cx.at.span.end_byte();
        let span = Span::bytes(start, end - start);
        let payload = Payload {
            side: self.side.clone(),
            head: self.head,
            frame: cx.at.span.first_byte(),
        };
        let known = !matches!(self.head.kind, 11 | 13..=15 | 17..);
        let kind = match known {
            true => Kind::shared(Arc::new(payload)),
            false => raw(),
        };
        cx.node("payload", span, kind);
        let there = end - start;
        if there < self.head.length {
            let cut = Malformed::new(
                start,
                format!("{} bytes of payload", self.head.length),
                format!("{there} before the end of the stream"),
            );
            return Err(cut.with(self.side.at_end));
        }
        // what is lost of its payload, that tells
        Ok(())
    }
}

impl Frame {
    /// What is wrong with the stream that it is on: a peer answers it with a connection error (RFC 9113 sections 5.1 and 6).
    fn stream_wrong(&self, frame: u64) -> Option<(String, String)> {
        let Head { kind, stream, .. } = self.head;
        let expected = match kind {
            kind::DATA
            | kind::HEADERS
            | kind::PRIORITY
            | kind::RST_STREAM
            | kind::PUSH_PROMISE
            | kind::CONTINUATION
                if stream == 0 =>
            {
                "a stream other than 0"
            }
            kind::SETTINGS | kind::PING | kind::GOAWAY | kind::PRIORITY_UPDATE if stream != 0 => {
                "stream 0"
            }
            // what begins with the preface is a client's
            kind::HEADERS if self.side.begin.preface && stream.is_multiple_of(2) => {
                "an odd stream, as a client opens it"
            }
            kind::DATA | kind::HEADERS if self.side.sent().after_end.contains(&frame) => {
                let lost = self.side.sent().lost;
                return (!lost)
                    .then(|| ("a stream that was not ended".to_owned(), stream.to_string()));
            }
            _ => return None,
        };
        Some((expected.to_owned(), stream.to_string()))
    }

    /// What acknowledges settings has none (section 6.5).
    fn length_wrong(&self) -> Option<(String, String)> {
        let Head { kind, length, .. } = self.head;
        let wrong = kind == kind::SETTINGS && self.head.has(END_STREAM) && length != 0;
        wrong.then(|| {
            (
                "no settings beside the flag ack".to_owned(),
                format!("{length} bytes"),
            )
        })
    }

    /// A CONTINUATION goes on from the frame before it (section 6.10).
    fn alone(&self, frame: u64) -> Option<(String, String)> {
        if self.head.kind != kind::CONTINUATION {
            return None;
        }
        let block = self.side.around(frame);
        let goes_on = block.is_some_and(|b| b.start < frame);
        // the frame before it may be one that the capture lost
        let lost = self.side.space.hole_in(Span::bytes(0, frame)).is_some();
        let found = "a CONTINUATION after no part of a header block";
        (!goes_on && !lost).then(|| ("another frame".to_owned(), found.to_owned()))
    }
}

/// Bytes of no frame that is known.
pub struct Lost;

impl Shape for Lost {
    fn name(&self) -> &'static str {
        "lost frames"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, span) = (cx.at.space.clone(), cx.at.span);
        known_bytes(cx, &space, span);
        Err(Malformed::lost(span.first_byte(), ALL_FRAMES, LOST))
    }
}

/// Gaps for those bytes of a span that are there.
pub fn known_bytes(cx: &mut Cx<'_>, space: &binq_core::Space, span: Span) {
    let mut at = span.start;
    while at < span.end() {
        let rest = Span::bits(at, span.end() - at);
        match space.hole_in(rest) {
            Some(hole) => {
                let until = hole.start.max(at);
                cx.gap(space, Span::bits(at, until - at));
                at = hole.end().max(at + 8);
            }
            None => {
                cx.gap(space, rest);
                return;
            }
        }
    }
}

fn raw() -> Kind {
    Kind::Leaf(Ref::Static(&Raw::ANY))
}

struct Payload {
    side: Arc<Side>,
    head: Head,
    frame: u64,
}

impl Payload {
    /// Padding, priority and promise, and what they are around.
    fn padded(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        let parts = Parts::of(cx.at.space, &self.head, span.first_byte(), span.end_byte());
        let room = || format!("at most {} bytes of padding", parts.end - parts.body);
        if let Some(at) = parts.pad_length {
            let pads = cx.at.space.read(at, 1).first().copied();
            let field = cx.leaf("pad_length", Span::bytes(at, 1), &Int::U8);
            let whole = span.len / 8 == self.head.length;
            if let (Some(pads), false, true) = (pads, parts.fit, parts.starts && whole) {
                field.wrong(Malformed::new(at, room(), pads.to_string()));
            }
        }
        match (parts.before, self.head.kind) {
            (Some(at), kind::PUSH_PROMISE) => {
                cx.leaf("reserved", Span::bits(at * 8, 1), &UBits);
                cx.leaf("promised_stream_id", Span::bits(at * 8 + 1, 31), &UBits);
            }
            (Some(at), _) => priority(cx, at),
            // too few bytes for them
            (None, _) => {
                let from = parts.pad_length.map_or(span.first_byte(), |at| at + 1);
                let space = cx.at.space.clone();
                cx.gap(&space, Span::bytes(from, parts.body - from));
            }
        }
        let body = Span::bytes(parts.body, parts.body_end - parts.body);
        match self.head.kind {
            // where the padding does not fit, other sizes would be read as other parts
            kind::DATA => {
                let codec = if parts.fit { &Raw::ANY } else { &Raw::FIXED };
                cx.leaf("data", body, codec);
            }
            kind::CONTINUATION => {
                cx.leaf("fragment", body, &Raw::ANY);
            }
            _ if parts.body < parts.end || parts.fit => self.headers(cx, body)?,
            _ => {}
        }
        // of a frame that is cut there may be none
        let has_padding = parts.body_end < parts.end || span.len / 8 == self.head.length;
        if parts.pad_length.is_some() && parts.fit && has_padding {
            let padding = Span::bytes(parts.body_end, parts.end - parts.body_end);
            cx.leaf("padding", padding, &Raw::ANY);
        }
        if parts.fit || parts.starts || span.len / 8 < self.head.length {
            return Ok(());
        }
        let at = span.first_byte();
        let found = format!("a payload of {} bytes", span.len / 8);
        Err(Malformed::new(
            at,
            "padding and fields that fit into the payload",
            found,
        ))
    }

    fn headers(&self, cx: &mut Cx<'_>, body: Span) -> Result<(), Malformed> {
        let Some(found) = self.side.block(self.frame) else {
            cx.leaf("fragment", body, &Raw::ANY);
            return Ok(());
        };
        let (info, block) = &*found;
        if info.fragments.len() > 1 {
            cx.leaf("fragment", body, &Raw::ANY);
        }
        let (space, span) = info.space(&self.side.space);
        let last = block.fields.last().map(|f| f.repr);
        let read = block.broken.or(last).map_or(0, |r| r.end) as u64 * 8;
        // a field that is broken tells it itself
        let wrong = block.wrong.clone().filter(|_| block.broken.is_none());
        let block = Arc::new(block.clone());
        let headers = Headers {
            // what breaks off may be read wrongly
            of: info
                .complete
                .then(|| Framed::new(&self.side, (self.frame, self.head.stream), &block)),
            block,
            base: span.first_byte(),
        };
        let fields = Span::bits(span.start, read);
        cx.node_in("headers", &space, fields, Kind::array(Arc::new(headers)));
        known_bytes(cx, &space, Span::bits(span.start + read, span.len - read));
        match wrong {
            Some(wrong) => Err(Malformed::new(
                // where the first fragment is whole, that is the place in this space
                body.first_byte() + wrong.at.min(body.len / 8),
                wrong.expected,
                wrong.found,
            )),
            None => info.cut(&self.side).map_or(Ok(()), Err),
        }
    }

    fn rest(&self, cx: &mut Cx<'_>, name: &'static str, from: u64) {
        let span = cx.at.span;
        let rest = Span::bits(span.start + from * 8, span.len - from * 8);
        cx.leaf(name, rest, &Raw::ANY);
    }
}

fn priority(cx: &mut Cx<'_>, at: u64) {
    cx.leaf("exclusive", Span::bits(at * 8, 1), &Bool);
    cx.leaf("stream_dependency", Span::bits(at * 8 + 1, 31), &UBits);
    cx.leaf("weight", Span::bytes(at + 4, 1), &Int::U8);
}

impl Shape for Payload {
    fn name(&self) -> &'static str {
        match self.head.kind {
            kind::DATA => "DATA",
            kind::HEADERS => "HEADERS",
            kind::PRIORITY => "PRIORITY",
            kind::RST_STREAM => "RST_STREAM",
            kind::SETTINGS => "SETTINGS",
            kind::PUSH_PROMISE => "PUSH_PROMISE",
            kind::PING => "PING",
            kind::GOAWAY => "GOAWAY",
            kind::WINDOW_UPDATE => "WINDOW_UPDATE",
            kind::CONTINUATION => "CONTINUATION",
            kind::ALTSVC => "ALTSVC",
            kind::ORIGIN => "ORIGIN",
            _ => "PRIORITY_UPDATE",
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        let at = span.first_byte();
        let len = span.len / 8;
        let least = match self.head.kind {
            kind::PRIORITY => 5,
            kind::RST_STREAM | kind::WINDOW_UPDATE | kind::PRIORITY_UPDATE => 4,
            kind::PING | kind::GOAWAY => 8,
            kind::ALTSVC => 2,
            _ => 0,
        };
        if len < least {
            let space = cx.at.space.clone();
            cx.gap(&space, span);
            // the frame itself tells that it is cut
            if len < self.head.length {
                return Ok(());
            }
            return Err(Malformed::new(
                at,
                format!("{least} bytes of {}", self.name()),
                format!("{len} bytes"),
            ));
        }
        let used = match self.head.kind {
            kind::DATA | kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => {
                return self.padded(cx);
            }
            kind::PRIORITY => {
                priority(cx, at);
                5
            }
            kind::RST_STREAM => {
                cx.leaf("error_code", Span::bytes(at, 4), &ERROR_CODE);
                4
            }
            kind::SETTINGS => {
                let whole = Span::bytes(at, len / 6 * 6);
                let of_server = self.side.begin.who == Some(Who::Server);
                cx.node(
                    "settings",
                    whole,
                    Kind::array(Arc::new(Settings { of_server })),
                );
                len / 6 * 6
            }
            kind::PING => {
                cx.leaf("opaque_data", Span::bytes(at, 8), &Int::U64BE);
                8
            }
            kind::GOAWAY => {
                cx.leaf("reserved", Span::bits(span.start, 1), &UBits);
                cx.leaf("last_stream_id", Span::bits(span.start + 1, 31), &UBits);
                cx.leaf("error_code", Span::bytes(at + 4, 4), &ERROR_CODE);
                self.rest(cx, "debug_data", 8);
                len
            }
            kind::WINDOW_UPDATE => {
                cx.leaf("reserved", Span::bits(span.start, 1), &UBits);
                let increment = Span::bits(span.start + 1, 31);
                cx.leaf("window_size_increment", increment, &UBits);
                4
            }
            kind::ALTSVC => {
                let origin = u64::from(Int16::read(cx, at));
                cx.leaf("origin_len", Span::bytes(at, 2), &Int::U16BE);
                if origin > len - 2 {
                    self.rest(cx, "origin", 2);
                    return Err(Malformed::new(
                        at,
                        format!("an origin of at most {} bytes", len - 2),
                        origin.to_string(),
                    ));
                }
                cx.leaf("origin", Span::bytes(at + 2, origin), &Raw::ANY);
                self.rest(cx, "alt_svc_field_value", 2 + origin);
                len
            }
            kind::ORIGIN => {
                let origins = Origins::new(cx, span);
                let covered = origins.0.last().map_or(span.start, |s| s.end());
                let whole = Span::bits(span.start, covered - span.start);
                cx.node("origins", whole, Kind::array(Arc::new(origins)));
                whole.len / 8
            }
            _ => {
                cx.leaf("reserved", Span::bits(span.start, 1), &UBits);
                let prioritized = Span::bits(span.start + 1, 31);
                cx.leaf("prioritized_stream_id", prioritized, &UBits);
                self.rest(cx, "priority_field_value", 4);
                len
            }
        };
        let space = cx.at.space.clone();
        let rest = Span::bytes(at + used, len - used);
        cx.gap(&space, rest);
        match rest.len {
            0 => Ok(()),
            _ => Err(Malformed::new(
                at + used,
                format!("the end of {}", self.name()),
                format!("{} more bytes", len - used),
            )),
        }
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let first = at.span.first_byte();
        if let Some((expected, found, severity)) = self.side.conduct().frame(self.frame, field) {
            let parts = Parts::of(at.space, &self.head, first, at.span.end_byte());
            let place = match field {
                "promised_stream_id" => parts.before.unwrap_or(first),
                "headers" | "data" => parts.body,
                _ => first,
            };
            return Some(Malformed::new(place, expected, found).with(*severity));
        }
        match field {
            // RFC 7540 section 5.3.1, which some peers still go by
            "stream_dependency" => {
                let parts = Parts::of(at.space, &self.head, first, at.span.end_byte());
                let place = parts.before.unwrap_or(first);
                let id = at.space.read(place, 4);
                let id = id.iter().fold(0, |n, b| n << 8 | u32::from(*b)) & 0x7fff_ffff;
                let wrong = Malformed::new(place, "another stream", id.to_string());
                (id == self.head.stream && id != 0).then(|| wrong.with(Severity::Damage))
            }
            "window_size_increment" => {
                let increment = at.read(0, 4);
                let zero = increment
                    .iter()
                    .enumerate()
                    .all(|(i, b)| b & if i == 0 { 0x7f } else { 0xff } == 0);
                // of a stream, an error of that stream (section 6.9)
                let severity = if self.head.stream == 0 {
                    Severity::Stops
                } else {
                    Severity::Damage
                };
                zero.then(|| {
                    Malformed::new(first, "an increment of at least 1", "0").with(severity)
                })
            }
            "padding" => {
                let parts = Parts::of(at.space, &self.head, first, at.span.end_byte());
                let padding = at.space.read(parts.body_end, parts.end - parts.body_end);
                let odd = padding.iter().position(|b| *b != 0)?;
                let place = parts.body_end + odd as u64;
                let found = format!("byte {:#04x}", padding[odd]);
                Some(Malformed::new(place, "zeros", found).with(Severity::Odd))
            }
            _ => None,
        }
    }

    fn traits(&self) -> Traits {
        Traits {
            // A header block goes on in other frames, and is spelled anew elsewhere: its fields are assigned one by one.
            is_scattered: matches!(self.head.kind, kind::HEADERS | kind::PUSH_PROMISE),
            ..Traits::default()
        }
    }
}

/// Reads a number of two bytes.
struct Int16;

impl Int16 {
    fn read(cx: &Cx<'_>, at: u64) -> u16 {
        let b = cx.at.space.read(at, 2);
        b.iter().fold(0, |n, b| n << 8 | u16::from(*b))
    }
}

/// The settings of a SETTINGS frame.
struct Settings {
    of_server: bool,
}

struct Setting {
    of_server: bool,
}

impl Shape for Setting {
    fn name(&self) -> &'static str {
        "setting"
    }

    fn layout(&self) -> &'static [Field] {
        static FIELDS: [Field; 2] = [
            Field::leaf("identifier", 0, 2, &SETTING),
            Field::leaf("value", 2, 4, &Int::U32BE),
        ];
        &FIELDS
    }

    /// Values that a peer answers with a connection error (section 6.5.2, RFC 8441 section 3). A server allows no push.
    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let b: [u8; 6] = at.read(0, 6).as_ref().try_into().ok()?;
        let value = u32::from_be_bytes([b[2], b[3], b[4], b[5]]);
        let fits = match u16::from_be_bytes([b[0], b[1]]) {
            2 if self.of_server => 0..=0,
            2 | 8 => 0..=1,
            4 => 0..=0x7fff_ffff,
            5 => 1 << 14..=(1 << 24) - 1,
            _ => return None,
        };
        if field != "value" || fits.contains(&value) {
            return None;
        }
        let expected = match (fits.start(), fits.end()) {
            (0, 0) => "0, as a server allows no push".to_owned(),
            (least, most) => format!("a value from {least} to {most}"),
        };
        Some(Malformed::new(
            at.span.first_byte() + 2,
            expected,
            value.to_string(),
        ))
    }
}

impl Sequence for Settings {
    fn name(&self) -> &'static str {
        "setting"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 48);
        at.span.contains(span).then(|| Step {
            kind: Kind::fixed(match self.of_server {
                true => &Setting { of_server: true },
                false => &Setting { of_server: false },
            }),
            span,
            next: State::new(span.end()),
        })
    }

    fn stride(&self) -> Option<u64> {
        Some(48)
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        cx.in_place()
    }
}

/// The origins of an ORIGIN frame.
struct Origins(Vec<Span>);

impl Origins {
    fn new(cx: &Cx<'_>, span: Span) -> Self {
        let mut all = Vec::new();
        let mut at = span.first_byte();
        while at + 2 <= span.end_byte() {
            let len = 2 + u64::from(Int16::read(cx, at));
            // one that is longer than what is left has all of it, and a fault
            let len = len.min(span.end_byte() - at);
            all.push(Span::bytes(at, len));
            at += len;
        }
        Self(all)
    }
}

impl Sequence for Origins {
    fn name(&self) -> &'static str {
        "origin"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = *self.0.get(state.memory as usize)?;
        Some(Step {
            kind: Kind::fixed(&Origin),
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }
}

struct Origin;

impl Shape for Origin {
    fn name(&self) -> &'static str {
        "origin"
    }

    fn layout(&self) -> &'static [Field] {
        static LEN: binq_core::rule::Rule = binq_core::rule::Rule::Len {
            of: binq_core::rule::Of::Struct,
            unit: 1,
            bias: -2,
        };
        static FIELDS: [Field; 1] = [Field::leaf("origin_len", 0, 2, &Int::U16BE).derived(&LEN)];
        &FIELDS
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        let text = Span::bits(span.start + 16, span.len - 16);
        cx.leaf("ascii_origin", text, &Raw::ANY);
        let said = u64::from(Int16::read(cx, span.first_byte()));
        if said > text.len / 8 {
            return Err(Malformed::new(
                span.first_byte(),
                format!("an origin of at most {} bytes", text.len / 8),
                said.to_string(),
            ));
        }
        Ok(())
    }
}
