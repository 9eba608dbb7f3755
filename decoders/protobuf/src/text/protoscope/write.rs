//! Bytes as Protoscope: whatever the bytes are, reading the text gives them back.

use crate::wire::guess::{Guess, guess_bytes};
use crate::wire::record::{EGROUP, I32, I64, LEN, MOST_DEPTH, Record, Run, SGROUP, VARINT};
use crate::wire::varint;
use std::fmt::Write;

/// The text for these bytes. What a length-delimited value is, the rule of the wire view says.
pub fn write(bytes: &[u8]) -> String {
    let mut out = Writer {
        text: String::new(),
        depth: 0,
    };
    out.records(bytes);
    out.text
}

struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let indent = 2 * self.depth;
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    fn records(&mut self, bytes: &[u8]) {
        let mut records = Run::of(bytes).records();
        for record in records.by_ref() {
            self.line();
            self.record(bytes, &record);
        }
        let rest = &bytes[records.at as usize..];
        if !rest.is_empty() {
            self.line();
            self.literal(rest);
        }
        if self.depth == 0 && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn record(&mut self, bytes: &[u8], record: &Record) {
        let slice = |from: u64, to: u64| &bytes[from as usize..to as usize];
        let body = slice(record.body, record.body_end);
        let raw = varint::read(slice(record.start, record.tag_end));
        let fits = |(raw, _): (u64, usize)| u32::try_from(raw).is_ok();
        let mut spelled = is_spelled(slice(record.start, record.tag_end)) && raw.is_some_and(fits);
        spelled &= match record.wire_type {
            LEN => is_spelled(slice(record.tag_end, record.body)),
            SGROUP => is_spelled(slice(record.body_end, record.end)),
            _ => true,
        };
        if !spelled {
            self.hex(slice(record.start, record.end));
            return;
        }
        self.long_form(slice(record.start, record.tag_end));
        let explicit = record.wire_type == VARINT && !is_spelled(body);
        let _ = match explicit {
            true => write!(self.text, "{}:VARINT ", record.number),
            false => write!(self.text, "{}: ", record.number),
        };
        match record.wire_type {
            VARINT => self.varint(body),
            I64 => self.fixed64(body),
            I32 => self.fixed32(body),
            LEN => {
                self.long_form(slice(record.tag_end, record.body));
                self.payload(body);
            }
            _ => {
                self.text.push_str("!{");
                self.nested(body);
                let end = slice(record.body_end, record.end);
                let extra = end.len() - varint::len(tag(record.number, EGROUP));
                if extra > 0 {
                    // before the closing brace, it is for the end tag
                    self.depth += 1;
                    self.line();
                    let _ = writeln!(self.text, "long-form:{extra}");
                    self.depth -= 1;
                    self.line();
                }
                self.text.push('}');
            }
        }
    }

    /// What makes the next varint longer than it needs to be.
    fn long_form(&mut self, spelled: &[u8]) {
        let value = varint::read(spelled).map_or(0, |(value, _)| value);
        let extra = spelled.len() - varint::len(value);
        if extra > 0 {
            let _ = write!(self.text, "long-form:{extra} ");
        }
    }

    fn varint(&mut self, spelled: &[u8]) {
        if is_spelled(spelled) {
            let value = varint::read(spelled).map_or(0, |(value, _)| value);
            self.long_form(spelled);
            let _ = write!(self.text, "{}", value as i64);
        } else {
            self.hex(spelled);
        }
    }

    fn fixed64(&mut self, body: &[u8]) {
        let bits = body.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let x = f64::from_bits(bits);
        let _ = match plain_float(x) {
            true => write!(self.text, "{x:?}"),
            false => write!(self.text, "{}i64", bits as i64),
        };
    }

    fn fixed32(&mut self, body: &[u8]) {
        let bits = body.iter().rev().fold(0u32, |n, b| n << 8 | u32::from(*b));
        let x = f32::from_bits(bits);
        let _ = match plain_float(f64::from(x)) {
            true => write!(self.text, "{x:?}i32"),
            false => write!(self.text, "{}i32", bits as i32),
        };
    }

    fn payload(&mut self, body: &[u8]) {
        self.text.push('{');
        match guess_bytes(body) {
            _ if body.is_empty() => {}
            Guess::Message if self.depth < usize::from(MOST_DEPTH) => self.nested(body),
            _ => self.literal(body),
        }
        self.text.push('}');
    }

    fn nested(&mut self, body: &[u8]) {
        if body.is_empty() {
            return;
        }
        self.depth += 1;
        self.text.push('\n');
        self.records(body);
        self.text.push('\n');
        self.depth -= 1;
        self.line();
    }

    fn literal(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(|c| c.is_control() && c != '\n') => {
                self.text.push('"');
                for c in text.chars() {
                    match c {
                        '"' | '\\' => self.text.extend(['\\', c]),
                        '\n' => self.text.push_str("\\n"),
                        c => self.text.push(c),
                    }
                }
                self.text.push('"');
            }
            _ => self.hex(bytes),
        }
    }

    fn hex(&mut self, bytes: &[u8]) {
        self.text.push('`');
        for b in bytes {
            let _ = write!(self.text, "{b:02x}");
        }
        self.text.push('`');
    }
}

/// Whether a varint is its value with padding, without bits beyond the 64th.
fn is_spelled(varint: &[u8]) -> bool {
    let value = varint::read(varint).map_or(0, |(value, _)| value);
    let mut same = Vec::new();
    varint::write_padded(value, varint.len(), &mut same);
    same == varint
}

fn tag(number: u32, wire_type: u8) -> u64 {
    u64::from(number) << 3 | u64::from(wire_type)
}

/// Whether a number is more likely a float than an integer: neither tiny nor huge, and printed without an exponent.
fn plain_float(x: f64) -> bool {
    x == 0.0 || (1e-4..1e15).contains(&x.abs())
}
