//! What is in a packet: link, IP and TCP headers found without making nodes. Shapes and reassembly both rest on it.

use binq_core::{Malformed, Space, Span};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Link types, <https://www.tcpdump.org/linktypes.html>.
pub mod link {
    #![allow(missing_docs)] // the names say it
    pub const NULL: u32 = 0;
    pub const ETHERNET: u32 = 1;
    pub const RAW_OLD: u32 = 12;
    pub const RAW_OPENBSD: u32 = 14;
    pub const RAW: u32 = 101;
    pub const LOOP: u32 = 108;
    pub const LINUX_SLL: u32 = 113;
    pub const IPV4: u32 = 228;
    pub const IPV6: u32 = 229;
    pub const LINUX_SLL2: u32 = 276;
}

/// Ether types.
pub const IPV4: u16 = 0x0800;
/// IPv6.
pub const IPV6: u16 = 0x86dd;
/// VLAN tags: 802.1Q, 802.1ad and two of before.
pub const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// A packet of a capture file.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// First byte of its record in the file.
    pub at: u64,
    /// First byte after its record.
    pub end: u64,
    /// First byte of the packet.
    pub data: u64,
    /// Number of bytes that were captured.
    pub captured: u64,
    /// Number of bytes that the packet had.
    pub original: u64,
    /// So many bytes at its end are its frame check sequence.
    pub fcs: u64,
    /// Link type.
    pub link: u32,
    /// For pcapng: the number of its section, from 0.
    pub section: u32,
    /// For pcapng: the number of the interface in that section.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub time: Option<i64>,
}

impl Record {
    /// Bytes that the packet had before its frame check sequence.
    pub fn sent(&self) -> u64 {
        self.original.saturating_sub(self.fcs)
    }

    /// Those of them that were captured.
    pub fn body(&self) -> u64 {
        self.captured.min(self.sent())
    }

    /// Byte `end` of the file is where something ends too early: whether the capture cut the packet there.
    pub fn is_cut_at(&self, end: u64) -> bool {
        self.captured < self.sent() && end == self.data + self.captured
    }

    /// What is wrong with what ends at byte `end` of the file, in view of that.
    pub fn cut(&self, end: u64, wrong: Malformed) -> Malformed {
        match self.is_cut_at(end) {
            true => {
                let found = format!("{}, where the capture cut the packet", wrong.found);
                Malformed::lost(end, wrong.expected, found)
            }
            false => wrong,
        }
    }
}

/// What a link header says of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// First byte of what follows, from the start of the packet.
    pub at: u64,
    /// Its ether type.
    pub kind: u16,
}

fn be16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(b.get(at..at + 2)?.try_into().ok()?))
}

fn be32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(b.get(at..at + 4)?.try_into().ok()?))
}

/// What the packet carries over its link.
pub fn carried(link: u32, b: &[u8]) -> Option<Carried> {
    let (at, kind) = match link {
        link::ETHERNET => {
            let mut at = 12;
            let mut kind = be16(b, at)?;
            while VLAN.contains(&kind) {
                at += 4;
                kind = be16(b, at)?;
            }
            (at + 2, kind)
        }
        link::LINUX_SLL => (16, be16(b, 14)?),
        link::LINUX_SLL2 => (20, be16(b, 0)?),
        link::NULL | link::LOOP => (4, family(link, b)?),
        link::IPV4 => (0, IPV4),
        link::IPV6 => (0, IPV6),
        link::RAW | link::RAW_OLD | link::RAW_OPENBSD => match b.first()? >> 4 {
            4 => (0, IPV4),
            6 => (0, IPV6),
            _ => return None,
        },
        _ => return None,
    };
    let at = at as u64;
    Some(Carried { at, kind })
}

/// The address family of a BSD loopback header; its byte order is that of the capturing machine.
fn family(link: u32, b: &[u8]) -> Option<u16> {
    let n = be32(b, 0)?;
    let n = if link == link::NULL && n > 0xffff {
        n.swap_bytes()
    } else {
        n
    };
    match n {
        2 => Some(IPV4),
        // the BSDs and macOS have three numbers for it
        10 | 24 | 28 | 30 => Some(IPV6),
        _ => None,
    }
}

/// An IP header. Places are bytes from the start of the packet.
#[derive(Clone, Copy, Debug)]
pub struct Ip {
    /// First byte.
    pub at: u64,
    /// First byte after the header, with options and extension headers.
    pub payload: u64,
    /// First byte after the datagram, by its length field; may lie past what was captured.
    pub end: u64,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    /// The addresses that checksums of what it carries cover: of who made it, and of who it is for in the end. Nothing where a
    /// route is of a kind that is not known.
    pub ends: Option<[IpAddr; 2]>,
    /// For a fragment.
    pub fragment: Option<Fragment>,
    /// How its length is told.
    pub length: Length,
}

/// How the header of an IP packet tells its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// In its field.
    Field,
    /// By the jumbo payload option of IPv6 (RFC 2675), whose four bytes are so many bytes from the start of the packet.
    Jumbo(u64),
    /// Not at all: the network card was to cut the segment in several, and to fill the length of each in.
    Card,
}

/// What a fragment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where the word with the offset and the flag lies, from the start of the packet.
    pub word: u64,
    /// For IPv6: which of the extension headers it is.
    pub extension: usize,
    /// Identification.
    pub id: u32,
    /// Its first byte in the datagram's payload.
    pub offset: u32,
    /// Whether more follow.
    pub more: bool,
    /// What the whole of it begins with: a protocol, or an extension header.
    pub next: u8,
    /// For the first one: the bytes of extension headers that it has before what it carries.
    pub before: u32,
}

impl Fragment {
    /// Where what its packet carries begins, in the whole of it.
    pub fn carried(&self) -> u64 {
        u64::from(self.offset) + u64::from(self.before)
    }
}

/// Read the IP header at byte `at` of a packet of which `b` was captured, of `sent` bytes.
pub fn ip(b: &[u8], at: u64, kind: u16, sent: u64) -> Option<Ip> {
    let h = b.get(at as usize..)?;
    match kind {
        IPV4 => ip4(h, at, sent),
        IPV6 => ip6(h, at, sent),
        _ => None,
    }
}

fn ip4(h: &[u8], at: u64, sent: u64) -> Option<Ip> {
    let fixed = h.get(..20)?;
    let ihl = u64::from(fixed[0] & 15) * 4;
    let total = u64::from(be16(fixed, 2)?);
    if fixed[0] >> 4 != 4 || ihl < 20 {
        return None;
    }
    let word = be16(fixed, 6)?;
    let (offset, more) = (u32::from(word & 0x1fff) * 8, word & 0x2000 != 0);
    // with segmentation offload the length is zero: the packet ends where it ends
    let (end, length) = match total {
        0 => (sent, Length::Card),
        _ => (at + total, Length::Field),
    };
    if end < at + ihl {
        return None;
    }
    let options = h.get(20..ihl as usize).unwrap_or(&[]);
    let last = route(options).unwrap_or(address4(fixed, 16));
    Some(Ip {
        at,
        payload: at + ihl,
        end,
        protocol: fixed[9],
        source: address4(fixed, 12),
        destination: address4(fixed, 16),
        ends: Some([address4(fixed, 12), last]),
        fragment: (more || offset > 0).then_some(Fragment {
            word: at + 6,
            extension: 0,
            id: be16(fixed, 4)?.into(),
            offset,
            more,
            next: fixed[9],
            before: 0,
        }),
        length,
    })
}

/// Extension headers that say what comes after them (RFC 8200 section 4): hop-by-hop, routing, destination, mobility, HIP,
/// shim6.
pub const EXTENSIONS: [u8; 6] = [0, 43, 60, 135, 139, 140];
/// The fragment header.
pub const FRAGMENT: u8 = 44;
/// The authentication header, whose length is counted otherwise.
pub const AUTH: u8 = 51;

/// Number of bytes of an extension header.
pub fn extension_len(kind: u8, len: u8) -> u64 {
    match kind {
        FRAGMENT => 8,
        AUTH => (u64::from(len) + 2) * 4,
        _ => (u64::from(len) + 1) * 8,
    }
}

fn ip6(h: &[u8], at: u64, sent: u64) -> Option<Ip> {
    let fixed = h.get(..40)?;
    if fixed[0] >> 4 != 6 {
        return None;
    }
    let mut next = fixed[6];
    let mut payload = 40u64;
    let said = u64::from(be16(fixed, 4)?);
    let mut length = Length::Field;
    let mut end = 40 + said;
    if let (0, Some((place, len))) = (said, jumbo(next, h.get(40..).unwrap_or(&[]))) {
        length = Length::Jumbo(at + 40 + place);
        end = 40 + len;
    } else if said == 0 && (next == TCP && sent >= at + 60 || next == UDP && sent >= at + 48) {
        // what carries nothing has no header, so that one of TCP or UDP has a length that is not told
        length = Length::Card;
        end = sent - at;
    }
    let mut fragment: Option<Fragment> = None;
    let mut extension = 0;
    let mut ends = Some([address6(fixed, 8), address6(fixed, 24)]);
    while EXTENSIONS.contains(&next) || next == FRAGMENT || next == AUTH {
        let ext = h.get(payload as usize..payload as usize + 8);
        // the headers of a whole that are not all in its first fragment are bytes of it (RFC 7112)
        let is_behind = fragment.is_some();
        let fits = |ext: &[u8]| payload + extension_len(next, ext[1]) <= end;
        if is_behind && !ext.is_some_and(fits) {
            break;
        }
        let ext = ext?;
        if next == FRAGMENT && !is_behind {
            let word = be16(ext, 2)?;
            let (offset, more) = (u32::from(word & !7), word & 1 != 0);
            if more || offset > 0 {
                fragment = Some(Fragment {
                    word: at + payload + 2,
                    extension,
                    id: be32(ext, 4)?,
                    offset,
                    more,
                    next: ext[0],
                    before: 0,
                });
            }
        }
        let len = extension_len(next, ext[1]);
        let all = h.get(payload as usize..(payload + len) as usize);
        ends = ends.and_then(|ends| ends_by(next, all?, ends));
        payload += len;
        next = ext[0];
        extension += 1;
        if let Some(fragment) = fragment.as_mut().filter(|_| is_behind) {
            fragment.before += len as u32;
        }
        if payload > end {
            return None;
        }
        // what follows the first fragment header of a later fragment is not a header
        if fragment.is_some_and(|f| f.offset > 0) {
            break;
        }
    }
    Some(Ip {
        at,
        payload: at + payload,
        end: at + end,
        protocol: next,
        source: address6(fixed, 8),
        destination: address6(fixed, 24),
        ends,
        fragment,
        length,
    })
}

/// The jumbo payload option in the hop-by-hop options that follow a header of IPv6 (RFC 2675 section 2): where its length
/// is, and the length.
fn jumbo(next: u8, b: &[u8]) -> Option<(u64, u64)> {
    const JUMBO: u8 = 0xc2;
    let len = extension_len(next, *b.get(1)?);
    let options = b.get(..len as usize).filter(|_| next == 0)?;
    let mut at = 2;
    while let (Some(kind), Some(len)) = (options.get(at), options.get(at + 1)) {
        match (*kind, *len) {
            (0, _) => at += 1,
            (JUMBO, 4) => return Some((at as u64 + 2, be32(options, at + 2)?.into())),
            _ => at += 2 + usize::from(*len),
        }
    }
    None
}

fn address4(b: &[u8], at: usize) -> IpAddr {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&b[at..at + 4]);
    Ipv4Addr::from(bytes).into()
}

fn address6(b: &[u8], at: usize) -> IpAddr {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&b[at..at + 16]);
    Ipv6Addr::from(bytes).into()
}

/// Where a packet of IPv4 goes in the end whose options name a route that is not gone yet (RFC 791, section 3.1).
fn route(options: &[u8]) -> Option<IpAddr> {
    const END: u8 = 0;
    const NOP: u8 = 1;
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    let mut rest = options;
    loop {
        match *rest {
            [] | [END, ..] => return None,
            [NOP, ref after @ ..] => rest = after,
            [kind, len, ..] => {
                let (option, after) = rest.split_at_checked(len.into()).filter(|_| len >= 2)?;
                rest = after;
                let is_route = matches!(kind, LOOSE | STRICT) && len >= 7 && option[2] <= len;
                if is_route {
                    return Some(address4(option, option.len() - 4));
                }
            }
            [_] => return None,
        }
    }
}

/// The ends of a packet of IPv6 after an extension header: a route that is not gone yet (RFC 8200 sections 4.4 and 8.1), or the
/// home address of who sent it (RFC 6275 section 6.3).
fn ends_by(kind: u8, header: &[u8], [from, to]: [IpAddr; 2]) -> Option<[IpAddr; 2]> {
    const OPTIONS: u8 = 60;
    const ROUTING: u8 = 43;
    const HOME: u8 = 0xc9;
    let segments = (header.len() - 8) / 16;
    match (kind, header[2], header[3]) {
        (ROUTING, _, 0) => Some([from, to]),
        // the last one of the list; mobile IPv6 has one
        (ROUTING, 0 | 2, _) if segments > 0 => {
            Some([from, address6(header, 8 + (segments - 1) * 16)])
        }
        // segment routing has it from the last on (RFC 8754 section 2)
        (ROUTING, 4, _) if segments > 0 => Some([from, address6(header, 8)]),
        (ROUTING, ..) => None,
        (OPTIONS, ..) => {
            let mut at = 2;
            while let (Some(kind), Some(len)) = (header.get(at), header.get(at + 1)) {
                match (kind, len) {
                    (0, _) => at += 1,
                    (&HOME, 16) if at + 18 <= header.len() => {
                        return Some([address6(header, at + 2), to]);
                    }
                    _ => at += 2 + usize::from(*len),
                }
            }
            Some([from, to])
        }
        _ => Some([from, to]),
    }
}

/// A TCP header.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Bytes of the header.
    pub header: u64,
    /// Flags: FIN, SYN, RST, PSH, ACK from bit 0 up.
    pub flags: u8,
}

/// FIN.
pub const FIN: u8 = 1;
/// SYN.
pub const SYN: u8 = 2;
/// RST.
pub const RST: u8 = 4;
/// ACK.
pub const ACK: u8 = 16;

/// Read a TCP header.
pub fn tcp(b: &[u8]) -> Option<Tcp> {
    let h = b.get(..20)?;
    let header = u64::from(h[12] >> 4) * 4;
    (header >= 20).then_some(Tcp {
        source: be16(h, 0)?,
        destination: be16(h, 2)?,
        seq: be32(h, 4)?,
        ack: be32(h, 8)?,
        header,
        flags: h[13],
    })
}

/// The IP header of a packet.
pub fn packet_ip(space: &Space, record: &Record) -> Option<Ip> {
    let bytes = space.read(record.data, record.body());
    let carried = carried(record.link, &bytes)?;
    ip(&bytes, carried.at, carried.kind, record.sent())
}

/// The bytes of a packet that were captured.
pub fn data_span(record: &Record) -> Span {
    Span::bytes(record.data, record.captured)
}
