//! PNG for binq: format `png`. Numbers in comments are those of the sections of "Portable Network Graphics (PNG) Specification
//! (Third Edition)", W3C.
#![forbid(unsafe_code)]

mod checks;
mod chunks;
mod pixels;

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
        match walk.memory & LAST {
            // 5.6: there is at least one chunk of pixels
            OVER if walk.memory & SEEN == 0 => {
                Err(cx.expected(walk.at, "a chunk of pixels before IEND"))
            }
            OVER => cx.nothing_after(walk.at),
            // it tells itself that it is cut
            CUT => Ok(()),
            _ => Err(cx.expected(walk.at, "a chunk")),
        }
    }
}

/// 5.6: IEND is the last chunk.
const OVER: u64 = 1;
/// The last chunk runs past the end.
const CUT: u64 = 2;
/// The chunk before has pixels, which go on in the next.
const PIXELS: u64 = 3;
/// What the walk remembers of the chunk before.
const LAST: u64 = 3;
/// That there were pixels.
const SEEN: u64 = 4;

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
        let stated = state.at + (12 + u64::from(len)) * 8;
        let end = stated.min(at.span.end());
        let memory = match &kind {
            _ if end < stated => CUT,
            b"IEND" => OVER,
            b"IDAT" => PIXELS,
            _ => 0,
        };
        let before = state.memory & LAST;
        let begins = memory == PIXELS && before != PIXELS;
        let pixels = if &kind == b"IDAT" { SEEN } else { 0 };
        (before != OVER).then(|| Step {
            kind: Kind::shared(Arc::new(Chunk { kind, len, begins })),
            span: Span::bits(state.at, end - state.at),
            next: State::with(end, memory | pixels | (state.memory & SEEN)),
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
        _ if cx.first.memory & LAST == OVER => true,
        [before @ .., _] => before.iter().any(ends),
    }
}

/// 5.3: the type and the data.
static COVERED: [Part; 1] = [Part::fields("type", "data")];

/// 5.3
struct Chunk {
    kind: [u8; 4],
    len: u32,
    /// Whether the pixels begin in it.
    begins: bool,
}

impl Chunk {
    /// 5.3: a length is at most 2^31 - 1; so long a chunk is not looked for.
    fn is_too_long(&self) -> bool {
        self.len > i32::MAX as u32
    }
}

impl Shape for Chunk {
    fn name(&self) -> &'static str {
        "chunk"
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let start = at.span.start / 8;
        match field {
            "length" if self.is_too_long() => {
                let found = self.len.to_string();
                Some(Malformed::new(
                    start,
                    "a length of at most 2147483647",
                    found,
                ))
            }
            // of one that is cut, that is told
            "length" if at.len() < 12 + u64::from(self.len) => None,
            "length" => {
                let (expected, severity) = checks::length(&self.kind, self.len.into(), at.space)?;
                let wrong = Malformed::new(start, expected, self.len.to_string());
                Some(wrong.with(severity))
            }
            "type" => {
                if let Some(expected) = checks::kind(&self.kind) {
                    let found = self.kind.escape_ascii().to_string();
                    return Some(Malformed::new(start + 4, expected, found));
                }
                let wrong = Malformed::new(start + 4, "no palette in a greyscale image", "PLTE");
                let found = &self.kind == b"PLTE" && checks::is_grey(at.space);
                found.then(|| wrong.with(Severity::Damage))
            }
            "data" if self.begins => pixels::wrong(at.space, start),
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
        if self.is_too_long() {
            fields.gap();
            return Ok(());
        }
        fields.node("data", len, chunks::kind(&self.kind, len))?;
        fields
            .leaf("crc", 4, &Int::U32BE)?
            .derived(Rule::sum(crc, &COVERED));
        Ok(())
    }
}
