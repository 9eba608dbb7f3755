//! What the DATA frames of a message hold: length-prefixed messages, if it is gRPC.

use super::web::TRAILERS;
use binq_core::encode::{Did, Note, Splice, agree};
use binq_core::layer::{Gather, Layer, Patching};
use binq_core::{Reject, Scalar, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes before a message: compressed or not, and its length.
pub const PREFIX: u64 = 5;

/// Name of the items of a list of messages.
pub const MESSAGE: &str = "messages";

/// The data of a message, gathered from its DATA frames.
pub struct Body {
    gather: Gather,
    framed: bool,
    breaks: Arc<[Span]>,
}

impl Body {
    /// Of these runs. `framed`: whether messages are written in it as they are; in gRPC-Web, a layer above has them. `breaks`: the
    /// runs that are missing and may be shorter than they seem.
    pub fn new(gather: Gather, framed: bool, breaks: Arc<[Span]>) -> Self {
        Self {
            gather,
            framed,
            breaks,
        }
    }

    /// The space that it makes, in which reading ends where bytes are missing.
    fn own_space(&self, under: &Space) -> Space {
        Space::derived(under.clone(), Arc::new(self.gather.clone()))
    }
}

/// The messages of a body: first byte and length without the prefix; of one that is cut, the length that is there.
pub fn messages(
    read: impl Fn(u64, u64) -> Vec<u8>,
    len: u64,
    breaks: &[Span],
) -> impl Iterator<Item = (u64, u64)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (first, there) = next(&read, len, breaks, at)?;
        at = first + PREFIX + there;
        Some((first, there))
    })
}

/// The next message from a byte on.
///
/// It is not known how many bytes are missing at a break. What follows it is taken for messages where it is filled by them up to
/// the next break, or to the end.
pub fn next(
    read: &impl Fn(u64, u64) -> Vec<u8>,
    len: u64,
    breaks: &[Span],
    mut at: u64,
) -> Option<(u64, u64)> {
    let mut i = breaks.partition_point(|b| b.end_byte() <= at);
    loop {
        let gap = breaks.get(i);
        let end = gap.map_or(len, |b| b.first_byte());
        if let Some((_, there)) = one(read, at, end) {
            return Some((at, there));
        }
        // the next run that is all messages
        loop {
            at = breaks.get(i)?.end_byte();
            i += 1;
            let end = breaks.get(i).map_or(len, |b| b.first_byte());
            if is_filled(read, at, end) {
                break;
            }
        }
    }
}

/// What a message says that its length is, and the length that is there.
fn one(read: &impl Fn(u64, u64) -> Vec<u8>, at: u64, end: u64) -> Option<(u64, u64)> {
    let left = end.checked_sub(at + PREFIX)?;
    let head: [u8; 5] = read(at, PREFIX).try_into().ok()?;
    let said = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
    Some((said, said.min(left)))
}

/// Whether bytes are whole messages, with flags that messages have.
fn is_filled(read: &impl Fn(u64, u64) -> Vec<u8>, mut at: u64, end: u64) -> bool {
    while at < end {
        let flags = read(at, 1).first().copied();
        match one(read, at, end) {
            Some((said, there)) if said == there && flags <= Some(1) => at += PREFIX + there,
            _ => return false,
        }
    }
    true
}

impl Layer for Body {
    fn len(&self) -> u64 {
        self.gather.len()
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        self.gather.read(under, at, len)
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        self.gather.origins(span)
    }

    fn hole(&self, span: Span) -> Option<Span> {
        self.gather.hole(span)
    }

    fn has_holes(&self) -> bool {
        self.gather.has_holes()
    }

    fn joint(&self) -> bool {
        true
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let own = self.own_space(under);
        let mut changes = agree(&own, changes)?;
        let grpc = changes.iter().any(|c| c.by.starts_with(".grpc_calls"));
        if grpc && self.framed {
            let offset = |at: u64| {
                let origins = self.gather.origins(Span::bytes(at, 4));
                under.offset(origins.first().map_or(0, |s| s.first_byte()))
            };
            let lengths = lengths(&own, &changes, cx, offset, &self.breaks);
            changes.extend(lengths);
        }
        self.gather.scatter(self.gather.narrowed(under, changes))
    }
}

/// The length of each message that changed its size. `offset` tells where in the input a byte is.
pub fn lengths(
    own: &Space,
    changes: &[Splice],
    cx: &mut Patching<'_>,
    offset: impl Fn(u64) -> u64,
    breaks: &[Span],
) -> Vec<Splice> {
    let read = |at, len| own.read(at, len).into_owned();
    let mut out = Vec::new();
    let mut next = 0;
    for (at, len) in messages(read, own.len(), breaks) {
        let message = Span::bytes(at + PREFIX, len);
        while next < changes.len() && changes[next].span.end() < message.start {
            next += 1;
        }
        let inside = changes[next..]
            .iter()
            .take_while(|c| c.span.start <= message.end())
            // whole messages that come and go beside it are not its own
            .filter(|c| message.contains(c.span) && c.items != Some(MESSAGE));
        let mut by = None;
        let growth: i64 = inside
            .inspect(|c| by = Some(c.by.clone()))
            .map(Splice::growth)
            .sum();
        let Some(by) = by.filter(|_| growth != 0) else {
            continue;
        };
        let field = Span::bytes(at + 1, 4);
        let was = own.read(at + 1, 4);
        let was = u32::from_be_bytes([was[0], was[1], was[2], was[3]]);
        let right = i64::from(was) + growth / 8;
        let assigned = changes.iter().find(|c| c.span == field);
        // the message's path is what the change is by, up to the message
        let trailers = own.read(at, 1)[0] & TRAILERS != 0;
        let path = match by.find("].message") {
            Some(i) if !trailers => format!("{}].length", &by[..i]),
            _ => by.to_string(),
        };
        let offset = offset(at + 1);
        let is = |n: i64| Scalar::Int(n.into());
        if assigned.is_some() || cx.pins.contains(&field) || !cx.fix {
            let kept = assigned.map_or(i64::from(was), |c| c.new.uint() as i64);
            if kept != right {
                cx.report.notes.push(Note {
                    path,
                    offset,
                    did: Did::LeftWrong {
                        is: is(kept),
                        right: is(right),
                    },
                });
            }
            continue;
        }
        // the prefix of the trailers is no field of its own
        let did = match trailers {
            true => Did::Other(format!("the length of the trailers {was} became {right}")),
            false => Did::Recomputed {
                from: is(was.into()),
                to: is(right),
            },
        };
        cx.report.notes.push(Note {
            path: path.clone(),
            offset,
            did,
        });
        let new = (right as u32).to_be_bytes().to_vec();
        out.push(Splice::new(field, new, &path));
    }
    out
}
