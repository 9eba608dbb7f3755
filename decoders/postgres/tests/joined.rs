//! Segments that were joined in any order, of any servers, whole or not: all that is there is read, or a fault names it.

mod common;

use binq_core::Severity;
use bytes::Bytes;
use common::*;

fn join(parts: &[&Bytes]) -> Bytes {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

/// The segments of the samples, each with the address that its name in the faults has.
fn segments() -> [(Bytes, &'static str); 4] {
    [
        ("pg15-aborted-head.wal", "0/900000"),
        ("pg15-overwrite-contrecord.wal", "0/A00000"),
        ("pg15-recycled.wal", "0/1100000"),
        ("pg15.wal", "0/B00000"),
    ]
    .map(|(name, lsn)| (sample(name), lsn))
}

#[test]
fn segments_in_any_order_are_read() {
    let all = segments();
    let mut done = 0;
    for (a, _) in &all {
        for (b, at) in &all {
            for (c, then) in &all {
                let root = decode(&join(&[a, b, c]));
                let [of_a, of_b, of_c] = [a, b, c].map(|s| lsns(&decode(s)));
                let told = faults(&root);
                let found = lsns(&root);
                done += 1;
                // a record that goes on in the next segment is one more
                let count = of_a.len() + of_b.len() + of_c.len();
                let more = found.len() - count;
                assert!(more <= 2, "{} {count} {}", found.len(), found[0]);
                assert!(found.ends_with(&of_c), "{at} {then}");
                let names = |lsn: &str| told.iter().any(|f| f.found.starts_with(lsn));
                let follows = |x: &Bytes, y: &Bytes| {
                    let first = |s: &Bytes| u64::from_le_bytes(s[8..16].try_into().unwrap());
                    first(x) + (1 << 20) == first(y)
                };
                // where a log ends inside its file, nothing is damaged, unless it goes on in the next one
                let sound = told.iter().all(|f| f.found != "0");
                assert!(sound || follows(a, b) || follows(b, c), "{told:?}");
                assert!(names(at) || follows(a, b), "{at}: {told:?}");
                assert!(names(then) || follows(b, c), "{then}: {told:?}");
            }
        }
    }
    assert_eq!(done, 64);
}

#[test]
fn another_version_is_told_and_passed_over() {
    let [a, b, c] = ["pg15.wal", "pg17.wal", "pg15-recycled.wal"].map(sample);
    let [of_a, of_c] = [&a, &c].map(|s| lsns(&decode(s)));
    let root = decode(&join(&[&a, &b]));
    assert_eq!(lsns(&root), of_a);
    let fault = root.fault().expect("a fault");
    assert_eq!(fault.severity, Severity::Stops);
    assert_eq!(fault.offset, Some((1 << 20) + 8));
    assert!(fault.found.starts_with("0/"), "{fault:?}");
    assert!(
        fault.found.ends_with(
            "from here on pages have xlp_magic D116, and are not read as one log with those of D110"
        ),
        "{fault:?}"
    );
    let root = decode(&join(&[&a, &b, &b, &c, &b]));
    assert_eq!(lsns(&root), [of_a, of_c].concat());
    let told = faults(&root);
    let at = |page: usize| format!(".pages[{page}].xlp_pageaddr");
    for page in [256, 384, 512] {
        assert!(told.iter().any(|f| f.path == at(page)), "{page}: {told:?}");
    }
    // one page with another magic is a damaged one
    let mut bytes = join(&[&a, &a]).to_vec();
    bytes[1 << 20] ^= 6;
    let root = decode(&bytes.into());
    assert_eq!(lsns(&root).len(), 2 * lsns(&decode(&a)).len());
}

#[test]
fn a_record_that_breaks_off_has_no_bytes_of_another_one() {
    let [a, b] = ["pg15-aborted-head.wal", "pg15.wal"].map(sample);
    // pages of the second segment are missing, and the first breaks off inside a record
    for pages in 2..40 {
        let root = decode(&join(&[&a.slice(..pages * 8192), &b.slice(16384..)]));
        let records: Vec<_> = root.field("records").expect("records").items().collect();
        let border = pages as u64 * 8192;
        for record in &records {
            let spans = record.ranges();
            let (first, last) = (spans[0].first_byte(), spans[spans.len() - 1].end_byte());
            assert!(last <= border || first >= border, "{}", record.path_text());
        }
        let all = lsns(&decode(&b));
        assert_eq!(lsns(&root).last(), all.last());
        let told = faults(&root);
        assert!(told.iter().all(|f| !f.path.contains("xl_rmid")), "{told:?}");
    }
}

#[test]
fn pages_behind_a_part_of_one_are_told() {
    let [a, b] = ["pg15-aborted-head.wal", "pg15-overwrite-contrecord.wal"].map(sample);
    for cut in [1, 100, 4097, 8191, 50_000] {
        let len = a.len() - cut;
        let root = decode(&join(&[&a.slice(..len), &b]));
        let fault = root.fault().expect("a fault");
        assert_eq!(fault.severity, Severity::Stops);
        assert_eq!(fault.offset, Some(len as u64));
        assert!(fault.found.contains("0/A00000"), "{fault:?}");
    }
}

#[test]
fn zeros_are_no_pages_that_were_written_before() {
    let a = sample("pg15.wal");
    let zeros = Bytes::from(vec![0; 1 << 20]);
    for bytes in [
        join(&[&a, &zeros]),
        join(&[&sample("pg15-switch.wal"), &zeros]),
    ] {
        let told = findings(&decode(&bytes));
        let last = told.last().expect("a note");
        assert!(last.ends_with("found the end of the log"), "{told:?}");
        assert!(told.iter().all(|f| f.contains(", note: ")), "{told:?}");
    }
}

#[test]
fn a_file_named_as_a_segment_has_the_size_of_one() {
    let bytes = sample("pg15.wal");
    let name = "00000001000000000000000B";
    let root = decode_named(&bytes.slice(..500_000), Some(name));
    let fault = root.fault().expect("a fault");
    assert_eq!(fault.severity, Severity::Stops);
    assert_eq!(fault.offset, Some(500_000));
    assert_eq!(fault.found, "500000 bytes");
    assert_eq!(
        fault.expected,
        "1048576 bytes, as the file is named 00000001000000000000000B"
    );
    // two of them
    let root = decode_named(&join(&[&bytes, &bytes]), Some(name));
    assert!(root.fault().is_some());
    // without its head
    let root = decode_named(&bytes.slice(3 * 8192..), Some(name));
    let told = faults(&root);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].path, ".pages[0].xlp_pageaddr");
    assert_eq!(told[0].severity, Severity::Stops);
    assert_eq!(
        told[0].expected,
        "the first page of a segment, as the file is named 00000001000000000000000B"
    );
    // parts that have other names are parts
    for part in [bytes.slice(..500_000), bytes.slice(3 * 8192..)] {
        assert_eq!(faults(&decode_named(&part, Some("part.wal"))), []);
    }
}
