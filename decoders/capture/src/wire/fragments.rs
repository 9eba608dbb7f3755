//! A datagram in several fragments after a change (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! Its transport header changes as that of any other. If it grows or shrinks, its bytes move ([`layout`]): every fragment but
//! the last keeps its size, and so its place; the last one takes the difference. What is too much for it goes on in more
//! fragments like it; one for which nothing is left is removed. A fragment whose payload was assigned keeps these bytes.

use super::layout::{self, Old};
use super::packet::Packet;
use super::segment::{self, Place, Sums};
use super::{Known, within};
use crate::checksum::{self, Verdict};
use crate::datagrams::{Datagram, Part};
use crate::dissect::{Fragment, Ip};
use crate::flows::Seen;
use crate::order::Order;
use crate::senders::Protocol;
use crate::tcp::pseudo_header;
use binq_core::codec::{Bool, UBits};
use binq_core::encode::{Did, Splice};
use binq_core::layer::Patching;
use binq_core::{Bits, Reject, Scalar, Span};

/// A datagram in fragments that something may follow for.
pub struct Whole<'a> {
    pub known: &'a Known<'a>,
    pub datagram: &'a Datagram,
    pub seen: Option<&'a Seen>,
    /// The changes that were made in each of its packets.
    pub own: Vec<Vec<Splice>>,
}

/// What a datagram becomes.
struct Become {
    /// The changes of all its packets, those of its transport header included.
    changes: Vec<Splice>,
    /// The bytes where each of its fragments was: what its changes make of them.
    made: Vec<Vec<u8>>,
    /// The same, without what is too much for it.
    new: Vec<Vec<u8>>,
    /// What is too much for it.
    rest: Option<Rest>,
}

/// The end of a segment that is too long, for segments of their own.
struct Rest {
    /// The TCP header that they have.
    header: Vec<u8>,
    payload: Vec<u8>,
    /// What their checksums are.
    sums: Sums,
}

impl Whole<'_> {
    /// All changes of its packets.
    pub fn patch(&self, cx: &mut Patching<'_>) -> Result<Vec<Splice>, Reject> {
        let moves = self.seen.is_some_and(|s| self.known.survey.moves(s));
        if self.own.iter().all(Vec::is_empty) && !moves {
            return Ok(Vec::new());
        }
        let fixed = self.fixed(&cx.pins);
        let whole = self.become_of(&fixed, cx);
        let parts = &self.datagram.parts;
        let resized = |(part, new): (&Part, &Vec<u8>)| part.len != new.len() as u64;
        if whole.rest.is_some() || parts.iter().zip(&whole.new).any(resized) {
            return self.lay_out(whole, &fixed, cx);
        }
        let mut out = Vec::new();
        for part in parts.iter().filter(|p| !self.known.is_gone(&p.record)) {
            let mut packet = self.packet(part, &whole.changes, cx);
            packet.lengths()?;
            packet.ip_checksum();
            out.extend(packet.finish(None, None));
        }
        Ok(out)
    }

    fn packet<'b, 'c>(
        &'b self,
        part: &Part,
        changes: &[Splice],
        cx: &'b mut Patching<'c>,
    ) -> Packet<'b, 'c> {
        let changes = within(changes, &part.record).cloned().collect();
        Packet::new(self.known, part.number, &part.record, changes, cx)
    }

    /// Which of its fragments keep the payload that was assigned. `pins` are sorted.
    fn fixed(&self, pins: &[Span]) -> Vec<bool> {
        let parts = &self.datagram.parts;
        let header = self.seen.map_or(0, |seen| seen.tcp.header * 8);
        // the pins that begin in a fragment
        let begin_in = |part: &Part| {
            let span = part.span();
            let first = pins.partition_point(|p| p.start < span.start);
            let last = pins.partition_point(|p| p.start < span.end());
            &pins[first..last]
        };
        let is_fixed = |(i, part): (usize, &Part)| {
            let span = part.span();
            let is_end = |s: Span| span.contains(s) && s.end() == span.end();
            // a message that was assigned may be all that a fragment has, but may move
            let as_packet = |c: &Splice| !c.lowered;
            let mut own = self.own[i].iter().filter(|c| c.assigned && is_end(c.span));
            let is_payload = |pin: &Span| {
                let start = if i == 0 { header } else { 0 };
                is_end(*pin) && pin.start == span.start + start
            };
            // and one that keeps its value is in the fragments beside it, too
            let beside = || {
                let before = i.checked_sub(1).map(|i| &parts[i]);
                let ends = |p: &Part| begin_in(p).iter().any(|pin| pin.end() == p.span().end());
                let begins = |p: &Part| begin_in(p).iter().any(|pin| pin.start == p.span().start);
                before.is_some_and(ends) || parts.get(i + 1).is_some_and(begins)
            };
            own.any(as_packet) || begin_in(part).iter().any(is_payload) && !beside()
        };
        parts.iter().enumerate().map(is_fixed).collect()
    }

    /// Change its transport header.
    fn become_of(&self, fixed: &[bool], cx: &mut Patching<'_>) -> Become {
        let datagram = self.datagram;
        let first = &datagram.parts[0];
        let mut packet = self.packet(first, &[], cx);
        packet.changes = self.own.concat();
        if let Some(seen) = self.seen {
            packet.renumber(datagram, seen, self.known);
        }
        packet.udp_length(datagram);
        let rest = match fixed.contains(&true) {
            true => None,
            false => self.rest(&packet),
        };
        if rest.is_some() {
            packet.goes_on(datagram);
        }
        let cut = rest.as_ref().map_or(0, |rest| rest.payload.len());
        packet.checksum(datagram, cut);
        let made = packet.payload(datagram, &packet.changes);
        let mut new = made.clone();
        let mut left = cut;
        for part in new.iter_mut().rev() {
            let len = part.len().saturating_sub(left);
            left -= part.len() - len;
            part.truncate(len);
        }
        Become {
            changes: packet.changes,
            made,
            new,
            rest,
        }
    }

    /// What a segment that grew has too much for its connection.
    fn rest(&self, packet: &Packet<'_, '_>) -> Option<Rest> {
        let (datagram, seen) = (self.datagram, self.seen?);
        let limit = self.known.survey.limit(seen)?;
        let ip = &datagram.ip;
        let header = seen.tcp.header;
        let most = (header + limit.payload(header, ip.payload - ip.at)) as usize;
        let old = packet.payload(datagram, &[]).concat();
        let mut new = packet.payload(datagram, &packet.changes).concat();
        if new.len() <= most.max(old.len()) {
            return None;
        }
        let payload = new.split_off(most);
        new.truncate(header as usize);
        let next = Order::BIG
            .u32(&new[4..])
            .wrapping_add(most as u32 - header as u32);
        new[4..8].copy_from_slice(&next.to_be_bytes());
        let stored = Order::BIG.u16(&old[16..]);
        let pseudo = pseudo_header(ip, old.len() as u64);
        let verdict = checksum::judge(&old, &pseudo, 16, false, stored);
        Some(Rest {
            header: new,
            payload,
            sums: match packet.weigh(verdict, ip, Protocol::Tcp) {
                Verdict::Throughout(..) => Sums::Same,
                Verdict::Offloaded => Sums::Card,
                Verdict::Valid | Verdict::Invalid(_) => Sums::Right,
            },
        })
    }

    /// Lay its bytes out again in fragments.
    fn lay_out(
        &self,
        whole: Become,
        fixed: &[bool],
        cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let ip = &self.datagram.ip;
        let parts = &self.datagram.parts;
        let by = self.resized_by();
        let size = whole.new.iter().map(Vec::len).sum::<usize>() as u64;
        let most = 0xffff - (ip.payload - ip.at);
        if size > most {
            return Err(Reject::NoRoom {
                path: by,
                what: "its packet in fragments outgrows the 65535 bytes of IP".to_owned(),
                by: size - most,
            });
        }
        let old = parts.iter().zip(&whole.new).zip(fixed);
        let old = old.map(|((part, new), fixed)| Old {
            len: part.len as usize,
            new: new.clone(),
            fixed: *fixed,
        });
        let old: Vec<Old> = old.collect();
        let pieces = layout::pieces(&old).map_err(|size| Reject::Structure {
            path: by.clone(),
            why: format!(
                "fragments before the last have a multiple of 8 bytes (RFC 791 section 3.2), not {size}; \
                 assign another size, or write it as it is with --no-fix"
            ),
        })?;
        let last = pieces.iter().rposition(|p| !p.is_empty());
        let before = parts[0].ip.fragment.map_or(0, |f| f.before);
        let mut at = 0;
        let mut out = Vec::new();
        let mut records = Vec::new();
        for (i, (part, pieces)) in parts.iter().zip(&pieces).enumerate() {
            let Some(was) = part.ip.fragment else {
                continue;
            };
            let here = Fragment {
                offset: if i == 0 { 0 } else { before + at },
                more: last != Some(i) || pieces.len() > 1,
                ..was
            };
            at += pieces.iter().map(Vec::len).sum::<usize>() as u32;
            let moved = pieces.first() != Some(&whole.made[i]);
            if self.known.is_gone(&part.record) {
                // what moves through a packet that is removed contradicts that
                let moved = moved.then(|| Splice::new(part.span(), whole.new[i].clone(), &by));
                out.extend(moved);
                continue;
            }
            let mut packet = self.packet(part, &whole.changes, cx);
            let Some((own, more)) = pieces.split_first() else {
                out.push(packet.remove(part)?);
                continue;
            };
            if moved {
                packet.carry(part, own, &by)?;
            }
            packet.lengths()?;
            packet.fragment(&part.ip, &here);
            packet.ip_checksum();
            let place = packet.parts(&part.ip, 0, own.len() as u64);
            let record = packet.bytes();
            if !more.is_empty() {
                packet.said(format!("split: {} more fragments", more.len()));
            }
            let hashes = packet.written_hashes();
            out.extend(packet.finish(None, None));
            let mut new = Vec::new();
            let own_before = if i == 0 { before } else { 0 };
            let mut offset = here.offset + own_before + own.len() as u32;
            for (k, piece) in more.iter().enumerate() {
                let next = Fragment {
                    offset,
                    more: last != Some(i) || k + 1 < more.len(),
                    ..here
                };
                write(&record, &place, (&part.ip, &next), piece, &mut new);
                offset += piece.len() as u32;
            }
            hashes.fix(&mut new);
            out.extend((!more.is_empty()).then(|| after(part, new)));
            records.push((part, record, place));
        }
        let Some(rest) = whole.rest else {
            return Ok(out);
        };
        // where the segment was all there, the next one can come
        let end = records.iter().max_by_key(|(part, ..)| part.number);
        if let (Some((_, head, of)), Some((part, like, place))) = (records.first(), end) {
            let fits = parts.iter().map(|p| p.len as usize).max().unwrap_or(0);
            let most = fits.saturating_sub(rest.header.len()).max(8);
            let headers = &head[of.data..of.data + of.tcp];
            let (record, place) = rest.record(headers, &parts[0].ip, (like, place));
            let mut new = segment::split(&record, &place, most, rest.sums);
            let len = rest.payload.len();
            let what = format!("split: {len} bytes go on in segments of their own");
            let mut packet = self.packet(part, &[], cx);
            packet.said(what);
            packet.written_hashes().fix(&mut new);
            out.push(after(part, new));
        }
        Ok(out)
    }

    /// The path of a change of its size.
    fn resized_by(&self) -> String {
        let mut own = self.own.iter().flatten();
        let by = own.find(|c| c.growth() != 0);
        by.map_or_else(String::new, |c| c.by.to_string())
    }
}

/// Records that come after that of a fragment.
fn after(part: &Part, new: Vec<u8>) -> Splice {
    let path = format!(".packets[{}]", part.number);
    Splice::new(Span::bytes(part.record.end, 0), new, &path)
}

impl Packet<'_, '_> {
    /// Take the packet of a fragment away.
    fn remove(&mut self, part: &Part) -> Result<Splice, Reject> {
        let (at, end) = (self.record.at, self.record.end);
        let record = Span::bytes(at, end - at);
        let is_other = |span: Span| record.contains(span) && !part.span().contains(span);
        let assigned = self.changes.iter().any(|c| c.assigned && is_other(c.span));
        let first = self.cx.pins.partition_point(|p| p.start < record.start);
        let mut pins = self.cx.pins[first..].iter();
        let mut pins = pins.by_ref().take_while(|p| p.start < record.end());
        if assigned || pins.any(|pin| is_other(*pin)) {
            return Err(Reject::Structure {
                path: self.paths[0].clone(),
                why: "nothing is left for this fragment of a datagram that shrinks, so none of its fields can be assigned"
                    .to_owned(),
            });
        }
        self.said(
            "dropped: nothing is left for this fragment of a datagram that shrinks".to_owned(),
        );
        Ok(Splice::new(record, Vec::new(), &self.paths[0]))
    }

    /// Carry other bytes of the datagram.
    fn carry(&mut self, part: &Part, new: &[u8], by: &str) -> Result<(), Reject> {
        let span = part.span();
        let reaches_out =
            |c: &&Splice| span.touches(c.span) && c.span.len > 0 && !span.contains(c.span);
        if let Some(other) = self.changes.iter().find(reaches_out) {
            return Err(Reject::Conflict {
                one: other.by.to_string(),
                other: by.to_owned(),
                offset: self.under.offset(part.from),
            });
        }
        self.changes.retain(|c| !span.contains(c.span));
        self.changes.push(Splice::new(span, new.to_vec(), by));
        let is_first = part.ip.fragment.is_some_and(|f| f.offset == 0);
        let has_header = is_first && crate::tcp::summed(part.ip.protocol).is_some();
        let payload = if has_header { ".payload" } else { "" };
        let path = format!("{}{payload}", self.paths[2]);
        let did = Did::Other("moved: its datagram grew or shrank".to_owned());
        self.note(path, self.under.offset(part.from), did);
        Ok(())
    }

    /// Where in its datagram a fragment is.
    fn fragment(&mut self, ip: &Ip, here: &Fragment) {
        let word = self.place(here.word) * 8;
        let path = match ip.source.is_ipv4() {
            true => self.paths[1].clone(),
            false => format!("{}.extensions[{}]", self.paths[1], here.extension),
        };
        let (offset, more) = places(ip);
        let units = u64::from(here.offset / 8);
        let span = Span::bits(word + offset, 13);
        self.put(
            &UBits,
            format!("{path}.fragment_offset"),
            span,
            units.into(),
        );
        let span = Span::bits(word + more, 1);
        let more = Scalar::Bool(here.more);
        self.put(&Bool, format!("{path}.more_fragments"), span, more);
    }
}

/// Which bits of its word the offset begins at, and the flag is.
fn places(ip: &Ip) -> (u64, u64) {
    match ip.source.is_ipv4() {
        true => (3, 2),
        false => (0, 15),
    }
}

/// Put a fragment into the headers of an IP packet.
fn place_in(headers: &mut [u8], ip: &Ip, here: &Fragment) {
    let (offset, more) = places(ip);
    let word = here.word * 8;
    Bits::from_uint(u128::from(here.offset / 8), 13).write_over(headers, word + offset);
    Bits::from_uint(u128::from(here.more), 1).write_over(headers, word + more);
}

/// Write a fragment like that in a record.
fn write(
    record: &[u8],
    place: &Place,
    (ip, here): (&Ip, &Fragment),
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    // what the first one has before its payload is in that one alone
    let before = ip.fragment.map_or(0, |f| f.before as usize);
    let mut packet = record[place.data..place.data + place.payload - before].to_vec();
    place_in(&mut packet, ip, here);
    segment::fit(&mut packet, place, payload.len());
    packet.extend_from_slice(payload);
    segment::write(record, place, packet, false, out);
}

impl Rest {
    /// One segment that has all of it, in a record like another one; `headers` are those of the datagram, before TCP.
    fn record(&self, headers: &[u8], ip: &Ip, (like, place): (&[u8], &Place)) -> (Vec<u8>, Place) {
        let mut packet = headers.to_vec();
        if let Some(fragment) = ip.fragment {
            let whole = Fragment {
                offset: 0,
                more: false,
                ..fragment
            };
            place_in(&mut packet, ip, &whole);
        }
        if ip.source.is_ipv4() {
            segment::next_id(&mut packet, ip.at as usize, 1);
        }
        packet.extend_from_slice(&self.header);
        let payload = packet.len();
        packet.extend_from_slice(&self.payload);
        let len = packet.len();
        // a trailer stays where it is, and a check sequence is that of each frame
        let end = place.data + place.packet;
        packet.extend_from_slice(&like[end - place.fcs..end]);
        let with_fcs = packet.len();
        let mut record = like[..place.data].to_vec();
        record.append(&mut packet);
        if !place.is_pcap {
            record.resize(place.data + with_fcs.next_multiple_of(4), 0);
            record.extend_from_slice(&like[place.data + place.packet.next_multiple_of(4)..]);
        }
        let place = Place {
            tcp: payload - self.header.len(),
            payload,
            len: len - payload,
            packet: with_fcs,
            lost: 0,
            ..*place
        };
        (record, place)
    }
}
