//! Nodes: a place in a decoded tree, with the edits that the value carries.

use crate::codec::{Codec, Representation};
use crate::edit::{Added, Edit, Item};
use crate::encode;
use crate::green::{Found, Green, Kind, Ref};
use crate::rule::Rule;
use crate::{
    Bits, Fault, Findings, Key, Lost, Malformed, Name, Reject, Scalar, Severity, Space, Span,
    path_text,
};
use bytes::Bytes;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use crate::items::Items;
pub(crate) use crate::red::{Parent, Red};

/// How a node looks to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A number, text, bytes, a truth value.
    Scalar,
    /// Named fields.
    Object,
    /// Items.
    Array,
}

/// A value to be assigned. Nodes stay nodes, so that their bytes and spelling can be copied.
#[derive(Clone, Debug)]
pub enum Plain {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    Array(Vec<Plain>),
    /// Named values.
    Object(Vec<(String, Plain)>),
    /// A decoded value.
    Node(Node),
}

impl Plain {
    /// How the value looks to a query.
    pub fn kind(&self) -> NodeKind {
        match self {
            Self::Scalar(_) => NodeKind::Scalar,
            Self::Array(_) => NodeKind::Array,
            Self::Object(_) => NodeKind::Object,
            Self::Node(node) => node.kind(),
        }
    }
}

/// A decoded value and its pending edits. Cheap to clone.
///
/// To everyone who holds one, a node is immutable: an edit makes a new node that shares everything else with the old one.
#[derive(Clone)]
pub struct Node {
    pub(crate) red: Arc<Red>,
    pub(crate) edit: Option<Arc<Edit>>,
}

impl Node {
    /// Bytes of their own: what a format makes anew.
    pub fn of_bytes(format: &'static str, bytes: impl Into<bytes::Bytes>) -> Self {
        let space = Space::source(bytes);
        let span = space.span();
        Self::root_of(
            format,
            Kind::Leaf(Ref::Static(&crate::codec::Raw::ANY)),
            space,
            span,
        )
    }

    /// The root of a decode.
    pub fn root_of(format: impl Into<Name>, kind: Kind, space: Space, span: Span) -> Self {
        Self {
            red: Arc::new(Red {
                green: Arc::new(Green::root(format.into(), kind, space, span)),
                rule: None,
                parent: Parent::Root,
                donor: None,
                around: None,
            }),
            edit: None,
        }
    }

    /// The same root of a decode, of which something is wrong. Where its reader gives up at that, it is
    /// [undecodable](Self::undecodable).
    #[must_use]
    pub fn wrong(mut self, wrong: Malformed) -> Self {
        if let Some(green) =
            Arc::get_mut(&mut self.red).and_then(|red| Arc::get_mut(&mut red.green))
        {
            green.set_wrong(wrong);
        }
        self
    }

    /// What is read where there is no node: null, which is known again, so that it can be told from another one.
    pub fn absent() -> Self {
        let kind = Kind::computed(&crate::codec::Raw::ANY, Scalar::Null);
        Self::root_of("", kind, Space::source(Bytes::new()), Span::bits(0, 0))
    }

    /// Whether this is what [`Self::absent`] gives.
    pub fn is_absent(&self) -> bool {
        let null =
            matches!(&self.green().kind, Kind::Computed(computed) if computed.1 == Scalar::Null);
        null && matches!(self.red.parent, Parent::Root)
    }

    pub(crate) fn child(
        &self,
        key: Key,
        green: Arc<Green>,
        rule: Option<Ref<Rule>>,
        edit: Option<Arc<Edit>>,
    ) -> Self {
        Self {
            red: Arc::new(Red {
                green,
                rule,
                parent: Parent::Node(self.red.clone(), key),
                donor: None,
                around: None,
            }),
            edit,
        }
    }

    pub(crate) fn found(&self, found: Found, edit: Option<Arc<Edit>>) -> Self {
        Self {
            red: Arc::new(Red {
                green: found.green,
                rule: found.rule,
                parent: Parent::Node(self.red.clone(), Key::Name(found.name)),
                donor: found.donor.map(|donor| (donor, false)),
                around: None,
            }),
            edit,
        }
    }

    /// A field that was added; `None` if what was added is empty.
    pub(crate) fn added(&self, name: &Name, added: &Added) -> Option<Self> {
        let field = added.donor.field(name)?;
        if !field.is_stored() && added.edit.is_none() {
            return None;
        }
        Some(Self {
            red: Arc::new(Red {
                green: field.red.green.clone(),
                rule: None,
                parent: Parent::Node(self.red.clone(), Key::Name(name.clone())),
                donor: Some((added.donor.clone(), added.always)),
                around: None,
            }),
            edit: added.edit.clone(),
        })
    }

    /// The node whose content this one has: itself, or what replaced it.
    pub(crate) fn content(&self) -> &Node {
        match self.edit.as_deref() {
            Some(Edit::Replaced(node)) => node.content(),
            _ => self,
        }
    }

    pub(crate) fn green(&self) -> &Arc<Green> {
        &self.red.green
    }

    /// How the node looks to a query.
    pub fn kind(&self) -> NodeKind {
        self.content().red.green.kind.looks()
    }

    /// The value that a query sees: the symbol if there is one, else the actual value; null for an undecodable leaf.
    pub fn scalar(&self) -> Scalar {
        match self.actual() {
            None => Scalar::Null,
            Some(actual) => self.symbol_of(&actual).unwrap_or(actual),
        }
    }

    /// The green node of a leaf that is bytes, as they are stored.
    fn stored_bytes(&self) -> Option<&Arc<Green>> {
        let node = self.content();
        let green = node.green();
        let whole = node.edit.is_none() && green.span.is_aligned();
        match &green.kind {
            Kind::Leaf(codec) if whole && codec.representation() == Representation::Bytes => {
                Some(green)
            }
            Kind::Struct(shape) if whole && shape.traits().is_bytes => Some(green),
            _ => None,
        }
    }

    /// How many bytes a leaf has that is bytes, without a look at them; nothing for another one, for one that was edited, or
    /// that misses bytes.
    pub fn byte_len(&self) -> Option<u64> {
        let green = self.stored_bytes()?;
        let whole = green.space.hole_in(green.span).is_none();
        whole.then(|| green.span.byte_len())
    }

    /// A part of the bytes of a leaf that is bytes, without a look at the others; `within` is given how many there are. Nothing
    /// for another leaf, or one that was edited.
    ///
    /// # Errors
    /// A part that misses bytes.
    pub fn byte_part(
        &self,
        within: impl FnOnce(u64) -> Range<u64>,
    ) -> Option<Result<Bytes, Reject>> {
        let green = self.stored_bytes()?;
        let all = green.span.byte_len();
        let part = within(all);
        let from = part.start.min(all);
        let len = part.end.min(all).saturating_sub(from);
        let span = Span::bytes(green.span.first_byte() + from, len);
        Some(green.space.given(span, || {
            format!("{}[{from}:{}]", self.path_text(), from + len)
        }))
    }

    /// What the values of a leaf are, before its own is decoded; nothing for what is no leaf.
    pub fn representation(&self) -> Option<Representation> {
        match &self.content().red.green.kind {
            Kind::Leaf(codec) => Some(codec.representation()),
            _ => None,
        }
    }

    /// The value as stored. An object of flag bits has its word as a number; other objects and arrays have none.
    pub fn actual(&self) -> Option<Scalar> {
        let node = self.content();
        let green = node.green();
        match (&green.kind, node.edit.as_deref()) {
            (_, Some(Edit::Scalar(s) | Edit::Derived(s))) => Some(s.clone()),
            (Kind::Leaf(codec), _) => {
                let value = codec.known().or_else(|| green.value(&**codec).ok());
                value.or_else(|| node.stood_in(&**codec))
            }
            (Kind::Computed(computed), _) => Some(computed.1.clone()),
            (Kind::Struct(shape), _) => {
                let word = shape.word()?;
                if green.space.hole_in(green.span).is_some() {
                    return None;
                }
                let bytes = node.bytes().ok()?;
                word.decode(&crate::Bits::from_bytes(bytes)).ok()
            }
            (Kind::Array(_), _) => None,
        }
    }

    /// The value of a leaf that is bytes, some of which are missing, with what stands in for them.
    fn stood_in(&self, codec: &dyn Codec) -> Option<Scalar> {
        let green = self.green();
        let is_bytes = codec.representation() == Representation::Bytes;
        let stands = is_bytes && green.space.lost() != Lost::Refuse;
        let missing = stands && green.space.hole_in(green.span).is_some();
        let bytes = missing.then(|| self.bytes().ok())??;
        codec.decode(&crate::Bits::from_bytes(bytes)).ok()
    }

    fn symbol_of(&self, actual: &Scalar) -> Option<Scalar> {
        match &self.content().red.green.kind {
            Kind::Leaf(codec) => codec.symbol(actual),
            Kind::Computed(computed) => computed.0.symbol(actual),
            _ => None,
        }
    }

    /// The symbol that stands for the value.
    pub fn symbol(&self) -> Option<Scalar> {
        self.symbol_of(&self.actual()?)
    }

    /// The codec of a scalar whose values compare as numbers.
    fn ordinal_codec(&self) -> Option<&dyn crate::codec::Codec> {
        let codec: &dyn crate::codec::Codec = match &self.content().red.green.kind {
            Kind::Leaf(codec) => &**codec,
            Kind::Computed(computed) => &*computed.0,
            _ => return None,
        };
        codec.is_ordinal().then_some(codec)
    }

    /// The number that a scalar compares as, though it shows as a text.
    pub fn ordinal(&self) -> Option<i128> {
        self.ordinal_codec()?;
        self.actual()?.as_int()
    }

    /// What a text is in the kind of numbers that this scalar is one of, if it is one.
    pub fn ordinal_of(&self, text: &str) -> Option<i128> {
        self.ordinal_codec()?.actual(&text.into())?.as_int()
    }

    /// What the value means, for a person; for a checksum, whether it is right.
    pub fn description(&self) -> Option<String> {
        let actual = self.actual()?;
        let own = match &self.content().green().kind {
            Kind::Leaf(codec) => codec.description(&actual),
            Kind::Computed(computed) => computed.0.description(&actual),
            _ => None,
        };
        let (Some(rule), Some(parent)) = (&self.red.rule, self.red.parent()) else {
            return own;
        };
        if !rule.is_sum() {
            return own;
        }
        let right = match (&self.red.around, self.key()) {
            (Some(around), Some(Key::Name(name))) => {
                encode::right_beside(rule, around, name, Some(&actual)).ok()
            }
            _ => Some(encode::right(rule, parent, Some(&actual))),
        };
        let Some(right) = right.flatten() else {
            return own;
        };
        let right = right.as_int()?;
        Some(match actual.as_int() {
            Some(n) if n == right => "valid".to_owned(),
            _ => format!("invalid: {right} would be right"),
        })
    }

    /// The field of that name of an object.
    pub fn field(&self, name: &str) -> Option<Node> {
        let node = self.content();
        match node.restated(Some(name)) {
            Some(restated) => restated.field(name),
            None => self.field_as_it_was(name),
        }
    }

    /// The field of that name, whatever was edited through another view of it.
    pub(crate) fn field_as_it_was(&self, name: &str) -> Option<Node> {
        let node = self.content();
        let Kind::Struct(shape) = &node.green().kind else {
            return node.part(name);
        };
        let edit = match node.edit.as_deref() {
            Some(Edit::Fields(fields)) => fields.get_key_value(name),
            _ => None,
        };
        match edit.map(|(name, edit)| (name, &**edit)) {
            Some((_, Edit::Removed | Edit::Hidden)) => return None,
            Some((name, Edit::Added(added))) => return node.added(name, added),
            _ => {}
        }
        let found = node.green().field(&**shape, name)?;
        Some(node.found(found, edit.map(|(_, edit)| edit.clone())))
    }

    /// A part of this leaf that its codec finds by name.
    fn part(&self, name: &str) -> Option<Node> {
        let green = self.green();
        let Kind::Leaf(codec) = &green.kind else {
            return None;
        };
        let (space, whole) = match self.edit {
            None => (green.space.clone(), green.span),
            Some(_) => {
                let space = Space::source(self.bytes().ok()?);
                let whole = space.span();
                (space, whole)
            }
        };
        let (span, codec) = codec.part(name, &space.bits(whole))?;
        let span = Span::bits(whole.start + span.start, span.len);
        let part = Green::new(Kind::Leaf(codec), space, span);
        let key = Key::Name(name.to_owned().into());
        Some(self.child(key, Arc::new(part), None, None))
    }

    /// Put a part of this leaf back: another value of it makes the leaf another one.
    pub(crate) fn put_part(&mut self, part: &Node) {
        let (Kind::Leaf(codec), Some(Key::Name(name))) = (&self.green().kind, part.key()) else {
            return;
        };
        let (Some(Edit::Scalar(value)), Kind::Leaf(own)) = (part.state(), &part.green().kind)
        else {
            return;
        };
        let (Ok(bytes), green) = (self.bytes(), part.green()) else {
            return;
        };
        let Ok(new) = own.encode(value, &green.space.bits(green.span)) else {
            return;
        };
        let old = Bits::from_bytes(bytes);
        let Some((new, kind)) = codec.with_part(name, &new, &old) else {
            return;
        };
        if new == old {
            return;
        }
        let space = Space::source(new.bytes().clone());
        let span = space.span();
        let node = Node::root_of(self.format_name(), kind, space, span);
        self.edit = Some(Arc::new(Edit::Replaced(node)));
    }

    /// How a leaf is stored.
    pub fn codec(&self) -> Option<&dyn Codec> {
        match &self.content().green().kind {
            Kind::Leaf(codec) => Some(&**codec),
            _ => None,
        }
    }

    /// Whether this is a scalar that is no part of a decode, such as a number that was read in another way.
    pub fn is_reading(&self) -> bool {
        matches!(self.red.parent, Parent::Root) && matches!(self.green().kind, Kind::Leaf(_))
    }

    /// This struct, read again with its edits, if one of them was made through another view of the fields than that field, or
    /// those that are listed. Edits that contradict each other are left to encoding.
    pub(crate) fn restated(&self, field: Option<&str>) -> Option<Node> {
        let (Kind::Struct(shape), Some(Edit::Fields(edits))) =
            (&self.green().kind, self.edit.as_deref())
        else {
            return None;
        };
        if !shape.traits().has_aliases || field.is_some_and(|name| shape.restated(name).is_some()) {
            return None;
        }
        let kind = edits.keys().find_map(|name| shape.restated(name))?;
        self.reread(self.format_name(), kind).ok()
    }

    /// All fields of an object, in order, gaps included; those that were added come last.
    pub fn fields(&self) -> Vec<(Name, Node)> {
        let node = self.content();
        let Kind::Struct(shape) = &node.green().kind else {
            return Vec::new();
        };
        if let Some(restated) = node.restated(None) {
            return restated.fields();
        }
        let none = BTreeMap::new();
        let edits = match node.edit.as_deref() {
            Some(Edit::Fields(fields)) => fields,
            _ => &none,
        };
        let mut out = Vec::new();
        for found in node.green().all_fields(&**shape) {
            let name = found.name.clone();
            match edits.get(&name).map(|edit| (edit, &**edit)) {
                Some((_, Edit::Removed | Edit::Hidden)) => {}
                Some((_, Edit::Added(added))) => {
                    out.extend(node.added(&name, added).map(|child| (name, child)));
                }
                edit => {
                    let edit = edit.map(|(edit, _)| edit.clone());
                    out.push((name, node.found(found, edit)));
                }
            }
        }
        let listed: HashSet<&Name> = out.iter().map(|(name, _)| name).collect();
        let added = edits.iter().filter_map(|(name, edit)| match &**edit {
            Edit::Added(added) if !listed.contains(name) => {
                Some((name.clone(), node.added(name, added)?))
            }
            _ => None,
        });
        let added: Vec<_> = added.collect();
        out.extend(added);
        out
    }

    /// How many items an array has, or fields an object has. May have to walk over all of them.
    pub fn len(&self) -> u64 {
        let node = self.content();
        let green = node.green();
        match (&green.kind, node.edit.as_deref()) {
            (_, Some(Edit::Items(items))) => items.len() as u64,
            (Kind::Array(seq), _) => green.index().len(&**seq, &green.seq_at()),
            (Kind::Struct(_), Some(Edit::Fields(_))) => node.fields().len() as u64,
            (Kind::Struct(shape), _) => green.all_fields(&**shape).len() as u64,
            _ => 0,
        }
    }

    /// Whether there are no items or fields.
    pub fn is_empty(&self) -> bool {
        match self.kind() {
            NodeKind::Array => self.item(0).is_none(),
            _ => self.len() == 0,
        }
    }

    /// The item at an index of an array.
    pub fn item(&self, i: u64) -> Option<Node> {
        let node = self.content();
        match node.edit.as_deref() {
            Some(Edit::Items(items)) => match items.get(usize::try_from(i).ok()?)? {
                Item::New(new) => Some(new.clone()),
                Item::Kept(was, edit) => node.item_with(*was, edit.clone()),
            },
            Some(Edit::Sparse(map)) => node.item_with(i, map.get(&i).cloned()),
            _ => node.item_with(i, None),
        }
    }

    /// The item that was decoded at an index.
    fn item_with(&self, i: u64, edit: Option<Arc<Edit>>) -> Option<Node> {
        let green = self.green();
        let Kind::Array(seq) = &green.kind else {
            return None;
        };
        let at = green.seq_at();
        let state = green.index().seek(&**seq, &at, i)?;
        let (step, frame) = seq.framed_step(&at, &state)?;
        let item = green.item(step.kind, step.span, frame);
        Some(self.child(Key::Index(i), Arc::new(item), None, edit))
    }

    /// The item that was decoded at an index, without edits.
    pub(crate) fn kept_item(&self, i: u64) -> Option<Node> {
        self.item_with(i, None)
    }

    /// The items of an array, one by one.
    pub fn items(&self) -> Items {
        let node = self.content().clone();
        let state = match &node.green().kind {
            Kind::Array(seq) => Some(seq.start(&node.green().seq_at())),
            _ => None,
        };
        Items {
            node,
            next: 0,
            state,
        }
    }

    /// The node that this one is a child of, as it was decoded.
    pub fn parent(&self) -> Option<Node> {
        let red = self.red.parent()?;
        Some(Node { red, edit: None })
    }

    /// The root of the decode; the node itself if it is the root.
    pub fn root(&self) -> Node {
        let mut node = self.clone();
        while let Some(parent) = node.parent() {
            node = parent;
        }
        node
    }

    /// The name or index of this node in its parent.
    pub fn key(&self) -> Option<&Key> {
        self.red.key()
    }

    /// The path from the root.
    pub fn path(&self) -> Vec<Key> {
        self.red.path()
    }

    /// The path from the root, as one types it.
    pub fn path_text(&self) -> String {
        path_text(&self.path())
    }

    /// The name of the format that the node belongs to.
    pub fn format(&self) -> &str {
        self.red.format().map_or("", |format| format)
    }

    /// The same, to be kept.
    pub fn format_name(&self) -> Name {
        self.red.format().cloned().unwrap_or_default()
    }

    /// The name of the struct that an object is.
    pub fn shape_name(&self) -> Option<&str> {
        match &self.content().green().kind {
            Kind::Struct(shape) => Some(shape.name()),
            _ => None,
        }
    }

    /// The bytes of this node, with its edits, read as something else: the root of a decode of its own.
    ///
    /// # Errors
    /// Edits that cannot be encoded.
    pub fn reread(&self, format: impl Into<Name>, kind: Kind) -> Result<Node, Reject> {
        if self.edit.is_none() && self.span().is_aligned() {
            let green = self.green();
            return Ok(Node::root_of(format, kind, green.space.clone(), green.span));
        }
        let space = Space::source(self.bytes()?);
        let span = space.span();
        Ok(Node::root_of(format, kind, space, span))
    }

    /// Where the node lies in its space.
    pub fn span(&self) -> Span {
        self.green().span
    }

    /// Where the node's bits lie in the input.
    pub fn ranges(&self) -> Vec<Span> {
        self.green().space.origins(self.green().span)
    }

    /// Where the parts lie of a node that is put together of several places, and has no bytes of its own, such as a call: in
    /// the order of the input, joined where they touch. Nothing for a node that has its bytes together.
    pub fn places(&self) -> Option<Vec<Span>> {
        if self.green().span.len > 0 || self.kind() == NodeKind::Scalar {
            return None;
        }
        let mut all: Vec<Span> = Vec::new();
        let mut left = vec![self.clone()];
        while let Some(node) = left.pop() {
            let parts: Vec<Node> = match node.kind() {
                NodeKind::Array => node.items().collect(),
                _ => node.fields().into_iter().map(|(_, field)| field).collect(),
            };
            for part in parts {
                match part.kind() {
                    NodeKind::Scalar => all.extend(part.ranges()),
                    _ if part.span().len > 0 => all.extend(part.ranges()),
                    _ => left.push(part),
                }
            }
        }
        all.retain(|span| span.len > 0);
        all.sort_unstable();
        all.dedup_by(|next, last| {
            let joins = next.start <= last.end();
            if joins {
                last.len = last.end().max(next.end()) - last.start;
            }
            joins
        });
        (!all.is_empty()).then_some(all)
    }

    /// Where in the input these bytes of the node lie, run by run: first byte and number of bytes. Nothing if they do not lie
    /// there as they are: they were decompressed, or edited.
    pub fn in_input(&self, bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
        let space = &self.green().space;
        let ranges = self.ranges();
        if let ([one], false) = (&ranges[..], self.green().span.is_aligned()) {
            return Some(vec![(one.first_byte(), bytes.len() as u64)]);
        }
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut rest = bytes;
        for range in ranges {
            let (part, after) = rest.split_at_checked(range.byte_len() as usize)?;
            if !range.is_aligned() || *space.of_input(range) != *part {
                return None;
            }
            rest = after;
            match runs.last_mut() {
                Some((at, len)) if *at + *len == range.first_byte() => *len += range.byte_len(),
                _ => runs.push((range.first_byte(), range.byte_len())),
            }
        }
        rest.is_empty().then_some(runs)
    }

    /// What was done to bytes of the input to make those of the space that the node lies in: `decompressed`.
    pub fn made_by(&self) -> &'static str {
        self.green().space.made_by()
    }

    /// Where else in the input the node's bits lie: in copies, which change with them.
    pub fn copies(&self) -> Vec<Span> {
        self.green().space.copies(self.green().span)
    }

    /// The byte of the input where the node begins.
    pub fn offset(&self) -> u64 {
        self.green().space.offset(self.green().span.first_byte())
    }

    /// What was wrong with this node when it was decoded. Notes are no faults.
    pub fn fault(&self) -> Option<Fault> {
        self.finding().filter(|f| f.severity > Severity::Note)
    }

    /// What was found about this node when it was decoded, however small.
    pub fn finding(&self) -> Option<Fault> {
        let node = self.content();
        match node.green().finding() {
            Some(found) => Some(node.located(found)),
            None => Some(self.located(self.checked()?)),
        }
    }

    /// The findings about this node and all that is in it, in order, each once.
    pub fn findings(&self) -> Findings {
        Findings::of(self.clone())
    }

    /// The findings about this node as it was decoded, as far as its edits touch it: about what they are on the way to, and all
    /// that is in the items and scalars that they change. Costs what the edits cost, whatever the size of the input.
    pub fn touched_findings(&self) -> Findings {
        Findings::touched(self)
    }

    /// The node as it was decoded, without edits.
    pub fn unedited(&self) -> Node {
        Node {
            red: self.red.clone(),
            edit: None,
        }
    }

    /// What the struct that this is a field of finds wrong with it.
    fn checked(&self) -> Option<Malformed> {
        let (Some(parent), Some(Key::Name(name))) = (self.red.parent(), self.red.key()) else {
            return None;
        };
        let Kind::Struct(shape) = &parent.green.kind else {
            return None;
        };
        shape.check(name, &parent.green.at()).or_else(|| {
            let rule = self.red.rule.as_deref()?;
            if !rule.is_sum() {
                return None;
            }
            let held = self.unedited().actual();
            let right = encode::right(rule, parent, held.as_ref())?.as_int()?;
            let green = self.green();
            let Kind::Leaf(codec) = &green.kind else {
                return None;
            };
            let is = green.value(&**codec).ok()?.as_int()?;
            let wrong =
                || Malformed::new(green.span.first_byte(), right.to_string(), is.to_string());
            (is != right).then(|| wrong().with(Severity::Damage))
        })
    }

    /// For the root of an input that is not of the format that it was decoded in, as the mark of the format is wrong, or nothing
    /// could be decoded: why. Looks at nothing but the mark.
    pub fn undecodable(&self) -> Option<Fault> {
        let Kind::Struct(shape) = &self.green().kind else {
            return None;
        };
        if let Some(wrong) = self.green().own_wrong().cloned().or_else(|| shape.fault()) {
            return (wrong.severity == Severity::Stops).then(|| self.located(wrong));
        }
        let was = self.unedited();
        let Some(mark) = shape.mark() else {
            return Some(self.located(shape.foreign(&self.green().at())?));
        };
        let found = match was.field(mark) {
            Some(mark) if mark.kind() == NodeKind::Array => mark.item(0)?.fault(),
            Some(mark) => mark.fault(),
            None => was.fault(),
        };
        found.filter(|fault| fault.severity == Severity::Stops)
    }

    fn located(&self, wrong: Malformed) -> Fault {
        Fault {
            format: self.format_name(),
            path: self.path_text(),
            offset: Some(self.green().space.offset(wrong.at)),
            expected: wrong.expected,
            found: wrong.found,
            severity: wrong.severity,
            lost: wrong.lost,
        }
    }

    /// Whether both are the same place of the same decode; their edits may differ.
    pub fn same_place(&self, other: &Node) -> bool {
        self.red.same_place(&other.red)
    }

    /// Whether the field is stored, or was added; else it shows a default.
    pub fn is_stored(&self) -> bool {
        match &self.red.donor {
            None => true,
            Some((_, added)) => *added || self.edit.is_some(),
        }
    }

    /// Whether the node carries edits.
    pub fn is_edited(&self) -> bool {
        self.edit.is_some()
    }

    /// The node's bytes, with its edits encoded and derived fields recomputed.
    ///
    /// # Errors
    /// Edits that cannot be encoded.
    pub fn bytes(&self) -> Result<Bytes, Reject> {
        if self.edit.is_none() {
            let span = self.green().span;
            let space = &self.green().space;
            let bytes = space.given(span, || self.path_text())?;
            if span.is_aligned() {
                return Ok(bytes);
            }
            let have = (bytes.len() as u64 * 8).saturating_sub(span.start % 8);
            let bits = Bits::extract(bytes, span.start % 8, span.len.min(have));
            return Ok(bits.bytes().clone());
        }
        Ok(encode::encode(self, &encode::EncodeOptions::default())?.to_bytes())
    }

    pub(crate) fn state(&self) -> Option<&Edit> {
        self.edit.as_deref()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.format(), self.path_text())
    }
}
