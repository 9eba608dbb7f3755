//! `.frames[]`: the walk over the frames of one direction.

use crate::frame::{END_HEADERS, HEAD, Head, Parts, kind};
use crate::hpack::repr::{Form, write_literal};
use crate::payload::{Frame, Lost};
use crate::side::{Look, Side, look};
use binq_core::codec::Raw;
use binq_core::encode::longest_rise;
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::{Kind, Node, Ref, Reject, Space, Span};
use std::sync::Arc;

/// The frames of one direction.
pub struct Frames(pub Arc<Side>);

impl Sequence for Frames {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let start = state.at / 8;
        let (kind, end) = match look(at.space, start) {
            Look::Frame(head, end) => {
                let side = self.0.clone();
                (Kind::shared(Arc::new(Frame { side, head })), end)
            }
            Look::Lost(until) => (Kind::fixed(&Lost), until),
            Look::End => return None,
        };
        Some(Step {
            kind,
            span: Span::bytes(start, end - start),
            next: State::new(end * 8),
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    /// A header block that comes to another place is spelled out: its indices would stand for something else there.
    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        let was: Vec<_> = cx.items.iter().map(|i| i.was.map(|w| w.start)).collect();
        for (item, stays) in cx.items.iter_mut().zip(longest_rise(&was)) {
            let spelled = match (&item.new, item.was) {
                (Some(node), _) => spell_node(node),
                (None, Some(was)) if !stays && item.splices.is_empty() => {
                    self.spell_block(cx.at.space, was)
                }
                _ => None,
            };
            if let Some(bytes) = spelled {
                let space = Space::source(bytes);
                let span = space.span();
                let raw = Kind::Leaf(Ref::Static(&Raw::ANY));
                item.was = None;
                item.new = Some(Node::root_of("http2", raw, space, span));
            }
        }
        cx.in_place()
    }
}

/// A header field that is spelled out: how, its name, and its value.
type Literal = (Form, Vec<u8>, Vec<u8>);

impl Frames {
    /// A frame of this direction with its header block spelled out, where all of that is known.
    fn spell_block(&self, space: &Space, frame: Span) -> Option<Vec<u8>> {
        let read = self.0.block(frame.first_byte())?;
        let fields = read.1.fields.iter();
        let known = fields.filter(|f| f.repr.form != Form::SizeUpdate).map(|f| {
            let entry = f.entry()?;
            Some((
                literal(f.repr.form),
                entry.name.to_vec(),
                entry.value.to_vec(),
            ))
        });
        let whole = read.1.wrong.is_none();
        let frame = space.read(frame.first_byte(), frame.byte_len());
        spell(&frame, known.collect::<Option<Vec<_>>>().filter(|_| whole)?)
    }
}

/// The same of a frame from elsewhere.
fn spell_node(node: &Node) -> Option<Vec<u8>> {
    let payload = node.field("payload")?;
    let headers = payload.field("headers")?;
    let text =
        |header: &Node, name: &str| header.field(name)?.scalar().as_bytes().map(<[u8]>::to_vec);
    let fields = headers.items().filter(|h| h.field("max_size").is_none());
    let known = fields.map(|h| {
        let form = h.field("representation")?.scalar();
        let never = form == Form::NeverIndexed.name().into();
        let form = if never {
            Form::NeverIndexed
        } else {
            Form::WithoutIndexing
        };
        Some((form, text(&h, "name")?, text(&h, "value")?))
    });
    let whole = payload.fault().is_none();
    let fields = known.collect::<Option<Vec<_>>>().filter(|_| whole)?;
    spell(&node.bytes().ok()?, fields)
}

fn literal(form: Form) -> Form {
    match form {
        Form::NeverIndexed => form,
        _ => Form::WithoutIndexing,
    }
}

/// A frame that has all of a header block, with these fields in it.
fn spell(frame: &[u8], fields: Vec<Literal>) -> Option<Vec<u8>> {
    let head = Head::of(frame).filter(|h| h.has(END_HEADERS) && h.kind != kind::CONTINUATION)?;
    let space = Space::source(frame.to_vec());
    let parts = Parts::of(&space, &head, HEAD, space.len());
    if !parts.fit {
        return None;
    }
    let mut out = frame[..parts.body as usize].to_vec();
    for (form, name, value) in fields {
        out.extend(write_literal(form, 0, &name, &value));
    }
    out.extend_from_slice(&frame[parts.body_end as usize..]);
    let length = u32::try_from(out.len() as u64 - HEAD).ok()?;
    out[..3].copy_from_slice(&length.to_be_bytes()[1..]);
    Some(out)
}
