//! The layer between a stream and its frames: the same bytes, and what follows from a change of them.

use crate::side::Begin;
use binq_core::encode::Splice;
use binq_core::layer::{Layer, Patching};
use binq_core::{Reject, Space, Span};
use std::borrow::Cow;

/// The frames of one direction.
pub struct Framing {
    /// Number of bytes.
    pub len: u64,
    /// Where the frames begin.
    pub begin: Begin,
    /// Path of the list of frames, for reports.
    pub path: String,
}

impl Layer for Framing {
    fn len(&self) -> u64 {
        self.len
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        under.read(at, len)
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        vec![span]
    }

    fn joint(&self) -> bool {
        true
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let _ = (under, cx);
        Ok(changes)
    }
}
