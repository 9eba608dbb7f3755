//! The rest of a record that begins in the file before: how long it is.
//!
//! `xlp_rem_len` of the first page says so. It may be wrong; then the pages behind it, which say how much of the record is left
//! there, or the records, tell.

use super::header::PageHeader;
use super::scan::{Scan, align};
use binq_core::Malformed;

/// So many pages are asked at most.
const PAGES_ASKED: u64 = 16;

/// The rest of a record that begins in the file before.
#[derive(Clone, Debug, Default)]
pub struct Continuation {
    /// Bytes of the stream.
    pub len: u64,
    /// The byte of the stream where the record ends, maybe behind the input, or where it would have, had it not been abandoned;
    /// not known where only the place of the next record is.
    pub end: Option<u64>,
    /// What is wrong with `xlp_rem_len` of the first page, where its right value is not known.
    pub wrong: Option<Malformed>,
}

/// What the pages behind the first one say.
#[derive(Default)]
struct Pages {
    /// Where the record ends, and how many of them say so.
    ends: Vec<(u64, u32)>,
    /// Up to where it is written, if the log ends before it, or it was abandoned.
    until: Option<u64>,
}

impl Pages {
    fn ask(scan: &Scan<'_>, stated: u64, len: u64) -> Self {
        let mut pages = Self::default();
        for page in 1..=PAGES_ASKED {
            let start = scan.geometry.stream_of_page(page);
            // where one page says that the record ends, the next one is of another
            let ends = pages
                .ends
                .first()
                .map_or(stated.max(start + 1), |(end, _)| *end);
            if start >= len || start >= ends {
                break;
            }
            let Some((header, current)) = scan.geometry.page(scan.file(), page) else {
                break;
            };
            if scan.is_unwritten(page, &header)
                || current && header.overwrites(scan.geometry.major())
            {
                pages.until = Some(start);
                break;
            }
            if !header.continues() || !current && scan.geometry.is_foreign(scan.file(), page) {
                continue;
            }
            let end = start + u64::from(header.rem_len);
            match pages.ends.iter_mut().find(|(at, _)| *at == end) {
                Some((_, votes)) => *votes += 1,
                None => pages.ends.push((end, 1)),
            }
        }
        pages
    }

    fn votes(&self, end: u64) -> u32 {
        let of = self.ends.iter().find(|(at, _)| *at == end);
        of.map_or(0, |(_, votes)| *votes)
    }
}

impl Continuation {
    /// Of the log that a reader reads.
    pub fn find(scan: &Scan<'_>) -> Self {
        let geometry = scan.geometry;
        let Some(first) = PageHeader::read(scan.file(), 0) else {
            return Self::default();
        };
        let rem_len = u64::from(first.rem_len);
        let stated = if first.continues() { rem_len } else { 0 };
        let len = geometry.stretch_end(0);
        let pages = Pages::ask(scan, stated, len);
        let written = pages.until.unwrap_or(len);
        let of = |end: u64| Self {
            len: end.min(written),
            end: Some(end),
            wrong: None,
        };
        let floor = geometry.page_lsn(0).saturating_sub(geometry.seg_size);
        // only zeros lie between two records
        let padded = |end: u64| {
            let padding = scan.stream.read(end, align(end) - end);
            padding.iter().all(|b| *b == 0)
        };
        let proven = |end: u64| end < written && padded(end) && scan.stands(align(end), floor);
        let contradicted = pages.ends.iter().any(|(end, _)| *end != stated);
        if proven(stated)
            || stated > 0 && pages.votes(stated) > 0
            || stated >= written && !contradicted
        {
            return of(stated);
        }
        let next = scan.search(0, floor);
        // the flag alone may be wrong
        let flagless = Some(rem_len).filter(|end| *end > 0 && stated == 0);
        let mut ends = pages.ends.iter().map(|(end, _)| *end).chain(flagless);
        let exact = ends
            .clone()
            .find(|end| Some(align(*end)) == next && padded(*end));
        let agreed = |end: &u64| {
            let behind = next.is_none_or(|next| next >= *end);
            behind && pages.votes(*end) + u32::from(flagless == Some(*end)) > 1
        };
        if let Some(end) = exact.or_else(|| ends.find(agreed)) {
            return of(end);
        }
        match next {
            // the alignment may be part of it or not
            Some(end)
                if end < align(stated)
                    || end > align(stated) && (stated == 0 || !scan.may_follow(align(stated))) =>
            {
                Self {
                    len: end,
                    end: None,
                    wrong: Some(Malformed::new(
                        16,
                        format!("xlp_rem_len from {} to {end}", end.saturating_sub(7)),
                        rem_len.to_string(),
                    )),
                }
            }
            _ => of(stated),
        }
    }
}
