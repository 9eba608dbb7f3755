//! Where the messages of a stream are, and the parts of each: RFC 9112.

use crate::grpc::web::Content;
use crate::lines::{End, Line, line, read};
use crate::talk::LOST;
use binq_core::{Malformed, Severity, Space, Span};
use bytes::Bytes;
use std::sync::OnceLock;

/// No first line is longer than this; nor is the head of the first message of a stream that begins late.
const LONGEST: u64 = 64 * 1024;

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
    /// The header fields.
    pub headers: Vec<Line>,
    /// Where they end: there is the empty line.
    pub headers_end: u64,
    /// What comes after them.
    pub body: Body,
    /// What is wrong with it.
    pub fault: Option<Malformed>,
    /// The bytes for which its end is not known, if the input lost them.
    pub lost: Option<Span>,
    /// Which request a response answers, where that is known.
    pub answers: Option<usize>,
    /// The body in one piece, once it is asked for.
    pub content: OnceLock<Content>,
}

impl Message {
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
        // RFC 9112 section 3.2
        let hosts = of(b"host").count();
        if side == Side::Client && self.start.parts[2].0 == "HTTP/1.1" && hosts != 1 {
            return wrong(self.at, "one Host", format!("{hosts}"));
        }
        // section 6.3
        let mut lengths = of(b"content-length");
        let first = lengths.next()?;
        if let Some(other) = lengths.find(|l| l.value != first.value) {
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
    fn asks_to_switch(&self) -> bool {
        self.start.parts[0].0 == "CONNECT" || self.value(b"upgrade").is_some()
    }

    /// Whether another protocol follows the response (RFC 9110 sections 7.8 and 9.3.6).
    fn switches(&self, request: Option<&Self>) -> bool {
        let status = self.start.status();
        let tunnel = request.is_some_and(|r| r.start.parts[0].0 == "CONNECT");
        status == 101 || tunnel && (200..300).contains(&status)
    }
}

/// Bytes between two messages, of which the input lost some.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    /// Their first byte, and the first one after them.
    pub at: u64,
    /// See `at`.
    pub end: u64,
    /// How many messages come before them.
    before: usize,
    /// Which item of the list they are.
    item: usize,
    /// The first byte that the input does not have.
    pub hole: u64,
}

/// The messages of a stream, and where they end.
#[derive(Default)]
pub struct Messages {
    /// The messages.
    pub all: Vec<Message>,
    /// What is between them.
    pub lost: Vec<Lost>,
    /// The first byte that is of none.
    pub end: u64,
    /// Why it is of none.
    pub fault: Option<Malformed>,
    /// Whether another protocol begins there.
    pub switched: bool,
}

/// An item of a list of messages.
pub enum Item {
    /// A message, by its index.
    Message(usize),
    /// What is between two.
    Lost(Lost),
}

impl Messages {
    /// An item of the list.
    pub fn item(&self, n: usize) -> Option<Item> {
        let i = self.lost.partition_point(|l| l.item < n);
        match self.lost.get(i) {
            Some(lost) if lost.item == n => Some(Item::Lost(*lost)),
            _ => (n - i < self.all.len()).then_some(Item::Message(n - i)),
        }
    }

    /// Which item of the list a message is.
    pub fn place(&self, i: usize) -> usize {
        i + self.lost.partition_point(|l| l.before <= i)
    }

    /// Whether messages may be missing before one of them.
    pub fn lost_before(&self, i: usize) -> bool {
        self.lost.binary_search_by_key(&i, |l| l.before).is_ok()
    }

    /// Whether a request of these asks that another protocol follows, or other bytes do.
    pub fn may_switch(&self) -> bool {
        self.fault.is_some() || self.all.iter().any(Message::asks_to_switch)
    }

    fn lose(&mut self, at: u64, end: u64, hole: u64) {
        let before = self.all.len();
        self.lost.push(Lost {
            at,
            end,
            before,
            item: before + self.lost.len(),
            hole,
        });
    }
}

/// That bytes of messages are lost, as the stream, its messages and the exchanges say it.
pub fn lost_at(at: u64) -> Malformed {
    Malformed::new(at, "whole messages", LOST).with(Severity::Odd)
}

/// Whether a stream begins with a message of this side.
pub fn begins(stream: &Space, side: Side) -> bool {
    let head = stream.read(0, LONGEST);
    let head = &head[blank(&head, side)..];
    let start = line(head).and_then(|(len, _)| start(&head[..len], 0, side));
    start.is_some() && stream.hole_in(Span::bytes(0, 1)).is_none()
}

/// How many bytes of empty lines come before a request line: a server ignores them (RFC 9112 section 2.2).
fn blank(text: &[u8], side: Side) -> usize {
    let mut at = 0;
    while side == Side::Client
        && let Some((0, next)) = line(&text[at..])
    {
        at += next;
    }
    at
}

/// How much is looked at in one piece for a message after bytes that are not there, and for the beginning of its first line.
const LOOK: u64 = 1 << 20;
const LINE: u64 = 8 * 1024;

/// Where the messages of a stream begin. Where its first bytes were not captured, that is the first whole head of a message at a
/// byte that `starts` something that was sent apart from what came before it.
pub fn first(stream: &Space, side: Side, whole: bool, starts: impl Fn(u64) -> bool) -> Option<u64> {
    if begins(stream, side) {
        return Some(0);
    }
    if whole && stream.hole_in(Span::bytes(0, 1)).is_none() {
        return None;
    }
    let begin = stream
        .hole_in(Span::bytes(0, 1))
        .map_or(0, |h| h.end_byte());
    search(stream, &stream.read(begin, LOOK), begin, side, &starts)
}

/// The first message from a byte on, after bytes that are not there.
fn resync(stream: &Space, mut from: u64, side: Side, starts: impl Fn(u64) -> bool) -> Option<u64> {
    while from < stream.len() {
        if let Some(hole) = stream.hole_in(Span::bytes(from, 1)) {
            from = hole.end_byte().max(from + 1);
            continue;
        }
        let text = stream.read(from, LOOK);
        let found = search(stream, &text, from, side, &starts);
        if found.is_some() {
            return found;
        }
        let len = text.len() as u64;
        from += if len == LOOK { len - LINE } else { len.max(1) };
    }
    None
}

/// The first whole head of a message in a text that begins at a byte of the stream.
fn search(
    stream: &Space,
    text: &[u8],
    from: u64,
    side: Side,
    starts: &impl Fn(u64) -> bool,
) -> Option<u64> {
    let is_first = |at: &usize| {
        let at = from + *at as u64;
        starts(at)
            && message(stream, at, side, None, LONGEST).is_ok_and(|(_, end)| end == End::Blank)
    };
    let version = b"HTTP/1.";
    let mut versions = (0..text.len()).filter(|i| text[*i..].starts_with(version));
    // no byte is looked at twice, however many versions are in one line
    let mut seen = 0;
    let found = versions.find_map(|i| match side {
        Side::Server => Some(i).filter(is_first),
        Side::Client => {
            let before = text[i.saturating_sub(LINE as usize).max(seen)..i]
                .iter()
                .rev();
            let line = before.take_while(|b| **b != b'\n').count();
            seen = i;
            (i - line..i).find(is_first)
        }
    });
    found.map(|at| from + at as u64)
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
        Side::Client => {
            (super::METHOD.fits)(a) && (super::TARGET.fits)(b) && (super::VERSION.fits)(c)
        }
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

/// When a byte was seen.
pub type Time<'a> = &'a dyn Fn(u64) -> Option<i128>;

/// The requests that a stream answers.
pub struct Asked<'a> {
    /// The requests.
    pub messages: &'a Messages,
    /// When they were sent.
    pub time: Time<'a>,
    /// Whether others may be missing before the first of them.
    pub late: bool,
}

impl Asked<'_> {
    /// Whether requests are missing, so that it is not known of each response how long it is.
    fn has_lost(&self) -> bool {
        self.late || !self.messages.lost.is_empty()
    }
}

/// Finds the messages of a stream.
pub struct Search<'a> {
    /// Whose they are.
    pub side: Side,
    /// When they were sent.
    pub time: Time<'a>,
    /// What they answer.
    pub asked: Option<Asked<'a>>,
    /// After so many messages, another protocol begins.
    pub until: Option<usize>,
}

impl Search<'_> {
    /// Those from a byte on.
    pub fn find(&self, stream: &Space, mut at: u64) -> Messages {
        let mut found = Messages::default();
        let mut pairs = Pairs::default();
        if at > 0 && stream.hole_in(Span::bytes(0, 1)).is_some() {
            pairs.lost(false);
        }
        let starts = |at: u64| {
            let before = at.checked_sub(1);
            before.is_none_or(|before| {
                let after_hole = stream.hole_in(Span::bytes(before, 1)).is_some();
                after_hole || (self.time)(before) != (self.time)(at)
            })
        };
        while at < stream.len() && !found.switched {
            let answers = self
                .asked
                .as_ref()
                .and_then(|a| pairs.request(a, (self.time)(at)));
            let request = self.asked.as_ref().zip(answers);
            let request = request.and_then(|(a, i)| a.messages.all.get(i));
            let mut rest = true;
            let (hole, next) = match message(stream, at, self.side, request, u64::MAX) {
                Ok((mut message, _)) => {
                    message.answers = answers;
                    if self.asked.as_ref().is_some_and(|a| pairs.is_unsure(a)) {
                        message.without_body(stream);
                    }
                    at = message.end;
                    let answers = message.answers;
                    let done = !message.is_interim();
                    if let Some(asked) = self.asked.as_ref().filter(|_| done) {
                        pairs.answered(asked, answers, (self.time)(message.at));
                    }
                    let (lost, broken) = (message.lost, message.fault.is_some());
                    found.switched = match self.side {
                        Side::Client => self.until == Some(found.all.len() + 1),
                        Side::Server => message.switches(request),
                    };
                    found.all.push(message);
                    match lost {
                        Some(hole) => (hole, resync(stream, hole.end_byte(), self.side, starts)),
                        None if broken => break,
                        None => continue,
                    }
                }
                Err(wrong) => {
                    rest = false;
                    // a server ignores empty lines, where no request follows them as well
                    let text = stream.read(at, LONGEST);
                    let after = at + blank(&text, self.side) as u64;
                    match wrong.lost {
                        Some(hole) => (hole, resync(stream, hole.end_byte(), self.side, starts)),
                        None if after == stream.len() => break,
                        None => {
                            let unsure = self.asked.as_ref().is_some_and(Asked::has_lost);
                            let severity = if unsure {
                                Severity::Odd
                            } else {
                                wrong.fault.severity
                            };
                            found.fault = Some(wrong.fault.with(severity));
                            break;
                        }
                    }
                }
            };
            let hole = hole.first_byte().max(at);
            pairs.lost(rest);
            match next.filter(|_| !found.switched) {
                Some(next) => {
                    found.lose(at, next, hole);
                    at = next;
                }
                None => {
                    found.fault = Some(lost_at(hole));
                    break;
                }
            }
        }
        found.end = at;
        found
    }
}

/// Which response answers which request, as far as that is known.
#[derive(Default)]
struct Pairs {
    /// How many requests are answered, or have no answer that is here.
    next: usize,
    /// Whether responses may be missing before the next one.
    lost: bool,
    /// How many of them at least.
    missing: usize,
    /// How often a request waited for the response to the one before it.
    waited: usize,
    /// Whether one did not.
    pipelined: bool,
}

impl Pairs {
    /// Bytes are missing from here on: of a response that is known, or of others.
    fn lost(&mut self, rest: bool) {
        (self.lost, self.missing) = (true, usize::from(!rest));
    }

    /// Whether requests may be missing before the next one.
    fn is_unsure(&self, asked: &Asked<'_>) -> bool {
        self.next == 0 && asked.late || asked.messages.lost_before(self.next)
    }

    /// The request of a response that begins at this time.
    fn request(&self, asked: &Asked<'_>, time: Option<i128>) -> Option<usize> {
        let (all, next) = (&asked.messages.all, self.next);
        let is_there = |i: usize| (i < all.len()).then_some(i);
        if time.is_none() {
            return is_there(next);
        }
        let sent = all.partition_point(|m| (asked.time)(m.at) <= time);
        let other = self.is_unsure(asked);
        if sent <= next {
            // it answers a request that is not here; or clocks differ
            return is_there(next).filter(|_| !other && !self.lost);
        }
        if other && self.pipelined {
            return None;
        }
        let last = sent - 1;
        match self.lost {
            false => Some(next),
            true if last == next => Some(last),
            true if last == next + self.missing => Some(last).filter(|_| !self.pipelined),
            // who waits for each response has one request that is not answered
            true => Some(last).filter(|_| self.waited > 0 && !self.pipelined),
        }
    }

    /// A response that begins at this time answers that request.
    fn answered(&mut self, asked: &Asked<'_>, request: Option<usize>, time: Option<i128>) {
        let Some(i) = request else {
            return;
        };
        (self.next, self.lost) = (i + 1, false);
        if let Some(after) = asked.messages.all.get(i + 1) {
            match (asked.time)(after.at) < time {
                true => self.pipelined = true,
                false => self.waited += 1,
            }
        }
    }
}

/// Why there is no message.
struct Wrong {
    fault: Malformed,
    /// The bytes that the input lost, if it is that.
    lost: Option<Span>,
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

/// The header fields from a byte on, which lie within `most` bytes: how many bytes they are, how they end, and what the input lost
/// where they break off. Most heads are short, so that little is read first.
fn fields(stream: &Space, at: u64, most: u64) -> (Vec<Line>, u64, End, Option<Span>) {
    let mut window = 4096.min(most);
    loop {
        let text = stream.read(at, window);
        let (lines, len, end) = read(&text, at);
        let is_all = (text.len() as u64) < window
            || window == most
            || stream.hole_in(Span::bytes(at, window)).is_some();
        if is_all || end != End::Text {
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

/// The message at a byte, whose header fields lie within `most` bytes, and how they end.
fn message(
    stream: &Space,
    at: u64,
    side: Side,
    request: Option<&Message>,
    most: u64,
) -> Result<(Message, End), Wrong> {
    let expected = match side {
        Side::Client => "a request line of HTTP/1",
        Side::Server => "a status line of HTTP/1",
    };
    let mut head = stream.read(at, 512);
    let mut blank = blank(&head, side);
    if line(&head[blank..]).is_none() {
        head = stream.read(at, LONGEST);
        blank = self::blank(&head, side);
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
    let next = first + next as u64;
    let (headers, len, end, lost) = fields(stream, next, most);
    let body_at = next + len;
    let mut message = Message {
        at,
        end: body_at,
        blank: blank as u64,
        start,
        headers_end: headers.last().map_or(next, |l| l.end),
        headers,
        body: Body::None,
        fault: None,
        lost: None,
        answers: None,
        content: OnceLock::new(),
    };
    match end {
        End::Blank => body(stream, side, request, &mut message, body_at),
        _ => {
            let found = match body_at < stream.len() {
                true => "text that is neither",
                false => "the end of the stream",
            };
            let fault = Malformed::new(body_at, "a header field or an empty line", found);
            message.broken(fault, lost);
        }
    }
    Ok((message, end))
}

impl Message {
    /// Where its request may be one that is missing: a body that begins as a response does is none, and this answers HEAD.
    fn without_body(&mut self, stream: &Space) {
        let Body::Whole(body) = self.body else {
            return;
        };
        let text = stream.read(body.first_byte(), LONGEST.min(body.byte_len()));
        let next = line(&text).and_then(|(len, _)| start(&text[..len], 0, Side::Server));
        if next.is_some() {
            (self.body, self.end) = (Body::None, body.first_byte());
            (self.fault, self.lost, self.answers) = (None, None, None);
        }
    }

    /// It is broken off: by what the input lost, if it lost something there.
    fn broken(&mut self, fault: Malformed, lost: Option<Span>) {
        let hole = lost.map(|hole| hole.first_byte().max(self.at));
        self.fault = Some(hole.map_or(fault, lost_at));
        self.lost = lost;
    }
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
    let coding = message.value(b"transfer-encoding");
    let coding = coding.map(|c| c.rsplit(|b| *b == b',').next().unwrap_or(c).trim_ascii());
    if coding.is_some_and(|c| c.eq_ignore_ascii_case(b"chunked")) {
        return chunked(stream, message, at);
    }
    let length = message
        .value(b"content-length")
        .filter(|_| coding.is_none());
    let digits = length.map(|text| {
        let number = std::str::from_utf8(text)
            .ok()
            .filter(|s| s.bytes().all(|b| b.is_ascii_digit()));
        number.and_then(|s| s.parse::<u64>().ok())
    });
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
    if there < len {
        message.fault = Some(Malformed::new(
            at,
            format!("a body of {len} bytes"),
            format!("{there} bytes"),
        ));
    }
}

/// Find the chunks of a body (section 7.1).
fn chunked(stream: &Space, message: &mut Message, first: u64) {
    let mut chunks = Vec::new();
    let (mut trailers, mut end) = (Vec::new(), None);
    let mut at = first;
    let mut lost = None;
    let fault = loop {
        let Some(chunk) = chunk(stream, at) else {
            lost = cut_line(stream, at, CHUNK_LINE as u64);
            break Some(Malformed::new(at, "a chunk", "bytes that are none"));
        };
        let (size, data, next) = (chunk.size, chunk.data, chunk.end);
        chunks.push(chunk);
        at = next;
        if size == 0 {
            let (found, len, how, hole) = fields(stream, at, u64::MAX);
            end = Some(found.last().map_or(at, |l| l.end));
            trailers = found;
            at += len;
            if how == End::Blank {
                break None;
            }
            lost = hole;
            break Some(Malformed::new(at, "a trailer or an empty line", "neither"));
        }
        if data.byte_len() < size || next == data.end_byte() {
            let after = Span::bytes(next, 2.min(stream.len() - next));
            lost = stream.hole_in(after).filter(|_| after.len > 0);
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
    let text = stream.read(at, CHUNK_LINE as u64);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, side: Side, requests: Option<&Messages>) -> Messages {
        let stream = Space::source(text.as_bytes().to_vec());
        let none: Time<'_> = &|_| None;
        let asked = requests.map(|messages| Asked {
            messages,
            time: none,
            late: false,
        });
        let search = Search {
            side,
            time: none,
            asked,
            until: None,
        };
        search.find(&stream, 0)
    }

    #[test]
    fn messages_follow_each_other() {
        let sent = found(
            "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\n\n",
            Side::Client,
            None,
        );
        assert_eq!(sent.all.len(), 3);
        assert!(sent.fault.is_none());
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n\
                    HTTP/1.1 100 Continue\r\n\r\n\
                    HTTP/1.1 200\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n03;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n\
                    HTTP/1.1 404 Not Found\r\n\r\nto the end";
        let got = found(text, Side::Server, Some(&sent));
        let status: Vec<u32> = got.all.iter().map(|m| m.start.status()).collect();
        assert_eq!(status, [200, 100, 200, 404]);
        assert!(matches!(got.all[0].body, Body::None));
        let Body::Chunked {
            chunks, trailers, ..
        } = &got.all[2].body
        else {
            panic!()
        };
        assert_eq!((chunks.len(), chunks[0].size, chunks[0].digits), (2, 3, 2));
        assert_eq!(trailers.len(), 1);
        let Body::Whole(span) = got.all[3].body else {
            panic!()
        };
        assert_eq!(span.end_byte(), text.len() as u64);
        assert_eq!(got.end, text.len() as u64);
    }

    #[test]
    fn the_first_message_begins_what_was_sent_apart() {
        let at = |text: &str, side, starts: &[u64]| {
            let stream = Space::source(text.as_bytes().to_vec());
            first(&stream, side, false, |at| starts.contains(&at))
        };
        let sent = "rest\nGET / HTTP/1.1\r\nHost: a\r\n\r\nPUT /b HTTP/1.1\r\n\r\n";
        assert_eq!(at(sent, Side::Client, &[5]), Some(5));
        assert_eq!(at(sent, Side::Client, &[34]), Some(34));
        // in the middle of what was sent, or of a line
        assert_eq!(at(sent, Side::Client, &[]), None);
        assert_eq!(at(sent, Side::Client, &[2, 4, 6, 9, 12, 20]), Some(6));
        // not whole
        assert_eq!(
            at("x GET / HTTP/1.1\r\nHost: a\r\n", Side::Client, &[2]),
            None
        );
        assert_eq!(at("x GET / HTTP/2.1\r\n\r\n", Side::Client, &[2]), None);
        let got = "HTTP/1.1 is old. HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(at(got, Side::Server, &[0, 17]), Some(17));
        assert_eq!(at(got, Side::Client, &[0, 17]), None);
        let stream = Space::source(got.as_bytes().to_vec());
        assert_eq!(first(&stream, Side::Server, true, |_| true), None);
    }

    #[test]
    fn what_is_cut_is_told() {
        let fault = |text| {
            let m = found(text, Side::Client, None);
            m.all
                .last()
                .and_then(|m| m.fault.clone())
                .or(m.fault)
                .is_some()
        };
        assert!(fault("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc"));
        assert!(fault("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nabc"));
        assert!(fault(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"
        ));
        assert!(fault(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        ));
        assert!(fault(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"
        ));
        assert!(fault("POST / HTTP/1.1\r\nHost"));
        assert!(fault("GET / HTTP/2.0\r\n\r\n"));
        assert!(!fault("GET / HTTP/1.1\r\n\r\n"));
    }
}
