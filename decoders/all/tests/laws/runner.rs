//! Cases, and what became of them.

use crate::samples::{SAMPLES, Sample, are_all};
use binq_laws::{Rng, damage};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// A sample, damaged or not, and a generator for what is done with it.
pub struct Case {
    pub sample: &'static Sample,
    pub bytes: Bytes,
    pub damaged: bool,
    pub rng: Rng,
}

/// What became of a case.
pub enum Done {
    /// Something was asserted, of this kind.
    Asserted(&'static str),
    /// The law is not asked, for a reason that has a name, and a bound.
    Excused(&'static str),
    /// There was nothing to do.
    Ended(&'static str),
}

/// What became of all cases, by name.
#[derive(Default)]
pub struct Tally {
    pub cases: u64,
    pub asserted: u64,
    pub names: BTreeMap<&'static str, u64>,
}

/// How many cases a law has: always the same ones, so that a change is judged by what it changed; `PROPTEST_CASES` asks for
/// other numbers of them, and for others each time.
fn asked() -> Option<u64> {
    let cases = std::env::var("PROPTEST_CASES").ok()?;
    cases.parse().ok()
}

/// Whether the cases are those that everybody runs.
fn is_default() -> bool {
    let set = |name| std::env::var(name).is_ok();
    !["PROPTEST_CASES", "BINQ_SEED", "BINQ_LAWS"]
        .into_iter()
        .any(set)
}

/// Run the cases of a law.
///
/// Of the default ones at least nine in ten must assert something, and each excuse may be used by no more of a thousand cases
/// than `excuses` says.
pub fn run(
    most: u64,
    excuses: &[(&'static str, u64)],
    law: impl Fn(&mut Case) -> Result<Done, String>,
) -> Tally {
    let seed = match (std::env::var("BINQ_SEED"), asked()) {
        (Ok(seed), _) => seed.parse().expect("BINQ_SEED is a number"),
        (_, None) => 1,
        (_, Some(_)) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.expect("a clock").as_nanos() as u64
        }
    };
    let cases = asked().unwrap_or(most);
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let mut excused = BTreeSet::new();
    for i in 0..cases {
        let seed = seed.wrapping_add(i);
        let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let sample = &SAMPLES[rng.below(SAMPLES.len() as u64) as usize];
        let damaged = rng.one_in(2);
        let bytes = match damaged {
            true => damage(&sample.bytes, &mut rng),
            false => sample.bytes.clone(),
        };
        let mut case = Case {
            sample,
            bytes,
            damaged,
            rng,
        };
        tally.cases += 1;
        match law(&mut case) {
            Ok(Done::Asserted(what)) => {
                tally.asserted += 1;
                *tally.names.entry(what).or_default() += 1;
            }
            Ok(Done::Excused(why) | Done::Ended(why)) => {
                excused.insert(why);
                *tally.names.entry(why).or_default() += 1;
            }
            Err(what) => failures.push(format!(
                "BINQ_SEED={seed} PROPTEST_CASES=1: {} as {}{}: {what}",
                sample.name,
                sample.format,
                if damaged { ", damaged" } else { "" }
            )),
        }
    }
    println!("{} of {cases} asserted: {:#?}", tally.asserted, tally.names);
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    for (name, n) in &tally.names {
        let is_excuse = excused.contains(name);
        let bound = excuses.iter().find(|(e, _)| e == name);
        assert!(
            !is_excuse || bound.is_some(),
            "{name:?} is an excuse without a bound"
        );
        if let Some((_, most)) = bound.filter(|_| are_all()) {
            // a few more where chance chose the cases
            let more = if is_default() {
                0
            } else {
                most * cases / 2000 + 5
            };
            let most = (most * cases).div_ceil(1000) + more;
            assert!(
                *n <= most,
                "{n} of {cases} cases are excused as {name:?}; at most {most}"
            );
        }
    }
    if is_default() {
        assert!(
            tally.asserted * 10 >= cases * 9,
            "only {} of {cases} cases assert something",
            tally.asserted
        );
    }
    tally
}
