//! Finding the next record behind bytes that are none.
//!
//! Damage may be anywhere, and each search may run to the end of the log. What the searches before have looked at is not looked
//! at again, so that all of them together take as long as the log is, whatever is in it.

use super::cross::{Cross, Unusual};
use super::proof::MAX_PROOF;
use super::{Header, MAX_RECORD, RECORD_HEADER, Scan, align};
use crate::wal::rmgr;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A search that passed over so many bytes is remembered for good; of others, the last one.
const FAR: u64 = 64 << 10;

/// What was found out about a log, by searches in it.
#[derive(Default)]
pub struct Searched {
    found: Mutex<Found>,
    /// The pages that a record does not simply run over.
    pub(super) unusual: OnceLock<Unusual>,
}

#[derive(Default)]
struct Found {
    /// By the place from which on was searched.
    far: BTreeMap<u64, Hit>,
    last: Option<(u64, Hit)>,
}

/// What a search came to.
#[derive(Clone, Copy)]
struct Hit {
    /// There is no record before this byte of the stream: at it is one, or the end of the stretch.
    until: u64,
    /// Where the stretch ends.
    end: u64,
}

impl Found {
    /// Up to where there is no record behind `at`, by the searches before. A later search asks for more: what was no record for
    /// one that began before is none for it.
    fn passed(&self, at: u64, end: u64) -> u64 {
        let far = self.far.range(..=at).next_back();
        let all = far
            .map(|(from, hit)| (*from, *hit))
            .into_iter()
            .chain(self.last);
        let all = all.filter(|(from, hit)| *from <= at && hit.end == end);
        all.map(|(_, hit)| hit.until).max().unwrap_or(0)
    }

    fn remember(&mut self, at: u64, from: u64, hit: Hit) {
        if hit.until.saturating_sub(from) >= FAR {
            self.far.insert(at, hit);
        }
        self.last = Some((at, hit));
    }
}

impl Scan<'_> {
    /// Whether the record after another one may be at `at`: there is one, damaged or not, or nothing more.
    pub fn may_follow(&self, at: u64) -> bool {
        let end = self.end(at);
        if at >= end || self.nothing_at(at, end) {
            return true;
        }
        self.header(at)
            .is_none_or(|h| self.resembles(at, &h) || self.begins(at, &h))
    }

    /// Whether a record stands at `at`, which was written after `lsn`.
    pub fn stands(&self, at: u64, lsn: u64) -> bool {
        let current = || self.current(at);
        self.header(at)
            .is_some_and(|h| self.is_named(at, &h, lsn) || current() && self.begins(at, &h))
    }

    /// The next place behind `at`, where there is none, at which a record stands that was written after it.
    pub(super) fn find(&self, at: u64) -> Option<u64> {
        let end = self.end(at);
        let lock = || {
            self.searched
                .found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let from = (at + 8).max(lock().passed(at, end));
        let found = match from < end {
            true => self.search(from, self.geometry.lsn(at)),
            false => None,
        };
        let until = found.unwrap_or(end);
        lock().remember(at, from, Hit { until, end });
        found
    }

    /// Whether a record that its checksum proves says that what adds up at `at`, up to `end`, is not one: it begins in it, or
    /// where the next page says that the one before it ends.
    fn is_outweighed(&self, at: u64, end: u64) -> bool {
        self.ends_elsewhere(at, end) || self.holds_record(at, end)
    }

    /// Whether a record that its checksum proves begins behind `at`, before `end`. Looks no further than records are summed.
    pub(super) fn holds_record(&self, at: u64, end: u64) -> bool {
        let mut places = (at + 8..end.min(at + MAX_PROOF)).step_by(8);
        places.any(|place| {
            self.header(place)
                .is_some_and(|h| self.is_record(place, &h))
        })
    }

    /// The first place from `at` on where a record stands that was written after `lsn`.
    pub fn search(&self, at: u64, lsn: u64) -> Option<u64> {
        let len = self.end(at.min(self.geometry.stream_len().saturating_sub(1)));
        let mut at = align(at);
        while at + RECORD_HEADER <= len {
            // a page at a time, with the header of a record that may begin at its end
            let run = self.page_room(at).min(len - at);
            let (page, _) = self.geometry.place(at);
            let over = match self.geometry.is_stale(self.file(), page + 1) {
                true => 0,
                false => RECORD_HEADER,
            };
            let bytes = self.read(at, run + over);
            // where nothing was written there is nothing to look for
            let mut i = match bytes.iter().all(|b| *b == 0) {
                true => run,
                false => 0,
            };
            // a record on a page that does not belong there is found by the record that it names, or not at all
            let current = self.current(at);
            if self.geometry.is_foreign(self.file(), page)
                || self.geometry.is_stale(self.file(), page)
            {
                i = run;
            }
            while i < run {
                let header = bytes.get(i as usize..).and_then(Header::read);
                if let Some(header) = header
                    && (self.is_named(at + i, &header, lsn)
                        || current && self.begins(at + i, &header))
                {
                    return Some(at + i);
                }
                i += 8;
            }
            at += run;
        }
        None
    }

    /// Whether the header at `at` names a record from `lsn` on as the one before it, a value that bytes of anything else
    /// hardly have. Of the rest of it, one field may be wrong.
    fn is_named(&self, at: u64, header: &Header, lsn: u64) -> bool {
        if !(lsn..self.geometry.lsn(at)).contains(&header.prev) || !header.prev.is_multiple_of(8) {
            return false;
        }
        let len = u64::from(header.tot_len);
        let sized = (RECORD_HEADER..=MAX_RECORD).contains(&len) && at + len <= self.end(at);
        let managed = rmgr::rmgr_name(self.geometry.major(), header.rmid).is_some();
        usize::from(sized) + usize::from(managed) + usize::from(header.padding == 0) >= 2
    }

    /// Whether a header has what all headers have; one field of it may be wrong.
    pub(super) fn resembles(&self, at: u64, header: &Header) -> bool {
        let managed = rmgr::rmgr_name(self.geometry.major(), header.rmid).is_some();
        let earlier = (1..self.geometry.lsn(at)).contains(&header.prev);
        let named = earlier && header.prev.is_multiple_of(8);
        let signs = [managed, named, header.padding == 0, header.crc != 0];
        signs.into_iter().filter(|sign| *sign).count() >= 3
    }

    /// Whether a record begins at `at`, whatever it names as the one before it: the record after it, its parts, or its
    /// checksum prove it.
    fn begins(&self, at: u64, header: &Header) -> bool {
        let len = self.end(at);
        let end = at + u64::from(header.tot_len);
        let sized = header.tot_len >= RECORD_HEADER as u32 && end <= len;
        if sized && self.next_agrees(at, self.next(at, header)) {
            return true;
        }
        let Some(implied) = self.implied_len(at) else {
            return false;
        };
        if implied <= len && self.next_agrees(at, align(implied)) {
            return true;
        }
        if !self.resembles(at, header) {
            return false;
        }
        if implied == end && matches!(self.cross(at, end), Cross::Whole) {
            return self.sum_proves(at, header) || !self.is_outweighed(at, end);
        }
        self.proven_len(at).is_some()
            || end - at <= self.geometry.blcksz && self.sum_proves(at, header)
    }
}
