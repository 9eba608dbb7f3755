//! The layer between a file and its packets: the same bytes, and what follows from a change of them.
//!
//! All changes of the file come here together, whatever view they were made in. A segment that grows or shrinks moves what
//! comes after it in its stream: the sequence numbers of its sender, the acknowledgments and SACK blocks of the other peer
//! ([`shift`]). Then lengths follow, from IP up to the record, and checksums last ([`packet`]). A segment that outgrows its
//! path is cut in several ([`segment`]).

mod packet;
mod segment;
mod shift;

use crate::dissect::Record;
use crate::file::File;
use crate::flows::{Seen, Tracker};
use binq_core::encode::{Splice, agree};
use binq_core::layer::{Layer, Patching};
use binq_core::{Reject, Space, Span};
use packet::Packet;
use shift::{Event, Shifts};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The packets of a file.
pub struct Wire {
    file: File,
    len: u64,
}

impl Wire {
    /// Of a file of so many bytes.
    pub fn new(file: File, len: u64) -> Self {
        Self { file, len }
    }
}

impl Layer for Wire {
    fn len(&self) -> u64 {
        self.len
    }

    fn read<'a>(&self, under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        under.read(at, len)
    }

    fn origins(&self, span: Span) -> Vec<Span> {
        vec![span]
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
        let changes = agree(under, changes)?;
        if !cx.fix || changes.is_empty() {
            return Ok(changes);
        }
        // whole records come and go literally
        let (mut out, changes): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|c| c.items == Some(crate::packets::PACKET));
        let gone: HashSet<Span> = out.iter().map(|c| c.span).collect();
        let survey = self.survey(under, &changes)?;
        let mut tracker = Tracker::default();
        let mut changed = changes.iter().peekable();
        for (number, record) in self.file.records(under).enumerate() {
            // what lies before it is of a block that is no packet, or of the head of the file
            while let Some(c) = changed.next_if(|c| is_before(c, &record)) {
                out.push(c.clone());
            }
            let mut own = Vec::new();
            while let Some(c) = changed.next_if(|c| c.span.end() <= record.end * 8) {
                own.push(c.clone());
            }
            let seen = tracker.packet(under, &record);
            let is_gone = gone.contains(&Span::bytes(record.at, record.end - record.at));
            let needs = !is_gone && seen.as_ref().is_some_and(|s| survey.needs(s));
            if is_gone {
                // an edit of it is a contradiction
                out.append(&mut own);
            }
            if own.is_empty() && !needs {
                continue;
            }
            let mut packet = Packet::new(under, &self.file, number, &record, own, cx);
            if let Some(seen) = &seen {
                packet.renumber(seen, &survey, &tracker);
            }
            packet.lengths()?;
            packet.ip_checksum();
            match &seen {
                Some(seen) if seen.parts.len() > 1 => {
                    let first = survey.firsts.get(&seen.parts[0].0);
                    packet.fragments_checksum(seen, &changes, *first.unwrap_or(&number));
                }
                _ => packet.checksum(),
            }
            let limit = seen
                .as_ref()
                .and_then(|s| survey.most.get(&(s.flow, s.who)));
            out.extend(packet.finish(seen.as_ref(), limit.copied()));
        }
        out.extend(changed.cloned());
        Ok(out)
    }
}

/// Whether a change lies before a record. What is inserted where the record before it ends belongs to that one.
fn is_before(change: &Splice, record: &Record) -> bool {
    match change.span.len {
        0 => change.span.start <= record.at * 8,
        _ => change.span.start < record.at * 8,
    }
}

/// What must be known of all packets before the first one is written.
pub struct Survey {
    /// How the bytes that a peer sent move, by connection and peer.
    shifts: HashMap<(usize, usize), Shifts>,
    /// Segments in fragments that have a change, by their first byte.
    fragments: HashSet<u64>,
    /// The packets that have the first fragment of a segment, by the first byte of the segment.
    firsts: HashMap<u64, usize>,
    /// What the path of each peer's segments is known to take.
    most: HashMap<(usize, usize), Limit>,
}

impl Survey {
    /// How the bytes that a peer sent move.
    pub fn shifts(&self, flow: usize, who: usize) -> Option<&Shifts> {
        self.shifts.get(&(flow, who))
    }

    /// Whether a packet changes though nothing was changed in it.
    fn needs(&self, seen: &Seen) -> bool {
        let moved = (0..2).any(|who| self.shifts.contains_key(&(seen.flow, who)));
        moved || self.fragments.contains(&seen.parts[0].0)
    }
}

impl Wire {
    fn survey(&self, under: &Space, changes: &[Splice]) -> Result<Survey, Reject> {
        let mut events: HashMap<(usize, usize), Vec<Event>> = HashMap::new();
        let mut most: HashMap<(usize, usize), Limit> = HashMap::new();
        let mut fragments = HashSet::new();
        let mut firsts = HashMap::new();
        let mut tracker = Tracker::default();
        for (number, record) in self.file.records(under).enumerate() {
            let ip = crate::dissect::packet_ip(under, &record);
            if let Some(ip) = ip.filter(|ip| ip.fragment.is_some_and(|f| f.offset == 0)) {
                firsts.insert(record.data + ip.payload, number);
            }
            let Some(seen) = tracker.packet(under, &record) else {
                continue;
            };
            let total: u64 = seen.parts.iter().map(|p| p.1).sum();
            let longest = most.entry((seen.flow, seen.who)).or_default();
            longest.payload = longest.payload.max(total.saturating_sub(seen.tcp.header));
            if let Some(mss) = segment::mss(under, &seen) {
                let other = most.entry((seen.flow, 1 - seen.who)).or_default();
                other.mss = other.mss.max(mss);
            }
            let mut done = 0;
            for (at, len) in &seen.parts {
                for c in inside(changes, Span::bytes(*at, *len)) {
                    if seen.parts.len() > 1 {
                        fragments.insert(seen.parts[0].0);
                        if c.growth() != 0 {
                            return Err(Reject::Structure {
                                path: c.by.to_string(),
                                why: "its packet is in fragments, whose size cannot change"
                                    .to_owned(),
                            });
                        }
                    }
                    let place = done + c.span.start / 8 - at;
                    if c.growth() == 0 || place < seen.tcp.header {
                        continue;
                    }
                    let from = seen.seq + (place - seen.tcp.header) as i64;
                    let all = events.entry((seen.flow, seen.who)).or_default();
                    all.push(Event {
                        from,
                        to: from + (c.span.len / 8) as i64,
                        new: (c.new.len() / 8) as i64,
                        owner: seen.seq,
                    });
                }
                done += len;
            }
        }
        let shifts = events.into_iter().map(|(k, v)| (k, Shifts::new(v)));
        Ok(Survey {
            shifts: shifts.collect(),
            fragments,
            firsts,
            most,
        })
    }
}

/// How long a segment may be.
#[derive(Clone, Copy, Default)]
pub struct Limit {
    /// The longest payload that was seen; with offload, it is longer than any that was sent.
    payload: u64,
    /// What the other peer named, which counts TCP options (RFC 6691).
    mss: u64,
}

impl Limit {
    /// The most bytes of payload after a TCP header of `tcp` bytes, which begins `before` bytes into the IP packet.
    fn payload(self, tcp: u64, before: u64) -> u64 {
        let options = tcp.saturating_sub(20);
        let path = self.payload.max(self.mss.saturating_sub(options));
        path.min(0xffff - tcp - before).max(1)
    }
}

/// The changes that lie in a part of the file.
fn inside(changes: &[Splice], part: Span) -> impl Iterator<Item = &Splice> {
    let first = changes.partition_point(|c| c.span.start < part.start);
    let own =
        move |c: &&Splice| part.contains(c.span) && (c.span.len > 0 || c.span.start > part.start);
    let reach = changes[first..]
        .iter()
        .take_while(move |c| c.span.start <= part.end());
    reach.filter(own)
}
