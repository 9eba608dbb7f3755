//! The schema view: what it shows and what edits do to the bytes.

mod common;

use binq_core::{Format, Node, Options, Plain, Scalar, Space};
use binq_protobuf::Protobuf;
use common::{
    Rng, bytes, config, damage, get, hex, int, leaves, object, path, set, show, text, update,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn options(proto: &str, message: &str, on: &[&str]) -> Options {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
    let mut options = Options::default();
    options
        .lists
        .insert("proto".into(), vec![format!("{dir}/{proto}")]);
    options.lists.insert("proto_path".into(), vec![dir.into()]);
    options.values.insert("message".into(), message.into());
    for name in on {
        options.values.insert((*name).into(), Scalar::Bool(true));
    }
    options
}

fn all3(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("all3.proto", "all3.All", &[]),
    )
}

fn all2(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("all2.proto", "all2.All", &[]),
    )
}

fn edition(bytes: impl Into<Vec<u8>>) -> Node {
    Protobuf.decode(
        Space::source(bytes.into()),
        &options("edition.proto", "ed.All", &[]),
    )
}

fn add(root: &Node, name: &str, value: Plain) -> Node {
    root.clone()
        .add_field(name, value)
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn list<const N: usize>(items: [Plain; N]) -> Plain {
    Plain::Array(items.into())
}

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
}

#[test]
fn well_known_types_read_as_json_has_them() {
    let root = all3("");
    let mut edited = root.clone();
    let values = [
        ("timestamp", text("1972-01-01T10:00:20.021Z")),
        ("duration", text("-1.500s")),
        ("mask", text("fooBar,a.bC")),
        (
            "struct",
            object([
                ("a", int(1)),
                (
                    "b",
                    list([
                        Plain::Scalar(Scalar::Null),
                        text("x"),
                        object([("c", text("d"))]),
                    ]),
                ),
            ]),
        ),
        ("value", text("v")),
        ("list", list([int(1), list([])])),
        ("empty", object([])),
        ("w_int64", int(-1)),
        ("w_string", text("")),
        (
            "any",
            object([
                ("type_url", text("type.googleapis.com/all3.Inner")),
                ("value", object([("a", int(3))])),
            ]),
        ),
    ];
    for (name, value) in &values {
        edited = add(&edited, name, value.clone());
    }
    let again = all3(bytes(&edited));
    for (name, value) in values {
        assert_eq!(
            show(&get(&again, &format!(".{name}"))),
            show(&value),
            "{name}"
        );
    }
    assert_eq!(
        show(&get(
            &set(&again, ".struct.b[2].c", text("longer")),
            ".struct.b"
        )),
        r#"[null,"x",{c:"longer"}]"#
    );
    let out = all3(bytes(&set(&again, ".struct.b[2].c", text("longer"))));
    assert_eq!(
        show(&get(&out, ".struct")),
        r#"{a:1,b:[null,"x",{c:"longer"}]}"#
    );
    let out = all3(bytes(&set(&again, ".struct.a", object([("z", list([]))]))));
    assert_eq!(show(&get(&out, ".struct.a")), "{z:[]}");
    let out = all3(bytes(&set(
        &again,
        ".timestamp",
        text("1972-01-01T10:00:21Z"),
    )));
    assert_eq!(show(&get(&out, ".timestamp")), r#""1972-01-01T10:00:21Z""#);
    let out = all3(bytes(&set(&again, ".any.value.a", int(300))));
    assert_eq!(show(&get(&out, ".any.value.a")), "300");
    // a time that JSON has no text for is an object
    let far = all3(hex("ea 03 0c 08 ffffffffffffffff7f 10 01"));
    assert_eq!(
        show(&get(&far, ".timestamp")),
        "{seconds:9223372036854775807,nanos:1}"
    );
}

#[test]
fn proto2_has_groups_extensions_and_closed_enums() {
    let root = all2(hex(
        "08 01 43 08 05 44 18 09 20 01 20 09 3a 03 010902 a0 06 07 aa 06 01 61 b8 06 03 4b 0a 01 78 4c",
    ));
    assert_eq!(
        show(&get(&root, ".")),
        r#"{id:1,group:{x:5},colors:["RED"],packed_colors:["RED","GREEN"],[all2.ext_int]:7,[all2.ext_strings]:["a"],[all2.Scope.nested]:-2,many:[{s:"x"}],unknown:[{number:3,wire_type:"VARINT",value:9},{number:4,wire_type:"VARINT",value:9}]}"#
    );
    assert_eq!(
        bytes(
            &update(&root, &path(".group"), &mut |n| n
                .add_field("y", object([("z", int(1))])))
            .unwrap()
        )[2..10],
        hex("43 08 05 12 02 08 01 44")
    );
    assert_eq!(
        bytes(&add(&root, "[all2.ext_inner]", object([("a", int(1))])))[32..],
        hex("b2 06 02 08 01")
    );
    let refused = root
        .clone()
        .add_field("color", int(9))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("color takes one of RED, GREEN, not 9"),
        "{refused}"
    );
    // unknown fields are edited like any
    assert_eq!(
        bytes(&set(&root, ".unknown[0].value", int(300)))[6..9],
        hex("18 ac 02")
    );
    assert_eq!(
        bytes(&root.clone().remove_field("unknown").unwrap()).len(),
        bytes(&root).len() - 4
    );
}

#[test]
fn editions_have_their_features() {
    let root = edition(hex("3b 08 05 3c 22 02 01 02 28 03 60 09 82 06 00"
        .replace("82 06 00", "")
        .as_str()));
    assert_eq!(
        show(&get(&root, ".")),
        r#"{delimited:{a:5},packed:[1,2],expanded:[3],unknown:[{number:12,wire_type:"VARINT",value:9}]}"#
    );
    assert_eq!(
        bytes(&add(&edition(""), "many", list([object([("a", int(1))])]))),
        hex("43 08 01 44")
    );
    assert_eq!(
        bytes(&add(&edition(""), "expanded", list([int(1), int(2)]))),
        hex("28 01 28 02")
    );
    assert_eq!(
        bytes(&add(&edition(""), "[ed.ext_many]", list([int(1), int(2)]))),
        hex("aa 06 02 01 02")
    );
    assert!(
        edition(hex("52 01 ff"))
            .field("text")
            .unwrap()
            .fault()
            .is_some()
    );
    assert!(
        edition(hex("4a 01 ff"))
            .field("loose")
            .unwrap()
            .fault()
            .is_none()
    );
}

#[test]
fn names_and_defaults_by_option() {
    let input = hex("18 01");
    let decode = |on: &[&str]| {
        Protobuf.decode(
            Space::source(input.clone()),
            &options("all3.proto", "all3.All", on),
        )
    };
    assert_eq!(show(&get(&decode(&["json_names"]), ".")), "{fInt32:1}");
    let root = decode(&["defaults"]);
    assert_eq!(show(&get(&root, ".f_double")), "0");
    assert_eq!(show(&get(&root, ".r_int32")), "[]");
    assert_eq!(show(&get(&root, ".m_string_int32")), "{}");
    assert!(root.field("f_message").is_none());
    assert_eq!(bytes(&set(&root, ".f_string", text(""))), input);
    assert_eq!(
        bytes(&set(&root, ".f_string", text("a"))),
        hex("18 01 72 01 61")
    );
    assert_eq!(
        bytes(&set(&root, ".r_int32", list([int(5)]))),
        hex("18 01 b8 01 05")
    );
    let map = update(&root, &path(".m_string_int32"), &mut |n| {
        n.add_field("a", int(1))
    })
    .unwrap();
    assert_eq!(bytes(&map), hex("18 01 ca 02 05 0a 01 61 10 01"));
    let two = Protobuf.decode(
        Space::source(hex("08 01")),
        &options("all2.proto", "all2.All", &["defaults"]),
    );
    assert_eq!(show(&get(&two, ".name")), r#""none""#);
    assert_eq!(show(&get(&two, ".color")), r#""GREEN""#);
}

#[test]
fn a_schema_that_cannot_be_had_is_a_fault() {
    let node = Protobuf.decode(
        Space::source(hex("08 01")),
        &options("nope.proto", "x", &[]),
    );
    let fault = node.fault().unwrap().to_string();
    assert!(fault.contains("nope.proto"), "{fault}");
    let node = Protobuf.decode(
        Space::source(hex("08 01")),
        &options("all3.proto", "all3.Nope", &[]),
    );
    assert_eq!(
        node.fault().unwrap().to_string(),
        "protobuf: . at byte 0: expected a message of all3.Inner, all3.All, found all3.Nope"
    );
}

/// Numbers and wire types of `all3.All`, as they are and as they should not be.
fn all3_message(rng: &mut Rng, depth: u32) -> Vec<u8> {
    use binq_protobuf::wire::build::len_record;
    let mut out = Vec::new();
    let numbers: Vec<u64> = (1..=17)
        .chain(21..=31)
        .chain(41..=45)
        .chain(51..=55)
        .chain(61..=68)
        .chain(71..=76)
        .collect();
    for _ in 0..1 + rng.below(8) {
        let n = if rng.one_in(10) {
            90 + rng.below(3)
        } else {
            numbers[rng.below(numbers.len() as u64) as usize]
        };
        let mut inner = Vec::new();
        match n {
            3..=8 | 13 | 16 | 51 | 54 => {
                common::varint(n << 3, rng, &mut out);
                let value = if n == 16 {
                    rng.below(4)
                } else {
                    common::number(rng)
                };
                common::varint(value, rng, &mut out);
                continue;
            }
            1 | 10 | 12 => {
                common::varint(n << 3 | 1, rng, &mut out);
                out.extend(rng.next().to_le_bytes());
                continue;
            }
            2 | 9 | 11 => {
                common::varint(n << 3 | 5, rng, &mut out);
                out.extend((rng.next() as u32).to_le_bytes());
                continue;
            }
            23 | 24 | 26 | 29 | 31 if rng.one_in(3) => {
                common::varint(n << 3, rng, &mut out);
                common::varint(common::number(rng), rng, &mut out);
                continue;
            }
            23 | 24 | 26 | 29 | 31 => {
                (0..rng.below(4)).for_each(|_| common::varint(common::number(rng), rng, &mut inner))
            }
            21 => (0..rng.below(3)).for_each(|_| inner.extend(rng.next().to_le_bytes())),
            22 | 25 => {
                (0..rng.below(3)).for_each(|_| inner.extend((rng.next() as u32).to_le_bytes()))
            }
            14 | 15 | 27 | 28 | 52 | 55 => inner = b"some text"[..rng.below(10) as usize].to_vec(),
            // Inner, and what looks like it
            17 | 30 | 53 => {
                inner.extend([8, rng.below(128) as u8, 0x12, 1, b'x']);
                if depth > 0 && rng.one_in(2) {
                    let deeper = inner.clone();
                    len_record(3, &deeper, &mut inner);
                }
            }
            41 => {
                inner = vec![
                    0x0a,
                    1,
                    b'a' + rng.below(3) as u8,
                    0x10,
                    rng.below(128) as u8,
                ]
            }
            42 => inner = vec![0x08, rng.below(3) as u8, 0x12, 1, b'x'],
            43 => inner = vec![0x08, rng.below(2) as u8, 0x12, 2, 8, 1],
            44 => inner = vec![0x08, rng.below(3) as u8, 0x10, rng.below(4) as u8],
            45 => inner = vec![0x0a, 1, b'k', 0x12, 2, 0xff, 0xfe],
            61 | 62 | 76 => inner = vec![0x08, rng.below(128) as u8, 0x10, rng.below(128) as u8],
            63 => inner = b"\x0a\x05foo_b\x0a\x01c".to_vec(),
            // {"a": "b"}, "b", ["b"]
            64 => inner = b"\x0a\x08\x0a\x01a\x12\x03\x1a\x01b".to_vec(),
            65 => inner = b"\x1a\x01b".to_vec(),
            66 => inner = b"\x0a\x03\x1a\x01b".to_vec(),
            71 | 73 => inner = vec![0x08, rng.below(2) as u8],
            72 | 75 => inner = b"\x0a\x01b".to_vec(),
            90 => {
                // an unknown group
                common::varint(90 << 3 | 3, rng, &mut out);
                out.extend([8, 1]);
                common::varint(90 << 3 | 4, rng, &mut out);
                continue;
            }
            _ => {}
        }
        common::varint(n << 3 | 2, rng, &mut out);
        common::varint(inner.len() as u64, rng, &mut out);
        out.extend(inner);
    }
    out
}

/// A value with the keys of its objects in order.
fn sorted(value: &Plain) -> Plain {
    match value {
        Plain::Object(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            // an empty list is no field
            pairs.retain(|(_, v)| !matches!(v, Plain::Array(items) if items.is_empty()));
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Plain::Object(pairs)
        }
        Plain::Array(items) => Plain::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn shown(root: &Node) -> String {
    show(&sorted(&get(root, ".")))
}

/// The records at the top, as bytes.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    binq_protobuf::wire::record::Run::of(bytes)
        .records()
        .map(|r| bytes[r.start as usize..r.end as usize].to_vec())
        .collect()
}

fn other(leaf: &Node, rng: &mut Rng) -> Vec<Scalar> {
    let n = common::number(rng);
    vec![
        Scalar::Int(n.into()),
        Scalar::Int((n as i32).into()),
        Scalar::Int((n % 4).into()),
        Scalar::Bool(rng.one_in(2)),
        Scalar::Float(n as f32 as f64 / 4.0),
        "x".repeat(rng.below(200) as usize).into(),
        "2001-02-03T04:05:06Z".into(),
        "1.500s".into(),
        "a,bC".into(),
        leaf.scalar(),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn identity(seed in any::<u64>(), damaged in any::<bool>()) {
        let rng = &mut Rng::new(seed);
        let mut input = all3_message(rng, 2);
        if damaged { input = damage(&input, rng) }
        for root in [all3(input.clone()), all2(input.clone()), edition(input.clone())] {
            prop_assert_eq!(bytes(&root), input.clone());
            let mut all = Vec::new();
            leaves(&root, &mut all);
            for (name, child) in root.fields() {
                prop_assert!(root.field(&name).is_some_and(|again| again.span() == child.span()), "{}", name);
            }
            for leaf in all {
                let _ = (leaf.fault(), leaf.symbol(), leaf.ranges());
                let mut value = Some(Plain::Scalar(leaf.scalar()));
                let Ok(same) = update(&root, &leaf.path(), &mut |n| n.assign(value.take().unwrap())) else { continue };
                prop_assert_eq!(bytes(&same), input.clone(), "{}", leaf.path_text());
            }
            // the whole, assigned as a plain value
            if root.fault().is_none() {
                let mut whole = Some(get(&root, "."));
                if let Ok(same) = update(&root, &[], &mut |n| n.assign(whole.take().unwrap())) {
                    prop_assert_eq!(bytes(&same), input.clone());
                }
            }
        }
    }

    /// A value is read back, all others are as they were, and all records but the one it is in are untouched.
    #[test]
    fn put_get_and_locality(seed in any::<u64>()) {
        let rng = &mut Rng::new(seed);
        let input = all3_message(rng, 2);
        let root = all3(input.clone());
        let mut all = Vec::new();
        leaves(&root, &mut all);
        if all.is_empty() { return Ok(()) }
        let leaf = &all[rng.below(all.len() as u64) as usize];
        let edits = other(leaf, rng).into_iter().filter_map(|value| {
            let mut plain = Some(Plain::Scalar(value));
            update(&root, &leaf.path(), &mut |n| n.assign(plain.take().unwrap())).ok()
        });
        for edited in edits {
            let out = bytes(&edited);
            // an unknown field may turn out to be of any type: its path may change
            if leaf.path_text().contains("unknown") { continue }
            let again = all3(out.clone());
            prop_assert_eq!(shown(&again), shown(&edited), "{}", leaf.path_text());
            prop_assert!(again.fault().is_none());
            let (before, after) = (records(&input), records(&out));
            prop_assert_eq!(before.len(), after.len());
            let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            // a message that is split over several records may change in each
            let field = leaf.path()[0].clone();
            let split = match &field {
                binq_core::Key::Name(name) => before.iter().filter(|r| number(r) == number_of(name)).count(),
                binq_core::Key::Index(_) => 1,
            };
            prop_assert!(changed <= split, "{} changed {} records", leaf.path_text(), changed);
            prop_assert!(changed <= 1 || leaf.path().len() == 1, "{}", leaf.path_text());
        }
    }

    /// Fields, entries and items that come and go are read back; the records of other fields keep their bytes and order.
    #[test]
    fn coming_and_going(seed in any::<u64>()) {
        let rng = &mut Rng::new(seed);
        let input = all3_message(rng, 2);
        let from = all3(all3_message(rng, 2));
        let mut edited = all3(input.clone());
        let mut touched = Vec::new();
        for _ in 0..1 + rng.below(4) {
            let fields = edited.fields();
            let name = match rng.below(2) {
                0 if !fields.is_empty() => fields[rng.below(fields.len() as u64) as usize].0.to_string(),
                _ => {
                    let others = from.fields();
                    others[rng.below(others.len() as u64) as usize].0.to_string()
                }
            };
            if name.starts_with("unknown") { continue }
            touched.push(name.clone());
            let new = from.field(&name).map(Plain::Node);
            edited = match (edited.clone().take_field(&name), new) {
                (None, Some(new)) => edited.add_field(&name, new).unwrap(),
                (Some(_), None) => edited.remove_field(&name).unwrap(),
                (Some(mut old), Some(new)) => {
                    old = match old.kind() {
                        binq_core::NodeKind::Array => {
                            let mut items: Vec<Plain> = old.items().chain(from.field(&name).unwrap().items()).map(Plain::Node).collect();
                            for _ in 0..rng.below(3) {
                                if items.is_empty() { break }
                                let i = rng.below(items.len() as u64) as usize;
                                let item = items.remove(i);
                                if rng.one_in(2) { items.insert(rng.below(items.len() as u64 + 1) as usize, item) }
                            }
                            old.set_items(items).unwrap()
                        }
                        _ => old.assign(new).unwrap(),
                    };
                    edited.put_field(old);
                    edited
                }
                (None, None) => edited,
            };
        }
        let out = bytes(&edited);
        let again = all3(out.clone());
        prop_assert_eq!(shown(&again), shown(&edited), "{:?} {:02x?} {:02x?}", touched, input, out);
        prop_assert!(again.fault().is_none());
        // the records of fields that were not touched
        let numbers: Vec<u64> = touched.iter().map(|name| number_of(name)).collect();
        let oneof = numbers.iter().any(|n| (51..=53).contains(n));
        let kept = |all: Vec<Vec<u8>>| {
            let untouched = |r: &Vec<u8>| !(numbers.contains(&number(r)) || oneof && (51..=53).contains(&number(r)));
            all.into_iter().filter(untouched).collect::<Vec<_>>()
        };
        prop_assert_eq!(kept(records(&input)), kept(records(&out)));
    }
}

/// The number of a record.
fn number(record: &[u8]) -> u64 {
    binq_protobuf::wire::varint::read(record).unwrap().0 >> 3
}

/// The number of a field of `all3.All`, from the source.
fn number_of(name: &str) -> u64 {
    let source = include_str!("protos/all3.proto");
    let at = source
        .find(&format!(" {name} = "))
        .unwrap_or_else(|| panic!("{name} is a field"));
    let rest = &source[at + name.len() + 4..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
    rest[..end].parse().unwrap()
}
