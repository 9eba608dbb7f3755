//! What a change of many bytes really changes: a stream that is assigned as a whole is mostly what it was.
//!
//! Bytes that stay need not move from the piece of the space below that they lie in to the next one. So what is equal at both
//! ends is left out, and pieces in between that come again as they were.

use std::ops::Range;

/// A piece with fewer bytes may come again by chance.
const TELLING: usize = 16;

/// How far a piece is looked for.
const FAR: usize = 1 << 16;

/// The ranges that differ: of the old bytes, and of those that come instead. `cuts` are the borders of the pieces that the old
/// bytes lie in, in order.
pub fn differences(old: &[u8], new: &[u8], cuts: &[usize]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out = Vec::new();
    let Some((mut from, mut to)) = trimmed(old, new, 0..old.len(), 0..new.len()) else {
        return out;
    };
    let inner: Vec<usize> = cuts
        .iter()
        .copied()
        .filter(|cut| from.contains(cut))
        .collect();
    for piece in inner.windows(2).map(|w| w[0]..w[1]) {
        if piece.len() < TELLING || piece.start < from.start {
            continue;
        }
        let far = to.end.min(to.start + piece.len() + FAR);
        let expected = piece.start - from.start;
        let found = nearest(&new[to.start..far], &old[piece.clone()], expected);
        let Some(found) = found else {
            continue;
        };
        let found = to.start + found;
        out.extend(trimmed(old, new, from.start..piece.start, to.start..found));
        (from.start, to.start) = (piece.end, found + piece.len());
    }
    out.extend(trimmed(old, new, from, to));
    out
}

/// Two ranges without the bytes that are equal at their ends; nothing if all of them are.
fn trimmed(
    old: &[u8],
    new: &[u8],
    from: Range<usize>,
    to: Range<usize>,
) -> Option<(Range<usize>, Range<usize>)> {
    let (a, b) = (&old[from.clone()], &new[to.clone()]);
    let most = a.len().min(b.len());
    let after = a.iter().rev().zip(b.iter().rev());
    let after = after.take(most).take_while(|(x, y)| x == y).count();
    let before = a.iter().zip(b).take(most - after);
    let before = before.take_while(|(x, y)| x == y).count();
    let from = from.start + before..from.end - after;
    let to = to.start + before..to.end - after;
    (!from.is_empty() || !to.is_empty()).then_some((from, to))
}

/// Where a part lies in bytes: of several places, the one nearest to where it is expected. What repeats itself is found in many.
fn nearest(all: &[u8], part: &[u8], expected: usize) -> Option<usize> {
    let last = all.len().checked_sub(part.len())?;
    let is_at = |at: &usize| all[*at] == part[0] && all[*at..].starts_with(part);
    let before = (0..=expected.min(last)).rev().find(is_at);
    let most = before.map_or(last, |at| last.min(expected + (expected - at)));
    let after = (expected + 1..=most).find(is_at);
    after.or(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The differences, each as the old text and the new one.
    fn differ<'a>(old: &'a str, new: &'a str, cuts: &[usize]) -> Vec<(&'a str, &'a str)> {
        let all = differences(old.as_bytes(), new.as_bytes(), cuts);
        all.into_iter()
            .map(|(from, to)| (&old[from], &new[to]))
            .collect()
    }

    #[test]
    fn what_is_equal_at_both_ends_is_left_out() {
        assert_eq!(differ("abcdef", "abcdef", &[3]), []);
        assert_eq!(differ("abcdef", "abXXdef", &[3]), [("c", "XX")]);
        assert_eq!(differ("abcdef", "abef", &[3]), [("cd", "")]);
        assert_eq!(differ("abcdef", "abcXdef", &[3]), [("", "X")]);
        assert_eq!(differ("aaa", "aaaa", &[]), [("", "a")]);
        assert_eq!(differ("", "x", &[]), [("", "x")]);
    }

    #[test]
    fn pieces_in_between_that_come_again_are_left_out() {
        let old = "first piece.....second piece, as it was...third piece";
        let new = "first PIECE.....second piece, as it was...3rd piece";
        assert_eq!(
            differ(old, new, &[16, 42]),
            [("piece", "PIECE"), ("thi", "3")]
        );
        // in one piece, or with short ones between them, it is one change
        assert_eq!(differ(old, new, &[]).len(), 1);
        assert_eq!(differ("aXb|1234|cYd", "aZb|1234|cWd", &[4, 8]).len(), 1);
        // what repeats itself
        let same = "0123456789abcdefghij".repeat(6);
        let (repeats, longer) = (format!("#{same}"), format!("<>{same}!"));
        let found = differ(&repeats, &longer, &[1, 41, 81, 121]);
        assert_eq!(found, [("#", "<>"), ("", "!")]);
        // a piece that is gone
        let new = "FIRST piece.....THIRD piece";
        assert_eq!(differ(old, new, &[16, 42]).len(), 1);
    }
}
