//! `content-length` follows from the DATA frames of its stream (RFC 9113, section 8.1.1).

use super::{Framing, near};
use crate::exchange::Who;
use crate::http2::frame::{HEAD, Parts, kind};
use crate::http2::frames::FRAMES;
use crate::http2::header::Header;
use crate::http2::hpack::read_block;
use crate::http2::hpack::repr::{Spelling, write_text};
use crate::http2::side::{Look, Side, look};
use binq_core::encode::{Did, Note, Splice};
use binq_core::layer::{Gather, Layer, Patching};
use binq_core::{Bits, Reject, Scalar, Space, Span};
use std::collections::{HashMap, HashSet};

/// The bytes of data of a stream.
#[derive(Default)]
struct Body {
    before: i64,
    growth: i64,
}

/// What the headers of a stream say of its body.
struct Stated {
    stream: u32,
    /// Path of the value.
    path: String,
    was: String,
    header: Header,
    /// The header block, and its bytes in the frames.
    block: Space,
    gather: Gather,
}

impl Stated {
    /// Write another number where a change inserts the field anew, as it was: it has moved. Whether there is such a change.
    fn moved(&self, changes: &mut [Splice], right: &str) -> bool {
        let fragments = self.gather.origins(self.block.span());
        let is_here = |c: &Splice| {
            let inside = |f: &Span| f.contains(c.span);
            c.span.len == 0 && c.items != Some(FRAMES) && fragments.iter().any(inside)
        };
        let mut found = false;
        for change in changes.iter_mut().filter(|c| is_here(c)) {
            let bytes = change.new.bytes().clone();
            let block = read_block(&bytes, &mut Default::default(), &mut Default::default());
            let [field] = &block.fields[..] else { continue };
            let is_it = field.name.known().is_some_and(|n| n == "content-length")
                && field.value.known().is_some_and(|v| v == &self.was);
            if let (true, Some(value)) = (is_it, field.repr.value) {
                let text = write_text(right.as_bytes(), Spelling::Short);
                change.new = Bits::from_bytes([&bytes[..value.at], &text[..]].concat());
                found = true;
            }
        }
        found
    }
}

/// The values that follow from changes of bodies. One that was not right before stays as it is. One whose field moves is written
/// into the change that moves it.
pub fn follow(
    framing: &Framing,
    under: &Space,
    changes: &mut [Splice],
    cx: &mut Patching<'_>,
) -> Result<Vec<Splice>, Reject> {
    let bodies = bodies(framing, under, changes);
    let mut out = Vec::new();
    if bodies.values().all(|b| b.growth == 0) {
        return Ok(out);
    }
    let pins: HashSet<Span> = cx.pins.iter().copied().collect();
    for stated in stated(framing, under, &bodies) {
        let body = &bodies[&stated.stream];
        if stated.was.parse() != Ok(body.before) {
            continue;
        }
        let right = (body.before + body.growth).to_string();
        let (span, codec) = stated.header.place(0, true);
        let places = stated.gather.origins(span);
        let offset = under.offset(places.first().map_or(0, |s| s.first_byte()));
        let [from, to] = [&stated.was, &right].map(|text| Scalar::from(text.as_str()));
        let touched = |place: &Span| {
            let mut near = near(changes, *place);
            near.any(|c| c.span.len > 0 && c.span.touches(*place))
        };
        // of a value that an index tells, the first bit is kept
        let first = |s: &Span| Span::bits(s.start, 1);
        let pinned = places
            .iter()
            .any(|s| pins.contains(s) || pins.contains(&first(s)));
        if pinned || places.iter().any(touched) {
            // an assigned one, or one that goes with its frame, is as it was made
            let moves = !pinned && stated.moved(changes, &right);
            if moves {
                cx.report.notes.push(Note {
                    path: stated.path.clone(),
                    offset,
                    did: Did::Recomputed {
                        from: from.clone(),
                        to: to.clone(),
                    },
                });
            }
            if pinned {
                cx.report.notes.push(Note {
                    path: stated.path,
                    offset,
                    did: Did::LeftWrong {
                        is: from,
                        right: to,
                    },
                });
            }
            continue;
        }
        let new = codec.encode(&to, &stated.block.bits(span));
        let new = new.map_err(|misfit| Reject::Structure {
            path: stated.path.clone(),
            why: format!("takes {}, not {}", misfit.expected, misfit.found),
        })?;
        let mut splice = Splice::new(span, Vec::new(), &stated.path);
        splice.new = new;
        out.extend(stated.gather.scatter(vec![splice])?);
        cx.report.notes.push(Note {
            path: stated.path,
            offset,
            did: Did::Recomputed { from, to },
        });
    }
    Ok(out)
}

/// The data of each stream. The changes are in order, as the frames are.
fn bodies(framing: &Framing, under: &Space, changes: &[Splice]) -> HashMap<u32, Body> {
    let mut all: HashMap<u32, Body> = HashMap::new();
    let mut first = 0;
    // frames that are new, and what whole frames are replaced by
    let mut new: Vec<&Splice> = changes
        .iter()
        .filter(|c| c.items == Some(FRAMES) && c.span.len == 0)
        .collect();
    data(
        under,
        framing.begin.who,
        framing.begin.frames,
        |stream, at, parts| {
            let body = all.entry(stream).or_default();
            let len = (parts.body_end - parts.body) as i64;
            body.before += len;
            let frame = Span::bytes(at, parts.end - at);
            let inside = Span::bytes(parts.body, parts.body_end - parts.body);
            while changes
                .get(first)
                .is_some_and(|c| c.span.end() < frame.start)
            {
                first += 1;
            }
            let near = changes[first..].iter();
            for change in near.take_while(|c| c.span.start <= frame.end()) {
                if change.span.len > 0 && change.span.contains(frame) {
                    body.growth -= len;
                    if new.last().is_none_or(|last| last.span != change.span) {
                        new.push(change);
                    }
                } else if inside.contains(change.span) && change.items != Some(FRAMES) {
                    body.growth += change.growth() / 8;
                }
            }
        },
    );
    for change in new {
        let frames = Space::source(change.new.bytes().clone());
        data(&frames, None, 0, |stream, _, parts| {
            let body = all.entry(stream).or_default();
            body.growth += (parts.body_end - parts.body) as i64;
        });
    }
    all
}

/// The DATA frames from a byte on: stream, first byte, and parts of each.
fn data(space: &Space, who: Option<Who>, mut at: u64, mut visit: impl FnMut(u32, u64, Parts)) {
    loop {
        match look(space, at, who) {
            Look::Frame(head, end) => {
                if head.kind == kind::DATA && at + HEAD <= end {
                    let parts = Parts::of(space, &head, at + HEAD, end);
                    visit(head.stream, at, parts);
                }
                at = end;
            }
            Look::Lost(end) => at = end,
            Look::End => return,
        }
    }
}

/// What the header blocks of the streams that change say.
fn stated(framing: &Framing, under: &Space, bodies: &HashMap<u32, Body>) -> Vec<Stated> {
    let side = Side::new(under.clone(), framing.begin);
    let mut out: Vec<Stated> = Vec::new();
    let mut walk = side.walk(framing.begin.frames);
    let mut frames = Vec::new();
    for (at, head, _) in walk.by_ref() {
        let changes = bodies.get(&head.stream).is_some_and(|b| b.growth != 0);
        if changes && head.kind == kind::HEADERS {
            frames.push((at, head.stream));
        }
    }
    let (mut streams, numbers) = (HashSet::new(), framing.numbers(under));
    for (at, stream) in frames {
        let Some(read) = walk.block(at) else {
            continue;
        };
        let (info, block) = &*read;
        let fields = block.fields.iter().enumerate();
        let named = |name: Option<&[u8]>| name == Some(b"content-length");
        let found = fields
            .into_iter()
            .find(|(_, f)| named(f.name.known().map(|n| &**n)));
        let Some((i, field)) = found else {
            continue;
        };
        let was = field
            .value
            .known()
            .and_then(|v| std::str::from_utf8(v).ok());
        if let Some(was) = was
            && streams.insert(stream)
        {
            let header = Header::of(field.clone());
            out.push(Stated {
                stream,
                path: format!(
                    "{}[{}].payload.headers[{i}].value",
                    framing.path, numbers[&at]
                ),
                was: was.to_owned(),
                header,
                block: Space::source(info.bytes(under)),
                gather: info.gather(),
            });
        }
    }
    out
}
