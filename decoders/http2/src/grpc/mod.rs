//! `.grpc_calls[]`: gRPC over HTTP/2, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

pub mod body;
mod codecs;
pub mod encoding;
pub mod head;
mod message;
mod metadata;
mod trailers;
pub mod web;

use crate::exchange::compute;
use crate::hpack::Block;
use crate::talk::{Exchange, List, Status, Talk, Who};
use crate::timing::Times;
use binq_core::codec::{Codec, Int, Text};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Bits, Child, Kind, Malformed, Misfit, Options, Scalar, Severity, Space, Span};
use codecs::{Percent, StatusCode};
pub use codecs::{not_base64, status_of};
use head::Head;
use std::sync::Arc;
use web::Content;

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
    let (mut hidden, mut denied) = (false, false);
    for block in [exchange.request.headers, exchange.response.headers] {
        if let Some(list) = talk.headers(block) {
            hidden |= list.fields().iter().any(|f| f.is_unknown());
            // one that is known says that it is something else
            denied |= list.value(b"content-type").is_some();
        }
    }
    if !hidden || denied {
        return false;
    }
    // whether a body is all messages, if it is: whether there is one, and whether one of them has bytes
    let carries = |who| {
        let opened = exchange.content(talk, who).opened();
        let (body, breaks) = (&opened.space, &opened.breaks);
        let read = |at, len| body.read(at, len).into_owned();
        let (mut end, mut some) = (0, false);
        for (at, len) in body::messages(read, body.len(), breaks) {
            let head = body.read(at, body::PREFIX);
            let said = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
            if head[0] > 1 || said != len {
                return None;
            }
            (end, some) = (at + body::PREFIX + len, some || len > 0);
        }
        (end == body.len()).then_some((end > 0, some))
    };
    match (carries(Who::Client), carries(Who::Server)) {
        // five zeros are an empty message, or anything else
        (Some((_, true)), _) | (_, Some((_, true))) => true,
        (Some((true, _)), Some((true, _))) => true,
        _ => false,
    }
}

/// What a call is made of: an exchange of HTTP, whatever its version.
pub trait Source: Send + Sync + 'static {
    /// Settings of the decode.
    fn options(&self) -> &Options;

    /// The header fields that the client sent.
    fn sent(&self) -> Option<Head>;

    /// The header fields that the server sent.
    fn received(&self) -> Option<Head>;

    /// The trailers that HTTP has.
    fn trailers(&self) -> Option<Head>;

    /// The body that a peer sent.
    fn content(&self, who: Who) -> &Content;

    /// The time, duration, connection or stream.
    fn compute(&self, name: &str) -> Scalar;

    /// Where a peer gave up: the space, and the code there.
    fn reset(&self, who: Who) -> Option<(&Space, Span)>;

    /// When it was said.
    fn times(&self) -> Times;

    /// The stream that it is.
    fn stream(&self) -> Kind;

    /// Whether a peer did not end what it sent, as far as the input has it.
    fn is_open(&self, who: Who) -> bool;

    /// That parts of what a peer sent may be missing.
    fn lost(&self, who: Who) -> Option<Malformed>;

    /// What is missing of a header block that a peer sent.
    fn cut(&self, _list: &List, _who: Who) -> Option<Malformed> {
        None
    }

    /// The path, where it is known without a look at the header fields.
    fn path(&self) -> Option<&[u8]> {
        None
    }

    /// The status, where it is known without a look at the trailers.
    fn status(&self) -> Option<FoundStatus<'_>> {
        None
    }
}

/// A status, and where it is.
pub struct FoundStatus<'a> {
    code: u32,
    space: &'a Space,
    span: Span,
    codec: Arc<dyn Codec>,
}

/// A call of this exchange.
pub fn call(source: impl Source) -> Kind {
    Kind::shared(Arc::new(Call(source)))
}

/// An exchange of HTTP/2, by its index.
pub struct OfStream {
    talk: Arc<Talk>,
    i: usize,
}

impl OfStream {
    /// By its index.
    pub fn new(talk: &Arc<Talk>, i: usize) -> Self {
        Self {
            talk: talk.clone(),
            i,
        }
    }

    fn exchange(&self) -> &Exchange {
        self.talk.exchange(self.i)
    }
}

impl Source for OfStream {
    fn options(&self) -> &Options {
        &self.talk.options
    }

    fn sent(&self) -> Option<Head> {
        let list = self.talk.headers(self.exchange().request.headers);
        list.map(Head::Block)
    }

    fn received(&self) -> Option<Head> {
        let list = self.talk.headers(self.exchange().response.headers);
        list.map(Head::Block)
    }

    fn trailers(&self) -> Option<Head> {
        let list = self.talk.headers(self.exchange().response.trailers);
        list.map(Head::Block)
    }

    fn content(&self, who: Who) -> &Content {
        self.exchange().content(&self.talk, who)
    }

    fn compute(&self, name: &str) -> Scalar {
        compute(&self.talk, self.i, name)
    }

    fn reset(&self, who: Who) -> Option<(&Space, Span)> {
        let at = self.exchange().message(who).reset?;
        let span = Span::bytes(at + crate::frame::HEAD, 4);
        Some((&self.talk.side(who).space, span))
    }

    fn times(&self) -> Times {
        self.talk.times(self.i)
    }

    fn stream(&self) -> Kind {
        crate::exchange::kind(&self.talk, self.i)
    }

    fn is_open(&self, who: Who) -> bool {
        let exchange = self.exchange();
        let reset = exchange.request.reset.or(exchange.response.reset).is_some();
        // a call that was answered needs no more of its request
        let answered = who == Who::Client && exchange.response.ended;
        !exchange.message(who).ended && !reset && !answered
    }

    fn lost(&self, who: Who) -> Option<Malformed> {
        self.talk.lost(self.i, who)
    }

    fn cut(&self, list: &List, who: Who) -> Option<Malformed> {
        list.cut(self.talk.side(who))
    }

    fn path(&self) -> Option<&[u8]> {
        self.exchange().path.as_deref()
    }

    fn status(&self) -> Option<FoundStatus<'_>> {
        let Status::Code(code, span) = self.exchange().status else {
            return None;
        };
        let call = Call(Self::new(&self.talk, self.i));
        Some(FoundStatus {
            code,
            space: &self.talk.server.space,
            span,
            codec: Arc::new(KnownStatus { code, call }),
        })
    }
}

struct Call<S>(S);

impl<S: Source> Call<S> {
    /// The fields that have the status: the trailers, those of gRPC-Web, or the only ones.
    fn trailers(&self) -> Option<Head> {
        let of_http = || self.0.trailers();
        let of_body = || {
            let opened = self.0.content(Who::Server).opened();
            opened.trailers.clone().map(Head::Lines)
        };
        let only = || self.0.received().filter(|head| head.has(b"grpc-status"));
        of_http().or_else(of_body).or_else(only)
    }

    fn path(&self) -> Option<String> {
        let path = match self.0.path() {
            Some(path) => path.to_vec(),
            None => self.0.sent()?.value(b":path")?.to_vec(),
        };
        Some(String::from_utf8_lossy(&path).into_owned())
    }

    fn status(&self) -> Option<usize> {
        if let Some(found) = self.0.status() {
            return usize::try_from(found.code).ok();
        }
        let head = self.trailers()?;
        let code = status_of(head.value(b"grpc-status")?).ok()?;
        usize::try_from(code).ok()
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

impl<S: Source> Call<S> {
    /// Whether there are trailers apart from the headers.
    fn has_trailers(&self) -> bool {
        let of_body = || self.0.content(Who::Server).opened().trailers.is_some();
        self.0.trailers().is_some() || of_body()
    }

    /// What is wrong with the call as a whole, at a byte of the input.
    fn wrong(&self) -> Option<Malformed> {
        let heads = [self.0.sent(), self.0.received(), self.0.trailers()];
        let whos = [Who::Client, Who::Server, Who::Server];
        let cut = heads.iter().zip(whos).find_map(|(head, who)| match head {
            Some(Head::Block(list)) => self.0.cut(list, who),
            _ => None,
        });
        cut.or_else(|| {
            let mut whos = [Who::Client, Who::Server].into_iter();
            let lost = whos.clone().find_map(|who| self.0.lost(who));
            if lost.is_some() {
                return lost;
            }
            whos.find_map(|who| {
                let opened = self.0.content(who).opened();
                opened
                    .fault
                    .clone()
                    .or_else(|| opened.rest(self.0.is_open(who)))
            })
        })
        .or_else(|| self.no_status())
    }

    /// That the server ended the call without a status: a client makes one up.
    fn no_status(&self) -> Option<Malformed> {
        let received = self.0.received()?;
        let trailers = self.0.trailers();
        let heads = [Some(&received), trailers.as_ref()];
        let is_gone = self
            .0
            .reset(Who::Client)
            .or(self.0.reset(Who::Server))
            .is_some();
        if is_gone || self.0.is_open(Who::Server) || heads.iter().flatten().any(|h| h.hides()) {
            return None;
        }
        let opened = self.0.content(Who::Server).opened();
        let lost = opened.space.hole_in(opened.space.span()).is_some();
        let of_body = opened.trailers.as_ref();
        let found = self.trailers().is_some_and(|head| head.has(b"grpc-status"));
        if found || lost || of_body.is_some_and(|_| opened.fault.is_some()) {
            return None;
        }
        let at = match &received {
            Head::Block(list) => list.space.offset(list.base),
            Head::Lines(head) => head.space.offset(head.lines.first()?.at),
        };
        let none = Malformed::new(at, "a grpc-status", "a response that ends without one");
        Some(none.with(Severity::Odd))
    }

    /// Why the request is not all here, if it is not.
    fn cut(&self) -> Option<&'static str> {
        let Some(head) = self.0.sent() else {
            return Some("the headers of its request are missing");
        };
        if let Head::Block(list) = &head
            && !list.is_complete()
        {
            return Some("the headers of its request are not whole");
        }
        if head.hides() {
            return Some("not all headers of its request are known");
        }
        if self.0.lost(Who::Client).is_some() {
            return Some("frames of its request may be missing");
        }
        let space = &self.0.content(Who::Client).opened().space;
        if space.hole_in(space.span()).is_some() {
            return Some("bytes of its request are missing");
        }
        let read = |at, len| space.read(at, len).into_owned();
        let whole = body::messages(read, space.len(), &[]).try_fold(0, |end, (at, len)| {
            let said = read(at + 1, 4)
                .iter()
                .fold(0, |n, b| n << 8 | u64::from(*b));
            (said == len && end == at).then_some(at + body::PREFIX + len)
        });
        if whole != Some(space.len()) {
            return Some("a message of its request is not whole");
        }
        let open = self.0.is_open(Who::Client);
        open.then_some("its request does not end before the capture does")
    }

    fn find_stored(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let found = FOUND.iter().find(|n| **n == name);
        found.inspect(|name| self.add(name, cx)).is_some()
    }

    /// Add one of [`FOUND`], if it is there.
    fn add(&self, name: &'static str, cx: &mut Cx<'_>) {
        let source = &self.0;
        if name == "status"
            && let Some(found) = source.status()
        {
            let kind = Kind::Leaf(found.codec.into());
            cx.node_in(name, found.space, found.span, kind);
            return;
        }
        let head = match name {
            "path" | "authority" | "metadata" => source.sent(),
            "requests" => {
                let head = source.sent();
                return message::add(cx, source, Who::Client, head.as_ref(), self.path());
            }
            "responses" => {
                let head = source.received();
                return message::add(cx, source, Who::Server, head.as_ref(), self.path());
            }
            "response_metadata" => source.received().filter(|_| self.has_trailers()),
            _ => self.trailers(),
        };
        let Some(head) = &head else {
            if name == "trailers" {
                trailers::add_missing(cx, name, source.content(Who::Server).opened());
            }
            return;
        };
        match name {
            "path" => head.add(cx, b":path", name),
            "authority" => head.add(cx, b":authority", name),
            "status" => {
                let status = wrapped(cx, head, b"grpc-status", name, |inner| {
                    Arc::new(StatusCode(inner))
                });
                let said = head.value(b"grpc-status").map(String::from_utf8_lossy);
                let at = head
                    .place(b"grpc-status")
                    .map(|(span, _)| span.first_byte());
                if let (Some(field), Some(said), Some(at)) = (status, said, at) {
                    let wrong = match status_of(said.as_bytes()) {
                        Err((expected, severity)) => {
                            Some((expected, format!("{said:?}"), severity))
                        }
                        // which of them counts is not said
                        Ok(_) => (head.count(b"grpc-status") > 1).then(|| {
                            let found = format!("{} of them", head.count(b"grpc-status"));
                            ("one grpc-status", found, Severity::Odd)
                        }),
                    };
                    if let Some((expected, found, severity)) = wrong {
                        field.wrong(Malformed::new(at, expected, found).with(severity));
                    }
                }
            }
            "message" => {
                wrapped(cx, head, b"grpc-message", name, |inner| {
                    Arc::new(Percent(inner))
                });
            }
            _ => head.metadata(cx, name),
        }
    }
}

/// A status that was seen on the walk over the frames. How it is spelled is looked up when that matters.
struct KnownStatus {
    code: u32,
    call: Call<OfStream>,
}

impl KnownStatus {
    fn spelled(&self) -> Option<StatusCode> {
        let (_, codec) = self.call.trailers()?.place(b"grpc-status")?;
        Some(StatusCode(codec))
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

impl<S: Source> Shape for Call<S> {
    fn name(&self) -> &'static str {
        "grpc_call"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for name in FOUND {
            self.add(name, cx);
        }
        if let Some(head) = self.trailers() {
            metadata::details(cx, &head, self.0.options());
        }
        for (who, name) in [(Who::Client, "client_reset"), (Who::Server, "server_reset")] {
            if let Some((space, span)) = self.0.reset(who) {
                let kind = Kind::Leaf((&crate::frame::ERROR_CODE).into());
                cx.node_in(name, space, span, kind);
            }
        }
        self.wrong().map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl<S: Source> Lazy for Call<S> {
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
            _ => self.0.compute(name),
        }
    }

    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let nowhere = Span::bits(cx.at.span.start, 0);
        match name {
            "timings" => self.0.times().add(cx),
            "stream" => _ = cx.node(name.to_owned(), nowhere, self.0.stream()).hidden(),
            "_cut" => {
                let why = Kind::computed(&Text, text(self.cut()));
                cx.node("_cut", nowhere, why).hidden();
            }
            _ => return self.find_stored(name, cx),
        }
        true
    }
}

/// Add the value of a header field, read by another codec.
fn wrapped<'a>(
    cx: &'a mut Cx<'_>,
    head: &Head,
    header: &[u8],
    name: &'static str,
    wrap: impl FnOnce(binq_core::Ref<dyn Codec>) -> Arc<dyn Codec>,
) -> Option<&'a mut Child> {
    let (span, codec) = head.place(header)?;
    let kind = Kind::Leaf(wrap(codec).into());
    Some(cx.node_in(name, head.space(), span, kind))
}
