//! How much memory a run takes, whatever the size of its input. `/proc` tells it, on Linux.
#![cfg(target_os = "linux")]

use crate::common::{BINQ, Rec, records, run, sample, with_copy};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub const MIB: u64 = 1 << 20;
/// What a streaming query may take beyond the part of its input that is in memory.
pub const MOST: u64 = 40 * MIB;
/// So much of a file may be in memory at a time.
pub const RESIDENT: u64 = 24 * MIB;
const O_NONBLOCK: i32 = 0o4000;

/// The most memory that binq had at any time while it ran a filter over a file, mapped parts of files included; and what
/// it printed.
///
/// binq gets a pipe as its second input. When it has opened that it is done with the file, and waits for bytes: the moment
/// to read the peak from `/proc`, where it is gone when the process is.
pub fn peak(file: &Path, filter: &str) -> (u64, String) {
    let (peak, out) = peak_of("-c", filter, file, Stdio::null());
    (peak, String::from_utf8(out).unwrap())
}

/// The same with a flag; the file may be standard input.
fn peak_of(flag: &str, filter: &str, file: &Path, stdin: Stdio) -> (u64, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, out) = (dir.path().join("pipe"), dir.path().join("out"));
    assert_eq!(run(Command::new("mkfifo").arg(&pipe)).code, 0);
    let mut child = Command::new(BINQ)
        .args([
            flag.as_ref(),
            filter.as_ref(),
            file.as_os_str(),
            pipe.as_os_str(),
        ])
        .stdin(stdin)
        .stdout(File::create(&out).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let writer = loop {
        // this fails as long as nobody reads
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(O_NONBLOCK)
            .open(&pipe);
        if let Ok(writer) = opened {
            break writer;
        }
        let ended = child.try_wait().unwrap();
        if ended.is_some() || start.elapsed() > Duration::from_secs(120) {
            let _ = child.kill();
            panic!("{filter} did not come to the second input: {ended:?}");
        }
        sleep(Duration::from_millis(5));
    };
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(writer);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    // nothing came through the pipe
    assert_eq!(output.status.code(), Some(6), "{err}");
    assert!(
        err.contains("pipe: probe:") && err.lines().count() == 1,
        "{err}"
    );
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .expect("VmHWM");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect(line);
    (kib * 1024, fs::read(&out).unwrap())
}

/// A log of `pages` pages with a record after the other, each of 1000 bytes or a little less: what a server might have
/// written with a bigger segment size. Its records, and the size of the file.
pub fn long_log(file: &Path, pages: u64) -> (u64, u64) {
    log_of(file, pages, |xid| 900 + (xid % 90) as usize)
}

/// The same with records that hold so many bytes of data.
fn log_of(file: &Path, pages: u64, data: fn(u32) -> usize) -> (u64, u64) {
    const PAGE: u64 = 8192;
    const BASE: u64 = 1 << 32;
    let first_page = fs::read(sample("pg15.wal")).unwrap();
    let header = |page: u64, rest: u64| {
        let mut header = first_page[..if page == 0 { 40 } else { 24 }].to_vec();
        let long = if page == 0 { 2 } else { 0 };
        let info = long | u16::from(rest > 0);
        header[2..4].copy_from_slice(&info.to_le_bytes());
        header[8..16].copy_from_slice(&(BASE + page * PAGE).to_le_bytes());
        header[16..20].copy_from_slice(&(rest as u32).to_le_bytes());
        if page == 0 {
            // segments as large as all this
            header[32..36].copy_from_slice(&(1u32 << 30).to_le_bytes());
        }
        header
    };
    let mut out = BufWriter::new(File::create(file).unwrap());
    let (mut records, mut prev, mut xid) = (0, BASE - 64, 1u32);
    let mut rest: Vec<u8> = Vec::new();
    for page in 0..pages {
        let mut bytes = header(page, rest.len() as u64);
        bytes.append(&mut rest);
        while (bytes.len() as u64) < PAGE {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            if bytes.len() as u64 == PAGE {
                break;
            }
            let at = BASE + page * PAGE + bytes.len() as u64;
            let record = record(xid, prev, data(xid));
            (prev, xid, records) = (at, xid + 1, records + 1);
            bytes.extend(record);
        }
        rest = bytes.split_off(PAGE as usize);
        out.write_all(&bytes).unwrap();
    }
    out.flush().unwrap();
    // the last one runs past the end
    (records - u64::from(!rest.is_empty()), pages * PAGE)
}

/// A NOOP with so many bytes of data.
fn record(xid: u32, prev: u64, data: usize) -> Vec<u8> {
    let mut bytes = vec![0; 24 + 5];
    bytes[0..4].copy_from_slice(&(29 + data as u32).to_le_bytes());
    bytes[4..8].copy_from_slice(&xid.to_le_bytes());
    bytes[8..16].copy_from_slice(&prev.to_le_bytes());
    bytes[16] = 0x20;
    bytes[24] = 254;
    bytes[25..29].copy_from_slice(&(data as u32).to_le_bytes());
    bytes.resize(29 + data, b'x');
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[24..]), &bytes[..20]);
    bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn the_first_record_of_a_large_file() {
    let (_dir, seg) = with_copy("pg15.wal");
    // sparse: a gigabyte that is nowhere
    OpenOptions::new()
        .write(true)
        .open(&seg)
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let (peak, out) = peak(&seg, "first(.records[]) | .lsn");
    assert_eq!(out, "\"0/B02158\"\n");
    assert!(peak < MOST, "{} MiB for one record", peak / MIB);
}

/// What no record covers is a gap of the log without its page headers, which is nowhere in the file as it is.
#[test]
fn a_large_gap_is_not_read_for_its_kind_length_or_a_part() {
    let (_dir, seg) = with_copy("pg15-recycled.wal");
    let file = OpenOptions::new().write(true).open(&seg).unwrap();
    file.set_len(512 << 20).unwrap();
    let filter = ".gap0 | type, length > 500000000, .[:4], (numbers | 1), if . then 2 else 3 end";
    let (peak, out) = peak(&seg, filter);
    assert_eq!(out, "\"string\"\ntrue\n\"00000000\"\n2\n");
    assert!(peak < MOST + RESIDENT, "{} MiB", peak / MIB);
}

#[test]
fn a_long_log_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long");
    let (count, _) = long_log(&file, 128 * MIB / 8192);
    for (filter, expected) in [
        // these stop early: the file is not read
        ("first(.records[]) | .xl_xid", "1\n".to_owned()),
        (".records[100].xl_xid", "101\n".to_owned()),
        ("[limit(3; .records[]) | .xl_xid]", "[1,2,3]\n".to_owned()),
        (
            "first(.records[] | select(.xl_xid == 500)) | .xl_tot_len",
            format!("{}\n", 929 + 500 % 90),
        ),
    ] {
        let (peak, out) = peak(&file, filter);
        assert_eq!(out, expected, "{filter}");
        assert!(peak < MOST, "{filter}: {} MiB", peak / MIB);
    }
    for (filter, expected) in [
        // these go through all of it, and no more than the file is in memory
        (".records | length", format!("{count}\n")),
        ("last(.records[]) | .xl_xid", format!("{count}\n")),
        ("reduce .records[] as $r (0; . + 1)", format!("{count}\n")),
        (".records[] | select(.xl_tot_len == 1)", String::new()),
        ("last(.pages[]) | .xlp_tli", "1\n".to_owned()),
    ] {
        let (peak, out) = peak(&file, filter);
        assert_eq!(out, expected, "{filter}");
        assert!(peak < RESIDENT + MOST, "{filter}: {} MiB", peak / MIB);
    }
}

/// Who collects a field of each record does not keep the records. A segment of a server has as many as this one.
#[test]
fn collected_fields_keep_no_parents() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("segment");
    let (count, _) = log_of(&file, 16 * MIB / 8192, |_| 51);
    assert!(count > 200_000, "{count} records");
    for (filter, expected) in [
        ("[.records[].lsn] | length", count),
        ("[.records[].xl_xid] | last", count),
        (".records | map(.xl_rmid) | length", count),
        (".records | group_by(.xl_rmid) | .[0] | length", count),
        ("[.records[].xl_rmid] | group_by(.) | .[0] | length", count),
        (".records | unique_by(.xl_tot_len) | length", 1),
        ("[.records[] | {lsn, xl_rmid}] | length", count),
        ("[.records[] | {lsn, xl_rmid, xl_xid}] | length", count),
        ("[.records[] | {a: {b: .lsn}, c: .blocks}] | length", count),
        ("[.records[] | [.lsn, .xl_rmid]] | length", count),
        ("[.records[].blocks] | length", count),
        ("[.records[]] | map(.xl_info) | length", count),
        ("[.records[] | select(.xl_xid != 0)] | length", count),
        (
            ".records | sort_by(.xl_tot_len) | map(.lsn) | length",
            count,
        ),
        (
            "reduce .records[] as $r ({}; .[$r.xl_rmid | tostring] += [$r.lsn]) | .XLOG | length",
            count,
        ),
    ] {
        let (peak, out) = peak(&file, filter);
        assert_eq!(out, format!("{expected}\n"), "{filter}");
        println!("{filter}: {} MiB", peak / MIB);
        assert!(peak < 100 * MIB, "{filter}: {} MiB", peak / MIB);
    }
}

/// Who collects everything pays for each value what a value takes.
#[test]
fn everything_collected_is_small() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("segment");
    let (count, _) = log_of(&file, 4 * MIB / 8192, |_| 51);
    let (peak, out) = peak(&file, "[..] | length");
    let values: u64 = out.trim().parse().unwrap();
    assert!(values > 10 * count, "{values} of {count} records");
    let most = MOST + 36 * values;
    assert!(peak < most, "{} MiB of {} MiB", peak / MIB, most / MIB);
}

/// What comes through a pipe is not held in memory, whether it is looked through, written on, or left after a look.
#[test]
fn a_long_pipe_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long");
    let (count, size) = long_log(&file, 96 * MIB / 8192);
    for (flag, filter, expected) in [
        ("-c", "first(.records[]) | .xl_xid", "1\n".to_owned()),
        ("-c", ".records | length", format!("{count}\n")),
        ("-b", ".", String::new()),
    ] {
        let mut cat = Command::new("cat")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = cat.stdout.take().unwrap();
        let (peak, out) = peak_of(flag, filter, Path::new("-"), stdin.into());
        cat.wait().unwrap();
        match flag {
            "-c" => assert_eq!(out, expected.as_bytes(), "{filter}"),
            _ => assert_eq!(out.len() as u64, size),
        }
        assert!(
            peak < RESIDENT + MOST,
            "{flag} {filter}: {} MiB",
            peak / MIB
        );
    }
}

#[test]
fn the_log_made_here_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long");
    let (count, size) = long_log(&file, 16);
    assert_eq!(size, fs::metadata(&file).unwrap().len());
    let found = records(&file);
    assert_eq!(found.len() as u64, count);
    let whole = |r: &Rec| r.kind == "NOOP" && r.rmgr == "XLOG" && r.len == 929 + r.xid % 90;
    assert!(found.iter().all(whole));
}
