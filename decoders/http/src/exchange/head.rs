//! The header fields of a message, whether HPACK spells them or lines do.

use binq_core::codec::Codec;
use binq_core::shape::Cx;
use binq_core::{Kind, Malformed, Name, Ref, Space, Span};

/// What a format above HTTP makes of the value of a header field: from its name, its text where that is known, how it is read,
/// and where it begins. It gives how it is read instead, and what is wrong with it; nothing for a field that is no more than text.
pub type Meaning =
    fn(&[u8], Option<&[u8]>, Ref<dyn Codec>, u64) -> Option<(Ref<dyn Codec>, Option<Malformed>)>;

/// The header fields of a message. HTTP/1.1 has its target as `:path` and `Host` as `:authority`, too.
pub trait Head {
    /// The space that they lie in.
    fn space(&self) -> &Space;

    /// First byte of them there.
    fn first(&self) -> u64;

    /// Whether all of them are there.
    fn is_complete(&self) -> bool {
        true
    }

    /// Whether some that are there are not known, as they refer to what is not there.
    fn has_unknown(&self) -> bool {
        false
    }

    /// What is missing of them, at a byte of the input.
    fn cut(&self) -> Option<Malformed> {
        None
    }

    /// How many fields of that name there are.
    fn count(&self, name: &[u8]) -> usize;

    /// The value of the first field of that name, where it is known.
    fn value(&self, name: &[u8]) -> Option<&[u8]>;

    /// Where the value of the first field of that name is written, and how.
    fn place(&self, name: &[u8]) -> Option<(Span, Ref<dyn Codec>)>;

    /// Add those fields whose names are wanted as an array of `{name, value}`.
    fn add_list(
        &self,
        cx: &mut Cx<'_>,
        name: &'static str,
        wanted: fn(&[u8]) -> bool,
        means: Meaning,
    );

    /// Whether it may have fields that are not known.
    fn hides(&self) -> bool {
        !self.is_complete() || self.has_unknown()
    }

    /// Whether there is a field of that name.
    fn has(&self, name: &[u8]) -> bool {
        self.place(name).is_some()
    }
}

impl dyn Head + '_ {
    /// Add the value of a field under a name.
    pub fn add(&self, cx: &mut Cx<'_>, header: &[u8], name: impl Into<Name>) {
        if let Some((span, codec)) = self.place(header) {
            cx.node_in(name, self.space(), span, Kind::Leaf(codec));
        }
    }
}
