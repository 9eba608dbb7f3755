//! Law 12: time and memory grow no faster than input, output and edits together.
//!
//! Every format, and every kind of reading and editing, at `n` and at `4 n`. What is counted is what a machine counts the same
//! each time: bytes and calls of the allocator, and how often the input was read. `.ci/extended.d/linear` counts instructions of the
//! same scenarios, with `LINEAR` set.

mod inputs;

use binq_core::encode::{EncodeOptions, encode};
use binq_core::{Holder, Node, NodeKind, Options, Plain, Scalar, Space};
use binq_laws::{follow, parse, put_back, update};
use inputs::{INPUTS, Input};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Four times as much may cost six times as much.
const FACTOR: f64 = 6.0;
const N: usize = 128;

/// Scenarios that are known to cost more; one that does no more is to be taken out.
const KNOWN: &[(&str, &str)] = &[];

/// Counts how often the input is read.
#[derive(Default)]
struct Reads(AtomicU64);

impl Holder for Reads {
    fn touch(&self, _at: u64, _len: u64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Run = fn(&Input, &Node) -> Option<()>;

const RUNS: &[(&str, Run)] = &[
    ("read all", |_, root| {
        everything(root);
        Some(())
    }),
    ("read each by its index", |input, root| {
        let list = follow(root, &parse(input.list))?;
        match list.kind() {
            NodeKind::Array => (0..list.len()).for_each(|i| drop(list.item(i))),
            _ => list
                .fields()
                .iter()
                .for_each(|(name, _)| drop(list.field(name))),
        }
        Some(())
    }),
    ("findings", |_, root| {
        root.findings().for_each(drop);
        Some(())
    }),
    ("one edit", |input, root| edit_some(input, root, 1, &other)),
    ("every leaf, same size", |input, root| {
        edit_some(input, root, usize::MAX, &other)
    }),
    ("every leaf, longer", |input, root| {
        edit_some(input, root, usize::MAX, &longer)
    }),
    ("every other item removed", |input, root| {
        items(input, root, |items| items.into_iter().step_by(2).collect())
    }),
    ("every item copied", |input, root| {
        items(input, root, |items| {
            items
                .iter()
                .flat_map(|item| [item.clone(), item.clone()])
                .collect()
        })
    }),
    ("the first item removed", |input, root| {
        items(input, root, |items| items[1..].to_vec())
    }),
    ("reversed", |input, root| {
        items(input, root, |items| items.into_iter().rev().collect())
    }),
];

fn everything(node: &Node) {
    match node.kind() {
        NodeKind::Scalar => drop(node.scalar()),
        NodeKind::Object => node
            .fields()
            .iter()
            .for_each(|(_, child)| everything(child)),
        NodeKind::Array => node.items().for_each(|child| everything(&child)),
    }
}

/// Another value of the same size.
fn other(leaf: &Node) -> Option<Scalar> {
    Some(match leaf.actual()? {
        Scalar::Int(n) => Scalar::Int(n ^ 1),
        Scalar::Str(s) => format!("{}y", &s[..s.len().checked_sub(1)?]).into(),
        Scalar::Bytes(b) => {
            let mut b = b.to_vec();
            *b.last_mut()? ^= 1;
            Scalar::Bytes(b.into())
        }
        _ => return None,
    })
}

/// A value that is longer.
fn longer(leaf: &Node) -> Option<Scalar> {
    Some(match leaf.actual()? {
        Scalar::Int(_) => Scalar::Int(300),
        Scalar::Str(s) => format!("{s}longer").into(),
        Scalar::Bytes(b) => Scalar::Bytes([&b[..], b"longer"].concat().into()),
        _ => return None,
    })
}

/// Edit the leaf of so many items, and write the bytes.
fn edit_some(
    input: &Input,
    root: &Node,
    most: usize,
    value: &dyn Fn(&Node) -> Option<Scalar>,
) -> Option<()> {
    let leaf = parse(input.leaf);
    let mut count = 0;
    let edited = update(root, &parse(input.list), &mut |mut list| {
        let change = |item: Node, count: &mut usize| {
            let target = follow(&item, &leaf).and_then(|leaf| value(&leaf).map(|v| (leaf, v)));
            let new = target.and_then(|(leaf, value)| leaf.assign(Plain::Scalar(value)).ok());
            match new {
                Some(new) if *count < most => {
                    *count += 1;
                    put_back(&item, &leaf, new)
                }
                _ => item,
            }
        };
        if list.kind() == NodeKind::Array {
            for i in 0..list.len() {
                let item = list.take_item(i).expect("an item");
                list.put_item(i, change(item, &mut count));
            }
        } else {
            let names: Vec<_> = list.fields().into_iter().map(|(name, _)| name).collect();
            for name in names {
                let item = list.take_field(&name).expect("a field");
                list.put_field(change(item, &mut count));
            }
        }
        Ok(list)
    });
    write(&edited.ok()?, count > 0)
}

/// Give a list other items, and write the bytes.
fn items(input: &Input, root: &Node, other: fn(Vec<Plain>) -> Vec<Plain>) -> Option<()> {
    let edited = update(root, &parse(input.list), &mut |list| {
        let items: Vec<_> = list.items().map(Plain::Node).collect();
        match items.len() {
            0 => Ok(list),
            _ => list.set_items(other(items)),
        }
    });
    let edited = edited.ok()?;
    let is_edited = edited.is_edited();
    write(&edited, is_edited)
}

fn write(root: &Node, is_edited: bool) -> Option<()> {
    let out = encode(root, &EncodeOptions::default()).ok()?;
    out.pieces().for_each(drop);
    is_edited.then_some(())
}

/// What a scenario costs: calls and bytes of the allocator, calls that read the input; nothing if it is refused.
fn cost(input: &Input, run: Run, n: usize) -> Option<[u64; 3]> {
    let bytes = (input.make)(n);
    let options: Options = (input.options)();
    let reads = Arc::new(Reads::default());
    let region = Region::new(ALLOCATOR);
    let space = Space::held(bytes.into(), Some(reads.clone()));
    let root = binq_all::registry()
        .decode(Some(input.format), space, &options)
        .expect("a format that is named");
    run(input, &root)?;
    drop(root);
    let stats = region.change();
    let calls = stats.allocations + stats.reallocations;
    let reads = reads.0.load(Ordering::Relaxed);
    Some([calls as u64, stats.bytes_allocated as u64, reads])
}

#[test]
fn four_times_as_much_costs_no_more_than_six_times_as_much() {
    // one scenario alone, for a tool that counts its instructions: its name and n; or the names of all of them
    if let Ok(one) = std::env::var("LINEAR") {
        let names = |input: &Input| {
            RUNS.iter()
                .map(|(run, _)| format!("{}/{run}", input.name))
                .collect::<Vec<_>>()
        };
        let parts: Vec<&str> = one.split('/').collect();
        let &[input, run, n] = &parts[..] else {
            INPUTS
                .iter()
                .flat_map(names)
                .for_each(|name| println!("LINEAR {name}"));
            return;
        };
        let input = INPUTS.iter().find(|i| i.name == input).expect("an input");
        let (_, run) = RUNS.iter().find(|(name, _)| *name == run).expect("a run");
        if cost(input, *run, n.parse().expect("a number")).is_none() {
            println!("LINEAR refused");
        }
        return;
    }
    let (mut wrong, mut done) = (Vec::new(), 0);
    for input in INPUTS {
        let root = binq_all::registry().decode(
            Some(input.format),
            Space::source((input.make)(16)),
            &(input.options)(),
        );
        let root = root.expect("a format that is named");
        let list = follow(&root, &parse(input.list))
            .unwrap_or_else(|| panic!("{}: no {}", input.name, input.list));
        let mut items: Vec<Node> = match list.kind() {
            NodeKind::Array => list.items().collect(),
            _ => list.fields().into_iter().map(|(_, node)| node).collect(),
        };
        items.retain(|item| {
            follow(item, &parse(input.leaf)).is_some_and(|n| n.kind() == NodeKind::Scalar)
        });
        assert!(!items.is_empty(), "{}: no {}", input.name, input.leaf);
        // what is made once, such as a registry and tables
        let _ = cost(input, RUNS[0].1, 16);
        for (name, run) in RUNS {
            let (Some(small), Some(large)) = (cost(input, *run, N), cost(input, *run, 4 * N))
            else {
                println!("{}/{name}: refused", input.name);
                continue;
            };
            done += 1;
            let factors: Vec<f64> = small
                .iter()
                .zip(large)
                .map(|(a, b)| b as f64 / (*a).max(64) as f64)
                .collect();
            let most = factors.iter().copied().fold(0.0, f64::max);
            let known = KNOWN.contains(&(input.name, name));
            println!("{}/{name}: {factors:.1?} {small:?} {large:?}", input.name);
            if (most > FACTOR) != known {
                wrong.push(format!(
                    "{}/{name}: {factors:.1?}{}",
                    input.name,
                    if known { ": take it out of KNOWN" } else { "" }
                ));
            }
        }
    }
    println!("{done} scenarios");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(done > 120, "{done} scenarios");
}
