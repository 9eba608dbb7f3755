//! `.streams[]`: each request with its response.

use super::list::List;
use super::said::{BlockAt, Message};
use super::talk::Talk;
use crate::exchange::{Head as _, Who, find_missing};
use crate::http2::frame::ERROR_CODE;
use crate::http2::header::{Header, Headers};
use crate::http2::hpack::Block;
use crate::http2::hpack::repr::Form;
use binq_core::codec::{Bool, Codec, Int, Raw, Text};
use binq_core::shape::{At, Cx, Lazy, Shape, Traits};
use binq_core::{Kind, Malformed, Name, Ref, Scalar, Span};
use std::sync::Arc;

/// A stream, by its index.
pub fn kind(talk: &Arc<Talk>, i: usize) -> Kind {
    Kind::shared(Arc::new(Stream {
        talk: talk.clone(),
        i,
    }))
}

struct Stream {
    talk: Arc<Talk>,
    i: usize,
}

/// The computed fields that streams and calls share.
pub fn compute(talk: &Talk, i: usize, name: &str) -> Scalar {
    match name {
        "connection" => talk.number.into(),
        "stream_id" => u64::from(talk.exchange(i).id).into(),
        _ => talk.times(i).compute(name),
    }
}

impl Shape for Stream {
    fn name(&self) -> &'static str {
        "stream"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let nowhere = Span::bits(cx.at.span.start, 0);
        for (name, who) in [("request", Who::Client), ("response", Who::Server)] {
            let shape = MessageShape {
                talk: self.talk.clone(),
                i: self.i,
                who,
            };
            cx.node(name, nowhere, Kind::shared(Arc::new(shape)));
        }
        self.talk.open_end(self.i).map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Stream {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 5] = [
            ("connection", &Int::U64BE),
            ("stream_id", &Int::U32BE),
            ("time", &Text),
            ("duration", &Text),
            ("pushed", &Bool),
        ];
        &COMPUTED
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        match name {
            "pushed" => Scalar::Bool(self.talk.exchange(self.i).pushed),
            _ => compute(&self.talk, self.i, name),
        }
    }

    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let is_timings = name == "timings";
        if is_timings {
            self.talk.times(self.i).add(cx);
        }
        is_timings
    }
}

struct MessageShape {
    talk: Arc<Talk>,
    i: usize,
    who: Who,
}

impl MessageShape {
    fn message(&self) -> &Message {
        self.talk.exchange(self.i).message(self.who)
    }

    /// What the input may not have of the body.
    fn missing(&self) -> Option<&'static str> {
        let exchange = self.talk.exchange(self.i);
        let body = &exchange.body(&self.talk, self.who).space;
        if self.talk.lost(self.i, self.who).is_some() {
            return Some("frames may be missing from the input");
        }
        if body.hole_in(body.span()).is_some() {
            return Some("bytes of the body are missing from the input");
        }
        let message = self.message();
        let open = !message.ended && message.frames.is_some() && !exchange.is_reset();
        let promised = self.who == Who::Client && exchange.pushed;
        (open && !promised).then_some("it does not end before the capture does")
    }
}

/// Add the value of a header field under a name.
pub fn value(cx: &mut Cx<'_>, list: &List, header: &[u8], name: impl Into<Name>) {
    let Some(field) = list.get(header) else {
        return;
    };
    let header = Header::of(field.clone());
    let (span, codec) = header.place(list.base, true);
    cx.node_in(name, &list.space, span, Kind::Leaf(codec));
}

/// Add all fields of a block.
fn list(cx: &mut Cx<'_>, name: &'static str, list: &List) {
    let block = Block {
        fields: list.fields().to_vec(),
        wrong: None,
        broken: None,
    };
    let end = block.fields.last().map_or(0, |f| f.repr.end) as u64;
    let span = Span::bytes(list.base, end);
    let headers = Headers {
        block: Arc::new(block),
        base: list.base,
        of: None,
    };
    cx.node_in(name, &list.space, span, Kind::array(Arc::new(headers)));
}

impl Shape for MessageShape {
    fn name(&self) -> &'static str {
        match self.who {
            Who::Client => "request",
            Who::Server => "response",
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let message = self.message();
        let side = self.talk.side(self.who);
        let headers = self.talk.headers(message.headers);
        if let Some(found) = &headers {
            for name in ["method", "scheme", "authority", "path", "status"] {
                value(cx, found, format!(":{name}").as_bytes(), name);
            }
            list(cx, "headers", found);
            let by_name = ByName(self.talk.clone(), message.headers);
            let nowhere = Span::bytes(found.base, 0);
            cx.node_in(
                "header",
                &found.space,
                nowhere,
                Kind::shared(Arc::new(by_name)),
            );
        }
        for (i, block) in message.interim.iter().enumerate() {
            if let Some(found) = self.talk.headers(Some(*block)) {
                // more than one is rare, and they have no names of their own
                let name: &'static str = match i {
                    0 => "interim_headers",
                    _ => break,
                };
                list(cx, name, &found);
            }
        }
        if message.has_body() {
            let exchange = self.talk.exchange(self.i);
            let body = &exchange.body(&self.talk, self.who).space;
            let raw = Kind::Leaf(Ref::Static(&Raw::ANY));
            let field = cx.node_in("body", body, body.span(), raw);
            // the hole in it is the one that the message and the connection tell
            let lost = self.talk.lost(self.i, self.who);
            if let (Some(lost), Some(hole)) = (lost, body.hole_in(body.span())) {
                let at = hole.first_byte();
                field.wrong(Malformed { at, ..lost });
            }
        }
        if let Some(found) = self.talk.headers(message.trailers) {
            list(cx, "trailers", &found);
        }
        if let Some(at) = message.reset {
            cx.node_in(
                "reset",
                &side.space,
                Span::bytes(at + crate::http2::frame::HEAD, 4),
                Kind::Leaf((&ERROR_CODE).into()),
            );
        }
        let blocks = [headers, self.talk.headers(message.trailers)];
        let cut = blocks.iter().flatten().find_map(|list| list.cut());
        let lost = || self.talk.lost(self.i, self.who);
        cut.or_else(lost).map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for MessageShape {
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        find_missing(name, cx, || self.missing())
    }
}

/// Header fields by name; of several of one name, the first.
struct ByName(Arc<Talk>, Option<BlockAt>);

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
        let Some(list) = self.0.headers(self.1) else {
            return Ok(());
        };
        let mut seen = std::collections::HashSet::new();
        for field in list.fields() {
            let Some(name) = field.name.known() else {
                continue;
            };
            if field.repr.form == Form::SizeUpdate || !seen.insert(name.clone()) {
                continue;
            }
            let text = String::from_utf8_lossy(name).into_owned();
            value(cx, &list, name, text);
        }
        Ok(())
    }
}
