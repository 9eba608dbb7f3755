//! Every record of every sample, against what pg_waldump or pg_walinspect said of it when the sample was made.

use binq_core::{Format, Options, Scalar, Space};
use binq_postgres::wal::PgWal;
use std::path::{Path, PathBuf};

fn samples() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/pg_wal");
    let entries = std::fs::read_dir(&dir).expect("samples/pg_wal is there");
    let mut all: Vec<_> = entries
        .map(|e| e.expect("an entry of samples/pg_wal").path())
        .filter(|p| p.extension().is_some_and(|e| e == "wal"))
        .collect();
    all.sort();
    assert!(all.len() >= 7, "a sample for each major");
    all
}

fn text(s: Scalar) -> String {
    match s {
        Scalar::Str(s) => s.to_string(),
        Scalar::Int(i) => i.to_string(),
        other => panic!("not text or number: {other}"),
    }
}

#[test]
fn records_are_those_of_the_oracle() {
    let mut compared = 0;
    for sample in samples() {
        let Ok(oracle) = std::fs::read_to_string(sample.with_extension("records.tsv")) else {
            continue;
        };
        let bytes = std::fs::read(&sample).unwrap();
        let root = PgWal.decode(Space::source(bytes), &Options::default());
        let records: Vec<String> = root
            .field("records")
            .unwrap()
            .items()
            .map(|record| {
                assert_eq!(record.fault(), None, "{}", sample.display());
                let get = |name: &str| text(record.field(name).unwrap().scalar());
                let crc = record.field("xl_crc").unwrap().description();
                assert_eq!(crc.as_deref(), Some("valid"));
                [
                    "lsn",
                    "xl_prev",
                    "xl_xid",
                    "rmgr",
                    "record_type",
                    "xl_tot_len",
                ]
                .map(get)
                .join("\t")
            })
            .collect();
        let lines = oracle.lines().filter(|l| !l.starts_with('#')).skip(1);
        let expected: Vec<String> = lines
            .map(|l| l.split('\t').take(6).collect::<Vec<_>>().join("\t"))
            .collect();
        for (ours, theirs) in records.iter().zip(&expected) {
            assert_eq!(ours, theirs, "{}", sample.display());
        }
        assert_eq!(records.len(), expected.len(), "{}", sample.display());
        compared += records.len();
    }
    assert!(compared > 10_000, "{compared} records were compared");
}
