//! The small parts of the core against models that are too simple to be wrong.

use binq_core::codec::{Int, Raw};
use binq_core::encode::{Splice, agree, longest_rise, patched};
use binq_core::layer::{Gather, Layer};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::time::{civil_from_days, days_from_civil, rfc3339};
use binq_core::{Bits, Key, Kind, Node, Reject, Space, Span, path_text};
use std::collections::BTreeSet;
use std::sync::Arc;

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
}

fn to_bools(bytes: &[u8]) -> Vec<bool> {
    let bits = |b: &u8| (0..8).map(|i| b >> (7 - i) & 1 == 1).collect::<Vec<_>>();
    bytes.iter().flat_map(bits).collect()
}

fn bools(bits: &Bits) -> Vec<bool> {
    let mut all = to_bools(bits.bytes());
    assert!(
        all.split_off(bits.len() as usize).iter().all(|b| !b),
        "unused bits are zero"
    );
    all
}

#[test]
fn bits_are_a_run_of_bools() {
    let rng = &mut Rng(1);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..1 + rng.below(20))
            .map(|_| rng.below(256) as u8)
            .collect();
        let model = to_bools(&bytes);
        let all = model.len() as u64;
        let skip = rng.below(8).min(all);
        let len = rng.below(all - skip + 1);
        let bits = Bits::extract(bytes.clone().into(), skip, len);
        let wanted = &model[skip as usize..(skip + len) as usize];
        assert_eq!(bools(&bits), wanted);
        assert_eq!((bits.len(), bits.is_empty()), (len, len == 0));
        // a slice of it
        let from = rng.below(len + 1);
        let count = rng.below(len - from + 1);
        assert_eq!(
            bools(&bits.slice(from, count)),
            wanted[from as usize..(from + count) as usize]
        );
        // as a number, and back
        let number = wanted
            .iter()
            .take(128)
            .fold(0u128, |n, b| n << 1 | u128::from(*b));
        if len <= 128 {
            assert_eq!(bits.uint(), number);
            assert_eq!(Bits::from_uint(number, len), bits);
            if len < 128 {
                let more = Bits::from_uint(number | 1 << len, len);
                assert_eq!(more, bits, "more bits than asked for");
            }
        }
        // written over others: those around it stay
        let mut target = vec![rng.below(256) as u8; bytes.len() + 2];
        let mut wanted_target = to_bools(&target);
        let at = rng.below(wanted_target.len() as u64 - len + 1);
        bits.write_over(&mut target, at);
        wanted_target[at as usize..(at + len) as usize].copy_from_slice(wanted);
        assert_eq!(to_bools(&target), wanted_target);
    }
}

#[test]
fn spans_are_sets_of_bits() {
    for start in 0..20 {
        for len in 0..20 {
            let span = Span::bits(start, len);
            let set: BTreeSet<u64> = (start..start + len).collect();
            assert_eq!(span.end(), start + len);
            assert_eq!(span.is_aligned(), start % 8 == 0 && len % 8 == 0);
            assert_eq!(span.first_byte(), start / 8);
            let bytes: BTreeSet<u64> = set.iter().map(|bit| bit / 8).collect();
            if len > 0 {
                assert_eq!(span.end_byte(), bytes.last().unwrap() + 1);
                assert_eq!(span.byte_len(), bytes.len() as u64);
            }
            for other_start in 0..24 {
                for other_len in 0..6 {
                    let other = Span::bits(other_start, other_len);
                    let others: BTreeSet<u64> = (other_start..other_start + other_len).collect();
                    let inside = start <= other_start && other_start + other_len <= start + len;
                    assert_eq!(span.contains(other), inside, "{span:?} {other:?}");
                    let shares = set.intersection(&others).next().is_some();
                    // an empty one touches what it lies in, or at the edge of
                    let edge = (len == 0 || other_len == 0)
                        && start <= other_start + other_len
                        && other_start <= start + len;
                    assert_eq!(span.touches(other), shares || edge, "{span:?} {other:?}");
                }
            }
        }
    }
}

/// The length of the longest rising run, by trying all of them.
fn longest(of: &[Option<u64>]) -> usize {
    let picked = |mask: u32| {
        let all: Vec<_> = (0..of.len())
            .filter(|i| mask >> i & 1 == 1)
            .map(|i| of[i])
            .collect();
        (all.iter().all(Option::is_some) && all.is_sorted_by(|a, b| a < b)).then_some(all.len())
    };
    (0..1u32 << of.len()).filter_map(picked).max().unwrap_or(0)
}

#[test]
fn as_many_items_as_can_stay_do() {
    let rng = &mut Rng(2);
    for _ in 0..500 {
        let of: Vec<Option<u64>> = (0..rng.below(10))
            .map(|_| (rng.below(5) > 0).then(|| rng.below(8)))
            .collect();
        let stays = longest_rise(&of);
        let kept: Vec<_> = of
            .iter()
            .zip(&stays)
            .filter(|(_, s)| **s)
            .map(|(v, _)| *v)
            .collect();
        assert!(
            kept.iter().all(Option::is_some) && kept.is_sorted_by(|a, b| a < b),
            "{of:?}"
        );
        assert_eq!(kept.len(), longest(&of), "{of:?}");
    }
}

/// A gathering, and what it should read as; nothing where bytes are missing.
fn gathered(rng: &mut Rng, under: &[u8]) -> (Gather, Vec<Option<usize>>) {
    let (mut gather, mut from) = (Gather::new(), Vec::new());
    for _ in 0..rng.below(6) {
        let len = rng.below(9) as usize;
        let at = rng.below(under.len() as u64 - 8) as usize;
        match rng.below(4) {
            0 => {
                gather.push(None, len as u64);
                from.extend(vec![None; len]);
            }
            1 => {
                gather.push_apart(at as u64, len as u64);
                from.extend((at..at + len).map(Some));
            }
            _ => {
                gather.push(Some(at as u64), len as u64);
                from.extend((at..at + len).map(Some));
            }
        }
    }
    (gather, from)
}

#[test]
fn what_is_gathered_is_read_from_where_it_lies() {
    let rng = &mut Rng(3);
    let under: Vec<u8> = (1..=60).collect();
    for _ in 0..3000 {
        let (gather, from) = gathered(rng, &under);
        let below = Space::source(under.clone());
        let len = from.len() as u64;
        assert_eq!(gather.len(), len);
        let space = Space::derived(below, Arc::new(gather));
        let start = rng.below(len + 1);
        let count = rng.below(len - start + 1);
        let part = &from[start as usize..(start + count) as usize];
        let there: Vec<u8> = part.iter().map_while(|f| f.map(|f| under[f])).collect();
        // a read ends at the first byte that is missing
        assert_eq!(*space.read(start, count), there);
        let span = Span::bytes(start, count);
        let hole = part.iter().position(Option::is_none);
        let found = space.hole_in(span).filter(|_| count > 0);
        assert_eq!(
            found.map(|h| h.start.max(span.start) / 8 - start),
            hole.map(|h| h as u64),
            "{from:?}, {span:?}"
        );
        let origins: Vec<usize> = space
            .origins(span)
            .iter()
            .flat_map(|s| (s.first_byte()..s.end_byte()).map(|b| b as usize))
            .collect();
        assert_eq!(origins, part.iter().filter_map(|f| *f).collect::<Vec<_>>());
        // the node that lies there
        let root = Node::root_of("toy", Kind::Leaf((&Raw::ANY).into()), space.clone(), span);
        match (root.bytes(), hole) {
            (Ok(bytes), None) => assert_eq!(bytes, there),
            (
                Err(Reject::Lost {
                    at, missing, of, ..
                }),
                Some(hole),
            ) => {
                let all = part.iter().filter(|f| f.is_none()).count() as u64;
                assert_eq!((at, missing, of), (hole as u64, all, count));
            }
            (bytes, hole) => panic!("{bytes:?}, {hole:?}"),
        }
        // a missing byte lies right behind the last one before it that is there
        for at in start..len {
            let offset = space.offset(at) as usize;
            match from[at as usize] {
                Some(f) => assert_eq!(offset, f),
                None => {
                    let before = from[..at as usize].iter().rev().find_map(|f| *f);
                    let run = from[..at as usize].iter().rposition(Option::is_some);
                    if run.is_some() {
                        assert_eq!(Some(offset), before.map(|f| f + 1), "{from:?} at {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_change_of_what_is_gathered_is_one_where_it_lies() {
    let rng = &mut Rng(4);
    let under: Vec<u8> = (1..=60).collect();
    let (mut changed, mut refused) = (0, 0);
    for _ in 0..3000 {
        let (gather, from) = gathered(rng, &under);
        let len = from.len() as u64;
        let start = rng.below(len + 1);
        let count = rng.below(len - start + 1);
        if count == 0 {
            continue;
        }
        let new: Vec<u8> = (0..count).map(|i| 100 + i as u8).collect();
        let splice = Splice::new(Span::bytes(start, count), new.clone(), "x");
        let part = &from[start as usize..(start + count) as usize];
        match gather.scatter(vec![splice]) {
            Err(_) => {
                assert!(part.iter().any(Option::is_none), "{part:?}");
                refused += 1;
            }
            Ok(splices) => {
                assert!(part.iter().all(Option::is_some), "{part:?}");
                changed += 1;
                let distinct: BTreeSet<_> = part.iter().collect();
                if distinct.len() < part.len() {
                    // the same byte twice: what it becomes is a contradiction, which encoding finds
                    continue;
                }
                let space = Space::source(under.clone());
                let out = patched(&space, space.span(), &splices);
                let mut wanted = under.clone();
                part.iter()
                    .zip(&new)
                    .for_each(|(f, b)| wanted[f.unwrap()] = *b);
                assert_eq!(out, wanted);
            }
        }
    }
    assert!(changed > 500 && refused > 500, "{changed}, {refused}");
}

#[test]
fn splices_are_applied_where_they_lie() {
    let rng = &mut Rng(5);
    let under: Vec<u8> = (1..=40).collect();
    let space = Space::source(under.clone());
    for _ in 0..2000 {
        // apart from each other, in any order
        let (mut splices, mut wanted, mut at) = (Vec::new(), Vec::new(), 0usize);
        while at < 40 {
            let keep = (rng.below(8) as usize).min(40 - at);
            wanted.extend(&under[at..at + keep]);
            at += keep;
            let cut = (rng.below(4) as usize).min(40 - at);
            let new: Vec<u8> = (0..rng.below(4)).map(|_| rng.below(256) as u8).collect();
            if keep > 0 && (cut > 0 || !new.is_empty()) {
                splices.push(Splice::new(
                    Span::bytes(at as u64, cut as u64),
                    new.clone(),
                    "x",
                ));
                wanted.extend(new);
                at += cut;
            }
        }
        let by = rng.below(splices.len() as u64) as usize;
        splices.rotate_left(by);
        assert_eq!(patched(&space, space.span(), &splices), wanted);
        let kept = agree(&space, splices.clone()).expect("no two of them overlap");
        assert_eq!(kept.len(), splices.len());
        assert!(kept.is_sorted_by_key(|s| s.span.start));
        let growth: i64 = splices.iter().map(Splice::growth).sum();
        assert_eq!(growth, (wanted.len() as i64 - 40) * 8);
    }
}

#[test]
fn each_bit_is_changed_once() {
    let space = Space::source(vec![0; 20]);
    let splice = |at, len, new: &'static [u8], assigned| Splice {
        assigned,
        ..Splice::new(
            Span::bytes(at, len),
            new,
            if assigned { "one" } else { "other" },
        )
    };
    let ok = |all: Vec<Splice>| {
        agree(&space, all)
            .map(|kept| kept.len())
            .map_err(|e| e.to_string())
    };
    // twice the same is once
    assert_eq!(
        ok(vec![splice(2, 1, b"a", true), splice(2, 1, b"a", true)]),
        Ok(1)
    );
    // side by side
    assert_eq!(
        ok(vec![splice(2, 1, b"a", true), splice(3, 1, b"b", true)]),
        Ok(2)
    );
    // what was assigned wins over what follows, in whatever order
    for all in [
        vec![splice(2, 1, b"a", true), splice(2, 1, b"b", false)],
        vec![splice(2, 1, b"b", false), splice(2, 1, b"a", true)],
    ] {
        let kept = agree(&space, all).unwrap();
        assert_eq!((kept.len(), &kept[0].new.bytes()[..]), (1, &b"a"[..]));
    }
    // contradictions
    assert!(ok(vec![splice(2, 1, b"a", true), splice(2, 1, b"b", true)]).is_err());
    assert!(ok(vec![splice(2, 2, b"ab", true), splice(3, 1, b"c", true)]).is_err());
    assert!(ok(vec![splice(2, 2, b"ab", true), splice(3, 2, b"cd", false)]).is_err());
    // two insertions in one place follow each other
    assert_eq!(
        ok(vec![splice(2, 0, b"a", true), splice(2, 0, b"b", true)]),
        Ok(2)
    );
    assert_eq!(
        ok(vec![splice(2, 0, b"a", true), splice(2, 1, b"b", true)]),
        Ok(2)
    );
}

#[test]
fn days_are_those_of_the_calendar() {
    // day by day over more than four centuries
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let (mut y, mut m, mut d) = (1599, 12, 31);
    let mut days = days_from_civil(y, m, d);
    assert_eq!(days_from_civil(1970, 1, 1), 0);
    assert_eq!(days_from_civil(2000, 3, 1), 11_017);
    for _ in 0..170_000 {
        let of_month = [
            31,
            if leap(y) { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ][m as usize - 1];
        (y, m, d) = match (d == of_month, m == 12) {
            (false, _) => (y, m, d + 1),
            (true, false) => (y, m + 1, 1),
            (true, true) => (y + 1, 1, 1),
        };
        days += 1;
        assert_eq!(civil_from_days(days), (y, m, d));
        assert_eq!(days_from_civil(y, m, d), days);
    }
    assert_eq!(
        rfc3339(86_399_999_999_999),
        "1970-01-01T23:59:59.999999999Z"
    );
    assert_eq!(rfc3339(3_661_000_000_000), "1970-01-01T01:01:01.000000000Z");
}

#[test]
fn paths_are_written_as_they_are_typed() {
    let name = |n: &'static str| Key::Name(n.into());
    for (path, text) in [
        (vec![], "."),
        (vec![Key::Index(3)], ".[3]"),
        (vec![name("a"), Key::Index(0), Key::Index(1)], ".a[0][1]"),
        (vec![name("_a1")], "._a1"),
        (vec![name("")], ".\"\""),
        (vec![name("1a")], ".\"1a\""),
        (vec![name("a-b"), name("c")], ".\"a-b\".c"),
    ] {
        assert_eq!(path_text(&path), text);
    }
}

/// Items of a length byte and that many bytes.
struct Strings;

impl Sequence for Strings {
    fn name(&self) -> &'static str {
        "string"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let len = u64::from(*at.space.read(state.at / 8, 1).first()?);
        let span = Span::bits(state.at, (1 + len) * 8);
        (span.end() <= at.span.end()).then(|| Step {
            kind: Kind::Leaf((&Raw::ANY).into()),
            span,
            next: State::new(span.end()),
        })
    }
}

struct Words;

impl Sequence for Words {
    fn name(&self) -> &'static str {
        "word"
    }
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 16);
        (span.end() <= at.span.end()).then(|| Step {
            kind: Kind::Leaf((&Int::U16BE).into()),
            span,
            next: State::new(span.end()),
        })
    }
    fn stride(&self) -> Option<u64> {
        Some(16)
    }
}

#[test]
fn an_item_is_the_same_from_the_front_and_by_its_index() {
    let rng = &mut Rng(6);
    for count in [0u64, 1, 31, 32, 33, 64, 65, 700] {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let len = rng.below(4) as u8;
            bytes.push(len);
            bytes.extend((0..len).map(|_| rng.below(256) as u8));
        }
        let space = Space::source(bytes);
        let span = space.span();
        let array = || Node::root_of("toy", Kind::array(Arc::new(Strings)), space.clone(), span);
        let walked: Vec<_> = array().items().map(|n| n.bytes().unwrap()).collect();
        assert_eq!(walked.len() as u64, count);
        // in any order, before anything was walked over, and asked for the length first or last
        let node = array();
        if rng.below(2) == 0 {
            assert_eq!(node.len(), count);
        }
        for _ in 0..60 {
            let i = rng.below(count + 3);
            let item = node.item(i).map(|n| n.bytes().unwrap());
            assert_eq!(item.as_ref(), walked.get(i as usize), "{i} of {count}");
        }
        assert_eq!((node.len(), node.is_empty()), (count, count == 0));
    }
    let space = Space::source(vec![0, 1, 0, 2, 0, 3]);
    let span = space.span();
    let node = Node::root_of("toy", Kind::array(Arc::new(Words)), space, span);
    assert_eq!((node.len(), node.items().count()), (3, 3));
    let at = |i| node.item(i).and_then(|n| n.actual()?.as_int());
    assert_eq!(
        [at(0), at(1), at(2), at(3)],
        [Some(1), Some(2), Some(3), None]
    );
}
