//! Where the messages of a stream are, and the parts of each: RFC 9112.

use crate::grpc::web::Content;
use crate::lines::{End, Line, line, read};
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
}

/// The messages of a stream, and where they end.
pub struct Messages {
    /// The messages.
    pub all: Vec<Message>,
    /// How many of them, interim ones left out, answer requests from before the capture began.
    pub unasked: usize,
    /// The first byte that is of none.
    pub end: u64,
    /// Why it is of none.
    pub fault: Option<Malformed>,
}

/// Whether a stream begins with a message of this side.
pub fn begins(stream: &Space, side: Side) -> bool {
    let head = stream.read(0, LONGEST);
    let start = line(&head).and_then(|(len, _)| start(&head[..len], 0, side));
    start.is_some() && stream.hole_in(Span::bytes(0, 1)).is_none()
}

/// How far to look for the first message of a stream whose beginning is not there, and for the beginning of its first line.
const LOOK: u64 = 1 << 20;
const LINE: usize = 8 * 1024;

/// Where the messages of a stream begin. Where its first bytes were not captured, that is the first whole head of a message at a
/// byte that `starts` something that was sent apart from what came before it.
pub fn first(stream: &Space, side: Side, whole: bool, starts: impl Fn(u64) -> bool) -> Option<u64> {
    if begins(stream, side) {
        return Some(0);
    }
    if whole {
        return None;
    }
    let text = stream.read(0, LOOK);
    let is_first = |at: &usize| {
        let at = *at as u64;
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
            let before = text[i.saturating_sub(LINE).max(seen)..i].iter().rev();
            let line = before.take_while(|b| **b != b'\n').count();
            seen = i;
            (i - line..i).find(is_first)
        }
    });
    found.map(|at| at as u64)
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

/// Find the messages of a stream from a byte on. `requests` are those that it answers, if they are known, and `early` says of
/// which byte that it was sent before any of them.
pub fn find(
    stream: &Space,
    side: Side,
    mut at: u64,
    requests: Option<&Messages>,
    early: impl Fn(u64) -> bool,
) -> Messages {
    let mut all: Vec<Message> = Vec::new();
    let (mut answered, mut unasked) = (0, 0);
    let mut fault = None;
    while at < stream.len() {
        let is_early = answered == 0 && early(at);
        let request = requests
            .and_then(|r| r.all.get(answered))
            .filter(|_| !is_early);
        match message(stream, at, side, request, u64::MAX) {
            Ok((message, _)) => {
                at = message.end;
                let of = if is_early {
                    &mut unasked
                } else {
                    &mut answered
                };
                *of += usize::from(!message.is_interim());
                // another protocol follows (RFC 9110 section 15.2.2 and 9.3.6)
                let status = message.start.status();
                let tunnel = request.is_some_and(|r| r.start.parts[0].0 == "CONNECT");
                let last = side == Side::Server
                    && (status == 101 || tunnel && (200..300).contains(&status));
                let broken = message.fault.is_some();
                all.push(message);
                if last || broken {
                    break;
                }
            }
            Err(wrong) => {
                fault = Some(wrong);
                break;
            }
        }
    }
    Messages {
        all,
        unasked,
        end: at,
        fault,
    }
}

/// The header fields from a byte on, which lie within `most` bytes: how many bytes they are, and how they end. Most heads are
/// short, so that little is read first.
fn fields(stream: &Space, at: u64, most: u64) -> (Vec<Line>, u64, End) {
    let mut window = 4096.min(most);
    loop {
        let text = stream.read(at, window);
        let (lines, len, end) = read(&text, at);
        let is_all = (text.len() as u64) < window
            || window == most
            || stream.hole_in(Span::bytes(at, window)).is_some();
        // only a line without its end may go on
        if is_all || end == End::Blank || text[len..].contains(&b'\n') {
            return (lines, len as u64, end);
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
) -> Result<(Message, End), Malformed> {
    let expected = match side {
        Side::Client => "a request line of HTTP/1",
        Side::Server => "a status line of HTTP/1",
    };
    let mut head = stream.read(at, 512);
    if line(&head).is_none() {
        head = stream.read(at, LONGEST);
    }
    let found = line(&head).and_then(|(len, next)| Some((start(&head[..len], at, side)?, next)));
    let lost = |from: u64, to: u64| {
        let hole = stream.hole_in(Span::bytes(from, to - from))?;
        let found = "bytes that the capture lost";
        let lost = Malformed::new(hole.first_byte().max(at), expected, found);
        Some(lost.with(Severity::Odd))
    };
    let Some((start, next)) = found else {
        return Err(lost(at, at + 1).unwrap_or_else(|| Malformed::new(at, expected, "other bytes")));
    };
    let (headers, len, end) = fields(stream, at + next as u64, most);
    let body_at = at + next as u64 + len;
    // text that ends without an empty line may go on in what was lost
    let seen = if end == End::Blank {
        body_at
    } else {
        body_at + 1
    };
    if let Some(lost) = lost(at, seen.min(stream.len())) {
        return Err(lost);
    }
    let mut message = Message {
        at,
        end: body_at,
        start,
        headers_end: headers.last().map_or(at + next as u64, |l| l.end),
        headers,
        body: Body::None,
        fault: None,
        content: OnceLock::new(),
    };
    match end {
        End::Blank => body(stream, side, request, &mut message, body_at),
        _ => {
            message.fault = Some(Malformed::new(
                body_at,
                "a header field or an empty line",
                match body_at < stream.len() {
                    true => "text that is neither",
                    false => "the end of the stream",
                },
            ));
        }
    }
    Ok((message, end))
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
    let fault = loop {
        let Some(chunk) = chunk(stream, at) else {
            break Some(Malformed::new(at, "a chunk", "bytes that are none"));
        };
        let (size, data, next) = (chunk.size, chunk.data, chunk.end);
        chunks.push(chunk);
        at = next;
        if size == 0 {
            let (found, len, how) = fields(stream, at, u64::MAX);
            end = Some(found.last().map_or(at, |l| l.end));
            trailers = found;
            at += len;
            break (how != End::Blank)
                .then(|| Malformed::new(at, "a trailer or an empty line", "neither"));
        }
        if data.byte_len() < size || next == data.end_byte() {
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
    message.fault = fault;
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
        find(&stream, side, 0, requests, |_| false)
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
