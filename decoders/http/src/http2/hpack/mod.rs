//! HPACK (RFC 7541), with the spelling of every header field kept.

pub mod codec;
pub mod huffman;
pub mod int;
pub mod repr;
pub mod table;

use binq_core::Malformed;
use bytes::Bytes;
use repr::{Form, Repr};
use table::{Entry, Log, Lookup, Window};

/// The name or the value of a header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is this.
    Known(Bytes),
    /// It is in a part of the dynamic table that was made before the capture began, or was lost.
    Unknown,
    /// There is none: a bad index or bad Huffman code; what was expected, and what was found.
    Wrong(Box<(String, String)>),
}

impl Part {
    /// The bytes, if they are known.
    pub fn known(&self) -> Option<&Bytes> {
        match self {
            Self::Known(b) => Some(b),
            _ => None,
        }
    }
}

/// A representation and what it stands for.
#[derive(Clone, Debug)]
pub struct Field {
    /// How it is spelled.
    pub repr: Repr,
    /// The name; nothing for a size update.
    pub name: Part,
    /// The value; nothing for a size update.
    pub value: Part,
}

impl Field {
    /// Whether it refers to an entry of the table that nobody saw.
    pub fn is_unknown(&self) -> bool {
        self.repr.form != Form::SizeUpdate && self.name == Part::Unknown
    }

    /// The meaning, as far as all of it is known.
    pub fn entry(&self) -> Option<Entry> {
        Some(Entry {
            name: self.name.known()?.clone(),
            value: self.value.known()?.clone(),
        })
    }
}

/// A header block, read with the table before it.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Its representations, in order.
    pub fields: Vec<Field>,
    /// Where it stopped to make sense.
    pub wrong: Option<Malformed>,
    /// The representation where it did, as far as its form and index; the rest of the block is its own.
    pub broken: Option<Repr>,
}

impl Block {
    /// The first field of that name.
    pub fn get(&self, name: &[u8]) -> Option<&Field> {
        let mut fields = self.fields.iter();
        fields.find(|f| f.name.known().is_some_and(|n| n == name))
    }

    /// Its value, where it is known.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.get(name)?.value.known().map(|v| &v[..])
    }
}

/// What a representation stands for with this table.
pub fn resolve(block: &Bytes, repr: &Repr, log: &Log, table: &Window) -> (Part, Part) {
    let literal = |t: &repr::Text| match repr::text_in(block, t) {
        Ok(text) => Part::Known(text),
        Err(expected) => Part::Wrong(Box::new((expected, "something else".to_owned()))),
    };
    let at = |index| match table.get(log, index) {
        Lookup::Entry(e) => (Part::Known(e.name), Part::Known(e.value)),
        Lookup::Unknown => (Part::Unknown, Part::Unknown),
        Lookup::Nothing => {
            let expected = "an index into the tables".to_owned();
            let wrong = Part::Wrong(Box::new((expected, index.to_string())));
            (wrong.clone(), wrong)
        }
    };
    match repr.form {
        Form::SizeUpdate => (Part::Unknown, Part::Unknown),
        Form::Indexed => at(repr.int),
        _ => {
            let name = match &repr.name {
                Some(name) => literal(name),
                None => at(repr.int).0,
            };
            (name, repr.value.as_ref().map_or(Part::Unknown, literal))
        }
    }
}

/// What a representation does to the table.
pub fn apply(field: &Field, log: &mut Log, table: &mut Window) {
    match field.repr.form {
        Form::SizeUpdate => table.resize(log, field.repr.int),
        Form::Incremental => table.insert(log, field.entry()),
        _ => {}
    }
}

/// Read a whole block and bring the table up to date.
pub fn read_block(bytes: &Bytes, log: &mut Log, table: &mut Window) -> Block {
    // most fields are an index, or a literal of some bytes
    let mut block = Block {
        fields: Vec::with_capacity((bytes.len() / 4).min(16)),
        ..Block::default()
    };
    let mut at = 0;
    while at < bytes.len() {
        match repr::read(bytes, at) {
            Ok(repr) => {
                at = repr.end;
                let (name, value) = resolve(bytes, &repr, log, table);
                let field = Field { repr, name, value };
                apply(&field, log, table);
                block.fields.push(field);
            }
            Err(wrong) => {
                block.wrong = Some(wrong);
                block.broken = repr::read_head(bytes, at);
                // what the rest would have inserted is not known
                table.forget();
                break;
            }
        }
    }
    block
}
