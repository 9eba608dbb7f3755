//! gRPC-Web, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>: what a body holds, messages and then a frame of
//! trailers, as bytes or as base64.

use crate::body::{self, PREFIX, Prefixed};
use crate::codecs::{base64, digit};
use crate::trailers;
use binq_core::encode::{Did, Note, Splice, agree, patched};
use binq_core::layer::{Following, Identity, Layer, Patching};
use binq_core::{Malformed, Reject, Severity, Space, Span};
use binq_http::exchange::LOST;
use binq_http::lines::LineHead;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// The bit of a frame's first byte that says that it holds trailers.
pub const TRAILERS: u8 = 0x80;

/// How a body of gRPC-Web is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Web {
    /// As bytes.
    Binary,
    /// As base64: runs of it, each with its padding.
    Text,
}

impl Web {
    /// By the content type.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let kind = content_type.to_ascii_lowercase();
        let rest = kind.strip_prefix(b"application/grpc-web")?;
        match rest.strip_prefix(b"-text") {
            Some(rest) => ends(rest).then_some(Self::Text),
            None => ends(rest).then_some(Self::Binary),
        }
    }
}

/// Whether a content type is one of gRPC (PROTOCOL-HTTP2.md, Content-Type), or of gRPC-Web. Names of media types are the same in
/// upper and lower case (RFC 9110 section 8.3.1).
pub fn is_grpc(content_type: &[u8]) -> bool {
    let kind = content_type.to_ascii_lowercase();
    kind.strip_prefix(b"application/grpc").is_some_and(ends) || Web::of(&kind).is_some()
}

/// Whether a content type ends here, but for its format (`+proto`) and parameters.
fn ends(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// A body, open for messages.
pub struct Opened {
    /// The space of the messages.
    pub space: Space,
    /// Where they are.
    pub messages: Span,
    /// The trailers that come after them, of gRPC-Web.
    pub trailers: Option<LineHead>,
    /// Where a frame of trailers could come, of gRPC-Web: after the last message, if there is none.
    pub room: Option<u64>,
    /// The runs that are missing, and may be shorter than they seem.
    pub breaks: Arc<[Span]>,
    /// What is wrong with the body, at a byte of the input.
    pub fault: Option<Malformed>,
}

impl Opened {
    /// A body that has no messages, and why.
    pub fn nothing(body: &Space, why: Malformed) -> Self {
        Self {
            space: body.clone(),
            messages: Span::bits(0, 0),
            trailers: None,
            room: None,
            breaks: [].into(),
            fault: Some(why),
        }
    }

    /// What is wrong where the body ends within the bytes before a message. `open`: whether it may go on.
    pub fn rest(&self, open: bool) -> Option<Malformed> {
        let all = self.messages.end_byte();
        let read = |at, len: u64| self.space.read(at, len.min(all - at)).into_owned();
        let last = body::messages(read, all, &self.breaks).last();
        let end = last.map_or(0, |message| message.end());
        let left = all - end;
        let lost = self.space.hole_in(Span::bytes(end, left)).is_some();
        let severity = if open {
            Severity::Odd
        } else {
            Severity::Damage
        };
        let found = format!("{left} bytes");
        let wrong = Malformed::new(self.space.offset(end), "5 bytes before a message", found);
        (left > 0 && !lost).then(|| wrong.with(severity))
    }
}

impl Web {
    /// Open a body, of which compressed parts are in that coding.
    pub fn open(self, body: &Space, coding: Option<&[u8]>) -> Opened {
        let (plain, text) = match self {
            Self::Binary => (body.clone(), None),
            Self::Text => {
                let text = Text::read(&body.read(0, body.len()));
                (Space::source(text.bytes.clone()), Some(text))
            }
        };
        let found = Found::of(&plain, body::messages(reader(&plain), plain.len(), &[]));
        let mut fault = text.as_ref().and_then(|text| text.rest(body));
        let trailers = found.trailers.map(|frame| frame.at);
        let space = match text {
            None => Identity::space(body, Binary { trailers }),
            Some(text) => Space::derived(body.clone(), Arc::new(Text { trailers, ..text })),
        };
        let mut lines = None;
        if let Some(frame) = found.trailers {
            let (head, wrong) = trailers::read(&space, frame, coding);
            lines = head;
            // a frame of trailers is the last one
            let more = space.len() - frame.end();
            let rest = (more > 0).then(|| {
                let at = space.offset(frame.end());
                let found = format!("{more} more bytes");
                Malformed::new(at, "the end of the body after its trailers", found)
            });
            let rest = rest.map(|rest| rest.with(Severity::Damage));
            fault = fault.or(wrong).or(rest);
        }
        let end = trailers.unwrap_or(space.len());
        Opened {
            messages: Span::bytes(0, end),
            room: (fault.is_none() && found.whole > 0 && found.whole == space.len())
                .then_some(found.whole),
            space,
            trailers: lines,
            breaks: [].into(),
            fault,
        }
    }
}

fn reader(space: &Space) -> impl Fn(u64, u64) -> Vec<u8> {
    let space = space.clone();
    move |at, len| space.read(at, len).into_owned()
}

/// What a body of gRPC-Web holds.
#[derive(Default)]
struct Found {
    /// First byte after the last whole message.
    whole: u64,
    trailers: Option<Prefixed>,
}

impl Found {
    fn of(space: &Space, messages: impl Iterator<Item = Prefixed>) -> Self {
        let mut out = Self::default();
        for message in messages {
            if space.hole_in(Span::bytes(message.at, PREFIX)).is_some() {
                continue;
            }
            if space.read(message.at, 1)[0] & TRAILERS != 0 {
                out.trailers = Some(message);
                break;
            }
            if message.is_whole() {
                out.whole = message.end();
            }
        }
        out
    }
}

/// The length of the frame of trailers at a byte, if what follows it changes its size. The frame is no node: what stands before its
/// text follows from that here. `offset` tells where in the input a byte is.
fn trailers_length(
    own: &Space,
    at: Option<u64>,
    changes: &[Splice],
    cx: &mut Patching<'_>,
    offset: impl Fn(u64) -> u64,
) -> Option<Splice> {
    let at = at?;
    let text = (at + PREFIX) * 8;
    let mut inside = changes.iter().filter(|c| c.span.start >= text).peekable();
    let by = inside.peek()?.by.clone();
    let growth = inside.map(Splice::growth).sum::<i64>() / 8;
    let said = own.read(at + 1, 4);
    let was = <[u8; 4]>::try_from(&*said).map_or(0, u32::from_be_bytes);
    let right = u32::try_from(i64::from(was) + growth).ok()?;
    if right == was {
        return None;
    }
    let did = match cx.fix {
        true => Did::Other(format!("the length of the trailers {was} became {right}")),
        false => Did::LeftWrong {
            is: u64::from(was).into(),
            right: u64::from(right).into(),
        },
    };
    cx.report.notes.push(Note {
        path: by.to_string(),
        offset: offset(at + 1),
        did,
    });
    let new = Splice::new(Span::bytes(at + 1, 4), right.to_be_bytes().to_vec(), &by);
    cx.fix.then_some(new)
}

/// A binary body: the same bytes, of which the length of the trailers follows what is in it.
struct Binary {
    /// First byte of the frame of trailers.
    trailers: Option<u64>,
}

impl Following for Binary {
    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let mut changes = agree(under, changes)?;
        let length = trailers_length(under, self.trailers, &changes, cx, |at| under.offset(at));
        changes.extend(length);
        for change in &mut changes {
            change.items = None;
        }
        Ok(changes)
    }
}

/// A run of base64 that ends with its padding, or with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// First character and number of them.
    text: (u64, u64),
    /// First byte and number of them.
    bytes: (u64, u64),
}

impl Run {
    fn end(&self) -> u64 {
        self.bytes.0 + self.bytes.1
    }

    fn text_end(&self) -> u64 {
        self.text.0 + self.text.1
    }

    /// The bytes and the characters of the groups from `first` to `last`.
    fn groups(&self, first: u64, last: u64) -> (Span, Span) {
        let cut = |(at, len): (u64, u64), size: u64| {
            let end = ((last + 1) * size).min(len);
            Span::bytes(at + first * size, end - first * size)
        };
        (cut(self.bytes, 3), cut(self.text, 4))
    }
}

/// A body in base64.
struct Text {
    runs: Vec<Run>,
    bytes: Bytes,
    /// How many characters it has been read from.
    len: u64,
    /// First byte of the frame of trailers.
    trailers: Option<u64>,
}

impl Text {
    /// Read as many characters as are base64.
    fn read(text: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
        let mut runs: Vec<Run> = Vec::new();
        let (mut from, mut from_byte, mut at) = (0, 0, 0);
        let mut close = |from: &mut usize, from_byte: &mut usize, at: usize, end: usize| {
            if at > *from {
                runs.push(Run {
                    text: (*from as u64, (at - *from) as u64),
                    bytes: (*from_byte as u64, (end - *from_byte) as u64),
                });
            }
            (*from, *from_byte) = (at, end);
        };
        for four in text.chunks(4) {
            let digits = four.iter().take_while(|b| **b != b'=').count();
            let padded = four[digits..].iter().all(|b| *b == b'=');
            let whole = four.len() == 4 || digits == four.len();
            let n = four[..digits]
                .iter()
                .try_fold(0u32, |n, b| Some(n << 6 | u32::from(digit(*b)?)));
            let (Some(n), true, true, 2..) = (n, padded, whole, digits) else {
                break;
            };
            let n = n << (6 * (4 - digits));
            bytes.extend_from_slice(&n.to_be_bytes()[1..digits]);
            at += four.len();
            if digits < 4 {
                close(&mut from, &mut from_byte, at, bytes.len());
            }
        }
        close(&mut from, &mut from_byte, at, bytes.len());
        Self {
            runs,
            bytes: bytes.into(),
            len: at as u64,
            trailers: None,
        }
    }

    /// What is wrong with the characters after those that were read, if there are any.
    fn rest(&self, body: &Space) -> Option<Malformed> {
        let rest = Span::bytes(self.len, body.len() - self.len);
        if rest.len == 0 {
            return None;
        }
        if let Some(hole) = body.hole_in(rest) {
            let at = hole.first_byte().max(self.len);
            return Some(Malformed::lost(body.offset(at), "base64", LOST));
        }
        let found = format!("byte {:#04x}", body.read(self.len, 1)[0]);
        let wrong = Malformed::new(body.offset(self.len), "base64", found);
        Some(wrong.with(Severity::Damage))
    }

    /// The run of a byte; of the last one for those after it.
    fn run(&self, at: u64) -> usize {
        let i = self.runs.partition_point(|r| r.end() <= at);
        i.min(self.runs.len().saturating_sub(1))
    }

    /// The first and last byte that a change is about: what is inserted belongs to what comes before it.
    fn reach(span: Span) -> (u64, u64) {
        match span.len {
            0 => {
                let at = span.first_byte().saturating_sub(1);
                (at, at)
            }
            _ => (span.first_byte(), span.end_byte() - 1),
        }
    }

    /// Spell the changes of runs `first ..= last` anew.
    fn respell(
        &self,
        own: &Space,
        (first, last): (usize, usize),
        changes: &[Splice],
    ) -> Vec<Splice> {
        let splice = |bytes: Span, text: Span, padded: bool| Splice {
            assigned: changes[0].assigned,
            ..Splice::new(
                text,
                base64(&patched(own, bytes, changes), padded),
                &changes[0].by,
            )
        };
        let group = |run: &Run, at: u64| at.saturating_sub(run.bytes.0) / 3;
        let is_padded = |run: &Run| run.text.1.is_multiple_of(4);
        let run = &self.runs[first];
        let resized = changes.iter().any(|c| c.growth() != 0);
        if first == last && !resized {
            // groups that stay where they are
            let mut out: Vec<(u64, u64)> = Vec::new();
            for change in changes {
                let (from, to) = Self::reach(change.span);
                let (from, to) = (group(run, from), group(run, to));
                match out.last_mut() {
                    Some(before) if from <= before.1 => before.1 = before.1.max(to),
                    _ => out.push((from, to)),
                }
            }
            let spans = out.into_iter().map(|(from, to)| run.groups(from, to));
            return spans
                .map(|(bytes, text)| splice(bytes, text, is_padded(run)))
                .collect();
        }
        let from = group(run, Self::reach(changes[0].span).0);
        let end = &self.runs[last];
        let bytes = run.bytes.0 + from * 3;
        let text = run.text.0 + from * 4;
        vec![splice(
            Span::bytes(bytes, end.end() - bytes),
            Span::bytes(text, end.text_end() - text),
            is_padded(end),
        )]
    }
}

impl Layer for Text {
    fn makes(&self) -> Option<&'static str> {
        Some("decoded from base64")
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read<'a>(&self, _under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        self.bytes[at as usize..(at + len) as usize].to_vec().into()
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        if self.runs.is_empty() {
            return vec![Span::bytes(0, 0)];
        }
        let (from, to) = Self::reach(span);
        let touched = &self.runs[self.run(from)..=self.run(to)];
        let texts = touched.iter().map(|run| {
            let from = from.max(run.bytes.0) - run.bytes.0;
            let to = to.min(run.end() - 1) - run.bytes.0;
            run.groups(from / 3, to / 3).1
        });
        texts.collect()
    }

    fn joint(&self) -> bool {
        true
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let own = Space::source(self.bytes.clone());
        let mut changes = agree(&own, changes)?;
        let offset = |at: u64| {
            let text = self.origins(Span::bytes(at, 1));
            under.offset(text.first().map_or(0, |s| s.first_byte()))
        };
        let length = trailers_length(&own, self.trailers, &changes, cx, offset);
        changes.extend(length);
        let changes = agree(&own, changes)?;
        let Some(first) = changes.first() else {
            return Ok(Vec::new());
        };
        if self.runs.is_empty() {
            let new = base64(&patched(&own, own.span(), &changes), true);
            return Ok(vec![Splice::new(Span::bytes(0, 0), new, &first.by)]);
        }
        // changes that share a run are spelled together
        let mut out = Vec::new();
        let mut rest = &changes[..];
        while let Some(first) = rest.first() {
            let (from, to) = Self::reach(first.span);
            let mut runs = (self.run(from), self.run(to));
            let mut n = 1;
            while let Some(next) = rest.get(n) {
                let (from, to) = Self::reach(next.span);
                if self.run(from) > runs.1 {
                    break;
                }
                runs.1 = runs.1.max(self.run(to));
                n += 1;
            }
            out.extend(self.respell(&own, runs, &rest[..n]));
            rest = &rest[n..];
        }
        out.retain(|s| under.bits(s.span) != s.new);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &[u8]) -> Vec<u8> {
        let read = Text::read(text);
        assert_eq!(read.len, text.len() as u64);
        read.bytes.to_vec()
    }

    #[test]
    fn content_types() {
        let web = |s: &str| Web::of(s.as_bytes());
        assert_eq!(web("application/grpc-web"), Some(Web::Binary));
        assert_eq!(web("application/grpc-web+proto"), Some(Web::Binary));
        assert_eq!(web("application/grpc-web-text"), Some(Web::Text));
        assert_eq!(web("application/grpc-web-text+proto; a=b"), Some(Web::Text));
        assert_eq!(web("application/grpc"), None);
        assert_eq!(web("application/grpc-website"), None);
    }

    #[test]
    fn runs_end_with_their_padding() {
        let text = Text::read(b"AAAAAWE=Yg==Y2Rl");
        assert_eq!(&text.bytes[..], b"\0\0\0\x01abcde");
        assert_eq!(
            text.runs,
            [
                Run {
                    text: (0, 8),
                    bytes: (0, 5)
                },
                Run {
                    text: (8, 4),
                    bytes: (5, 1)
                },
                Run {
                    text: (12, 4),
                    bytes: (6, 3)
                },
            ]
        );
        assert_eq!(decoded(b"YWI"), b"ab");
        assert_eq!(Text::read(b"YWJjY*==").len, 4);
        assert_eq!(Text::read(b"YWJjY").len, 4);
        assert_eq!(Text::read(b"YWJjYg=").len, 4);
        assert_eq!(Text::read(b"Y===").len, 0);
    }

    #[test]
    fn an_edit_that_keeps_its_size_changes_only_its_group() {
        // the last group of the first run has bits that mean nothing, and they stay
        let text = b"YWJjZGVmZ2h=aWpr";
        let out = patch(
            text,
            vec![Splice::new(Span::bytes(4, 1), b"X".to_vec(), "x")],
        );
        assert_eq!(out, b"YWJjZFhmZ2h=aWpr");
    }

    fn patch(text: &[u8], changes: Vec<Splice>) -> Vec<u8> {
        let under = Space::source(text.to_vec());
        let layer = Text::read(text);
        let mut report = Default::default();
        let mut cx = Patching {
            fix: false,
            report: &mut report,
            pins: Vec::new(),
        };
        let out = layer.patch(&under, changes, &mut cx).unwrap();
        patched(&under, under.span(), &out)
    }

    proptest! {
        /// Whatever is changed in the bytes is read back from the text.
        #[test]
        fn changes_of_bytes_are_changes_of_text(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 0..4),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..6u64, prop::collection::vec(any::<u8>(), 0..6)), 1..4),
        ) {
            let text: Vec<u8> = parts.iter().flat_map(|p| base64(p, true)).collect();
            let own = Space::source(parts.concat());
            let mut at = 0;
            let mut changes = Vec::new();
            for (i, len, new) in edits {
                let from = at + i.index((own.len() - at + 1) as usize) as u64;
                let len = len.min(own.len() - from);
                changes.push(Splice::new(Span::bytes(from, len), new, "x"));
                at = from + len + 1;
                if at > own.len() { break }
            }
            let wanted = patched(&own, own.span(), &changes);
            prop_assert_eq!(decoded(&patch(&text, changes)), wanted);
        }
    }
}
