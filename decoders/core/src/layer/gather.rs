//! The layer of everything that was cut in pieces: a stream from its packets, a body from its frames.

use super::{Layer, Patching, narrow};
use crate::encode::{Did, Note, Splice};
use crate::{Reject, Space, Span};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A run of bytes of the derived space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its first byte in the derived space.
    pub at: u64,
    /// Number of bytes.
    pub len: u64,
    /// Its first byte in the space under it; nothing for bytes that are missing there.
    pub from: Option<u64>,
}

impl Run {
    fn end(&self) -> u64 {
        self.at + self.len
    }
}

/// Bytes gathered from runs of the space under it, in order.
///
/// Missing runs (packets that a capture lost) read as zeros. Bytes that are there more than once (retransmissions) change in
/// every copy.
#[derive(Clone, Debug, Default)]
pub struct Gather {
    runs: Vec<Run>,
    /// The run that was read last: most reads go on in it, or in the next one.
    recent: Recent,
    holes: Vec<Span>,
    copies: Vec<Run>,
    longest_copy: u64,
    /// Bytes that are in the space under it once more, as others. Sorted by their beginning.
    disputed: Vec<Span>,
    longest_disputed: u64,
}

/// An index that is only a guess.
#[derive(Debug, Default)]
struct Recent(AtomicUsize);

impl Clone for Recent {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Gather {
    /// A gathering without runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Append a run. One that continues the run before it is joined with it.
    pub fn push(&mut self, from: Option<u64>, len: u64) {
        if len == 0 {
            return;
        }
        let at = self.len();
        if from.is_none() {
            self.holes.push(Span::bytes(at, len));
        }
        match self.runs.last_mut() {
            Some(last) if from.is_some() && last.from.map(|f| f + last.len) == from => {
                last.len += len;
            }
            _ => self.runs.push(Run { at, len, from }),
        }
    }

    /// Append a run that stays apart from the one before it even if it continues it: bytes inserted between the two are
    /// not the same before and after.
    pub fn push_apart(&mut self, from: u64, len: u64) {
        let at = self.len();
        if len > 0 {
            let from = Some(from);
            self.runs.push(Run { at, len, from });
        }
    }

    /// Say that bytes `at .. at + len` are also at byte `from` of the space under it.
    pub fn copy(&mut self, at: u64, from: u64, len: u64) {
        if len > 0 {
            let from = Some(from);
            let i = self.copies.partition_point(|c| c.at <= at);
            self.copies.insert(i, Run { at, len, from });
            self.longest_copy = self.longest_copy.max(len);
        }
    }

    /// Say that bytes `at .. at + len` are in the space under it once more, as others: they are no copies, which would change
    /// with these bytes, and so their number cannot change.
    pub fn dispute(&mut self, at: u64, len: u64) {
        let span = Span::bytes(at, len);
        let i = self.disputed.partition_point(|d| d.start <= span.start);
        self.disputed.insert(i, span);
        self.longest_disputed = self.longest_disputed.max(span.len);
    }

    /// Whether a change touches bytes that are there once more, as others. What is inserted belongs to what is before it.
    fn is_disputed(&self, change: Span) -> bool {
        let touches = |d: &&Span| match change.len {
            0 => d.start < change.start && change.start <= d.end(),
            _ => d.start < change.end() && change.start < d.end(),
        };
        let reach = change.start.saturating_sub(self.longest_disputed);
        let first = self.disputed.partition_point(|d| d.start < reach);
        let near = self.disputed[first..].iter();
        near.take_while(|d| d.start <= change.end())
            .any(|d| touches(&d))
    }

    /// The runs.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The index of the run that holds a byte.
    pub fn run_at(&self, at: u64) -> Option<usize> {
        let holds = |i: usize| self.runs.get(i).is_some_and(|r| r.at <= at && at < r.end());
        let recent = self.recent.0.load(Ordering::Relaxed);
        if let Some(i) = (recent..recent + 2).find(|i| holds(*i)) {
            if i > recent {
                self.recent.0.store(i, Ordering::Relaxed);
            }
            return Some(i);
        }
        let i = self.runs.partition_point(|r| r.end() <= at);
        let found = i < self.runs.len();
        if found {
            self.recent.0.store(i, Ordering::Relaxed);
        }
        found.then_some(i)
    }

    /// The runs that hold a span of at least one bit, each cut to it: span here, and its first bit there.
    fn cut(&self, span: Span) -> impl Iterator<Item = (Span, Option<u64>)> + '_ {
        let first = self.run_at(span.first_byte()).unwrap_or(self.runs.len());
        self.runs[first..].iter().map_while(move |run| {
            let start = span.start.max(run.at * 8);
            let end = span.end().min(run.end() * 8);
            let from = run.from.map(|f| f * 8 + (start - run.at * 8));
            (start < end).then(|| (Span::bits(start, end - start), from))
        })
    }

    /// Where bytes go that are inserted before byte `at`: they belong to what comes before them.
    fn before(&self, at: u64) -> Option<u64> {
        let i = self.run_at(at.saturating_sub(1))?;
        let run = &self.runs[i];
        let next = || self.runs.get(i + 1).filter(|r| r.at == at)?.from;
        match run.from {
            Some(from) => Some(from + (at - run.at)),
            None => next(),
        }
    }

    /// The runs that hold a span, cut where a copy begins or ends, too: a part that is in some copies is all in these.
    fn parts(&self, span: Span) -> Vec<(Span, Option<u64>)> {
        let ends = self.copies_near(span).flat_map(|c| [c.at * 8, c.end() * 8]);
        let mut ends: Vec<_> = ends
            .filter(|e| span.start < *e && *e < span.end())
            .collect();
        ends.sort_unstable();
        let mut parts = Vec::new();
        for (run, from) in self.cut(span) {
            let first = ends.partition_point(|e| *e <= run.start);
            let inner = ends[first..].iter().copied().take_while(|e| *e < run.end());
            let mut start = run.start;
            for end in inner.chain([run.end()]).filter(|e| *e > run.start) {
                if end > start {
                    let from = from.map(|f| f + (start - run.start));
                    parts.push((Span::bits(start, end - start), from));
                    start = end;
                }
            }
        }
        parts
    }

    /// The copies that touch a span, in order.
    fn copies_near(&self, span: Span) -> impl Iterator<Item = &Run> {
        let reach = span.start.saturating_sub(self.longest_copy * 8 + 8);
        let first = self.copies.partition_point(|c| c.at * 8 < reach);
        let near = self.copies[first..].iter();
        near.take_while(move |c| c.at * 8 <= span.end())
    }

    /// Leave out of changes what they do not change: only the runs that change then grow or shrink.
    #[must_use]
    pub fn narrowed(&self, under: &Space, changes: Vec<Splice>) -> Vec<Splice> {
        let mut out = Vec::with_capacity(changes.len());
        for change in changes {
            let span = change.span;
            let cuts = self.cut(span).skip(1).map(|(run, _)| run.first_byte());
            let cuts: Vec<usize> = cuts.map(|at| (at - span.first_byte()) as usize).collect();
            // items come and go as they are, and what lies in one run needs no care
            let is_plain = change.items.is_none() && change.spares.is_none() && span.is_aligned();
            let is_simple = (change.growth() == 0 || cuts.is_empty()) && !self.is_disputed(span);
            if is_simple || !is_plain || self.hole(span).is_some() {
                out.push(change);
                continue;
            }
            let old = self.read(under, span.first_byte(), span.byte_len());
            let parts = narrow::differences(&old, change.new.bytes(), &cuts);
            out.extend(parts.into_iter().map(|(from, to)| Splice {
                span: Span::bytes(span.first_byte() + from.start as u64, from.len() as u64),
                new: change.new.slice(to.start as u64 * 8, to.len() as u64 * 8),
                ..change.clone()
            }));
        }
        out
    }

    /// Turn changes of the derived space, whatever their sizes, into changes of the space under it.
    ///
    /// # Errors
    /// Bytes that are missing there.
    pub fn scatter(&self, changes: Vec<Splice>) -> Result<Vec<Splice>, Reject> {
        let mut out = Vec::new();
        for change in changes {
            if change.span.len == 0 {
                let at = change.span.first_byte();
                let to = self.before(at).ok_or_else(|| missing(&change))?;
                self.put(&change, change.span, to * 8, change.new.clone(), &mut out);
                continue;
            }
            let mut done = 0;
            for (span, from) in self.parts(change.span) {
                let from = from.ok_or_else(|| missing(&change))?;
                let last = span.end() == change.span.end();
                let left = change.new.len() - done;
                let len = if last { left } else { span.len.min(left) };
                let new = change.new.slice(done, len);
                done += len;
                self.put(&change, span, from, new, &mut out);
            }
        }
        Ok(out)
    }

    /// Change a part of a run, or insert, there and in all copies that have it.
    fn put(&self, change: &Splice, span: Span, from: u64, new: crate::Bits, out: &mut Vec<Splice>) {
        let piece = |start: u64, new: crate::Bits| Splice {
            span: Span::bits(start, span.len),
            new,
            // to the space under it, what is inside an item is bytes
            items: None,
            spares: None,
            ..change.clone()
        };
        for copy in self.copies_near(span) {
            let (start, end) = (copy.at * 8, copy.end() * 8);
            // what is inserted where a copy begins belongs to what is before it
            let has = start <= span.start && span.end() <= end;
            if has && (span.len > 0 || start < span.start) {
                let there = copy.from.unwrap_or(0) * 8 + (span.start - start);
                out.push(piece(there, new.clone()));
            }
        }
        out.push(piece(from, new));
    }
}

fn missing(change: &Splice) -> Reject {
    Reject::Structure {
        path: change.by.to_string(),
        why: "these bytes are missing from the input, and so cannot be changed".to_owned(),
    }
}

impl Layer for Gather {
    fn len(&self) -> u64 {
        self.runs.last().map_or(0, Run::end)
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        let mut runs = self.cut(Span::bytes(at, len));
        let Some((span, from)) = runs.next() else {
            return Cow::Borrowed(&[]);
        };
        if let (Some(from), true) = (from, span.len == len * 8) {
            return under.read(from / 8, len);
        }
        let mut out = Vec::with_capacity(len as usize);
        for (span, from) in std::iter::once((span, from)).chain(runs) {
            let want = (span.len / 8) as usize;
            let all = out.len() + want;
            if let Some(from) = from {
                out.extend_from_slice(&under.read(from / 8, want as u64));
            }
            out.resize(all, 0);
        }
        out.into()
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        if span.len == 0 {
            let at = self.before(span.first_byte());
            let first = || self.runs.first()?.from;
            let at = at.or_else(first).unwrap_or(0);
            return vec![Span::bits(at * 8 + span.start % 8, 0)];
        }
        let there = self.cut(span);
        let there = there.filter_map(|(s, from)| Some(Span::bits(from?, s.len)));
        there.collect()
    }

    fn copies(&self, span: Span) -> Vec<Span> {
        let near = self.copies_near(span);
        near.filter_map(|c| {
            let start = span.start.max(c.at * 8);
            let end = span.end().min(c.end() * 8);
            let from = c.from? * 8 + (start - c.at * 8);
            (start < end).then(|| Span::bits(from, end - start))
        })
        .collect()
    }

    fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    fn hole(&self, span: Span) -> Option<Span> {
        let i = self.holes.partition_point(|h| h.end() <= span.start);
        let hole = self.holes.get(i)?;
        (hole.start < span.end()).then_some(*hole)
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let changes = self.narrowed(under, changes);
        let disputed = changes.iter().filter(|_| !self.disputed.is_empty());
        for change in disputed.filter(|c| self.is_disputed(c.span)) {
            let path = change.by.to_string();
            if change.growth() != 0 {
                return Err(Reject::Structure {
                    path,
                    why: "these bytes are in the input once more, as others, so their number cannot change".to_owned(),
                });
            }
            let offset = self
                .origins(change.span)
                .first()
                .map_or(0, |s| under.offset(s.first_byte()));
            let did = Did::Warning(
                "these bytes are in the input once more, as others; those stay as they are"
                    .to_owned(),
            );
            cx.report.notes.push(Note { path, offset, did });
        }
        self.scatter(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn gather() -> Gather {
        let mut g = Gather::new();
        g.push(Some(2), 3);
        g.push(None, 2);
        g.push(Some(8), 4);
        g.copy(6, 20, 3);
        g
    }

    #[test]
    fn runs_are_read_in_order_up_to_a_hole() {
        let under = Space::source((0..30).collect::<Vec<u8>>());
        let space = Space::derived(under, Arc::new(gather()));
        assert_eq!(*space.read(0, 99), [2, 3, 4]);
        assert_eq!(*space.read(4, 3), []);
        assert_eq!(*space.read(5, 3), [8, 9, 10]);
        assert_eq!(space.hole_in(Span::bytes(0, 3)), None);
        assert_eq!(space.hole_in(Span::bytes(2, 2)), Some(Span::bytes(3, 2)));
        assert_eq!(space.offset(6), 9);
        assert_eq!(space.copies(Span::bytes(5, 2)), [Span::bytes(20, 1)]);
    }

    #[test]
    fn lost_bytes_come_out_as_what_stands_for_them() {
        let under = Space::source((0..30).collect::<Vec<u8>>());
        let space = Space::derived(under.clone(), Arc::new(gather()));
        let whole = || String::from(".x");
        let span = Span::bytes(1, 6);
        let lost = space.given(span, whole).unwrap_err();
        assert_eq!(
            lost,
            Reject::Lost {
                path: ".x".to_owned(),
                at: 2,
                missing: 2,
                of: 6
            }
        );
        assert_eq!(space.given(Span::bytes(1, 2), whole).unwrap()[..], [3, 4]);
        assert_eq!(space.given(Span::bytes(5, 2), whole).unwrap()[..], [8, 9]);
        under.stand_in(crate::Lost::Zeros);
        assert_eq!(space.given(span, whole).unwrap()[..], [3, 4, 0, 0, 8, 9]);
        under.stand_in(crate::Lost::Skip);
        assert_eq!(space.given(span, whole).unwrap()[..], [3, 4, 8, 9]);
        assert_eq!(space.given_len(span), 4);
    }

    #[test]
    fn a_hole_is_found_through_other_layers() {
        let under = Space::source((0..30).collect::<Vec<u8>>());
        let space = Space::derived(under, Arc::new(gather()));
        let part = super::super::Window { at: 1, len: 5 };
        let part = Space::derived(space, Arc::new(part));
        assert_eq!(part.hole_in(Span::bytes(0, 5)), Some(Span::bytes(2, 2)));
        assert_eq!(*part.read(0, 5), [3, 4]);
        assert_eq!(*part.read(4, 5), [8]);
    }

    #[test]
    fn a_change_goes_to_every_copy() {
        let splice = |at, len, new: &'static [u8]| Splice::new(Span::bytes(at, len), new, "x");
        let lower = |s| {
            let mut out: Vec<_> = gather()
                .scatter(vec![s])
                .unwrap()
                .into_iter()
                .map(|s| (s.span.first_byte(), s.span.len / 8, s.new.bytes().to_vec()))
                .collect();
            out.sort();
            out
        };
        assert_eq!(
            lower(splice(6, 2, b"abc")),
            [(9, 2, b"abc".to_vec()), (20, 2, b"abc".to_vec())]
        );
        // in part: only what the copy has
        assert_eq!(
            lower(splice(5, 2, b"ab")),
            [
                (8, 1, b"a".to_vec()),
                (9, 1, b"b".to_vec()),
                (20, 1, b"b".to_vec())
            ]
        );
        // an insertion belongs to what is before it
        assert_eq!(lower(splice(6, 0, b"x")), [(9, 0, b"x".to_vec())]);
        assert_eq!(lower(splice(9, 0, b"x")).len(), 2);
        assert!(gather().scatter(vec![splice(3, 1, b"x")]).is_err());
        // of another size: each part keeps its size as long as there are new bytes, and the last one takes the rest
        assert_eq!(
            lower(splice(5, 2, b"x")),
            [(8, 1, b"x".to_vec()), (9, 1, vec![]), (20, 1, vec![])]
        );
        assert_eq!(
            lower(splice(5, 4, b"abcdef")),
            [
                (8, 1, b"a".to_vec()),
                (9, 3, b"bcdef".to_vec()),
                (20, 3, b"bcdef".to_vec())
            ]
        );
    }
}
