//! Fields that follow each other.

use crate::codec::Codec;
use crate::green::{Child, Kind, Ref};
use crate::layer::{Recode, Recoding};
use crate::rule::Rule;
use crate::shape::{Cx, What};
use crate::{Malformed, Name, Span};

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

    /// Fields of these names, sizes in bytes, and kinds, one behind the other.
    ///
    /// # Errors
    /// Fewer bytes than they take.
    pub fn rows(&mut self, rows: &'static [(&'static str, u64, What)]) -> Result<(), Malformed> {
        for (name, bytes, what) in rows {
            self.node(*name, *bytes, what.kind())?;
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
