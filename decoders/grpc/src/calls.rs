//! Which exchanges of HTTP are gRPC calls.

use crate::body;
use crate::call::Call;
use crate::codecs::{STATUS_FIELD, status_of};
use crate::web::{Opened, Web, is_grpc};
use binq_core::dialogue::Dialogue;
use binq_core::{Kind, Malformed, Options, Scalar, Severity, Space, Span};
use binq_http::exchange::{Exchanges, Head, Times, Who};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// The name of the list of calls.
pub const LIST: &str = "grpc_calls";

/// The calls of a connection.
pub struct Calls {
    by: Arc<dyn Exchanges>,
    options: Arc<Options>,
    found: OnceLock<Vec<Arc<Carried>>>,
}

impl Calls {
    /// Those among these exchanges.
    pub fn new(by: &Arc<dyn Exchanges>, options: &Options) -> Self {
        by.remember(STATUS_FIELD);
        Self {
            by: by.clone(),
            options: Arc::new(options.clone()),
            found: OnceLock::new(),
        }
    }

    fn found(&self) -> &[Arc<Carried>] {
        self.found.get_or_init(|| {
            let of = |i| Carried {
                by: self.by.clone(),
                options: self.options.clone(),
                i,
                opened: Default::default(),
            };
            let all = (0..self.by.count()).map(of).filter(Carried::is_call);
            all.map(Arc::new).collect()
        })
    }
}

impl Dialogue for Calls {
    fn count(&self, list: &str) -> u64 {
        match list {
            LIST => self.found().len() as u64,
            _ => 0,
        }
    }

    fn item(&self, list: &str, i: u64) -> Option<Kind> {
        let found = (list == LIST).then(|| self.found())?;
        let call = found.get(usize::try_from(i).ok()?)?;
        Some(Kind::shared(Arc::new(Call(call.clone()))))
    }
}

/// An exchange of HTTP that carries a call.
pub struct Carried {
    by: Arc<dyn Exchanges>,
    /// Settings of the decode.
    pub options: Arc<Options>,
    i: usize,
    opened: [OnceLock<Box<Opened>>; 2],
}

impl Carried {
    /// Whether it is a call: the content type of the request says so, which is mandatory. Where that is not known, it is what the
    /// response has, or the bodies, of which every byte is of a message.
    fn is_call(&self) -> bool {
        let is_one = |kind: &Bytes| match self.by.is_http2() {
            true => is_grpc(kind),
            false => Web::of(kind).is_some(),
        };
        let [sent, received] = Who::BOTH.map(|who| self.by.content_type(self.i, who));
        if let Some(kind) = sent.or(received) {
            return is_one(&kind);
        }
        let [sent, received] = Who::BOTH.map(|who| self.headers(who));
        let says_all = |head: &dyn Head| head.is_complete() && !head.has_unknown();
        if !self.by.is_http2() || sent.as_deref().is_some_and(says_all) {
            return false;
        }
        let heads = [sent, received, self.trailers()];
        if heads.iter().flatten().any(|head| head.has(STATUS_FIELD)) {
            return true;
        }
        let hidden = heads[..2].iter().flatten().any(|head| head.has_unknown());
        hidden && self.looks_like_call()
    }

    /// That what the server sent is none of the call, as its content type says: a proxy's page, for one.
    fn other(&self, who: Who) -> Option<Malformed> {
        let kind = self.by.content_type(self.i, who)?;
        if who == Who::Client || is_grpc(&kind) {
            return None;
        }
        let head = self.headers(who)?;
        let (span, _) = head.place(b"content-type")?;
        let found = format!("{:?}", String::from_utf8_lossy(&kind));
        let at = head.space().offset(span.first_byte());
        let other = Malformed::new(at, "content-type application/grpc", found);
        Some(other.with(Severity::Odd))
    }

    /// Whether the bodies are messages as gRPC has them: every byte is of one.
    fn looks_like_call(&self) -> bool {
        // whether a body is all messages, if it is: whether there is one, and whether one of them has bytes
        let carries = |who| {
            let opened = self.opened(who);
            let (space, breaks) = (&opened.space, &opened.breaks);
            let read = |at, len| space.read(at, len).into_owned();
            let (mut end, mut some) = (0, false);
            for message in body::messages(read, space.len(), breaks) {
                if space.read(message.at, 1)[0] > 1 || !message.is_whole() {
                    return None;
                }
                (end, some) = (message.end(), some || message.len > 0);
            }
            (end == space.len()).then_some((end > 0, some))
        };
        match Who::BOTH.map(carries) {
            // five zeros are an empty message, or anything else
            [Some((_, true)), _] | [_, Some((_, true))] => true,
            [Some((true, _)), Some((true, _))] => true,
            _ => false,
        }
    }

    /// The header fields that a peer sent.
    pub fn headers(&self, who: Who) -> Option<Box<dyn Head>> {
        self.by.headers(self.i, who)
    }

    /// The trailers that HTTP has.
    pub fn trailers(&self) -> Option<Box<dyn Head>> {
        self.by.trailers(self.i)
    }

    /// The path, where it is known without a look at the header fields.
    pub fn path(&self) -> Option<Bytes> {
        self.by.path(self.i)
    }

    /// The status, where it is known without a look at the trailers: the code, and where it lies.
    pub fn status(&self) -> Option<(u32, &Space, Span)> {
        let (text, space, span) = self.by.remembered(self.i)?;
        Some((status_of(text).ok()?, space, span))
    }

    /// The body that a peer sent, open for messages. Whoever asks gets the same spaces.
    pub fn opened(&self, who: Who) -> &Opened {
        self.opened[who as usize].get_or_init(|| {
            let body = self.by.body(self.i, who);
            if let Some(other) = self.other(who) {
                return Box::new(Opened::nothing(&body.space, other));
            }
            let web = [who, who.other()].into_iter().find_map(|who| {
                let kind = self.by.content_type(self.i, who)?;
                Some(Web::of(&kind))
            });
            Box::new(match web.flatten() {
                Some(web) => {
                    let head = self.headers(who);
                    let coding = head.as_ref().and_then(|head| head.value(b"grpc-encoding"));
                    web.open(&body.space, coding)
                }
                None => Opened {
                    space: body.space.clone(),
                    messages: body.space.span(),
                    trailers: None,
                    room: None,
                    breaks: body.breaks.clone(),
                    fault: None,
                },
            })
        })
    }

    /// The computed fields of the exchange.
    pub fn compute(&self, name: &str) -> Scalar {
        self.by.compute(self.i, name)
    }

    /// Where a peer gave up: the space, and the error code there.
    pub fn reset(&self, who: Who) -> Option<(&Space, Span)> {
        self.by.reset(self.i, who)
    }

    /// Whether a peer gave up.
    pub fn is_reset(&self) -> bool {
        Who::BOTH.into_iter().any(|who| self.reset(who).is_some())
    }

    /// When it was said.
    pub fn times(&self) -> Times {
        self.by.times(self.i)
    }

    /// The exchange as a node.
    pub fn kind(&self) -> Kind {
        self.by.kind(self.i)
    }

    /// Whether a peer did not end what it sent, as far as the input has it.
    pub fn is_open(&self, who: Who) -> bool {
        self.by.is_open(self.i, who)
    }

    /// That parts of what a peer sent may be missing, at a byte of the input.
    pub fn lost(&self, who: Who) -> Option<Malformed> {
        self.by.lost(self.i, who)
    }
}
