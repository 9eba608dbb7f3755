//! One packet after a change: its numbers, lengths and checksums.

use super::segment;
use super::{Limit, Survey};
use crate::checksum::{self, Sum, Verdict};
use crate::dissect::{self, Ip, Record};
use crate::file::{File, block};
use crate::flows::{Seen, Tracker};
use crate::order::Order;
use crate::tcp::{Options, Summed, pseudo_header};
use binq_core::encode::{Did, Note, Splice, patched};
use binq_core::layer::Patching;
use binq_core::{Reject, Scalar, Space, Span};

/// A packet that something follows for.
pub struct Packet<'a, 'b> {
    under: &'a Space,
    file: &'a File,
    record: Record,
    ip: Option<Ip>,
    /// All its changes, those that follow included.
    changes: Vec<Splice>,
    /// Path of the packet, of its IP header, and of what that carries.
    paths: [String; 3],
    /// For a block of pcapng that grew: its padding, and how long it must be.
    padding: Option<(Span, usize)>,
    cx: &'a mut Patching<'b>,
}

impl<'a, 'b> Packet<'a, 'b> {
    /// The packet of a record, number `number`.
    pub fn new(
        under: &'a Space,
        file: &'a File,
        number: usize,
        record: &Record,
        changes: Vec<Splice>,
        cx: &'a mut Patching<'b>,
    ) -> Self {
        let ip = dissect::packet_ip(under, record);
        let packet = format!(".packets[{number}]");
        let link = ip.is_some_and(|ip| ip.at > 0);
        let at = format!("{packet}.packet{}", if link { ".payload" } else { "" });
        let carried = format!("{at}.payload");
        Self {
            under,
            file,
            record: *record,
            ip,
            changes,
            paths: [packet, at, carried],
            padding: None,
            cx,
        }
    }

    /// Place of a byte of the packet in the file.
    fn place(&self, at: u64) -> u64 {
        self.record.data + at
    }

    /// By how many bytes a part of the file grows.
    fn growth(&self, from: u64, to: u64) -> i64 {
        let part = Span::bytes(from, to - from);
        let inside = self
            .changes
            .iter()
            .filter(|c| part.contains(c.span) && (c.span.len > 0 || c.span.start > part.start));
        inside.map(Splice::growth).sum::<i64>() / 8
    }

    fn is_touched(&self, from: u64, to: u64) -> bool {
        let part = Span::bytes(from, to - from);
        self.changes
            .iter()
            .any(|c| part.touches(c.span) && (c.span.len > 0 || c.span.start > part.start))
    }

    /// Write a field that follows, unless it was assigned.
    fn put(&mut self, path: String, at: u64, was: u64, new: Vec<u8>) {
        self.put_in(Order::BIG, path, at, was, new);
    }

    /// The same, for a field in the byte order of the file.
    fn put_in(&mut self, order: Order, path: String, at: u64, was: u64, new: Vec<u8>) {
        let span = Span::bytes(at, new.len() as u64);
        let number = |b: &[u8]| match b.len() {
            2 => u64::from(order.u16(b)),
            _ => u64::from(order.u32(b)),
        };
        let assigned = self.changes.iter().find(|c| c.span == span);
        let right = number(&new);
        let offset = self.under.offset(at);
        if assigned.is_some() || self.cx.pins.contains(&span) {
            let is = assigned.map_or(was, |c| number(c.new.bytes()));
            if is != right {
                let did = Did::LeftWrong {
                    is: is.into(),
                    right: right.into(),
                };
                self.cx.report.notes.push(Note { path, offset, did });
            }
            return;
        }
        if was == right {
            return;
        }
        let did = Did::Recomputed {
            from: was.into(),
            to: right.into(),
        };
        self.changes.push(Splice::new(span, new, &path));
        self.cx.report.notes.push(Note { path, offset, did });
    }

    fn read16(&self, at: u64) -> u64 {
        let b = self.under.read(at, 2);
        b.iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    fn read32(&self, at: u64) -> u32 {
        Order::BIG.u32(&self.under.read(at, 4))
    }

    /// Sequence and acknowledgment numbers, and SACK blocks.
    pub fn renumber(&mut self, seen: &Seen, survey: &Survey, tracker: &Tracker) {
        let Some((start, _)) = seen.parts.first().copied() else {
            return;
        };
        // the header of a segment in fragments is in the first of them
        let first = survey.firsts.get(&start).filter(|_| seen.parts.len() > 1);
        let tcp = first.map_or_else(
            || self.paths[2].clone(),
            |first| segment_path(*first, &seen.ip),
        );
        let number = |packet: &mut Self, name: &str, at: u64, by: i64| {
            let was = packet.read32(at);
            let new = was.wrapping_add(by as u32);
            packet.put(
                format!("{tcp}.{name}"),
                at,
                was.into(),
                new.to_be_bytes().to_vec(),
            );
        };
        if let Some(shifts) = survey.shifts(seen.flow, seen.who) {
            number(
                self,
                "sequence_number",
                start + 4,
                shifts.at_start(seen.seq),
            );
        }
        let Some(shifts) = survey.shifts(seen.flow, 1 - seen.who) else {
            return;
        };
        if let Some(ack) = seen.ack {
            number(self, "acknowledgment_number", start + 8, shifts.at(ack));
        }
        let options = Span::bytes(start + 20, seen.tcp.header - 20);
        let bytes = self
            .under
            .read(start + 20, seen.tcp.header - 20)
            .into_owned();
        for (i, option) in Options::new(&bytes, options).0.into_iter().enumerate() {
            for edge in 0..option.sack_blocks() * 2 {
                let at = option.span.first_byte() + 2 + edge * 4;
                let place = tracker.place(seen.flow, 1 - seen.who, self.read32(at));
                let name = if edge % 2 == 0 {
                    "left_edge"
                } else {
                    "right_edge"
                };
                let name = format!("options[{i}].blocks[{}].{name}", edge / 2);
                number(self, &name, at, place.map_or(0, |p| shifts.at(p)));
            }
        }
    }

    /// The lengths of what carries what grew.
    pub fn lengths(&mut self) -> Result<(), Reject> {
        let grown = self.growth(self.record.data, self.record.data + self.record.captured);
        if grown == 0 {
            return Ok(());
        }
        if let Some(ip) = self.ip {
            self.ip_lengths(&ip)?;
        }
        self.record_lengths(grown);
        Ok(())
    }

    fn ip_lengths(&mut self, ip: &Ip) -> Result<(), Reject> {
        let start = self.place(ip.at);
        let end = self.place(ip.end.min(self.record.captured));
        let grown = self.growth(start, end);
        let is_4 = ip.source.is_ipv4();
        let (name, at) = if is_4 {
            ("total_length", 2)
        } else {
            ("payload_length", 4)
        };
        let was = self.read16(start + at);
        // zero is that of segmentation offload, or of a jumbogram, and stays
        let path = format!("{}.{name}", self.paths[1]);
        let right = was.saturating_add_signed(grown);
        if was != 0 && grown != 0 {
            if right > 0xffff && !segment::can_split(ip) {
                return Err(Reject::NoRoom {
                    path,
                    what: "the packet outgrows the 65535 bytes of IP".to_owned(),
                    by: right - 0xffff,
                });
            }
            // one that is too long is cut in several at the end
            let new = (right.min(0xffff) as u16).to_be_bytes();
            self.put(path, start + at, was, new.to_vec());
        }
        if ip.protocol == dissect::UDP && ip.fragment.is_none() {
            let udp = self.place(ip.payload);
            let was = self.read16(udp + 4);
            let new = was.saturating_add_signed(self.growth(udp, end)) as u16;
            let path = format!("{}.length", self.paths[2]);
            self.put(path, udp + 4, was, new.to_be_bytes().to_vec());
        }
        Ok(())
    }

    fn record_lengths(&mut self, grown: i64) {
        let r = self.record;
        let path = self.paths[0].clone();
        let (order, fields): (Order, &[(&str, u64)]) = match self.file {
            File::Pcap(head) => (head.order, &[("incl_len", 8), ("orig_len", 12)]),
            File::PcapNg => {
                let order = self.block_order();
                let kind = order.u32(&self.under.read(r.at, 4));
                let fields: &[(&str, u64)] = match kind {
                    block::SIMPLE_PACKET => &[("original_packet_length", 8)],
                    _ => &[
                        ("capture_packet_length", 20),
                        ("original_packet_length", 24),
                    ],
                };
                (order, fields)
            }
        };
        let put = |packet: &mut Self, name: &str, at: u64, by: i64| {
            let was = order.u32(&packet.under.read(at, 4));
            let new = order.put32(was.wrapping_add(by as u32)).to_vec();
            packet.put_in(order, format!("{path}.{name}"), at, was.into(), new);
        };
        for (name, at) in fields {
            put(self, name, r.at + at, grown);
        }
        if let File::PcapNg = self.file {
            let end = r.data + r.captured;
            let said = Span::bytes(r.at + fields[0].1, 4);
            let is_assigned = self.cx.pins.contains(&said)
                || self.changes.iter().any(|c| c.assigned && c.span == said);
            let old = (4 - r.captured % 4) % 4;
            let there = old.min(r.end - 4 - end);
            let pad = Span::bytes(end, there);
            let keeps = there > 0
                && (self.cx.pins.contains(&pad) || self.changes.iter().any(|c| c.span == pad));
            // an assigned length says where the padding begins, whatever is there
            let new = match is_assigned || keeps {
                true => there,
                false => (4 - r.captured.saturating_add_signed(grown) % 4) % 4,
            };
            self.pad_note(pad, new);
            self.padding = Some((Span::bytes(end, there), new as usize));
            let by = grown + new as i64 - there as i64;
            put(self, "length", r.at + 4, by);
            put(self, "footer_length", r.end - 4, by);
        }
    }

    /// Say that the padding of a block becomes `new` bytes.
    fn pad_note(&mut self, pad: Span, new: u64) {
        let there = pad.len / 8;
        if there == new {
            return;
        }
        let (path, did) = match there {
            0 => {
                let did = Did::Other(format!("padded with {new} bytes"));
                (self.paths[0].clone(), did)
            }
            _ => {
                let from = self.under.read(pad.first_byte(), there).into_owned();
                let did = Did::Recomputed {
                    from: Scalar::Bytes(from.into()),
                    to: Scalar::Bytes(vec![0; new as usize].into()),
                };
                (format!("{}.padding", self.paths[0]), did)
            }
        };
        let offset = self.under.offset(pad.first_byte());
        self.cx.report.notes.push(Note { path, offset, did });
    }

    /// The byte order of a block, by its two lengths, which are the same.
    fn block_order(&self) -> Order {
        let total = self.record.end - self.record.at;
        let said = self.under.read(self.record.at + 4, 4);
        match u64::from(Order::LITTLE.u32(&said)) == total {
            true => Order::LITTLE,
            false => Order::BIG,
        }
    }

    /// The checksum of an IPv4 header.
    pub fn ip_checksum(&mut self) {
        let Some(ip) = self.ip.filter(|ip| ip.source.is_ipv4()) else {
            return;
        };
        let start = self.place(ip.at);
        let header = u64::from(self.under.read(start, 1)[0] & 15) * 4;
        if start + header > self.place(self.record.captured)
            || !self.is_touched(start, start + header)
        {
            return;
        }
        let span = Span::bytes(start, header);
        let old = patched(self.under, span, &[]);
        let new = patched(self.under, span, &self.changes);
        let was = self.read16(start + 10);
        if new.len() < 20 || checksum::judge(&old, &[], 10, false, was as u16) == Verdict::Offloaded
        {
            return;
        }
        let right = checksum::right(&new, &[], 10, false);
        let path = format!("{}.header_checksum", self.paths[1]);
        self.put(path, start + 10, was, right.to_be_bytes().to_vec());
    }

    /// The checksum of TCP or UDP in a packet of one piece.
    pub fn checksum(&mut self) {
        let Some(ip) = self.ip.filter(|ip| ip.fragment.is_none()) else {
            return;
        };
        let start = self.place(ip.payload.min(self.record.captured));
        let end = self.place(ip.end.min(self.record.captured));
        let addresses = match ip.source.is_ipv4() {
            true => (self.place(ip.at) + 12, self.place(ip.at) + 20),
            false => (self.place(ip.at) + 8, self.place(ip.at) + 40),
        };
        let touched = self.is_touched(start, end) || self.is_touched(addresses.0, addresses.1);
        if !touched {
            return;
        }
        let span = Span::bytes(start, end - start);
        let old = patched(self.under, span, &[]);
        let new = patched(self.under, span, &self.changes);
        let complete = ip.end <= self.record.captured;
        self.transport(&ip, start, &old, &new, complete);
    }

    /// The checksum of a segment in several fragments, once the last one is there.
    ///
    /// It is in the first one, which is packet number `first`.
    pub fn fragments_checksum(&mut self, seen: &Seen, all: &[Splice], first: usize) {
        let read = |changes: &[Splice]| {
            seen.parts.iter().fold(Vec::new(), |mut out, (at, len)| {
                out.extend(patched(self.under, Span::bytes(*at, *len), changes));
                out
            })
        };
        let old = read(&[]);
        let both: Vec<Splice> = all.iter().chain(&self.changes).cloned().collect();
        let new = read(&both);
        self.paths[2] = segment_path(first, &seen.ip);
        let field = Span::bytes(seen.parts[0].0 + 16, 2);
        // what was assigned there is a change of another packet
        self.changes.extend(
            all.iter()
                .filter(|c| c.assigned && c.span == field)
                .cloned(),
        );
        if old != new {
            self.transport(&seen.ip, seen.parts[0].0, &old, &new, true);
        }
    }

    /// Sum a segment again, by how it was summed before.
    fn transport(&mut self, ip: &Ip, start: u64, old: &[u8], new: &[u8], complete: bool) {
        let Some(Summed { at, header, udp }) = crate::tcp::summed(ip.protocol) else {
            return;
        };
        if new.len() < header || old.len() < header {
            return;
        }
        let wire_len = match ip.fragment {
            None => ip.end - ip.payload,
            Some(_) => old.len() as u64,
        };
        let growth = new.len() as i64 - old.len() as i64;
        let before = pseudo_header(ip, wire_len);
        let after = self.new_pseudo(ip, wire_len.saturating_add_signed(growth));
        let was = self.read16(start + at) as u16;
        if udp && was == 0 {
            return;
        }
        let i = at as usize;
        let right = if !complete {
            // what was not captured did not change: take out the bytes of before, put in those of after
            if was == checksum::partial(&before) {
                checksum::partial(&after)
            } else {
                update(was, (&before, old), (&after, new), i)
            }
        } else {
            match checksum::judge(old, &before, at, udp, was) {
                Verdict::Offloaded if was == 0 => 0,
                Verdict::Offloaded => checksum::partial(&after),
                _ => checksum::right(new, &after, at, udp),
            }
        };
        let path = format!("{}.checksum", self.paths[2]);
        self.put(path, start + at, was.into(), right.to_be_bytes().to_vec());
    }

    /// The pseudo header with the addresses of after.
    fn new_pseudo(&self, ip: &Ip, len: u64) -> Vec<u8> {
        let start = self.place(ip.at);
        let (at, size) = if ip.source.is_ipv4() {
            (12, 4)
        } else {
            (8, 16)
        };
        let addresses = patched(self.under, Span::bytes(start + at, size * 2), &self.changes);
        let (a, b) = addresses.split_at(size as usize);
        checksum::pseudo(a, b, ip.protocol, len)
    }

    /// The bytes of the record after all changes.
    fn bytes(&self) -> Vec<u8> {
        let part =
            |from: u64, to: u64| patched(self.under, Span::bytes(from, to - from), &self.changes);
        let Some((padding, len)) = self.padding else {
            return part(self.record.at, self.record.end);
        };
        let mut out = part(self.record.at, padding.first_byte());
        out.resize(out.len() + len, 0);
        out.extend(part(padding.end_byte(), self.record.end));
        out
    }

    /// All changes of the packet; one that outgrew its path in several.
    pub fn finish(self, seen: Option<&Seen>, limit: Option<Limit>) -> Vec<Splice> {
        let span = Span::bytes(self.record.at, self.record.end - self.record.at);
        if let Some((most, parts)) = self.split(seen, limit) {
            self.cx.report.notes.push(Note {
                path: self.paths[0].clone(),
                offset: self.under.offset(self.record.at),
                did: Did::Other(format!(
                    "split: its path is known to take {most} bytes in a segment"
                )),
            });
            return vec![Splice::new(span, parts, &self.paths[0])];
        }
        let Some((padding, len)) = self.padding else {
            return self.changes;
        };
        // what is appended to the packet comes before what pads it: the padding is written together with what follows
        if padding.byte_len() == len as u64 {
            return self.changes;
        }
        let tail = Span::bytes(padding.first_byte(), self.record.end - padding.first_byte());
        let after = Span::bytes(padding.end_byte(), self.record.end - padding.end_byte());
        let mut new = vec![0; len];
        new.extend(patched(self.under, after, &self.changes));
        let mut out = self.changes;
        out.retain(|c| c.span.end() <= tail.start);
        out.push(Splice::new(tail, new, &self.paths[0]));
        out
    }

    fn split(&self, seen: Option<&Seen>, limit: Option<Limit>) -> Option<(u64, Vec<u8>)> {
        let (seen, ip) = (seen?, self.ip?);
        let limit = limit?.payload(seen.tcp.header, ip.payload - ip.at);
        let payload = self.place(ip.payload) + seen.tcp.header;
        let end = self.place(ip.end.min(self.record.captured));
        let old = end.checked_sub(payload)?;
        let grown = self.growth(payload, end);
        let new = old.saturating_add_signed(grown);
        if grown <= 0 || new <= limit || !segment::can_split(&ip) || !seen.complete {
            return None;
        }
        let order = match self.file {
            File::Pcap(head) => head.order,
            File::PcapNg => self.block_order(),
        };
        let place = segment::Place {
            data: (self.record.data - self.record.at) as usize,
            ip: ip.at as usize,
            tcp: ip.payload as usize,
            payload: (ip.payload + seen.tcp.header) as usize,
            len: new as usize,
            is_pcap: matches!(self.file, File::Pcap(_)),
            order,
        };
        let parts = segment::split(&self.bytes(), &place, limit as usize);
        Some((limit, parts))
    }
}

/// Path of what the IP packet in a packet carries.
fn segment_path(packet: usize, ip: &Ip) -> String {
    let link = if ip.at > 0 { ".payload" } else { "" };
    format!(".packets[{packet}].packet{link}.payload")
}

/// A checksum, updated for bytes that changed (RFC 1624), among bytes that are not all there.
fn update(was: u16, before: (&[u8], &[u8]), after: (&[u8], &[u8]), at: usize) -> u16 {
    let sum = |(pseudo, bytes): (&[u8], &[u8])| {
        let mut sum = Sum::default();
        sum.add(pseudo);
        sum.add(&bytes[..at]);
        sum.add(&[0, 0]);
        sum.add(&bytes[at + 2..]);
        sum.fold()
    };
    let mut rest = Sum::default();
    rest.add(&(!was).to_be_bytes());
    rest.remove(sum(before));
    let mut rest = rest.fold();
    // an odd number of bytes more: the missing ones change their places in the words
    if (before.1.len() + after.1.len()) % 2 == 1 {
        rest = rest.swap_bytes();
    }
    let mut new = Sum::default();
    new.add(&rest.to_be_bytes());
    new.add(&sum(after).to_be_bytes());
    !new.fold()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_updated_without_the_bytes_that_are_missing() {
        let whole: Vec<u8> = (0..61).collect();
        let right = |bytes: &[u8]| checksum::right(bytes, &[1, 2], 4, false);
        let old = &whole[..40];
        for new in [vec![9; 40], vec![9; 41], vec![200; 34]] {
            let after = [&new[..], &whole[40..]].concat();
            assert_eq!(
                update(right(&whole), (&[1, 2], old), (&[1, 2], &new), 4),
                right(&after)
            );
        }
    }
}
