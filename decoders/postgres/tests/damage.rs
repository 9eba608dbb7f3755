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
