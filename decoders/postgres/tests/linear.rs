//! Law 12 for logs of any bytes: what is read of the input grows as the input does, whatever is in it.
//!
//! What is counted is how often, and how many bytes of, the input were looked at.

mod common;

use binq_core::{Format, Holder, Node, Options, Plain, Scalar, Space};
use binq_postgres::wal::PgWal;
use bytes::Bytes;
use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Four times as much may cost six times as much.
const FACTOR: u64 = 6;

/// For each byte of the input, no more looks at it than so many.
const LOOKS: u64 = 8;

#[derive(Default)]
struct Looks {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Holder for Looks {
    fn touch(&self, _at: u64, len: u64) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(len, Ordering::Relaxed);
    }
}

/// How often, and how many bytes, the input is looked at.
fn cost(bytes: &Bytes, run: &dyn Fn(&Node)) -> [u64; 2] {
    let looks = Arc::new(Looks::default());
    let space = Space::held(bytes.clone(), Some(looks.clone()));
    run(&PgWal.decode(space, &Options::default()));
    [&looks.calls, &looks.bytes].map(|n| n.load(Ordering::Relaxed))
}

/// The first page of a segment, and pages behind it with the same headers as theirs, and other bodies.
fn log(pages: u64, body: &dyn Fn(u64, u64) -> u32) -> Bytes {
    let sample = sample("pg15.wal");
    let mut out = sample[..8192].to_vec();
    for page in 1..pages {
        let at = out.len();
        let from = (page % 128) as usize * 8192;
        out.extend_from_slice(&sample[from..from + 24]);
        if page % 128 == 0 {
            out.extend_from_slice(&sample[24..40]);
        }
        let address = 0xB0_0000 + page * 8192;
        out[at + 8..at + 16].copy_from_slice(&address.to_le_bytes());
        while out.len() < at + 8192 {
            let word = body(page, (out.len() - at) as u64);
            out.extend_from_slice(&word.to_le_bytes());
        }
    }
    out.into()
}

type Body = Box<dyn Fn(u64, u64) -> u32>;

fn bodies() -> Vec<(String, Body)> {
    let mut all: Vec<(String, Body)> = Vec::new();
    for word in (0x18..=0x40).step_by(4) {
        all.push((format!("words {word:x}"), Box::new(move |_, _| word)));
    }
    for byte in [0x01, 0x08, 0x20, 0x5a, 0x80, 0xfe, 0xff] {
        let word = byte * 0x0101_0101;
        all.push((format!("bytes {byte:x}"), Box::new(move |_, _| word)));
    }
    // headers that follow each other: tot_len, xid, prev, prev, kind, crc, and what the parts are
    let chain = |words: [u32; 8]| move |_: u64, byte: u64| words[(byte / 4 % 8) as usize];
    const FAR: u32 = 0x60;
    all.push((
        "records that run to the end".to_owned(),
        Box::new(chain([0x3fff_ffff, 1, FAR, 0, 0x0a00, 0x1234_5678, 0, 0])),
    ));
    all.push((
        "records over many pages".to_owned(),
        Box::new(chain([0x0002_0000, 1, FAR, 0, 0x0a00, 0x1234_5678, 0, 0])),
    ));
    all.push((
        "parts that run to the end".to_owned(),
        Box::new(chain([32, 1, FAR, 0, 0x0a00, 0x1234_5678, 0xfffe, 0x10])),
    ));
    all.push((
        "parts of many sizes".to_owned(),
        Box::new(|page, byte| {
            let words = [30_000, 1, FAR, 0, 0x0a00, 0x1234_5678, 0x0000_30fe, 0];
            words[(byte / 4 % 8) as usize] + u32::from(byte % 32 == 0) * (page as u32 % 7)
        }),
    ));
    all.push((
        "headers that name the page".to_owned(),
        Box::new(|page, byte| {
            let here = 0xB0_0000 + page as u32 * 8192;
            [32, 1, here, 0, 0x0a00, 0x1234_5678, 7, 9][(byte / 4 % 8) as usize]
        }),
    ));
    all.push((
        "random words".to_owned(),
        Box::new(|page, byte| {
            let mut x = (page << 20 | byte).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            x ^= x >> 29;
            (x.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
        }),
    ));
    all.push((
        "random small words".to_owned(),
        Box::new(|page, byte| {
            let mut x = (page << 20 | byte).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            x ^= x >> 29;
            (x.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32 & 0x1018_3f3f
        }),
    ));
    all
}

#[test]
fn any_bytes_are_searched_about_once() {
    const PAGES: u64 = 8;
    let run = |root: &Node| {
        root.findings().for_each(drop);
        let records = root.field("records").expect("records");
        (0..records.len()).for_each(|i| drop(records.item(i)));
    };
    let (mut wrong, mut done) = (Vec::new(), 0);
    for (name, body) in bodies() {
        let (small, large) = (log(PAGES, &*body), log(4 * PAGES, &*body));
        let [a, b] = [cost(&small, &run), cost(&large, &run)];
        done += 1;
        println!("{name}: {a:?} {b:?}");
        if b[0] > a[0] * FACTOR || b[1] > a[1] * FACTOR || b[0] > LOOKS * large.len() as u64 {
            wrong.push(format!("{name}: {a:?}, for four times as much {b:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(done >= 20, "{done}");
}

/// Laying out n records takes as much work for each as 4 n do.
#[test]
fn the_work_of_an_edit_grows_with_the_log() {
    let one = sample("pg15.wal");
    let looks = |bytes: &Bytes, edits: u64| {
        cost(bytes, &|root| {
            let mut root = root.clone();
            let mut records = root.take_field("records").expect("records");
            let len = records.len();
            for i in 0..edits {
                let at = i * len / edits;
                let mut record = records.take_item(at).expect("a record");
                let xid = record.take_field("xl_xid").expect("a field");
                let xid = xid.assign(Plain::Scalar(Scalar::Int(7)));
                record.put_field(xid.expect("a number"));
                records.put_item(at, record);
            }
            root.put_field(records.remove_item(len / 2).expect("one less"));
            let out = binq_core::encode::encode(&root, &Default::default()).expect("an edit");
            out.pieces().for_each(drop);
        })
    };
    // parts of one segment: the edits grow with the log
    let part = |pages: usize| one.slice(..pages * 8192);
    let (a, b) = (looks(&part(30), 200), looks(&part(120), 800));
    println!("{a:?} {b:?}");
    assert!(
        b[0] <= FACTOR * a[0] && b[1] <= FACTOR * a[1],
        "{a:?}, and for four times as much {b:?}"
    );
}
