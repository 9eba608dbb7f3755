//! Captures that are put together for a test: a TCP connection over IPv4, without a link header.

/// A connection, packet by packet.
pub struct Wire {
    packets: Vec<Vec<u8>>,
    next: [u32; 2],
    ports: [u16; 2],
}

impl Wire {
    /// A connection to a port, with its handshake if its beginning is `captured`.
    pub fn new(port: u16, captured: bool) -> Self {
        let mut wire = Self {
            packets: Vec::new(),
            next: [1000, 2000],
            ports: [40_000, port],
        };
        if captured {
            wire.segment(0, 2, b"");
            wire.next[0] += 1;
            wire.segment(1, 18, b"");
            wire.next[1] += 1;
            wire.segment(0, 16, b"");
        }
        wire
    }

    /// The next bytes of the client (0) or the server (1); the index of their packet.
    pub fn send(&mut self, who: usize, payload: &[u8]) -> usize {
        self.segment(who, 24, payload);
        self.next[who] = self.next[who].wrapping_add(payload.len() as u32);
        self.packets.len() - 1
    }

    /// Bytes that nobody captured.
    pub fn skip(&mut self, who: usize, bytes: u32) {
        self.next[who] = self.next[who].wrapping_add(bytes);
    }

    fn segment(&mut self, who: usize, flags: u8, payload: &[u8]) {
        let (ports, ends) = match who {
            0 => (self.ports, [[10, 0, 0, 1], [10, 0, 0, 2]]),
            _ => (
                [self.ports[1], self.ports[0]],
                [[10, 0, 0, 2], [10, 0, 0, 1]],
            ),
        };
        let mut tcp = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
        tcp.extend(self.next[who].to_be_bytes());
        tcp.extend(self.next[1 - who].to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let mut pseudo = ends.concat();
        pseudo.extend([0, 6]);
        pseudo.extend((tcp.len() as u16).to_be_bytes());
        pseudo.extend(&tcp);
        tcp[16..18].copy_from_slice(&checksum(&pseudo).to_be_bytes());
        let mut ip = vec![0x45, 0];
        ip.extend((20 + tcp.len() as u16).to_be_bytes());
        ip.extend([0, self.packets.len() as u8, 0x40, 0, 64, 6, 0, 0]);
        ip.extend(ends.concat());
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        ip.extend(tcp);
        self.packets.push(ip);
    }

    /// The capture: packets a millisecond apart. Of each, `keep` says how many bytes were captured, or that it was not.
    pub fn pcap(&self, keep: impl Fn(usize, usize) -> Option<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        for n in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
            out.extend(n.to_le_bytes());
        }
        for (i, packet) in self.packets.iter().enumerate() {
            let Some(kept) = keep(i, packet.len()) else {
                continue;
            };
            for n in [1_700_000_000, i * 1000, kept, packet.len()] {
                out.extend((n as u32).to_le_bytes());
            }
            out.extend(&packet[..kept]);
        }
        out
    }
}

/// Bytes before the payload of a packet of a [`Wire`].
pub const HEADERS: usize = 40;

/// The Internet checksum (RFC 1071).
pub fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
