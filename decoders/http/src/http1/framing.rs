//! The layer between a stream and its messages: the same bytes, and what follows from a change of them: `Content-Length` and
//! the sizes of chunks.

use super::Stream;
use super::message::{Body, Chunk, Message, length_of};
use super::search::Messages;
use super::shape::SIZE;
use crate::lines::{Line, read_on};
use binq_core::codec::Codec;
use binq_core::encode::{Did, Note, Report, Splice, agree, near};
use binq_core::layer::{Following, Patching};
use binq_core::{Bits, Reject, Scalar, Space, Span};
use std::collections::HashSet;
use std::sync::Arc;

/// The messages of one direction.
pub struct Framing {
    /// The stream, as it lies under this layer.
    pub stream: Arc<Stream>,
}

impl Following for Framing {
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
            moved: Vec::new(),
        };
        let messages: &Messages = self.stream.messages();
        for (i, message) in messages.all.iter().enumerate() {
            let whole = Span::bytes(message.at, message.end - message.at);
            if derive.inside(whole).next().is_some() {
                derive.path = format!("{}[{}]", self.stream.path, messages.place(i));
                derive.message(message)?;
            }
        }
        let (new, gone, moved) = (derive.new, derive.gone, derive.moved);
        // chunks that go are in order
        let goes = |c: &Splice| {
            let i = gone.partition_point(|g| g.end() < c.span.end());
            gone.get(i).is_some_and(|g| g.contains(c.span))
        };
        for (i, new) in moved {
            changes[i].new = new;
        }
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
    /// Changes, by their index, that insert something else now.
    moved: Vec<(usize, Bits)>,
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
                let lengths = message.headers.iter().enumerate();
                for (i, line) in lengths.filter(|(_, l)| l.name == "content-length") {
                    let Some(said) = length_of(&line.value) else {
                        continue;
                    };
                    let right = said.saturating_add_signed(growth);
                    let path = format!("{}.headers[{i}].value", self.path);
                    if growth != 0 && self.goes(line) && !self.is_pinned_as(line) {
                        self.move_length(message, line, right, path);
                        continue;
                    }
                    let is_right = |new: &Bits| length_of(new.bytes()) == Some(right);
                    self.field(line.value_span(), path, growth, is_right, |like| {
                        let new = Bits::from_bytes(right.to_string().into_bytes());
                        let is = String::from_utf8_lossy(like.bytes()).into_owned();
                        Ok((is.into(), right.to_string().into(), new))
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

    /// Whether a header field is removed from where it is.
    fn goes(&self, line: &Line) -> bool {
        let whole = Span::bytes(line.at, line.end - line.at);
        near(self.changes, whole).any(|c| c.span.len > 0 && c.span.contains(whole))
    }

    /// Whether the value that it has was assigned to it.
    fn is_pinned_as(&self, line: &Line) -> bool {
        self.pins.contains(&line.value_span())
    }

    /// A length whose line is removed in one place of the head and inserted in another one, as it was: the new one is written
    /// there.
    fn move_length(&mut self, message: &Message, line: &Line, right: u64, path: String) {
        let first = message
            .headers
            .first()
            .map_or(message.headers_end, |l| l.at);
        let head = Span::bytes(first, message.headers_end - first);
        let mut found = false;
        for (i, change) in self.changes.iter().enumerate() {
            if !head.contains(change.span) {
                continue;
            }
            let bytes = change.new.bytes();
            let (lines, ..) = read_on(bytes, 0, |_| false);
            let same = |l: &&Line| l.name == line.name && l.value == line.value;
            let Some(moved) = lines.iter().find(same) else {
                continue;
            };
            let (from, to) = (
                moved.value_at as usize,
                moved.value_span().end_byte() as usize,
            );
            let digits = right.to_string();
            let new = [&bytes[..from], digits.as_bytes(), &bytes[to..]].concat();
            self.moved.push((i, Bits::from_bytes(new)));
            found = true;
        }
        if found {
            self.report.notes.push(Note {
                path,
                offset: self.under.offset(line.value_at),
                did: Did::Recomputed {
                    from: String::from_utf8_lossy(&line.value).into_owned().into(),
                    to: right.to_string().into(),
                },
            });
        }
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
        let is_right = |new: &Bits| {
            SIZE.decode(new)
                .is_ok_and(|size| size == Scalar::from(right))
        };
        self.field(size, path.clone(), growth, is_right, |like| {
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

    /// Write a size, unless it was assigned. `is_right` says of what was assigned whether it is what would be written.
    fn field(
        &mut self,
        span: Span,
        path: String,
        growth: i64,
        is_right: impl Fn(&Bits) -> bool,
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
            if assigned.is_some_and(|change| is_right(&change.new)) {
                return Ok(());
            }
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
        self.report.notes.push(Note { path, offset, did });
        Ok(())
    }
}
