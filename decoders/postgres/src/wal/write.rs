//! Writing records that were laid out again into their pages.

use super::geometry::Geometry;
use super::header::{FIRST_IS_CONTRECORD, LONG, overwrite_flag};
use super::regions::Region;
use super::relay::Laid;
use super::scan::Header;
use binq_core::encode::Splice;
use binq_core::sequence::Arrange;
use binq_core::{Space, Span};

/// Write a region into the pages, up to its new end or the old one, whichever is later.
pub fn write(geometry: &Geometry, cx: &mut Arrange<'_>, region: &Region, laid: &[Laid], end: u64) {
    let stream = cx.at.space.clone();
    let Some((file, _)) = stream.under() else {
        return;
    };
    let first = region.start;
    let mut until = end.max(region.end).min(region.limit);
    if until <= first {
        return;
    }
    // a page that the log had not reached is cleared before it is written to, as the server does (`AdvanceXLInsertBuffer`)
    let (last_page, _) = geometry.place(until - 1);
    let reached = geometry
        .page(file, last_page)
        .is_none_or(|(_, current)| current);
    if cx.fix && !reached {
        until = geometry.stream_of_page(last_page + 1).min(region.limit);
    }
    let written = laid.last().map_or(first, Laid::end);
    let mut new = vec![0u8; (until - first) as usize];
    for record in laid {
        let from = (record.at - first) as usize;
        let to = (from + record.bytes.len()).min(new.len());
        new[from..to].copy_from_slice(&record.bytes[..to - from]);
    }
    let (first_page, _) = geometry.place(first);
    let tli = geometry
        .page(file, first_page)
        .map_or(1, |(header, _)| header.tli);
    for page in first_page..=last_page {
        let start = geometry.stream_of_page(page);
        let from = start.max(first);
        let to = geometry.stream_of_page(page + 1).min(until);
        let body = &new[(from - first) as usize..(to - first) as usize];
        body_splice(geometry, cx, file, from, body);
        if start < first {
            continue;
        }
        // the record that the page begins inside of
        let before = laid.partition_point(|l| l.at < start).checked_sub(1);
        let rest = before.map(|i| &laid[i]).filter(|l| start < l.end());
        header_splices(
            geometry,
            cx,
            file,
            page,
            rest.map(|l| rest_of(l, start)),
            start < written,
            tli,
        );
    }
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
    tli: u32,
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
        let mut new = vec![0; geometry.header_len(page) as usize];
        new[..2].copy_from_slice(&geometry.version.magic.to_le_bytes());
        new[4..8].copy_from_slice(&tli.to_le_bytes());
        new[8..16].copy_from_slice(&geometry.page_lsn(page).to_le_bytes());
        info = 0;
        if new.len() > 24 {
            info = LONG;
            new[24..32].copy_from_slice(&geometry.sysid.unwrap_or(0).to_le_bytes());
            new[32..36].copy_from_slice(&(geometry.seg_size as u32).to_le_bytes());
            new[36..40].copy_from_slice(&(geometry.blcksz as u32).to_le_bytes());
        }
        put(0, &new[..2]);
        put(4, &new[4..16]);
        put(20, &new[20..]);
    }
    let flags = FIRST_IS_CONTRECORD | overwrite_flag(geometry.major());
    let wanted = match rest {
        Some(_) => info & !flags | FIRST_IS_CONTRECORD,
        None => info & !FIRST_IS_CONTRECORD,
    };
    put(2, &wanted.to_le_bytes());
    put(16, &rest.unwrap_or(0).to_le_bytes());
}
