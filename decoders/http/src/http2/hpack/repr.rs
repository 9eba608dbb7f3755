//! Representations: how a header field is spelled, RFC 7541 section 6.

use super::{huffman, int};
use binq_core::Malformed;
use bytes::Bytes;

/// The five forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Section 6.1.
    Indexed,
    /// Section 6.2.1.
    Incremental,
    /// Section 6.2.2.
    WithoutIndexing,
    /// Section 6.2.3.
    NeverIndexed,
    /// Section 6.3.
    SizeUpdate,
}

impl Form {
    /// By the first byte.
    fn of(first: u8) -> Self {
        match first {
            0x80.. => Self::Indexed,
            0x40.. => Self::Incremental,
            0x20.. => Self::SizeUpdate,
            0x10.. => Self::NeverIndexed,
            _ => Self::WithoutIndexing,
        }
    }

    /// How many bits of the first byte belong to the integer.
    pub fn prefix(self) -> u8 {
        match self {
            Self::Indexed => 7,
            Self::Incremental => 6,
            Self::SizeUpdate => 5,
            Self::WithoutIndexing | Self::NeverIndexed => 4,
        }
    }

    /// The pattern of the first byte.
    pub fn pattern(self) -> u8 {
        match self {
            Self::Indexed => 0x80,
            Self::Incremental => 0x40,
            Self::SizeUpdate => 0x20,
            Self::NeverIndexed => 0x10,
            Self::WithoutIndexing => 0,
        }
    }

    /// As the RFC calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Indexed => "indexed",
            Self::Incremental => "literal_with_incremental_indexing",
            Self::WithoutIndexing => "literal_without_indexing",
            Self::NeverIndexed => "literal_never_indexed",
            Self::SizeUpdate => "dynamic_table_size_update",
        }
    }
}

/// A string literal (section 5.2): where it lies in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// First byte of its length.
    pub at: usize,
    /// First byte of the text.
    pub body: usize,
    /// First byte after it.
    pub end: usize,
}

/// One representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Its form.
    pub form: Form,
    /// Its first byte in the block.
    pub at: usize,
    /// First byte after the integer.
    pub int_end: usize,
    /// The index, or the size of a size update.
    pub int: u64,
    /// The name, where it is not indexed.
    pub name: Option<Text>,
    /// The value of a literal.
    pub value: Option<Text>,
    /// First byte after it.
    pub end: usize,
}

/// Read the representation at byte `at` of a block.
///
/// # Errors
/// What is wrong, with its place in the block.
pub fn read(block: &[u8], at: usize) -> Result<Repr, Malformed> {
    let first = block.get(at).copied().unwrap_or(0);
    let form = Form::of(first);
    let (value, len) = read_int(block, at, form.prefix())?;
    let mut repr = Repr {
        form,
        at,
        int_end: at + len,
        int: value,
        name: None,
        value: None,
        end: at + len,
    };
    if matches!(form, Form::Indexed | Form::SizeUpdate) {
        return Ok(repr);
    }
    if repr.int == 0 {
        let name = read_text(block, repr.end)?;
        repr.end = name.end;
        repr.name = Some(name);
    }
    let value = read_text(block, repr.end)?;
    repr.end = value.end;
    repr.value = Some(value);
    Ok(repr)
}

/// The form and the index of a representation that goes wrong after them; it takes the rest of the block.
pub fn read_head(block: &[u8], at: usize) -> Option<Repr> {
    let form = Form::of(*block.get(at)?);
    let (int, len) = read_int(block, at, form.prefix()).ok()?;
    Some(Repr {
        form,
        at,
        int_end: at + len,
        int,
        name: None,
        value: None,
        end: block.len(),
    })
}

fn read_int(block: &[u8], at: usize, prefix: u8) -> Result<(u64, usize), Malformed> {
    int::decode(block.get(at..).unwrap_or(&[]), prefix).map_err(|wrong| {
        let found = match wrong {
            int::Wrong::Short => "the end of the header block",
            int::Wrong::Long => "one of 2^63 or more, or of more than 10 bytes",
        };
        Malformed::new(at as u64, "an HPACK integer", found)
    })
}

fn read_text(block: &[u8], at: usize) -> Result<Text, Malformed> {
    let (len, int_len) = read_int(block, at, 7)?;
    let body = at + int_len;
    let left = (block.len() - body) as u64;
    if len > left {
        return Err(Malformed::new(
            at as u64,
            format!("a string of {len} bytes"),
            format!("{left} bytes before the end of the header block"),
        ));
    }
    Ok(Text {
        at,
        body,
        end: body + len as usize,
    })
}

/// The text of a string literal: the bytes at its start are its length.
///
/// # Errors
/// In words, what is wrong with its Huffman code.
pub fn text_of(literal: &[u8]) -> Result<Bytes, String> {
    let (len, skip) = int::decode(literal, 7).map_err(|_| "a length".to_owned())?;
    let body = &literal[skip..];
    if body.len() as u64 != len {
        return Err(format!("{len} bytes"));
    }
    if literal[0] & 0x80 == 0 {
        return Ok(Bytes::copy_from_slice(body));
    }
    inflate(body)
}

/// The text of a string literal of a block; it shares the bytes of the block where it can.
///
/// # Errors
/// In words, what is wrong with its Huffman code.
pub fn text_in(block: &Bytes, text: &Text) -> Result<Bytes, String> {
    if block[text.at] & 0x80 == 0 {
        return Ok(block.slice(text.body..text.end));
    }
    inflate(&block[text.body..text.end])
}

fn inflate(body: &[u8]) -> Result<Bytes, String> {
    match huffman::decode(body) {
        Ok(text) => Ok(text.into()),
        Err(huffman::Wrong::Eos) => Err("Huffman code without EOS".to_owned()),
        Err(huffman::Wrong::Padding) => {
            Err("Huffman code padded with less than eight ones".to_owned())
        }
    }
}

/// How a string is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Octets, or Huffman code; the length in so many bytes if it can be.
    Like {
        /// Huffman code.
        huffman: bool,
        /// Bytes of the length.
        width: usize,
    },
    /// Whichever is shorter.
    Short,
}

/// Write a string literal.
pub fn write_text(text: &[u8], spelling: Spelling) -> Vec<u8> {
    let (huffman, width) = match spelling {
        Spelling::Like { huffman, width } => (huffman, width),
        Spelling::Short => (huffman::encoded_len(text) < text.len(), 1),
    };
    let body = match huffman {
        true => huffman::encode(text),
        false => text.to_vec(),
    };
    let first = if huffman { 0x80 } else { 0 };
    let mut out = int::encode(body.len() as u64, 7, first, width);
    out.extend(body);
    out
}

/// Write a literal; by index 0 the name follows.
pub fn write_literal(form: Form, index: u64, name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = int::encode(index, form.prefix(), form.pattern(), 1);
    if index == 0 {
        out.extend(write_text(name, Spelling::Short));
    }
    out.extend(write_text(value, Spelling::Short));
    out
}
