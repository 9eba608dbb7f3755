//! Singular fields: read, set, deleted, members of oneofs.

use crate::common::{bytes, get, hex, int, object, path, set, show, text, update};
use crate::{add, all3, list};
use binq_core::{Plain, Scalar};

#[test]
fn fields_by_name() {
    // f_int32 -1 in five bytes, f_sint32 padded, f_string, f_enum unknown, f_message
    let root = all3(hex(
        "18 ff ff ff ff 0f 38 83 00 72 02 6869 80 01 07 8a 01 04 08 05 18 01",
    ));
    assert_eq!(
        show(&get(&root, ".")),
        r#"{f_int32:-1,f_sint32:-2,f_string:"hi",f_enum:7,f_message:{a:5,unknown:[{number:3,wire_type:"VARINT",value:1}]}}"#
    );
    assert_eq!(
        bytes(&set(&root, ".f_sint32", int(3)))[6..9],
        hex("38 86 00")
    );
    assert_eq!(
        bytes(&set(&root, ".f_enum", text("GREEN")))[13..16],
        hex("80 01 02")
    );
    assert_eq!(
        show(&get(&set(&root, ".f_enum", int(-1)), ".f_enum")),
        r#""MINUS""#
    );
    let refused = update(&root, &path(".f_enum"), &mut |n| n.assign(text("BLUE"))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#".f_enum at byte 15: takes one of NONE, RED, GREEN, MINUS, or an integer from -2147483648 to 2147483647, not "BLUE""#
    );
    let refused = root
        .clone()
        .add_field("nope", int(1))
        .unwrap_err()
        .to_string();
    assert!(
        refused.starts_with(r#". has no field "nope"; it has f_double, f_float, f_int32"#),
        "{refused}"
    );
}

#[test]
fn the_last_one_wins_and_messages_merge() {
    // f_int32 twice; f_message twice: {a:1, b:"x"} and {a:2}
    let root = all3(hex("18 01 8a 01 05 08 01 12 01 78 18 02 8a 01 02 08 02"));
    assert_eq!(
        show(&get(&root, ".")),
        r#"{f_int32:2,f_message:{a:2,b:"x"}}"#
    );
    assert_eq!(
        bytes(&set(&root, ".f_int32", int(300))),
        hex("18 01 8a 01 05 08 01 12 01 78 18 ac02 8a 01 02 08 02")
    );
    // the piece that has the field grows, and only its length follows
    assert_eq!(
        bytes(&set(&root, ".f_message.b", text("yes"))),
        hex("18 01 8a 01 07 08 01 12 03 796573 18 02 8a 01 02 08 02")
    );
    let longer = update(&root, &path(".f_message"), &mut |n| {
        n.add_field("nums", list([int(1)]))
    })
    .unwrap();
    assert_eq!(
        bytes(&longer),
        hex("18 01 8a 01 05 08 01 12 01 78 18 02 8a 01 05 08 02 22 01 01")
    );
    assert_eq!(
        bytes(&root.clone().remove_field("f_message").unwrap()),
        hex("18 01 18 02")
    );
}

#[test]
fn absent_fields_are_set_and_present_ones_deleted() {
    let root = all3(hex("18 01"));
    assert_eq!(
        bytes(&add(&root, "f_string", text("hi"))),
        hex("18 01 72 02 6869")
    );
    let message = object([("a", int(5)), ("next", object([("b", text("x"))]))]);
    let with = add(&root, "f_message", message);
    assert_eq!(bytes(&with), hex("18 01 8a 01 07 08 05 1a 03 12 01 78"));
    assert_eq!(show(&get(&with, ".f_message.next.b")), r#""x""#);
    // edits of what was added
    assert_eq!(
        bytes(&set(&with, ".f_message.next.b", text("xyz"))),
        hex("18 01 8a 01 09 08 05 1a 05 12 03 78797a")
    );
    assert_eq!(
        bytes(&with.remove_field("f_message").unwrap()),
        hex("18 01")
    );
    assert_eq!(
        bytes(&root.clone().remove_field("f_int32").unwrap()),
        hex("")
    );
    // a whole object: what is there stays as it is spelled
    let padded = all3(hex("18 81 00 72 02 6869"));
    let whole = object([
        ("f_int32", int(1)),
        ("f_bool", Plain::Scalar(Scalar::Bool(true))),
    ]);
    assert_eq!(bytes(&set(&padded, ".", whole)), hex("18 81 00 68 01"));
}

#[test]
fn oneofs_switch() {
    let root = all3(hex("9a 03 01 18 01"
        .replace("9a 03 01", "98 03 05")
        .as_str()));
    assert_eq!(show(&get(&root, ".")), "{c_int32:5,f_int32:1}");
    let other = add(&root, "c_string", text("a"));
    assert_eq!(show(&get(&other, ".")), r#"{f_int32:1,c_string:"a"}"#);
    assert_eq!(bytes(&other), hex("a2 03 01 61 18 01"));
    let back = add(&other, "c_int32", int(6));
    assert_eq!(bytes(&back), hex("98 03 06 18 01"));
    assert_eq!(
        bytes(&other.remove_field("c_string").unwrap()),
        hex("18 01")
    );
    // of two members in the bytes, the last one counts; deleting it does not bring the other back
    let both = all3(hex("98 03 05 a2 03 01 61"));
    assert_eq!(show(&get(&both, ".")), r#"{c_string:"a"}"#);
    assert!(both.field("c_int32").is_none());
    assert_eq!(
        bytes(&both.clone().remove_field("c_string").unwrap()),
        hex("")
    );
    assert_eq!(bytes(&add(&both, "c_int32", int(7))), hex("98 03 07"));
}
