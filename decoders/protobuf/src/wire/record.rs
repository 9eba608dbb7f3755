//! Records: a tag and a value, <https://protobuf.dev/programming-guides/encoding/#structure>.

use super::varint;
use binq_core::{Frame, Malformed, Prefix, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// Wire types, by the names of the encoding guide.
pub const VARINT: u8 = 0;
/// 8 bytes.
pub const I64: u8 = 1;
/// A length and so many bytes.
pub const LEN: u8 = 2;
/// The start of a group.
pub const SGROUP: u8 = 3;
/// The end of a group.
pub const EGROUP: u8 = 4;
/// 4 bytes.
pub const I32: u8 = 5;

/// The names of the wire types.
pub const WIRE_TYPES: [(i128, &str); 6] = [
    (0, "VARINT"),
    (1, "I64"),
    (2, "LEN"),
    (3, "SGROUP"),
    (4, "EGROUP"),
    (5, "I32"),
];

/// The largest field number.
pub const MOST_NUMBER: u32 = (1 << 29) - 1;

/// The largest length of a value.
pub const MOST_LENGTH: u64 = (1 << 31) - 1;

/// A tag or a length has at most so many bytes.
const MOST_32: u64 = 5;

/// So many messages and groups are read in each other below the outermost, as `protoc` does.
pub const MOST_DEPTH: u16 = 100;

/// Where a record and its parts lie, in bytes from the start of the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Field number.
    pub number: u32,
    /// Wire type.
    pub wire_type: u8,
    /// First byte of the tag.
    pub start: u64,
    /// First byte after the tag; of LEN, the first byte of the length.
    pub tag_end: u64,
    /// First byte of the value; of a group, of what is in it.
    pub body: u64,
    /// First byte after the value; of a group, the first byte of the end tag.
    pub body_end: u64,
    /// First byte after the record.
    pub end: u64,
}

impl Record {
    /// The whole record.
    pub fn span(&self) -> Span {
        Span::bytes(self.start, self.end - self.start)
    }

    /// The value.
    pub fn body(&self) -> Span {
        Span::bytes(self.body, self.body_end - self.body)
    }

    /// The tag.
    pub fn tag(&self) -> Span {
        Span::bytes(self.start, self.tag_end - self.start)
    }

    /// The length, of LEN.
    pub fn prefix(&self) -> Span {
        Span::bytes(self.tag_end, self.body - self.tag_end)
    }

    /// What belongs to the value: its tag and length.
    pub fn frame(&self, up: Option<Arc<Frame>>) -> Frame {
        Frame {
            outer: self.span(),
            len: (self.wire_type == LEN).then(|| Prefix {
                span: self.prefix(),
                codec: &super::codec::LENGTH,
            }),
            up,
        }
    }
}

/// A tag or a length has 32 bits: a longer spelling is none, even if it is only padding.
fn short(at: u64, end: u64, what: &str) -> Result<(), Malformed> {
    let size = end - at;
    if size <= MOST_32 {
        return Ok(());
    }
    let expected = format!("{what} of at most {MOST_32} bytes");
    Err(Malformed::new(at, expected, format!("{size} bytes")))
}

/// A run of records.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Where the bytes of the run are, if they do not lie in one piece.
    space: Option<&'a Space>,
    direct: &'a [u8],
    start: u64,
    end: u64,
}

impl<'a> Run<'a> {
    /// The records of a span.
    pub fn new(space: &'a Space, span: Span) -> Self {
        let (start, len) = (span.first_byte(), span.len / 8);
        let direct = match space.under() {
            None => match space.read(start, len) {
                Cow::Borrowed(bytes) => Some(bytes),
                Cow::Owned(_) => None,
            },
            Some(_) => None,
        };
        Self {
            space: direct.is_none().then_some(space),
            direct: direct.unwrap_or(&[]),
            start,
            end: start + len,
        }
    }

    /// The records of these bytes; places are counted from their start.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            space: None,
            direct: bytes,
            start: 0,
            end: bytes.len() as u64,
        }
    }

    /// Bytes from `at` on: enough for a tag and a length.
    fn head(&self, at: u64) -> Cow<'a, [u8]> {
        match self.space {
            None => {
                let rest = self.direct.get((at - self.start) as usize..);
                Cow::Borrowed(rest.unwrap_or(&[]))
            }
            Some(space) => space.read(at, (2 * varint::MOST as u64).min(self.end - at)),
        }
    }

    #[inline]
    fn varint(&self, at: u64, what: &str) -> Result<(u64, u64), Malformed> {
        // most are one byte, and most runs lie in one piece
        if let Some(byte) = self.direct.get((at - self.start) as usize)
            && *byte < 0x80
        {
            return Ok((u64::from(*byte), at + 1));
        }
        self.long_varint(at, what)
    }

    fn long_varint(&self, at: u64, what: &str) -> Result<(u64, u64), Malformed> {
        let head = self.head(at);
        match varint::read(&head) {
            Some((value, size)) => Ok((value, at + size as u64)),
            None if head.len() < varint::MOST => Err(Malformed::new(
                at,
                format!("{what}, a varint"),
                format!("{} bytes without its end", head.len()),
            )),
            None => Err(Malformed::new(
                at,
                format!("{what}, a varint of at most 10 bytes"),
                "10 bytes without its end",
            )),
        }
    }

    #[inline]
    fn tag(&self, at: u64) -> Result<(u32, u8, u64), Malformed> {
        let (tag, end) = self.varint(at, "a tag")?;
        short(at, end, "a tag")?;
        // protoc reads 32 bits of a tag, whatever the fifth byte has above them
        let tag = tag as u32;
        let number = tag >> 3;
        if number == 0 {
            return Err(Malformed::new(
                at,
                format!("a field number from 1 to {MOST_NUMBER}"),
                number.to_string(),
            ));
        }
        Ok((number, tag as u8 & 7, end))
    }

    /// The record at `at`, which is before the end of the run.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn record(&self, at: u64) -> Result<Record, Malformed> {
        let mut record = self.simple(at)?;
        if record.wire_type == EGROUP {
            return Err(Malformed::new(
                at,
                "a tag of a field",
                format!("the end of group {}", record.number),
            ));
        }
        if record.wire_type == SGROUP {
            let last = self.group_end(record.number, record.tag_end)?;
            record.body_end = last.start;
            record.end = last.end;
        }
        Ok(record)
    }

    #[inline]
    /// A record; of a group, only the start or end tag.
    fn simple(&self, at: u64) -> Result<Record, Malformed> {
        let (number, wire_type, tag_end) = self.tag(at)?;
        let mut body = tag_end;
        let end = match wire_type {
            VARINT => self.varint(tag_end, "a value")?.1,
            I64 => self.fixed(tag_end, 8)?,
            I32 => self.fixed(tag_end, 4)?,
            SGROUP | EGROUP => tag_end,
            LEN => {
                let (len, from) = self.varint(tag_end, "a length")?;
                body = from;
                short(tag_end, from, "a length")?;
                if len > MOST_LENGTH {
                    return Err(Malformed::new(
                        tag_end,
                        format!("a length of at most {MOST_LENGTH} bytes"),
                        len.to_string(),
                    ));
                }
                let rest = self.end - from;
                if len > rest {
                    return Err(Malformed::new(
                        tag_end,
                        format!("a length of at most {rest} bytes"),
                        len.to_string(),
                    ));
                }
                from + len
            }
            other => {
                return Err(Malformed::new(
                    at,
                    "a wire type from 0 to 5",
                    other.to_string(),
                ));
            }
        };
        Ok(Record {
            number,
            wire_type,
            start: at,
            tag_end,
            body,
            body_end: end,
            end,
        })
    }

    fn fixed(&self, at: u64, size: u64) -> Result<u64, Malformed> {
        if self.end - at < size {
            return Err(Malformed::new(
                at,
                format!("{size} bytes"),
                format!("{} bytes", self.end - at),
            ));
        }
        Ok(at + size)
    }

    /// The end tag of a group whose content starts at `at`.
    fn group_end(&self, number: u32, mut at: u64) -> Result<Record, Malformed> {
        let mut open = vec![number];
        while at < self.end {
            let record = self.simple(at)?;
            match (record.wire_type, open.last()) {
                (SGROUP, _) if open.len() >= usize::from(MOST_DEPTH) => {
                    return Err(Malformed::new(
                        at,
                        format!("at most {MOST_DEPTH} groups in each other"),
                        "one more",
                    ));
                }
                (SGROUP, _) => open.push(record.number),
                (EGROUP, Some(last)) if *last == record.number => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(record);
                    }
                }
                (EGROUP, Some(last)) => {
                    return Err(Malformed::new(
                        at,
                        format!("the end of group {last}"),
                        format!("the end of group {}", record.number),
                    ));
                }
                _ => {}
            }
            at = record.end;
        }
        let last = open.last().copied().unwrap_or(number);
        Err(Malformed::new(
            at,
            format!("the end of group {last}"),
            "the end of the message",
        ))
    }

    /// The records, up to the first one that is damaged.
    pub fn records(self) -> Records<'a> {
        Records {
            at: self.start,
            run: self,
            wrong: None,
        }
    }
}

/// Number and value of each record of these bytes, up to the first one that is damaged.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = (Record, &[u8])> {
    let records = Run::of(bytes).records();
    records.map(|r| (r, &bytes[r.body as usize..r.body_end as usize]))
}

/// A walk over records.
pub struct Records<'a> {
    run: Run<'a>,
    /// Where the next record begins.
    pub at: u64,
    /// What ended the walk before the end of the run.
    pub wrong: Option<Malformed>,
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.at >= self.run.end || self.wrong.is_some() {
            return None;
        }
        match self.run.record(self.at) {
            Ok(record) => {
                self.at = record.end;
                Some(record)
            }
            Err(wrong) => {
                self.wrong = Some(wrong);
                None
            }
        }
    }
}
