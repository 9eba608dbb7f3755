//! Writing. Nothing is built in memory: a node is written while it is decoded.
use super::DEEPEST;
use super::bits::{BitsFormat, write_base64, write_hex};
use super::color::{Colors, RESET};
use crate::value::{Iter, Str, V, num};
use binq_core::{Items, Name, Node, NodeKind};
use std::collections::HashSet;
use std::io::{self, Write};

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
    /// Whether characters that a terminal would obey are escaped: those of [`is_obeyed`], in raw strings as well, where line
    /// breaks and tabulators stay.
    pub terminal: bool,
    /// How byte strings are written.
    pub bits: BitsFormat,
}

/// Whether a terminal obeys a character instead of showing it: control characters, and marks that change the direction of
/// text. A text with them can show something else than it says, or make the terminal do something.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
            terminal: false,
            bits,
        }
    }
}

/// What is left to write of a container. Plain values are borrowed, nodes are decoded on the way.
enum Rest<'v> {
    List(std::slice::Iter<'v, V>),
    Map(Iter<'v>),
    Items(Items),
    Fields(std::vec::IntoIter<(Name, Node)>, Option<V>),
    /// What lies inside of fields that are no longer where they were.
    Own(std::vec::IntoIter<V>),
    Sorted(std::vec::IntoIter<(Str, V)>),
}

enum Key<'v> {
    Ref(&'v Str),
    Str(Str),
    Name(Name),
}

enum Child<'v> {
    Ref(&'v V),
    Node(Node),
    Own(V),
}

impl<'v> Rest<'v> {
    fn is_array(&self) -> bool {
        matches!(self, Self::List(_) | Self::Items(_) | Self::Own(_))
    }

    /// The next child, and its key in an object.
    fn next(&mut self) -> Option<(Option<Key<'v>>, Child<'v>)> {
        Some(match self {
            Self::List(a) => (None, Child::Ref(a.next()?)),
            Self::Map(o) => {
                let (k, v) = o.next()?;
                (Some(Key::Ref(k)), Child::Ref(v))
            }
            Self::Items(items) => (None, Child::Node(items.next()?)),
            Self::Own(items) => (None, Child::Own(items.next()?)),
            Self::Fields(fields, fault) => match fields.next() {
                Some((k, n)) => (Some(Key::Name(k)), Child::Node(n)),
                None => (
                    Some(Key::Name(Name::Borrowed("_error"))),
                    Child::Own(fault.take()?),
                ),
            },
            Self::Sorted(fields) => {
                let (k, v) = fields.next()?;
                (Some(Key::Str(k)), Child::Own(v))
            }
        })
    }
}

struct Writer<'a, W: ?Sized> {
    w: &'a mut W,
    o: &'a Options,
    num: String,
}

/// Writes a value as JSON.
///
/// # Errors
///
/// Only those of the writer.
pub fn write<W: Write + ?Sized>(w: &mut W, v: &V, options: &Options) -> io::Result<()> {
    let mut w = Writer {
        w,
        o: options,
        num: String::new(),
    };
    // as jq has it, `-a` wants the quotes back
    if options.raw
        && !options.ascii
        && let Some(s) = v.str()
        && matches!(*v.settled(), V::Text(_))
    {
        return w.raw(&s);
    }
    w.value(v)
}

impl<W: Write + ?Sized> Writer<'_, W> {
    fn value(&mut self, v: &V) -> io::Result<()> {
        // (what is left, whether something was written already)
        let mut stack: Vec<(Rest<'_>, bool)> = Vec::new();
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
                    match key {
                        Some(Key::Ref(k)) => self.key(k)?,
                        Some(Key::Str(k)) => self.key(&k)?,
                        Some(Key::Name(k)) => self.key(k.as_bytes())?,
                        None => (),
                    }
                    let rest = match child {
                        Child::Ref(v) => self.open(v, depth)?,
                        Child::Node(n) => self.open_node(&n, depth)?,
                        Child::Own(v) => self.open_own(v, depth)?,
                    };
                    if let Some(rest) = rest {
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
    fn open<'v>(&mut self, v: &'v V, depth: usize) -> io::Result<Option<Rest<'v>>> {
        let rest = match v {
            V::Arr(a) => Rest::List(a.iter()),
            V::Obj(_) if self.o.sort_keys => self.sorted(v.clone()),
            V::Obj(o) if o.iter().any(|(k, _)| k.is_bytes_key()) => {
                self.told_apart(v.clone().into_fields().unwrap_or_default())
            }
            V::Obj(o) => Rest::Map(o.iter()),
            V::Node(n) if n.kind() == NodeKind::Scalar => {
                return self.scalar(&V::from(n.scalar())).map(|()| None);
            }
            V::Node(n) => return self.open_node(&n.node(), depth),
            v => return self.scalar(v).map(|()| None),
        };
        self.bracket(rest, depth)
    }

    fn open_node<'v>(&mut self, n: &Node, depth: usize) -> io::Result<Option<Rest<'v>>> {
        let rest = match n.kind() {
            NodeKind::Scalar => return self.scalar(&V::from(n.scalar())).map(|()| None),
            NodeKind::Array => Rest::Items(n.items()),
            NodeKind::Object if self.o.sort_keys => self.sorted(V::node(n.clone())),
            NodeKind::Object => {
                let fault = crate::value::tells_fault(n).then(|| crate::value::fault(n));
                Rest::Fields(n.shown_fields().into_iter(), fault)
            }
        };
        self.bracket(rest, depth)
    }

    fn open_own<'v>(&mut self, v: V, depth: usize) -> io::Result<Option<Rest<'v>>> {
        let rest = match v {
            V::Node(n) => return self.open_node(&n.node(), depth),
            V::Obj(o) if !self.o.sort_keys => {
                self.told_apart(V::Obj(o).into_fields().unwrap_or_default())
            }
            V::Obj(_) => self.sorted(v),
            V::Arr(_) => Rest::Own(v.into_items().unwrap_or_default().into_iter()),
            v => return self.scalar(&v).map(|()| None),
        };
        self.bracket(rest, depth)
    }

    /// The fields in the order of their keys.
    fn sorted<'v>(&self, v: V) -> Rest<'v> {
        let fault = match &v {
            V::Node(n) if crate::value::tells_fault(&n.node()) => {
                Some(("_error".into(), crate::value::fault(&n.node())))
            }
            _ => None,
        };
        let mut fields = v.into_fields().unwrap_or_default();
        fields.extend(fault);
        fields.sort_by(|(k, _), (l, _)| k.cmp(l));
        self.told_apart(fields)
    }

    /// Fields under the keys that are written: those that are bytes are written as byte strings are. No two keys are written
    /// alike, so one that another key looks like has marks before it.
    fn told_apart<'v>(&self, mut fields: Vec<(Str, V)>) -> Rest<'v> {
        let (bytes, text): (Vec<usize>, _) =
            (0..fields.len()).partition(|i| fields[*i].0.is_bytes_key());
        if !bytes.is_empty() {
            let mut taken: HashSet<Vec<u8>> =
                text.into_iter().map(|i| fields[i].0.to_vec()).collect();
            for i in bytes {
                let mut key = self.o.bits.key(&fields[i].0);
                while !taken.insert(key.clone().into_bytes()) {
                    key.insert_str(0, "0x");
                }
                fields[i].0 = Str::from(key);
            }
        }
        Rest::Sorted(fields.into_iter())
    }

    fn bracket<'v>(&mut self, rest: Rest<'v>, depth: usize) -> io::Result<Option<Rest<'v>>> {
        if depth > DEEPEST {
            self.string(b"<skipped: too deep>")?;
            return Ok(None);
        }
        let array = rest.is_array();
        self.punct(array, if array { "[" } else { "{" })?;
        Ok(Some(rest))
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

    fn key(&mut self, key: &[u8]) -> io::Result<()> {
        self.colored(|c| &c.key, |w| w.string(key))?;
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
                write_hex(&mut self.w, b)?;
                self.w.write_all(b"\"")
            }
            BitsFormat::Base64 => {
                self.w.write_all(b"\"")?;
                write_base64(&mut self.w, b)?;
                self.w.write_all(b"\"")
            }
            BitsFormat::Snippet => {
                write!(self.w, "\"<{}>", b.len())?;
                write_base64(&mut self.w, &b[..b.len().min(256)])?;
                self.w.write_all(b"\"")
            }
        }
    }

    /// A string without quotes.
    fn raw(&mut self, s: &[u8]) -> io::Result<()> {
        if !self.o.terminal {
            return self.w.write_all(s);
        }
        for c in String::from_utf8_lossy(s).chars() {
            match c {
                '\n' | '\t' => self.w.write_all(&[c as u8])?,
                c if is_obeyed(c) => self.escape(c)?,
                c => self.w.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?,
            }
        }
        Ok(())
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
        let Options {
            ascii, terminal, ..
        } = *self.o;
        let wide = ascii || terminal;
        let special = |b: u8| matches!(b, 0..=0x1f | b'"' | b'\\' | 0x7f) || (wide && b >= 0x80);
        let mut rest = s;
        while let Some(at) = rest.bytes().position(special) {
            self.w.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            match chars.next() {
                Some(c) if !c.is_ascii() && !ascii && !is_obeyed(c) => {
                    let shown = &rest.as_bytes()[at..at + c.len_utf8()];
                    self.w.write_all(shown)?;
                }
                Some(c) => self.escape(c)?,
                None => {}
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
