//! What may change with an edit, and what may not.

use binq_core::encode::{Did, Encoded};
use binq_core::{Node, Span};
use binq_laws::follow;

/// The bytes that differ, of two equally long runs.
pub fn differences(a: &[u8], b: &[u8]) -> Vec<u64> {
    assert_eq!(
        a.len(),
        b.len(),
        "an edit of the same size changed the length"
    );
    let pairs = a.iter().zip(b).enumerate();
    pairs
        .filter(|(_, (x, y))| x != y)
        .map(|(i, _)| i as u64)
        .collect()
}

/// Whether nothing but some parts changed, which may have changed their sizes: what lies between them is there as it was, in
/// order.
pub fn only_resized(old: &[u8], new: &[u8], parts: &[Span]) -> bool {
    let mut parts: Vec<_> = parts
        .iter()
        .map(|p| (p.first_byte() as usize, p.end_byte() as usize))
        .collect();
    parts.sort_unstable();
    let mut kept = Vec::new();
    let mut done = 0;
    for (start, end) in parts {
        // what is before the first part stays at the beginning, also if it is nothing
        if start > done || kept.is_empty() {
            kept.push(&old[done..start]);
        }
        done = done.max(end);
    }
    let last = &old[done..];
    let Some((first, between)) = kept.split_first() else {
        return new.ends_with(last);
    };
    let mut rest = match new.strip_prefix(*first).and_then(|n| n.strip_suffix(last)) {
        Some(rest) => rest,
        None => return false,
    };
    for part in between {
        match rest.windows(part.len()).position(|w| w == *part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Whether a frame or a segment became several, or a fragment or a chunk is gone: what comes after it has another index then.
pub fn is_split(out: &Encoded) -> bool {
    let notes = &out.report.notes;
    notes
        .iter()
        .any(|n| matches!(&n.did, Did::Other(what) if ["split", "dropped", "removed"].iter().any(|did| what.starts_with(did))))
}

/// The payloads of fragments that the bytes of a datagram moved between.
pub fn moved(root: &Node, out: &Encoded) -> Vec<Span> {
    let notes = out.report.notes.iter();
    let moved = notes.filter(|n| matches!(&n.did, Did::Other(what) if what.starts_with("moved")));
    let payload = |n: &binq_core::encode::Note| follow(root, &binq_laws::parse(&n.path));
    moved.filter_map(payload).flat_map(|p| p.ranges()).collect()
}

/// The lengths that were recomputed and are no fields of their own, so that they are told as texts: those before the trailers of
/// gRPC-Web, and the prefixes of what lies in messages of protobuf.
pub fn told_lengths(out: &Encoded, input: &[u8]) -> Vec<Span> {
    let notes = out.report.notes.iter();
    let told = notes.filter_map(|n| match &n.did {
        Did::Other(what) if what.starts_with("the length of the trailers") => {
            Some(Span::bytes(n.offset, 4))
        }
        Did::Other(what) if what.starts_with("its length prefix") => {
            let rest = input.get(n.offset as usize..)?;
            let len = 1 + rest.iter().take_while(|b| **b >= 0x80).count();
            Some(Span::bytes(n.offset, len as u64))
        }
        _ => None,
    });
    told.collect()
}

/// Whether a byte lies in one of some ranges.
pub fn within(at: u64, ranges: &[Span]) -> bool {
    ranges
        .iter()
        .any(|r| (r.first_byte()..r.end_byte()).contains(&at))
}
