//! How many bytes a capture has of a packet at most, after a change: a reader like libpcap cuts a packet that is longer.

use crate::file::{self, File, PCAP_RECORD, block};
use crate::order::Order;
use binq_core::encode::{Did, Note, Splice, patched};
use binq_core::layer::Patching;
use binq_core::{Reject, Scalar, Space, Span};

/// The limit of a file, or of an interface of pcapng.
struct Limit {
    /// The field.
    field: Span,
    path: String,
    order: Order,
    /// The section of its interface.
    section: u32,
    /// The most bytes that a packet has which grew.
    longest: u64,
    /// A packet that grew and whose length is no field: this limit tells it.
    simple: Option<String>,
    /// Whether it tells the length of a packet that is cut.
    cuts: bool,
}

/// Have each limit follow the packets that grow beyond it, unless it was assigned.
///
/// # Errors
/// Simple packet blocks that are cut have the length that the limit says: one of them cannot grow.
pub fn follow(
    under: &Space,
    of: &File,
    changes: &mut Vec<Splice>,
    cx: &mut Patching<'_>,
) -> Result<(), Reject> {
    if changes.iter().all(|c| c.growth() <= 0) {
        return Ok(());
    }
    let mut sorted: Vec<&Splice> = changes.iter().collect();
    sorted.sort_by_key(|c| (c.span.start, c.span.len));
    let limits = match of {
        File::Pcap(head) => pcap(under, of, head.order, &sorted),
        File::PcapNg => pcapng(under, of, &sorted),
    };
    for limit in limits {
        let codec = limit.order.codec(4);
        let old = under.bits(limit.field);
        let value = |bits| codec.decode(bits).unwrap_or(Scalar::Null);
        let was = value(&old);
        let assigned = changes.iter().find(|c| c.span == limit.field);
        let is_pinned = cx.pins.binary_search(&limit.field).is_ok();
        let is = assigned.map_or(was.clone(), |c| value(&c.new));
        let most = is.as_int().unwrap_or(0);
        // zero is none
        if most == 0 || most >= limit.longest.into() {
            continue;
        }
        let right = Scalar::from(limit.longest);
        let path = limit.path;
        let did = if assigned.is_some() || is_pinned {
            Did::LeftWrong { is, right }
        } else if limit.cuts {
            if let Some(packet) = limit.simple {
                let why = format!(
                    "a simple packet block has at most the {most} bytes that {path} says, and others are cut there"
                );
                return Err(Reject::Structure { path: packet, why });
            }
            Did::Warning(format!(
                "stays {most}, as it says where simple packet blocks are cut, though a packet has {right} bytes now"
            ))
        } else if let Ok(new) = codec.encode(&right, &old) {
            let splice = Splice::new(limit.field, Vec::new(), &path);
            changes.push(Splice { new, ..splice });
            Did::Recomputed {
                from: was,
                to: right,
            }
        } else {
            continue;
        };
        let offset = under.offset(limit.field.first_byte());
        cx.report.notes.push(Note { path, offset, did });
    }
    Ok(())
}

/// What becomes of the bytes of a record or block, and what is put before it, where it grows.
fn grown(under: &Space, part: Span, sorted: &[&Splice]) -> Vec<Vec<u8>> {
    let first = sorted.partition_point(|c| c.span.start < part.start);
    let near = sorted[first..]
        .iter()
        .take_while(|c| c.span.start <= part.end());
    let (mut own, mut out) = (Vec::new(), Vec::new());
    for c in near {
        let is_item = c.items == Some(crate::packets::PACKET);
        if is_item && c.span.len == 0 {
            // whole packets
            out.push(c.new.bytes().to_vec());
        } else if part.contains(c.span) && (c.span.len > 0 || c.span.start > part.start) {
            own.push((*c).clone());
        }
    }
    if own.iter().map(Splice::growth).sum::<i64>() > 0 {
        out.push(patched(under, part, &own));
    }
    out
}

fn pcap(under: &Space, of: &File, order: Order, sorted: &[&Splice]) -> Vec<Limit> {
    const HEAD: usize = PCAP_RECORD as usize;
    let mut longest = 0;
    let mut see = |bytes: &[u8]| {
        let mut at = 0;
        while at + HEAD <= bytes.len() {
            let said = order.u32(&bytes[at + 8..]) as usize;
            let len = said.min(bytes.len() - at - HEAD);
            longest = longest.max(len as u64);
            at += HEAD + len;
        }
    };
    let mut end = file::PCAP_HEAD;
    for record in of.records(under) {
        let part = Span::bytes(record.at, record.end - record.at);
        grown(under, part, sorted).iter().for_each(|b| see(b));
        end = record.end;
    }
    // what comes behind the last one was seen with it, but for a file without packets
    if end == file::PCAP_HEAD {
        let part = Span::bytes(end, 0);
        grown(under, part, sorted).iter().for_each(|b| see(b));
    }
    vec![Limit {
        field: Span::bytes(16, 4),
        path: ".snaplen".to_owned(),
        order,
        section: 0,
        longest,
        simple: None,
        cuts: false,
    }]
}

fn pcapng(under: &Space, of: &File, sorted: &[&Splice]) -> Vec<Limit> {
    let mut all: Vec<Limit> = Vec::new();
    let mut first_of_section = 0;
    let mut place = of.start();
    let (mut number, mut packets) = (0, 0);
    while let Some((block, next)) = file::next_block(under, &place) {
        place = next;
        let order = block.section.order;
        if block.kind == block::SECTION_HEADER {
            first_of_section = all.len();
        }
        let part = Span::bytes(block.at, block.end - block.at);
        for bytes in grown(under, part, sorted) {
            each_packet(&bytes, order, |interface, len| {
                let index = first_of_section + interface.unwrap_or(0) as usize;
                let Some(limit) = all.get_mut(index) else {
                    return;
                };
                limit.longest = limit.longest.max(len);
                if interface.is_none() {
                    limit.simple = Some(format!(".packets[{packets}]"));
                }
            });
        }
        if block.kind == block::INTERFACE && block.sound {
            all.push(Limit {
                field: Span::bytes(block.at + 12, 4),
                path: format!(".blocks[{number}].snap_len"),
                order,
                section: block.section.number,
                longest: 0,
                simple: None,
                cuts: false,
            });
        }
        if let Some(record) = file::packet_of(under, &block) {
            packets += 1;
            let is_cut = block.kind == block::SIMPLE_PACKET && record.original > record.captured;
            if let Some(limit) = all.get_mut(first_of_section)
                && limit.section == record.section
            {
                limit.cuts |= is_cut;
            }
        }
        number += 1;
    }
    all.retain(|limit| limit.field.byte_len() == 4 && limit.longest > 0);
    all
}

/// Of each packet in these blocks: its interface, if the block names it, and how many bytes it has.
fn each_packet(bytes: &[u8], order: Order, mut see: impl FnMut(Option<u32>, u64)) {
    let mut at = 0;
    while at + 16 <= bytes.len() {
        let field = |i: usize| bytes.get(at + i..at + i + 4).map_or(0, |b| order.u32(b));
        let total = (field(4) as usize).min(bytes.len() - at);
        let room = |head: usize| total.saturating_sub(head) as u64;
        match field(0) {
            block::ENHANCED_PACKET => see(Some(field(8)), u64::from(field(20)).min(room(32))),
            block::PACKET => {
                let interface = order.u16(&bytes[at + 8..]);
                see(Some(interface.into()), u64::from(field(20)).min(room(32)));
            }
            block::SIMPLE_PACKET => see(None, u64::from(field(8)).min(room(16))),
            _ => {}
        }
        at += total.max(12);
    }
}
