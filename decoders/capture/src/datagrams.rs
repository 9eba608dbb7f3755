//! IP datagrams, put together again from their fragments (RFC 791 section 3.2, RFC 8200 section 4.5).

use crate::dissect::{self, Ip, Record};
use binq_core::{Space, Span};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// At most so many datagrams wait for their fragments at a time.
const MOST: usize = 4096;

/// The longest header of TCP.
const LONGEST: u64 = 60;

/// What one packet carries of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Index of the packet in the file.
    pub number: usize,
    /// Its record.
    pub record: Record,
    /// Its IP header.
    pub ip: Ip,
    /// First byte in the file.
    pub from: u64,
    /// Bytes that were captured.
    pub len: u64,
    /// Bytes that were sent.
    pub sent: u64,
}

impl Part {
    /// Its bytes.
    pub fn span(&self) -> Span {
        Span::bytes(self.from, self.len)
    }
}

/// A datagram, once all of it is there.
pub struct Datagram {
    /// The IP header of its first fragment, or of the packet that it came in.
    pub ip: Ip,
    /// Its bytes after the IP header, in order: more than one part where it came in fragments.
    pub parts: Vec<Part>,
    /// Whether bytes of it came more than once: a fragment again, or one that overlaps another.
    pub repeats: bool,
}

/// What all fragments of a datagram have: addresses, protocol and identification.
pub type Key = (IpAddr, IpAddr, u8, u32);

impl Datagram {
    /// What its fragments are known by; nothing for one that came in one packet.
    pub fn key(&self) -> Option<Key> {
        key(&self.ip)
    }

    /// The bytes at its beginning: at least those of a transport header, if they are there.
    pub fn head<'a>(&self, space: &'a Space) -> Cow<'a, [u8]> {
        let read = |part: &Part, most: u64| space.read(part.from, part.len.min(most));
        let mut all = read(&self.parts[0], LONGEST);
        for part in &self.parts[1..] {
            let left = LONGEST - all.len() as u64;
            if left > 0 {
                all.to_mut().extend_from_slice(&read(part, left));
            }
        }
        all
    }

    /// All its bytes, if they are there.
    pub fn bytes(&self, space: &Space) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend_from_slice(&space.read(part.from, part.len));
            (part.len == part.sent).then_some(())?;
        }
        Some(all)
    }

    /// Where bytes `at .. at + len` lie in the file, if they are there and in one part.
    pub fn place(&self, at: u64, len: u64) -> Option<u64> {
        let mut done = 0;
        for part in &self.parts {
            if at < done + part.len {
                return (at + len <= done + part.len).then_some(part.from + (at - done));
            }
            done += part.len;
        }
        None
    }
}

fn key(ip: &Ip) -> Option<Key> {
    let fragment = ip.fragment?;
    Some((ip.source, ip.destination, fragment.next, fragment.id))
}

/// The datagrams whose fragments did not all come yet.
#[derive(Default)]
pub struct Datagrams {
    waiting: HashMap<Key, Waiting>,
    /// So many packets were seen.
    packets: usize,
}

impl Datagrams {
    /// The datagram that is all there with this packet.
    pub fn packet(&mut self, space: &Space, record: &Record) -> Option<Datagram> {
        let number = self.packets;
        self.packets += 1;
        let ip = dissect::packet_ip(space, record)?;
        let captured = ip.end.min(record.body());
        let part = Part {
            number,
            record: *record,
            ip,
            from: record.data + ip.payload,
            len: captured.checked_sub(ip.payload)?,
            sent: ip.end - ip.payload,
        };
        let Some(key) = key(&ip) else {
            return Some(Datagram {
                ip,
                parts: vec![part],
                repeats: false,
            });
        };
        if captured < ip.end {
            return None;
        }
        if self.waiting.len() > MOST {
            self.waiting.clear();
        }
        let waiting = self.waiting.entry(key).or_default();
        if !waiting.add(part) {
            return None;
        }
        let whole = join(&waiting.parts)?;
        self.waiting.remove(&key);
        Some(whole)
    }

    /// The datagrams whose fragments did not all come, but the first one did.
    pub fn unfinished(&self) -> Vec<Datagram> {
        let waiting = self.waiting.values();
        let mut all: Vec<Datagram> = waiting.filter_map(Waiting::unfinished).collect();
        all.sort_by_key(|datagram| datagram.parts[0].number);
        all
    }

    /// Whether some fragments of a datagram are there, but not all.
    pub fn has(&self, key: &Key) -> bool {
        self.waiting.contains_key(key)
    }
}

/// The fragments of a datagram that came so far.
#[derive(Default)]
struct Waiting {
    parts: Vec<Part>,
    /// The runs of bytes that are there: the end of each, by its beginning. They do not touch.
    there: BTreeMap<u64, u64>,
    /// Where the last fragment begins, once it came.
    last: Option<u64>,
}

impl Waiting {
    /// What is there of it, if its beginning is.
    fn unfinished(&self) -> Option<Datagram> {
        let mut sorted = self.parts.clone();
        let offset = |p: &Part| p.ip.fragment.map_or(0, |f| f.carried());
        sorted.sort_by_key(offset);
        let first = sorted.first()?.ip.fragment?;
        let mut parts: Vec<Part> = Vec::new();
        let mut next = Some(first.carried()).filter(|_| first.offset == 0)?;
        for part in sorted {
            let at = offset(&part);
            if let Some(last) = parts.last_mut().filter(|_| at > next) {
                // what lies between was sent, and is not there
                last.sent += at - next;
                next = at;
            }
            let known = next - at;
            if known < part.len {
                parts.push(Part {
                    from: part.from + known,
                    len: part.len - known,
                    sent: part.sent - known,
                    ..part
                });
                next = at + part.len;
            }
        }
        Some(Datagram {
            ip: parts.first()?.ip,
            parts,
            repeats: false,
        })
    }

    /// Add a fragment; whether all of the datagram may be there. Looked at in order only then, or one that never gets whole
    /// would be looked at with each of its fragments.
    fn add(&mut self, part: Part) -> bool {
        let Some(fragment) = part.ip.fragment else {
            return false;
        };
        let (mut from, mut to) = (u64::from(fragment.offset), fragment.carried() + part.len);
        self.parts.push(part);
        if !fragment.more {
            self.last = Some(self.last.map_or(from, |last| last.min(from)));
        }
        let joined: Vec<(u64, u64)> = self
            .there
            .range(..=to)
            .rev()
            .take_while(|(_, end)| **end >= from)
            .map(|(at, end)| (*at, *end))
            .collect();
        for (at, end) in joined {
            self.there.remove(&at);
            (from, to) = (from.min(at), to.max(end));
        }
        self.there.insert(from, to);
        let begun = self.there.first_key_value();
        let begun = begun.filter(|(at, _)| **at == 0).map(|(_, end)| *end);
        self.last
            .is_some_and(|last| begun.is_some_and(|end| end >= last))
    }
}

/// The parts of a datagram in order, if all are there.
fn join(parts: &[Part]) -> Option<Datagram> {
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|p| p.ip.fragment.map(|f| f.offset));
    let mut out: Vec<Part> = Vec::new();
    // what it carries begins behind its extension headers, in the first one
    let begin = sorted.first()?.ip.fragment?.carried();
    let mut next = begin;
    for part in sorted {
        let fragment = part.ip.fragment?;
        let offset = fragment.carried();
        let known = next.checked_sub(offset)?;
        if known < part.len {
            out.push(Part {
                from: part.from + known,
                len: part.len - known,
                sent: part.sent - known,
                ..part
            });
            next = offset + part.len;
        }
        if !fragment.more {
            let bytes: u64 = parts.iter().map(|p| p.len).sum();
            return Some(Datagram {
                ip: out.first()?.ip,
                repeats: bytes != next - begin || out.len() != parts.len(),
                parts: out,
            });
        }
    }
    None
}
