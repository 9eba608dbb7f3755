//! A node of which only the way is kept is found again as it was.

use crate::samples::{SAMPLES, are_all, decode};
use binq_core::{Node, NodeKind};
use binq_laws::compare::same as is_same;

/// Whoever has items up to this one is kept otherwise.
const FIRST: u64 = 64;
/// So many nodes of each sample are looked at.
const MOST: usize = 2000;

fn same(was: &Node, kept: &binq_core::Kept) -> Result<(), String> {
    let is = kept.node();
    let all = [
        ("kind", kept.kind() == was.kind() && is.kind() == was.kind()),
        (
            "scalar",
            is_same(Some(&kept.scalar()), Some(&was.scalar()))
                && is_same(Some(&is.scalar()), Some(&was.scalar())),
        ),
        (
            "actual",
            is_same(is.actual().as_ref(), was.actual().as_ref()),
        ),
        (
            "ordinal",
            kept.ordinal() == was.ordinal() && is.ordinal() == was.ordinal(),
        ),
        ("path", is.path() == was.path()),
        ("place", is.same_place(was) && was.same_place(&is)),
        ("format", is.format() == was.format()),
        ("shape", is.shape_name() == was.shape_name()),
        ("span", is.span() == was.span()),
        ("ranges", is.ranges() == was.ranges()),
        ("finding", is.finding() == was.finding()),
        ("description", is.description() == was.description()),
        ("length", is.len() == was.len()),
        ("stored", is.is_stored() == was.is_stored()),
        ("bytes", is.bytes().ok() == was.bytes().ok()),
        (
            "parent",
            is.parent().map(|n| n.path()) == was.parent().map(|n| n.path()),
        ),
        (
            "fields",
            is.fields()
                .iter()
                .map(|(name, _)| name)
                .eq(was.fields().iter().map(|(name, _)| name)),
        ),
    ];
    let wrong: Vec<_> = all.iter().filter(|(_, right)| !right).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{}: {wrong:?}", was.path_text())),
    }
}

/// Walks over nodes, those first that lie in an array behind the first items.
fn walk(node: &Node, left: &mut usize, visit: &mut dyn FnMut(&Node)) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    visit(node);
    let mut far = *left / 2;
    match node.kind() {
        NodeKind::Scalar => {}
        NodeKind::Object => {
            for (_, field) in node.fields() {
                walk(&field, left, visit);
            }
        }
        NodeKind::Array => {
            let behind = (FIRST..).map_while(|i| node.item(i));
            for item in behind {
                walk(&item, &mut far, visit);
                if far == 0 {
                    break;
                }
            }
            for item in node.items().take(3) {
                walk(&item, left, visit);
            }
        }
    }
}

#[test]
fn what_is_kept_is_found_again() {
    let (mut kept, mut wrong) = (0, Vec::new());
    for sample in SAMPLES.iter() {
        let root = decode(sample, &sample.bytes);
        let mut all = Vec::new();
        walk(&root, &mut { MOST }, &mut |node| {
            all.extend(node.kept().map(|kept| (node.clone(), kept)));
        });
        kept += all.len();
        // the other way round, so that nothing is found only because it was looked for last
        for (node, kept) in all.iter().rev() {
            if let Err(e) = same(node, kept) {
                wrong.push(format!("{} as {}: {e}", sample.name, sample.format));
            }
        }
    }
    println!("{kept} nodes");
    assert!(kept > 10_000 || !are_all(), "{kept}");
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), wrong);
}
