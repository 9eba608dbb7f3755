//! pg_waldump and binq agree on every record of every sample.

use crate::common::{records, samples};
use crate::oracle::{dump, major_of, pg_waldump, skip_waldump};
use std::fs;

fn agree(major: u32) {
    if pg_waldump(major).is_none() {
        return skip_waldump(major);
    }
    let mut compared = 0;
    for path in samples() {
        let segment = fs::read(&path).unwrap();
        if major_of(&segment) != major {
            continue;
        }
        let theirs = dump(&segment).expect("it was found above").records;
        let ours = records(&path);
        let name = path.display();
        for (a, b) in ours.iter().zip(&theirs) {
            assert_eq!(a, b, "{name}: binq, pg_waldump");
        }
        assert_eq!(ours.len(), theirs.len(), "{name}: records");
        compared += ours.len();
    }
    assert!(compared > 5_000, "only {compared} records were compared");
    println!("{compared} records of major {major} agree");
}

macro_rules! majors {
    ($($name:ident $major:literal)*) => {
        $(#[test] fn $name() { agree($major) })*
    };
}

majors! {
    major_12 12
    major_13 13
    major_14 14
    major_15 15
    major_16 16
    major_17 17
    major_18 18
}

#[test]
fn skips_are_failures_where_oracles_are_required() {
    // of 15 there must be one; this says so even if all tests above were changed to skip
    if binq_laws::required() {
        assert!(pg_waldump(15).is_some(), "no pg_waldump of major 15");
        assert!(crate::oracle::server(15).is_some(), "no server of major 15");
        assert!(crate::oracle::psql().is_some(), "no psql");
    }
}
