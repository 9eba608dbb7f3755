//! Logs as they lie about: segments that are used again, that were joined with one missing, doubled or misnamed, and parts.

mod common;

use binq_core::{Plain, Scalar, Severity};
use bytes::Bytes;
use common::*;

#[test]
fn a_segment_that_is_used_again() {
    let root = decode(&data("current-segment-pg15.wal"));
    assert_eq!(
        lsns(&root),
        ["0/8000028", "0/8000070", "0/8000098", "0/80000D0"]
    );
    assert!(root.field("gap0").is_some() && root.field("partial").is_none());
    assert_eq!(
        findings(&root),
        [
            // the rest of it was left out
            ". at 139264, note: expected whole segments of 16777216 bytes, as xlp_seg_size says, found 139264 bytes",
            ".gap0 at 248, note: expected a record at 0/80000F8, found the end of the log, and pages that were written before, \
          such as 0/6002000"
        ]
    );
    assert!(
        root.field("gap0").unwrap().fault().is_none(),
        "a note is no fault"
    );
}

#[test]
fn the_number_of_new_pages_does_not_matter() {
    let new = sample("pg15-recycled.wal");
    let old = sample("pg15.wal");
    let all = lsns(&decode(&new));
    for pages in 1..=12 {
        let mut bytes = new[..pages * 8192].to_vec();
        bytes.extend_from_slice(&old[pages * 8192..]);
        let root = decode(&bytes.into());
        let found = lsns(&root);
        assert!(!found.is_empty() && all.starts_with(&found), "{pages}");
        assert_eq!(faults(&root), [], "{pages}");
        // a record that runs into the first old page was not written whole
        let next = &all[found.len()];
        let head = root.field("partial").map(|p| text(&p, "lsn"));
        assert!(head.is_none_or(|lsn| lsn == *next), "{pages}");
    }
}

#[test]
fn a_server_that_was_stopped() {
    let root = decode(&data("live-after-shutdown-pg15.wal"));
    assert_eq!(lsns(&root), ["0/1000028"]);
    let root = decode(&data("recycled-1-new-page.wal"));
    assert_eq!(lsns(&root).len(), 83);
    assert_eq!(lsns(&root)[82], "0/A01E90");
    assert_eq!(faults(&root), []);
}

#[test]
fn edits_at_the_end_of_a_log_fix_the_checksum() {
    for name in [
        "current-segment-pg15.wal",
        "live-after-shutdown-pg15.wal",
        "recycled-1-new-page.wal",
    ] {
        let bytes = data(name);
        let new = assign(&bytes, &["records", "0", "xl_xid"], 7u64);
        let root = decode(&new);
        let crc = records(&root)[0].field("xl_crc").unwrap();
        assert_eq!(crc.description().as_deref(), Some("valid"), "{name}");
        assert!(differences(&bytes, &new).len() <= 8, "{name}");
        assert_eq!(lsns(&root), lsns(&decode(&bytes)), "{name}");
    }
}

/// Two segments of 1 MB of one log, the second one with the address `there`.
fn segments() -> (Bytes, Bytes) {
    let joined = data("missing-segment-joined.wal");
    (joined.slice(..2 * 8192), joined.slice(2 * 8192..))
}

fn join(parts: &[&Bytes]) -> Bytes {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

#[test]
fn a_missing_segment() {
    let (a, b) = segments();
    let root = decode(&join(&[&a, &b]));
    let fault = root.fault().expect("a fault");
    assert_eq!(fault.severity, Severity::Stops);
    assert_eq!(fault.offset, Some(16392));
    assert_eq!(fault.expected, "xlp_pageaddr 0/900000");
    let missing = "0/A00000: 0/900000 to 0/A00000 are missing, of 000000010000000000000009";
    assert_eq!(fault.found, missing);
    // all records of both parts are there
    let [before, after] = [&a, &b].map(|part| lsns(&decode(part)));
    assert_eq!(lsns(&root), [before, after].concat());
}

#[test]
fn a_doubled_segment_and_segments_in_the_wrong_order() {
    let (a, b) = segments();
    let (in_a, in_b) = (lsns(&decode(&a)), lsns(&decode(&b)));
    let root = decode(&join(&[&b, &b]));
    let fault = root.fault().expect("a fault");
    assert!(
        fault.found.contains("0/A00000 to 0/A04000 come once more"),
        "{}",
        fault.found
    );
    assert_eq!(lsns(&root), [in_b.clone(), in_b.clone()].concat());
    // three parts: what is told of the second break is told on its page
    let root = decode(&join(&[&a, &b, &b]));
    assert_eq!(lsns(&root), [in_a.clone(), in_b.clone(), in_b].concat());
    let told = findings(&root);
    assert!(
        told[0].contains("0/900000 to 0/A00000 are missing"),
        "{told:?}"
    );
    assert!(
        told.iter().any(|f| f.starts_with(".pages[4].xlp_pageaddr")),
        "{told:?}"
    );
    let root = decode(&join(&[&b, &a]));
    assert!(root.fault().is_some(), "{:?}", findings(&root));
    assert!(lsns(&root).ends_with(&in_a));
}

#[test]
fn a_page_that_is_missing() {
    let whole = data("pages-good.wal");
    let all = lsns(&decode(&whole));
    let without = join(&[&whole.slice(..8192), &whole.slice(16384..)]);
    let root = decode(&without);
    let found = lsns(&root);
    assert!(found.iter().all(|lsn| all.contains(lsn)), "{found:?}");
    assert_eq!(found.last(), all.last());
    assert_eq!(
        faults(&root)[0].found,
        "0/942000: 0/940000 to 0/942000 are missing, of 000000010000000000000009"
    );
}

#[test]
fn a_page_of_zeros_costs_its_records_only() {
    let whole = sample("pg15.wal");
    let all = records(&decode(&whole));
    for page in [1, 2, 50, 100] {
        let at = page * 8192;
        for fill in [0, 0xff, 0x5a] {
            let mut bytes = whole.to_vec();
            bytes[at..at + 8192].fill(fill);
            let root = decode(&bytes.into());
            let found = lsns(&root);
            let touched = |r: &binq_core::Node| {
                r.ranges()
                    .iter()
                    .any(|s| s.first_byte() < at as u64 + 8192 && s.end_byte() > at as u64)
            };
            let (lost, kept): (Vec<_>, Vec<_>) = all.iter().partition(|r| touched(r));
            let kept: Vec<_> = kept.into_iter().map(|r| text(r, "lsn")).collect();
            assert!(!lost.is_empty());
            assert_eq!(found, kept, "page {page}, {fill:02x}");
            assert!(!faults(&root).is_empty());
        }
    }
}

#[test]
fn a_file_name_is_held_against_the_pages() {
    let bytes = sample("pg15.wal");
    let right = "00000001000000000000000B";
    assert_eq!(findings(&decode_named(&bytes, Some(right))), [""; 0]);
    assert_eq!(
        findings(&decode_named(
            &bytes,
            Some("00000001000000000000000B.partial")
        )),
        [""; 0]
    );
    assert_eq!(
        findings(&decode_named(&bytes, Some("0000000100000000"))),
        [""; 0]
    );
    for (name, severity) in [
        ("00000001000000000000000A", Severity::Stops),
        ("00000001000000000000000C", Severity::Odd),
    ] {
        let root = decode_named(&bytes, Some(name));
        let found: Vec<_> = root.findings().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, ".pages[0].xlp_pageaddr");
        assert_eq!(found[0].severity, severity);
        assert!(found[0].found.contains(right), "{}", found[0].found);
    }
}

#[test]
fn an_edit_touches_nothing_behind_a_switch() {
    let joined = data("switch-joined.wal");
    let single = joined.slice(..59 * 8192);
    let shorter = |bytes: &Bytes| {
        let out = edit(bytes, &["records", "0", "blocks", "0", "data"], |data| {
            let Some(Scalar::Bytes(b)) = data.actual() else {
                panic!("bytes")
            };
            data.assign(Plain::Scalar(Scalar::Bytes(b.slice(..b.len() - 1))))
        });
        out.expect("an edit")
    };
    let (a, b) = (shorter(&joined), shorter(&single));
    assert_eq!(
        differences(&joined, &a.to_bytes()),
        differences(&single, &b.to_bytes())
    );
    assert!(
        differences(&joined, &a.to_bytes())
            .iter()
            .all(|at| *at < 8192)
    );
    let told: Vec<String> = a.report.notes.iter().map(ToString::to_string).collect();
    let once: std::collections::BTreeSet<_> = told.iter().collect();
    assert_eq!(told.len(), once.len(), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    // a record that goes leaves its place to a filler, and the switch stays
    let gone = edit(&joined, &["records"], |r| r.remove_item(3)).expect("an edit");
    let root = decode(&gone.to_bytes());
    assert!(
        differences(&joined, &gone.to_bytes())
            .iter()
            .all(|at| *at < 2 * 8192)
    );
    assert_eq!(faults(&root), []);
    assert_eq!(lsns(&root).len(), lsns(&decode(&joined)).len());
    // with more records, the switch moves, and the record behind it names it there
    let more = edit(&joined, &["records"], |r| {
        let mut items: Vec<Plain> = r.items().map(Plain::Node).collect();
        items.insert(0, items[0].clone());
        r.set_items(items)
    });
    let more = more.expect("an edit").to_bytes();
    assert_eq!(faults(&decode(&more)), []);
    assert_eq!(lsns(&decode(&more)).len(), lsns(&decode(&joined)).len() + 1);
    let behind: Vec<_> = differences(&joined, &more)
        .into_iter()
        .filter(|at| *at >= 59 * 8192)
        .collect();
    assert!((1..=6).contains(&behind.len()), "{behind:?}");
}

#[test]
fn moved_records_are_counted() {
    let bytes = sample("pg15.wal");
    let out = edit(&bytes, &["records"], |r| r.remove_item(100)).expect("an edit");
    let told: Vec<String> = out.report.notes.iter().map(ToString::to_string).collect();
    assert!(told.len() < 5, "{told:?}");
    assert!(
        told.iter().any(|note| note.contains("records moved")),
        "{told:?}"
    );
}

/// A record over two files: the head in one, the rest in the other.
#[test]
fn an_edit_of_a_part_of_a_record_keeps_its_checksum_right() {
    let (head, tail) = (data("head.wal"), data("tail.wal"));
    let whole = |head: &Bytes, tail: &Bytes| {
        let root = decode(&join(&[head, tail]));
        let count = decode(head).field("records").unwrap().len();
        let record = root.field("records").unwrap().item(count).unwrap();
        record.field("xl_crc").unwrap().description()
    };
    assert_eq!(whole(&head, &tail).as_deref(), Some("valid"));
    let partial = decode(&head).field("partial").expect("a head");
    for field in ["xl_xid", "xl_prev", "xl_info"] {
        let new = assign(&head, &["partial", field], 7u64);
        assert_eq!(whole(&new, &tail).as_deref(), Some("valid"), "{field}");
    }
    let Some(Scalar::Bytes(old)) = partial.field("data").unwrap().actual() else {
        panic!("bytes")
    };
    for at in [0, 7, old.len() / 2, old.len() - 1] {
        let mut bytes = old.to_vec();
        bytes[at] ^= 0x41;
        let new = assign(&head, &["partial", "data"], Scalar::Bytes(bytes.into()));
        assert_eq!(whole(&new, &tail).as_deref(), Some("valid"), "byte {at}");
    }
    // of another length nothing is known, and that is told
    let longer = edit(&head, &["partial", "xl_tot_len"], |n| {
        n.assign(Plain::Scalar(99999u64.into()))
    });
    let told = longer.expect("an edit").report.notes;
    assert!(
        told.iter()
            .any(|n| n.to_string().contains("stays as it is")),
        "{told:?}"
    );
    // the rest of a record: its checksum is in the file before, and by how much it changes is told
    let rest = decode(&tail).field("continuation").unwrap();
    let Some(Scalar::Bytes(old)) = rest.actual() else {
        panic!("bytes")
    };
    for at in [0, old.len() - 1] {
        let mut bytes = old.to_vec();
        bytes[at] ^= 0x41;
        let value = Plain::Scalar(Scalar::Bytes(bytes.into()));
        let out = edit(&tail, &["continuation"], |n| n.assign(value)).expect("an edit");
        let told = out.report.notes[0].to_string();
        assert!(told.contains("000000010000000000000009"), "{told}");
        let delta = told
            .split("bxor(")
            .nth(1)
            .and_then(|s| s.split(')').next())
            .unwrap();
        let delta: i128 = delta.parse().unwrap();
        let crc = partial
            .field("xl_crc")
            .unwrap()
            .actual()
            .unwrap()
            .as_int()
            .unwrap();
        let head = assign(&head, &["partial", "xl_crc"], Scalar::Int(crc ^ delta));
        assert_eq!(
            whole(&head, &out.to_bytes()).as_deref(),
            Some("valid"),
            "byte {at}"
        );
    }
}

#[test]
fn a_partial_file_alone() {
    let bytes = data("partial-tail.wal");
    let new = assign(&bytes, &["partial", "xl_xid"], 5u64);
    let changed = differences(&bytes, &new);
    let crc = decode(&bytes)
        .field("partial")
        .unwrap()
        .field("xl_crc")
        .unwrap()
        .offset() as usize;
    assert!(
        changed.iter().any(|at| (crc..crc + 4).contains(at)),
        "{changed:?}"
    );
}

#[test]
fn each_field_of_a_page_header_is_checked() {
    let good = data("pages-good.wal");
    for (field, value, offset) in [
        ("xlp_magic", 0xD113, 0),
        ("xlp_info", 0x0105, 2),
        ("xlp_info", 0x0000, 2),
        ("xlp_info", 0x0003, 2),
        ("xlp_tli", 0, 4),
        ("xlp_tli", 9, 4),
        ("xlp_pageaddr", 0x94_2000, 8),
        ("xlp_pageaddr", 0x84_0000, 8),
        ("xlp_rem_len", 7, 16),
    ] {
        let bytes = assign(&good, &["pages", "1", field], Scalar::Int(value));
        let root = decode(&bytes);
        let found = faults(&root);
        assert_eq!(found.len(), 1, "{field} {value}: {found:?}");
        assert_eq!(found[0].path, format!(".pages[1].{field}"));
        assert_eq!(found[0].offset, Some(8192 + offset));
        assert_eq!(found[0].severity, Severity::Stops);
        assert_eq!(
            lsns(&root),
            lsns(&decode(&good)),
            "{field} {value}: all is still read"
        );
    }
    let long = sample("pg15.wal");
    let two = join(&[&long, &data("tail.wal")]);
    for (field, value) in [("xlp_seg_size", 3 << 20), ("xlp_xlog_blcksz", 4097)] {
        let bytes = assign(&long, &["pages", "0", field], Scalar::Int(value));
        let found = faults(&decode(&bytes));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].path, format!(".pages[0].{field}"));
    }
    drop(two);
}

#[test]
fn back_pointers_and_checksums_are_checked() {
    let good = sample("pg15.wal");
    for (field, value) in [("xl_prev", 0x10), ("xl_crc", 1)] {
        let bytes = assign(&good, &["records", "3", field], Scalar::Int(value));
        // the checksum follows the back pointer; that is all that is wrong
        let found = faults(&decode(&bytes));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].path, format!(".records[3].{field}"));
        assert_eq!(found[0].severity, Severity::Damage);
    }
    for (field, value) in [("xl_tot_len", 0), ("xl_tot_len", 23), ("xl_rmid", 99)] {
        let bytes = assign(&good, &["records", "3", field], Scalar::Int(value));
        let found = faults(&decode(&bytes));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].severity, Severity::Stops);
        assert!(found[0].path.starts_with(".records[3]"));
    }
}

#[test]
fn a_version_that_is_not_known() {
    let mut bytes = sample("pg18.wal").to_vec();
    for page in bytes.chunks_mut(8192) {
        if page[1] == 0xD1 {
            page[..2].copy_from_slice(&0xD2FFu16.to_le_bytes());
            // XLP_BKP_REMOVABLE, which newer ones do not have
            page[2] &= !4;
        }
    }
    let bytes = Bytes::from(bytes);
    let root = decode(&bytes);
    assert_eq!(lsns(&root), lsns(&decode(&sample("pg18.wal"))));
    let told = findings(&root);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with(".pages[0].xlp_magic at 0, stops: expected D101 (12), "),
        "{told:?}"
    );
    assert!(told[0].ends_with("D122 (19), found D2FF"), "{told:?}");
    // payloads are bytes, and types have no names
    for record in records(&root).iter().take(200) {
        assert!(matches!(
            record.field("main_data").unwrap().actual(),
            Some(Scalar::Bytes(_))
        ));
        assert!(text(record, "record_type").starts_with("UNKNOWN"));
    }
    let e = edit(&bytes, &["records", "0", "xl_xid"], |n| {
        n.assign(Plain::Scalar(7u64.into()))
    })
    .err();
    let e = e.expect("it is refused").to_string();
    assert!(e.contains("D2FF") && e.contains("--force"), "{e}");
}

/// What `pg_waldump` 15 makes of a record of another manager: an id that is none stops it; it reads on behind any other, whatever
/// the main data holds; but redo needs as much of it as the type has.
#[test]
fn a_record_of_another_manager() {
    let good = sample("pg15.wal");
    let told = |rmid: u8| {
        let bytes = assign(
            &good,
            &["records", "1000", "xl_rmid"],
            Scalar::Int(rmid.into()),
        );
        let root = decode(&bytes);
        let len = |root: &binq_core::Node| root.field("records").unwrap().len();
        assert_eq!(len(&root), len(&decode(&good)), "{rmid}: all is still read");
        let record = root.field("records").unwrap().item(1000).unwrap();
        let shown = ["xl_rmid", "rmgr", "record_type"].map(|name| {
            record
                .field(name)
                .unwrap()
                .scalar()
                .to_string()
                .replace('"', "")
        });
        let found = faults(&root)
            .into_iter()
            .map(|f| (f.path, f.severity))
            .collect::<Vec<_>>();
        (shown.join(" "), found)
    };
    let at = |path: &str, severity| vec![(format!(".records[1000]{path}"), severity)];
    for (rmid, shown, found) in [
        // Btree, as it was; the first and the last one of an extension
        (11, "Btree Btree INSERT_LEAF", vec![]),
        (128, "custom128 custom128 UNKNOWN (0)", vec![]),
        (255, "custom255 custom255 UNKNOWN (0)", vec![]),
        // a CheckPoint of two bytes
        (
            0,
            "XLOG XLOG CHECKPOINT_SHUTDOWN",
            at(".main_data", Severity::Damage),
        ),
        // a mapping of two bytes
        (9, "Heap2 Heap2 REWRITE", at(".main_data", Severity::Damage)),
        // the manager that is in 19; ids that are nobody's
        (22, "22 null null", at("", Severity::Stops)),
        (99, "99 null null", at("", Severity::Stops)),
        (127, "127 null null", at("", Severity::Stops)),
    ] {
        assert_eq!(told(rmid), (shown.to_owned(), found), "{rmid}");
    }
    // before 15 there are no extensions
    let old = assign(
        &sample("pg14.wal"),
        &["records", "1000", "xl_rmid"],
        Scalar::Int(128),
    );
    let root = decode(&old);
    let found = faults(&root);
    assert_eq!(
        (found.len(), found[0].severity),
        (1, Severity::Stops),
        "{found:?}"
    );
    let record = root.field("records").unwrap().item(1000).unwrap();
    assert_eq!(record.field("xl_rmid").unwrap().scalar(), Scalar::Int(128));
}

/// A damaged record whose header is there says what it is by that.
#[test]
fn a_damaged_record_says_its_manager() {
    let bytes = assign(
        &sample("pg15.wal"),
        &["records", "3", "xl_tot_len"],
        Scalar::Int(23),
    );
    let record = decode(&bytes).field("records").unwrap().item(3).unwrap();
    assert!(record.fault().is_some());
    assert_eq!(record.field("rmgr").unwrap().scalar(), "Btree".into());
    assert_eq!(
        record.field("record_type").unwrap().scalar(),
        "INSERT_LEAF".into()
    );
    assert!(
        record.field("end_lsn").is_none(),
        "where it ends is not known"
    );
}

/// An input without a name that begins with a segment, and ends within one, was cut; one that begins elsewhere is a part.
#[test]
fn a_segment_that_was_cut() {
    let segment = sample("pg15.wal");
    let told = |bytes: Bytes| {
        let found = decode(&bytes).findings().find(|f| f.path == ".");
        found.map(|f| (f.offset, f.severity))
    };
    assert_eq!(
        told(segment.slice(..500_000)),
        Some((Some(500_000), Severity::Note))
    );
    assert_eq!(
        told(segment.slice(..1_048_575)),
        Some((Some(1_048_575), Severity::Note))
    );
    assert_eq!(told(segment.clone()), None);
    assert_eq!(told(segment.slice(8192..)), None);
    assert_eq!(told(segment.slice(8192..81920)), None);
}
