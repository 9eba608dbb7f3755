//! Where pages, and the records between their headers, lie in an input.
//!
//! Pages have `xlp_xlog_blcksz` bytes. Each begins with a header of 24 bytes, the first of a segment with one of 40
//! (`SizeOfXLogShortPHD`, `SizeOfXLogLongPHD`, src/include/access/xlog_internal.h). Records fill the rest, and do not care
//! for page boundaries: the *stream* is the log without its page headers.
//!
//! A *stretch* is a run of pages that follow each other in the log as they do in the input. One input is mostly one stretch;
//! where a segment is missing between two that were joined, another one begins.

use super::header::{LONG_HEADER, PageHeader, SHORT_HEADER, Version};
use binq_core::{Malformed, Space};

/// What is known about an input as a whole.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Which server wrote it.
    pub version: Version,
    /// Bytes in a page.
    pub blcksz: u64,
    /// Bytes in a segment.
    pub seg_size: u64,
    /// Whether a page says how large segments are; else it is a guess.
    pub states_seg_size: bool,
    /// `xlp_sysid`, where a page says it.
    pub sysid: Option<u64>,
    /// That pages lie in the input where none can be read, because they were joined to a part of one.
    pub misplaced: Option<Malformed>,
    /// Never empty.
    stretches: Vec<Stretch>,
    /// Bytes of the stream in one whole segment.
    seg_room: u64,
    /// Bytes of the stream in the input.
    stream_len: u64,
}

/// Pages that follow each other in the log.
#[derive(Clone, Debug)]
struct Stretch {
    /// The first page, counted in the input.
    page: u64,
    /// The LSN that the first byte of the input would have; wraps around.
    base: u64,
    /// The page of its segment that the first page is.
    first_page: u64,
    /// Bytes of the stream in the segment before the first page.
    skipped: u64,
    /// The first byte of the stream.
    stream: u64,
    /// Why another one begins: its first page is not the one that should follow; none for the first.
    wrong: Option<Malformed>,
    /// Whether its pages are of another version, and so are not read.
    foreign: bool,
}

impl Geometry {
    /// An input of so many bytes, whose first byte has the LSN `base`.
    pub fn new(version: Version, blcksz: u64, seg_size: u64, base: u64, file_len: u64) -> Self {
        let mut geometry = Self {
            version,
            blcksz,
            seg_size,
            states_seg_size: false,
            sysid: None,
            misplaced: None,
            stretches: Vec::new(),
            seg_room: 0,
            stream_len: 0,
        };
        geometry.seg_room = geometry.room_before(seg_size / blcksz);
        geometry.begin(0, base, None, false);
        geometry.measure(file_len);
        geometry
    }

    /// Begin a stretch at a page of the input, which has this LSN, and may be of another version.
    pub fn begin(&mut self, page: u64, lsn: u64, wrong: Option<Malformed>, foreign: bool) {
        let stream = match self.stretches.is_empty() {
            true => 0,
            false => self.stream_of_page(page),
        };
        let first_page = lsn % self.seg_size / self.blcksz;
        self.stretches.push(Stretch {
            page,
            base: lsn.wrapping_sub(page * self.blcksz),
            first_page,
            skipped: self.room_before(first_page),
            stream,
            wrong,
            foreign,
        });
    }

    /// Count the bytes of the stream in an input of so many bytes.
    pub fn measure(&mut self, file_len: u64) {
        let (pages, rest) = (file_len / self.blcksz, file_len % self.blcksz);
        self.stream_len = self.stream_of_page(pages) + rest.saturating_sub(self.header_len(pages));
    }

    /// Where the input is not one run, and what is wrong there: page of the input, and what was found.
    pub fn breaks(&self) -> impl Iterator<Item = (u64, &Malformed)> {
        let breaks = self.stretches.iter();
        breaks.filter_map(|s| Some((s.page, s.wrong.as_ref()?)))
    }

    /// What is wrong with the page at which a stretch begins, other than the first two, of which the log as a whole tells.
    pub fn break_at(&self, page: u64) -> Option<&Malformed> {
        let i = self.stretches.partition_point(|s| s.page < page);
        let stretch = self.stretches.get(i).filter(|s| i > 1 && s.page == page)?;
        stretch.wrong.as_ref()
    }

    /// Whether a page is one of those of another version that were joined with this log.
    pub fn is_joined_foreign(&self, page: u64) -> bool {
        self.of_page(page).foreign
    }

    /// Whether the stretch that holds a byte is not read, because it is of another version.
    pub fn is_unread(&self, stream: u64) -> bool {
        self.of_stream(stream).foreign
    }

    /// Major version of the server; for one that is not known, the newest.
    pub fn major(&self) -> u8 {
        self.version.major
    }

    fn of_page(&self, page: u64) -> &Stretch {
        let i = self.stretches.partition_point(|s| s.page <= page);
        &self.stretches[i.max(1) - 1]
    }

    fn of_stream(&self, stream: u64) -> &Stretch {
        let i = self.stretches.partition_point(|s| s.stream <= stream);
        &self.stretches[i.max(1) - 1]
    }

    /// Bytes of the stream in the first `page` pages of a segment.
    fn room_before(&self, page: u64) -> u64 {
        match page {
            0 => 0,
            _ => page * (self.blcksz - SHORT_HEADER) - (LONG_HEADER - SHORT_HEADER),
        }
    }

    /// Whether a page of the input is the first one of a segment.
    pub fn begins_segment(&self, page: u64) -> bool {
        self.page_lsn(page).is_multiple_of(self.seg_size)
    }

    /// Header size of a page of the input.
    pub fn header_len(&self, page: u64) -> u64 {
        match self.begins_segment(page) {
            true => LONG_HEADER,
            false => SHORT_HEADER,
        }
    }

    /// The page of the input, and the byte in it, that hold a byte of the stream.
    pub fn place(&self, stream: u64) -> (u64, u64) {
        let s = self.of_stream(stream);
        let all = stream - s.stream + s.skipped;
        let (seg, rest) = (all / self.seg_room, all % self.seg_room);
        let first_room = self.blcksz - LONG_HEADER;
        let (page, byte) = if rest < first_room {
            (0, LONG_HEADER + rest)
        } else {
            let room = self.blcksz - SHORT_HEADER;
            let rest = rest - first_room;
            (1 + rest / room, SHORT_HEADER + rest % room)
        };
        let page = s.page + seg * (self.seg_size / self.blcksz) + page - s.first_page;
        (page, byte)
    }

    /// The byte of the input that a byte of the stream comes from.
    pub fn file_of(&self, stream: u64) -> u64 {
        let (page, byte) = self.place(stream);
        page * self.blcksz + byte
    }

    /// The first byte of the stream in a page of the input.
    pub fn stream_of_page(&self, page: u64) -> u64 {
        let s = self.of_page(page);
        let pages = page - s.page + s.first_page;
        let per_seg = self.seg_size / self.blcksz;
        let all = pages / per_seg * self.seg_room + self.room_before(pages % per_seg);
        s.stream + all - s.skipped
    }

    /// Bytes of the stream in the input.
    pub fn stream_len(&self) -> u64 {
        self.stream_len
    }

    /// The first byte of the stream after the stretch that holds a byte.
    pub fn stretch_end(&self, stream: u64) -> u64 {
        let next = self.stretches.partition_point(|s| s.stream <= stream);
        let next = self.stretches.get(next.max(1));
        next.map_or(self.stream_len, |s| s.stream)
    }

    /// Whether a stretch that is not the first one begins at a byte of the stream.
    pub fn begins_stretch(&self, stream: u64) -> bool {
        let s = self.of_stream(stream);
        s.stream == stream && s.page > 0
    }

    /// The LSN of a byte of the input.
    pub fn file_lsn(&self, at: u64) -> u64 {
        self.of_page(at / self.blcksz).base.wrapping_add(at)
    }

    /// The LSN of a page of the input.
    pub fn page_lsn(&self, page: u64) -> u64 {
        self.file_lsn(page * self.blcksz)
    }

    /// The LSN of a byte of the stream.
    pub fn lsn(&self, stream: u64) -> u64 {
        let base = self.of_stream(stream).base;
        base.wrapping_add(self.file_of(stream))
    }

    /// The byte of the stream at an LSN, in the stretch that holds the byte `near`; `None` outside of it, and for one in a page
    /// header.
    pub fn stream_of(&self, lsn: u64, near: u64) -> Option<u64> {
        let s = self.of_stream(near);
        let at = lsn.checked_sub(s.base.wrapping_add(s.page * self.blcksz))?;
        let page = s.page + at / self.blcksz;
        let end = self.stretch_end(s.stream);
        if page > self.place(end.saturating_sub(1)).0 {
            return None;
        }
        let byte = (at % self.blcksz).checked_sub(self.header_len(page))?;
        Some(self.stream_of_page(page) + byte).filter(|stream| *stream < end)
    }

    /// The LSN just after the byte before: at the end of a page, that of the page boundary.
    pub fn lsn_after(&self, stream: u64) -> u64 {
        match stream {
            0 => self.page_lsn(0),
            _ => self.lsn(stream - 1).wrapping_add(1),
        }
    }

    /// The first byte of the stream in the segment after that of a byte, or where its stretch ends.
    pub fn next_segment(&self, stream: u64) -> u64 {
        let s = self.of_stream(stream);
        let all = stream - s.stream + s.skipped;
        let next = (all / self.seg_room + 1) * self.seg_room - s.skipped + s.stream;
        // at the end of the input a segment may be cut
        match self.stretch_end(stream) {
            end if end < self.stream_len => next.min(end),
            _ => next,
        }
    }

    /// The header of a page of the input, and whether the page belongs where it is (a recycled one does not).
    pub fn page(&self, file: &Space, page: u64) -> Option<(PageHeader, bool)> {
        let header = PageHeader::read(file, page * self.blcksz)?;
        let current = header.addr == self.page_lsn(page) && header.magic == self.version.magic;
        Some((header, current))
    }

    /// Whether no page of this log begins where this one should: both its magic and its address are other ones.
    pub fn is_foreign(&self, file: &Space, page: u64) -> bool {
        PageHeader::read(file, page * self.blcksz).is_some_and(|header| {
            header.addr != self.page_lsn(page) && header.magic != self.version.magic
        })
    }

    /// Whether a page is an old one: it belongs to a segment that had this file before.
    pub fn is_old(&self, header: &PageHeader, page: u64) -> bool {
        let here = self.page_lsn(page);
        header.addr < here && (here - header.addr).is_multiple_of(self.seg_size)
    }

    /// Whether a page is an old one, and the next one does not say that only its address is wrong.
    pub fn is_stale(&self, file: &Space, page: u64) -> bool {
        let header = PageHeader::read(file, page * self.blcksz);
        let old = header.is_some_and(|h| h.magic == self.version.magic && self.is_old(&h, page));
        old && !self.goes_on(file, page)
    }

    /// Whether the page behind a page is one of this log, and follows it.
    pub fn goes_on(&self, file: &Space, page: u64) -> bool {
        let follows = std::ptr::eq(self.of_page(page), self.of_page(page + 1));
        follows
            && self
                .page(file, page + 1)
                .is_some_and(|(_, current)| current)
    }

    /// The file of the segment that holds an LSN, as the server names it (`XLogFileName`).
    pub fn segment_name(&self, tli: u32, lsn: u64) -> String {
        let segment = lsn / self.seg_size;
        let per_id = (1u64 << 32) / self.seg_size;
        format!("{tli:08X}{:08X}{:08X}", segment / per_id, segment % per_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_and_file_agree() {
        for base in [0x300_0000, 0x300_2000, 0x3fe_0000] {
            let mut g = Geometry::new(Version::of(0xD110), 8192, 1 << 20, base, 3 << 20);
            for stretches in 1..3 {
                assert_eq!(g.place(0), (0, g.header_len(0)));
                for page in 0..300 {
                    let s = g.stream_of_page(page);
                    assert_eq!(g.place(s), (page, g.header_len(page)), "page {page}");
                    assert_eq!(g.stream_of(g.lsn(s) + 8, s), Some(s + 8), "page {page}");
                    if page > 0 {
                        assert_eq!(g.place(s - 1), (page - 1, 8191), "page {page}");
                    }
                    assert_eq!(g.lsn(s), g.page_lsn(page) + g.header_len(page));
                }
                let breaks = g.stream_of_page(77);
                assert_eq!(g.begins_stretch(breaks), stretches == 2);
                assert_eq!(g.stretch_end(0) == breaks, stretches == 2);
                // some segments further on
                g.begin(77, 0x900_0000, None, false);
                g.measure(3 << 20);
            }
        }
    }

    #[test]
    fn segments_have_the_names_of_their_files() {
        let g = Geometry::new(Version::of(0xD110), 8192, 16 << 20, 0, 0);
        assert_eq!(g.segment_name(1, 0x1_0200_0028), "000000010000000100000002");
        let g = Geometry::new(Version::of(0xD110), 8192, 1 << 20, 0, 0);
        assert_eq!(g.segment_name(2, 0x1_0200_0028), "000000020000000100000020");
    }
}
