//! The TCP or UDP header of a datagram after a change: its numbers, length and checksum.
//!
//! It is at the beginning of the datagram: in its packet, or in the first of its fragments.

use super::Known;
use super::packet::Packet;
use crate::checksum::{self, Sum, Verdict};
use crate::datagrams::Datagram;
use crate::dissect::{self, Ip, Length};
use crate::flows::Seen;
use crate::order::Order;
use crate::tcp::{Options, Summed, pseudo_header, summed};
use binq_core::codec::{Bool, Int};
use binq_core::encode::{Splice, patched};
use binq_core::{Scalar, Span};

/// RFC 9293 section 3.1
const URG: u8 = 0x20;

impl Packet<'_, '_> {
    /// Sequence and acknowledgment numbers, and SACK blocks.
    pub fn renumber(&mut self, datagram: &Datagram, seen: &Seen, known: &Known<'_>) {
        let head = datagram.head(self.under);
        let tcp = self.paths[2].clone();
        let number = |packet: &mut Self, name: &str, at: u64, by: i64| {
            // an edge that two fragments share is not where an option lies that TCP pads as it should
            let (Some(place), Some(was)) = (datagram.place(at, 4), head.get(at as usize..)) else {
                return;
            };
            let right = Order::BIG.u32(was).wrapping_add(by as u32);
            let path = format!("{tcp}.{name}");
            let span = Span::bytes(place, 4);
            packet.put(&Int::U32BE, path, span, u64::from(right).into());
        };
        if let Some(shifts) = known.survey.shifts(seen.flow, seen.who) {
            let moved = shifts.start(seen.start());
            number(self, "sequence_number", 4, moved);
            // RFC 9293 section 3.8.5: with URG, how far from the sequence number urgent data ends
            if let Some([.., flags, _, _, _, _, high, low]) = head.get(..20)
                && flags & URG != 0
            {
                let was = u16::from_be_bytes([*high, *low]);
                let edge = Order::BIG.u32(&head[4..]).wrapping_add(was.into());
                let end = known.tracker.place(seen.flow, seen.who, edge);
                let by = end.map_or(0, |end| shifts.acknowledged(end, seen.packet) - moved);
                // one too far away stays, as there is no number for it
                let right = u16::try_from(i64::from(was) + by).unwrap_or(was);
                if let Some(place) = datagram.place(18, 2) {
                    let span = Span::bytes(place, 2);
                    let path = format!("{tcp}.urgent_pointer");
                    self.put(&Int::U16BE, path, span, u64::from(right).into());
                }
            }
        }
        let Some(shifts) = known.survey.shifts(seen.flow, 1 - seen.who) else {
            return;
        };
        if let Some(ack) = seen.ack {
            number(
                self,
                "acknowledgment_number",
                8,
                shifts.acknowledged(ack, seen.packet),
            );
        }
        let header = (seen.tcp.header as usize).min(head.len());
        let options = Span::bytes(20, header as u64 - 20);
        let options = Options::new(&head[20..header], options).0;
        for (i, option) in options.into_iter().enumerate() {
            for edge in 0..option.sack_blocks() * 2 {
                let at = option.span.first_byte() + 2 + edge * 4;
                let was = Order::BIG.u32(&head[at as usize..]);
                let place = known.tracker.place(seen.flow, 1 - seen.who, was);
                let name = if edge % 2 == 0 {
                    "left_edge"
                } else {
                    "right_edge"
                };
                let name = format!("options[{i}].blocks[{}].{name}", edge / 2);
                let by = place.map_or(0, |p| shifts.acknowledged(p, seen.packet));
                number(self, &name, at, by);
            }
        }
    }

    /// Take the flags away that say that the data, or the stream, ends here.
    pub fn goes_on(&mut self, datagram: &Datagram) {
        let Some(flags) = datagram.place(13, 1) else {
            return;
        };
        for (name, bit) in [("psh", 4), ("fin", 7)] {
            let path = format!("{}.{name}", self.paths[2]);
            self.put(
                &Bool,
                path,
                Span::bits(flags * 8 + bit, 1),
                Scalar::Bool(false),
            );
        }
    }

    /// The length of UDP.
    pub fn udp_length(&mut self, datagram: &Datagram) {
        let Some(at) = datagram.place(4, 2) else {
            return;
        };
        let parts = datagram.parts.iter();
        let grown: i64 = parts.map(|p| self.growth(p.from, p.from + p.len)).sum();
        if datagram.ip.protocol != dissect::UDP || grown == 0 {
            return;
        }
        let was = self.read16(at);
        if was == 0 {
            // that of a jumbogram (RFC 2675 section 4), whose length IP tells
            return;
        }
        let right = was.saturating_add_signed(grown).min(0xffff);
        let path = format!("{}.length", self.paths[2]);
        self.put(&Int::U16BE, path, Span::bytes(at, 2), right.into());
    }

    /// What a datagram has after its IP header, with the changes or without.
    pub fn payload(&self, datagram: &Datagram, changes: &[Splice]) -> Vec<Vec<u8>> {
        let part = |at, len| patched(self.under, Span::bytes(at, len), changes);
        let parts = datagram.parts.iter();
        parts.map(|p| part(p.from, p.len)).collect()
    }

    /// Sum a datagram again, by how it was summed before; of what it becomes, `cut` bytes come no more.
    pub fn checksum(&mut self, datagram: &Datagram, cut: usize) {
        let ip = &datagram.ip;
        let Some(kind) = summed(ip.protocol) else {
            return;
        };
        let Summed {
            protocol,
            at,
            header,
            udp,
        } = kind;
        let Some(place) = datagram.place(at, 2) else {
            return;
        };
        let mut old = self.payload(datagram, &[]).concat();
        let mut new = self.payload(datagram, &self.changes).concat();
        new.truncate(new.len() - cut);
        let sent: u64 = datagram.parts.iter().map(|p| p.sent).sum();
        let growth = new.len() as i64 - old.len() as i64;
        let covers = |bytes: &mut Vec<u8>, sent: u64| {
            let covered = kind.covers(bytes, sent);
            bytes.truncate(covered.map_or(bytes.len(), |len| len as usize));
            covered.unwrap_or(sent)
        };
        let becomes = covers(&mut new, sent.saturating_add_signed(growth));
        let sent = covers(&mut old, sent);
        let before = pseudo_header(ip, sent);
        let after = self.new_pseudo(becomes);
        if old == new && before == after || new.len() < header || old.len() < header {
            return;
        }
        let was = self.read16(place) as u16;
        if udp && was == 0 {
            return;
        }
        let right = if sent > old.len() as u64 || ip.ends.is_none() {
            // what is not known did not change: take out the bytes of before, put in those of after
            if was == checksum::partial(&before) {
                checksum::partial(&after)
            } else {
                update(was, (&before, &old), (&after, &new), at as usize)
            }
        } else {
            let verdict = checksum::judge(&old, &before, at, udp, was);
            match self.weigh(verdict, ip, protocol) {
                Verdict::Offloaded if was == checksum::partial(&before) => {
                    checksum::partial(&after)
                }
                // none at all
                Verdict::Offloaded => return,
                // the card makes it of each segment, whatever is here
                Verdict::Invalid(_) if ip.length == Length::Card => return,
                Verdict::Throughout(..) => return,
                Verdict::Valid | Verdict::Invalid(_) => checksum::right(&new, &after, at, udp),
            }
        };
        let path = format!("{}.checksum", self.paths[2]);
        let right = u64::from(right).into();
        self.put(&Int::U16BE, path, Span::bytes(place, 2), right);
    }

    /// The pseudo header with the addresses of after.
    fn new_pseudo(&self, len: u64) -> Vec<u8> {
        let Some(ip) = self.ip else {
            return Vec::new();
        };
        let start = self.place(ip.at);
        let header = Span::bytes(start, ip.payload - ip.at);
        let header = patched(self.under, header, &self.changes);
        let kind = if ip.source.is_ipv4() {
            dissect::IPV4
        } else {
            dissect::IPV6
        };
        let becomes = dissect::ip(&header, 0, kind, ip.end - ip.at).unwrap_or(ip);
        let protocol = ip.protocol;
        pseudo_header(
            &Ip {
                protocol,
                ..becomes
            },
            len,
        )
    }
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
