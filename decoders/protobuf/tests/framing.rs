//! Streams and prefixes around messages, and functions over nodes.

mod common;

use binq_core::{FnCx, Format, Node, Options, Plain, Registry, Scalar, Space, Span};
use binq_protobuf::{Confluent, Delimited, Grpc, Protobuf};
use common::{Rng, bytes, config, get, hex, int, message, object, set, show, text};
use proptest::prelude::{any, prop_assert_eq, proptest};

fn options(message: Option<&str>) -> Options {
    let mut options = Options::default();
    let set = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/protobuf/types.desc"
    );
    options
        .lists
        .insert("descriptor_set".into(), vec![set.into()]);
    if let Some(name) = message {
        options.values.insert("message".into(), name.into());
    }
    options
}

fn decode(format: &dyn Format, input: &str, options: &Options) -> Node {
    format.decode(Space::source(hex(input)), options)
}

#[test]
fn a_delimited_stream() {
    let none = Options::default();
    let root = decode(&Delimited, "02 08 01 00 82 00 08 02", &none);
    let messages = root.field("messages").unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(show(&get(&root, ".messages[2].1")), "2");
    assert_eq!(
        bytes(&set(&root, ".messages[0].1", int(300))),
        hex("03 08 ac 02 00 82 00 08 02")
    );
    assert_eq!(
        bytes(&set(&root, ".messages[2].1", int(300))),
        hex("02 08 01 00 83 00 08 ac 02")
    );
    let item = |i: u64| Plain::Node(messages.item(i).unwrap());
    for (items, expected) in [
        (vec![item(0), item(2)], "02 08 01 82 00 08 02"),
        (vec![item(2), item(0), item(1)], "82 00 08 02 02 08 01 00"),
        (
            vec![item(0), object([("1", text("a"))]), item(1), item(2)],
            "02 08 01 03 0a 01 61 00 82 00 08 02",
        ),
    ] {
        let mut edited = root.clone();
        edited.put_field(messages.clone().set_items(items).unwrap());
        assert_eq!(bytes(&edited), hex(expected));
    }
    // with a schema, and a last message that is cut off
    let root = decode(&Delimited, "02 18 01 05 18 02", &options(Some("all3.All")));
    assert_eq!(show(&get(&root, ".messages")), "[{f_int32:1}]");
    assert_eq!(
        root.fault().unwrap().to_string(),
        "protobuf_delimited: . at byte 3: expected a length of at most 2 bytes, found 5"
    );
    assert_eq!(root.field("gap0").unwrap().span(), Span::bytes(3, 3));
    let more = root.field("messages").unwrap();
    let list = vec![
        Plain::Node(more.item(0).unwrap()),
        object([("f_bool", Plain::Scalar(Scalar::Bool(true)))]),
    ];
    let mut edited = root.clone();
    edited.put_field(more.set_items(list).unwrap());
    assert_eq!(bytes(&edited), hex("02 18 01 02 68 01 05 18 02"));
}

#[test]
fn grpc_messages() {
    let with = options(Some("all3.All"));
    let root = decode(&Grpc, "00 00000002 18 01  01 00000003 1f8b08", &with);
    assert_eq!(
        show(&get(&root, ".messages")),
        r#"[{compressed:"none",length:2,message:{f_int32:1}},{compressed:"compressed",length:3,message:1f8b08 (3 bytes)}]"#
    );
    assert_eq!(
        bytes(&set(&root, ".messages[0].message.f_int32", int(300)))[..8],
        hex("00 00000003 18 ac 02")
    );
    let wrong = set(&root, ".messages[0].length", int(9));
    assert_eq!(
        bytes(&set(&wrong, ".messages[0].message.f_int32", int(300)))[..8],
        hex("00 00000009 18 ac 02")
    );
    let cut = decode(&Grpc, "00 00000009 18 01", &with);
    // once, where it is
    let told: Vec<_> = cut.findings().map(|f| (f.path, f.expected)).collect();
    let expected = "a length of at most 2 bytes".to_owned();
    assert_eq!(told, [(".messages[0]".to_owned(), expected)]);
}

#[test]
fn confluent_prefixes() {
    // the file's second message; then its first, as a zero; then what is none
    let with = options(None);
    let mut proto = with.clone();
    proto.lists.clear();
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
    proto
        .lists
        .insert("proto".into(), vec![format!("{dir}/all3.proto").into()]);
    let root = decode(&Confluent, "00 00000007 02 02 18 01", &proto);
    assert_eq!(
        show(&get(&root, ".")),
        "{magic:0,schema_id:7,index_count:1,message_indexes:[1],message:{f_int32:1}}"
    );
    // their count follows, unless it was assigned
    let list = |indexes: &[i64]| Plain::Array(indexes.iter().map(|i| int(*i)).collect());
    let deeper = set(&root, ".message_indexes", list(&[1, 300]));
    assert_eq!(bytes(&deeper), hex("00 00000007 04 02 d804 18 01"));
    let none = set(&root, ".message_indexes", list(&[]));
    assert_eq!(bytes(&none), hex("00 00000007 00 18 01"));
    let wrong = set(&deeper, ".index_count", int(5));
    assert_eq!(bytes(&wrong), hex("00 00000007 0a 02 d804 18 01"));
    let root = decode(&Confluent, "00 00000007 00 08 05", &proto);
    assert_eq!(show(&get(&root, ".message")), "{a:5}");
    let second = set(&root, ".message_indexes", list(&[1]));
    assert_eq!(bytes(&second), hex("00 00000007 02 02 08 05"));
    assert_eq!(
        bytes(&set(&root, ".message.a", int(300))),
        hex("00 00000007 00 08 ac 02")
    );
    assert_eq!(
        bytes(&set(&root, ".schema_id", int(8))),
        hex("00 00000008 00 08 05")
    );
    for wrong in ["01 00000007 00", "00 0000", "00 00000007 04 02"] {
        let root = decode(&Confluent, wrong, &proto);
        assert!(root.fault().is_some(), "{wrong}");
        assert_eq!(bytes(&root), hex(wrong));
    }
}

fn call(name: &str, input: Plain, args: &[Plain]) -> Result<Plain, String> {
    let registry = Registry::new(vec![&Protobuf]);
    let f = registry
        .node_functions()
        .into_iter()
        .find(|f| f.name == name)
        .unwrap();
    assert_eq!(f.arity, args.len());
    let options = options(None);
    let cx = FnCx {
        registry: &registry,
        options: &options,
    };
    (f.run)(&cx, &input, args)
}

#[test]
fn readings_overrule_the_guess() {
    let root = common::wire(hex(
        "0a 02 7831  12 05 0102ac0203  18 03  25 0000c03f  2a 08 0100000002000000",
    ));
    let value = |n: &str| Plain::Node(root.field(n).unwrap());
    let read = |n: &str, kind: &str| call("as", value(n), &[text(kind)]).map(|v| show(&v));
    assert_eq!(show(&value("1")), r#""x1""#);
    assert_eq!(
        read("1", "message").unwrap(),
        r#"{fields:[{number:15,wire_type:"VARINT",value:49}]}"#
    );
    assert_eq!(read("1", "bytes").unwrap(), "7831 (2 bytes)");
    assert_eq!(read("2", "packed_varint").unwrap(), "[1,2,300,3]");
    assert_eq!(read("2", "packed_sint32").unwrap(), "[-1,1,150,-2]");
    assert_eq!(read("5", "packed_fixed32").unwrap(), "[1,2]");
    assert_eq!(read("5", "fixed64").unwrap(), "8589934593");
    assert_eq!(
        read("2", "all3.Inner").unwrap(),
        "{gap0:0102ac0203 (5 bytes)}"
    );
    let named = |n: &str, f: &str| call(f, value(n), &[]).map(|v| show(&v));
    assert_eq!(named("3", "as_sint64").unwrap(), "-2");
    assert_eq!(named("3", "as_bool").unwrap(), "true");
    assert_eq!(named("4", "as_float").unwrap(), "1.5");
    assert_eq!(show(&call("as_sint32", int(3), &[]).unwrap()), "-2");
    assert_eq!(
        show(&call("as_float", int(0x3fc0_0000), &[]).unwrap()),
        "1.5"
    );
    assert!(
        named("4", "as_double")
            .unwrap_err()
            .contains("these bytes are no double: expected 8 bytes")
    );
    assert!(
        call("as", value("1"), &[text("nope")])
            .unwrap_err()
            .starts_with("as: expected \"message\", \"string\"")
    );
}

#[test]
fn messages_are_made_and_refused() {
    let new = |name: &str, fields: Plain| {
        call(
            "new_message",
            Plain::Scalar(Scalar::Null),
            &[text(name), fields],
        )
    };
    let Ok(Plain::Node(made)) = new("all3.Inner", object([("a", int(1)), ("b", text("x"))])) else {
        panic!("no node")
    };
    assert_eq!(made.bytes().unwrap(), hex("08 01 12 01 78"));
    assert_eq!(
        new("all3.Inner", object([("c", int(1))])).unwrap_err(),
        r#"new_message: all3.Inner has no field "c"; it has a, b, next, nums"#
    );
    assert_eq!(
        new("all3.Inner", object([("next", object([("a", text("x"))]))])).unwrap_err(),
        r#"new_message: next: a takes an integer from -2147483648 to 2147483647, not "x""#
    );
    assert!(
        new("Nope", object([]))
            .unwrap_err()
            .starts_with("new_message: there is no type \"Nope\"; there are ")
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_is_its_messages(seed in any::<u64>()) {
        let rng = &mut Rng::new(seed);
        let all: Vec<Vec<u8>> = (0..rng.below(5)).map(|_| message(rng, 2)).collect();
        let mut input = Vec::new();
        for message in &all {
            common::short(message.len() as u64, rng, &mut input);
            input.extend(message);
        }
        let root = Delimited.decode(Space::source(input.clone()), &Options::default());
        prop_assert_eq!(bytes(&root), input);
        let items: Vec<Vec<u8>> = root.field("messages").unwrap().items().map(|m| m.bytes().unwrap().to_vec()).collect();
        prop_assert_eq!(items, all);
    }
}
