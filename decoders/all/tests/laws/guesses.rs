//! What PutGet is not asked of: where something is because of the very bytes that are edited, a decoder that reads the new
//! ones may see something else. Each of these is one such guess.

use crate::samples::Sample;
use binq_core::{Key, Node, Scalar};
use binq_laws::follow;

/// Where the beginning of an HTTP/2 stream is damaged, or bytes of it were not captured, where its frames begin is a guess, made
/// by the headers of three frames that follow each other: to change one of them may change the guess.
pub fn is_mark(root: &Node, path: &[Key], sample: &Sample, damaged: bool) -> bool {
    let name = |i: usize| match &path[i] {
        Key::Name(name) => &**name,
        Key::Index(_) => "",
    };
    let guessed = damaged || sample.name.contains("late");
    // an upgrade is known by its first line, of which it is one leaf
    let is = |wanted: &str| (0..path.len()).any(|i| name(i) == wanted);
    if is("upgrade") || guessed && is("preface") {
        return true;
    }
    let Some(i) = (0..path.len()).find(|i| name(*i) == "frames") else {
        return false;
    };
    let (Some(frames), Some(Key::Index(k))) = (follow(root, &path[..=i]), path.get(i + 1)) else {
        return false;
    };
    let payload = path.get(i + 2).is_some_and(|_| name(i + 2) == "payload");
    let lost = |k: u64| frames.item(k).is_some_and(|f| f.fault().is_some());
    // bytes of the first frame that no type tells apart may be any, those of three headers among them
    let bytes =
        path.len() == i + 3 || matches!(name(path.len() - 1), "data" | "fragment" | "padding");
    let is_head = !payload || *k == 0 && bytes;
    is_head && (guessed && *k < 3 || (k.saturating_sub(3)..*k).any(lost))
}

/// What is left of a header block where it stopped to make sense: changed, it may make sense.
pub fn is_remnant(leaf: &Node) -> bool {
    let gap = matches!(leaf.key(), Some(Key::Name(name)) if name.starts_with("gap"));
    let parent = leaf.parent().filter(|_| gap);
    parent.is_some_and(|p| p.field("headers").is_some() && p.fault().is_some())
}

/// A call of which no header says that it is one, because they are not known, is one by its messages: that their flags and lengths
/// fit.
pub fn is_mark_of_call(root: &Node, path: &[Key]) -> bool {
    let is = |key: Option<&Key>, name: &str| matches!(key, Some(Key::Name(n)) if **n == *name);
    if !is(path.last(), "length") && !is(path.last(), "compressed")
        || !is(path.first(), "grpc_calls")
    {
        return false;
    }
    let Some(call) = path.get(..2).and_then(|call| follow(root, call)) else {
        return false;
    };
    let id =
        |n: &Node| ["connection", "stream_id"].map(|name| n.field(name).and_then(|n| n.actual()));
    let stream = root
        .field("streams")
        .and_then(|all| all.items().find(|s| id(s) == id(&call)));
    let says = |half: &str| {
        let half = stream.as_ref().and_then(|s| s.field(half)?.field("header"));
        let kind = half.and_then(|h| h.field("content-type")?.actual());
        kind.is_some_and(|v| {
            v.as_str()
                .is_some_and(|v| v.starts_with("application/grpc"))
        })
    };
    call.field("status").is_none() && !says("request") && !says("response")
}

/// The index 0 of a literal says that its name follows: what follows is the value, of which there may be too little for both.
pub fn becomes_name(path: &[Key], value: &Scalar) -> bool {
    matches!(path.last(), Some(Key::Name(n)) if **n == *"index") && *value == Scalar::Int(0)
}

/// A response with a status of 1xx is an informational one, and the one after it is the response.
pub fn becomes_informational(path: &[Key], value: &Scalar) -> bool {
    let is_status =
        matches!(path.last(), Some(Key::Name(n)) if matches!(&**n, "status" | ":status" | "value"));
    // a number in HTTP/1.1
    is_status && value.to_string().trim_start_matches('"').starts_with('1')
}

/// Metadata are the header fields that the application gave: one that gets a name of the protocol's own is none any more.
pub fn leaves_metadata(path: &[Key], value: &Scalar) -> bool {
    let is = |key: &Key, names: &[&str]| matches!(key, Key::Name(n) if names.contains(&&**n));
    let listed = path
        .iter()
        .any(|k| is(k, &["metadata", "response_metadata", "trailers"]));
    // the short ones of those that HTTP has: a value that is made up hits no longer one
    const OF_HTTP: [&str; 4] = ["date", "host", "te", "via"];
    let own = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with(':') || name.starts_with("grpc-") || OF_HTTP.contains(&&*name)
    };
    listed && path.last().is_some_and(|k| is(k, &["name"])) && value.as_str().is_some_and(own)
}

/// Whether a record of a damaged log is known by its own headers alone: there is damage beside it, and neither does it name the
/// record before it, nor the one after it this one. Where one of the headers is edited, it may be taken for a part of the damage.
/// How often that happens is what `decoders/postgres/tests/damage.rs` counts.
pub fn is_unlinked(root: &Node, path: &[Key]) -> bool {
    let [Key::Name(list), Key::Index(k), ..] = path else {
        return false;
    };
    let Some(records) = root.field(list) else {
        return false;
    };
    let [before, here, after] =
        [k.checked_sub(1), Some(*k), k.checked_add(1)].map(|k| records.item(k?));
    let names = |record: &Option<Node>, other: &Option<Node>| {
        let get = |node: &Option<Node>, name| node.as_ref()?.field(name)?.actual();
        get(record, "xl_prev").is_some_and(|prev| Some(prev) == get(other, "lsn"))
    };
    let damaged = |item: &Option<Node>| item.as_ref().is_none_or(|n| n.fault().is_some());
    let beside = damaged(&before) || damaged(&here) || damaged(&after);
    beside && !names(&here, &before) && !names(&after, &here)
}

/// A log of which no page says any more of what version it is cannot be decoded.
pub fn is_only_magic(again: &Node, path: &[Key]) -> bool {
    let is_magic = matches!(path.last(), Some(Key::Name(n)) if **n == *"xlp_magic");
    is_magic && again.field("pages").is_none()
}
