//! The stream of records, as a layer over the pages.

use super::geometry::Geometry;
use binq_core::layer::Layer;
use binq_core::{Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// The log without its page headers.
pub struct Stream {
    /// Where the pages are.
    pub geometry: Arc<Geometry>,
}

impl Stream {
    /// The runs of input bytes, as (first byte, length), that hold a run of the stream.
    fn runs(&self, mut at: u64, len: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let end = at + len;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (page, byte) = self.geometry.place(at);
            let run = (self.geometry.blcksz - byte).min(end - at);
            at += run;
            Some((page * self.geometry.blcksz + byte, run))
        })
    }
}

impl Layer for Stream {
    fn len(&self) -> u64 {
        self.geometry.stream_len()
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        let mut runs = self.runs(at, len);
        let Some((start, first)) = runs.next() else {
            return Cow::Borrowed(&[]);
        };
        if first == len {
            return under.read(start, len);
        }
        let mut out = Vec::with_capacity(len as usize);
        out.extend_from_slice(&under.read(start, first));
        for (start, len) in runs {
            out.extend_from_slice(&under.read(start, len));
        }
        out.into()
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        if span.len == 0 {
            let at = self.geometry.file_of(span.first_byte());
            return vec![Span::bits(at * 8 + span.start % 8, 0)];
        }
        let first = span.first_byte();
        let mut out = Vec::new();
        let mut done = first;
        for (start, len) in self.runs(first, span.byte_len()) {
            // cut the run to the bits that the span has of it
            let from = span.start.max(done * 8) - done * 8;
            let to = span.end().min((done + len) * 8) - done * 8;
            out.push(Span::bits(start * 8 + from, to - from));
            done += len;
        }
        out
    }
}
