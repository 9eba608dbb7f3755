//! Messages as nodes.

use super::Stream;
use super::message::{Body, CHUNK_LINE, Chunk, Message, Side};
use super::search::{Item, Lost, lost_at};
use super::there;
use super::{METHOD, REASON, VERSION};
use crate::exchange;
use crate::lines::{Form, Lines, TARGET, VALUE, breaks_line};
use binq_core::codec::{Codec, Raw, Representation};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Lazy, Shape, Traits};
use binq_core::{Bits, Kind, Malformed, Misfit, Ref, Scalar, Severity, Span};
use std::sync::Arc;

/// The messages of a stream.
pub struct List(pub Arc<Stream>);

impl Sequence for List {
    fn name(&self) -> &'static str {
        match self.0.begin.side {
            Side::Client => "request",
            Side::Server => "response",
        }
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let n = usize::try_from(state.memory).ok()?;
        let (kind, span) = match self.0.messages().item(n)? {
            Item::Message(i) => node(&self.0, i)?,
            Item::Lost(lost) => (
                Kind::shared(Arc::new(LostShape(lost))),
                Span::bytes(lost.at, lost.end - lost.at),
            ),
        };
        Some(Step {
            kind,
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }
}

/// A message, by its index, and where it lies.
pub fn node(stream: &Arc<Stream>, i: usize) -> Option<(Kind, Span)> {
    let message = stream.messages().all.get(i)?;
    let span = Span::bytes(message.at, message.end - message.at);
    let shape = MessageShape {
        stream: stream.clone(),
        i,
    };
    Some((Kind::shared(Arc::new(shape)), span))
}

/// Bytes between two messages.
struct LostShape(Lost);

impl Shape for LostShape {
    fn name(&self) -> &'static str {
        "lost messages"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, span) = (cx.at.space.clone(), cx.at.span);
        for (i, part) in there(&space, span).into_iter().enumerate() {
            cx.leaf(format!("gap{i}"), part, &Unread);
        }
        Err(lost_at(self.0.hole))
    }
}

struct MessageShape {
    stream: Arc<Stream>,
    i: usize,
}

impl MessageShape {
    fn message(&self) -> &Message {
        &self.stream.messages().all[self.i]
    }

    /// What the input does not have of the body, if it has not all of it.
    fn missing(&self) -> Option<String> {
        let of_body = |content: &exchange::Body| {
            let body = &content.space;
            let hole = body.hole_in(body.span());
            hole.map(|_| "bytes of the body are missing from the input".to_owned())
        };
        let broken = |f: &Malformed| format!("expected {}, found {}", f.expected, f.found);
        let content = self.stream.content(self.i).and_then(of_body);
        content.or_else(|| self.message().fault.as_ref().map(broken))
    }
}

impl Shape for MessageShape {
    fn name(&self) -> &'static str {
        match self.stream.begin.side {
            Side::Client => "request",
            Side::Server => "response",
        }
    }

    fn fault(&self) -> Option<Malformed> {
        let message = self.message();
        let fault = message.fault.clone();
        fault.or_else(|| message.rejected(self.stream.begin.side))
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let message = self.message();
        let space = &self.stream.space();
        let start = &message.start;
        if message.blank > 0 {
            // other bytes would be a part of the first line
            cx.leaf("gap0", Span::bytes(message.at, message.blank), &Unread);
        }
        match self.stream.begin.side {
            Side::Client => {
                cx.leaf("method", start.span(0), &METHOD);
                cx.leaf("target", start.span(1), &TARGET);
                cx.leaf("version", start.span(2), &VERSION);
                // as HTTP/2 calls them
                cx.leaf("path", start.span(1), &TARGET).hidden();
                if let Some(host) = message.headers.iter().find(|l| l.name == "host") {
                    cx.leaf("authority", host.value_span(), &VALUE).hidden();
                }
            }
            Side::Server => {
                cx.leaf("version", start.span(0), &VERSION);
                cx.leaf("status", start.span(1), &STATUS);
                // where there is none, its space is missing, too
                match start.span(2).start > start.span(1).end() {
                    true => cx.leaf("reason", start.span(2), &REASON),
                    false => cx.leaf("reason", start.span(2), &NEW_REASON),
                };
            }
        }
        if message.ignored > 0 {
            let at = message
                .headers
                .first()
                .map_or(message.headers_end, |l| l.at)
                - message.ignored;
            // as a client and a server read it (RFC 9112 section 2.2); a server may reject it as well
            let found = "lines that begin with white space";
            let wrong = Malformed::new(at, "a header field or an empty line", found);
            let name = if message.blank > 0 { "gap1" } else { "gap0" };
            let ignored = cx.leaf(name, Span::bytes(at, message.ignored), &Unread);
            ignored.wrong(wrong.with(Severity::Odd));
        }
        let strict = self.stream.begin.side == Side::Client;
        let lines = Lines::new(&message.headers, None).strict(strict);
        lines.add_to(cx, "headers", space, message.headers_end);
        let nowhere = Span::bytes(message.headers_end, 0);
        let by_name = ByName {
            stream: self.stream.clone(),
            i: self.i,
        };
        cx.node("header", nowhere, Kind::shared(Arc::new(by_name)));
        if let Some(content) = self.stream.content(self.i) {
            let body = &content.space;
            cx.node_in(
                "body",
                body,
                body.span(),
                Kind::Leaf(Ref::Static(&Raw::ANY)),
            );
        }
        if let Body::Chunked {
            chunks,
            trailers,
            end,
        } = &message.body
        {
            let first = chunks.first().map_or(message.end, |c| c.at);
            let last = chunks.last().map_or(first, |c| c.end);
            let span = Span::bytes(first, last - first);
            cx.node(
                "chunks",
                span,
                Kind::array(Arc::new(Chunks(chunks.clone()))),
            );
            if !trailers.is_empty() {
                let trailers = Lines::new(trailers, None).strict(strict);
                trailers.add_to(cx, "trailers", space, *end);
            }
        }
        Ok(())
    }

    fn traits(&self) -> Traits {
        Traits {
            has_aliases: true,
            ..Traits::default()
        }
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for MessageShape {
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        exchange::find_missing(name, cx, || self.missing())
    }
}

/// Header fields by name, in lower case; of several of one name, the first.
struct ByName {
    stream: Arc<Stream>,
    i: usize,
}

impl Shape for ByName {
    fn name(&self) -> &'static str {
        "header fields by name"
    }

    fn traits(&self) -> Traits {
        Traits {
            is_view: true,
            ..Traits::default()
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut seen = std::collections::HashSet::new();
        let lines = &self.stream.messages().all[self.i].headers;
        for line in lines.iter().filter(|l| !l.name.is_empty()) {
            if seen.insert(&line.name) {
                let name = String::from_utf8_lossy(&line.name).into_owned();
                cx.leaf(name, line.value_span(), &VALUE);
            }
        }
        Ok(())
    }
}

struct Chunks(Vec<Chunk>);

impl Sequence for Chunks {
    fn name(&self) -> &'static str {
        "chunk"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let chunk = self.0.get(usize::try_from(state.memory).ok()?)?;
        let span = Span::bytes(chunk.at, chunk.end - chunk.at);
        Some(Step {
            kind: Kind::shared(Arc::new(ChunkShape(chunk.clone()))),
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }
}

struct ChunkShape(Chunk);

impl Shape for ChunkShape {
    fn name(&self) -> &'static str {
        "chunk"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let chunk = &self.0;
        cx.leaf("size", Span::bytes(chunk.at, chunk.digits), &SIZE);
        if chunk.extension.len > 0 {
            cx.leaf("extension", chunk.extension, &EXTENSION);
        }
        if chunk.size > 0 {
            cx.leaf("data", chunk.data, &Raw::ANY);
        }
        Ok(())
    }
}

/// The size of a chunk, in hexadecimal digits; keeps their case, and zeros before them.
pub static SIZE: Size = Size;

/// See [`SIZE`].
pub struct Size;

impl Codec for Size {
    fn representation(&self) -> Representation {
        Representation::Int {
            bits: 64,
            signed: false,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = String::from_utf8_lossy(bits.bytes()).into_owned();
        let size = u64::from_str_radix(&text, 16);
        size.map(Scalar::from)
            .map_err(|_| Misfit::new("hexadecimal digits", text))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| old == *value) {
            return Ok(like.clone());
        }
        let size = value.as_int().and_then(|n| u64::try_from(n).ok());
        let size =
            size.ok_or_else(|| Misfit::new(format!("an integer from 0 to {}", u64::MAX), value))?;
        let old = like.bytes();
        let upper = old.iter().any(u8::is_ascii_uppercase);
        let width = match old.first() {
            Some(b'0') => old.len(),
            _ => 0,
        };
        Ok(Bits::from_bytes(match upper {
            true => format!("{size:0width$X}").into_bytes(),
            false => format!("{size:0width$x}").into_bytes(),
        }))
    }
}

/// Bytes that are of no message, as what is before them broke off: changed, they might go on with it. They can be changed in
/// the packets.
pub struct Unread;

impl Codec for Unread {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Raw::FIXED.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() == Some(&like.bytes()[..]) {
            true => Ok(like.clone()),
            false => Err(Misfit::new(
                "no other bytes, as they belong to no message (their packets take others)",
                value,
            )),
        }
    }
}

/// The reason of a status line that ends after the status.
static NEW_REASON: NewReason = NewReason;

struct NewReason;

impl Codec for NewReason {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = bits.bytes();
        let skip = usize::from(text.starts_with(b" "));
        REASON.decode(&Bits::from_bytes(text.slice(skip..)))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let text = REASON.encode(value, like)?;
        match text.bytes().is_empty() {
            true => Ok(text),
            false => Ok(Bits::from_bytes([b" ", &text.bytes()[..]].concat())),
        }
    }
}

/// The extensions of a chunk, RFC 9112 section 7.1.1, with the semicolon before each.
static EXTENSION: Form = Form {
    expected: "chunk extensions: each begins with a semicolon, without line breaks, and all fit into a line of 4096 bytes",
    fits: |text| {
        let first = text.trim_ascii_start().first();
        first.is_none_or(|b| *b == b';') && !breaks_line(text) && text.len() + 24 < CHUNK_LINE
    },
};

/// A status: whether it is interim (1xx) says what follows, and stays.
static STATUS: Status = Status;

struct Status;

impl Codec for Status {
    fn representation(&self) -> Representation {
        Representation::Int {
            bits: 64,
            signed: false,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let text = String::from_utf8_lossy(bits.bytes()).into_owned();
        match text.parse::<u64>() {
            Ok(n) => Ok(n.into()),
            Err(_) => Err(Misfit::new("three digits", text)),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if self.decode(like).is_ok_and(|old| old == *value) {
            return Ok(like.clone());
        }
        let (least, most) = match like.bytes().first() {
            Some(b'1') => (100, 199),
            _ => (200, 999),
        };
        match value.as_int() {
            Some(n) if (least..=most).contains(&n) => {
                Ok(Bits::from_bytes(n.to_string().into_bytes()))
            }
            _ => Err(Misfit::new(
                format!("a status from {least} to {most}"),
                value,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_keeps_its_spelling() {
        let spelled = |old: &str, n: u64| {
            let like = Bits::from_bytes(old.as_bytes().to_vec());
            let new = SIZE.encode(&n.into(), &like).unwrap();
            String::from_utf8_lossy(new.bytes()).into_owned()
        };
        assert_eq!(spelled("1C", 0x2d), "2D");
        assert_eq!(spelled("1c", 0x2d), "2d");
        assert_eq!(spelled("001c", 0x2d), "002d");
        assert_eq!(spelled("1C", 0x1c), "1C");
        assert_eq!(spelled("9", 0x10), "10");
    }
}
