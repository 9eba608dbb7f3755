//! The pages that a record runs over.

use super::{Scan, align};

/// So many pages are looked at one by one; of what is behind them, only those that are not as they should be, of which a list
/// is made.
const NEAR: u64 = 16;

/// What the pages say that a record runs over.
pub(super) enum Cross {
    Whole,
    Aborted(u64),
    Torn(u64),
}

/// What a page is, for a record that comes from before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// As it should be.
    Plain,
    /// The record was abandoned.
    Aborted,
    /// No page of the log; but it may say where in the stream the record ends that it goes on with.
    Other(Option<u64>),
}

/// The pages that are not plain, in order, each with the first one of those behind it that is another turn.
#[derive(Default)]
pub struct Unusual {
    pages: Vec<(u64, Turn, usize)>,
    /// Those that do not belong where they are.
    others: Vec<u64>,
}

impl Unusual {
    fn of(scan: &Scan<'_>) -> Self {
        let pages = scan.file().len().div_ceil(scan.geometry.blcksz);
        let turns = (0..pages).map(|page| (page, scan.turn(page)));
        let mut all = Self::default();
        for (page, turn) in turns.filter(|(_, turn)| *turn != Turn::Plain) {
            all.pages.push((page, turn, 0));
            if turn != Turn::Aborted {
                all.others.push(page);
            }
        }
        let (mut next, mut last) = (all.pages.len(), None);
        for (i, (_, turn, run)) in all.pages.iter_mut().enumerate().rev() {
            if last.is_some_and(|last| last != *turn) {
                next = i + 1;
            }
            (*run, last) = (next, Some(*turn));
        }
        all
    }
}

impl Scan<'_> {
    fn turn(&self, page: u64) -> Turn {
        match self.geometry.page(self.file(), page) {
            None => Turn::Other(None),
            Some((header, true)) => match header.overwrites(self.geometry.major()) {
                false => Turn::Plain,
                true => Turn::Aborted,
            },
            Some((header, false)) => Turn::Other(
                header
                    .continues()
                    .then(|| self.geometry.stream_of_page(page) + u64::from(header.rem_len)),
            ),
        }
    }

    fn unusual(&self) -> &Unusual {
        self.searched.unusual.get_or_init(|| Unusual::of(self))
    }

    /// Look at the headers of the pages that a record from `at` to `end` runs into.
    pub(super) fn cross(&self, at: u64, end: u64) -> Cross {
        let (first, _) = self.geometry.place(at);
        let (last, _) = self.geometry.place(end - 1);
        let start = |page| self.geometry.stream_of_page(page);
        let near = last.min(first + NEAR);
        for page in first + 1..=near {
            match self.turn(page) {
                Turn::Aborted => return Cross::Aborted(start(page)),
                // a page header that is wrong otherwise may still say that the record goes on
                Turn::Other(rest) if rest != Some(end) => return Cross::Torn(start(page)),
                _ => {}
            }
        }
        if near == last {
            return Cross::Whole;
        }
        let pages = &self.unusual().pages;
        let mut i = pages.partition_point(|(page, ..)| *page <= near);
        while let Some((page, turn, next)) = pages.get(i).filter(|(page, ..)| *page <= last) {
            match turn {
                Turn::Aborted => return Cross::Aborted(start(*page)),
                Turn::Other(rest) if *rest != Some(end) => return Cross::Torn(start(*page)),
                _ => i = *next,
            }
        }
        // what the input does not hold
        match self.file().len().div_ceil(self.geometry.blcksz) {
            pages if last >= pages => Cross::Torn(start(pages)),
            _ => Cross::Whole,
        }
    }

    /// Whether the next page says that what runs into it from `at` ends elsewhere than at `end`, and the checksum of the record
    /// that begins there proves it: then what adds up at `at` is not a record. Of one that was abandoned there it says nothing.
    pub(super) fn ends_elsewhere(&self, at: u64, end: u64) -> bool {
        let page = self.geometry.place(at).0 + 1;
        let start = self.geometry.stream_of_page(page);
        let header = self.geometry.page(self.file(), page);
        let Some((header, true)) = header.filter(|_| start < end) else {
            return false;
        };
        if header.overwrites(self.geometry.major()) {
            return false;
        }
        let rest = match header.continues() {
            true => u64::from(header.rem_len),
            false => 0,
        };
        let next = align(start + rest);
        start + rest != end && self.header(next).is_some_and(|h| self.is_record(next, &h))
    }

    /// Whether the log goes on from `at` to the end of the stream: all pages are current, and the end is in use.
    pub(super) fn reaches_end(&self, at: u64) -> bool {
        const IN_USE: u64 = 64;
        let len = self.end(at);
        let (first, _) = self.geometry.place(at);
        let (last, _) = self.geometry.place(len - 1);
        let tail = self.read(len.saturating_sub(IN_USE).max(at), IN_USE);
        let current = || match last - first {
            ..=NEAR => (first..=last).all(|page| !matches!(self.turn(page), Turn::Other(_))),
            _ => {
                let others = &self.unusual().others;
                let next = others.partition_point(|page| *page < first);
                others.get(next).is_none_or(|page| *page > last)
            }
        };
        tail.iter().any(|b| *b != 0) && current()
    }
}
