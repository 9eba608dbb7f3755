//! Assignment: what a value means for the node it is assigned to.

use crate::codec::encode_assigned;
use crate::edit::{Added, Edit, Item};
use crate::green::Kind;
use crate::node::{Node, NodeKind, Plain};
use crate::shape::Room;
use crate::{Key, Misfit, Name, Reject, Scalar, Space};
use std::collections::HashSet;
use std::sync::Arc;

/// Children: taken out with their edits while a filter changes them, and put back.
impl Node {
    /// Take a field out, together with its pending edits, so that it is uniquely owned while it is changed.
    pub fn take_field(&mut self, name: &str) -> Option<Node> {
        if let Some(Edit::Replaced(node)) = self.edit.as_mut().map(Arc::make_mut) {
            return node.take_field(name);
        }
        if let Some(mut restated) = self.restated(Some(name)) {
            let child = restated.take_field(name);
            self.edit = Some(Arc::new(Edit::Replaced(restated)));
            return child;
        }
        let mut child = self.field(name)?;
        if let Some(Edit::Fields(fields)) = self.edit.as_mut().map(Arc::make_mut) {
            child.edit = None;
            child.edit = match fields.get_mut(name).map(Arc::make_mut) {
                Some(Edit::Added(added)) => added.edit.take(),
                _ => fields.remove(name),
            };
        }
        Some(child)
    }

    /// Take an item out, together with its pending edits.
    pub fn take_item(&mut self, i: u64) -> Option<Node> {
        if let Some(Edit::Replaced(node)) = self.edit.as_mut().map(Arc::make_mut) {
            return node.take_item(i);
        }
        let mut child = self.item(i)?;
        match self.edit.as_mut().map(Arc::make_mut) {
            Some(Edit::Sparse(map)) => {
                child.edit = None;
                child.edit = map.remove(&i);
            }
            Some(Edit::Items(items)) => {
                if let Some(Item::Kept(_, edit)) = items.get_mut(usize::try_from(i).ok()?) {
                    child.edit = None;
                    child.edit = edit.take();
                }
            }
            _ => {}
        }
        Some(child)
    }

    /// Put a field back that was taken from this node. One that carries no edits leaves no trace.
    pub fn put_field(&mut self, child: Node) {
        if let Some(Edit::Replaced(node)) = self.edit.as_mut().map(Arc::make_mut) {
            return node.put_field(child);
        }
        if matches!(self.red.green.kind, Kind::Leaf(_)) {
            return self.put_part(&child);
        }
        let Some(Key::Name(name)) = child.red.key() else {
            return;
        };
        let edit = match &child.red.donor {
            None => child.edit.clone(),
            Some((donor, always)) => self.put_added(name, donor, *always, child.edit.clone()),
        };
        self.put_edit(name.clone(), edit);
    }

    /// The edit of a field that is not stored, once it was edited.
    fn put_added(
        &self,
        name: &str,
        donor: &Arc<Node>,
        always: bool,
        edit: Option<Arc<Edit>>,
    ) -> Option<Arc<Edit>> {
        let before = match self.edit.as_deref() {
            Some(Edit::Fields(fields)) => fields.get(name).map(|e| &**e),
            _ => None,
        };
        let added = Added {
            donor: donor.clone(),
            edit,
            always: always || matches!(before, Some(Edit::Added(added)) if added.always),
        };
        (added.always || added.edit.is_some()).then(|| Arc::new(Edit::Added(added)))
    }

    fn put_edit(&mut self, name: Name, edit: Option<Arc<Edit>>) {
        if self.edit.is_none() && edit.is_some() {
            self.edit = Some(Arc::new(Edit::Fields(Default::default())));
        }
        let Some(Edit::Fields(fields)) = self.edit.as_mut().map(Arc::make_mut) else {
            return;
        };
        match edit {
            Some(edit) => fields.insert(name, edit),
            None => fields.remove(&name),
        };
        if fields.is_empty() {
            self.edit = None;
        }
    }

    /// Put an item back that was taken from index `i` of this node.
    pub fn put_item(&mut self, i: u64, child: Node) {
        match self.edit.as_mut().map(Arc::make_mut) {
            Some(Edit::Replaced(node)) => node.put_item(i, child),
            Some(Edit::Items(items)) => {
                if let Some(item) = items.get_mut(i as usize) {
                    match item {
                        Item::Kept(_, edit) => *edit = child.edit,
                        Item::New(node) => *node = child,
                    }
                }
            }
            Some(Edit::Sparse(map)) => {
                match child.edit {
                    Some(edit) => map.insert(i, edit),
                    None => map.remove(&i),
                };
                if map.is_empty() {
                    self.edit = None;
                }
            }
            _ => {
                if let Some(edit) = child.edit {
                    self.edit = Some(Arc::new(Edit::Sparse([(i, edit)].into())));
                }
            }
        }
    }
}

/// Assignment.
impl Node {
    /// Assign a value. Parts that have that value already keep their spelling.
    ///
    /// # Errors
    /// A value that does not fit; the message names what does.
    pub fn assign(self, value: Plain) -> Result<Node, Reject> {
        if let Plain::Node(node) = &value
            && node.same_place(&self)
        {
            return Ok(Node {
                red: self.red,
                edit: node.edit.clone(),
            });
        }
        let green = &self.red.green;
        let rebuilt = match &green.kind {
            Kind::Leaf(codec) => codec.rebuild(&value),
            Kind::Struct(shape) => shape.rebuild(&value, &green.at()),
            Kind::Array(seq) => seq.rebuild(&value, &green.seq_at()),
            Kind::Computed(..) => None,
        };
        if let Some(new) = rebuilt {
            return self.replace(new);
        }
        let other = self.through_parent(&value);
        self.assign_kept(value).or_else(|e| other.ok_or(e))
    }

    /// This field as its struct would add it with another value: for values whose kind this field cannot take.
    fn through_parent(&self, value: &Plain) -> Option<Node> {
        let (Some(parent), Some(Key::Name(name))) = (self.red.parent(), self.red.key()) else {
            return None;
        };
        let Kind::Struct(shape) = &parent.green.kind else {
            return None;
        };
        if !shape.retypes() || value.kind() == self.kind() {
            return None;
        }
        let donor = shape.donor(name, value)?.ok()?;
        let parent = Node {
            red: parent.clone(),
            edit: None,
        };
        let added = Added {
            donor: Arc::new(donor),
            edit: None,
            always: true,
        };
        parent.added(name, &added)
    }

    /// Assign, if the value is of the kind of this node.
    fn assign_kept(self, value: Plain) -> Result<Node, Reject> {
        match &self.red.green.kind {
            Kind::Leaf(_) | Kind::Computed(..) => match scalar_of(&value) {
                Some(scalar) => self.assign_scalar(scalar),
                None => {
                    let found = match value.kind() {
                        NodeKind::Array => "an array",
                        _ => "an object",
                    };
                    Err(self.misfit_of(found))
                }
            },
            Kind::Struct(_) => self.assign_struct(value),
            Kind::Array(_) => match value {
                Plain::Array(items) => self.set_items(items),
                Plain::Node(node) if node.kind() == NodeKind::Array => {
                    self.set_items(node.items().map(Plain::Node).collect())
                }
                _ => Err(Reject::Structure {
                    path: self.path_text(),
                    why: "takes an array".to_owned(),
                }),
            },
        }
    }

    /// Let another node stand for this one.
    fn replace(mut self, new: Result<Node, String>) -> Result<Node, Reject> {
        match new {
            Ok(node) => {
                self.edit = Some(Arc::new(Edit::Replaced(node)));
                Ok(self)
            }
            Err(why) => Err(Reject::Structure {
                path: self.path_text(),
                why,
            }),
        }
    }

    fn assign_scalar(self, value: Scalar) -> Result<Node, Reject> {
        let green = &self.red.green;
        match &green.kind {
            Kind::Leaf(codec) => {
                if green.space.hole_in(green.span).is_some() {
                    let nothing = "nothing: bytes of it are missing from the input";
                    return Err(misfit(&self, Misfit::new(nothing, value)));
                }
                let like = green.space.bits(green.span);
                let (actual, _) =
                    encode_assigned(&**codec, &value, &like).map_err(|e| misfit(&self, e))?;
                Ok(Node {
                    edit: Some(Arc::new(Edit::Scalar(actual))),
                    red: self.red,
                })
            }
            _ => {
                let is = self.scalar();
                if value == is || self.actual().as_ref() == Some(&value) {
                    return Ok(self);
                }
                Err(Reject::ReadOnly {
                    path: self.path_text(),
                    is: is.to_string(),
                    wanted: value.to_string(),
                })
            }
        }
    }

    /// An error for a value that is not even a scalar: says what the codec takes.
    fn misfit_of(&self, found: &str) -> Reject {
        match self.clone().assign_scalar(Scalar::Null) {
            Err(Reject::Misfit {
                path,
                offset,
                expected,
                ..
            }) => Reject::Misfit {
                path,
                offset,
                expected,
                found: found.to_owned(),
            },
            _ => Reject::ReadOnly {
                path: self.path_text(),
                is: self.scalar().to_string(),
                wanted: found.to_owned(),
            },
        }
    }

    fn assign_struct(mut self, value: Plain) -> Result<Node, Reject> {
        let Kind::Struct(shape) = &self.red.green.kind else {
            return Ok(self);
        };
        match value {
            Plain::Object(pairs) => self.assign_fields(pairs),
            Plain::Node(node) if node.kind() == NodeKind::Object => {
                let other = node.content();
                let same =
                    matches!(&other.red.green.kind, Kind::Struct(s) if s.name() == shape.name());
                if same && !self.red.green.is_scattered() && !other.red.green.is_scattered() {
                    self.edit = Some(Arc::new(Edit::Replaced(node)));
                    return Ok(self);
                }
                let stored = node.fields().into_iter().filter(|(_, v)| v.has_own_bytes());
                self.assign_fields(
                    stored
                        .map(|(k, v)| (k.into_owned(), Plain::Node(v)))
                        .collect(),
                )
            }
            Plain::Scalar(value) if shape.word().is_some() => {
                let word = shape.word().expect("just looked");
                let like = self.red.green.space.bits(self.red.green.span);
                let bits = word.encode(&value, &like).map_err(|e| misfit(&self, e))?;
                let space = Space::source(bits.bytes().clone());
                let span = space.span();
                let kind = self.red.green.kind.clone();
                let node = Node::root_of(self.format_name(), kind, space, span);
                self.edit = Some(Arc::new(Edit::Replaced(node)));
                Ok(self)
            }
            _ => Err(Reject::Structure {
                path: self.path_text(),
                why: format!("takes an object of {}", self.field_names()),
            }),
        }
    }

    /// Whether it has bytes of its own: what is computed has none, and a view shows those of others.
    fn has_own_bytes(&self) -> bool {
        match &self.red.green.kind {
            Kind::Computed(..) => false,
            Kind::Struct(shape) => !shape.traits().is_view,
            _ => true,
        }
    }

    fn field_names(&self) -> String {
        let names: Vec<String> = self
            .fields()
            .into_iter()
            .map(|(n, _)| n.into_owned())
            .collect();
        names.join(", ")
    }

    fn assign_fields(mut self, pairs: Vec<(String, Plain)>) -> Result<Node, Reject> {
        if !matches!(self.content().red.green.kind, Kind::Struct(_)) {
            // something else stands for the struct: begin with the struct again
            self.edit = None;
        }
        let named: HashSet<&str> = pairs.iter().map(|(k, _)| k.as_str()).collect();
        let stored = |node: &Node| node.has_own_bytes() && node.red.donor.is_none();
        for (name, child) in self.fields() {
            let added = self.is_added(&name);
            if (added || stored(&child)) && !named.contains(&*name) {
                self = self.remove_field(&name)?;
            }
        }
        for (name, value) in pairs {
            // an object that was read from a damaged node carries its fault along
            let may_be_fault = name == "_error";
            match self.take_field(&name) {
                None if may_be_fault && self.room(&name).is_none() => {}
                Some(child) => {
                    let child = child.assign(value)?;
                    self.put_field(child);
                }
                None => self = self.add_field(&name, value)?,
            }
        }
        Ok(self)
    }

    /// Whether the field was added to what was decoded.
    fn is_added(&self, name: &str) -> bool {
        match self.content().edit.as_deref() {
            Some(Edit::Fields(fields)) => {
                matches!(fields.get(name).map(|e| &**e), Some(Edit::Added(_)))
            }
            _ => false,
        }
    }

    /// Give an array a new list of items. Nodes of this array are kept as they are, in any order; others are copied.
    ///
    /// # Errors
    /// Items that the format has no room for, or that are not what it holds.
    pub fn set_items(mut self, values: Vec<Plain>) -> Result<Node, Reject> {
        let len = self.len();
        let content = self.content_place();
        let mut items = Vec::with_capacity(values.len());
        // of as many values as there were items, each is for the item in its place, unless items moved
        let moves = |(i, value): (usize, &Plain)| match value {
            Plain::Node(node) => node.place_in(&content).is_some_and(|was| was != i as u64),
            _ => false,
        };
        let same_len = values.len() as u64 == len && !values.iter().enumerate().any(moves);
        for (i, value) in values.into_iter().enumerate() {
            let kept = match &value {
                Plain::Node(node) => node.place_in(&content),
                _ => None,
            };
            items.push(match (kept, value) {
                (Some(was), Plain::Node(node)) => Item::Kept(was, node.edit.clone()),
                (_, value) if same_len && !matches!(value, Plain::Node(_)) => {
                    let Some(child) = self.take_item(i as u64) else {
                        continue;
                    };
                    let child = child.assign(value)?;
                    match child.place_in(&content) {
                        Some(was) => Item::Kept(was, child.edit),
                        None => Item::New(child),
                    }
                }
                (_, value) => Item::New(self.new_item(value)?),
            });
        }
        let old = content.decoded_len();
        let in_place =
            |(i, item): (usize, &Item)| matches!(item, Item::Kept(was, _) if *was == i as u64);
        if items.len() as u64 == old && items.iter().enumerate().all(in_place) {
            let edits = items
                .into_iter()
                .enumerate()
                .filter_map(|(i, item)| match item {
                    Item::Kept(_, Some(edit)) => Some((i as u64, edit)),
                    _ => None,
                });
            let map: std::collections::BTreeMap<_, _> = edits.collect();
            self.edit = (!map.is_empty()).then(|| Arc::new(Edit::Sparse(map)));
            return Ok(self);
        }
        self.check_resizable(items.len() as u64)?;
        self.edit = Some(Arc::new(Edit::Items(items)));
        Ok(self)
    }

    /// This place, without edits.
    fn content_place(&self) -> Node {
        Node {
            red: self.red.clone(),
            edit: None,
        }
    }

    fn decoded_len(&self) -> u64 {
        self.len()
    }

    /// The index of this node in that array, if it was decoded there.
    pub(crate) fn place_in(&self, array: &Node) -> Option<u64> {
        match self.red.key() {
            Some(Key::Index(i)) if self.red.is_in(&array.red) => Some(*i),
            _ => None,
        }
    }

    fn check_resizable(&self, wanted: u64) -> Result<(), Reject> {
        match &self.red.green.kind {
            Kind::Array(seq) if seq.resizable() => Ok(()),
            _ => Err(Reject::Structure {
                path: self.path_text(),
                why: format!(
                    "holds {} items, which cannot be added, removed or moved; {wanted} were given",
                    self.len()
                ),
            }),
        }
    }

    fn new_item(&self, value: Plain) -> Result<Node, Reject> {
        let Kind::Array(seq) = &self.red.green.kind else {
            return Err(Reject::Structure {
                path: self.path_text(),
                why: "is not an array".to_owned(),
            });
        };
        if let Plain::Node(node) = &value {
            let like = self.kept_item(0);
            let like = like.as_ref().map(|like| &like.red.green.kind);
            let same = match (&node.red.green.kind, like) {
                (Kind::Struct(a), Some(Kind::Struct(b))) => a.name() == b.name(),
                // where there is none yet, the array has the name of its items
                (Kind::Struct(a), None) => a.name() == seq.name(),
                _ => false,
            };
            if same {
                return Ok(node.clone());
            }
        }
        seq.build(&value).map_err(|why| Reject::Structure {
            path: self.path_text(),
            why,
        })
    }

    /// Remove an item of an array.
    ///
    /// # Errors
    /// An array whose items cannot be removed.
    pub fn remove_item(mut self, i: u64) -> Result<Node, Reject> {
        if let Some(Edit::Replaced(node)) = self.edit.as_deref() {
            let node = node.clone().remove_item(i)?;
            self.edit = Some(Arc::new(Edit::Replaced(node)));
            return Ok(self);
        }
        let len = self.len();
        if i >= len {
            return Ok(self);
        }
        self.check_resizable(len - 1)?;
        let mut items = match self.edit.take().map(Arc::unwrap_or_clone) {
            Some(Edit::Items(items)) => items,
            Some(Edit::Sparse(mut map)) => {
                (0..len).map(|k| Item::Kept(k, map.remove(&k))).collect()
            }
            _ => (0..len).map(|k| Item::Kept(k, None)).collect(),
        };
        items.remove(i as usize);
        self.edit = Some(Arc::new(Edit::Items(items)));
        Ok(self)
    }

    /// Remove a field of an object.
    ///
    /// # Errors
    /// A field that its struct cannot do without.
    pub fn remove_field(mut self, name: &str) -> Result<Node, Reject> {
        if let Some(Edit::Replaced(node)) = self.edit.as_deref() {
            let node = node.clone().remove_field(name)?;
            self.edit = Some(Arc::new(Edit::Replaced(node)));
            return Ok(self);
        }
        if self.field(name).is_none() {
            return Ok(self);
        }
        let Some(room) = self.room(name) else {
            return Err(Reject::Structure {
                path: self.path_text(),
                why: format!(
                    "its field {name:?} cannot be removed; tovalue gives a copy that it can be removed from"
                ),
            });
        };
        let edit = (!room.cut.is_empty()).then(|| Arc::new(Edit::Removed));
        self.put_edit(name.to_owned().into(), edit);
        Ok(self)
    }

    /// Whether the struct has room for a field of that name which it does not have yet.
    pub fn can_add_field(&self, name: &str, value: &Plain) -> bool {
        match (self.edit.as_deref(), &self.red.green.kind) {
            (Some(Edit::Replaced(node)), _) => node.can_add_field(name, value),
            (_, Kind::Struct(shape)) => {
                shape.donor(name, value).is_some() && self.room(name).is_some()
            }
            _ => false,
        }
    }

    /// Whether null is a value of a field of that name, which a struct does not have yet, and not only its absence.
    pub fn takes_null(&self, name: &str) -> bool {
        match (self.edit.as_deref(), &self.red.green.kind) {
            (Some(Edit::Replaced(node)), _) => node.takes_null(name),
            (_, Kind::Struct(shape)) => shape.takes_null(name),
            _ => false,
        }
    }

    /// Add a field to an object.
    ///
    /// # Errors
    /// A struct that has no room for such a field; the message names those it has.
    pub fn add_field(mut self, name: &str, value: Plain) -> Result<Node, Reject> {
        if let Some(Edit::Replaced(node)) = self.edit.as_deref() {
            let node = node.clone().add_field(name, value)?;
            self.edit = Some(Arc::new(Edit::Replaced(node)));
            return Ok(self);
        }
        let donor = match &self.red.green.kind {
            Kind::Struct(shape) => shape.donor(name, &value),
            _ => None,
        };
        let (Some(donor), Some(_)) = (donor, self.room(name)) else {
            return Err(Reject::UnknownField {
                path: self.path_text(),
                key: name.to_owned(),
                allowed: self.known_names(),
            });
        };
        let donor = donor.map_err(|why| Reject::Structure {
            path: self.path_text(),
            why,
        })?;
        let added = Added {
            donor: Arc::new(donor),
            edit: None,
            always: true,
        };
        self.put_edit(name.to_owned().into(), Some(Arc::new(Edit::Added(added))));
        self.displace(name);
        Ok(self)
    }

    /// Where a field of this struct is added or removed.
    fn room(&self, name: &str) -> Option<Room> {
        match &self.red.green.kind {
            Kind::Struct(shape) => self.red.green.room(&**shape, name),
            _ => None,
        }
    }

    /// Hide the fields that an added one displaces; encoding the added one removes them.
    fn displace(&mut self, name: &str) {
        let Kind::Struct(shape) = &self.red.green.kind else {
            return;
        };
        let others = shape.displaced(name).into_iter().map(|other| {
            let decoded = self.red.green.field(&**shape, &other).is_some();
            (other, decoded.then(|| Arc::new(Edit::Hidden)))
        });
        for (other, edit) in others.collect::<Vec<_>>() {
            self.put_edit(other.into(), edit);
        }
    }

    /// The names that can be in this object.
    fn known_names(&self) -> String {
        let addable = match &self.red.green.kind {
            Kind::Struct(shape) => shape.addable(),
            _ => Vec::new(),
        };
        if addable.is_empty() {
            return self.field_names();
        }
        addable.join(", ")
    }
}

pub(crate) fn misfit(node: &Node, e: Misfit) -> Reject {
    Reject::Misfit {
        path: node.path_text(),
        offset: node.offset(),
        expected: e.expected,
        found: e.found,
    }
}

/// The scalar of a value: of a node, the one that a query sees.
fn scalar_of(value: &Plain) -> Option<Scalar> {
    match value {
        Plain::Scalar(s) => Some(s.clone()),
        Plain::Node(node) if node.kind() == NodeKind::Scalar => Some(node.scalar()),
        _ => None,
    }
}
