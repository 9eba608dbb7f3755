//! Fields that follow each other.

use crate::codec::Codec;
use crate::green::{Child, Kind, Ref};
use crate::layer::{Recode, Recoding};
use crate::shape::Cx;
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
            let what = format!("{bytes} bytes of {name}");
            return Err(self.gives_up(what, format!("{} bytes", rest.len / 8)));
        }
        self.at += bytes * 8;
        Ok(Span::bits(rest.start, bytes * 8))
    }

    /// Leave the rest as a gap.
    fn gives_up(&mut self, expected: String, found: impl Into<String>) -> Malformed {
        let (rest, space) = (self.rest(), self.cx.at.space.clone());
        self.at = rest.end();
        self.cx.gap(&space, rest);
        Malformed::new(rest.first_byte(), expected, found)
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
            None => Err(self.gives_up(format!("a NUL behind {name}"), "none")),
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
