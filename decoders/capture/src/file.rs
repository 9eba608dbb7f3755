//! The records of a capture file, found without making nodes.

use crate::dissect::Record;
use crate::order::Order;
use binq_core::{Malformed, Severity, Space};
use std::sync::{Arc, PoisonError, RwLock};

/// Bytes of the header of a pcap file.
pub const PCAP_HEAD: u64 = 24;
/// Bytes of the header of a record of a pcap file.
pub const PCAP_RECORD: u64 = 16;
/// Stands for a time that is not known.
pub const NEVER: i64 = i64::MIN;
/// A packet is never longer; a length beyond it is damage.
const MOST: u32 = 1 << 28;

/// The header of a pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcapHead {
    /// Byte order.
    pub order: Order,
    /// Whether times are in nanoseconds.
    pub nano: bool,
    /// At most so many bytes of a packet; 0 for all.
    pub snaplen: u32,
    /// Link type.
    pub link: u32,
    /// Bytes of the frame check sequence that packets end with.
    pub fcs: u64,
}

/// What is wrong with the length of a packet, at a byte: one beyond the limit of its capture is cut by readers that make room for no
/// more. A limit of zero is none.
pub fn beyond(at: u64, said: u32, snaplen: u32) -> Option<Malformed> {
    (snaplen > 0 && said > snaplen).then(|| {
        let expected = format!("at most {snaplen}, the snaplen of the capture");
        Malformed::new(at, expected, said.to_string()).with(Severity::Odd)
    })
}

/// The bytes of a frame check sequence that a packet of a link ends with: only those of Ethernet have one that is known here.
fn fcs_of(link: u32, said: u64) -> u64 {
    match link {
        crate::dissect::link::ETHERNET => said,
        _ => 0,
    }
}

/// The same of a frame of so many bytes: one that leaves no room for the header of Ethernet is none.
fn fcs_in(original: u64, fcs: u64) -> u64 {
    const HEADER: u64 = 14;
    if original < HEADER + fcs { 0 } else { fcs }
}

impl PcapHead {
    /// The header in these bytes.
    pub fn of(b: &[u8]) -> Option<Self> {
        let (order, nano) = match u32::from_be_bytes(b.get(..4)?.try_into().ok()?) {
            0xa1b2_c3d4 => (Order::BIG, false),
            0xd4c3_b2a1 => (Order::LITTLE, false),
            0xa1b2_3c4d => (Order::BIG, true),
            0x4d3c_b2a1 => (Order::LITTLE, true),
            _ => return None,
        };
        let network = order.u32(b.get(20..24)?);
        // the upper half says something about the frame check sequence: whether its length is there, and how many words
        let link = network & 0xffff;
        let words = network >> 28;
        let is_told = network & (1 << 26) != 0;
        Some(Self {
            order,
            nano,
            snaplen: order.u32(b.get(16..20)?),
            link,
            fcs: fcs_of(link, if is_told { words.into() } else { 0 }) * 2,
        })
    }
}

/// An interface of a pcapng section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Link type.
    pub link: u32,
    /// At most so many bytes of a packet; 0 for all.
    pub snaplen: u32,
    /// Units of a second, as a divisor.
    pub units: u128,
    /// Seconds to add to all times.
    pub offset: i64,
    /// Bytes of the frame check sequence that packets end with.
    pub fcs: u64,
}

/// A section of a pcapng file, as far as it was read.
#[derive(Clone, Debug)]
pub struct Section {
    /// Which one of the file it is, from 0.
    pub number: u32,
    /// Byte order.
    pub order: Order,
    /// Interfaces.
    pub interfaces: Interfaces,
}

/// The interfaces of a section up to some place. Those of later places are the same and more, so that all share one list.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    all: Arc<RwLock<Vec<Interface>>>,
    count: usize,
}

impl Interfaces {
    /// The interface of this number.
    pub fn get(&self, number: usize) -> Option<Interface> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all[..self.count].get(number).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// These and one more.
    fn and(&self, interface: Interface) -> Self {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        match all.get(self.count) {
            None => all.push(interface),
            // a walk that began somewhere else was here before
            Some(next) if *next == interface => {}
            Some(_) => {
                let mut own = all[..self.count].to_vec();
                own.push(interface);
                return Self {
                    all: Arc::new(RwLock::new(own)),
                    count: self.count + 1,
                };
            }
        }
        Self {
            all: self.all.clone(),
            count: self.count + 1,
        }
    }
}

/// Block types of pcapng.
pub mod block {
    #![allow(missing_docs)] // the names say it
    pub const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    pub const INTERFACE: u32 = 1;
    pub const PACKET: u32 = 2;
    pub const SIMPLE_PACKET: u32 = 3;
    pub const STATISTICS: u32 = 5;
    pub const ENHANCED_PACKET: u32 = 6;
    pub const DECRYPTION_SECRETS: u32 = 10;
    pub const CUSTOM: u32 = 0x0bad;
    pub const CUSTOM_NO_COPY: u32 = 0x4000_0bad;
}

/// A block of pcapng.
#[derive(Clone, Debug)]
pub struct Block {
    /// First byte.
    pub at: u64,
    /// First byte after it.
    pub end: u64,
    /// Type.
    pub kind: u32,
    /// Whether its lengths are right, and all of it is there.
    pub sound: bool,
    /// The section that it is in, before it.
    pub section: Arc<Section>,
}

/// What kind of file.
#[derive(Clone, Debug)]
pub enum File {
    /// pcap.
    Pcap(PcapHead),
    /// pcapng.
    PcapNg,
}

/// A place in the walk over a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// Next byte.
    pub at: u64,
    /// For pcapng: the section.
    pub section: Option<Arc<Section>>,
}

impl File {
    /// The kind of a file that begins with these bytes.
    pub fn of(b: &[u8]) -> Option<Self> {
        if b.starts_with(&block::SECTION_HEADER.to_be_bytes()) {
            return Some(Self::PcapNg);
        }
        PcapHead::of(b).map(Self::Pcap)
    }

    /// Where the walk begins.
    pub fn start(&self) -> Place {
        Place {
            at: match self {
                Self::Pcap(_) => PCAP_HEAD,
                Self::PcapNg => 0,
            },
            section: None,
        }
    }

    /// The packet at a place or, in pcapng, after it; and the place after that.
    pub fn next(&self, space: &Space, place: &Place) -> Option<(Record, Place)> {
        match self {
            Self::Pcap(head) => {
                let record = pcap_record(space, head, place.at)?;
                let next = Place {
                    at: record.end,
                    section: None,
                };
                Some((record, next))
            }
            Self::PcapNg => {
                let mut place = place.clone();
                loop {
                    let (block, next) = next_block(space, &place)?;
                    place = next;
                    if let Some(record) = packet_of(space, &block) {
                        return Some((record, place));
                    }
                }
            }
        }
    }

    /// All packets.
    pub fn records<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = Record> + 'a {
        let mut place = self.start();
        std::iter::from_fn(move || {
            let (record, next) = self.next(space, &place)?;
            place = next;
            Some(record)
        })
    }
}

fn pcap_record(space: &Space, head: &PcapHead, at: u64) -> Option<Record> {
    let h = space.read(at, PCAP_RECORD);
    if (h.len() as u64) < PCAP_RECORD {
        return None;
    }
    let field = |i: usize| head.order.u32(&h[i..i + 4]);
    let data = at + PCAP_RECORD;
    let left = space.len() - data;
    let captured = u64::from(field(8)).min(left);
    let unit = if head.nano { 1 } else { 1000 };
    let time = i64::from(field(0)) * 1_000_000_000 + i64::from(field(4)) * unit;
    let original = u64::from(field(12)).max(captured);
    Some(Record {
        at,
        end: data + captured,
        data,
        captured,
        original,
        fcs: fcs_in(original, head.fcs),
        link: head.link,
        section: 0,
        interface: 0,
        time: Some(time),
    })
}

/// The block at a place, and the place after it.
pub fn next_block(space: &Space, place: &Place) -> Option<(Block, Place)> {
    let at = place.at;
    let h = space.read(at, 12);
    if h.len() < 12 {
        return None;
    }
    let is_section = h[..4] == block::SECTION_HEADER.to_be_bytes();
    let order = if is_section {
        match h[8..12] {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::BIG,
            _ => Order::LITTLE,
        }
    } else {
        place.section.as_ref().map_or(Order::LITTLE, |s| s.order)
    };
    let kind = order.u32(&h[..4]);
    let total = order.u32(&h[4..8]);
    let left = space.len() - at;
    let fits = (12..MOST).contains(&total) && total % 4 == 0 && u64::from(total) <= left;
    let end = if fits {
        at + u64::from(total)
    } else {
        space.len()
    };
    let section = match (&place.section, is_section) {
        (Some(section), false) => section.clone(),
        (before, _) => Arc::new(Section {
            number: before.as_ref().map_or(0, |before| before.number + 1),
            order,
            interfaces: Interfaces::default(),
        }),
    };
    let block = Block {
        at,
        end,
        kind,
        sound: fits,
        section: section.clone(),
    };
    let mut next = Place {
        at: end,
        section: Some(section),
    };
    if kind == block::INTERFACE
        && fits
        && let Some(section) = &mut next.section
    {
        *section = Arc::new(Section {
            number: section.number,
            order: section.order,
            interfaces: section.interfaces.and(interface(space, &block)),
        });
    }
    Some((block, next))
}

fn interface(space: &Space, block: &Block) -> Interface {
    let order = block.section.order;
    let head = space.read(block.at + 8, 8);
    let mut out = Interface {
        link: order.u16(&head).into(),
        snaplen: order.u32(head.get(4..).unwrap_or(&[])),
        units: 1_000_000,
        offset: 0,
        fcs: 0,
    };
    for option in options(space, order, block.at + 16, block.end - 4) {
        let value = space.read(option.value, option.len);
        match (option.code, value.len()) {
            // if_tsresol: a power of ten, or with the first bit set, of two
            (9, 1) => {
                let exponent = u32::from(value[0] & 0x7f);
                let base: u128 = if value[0] & 0x80 == 0 { 10 } else { 2 };
                // of units that are smaller, no time has a nanosecond
                out.units = base.checked_pow(exponent).unwrap_or(u128::MAX);
            }
            // if_fcslen: bits by the draft, bytes by what writes it
            (13, 1) => {
                let said = u64::from(value[0]);
                let bytes = if said < 8 { said } else { said / 8 };
                out.fcs = fcs_of(out.link, bytes);
            }
            (14, 8) => {
                let (a, b) = (order.u32(&value[..4]), order.u32(&value[4..]));
                let (low, high) = match order {
                    Order::LITTLE => (a, b),
                    _ => (b, a),
                };
                out.offset = (u64::from(high) << 32 | u64::from(low)) as i64;
            }
            _ => {}
        }
    }
    out
}

/// An option of a block.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// First byte.
    pub at: u64,
    /// Code.
    pub code: u16,
    /// First byte of the value.
    pub value: u64,
    /// Bytes of the value that are there.
    pub len: u64,
    /// Bytes of the value, as the option says.
    pub said: u64,
    /// First byte after it, padding included.
    pub end: u64,
}

/// The options between two bytes.
pub fn options(space: &Space, order: Order, from: u64, to: u64) -> impl Iterator<Item = Opt> + '_ {
    let mut at = from;
    std::iter::from_fn(move || {
        if at + 4 > to {
            return None;
        }
        let h = space.read(at, 4);
        let said = u64::from(order.u16(&h[2..]));
        let left = to - (at + 4);
        let end = at + 4 + said.next_multiple_of(4).min(left);
        let option = Opt {
            at,
            code: order.u16(&h),
            value: at + 4,
            len: said.min(left),
            said,
            end,
        };
        // opt_endofopt is the last one
        at = if option.code == 0 { to } else { end };
        Some(option)
    })
}

/// The packet in a block, if it is one of a packet.
pub fn packet_of(space: &Space, block: &Block) -> Option<Record> {
    let order = block.section.order;
    let is_packet = matches!(
        block.kind,
        block::ENHANCED_PACKET | block::PACKET | block::SIMPLE_PACKET
    );
    if !block.sound && is_packet {
        // a packet whose length is damaged is still counted
        return Some(Record {
            at: block.at,
            end: block.end,
            data: block.end,
            captured: 0,
            original: 0,
            fcs: 0,
            link: u32::MAX,
            section: block.section.number,
            interface: 0,
            time: None,
        });
    }
    let h = space.read(block.at + 8, 20);
    let room = (block.end - 4).checked_sub(block.at + 8)?;
    let (number, data, captured, original, time) = match block.kind {
        block::ENHANCED_PACKET | block::PACKET if room >= 20 => {
            let number = match block.kind {
                block::PACKET => order.u16(&h[..2]).into(),
                _ => order.u32(&h[..4]),
            };
            let time = u64::from(order.u32(&h[4..8])) << 32 | u64::from(order.u32(&h[8..12]));
            (
                number,
                block.at + 28,
                order.u32(&h[12..16]),
                order.u32(&h[16..20]),
                Some(time),
            )
        }
        block::SIMPLE_PACKET if room >= 4 => {
            let original = order.u32(&h[..4]);
            let snaplen = block.section.interfaces.get(0).map_or(0, |i| i.snaplen);
            let most = if snaplen == 0 { u32::MAX } else { snaplen };
            let captured = original.min(most).min((room - 4) as u32);
            (0, block.at + 12, captured, original, None)
        }
        _ => return None,
    };
    let captured = u64::from(captured).min(block.end - 4 - data);
    let interface = block.section.interfaces.get(number as usize);
    let time = time.zip(interface).and_then(|(t, i)| {
        let ns = u128::from(t) * 1_000_000_000 / i.units.max(1);
        let since = i128::try_from(ns).ok()? + i128::from(i.offset) * 1_000_000_000;
        // beyond the year 2262 it is not known
        i64::try_from(since).ok().filter(|ns| *ns != NEVER)
    });
    let original = u64::from(original).max(captured);
    let fcs = |i: Interface| {
        let said = flags_fcs(space, block, data + captured).unwrap_or(i.fcs);
        fcs_in(original, fcs_of(i.link, said))
    };
    Some(Record {
        at: block.at,
        end: block.end,
        data,
        captured,
        original,
        fcs: interface.map_or(0, fcs),
        // a packet of an interface that is not there: its link is not known
        link: interface.map_or(u32::MAX, |i| i.link),
        section: block.section.number,
        interface: number,
        time,
    })
}

/// The bytes of the frame check sequence that the flags of a packet name, whose options begin behind its data.
fn flags_fcs(space: &Space, block: &Block, end: u64) -> Option<u64> {
    let at = end + (4 - (end - block.at) % 4) % 4;
    let to = block.end - 4;
    if block.kind == block::SIMPLE_PACKET {
        return None;
    }
    let order = block.section.order;
    let mut options = options(space, order, at, to);
    let flags = options.find(|o| o.code == 2 && o.len == 4)?;
    // bits 5 to 8; zero is not known
    let bytes = order.u32(&space.read(flags.value, 4)) >> 5 & 15;
    (bytes > 0).then_some(bytes.into())
}
