//! Captures that are put together here, for what no capture on loopback has.

use bytes::Bytes;

pub(crate) const SYN: u8 = 2;
pub(crate) const FIN: u8 = 1;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// How packets are carried.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ip {
    V4,
    /// With hop-by-hop and destination options before TCP.
    V6Extended,
}

/// A connection that is written packet by packet: IP packets without a link header.
pub(crate) struct Wire {
    ip: Ip,
    port: u16,
    packets: Vec<Vec<u8>>,
    /// The next sequence number of client and server.
    pub next: [u32; 2],
}

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

impl Wire {
    pub fn new(ip: Ip, first: [u32; 2]) -> Self {
        Self {
            ip,
            port: 40_000,
            packets: Vec::new(),
            next: first,
        }
    }

    /// The handshake.
    pub fn open(&mut self) {
        let [a, b] = self.next;
        let mss = [2, 4, 5, 180]; // 1460
        self.segment(CLIENT, a, 0, SYN, &mss, b"");
        self.segment(SERVER, b, a.wrapping_add(1), SYN | ACK, &mss, b"");
        self.next = [a.wrapping_add(1), b.wrapping_add(1)];
        self.segment(CLIENT, self.next[0], self.next[1], ACK, b"", b"");
    }

    /// Both ends.
    pub fn close(&mut self) {
        for who in [CLIENT, SERVER] {
            self.segment(who, self.next[who], self.next[1 - who], FIN | ACK, b"", b"");
            self.next[who] = self.next[who].wrapping_add(1);
        }
    }

    /// The next bytes of a peer, which the other one acknowledges.
    pub fn send(&mut self, who: usize, payload: &[u8]) {
        self.segment(
            who,
            self.next[who],
            self.next[1 - who],
            ACK | PSH,
            b"",
            payload,
        );
        self.next[who] = self.next[who].wrapping_add(payload.len() as u32);
        self.segment(1 - who, self.next[1 - who], self.next[who], ACK, b"", b"");
    }

    /// Any segment. `options` is padded to whole words.
    pub fn segment(
        &mut self,
        who: usize,
        seq: u32,
        ack: u32,
        flags: u8,
        options: &[u8],
        payload: &[u8],
    ) {
        let mut ports = [self.port, 80];
        if who == SERVER {
            ports.swap(0, 1);
        }
        let header = 20 + options.len().next_multiple_of(4);
        let mut tcp = Vec::new();
        tcp.extend(ports[0].to_be_bytes());
        tcp.extend(ports[1].to_be_bytes());
        tcp.extend(seq.to_be_bytes());
        tcp.extend(ack.to_be_bytes());
        tcp.extend([(header * 4) as u8, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(options);
        tcp.resize(header, 1);
        tcp.extend(payload);
        self.packet(who, 6, 16, tcp);
    }

    /// A UDP datagram.
    pub fn datagram(&mut self, who: usize, payload: &[u8]) {
        let mut udp = vec![0x30, 0x39, 0x30, 0x3a];
        udp.extend((8 + payload.len() as u16).to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(payload);
        self.packet(who, 17, 6, udp);
    }

    fn packet(&mut self, who: usize, protocol: u8, sum_at: usize, mut body: Vec<u8>) {
        let mut ends = match self.ip {
            Ip::V4 => [vec![10, 0, 0, 1], vec![10, 0, 0, 2]],
            Ip::V6Extended => [vec![0xfd; 16], vec![0xfe; 16]],
        };
        if who == SERVER {
            ends.swap(0, 1);
        }
        let mut pseudo = ends.concat();
        pseudo.extend((body.len() as u32).to_be_bytes());
        pseudo.extend([0, 0, 0, protocol]);
        pseudo.extend(&body);
        let sum = sum(&pseudo);
        body[sum_at..sum_at + 2].copy_from_slice(&sum.to_be_bytes());
        let packet = match self.ip {
            Ip::V4 => {
                let mut ip = vec![0x45, 0];
                ip.extend((20 + body.len() as u16).to_be_bytes());
                ip.extend([0, self.packets.len() as u8, 0x40, 0, 64, protocol, 0, 0]);
                ip.extend(ends.concat());
                let sum = self::sum(&ip);
                ip[10..12].copy_from_slice(&sum.to_be_bytes());
                ip.extend(body);
                ip
            }
            Ip::V6Extended => {
                let mut ip = vec![0x60, 0, 0, 0];
                ip.extend((24 + body.len() as u16).to_be_bytes());
                ip.extend([0, 64]);
                ip.extend(ends.concat());
                // hop-by-hop options, then destination options of two words; all of it padding (PadN)
                ip.extend([60, 0, 1, 4, 0, 0, 0, 0]);
                ip.extend([protocol, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                ip.extend(body);
                ip
            }
        };
        self.packets.push(packet);
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Have a packet twice.
    pub fn again(&mut self, i: usize) {
        self.packets.insert(i, self.packets[i].clone());
    }

    /// Have a checksum of a packet over IPv4 that does not hold: the one at this byte.
    pub fn spoil(&mut self, i: usize, at: usize) {
        self.packets[i][at] ^= 0x12;
    }

    /// Write another address for one of IPv4's, as who makes a capture anonymous does: all sums stay as they were.
    pub fn rename(&mut self, i: usize, from: [u8; 4], to: [u8; 4]) {
        for at in [12, 16] {
            let address = &mut self.packets[i][at..at + 4];
            if *address == from {
                address.copy_from_slice(&to);
            }
        }
    }

    /// Send a packet in fragments of `most` bytes, in an order that `arrive` makes of theirs.
    pub fn fragment(&mut self, i: usize, most: usize, arrive: impl Fn(&mut Vec<Vec<u8>>)) {
        let sizes = vec![most; self.packets[i].len() / most];
        self.fragment_in(i, &sizes, false, arrive);
    }

    /// Send a packet in fragments of these sizes, and one with what is left. With `options`, the last extension header of IPv6
    /// comes after the fragment header, as a part of the first fragment.
    pub fn fragment_in(
        &mut self,
        i: usize,
        sizes: &[usize],
        options: bool,
        arrive: impl Fn(&mut Vec<Vec<u8>>),
    ) {
        let packet = self.packets[i].clone();
        let (headers, mut body) = packet.split_at(match (self.ip, options) {
            (Ip::V4, _) => 20,
            (Ip::V6Extended, false) => 64,
            (Ip::V6Extended, true) => 48,
        });
        let next_header = if options { 40 } else { 48 };
        let mut parts = Vec::new();
        let mut at = 0u16;
        for size in sizes.iter().copied().chain([usize::MAX]) {
            if body.is_empty() {
                break;
            }
            let (part, rest) = body.split_at(size.min(body.len()));
            body = rest;
            let more = u16::from(!rest.is_empty());
            let mut new = headers.to_vec();
            match self.ip {
                Ip::V4 => {
                    new[2..4].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
                    new[6..8].copy_from_slice(&((more << 13) | (at / 8)).to_be_bytes());
                    new[10..12].fill(0);
                    let sum = sum(&new);
                    new[10..12].copy_from_slice(&sum.to_be_bytes());
                }
                Ip::V6Extended => {
                    let len = (headers.len() - 32 + part.len()) as u16;
                    new[4..6].copy_from_slice(&len.to_be_bytes());
                    let protocol = std::mem::replace(&mut new[next_header], 44);
                    new.extend([protocol, 0]);
                    new.extend((at | more).to_be_bytes());
                    new.extend((i as u32).to_be_bytes());
                }
            }
            new.extend(part);
            parts.push(new);
            at += part.len() as u16;
        }
        arrive(&mut parts);
        self.packets.splice(i..=i, parts);
    }

    /// The capture: packets a millisecond apart.
    pub fn pcap(&self) -> Bytes {
        let mut out = vec![
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0,
        ];
        for (i, packet) in self.packets.iter().enumerate() {
            let len = packet.len() as u32;
            for n in [1_700_000_000, i as u32 * 1000, len, len] {
                out.extend(n.to_le_bytes());
            }
            out.extend(packet);
        }
        out.into()
    }
}

/// The packets of a pcap file as pcapng, each with a comment.
pub(crate) fn as_pcapng(pcap: &Bytes) -> Bytes {
    let block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &total].concat()
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &head);
    out.extend(block(1, &[101, 0, 0, 0, 0, 0, 4, 0]));
    let mut rest = &pcap[24..];
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(record[8..12].try_into().unwrap());
        let (packet, after) = after.split_at(len as usize);
        let mut body = vec![0; 4];
        let time = u64::from(u32::from_le_bytes(record[4..8].try_into().unwrap()));
        body.extend([0; 4]);
        body.extend((time as u32).to_le_bytes());
        body.extend([&record[8..16], packet].concat());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(b"\x01\0\x03\0abc\0\0\0\0\0");
        out.extend(block(6, &body));
        rest = after;
    }
    out.into()
}

fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2);
    let word = |w: &[u8]| u32::from(w[0]) << 8 | w.get(1).copied().map_or(0, u32::from);
    let mut n: u32 = words.map(word).sum();
    while n > 0xffff {
        n = (n & 0xffff) + (n >> 16);
    }
    !(n as u16)
}
