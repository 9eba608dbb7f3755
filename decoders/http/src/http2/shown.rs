//! A connection as formats around and above HTTP see it.

use super::frame::HEAD;
use super::said::Exchange;
use super::streams;
use super::talk::Talk;
use crate::exchange::{Body, Carrier, Exchanges, Head, Times, Who};
use binq_core::dialogue::Dialogue;
use binq_core::{Kind, Malformed, Node, Scalar, Space, Span};
use bytes::Bytes;
use std::any::Any;
use std::sync::Arc;

/// That connection.
pub struct Shown {
    talk: Arc<Talk>,
    carrier: Carrier,
}

impl Shown {
    /// That connection.
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

    fn hear(&self, until: i128) -> bool {
        self.talk.hear(until)
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
        is_one.then(|| streams::kind(&self.talk, i))
    }
}

struct OfTalk(Arc<Talk>);

impl OfTalk {
    fn exchange(&self, i: usize) -> &Exchange {
        self.0.exchange(i)
    }
}

impl Exchanges for OfTalk {
    fn count(&self) -> usize {
        self.0.exchanges().len()
    }

    fn is_http2(&self) -> bool {
        true
    }

    fn headers(&self, i: usize, who: Who) -> Option<Box<dyn Head>> {
        let block = self.exchange(i).message(who).headers;
        Some(Box::new(self.0.headers(block)?))
    }

    fn trailers(&self, i: usize) -> Option<Box<dyn Head>> {
        let block = self.exchange(i).response.trailers;
        Some(Box::new(self.0.headers(block)?))
    }

    fn content_type(&self, i: usize, who: Who) -> Option<Bytes> {
        self.exchange(i).message(who).content_type.clone()
    }

    fn remember(&self, name: &'static [u8]) {
        // there is one
        _ = self.0.remember.set(name);
    }

    fn remembered(&self, i: usize) -> Option<(&[u8], &Space, Span)> {
        let (value, span) = self.exchange(i).remembered.as_ref()?;
        Some((value, &self.0.server.space, *span))
    }

    fn path(&self, i: usize) -> Option<Bytes> {
        self.exchange(i).path.clone()
    }

    fn body(&self, i: usize, who: Who) -> &Body {
        self.exchange(i).body(&self.0, who)
    }

    fn compute(&self, i: usize, name: &str) -> Scalar {
        streams::compute(&self.0, i, name)
    }

    fn reset(&self, i: usize, who: Who) -> Option<(&Space, Span)> {
        let at = self.exchange(i).message(who).reset?;
        Some((&self.0.side(who).space, Span::bytes(at + HEAD, 4)))
    }

    fn times(&self, i: usize) -> Times {
        self.0.times(i)
    }

    fn kind(&self, i: usize) -> Kind {
        streams::kind(&self.0, i)
    }

    fn is_open(&self, i: usize, who: Who) -> bool {
        let exchange = self.exchange(i);
        // what was answered needs no more of its request
        let answered = who == Who::Client && exchange.response.ended;
        !exchange.message(who).ended && !exchange.is_reset() && !answered
    }

    fn lost(&self, i: usize, who: Who) -> Option<Malformed> {
        self.0.lost(i, who)
    }
}
