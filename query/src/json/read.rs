//! Reading. Integers of any size are exact; nesting is bounded and takes no stack.
use super::DEEPEST;
use crate::value::{Map, Num, Str, V, num};
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
        .unwrap_or_else(|| Err(r.error("Expected a JSON value")))?;
    r.space();
    if r.at < text.len() {
        Err(r.error("Unexpected extra JSON values"))
    } else {
        Ok(v)
    }
}

/// Reads the values of a text one by one.
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    failed: bool,
}

impl Iterator for Reader<'_> {
    type Item = Result<V, ParseError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.space();
        if self.failed || self.at >= self.text.len() {
            return None;
        }
        let r = self.value();
        self.failed = r.is_err();
        Some(r)
    }
}

/// A container whose end has not come yet.
enum Open {
    Arr(Vec<V>),
    Obj(Map, Str),
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Reader<'a> {
    /// Starts at the beginning of a text; a byte order mark is skipped.
    pub fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        Self {
            text,
            at,
            failed: false,
        }
    }

    /// How many bytes were read.
    pub fn offset(&self) -> usize {
        self.at
    }

    fn error(&self, message: &str) -> ParseError {
        let before = &self.text[..self.at.min(self.text.len())];
        let start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
        ParseError {
            message: message.into(),
            offset: self.at,
            line,
            column,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, s: &[u8]) -> bool {
        let found = self.text[self.at..].starts_with(s);
        if found {
            self.at += s.len();
        }
        found
    }

    fn value(&mut self) -> Parsed<V> {
        let mut stack: Vec<Open> = Vec::new();
        loop {
            self.space();
            let mut v = match self.peek() {
                Some(b'[' | b'{') if stack.len() >= DEEPEST => {
                    return Err(self.error("Exceeds depth limit for parsing"));
                }
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    if self.eat(b"]") {
                        V::arr(Vec::new())
                    } else {
                        stack.push(Open::Arr(Vec::new()));
                        continue;
                    }
                }
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    if self.eat(b"}") {
                        V::obj(Map::default())
                    } else {
                        let key = self.key()?;
                        stack.push(Open::Obj(Map::default(), key));
                        continue;
                    }
                }
                _ => self.scalar()?,
            };
            // hand the value to what it lies in, as long as that ends with it
            loop {
                let Some(top) = stack.last_mut() else {
                    return Ok(v);
                };
                self.space();
                let more = self.eat(b",");
                match top {
                    Open::Arr(items) => {
                        items.push(v);
                        if more {
                            break;
                        }
                        if !self.eat(b"]") {
                            return Err(self.error("Expected ',' or ']' in an array"));
                        }
                    }
                    Open::Obj(map, key) => {
                        map.insert(std::mem::replace(key, Str::from("")), v);
                        if more {
                            *key = self.key()?;
                            break;
                        }
                        if !self.eat(b"}") {
                            return Err(self.error("Expected ',' or '}' in an object"));
                        }
                    }
                }
                v = match stack.pop() {
                    Some(Open::Arr(items)) => V::arr(items),
                    Some(Open::Obj(map, _)) => V::obj(map),
                    None => V::Null,
                };
            }
        }
    }

    fn key(&mut self) -> Parsed<Str> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.error("Object keys must be strings"));
        }
        let key = self.string()?;
        self.space();
        if !self.eat(b":") {
            return Err(self.error("Expected ':' after an object key"));
        }
        Ok(key)
    }

    fn scalar(&mut self) -> Parsed<V> {
        if self.peek() == Some(b'"') {
            return Ok(V::Text(self.string()?));
        }
        if self.peek() == Some(b'\'') {
            return Err(self.error("Invalid string literal; expected \", but got '"));
        }
        let rest = &self.text[self.at..];
        let len = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b))
            .count();
        let word = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        let v = match word {
            "null" => V::Null,
            "true" => V::Bool(true),
            "false" => V::Bool(false),
            "nan" | "NaN" | "-nan" | "-NaN" => V::Num(Num::Float(f64::NAN)),
            "Infinity" | "infinity" => V::Num(Num::Float(f64::INFINITY)),
            "-Infinity" | "-infinity" => V::Num(Num::Float(f64::NEG_INFINITY)),
            "" if rest.is_empty() => return Err(self.error("Unfinished JSON term")),
            "" => return Err(self.error("Invalid literal")),
            w => match number(w) {
                Some(n) => V::Num(n),
                None => return Err(self.error("Invalid numeric literal")),
            },
        };
        self.at += len;
        Ok(v)
    }

    fn string(&mut self) -> Parsed<Str> {
        self.at += 1;
        let start = self.at;
        // most strings have no escapes: they are one slice
        loop {
            match self.peek() {
                Some(b'"') => {
                    let s = Str::from(&self.text[start..self.at]);
                    self.at += 1;
                    return Ok(s);
                }
                Some(b'\\') => break,
                Some(_) => self.at += 1,
                None => return Err(self.error("Unfinished string")),
            }
        }
        let mut out = self.text[start..self.at].to_vec();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(b) => {
                    out.push(b);
                    self.at += 1;
                }
                None => return Err(self.error("Unfinished string")),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let c = self.text.get(self.at + 1).copied();
        let plain = match c {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("Invalid escape")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Parsed<char> {
        let unit = |r: &Self, at: usize| {
            let hex = r.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
            let hex = std::str::from_utf8(hex)
                .ok()
                .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u16::from_str_radix(hex, 16).ok()
        };
        let Some(high) = unit(self, self.at) else {
            return Err(self.error("Invalid escape"));
        };
        self.at += 6;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        match unit(self, self.at).filter(|low| (0xdc00..0xe000).contains(low)) {
            Some(low) => {
                self.at += 6;
                let pair = char::decode_utf16([high, low]).next();
                Ok(pair
                    .and_then(Result::ok)
                    .unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            None => Ok(char::REPLACEMENT_CHARACTER),
        }
    }
}

/// A number, as leniently as jq takes one: `.5`, `1.`, `+1`, `007`.
pub fn number(s: &str) -> Option<Num> {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    let (mantissa, exp) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let dots = mantissa.bytes().filter(|b| *b == b'.').count();
    let exp_ok = exp.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())
    });
    let ok = digits > 0 && dots <= 1 && digits + dots == mantissa.len() && exp_ok;
    ok.then(|| num::parse(s.strip_prefix('+').unwrap_or(s)))
        .flatten()
}
