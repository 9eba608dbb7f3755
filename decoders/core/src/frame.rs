//! Frames: bytes around a node that belong to it and are not shown, above all its length prefix.

use crate::codec::Codec;
use crate::encode::{Changes, Did, Note, Report, Splice};
use crate::{Reject, Scalar, Space, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bytes around a node that belong to it.
#[derive(Clone)]
pub struct Frame {
    /// The node with everything that belongs to it: what goes when the node is removed.
    pub outer: Span,
    /// The length prefix of the node, if it has one of its own.
    pub len: Option<Prefix>,
    /// A frame around that, which the node may share with others.
    pub up: Option<Arc<Frame>>,
}

/// A length prefix.
#[derive(Clone, Copy)]
pub struct Prefix {
    /// Where it lies.
    pub span: Span,
    /// How it is stored.
    pub codec: &'static dyn Codec,
}

/// By how much the frames grow that are shared between nodes; the outermost first.
pub(crate) struct Growth<'a> {
    pub space: &'a Space,
    pub path: &'a str,
    /// Whether lengths are recomputed.
    pub fix: bool,
    shared: BTreeMap<u64, (Arc<Frame>, i64)>,
}

impl<'a> Growth<'a> {
    pub fn new(space: &'a Space, path: &'a str, fix: bool) -> Self {
        Self {
            space,
            path,
            fix,
            shared: BTreeMap::new(),
        }
    }

    /// Something inside a frame that others share grew by so many bits.
    pub fn inside(&mut self, up: Option<&Arc<Frame>>, growth: i64) {
        if let (Some(up), true) = (up, growth != 0) {
            let shared = self.shared.entry(up.outer.start);
            shared.or_insert_with(|| (up.clone(), 0)).1 += growth;
        }
    }

    /// A node in this frame grew by so many bits.
    pub fn node(
        &mut self,
        frame: Option<&Frame>,
        growth: i64,
        changes: &mut Changes,
        report: &mut Report,
    ) -> Result<(), Reject> {
        let Some(frame) = frame.filter(|_| growth != 0) else {
            return Ok(());
        };
        let prefix = self.new_prefix(frame, growth, report)?;
        let growth = growth + prefix.as_ref().map_or(0, Splice::growth);
        if let Some(splice) = prefix {
            changes.push(self.space, splice);
        }
        self.inside(frame.up.as_ref(), growth);
        Ok(())
    }

    /// The new length prefix of a frame, if it changes.
    pub fn new_prefix(
        &self,
        frame: &Frame,
        growth: i64,
        report: &mut Report,
    ) -> Result<Option<Splice>, Reject> {
        match frame.len {
            Some(prefix) => self.prefix(prefix, growth, report),
            None => Ok(None),
        }
    }

    fn prefix(
        &self,
        prefix: Prefix,
        growth: i64,
        report: &mut Report,
    ) -> Result<Option<Splice>, Reject> {
        if !self.fix || growth == 0 {
            return Ok(None);
        }
        let like = self.space.bits(prefix.span);
        let misfit = |e: crate::Misfit| Reject::Misfit {
            path: format!("the length of {}", self.path),
            offset: self.space.offset(prefix.span.first_byte()),
            expected: e.expected,
            found: e.found,
        };
        let was = prefix.codec.decode(&like).map_err(misfit)?;
        let right = was.as_int().unwrap_or(0) + i128::from(growth / 8);
        let new = prefix
            .codec
            .encode(&Scalar::Int(right), &like)
            .map_err(misfit)?;
        report.notes.push(Note {
            path: self.path.to_owned(),
            offset: self.space.offset(prefix.span.first_byte()),
            did: Did::Other(format!("its length prefix {was} became {right}")),
        });
        Ok((new != like).then(|| Splice {
            new,
            ..Splice::new(prefix.span, Vec::new(), self.path)
        }))
    }

    /// Recompute the lengths of the shared frames, innermost first: a frame begins before those inside it.
    pub fn finish(mut self, changes: &mut Changes, report: &mut Report) -> Result<(), Reject> {
        while let Some((_, (frame, growth))) = self.shared.pop_last() {
            self.node(Some(&frame), growth, changes, report)?;
        }
        Ok(())
    }
}
