//! Reading, as jq reads: besides JSON there are `nan` and `infinity`, `.5`, `01` and `+1`. A list of open containers takes the
//! place of recursion, as values may nest deep.
use super::DEEPEST;
use crate::value::{Map, Num, Str, V, num};
use std::borrow::Cow;
use std::fmt;

/// What is wrong with a JSON text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the text.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at line {}, column {}",
            self.message, self.line, self.column
        )
    }
}

impl std::error::Error for ParseError {}

/// Reads exactly one value.
///
/// # Errors
///
/// If the text is no JSON, or more than one value.
pub fn parse(text: &[u8]) -> Result<V, ParseError> {
    let mut r = Reader::new(text);
    let v = r
        .next()
        .unwrap_or_else(|| Err(r.error("expected a JSON value", r.text.len())))?;
    r.space();
    match r.at == r.text.len() {
        true => Ok(v),
        false => Err(r.error("unexpected extra JSON values", r.at)),
    }
}

/// Reads the values of a text one by one.
pub struct Reader<'a> {
    text: Cow<'a, str>,
    at: usize,
    failed: bool,
}

impl Iterator for Reader<'_> {
    type Item = Result<V, ParseError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.space();
        if self.failed || self.at == self.text.len() {
            return None;
        }
        let r = self.value();
        self.failed = r.is_err();
        Some(r.map_err(|(message, at)| self.error(message, at)))
    }
}

/// What is wrong, and the byte where.
type Problem = (&'static str, usize);

/// A container that is being read.
enum Open {
    Arr(Vec<V>),
    Obj(Str, Map),
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of a text; a byte order mark is skipped. What is not UTF-8 is replaced, as in jq.
    pub fn new(text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self {
            text: String::from_utf8_lossy(text),
            at: 0,
            failed: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, b: u8) -> bool {
        self.space();
        let found = self.peek() == Some(b);
        self.at += usize::from(found);
        found
    }

    fn error(&self, message: &str, offset: usize) -> ParseError {
        let before = String::from_utf8_lossy(&self.text.as_bytes()[..offset]);
        let line = before.rsplit('\n').next().unwrap_or_default();
        ParseError {
            message: message.into(),
            offset,
            line: 1 + before.matches('\n').count(),
            column: 1 + line.chars().count(),
        }
    }

    fn value(&mut self) -> Result<V, Problem> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.space();
            if open.len() >= DEEPEST && matches!(self.peek(), Some(b'[' | b'{')) {
                return Err(("Exceeds depth limit for parsing", self.at));
            }
            let mut done = match self.peek() {
                Some(b'[') => {
                    self.at += 1;
                    match self.eat(b']') {
                        true => V::arr(Vec::new()),
                        false => {
                            open.push(Open::Arr(Vec::new()));
                            continue;
                        }
                    }
                }
                Some(b'{') => {
                    self.at += 1;
                    match self.eat(b'}') {
                        true => V::obj(Map::default()),
                        false => {
                            open.push(Open::Obj(self.key()?, Map::default()));
                            continue;
                        }
                    }
                }
                Some(b'"') => V::Text(self.string()?),
                _ => self.word()?,
            };
            // what the value ends
            loop {
                match open.last_mut() {
                    None => return Ok(done),
                    Some(Open::Arr(items)) => items.push(done),
                    Some(Open::Obj(key, map)) => {
                        map.insert(std::mem::replace(key, "".into()), done);
                    }
                }
                if self.eat(b',') {
                    self.more(&mut open)?;
                    break;
                }
                done = match (self.peek(), open.pop()) {
                    (Some(b']'), Some(Open::Arr(items))) => V::arr(items),
                    (Some(b'}'), Some(Open::Obj(_, map))) => V::obj(map),
                    (None, Some(_)) => return Err(("unfinished JSON value", self.at)),
                    (_, Some(Open::Arr(_))) => return Err(("expected `,` or `]`", self.at)),
                    _ => return Err(("expected `,` or `}`", self.at)),
                };
                self.at += 1;
            }
        }
    }

    /// What follows a comma.
    fn more(&mut self, open: &mut [Open]) -> Result<(), Problem> {
        self.space();
        match (open.last_mut(), self.peek()) {
            (Some(Open::Obj(..)), Some(b'}')) => Err(("expected another key", self.at)),
            (Some(Open::Obj(..)), _) => {
                let next = self.key()?;
                if let Some(Open::Obj(key, _)) = open.last_mut() {
                    *key = next;
                }
                Ok(())
            }
            (_, Some(b']')) => Err(("expected another item", self.at)),
            _ => Ok(()),
        }
    }

    /// A key and the colon after it.
    fn key(&mut self) -> Result<Str, Problem> {
        self.space();
        match self.peek() {
            Some(b'"') => (),
            None => return Err(("unfinished JSON value", self.at)),
            _ => return Err(("object keys must be strings", self.at)),
        }
        let key = self.string()?;
        match self.eat(b':') {
            true => Ok(key),
            false => Err(("expected `:`", self.at)),
        }
    }

    fn string(&mut self) -> Result<Str, Problem> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut unescaped: Option<String> = None;
        let (mut at, mut from) = (start, start);
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let out = unescaped.get_or_insert_default();
                    out.push_str(&self.text[from..at]);
                    let (c, len) = match bytes.get(at + 1) {
                        Some(b'u') => crate::syntax::unicode(&self.text[at..])
                            .ok_or(("invalid \\u escape, or half of a surrogate pair", at))?,
                        Some(b) => (crate::syntax::escaped(*b).ok_or(("invalid escape", at))?, 2),
                        None => return Err(("unfinished string", bytes.len())),
                    };
                    out.push(c);
                    at += len;
                    from = at;
                }
                Some(..0x20) => {
                    return Err(("control characters in a string must be escaped", at));
                }
                Some(_) => at += 1,
                None => return Err(("unfinished string", bytes.len())),
            }
        }
        self.at = at + 1;
        let rest = &self.text[from..at];
        Ok(match unescaped {
            None => Str::from(rest),
            Some(mut s) => {
                s.push_str(rest);
                s.into()
            }
        })
    }

    /// A number, or a word such as `null`.
    fn word(&mut self) -> Result<V, Problem> {
        let rest = &self.text[self.at..];
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let word = &rest[..rest.len() - rest.trim_start_matches(part).len()];
        let number = |s: &str| num::parse_lenient(s).or_else(|| num::parse_special(s));
        let value = match word {
            "null" => V::Null,
            "true" => V::Bool(true),
            "false" => V::Bool(false),
            "" if rest.is_empty() => return Err(("unfinished JSON value", self.at)),
            "" => return Err(("expected value", self.at)),
            word => match (word.parse::<isize>(), word.as_bytes()) {
                // the sign of a zero is kept
                (Ok(i), [b'0'..=b'9', ..]) => V::Num(Num::Int(i)),
                _ => V::Num(number(word).ok_or(("expected value", self.at))?),
            },
        };
        self.at += word.len();
        Ok(value)
    }
}
