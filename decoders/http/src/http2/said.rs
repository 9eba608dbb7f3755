//! What is said on a stream: a request and its response, as frames and header blocks.

use super::header::Header;
use super::hpack::Field;
use super::side::{Read, Runs};
use super::talk::Talk;
use crate::exchange::{Body, Who};
use binq_core::layer::{Gather, Layer};
use binq_core::{Space, Span};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

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
    pub data: Runs,
    /// Whether it was ended.
    pub ended: bool,
    /// The RST_STREAM frame that this peer sent.
    pub reset: Option<u64>,
    /// Its frames.
    pub frames: Option<Frames>,
    /// Those of them that have header fields or data, without interim ones.
    pub said: Option<Frames>,
    /// Where frames of it may be missing, between its own.
    pub breaks: Box<[Break]>,
    body: OnceLock<Body>,
    /// What it says it carries: most messages of a connection share it with the header table.
    pub content_type: Option<Bytes>,
}

/// The places of the first and the last frame of several: their first and their last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    /// First byte of the first one.
    pub first: u64,
    /// Last byte of the last one.
    pub last: u64,
}

impl Frames {
    /// That frame is one of them.
    pub fn with(of: Option<Self>, at: u64, end: u64) -> Option<Self> {
        let first = of.map_or(at, |f| f.first);
        let last = end.saturating_sub(1).max(at);
        Some(Self { first, last })
    }
}

/// A place where frames of a message may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// How many of its DATA frames come before it.
    pub before: usize,
    /// First byte of what is missing in the direction.
    pub at: u64,
    /// The first byte after it.
    pub until: u64,
}

/// What was expected where frames are missing: the connection and its streams say the same.
pub const ALL_FRAMES: &str = "all frames";
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
    /// The path of the request: most of a connection share it with the header table.
    pub path: Option<Bytes>,
    /// The field that is to be remembered, if it is in the block that ends the response: its value, and the bits of that.
    pub remembered: Option<(Bytes, Span)>,
}

/// The field of that name in a block, if there is one, it is known, and it lies in one piece: its value, and the bits of that.
pub fn remembered(read: &Read, name: &[u8]) -> Option<(Bytes, Span)> {
    let (info, block) = read;
    let same = |f: &&Field| f.name.known().is_some_and(|n| n == name);
    let mut all = block.fields.iter().filter(same);
    let (Some(field), None, [(base, _)]) = (all.next(), all.next(), &info.fragments[..]) else {
        return None;
    };
    let span = Header::of(field.clone()).place(*base, true).0;
    Some((field.value.known()?.clone(), span))
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

    /// See [`Self::message`].
    pub fn message_mut(&mut self, who: Who) -> &mut Message {
        match who {
            Who::Client => &mut self.request,
            Who::Server => &mut self.response,
        }
    }

    /// What the DATA frames of a message hold, in one piece. Whoever asks gets the same space.
    pub fn body(&self, talk: &Talk, who: Who) -> &Body {
        let message = self.message(who);
        message.body.get_or_init(|| {
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
            Body {
                space: Space::derived(talk.side(who).space.clone(), Arc::new(gather)),
                breaks: breaks.into(),
            }
        })
    }
}
