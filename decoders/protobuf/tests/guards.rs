//! Guards that nothing else would miss.

mod common;

use binq_core::{Format, Node, Options, Plain, Scalar, Space};
use binq_protobuf::Protobuf;
use common::{follow, path, set};
use std::path::Path;

/// A message of `all3.All`.
fn typed(bytes: &[u8]) -> Node {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/protobuf/types.desc");
    let mut options = Options::default();
    options
        .lists
        .insert("descriptor_set".to_owned(), vec![set.into()]);
    Protobuf.decode(
        Space::source(bytes.to_vec()),
        &options.with("message", "all3.All".into()),
    )
}

#[test]
fn a_nan_keeps_its_bits_when_it_is_assigned_nan() {
    // f_double and f_float with payloads that no other NaN has
    let mut bytes = vec![0x09, 1, 2, 3, 4, 5, 6, 0xf8, 0x7f];
    bytes.extend([0x15, 1, 2, 0xc0, 0x7f]);
    let root = typed(&bytes);
    for field in [".f_double", ".f_float"] {
        let same = set(&root, field, Plain::Scalar(Scalar::Float(f64::NAN)));
        assert_eq!(same.bytes().unwrap(), bytes, "{field}");
        // another value and back is no longer the same spelling, but the same value
        let other = set(&root, field, Plain::Scalar(Scalar::Float(1.0)));
        assert_ne!(other.bytes().unwrap(), bytes, "{field}");
    }
}

#[test]
fn an_array_or_an_object_is_no_scalar() {
    // r_int32: [7], f_message: {}
    let root = typed(&[0xba, 1, 1, 7, 0x18, 5]);
    let list = follow(&root, &path(".r_int32")).expect("a list");
    assert_eq!(list.len(), 1);
    let list = Plain::Node(list);
    for field in ["f_int32", "f_string", "f_double"] {
        let added = root
            .clone()
            .remove_field(field)
            .and_then(|r| r.add_field(field, list.clone()));
        assert!(added.is_err(), "{field} takes an array");
        let added = root
            .clone()
            .remove_field(field)
            .and_then(|r| r.add_field(field, Plain::Node(root.clone())));
        assert!(added.is_err(), "{field} takes an object");
    }
}

/// A group ends with its own end, which is no record of its own: nobody can add one.
#[test]
fn the_end_of_a_group_is_no_wire_type_of_a_record() {
    let root = common::wire([0x08, 1]);
    let fields = follow(&root, &path(".fields")).expect("records");
    for (wire_type, is_one) in [
        ("VARINT", true),
        ("I32", true),
        ("I64", true),
        ("EGROUP", false),
        ("nope", false),
    ] {
        let record = common::object([
            ("number", common::int(3)),
            ("wire_type", common::text(wire_type)),
            ("value", common::int(1)),
        ]);
        let items = vec![Plain::Node(fields.item(0).expect("a record")), record];
        let added = fields.clone().set_items(items);
        assert_eq!(added.is_ok(), is_one, "{wire_type}");
    }
}

/// Numbers at the borders of what a record of their type holds.
#[test]
fn fixed_numbers_take_all_that_fits_and_nothing_more() {
    for (name, min, max) in [
        ("f_fixed32", 0, i128::from(u32::MAX)),
        ("f_sfixed32", i128::from(i32::MIN), i128::from(i32::MAX)),
        ("f_fixed64", 0, i128::from(u64::MAX)),
        ("f_sfixed64", i128::from(i64::MIN), i128::from(i64::MAX)),
        ("f_int32", i128::from(i32::MIN), i128::from(i32::MAX)),
        ("f_uint32", 0, i128::from(u32::MAX)),
        ("f_sint32", i128::from(i32::MIN), i128::from(i32::MAX)),
        ("f_int64", i128::from(i64::MIN), i128::from(i64::MAX)),
        ("f_uint64", 0, i128::from(u64::MAX)),
        ("f_sint64", i128::from(i64::MIN), i128::from(i64::MAX)),
    ] {
        let root = typed(&[]);
        let put = |n: i128| root.clone().add_field(name, Plain::Scalar(Scalar::Int(n)));
        for n in [min, min + 1, 1, max - 1, max] {
            let edited = put(n).unwrap_or_else(|e| panic!("{name} = {n}: {e}"));
            let bytes = edited.bytes().unwrap();
            let again = typed(&bytes);
            assert_eq!(
                again.field(name).unwrap().actual(),
                Some(Scalar::Int(n)),
                "{name}"
            );
            // the same where the field is there, with another value
            let other = set(
                &typed(&bytes),
                &format!(".{name}"),
                Plain::Scalar(Scalar::Int(3)),
            );
            let back = set(
                &typed(&other.bytes().unwrap()),
                &format!(".{name}"),
                Plain::Scalar(Scalar::Int(n)),
            );
            assert_eq!(back.bytes().unwrap(), bytes, "{name} = {n}");
        }
        let there = typed(&put(3).unwrap().bytes().unwrap())
            .field(name)
            .unwrap();
        for n in [min - 1, max + 1] {
            let value = || Plain::Scalar(Scalar::Int(n));
            assert!(
                put(n).is_err() && there.clone().assign(value()).is_err(),
                "{name} takes {n}"
            );
        }
    }
}
