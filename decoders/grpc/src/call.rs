//! `.grpc_calls[]`: gRPC over HTTP/2, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use crate::calls::Carried;
use crate::codecs::{
    Percent, STATUS, STATUS_FIELD, StatusCode, status_code, status_name, status_of,
};
use crate::{body, message, metadata, trailers};
use binq_core::codec::{Codec, Int, Text};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Bits, Child, Kind, Malformed, Misfit, Ref, Scalar, Severity, Span};
use binq_http::exchange::{Head, Who};
use binq_http::http2::frame::ERROR_CODE;
use std::sync::Arc;

/// A call.
pub struct Call(pub Arc<Carried>);

impl Call {
    /// The fields that have the status: the trailers, those of gRPC-Web, or the only ones.
    fn trailers(&self) -> Option<Box<dyn Head>> {
        let of_body = || {
            let head = self.0.opened(Who::Server).trailers.clone()?;
            Some(Box::new(head) as Box<dyn Head>)
        };
        let only = || {
            self.0
                .headers(Who::Server)
                .filter(|head| head.has(STATUS_FIELD))
        };
        self.0.trailers().or_else(of_body).or_else(only)
    }

    fn path(&self) -> Option<String> {
        let path = match self.0.path() {
            Some(path) => path.to_vec(),
            None => self.0.headers(Who::Client)?.value(b":path")?.to_vec(),
        };
        Some(String::from_utf8_lossy(&path).into_owned())
    }

    fn status(&self) -> Option<usize> {
        let known = self.0.status().map(|(code, ..)| code);
        let read = || status_of(self.trailers()?.value(STATUS_FIELD)?).ok();
        usize::try_from(known.or_else(read)?).ok()
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
    /// Whether there are trailers apart from the headers.
    fn has_trailers(&self) -> bool {
        let of_body = || self.0.opened(Who::Server).trailers.is_some();
        self.0.trailers().is_some() || of_body()
    }

    /// What is wrong with the call as a whole, at a byte of the input.
    fn wrong(&self) -> Option<Malformed> {
        let [sent, received] = Who::BOTH.map(|who| self.0.headers(who));
        let heads = [sent, received, self.0.trailers()];
        let cut = heads.iter().flatten().find_map(|head| head.cut());
        let lost = || Who::BOTH.into_iter().find_map(|who| self.0.lost(who));
        let of_body = |who| {
            let opened = self.0.opened(who);
            let rest = || opened.rest(self.0.is_open(who));
            opened.fault.clone().or_else(rest)
        };
        let of_bodies = || Who::BOTH.into_iter().find_map(of_body);
        let status = || self.no_status();
        cut.or_else(lost).or_else(of_bodies).or_else(status)
    }

    /// That the server ended the call without a status: a client makes one up.
    fn no_status(&self) -> Option<Malformed> {
        let received = self.0.headers(Who::Server)?;
        let trailers = self.0.trailers();
        let hides = received.hides() || trailers.is_some_and(|head| head.hides());
        if self.0.is_reset() || self.0.is_open(Who::Server) || hides {
            return None;
        }
        let opened = self.0.opened(Who::Server);
        let lost = opened.space.hole_in(opened.space.span()).is_some();
        let of_body = opened.trailers.as_ref();
        let found = self.trailers().is_some_and(|head| head.has(STATUS_FIELD));
        if found || lost || of_body.is_some_and(|_| opened.fault.is_some()) {
            return None;
        }
        let at = received.space().offset(received.first());
        let none = Malformed::new(at, "a grpc-status", "a response that ends without one");
        Some(none.with(Severity::Odd))
    }

    /// Why the request is not all here, if it is not.
    fn cut(&self) -> Option<&'static str> {
        let Some(head) = self.0.headers(Who::Client) else {
            return Some("the headers of its request are missing");
        };
        if !head.is_complete() {
            return Some("the headers of its request are not whole");
        }
        if head.has_unknown() {
            return Some("not all headers of its request are known");
        }
        if self.0.lost(Who::Client).is_some() {
            return Some("frames of its request may be missing");
        }
        let space = &self.0.opened(Who::Client).space;
        if space.hole_in(space.span()).is_some() {
            return Some("bytes of its request are missing");
        }
        let read = |at, len| space.read(at, len).into_owned();
        let whole = body::messages(read, space.len(), &[]).try_fold(0, |end, message| {
            (message.is_whole() && end == message.at).then_some(message.end())
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
        if name == "status"
            && let Some((code, space, span)) = self.0.status()
        {
            let call = Self(self.0.clone());
            let codec: Arc<dyn Codec> = Arc::new(KnownStatus { code, call });
            cx.node_in(name, space, span, Kind::Leaf(codec.into()));
            return;
        }
        let head = match name {
            "path" | "authority" | "metadata" => self.0.headers(Who::Client),
            "requests" => return message::add(cx, &self.0, Who::Client, self.path()),
            "responses" => return message::add(cx, &self.0, Who::Server, self.path()),
            "response_metadata" => self.0.headers(Who::Server).filter(|_| self.has_trailers()),
            _ => self.trailers(),
        };
        let Some(head) = head.as_deref() else {
            if name == "trailers" {
                trailers::add_missing(cx, name, self.0.opened(Who::Server));
            }
            return;
        };
        match name {
            "path" => head.add(cx, b":path", name),
            "authority" => head.add(cx, b":authority", name),
            "status" => add_status(cx, head),
            "message" => {
                wrapped(cx, head, b"grpc-message", name, |inner| {
                    Arc::new(Percent(inner))
                });
            }
            _ => head.add_list(cx, name, metadata::is_custom, metadata::meaning),
        }
    }
}

/// Add `status`, and what is wrong with it.
fn add_status(cx: &mut Cx<'_>, head: &dyn Head) {
    const NAME: &[u8] = STATUS_FIELD;
    let said = head.value(NAME).map(status_of);
    let code = |inner| -> Arc<dyn Codec> { Arc::new(StatusCode(inner)) };
    let at = head.place(NAME).map(|(span, _)| span.first_byte());
    let (Some(field), Some(said), Some(at)) = (wrapped(cx, head, NAME, "status", code), said, at)
    else {
        return;
    };
    let (expected, found, severity) = match said {
        Err((expected, severity)) => {
            let text = head.value(NAME).map(String::from_utf8_lossy);
            (
                expected,
                format!("{:?}", text.unwrap_or_default()),
                severity,
            )
        }
        // which of them counts is not said
        Ok(_) if head.count(NAME) > 1 => {
            let found = format!("{} of them", head.count(NAME));
            ("one grpc-status", found, Severity::Odd)
        }
        Ok(_) => return,
    };
    field.wrong(Malformed::new(at, expected, found).with(severity));
}

/// A status that was remembered. How it is spelled is looked up when that matters.
struct KnownStatus {
    code: u32,
    call: Call,
}

impl KnownStatus {
    fn spelled(&self) -> Option<StatusCode> {
        let (_, codec) = self.call.trailers()?.place(STATUS_FIELD)?;
        Some(StatusCode(codec))
    }
}

impl Codec for KnownStatus {
    fn keeps(&self, leaf: Span) -> Span {
        self.spelled().map_or(leaf, |codec| codec.keeps(leaf))
    }

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
        status_code(symbol)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        status_name(actual)
    }
}

fn text(s: Option<&str>) -> Scalar {
    s.map_or(Scalar::Null, Scalar::from)
}

impl Shape for Call {
    fn name(&self) -> &'static str {
        "grpc_call"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for name in FOUND {
            self.add(name, cx);
        }
        if let Some(head) = self.trailers() {
            metadata::add_details(cx, &*head, &self.0.options);
        }
        for (who, name) in [(Who::Client, "client_reset"), (Who::Server, "server_reset")] {
            if let Some((space, span)) = self.0.reset(who) {
                let kind = Kind::Leaf((&ERROR_CODE).into());
                cx.node_in(name, space, span, kind);
            }
        }
        self.wrong().map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Call {
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
            "stream" => _ = cx.node("stream", nowhere, self.0.kind()).hidden(),
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
    head: &dyn Head,
    header: &[u8],
    name: &'static str,
    wrap: impl FnOnce(Ref<dyn Codec>) -> Arc<dyn Codec>,
) -> Option<&'a mut Child> {
    let (span, codec) = head.place(header)?;
    let kind = Kind::Leaf(wrap(codec).into());
    Some(cx.node_in(name, head.space(), span, kind))
}
