//! A segment that outgrew its path, in several.

use crate::checksum::{self, Verdict};
use crate::datagrams::Datagram;
use crate::dissect::{self, Ip, Length};
use crate::fcs;
use crate::flows::Seen;
use crate::order::Order;
use crate::tcp::{Opt, Options, pseudo_header};
use binq_core::{Space, Span};

/// The MSS that a SYN names.
pub fn mss(under: &Space, datagram: &Datagram, seen: &Seen) -> Option<u64> {
    if seen.tcp.flags & dissect::SYN == 0 {
        return None;
    }
    let head = datagram.head(under);
    let options = head.get(20..seen.tcp.header as usize)?;
    let options = Options::new(options, Span::bytes(20, options.len() as u64));
    let is_mss = |o: &&Opt| o.kind == 2 && o.span.byte_len() == 4;
    let option = options.0.iter().find(is_mss)?;
    let value = &head[option.span.first_byte() as usize + 2..];
    Some(Order::BIG.u16(value).into())
}

/// Whether a packet can be cut in several: one that is TCP and no fragment, and whose length its header tells.
pub fn can_split(ip: &Ip) -> bool {
    ip.protocol == dissect::TCP && ip.fragment.is_none() && ip.length == Length::Field
}

/// What the checksums are of packets that a packet is cut in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Those of their bytes.
    Right,
    /// What is left to the network card.
    Card,
    /// The one of that packet: it says nothing.
    Same,
}

/// Where the parts of a record are: bytes from its start, and from the start of its packet.
#[derive(Clone, Copy)]
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
    /// Bytes of the packet, with what comes after the payload: what Ethernet pads, or checks.
    pub packet: usize,
    /// So many bytes at the end of the packet are the check sequence of its frame.
    pub fcs: usize,
    /// Whether that is the sum of its bytes; else it stays as it is.
    pub is_crc: bool,
    /// Bytes at the end of the packet that the capture does not have.
    pub lost: u32,
    /// What becomes of the checksum of the IP header.
    pub ip_sum: Sums,
    /// Whether it is a record of pcap; else a block of pcapng.
    pub is_pcap: bool,
    /// Byte order of the file.
    pub order: Order,
}

/// Cut a record in several, whose segments have at most `most` bytes each.
pub fn split(record: &[u8], place: &Place, most: usize, sums: Sums) -> Vec<u8> {
    let packet = &record[place.data..];
    let headers = &packet[..place.payload];
    let payload = &packet[place.payload..place.payload + place.len];
    let mut out = Vec::with_capacity(record.len() * 2);
    let count = payload.len().div_ceil(most);
    for (i, part) in payload.chunks(most).enumerate() {
        let mut new = headers.to_vec();
        let last = i + 1 == count;
        let ip = place.ip;
        if new[ip] >> 4 == 4 {
            next_id(&mut new, ip, i as u16);
        }
        fit(&mut new, place, part.len());
        let tcp = place.tcp;
        // a SYN takes a number of its own, once (RFC 9293 section 3.4)
        let syn = i > 0 && new[tcp + 13] & dissect::SYN != 0;
        let seq = Order::BIG
            .u32(&new[tcp + 4..])
            .wrapping_add((i * most) as u32 + u32::from(syn));
        new[tcp + 4..tcp + 8].copy_from_slice(&seq.to_be_bytes());
        if syn {
            new[tcp + 13] &= !dissect::SYN;
            only_without_syn(&mut new[tcp + 20..]);
        }
        if !last {
            // the end of the data, and of the stream, is that of the last one
            new[tcp + 13] &= !(dissect::FIN | 8);
        }
        let pseudo = pseudo(&new, place, part.len());
        new.extend_from_slice(part);
        let stored = Order::BIG.u16(&new[tcp + 16..]);
        let sum = match sums {
            Sums::Right => checksum::right(&new[tcp..], &pseudo, 16, false),
            // no sum at all, or that of the pseudo header
            Sums::Card if stored != 0 => checksum::partial(&pseudo),
            Sums::Card | Sums::Same => stored,
        };
        new[tcp + 16..tcp + 18].copy_from_slice(&sum.to_be_bytes());
        write(record, place, new, i == 0, &mut out);
    }
    out
}

/// Put NOPs for the options that only a SYN may have: MSS, window scale, SACK permitted (RFC 9293, RFC 7323, RFC 2018), and the
/// cookie of TCP Fast Open (RFC 7413).
fn only_without_syn(options: &mut [u8]) {
    const NOP: u8 = 1;
    let span = Span::bytes(0, options.len() as u64);
    for option in Options::new(options, span).0 {
        if matches!(option.kind, 2 | 3 | 4 | 34) {
            let (from, to) = (option.span.first_byte(), option.span.end_byte());
            options[from as usize..to as usize].fill(NOP);
        }
    }
}

/// Give an IPv4 packet another identification.
pub fn next_id(headers: &mut [u8], ip: usize, by: u16) {
    let id = Order::BIG.u16(&headers[ip + 4..]).wrapping_add(by);
    headers[ip + 4..ip + 6].copy_from_slice(&id.to_be_bytes());
}

/// Make the IP header right for so many bytes that come after these headers.
pub fn fit(headers: &mut [u8], place: &Place, len: usize) {
    let ip = place.ip;
    let total = headers.len() - ip + len;
    if headers[ip] >> 4 == 4 {
        // one that was left to the network card stays so
        let stored = Order::BIG.u16(&headers[ip + 10..]);
        let was = checksum::judge(&headers[ip..place.tcp], &[], 10, false, stored);
        headers[ip + 2..ip + 4].copy_from_slice(&(total as u16).to_be_bytes());
        if was != Verdict::Offloaded && place.ip_sum != Sums::Same {
            let sum = checksum::right(&headers[ip..place.tcp], &[], 10, false);
            headers[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
        }
    } else {
        headers[ip + 4..ip + 6].copy_from_slice(&(total as u16 - 40).to_be_bytes());
    }
}

fn pseudo(packet: &[u8], place: &Place, payload: usize) -> Vec<u8> {
    let ip = place.ip;
    let len = (place.payload - place.tcp + payload) as u64;
    let kind = match packet[ip] >> 4 {
        4 => dissect::IPV4,
        _ => dissect::IPV6,
    };
    dissect::ip(packet, ip as u64, kind, packet.len() as u64)
        .map_or_else(Vec::new, |ip| pseudo_header(&ip, len))
}

/// What the checksum of a segment is: that of its bytes, or what is left to the network card.
pub fn sums(record: &[u8], place: &Place) -> Sums {
    let headers = &record[place.data..];
    let stored = Order::BIG.u16(&headers[place.tcp + 16..]);
    let pseudo = pseudo(headers, place, place.len);
    match checksum::judge(&[], &pseudo, 0, false, stored) {
        Verdict::Offloaded => Sums::Card,
        _ => Sums::Right,
    }
}

/// Write a packet in a record like the old one. The first one of several has what came behind the payload there: padding, or
/// the trailer of a tap. Each of them has a check sequence, where there was one.
pub fn write(record: &[u8], place: &Place, mut packet: Vec<u8>, is_first: bool, out: &mut Vec<u8>) {
    let order = place.order;
    let end = place.data + place.packet;
    let behind = &record[place.data + place.payload + place.len..end];
    let (trailer, check) = behind.split_at(behind.len().saturating_sub(place.fcs));
    if is_first {
        packet.extend_from_slice(trailer);
    }
    match place.is_crc {
        true => packet.extend(fcs::right(&packet).to_le_bytes()),
        false => packet.extend_from_slice(check),
    }
    let len = order.put32(packet.len() as u32);
    let lost = if is_first { place.lost } else { 0 };
    let original = order.put32(packet.len() as u32 + lost);
    let mut head = record[..place.data].to_vec();
    if place.is_pcap {
        head[8..12].copy_from_slice(&len);
        head[12..16].copy_from_slice(&original);
        out.extend(head);
        out.extend_from_slice(&packet);
        return;
    }
    let after = place.data + place.packet.next_multiple_of(4);
    let tail = &record[after.min(record.len() - 4)..record.len() - 4];
    let padded = packet.len().next_multiple_of(4);
    let total = order.put32((place.data + padded + tail.len() + 4) as u32);
    head[4..8].copy_from_slice(&total);
    // a simple packet block has only the one length
    if place.data >= 28 {
        head[20..24].copy_from_slice(&len);
        head[24..28].copy_from_slice(&original);
    } else {
        head[8..12].copy_from_slice(&original);
    }
    out.extend(head);
    out.extend_from_slice(&packet);
    out.resize(out.len() + padded - packet.len(), 0);
    out.extend_from_slice(tail);
    out.extend(total);
}
