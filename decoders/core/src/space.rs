//! Spaces: runs of bytes, read from the input or derived from other spaces.

use crate::layer::Layer;
use crate::{Bits, Reject, Span};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Who holds the bytes of an input, and is told which of them are looked at: it may keep others out of memory meanwhile.
pub trait Holder: Send + Sync {
    /// Bytes that are going to be looked at.
    fn touch(&self, at: u64, len: u64);
}

/// What stands for bytes that the input does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lost {
    /// Nothing: asking for them is an error.
    #[default]
    Refuse,
    /// Zeros, as many as are missing.
    Zeros,
    /// Nothing: what is before and after them is put together.
    Skip,
}

/// Bytes are read in pieces of this size, so that a large input is never held twice.
const PIECE: u64 = 1 << 20;

/// A piece of a span.
pub(crate) enum Piece {
    /// Bytes that are there.
    There(Bytes),
    /// How many bytes are missing.
    Missing(u64),
}

/// More zeros than these are not held in memory; they can be written.
const MOST_ZEROS: u64 = 64 << 20;

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
        /// How many layers are between this and the input.
        depth: u32,
    },
}

struct Source {
    bytes: Bytes,
    holder: Option<Arc<dyn Holder>>,
    /// Whether the input was ever encoded.
    encoded: AtomicBool,
    /// What stands for bytes that are missing.
    lost: AtomicU8,
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
            lost: AtomicU8::new(Lost::Refuse as u8),
        })))
    }

    /// Bytes that `layer` makes from `under`.
    pub fn derived(under: Space, layer: Arc<dyn Layer>) -> Self {
        let holes = layer.has_holes() || under.has_holes();
        let depth = under.depth() + 1;
        Self(Arc::new(Inner::Derived {
            under,
            layer,
            holes,
            depth,
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

    /// Up to `len` bytes from byte `at` on: fewer where the space ends before, or bytes are missing from the input.
    pub fn read(&self, at: u64, len: u64) -> Cow<'_, [u8]> {
        let (at, len) = self.present(at, len);
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
        let (at, len) = self.present(at, len);
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

    /// The bytes of a span, with what stands for those that are missing; `path` names the node in an error.
    ///
    /// # Errors
    /// Bytes that are missing, if nothing stands for them, or more of them than are held in memory.
    pub(crate) fn given(&self, span: Span, path: impl Fn() -> String) -> Result<Bytes, Reject> {
        let (at, len) = self.clip(span.first_byte(), span.byte_len());
        if len == 0 {
            return Ok(Bytes::new());
        }
        let Some(first) = self.hole_in(Span::bytes(at, len)) else {
            return Ok(self.bytes(at, len));
        };
        let lost = self.lost();
        if lost == Lost::Refuse {
            return Err(self.lost_in(span, path()));
        }
        let missing = self.missing(span);
        if lost == Lost::Zeros && missing > MOST_ZEROS {
            return Err(Reject::Structure {
                path: path(),
                why: format!(
                    "{missing} bytes are missing from the input, the first at byte {} of it; as zeros they can be \
                     written (-b), not held in memory",
                    first.first_byte().saturating_sub(at)
                ),
            });
        }
        let mut out = Vec::new();
        for piece in self.pieces(Span::bytes(at, len)) {
            match piece {
                Piece::There(bytes) => out.extend_from_slice(&bytes),
                Piece::Missing(n) if lost == Lost::Zeros => out.resize(out.len() + n as usize, 0),
                Piece::Missing(_) => {}
            }
        }
        Ok(out.into())
    }

    /// An error if bytes of a span are missing, and nothing stands for them.
    ///
    /// # Errors
    /// That.
    pub(crate) fn refuse_lost(
        &self,
        span: Span,
        path: impl FnOnce() -> String,
    ) -> Result<(), Reject> {
        match self.hole_in(span) {
            Some(_) if self.lost() == Lost::Refuse => Err(self.lost_in(span, path())),
            _ => Ok(()),
        }
    }

    fn lost_in(&self, span: Span, path: String) -> Reject {
        let first = self.hole_in(span).map_or(span.start, |hole| hole.start);
        Reject::Lost {
            path,
            at: (first.max(span.start) - span.start) / 8,
            missing: self.missing(span),
            of: span.byte_len(),
        }
    }

    /// How many bytes of a span are missing.
    fn missing(&self, span: Span) -> u64 {
        self.runs(span)
            .map(|(run, there)| if there { 0 } else { run.byte_len() })
            .sum()
    }

    /// The runs of a span that are there, and those that are missing.
    fn runs(&self, span: Span) -> impl Iterator<Item = (Span, bool)> + '_ {
        let mut at = span.start;
        let end = span.end();
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let rest = Span::bits(at, end - at);
            let (until, there) = match self.hole_in(rest) {
                None => (end, true),
                Some(hole) if hole.start > at => (hole.start.min(end), true),
                Some(hole) => (hole.end().min(end), false),
            };
            let run = Span::bits(at, until - at);
            at = until;
            Some((run, there))
        })
    }

    /// The bytes of a span in pieces of a bounded size, and how many are missing between them.
    pub(crate) fn pieces(&self, span: Span) -> impl Iterator<Item = Piece> + '_ {
        self.runs(span).flat_map(move |(run, there)| {
            let end = run.end_byte();
            let mut at = run.first_byte();
            std::iter::from_fn(move || {
                let len = PIECE.min(end.checked_sub(at).filter(|n| *n > 0)?);
                at += len;
                Some(match there {
                    true => Piece::There(self.bytes(at - len, len)),
                    false => Piece::Missing(len),
                })
            })
        })
    }

    /// What stands for bytes that are missing from the input.
    pub fn lost(&self) -> Lost {
        match self.input().lost.load(Ordering::Relaxed) {
            x if x == Lost::Zeros as u8 => Lost::Zeros,
            x if x == Lost::Skip as u8 => Lost::Skip,
            _ => Lost::Refuse,
        }
    }

    /// Say what stands for bytes that are missing from the input, in all spaces that are derived from it.
    pub fn stand_in(&self, lost: Lost) {
        self.input().lost.store(lost as u8, Ordering::Relaxed);
    }

    /// How many bytes a span gives, with what stands for those that are missing.
    pub(crate) fn given_len(&self, span: Span) -> u64 {
        match self.lost() {
            Lost::Skip => span.byte_len() - self.missing(span),
            _ => span.byte_len(),
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

    /// As [`Self::clip`], and up to the first byte that is missing.
    fn present(&self, at: u64, len: u64) -> (u64, u64) {
        let (at, len) = self.clip(at, len);
        match self.hole_in(Span::bytes(at, len)) {
            None => (at, len),
            Some(hole) => (at, hole.first_byte().saturating_sub(at)),
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

    /// How many layers are between this space and the input.
    pub(crate) fn depth(&self) -> u32 {
        match &*self.0 {
            Inner::Source(..) => 0,
            Inner::Derived { depth, .. } => *depth,
        }
    }

    /// Whether there are layers between this space and that one, which is below it.
    pub(crate) fn is_above(&self, below: &Space) -> bool {
        let mut space = self;
        while space.depth() > below.depth() {
            match space.under() {
                Some((under, _)) => space = under,
                None => return false,
            }
        }
        space.same(below) && !self.same(below)
    }

    /// A number that no other space has as long as this one is there.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Bytes of the input below.
    pub(crate) fn of_input(&self, span: Span) -> Bytes {
        match &*self.0 {
            Inner::Source(..) => self.bytes(span.first_byte(), span.byte_len()),
            Inner::Derived { under, .. } => under.of_input(span),
        }
    }

    /// What the first layer on the way down says that it does to bytes.
    pub(crate) fn made_by(&self) -> &'static str {
        let mut space = self;
        while let Some((under, layer)) = space.under() {
            if let Some(name) = layer.makes() {
                return name;
            }
            space = under;
        }
        "edited"
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
        let own = layer.hole(span);
        // what lies below counts up to there
        let end = own.map_or(span.end(), |own| own.start);
        if !under.has_holes() || end <= span.start {
            return own;
        }
        let before = Span::bits(span.start, end - span.start);
        let origins = layer.origins(before);
        let below = if origins.iter().map(|o| o.len).sum::<u64>() == before.len {
            // byte for byte from below: the hole lies where it lies there
            let mut start = before.start;
            origins.iter().find_map(|origin| {
                let hole = under.hole_in(*origin);
                let at = start;
                start += origin.len;
                let hole = hole?;
                let from = hole.start.max(origin.start) - origin.start;
                let len = hole.end().min(origin.end()) - origin.start - from;
                Some(Span::bits(at + from, len))
            })
        } else {
            // what lies below is of another size: all that is asked for counts as missing
            let missing = origins.iter().any(|o| under.hole_in(*o).is_some());
            missing.then_some(before)
        };
        below.or(own)
    }

    /// The byte of the input where a byte of this space comes from. Of one that is missing, or behind the end: the byte after the
    /// one before it.
    pub fn offset(&self, at: u64) -> u64 {
        if self.under().is_none() {
            return at;
        }
        let of = |at| Some(self.origins(Span::bytes(at, 1)).first()?.first_byte());
        if let Some(origin) = of(at) {
            return origin;
        }
        let missing = self.hole_in(Span::bytes(at, 1));
        let mut end = at.min(self.len());
        // runs that are missing may follow each other
        while let Some(hole) = end
            .checked_sub(1)
            .and_then(|last| self.hole_in(Span::bytes(last, 1)))
        {
            end = hole.first_byte().min(end - 1);
        }
        let before = end.checked_sub(1).and_then(of);
        let after = || missing.and_then(|hole| of(hole.end_byte()));
        let all = || Some(self.origins(self.span()).first()?.first_byte());
        let near = before.map(|byte| byte + 1).or_else(after);
        near.or_else(all).unwrap_or(0)
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
