//! Header fields written as lines, RFC 9112 section 5: in the head of an HTTP/1.1 message, after its last chunk, and in the
//! trailers frame of gRPC-Web.

mod head;
mod list;

pub use head::LineHead;
pub use list::{Lines, spell_out};

use crate::text;
use binq_core::codec::{Codec, Representation};
use binq_core::{Bits, Malformed, Misfit, Scalar, Severity, Span};
use bytes::Bytes;

/// A header field; places are bytes of its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its first byte, and the first byte after its line break.
    pub at: u64,
    /// See `at`.
    pub end: u64,
    /// The name, in lower case.
    pub name: Bytes,
    /// The value, without the white space around it, and in one line.
    pub value: Bytes,
    /// Where the value begins.
    pub value_at: u64,
    /// How many bytes it is written in: more than it has where it is folded over several lines.
    pub value_len: u64,
    /// Whether the field is folded over several lines, though some of them may be empty.
    pub folded: bool,
    /// What is wrong with the line, if something is.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a line that a reader goes on behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// White space between the name and the colon, which is not of the name.
    Space,
    /// It is no header field. It has no name; its value is all of it.
    NoField,
}

impl Line {
    /// Where the name is.
    pub fn name_span(&self) -> Span {
        Span::bytes(self.at, self.name.len() as u64)
    }

    /// What is wrong with the line, to whoever reads a response: a proxy removes white space before the colon (RFC 9112 section 5.1),
    /// and browsers skip a line that is no header field.
    pub fn malformed(&self) -> Option<Malformed> {
        let (at, expected, found, severity) = match self.flaw? {
            Flaw::Space => {
                let at = self.at + self.name.len() as u64;
                (at, "a colon behind the name", "white space", Severity::Odd)
            }
            Flaw::NoField => {
                let found = "text that is neither";
                let expected = "a header field or an empty line";
                (self.at, expected, found, Severity::Damage)
            }
        };
        Some(Malformed::new(at, expected, found).with(severity))
    }

    /// Where the value is.
    pub fn value_span(&self) -> Span {
        Span::bytes(self.value_at, self.value_len)
    }
}

/// How a run of lines ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an empty line.
    Blank,
    /// With the text, perhaps within a line.
    Text,
    /// With a line that is no header field.
    Wrong,
}

/// A byte of a token, RFC 9110 section 5.6.2.
pub fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// The length of the line at the beginning of a text, without and with its line break; one LF is enough (section 2.2).
pub fn line(text: &[u8]) -> Option<(usize, usize)> {
    let lf = text.iter().position(|b| *b == b'\n')?;
    let cr = usize::from(lf > 0 && text[lf - 1] == b'\r');
    Some((lf - cr, lf + 1))
}

/// Whether a line goes on with the one before it: it begins with white space (section 5.2).
fn is_fold(text: &[u8]) -> bool {
    matches!(text.first(), Some(b' ' | b'\t'))
}

/// A value in one line: each line break, with the white space around it, is a space.
fn unfolded(text: &[u8]) -> Bytes {
    if !text.contains(&b'\n') {
        return Bytes::copy_from_slice(text);
    }
    let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let mut out = lines.next().unwrap_or_default().to_vec();
    for line in lines {
        out.push(b' ');
        out.extend_from_slice(line);
    }
    out.into()
}

/// Read lines; `base` is the place of the text in its space. Also gives how many bytes they are, the empty line too, and how
/// they ended.
pub fn read(text: &[u8], base: u64) -> (Vec<Line>, usize, End) {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some((len, next)) = line(&text[at..]) {
        let row = &text[at..at + len];
        if row.is_empty() {
            return (out, at + next, End::Blank);
        }
        let Some(colon) = row.iter().position(|b| *b == b':') else {
            return (out, at, End::Wrong);
        };
        let (name, rest) = (&row[..colon], &row[colon + 1..]);
        if name.is_empty() || !name.iter().all(|b| is_token(*b)) {
            return (out, at, End::Wrong);
        }
        let first = at + colon + 1;
        let next = at + next;
        // of a line that has no end, it is not known whether it goes on
        let Some((end, next, folded)) = folds(text, first + rest.len(), next) else {
            return (out, at, End::Text);
        };
        let value = text[first..end].trim_ascii_start();
        let from = if value.is_empty() {
            at + len
        } else {
            end - value.len()
        };
        let value = value.trim_ascii_end();
        out.push(Line {
            at: base + at as u64,
            end: base + next as u64,
            name: name.to_ascii_lowercase().into(),
            value: unfolded(value),
            value_at: base + from as u64,
            value_len: value.len() as u64,
            folded,
            flaw: None,
        });
        at = next;
    }
    (out, at, End::Text)
}

/// Lines that are no header fields belong to a head whose end is no farther from the first of them.
const FAR: usize = 64 * 1024;

/// Like [`read`], as those do it who go on behind a line that is malformed (browsers, proxies, tshark): white space before a colon is
/// skipped, and a line of text that is no header field is one [without a name](Flaw::NoField), if an empty line follows somewhere.
/// What begins another message, by `is_start`, is none.
pub fn read_on(
    text: &[u8],
    base: u64,
    is_start: impl Fn(&[u8]) -> bool,
) -> (Vec<Line>, usize, End) {
    let mut out: Vec<Line> = Vec::new();
    // how many lines, and bytes, there are before the first one that is no header field
    let mut sound = None;
    let mut at = 0;
    loop {
        let (lines, len, end) = read(&text[at..], base + at as u64);
        out.extend(lines);
        at += len;
        let (_, from) = sound.unwrap_or((0, at));
        let (flaw, row, next) = match end {
            End::Blank => return (out, at, end),
            End::Wrong if at - from <= FAR => match flawed(&text[at..], &is_start) {
                Some(found) => found,
                None => break,
            },
            End::Wrong => break,
            End::Text => match sound {
                None => return (out, at, end),
                Some(_) => break,
            },
        };
        if flaw == Flaw::NoField {
            sound.get_or_insert((out.len(), at));
        }
        let Some((end, next, folded)) = folds(text, at + row.len(), at + next) else {
            match sound {
                None => return (out, at, End::Text),
                Some(_) => break,
            }
        };
        let colon = match flaw {
            Flaw::Space => row.iter().position(|b| *b == b':'),
            Flaw::NoField => None,
        };
        let name = colon.map_or(&[][..], |colon| row[..colon].trim_ascii_end());
        let first = colon.map_or(at, |colon| at + colon + 1);
        let value = text[first..end].trim_ascii_start();
        let from = if value.is_empty() {
            at + row.len()
        } else {
            end - value.len()
        };
        let value = match flaw {
            Flaw::Space => value.trim_ascii_end(),
            Flaw::NoField => value,
        };
        out.push(Line {
            at: base + at as u64,
            end: base + next as u64,
            name: name.to_ascii_lowercase().into(),
            value: unfolded(value),
            value_at: base + from as u64,
            value_len: value.len() as u64,
            folded,
            flaw: Some(flaw),
        });
        at = next;
    }
    // text that has no end is no head
    let (count, at) = sound.unwrap_or((out.len(), at));
    out.truncate(count);
    (out, at, End::Wrong)
}

/// What is wrong with the line at the beginning of a text, which is no header field; the line, and where the next one begins.
fn flawed<'a>(
    text: &'a [u8],
    is_start: &impl Fn(&[u8]) -> bool,
) -> Option<(Flaw, &'a [u8], usize)> {
    let (len, next) = line(text)?;
    let row = &text[..len];
    let colon = row.iter().position(|b| *b == b':');
    let name = colon.map_or(&[][..], |colon| row[..colon].trim_ascii_end());
    if (TOKEN.fits)(name) {
        return Some((Flaw::Space, row, next));
    }
    let is_text = row.iter().all(|b| *b == b'\t' || !b.is_ascii_control());
    (is_text && !is_fold(row) && !is_start(row)).then_some((Flaw::NoField, row, next))
}

/// Where the text of a line ends that may be folded, where the next one begins, and whether it is; nothing if that is not known.
fn folds(text: &[u8], mut end: usize, mut next: usize) -> Option<(usize, usize, bool)> {
    let one_line = next;
    while is_fold(&text[next..])
        && let Some((len, after)) = line(&text[next..])
    {
        (end, next) = (next + len, next + after);
    }
    (!is_fold(&text[next..])).then_some((end, next, next > one_line))
}

/// Text that has a form of its own.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What it looks like, for messages.
    pub expected: &'static str,
    /// Whether a text has the form.
    pub fits: fn(&[u8]) -> bool,
}

/// A name, or a method.
pub static TOKEN: Form = Form {
    expected: "a token of RFC 9110",
    fits: |text| !text.is_empty() && text.iter().all(|b| is_token(*b)),
};

/// A line that is no header field: another text would be one, or end the head.
pub static NO_FIELD: Form = Form {
    expected: "text without a colon behind a name, in one line that does not begin with white space",
    fits: |text| {
        let line = [text, b"\r\n\r\n"].concat();
        let (lines, ..) = read_on(&line, 0, |row| row.windows(5).any(|w| w == b"HTTP/"));
        let is_one = |l: &Line| l.flaw == Some(Flaw::NoField) && l.value_len == text.len() as u64;
        !text.contains(&b'\n') && matches!(&lines[..], [line] if is_one(line))
    },
};

/// A part of a first line is no longer than this, so that the line is read back.
pub const LONGEST_PART: usize = 30_000;

/// The target of a request.
pub static TARGET: Form = Form {
    expected: "text without white space, of 1 to 30000 characters",
    fits: |text| {
        let plain = text.iter().all(|b| *b > b' ' && *b != 0x7f);
        plain && (1..=LONGEST_PART).contains(&text.len())
    },
};

/// Whether a text would end its line, or be refused for a NUL (RFC 9110 section 5.5).
pub fn breaks_line(text: &[u8]) -> bool {
    text.iter().any(|b| b"\r\n\0".contains(b))
}

/// What a value looks like.
static ONE_LINE: Form = Form {
    expected: "text without line breaks, and without white space at its ends",
    fits: |text| text.trim_ascii() == text && !breaks_line(text),
};

/// A value. One that is folded over several lines reads as one line, and stays as it is written where it does not change.
pub static VALUE: Value = Value;

/// See [`VALUE`].
pub struct Value;

impl Codec for Value {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(text::scalar(&unfolded(bits.bytes())))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() == Some(&unfolded(like.bytes())[..]) {
            true => Ok(like.clone()),
            false => ONE_LINE.encode(value, like),
        }
    }
}

impl Codec for Form {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(text::scalar(bits.bytes()))
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        match value.as_bytes() {
            // what is there already may stay, whatever it is
            Some(text) if text == &like.bytes()[..] || (self.fits)(text) => {
                Ok(Bits::from_bytes(text.to_vec()))
            }
            _ => Err(Misfit::new(self.expected, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_value_is_not_its_own() {
        let text = b"Host: a\r\nX-Empty:\r\nx-spaces:  b c \t\r\nlf: 1\n\r\nrest";
        let (lines, len, end) = read(text, 100);
        assert_eq!(end, End::Blank);
        assert_eq!(&text[len..], b"rest");
        let values: Vec<&[u8]> = lines.iter().map(|l| &l.value[..]).collect();
        assert_eq!(values, [&b"a"[..], b"", b"b c", b"1"]);
        for line in &lines {
            let at = (line.value_at - 100) as usize;
            assert_eq!(text[at..at + line.value.len()], line.value);
        }
        assert_eq!(lines[0].name, "host");
    }

    #[test]
    fn what_is_no_header_field_ends_the_lines() {
        let end = |text: &[u8]| (read(text, 0).0.len(), read(text, 0).2);
        assert_eq!(end(b"a: 1\r\nb 2\r\n\r\n"), (1, End::Wrong));
        assert_eq!(end(b" folded\r\n\r\n"), (0, End::Wrong));
        assert_eq!(end(b"a: 1\r\n fol"), (0, End::Text));
        assert_eq!(end(b"a : 1\r\n\r\n"), (0, End::Wrong));
        assert_eq!(end(b"a: 1\r\nb: 2"), (1, End::Text));
        assert_eq!(end(b"a: 1\r\n"), (1, End::Text));
        assert_eq!(end(b""), (0, End::Text));
    }

    #[test]
    fn a_reader_goes_on_behind_a_malformed_line() {
        let is_start = |row: &[u8]| row.starts_with(b"HTTP/1.1 ");
        let found = |text: &[u8]| {
            let (lines, len, end) = read_on(text, 7, is_start);
            let shown = lines.iter().map(|l| {
                let value = String::from_utf8_lossy(&l.value).into_owned();
                (String::from_utf8_lossy(&l.name).into_owned(), value, l.flaw)
            });
            (shown.collect::<Vec<_>>(), len, end)
        };
        let line = |name: &str, value: &str, flaw| (name.to_owned(), value.to_owned(), flaw);
        let sound = [line("a", "1", None), line("c", "3", None)];
        for (wrong, flawed) in [
            ("B : 2", line("b", "2", Some(Flaw::Space))),
            ("b\t :2 ", line("b", "2", Some(Flaw::Space))),
            ("b :", line("b", "", Some(Flaw::Space))),
            ("b : 2\r\n 3", line("b", "2 3", Some(Flaw::Space))),
            ("b 2", line("", "b 2", Some(Flaw::NoField))),
            ("b 2 ", line("", "b 2 ", Some(Flaw::NoField))),
            ("b 2: 3", line("", "b 2: 3", Some(Flaw::NoField))),
            (": 2", line("", ": 2", Some(Flaw::NoField))),
            ("\u{e9}: 2", line("", "\u{e9}: 2", Some(Flaw::NoField))),
            ("b\r\n 3", line("", "b 3", Some(Flaw::NoField))),
        ] {
            let text = format!("a: 1\r\n{wrong}\r\nc: 3\r\n\r\nrest");
            let all = [sound[0].clone(), flawed, sound[1].clone()].to_vec();
            let right = (all, text.len() - 4, End::Blank);
            assert_eq!(found(text.as_bytes()), right, "{wrong:?}");
        }
        // no text, the beginning of a message, and text that has no end
        let first = vec![sound[0].clone()];
        for wrong in [
            "b \u{1}\r\n\r\n",
            "b\r2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nd: 4\r\n\r\n",
            "b 2\r\nc: 3\r\n",
            "b 2\r\nc: 3",
            "b 2\r\n\u{1}\r\n\r\n",
        ] {
            let text = format!("a: 1\r\n{wrong}");
            assert_eq!(
                found(text.as_bytes()),
                (first.clone(), 6, End::Wrong),
                "{wrong:?}"
            );
        }
        let far = format!("a: 1\r\n{}\r\n", "b\r\n".repeat(30_000));
        assert_eq!(found(far.as_bytes()), (first, 6, End::Wrong));
        // a name is one, wherever the text ends
        let cut = found(b"a : 1\r\nb: 2");
        assert_eq!((cut.0.len(), cut.1, cut.2), (1, 7, End::Text));
    }

    #[test]
    fn a_line_that_is_no_field_stays_one() {
        for right in ["x", "a b: c", ": x", "a b "] {
            assert!((NO_FIELD.fits)(right.as_bytes()), "{right:?}");
        }
        for wrong in ["", "a: b", "a : b", " a", "a\r\nb", "a\0", "GET / HTTP/1.1"] {
            assert!(!(NO_FIELD.fits)(wrong.as_bytes()), "{wrong:?}");
        }
    }

    #[test]
    fn a_value_with_a_line_break_is_refused() {
        let like = Bits::from_bytes(b"x".to_vec());
        for wrong in ["a\r\nb: c", " a", "a ", "a\0"] {
            assert!(VALUE.encode(&wrong.into(), &like).is_err(), "{wrong:?}");
        }
        assert!(VALUE.encode(&"".into(), &like).is_ok());
        assert!(TOKEN.encode(&"".into(), &like).is_err());
        assert!(TOKEN.encode(&"a b".into(), &like).is_err());
    }
}
