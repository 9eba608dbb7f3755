//! Relations between parts of a struct that lie apart.
//!
//! What they say is written into the edits of the struct, as edits that nobody asked for, and the struct is settled again: so what
//! covers a field that follows, follows too. That ends when nothing moves; what never ends is a circle.

use super::facts::Facts;
use super::places::Places;
use super::settle::Settler;
use super::splice::{Changes, Seat};
use super::{Did, Note};
use crate::edit::{Edit, Item};
use crate::green::Kind;
use crate::node::{Node, NodeKind};
use crate::rule::{Match, Path, Relation, Rule};
use crate::shape::Shape;
use crate::{Key, Name, Reject, Scalar};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

impl Settler {
    /// Settle a struct that declares relations: what changes, and the struct with all values that follow.
    pub(super) fn relate(
        &mut self,
        node: &Node,
        shape: &dyn Shape,
    ) -> Result<(Changes, Node), Reject> {
        let relations = shape.relations();
        let mut node = node.clone();
        let told = self.report.notes.len();
        let mut moved = Vec::new();
        // a chain of relations moves on by one in each turn
        for _ in 0..relations.len() * 2 + 4 {
            self.report.notes.truncate(told);
            let empty = BTreeMap::new();
            let fields = match node.state() {
                Some(Edit::Fields(fields)) => fields,
                _ => &empty,
            };
            let (changes, values) = self.settle_fields(&node, shape, fields)?;
            let mut read = node.clone();
            for (name, value) in values {
                read.derive_field(&name, value);
            }
            let green = node.green();
            let places = Places::new(&green.space, changes.of(&green.space))?;
            let mut turn = Turn {
                was: node.unedited(),
                read,
                now: node.clone(),
                places: &places,
                settler: self,
                moved: Vec::new(),
            };
            for relation in relations {
                match relation {
                    Relation::One { field, rule } => turn.one(field, rule)?,
                    Relation::Each {
                        list,
                        with,
                        by,
                        fields,
                    } => turn.each(list, with, by, fields)?,
                }
            }
            moved = std::mem::take(&mut turn.moved);
            let (now, read) = (turn.now, turn.read);
            if moved.is_empty() {
                return Ok((changes, read));
            }
            node = now;
        }
        moved.truncate(8);
        Err(Reject::Structure {
            path: node.path_text(),
            why: format!(
                "what follows from each other never settles: {}",
                moved.join(", ")
            ),
        })
    }
}

/// One look at all relations of a struct.
struct Turn<'a> {
    was: Node,
    /// What the relations read.
    read: Node,
    /// What they write.
    now: Node,
    places: &'a Places,
    settler: &'a mut Settler,
    /// The paths of the fields that got another value.
    moved: Vec<String>,
}

impl Turn<'_> {
    fn one(&mut self, field: &Path, rule: &Rule) -> Result<(), Reject> {
        let Some(at) = self.now.walk(field) else {
            return Ok(());
        };
        let held = at.unedited().actual();
        let base = Some(self.was.green().span.start as i64 - counted_from(&self.was));
        let facts = Facts::decoded(&self.was, self.settler).based(base);
        let before = { facts }.right(rule, held.as_ref())?;
        let now = self.read.clone();
        let facts = Facts::new(&now, self.places.splices(), self.settler).based(base);
        let after = { facts }.right(rule, held.as_ref())?;
        if let Some(value) = self.follow(&at, false, before, after) {
            let names: Vec<Name> = field.names().map(|n| n.to_owned().into()).collect();
            self.now = derive(self.now.clone(), &names, value);
            self.moved.push(at.path_text());
        }
        Ok(())
    }

    /// The value that a field gets, if it gets one: because what it should hold is another one than before, or it was given one
    /// before. `given`: it was assigned with the struct that it is in.
    fn follow(
        &mut self,
        field: &Node,
        given: bool,
        before: Option<Scalar>,
        after: Option<Scalar>,
    ) -> Option<Scalar> {
        let is = field.actual().unwrap_or(Scalar::Null);
        let mut right = after?;
        let pinned = given || !matches!(field.state(), None | Some(Edit::Derived(_)));
        if before.as_ref() == Some(&right) && !pinned {
            field.edit.as_ref()?;
            right = field.unedited().actual()?;
        }
        if is == right {
            return None;
        }
        if pinned || self.settler.no_fix {
            self.settler.report.notes.push(Note {
                path: field.path_text(),
                offset: field.offset(),
                did: Did::LeftWrong { is, right },
            });
            return None;
        }
        Some(right)
    }

    fn each(
        &mut self,
        list: &Path,
        with: &Path,
        by: &Match,
        fields: &[(Path, Rule)],
    ) -> Result<(), Reject> {
        let (Some(was), Some(now)) = (
            Lists::of(&self.was, list, with),
            Lists::of(&self.read, list, with),
        ) else {
            return Ok(());
        };
        let partners = was.partners(&self.was, by);
        let origins = now.origins();
        let mut edits: Vec<(u64, Vec<Name>, Scalar)> = Vec::new();
        for (i, item) in now.list.items().enumerate() {
            let old = origins.list[i];
            let partner = match old {
                Origin::Kept(k) => partners.get(k as usize).copied().flatten(),
                Origin::Again(_) | Origin::New(_) => match origins.new_with.get(&origins.nths[i]) {
                    Some((place, is_new)) => {
                        let partner = (&now, *place, *is_new);
                        self.speak((&item, i), Before::Nothing, partner, fields, &mut edits)?;
                        continue;
                    }
                    None => old
                        .copied()
                        .and_then(|k| partners.get(k as usize).copied().flatten()),
                },
            };
            let Some(k) = partner else {
                continue;
            };
            match origins.place_of.get(&k) {
                Some(place) => {
                    let partner = now.with.item(*place);
                    let is_new = partner.is_some_and(|p| is_replaced(&p));
                    // an item that was assigned as a whole, and its partner was not, says what it says
                    let is_given = is_replaced(&item) && !is_new;
                    let before = matches!(old, Origin::Kept(_)) && !is_new;
                    let before = before.then(|| was.with.item(k)).flatten();
                    self.speak(
                        (&item, i),
                        if is_given {
                            Before::Given
                        } else {
                            before.map_or(Before::Nothing, Before::Said)
                        },
                        (&now, *place, false),
                        fields,
                        &mut edits,
                    )?;
                }
                None if self.settler.no_fix => {}
                None if fields.iter().all(|(field, _)| is_assigned(&item, field)) => {}
                None => {
                    return Err(Reject::Structure {
                        path: format!("{}[{i}]", now.list.path_text()),
                        why: format!(
                            "speaks of {}[{k}], which was removed: remove this item too, or assign its fields {}",
                            now.with.path_text(),
                            names_of(&item, fields)
                        ),
                    });
                }
            }
        }
        if edits.is_empty() {
            return Ok(());
        }
        let names: Vec<Name> = list.names().map(|n| n.to_owned().into()).collect();
        self.now = change(self.now.clone(), &names, &mut |mut list| {
            for (i, field, value) in &edits {
                if let Some(item) = list.take_item(*i) {
                    list.put_item(*i, derive(item, field, value.clone()));
                }
            }
            list
        });
        Ok(())
    }

    /// Let the derived fields of an item say what follows from its partner.
    fn speak(
        &mut self,
        (item, i): (&Node, usize),
        before: Before,
        (lists, place, is_new): (&Lists, u64, bool),
        fields: &[(Path, Rule)],
        edits: &mut Vec<(u64, Vec<Name>, Scalar)>,
    ) -> Result<(), Reject> {
        let start = counted_from(&self.was);
        let Some(partner) = lists.with.item(place) else {
            return Ok(());
        };
        let partner = self.settler.with_derived(partner)?;
        let own = match partner.edit {
            Some(_) => self.settler.quietly(|s| s.own_splices(&partner))?,
            None => Vec::new(),
        };
        let base = self.begins(&partner, (lists, place, is_new), &own);
        let base = base.map(|at| at - start);
        for (field, rule) in fields {
            let Some(at) = item.walk(field) else {
                continue;
            };
            let held = at.unedited().actual();
            let was = match &before {
                // what did not change says what it said
                Before::Said(_)
                    if partner.edit.is_none() && at.edit.is_none() && !is_place(rule) =>
                {
                    continue;
                }
                Before::Said(partner) => {
                    let at = partner.span().start as i64 - start;
                    let facts = Facts::decoded(partner, self.settler).based(Some(at));
                    { facts }.right(rule, held.as_ref())?
                }
                Before::Nothing | Before::Given => None,
            };
            let facts = Facts::new(&partner, &own, self.settler).based(base);
            let right = { facts }.right(rule, held.as_ref())?;
            let given = matches!(before, Before::Given);
            if let Some(value) = self.follow(&at, given, was, right) {
                let names = field.names().map(|n| n.to_owned().into()).collect();
                edits.push((i as u64, names, value));
                self.moved.push(at.path_text());
            }
        }
        Ok(())
    }

    /// Where an item of a list begins now.
    fn begins(
        &self,
        item: &Node,
        (lists, place, is_new): (&Lists, u64, bool),
        own: &[super::Splice],
    ) -> Option<i64> {
        let list = lists.with.green();
        if !list.space.same(&self.was.green().space) {
            return None;
        }
        let Kind::Array(seq) = &list.kind else {
            return None;
        };
        let seat = Seat {
            items: seq.name().into(),
            list: list.span,
            level: lists.with.path().len(),
            item: place,
        };
        if let Some(at) = self.places.seat(&seat) {
            return Some(at as i64);
        }
        if is_new {
            return None;
        }
        let at = item.span().start;
        let inserted = |s: &&super::Splice| s.span.start == at && s.span.len == 0;
        let first: i64 = own.iter().filter(inserted).map(super::Splice::growth).sum();
        Some(at as i64 + self.places.shift(at) - first)
    }
}

/// What an item of a list said before.
enum Before {
    /// What follows from that partner.
    Said(Node),
    /// It is new.
    Nothing,
    /// It was assigned as a whole, and its partner was not: it says what was assigned.
    Given,
}

/// The two lists of a relation.
struct Lists {
    list: Node,
    with: Node,
}

/// Where an item comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// It was at that index.
    Kept(u64),
    /// It is one more of that index.
    Again(u64),
    /// It comes from elsewhere, perhaps as a copy of the one at that index.
    New(Option<u64>),
}

impl Origin {
    /// What it is a copy of.
    fn copied(self) -> Option<u64> {
        match self {
            Self::Kept(k) | Self::Again(k) => Some(k),
            Self::New(k) => k,
        }
    }
}

/// Where the items of two edited lists come from.
struct Origins {
    list: Vec<Origin>,
    /// For each new item: how many new ones are before it.
    nths: Vec<usize>,
    /// Where the partners are now that were at an index.
    place_of: HashMap<u64, u64>,
    /// Where the new partners are, and whether they come from elsewhere.
    new_with: HashMap<usize, (u64, bool)>,
}

impl Lists {
    fn of(node: &Node, list: &Path, with: &Path) -> Option<Self> {
        let (list, with) = (node.walk(list)?, node.walk(with)?);
        let both = [&list, &with].iter().all(|l| l.kind() == NodeKind::Array);
        both.then_some(Self { list, with })
    }

    /// For each item as it was decoded: the index of its partner.
    fn partners(&self, root: &Node, by: &Match) -> Vec<Option<u64>> {
        let start = counted_from(root);
        let index = |key: &dyn Fn(&Node) -> Option<Scalar>| {
            let mut index = HashMap::new();
            for (k, partner) in (0..).zip(self.with.items()) {
                if let Some(key) = key(&partner).as_ref().and_then(Equal::of) {
                    // the first of equals
                    index.entry(key).or_insert(k);
                }
            }
            index
        };
        let find = |index: &HashMap<Equal, u64>, key: Option<Scalar>| {
            index.get(&Equal::of(key.as_ref()?)?).copied()
        };
        match by {
            Match::Index => {
                let most = self.with.len();
                (0..self.list.len())
                    .map(|i| (i < most).then_some(i))
                    .collect()
            }
            Match::Place(_) | Match::At(_) => {
                let place =
                    |p: &Node| Some(Scalar::Int(((p.span().start as i64 - start) / 8).into()));
                let index = index(&place);
                let key = |item: Node| match by {
                    Match::Place(field) => item.walk(field)?.actual(),
                    Match::At(place) => place(&item),
                    _ => None,
                };
                self.list
                    .items()
                    .map(|item| find(&index, key(item)))
                    .collect()
            }
            Match::Key(field, other) => {
                let index = index(&|p| p.walk(other)?.actual());
                let key = |item: Node| item.walk(field)?.actual();
                self.list
                    .items()
                    .map(|item| find(&index, key(item)))
                    .collect()
            }
        }
    }

    fn origins(&self) -> Origins {
        let list = origins(&self.list);
        let mut nths = Vec::with_capacity(list.len());
        let mut new = 0;
        for origin in &list {
            nths.push(new);
            new += usize::from(!matches!(origin, Origin::Kept(_)));
        }
        let (mut place_of, mut new_with) = (HashMap::new(), HashMap::new());
        for (place, origin) in (0..).zip(origins(&self.with)) {
            match origin {
                Origin::Kept(k) => {
                    place_of.insert(k, place);
                }
                Origin::Again(_) | Origin::New(_) => {
                    let is_new = matches!(origin, Origin::New(_));
                    new_with.insert(new_with.len(), (place, is_new));
                }
            }
        }
        Origins {
            list,
            nths,
            place_of,
            new_with,
        }
    }
}

/// What two values have in common that are equal.
#[derive(PartialEq, Eq, Hash)]
enum Equal {
    Int(i128),
    Bytes(Vec<u8>),
}

impl Equal {
    fn of(value: &Scalar) -> Option<Self> {
        match value.as_int() {
            Some(n) => Some(Self::Int(n)),
            None => Some(Self::Bytes(value.as_bytes()?.to_vec())),
        }
    }
}

/// Where the items of an edited list come from.
fn origins(list: &Node) -> Vec<Origin> {
    let content = list.content();
    match content.state() {
        Some(Edit::Items(items)) => {
            let place = content.unedited();
            let mut seen = HashSet::new();
            let origin = |item: &Item| match item {
                Item::Kept(k, _) if seen.insert(*k) => Origin::Kept(*k),
                Item::Kept(k, _) => Origin::Again(*k),
                Item::New(node) => Origin::New(node.place_in(&place)),
            };
            items.iter().map(origin).collect()
        }
        _ => (0..content.len()).map(Origin::Kept).collect(),
    }
}

/// From where the places in the relations of a struct are counted, in bits from the start of its space.
fn counted_from(node: &Node) -> i64 {
    let origin = match &node.green().kind {
        Kind::Struct(shape) => shape.traits().origin,
        _ => 0,
    };
    (node.green().span.start as i64).wrapping_add(origin.wrapping_mul(8))
}

/// Whether another node stands for that item: then it says nothing yet of its partner, or the partner is another one.
fn is_replaced(item: &Node) -> bool {
    matches!(item.edit.as_deref(), Some(Edit::Replaced(_)))
}

/// Whether a rule speaks of where something lies.
fn is_place(rule: &Rule) -> bool {
    match rule {
        Rule::Offset { .. } => true,
        Rule::Unless { rule, .. } => is_place(rule),
        _ => false,
    }
}

fn is_assigned(item: &Node, field: &Path) -> bool {
    let field = item.walk(field);
    field.is_none_or(|f| !matches!(f.state(), None | Some(Edit::Derived(_))))
}

/// The names of those fields that an item has.
fn names_of(item: &Node, fields: &[(Path, Rule)]) -> String {
    let there = fields
        .iter()
        .filter(|(field, _)| item.walk(field).is_some());
    let names = there.map(|(field, _)| field.names().collect::<Vec<_>>().join("."));
    names.collect::<Vec<_>>().join(", ")
}

/// The same node, with a value that follows at the end of a way.
fn derive(node: Node, way: &[Name], value: Scalar) -> Node {
    let Some((last, way)) = way.split_last() else {
        return node;
    };
    change(node, way, &mut |mut parent| {
        parent.derive_field(last, value.clone());
        parent
    })
}

/// The same node, with what lies at the end of a way changed.
fn change(mut node: Node, way: &[Name], to: &mut dyn FnMut(Node) -> Node) -> Node {
    let Some((name, rest)) = way.split_first() else {
        return to(node);
    };
    if let Some(field) = node.take_field(name) {
        node.put_field(change(field, rest, to));
    }
    node
}

impl Node {
    /// Let a field hold what follows.
    pub(super) fn derive_field(&mut self, name: &str, value: Scalar) {
        if let Some(mut field) = self.take_field(name) {
            if matches!(field.green().kind, Kind::Leaf(_)) {
                field.edit = Some(Arc::new(Edit::Derived(value)));
            }
            self.put_field(field);
        }
    }

    /// What a field should hold by a relation that a struct further up declares, as everything was decoded.
    pub(super) fn related(&self) -> Option<Scalar> {
        let mut way: Vec<Key> = Vec::new();
        let mut at = self.unedited();
        loop {
            way.insert(0, at.key()?.clone());
            at = at.parent()?;
            let Kind::Struct(shape) = &at.green().kind else {
                continue;
            };
            let held = self.unedited().actual();
            let found = shape.relations().iter();
            let found = { found }.find_map(|r| said(&at, r, &way, held.as_ref()));
            if found.is_some() {
                return found;
            }
        }
    }
}

/// What a relation says about the field at the end of a way.
fn said(root: &Node, relation: &Relation, way: &[Key], held: Option<&Scalar>) -> Option<Scalar> {
    let leads = |way: &[Key], path: &Path| {
        let names = path.names().map(Some);
        let keys = way.iter().map(|key| match key {
            Key::Name(name) => Some(&**name),
            Key::Index(_) => None,
        });
        names.eq(keys)
    };
    let mut settler = Settler::default();
    match relation {
        Relation::One { field, rule } => {
            let is = leads(way, field);
            let base = Some(root.span().start as i64 - counted_from(root));
            let facts = Facts::decoded(root, &mut settler).based(base);
            is.then(|| { facts }.right(rule, held).ok())??
        }
        Relation::Each {
            list,
            with,
            by,
            fields,
        } => {
            let steps = list.names().count();
            let (head, Some((Key::Index(i), tail))) =
                (way.get(..steps)?, way[steps..].split_first())
            else {
                return None;
            };
            let mut rules = fields.iter().filter(|(field, _)| leads(tail, field));
            if !leads(head, list) {
                return None;
            }
            let lists = Lists::of(root, list, with)?;
            let partner = lists.partners(root, by).get(*i as usize).copied()??;
            let partner = lists.with.item(partner)?;
            let base = partner.span().start as i64 - counted_from(root);
            rules.find_map(|(_, rule)| {
                let facts = Facts::decoded(&partner, &mut settler).based(Some(base));
                { facts }.right(rule, held).ok()?
            })
        }
    }
}
