//! A message and its parts: RFC 9112.

use super::search::lost_at;
use crate::exchange;
use crate::lines::{End, Line, TARGET, line, read, read_on};
use binq_core::{Malformed, Severity, Space, Span};
use bytes::Bytes;
use std::sync::OnceLock;

/// No first line is longer than this; nor is the head of the first message of a stream that begins late.
pub const LONGEST: u64 = 64 * 1024;

/// The line of a chunk is no longer than this.
pub const CHUNK_LINE: usize = 4096;

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Requests.
    Client,
    /// Responses.
    Server,
}

/// The parts of a first line, in its order: method, target and version, or version, status and reason.
#[derive(Clone, Debug)]
pub struct Start {
    /// Text and place of each part.
    pub parts: [(Bytes, u64); 3],
}

impl Start {
    /// Where a part is.
    pub fn span(&self, i: usize) -> Span {
        Span::bytes(self.parts[i].1, self.parts[i].0.len() as u64)
    }

    /// The status of a response.
    pub fn status(&self) -> u32 {
        let digits = std::str::from_utf8(&self.parts[1].0).ok();
        digits.and_then(|s| s.parse().ok()).unwrap_or(0)
    }
}

/// A chunk; places are bytes of the stream.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its first byte, and the first one after it.
    pub at: u64,
    /// See `at`.
    pub end: u64,
    /// How many digits its size has.
    pub digits: u64,
    /// What it says that its size is.
    pub size: u64,
    /// Where the extensions are.
    pub extension: Span,
    /// Where the data is.
    pub data: Span,
}

/// How the body of a message is delimited (section 6.3).
#[derive(Debug)]
pub enum Body {
    /// There is none.
    None,
    /// By `Content-Length`, or by the end of the stream.
    Whole(Span),
    /// By chunks, the last of which is empty.
    Chunked {
        /// The chunks.
        chunks: Vec<Chunk>,
        /// The fields after the last one.
        trailers: Vec<Line>,
        /// Where they end.
        end: u64,
    },
}

/// A message.
pub struct Message {
    /// Its first byte, and the first one after it.
    pub at: u64,
    /// See `at`.
    pub end: u64,
    /// Bytes of empty lines before its first line.
    pub blank: u64,
    /// The first line.
    pub start: Start,
    /// Bytes of lines behind it that begin with white space, so that they are no header fields and go on with none.
    pub ignored: u64,
    /// The header fields.
    pub headers: Vec<Line>,
    /// Where they end: there is the empty line.
    pub headers_end: u64,
    /// What comes after them.
    pub body: Body,
    /// What is wrong with it.
    pub fault: Option<Malformed>,
    /// Whether it breaks off at the end of the stream.
    pub cut: bool,
    /// The bytes for which its end is not known, if the input lost them.
    pub lost: Option<Span>,
    /// Which request a response answers, where that is known.
    pub answers: Option<usize>,
    /// The body in one piece, once it is asked for.
    pub content: OnceLock<exchange::Body>,
}

impl Message {
    /// The first byte of its first line. Empty lines before it may have been sent with the message before.
    pub fn first(&self) -> u64 {
        self.at + self.blank
    }

    /// The value of the first header field of that name.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let line = self.headers.iter().find(|l| l.name == name)?;
        Some(&line.value)
    }

    /// Why a recipient rejects it, though it can be read.
    pub fn rejected(&self, side: Side) -> Option<Malformed> {
        let of = |name: &'static [u8]| self.headers.iter().filter(move |l| l.name == name);
        let wrong = |at, expected, found: String| {
            Some(Malformed::new(at, expected, found).with(Severity::Damage))
        };
        // RFC 9112 section 5.1: a server must reject it, and should for any other line that is no header field (section 2.2)
        let trailers = match &self.body {
            Body::Chunked { trailers, .. } => &trailers[..],
            _ => &[],
        };
        let flawed = self
            .headers
            .iter()
            .chain(trailers)
            .find_map(Line::malformed);
        if let Some(flawed) = flawed.filter(|_| side == Side::Client) {
            return Some(flawed.with(Severity::Stops));
        }
        // RFC 9112 section 3.2
        let hosts = of(b"host").count();
        if side == Side::Client && self.start.parts[2].0 != "HTTP/1.0" && hosts != 1 {
            return wrong(self.at, "one Host", format!("{hosts}"));
        }
        // section 6.3
        let mut lengths = of(b"content-length");
        let first = lengths.next()?;
        let is_same = |l: &&Line| {
            l.value == first.value
                || length_of(&l.value).is_some() && length_of(&l.value) == length_of(&first.value)
        };
        if let Some(other) = lengths.find(|l| !is_same(l)) {
            let found = String::from_utf8_lossy(&other.value).into_owned();
            return wrong(other.value_at, "one Content-Length", found);
        }
        let coding = of(b"transfer-encoding").next()?;
        let found = String::from_utf8_lossy(&coding.value).into_owned();
        let both = wrong(
            coding.value_at,
            "Content-Length, or Transfer-Encoding",
            found,
        )?;
        Some(both.with(Severity::Odd))
    }

    /// Whether it is a response that another one follows (1xx, but for 101).
    pub fn is_interim(&self) -> bool {
        matches!(self.start.status(), 100 | 102..200)
    }

    /// Whether a request asks that another protocol follows.
    pub fn asks_to_switch(&self) -> bool {
        self.start.parts[0].0 == "CONNECT" || self.value(b"upgrade").is_some()
    }

    /// Whether another protocol follows the response (RFC 9110 sections 7.8 and 9.3.6).
    pub fn switches(&self, request: Option<&Self>) -> bool {
        let status = self.start.status();
        let tunnel = request.is_some_and(|r| r.start.parts[0].0 == "CONNECT");
        status == 101 || tunnel && (200..300).contains(&status)
    }
}

/// Whether a stream begins with a message of this side.
pub fn begins(stream: &Space, side: Side) -> bool {
    let head = stream.read(0, LONGEST);
    let head = &head[blank(&head, 0, side)..];
    let start = line(head).and_then(|(len, _)| start(&head[..len], 0, side));
    start.is_some() && stream.hole_in(Span::bytes(0, 1)).is_none()
}

/// How many bytes of empty lines come before the first line of a message at byte `at`: a server ignores them (RFC 9112 section 2.2),
/// and so do clients behind a response, as some old servers end a body with one.
pub(super) fn blank(text: &[u8], at: u64, side: Side) -> usize {
    let mut len = 0;
    while (side == Side::Client || at > 0)
        && let Some((0, next)) = line(&text[len..])
    {
        len += next;
    }
    len
}

/// A first line; its version is 1.x.
fn start(text: &[u8], at: u64, side: Side) -> Option<Start> {
    let mut words = text.splitn(3, |b| *b == b' ');
    let (a, b) = (words.next()?, words.next()?);
    let c = match side {
        Side::Client => words.next()?,
        // a reason may be left out, with its space
        Side::Server => words.next().unwrap_or(&[]),
    };
    let fits = match side {
        Side::Client => (super::METHOD.fits)(a) && (TARGET.fits)(b) && (super::VERSION.fits)(c),
        Side::Server => {
            (super::VERSION.fits)(a) && b.len() == 3 && b.iter().all(u8::is_ascii_digit)
        }
    };
    let second = at + a.len() as u64 + 1;
    let third = (second + b.len() as u64 + 1).min(at + text.len() as u64);
    let part = |text: &[u8], at| (Bytes::copy_from_slice(text), at);
    fits.then(|| Start {
        parts: [part(a, at), part(b, second), part(c, third)],
    })
}

/// Why there is no message.
pub(super) struct Wrong {
    pub fault: Malformed,
    /// The bytes that the input lost, if it is that.
    pub lost: Option<Span>,
}

/// The bytes that the input lost of a line that begins at a byte and is no longer than `most`.
fn cut_line(stream: &Space, at: u64, most: u64) -> Option<Span> {
    let most = most.min(stream.len() - at);
    let text = stream.read(at, most);
    let end = at + text.len() as u64;
    if line(&text).is_some() || text.len() as u64 == most || end >= stream.len() {
        return None;
    }
    stream.hole_in(Span::bytes(end, 1))
}

/// How header fields are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fields {
    /// Where it is not known that a message begins: all are well formed.
    Sound,
    /// Behind malformed lines, too.
    Any(Side),
}

/// The header fields from a byte on, which lie within `most` bytes: how many bytes they are, how they end, and what the input lost
/// where they break off. Most heads are short, and bytes after them lie in segments of their own, so that little is read first.
fn fields(stream: &Space, at: u64, most: u64, how: Fields) -> (Vec<Line>, u64, End, Option<Span>) {
    let mut window = 512.min(most);
    loop {
        let text = stream.read(at, window);
        let is_start = |row: &[u8], side| start(row, 0, side).is_some();
        let (lines, len, end) = match how {
            Fields::Sound => read(&text, at),
            Fields::Any(side) => read_on(&text, at, |row| is_start(row, side)),
        };
        let is_all = (text.len() as u64) < window
            || window == most
            || stream.hole_in(Span::bytes(at, window)).is_some();
        // an empty line may follow farther on
        let may_end =
            how != Fields::Sound && end == End::Wrong && window < 2 * LONGEST + len as u64;
        if is_all || end != End::Text && !may_end {
            let seen = at + text.len() as u64;
            let lost = || stream.hole_in(Span::bytes(seen, 1));
            let lost = (end == End::Text && seen < stream.len())
                .then(lost)
                .flatten();
            return (lines, len as u64, end, lost);
        }
        window = window.saturating_mul(4).min(most);
    }
}

/// How many bytes there are of lines that begin with white space, and so can be no header fields: they are consumed without further
/// processing (RFC 9112 section 2.2).
fn ignored(stream: &Space, at: u64) -> u64 {
    let is_fold = |at| matches!(stream.read(at, 1)[..], [b' ' | b'\t']);
    if !is_fold(at) {
        return 0;
    }
    let text = stream.read(at, LONGEST);
    let mut len = 0;
    while matches!(text.get(len), Some(b' ' | b'\t'))
        && let Some((_, next)) = line(&text[len..])
    {
        len += next;
    }
    len as u64
}

/// The message at a byte, whose header fields lie within `most` bytes, and how they end.
pub(super) fn message(
    stream: &Space,
    at: u64,
    side: Side,
    request: Option<&Message>,
    (most, how): (u64, Fields),
) -> Result<(Message, End), Wrong> {
    let expected = match side {
        Side::Client => "a request line of HTTP/1",
        Side::Server => "a status line of HTTP/1",
    };
    let mut head = stream.read(at, 512);
    let mut blank = blank(&head, at, side);
    if line(&head[blank..]).is_none() {
        head = stream.read(at, LONGEST);
        blank = self::blank(&head, at, side);
    }
    let first = at + blank as u64;
    let text = &head[blank..];
    let found = line(text).and_then(|(len, next)| Some((start(&text[..len], first, side)?, next)));
    let Some((start, next)) = found else {
        let lost = cut_line(stream, first, LONGEST);
        let fault = Malformed::new(first, expected, "other bytes");
        let fault = lost.map_or(fault, |hole| lost_at(hole.first_byte().max(first)));
        return Err(Wrong { fault, lost });
    };
    let mut next = first + next as u64;
    let ignored = match how {
        Fields::Sound => 0,
        Fields::Any(_) => ignored(stream, next),
    };
    next += ignored;
    let (headers, len, end, lost) = fields(stream, next, most, how);
    let body_at = next + len;
    let mut message = Message {
        at,
        end: body_at,
        blank: blank as u64,
        start,
        ignored,
        headers_end: headers.last().map_or(next, |l| l.end),
        headers,
        body: Body::None,
        fault: None,
        cut: false,
        lost: None,
        answers: None,
        content: OnceLock::new(),
    };
    match end {
        End::Blank => body(stream, side, request, &mut message, body_at),
        _ => {
            message.cut = end == End::Text && lost.is_none();
            let found = match end {
                End::Text => "the end of the stream",
                _ => "text that is neither",
            };
            let fault = Malformed::new(body_at, "a header field or an empty line", found);
            message.broken(fault, lost);
        }
    }
    Ok((message, end))
}

impl Message {
    /// Where its request may be one that is missing: a body that begins as a response does is none, and this answers HEAD.
    pub fn without_body(&mut self, stream: &Space) {
        let at = match &self.body {
            // what follows no bytes is another message in any case
            Body::None => return,
            Body::Whole(body) if body.len == 0 => return,
            Body::Whole(body) => body.first_byte(),
            Body::Chunked { chunks, end, .. } => chunks.first().map_or(*end, |c| c.at),
        };
        let text = stream.read(at, LONGEST);
        let next = line(&text).and_then(|(len, _)| start(&text[..len], 0, Side::Server));
        if next.is_some() {
            (self.body, self.end) = (Body::None, at);
            (self.fault, self.lost, self.answers) = (None, None, None);
            self.cut = false;
        }
    }

    /// It is broken off: by what the input lost, if it lost something there.
    fn broken(&mut self, fault: Malformed, lost: Option<Span>) {
        let hole = lost.map(|hole| hole.first_byte().max(self.at));
        self.fault = Some(hole.map_or(fault, lost_at));
        self.lost = lost;
    }
}

/// The number that a `Content-Length` says. A list of one number again and again is that number (RFC 9110 section 8.6).
pub(super) fn length_of(text: &[u8]) -> Option<u64> {
    let mut numbers = text.split(|b| *b == b',').map(|part| {
        let part = std::str::from_utf8(part.trim_ascii()).ok()?;
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u64>().ok().filter(|_| is_number)
    });
    let first = numbers.next()??;
    numbers.all(|other| other == Some(first)).then_some(first)
}

/// Find the body of a message (section 6.3).
fn body(stream: &Space, side: Side, request: Option<&Message>, message: &mut Message, at: u64) {
    let status = message.start.status();
    let method = request.map(|r| &r.start.parts[0].0[..]);
    let has_none = method == Some(b"HEAD")
        || matches!(status, 100..200 | 204 | 304)
        || method == Some(b"CONNECT") && (200..300).contains(&status);
    if side == Side::Server && has_none {
        return;
    }
    let rest = stream.len() - at;
    // several lines are one list (RFC 9110 section 5.3), and the last coding of it tells
    let mut lines = message.headers.iter().rev();
    let coding = lines.find(|l| l.name == "transfer-encoding");
    let coding = coding.map(|l| {
        let last = l.value.rsplit(|b| *b == b',').next().unwrap_or_default();
        last.trim_ascii().to_vec()
    });
    if coding
        .as_ref()
        .is_some_and(|c| c.eq_ignore_ascii_case(b"chunked"))
    {
        return chunked(stream, side, message, at);
    }
    let length = message
        .value(b"content-length")
        .filter(|_| coding.is_none());
    let digits = length.map(length_of);
    let len = match digits {
        Some(Some(len)) => len,
        None if side == Side::Server => rest,
        None if coding.is_none() => return,
        _ => {
            message.fault = Some(Malformed::new(
                at,
                "a body whose length is told",
                "a length that is none",
            ));
            return;
        }
    };
    let there = len.min(rest);
    message.body = Body::Whole(Span::bytes(at, there));
    message.end = at + there;
    message.cut = there < len;
    if there < len {
        message.fault = Some(Malformed::new(
            at,
            format!("a body of {len} bytes"),
            format!("{there} bytes"),
        ));
    }
}

/// Find the chunks of a body (section 7.1).
fn chunked(stream: &Space, side: Side, message: &mut Message, first: u64) {
    let mut chunks = Vec::new();
    let (mut trailers, mut end) = (Vec::new(), None);
    let mut at = first;
    let mut lost = None;
    let fault = loop {
        let Some(chunk) = chunk(stream, at) else {
            lost = cut_line(stream, at, CHUNK_LINE as u64);
            let text = stream.read(at, CHUNK_LINE as u64);
            let at_end = at + text.len() as u64 == stream.len();
            message.cut = line(&text).is_none() && at_end && text.len() < CHUNK_LINE;
            let found = match message.cut {
                true => "the end of the stream",
                false => "bytes that are none",
            };
            break Some(Malformed::new(at, "a chunk", found));
        };
        let (size, data, next) = (chunk.size, chunk.data, chunk.end);
        chunks.push(chunk);
        at = next;
        if size == 0 {
            let (found, len, how, hole) = fields(stream, at, u64::MAX, Fields::Any(side));
            end = Some(found.last().map_or(at, |l| l.end));
            trailers = found;
            at += len;
            if how == End::Blank {
                break None;
            }
            lost = hole;
            message.cut = how == End::Text && lost.is_none();
            let found = match message.cut {
                true => "the end of the stream",
                false => "neither",
            };
            break Some(Malformed::new(at, "a trailer or an empty line", found));
        }
        if data.byte_len() < size || next == data.end_byte() {
            let after = Span::bytes(next, 2.min(stream.len() - next));
            lost = stream.hole_in(after).filter(|_| after.len > 0);
            let rest = stream.read(next, 2);
            let at_end = next + rest.len() as u64 == stream.len();
            message.cut = at_end && matches!(&rest[..], [] | [b'\r']);
            break Some(Malformed::new(
                data.first_byte(),
                format!("a chunk of {size} bytes and a line break"),
                format!("{} bytes", data.byte_len()),
            ));
        }
    };
    message.body = Body::Chunked {
        chunks,
        trailers,
        end: end.unwrap_or(at),
    };
    message.end = at;
    if let Some(fault) = fault {
        message.broken(fault, lost);
    }
}

fn chunk(stream: &Space, at: u64) -> Option<Chunk> {
    // most lines are short
    let mut text = stream.read(at, 64);
    if line(&text).is_none() {
        text = stream.read(at, CHUNK_LINE as u64);
    }
    let (len, next) = line(&text)?;
    let digits = text[..len]
        .iter()
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    let size = std::str::from_utf8(&text[..digits]).ok()?;
    let size = u64::from_str_radix(size, 16).ok()?;
    let after = text[digits..len].trim_ascii_start();
    if !after.is_empty() && after[0] != b';'
        || stream.hole_in(Span::bytes(at, next as u64)).is_some()
    {
        return None;
    }
    let from = at + next as u64;
    let data = Span::bytes(from, size.min(stream.len() - from));
    let rest = stream.read(data.end_byte(), 2);
    let broken = match (size, &rest[..]) {
        (0, _) => 0,
        (_, [b'\r', b'\n']) => 2,
        (_, [b'\n', ..]) => 1,
        _ => 0,
    };
    Some(Chunk {
        at,
        end: data.end_byte() + broken,
        digits: digits as u64,
        size,
        extension: Span::bytes(at + digits as u64, (len - digits) as u64),
        data,
    })
}
