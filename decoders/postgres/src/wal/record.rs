//! Records: `XLogRecord` and what follows it, src/include/access/xlogrecord.h.

use super::geometry::Geometry;
use super::least;
use super::linear;
use super::rmgr;
use super::scan::{Header, RECORD_HEADER, align, crc};
use super::{block_headers, blocks, text::Text};
use crate::lsn::Lsn;
use crate::payload;
use binq_core::codec::{Codec, Int, Raw, Representation};
use binq_core::rule::{Of, Part, Rule};
use binq_core::shape::{At, Cx, Field, Fluid, Lazy, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Node, Ref, Scalar, Severity, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// `xl_rmid`; its symbol is the name that the resource manager has in that major.
pub struct Rmid(u8);

static RMIDS: [Rmid; 3] = [
    Rmid(rmgr::FIRST_MAJOR),
    Rmid(rmgr::FIRST_MAJOR_WITH_CUSTOM),
    Rmid(rmgr::FIRST_MAJOR_WITH_XLOG2),
];

/// Which of them a major has: the last one that is not newer.
fn rmids(major: u8) -> usize {
    RMIDS.iter().rposition(|rmid| rmid.0 <= major).unwrap_or(0)
}

impl Rmid {
    /// That of a major.
    pub fn of(major: u8) -> &'static Self {
        &RMIDS[rmids(major)]
    }
}

impl Codec for Rmid {
    fn representation(&self) -> Representation {
        Int::U8.representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U8.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U8.encode(value, like).map_err(|e| {
            let names = (0..=u8::MAX).map_while(|id| rmgr::rmgr_name(self.0, id));
            let names: Vec<_> = names.collect();
            Misfit {
                expected: format!("one of {}, or {}", names.join(", "), e.expected),
                ..e
            }
        })
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        let id = u8::try_from(actual.as_int()?).ok()?;
        Some(rmgr::rmgr_name(self.0, id)?.into())
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        let id = rmgr::rmgr_id(self.0, symbol.as_str()?)?;
        Some(Scalar::Int(id.into()))
    }
}

static TOT_LEN: Rule = Rule::len(Of::Struct);

/// Payload first, then the header before `xl_crc` (`ValidXLogRecord`).
static CRC_OVER: [Part; 2] = [Part::from_byte(RECORD_HEADER), Part::bytes(0, 20)];

static CRC: Rule = Rule::sum(crc, &CRC_OVER);

/// The fields of the header in the majors of each of [`RMIDS`].
type Heads = [[Field; 7]; 3];

const fn heads(tot_len: Option<&'static Rule>, crc: Option<&'static Rule>) -> Heads {
    [
        head(tot_len, crc, &RMIDS[0]),
        head(tot_len, crc, &RMIDS[1]),
        head(tot_len, crc, &RMIDS[2]),
    ]
}

const fn head(
    tot_len: Option<&'static Rule>,
    crc: Option<&'static Rule>,
    rmid: &'static Rmid,
) -> [Field; 7] {
    let mut fields = [
        Field::leaf("xl_tot_len", 0, 4, &Int::U32LE),
        Field::leaf("xl_xid", 4, 4, &Int::U32LE),
        Field::leaf("xl_prev", 8, 8, &Lsn),
        Field::leaf("xl_info", 16, 1, &Int::U8),
        Field::leaf("xl_rmid", 17, 1, rmid),
        // the server sets it to zero
        Field::leaf("padding", 18, 2, &Int::U16LE),
        Field::leaf("xl_crc", 20, 4, &Int::U32LE),
    ];
    fields[0].rule = tot_len;
    fields[6].rule = crc;
    fields
}

static HEADS: Heads = heads(Some(&TOT_LEN), Some(&CRC));

/// The same fields where the extent of the record is not known, and so nothing follows from it.
static BARE_HEADS: Heads = heads(None, None);

/// The same fields of a record whose rest is not here.
static CUT_HEADS: Heads = heads(None, Some(&CUT_CRC));

static CUT_CRC: Rule = Rule::Follows {
    follow: linear::follow,
    over: Cow::Borrowed(&CRC_OVER),
};

static COMPUTED: [(&str, &dyn Codec); 4] = [
    ("lsn", &Lsn),
    ("end_lsn", &Lsn),
    ("rmgr", &Text),
    ("record_type", &Text),
];

/// Those of a damaged record whose header is there: what its header says it is. Where it ends is not known.
static COMPUTED_DAMAGED: [(&str, &dyn Codec); 3] =
    [("lsn", &Lsn), ("rmgr", &Text), ("record_type", &Text)];

/// So many fields has a header.
const WHOLE_HEAD: usize = 7;

/// The computed fields of a record that begins like this.
fn compute(geometry: &Geometry, name: &str, at: &At<'_>) -> Scalar {
    let start = at.span.start / 8;
    let header = || Header::read(&at.read(0, RECORD_HEADER));
    match name {
        "lsn" => geometry.lsn(start).into(),
        "end_lsn" => {
            let end = match header() {
                Some(h) if h.is_switch() => geometry.next_segment(start),
                _ => align(start + at.len()),
            };
            geometry.lsn_after(end).into()
        }
        "rmgr" => match header() {
            Some(h) => match rmgr::rmgr_name(geometry.major(), h.rmid) {
                Some(name) => name.into(),
                None => Scalar::Null,
            },
            None => Scalar::Null,
        },
        _ => header().map_or(Scalar::Null, |h| record_type(geometry, &h)),
    }
}

/// The name of the type of a record that begins like this.
pub fn record_type(geometry: &Geometry, header: &Header) -> Scalar {
    match rmgr::record_type(geometry.major(), header.rmid, header.info) {
        Some(name) if geometry.version.known => name.into(),
        // what no manager logged is of no type
        _ if rmgr::rmgr_name(geometry.major(), header.rmid).is_none() => Scalar::Null,
        // as pg_waldump names it
        _ => format!("UNKNOWN ({:x})", header.info & 0xf0).into(),
    }
}

/// The name of the shape of a record that is not damaged.
pub const RECORD: &str = "XLogRecord";

/// A record.
pub struct Record {
    pub geometry: Arc<Geometry>,
    /// What is wrong with its `xl_prev`.
    pub prev_wrong: Option<Malformed>,
}

impl Shape for Record {
    fn name(&self) -> &'static str {
        RECORD
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        match field {
            "xl_prev" => self.prev_wrong.clone(),
            "main_data" => self.too_short(at),
            _ => None,
        }
    }

    fn layout(&self) -> &'static [Field] {
        &HEADS[rmids(self.geometry.major())]
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let space = cx.at.space.clone();
        let span = cx.at.span;
        let bytes = space.read(span.start / 8, span.len / 8);
        let start = span.start / 8;
        let headers = block_headers::parse(self.geometry.major(), &bytes, start);
        if let Some(origin) = headers.origin {
            cx.leaf("record_origin", Span::bytes(start + origin, 2), &Int::U16LE);
        }
        if let Some(xid) = headers.toplevel_xid {
            cx.leaf("toplevel_xid", Span::bytes(start + xid, 4), &Int::U32LE);
        }
        let end = start + bytes.len() as u64;
        let main = start + headers.main_data;
        let main = Span::bytes(main, end - main);
        let main_header = Span::bytes(
            start + headers.main_header.start,
            headers.main_header.end - headers.main_header.start,
        );
        let list = blocks::Blocks {
            blocks: headers.blocks,
        };
        cx.node(
            "blocks",
            Span::bytes(start + RECORD_HEADER, headers.headers_end - RECORD_HEADER),
            Kind::array(Arc::new(list)),
        );
        cx.leaf("main_data_length", main_header, &MainDataHeader)
            .derived(Rule::len_of("main_data"));
        if let Some(wrong) = headers.wrong {
            // where blocks end and main data begins cannot be known
            cx.gap(&space, main);
            return Err(wrong);
        }
        let record = Header::read(&bytes);
        let typed = self.payload(record.as_ref());
        let kind = match typed {
            Some(shape) => Kind::fixed(shape),
            None => Kind::Leaf(Ref::Static(&Raw::ANY)),
        };
        let data = cx.node("main_data", main, kind);
        let ends = typed.iter().flat_map(|shape| shape.layout());
        let need = ends.map(|field| field.span.end()).max().unwrap_or(0);
        if let Some(shape) = typed
            && main.len < need
        {
            // no reader compares the two, and each reads on with the next record
            let expected = format!("{} bytes of {}", need / 8, shape.name());
            let found = format!("{} bytes", main.len / 8);
            let wrong = Malformed::new(main.first_byte(), expected, found);
            data.wrong(wrong.with(Severity::Damage));
        }
        headers.refused.map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Record {
    /// What its main data is.
    fn payload(&self, header: Option<&Header>) -> Option<&'static dyn Shape> {
        let header = header.filter(|_| self.geometry.version.known)?;
        payload::main_data(self.geometry.major(), header.rmid, header.info)
    }

    /// What is wrong with main data that is no struct here, if redo of the record reads more of it than there is.
    fn too_short(&self, at: &At<'_>) -> Option<Malformed> {
        let (major, start) = (self.geometry.major(), at.span.start / 8);
        let bytes = at.read(0, at.len());
        let header = Header::read(&bytes).filter(|_| self.geometry.version.known)?;
        if self.payload(Some(&header)).is_some() {
            return None;
        }
        let rmgr = rmgr::rmgr_name(major, header.rmid)?;
        let record_type = rmgr::record_type(major, header.rmid, header.info)?;
        let (least, what) = least::main_data(rmgr, record_type)?;
        let main = block_headers::parse(major, &bytes, start).main_data;
        let len = at.len().saturating_sub(main);
        let bytes = |n: u64| format!("{n} byte{}", if n == 1 { "" } else { "s" });
        let expected = format!("at least {} of main data ({what})", bytes(least));
        let wrong = Malformed::new(start + main, expected, bytes(len));
        (len < least).then(|| wrong.with(Severity::Damage))
    }
}

impl Lazy for Record {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        &COMPUTED
    }

    fn compute(&self, name: &str, at: &At<'_>) -> Scalar {
        compute(&self.geometry, name, at)
    }
}

/// `XLogRecordDataHeaderShort` (id 255, 1 byte of length), `XLogRecordDataHeaderLong` (id 254, 4 bytes), or nothing at
/// all for no main data.
struct MainDataHeader;

const DATA_SHORT: u8 = 255;
const DATA_LONG: u8 = 254;

impl Codec for MainDataHeader {
    fn representation(&self) -> Representation {
        Int::U32LE.representation()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match **bits.bytes() {
            [] => Ok(Scalar::Int(0)),
            [DATA_SHORT, n] => Ok(Scalar::Int(n.into())),
            [DATA_LONG, a, b, c, d] => Ok(Scalar::Int(u32::from_le_bytes([a, b, c, d]).into())),
            _ => Err(Misfit::new(
                "255 and 1 byte, or 254 and 4 bytes",
                format!("{:02x?}", bits.bytes().as_ref()),
            )),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let n = value.as_int().and_then(|n| u32::try_from(n).ok());
        let n =
            n.ok_or_else(|| Misfit::new(format!("an integer from 0 to {}", u32::MAX), value))?;
        Ok(Bits::from_bytes(
            match (like.bytes().len(), u8::try_from(n)) {
                (0, Ok(0)) => Vec::new(),
                (0 | 2, Ok(n)) => vec![DATA_SHORT, n],
                _ => {
                    let mut long = vec![DATA_LONG];
                    long.extend(n.to_le_bytes());
                    long
                }
            },
        ))
    }
}

/// Why a place is not a whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It is damaged.
    Whole,
    /// It is the head of one that goes on behind the end of the log.
    Tail,
    /// It is the head of one whose rest is missing, because the log breaks off.
    Rest,
    /// It is the rest of one whose head is missing.
    Head,
}

/// A place where a record should be, but is damaged or runs past the end: as much of its header as there is, and the bytes
/// after it.
pub struct Damaged {
    geometry: Arc<Geometry>,
    wrong: Option<Malformed>,
    lack: Lack,
    /// The fields of the header that there are.
    fields: &'static [Field],
}

impl Damaged {
    /// So many bytes of a record, and what is wrong with them.
    pub fn new(geometry: &Arc<Geometry>, lack: Lack, wrong: Option<Malformed>, len: u64) -> Self {
        let head = match lack {
            Lack::Whole => &BARE_HEADS[rmids(geometry.major())][..],
            Lack::Tail | Lack::Rest => &CUT_HEADS[rmids(geometry.major())][..],
            Lack::Head => &[],
        };
        let fits = head.iter().filter(|f| f.span.end() <= len * 8).count();
        Self {
            geometry: geometry.clone(),
            wrong,
            lack,
            fields: &head[..fits],
        }
    }
}

impl Shape for Damaged {
    fn name(&self) -> &'static str {
        match self.lack {
            Lack::Tail => "partial XLogRecord",
            _ => "damaged XLogRecord",
        }
    }

    fn layout(&self) -> &'static [Field] {
        self.fields
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let covered = self.layout().last().map_or(0, |f| f.span.end());
        let rest = Span::bits(cx.at.span.start + covered, cx.at.span.len - covered);
        let space = cx.at.space.clone();
        match self.lack {
            Lack::Tail if rest.len > 0 => {
                cx.leaf("data", rest, &Raw::FIXED);
            }
            Lack::Tail => {}
            _ => {
                cx.gap(&space, rest);
            }
        }
        Ok(())
    }

    fn fault(&self) -> Option<Malformed> {
        self.wrong.clone()
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }

    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }
}

impl Lazy for Damaged {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        // where a damaged one ends is not known
        let sound = self.wrong.as_ref();
        let sound = sound.is_none_or(|w| w.severity == Severity::Note);
        match self.lack {
            Lack::Head => &[],
            _ if self.fields.len() < WHOLE_HEAD => &COMPUTED[..1],
            Lack::Tail if sound => &COMPUTED,
            _ => &COMPUTED_DAMAGED,
        }
    }

    fn compute(&self, name: &str, at: &At<'_>) -> Scalar {
        match (name, Header::read(&at.read(0, RECORD_HEADER))) {
            ("end_lsn", Some(h)) => {
                let end = align(at.span.start / 8 + u64::from(h.tot_len));
                self.geometry.lsn_after(end).into()
            }
            _ => compute(&self.geometry, name, at),
        }
    }
}

impl Fluid for Damaged {
    fn beyond(&self, field: &str, _edited: &Node) -> Option<String> {
        let why = match self.lack {
            Lack::Whole if field != "xl_crc" => {
                "where this damaged record ends is not known, so its xl_crc stays as it is: assign it, too, if the record is to be whole again"
            }
            Lack::Head => {
                "the xl_crc of its record is not here, and stays as it is, wherever it is"
            }
            Lack::Tail if self.fields.len() < WHOLE_HEAD => {
                "the xl_crc of its record is in the next file, and stays as it is"
            }
            _ => return None,
        };
        Some(why.to_owned())
    }
}
