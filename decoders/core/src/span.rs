//! Spans: runs of bits in a space.

/// A run of bits, counted from the start of its space, the most significant bit of a byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First bit.
    pub start: u64,
    /// Number of bits.
    pub len: u64,
}

impl Span {
    /// A span given in bits.
    pub const fn bits(start: u64, len: u64) -> Self {
        Self { start, len }
    }

    /// A span given in bytes.
    pub const fn bytes(start: u64, len: u64) -> Self {
        Self {
            start: start * 8,
            len: len * 8,
        }
    }

    /// The first bit after the span.
    pub const fn end(self) -> u64 {
        self.start + self.len
    }

    /// The byte that holds the first bit.
    pub const fn first_byte(self) -> u64 {
        self.start / 8
    }

    /// The first byte after the last one touched.
    pub const fn end_byte(self) -> u64 {
        self.end().div_ceil(8)
    }

    /// How many bytes the span touches.
    pub const fn byte_len(self) -> u64 {
        self.end_byte() - self.first_byte()
    }

    /// Whether the span begins and ends between bytes.
    pub const fn is_aligned(self) -> bool {
        self.start.is_multiple_of(8) && self.len.is_multiple_of(8)
    }

    /// Whether `other` lies inside this span, its edges included.
    pub const fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end() <= self.end()
    }

    /// Whether the two share a bit, or one is an empty span inside or at the edge of the other.
    pub const fn touches(self, other: Span) -> bool {
        if self.len == 0 || other.len == 0 {
            self.start <= other.end() && other.start <= self.end()
        } else {
            self.start < other.end() && other.start < self.end()
        }
    }
}
