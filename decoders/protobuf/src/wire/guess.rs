//! What a length-delimited value is, without a schema. The wire does not say; this rule is deterministic and documented.
//!
//! 1. No bytes: text.
//! 2. Records to the last byte, as a runtime writes them (in the order of their numbers, no varint padded, no groups, numbers
//!    below 65536 unless they have a length): a message. If all of the bytes could be text, too, only if all records have
//!    lengths, or one has a tag or length below a space and the others are integers.
//! 3. Printable UTF-8 (with tabs and line ends): text.
//! 4. Varints to the last byte, none padded and none of more than two bytes: packed numbers. Random bytes pass this test
//!    seldom: 8 of them in 21 % of cases, 16 in 4 %, 32 in 0.1 %.
//! 5. Anything else: bytes. Packed `fixed32` and `float` look no different from bytes.
//!
//! Rule 2 comes first, as a message that consists of printable bytes is often one of strings of 9, 10 or 13 bytes: their lengths
//! are a tab and line ends. Short text that happens to parse (`x1` is field 15 with the value 49) has no value with a length.
//! What the rule makes of a corpus stands in `docs/protobuf.md`.

use super::record::{LEN, Run, SGROUP, VARINT};
use super::varint;
use binq_core::{Space, Span};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// A message.
    Message,
    /// Text.
    Text,
    /// Packed varints.
    Packed,
    /// Bytes.
    Bytes,
}

/// What the value in that span looks like.
pub fn guess(space: &Space, span: Span) -> Guess {
    guess_bytes(&space.read(span.first_byte(), span.len / 8))
}

/// What these bytes look like.
pub fn guess_bytes(bytes: &[u8]) -> Guess {
    if bytes.is_empty() {
        return Guess::Text;
    }
    let printable = is_printable(bytes);
    if is_message(bytes, printable) {
        return Guess::Message;
    }
    if printable {
        return Guess::Text;
    }
    if is_packed(bytes) {
        return Guess::Packed;
    }
    Guess::Bytes
}

/// Whether these bytes are records to the last one, such as a runtime writes: in the order of their numbers, no varint padded,
/// no groups, no large number but for an extension that is a message. If all of them could be text, too, they must be more than
/// that: values with a length, or beside one whose tag or length is a control character, integers.
fn is_message(bytes: &[u8], printable: bool) -> bool {
    let mut records = Run::of(bytes).records();
    let (mut last, mut lengths, mut others, mut control) = (0, 0, 0, false);
    for record in records.by_ref() {
        let spelling = |from: u64, to: u64| {
            let bytes = &bytes[from as usize..to as usize];
            let padded = bytes.len() > 1 && bytes.last() == Some(&0);
            (padded, bytes.iter().any(|b| *b < 0x20))
        };
        let (padded_tag, control_tag) = spelling(record.start, record.tag_end);
        let (padded, control_length) = match record.wire_type {
            LEN => spelling(record.tag_end, record.body),
            VARINT => (spelling(record.body, record.body_end).0, false),
            _ => (false, false),
        };
        let large = record.number >= LARGE && record.wire_type != LEN;
        let odd = padded_tag || padded || large || record.wire_type == SGROUP;
        if odd || record.number < last {
            return false;
        }
        last = record.number;
        match record.wire_type {
            LEN => {
                lengths += 1;
                control |= control_tag || control_length;
            }
            VARINT => others += 1,
            _ if printable => return false,
            _ => {}
        }
    }
    records.wrong.is_none() && (!printable || lengths > 0 && (others == 0 || control))
}

/// From here on, numbers are those of extensions.
const LARGE: u32 = 1 << 16;

fn is_printable(bytes: &[u8]) -> bool {
    // most binary values show that they are no text in their first bytes
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || *b == 0x7f;
    if bytes.iter().take(64).any(control) {
        return false;
    }
    std::str::from_utf8(bytes).is_ok_and(|text| {
        let fine = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        text.chars().all(fine)
    })
}

fn is_packed(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match varint::read(bytes) {
            Some((value, size)) if size <= 2 && size == varint::len(value) => {
                bytes = &bytes[size..];
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Guess {
        let space = Space::source(bytes.to_vec());
        guess(&space, space.span())
    }

    #[test]
    fn the_rule() {
        assert_eq!(of(b""), Guess::Text);
        assert_eq!(of(b"x1"), Guess::Text);
        assert_eq!(of("Grüße\n".as_bytes()), Guess::Text);
        assert_eq!(of(b"\nno message"), Guess::Text);
        assert_eq!(
            of(b"\n\x2055555555555555555555555555555555"),
            Guess::Message
        );
        assert_eq!(of(b"\"\timage.png"), Guess::Message);
        assert_eq!(of(b"\"\timage.png((\""), Guess::Text);
        assert_eq!(of(b"\"\timage.png(("), Guess::Message);
        assert_eq!(
            of(b"\"$123e4567-e89b-12d3-a456-426614174000"),
            Guess::Message
        );
        // I32, padding, a descent, a group
        assert_eq!(of(b"\"\timage.png-abcd"), Guess::Text);
        assert_eq!(of(&[0x08, 0x96, 0x81, 0x00]), Guess::Bytes);
        assert_eq!(of(&[0x10, 0xff, 0x01, 0x08, 0xff, 0x01]), Guess::Packed);
        assert_eq!(of(&[0x0b, 0x0c]), Guess::Packed);
        assert_eq!(of(&[0x08, 0x96, 0x01]), Guess::Message);
        assert_eq!(of(&[0x03, 0x8e, 0x02, 0x9e, 0x05]), Guess::Packed);
        // a padded varint, one of three bytes, and one without its end, are none of a packed list
        assert_eq!(of(&[0x03, 0x8e, 0x00]), Guess::Bytes);
        assert_eq!(of(&[0x03, 0x8e, 0x82, 0x01]), Guess::Bytes);
        assert_eq!(of(&[0x03, 0x8e]), Guess::Bytes);
        assert_eq!(of(&[0xde, 0xad, 0xbe, 0xef]), Guess::Bytes);
    }
}
