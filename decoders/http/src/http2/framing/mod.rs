//! The layer between a stream and its frames: the same bytes, and what follows from a change of them.
//!
//! All changes of a direction come here together, whatever view they were made in. A `content-length` follows the data that it
//! is of ([`content_length`]). Header blocks are brought in line with the
//! tables first ([`tables`]), then lengths and padding follow, then frames that outgrow what the peer takes are split.

mod content_length;
mod split;
mod tables;

pub use split::split;
pub use tables::settled;

use crate::http2::frame::{HEAD, Head, Parts, kind};
use crate::http2::frames::FRAMES;
use crate::http2::side::{Begin, Look, look};
use binq_core::encode::{Did, Note, Report, Splice, agree, near, patched};
use binq_core::layer::{Following, Patching};
use binq_core::{Reject, Scalar, Space, Span};
use std::collections::{HashMap, HashSet};

/// The frames of one direction.
pub struct Framing {
    /// Where the frames begin.
    pub begin: Begin,
    /// Path of the list of frames, for reports.
    pub path: String,
}

/// A frame and what changed in it.
struct Changed {
    /// Its index, where that matters.
    number: Option<u64>,
    at: u64,
    end: u64,
    head: Option<Head>,
    splices: Vec<Splice>,
}

impl Changed {
    fn span(&self) -> Span {
        Span::bytes(self.at, self.end - self.at)
    }

    /// Whether all of it is replaced or removed.
    fn is_replaced(&self) -> bool {
        self.splices.iter().any(|s| s.span == self.span())
    }

    /// By how many bytes a part of it grows.
    fn growth(&self, from: u64, to: u64) -> i64 {
        let part = Span::bytes(from, to - from);
        let inside = self.splices.iter().filter(|s| part.contains(s.span));
        inside.map(Splice::growth).sum::<i64>() / 8
    }

    /// How many bytes are inserted right before a byte. Where the padding begins, they are those of the body before it.
    fn appended(&self, at: u64) -> i64 {
        self.growth(at, at)
    }
}

impl Following for Framing {
    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let mut changes = agree(under, changes)?;
        if !cx.fix || changes.is_empty() {
            return Ok(changes);
        }
        let stated = content_length::follow(self, under, &mut changes, cx)?;
        changes.extend(stated);
        let mut changes = agree(under, changes)?;
        let respelled = tables::follow(self, under, &changes, cx)?;
        changes.extend(respelled);
        let changes = agree(under, changes)?;
        let (frames, mut out, largest) = self.sort(under, changes);
        // SETTINGS_MAX_FRAME_SIZE is at least 2^14; a longer frame shows that the peer takes such
        let most = largest.max(1 << 14);
        let mut cx = Fix {
            pins: cx.pins.iter().copied().collect(),
            report: cx.report,
        };
        for frame in frames {
            self.frame(under, frame, most, &mut cx, &mut out)?;
        }
        Ok(out)
    }

    fn alone(
        &self,
        under: &Space,
        item: Span,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let Look::Frame(head, end) = look(under, item.first_byte(), self.begin.who) else {
            return Ok(changes);
        };
        // header fields lie in this space, too, and their first bytes are no length
        if item.byte_len() != HEAD + head.length {
            return Ok(changes);
        }
        let frame = Changed {
            number: None,
            at: item.first_byte(),
            end,
            head: Some(head),
            splices: changes,
        };
        let mut cx = Fix {
            pins: cx.pins.iter().copied().collect(),
            report: cx.report,
        };
        let mut out = Vec::new();
        // where it comes to lie it is split, if at all
        self.frame(under, frame, u64::MAX, &mut cx, &mut out)?;
        Ok(out)
    }
}

impl Framing {
    /// The index of each frame, by its first byte.
    fn numbers(&self, under: &Space) -> HashMap<u64, u64> {
        let mut all = HashMap::new();
        let (mut at, mut number) = (self.begin.frames, 0);
        while let Look::Frame(_, end) | Look::Lost(end) = look(under, at, self.begin.who) {
            all.insert(at, number);
            number += 1;
            at = end;
        }
        all
    }

    /// The changes by frame, those that belong to none, and the length of the longest frame.
    fn sort(&self, under: &Space, changes: Vec<Splice>) -> (Vec<Changed>, Vec<Splice>, u64) {
        let mut frames = Vec::new();
        let mut rest = Vec::new();
        let mut changes = changes.into_iter().peekable();
        let mut at = self.begin.frames;
        let mut number = 0;
        let mut largest = 0;
        let before =
            |s: &Splice, bit: u64| s.span.start < bit || s.span.len == 0 && s.span.start == bit;
        loop {
            let (head, end) = match look(under, at, self.begin.who) {
                Look::Frame(head, end) => (Some(head), end),
                Look::Lost(end) => (None, end),
                Look::End => break,
            };
            largest = largest.max(head.map_or(0, |h| h.length.min(end - at - HEAD)));
            while let Some(s) = changes.next_if(|s| {
                s.span.start < at * 8
                    || s.items == Some(FRAMES) && s.span.len == 0 && s.span.start == at * 8
            }) {
                rest.push(s);
            }
            let mut splices = Vec::new();
            while let Some(s) = changes.next_if(|s| {
                before(s, end * 8)
                    && !(s.items == Some(FRAMES) && s.span.len == 0 && s.span.start == end * 8)
            }) {
                splices.push(s);
            }
            if !splices.is_empty() {
                frames.push(Changed {
                    number: Some(number),
                    at,
                    end,
                    head,
                    splices,
                });
            }
            at = end;
            number += 1;
        }
        rest.extend(changes);
        (frames, rest, largest)
    }

    /// Make the lengths of a frame follow.
    fn frame(
        &self,
        under: &Space,
        mut frame: Changed,
        most: u64,
        cx: &mut Fix<'_>,
        out: &mut Vec<Splice>,
    ) -> Result<(), Reject> {
        let whole = frame.is_replaced();
        let (Some(head), false) = (frame.head, whole) else {
            out.extend(frame.splices);
            return Ok(());
        };
        let payload = frame.at + HEAD;
        let parts = Parts::of(under, &head, payload, frame.end);
        let path = match frame.number {
            Some(number) => format!("{}[{number}]", self.path),
            None => self.path.clone(),
        };
        if let (Some(at), true) = (parts.pad_length, parts.fit) {
            let growth = frame.growth(parts.body_end, parts.end) - frame.appended(parts.body_end);
            if growth != 0 && parts.body_end < parts.end {
                let was = under.read(at, 1).first().map_or(0, |n| i64::from(*n));
                let field = Field {
                    span: Span::bytes(at, 1),
                    path: format!("{path}.payload.pad_length"),
                    was,
                    right: was + growth,
                    most: 255,
                };
                derive(under, &mut frame.splices, field, cx)?;
            }
        }
        let growth = frame.growth(payload, frame.end);
        if growth != 0 {
            let right = head.length as i64 + growth;
            let pinned = is_pinned(&frame.splices, Span::bytes(frame.at, 3), cx);
            // how long one is that the stream does not have all of is not known
            let is_whole = payload + head.length == frame.end;
            let splits = is_whole && (head.kind == kind::DATA || head.has_fragment());
            if u64::try_from(right).is_ok_and(|right| right > most) && splits && !pinned {
                let new = patched(under, frame.span(), &frame.splices);
                let new = split(&new, most);
                cx.report.notes.push(Note {
                    path,
                    offset: under.offset(frame.at),
                    did: Did::Other(format!(
                        "split: {right} bytes are more than the {most} that the peer is known to take"
                    )),
                });
                let by = frame.splices[0].by.clone();
                out.push(Splice::new(frame.span(), new, &by));
                return Ok(());
            }
            let field = Field {
                span: Span::bytes(frame.at, 3),
                path: format!("{path}.length"),
                was: head.length as i64,
                right,
                most: (1 << 24) - 1,
            };
            derive(under, &mut frame.splices, field, cx)?;
        }
        out.extend(frame.splices);
        Ok(())
    }
}

/// A length that follows from a change.
struct Field {
    span: Span,
    path: String,
    was: i64,
    right: i64,
    most: i64,
}

/// What the frames are made right with.
struct Fix<'a> {
    /// What was assigned the value that it had.
    pins: HashSet<Span>,
    report: &'a mut Report,
}

fn is_pinned(splices: &[Splice], span: Span, cx: &Fix<'_>) -> bool {
    let assigned = |s: &Splice| s.assigned && s.span.touches(span) && s.span.len > 0;
    cx.pins.contains(&span) || splices.iter().any(assigned)
}

/// Write a length, unless it was assigned.
fn derive(
    under: &Space,
    splices: &mut Vec<Splice>,
    field: Field,
    cx: &mut Fix<'_>,
) -> Result<(), Reject> {
    let Field {
        span,
        path,
        was,
        right,
        most,
    } = field;
    let offset = under.offset(span.first_byte());
    let scalar = |n: i64| Scalar::Int(n.into());
    if is_pinned(splices, span, cx) {
        let is = splices.iter().find(|s| s.span == span);
        let is = is.map_or(was, |s| s.new.uint() as i64);
        if is != right {
            cx.report.notes.push(Note {
                path,
                offset,
                did: Did::LeftWrong {
                    is: scalar(is),
                    right: scalar(right),
                },
            });
        }
        return Ok(());
    }
    if !(0..=most).contains(&right) {
        return Err(Reject::NoRoom {
            path,
            what: format!("what it counts outgrows its {most}"),
            by: (right - most).max(0) as u64,
        });
    }
    let bytes = (right as u32).to_be_bytes();
    let new = bytes[4 - span.byte_len() as usize..].to_vec();
    splices.push(Splice::new(span, new, &path));
    cx.report.notes.push(Note {
        path,
        offset,
        did: Did::Recomputed {
            from: scalar(was),
            to: scalar(right),
        },
    });
    Ok(())
}
