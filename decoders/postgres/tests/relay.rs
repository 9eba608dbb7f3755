//! Edits that move records: after any of them the log reads through, and holds what it should.

mod common;

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Format, Node, Options, Plain, Reject, Scalar, Space};
use binq_postgres::wal::PgWal;
use bytes::Bytes;
use common::lay_out;
use proptest::prelude::*;
use std::path::Path;

fn sample(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/pg_wal");
    std::fs::read(path.join(name)).unwrap().into()
}

fn decode(bytes: &Bytes) -> Node {
    PgWal.decode(Space::source(bytes.clone()), &Options::default())
}

fn edit_records(
    bytes: &Bytes,
    edit: impl FnOnce(Node) -> Result<Node, Reject>,
) -> Result<Bytes, Reject> {
    let mut root = decode(bytes);
    let records = root.take_field("records").unwrap();
    root.put_field(edit(records)?);
    Ok(encode(&root, &EncodeOptions::default())?.to_bytes())
}

/// What a record is apart from its place: type, transaction, payload.
fn content(record: &Node) -> (Scalar, Scalar, Bytes) {
    let bytes = record.bytes().unwrap();
    (
        record.field("record_type").unwrap().scalar(),
        record.field("xl_xid").unwrap().scalar(),
        bytes.slice(24..),
    )
}

/// Every record follows the one before, with a valid checksum; gives the contents of all.
fn read_through(bytes: &Bytes) -> Vec<(Scalar, Scalar, Bytes)> {
    let root = decode(bytes);
    assert_eq!(root.fault(), None);
    let mut prev = None;
    let records = root.field("records").unwrap().items();
    records
        .map(|record| {
            assert_eq!(record.fault(), None, "{record:?}");
            let crc = record.field("xl_crc").unwrap().description();
            assert_eq!(crc.as_deref(), Some("valid"), "{record:?}");
            let lsn = record.field("lsn").unwrap().scalar();
            if let Some(prev) = prev.replace(lsn) {
                assert_eq!(
                    record.field("xl_prev").unwrap().scalar(),
                    prev,
                    "{record:?}"
                );
            }
            content(&record)
        })
        .collect()
}

/// Contents without the fillers and the checkpoints, whose payloads follow the places of records.
fn comparable(all: Vec<(Scalar, Scalar, Bytes)>) -> Vec<(Scalar, Scalar, Bytes)> {
    let moves = |name: &Scalar| {
        matches!(
            name.as_str(),
            Some("NOOP" | "CHECKPOINT_ONLINE" | "CHECKPOINT_SHUTDOWN")
        )
    };
    all.into_iter().filter(|(name, ..)| !moves(name)).collect()
}

fn short_main_data(record: &Node) -> bool {
    let bytes = |n: &str| record.field(n).and_then(|f| f.actual());
    matches!(bytes("main_data"), Some(Scalar::Bytes(b)) if b.len() < 200 && b.len() > 1)
}

/// Samples in which the log ends before the file does.
const WITH_ROOM: [&str; 2] = ["pg15-recycled.wal", "pg15-lz4-zstd.wal"];
const FULL: [&str; 3] = ["pg12.wal", "pg15.wal", "pg18.wal"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_are_removed(pick in any::<prop::sample::Index>(), which in prop::collection::btree_set(any::<u16>(), 1..6)) {
        let all = [WITH_ROOM.as_slice(), FULL.as_slice()].concat();
        let bytes = sample(all[pick.index(all.len())]);
        let before = read_through(&bytes);
        let gone: Vec<usize> = which.iter().map(|i| usize::from(*i) % before.len()).collect();
        let after = edit_records(&bytes, |records| {
            let kept = records.items().enumerate().filter(|(i, _)| !gone.contains(i));
            records.clone().set_items(kept.map(|(_, r)| Plain::Node(r)).collect())
        }).unwrap();
        prop_assert_eq!(after.len(), bytes.len());
        let first = |b: &Bytes| decode(b).field("records").unwrap().item(0).unwrap().field("xl_prev").unwrap().scalar();
        prop_assert_eq!(first(&after), first(&bytes), "the first record names one of the file before");
        let kept = before.into_iter().enumerate().filter(|(i, _)| !gone.contains(i));
        let expected = comparable(kept.map(|(_, c)| c).collect());
        let got = comparable(read_through(&after));
        prop_assert_eq!(got.len(), expected.len());
        prop_assert!(got.iter().zip(&expected).filter(|(a, b)| a != b).count() <= 2, "but for lengths spelled longer, contents stay");
        let partial = |b: &Bytes| decode(b).field("partial").map(|p| p.offset());
        prop_assert_eq!(partial(&after), partial(&bytes), "a record that runs into the next file keeps its place");
    }

    #[test]
    fn records_are_copied(pick in 0..WITH_ROOM.len(), from in any::<u16>(), to in any::<u16>()) {
        let bytes = sample(WITH_ROOM[pick]);
        let mut expected = read_through(&bytes);
        let (from, to) = (usize::from(from) % expected.len(), usize::from(to) % expected.len());
        expected.insert(to, expected[from].clone());
        let after = edit_records(&bytes, |records| {
            let mut items: Vec<Plain> = records.items().map(Plain::Node).collect();
            // a copy of the bytes, from another decode
            let copy = decode(&bytes).field("records").unwrap().item(from as u64).unwrap();
            items.insert(to, Plain::Node(copy));
            records.set_items(items)
        });
        match after {
            Ok(after) => prop_assert_eq!(comparable(read_through(&after)), comparable(expected)),
            Err(e) => prop_assert!(matches!(e, Reject::NoRoom { .. }), "{}", e),
        }
    }

    #[test]
    fn records_change_their_size(pick in any::<prop::sample::Index>(), start in any::<u16>(), size in 1usize..700) {
        let all = [WITH_ROOM.as_slice(), FULL.as_slice()].concat();
        let bytes = sample(all[pick.index(all.len())]);
        let before = read_through(&bytes);
        let new = Bytes::from(vec![0xab; size]);
        let mut chosen = None;
        let after = edit_records(&bytes, |mut records| {
            let start = u64::from(start) % records.len();
            let found = (start..records.len()).chain(0..start).find(|i| short_main_data(&records.item(*i).unwrap()));
            let i = found.expect("a record with some main data");
            chosen = Some(i);
            let mut record = records.take_item(i).unwrap();
            let data = record.take_field("main_data").unwrap();
            record.put_field(data.assign(Plain::Scalar(Scalar::Bytes(new.clone())))?);
            records.put_item(i, record);
            Ok(records)
        });
        let i = chosen.unwrap();
        match after {
            Ok(after) => {
                read_through(&after);
                let record = decode(&after).field("records").unwrap().item(i).unwrap();
                prop_assert_eq!(record.field("main_data").unwrap().actual(), Some(Scalar::Bytes(new)));
                prop_assert_eq!(record.field("main_data_length").unwrap().actual(), Some(Scalar::Int(size as i128)));
                prop_assert!(read_through(&after).len() >= before.len());
            }
            Err(e) => prop_assert!(matches!(e, Reject::NoRoom { .. }), "{}", e),
        }
    }
}

#[test]
fn an_aborted_record_is_not_lost() {
    let bytes = sample("pg15-overwrite-contrecord.wal");
    let e = edit_records(&bytes, |records| records.remove_item(0)).unwrap_err();
    assert!(e.to_string().contains("an aborted record lies at"), "{e}");
}

#[test]
fn a_record_of_another_major_is_refused() {
    let other = decode(&sample("pg12.wal")).field("records").unwrap();
    let insert = |bytes: &Bytes| {
        edit_records(bytes, |records| {
            let mut items: Vec<Plain> = records.items().map(Plain::Node).collect();
            items.push(Plain::Node(other.item(0).unwrap()));
            records.set_items(items)
        })
    };
    let e = insert(&sample("pg15-recycled.wal"))
        .unwrap_err()
        .to_string();
    let why = "a record of PostgreSQL 12 cannot become one of a log of PostgreSQL 15";
    assert!(e.contains(why), "{e}");
    let e = insert(&sample("pg12.wal")).unwrap_err();
    assert!(matches!(e, Reject::NoRoom { .. }), "its own major: {e}");
}

#[test]
fn what_does_not_fit_says_by_how_much() {
    let bytes = sample("pg15.wal");
    let e = edit_records(&bytes, |records| {
        let mut items: Vec<Plain> = records.items().map(Plain::Node).collect();
        items.push(items[0].clone());
        records.set_items(items)
    })
    .unwrap_err();
    let text = e.to_string();
    assert!(text.ends_with("by 80 bytes"), "{text}");
}

fn lsn_of(record: &Node) -> Scalar {
    record.field("lsn").unwrap().scalar()
}

/// What names the last record as the one before it may be in the next file: then it keeps its place.
#[test]
fn what_the_next_file_names_keeps_its_place() {
    let whole = sample("pg15.wal");
    let records = decode(&whole).field("records").unwrap();
    let end = usize::try_from(records.item(5000).unwrap().offset()).unwrap();
    for (what, bytes) in [
        ("a segment switch", sample("pg15-switch.wal")),
        ("an aborted record", sample("pg15-aborted-head.wal")),
        ("a full file", whole.slice(..end)),
        ("the head of a header", whole.slice(..end + 8)),
        ("a header without its checksum", whole.slice(..end + 16)),
    ] {
        let len = decode(&bytes).field("records").unwrap().len();
        let last = |b: &Bytes| {
            let records = decode(b).field("records").unwrap();
            lsn_of(&records.item(records.len() - 1).unwrap())
        };
        for gone in [0, len / 2, len - 2] {
            let after = edit_records(&bytes, |records| records.remove_item(gone)).unwrap();
            assert_eq!(last(&after), last(&bytes), "{what}, without record {gone}");
            assert_eq!(
                read_through(&after).len() as u64,
                len,
                "{what}: one is a NOOP"
            );
        }
        let after = edit_records(&bytes, |records| records.remove_item(len - 1)).unwrap();
        let after = decode(&after).field("records").unwrap();
        let (count, kind) = (after.len(), after.item(after.len() - 1).unwrap());
        let kind = kind.field("record_type").unwrap().scalar();
        match what {
            // the log ends here then
            "a segment switch" => assert_eq!(count, len - 1),
            _ => assert_eq!(kind, Scalar::from("NOOP"), "{what}"),
        }
    }
}

/// More records before a segment switch move it, which is said: the next file has to be told.
#[test]
fn a_segment_switch_that_moves_is_noted() {
    let bytes = sample("pg15-switch.wal");
    let mut root = decode(&bytes);
    let records = root.take_field("records").unwrap();
    let switch = records.item(records.len() - 1).unwrap();
    let mut items: Vec<Plain> = records.items().map(Plain::Node).collect();
    items.insert(0, items[0].clone());
    root.put_field(records.set_items(items).unwrap());
    let out = encode(&root, &EncodeOptions::default()).unwrap();
    read_through(&out.to_bytes());
    let named = format!("the next file names the one at {}", lsn_of(&switch)).replace('"', "");
    let notes: Vec<String> = out.report.notes.iter().map(|n| format!("{n}")).collect();
    assert!(
        notes.iter().any(|n| n.contains(&named)),
        "{named}: {notes:?}"
    );
}

/// A checkpoint whose redo record is removed begins with the one after it.
#[test]
fn redo_follows_the_record_after_one_that_is_removed() {
    let bytes = sample("pg15.wal");
    let records = decode(&bytes).field("records").unwrap();
    let redo = |r: &Node| {
        let data = r.field("main_data")?.field("redo")?;
        Some(data.scalar())
    };
    let all: Vec<Node> = records.items().collect();
    let (i, k) = all
        .iter()
        .enumerate()
        .find_map(|(k, r)| {
            let redo = redo(r)?;
            let i = all[..k].iter().position(|r| lsn_of(r) == redo)?;
            Some((i, k))
        })
        .expect("a checkpoint that began in this file");
    let after = edit_records(&bytes, |records| records.remove_item(i as u64)).unwrap();
    let records = decode(&after).field("records").unwrap();
    let checkpoint = records.item(k as u64 - 1).unwrap();
    assert_eq!(
        redo(&checkpoint),
        Some(lsn_of(&records.item(i as u64).unwrap()))
    );
}

/// A segment of the records of another, on pages of `blcksz` bytes. No such server is at hand: it takes a build of its own.
fn on_pages_of(blcksz: usize, from: &Bytes) -> Bytes {
    let records = decode(from).field("records").unwrap().items().take(4000);
    let records = records.map(|record| record.bytes().unwrap().to_vec());
    lay_out([from[0], from[1]], blcksz, &records.collect::<Vec<_>>())
}

#[test]
fn pages_of_other_sizes() {
    let sample = sample("pg17.wal");
    for blcksz in [1 << 10, 2 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10] {
        let bytes = on_pages_of(blcksz, &sample);
        let root = decode(&bytes);
        assert_eq!(
            root.field("pages").unwrap().len(),
            (1 << 20) / blcksz as u64
        );
        assert_eq!(
            encode(&root, &EncodeOptions::default()).unwrap().to_bytes(),
            bytes
        );
        let before = read_through(&bytes);
        assert_eq!(before.len(), 4000, "pages of {blcksz}");
        let after = edit_records(&bytes, |records| records.remove_item(7)).unwrap();
        let mut expected = before;
        expected.remove(7);
        assert_eq!(
            comparable(read_through(&after)),
            comparable(expected),
            "pages of {blcksz}"
        );
    }
}
