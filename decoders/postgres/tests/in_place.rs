//! Records that are put in the place of others: what they say of their place is that of the new one.

mod common;

use binq_core::encode::{EncodeOptions, Encoded, encode};
use binq_core::{Node, Plain, Reject, Scalar};
use bytes::Bytes;
use common::{decode, findings, sample};

const SAMPLES: [&str; 4] = ["pg12.wal", "pg15.wal", "pg17.wal", "pg18.wal"];

/// The log with other records in the places of some: the record at the first index becomes that at the second one.
fn put(bytes: &Bytes, puts: &[(u64, u64)], no_fix: bool) -> Result<Encoded, Reject> {
    let mut root = decode(bytes);
    let old = root.field("records").unwrap();
    let mut records = root.take_field("records").unwrap();
    for (to, from) in puts {
        let item = records.take_item(*to).unwrap();
        let item = item.assign(Plain::Node(old.item(*from).unwrap()))?;
        records.put_item(*to, item);
    }
    root.put_field(records);
    encode(&root, &EncodeOptions { no_fix })
}

/// What a record is apart from its place.
fn content(record: &Node) -> (Scalar, Bytes) {
    let bytes = record.bytes().unwrap();
    (record.field("xl_xid").unwrap().scalar(), bytes.slice(24..))
}

/// Two records of one size that differ, and name different ones before them; none is a checkpoint, whose payload names places.
fn twins(root: &Node) -> (u64, u64) {
    let all: Vec<(u64, Scalar, Bytes)> = root
        .field("records")
        .unwrap()
        .items()
        .enumerate()
        .filter(|(_, r)| r.field("rmgr").unwrap().scalar().as_str() != Some("XLOG"))
        .map(|(i, r)| {
            (
                i as u64,
                r.field("xl_tot_len").unwrap().scalar(),
                r.bytes().unwrap(),
            )
        })
        .collect();
    let first = &all[all.len() / 3];
    let other = all[all.len() / 3 + 2..].iter();
    let other = other.filter(|(_, len, bytes)| *len == first.1 && bytes[24..] != first.2[24..]);
    (
        first.0,
        other.clone().next().expect("another one of that size").0,
    )
}

/// A copy names the record before its new place, whatever it named, and is summed again; nothing else changes.
#[test]
fn a_record_of_the_same_size_names_the_one_before_its_new_place() {
    for name in SAMPLES {
        let bytes = sample(name);
        let root = decode(&bytes);
        let (a, b) = twins(&root);
        let was = root.field("records").unwrap();
        // one way, the other way, a swap
        for puts in [&[(a, b)][..], &[(b, a)], &[(a, b), (b, a)]] {
            let out = put(&bytes, puts, false).unwrap();
            let after = out.to_bytes();
            let now = decode(&after);
            assert_eq!(findings(&now), findings(&root), "{name} {puts:?}");
            let records = now.field("records").unwrap();
            assert_eq!(records.len(), was.len());
            for (i, (old, new)) in was.items().zip(records.items()).enumerate() {
                let from = puts.iter().find(|(to, _)| *to == i as u64);
                let from = from.map_or(old.clone(), |(_, from)| was.item(*from).unwrap());
                assert_eq!(content(&new), content(&from), "{name} {puts:?}: {i}");
                let prev = |r: &Node| r.field("xl_prev").unwrap().scalar();
                assert_eq!(prev(&new), prev(&old), "{name} {puts:?}: {i}");
            }
            // each is told
            let notes: Vec<String> = out.report.notes.iter().map(|n| n.to_string()).collect();
            for (to, _) in puts {
                for field in ["xl_prev", "xl_crc"] {
                    let path = format!(".records[{to}].{field} at byte ");
                    assert_eq!(
                        notes
                            .iter()
                            .filter(|n| n.starts_with(&path) && n.contains("recomputed"))
                            .count(),
                        1,
                        "{name} {puts:?}: {notes:?}"
                    );
                }
            }
            assert_eq!(notes.len(), puts.len() * 2, "{notes:?}");
        }
    }
}

/// With an assigned `xl_prev` it names that one; with nothing recomputed, what it named.
#[test]
fn what_is_assigned_stays() {
    let bytes = sample("pg15.wal");
    let (a, b) = twins(&decode(&bytes));
    let at = decode(&bytes)
        .field("records")
        .unwrap()
        .item(a)
        .unwrap()
        .offset() as usize;
    let mut root = decode(&bytes);
    let other = root.field("records").unwrap().item(b).unwrap();
    let mut records = root.take_field("records").unwrap();
    let mut item = records
        .take_item(a)
        .unwrap()
        .assign(Plain::Node(other.clone()))
        .unwrap();
    let prev = item.take_field("xl_prev").unwrap();
    item.put_field(prev.assign(Plain::Scalar("0/7".into())).unwrap());
    records.put_item(a, item);
    root.put_field(records);
    let out = encode(&root, &EncodeOptions::default()).unwrap().to_bytes();
    assert_eq!(out[at + 8..at + 16], 7u64.to_le_bytes());
    let record = decode(&out).field("records").unwrap().item(a).unwrap();
    assert_eq!(
        record.field("xl_crc").unwrap().description().as_deref(),
        Some("valid")
    );
    let out = put(&bytes, &[(a, b)], true).unwrap().to_bytes();
    let other = other.bytes().unwrap();
    assert_eq!(out[at..at + other.len()], other[..]);
}

/// In a list that is assigned, too, with one that is copied to several places.
#[test]
fn items_of_a_list_are_put_in_place() {
    let bytes = sample("pg15.wal");
    let root = decode(&bytes);
    let (a, b) = twins(&root);
    let records = root.field("records").unwrap();
    let mut items: Vec<Plain> = records.items().map(Plain::Node).collect();
    items[a as usize] = items[b as usize].clone();
    let mut whole = root.clone();
    let list = whole.take_field("records").unwrap();
    whole.put_field(list.set_items(items).unwrap());
    let out = encode(&whole, &EncodeOptions::default())
        .unwrap()
        .to_bytes();
    assert_eq!(out, put(&bytes, &[(a, b)], false).unwrap().to_bytes());
}

/// The first record of a file names one in the file before.
#[test]
fn the_first_record_names_what_the_first_one_named() {
    for name in SAMPLES {
        let bytes = sample(name);
        let records = decode(&bytes).field("records").unwrap();
        let len = |i: u64| {
            records
                .item(i)
                .unwrap()
                .field("xl_tot_len")
                .unwrap()
                .scalar()
        };
        let other = (1..records.len()).find(|i| len(*i) == len(0)).unwrap();
        let after = put(&bytes, &[(0, other)], false).unwrap().to_bytes();
        assert_eq!(
            findings(&decode(&after)),
            findings(&decode(&bytes)),
            "{name}"
        );
        let at = records.item(0).unwrap().offset() as usize;
        assert_eq!(after[at + 8..at + 16], bytes[at + 8..at + 16], "{name}");
    }
}

/// Behind a switch the log goes on in the next segment: none is put between records, of whatever size.
#[test]
fn a_switch_is_not_put_between_records() {
    let bytes = sample("pg15-switch.wal");
    let records = decode(&bytes).field("records").unwrap();
    let last = records.len() - 1;
    let switch = records.item(last).unwrap();
    let size = |r: &Node| r.field("xl_tot_len").unwrap().scalar();
    // one of the size of a switch is made of a longer one
    let mut root = decode(&bytes);
    let mut list = root.take_field("records").unwrap();
    let mut item = list.take_item(1).unwrap();
    let data = item.take_field("main_data").unwrap();
    item.put_field(data);
    list.put_item(1, item);
    root.put_field(list);
    assert_eq!(size(&switch), Scalar::Int(24));
    let e = put(&bytes, &[(1, last)], false).map(|out| out.to_bytes());
    assert!(matches!(e, Err(Reject::NoRoom { .. })), "{e:?}");
}

/// Records of another major are refused, of whatever size.
#[test]
fn a_record_of_another_major_is_not_put_in_place() {
    let bytes = sample("pg15.wal");
    let other = decode(&sample("pg12.wal")).field("records").unwrap();
    let mut root = decode(&bytes);
    let records = root.field("records").unwrap();
    let len = |r: &Node| r.field("xl_tot_len").unwrap().scalar();
    let (i, from) = records
        .items()
        .enumerate()
        .find_map(|(i, r)| Some((i as u64, other.items().find(|o| len(o) == len(&r))?)))
        .unwrap();
    let mut records = root.take_field("records").unwrap();
    let item = records
        .take_item(i)
        .unwrap()
        .assign(Plain::Node(from))
        .unwrap();
    records.put_item(i, item);
    root.put_field(records);
    let e = encode(&root, &EncodeOptions::default()).map(|out| out.to_bytes());
    let e = e.unwrap_err().to_string();
    assert!(
        e.contains("a record of PostgreSQL 12 cannot become one"),
        "{e}"
    );
}
