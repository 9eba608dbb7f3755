//! Arrays whose items are added, removed and moved: as many as possible stay where they are.

use super::splice::{Seat, Splice, agree};
use crate::frame::{Frame, Growth};
use crate::sequence::{Arrange, Old, Placed};
use crate::{Reject, Span};
use std::sync::Arc;

impl Arrange<'_> {
    /// The index of the first of the items.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The bytes of an item, changes applied.
    ///
    /// # Errors
    /// A new item that cannot be encoded, and two different changes of one bit.
    pub fn bytes(&self, item: &Placed) -> Result<Vec<u8>, Reject> {
        match (&item.was, &item.new) {
            (Some(span), _) => {
                let splices = agree(self.at.space, item.moved.clone())?;
                Ok(super::patched(self.at.space, *span, &splices))
            }
            (None, Some(node)) => Ok(node.bytes()?.to_vec()),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The default: leave the longest run of items that are in their old order, remove and insert the others.
    ///
    /// # Errors
    /// A new item that cannot be encoded.
    pub fn in_place(&mut self) -> Result<(), Reject> {
        let old = self.old();
        let items = std::mem::take(&mut self.items);
        let index = |item: &Placed| old.iter().position(|o| Some(o.span) == item.was);
        let was: Vec<Option<usize>> = if old.is_sorted_by_key(|o| o.span.start) {
            let find = |s: Span| old.binary_search_by_key(&s.start, |o| o.span.start).ok();
            items.iter().map(|item| item.was.and_then(find)).collect()
        } else {
            items.iter().map(index).collect()
        };
        let stays = longest_rise(&was);
        let path = self.path.clone();
        let mut growth = Growth::new(self.at.space, &path, self.fix);
        let mut gone = vec![true; old.len()];
        let mut place = match (self.before.as_ref(), old.first()) {
            (Some(before), _) => Place::after(before),
            (None, Some(first)) => Place::before(first),
            (None, None) => Place {
                at: self.at.span.end(),
                inside: self.seq.around(&self.at),
            },
        };
        let names: Arc<str> = self.seq.name().into();
        for (i, ((item, was), stays)) in (self.number..).zip(items.iter().zip(&was).zip(stays)) {
            let seat = Seat {
                list: self.at.span,
                level: self.level,
                item: i,
                items: names.clone(),
            };
            match was {
                Some(i) if stays => {
                    gone[*i] = false;
                    let size: i64 = item.splices.iter().map(Splice::growth).sum();
                    for splice in &item.splices {
                        self.changes.push(self.at.space, splice.clone());
                    }
                    let frame = old[*i].frame.as_ref();
                    growth.node(frame, size, self.changes, self.report)?;
                    place = Place::after(&old[*i]);
                }
                _ => {
                    let from = was.map(|i| &old[i]);
                    let bytes = self.stored(item, from, &growth, place.inside.as_deref())?;
                    growth.inside(place.inside.as_ref(), bytes.len() as i64 * 8);
                    self.cut_or_insert(Span::bits(place.at, 0), bytes, Some(seat));
                }
            }
        }
        for (old, _) in old.iter().zip(gone).filter(|(_, gone)| *gone) {
            let outer = outer(old);
            growth.inside(up(old), -(outer.len as i64));
            self.cut_or_insert(outer, Vec::new(), None);
        }
        growth.finish(self.changes, self.report)
    }

    /// The items from the first one that changed, as they were.
    fn old(&self) -> Vec<Old> {
        let mut state = self.first.clone();
        let mut old = Vec::new();
        while let Some((step, frame)) = self.seq.framed_step(&self.at, &state) {
            old.push(Old {
                span: step.span,
                frame,
            });
            state = step.next;
        }
        old
    }

    /// What an item is stored as at a new place.
    fn stored(
        &mut self,
        item: &Placed,
        from: Option<&Old>,
        growth: &Growth<'_>,
        inside: Option<&Frame>,
    ) -> Result<Vec<u8>, Reject> {
        if let Some(old) = from.filter(|old| up(old).is_some() == inside.is_some()) {
            let mut splices = agree(self.at.space, item.moved.clone())?;
            let size = splices.iter().map(Splice::growth).sum();
            if let Some(frame) = &old.frame {
                splices.extend(growth.new_prefix(frame, size, self.report)?);
            }
            return Ok(super::patched(self.at.space, outer(old), &splices));
        }
        Ok(self.seq.wrap(self.bytes(item)?, inside))
    }

    fn cut_or_insert(&mut self, span: Span, new: Vec<u8>, seat: Option<Seat>) {
        let mut splice = Splice::new(span, new, &self.path);
        // insertions in one place keep the order in which they are made: all of them count as assigned
        splice.assigned = true;
        splice.items = Some(self.seq.label());
        splice.seat = seat;
        self.changes.push(self.at.space, splice);
    }
}

/// Where the next new item goes.
struct Place {
    at: u64,
    inside: Option<Arc<Frame>>,
}

impl Place {
    fn before(old: &Old) -> Self {
        Self {
            at: outer(old).start,
            inside: up(old).cloned(),
        }
    }

    fn after(old: &Old) -> Self {
        Self {
            at: outer(old).end(),
            inside: up(old).cloned(),
        }
    }
}

fn outer(old: &Old) -> Span {
    old.frame.as_ref().map_or(old.span, |frame| frame.outer)
}

fn up(old: &Old) -> Option<&Arc<Frame>> {
    old.frame.as_ref().and_then(|frame| frame.up.as_ref())
}

/// Which of these belong to the longest strictly rising run: of items by their old places, those that stay there.
#[must_use]
pub fn longest_rise<T: Copy + Ord>(of: &[Option<T>]) -> Vec<bool> {
    // for each length of a run: the item that the best run of that length ends with
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; of.len()];
    for (i, value) in of.iter().enumerate() {
        let Some(value) = value else {
            continue;
        };
        let len = ends.partition_point(|end| of[*end].is_some_and(|v| v < *value));
        before[i] = len.checked_sub(1).map(|k| ends[k]);
        match ends.get_mut(len) {
            Some(end) => *end = i,
            None => ends.push(i),
        }
    }
    let mut stays = vec![false; of.len()];
    let mut at = ends.last().copied();
    while let Some(i) = at {
        stays[i] = true;
        at = before[i];
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::longest_rise;

    #[test]
    fn the_longest_run_stays() {
        let of = [Some(3), Some(0), None, Some(1), Some(1), Some(4), Some(2)];
        let stays = longest_rise(&of);
        let kept: Vec<_> = of
            .iter()
            .zip(&stays)
            .filter(|(_, s)| **s)
            .map(|(v, _)| v.unwrap())
            .collect();
        assert_eq!(kept.len(), 3);
        assert!(kept.is_sorted_by(|a, b| a < b));
    }
}
