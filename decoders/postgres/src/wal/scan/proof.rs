//! What says that bytes are a record, besides its header: the record behind it, its parts, its checksum, what was written.

use super::super::block_headers;
use super::{Header, RECORD_HEADER, Scan, align, crc};
use crate::wal::header::PageHeader;
use std::borrow::Cow;

/// Longer records are not summed to find out whether they are records: many that overlap would cost a multiple of the log.
pub(super) const MAX_PROOF: u64 = 16 << 10;

/// So many bytes other than zero are more than stray ones.
const USED: usize = 16;

impl Scan<'_> {
    /// Whether the log does not go on at `at`, in a stretch that ends at `end`.
    pub(super) fn nothing_at(&self, at: u64, end: u64) -> bool {
        at + RECORD_HEADER > end || self.written(at).is_none()
    }

    /// Whether the log had not come to the page that begins at a byte of the stream: it is blank, or an old one.
    pub(super) fn never_written(&self, at: u64) -> bool {
        let (page, _) = self.geometry.place(at);
        let header = PageHeader::read(self.file(), page * self.geometry.blcksz);
        header.is_none_or(|h| h.is_blank() || self.geometry.is_old(&h, page))
    }

    /// Whether the log had not come to a page: it is an old one, or blank, and the next one is no page of the log, either.
    pub fn is_unwritten(&self, page: u64, header: &PageHeader) -> bool {
        header.is_blank() && !self.geometry.goes_on(self.file(), page)
            || self.geometry.is_stale(self.file(), page)
    }

    /// The byte of the stream after the last one written to the page from `at` on; `None` where nothing was written, or the
    /// page is not one of this log. The server clears a page before it writes to it (`AdvanceXLInsertBuffer`, xlog.c), so
    /// bytes other than zero are a record's, damaged or not. It takes more than the one field that may have been set to
    /// anything. Where not even a header fits on the page, the next one is looked at as well.
    pub(super) fn written(&self, at: u64) -> Option<u64> {
        let mut room = self.page_room(at);
        if room < RECORD_HEADER && self.current(at + room) {
            room += self.page_room(at + room);
        }
        let page = self.read(at, room);
        let last = page.iter().rposition(|b| *b != 0)?;
        let used = || page.iter().filter(|b| **b != 0).count() >= USED;
        let header = || Header::read(&page).is_some_and(|h| h.was_written());
        (self.current(at) && (header() || used())).then_some(at + last as u64 + 1)
    }

    /// Whether the record at `next` names the one at `at` as the one before it. In a part of a log that lies elsewhere than it
    /// was written none does: there it and the one after it name places that are as far apart as these two.
    pub(super) fn next_agrees(&self, at: u64, next: u64) -> bool {
        let [lsn, next_lsn] = [at, next].map(|at| self.geometry.lsn(at));
        let Some(header) = self.header(next) else {
            return false;
        };
        let after = || self.header(align(next + u64::from(header.tot_len)));
        let apart = |prev: u64| prev.wrapping_sub(header.prev) == next_lsn.wrapping_sub(lsn);
        header.prev == lsn || self.plausible(&header) && after().is_some_and(|h| apart(h.prev))
    }

    /// Whether something besides the header says that a record is as long as it says: the next record, the checksum, or the
    /// lengths of its parts.
    pub(super) fn confirmed(&self, at: u64, header: &Header) -> bool {
        self.next_agrees(at, self.next(at, header))
            || self.adds_up(at, header)
            || self.sum_proves(at, header)
    }

    /// Whether a record begins here, which its checksum says.
    pub fn is_record(&self, at: u64, header: &Header) -> bool {
        self.plausible(header) && self.sum_proves(at, header)
    }

    /// Whether the checksum is that of so many bytes as the record says it has.
    pub(super) fn sum_proves(&self, at: u64, header: &Header) -> bool {
        if !(RECORD_HEADER..=MAX_PROOF).contains(&header.tot_len.into()) {
            return false;
        }
        let bytes = self.read(at, header.tot_len.into());
        if bytes.len() as u64 != u64::from(header.tot_len) {
            return false;
        }
        crc(&[&bytes[24..], &bytes[..20]]) == u64::from(header.crc)
    }

    /// The headers of the record at `at`: 33 blocks, origin, transaction and main data, at most.
    pub(super) fn headers(&self, at: u64) -> Cow<'_, [u8]> {
        const HEADERS: u64 = RECORD_HEADER + 33 * 27 + 3 + 5 + 5;
        self.read(at, HEADERS)
    }

    /// Where a record ends by its own block and data headers.
    pub(super) fn implied_len(&self, at: u64) -> Option<u64> {
        Some(at + block_headers::implied_len(self.geometry.major(), &self.headers(at))?)
    }

    /// Whether the block headers of the record at `at` say that the next one is at `next`.
    pub(super) fn implies(&self, at: u64, next: u64) -> bool {
        self.implied_len(at).is_some_and(|end| align(end) == next)
    }

    /// Whether the block and data headers of the record at `at` add up to the length that it states.
    pub(super) fn adds_up(&self, at: u64, header: &Header) -> bool {
        let len = header.tot_len.into();
        self.implied_len(at) == Some(at + len)
            || block_headers::add_up(self.geometry.major(), &self.headers(at), len)
    }

    /// The length that a record had, if its headers and its checksum agree on one.
    pub(super) fn proven_len(&self, at: u64) -> Option<u64> {
        let len = self.implied_len(at)? - at;
        if len > MAX_PROOF {
            return None;
        }
        let bytes = self.read(at, len);
        if bytes.len() as u64 != len {
            return None;
        }
        let stored = u64::from(Header::read(&bytes)?.crc);
        let (header, payload) = bytes.split_first_chunk::<24>()?;
        let payload = crc32c::crc32c(payload);
        let sum = |header: &[u8]| u64::from(crc32c::crc32c_append(payload, header)) == stored;
        // the checksum may be that of the right length, or have been recomputed over the wrong one
        let right = [&(len as u32).to_le_bytes(), &header[4..20]].concat();
        let fits = sum(&header[..20]) || sum(&right);
        fits.then_some(len)
    }
}
