//! HTTP/1.1, RFC 9112: format `http1`, a raw byte stream of one direction, or both directions of a connection that a capture
//! holds.

mod framing;
mod message;
mod shape;
mod talk;

use crate::grpc::web::{Content, Web};
use crate::lines::{Form, TOKEN, breaks_line};
use binq_core::dialogue::{Clock, Conversation, Dialogue};
use binq_core::layer::{Gather, Window};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Node, Options, Probe, Severity, Space, Span, Takes,
};
use framing::Framing;
use message::{Body, Messages, Side, begins, find};
use std::sync::{Arc, OnceLock};

/// A part of a first line is no longer than this, so that the line is read back.
const LONGEST_PART: usize = 30_000;

/// The method of a request.
pub static METHOD: Form = Form {
    expected: "a token of RFC 9110 of at most 30000 characters",
    fits: |text| text.len() <= LONGEST_PART && (TOKEN.fits)(text),
};

/// The target of a request.
pub static TARGET: Form = Form {
    expected: "text without white space, of 1 to 30000 characters",
    fits: |text| {
        let plain = text.iter().all(|b| *b > b' ' && *b != 0x7f);
        plain && (1..=LONGEST_PART).contains(&text.len())
    },
};

/// The reason of a status line, RFC 9112 section 4.
pub static REASON: Form = Form {
    expected: "text of at most 30000 characters without line breaks",
    fits: |text| text.len() <= LONGEST_PART && !breaks_line(text),
};

/// A version that is spoken so.
pub static VERSION: Form = Form {
    expected: "HTTP/1.0 or HTTP/1.1",
    fits: |text| matches!(text, b"HTTP/1.0" | b"HTTP/1.1"),
};

/// HTTP/1.1, RFC 9112.
pub struct Http1;

impl Format for Http1 {
    fn name(&self) -> &'static str {
        "http1"
    }

    fn description(&self) -> &'static str {
        "HTTP/1.1 requests or responses of one direction"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        let head = &probe.bytes[..probe.bytes.len().min(1 << 16)];
        let space = Space::source(head.to_vec());
        let sides = [Side::Client, Side::Server];
        match sides.iter().any(|side| begins(&space, *side)) {
            true => Confidence::Certain,
            false => Confidence::No,
        }
    }

    fn settings(&self) -> &'static [(&'static str, Takes)] {
        &[("http1", Takes::One)]
    }

    fn lists(&self) -> &'static [&'static str] {
        &["streams", "grpc_calls"]
    }

    fn converse(&self, with: &Conversation, options: &Options) -> Option<Arc<dyn Dialogue>> {
        let talk = talk::Talk::new(with, options)?;
        Some(Arc::new(talk::Shown(Arc::new(talk))))
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let side = match begins(&space, Side::Server) {
            true => Side::Server,
            false => Side::Client,
        };
        root(&Stream::new(&space, Begin::at(side, 0), "", None))
    }
}

/// Whose messages a stream has, and where they begin.
#[derive(Clone)]
struct Begin {
    side: Side,
    at: u64,
    /// Of responses: their clock, and when the first request that is known was sent, if others may be missing before it.
    asked: Option<(Arc<dyn Clock>, i128)>,
    /// How bad it is that what was begun is not all there: a capture may end before its connections do.
    at_end: Severity,
}

impl Begin {
    fn at(side: Side, at: u64) -> Self {
        Self {
            side,
            at,
            asked: None,
            at_end: Severity::Stops,
        }
    }
}

/// One direction of a connection.
pub struct Stream {
    begin: Begin,
    /// Its bytes.
    raw: Space,
    /// Path of the list of messages.
    path: String,
    /// What it answers, if that is known.
    answers: Option<Arc<Stream>>,
    space: OnceLock<Space>,
    messages: OnceLock<Messages>,
    nothing: OnceLock<Content>,
}

impl Stream {
    /// A direction; `path` is that of the stream.
    fn new(raw: &Space, begin: Begin, path: &str, answers: Option<Arc<Stream>>) -> Arc<Self> {
        let list = match begin.side {
            Side::Client => "requests",
            Side::Server => "responses",
        };
        Arc::new(Self {
            begin,
            raw: raw.clone(),
            path: format!("{path}.{list}"),
            answers,
            space: OnceLock::new(),
            messages: OnceLock::new(),
            nothing: OnceLock::new(),
        })
    }

    fn messages(&self) -> &Messages {
        self.messages.get_or_init(|| {
            let requests = self.answers.as_ref().map(|s| s.messages());
            let early = |at| match &self.begin.asked {
                Some((clock, asked)) => clock.time(at).is_some_and(|time| time < *asked),
                None => false,
            };
            let mut found = find(&self.raw, self.begin.side, self.begin.at, requests, early);
            // what broke off at the end of the stream
            let last = found.all.last_mut().filter(|m| m.end == self.raw.len());
            if let Some(fault) = last.and_then(|m| m.fault.as_mut()) {
                fault.severity = fault.severity.min(self.begin.at_end);
            }
            found
        })
    }

    /// The space that the messages lie in. Whoever asks gets the same one.
    fn space(self: &Arc<Self>) -> Space {
        let new = || {
            // a stream of its own, or this one would hold itself
            let list = self.path.rsplit_once('.').map_or("", |(path, _)| path);
            let stream = Self::new(&self.raw, self.begin.clone(), list, self.answers.clone());
            Space::derived(self.raw.clone(), Arc::new(Framing { stream }))
        };
        self.space.get_or_init(new).clone()
    }

    /// The body of a message that has none.
    fn no_content(self: &Arc<Self>) -> &Content {
        self.nothing.get_or_init(|| {
            let nothing = Space::derived(self.space(), Arc::new(Gather::new()));
            Content::new(nothing, None, None)
        })
    }

    /// The body of a message, if it has one. Whoever asks gets the same.
    fn content(self: &Arc<Self>, i: usize) -> Option<&Content> {
        let message = self.messages().all.get(i)?;
        if matches!(message.body, Body::None) {
            return None;
        }
        Some(message.content.get_or_init(|| {
            let space = self.space();
            let body = match &message.body {
                Body::Chunked { chunks, .. } => {
                    let mut gather = Gather::new();
                    for chunk in chunks {
                        gather.push_apart(chunk.data.first_byte(), chunk.data.byte_len());
                    }
                    Space::derived(space, Arc::new(gather))
                }
                Body::Whole(span) => {
                    let (at, len) = (span.first_byte(), span.byte_len());
                    Space::derived(space, Arc::new(Window { at, len }))
                }
                Body::None => space,
            };
            let web = message.value(b"content-type").and_then(Web::of);
            Content::new(body, web, message.value(b"grpc-encoding"))
        }))
    }
}

/// The root of a stream.
fn root(stream: &Arc<Stream>) -> Node {
    let span = stream.raw.span();
    let shape = Kind::shared(Arc::new(Root(stream.clone())));
    Node::root_of("http1", shape, stream.raw.clone(), span)
}

struct Root(Arc<Stream>);

impl Shape for Root {
    fn name(&self) -> &'static str {
        "http1"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let stream = &self.0;
        let name = match stream.begin.side {
            Side::Client => "requests",
            Side::Server => "responses",
        };
        let (found, space, begin) = (stream.messages(), stream.space(), stream.begin.at);
        let unread = |cx: &mut Cx<'_>, name: &'static str, span| {
            let kind = Kind::Leaf((&shape::Unread).into());
            cx.node_in(name, &space, span, kind);
        };
        let before = Span::bytes(0, begin);
        let known = space.hole_in(before).is_none();
        match begin > 0 && known {
            true => unread(cx, "gap0", before),
            false => crate::payload::known_bytes(cx, &space, before),
        }
        let list = Kind::array(Arc::new(shape::List(stream.clone())));
        cx.node_in(name, &space, Span::bytes(begin, found.end - begin), list);
        let rest = Span::bytes(found.end, stream.raw.len() - found.end);
        let broken = found.all.last().is_some_and(|m| m.fault.is_some());
        if (broken || found.fault.is_some()) && rest.len > 0 && space.hole_in(rest).is_none() {
            unread(cx, if begin > 0 { "gap1" } else { "gap0" }, rest);
        } else {
            crate::payload::known_bytes(cx, &space, rest);
        }
        if begin > 0 {
            let found = "the rest of one, or bytes of another protocol";
            let late = Malformed::new(0, "the beginning of a message", found);
            return Err(late.with(Severity::Odd));
        }
        match &found.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }
}
