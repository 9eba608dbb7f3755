//! One direction of a connection: its segments as they were captured, put together to a stream.

use crate::checksum::{self, Verdict};
use crate::dissect::{self, Tcp};
use crate::file::NEVER;
use crate::flows::Peer;
use crate::order::Order;
use crate::senders::{Hop, Protocol, Sender, Senders};
use crate::tcp::pseudo_of;
use binq_core::dialogue::Clock;
use binq_core::layer::{Gather, Layer};
use binq_core::{Malformed, Severity, Space};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A window is never larger (RFC 7323 section 2.3): a segment farther from the others is not of their stream.
const FARTHEST: i64 = 65_535 << 14;

/// Bytes of a transport payload in the file.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// First byte.
    pub from: u64,
    /// Bytes that were sent.
    pub len: u32,
    /// Bytes that were captured.
    pub captured: u32,
}

/// Bytes of a stream that a packet carries.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Place in the stream, from the first byte that the connection was seen with.
    at: i64,
    /// First byte in the file.
    from: u64,
    /// Bytes that were sent.
    len: u32,
    /// Bytes that were captured.
    captured: u32,
    time: i64,
}

impl Segment {
    fn end(&self) -> i64 {
        self.at + i64::from(self.len)
    }

    /// Without its first bytes.
    fn behind(&self, place: i64) -> Self {
        let cut = (place - self.at).clamp(0, i64::from(self.len)) as u32;
        Self {
            at: self.at + i64::from(cut),
            from: self.from + u64::from(cut),
            len: self.len - cut,
            captured: self.captured.saturating_sub(cut),
            ..*self
        }
    }

    /// Without what comes after a place.
    fn before(&self, place: i64) -> Self {
        let len = (place - self.at).clamp(0, i64::from(self.len)) as u32;
        Self {
            len,
            captured: self.captured.min(len),
            ..*self
        }
    }
}

/// One direction, while it is collected.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    segments: Vec<Segment>,
    /// The sequence number that place 0 has.
    base: Option<u32>,
    /// The place after the last byte seen.
    next: i64,
    /// Whether a SYN was seen, and so place 0 is the beginning.
    begun: bool,
    /// Place of the FIN.
    fin: Option<i64>,
    /// The place up to which the other peer acknowledged.
    acked: i64,
    /// Segments that are far from all others, and in no stream: the first byte of the first one, and how many.
    far: Option<(u64, u64)>,
    /// The first bytes of pieces that are not all of their segment.
    parts: HashSet<u64>,
    /// Where segments that came whole were captured, by their first byte in the file: from each on to the next one.
    hops: Vec<(u64, Hop)>,
}

impl Collected {
    /// The place of a sequence number; the first one that is asked for is place 0.
    pub fn place(&mut self, seq: u32) -> i64 {
        self.base.get_or_insert(seq);
        self.known_place(seq).unwrap_or(0)
    }

    /// The place of a number, if any was seen.
    pub fn known_place(&self, number: u32) -> Option<i64> {
        let expected = self.base?.wrapping_add(self.next as u32);
        Some(self.next + i64::from(number.wrapping_sub(expected) as i32))
    }

    /// How far a number is from the next one that is expected, if any was seen.
    pub fn distance(&self, number: u32) -> Option<u64> {
        Some((self.known_place(number)? - self.next).unsigned_abs())
    }

    /// The number that place 0 has.
    pub fn base(&self) -> Option<u32> {
        self.base
    }

    /// Whether a SYN was seen.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Whether a SYN was seen, and nothing that it carried or that came after it.
    pub fn only_begun(&self) -> bool {
        self.begun && self.next == 0 && self.fin.is_none()
    }

    /// Whether no segment was seen.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Add a segment.
    pub fn add(&mut self, tcp: &Tcp, pieces: &[Piece], hop: Hop, time: i64) {
        let mut seq = tcp.seq;
        if tcp.flags & dissect::SYN != 0 {
            seq = seq.wrapping_add(1);
            if self.base.is_none() || !self.begun && self.segments.is_empty() {
                self.base = Some(seq);
            }
            self.begun = true;
        }
        if tcp.flags & dissect::RST != 0 {
            // what an RST carries explains it, and is no part of the stream (RFC 9293 section 3.5.2)
            return;
        }
        let mut at = self.place(seq);
        if (at - self.next).abs() > FARTHEST {
            if let Some(piece) = pieces.iter().find(|p| p.len > 0) {
                let (_, count) = self.far.get_or_insert((piece.from, 0));
                *count += 1;
            }
            return;
        }
        match pieces {
            [whole] => {
                let is_next = |(from, last): &(u64, Hop)| *from < whole.from && *last != hop;
                if self.hops.last().is_none_or(is_next) {
                    self.hops.push((whole.from, hop));
                }
            }
            _ => self.parts.extend(pieces.iter().map(|p| p.from)),
        }
        for piece in pieces {
            self.segments.push(Segment {
                at,
                from: piece.from,
                len: piece.len,
                captured: piece.captured,
                time,
            });
            at += i64::from(piece.len);
            self.next = self.next.max(at);
        }
        if tcp.flags & dissect::FIN != 0 {
            self.fin = Some(at);
        }
    }

    /// The other peer acknowledges what comes before this number.
    pub fn acknowledged(&mut self, number: u32) {
        let near = |place: &i64| (place - self.next).abs() <= FARTHEST;
        if let Some(place) = self.known_place(number).filter(near) {
            self.acked = self.acked.max(place);
        }
    }

    /// No more is coming.
    pub fn close(&mut self) {
        self.segments.retain(|s| s.len > 0);
        self.segments.shrink_to_fit();
    }

    /// When the first of it was seen.
    pub fn start(&self) -> Option<i64> {
        let times = self.segments.iter().map(|s| s.time);
        times.into_iter().find(|time| *time != NEVER)
    }

    /// Where the stream ends, by all that is known of it: what was sent up to `sent`, the FIN, acknowledgments.
    fn end(&self, sent: i64) -> i64 {
        match self.fin {
            // behind the FIN comes nothing
            Some(fin) => sent.max(fin),
            // a FIN that was lost takes a number, too
            None if self.acked == sent + 1 => sent,
            None => sent.max(self.acked),
        }
    }

    /// Put the segments together. `ends` are who sent them, and to whom.
    pub fn stream(&self, space: &Space, senders: &Senders, ends: [Peer; 2]) -> Stream {
        let mut segments: Vec<Segment> = self.segments.clone();
        segments.retain(|s| s.len > 0);
        // what lies before the beginning is no part of it (RFC 9293 section 3.10.7.4)
        let mut early = None;
        if self.begun {
            for s in segments.extract_if(.., |s| s.end() <= 0) {
                // a keep-alive, whose byte was acknowledged long ago
                if s.len > 1 || s.at < -1 {
                    let (_, count) = early.get_or_insert((s.from, 0));
                    *count += 1;
                }
            }
        }
        let first = match self.begun {
            true => 0,
            false => segments.iter().map(|s| s.at).min().unwrap_or(0),
        };
        segments.sort_by_key(|s| s.at.max(first));
        let all = || segments.iter().map(|s| s.behind(first));
        let mut whole = Together::of(space, first, all());
        if whole.disputed > 0
            && let Some((kept, left)) = self.sound(space, senders, ends, (first, &segments))
        {
            whole = Together::of(space, first, kept.into_iter());
            // what the receiver threw away disputes nothing, but is not to be overwritten
            let told = (whole.disputed, whole.first_disputed);
            left.iter()
                .for_each(|s| whole.again(s, u64::from(s.captured)));
            (whole.disputed, whole.first_disputed) = told;
        }
        let sent = segments.iter().map(|s| s.end()).max().unwrap_or(first);
        let end = self.end(sent);
        whole.lose_to(end);
        Stream {
            has_end: self.fin == Some(end),
            begun: self.begun,
            wrong: self.wrong(&whole, early),
            first,
            gather: whole.gather,
            times: Times {
                all: whole.times,
                recent: AtomicUsize::new(0),
            },
            skipped: whole.skipped,
        }
    }

    /// What is odd about the segments, if anything is.
    fn wrong(&self, whole: &Together<'_>, early: Option<(u64, u64)>) -> Option<Malformed> {
        let disputed = whole.first_disputed.map(|(at, len)| {
            let found = match whole.disputed {
                1 => format!("{len} bytes that are others"),
                n => format!("other bytes in {n} segments, {len} of them in the first"),
            };
            Malformed::new(at, "the bytes that were sent before, again", found)
        });
        let far = self.far.map(|(at, count)| {
            let found = match count {
                1 => "one far beyond any window, which is in no stream".to_owned(),
                n => format!("{n} far beyond any window, which are in no stream"),
            };
            Malformed::new(at, "segments near the others", found)
        });
        let early = early.map(|(at, count)| {
            let found = match count {
                1 => "one before the beginning, which is in no stream".to_owned(),
                n => format!("{n} before the beginning, which are in no stream"),
            };
            Malformed::new(at, "segments near the others", found)
        });
        let wrong = disputed.or(far).or(early)?;
        Some(wrong.with(Severity::Odd))
    }

    /// Where some segments have a checksum that does not hold, and others one that does: what is in the stream, in order, and
    /// what is left out of it, as it came again with a checksum that holds.
    fn sound(
        &self,
        space: &Space,
        senders: &Senders,
        ends: [Peer; 2],
        (first, all): (i64, &[Segment]),
    ) -> Option<(Vec<Segment>, Vec<Segment>)> {
        let (mut kept, mut bad) = (Vec::new(), Vec::new());
        let mut valid = false;
        for s in all {
            // by all of it; what lies before the beginning is no part of it
            let verdict = self.judge(space, senders, ends, s);
            let s = s.behind(first);
            valid |= verdict == Some(Verdict::Valid);
            match verdict {
                Some(Verdict::Invalid(_)) => bad.push(s),
                _ => kept.push(s),
            }
        }
        if bad.is_empty() || !valid {
            return None;
        }
        // the runs that the others cover
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for s in &kept {
            let end = s.at + i64::from(s.captured);
            match runs.last_mut() {
                Some(last) if s.at <= last.1 => last.1 = last.1.max(end),
                _ => runs.push((s.at, end)),
            }
        }
        let mut left = Vec::new();
        for s in bad {
            let near = runs.partition_point(|(_, end)| *end <= s.at);
            let mut rest = s;
            for (from, to) in runs[near..].iter().take_while(|(from, _)| *from < s.end()) {
                kept.extend(Some(rest.before(*from)).filter(|s| s.len > 0));
                left.extend(Some(rest.behind(*from).before(*to)).filter(|s| s.len > 0));
                rest = rest.behind(*to);
            }
            kept.extend(Some(rest).filter(|s| s.len > 0));
        }
        kept.sort_by_key(|s| s.at);
        Some((kept, left))
    }

    /// Where the segment was captured whose payload is at this byte of the file.
    fn hop(&self, from: u64) -> Option<Hop> {
        let next = self.hops.partition_point(|(first, _)| *first <= from);
        Some(self.hops.get(next.checked_sub(1)?)?.1)
    }

    /// What the checksum of a segment says, if its header lies before it.
    fn judge(
        &self,
        space: &Space,
        senders: &Senders,
        [from, to]: [Peer; 2],
        s: &Segment,
    ) -> Option<Verdict> {
        if s.captured < s.len || self.parts.contains(&s.from) {
            return None;
        }
        let number = self.base?.wrapping_add(s.at as u32);
        for header in (20..=60).step_by(4) {
            let start = s.from.checked_sub(header)?;
            let bytes = space.read(start, header + u64::from(s.len));
            let tcp = dissect::tcp(&bytes)?;
            let seq = tcp
                .seq
                .wrapping_add(u32::from(tcp.flags & dissect::SYN != 0));
            if (tcp.header, tcp.source, tcp.destination, seq) != (header, from.1, to.1, number) {
                continue;
            }
            let hop = self.hop(s.from)?;
            let by = |protocol| Sender {
                hop,
                source: from.0,
                protocol,
                in_fragments: false,
            };
            if let Some(damaged) = damaged_ip(space, start, [from, to])
                && let damaged @ Verdict::Invalid(_) =
                    senders.weigh(space, damaged, || by(Protocol::Ip))
            {
                return Some(damaged);
            }
            let pseudo = pseudo_of(from.0, to.0, dissect::TCP, bytes.len() as u64);
            let stored = Order::BIG.u16(&bytes[16..]);
            let verdict = checksum::judge(&bytes, &pseudo, 16, false, stored);
            return Some(senders.weigh(space, verdict, || by(Protocol::Tcp)));
        }
        None
    }
}

/// What the checksum of the IPv4 header that ends at a byte of the file says, if it does not hold.
fn damaged_ip(space: &Space, end: u64, [from, to]: [Peer; 2]) -> Option<Verdict> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (from.0, to.0) else {
        return None;
    };
    let addresses = [from.octets(), to.octets()].concat();
    let lengths = (20..=60).step_by(4);
    lengths
        .filter_map(|len| Some((len, end.checked_sub(len)?)))
        .find_map(|(len, start)| {
            let header = space.read(start, len);
            let is_header = header.len() as u64 == len
                && u64::from(header[0]) == (0x40 | (len / 4))
                && header[9] == dissect::TCP
                && header[12..20] == addresses[..];
            let stored = || Order::BIG.u16(&header[10..]);
            let verdict = is_header.then(|| checksum::judge(&header, &[], 10, false, stored()));
            verdict.filter(|verdict| matches!(verdict, Verdict::Invalid(_)))
        })
}

/// Segments, while they are put together in order.
struct Together<'a> {
    space: &'a Space,
    gather: Gather,
    times: Vec<(u64, i64)>,
    first: i64,
    skipped: u64,
    /// Segments whose bytes came again as others.
    disputed: usize,
    /// The first of these bytes in the file, and how many.
    first_disputed: Option<(u64, u64)>,
}

impl<'a> Together<'a> {
    fn of(space: &'a Space, first: i64, segments: impl Iterator<Item = Segment>) -> Self {
        let mut all = Self {
            space,
            gather: Gather::new(),
            times: Vec::new(),
            first,
            skipped: 0,
            disputed: 0,
            first_disputed: None,
        };
        for s in segments {
            all.lose_to(s.at);
            let known = (all.end() - s.at).clamp(0, i64::from(s.captured)) as u64;
            all.again(&s, known);
            if known < u64::from(s.captured) {
                all.times.push((all.gather.len(), s.time));
                let rest = u64::from(s.captured) - known;
                all.gather.push_apart(s.from + known, rest);
            }
        }
        all
    }

    fn end(&self) -> i64 {
        self.gather.len() as i64 + self.first
    }

    /// What comes before a place and is not there was lost.
    fn lose_to(&mut self, place: i64) {
        let lost = (place - self.end()).max(0) as u64;
        self.gather.push(None, lost);
        self.skipped += lost;
    }

    /// The first bytes of a segment are there already, from another packet.
    fn again(&mut self, s: &Segment, known: u64) {
        let at = (s.at - self.first) as u64;
        if known == 0 {
            return;
        }
        let old = self.gather.read(self.space, at, known);
        let new = self.space.read(s.from, known);
        let differ = |(a, b): (&u8, &u8)| a != b;
        let Some(from) = old.iter().zip(&*new).position(differ) else {
            self.gather.copy(at, s.from, known);
            return;
        };
        if s.len == 1 {
            // a keep-alive may have any byte (RFC 9293 section 3.8.4)
            return;
        }
        let to = old.iter().zip(&*new).rposition(differ).unwrap_or(from) + 1;
        let (from, to) = (from as u64, to as u64);
        self.gather.copy(at, s.from, from);
        self.gather.dispute(at + from, to - from);
        self.gather.copy(at + to, s.from + to, known - to);
        self.disputed += 1;
        self.first_disputed
            .get_or_insert((s.from + from, to - from));
    }
}

/// One direction of a connection, put together.
#[derive(Debug)]
pub struct Stream {
    /// Its bytes.
    pub gather: Gather,
    /// The place of its first byte, as segments count them.
    first: i64,
    /// When they were first seen.
    pub times: Times,
    /// Whether the beginning was captured.
    pub begun: bool,
    /// Whether the end was captured.
    pub has_end: bool,
    /// Bytes that were not captured.
    pub skipped: u64,
    /// What is odd about its segments.
    pub wrong: Option<Malformed>,
}

impl Stream {
    /// Where in the file the byte at a place is from.
    pub fn origin(&self, place: i64) -> Option<u64> {
        let at = u64::try_from(place - self.first).ok()?;
        let run = self.gather.runs().get(self.gather.run_at(at)?)?;
        Some(run.from? + (at - run.at))
    }
}

/// When the bytes of a stream were first seen: place in the stream, and nanoseconds since 1970.
#[derive(Debug)]
pub struct Times {
    all: Vec<(u64, i64)>,
    /// The one that was asked for last: the next question is often about what comes soon after it.
    recent: AtomicUsize,
}

impl Clock for Times {
    fn time(&self, at: u64) -> Option<i128> {
        let near = self.recent.load(Ordering::Relaxed);
        let is_later = |i: usize| self.all.get(i).is_none_or(|(place, _)| *place > at);
        let found = (near..near + 3).find(|i| !is_later(*i) && is_later(i + 1));
        let i = match found {
            Some(i) => i,
            None => self
                .all
                .partition_point(|(place, _)| *place <= at)
                .checked_sub(1)?,
        };
        self.recent.store(i, Ordering::Relaxed);
        Some(self.all[i].1)
            .filter(|time| *time != NEVER)
            .map(Into::into)
    }
}
