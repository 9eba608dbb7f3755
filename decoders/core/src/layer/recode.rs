//! The layer of what is stored in another form as a whole: compressed, encrypted, as base64.

use super::{Layer, Patching};
use crate::encode::{Splice, agree, patched};
use crate::{Malformed, Reject, Severity, Space, Span};
use bytes::Bytes;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

/// As many bytes are shown at most of what is stored in another form.
pub const MOST_SHOWN: u64 = 64 << 20;

/// All bytes that a decoder gives, at most [`MOST_SHOWN`].
///
/// # Errors
/// What the decoder says, and more bytes than that.
pub fn read_bounded(reader: impl Read) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    let mut reader = reader.take(MOST_SHOWN + 1);
    if let Err(e) = reader.read_to_end(&mut out) {
        return Err(Malformed::new(
            0,
            "bytes that can be decoded",
            e.to_string(),
        ));
    }
    match out.len() as u64 > MOST_SHOWN {
        true => Err(Malformed::new(
            0,
            format!("at most {MOST_SHOWN} bytes, which binq shows"),
            "more",
        )
        .with(Severity::Odd)),
        false => Ok(out),
    }
}

/// A two-way conversion between bytes as they are stored and as they are shown.
///
/// Law: `decode(encode(shown, stored)) == shown` for every `shown` that `encode` takes.
pub trait Recoding: Send + Sync + 'static {
    /// What is done to the stored bytes to show them, in a word.
    fn makes(&self) -> &'static str {
        "decompressed"
    }

    /// The bytes to show. It must be bounded: a few bytes may stand for very many.
    ///
    /// # Errors
    /// What is wrong; `at` counts from the start of the stored bytes.
    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed>;

    /// The bytes to store for these, as the old ones were made where that can be told from them.
    ///
    /// # Errors
    /// Why not, in words.
    fn encode(&self, shown: &[u8], old: &[u8]) -> Result<Vec<u8>, String>;
}

/// A part of the space under it, shown in another form. It is encoded anew when something in it changed; what did not change
/// stays as it was stored.
pub struct Recode<R> {
    recoding: R,
    /// Where the bytes are stored.
    stored: Span,
    shown: Bytes,
    shared: bool,
}

impl<R: Recoding> Recode<R> {
    /// The space of what is stored in a span of whole bytes.
    ///
    /// # Errors
    /// Stored bytes that are missing, or that cannot be decoded; `at` is a byte of `under`.
    pub fn space(under: &Space, stored: Span, recoding: R) -> Result<Space, Malformed> {
        let layer = Self::new(under, stored, recoding, false)?;
        Ok(Space::derived(under.clone(), Arc::new(layer)))
    }

    /// The same, for a space that several fields of a struct lie in: it is encoded once all changes are made. No relation can
    /// speak of how long it is stored.
    ///
    /// # Errors
    /// As those of [`Self::space`].
    pub fn shared(under: &Space, stored: Span, recoding: R) -> Result<Space, Malformed> {
        let layer = Self::new(under, stored, recoding, true)?;
        Ok(Space::derived(under.clone(), Arc::new(layer)))
    }

    fn new(under: &Space, stored: Span, recoding: R, shared: bool) -> Result<Self, Malformed> {
        if let Some(hole) = under.hole_in(stored) {
            let len = stored.byte_len();
            let found = "bytes that are missing from the input";
            let at = hole.first_byte().max(stored.first_byte());
            return Err(Malformed::lost(at, format!("{len} bytes"), found));
        }
        let shown = recoding.decode(&under.read(stored.first_byte(), stored.byte_len()));
        let shown = shown.map_err(|wrong| Malformed {
            at: wrong.at + stored.first_byte(),
            ..wrong
        })?;
        Ok(Self {
            recoding,
            stored,
            shown: shown.into(),
            shared,
        })
    }
}

impl<R: Recoding> Layer for Recode<R> {
    fn makes(&self) -> Option<&'static str> {
        Some(self.recoding.makes())
    }

    fn len(&self) -> u64 {
        self.shown.len() as u64
    }

    fn read<'a>(&self, _under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        self.shown[at as usize..(at + len) as usize].to_vec().into()
    }

    fn origins(&self, _span: Span) -> Vec<Span> {
        vec![self.stored]
    }

    fn joint(&self) -> bool {
        self.shared
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let own = Space::source(self.shown.clone());
        let changes = agree(&own, changes)?;
        let Some(first) = changes.first() else {
            return Ok(Vec::new());
        };
        let new = patched(&own, own.span(), &changes);
        if new == self.shown {
            return Ok(Vec::new());
        }
        let old = under.read(self.stored.first_byte(), self.stored.byte_len());
        let stored = self.recoding.encode(&new, &old);
        let stored = stored.map_err(|why| Reject::Structure {
            path: first.by.to_string(),
            why,
        })?;
        Ok(vec![Splice::new(self.stored, stored, &first.by)])
    }
}
