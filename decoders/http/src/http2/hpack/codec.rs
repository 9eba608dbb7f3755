//! Codecs of the parts of a representation.

use super::repr::{self, Form, Spelling, Text};
use super::table::STATIC_LEN;
use super::{Part, int};
use crate::text::{bytes_of, scalar};
use binq_core::codec::{Codec, Representation};
use binq_core::{Bits, Misfit, Scalar, Span};

/// A string literal with its length; keeps Huffman or not, and the width of the length.
#[derive(Clone, Copy, Debug)]
pub struct Literal;

impl Codec for Literal {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes();
        match repr::text_of(bytes) {
            Ok(text) => Ok(scalar(&text)),
            Err(expected) => Err(Misfit::new(expected, Scalar::Bytes(bytes.clone()))),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let text = bytes_of(value)?;
        let old = like.bytes();
        if repr::text_of(old).is_ok_and(|t| t == text) {
            return Ok(like.clone());
        }
        let spelling = match int::decode(old, 7) {
            Ok((_, width)) => Spelling::Like {
                huffman: old[0] & 0x80 != 0,
                width,
            },
            Err(_) => Spelling::Short,
        };
        Ok(Bits::from_bytes(repr::write_text(text, spelling)))
    }
}

/// An entry of the tables, as RFC 7541 section 2.3.3 counts them: the static ones first, then from the newest on.
pub fn entry_of(index: u64) -> String {
    match index.checked_sub(STATIC_LEN) {
        None | Some(0) => format!("entry {index} of the static table"),
        Some(1) => format!("index {index}, the newest entry of the dynamic table"),
        Some(n) => format!("index {index}, entry {n} of the dynamic table from the newest on"),
    }
}

/// The integer of a representation, with the pattern bits before it; keeps these, and its width.
#[derive(Clone, Copy, Debug)]
pub struct Integer {
    /// How many bits of the first byte belong to it.
    pub prefix: u8,
}

impl Codec for Integer {
    fn representation(&self) -> Representation {
        Representation::Int {
            bits: 64,
            signed: false,
        }
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match int::decode(bits.bytes(), self.prefix) {
            Ok((n, len)) if len == bits.bytes().len() => Ok(n.into()),
            _ => Err(Misfit::new(
                "an HPACK integer",
                Scalar::Bytes(bits.bytes().clone()),
            )),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let misfit = || Misfit::new("an integer from 0 to 9223372036854775807", value);
        let n = value.as_int().ok_or_else(misfit)?;
        let n = i64::try_from(n).map_err(|_| misfit())?;
        let n = u64::try_from(n).map_err(|_| misfit())?;
        let old = like.bytes();
        let first = old.first().copied().unwrap_or(0);
        Ok(Bits::from_bytes(int::encode(
            n,
            self.prefix,
            first,
            old.len(),
        )))
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        // the five bits are those of a size
        let index = u64::try_from(actual.as_int()?).ok()?;
        match (self.prefix, index) {
            (5, _) => None,
            // RFC 7541 section 6.1
            (7, 0) => Some("none: no entry has this index".to_owned()),
            (_, 0) => Some("none: the name is spelled out".to_owned()),
            _ => Some(entry_of(index)),
        }
    }
}

/// The name or the value of a field that is spelled as an index. Assigning another one spells it out.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// How the field is spelled.
    pub form: Form,
    /// The index.
    pub index: u64,
    /// The name it stands for.
    pub name: Part,
    /// The value it stands for; of a literal with an indexed name, which has its own, nothing.
    pub value: Option<Part>,
    /// Whether this codec is for the value.
    pub is_value: bool,
}

impl Resolved {
    fn part(&self) -> &Part {
        match (&self.value, self.is_value) {
            (Some(value), true) => value,
            _ => &self.name,
        }
    }
}

impl Resolved {
    /// The text of bits that spell it out, as `encode` writes them; nothing for an index.
    fn spelled_out<'a>(&self, bits: &'a [u8]) -> Option<&'a [u8]> {
        if self.value.is_none() {
            // a name alone: its value has bits of its own
            let (index, len) = int::decode(bits, self.form.prefix()).ok()?;
            return Some(&bits[len..]).filter(|name| index == 0 && !name.is_empty());
        }
        let repr = repr::read(bits, 0).ok()?;
        let text = if self.is_value { repr.value } else { repr.name }?;
        Some(&bits[text.at..text.end])
    }
}

impl Codec for Resolved {
    /// That the name or the value was assigned is told by the first bit alone, as the index may become another one: that is
    /// what distinguishes it from an assignment to the index.
    fn keeps(&self, leaf: Span) -> Span {
        Span::bits(leaf.start, 1)
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        if let Some(text) = self.spelled_out(bits.bytes()) {
            return Literal.decode(&Bits::from_bytes(text.to_vec()));
        }
        match self.part() {
            Part::Known(text) => Ok(scalar(text)),
            // the header field says why
            Part::Unknown | Part::Wrong(_) => Ok(Scalar::Null),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        // what is not known stays so
        if *value == Scalar::Null && self.part().known().is_none() {
            return Ok(like.clone());
        }
        let new = bytes_of(value)?;
        if self.part().known().is_some_and(|t| t == new) {
            return Ok(like.clone());
        }
        let other = |part: &Part| match part.known() {
            Some(b) => Ok(b.clone()),
            None => Err(Misfit::new("a field whose name and value are known", value)),
        };
        let bytes = match &self.value {
            // a literal: the index becomes a name; its own value follows
            None => {
                let mut out = vec![self.form.pattern()];
                out.extend(repr::write_text(new, Spelling::Short));
                out
            }
            // the dynamic table is left as it is, so that later fields keep their meaning
            Some(_) if self.is_value => {
                repr::write_literal(Form::WithoutIndexing, self.index, &[], new)
            }
            Some(old) => repr::write_literal(Form::WithoutIndexing, 0, new, &other(old)?),
        };
        Ok(Bits::from_bytes(bytes))
    }
}

/// Where a text lies, as a span of its space.
pub fn span_of(text: &Text, base: u64) -> Span {
    Span::bytes(base + text.at as u64, (text.end - text.at) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// What is assigned to an index is read back from the bits that spell it out.
    #[test]
    fn an_index_that_is_spelled_out_reads_as_the_new_text() {
        let known = |s: &'static str| Part::Known(Bytes::from_static(s.as_bytes()));
        let cases = [
            (Form::Indexed, Some(known("POST")), vec![0x83]),
            (Form::Incremental, None, vec![0x42]),
            (Form::NeverIndexed, None, vec![0x1f, 0x2a]),
        ];
        for (form, value, bits) in cases {
            for is_value in [false, true] {
                if is_value && value.is_none() {
                    continue;
                }
                let index = int::decode(&bits, form.prefix()).unwrap().0;
                let codec = Resolved {
                    form,
                    index,
                    name: known(":method"),
                    value: value.clone(),
                    is_value,
                };
                let old = Bits::from_bytes(bits.clone());
                let is = codec.decode(&old).unwrap();
                assert_eq!(is, if is_value { "POST" } else { ":method" }.into());
                assert_eq!(codec.encode(&is, &old).unwrap(), old);
                let new = codec.encode(&"x-new".into(), &old).unwrap();
                assert_eq!(codec.decode(&new).unwrap(), "x-new".into(), "{form:?}");
            }
        }
    }
}
