//! Where the messages of a stream are, and which response answers which request.

use super::message::{Fields, LONGEST, Message, Side, begins, blank, message};
use crate::exchange::LOST;
use crate::lines::End;
use binq_core::{Malformed, Severity, Space, Span};

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

    /// Whether the last one breaks off.
    pub fn is_broken(&self) -> bool {
        self.all.last().is_some_and(|m| m.fault.is_some())
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
    Malformed::lost(at, "whole messages", LOST)
}

/// How much is looked at in one piece for a message after bytes that are not there, and for the beginning of its first line.
const LOOK: u64 = 1 << 20;
const LINE: u64 = 8 * 1024;

/// Where the messages of a stream begin. Where its first bytes were not captured, that is the first whole head of a message at a
/// byte that `starts` something that was sent apart from what came before it.
pub fn first(stream: &Space, side: Side, whole: bool, starts: impl Fn(u64) -> bool) -> Option<u64> {
    if begins(stream, side) && (whole || is_sure(stream, 0, side)) {
        return Some(0);
    }
    if whole && stream.hole_in(Span::bytes(0, 1)).is_none() {
        return None;
    }
    let begin = stream
        .hole_in(Span::bytes(0, 1))
        .map_or(0, |h| h.end_byte());
    resync(stream, begin, begin + LOOK, side, starts)
}

/// Whether a message begins at a byte, and not within its first line: bytes before it may be missing.
fn is_sure(stream: &Space, at: u64, side: Side) -> bool {
    message(stream, at, side, None, (LONGEST, Fields::Sound))
        .is_ok_and(|(message, _)| is_registered(side, &message))
}

/// Whether the method of a request is one that is registered. Where bytes before it are missing, another one may be the rest of
/// a body and a word. A response begins with its version, which is a word that is known.
fn is_registered(side: Side, message: &Message) -> bool {
    side == Side::Server || super::REGISTERED.contains(&&message.start.parts[0].0[..])
}

/// The first message from a byte on, after bytes that are not there; it is not looked for farther than from `until` on.
fn resync(
    stream: &Space,
    mut from: u64,
    until: u64,
    side: Side,
    starts: impl Fn(u64) -> bool,
) -> Option<u64> {
    while from < stream.len().min(until) {
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
            && message(stream, at, side, None, (LONGEST, Fields::Sound))
                .is_ok_and(|(message, end)| end == End::Blank && is_registered(side, &message))
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
        let next_message =
            |hole: Span| resync(stream, hole.end_byte(), u64::MAX, self.side, starts);
        while at < stream.len() && !found.switched {
            let answers = self.asked.as_ref().and_then(|a| {
                // more than a few empty lines are no reason to read far
                let first = at + blank(&stream.read(at, 16), at, self.side) as u64;
                pairs.request(a, (self.time)(first.min(stream.len() - 1)))
            });
            let request = self.asked.as_ref().zip(answers);
            let request = request.and_then(|(a, i)| a.messages.all.get(i));
            let mut rest = true;
            let how = (u64::MAX, Fields::Any(self.side));
            let (hole, next) = match message(stream, at, self.side, request, how) {
                Ok((mut message, _)) => {
                    message.answers = answers;
                    let unsure = self.asked.as_ref().is_some_and(|a| pairs.is_unsure(a));
                    if unsure || answers.is_none() && pairs.has_lost {
                        message.without_body(stream);
                    }
                    if answers.is_none() && pairs.has_lost {
                        // it may answer HEAD, and then what looks like its body is none
                        if let Some(fault) = &mut message.fault {
                            fault.severity = fault.severity.min(Severity::Odd);
                        }
                    }
                    at = message.end;
                    let answers = message.answers;
                    let done = !message.is_interim();
                    if let Some(asked) = self.asked.as_ref().filter(|_| done) {
                        pairs.answered(asked, answers, (self.time)(message.first()));
                    }
                    let (lost, broken) = (message.lost, message.fault.is_some());
                    found.switched = match self.side {
                        Side::Client => self.until == Some(found.all.len() + 1),
                        Side::Server => message.switches(request),
                    };
                    found.all.push(message);
                    match lost {
                        Some(hole) => (hole, next_message(hole)),
                        None if broken => break,
                        None => continue,
                    }
                }
                Err(wrong) => {
                    rest = false;
                    // empty lines are ignored, where no message follows them as well
                    let text = stream.read(at, LONGEST);
                    let after = at + blank(&text, at, self.side) as u64;
                    match wrong.lost {
                        Some(hole) => (hole, next_message(hole)),
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
    /// Whether bytes were missing anywhere before.
    has_lost: bool,
    /// How often a request waited for the response to the one before it.
    waited: usize,
    /// Whether one did not.
    pipelined: bool,
}

impl Pairs {
    /// Bytes are missing from here on: of a response that is known, or of others.
    fn lost(&mut self, rest: bool) {
        (self.lost, self.missing) = (true, usize::from(!rest));
        self.has_lost = true;
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
        let sent = all.partition_point(|m| (asked.time)(m.first()) <= time);
        let other = self.is_unsure(asked);
        if sent <= next {
            // it answers a request that is not here; or clocks differ
            return is_there(next).filter(|_| !other && !self.lost);
        }
        // who waits sent no request before the response to one that is not here
        let unseen = self.waited == 0 && asked.messages.lost_before(next);
        if other && (self.pipelined || unseen) {
            return None;
        }
        let last = sent - 1;
        match self.lost {
            false => Some(next),
            // one that is not here may have been sent after it, and be answered by this
            true if asked.messages.lost_before(sent) => None,
            true if last == next => Some(last),
            true if last == next + self.missing => Some(last).filter(|_| !self.pipelined),
            // who waits for each response has one request that is not answered
            true => Some(last).filter(|_| self.waits()),
        }
    }

    /// Whether the client was seen to wait for each response.
    fn waits(&self) -> bool {
        self.waited > 0 && !self.pipelined
    }

    /// A response that begins at this time answers that request.
    fn answered(&mut self, asked: &Asked<'_>, request: Option<usize>, time: Option<i128>) {
        let Some(i) = request else {
            // one that answers none that is here: the next one was sent after it
            let next = asked.messages.all.get(self.next);
            let waited =
                next.is_some_and(|next| time.is_some() && (asked.time)(next.first()) > time);
            self.waited += usize::from(waited);
            return;
        };
        (self.next, self.lost) = (i + 1, false);
        if let Some(after) = asked.messages.all.get(i + 1) {
            match (asked.time)(after.first()) < time {
                true => self.pipelined = true,
                false => self.waited += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Body;
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
        assert_eq!(at(sent, Side::Client, &[32]), Some(32));
        // in the middle of what was sent, or of a line
        assert_eq!(at(sent, Side::Client, &[]), None);
        // the rest of a method is none (RFC 9110 section 16.1.1 has a registry of them)
        assert_eq!(at(sent, Side::Client, &[2, 4, 6, 9, 12, 20, 34]), None);
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
