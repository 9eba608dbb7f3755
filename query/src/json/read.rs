//! Reading, by serde_json. Numbers are kept as their text, so that integers of any size are exact.
use super::DEEPEST;
use crate::value::{Map, Num, Str, V, num};
use serde_json::{Deserializer, Value};
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
    match r.space() {
        [] => Ok(v),
        _ => Err(r.error("unexpected extra JSON values", r.at)),
    }
}

/// Reads the values of a text one by one.
pub struct Reader<'a> {
    text: Cow<'a, str>,
    at: usize,
    depth: usize,
    failed: bool,
}

impl Iterator for Reader<'_> {
    type Item = Result<V, ParseError>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.space().is_empty() {
            return None;
        }
        let r = self.value();
        self.failed = r.is_err();
        Some(r)
    }
}

/// serde_json goes down by recursion. Up to this depth that fits into any stack; deeper texts get a stack of their own.
const SHALLOW: usize = 128;
/// Stack for one level, several times of what it takes without optimization.
const LEVEL: usize = 16 << 10;

impl<'a> Reader<'a> {
    /// Starts at the beginning of a text; a byte order mark is skipped. What is not UTF-8 is replaced, as in jq.
    pub fn new(text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self {
            text: String::from_utf8_lossy(text),
            at: 0,
            depth: depth(text),
            failed: false,
        }
    }

    /// Skips white space, and gives the rest.
    fn space(&mut self) -> &[u8] {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        &self.text.as_bytes()[self.at..]
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

    fn value(&mut self) -> Result<V, ParseError> {
        if self.depth > DEEPEST {
            return Err(self.error("Exceeds depth limit for parsing", self.at));
        }
        let rest = &self.text[self.at..];
        let read = || {
            let mut de = Deserializer::from_str(rest);
            de.disable_recursion_limit();
            let mut values = de.into_iter::<Value>();
            let value = values.next();
            (value, values.byte_offset())
        };
        let (value, len) = match self.depth {
            ..=SHALLOW => read(),
            depth => crate::on_stack(depth * LEVEL, read),
        };
        match value {
            Some(Ok(value)) => {
                self.at += len;
                Ok(plain(value))
            }
            Some(Err(e)) => {
                let text = e.to_string();
                // the place is told in our own way
                let message = text.split(" at line ").next().unwrap_or(&text);
                Err(self.error(message, self.at + offset(rest, &e)))
            }
            None => Err(self.error("expected a JSON value", self.at)),
        }
    }
}

/// How deep brackets nest, whether or not they match.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut most, mut string) = (0usize, 0, false);
    let mut bytes = text.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if string => _ = bytes.next(),
            b'"' => string = !string,
            b'[' | b'{' if !string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !string => now = now.saturating_sub(1),
            _ => (),
        }
    }
    most
}

/// Where an error is. serde_json counts lines from 1, and columns in bytes up to the one that is wrong.
fn offset(text: &str, e: &serde_json::Error) -> usize {
    let before = text.split_inclusive('\n').take(e.line().max(1) - 1);
    let line: usize = before.map(str::len).sum();
    let at = line + e.column().saturating_sub(usize::from(!e.is_eof()));
    at.min(text.len())
}

/// A container that is being converted: what is left, and what is done.
enum Open {
    Arr(std::vec::IntoIter<Value>, Vec<V>),
    Obj(serde_json::map::IntoIter, Str, Map),
}

/// Converts what serde_json read. A list of open containers takes the place of recursion, as values may nest deep.
fn plain(mut next: Value) -> V {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut done = match next {
            Value::Null => Some(V::Null),
            Value::Bool(b) => Some(V::Bool(b)),
            Value::Number(n) => {
                let n = num::parse(n.as_str());
                Some(V::Num(n.unwrap_or(Num::Float(f64::NAN))))
            }
            Value::String(s) => Some(V::text(s)),
            Value::Array(a) => {
                open.push(Open::Arr(a.into_iter(), Vec::new()));
                None
            }
            Value::Object(o) => {
                open.push(Open::Obj(o.into_iter(), "".into(), Map::default()));
                None
            }
        };
        next = loop {
            if let Some(v) = done {
                match open.last_mut() {
                    Some(Open::Arr(_, items)) => items.push(v),
                    Some(Open::Obj(_, key, map)) => {
                        map.insert(std::mem::replace(key, "".into()), v);
                    }
                    None => return v,
                }
            }
            let child = match open.last_mut() {
                Some(Open::Arr(rest, _)) => rest.next(),
                Some(Open::Obj(rest, key, _)) => rest.next().map(|(k, v)| {
                    *key = k.into();
                    v
                }),
                None => None,
            };
            done = match child {
                Some(child) => break child,
                None => open.pop().map(|container| match container {
                    Open::Arr(_, items) => V::arr(items),
                    Open::Obj(_, _, map) => V::obj(map),
                }),
            };
        };
    }
}
