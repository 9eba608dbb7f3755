//! The hash of a packet that a block of pcapng may have: option `epb_hash`, draft-ietf-opsawg-pcapng section 4.3.
//!
//! The draft says that it covers the packet, but of CRC-32 no byte order, and of XOR and 2s complement no size. So a CRC-32 is right in
//! either order, with the check sequence of the frame or without it, and the others are not computed.

use crate::dissect::Record;
use crate::file::options;
use crate::order::Order;
use binq_core::{Malformed, Severity, Space};

/// The code of the option.
pub const CODE: u16 = 3;
/// The algorithm of CRC-32, in the first byte.
const CRC32: u8 = 2;

/// How a CRC-32 is written that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    big: bool,
    /// Whether it covers the check sequence of the frame.
    all: bool,
}

impl Form {
    /// The value of the option for a packet that ends with so many bytes of check sequence.
    pub fn value(self, packet: &[u8], fcs: usize) -> Vec<u8> {
        let len = packet.len() - if self.all { 0 } else { fcs.min(packet.len()) };
        let crc = crc32fast::hash(&packet[..len]);
        let crc = if self.big {
            crc.to_be_bytes()
        } else {
            crc.to_le_bytes()
        };
        [&[CRC32][..], &crc].concat()
    }

    /// That of a value which is right, if it is one.
    pub fn of(value: &[u8], packet: &[u8], fcs: usize) -> Option<Self> {
        let both = [false, true];
        let mut forms = both.iter().flat_map(|all| {
            let all = !all;
            both.map(|big| Self { big, all })
        });
        forms.find(|form| form.value(packet, fcs) == value)
    }
}

/// The name of what hashes a packet.
pub fn name(value: &[u8]) -> &'static str {
    match value.first() {
        Some(0) => "2s complement",
        Some(1) => "XOR",
        Some(&CRC32) => "CRC-32",
        Some(3) => "MD5",
        Some(4) => "SHA-1",
        Some(5) => "Toeplitz hash",
        _ => "hash",
    }
}

/// A packet and its check sequence, where all of it is there.
pub fn whole(space: &Space, record: &Record) -> Option<(Vec<u8>, usize)> {
    let packet = space.read(record.data, record.captured).into_owned();
    let fcs = (record.captured - record.body()) as usize;
    (record.captured == record.original).then_some((packet, fcs))
}

/// What is wrong with a value at a byte.
pub fn wrong(at: u64, value: &[u8], space: &Space, record: &Record) -> Option<Malformed> {
    let [CRC32, stored @ ..] = value else {
        return None;
    };
    let stored: [u8; 4] = stored.try_into().ok()?;
    let (packet, fcs) = whole(space, record)?;
    if Form::of(value, &packet, fcs).is_some() {
        return None;
    }
    let right = format!(
        "CRC-32 {:08x}, in either byte order",
        crc32fast::hash(&packet)
    );
    let found = format!("{:08x}", u32::from_le_bytes(stored));
    Some(Malformed::new(at + 1, right, found).with(Severity::Damage))
}

/// How the hashes of a packet are written, for those that it is cut in.
pub struct Hashes {
    /// Byte order of the block.
    pub order: Order,
    /// Bytes of the check sequence of its frame.
    pub fcs: usize,
    /// Of each option.
    pub forms: Vec<Option<Form>>,
}

impl Hashes {
    /// Write the CRC-32 of each packet in these blocks, which have the same options each.
    pub fn fix(&self, blocks: &mut [u8]) {
        let mut at = 0;
        while at + 32 <= blocks.len() && self.forms.iter().any(Option::is_some) {
            let field = |i: usize| self.order.u32(&blocks[at + i..]) as usize;
            let total = field(4).clamp(12, blocks.len() - at);
            let captured = field(20).min(total.saturating_sub(32));
            let space = Space::source(blocks[at..at + total].to_vec());
            let from = (28 + captured.next_multiple_of(4)) as u64;
            let all = options(&space, self.order, from, total as u64 - 4);
            for (option, form) in all.zip(&self.forms) {
                if let Some(form) = form {
                    let packet = &blocks[at + 28..at + 28 + captured];
                    let new = form.value(packet, self.fcs);
                    let place = at + option.value as usize;
                    blocks[place..place + new.len()].copy_from_slice(&new);
                }
            }
            at += total;
        }
    }
}
