//! One below, at and above: sizes, ranges and depths, and what is said on the wrong side.

mod common;

use binq_core::{Format, Node, Options, Plain, Scalar, Space};
use binq_protobuf::wire::build::record_of;
use binq_protobuf::{Delimited, Protobuf};
use common::{bytes, get, hex, int, object, set, show, text};

fn with_proto(message: &str, content: &str) -> Node {
    let set = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/protobuf/types.desc"
    );
    let mut options = Options::default();
    options
        .lists
        .insert("descriptor_set".into(), vec![set.into()]);
    options.values.insert("message".into(), message.into());
    Protobuf.decode(Space::source(hex(content)), &options)
}

#[test]
fn numbers_of_a_record_fit_its_wire_type() {
    let built = |wire_type: &str, n: i128| {
        let value = Plain::Scalar(Scalar::Int(n));
        let pairs = [
            ("number", int(1)),
            ("wire_type", text(wire_type)),
            ("value", value),
        ];
        record_of(&object(pairs))
    };
    for (wire_type, bits) in [("I32", 32), ("I64", 64), ("VARINT", 64)] {
        let (least, most) = (-(1i128 << (bits - 1)), (1i128 << bits) - 1);
        for n in [least, least + 1, -1, 0, 1, most - 1, most] {
            assert!(built(wire_type, n).is_ok(), "{wire_type} {n}");
        }
        for n in [least - 1, most + 1] {
            assert!(built(wire_type, n).is_err(), "{wire_type} {n}");
        }
    }
    assert_eq!(built("I32", -2).unwrap(), hex("0d feffffff"));
    assert_eq!(built("I32", 4_294_967_295).unwrap(), hex("0d ffffffff"));
    assert_eq!(built("VARINT", 127).unwrap(), hex("08 7f"));
    assert_eq!(built("VARINT", 128).unwrap(), hex("08 8001"));
}

#[test]
fn field_numbers_have_a_range() {
    let built = |number: i64| record_of(&object([("number", int(number)), ("value", int(1))]));
    assert_eq!(built(1).unwrap(), hex("08 01"));
    assert_eq!(built(15).unwrap(), hex("78 01"));
    assert_eq!(built(16).unwrap(), hex("80 01 01"));
    assert_eq!(built(536_870_911).unwrap(), hex("f8 ff ff ff 0f 01"));
    for number in [-1, 0, 536_870_912] {
        assert!(built(number).is_err(), "{number}");
    }
}

#[test]
fn a_stream_has_messages_and_nothing_else() {
    let root = Delimited.decode(Space::source(hex("02 08 01 00")), &Options::default());
    assert_eq!(root.field("messages").map(|m| m.len()), Some(2));
    assert!(root.field("message").is_none());
    assert!(root.field("").is_none());
}

/// The fields of a message that is split lie where they are in its pieces.
#[test]
fn fields_of_a_split_message_have_their_places() {
    // f_message: {a: 1}, f_int32: 5, f_message: {b: "xyx", a: 3}
    let root = with_proto("all3.All", "8a0102 0801 1805 8a0107 1203787978 0803");
    let message = root.field("f_message").unwrap();
    let at = |name: &str| message.field(name).unwrap().offset();
    assert_eq!((at("a"), at("b")), (16, 12));
    let edited = bytes(&set(&root, ".f_message.a", int(300)));
    assert_eq!(edited, hex("8a0102 0801 1805 8a0108 1203787978 08ac02"));
    let edited = bytes(&set(&root, ".f_message.b", text("")));
    assert_eq!(edited, hex("8a0102 0801 1805 8a0104 1200 0803"));
}

/// A reader refuses a message for any of its values, so it has no JSON.
#[test]
fn a_wrapper_with_a_bad_value_before_the_last_one_is_no_leaf() {
    let sound = with_proto("all3.All", "c20406 0a0162 0a0161");
    assert_eq!(show(&get(&sound, ".w_string")), r#""a""#);
    let bad = with_proto("all3.All", "c20406 0a01ff 0a0161");
    assert_eq!(show(&get(&bad, ".w_string")), r#"{value:"a"}"#);
}

/// A number of a known type is assigned as it is stored where that is the same wire type, and by its value elsewhere.
#[test]
fn a_typed_number_is_assigned_as_it_is_stored() {
    let typed = with_proto("all3.All", "38 06 15 0102c07f 09 000000000000f83f");
    let field = |name: &str| Plain::Node(typed.field(name).unwrap());
    // 3 in zigzag
    let root = common::wire(hex("08 00 15 00000000"));
    assert_eq!(
        bytes(&set(&root, ".1", field("f_sint32"))),
        hex("08 06 15 00000000")
    );
    assert_eq!(
        bytes(&set(&root, ".2", field("f_sint32"))),
        hex("08 00 15 03000000")
    );
    assert_eq!(
        bytes(&set(&root, ".2", field("f_double"))),
        hex("08 00 15 0000c03f")
    );
    // a new record has its wire type
    for (name, stored) in [
        ("f_sint32", "08 06"),
        ("f_float", "0d 0102c07f"),
        ("f_double", "09 000000000000f83f"),
    ] {
        let pairs = [("number", int(1)), ("value", field(name))];
        assert_eq!(record_of(&object(pairs)).unwrap(), hex(stored), "{name}");
    }
}

#[test]
fn what_is_cut_is_told_with_how_much_is_there() {
    for (input, told) in [
        ("0d", "expected 4 bytes, found 0 bytes"),
        ("0d 010203", "expected 4 bytes, found 3 bytes"),
        ("09 01", "expected 8 bytes, found 1 bytes"),
        ("09 01020304050607", "expected 8 bytes, found 7 bytes"),
    ] {
        let root = common::wire(hex(input));
        let fault = root.fault().expect("a fault");
        let found = format!("expected {}, found {}", fault.expected, fault.found);
        assert_eq!(found, told, "{input}");
    }
    for input in ["0d 01020304", "09 0102030405060708", ""] {
        assert!(common::wire(hex(input)).fault().is_none(), "{input}");
    }
}

#[test]
fn words_of_protoscope() {
    use binq_protobuf::text::protoscope::read;
    for (text, stored) in [
        ("true", "01"),
        ("false", "00"),
        ("inf32", "0000807f"),
        ("-inf32", "000080ff"),
        ("inf64", "000000000000f07f"),
        ("-inf64", "000000000000f0ff"),
        ("1: inf32", "0d 0000807f"),
        ("1: -inf64", "09 000000000000f0ff"),
        ("1: true", "08 01"),
        ("long-form:0 1", "01"),
        ("long-form:1 1", "8100"),
        ("long-form:2 1", "818000"),
    ] {
        assert_eq!(read(text), Ok(hex(stored)), "{text}");
    }
    for (text, why) in [
        (
            "long-form:1 long-form:1 1",
            "protoscope, line 1, column 13: expected an integer or braces after long-form",
        ),
        (
            "long-form:x 1",
            "protoscope, line 1, column 1: long-form:x: not a number of bytes",
        ),
    ] {
        assert_eq!(read(text), Err(why.to_owned()));
    }
    // longer than any reader takes
    for extra in [9, 10, 11, 20, 1000] {
        let made = read(&format!("long-form:{extra} 1")).unwrap();
        assert_eq!((made.len(), made[0], made[extra]), (extra + 1, 0x81, 0));
        assert!(made[1..extra].iter().all(|b| *b == 0x80));
    }
}

#[test]
fn a_set_that_does_not_hold_together_is_told() {
    // a.proto, which imports b.proto
    let set = hex("0a 12 0a 07 61 2e 70 72 6f 74 6f 1a 07 62 2e 70 72 6f 74 6f");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("unheld.desc");
    std::fs::write(&path, set).unwrap();
    let mut options = Options::default();
    options
        .lists
        .insert("descriptor_set".into(), vec![path.into()]);
    options.values.insert("message".into(), "A".into());
    let root = Protobuf.decode(Space::source(hex("08 01")), &options);
    let told = format!("{:?}", root.fault());
    assert!(
        told.contains("not a FileDescriptorSet that holds together: imported file 'b.proto'"),
        "{told}"
    );
}
