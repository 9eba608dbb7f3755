//! The layer between a stream and its messages: the same bytes, and what follows from a change of them: `Content-Length` and
//! the sizes of chunks.

use super::Stream;
use super::message::{Body, Chunk, Message};
use super::search::Messages;
use super::shape::SIZE;
use binq_core::codec::Codec;
use binq_core::encode::{Did, Note, Report, Splice, agree, near};
use binq_core::layer::{Layer, Patching};
use binq_core::{Bits, Reject, Scalar, Space, Span};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// The messages of one direction.
pub struct Framing {
    /// The stream, as it lies under this layer.
    pub stream: Arc<Stream>,
}

impl Layer for Framing {
    fn len(&self) -> u64 {
        self.stream.raw.len()
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        under.read(at, len)
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        vec![span]
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
        let mut changes = agree(under, changes)?;
        for change in &mut changes {
            change.items = None;
        }
        if !cx.fix {
            return Ok(changes);
        }
        let mut derive = Derive {
            under,
            pins: cx.pins.iter().copied().collect(),
            changes: &changes,
            report: cx.report,
            path: String::new(),
            new: Vec::new(),
            gone: Vec::new(),
        };
        let messages: &Messages = self.stream.messages();
        for (i, message) in messages.all.iter().enumerate() {
            let whole = Span::bytes(message.at, message.end - message.at);
            if derive.inside(whole).next().is_some() {
                derive.path = format!("{}[{}]", self.stream.path, messages.place(i));
                derive.message(message)?;
            }
        }
        let (new, gone) = (derive.new, derive.gone);
        // chunks that go are in order
        let goes = |c: &Splice| {
            let i = gone.partition_point(|g| g.end() < c.span.end());
            gone.get(i).is_some_and(|g| g.contains(c.span))
        };
        let mut out: Vec<Splice> = changes.iter().filter(|c| !goes(c)).cloned().collect();
        out.extend(new);
        Ok(out)
    }
}

/// What follows for one message.
struct Derive<'a> {
    under: &'a Space,
    /// What was assigned the value that it had.
    pins: HashSet<Span>,
    /// The changes, in order.
    changes: &'a [Splice],
    report: &'a mut Report,
    path: String,
    /// What follows.
    new: Vec<Splice>,
    /// Chunks that are removed.
    gone: Vec<Span>,
}

impl Derive<'_> {
    /// The changes in a part of the stream.
    fn inside(&self, part: Span) -> impl Iterator<Item = &Splice> {
        near(self.changes, part).filter(move |c| part.contains(c.span))
    }

    /// By how many bytes a part of the stream grows.
    fn growth(&self, part: Span) -> i64 {
        self.inside(part).map(Splice::growth).sum::<i64>() / 8
    }

    fn message(&mut self, message: &Message) -> Result<(), Reject> {
        match &message.body {
            Body::None => {}
            Body::Whole(span) => {
                let growth = self.growth(*span);
                for (i, line) in message.headers.iter().enumerate() {
                    let said = std::str::from_utf8(&line.value).ok();
                    let said = said.and_then(|s| s.parse::<u64>().ok());
                    let (b"content-length", Some(said)) = (&line.name[..], said) else {
                        continue;
                    };
                    let right = said.saturating_add_signed(growth);
                    let path = format!("{}.headers[{i}].value", self.path);
                    let text = |n: u64| n.to_string();
                    self.field(line.value_span(), path, growth, |like| {
                        let (old, new) = (text(said), text(right));
                        let is = String::from_utf8_lossy(like.bytes()).into_owned();
                        debug_assert_eq!(old.trim_start_matches('0'), is.trim_start_matches('0'));
                        Ok((
                            is.into(),
                            new.as_str().into(),
                            Bits::from_bytes(new.into_bytes()),
                        ))
                    })?;
                }
            }
            Body::Chunked { chunks, .. } => {
                for (i, chunk) in chunks.iter().enumerate() {
                    self.chunk(i, chunk)?;
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, i: usize, chunk: &Chunk) -> Result<(), Reject> {
        let growth = self.growth(chunk.data);
        let right = chunk.size.saturating_add_signed(growth);
        let size = Span::bytes(chunk.at, chunk.digits);
        let path = format!("{}.chunks[{i}].size", self.path);
        if right == 0 && growth < 0 && !self.is_pinned(size) {
            // an empty chunk would end the body: this one goes
            let whole = Span::bytes(chunk.at, chunk.end - chunk.at);
            let by = self.inside(chunk.data).next();
            let by = by.map_or_else(|| path.as_str().into(), |c| c.by.clone());
            self.gone.push(whole);
            self.new.push(Splice::new(whole, Vec::new(), &by));
            self.report.notes.push(Note {
                path,
                offset: self.under.offset(chunk.at),
                did: Did::Other("removed: a chunk of no bytes would end the body".to_owned()),
            });
            return Ok(());
        }
        let said = chunk.size;
        self.field(size, path.clone(), growth, |like| {
            let right = Scalar::from(right);
            let new = SIZE.encode(&right, like).map_err(|e| Reject::Misfit {
                path,
                offset: 0,
                expected: e.expected,
                found: e.found,
            })?;
            Ok((Scalar::from(said), right, new))
        })
    }

    fn is_pinned(&self, span: Span) -> bool {
        let assigned = |c: &Splice| c.assigned && c.span.len > 0 && c.span.touches(span);
        self.pins.contains(&span) || near(self.changes, span).any(assigned)
    }

    /// Write a size, unless it was assigned.
    fn field(
        &mut self,
        span: Span,
        path: String,
        growth: i64,
        new: impl FnOnce(&Bits) -> Result<(Scalar, Scalar, Bits), Reject>,
    ) -> Result<(), Reject> {
        if growth == 0 {
            return Ok(());
        }
        let like = self.under.bits(span);
        let (is, right, new) = new(&like)?;
        let offset = self.under.offset(span.first_byte());
        let did = if self.is_pinned(span) {
            let assigned = near(self.changes, span).find(|c| c.span == span);
            let is = match assigned {
                Some(change) => String::from_utf8_lossy(change.new.bytes())
                    .into_owned()
                    .into(),
                None => is,
            };
            Did::LeftWrong { is, right }
        } else {
            let by = path.as_str();
            self.new.push(Splice {
                new,
                ..Splice::new(span, Vec::new(), by)
            });
            Did::Recomputed {
                from: is,
                to: right,
            }
        };
        // what was assigned right is not wrong
        if !matches!(&did, Did::LeftWrong { is, right } if is == right) {
            self.report.notes.push(Note { path, offset, did });
        }
        Ok(())
    }
}
