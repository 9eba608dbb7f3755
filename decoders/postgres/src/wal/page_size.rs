//! The size of the pages of a log: what the first page states, unless what follows it says another one.
//!
//! What a record carries may look like a page header at any place, so that one that looks so proves little: most of the pages of
//! a size must be there. A record whose checksum holds decides, where it lies over the place at which a page would begin.

use super::header::{FIRST_IS_CONTRECORD, LONG_HEADER, LongHeader, PageHeader, SHORT_HEADER};
use super::scan::{Header, RECORD_HEADER, align, crc};
use super::survey::SEGMENT_SIZES;
use binq_core::Space;
use std::ops::RangeInclusive;

/// `--with-wal-blocksize` of the build: 1 to 64 KB.
const SIZES: RangeInclusive<u64> = 0x400..=0x10000;
/// What servers are built with.
const USUAL: u64 = 8192;
/// So many bytes are asked.
const ASKED: u64 = 128 << 10;

/// Whether pages may have this size.
pub fn is_one(size: u64) -> bool {
    size.is_power_of_two() && SIZES.contains(&size)
}

/// Find out from the page headers, and where they are of two minds, from the records.
pub fn find(file: &Space) -> u64 {
    let long = LongHeader::read(file, 0);
    let stated = long.map(|long| long.blcksz).filter(|size| is_one(*size));
    let size = stated.unwrap_or(USUAL);
    let Some(first) = PageHeader::read(file, 0) else {
        return size;
    };
    let pages = Pages { file, first };
    if pages.follows(size) && !pages.follows(size / 2) {
        return size;
    }
    let holds = pages.most(size, |at| pages.follows(at));
    let sizes = std::iter::successors(Some(*SIZES.start()), |size| Some(size * 2));
    let sizes = sizes.take_while(|size| SIZES.contains(size));
    // of the right size more pages follow than of a larger one
    let mut rivals = sizes.filter(|rival| *rival < size || (*rival > size && !holds));
    let rival = rivals.find(|rival| match stated.is_some() || holds {
        true => pages.most(*rival, |at| pages.surely_follows(at)),
        false => pages.most(*rival, |at| pages.follows(at)),
    });
    rival
        .filter(|rival| !pages.runs_over(size, *rival))
        .unwrap_or(size)
}

/// The first pages of an input.
struct Pages<'a> {
    file: &'a Space,
    first: PageHeader,
}

impl Pages<'_> {
    /// Whether a page seems to begin at a byte of the input. One field may be wrong, there or on the first page.
    fn follows(&self, at: u64) -> bool {
        let page = PageHeader::read(self.file, at);
        page.is_some_and(|page| page.magic == self.first.magic || self.is_placed(&page, at))
    }

    /// Whether nothing is wrong with the page that begins there.
    fn surely_follows(&self, at: u64) -> bool {
        const FLAGS: u16 = 0x000f;
        let page = PageHeader::read(self.file, at);
        page.is_some_and(|page| {
            let flags = page.info & !FLAGS == 0;
            page.magic == self.first.magic && self.is_placed(&page, at) && flags && page.tli != 0
        })
    }

    /// Whether a page lies where its address says. An old one lies at the same place of another segment.
    fn is_placed(&self, page: &PageHeader, at: u64) -> bool {
        let place = |addr: u64| addr % SEGMENT_SIZES.start();
        page.addr != 0 && place(page.addr) == place(self.first.addr.wrapping_add(at))
    }

    /// Whether most of the pages are there that pages of this size have, and pages of twice the size have not.
    fn most(&self, size: u64, follows: impl Fn(u64) -> bool) -> bool {
        let places = (size..self.file.len().min(ASKED)).step_by(2 * size as usize);
        // behind the end of the log nothing is
        let used = |at: &u64| PageHeader::read(self.file, *at).is_some_and(|page| !page.is_blank());
        let (there, missing): (Vec<u64>, Vec<u64>) =
            places.filter(used).partition(|at| follows(*at));
        there.len() > missing.len()
    }

    /// Whether, read with pages of `size` bytes, a record runs over a place where a page begins of this size, and of `rival` bytes
    /// none does, or the other way round: its checksum holds, or the pages that it goes on on agree with its length.
    fn runs_over(&self, size: u64, rival: u64) -> bool {
        let len = self.file.len().min(ASKED);
        let header = |at: u64| match at {
            0 => self.first.stated_len(),
            at if (self.first.addr.wrapping_add(at)).is_multiple_of(*SEGMENT_SIZES.start())
                && PageHeader::read(self.file, at)
                    .is_some_and(|h| h.stated_len() == LONG_HEADER) =>
            {
                LONG_HEADER
            }
            _ => SHORT_HEADER,
        };
        let mut log = Vec::new();
        let (mut begins, mut borders) = (Vec::new(), Vec::new());
        for page in (0..len).step_by(size as usize) {
            let from = page + header(page);
            let body = self.file.read(from, (page + size).saturating_sub(from));
            // where only one of the two sizes has a page
            let here = (page..page + size).step_by(rival.min(size) as usize);
            let here = here.filter(|at| !at.is_multiple_of(rival.max(size)));
            let here = here.map(|at| at.saturating_sub(from));
            borders.extend(here.map(|at| log.len() as u64 + at));
            begins.push((log.len() as u64, page));
            log.extend_from_slice(&body);
        }
        let over = |at: u64, end: u64| borders.iter().any(|border| (at + 1..end).contains(border));
        // each page on which a record goes on says how much of it is left
        let told = |at: u64, end: u64| {
            let mut on = begins
                .iter()
                .filter(|(begin, _)| (at + 1..end).contains(begin))
                .peekable();
            on.peek().is_some()
                && on.all(|(begin, page)| {
                    let page =
                        PageHeader::read(self.file, *page).filter(|_| self.surely_follows(*page));
                    let left = |page: PageHeader| {
                        page.continues() && u64::from(page.rem_len) == end - begin
                    };
                    page.is_some_and(left)
                })
        };
        let rest = match self.first.info & FIRST_IS_CONTRECORD {
            0 => 0,
            _ => u64::from(self.first.rem_len),
        };
        if over(0, rest) && told(0, rest) {
            return true;
        }
        let mut at = align(rest);
        while let Some(header) = usize::try_from(at)
            .ok()
            .and_then(|at| Header::read(log.get(at..)?))
        {
            let len = u64::from(header.tot_len);
            if len < RECORD_HEADER {
                break;
            }
            let bytes = log.get(at as usize..(at + len) as usize);
            let holds = |b: &[u8]| crc(&[&b[24..], &b[..20]]) == header.crc();
            if over(at, at + len) && (bytes.is_some_and(holds) || told(at, at + len)) {
                return true;
            }
            at += align(len);
        }
        false
    }
}
