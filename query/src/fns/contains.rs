//! `contains`: strings hold substrings, arrays hold arrays whose items are all held by some item, objects likewise by key.

use super::fail;
use crate::value::{Brief, Kind, Map, Str, V, ValR, find};
use std::collections::{HashMap, HashSet};

/// Deepest nesting that is looked into, as in jq.
const DEEPEST: usize = 10_000;

/// So many items are looked for one by one.
const FEW: usize = 8;

/// Whether `x` contains `y`.
pub fn contains(x: &V, y: &V) -> ValR<bool> {
    within(x, y, 0)
}

fn within(x: &V, y: &V, depth: usize) -> ValR<bool> {
    if depth > DEEPEST {
        return fail("Containment check too deep");
    }
    match (x.kind(), y.kind()) {
        (Kind::Str, Kind::Str) => Ok(find(&text(x), &text(y)).is_some()),
        (Kind::Arr, Kind::Arr) => {
            let items = |v: &V| v.clone().into_items().unwrap_or_default();
            items_within(&items(x), items(y), depth)
        }
        (Kind::Obj, Kind::Obj) => {
            let ys = y.clone().into_fields().unwrap_or_default();
            // a node would look through its fields for each
            let listed: Map = match x {
                V::Node(_) if ys.len() > FEW => {
                    let fields = x.clone().into_fields().unwrap_or_default();
                    fields.into_iter().collect()
                }
                _ => Map::default(),
            };
            for (k, y) in ys {
                let found = match listed.get(&k) {
                    Some(x) => Some(x.clone()),
                    None => x.clone().get(&V::Text(k))?,
                };
                match found {
                    Some(x) if x.kind() == y.kind() && within(&x, &y, depth + 1)? => (),
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (k, l) if k == l => Ok(x == y),
        (Kind::True, Kind::False) | (Kind::False, Kind::True) => Ok(false),
        _ => fail(format_args!(
            "{} and {} cannot have their containment checked",
            Brief(x),
            Brief(y)
        )),
    }
}

fn text(v: &V) -> Str {
    v.str().unwrap_or_else(|| "".into())
}

/// Whether each of the items is held by one of these.
fn items_within(xs: &[V], ys: Vec<V>, depth: usize) -> ValR<bool> {
    let is_text = |v: &&V| v.kind() == Kind::Str;
    let needles: Vec<Str> = ys.iter().filter(is_text).map(text).collect();
    if !needles.is_empty() {
        let texts: Vec<Str> = xs.iter().filter(is_text).map(text).collect();
        if !all_found(&texts, needles) {
            return Ok(false);
        }
    }
    let rest = |v: &V| v.kind() != Kind::Str;
    let ys: Vec<V> = ys.into_iter().filter(rest).collect();
    // of many, those that are there as they are need not be compared with all
    let mut known: Vec<&V> = Vec::new();
    if ys.len() > FEW {
        known.extend(xs.iter().filter(|x| rest(x)));
        known.sort();
    }
    for y in ys {
        if known.binary_search(&&y).is_ok_and(|i| *known[i] == y) {
            continue;
        }
        if !known.is_empty() && !y.is_container() {
            return Ok(false);
        }
        let mut held = false;
        for x in xs.iter().filter(|x| x.kind() == y.kind()) {
            held = within(x, &y, depth + 1)?;
            if held {
                break;
            }
        }
        if !held {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether each of the needles lies in one of the texts.
fn all_found(texts: &[Str], mut needles: Vec<Str>) -> bool {
    if needles.len() > FEW {
        let same: HashSet<&[u8]> = texts.iter().map(|s| &s[..]).collect();
        needles.retain(|needle| !same.contains(&needle[..]));
    }
    match needles.len() {
        0 => true,
        n if n <= FEW => needles
            .iter()
            .all(|needle| texts.iter().any(|text| find(text, needle).is_some())),
        _ => Needles::new(&needles).all_in(texts),
    }
}

/// Many needles, looked for at once (Aho and Corasick): a tree of their beginnings. Each knows the longest other one that it ends
/// with.
struct Needles {
    next: HashMap<(usize, u8), usize>,
    /// The longest beginning that each ends with, and all of them, those after the ones they end with.
    ends_with: Vec<usize>,
    by_length: Vec<usize>,
    whole: Vec<usize>,
}

impl Needles {
    fn new(needles: &[Str]) -> Self {
        let mut next = HashMap::new();
        // the way to each: the one before, and its last byte
        let mut ways = vec![(0, 0, 0)];
        let mut whole = Vec::new();
        for needle in needles {
            let mut at = 0;
            for (i, byte) in needle.iter().enumerate() {
                at = *next.entry((at, *byte)).or_insert_with(|| {
                    ways.push((i + 1, at, *byte));
                    ways.len() - 1
                });
            }
            whole.push(at);
        }
        let mut by_length: Vec<usize> = (0..ways.len()).collect();
        by_length.sort_by_key(|i| ways[*i].0);
        let mut all = Self {
            next,
            ends_with: vec![0; ways.len()],
            by_length,
            whole,
        };
        for i in 0..ways.len() {
            let at = all.by_length[i];
            let (length, before, byte) = ways[at];
            if length > 1 {
                all.ends_with[at] = all.step(all.ends_with[before], byte);
            }
        }
        all
    }

    /// The longest beginning that what was read ends with, once another byte is.
    fn step(&self, mut at: usize, byte: u8) -> usize {
        loop {
            match self.next.get(&(at, byte)) {
                Some(next) => return *next,
                None if at == 0 => return 0,
                None => at = self.ends_with[at],
            }
        }
    }

    fn all_in(&self, texts: &[Str]) -> bool {
        let mut seen = vec![false; self.ends_with.len()];
        seen[0] = !texts.is_empty();
        for text in texts {
            let mut at = 0;
            for byte in text.iter() {
                at = self.step(at, *byte);
                seen[at] = true;
            }
        }
        for at in self.by_length.iter().rev() {
            seen[self.ends_with[*at]] |= seen[*at];
        }
        self.whole.iter().all(|at| seen[*at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is defined: every item with every other.
    fn plainly(xs: &[Str], ys: &[Str]) -> bool {
        ys.iter().all(|y| xs.iter().any(|x| find(x, y).is_some()))
    }

    #[test]
    fn many_needles_are_found_as_one_by_one() {
        let mut seed = 1_u64;
        let mut below = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        let mut outcomes = [0; 2];
        for _ in 0..4_000 {
            let mut words = |count: u64, longest: u64, letters: u64| -> Vec<Str> {
                let word = |below: &mut dyn FnMut(u64) -> u64| {
                    let len = below(longest + 1);
                    let word: Vec<u8> = (0..len).map(|_| b'a' + below(letters) as u8).collect();
                    Str::from(word)
                };
                (0..count).map(|_| word(&mut below)).collect()
            };
            let texts = words(3, 14, 2);
            let needles = words(FEW as u64 + 4, 3, 2);
            let held = plainly(&texts, &needles);
            outcomes[usize::from(held)] += 1;
            assert_eq!(
                Needles::new(&needles).all_in(&texts),
                held,
                "{texts:?} {needles:?}"
            );
            assert_eq!(
                all_found(&texts, needles.clone()),
                held,
                "{texts:?} {needles:?}"
            );
        }
        assert!(outcomes.iter().all(|n| *n > 400), "{outcomes:?}");
    }

    #[test]
    fn many_items_are_found_as_one_by_one() {
        let value = |s: &str| crate::json::parse(s.as_bytes()).unwrap();
        let many = r#"[9,8,7,6,5,4,3,2,1,true,null,[1,2],{"a":[1,2],"b":1},"abc"]"#;
        for (y, held) in [
            (many, true),
            (r#"[1,2,3,4,5,6,7,8,9.0,[2],{"a":[2]},"b",true,null]"#, true),
            (r#"[1,2,3,4,5,6,7,8,9,10]"#, false),
            (r#"[1,2,3,4,5,6,7,8,9,false]"#, false),
            (r#"[1,2,3,4,5,6,7,8,9,[3]]"#, false),
            (r#"[1,2,3,4,5,6,7,8,9,{"c":1}]"#, false),
            (r#"[1,2,3,4,5,6,7,8,9,"ac"]"#, false),
        ] {
            assert_eq!(contains(&value(many), &value(y)).unwrap(), held, "{y}");
        }
    }
}
