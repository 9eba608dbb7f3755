//! PNG for binq: format `png`. Numbers in comments are those of the sections of "Portable Network Graphics (PNG) Specification
//! (Third Edition)", W3C.
#![forbid(unsafe_code)]

mod chunks;

use binq_core::codec::{Int, Padded, Raw};
use binq_core::rule::{Part, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Shape};
use binq_core::{Described, Kind, Malformed, Ref, Span};
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
