//! The frame of trailers at the end of a body of gRPC-Web: lines of text, perhaps compressed as messages are.

use crate::body::{PREFIX, Prefixed};
use crate::metadata;
use crate::web::{Opened, TRAILERS};
use binq_core::layer::Recode;
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::Cx;
use binq_core::{Kind, Malformed, Node, Plain, Reject, Severity, Space, Span};
use binq_http::coding::Coding;
use binq_http::lines::{self, LineHead, Lines};
use std::sync::Arc;

/// The trailers in a frame, and what is wrong with them, at a byte of the input.
pub fn read(
    space: &Space,
    frame: Prefixed,
    coding: Option<&[u8]>,
) -> (Option<LineHead>, Option<Malformed>) {
    let flags = space.read(frame.at, 1)[0];
    let wrong = |space: &Space, at, expected: String, found: String| {
        Malformed::new(space.offset(at), expected, found).with(Severity::Damage)
    };
    let short = (!frame.is_whole()).then(|| {
        let expected = format!("{} bytes of trailers", frame.said);
        let found = format!("{} bytes", frame.len);
        wrong(space, frame.at + PREFIX, expected, found)
    });
    let span = frame.span();
    let plain = flags == TRAILERS || flags == TRAILERS | 1 && coding == Some(b"identity");
    let opened = match plain {
        true => Ok((space.clone(), span)),
        false => inflated(space, span, flags, coding),
    };
    let (space, span) = match opened {
        Ok(opened) => opened,
        Err((expected, found)) => {
            let at = match flags == TRAILERS | 1 {
                true => span.first_byte(),
                false => frame.at,
            };
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
    coding: Option<&[u8]>,
) -> Result<(Space, Span), (String, String)> {
    if flags != TRAILERS | 1 {
        let expected = "trailers as text (flags 0x80), or compressed (0x81)";
        return Err((expected.to_owned(), format!("flags {flags:#04x}")));
    }
    let name = String::from_utf8_lossy(coding.unwrap_or(b"no grpc-encoding"));
    let expected = format!("trailers in {name}");
    let Some(how) = coding.and_then(Coding::named) else {
        return Err((expected, "an encoding that is not known".to_owned()));
    };
    let space = Recode::shared(space, span, how).map_err(|wrong| (expected, wrong.found))?;
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

    fn step(&self, _at: &SeqAt<'_>, _state: &State) -> Option<Step> {
        None
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        lines::spell_out(cx, Some(metadata::meaning))?;
        let mut text = Vec::new();
        for item in &cx.items {
            text.extend(cx.bytes(item)?);
        }
        let mut frame = vec![TRAILERS];
        frame.extend((text.len() as u32).to_be_bytes());
        frame.extend(text);
        cx.items.truncate(1);
        if let Some(item) = cx.items.first_mut() {
            item.new = Some(Node::of_bytes("grpc", frame));
        }
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        Lines::new(&[], Some(metadata::meaning)).build(value)
    }
}
