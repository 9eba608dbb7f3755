//! The lengths of the sections of a pcapng file after a change.

use crate::file::{self, File, block};
use binq_core::Space;
use binq_core::encode::{Did, Note, Splice};
use binq_core::layer::Patching;
use binq_core::{Scalar, Span};

/// Not given: whoever wants to skip the section goes through it (draft-ietf-opsawg-pcapng, section 4.1).
const UNKNOWN: u64 = u64::MAX;

/// A section whose header tells its length.
struct Section {
    /// The field.
    length: Span,
    path: String,
    order: crate::order::Order,
    /// Its blocks, without the header.
    blocks: Span,
}

/// Have the length of each section follow the changes of its blocks, unless it was assigned.
pub fn follow(under: &Space, of: &File, changes: &mut Vec<Splice>, cx: &mut Patching<'_>) {
    if !matches!(of, File::PcapNg) || changes.iter().all(|c| c.growth() == 0) {
        return;
    }
    let mut grown: Vec<(u64, i64)> = changes
        .iter()
        .filter(|c| c.growth() != 0)
        .map(|c| (c.span.start, c.growth() / 8))
        .collect();
    grown.sort_unstable();
    let mut grown = grown.into_iter().peekable();
    for section in sections(under, of) {
        let mut by = 0;
        while let Some((at, growth)) = grown.next_if(|(at, _)| *at <= section.blocks.end()) {
            // what the header itself has is not counted
            by += if at >= section.blocks.start {
                growth
            } else {
                0
            };
        }
        let codec = section.order.codec(8);
        let old = under.bits(section.length);
        let value = |bits| codec.decode(bits).unwrap_or(Scalar::Null);
        let was = value(&old);
        if by == 0 || was == UNKNOWN.into() {
            continue;
        }
        let right = section.blocks.byte_len().saturating_add_signed(by);
        let right = Scalar::from(right);
        let assigned = changes.iter().find(|c| c.span == section.length);
        let is_pinned = cx.pins.binary_search(&section.length).is_ok();
        let is = assigned.map_or(was.clone(), |c| value(&c.new));
        if is == right {
            continue;
        }
        let offset = under.offset(section.length.first_byte());
        let path = section.path;
        let did = if assigned.is_some() || is_pinned {
            Did::LeftWrong { is, right }
        } else if let Ok(new) = codec.encode(&right, &old) {
            let splice = Splice::new(section.length, Vec::new(), &path);
            changes.push(Splice { new, ..splice });
            Did::Recomputed {
                from: was,
                to: right,
            }
        } else {
            continue;
        };
        cx.report.notes.push(Note { path, offset, did });
    }
}

/// The sections whose headers can be read.
fn sections(under: &Space, of: &File) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    let mut place = of.start();
    let mut number = 0;
    while let Some((block, next)) = file::next_block(under, &place) {
        place = next;
        let len = block.end - block.at;
        if block.kind == block::SECTION_HEADER && block.sound && len >= 28 {
            all.push(Section {
                length: Span::bytes(block.at + 16, 8),
                path: format!(".blocks[{number}].section_length"),
                order: block.section.order,
                blocks: Span::bytes(block.end, 0),
            });
        } else if let Some(section) = all.last_mut() {
            section.blocks.len = block.end * 8 - section.blocks.start;
        }
        number += 1;
    }
    all
}
