//! Packets and capture files, byte by byte: from a case it is evident what its bytes are.

/// Byte order of a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub fn u16(self, n: u16) -> [u8; 2] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }

    pub fn u32(self, n: u32) -> [u8; 4] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }

    pub fn u64(self, n: u64) -> [u8; 8] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }
}

/// RFC 1071, on its own.
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2);
    let word = |w: &[u8]| u32::from(w[0]) << 8 | w.get(1).copied().map_or(0, u32::from);
    let mut n: u32 = words.map(word).sum();
    while n > 0xffff {
        n = (n & 0xffff) + (n >> 16);
    }
    !(n as u16)
}

/// The check sequence of IEEE 802.3, bit by bit.
pub(crate) fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut n = u32::MAX;
    for b in bytes {
        n ^= u32::from(*b);
        for _ in 0..8 {
            n = n >> 1 ^ if n & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    (!n).to_le_bytes()
}

pub(crate) const A: [u8; 4] = [10, 0, 0, 1];
pub(crate) const B: [u8; 4] = [10, 0, 0, 2];

pub(crate) const fn v6(last: u8) -> [u8; 16] {
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// An Ethernet frame.
pub(crate) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa];
    [&addresses[..], &kind.to_be_bytes(), payload].concat()
}

/// An IPv4 header; what is `None` is as it should be.
#[derive(Clone, Copy)]
pub(crate) struct V4<'a> {
    pub first: Option<u8>,
    pub tos: u8,
    pub total: Option<u16>,
    pub id: u16,
    /// Flags and fragment offset.
    pub word: u16,
    pub ttl: u8,
    pub protocol: u8,
    pub sum: Option<u16>,
    pub source: [u8; 4],
    pub destination: [u8; 4],
    pub options: &'a [u8],
}

impl Default for V4<'_> {
    fn default() -> Self {
        Self {
            first: None,
            tos: 0,
            total: None,
            id: 0x1234,
            word: 0,
            ttl: 64,
            protocol: 253,
            sum: None,
            source: A,
            destination: B,
            options: &[],
        }
    }
}

impl V4<'_> {
    pub fn with(self, payload: &[u8]) -> Vec<u8> {
        let header = 20 + self.options.len();
        let total = self.total.unwrap_or((header + payload.len()) as u16);
        let mut out = vec![self.first.unwrap_or(0x40 | (header / 4) as u8), self.tos];
        out.extend(total.to_be_bytes());
        out.extend(self.id.to_be_bytes());
        out.extend(self.word.to_be_bytes());
        out.extend([self.ttl, self.protocol, 0, 0]);
        out.extend(self.source);
        out.extend(self.destination);
        out.extend(self.options);
        let said = usize::from(out[0] & 15) * 4;
        let right = sum(&out[..said.clamp(20, header)]);
        out[10..12].copy_from_slice(&self.sum.unwrap_or(right).to_be_bytes());
        out.extend(payload);
        out
    }
}

/// An IPv6 header.
#[derive(Clone, Copy)]
pub(crate) struct V6 {
    pub first: [u8; 4],
    pub len: Option<u16>,
    pub next: u8,
    pub source: [u8; 16],
    pub destination: [u8; 16],
}

impl Default for V6 {
    fn default() -> Self {
        Self {
            first: [0x60, 0, 0, 0],
            len: None,
            next: 253,
            source: v6(1),
            destination: v6(2),
        }
    }
}

impl V6 {
    pub fn with(self, payload: &[u8]) -> Vec<u8> {
        let mut out = self.first.to_vec();
        out.extend(self.len.unwrap_or(payload.len() as u16).to_be_bytes());
        out.extend([self.next, 64]);
        out.extend(self.source);
        out.extend(self.destination);
        out.extend(payload);
        out
    }
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// What a checksum is.
#[derive(Clone, Copy)]
pub(crate) enum Sum {
    Right,
    /// That of the pseudo header, which a network card adds to.
    Partial,
    Is(u16),
}

fn pseudo(ends: &[u8], protocol: u8, len: usize) -> Vec<u8> {
    let len = (len as u32).to_be_bytes();
    [ends, &len, &[0, 0, 0, protocol]].concat()
}

/// Put a checksum at a byte of what a packet between these ends carries.
pub(crate) fn summed(
    ends: &[u8],
    protocol: u8,
    at: usize,
    sum_is: Sum,
    mut body: Vec<u8>,
) -> Vec<u8> {
    let pseudo = pseudo(ends, protocol, body.len());
    let n = match sum_is {
        Sum::Right => sum(&[&pseudo[..], &body].concat()),
        Sum::Partial => !sum(&pseudo),
        Sum::Is(n) => n,
    };
    body[at..at + 2].copy_from_slice(&n.to_be_bytes());
    body
}

/// A TCP header.
#[derive(Clone, Copy)]
pub(crate) struct Tcp<'a> {
    pub ports: [u16; 2],
    pub seq: u32,
    pub ack: u32,
    /// Data offset and flags, where they are not as they should be.
    pub word: Option<u16>,
    pub flags: u8,
    pub sum: Sum,
    pub options: &'a [u8],
}

impl Default for Tcp<'_> {
    fn default() -> Self {
        Self {
            ports: [40_000, 80],
            seq: 0x0102_0304,
            ack: 0x0506_0708,
            word: None,
            flags: ACK,
            sum: Sum::Right,
            options: &[],
        }
    }
}

impl Tcp<'_> {
    /// The segment, between these ends.
    pub fn between(self, ends: &[u8], payload: &[u8]) -> Vec<u8> {
        let words = (20 + self.options.len()) / 4;
        let word = self
            .word
            .unwrap_or((words as u16) << 12 | u16::from(self.flags));
        let mut out = Vec::new();
        out.extend(self.ports.map(u16::to_be_bytes).concat());
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend(word.to_be_bytes());
        out.extend([0x10, 0x20, 0, 0, 0x30, 0x40]);
        out.extend(self.options);
        out.extend(payload);
        summed(ends, 6, 16, self.sum, out)
    }

    /// In an IPv4 packet.
    pub fn v4(self, payload: &[u8]) -> Vec<u8> {
        let segment = self.between(&[A, B].concat(), payload);
        let ip = V4 {
            protocol: 6,
            ..V4::default()
        };
        ip.with(&segment)
    }
}

/// A UDP datagram with this length.
pub(crate) fn udp(ends: &[u8], len: Option<u16>, sum_is: Sum, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x30, 0x39, 0x30, 0x3a];
    out.extend(len.unwrap_or(8 + payload.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    summed(ends, 17, 6, sum_is, out)
}

/// A pcap file.
pub(crate) struct Pcap {
    order: Order,
    next: u32,
    out: Vec<u8>,
}

impl Pcap {
    /// Its header; the number for the link type is all of the word.
    pub fn new(order: Order, nano: bool, network: u32) -> Self {
        let magic = if nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4u32 };
        let mut out = order.u32(magic).to_vec();
        out.extend(order.u16(2));
        out.extend(order.u16(4));
        for n in [0x0102_0304, 0x0506_0708, 0x0004_0000, network] {
            out.extend(order.u32(n));
        }
        let next = 1;
        Self { order, next, out }
    }

    /// One of microseconds and little-endian numbers.
    pub fn of(network: u32) -> Self {
        Self::new(Order::Little, false, network)
    }

    /// A record with these numbers.
    pub fn record(mut self, head: [u32; 4], data: &[u8]) -> Self {
        for n in head {
            self.out.extend(self.order.u32(n));
        }
        self.out.extend(data);
        self
    }

    /// A packet, a second after the one before it.
    pub fn packet(self, data: &[u8]) -> Self {
        self.cut(data, data.len() as u32)
    }

    /// A packet of so many bytes, of which these were captured.
    pub fn cut(mut self, data: &[u8], original: u32) -> Self {
        let at = self.next;
        self.next += 1;
        self.record([at, 0, data.len() as u32, original], data)
    }

    pub fn bytes(self) -> Vec<u8> {
        self.out
    }
}

/// A pcapng file.
pub(crate) struct Ng {
    order: Order,
    out: Vec<u8>,
}

impl Ng {
    /// One that begins with a section header without options.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            out: Vec::new(),
        }
        .section(order, u64::MAX, &[])
    }

    /// One without a section header.
    pub fn bare(order: Order) -> Self {
        Self {
            order,
            out: Vec::new(),
        }
    }

    /// A section header; what follows is in its byte order.
    pub fn section(mut self, order: Order, len: u64, options: &[u8]) -> Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(2));
        body.extend(order.u64(len));
        body.extend(options);
        self.block(0x0a0d_0d0a, &body)
    }

    /// Any block; its body is padded.
    pub fn block(self, kind: u32, body: &[u8]) -> Self {
        let len = 12 + body.len().next_multiple_of(4) as u32;
        self.block_of(kind, [len, len], body)
    }

    /// One with these lengths.
    pub fn block_of(mut self, kind: u32, [head, foot]: [u32; 2], body: &[u8]) -> Self {
        self.out.extend(self.order.u32(kind));
        self.out.extend(self.order.u32(head));
        self.out.extend(body);
        let padded = self.out.len().next_multiple_of(4);
        self.out.resize(padded, 0xee);
        self.out.extend(self.order.u32(foot));
        self
    }

    pub fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Self {
        let order = self.order;
        let head = [&order.u16(link)[..], &[0, 0], &order.u32(snaplen)].concat();
        self.block(1, &[&head, options].concat())
    }

    /// An enhanced packet block.
    pub fn packet(self, interface: u32, time: u64, data: &[u8], options: &[u8]) -> Self {
        let len = data.len() as u32;
        self.cut(interface, time, data, [len, len], options)
    }

    /// One with these lengths, captured and original.
    pub fn cut(
        self,
        interface: u32,
        time: u64,
        data: &[u8],
        [captured, original]: [u32; 2],
        options: &[u8],
    ) -> Self {
        let order = self.order;
        let (high, low) = ((time >> 32) as u32, time as u32);
        let numbers = [interface, high, low, captured, original];
        let mut body = numbers.map(|n| order.u32(n)).concat();
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.out.extend(bytes);
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.out
    }
}

/// An option of a block, padded.
pub(crate) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let len = order.u16(value.len() as u16);
    let mut out = [&order.u16(code)[..], &len, value].concat();
    out.resize(out.len().next_multiple_of(4), 0xdd);
    out
}
