//! Page headers: `XLogPageHeaderData` and `XLogLongPageHeaderData`, src/include/access/xlog_internal.h.

use super::header::{
    LONG, LongHeader, PageHeader, all_flags, known_magics, major_of, overwrite_flag,
};
use super::name::FileName;
use super::survey::{SEGMENT_SIZES, is_segment_size};
use super::walk::{Begins, Walk};
use crate::lsn::{self, Lsn};
use binq_core::codec::{Bool, Codec, Int, Representation};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Field, Fixed, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Scalar, Severity, Space, Span};
use std::sync::Arc;

/// `xlp_magic`: tells the major version.
struct Magic;

impl Codec for Magic {
    fn representation(&self) -> Representation {
        Int::U16LE.representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U16LE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U16LE.encode(value, like)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        let magic = u16::try_from(actual.as_int()?).ok()?;
        Some(match major_of(magic) {
            Some(major) => format!("{magic:04X}, PostgreSQL {major}"),
            None => format!("{magic:04X}, of no known version"),
        })
    }
}

/// `XLP_*`, up to 18.
static INFO: Fixed = Fixed {
    name: "xlp_info",
    fields: &[
        Field::flag("XLP_FIRST_IS_CONTRECORD", 0, &Bool),
        Field::flag("XLP_LONG_HEADER", 1, &Bool),
        Field::flag("XLP_BKP_REMOVABLE", 2, &Bool),
        Field::flag("XLP_FIRST_IS_OVERWRITE_CONTRECORD", 3, &Bool),
    ],
    word: Some(&Int::U16LE),
};

/// From 19 on.
static INFO_19: Fixed = Fixed {
    name: "xlp_info",
    fields: &[
        Field::flag("XLP_FIRST_IS_CONTRECORD", 0, &Bool),
        Field::flag("XLP_LONG_HEADER", 1, &Bool),
        Field::flag("XLP_FIRST_IS_OVERWRITE_CONTRECORD", 2, &Bool),
    ],
    word: Some(&Int::U16LE),
};

const fn short(info: &'static Fixed) -> [Field; 5] {
    [
        Field::leaf("xlp_magic", 0, 2, &Magic),
        Field::of("xlp_info", 2, 2, info),
        Field::leaf("xlp_tli", 4, 4, &Int::U32LE),
        Field::leaf("xlp_pageaddr", 8, 8, &Lsn),
        Field::leaf("xlp_rem_len", 16, 4, &Int::U32LE),
    ]
}

const fn long(info: &'static Fixed) -> [Field; 8] {
    let [magic, info, tli, pageaddr, rem_len] = short(info);
    [
        magic,
        info,
        tli,
        pageaddr,
        rem_len,
        // 4 bytes of padding: xlp_sysid is aligned to 8
        Field::leaf("xlp_sysid", 24, 8, &Int::U64LE),
        Field::leaf("xlp_seg_size", 32, 4, &Int::U32LE),
        Field::leaf("xlp_xlog_blcksz", 36, 4, &Int::U32LE),
    ]
}

static SHORT: [Field; 5] = short(&INFO);
static SHORT_19: [Field; 5] = short(&INFO_19);
static LONG_PAGE: [Field; 8] = long(&INFO);
static LONG_19: [Field; 8] = long(&INFO_19);

/// What all pages of a log share.
struct Log {
    walk: Arc<Walk>,
    /// The file name, if it is that of a segment.
    name: Option<FileName>,
}

/// A page.
struct Page {
    log: Arc<Log>,
    fields: &'static [Field],
}

impl Shape for Page {
    fn name(&self) -> &'static str {
        match self.fields.len() {
            5 => "XLogPageHeaderData",
            _ => "XLogLongPageHeaderData",
        }
    }

    fn layout(&self) -> &'static [Field] {
        self.fields
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        self.log.check(field, at.space, at.span.start / 8)
    }
}

impl Log {
    /// What the server finds wrong with a field of the header at a byte of the input (`XLogReaderValidatePageHeader`,
    /// xlogreader.c), or with what it says of the record that the page begins with (`XLogDecodeNextRecord`).
    fn check(&self, field: &str, file: &Space, at: u64) -> Option<Malformed> {
        let geometry = &self.walk.geometry;
        let page = at / geometry.blcksz;
        let header = PageHeader::read(file, at)?;
        let wrong = |byte: u64, expected: String, found: String| {
            Some(Malformed::new(at + byte, expected, found))
        };
        if let Some(wrong) = geometry.break_at(page).filter(|_| field == "xlp_pageaddr") {
            return Some(wrong.clone());
        }
        let suspect = match field {
            "xlp_magic" => header.magic != geometry.version.magic || !geometry.version.known,
            "xlp_pageaddr" => header.addr != geometry.page_lsn(page) || page == 0,
            _ => true,
        };
        if !suspect || self.walk.begins(page) == Begins::Unused {
            return None;
        }
        match field {
            "xlp_magic" => match geometry.version.known {
                false if page == 0 => wrong(0, known_magics(), format!("{:04X}", header.magic)),
                _ if header.magic == geometry.version.magic => None,
                _ => {
                    let expected = format!("{:04X}", geometry.version.magic);
                    wrong(0, expected, format!("{:04X}", header.magic))
                }
            },
            "xlp_info" => {
                let expected = self.wrong_info(page, &header)?;
                wrong(2, expected, format!("{:04X}", header.info))
            }
            "xlp_tli" => {
                let (expected, severity) = self.wrong_tli(file, page, &header)?;
                let found = header.tli.to_string();
                wrong(4, expected, found).map(|w| w.with(severity))
            }
            "xlp_pageaddr" => self.wrong_addr(page, &header, at),
            "xlp_rem_len" => match self.walk.begins(page) {
                Begins::Rest(rest) if header.continues() && header.rem_len != rest => {
                    wrong(16, rest.to_string(), header.rem_len.to_string())
                }
                _ if page == 0 => self.walk.continuation.wrong.clone(),
                _ => None,
            },
            _ => {
                let long = LongHeader::read(file, at).filter(|_| geometry.begins_segment(page))?;
                match field {
                    "xlp_sysid" => {
                        let right = geometry.sysid.filter(|id| *id != long.sysid)?;
                        wrong(24, right.to_string(), long.sysid.to_string())
                    }
                    "xlp_seg_size" if long.seg_size != geometry.seg_size => {
                        let expected = match is_segment_size(long.seg_size) {
                            true => geometry.seg_size.to_string(),
                            false => "a power of two from 1 MB to 1 GB".to_owned(),
                        };
                        wrong(32, expected, long.seg_size.to_string())
                    }
                    "xlp_xlog_blcksz" if long.blcksz != geometry.blcksz => {
                        let expected = geometry.blcksz.to_string();
                        wrong(36, expected, long.blcksz.to_string())
                    }
                    _ => None,
                }
            }
        }
    }

    /// What `xlp_info` should have been.
    fn wrong_info(&self, page: u64, header: &PageHeader) -> Option<String> {
        let geometry = &self.walk.geometry;
        let flags = all_flags(geometry.major());
        if header.info & !flags != 0 {
            return Some(format!("no bits but {flags:04X}"));
        }
        let long = header.info & LONG != 0;
        match geometry.begins_segment(page) {
            true if !long => {
                return Some("XLP_LONG_HEADER, on the first page of a segment".to_owned());
            }
            false if long => {
                return Some("no XLP_LONG_HEADER, but on the first page of a segment".to_owned());
            }
            _ => {}
        }
        let overwrites = header.info & overwrite_flag(geometry.major()) != 0;
        match self.walk.begins(page) {
            Begins::Rest(rest) if !header.continues() => (!overwrites)
                .then(|| format!("XLP_FIRST_IS_CONTRECORD, for the last {rest} bytes of a record")),
            Begins::Rest(_) if overwrites => {
                Some("no XLP_FIRST_IS_OVERWRITE_CONTRECORD, where a record goes on".to_owned())
            }
            Begins::Anew if header.continues() => {
                Some("no XLP_FIRST_IS_CONTRECORD, where no record goes on".to_owned())
            }
            _ => None,
        }
    }

    /// What `xlp_tli` should have been: timelines never go back. Of the pages beside this one, one may be the wrong one.
    fn wrong_tli(
        &self,
        file: &Space,
        page: u64,
        header: &PageHeader,
    ) -> Option<(String, Severity)> {
        let geometry = &self.walk.geometry;
        let tli = |page: u64| {
            let (header, current) = geometry.page(file, page)?;
            current.then_some(header.tli)
        };
        let [prev, prev2] = [1, 2].map(|back| page.checked_sub(back).and_then(tli));
        let [next, after] = [page + 1, page + 2].map(tli);
        let stops = |expected: u32| Some((expected.to_string(), Severity::Stops));
        let own = header.tli;
        match (prev, next) {
            (Some(prev), Some(next)) if prev == next && own != prev => return stops(prev),
            (Some(prev), Some(next)) if own < prev && own == next && prev2 == Some(prev) => {
                return Some((format!("{prev} or later"), Severity::Stops));
            }
            (Some(prev), None) if own < prev && prev2 != Some(own) => {
                return Some((format!("{prev} or later"), Severity::Stops));
            }
            (None, Some(next)) if own > next && after == Some(next) => return stops(next),
            _ if own == 0 => return stops(next.or(prev).filter(|tli| *tli > 0).unwrap_or(1)),
            _ => {}
        }
        // the pages before a switch to the timeline of the file belong to an older one
        let name = self
            .name
            .as_ref()
            .filter(|name| page == 0 && own > name.tli)?;
        let expected = format!("at most {}, as the file is named {}", name.tli, name.text);
        Some((expected, Severity::Odd))
    }

    fn wrong_addr(&self, page: u64, header: &PageHeader, at: u64) -> Option<Malformed> {
        let geometry = &self.walk.geometry;
        let here = geometry.page_lsn(page);
        let found = lsn::text(header.addr);
        if header.addr != here {
            return Some(Malformed::new(at + 8, lsn::text(here), found));
        }
        let name = self.name.as_ref().filter(|_| page == 0)?;
        let named = name
            .segment(geometry.seg_size)
            .wrapping_mul(geometry.seg_size);
        if !geometry.states_seg_size {
            // that of a segment says how large segments are
            let expected = format!(
                "the first page of a segment, as the file is named {}",
                name.text
            );
            let within = !here.is_multiple_of(*SEGMENT_SIZES.start());
            return within.then(|| Malformed::new(at + 8, expected, found));
        }
        if here / geometry.seg_size == name.segment(geometry.seg_size) {
            return None;
        }
        let expected = format!("{}, as the file is named {}", lsn::text(named), name.text);
        let (why, severity) = match here < named {
            // what a server keeps for later has the name that it will have, and the pages that it had
            true => (
                "another file, or an old one that waits to be used again",
                Severity::Odd,
            ),
            false => ("another file", Severity::Stops),
        };
        let is = geometry.segment_name(header.tli, here);
        Some(Malformed::new(at + 8, expected, format!("{found}: {why}, {is}")).with(severity))
    }
}

/// `.pages[]`
pub struct Pages {
    log: Arc<Log>,
    /// With a short header, and with a long one.
    shapes: [Arc<dyn Shape>; 2],
}

impl Pages {
    /// The pages of a log, in a file of this name.
    pub fn new(walk: Arc<Walk>, name: Option<FileName>) -> Self {
        let geometry = &walk.geometry;
        let (short, long): (&'static [Field], &'static [Field]) = match geometry.major() {
            ..=18 => (&SHORT, &LONG_PAGE),
            _ => (&SHORT_19, &LONG_19),
        };
        let log = Arc::new(Log { walk, name });
        let page = |fields| -> Arc<dyn Shape> {
            Arc::new(Page {
                log: log.clone(),
                fields,
            })
        };
        Self {
            shapes: [page(short), page(long)],
            log: log.clone(),
        }
    }
}

impl Sequence for Pages {
    fn name(&self) -> &'static str {
        "page"
    }

    fn stride(&self) -> Option<u64> {
        Some(self.log.walk.geometry.blcksz * 8)
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let left = at
            .span
            .end()
            .checked_sub(state.at)
            .filter(|left| *left > 0)?;
        let len = left.min(self.log.walk.geometry.blcksz * 8);
        let info = PageHeader::read(at.space, state.at / 8).map_or(0, |h| h.info);
        let shape = &self.shapes[usize::from(info & LONG != 0)];
        Some(Step {
            kind: Kind::shared(shape.clone()),
            span: Span::bits(state.at, len),
            next: State::new(state.at + len),
        })
    }
}
