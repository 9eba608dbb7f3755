//! PutGet over damaged logs: an assigned value is read back, wherever anything but the edited field tells that there is a
//! record.
//!
//! Where a record begins in damaged bytes is concluded from them, so there are always some of which the edited field was all
//! that told. How many those are of many random ones is counted here; a worse search for records makes them more.

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Space};
use binq_laws::{Rng, damage, follow, put_back, random_leaf, random_value};
use binq_postgres::wal::PgWal;
use bytes::Bytes;
use std::path::Path;

const COPIES: u64 = 4000;
const EDITS: usize = 8;

/// Of 27,900 edits, so many are not read back. When the search looked at little more than `xl_prev`, it was 70.
const LOST: usize = 1;

fn decode(bytes: &Bytes) -> Node {
    PgWal.decode(Space::source(bytes.clone()), &Options::default())
}

fn samples() -> Vec<(String, Bytes)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/pg_wal");
    let entries = std::fs::read_dir(dir).expect("the samples are there");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let mut all: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "wal"))
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), std::fs::read(&path).unwrap().into())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn values_are_read_back_from_damaged_logs() {
    let samples = samples();
    let (mut done, mut lost) = (0, Vec::new());
    for copy in 0..COPIES {
        let rng = &mut Rng::new(copy);
        let (name, bytes) = &samples[rng.below(samples.len() as u64) as usize];
        let bytes = damage(bytes, rng);
        let root = decode(&bytes);
        for _ in 0..EDITS {
            let Some(path) = random_leaf(&root, rng) else {
                continue;
            };
            let leaf = follow(&root, &path).unwrap();
            let Some((value, edited)) = random_value(&leaf, rng, false) else {
                continue;
            };
            let no_fix = rng.below(2) == 0;
            let edited = put_back(&root, &path, edited);
            let new = encode(&edited, &EncodeOptions { no_fix }).unwrap();
            let read = follow(&decode(&new.to_bytes()), &path).and_then(|n| n.actual());
            done += 1;
            if read.as_ref() != Some(&value) {
                lost.push(format!(
                    "copy {copy} of {name}, {}, no_fix {no_fix}",
                    leaf.path_text()
                ));
            }
        }
    }
    assert!(lost.len() <= LOST, "{} of {done}: {lost:#?}", lost.len());
    assert!(done > 10_000, "{done} edits");
}

/// Places and checksums of the records, and whether each is as it was written.
fn records(root: &Node) -> Vec<(u64, bool)> {
    let records = root.field("records").unwrap();
    let crc = |record: &Node| record.field("xl_crc")?.description();
    let all = records.items().map(|record| {
        let sound = crc(&record).is_some_and(|crc| crc == "valid");
        (record.offset(), sound)
    });
    all.collect()
}

/// The sound records that begin outside of some pieces of a log, and are not found once these were written over: how many there
/// are, and those. Of `xlp_rem_len` of the
/// pages that begin outside, those that say where a record begins on their page must have no fault.
fn hidden_by(
    bytes: &Bytes,
    damaged: Vec<u8>,
    pieces: &[std::ops::Range<usize>],
) -> (u64, Vec<String>) {
    let before = records(&decode(bytes));
    let root = decode(&damaged.into());
    let after = records(&root);
    let (mut looked, mut hidden) = (0, Vec::new());
    let outside = |at: &u64| pieces.iter().all(|piece| !piece.contains(&(*at as usize)));
    for (at, sound) in before.iter().filter(|(at, _)| outside(at)) {
        looked += 1;
        // one that begins before a piece may run into it
        let next = before.partition_point(|(other, _)| other <= at);
        let end = before.get(next).map_or(u64::MAX, |(at, _)| *at) as usize;
        let runs_into = pieces.iter().any(|p| p.start < end && *at < p.start as u64);
        if *sound && !runs_into && !after.iter().any(|(found, _)| found == at) {
            hidden.push(format!("the record at {at}"));
        }
    }
    for page in root.field("pages").unwrap().items() {
        let wrong = page.field("xlp_rem_len").and_then(|field| field.fault());
        let rest = page.field("xlp_rem_len").and_then(|f| f.actual()?.as_int());
        let tells = rest.is_some_and(|rest| rest < 8000);
        if outside(&page.offset()) && tells && wrong.is_some() {
            hidden.push(format!("a fault of {}: {wrong:?}", page.path_text()));
        }
    }
    (looked, hidden)
}

/// A sector has what another one had: a write that went astray. What begins in it is not whole, and hides no record behind it.
#[test]
fn records_behind_a_foreign_sector_are_found() {
    const SECTOR: usize = 512;
    let (mut looked, mut hidden) = (0, Vec::new());
    for (name, bytes) in samples() {
        let before = records(&decode(&bytes));
        let last = before.last().map_or(0, |(at, _)| *at as usize) / SECTOR;
        for seed in 0..15 {
            let rng = &mut Rng::new(seed);
            let [from, to] = [0; 2].map(|_| rng.below(last as u64) as usize * SECTOR);
            let mut damaged = bytes.to_vec();
            damaged.copy_within(from..from + SECTOR, to);
            // page headers are another matter
            if to % 8192 == 0 || from == to {
                continue;
            }
            let (some, lost) = hidden_by(&bytes, damaged, std::slice::from_ref(&(to..to + SECTOR)));
            looked += some;
            hidden.extend(
                lost.iter()
                    .map(|lost| format!("{name}, {from} to {to}: {lost}")),
            );
        }
    }
    assert!(
        hidden.is_empty(),
        "{} of {looked}: {hidden:#?}",
        hidden.len()
    );
    assert!(looked > 10_000, "{looked}");
}

/// Second halves of two pages that were swapped. The pages behind them say where the first record on them begins: a record at the
/// end of such a half, which ran into another page, hides none.
#[test]
fn records_behind_swapped_half_pages_are_found() {
    const HALF: usize = 4096;
    let (mut looked, mut hidden) = (0, Vec::new());
    for (name, bytes) in samples() {
        let before = records(&decode(&bytes));
        let last = before.last().map_or(0, |(at, _)| *at as usize) / 8192;
        for seed in 0..10 {
            let rng = &mut Rng::new(seed);
            let [a, b] = [0; 2].map(|_| rng.below(last as u64) as usize * 8192 + HALF);
            if a == b {
                continue;
            }
            let mut damaged = bytes.to_vec();
            damaged[a..a + HALF].copy_from_slice(&bytes[b..b + HALF]);
            damaged[b..b + HALF].copy_from_slice(&bytes[a..a + HALF]);
            let (some, lost) = hidden_by(&bytes, damaged, &[a..a + HALF, b..b + HALF]);
            looked += some;
            hidden.extend(
                lost.iter()
                    .map(|lost| format!("{name}, {a} and {b}: {lost}")),
            );
        }
    }
    assert!(
        hidden.is_empty(),
        "{} of {looked}: {hidden:#?}",
        hidden.len()
    );
    assert!(looked > 10_000, "{looked}");
}
