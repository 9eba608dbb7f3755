//! Edits of the log's structure: what was to change did, everything else is as before, and pg_waldump reads the result
//! through.

use crate::common::{Rec, binq, binq_ok, sample, samples, with_copy};
use crate::oracle::{Dump, dump, major_of, skip_waldump};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// What a record is, wherever it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    xid: u32,
    len: u32,
    rmgr: String,
    kind: String,
    /// Blocks and main data as JSON.
    body: String,
}

/// The records of a file, as they lie and what they are. Each must be whole.
fn contents(file: &Path) -> (Vec<Rec>, Vec<Content>) {
    // a checkpoint names an LSN, which moves with the records
    const ROW: &str = r#".records[] | [.lsn, .xl_prev, .xl_xid, .xl_tot_len, .rmgr, .record_type,
        ._error == null and (.xl_crc | todescription) == "valid",
        if .record_type[:10] == "CHECKPOINT" then "moves" else [.xl_info, .blocks, .main_data] | tojson end] | @tsv"#;
    let out = binq_ok(["-r".as_ref(), ROW.as_ref(), file.as_os_str()]);
    let text = String::from_utf8(out).unwrap();
    let row = |line: &str| {
        let (row, body) = line.rsplit_once('\t').expect(line);
        let (row, valid) = row.rsplit_once('\t').expect(line);
        assert_eq!(valid, "true", "{row} is damaged");
        let rec = Rec::of_row(row);
        let content = Content {
            xid: rec.xid,
            len: rec.len,
            rmgr: rec.rmgr.clone(),
            kind: rec.kind.clone(),
            body: body.to_owned(),
        };
        (rec, content)
    };
    text.lines().map(row).unzip()
}

/// A sample as it is: read once, for all the edits of it.
struct Before {
    records: Vec<Rec>,
    contents: Vec<Content>,
    /// Where the record begins that runs into the next file, and its length; `null` if there is none.
    partial: Vec<u8>,
    bytes: Vec<u8>,
    dump: Option<Dump>,
}

fn partial(file: &Path) -> Vec<u8> {
    binq_ok([
        "-c".as_ref(),
        ".partial | .lsn, .xl_tot_len".as_ref(),
        file.as_os_str(),
    ])
}

fn before(name: &str) -> Arc<Before> {
    static READ: Mutex<BTreeMap<String, Arc<OnceLock<Arc<Before>>>>> = Mutex::new(BTreeMap::new());
    let slot = READ
        .lock()
        .unwrap()
        .entry(name.to_owned())
        .or_default()
        .clone();
    let read = slot.get_or_init(|| {
        let file = sample(name);
        let (records, contents) = contents(&file);
        let bytes = fs::read(&file).unwrap();
        Arc::new(Before {
            records,
            contents,
            partial: partial(&file),
            dump: dump(&bytes),
            bytes,
        })
    });
    read.clone()
}

fn aligned(records: &[Content]) -> u64 {
    records
        .iter()
        .map(|r| u64::from(r.len).next_multiple_of(8))
        .sum()
}

/// Edit a sample with a filter, and compare with the same edit done by `change` to the list of its records.
#[track_caller]
fn edited(name: &str, filter: &str, change: impl FnOnce(&mut Vec<Content>)) {
    let old = before(name);
    let mut expected = old.contents.clone();
    let room = aligned(&expected);
    change(&mut expected);
    let what = format!("{filter} on {name}");

    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("NEW");
    let bytes = binq_ok(["-b".as_ref(), filter.as_ref(), sample(name).as_os_str()]);
    assert_eq!(bytes.len(), old.bytes.len(), "{what}: size");
    fs::write(&new, &bytes).unwrap();

    // the head of a record that runs into the next file keeps its place, and so does the last record, which the next file may
    // name: a NOOP fills what was won before it, and another one takes its place if it was removed
    let last = old.contents.last().unwrap();
    let switches = last.kind == "SWITCH";
    let runs_on = switches || !old.partial.starts_with(b"null");
    let won = room.checked_sub(aligned(&expected));
    assert!(
        won.is_some() || !runs_on,
        "{what}: grew, and there is no room"
    );
    let (recs, mut found) = contents(&new);
    if let Some(won @ 1..) = won.filter(|_| runs_on) {
        let last = u64::from(last.len).next_multiple_of(8);
        let kept = expected.last().map(|r| &r.body) == old.contents.last().map(|r| &r.body);
        let (before, end) = (won.checked_sub(last), expected.len());
        let fillers = match before {
            _ if kept => vec![(end - 1, won)],
            Some(before) => vec![(end, before), (end + 1, last)],
            // it lies behind that place
            None => vec![(end, won)],
        };
        for (at, len) in fillers.into_iter().filter(|(_, len)| *len > 0) {
            let at = at.min(expected.len());
            let noop = Content {
                xid: 0,
                len: len.try_into().unwrap(),
                rmgr: "XLOG".to_owned(),
                kind: "NOOP".to_owned(),
                body: String::new(),
            };
            expected.insert(at, noop);
            found[at].body.clear();
        }
    }
    for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(a, b, "{what}: found and expected .records[{i}]");
    }
    assert_eq!(found.len(), expected.len(), "{what}: records");
    assert_eq!(partial(&new), old.partial, "{what}: the partial record");

    // each names the one before it
    let first = &old.records[0];
    assert_eq!(
        (recs[0].lsn, recs[0].prev),
        (first.lsn, first.prev),
        "{what}"
    );
    for (i, two) in recs.windows(2).enumerate() {
        assert_eq!(
            two[1].prev,
            two[0].lsn,
            "{what}: xl_prev of .records[{}]",
            i + 1
        );
    }

    let (Some(was), Some(is)) = (&old.dump, dump(&bytes)) else {
        let major = major_of(&old.bytes);
        return skip_waldump(major);
    };
    assert_eq!(is.records, recs, "{what}: pg_waldump, binq");
    let end = |dump: &Dump| (dump.code, dump.complaint.clone());
    assert_eq!(end(&is), end(was), "{what}: how pg_waldump ends");
}

#[test]
fn delete_in_every_sample() {
    for path in samples() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let count = before(&name).contents.len();
        if name == "pg15-overwrite-contrecord.wal" {
            // nothing before an aborted record can move: see below
            edited(&name, "del(.records[-3])", |r| drop(r.remove(count - 3)));
            continue;
        }
        edited(&name, &format!("del(.records[{}])", count / 2), |r| {
            r.remove(count / 2);
        });
    }
}

#[test]
fn delete_the_first() {
    edited("pg15.wal", "del(.records[0])", |r| drop(r.remove(0)));
    edited("pg15-recycled.wal", "del(.records[0, 1])", |r| {
        drop(r.drain(..2))
    });
}

#[test]
fn delete_the_last() {
    edited("pg15.wal", "del(.records[-1])", |r| drop(r.pop()));
    edited("pg15-recycled.wal", "del(.records[-1])", |r| drop(r.pop()));
}

#[test]
fn delete_several() {
    edited("pg15.wal", "del(.records[5, 7, 9])", |r| {
        for i in [9, 7, 5] {
            r.remove(i);
        }
    });
    edited("pg15.wal", "del(.records[2:10])", |r| drop(r.drain(2..10)));
    edited(
        "pg15.wal",
        r#"delpaths([["records", 3], ["records", 0]])"#,
        |r| {
            r.remove(3);
            r.remove(0);
        },
    );
}

#[test]
fn keep_what_is_selected() {
    edited(
        "pg15.wal",
        r#".records |= map(select(.rmgr != "Btree"))"#,
        |r| {
            let all = r.len();
            r.retain(|r| r.rmgr != "Btree");
            assert!(r.len() + 1_000 < all);
        },
    );
    edited(
        "pg15.wal",
        r#"del(.records[] | select(.rmgr == "Gin"))"#,
        |r| {
            r.retain(|r| r.rmgr != "Gin");
        },
    );
}

#[test]
fn append_a_copy() {
    // a log that ends inside the file has room
    edited("pg15-recycled.wal", ".records += [.records[3]]", |r| {
        r.push(r[3].clone())
    });
    edited(
        "pg15-overwrite-contrecord.wal",
        ".records += .records[-5:]",
        |r| {
            r.extend_from_within(r.len() - 5..);
        },
    );
}

#[test]
fn append_where_room_was_made() {
    edited(
        "pg15.wal",
        "del(.records[100:200]) | .records += [.records[3]]",
        |r| {
            r.drain(100..200);
            r.push(r[3].clone());
        },
    );
}

#[test]
fn insert_by_a_slice() {
    edited(
        "pg15.wal",
        "del(.records[100:200]) | .records[7:7] = [.records[3], .records[50]]",
        |r| {
            r.drain(100..200);
            let (a, b) = (r[3].clone(), r[50].clone());
            r.splice(7..7, [a, b]);
        },
    );
}

#[test]
fn swap_two() {
    edited("pg15.wal", ".records[3:5] |= reverse", |r| r.swap(3, 4));
}

#[test]
fn grow_a_blocks_data() {
    for name in ["pg12.wal", "pg15.wal", "pg18.wal"] {
        let filter = r#"del(.records[300:400])
            | .records[0].blocks[0].data |= . + "0123456789abcdef0123456789""#;
        edited(name, filter, |r| {
            r.drain(300..400);
            grow(
                &mut r[0],
                26,
                r#""data":""#,
                r#""data_length":"#,
                "3031323334353637383961626364656630313233343536373839",
            );
        });
    }
}

/// Let the bytes that follow `key` in the JSON of a record have `hex` at their end, and the number after `length` say so.
fn grow(record: &mut Content, by: u32, key: &str, length: &str, hex: &str) {
    let at = record.body.find(key).expect("the bytes are there") + key.len();
    let end = at + record.body[at..].find('"').unwrap();
    record.body.insert_str(end, hex);
    if let Some(at) = record.body.find(length) {
        let at = at + length.len();
        let digits = record.body[at..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let old: u32 = record.body[at..at + digits].parse().unwrap();
        record
            .body
            .replace_range(at..at + digits, &(old + by).to_string());
    }
    record.len += by;
}

#[test]
fn grow_main_data_past_the_short_header() {
    // 300 bytes need the header with a length of 4 bytes instead of 1
    let text = "x".repeat(300);
    let filter = format!(r#"del(.records[300:400]) | .records[31].main_data |= . + "{text}""#);
    edited("pg15.wal", &filter, |r| {
        r.drain(300..400);
        assert_eq!(
            (r[31].rmgr.as_str(), r[31].kind.as_str()),
            ("Transaction", "COMMIT")
        );
        let end = r[31].body.len() - 2;
        r[31].body.insert_str(end, &"78".repeat(300));
        r[31].len += 300 + 3;
    });
}

#[test]
fn shrink_a_blocks_data() {
    edited(
        "pg15.wal",
        "del(.records[300:400]) | .records[0].blocks[0].data |= .[:5]",
        |r| {
            r.drain(300..400);
            let body = &mut r[0].body;
            assert!(body.contains(r#""data_length":27"#), "{body}");
            *body = body.replace(r#""data_length":27"#, r#""data_length":5"#);
            let at = body.find(r#""data":""#).unwrap() + 8;
            let end = at + body[at..].find('"').unwrap();
            body.replace_range(at + 10..end, "");
            r[0].len -= 22;
        },
    );
}

#[test]
fn shrink_to_a_filler_record() {
    // 24 bytes less: exactly the smallest filler
    edited("pg15.wal", ".records[0].blocks[0].data |= .[:3]", |r| {
        let body = &mut r[0].body;
        *body = body.replace(r#""data_length":27"#, r#""data_length":3"#);
        let at = body.find(r#""data":""#).unwrap() + 8;
        let end = at + body[at..].find('"').unwrap();
        body.replace_range(at + 6..end, "");
        r[0].len -= 24;
    });
}

#[test]
fn shrink_by_less_than_a_filler_record() {
    // no record fits into what was won: the bytes go where they change no value, and the record after keeps its place
    let old = before("pg15.wal");
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("NEW");
    for by in [1, 4, 8, 12, 16] {
        let filter = format!(".records[31].main_data |= .[:-{by}]");
        let bytes = binq_ok([
            "-b".as_ref(),
            filter.as_ref(),
            sample("pg15.wal").as_os_str(),
        ]);
        fs::write(&new, &bytes).unwrap();
        let (recs, found) = contents(&new);
        assert_eq!(partial(&new), old.partial, "{filter}");
        assert_eq!(found.len(), old.contents.len(), "{filter}");
        for (i, (a, b)) in found.iter().zip(&old.contents).enumerate() {
            let mut body = b.body.clone();
            if i == 31 {
                let end = body.len() - 2;
                body.replace_range(end - 2 * by..end, "");
            }
            assert_eq!(a.body, body, "{filter}: .records[{i}]");
        }
        if let Some(dump) = dump(&bytes) {
            assert_eq!(dump.records, recs, "{filter}: pg_waldump, binq");
            assert_eq!((dump.code, dump.complaint.as_str()), (0, ""), "{filter}");
        }
    }
}

/// Edits that change no size, each a way to say the same: `.records[31].xl_xid` becomes 7.
#[test]
fn ways_to_assign() {
    let ways = [
        ".records[31].xl_xid = 7",
        ".records[31].xl_xid |= 7",
        ".records[31].xl_xid |= . - . + 7",
        ".records[31].xl_xid -= (.records[31].xl_xid - 7)",
        ".records[31].xl_xid += 7 - .records[31].xl_xid",
        r#"setpath(["records", 31, "xl_xid"]; 7)"#,
        r#"getpath(["records", 31, "xl_xid"]) = 7"#,
        r#".records[31] += {xl_xid: 7}"#,
        r#".records[31] *= {xl_xid: 7}"#,
        r#".records[31] |= with_entries(if .key == "xl_xid" then .value = 7 else . end)"#,
        r#".records[31] |= (to_entries | map(if .key == "xl_xid" then .value = 7 else . end) | from_entries)"#,
        r#"first(.records[] | select(.record_type == "COMMIT")).xl_xid = 7"#,
        r#"first(.records[] | select(.record_type == "COMMIT")) |= (.xl_xid = 7)"#,
        r#"limit(1; .records[] | select(.record_type == "COMMIT")).xl_xid |= 7"#,
        r#"getpath(path(first(.records[] | select(.record_type == "COMMIT")))).xl_xid |= 7"#,
        r#"(.records[] | select(.lsn == "0/B02CF8")).xl_xid = 7"#,
        r#"reduce 31 as $i (.; .records[$i].xl_xid = 7)"#,
        ".records |= map(if .lsn == \"0/B02CF8\" then .xl_xid = 7 else . end)",
        ".records[30:32][1].xl_xid = 7",
    ];
    let file = sample("pg15.wal");
    let original = fs::read(&file).unwrap();
    let mut expected = original.clone();
    let at = expected
        .windows(8)
        .position(|w| w == [46, 0, 0, 0, 0xe9, 0x7f, 0, 0])
        .expect("the COMMIT of 46 bytes by xid 32745");
    expected[at + 4..at + 8].copy_from_slice(&7u32.to_le_bytes());
    // the payload first, then the header up to the sum
    let record = &expected[at..at + 46];
    let sum = crc32c::crc32c_append(crc32c::crc32c(&record[24..]), &record[..20]);
    expected[at + 20..at + 24].copy_from_slice(&sum.to_le_bytes());
    for way in ways {
        let bytes = binq_ok(["-b".as_ref(), way.as_ref(), file.as_os_str()]);
        assert!(bytes == expected, "{way} gives other bytes");
    }
}

/// Edits that change nothing leave every byte.
#[test]
fn same_values_same_bytes() {
    let ways = [
        ".",
        ".records[31].xl_xid |= .",
        ".records[31].xl_xid = .records[31].xl_xid",
        ".records |= map(.)",
        ".records |= .",
        ".records = .records[0:]",
        ".records[3].xl_xid = 9 | .records[3].xl_xid = 32745",
        ".records[0].blocks[0].data |= tobytes",
        ".records[0].xl_prev = \"0/00AFEA28\"",
        "del(.records[] | select(.xl_tot_len == 1))",
        ".pages[] |= .",
        "(.records[0].xl_rmid, .records[0].rmgr) |= .",
        ".records[0].xl_rmid = 10",
    ];
    let file = sample("pg15.wal");
    let original = fs::read(&file).unwrap();
    for way in ways {
        let bytes = binq_ok(["-b".as_ref(), way.as_ref(), file.as_os_str()]);
        assert!(bytes == original, "{way} changes bytes");
    }
}

/// The error of an edit, which must be a runtime error and write nothing.
#[track_caller]
fn refused(name: &str, filter: &str) -> String {
    let said = binq(["-b".as_ref(), filter.as_ref(), sample(name).as_os_str()]);
    assert_eq!(said.code, 5, "{filter}: {}", said.err);
    assert!(
        said.out.is_empty(),
        "{filter} wrote {} bytes",
        said.out.len()
    );
    said.err
}

#[test]
fn no_room_says_by_how_much() {
    let before = "the records outgrow the place before 0/BFFFE0, where a record begins that runs into the next file, by";
    for (filter, by) in [
        (".records += [.records[3]]", 64),
        (".records[3:3] = [.records[3], .records[0]]", 64 + 80),
        (".records[31].main_data |= . + \"0123456789\"", 8),
        // what was won elsewhere counts
        ("del(.records[3]) | .records += [.records[0]]", 16),
    ] {
        let err = refused("pg15.wal", filter);
        assert_eq!(
            err,
            format!("binq: error: .records: {before} {by} bytes\n"),
            "{filter}"
        );
    }
    // one byte more than the end of the file leaves
    let err = refused(
        "pg15-recycled.wal",
        "reduce range(5) as $i (.; .records += .records)",
    );
    assert!(
        err.starts_with("binq: error: .records: the records outgrow the end of the segment by ")
            && err.ends_with(" bytes\n"),
        "{err}"
    );
}

#[test]
fn no_room_for_what_a_length_cannot_say() {
    let err = refused(
        "pg15.wal",
        ".records[0].blocks[0].data |= . + ([range(66000) | \"x\"] | add)",
    );
    assert!(err.contains("data_length"), "{err}");
    assert!(
        err.contains("takes an integer from 0 to 65535, not 66027"),
        "{err}"
    );
}

#[test]
fn two_values_for_the_same_bytes() {
    // the second block is of the same relation as the first, and shares its bytes
    let both = |a, b| {
        format!(
            ".records[15].blocks[0].rlocator.relNumber = {a} | .records[15].blocks[1].rlocator.relNumber = {b}"
        )
    };
    let err = refused("pg15.wal", &both(1, 2));
    for part in [
        ".records[15].blocks[0].rlocator.relNumber and .records[15].blocks[1].rlocator.relNumber",
        "byte 9660",
        "different values",
    ] {
        assert!(err.contains(part), "{err}");
    }
    let agreed = binq([
        "-b".as_ref(),
        both(1, 1).as_ref(),
        sample("pg15.wal").as_os_str(),
    ]);
    assert_eq!((agreed.code, agreed.err.as_str()), (0, ""));
}

#[test]
fn what_cannot_be_edited() {
    for (filter, parts) in [
        ("del(.records)", &["\"records\"", "cannot be removed"][..]),
        (
            "del(.records[0].xl_xid)",
            &[".records[0]", "\"xl_xid\"", "cannot be removed"],
        ),
        ("del(.pages[3])", &[".pages", "128", "127"]),
        (
            ".records[0].lsn = \"0/0\"",
            &[".records[0].lsn", "computed", "0/B02158"],
        ),
        (
            ".records[3].rmgr = \"Heap\"",
            &[".records[3].rmgr", "computed", "Btree"],
        ),
        (
            ".records[0].nosuch = 1",
            &["\"nosuch\"", "xl_tot_len, xl_xid"],
        ),
        (".records[0] += {nosuch: 1}", &["nosuch"]),
        (".records[0] = 5", &[".records[0]", "takes an object"]),
        (".records = 5", &[".records", "takes an array"]),
        (".records += [{}]", &[".records", "copy of a decoded one"]),
        (
            ".records[3].xl_xid = -1",
            &["byte 8764", "0 to 4294967295", "-1"],
        ),
        (
            ".records[3].xl_xid = 1.5",
            &["byte 8764", "0 to 4294967295", "1.5"],
        ),
        (
            ".records[3].xl_xid = 4294967296",
            &["0 to 4294967295", "4294967296"],
        ),
        (".records[3].xl_prev = \"zz\"", &["\"0/202AB08\"", "\"zz\""]),
        (
            ".records[3].xl_rmid = \"Foo\"",
            &["XLOG, Transaction", "\"Foo\""],
        ),
        (".records[3].xl_rmid = 256", &["0 to 255", "256"]),
        (".continuation |= .[1:]", &["8467 bytes", "8466"]),
        (".records[99999].xl_xid = 1", &["99999"]),
    ] {
        let err = refused("pg15.wal", filter);
        for part in parts {
            assert!(err.contains(part), "{filter}: {part:?} is not in: {err}");
        }
    }
}

#[test]
fn an_aborted_record_holds_its_place() {
    let err = refused("pg15-overwrite-contrecord.wal", "del(.records[3])");
    assert!(err.contains("an aborted record lies at 0/"), "{err}");
}

#[test]
fn assigned_wins_over_what_follows() {
    // a length that was assigned stays, also where the data beside it changes its size
    let (dir, seg) = with_copy("pg15.wal");
    let new = dir.path().join("NEW");
    let filter = "del(.records[300:400]) | .records[0].xl_prev = \"0/1\" | .records[5].xl_prev = \"0/2\" | .records[7].xl_crc = 3";
    fs::write(
        &new,
        binq_ok(["-b".as_ref(), filter.as_ref(), seg.as_os_str()]),
    )
    .unwrap();
    let said = binq_ok([
        "-c".as_ref(),
        "[.records[0].xl_prev, .records[5].xl_prev, .records[7].xl_crc]".as_ref(),
        new.as_os_str(),
    ]);
    assert_eq!(String::from_utf8_lossy(&said), "[\"0/1\",\"0/2\",3]\n");
}
