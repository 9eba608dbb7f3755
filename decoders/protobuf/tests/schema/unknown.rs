//! What no field takes: above all, numbers of a packed list that its closed enum does not have.

use crate::all2;
use crate::common::{bytes, get, hex, int, object, path, set, show, text, update};
use binq_core::{Node, Plain};

/// `packed_colors` 1, 7, 2, 300; `id` 1; `colors` 9 in a record of its own; field 60; `packed_colors` 8; `id` 2.
const MIXED: &str = "3a 05 01 07 02 ac 02  08 01  20 09  e0 03 05  3a 01 08  08 02";

fn items(root: &Node) -> Vec<Node> {
    root.field("unknown").unwrap().items().collect()
}

fn with(root: &Node, items: Vec<Plain>) -> Result<Vec<u8>, String> {
    let mut root = root.clone();
    let list = root.field("unknown").unwrap();
    root.put_field(list.set_items(items).map_err(|e| e.to_string())?);
    let encoded = binq_core::encode::encode(&root, &Default::default());
    Ok(encoded.map_err(|e| e.to_string())?.to_bytes().to_vec())
}

/// As Python's runtime has them: each number a field of its own, in the order of the bytes.
#[test]
fn numbers_that_a_packed_enum_lacks_are_unknown() {
    let root = all2(hex(MIXED));
    assert_eq!(show(&get(&root, ".packed_colors")), r#"["RED","GREEN"]"#);
    let unknown = [(7, 7), (7, 300), (4, 9), (60, 5), (7, 8)]
        .map(|(n, v)| format!("{{number:{n},wire_type:\"VARINT\",value:{v}}}"));
    assert_eq!(
        show(&get(&root, ".unknown")),
        format!("[{}]", unknown.join(","))
    );
    // nothing but unknown numbers, and none
    assert_eq!(
        show(&get(&all2(hex("3a 01 07")), ".unknown")),
        r#"[{number:7,wire_type:"VARINT",value:7}]"#
    );
    assert!(all2(hex("3a 02 01 02")).field("unknown").is_none());
}

#[test]
fn they_are_edited_where_they_are() {
    let root = all2(hex(MIXED));
    assert_eq!(
        bytes(&set(&root, ".unknown[0].value", int(300))),
        hex("3a 06 01 ac 02 02 ac 02  08 01  20 09  e0 03 05  3a 01 08  08 02")
    );
    let without = |i: u64| {
        let rest = items(&root).into_iter().enumerate();
        let rest = rest.filter(|(n, _)| *n as u64 != i);
        with(&root, rest.map(|(_, item)| Plain::Node(item)).collect())
    };
    assert_eq!(
        without(1).unwrap(),
        hex("3a 03 01 07 02  08 01  20 09  e0 03 05  3a 01 08  08 02")
    );
    assert_eq!(
        without(3).unwrap(),
        hex("3a 05 01 07 02 ac 02  08 01  20 09  3a 01 08  08 02")
    );
    assert_eq!(
        with(&root, Vec::new()).unwrap(),
        hex("3a 02 01 02  08 01  3a 00  08 02")
    );
    let gone = update(&root, &path(".unknown"), &mut |node| Ok(node));
    assert_eq!(bytes(&gone.unwrap()), hex(MIXED));
    let gone = root.clone().remove_field("unknown").unwrap();
    assert_eq!(bytes(&gone), hex("3a 02 01 02  08 01  3a 00  08 02"));
}

#[test]
fn what_is_new_comes_after_them_as_records() {
    let root = all2(hex(MIXED));
    let kept = || items(&root).into_iter().map(Plain::Node);
    let new = object([("number", int(61)), ("value", text("x"))]);
    assert_eq!(
        with(&root, kept().chain([new]).collect()).unwrap(),
        hex("3a 05 01 07 02 ac 02  08 01  20 09  e0 03 05  3a 01 08  ea 03 01 78  08 02")
    );
    // a number of another message is a record here
    let copy = Plain::Node(items(&all2(hex("3a 02 ac 02"))).remove(0));
    assert_eq!(
        with(&root, kept().chain([copy]).collect()).unwrap(),
        hex("3a 05 01 07 02 ac 02  08 01  20 09  e0 03 05  3a 01 08  38 ac 02  08 02")
    );
    let mut moved: Vec<Plain> = kept().collect();
    moved.swap(0, 3);
    for list in [
        moved,
        kept().chain(kept().take(1)).collect(),
        kept().chain(kept().skip(3)).collect(),
    ] {
        let why = with(&root, list).unwrap_err();
        assert!(why.contains("nothing can be moved"), "{why}");
    }
}
