//! Layers: how a derived space is gathered from the space under it, and written back.

mod deflate;
mod gather;
mod identity;
mod narrow;
mod recode;

pub use deflate::{Deflate, Zlib};
pub use gather::{Gather, Run};
pub use identity::{Following, Identity};
pub use recode::{MOST_SHOWN, Recode, Recoding, read_bounded};

use crate::encode::{Report, Splice};
use crate::{Reject, Space, Span};
use std::borrow::Cow;

/// Bytes seen through other bytes.
pub trait Layer: Send + Sync + 'static {
    /// Number of bytes in the derived space.
    fn len(&self) -> u64;

    /// Whether the derived space has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes `at .. at + len` of the derived space; the caller has clipped them to it.
    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]>;

    /// What is done to the bytes under it to make those of the derived space, in a word, where they are others: `decompressed`.
    fn makes(&self) -> Option<&'static str> {
        None
    }

    /// Where the bits of a span come from in the space under it, in order.
    fn origins(&self, span: Span) -> Vec<Span>;

    /// Where else the bits of a span are in the space under it: copies, which change with them.
    fn copies(&self, _span: Span) -> Vec<Span> {
        Vec::new()
    }

    /// The first run that the span touches whose bytes are missing: they read as zeros, and mean nothing.
    fn hole(&self, _span: Span) -> Option<Span> {
        None
    }

    /// Whether any bytes are missing: where none are, nobody asks for [`Self::hole`]. Does not change.
    fn has_holes(&self) -> bool {
        false
    }

    /// Whether `patch` must be given all changes of the derived space together, made by whatever view of it, because what
    /// follows from them (lengths, numbers, checksums) follows from all of them.
    ///
    /// Changes stay in such a space until the whole input is encoded.
    fn joint(&self) -> bool {
        false
    }

    /// Turn changes of the derived space into changes of the space under it. Runs only when something changed.
    ///
    /// The default writes changes through to where the bytes came from, and so takes only changes that keep the size.
    ///
    /// # Errors
    /// A change that this layer cannot write back.
    fn patch(
        &self,
        _under: &Space,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        write_through(changes, |span| self.origins(span))
    }

    /// What follows from the changes of an item of a sequence in it, where that comes to lie elsewhere: no other change of the space
    /// is looked at, and nothing around the item changes. The space and the one under it have the same bytes in the same places.
    ///
    /// # Errors
    /// A change that the item cannot take.
    fn alone(
        &self,
        _under: &Space,
        _item: Span,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        Ok(changes)
    }
}

/// What a layer may look at, and report, while it writes changes back.
pub struct Patching<'a> {
    /// Whether derived fields are recomputed.
    pub fix: bool,
    /// What is done and left is reported here.
    pub report: &'a mut Report,
    /// Fields of the derived space that were assigned the value that they had, and so must keep it.
    pub pins: Vec<Span>,
}

/// Write changes that keep their size to where the bytes came from.
///
/// # Errors
/// A change of size.
pub fn write_through(
    changes: Vec<Splice>,
    origins: impl Fn(Span) -> Vec<Span>,
) -> Result<Vec<Splice>, Reject> {
    let mut out = Vec::new();
    for change in changes {
        if change.new.len() != change.span.len {
            return Err(Reject::Structure {
                path: change.by.to_string(),
                why: format!(
                    "its {} bytes cannot become {} here",
                    change.span.len / 8,
                    change.new.len() / 8
                ),
            });
        }
        let mut done = 0;
        for span in origins(change.span) {
            out.push(Splice {
                span,
                new: change.new.slice(done, span.len),
                ..change.clone()
            });
            done += span.len;
        }
    }
    Ok(out)
}

/// A part of the space under it, which may grow and shrink.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its first byte there.
    pub at: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Layer for Window {
    fn len(&self) -> u64 {
        self.len
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        under.read(self.at + at, len)
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        vec![Span::bits(self.at * 8 + span.start, span.len)]
    }

    fn patch(
        &self,
        _under: &Space,
        mut changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        for change in &mut changes {
            change.span.start += self.at * 8;
            change.items = None;
            change.seat = None;
            if let Some(spares) = &mut change.spares {
                spares.start += self.at * 8;
            }
        }
        Ok(changes)
    }
}
