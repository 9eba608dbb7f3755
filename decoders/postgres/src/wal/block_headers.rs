//! The headers of a record's parts, taken apart: block references, origin, transaction, main data. As `DecodeXLogRecord` does
//! (xlogreader.c); the structs are in src/include/access/xlogrecord.h.

use super::scan::RECORD_HEADER;
use binq_core::Malformed;
use nom::IResult;
use nom::Parser;
use nom::number::complete::{le_u8, le_u16, le_u32};
use std::ops::Range;

/// `XLR_MAX_BLOCK_ID`
const MAX_BLOCK_ID: u8 = 32;
const ID_DATA_SHORT: u8 = 255;
const ID_DATA_LONG: u8 = 254;
const ID_ORIGIN: u8 = 253;
/// From 14 on.
pub const ID_TOPLEVEL_XID: u8 = 252;

const HAS_IMAGE: u8 = 0x10;
const HAS_DATA: u8 = 0x20;
const SAME_REL: u8 = 0x80;
const IMAGE_HAS_HOLE: u8 = 0x01;
/// `InvalidRelFileNumber`, src/include/common/relpath.h
const INVALID_REL_NUMBER: u32 = 0;
/// Of the database, not of the log: records do not say it, and 8192 is what servers are built with.
const BLCKSZ: u16 = 8192;

/// A block reference; places are in bytes from the start of the record.
#[derive(Clone, Debug)]
pub struct Block {
    pub major: u8,
    pub header: Range<u64>,
    pub image: Option<Image>,
    /// Where its relation is named, which may be in the header of a block before.
    pub rlocator: Option<u64>,
    /// Missing, as all that comes before it may be, where the header does not fit into the record.
    pub blkno: Option<u64>,
    pub data: Range<u64>,
}

/// The image of a page.
#[derive(Clone, Debug)]
pub struct Image {
    pub header: Range<u64>,
    /// Whether a hole length is stored.
    pub stored_hole: bool,
    /// The length of the hole where it is not stored.
    pub hole: u16,
    pub data: Range<u64>,
}

/// What precedes the main data of a record.
#[derive(Debug, Default)]
pub struct Headers {
    pub blocks: Vec<(u64, Block)>,
    pub origin: Option<u64>,
    pub toplevel_xid: Option<u64>,
    /// The header of the main data; empty if there is none.
    pub main_header: Range<u64>,
    pub main_data: u64,
    pub headers_end: u64,
    /// Why they cannot be taken apart.
    pub wrong: Option<Malformed>,
    /// What a server refuses in them, though it is plain where everything is.
    pub refused: Option<Malformed>,
}

/// Take the headers of a record apart, as `DecodeXLogRecord` (xlogreader.c) does. `start` is where the record lies.
pub fn parse(major: u8, record: &[u8], start: u64) -> Headers {
    let mut headers = Headers::default();
    let Some(mut walk) = Walk::new(major, record) else {
        return headers;
    };
    let result = walk.headers(&mut headers);
    headers.headers_end = walk.at();
    if headers.main_header.is_empty() {
        headers.main_header = walk.at()..walk.at();
    }
    // images and data follow in the order of the headers
    let mut at = walk.at();
    let end = record.len() as u64;
    for (_, block) in &mut headers.blocks {
        if let Some(image) = &mut block.image {
            let len = image.data.end;
            image.data = at.min(end)..(at + len).min(end);
            at += len;
        }
        let len = block.data.end;
        block.data = at.min(end)..(at + len).min(end);
        at += len;
    }
    headers.main_data = at.min(end);
    let stated = u64::from(walk.main_len(&headers));
    headers.wrong = match result {
        Err(wrong) => Some(wrong),
        Ok(()) if at + stated != end => Some(Malformed::new(
            0,
            format!(
                "{} bytes of block images and data, and {stated} of main data",
                at - walk.at()
            ),
            format!("{} bytes", end - walk.at()),
        )),
        Ok(()) => None,
    };
    headers.refused = walk.refused.take();
    for wrong in headers.wrong.iter_mut().chain(&mut headers.refused) {
        wrong.at += start;
    }
    let base = |(at, block): &mut (u64, Block)| {
        *at += start;
        block.shift(start);
    };
    headers.blocks.iter_mut().for_each(base);
    headers
}

/// The length that a record's own headers add up to, whatever `xl_tot_len` says; `None` where they make no sense.
/// `record` may run past the record's end, or be no more of it than its headers.
pub fn implied_len(major: u8, record: &[u8]) -> Option<u64> {
    guess(major, record, None)
}

/// Whether a record's own headers add up to `len` bytes. Where those of a record without main data end is told by its length
/// alone.
pub fn add_up(major: u8, record: &[u8], len: u64) -> bool {
    guess(major, record, Some(len)) == Some(len)
}

fn guess(major: u8, record: &[u8], total: Option<u64>) -> Option<u64> {
    let mut headers = Headers::default();
    let mut walk = Walk::new(major, record)?;
    walk.total = total;
    walk.guesses = true;
    walk.headers(&mut headers).ok()?;
    let any = !headers.main_header.is_empty() || !headers.blocks.is_empty();
    any.then(|| walk.at() + walk.payload)
}

/// Spell the length of a record's main data with 4 bytes where it has 1, and make `xl_tot_len` fit; false where it has none.
pub fn spell_long(major: u8, record: &mut Vec<u8>) -> bool {
    let header = parse(major, record, 0).main_header;
    let at = header.start as usize;
    let Some([ID_DATA_SHORT, len]) = record.get(at..header.end as usize) else {
        return false;
    };
    let long = [ID_DATA_LONG, *len, 0, 0, 0];
    record.splice(at..at + 2, long);
    let len = record.len() as u32;
    record[..4].copy_from_slice(&len.to_le_bytes());
    true
}

struct Walk<'a> {
    major: u8,
    record: &'a [u8],
    rest: &'a [u8],
    /// The length of the record. Where it is not known, headers go on while their ids rise.
    total: Option<u64>,
    /// Whether there may be no record here at all.
    guesses: bool,
    /// Bytes of images and data announced so far.
    payload: u64,
    /// Where the relation of the block before is named.
    rlocator: Option<u64>,
    /// What a server refuses first (`DecodeXLogRecord`, xlogreader.c).
    refused: Option<Malformed>,
}

impl<'a> Walk<'a> {
    fn new(major: u8, record: &'a [u8]) -> Option<Self> {
        Some(Self {
            major,
            record,
            rest: record.get(RECORD_HEADER as usize..)?,
            total: Some(record.len() as u64),
            guesses: false,
            payload: 0,
            rlocator: None,
            refused: None,
        })
    }

    fn at(&self) -> u64 {
        (self.record.len() - self.rest.len()) as u64
    }

    fn take<T>(
        &mut self,
        what: &str,
        mut parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    ) -> Result<T, Malformed> {
        let parsed: IResult<&[u8], T> = parser.parse(self.rest);
        match parsed {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(_) => Err(Malformed::new(
                self.at(),
                what,
                format!("{} bytes", self.rest.len()),
            )),
        }
    }

    /// Headers go on while more bytes are left than images and data need, and their ids rise.
    fn headers(&mut self, out: &mut Headers) -> Result<(), Malformed> {
        let mut wrong = None;
        while self
            .total
            .is_none_or(|total| self.at() + self.payload < total)
        {
            let at = self.at();
            let last = out
                .blocks
                .last()
                .and_then(|(at, _)| self.record.get(*at as usize));
            let rises = self
                .rest
                .first()
                .is_some_and(|id| last.is_none_or(|last| last < id));
            if self.total.is_none() && !rises && last.is_some() {
                // what follows is the first image or data of a record without main data
                break;
            }
            match self.take("a block id", le_u8)? {
                ID_DATA_SHORT => {
                    let len = self.take("a length of 1 byte", le_u8)?;
                    out.main_header = at..self.at();
                    self.payload += u64::from(len);
                    break;
                }
                ID_DATA_LONG => {
                    let len = self.take("a length of 4 bytes", le_u32)?;
                    out.main_header = at..self.at();
                    self.payload += u64::from(len);
                    break;
                }
                ID_ORIGIN => {
                    out.origin = Some(self.at());
                    self.take("an origin of 2 bytes", le_u16)?;
                }
                ID_TOPLEVEL_XID if self.major >= 14 => {
                    out.toplevel_xid = Some(self.at());
                    self.take("a transaction id of 4 bytes", le_u32)?;
                }
                id => {
                    if let Some(last) = last.filter(|last| id <= **last && id <= MAX_BLOCK_ID) {
                        self.refuse(at, format!("a block id after {last}"), id.to_string());
                    }
                    self.block(at, out)?;
                    // one with a wrong id is read like the others, so that it can be put right
                    if id > MAX_BLOCK_ID && wrong.is_none() {
                        let expected = format!("a block id up to {MAX_BLOCK_ID}, or 252 to 255");
                        wrong = Some(Malformed::new(at, expected, id.to_string()));
                    }
                }
            }
        }
        wrong.map_or(Ok(()), Err)
    }

    fn block(&mut self, start: u64, out: &mut Headers) -> Result<(), Malformed> {
        let (flags, data_len) = self.take("XLogRecordBlockHeader", (le_u8, le_u16))?;
        match (flags & HAS_DATA != 0, data_len) {
            (true, 0) => self.refuse(
                start + 2,
                "data, as BKPBLOCK_HAS_DATA says",
                "none".to_owned(),
            ),
            (false, 1..) => {
                let found = format!("{data_len} bytes");
                self.refuse(start + 2, "no data without BKPBLOCK_HAS_DATA", found);
            }
            _ => {}
        }
        let data_len = if flags & HAS_DATA != 0 { data_len } else { 0 };
        self.payload += u64::from(data_len);
        let mut block = Block {
            major: self.major,
            header: start..self.at(),
            image: None,
            rlocator: None,
            blkno: None,
            data: 0..data_len.into(),
        };
        // a wrong flag may ask for more than there is: what was read before can be put right
        let result = self.block_parts(flags, &mut block);
        block.header.end = self.at();
        out.blocks.push((start, block));
        result
    }

    fn block_parts(&mut self, flags: u8, block: &mut Block) -> Result<(), Malformed> {
        if flags & HAS_IMAGE != 0 {
            let at = self.at();
            let (len, hole_offset, info) =
                self.take("XLogRecordBlockImageHeader", (le_u16, le_u16, le_u8))?;
            let compressed = match self.major {
                ..=14 => info & 0x02 != 0,
                _ => info & 0x1c != 0,
            };
            let stored_hole = compressed && info & IMAGE_HAS_HOLE != 0;
            let stored = match stored_hole {
                true => self.take("XLogRecordBlockCompressHeader", le_u16)?,
                false => 0,
            };
            let hole = match compressed {
                true => 0,
                false => BLCKSZ.saturating_sub(len),
            };
            let has_hole = info & IMAGE_HAS_HOLE != 0;
            let hole_length = match compressed {
                true => stored,
                false => hole,
            };
            let found = || {
                format!(
                    "{len} bytes of image, a hole of {hole_length} at {hole_offset}, bimg_info {info:02x}"
                )
            };
            let refused = match (has_hole, compressed) {
                (true, _) if hole_offset == 0 || hole_length == 0 || len == BLCKSZ => {
                    Some("a hole, as BKPIMAGE_HAS_HOLE says")
                }
                (false, _) if hole_offset != 0 => Some("no hole without BKPIMAGE_HAS_HOLE"),
                (_, true) if len == BLCKSZ => Some("an image that is compressed"),
                (false, false) if len != BLCKSZ => Some("an image of 8192 bytes"),
                _ => None,
            };
            if let Some(expected) = refused {
                self.refuse(at, expected, found());
            }
            block.image = Some(Image {
                header: at..self.at(),
                stored_hole,
                hole,
                // the place is not known before all headers are
                data: 0..len.into(),
            });
            self.payload += u64::from(len);
        }
        if flags & SAME_REL == 0 {
            let at = self.at();
            let (_, _, rel_number) = self.take("RelFileLocator", (le_u32, le_u32, le_u32))?;
            if self.guesses && rel_number == INVALID_REL_NUMBER {
                return Err(Malformed::new(at, "a relNumber", "0"));
            }
            self.rlocator = Some(at);
        } else if self.rlocator.is_none() {
            let at = self.at();
            self.refuse(
                at,
                "a block before it, as BKPBLOCK_SAME_REL says",
                "none".to_owned(),
            );
        }
        block.rlocator = self.rlocator;
        let blkno = self.at();
        self.take("a block number of 4 bytes", le_u32)?;
        block.blkno = Some(blkno);
        Ok(())
    }

    /// Note what a server refuses; where there may be no record, nothing is.
    fn refuse(&mut self, at: u64, expected: impl Into<String>, found: String) {
        if !self.guesses && self.refused.is_none() {
            self.refused = Some(Malformed::new(at, expected, found));
        }
    }

    fn main_len(&self, headers: &Headers) -> u32 {
        let h = &headers.main_header;
        match self.record.get(h.start as usize..h.end as usize) {
            Some([_, n]) => u32::from(*n),
            Some([_, a, b, c, d]) => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0,
        }
    }
}

impl Block {
    fn shift(&mut self, by: u64) {
        let move_range = |r: &mut Range<u64>| *r = r.start + by..r.end + by;
        move_range(&mut self.header);
        move_range(&mut self.data);
        if let Some(image) = &mut self.image {
            move_range(&mut image.header);
            move_range(&mut image.data);
        }
        for at in [&mut self.blkno, &mut self.rlocator].into_iter().flatten() {
            *at += by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of these headers, with nothing else.
    fn headers(major: u8, bytes: &[u8]) -> Headers {
        let mut record = vec![0; RECORD_HEADER as usize];
        record.extend_from_slice(bytes);
        parse(major, &record, 0)
    }

    fn block(id: u8, flags: u8) -> Vec<u8> {
        let mut block = vec![id, flags, 0, 0];
        block.extend_from_slice(&[1; 16]);
        block
    }

    fn refused(bytes: &[u8]) -> Option<String> {
        Some(headers(15, bytes).refused?.expected)
    }

    #[test]
    fn ids_at_the_borders() {
        let found = headers(15, &block(32, 0));
        assert_eq!((found.blocks.len(), found.wrong), (1, None));
        for id in [33, 251] {
            assert!(headers(15, &block(id, 0)).wrong.is_some(), "{id}");
        }
        // from 14 on, a transaction; before, no block has this id
        let xid = [ID_TOPLEVEL_XID, 1, 0, 0, 0];
        for major in [14, 15, 19] {
            let found = headers(major, &xid);
            assert_eq!(
                (found.toplevel_xid, found.wrong),
                (Some(25), None),
                "{major}"
            );
        }
        let found = headers(13, &block(ID_TOPLEVEL_XID, 0));
        assert!(found.toplevel_xid.is_none() && found.wrong.is_some());
    }

    #[test]
    fn what_a_server_refuses() {
        assert_eq!(refused(&block(0, 0)), None);
        let both = |a, b| [a, b].concat();
        assert_eq!(refused(&both(block(0, 0), block(1, 0))), None);
        for id in [0, 1] {
            let found = refused(&both(block(1, 0), block(id, 0)));
            assert_eq!(found.as_deref(), Some("a block id after 1"));
        }
        let found = refused(&block(0, HAS_DATA)).expect("no data");
        assert!(found.contains("BKPBLOCK_HAS_DATA"));
        let mut data = block(0, 0);
        data[2] = 1;
        assert!(refused(&data).is_some());
        let same = block(0, SAME_REL);
        assert!(
            refused(&same[..8])
                .expect("no block before")
                .contains("SAME_REL")
        );
        let image = |len: u16, hole_offset: u16, info: u8, hole: Option<u16>| {
            let mut bytes = vec![0, HAS_IMAGE, 0, 0];
            bytes.extend(len.to_le_bytes());
            bytes.extend(hole_offset.to_le_bytes());
            bytes.push(info);
            bytes.extend(hole.map(u16::to_le_bytes).into_iter().flatten());
            bytes.extend([1; 16]);
            bytes.extend(vec![0; len.into()]);
            refused(&bytes)
        };
        assert_eq!(image(8192, 0, 0, None), None);
        assert_eq!(image(8000, 100, IMAGE_HAS_HOLE, None), None);
        assert_eq!(image(900, 100, IMAGE_HAS_HOLE | 0x04, Some(50)), None);
        assert_eq!(image(900, 0, 0x04, None), None);
        assert!(image(8000, 0, IMAGE_HAS_HOLE, None).is_some());
        assert!(image(8192, 100, IMAGE_HAS_HOLE, None).is_some());
        assert!(image(900, 100, IMAGE_HAS_HOLE | 0x04, Some(0)).is_some());
        assert!(image(8192, 100, 0, None).is_some());
        assert!(image(8192, 0, 0x04, None).is_some());
        assert!(image(8000, 0, 0, None).is_some());
    }
}
