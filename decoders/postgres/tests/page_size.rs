//! What records carry may look like page headers: the size of pages stays the one that is stated, and that all pages have.

mod common;

use binq_laws::Rng;
use bytes::Bytes;
use common::{BASE, data, decode, findings, lay_out, lsns};

const MAGIC: [u8; 2] = 0xd110u16.to_le_bytes();
/// Header of a record, and of its main data of any length.
const HEAD: usize = 24 + 5;

/// XLOG NOOP records with this much main data.
fn noops(sizes: &[usize]) -> Vec<Vec<u8>> {
    let record = |size: &usize| {
        let mut bytes = vec![0; HEAD + size];
        bytes[..4].copy_from_slice(&((HEAD + size) as u32).to_le_bytes());
        bytes[16] = 0x20;
        bytes[24] = 254;
        bytes[25..29].copy_from_slice(&(*size as u32).to_le_bytes());
        bytes
    };
    sizes.iter().map(record).collect()
}

/// A page header, or most of one.
fn header(rng: &mut Rng, at: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend((rng.below(4) as u16).to_le_bytes());
    out.extend(1u32.to_le_bytes());
    let address = match rng.below(4) {
        0 => BASE - (3 << 20) + at,
        _ => BASE + at,
    };
    out.extend(address.to_le_bytes());
    out.extend((rng.below(9000)).to_le_bytes());
    out.extend(7u64.to_le_bytes());
    out.extend((1u32 << 20).to_le_bytes());
    out.extend((1u32 << (10 + rng.below(7))).to_le_bytes());
    match rng.below(6) {
        0 => out.truncate(2),
        1 => out.truncate(24),
        2 => out[0] = 0,
        _ => {}
    }
    out
}

/// Records of any size, with headers of pages in them at every so many bytes of the file, each with a chance of one in `rare`.
fn planted(rng: &mut Rng, blcksz: usize, every: usize, rare: u64) -> (Bytes, Bytes) {
    let mut sizes = Vec::new();
    let mut total = 0;
    let most = 1 << (8 + rng.below(9));
    while total < 400 << 10 {
        let size = 1 + rng.below(most) as usize;
        total += size + HEAD + 64;
        sizes.push(size);
    }
    let mut records = noops(&sizes);
    let plain = lay_out(MAGIC, blcksz, &records);
    // the place of each byte of the records in the file
    let mut at = 0;
    for record in &mut records {
        let mut places = Vec::with_capacity(record.len());
        while places.len() < record.len().next_multiple_of(8) {
            if at % blcksz == 0 {
                at += if at == 0 { 40 } else { 24 };
            }
            places.push(at);
            at += 1;
        }
        for i in HEAD..record.len() {
            if places[i] % every == 0 && rng.one_in(rare) {
                let header = header(rng, places[i] as u64);
                let n = header.len().min(record.len() - i);
                record[i..i + n].copy_from_slice(&header[..n]);
            }
        }
    }
    (plain, lay_out(MAGIC, blcksz, &records))
}

#[test]
fn headers_in_records_change_nothing() {
    const CASES: u64 = 120;
    let mut changed = 0;
    for case in 0..CASES {
        let rng = &mut Rng::new(case);
        let blcksz = 1 << (10 + rng.below(7));
        let every = 1 << (9 + rng.below(5));
        let rare = [1, 1, 2, 8][rng.below(4) as usize];
        let (plain, bytes) = planted(rng, blcksz, every, rare);
        changed += u64::from(plain != bytes);
        let pages = (2 + rng.below(20)) as usize * blcksz;
        // the whole, its first pages, and pages from within the log
        let from = rng.below(3) as usize * blcksz;
        let usual = blcksz == 8192;
        let parts = [0..1 << 20, 0..pages, from..1 << 20];
        for part in parts.into_iter().filter(|part| part.start == 0 || usual) {
            let part = part.start..part.end.min(1 << 20);
            let (plain, bytes) = (plain.slice(part.clone()), bytes.slice(part.clone()));
            let (sound, root) = (decode(&plain), decode(&bytes));
            let here = format!("case {case}: pages of {blcksz}, headers every {every}, {part:?}");
            let pages = |root: &binq_core::Node| root.field("pages").expect("pages").len();
            assert_eq!(pages(&root), pages(&sound), "{here}");
            assert_eq!(pages(&root), (part.len() / blcksz) as u64, "{here}");
            assert_eq!(lsns(&root), lsns(&sound), "{here}");
            assert_eq!(findings(&root), findings(&sound), "{here}");
        }
    }
    assert!(changed * 10 > CASES * 6, "{changed} of {CASES} had any");
}

/// The first pages of a segment that a server wrote: at byte 4104, an index page has the address that a page would have there.
#[test]
fn an_address_in_an_index_page_is_no_page() {
    let bytes = data("header-in-payload.wal");
    for pages in 1..=3 {
        let root = decode(&bytes.slice(..pages * 8192));
        assert_eq!(root.field("pages").expect("pages").len(), pages as u64);
        let len = pages * 8192;
        let cut = format!(
            ". at {len}, note: expected whole segments of 1048576 bytes, as xlp_seg_size says, found {len} bytes"
        );
        assert_eq!(findings(&root), [cut]);
    }
}
