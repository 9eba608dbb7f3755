//! Writing. Nothing is built in memory: a node is written while it is decoded.
use super::DEEPEST;
use super::bits::{BitsFormat, write_base64, write_hex};
use super::color::{Colors, RESET};
use crate::value::{List, Map, Str, V, num};
use binq_core::{Items, Name, Node, NodeKind};
use std::io::{self, Write};
use std::rc::Rc;

/// How nested values are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indent {
    /// all on one line
    Compact,
    /// a number of spaces for each level
    Spaces(u8),
    /// a tabulator for each level
    Tab,
}

/// How values are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Layout.
    pub indent: Indent,
    /// Colours, if there are to be any.
    pub colors: Option<Colors>,
    /// Whether the keys of objects are sorted.
    pub sort_keys: bool,
    /// Whether a string that is not inside of something else is written without quotes.
    pub raw: bool,
    /// Whether everything that is not ASCII is escaped.
    pub ascii: bool,
    /// How byte strings are written.
    pub bits: BitsFormat,
}

impl Options {
    /// One line, no colours.
    pub fn compact() -> Self {
        Self {
            indent: Indent::Compact,
            ..Self::default()
        }
    }
}

impl Default for Options {
    /// jq's layout: two spaces, no colours.
    fn default() -> Self {
        let bits = BitsFormat::default();
        Self {
            indent: Indent::Spaces(2),
            colors: None,
            sort_keys: false,
            raw: false,
            ascii: false,
            bits,
        }
    }
}

/// What is left to write of a container.
enum Rest {
    List(Rc<List>, usize),
    Map(Rc<Map>, usize),
    Items(Items),
    Fields(std::vec::IntoIter<(Name, Node)>, Option<V>),
    Sorted(std::vec::IntoIter<(Str, V)>),
}

impl Rest {
    fn is_array(&self) -> bool {
        matches!(self, Self::List(..) | Self::Items(_))
    }

    /// The next child, and its key in an object.
    fn next(&mut self) -> Option<(Option<Key>, V)> {
        match self {
            Self::List(a, i) => {
                *i += 1;
                a.get(*i - 1).map(|v| (None, v.clone()))
            }
            Self::Map(o, i) => {
                *i += 1;
                o.get_index(*i - 1)
                    .map(|(k, v)| (Some(Key::Str(k.clone())), v.clone()))
            }
            Self::Items(items) => items.next().map(|n| (None, V::Node(n))),
            Self::Fields(fields, fault) => match fields.next() {
                Some((k, n)) => Some((Some(Key::Name(k)), V::Node(n))),
                None => fault
                    .take()
                    .map(|f| (Some(Key::Name(Name::Borrowed("_error"))), f)),
            },
            Self::Sorted(fields) => fields.next().map(|(k, v)| (Some(Key::Str(k)), v)),
        }
    }
}

enum Key {
    Str(Str),
    Name(Name),
}

struct Writer<'a> {
    w: &'a mut dyn Write,
    o: &'a Options,
    num: String,
}

/// Writes a value as JSON.
///
/// # Errors
///
/// Only those of the writer.
pub fn write(w: &mut dyn Write, v: &V, options: &Options) -> io::Result<()> {
    let mut w = Writer {
        w,
        o: options,
        num: String::new(),
    };
    if options.raw
        && let Some(s) = v.str()
        && matches!(*v.settled(), V::Text(_))
    {
        return w.w.write_all(&s);
    }
    w.value(v)
}

impl Writer<'_> {
    fn value(&mut self, v: &V) -> io::Result<()> {
        // (what is left, whether something was written already)
        let mut stack: Vec<(Rest, bool)> = Vec::new();
        if let Some(rest) = self.open(v, 0)? {
            stack.push((rest, false));
        }
        loop {
            let depth = stack.len();
            let Some((rest, some)) = stack.last_mut() else {
                return Ok(());
            };
            let array = rest.is_array();
            match rest.next() {
                Some((key, child)) => {
                    if *some {
                        self.punct(array, ",")?;
                    }
                    *some = true;
                    self.line(depth)?;
                    if let Some(key) = key {
                        self.key(&key)?;
                    }
                    if let Some(rest) = self.open(&child, depth)? {
                        stack.push((rest, false));
                    }
                }
                None => {
                    if *some {
                        self.line(depth - 1)?;
                    }
                    self.punct(array, if array { "]" } else { "}" })?;
                    stack.pop();
                }
            }
        }
    }

    /// Writes a scalar, or the bracket that opens a container.
    fn open(&mut self, v: &V, depth: usize) -> io::Result<Option<Rest>> {
        let rest = match v {
            V::Arr(a) => Rest::List(a.clone(), 0),
            V::Obj(_) if self.o.sort_keys => self.sorted(v),
            V::Obj(o) => Rest::Map(o.clone(), 0),
            V::Node(n) => match n.kind() {
                NodeKind::Scalar => {
                    self.scalar(&V::from(n.scalar()))?;
                    return Ok(None);
                }
                NodeKind::Array => Rest::Items(n.items()),
                NodeKind::Object if self.o.sort_keys => self.sorted(v),
                NodeKind::Object => {
                    let fields = n.fields().into_iter();
                    Rest::Fields(fields, n.fault().is_some().then(|| crate::value::fault(n)))
                }
            },
            v => {
                self.scalar(v)?;
                return Ok(None);
            }
        };
        if depth > DEEPEST {
            self.string(b"<skipped: too deep>")?;
            return Ok(None);
        }
        let array = rest.is_array();
        self.punct(array, if array { "[" } else { "{" })?;
        Ok(Some(rest))
    }

    fn sorted(&self, v: &V) -> Rest {
        let mut fields = v.clone().into_fields().unwrap_or_default();
        if let V::Node(n) = v
            && n.fault().is_some()
        {
            fields.push(("_error".into(), crate::value::fault(n)));
        }
        fields.sort_by(|(k, _), (l, _)| k.cmp(l));
        Rest::Sorted(fields.into_iter())
    }

    fn line(&mut self, depth: usize) -> io::Result<()> {
        let (unit, n): (&[u8], usize) = match self.o.indent {
            Indent::Compact => return Ok(()),
            Indent::Spaces(n) => (b" ", usize::from(n)),
            Indent::Tab => (b"\t", 1),
        };
        self.w.write_all(b"\n")?;
        (0..depth * n).try_for_each(|_| self.w.write_all(unit))
    }

    /// Runs `f` in a colour.
    fn colored(
        &mut self,
        color: fn(&Colors) -> &str,
        f: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(c) = &self.o.colors else {
            return f(self);
        };
        self.w.write_all(color(c).as_bytes())?;
        f(self)?;
        self.w.write_all(RESET.as_bytes())
    }

    fn punct(&mut self, array: bool, s: &str) -> io::Result<()> {
        self.colored(if array { Colors::array } else { Colors::object }, |w| {
            w.w.write_all(s.as_bytes())
        })
    }

    fn key(&mut self, key: &Key) -> io::Result<()> {
        self.colored(
            |c| &c.key,
            |w| match key {
                Key::Str(k) => w.string(k),
                Key::Name(k) => w.string(k.as_bytes()),
            },
        )?;
        let colon = if self.o.indent == Indent::Compact {
            ":"
        } else {
            ": "
        };
        self.punct(false, colon)
    }

    fn scalar(&mut self, v: &V) -> io::Result<()> {
        match v {
            V::Bool(true) => self.colored(|c| &c.yes, |w| w.w.write_all(b"true")),
            V::Bool(false) => self.colored(|c| &c.no, |w| w.w.write_all(b"false")),
            V::Num(n) => self.colored(
                |c| &c.num,
                |w| {
                    w.num.clear();
                    num::write(n, &mut w.num);
                    w.w.write_all(w.num.as_bytes())
                },
            ),
            V::Text(s) => self.colored(|c| &c.str, |w| w.string(s)),
            V::Bytes(s) => self.colored(|c| &c.str, |w| w.bits(s)),
            _ => self.colored(|c| &c.null, |w| w.w.write_all(b"null")),
        }
    }

    fn bits(&mut self, b: &[u8]) -> io::Result<()> {
        match self.o.bits {
            BitsFormat::String => self.string(b),
            BitsFormat::Truncate => self.string(&b[..b.len().min(1024)]),
            BitsFormat::ByteArray => {
                self.w.write_all(b"[")?;
                for (i, b) in b.iter().enumerate() {
                    write!(self.w, "{}{b}", if i == 0 { "" } else { "," })?;
                }
                self.w.write_all(b"]")
            }
            BitsFormat::Hex => {
                self.w.write_all(b"\"")?;
                write_hex(self.w, b)?;
                self.w.write_all(b"\"")
            }
            BitsFormat::Base64 => {
                self.w.write_all(b"\"")?;
                write_base64(self.w, b)?;
                self.w.write_all(b"\"")
            }
            BitsFormat::Snippet => {
                write!(self.w, "\"<{}>", b.len())?;
                write_base64(self.w, &b[..b.len().min(256)])?;
                self.w.write_all(b"\"")
            }
        }
    }

    fn string(&mut self, s: &[u8]) -> io::Result<()> {
        self.w.write_all(b"\"")?;
        for chunk in s.utf8_chunks() {
            self.escaped(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                self.escaped("\u{fffd}")?;
            }
        }
        self.w.write_all(b"\"")
    }

    fn escaped(&mut self, s: &str) -> io::Result<()> {
        let ascii = self.o.ascii;
        let special = |b: u8| matches!(b, 0..=0x1f | b'"' | b'\\' | 0x7f) || (ascii && b >= 0x80);
        let mut rest = s;
        while let Some(at) = rest.bytes().position(special) {
            self.w.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                self.escape(c)?;
            }
            rest = chars.as_str();
        }
        self.w.write_all(rest.as_bytes())
    }

    fn escape(&mut self, c: char) -> io::Result<()> {
        let short = match c {
            '"' => b"\\\"",
            '\\' => b"\\\\",
            '\n' => b"\\n",
            '\t' => b"\\t",
            '\r' => b"\\r",
            '\u{8}' => b"\\b",
            '\u{c}' => b"\\f",
            c => {
                let mut units = [0; 2];
                return c
                    .encode_utf16(&mut units)
                    .iter()
                    .try_for_each(|u| write!(self.w, "\\u{u:04x}"));
            }
        };
        self.w.write_all(short)
    }
}
