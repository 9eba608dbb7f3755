//! What values are, before any are decoded.

use crate::Scalar;

/// What the actual values of a codec are, as far as the codec knows without looking at any. Columns of them are typed by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// Values of several kinds, or of one that the bits tell.
    Mixed,
    /// Integers of so many bits.
    Int {
        /// At most 64.
        bits: u8,
        /// In two's complement.
        signed: bool,
    },
    /// Integers of so many bits, without sign, of which some show as a symbol.
    Symbol {
        /// At most 64.
        bits: u8,
    },
    /// Floating-point numbers.
    Float,
    /// Truth values.
    Bool,
    /// Text; bytes, where it is not UTF-8.
    Text,
    /// The bytes of the leaf themselves, whatever they are: length and parts of it are known without a look at the others, which may
    /// be as many as the input has.
    Bytes,
}

impl Representation {
    /// The same, where some values show as symbols.
    #[must_use]
    pub fn with_symbols(self) -> Self {
        match self {
            Self::Int {
                bits,
                signed: false,
            } => Self::Symbol { bits },
            other => other,
        }
    }

    /// Whether a value can be one of these.
    #[must_use]
    pub fn fits(self, value: &Scalar) -> bool {
        let within = |bits: u8, signed: bool| {
            let n = match value {
                Scalar::Int(n) => *n,
                _ => return false,
            };
            let above = if signed { bits - 1 } else { bits };
            let least = if signed { -(1i128 << above) } else { 0 };
            (least..1i128 << above).contains(&n)
        };
        match self {
            Self::Mixed => true,
            Self::Int { bits, signed } => within(bits, signed),
            Self::Symbol { bits } => within(bits, false),
            Self::Float => matches!(value, Scalar::Float(_)),
            Self::Bool => matches!(value, Scalar::Bool(_)),
            Self::Text => matches!(value, Scalar::Str(_) | Scalar::Bytes(_)),
            Self::Bytes => matches!(value, Scalar::Bytes(_)),
        }
    }
}
