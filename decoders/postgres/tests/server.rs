//! Where pg_waldump stops, binq finds a fault; where it does not, binq finds none: over damaged copies of samples.
//!
//! What pg_waldump does not look at is left out: `xlp_sysid`, which it has nothing to compare with.

mod common;

use binq_core::{Fault, Node};
use binq_laws::Rng;
use bytes::Bytes;
use common::{data, decode, faults, findings, records, sample, text};
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: usize = 8192;
const SEGMENT: usize = 1 << 20;

/// pg_waldump of a major: Debian's, or one that `samples/make-pg-wal --waldump` fetched.
fn pg_waldump(major: u32) -> Option<PathBuf> {
    let debian = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/pg_waldump"));
    let cache = std::env::var_os("BINQ_PG_CACHE").map(PathBuf::from);
    let cached = cache.map(|dir| dir.join(format!("waldump-{major}/bin/pg_waldump")));
    let found = std::iter::once(debian)
        .chain(cached)
        .find(|path| path.exists());
    if found.is_none() {
        let why = format!("no pg_waldump of major {major}");
        match major {
            // no package carries it
            12 => binq_laws::skip_anyway(why),
            _ => binq_laws::skip(why),
        }
    }
    found
}

/// A directory that goes with its last user.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("binq-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The LSNs of the records that pg_waldump prints, and its last word. The input is a segment, or some pages of one, and lies
/// as `base` says.
fn dump(tool: &Path, dir: &Path, bytes: &[u8], base: u64, start: &str) -> (Vec<String>, String) {
    let before = base as usize % SEGMENT;
    let mut segment = vec![0; SEGMENT];
    // a first page that is whole, since it is looked at for the size of segments
    let first = decode(&sample("pg15.wal"));
    let sound = first
        .field("pages")
        .and_then(|p| p.item(0))
        .expect("a page");
    segment[..40].copy_from_slice(&sound.bytes().expect("bytes")[..40]);
    segment[2..4].copy_from_slice(&2u16.to_le_bytes());
    segment[8..16].copy_from_slice(&(base - before as u64).to_le_bytes());
    segment[16..20].fill(0);
    segment[before..before + bytes.len()].copy_from_slice(bytes);
    let name = format!("{:08X}{:08X}{:08X}", 1, 0, base as usize / SEGMENT);
    let file = dir.join(name);
    std::fs::write(&file, segment).expect("a file");
    let out = Command::new(tool)
        .args(["-t", "1", "-s", start, "-p"])
        .arg(dir)
        .output()
        .expect("pg_waldump runs");
    std::fs::remove_file(file).expect("the file");
    let lsn = |line: &str| {
        let at = line.split("lsn: ").nth(1)?;
        let (high, low) = at.split(',').next()?.split_once('/')?;
        Some(format!("{high}/{}", low.trim_start_matches('0')))
    };
    let out_text = String::from_utf8_lossy(&out.stdout);
    let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    (out_text.lines().filter_map(lsn).collect(), said)
}

/// The first byte of the input that a reader does not come to because of a fault.
fn stops_at(fault: &Fault) -> u64 {
    let offset = fault.offset.expect("a place");
    let page = offset / PAGE as u64;
    // a page header is read when the page is; a timeline that is too late is noticed on the page after it
    let next = fault.path.ends_with("xlp_tli") && u32_of(&fault.found) > u32_of(&fault.expected);
    match fault.path.contains("pages") {
        true => (page + u64::from(next)) * PAGE as u64,
        false => offset,
    }
}

fn u32_of(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

/// The records before the first fault.
fn readable(root: &Node, faults: &[Fault]) -> Vec<String> {
    let stop = faults.iter().map(stops_at).min().unwrap_or(u64::MAX);
    let ends = |r: &Node| r.ranges().last().map_or(0, |span| span.end_byte());
    let before = records(root).into_iter().take_while(|r| ends(r) <= stop);
    before.map(|r| text(&r, "lsn")).collect()
}

/// Make the checksum of the record that holds a byte right, so that a server looks at what is in it.
fn sum_again(bytes: &mut [u8], record: &Node) {
    let places: Vec<usize> = record
        .ranges()
        .iter()
        .flat_map(|span| span.first_byte() as usize..span.end_byte() as usize)
        .collect();
    let read: Vec<u8> = places.iter().map(|at| bytes[*at]).collect();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&read[24..]), &read[..20]);
    for (at, byte) in places[20..24].iter().zip(sum.to_le_bytes()) {
        bytes[*at] = byte;
    }
}

/// Change something in the pages of a log: a field of a page header or of a record header, or any byte.
fn hurt(bytes: &[u8], root: &Node, rng: &mut Rng) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let pages = (bytes.len() / PAGE) as u64;
    let all = records(root);
    // what is before the first record is not looked at
    let first = all[0].offset() / PAGE as u64 + 1;
    let page = (first + rng.below(pages - first)) as usize * PAGE;
    let record = &all[rng.below(all.len() as u64) as usize];
    let at = match rng.below(4) {
        0 | 1 => page + rng.below(20) as usize,
        2 => record.offset() as usize + rng.below(60) as usize,
        _ => record.offset() as usize + rng.below(record.span().byte_len()) as usize,
    };
    match rng.below(3) {
        0 => out[at] ^= 1 << rng.below(8),
        1 => out[at] = rng.random() as u8,
        _ => out[at] = 0,
    }
    let inside = |r: &&Node| {
        let header = r.offset() as usize + 24;
        let mut spans = r.ranges().into_iter();
        at >= header && spans.any(|s| (s.first_byte()..s.end_byte()).contains(&(at as u64)))
    };
    if let Some(record) = all.iter().find(inside).filter(|_| rng.one_in(2)) {
        sum_again(&mut out, record);
    }
    out
}

fn agree(name: &str, major: u32, bytes: &Bytes, base: u64, copies: u64) {
    let Some(tool) = pg_waldump(major) else {
        return;
    };
    let dir = Dir::new(name);
    let root = decode(bytes);
    assert_eq!(faults(&root), [], "{name}: it is whole");
    let start = text(&records(&root)[0], "lsn");
    let (mut stopped, mut differ) = (0, Vec::new());
    for copy in 0..copies {
        let rng = &mut Rng::new(copy);
        let hurt: Bytes = hurt(bytes, &root, rng).into();
        let root = decode(&hurt);
        let faults = faults(&root);
        let ours = readable(&root, &faults);
        let (theirs, said) = dump(&tool, &dir.0, &hurt, base, &start);
        stopped += u64::from(!faults.is_empty());
        if ours != theirs {
            let changed = common::differences(bytes, &hurt);
            differ.push(format!(
                "copy {copy}, bytes {changed:?}: {} records, pg_waldump {}: {said}\n  {:?}",
                ours.len(),
                theirs.len(),
                findings(&root)
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{name}: {} of {copies}\n{}",
        differ.len(),
        differ.join("\n")
    );
    assert!(
        stopped > copies / 2,
        "{name}: {stopped} of {copies} were damaged"
    );
}

#[test]
fn pages_of_a_segment() {
    agree("pages-good", 15, &data("pages-good.wal"), 0x93_E000, 400);
}

/// The first five pages of the sample of a major.
fn sample_of(major: u32) {
    let name = format!("pg{major}");
    let whole = sample(&format!("{name}.wal"));
    let base = decode(&whole)
        .field("pages")
        .and_then(|p| p.item(0)?.field("xlp_pageaddr"));
    let base = base.and_then(|a| a.actual()?.as_int()).expect("an address");
    agree(&name, major, &whole.slice(..5 * PAGE), base as u64, 200);
}

macro_rules! majors {
    ($($name:ident $major:literal)*) => {
        $(#[test] fn $name() { sample_of($major) })*
    };
}

majors! {
    major_12 12
    major_13 13
    major_14 14
    major_15 15
    major_16 16
    major_17 17
    major_18 18
}
