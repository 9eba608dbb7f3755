//! Metadata: the header fields that the application gave.

use super::codecs::{Binary, not_base64, unwrap, wrap};
use super::head::Head;
use crate::header::{Header, Headers};
use crate::hpack::repr::Form;
use crate::hpack::{Block, Field};
use crate::talk::List;
use binq_core::codec::{Codec, Raw};
use binq_core::encode::{Splice, patched};
use binq_core::layer::{Layer, Patching};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Bits, Kind, Malformed, Node, Options, Plain, Ref, Reject, Scalar, Space, Span, inside,
};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// The custom fields of a header block.
pub struct Metadata {
    fields: Vec<Field>,
    base: u64,
}

/// Whether the application gave a field; the others are the protocol's own.
fn is_custom(field: &Field) -> bool {
    let name = field.name.known();
    name.is_some_and(|name| super::head::is_custom(name))
}

impl Metadata {
    /// Add those of a block as an array.
    pub fn add(cx: &mut Cx<'_>, name: &'static str, list: &List) {
        let end = list.fields().last().map_or(0, |f| f.repr.end) as u64;
        let fields: Vec<Field> = list
            .fields()
            .iter()
            .filter(|f| is_custom(f))
            .cloned()
            .collect();
        let first = fields.first().map_or(end, |f| f.repr.at as u64);
        let last = fields.last().map_or(end, |f| f.repr.end as u64);
        let span = Span::bytes(list.base + first, last - first);
        let metadata = Self {
            fields,
            base: list.base,
        };
        let added = cx.node_in(name, &list.space, span, Kind::array(Arc::new(metadata)));
        // of a name that is not known, it is not known either whether it is one of these
        let unknown = |f: &&Field| f.name.known().is_none() && f.repr.form != Form::SizeUpdate;
        if let Some(field) = list.fields().iter().find(unknown) {
            let at = list.base + field.repr.at as u64;
            if let Some(wrong) = Header::of(field.clone()).unresolved(at) {
                added.wrong(wrong);
            }
        }
    }
}

impl Sequence for Metadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let field = self.fields.get(state.memory as usize)?.clone();
        let span = Span::bytes(
            self.base + field.repr.at as u64,
            (field.repr.end - field.repr.at) as u64,
        );
        Some(Step {
            kind: Kind::shared(Arc::new(Entry { field })),
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let headers = Headers {
            block: Arc::new(Block::default()),
            base: 0,
            of: None,
        };
        headers.build(value)
    }
}

struct Entry {
    field: Field,
}

impl Shape for Entry {
    fn name(&self) -> &'static str {
        // a header field from elsewhere can be put here
        "header field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let base = cx.at.span.first_byte() - self.field.repr.at as u64;
        let binary = self
            .field
            .name
            .known()
            .is_some_and(|n| n.ends_with(b"-bin"));
        let header = Header::of(self.field.clone());
        let (span, codec) = header.place(base, false);
        cx.leaf("name", span, codec);
        let (span, codec) = header.place(base, true);
        if binary {
            let codec: Arc<dyn Codec> = Arc::new(Binary(codec));
            let at = span.first_byte();
            let value = cx.leaf("value", span, codec);
            if let Some(text) = self.field.value.known()
                && let Some(wrong) = not_base64(text, at)
            {
                value.wrong(wrong);
            }
        } else {
            cx.leaf("value", span, codec);
        }
        Ok(())
    }
}

/// Add `grpc-status-details-bin`, opened as `google.rpc.Status`.
pub fn details(cx: &mut Cx<'_>, head: &Head, options: &Options) {
    const NAME: &[u8] = b"grpc-status-details-bin";
    let Some((span, codec)) = head.place(NAME) else {
        return;
    };
    let text = head.value(NAME).map(Bytes::copy_from_slice);
    let bytes = text.as_deref().and_then(unwrap);
    let (Some(text), Some(bytes)) = (text, bytes) else {
        cx.node_in("status_details", head.space(), span, Kind::Leaf(codec));
        return;
    };
    let layer = HeaderBytes {
        bytes,
        text,
        span,
        codec,
    };
    let space = Space::derived(head.space().clone(), Arc::new(layer));
    let options = options.with(inside::TYPE, "google.rpc.Status".into());
    match options.inside("protobuf", &space) {
        Some(root) => {
            cx.root("status_details", &root);
        }
        None => {
            let span = space.span();
            let kind = Kind::Leaf(Ref::Static(&Raw::ANY));
            cx.node_in("status_details", &space, span, kind);
        }
    }
}

/// The bytes that a `-bin` header field stands for.
struct HeaderBytes {
    bytes: Bytes,
    text: Bytes,
    span: Span,
    codec: Ref<dyn Codec>,
}

impl Layer for HeaderBytes {
    fn makes(&self) -> Option<&'static str> {
        Some("decoded from a header field")
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read<'a>(&self, _under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        self.bytes[at as usize..(at + len) as usize].to_vec().into()
    }

    fn origins(&self, _span: Span) -> Vec<Span> {
        vec![self.span]
    }

    fn joint(&self) -> bool {
        true
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let own = Space::source(self.bytes.clone());
        let changes = binq_core::encode::agree(&own, changes)?;
        let Some(first) = changes.first() else {
            return Ok(Vec::new());
        };
        let new = patched(&own, own.span(), &changes);
        let text = Scalar::Bytes(wrap(&new, &self.text).into());
        let old: Bits = under.bits(self.span);
        let new = self.codec.encode(&text, &old).map_err(|e| Reject::Misfit {
            path: first.by.to_string(),
            offset: under.offset(self.span.first_byte()),
            expected: e.expected,
            found: e.found,
        })?;
        let splice = Splice {
            span: self.span,
            new,
            ..first.clone()
        };
        Ok(vec![splice])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpack::codec::Literal;
    use crate::hpack::repr::{Spelling, write_text};

    #[test]
    fn a_change_of_the_bytes_is_a_change_of_the_text() {
        let text = Bytes::from_static(b"AAEC");
        let literal_bytes = write_text(&text, Spelling::Short);
        let under = Space::source(literal_bytes);
        let layer = HeaderBytes {
            bytes: unwrap(&text).unwrap(),
            text,
            span: under.span(),
            codec: (&Literal).into(),
        };
        let mut report = Default::default();
        let mut cx = Patching {
            fix: true,
            report: &mut report,
            pins: Vec::new(),
        };
        let change = Splice::new(Span::bytes(1, 1), vec![9, 9], "x");
        let out = layer.patch(&under, vec![change], &mut cx).unwrap();
        let again = Literal.decode(&out[0].new).unwrap();
        assert_eq!(unwrap(again.as_bytes().unwrap()).unwrap()[..], [0, 9, 9, 2]);
    }
}
