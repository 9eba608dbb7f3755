//! Both directions of a connection that speaks HTTP/2.

use super::finder::Finder;
use super::frame::kind;
use super::limits::Peer;
use super::list::List;
use super::said::{ALL_FRAMES, BlockAt, Break, Exchange, Frames, Message};
use super::side::{Begin, Look, Side, look};
use super::{detect, open, root};
use crate::exchange::{LOST, Times, Who};
use binq_core::dialogue::{Clock, Conversation, Half};
use binq_core::layer::Gather;
use binq_core::{Malformed, Node, Severity, Space};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A connection that speaks HTTP/2.
pub struct Talk {
    /// Its index among the connections.
    pub number: u64,
    /// What the client sent.
    pub client: Arc<Side>,
    /// What the server sent.
    pub server: Arc<Side>,
    clocks: [Arc<dyn Clock>; 2],
    /// Of the directions that are HTTP/2.
    pub roots: [Option<Node>; 2],
    /// The name of a field whose value is asked for in every exchange.
    pub remember: OnceLock<&'static [u8]>,
    exchanges: OnceLock<Vec<Exchange>>,
    /// The walk that finds them.
    finder: Mutex<Finder>,
}

impl Talk {
    /// The directions of a conversation that are proven to be HTTP/2; nothing if none is.
    pub fn new(with: &Conversation) -> Option<Self> {
        let found = detect::find(with);
        if found == [None, None] {
            return None;
        }
        let half = |half: &Half, begin: Option<Begin>, side: &str, who| {
            let path = format!(".tcp_connections[{}].{side}.stream", with.number);
            let Some(mut begin) = begin else {
                // what is not HTTP/2 is not looked at
                let nothing = Space::derived(half.stream.clone(), Arc::new(Gather::new()));
                return (open(&nothing, Begin::late(0), Some(&path)), None);
            };
            begin.late |= !half.whole && !begin.preface;
            begin.who = Some(who);
            let side = open(&half.stream, begin, Some(&path));
            let root = root(&side, half.stream.clone());
            (side, Some(root))
        };
        let (client, sent) = half(&with.client, found[0], "client", Who::Client);
        let (server, received) = half(&with.server, found[1], "server", Who::Server);
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
            clocks,
            remember: OnceLock::new(),
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
                let (head, end) = match look(&side.space, at, side.begin.who) {
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
            if who == Who::Client {
                return self.lost_request(exchange, lost).into_iter().collect();
            }
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

    /// Where the request of a stream is missing on which the server sent something: it was sent before that, so in the last hole
    /// that begins before it, or before the capture began.
    fn lost_request(&self, exchange: &Exchange, lost: &[(u64, u64)]) -> Option<Break> {
        let begin = &self.client.begin;
        // the request of an upgrade is one of HTTP/1.1 (RFC 7540 section 3.2)
        let of_upgrade = exchange.id == 1 && begin.upgrade > 0;
        if of_upgrade || self.client.space.is_empty() {
            return None;
        }
        let answer = exchange.response.frames?;
        let answered = self.time(Who::Server, answer.first);
        let is_before = |at: u64| match (at.checked_sub(1), answered) {
            (Some(before), Some(answered)) => self
                .time(Who::Client, before)
                .is_none_or(|time| time <= answered),
            _ => true,
        };
        let i = lost.partition_point(|(at, _)| is_before(*at));
        let hole = i.checked_sub(1).and_then(|i| lost.get(i));
        let (at, until) = hole.copied().or(begin.late.then_some((0, 0)))?;
        Some(Break {
            before: 0,
            at,
            until,
        })
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
        let offset = |at| side.space.offset(at);
        Some(match (first.until, message.frames) {
            // before the first byte of the stream
            (0, Some(frames)) => {
                let found = "only those from after the capture began";
                Malformed::new(offset(frames.first), ALL_FRAMES, found).with(Severity::Odd)
            }
            _ => Malformed::lost(offset(first.at), ALL_FRAMES, LOST),
        })
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
    pub fn time(&self, who: Who, at: u64) -> Option<i128> {
        let clock = match who {
            Who::Client => &self.clocks[0],
            Who::Server => &self.clocks[1],
        };
        clock.time(at)
    }

    /// All exchanges.
    pub fn exchanges(&self) -> &[Exchange] {
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
            all
        })
    }

    fn finder(&self) -> MutexGuard<'_, Finder> {
        self.finder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look for exchanges in what was sent up to a moment; false if there is no more.
    pub fn hear(&self, until: i128) -> bool {
        self.exchanges.get().is_none() && self.finder().walk(self, Some(until))
    }

    /// An exchange, by its index.
    pub fn exchange(&self, i: usize) -> &Exchange {
        &self.exchanges()[i]
    }

    /// The fields of a header block.
    pub fn headers(&self, block: Option<BlockAt>) -> Option<List> {
        let (who, frame) = block?;
        let side = self.side(who);
        Some(List::new(side, side.block(frame)?))
    }
}
