//! PNG for binq: format `png`. Numbers in comments are those of the sections of "Portable Network Graphics (PNG) Specification
//! (Third Edition)", W3C.
#![forbid(unsafe_code)]

mod checks;
mod chunks;

use binq_core::codec::{Int, Padded, Raw};
use binq_core::rule::{Part, Rule};
use binq_core::sequence::{Arrange, Placed, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Described, Kind, Malformed, Ref, Reject, Severity, Span};
use std::sync::Arc;

/// A PNG image.
pub static PNG: Described = Described::of("png", "PNG images", b"\x89PNG\r\n\x1a\n", &Image);

struct Image;

impl Shape for Image {
    fn name(&self) -> &'static str {
        "png"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        // 5.2
        fields.leaf("signature", 8, &Raw::FIXED)?;
        let rest = fields.rest();
        let walk = cx.list("chunks", rest, Ref::Static(&Chunks));
        match walk.memory {
            OVER => cx.nothing_after(walk.at),
            _ => Err(cx.expected(walk.at, "a chunk")),
        }
    }
}

/// 5.6: IEND is the last chunk.
const OVER: u64 = 1;

struct Chunks;

impl Sequence for Chunks {
    fn name(&self) -> &'static str {
        "chunk"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let head = at.space.read(state.at / 8, 8);
        let len = u32::from_be_bytes(*head.first_chunk()?);
        let kind = *head.get(4..)?.first_chunk()?;
        // one that runs past the end is cut there, so that a wrong length can be read, and assigned
        let end = (state.at + (12 + u64::from(len)) * 8).min(at.span.end());
        (state.memory != OVER).then(|| Step {
            kind: Kind::shared(Arc::new(Chunk { kind, len })),
            span: Span::bits(state.at, end - state.at),
            next: State::with(end, u64::from(&kind == b"IEND")),
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        if cx.fix && hides(cx) {
            return Err(Reject::Structure {
                path: cx.path.clone(),
                why:
                    "no chunk can follow IEND, which ends the image; put new ones before it, as in \
                      .chunks |= .[:-1] + [NEW] + .[-1:]"
                        .to_owned(),
            });
        }
        cx.in_place()
    }
}

/// Whether chunks come after one of type IEND now, where none reads them.
fn hides(cx: &Arrange<'_>) -> bool {
    let ends = |item: &Placed| match (&item.new, item.was) {
        (Some(new), _) => new
            .field("type")
            .is_some_and(|kind| kind.scalar().as_str() == Some("IEND")),
        // one whose type is assigned is what it is made
        (None, Some(was)) => {
            let kind = cx.at.space.read(was.start / 8 + 4, 4);
            *kind == *b"IEND" && item.pinned.iter().all(|name| name != "type")
        }
        (None, None) => false,
    };
    match cx.items.as_slice() {
        [] => false,
        _ if cx.first.memory == OVER => true,
        [before @ .., _] => before.iter().any(ends),
    }
}

/// 5.3: the type and the data.
static COVERED: [Part; 1] = [Part::fields("type", "data")];

/// 5.3
struct Chunk {
    kind: [u8; 4],
    len: u32,
}

impl Shape for Chunk {
    fn name(&self) -> &'static str {
        "chunk"
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let start = at.span.start / 8;
        match field {
            "length" => {
                let (expected, severity) = checks::length(&self.kind, self.len.into(), at.space)?;
                let wrong = Malformed::new(start, expected, self.len.to_string());
                Some(wrong.with(severity))
            }
            "type" => {
                let wrong = Malformed::new(start + 4, "no palette in a greyscale image", "PLTE");
                let found = &self.kind == b"PLTE" && checks::is_grey(at.space);
                found.then(|| wrong.with(Severity::Damage))
            }
            _ => None,
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        let (len, crc) = (u64::from(self.len), |parts: &[&[u8]]| {
            crc32fast::hash(parts[0]).into()
        });
        fields
            .leaf("length", 4, &Int::U32BE)?
            .derived(Rule::len_of("data"));
        fields.leaf("type", 4, &Padded)?;
        fields.node("data", len, chunks::kind(&self.kind, len))?;
        fields
            .leaf("crc", 4, &Int::U32BE)?
            .derived(Rule::sum(crc, &COVERED));
        Ok(())
    }
}
