//! The decoded tree below the nodes: immutable, shared, knowing neither parents nor edits.
//!
//! As in rowan, this "green" tree is what is decoded; [`crate::Node`] adds parent, key and edits.

use crate::codec::Codec;
use crate::error::Malformed;
use crate::frame::Frame;
use crate::index::Index;
use crate::node::{Node, NodeKind};
use crate::rule::Rule;
use crate::sequence::{SeqAt, Sequence};
use crate::shape::{At, Cx, Room, Rooms, Shape};
use crate::{Name, Scalar, Space, Span};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// Up to so many fields of a struct are looked for one by one; for more of them, an index is made.
const FEW: usize = 16;

/// A reference to a static or to a shared description.
pub enum Ref<T: ?Sized + 'static> {
    /// Known at compile time.
    Static(&'static T),
    /// Made at run time.
    Shared(Arc<T>),
}

impl<T: ?Sized> Clone for Ref<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Static(t) => Self::Static(t),
            Self::Shared(t) => Self::Shared(t.clone()),
        }
    }
}

impl<T: ?Sized + std::fmt::Debug> std::fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Static(t) => t,
            Self::Shared(t) => t,
        }
    }
}

impl From<Rule> for Ref<Rule> {
    fn from(rule: Rule) -> Self {
        Self::Shared(Arc::new(rule))
    }
}

impl From<&'static Rule> for Ref<Rule> {
    fn from(rule: &'static Rule) -> Self {
        Self::Static(rule)
    }
}

impl From<Arc<dyn Codec>> for Ref<dyn Codec> {
    fn from(codec: Arc<dyn Codec>) -> Self {
        Self::Shared(codec)
    }
}

impl<C: Codec> From<&'static C> for Ref<dyn Codec> {
    fn from(codec: &'static C) -> Self {
        Self::Static(codec)
    }
}

/// What a node is.
#[derive(Clone)]
pub enum Kind {
    /// A scalar, stored in its span.
    Leaf(Ref<dyn Codec>),
    /// A scalar that is computed, not stored.
    Computed(Box<(Ref<dyn Codec>, Scalar)>),
    /// An object.
    Struct(Ref<dyn Shape>),
    /// An array.
    Array(Ref<dyn Sequence>),
}

impl Kind {
    /// A scalar that is computed.
    pub fn computed(codec: &'static dyn Codec, value: Scalar) -> Self {
        Self::Computed(Box::new((Ref::Static(codec), value)))
    }

    /// A scalar that is stored in a way known at compile time.
    pub fn leaf(codec: &'static dyn Codec) -> Self {
        Self::Leaf(Ref::Static(codec))
    }

    /// How a node of this kind looks to a query.
    pub(crate) const fn looks(&self) -> NodeKind {
        match self {
            Self::Leaf(_) | Self::Computed(..) => NodeKind::Scalar,
            Self::Struct(_) => NodeKind::Object,
            Self::Array(_) => NodeKind::Array,
        }
    }

    /// A struct of a shape made at run time.
    pub fn shared(shape: Arc<dyn Shape>) -> Self {
        Self::Struct(Ref::Shared(shape))
    }

    /// A struct of a shape known at compile time.
    pub fn fixed(shape: &'static dyn Shape) -> Self {
        Self::Struct(Ref::Static(shape))
    }

    /// An array of a sequence made at run time.
    pub fn array(sequence: Arc<dyn Sequence>) -> Self {
        Self::Array(Ref::Shared(sequence))
    }
}

/// A decoded node, without parent and edits. Most are made for one look only, or are kept in great numbers: they are the cheaper
/// the smaller they are.
pub struct Green {
    pub(crate) kind: Kind,
    pub(crate) space: Space,
    pub(crate) span: Span,
    pub(crate) frame: Option<Box<Frame>>,
    /// What is wrong with it though its bytes can be decoded.
    wrong: Option<Box<Malformed>>,
    depth: u16,
    /// How often fields and rooms were looked for.
    looks: AtomicU32,
    below: OnceLock<Box<Below>>,
    /// For the root of a decode: the name of its format.
    format: Option<Box<FormatName>>,
}

/// Boxed, as only roots have one.
#[derive(Clone)]
struct FormatName(Name);

/// What was decoded below a node so far.
#[derive(Default)]
struct Below {
    fields: OnceLock<Expanded>,
    late: OnceLock<Box<Expanded>>,
    index: OnceLock<Box<Index>>,
    /// All fields that are found by name, once many were asked for.
    named: OnceLock<Option<Box<Expanded>>>,
    /// Where all fields come and go, once many did.
    rooms: OnceLock<Option<Box<Rooms>>>,
}

/// A field that an expansion found.
pub struct Child {
    pub(crate) name: Name,
    pub(crate) green: Arc<Green>,
    pub(crate) rule: Option<Ref<Rule>>,
    pub(crate) hidden: bool,
    pub(crate) donor: Option<Arc<Node>>,
}

impl Child {
    /// Keep the field out of the list of fields; it is still found by name, and may be derived.
    pub fn hidden(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }

    /// The bytes around the field that belong to it, such as a length prefix.
    pub fn framed(&mut self, frame: Frame) -> &mut Self {
        if let Some(green) = Arc::get_mut(&mut self.green) {
            green.frame = Some(Box::new(frame));
        }
        self
    }

    /// Say what is wrong with the field though its bytes can be decoded; a gap can say so why it is one.
    pub fn wrong(&mut self, wrong: Malformed) -> &mut Self {
        if let Some(green) = Arc::get_mut(&mut self.green) {
            green.set_wrong(wrong);
        }
        self
    }

    /// Declare the field as not stored: it shows a default, and assigning another value adds what `donor` has, which is a
    /// struct of this shape with only this field.
    pub fn absent(&mut self, donor: Node) -> &mut Self {
        self.donor = Some(Arc::new(donor));
        self
    }

    /// Declare the field as derived.
    pub fn derived(&mut self, rule: impl Into<Ref<Rule>>) -> &mut Self {
        self.rule = Some(rule.into());
        self
    }
}

#[derive(Default)]
pub(crate) struct Expanded {
    pub children: Vec<Child>,
    pub fault: Option<Malformed>,
    by_name: OnceLock<HashMap<Name, usize>>,
}

impl Expanded {
    /// The child of that name.
    fn child(&self, name: &str) -> Option<&Child> {
        if self.children.len() <= FEW {
            return self.children.iter().find(|c| c.name == name);
        }
        let by_name = self.by_name.get_or_init(|| {
            let mut index = HashMap::with_capacity(self.children.len());
            for (i, child) in self.children.iter().enumerate() {
                index.entry(child.name.clone()).or_insert(i);
            }
            index
        });
        by_name.get(name).map(|i| &self.children[*i])
    }
}

/// A field as found by name.
pub(crate) struct Found {
    pub name: Name,
    pub green: Arc<Green>,
    pub rule: Option<Ref<Rule>>,
    pub hidden: bool,
    pub donor: Option<Arc<Node>>,
}

impl Found {
    /// A field that is listed and stored.
    fn plain(name: Name, green: Green, rule: Option<Ref<Rule>>) -> Self {
        Self {
            name,
            green: Arc::new(green),
            rule,
            hidden: false,
            donor: None,
        }
    }
}

impl Green {
    /// A node.
    pub fn new(kind: Kind, space: Space, span: Span) -> Self {
        Self {
            kind,
            space,
            span,
            frame: None,
            wrong: None,
            depth: 0,
            looks: AtomicU32::new(0),
            below: OnceLock::new(),
            format: None,
        }
    }

    /// The root of a decode.
    pub(crate) fn root(format: Name, kind: Kind, space: Space, span: Span) -> Self {
        let mut green = Self::new(kind, space, span);
        green.format = Some(Box::new(FormatName(format)));
        green
    }

    /// The same node without what was decoded below it; nothing if that is nothing.
    pub(crate) fn bare(&self) -> Option<Self> {
        let decoded = self
            .below
            .get()
            .is_some_and(|below| below.index.get().is_none());
        decoded.then(|| Self {
            frame: self.frame.clone(),
            wrong: self.wrong.clone(),
            depth: self.depth,
            format: self.format.clone(),
            ..Self::new(self.kind.clone(), self.space.clone(), self.span)
        })
    }

    /// Whether there is nothing around it, and nothing was said about it.
    pub(crate) fn is_plain(&self) -> bool {
        self.frame.is_none() && self.wrong.is_none()
    }

    /// How many levels down it is, where that is counted.
    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }

    fn below_so_far(&self) -> &Below {
        self.below.get_or_init(Box::default)
    }

    /// The name of the format that this is the root of.
    pub(crate) fn format(&self) -> Option<&Name> {
        self.format.as_ref().map(|format| &format.0)
    }

    /// Say what is wrong with it though its bytes can be decoded.
    pub(crate) fn set_wrong(&mut self, wrong: Malformed) {
        self.wrong = Some(Box::new(wrong));
    }

    /// The same node, so many levels down.
    pub(crate) fn below(self, depth: u16) -> Self {
        Self { depth, ..self }
    }

    /// An item of this array.
    pub(crate) fn item(&self, kind: Kind, span: Span, frame: Option<Frame>) -> Self {
        Self {
            frame: frame.map(Box::new),
            ..Self::new(kind, self.space.clone(), span).below(self.depth)
        }
    }

    pub(crate) fn at(&self) -> At<'_> {
        At {
            space: &self.space,
            span: self.span,
        }
    }

    pub(crate) fn seq_at(&self) -> SeqAt<'_> {
        SeqAt {
            space: &self.space,
            span: self.span,
        }
    }

    /// How many bits of a space under it this is stored in.
    pub(crate) fn stored_len(&self, under: &Space) -> u64 {
        self.stored_spans(under).0.iter().map(|span| span.len).sum()
    }

    /// Whether copying the bytes of this struct is not to copy its fields: they lie elsewhere, or between others.
    pub(crate) fn is_scattered(&self) -> bool {
        let Kind::Struct(shape) = &self.kind else {
            return false;
        };
        let outside = |child: &Self| match (&child.kind, child.span.len) {
            (Kind::Computed(..), _) => false,
            // one that lies nowhere has its fields elsewhere, or none
            (_, 0) => child.is_scattered(),
            _ => {
                let stored = child.stored_in(&self.space);
                !stored.is_some_and(|span| self.span.contains(span))
            }
        };
        let fields = || self.every_field(&**shape).into_iter();
        shape.traits().is_scattered
            || fields().any(|field| field.donor.is_none() && outside(&field.green))
    }

    /// Where this is stored in a space under it, from the first bit to the last; nothing if it is not stored there.
    pub(crate) fn stored_in(&self, under: &Space) -> Option<Span> {
        let (spans, there) = self.stored_spans(under);
        let (first, last) = (spans.first()?, spans.last()?);
        let len = last.end().checked_sub(first.start)?;
        there.then_some(Span::bits(first.start, len))
    }

    /// Where this is stored in a space under it, and whether that space is one.
    fn stored_spans(&self, under: &Space) -> (Vec<Span>, bool) {
        let mut spans = vec![self.span];
        let mut space = &self.space;
        while !space.same(under) {
            let Some((below, layer)) = space.under() else {
                return (spans, false);
            };
            spans = spans.into_iter().flat_map(|s| layer.origins(s)).collect();
            space = below;
        }
        (spans, true)
    }

    pub(crate) fn index(&self) -> &Index {
        self.below_so_far().index.get_or_init(Box::default)
    }

    fn expand(
        &self,
        gaps: u32,
        run: impl FnOnce(&mut Cx<'_>) -> Result<(), Malformed>,
    ) -> Expanded {
        let mut cx = Cx {
            at: self.at(),
            children: Vec::new(),
            gaps,
            depth: self.depth,
            deepens: match &self.kind {
                Kind::Struct(shape) => shape.traits().deepens,
                _ => false,
            },
        };
        let fault = run(&mut cx).err();
        Expanded {
            children: cx.children,
            fault,
            by_name: OnceLock::new(),
        }
    }

    pub(crate) fn fields(&self, shape: &dyn Shape) -> &Expanded {
        let fields = &self.below_so_far().fields;
        fields.get_or_init(|| self.expand(0, |cx| self.expand_fields(shape, cx)))
    }

    /// `expand`, unless the struct is too short for its layout: then what is left over is a gap.
    fn expand_fields(&self, shape: &dyn Shape, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let layout = shape.layout();
        let need = layout.iter().map(|f| f.span.end()).max().unwrap_or(0);
        if need <= self.span.len {
            return shape.expand(cx);
        }
        let fits = |end: &u64| *end <= self.span.len;
        let ends = layout.iter().map(|f| f.span.end());
        let covered = ends.filter(fits).max().unwrap_or(0);
        let rest = Span::bits(self.span.start + covered, self.span.len - covered);
        cx.gap(&self.space, rest);
        let found = format!("{} bytes", self.span.len / 8);
        let wrong = Malformed::new(
            self.span.first_byte(),
            format!("{} bytes of {}", need / 8, shape.name()),
            found,
        );
        shape.short(wrong, &self.at()).map_or(Ok(()), Err)
    }

    pub(crate) fn late(&self, shape: &dyn Shape) -> &Expanded {
        self.below_so_far().late.get_or_init(|| {
            let early = &self.fields(shape).children;
            let gaps = early.iter().filter(|c| c.name.starts_with("gap")).count();
            let finish = |cx: &mut Cx<'_>| {
                shape.finish(cx);
                Ok(())
            };
            Box::new(self.expand(gaps as u32, finish))
        })
    }

    /// The layout fields that fit into the span.
    fn layout<'a>(&self, shape: &'a dyn Shape) -> impl Iterator<Item = &'a crate::shape::Field> {
        let len = self.span.len;
        shape.layout().iter().filter(move |f| f.span.end() <= len)
    }

    fn computed(&self, shape: &dyn Shape, name: &'static str, codec: &'static dyn Codec) -> Found {
        let kind = Kind::computed(codec, shape.compute(name, &self.at()));
        let span = Span::bits(self.span.start, 0);
        Found::plain(
            name.into(),
            Green::new(kind, self.space.clone(), span),
            None,
        )
    }

    fn laid_out(&self, field: &crate::shape::Field) -> Found {
        let green = field.green(&self.space, self.span).below(self.depth);
        Found::plain(field.name.into(), green, field.rule.map(Ref::Static))
    }

    fn expanded(child: &Child) -> Found {
        Found {
            name: child.name.clone(),
            green: child.green.clone(),
            rule: child.rule.clone(),
            hidden: child.hidden,
            donor: child.donor.clone(),
        }
    }

    /// The field of that name; looks no further than it must.
    pub(crate) fn field(&self, shape: &dyn Shape, name: &str) -> Option<Found> {
        if let Some((name, codec)) = shape.computed().iter().find(|(n, _)| *n == name) {
            return Some(self.computed(shape, name, *codec));
        }
        if let Some(field) = self.layout(shape).find(|f| f.name == name) {
            return Some(self.laid_out(field));
        }
        let by_name = |e: &'_ Expanded| e.child(name).map(Self::expanded);
        let below = self.below.get();
        if let Some(found) = below.and_then(|b| b.fields.get()).and_then(by_name) {
            return Some(found);
        }
        if self.was_asked_often()
            && let Some(all) = self.named(shape)
        {
            return by_name(all);
        }
        let mut decided = false;
        let direct = self.expand(0, |cx| {
            decided = shape.find(name, cx);
            Ok(())
        });
        if decided {
            return by_name(&direct);
        }
        by_name(self.fields(shape)).or_else(|| by_name(self.late(shape)))
    }

    /// Whether fields or rooms of this struct were looked for so often that an index pays.
    fn was_asked_often(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed) >= FEW as u32
    }

    /// All fields that are found by name, if the shape can tell them at once.
    fn named(&self, shape: &dyn Shape) -> Option<&Expanded> {
        let named = self.below_so_far().named.get_or_init(|| {
            let mut decided = false;
            let all = self.expand(0, |cx| {
                decided = shape.find_all(cx);
                Ok(())
            });
            decided.then(|| Box::new(all))
        });
        named.as_deref()
    }

    /// Where a field of this struct is added or removed.
    pub(crate) fn room(&self, shape: &dyn Shape, name: &str) -> Option<Room> {
        if self.was_asked_often() {
            let rooms = self
                .below_so_far()
                .rooms
                .get_or_init(|| shape.rooms(&self.at()).map(Box::new));
            if let Some(rooms) = rooms {
                return rooms.room(name);
            }
        }
        shape.room(name, &self.at())
    }

    /// All listed fields, in order.
    pub(crate) fn all_fields(&self, shape: &dyn Shape) -> Vec<Found> {
        let mut out = self.every_field(shape);
        out.retain(|found| !found.hidden);
        out
    }

    /// All fields, in order, those included that are not listed.
    pub(crate) fn every_field(&self, shape: &dyn Shape) -> Vec<Found> {
        let computed = shape.computed().iter();
        let mut out: Vec<Found> = computed
            .map(|(name, codec)| self.computed(shape, name, *codec))
            .collect();
        out.extend(self.layout(shape).map(|f| self.laid_out(f)));
        out.extend(self.fields(shape).children.iter().map(Self::expanded));
        out.extend(self.late(shape).children.iter().map(Self::expanded));
        out
    }

    /// The derived fields among those that are cheap to find.
    pub(crate) fn derived(&self, shape: &dyn Shape) -> Vec<Found> {
        let layout = self.layout(shape).filter(|f| f.rule.is_some());
        let mut out: Vec<Found> = layout.map(|f| self.laid_out(f)).collect();
        let children = &self.fields(shape).children;
        let derived = children.iter().filter(|c| c.rule.is_some());
        out.extend(derived.map(Self::expanded));
        out
    }

    /// The value of this leaf. One of which bytes are missing has none.
    pub(crate) fn value(&self, codec: &dyn Codec) -> Result<Scalar, Malformed> {
        let at = self.span.first_byte();
        if let Some(hole) = self.space.hole_in(self.span) {
            return Err(Malformed::lost(
                hole.first_byte().max(at),
                format!("{} bytes", self.span.len.div_ceil(8)),
                "bytes that are missing from the input",
            ));
        }
        let value = codec.decode(&self.space.bits(self.span));
        value.map_err(|e| Malformed::new(at, e.expected, e.found))
    }

    /// What was said to be wrong with it when it was found.
    pub(crate) fn own_wrong(&self) -> Option<&Malformed> {
        self.wrong.as_deref()
    }

    /// What was found about this node when it was decoded, as far as it can tell without its parent.
    pub(crate) fn finding(&self) -> Option<Malformed> {
        if let Some(wrong) = &self.wrong {
            return Some((**wrong).clone());
        }
        match &self.kind {
            Kind::Leaf(codec) => self.value(&**codec).err(),
            Kind::Computed(..) | Kind::Array(_) => None,
            Kind::Struct(shape) => shape
                .fault()
                .or_else(|| self.fields(&**shape).fault.clone()),
        }
    }
}
