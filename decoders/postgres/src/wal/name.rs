//! The name of a segment's file: timeline, and which segment it is (`XLogFromFileName`, xlog_internal.h).

use super::geometry::Geometry;
use binq_core::{Malformed, Severity};
use std::sync::Arc;

/// The name of a segment, whole or with `.partial` behind it.
#[derive(Clone, Debug)]
pub struct FileName {
    /// As it is.
    pub text: Arc<str>,
    /// The timeline.
    pub tli: u32,
    id: u32,
    in_id: u32,
}

/// What is worth to know of an input without such a name that begins with a segment, and whose last one is not whole: it was cut. A
/// part of one may be meant, so it is no fault.
pub fn cut(geometry: &Geometry, len: u64) -> Option<Malformed> {
    let size = geometry.seg_size;
    let begins = geometry.states_seg_size && geometry.page_lsn(0).is_multiple_of(size);
    let rest = len % size;
    (begins && rest > 0).then(|| {
        let expected = format!("whole segments of {size} bytes, as xlp_seg_size says");
        let found = match len / size {
            0 => format!("{len} bytes"),
            n => format!("{rest} bytes of one behind {n} of them"),
        };
        Malformed::new(len, expected, found).with(Severity::Note)
    })
}

impl FileName {
    /// The name of a file, if it is that of a segment.
    pub fn parse(name: &Arc<str>) -> Option<Self> {
        let digits = name.strip_suffix(".partial").unwrap_or(name);
        let hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        if digits.len() != 24 || !digits.bytes().all(hex) {
            return None;
        }
        let part = |i: usize| u32::from_str_radix(digits.get(i * 8..i * 8 + 8)?, 16).ok();
        Some(Self {
            text: name.clone(),
            tli: part(0)?,
            id: part(1)?,
            in_id: part(2)?,
        })
    }

    /// Which segment it is, if they are of this size.
    pub fn segment(&self, seg_size: u64) -> u64 {
        let per_id = (1u64 << 32) / seg_size;
        u64::from(self.id) * per_id + u64::from(self.in_id)
    }

    /// What is wrong with a file of that name that has so many bytes: a server restores none of another size
    /// (`RestoreArchivedFile`, xlogarchive.c).
    pub fn wrong_size(&self, geometry: &Geometry, len: u64) -> Option<Malformed> {
        let stated = geometry.states_seg_size && len != geometry.seg_size;
        stated.then(|| {
            let expected = format!(
                "{} bytes, as the file is named {}",
                geometry.seg_size, self.text
            );
            Malformed::new(len.min(geometry.seg_size), expected, format!("{len} bytes"))
        })
    }
}
