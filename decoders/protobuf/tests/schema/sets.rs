//! Message sets, and closed enums in maps and lists: what Google's runtimes read, and that an edit leaves no old value behind.

use super::*;
use common::{bytes, get, hex, int, object, set, show, text};

fn mset(content: &str) -> Node {
    let content = hex(content);
    let mut input = vec![0x0a, content.len() as u8];
    input.extend(content);
    Protobuf.decode(Space::source(input), &options("mset.proto", "W", &[]))
}

/// What the set reads as: as the Python runtime (7.36) and protoc (3.21) have it.
#[test]
fn items_of_a_message_set_are_its_extensions() {
    for (content, expected) in [
        ("0b 10e807 1a020807 0c", r#"{set:{[In1.ext]:{i:7}}}"#),
        // the other way round
        ("0b 1a020807 10e807 0c", r#"{set:{[In1.ext]:{i:7}}}"#),
        // the first message, and the first type id, count
        (
            "0b 10e807 1a020807 1a020809 0c",
            r#"{set:{[In1.ext]:{i:7}}}"#,
        ),
        (
            "0b 1a020807 1a020809 10e807 0c",
            r#"{set:{[In1.ext]:{i:7}}}"#,
        ),
        ("0b 10e807 10e907 1a020807 0c", r#"{set:{[In1.ext]:{i:7}}}"#),
        // something else in the item
        ("0b 2801 10e807 1a020807 0c", r#"{set:{[In1.ext]:{i:7}}}"#),
        // two items are merged; an extension may be a record like any other
        (
            "0b 10e807 1a020807 0c 0b 10e807 1a020809 0c",
            r#"{set:{[In1.ext]:{i:9}}}"#,
        ),
        (
            "0b 10e807 1a020807 0c c23e 020805",
            r#"{set:{[In1.ext]:{i:5}}}"#,
        ),
        ("c23e 020805", r#"{set:{[In1.ext]:{i:5}}}"#),
    ] {
        assert_eq!(show(&get(&mset(content), ".")), expected, "{content}");
    }
    // a type that is not known, and items that lack a part, are unknown fields
    for content in [
        "0b 10e907 1a020807 0c",
        "0b 1a020807 0c",
        "0b 10e807 0c",
        "0b 1a02ffff 0c",
    ] {
        let root = mset(content);
        assert!(
            show(&get(&root, ".")).starts_with("{set:{unknown:["),
            "{content}"
        );
        assert!(root.findings().next().is_none());
    }
}

#[test]
fn an_item_is_edited_in_place() {
    for (content, expected) in [
        ("0b 10e807 1a020807 0c", "0a0b 0b 10e807 1a04 08808001 0c"),
        ("0b 1a020807 10e807 0c", "0a0b 0b 1a04 08808001 10e807 0c"),
        // of a merged one, the last
        (
            "0b 10e807 1a020807 0c 0b 10e807 1a020809 0c",
            "0a14 0b 10e807 1a020807 0c 0b 10e807 1a0408808001 0c",
        ),
    ] {
        let edited = set(&mset(content), r#".set."[In1.ext]".i"#, int(16384));
        assert_eq!(bytes(&edited), hex(expected), "{content}");
    }
    // a new one, another one, and none: every item of it goes
    let root = mset("");
    let new = object([("[In1.ext]", object([("i", int(5))]))]);
    assert_eq!(
        bytes(&set(&root, ".set", new.clone())),
        hex("0a09 0b 10e807 1a020805 0c")
    );
    let twice = mset("0b 10e807 1a020807 0c 0b 10e907 1a00 0c c23e020808");
    let without = common::update(&twice, &common::path(".set"), &mut |n: Node| {
        n.remove_field("[In1.ext]")
    });
    assert_eq!(bytes(&without.unwrap()), hex("0a07 0b 10e907 1a00 0c"));
    let made = binq_protobuf::schema::new_message(
        schema("mset.proto").message("W").unwrap(),
        &object([("set", new)]),
    );
    assert_eq!(bytes(&made.unwrap()), hex("0a09 0b 10e807 1a020805 0c"));
}

pub(crate) fn schema(proto: &str) -> &'static binq_protobuf::schema::types::Schema {
    let options = options(proto, "", &[]);
    let loaded = binq_protobuf::schema::load::schema(&options);
    loaded.unwrap().unwrap()
}

fn mapenum(content: &str) -> Node {
    let options = options("mapenum.proto", "q.N", &[]);
    Protobuf.decode(Space::source(hex(content)), &options)
}

/// A number that a closed enum does not have makes all of an entry unknown, as the Python runtime has it.
#[test]
fn a_closed_enum_makes_an_entry_unknown() {
    for (content, expected) in [
        (
            "0a05 0a016b 1063  0a05 0a016a 1001",
            r#"{m:{j:"ONE"},unknown:1}"#,
        ),
        ("0a07 0a016b 1063 1001", "{unknown:1}"),
        ("0a07 0a016b 1001 1063", "{unknown:1}"),
        ("0a02 1063", "{unknown:1}"),
        ("0a03 0a016b", r#"{m:{k:"Z"}}"#),
    ] {
        let root = mapenum(content);
        let fields = root.fields().into_iter().map(|(name, field)| match &*name {
            "unknown" => format!("unknown:{}", field.len()),
            name => format!("{name}:{}", show(&Plain::Node(field))),
        });
        let fields: Vec<_> = fields.collect();
        assert_eq!(format!("{{{}}}", fields.join(",")), expected, "{content}");
        assert_eq!(bytes(&root), hex(content));
    }
    // a new entry does not touch the unknown one
    let root = mapenum("0a05 0a016b 1063");
    assert_eq!(
        bytes(&set(&root, ".m", object([("k", text("ONE"))]))),
        hex("0a05 0a016b 1063  0a05 0a016b 1001")
    );
}

#[test]
fn absent_lists_and_maps_are_empty() {
    let root = all3(hex("18 01"));
    for name in ["r_int32", "r_message", "r_unpacked"] {
        assert_eq!(root.field(name).expect(name).items().count(), 0);
    }
    assert_eq!(root.field("m_string_int32").unwrap().fields().len(), 0);
    assert!(root.field("f_message").is_none());
    // they are not listed, and assigning nothing changes nothing
    assert_eq!(show(&get(&root, ".")), "{f_int32:1}");
    assert_eq!(bytes(&set(&root, ".r_int32", list([]))), hex("18 01"));
    assert_eq!(
        bytes(&set(&root, ".r_int32", list([int(1), int(2)]))),
        hex("18 01 ba 01 02 01 02")
    );
    let entry = object([("a", int(2))]);
    let edited = set(&root, ".m_string_int32", entry);
    assert_eq!(show(&get(&edited, ".m_string_int32.a")), "2");
    assert_eq!(
        show(&get(&all3(bytes(&edited)), ".m_string_int32")),
        "{a:2}"
    );
}

#[test]
fn a_time_has_seconds_and_nanos() {
    // timestamp = 61
    let root = all3(hex("ea 03 04 08 05 10 07"));
    let at = |part: &str| format!(".timestamp.{part}");
    assert_eq!(show(&get(&root, &at("seconds"))), "5");
    assert_eq!(show(&get(&root, &at("nanos"))), "7");
    assert_eq!(
        show(&get(&root, ".timestamp")),
        r#""1970-01-01T00:00:05.000000007Z""#
    );
    let edited = set(&root, &at("seconds"), int(300));
    assert_eq!(bytes(&edited), hex("ea 03 05 08 ac 02 10 07"));
    assert_eq!(show(&get(&edited, &at("seconds"))), "300");
    assert_eq!(bytes(&set(&root, &at("seconds"), int(5))), bytes(&root));
    // a time that has no text is an object
    let far = set(&root, &at("seconds"), int(1 << 50));
    assert_eq!(show(&get(&far, &at("seconds"))), (1u64 << 50).to_string());
    assert_eq!(
        show(&get(&all3(bytes(&far)), &at("seconds"))),
        (1u64 << 50).to_string()
    );
    // one that is absent is zero
    let zero = all3(hex("ea 03 00"));
    assert_eq!(show(&get(&zero, &at("nanos"))), "0");
    assert_eq!(bytes(&set(&zero, &at("nanos"), int(0))), hex("ea 03 00"));
    assert_eq!(
        bytes(&set(&zero, &at("nanos"), int(9))),
        hex("ea 03 02 10 09")
    );
}
