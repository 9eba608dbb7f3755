//! Derived fields, declared as data: what a field must say about the bytes that it covers.

/// How a derived field follows from other bytes.
#[derive(Clone, Debug)]
pub enum Rule {
    /// The field holds the size of something, in bytes, plus `bias`.
    Len {
        /// What is measured.
        of: Of,
        /// Added to the size.
        bias: i64,
    },
    /// The field holds the number of items of the array of that name in the same struct.
    Count(&'static str),
    /// The field repeats the value of the field of that name in the same struct.
    Copy(&'static str),
    /// The field holds a checksum over parts of the struct that the field is in.
    Sum {
        /// The checksum of the parts, in order.
        sum: fn(&[&[u8]]) -> u64,
        /// The parts.
        over: &'static [Part],
    },
    /// The field holds a checksum over parts of the struct, and over bytes that the input does not hold, such as the rest of a
    /// record that goes on in another file. What it holds is taken as right, and changes with the bytes that are here.
    Follows {
        /// The new checksum, from the old one and the bytes of the struct before and after the edit.
        follow: Follow,
        /// The parts.
        over: &'static [Part],
    },
}

/// How a checksum changes with a part of what it covers; an error says why that cannot be told.
pub type Follow = fn(was: u64, old: &[u8], new: &[u8]) -> Result<u64, String>;

/// What a [`Rule::Len`] measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The whole struct that the field is in.
    Struct,
    /// The field of that name in the same struct, as it shows its value: of compressed text, the text.
    Field(&'static str),
    /// The field of that name in the same struct, as it is stored: of compressed text, what it is compressed to. For a field
    /// that no layer encodes anew the two are the same.
    Stored(&'static str),
}

/// A part of a struct, in bytes from its start.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// First byte.
    pub from: u64,
    /// First byte after it; `None` for the end of the struct.
    pub to: Option<u64>,
}
