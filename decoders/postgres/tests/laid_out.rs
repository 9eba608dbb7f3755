//! Logs that are laid out again: what was assigned stays, and what follows, follows.

mod common;

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Node, Plain, Scalar, Severity};
use bytes::Bytes;
use common::*;

/// Assign a field of a record, and remove another record.
fn assign_and_remove(bytes: &Bytes, i: u64, field: &str, value: Scalar, gone: u64) -> Bytes {
    let mut root = decode(bytes);
    let mut records = root.take_field("records").unwrap();
    let mut record = records.take_item(i).unwrap();
    let leaf = record.take_field(field).unwrap();
    record.put_field(leaf.assign(Plain::Scalar(value)).unwrap());
    records.put_item(i, record);
    root.put_field(records.remove_item(gone).unwrap());
    encode(&root, &EncodeOptions::default()).unwrap().to_bytes()
}

fn actual(record: &Node, field: &str) -> i128 {
    record
        .field(field)
        .unwrap()
        .actual()
        .unwrap()
        .as_int()
        .unwrap()
}

#[test]
fn a_back_pointer_that_was_assigned_stays() {
    for name in ["pg15-recycled.wal", "pg15.wal"] {
        let bytes = sample(name);
        let new = assign_and_remove(&bytes, 6, "xl_prev", Scalar::from("0/0"), 3);
        let record = decode(&new).field("records").unwrap().item(5).unwrap();
        assert_eq!(actual(&record, "xl_prev"), 0, "{name}");
        // the checksum covers it
        let crc = record.field("xl_crc").unwrap();
        assert_eq!(crc.description().as_deref(), Some("valid"), "{name}");
        let found = faults(&decode(&new));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, ".records[5].xl_prev");
    }
}

#[test]
fn a_checksum_that_was_assigned_stays() {
    for name in ["pg15-recycled.wal", "pg15.wal"] {
        let new = assign_and_remove(&sample(name), 6, "xl_crc", Scalar::Int(1), 3);
        let root = decode(&new);
        let record = root.field("records").unwrap().item(5).unwrap();
        assert_eq!(actual(&record, "xl_crc"), 1, "{name}");
        // it names the record that is before it now
        let before = root.field("records").unwrap().item(4).unwrap();
        assert_eq!(actual(&record, "xl_prev"), actual(&before, "lsn"), "{name}");
        let found = faults(&root);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].severity, Severity::Damage);
    }
}

#[test]
fn redo_follows_the_record_that_it_names() {
    let bytes = sample("pg15.wal");
    let redo = |r: &Node| r.field("main_data")?.field("redo")?.actual()?.as_int();
    let before = records(&decode(&bytes));
    let new = edit(&bytes, &["records"], |r| r.remove_item(0))
        .unwrap()
        .to_bytes();
    let after = records(&decode(&new));
    let mut followed = 0;
    for (i, checkpoint) in before.iter().enumerate() {
        let Some(k) =
            redo(checkpoint).and_then(|lsn| before.iter().position(|r| actual(r, "lsn") == lsn))
        else {
            continue;
        };
        // one record is gone before both; which place the other has now is told by the order
        assert_eq!(
            redo(&after[i - 1]),
            Some(actual(&after[k - 1], "lsn")),
            "record {i}"
        );
        followed += usize::from(actual(&after[k - 1], "lsn") != actual(&before[k], "lsn"));
    }
    assert!(followed > 3, "{followed} checkpoints follow");
}

#[test]
fn pages_that_became_empty_are_as_if_never_written() {
    let bytes = sample("pg15-recycled.wal");
    let before = decode(&bytes);
    let new = edit(&bytes, &["records"], |r| {
        let items: Vec<Plain> = r.items().take(100).map(Plain::Node).collect();
        r.set_items(items)
    });
    let new = new.unwrap().to_bytes();
    let after = decode(&new);
    assert_eq!(lsns(&after), lsns(&before)[..100]);
    assert_eq!(faults(&after), []);
    let end = records(&after)[99].ranges().last().unwrap().end_byte() as usize;
    let old_end = before.field("gap0").unwrap().offset() as usize;
    assert!(old_end > end + 3 * 8192);
    // all that the log used is clear up to where it ended; what is older stays
    assert!(
        new[end.next_multiple_of(8)..old_end]
            .iter()
            .all(|b| *b == 0)
    );
    assert_eq!(new[old_end..], bytes[old_end..]);
}

#[test]
fn a_magic_is_outvoted() {
    let bytes = assign(
        &sample("pg15.wal"),
        &["pages", "0", "xlp_magic"],
        Scalar::Int(0xD101),
    );
    let root = decode(&bytes);
    assert_eq!(lsns(&root), lsns(&decode(&sample("pg15.wal"))));
    let found = faults(&root);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&*found[0].expected, &*found[0].found), ("D110", "D101"));
}

#[test]
fn a_bad_page_header_inside_a_record_costs_no_record() {
    let bytes = sample("pg15.wal");
    for page in [2, 3, 60] {
        let bad = assign(
            &bytes,
            &["pages", &page.to_string(), "xlp_pageaddr"],
            Scalar::from("0/0"),
        );
        let root = decode(&bad);
        assert_eq!(lsns(&root), lsns(&decode(&bytes)), "page {page}");
        let found = faults(&root);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, format!(".pages[{page}].xlp_pageaddr"));
    }
}
