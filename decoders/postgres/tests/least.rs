//! Main data that is too short for its record type: redo reads it without asking how much there is.

mod common;

use binq_core::{Node, Plain, Scalar};
use common::{decode, findings, lay_out, sample};
use std::collections::BTreeMap;

fn main_data(record: &Node) -> Option<Vec<u8>> {
    match record.field("main_data")?.actual()? {
        Scalar::Bytes(bytes) => Some(bytes.to_vec()),
        _ => None,
    }
}

/// A record with less main data.
fn cut(record: &Node, len: usize) -> Vec<u8> {
    let data = main_data(record).expect("bytes")[..len].to_vec();
    let mut record = record.clone();
    let main = record.take_field("main_data").unwrap();
    let main = main.assign(Plain::Scalar(Scalar::Bytes(data.into())));
    record.put_field(main.unwrap());
    record.bytes().unwrap().to_vec()
}

fn kind(record: &Node) -> String {
    let text = |name: &str| record.field(name).unwrap().scalar().to_string();
    format!("{} {}", text("rmgr"), text("record_type")).replace('"', "")
}

/// Whose main data redo can do without.
const FREE: [&str; 2] = ["XLOG NOOP", "Btree META_CLEANUP"];

/// One record of each type of the samples whose main data is bytes here: of less than there must be, it is told; of what a server
/// wrote, nothing is.
#[test]
fn main_data_that_is_too_short_is_told() {
    let mut seen = BTreeMap::new();
    for major in 12..=18 {
        let bytes = sample(&format!("pg{major}.wal"));
        let root = decode(&bytes);
        assert_eq!(findings(&root), [""; 0], "{major}");
        let mut kinds = BTreeMap::new();
        for record in root.field("records").unwrap().items() {
            if main_data(&record).is_some_and(|data| !data.is_empty()) {
                kinds.entry(kind(&record)).or_insert(record);
            }
        }
        kinds.retain(|kind, _| !FREE.contains(&&**kind));
        // what is told of a log of records that are cut
        let told = |lens: &mut dyn FnMut(usize) -> usize| {
            let records = kinds.values().enumerate();
            let records: Vec<_> = records.map(|(i, record)| cut(record, lens(i))).collect();
            let mut told = findings(&decode(&lay_out([bytes[0], bytes[1]], 8192, &records)));
            // the log ends in the file
            told.retain(|line| !line.contains(", note: "));
            told
        };
        let empty = told(&mut |_| 0);
        let names: Vec<_> = kinds.keys().collect();
        assert_eq!(empty.len(), kinds.len(), "{major}: {names:?} {empty:#?}");
        let mut least = Vec::new();
        for (i, (line, kind)) in empty.iter().zip(kinds.keys()).enumerate() {
            assert!(
                line.starts_with(&format!(".records[{i}].main_data at ")),
                "{major} {kind}: {line}"
            );
            assert!(line.ends_with(", found 0 bytes"), "{major} {kind}: {line}");
            let (_, bytes) = line
                .split_once(", damage: expected at least ")
                .unwrap_or_else(|| panic!("{line}"));
            let bytes: usize = bytes.split(' ').next().unwrap().parse().unwrap();
            least.push(bytes);
            seen.insert(kind.clone(), bytes);
        }
        assert_eq!(
            told(&mut |i| least[i]),
            [""; 0],
            "{major}: as much as there must be"
        );
        let less = told(&mut |i| least[i] - 1);
        assert_eq!(less.len(), kinds.len(), "{major}: one byte less, {less:#?}");
    }
    assert!(seen.len() > 80, "{seen:#?}");
}
