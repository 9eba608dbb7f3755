//! Both directions of a connection: which frames belong to which exchange.

use crate::frame::{END_STREAM, HEAD, Head, Parts, kind};
use crate::grpc;
use crate::grpc::web::{Content, Web};
use crate::hpack::Field;
use crate::side::{Begin, Look, Read, Side, look};
use crate::stream::{open, root};
use binq_core::dialogue::{Clock, Conversation, Dialogue};
use binq_core::layer::Gather;
use binq_core::{Kind, Node, Options, Space};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Which peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// A header block: whose, and the first byte of its first frame.
pub type BlockAt = (Who, u64);

/// What one peer sent in an exchange.
#[derive(Default)]
pub struct Message {
    /// Informational responses (1xx) come before it.
    pub interim: Vec<BlockAt>,
    /// The header block.
    pub headers: Option<BlockAt>,
    /// The trailers.
    pub trailers: Option<BlockAt>,
    /// First byte and length of the data of each DATA frame.
    data: Vec<(u64, u64)>,
    /// Whether it was ended.
    pub ended: bool,
    /// The RST_STREAM frame that this peer sent.
    pub reset: Option<u64>,
    /// First byte of the first frame, and of the last one.
    pub frames: Option<(u64, u64)>,
    content: OnceLock<Content>,
}

impl Message {
    fn saw(&mut self, at: u64) {
        let first = self.frames.map_or(at, |(first, _)| first);
        self.frames = Some((first, at));
    }

    /// Whether there is a DATA frame.
    pub fn has_body(&self) -> bool {
        !self.data.is_empty()
    }
}

/// A stream: a request and its response.
pub struct Exchange {
    /// Its id.
    pub id: u32,
    /// Whether the server promised it.
    pub pushed: bool,
    /// What the client sent; of a promised one, the promise.
    pub request: Message,
    /// What the server sent.
    pub response: Message,
}

impl Exchange {
    /// What a peer sent.
    pub fn message(&self, who: Who) -> &Message {
        match who {
            Who::Client => &self.request,
            Who::Server => &self.response,
        }
    }

    /// What the DATA frames of a message hold, in one piece. Whoever asks gets the same space.
    pub fn content(&self, talk: &Talk, who: Who) -> &Content {
        let message = self.message(who);
        message.content.get_or_init(|| {
            let mut gather = Gather::new();
            for (at, len) in &message.data {
                gather.push_apart(*at, *len);
            }
            let web = self.web(talk, who);
            let layer = grpc::body::Body::new(gather, web.is_none());
            let space = Space::derived(talk.side(who).space.clone(), Arc::new(layer));
            Content::new(space, web)
        })
    }

    /// How the body of a message is written, if it is gRPC-Web: what its own headers say, or those of the other.
    fn web(&self, talk: &Talk, who: Who) -> Option<Web> {
        let other = match who {
            Who::Client => &self.response,
            Who::Server => &self.request,
        };
        let blocks = [self.message(who).headers, other.headers];
        let mut lists = blocks.into_iter().filter_map(|b| talk.headers(b));
        lists.find_map(|list| list.value(b"content-type").map(Web::of))?
    }
}

/// A connection that speaks HTTP/2.
pub struct Talk {
    /// Its index among the connections.
    pub number: u64,
    /// What the client sent.
    pub client: Arc<Side>,
    /// What the server sent.
    pub server: Arc<Side>,
    /// Settings of the decode.
    pub options: Options,
    clocks: [Arc<dyn Clock>; 2],
    roots: [Node; 2],
    exchanges: OnceLock<Exchanges>,
}

struct Exchanges {
    all: Vec<Exchange>,
    /// Those that are gRPC calls.
    calls: Vec<usize>,
}

impl Talk {
    /// A conversation that is HTTP/2, by its preface, its upgrade, or frames that follow each other in both directions.
    pub fn new(with: &Conversation, options: &Options) -> Option<Self> {
        let mut sent = Begin::find(&with.client.stream, with.client.whole, false);
        let assumed = sent.is_some_and(|b| b.preface);
        let mut received = Begin::find(&with.server.stream, with.server.whole, assumed);
        if assumed && sent.is_some_and(|b| b.upgrade == 0) && with.server.whole {
            // after a preface without an upgrade, the first byte of the answer is that of a frame
            received = received.map(|b| {
                if b.late {
                    Begin {
                        frames: 0,
                        late: false,
                        ..b
                    }
                } else {
                    b
                }
            });
        }
        let nothing = |half: &binq_core::dialogue::Half| half.stream.is_empty();
        let late = Begin {
            upgrade: 0,
            preface: false,
            frames: 0,
            late: true,
        };
        if nothing(&with.client) {
            sent = sent.or(received.map(|_| late));
        }
        if nothing(&with.server) {
            received = received.or(sent.map(|_| late));
        }
        let (mut sent, mut received) = (sent?, received?);
        // an upgrade is one of both or of none; the preface is the client's
        if received.preface
            || (received.upgrade > 0) != (sent.upgrade > 0) && !nothing(&with.server)
        {
            return None;
        }
        sent.late |= !with.client.whole && !sent.preface;
        received.late |= !with.server.whole;
        let path = |side: &str| format!(".tcp_connections[{}].{side}.stream", with.number);
        let client = open(&with.client.stream, sent, &path("client"));
        let server = open(&with.server.stream, received, &path("server"));
        let talk = Self {
            number: with.number,
            roots: [
                root(&client, with.client.stream.clone()),
                root(&server, with.server.stream.clone()),
            ],
            client,
            server,
            options: options.clone(),
            clocks: [with.client.clock.clone(), with.server.clock.clone()],
            exchanges: OnceLock::new(),
        };
        (!talk.is_turned()).then_some(talk)
    }

    /// Whether the one that is taken for the client answers: only servers send `:status`.
    fn is_turned(&self) -> bool {
        if self.client.begin.preface || !self.client.begin.late {
            return false;
        }
        let says = |side: &Side, name: &[u8]| {
            let mut at = side.begin.frames;
            // a block with names that are known is soon found, or never
            for _ in 0..64 {
                let (head, end) = match look(&side.space, at) {
                    Look::Frame(head, end) => (head, end),
                    Look::Lost(end) => {
                        at = end;
                        continue;
                    }
                    Look::End => break,
                };
                if head.kind == kind::HEADERS
                    && let Some(read) = side.block(at)
                    && read
                        .1
                        .fields
                        .iter()
                        .any(|f| f.name.known().is_some_and(|n| n == name))
                {
                    return true;
                }
                at = end;
            }
            false
        };
        says(&self.client, b":status") || says(&self.server, b":path")
    }

    /// The direction of a peer.
    pub fn side(&self, who: Who) -> &Arc<Side> {
        match who {
            Who::Client => &self.client,
            Who::Server => &self.server,
        }
    }

    /// When a byte that a peer sent was seen.
    pub fn time(&self, who: Who, at: u64) -> Option<i128> {
        let clock = match who {
            Who::Client => &self.clocks[0],
            Who::Server => &self.clocks[1],
        };
        clock.time(at)
    }

    fn exchanges(&self) -> &Exchanges {
        self.exchanges.get_or_init(|| {
            let mut found = Finder::default();
            found.walk(self, Who::Client);
            found.walk(self, Who::Server);
            let all = found.all;
            let is_call = |i: &usize| grpc::is_call(self, &all[*i]);
            let calls = (0..all.len()).filter(is_call).collect();
            Exchanges { all, calls }
        })
    }

    /// An exchange, by its index.
    pub fn exchange(&self, i: usize) -> &Exchange {
        &self.exchanges().all[i]
    }

    /// The fields of a header block, the space that they lie in, and the first byte of the block there.
    pub fn headers(&self, block: Option<BlockAt>) -> Option<List> {
        let (who, frame) = block?;
        let side = self.side(who);
        let read = side.block(frame)?;
        let (space, span) = read.0.space(&side.space);
        Some(List {
            read,
            base: span.first_byte(),
            space,
        })
    }
}

/// The fields of a header block, and where they lie.
pub struct List {
    read: Arc<Read>,
    /// The space that it lies in.
    pub space: Space,
    /// First byte of the block there.
    pub base: u64,
}

impl List {
    /// The fields.
    pub fn fields(&self) -> &[Field] {
        &self.read.1.fields
    }

    /// Whether all of the block is there.
    pub fn is_complete(&self) -> bool {
        self.read.0.complete
    }

    /// The first field of that name.
    pub fn get(&self, name: &[u8]) -> Option<&Field> {
        let mut fields = self.fields().iter();
        fields.find(|f| f.name.known().is_some_and(|n| n == name))
    }

    /// Its value, where it is known.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.get(name)?.value.known().map(|v| &v[..])
    }
}

/// Sorts frames by stream.
#[derive(Default)]
struct Finder {
    all: Vec<Exchange>,
    by_id: HashMap<u32, usize>,
}

impl Finder {
    fn exchange(&mut self, id: u32) -> &mut Exchange {
        let i = *self.by_id.entry(id).or_insert_with(|| {
            self.all.push(Exchange {
                id,
                pushed: false,
                request: Message::default(),
                response: Message::default(),
            });
            self.all.len() - 1
        });
        &mut self.all[i]
    }

    fn walk(&mut self, talk: &Talk, who: Who) {
        let side = talk.side(who);
        let mut at = side.begin.frames;
        loop {
            match look(&side.space, at) {
                Look::Frame(head, end) => {
                    self.frame(talk, who, at, &head, end);
                    at = end;
                }
                Look::Lost(end) => at = end,
                Look::End => return,
            }
        }
    }

    fn frame(&mut self, talk: &Talk, who: Who, at: u64, head: &Head, end: u64) {
        let side = talk.side(who);
        let known = matches!(
            head.kind,
            kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::PUSH_PROMISE
        );
        if head.stream == 0 || !known {
            return;
        }
        if head.kind == kind::PUSH_PROMISE {
            let parts = Parts::of(&side.space, head, at + HEAD, end);
            let Some(promise) = parts.before else { return };
            let id = side.space.read(promise, 4);
            let id = id.iter().fold(0, |n, b| n << 8 | u32::from(*b)) & 0x7fff_ffff;
            let exchange = self.exchange(id);
            exchange.pushed = true;
            exchange.request.headers.get_or_insert((who, at));
            return;
        }
        let status = match (head.kind, who) {
            (kind::HEADERS, Who::Server) => talk
                .headers(Some((who, at)))
                .map(|list| list.value(b":status").is_some_and(|s| s.starts_with(b"1"))),
            _ => None,
        };
        let exchange = self.exchange(head.stream);
        let message = match who {
            Who::Client => &mut exchange.request,
            Who::Server => &mut exchange.response,
        };
        message.saw(at);
        match head.kind {
            kind::DATA => {
                let parts = Parts::of(&side.space, head, at + HEAD, end);
                message.data.push((parts.body, parts.body_end - parts.body));
            }
            kind::RST_STREAM => message.reset = Some(at),
            _ if message.headers.is_none() && status == Some(true) => {
                message.interim.push((who, at));
            }
            _ if message.headers.is_none() && message.data.is_empty() => {
                message.headers = Some((who, at));
            }
            _ => {
                message.trailers.get_or_insert((who, at));
            }
        }
        if matches!(head.kind, kind::DATA | kind::HEADERS) && head.has(END_STREAM) {
            message.ended = true;
        }
    }
}

/// A conversation as other formats see it.
pub struct Shown(pub Arc<Talk>);

impl Dialogue for Shown {
    fn client(&self) -> Node {
        self.0.roots[0].clone()
    }

    fn server(&self) -> Node {
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
        match list {
            "streams" => (i < exchanges.all.len()).then(|| crate::exchange::kind(&self.0, i)),
            _ => {
                let source = grpc::OfStream::new(&self.0, *exchanges.calls.get(i)?);
                Some(grpc::call(source))
            }
        }
    }
}
