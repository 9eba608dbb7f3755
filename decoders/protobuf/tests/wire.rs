//! The wire view: what it shows, what edits do to the bytes, and the laws over random messages and damage.

mod common;

use binq_core::{Key, Node, Plain, Scalar, Span};
use binq_protobuf::wire::varint;
use common::{
    Rng, bytes, config, damage, follow, get, hex, int, leaves, message, number, object, path, set,
    show, text, update, wire,
};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

/// `{1: {2: {3: "x"}}, 4: 150 (padded)}`
fn nested() -> Vec<u8> {
    hex("0a 05 12 03 1a 01 78  20 96 81 00")
}

#[test]
fn fields_are_listed_and_found() {
    let root = wire(nested());
    assert_eq!(
        show(&get(&root, ".")),
        r#"{fields:[{number:1,wire_type:"LEN",value:{fields:[{number:2,wire_type:"LEN",value:{fields:[{number:3,wire_type:"LEN",value:"x"}]}}]}},{number:4,wire_type:"VARINT",value:150}]}"#
    );
    assert_eq!(show(&get(&root, ".1.2.3")), r#""x""#);
    assert_eq!(show(&get(&root, ".4")), "150");
    assert_eq!(show(&get(&root, ".fields[0].length")), "5");
    assert!(root.field("5").is_none());
    assert!(root.fault().is_none());
}

#[test]
fn lengths_follow_at_every_depth() {
    let root = wire(nested());
    let x = "y".repeat(130);
    let out = bytes(&set(
        &root,
        ".fields[0].value.fields[0].value.fields[0].value",
        text(&x),
    ));
    let mut expected = hex("0a 8801 12 8501 1a 8201");
    expected.extend(x.as_bytes());
    expected.extend(hex("20 96 81 00"));
    assert_eq!(out, expected);
    // the same by shorthand, and back
    assert_eq!(bytes(&set(&root, ".1.2.3", text(&x))), expected);
    let back = bytes(&set(&wire(out), ".1.2.3", text("x")));
    assert_eq!(back, nested());
}

#[test]
fn padding_stays_where_it_fits() {
    let root = wire(nested());
    assert_eq!(bytes(&set(&root, ".4", int(1)))[7..], hex("20 81 80 00"));
    assert_eq!(
        bytes(&set(&root, ".4", int(1 << 30)))[7..],
        hex("20 80 80 80 80 04")
    );
    // a padded length keeps its two bytes
    let padded = wire(hex("0a 82 00 7878"));
    assert_eq!(
        bytes(&set(&padded, ".1", text("abc"))),
        hex("0a 83 00 616263")
    );
}

#[test]
fn tags_are_edited_in_place() {
    let root = wire(hex("08 01"));
    assert_eq!(
        bytes(&set(&root, ".fields[0].number", int(2))),
        hex("10 01")
    );
    assert_eq!(
        bytes(&set(&root, ".fields[0].number", int(16))),
        hex("80 01 01")
    );
    assert_eq!(
        bytes(&set(&root, ".fields[0].wire_type", text("I32"))),
        hex("0d 01")
    );
    let both = object([
        ("number", int(16)),
        ("wire_type", text("I32")),
        ("value", int(7)),
    ]);
    // another wire type stores the value in another way: `.fields[0].wire_type` alone would leave one byte for four
    assert_eq!(
        bytes(&set(&root, ".fields[0]", both)),
        hex("85 01 07 00 00 00")
    );
    // the end of a group follows its start
    let group = wire(hex("0b 10 01 0c"));
    assert_eq!(
        bytes(&set(&group, ".fields[0].number", int(2))),
        hex("13 10 01 14")
    );
    assert_eq!(show(&get(&group, ".1.2")), "1");
}

#[test]
fn an_assigned_length_stays() {
    let root = wire(nested());
    let wrong = set(&root, ".fields[0].length", int(77));
    assert_eq!(bytes(&wrong)[..2], hex("0a 4d"));
    let both = set(
        &wrong,
        ".fields[0].value.fields[0].value.fields[0].value",
        text("long"),
    );
    assert_eq!(bytes(&both)[..2], hex("0a 4d"));
}

#[test]
fn items_come_and_go() {
    let root = wire(hex("08 01 10 02 0a 01 61"));
    let fields = root.field("fields").unwrap();
    let item = |i: u64| Plain::Node(fields.item(i).unwrap());
    let new = object([("number", int(3)), ("value", text("hi"))]);
    for (list, expected) in [
        (vec![item(2), item(0), item(1)], "0a 01 61 08 01 10 02"),
        (vec![item(0), item(2)], "08 01 0a 01 61"),
        (vec![], ""),
        (
            vec![item(0), new.clone(), item(1), item(2)],
            "08 01 1a 02 6869 10 02 0a 01 61",
        ),
        (
            vec![item(1), item(1), item(2), new.clone()],
            "10 02 10 02 0a 01 61 1a 02 6869",
        ),
    ] {
        let mut edited = root.clone();
        edited.put_field(
            edited
                .clone()
                .take_field("fields")
                .unwrap()
                .set_items(list)
                .unwrap(),
        );
        assert_eq!(bytes(&edited), hex(expected));
    }
}

#[test]
fn shorthand_adds_and_removes() {
    let root = wire(hex("08 01 10 02 08 03"));
    assert_eq!(show(&get(&root, ".1")), "[1,3]");
    assert_eq!(
        bytes(&root.clone().remove_field("1").unwrap()),
        hex("10 02")
    );
    assert_eq!(
        bytes(&root.clone().add_field("3", text("a")).unwrap()),
        hex("08 01 10 02 08 03 1a 01 61")
    );
    let nested = wire(hex("0a 02 10 02"));
    let longer = update(&nested, &path(".1"), &mut |n| n.add_field("3", text("a"))).unwrap();
    assert_eq!(bytes(&longer), hex("0a 05 10 02 1a 01 61"));
    let three = set(&root, ".1", Plain::Array(vec![int(1), int(3), int(4)]));
    assert_eq!(bytes(&three), hex("08 01 08 03 08 04 10 02"));
    assert_eq!(show(&get(&three, ".1")), "[1,3,4]");
}

/// Two ways to one field are one edit; two values for it are an error.
#[test]
fn both_ways_to_a_field_agree() {
    for (input, expected) in [
        ("1a 04 0a 02 7878", "1a 06 0a 04 61626364"),
        ("1a 02 0a 00", "1a 06 0a 04 61626364"),
    ] {
        let outer = wire(hex(input))
            .field("3")
            .unwrap()
            .bytes()
            .unwrap()
            .to_vec();
        let root = wire([vec![0x1a, outer.len() as u8], outer].concat());
        let inner = ".fields[0].value";
        let once = set(&root, &format!("{inner}.fields[0].value"), text("abcd"));
        let both = set(&once, &format!("{inner}.1"), text("abcd"));
        assert_eq!(bytes(&both), hex(expected));
        assert_eq!(bytes(&set(&once, ".3.1", text("abcd"))), hex(expected));
        for path in [".3.1", ".fields[0].value.1"] {
            let other = set(&once, path, text("xyz"));
            let refused = binq_core::encode::encode(&other, &Default::default())
                .err()
                .unwrap();
            assert!(refused.to_string().contains("both cover byte"), "{refused}");
        }
    }
}

#[test]
fn a_length_delimited_value_may_become_anything() {
    let root = wire(nested());
    assert_eq!(
        bytes(&set(&root, ".1", text("abc")))[..5],
        hex("0a 03 616263")
    );
    let text_root = wire(hex("0a 01 78"));
    let message = set(&text_root, ".1", object([("1", int(5))]));
    assert_eq!(bytes(&message), hex("0a 02 08 05"));
    assert_eq!(
        show(&get(&message, ".1.fields")),
        r#"[{number:1,wire_type:"VARINT",value:5}]"#
    );
}

#[test]
fn refusals_say_what_fits() {
    let root = wire(nested());
    let refused = |at: &str, value| {
        let mut value = Some(value);
        update(&root, &path(at), &mut |n| n.assign(value.take().unwrap()))
            .err()
            .unwrap_or_else(|| panic!("{at} was taken"))
            .to_string()
    };
    assert_eq!(
        refused(".fields[1].value", text("x")),
        r#".fields[1].value at byte 8: takes an integer from 0 to 18446744073709551615, not "x""#
    );
    assert_eq!(
        refused(".fields[1].number", int(0)),
        ".fields[1].number at byte 7: takes a field number from 1 to 536870911, not 0"
    );
    assert!(
        refused(".fields[1].wire_type", text("X"))
            .contains("or one of VARINT, I64, LEN, SGROUP, EGROUP, I32")
    );
}

#[test]
fn two_thousand_deep_and_two_to_the_sixty_three_end_in_faults() {
    let mut deep = Vec::new();
    for _ in 0..2000 {
        let mut outer = Vec::new();
        binq_protobuf::wire::build::len_record(1, &deep, &mut outer);
        deep = outer;
    }
    let mut node = wire(deep.clone());
    let mut depth = 0;
    while let Some(inner) = node.field("1") {
        node = inner;
        depth += 1;
    }
    // protoc reads a message with 100 in each other below it, and refuses one with 101
    assert_eq!(depth, 101);
    assert_eq!(node.parent().unwrap().fault(), None);
    // they only look like messages: protoc has nothing against them
    assert_eq!(node.fault(), None);
    let note = node.finding().expect("too deep");
    assert_eq!(note.expected, "at most 100 messages in each other");
    assert_eq!(bytes(&wire(deep.clone())), deep);

    let mut groups = vec![0x0b; 2000];
    groups.extend(vec![0x0c; 2000]);
    let fault = wire(groups).fault().expect("too deep");
    assert_eq!(fault.expected, "at most 100 groups in each other");

    // protoc reads lengths of 31 bits, in at most five bytes
    let huge = wire(hex("08 01 0a ff ff ff ff 0f 61"));
    let fault = huge.fault().expect("too long");
    assert_eq!(
        fault.to_string(),
        "protobuf: . at byte 3: expected a length of at most 2147483647 bytes, found 4294967295"
    );
    assert_eq!(huge.field("fields").unwrap().len(), 1);
    assert_eq!(huge.field("gap0").unwrap().span(), Span::bytes(2, 7));
}

/// Bytes of the input that no leaf of a message covers are lengths and end tags.
fn random_leaf(root: &Node, rng: &mut Rng) -> Option<Node> {
    let mut all = Vec::new();
    leaves(root, &mut |leaf| all.push(leaf.clone()));
    let stored: Vec<_> = all
        .into_iter()
        .filter(|n| !n.path_text().contains("gap"))
        .collect();
    let i = rng.below(stored.len() as u64) as usize;
    stored.into_iter().nth(i)
}

fn input(seed: u64, damaged: bool) -> Vec<u8> {
    let rng = &mut Rng::new(seed);
    let whole = message(rng, 4);
    if damaged {
        damage(&whole, rng).to_vec()
    } else {
        whole
    }
}

/// Another value that fits.
fn other_value(leaf: &Node, rng: &mut Rng) -> Scalar {
    let is_number = matches!(leaf.key(), Some(Key::Name(name)) if name == "number");
    match leaf.actual() {
        Some(Scalar::Int(_)) if is_number => Scalar::Int((1 + rng.below(3000)).into()),
        Some(Scalar::Int(_)) if leaf.symbol().is_some() => Scalar::Int(rng.below(6).into()),
        Some(Scalar::Int(_)) if leaf.span().len == 32 => Scalar::Int((number(rng) >> 32).into()),
        Some(Scalar::Int(_)) => Scalar::Int((number(rng) >> rng.below(40)).into()),
        _ => Scalar::Bytes(
            (0..rng.below(300))
                .map(|_| rng.random() as u8)
                .collect::<Vec<_>>()
                .into(),
        ),
    }
}

/// The input with the bytes of a leaf replaced, and what follows from that, made without the help of the encoder.
fn expected(root: &Node, leaf: &Node, new: Vec<u8>) -> Vec<u8> {
    let mut out = root.bytes().unwrap().to_vec();
    let mut delta = new.len() as i64 - leaf.span().len as i64 / 8;
    let mut splices = vec![(leaf.span(), new.clone())];
    let path = leaf.path();
    for depth in (1..=path.len()).rev() {
        let Key::Name(name) = &path[depth - 1] else {
            continue;
        };
        let field = follow(root, &path[..depth - 1]).unwrap();
        if let (Some(length), "value", true) = (field.field("length"), &**name, delta != 0) {
            let (len, _) = varint::read(&length.bytes().unwrap()).unwrap();
            let mut spelled = Vec::new();
            varint::write_like(
                len.checked_add_signed(delta).unwrap(),
                &length.bytes().unwrap(),
                &mut spelled,
            );
            delta += spelled.len() as i64 - length.span().len as i64 / 8;
            splices.push((length.span(), spelled));
        }
        // the end of a group carries the number too; it precedes whatever is around the group
        if let (Some(end), "number") = (field.field("end_number"), &**name) {
            let (number, _) = varint::read(&new).unwrap();
            let mut spelled = Vec::new();
            varint::write_like(number >> 3 << 3 | 4, &end.bytes().unwrap(), &mut spelled);
            delta += spelled.len() as i64 - end.span().len as i64 / 8;
            splices.push((end.span(), spelled));
        }
    }
    splices.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, new) in splices {
        out.splice(span.first_byte() as usize..span.end_byte() as usize, new);
    }
    out
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn identity_and_cover(seed in any::<u64>(), damaged in any::<bool>()) {
        let input = input(seed, damaged);
        let root = wire(input.clone());
        prop_assert_eq!(bytes(&root), input.clone());
        // records and gap cover everything, in order
        let mut at = 0;
        // without one record that can be read there is only the gap
        for field in root.field("fields").iter().flat_map(|fields| fields.items()) {
            prop_assert_eq!(field.span().first_byte(), at);
            at = field.span().end_byte();
        }
        match root.field("gap0") {
            Some(gap) => {
                prop_assert_eq!(gap.span().first_byte(), at);
                prop_assert!(root.fault().is_some());
                at = gap.span().end_byte();
            }
            None => prop_assert!(root.fault().is_none()),
        }
        prop_assert_eq!(at as usize, input.len());
    }

    #[test]
    fn get_put(seed in any::<u64>(), damaged in any::<bool>()) {
        let input = input(seed, damaged);
        let root = wire(input.clone());
        let Some(leaf) = random_leaf(&root, &mut Rng::new(seed)) else { return Ok(()) };
        for value in [leaf.scalar(), leaf.actual().unwrap()] {
            let mut value = Some(Plain::Scalar(value));
            let same = update(&root, &leaf.path(), &mut |n| n.assign(value.take().unwrap())).unwrap();
            prop_assert_eq!(bytes(&same), input.clone(), "{}", leaf.path_text());
        }
        // the whole as a plain value changes nothing either
        let whole = common::get(&root, ".fields");
        let same = set(&root, ".fields", whole);
        prop_assert_eq!(bytes(&same), input);
    }

    /// The new bytes are the old ones with the leaf's replaced, and the lengths around it; nothing else.
    #[test]
    fn put_get_and_locality(seed in any::<u64>(), damaged in any::<bool>()) {
        let input = input(seed, damaged);
        let root = wire(input.clone());
        let rng = &mut Rng::new(!seed);
        let Some(leaf) = random_leaf(&root, rng) else { return Ok(()) };
        let name = leaf.key().cloned();
        if matches!(&name, Some(Key::Name(n)) if n == "wire_type") { return Ok(()) }
        let value = other_value(&leaf, rng);
        let edited = set(&root, &leaf.path_text(), Plain::Scalar(value.clone()));
        let seen = follow(&edited, &leaf.path()).unwrap();
        let seen_value = seen.actual().unwrap();
        // bytes that are text read as text
        prop_assert!(seen_value == value || seen_value.as_bytes() == value.as_bytes());
        let new = seen.bytes().unwrap();
        prop_assert_eq!(wire(new.to_vec()).bytes().unwrap(), new.clone());
        prop_assert_eq!(bytes(&edited), expected(&root, &leaf, new.to_vec()), "{}", leaf.path_text());
    }

    #[test]
    fn removing_and_inserting(seed in any::<u64>()) {
        let input = input(seed, false);
        let root = wire(input.clone());
        let rng = &mut Rng::new(seed);
        // descend to a random message
        let mut at = Vec::new();
        let mut node = root.clone();
        loop {
            let fields: Vec<Node> = node.field("fields").unwrap().items().collect();
            let inner: Vec<Node> = fields.iter().map(|f| f.field("value").unwrap())
                .filter(binq_protobuf::wire::view::is_message).collect();
            at.push(Key::Name("fields".into()));
            if inner.is_empty() || rng.one_in(3) { break }
            node = inner[rng.below(inner.len() as u64) as usize].clone();
            at = node.path();
        }
        let array = follow(&root, &at).unwrap();
        let old: Vec<Node> = array.items().collect();
        let mut list = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..rng.below(old.len() as u64 + 2) {
            if old.is_empty() || rng.one_in(4) {
                let n = number(rng);
                let new = object([("number", int(9)), ("value", Plain::Scalar(Scalar::Int(n.into())))]);
                expected.push(binq_protobuf::wire::build::record_of(&new).unwrap());
                list.push(new);
            } else {
                let item = &old[rng.below(old.len() as u64) as usize];
                expected.push(item.bytes().unwrap().to_vec());
                list.push(Plain::Node(item.clone()));
            }
        }
        let mut list = Some(list);
        let edited = update(&root, &at, &mut |n| n.set_items(list.take().unwrap())).unwrap();
        prop_assert!(wire(bytes(&edited)).fault().is_none());
        // what was a message may look like text when it is read again: the edited tree keeps its shape
        let bits: Vec<u8> = follow(&edited, &at[..at.len() - 1]).unwrap().bytes().unwrap().to_vec();
        prop_assert_eq!(bits, expected.concat());
    }

    #[test]
    fn any_bytes(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let root = wire(input.clone());
        let mut all = Vec::new();
        leaves(&root, &mut |leaf| all.push(leaf.clone()));
        prop_assert!(all.len() <= input.len() * 4 + 1);
        prop_assert_eq!(bytes(&root), input);
    }
}

/// What was edited through a field number shows in the list of records, which can be edited further.
#[test]
fn records_show_what_was_edited_through_a_field_number() {
    let root = wire(hex("08 01 12 02 6869 08 02"));
    let edited = set(&root, r#"."2""#, text("hello"));
    let edited = edited.add_field("7", int(9)).unwrap();
    let wanted = r#"{fields:[{number:1,wire_type:"VARINT",value:1},{number:2,wire_type:"LEN",value:"hello"},{number:1,wire_type:"VARINT",value:2},{number:7,wire_type:"VARINT",value:9}]}"#;
    assert_eq!(show(&get(&edited, ".")), wanted);
    let edited = set(&edited, ".fields[1].value", text("x"));
    let edited = set(&edited, ".fields[3].value", int(10));
    let edited = set(&edited, r#"."1"[0]"#, int(3));
    assert_eq!(bytes(&edited), hex("08 03 12 01 78 08 02 38 0a"));
    let gone = edited.remove_field("1").unwrap();
    assert_eq!(
        show(&get(&gone, ".fields[0]")),
        r#"{number:2,wire_type:"LEN",value:"x"}"#
    );
    // a wrong length or number that was planted is no reason to read again
    let planted = set(&root, ".fields[1].length", int(99));
    let planted = set(&planted, r#"."1"[0]"#, int(5));
    assert_eq!(bytes(&planted), hex("08 05 12 63 6869 08 02"));
}
