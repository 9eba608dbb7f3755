//! Well-known types, and what proto2, editions and options make different.

use crate::common::{bytes, get, hex, int, object, path, set, show, text, update};
use crate::{add, all2, all3, edition, list, options};
use binq_core::{Format, Options, Plain, Scalar, Space};
use binq_protobuf::Protobuf;

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
    // as in Python's runtime, an unknown number of a packed list is an unknown field, too
    assert_eq!(
        show(&get(&root, ".")),
        r#"{id:1,group:{x:5},colors:["RED"],packed_colors:["RED","GREEN"],[all2.ext_int]:7,[all2.ext_strings]:["a"],[all2.Scope.nested]:-2,many:[{s:"x"}],unknown:[{number:3,wire_type:"VARINT",value:9},{number:4,wire_type:"VARINT",value:9},{number:7,wire_type:"VARINT",value:9}]}"#
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
        bytes(&root).len() - 5
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

/// The bytes are those that Google's Python runtime (7.36, with protoc 35.1) writes.
#[test]
fn edition_2024_is_like_2023_for_the_bytes() {
    let of = options("edition24.proto", "ed24.All", &[]);
    let empty = Protobuf.decode(Space::source(Vec::new()), &of);
    let inner = |a| object([("a", int(a))]);
    let all = object([
        ("one", inner(1)),
        ("map", object([("k", inner(2))])),
        ("deep", object([("b", int(1))])),
        ("inner", inner(3)),
        ("[ed24.ext]", inner(4)),
    ]);
    let whole = set(&empty, ".", all);
    // groups, but for the value of a map's entry; new fields come by name
    let mut records = [
        hex("0b 08 01 0c"),
        hex("12 07 0a 01 6b 12 02 08 02"),
        hex("2b 08 01 2c"),
        hex("4b 08 03 4c"),
        hex("a3 06 08 04 a4 06"),
    ];
    records.rotate_right(1);
    records[1..].sort_by_key(|r| [0x2b, 0x4b, 0x12, 0x0b].iter().position(|tag| *tag == r[0]));
    assert_eq!(bytes(&whole), records.concat());
}

/// Features of a language, and of the style of source, that the compiler does not know.
#[test]
fn features_that_are_not_about_the_bytes_are_left_out() {
    let dir = tempfile(
        "features.proto",
        r#"edition = "2024";
import option "google/protobuf/go_features.proto";
option features.(pb.go).api_level = API_OPAQUE;
option features.enforce_naming_style = STYLE_LEGACY;
option features = { repeated_field_encoding: EXPANDED [pb.go]: { strip_enum_prefix: STRIP_ENUM_PREFIX_KEEP } };
message A {
  option features.(pb.go).api_level = API_OPEN;
  string s = 1 [features.(pb.cpp).string_type = VIEW, features.utf8_validation = NONE];
  repeated int32 r = 2 [features.(pb.java).large_enum = true];
}
"#,
    );
    let mut of = Options::default();
    let file = dir.join("features.proto").to_string_lossy().into_owned();
    of.lists.insert("proto".into(), vec![file.into()]);
    let root = Protobuf.decode(Space::source(hex("0a 01 ff")), &of);
    assert_eq!(root.fault(), None);
    // not verified, not packed
    assert!(root.field("s").unwrap().fault().is_none());
    let new = add(&root, "r", list([int(1), int(2)]));
    assert_eq!(bytes(&new), hex("0a 01 ff 10 01 10 02"));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn null_is_the_null_value() {
    let dir = tempfile(
        "null.proto",
        r#"syntax = "proto3";
import "google/protobuf/struct.proto";
message A { oneof o { google.protobuf.NullValue n = 1; int32 i = 2; } }
"#,
    );
    let mut of = Options::default();
    let file = dir.join("null.proto").to_string_lossy().into_owned();
    of.lists.insert("proto".into(), vec![file.into()]);
    let root = Protobuf.decode(Space::source(hex("10 05")), &of);
    let null = || Plain::Scalar(Scalar::Null);
    assert_eq!(bytes(&add(&root, "n", null())), hex("08 00"));
    assert_eq!(
        bytes(&set(&root, ".", object([("n", null())]))),
        hex("08 00")
    );
    let other = Protobuf.decode(Space::source(hex("08 05")), &of);
    assert_eq!(bytes(&set(&other, ".n", null())), hex("08 00"));
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A folder with that file.
fn tempfile(name: &str, text: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("binq-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join(name), text).unwrap();
    dir
}

#[test]
fn an_edition_that_is_not_known_is_refused() {
    let dir = tempfile(
        "new.proto",
        "edition = \"2077\"; message A { int32 a = 1; }",
    );
    let file = dir.join("new.proto");
    let mut of = Options::default();
    let file = file.to_string_lossy().into_owned();
    of.lists.insert("proto".into(), vec![file.into()]);
    let node = Protobuf.decode(Space::source(hex("08 01")), &of);
    let fault = node.fault().unwrap().to_string();
    assert!(
        fault.contains("expected edition 2023 or 2024, found 2077"),
        "{fault}"
    );
    // FileDescriptorSet of a.proto: syntax "editions", edition 9999
    let set = hex("0a 16 0a 07 612e70726f746f 62 08 65646974696f6e73 70 8f 4e");
    let refused = binq_protobuf::schema::load::from_set(&set, false, false).err();
    assert_eq!(
        refused.as_deref(),
        Some("a.proto: expected edition 2023 or 2024, found number 9999")
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_value_becomes_any_other() {
    let number = |n| Plain::Scalar(Scalar::Float(n));
    let kinds = [
        Plain::Scalar(Scalar::Null),
        number(1.5),
        text("a text that is rather long"),
        Plain::Scalar(Scalar::Bool(true)),
        list([]),
        list([number(1.0), list([]), object([])]),
        object([]),
        object([("k", text("v")), ("o", object([("p", list([text("q")]))]))]),
    ];
    let items = Plain::Array(kinds.to_vec());
    let root = add(&all3(hex("18 01")), "struct", object([("b", items)]));
    let root = all3(bytes(&add(&root, "value", text("x"))));
    for new in &kinds {
        let wanted = show(new);
        for place in 0..kinds.len() {
            let at = format!(".struct.b[{place}]");
            let edited = set(&root, &at, new.clone());
            assert_eq!(show(&get(&edited, &at)), wanted, "{at}");
            let again = all3(bytes(&edited));
            assert!(again.fault().is_none());
            assert_eq!(show(&get(&again, ".")), show(&get(&edited, ".")), "{at}");
        }
        // the field, and an item that is added to a list that is empty, or to an object
        let edited = all3(bytes(&set(&root, ".value", new.clone())));
        assert_eq!(show(&get(&edited, ".value")), wanted);
        let one = update(&root, &path(".struct.b[4]"), &mut |n| {
            n.set_items(vec![new.clone()])
        });
        let one = all3(bytes(&one.unwrap()));
        assert_eq!(show(&get(&one, ".struct.b[4]")), format!("[{wanted}]"));
        let one = update(&root, &path(".struct.b[6]"), &mut |n| {
            n.add_field("new", new.clone())
        });
        let one = all3(bytes(&one.unwrap()));
        assert_eq!(
            show(&get(&one, ".struct.b[6]")),
            format!("{{new:{wanted}}}")
        );
    }
    // items that are objects or lists are copied whole, and removed whole
    let array = root.field("struct").unwrap().field("b").unwrap();
    let turned: Vec<Plain> = array.items().map(Plain::Node).collect();
    let turned: Vec<Plain> = turned.iter().rev().chain(&turned).cloned().collect();
    let at = path(".struct.b");
    let mut new = Some(turned);
    let edited = update(&root, &at, &mut |n| n.set_items(new.take().unwrap())).unwrap();
    let wanted: Vec<Plain> = kinds.iter().rev().chain(&kinds).cloned().collect();
    assert_eq!(
        show(&get(&all3(bytes(&edited)), ".struct.b")),
        show(&Plain::Array(wanted))
    );
    let gone = update(&root, &path(".struct.b[7].o"), &mut |n| n.remove_field("p"));
    let gone = all3(bytes(&gone.unwrap()));
    assert_eq!(show(&get(&gone, ".struct.b[7]")), r#"{k:"v",o:{}}"#);
    // the other items stay as they are spelled
    let untouched = set(&root, ".struct.b[7].k", text("v"));
    assert_eq!(bytes(&untouched), bytes(&root));
}

#[test]
fn an_any_changes_its_type() {
    let any = |url: &str, value| object([("type_url", text(url)), ("value", value)]);
    let old = add(
        &all3(""),
        "any",
        any("x.y/all3.Inner", object([("a", int(5))])),
    );
    let old = all3(bytes(&old));
    let json = object([
        ("@type", text("x.y/google.protobuf.Duration")),
        ("value", text("1.500s")),
    ]);
    let url = "x.y/google.protobuf.Duration";
    for new in [json, any(url, text("1.500s"))] {
        let new = set(&old, ".any", new);
        assert_eq!(
            show(&get(&new, ".any")),
            r#"{type_url:"x.y/google.protobuf.Duration",value:"1.500s"}"#
        );
        assert_eq!(show(&get(&all3(bytes(&new)), ".any.value")), r#""1.500s""#);
    }
    // bytes are taken for what they are
    let raw = Plain::Scalar(Scalar::Bytes(hex("08 01").into()));
    let new = set(&old, ".any", any(url, raw));
    assert_eq!(show(&get(&all3(bytes(&new)), ".any.value")), r#""1s""#);
    // the same type: each field is assigned, and keeps its spelling
    let padded = all3(hex(
        "9a 04 14 0a 0e 782e792f616c6c332e496e6e6572 12 03 08 85 00"
            .replace("14 0a", "15 0a")
            .as_str(),
    ));
    let same = get(&padded, ".any");
    assert_eq!(bytes(&set(&padded, ".any", same)), bytes(&padded));
    let refused = update(&old, &path(".any"), &mut |n| {
        n.assign(object([("@type", text("x.y/none.Such"))]))
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        r#".any: "x.y/none.Such" names no type of the schema"#
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
    // the first items of a list that is declared packed are packed, as those of an absent one are
    assert_eq!(
        bytes(&set(&root, ".r_int32", list([int(5)]))),
        hex("18 01 ba 01 01 05")
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
