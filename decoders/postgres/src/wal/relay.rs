//! Laying the log out again, after records were added, removed or moved, or changed their size.
//!
//! Each record from the first changed one on gets its new place, names the one before it there, and is summed again; the
//! pages that it runs over get their headers. What the server wrote beyond the records of this file stays where it is: the
//! head of a record that runs into the next file cannot move, because the rest of it is there; nor can the record that one
//! in the next file names as the one before it.

use super::block_headers;
use super::geometry::Geometry;
use super::header::major_of;
use super::record::RECORD;
use super::records::Records;
use super::regions::{self, Region};
use super::scan::{Header, RECORD_HEADER, align, crc};
use super::write as pages;
use crate::lsn;
use binq_core::encode::{Did, Note, Splice};
use binq_core::sequence::{Arrange, Placed};
use binq_core::{Node, Reject, Scalar};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A record in its new place.
pub struct Laid {
    /// First byte of the stream.
    pub at: u64,
    /// The record.
    pub bytes: Vec<u8>,
}

impl Laid {
    /// The first byte of the stream after it.
    pub fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

/// Lay out the items from the first changed one on, region by region.
pub fn arrange(geometry: &Geometry, records: &Records, cx: &mut Arrange<'_>) -> Result<(), Reject> {
    refuse_other_majors(geometry, cx)?;
    let regions = regions::find(geometry, records, cx);
    let regions = regions::fill(regions, std::mem::take(&mut cx.items));
    let notes = cx.report.notes.iter().enumerate();
    let mut relay = Relay {
        geometry,
        moved: BTreeMap::new(),
        relinked: 0,
        redone: 0,
        index: cx.number(),
        notes: notes.map(|(i, note)| (note.offset, i)).collect(),
    };
    let mut prev = None;
    for region in &regions {
        prev = match region.is_same() && !switches(cx, region)? {
            true => relay.keep(cx, region, prev)?,
            false => relay.anew(cx, region, prev)?,
        };
    }
    if relay.relinked + relay.redone > 0 {
        cx.report.notes.push(Note {
            path: cx.path.clone(),
            offset: geometry.file_of(align(cx.first.at / 8)),
            did: Did::Other(format!(
                "{} records moved, or follow one that did: xl_prev and xl_crc of each were recomputed, and redo of {} checkpoints",
                relay.relinked, relay.redone
            )),
        });
    }
    Ok(())
}

/// What is known while regions are laid out.
struct Relay<'a> {
    geometry: &'a Geometry,
    /// New places of records, by their old ones.
    moved: BTreeMap<u64, u64>,
    /// How many records got another `xl_prev`.
    relinked: u64,
    /// How many checkpoints got another `redo`.
    redone: u64,
    /// The index of the next item.
    index: u64,
    /// Notes about fields that were recomputed, by their places in the input.
    notes: HashMap<u64, usize>,
}

impl Relay<'_> {
    /// Leave a region as it is, but for what follows from one before it. `prev` is the LSN of the record before it, if that
    /// is another one now.
    fn keep(
        &mut self,
        cx: &mut Arrange<'_>,
        region: &Region,
        mut prev: Option<u64>,
    ) -> Result<Option<u64>, Reject> {
        // the LSN of the record before, where there is one
        let mut before = region.prev;
        for item in &region.items {
            let index = self.index;
            self.index += 1;
            let stands_in = item.new.is_some();
            let follows = stands_in || prev.is_some() || !self.moved.is_empty();
            let before = std::mem::replace(&mut before, lsn_of(self.geometry, item));
            if let Some(was) = item.was.filter(|_| follows && item.is(RECORD)) {
                let old = cx.bytes(item)?;
                let mut record = Laid {
                    at: was.start / 8,
                    bytes: old.clone(),
                };
                let mut names = prev.take().unwrap_or(0);
                if stands_in && names == 0 {
                    names = match before {
                        // what the one in whose place it is named
                        0 => prev_of(&cx.at.space.read(record.at, RECORD_HEADER)),
                        before => before,
                    };
                }
                let relinked = self.relinked;
                self.link(cx, item, &mut record, names);
                if stands_in {
                    self.relinked = relinked;
                    tell_relinked(self.geometry, cx, index, (&old, &record));
                }
                if record.bytes != old {
                    let splice = Splice::new(was, record.bytes, &cx.path);
                    cx.changes.push(cx.at.space, splice);
                    continue;
                }
            }
            for splice in &item.splices {
                cx.changes.push(cx.at.space, splice.clone());
            }
        }
        Ok(None)
    }

    /// Lay a region out again, and say where its last record is, if the next region follows it and that is another place.
    fn anew(
        &mut self,
        cx: &mut Arrange<'_>,
        region: &Region,
        before: Option<u64>,
    ) -> Result<Option<u64>, Reject> {
        let geometry = self.geometry;
        let stream = cx.at.space.clone();
        refuse(geometry, cx, region)?;
        self.index += region.items.len() as u64;
        let first = region.start;
        let items = &region.items;
        let mut laid = Vec::with_capacity(items.len());
        for item in items {
            laid.push(Laid {
                at: first,
                bytes: cx.bytes(item)?,
            });
        }
        // the record that others name, if it is still the last one, is placed for itself
        let kept = region.keeps_last();
        let free = items.len() - usize::from(kept);
        let mut at = place(geometry, first, &mut laid[..free]);
        // without its segment switch, the log ends in this file
        let stop = region.stop().filter(|_| kept || !region.switches);
        let goal = match laid.last().filter(|_| kept) {
            Some(last) => stop.map(|stop| region.last_place(stop, last.bytes.len() as u64)),
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
        for (item, record) in items.iter().zip(&laid) {
            if let Some(was) = item.was {
                let (from, to) = (geometry.lsn(was.start / 8), geometry.lsn(record.at));
                self.moved.insert(from, to);
            }
        }
        // what comes first now names the record in the file before that the old first one named
        let mut prev = match before.unwrap_or(region.prev) {
            0 => prev_of(&stream.read(first, RECORD_HEADER)),
            prev => prev,
        };
        let mut out = Vec::with_capacity(laid.len() + 2);
        for (i, (item, mut record)) in items.iter().zip(laid).enumerate() {
            if i == free {
                fill(geometry, cx, &mut out, at..record.at, &mut prev)?;
            }
            self.link(cx, item, &mut record, prev);
            prev = geometry.lsn(record.at);
            out.push(record);
        }
        at = after;
        if let Some(named) = region.named
            && Some(named) == stop
            && !kept
            && at <= named
        {
            // it was removed: another one takes its place
            fill(geometry, cx, &mut out, at..named, &mut prev)?;
            at = region.partial.unwrap_or(region.limit);
            fill(geometry, cx, &mut out, named..at, &mut prev)?;
        }
        let end = match region.partial {
            Some(partial) => {
                keep_tail(geometry, cx, &mut out, at, partial, prev)?;
                region.limit
            }
            None => {
                let last = out.last();
                let lengths = last.map_or(first, |l| l.at + l.bytes.len() as u64);
                let by = lengths.saturating_sub(region.limit);
                if by > 0 {
                    let what = "the records outgrow the end of the segment";
                    return Err(no_room(cx, by, what));
                }
                at
            }
        };
        let moved = region.named.filter(|at| geometry.lsn(*at) != prev);
        if region.last {
            tell(geometry, cx, region, prev);
        }
        pages::write(geometry, cx, region, &out, end);
        Ok(moved
            .filter(|_| region.switches && !region.last)
            .map(|_| prev))
    }

    /// Let a record name the one before it, and sum it again; unless the user assigned these fields.
    fn link(&mut self, cx: &mut Arrange<'_>, item: &Placed, record: &mut Laid, prev: u64) {
        // a damaged record is kept as it is; so is everything where nothing is to be recomputed
        if !cx.fix || !item.is(RECORD) || record.bytes.len() < RECORD_HEADER as usize {
            return;
        }
        let geometry = self.geometry;
        let pinned = |name: &str| item.pinned.iter().any(|p| p == name);
        let mut changed = false;
        let Some(header) = Header::read(&record.bytes) else {
            return;
        };
        if !pinned("xl_prev") && prev != 0 && header.prev != prev {
            record.bytes[8..16].copy_from_slice(&prev.to_le_bytes());
            self.relinked += 1;
            changed = true;
        }
        if !pinned("main_data")
            && let Some((at, redo)) = redo(&header, &record.bytes)
            && let Some(new) = moved_to(&self.moved, redo).filter(|new| *new != redo)
        {
            record.bytes[at..at + 8].copy_from_slice(&new.to_le_bytes());
            changed = true;
            self.redone += 1;
        }
        if changed && !pinned("xl_crc") {
            let sum = crc(&[&record.bytes[24..], &record.bytes[..20]]);
            record.bytes[20..24].copy_from_slice(&(sum as u32).to_le_bytes());
            // what was told of its checksum before was told too early
            let told = item.was.and_then(|was| {
                let at = geometry.file_of(was.start / 8 + 20);
                cx.report.notes.get_mut(*self.notes.get(&at)?)
            });
            if let Some(Note {
                did: Did::Recomputed { to, .. },
                ..
            }) = told
            {
                *to = Scalar::from(sum);
            }
        }
    }
}

/// The LSN of an item, if it is a record; 0 of another.
fn lsn_of(geometry: &Geometry, item: &Placed) -> u64 {
    let was = item.was.filter(|_| item.is(RECORD));
    was.map_or(0, |was| geometry.lsn(was.start / 8))
}

/// The LSN that a header names; 0 where there is none.
fn prev_of(header: &[u8]) -> u64 {
    Header::read(header).map_or(0, |header| header.prev)
}

/// Whether a record that was put in the place of another is a segment switch, or that one is, and not both: then the log goes on
/// elsewhere.
fn switches(cx: &Arrange<'_>, region: &Region) -> Result<bool, Reject> {
    let is_switch = |bytes: &[u8]| Header::read(bytes).is_some_and(|h| h.is_switch());
    for item in region.items.iter().filter(|item| item.new.is_some()) {
        let Some(was) = item.was else { continue };
        let old = cx.at.space.read(was.start / 8, RECORD_HEADER);
        if is_switch(&cx.bytes(item)?) != is_switch(&old) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tell what became of the header of a record that was put in the place of another: of `old` bytes, and as it is now.
fn tell_relinked(
    geometry: &Geometry,
    cx: &mut Arrange<'_>,
    index: u64,
    (old, record): (&[u8], &Laid),
) {
    let (Some(from), Some(to)) = (Header::read(old), Header::read(&record.bytes)) else {
        return;
    };
    let lsn = |lsn: u64| Scalar::from(lsn::text(lsn));
    let fields = [
        ("xl_prev", 8, lsn(from.prev), lsn(to.prev)),
        (
            "xl_crc",
            20,
            Scalar::from(from.crc()),
            Scalar::from(to.crc()),
        ),
    ];
    for (name, byte, from, to) in fields.into_iter().filter(|(.., from, to)| from != to) {
        cx.report.notes.push(Note {
            path: format!("{}[{index}].{name}", cx.path),
            offset: geometry.file_of(record.at + byte),
            did: Did::Recomputed { from, to },
        });
    }
}

/// What must not be laid out again.
fn refuse(geometry: &Geometry, cx: &Arrange<'_>, region: &Region) -> Result<(), Reject> {
    let why = match (region.aborted, region.is_fixed()) {
        (Some(at), _) => format!(
            "an aborted record lies at {}; the records before it cannot change their size",
            lsn::text(geometry.lsn(at))
        ),
        (_, true) => format!(
            "the log breaks off at {}; the records up to there cannot change their size",
            lsn::text(geometry.lsn_after(region.limit))
        ),
        _ => return Ok(()),
    };
    Err(Reject::Structure {
        path: cx.path.clone(),
        why,
    })
}

/// Say so if the last record, at the LSN `prev`, is not where the next file has it.
fn tell(geometry: &Geometry, cx: &mut Arrange<'_>, region: &Region, prev: u64) {
    // the head of a record that is whole was given another `xl_prev`
    let whole = region
        .partial
        .is_some_and(|at| at + RECORD_HEADER <= cx.at.space.len());
    let named = region
        .named
        .filter(|at| !whole && geometry.lsn(*at) != prev);
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
        item.is(RECORD)
            && align(len + 3) == align(len) + 8
            && !item.pinned.iter().any(|p| p == "xl_tot_len")
    };
    let candidates = items.iter().zip(laid).rev().filter(fits);
    let mut left = times;
    for (_, record) in candidates {
        if left == 0 {
            break;
        }
        if block_headers::spell_long(geometry.major(), &mut record.bytes) {
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
        if let Some(major) = major.filter(|major| *major != geometry.major()) {
            return Err(Reject::Structure {
                path: cx.path.clone(),
                why: format!(
                    "a record of PostgreSQL {major} cannot become one of a log of PostgreSQL {}",
                    geometry.major()
                ),
            });
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with a short block of main data that begins with the number 7.
    fn record(rmid: u8, info: u8, id: u8) -> Vec<u8> {
        let mut bytes = vec![0; 26];
        (bytes[16], bytes[17], bytes[24]) = (info, rmid, id);
        bytes.extend(7u64.to_le_bytes());
        bytes
    }

    #[test]
    fn checkpoints_say_where_redo_begins() {
        let found = |bytes: &[u8]| redo(&Header::read(bytes).expect("a header"), bytes);
        for (rmid, info, id, is) in [
            (0, 0x00, 255, true),
            (0, 0x10, 255, true),
            (0, 0x0f, 255, true),
            (0, 0x1f, 255, true),
            (0, 0x20, 255, false),
            (0, 0x90, 255, false),
            (1, 0x00, 255, false),
            (1, 0x10, 255, false),
            (0, 0x00, 254, false),
            (1, 0x20, 254, false),
        ] {
            let wanted = is.then_some((26, 7));
            assert_eq!(found(&record(rmid, info, id)), wanted, "{rmid} {info} {id}");
        }
        let whole = record(0, 0, 255);
        assert_eq!(found(&whole[..33]), None);
        assert_eq!(found(&whole[..24]), None);
    }
}
