//! The layer between a file and its packets: the same bytes, and what follows from a change of them.

use crate::file::File;
use binq_core::encode::Splice;
use binq_core::layer::{Layer, Patching};
use binq_core::{Reject, Space, Span};
use std::borrow::Cow;

/// The packets of a file.
pub struct Wire {
    file: File,
    len: u64,
}

impl Wire {
    /// Of a file of so many bytes.
    pub fn new(file: File, len: u64) -> Self {
        Self { file, len }
    }
}

impl Layer for Wire {
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
        let _ = (&self.file, under, cx);
        Ok(changes)
    }
}
