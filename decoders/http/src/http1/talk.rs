//! Both directions of a connection: which response answers which request.

use super::message::Side;
use super::search::{first, lost_at};
use super::{Begin, Peer, Stream, root, shape};
use crate::exchange::{self, Carrier, Exchanges, Head, Times, Who};
use crate::lines::{Line, LineHead};
use binq_core::codec::{Codec, Int, Text};
use binq_core::dialogue::{Clock, Conversation, Dialogue, Half};
use binq_core::layer::Gather;
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Node, Scalar, Severity, Space, Span};
use bytes::Bytes;
use std::any::Any;
use std::sync::{Arc, OnceLock};

/// A connection that speaks HTTP/1.1.
pub struct Talk {
    number: u64,
    client: Arc<Stream>,
    server: Arc<Stream>,
    clocks: [Arc<dyn Clock>; 2],
    /// Of the directions that are HTTP/1.1.
    roots: [Option<Node>; 2],
    exchanges: OnceLock<Vec<Exchange>>,
}

/// A request and its response, by their indexes.
#[derive(Clone, Copy)]
struct Exchange {
    request: Option<usize>,
    response: Option<usize>,
    /// Where one of them is missing: the messages of its direction that the exchanges before and after this one have.
    around: [Option<usize>; 2],
}

/// Find what is around the messages that are missing.
fn find_around(all: &mut [Exchange]) {
    let mut walk = |from_end: bool| {
        let (mut request, mut response) = (None, None);
        for n in 0..all.len() {
            let i = if from_end { all.len() - 1 - n } else { n };
            let exchange = &mut all[i];
            let side = usize::from(from_end);
            match (exchange.request, exchange.response) {
                (None, _) => exchange.around[side] = request,
                (_, None) => exchange.around[side] = response,
                _ => {}
            }
            request = exchange.request.or(request);
            response = exchange.response.or(response);
        }
    };
    walk(false);
    walk(true);
}

impl Talk {
    /// The directions of a conversation that begin with a request line, and with a status line; nothing if none does. Where the
    /// beginning of a direction was not captured, its first message is looked for.
    pub fn new(with: &Conversation) -> Option<Self> {
        let begin = |half: &Half, side| {
            let time = |at| half.clock.time(at);
            let lost = |at| half.stream.hole_in(Span::bytes(at, 1)).is_some();
            let apart = |at: u64| at == 0 || lost(at - 1) || time(at - 1) != time(at);
            let found = match half.stream.is_empty() {
                true => None,
                false => first(&half.stream, side, half.whole, apart),
            };
            found.or(with.given.then_some(0))
        };
        let mut found = [
            begin(&with.client, Side::Client),
            begin(&with.server, Side::Server),
        ];
        if found == [None, None] {
            return None;
        }
        // of a direction in which nothing was sent, nothing speaks against it
        for (begin, half) in found.iter_mut().zip([&with.client, &with.server]) {
            *begin = begin.or(half.stream.is_empty().then_some(0));
        }
        let begin = |side, at: Option<u64>, half: &Half| Begin {
            late: at.is_some_and(|at| at > 0) || !half.whole,
            clock: Some(half.clock.clone()),
            at_end: Severity::Odd,
            ..Begin::at(side, at.unwrap_or(0))
        };
        let asks = begin(Side::Client, found[0], &with.client);
        let answers = begin(Side::Server, found[1], &with.server);
        let (sent, received) = (&with.client.stream, &with.server.stream);
        let path = |side: &str| format!(".tcp_connections[{}].{side}.stream", with.number);
        // what is not HTTP/1.1 is not looked at
        let own = |stream: &Space, begin: Option<u64>| match begin {
            Some(_) => stream.clone(),
            None => Space::derived(stream.clone(), Arc::new(Gather::new())),
        };
        let received = own(received, found[1]);
        let peer = Peer::Answers(received.clone(), answers.clone());
        let client = Stream::new(&own(sent, found[0]), asks, &path("client"), peer);
        let peer = Peer::Asks(client.clone());
        let server = Stream::new(&received, answers, &path("server"), peer);
        Some(Self {
            number: with.number,
            roots: [
                found[0].map(|_| root(&client)),
                found[1].map(|_| root(&server)),
            ],
            client,
            server,
            clocks: [with.client.clock.clone(), with.server.clock.clone()],
            exchanges: OnceLock::new(),
        })
    }

    fn exchanges(&self) -> &[Exchange] {
        self.exchanges.get_or_init(|| {
            let (sent, received) = (self.client.messages(), self.server.messages());
            let mut all: Vec<Exchange> = Vec::new();
            let alone = |i| Exchange {
                request: Some(i),
                response: None,
                around: [None; 2],
            };
            let mut next = 0;
            for (i, message) in received.all.iter().enumerate() {
                if message.is_interim() {
                    continue;
                }
                let request = message.answers;
                if let Some(request) = request {
                    all.extend((next..request).map(alone));
                    next = request + 1;
                }
                all.push(Exchange {
                    request,
                    response: Some(i),
                    around: [None; 2],
                });
            }
            all.extend((next..sent.all.len()).map(alone));
            find_around(&mut all);
            all
        })
    }

    /// The stream of a peer, and which of its messages an exchange has.
    fn part(&self, i: usize, who: Who) -> (&Arc<Stream>, Option<usize>) {
        let exchange = self.exchanges()[i];
        match who {
            Who::Client => (&self.client, exchange.request),
            Who::Server => (&self.server, exchange.response),
        }
    }

    fn head(&self, i: usize, who: Who) -> Option<LineHead> {
        let (stream, message) = self.part(i, who);
        let message = &stream.messages().all[message?];
        let target = (who == Who::Client).then(|| {
            let (text, at) = &message.start.parts[1];
            Line {
                at: *at,
                end: *at + text.len() as u64,
                name: ":path".into(),
                value: text.clone(),
                value_at: *at,
                value_len: text.len() as u64,
                folded: false,
                flaw: None,
            }
        });
        Some(LineHead {
            space: stream.space(),
            lines: message.headers.clone(),
            end: message.headers_end,
            target,
        })
    }

    /// When an exchange was said.
    fn times(&self, i: usize) -> Times {
        let [request, response] = [(Who::Client, 0), (Who::Server, 1)].map(|(who, n)| {
            let (stream, message) = self.part(i, who);
            let message = &stream.messages().all[message?];
            let time = |at| self.clocks[n].time(at);
            Some((time(message.first())?, time(message.end - 1)?))
        });
        Times {
            all: Times::around([request, response]),
            request,
            response,
        }
    }

    /// Why an exchange has no request or no response, at a byte of the input.
    fn half_missing(&self, i: usize) -> Option<Malformed> {
        let exchange = self.exchanges()[i];
        let (who, stream) = match exchange {
            Exchange { request: None, .. } => (Who::Client, &self.client),
            Exchange { response: None, .. } => (Who::Server, &self.server),
            _ => return None,
        };
        // it would be between those of the exchanges around this one
        let messages = stream.messages();
        let before = exchange.around[0].map(|m| messages.all[m].end);
        let after = exchange.around[1].map(|m| messages.all[m].at);
        let (from, until) = (before.unwrap_or(0), after.unwrap_or(stream.raw.len()));
        let hole = stream
            .raw
            .hole_in(Span::bytes(from, until.saturating_sub(from)));
        if let Some(hole) = hole {
            let at = hole.first_byte().max(from);
            let lost = lost_at(at);
            return Some(Malformed {
                at: stream.space().offset(at),
                ..lost
            });
        }
        let lost = !self.server.messages().lost.is_empty();
        let Some(request) = exchange.request.filter(|_| who == Who::Server) else {
            // it is there, but which one it is was told by responses that are not
            let at = self.server.messages().all[exchange.response?].at;
            let found = "one that is not known, as the capture lost responses";
            let alone = Malformed::new(self.server.space().offset(at), "its request", found);
            return lost.then(|| alone.with(Severity::Odd));
        };
        let at = self.client.messages().all[request].at;
        // behind a response that breaks off, what follows is not known to be one
        let broken = messages.end < stream.raw.len() && messages.is_broken();
        let found = match &messages.fault {
            Some(_) => "bytes that are none",
            None if broken => "bytes behind a response that breaks off",
            None if lost => "none that is known to answer it, as the capture lost responses",
            None => "the end of the capture",
        };
        let open = Malformed::new(self.client.space().offset(at), "a response", found);
        Some(open.with(Severity::Note))
    }

    fn compute(&self, i: usize, name: &str) -> Scalar {
        match name {
            "connection" => self.number.into(),
            _ => self.times(i).compute(name),
        }
    }
}

/// A conversation as other formats see it.
pub struct Shown {
    talk: Arc<Talk>,
    carrier: Carrier,
}

impl Shown {
    /// That conversation.
    pub fn new(talk: Talk) -> Self {
        let talk = Arc::new(talk);
        let carrier = Carrier(Arc::new(OfTalk(talk.clone())));
        Self { talk, carrier }
    }
}

impl Dialogue for Shown {
    fn client(&self) -> Option<Node> {
        self.talk.roots[0].clone()
    }

    fn server(&self) -> Option<Node> {
        self.talk.roots[1].clone()
    }

    fn carries(&self) -> Option<&(dyn Any + Send + Sync)> {
        Some(&self.carrier)
    }

    fn count(&self, list: &str) -> u64 {
        match list {
            "streams" => self.talk.exchanges().len() as u64,
            _ => 0,
        }
    }

    fn item(&self, list: &str, i: u64) -> Option<Kind> {
        let i = usize::try_from(i).ok()?;
        let is_one = list == "streams" && i < self.talk.exchanges().len();
        is_one.then(|| self.carrier.0.kind(i))
    }
}

/// An exchange, by its index.
struct OfExchange {
    talk: Arc<Talk>,
    i: usize,
}

impl Shape for OfExchange {
    fn name(&self) -> &'static str {
        "stream"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for (name, who) in [("request", Who::Client), ("response", Who::Server)] {
            let (stream, message) = self.talk.part(self.i, who);
            if let Some((kind, span)) = message.and_then(|i| shape::node(stream, i)) {
                cx.node_in(name, &stream.space(), span, kind);
            }
        }
        self.talk.half_missing(self.i).map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for OfExchange {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 4] = [
            ("connection", &Int::U64BE),
            ("stream_id", &Int::U32BE),
            ("time", &Text),
            ("duration", &Text),
        ];
        &COMPUTED
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        self.talk.compute(self.i, name)
    }

    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        let is_timings = name == "timings";
        if is_timings {
            self.talk.times(self.i).add(cx);
        }
        is_timings
    }
}

/// The exchanges of a connection, for formats above it.
struct OfTalk(Arc<Talk>);

impl Exchanges for OfTalk {
    fn count(&self) -> usize {
        self.0.exchanges().len()
    }

    fn is_http2(&self) -> bool {
        false
    }

    fn headers(&self, i: usize, who: Who) -> Option<Box<dyn Head>> {
        Some(Box::new(self.0.head(i, who)?))
    }

    fn trailers(&self, _i: usize) -> Option<Box<dyn Head>> {
        None
    }

    fn content_type(&self, i: usize, who: Who) -> Option<Bytes> {
        let (stream, message) = self.0.part(i, who);
        let message = &stream.messages().all[message?];
        message.value(b"content-type").map(Bytes::copy_from_slice)
    }

    fn path(&self, _i: usize) -> Option<Bytes> {
        None
    }

    fn body(&self, i: usize, who: Who) -> &exchange::Body {
        let (stream, message) = self.0.part(i, who);
        let content = message.and_then(|i| stream.content(i));
        content.unwrap_or_else(|| stream.no_content())
    }

    fn compute(&self, i: usize, name: &str) -> Scalar {
        self.0.compute(i, name)
    }

    fn reset(&self, _i: usize, _who: Who) -> Option<(&Space, Span)> {
        None
    }

    fn times(&self, i: usize) -> Times {
        self.0.times(i)
    }

    fn kind(&self, i: usize) -> Kind {
        let talk = self.0.clone();
        Kind::shared(Arc::new(OfExchange { talk, i }))
    }

    fn lost(&self, i: usize, who: Who) -> Option<Malformed> {
        let (stream, message) = self.0.part(i, who);
        let Some(message) = message.map(|i| &stream.messages().all[i]) else {
            let missing = self.0.half_missing(i);
            return missing.filter(|m| m.severity > Severity::Note);
        };
        message.lost?;
        let fault = message.fault.clone()?;
        Some(Malformed {
            at: stream.space().offset(fault.at),
            ..fault
        })
    }

    fn is_open(&self, i: usize, who: Who) -> bool {
        let (stream, message) = self.0.part(i, who);
        message.is_some_and(|i| stream.messages().all[i].fault.is_some())
    }
}
