//! The regions of a log that are laid out each for itself: one ends with a segment switch, behind which unused pages follow, or
//! where a stretch ends.

use super::geometry::Geometry;
use super::record::RECORD;
use super::records::Records;
use super::scan::{Header, Look, RECORD_HEADER, Scan, align};
use binq_core::encode::Splice;
use binq_core::sequence::{Arrange, Placed, Sequence};
use binq_core::{Kind, Span};
use std::collections::VecDeque;

/// A region, from the first record of it that may have changed.
pub struct Region {
    /// Where its first record was.
    pub start: u64,
    /// The first byte of the stream after it.
    pub limit: u64,
    /// The first byte of the stream after its records, as they were.
    pub end: u64,
    /// The head of a record that runs past the region: where it begins.
    pub partial: Option<u64>,
    /// Where the last record begins, if one that is not laid out with it names it as the one before: the region is full, or
    /// ends in a segment switch, or in a header that is cut.
    pub named: Option<u64>,
    /// Whether that one is a segment switch.
    pub switches: bool,
    /// LSN of the record before it; 0 where it is not known.
    pub prev: u64,
    /// Where a record lies that was aborted.
    pub aborted: Option<u64>,
    /// Whether it ends where the input does, so that what comes next is in another file.
    pub last: bool,
    /// Whether it must stay as it is: damaged bytes at the border of a stretch.
    fixed: bool,
    /// Its records as they were.
    old: Vec<Span>,
    /// Its records as they are now.
    pub items: Vec<Placed>,
}

impl Region {
    fn begin(start: u64, prev: u64) -> Self {
        Self {
            start,
            limit: start,
            end: start,
            partial: None,
            named: None,
            switches: false,
            prev,
            aborted: None,
            last: false,
            fixed: false,
            old: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Whether no record came, went, moved, or changed its size.
    pub fn is_same(&self) -> bool {
        let was = self.items.iter().map(|item| item.was);
        was.eq(self.old.iter().map(|span| Some(*span)))
            && self.items.iter().all(|item| growth(item) == 0)
    }

    /// Whether something about its border would have to change that cannot.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Whether the record that others name as the one before is still the last one.
    pub fn keeps_last(&self) -> bool {
        let last = self.items.last().and_then(|item| item.was);
        last.is_some_and(|was| Some(was.start / 8) == self.named)
    }

    /// Up to where its records have to be filled up: the log must go on there.
    pub fn stop(&self) -> Option<u64> {
        self.named
            .filter(|named| *named >= self.start)
            .or(self.partial)
    }

    /// Where the last record goes, if it has `len` bytes now: where it was, or where it fits.
    pub fn last_place(&self, named: u64, len: u64) -> u64 {
        let end = self.partial.unwrap_or(align(self.limit));
        let room = end.saturating_sub(align(len));
        match room.checked_sub(named) {
            // a filler fits behind it
            Some(left) if self.switches || left >= RECORD_HEADER => named,
            _ => room,
        }
    }

    /// Whether it ends with a switch that is not there any more, so that the next one goes on in it.
    fn goes_on(&self) -> bool {
        self.switches && !self.last && !self.keeps_last()
    }

    fn join(&mut self, next: Region) {
        self.limit = next.limit;
        self.end = next.end;
        self.partial = next.partial;
        self.named = next.named;
        self.switches = next.switches;
        self.aborted = self.aborted.or(next.aborted);
        self.last = next.last;
        self.old.extend(next.old);
        self.items.extend(next.items);
    }
}

/// By how many bits an item grew.
fn growth(item: &Placed) -> i64 {
    item.splices.iter().map(Splice::growth).sum()
}

/// Find the regions from the first changed record on.
pub fn find(geometry: &Geometry, records: &Records, cx: &Arrange<'_>) -> Vec<Region> {
    let stream = cx.at.space.clone();
    let mut state = cx.first.clone();
    let mut all = Vec::new();
    let mut region = Region::begin(align(state.at / 8), state.memory);
    let mut end = region.start;
    let mut last = state.memory;
    while let Some(step) = records.step(&cx.at, &state) {
        let (start, until) = (step.span.start / 8, step.span.end() / 8);
        let whole = matches!(&step.kind, Kind::Struct(shape) if shape.name() == RECORD);
        let limit = geometry.stretch_end(region.start.max(start.min(end)));
        if start >= limit && limit < stream.len() {
            // another stretch
            region.limit = limit;
            region.end = end.min(limit);
            all.push(std::mem::replace(&mut region, Region::begin(start, 0)));
        } else if start != end && region.aborted.is_none() {
            // between records lie only alignment and what a switch left, unless a record was aborted
            region.aborted = Some(end);
        }
        region.old.push(step.span);
        last = geometry.lsn(start);
        end = align(step.next.at / 8);
        let header = Header::read(&stream.read(start, RECORD_HEADER)).filter(|_| whole);
        let switch = header.is_some_and(|h| h.is_switch());
        let border =
            geometry.stretch_end(start) < stream.len() && until >= geometry.stretch_end(start);
        if !whole && (border || geometry.begins_stretch(start)) {
            region.fixed = true;
        }
        if switch && end < stream.len() {
            region.limit = end;
            region.end = end;
            region.named = Some(start);
            region.switches = true;
            all.push(std::mem::replace(&mut region, Region::begin(end, last)));
        }
        state = step.next;
    }
    close(&mut region, &records.scan(&stream), end, last);
    all.push(region);
    all
}

/// The last region: what follows it is in another file.
fn close(region: &mut Region, scan: &Scan<'_>, end: u64, last: u64) {
    let Scan {
        geometry, stream, ..
    } = scan;
    let look = scan.look(end, last);
    // where the rest of a record was not written, the log ended before it
    let partial = matches!(look, Look::Partial(until, _) if until >= stream.len()).then_some(end);
    let torn = match look {
        Look::Partial(until, _) => until,
        _ => end,
    };
    let full = partial.is_some() || end >= stream.len();
    let named = geometry.stream_of(last, region.start.min(stream.len().saturating_sub(1)));
    let named = named.filter(|_| full);
    let header = named.and_then(|at| Header::read(&stream.read(at, RECORD_HEADER)));
    region.limit = stream.len();
    region.end = if partial.is_some() { end } else { torn };
    region.partial = partial;
    region.named = named;
    region.switches = header.is_some_and(|h| h.is_switch());
    region.last = true;
}

/// Give each region the records that are in it now. A record that came from elsewhere is in the region of the one before it.
pub fn fill(regions: Vec<Region>, items: Vec<Placed>) -> Vec<Region> {
    let mut regions: VecDeque<Region> = regions.into();
    let mut done: Vec<Region> = Vec::new();
    let Some(mut region) = regions.pop_front() else {
        return done;
    };
    for item in items {
        while let Some(was) = item.was
            && was.start / 8 >= region.limit
            && let Some(next) = regions.pop_front()
        {
            done.push(std::mem::replace(&mut region, next));
        }
        let ends = region.switches
            && item
                .was
                .is_some_and(|was| Some(was.start / 8) == region.named);
        region.items.push(item);
        if ends && let Some(next) = regions.pop_front() {
            done.push(std::mem::replace(&mut region, next));
        }
    }
    done.push(region);
    done.extend(regions);
    let mut out: Vec<Region> = Vec::new();
    for region in done {
        match out.last_mut().filter(|before| before.goes_on()) {
            Some(before) => before.join(region),
            None => out.push(region),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(limit: u64) -> Region {
        Region {
            limit,
            ..Region::begin(0, 0)
        }
    }

    /// A filler takes 24 bytes at least.
    #[test]
    fn the_last_record_stays_where_a_filler_fits_behind_it() {
        let mut region = region(1000);
        // 104 bytes with what aligns them, so 896 is the last place
        for (named, place) in [
            (864, 864),
            (872, 872),
            (880, 896),
            (888, 896),
            (896, 896),
            (904, 896),
            (1000, 896),
        ] {
            assert_eq!(region.last_place(named, 100), place, "{named}");
        }
        assert_eq!(region.last_place(896, 104), 896);
        assert_eq!(region.last_place(896, 105), 888);
        assert_eq!(region.last_place(0, 1001), 0);
        // the end that counts is where the head of the next record lies
        region.partial = Some(500);
        assert_eq!(region.last_place(380, 100), 396);
        assert_eq!(region.last_place(372, 100), 372);
        // behind a switch there may be anything
        region.switches = true;
        assert_eq!(region.last_place(380, 100), 380);
        assert_eq!(region.last_place(396, 100), 396);
        assert_eq!(region.last_place(400, 100), 396);
    }

    #[test]
    fn records_are_filled_up_to_what_others_name() {
        let mut region = region(1000);
        assert_eq!(region.stop(), None);
        region.partial = Some(900);
        assert_eq!(region.stop(), Some(900));
        region.named = Some(800);
        assert_eq!(region.stop(), Some(800));
        region.start = 800;
        assert_eq!(region.stop(), Some(800));
        // it lies before the region
        region.start = 801;
        assert_eq!(region.stop(), Some(900));
    }

    #[test]
    fn joined_regions_end_as_the_second_one() {
        let mut first = region(100);
        let next = Region {
            start: 100,
            end: 190,
            partial: Some(180),
            named: Some(170),
            switches: true,
            prev: 5,
            aborted: Some(160),
            last: true,
            old: vec![Span::bytes(100, 8)],
            ..region(200)
        };
        first.join(next);
        assert_eq!((first.start, first.limit, first.end), (0, 200, 190));
        assert_eq!((first.partial, first.named), (Some(180), Some(170)));
        assert_eq!((first.switches, first.last, first.prev), (true, true, 0));
        assert_eq!((first.aborted, first.old.len()), (Some(160), 1));
        // an own one stays
        first.join(Region {
            aborted: Some(250),
            ..region(300)
        });
        assert_eq!((first.aborted, first.last), (Some(160), false));
        assert_eq!((first.switches, first.named), (false, None));
    }

    #[test]
    fn only_a_switch_that_is_gone_lets_the_next_region_go_on() {
        let mut region = region(100);
        assert!(!region.goes_on());
        region.switches = true;
        region.named = Some(80);
        assert!(region.goes_on());
        region.last = true;
        assert!(!region.goes_on());
    }
}
