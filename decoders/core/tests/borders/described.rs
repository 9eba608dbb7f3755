//! Formats and arrays that a few words describe.

use super::{PAIR, bytes, fields, int, root};
use binq_core::codec::{Int, Raw};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::At;
use binq_core::{
    Confidence, Described, Format, Kind, Options, Probe, Ref, Run, Severity, Space, Span, Table,
};
use std::sync::Arc;

static PAIRS: Table = Table::of(&PAIR, 3);

#[test]
fn a_table_goes_to_the_end_of_its_span() {
    for (len, sizes) in [
        (0, &[][..]),
        (1, &[1]),
        (3, &[3]),
        (4, &[3, 1]),
        (6, &[3, 3]),
        (8, &[3, 3, 2]),
    ] {
        let data: Vec<u8> = (0..len).collect();
        let node = root(Kind::Array(Ref::Static(&PAIRS)), &data);
        let found: Vec<u64> = node.items().map(|item| item.span().byte_len()).collect();
        assert_eq!(found, sizes, "{len}");
        assert_eq!(node.len(), sizes.len() as u64);
        assert_eq!(node.is_empty(), sizes.is_empty());
        for (i, item) in node.items().enumerate() {
            let by_index = node.item(i as u64).expect("an item");
            assert_eq!(by_index.span(), item.span());
            assert_eq!(item.span().first_byte(), i as u64 * 3);
        }
        assert!(node.item(sizes.len() as u64).is_none(), "{len}");
    }
    // what is too short for its layout has the fields that fit, a gap, and a fault
    let short = root(Kind::Array(Ref::Static(&PAIRS)), &[1, 2, 3, 4, 5]);
    let last = short.item(1).expect("an item");
    assert_eq!(
        fields(&last),
        [
            ("a".into(), 24, 8, int(4)),
            ("gap0".into(), 32, 8, bytes(&[5]))
        ]
    );
    let fault = last.fault().expect("a fault");
    assert_eq!((fault.offset, fault.severity), (Some(3), Severity::Stops));
    assert_eq!(
        (&*fault.expected, &*fault.found),
        ("3 bytes of pair", "2 bytes")
    );
    let alone = root(Kind::Array(Ref::Static(&PAIRS)), &[1, 2, 3, 4]);
    let last = alone.item(1).expect("an item");
    assert_eq!(fields(&last), [("a".into(), 24, 8, int(4))]);
    assert!(last.field("b").is_none());
}

/// Items of a byte that tells their size, itself included.
fn sized(at: &At<'_>) -> Option<(Kind, u64)> {
    let len = *at.read(0, 1).first()?;
    (len < 200).then_some((Kind::leaf(&Raw::ANY), len.into()))
}

#[test]
fn a_run_ends_where_there_is_no_item() {
    for (data, sizes) in [
        (&[][..], &[][..]),
        (&[1], &[1]),
        (&[2], &[1]),
        (&[2, 9], &[2]),
        (&[2, 9, 3], &[2, 1]),
        (&[0, 1], &[]),
        (&[1, 0, 1], &[1]),
        (&[1, 200, 1], &[1]),
        (&[199, 1], &[2]),
    ] {
        let run = Arc::new(Run::of("item", sized));
        let node = root(Kind::array(run), data);
        let found: Vec<u64> = node.items().map(|item| item.span().byte_len()).collect();
        assert_eq!(found, sizes, "{data:?}");
        assert_eq!(node.len(), sizes.len() as u64);
    }
    // the walk counts
    let space = Space::source(vec![1, 1, 1]);
    let run = Run::of("item", sized);
    let at = SeqAt {
        space: &space,
        span: space.span(),
    };
    let mut state = run.start(&at);
    for n in 0..3 {
        assert_eq!((state.at, state.memory), (n * 8, n));
        state = run.step(&at, &state).expect("an item").next;
    }
    assert!(run.step(&at, &state).is_none());
}

#[test]
fn a_described_format_knows_its_mark() {
    static TOY: Described = Described::of("toy", "a toy", b"TOY", &PAIR);
    static ANY: Described = Described::probed("any", "anything", |_| Confidence::Likely, &PAIR);
    let probe = |bytes: &[u8]| TOY.probe(&Probe { bytes });
    assert_eq!(probe(b"TOY"), Confidence::Certain);
    assert_eq!(probe(b"TOYS"), Confidence::Certain);
    assert_eq!(probe(b"TO"), Confidence::No);
    assert_eq!(probe(b"toy"), Confidence::No);
    assert_eq!(ANY.probe(&Probe { bytes: b"" }), Confidence::Likely);
    let decode = |b: &[u8]| TOY.decode(Space::source(b.to_vec()), &Options::default());
    assert_eq!(decode(b"TOY").finding(), None);
    assert_eq!(decode(b"TOY").undecodable(), None);
    for (data, found) in [(&b"TOX"[..], "544f58"), (b"TO", "544f"), (b"", "")] {
        let fault = decode(data).fault().expect("a fault");
        assert_eq!(
            (&*fault.expected, &*fault.found, fault.offset),
            ("544f59", found, Some(0))
        );
        assert_eq!(decode(data).undecodable().map(|f| f.offset), Some(Some(0)));
        assert_eq!(decode(data).format(), "toy");
    }
    let any = ANY.decode(Space::source(b"abc".to_vec()), &Options::default());
    assert_eq!(any.finding(), None);
}

/// Items of one byte, found one by one.
struct Steps;

impl Sequence for Steps {
    fn name(&self) -> &'static str {
        "step"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 8);
        at.span.contains(span).then(|| Step {
            kind: Kind::leaf(&Int::U8),
            span,
            next: State::new(span.end()),
        })
    }
}

#[test]
fn an_index_of_many_items_is_right() {
    for len in [0u64, 1, 31, 32, 33, 64, 1000] {
        let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let fresh = || root(Kind::array(Arc::new(Steps)), &data);
        assert_eq!(fresh().len(), len);
        let node = fresh();
        // backwards, then each again, and behind the end
        for i in (0..len).rev().chain(0..len) {
            assert_eq!(
                node.item(i).expect("an item").span(),
                Span::bytes(i, 1),
                "{i} of {len}"
            );
        }
        assert!(node.item(len).is_none() && node.item(len + 1).is_none());
        assert_eq!(node.len(), len);
        let node = fresh();
        assert!(node.item(len + 7).is_none());
        assert_eq!(node.len(), len);
    }
    // more places than are remembered: 8192 times 32, and more
    let len = 8192 * 32 + 40_000u64;
    let node = root(Kind::array(Arc::new(Steps)), &vec![0; len as usize]);
    for i in [len - 1, 5, 262_144, 262_143, 0, 300_000, 300_001, 40] {
        assert_eq!(node.item(i).expect("an item").span(), Span::bytes(i, 1));
    }
    assert_eq!(node.len(), len);
}
