//! The layer between a file and its packets: the same bytes, and what follows from a change of them.
//!
//! All changes of the file come here together, whatever view they were made in. A segment that grows or shrinks moves what
//! comes after it in its stream: the sequence numbers of its sender, the acknowledgments and SACK blocks of the other peer
//! ([`shift`]). Then lengths follow, from IP up to the record, and checksums last ([`packet`]); the limit of a capture follows its longest
//! packet ([`snaplen`]). A segment that outgrows its
//! path is cut in several ([`segment`]); what came in fragments goes on in fragments ([`fragments`]).

mod fragments;
mod layout;
mod packet;
mod sections;
mod segment;
pub mod shift;
mod snaplen;
mod transport;

use crate::datagrams::Key;
use crate::dissect::Record;
use crate::file::File;
use crate::flows::{Seen, Tracker};
use crate::senders::Senders;
use binq_core::encode::{Splice, agree};
use binq_core::layer::{Following, Patching};
use binq_core::{Reject, Space, Span};
use fragments::Whole;
use packet::Packet;
use shift::{Event, Shifts, Within};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// The packets of a file.
pub struct Wire {
    file: File,
    senders: Arc<Senders>,
    /// The records by their first bytes, once one of them moves.
    records: OnceLock<HashMap<u64, Record>>,
}

impl Wire {
    /// Of a file.
    pub fn new(file: File, senders: Arc<Senders>) -> Self {
        Self {
            file,
            senders,
            records: OnceLock::new(),
        }
    }
}

impl Following for Wire {
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
        // they are looked up for every field that follows
        cx.pins.sort_unstable();
        // whole records come and go literally
        let (mut out, changes): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|c| c.items == Some(crate::packets::PACKET));
        let gone: HashSet<Span> = out.iter().map(|c| c.span).collect();
        let survey = self.survey(under, &changes)?;
        let mut tracker = Tracker::default();
        // the changes of fragments, until their datagram is all there
        let mut waiting: HashMap<usize, Vec<Splice>> = HashMap::new();
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
            let there = tracker.packet(under, &record);
            let known = Known {
                under,
                file: &self.file,
                senders: &self.senders,
                survey: &survey,
                tracker: &tracker,
                gone: &gone,
            };
            let is_gone = known.is_gone(&record);
            if is_gone {
                // an edit of it is a contradiction
                out.append(&mut own);
            }
            let is_fragment = survey.fragments.contains(&number);
            if is_fragment {
                waiting.insert(number, std::mem::take(&mut own));
            }
            let (datagram, seen) = match &there {
                Some((datagram, seen)) if datagram.key().is_some() => {
                    let own = datagram.parts.iter().map(|p| waiting.remove(&p.number));
                    let whole = Whole {
                        known: &known,
                        datagram,
                        seen: seen.as_ref(),
                        own: own.map(Option::unwrap_or_default).collect(),
                    };
                    out.extend(whole.patch(cx)?);
                    (None, None)
                }
                Some((datagram, seen)) => (Some(datagram), seen.as_ref()),
                None => (None, None),
            };
            let needs = !is_gone && seen.is_some_and(|s| survey.moves(s));
            if is_fragment || own.is_empty() && !needs {
                continue;
            }
            let mut packet = Packet::new(&known, number, &record, own, cx);
            if let (Some(datagram), Some(seen)) = (datagram, seen) {
                packet.renumber(datagram, seen, &known);
            }
            packet.lengths()?;
            packet.ip_checksum();
            if let Some(datagram) = datagram {
                packet.udp_length(datagram);
                packet.checksum(datagram, 0);
            }
            let limit = seen.and_then(|seen| survey.limit(seen));
            out.extend(packet.finish(seen, limit));
        }
        out.extend(changed.cloned());
        for (datagram, seen) in &tracker.close(under) {
            let own = datagram.parts.iter().map(|p| waiting.remove(&p.number));
            let whole = Whole {
                known: &Known {
                    under,
                    file: &self.file,
                    senders: &self.senders,
                    survey: &survey,
                    tracker: &tracker,
                    gone: &gone,
                },
                datagram,
                seen: Some(seen),
                own: own.map(Option::unwrap_or_default).collect(),
            };
            out.extend(whole.patch(cx)?);
        }
        snaplen::follow(under, &self.file, &mut out, cx)?;
        sections::follow(under, &self.file, &mut out, cx);
        Ok(out)
    }

    fn alone(
        &self,
        under: &Space,
        item: Span,
        changes: Vec<Splice>,
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let records = self.records.get_or_init(|| {
            let all = self.file.records(under);
            all.map(|record| (record.at, record)).collect()
        });
        let Some(record) = records.get(&item.first_byte()) else {
            return Ok(changes);
        };
        cx.pins.sort_unstable();
        let known = Known {
            under,
            file: &self.file,
            senders: &self.senders,
            survey: &Survey::default(),
            tracker: &Tracker::default(),
            gone: &HashSet::new(),
        };
        let mut packet = Packet::new(&known, 0, record, changes, cx);
        packet.lengths()?;
        packet.ip_checksum();
        // of a fragment, the checksum is in another packet
        let there = Tracker::default().packet(under, record);
        if let Some((datagram, _)) = there.filter(|(datagram, _)| datagram.key().is_none()) {
            packet.udp_length(&datagram);
            packet.checksum(&datagram, 0);
        }
        Ok(packet.finish(None, None))
    }
}

/// What is known of the whole file, as far as it was gone through.
pub struct Known<'a> {
    under: &'a Space,
    file: &'a File,
    senders: &'a Senders,
    survey: &'a Survey,
    tracker: &'a Tracker,
    /// The records that are removed.
    gone: &'a HashSet<Span>,
}

impl Known<'_> {
    fn is_gone(&self, record: &Record) -> bool {
        let span = Span::bytes(record.at, record.end - record.at);
        self.gone.contains(&span)
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
#[derive(Default)]
pub struct Survey {
    /// How the bytes that a peer sent move, by connection and peer.
    shifts: HashMap<(usize, usize), Shifts>,
    /// The packets that have a fragment of a datagram that is all there.
    fragments: HashSet<usize>,
    /// What the path of each peer's segments is known to take.
    most: HashMap<(usize, usize), Limit>,
}

impl Survey {
    /// How the bytes that a peer sent move.
    fn shifts(&self, flow: usize, who: usize) -> Option<&Shifts> {
        self.shifts.get(&(flow, who))
    }

    /// Whether a segment changes though nothing was changed in it.
    fn moves(&self, seen: &Seen) -> bool {
        (0..2).any(|who| self.shifts.contains_key(&(seen.flow, who)))
    }

    /// What the path of a segment is known to take.
    fn limit(&self, seen: &Seen) -> Option<Limit> {
        self.most.get(&(seen.flow, seen.who)).copied()
    }
}

impl Wire {
    fn survey(&self, under: &Space, changes: &[Splice]) -> Result<Survey, Reject> {
        // each with the byte of the file where it was made
        let mut events: HashMap<(usize, usize), Vec<(Event, u64)>> = HashMap::new();
        let mut most: HashMap<(usize, usize), Limit> = HashMap::new();
        let mut fragments = HashSet::new();
        let mut resized: HashMap<Key, &Splice> = HashMap::new();
        let mut tracker = Tracker::default();
        for record in self.file.records(under) {
            let Some((datagram, seen)) = tracker.packet(under, &record) else {
                continue;
            };
            let key = datagram.key();
            if key.is_some() {
                fragments.extend(datagram.parts.iter().map(|p| p.number));
            }
            if let Some(seen) = &seen {
                let total: u64 = datagram.parts.iter().map(|p| p.len).sum();
                let longest = most.entry((seen.flow, seen.who)).or_default();
                longest.payload = longest.payload.max(total.saturating_sub(seen.tcp.header));
                if let Some(mss) = segment::mss(under, &datagram, seen) {
                    let other = most.entry((seen.flow, 1 - seen.who)).or_default();
                    other.mss = other.mss.max(mss);
                }
            }
            let mut done = 0;
            for part in &datagram.parts {
                for c in inside(changes, part.span()).filter(|c| c.growth() != 0) {
                    if let Some(key) = key {
                        resized.insert(key, c);
                        if datagram.repeats {
                            return Err(repeats(c));
                        }
                    }
                    let Some(seen) = &seen else {
                        continue;
                    };
                    let place = done + c.span.start / 8 - part.from;
                    if place < seen.tcp.header {
                        continue;
                    }
                    let into = (place - seen.tcp.header) as i64;
                    let from = seen.payload + into;
                    let all = events.entry((seen.flow, seen.who)).or_default();
                    let event = Event {
                        from,
                        to: from + (c.span.len / 8) as i64,
                        new: (c.new.len() / 8) as i64,
                        within: match into {
                            0 if seen.captured == 0 => Within::Empty,
                            0 => Within::Front,
                            _ => Within::Behind,
                        },
                        packet: seen.packet,
                    };
                    all.push((event, c.span.start / 8));
                }
                done += part.len;
            }
        }
        let mut resized = resized.into_iter();
        if let Some((_, c)) = resized.find(|(key, _)| tracker.unfinished().has(key)) {
            return Err(repeats(c));
        }
        for (datagram, _) in tracker.close(under) {
            fragments.extend(datagram.parts.iter().map(|p| p.number));
            let mut inside = datagram
                .parts
                .iter()
                .flat_map(|p| inside(changes, p.span()));
            if let Some(change) = inside.find(|c| c.growth() != 0) {
                return Err(Reject::Structure {
                    path: change.by.to_string(),
                    why:
                        "a fragment of its packet is not in the capture, so its size cannot change"
                            .to_owned(),
                });
            }
        }
        let shifts = events.into_iter().map(|((flow, who), mut events)| {
            // bytes that were captured more than once count once: where the stream has them from
            let stream = tracker.stream(under, &self.senders, flow, who);
            events.retain(|(event, place)| match event.within {
                Within::Empty => true,
                Within::Behind if event.from == event.to => {
                    stream.origin(event.from - 1) == Some(place - 1)
                }
                _ => stream.origin(event.from) == Some(*place),
            });
            let events = events.into_iter().map(|(event, _)| event);
            ((flow, who), Shifts::new(events.collect()))
        });
        Ok(Survey {
            shifts: shifts.collect(),
            fragments,
            most,
        })
    }
}

fn repeats(change: &Splice) -> Reject {
    Reject::Structure {
        path: change.by.to_string(),
        why: "a fragment of its packet was captured twice or overlaps another, so its size cannot change"
            .to_owned(),
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

/// The changes that lie in a record.
fn within<'a>(changes: &'a [Splice], record: &Record) -> impl Iterator<Item = &'a Splice> {
    let record = Span::bytes(record.at, record.end - record.at);
    let own = move |c: &&Splice| {
        record.contains(c.span) && (c.span.len > 0 || c.span.start > record.start)
    };
    changes.iter().filter(own)
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
