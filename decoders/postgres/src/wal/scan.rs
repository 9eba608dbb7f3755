//! Finding records: where one begins, where it ends, and where to go on after damage.
//!
//! A record follows the one before at the next multiple of 8 (`MAXALIGN`), and `xl_prev` names the one before. That chain
//! is what tells a record from stale or damaged bytes; the checksum decides where the chain is broken. Whether a checksum
//! alone is right does not decide whether a record is one: a record may be wrong on purpose.

mod cross;
mod proof;
mod search;

pub use search::Searched;

use super::geometry::Geometry;
use super::rmgr;
use crate::lsn;
use binq_core::{Malformed, Severity, Space};
use cross::Cross;
use std::borrow::Cow;

/// `SizeOfXLogRecord`, src/include/access/xlogrecord.h
pub const RECORD_HEADER: u64 = 24;
/// `XLogRecordMaxSize` of 16 on is 1020 MiB; `MaxAllocSize`, which bounds records before, is just below 1 GiB.
const MAX_RECORD: u64 = 0x3fff_ffff;

/// `MAXALIGN`
pub fn align(n: u64) -> u64 {
    n.next_multiple_of(8)
}

/// CRC-32C over the payload, then the header up to `xl_crc` (`ValidXLogRecord`, xlogreader.c).
pub fn crc(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .fold(0, |crc, part| crc32c::crc32c_append(crc, part))
        .into()
}

/// `XLogRecord`, src/include/access/xlogrecord.h
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub tot_len: u32,
    pub xid: u32,
    pub prev: u64,
    pub info: u8,
    pub rmid: u8,
    pub padding: u16,
    crc: u32,
}

impl Header {
    /// Read from the first 24 bytes of a record.
    pub fn read(b: &[u8]) -> Option<Self> {
        let b = b.first_chunk::<24>()?;
        let word = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        Some(Self {
            tot_len: word(0),
            xid: word(4),
            prev: u64::from(word(8)) | u64::from(word(12)) << 32,
            info: b[16],
            rmid: b[17],
            padding: u16::from_le_bytes([b[18], b[19]]),
            crc: word(20),
        })
    }

    /// Whether something was written here: more than the one field that may have been set to anything.
    fn was_written(&self) -> bool {
        let kind = u32::from(self.info) | u32::from(self.rmid) << 8;
        let words = [self.tot_len, self.xid, kind, self.crc];
        let set = words.into_iter().filter(|word| *word != 0).count();
        set + usize::from(self.prev != 0) >= 2
    }

    /// `xl_crc`
    pub fn crc(&self) -> u64 {
        self.crc.into()
    }

    /// XLOG SWITCH: what follows it in the segment is unused (`XLOG_SWITCH`, src/include/catalog/pg_control.h).
    pub fn is_switch(&self) -> bool {
        self.rmid == 0 && self.info & 0xf0 == 0x40
    }
}

/// What stands at a place of the stream.
pub enum Look {
    /// A record.
    Record(Found),
    /// A record whose rest was never written; the log goes on at this byte of the stream (an aborted contrecord).
    Aborted(u64),
    /// Damage up to this byte of the stream, where the next record begins.
    Damaged(u64, Malformed),
    /// Damage up to this byte of the stream, with no record after it.
    LastDamaged(u64, Malformed),
    /// The head of a record whose rest is not here, up to this byte of the stream: its end, or that of what was written of the
    /// log. What is wrong with it, or worth to know, if anything.
    Partial(u64, Option<Malformed>),
    /// The head of a record up to this byte of the stream, where the log breaks off.
    Cut(u64, Malformed),
    /// The rest of a record up to this byte of the stream, where a stretch begins that does not have its head.
    Rest(u64, Malformed),
    /// Nothing more.
    End,
}

/// A record that was found.
pub struct Found {
    /// `xl_tot_len`
    pub len: u64,
    pub lsn: u64,
    /// The byte of the stream where the one after it should be.
    pub next: u64,
    /// What is wrong with its `xl_prev`.
    pub prev_wrong: Option<Malformed>,
}

/// Records that were passed over.
pub struct Run {
    pub records: u64,
    /// The byte of the stream after them.
    pub next: u64,
    /// LSN of the last of them.
    pub prev: u64,
    /// `xl_tot_len` of the last of them.
    pub len: u64,
}

/// A reader of the stream.
pub struct Scan<'a> {
    pub geometry: &'a Geometry,
    /// The stream of records.
    pub stream: &'a Space,
    /// What was found in it before.
    pub searched: &'a Searched,
}

impl Scan<'_> {
    /// The input.
    pub fn file(&self) -> &Space {
        self.stream.under().map_or(self.stream, |(file, _)| file)
    }

    fn header(&self, at: u64) -> Option<Header> {
        Header::read(&self.read(at, RECORD_HEADER))
    }

    /// Up to `len` bytes from `at` on, of its stretch: what is behind a break is of other records.
    fn read(&self, at: u64, len: u64) -> Cow<'_, [u8]> {
        self.stream
            .read(at, len.min(self.end(at).saturating_sub(at)))
    }

    /// Where the stretch ends that holds a byte of the stream.
    fn end(&self, at: u64) -> u64 {
        self.geometry.stretch_end(at)
    }

    /// What stands at byte `at` of the stream; `prev` is the LSN of the record before, 0 if it is not known.
    pub fn look(&self, at: u64, prev: u64) -> Look {
        if at >= self.geometry.stream_len() {
            return Look::End;
        }
        let (end, begins) = (self.end(at), self.geometry.begins_stretch(at));
        if self.geometry.is_unread(at) {
            return match end == self.geometry.stream_len() {
                true => Look::End,
                false => Look::Aborted(end),
            };
        }
        // what comes before a stretch is not the record before its first one
        let prev = if begins { 0 } else { prev };
        if begins && let Some(rest) = self.rest_of_lost(at) {
            let expected = "a record that begins before it".to_owned();
            let found = format!("the rest of one, {rest} bytes; its head is missing");
            let wrong = self.wrong(at, expected, found).with(Severity::Damage);
            return Look::Rest((at + align(rest)).min(end), wrong);
        }
        let look = self.look_in_stretch(at, prev);
        if end == self.geometry.stream_len() {
            return look;
        }
        // the log goes on in another stretch
        match look {
            Look::End => Look::Aborted(end),
            Look::Partial(until, wrong) => {
                let cut = || {
                    let found = format!("{} bytes; the log breaks off", end - at);
                    let expected = "a whole record".to_owned();
                    self.wrong(at, expected, found).with(Severity::Damage)
                };
                Look::Cut(until, wrong.unwrap_or_else(cut))
            }
            look => look,
        }
    }

    /// How many bytes of a record begin a stretch, where its head is in none.
    fn rest_of_lost(&self, at: u64) -> Option<u64> {
        let (page, _) = self.geometry.place(at);
        let (header, current) = self.geometry.page(self.file(), page)?;
        let rest = u64::from(header.rem_len);
        (current && header.continues() && rest > 0).then_some(rest)
    }

    fn look_in_stretch(&self, at: u64, prev: u64) -> Look {
        let len = self.end(at);
        if let Some(found) = self.quick(at, prev) {
            return Look::Record(found);
        }
        let lsn = self.geometry.lsn(at);
        let Some(header) = self.header(at) else {
            return self.cut_header(at);
        };
        let tot_len = u64::from(header.tot_len);
        let chained = prev != 0 && header.prev == prev;
        if !self.plausible(&header) {
            return self.resync(at, self.implausible(&header, at));
        }
        if !chained && !self.current(at) {
            return self.resync(at, self.prev_wrong(at, &header, prev));
        }
        let end = at + tot_len;
        if end > at + self.page_room(at) {
            // also of one that names what it should: what was found behind damage does so in any case
            if self.ends_elsewhere(at, end)
                && !self.next_agrees(at, self.next(at, &header))
                && !self.sum_proves(at, &header)
            {
                let wrong = match chained || prev == 0 {
                    false => self.prev_wrong(at, &header, prev),
                    true => {
                        let expected = "a record that ends where the next page says".to_owned();
                        self.wrong(at, expected, format!("xl_tot_len {tot_len}"))
                    }
                };
                return self.resync(at, wrong);
            }
            match self.cross(at, end.min(len)) {
                Cross::Whole => {}
                // a record that ends on its own page by its block headers was not aborted on the next: its length is wrong
                Cross::Aborted(next) if self.implied_len(at).is_none_or(|e| e > next) => {
                    return Look::Aborted(next);
                }
                Cross::Aborted(next) => {
                    let found = format!("xl_tot_len {tot_len}, and a page that begins anew");
                    let expected = format!(
                        "a record up to {}",
                        lsn::text(self.geometry.lsn_after(next))
                    );
                    return self.resync(at, self.wrong(at, expected, found));
                }
                Cross::Torn(until) => {
                    let found = format!(
                        "its page ends at {}",
                        lsn::text(self.geometry.lsn_after(until))
                    );
                    let wrong = self.wrong(at, format!("a record of {tot_len} bytes"), found);
                    return match self.resync(at, wrong.clone()) {
                        look @ (Look::Damaged(..) | Look::Record(_)) => look,
                        // what was not written yet is no damage
                        _ if self.never_written(until)
                            && self.implied_len(at).is_none_or(|end| end > until) =>
                        {
                            Look::Partial(until, Some(wrong.with(Severity::Note)))
                        }
                        look => look,
                    };
                }
            }
        }
        if end > len {
            let found = format!("{} bytes up to the end", len - at);
            let wrong = self.wrong(at, format!("{tot_len} bytes"), found);
            return match self.resync(at, wrong) {
                // it states the length that its parts add up to, as far as they are there
                Look::Partial(..) if self.implied_len(at).is_none_or(|implied| implied == end) => {
                    let known = chained || prev == 0;
                    let wrong = (!known).then(|| self.prev_wrong(at, &header, prev));
                    Look::Partial(len, wrong)
                }
                look => look,
            };
        }
        let found = Found {
            len: tot_len,
            lsn,
            next: self.next(at, &header),
            prev_wrong: self.names_another(at, &header, prev),
        };
        // that its parts add up is outweighed by a record in it that its checksum proves, if nothing else speaks for this one
        let alone = !chained && prev != 0 && !self.next_agrees(at, self.next(at, &header));
        let is_false = alone && !self.sum_proves(at, &header) && self.holds_record(at, end);
        if self.confirmed(at, &header) && !is_false {
            return Look::Record(found);
        }
        // nothing agrees with the length: it may be wrong
        let wrong = match chained || prev == 0 {
            false => self.prev_wrong(at, &header, prev),
            true => self.wrong(
                at,
                "a length that the next record, the checksum or the block headers agree with"
                    .to_owned(),
                format!("xl_tot_len {tot_len}, and none of them does"),
            ),
        };
        let likely = chained || self.resembles(at, &header);
        match self.find(at) {
            // nothing but its header says that it is a switch, behind which the segment is not used
            Some(next) if is_false || found.next > next => Look::Damaged(next, wrong),
            Some(next) if next == align(end) => Look::Record(found),
            // of two lengths that disagree, that of the block headers may lead to the next record
            Some(next) if likely && align(end) < next && !self.implies(at, next) => {
                Look::Record(found)
            }
            Some(next) => Look::Damaged(next, wrong),
            None if likely && self.ends_at(at, end) => Look::Record(found),
            None => self.rest(at, wrong),
        }
    }

    /// The common case: the record and the header of the next one are on one page, and each names the one before it.
    fn quick(&self, at: u64, prev: u64) -> Option<Found> {
        let run = self.run(at, prev, 1);
        (run.records == 1).then_some(Found {
            len: run.len,
            lsn: run.prev,
            next: run.next,
            prev_wrong: None,
        })
    }

    /// Pass over up to `most` records of the common case, on one page.
    pub fn run(&self, at: u64, prev: u64, most: u64) -> Run {
        self.run_with(at, prev, most, |_, _, _| {})
    }

    /// The same, where somebody looks at each: the byte of the stream, the LSN before it, and the header.
    pub fn run_with(
        &self,
        at: u64,
        prev: u64,
        most: u64,
        mut passed: impl FnMut(u64, u64, &Header),
    ) -> Run {
        let mut run = Run {
            records: 0,
            next: at,
            prev,
            len: 0,
        };
        if at >= self.geometry.stream_len() {
            return run;
        }
        let (page, byte) = self.geometry.place(at);
        let file_at = page * self.geometry.blcksz + byte;
        let bytes = self.file().read(file_at, self.geometry.blcksz - byte);
        let mut lsn = self.geometry.file_lsn(file_at);
        let mut rest: &[u8] = &bytes;
        let Some(mut header) = Header::read(rest) else {
            return run;
        };
        while run.records < most {
            let len = u64::from(header.tot_len);
            rest = rest.get(align(len) as usize..).unwrap_or(&[]);
            let Some(next) = Header::read(rest) else {
                break;
            };
            let linked = next.prev == lsn && (header.prev == run.prev || run.prev == 0);
            if !linked || header.is_switch() || !self.plausible(&header) {
                break;
            }
            passed(run.next, run.prev, &header);
            run.records += 1;
            run.next += align(len);
            run.prev = lsn;
            run.len = len;
            lsn = lsn.wrapping_add(align(len));
            header = next;
        }
        run
    }

    fn wrong(&self, at: u64, expected: String, found: String) -> Malformed {
        Malformed::new(at, expected, found)
    }

    fn prev_wrong(&self, at: u64, header: &Header, prev: u64) -> Malformed {
        let expected = match prev {
            0 => format!("xl_prev before {}", lsn::text(self.geometry.lsn(at))),
            _ => format!("xl_prev {}", lsn::text(prev)),
        };
        let wrong = self.wrong(at + 8, expected, lsn::text(header.prev));
        wrong.with(Severity::Damage)
    }

    /// What is wrong with the `xl_prev` of a record (`ValidXLogRecordHeader`).
    fn names_another(&self, at: u64, header: &Header, prev: u64) -> Option<Malformed> {
        let right = match prev {
            0 => header.prev < self.geometry.lsn(at),
            _ => header.prev == prev,
        };
        (!right).then(|| self.prev_wrong(at, header, prev))
    }

    /// The checks of `ValidXLogRecordHeader` (xlogreader.c) that look at the record alone.
    fn plausible(&self, header: &Header) -> bool {
        (RECORD_HEADER..=MAX_RECORD).contains(&header.tot_len.into())
            && rmgr::rmgr_name(self.geometry.major(), header.rmid).is_some()
    }

    /// Which of these checks failed.
    fn implausible(&self, header: &Header, at: u64) -> Malformed {
        let tot_len = u64::from(header.tot_len);
        if (RECORD_HEADER..=MAX_RECORD).contains(&tot_len) {
            let expected = format!("xl_rmid of PostgreSQL {}", self.geometry.major());
            return self.wrong(at + 17, expected, header.rmid.to_string());
        }
        let expected = match self.proven_len(at) {
            Some(len) => format!("xl_tot_len {len}, which block headers and checksum agree on"),
            None => format!("xl_tot_len of at least {RECORD_HEADER}"),
        };
        self.wrong(at, expected, tot_len.to_string())
    }

    /// Bytes from `at` to the end of its page.
    fn page_room(&self, at: u64) -> u64 {
        self.geometry.blcksz - self.geometry.place(at).1
    }

    /// Whether the page that holds `at` belongs there.
    fn current(&self, at: u64) -> bool {
        let (page, _) = self.geometry.place(at);
        let header = self.geometry.page(self.file(), page);
        header.is_some_and(|(_, current)| current)
    }

    /// Where the record after this one should be.
    fn next(&self, at: u64, header: &Header) -> u64 {
        match header.is_switch() {
            true => self.geometry.next_segment(at),
            false => align(at + u64::from(header.tot_len)),
        }
    }

    /// Fewer bytes than a header are left after a record: the beginning of one.
    fn cut_header(&self, at: u64) -> Look {
        if !self.current(at) {
            return Look::End;
        }
        let bytes = self.read(at, RECORD_HEADER);
        let zero = bytes.iter().all(|b| *b == 0);
        Look::Partial(
            self.end(at),
            zero.then(|| self.wrong(at, "the head of a record".to_owned(), "zeros".to_owned())),
        )
    }

    /// There is no record at `at`: find the next one, or the end of the log.
    fn resync(&self, at: u64, wrong: Malformed) -> Look {
        match self.find(at) {
            Some(next) => Look::Damaged(next, wrong),
            None => self.rest(at, wrong),
        }
    }

    /// Whether the record at `at` may end at `end`, as it says, though no record follows: the log ends there, and its block
    /// headers do not say that it runs past the end of the input; or they say nothing better.
    fn ends_at(&self, at: u64, end: u64) -> bool {
        let len = self.end(at);
        let implied = self.implied_len(at);
        match self.nothing_at(align(end), len) {
            true => align(end) < len || implied.is_none_or(|implied| implied <= len),
            false => implied
                .is_none_or(|implied| implied <= len && !self.nothing_at(align(implied), len)),
        }
    }

    /// No record follows. What stands here is the head of a record that runs past the end, or a damaged record, the last
    /// one; or it was never written. What decides is not in the header of the record, which may be wrong on purpose.
    fn rest(&self, at: u64, wrong: Malformed) -> Look {
        let Some(used) = self.written(at) else {
            return Look::End;
        };
        let len = self.end(at);
        let header = self.header(at).filter(|h| self.adds_up(at, h));
        let stated = header.map(|h| at + u64::from(h.tot_len));
        let end = stated.or_else(|| self.implied_len(at));
        if let Some(Cross::Torn(until)) = end.map(|end| self.cross(at, end.min(len)))
            && self.never_written(until)
        {
            return Look::Partial(until, Some(wrong));
        }
        match end {
            Some(end) if end > len => Look::Partial(len, Some(wrong)),
            // at the very end of the input nothing is seen of a next record, and a record of another length may be cut there
            Some(end)
                if self.nothing_at(align(end), len)
                    && (align(end) + RECORD_HEADER <= len
                        || stated.is_some()
                        || self.proven_len(at).is_some()) =>
            {
                Look::LastDamaged(align(end), wrong)
            }
            _ if self.reaches_end(at) => Look::Partial(len, Some(wrong)),
            _ => Look::LastDamaged(align(used).min(len), wrong),
        }
    }
}
