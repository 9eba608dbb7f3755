//! The checksum of a record of which a part is in another file.
//!
//! CRC-32C is linear: what a change of some bytes does to the sum depends on that change, and on how many bytes follow, but not
//! on any other byte.

use super::scan::{Header, RECORD_HEADER};

/// Bytes of the header that are summed, after the payload (`ValidXLogRecord`, xlogreader.c).
const SUMMED_HEADER: u64 = 20;

/// What a change from `old` to `new`, with `after` more bytes behind them, does to a sum: exclusive or.
pub fn delta(old: &[u8], new: &[u8], after: u64) -> u32 {
    let here = crc32c::crc32c(old) ^ crc32c::crc32c(new);
    crc32c::crc32c_combine(here, 0, after as usize)
}

/// What a change of payload does to the sum, with `after` more bytes of payload behind it.
pub fn payload_delta(old: &[u8], new: &[u8], after: u64) -> u32 {
    delta(old, new, after + SUMMED_HEADER)
}

/// The new `xl_crc` of a record of which these are the first bytes, before and after an edit.
pub fn follow(was: u64, old: &[u8], new: &[u8]) -> Result<u64, String> {
    let lens = [old, new].map(|bytes| Header::read(bytes).map_or(0, |h| u64::from(h.tot_len)));
    let rest = lens[0].checked_sub(old.len() as u64);
    let (Some(rest), true, true) = (rest, lens[0] == lens[1], old.len() == new.len()) else {
        return Err(
            "stays as it is: the record goes on outside of this file, and what the sum of another length is, is not known"
                .to_owned(),
        );
    };
    let [header, payload] = [0..SUMMED_HEADER as usize, RECORD_HEADER as usize..old.len()];
    let header = delta(&old[header.clone()], &new[header], 0);
    let payload = payload_delta(&old[payload.clone()], &new[payload], rest);
    Ok(was ^ u64::from(header ^ payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::scan::crc;

    #[test]
    fn a_cut_record_is_summed_as_the_whole_one_is() {
        let mut whole: Vec<u8> = (0..200u32).map(|i| (i * 7 + 3) as u8).collect();
        whole[..4].copy_from_slice(&200u32.to_le_bytes());
        let sum = |b: &[u8]| crc(&[&b[24..], &b[..20]]);
        for cut in [24, 25, 60, 199, 200] {
            for at in [5, 8, 19, 24, 59] {
                if at >= cut {
                    continue;
                }
                let mut edited = whole.clone();
                edited[at] ^= 0x55;
                let new = follow(sum(&whole), &whole[..cut], &edited[..cut]);
                assert_eq!(new, Ok(sum(&edited)), "cut {cut}, byte {at}");
            }
        }
        let mut longer = whole.clone();
        longer[0] += 1;
        assert!(follow(0, &whole[..60], &longer[..60]).is_err());
    }
}
