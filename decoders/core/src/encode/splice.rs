//! Splices: runs of bits of a space that are replaced by others.

use crate::codec::Codec;
use crate::sequence::Label;
use crate::{Bits, Reject, Space, Span};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// The changes that touch a span or lie beside it, of changes in order, each bit of which is changed once.
pub fn near(changes: &[Splice], span: Span) -> impl Iterator<Item = &Splice> {
    let first = changes.partition_point(|c| c.span.end() < span.start);
    let near = changes[first..].iter();
    near.take_while(move |c| c.span.start <= span.end())
}

/// Bits of a space that are replaced.
#[derive(Clone, Debug)]
pub struct Splice {
    /// What is replaced; an empty span inserts. Spans that begin or end inside a byte keep their size.
    pub span: Span,
    /// What it is replaced by.
    pub new: Bits,
    /// Path of the field it is for.
    pub by: Arc<str>,
    /// Whether the user assigned it; else it was derived.
    pub assigned: bool,
    /// Whether it was made in a space above this one, and came here through its layer; else it was made here.
    pub lowered: bool,
    /// Where it adds or removes whole items of a sequence: their label. It belongs to none of their neighbours.
    pub items: Option<&'static Label>,
    /// Bits of the span that another splice may change; this one only copied them.
    pub spares: Option<Span>,
    /// Where it adds an item of an array, or moves one: which.
    pub seat: Option<Seat>,
}

/// The place of an item in an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// Where the array lay.
    pub list: Span,
    /// How many steps the array is from its root: arrays in each other may begin and end together.
    pub level: usize,
    /// The index of the item.
    pub item: u64,
    /// What the list calls its items: two empty lists may lie in one place.
    pub items: Arc<str>,
}

impl Splice {
    /// Bytes that follow from an edit.
    pub fn new(span: Span, new: impl Into<Bytes>, by: &str) -> Self {
        Self {
            span,
            new: Bits::from_bytes(new),
            by: by.into(),
            assigned: false,
            lowered: false,
            items: None,
            spares: None,
            seat: None,
        }
    }

    /// By how many bits the space grows.
    pub fn growth(&self) -> i64 {
        self.new.len() as i64 - self.span.len as i64
    }
}

/// Splices, by the space they are for.
#[derive(Clone, Default, Debug)]
pub struct Changes {
    lists: Vec<List>,
    /// Where the list of a space is, once there are more of them than are soon looked through.
    index: HashMap<usize, usize>,
}

/// What changes in one space.
#[derive(Clone, Debug)]
struct List {
    space: Space,
    splices: Vec<Splice>,
    /// Fields that were assigned the value that they have, and so must keep it.
    pins: Vec<Span>,
}

/// As many lists are sooner looked through than looked up.
const FEW: usize = 8;

impl Changes {
    /// Add a splice.
    pub fn push(&mut self, space: &Space, splice: Splice) {
        self.list(space).push(splice);
    }

    /// Add the splice of a leaf: only of the bits that its codec speaks of.
    pub(super) fn push_leaf(
        &mut self,
        space: &Space,
        splice: Splice,
        codec: &dyn Codec,
        old: &Bits,
    ) {
        let Some(own) = codec.own_bits() else {
            return self.push(space, splice);
        };
        for part in own {
            let new = splice.new.slice(part.start, part.len);
            if new != old.slice(part.start, part.len) {
                let span = Span::bits(splice.span.start + part.start, part.len);
                self.push(
                    space,
                    Splice {
                        span,
                        new,
                        ..splice.clone()
                    },
                );
            }
        }
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| list.splices.is_empty())
    }

    fn find(&self, space: &Space) -> Option<usize> {
        if self.lists.len() <= FEW {
            return self.lists.iter().position(|list| list.space.same(space));
        }
        self.index.get(&space.id()).copied()
    }

    fn entry(&mut self, space: &Space) -> &mut List {
        let i = self.find(space).unwrap_or_else(|| {
            let i = self.lists.len();
            self.lists.push(List {
                space: space.clone(),
                splices: Vec::new(),
                pins: Vec::new(),
            });
            if i == FEW {
                let ids = self.lists.iter().map(|list| list.space.id());
                self.index = ids.zip(0..).collect();
            } else if i > FEW {
                self.index.insert(space.id(), i);
            }
            i
        });
        &mut self.lists[i]
    }

    pub(super) fn list(&mut self, space: &Space) -> &mut Vec<Splice> {
        &mut self.entry(space).splices
    }

    /// Say that a field was assigned the value that it has, and so must keep it.
    pub(super) fn pin(&mut self, space: &Space, span: Span) {
        self.entry(space).pins.push(span);
    }

    pub(super) fn extend(&mut self, other: Changes) {
        if self.lists.is_empty() {
            *self = other;
            return;
        }
        for list in other.lists {
            let own = self.entry(&list.space);
            own.splices.extend(list.splices);
            own.pins.extend(list.pins);
        }
    }

    pub(super) fn of(&self, space: &Space) -> &[Splice] {
        self.find(space).map_or(&[], |i| &self.lists[i].splices)
    }

    pub(super) fn take(&mut self, space: &Space) -> Vec<Splice> {
        self.find(space)
            .map_or_else(Vec::new, |i| std::mem::take(&mut self.lists[i].splices))
    }

    pub(super) fn pins(&self, space: &Space) -> Vec<Span> {
        self.find(space)
            .map_or_else(Vec::new, |i| self.lists[i].pins.clone())
    }

    pub(super) fn take_pins(&mut self, space: &Space) -> Vec<Span> {
        self.find(space)
            .map_or_else(Vec::new, |i| std::mem::take(&mut self.lists[i].pins))
    }

    /// The spaces in which something changes.
    pub(super) fn spaces(&self) -> impl Iterator<Item = &Space> {
        let changed = self.lists.iter().filter(|list| !list.splices.is_empty());
        changed.map(|list| &list.space)
    }

    /// Forget the spaces in which nothing changes any more.
    pub(super) fn compact(&mut self) {
        let idle = |list: &List| list.splices.is_empty() && list.pins.is_empty();
        if self.lists.iter().any(idle) {
            self.lists.retain(|list| !idle(list));
            self.index.clear();
            if self.lists.len() > FEW {
                let ids = self.lists.iter().map(|list| list.space.id());
                self.index = ids.zip(0..).collect();
            }
        }
    }

    /// Drop what earlier changes of the same struct do already; `earlier` has them, by what they replace.
    ///
    /// # Errors
    /// Different insertions in one place; other contradictions are found when everything is merged.
    pub(super) fn drop_same(
        &mut self,
        space: &Space,
        earlier: &mut HashMap<Span, Splice>,
    ) -> Result<(), Reject> {
        let mut kept = Vec::new();
        for s in self.take(space) {
            match earlier.get(&s.span) {
                Some(same) if same.new == s.new => continue,
                Some(other) if s.span.len == 0 => {
                    return Err(Reject::Conflict {
                        one: other.by.to_string(),
                        other: s.by.to_string(),
                        offset: space.offset(s.span.first_byte()),
                    });
                }
                _ => kept.push(s),
            }
        }
        for s in &kept {
            earlier.entry(s.span).or_insert_with(|| s.clone());
        }
        if !kept.is_empty() {
            *self.list(space) = kept;
        }
        Ok(())
    }

    /// Write splices over the bits that others spare for them.
    pub(super) fn join_spared(&mut self, space: &Space) {
        if self.of(space).iter().all(|s| s.spares.is_none()) {
            return;
        }
        let (parts, mut whole): (Vec<_>, Vec<_>) = self
            .take(space)
            .into_iter()
            .partition(|s| !s.span.is_aligned());
        for part in parts {
            let spared = |s: &&mut Splice| s.spares.is_some_and(|bits| bits.contains(part.span));
            match whole.iter_mut().find(spared) {
                Some(s) => {
                    let mut bytes = s.new.bytes().to_vec();
                    part.new
                        .write_over(&mut bytes, part.span.start - s.span.start);
                    s.new = Bits::from_bytes(bytes);
                }
                None => whole.push(part),
            }
        }
        *self.list(space) = whole;
    }

    pub(super) fn growth(&self, space: &Space) -> i64 {
        self.of(space).iter().map(Splice::growth).sum()
    }
}

/// The bytes of a span with the splices inside it applied.
pub fn patched(space: &Space, span: Span, splices: &[Splice]) -> Vec<u8> {
    let first = span.first_byte();
    let mut base = space.read(first, span.byte_len()).into_owned();
    let inside = || splices.iter().filter(|s| span.contains(s.span));
    for s in inside().filter(|s| !s.span.is_aligned()) {
        s.new.write_over(&mut base, s.span.start - first * 8);
    }
    let mut whole: Vec<_> = inside().filter(|s| s.span.is_aligned()).collect();
    if whole.is_empty() {
        return base;
    }
    whole.sort_by_key(|s| order(s));
    let mut out = Vec::with_capacity(base.len());
    let mut done = 0;
    for s in whole {
        let start = (s.span.first_byte() - first) as usize;
        let end = (s.span.end_byte() - first) as usize;
        if start < done {
            continue; // the same bytes once more; contradictions are found when everything is merged
        }
        out.extend_from_slice(&base[done..start]);
        out.extend_from_slice(s.new.bytes());
        done = end;
    }
    out.extend_from_slice(&base[done..]);
    out
}

/// A run of bytes of the input that is replaced.
#[derive(Clone, Debug)]
pub(super) struct ByteSplice {
    pub start: u64,
    pub end: u64,
    pub new: Bytes,
}

/// Sort splices of one space, and let each bit be changed once: the same change made in two views counts once, and what was
/// assigned wins over what was derived.
///
/// # Errors
/// Two different changes of one bit.
pub fn agree(space: &Space, mut splices: Vec<Splice>) -> Result<Vec<Splice>, Reject> {
    splices.sort_by_key(order);
    let mut kept: Vec<Splice> = Vec::with_capacity(splices.len());
    for s in splices {
        match kept.last_mut() {
            Some(last) if overlap(last.span, s.span) => {
                if last.span == s.span && last.new == s.new {
                    continue;
                }
                if last.span == s.span && last.assigned != s.assigned {
                    if s.assigned {
                        *last = s;
                    }
                    continue;
                }
                return Err(Reject::Conflict {
                    one: last.by.to_string(),
                    other: s.by.to_string(),
                    offset: space.offset(s.span.first_byte()),
                });
            }
            _ => kept.push(s),
        }
    }
    Ok(kept)
}

/// Join splices of one space that share a byte, and find contradictions.
pub(super) fn merge(space: &Space, splices: Vec<Splice>) -> Result<Vec<ByteSplice>, Reject> {
    let kept = agree(space, splices)?;
    let mut out: Vec<ByteSplice> = Vec::with_capacity(kept.len());
    for s in kept {
        let (start, end) = (s.span.first_byte(), s.span.end_byte());
        if s.span.is_aligned() {
            out.push(ByteSplice {
                start,
                end,
                new: s.new.bytes().clone(),
            });
            continue;
        }
        // bits of a byte that an earlier splice may have changed already
        let mut bytes = space.read(start, end - start).into_owned();
        let mut from = start;
        if let Some(last) = out.last()
            && last.end > start
            && last.new.len() as u64 == last.end - last.start
        {
            from = last.start;
            let mut joined = last.new.to_vec();
            joined.extend_from_slice(&bytes[(last.end - start) as usize..]);
            bytes = joined;
            out.pop();
        }
        s.new.write_over(&mut bytes, s.span.start - from * 8);
        out.push(ByteSplice {
            start: from,
            end,
            new: bytes.into(),
        });
    }
    Ok(out)
}

/// Insertions before the bytes they are inserted at; of those in one place, the size before what it measures.
fn order(s: &Splice) -> (u64, u64, bool) {
    (s.span.start, s.span.len, s.assigned)
}

/// Whether both replace the same bit. Two insertions in one place follow each other.
fn overlap(a: Span, b: Span) -> bool {
    a.start < b.end() && b.start < a.end() || a == b && a.len > 0
}
