//! What a later value replaces: no node shows it, and protoc refuses the message for it all the same.

use crate::common::{Rng, hex};
use crate::{agree, decode, has_protoc, stops};
use binq_protobuf::wire::build::{len_record, tag};
use binq_protobuf::wire::varint;

/// What a field holds.
#[derive(Clone, Copy)]
enum Holds {
    Varint,
    I32,
    I64,
    Text,
    Bytes,
    /// A list in one record: of varints, or of numbers of so many bytes.
    Packed(usize),
    Message(&'static [(u32, Holds)]),
    Group(&'static [(u32, Holds)]),
    /// Key and value of an entry.
    Map(&'static [(u32, Holds)]),
}
use Holds::{Bytes, Group, I32, I64, Map, Message, Packed, Text, Varint};

type Fields = &'static [(u32, Holds)];

static INNER: [(u32, Holds); 4] = [(1, Varint), (2, Text), (3, Message(&INNER)), (4, Packed(0))];
static TIME: [(u32, Holds); 2] = [(1, Varint), (2, Varint)];
static TEXTS: [(u32, Holds); 1] = [(1, Text)];
static STRUCT: [(u32, Holds); 1] = [(1, Map(&[(1, Text), (2, Message(&VALUE))]))];
static LIST: [(u32, Holds); 1] = [(1, Message(&VALUE))];
static VALUE: [(u32, Holds); 6] = [
    (1, Varint),
    (2, I64),
    (3, Text),
    (4, Varint),
    (5, Message(&STRUCT)),
    (6, Message(&LIST)),
];

/// `All` of `all3.proto`, of each kind of field one.
static ALL3: &[(u32, Holds)] = &[
    (1, I64),
    (2, I32),
    (3, Varint),
    (14, Text),
    (15, Bytes),
    (16, Varint),
    (17, Message(&INNER)),
    (22, Packed(4)),
    (23, Packed(0)),
    (25, Packed(4)),
    (27, Text),
    (29, Packed(0)),
    (30, Message(&INNER)),
    (41, Map(&[(1, Text), (2, Varint)])),
    (42, Map(&[(1, Varint), (2, Text)])),
    (43, Map(&[(1, Varint), (2, Message(&INNER))])),
    (44, Map(&[(1, Varint), (2, Varint)])),
    (45, Map(&[(1, Text), (2, Bytes)])),
    (51, Varint),
    (52, Text),
    (53, Message(&INNER)),
    (55, Text),
    (61, Message(&TIME)),
    (62, Message(&TIME)),
    (63, Message(&TEXTS)),
    (64, Message(&STRUCT)),
    (65, Message(&VALUE)),
    (66, Message(&LIST)),
    (67, Message(&[(1, Text), (2, Message(&INNER))])),
    (68, Message(&[])),
    (72, Message(&TEXTS)),
    (73, Message(&[(1, Varint)])),
    (75, Message(&[(1, Bytes)])),
];

static INNER2: [(u32, Holds); 3] = [(1, Varint), (2, Bytes), (3, Message(&INNER2))];

/// `All` of `all2.proto`: groups, closed enums, extensions, text that need not be UTF-8.
static ALL2: &[(u32, Holds)] = &[
    (1, Varint),
    (2, Bytes),
    (3, Varint),
    (4, Packed(0)),
    (7, Packed(0)),
    (8, Group(&[(1, Varint), (2, Message(&[(1, Varint)]))])),
    (9, Group(&[(1, Bytes)])),
    (10, Message(&INNER2)),
    (11, I32),
    (13, Varint),
    (14, Message(&INNER2)),
    (15, Map(&[(1, Bytes), (2, Message(&INNER2))])),
    (102, Message(&INNER2)),
];

/// A message of these fields, of which some are there again and again; one value in `faults` has something wrong with it.
fn message(of: Fields, depth: u32, faults: u64, rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    let records = match of.len() {
        0 => 0,
        n if n < 7 => rng.below(4),
        _ => 2 + rng.below(8),
    };
    let few = (0..3).map(|_| rng.below(of.len().max(1) as u64));
    let few: Vec<u64> = few.collect();
    for _ in 0..records {
        let (number, holds) = of[few[rng.below(3) as usize] as usize];
        record(number, holds, depth, faults, rng, &mut out);
    }
    if rng.one_in(faults * 4) {
        out.truncate(rng.below(out.len() as u64 + 1) as usize);
    }
    out
}

fn record(number: u32, holds: Holds, depth: u32, faults: u64, rng: &mut Rng, out: &mut Vec<u8>) {
    let wrong = rng.one_in(faults);
    let inside = |of, rng: &mut Rng| match depth {
        0 => Vec::new(),
        _ => message(of, depth - 1, faults, rng),
    };
    let content = match holds {
        Varint => {
            tag(number, 0, out);
            let value = match wrong {
                true => rng.random(),
                false => rng.below(4),
            };
            return varint::write(value, out);
        }
        I32 | I64 => {
            let (wire_type, size) = if matches!(holds, I32) { (5, 4) } else { (1, 8) };
            tag(number, wire_type, out);
            return out.extend(&rng.random().to_le_bytes()[..size]);
        }
        Group(of) => {
            tag(number, 3, out);
            out.extend(inside(of, rng));
            return tag(number + u32::from(wrong), 4, out);
        }
        Text | Bytes if wrong => vec![b'x', 0xff],
        Text | Bytes => vec![b'a' + rng.below(2) as u8],
        Packed(0) if wrong => vec![1, 0x80],
        Packed(0) => (0..rng.below(4)).map(|_| rng.below(4) as u8).collect(),
        Packed(size) => vec![7; size * rng.below(3) as usize + usize::from(wrong)],
        Message(_) | Map(_) if wrong => {
            let bad: [&[u8]; 5] = [&[0x47], &[0x0a, 9], &[0x0b], &[0x08], &[0x0c]];
            bad[rng.below(5) as usize].to_vec()
        }
        Message(of) => inside(of, rng),
        Map(entry) => {
            let mut out = Vec::new();
            for _ in 0..1 + rng.below(3) {
                let (number, holds) = entry[rng.below(2) as usize];
                record(
                    number,
                    holds,
                    depth.saturating_sub(1),
                    faults,
                    rng,
                    &mut out,
                );
            }
            out
        }
    };
    len_record(number, &content, out);
}

/// Random messages of a schema with all kinds of fields, in which fields, keys and members of oneofs are there several times,
/// and some values are no good.
#[test]
fn what_is_replaced_is_told_where_protoc_refuses_it() {
    if !has_protoc() {
        return;
    }
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases: u64 = cases.and_then(|n| n.parse().ok()).unwrap_or(100);
    let rng = &mut Rng::new(4);
    let mut refused = 0;
    for (name, of) in [("all3.All", ALL3), ("all2.All", ALL2)] {
        let of_type = Some(("types.desc", name));
        for _ in 0..cases {
            let message = message(of, 4, 40, rng);
            refused += u64::from(!stops(&decode(of_type, &message)).is_empty());
            agree(of_type, &message);
        }
    }
    // so that both are there, well-formed messages and others
    assert!(refused * 5 > cases && refused * 5 < cases * 9, "{refused}");
}

/// Each kind once, on the innermost node that has the byte.
#[test]
fn what_is_replaced_is_told_once_where_it_is() {
    let of = Some(("types.desc", "all3.All"));
    for (message, path, offset) in [
        // an entry of a map, for another of the same key
        (
            "d202 05 0801 1201ff d202 05 0801 120178",
            ".m_int64_string",
            7,
        ),
        (
            "da02 05 0801 120108 da02 04 0801 1200",
            ".m_bool_message",
            8,
        ),
        // a key and a value, for another one in the same entry; a message there is merged
        ("ca02 08 0a01ff 0a0161 1001", ".m_string_int32", 5),
        ("d202 08 0801 1201ff 120178", ".m_int64_string", 7),
        ("da02 09 0801 120108 12020805", ".m_bool_message.true", 7),
        // a field
        ("7201ff 720178", ".", 2),
        ("ba0301ff ba030178", ".", 3),
        // a member of a oneof: text, a message, a message in two parts
        ("a20301ff 980305", ".", 3),
        ("aa03 0108 980305", ".", 4),
        ("aa03 020805 aa03 0147 980305", ".", 8),
        // deep inside a value that is replaced
        ("aa03 07 1a05 1a03 1201ff 980305", ".", 9),
        // in what JSON reads in another way
        ("8a04 05 1a01ff 2001", ".value", 5),
        ("8a04 05 2a0147 2001", ".value", 5),
        ("c204 06 0a01ff 0a0178", ".w_string", 5),
    ] {
        let message = hex(message);
        agree(of, &message);
        let root = decode(of, &message);
        let found: Vec<_> = root.findings().map(|f| (f.path, f.offset)).collect();
        assert_eq!(found, [(path.to_owned(), Some(offset))], "{message:02x?}");
    }
    // what is left over of a message has a finding of its own
    let root = decode(of, &hex("7201ff 720178 08"));
    let found: Vec<_> = root.findings().map(|f| f.path).collect();
    assert_eq!(found, [".", ".gap0"]);
}
