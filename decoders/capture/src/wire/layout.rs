//! Which fragment carries which bytes of a datagram that grew or shrank.

/// The place of a fragment counts in units of so many bytes.
const UNIT: usize = 8;

/// What was a fragment.
pub struct Old {
    /// Bytes that it carried.
    pub len: usize,
    /// What became of them.
    pub new: Vec<u8>,
    /// Whether they were assigned, and so stay together, alone.
    pub fixed: bool,
}

/// What each fragment carries afterwards: one piece; none where nothing is left for it; of several, all but the first are new
/// fragments.
///
/// Between fragments that are fixed, each but the last one keeps its size, and none has more bytes than any had before.
///
/// # Errors
/// The size that something but the last of it has, and which is no multiple of 8 bytes.
pub fn pieces(all: &[Old]) -> Result<Vec<Vec<Vec<u8>>>, usize> {
    let before_last = all.split_last().map_or(&[][..], |(_, most)| most);
    let most = before_last.iter().map(|old| old.len).max();
    let most = most.unwrap_or(0).max(UNIT);
    let mut out = Vec::with_capacity(all.len());
    for run in all.chunk_by(|a, b| !a.fixed && !b.fixed) {
        let bytes: Vec<u8> = run.iter().flat_map(|old| old.new.clone()).collect();
        if !bytes.len().is_multiple_of(UNIT) && out.len() + run.len() < all.len() {
            return Err(bytes.len());
        }
        if let [Old { fixed: true, .. }] = run {
            out.push(vec![bytes]);
            continue;
        }
        let mut left = &bytes[..];
        for (i, old) in run.iter().enumerate() {
            let (own, after) = match i + 1 < run.len() {
                true => left.split_at(old.len.min(left.len())),
                false => (left, &[][..]),
            };
            left = after;
            let room = most.max(old.len);
            // one that more follow has whole units, whatever it had as the last one
            let size = if own.len() > room {
                room / UNIT * UNIT
            } else {
                room
            };
            out.push(own.chunks(size).map(<[u8]>::to_vec).collect());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(all: &[(usize, usize, bool)]) -> Result<Vec<Vec<usize>>, usize> {
        let old = all.iter().map(|&(len, new, fixed)| Old {
            len,
            new: vec![0; new],
            fixed,
        });
        let pieces = pieces(&old.collect::<Vec<_>>())?;
        let sizes = |of: &Vec<Vec<u8>>| of.iter().map(Vec::len).collect();
        Ok(pieces.iter().map(sizes).collect())
    }

    #[test]
    fn the_last_one_takes_the_difference() {
        let (a, b) = ((16, 16, false), (16, 17, false));
        assert_eq!(sizes(&[a, b, (9, 9, false)]).unwrap(), [[16], [16], [10]]);
        assert_eq!(
            sizes(&[a, b, (9, 30, false)]).unwrap(),
            [vec![16], vec![16], vec![16, 15]]
        );
        assert_eq!(
            sizes(&[a, (16, 3, false), (9, 9, false)]).unwrap(),
            [vec![16], vec![12], vec![]]
        );
        // one that was larger than those before it may stay so, and is cut in whole units
        assert_eq!(sizes(&[a, (99, 90, false)]).unwrap(), [[16], [90]]);
        assert_eq!(sizes(&[a, (99, 99, false)]).unwrap(), [[16], [99]]);
        assert_eq!(
            sizes(&[a, (99, 100, false)]).unwrap(),
            [vec![16], vec![96, 4]]
        );
        assert_eq!(
            sizes(&[(40, 40, false), (55, 205, false)]).unwrap(),
            [vec![40], vec![48, 48, 48, 48, 13]]
        );
    }

    #[test]
    fn what_is_assigned_stays_in_its_fragment() {
        let rest = (9, 9, false);
        assert_eq!(
            sizes(&[(16, 16, false), (16, 40, true), rest]).unwrap(),
            [[16], [40], [9]]
        );
        assert_eq!(
            sizes(&[(16, 40, false), (16, 16, true), rest]).unwrap(),
            [vec![16, 16, 8], vec![16], vec![9]]
        );
        assert_eq!(sizes(&[(16, 16, false), (16, 41, true)]).unwrap()[1], [41]);
        assert_eq!(sizes(&[(16, 15, true), rest]), Err(15));
        assert_eq!(sizes(&[(16, 17, false), (16, 16, true), rest]), Err(17));
    }
}
