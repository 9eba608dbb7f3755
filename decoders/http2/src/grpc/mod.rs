//! `.grpc_calls[]`: gRPC over HTTP/2, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

pub mod body;
mod codecs;
mod encoding;
mod message;
mod metadata;

use crate::exchange::{compute, value};
use crate::header::Header;
use crate::hpack::Block;
use crate::talk::{Exchange, List, Message, Status, Talk, Who};
use binq_core::codec::{Codec, Int, Text};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Scalar, Span};
use codecs::{Percent, StatusCode};
use metadata::Metadata;
use std::sync::Arc;

/// Status codes, by number.
static STATUS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Whether a header block is of a gRPC call.
pub fn says_grpc(block: &Block) -> bool {
    let kind = block.value(b"content-type");
    kind.is_some_and(|v| v.starts_with(b"application/grpc")) || block.get(b"grpc-status").is_some()
}

/// Whether an exchange whose headers are not all known carries messages as gRPC does: every byte of a body is of one.
pub fn looks_like_call(talk: &Talk, exchange: &Exchange) -> bool {
    let hidden = |block| {
        let list = talk.headers(block);
        list.is_some_and(|l| l.fields().iter().any(|f| f.is_unknown()))
    };
    let carries = |message: &Message, who| {
        let body = message.body(talk.side(who));
        let read = |at, len| body.read(at, len).into_owned();
        let (mut end, mut count) = (0, 0);
        for (at, len) in body::messages(read, body.len()) {
            let head = body.read(at, body::PREFIX);
            let said = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
            if head[0] > 1 || said != len {
                return false;
            }
            (end, count) = (at + body::PREFIX + len, count + 1);
        }
        count > 0 && end == body.len()
    };
    let (sent, received) = (&exchange.request, &exchange.response);
    (hidden(sent.headers) || hidden(received.headers))
        && (carries(sent, Who::Client) || carries(received, Who::Server))
}

/// A call, by the index of its exchange.
pub fn call(talk: &Arc<Talk>, i: usize) -> Kind {
    Kind::shared(Arc::new(Call {
        talk: talk.clone(),
        i,
    }))
}

struct Call {
    talk: Arc<Talk>,
    i: usize,
}

impl Call {
    fn exchange(&self) -> &Exchange {
        self.talk.exchange(self.i)
    }

    /// The block that has the status: the trailers, or the only one.
    fn trailers(&self) -> Option<List> {
        let response = &self.exchange().response;
        let only = || {
            let list = self.talk.headers(response.headers)?;
            list.get(b"grpc-status").is_some().then_some(list)
        };
        self.talk.headers(response.trailers).or_else(only)
    }

    fn path(&self) -> Option<String> {
        let path = self.exchange().path.as_ref()?;
        Some(String::from_utf8_lossy(path).into_owned())
    }

    fn status(&self) -> Option<usize> {
        if let Status::Code(code, _) = self.exchange().status {
            return usize::try_from(code).ok();
        }
        let list = self.trailers()?;
        std::str::from_utf8(list.value(b"grpc-status")?)
            .ok()?
            .parse()
            .ok()
    }
}

/// The fields that are found one by one, in order; others come after them.
static FOUND: [&str; 9] = [
    "path",
    "authority",
    "metadata",
    "requests",
    "responses",
    "response_metadata",
    "trailers",
    "status",
    "message",
];

impl Call {
    /// Add one of [`FOUND`], if it is there.
    fn add(&self, name: &'static str, cx: &mut Cx<'_>) {
        let exchange = self.exchange();
        if let ("status", Status::Code(code, span)) = (name, exchange.status) {
            let codec: Arc<dyn Codec> = Arc::new(KnownStatus {
                code,
                talk: self.talk.clone(),
                i: self.i,
            });
            cx.node_in(
                name,
                &self.talk.server.space,
                span,
                Kind::Leaf(codec.into()),
            );
            return;
        }
        let sent = || self.talk.headers(exchange.request.headers);
        let received = || self.talk.headers(exchange.response.headers);
        let list = match name {
            "path" | "authority" | "metadata" => sent(),
            "requests" | "responses" => {
                let (who, list) = match name {
                    "requests" => (Who::Client, sent()),
                    _ => (Who::Server, received()),
                };
                let (talk, list) = (&self.talk, list.as_ref());
                message::add(cx, name, talk, self.i, who, list, self.path());
                return;
            }
            "response_metadata" if exchange.response.trailers.is_some() => received(),
            "response_metadata" => None,
            _ => self.trailers(),
        };
        let Some(list) = &list else {
            return;
        };
        match name {
            "path" => value(cx, list, b":path", name),
            "authority" => value(cx, list, b":authority", name),
            "status" => wrapped(cx, list, b"grpc-status", name, |inner| {
                Arc::new(StatusCode(inner))
            }),
            "message" => wrapped(cx, list, b"grpc-message", name, |inner| {
                Arc::new(Percent(inner))
            }),
            _ => Metadata::add(cx, name, list),
        }
    }
}

/// A status that was seen on the walk over the frames. How it is spelled is looked up when that matters.
struct KnownStatus {
    code: u32,
    talk: Arc<Talk>,
    i: usize,
}

impl KnownStatus {
    fn spelled(&self) -> Option<StatusCode> {
        let call = Call {
            talk: self.talk.clone(),
            i: self.i,
        };
        let list = call.trailers()?;
        let field = list.get(b"grpc-status")?.clone();
        Some(StatusCode(Header { field }.place(list.base, true).1))
    }
}

impl Codec for KnownStatus {
    fn known(&self) -> Option<Scalar> {
        Some(u64::from(self.code).into())
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match self.spelled() {
            Some(codec) => codec.decode(bits),
            None => Ok(u64::from(self.code).into()),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match self.spelled() {
            Some(codec) => codec.encode(value, like),
            None => Err(Misfit::new("nothing: its header block is gone", value)),
        }
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        codecs::status_code(symbol)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        codecs::status_name(actual)
    }
}

fn text(s: Option<&str>) -> Scalar {
    s.map_or(Scalar::Null, Scalar::from)
}

impl Shape for Call {
    fn name(&self) -> &'static str {
        "grpc_call"
    }

    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 7] = [
            ("service", &Text),
            ("method", &Text),
            ("status_name", &Text),
            ("time", &Text),
            ("duration", &Text),
            ("connection", &Int::U64BE),
            ("stream_id", &Int::U32BE),
        ];
        &COMPUTED
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        match name {
            "service" | "method" => {
                let path = self.path();
                let parts = path
                    .as_deref()
                    .and_then(|p| p.strip_prefix('/')?.rsplit_once('/'));
                text(parts.map(|(service, method)| match name {
                    "service" => service,
                    _ => method,
                }))
            }
            "status_name" => text(self.status().and_then(|s| STATUS.get(s).copied())),
            _ => compute(&self.talk, self.i, name),
        }
    }

    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let found = FOUND.iter().find(|n| **n == name);
        found.inspect(|name| self.add(name, cx)).is_some()
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let exchange = self.exchange();
        for name in FOUND {
            self.add(name, cx);
        }
        if let Some(list) = self.trailers() {
            metadata::details(cx, &list, &self.talk.options);
        }
        for (message, who) in [
            (&exchange.request, Who::Client),
            (&exchange.response, Who::Server),
        ] {
            if let Some(at) = message.reset {
                let name = match who {
                    Who::Client => "client_reset",
                    Who::Server => "server_reset",
                };
                let span = Span::bytes(at + crate::frame::HEAD, 4);
                let kind = Kind::Leaf((&crate::frame::ERROR_CODE).into());
                cx.node_in(name, &self.talk.side(who).space, span, kind);
            }
        }
        Ok(())
    }
}

/// Add the value of a header field, read by another codec.
fn wrapped(
    cx: &mut Cx<'_>,
    list: &List,
    header: &[u8],
    name: &'static str,
    wrap: impl FnOnce(binq_core::Ref<dyn Codec>) -> Arc<dyn Codec>,
) {
    let Some(field) = list.get(header) else {
        return;
    };
    let field = Header {
        field: field.clone(),
    };
    let (span, codec) = field.place(list.base, true);
    cx.node_in(name, &list.space, span, Kind::Leaf(wrap(codec).into()));
}
