//! Whose checksums are wrong throughout a capture: a network card was to fill them in and had other bytes there, or somebody
//! wrote other addresses or payloads into the capture. Such a sum says nothing about the bytes that it covers.
//!
//! A sum is held against others: those of its protocol by its sender, which has one source address, on one link, of one
//! interface; those of datagrams in fragments are held against such. Where these are less than 3 and none of them is right, against those of its protocol by all senders; and where
//! these are so few, too, against all sums of the capture. Sums are wrong throughout if at least 3, and at least 9 of 10, are not
//! those of their bytes. So a sum that is alone is wrong, and a wrong one among right ones is.
//!
//! Sums that were left to the card as they should be (zero, or that of the pseudo header) do not count: another one among
//! them is damage. Of each sender the first 1000 sums of a protocol count. So the answer depends on the capture alone. The capture is gone
//! through once, when the first sum that does not hold is asked about, and only as far as its sender needs.

use crate::checksum::{self, Covered, Like, Verdict};
use crate::datagrams::{Datagram, Datagrams};
use crate::dissect::{self, Ip, Length, Record, link};
use crate::file::{File, Place};
use crate::tcp::{Summed, pseudo_header, summed};
use crate::whole::Wholes;
use binq_core::{Malformed, Severity, Space, Span};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// So many sums of a sender are looked at.
const ENOUGH: u32 = 1000;
/// So few are no rule.
const FEWEST: u32 = 3;
/// So many senders are told apart; those that come later are one with all others.
const MOST: usize = 1 << 16;

/// Whose checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// That of an IPv4 header.
    Ip,
    /// That of a TCP segment.
    Tcp,
    /// That of a UDP datagram.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip => "IPv4 header",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// Where packets of a sender were captured, and from which link address they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    section: u32,
    /// The interface of a pcapng file, and the one that Linux names.
    interface: [u32; 2],
    address: [u8; 8],
}

impl Hop {
    /// That of a packet.
    pub fn of(space: &Space, record: &Record) -> Self {
        // where the source address lies in the link header, and the index of an interface
        let (address, index) = match record.link {
            link::ETHERNET => (6..12, 0..0),
            link::LINUX_SLL => (6..14, 0..0),
            link::LINUX_SLL2 => (12..20, 4..8),
            _ => (0..0, 0..0),
        };
        let head = space.read(record.data, record.captured.min(20));
        let part = |range| head.get::<std::ops::Range<usize>>(range).unwrap_or(&[]);
        let mut hop = Self {
            section: record.section,
            interface: [record.interface, 0],
            address: [0; 8],
        };
        let address = part(address);
        hop.address[..address.len()].copy_from_slice(address);
        let index = part(index);
        hop.interface[1] = index.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        hop
    }
}

/// Who sends checksums of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    /// Where its packets were captured.
    pub hop: Hop,
    /// Its address.
    pub source: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// Whether they are those of datagrams in fragments: a card that fills sums in may do these otherwise than the others.
    pub in_fragments: bool,
}

impl Sender {
    /// What its sums are of.
    fn kind(&self) -> (Protocol, bool) {
        (self.protocol, self.in_fragments)
    }
}

/// Sums that were looked at.
#[derive(Clone, Copy, Default)]
struct Count {
    all: u32,
    /// Those that are not the sum of their bytes.
    wrong: u32,
}

impl Count {
    fn add(&mut self, is_right: bool) {
        self.all = self.all.saturating_add(1);
        self.wrong = self.wrong.saturating_add(u32::from(!is_right));
    }

    /// Whether they are too few to tell.
    fn is_few(self) -> bool {
        self.all < FEWEST && self.all == self.wrong
    }

    /// Whether they are wrong throughout.
    fn is_throughout(self) -> bool {
        let (all, wrong) = (u64::from(self.all), u64::from(self.wrong));
        self.wrong >= FEWEST && wrong * 10 >= all * 9
    }
}

/// The senders of a capture.
pub struct Senders {
    file: File,
    seen: Mutex<Seen>,
    /// Their datagrams in fragments.
    pub wholes: Wholes,
}

/// What was seen of them so far.
struct Seen {
    /// The next packet; none at the end.
    next: Option<Place>,
    by: HashMap<Sender, Count>,
    /// Those of all senders, and whether they came in fragments.
    of: HashMap<(Protocol, bool), Count>,
    all: Count,
    /// Datagrams whose fragments did not all come yet.
    waiting: Datagrams,
}

impl Senders {
    /// Those of a file.
    pub fn new(file: File) -> Self {
        let seen = Seen {
            next: Some(file.start()),
            by: HashMap::new(),
            of: HashMap::new(),
            all: Count::default(),
            waiting: Datagrams::default(),
        };
        Self {
            wholes: Wholes::new(file.clone()),
            file,
            seen: Mutex::new(seen),
        }
    }

    /// What a sum says, once it is known what those of its sender are worth.
    pub fn weigh(&self, space: &Space, verdict: Verdict, by: impl FnOnce() -> Sender) -> Verdict {
        let Verdict::Invalid(right) = verdict else {
            return verdict;
        };
        match self.throughout(space, &by()) {
            Some(like) => Verdict::Throughout(like, right),
            None => verdict,
        }
    }

    /// Whether the sums of a sender are wrong throughout.
    fn throughout(&self, space: &Space, sender: &Sender) -> Option<Like> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let known = seen.by.get(sender).copied().unwrap_or_default();
            if known.all < ENOUGH
                && let Some(place) = &seen.next
            {
                let next = self.file.next(space, place);
                if let Some((record, _)) = &next {
                    seen.packet(space, record);
                }
                seen.next = next.map(|(_, place)| place);
                continue;
            }
            let of = seen.of.get(&sender.kind()).copied().unwrap_or_default();
            let all = [
                (Like::Sender, known),
                (Like::Protocol, of),
                (Like::All, seen.all),
            ];
            let (like, count) = all.into_iter().find(|(_, count)| !count.is_few())?;
            return count.is_throughout().then_some(like);
        }
    }
}

impl Seen {
    /// Count the sums of a packet.
    fn packet(&mut self, space: &Space, record: &Record) {
        let Some(ip) = dissect::packet_ip(space, record) else {
            return;
        };
        let hop = Hop::of(space, record);
        let by = |protocol, in_fragments| Sender {
            hop,
            source: ip.source,
            protocol,
            in_fragments,
        };
        let judge = |covered: Covered| covered.judge(space, covered.stored(space)?);
        if ip.source.is_ipv4() {
            self.count(by(Protocol::Ip, false), || {
                judge(header(space, record, ip.at))
            });
        }
        if ip.fragment.is_some() {
            // it is all there with its last fragment to come
            let whole = self.waiting.packet(space, record);
            let known = whole.and_then(|whole| Some((summed(whole.ip.protocol)?, whole)));
            if let Some((kind, whole)) = known {
                self.count(by(kind.protocol, true), || {
                    judge_whole(space, &whole, &kind)
                });
            }
        } else if let Some(kind) = summed(ip.protocol) {
            let of = || judge(transport(space, record, &ip, &kind));
            self.count(by(kind.protocol, false), of);
        }
    }

    fn count(&mut self, sender: Sender, judge: impl FnOnce() -> Option<Verdict>) {
        let known = self.by.get(&sender).copied();
        if known.is_some_and(|known| known.all >= ENOUGH) {
            return;
        }
        // what is known to be left to the card says nothing of the others
        let is_right = match judge() {
            None | Some(Verdict::Offloaded) => return,
            Some(verdict) => verdict == Verdict::Valid,
        };
        self.of.entry(sender.kind()).or_default().add(is_right);
        self.all.add(is_right);
        if known.is_some() || self.by.len() < MOST {
            self.by.entry(sender).or_default().add(is_right);
        }
    }
}

/// What the checksum says of a datagram that came in fragments, if all of it was captured.
fn judge_whole(space: &Space, whole: &Datagram, kind: &Summed) -> Option<Verdict> {
    let mut bytes = whole.bytes(space)?;
    let len = kind.covers(&bytes, bytes.len() as u64)?;
    bytes.truncate(len as usize);
    let stored = bytes.get(kind.at as usize..kind.at as usize + 2)?;
    let stored = u16::from_be_bytes([stored[0], stored[1]]);
    if kind.udp && stored == 0 || whole.ip.ends.is_none() {
        return None;
    }
    let pseudo = pseudo_header(&whole.ip, len);
    Some(checksum::judge(&bytes, &pseudo, kind.at, kind.udp, stored))
}

/// The checksum of the IPv4 header that is `at` bytes into a packet.
fn header(space: &Space, record: &Record, at: u64) -> Covered {
    let start = record.data + at;
    let said = u64::from(space.read(start, 1).first().map_or(0, |b| b & 15)) * 4;
    let there = record.body() - at.min(record.body());
    Covered {
        span: Span::bytes(start, said.max(20).min(there)),
        pseudo: Vec::new(),
        at: 10,
        complete: (20..=there).contains(&said),
        udp: false,
        card: false,
    }
}

/// The checksum of what an IP packet carries.
fn transport(space: &Space, record: &Record, ip: &Ip, kind: &Summed) -> Covered {
    let from = ip.payload.min(record.body());
    let sent = ip.end - ip.payload;
    let head = space.read(record.data + from, sent.min(8));
    let covers = kind.covers(&head, sent);
    let len = covers.unwrap_or(sent);
    let there = (record.body() - from).min(len);
    let is_known = covers.is_some() && ip.ends.is_some();
    Covered {
        span: Span::bytes(record.data + from, there),
        pseudo: pseudo_header(ip, len),
        at: kind.at,
        complete: is_known && there == len && ip.fragment.is_none(),
        udp: kind.udp,
        card: ip.length == Length::Card,
    }
}

/// A checksum in a packet, and who sent it.
#[derive(Clone)]
pub struct Sent {
    of: Covered,
    record: Record,
    source: Option<IpAddr>,
    protocol: Protocol,
    /// Whether what it covers goes on in other packets.
    in_fragments: bool,
    senders: Arc<Senders>,
}

impl Sent {
    /// That of the IPv4 header which is `at` bytes into a packet, if it has one that can be read.
    pub fn header(
        space: &Space,
        record: &Record,
        (at, ip): (u64, Option<&Ip>),
        senders: &Arc<Senders>,
    ) -> Self {
        Self {
            of: header(space, record, at),
            record: *record,
            source: ip.map(|ip| ip.source),
            protocol: Protocol::Ip,
            in_fragments: false,
            senders: senders.clone(),
        }
    }

    /// That of what an IP packet carries.
    pub fn transport(
        space: &Space,
        record: &Record,
        (ip, kind): (&Ip, &Summed),
        senders: &Arc<Senders>,
    ) -> Self {
        Self {
            of: transport(space, record, ip, kind),
            record: *record,
            source: Some(ip.source),
            protocol: kind.protocol,
            in_fragments: ip.fragment.is_some(),
            senders: senders.clone(),
        }
    }

    /// Its record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The datagram that it is of, if it came in fragments, which are all there.
    pub fn whole(&self, space: &Space) -> Option<Arc<Datagram>> {
        self.senders.wholes.of(space, &self.record)
    }

    /// What a value of it says; nothing where bytes are missing.
    pub fn judge(&self, space: &Space, stored: u16) -> Option<Verdict> {
        let verdict = match self.in_fragments {
            false => self.of.judge(space, stored)?,
            true => {
                let whole = self.whole(space)?;
                judge_whole(space, &whole, &summed(whole.ip.protocol)?)?
            }
        };
        let Some(source) = self.source else {
            return Some(verdict);
        };
        let by = || Sender {
            hop: Hop::of(space, &self.record),
            source,
            protocol: self.protocol,
            in_fragments: self.in_fragments,
        };
        Some(self.senders.weigh(space, verdict, by))
    }

    /// Which checksums those like it are.
    pub fn all(&self, like: Like) -> String {
        let protocol = self.protocol;
        let how = if self.in_fragments {
            " in fragments"
        } else {
            ""
        };
        match (like, self.source) {
            (Like::Sender, Some(source)) => format!("{protocol} checksums of {source}{how}"),
            (Like::All, _) => "checksums of the capture".to_owned(),
            _ => format!("{protocol} checksums of the capture{how}"),
        }
    }

    /// What is wrong with it, if anything is. What was left to the network card, or is wrong throughout, is only a note.
    pub fn wrong(&self, space: &Space) -> Option<Malformed> {
        let stored = self.of.stored(space)?;
        let (right, found, severity) = match self.judge(space, stored)? {
            Verdict::Valid => return None,
            Verdict::Offloaded => {
                let left = format!("{stored}, which is left to the network card");
                ("a checksum".to_owned(), left, Severity::Note)
            }
            Verdict::Throughout(like, right) => {
                let found = format!("{stored}, wrong as nearly all {}", self.all(like));
                (right.to_string(), found, Severity::Note)
            }
            Verdict::Invalid(right) => (right.to_string(), stored.to_string(), Severity::Damage),
        };
        Some(Malformed::new(self.of.place(), right, found).with(severity))
    }
}
