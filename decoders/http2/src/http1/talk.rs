//! Both directions of a connection: which response answers which request.

use super::message::Side;
use super::search::{first, lost_at};
use super::{Begin, Peer, Stream, root, shape};
use crate::grpc::head::{Head, LineHead};
use crate::grpc::web::{Content, Web};
use crate::grpc::{self, Source};
use crate::lines::Line;
use crate::talk::Who;
use crate::timing::Times;
use binq_core::codec::{Codec, Int, Text};
use binq_core::dialogue::{Clock, Conversation, Dialogue, Half};
use binq_core::layer::Gather;
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Node, Options, Scalar, Severity, Space, Span};
use std::sync::{Arc, OnceLock};

/// A connection that speaks HTTP/1.1.
pub struct Talk {
    number: u64,
    options: Options,
    client: Arc<Stream>,
    server: Arc<Stream>,
    clocks: [Arc<dyn Clock>; 2],
    /// Of the directions that are HTTP/1.1.
    roots: [Option<Node>; 2],
    exchanges: OnceLock<Exchanges>,
}

/// A request and its response, by their indexes.
#[derive(Clone, Copy)]
struct Exchange {
    request: Option<usize>,
    response: Option<usize>,
}

struct Exchanges {
    all: Vec<Exchange>,
    /// Those that are gRPC calls.
    calls: Vec<usize>,
}

impl Talk {
    /// The directions of a conversation that begin with a request line, and with a status line; nothing if none does. Where the
    /// beginning of a direction was not captured, its first message is looked for.
    pub fn new(with: &Conversation, options: &Options) -> Option<Self> {
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
            options: options.clone(),
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

    fn exchanges(&self) -> &Exchanges {
        self.exchanges.get_or_init(|| {
            let (sent, received) = (self.client.messages(), self.server.messages());
            let mut all: Vec<Exchange> = Vec::new();
            let alone = |i| Exchange {
                request: Some(i),
                response: None,
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
                });
            }
            all.extend((next..sent.all.len()).map(alone));
            let is_call = |i: &usize| {
                let message = |side: &Stream, i: Option<usize>| {
                    let message = &side.messages().all[i?];
                    message.value(b"content-type").and_then(Web::of)
                };
                let exchange: &Exchange = &all[*i];
                message(&self.client, exchange.request).is_some()
                    || message(&self.server, exchange.response).is_some()
            };
            let calls = (0..all.len()).filter(is_call).collect();
            Exchanges { all, calls }
        })
    }

    /// The stream of a peer, and which of its messages an exchange has.
    fn part(&self, i: usize, who: Who) -> (&Arc<Stream>, Option<usize>) {
        let exchange = self.exchanges().all[i];
        match who {
            Who::Client => (&self.client, exchange.request),
            Who::Server => (&self.server, exchange.response),
        }
    }

    fn head(&self, i: usize, who: Who) -> Option<Head> {
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
            }
        });
        Some(Head::Lines(LineHead {
            space: stream.space(),
            lines: message.headers.clone(),
            end: message.headers_end,
            target,
        }))
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
        let all = &self.exchanges().all;
        let (who, stream, of): (_, _, fn(&Exchange) -> Option<usize>) = match all[i] {
            Exchange { request: None, .. } => (Who::Client, &self.client, |e| e.request),
            Exchange { response: None, .. } => (Who::Server, &self.server, |e| e.response),
            _ => return None,
        };
        // it would be between those of the exchanges around this one
        let messages = stream.messages();
        let before = all[..i]
            .iter()
            .rev()
            .find_map(of)
            .map(|m| messages.all[m].end);
        let after = all[i + 1..].iter().find_map(of).map(|m| messages.all[m].at);
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
        let request = all[i].request.filter(|_| who == Who::Server)?;
        let at = self.client.messages().all[request].at;
        let found = match &messages.fault {
            Some(_) => "bytes that are none",
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
pub struct Shown(pub Arc<Talk>);

impl Dialogue for Shown {
    fn client(&self) -> Option<Node> {
        self.0.roots[0].clone()
    }

    fn server(&self) -> Option<Node> {
        self.0.roots[1].clone()
    }

    fn count(&self, list: &str) -> u64 {
        let exchanges = self.0.exchanges();
        match list {
            "streams" => exchanges.all.len() as u64,
            _ => exchanges.calls.len() as u64,
        }
    }

    fn item(&self, list: &str, i: u64) -> Option<Kind> {
        let exchanges = self.0.exchanges();
        let i = usize::try_from(i).ok()?;
        let of = |i| OfExchange {
            talk: self.0.clone(),
            i,
        };
        match list {
            "streams" => (i < exchanges.all.len()).then(|| Kind::shared(Arc::new(of(i)))),
            _ => exchanges.calls.get(i).map(|i| grpc::call(of(*i))),
        }
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

impl Source for OfExchange {
    fn options(&self) -> &Options {
        &self.talk.options
    }

    fn sent(&self) -> Option<Head> {
        self.talk.head(self.i, Who::Client)
    }

    fn received(&self) -> Option<Head> {
        self.talk.head(self.i, Who::Server)
    }

    fn trailers(&self) -> Option<Head> {
        None
    }

    fn content(&self, who: Who) -> &Content {
        let (stream, message) = self.talk.part(self.i, who);
        let content = message.and_then(|i| stream.content(i));
        content.unwrap_or_else(|| stream.no_content())
    }

    fn compute(&self, name: &str) -> Scalar {
        self.talk.compute(self.i, name)
    }

    fn reset(&self, _who: Who) -> Option<(&Space, Span)> {
        None
    }

    fn times(&self) -> Times {
        self.talk.times(self.i)
    }

    fn stream(&self) -> Kind {
        let (talk, i) = (self.talk.clone(), self.i);
        Kind::shared(Arc::new(OfExchange { talk, i }))
    }

    fn lost(&self, who: Who) -> Option<Malformed> {
        let (stream, message) = self.talk.part(self.i, who);
        let Some(message) = message.map(|i| &stream.messages().all[i]) else {
            return self
                .talk
                .half_missing(self.i)
                .filter(|m| m.severity > Severity::Note);
        };
        message.lost?;
        let fault = message.fault.clone()?;
        Some(Malformed {
            at: stream.space().offset(fault.at),
            ..fault
        })
    }

    fn is_open(&self, who: Who) -> bool {
        let (stream, message) = self.talk.part(self.i, who);
        message.is_some_and(|i| stream.messages().all[i].fault.is_some())
    }
}
