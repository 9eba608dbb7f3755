//! One walk over all records: where the log ends, and what each page begins with.

use super::continuation::Continuation;
use super::geometry::Geometry;
use super::header::PageHeader;
use super::linear;
use super::record::RECORD;
use super::records::Records;
use super::scan::{Header, Look, RECORD_HEADER, Scan, Searched, align};
use binq_core::sequence::{SeqAt, Sequence};
use binq_core::{Kind, Malformed, Severity, Space, Span};
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// A log, and what a walk over it finds.
pub struct Walk {
    /// Where the pages are.
    pub geometry: Arc<Geometry>,
    /// The log without page headers.
    pub stream: Space,
    /// The bytes of a record of the file before.
    pub continuation: Continuation,
    /// What was found in the stream.
    pub searched: Arc<Searched>,
    found: OnceLock<Found>,
}

/// What the walk found.
pub struct Found {
    /// The byte of the stream after the records.
    pub end: u64,
    /// The head of a record whose rest is not here: the byte of the stream after it, and what is to be said of it.
    pub partial: Option<(u64, Option<Malformed>)>,
    /// What each page begins with, up to the last one that the log uses.
    pages: Vec<Begins>,
}

/// What a page begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// The last so many bytes of a record.
    Rest(u32),
    /// A record, or nothing more.
    Anew,
    /// It is not known: bytes that are damaged.
    Unknown,
    /// The log does not use the page.
    Unused,
}

impl Walk {
    /// The log of an input.
    pub fn new(geometry: Arc<Geometry>, stream: Space) -> Self {
        let searched = Arc::new(Searched::default());
        let scan = Scan {
            geometry: &geometry,
            stream: &stream,
            searched: &searched,
        };
        let continuation = Continuation::find(&scan);
        Self {
            geometry,
            stream,
            continuation,
            searched,
            found: OnceLock::new(),
        }
    }

    /// Where the records are.
    pub fn records_span(&self) -> Span {
        let first = align(self.continuation.len).min(self.stream.len());
        Span::bytes(first, self.stream.len() - first)
    }

    /// What an edit of the continuation means for the checksum of its record, which is in the file before. It is known by how
    /// much it changes, as long as the whole header is there.
    pub fn continuation_edited(&self, new: &[u8]) -> Option<String> {
        let len = self.continuation.len;
        let old = self.stream.read(0, len);
        let (file, _) = self.stream.under()?;
        let header = PageHeader::read(file, 0)?;
        let after = u64::from(header.rem_len).saturating_sub(len);
        let delta = linear::payload_delta(&old, new, after);
        let before = self.geometry.page_lsn(0).saturating_sub(1);
        let name = self.geometry.segment_name(header.tli, before);
        (old.as_ref() != new).then(|| {
            format!(
                "the xl_crc of its record stays as it is: it is in {name}, or where the record begins before that; there, \
                 .partial.xl_crc |= bxor({delta}) makes it right, if the whole header is before this file"
            )
        })
    }

    /// What the walk finds. It is made once.
    pub fn found(&self) -> &Found {
        self.found.get_or_init(|| self.walk())
    }

    /// What a page of the input begins with. Looks at all of the log.
    pub fn begins(&self, page: u64) -> Begins {
        let pages = &self.found().pages;
        let begins = usize::try_from(page).ok().and_then(|i| pages.get(i));
        begins.copied().unwrap_or(Begins::Unused)
    }

    fn walk(&self) -> Found {
        let records = Records::new(&self.geometry, &self.searched);
        let at = SeqAt {
            space: &self.stream,
            span: self.records_span(),
        };
        let scan = Scan {
            geometry: &self.geometry,
            stream: &self.stream,
            searched: &self.searched,
        };
        let mut pages = PageWalk {
            geometry: &self.geometry,
            pages: Vec::new(),
        };
        if self.continuation.len > 0 {
            let end = self.continuation.end;
            let rest = end.and_then(|end| u32::try_from(end).ok());
            pages.pages.push(rest.map_or(Begins::Unknown, Begins::Rest));
            pages.part(0, self.continuation.len, end);
        }
        let mut state = records.start(&at);
        loop {
            let from = align(state.at / 8);
            let ahead = scan.run(from, state.memory, u64::MAX);
            if ahead.records > 0 {
                pages.part(from, ahead.next, Some(ahead.next));
                state.at = ahead.next * 8;
                state.memory = ahead.prev;
                continue;
            }
            let Some(step) = records.step(&at, &state) else {
                break;
            };
            let (start, end) = (step.span.start / 8, step.span.end() / 8);
            pages.part(start, end, is_record(&step.kind).then_some(end));
            state = step.next;
        }
        let end = self.last_end(&scan, align(state.at / 8), state.memory);
        let partial = match scan.look(end, state.memory) {
            Look::Partial(until, wrong) => {
                // it ends where it says itself, unless that is what is wrong
                let header = Header::read(&self.stream.read(end, RECORD_HEADER));
                let stated = header.map(|h| end + u64::from(h.tot_len));
                let sound = |w: &Malformed| w.severity == Severity::Note || w.at != end;
                let known = wrong.as_ref().is_none_or(sound);
                pages.part(end, until, stated.filter(|to| known && *to >= until));
                Some((until, wrong))
            }
            _ => None,
        };
        Found {
            end,
            partial,
            pages: pages.pages,
        }
    }

    /// Where the log ends, if the records before end at `at`: a last stretch may have none.
    fn last_end(&self, scan: &Scan<'_>, mut at: u64, prev: u64) -> u64 {
        while let Look::Aborted(next) = scan.look(at, prev) {
            at = next;
        }
        at
    }
}

fn is_record(kind: &Kind) -> bool {
    match kind {
        Kind::Struct(shape) => shape.name() == RECORD,
        _ => false,
    }
}

struct PageWalk<'a> {
    geometry: &'a Geometry,
    pages: Vec<Begins>,
}

impl PageWalk<'_> {
    /// The next part of the log, up to the byte `until`: a record that ends at `end`, or some on one page; damaged bytes, if
    /// that is not known.
    fn part(&mut self, start: u64, until: u64, end: Option<u64>) {
        loop {
            let page = self.pages.len() as u64;
            let begins = self.geometry.stream_of_page(page);
            if begins >= until {
                return;
            }
            self.pages.push(match (begins.cmp(&start), end) {
                (Ordering::Less, _) if self.geometry.stream_of_page(page + 1) <= start => {
                    Begins::Unused
                }
                (Ordering::Greater, Some(end)) => {
                    u32::try_from(end - begins).map_or(Begins::Unknown, Begins::Rest)
                }
                (Ordering::Greater | Ordering::Equal, None) => Begins::Unknown,
                _ => Begins::Anew,
            });
        }
    }
}
