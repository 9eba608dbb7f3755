//! The layer that shows the same bytes, and makes right what follows from a change of them.

use super::{Layer, Patching};
use crate::encode::Splice;
use crate::{Reject, Space, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// What follows from changes of a space, where all of them must be known together: lengths, numbers, checksums.
pub trait Following: Send + Sync + 'static {
    /// The changes with what follows from them: see [`Layer::patch`].
    ///
    /// # Errors
    /// A change that cannot be made.
    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject>;

    /// The same within an item that comes to lie elsewhere: see [`Layer::alone`].
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

/// The same bytes in the same places; all changes of them come to `F` together.
pub struct Identity<F> {
    len: u64,
    follows: F,
}

impl<F: Following> Identity<F> {
    /// The space of these bytes.
    pub fn space(under: &Space, follows: F) -> Space {
        let len = under.len();
        Space::derived(under.clone(), Arc::new(Self { len, follows }))
    }
}

impl<F: Following> Layer for Identity<F> {
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
        self.follows.patch(under, changes, cx)
    }

    fn alone(
        &self,
        under: &Space,
        item: Span,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        self.follows.alone(under, item, changes, cx)
    }
}
