//! Enums: numbers with symbols.

use super::well_known::NULL_VALUE;
use crate::wire::codec::Varint;
use binq_core::codec::Codec;
use binq_core::{Bits, Misfit, Scalar};
use std::any::Any;
use std::collections::HashMap;

/// An enum type.
pub struct EnumCodec {
    /// Full name.
    pub name: &'static str,
    numbers: HashMap<i32, &'static str>,
    values: Vec<(i32, &'static str)>,
    closed: bool,
}

impl EnumCodec {
    /// An enum with these values; of two names for one number, the first is its symbol.
    pub fn new(name: &'static str, values: Vec<(i32, &'static str)>, closed: bool) -> Self {
        let mut numbers = HashMap::new();
        for (number, name) in &values {
            numbers.entry(*number).or_insert(*name);
        }
        Self {
            name,
            numbers,
            values,
            closed,
        }
    }

    /// Whether any number is a value of the enum.
    pub fn is_open(&self) -> bool {
        !self.closed
    }

    /// Whether a number is a value of the enum, and not an unknown field.
    pub fn takes(&self, number: &Scalar) -> bool {
        !self.closed || self.symbol(number).is_some()
    }
}

/// Whether a codec is that of an enum.
pub fn is_enum(codec: &dyn Any) -> bool {
    codec.is::<EnumCodec>()
}

impl Codec for EnumCodec {
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Varint::Int32.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let names = || {
            let names: Vec<_> = self.values.iter().map(|(_, name)| *name).collect();
            names.join(", ")
        };
        if self.closed && self.symbol(value).is_none() {
            return Err(Misfit::new(format!("one of {}", names()), value));
        }
        Varint::Int32.encode(value, like).map_err(|e| Misfit {
            expected: format!("one of {}, or {}", names(), e.expected),
            ..e
        })
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        let number = i32::try_from(actual.as_int()?).ok()?;
        Some((*self.numbers.get(&number)?).into())
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        if *symbol == Scalar::Null && self.name == NULL_VALUE {
            return Some(Scalar::Int(0));
        }
        let name = symbol.as_str()?;
        let found = self.values.iter().find(|(_, n)| *n == name)?;
        Some(Scalar::Int(found.0.into()))
    }
}
