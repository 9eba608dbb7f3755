//! Numbers whose type the wire does not say: what they are read as, and what may be assigned to them.

use super::codec::{F32, F64, Varint};
use super::record::{I32, I64, VARINT};
use super::view::{FORMAT, root};
use crate::schema::is_enum;
use binq_core::codec::Float;
use binq_core::codec::{Codec, Int};
use binq_core::{Bits, Kind, Misfit, Node, NodeKind, Plain, Ref, Scalar};
use std::any::Any;

/// A number without a schema, by its wire type. It reads as an unsigned integer. A fixed-width one takes a float as a float;
/// each takes what was read in another way, such as `as_sint64` does, as that.
pub enum Undeclared {
    /// VARINT
    Varint,
    /// I64
    I64,
    /// I32
    I32,
}

impl Undeclared {
    /// The codec for a wire type of numbers.
    pub fn of(wire_type: u8) -> &'static Self {
        match wire_type {
            I64 => &Self::I64,
            I32 => &Self::I32,
            _ => &Self::Varint,
        }
    }

    fn wire_type(&self) -> u8 {
        match self {
            Self::Varint => VARINT,
            Self::I64 => I64,
            Self::I32 => I32,
        }
    }

    /// How a number with a sign is assigned.
    fn signed(&self) -> &'static str {
        match self {
            Self::Varint => "as_int64 or as_sint64 reads, as in |= as_sint64 - 1",
            Self::I64 => "as_sfixed64 or as_double reads, as in |= as_sfixed64 - 1",
            Self::I32 => "as_sfixed32 or as_float reads, as in |= as_sfixed32 - 1",
        }
    }

    fn integer(&self) -> &'static dyn Codec {
        match self {
            Self::Varint => &Varint::Uint64,
            Self::I64 => &Int::U64LE,
            Self::I32 => &Int::U32LE,
        }
    }
}

impl Codec for Undeclared {
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.integer().decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match (self, value) {
            (Self::I64, Scalar::Float(_)) => F64.encode(value, like),
            (Self::I32, Scalar::Float(_)) => F32.encode(value, like),
            // which of the types of protobuf it has, nobody knows
            (_, Scalar::Int(n)) if *n < 0 => {
                let encoded = self.integer().encode(value, like);
                encoded.map_err(|e| Misfit {
                    expected: format!("{}, or what {}", e.expected, self.signed()),
                    ..e
                })
            }
            _ => self.integer().encode(value, like),
        }
    }

    fn rebuild(&self, value: &Plain) -> Option<Result<Node, String>> {
        let (wire_type, bytes) = typed(value)?;
        let own = wire_type == self.wire_type();
        own.then(|| Ok(root(bytes, Kind::Leaf(Ref::Static(Self::of(wire_type))))))
    }
}

/// The wire type and the bytes of a number whose type is known: one of a message with a schema, or one that was read by `as`.
pub fn typed(value: &Plain) -> Option<(u8, Vec<u8>)> {
    let Plain::Node(node) = value else {
        return None;
    };
    if node.kind() != NodeKind::Scalar || node.format() != FORMAT || node.fault().is_some() {
        return None;
    }
    let bytes = node.bytes().ok()?.to_vec();
    let codec = node.codec()?.as_any()?;
    let wire_type = match bytes.len() {
        _ if codec.is::<Varint>() || is_enum(codec) => VARINT,
        8 if codec.is::<Float>() || codec.is::<Int>() => I64,
        4 if codec.is::<Float>() || codec.is::<Int>() => I32,
        _ => return None,
    };
    Some((wire_type, bytes))
}

/// The wire type of a number of a message without a schema.
pub fn undeclared(node: &Node) -> Option<u8> {
    let codec = node.codec()?.as_any()?.downcast_ref::<Undeclared>()?;
    Some(codec.wire_type())
}
