//! Spaces: runs of bytes, read from the input or derived from other spaces.

use crate::layer::Layer;
use crate::{Bits, Span};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who holds the bytes of an input, and is told which of them are looked at: it may keep others out of memory meanwhile.
pub trait Holder: Send + Sync {
    /// Bytes that are going to be looked at.
    fn touch(&self, at: u64, len: u64);
}

/// A run of bytes: the input itself, or bytes derived from it by a [`Layer`].
#[derive(Clone)]
pub struct Space(Arc<Inner>);

enum Inner {
    Source(Source),
    Derived {
        under: Space,
        layer: Arc<dyn Layer>,
        /// Whether bytes are missing here or below.
        holes: bool,
    },
}

struct Source {
    bytes: Bytes,
    holder: Option<Arc<dyn Holder>>,
    /// Whether the input was ever encoded.
    encoded: AtomicBool,
}

impl Source {
    fn touch(&self, at: u64, len: u64) {
        if let Some(holder) = &self.holder {
            holder.touch(at, len);
        }
    }
}

impl Space {
    /// The bytes of an input.
    pub fn source(bytes: impl Into<Bytes>) -> Self {
        Self::held(bytes.into(), None)
    }

    /// The bytes of an input that somebody holds.
    pub fn held(bytes: Bytes, by: Option<Arc<dyn Holder>>) -> Self {
        Self(Arc::new(Inner::Source(Source {
            bytes,
            holder: by,
            encoded: AtomicBool::new(false),
        })))
    }

    /// Bytes that `layer` makes from `under`.
    pub fn derived(under: Space, layer: Arc<dyn Layer>) -> Self {
        let holes = layer.has_holes() || under.has_holes();
        Self(Arc::new(Inner::Derived {
            under,
            layer,
            holes,
        }))
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match &*self.0 {
            Inner::Source(s) => s.bytes.len() as u64,
            Inner::Derived { layer, .. } => layer.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole space.
    pub fn span(&self) -> Span {
        Span::bytes(0, self.len())
    }

    /// Up to `len` bytes from byte `at` on: fewer where the space ends before.
    pub fn read(&self, at: u64, len: u64) -> Cow<'_, [u8]> {
        let (at, len) = self.clip(at, len);
        match &*self.0 {
            Inner::Source(s) => {
                s.touch(at, len);
                Cow::Borrowed(&s.bytes[at as usize..(at + len) as usize])
            }
            Inner::Derived { under, layer, .. } => layer.read(under, at, len),
        }
    }

    /// Like [`Self::read`], but owned; the bytes of an input are shared, not copied.
    pub fn bytes(&self, at: u64, len: u64) -> Bytes {
        let (at, len) = self.clip(at, len);
        match &*self.0 {
            Inner::Source(s) => {
                s.touch(at, len);
                s.bytes.slice(at as usize..(at + len) as usize)
            }
            Inner::Derived { under, layer, .. } => match layer.read(under, at, len) {
                Cow::Owned(v) => v.into(),
                Cow::Borrowed(s) => Bytes::copy_from_slice(s),
            },
        }
    }

    /// The bits of a span that lies inside the space.
    pub fn bits(&self, span: Span) -> Bits {
        let bytes = self.bytes(span.first_byte(), span.byte_len());
        let have = (bytes.len() as u64 * 8).saturating_sub(span.start % 8);
        Bits::extract(bytes, span.start % 8, span.len.min(have))
    }

    fn input(&self) -> &Source {
        match &*self.0 {
            Inner::Source(source) => source,
            Inner::Derived { under, .. } => under.input(),
        }
    }

    /// Changes of the input are being brought together by the spaces that they are in: whoever derives one from now on must
    /// give the same space to all who ask.
    pub(crate) fn begin_encoding(&self) {
        self.input().encoded.store(true, Ordering::Relaxed);
    }

    /// Whether a derived space that was given once must be given again; else it may be made anew.
    pub fn is_encoding(&self) -> bool {
        self.input().encoded.load(Ordering::Relaxed)
    }

    /// The bytes of an input, without telling who holds them; or all of a derived space.
    pub(crate) fn to_probe(&self) -> Bytes {
        match &*self.0 {
            Inner::Source(s) => s.bytes.clone(),
            Inner::Derived { .. } => self.bytes(0, self.len()),
        }
    }

    fn clip(&self, at: u64, len: u64) -> (u64, u64) {
        let all = self.len();
        let at = at.min(all);
        (at, len.min(all - at))
    }

    /// The space below, and the layer between, of a derived space.
    pub fn under(&self) -> Option<(&Space, &Arc<dyn Layer>)> {
        match &*self.0 {
            Inner::Source(..) => None,
            Inner::Derived { under, layer, .. } => Some((under, layer)),
        }
    }

    /// Whether the two are the same space (not just equal bytes).
    pub fn same(&self, other: &Space) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where the bits of a span lie in the input.
    pub fn origins(&self, span: Span) -> Vec<Span> {
        match &*self.0 {
            Inner::Source(..) => vec![span],
            Inner::Derived { under, layer, .. } => layer
                .origins(span)
                .into_iter()
                .flat_map(|s| under.origins(s))
                .collect(),
        }
    }

    /// Where else in the input the bits of a span lie: in copies, such as a retransmission, which change with them.
    pub fn copies(&self, span: Span) -> Vec<Span> {
        let Some((under, layer)) = self.under() else {
            return Vec::new();
        };
        let own = layer
            .copies(span)
            .into_iter()
            .flat_map(|s| under.origins(s));
        let below = layer
            .origins(span)
            .into_iter()
            .flat_map(|s| under.copies(s));
        own.chain(below).collect()
    }

    fn has_holes(&self) -> bool {
        matches!(&*self.0, Inner::Derived { holes: true, .. })
    }

    /// The first run that the span touches whose bytes are missing from the input.
    pub fn hole_in(&self, span: Span) -> Option<Span> {
        if !self.has_holes() {
            return None;
        }
        let (under, layer) = self.under()?;
        let below = |origin: &Span| under.hole_in(*origin).is_some();
        layer.hole(span).or_else(|| {
            // what lies below may be of another size: all that is asked for counts as missing
            under.under()?;
            layer.origins(span).iter().any(below).then_some(span)
        })
    }

    /// The byte of the input where a byte of this space comes from.
    pub fn offset(&self, at: u64) -> u64 {
        let origins = self.origins(Span::bytes(at, 1));
        origins.first().map_or(at, |s| s.first_byte())
    }
}

impl From<Bytes> for Space {
    fn from(bytes: Bytes) -> Self {
        Self::source(bytes)
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Space({} bytes)", self.len())
    }
}
