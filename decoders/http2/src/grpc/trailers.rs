//! The frame of trailers at the end of a body of gRPC-Web: lines of text, perhaps compressed as messages are.

use super::body::{MESSAGE, PREFIX};
use super::encoding::Encoding;
use super::head::LineHead;
use super::message::Inflated;
use super::web::{Opened, TRAILERS};
use crate::lines::{self, Lines};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::Cx;
use binq_core::{Kind, Malformed, Node, Plain, Reject, Severity, Space, Span};
use std::sync::Arc;

/// The trailers in a frame whose header is at byte `at`, and what is wrong with them.
pub fn read(
    space: &Space,
    (at, len): (u64, u64),
    encoding: Option<&[u8]>,
) -> (Option<LineHead>, Option<Malformed>) {
    let head = space.read(at, PREFIX);
    let (flags, said) = (head[0], &head[1..]);
    let said = said.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let first = at + PREFIX;
    let wrong = |space: &Space, at, expected: String, found: String| {
        Malformed::new(space.offset(at), expected, found).with(Severity::Damage)
    };
    let short = (said > len).then(|| {
        let expected = format!("{said} bytes of trailers");
        wrong(space, first, expected, format!("{len} bytes"))
    });
    let span = Span::bytes(first, len);
    let plain = flags == TRAILERS || flags == TRAILERS | 1 && encoding == Some(b"identity");
    let opened = match plain {
        true => Ok((space.clone(), span)),
        false => inflated(space, span, flags, encoding),
    };
    let (space, span) = match opened {
        Ok(opened) => opened,
        Err((expected, found)) => {
            let at = if flags == TRAILERS | 1 { first } else { at };
            return (None, short.or(Some(wrong(space, at, expected, found))));
        }
    };
    let first = span.first_byte();
    let text = space.read(first, span.byte_len());
    let (found, used, how) = lines::read(&text, first);
    let other = how == lines::End::Wrong || (used as u64) < span.byte_len();
    let other = other.then(|| {
        let found = "text that is none".to_owned();
        wrong(&space, first + used as u64, "a trailer".to_owned(), found)
    });
    let trailers = LineHead {
        space,
        end: found.last().map_or(first, |l| l.end),
        lines: found,
        target: None,
    };
    (Some(trailers), short.or(other))
}

/// What compressed trailers are, or what was expected and found instead.
fn inflated(
    space: &Space,
    span: Span,
    flags: u8,
    encoding: Option<&[u8]>,
) -> Result<(Space, Span), (String, String)> {
    if flags != TRAILERS | 1 {
        let expected = "trailers as text (flags 0x80), or compressed (0x81)";
        return Err((expected.to_owned(), format!("flags {flags:#04x}")));
    }
    let name = String::from_utf8_lossy(encoding.unwrap_or(b"no grpc-encoding"));
    let expected = format!("trailers in {name}");
    let Some(how) = encoding.and_then(Encoding::named) else {
        return Err((expected, "an encoding that is not known".to_owned()));
    };
    let text = how.inflate(&space.read(span.first_byte(), span.byte_len()));
    let layer = Inflated::new(how, span, text.map_err(|found| (expected, found))?);
    let space = Space::derived(space.clone(), Arc::new(layer));
    let span = space.span();
    Ok((space, span))
}

/// Add a list of no trailers to a body that has no frame of them: what is added to it makes one.
pub fn add_missing(cx: &mut Cx<'_>, name: &'static str, opened: &Opened) {
    if let Some(end) = opened.room {
        let kind = Kind::array(Arc::new(Missing));
        cx.node_in(name, &opened.space, Span::bytes(end, 0), kind);
    }
}

struct Missing;

impl Sequence for Missing {
    fn name(&self) -> &'static str {
        "message"
    }

    fn label(&self) -> &'static str {
        // the frame is none of the message before it, as a message would be
        MESSAGE
    }

    fn step(&self, _at: &SeqAt<'_>, _state: &State) -> Option<Step> {
        None
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        lines::spell_out(cx, super::head::codec)?;
        let mut text = Vec::new();
        for item in &cx.items {
            text.extend(cx.bytes(item)?);
        }
        let mut frame = vec![TRAILERS];
        frame.extend((text.len() as u32).to_be_bytes());
        frame.extend(text);
        cx.items.truncate(1);
        if let Some(item) = cx.items.first_mut() {
            item.new = Some(crate::raw(frame));
        }
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        Lines::new(&[], super::head::codec).build(value)
    }
}
