//! The laws of the design, for every format, every sample, and random damage.
//!
//! A case is a sample, a seed for damage and a seed for what is edited; a failing case prints all three.

mod guesses;
mod locality;
mod protobuf;
mod samples;

use binq_core::encode::{Did, EncodeOptions, Encoded, encode};
use binq_core::{Node, Options, Reject, Scalar};
use binq_laws::{
    Rng, damage, follow, look_at_everything, parse, put_back, random_leaf, random_value,
};
use bytes::Bytes;
use locality::{
    changed_elsewhere, differences, is_length_as_text, is_split, moved, only_resized, told_lengths,
    within,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use samples::{SAMPLES, Sample, decode, decode_as};

fn encoded(root: &Node, no_fix: bool) -> Encoded {
    encode(root, &EncodeOptions { no_fix }).expect("a leaf edit encodes")
}

/// The same, of an edit that may be refused for what the capture is: what was lost cannot be written, and a datagram of which
/// fragments are there twice keeps its size.
fn encoded_unless_refused(root: &Node, no_fix: bool) -> Option<Encoded> {
    match encode(root, &EncodeOptions { no_fix }) {
        Ok(encoded) => Some(encoded),
        Err(Reject::Structure { why, .. }) if REFUSALS.contains(&&*why) => None,
        Err(e) => panic!("a leaf edit encodes: {e}"),
    }
}

const REFUSALS: [&str; 2] = [
    "a fragment of its packet was captured twice or overlaps another, so its size cannot change",
    "these bytes are missing from the input, and so cannot be changed",
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

/// Whether two values are the same: bytes that are text may be shown as text.
fn same(a: Option<&Scalar>, b: Option<&Scalar>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || a.as_bytes().is_some_and(|a| Some(a) == b.as_bytes()),
        (a, b) => a.is_none() && b.is_none(),
    }
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
        cases: cases.unwrap_or(1000),
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
        let root = decode(sample, &bytes);
        prop_assert!(encoded(&root, false).to_bytes() == bytes, "{}", sample.name);
    }

    /// Laws 2, 4, 6: an assigned value is read back from the new bytes, and nothing else changed but what follows from it.
    #[test]
    fn put_get_and_locality(input in input(), seed in any::<u64>(), no_fix in any::<bool>()) {
        let (sample, bytes) = bytes_of(input);
        let rng = &mut Rng::new(seed);
        let root = decode(sample, &bytes);
        let Some(path) = random_leaf(&root, rng) else { return Ok(()) };
        let leaf = follow(&root, &path).unwrap();
        let Some((value, edited)) = random_value(&leaf, rng, sample.resizes()) else { return Ok(()) };
        let grown = edited.bytes().map(|b| b.len() as u64).ok() != Some(leaf.span().len.div_ceil(8));
        let edited = put_back(&root, &path, edited);
        // the tree that is edited keeps its shape and shows the new value
        let shown = follow(&edited, &path).unwrap().actual();
        prop_assert!(same(shown.as_ref(), Some(&value)), "{}: {:?} instead of {:?}", leaf.path_text(), shown, value);
        let Some(out) = encoded_unless_refused(&edited, no_fix) else { return Ok(()) };
        let new = out.to_bytes();
        let mut allowed = leaf.ranges();
        allowed.extend(leaf.copies());
        for note in &out.report.notes {
            if let Did::Recomputed { .. } = note.did {
                prop_assert!(!no_fix);
                let derived = follow(&root, &parse(&note.path)).unwrap_or_else(|| panic!("{} after {}", note.path, leaf.path_text()));
                allowed.extend(derived.ranges());
                allowed.extend(derived.copies());
            }
        }
        allowed.extend(told_lengths(&out));
        allowed.extend(moved(&root, &out));
        let resized = grown || new.len() != bytes.len();
        if !leaf.is_stored() {
            // what shows a default is stored once it has another value
        } else if !resized {
            for at in differences(&bytes, &new) {
                prop_assert!(within(at, &allowed), "byte {} changed, {} is in {:?}", at, leaf.path_text(), leaf.ranges());
            }
        } else if no_fix {
            // spelled otherwise (what is compressed), and no length says so: it cannot be read back
            prop_assert!(sample.is_base64() || only_resized(&bytes, &new, &allowed), "{} of {}", leaf.path_text(), sample.name);
            return Ok(());
        } else {
            prop_assert!(!out.report.notes.is_empty(), "{} of {}", leaf.path_text(), sample.name);
        }
        let again = decode(sample, &new);
        let read = follow(&again, &path).and_then(|n| n.actual());
        let wanted = Some(value);
        if !same(read.as_ref(), wanted.as_ref()) {
            let damaged = input.1.is_some();
            let guessed = match sample.format {
                "pg_wal" => {
                    damaged && guesses::is_unlinked(&root, &path)
                        || guesses::is_only_magic(&again, &path)
                }
                "http2" | "pcap" | "pcapng" => {
                    guesses::is_mark(&root, &path, sample, input.1)
                        || guesses::is_remnant(&leaf)
                        || guesses::is_mark_of_call(&root, &path)
                        || wanted.as_ref().is_some_and(|value| {
                            guesses::leaves_metadata(&path, value)
                                || guesses::becomes_name(&path, value)
                                || guesses::becomes_informational(&path, value)
                        })
                        || protobuf::is_read_otherwise(&edited, &again, &path, no_fix)
                }
                _ => protobuf::is_read_otherwise(&edited, &again, &path, no_fix),
            };
            // compared as a whole, shown in short
            let show = |v: &Option<Scalar>| v.as_ref().map(ToString::to_string);
            prop_assert!(
                guessed,
                "{} at {}, no_fix {no_fix}: {:?} became {:?}",
                sample.name, leaf.path_text(), show(&wanted), show(&read),
            );
            return Ok(());
        }
        if resized && is_length_as_text(&path) {
            prop_assert!(only_resized(&bytes, &new, &allowed), "{} of {}", leaf.path_text(), sample.name);
        } else if resized && leaf.is_stored() && sample.resizes() && !is_split(&out) {
            let notes: Vec<_> = out.report.notes.iter().map(|n| n.path.as_str()).collect();
            let moved = changed_elsewhere(&root, &again, &path, &allowed, &notes, (sample, input.1.is_some()));
            prop_assert!(moved.is_empty(), "{} of {} also changed {moved:?}; {notes:?}", leaf.path_text(), sample.name);
        }
    }

    /// Law 3: assigning the value that is there changes nothing.
    #[test]
    fn get_put(input in input(), seed in any::<u64>()) {
        let (sample, bytes) = bytes_of(input);
        let root = decode(sample, &bytes);
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
        let root = decode(sample, &bytes);
        let Some(path) = random_leaf(&root, rng) else { return Ok(()) };
        let leaf = follow(&root, &path).unwrap();
        let Some((_, edited)) = random_value(&leaf, rng, sample.resizes()) else { return Ok(()) };
        let grown = edited.bytes().map(|b| b.len() as u64).ok() != Some(leaf.span().len.div_ceil(8));
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
                    let at = parse(&note.path);
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
        let own = [leaf.ranges(), leaf.copies(), told_lengths(&out), moved(&root, &out)].concat();
        if is_split(&out) || !leaf.is_stored() || sample.is_base64() { return Ok(()) }
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
        let root = decode(sample, &bytes);
        look_at_everything(&root, &mut Rng::new(seed), 3);
    }

    /// Law 8: bytes that are no sample at all.
    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let bytes = Bytes::from(bytes);
        for format in binq_all::registry().names() {
            let root = decode_as(format, &bytes, &Options::default());
            look_at_everything(&root, &mut Rng::new(0), 10);
            prop_assert_eq!(encoded(&root, false).to_bytes(), bytes.clone());
        }
    }
}
