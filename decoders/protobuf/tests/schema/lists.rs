//! Repeated fields and maps.

use crate::common::{bytes, get, hex, int, object, path, set, show, text, update};
use crate::{add, all3, list};
use binq_core::{Node, Plain};

#[test]
fn repeated_fields_packed_and_not() {
    // r_int32: packed [1,2], single 3, packed [], packed [4]; r_string between
    let root = all3(hex(
        "ba 01 02 01 02 da 01 01 61 b8 01 03 ba 01 00 ba 01 01 04",
    ));
    assert_eq!(
        show(&get(&root, ".")),
        r#"{r_int32:[1,2,3,4],r_string:["a"]}"#
    );
    assert_eq!(
        bytes(&set(&root, ".r_int32[1]", int(300)))[..6],
        hex("ba 01 03 01 ac 02")
    );
    assert_eq!(
        bytes(&set(&root, ".r_int32[2]", int(300)))[9..13],
        hex("b8 01 ac 02")
    );
    let array = root.field("r_int32").unwrap();
    let item = |i: u64| Plain::Node(array.item(i).unwrap());
    for (items, expected) in [
        (
            vec![item(0), item(1), item(2), item(3), int(5)],
            "ba 01 02 01 02 da 01 01 61 b8 01 03 ba 01 00 ba 01 02 04 05",
        ),
        (
            vec![item(0), int(9), item(1), item(2), item(3)],
            "ba 01 03 01 09 02 da 01 01 61 b8 01 03 ba 01 00 ba 01 01 04",
        ),
        (
            vec![item(1), item(2), item(3)],
            "ba 01 01 02 da 01 01 61 b8 01 03 ba 01 00 ba 01 01 04",
        ),
        (
            vec![item(0), item(1), item(3)],
            "ba 01 02 01 02 da 01 01 61 ba 01 00 ba 01 01 04",
        ),
        (
            vec![item(2), item(0), item(1), item(3)],
            "ba 01 03 03 01 02 da 01 01 61 ba 01 00 ba 01 01 04",
        ),
        (
            vec![item(0), item(1), item(2), int(6), item(3)],
            "ba 01 02 01 02 da 01 01 61 b8 01 03 b8 01 06 ba 01 00 ba 01 01 04",
        ),
    ] {
        let mut edited = root.clone();
        edited.put_field(array.clone().set_items(items).unwrap());
        assert_eq!(bytes(&edited), hex(expected));
    }
    assert_eq!(
        bytes(&add(&all3(""), "r_int32", list([int(1), int(-1)]))),
        hex("ba 01 0b 01 ffffffffffffffffff01")
    );
    assert_eq!(
        bytes(&add(&all3(""), "r_unpacked", list([int(1), int(2)]))),
        hex("f8 01 01 f8 01 02")
    );
    // messages keep their fields, in any place
    let root = all3(hex("f2 01 02 08 01 18 07 f2 81 00 05 08 02 12 01 78"));
    let array = root.field("r_message").unwrap();
    let swapped = vec![
        Plain::Node(array.item(1).unwrap()),
        Plain::Node(array.item(0).unwrap()),
    ];
    let mut edited = root.clone();
    edited.put_field(array.clone().set_items(swapped).unwrap());
    let out = bytes(&edited);
    assert!(
        out == hex("f2 81 00 05 08 02 12 01 78 f2 01 02 08 01 18 07")
            || out == hex("18 07 f2 81 00 05 08 02 12 01 78 f2 01 02 08 01"),
        "{out:02x?}"
    );
}

#[test]
fn maps_are_objects() {
    // {"a": 1, "b": (no value)}, a again with 2
    let root = all3(hex(
        "ca 02 05 0a 01 61 10 01 ca 02 03 0a 01 62 ca 02 05 0a 01 61 10 02",
    ));
    assert_eq!(show(&get(&root, ".m_string_int32")), "{a:2,b:0}");
    assert_eq!(
        bytes(&set(&root, ".m_string_int32.a", int(300)))[14..],
        hex("ca 02 06 0a 01 61 10 ac02")
    );
    assert_eq!(
        bytes(&set(&root, ".m_string_int32.b", int(0))),
        bytes(&root)
    );
    assert_eq!(
        bytes(&set(&root, ".m_string_int32.b", int(7)))[8..16],
        hex("ca 02 05 0a 01 62 10 07")
    );
    let map = |f: &mut dyn FnMut(Node) -> Result<Node, binq_core::Reject>| {
        bytes(&update(&root, &path(".m_string_int32"), f).unwrap())
    };
    assert_eq!(map(&mut |n| n.remove_field("a")), hex("ca 02 03 0a 01 62"));
    assert_eq!(
        map(&mut |n| n.add_field("c", int(3)))[22..],
        hex("ca 02 05 0a 01 63 10 03")
    );
    assert_eq!(
        map(&mut |n| n.assign(object([("b", int(1))]))),
        hex("ca 02 05 0a 01 62 10 01")
    );
    let ints = add(&all3(""), "m_int64_string", object([("-5", text("x"))]));
    assert_eq!(
        bytes(&ints),
        hex("d2 02 0e 08 fbffffffffffffffff01 12 01 78")
    );
    assert_eq!(show(&get(&ints, ".m_int64_string.-5")), r#""x""#);
    let refused = all3("")
        .add_field("m_int64_string", object([("x", text("x"))]))
        .unwrap_err();
    assert!(refused.to_string().contains("a key is an integer"));
    // growth passes through entry and message
    let nested = all3(hex("da 02 08 08 01 12 04 12 02 6869"));
    assert_eq!(show(&get(&nested, ".m_bool_message.true.b")), r#""hi""#);
    assert_eq!(
        bytes(&set(&nested, ".m_bool_message.true.b", text("hello"))),
        hex("da 02 0b 08 01 12 07 12 05 68656c6c6f")
    );
    // a value in two records is merged, as a field is; the lengths around both follow
    let split = all3(hex("da 02 0c 08 01 12 02 08 05 12 04 12 02 6869"));
    assert_eq!(
        show(&get(&split, ".m_bool_message.true")),
        r#"{a:5,b:"hi"}"#
    );
    let edited = set(&split, ".m_bool_message.true.b", text("hello"));
    assert_eq!(
        bytes(&edited),
        hex("da 02 0f 08 01 12 02 08 05 12 07 12 05 68656c6c6f")
    );
    let edited = set(&edited, ".m_bool_message.true.a", int(300));
    assert_eq!(
        bytes(&edited),
        hex("da 02 10 08 01 12 03 08 ac02 12 07 12 05 68656c6c6f")
    );
    let gone = update(&split, &path(".m_bool_message"), &mut |n| {
        n.remove_field("true")
    });
    assert_eq!(bytes(&gone.unwrap()), hex(""));
    let new = set(&split, ".m_bool_message.true", object([("a", int(1))]));
    let again = all3(bytes(&new));
    assert_eq!(show(&get(&again, ".m_bool_message.true")), "{a:1}");
}
