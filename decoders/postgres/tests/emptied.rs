//! Data of a block that is emptied takes its flag along, as a server refuses one without data.

mod common;

use binq_core::{Node, Plain, Scalar};
use common::{assign, decode, edit, faults, lsns, records, sample};

fn has_data(block: &Node) -> bool {
    let flag = block
        .field("flags")
        .and_then(|f| f.field("BKPBLOCK_HAS_DATA"));
    flag.expect("a flag").scalar() == Scalar::Bool(true)
}

/// The path of the first block with data of some records.
fn blocks(root: &Node) -> Vec<[String; 4]> {
    let mut found = Vec::new();
    for (i, record) in records(root).iter().enumerate().take(60) {
        let blocks = record
            .field("blocks")
            .into_iter()
            .flat_map(|blocks| blocks.items().collect::<Vec<_>>());
        for (k, block) in blocks.enumerate() {
            if block.field("data").is_some() {
                found.push([
                    "records".into(),
                    i.to_string(),
                    "blocks".into(),
                    k.to_string(),
                ]);
            }
        }
    }
    found
}

#[test]
fn the_flag_goes_with_the_data() {
    let mut done = 0;
    for major in 12..=18 {
        let bytes = sample(&format!("pg{major}.wal")).slice(..5 * 8192);
        let root = decode(&bytes);
        for path in blocks(&root) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let data = [&path[..], &["data"]].concat();
            let out = assign(&bytes, &data, Scalar::Bytes(Default::default()));
            let after = decode(&out);
            assert_eq!(faults(&after), [], "pg{major} {path:?}");
            // a filler may take the room
            let grown = records(&after).len() - lsns(&root).len();
            assert!(grown <= 1, "pg{major} {path:?}: {grown}");
            let record = &records(&after)[path[1].parse::<usize>().unwrap()];
            let block = record
                .field("blocks")
                .and_then(|b| b.item(path[3].parse().unwrap()));
            let block = block.expect("a block");
            assert!(!has_data(&block), "pg{major} {path:?}");
            assert!(block.field("data").is_none());
            done += 1;
        }
    }
    assert!(done > 100, "{done}");
}

/// What is assigned stays: the data are emptied, and the flag is left set on purpose.
#[test]
fn an_assigned_flag_stays() {
    let bytes = sample("pg15.wal").slice(..5 * 8192);
    let path = blocks(&decode(&bytes)).remove(0);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let out = edit(&bytes, &path, |mut block| {
        let mut data = block.take_field("data").expect("data");
        data = data.assign(Plain::Scalar(Scalar::Bytes(Default::default())))?;
        block.put_field(data);
        let mut flags = block.take_field("flags").expect("flags");
        let flag = flags.take_field("BKPBLOCK_HAS_DATA").expect("a flag");
        flags.put_field(flag.assign(Plain::Scalar(Scalar::Bool(true)))?);
        block.put_field(flags);
        Ok(block)
    });
    let root = decode(&out.expect("an edit").to_bytes());
    let told = faults(&root);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].expected, "data, as BKPBLOCK_HAS_DATA says");
}
