//! A singular message that is there more than once: its records are merged, and read as if their bytes followed each other
//! (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>).

use crate::wire::record::{LEN, Record};
use binq_core::codec::Codec;
use binq_core::encode::Splice;
use binq_core::layer::{Layer, Patching};
use binq_core::{Reject, Scalar, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// The bytes of all these records.
pub fn space(under: &Space, pieces: &[Record]) -> Space {
    let pieces = pieces.to_vec();
    let len = pieces.iter().map(|r| r.body_end - r.body).sum();
    Space::derived(under.clone(), Arc::new(Merged { pieces, len }))
}

struct Merged {
    pieces: Vec<Record>,
    len: u64,
}

impl Merged {
    /// Each piece, with where it begins in the merged space.
    fn placed(&self) -> impl Iterator<Item = (u64, &Record)> {
        self.pieces.iter().scan(0, |at, piece| {
            let start = *at;
            *at += piece.body_end - piece.body;
            Some((start, piece))
        })
    }
}

impl Layer for Merged {
    fn len(&self) -> u64 {
        self.len
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        let spans = self.origins(Span::bytes(at, len));
        let read = |s: &Span| under.read(s.first_byte(), s.byte_len());
        match spans.as_slice() {
            [one] => read(one),
            many => Cow::Owned(many.iter().flat_map(|s| read(s).into_owned()).collect()),
        }
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        let parts = self.placed().filter_map(|(start, piece)| {
            let from = span.start.max(start * 8);
            let to = span.end().min((start + piece.body_end - piece.body) * 8);
            (from < to).then(|| Span::bits(from - start * 8 + piece.body * 8, to - from))
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
            for (i, (start, piece)) in self.placed().enumerate() {
                let end = (start + piece.body_end - piece.body) * 8;
                let from = change.span.start.max(start * 8);
                let to = change.span.end().min(end);
                if from > to || (from == to && new.is_none()) {
                    continue;
                }
                let moved = |s: Span| Span::bits(s.start - start * 8 + piece.body * 8, s.len);
                let part = Splice {
                    span: moved(Span::bits(from, to - from)),
                    new: new.take().map_or_else(super::map::no_bits, Clone::clone),
                    by: change.by.clone(),
                    assigned: change.assigned,
                    items: None,
                    spares: change.spares.map(moved),
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
