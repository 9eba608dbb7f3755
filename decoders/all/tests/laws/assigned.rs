//! Laws 3 and 5: what is assigned the value that it has stays as it is spelled, and what was assigned stays as it was assigned.

use crate::locality::{differences, is_split, moved, only_resized, told_lengths, within};
use crate::runner::{Case, Done, run};
use crate::samples::decode;
use binq_core::encode::{Did, EncodeOptions, encode};
use binq_core::{Plain, path_text};
use binq_laws::edits::{What, change, plain};
use binq_laws::{follow, parse, put_back, random_leaf};

#[test]
fn what_is_there_can_be_assigned() {
    run(1500, &[("no leaf", 3)], get_put);
}

/// Law 3: assigning the value that is there changes nothing: to a leaf, and to whatever is around it.
fn get_put(case: &mut Case) -> Result<Done, String> {
    let root = decode(case.sample, &case.bytes);
    let rng = &mut case.rng;
    let leaf = (0..24).find_map(|_| random_leaf(&root, rng));
    let Some(mut path) = leaf else {
        return Ok(Done::Ended("no leaf"));
    };
    let leaf = follow(&root, &path).expect("a path of the tree");
    let mut asserted = None;
    let mut kept = |what: &'static str, path: &[_], value: Plain| -> Result<(), String> {
        let node = follow(&root, path).expect("a path of the tree");
        let Ok(edited) = node.assign(value) else {
            return Ok(());
        };
        let out = encode(&put_back(&root, path, edited), &EncodeOptions::default());
        let text = path_text(path);
        let out = out.map_err(|e| format!("{what} {text}: {e}"))?;
        asserted = Some(what);
        // that a field is wrong may be told: it was assigned as it is
        let notes = out.report.notes.iter();
        let follows = |n: &&binq_core::encode::Note| !matches!(n.did, Did::LeftWrong { .. });
        match (out.to_bytes() == case.bytes, notes.clone().find(follows)) {
            (true, None) => Ok(()),
            (true, Some(note)) => Err(format!("{what} {text}: nothing changed, and {note}")),
            (false, _) => Err(format!("{what} {text}: other bytes")),
        }
    };
    kept(
        "a leaf, as it is shown",
        &path,
        Plain::Scalar(leaf.scalar()),
    )?;
    if let Some(value) = leaf.actual() {
        kept("a leaf, as it is stored", &path, Plain::Scalar(value))?;
    }
    kept("a leaf, itself", &path, Plain::Node(leaf))?;
    while path.pop().is_some() {
        let node = follow(&root, &path).expect("a path of the tree");
        let Some(value) = plain(&node, &mut 300) else {
            break;
        };
        kept("a node with all that is in it", &path, value)?;
        kept("a node, itself", &path, Plain::Node(node))?;
        if rng.one_in(2) {
            break;
        }
    }
    Ok(asserted.map_or(Done::Ended("takes nothing"), Done::Asserted))
}

#[test]
fn what_was_assigned_stays() {
    run(
        1000,
        &[
            ("no edit is taken", 4),
            ("not stored before", 5),
            ("records moved", 5),
            ("before an aborted record", 2),
            ("no room before the next file", 5),
            ("fragment twice", 2),
            ("fragment lost", 2),
            ("split", 7),
            ("base64", 40),
            ("missing bytes", 3),
        ],
        assigned_wins,
    );
}

/// Law 5: what is recomputed after an edit, and then assigned what it was, stays as assigned, whatever else changes around it.
fn assigned_wins(case: &mut Case) -> Result<Done, String> {
    let (sample, bytes) = (case.sample, &case.bytes);
    let root = decode(sample, bytes);
    let rng = &mut case.rng;
    // one of which something follows, if there are such
    let mut found = None;
    for _ in 0..12 {
        let path = random_leaf(&root, rng);
        let Some(value) = path.and_then(|path| change(&root, path, What::Value, rng)) else {
            continue;
        };
        let out = encode(&value.edited, &EncodeOptions::default());
        let follows = out.is_ok_and(|out| !out.report.notes.is_empty());
        found = Some(value);
        if follows {
            break;
        }
    }
    let Some(change) = found else {
        return Ok(Done::Ended("no edit is taken"));
    };
    let path = &change.path;
    let leaf = follow(&root, path).expect("a path of the tree");
    let text = path_text(path);
    let mut both = change.edited;
    let mut pinned = Vec::new();
    let out = loop {
        let out = match encode(&both, &EncodeOptions::default()) {
            Ok(out) => out,
            Err(e) => match crate::edits::refusal(&e) {
                Some(name) => return Ok(Done::Excused(name)),
                None => return Err(format!("{text} is refused, with {pinned:?}: {e}")),
            },
        };
        let before = pinned.len();
        for note in &out.report.notes {
            let Did::Recomputed { from, .. } = &note.did else {
                continue;
            };
            if pinned.contains(&note.path) {
                return Err(format!("{text}: {note}, though it was assigned"));
            }
            let at = parse(&note.path);
            let Some(field) = follow(&both, &at) else {
                // told of a place of a record, not of a field
                continue;
            };
            let field = field.assign(Plain::Scalar(from.clone()));
            let field = field.map_err(|e| format!("{text}: {} was {from}: {e}", note.path))?;
            both = put_back(&both, &at, field);
            pinned.push(note.path.clone());
        }
        if pinned.len() == before {
            break out;
        }
    };
    let new = out.to_bytes();
    let own = [
        leaf.ranges(),
        leaf.copies(),
        told_lengths(&out, bytes),
        moved(&root, &out),
    ]
    .concat();
    if !leaf.is_stored() {
        return Ok(Done::Excused("not stored before"));
    }
    if is_split(&out) {
        return Ok(Done::Excused("split"));
    }
    if sample.is_base64() {
        return Ok(Done::Excused("base64"));
    }
    let size = |n: Option<binq_core::Node>| n.and_then(|n| n.bytes().ok()).map(|b| b.len());
    let resized = size(Some(leaf.clone())) != size(follow(&both, path)) || new.len() != bytes.len();
    if resized {
        if sample.format == "pg_wal" {
            return Ok(Done::Excused("records moved"));
        }
        if !only_resized(bytes, &new, &own) {
            return Err(format!(
                "{text} of another size: more changed, though {pinned:?} was assigned; {:?}",
                out.report.notes
            ));
        }
        return Ok(Done::Asserted("another size"));
    }
    for at in differences(bytes, &new) {
        if !within(at, &own) {
            return Err(format!(
                "{text}: byte {at} changed, though {pinned:?} was assigned"
            ));
        }
    }
    Ok(Done::Asserted(match pinned.len() {
        0 => "nothing follows",
        1 => "one follows",
        _ => "several follow",
    }))
}
