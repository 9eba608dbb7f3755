//! The write-ahead log: format `pg_wal`.

mod block_headers;
mod blocks;
mod continuation;
mod geometry;
mod header;
mod least;
mod linear;
mod name;
mod page_size;
mod pages;
mod record;
mod record_columns;
mod records;
mod regions;
mod relay;
mod rmgr;
mod scan;
mod stream;
mod stretches;
mod survey;
mod text;
mod walk;
mod write;

use crate::lsn;
use binq_core::codec::Raw;
use binq_core::shape::{Cx, Fluid, Lazy, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Node, Options, Probe, ScalarFn, Severity, Space, Span,
};
use geometry::Geometry;
use std::sync::Arc;
use walk::Walk;

/// A file of the write-ahead log: a segment, several, or a part of one.
pub struct PgWal;

impl Format for PgWal {
    fn name(&self) -> &'static str {
        "pg_wal"
    }

    fn description(&self) -> &'static str {
        "Postgres write-ahead log, majors 12 to 19"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        let head = &probe.bytes[..probe.bytes.len().min(PROBED)];
        let file = Space::source(head.to_vec());
        match survey::survey(&file) {
            Err(_) => Confidence::No,
            Ok(geometry) => match geometry.page(&file, 0).filter(|_| geometry.version.known) {
                Some((_, true)) => Confidence::Certain,
                _ => Confidence::Likely,
            },
        }
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        let root: Arc<dyn Shape> = match survey::survey(&space) {
            Ok(geometry) => Arc::new(Log::new(geometry, &space, options)),
            Err(wrong) => Arc::new(Unknown { wrong }),
        };
        let span = space.span();
        Node::root_of("pg_wal", Kind::shared(root), space, span)
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
    walk: Arc<Walk>,
    file_name: Option<name::FileName>,
    /// Why the log must not be edited.
    locked: Option<String>,
}

impl Log {
    fn new(geometry: Geometry, file: &Space, options: &Options) -> Self {
        let geometry = Arc::new(geometry);
        let layer = stream::Stream {
            geometry: geometry.clone(),
        };
        let stream = Space::derived(file.clone(), Arc::new(layer));
        let version = geometry.version;
        let unknown = !version.known && !options.force;
        Self {
            walk: Arc::new(Walk::new(geometry, stream)),
            file_name: options.input_name.as_ref().and_then(name::FileName::parse),
            locked: unknown.then(|| {
                format!(
                    "xlp_magic {:04X} is of no version that is known, and what an edit must change besides may have changed; \
                     --force edits it as a log of PostgreSQL {}",
                    version.magic, version.major
                )
            }),
        }
    }
}

impl Shape for Log {
    fn name(&self) -> &'static str {
        "pg_wal"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let pages = pages::Pages::new(self.walk.clone(), self.file_name.clone());
        let file = cx.at.span;
        cx.node("pages", file, Kind::array(Arc::new(pages)));
        let stream = &self.walk.stream;
        let continuation = self.walk.continuation.len;
        if continuation > 0 {
            let span = Span::bytes(0, continuation);
            let kind = Kind::Leaf(binq_core::Ref::Static(&Raw::FIXED));
            cx.node_in("continuation", stream, span, kind);
        }
        let records = records::Records::new(&self.walk.geometry, &self.walk.searched);
        let kind = Kind::array(Arc::new(records));
        cx.node_in("records", stream, self.walk.records_span(), kind);
        // the first place where the input is not one run; others are told on their pages
        let geometry = &self.walk.geometry;
        let size = || match &self.file_name {
            Some(name) => name.wrong_size(geometry, file.len / 8),
            None => name::cut(geometry, file.len / 8),
        };
        let breaks = geometry.breaks().next().map(|(_, wrong)| wrong.clone());
        let wrong = breaks.or_else(|| geometry.misplaced.clone()).or_else(size);
        wrong.map_or(Ok(()), Err)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }

    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }
}

impl Lazy for Log {
    fn finish(&self, cx: &mut Cx<'_>) {
        let Walk {
            geometry, stream, ..
        } = &*self.walk;
        let found = self.walk.found();
        let mut end = found.end;
        if let Some((until, wrong)) = &found.partial {
            let shape =
                record::Damaged::new(geometry, record::Lack::Tail, wrong.clone(), until - end);
            let span = Span::bytes(end, until - end);
            cx.node_in("partial", stream, span, Kind::shared(Arc::new(shape)));
            end = *until;
        }
        let rest = Span::bytes(end, stream.len().saturating_sub(end));
        if let Some(gap) = cx.gap(stream, rest) {
            gap.wrong(after_the_end(geometry, stream, end));
        }
    }
}

impl Fluid for Log {
    fn beyond(&self, field: &str, edited: &Node) -> Option<String> {
        match field {
            "continuation" => self.walk.continuation_edited(&edited.bytes().ok()?),
            _ => None,
        }
    }

    fn locked(&self) -> Option<&str> {
        self.locked.as_deref()
    }
}

/// What lies behind the end of the log: worth to know, and nothing wrong.
fn after_the_end(geometry: &Geometry, stream: &Space, end: u64) -> Malformed {
    let (page, byte) = geometry.place(end);
    let page = match byte == geometry.header_len(page) {
        true => page,
        false => page + 1,
    };
    let next = stream
        .under()
        .and_then(|(file, _)| geometry.page(file, page));
    let found = match next {
        Some((header, _)) if geometry.is_old(&header, page) && !header.is_blank() => {
            let old = lsn::text(header.addr);
            format!("the end of the log, and pages that were written before, such as {old}")
        }
        _ => "the end of the log".to_owned(),
    };
    let expected = format!("a record at {}", lsn::text(geometry.lsn_after(end)));
    Malformed::new(end, expected, found).with(Severity::Note)
}
