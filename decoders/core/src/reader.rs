//! Fields that follow each other.

use crate::codec::Codec;
use crate::green::{Child, Kind, Ref};
use crate::layer::{Recode, Recoding};
use crate::rule::Rule;
use crate::shape::{Cx, Shape, What};
use crate::{Malformed, Name, Span};

/// A field of a struct whose fields follow each other.
pub struct Row {
    name: &'static str,
    /// Its size in bytes; nothing for all that is left.
    bytes: Option<u64>,
    what: What,
    follows: Follows,
}

enum Follows {
    Nothing,
    /// The length of that field.
    Len(&'static str),
    Rule(&'static Rule),
}

impl Row {
    /// A scalar of so many bytes.
    pub const fn leaf(name: &'static str, bytes: u64, codec: &'static dyn Codec) -> Self {
        Self::new(name, Some(bytes), What::Leaf(codec))
    }

    /// A scalar in all bytes that are left.
    pub const fn rest(name: &'static str, codec: &'static dyn Codec) -> Self {
        Self::new(name, None, What::Leaf(codec))
    }

    /// A struct of so many bytes.
    pub const fn of(name: &'static str, bytes: u64, shape: &'static dyn Shape) -> Self {
        Self::new(name, Some(bytes), What::Struct(shape))
    }

    const fn new(name: &'static str, bytes: Option<u64>, what: What) -> Self {
        Self {
            name,
            bytes,
            what,
            follows: Follows::Nothing,
        }
    }

    /// The same field, which holds the length in bytes of that other field.
    pub const fn len_of(self, field: &'static str) -> Self {
        Self {
            follows: Follows::Len(field),
            ..self
        }
    }

    /// The same field, derived by a rule.
    pub const fn derived(self, rule: &'static Rule) -> Self {
        Self {
            follows: Follows::Rule(rule),
            ..self
        }
    }
}

/// A struct whose fields follow each other as a table says. What is left is a gap.
pub struct Rows {
    name: &'static str,
    rows: &'static [Row],
}

impl Rows {
    /// A struct with these fields.
    pub const fn of(name: &'static str, rows: &'static [Row]) -> Self {
        Self { name, rows }
    }
}

impl Shape for Rows {
    fn name(&self) -> &'static str {
        self.name
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        fields.rows(self.rows)?;
        fields.gap();
        Ok(())
    }
}

/// Adds fields to a struct one behind the other. What is left when a field does not fit is a gap.
pub struct Reader<'a, 'b> {
    cx: &'a mut Cx<'b>,
    /// The next bit, from the start of the space.
    at: u64,
}

impl<'b> Cx<'b> {
    /// Fields from a byte of the struct on, one behind the other.
    pub fn reader(&mut self, from: u64) -> Reader<'_, 'b> {
        let at = (self.at.span.start + from * 8).min(self.at.span.end());
        Reader { cx: self, at }
    }
}

impl Reader<'_, '_> {
    /// What is left of the struct.
    pub fn rest(&self) -> Span {
        let end = self.cx.at.span.end();
        Span::bits(self.at, end - self.at)
    }

    /// The number of bytes that are left of the struct.
    pub fn left(&self) -> u64 {
        self.rest().len / 8
    }

    /// The next bytes, as many as there are of them.
    pub fn peek(&self, bytes: u64) -> std::borrow::Cow<'_, [u8]> {
        let bytes = bytes.min(self.rest().len / 8);
        self.cx.at.space.read(self.at / 8, bytes)
    }

    /// Room for the next field.
    fn take(&mut self, name: &str, bytes: u64) -> Result<Span, Malformed> {
        let rest = self.rest();
        if rest.len / 8 < bytes {
            return Err(self.expected(format!("{bytes} bytes of {name}")));
        }
        self.at += bytes * 8;
        Ok(Span::bits(rest.start, bytes * 8))
    }

    /// A scalar of so many bytes.
    ///
    /// # Errors
    /// Fewer bytes than that.
    pub fn leaf(
        &mut self,
        name: impl Into<Name>,
        bytes: u64,
        codec: impl Into<Ref<dyn Codec>>,
    ) -> Result<&mut Child, Malformed> {
        self.node(name, bytes, Kind::Leaf(codec.into()))
    }

    /// A node of so many bytes.
    ///
    /// # Errors
    /// Fewer bytes than that.
    pub fn node(
        &mut self,
        name: impl Into<Name>,
        bytes: u64,
        kind: Kind,
    ) -> Result<&mut Child, Malformed> {
        let name = name.into();
        let span = self.take(&name, bytes)?;
        Ok(self.cx.node(name, span, kind))
    }

    /// The fields of a table, one behind the other.
    ///
    /// # Errors
    /// Fewer bytes than they take.
    pub fn rows(&mut self, rows: &'static [Row]) -> Result<(), Malformed> {
        for row in rows {
            let bytes = row.bytes.unwrap_or_else(|| self.left());
            let field = self.node(row.name, bytes, row.what.kind())?;
            match row.follows {
                Follows::Nothing => {}
                Follows::Len(of) => _ = field.derived(Rule::len_of(of)),
                Follows::Rule(rule) => _ = field.derived(rule.clone()),
            }
        }
        Ok(())
    }

    /// Declare a field that was added as derived.
    pub fn derive(&mut self, name: &str, rule: Rule) {
        let field = self.cx.children.iter_mut().find(|child| child.name == name);
        if let Some(field) = field {
            field.derived(rule);
        }
    }

    /// Another view of bytes that are in some field already.
    pub fn view(&mut self, name: impl Into<Name>, span: Span, kind: Kind) -> &mut Child {
        self.cx.node(name, span, kind)
    }

    /// The next byte, from the start of the struct.
    pub fn place(&self) -> u64 {
        (self.at - self.cx.at.span.start) / 8
    }

    /// Leave the rest as a gap.
    pub fn gap(&mut self) {
        let (rest, space) = (self.rest(), self.cx.at.space.clone());
        self.at = rest.end();
        self.cx.gap(&space, rest);
    }

    /// Leave the rest as a gap, and say that something else was expected there.
    pub fn expected(&mut self, what: impl Into<String>) -> Malformed {
        let at = std::mem::replace(&mut self.at, self.cx.at.span.end());
        self.cx.expected(at, what)
    }

    /// A scalar up to the first NUL, which belongs to it: see [`Terminated`](crate::codec::Terminated).
    ///
    /// # Errors
    /// No NUL.
    pub fn terminated(
        &mut self,
        name: impl Into<Name>,
        codec: impl Into<Ref<dyn Codec>>,
    ) -> Result<&mut Child, Malformed> {
        let name = name.into();
        let nul = self.peek(u64::MAX).iter().position(|b| *b == 0);
        match nul {
            Some(nul) => self.leaf(name, nul as u64 + 1, codec),
            None => Err(self.expected(format!("{name} and a NUL behind it"))),
        }
    }

    /// A node that is stored in another form in so many bytes. Where they cannot be decoded, it is these bytes.
    ///
    /// # Errors
    /// Fewer bytes than that, and what is wrong with them.
    pub fn recoded(
        &mut self,
        name: impl Into<Name>,
        bytes: u64,
        recoding: impl Recoding,
        kind: Kind,
    ) -> Result<&mut Child, Malformed> {
        let name = name.into();
        let stored = self.take(&name, bytes)?;
        match Recode::space(self.cx.at.space, stored, recoding) {
            Ok(space) => {
                let span = space.span();
                Ok(self.cx.node_in(name, &space, span, kind))
            }
            Err(wrong) => {
                let bytes = Kind::Leaf(Ref::Static(&crate::codec::Raw::ANY));
                Ok(self.cx.node(name, stored, bytes).wrong(wrong))
            }
        }
    }
}
