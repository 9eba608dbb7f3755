//! What is said of damage in JSON and in canonical bytes, and how deep messages go.

use super::sets::schema;
use super::*;
use binq_protobuf::schema::canonical::canonical;
use binq_protobuf::text::{from_json, json};
use common::hex;

#[test]
fn canonical_bytes_are_without_what_says_nothing() {
    let of = schema("all3.proto").message("all3.All").unwrap();
    for (stored, wanted) in [
        ("", ""),
        ("18 00", ""),
        ("18 01", "18 01"),
        ("18 01 18 00", ""),
        ("18 8100", "18 01"),
        // what is absent or there is told apart
        ("8a 01 00", "8a 01 00"),
        ("8a 01 02 08 00", "8a 01 00"),
        ("20 02 18 01", "18 01 20 02"),
    ] {
        let made = canonical(of, &hex(stored)).unwrap();
        assert_eq!(made, hex(wanted), "{stored}");
    }
    assert!(canonical(of, &hex("18")).is_err());
    assert!(canonical(of, &hex("8a 01 01 08")).is_err());
}

#[test]
fn what_is_damaged_has_no_json() {
    let of = schema("all3.proto").message("all3.All").unwrap();
    for content in [
        // the end is missing: of the message, of one in it, of a wrapper, of an item
        "18",
        "8a 01 01 08",
        "8a 01 02 12 05",
        "c2 04 01 0a",
        "ba 01 01 80",
    ] {
        let root = all3(hex(content));
        let why = json::message(of, &root).expect_err(content);
        assert!(why.contains("expected"), "{content}: {why}");
    }
    assert!(json::message(of, &all3(hex("18 01"))).is_ok());
}

#[test]
fn messages_in_each_other_have_an_end() {
    let of = schema("all3.proto").message("all3.Inner").unwrap();
    let reader = from_json::Reader {
        ignore_unknown: false,
    };
    let nested = |n: usize| {
        let mut value = Plain::Object(Vec::new());
        for _ in 0..n {
            value = Plain::Object(vec![("next".to_owned(), value)]);
        }
        reader.message(of, &value)
    };
    assert!(nested(100).is_ok());
    let told = nested(101).unwrap_err();
    assert!(
        told.ends_with("next: at most 100 messages in each other"),
        "{told}"
    );
    let mut deep = Vec::new();
    for _ in 0..100 {
        let mut outer = Vec::new();
        binq_protobuf::wire::build::len_record(3, &deep, &mut outer);
        deep = outer;
    }
    assert_eq!(canonical(of, &deep).as_deref(), Ok(&deep[..]));
    let mut outer = Vec::new();
    binq_protobuf::wire::build::len_record(3, &deep, &mut outer);
    assert_eq!(
        canonical(of, &outer).unwrap_err(),
        "at most 100 messages in each other"
    );
}

#[test]
fn a_list_or_a_message_is_no_scalar_of_a_new_message() {
    let of = schema("all3.proto").message("all3.All").unwrap();
    let root = all3(hex("ba 01 01 07 8a 01 00 18 05"));
    let made = |name: &str, from: &str| {
        let value = Plain::Node(root.field(from).unwrap());
        binq_protobuf::schema::new_message(of, &Plain::Object(vec![(name.to_owned(), value)]))
    };
    assert!(made("f_int32", "f_int32").is_ok());
    for name in ["f_int32", "f_string", "f_double", "f_bool", "o_int32"] {
        for from in ["r_int32", "f_message"] {
            assert!(made(name, from).is_err(), "{name} takes {from}");
        }
    }
}
