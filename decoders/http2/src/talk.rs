//! Both directions of a connection: which frames belong to which exchange.

use crate::detect;
use crate::frame::{END_STREAM, HEAD, Head, Parts, kind};
use crate::grpc;
use crate::grpc::web::{Content, Web};
use crate::header::Header;
use crate::hpack::Field;
use crate::limits::Peer;
use crate::side::{Begin, Look, Read, Runs, Side, Walk, look};
use crate::stream::{open, root};
use crate::timing::Times;
use binq_core::dialogue::{Clock, Conversation, Dialogue, Half};
use binq_core::layer::{Gather, Layer};
use binq_core::{Kind, Malformed, Node, Options, Severity, Space, Span};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
    data: Runs,
    /// Whether it was ended.
    pub ended: bool,
    /// The RST_STREAM frame that this peer sent.
    pub reset: Option<u64>,
    /// Its frames.
    pub frames: Option<Frames>,
    /// Those of them that have header fields or data, without interim ones.
    pub said: Option<Frames>,
    /// Where frames of it may be missing, between its own.
    breaks: Box<[Break]>,
    content: OnceLock<Content>,
}

/// The places of the first and the last frame of several: their first and their last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    first: u64,
    last: u64,
}

impl Frames {
    fn with(of: Option<Self>, at: u64, end: u64) -> Option<Self> {
        let first = of.map_or(at, |f| f.first);
        let last = end.saturating_sub(1).max(at);
        Some(Self { first, last })
    }
}

/// A place where frames of a message may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Break {
    /// How many of its DATA frames come before it.
    before: usize,
    /// First byte of what is missing in the direction, and the first byte after it.
    at: u64,
    until: u64,
}

/// What was expected where frames are missing: the connection and its streams say the same.
pub const ALL_FRAMES: &str = "all frames";
/// What was found there.
pub const LOST: &str = "bytes that the capture lost";

impl Message {
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
    /// Whether its header blocks say that it is a gRPC call.
    is_grpc: bool,
    /// The path of the request: most calls of a connection share it with the header table.
    pub path: Option<Bytes>,
    /// What is known of `grpc-status`.
    pub status: Status,
}

/// What was seen of a `grpc-status`, so that its block need not be read again.
#[derive(Clone, Copy, Debug, Default)]
pub enum Status {
    /// There is none.
    #[default]
    None,
    /// This code, in these bits of what the server sent.
    Code(u32, Span),
    /// It has to be looked up, and may be none.
    Other,
}

impl Status {
    fn of(read: Option<&Read>) -> Self {
        let Some((info, block)) = read else {
            return Self::None;
        };
        let Some(field) = block.get(b"grpc-status") else {
            return Self::None;
        };
        let same = |f: &&Field| f.name.known().is_some_and(|n| n == "grpc-status");
        let once = block.fields.iter().filter(same).count() == 1;
        let code = field.value.known().filter(|_| once);
        // what is wrong with one that is not sound is told where it is looked up
        let code = code.and_then(|text| grpc::status_of(text).ok());
        match (code, &info.fragments[..]) {
            (Some(code), [(base, _)]) => {
                let header = Header::of(field.clone());
                Self::Code(code, header.place(*base, true).0)
            }
            _ => Self::Other,
        }
    }
}

impl Exchange {
    /// What a peer sent.
    pub fn message(&self, who: Who) -> &Message {
        match who {
            Who::Client => &self.request,
            Who::Server => &self.response,
        }
    }

    /// Whether a peer gave up.
    pub fn is_reset(&self) -> bool {
        self.request.reset.or(self.response.reset).is_some()
    }

    fn message_mut(&mut self, who: Who) -> &mut Message {
        match who {
            Who::Client => &mut self.request,
            Who::Server => &mut self.response,
        }
    }

    /// What the DATA frames of a message hold, in one piece. Whoever asks gets the same space.
    pub fn content(&self, talk: &Talk, who: Who) -> &Content {
        let message = self.message(who);
        message.content.get_or_init(|| {
            let (mut gather, mut breaks) = (Gather::new(), Vec::new());
            let mut missing = message.breaks.iter().peekable();
            for i in 0..=message.data.len() {
                // no more than that many bytes of it are missing, perhaps none
                while let Some(lost) = missing.next_if(|b| b.before == i) {
                    let from = gather.len();
                    gather.push(None, lost.until - lost.at);
                    breaks.push(Span::bytes(from, lost.until - lost.at));
                }
                if let Some((at, len)) = message.data.get(i) {
                    gather.push_apart(*at, *len);
                }
            }
            breaks.retain(|b| b.len > 0);
            let breaks: Arc<[Span]> = breaks.into();
            let web = self.web(talk, who);
            let layer = grpc::body::Body::new(gather, web.is_none(), breaks.clone());
            let space = Space::derived(talk.side(who).space.clone(), Arc::new(layer));
            let list = talk.headers(message.headers);
            let encoding = list.as_ref().and_then(|l| l.value(b"grpc-encoding"));
            Content::new(space, web, encoding, breaks)
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
    /// Of the directions that are HTTP/2.
    roots: [Option<Node>; 2],
    exchanges: OnceLock<Exchanges>,
    /// The walk that finds them.
    finder: Mutex<Finder>,
}

struct Exchanges {
    all: Vec<Exchange>,
    /// Those that are gRPC calls.
    calls: Vec<usize>,
}

impl Talk {
    /// The directions of a conversation that are proven to be HTTP/2; nothing if none is.
    pub fn new(with: &Conversation, options: &Options) -> Option<Self> {
        let found = detect::find(with);
        if found == [None, None] {
            return None;
        }
        let half = |half: &Half, begin: Option<Begin>, side: &str| {
            let path = format!(".tcp_connections[{}].{side}.stream", with.number);
            let Some(mut begin) = begin else {
                // what is not HTTP/2 is not looked at
                let nothing = Space::derived(half.stream.clone(), Arc::new(Gather::new()));
                return (open(&nothing, Begin::late(0), Some(&path)), None);
            };
            begin.late |= !half.whole && !begin.preface;
            let side = open(&half.stream, begin, Some(&path));
            let root = root(&side, half.stream.clone());
            (side, Some(root))
        };
        let (client, sent) = half(&with.client, found[0], "client");
        let (server, received) = half(&with.server, found[1], "server");
        let clocks = [with.client.clock.clone(), with.server.clock.clone()];
        let [to_server, to_client] = clocks.clone();
        client.meet(Peer {
            side: Arc::downgrade(&server),
            clocks: clocks.clone(),
        });
        server.meet(Peer {
            side: Arc::downgrade(&client),
            clocks: [to_client, to_server],
        });
        let talk = Self {
            number: with.number,
            roots: [sent, received],
            client,
            server,
            options: options.clone(),
            clocks,
            exchanges: OnceLock::new(),
            finder: Mutex::default(),
        };
        (with.given || !talk.is_turned()).then_some(talk)
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
                {
                    let names = read.1.fields.iter().map(|f| f.name.known());
                    // pseudo-header fields come first (section 8.3)
                    let mut first = names.take_while(|n| n.is_none_or(|n| n.starts_with(b":")));
                    if first.any(|n| n.is_some_and(|n| n == name)) {
                        return true;
                    }
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

    /// When an exchange was said.
    pub fn times(&self, i: usize) -> Times {
        let exchange = self.exchange(i);
        let time = |who, frames: Option<Frames>| {
            let frames = frames?;
            Some((self.time(who, frames.first)?, self.time(who, frames.last)?))
        };
        let (sent, received) = (&exchange.request, &exchange.response);
        Times {
            all: Times::around([
                time(Who::Client, sent.frames),
                time(Who::Server, received.frames),
            ]),
            request: time(Who::Client, sent.said),
            response: time(Who::Server, received.said),
        }
    }

    /// Where frames of a message may be missing: where its direction lost some while the message was not at its end. Of several
    /// places between two frames of it, the first. It is not known whether one of the lost frames was its own.
    fn breaks(&self, exchange: &Exchange, who: Who, lost: &[(u64, u64)]) -> Vec<Break> {
        let (message, side) = (exchange.message(who), self.side(who));
        let (other, peer) = match who {
            Who::Client => (&exchange.response, Who::Server),
            Who::Server => (&exchange.request, Who::Client),
        };
        let promised = who == Who::Client && exchange.pushed;
        if promised || lost.is_empty() && !side.begin.late {
            return Vec::new();
        }
        let place = |i: usize, before| {
            let (at, until) = *lost.get(i)?;
            Some(Break { before, at, until })
        };
        let next = |from: u64| lost.partition_point(|(at, _)| *at < from);
        // after that, the peer wants nothing more
        let is_over = other.reset.is_some() || who == Who::Client && other.ended;
        let over = other.frames.filter(|_| is_over);
        let over = over.and_then(|f| self.time(peer, f.last));
        let is_before = |b: &Break| match (over, self.time(who, b.at)) {
            (Some(over), Some(time)) => time <= over,
            _ => true,
        };
        let Some(frames) = message.frames else {
            // of an answer that nobody saw, it is not known when it was
            let asked = other.frames.and_then(|f| self.time(peer, f.first));
            let end = side.space.len();
            let is_earlier = |until: u64| until < end && self.time(who, until) < asked;
            let i = lost.partition_point(|(_, until)| is_earlier(*until));
            return place(i, 0).into_iter().filter(is_before).collect();
        };
        let mut out = Vec::new();
        let mut from = frames.first;
        if !self.is_begun(message, who, frames.first) {
            let before = next(frames.first).checked_sub(1);
            let late = side.begin.late.then_some(Break {
                before: 0,
                at: 0,
                until: 0,
            });
            let begin = before.and_then(|i| place(i, 0)).or(late);
            out.extend(begin);
        }
        let at_end = message.ended || message.reset.is_some();
        let last = if at_end { frames.last } else { u64::MAX };
        for i in 0..=message.data.len() {
            let until = message.data.get(i).map_or(last, |(at, _)| *at);
            let found = place(next(from), i).filter(|b| b.at < until && is_before(b));
            out.extend(found);
            from = until;
        }
        out
    }

    /// Whether the first frame of a message is the one that begins it: trailers might be.
    fn is_begun(&self, message: &Message, who: Who, first: u64) -> bool {
        if message.interim.first() == Some(&(who, first)) {
            return true;
        }
        let name: &[u8] = match who {
            Who::Client => b":method",
            Who::Server => b":status",
        };
        let begins = message.headers == Some((who, first));
        begins
            && self
                .headers(message.headers)
                .is_some_and(|l| l.get(name).is_some())
    }

    /// That frames of a message may be missing, at a byte of the input.
    pub fn lost(&self, i: usize, who: Who) -> Option<Malformed> {
        let (message, side) = (self.exchange(i).message(who), self.side(who));
        let first = message.breaks.first()?;
        let (at, found) = match (first.until, message.frames) {
            // before the first byte of the stream
            (0, Some(frames)) => (frames.first, "only those from after the capture began"),
            _ => (first.at, LOST),
        };
        let lost = Malformed::new(side.space.offset(at), ALL_FRAMES, found);
        Some(lost.with(Severity::Odd))
    }

    /// A note about a stream that is still open where the capture ends, at its first byte in the input.
    pub fn open_end(&self, i: usize) -> Option<Malformed> {
        let exchange = self.exchange(i);
        let (sent, received) = (&exchange.request, &exchange.response);
        let reset = sent.reset.or(received.reset).is_some();
        if reset || (sent.ended || exchange.pushed) && received.ended {
            return None;
        }
        let first = |who, m: &Message| Some(self.side(who).space.offset(m.frames?.first));
        let at = first(Who::Client, sent).or_else(|| first(Who::Server, received))?;
        let found = "the end of the capture";
        Some(Malformed::new(at, "the end of the stream", found).with(Severity::Note))
    }

    /// When a byte that a peer sent was seen.
    fn time(&self, who: Who, at: u64) -> Option<i128> {
        let clock = match who {
            Who::Client => &self.clocks[0],
            Who::Server => &self.clocks[1],
        };
        clock.time(at)
    }

    fn exchanges(&self) -> &Exchanges {
        self.exchanges.get_or_init(|| {
            let mut found = std::mem::take(&mut *self.finder());
            found.walk(self, None);
            let mut all = found.finish();
            let lost = [&self.client, &self.server].map(|side| side.lost());
            if lost.iter().any(|l| !l.is_empty())
                || self.client.begin.late
                || self.server.begin.late
            {
                for exchange in &mut all {
                    for who in [Who::Client, Who::Server] {
                        let breaks = self.breaks(exchange, who, &lost[who as usize]);
                        exchange.message_mut(who).breaks = breaks.into();
                    }
                }
            }
            let is_call = |i: &usize| all[*i].is_grpc || grpc::looks_like_call(self, &all[*i]);
            let calls = (0..all.len()).filter(is_call).collect();
            Exchanges { all, calls }
        })
    }

    fn finder(&self) -> MutexGuard<'_, Finder> {
        self.finder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look for exchanges in what was sent up to a moment; false if there is no more.
    fn hear(&self, until: i128) -> bool {
        self.exchanges.get().is_none() && self.finder().walk(self, Some(until))
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

    /// Why it is not, at a byte of the input; the first frame of the block says the same.
    pub fn cut(&self, side: &Side) -> Option<Malformed> {
        let cut = self.read.0.cut(side)?;
        let at = side.space.offset(cut.at);
        Some(Malformed { at, ..cut })
    }

    /// The first field of that name.
    pub fn get(&self, name: &[u8]) -> Option<&Field> {
        self.read.1.get(name)
    }

    /// Its value, where it is known.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.read.1.value(name)
    }
}

/// Sorts frames by stream.
#[derive(Default)]
struct Finder {
    all: Vec<(Seen, Exchange)>,
    by_id: HashMap<u32, usize>,
    last: Option<(u32, usize)>,
    /// The next byte of each direction; nothing at its end.
    places: Option<[Option<u64>; 2]>,
    /// Streams that the server promised, each with the block, whether that says gRPC, and the path in it.
    promises: Vec<(u32, BlockAt, bool, Option<Bytes>)>,
}

/// Where an exchange was first seen: those that the client began, in its order, come before those that only the server knows.
type Seen = (bool, u64);

impl Finder {
    fn exchange(&mut self, id: u32, who: Who, at: u64) -> &mut Exchange {
        let seen = (who == Who::Server, at);
        let i = match self.last {
            Some((last, i)) if last == id => i,
            _ => *self.by_id.entry(id).or_insert_with(|| {
                let new = Exchange {
                    id,
                    pushed: false,
                    request: Message::default(),
                    response: Message::default(),
                    is_grpc: false,
                    path: None,
                    status: Status::None,
                };
                self.all.push((seen, new));
                self.all.len() - 1
            }),
        };
        self.last = Some((id, i));
        let (first, exchange) = &mut self.all[i];
        *first = seen.min(*first);
        exchange
    }

    /// Walk on, up to a moment; false at the end. Both directions are walked over as they were captured, so that what lies
    /// close together in the file is read at one time.
    fn walk(&mut self, talk: &Talk, until: Option<i128>) -> bool {
        let places = self.places.get_or_insert([
            Some(talk.client.begin.frames),
            Some(talk.server.begin.frames),
        ]);
        let [mut sent, mut received] = *places;
        {
            let mut client = talk.client.walk(sent.unwrap_or(0));
            let mut server = talk.server.walk(received.unwrap_or(0));
            loop {
                let times = [
                    sent.map(|at| talk.time(Who::Client, at)),
                    received.map(|at| talk.time(Who::Server, at)),
                ];
                let (who, time) = match times {
                    [Some(a), Some(b)] if a <= b => (Who::Client, a),
                    [_, Some(b)] => (Who::Server, b),
                    [Some(a), None] => (Who::Client, a),
                    [None, None] => break,
                };
                if until.is_some_and(|until| time.is_some_and(|time| time > until)) {
                    break;
                }
                let (walk, place) = match who {
                    Who::Client => (&mut client, &mut sent),
                    Who::Server => (&mut server, &mut received),
                };
                match walk.next() {
                    Some((at, head, end)) => {
                        *place = Some(walk.at);
                        self.frame(who, walk, at, &head, end);
                    }
                    None => *place = None,
                }
            }
        }
        self.places = Some([sent, received]);
        sent.is_some() || received.is_some()
    }

    /// All exchanges, once the walk is at its end.
    fn finish(mut self) -> Vec<Exchange> {
        for (id, block, is_grpc, path) in std::mem::take(&mut self.promises) {
            let (who, at) = block;
            let exchange = self.exchange(id, who, at);
            promise(exchange, block, is_grpc, path);
        }
        self.all.sort_by_key(|(seen, _)| *seen);
        let mut all: Vec<_> = self.all.into_iter().map(|(_, e)| e).collect();
        all.shrink_to_fit();
        all
    }

    fn frame(&mut self, who: Who, walk: &mut Walk<'_>, at: u64, head: &Head, end: u64) {
        let known = matches!(
            head.kind,
            kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::PUSH_PROMISE
        );
        if head.stream == 0 || !known {
            return;
        }
        let read = match head.kind {
            kind::HEADERS | kind::PUSH_PROMISE => walk.block(at),
            _ => None,
        };
        let read = read.as_deref();
        let is_grpc = read.is_some_and(|r| grpc::says_grpc(&r.1));
        let path = || Some(read?.1.get(b":path")?.value.known()?.clone());
        if head.kind == kind::PUSH_PROMISE {
            let parts = Parts::of(walk.space, head, at + HEAD, end);
            let Some(promise_at) = parts.before else {
                return;
            };
            let id = walk.space.read(promise_at, 4);
            if id.len() < 4 {
                return;
            }
            let id = id.iter().fold(0, |n, b| n << 8 | u32::from(*b)) & 0x7fff_ffff;
            let exchange = self.exchange(id, who, at);
            match who {
                Who::Client => promise(exchange, (who, at), is_grpc, path()),
                // what the client sent comes first
                Who::Server => self.promises.push((id, (who, at), is_grpc, path())),
            }
            return;
        }
        let is_interim = who == Who::Server
            && read.is_some_and(|r| r.1.value(b":status").is_some_and(|s| s.starts_with(b"1")));
        let exchange = self.exchange(head.stream, who, at);
        let message = match who {
            Who::Client => &mut exchange.request,
            Who::Server => &mut exchange.response,
        };
        message.frames = Frames::with(message.frames, at, end);
        if head.kind != kind::RST_STREAM && !(message.headers.is_none() && is_interim) {
            message.said = Frames::with(message.said, at, end);
        }
        match head.kind {
            kind::DATA => {
                let parts = Parts::of(walk.space, head, at + HEAD, end);
                message.data.push((parts.body, parts.body_end - parts.body));
            }
            kind::RST_STREAM => message.reset = Some(at),
            _ if message.headers.is_none() && is_interim => {
                message.interim.push((who, at));
            }
            _ if message.headers.is_none() && message.data.is_empty() => {
                message.headers = Some((who, at));
                exchange.is_grpc |= is_grpc;
                match who {
                    Who::Client => exchange.path = path(),
                    // trailers that come later, or a body, may say another one
                    Who::Server if !head.has(END_STREAM) => exchange.status = Status::Other,
                    Who::Server => exchange.status = Status::of(read),
                }
            }
            _ if message.trailers.is_none() => {
                message.trailers = Some((who, at));
                if who == Who::Server {
                    exchange.is_grpc |= is_grpc;
                    if read.is_some() {
                        exchange.status = Status::of(read);
                    }
                }
            }
            _ => {}
        }
        if matches!(head.kind, kind::DATA | kind::HEADERS) && head.has(END_STREAM) {
            let message = match who {
                Who::Client => &mut exchange.request,
                Who::Server => &mut exchange.response,
            };
            message.ended = true;
        }
    }
}

/// A stream was promised by this block.
fn promise(exchange: &mut Exchange, block: BlockAt, is_grpc: bool, path: Option<Bytes>) {
    exchange.pushed = true;
    if exchange.request.headers.is_none() {
        exchange.request.headers = Some(block);
        exchange.is_grpc |= is_grpc;
        exchange.path = path;
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

    fn hear(&self, until: i128) -> bool {
        self.0.hear(until)
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
