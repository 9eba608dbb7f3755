//! What a codec says of its values before any is decoded holds for all of them: columns are typed by that.

use crate::samples::{SAMPLES, are_all, decode};
use binq_core::codec::Representation;
use std::collections::BTreeMap;

/// As many leaves of a sample are looked at.
const MOST: u64 = 20_000;

#[test]
fn values_are_what_their_codecs_say() {
    let mut typed: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for sample in SAMPLES.iter() {
        let mut left = MOST;
        let counts = typed.entry(sample.format).or_default();
        binq_laws::leaves(&decode(sample, &sample.bytes), &mut |leaf| {
            let Some(said) = leaf.representation().filter(|_| left > 0) else {
                return;
            };
            left -= 1;
            counts[usize::from(said != Representation::Mixed)] += 1;
            if let Some(value) = leaf.actual() {
                let path = leaf.path_text();
                assert!(
                    said.fits(&value),
                    "{}: {path} is {value}, no {said:?}",
                    sample.name
                );
            }
        });
    }
    for (format, share) in [
        ("pg_wal", 95),
        ("pg_control", 95),
        ("png", 95),
        ("zip", 90),
        ("pcap", 80),
    ] {
        // there are others with `BINQ_LAWS`
        let Some([mixed, known]) = typed.get(format).copied() else {
            assert!(!are_all(), "{format} has no samples");
            continue;
        };
        assert!(
            known * 100 >= (mixed + known) * share,
            "{format}: {known} of {}",
            mixed + known
        );
    }
}
