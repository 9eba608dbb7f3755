//! HTTP/1.1, RFC 9112: format `http1`, a raw byte stream of one direction, or both directions of a connection that a capture
//! holds.

mod framing;
mod message;
mod search;
mod shape;
mod talk;

use crate::exchange;
use crate::lines::{Form, LONGEST_PART, TOKEN, breaks_line};
use binq_core::codec::Raw;
use binq_core::dialogue::{Clock, Conversation, Dialogue};
use binq_core::layer::{Gather, Identity, Window};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Node, Options, Probe, Ref, Setting, Severity, Space, Span,
};
use framing::Framing;
use message::{Body, Side, begins};
use search::{Asked, Messages, Search, lost_at};
use std::sync::{Arc, OnceLock};

/// The method of a request.
pub static METHOD: Form = Form {
    expected: "a token of RFC 9110 of at most 30000 characters",
    fits: |text| text.len() <= LONGEST_PART && (TOKEN.fits)(text),
};

/// The methods of IANA's registry, and those of UPnP.
static REGISTERED: [&[u8]; 43] = [
    b"ACL",
    b"BASELINE-CONTROL",
    b"BIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"CONNECT",
    b"COPY",
    b"DELETE",
    b"GET",
    b"HEAD",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"M-SEARCH",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"MOVE",
    b"NOTIFY",
    b"OPTIONS",
    b"ORDERPATCH",
    b"PATCH",
    b"POST",
    b"PROPFIND",
    b"PROPPATCH",
    b"PUT",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"SUBSCRIBE",
    b"TRACE",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
];

/// The reason of a status line, RFC 9112 section 4.
pub static REASON: Form = Form {
    expected: "text of at most 30000 characters without line breaks",
    fits: |text| text.len() <= LONGEST_PART && !breaks_line(text),
};

/// A version that is spoken so: of a later minor version, a recipient reads what it knows (RFC 9110 section 2.5).
pub static VERSION: Form = Form {
    expected: "HTTP/1 with a minor version of one digit, as HTTP/1.1",
    fits: |text| {
        matches!(
            text,
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9']
        )
    },
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

    fn settings(&self) -> &'static [Setting] {
        const ALL: &[Setting] = &[Setting::one(
            "http1",
            "PORT,..: connections with these ports are HTTP/1.1",
        )];
        ALL
    }

    fn lists(&self) -> &'static [&'static str] {
        &["streams"]
    }

    fn converse(&self, with: &Conversation, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        Some(Arc::new(talk::Shown::new(talk::Talk::new(with)?)))
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let side = match begins(&space, Side::Server) {
            true => Side::Server,
            false => Side::Client,
        };
        let is_sound = space.is_empty()
            || [Side::Client, Side::Server]
                .iter()
                .any(|s| begins(&space, *s));
        let stream = Stream::new(&space, Begin::at(side, 0), "", Peer::None);
        let root = root(&stream);
        // one of which the first line is damaged may have others behind it
        match is_sound || !stream.messages().all.is_empty() {
            true => root,
            false => root.wrong(Malformed::new(
                0,
                "a request line or a status line of HTTP/1.1",
                "other bytes",
            )),
        }
    }
}

/// Whose messages a stream has, and where they begin.
#[derive(Clone)]
struct Begin {
    side: Side,
    at: u64,
    /// Whether others may be missing before them.
    late: bool,
    /// When they were sent.
    clock: Option<Arc<dyn Clock>>,
    /// How bad it is that what was begun is not all there: a capture may end before its connections do.
    at_end: Severity,
}

impl Begin {
    fn at(side: Side, at: u64) -> Self {
        Self {
            side,
            at,
            late: false,
            clock: None,
            at_end: Severity::Stops,
        }
    }

    fn time(&self, at: u64) -> Option<i128> {
        self.clock.as_ref()?.time(at)
    }
}

/// The other direction of a connection.
#[derive(Clone)]
enum Peer {
    /// It is not known.
    None,
    /// What this one answers.
    Asks(Arc<Stream>),
    /// The bytes that answer this one.
    Answers(Space, Begin),
}

impl Begin {
    /// The messages of a stream. After `until` of them, another protocol follows.
    fn find(&self, raw: &Space, asked: Option<Asked<'_>>, until: Option<usize>) -> Messages {
        let time = |at| self.time(at);
        let search = Search {
            side: self.side,
            time: &time,
            asked,
            until,
        };
        search.find(raw, self.at)
    }
}

/// One direction of a connection.
pub struct Stream {
    begin: Begin,
    /// Its bytes.
    raw: Space,
    /// Path of the list of messages.
    path: String,
    peer: Peer,
    space: OnceLock<Space>,
    messages: OnceLock<Messages>,
    nothing: OnceLock<exchange::Body>,
}

impl Stream {
    /// A direction; `path` is that of the stream.
    fn new(raw: &Space, begin: Begin, path: &str, peer: Peer) -> Arc<Self> {
        let list = match begin.side {
            Side::Client => "requests",
            Side::Server => "responses",
        };
        Arc::new(Self {
            begin,
            raw: raw.clone(),
            path: format!("{path}.{list}"),
            peer,
            space: OnceLock::new(),
            messages: OnceLock::new(),
            nothing: OnceLock::new(),
        })
    }

    fn messages(&self) -> &Messages {
        self.messages.get_or_init(|| {
            let mut found = match &self.peer {
                Peer::None => self.begin.find(&self.raw, None, None),
                Peer::Asks(asks) => {
                    let time = |at| asks.begin.time(at);
                    let asked = Asked {
                        messages: asks.messages(),
                        time: &time,
                        late: asks.begin.late,
                    };
                    self.begin.find(&self.raw, Some(asked), None)
                }
                Peer::Answers(raw, begin) => self.requests(raw, begin),
            };
            let last = found.all.last_mut().filter(|m| m.cut);
            if let Some(fault) = last.and_then(|m| m.fault.as_mut()) {
                fault.severity = fault.severity.min(self.begin.at_end);
            }
            found
        })
    }

    /// The requests, up to the one after which another protocol follows, if the answer to it says so.
    fn requests(&self, answers: &Space, begin: &Begin) -> Messages {
        let all = self.begin.find(&self.raw, None, None);
        if !all.may_switch() {
            return all;
        }
        let time = |at| self.begin.time(at);
        let asked = Asked {
            messages: &all,
            time: &time,
            late: self.begin.late,
        };
        let answers = begin.find(answers, Some(asked), None);
        let last = answers.all.last().filter(|_| answers.switched);
        match last.and_then(|m| m.answers) {
            Some(i) => self.begin.find(&self.raw, None, Some(i + 1)),
            None => all,
        }
    }

    /// The space that the messages lie in. Whoever asks gets the same one.
    fn space(self: &Arc<Self>) -> Space {
        let new = || {
            // a stream of its own, or this one would hold itself
            let list = self.path.rsplit_once('.').map_or("", |(path, _)| path);
            let stream = Self::new(&self.raw, self.begin.clone(), list, self.peer.clone());
            Identity::space(&self.raw, Framing { stream })
        };
        self.space.get_or_init(new).clone()
    }

    /// The body of a message that has none.
    fn no_content(self: &Arc<Self>) -> &exchange::Body {
        self.nothing.get_or_init(|| exchange::Body {
            space: Space::derived(self.space(), Arc::new(Gather::new())),
            breaks: [].into(),
        })
    }

    /// The body of a message, if it has one. Whoever asks gets the same.
    fn content(self: &Arc<Self>, i: usize) -> Option<&exchange::Body> {
        let message = self.messages().all.get(i)?;
        if matches!(message.body, Body::None) {
            return None;
        }
        Some(message.content.get_or_init(|| {
            let space = self.space();
            let space = match &message.body {
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
            let breaks = [].into();
            exchange::Body { space, breaks }
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
        let mut gaps = Gaps {
            space: &space,
            count: 0,
        };
        gaps.unread(cx, Span::bytes(0, begin));
        let list = Kind::array(Arc::new(shape::List(stream.clone())));
        cx.node_in(name, &space, Span::bytes(begin, found.end - begin), list);
        let rest = Span::bytes(found.end, stream.raw.len() - found.end);
        match found.is_broken() || found.fault.is_some() {
            true => gaps.unread(cx, rest),
            false => gaps.add(cx, rest, Kind::Leaf(Ref::Static(&Raw::FIXED))),
        }
        if begin > 0 {
            let before = space.hole_in(Span::bytes(0, begin));
            let found = "the rest of one, or bytes of another protocol";
            let late = Malformed::new(0, "the beginning of a message", found);
            let late = late.with(Severity::Odd);
            return Err(before.map_or(late, |hole| lost_at(hole.first_byte())));
        }
        let lost = || {
            space
                .hole_in(rest)
                .map(|hole| lost_at(hole.first_byte().max(found.end)))
        };
        found.fault.clone().or_else(lost).map_or(Ok(()), Err)
    }
}

/// Numbers the runs of bytes that are of no message.
struct Gaps<'a> {
    space: &'a Space,
    count: usize,
}

impl Gaps<'_> {
    /// Bytes that may go on with what is before them.
    fn unread(&mut self, cx: &mut Cx<'_>, span: Span) {
        self.add(cx, span, Kind::Leaf((&shape::Unread).into()));
    }

    /// Add those bytes of a span that are there.
    fn add(&mut self, cx: &mut Cx<'_>, span: Span, kind: Kind) {
        for part in there(self.space, span) {
            cx.node_in(format!("gap{}", self.count), self.space, part, kind.clone());
            self.count += 1;
        }
    }
}

/// The parts of a span of which the input has the bytes.
fn there(space: &Space, span: Span) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut at = span.start;
    while at < span.end() {
        let rest = Span::bits(at, span.end() - at);
        let hole = space.hole_in(rest);
        let until = hole.map_or(span.end(), |h| h.start.max(at));
        if until > at {
            parts.push(Span::bits(at, until - at));
        }
        at = hole.map_or(span.end(), |h| h.end().max(at + 8));
    }
    parts
}
