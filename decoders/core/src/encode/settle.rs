//! From edits to splices, bottom up.

use super::derive::Derive;
use super::splice::{Changes, Splice, agree};
use super::{Did, EncodeOptions, Note, Report};
use crate::edit::{Edit, Item};
use crate::frame::Growth;
use crate::green::{Green, Kind, Ref};
use crate::layer::Patching;
use crate::node::Node;
use crate::sequence::{Arrange, Old, Placed, Sequence, State};
use crate::shape::Shape;
use crate::{Name, Reject, Scalar, Space, Span};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// By how many bits a field grew.
#[derive(Clone, Copy, Default)]
pub(super) struct Grown {
    /// In the space where it shows its value.
    pub shown: i64,
    /// In the space of its struct.
    pub stored: i64,
    /// What of that is inserted where it begins.
    pub first: i64,
}

#[derive(Default)]
pub(super) struct Settler {
    pub no_fix: bool,
    pub report: Report,
}

/// Carry the changes of all spaces above `to` down to it, but for those of joint layers, unless it is the `last` time.
pub(super) fn lower(
    mut changes: Changes,
    to: &Space,
    fix: bool,
    last: bool,
    report: &mut Report,
) -> Result<Changes, Reject> {
    let waits = |space: &Space| !last && space.under().is_some_and(|(_, layer)| layer.joint());
    // the deepest first: what a space gives to the one under it is there before that one's turn
    let mut turns: BTreeMap<u32, Vec<Space>> = BTreeMap::new();
    for space in changes.spaces() {
        if !waits(space) && space.is_above(to) {
            turns.entry(space.depth()).or_default().push(space.clone());
        }
    }
    while let Some((_, spaces)) = turns.pop_last() {
        for space in spaces {
            let splices = changes.take(&space);
            let Some((under, layer)) = space.under().filter(|_| !splices.is_empty()) else {
                continue;
            };
            let mut cx = Patching {
                fix,
                report,
                pins: changes.take_pins(&space),
            };
            let mut lowered = layer.patch(under, splices, &mut cx)?;
            lowered.iter_mut().for_each(|splice| splice.lowered = true);
            let pins = cx.pins.iter().flat_map(|pin| layer.origins(*pin));
            pins.for_each(|pin| changes.pin(under, pin));
            let list = changes.list(under);
            let first = list.is_empty() && !lowered.is_empty();
            list.extend(lowered);
            if first && !waits(under) && under.is_above(to) {
                turns.entry(under.depth()).or_default().push(under.clone());
            }
        }
    }
    changes.compact();
    Ok(changes)
}

impl Settler {
    pub fn new(options: &EncodeOptions) -> Self {
        Self {
            no_fix: options.no_fix,
            report: Report::default(),
        }
    }

    /// Do something that is done again, and told then.
    pub fn quietly<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let told = self.report.notes.len();
        let out = what(self);
        self.report.notes.truncate(told);
        out
    }

    /// What changes in the space of a node, in it.
    pub fn own_splices(&mut self, node: &Node) -> Result<Vec<Splice>, Reject> {
        let space = &node.green().space;
        Ok(self.lowered(node, space)?.take(space))
    }

    /// By how much a node grew, seen from a space under its own.
    pub fn grown(&mut self, node: &Node, under: &Space) -> Result<Grown, Reject> {
        self.quietly(|settler| {
            let green = node.green();
            let own = settler.lowered(node, &green.space)?;
            let shown = own.growth(&green.space);
            let own = lower(own, under, !settler.no_fix, false, &mut settler.report)?;
            Ok(Grown {
                shown,
                ..grown_in(green, under, &own)
            })
        })
    }

    /// The same node, with the values that its derived fields have then.
    pub fn with_derived(&mut self, mut node: Node) -> Result<Node, Reject> {
        let content = node.content().clone();
        if let (Some(Edit::Fields(fields)), Kind::Struct(shape)) =
            (content.state(), &content.green().kind)
        {
            if !shape.relations().is_empty() {
                let settled = self.quietly(|s| s.relate(&content, &**shape))?;
                return Ok(settled.1);
            }
            let settled = self.quietly(|s| s.settle_fields(&content, &**shape, fields))?;
            for (name, value) in settled.1 {
                node.derive_field(&name, value);
            }
        }
        Ok(node)
    }

    fn lowered(&mut self, node: &Node, to: &Space) -> Result<Changes, Reject> {
        let changes = self.settle(node)?;
        lower(changes, to, !self.no_fix, false, &mut self.report)
    }

    pub fn settle(&mut self, node: &Node) -> Result<Changes, Reject> {
        let mut changes = Changes::default();
        let green = node.green();
        match (node.state(), &green.kind) {
            (None, _) => {}
            (Some(Edit::Replaced(other)), _) => {
                let new = other.bytes()?;
                if new != node.green().space.bits(green.span).bytes() {
                    let mut splice = Splice::new(green.span, new, &node.path_text());
                    splice.assigned = true;
                    changes.push(&green.space, splice);
                }
            }
            (Some(Edit::Scalar(value)), Kind::Leaf(codec)) => {
                let old = green.space.bits(green.span);
                let new = codec
                    .encode(value, &old)
                    .map_err(|e| crate::assign::misfit(node, e))?;
                if new != old {
                    let splice = Splice {
                        new,
                        assigned: true,
                        spares: codec
                            .spares()
                            .map(|s| Span::bits(green.span.start + s.start, s.len)),
                        ..Splice::new(green.span, Vec::new(), &node.path_text())
                    };
                    changes.push_leaf(&green.space, splice, &**codec, &old);
                } else {
                    changes.pin(&green.space, codec.keeps(green.span));
                }
            }
            (Some(Edit::Derived(value)), Kind::Leaf(codec)) => {
                let old = green.space.bits(green.span);
                let new = codec
                    .encode(value, &old)
                    .map_err(|e| crate::assign::misfit(node, e))?;
                if new != old {
                    let path = node.path_text();
                    let did = Did::Recomputed {
                        from: codec.decode(&old).unwrap_or(Scalar::Null),
                        to: value.clone(),
                    };
                    let splice = Splice {
                        new,
                        ..Splice::new(green.span, Vec::new(), &path)
                    };
                    changes.push_leaf(&green.space, splice, &**codec, &old);
                    self.note(path, node.offset(), did);
                }
            }
            (Some(Edit::Fields(fields)), Kind::Struct(shape)) => {
                return match shape.relations().is_empty() {
                    true => Ok(self.settle_fields(node, &**shape, fields)?.0),
                    false => Ok(self.relate(node, &**shape)?.0),
                };
            }
            (Some(Edit::Sparse(map)), Kind::Array(seq)) => {
                return self.settle_sparse(node, &**seq, map);
            }
            (Some(Edit::Items(items)), Kind::Array(seq)) => {
                return self.settle_items(node, &**seq, items);
            }
            // assignment makes only edits that fit the kind of their node
            (Some(_), _) => {}
        }
        Ok(changes)
    }

    /// Settle a struct, but for the relations that it declares. Gives what changes, and the derived fields that have other values.
    pub fn settle_fields(
        &mut self,
        node: &Node,
        shape: &dyn Shape,
        fields: &BTreeMap<Name, Arc<Edit>>,
    ) -> Result<(Changes, Vec<(Name, Scalar)>), Reject> {
        let green = node.green();
        let mut changes = Changes::default();
        let mut grown: BTreeMap<Name, Grown> = BTreeMap::new();
        let mut earlier = HashMap::new();
        let path = node.path_text();
        if let Some(why) = shape.locked() {
            return Err(Reject::Structure {
                path,
                why: why.to_owned(),
            });
        }
        let mut frames = Growth::new(&green.space, &path, !self.no_fix);
        for (name, child) in in_order(node, fields) {
            // what its rule says now is found out below
            if child.red.rule.is_some() && matches!(child.state(), Some(Edit::Derived(_))) {
                continue;
            }
            let own = self.lowered(&child, &child.green().space)?;
            if !own.is_empty()
                && !self.no_fix
                && let Some(what) = shape.beyond(&name, &child)
            {
                self.note(child.path_text(), child.offset(), Did::Warning(what));
            }
            let shown = own.growth(&child.green().space);
            let mut own = lower(own, &green.space, !self.no_fix, false, &mut self.report)?;
            if shape.traits().has_aliases {
                own.drop_same(&green.space, &mut earlier)?;
            }
            let growth = own.growth(&green.space);
            let stored = Grown {
                shown,
                ..grown_in(child.green(), &green.space, &own)
            };
            grown.insert(name.clone(), stored);
            changes.extend(own);
            let frame = child.green().frame.as_deref();
            let own = changes.of(&green.space).len();
            frames.node(frame, growth, &mut changes, &mut self.report)?;
            if shape.traits().has_aliases {
                let new = &changes.of(&green.space)[own..];
                new.iter()
                    .for_each(|s| _ = earlier.entry(s.span).or_insert_with(|| s.clone()));
            }
        }
        for (name, edit) in fields {
            self.come_and_go(green, shape, name, edit, &mut frames, &mut changes)?;
        }
        frames.finish(&mut changes, &mut self.report)?;
        changes.join_spared(&green.space);
        let derive = Derive {
            node,
            shape,
            fields,
            grown,
            changes: &mut changes,
        };
        let values = derive.settle(self)?;
        Ok((changes, values))
    }

    /// Add or remove a field.
    fn come_and_go(
        &mut self,
        green: &Green,
        shape: &dyn Shape,
        name: &str,
        edit: &Edit,
        frames: &mut Growth<'_>,
        changes: &mut Changes,
    ) -> Result<(), Reject> {
        let new = match edit {
            Edit::Removed => None,
            Edit::Added(added) => {
                let mut donor = (*added.donor).clone();
                let whole = donor.bytes()?;
                if let Some(mut child) = donor.field(name) {
                    child.edit = added.edit.clone();
                    donor.put_field(child);
                }
                let new = donor.bytes()?;
                if !added.always && new == whole {
                    return Ok(());
                }
                Some(new)
            }
            _ => return Ok(()),
        };
        let Some(room) = green.room(shape, name) else {
            return Ok(());
        };
        let mut new = new;
        for (span, inside) in room.cut {
            let bytes = new.take().unwrap_or_default();
            frames.inside(inside.as_ref(), bytes.len() as i64 * 8 - span.len as i64);
            self.structural(span, bytes, frames, changes);
        }
        if let Some(bytes) = new {
            frames.inside(room.inside.as_ref(), bytes.len() as i64 * 8);
            self.structural(Span::bits(room.at, 0), bytes, frames, changes);
        }
        Ok(())
    }

    fn structural(&self, span: Span, new: Bytes, frames: &Growth<'_>, changes: &mut Changes) {
        let mut splice = Splice::new(span, new, frames.path);
        splice.assigned = true;
        changes.push(frames.space, splice);
    }

    fn note(&mut self, path: String, offset: u64, did: Did) {
        self.report.notes.push(Note { path, offset, did });
    }

    fn settle_sparse(
        &mut self,
        node: &Node,
        seq: &dyn Sequence,
        map: &BTreeMap<u64, Arc<Edit>>,
    ) -> Result<Changes, Reject> {
        let green = node.green();
        let mut changes = Changes::default();
        let path = node.path_text();
        let mut frames = Growth::new(&green.space, &path, !self.no_fix);
        let edited = map.keys();
        if seq.follows_place() && map.values().any(|e| matches!(**e, Edit::Replaced(_))) {
            let items = (0..node.len()).map(|k| Item::Kept(k, map.get(&k).cloned()));
            return self.settle_items(node, seq, &items.collect::<Vec<_>>());
        }
        for &i in edited {
            let Some(child) = node.item(i) else {
                continue;
            };
            let told = self.report.notes.len();
            let own = self.lowered(&child, &green.space)?;
            let growth = own.growth(&green.space);
            if seq.relinks() && (growth != 0 || stands_in(map.get(&i)).is_some()) {
                // this item moves all that follow, or refers to others where it came from; what was done so far stays, and it
                // is told once
                self.report.notes.truncate(told);
                let len = node.len();
                let items = (i..len).map(|k| Item::Kept(k, map.get(&k).cloned()));
                return self.arrange(node, seq, i, items.collect(), changes);
            }
            changes.extend(own);
            let frame = child.green().frame.as_deref();
            frames.node(frame, growth, &mut changes, &mut self.report)?;
        }
        frames.finish(&mut changes, &mut self.report)?;
        Ok(changes)
    }

    fn settle_items(
        &mut self,
        node: &Node,
        seq: &dyn Sequence,
        items: &[Item],
    ) -> Result<Changes, Reject> {
        let green = node.green();
        let mut changes = Changes::default();
        for (i, item) in items.iter().enumerate() {
            let in_place = match item {
                Item::Kept(_, Some(edit)) if comes_anew(seq, edit).is_some() => false,
                Item::Kept(_, edit) if seq.relinks() && stands_in(edit.as_ref()).is_some() => false,
                Item::Kept(was, None) if *was == i as u64 => true,
                Item::Kept(was, Some(_)) if *was == i as u64 => {
                    let told = self.report.notes.len();
                    let child = node.item(i as u64);
                    let own = child.map_or(Ok(Changes::default()), |c| self.settle(&c))?;
                    let own = lower(own, &green.space, !self.no_fix, false, &mut self.report)?;
                    let same_size = own.growth(&green.space) == 0;
                    match same_size {
                        true => changes.extend(own),
                        // it is settled and told once more
                        false => self.report.notes.truncate(told),
                    }
                    same_size
                }
                _ => false,
            };
            if !in_place {
                return self.arrange(node, seq, i as u64, items[i..].to_vec(), changes);
            }
        }
        let at = green.seq_at();
        if green.index().len(seq, &at) > items.len() as u64 {
            return self.arrange(node, seq, items.len() as u64, Vec::new(), changes);
        }
        Ok(changes)
    }

    /// The changes of an item, with what follows from them alone.
    fn alone(
        &self,
        item: &Green,
        splices: Vec<Splice>,
        pins: Vec<Span>,
    ) -> Result<Vec<Splice>, Reject> {
        let Some((under, layer)) = item.space.under() else {
            return Ok(splices);
        };
        if splices.is_empty() || self.no_fix {
            return Ok(splices);
        }
        // it is told where the item moves to
        let mut cx = Patching {
            fix: true,
            report: &mut Report::default(),
            pins,
        };
        match agree(&item.space, splices.clone()) {
            Ok(agreed) => layer.alone(under, item.span, agreed, &mut cx),
            // such as the name and the value of a field that one index tells: how it is laid out elsewhere decides, or refuses it
            Err(_) => Ok(splices),
        }
    }

    /// Lay out the items from number `first` on.
    fn arrange(
        &mut self,
        node: &Node,
        seq: &dyn Sequence,
        first: u64,
        items: Vec<Item>,
        mut changes: Changes,
    ) -> Result<Changes, Reject> {
        let green = node.green();
        let at = green.seq_at();
        let state = green.index().seek(seq, &at, first);
        let state = state.unwrap_or_else(|| State::new(green.span.end()));
        let mut placed = Vec::with_capacity(items.len());
        for item in items {
            let anew = match &item {
                Item::Kept(_, Some(edit)) => comes_anew(seq, edit).map(Item::New),
                _ => None,
            };
            placed.push(match anew.unwrap_or(item) {
                Item::New(new) => Placed {
                    shape: shape_of(&new),
                    pinned: pinned(new.state()),
                    was: None,
                    splices: Vec::new(),
                    moved: Vec::new(),
                    new: Some(new),
                },
                Item::Kept(was, edit) => {
                    let Some(mut child) = node.kept_item(was) else {
                        continue;
                    };
                    child.edit = edit;
                    let stands_in = stands_in(child.edit.as_ref()).cloned();
                    let mut own = self.lowered(&child, &green.space)?;
                    let splices = own.take(&green.space);
                    let moved =
                        self.alone(child.green(), splices.clone(), own.pins(&green.space))?;
                    changes.extend(own);
                    Placed {
                        shape: shape_of(&child),
                        pinned: pinned(stands_in.as_ref().unwrap_or(&child).state()),
                        was: Some(child.green().span),
                        splices,
                        moved,
                        new: stands_in,
                    }
                }
            });
        }
        let before = first
            .checked_sub(1)
            .and_then(|i| node.kept_item(i))
            .map(|item| Old {
                span: item.green().span,
                frame: item.green().frame.as_deref().cloned(),
            });
        let mut arrange = Arrange {
            at,
            seq,
            before,
            first: state,
            number: first,
            level: node.path().len(),
            items: placed,
            path: node.path_text(),
            fix: !self.no_fix,
            report: &mut self.report,
            changes: &mut changes,
        };
        seq.arrange(&mut arrange)?;
        Ok(changes)
    }
}

/// The node that stands for an item, if the sequence must see it where it comes to lie.
fn comes_anew(seq: &dyn Sequence, edit: &Edit) -> Option<Node> {
    match edit {
        Edit::Replaced(new) if seq.follows_place() => Some(new.clone()),
        _ => None,
    }
}

/// The node that was assigned in the place of another.
fn stands_in(edit: Option<&Arc<Edit>>) -> Option<&Node> {
    match edit.map(|edit| &**edit) {
        Some(Edit::Replaced(new)) => Some(new),
        _ => None,
    }
}

fn shape_of(node: &Node) -> Option<Ref<dyn Shape>> {
    match &node.green().kind {
        Kind::Struct(shape) => Some(shape.clone()),
        _ => None,
    }
}

/// The names of the fields that were assigned.
fn pinned(edit: Option<&Edit>) -> Vec<String> {
    match edit {
        Some(Edit::Fields(fields)) => {
            let assigned = fields
                .iter()
                .filter(|(_, edit)| !matches!(***edit, Edit::Derived(_)));
            assigned.map(|(name, _)| name.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

/// By how much a node grew in a space under it, by what changes there.
fn grown_in(green: &Green, under: &Space, own: &Changes) -> Grown {
    let stored = own.growth(under);
    let start = green.stored_in(under).map(|span| span.start);
    let is_first = |s: &&Splice| s.span.len == 0 && Some(s.span.start) == start;
    Grown {
        shown: stored,
        stored,
        first: own
            .of(under)
            .iter()
            .filter(is_first)
            .map(Splice::growth)
            .sum(),
    }
}

/// The fields that were edited in their places, as they lie: of what is inserted in one place, that of the earlier field comes first.
fn in_order(node: &Node, fields: &BTreeMap<Name, Arc<Edit>>) -> Vec<(Name, Node)> {
    let mut out = Vec::with_capacity(fields.len());
    for (name, edit) in fields {
        if matches!(**edit, Edit::Removed | Edit::Hidden | Edit::Added(_)) {
            continue;
        }
        if let Some(child) = node.field_as_it_was(name) {
            out.push((name.clone(), child));
        }
    }
    let key = |(_, child): &(Name, Node)| (child.span().start, child.span().end());
    out.sort_by_key(key);
    let tied = |pair: &[(Name, Node)]| key(&pair[0]) == key(&pair[1]) && pair[0].1.span().len == 0;
    if out.windows(2).any(tied)
        && let Kind::Struct(shape) = &node.green().kind
    {
        let places = node
            .green()
            .every_field(&**shape)
            .into_iter()
            .map(|f| f.name);
        let places: HashMap<Name, usize> = places.zip(0..).collect();
        out.sort_by_key(|field| (key(field), places.get(&field.0).copied()));
    }
    out
}
