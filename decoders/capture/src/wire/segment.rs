//! A segment that outgrew its path, in several.

use crate::checksum::{self, Verdict};
use crate::dissect::{self, Ip};
use crate::flows::Seen;
use crate::order::Order;
use crate::tcp::{Opt, Options};
use binq_core::{Space, Span};

/// The MSS that a SYN names.
pub fn mss(under: &Space, seen: &Seen) -> Option<u64> {
    if seen.tcp.flags & dissect::SYN == 0 {
        return None;
    }
    let (start, _) = *seen.parts.first()?;
    let at = Span::bytes(start + 20, seen.tcp.header - 20);
    let bytes = under.read(start + 20, seen.tcp.header - 20);
    let options = Options::new(&bytes, at);
    let is_mss = |o: &&Opt| o.kind == 2 && o.span.byte_len() == 4;
    let option = options.0.iter().find(is_mss)?;
    let value = under.read(option.span.first_byte() + 2, 2);
    Some(Order::BIG.u16(&value).into())
}

/// Whether a packet can be cut in several: one that is TCP and no fragment.
pub fn can_split(ip: &Ip) -> bool {
    ip.protocol == dissect::TCP && ip.fragment.is_none()
}

/// Where the parts of a record are: bytes from its start, and from the start of its packet.
pub struct Place {
    /// The packet, in the record.
    pub data: usize,
    /// The IP header, in the packet.
    pub ip: usize,
    /// The TCP header, in the packet.
    pub tcp: usize,
    /// The payload, in the packet.
    pub payload: usize,
    /// Bytes of the payload.
    pub len: usize,
    /// Whether it is a record of pcap; else a block of pcapng.
    pub is_pcap: bool,
    /// Byte order of the file.
    pub order: Order,
}

/// Cut a record in several, whose segments have at most `most` bytes each.
pub fn split(record: &[u8], place: &Place, most: usize) -> Vec<u8> {
    let packet = &record[place.data..];
    let headers = &packet[..place.payload];
    let payload = &packet[place.payload..place.payload + place.len];
    let valid = was_valid(headers, place);
    let mut out = Vec::with_capacity(record.len() * 2);
    let count = payload.len().div_ceil(most);
    for (i, part) in payload.chunks(most).enumerate() {
        let mut new = headers.to_vec();
        let last = i + 1 == count;
        let ip = place.ip;
        if new[ip] >> 4 == 4 {
            let total = (new.len() - ip + part.len()) as u16;
            new[ip + 2..ip + 4].copy_from_slice(&total.to_be_bytes());
            let id = u16::from_be_bytes([new[ip + 4], new[ip + 5]]).wrapping_add(i as u16);
            new[ip + 4..ip + 6].copy_from_slice(&id.to_be_bytes());
            let sum = checksum::right(&new[ip..place.tcp], &[], 10, false);
            new[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
        } else {
            let len = (new.len() - ip - 40 + part.len()) as u16;
            new[ip + 4..ip + 6].copy_from_slice(&len.to_be_bytes());
        }
        let tcp = place.tcp;
        let seq = Order::BIG
            .u32(&new[tcp + 4..])
            .wrapping_add((i * most) as u32);
        new[tcp + 4..tcp + 8].copy_from_slice(&seq.to_be_bytes());
        if !last {
            // the end of the data, and of the stream, is that of the last one
            new[tcp + 13] &= !(dissect::FIN | 8);
        }
        let pseudo = pseudo(&new, place, part.len());
        new.extend_from_slice(part);
        let sum = match valid {
            true => checksum::right(&new[tcp..], &pseudo, 16, false),
            false => checksum::partial(&pseudo),
        };
        new[tcp + 16..tcp + 18].copy_from_slice(&sum.to_be_bytes());
        write(record, place, &new, &mut out);
    }
    out
}

fn pseudo(packet: &[u8], place: &Place, payload: usize) -> Vec<u8> {
    let ip = place.ip;
    let len = (place.payload - place.tcp + payload) as u64;
    let (at, size) = if packet[ip] >> 4 == 4 {
        (12, 4)
    } else {
        (8, 16)
    };
    let a = &packet[ip + at..ip + at + size];
    let b = &packet[ip + at + size..ip + at + 2 * size];
    checksum::pseudo(a, b, dissect::TCP, len)
}

/// Whether the checksum is to be computed; else it was left to the network card.
fn was_valid(headers: &[u8], place: &Place) -> bool {
    let stored = Order::BIG.u16(&headers[place.tcp + 16..]);
    let pseudo = pseudo(headers, place, place.len);
    checksum::judge(&[], &pseudo, 0, false, stored) != Verdict::Offloaded
}

/// Write a packet in a record like the old one.
fn write(record: &[u8], place: &Place, packet: &[u8], out: &mut Vec<u8>) {
    let order = place.order;
    let len = order.put32(packet.len() as u32);
    let mut head = record[..place.data].to_vec();
    if place.is_pcap {
        head[8..12].copy_from_slice(&len);
        head[12..16].copy_from_slice(&len);
        out.extend(head);
        out.extend_from_slice(packet);
        return;
    }
    let old = place.payload + place.len;
    let after = place.data + old.next_multiple_of(4);
    let tail = &record[after.min(record.len() - 4)..record.len() - 4];
    let padded = packet.len().next_multiple_of(4);
    let total = order.put32((place.data + padded + tail.len() + 4) as u32);
    head[4..8].copy_from_slice(&total);
    // a simple packet block has only the one length
    let lengths = if place.data >= 28 { 20..28 } else { 8..12 };
    for at in lengths.step_by(4) {
        head[at..at + 4].copy_from_slice(&len);
    }
    out.extend(head);
    out.extend_from_slice(packet);
    out.resize(out.len() + padded - packet.len(), 0);
    out.extend_from_slice(tail);
    out.extend(total);
}
