//! The laws of the design, for every format, every sample, and random damage.
//!
//! A case is a sample, a seed for damage and a seed for what is edited; a failing case prints all three.

mod walk;

use binq_core::encode::{Did, EncodeOptions, Encoded, encode};
use binq_core::{Key, Node, Options, Reject, Scalar, Span};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::path::Path;
use std::sync::LazyLock;
use walk::{Rng, damage, follow, put_back, random_leaf, random_value};

struct Sample {
    name: String,
    format: &'static str,
    bytes: Bytes,
}

impl Sample {
    /// Whether leaves may change their sizes: everything around them follows.
    fn resizes(&self) -> bool {
        self.format != "pg_wal"
    }
}

/// All samples, by the folder of their format.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut all = Vec::new();
    for (format, folder, ending) in [
        ("pg_wal", "pg_wal", "wal"),
        ("http2", "http2", "h2"),
        ("pcap", "capture", "pcap"),
        ("pcapng", "capture", "pcapng"),
    ] {
        let dir = root.join(folder);
        for entry in std::fs::read_dir(&dir).expect("the samples are there") {
            let path = entry.expect("a readable entry").path();
            if path.extension().is_some_and(|e| e == ending) {
                all.push(Sample {
                    name: path.file_name().unwrap().to_string_lossy().into_owned(),
                    format,
                    bytes: std::fs::read(&path).unwrap().into(),
                });
            }
        }
    }
    assert!(all.len() >= 7, "a sample for each major");
    all.sort_by(|a, b| a.name.cmp(&b.name));
    // to look for more in some: parts of their names, with commas between them
    if let Ok(parts) = std::env::var("BINQ_LAWS_SAMPLES") {
        all.retain(|s| parts.split(',').any(|p| s.name.contains(p)));
        assert!(!all.is_empty(), "no sample is named like {parts}");
    }
    all
});

fn decode(format: &str, bytes: &Bytes) -> Node {
    let options = Options::default();
    binq_all::registry()
        .decode(Some(format), bytes.clone(), &options)
        .expect("a format that is named always decodes")
}

fn encoded(root: &Node, no_fix: bool) -> Encoded {
    encode(root, &EncodeOptions { no_fix }).expect("a leaf edit encodes")
}

/// The same, of an edit that may be refused for what the capture is: a segment in fragments keeps its size, what was lost or is
/// there twice in part cannot be written.
fn encoded_unless_refused(root: &Node, no_fix: bool) -> Option<Encoded> {
    match encode(root, &EncodeOptions { no_fix }) {
        Ok(encoded) => Some(encoded),
        Err(Reject::Structure { why, .. }) if REFUSALS.contains(&&*why) => None,
        Err(e) => panic!("a leaf edit encodes: {e}"),
    }
}

const REFUSALS: [&str; 3] = [
    "its packet is in fragments, whose size cannot change",
    "these bytes are missing from the input, and so cannot be changed",
    "a part of it is there twice, so its size cannot change",
];

/// A sample, damaged or not.
fn input() -> impl Strategy<Value = (usize, Option<u64>)> {
    (any::<prop::sample::Index>(), any::<Option<u64>>())
        .prop_map(|(i, seed)| (i.index(SAMPLES.len()), seed))
}

fn bytes_of((i, seed): (usize, Option<u64>)) -> (&'static Sample, Bytes) {
    let sample = &SAMPLES[i];
    let bytes = match seed {
        None => sample.bytes.clone(),
        Some(seed) => damage(&sample.bytes, &mut Rng::new(seed)),
    };
    (sample, bytes)
}

/// The bytes that differ, of two equally long runs.
fn differences(a: &[u8], b: &[u8]) -> Vec<u64> {
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
fn only_resized(old: &[u8], new: &[u8], parts: &[Span]) -> bool {
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
fn is_name_index(path: &[Key], old: &Node, new: &Node) -> bool {
    let is_index = matches!(path.last(), Some(Key::Name(n)) if **n == *"index");
    let is_0 = |root| follow(root, path).and_then(|n| n.actual()) == Some(Scalar::Int(0));
    is_index && (is_0(old) || is_0(new))
}

/// Whether a frame or a segment became several: what comes after it has another index then.
fn is_split(out: &Encoded) -> bool {
    let notes = &out.report.notes;
    notes
        .iter()
        .any(|n| matches!(&n.did, Did::Other(what) if what.starts_with("split")))
}

/// After an edit that moved what follows it: the leaves that do not read as before, though they share no byte with what was
/// edited or recomputed.
///
/// What calls and streams are made of, header fields tell: after an edit of one of these, only packets and frames are looked
/// at, which have the same bytes.
fn changed_elsewhere(
    old: &Node,
    new: &Node,
    edited: &[Key],
    allowed: &[Span],
    notes: &[&str],
    damaged: bool,
) -> Vec<String> {
    let mut out = Vec::new();
    if is_name_index(edited, old, new) {
        return out;
    }
    let is = |key: &Key, names: &[&str]| matches!(key, Key::Name(n) if names.contains(&&**n));
    let in_message = edited
        .iter()
        .any(|k| is(k, &["requests", "responses", "body"]));
    walk::leaves(old, &mut |leaf| {
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
                || edited.starts_with(&walk::parse(field))
        });
        let told = is(&path[0], &["grpc_calls", "streams"]) && !in_message;
        // a packet whose damaged length says that it had bytes that others carry, too: how many it hides is nobody's field
        let hides = damaged && is(&path[path.len() - 1], &["skipped_bytes"]);
        if path == edited || shares || respelled || told || hides {
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

fn within(at: u64, ranges: &[Span]) -> bool {
    ranges
        .iter()
        .any(|r| (r.first_byte()..r.end_byte()).contains(&at))
}

/// Where the beginning of an HTTP/2 stream is damaged, or bytes of it were not captured, where its frames begin is a guess, made
/// by the headers of three frames that follow each other: to change one of them may change the guess.
fn is_mark(root: &Node, path: &[Key], sample: &Sample, damage: Option<u64>) -> bool {
    let name = |i: usize| match &path[i] {
        Key::Name(name) => &**name,
        Key::Index(_) => "",
    };
    let guessed = damage.is_some() || sample.name.contains("late");
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
    let is_head = path.get(i + 2).is_some_and(|_| name(i + 2) != "payload");
    let lost = |k: u64| frames.item(k).is_some_and(|f| f.fault().is_some());
    is_head && (guessed && *k < 3 || (k.saturating_sub(3)..*k).any(lost))
}

/// What is left of a header block where it stopped to make sense: changed, it may make sense.
fn is_remnant(leaf: &Node) -> bool {
    let gap = matches!(leaf.key(), Some(Key::Name(name)) if name.starts_with("gap"));
    let parent = leaf.parent().filter(|_| gap);
    parent.is_some_and(|p| p.field("headers").is_some() && p.fault().is_some())
}

/// A call whose headers are not known is one by its messages: that their flags and lengths fit.
fn is_mark_of_call(root: &Node, path: &[Key]) -> bool {
    let is = |key: Option<&Key>, name: &str| matches!(key, Some(Key::Name(n)) if **n == *name);
    let is_prefix = is(path.last(), "length") || is(path.last(), "compressed");
    let named = |call: Node| call.field("path").is_some_and(|p| p.actual().is_some());
    let call = path.get(..2).filter(|p| is(p.first(), "grpc_calls"));
    is_prefix && call.is_some_and(|call| !follow(root, call).is_some_and(named))
}

/// Metadata are the header fields that the application gave: one that gets a name of the protocol's own is none any more.
fn leaves_metadata(path: &[Key], value: &Scalar) -> bool {
    let is = |key: &Key, names: &[&str]| matches!(key, Key::Name(n) if names.contains(&&**n));
    let listed = path
        .iter()
        .any(|k| is(k, &["metadata", "response_metadata", "trailers"]));
    let own = |name: &str| name.starts_with(':') || name.starts_with("grpc-");
    listed && path.last().is_some_and(|k| is(k, &["name"])) && value.as_str().is_some_and(own)
}

/// The wire type of a Protobuf record without a schema says what the bytes after it are: with another one, they may be no
/// record.
fn is_wire_type(leaf: &Node) -> bool {
    matches!(leaf.key(), Some(Key::Name(name)) if **name == *"wire_type")
}

/// Whether the walk over a damaged array found a fault beside this place. An item between two damages is known by little more
/// than the one field that is edited: where that is gone, it may be taken for a part of the damage.
fn is_beside_damage(root: &Node, path: &[Key]) -> bool {
    (0..path.len()).any(|i| {
        let (Key::Index(k), Some(array)) = (&path[i], follow(root, &path[..i])) else {
            return false;
        };
        let beside = [k.checked_sub(1), Some(*k), k.checked_add(1)];
        let mut items = beside.into_iter().flatten().filter_map(|k| array.item(k));
        items.any(|item| item.fault().is_some())
    })
}

/// Few cases by default, always the same ones, so that the tests are quick and a change is judged by what it changed;
/// `PROPTEST_CASES` asks for more, and for others each time.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases: Option<u32> = cases.and_then(|n| n.parse().ok());
    ProptestConfig {
        rng_seed: match cases {
            Some(_) => RngSeed::Random,
            None => RngSeed::Fixed(1),
        },
        cases: cases.unwrap_or(160),
        failure_persistence: None,
        // a case is three numbers: there is little to make smaller
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Law 1: what was decoded encodes to the same bytes, valid or not.
    #[test]
    fn identity(input in input()) {
        let (sample, bytes) = bytes_of(input);
        let root = decode(sample.format, &bytes);
        prop_assert!(encoded(&root, false).to_bytes() == bytes, "{}", sample.name);
    }

    /// Laws 2, 4, 6: an assigned value is read back from the new bytes, and nothing else changed but what follows from it.
    #[test]
    fn put_get_and_locality(input in input(), seed in any::<u64>(), no_fix in any::<bool>()) {
        let (sample, bytes) = bytes_of(input);
        let rng = &mut Rng::new(seed);
        let root = decode(sample.format, &bytes);
        let Some(path) = random_leaf(&root, rng) else { return Ok(()) };
        let leaf = follow(&root, &path).unwrap();
        // what is decoded by a guess may be guessed otherwise then; the bytes change as in every case
        let guessed = is_mark(&root, &path, sample, input.1) || is_remnant(&leaf) || is_wire_type(&leaf) || is_mark_of_call(&root, &path)
            || input.1.is_some() && is_beside_damage(&root, &path);
        let Some((value, edited)) = random_value(&leaf, rng, sample.resizes()) else { return Ok(()) };
        let grown = edited.bytes().map(|b| b.len() as u64).ok() != Some(leaf.span().byte_len());
        let edited = put_back(&root, &path, edited);
        // the tree that is edited keeps its shape and shows the new value
        let shown = follow(&edited, &path).unwrap().actual();
        prop_assert!(shown.as_ref() == Some(&value), "{}: {:?} instead of {:?}", leaf.path_text(), shown, value);
        let Some(out) = encoded_unless_refused(&edited, no_fix) else { return Ok(()) };
        let new = out.to_bytes();
        let mut allowed = leaf.ranges();
        allowed.extend(leaf.copies());
        for note in &out.report.notes {
            if let Did::Recomputed { .. } = note.did {
                prop_assert!(!no_fix);
                let derived = follow(&root, &walk::parse(&note.path)).unwrap_or_else(|| panic!("{} after {}", note.path, leaf.path_text()));
                allowed.extend(derived.ranges());
                allowed.extend(derived.copies());
            }
        }
        let resized = grown || new.len() != bytes.len();
        if !resized {
            for at in differences(&bytes, &new) {
                prop_assert!(within(at, &allowed), "byte {} changed, {} is in {:?}", at, leaf.path_text(), leaf.ranges());
            }
        } else if no_fix {
            // spelled otherwise (what is compressed), and no length says so: it cannot be read back
            prop_assert!(only_resized(&bytes, &new, &allowed), "{} of {}", leaf.path_text(), sample.name);
            return Ok(());
        } else {
            prop_assert!(!out.report.notes.is_empty(), "{} of {}", leaf.path_text(), sample.name);
        }
        if guessed || leaves_metadata(&path, &value) { return Ok(()) }
        let again = decode(sample.format, &new);
        let read = follow(&again, &path).and_then(|n| n.actual());
        // compared as a whole, shown in short
        let show = |v: &Option<Scalar>| v.as_ref().map(ToString::to_string);
        let wanted = Some(value);
        prop_assert!(
            read == wanted,
            "{} at {}, no_fix {no_fix}: {:?} became {:?}",
            sample.name, leaf.path_text(), show(&wanted), show(&read),
        );
        if resized && !is_split(&out) {
            let notes: Vec<_> = out.report.notes.iter().map(|n| n.path.as_str()).collect();
            let moved = changed_elsewhere(&root, &again, &path, &allowed, &notes, input.1.is_some());
            prop_assert!(moved.is_empty(), "{} of {} also changed {moved:?}; {notes:?}", leaf.path_text(), sample.name);
        }
    }

    /// Law 3: assigning the value that is there changes nothing.
    #[test]
    fn get_put(input in input(), seed in any::<u64>()) {
        let (sample, bytes) = bytes_of(input);
        let root = decode(sample.format, &bytes);
        let Some(path) = random_leaf(&root, &mut Rng::new(seed)) else { return Ok(()) };
        let leaf = follow(&root, &path).unwrap();
        for value in [leaf.scalar(), leaf.actual().unwrap_or(Scalar::Null)] {
            let Ok(edited) = leaf.clone().assign(binq_core::Plain::Scalar(value)) else { continue };
            let edited = put_back(&root, &path, edited);
            prop_assert!(encoded(&edited, false).to_bytes() == bytes, "{}", leaf.path_text());
        }
    }

    /// Law 5: an assigned field stays as assigned, whatever else changes around it.
    #[test]
    fn assigned_wins(input in input(), seed in any::<u64>()) {
        let (sample, bytes) = bytes_of(input);
        let rng = &mut Rng::new(seed);
        let root = decode(sample.format, &bytes);
        let Some(path) = random_leaf(&root, rng) else { return Ok(()) };
        let leaf = follow(&root, &path).unwrap();
        let Some((_, edited)) = random_value(&leaf, rng, sample.resizes()) else { return Ok(()) };
        let grown = edited.bytes().map(|b| b.len() as u64).ok() != Some(leaf.span().byte_len());
        let once = put_back(&root, &path, edited);
        // assign what was recomputed back to what it was; something else may follow from that
        let mut both = once;
        let mut pinned = Vec::new();
        let out = loop {
            let Some(out) = encoded_unless_refused(&both, false) else { return Ok(()) };
            let before = pinned.len();
            for note in &out.report.notes {
                if let Did::Recomputed { from, .. } = &note.did {
                    prop_assert!(!pinned.contains(&note.path), "{} was assigned; {}", note.path, leaf.path_text());
                    let at = walk::parse(&note.path);
                    let field = follow(&both, &at).unwrap_or_else(|| panic!("{} after {}", note.path, leaf.path_text()));
                    let field = field.assign(binq_core::Plain::Scalar(from.clone())).unwrap();
                    both = put_back(&both, &at, field);
                    pinned.push(note.path.clone());
                }
            }
            if pinned.len() == before {
                break out;
            }
        };
        let own = [leaf.ranges(), leaf.copies()].concat();
        if is_split(&out) { return Ok(()) }
        if grown || out.len() != bytes.len() as u64 {
            prop_assert!(only_resized(&bytes, &out.to_bytes(), &own), "{} of {}: {pinned:?} was assigned", leaf.path_text(), sample.name);
            return Ok(());
        }
        for at in differences(&bytes, &out.to_bytes()) {
            prop_assert!(within(at, &own), "byte {at} changed though {pinned:?} was assigned");
        }
    }

    /// Law 8: any bytes, and every node of them, without a panic; what is shown of the walk is finite.
    #[test]
    fn no_panic(input in input(), seed in any::<u64>()) {
        let (sample, bytes) = bytes_of(input);
        let root = decode(sample.format, &bytes);
        walk::look_at_everything(&root, &mut Rng::new(seed), 3);
    }

    /// Law 8: bytes that are no sample at all.
    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let bytes = Bytes::from(bytes);
        for format in binq_all::registry().names() {
            let root = decode(format, &bytes);
            walk::look_at_everything(&root, &mut Rng::new(0), 10);
            prop_assert_eq!(encoded(&root, false).to_bytes(), bytes.clone());
        }
    }
}
