//! Which frames belong to which exchange.

use super::frame::{END_STREAM, HEAD, Head, Parts, kind};
use super::said::{self, BlockAt, Exchange, Frames, Message};
use super::side::Walk;
use super::talk::Talk;
use crate::exchange::Who;
use bytes::Bytes;
use std::collections::HashMap;

/// Sorts frames by stream.
#[derive(Default)]
pub struct Finder {
    all: Vec<(Seen, Exchange)>,
    by_id: HashMap<u32, usize>,
    last: Option<(u32, usize)>,
    /// The next byte of each direction; nothing at its end.
    places: Option<[Option<u64>; 2]>,
    /// Streams that the server promised.
    promises: Vec<(u32, Promise)>,
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
                    path: None,
                    remembered: None,
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
    pub fn walk(&mut self, talk: &Talk, until: Option<i128>) -> bool {
        let places = self.places.get_or_insert([
            Some(talk.client.begin.frames),
            Some(talk.server.begin.frames),
        ]);
        let [mut sent, mut received] = *places;
        let remember = talk.remember.get().copied();
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
                        self.frame((who, remember), walk, at, &head, end);
                    }
                    None => *place = None,
                }
            }
        }
        self.places = Some([sent, received]);
        sent.is_some() || received.is_some()
    }

    /// All exchanges, once the walk is at its end.
    pub fn finish(mut self) -> Vec<Exchange> {
        for (id, promise) in std::mem::take(&mut self.promises) {
            let (who, at) = promise.block;
            promise.give(self.exchange(id, who, at));
        }
        self.all.sort_by_key(|(seen, _)| *seen);
        let mut all: Vec<_> = self.all.into_iter().map(|(_, e)| e).collect();
        all.shrink_to_fit();
        all
    }

    /// Sort a frame. `remember`: the name of a field whose value is asked for in every exchange.
    fn frame(
        &mut self,
        (who, remember): (Who, Option<&[u8]>),
        walk: &mut Walk<'_>,
        at: u64,
        head: &Head,
        end: u64,
    ) {
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
        let known = |name| Some(read.as_ref()?.1.get(name)?.value.known()?.clone());
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
            let promise = Promise {
                block: (who, at),
                path: known(b":path"),
                content_type: known(b"content-type"),
            };
            match who {
                Who::Client => promise.give(exchange),
                // what the client sent comes first
                Who::Server => self.promises.push((id, promise)),
            }
            return;
        }
        let is_interim =
            who == Who::Server && known(b":status").is_some_and(|s| s.starts_with(b"1"));
        let exchange = self.exchange(head.stream, who, at);
        let message = exchange.message_mut(who);
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
                message.content_type = known(b"content-type");
                if who == Who::Client {
                    exchange.path = known(b":path");
                }
            }
            _ if message.trailers.is_none() => message.trailers = Some((who, at)),
            _ => {}
        }
        let message = exchange.message_mut(who);
        if matches!(head.kind, kind::DATA | kind::HEADERS) && head.has(END_STREAM) {
            message.ended = true;
        }
        if let (Some(read), Some(name), Who::Server) = (read, remember, who)
            && head.has(END_STREAM)
        {
            exchange.remembered = said::remembered(&read, name);
        }
    }
}

/// A block that promises a stream.
struct Promise {
    block: BlockAt,
    path: Option<Bytes>,
    content_type: Option<Bytes>,
}

impl Promise {
    /// It is what the client would have sent on that stream.
    fn give(self, exchange: &mut Exchange) {
        exchange.pushed = true;
        if exchange.request.headers.is_none() {
            exchange.request.headers = Some(self.block);
            exchange.request.content_type = self.content_type;
            exchange.path = self.path;
        }
    }
}
