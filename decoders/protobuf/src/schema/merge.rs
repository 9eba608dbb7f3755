//! A singular message that is there more than once: its records are merged, and read as if their bytes followed each other
//! (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>).

use crate::wire::record::{LEN, Record, Run};
use binq_core::codec::Codec;
use binq_core::encode::Splice;
use binq_core::layer::{Layer, Patching};
use binq_core::{Malformed, Reject, Scalar, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// The bytes of all these records.
pub fn space(under: &Space, pieces: &[Record]) -> Space {
    let mut starts = Vec::with_capacity(pieces.len());
    let mut bytes = Vec::new();
    for piece in pieces {
        starts.push(bytes.len() as u64);
        bytes.extend_from_slice(&under.read(piece.body, piece.body_end - piece.body));
    }
    let merged = Merged {
        pieces: pieces.to_vec(),
        starts,
        bytes,
    };
    Space::derived(under.clone(), Arc::new(merged))
}

/// What is wrong with the first piece that does not end with a record: each is read on its own.
pub fn wrong(under: &Space, pieces: &[Record]) -> Option<Malformed> {
    pieces.iter().find_map(|piece| {
        let mut records = Run::new(under, piece.body()).records();
        records.by_ref().for_each(drop);
        records.wrong
    })
}

/// A finding of one of these records, as one of the merged space.
pub fn placed(wrong: Malformed, pieces: &[Record]) -> Malformed {
    let mut start = 0;
    for piece in pieces {
        if (piece.body..=piece.body_end).contains(&wrong.at) {
            // the byte after a piece is one of the next piece
            let last = piece.body_end.saturating_sub(1).max(piece.body);
            let at = start + wrong.at.min(last) - piece.body;
            return Malformed { at, ..wrong };
        }
        start += piece.body_end - piece.body;
    }
    wrong
}

struct Merged {
    pieces: Vec<Record>,
    /// Where each piece begins in the merged space.
    starts: Vec<u64>,
    /// The merged space: it is read byte by byte, and pieces may lie in other merged spaces.
    bytes: Vec<u8>,
}

impl Merged {
    /// The bits that a piece has in the merged space.
    fn span_of(&self, piece: usize) -> Span {
        let piece_len = self.pieces[piece].body_end - self.pieces[piece].body;
        Span::bytes(self.starts[piece], piece_len)
    }

    /// The pieces that a span touches, or ends at.
    fn around(&self, span: Span) -> std::ops::Range<usize> {
        let end_of = |i: usize| self.span_of(i).end();
        let mut from = self.starts.partition_point(|start| start * 8 < span.start);
        while from > 0 && end_of(from - 1) >= span.start {
            from -= 1;
        }
        let to = self.starts.partition_point(|start| start * 8 <= span.end());
        from..to
    }
}

impl Layer for Merged {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read<'a>(&self, _under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        let all = self.bytes.len() as u64;
        let at = at.min(all);
        let end = at.saturating_add(len).min(all);
        Cow::Owned(self.bytes[at as usize..end as usize].to_vec())
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        let parts = self.around(span).filter_map(|i| {
            let own = self.span_of(i);
            let from = span.start.max(own.start);
            let to = span.end().min(own.end());
            let moved = |at: u64| at - own.start + self.pieces[i].body * 8;
            (from < to).then(|| Span::bits(moved(from), to - from))
        });
        parts.collect()
    }

    /// Each change goes to the pieces that it is in, or ends at; of those, the first gets the new bytes. Then the lengths of
    /// the pieces follow.
    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let mut grown = vec![0i64; self.pieces.len()];
        let mut out = Vec::new();
        for change in changes {
            let mut new = Some(&change.new);
            for i in self.around(change.span) {
                let (own, piece) = (self.span_of(i), &self.pieces[i]);
                let from = change.span.start.max(own.start);
                let to = change.span.end().min(own.end());
                if from > to || (from == to && new.is_none()) {
                    continue;
                }
                let moved = |s: Span| Span::bits(s.start - own.start + piece.body * 8, s.len);
                let part = Splice {
                    span: moved(Span::bits(from, to - from)),
                    new: new.take().map_or_else(super::map::no_bits, Clone::clone),
                    by: change.by.clone(),
                    assigned: change.assigned,
                    lowered: change.lowered,
                    items: None,
                    spares: change.spares.map(moved),
                    seat: None,
                };
                grown[i] += part.growth();
                out.push(part);
            }
        }
        for (piece, growth) in self.pieces.iter().zip(grown) {
            if growth == 0 || piece.wire_type != LEN {
                continue;
            }
            let like = under.bits(piece.prefix());
            let len = (piece.body_end - piece.body).saturating_add_signed(growth / 8);
            let codec = &crate::wire::codec::LENGTH;
            let new = codec.encode(&Scalar::from(len), &like);
            let new = new.map_err(|e| Reject::Misfit {
                path: "the length of a message that is split".to_owned(),
                offset: under.offset(piece.tag_end),
                expected: e.expected,
                found: e.found,
            })?;
            out.push(Splice {
                new,
                ..Splice::new(
                    piece.prefix(),
                    Vec::new(),
                    "the length of a message that is split",
                )
            });
        }
        Ok(out)
    }
}
