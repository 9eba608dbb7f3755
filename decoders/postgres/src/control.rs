//! The control file, `global/pg_control`: format `pg_control`; `ControlFileData`, src/include/catalog/pg_control.h.
//!
//! 19 as its sources have it: control version 1902 in the first three betas, 1905 since online checksums were taken out again.

use crate::lsn::{self, Lsn};
use crate::payload::xlog;
use crate::time::PgTime;
use binq_core::codec::{Bool, Float, Int, Named, Raw};
use binq_core::rule::{Edge, Part, Path, Rule};
use binq_core::shape::What::{self, Leaf, Struct};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Confidence, Described, Kind, Malformed, Probe, Severity};
use std::ops::RangeInclusive;

/// A control file of majors 12 to 19.
#[rustfmt::skip]
pub static PG_CONTROL: Described = Described::probed(
    "pg_control", "Postgres control file, global/pg_control, majors 12 to 19", probe, &ControlFile,
);

/// A C type: its alignment, its size, and what it is.
type Type = (u64, u64, What);

const BOOL: Type = (1, 1, Leaf(&Bool));
const INT: Type = (4, 4, Leaf(&Int::I32LE));
const UINT32: Type = (4, 4, Leaf(&Int::U32LE));
const UINT64: Type = (8, 8, Leaf(&Int::U64LE));
const PG_TIME: Type = (8, 8, Leaf(&PgTime));
const LSN: Type = (8, 8, Leaf(&Lsn));

/// `DBState`, as pg_controldata says it.
#[rustfmt::skip]
static STATE: Named<Int> = Named::of(Int::U32LE, &[
    (0, "starting up"), (1, "shut down"), (2, "shut down in recovery"), (3, "shutting down"),
    (4, "in crash recovery"), (5, "in archive recovery"), (6, "in production"),
]);

/// `PG_CONTROL_VERSION` of 12, of 13 to 16, of 17, of 18, of the first betas of 19, and of 19.
const VERSIONS: [u64; 6] = [1201, 1300, 1700, 1800, 1902, 1905];
/// 13 and 14 have one version, and differ in a name; what tells them apart is `CATALOG_VERSION_NO`, this one for 13.
const CATALOG_13: u64 = 202_007_201;
/// Stands for the version of 14 to 16.
const SINCE_14: u64 = 1400;
/// Stands for all other versions.
const UNKNOWN: u64 = 0;

/// `SizeOfXLogShortPHD`
const SHORT_HEADER: u64 = 24;
/// `PG_CONTROL_FILE_SIZE`
const FILE_SIZE: u64 = 8192;
/// `FLOATFORMAT_VALUE`
const FLOAT: f64 = 1_234_567.0;
/// `BLCKSZ` of a build
const BLOCKS: RangeInclusive<u64> = 1 << 10..=1 << 15;
/// `XLOG_BLCKSZ` of a build
const WAL_BLOCKS: RangeInclusive<u64> = 1 << 10..=1 << 16;
/// `XLOG_BLCKSZ` of most builds
const USUAL_BLOCK: u64 = 8192;
/// `WalSegMinSize`, `WalSegMaxSize`
const SEGMENTS: RangeInclusive<u64> = 1 << 20..=1 << 30;
/// Catalog versions are a date and a digit: those of 2018 to 2099.
const CATALOGS: RangeInclusive<u64> = 201_800_000..=209_999_999;

/// In files of any version.
const ANY: RangeInclusive<u64> = UNKNOWN..=u64::MAX;
/// In those of any version that is known.
const ALL: RangeInclusive<u64> = 1201..=1905;

/// `ControlFileData`, and the versions that have the field.
#[rustfmt::skip]
static ROWS: [(&str, Type, RangeInclusive<u64>); 43] = [
    ("system_identifier", UINT64, ANY), ("pg_control_version", UINT32, ANY), ("catalog_version_no", UINT32, ANY),
    ("state", (4, 4, Leaf(&STATE)), ALL), ("time", PG_TIME, ALL), ("checkPoint", LSN, ALL),
    ("checkPointCopy", (8, 88, Struct(&xlog::CHECKPOINT_12)), 1201..=1300),
    ("checkPointCopy", (8, 88, Struct(&xlog::CHECKPOINT_14)), SINCE_14..=SINCE_14),
    ("checkPointCopy", (8, 88, Struct(&xlog::CHECKPOINT_17)), 1700..=1800),
    ("checkPointCopy", (8, 96, Struct(&xlog::CHECKPOINT_19_BETA)), 1902..=1902),
    ("checkPointCopy", (8, 96, Struct(&xlog::CHECKPOINT_19)), 1905..=1905),
    ("unloggedLSN", LSN, ALL), ("minRecoveryPoint", LSN, ALL), ("minRecoveryPointTLI", UINT32, ALL),
    ("backupStartPoint", LSN, ALL), ("backupEndPoint", LSN, ALL), ("backupEndRequired", BOOL, ALL),
    ("wal_level", (4, 4, Leaf(&xlog::WAL_LEVEL)), ALL), ("wal_log_hints", BOOL, ALL), ("MaxConnections", INT, ALL), ("max_worker_processes", INT, ALL),
    ("max_wal_senders", INT, ALL), ("max_prepared_xacts", INT, ALL), ("max_locks_per_xact", INT, ALL),
    ("track_commit_timestamp", BOOL, ALL), ("maxAlign", UINT32, ALL), ("floatFormat", (8, 8, Leaf(&Float::F64LE)), ALL),
    ("blcksz", UINT32, ALL), ("relseg_size", UINT32, ALL), ("slru_pages_per_segment", UINT32, 1902..=1905),
    ("xlog_blcksz", UINT32, ALL), ("xlog_seg_size", UINT32, ALL), ("nameDataLen", UINT32, ALL), ("indexMaxKeys", UINT32, ALL),
    ("toast_max_chunk_size", UINT32, ALL), ("loblksize", UINT32, ALL),
    ("float4ByVal", BOOL, 1201..=1201), ("float8ByVal", BOOL, ALL),
    ("data_checksum_version_init", UINT32, 1905..=1905), ("data_checksum_version", UINT32, ALL),
    ("default_char_signedness", BOOL, 1800..=1905), ("mock_authentication_nonce", (1, 32, Leaf(&Raw::FIXED)), ALL), ("crc", UINT32, ALL),
];

/// The fields of a version: name, place, size, kind; they lie where a C compiler puts them.
fn fields(version: u64, catalog: u64) -> impl Iterator<Item = (&'static str, u64, u64, Kind)> {
    let key = match version {
        1300 if catalog > CATALOG_13 => SINCE_14,
        known if VERSIONS.contains(&known) => known,
        _ => UNKNOWN,
    };
    let rows = ROWS.iter().filter(move |row| row.2.contains(&key));
    rows.scan(0_u64, |end, (name, (align, size, what), _)| {
        let at = end.next_multiple_of(*align);
        *end = at + size;
        Some((*name, at, *size, what.kind()))
    })
}

fn probe(probe: &Probe<'_>) -> Confidence {
    let word = |at| probe.uint_le(at, 4);
    let (version, catalog) = (word(8).unwrap_or(0), word(12).unwrap_or(0));
    let crc = fields(version, catalog).last().map_or(0, |row| row.1);
    let sum = probe.bytes.get(..crc as usize).map(crc32c::crc32c);
    match VERSIONS.contains(&version) && CATALOGS.contains(&catalog) {
        true if sum.is_some() && word(crc) == sum.map(u64::from) => Confidence::Certain,
        true => Confidence::Likely,
        false => Confidence::No,
    }
}

/// The fields of the version that the file says it has.
fn fields_at(at: &At<'_>) -> impl Iterator<Item = (&'static str, u64, u64, Kind)> + use<> {
    fields(at.uint_le(8, 4), at.uint_le(12, 4))
}

/// All before it.
static COVERED: [Part; 1] = [Part::Between(Edge::Byte(0), Edge::Start(Path::Name("crc")))];
static CRC: Rule = Rule::sum(|parts| crc32c::crc32c(parts[0]) as u64, &COVERED);

struct ControlFile;

impl Shape for ControlFile {
    fn name(&self) -> &'static str {
        "ControlFileData"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut end = 0;
        for (name, at, size, kind) in fields_at(&cx.at) {
            cx.reader(at).node(name, size, kind)?;
            end = at + size;
        }
        let mut rest = cx.reader(end);
        rest.derive("crc", CRC.clone());
        rest.gap();
        match cx.at.len() {
            FILE_SIZE => Ok(()),
            len => Err(Malformed::new(end, "8192 bytes", len.to_string()).with(Severity::Odd)),
        }
    }

    /// Where a field lies goes by the version.
    fn mark(&self) -> Option<&str> {
        Some("pg_control_version")
    }

    /// What a server looks at when it reads the file (`ReadControlFile`), and before it replays the log (`StartupXLOG`),
    /// src/backend/access/transam/xlog.c. Sizes are compared with those of its build: here, with those that a build can have.
    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let number = |name: &str| {
            let (_, place, size, _) = fields_at(at).find(|row| row.0 == name)?;
            Some((place, at.uint_le(place, size)))
        };
        let (place, n) = number(field)?;
        let value = |name: &str| number(name).map_or(0, |(_, n)| n);
        let expected = match field {
            "pg_control_version" if VERSIONS.contains(&(n as u32).swap_bytes().into()) => {
                Some("the other byte order".to_owned())
            }
            "pg_control_version" => {
                (!VERSIONS.contains(&n)).then(|| format!("one of {VERSIONS:?}"))
            }
            "floatFormat" => (n != FLOAT.to_bits()).then(|| FLOAT.to_string()),
            // `XRecOffIsValid`
            "checkPoint" => {
                let page = Some(value("xlog_blcksz"))
                    .filter(|n| is_size(*n, &WAL_BLOCKS))
                    .unwrap_or(USUAL_BLOCK);
                (n % page < SHORT_HEADER)
                    .then(|| "a place behind the header of a page of the log".to_owned())
            }
            // `DB_STARTUP` is written by none
            "state" => (!(1..=6).contains(&n)).then(|| "a state from 1 to 6".to_owned()),
            // the fields lie as they do where it is 8
            "maxAlign" => (n != 8).then(|| "8".to_owned()),
            "blcksz" => wrong_size(n, &BLOCKS),
            "xlog_blcksz" => wrong_size(n, &WAL_BLOCKS),
            "xlog_seg_size" => wrong_size(n, &SEGMENTS),
            "toast_max_chunk_size" | "loblksize" => {
                let block = Some(value("blcksz")).filter(|n| is_size(*n, &BLOCKS))?;
                let right = if field == "loblksize" {
                    block / 4
                } else {
                    toast_chunk(block)
                };
                (n != right).then(|| format!("{right}, for pages of {block} bytes"))
            }
            "relseg_size" | "indexMaxKeys" => (n == 0).then(|| "at least 1".to_owned()),
            // a `NameData` lies at multiples of 4 bytes
            "nameDataLen" => (n == 0 || n % 4 != 0).then(|| "a multiple of 4".to_owned()),
            // up to 12, the build decided
            "float8ByVal" => {
                (n == 0 && value("pg_control_version") > 1201).then(|| "true".to_owned())
            }
            _ => None,
        };
        let found = match field {
            "floatFormat" => f64::from_bits(n).to_string(),
            "checkPoint" => lsn::text(n),
            "float8ByVal" => (n != 0).to_string(),
            _ => n.to_string(),
        };
        Some(Malformed::new(at.span.start / 8 + place, expected?, found))
    }
}

fn is_size(n: u64, sizes: &RangeInclusive<u64>) -> bool {
    sizes.contains(&n) && n.is_power_of_two()
}

fn wrong_size(n: u64, sizes: &RangeInclusive<u64>) -> Option<String> {
    (!is_size(n, sizes)).then(|| format!("a power of two in {sizes:?}"))
}

/// `TOAST_MAX_CHUNK_SIZE`, src/include/access/heaptoast.h: a quarter of what four tuples leave of a page, without headers.
fn toast_chunk(block: u64) -> u64 {
    (block - 40) / 4 / 8 * 8 - 36
}
