//! TCP connections and their streams, put together again from packets in whatever order they were captured.

use crate::datagrams::{Datagram, Datagrams};
use crate::dissect::{self, Record, Tcp};
use crate::file::File;
use crate::wire::shift::Start;
use binq_core::Space;
use binq_core::dialogue::Clock;
use binq_core::layer::{Gather, Layer};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A window is never larger (RFC 7323 section 2.3): a segment farther from the others is not of their stream.
const FARTHEST: i64 = 65_535 << 14;

/// A peer.
pub type Peer = (IpAddr, u16);

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

/// One direction, while it is collected.
#[derive(Clone, Debug, Default)]
struct Collected {
    segments: Vec<Segment>,
    /// The sequence number that place 0 has.
    base: Option<u32>,
    /// The place after the last byte seen.
    next: i64,
    /// Whether a SYN was seen, and so place 0 is the beginning.
    begun: bool,
    /// Place of the FIN.
    fin: Option<i64>,
}

impl Collected {
    fn place(&mut self, seq: u32) -> i64 {
        self.base.get_or_insert(seq);
        self.known_place(seq).unwrap_or(0)
    }

    fn known_place(&self, number: u32) -> Option<i64> {
        let expected = self.base?.wrapping_add(self.next as u32);
        Some(self.next + i64::from(number.wrapping_sub(expected) as i32))
    }

    fn add(&mut self, tcp: &Tcp, pieces: &[Piece], time: i64) {
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
            return;
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

    /// When the first of it was seen.
    fn start(&self) -> Option<i64> {
        self.segments.first().map(|s| s.time)
    }

    /// Put the segments in order.
    fn stream(&self) -> Stream {
        let mut segments: Vec<&Segment> = self.segments.iter().filter(|s| s.len > 0).collect();
        // what lies before the beginning is a keep-alive, whose byte was acknowledged long ago
        if self.begun {
            segments.retain(|s| s.at >= 0);
        }
        segments.sort_by_key(|s| s.at);
        let first = match self.begun {
            true => 0,
            false => segments.first().map_or(0, |s| s.at),
        };
        let mut gather = Gather::new();
        let mut times = Vec::new();
        let mut skipped = 0;
        let mut sent = first;
        for s in &segments {
            let end = gather.len() as i64 + first;
            if s.at > end {
                let gap = (s.at - end) as u64;
                gather.push(None, gap);
                skipped += gap;
            }
            let end = gather.len() as i64 + first;
            let known = (end - s.at).clamp(0, i64::from(s.captured)) as u64;
            gather_copy(&mut gather, s, first, known);
            if known < u64::from(s.captured) {
                times.push((gather.len(), s.time));
                gather.push_apart(s.from + known, u64::from(s.captured) - known);
            }
            sent = sent.max(s.at + i64::from(s.len));
        }
        let end = gather.len() as i64 + first;
        if sent > end {
            skipped += (sent - end) as u64;
            gather.push(None, (sent - end) as u64);
        }
        let has_end = self.fin == Some(sent);
        Stream {
            gather,
            first,
            times: Times {
                all: times,
                recent: AtomicUsize::new(0),
            },
            begun: self.begun,
            has_end,
            skipped,
        }
    }
}

/// The part of a segment that is there already, from another packet.
fn gather_copy(gather: &mut Gather, s: &Segment, first: i64, known: u64) {
    if known > 0 {
        gather.copy((s.at - first) as u64, s.from, known);
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

impl Flow {
    /// When the first byte was seen.
    pub fn start(&self) -> Option<i64> {
        let both = self.halves.each_ref().map(Collected::start);
        both.into_iter().flatten().min()
    }

    /// Whether the beginning of a direction was captured: the client's, and the server's.
    pub fn begun(&self) -> [bool; 2] {
        self.halves.each_ref().map(|half| half.begun)
    }

    /// What the client sent, and what the server sent.
    pub fn streams(&self) -> [Stream; 2] {
        self.halves.each_ref().map(Collected::stream)
    }
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
        Some(self.all[i].1.into())
    }
}

/// A connection.
#[derive(Debug)]
pub struct Flow {
    /// Who opened it, as far as that can be told.
    pub client: Peer,
    /// The other one.
    pub server: Peer,
    /// What the client sent, and the server: as it was captured, which takes less memory than the streams.
    halves: [Collected; 2],
}

/// A connection, while it is collected.
struct Open {
    peers: [Peer; 2],
    halves: [Collected; 2],
    /// Which of the peers is the client, once it is known.
    client: Option<usize>,
    /// Which peer's SYN was answered, and the number that the SYN, ACK acknowledged.
    asked: Option<(usize, u32)>,
}

/// Bytes of a transport payload in the file.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: u64,
    len: u32,
    captured: u32,
}

/// The connections of a file.
pub struct Flows {
    /// In the order of their first packets.
    pub all: Vec<Flow>,
    /// The latest time of a packet in each [`PART`] of the file and those before it.
    pub times: Vec<i64>,
}

/// The file is gone through in parts of so many bytes.
const PART: u64 = 1 << 20;

/// Find all connections of a file.
pub fn find(file: &File, space: &Space) -> Flows {
    let mut tracker = Tracker::default();
    let mut times = Vec::new();
    let mut latest = i64::MIN;
    for record in file.records(space) {
        tracker.packet(space, &record);
        latest = latest.max(record.time.unwrap_or(i64::MIN));
        while (times.len() as u64 + 1) * PART <= record.end {
            times.push(latest);
        }
    }
    Flows {
        all: tracker.all.into_iter().map(Open::finish).collect(),
        times,
    }
}

/// Tells for each packet which connection it is of, and where in its streams.
#[derive(Default)]
pub struct Tracker {
    all: Vec<Open>,
    current: HashMap<(Peer, Peer), usize>,
    datagrams: Datagrams,
}

/// What a TCP segment is in its connection.
pub struct Seen {
    /// Index of the connection.
    pub flow: usize,
    /// Which of its peers sent it.
    pub who: usize,
    /// The TCP header.
    pub tcp: Tcp,
    /// Number of the packet that it was all there with.
    pub packet: usize,
    /// Place of its sequence number in the stream of its sender.
    pub seq: i64,
    /// Place of its payload: a SYN takes a number of its own.
    pub payload: i64,
    /// Bytes of its payload that were captured.
    pub captured: u64,
    /// Place of its acknowledgment number in the stream of the other one, where that one was seen.
    pub ack: Option<i64>,
    /// Whether all of the segment was captured.
    pub complete: bool,
}

impl Seen {
    /// What says how far its sequence number moves.
    pub fn start(&self) -> Start {
        Start {
            place: self.seq,
            is_empty: self.captured == 0,
            packet: self.packet,
        }
    }
}

impl Tracker {
    /// Look at the next packet: at the datagram that is there with it, and the TCP segment in that. One in fragments is there
    /// with the last of them to come.
    pub fn packet(&mut self, space: &Space, record: &Record) -> Option<(Datagram, Option<Seen>)> {
        let datagram = self.datagrams.packet(space, record)?;
        let seen = self.segment(space, record, &datagram);
        Some((datagram, seen))
    }

    /// The datagrams whose fragments did not all come.
    pub fn unfinished(&self) -> &Datagrams {
        &self.datagrams
    }

    fn segment(&mut self, space: &Space, record: &Record, datagram: &Datagram) -> Option<Seen> {
        let ip = &datagram.ip;
        if ip.protocol != dissect::TCP {
            return None;
        }
        let tcp = dissect::tcp(&datagram.head(space))?;
        let pieces = pieces(datagram, tcp.header)?;
        let from = (ip.source, tcp.source);
        let to = (ip.destination, tcp.destination);
        let key = if from <= to { (from, to) } else { (to, from) };
        let opens = tcp.flags & (dissect::SYN | dissect::ACK) == dissect::SYN;
        let known = self.current.get(&key).copied().filter(|i| {
            // the same ports once more: another connection
            let old = &self.all[*i];
            let who = usize::from(old.peers[0] != from);
            let repeated = old.halves[who].base == Some(tcp.seq.wrapping_add(1));
            !opens || repeated || old.halves.iter().all(|h| h.segments.is_empty() && !h.begun)
                // captured after its answer
                || old.halves[who].base.is_none()
                    && old.asked == Some((who, tcp.seq.wrapping_add(1)))
        });
        let flow = known.unwrap_or_else(|| {
            self.all.push(Open {
                peers: [from, to],
                halves: Default::default(),
                client: None,
                asked: None,
            });
            self.current.insert(key, self.all.len() - 1);
            self.all.len() - 1
        });
        let open = &mut self.all[flow];
        let who = usize::from(open.peers[0] != from);
        if tcp.flags & dissect::SYN != 0 {
            open.client = Some(if opens { who } else { 1 - who });
            if !opens {
                open.asked = Some((1 - who, tcp.ack));
            }
        }
        let complete = pieces.iter().all(|p| p.captured == p.len);
        open.halves[who].add(&tcp, &pieces, record.time.unwrap_or(0));
        let seq = open.halves[who].place(tcp.seq);
        let other = &open.halves[1 - who];
        let ack = (tcp.flags & dissect::ACK != 0)
            .then(|| other.known_place(tcp.ack))
            .flatten();
        let syn = tcp.flags & dissect::SYN != 0;
        Some(Seen {
            flow,
            who,
            tcp,
            packet: self.datagrams.packets() - 1,
            seq,
            payload: seq + i64::from(syn),
            captured: pieces.iter().map(|p| u64::from(p.captured)).sum(),
            ack,
            complete,
        })
    }

    /// What a peer sent, as far as it was seen.
    pub fn stream(&self, flow: usize, who: usize) -> Stream {
        self.all[flow].halves[who].stream()
    }

    /// Where a number that the other peer's stream is counted in lies there.
    pub fn place(&self, flow: usize, who: usize, number: u32) -> Option<i64> {
        self.all.get(flow)?.halves[who].known_place(number)
    }
}

impl Open {
    fn finish(self) -> Flow {
        // without the beginning: a server has the lower port
        let client = self
            .client
            .unwrap_or_else(|| usize::from(self.peers[0].1 < self.peers[1].1));
        let mut halves = self.halves;
        for half in &mut halves {
            half.segments.retain(|s| s.len > 0);
            half.segments.shrink_to_fit();
        }
        if client == 1 {
            halves.reverse();
        }
        Flow {
            client: self.peers[client],
            server: self.peers[1 - client],
            halves,
        }
    }
}

/// Where the payload of a segment lies, whose header has so many bytes.
fn pieces(datagram: &Datagram, header: u64) -> Option<Vec<Piece>> {
    let sent: u64 = datagram.parts.iter().map(|p| p.sent).sum();
    sent.checked_sub(header)?;
    let mut skip = header;
    let pieces = datagram.parts.iter().map(|part| {
        let cut = skip.min(part.sent);
        skip -= cut;
        Piece {
            from: part.from + cut,
            len: (part.sent - cut) as u32,
            captured: part.len.saturating_sub(cut) as u32,
        }
    });
    Some(pieces.collect())
}
