//! Law 11: where the format's own reader stops, binq tells.

use crate::runner::{Done, run};
use crate::samples::{SAMPLES, Sample, are_all, decode};
use binq_core::{Fault, Key, Node, NodeKind, Severity, Span};
use binq_laws::{Rng, follow, parse};
use std::collections::HashSet;

/// Every finding is of a node that has it, once, at a byte of the input, and says what should be there.
#[test]
fn findings_say_what_and_where() {
    let tally = run(250, &[], |case| {
        let root = decode(case.sample, &case.bytes);
        let mut told = HashSet::new();
        let mut count = 0;
        for finding in root.findings() {
            count += 1;
            check(&root, &case.bytes, &finding)?;
            let Fault {
                offset,
                severity,
                expected,
                found,
                ..
            } = &finding;
            if !told.insert((*severity, *offset, expected.clone(), found.clone())) {
                return Err(format!("told twice: {finding}"));
            }
        }
        Ok(Done::Asserted(if count == 0 {
            "nothing found"
        } else {
            "findings"
        }))
    });
    assert!(
        tally
            .names
            .get("findings")
            .is_some_and(|n| n * 4 > tally.cases),
        "{:?}",
        tally.names
    );
}

fn check(root: &Node, bytes: &[u8], finding: &Fault) -> Result<(), String> {
    let Some(offset) = finding.offset else {
        return Err(format!("no offset: {finding}"));
    };
    // the end of the input is where something is missing
    if offset > bytes.len() as u64 {
        return Err(format!(
            "offset {offset} of {} bytes: {finding}",
            bytes.len()
        ));
    }
    if finding.expected.trim().is_empty() || finding.found.trim().is_empty() {
        return Err(format!("does not say what: {finding}"));
    }
    if finding.expected == finding.found {
        return Err(format!("found what was expected: {finding}"));
    }
    let Some(node) = follow(root, &parse(&finding.path)) else {
        return Err(format!("no such path: {finding}"));
    };
    if node.finding().as_ref() != Some(finding) {
        return Err(format!(
            "the node says {:?}, the list {finding}",
            node.finding()
        ));
    }
    Ok(())
}

/// The samples are sound, but for those that were made not to be.
#[test]
fn sound_samples_have_no_faults() {
    let mut wrong = Vec::new();
    for sample in SAMPLES.iter() {
        let root = decode(sample, &sample.bytes);
        let faults = root.findings().filter(|f| f.severity >= Severity::Damage);
        let faults: Vec<_> = faults.take(3).map(|f| f.to_string()).collect();
        // made so that a group does not end
        let is_made_so = sample.name.contains("protobuf/groups");
        if !faults.is_empty() && !is_made_so {
            wrong.push(format!("{} as {}: {faults:?}", sample.name, sample.format));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The checksums below a node that are right, by their paths; of long arrays some.
fn checksums(node: &Node, rng: &mut Rng, out: &mut Vec<Vec<Key>>) {
    match node.kind() {
        NodeKind::Scalar => {
            if node.description().is_some_and(|d| d == "valid") {
                out.push(node.path());
            }
        }
        NodeKind::Object => {
            // the connections show the bytes of packets
            let own = |name: &str| !matches!(name, "tcp_connections" | "streams" | "grpc_calls");
            let fields = node.fields().into_iter().filter(|(name, _)| own(name));
            fields.for_each(|(_, child)| checksums(&child, rng, out));
        }
        NodeKind::Array => {
            let len = node.len();
            let some: Vec<u64> = match len {
                0..=30 => (0..len).collect(),
                _ => (0..30).map(|_| rng.below(len)).collect(),
            };
            some.into_iter()
                .filter_map(|i| node.item(i))
                .for_each(|n| checksums(&n, rng, out));
        }
    }
}

/// A bit that flips under a checksum is found: on the checksum, unless it made its struct another one.
#[test]
fn a_flipped_bit_under_a_checksum_is_found() {
    let samples: Vec<&Sample> = SAMPLES
        .iter()
        .filter(|s| matches!(s.format, "pg_wal" | "pcap" | "pcapng"))
        .collect();
    let (mut on_sum, mut elsewhere, mut unseen) = (0, 0, Vec::new());
    for (i, sample) in samples.iter().enumerate() {
        let rng = &mut Rng::new(i as u64 + 1);
        let root = decode(sample, &sample.bytes);
        let mut sums = Vec::new();
        checksums(&root, rng, &mut sums);
        if sums.is_empty() {
            continue;
        }
        let told = |root: &Node| -> HashSet<(String, Option<u64>)> {
            let faults = root.findings().filter(|f| f.severity >= Severity::Damage);
            faults.map(|f| (f.path, f.offset)).collect()
        };
        let before = told(&root);
        let tries = if sample.format == "pg_wal" { 8 } else { 12 };
        for _ in 0..tries {
            let path = &sums[rng.below(sums.len() as u64) as usize];
            let sum = follow(&root, path).expect("a path of the tree");
            let covered = sum.parent().expect("a struct").ranges();
            let own = sum.ranges();
            // of an IP packet, the header alone
            let is_header = path.last() == Some(&Key::Name("header_checksum".into()));
            let covered = if is_header {
                vec![Span::bytes(covered[0].first_byte(), 20)]
            } else {
                covered
            };
            let range = covered[rng.below(covered.len() as u64) as usize];
            let at = range.first_byte() + rng.below(range.len / 8);
            if range.len < 8
                || own
                    .iter()
                    .any(|r| (r.first_byte()..r.end_byte()).contains(&at))
            {
                continue;
            }
            let mut bytes = sample.bytes.to_vec();
            bytes[at as usize] ^= 1 << rng.below(8);
            let again = decode(sample, &bytes.into());
            let finding = follow(&again, path).and_then(|n| n.finding());
            match finding {
                Some(f) if f.severity >= Severity::Damage => on_sum += 1,
                _ => {
                    if told(&again).difference(&before).next().is_some() {
                        elsewhere += 1;
                    } else {
                        unseen.push(format!(
                            "{}: byte {at}, under {}",
                            sample.name,
                            sum.path_text()
                        ));
                    }
                }
            }
        }
    }
    println!(
        "{on_sum} on the checksum, {elsewhere} elsewhere, {} unseen",
        unseen.len()
    );
    assert!(unseen.is_empty(), "{} unseen: {:#?}", unseen.len(), unseen);
    assert!(
        on_sum > 60 || !are_all(),
        "{on_sum} on the checksum, {elsewhere} elsewhere"
    );
}
