//! Finding out what log an input is a part of, and where in it each page belongs.
//!
//! The address of the log is that of its first sound page. Pages behind it may be old ones: a segment that is used again holds
//! what it held before until it is written over, and so a few new pages often lie before many old ones, with lower addresses.

use super::geometry::Geometry;
use super::header::{LONG, LongHeader, PageHeader, Version, all_flags, known_magics, major_of};
use super::page_size;
use super::scan::{Header, RECORD_HEADER, align, crc};
use binq_core::{Malformed, Space};
use std::ops::RangeInclusive;

/// `--wal-segsize` of initdb: 1 MB to 1 GB (`IsValidWalSegSize`).
pub const SEGMENT_SIZES: RangeInclusive<u64> = 1 << 20..=1 << 30;

/// So many pages are asked for what the first one should have said.
pub const PAGES_ASKED: u64 = 16;

/// Whether a segment may have this size.
pub fn is_segment_size(size: u64) -> bool {
    size.is_power_of_two() && SEGMENT_SIZES.contains(&size)
}

/// Find out from the page headers.
///
/// # Errors
/// An input whose first pages are not those of a log.
pub fn survey(file: &Space) -> Result<Geometry, Malformed> {
    let blcksz = page_size::find(file);
    let first = |i: u64| Some((i, PageHeader::read(file, i * blcksz)?));
    let pages: Vec<(u64, PageHeader)> = (0..PAGES_ASKED).map_while(first).collect();
    let version = version(file, &pages, blcksz).ok_or_else(|| no_magic(file))?;
    let survey = Survey {
        file,
        version,
        blcksz,
    };
    let base = survey.base(&pages);
    let (seg_size, stated) = survey.seg_size(base);
    let mut geometry = Geometry::new(version, blcksz, seg_size, base, file.len());
    geometry.states_seg_size = stated;
    survey.follow(&mut geometry);
    geometry.sysid = survey.sysid(&geometry);
    geometry.measure(file.len());
    Ok(geometry)
}

/// The version that most of the first pages are of; one that is not known, where their headers are sound otherwise.
fn version(file: &Space, pages: &[(u64, PageHeader)], blcksz: u64) -> Option<Version> {
    let magics = pages.iter().map(|(_, header)| header.magic);
    if let Some(magic) = most_frequent(magics.filter(|magic| major_of(*magic).is_some())) {
        return Some(Version::of(magic));
    }
    let (_, first) = pages.first()?;
    if resembles_first_page(file, first) {
        return Some(Version::of(first.magic));
    }
    // a part of a segment: two pages that follow each other
    let sound = |header: &PageHeader| {
        let flags = header.info & !all_flags(super::rmgr::FIRST_MAJOR) == 0;
        header.magic >> 8 != 0 && flags && header.tli != 0 && header.addr.is_multiple_of(blcksz)
    };
    let (_, second) = pages.get(1)?;
    let follows = second.addr == first.addr.wrapping_add(blcksz) && second.magic == first.magic;
    let both = sound(first) && sound(second) && first.addr != 0;
    (follows && both && first.tli == second.tli).then(|| Version::of(first.magic))
}

/// Whether the input begins with a long page header that at most one field of is wrong besides the magic.
fn resembles_first_page(file: &Space, header: &PageHeader) -> bool {
    let Some(long) = LongHeader::read(file, 0) else {
        return false;
    };
    let signs = [
        header.info < 0x10,
        header.tli != 0,
        header.addr != 0 && header.addr.checked_rem(long.seg_size) == Some(0),
        is_segment_size(long.seg_size),
        page_size::is_one(long.blcksz),
    ];
    signs.into_iter().filter(|sign| *sign).count() >= signs.len() - 1
}

fn most_frequent<T: PartialEq + Copy>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, u32)> = Vec::new();
    for x in all {
        match counts.iter_mut().find(|(y, _)| *y == x) {
            Some((_, n)) => *n += 1,
            None => counts.push((x, 1)),
        }
    }
    // the first of those that are equally frequent
    let most = counts.into_iter().rev().max_by_key(|(_, n)| *n);
    most.map(|(x, _)| x)
}

/// That the first page is of no known version.
fn no_magic(file: &Space) -> Malformed {
    let head = file.read(0, 2);
    let found = match *head {
        [a, b] => format!("{:04X}", u16::from_le_bytes([a, b])),
        _ => format!("{} bytes", head.len()),
    };
    Malformed::new(0, format!("xlp_magic {}", known_magics()), found)
}

/// An input that is being found out about.
pub struct Survey<'a> {
    pub file: &'a Space,
    pub version: Version,
    pub blcksz: u64,
}

impl Survey<'_> {
    /// Whether an address can be one of a page.
    pub fn addresses(&self, header: &PageHeader) -> bool {
        header.addr != 0 && header.addr.is_multiple_of(self.blcksz)
    }

    /// Whether nothing about a page header is wrong by itself.
    pub fn sound(&self, header: &PageHeader) -> bool {
        header.magic == self.version.magic
            && self.addresses(header)
            && header.info & !all_flags(self.version.major) == 0
            && header.tli != 0
    }

    /// Where the first record of a page is, in bytes from its start, by its header.
    fn first_record(&self, header: &PageHeader) -> u64 {
        let rest = match header.continues() {
            true => u64::from(header.rem_len),
            false => 0,
        };
        header.stated_len() + align(rest)
    }

    /// Whether what is on a page says that the page has this address: a record names the one before it there.
    pub fn proves(&self, page: u64, addr: u64) -> bool {
        let Some(header) = PageHeader::read(self.file, page * self.blcksz) else {
            return false;
        };
        let body = self.file.read(page * self.blcksz, self.blcksz);
        let mut at = self.first_record(&header);
        let read = |at: u64| Header::read(body.get(usize::try_from(at).ok()?..)?);
        while let Some(record) = read(at) {
            let len = u64::from(record.tot_len);
            if len < RECORD_HEADER {
                return false;
            }
            let end = at + align(len);
            if read(end).is_some_and(|next| next.prev == addr.wrapping_add(at)) {
                return true;
            }
            at = end;
        }
        false
    }

    /// Whether a record on a page is whole, and names one shortly before this address of the page.
    pub fn may_have(&self, page: u64, addr: u64) -> bool {
        const NEAR: u64 = 2 << 30;
        let Some(header) = PageHeader::read(self.file, page * self.blcksz) else {
            return false;
        };
        let body = self.file.read(page * self.blcksz, self.blcksz);
        let at = self.first_record(&header);
        let record = usize::try_from(at).ok().and_then(|at| body.get(at..));
        let Some(head) = record.and_then(Header::read) else {
            return false;
        };
        let near = head.prev < addr && addr - head.prev < NEAR;
        let bytes = record.and_then(|record| record.get(..head.tot_len as usize));
        let bytes = bytes.filter(|b| b.len() as u64 >= RECORD_HEADER);
        near && bytes.is_some_and(|b| crc(&[&b[24..], &b[..20]]) == head.crc())
    }

    /// How many bytes of a record are left for the next page, by what is on this one; `None` where it ends in none.
    pub fn left_over(&self, page: u64) -> Option<u64> {
        let header = PageHeader::read(self.file, page * self.blcksz)?;
        let body = self.file.read(page * self.blcksz, self.blcksz);
        let rest = u64::from(header.rem_len);
        let room = self.blcksz - header.stated_len();
        if header.continues() && rest > room {
            return Some(rest - room);
        }
        let mut at = self.first_record(&header);
        loop {
            let record = Header::read(body.get(usize::try_from(at).ok()?..)?)?;
            let len = u64::from(record.tot_len);
            if len < RECORD_HEADER {
                return None;
            }
            if at + len > self.blcksz {
                return Some(at + len - self.blcksz);
            }
            at += align(len);
        }
    }

    /// The LSN of the first byte of the input: that of its first sound page, unless that one belongs to those behind it by
    /// what is on it, and only its address is another one.
    fn base(&self, pages: &[(u64, PageHeader)]) -> u64 {
        let of = |page: u64, header: &PageHeader| header.addr.wrapping_sub(page * self.blcksz);
        let first = pages.first().map(|(_, header)| *header);
        let own = first.filter(|header| self.addresses(header));
        let agrees = |addr: u64| {
            let mut others = pages.iter().skip(1);
            others.any(|(page, header)| self.sound(header) && of(*page, header) == addr)
        };
        if let Some(header) = own.filter(|header| agrees(header.addr)) {
            return header.addr;
        }
        if let Some(header) = own
            && self.proves(0, header.addr)
        {
            return header.addr;
        }
        let proven = |(page, header): &&(u64, PageHeader)| {
            self.sound(header) && *page > 0 && self.proves(*page, header.addr)
        };
        let later = pages.iter().find(proven).map(|(page, h)| of(*page, h));
        // others that are only of one mind
        let others = pages.iter().skip(1).filter(|(_, h)| self.sound(h));
        let later = later.or_else(|| most_frequent(others.map(|(page, h)| of(*page, h))));
        let own = own.filter(|header| self.sound(header)).map(|h| h.addr);
        match (own, later) {
            (Some(own), Some(later)) if own != later => {
                let goes_on = || {
                    let (_, next) = pages.get(1)?;
                    let rest = self.left_over(0)?;
                    Some(next.continues() && rest == u64::from(next.rem_len))
                };
                let of_those = own < later || self.proves(0, later) || goes_on() == Some(true);
                if of_those { later } else { own }
            }
            (Some(own), _) => own,
            (None, Some(later)) => later,
            (None, None) => {
                let sound = pages.iter().filter(|(_, header)| self.sound(header));
                let lax = pages.iter().filter(|(_, header)| self.addresses(header));
                let mut all = sound.chain(lax).map(|(page, header)| of(*page, header));
                all.next().unwrap_or(0)
            }
        }
    }

    /// Bytes in a segment: what a long header says, or the smallest size with which no other page should have one; and whether
    /// a page says it.
    fn seg_size(&self, base: u64) -> (u64, bool) {
        const SMALLEST: u64 = 1 << 20;
        let to_next = SMALLEST - base % SMALLEST;
        let begins = (to_next..self.file.len()).step_by(SMALLEST as usize);
        let (mut smallest, mut largest) = (SMALLEST, *SEGMENT_SIZES.end());
        for at in std::iter::once(0).chain(begins) {
            let Some(header) = PageHeader::read(self.file, at).filter(|h| self.sound(h)) else {
                continue;
            };
            if let Some(long) = LongHeader::read_any(self.file, at)
                && is_segment_size(long.seg_size)
                && (header.info & LONG != 0 || long.blcksz == self.blcksz)
                && header.addr.is_multiple_of(long.seg_size)
            {
                return (long.seg_size, true);
            }
            if header.info & LONG != 0 {
                largest = largest.min(1 << header.addr.trailing_zeros().min(30));
            }
            while header.info & LONG == 0
                && header.addr.is_multiple_of(smallest)
                && smallest < *SEGMENT_SIZES.end()
            {
                smallest *= 2;
            }
        }
        let len = self.file.len().next_power_of_two();
        let guess = len.clamp(*SEGMENT_SIZES.start(), *SEGMENT_SIZES.end());
        (guess.min(largest).max(smallest), false)
    }

    /// `xlp_sysid`, as most of the first long headers say it.
    fn sysid(&self, geometry: &Geometry) -> Option<u64> {
        const ASKED: usize = 5;
        let pages = self.file.len().div_ceil(self.blcksz);
        let per_segment = (geometry.seg_size / self.blcksz) as usize;
        let first = (0..pages).find(|page| geometry.begins_segment(*page))?;
        let begins = (first..pages).step_by(per_segment).take(ASKED);
        let ids =
            begins.filter_map(|page| Some(LongHeader::read(self.file, page * self.blcksz)?.sysid));
        most_frequent(ids)
    }
}
