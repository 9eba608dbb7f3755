//! The laws over random messages and random damage.

use crate::common::{self, Rng, bytes, config, damage, get, leaves, show, update};
use crate::{all2, all3, edition};
use binq_core::{Node, Plain, Scalar};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

/// Numbers and wire types of `all3.All`, as they are and as they should not be.
fn all3_message(rng: &mut Rng, depth: u32) -> Vec<u8> {
    use binq_protobuf::wire::build::len_record;
    let mut out = Vec::new();
    let numbers: Vec<u64> = (1..=17)
        .chain(21..=31)
        .chain(41..=45)
        .chain(51..=55)
        .chain(61..=68)
        .chain(71..=76)
        .collect();
    for _ in 0..1 + rng.below(8) {
        let n = if rng.one_in(10) {
            90 + rng.below(3)
        } else {
            numbers[rng.below(numbers.len() as u64) as usize]
        };
        let mut inner = Vec::new();
        match n {
            3..=8 | 13 | 16 | 51 | 54 => {
                common::short(n << 3, rng, &mut out);
                let value = if n == 16 {
                    rng.below(4)
                } else {
                    common::number(rng)
                };
                common::varint(value, rng, &mut out);
                continue;
            }
            1 | 10 | 12 => {
                common::short(n << 3 | 1, rng, &mut out);
                out.extend(rng.random().to_le_bytes());
                continue;
            }
            2 | 9 | 11 => {
                common::short(n << 3 | 5, rng, &mut out);
                out.extend((rng.random() as u32).to_le_bytes());
                continue;
            }
            23 | 24 | 26 | 29 | 31 if rng.one_in(3) => {
                common::short(n << 3, rng, &mut out);
                common::varint(common::number(rng), rng, &mut out);
                continue;
            }
            23 | 24 | 26 | 29 | 31 => {
                (0..rng.below(4)).for_each(|_| common::varint(common::number(rng), rng, &mut inner))
            }
            21 => (0..rng.below(3)).for_each(|_| inner.extend(rng.random().to_le_bytes())),
            22 | 25 => {
                (0..rng.below(3)).for_each(|_| inner.extend((rng.random() as u32).to_le_bytes()))
            }
            14 | 15 | 27 | 28 | 52 | 55 => inner = b"some text"[..rng.below(10) as usize].to_vec(),
            // Inner, and what looks like it
            17 | 30 | 53 => {
                inner.extend([8, rng.below(128) as u8, 0x12, 1, b'x']);
                if depth > 0 && rng.one_in(2) {
                    let deeper = inner.clone();
                    len_record(3, &deeper, &mut inner);
                }
            }
            41 => {
                inner = vec![
                    0x0a,
                    1,
                    b'a' + rng.below(3) as u8,
                    0x10,
                    rng.below(128) as u8,
                ]
            }
            42 => inner = vec![0x08, rng.below(3) as u8, 0x12, 1, b'x'],
            43 => inner = vec![0x08, rng.below(2) as u8, 0x12, 2, 8, 1],
            44 => inner = vec![0x08, rng.below(3) as u8, 0x10, rng.below(4) as u8],
            45 => inner = vec![0x0a, 1, b'k', 0x12, 2, 0xff, 0xfe],
            61 | 62 | 76 => inner = vec![0x08, rng.below(128) as u8, 0x10, rng.below(128) as u8],
            63 => inner = b"\x0a\x05foo_b\x0a\x01c".to_vec(),
            // {"a": "b"}, "b", ["b"]
            64 => inner = b"\x0a\x08\x0a\x01a\x12\x03\x1a\x01b".to_vec(),
            65 => inner = b"\x1a\x01b".to_vec(),
            66 => inner = b"\x0a\x03\x1a\x01b".to_vec(),
            71 | 73 => inner = vec![0x08, rng.below(2) as u8],
            72 | 75 => inner = b"\x0a\x01b".to_vec(),
            90 => {
                // an unknown group
                common::short(90 << 3 | 3, rng, &mut out);
                out.extend([8, 1]);
                common::short(90 << 3 | 4, rng, &mut out);
                continue;
            }
            _ => {}
        }
        common::short(n << 3 | 2, rng, &mut out);
        common::short(inner.len() as u64, rng, &mut out);
        out.extend(inner);
    }
    out
}

/// A value with the keys of its objects in order.
fn sorted(value: &Plain) -> Plain {
    match value {
        Plain::Object(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            // an empty list is no field
            pairs.retain(|(_, v)| !matches!(v, Plain::Array(items) if items.is_empty()));
            // and no map
            let empty = |v: &Plain| matches!(v, Plain::Object(pairs) if pairs.is_empty());
            pairs.retain(|(k, v)| !k.starts_with("m_") || !empty(v));
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Plain::Object(pairs)
        }
        Plain::Array(items) => Plain::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn shown(root: &Node) -> String {
    show(&sorted(&get(root, ".")))
}

/// The records at the top, as bytes.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    binq_protobuf::wire::record::Run::of(bytes)
        .records()
        .map(|r| bytes[r.start as usize..r.end as usize].to_vec())
        .collect()
}

fn other(leaf: &Node, rng: &mut Rng) -> Vec<Scalar> {
    let n = common::number(rng);
    vec![
        Scalar::Int(n.into()),
        Scalar::Int((n as i32).into()),
        Scalar::Int((n % 4).into()),
        Scalar::Bool(rng.one_in(2)),
        Scalar::Float(n as f32 as f64 / 4.0),
        "x".repeat(rng.below(200) as usize).into(),
        "2001-02-03T04:05:06Z".into(),
        "1.500s".into(),
        "a,bC".into(),
        leaf.scalar(),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn identity(seed in any::<u64>(), damaged in any::<bool>()) {
        let rng = &mut Rng::new(seed);
        let mut input = all3_message(rng, 2);
        if damaged { input = damage(&input, rng).to_vec() }
        for root in [all3(input.clone()), all2(input.clone()), edition(input.clone())] {
            prop_assert_eq!(bytes(&root), input.clone());
            let mut all = Vec::new();
            leaves(&root, &mut |leaf| all.push(leaf.clone()));
            for (name, child) in root.fields() {
                prop_assert!(root.field(&name).is_some_and(|again| again.span() == child.span()), "{}", name);
            }
            for leaf in all {
                let _ = (leaf.fault(), leaf.symbol(), leaf.ranges());
                let mut value = Some(Plain::Scalar(leaf.scalar()));
                let Ok(same) = update(&root, &leaf.path(), &mut |n| n.assign(value.take().unwrap())) else { continue };
                prop_assert_eq!(bytes(&same), input.clone(), "{}", leaf.path_text());
            }
            // the whole, assigned as a plain value
            if root.fault().is_none() {
                let mut whole = Some(get(&root, "."));
                if let Ok(same) = update(&root, &[], &mut |n| n.assign(whole.take().unwrap())) {
                    prop_assert_eq!(bytes(&same), input.clone());
                }
            }
        }
    }

    /// A value is read back, all others are as they were, and all records but the one it is in are untouched.
    #[test]
    fn put_get_and_locality(seed in any::<u64>()) {
        let rng = &mut Rng::new(seed);
        let input = all3_message(rng, 2);
        let root = all3(input.clone());
        let mut all = Vec::new();
        leaves(&root, &mut |leaf| all.push(leaf.clone()));
        if all.is_empty() { return Ok(()) }
        let leaf = &all[rng.below(all.len() as u64) as usize];
        let edits = other(leaf, rng).into_iter().filter_map(|value| {
            let mut plain = Some(Plain::Scalar(value));
            update(&root, &leaf.path(), &mut |n| n.assign(plain.take().unwrap())).ok()
        });
        for edited in edits {
            let out = bytes(&edited);
            // an unknown field may turn out to be of any type: its path may change
            if leaf.path_text().contains("unknown") { continue }
            let again = all3(out.clone());
            prop_assert_eq!(shown(&again), shown(&edited), "{}", leaf.path_text());
            prop_assert!(again.fault().is_none());
            let (before, after) = (records(&input), records(&out));
            prop_assert_eq!(before.len(), after.len());
            let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            // a message that is split over several records may change in each
            let field = leaf.path()[0].clone();
            let split = match &field {
                binq_core::Key::Name(name) => before.iter().filter(|r| number(r) == number_of(name)).count(),
                binq_core::Key::Index(_) => 1,
            };
            prop_assert!(changed <= split, "{} changed {} records", leaf.path_text(), changed);
            prop_assert!(changed <= 1 || leaf.path().len() == 1, "{}", leaf.path_text());
        }
    }

    /// Fields, entries and items that come and go are read back; the records of other fields keep their bytes and order.
    #[test]
    fn coming_and_going(seed in any::<u64>()) {
        let rng = &mut Rng::new(seed);
        let input = all3_message(rng, 2);
        let from = all3(all3_message(rng, 2));
        let mut edited = all3(input.clone());
        let mut touched = Vec::new();
        for _ in 0..1 + rng.below(4) {
            let fields = edited.fields();
            let name = match rng.below(2) {
                0 if !fields.is_empty() => fields[rng.below(fields.len() as u64) as usize].0.to_string(),
                _ => {
                    let others = from.fields();
                    others[rng.below(others.len() as u64) as usize].0.to_string()
                }
            };
            if name.starts_with("unknown") { continue }
            touched.push(name.clone());
            let new = from.field(&name).map(Plain::Node);
            edited = match (edited.clone().take_field(&name), new) {
                (None, Some(new)) => edited.add_field(&name, new).unwrap(),
                (Some(_), None) => edited.remove_field(&name).unwrap(),
                (Some(mut old), Some(new)) => {
                    old = match old.kind() {
                        binq_core::NodeKind::Array => {
                            let mut items: Vec<Plain> = old.items().chain(from.field(&name).unwrap().items()).map(Plain::Node).collect();
                            for _ in 0..rng.below(3) {
                                if items.is_empty() { break }
                                let i = rng.below(items.len() as u64) as usize;
                                let item = items.remove(i);
                                if rng.one_in(2) { items.insert(rng.below(items.len() as u64 + 1) as usize, item) }
                            }
                            old.set_items(items).unwrap()
                        }
                        _ => old.assign(new).unwrap(),
                    };
                    edited.put_field(old);
                    edited
                }
                (None, None) => edited,
            };
        }
        let out = bytes(&edited);
        let again = all3(out.clone());
        prop_assert_eq!(shown(&again), shown(&edited), "{:?} {:02x?} {:02x?}", touched, input, out);
        prop_assert!(again.fault().is_none());
        // the records of fields that were not touched
        let numbers: Vec<u64> = touched.iter().map(|name| number_of(name)).collect();
        let oneof = numbers.iter().any(|n| (51..=53).contains(n));
        let kept = |all: Vec<Vec<u8>>| {
            let untouched = |r: &Vec<u8>| !(numbers.contains(&number(r)) || oneof && (51..=53).contains(&number(r)));
            all.into_iter().filter(untouched).collect::<Vec<_>>()
        };
        prop_assert_eq!(kept(records(&input)), kept(records(&out)));
    }
}

/// The number of a record.
fn number(record: &[u8]) -> u64 {
    binq_protobuf::wire::varint::read(record).unwrap().0 >> 3
}

/// The number of a field of `all3.All`, from the source.
fn number_of(name: &str) -> u64 {
    let source = include_str!("../protos/all3.proto");
    let at = source
        .find(&format!(" {name} = "))
        .unwrap_or_else(|| panic!("{name} is a field"));
    let rest = &source[at + name.len() + 4..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
    rest[..end].parse().unwrap()
}
