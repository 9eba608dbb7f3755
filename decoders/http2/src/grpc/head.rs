//! The header fields of a message, whether HPACK spells them or lines do.

use super::metadata::Metadata;
use crate::header::Header;
use crate::hpack::Field;
use crate::lines::{Line, Lines, VALUE, Value};
use crate::talk::List;
use binq_core::codec::Codec;
use binq_core::shape::Cx;
use binq_core::{Kind, Name, Ref, Space, Span};
use std::sync::Arc;

/// Header fields that are lines.
#[derive(Clone)]
pub struct LineHead {
    /// The space that they lie in.
    pub space: Space,
    /// The fields.
    pub lines: Vec<Line>,
    /// Where they end.
    pub end: u64,
    /// The target of a request.
    pub target: Option<Line>,
}

/// The header fields of a message.
pub enum Head {
    /// A header block of HTTP/2.
    Block(List),
    /// Lines of HTTP/1.1 or of gRPC-Web.
    Lines(LineHead),
}

impl LineHead {
    /// The first field of that name. What HTTP/2 has as `:path` and `:authority` is the target and `Host` here.
    fn get(&self, name: &[u8]) -> Option<&Line> {
        match name {
            b":path" => self.target.as_ref(),
            b":authority" => self.get(b"host"),
            _ => self.lines.iter().find(|l| l.name == name),
        }
    }
}

impl Head {
    /// The space that they lie in.
    pub fn space(&self) -> &Space {
        match self {
            Self::Block(list) => &list.space,
            Self::Lines(head) => &head.space,
        }
    }

    /// Whether it has fields that are not known.
    pub fn hides(&self) -> bool {
        match self {
            Self::Block(list) => {
                !list.is_complete() || list.fields().iter().any(|f| f.is_unknown())
            }
            Self::Lines(_) => false,
        }
    }

    /// Whether there is a field of that name.
    pub fn has(&self, name: &[u8]) -> bool {
        match self {
            Self::Block(list) => list.get(name).is_some(),
            Self::Lines(head) => head.get(name).is_some(),
        }
    }

    /// How many fields of that name there are.
    pub fn count(&self, name: &[u8]) -> usize {
        match self {
            Self::Block(list) => {
                let same = |f: &&Field| f.name.known().is_some_and(|n| n == name);
                list.fields().iter().filter(same).count()
            }
            Self::Lines(head) => head.lines.iter().filter(|l| l.name == name).count(),
        }
    }

    /// The value of the first field of that name, where it is known.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Block(list) => list.value(name),
            Self::Lines(head) => head.get(name).map(|l| &l.value[..]),
        }
    }

    /// Where that value is written, and how.
    pub fn place(&self, name: &[u8]) -> Option<(Span, Ref<dyn Codec>)> {
        match self {
            Self::Block(list) => {
                let header = Header::of(list.get(name)?.clone());
                Some(header.place(list.base, true))
            }
            Self::Lines(head) => {
                let line = head.get(name)?;
                let codec: Ref<dyn Codec> = match name {
                    b":path" => (&crate::http1::TARGET).into(),
                    _ => (&VALUE).into(),
                };
                Some((line.value_span(), codec))
            }
        }
    }

    /// Add the value of a field under a name.
    pub fn add(&self, cx: &mut Cx<'_>, header: &[u8], name: impl Into<Name>) {
        if let Some((span, codec)) = self.place(header) {
            cx.node_in(name, self.space(), span, Kind::Leaf(codec));
        }
    }

    /// Add the fields that the application gave.
    pub fn metadata(&self, cx: &mut Cx<'_>, name: &'static str) {
        match self {
            Self::Block(list) => Metadata::add(cx, name, list),
            Self::Lines(head) => {
                let custom = head.lines.iter().filter(|l| is_custom(&l.name));
                let custom: Vec<Line> = custom.cloned().collect();
                Lines::add_with(cx, name, &head.space, &custom, head.end, codec);
            }
        }
    }
}

/// Binary values are base64.
pub fn codec(line: &Line) -> Arc<dyn Codec> {
    match line.name.ends_with(b"-bin") {
        true => Arc::new(super::codecs::Binary((&VALUE).into())),
        false => Arc::new(Value),
    }
}

/// The protocols' own fields, beyond those that begin with `grpc-` or `:`.
const OWN: [&[u8]; 16] = [
    b"accept",
    b"accept-encoding",
    b"connection",
    b"content-length",
    b"content-type",
    b"date",
    b"host",
    b"keep-alive",
    b"server",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"user-agent",
    b"via",
    b"x-grpc-web",
    b"x-user-agent",
];

/// Whether the application gave a field of that name.
pub fn is_custom(name: &[u8]) -> bool {
    let own = [&b":"[..], b"grpc-", b"access-control-"];
    !own.iter().any(|o| name.starts_with(o)) && !OWN.contains(&name)
}
