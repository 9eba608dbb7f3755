//! Payloads of frames, RFC 9113 section 6.

use crate::frame::{ERROR_CODE, HEAD, Head, Parts, SETTING, kind, layout};
use crate::header::Headers;
use crate::side::Side;
use binq_core::codec::{Bool, Int, Raw, UBits};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Field, Fixed, Shape};
use binq_core::{Kind, Malformed, Ref, Reject, Span};
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
            return Err(Malformed::new(
                start,
                format!("{} bytes of payload", self.head.length),
                format!("{there} before the end of the stream"),
            ));
        }
        match self.side.space.hole_in(span) {
            Some(hole) => Err(Malformed::new(
                hole.first_byte().max(start),
                format!("{there} bytes of payload"),
                "bytes that the capture lost",
            )),
            None => Ok(()),
        }
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
        Err(Malformed::new(
            span.first_byte(),
            "a frame header",
            "bytes that the capture lost",
        ))
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
        if let Some(at) = parts.pad_length {
            cx.leaf("pad_length", Span::bytes(at, 1), &Int::U8);
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
            kind::DATA => {
                cx.leaf("data", body, &Raw::ANY);
            }
            kind::CONTINUATION => {
                cx.leaf("fragment", body, &Raw::ANY);
            }
            _ if parts.body < parts.end || parts.fit => self.headers(cx, body)?,
            _ => {}
        }
        if parts.pad_length.is_some() && parts.fit {
            let padding = Span::bytes(parts.body_end, parts.end - parts.body_end);
            cx.leaf("padding", padding, &Raw::ANY);
        }
        if parts.fit {
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
        let wrong = block.wrong.clone();
        let headers = Headers {
            block: Arc::new(block.clone()),
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
            None if !info.complete => Err(Malformed::new(
                body.end_byte(),
                "a whole header block",
                "a part of one; the rest is not there",
            )),
            None => Ok(()),
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

    /// A header block goes on in other frames, and is spelled anew elsewhere: its fields are assigned one by one.
    fn is_scattered(&self) -> bool {
        matches!(self.head.kind, kind::HEADERS | kind::PUSH_PROMISE)
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
                cx.node("settings", whole, Kind::array(Arc::new(Settings)));
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
struct Settings;

static ONE_SETTING: Fixed = Fixed {
    name: "setting",
    fields: &[
        Field::leaf("identifier", 0, 2, &SETTING),
        Field::leaf("value", 2, 4, &Int::U32BE),
    ],
    word: None,
};

impl Sequence for Settings {
    fn name(&self) -> &'static str {
        "setting"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 48);
        at.span.contains(span).then(|| Step {
            kind: Kind::fixed(&ONE_SETTING),
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
