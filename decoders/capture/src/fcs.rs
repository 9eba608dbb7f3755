//! The frame check sequence of Ethernet (IEEE 802.3, section 3.2.9), where a capture has it.

use crate::dissect::Record;
use binq_core::codec::{Codec, Int, Representation};
use binq_core::{Bits, Malformed, Misfit, Scalar, Severity, Space, Span};

/// Whether the check sequence at the end of a record is the one of Ethernet, and all of it is there.
pub fn is_crc(record: &Record) -> bool {
    record.fcs == 4 && record.captured == record.original
}

/// The one of these bytes. It is sent with its least significant byte first.
pub fn right(frame: &[u8]) -> u32 {
    crc32fast::hash(frame)
}

/// What is stored in a record, and what would be right.
pub fn compare(space: &Space, record: &Record) -> Option<(u32, u32)> {
    let stored = space.read(record.data + record.body(), 4);
    let stored = u32::from_le_bytes(stored[..].try_into().ok()?);
    Some((stored, right(&space.read(record.data, record.body()))))
}

/// What is wrong with it. Taps and drivers often have other bytes there, so that it is only odd.
pub fn wrong(space: &Space, record: &Record) -> Option<Malformed> {
    let (stored, right) = compare(space, record)?;
    (stored != right).then(|| {
        let at = record.data + record.body();
        Malformed::new(at, right.to_string(), stored.to_string()).with(Severity::Odd)
    })
}

/// A frame check sequence that knows which one would be right.
pub struct Fcs {
    space: Space,
    of: Span,
}

impl Fcs {
    /// That of these bytes.
    pub fn new(space: &Space, of: Span) -> Self {
        let space = space.clone();
        Self { space, of }
    }
}

impl Codec for Fcs {
    fn representation(&self) -> Representation {
        Int::U32LE.representation()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U32LE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U32LE.encode(value, like)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        let frame = self.space.read(self.of.first_byte(), self.of.byte_len());
        let right = right(&frame);
        Some(match actual.as_int()? == i128::from(right) {
            true => "valid".to_owned(),
            false => format!("invalid: {right} would be right"),
        })
    }
}
