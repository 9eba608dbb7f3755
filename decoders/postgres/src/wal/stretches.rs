//! Finding the stretches of an input: where its pages do not follow each other.

use super::geometry::Geometry;
use super::header::{LongHeader, PageHeader, major_of};
use super::scan::RECORD_HEADER;
use super::survey::{PAGES_ASKED, Survey};
use crate::lsn;
use binq_core::Malformed;
use std::collections::BTreeMap;
use std::ops::Range;

impl Survey<'_> {
    /// Find the stretches. Only the first page of each segment is looked at, and the last page of the input, unless one of
    /// them is not the one that should be there.
    pub fn follow(&self, geometry: &mut Geometry) {
        let pages = self.file.len() / self.blcksz;
        let per_segment = geometry.seg_size / self.blcksz;
        let mut seen = 0;
        let mut before = Before::default();
        while seen + 1 < pages {
            let in_segment = geometry.page_lsn(seen) % geometry.seg_size / self.blcksz;
            let next = (seen + per_segment - in_segment).min(pages);
            let looked_at = next.min(pages - 1);
            let header = PageHeader::read(self.file, looked_at * self.blcksz);
            let foreign = geometry.is_joined_foreign(seen);
            let found = match header {
                Some(h) if self.begins_foreign(geometry, looked_at, &h) => {
                    let goes_on = foreign && h.addr == geometry.page_lsn(looked_at);
                    (!goes_on).then_some((looked_at, h))
                }
                // behind pages of another version
                Some(h) if foreign => self
                    .begins_file(geometry, looked_at, &h)
                    .then_some((looked_at, h)),
                Some(h) if h.addr == geometry.page_lsn(looked_at) => None,
                // the log ended somewhere before
                Some(h) if h.is_blank() || geometry.is_old(&h, looked_at) => {
                    let end = self.end(geometry, seen + 1..looked_at);
                    let near = end..(end + PAGES_ASKED).min(looked_at);
                    self.departure(geometry, &before, near.chain([looked_at]))
                }
                _ => self.departure(geometry, &before, seen + 1..=looked_at),
            };
            match found {
                Some((page, header)) => {
                    before.passed(geometry.page_lsn(seen), geometry.page_lsn(page - 1));
                    let foreign = self.begins_foreign(geometry, page, &header);
                    let wrong = departs(geometry, page, &header, foreign);
                    geometry.begin(page, header.addr, Some(wrong), foreign);
                    seen = page;
                }
                None => {
                    let should = header.is_some_and(|h| h.addr == geometry.page_lsn(looked_at));
                    if !should && !foreign && geometry.misplaced.is_none() {
                        let end = self.end(geometry, seen + 1..looked_at);
                        geometry.misplaced = self.misplaced(geometry, end);
                    }
                    before.passed(geometry.page_lsn(seen), geometry.page_lsn(next - 1));
                    seen = next;
                }
            }
        }
    }

    /// Whether a page is the first one of a segment's file.
    fn begins_file(&self, geometry: &Geometry, page: u64, header: &PageHeader) -> bool {
        let long = LongHeader::read(self.file, page * self.blcksz);
        let long = long.is_some_and(|l| l.seg_size == geometry.seg_size && l.blcksz == self.blcksz);
        long && self.addresses(header) && header.addr.is_multiple_of(geometry.seg_size)
    }

    /// Whether a file of another version begins with a page.
    fn begins_foreign(&self, geometry: &Geometry, page: u64, header: &PageHeader) -> bool {
        let next = PageHeader::read(self.file, (page + 1) * self.blcksz);
        let follows = next.is_some_and(|next| {
            next.magic == header.magic && next.addr == header.addr.wrapping_add(self.blcksz)
        });
        header.magic != self.version.magic
            && major_of(header.magic).is_some()
            && follows
            && self.begins_file(geometry, page, header)
    }

    /// That the first page of a segment's file lies where none can be read: joined to a part of the page before `page`, the first
    /// one that is not the one that should be there.
    fn misplaced(&self, geometry: &Geometry, page: u64) -> Option<Malformed> {
        let from = page.checked_sub(1)? * self.blcksz;
        let piece = self.file.read(from, 2 * self.blcksz);
        let magic = self.version.magic.to_le_bytes();
        let places = piece
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| *pair == magic);
        let places = places.map(|(i, _)| from + i as u64);
        let begins = |at: &u64| {
            let long = LongHeader::read(self.file, *at);
            let long =
                long.is_some_and(|l| l.seg_size == geometry.seg_size && l.blcksz == self.blcksz);
            long && !at.is_multiple_of(self.blcksz)
        };
        let headers = places
            .filter(begins)
            .filter_map(|at| Some((at, PageHeader::read(self.file, at)?)));
        let first = |header: &PageHeader| {
            self.sound(header) && header.addr.is_multiple_of(geometry.seg_size)
        };
        let (at, header) = headers.into_iter().find(|(_, header)| first(header))?;
        let found = format!(
            "the first page of {}, {}, behind {} bytes of one: what was before is cut, and this is not read",
            geometry.segment_name(header.tli, header.addr),
            lsn::text(header.addr),
            at % self.blcksz
        );
        let expected = format!("pages of {} bytes", self.blcksz);
        Some(Malformed::new(at, expected, found))
    }

    /// The first of these pages that is not the one that should be there, if all behind it are not, either.
    fn end(&self, geometry: &Geometry, pages: Range<u64>) -> u64 {
        let (mut from, mut to) = (pages.start, pages.end);
        while from < to {
            let page = from + (to - from) / 2;
            let header = PageHeader::read(self.file, page * self.blcksz);
            match header.is_some_and(|h| h.addr == geometry.page_lsn(page)) {
                true => from = page + 1,
                false => to = page,
            }
        }
        from
    }

    /// The first of these pages that begins another stretch.
    fn departure(
        &self,
        geometry: &Geometry,
        before: &Before,
        mut pages: impl Iterator<Item = u64>,
    ) -> Option<(u64, PageHeader)> {
        pages.find_map(|page| {
            let header = PageHeader::read(self.file, page * self.blcksz)?;
            self.departs(geometry, before, page, &header)
                .then_some((page, header))
        })
    }

    /// Whether another stretch begins with a page: the page belongs to this log, and elsewhere.
    fn departs(
        &self,
        geometry: &Geometry,
        before: &Before,
        page: u64,
        header: &PageHeader,
    ) -> bool {
        let here = geometry.page_lsn(page);
        let other = self.addresses(header) && header.addr != here;
        let next = PageHeader::read(self.file, (page + 1) * self.blcksz);
        let followed = next.is_some_and(|next| {
            next.addr == header.addr.wrapping_add(self.blcksz) && next.magic == self.version.magic
        });
        let of_this = header.magic == self.version.magic
            || followed && self.begins_file(geometry, page, header);
        if !other || !of_this || header.tli == 0 {
            return false;
        }
        let begins_segment = header.addr.is_multiple_of(geometry.seg_size);
        let long = LongHeader::read(self.file, page * self.blcksz);
        let long = long.is_some_and(|l| l.seg_size == geometry.seg_size && l.blcksz == self.blcksz);
        if begins_segment != long {
            return false;
        }
        if geometry.is_old(header, page) {
            // where a file ends, another one begins; elsewhere a segment that came before is a copy, and others are old, unless
            // the page before this is full
            return begins_segment
                && (geometry.begins_segment(page)
                    || before.has(header.addr)
                    || self.is_full(geometry, page - 1));
        }
        followed || begins_segment || self.proves(page, header.addr) || {
            // the only page of another log, unless it goes on with what is before it
            let rest = self.left_over(page - 1);
            let rest = rest.filter(|rest| header.continues() && *rest == u64::from(header.rem_len));
            rest.is_none() && self.may_have(page, header.addr) && !self.proves(page, here)
        }
    }

    /// Whether a page is one of this log, and is written up to its end.
    fn is_full(&self, geometry: &Geometry, page: u64) -> bool {
        let current = geometry
            .page(self.file, page)
            .is_some_and(|(_, current)| current);
        let end = (page + 1) * self.blcksz;
        let tail = self.file.read(end - RECORD_HEADER, RECORD_HEADER);
        current && tail.iter().any(|b| *b != 0)
    }
}

/// The addresses of the pages that came before: first and last one of runs that do not touch.
#[derive(Default)]
struct Before(BTreeMap<u64, u64>);

impl Before {
    fn passed(&mut self, first: u64, last: u64) {
        let (mut from, mut to) = (first.min(last), last.max(first));
        while let Some((&a, &b)) = self.0.range(..=to).next_back().filter(|(_, b)| **b >= from) {
            self.0.remove(&a);
            (from, to) = (from.min(a), to.max(b));
        }
        self.0.insert(from, to);
    }

    fn has(&self, addr: u64) -> bool {
        let run = self.0.range(..=addr).next_back();
        run.is_some_and(|(_, last)| addr <= *last)
    }
}

/// That a page is not the one that should follow.
fn departs(geometry: &Geometry, page: u64, header: &PageHeader, foreign: bool) -> Malformed {
    let here = geometry.page_lsn(page);
    let there = header.addr;
    let name = |lsn| geometry.segment_name(header.tli, lsn);
    let segments = match (here.min(there), here.max(there).saturating_sub(1)) {
        (a, b) if a / geometry.seg_size == b / geometry.seg_size => name(a),
        (a, b) => format!("{} to {}", name(a), name(b)),
    };
    let (from, to) = (lsn::text(here), lsn::text(there));
    let what = match there > here {
        true => format!("{to}: {from} to {to} are missing, of {segments}"),
        false if there == here => to.clone(),
        false => format!("{to}: {to} to {from} come once more, or too late, of {segments}"),
    };
    let what = match foreign {
        false => what,
        true => format!(
            "{what}; from here on pages have xlp_magic {:04X}, and are not read as one log with those of {:04X}",
            header.magic, geometry.version.magic
        ),
    };
    Malformed::new(
        page * geometry.blcksz + 8,
        format!("xlp_pageaddr {from}"),
        what,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_were_passed() {
        let mut before = Before::default();
        assert!(!before.has(0));
        before.passed(100, 200);
        let held = |before: &Before, all: &[u64]| -> Vec<bool> {
            all.iter().map(|addr| before.has(*addr)).collect()
        };
        let around = [99, 100, 150, 200, 201];
        assert_eq!(held(&before, &around), [false, true, true, true, false]);
        // one page, and one that goes backwards
        before.passed(300, 300);
        assert_eq!(held(&before, &[299, 300, 301]), [false, true, false]);
        before.passed(450, 400);
        assert_eq!(
            held(&before, &[399, 400, 450, 451]),
            [false, true, true, false]
        );
        // what overlaps is one run: all three, and what lies between them
        before.passed(200, 400);
        let around = [99, 100, 201, 250, 350, 425, 450, 451];
        let wanted = [false, true, true, true, true, true, true, false];
        assert_eq!(held(&before, &around), wanted);
        assert_eq!(before.0.len(), 1);
        // inside of another one
        before.passed(120, 130);
        assert_eq!(before.0.len(), 1);
        assert!(before.has(140));
    }
}
