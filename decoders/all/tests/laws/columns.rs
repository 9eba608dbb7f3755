//! Columns tell what nodes tell, and walks that are entered in the middle find the items that the whole walk finds.

use crate::samples::{SAMPLES, decode};
use binq_core::columns::Cell;
use binq_core::{Key, Node, NodeKind, Scalar};
use binq_laws::{Rng, compare::same, damage};
use std::collections::{BTreeMap, BTreeSet};

/// As many arrays of a sample are looked at, and as many items of each.
const ARRAYS: usize = 60;
const ITEMS: u64 = 1500;

/// The arrays in a value whose items are structs.
fn arrays(root: &Node) -> Vec<Node> {
    let (mut found, mut left) = (Vec::new(), vec![root.clone()]);
    while let Some(node) = left.pop() {
        match node.kind() {
            NodeKind::Scalar => continue,
            NodeKind::Object => left.extend(node.fields().into_iter().map(|(_, field)| field)),
            NodeKind::Array => {
                left.extend((0..3).filter_map(|i| node.item(i)));
                if node
                    .item(0)
                    .is_some_and(|item| item.kind() == NodeKind::Object)
                {
                    found.push(node);
                }
            }
        }
        if found.len() == ARRAYS {
            break;
        }
    }
    found
}

/// The names of scalar fields of the first items and of some others, and one that there is not.
fn names(array: &Node, rng: &mut Rng) -> Vec<String> {
    let mut names = BTreeSet::from(["no_such_field".to_owned()]);
    let some = (0..4).chain((0..4).map(|_| rng.below(ITEMS)));
    for item in some.filter_map(|i| array.item(i)) {
        let scalars = item.fields().into_iter();
        let scalars = scalars.filter(|(_, field)| field.kind() == NodeKind::Scalar);
        names.extend(scalars.map(|(name, _)| name.into_owned()));
    }
    names.into_iter().collect()
}

/// Compare all cells of an array with its nodes. Gives how many were values, or said that there is none, of how many.
fn compare(array: &Node, rng: &mut Rng, what: &str) -> [u64; 2] {
    let names = names(array, rng);
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    // one after the other as well: a reader may do only some fields
    let groups: Vec<&[&str]> = std::iter::once(&asked[..]).chain(asked.chunks(1)).collect();
    let (mut told, mut all) = (0, 0);
    for fields in groups {
        let Some(mut columns) = array.columns(fields) else {
            assert!(
                array.is_edited(),
                "{what}: {} has no columns",
                array.path_text()
            );
            return [0, 0];
        };
        let mut i = 0;
        while i < ITEMS && columns.advance(1 + rng.below(100) as usize) {
            for row in 0..columns.batch().len() {
                let item = array
                    .item(i)
                    .unwrap_or_else(|| panic!("{what}: {i} is no item"));
                let own = columns.item(row).unwrap();
                assert_eq!(own.path(), item.path(), "{what}");
                assert_eq!(own.span(), item.span(), "{what}: {}", item.path_text());
                for (field, column) in fields.iter().zip(&columns.batch().columns) {
                    let node = item.field(field);
                    let at = || format!("{what}: {}.{field}", item.path_text());
                    all += 1;
                    match (column.cell(row), column.shown(row)) {
                        (Cell::Value(actual), Cell::Value(shown)) => {
                            told += 1;
                            let node = node.unwrap_or_else(Node::absent);
                            assert!(
                                same(Some(&node.scalar()), Some(&shown)),
                                "{}: {shown}",
                                at()
                            );
                            let own = node.actual().filter(|_| column.codec().is_some());
                            assert!(
                                own.is_none_or(|own| same(Some(&own), Some(&actual))),
                                "{}",
                                at()
                            );
                        }
                        (Cell::Null, _) => {
                            told += 1;
                            let scalar = node.map_or(Scalar::Null, |node| node.scalar());
                            assert_eq!(scalar, Scalar::Null, "{}", at());
                        }
                        _ => {}
                    }
                }
                i += 1;
            }
        }
        if i < ITEMS {
            assert_eq!(i, array.len(), "{what}: {}", array.path_text());
        }
    }
    [told, all]
}

#[test]
fn columns_tell_what_nodes_tell() {
    let mut told: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (seed, sample) in SAMPLES.iter().enumerate() {
        let mut rng = Rng::new(seed as u64);
        let count = told.entry(sample.format).or_default();
        for array in arrays(&decode(sample, &sample.bytes)) {
            let [some, all] = compare(&array, &mut rng, &sample.name);
            *count = [count[0] + some, count[1] + all];
        }
        for _ in 0..2 {
            let damaged = damage(&sample.bytes, &mut rng);
            for array in arrays(&decode(sample, &damaged)).iter().take(8) {
                compare(array, &mut rng, &format!("{} damaged", sample.name));
            }
        }
    }
    if std::env::var_os("BINQ_LAWS").is_some() {
        return;
    }
    // most fields of what has a fixed layout are told
    for (format, share) in [("pg_wal", 60), ("pcap", 30), ("pg_control", 0)] {
        let [some, all] = told[format];
        assert!(some * 100 >= all * share, "{format}: {some} of {all}");
    }
}

#[test]
fn edited_items_are_asked_for() {
    for sample in SAMPLES.iter().filter(|s| s.format == "pg_wal") {
        let root = decode(sample, &sample.bytes);
        let path = [
            Key::Name("records".into()),
            Key::Index(3),
            Key::Name("xl_xid".into()),
        ];
        let edited = binq_laws::update(&root, &path, &mut |node: Node| {
            node.assign(binq_core::Plain::Scalar(77.into()))
        });
        let records = edited.unwrap().field("records").unwrap();
        let mut columns = records.columns(&["xl_xid", "lsn"]).unwrap();
        assert!(columns.advance(10));
        let xids = &columns.batch().columns[0];
        let asked: Vec<usize> = (0..10).filter(|i| xids.cell(*i) == Cell::Ask).collect();
        assert_eq!(asked, [3], "{}", sample.name);
        let item = columns.item(3).unwrap();
        assert_eq!(item.field("xl_xid").unwrap().scalar(), 77.into());
    }
}

/// Where a walk is entered, an item of the whole walk begins; and both go on alike.
#[test]
fn walks_that_are_entered_find_the_same_items() {
    let mut entered = 0;
    for (seed, sample) in SAMPLES.iter().enumerate() {
        let mut rng = Rng::new(seed as u64 + 7);
        for array in arrays(&decode(sample, &sample.bytes)) {
            let Some(mut whole) = array.columns(&[]) else {
                continue;
            };
            let span = array.span();
            let from = span.first_byte() + rng.below(span.byte_len());
            let Some(state) = array.resync(from) else {
                continue;
            };
            assert!(state.at >= from * 8, "{}", sample.name);
            let mut part = array.columns(&[]).unwrap();
            part.enter(state.clone());
            while whole.state().at < state.at && whole.advance(1) {}
            assert_eq!(
                whole.state().at,
                state.at,
                "{}: {}",
                sample.name,
                array.path_text()
            );
            assert_eq!(whole.state().memory, state.memory, "{}", sample.name);
            entered += 1;
            let mut rows = [0, 0];
            for (n, columns) in rows.iter_mut().zip([&mut whole, &mut part]) {
                while columns.advance(1000) {
                    *n += columns.batch().len();
                }
            }
            assert_eq!(rows[0], rows[1], "{}: {}", sample.name, array.path_text());
        }
    }
    assert!(
        entered >= 8 || std::env::var_os("BINQ_LAWS").is_some(),
        "{entered}"
    );
}
