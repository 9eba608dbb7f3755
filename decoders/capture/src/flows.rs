//! TCP connections and their streams, put together again from packets in whatever order they were captured.

use crate::datagrams::{Datagram, Datagrams};
use crate::dissect::{self, Record, Tcp};
use crate::file::{File, NEVER};
use crate::half::{Collected, Piece, Stream};
use crate::senders::{Hop, Senders};
use crate::wire::shift::Start;
use binq_core::Space;
use std::collections::HashMap;
use std::net::IpAddr;

/// A peer.
pub type Peer = (IpAddr, u16);

impl Flow {
    /// When the first byte was seen.
    pub fn start(&self) -> Option<i64> {
        let both = self.halves.each_ref().map(Collected::start);
        both.into_iter().flatten().min()
    }

    /// Whether the beginning of a direction was captured: the client's, and the server's.
    pub fn begun(&self) -> [bool; 2] {
        self.halves.each_ref().map(Collected::begun)
    }

    /// What the client sent, and what the server sent.
    pub fn streams(&self, space: &Space, senders: &Senders) -> [Stream; 2] {
        let [sent, received] = &self.halves;
        [
            sent.stream(space, senders, [self.client, self.server]),
            received.stream(space, senders, [self.server, self.client]),
        ]
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
    /// The connection between the same ports before it.
    before: Option<usize>,
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
    tracker.close(space);
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
            let repeated = old.halves[who].base() == Some(tcp.seq.wrapping_add(1));
            !opens || repeated || old.halves.iter().all(|h| h.is_empty() && !h.begun())
                // captured after its answer
                || old.halves[who].base().is_none()
                    && old.asked == Some((who, tcp.seq.wrapping_add(1)))
                // both open it at the same time (RFC 9293 section 3.5)
                || old.halves[who].base().is_none() && old.halves[1 - who].only_begun()
        });
        let known = known.map(|i| self.still_in(i, from, &tcp));
        let flow = known.unwrap_or_else(|| {
            self.all.push(Open {
                peers: [from, to],
                halves: Default::default(),
                client: None,
                asked: None,
                before: self.current.get(&key).copied(),
            });
            self.current.insert(key, self.all.len() - 1);
            self.all.len() - 1
        });
        let open = &mut self.all[flow];
        let who = usize::from(open.peers[0] != from);
        if tcp.flags & dissect::SYN != 0 {
            // the one that sent the first SYN
            open.client.get_or_insert(if opens { who } else { 1 - who });
            if !opens {
                open.asked = Some((1 - who, tcp.ack));
            }
        }
        let complete = pieces.iter().all(|p| p.captured == p.len);
        let hop = Hop::of(space, &datagram.parts[0].record);
        open.halves[who].add(&tcp, &pieces, hop, record.time.unwrap_or(NEVER));
        let seq = open.halves[who].place(tcp.seq);
        let other = &mut open.halves[1 - who];
        if tcp.flags & (dissect::ACK | dissect::RST) == dissect::ACK {
            other.acknowledged(tcp.ack);
        }
        let ack = (tcp.flags & dissect::ACK != 0)
            .then(|| other.known_place(tcp.ack))
            .flatten();
        let syn = tcp.flags & dissect::SYN != 0;
        Some(Seen {
            flow,
            who,
            tcp,
            packet: datagram.parts.iter().map(|p| p.number).max()?,
            seq,
            payload: seq + i64::from(syn),
            captured: pieces.iter().map(|p| u64::from(p.captured)).sum(),
            ack,
            complete,
        })
    }

    /// The connection that a segment is of: the one that a SYN began between its ports, or the one before, which goes on where
    /// that SYN was not answered (RFC 5961 section 4).
    fn still_in(&self, flow: usize, from: Peer, tcp: &Tcp) -> usize {
        let new = &self.all[flow];
        let Some(before) = new.before.filter(|_| tcp.flags & dissect::SYN == 0) else {
            return flow;
        };
        let begun = new.halves.each_ref().map(Collected::begun);
        if begun == [true, true] {
            return flow;
        }
        let who = usize::from(new.peers[0] != from);
        let old = &self.all[before];
        let old_who = usize::from(old.peers[0] != from);
        let in_old = old.halves[old_who].distance(tcp.seq);
        let (in_new, in_old) = match new.halves[who].distance(tcp.seq) {
            Some(in_new) => (Some(in_new), in_old),
            // who did not speak in the new one yet acknowledges the SYN, or what the old one had
            None if tcp.flags & dissect::ACK != 0 => (
                new.halves[1 - who].distance(tcp.ack),
                old.halves[1 - old_who].distance(tcp.ack),
            ),
            None => return flow,
        };
        match (in_new, in_old) {
            (Some(new), Some(old)) if old < new => before,
            _ => flow,
        }
    }

    /// What a peer sent, as far as it was seen.
    pub fn stream(&self, space: &Space, senders: &Senders, flow: usize, who: usize) -> Stream {
        let Open { peers, halves, .. } = &self.all[flow];
        halves[who].stream(space, senders, [peers[who], peers[1 - who]])
    }

    /// The file ends: what came of datagrams whose fragments did not all come is in their streams, too.
    pub fn close(&mut self, space: &Space) -> Vec<(Datagram, Seen)> {
        let mut out = Vec::new();
        for datagram in self.datagrams.unfinished() {
            let first = datagram.parts[0];
            let has_header = |tcp: Tcp| tcp.header <= first.len;
            if dissect::tcp(&space.read(first.from, first.len)).is_some_and(has_header)
                && let Some(seen) = self.segment(space, &first.record, &datagram)
            {
                out.push((datagram, seen));
            }
        }
        out
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
        halves.iter_mut().for_each(Collected::close);
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
