//! One packet after a change: its numbers, lengths and checksums.

use super::segment::{self, Sums};
use super::{Known, Limit};
use crate::checksum::{self, Verdict};
use crate::dissect::{self, Ip, Length, Record};
use crate::fcs;
use crate::file::{File, block, options};
use crate::flows::Seen;
use crate::hash;
use crate::order::Order;
use crate::senders::{Hop, Protocol, Sender, Senders};
use crate::tcp::pseudo_header;
use binq_core::codec::{Codec, Int, Raw};
use binq_core::encode::{Did, Note, Splice, patched};
use binq_core::layer::Patching;
use binq_core::{Bits, Reject, Scalar, Space, Span};

/// A packet that something follows for.
pub struct Packet<'a, 'b> {
    pub under: &'a Space,
    file: &'a File,
    senders: &'a Senders,
    pub record: Record,
    pub ip: Option<Ip>,
    /// All its changes, those that follow included.
    pub changes: Vec<Splice>,
    /// Path of the packet, of its IP header, and of what that carries.
    pub paths: [String; 3],
    /// For a block of pcapng that grew: its padding, and how long it must be.
    padding: Option<(Span, usize)>,
    pub cx: &'a mut Patching<'b>,
}

impl<'a, 'b> Packet<'a, 'b> {
    /// The packet of a record, number `number`.
    pub fn new(
        known: &'a Known<'_>,
        number: usize,
        record: &Record,
        changes: Vec<Splice>,
        cx: &'a mut Patching<'b>,
    ) -> Self {
        let ip = dissect::packet_ip(known.under, record);
        let packet = format!(".packets[{number}]");
        let link = ip.is_some_and(|ip| ip.at > 0);
        let at = format!("{packet}.packet{}", if link { ".payload" } else { "" });
        let carried = format!("{at}.payload");
        Self {
            under: known.under,
            file: known.file,
            senders: known.senders,
            record: *record,
            ip,
            changes,
            paths: [packet, at, carried],
            padding: None,
            cx,
        }
    }

    /// Place of a byte of the packet in the file.
    pub fn place(&self, at: u64) -> u64 {
        self.record.data + at
    }

    /// By how many bytes a part of the file grows.
    pub fn growth(&self, from: u64, to: u64) -> i64 {
        let part = Span::bytes(from, to - from);
        let inside = self
            .changes
            .iter()
            .filter(|c| part.contains(c.span) && (c.span.len > 0 || c.span.start > part.start));
        inside.map(Splice::growth).sum::<i64>() / 8
    }

    /// Whether a change lies in a part of the file, or at its end.
    fn is_touched(&self, from: u64, to: u64) -> bool {
        let part = Span::bytes(from, to - from);
        self.changes
            .iter()
            .any(|c| part.touches(c.span) && (c.span.len > 0 || c.span.start > part.start))
    }

    /// Write a field that follows, unless it was assigned.
    pub fn put(&mut self, codec: &dyn Codec, path: String, span: Span, right: Scalar) {
        let old = self.under.bits(span);
        let value = |bits: &Bits| codec.decode(bits).unwrap_or(Scalar::Null);
        let was = value(&old);
        let offset = self.under.offset(span.first_byte());
        let assigned = self.changes.iter().find(|c| c.span == span);
        if assigned.is_some() || self.is_pinned(span) {
            let is = assigned.map_or(was, |c| value(&c.new));
            if is != right {
                let did = Did::LeftWrong { is, right };
                self.note(path, offset, did);
            }
            return;
        }
        if was == right {
            return;
        }
        // what follows fits its field: what does not is refused before
        let Ok(new) = codec.encode(&right, &old) else {
            return;
        };
        let splice = Splice::new(span, Vec::new(), &path);
        self.changes.push(Splice { new, ..splice });
        let did = Did::Recomputed {
            from: was,
            to: right,
        };
        self.note(path, offset, did);
    }

    /// Whether a field was assigned the value that it has. The pins are sorted.
    fn is_pinned(&self, span: Span) -> bool {
        self.cx.pins.binary_search(&span).is_ok()
    }

    pub fn note(&mut self, path: String, offset: u64, did: Did) {
        self.cx.report.notes.push(Note { path, offset, did });
    }

    pub fn read16(&self, at: u64) -> u64 {
        Order::BIG.u16(&self.under.read(at, 2)).into()
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
        let end = self.place(ip.end.min(self.record.body()));
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
            let span = Span::bytes(start + at, 2);
            self.put(&Int::U16BE, path, span, right.min(0xffff).into());
        }
        if let (Length::Jumbo(place), true) = (ip.length, grown != 0) {
            let span = Span::bytes(self.place(place), 4);
            // a number in bytes that were assigned is assigned
            let is_assigned = self.changes.iter().any(|c| c.span.touches(span));
            let was = Order::BIG.u32(&self.under.read(span.first_byte(), 4));
            let right = i64::from(was) + grown;
            match u32::try_from(right) {
                Ok(right) if !is_assigned => {
                    let path = format!("{}.extensions[0].data", self.paths[1]);
                    self.put(&Int::U32BE, path, span, u64::from(right).into());
                }
                Ok(_) => {}
                Err(_) => {
                    return Err(Reject::NoRoom {
                        path: format!("{}.extensions[0].data", self.paths[1]),
                        what: "the packet outgrows the 4294967295 bytes of a jumbogram".to_owned(),
                        by: right as u64 - u64::from(u32::MAX),
                    });
                }
            }
        }
        Ok(())
    }

    /// The check sequence of the frame, if it was that of its bytes.
    fn frame_check(&mut self) {
        let r = self.record;
        let frame = Span::bytes(r.data, r.body());
        if !self.has_right_fcs() || !self.is_touched(r.data, r.data + r.body()) {
            return;
        }
        let right = fcs::right(&patched(self.under, frame, &self.changes));
        let span = Span::bytes(r.data + r.body(), 4);
        let path = format!("{}.packet.fcs", self.paths[0]);
        self.put(&Int::U32LE, path, span, u64::from(right).into());
    }

    /// Whether the frame ends with its check sequence, which was right.
    fn has_right_fcs(&self) -> bool {
        let both = Some(&self.record).filter(|r| fcs::is_crc(r));
        both.and_then(|r| fcs::compare(self.under, r))
            .is_some_and(|(stored, right)| stored == right)
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
            let was = match name {
                // one that runs past its block stands for what is there: more padding would become a part of the packet
                "capture_packet_length" => r.captured as u32,
                _ => order.u32(&packet.under.read(at, 4)),
            };
            let span = Span::bytes(at, 4);
            let right = was.wrapping_add(by as u32);
            packet.put(
                &*order.codec(4),
                format!("{path}.{name}"),
                span,
                u64::from(right).into(),
            );
        };
        for (name, at) in fields {
            put(self, name, r.at + at, grown);
        }
        if let File::PcapNg = self.file {
            let end = r.data + r.captured;
            let said = Span::bytes(r.at + fields[0].1, 4);
            let is_assigned =
                self.is_pinned(said) || self.changes.iter().any(|c| c.assigned && c.span == said);
            let old = (4 - r.captured % 4) % 4;
            let there = old.min(r.end - 4 - end);
            let pad = Span::bytes(end, there);
            let keeps =
                there > 0 && (self.is_pinned(pad) || self.changes.iter().any(|c| c.span == pad));
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
        self.note(path, offset, did);
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

    /// What a checksum said, before the changes.
    pub fn weigh(&self, verdict: Verdict, ip: &Ip, protocol: Protocol) -> Verdict {
        let by = || Sender {
            hop: Hop::of(self.under, &self.record),
            source: ip.source,
            protocol,
            in_fragments: protocol != Protocol::Ip && ip.fragment.is_some(),
        };
        self.senders.weigh(self.under, verdict, by)
    }

    /// What becomes of the checksum of the IP header. One that was left to the network card stays as it is.
    fn ip_sum(&self, ip: &Ip) -> Sums {
        if !ip.source.is_ipv4() {
            return Sums::Same;
        }
        let start = self.place(ip.at);
        let header = self.under.read(start, ip.payload - ip.at);
        let stored = Order::BIG.u16(&header[10..]);
        let verdict = checksum::judge(&header, &[], 10, false, stored);
        match self.weigh(verdict, ip, Protocol::Ip) {
            Verdict::Offloaded | Verdict::Throughout(..) => Sums::Same,
            Verdict::Valid | Verdict::Invalid(_) => Sums::Right,
        }
    }

    /// What the checksums of segments are that a segment is cut in. The segment is all there; `record` has what became of it.
    fn tcp_sums(&self, ip: &Ip, record: &[u8], place: &segment::Place) -> Sums {
        let (from, to) = (self.place(ip.payload), self.place(ip.end));
        let old = self.under.read(from, to - from);
        let stored = Order::BIG.u16(&old[16..]);
        let pseudo = pseudo_header(ip, to - from);
        let verdict = checksum::judge(&old, &pseudo, 16, false, stored);
        match self.weigh(verdict, ip, Protocol::Tcp) {
            Verdict::Throughout(..) => Sums::Same,
            _ => segment::sums(record, place),
        }
    }

    /// The checksum of an IPv4 header.
    pub fn ip_checksum(&mut self) {
        let Some(ip) = self.ip.filter(|ip| ip.source.is_ipv4()) else {
            return;
        };
        let start = self.place(ip.at);
        let header = u64::from(self.under.read(start, 1)[0] & 15) * 4;
        if start + header > self.place(self.record.body())
            || !self.is_touched(start, start + header)
        {
            return;
        }
        let span = Span::bytes(start, header);
        let new = patched(self.under, span, &self.changes);
        if new.len() < 20 || self.ip_sum(&ip) != Sums::Right {
            return;
        }
        let right = checksum::right(&new, &[], 10, false);
        let path = format!("{}.header_checksum", self.paths[1]);
        self.put(
            &Int::U16BE,
            path,
            Span::bytes(start + 10, 2),
            u64::from(right).into(),
        );
    }

    /// The bytes of the record after all changes.
    pub fn bytes(&self) -> Vec<u8> {
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
    pub fn finish(mut self, seen: Option<&Seen>, limit: Option<Limit>) -> Vec<Splice> {
        let span = Span::bytes(self.record.at, self.record.end - self.record.at);
        if let Some((most, mut parts)) = self.split(seen, limit) {
            self.written_hashes().fix(&mut parts);
            self.stale_hashes();
            self.said(format!(
                "split: its path is known to take {most} bytes in a segment"
            ));
            return vec![Splice::new(span, parts, &self.paths[0])];
        }
        self.frame_check();
        self.hash();
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

    /// The options of an enhanced packet block, each with how its hash is written if that is a CRC-32 that was right.
    fn hashes(&self) -> Vec<(Span, Option<hash::Form>)> {
        let r = self.record;
        let order = self.block_order();
        let is_enhanced = matches!(self.file, File::PcapNg)
            && order.u32(&self.under.read(r.at, 4)) == block::ENHANCED_PACKET;
        if !is_enhanced {
            return Vec::new();
        }
        let end = r.data + r.captured;
        let from = (end + (4 - r.captured % 4) % 4).min(r.end - 4);
        let whole = hash::whole(self.under, &r);
        let all = options(self.under, order, from, r.end - 4);
        all.map(|option| {
            let span = Span::bytes(option.value, option.len);
            let form = whole.as_ref().and_then(|(packet, fcs)| {
                let value = self.under.read(option.value, option.len);
                hash::Form::of(&value, packet, *fcs).filter(|_| option.code == hash::CODE)
            });
            (span, form)
        })
        .collect()
    }

    /// How its hashes are written.
    pub fn written_hashes(&self) -> hash::Hashes {
        hash::Hashes {
            order: self.block_order(),
            fcs: (self.record.captured - self.record.body()) as usize,
            forms: self.hashes().into_iter().map(|(_, form)| form).collect(),
        }
    }

    /// The hash of the packet, if it was the CRC-32 of its bytes.
    fn hash(&mut self) {
        let r = self.record;
        if !self.is_touched(r.data, r.data + r.captured) {
            return;
        }
        let frame = Span::bytes(r.data, r.captured);
        let fcs = (r.captured - r.body()) as usize;
        for (i, (span, form)) in self.hashes().into_iter().enumerate() {
            if let Some(form) = form {
                let right = form.value(&patched(self.under, frame, &self.changes), fcs);
                let path = format!("{}.options[{i}].value", self.paths[0]);
                self.put(&Raw::FIXED, path, span, Scalar::Bytes(right.into()));
            }
        }
        self.stale_hashes();
    }

    /// Say which hashes of the packet are those of the bytes that it had.
    fn stale_hashes(&mut self) {
        for (i, (span, form)) in self.hashes().into_iter().enumerate() {
            let code = self.under.read(span.first_byte() - 4, 2);
            let is_hash = self.block_order().u16(&code) == hash::CODE;
            let is_assigned = self.is_pinned(span) || self.changes.iter().any(|c| c.span == span);
            if form.is_some() || !is_hash || is_assigned {
                continue;
            }
            let name = hash::name(&self.under.read(span.first_byte(), 1));
            let path = format!("{}.options[{i}].value", self.paths[0]);
            let did = Did::Other(format!(
                "not recomputed: the {name} of the packet as it was"
            ));
            self.note(path, self.under.offset(span.first_byte()), did);
        }
    }

    /// Say what became of the packet as a whole.
    pub fn said(&mut self, what: String) {
        let offset = self.under.offset(self.record.at);
        self.note(self.paths[0].clone(), offset, Did::Other(what));
    }

    fn split(&self, seen: Option<&Seen>, limit: Option<Limit>) -> Option<(u64, Vec<u8>)> {
        let (seen, ip) = (seen?, self.ip?);
        let limit = limit?.payload(seen.tcp.header, ip.payload - ip.at);
        let payload = self.place(ip.payload) + seen.tcp.header;
        let end = self.place(ip.end.min(self.record.body()));
        let old = end.checked_sub(payload)?;
        let grown = self.growth(payload, end);
        let new = old.saturating_add_signed(grown);
        if grown <= 0 || new <= limit || !segment::can_split(&ip) || !seen.complete {
            return None;
        }
        let place = self.parts(&ip, seen.tcp.header, new);
        let record = self.bytes();
        let sums = self.tcp_sums(&ip, &record, &place);
        let parts = segment::split(&record, &place, limit as usize, sums);
        Some((limit, parts))
    }

    /// Where the parts of the record are afterwards, with so many bytes of transport header and of what comes after it.
    pub fn parts(&self, ip: &Ip, header: u64, len: u64) -> segment::Place {
        let (data, captured) = (self.record.data, self.record.captured);
        let packet = captured.saturating_add_signed(self.growth(data, data + captured));
        segment::Place {
            data: (data - self.record.at) as usize,
            ip: ip.at as usize,
            tcp: ip.payload as usize,
            payload: (ip.payload + header) as usize,
            len: len as usize,
            packet: packet as usize,
            fcs: (self.record.captured - self.record.body()) as usize,
            is_crc: self.has_right_fcs(),
            lost: (self.record.original - self.record.captured) as u32,
            ip_sum: self.ip_sum(ip),
            is_pcap: matches!(self.file, File::Pcap(_)),
            order: match self.file {
                File::Pcap(head) => head.order,
                File::PcapNg => self.block_order(),
            },
        }
    }
}
