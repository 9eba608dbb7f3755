//! What encoding gives: runs of the input, and the bytes that replace others.

use super::Report;
use super::splice::{ByteSplice, Changes, merge};
use crate::node::Node;
use crate::{Reject, Space, Span};
use bytes::Bytes;
use std::io;

/// Clean runs are read in pieces of this size, so that a large input is never held twice.
const PIECE: u64 = 1 << 20;

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
        if changes.0.iter().any(|(_, splices)| !splices.is_empty()) {
            return Err(Reject::Structure {
                path: node.path_text(),
                why: "this edit also changes bytes outside of it; encode the whole input"
                    .to_owned(),
            });
        }
        if !span.is_aligned() {
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
        Ok(Self {
            start: span.first_byte(),
            end: span.end_byte(),
            splices: merge(&space, own)?,
            space,
            report,
        })
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        let growth: i64 = self
            .splices
            .iter()
            .map(|s| s.new.len() as i64 - (s.end - s.start) as i64)
            .sum();
        (self.end - self.start).saturating_add_signed(growth)
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
        let mut at = self.start;
        let mut next = 0;
        std::iter::from_fn(move || {
            loop {
                let splice = self.splices.get(next);
                let until = splice.map_or(self.end, |s| s.start.max(at));
                if at < until {
                    let n = PIECE.min(until - at);
                    at += n;
                    return Some(self.space.bytes(at - n, n));
                }
                let splice = splice?;
                next += 1;
                at = splice.end;
                if !splice.new.is_empty() {
                    return Some(splice.new.clone());
                }
            }
        })
    }

    /// All bytes in one piece.
    pub fn to_bytes(&self) -> Bytes {
        if self.splices.is_empty() {
            return self.space.bytes(self.start, self.end - self.start);
        }
        let mut out = Vec::with_capacity(self.len() as usize);
        self.pieces()
            .for_each(|piece| out.extend_from_slice(&piece));
        out.into()
    }

    /// Write all bytes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, w: &mut dyn io::Write) -> io::Result<()> {
        self.pieces().try_for_each(|piece| w.write_all(&piece))
    }
}
