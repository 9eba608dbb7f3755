//! Law 1: what was decoded is all that there is.
//!
//! Encoding copies what no edit touches, so its output alone would say nothing of the decoder. Here every input is put together
//! anew: each leaf from its value, by its codec, each length prefix, each layer down to where its bytes came from.

use crate::runner::{Done, run};
use crate::samples::{SAMPLES, Sample, decode};
use binq_core::encode::{EncodeOptions, encode, rebuild};

/// How many bytes no field shows, by sample: padding in C structs, undefined flags in the log, and what a schema has no place for, such as
/// earlier values of a field that is there twice; without the schema it is shown. May only become fewer.
const UNSHOWN: &[(&str, &str, u64)] = &[
    ("pg12.wal", "pg_wal", 16968),
    ("pg13.wal", "pg_wal", 16885),
    ("pg14.wal", "pg_wal", 17416),
    ("pg15-aborted-head.wal", "pg_wal", 4816),
    ("pg15-lz4-zstd.wal", "pg_wal", 5990),
    ("pg15-overwrite-contrecord.wal", "pg_wal", 15569),
    ("pg15-recycled.wal", "pg_wal", 5161),
    ("pg15-switch.wal", "pg_wal", 460462),
    ("pg15.wal", "pg_wal", 17224),
    ("pg16.wal", "pg_wal", 17265),
    ("pg17.wal", "pg_wal", 17172),
    ("pg18.wal", "pg_wal", 17212),
    ("pg12.control", "pg_control", 34),
    ("pg13.control", "pg_control", 35),
    ("pg14.control", "pg_control", 35),
    ("pg15-stopped.control", "pg_control", 35),
    ("pg15.control", "pg_control", 35),
    ("pg16.control", "pg_control", 35),
    ("pg17.control", "pg_control", 31),
    ("pg18.control", "pg_control", 34),
    ("protobuf/all2", "protobuf_delimited", 1046),
    ("protobuf/all2", "grpc_message", 1046),
    ("protobuf/all3", "protobuf", 16),
    ("protobuf/all3", "protobuf_delimited", 4001),
    ("protobuf/all3", "grpc_message", 4001),
    ("protobuf/edition", "protobuf", 142),
    ("protobuf/edition", "protobuf_delimited", 1018),
    ("protobuf/edition", "grpc_message", 1018),
];

fn unshown(sample: &Sample) -> u64 {
    let found = UNSHOWN
        .iter()
        .find(|(name, format, _)| *name == sample.name && *format == sample.format);
    found.map_or(0, |(.., bytes)| *bytes)
}

#[test]
fn every_sample_is_the_sum_of_its_parts() {
    let mut wrong = Vec::new();
    for sample in SAMPLES.iter() {
        let rebuilt = rebuild(&decode(sample, &sample.bytes));
        let unowned: u64 = rebuilt.unowned().iter().map(|s| s.len / 8).sum();
        if unowned > unshown(sample) || !rebuilt.wrong.is_empty() {
            wrong.push(format!(
                "(\"{}\", \"{}\", {unowned}), {:?}",
                sample.name, sample.format, rebuilt.wrong
            ));
        }
        assert!(
            rebuilt.encoded * 50 > rebuilt.copied,
            "{}: little has a value",
            sample.name
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_damaged_too() {
    run(300, &[], |case| {
        let root = decode(case.sample, &case.bytes);
        let copied = encode(&root, &EncodeOptions::default()).map_err(|e| e.to_string())?;
        if copied.to_bytes() != case.bytes {
            return Err("the copy differs".to_owned());
        }
        let rebuilt = rebuild(&root);
        if let Some(wrong) = rebuilt.wrong.first() {
            return Err(wrong.clone());
        }
        let mut expected = case.bytes.to_vec();
        for span in rebuilt.unowned() {
            let (from, to) = (span.first_byte() as usize, span.end_byte() as usize);
            expected[from..to].copy_from_slice(&rebuilt.bytes[from..to]);
        }
        match rebuilt.bytes == expected {
            true => Ok(Done::Asserted("rebuilt")),
            false => Err("what was rebuilt differs".to_owned()),
        }
    });
}
