//! What proves that a direction of a connection is HTTP/2, and where its frames begin.
//!
//! Where the beginning was captured, that is what RFC 9113 section 3 makes mandatory: the preface of the client, alone or after an
//! HTTP/1.1 request that asks for the upgrade; of the server the answer that grants it, or a whole SETTINGS frame, or any frame
//! once the client's preface was seen. A stream that begins later has nothing of that. It needs [`evidence`].

mod evidence;

use crate::exchange::Who;
use crate::http2::frame::{HEAD, Head, head_at, kind};
use crate::http2::side::{Begin, PREFACE, resync};
use binq_core::dialogue::{Conversation, Half};
use binq_core::{Space, Span};
use evidence::{Evidence, follow};

/// How far to look for the first frame of a stream whose beginning is not there.
const LOOK: u64 = 1 << 16;

/// A header longer than this is no head of an HTTP/1.1 message.
const HEAD_1_1: u64 = 64 * 1024;

/// Bits of evidence that prove one direction, whatever the other one has. A search tries 2^16 places.
const ONE: i32 = 56;
/// Those that prove both directions together.
const BOTH: i32 = 44;
/// Those that each of them has then at least.
const EACH: i32 = 14;

/// Where frames begin in what the client sent, and in what the server sent; nothing in a direction that is not proven.
pub fn find(with: &Conversation) -> [Option<Begin>; 2] {
    let (sent, received) = (&with.client, &with.server);
    if with.given {
        return [sent, received].map(|half| Some(assumed(&half.stream, half.whole)));
    }
    let mut client = of_client(&sent.stream);
    let mut server = of_server(received, client.as_ref());
    late(with, &mut client, &mut server);
    // of a direction in which nothing was sent, nothing speaks against it
    if sent.stream.is_empty() && server.is_some() {
        client = Some(Begin::late(0));
    }
    if received.stream.is_empty() && client.is_some() {
        server = Some(Begin::late(0));
    }
    [client, server]
}

/// Where the frames of a stream begin that is said to be HTTP/2: at its first byte where nothing looks like a frame.
pub fn assumed(stream: &Space, whole: bool) -> Begin {
    let begun = of_client(stream).or_else(|| granted(stream));
    let first = || first_frames(stream).filter(|_| whole);
    let found = begun.or_else(first);
    found.unwrap_or_else(|| Begin::late(resync(stream, 0, None).unwrap_or(0)))
}

/// Whether nothing in a stream that is said to be HTTP/2 speaks for it: it begins with none of the marks, and what was taken for
/// frames is as likely by chance.
pub fn is_other(stream: &Space, begin: &Begin) -> bool {
    if stream.is_empty() || begin.preface || begin.upgrade > 0 {
        return false;
    }
    let first = head_at(stream, begin.frames).filter(|_| !begin.late);
    let is_frame = |first: Head| {
        let end = begin.frames + HEAD + first.length;
        first.is_plausible() || end <= stream.len()
    };
    !first.is_some_and(is_frame) && follow(stream, begin.frames).bits < EACH
}

/// Whether the frames of a stream that is said to be HTTP/2 lie between other bytes, as those of a capture do: before them are some,
/// and the frames break off.
pub fn is_between(stream: &Space, begin: &Begin) -> bool {
    begin.late && begin.frames > 0 && follow(stream, begin.frames).broken
}

/// Whether a stream alone proves that it is one of HTTP/2 from its first byte on.
pub fn begins(stream: &Space) -> bool {
    of_client(stream).is_some() || of_settings(stream).is_some()
}

/// Whether the bytes that a peer sent first are there.
fn is_begun(half: &Half) -> bool {
    half.whole && half.stream.hole_in(Span::bytes(0, HEAD)).is_none()
}

/// The preface, alone or after a request for an upgrade.
fn of_client(stream: &Space) -> Option<Begin> {
    if has_preface(stream, 0) {
        return Some(Begin::after(0, true));
    }
    let head = head_1_1(stream)?;
    let wants = |head: &[u8]| has_line(head, b"upgrade", b"h2c");
    let whole = head.windows(4).position(|w| w == b"\r\n\r\n");
    if let Some(end) = whole.map(|i| i as u64 + 4)
        && has_preface(stream, end)
    {
        return Some(Begin::after(end, true));
    }
    // the request may have a body, and its head may be damaged: the preface says where it ends
    let text = stream.read(0, HEAD_1_1);
    let preface = text.windows(PREFACE.len()).position(|w| w == PREFACE)?;
    wants(&text[..preface]).then(|| Begin::after(preface as u64, true))
}

/// What the server sent, after what the client sent.
fn of_server(half: &Half, client: Option<&Begin>) -> Option<Begin> {
    let stream = &half.stream;
    if let Some(begin) = granted(stream) {
        return Some(begin);
    }
    if !is_begun(half) {
        return None;
    }
    let after_preface = client.is_some_and(|c| c.preface && c.upgrade == 0);
    if client.is_some_and(|c| c.preface && c.upgrade > 0)
        && let Some(begin) = tunnelled(stream)
    {
        return Some(begin);
    }
    if !after_preface {
        return of_settings(stream);
    }
    // after the preface, a first frame that is odd is still one; but the server may not speak HTTP/2 at all
    let answer = stream.read(0, 7);
    match *answer != b"HTTP/1."[..] {
        true => first_frames(stream),
        false => None,
    }
}

/// The answer that grants an upgrade to HTTP/2 (RFC 7540 section 3.2): frames follow.
fn granted(stream: &Space) -> Option<Begin> {
    let head = head_1_1(stream)?;
    if !head.starts_with(b"HTTP/1.1 101") || !has_line(&head, b"upgrade", b"h2c") {
        return None;
    }
    let end = head.windows(4).position(|w| w == b"\r\n\r\n");
    let is_settings = |at: &u64| head_at(stream, *at).is_some_and(|h| h.kind == kind::SETTINGS);
    let found = || resync(stream, 0, Some(Who::Server)).filter(is_settings);
    let end = end.map(|i| i as u64 + 4).or_else(found)?;
    Some(Begin::after(end, false))
}

/// The answer that opens a tunnel (RFC 9110 section 9.3.6), in which the server begins with SETTINGS. Its length counts for
/// nothing.
fn tunnelled(stream: &Space) -> Option<Begin> {
    let head = stream.read(0, HEAD_1_1);
    if !head.starts_with(b"HTTP/1.") || head.get(8..10)? != b" 2" {
        return None;
    }
    let end = head.windows(4).position(|w| w == b"\r\n\r\n")? as u64 + 4;
    let first = head_at(stream, end)?;
    let is_first = first.kind == kind::SETTINGS && first.flags == 0 && first.is_plausible();
    is_first.then(|| Begin::after(end, false))
}

/// Frames that begin with a whole SETTINGS on stream 0 (section 3.4), and fill the rest.
fn of_settings(stream: &Space) -> Option<Begin> {
    let first = head_at(stream, 0)?;
    let is_first = first.kind == kind::SETTINGS && first.flags == 0 && first.is_plausible();
    let payload = Span::bytes(HEAD, first.length);
    let whole = HEAD + first.length <= stream.len() && stream.hole_in(payload).is_none();
    (is_first && whole && !follow(stream, 0).broken).then(|| Begin::after(0, false))
}

/// Frames that begin at the first byte, by what the first of them says or by those that follow it.
fn first_frames(stream: &Space) -> Option<Begin> {
    let head = head_at(stream, 0)?;
    let next = HEAD + head.length;
    let is_frame = head.is_plausible()
        || head.kind == kind::SETTINGS && head.stream == 0
        || next == stream.len() && head.kind <= kind::CONTINUATION
        || next < stream.len() && resync(stream, next, None) == Some(next);
    is_frame.then(|| Begin::after(0, false))
}

/// Directions that begin late: proven by their frames, or by those of the other one.
fn late(with: &Conversation, client: &mut Option<Begin>, server: &mut Option<Begin>) {
    let halves = [&with.client, &with.server];
    let found = [client, server];
    // after a preface or an answer to it, frames are expected: where they begin is all that is asked
    let proven = found.iter().any(|f| f.is_some());
    let search = |half: &Half| {
        let is_late = !is_begun(half) && !half.stream.is_empty();
        is_late.then(|| best(&half.stream)).flatten()
    };
    let evidence = [0, 1].map(|i| match &found[i] {
        Some(_) => None,
        None => search(halves[i]),
    });
    let bits = |i: usize| evidence[i].as_ref().map_or(0, |(_, e)| e.bits);
    let silent = |i: usize| halves[i].stream.is_empty();
    let enough = match proven {
        true => true,
        false => {
            let one = bits(0) >= ONE || bits(1) >= ONE;
            let each = |i| bits(i) >= EACH;
            let together = bits(0) + bits(1) + shared(&evidence);
            one || each(0) && each(1) && together >= BOTH && !silent(0) && !silent(1)
        }
    };
    if !enough {
        return;
    }
    for (i, evidence) in evidence.into_iter().enumerate() {
        if let Some((at, _)) = evidence {
            *found[i] = Some(Begin::late(at));
        }
    }
}

/// What it says that both directions are of the same streams, or of others.
fn shared(evidence: &[Option<(u64, Evidence)>; 2]) -> i32 {
    let [Some((_, a)), Some((_, b))] = evidence else {
        return 0;
    };
    match a.streams.is_disjoint(&b.streams) {
        _ if a.streams.is_empty() || b.streams.is_empty() => 0,
        true => -12,
        false => 4,
    }
}

/// Where the most speaks for frames.
fn best(stream: &Space) -> Option<(u64, Evidence)> {
    let end = stream.len();
    let last = end.min(LOOK);
    let (mut from, mut window) = (0, stream.read(0, last + HEAD));
    let mut best: Option<(u64, Evidence)> = None;
    for at in 0..last {
        // what is read ends where bytes are missing: it is read on behind them
        if at >= from + window.len() as u64 {
            if stream.hole_in(Span::bytes(at, 1)).is_some() {
                continue;
            }
            (from, window) = (at, stream.read(at, last + HEAD - at));
        }
        // most bytes are no frame header: seen without following it
        let bytes = &window[(at - from) as usize..];
        let Some(head) = Head::of(bytes).filter(Head::is_plausible) else {
            continue;
        };
        if head.length + HEAD > end - at && at > 0 {
            continue;
        }
        let found = follow(stream, at);
        if found.bits > best.as_ref().map_or(0, |(_, b)| b.bits) {
            let proves = found.bits >= ONE && !found.broken;
            best = Some((at, found));
            if proves {
                break;
            }
        }
    }
    best
}

/// Whether the preface is here, perhaps with a few bytes that are damaged.
fn has_preface(stream: &Space, at: u64) -> bool {
    const FEW: usize = 8;
    let len = PREFACE.len() as u64;
    let bytes = stream.read(at, len);
    if bytes.len() < PREFACE.len() || stream.hole_in(Span::bytes(at, len)).is_some() {
        return false;
    }
    let differ = bytes.iter().zip(PREFACE).filter(|(a, b)| a != b).count();
    differ <= FEW
}

/// The head of an HTTP/1.1 message, as far as it is text; what follows it may be there, too.
fn head_1_1(stream: &Space) -> Option<Vec<u8>> {
    if !stream.read(0, 1).first()?.is_ascii_uppercase() {
        return None;
    }
    let head = stream.read(0, HEAD_1_1);
    let line = head.iter().position(|b| *b == b'\n').unwrap_or(head.len());
    let is_1_1 =
        head[..line].windows(9).any(|w| w == b" HTTP/1.1") || head.starts_with(b"HTTP/1.1");
    is_1_1.then(|| head.into_owned())
}

/// Whether a head has a field of this name whose value has this token.
fn has_line(head: &[u8], name: &[u8], token: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n');
    lines.any(|line| {
        let (Some(n), Some(rest)) = (line.get(..name.len()), line.get(name.len()..)) else {
            return false;
        };
        let mut tokens = rest.strip_prefix(b":").unwrap_or(&[]).split(|b| *b == b',');
        n.eq_ignore_ascii_case(name) && tokens.any(|t| t.trim_ascii().eq_ignore_ascii_case(token))
    })
}
