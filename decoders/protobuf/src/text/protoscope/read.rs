//! Protoscope as bytes.

use crate::wire::record::{EGROUP, I32, I64, LEN, SGROUP, VARINT, WIRE_TYPES};
use crate::wire::varint;

/// Braces nest to this depth.
const MOST_BRACES: usize = 1000;

/// The bytes that a text stands for.
///
/// # Errors
/// Where the text is no Protoscope, by line and column, and why.
pub fn read(text: &str) -> Result<Vec<u8>, String> {
    let mut reader = Reader {
        text,
        at: 0,
        blocks: vec![Block::default()],
        long_form: None,
    };
    match reader.run() {
        Ok(()) => Ok(reader.blocks.swap_remove(0).out),
        Err(why) => {
            let before = &text[..reader.at.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            Err(format!("protoscope, line {line}, column {column}: {why}"))
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The braces that are open, the outermost first.
    blocks: Vec<Block>,
    /// How many bytes more the next varint takes.
    long_form: Option<usize>,
}

/// What a pair of braces encloses.
#[derive(Default)]
struct Block {
    out: Vec<u8>,
    /// Where the tag is whose wire type follows from what comes next.
    infer: Option<usize>,
    /// The number of the tag just read, if its wire type is not known yet.
    number: Option<u64>,
    /// For a group: its number.
    group: Option<u64>,
    /// Padding of the length.
    padding: usize,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.text[self.at..].chars().next() {
            let start = self.at;
            match c {
                ' ' | '\t' | '\r' | '\n' => self.at += 1,
                '#' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').map_or(rest.len(), |i| i + 1);
                }
                '"' => {
                    let bytes = self.quoted()?;
                    self.emit(&bytes, VARINT)?;
                }
                '`' => {
                    let bytes = self.hex()?;
                    self.emit(&bytes, VARINT)?;
                }
                '{' => {
                    self.at += 1;
                    self.infer(LEN);
                    let padding = self.long_form.take().unwrap_or(0);
                    self.open(Block {
                        padding,
                        ..Block::default()
                    })?;
                }
                '!' => {
                    if !self.text[self.at..].starts_with("!{") {
                        return Err("expected { after !".to_owned());
                    }
                    let number = self.block().number.take();
                    let Some(number) = number.filter(|_| self.long_form.is_none()) else {
                        return Err("a group follows a number without a wire type".to_owned());
                    };
                    self.at += 2;
                    self.infer(SGROUP);
                    self.open(Block {
                        group: Some(number),
                        ..Block::default()
                    })?;
                }
                '}' => {
                    self.close()?;
                    self.at += 1;
                }
                _ => {
                    let rest = &self.text[start..];
                    let end = |c: char| c.is_ascii_whitespace() || "{}[]`\"#!".contains(c);
                    let len = rest.char_indices().skip(1).find(|(_, c)| end(*c));
                    let word = &rest[..len.map_or(rest.len(), |(i, _)| i)];
                    self.word(word)?;
                    self.at += word.len();
                }
            }
        }
        if self.long_form.is_some() {
            return Err("expected an integer or braces after long-form".to_owned());
        }
        if self.blocks.len() > 1 {
            return Err("expected }, found the end".to_owned());
        }
        Ok(())
    }

    fn block(&mut self) -> &mut Block {
        // the outermost is never closed
        self.blocks.last_mut().expect("one block is always open")
    }

    fn open(&mut self, block: Block) -> Result<(), String> {
        if self.blocks.len() > MOST_BRACES {
            return Err(format!("at most {MOST_BRACES} braces in each other"));
        }
        self.blocks.push(block);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        if self.blocks.len() == 1 {
            return Err("} without {".to_owned());
        }
        let long_form = self.long_form.take();
        let Some(block) = self.blocks.pop() else {
            return Ok(());
        };
        let outer = &mut self.block().out;
        match (block.group, long_form) {
            (Some(number), extra) => {
                outer.extend(block.out);
                let tag = number << 3 | u64::from(EGROUP);
                padded(tag, extra.unwrap_or(0), outer);
            }
            (None, None) => {
                padded(block.out.len() as u64, block.padding, outer);
                outer.extend(block.out);
            }
            (None, Some(_)) => {
                return Err("expected an integer or braces after long-form".to_owned());
            }
        }
        Ok(())
    }

    /// The wire type of the tag before, if it was left open.
    fn infer(&mut self, wire_type: u8) {
        let block = self.block();
        if let Some(at) = block.infer.take() {
            block.out[at] |= wire_type;
        }
        block.number = None;
    }

    fn emit(&mut self, bytes: &[u8], wire_type: u8) -> Result<(), String> {
        if self.long_form.is_some() {
            return Err("expected an integer or braces after long-form".to_owned());
        }
        self.infer(wire_type);
        self.block().out.extend_from_slice(bytes);
        Ok(())
    }

    fn quoted(&mut self) -> Result<Vec<u8>, String> {
        let bytes = self.text.as_bytes();
        let mut out = Vec::new();
        let mut at = self.at + 1;
        loop {
            match bytes.get(at) {
                None => return Err("expected \", found the end".to_owned()),
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    at += 1;
                    match bytes.get(at) {
                        Some(b'n') => out.push(b'\n'),
                        Some(c @ (b'"' | b'\\')) => out.push(*c),
                        Some(b'x') => {
                            let digits = self.text.get(at + 1..at + 3);
                            let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                            out.push(byte.ok_or("\\x takes two hexadecimal digits")?);
                            at += 2;
                        }
                        Some(b'0'..=b'7') => {
                            let rest = &bytes[at..bytes.len().min(at + 3)];
                            let n = rest
                                .iter()
                                .take_while(|b| (b'0'..=b'7').contains(b))
                                .count();
                            let value = u8::from_str_radix(&self.text[at..at + n], 8);
                            out.push(value.map_err(|_| "an octal escape is at most \\377")?);
                            at += n - 1;
                        }
                        _ => return Err("expected one of \\\\ \\\" \\n \\xHH \\OOO".to_owned()),
                    }
                    at += 1;
                }
                Some(c) => {
                    out.push(*c);
                    at += 1;
                }
            }
        }
    }

    fn hex(&mut self) -> Result<Vec<u8>, String> {
        let rest = &self.text[self.at + 1..];
        let end = rest.find('`').ok_or("expected `, found the end")?;
        let digits = &rest.as_bytes()[..end];
        let digit = |b: &u8| (*b as char).to_digit(16);
        let bytes: Option<Vec<u8>> = digits
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => Some((digit(a)? << 4 | digit(b)?) as u8),
                _ => None,
            })
            .collect();
        let bytes = bytes.ok_or("expected pairs of hexadecimal digits between `")?;
        self.at += end + 2;
        Ok(bytes)
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        let literal: Option<(&[u8], u8)> = match word {
            "true" => Some((&[1], VARINT)),
            "false" => Some((&[0], VARINT)),
            "inf32" => Some((&[0, 0, 0x80, 0x7f], I32)),
            "-inf32" => Some((&[0, 0, 0x80, 0xff], I32)),
            "inf64" => Some((&[0, 0, 0, 0, 0, 0, 0xf0, 0x7f], I64)),
            "-inf64" => Some((&[0, 0, 0, 0, 0, 0, 0xf0, 0xff], I64)),
            _ => None,
        };
        if let Some((bytes, wire_type)) = literal {
            return self.emit(bytes, wire_type);
        }
        if let Some(extra) = word.strip_prefix("long-form:") {
            let extra = extra
                .parse()
                .map_err(|_| format!("{word}: not a number of bytes"))?;
            if self.long_form.replace(extra).is_some() {
                return Err("expected an integer or braces after long-form".to_owned());
            }
            return Ok(());
        }
        if let Some((number, wire_type)) = word.split_once(':') {
            return self.tag(number, wire_type);
        }
        if word.contains('.') {
            let (bytes, wire_type) = float(word).ok_or_else(|| format!("{word:?} is no number"))?;
            return self.emit(&bytes, wire_type);
        }
        if let Some(digits) = word.strip_suffix("i32") {
            let n = integer(digits)?;
            if !(i128::from(i32::MIN)..=i128::from(u32::MAX)).contains(&n) {
                return Err(format!("{word} does not fit in 32 bits"));
            }
            return self.emit(&(n as u32).to_le_bytes(), I32);
        }
        if let Some(digits) = word.strip_suffix("i64") {
            return self.emit(&(integer(digits)? as u64).to_le_bytes(), I64);
        }
        let value = zigzag_or_plain(word)?;
        let extra = self.long_form.take().unwrap_or(0);
        self.infer(VARINT);
        padded(value, extra, &mut self.block().out);
        Ok(())
    }

    fn tag(&mut self, number: &str, wire_type: &str) -> Result<(), String> {
        let number = zigzag_or_plain(number)?;
        if number >> 61 != 0 && (number as i64) >> 61 != -1 {
            return Err(format!("{number} has no room for a wire type"));
        }
        let known = WIRE_TYPES.iter().find(|(_, name)| *name == wire_type);
        let explicit = match (wire_type, known) {
            ("", _) => None,
            (_, Some((n, _))) => Some(*n as u64),
            (digits, None) => Some(
                integer(digits)
                    .ok()
                    .and_then(|n| u64::try_from(n).ok())
                    .filter(|n| *n <= 7)
                    .ok_or("a wire type is VARINT, I64, LEN, SGROUP, EGROUP, I32, or 0 to 7")?,
            ),
        };
        let extra = self.long_form.take().unwrap_or(0);
        // a tag is an integer too, for a tag before it
        self.infer(VARINT);
        let block = self.block();
        if explicit.is_none() {
            block.infer = Some(block.out.len());
            block.number = Some(number);
        }
        padded(number << 3 | explicit.unwrap_or(0), extra, &mut block.out);
        Ok(())
    }
}

/// A varint with so many bytes more than it needs; here it may be longer than any reader takes.
fn padded(value: u64, extra: usize, out: &mut Vec<u8>) {
    let size = varint::len(value) + extra;
    if size <= varint::MOST {
        varint::write_padded(value, size, out);
        return;
    }
    let start = out.len();
    varint::write(value, out);
    if let Some(last) = out.last_mut() {
        *last |= 0x80;
    }
    // long-form:1000000000 is refused by nobody, but means nothing
    out.resize(start + size.min(1 << 20) - 1, 0x80);
    out.push(0);
}

fn zigzag_or_plain(word: &str) -> Result<u64, String> {
    match word.strip_suffix('z') {
        Some(digits) => Ok(varint::zigzag(integer(digits)? as u64 as i64)),
        None => Ok(integer(word)? as u64),
    }
}

/// An integer of 64 bits, signed or not.
fn integer(word: &str) -> Result<i128, String> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(hex) => (16, hex),
        None => (10, digits),
    };
    let plain = digits.chars().all(|c| c.is_digit(radix)) && !digits.is_empty();
    let n = plain
        .then(|| i128::from_str_radix(digits, radix).ok())
        .flatten();
    let n = n.map(|n| if negative { -n } else { n });
    n.filter(|n| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(n))
        .ok_or_else(|| format!("{word:?} is no token, and no integer of 64 bits"))
}

/// A floating-point number: 64 bits, unless it ends in `i32`.
fn float(word: &str) -> Option<(Vec<u8>, u8)> {
    let (digits, narrow) = match (word.strip_suffix("i32"), word.strip_suffix("i64")) {
        (Some(digits), _) => (digits, true),
        (None, Some(digits)) => (digits, false),
        (None, None) => (word, false),
    };
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let value = match unsigned.strip_prefix("0x") {
        Some(hex) => {
            let value = hex_float(hex)?;
            if digits.starts_with('-') {
                -value
            } else {
                value
            }
        }
        None => {
            let first = unsigned.as_bytes().first()?;
            let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-');
            if !first.is_ascii_digit() || !unsigned.bytes().all(plain) {
                return None;
            }
            if narrow {
                let value: f32 = digits.parse().ok().filter(|x: &f32| x.is_finite())?;
                return Some((value.to_le_bytes().to_vec(), I32));
            }
            digits.parse().ok()?
        }
    };
    if narrow {
        let value = value as f32;
        return value
            .is_finite()
            .then(|| (value.to_le_bytes().to_vec(), I32));
    }
    value
        .is_finite()
        .then(|| (value.to_le_bytes().to_vec(), I64))
}

/// `f.8p3`: hexadecimal digits, and a power of two.
fn hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = match text.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = digits.split_once('.')?;
    let all: String = [whole, part].concat();
    // more digits than a double has bits for would be rounded twice
    if all.is_empty() || all.trim_start_matches('0').len() > 13 {
        return None;
    }
    let mantissa = u64::from_str_radix(&all, 16).ok()?;
    let scale = exponent.checked_sub(4 * i32::try_from(part.len()).ok()?)?;
    Some(mantissa as f64 * 2f64.powi(scale))
}

#[cfg(test)]
mod tests {
    use super::read;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Examples of the specification and of the tests of Google's tool.
    #[test]
    fn examples() {
        for (text, expected) in [
            ("", ""),
            ("#hello\n`abCD`", "abcd"),
            (
                r#""\\\"\ntext\x00\xff" "\1234\08""#,
                "5c220a7465787400ff53340038",
            ),
            ("-2z 3", "0303"),
            ("long-form:3 3", "83808000"),
            ("long-form:5 -42z", "d38080808000"),
            ("-1", "ffffffffffffffffff01"),
            ("0xaaai32 -0xaaai64", "aa0a000056f5ffffffffffff"),
            (
                "18446744073709551615i64 -2147483648i32",
                "ffffffffffffffff00000080",
            ),
            ("true false inf32 -inf64", "01000000807f000000000000f0ff"),
            ("-3.0e9i32 -0.0", "5ed032cf0000000000000080"),
            ("-0xf.0 0x1.8p5i32", "0000000000002ec000004042"),
            (
                "1: 55z 2: 1.5 6: -1i32 8: !{42}",
                "086e11000000000000f83f35ffffffff432a44",
            ),
            (
                "25: {1 2 3} 23: long-form:2 {\"x\"}",
                "ca0103010203ba018180007 8".replace(' ', "").as_str(),
            ),
            ("27: !{long-form:3}", "db01dc81808000"),
            (
                "2:LEN 5 \"abcd\" 5:I64 9:6 long-form:1 1:VARINT",
                "12056162636429 4e 8800".replace(' ', "").as_str(),
            ),
        ] {
            assert_eq!(
                read(text).map(|b| hex(&b)).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_protoscope_is_told_with_its_place() {
        for (text, expected) in [
            (
                "garbage",
                r#"line 1, column 1: "garbage" is no token, and no integer of 64 bits"#,
            ),
            ("1:\n  {", "line 2, column 4: expected }, found the end"),
            ("}", "line 1, column 1: } without {"),
            (
                "`a`",
                "line 1, column 1: expected pairs of hexadecimal digits between `",
            ),
            (
                "\"hello\\\"",
                "line 1, column 1: expected \", found the end",
            ),
            (
                "!{}",
                "line 1, column 1: a group follows a number without a wire type",
            ),
            (
                "long-form:1 1i32",
                "line 1, column 13: expected an integer or braces after long-form",
            ),
            (
                "long-form:3 long-form:4 5",
                "line 1, column 13: expected an integer or braces after long-form",
            ),
            (
                "4294967296i32",
                "line 1, column 1: 4294967296i32 does not fit in 32 bits",
            ),
            (
                "9:8",
                "line 1, column 1: a wire type is VARINT, I64, LEN, SGROUP, EGROUP, I32, or 0 to 7",
            ),
        ] {
            assert_eq!(read(text), Err(format!("protoscope, {expected}")), "{text}");
        }
    }
}
