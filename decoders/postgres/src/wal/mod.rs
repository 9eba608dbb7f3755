//! The write-ahead log: format `pg_wal`.

mod blocks;
mod geometry;
mod pages;
mod record;
mod records;
mod relay;
mod rmgr;
mod scan;
mod stream;
mod text;

use crate::lsn;
use binq_core::codec::Raw;
use binq_core::shape::{Cx, Shape};
use binq_core::{Confidence, Format, Kind, Malformed, Node, Options, Probe, ScalarFn, Space, Span};
use geometry::{FIRST_IS_CONTRECORD, Geometry, PageHeader};
use scan::{Look, Scan};
use std::sync::Arc;

/// A file of the write-ahead log: a segment, several, or a part of one.
pub struct PgWal;

impl Format for PgWal {
    fn name(&self) -> &'static str {
        "pg_wal"
    }

    fn description(&self) -> &'static str {
        "Postgres write-ahead log, majors 12 to 18"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        let head = &probe.bytes[..probe.bytes.len().min(PROBED)];
        let file = Space::source(head.to_vec());
        match Geometry::survey(&file) {
            Err(_) => Confidence::No,
            Ok(geometry) => match geometry.page(&file, 0) {
                Some((_, true)) => Confidence::Certain,
                _ => Confidence::Likely,
            },
        }
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let root: Arc<dyn Shape> = match Geometry::survey(&space) {
            Ok(geometry) => Arc::new(Log::new(geometry, &space)),
            Err(wrong) => Arc::new(Unknown { wrong }),
        };
        let span = space.span();
        Node::root_of(self.name(), Kind::shared(root), space, span)
    }

    fn functions(&self) -> &'static [ScalarFn] {
        &[("pg_lsn", lsn::pg_lsn)]
    }
}

/// Pages beyond these are not looked at to tell the format: 16 of 8 KB.
const PROBED: usize = 16 * 8192;

/// An input without a page that is known.
struct Unknown {
    wrong: Malformed,
}

impl Shape for Unknown {
    fn name(&self) -> &'static str {
        "pg_wal"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let space = cx.at.space.clone();
        cx.gap(&space, space.span());
        Ok(())
    }

    fn fault(&self) -> Option<Malformed> {
        Some(self.wrong.clone())
    }
}

/// The log.
struct Log {
    geometry: Arc<Geometry>,
    /// The log without page headers.
    stream: Space,
    /// Bytes of the stream that belong to a record of the file before.
    continuation: u64,
    /// What does not fit about the first pages or the continuation.
    wrong: Option<Malformed>,
}

impl Log {
    fn new(geometry: Geometry, file: &Space) -> Self {
        let geometry = Arc::new(geometry);
        let (continuation, wrong) = continuation(&geometry, file);
        let wrong = geometry.wrong.clone().or(wrong);
        let layer = stream::Stream {
            geometry: geometry.clone(),
        };
        Self {
            stream: Space::derived(file.clone(), Arc::new(layer)),
            geometry,
            continuation,
            wrong,
        }
    }

    fn records(&self) -> records::Records {
        records::Records::new(&self.geometry)
    }

    fn records_span(&self) -> Span {
        let first = scan::align(self.continuation).min(self.stream.len());
        Span::bytes(first, self.stream.len() - first)
    }
}

/// How many bytes of the stream are the rest of a record of the file before: `xlp_rem_len` of the first page, as far as
/// the pages after it agree.
fn continuation(geometry: &Geometry, file: &Space) -> (u64, Option<Malformed>) {
    let first = PageHeader::read(file, 0).filter(|h| h.info & FIRST_IS_CONTRECORD != 0);
    let Some(first) = first else {
        return (0, None);
    };
    let rem_len = u64::from(first.rem_len);
    let len = geometry.stream_len();
    for page in 1.. {
        let start = geometry.stream_of_page(page);
        if start >= rem_len.min(len) {
            break;
        }
        let Some(header) = PageHeader::read(file, page * geometry.blcksz) else {
            break;
        };
        let rest = u64::from(header.rem_len);
        let flagged = header.info & FIRST_IS_CONTRECORD != 0;
        if !flagged || rest + start != rem_len {
            let expected = format!("xlp_rem_len {} on page {page}", rem_len - start);
            let found = if flagged {
                rest.to_string()
            } else {
                "none".to_owned()
            };
            let wrong = Malformed::new(page * geometry.blcksz, expected, found);
            return (start, Some(wrong));
        }
    }
    (rem_len.min(len), None)
}

impl Shape for Log {
    fn name(&self) -> &'static str {
        "pg_wal"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let pages = pages::Pages {
            geometry: self.geometry.clone(),
        };
        let file = cx.at.span;
        cx.node("pages", file, Kind::array(Arc::new(pages)));
        if self.continuation > 0 {
            let span = Span::bytes(0, self.continuation);
            let kind = Kind::Leaf(binq_core::Ref::Static(&Raw::FIXED));
            cx.node_in("continuation", &self.stream, span, kind);
        }
        let records = Kind::array(Arc::new(self.records()));
        cx.node_in("records", &self.stream, self.records_span(), records);
        self.wrong.clone().map_or(Ok(()), Err)
    }

    fn finish(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (at, prev) = self.records().end(&self.stream, self.records_span());
        let scan = Scan {
            geometry: &self.geometry,
            stream: &self.stream,
        };
        let mut end = at;
        if let Look::Partial(wrong) = scan.look(at, prev) {
            end = self.stream.len();
            let shape = record::Damaged::partial(&self.geometry, wrong, end - at);
            let span = Span::bytes(at, end - at);
            cx.node_in("partial", &self.stream, span, Kind::shared(Arc::new(shape)));
        }
        let rest = Span::bytes(end, self.stream.len().saturating_sub(end));
        cx.gap(&self.stream, rest);
        Ok(())
    }
}
