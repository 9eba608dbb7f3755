//! Law 8: any bytes, and every node of them, without a panic; what is shown of the walk is finite.

use crate::runner::{Done, run};
use crate::samples::{decode, decode_as};
use binq_core::Options;
use binq_core::encode::{EncodeOptions, encode};
use binq_laws::{Rng, look_at_everything};
use bytes::Bytes;

#[test]
fn samples() {
    run(1000, &[], |case| {
        let root = decode(case.sample, &case.bytes);
        look_at_everything(&root, &mut case.rng, 3);
        Ok(Done::Asserted("looked at"))
    });
}

/// Bytes that are no sample at all, in every format.
#[test]
fn noise() {
    for seed in 0..1000 {
        let rng = &mut Rng::new(seed);
        let len = rng.below(2000);
        let bytes: Bytes = (0..len).map(|_| rng.random() as u8).collect();
        for format in binq_all::registry().names() {
            let root = decode_as(format, &bytes, &Options::default());
            look_at_everything(&root, rng, 10);
            let out = encode(&root, &EncodeOptions::default()).expect("no edit is refused");
            assert_eq!(out.to_bytes(), bytes, "{format}, seed {seed}");
        }
    }
}
