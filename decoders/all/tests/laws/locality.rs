//! What may change with an edit, and what may not.

use crate::samples::Sample;
use binq_core::encode::{Did, Encoded};
use binq_core::{Key, Node, Scalar, Span};
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
        if start > done {
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

/// The index 0 of a literal says that its name follows. With another index there, that name is the value, and what follows
/// it another field: as assigned.
pub fn is_name_index(path: &[Key], old: &Node, new: &Node) -> bool {
    let is_index = matches!(path.last(), Some(Key::Name(n)) if **n == *"index");
    let is_0 = |root| follow(root, path).and_then(|n| n.actual()) == Some(Scalar::Int(0));
    is_index && (is_0(old) || is_0(new))
}

/// Whether a frame or a segment became several, or a fragment is gone: what comes after it has another index then.
pub fn is_split(out: &Encoded) -> bool {
    let notes = &out.report.notes;
    notes
        .iter()
        .any(|n| matches!(&n.did, Did::Other(what) if what.starts_with("split") || what.starts_with("dropped")))
}

/// The payloads of fragments that the bytes of a datagram moved between.
pub fn moved(root: &Node, out: &Encoded) -> Vec<Span> {
    let notes = out.report.notes.iter();
    let moved = notes.filter(|n| matches!(&n.did, Did::Other(what) if what.starts_with("moved")));
    let payload = |n: &binq_core::encode::Note| follow(root, &binq_laws::parse(&n.path));
    moved.filter_map(payload).flat_map(|p| p.ranges()).collect()
}

/// The length before the trailers of gRPC-Web, where it was recomputed: it is no field of its own, so it is told as a text.
pub fn told_lengths(out: &Encoded) -> Vec<Span> {
    let notes = out.report.notes.iter();
    let told = notes.filter(
        |n| matches!(&n.did, Did::Other(what) if what.starts_with("the length of the trailers")),
    );
    told.map(|n| Span::bytes(n.offset, 4)).collect()
}

/// Whether this is a length that is written as text, as HTTP/1.1 has them: what it is the length of reads otherwise after an
/// edit, as after that of any length, but the edit may have moved it, too.
pub fn is_length_as_text(path: &[Key]) -> bool {
    let is = |key: &Key, name: &str| matches!(key, Key::Name(n) if **n == *name);
    let chunk = path.iter().any(|k| is(k, "chunks"));
    chunk && path.last().is_some_and(|k| is(k, "size"))
}

/// After an edit that moved what follows it: the leaves that do not read as before, though they share no byte with what was
/// edited or recomputed.
///
/// What calls and streams are made of, header fields tell: after an edit of one of these, only packets and frames are looked
/// at, which have the same bytes. HTTP/1.1 has no frames: its header fields also tell where a message ends.
pub fn changed_elsewhere(
    old: &Node,
    new: &Node,
    edited: &[Key],
    allowed: &[Span],
    notes: &[&str],
    (sample, damaged): (&Sample, bool),
) -> Vec<String> {
    let mut out = Vec::new();
    if is_name_index(edited, old, new) {
        return out;
    }
    let is = |key: &Key, names: &[&str]| matches!(key, Key::Name(n) if names.contains(&&**n));
    let in_message = edited
        .iter()
        .any(|k| is(k, &["requests", "responses", "body"]));
    let first = follow(old, &binq_laws::parse(".streams[0].request"));
    let in_call = is(&edited[0], &["grpc_calls"]) && in_message;
    let in_body = in_call || edited.iter().any(|k| is(k, &["body", "chunks"]));
    let in_head = first.is_some_and(|m| m.field("version").is_some()) && !in_body;
    binq_laws::leaves(old, &mut |leaf| {
        let path = leaf.path();
        let shares = leaf
            .ranges()
            .iter()
            .any(|r| allowed.iter().any(|a| a.len > 0 && r.touches(*a)));
        // what is computed of a field that was spelled anew: how it is spelled
        let text = leaf.path_text();
        let respelled = text.strip_suffix(".representation").is_some_and(|field| {
            notes
                .iter()
                .any(|n| n.strip_suffix(".index") == Some(field))
                || edited.starts_with(&binq_laws::parse(field))
        });
        let told = is(&path[0], &["grpc_calls", "streams"]) && !in_message
            || in_head && !is(&path[0], &["packets"]);
        // a packet whose damaged length says that it had bytes that others carry, too: how many it hides is nobody's field
        let hides = damaged && is(&path[path.len() - 1], &["skipped_bytes"]);
        // an index that stood for nothing, after an edit of the table's size
        let sized = edited.last().is_some_and(|k| is(k, &["max_size"]));
        let unknown = damaged && sized && leaf.actual().is_none();
        // the groups of base64 after an edit, in whatever packets or frames they are
        let regrouped = sample.is_base64() && is(&path[path.len() - 1], &["payload", "data"]);
        if path == edited || shares || respelled || told || hides || unknown || regrouped {
            return;
        }
        let now = follow(new, &path);
        if now.as_ref().map(Node::actual) != Some(leaf.actual()) {
            let was = leaf.actual();
            let text = format!("{text}: {was:?} became {:?}", now.map(|n| n.actual()));
            out.push(text.chars().take(300).collect());
        }
    });
    out
}

pub fn within(at: u64, ranges: &[Span]) -> bool {
    ranges
        .iter()
        .any(|r| (r.first_byte()..r.end_byte()).contains(&at))
}
