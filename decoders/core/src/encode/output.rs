//! What encoding gives: runs of the input, and the bytes that replace others.

use super::Report;
use super::splice::{ByteSplice, Changes, merge};
use crate::node::Node;
use crate::space::Piece;
use crate::{Lost, Reject, Space, Span};
use bytes::Bytes;
use std::io;

/// An encoded node: the bytes of the input, with some of them replaced.
pub struct Encoded {
    space: Space,
    start: u64,
    end: u64,
    splices: Vec<ByteSplice>,
    /// What was recomputed, and what was left wrong.
    pub report: Report,
}

impl Encoded {
    pub(super) fn new(
        node: &Node,
        (space, span): (Space, Span),
        mut changes: Changes,
        report: Report,
    ) -> Result<Self, Reject> {
        let mut own = changes.take(&space);
        if !space.same(&node.green().space) {
            // a joint layer may also have changed what lies around this node
            own.retain(|s| span.contains(s.span));
        }
        if changes.spaces().next().is_some() {
            return Err(Reject::Structure {
                path: node.path_text(),
                why: "this edit also changes bytes outside of it; encode the whole input"
                    .to_owned(),
            });
        }
        if !span.is_aligned() {
            if own.is_empty() {
                space.refuse_lost(span, || node.path_text())?;
            }
            let bits = own
                .last()
                .map_or_else(|| space.bits(span), |s| s.new.clone());
            let space = Space::source(bits.bytes().clone());
            return Ok(Self {
                start: 0,
                end: space.len(),
                space,
                splices: Vec::new(),
                report,
            });
        }
        let encoded = Self {
            start: span.first_byte(),
            end: span.end_byte(),
            splices: merge(&space, own)?,
            space,
            report,
        };
        for run in encoded.clean_runs() {
            encoded.space.refuse_lost(run, || node.path_text())?;
        }
        Ok(encoded)
    }

    /// The runs between the splices.
    fn clean_runs(&self) -> impl Iterator<Item = Span> + '_ {
        let mut at = self.start;
        let ends = self.splices.iter().map(|s| (s.start, s.end));
        ends.chain([(self.end, self.end)])
            .filter_map(move |(until, next)| {
                let from = at;
                at = next.max(at);
                (from < until).then(|| Span::bytes(from, until - from))
            })
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        let clean: u64 = self.clean_runs().map(|run| self.space.given_len(run)).sum();
        let new: u64 = self.splices.iter().map(|s| s.new.len() as u64).sum();
        clean + new
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bytes are those of the input.
    pub fn is_clean(&self) -> bool {
        self.splices.is_empty()
    }

    /// The bytes, in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> + '_ {
        let zeros = self.space.lost() == Lost::Zeros;
        let clean = move |span: Span| {
            self.space
                .pieces(span)
                .filter_map(move |piece| match piece {
                    Piece::There(bytes) => Some(bytes),
                    Piece::Missing(n) if zeros => Some(Bytes::from(vec![0; n as usize])),
                    Piece::Missing(_) => None,
                })
        };
        let mut at = self.start;
        let splices = self.splices.iter().map(|s| (s.start, s.end, Some(&s.new)));
        let all = splices.chain([(self.end, self.end, None)]);
        all.flat_map(move |(start, end, new)| {
            let run = Span::bytes(at, start.saturating_sub(at));
            at = end.max(at);
            let new = new.filter(|new| !new.is_empty()).cloned();
            clean(run).chain(new)
        })
    }

    /// All bytes in one piece.
    pub fn to_bytes(&self) -> Bytes {
        if self.splices.is_empty()
            && let Ok(bytes) = self.space.given(self.span(), String::new)
        {
            return bytes;
        }
        let mut out = Vec::with_capacity(self.len() as usize);
        self.pieces()
            .for_each(|piece| out.extend_from_slice(&piece));
        out.into()
    }

    fn span(&self) -> Span {
        Span::bytes(self.start, self.end - self.start)
    }

    /// Write all bytes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, w: &mut dyn io::Write) -> io::Result<()> {
        self.pieces().try_for_each(|piece| w.write_all(&piece))
    }
}
