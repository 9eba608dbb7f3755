//! Laying the log out again, after records were added, removed or moved, or changed their size.
//!
//! Each record from the first changed one on gets its new place, names the one before it there, and is summed again; the
//! pages that it runs over get their headers. What the server wrote beyond the records of this file stays where it is: the
//! head of a record that runs into the next file cannot move, because the rest of it is there; nor can the record that one
//! in the next file names as the one before it.

use super::blocks;
use super::geometry::{
    FIRST_IS_CONTRECORD, FIRST_IS_OVERWRITE_CONTRECORD, Geometry, LONG, major_of,
};
use super::records::Records;
use super::scan::{Header, Look, RECORD_HEADER, Scan, align, crc};
use crate::lsn;
use binq_core::encode::{Did, Note, Splice};
use binq_core::sequence::{Arrange, Placed, Sequence};
use binq_core::{Node, Reject, Scalar, Space, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// The shape of a record that is not damaged.
const RECORD: &str = "XLogRecord";

/// A record in its new place.
struct Laid {
    /// First byte of the stream.
    at: u64,
    bytes: Vec<u8>,
}

/// Lay out the items from the first changed one on.
pub fn arrange(geometry: &Geometry, records: &Records, cx: &mut Arrange<'_>) -> Result<(), Reject> {
    let stream = cx.at.space.clone();
    let first = align(cx.first.at / 8);
    let (old_end, last) = records.end(&stream, cx.at.span);
    let tail = Tail::find(geometry, &stream, old_end, last);
    refuse_aborted(geometry, records, cx)?;
    refuse_other_majors(geometry, cx)?;
    let items = std::mem::take(&mut cx.items);
    let mut laid = Vec::with_capacity(items.len());
    for item in &items {
        laid.push(Laid {
            at: first,
            bytes: cx.bytes(item)?,
        });
    }
    // the record that the next file names, if it is still the last one, is placed for itself
    let last = items.last().and_then(|item| item.was);
    let kept = last.is_some_and(|was| Some(was.start / 8) == tail.named);
    let free = items.len() - usize::from(kept);
    let mut at = place(geometry, first, &mut laid[..free]);
    // without its segment switch, the log ends in this file
    let stop = tail.stop(first).filter(|_| kept || !tail.switches);
    let goal = match laid.last().filter(|_| kept) {
        Some(last) => stop.map(|stop| tail.last_place(&stream, stop, last.bytes.len() as u64)),
        None => stop,
    };
    if let Some(room) = goal.and_then(|goal| goal.checked_sub(at))
        && (1..RECORD_HEADER).contains(&room)
    {
        take_up(geometry, cx, &items[..free], &mut laid, room / 8);
        at = place(geometry, first, &mut laid[..free]);
    }
    let mut after = at;
    if kept {
        let goal = goal.filter(|goal| *goal >= at);
        after = place(geometry, goal.unwrap_or(at), &mut laid[free..]);
    }
    let mut moved = BTreeMap::new();
    for (item, record) in items.iter().zip(&laid) {
        if let Some(was) = item.was {
            moved.insert(geometry.lsn(was.start / 8), geometry.lsn(record.at));
        }
    }
    // what comes first now names the record in the file before that the old first one named
    let mut prev = match cx.first.memory {
        0 => Header::read(&stream.read(first, RECORD_HEADER)).map_or(0, |h| h.prev),
        prev => prev,
    };
    let mut out = Vec::with_capacity(laid.len() + 2);
    for (i, (item, mut record)) in items.iter().zip(laid).enumerate() {
        if i == free {
            fill(geometry, cx, &mut out, at..record.at, &mut prev)?;
        }
        link(geometry, cx, item, &mut record, prev, &moved);
        prev = geometry.lsn(record.at);
        out.push(record);
    }
    at = after;
    if let Some(named) = tail.named
        && Some(named) == stop
        && !kept
        && at <= named
    {
        // it was removed: another one takes its place
        fill(geometry, cx, &mut out, at..named, &mut prev)?;
        at = tail.partial.unwrap_or(stream.len());
        fill(geometry, cx, &mut out, named..at, &mut prev)?;
    }
    let end = match tail.partial {
        Some(partial) => {
            let room = cx.at.space.len();
            keep_tail(geometry, cx, &mut out, at, partial, prev)?;
            room
        }
        None => {
            let last = out.last();
            let lengths = last.map_or(first, |l| l.at + l.bytes.len() as u64);
            let by = lengths.saturating_sub(stream.len());
            if by > 0 {
                let what = "the records outgrow the end of the segment";
                return Err(no_room(cx, by, what));
            }
            at
        }
    };
    tail.tell(geometry, cx, prev);
    write(geometry, cx, first, &out, end, &tail)
}

/// Give each record its place, and say where the next one would begin.
fn place(geometry: &Geometry, first: u64, laid: &mut [Laid]) -> u64 {
    let mut at = first;
    for record in laid {
        record.at = at;
        at = match Header::read(&record.bytes) {
            Some(h) if h.is_switch() => geometry.next_segment(at),
            _ => align(at + record.bytes.len() as u64),
        };
    }
    at
}

/// Take up 8 or 16 bytes, too few for a record: spell the length of the main data of one or two records with 4 bytes
/// instead of 1 (`XLR_BLOCK_ID_DATA_LONG`), which servers read alike. The last ones that come to lie 8 bytes longer so.
fn take_up(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    items: &[Placed],
    laid: &mut [Laid],
    times: u64,
) {
    let fits = |(item, record): &(&Placed, &mut Laid)| {
        let len = record.bytes.len() as u64;
        item.shape == RECORD
            && align(len + 3) == align(len) + 8
            && !item.pinned.iter().any(|p| p == "xl_tot_len")
    };
    let candidates = items.iter().zip(laid).rev().filter(fits);
    let mut left = times;
    for (_, record) in candidates {
        if left == 0 {
            break;
        }
        if blocks::spell_long(geometry.major, &mut record.bytes) {
            left -= 1;
            let sum = crc(&[&record.bytes[24..], &record.bytes[..20]]) as u32;
            record.bytes[20..24].copy_from_slice(&sum.to_le_bytes());
            cx.report.notes.push(Note {
                path: format!("{} at {}", cx.path, lsn::text(geometry.lsn(record.at))),
                offset: geometry.file_of(record.at),
                did: Did::Other(
                    "spelled the length of its main data with 4 bytes, to take up 8".to_owned(),
                ),
            });
        }
    }
}

fn no_room(cx: &Arrange<'_>, by: u64, what: &str) -> Reject {
    Reject::NoRoom {
        path: cx.path.clone(),
        what: what.to_owned(),
        by,
    }
}

/// Info codes and payloads differ between majors: a server would take a record of another one for something else.
fn refuse_other_majors(geometry: &Geometry, cx: &Arrange<'_>) -> Result<(), Reject> {
    for node in cx.items.iter().filter_map(|item| item.new.as_ref()) {
        let pages = node.root().field("pages");
        let mut pages = pages.iter().flat_map(Node::items);
        let major = pages.find_map(|page| {
            let magic = page.field("xlp_magic")?.actual()?.as_int()?;
            major_of(magic.try_into().ok()?)
        });
        if let Some(major) = major.filter(|major| *major != geometry.major) {
            return Err(Reject::Structure {
                path: cx.path.clone(),
                why: format!(
                    "a record of PostgreSQL {major} cannot become one of a log of PostgreSQL {}",
                    geometry.major
                ),
            });
        }
    }
    Ok(())
}

/// Between records lie only alignment and what a segment switch left, unless a record was aborted: its bytes would be lost.
fn refuse_aborted(geometry: &Geometry, records: &Records, cx: &Arrange<'_>) -> Result<(), Reject> {
    let mut state = cx.first.clone();
    let mut end = align(state.at / 8);
    while let Some(step) = records.step(&cx.at, &state) {
        let start = step.span.start / 8;
        if start != end {
            return Err(Reject::Structure {
                path: cx.path.clone(),
                why: format!(
                    "an aborted record lies at {}; the records before it cannot change their size",
                    lsn::text(geometry.lsn(end))
                ),
            });
        }
        end = align(step.next.at / 8);
        state = step.next;
    }
    Ok(())
}

/// What follows the records.
struct Tail {
    /// First byte of the stream after the records.
    end: u64,
    /// The head of a record that runs past the end of the file: where it begins.
    partial: Option<u64>,
    /// Where the last record begins, if one in the next file names it as the one before: this file is full, or ends in a
    /// segment switch, or in a header that is cut.
    named: Option<u64>,
    /// Whether that one is a segment switch.
    switches: bool,
}

impl Tail {
    fn find(geometry: &Geometry, stream: &Space, end: u64, last: u64) -> Self {
        let scan = Scan { geometry, stream };
        let partial = match scan.look(end, last) {
            Look::Partial(_) => Some(end),
            _ => None,
        };
        let full = partial.is_some() || end >= stream.len();
        let named = geometry.stream_of(last).filter(|_| full);
        let header = named.and_then(|at| Header::read(&stream.read(at, RECORD_HEADER)));
        Self {
            end,
            partial,
            named,
            switches: header.is_some_and(|h| h.is_switch()),
        }
    }

    /// Up to where records that were laid out from `first` on have to be filled up: the log must go on there.
    fn stop(&self, first: u64) -> Option<u64> {
        self.named.filter(|named| *named >= first).or(self.partial)
    }

    /// Where the last record goes, if it has `len` bytes now: where it was, or where it fits.
    fn last_place(&self, stream: &Space, named: u64, len: u64) -> u64 {
        let end = self.partial.unwrap_or(align(stream.len()));
        let room = end.saturating_sub(align(len));
        match room.checked_sub(named) {
            // a filler fits behind it, or nothing is left
            Some(left) if self.switches || left == 0 || left >= RECORD_HEADER => named,
            _ => room,
        }
    }

    /// Say so if the last record, at the LSN `prev`, is not where the next file has it.
    fn tell(&self, geometry: &Geometry, cx: &mut Arrange<'_>, prev: u64) {
        // the head of a record that is whole was given another `xl_prev`
        let whole = self
            .partial
            .is_some_and(|at| at + RECORD_HEADER <= cx.at.space.len());
        let named = self.named.filter(|at| !whole && geometry.lsn(*at) != prev);
        let Some(named) = named else {
            return;
        };
        cx.report.notes.push(Note {
            path: format!("{} at {}", cx.path, lsn::text(prev)),
            offset: geometry.file_of(named),
            did: Did::Other(format!(
                "is the last record now; the next file names the one at {} as the one before it",
                lsn::text(geometry.lsn(named))
            )),
        });
    }
}

/// Let a record name the one before it, and sum it again; unless the user assigned these fields.
fn link(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    item: &Placed,
    record: &mut Laid,
    prev: u64,
    moved: &BTreeMap<u64, u64>,
) {
    // a damaged record is kept as it is; so is everything where nothing is to be recomputed
    if !cx.fix || item.shape != RECORD || record.bytes.len() < RECORD_HEADER as usize {
        return;
    }
    let path = match item.was {
        Some(was) => format!("{} at {}", cx.path, lsn::text(geometry.lsn(was.start / 8))),
        None => format!("{} (new)", cx.path),
    };
    let offset = geometry.file_of(record.at);
    let note = |cx: &mut Arrange<'_>, field: &str, from: Scalar, to: Scalar| {
        cx.report.notes.push(Note {
            path: format!("{path} {field}"),
            offset,
            did: Did::Recomputed { from, to },
        });
    };
    let pinned = |name: &str| item.pinned.iter().any(|p| p == name);
    let mut changed = false;
    let Some(header) = Header::read(&record.bytes) else {
        return;
    };
    if !pinned("xl_prev") && prev != 0 && header.prev != prev {
        record.bytes[8..16].copy_from_slice(&prev.to_le_bytes());
        note(
            cx,
            "xl_prev",
            lsn::text(header.prev).into(),
            lsn::text(prev).into(),
        );
        changed = true;
    }
    if !pinned("main_data")
        && let Some((at, redo)) = redo(&header, &record.bytes)
        && let Some(new) = moved_to(moved, redo).filter(|new| *new != redo)
    {
        record.bytes[at..at + 8].copy_from_slice(&new.to_le_bytes());
        note(cx, "redo", lsn::text(redo).into(), lsn::text(new).into());
        changed = true;
    }
    if changed && !pinned("xl_crc") {
        let sum = crc(&[&record.bytes[24..], &record.bytes[..20]]) as u32;
        record.bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Where the record that was at `redo` is now; where it was removed, the one after it.
fn moved_to(moved: &BTreeMap<u64, u64>, redo: u64) -> Option<u64> {
    let first = *moved.keys().next()?;
    let (_, new) = moved.range(redo..).next()?;
    (first <= redo).then_some(*new)
}

/// Where a checkpoint record (without blocks, as all are) says from where to replay.
fn redo(header: &Header, bytes: &[u8]) -> Option<(usize, u64)> {
    const SHORT_DATA: u8 = 255;
    let checkpoint = header.rmid == 0 && matches!(header.info & 0xf0, 0x00 | 0x10);
    if !checkpoint || bytes.get(24) != Some(&SHORT_DATA) {
        return None;
    }
    let redo = bytes.get(26..34)?;
    Some((26, u64::from_le_bytes(redo.try_into().ok()?)))
}

/// The head of a record whose rest is in the next file must stay where it is: what was won before it is filled.
fn keep_tail(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    laid: &mut Vec<Laid>,
    at: u64,
    partial: u64,
    mut prev: u64,
) -> Result<(), Reject> {
    if at > partial {
        let what = format!(
            "the records outgrow the place before {}, where a record begins that runs into the next file,",
            lsn::text(geometry.lsn(partial))
        );
        return Err(no_room(cx, at - partial, &what));
    }
    let stream = cx.at.space.clone();
    let mut head = stream.read(partial, stream.len() - partial).into_owned();
    fill(geometry, cx, laid, at..partial, &mut prev)?;
    if let Some(header) = Header::read(&head).filter(|h| cx.fix && h.prev != prev) {
        relink_head(&mut head, header.prev, prev);
    }
    laid.push(Laid {
        at: partial,
        bytes: head,
    });
    Ok(())
}

/// Fill bytes of the stream, up to what must stay where it is, with an XLOG NOOP record, which a server reads and passes over.
/// `prev` is the record before, and then this one.
fn fill(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    laid: &mut Vec<Laid>,
    room: Range<u64>,
    prev: &mut u64,
) -> Result<(), Reject> {
    let len = room.end - room.start;
    if len == 0 {
        return Ok(());
    }
    if len < RECORD_HEADER {
        return Err(Reject::Structure {
            path: cx.path.clone(),
            why: format!(
                "{len} bytes would be left before {}, where a record begins that cannot move, because of the next file; to \
                 fill them takes a record of {RECORD_HEADER}, or others that can be spelled longer",
                lsn::text(geometry.lsn(room.end))
            ),
        });
    }
    let lsn = geometry.lsn(room.start);
    cx.report.notes.push(Note {
        path: format!("{} at {}", cx.path, lsn::text(lsn)),
        offset: geometry.file_of(room.start),
        did: Did::Other(format!(
            "filled {len} bytes with an XLOG NOOP record, so that the record after it keeps its place: the next file \
             goes on from there"
        )),
    });
    laid.push(Laid {
        at: room.start,
        bytes: noop(len, *prev),
    });
    *prev = lsn;
    Ok(())
}

/// An XLOG NOOP (`XLOG_NOOP`, src/include/catalog/pg_control.h) of `len` bytes, a multiple of 8 and at least 24.
fn noop(len: u64, prev: u64) -> Vec<u8> {
    const INFO: u8 = 0x20;
    const LONGEST_SHORT: usize = 2 + 255;
    let mut bytes = vec![0; len as usize];
    bytes[0..4].copy_from_slice(&(len as u32).to_le_bytes());
    bytes[8..16].copy_from_slice(&prev.to_le_bytes());
    bytes[16] = INFO;
    match bytes.len() - RECORD_HEADER as usize {
        0 => {}
        data @ ..=LONGEST_SHORT => bytes[24..26].copy_from_slice(&[255, (data - 2) as u8]),
        data => {
            bytes[24] = 254;
            bytes[25..29].copy_from_slice(&(data as u32 - 5).to_le_bytes());
        }
    }
    let sum = crc(&[&bytes[24..], &bytes[..20]]) as u32;
    bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Give a record whose payload is not here another `xl_prev`, and the checksum that goes with it.
///
/// The header comes last in the checksum, and CRC-32C is linear: what a change of the header does to the sum does not
/// depend on the payload before it.
fn relink_head(head: &mut [u8], from: u64, to: u64) {
    let mut old = [0; 20];
    old.copy_from_slice(&head[..20]);
    head[8..16].copy_from_slice(&to.to_le_bytes());
    debug_assert_eq!(old[8..16], from.to_le_bytes());
    let delta = crc32c::crc32c(&old) ^ crc32c::crc32c(&head[..20]);
    let sum = u32::from_le_bytes([head[20], head[21], head[22], head[23]]) ^ delta;
    head[20..24].copy_from_slice(&sum.to_le_bytes());
}

/// Write the stream from `first` on into the pages, up to the new end or the old one, whichever is later.
fn write(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    first: u64,
    laid: &[Laid],
    end: u64,
    tail: &Tail,
) -> Result<(), Reject> {
    let stream = cx.at.space.clone();
    let Some((file, _)) = stream.under() else {
        return Ok(());
    };
    let until = end.max(tail.end).min(stream.len());
    if until <= first {
        return Ok(());
    }
    let mut new = vec![0u8; (until - first) as usize];
    for record in laid {
        let from = (record.at - first) as usize;
        let to = (from + record.bytes.len()).min(new.len());
        new[from..to].copy_from_slice(&record.bytes[..to - from]);
    }
    let (first_page, _) = geometry.place(first);
    let (last_page, _) = geometry.place(until - 1);
    for page in first_page..=last_page {
        let start = geometry.stream_of_page(page);
        let from = start.max(first);
        let to = geometry.stream_of_page(page + 1).min(until);
        let body = &new[(from - first) as usize..(to - first) as usize];
        body_splice(geometry, cx, file, from, body);
        let used = start < last_byte(laid, first);
        if start < first {
            continue;
        }
        let rest = laid
            .iter()
            .find(|l| l.at < start && start < l.at + l.bytes.len() as u64)
            .map(|l| rest_of(l, start));
        header_splices(geometry, cx, file, page, rest, used);
    }
    Ok(())
}

/// The byte after the last one of the laid out records.
fn last_byte(laid: &[Laid], first: u64) -> u64 {
    laid.last().map_or(first, |l| l.at + l.bytes.len() as u64)
}

/// What `xlp_rem_len` must say on a page that begins at byte `start` inside a record: by `xl_tot_len`, since the rest of
/// the record may lie in the next file.
fn rest_of(record: &Laid, start: u64) -> u32 {
    let tot_len = Header::read(&record.bytes).map_or(0, |h| u64::from(h.tot_len));
    let len = tot_len.max(record.bytes.len() as u64);
    (record.at + len - start) as u32
}

/// Replace what differs in the body of a page.
fn body_splice(geometry: &Geometry, cx: &mut Arrange<'_>, file: &Space, from: u64, body: &[u8]) {
    let at = geometry.file_of(from);
    let old = file.read(at, body.len() as u64);
    let Some(a) = old.iter().zip(body).position(|(a, b)| a != b) else {
        return;
    };
    let same_end = old.iter().zip(body).rev().take_while(|(a, b)| a == b);
    let b = body.len() - same_end.count();
    let span = Span::bytes(at + a as u64, (b - a) as u64);
    cx.changes
        .push(file, Splice::new(span, body[a..b].to_vec(), &cx.path));
}

/// Make the header of a page fit what the page now begins with. `rest` is for a page that begins inside a record.
fn header_splices(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    file: &Space,
    page: u64,
    rest: Option<u32>,
    used: bool,
) {
    if !cx.fix {
        return;
    }
    let at = page * geometry.blcksz;
    let path = format!(".pages[{page}]");
    let mut put = |from: u64, bytes: &[u8]| {
        let span = Span::bytes(at + from, bytes.len() as u64);
        if file.read(at + from, bytes.len() as u64) != bytes {
            let splice = Splice::new(span, bytes.to_vec(), &path);
            cx.changes.push(file, splice);
        }
    };
    if !used {
        // as a page that was never written
        put(0, &vec![0; geometry.header_len(page) as usize]);
        return;
    }
    let Some((header, current)) = geometry.page(file, page) else {
        return;
    };
    let mut info = header.info;
    if !current {
        // a page that the log had not reached
        let model = file.read(0, geometry.header_len(page)).into_owned();
        let mut new = model;
        new[8..16].copy_from_slice(&(geometry.base + at).to_le_bytes());
        info = if geometry.header_len(page) > 24 {
            LONG
        } else {
            0
        };
        new[2..4].copy_from_slice(&info.to_le_bytes());
        new[16..20].copy_from_slice(&[0; 4]);
        put(0, &new[..2]);
        put(4, &new[4..16]);
        put(20, &new[20..]);
    }
    let flags = FIRST_IS_CONTRECORD | FIRST_IS_OVERWRITE_CONTRECORD;
    let wanted = match rest {
        Some(_) => info & !flags | FIRST_IS_CONTRECORD,
        None => info & !FIRST_IS_CONTRECORD,
    };
    put(2, &wanted.to_le_bytes());
    put(16, &rest.unwrap_or(0).to_le_bytes());
}
