//! Shapes: how a struct-like node finds its fields.

use crate::codec::Codec;
use crate::error::Malformed;
use crate::frame::Frame;
use crate::green::{Child, Green, Kind, Ref};
use crate::node::{Node, Plain};
use crate::rule::{Relation, Rule};
use crate::sequence::{SeqAt, Sequence, State};
use crate::{Name, Scalar, Severity, Space, Span};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A struct-like node.
///
/// Fields come in this order: those that [`Lazy::computed`] names, `layout`, then what `expand` adds, then what [`Lazy::finish`] adds.
pub trait Shape: Send + Sync + 'static {
    /// Name of the struct, as its field calls it: `XLogRecord`.
    fn name(&self) -> &str;

    /// Fields at fixed places, counted from the start of the struct. They are read without looking at anything else.
    fn layout(&self) -> &[Field] {
        &[]
    }

    /// Find the fields after the layout. Runs once, on first access; never looks into children.
    ///
    /// # Errors
    /// What is wrong; the fields found before stay.
    fn expand(&self, _cx: &mut Cx<'_>) -> Result<(), Malformed> {
        Ok(())
    }

    /// What holds between parts of the struct that lie apart.
    fn relations(&self) -> &[Relation] {
        &[]
    }

    /// What was wrong with this struct when it was found.
    fn fault(&self) -> Option<Malformed> {
        None
    }

    /// Of the root of a format: the field that must be right, or the input is of another format; of an array, its first item.
    fn mark(&self) -> Option<&str> {
        None
    }

    /// Of the root of a format that has no mark: what says that the input is of another format. It is no finding of its own: what
    /// is wrong is told where it is. It looks at a bounded part of the input.
    fn foreign(&self, _at: &At<'_>) -> Option<Malformed> {
        None
    }

    /// What is said where its bytes are too few for its layout: `wrong`, unless it knows why they end there.
    fn short(&self, wrong: Malformed, _at: &At<'_>) -> Option<Malformed> {
        Some(wrong)
    }

    /// What is wrong with a field whose bytes can be decoded, such as one that the reader of the format compares with
    /// something else. Runs only when somebody asks what is wrong with that field. What it says of a checksum is said
    /// instead of what its rule finds.
    fn check(&self, _field: &str, _at: &At<'_>) -> Option<Malformed> {
        None
    }

    /// What is special about its bytes.
    fn traits(&self) -> Traits {
        Traits::default()
    }

    /// Other ways to find fields, for structs that have them.
    fn lazy(&self) -> Option<&dyn Lazy> {
        None
    }

    /// How fields come and go, for structs where they do.
    fn fluid(&self) -> Option<&dyn Fluid> {
        None
    }
}

/// What is special about the bytes of a struct.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    /// Fields of this struct count as one level deeper than the struct: see [`Cx::depth`].
    pub deepens: bool,
    /// Two fields may be the same bytes: an edit through both of them counts once, or is a contradiction.
    pub has_aliases: bool,
    /// Bytes between the fields may belong to something else, so that copying the struct means copying its fields.
    pub is_scattered: bool,
    /// It shows once more what fields beside it have: copying the struct around it does not copy it.
    pub is_view: bool,
    /// It is a run of bytes of which some are missing: a slice of it gives those that are there.
    pub is_bytes: bool,
    /// From where the places in the relations of this struct are counted, in bytes from its start: for what was put behind other
    /// bytes without being told.
    pub origin: i64,
}

/// Other ways to find fields of a [`Shape`] than its layout and `expand`.
pub trait Lazy {
    /// Fields that are computed, not stored; each with the codec that gives it symbols.
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        &[]
    }

    /// The value of a computed field.
    fn compute(&self, _name: &str, _at: &At<'_>) -> Scalar {
        Scalar::Null
    }

    /// Find the fields that cost more than the others, such as those behind a long array. Runs only when they are asked
    /// for, or all fields are. What is wrong with them goes on the fields.
    fn finish(&self, _cx: &mut Cx<'_>) {}

    /// Find one field without finding the others, for structs where that is much cheaper. Also finds names that are not in
    /// the list of fields. True if that is decided: then the field, if there is one, has been added to `cx`.
    fn find(&self, _name: &str, _cx: &mut Cx<'_>) -> bool {
        false
    }

    /// Find all fields that [`Self::find`] finds, at once, for when many of them are asked for. True if that was done: then
    /// there is no other field.
    fn find_all(&self, _cx: &mut Cx<'_>) -> bool {
        false
    }

    /// The value of a scalar field as a query sees it, found without making a node of the struct; null for one that is not
    /// there. `None` if that cannot be told so. Fields of the layout are found without it.
    fn peek(&self, _name: &str, _at: &At<'_>) -> Option<Scalar> {
        None
    }

    /// For an object of flag bits: how its word is stored as a number.
    fn word(&self) -> Option<&dyn Codec> {
        None
    }
}

/// A [`Shape`] whose fields come and go, or whose edits need more than the layout says.
pub trait Fluid {
    /// A struct of this shape, in a space of its own, that has only this field, with this value. Adding the field adds the
    /// bytes of that struct. `None` if there is no such field.
    fn donor(&self, _name: &str, _value: &Plain) -> Option<Result<Node, String>> {
        None
    }

    /// Where a field is added, and what must go when it is added or removed; `None` if fields come and go not at all here.
    fn room(&self, _name: &str, _at: &At<'_>) -> Option<Room> {
        None
    }

    /// What [`Self::room`] says of every field, at once, for when many of them come and go.
    fn rooms(&self, _at: &At<'_>) -> Option<Rooms> {
        None
    }

    /// What the bytes are read as once a field of that name was edited, if it is another view of the fields that are listed:
    /// these show what the edit made of them. It must be what reads them now.
    fn restated(&self, _name: &str) -> Option<Kind> {
        None
    }

    /// Whether a field may be assigned a value of another kind, as if it was removed and added.
    fn retypes(&self) -> bool {
        false
    }

    /// Whether null is a value of that field, and not only what stands for a field that is not there.
    fn takes_null(&self, _name: &str) -> bool {
        false
    }

    /// The fields that must go when this one is added, because only one of them can be there.
    fn displaced(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// The names that [`Self::donor`] knows.
    fn addable(&self) -> Vec<String> {
        Vec::new()
    }

    /// A node to replace the one that lies there, for a value that is not assigned field by field. `None` for those that are.
    fn rebuild(&self, _value: &Plain, _at: &At<'_>) -> Option<Result<Node, String>> {
        None
    }

    /// What an edit of a field makes wrong outside of the input, such as a checksum in another file; the field is given with its
    /// edits.
    fn beyond(&self, _field: &str, _edited: &Node) -> Option<String> {
        None
    }

    /// Why no edit of what is below may be encoded, though each could be: the format does not know the input well enough.
    /// [`Options::force`](crate::Options::force) should overrule it.
    fn locked(&self) -> Option<&str> {
        None
    }
}

/// What core asks, whatever the shape is able to.
impl dyn Shape {
    pub(crate) fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        self.lazy().map_or(&[], Lazy::computed)
    }

    pub(crate) fn compute(&self, name: &str, at: &At<'_>) -> Scalar {
        self.lazy()
            .map_or(Scalar::Null, |lazy| lazy.compute(name, at))
    }

    pub(crate) fn finish(&self, cx: &mut Cx<'_>) {
        if let Some(lazy) = self.lazy() {
            lazy.finish(cx);
        }
    }

    pub(crate) fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        self.lazy().is_some_and(|lazy| lazy.find(name, cx))
    }

    pub(crate) fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        self.lazy().is_some_and(|lazy| lazy.find_all(cx))
    }

    pub(crate) fn word(&self) -> Option<&dyn Codec> {
        self.lazy()?.word()
    }

    /// The value of a scalar field as a query sees it, found without making a node of the struct; null for one that is not
    /// there. `None` if that cannot be told so.
    pub fn peek(&self, name: &str, at: &At<'_>) -> Option<Scalar> {
        let Some(field) = self.layout().iter().find(|f| f.name == name) else {
            return self.lazy()?.peek(name, at);
        };
        let What::Leaf(codec) = &field.what else {
            return None;
        };
        if field.span.end() > at.span.len || self.computed().iter().any(|(n, _)| *n == name) {
            return None;
        }
        let span = Span::bits(at.span.start + field.span.start, field.span.len);
        // an ordinal equals more than its symbol
        if codec.is_ordinal() || at.space.hole_in(span).is_some() {
            return None;
        }
        let actual = codec.decode(&at.space.bits(span)).ok()?;
        Some(codec.symbol(&actual).unwrap_or(actual))
    }

    pub(crate) fn donor(&self, name: &str, value: &Plain) -> Option<Result<Node, String>> {
        self.fluid()?.donor(name, value)
    }

    pub(crate) fn room(&self, name: &str, at: &At<'_>) -> Option<Room> {
        self.fluid()?.room(name, at)
    }

    pub(crate) fn rooms(&self, at: &At<'_>) -> Option<Rooms> {
        self.fluid()?.rooms(at)
    }

    pub(crate) fn restated(&self, name: &str) -> Option<Kind> {
        self.fluid()?.restated(name)
    }

    pub(crate) fn retypes(&self) -> bool {
        self.fluid().is_some_and(Fluid::retypes)
    }

    pub(crate) fn takes_null(&self, name: &str) -> bool {
        self.fluid().is_some_and(|fluid| fluid.takes_null(name))
    }

    pub(crate) fn displaced(&self, name: &str) -> Vec<String> {
        self.fluid()
            .map_or_else(Vec::new, |fluid| fluid.displaced(name))
    }

    pub(crate) fn addable(&self) -> Vec<String> {
        self.fluid().map_or_else(Vec::new, Fluid::addable)
    }

    pub(crate) fn rebuild(&self, value: &Plain, at: &At<'_>) -> Option<Result<Node, String>> {
        self.fluid()?.rebuild(value, at)
    }

    pub(crate) fn beyond(&self, field: &str, edited: &Node) -> Option<String> {
        self.fluid()?.beyond(field, edited)
    }

    pub(crate) fn locked(&self) -> Option<&str> {
        self.fluid()?.locked()
    }
}

/// Spans that go with a field, each with the frame around it whose length follows.
pub type Cut = Vec<(Span, Option<Arc<Frame>>)>;

/// Where a field is added to a struct, or removed from it.
#[derive(Default)]
pub struct Room {
    /// What is removed, in order, each with the frame around it whose length follows.
    pub cut: Cut,
    /// Where a new field goes if nothing is removed, in bits from the start of the space.
    pub at: u64,
    /// The frame around that place.
    pub inside: Option<Arc<Frame>>,
}

/// Where the fields of a struct are added to it, or removed from it.
pub struct Rooms {
    /// What is removed with each field, as in [`Room::cut`].
    pub cut: HashMap<String, Cut>,
    /// Where a new field goes, as in [`Room::at`].
    pub at: u64,
    /// The frame around that place.
    pub inside: Option<Arc<Frame>>,
    /// Whether a field of that name can be there.
    pub takes: fn(&str) -> bool,
}

impl Rooms {
    pub(crate) fn room(&self, name: &str) -> Option<Room> {
        (self.takes)(name).then(|| Room {
            cut: self.cut.get(name).cloned().unwrap_or_default(),
            at: self.at,
            inside: self.inside.clone(),
        })
    }
}

/// A field at a fixed place of a struct.
pub struct Field {
    /// Name, as the C struct or the RFC has it.
    pub name: &'static str,
    /// Place, in bits from the start of the struct.
    pub span: Span,
    /// What it holds.
    pub what: What,
    /// How it follows from other bytes, if it does.
    pub rule: Option<&'static Rule>,
}

/// What a field of a layout holds.
pub enum What {
    /// A scalar.
    Leaf(&'static dyn Codec),
    /// A struct.
    Struct(&'static dyn Shape),
}

impl What {
    /// What a node of it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Leaf(codec) => Kind::Leaf(Ref::Static(*codec)),
            Self::Struct(shape) => Kind::Struct(Ref::Static(*shape)),
        }
    }
}

impl Field {
    /// A scalar at byte `at`, `len` bytes long.
    pub const fn leaf(name: &'static str, at: u64, len: u64, codec: &'static dyn Codec) -> Self {
        Self {
            name,
            span: Span::bytes(at, len),
            what: What::Leaf(codec),
            rule: None,
        }
    }

    /// A struct at byte `at`, `len` bytes long.
    pub const fn of(name: &'static str, at: u64, len: u64, shape: &'static dyn Shape) -> Self {
        Self {
            name,
            span: Span::bytes(at, len),
            what: What::Struct(shape),
            rule: None,
        }
    }

    /// A scalar of `len` bits at bit `at`, most significant first.
    pub const fn bits(name: &'static str, at: u64, len: u64, codec: &'static dyn Codec) -> Self {
        Self {
            name,
            span: Span::bits(at, len),
            what: What::Leaf(codec),
            rule: None,
        }
    }

    /// The bit of value `1 << n` in a little-endian flag word.
    pub const fn flag(name: &'static str, n: u64, codec: &'static dyn Codec) -> Self {
        Self::bits(name, n / 8 * 8 + 7 - n % 8, 1, codec)
    }

    /// The same field, derived by a rule.
    pub const fn derived(self, rule: &'static Rule) -> Self {
        Self {
            rule: Some(rule),
            ..self
        }
    }

    pub(crate) fn green(&self, space: &Space, parent: Span) -> Green {
        let kind = self.what.kind();
        let span = Span::bits(parent.start + self.span.start, self.span.len);
        Green::new(kind, space.clone(), span)
    }
}

/// A struct with a fixed layout and nothing else, or an object of flag bits.
pub struct Fixed {
    /// Name of the struct.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// How the word of a flag object is stored as a number.
    pub word: Option<&'static dyn Codec>,
}

impl Fixed {
    /// An object of flag bits, whose word is stored like that.
    pub const fn flags(
        name: &'static str,
        word: &'static dyn Codec,
        fields: &'static [Field],
    ) -> Self {
        Self {
            name,
            fields,
            word: Some(word),
        }
    }

    /// A struct with these fields.
    pub const fn of(name: &'static str, fields: &'static [Field]) -> Self {
        Self {
            name,
            fields,
            word: None,
        }
    }
}

impl Shape for Fixed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn layout(&self) -> &'static [Field] {
        self.fields
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Fixed {
    fn word(&self) -> Option<&'static dyn Codec> {
        self.word
    }
}

/// Where a struct lies.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The space it is in.
    pub space: &'a Space,
    /// Its span there.
    pub span: Span,
}

impl<'a> At<'a> {
    /// What lies there.
    pub const fn new(space: &'a Space, span: Span) -> Self {
        Self { space, span }
    }

    /// All from byte `at` of the struct on; nothing where it ends before.
    #[must_use]
    pub fn after(&self, at: u64) -> Self {
        let at = at.min(self.len()) * 8;
        let span = Span::bits(self.span.start + at, self.span.len - at);
        Self::new(self.space, span)
    }

    /// Up to `len` bytes from byte `at` of the struct on; fewer where the struct ends before.
    pub fn read(&self, at: u64, len: u64) -> Cow<'a, [u8]> {
        let all = self.span.len / 8;
        let at = at.min(all);
        self.space.read(self.span.start / 8 + at, len.min(all - at))
    }

    /// The little-endian number in `len` bytes, at most 8, from byte `at` of the struct on; bytes that are not there count as 0.
    pub fn uint_le(&self, at: u64, len: u64) -> u64 {
        let bytes = self.read(at, len.min(8));
        bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.span.len / 8
    }

    /// Whether the struct has no bytes.
    pub fn is_empty(&self) -> bool {
        self.span.len == 0
    }
}

/// What `expand` and `finish` write the fields into. Places are counted from the start of the space.
pub struct Cx<'a> {
    /// Where the struct lies.
    pub at: At<'a>,
    pub(crate) children: Vec<Child>,
    pub(crate) gaps: u32,
    pub(crate) depth: u16,
    pub(crate) deepens: bool,
}

impl Cx<'_> {
    /// How many structs that deepen are around this one.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// The names of the fields that were added so far.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.children.iter().map(|child| &*child.name)
    }

    /// Add a scalar.
    pub fn leaf(
        &mut self,
        name: impl Into<Name>,
        span: Span,
        codec: impl Into<Ref<dyn Codec>>,
    ) -> &mut Child {
        let green = Green::new(Kind::Leaf(codec.into()), self.at.space.clone(), span);
        self.push(name.into(), green)
    }

    /// Add a node of any kind, in the space of this struct.
    pub fn node(&mut self, name: impl Into<Name>, span: Span, kind: Kind) -> &mut Child {
        let green = Green::new(kind, self.at.space.clone(), span);
        self.push(name.into(), green)
    }

    /// Add a node of any kind that lies in another space.
    pub fn node_in(
        &mut self,
        name: impl Into<Name>,
        space: &Space,
        span: Span,
        kind: Kind,
    ) -> &mut Child {
        self.push(name.into(), Green::new(kind, space.clone(), span))
    }

    /// Add an array of which it is not known where it ends: it takes so much of a span as its walk does. Gives the state
    /// at the end of that.
    pub fn list(
        &mut self,
        name: impl Into<Name>,
        within: Span,
        sequence: Ref<dyn Sequence>,
    ) -> State {
        let at = SeqAt {
            space: self.at.space,
            span: within,
        };
        let mut state = sequence.start(&at);
        sequence.advance(&at, &mut state, u64::MAX);
        state.at = state.at.clamp(within.start, within.end());
        let span = Span::bits(within.start, state.at - within.start);
        self.node(name, span, Kind::Array(sequence));
        state
    }

    /// Add what another format made of bytes: the root of its decode becomes a field.
    pub fn root(&mut self, name: impl Into<Name>, root: &crate::Node) -> &mut Child {
        self.children.push(Child {
            name: name.into(),
            green: root.green().clone(),
            rule: None,
            hidden: false,
            donor: None,
        });
        self.children.last_mut().expect("a child was just pushed")
    }

    /// Leave all from a bit of the space on as a gap, and say that something else was expected there.
    pub fn expected(&mut self, at: u64, what: impl Into<String>) -> Malformed {
        let space = self.at.space.clone();
        let rest = Span::bits(at, self.at.span.end().saturating_sub(at));
        self.gap(&space, rest);
        let found = match rest.len / 8 {
            0 => "the end".to_owned(),
            n => format!("{n} other bytes"),
        };
        Malformed::new(at / 8, what, found)
    }

    /// Leave all from a bit of the space on as a gap: there should be nothing.
    ///
    /// # Errors
    /// There is something.
    pub fn nothing_after(&mut self, at: u64) -> Result<(), Malformed> {
        match at < self.at.span.end() {
            true => Err(self.expected(at, "the end").with(Severity::Odd)),
            false => Ok(()),
        }
    }

    /// Add bytes that no field covers, as `gap0`, `gap1`, …; nothing if there are none.
    pub fn gap(&mut self, space: &Space, span: Span) -> Option<&mut Child> {
        if span.len == 0 {
            return None;
        }
        let name = format!("gap{}", self.gaps);
        self.gaps += 1;
        let kind = Kind::Leaf(Ref::Static(&crate::codec::Raw::FIXED));
        Some(self.push(name.into(), Green::new(kind, space.clone(), span)))
    }

    fn push(&mut self, name: Name, green: Green) -> &mut Child {
        let depth = self.depth + u16::from(self.deepens);
        self.children.push(Child {
            name,
            green: Arc::new(green.below(depth)),
            rule: None,
            hidden: false,
            donor: None,
        });
        self.children.last_mut().expect("a child was just pushed")
    }
}
