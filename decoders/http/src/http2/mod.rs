//! HTTP/2, RFC 9113: format `http2`, a raw byte stream of one direction, or both directions of a connection that a capture holds.
//!
//! Each of these knows those above it only:
//!
//! * `frame`: frame headers. `hpack`: header compression, RFC 7541, its spelling kept.
//! * `side`: where the frames and the header blocks of one direction are. `detect`: what proves that a stream is HTTP/2.
//! * `malformed`, `required`, `conduct`, `limits`: what a peer must not send, in a header block and on the connection, and what the
//!   other one allows it.
//! * `framing`: what follows from a change: lengths, header tables; `respell`: header blocks that come to another place.
//! * `header`, `payload`, `frames`: the nodes of a direction.
//! * `said`, `finder`, `talk`: what belongs to which exchange; `list`, `streams`, `shown`: their nodes.

mod conduct;
mod detect;
mod finder;
pub mod frame;
mod frames;
mod framing;
mod header;
pub mod hpack;
mod limits;
mod list;
mod malformed;
mod payload;
mod required;
mod respell;
mod said;
mod shown;
pub mod side;
mod streams;
mod talk;

use binq_core::codec::Raw;
use binq_core::dialogue::{Conversation, Dialogue};
use binq_core::layer::Identity;
use binq_core::shape::{Cx, Lazy, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Node, NodeFn, Options, Probe, Ref, Setting, Severity,
    Space, Span,
};
use frames::Frames;
use framing::Framing;
use payload::known_bytes;
use shown::Shown;
use side::{Begin, Look, PREFACE, Side, look};
use std::sync::Arc;
use talk::Talk;

/// HTTP/2, RFC 9113.
pub struct Http2;

impl Format for Http2 {
    fn name(&self) -> &'static str {
        "http2"
    }

    fn description(&self) -> &'static str {
        "HTTP/2 frames of one direction, with HPACK"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        if probe.bytes.starts_with(PREFACE) {
            return Confidence::Certain;
        }
        const PROBED: usize = 64 * 1024;
        let head = &probe.bytes[..probe.bytes.len().min(PROBED)];
        match detect::begins(&Space::source(head.to_vec())) {
            true => Confidence::Likely,
            false => Confidence::No,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        const ALL: &[Setting] = &[Setting::one(
            "http2",
            "PORT,..: connections with these ports are HTTP/2",
        )];
        ALL
    }

    fn node_functions(&self) -> &'static [NodeFn] {
        crate::functions::ALL
    }

    fn definitions(&self) -> &'static str {
        crate::functions::DEFINITIONS
    }

    fn lists(&self) -> &'static [&'static str] {
        &["streams"]
    }

    fn converse(&self, with: &Conversation, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        Some(Arc::new(Shown::new(Talk::new(with)?)))
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let begin = detect::assumed(&space, true);
        let side = open(&space, begin, None);
        if detect::is_other(&space, &begin) {
            let span = space.span();
            return Node::root_of("http2", Kind::shared(Arc::new(Other)), space, span);
        }
        let is_between = detect::is_between(&space, &begin);
        let root = root(&side, space);
        match is_between {
            true => root.wrong(Malformed::new(
                0,
                "frames up to the end",
                format!("bytes of another protocol, with frames at {}", begin.frames),
            )),
            false => root,
        }
    }
}

/// Bytes that were said to be HTTP/2, of which nothing speaks for it.
struct Other;

impl Shape for Other {
    fn name(&self) -> &'static str {
        "http2"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        cx.gap(at.space, at.span);
        Ok(())
    }

    fn fault(&self) -> Option<Malformed> {
        Some(Malformed::new(
            0,
            "the connection preface or a SETTINGS frame, or frames that begin late",
            "bytes of another protocol",
        ))
    }
}

/// The frames of a stream. `path` is that of the stream in a capture.
pub fn open(stream: &Space, begin: Begin, path: Option<&str>) -> Arc<Side> {
    let framing = Framing {
        begin,
        path: format!("{}.frames", path.unwrap_or_default()),
    };
    let framed = Identity::space(stream, framing);
    let mut side = Side::new(framed, begin);
    if path.is_some() {
        side.at_end = Severity::Odd;
    }
    Arc::new(side)
}

/// The root of a stream.
pub fn root(side: &Arc<Side>, stream: Space) -> Node {
    let span = stream.span();
    let shape = Stream(side.clone());
    Node::root_of("http2", Kind::shared(Arc::new(shape)), stream, span)
}

struct Stream(Arc<Side>);

impl Stream {
    fn end(&self) -> u64 {
        let mut at = self.0.begin.frames;
        loop {
            match look(&self.0.space, at, self.0.begin.who) {
                Look::Frame(_, end) | Look::Lost(end) => at = end,
                Look::End => return at,
            }
        }
    }
}

impl Shape for Stream {
    fn name(&self) -> &'static str {
        "http2"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let side = &self.0;
        let begin = side.begin;
        let raw = || Kind::Leaf(Ref::Static(&Raw::FIXED));
        if begin.upgrade > 0 {
            let span = Span::bytes(0, begin.upgrade);
            cx.node_in("upgrade", &side.space, span, raw());
        }
        if begin.preface {
            let span = Span::bytes(begin.upgrade, PREFACE.len() as u64);
            cx.node_in("preface", &side.space, span, raw());
        }
        if begin.late {
            known_bytes(cx, &side.space, Span::bytes(0, begin.frames));
        }
        let frames = Span::bytes(begin.frames, side.space.len() - begin.frames);
        let kind = Kind::array(Arc::new(Frames(side.clone())));
        cx.node_in("frames", &side.space, frames, kind);
        if begin.preface && *side.space.read(begin.upgrade, 24) != PREFACE[..] {
            return Err(Malformed::new(
                begin.upgrade,
                "the connection preface",
                "other bytes",
            ));
        }
        if begin.late && begin.frames > 0 {
            let late = Malformed::new(
                0,
                "the beginning of a frame",
                "the rest of one, or bytes of another protocol",
            );
            return Err(late.with(Severity::Odd));
        }
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Stream {
    fn finish(&self, cx: &mut Cx<'_>) {
        let end = self.end();
        let rest = self.0.space.len() - end;
        let span = Span::bytes(end, rest);
        if self.0.space.hole_in(span).is_some() {
            known_bytes(cx, &self.0.space, span);
        } else if let Some(gap) = cx.gap(&self.0.space, span) {
            let cut = Malformed::new(end, "9 bytes of a frame header", format!("{rest} bytes"));
            gap.wrong(cut.with(self.0.at_end));
        }
    }
}
