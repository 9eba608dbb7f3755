//! Codecs: two-way conversions between the bits of a leaf and its scalar.

mod float;
mod int;
mod le_bits;
mod raw;
mod representation;
mod text;

pub use float::{Float, float_of, widen};
pub use int::{Endian, Int, Named, UBits};
pub use le_bits::LeBits;
pub use raw::{Bool, Raw};
pub use representation::Representation;
pub use text::{Latin1, Padded, Terminated, Text};

use crate::error::Misfit;
use crate::green::{Kind, Ref};
use crate::node::{Node, Plain};
use crate::{Bits, Scalar, Span};
use std::any::Any;

/// A two-way leaf.
///
/// The spelling of a leaf is its old bits: `encode` is given them, and where a value can be written in more than one
/// way, it keeps the way of the old bits. Law: `encode(decode(b), b) == b` for every `b` that decodes.
pub trait Codec: Send + Sync + 'static {
    /// The actual value of these bits.
    ///
    /// # Errors
    /// What was expected and what was found, for bits that this codec does not accept.
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit>;

    /// The actual value, where it was found before: then the bits are not read for it.
    fn known(&self) -> Option<Scalar> {
        None
    }

    /// What the actual values are, before any is decoded.
    fn representation(&self) -> Representation {
        Representation::Mixed
    }

    /// The bits of an actual value, spelled `like` the old bits.
    ///
    /// # Errors
    /// The type and range that fit, for a value that does not.
    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit>;

    /// The symbol that stands for an actual value, if it has one.
    fn symbol(&self, _actual: &Scalar) -> Option<Scalar> {
        None
    }

    /// The actual value that a symbol stands for.
    fn actual(&self, _symbol: &Scalar) -> Option<Scalar> {
        None
    }

    /// Whether values are ordered and compared as the numbers that they are, though they show as symbols: log positions. Then
    /// [`Self::actual`] takes every text that is one.
    fn is_ordinal(&self) -> bool {
        false
    }

    /// Bits of the leaf, counted from its start, that belong to another leaf: `encode` copies them from the old ones.
    fn spares(&self) -> Option<Span> {
        None
    }

    /// The bits of the leaf that it speaks of, counted from its start, where the others belong to other leaves: each run keeps its
    /// size. All of them, if nothing is said.
    fn own_bits(&self) -> Option<Vec<Span>> {
        None
    }

    /// The bits that an assignment of the value that is there already keeps as they are: those of the leaf. A value that is told
    /// by a reference keeps less, as another reference may come to tell it.
    fn keeps(&self, leaf: Span) -> Span {
        leaf
    }

    /// A node to replace the leaf, for a value that `encode` does not take. `None` for those that it is given.
    fn rebuild(&self, _value: &Plain) -> Option<Result<Node, String>> {
        None
    }

    /// A part of the value that is found by name, such as the seconds of a time: where it lies in the bits of the leaf, and how
    /// it is stored. It is not listed, as the leaf is a scalar.
    fn part(&self, _name: &str, _bits: &Bits) -> Option<(Span, Ref<dyn Codec>)> {
        None
    }

    /// The bits of the leaf once a part of it has other bits, and what they are read as.
    fn with_part(&self, _name: &str, _new: &Bits, _bits: &Bits) -> Option<(Bits, Kind)> {
        None
    }

    /// The codec itself, where its format must know it again.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// What an actual value means, for a person.
    fn description(&self, _actual: &Scalar) -> Option<String> {
        None
    }
}

/// Resolve what a user assigned, a symbol or an actual value, and encode it.
///
/// # Errors
/// The type, range or symbols that fit, for a value that does not.
pub fn encode_assigned(
    codec: &dyn Codec,
    value: &Scalar,
    like: &Bits,
) -> Result<(Scalar, Bits), Misfit> {
    let actual = codec.actual(value).unwrap_or_else(|| value.clone());
    let bits = codec.encode(&actual, like)?;
    // what will be read back, should the codec have rounded it
    Ok((codec.decode(&bits).unwrap_or(actual), bits))
}
