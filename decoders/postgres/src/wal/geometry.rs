//! Where pages, and the stream of records between their headers, lie in an input.
//!
//! Pages have `xlp_xlog_blcksz` bytes. Each begins with a header of 24 bytes, the first of a segment with one of 40
//! (`SizeOfXLogShortPHD`, `SizeOfXLogLongPHD`, src/include/access/xlog_internal.h). Records fill the rest, and do not care
//! for page boundaries: the *stream* is the log without its page headers.

use super::rmgr;
use binq_core::{Malformed, Space};
use std::ops::RangeInclusive;

/// `SizeOfXLogShortPHD`
pub const SHORT_HEADER: u64 = 24;
/// `SizeOfXLogLongPHD`
pub const LONG_HEADER: u64 = 40;
/// `XLP_FIRST_IS_CONTRECORD`: the page begins with the rest of a record from the page before.
pub const FIRST_IS_CONTRECORD: u16 = 0x0001;
/// `XLP_LONG_HEADER`
pub const LONG: u16 = 0x0002;
/// `XLP_FIRST_IS_OVERWRITE_CONTRECORD`: the record begun before was abandoned.
pub const FIRST_IS_OVERWRITE_CONTRECORD: u16 = 0x0008;

/// Major version by `XLOG_PAGE_MAGIC` (src/include/access/xlog_internal.h of each branch).
const MAGICS: [(u16, u8); 7] = [
    (0xD101, 12),
    (0xD106, 13),
    (0xD10D, 14),
    (0xD110, 15),
    (0xD113, 16),
    (0xD116, 17),
    (0xD118, 18),
];

/// `--wal-segsize` of initdb: 1 MB to 1 GB.
const SEGMENT_SIZES: RangeInclusive<u64> = 1 << 20..=1 << 30;
/// `--with-wal-blocksize` of the build: 1 to 64 KB.
const BLOCK_SIZES: RangeInclusive<u64> = 0x400..=0x10000;

/// So many pages are asked for what the first one should have said.
const PAGES_ASKED: u64 = 16;

/// The major version that a page magic stands for.
pub fn major_of(magic: u16) -> Option<u8> {
    MAGICS.iter().find(|(m, _)| *m == magic).map(|(_, v)| *v)
}

/// The header fields that all pages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    pub magic: u16,
    pub info: u16,
    pub tli: u32,
    pub addr: u64,
    pub rem_len: u32,
}

impl PageHeader {
    /// Read the header at a byte of the input; `None` where it is cut off.
    pub fn read(file: &Space, at: u64) -> Option<Self> {
        let b = file.read(at, 20);
        let b = b.first_chunk::<20>()?;
        let word = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        Some(Self {
            magic: u16::from_le_bytes([b[0], b[1]]),
            info: u16::from_le_bytes([b[2], b[3]]),
            tli: word(4),
            addr: u64::from(word(8)) | u64::from(word(12)) << 32,
            rem_len: word(16),
        })
    }
}

/// What is known about an input as a whole.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Major version of the server.
    pub major: u8,
    /// Bytes in a page.
    pub blcksz: u64,
    /// Bytes in a segment.
    pub seg_size: u64,
    /// LSN of the first byte of the input.
    pub base: u64,
    /// The page of its segment that the input begins with.
    first_page: u64,
    /// Bytes of the stream in one whole segment.
    seg_room: u64,
    /// Bytes of the stream in the segment before the first page.
    skipped: u64,
    /// Bytes of the stream in the input.
    stream_len: u64,
    /// What does not fit about the first pages.
    pub wrong: Option<Malformed>,
}

impl Geometry {
    /// Find out from the page headers. A damaged first page is outvoted by those after it.
    ///
    /// # Errors
    /// An input none of whose first pages has the magic of a known version, unless only the magic of its first page is
    /// wrong.
    pub fn survey(file: &Space) -> Result<Self, Malformed> {
        let blcksz = stated(file, 36, BLOCK_SIZES).unwrap_or(8192);
        let pages = || {
            let at = (0..PAGES_ASKED).map(move |i| i * blcksz);
            at.map_while(|at| Some((at, PageHeader::read(file, at)?)))
        };
        let majors = pages().filter_map(|(_, h)| major_of(h.magic));
        let (major, wrong) = match most_frequent(majors) {
            Some(major) => (major, None),
            // no page is one of any version's log then, and which version is named does not matter
            None if resembles_first_page(file) => (rmgr::LAST_MAJOR, Some(no_magic(file))),
            None => return Err(no_magic(file)),
        };
        let bases = pages()
            .filter(|(_, h)| h.addr % blcksz == 0 && major_of(h.magic).is_some())
            .filter_map(|(at, h)| h.addr.checked_sub(at));
        let base = most_frequent(bases).unwrap_or(0);
        let guess = file.len().next_power_of_two().clamp(1 << 20, 1 << 30);
        let seg_size = stated(file, 32, SEGMENT_SIZES).unwrap_or(guess);
        Ok(Self {
            wrong,
            ..Self::new(major, blcksz, seg_size, base, file.len())
        })
    }

    fn new(major: u8, blcksz: u64, seg_size: u64, base: u64, file_len: u64) -> Self {
        let mut geometry = Self {
            major,
            blcksz,
            seg_size,
            base,
            first_page: base % seg_size / blcksz,
            seg_room: 0,
            skipped: 0,
            stream_len: 0,
            wrong: None,
        };
        geometry.seg_room = geometry.room_before(seg_size / blcksz);
        geometry.skipped = geometry.room_before(geometry.first_page);
        let (pages, rest) = (file_len / blcksz, file_len % blcksz);
        geometry.stream_len =
            geometry.stream_of_page(pages) + rest.saturating_sub(geometry.header_len(pages));
        geometry
    }

    /// Bytes of the stream in the first `page` pages of a segment.
    fn room_before(&self, page: u64) -> u64 {
        match page {
            0 => 0,
            _ => page * (self.blcksz - SHORT_HEADER) - (LONG_HEADER - SHORT_HEADER),
        }
    }

    /// Header size of a page of the input.
    pub fn header_len(&self, page: u64) -> u64 {
        if ((page + self.first_page) * self.blcksz).is_multiple_of(self.seg_size) {
            LONG_HEADER
        } else {
            SHORT_HEADER
        }
    }

    /// The page of the input, and the byte in it, that hold a byte of the stream.
    pub fn place(&self, stream: u64) -> (u64, u64) {
        let all = stream + self.skipped;
        let (seg, rest) = (all / self.seg_room, all % self.seg_room);
        let first_room = self.blcksz - LONG_HEADER;
        let (page, byte) = if rest < first_room {
            (0, LONG_HEADER + rest)
        } else {
            let room = self.blcksz - SHORT_HEADER;
            let rest = rest - first_room;
            (1 + rest / room, SHORT_HEADER + rest % room)
        };
        let page = seg * (self.seg_size / self.blcksz) + page - self.first_page;
        (page, byte)
    }

    /// The byte of the input that a byte of the stream comes from.
    pub fn file_of(&self, stream: u64) -> u64 {
        let (page, byte) = self.place(stream);
        page * self.blcksz + byte
    }

    /// The first byte of the stream in a page of the input.
    pub fn stream_of_page(&self, page: u64) -> u64 {
        let pages = page + self.first_page;
        let per_seg = self.seg_size / self.blcksz;
        let all = pages / per_seg * self.seg_room + self.room_before(pages % per_seg);
        all - self.skipped
    }

    /// Bytes of the stream in the input.
    pub fn stream_len(&self) -> u64 {
        self.stream_len
    }

    /// The LSN of a byte of the stream.
    pub fn lsn(&self, stream: u64) -> u64 {
        self.base.wrapping_add(self.file_of(stream))
    }

    /// The byte of the stream at an LSN; `None` outside the input, and for one in a page header.
    pub fn stream_of(&self, lsn: u64) -> Option<u64> {
        let at = lsn.checked_sub(self.base)?;
        let page = at / self.blcksz;
        let byte = (at % self.blcksz).checked_sub(self.header_len(page))?;
        Some(self.stream_of_page(page) + byte).filter(|stream| *stream < self.stream_len)
    }

    /// The LSN just after the byte before: at the end of a page, that of the page boundary.
    pub fn lsn_after(&self, stream: u64) -> u64 {
        match stream {
            0 => self.base,
            _ => self.lsn(stream - 1).wrapping_add(1),
        }
    }

    /// The first byte of the stream in the segment after that of a byte.
    pub fn next_segment(&self, stream: u64) -> u64 {
        ((stream + self.skipped) / self.seg_room + 1) * self.seg_room - self.skipped
    }

    /// The header of a page of the input, and whether the page belongs where it is (a recycled one does not).
    pub fn page(&self, file: &Space, page: u64) -> Option<(PageHeader, bool)> {
        let header = PageHeader::read(file, page * self.blcksz)?;
        let here = self.base.wrapping_add(page * self.blcksz);
        let current = header.addr == here && major_of(header.magic) == Some(self.major);
        Some((header, current))
    }

    /// Whether no page of this log begins where this one should: both its magic and its address are other ones.
    pub fn is_foreign(&self, file: &Space, page: u64) -> bool {
        PageHeader::read(file, page * self.blcksz).is_some_and(|header| {
            let here = self.base.wrapping_add(page * self.blcksz);
            header.addr != here && major_of(header.magic) != Some(self.major)
        })
    }
}

/// Whether the input begins with a long page header that at most one field of is wrong besides the magic.
fn resembles_first_page(file: &Space) -> bool {
    let Some(header) = PageHeader::read(file, 0) else {
        return false;
    };
    let [seg_size, blcksz] = [32, 36].map(|at| word(file, at).unwrap_or(0));
    let signs = [
        header.info & LONG != 0 && header.info < 0x10,
        header.tli != 0,
        header.addr != 0 && header.addr.checked_rem(seg_size) == Some(0),
        seg_size.is_power_of_two() && SEGMENT_SIZES.contains(&seg_size),
        blcksz.is_power_of_two() && BLOCK_SIZES.contains(&blcksz),
    ];
    signs.into_iter().filter(|sign| *sign).count() >= signs.len() - 1
}

fn word(file: &Space, at: u64) -> Option<u64> {
    let bytes = file.read(at, 4);
    Some(u32::from_le_bytes(*bytes.first_chunk()?).into())
}

/// A size that the long header of the first page states at byte `at`, if it is a power of two in the range.
fn stated(file: &Space, at: u64, range: RangeInclusive<u64>) -> Option<u64> {
    let first = PageHeader::read(file, 0)?;
    let n = word(file, at)?;
    (first.info & LONG != 0 && n.is_power_of_two() && range.contains(&n)).then_some(n)
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
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, n)| *n)
        .map(|(x, _)| x)
}

/// That the first page is of no known version.
fn no_magic(file: &Space) -> Malformed {
    let head = file.read(0, 2);
    let found = match *head {
        [a, b] => format!("{:04X}", u16::from_le_bytes([a, b])),
        _ => format!("{} bytes", head.len()),
    };
    let known: Vec<_> = MAGICS
        .iter()
        .map(|(magic, major)| format!("{magic:04X} ({major})"))
        .collect();
    Malformed::new(0, format!("xlp_magic {}", known.join(", ")), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_and_file_agree() {
        for base in [0x300_0000, 0x300_2000, 0x3fe_0000] {
            let g = Geometry::new(15, 8192, 1 << 20, base, 3 << 20);
            assert_eq!(g.place(0), (0, g.header_len(0)));
            for page in 0..300 {
                let s = g.stream_of_page(page);
                assert_eq!(g.place(s), (page, g.header_len(page)), "page {page}");
                assert_eq!(g.stream_of(g.lsn(s) + 8), Some(s + 8), "page {page}");
                if page > 0 {
                    assert_eq!(g.place(s - 1), (page - 1, 8191), "page {page}");
                }
            }
        }
    }
}
