//! Values at a border, and fields that are there twice.

use super::*;
use binq_core::NodeKind;
use binq_core::columns::Cell;
use common::{bytes, get, hex, int, object, set, show, text};

fn decode(content: &str, of: &str) -> Node {
    Protobuf.decode(
        Space::source(hex(content)),
        &options("borders.proto", of, &[]),
    )
}

/// Whether a field takes a value, through an assignment and in a new message.
fn takes(name: &str, value: Plain) -> bool {
    let root = decode("49 00000000 69 0000000000000000 60 00", "b.B");
    let field = root.field(name).map(|field| field.assign(value.clone()));
    let of = sets::schema("borders.proto").message("b.B").unwrap();
    let made = binq_protobuf::schema::new_message(of, &object([(name, value)]));
    if let Some(field) = field {
        assert_eq!(field.is_ok(), made.is_ok(), "{name}");
    }
    made.is_ok()
}

#[test]
fn a_number_out_of_range_is_an_error() {
    let i = |n: i128| Plain::Scalar(Scalar::Int(n));
    let x = |n: f64| Plain::Scalar(Scalar::Float(n));
    for (name, least, most) in [
        ("s", i128::from(i32::MIN), i128::from(i32::MAX)),
        ("last", i32::MIN.into(), i32::MAX.into()),
        ("t", i64::MIN.into(), i64::MAX.into()),
    ] {
        assert!(takes(name, i(least)) && takes(name, i(most)), "{name}");
        assert!(
            !takes(name, i(least - 1)) && !takes(name, i(most + 1)),
            "{name}"
        );
        assert!(takes(name, x(2.0)) && !takes(name, x(2.5)), "{name}");
    }
    // a float takes what rounds to one, and infinity by itself
    assert!(takes("g", x(3.4e38)) && takes("g", x(f64::INFINITY)));
    assert!(!takes("g", x(3.5e38)) && !takes("g", x(-3.5e38)));
    assert!(takes("f", x(1.7e308)));
}

#[test]
fn a_oneof_or_a_field_given_twice_is_an_error() {
    let of = sets::schema("borders.proto").message("b.B").unwrap();
    let make = |value| binq_protobuf::schema::new_message(of, &value);
    let why = make(object([("c", int(1)), ("d", text("x"))])).unwrap_err();
    assert!(why.contains("of oneof o"), "{why}");
    // null is none
    let null = Plain::Scalar(Scalar::Null);
    let made = make(object([("c", int(1)), ("d", null)])).unwrap();
    assert_eq!(bytes(&made), hex("70 01"));
    assert!(make(object([("last", int(1)), ("last", int(2))])).is_err());
    // a field of that name is a field
    let made = make(object([("_error", int(7))])).unwrap();
    assert_eq!(bytes(&made), hex("90 01 07"));
}

#[test]
fn a_group_that_is_there_twice_grows() {
    let root = decode("43 08 01 44 43 08 02 44", "b.B");
    let group = root.fields()[0].0.to_string();
    assert_eq!(show(&get(&root, &format!(".{group}.x"))), "2");
    let edited = set(&root, &format!(".{group}.x"), int(300));
    assert_eq!(bytes(&edited), hex("43 08 01 44 43 08 ac 02 44"));
}

#[test]
fn a_value_that_is_twice_in_an_entry_is_the_last_one() {
    let root = decode("5a 07 0a 01 6b 10 01 10 02", "b.B");
    assert_eq!(show(&get(&root, ".n")), "{k:2}");
    assert_eq!(
        bytes(&set(&root, ".n.k", int(300))),
        hex("5a 08 0a 01 6b 10 01 10 ac 02")
    );
    // a message is merged
    let root = decode("52 0b 0a 01 6b 12 02 08 01 12 02 10 02", "b.B");
    assert_eq!(show(&get(&root, ".m")), "{k:{a:1,b:2}}");
    assert_eq!(
        bytes(&set(&root, ".m.k.a", int(300))),
        hex("52 0c 0a 01 6b 12 03 08 ac 02 12 02 10 02")
    );
}

#[test]
fn what_is_skipped_is_told_by_the_last_of_a_field() {
    // last = 1, 2; last = 2, 1
    let root = decode("0a 04 60 01 60 02 0a 04 60 02 60 01", "b.Many");
    let all = root.field("all").unwrap();
    let mut columns = all.columns(&["last"]).unwrap();
    assert!(columns.advance(10));
    let last = &columns.batch().columns[0];
    let cells = [last.shown(0), last.shown(1)];
    assert_eq!(cells, [2, 1].map(|n| Cell::Value(Scalar::Int(n))));
    let second = columns.item(1).unwrap();
    assert_eq!(bytes(&second), hex("60 02 60 01"));
    assert_eq!(second.kind(), NodeKind::Object);
}

/// A field of the schema that is called as a fault is: it is assigned, and the fault stays reachable.
#[test]
fn a_field_called_error_is_a_field() {
    let root = decode("90 01 07 60", "b.B");
    assert_eq!(show(&Plain::Node(root.field("_error").unwrap())), "7");
    assert!(root.fault().is_some());
    let sound = decode("90 01 07", "b.B");
    let edited = sound
        .assign(object([("_error", int(8)), ("last", int(1))]))
        .unwrap();
    assert_eq!(bytes(&edited), hex("90 01 08 60 01"));
}

/// `-I DIR --proto NAME`: NAME is found in DIR, as protoc does, also where there is no such file here.
#[test]
fn a_file_is_found_in_the_directories_of_imports() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let load = |name: &str, dir: &str| {
        let mut options = Options::default();
        options.lists.insert("proto".into(), vec![name.into()]);
        options.lists.insert("proto_path".into(), vec![dir.into()]);
        binq_protobuf::schema::load::schema(&options)
    };
    for (name, dir) in [
        ("nested.proto", format!("{dir}/protos")),
        ("protos/nested.proto", dir.to_owned()),
    ] {
        let schema = load(name, &dir).unwrap().unwrap();
        assert!(schema.message("t.M").is_some(), "{name}");
    }
    let why = load("none.proto", dir).err().unwrap();
    assert!(why.contains("none.proto"), "{why}");
}

/// A schema of several types that is not told which one it is for is not passed over in silence.
#[test]
fn a_schema_that_is_not_used_is_an_error() {
    let mut options = options("nested.proto", "", &[]);
    options.values.remove("message");
    let root = Protobuf.decode(Space::source(hex("30 01")), &options);
    let fault = root.undecodable().expect("no type was named");
    assert!(fault.expected.contains("one of t.I, t.M"), "{fault}");
    // nothing is wrong before there is an input
    assert_eq!(Protobuf.check(&options), Ok(()));
    let root = Protobuf.decode(
        Space::source(hex("30 01")),
        &options.with("message", "".into()),
    );
    assert_eq!(show(&get(&root, ".6")), "1");
    assert!(root.undecodable().is_none());
}
