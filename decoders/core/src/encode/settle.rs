//! From edits to splices, bottom up.

use super::splice::{Changes, Splice, patched};
use super::{Did, EncodeOptions, Note, Report};
use crate::edit::{Edit, Item};
use crate::frame::Growth;
use crate::green::{Found, Green, Kind};
use crate::layer::Patching;
use crate::node::Node;
use crate::rule::{Of, Part, Rule};
use crate::sequence::{Arrange, Old, Placed, Sequence, State};
use crate::shape::Shape;
use crate::{Key, Name, Reject, Scalar, Space, Span};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// By how many bits a field grew.
#[derive(Clone, Copy)]
struct Grown {
    /// In the space where it shows its value.
    shown: i64,
    /// In the space of its struct.
    stored: i64,
}

pub(super) struct Settler {
    no_fix: bool,
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
            let lowered = layer.patch(under, splices, &mut cx)?;
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
                        span: green.span,
                        new,
                        by: node.path_text().into(),
                        assigned: true,
                        items: None,
                        spares: codec
                            .spares()
                            .map(|s| Span::bits(green.span.start + s.start, s.len)),
                    };
                    changes.push(&green.space, splice);
                } else {
                    changes.pin(&green.space, green.span);
                }
            }
            (Some(Edit::Fields(fields)), Kind::Struct(shape)) => {
                return self.settle_struct(node, &**shape, fields);
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

    fn settle_struct(
        &mut self,
        node: &Node,
        shape: &dyn Shape,
        fields: &BTreeMap<Name, Arc<Edit>>,
    ) -> Result<Changes, Reject> {
        let green = node.green();
        let mut changes = Changes::default();
        let mut grown: BTreeMap<&str, Grown> = BTreeMap::new();
        let mut earlier = HashMap::new();
        let path = node.path_text();
        if let Some(why) = shape.locked() {
            return Err(Reject::Structure {
                path,
                why: why.to_owned(),
            });
        }
        let mut frames = Growth::new(&green.space, &path, !self.no_fix);
        for (name, edit) in fields {
            if matches!(**edit, Edit::Removed | Edit::Hidden | Edit::Added(_)) {
                continue;
            }
            let Some(child) = node.field_as_it_was(name) else {
                continue;
            };
            let own = self.lowered(&child, &child.green().space)?;
            if !own.is_empty()
                && let Some(what) = shape.beyond(name, &child)
            {
                self.note(child.path_text(), child.offset(), Did::Warning(what));
            }
            let shown = own.growth(&child.green().space);
            let mut own = lower(own, &green.space, !self.no_fix, false, &mut self.report)?;
            if shape.has_aliases() {
                own.drop_same(&green.space, &mut earlier)?;
            }
            let growth = own.growth(&green.space);
            let stored = growth;
            grown.insert(name, Grown { shown, stored });
            changes.extend(own);
            let frame = child.green().frame.as_deref();
            let own = changes.of(&green.space).len();
            frames.node(frame, growth, &mut changes, &mut self.report)?;
            if shape.has_aliases() {
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
        let mut derived = green.derived(shape);
        derived.sort_by_key(|f| f.rule.as_deref().map(rank));
        for field in derived {
            let pinned = fields.contains_key(&field.name);
            self.derive(node, shape, field, pinned, &grown, &mut changes)?;
        }
        Ok(changes)
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

    /// Recompute one derived field, if what it covers changed.
    fn derive(
        &mut self,
        node: &Node,
        shape: &dyn Shape,
        field: Found,
        pinned: bool,
        grown: &BTreeMap<&str, Grown>,
        changes: &mut Changes,
    ) -> Result<(), Reject> {
        let green = node.green();
        let (Some(rule), Kind::Leaf(codec)) = (field.rule.as_deref(), &field.green.kind) else {
            return Ok(());
        };
        let (affected, right) = match rule {
            Rule::Len { of, bias } => {
                let (len, growth) = match of {
                    Of::Struct => (green.span.len, changes.growth(&green.space)),
                    Of::Field(name) => {
                        let measured = green.field(shape, name);
                        let len = measured.map_or(0, |f| f.green.span.len);
                        (len, grown.get(name).map_or(0, |g| g.shown))
                    }
                    Of::Stored(name) => {
                        let measured = green.field(shape, name);
                        let len = measured.map_or(0, |f| f.green.stored_len(&green.space));
                        (len, grown.get(name).map_or(0, |g| g.stored))
                    }
                };
                let bytes = len.saturating_add_signed(growth) / 8;
                (growth != 0, i128::from(bytes) + i128::from(*bias))
            }
            Rule::Count(of) => {
                let count = node.field(of).map_or(0, |array| array.len());
                let decoded = green.field(shape, of);
                let was = decoded.map_or(0, |f| node.found(f, None).len());
                (count != was, i128::from(count))
            }
            Rule::Copy(of) => {
                let other = node.field(of).and_then(|f| f.actual()?.as_int());
                (grown.contains_key(of), other.unwrap_or(0))
            }
            Rule::Sum { sum, over } => {
                let spans = parts(green.span, over);
                let splices = changes.of(&green.space);
                let touched = |s: &Splice| spans.iter().any(|p| p.touches(s.span));
                let affected = splices.iter().any(touched);
                if !affected && !pinned {
                    return Ok(());
                }
                (
                    affected,
                    i128::from(sum_of(*sum, &green.space, &spans, splices)),
                )
            }
            Rule::Follows { follow, over } => {
                let spans = parts(green.span, over);
                let splices = changes.of(&green.space);
                let touched = |s: &Splice| spans.iter().any(|p| p.touches(s.span));
                if !splices.iter().any(touched) {
                    return Ok(());
                }
                let was = green.space.bits(field.green.span);
                let was = codec.decode(&was).ok().and_then(|was| was.as_int());
                let was = was.and_then(|was| u64::try_from(was).ok()).unwrap_or(0);
                let old = patched(&green.space, green.span, &[]);
                match follow(was, &old, &patched(&green.space, green.span, splices)) {
                    Ok(right) => (true, i128::from(right)),
                    Err(_) if pinned => return Ok(()),
                    Err(why) => {
                        let mut path = node.path();
                        path.push(Key::Name(field.name));
                        let offset = green.space.offset(field.green.span.first_byte());
                        self.note(crate::path_text(&path), offset, Did::Warning(why));
                        return Ok(());
                    }
                }
            }
        };
        if !affected && !pinned {
            return Ok(());
        }
        let right = Scalar::Int(right);
        let old_bits = field.green.space.bits(field.green.span);
        let old = codec.decode(&old_bits).unwrap_or(Scalar::Null);
        let is = if pinned {
            let child = node.field(&field.name);
            child.and_then(|c| c.actual()).unwrap_or(Scalar::Null)
        } else {
            old
        };
        if is == right {
            return Ok(());
        }
        let mut path = node.path();
        path.push(Key::Name(field.name));
        let path = crate::path_text(&path);
        let offset = green.space.offset(field.green.span.first_byte());
        if pinned || self.no_fix {
            self.note(path, offset, Did::LeftWrong { is, right });
            return Ok(());
        }
        let new = codec
            .encode(&right, &old_bits)
            .map_err(|e| Reject::Misfit {
                path: path.clone(),
                offset,
                expected: e.expected,
                found: e.found,
            })?;
        let splice = Splice {
            span: field.green.span,
            new,
            by: path.as_str().into(),
            assigned: false,
            items: None,
            spares: None,
        };
        changes.push(&green.space, splice);
        self.note(
            path,
            offset,
            Did::Recomputed {
                from: is,
                to: right,
            },
        );
        Ok(())
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
            if growth != 0 && seq.relinks() {
                // this item moves all that follow; what was done so far stays, and it is told once
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
                    shape: shape_name(&new),
                    pinned: pinned(new.state()),
                    was: None,
                    splices: Vec::new(),
                    new: Some(new),
                },
                Item::Kept(was, edit) => {
                    let Some(mut child) = node.kept_item(was) else {
                        continue;
                    };
                    child.edit = edit;
                    let mut own = self.lowered(&child, &green.space)?;
                    let splices = own.take(&green.space);
                    changes.extend(own);
                    Placed {
                        shape: shape_name(&child),
                        pinned: pinned(child.state()),
                        was: Some(child.green().span),
                        splices,
                        new: None,
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

fn shape_name(node: &Node) -> &'static str {
    match &node.green().kind {
        Kind::Struct(shape) => shape.name(),
        _ => "",
    }
}

/// The names of the fields that were assigned.
fn pinned(edit: Option<&Edit>) -> Vec<String> {
    match edit {
        Some(Edit::Fields(fields)) => fields.keys().map(|name| name.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Sizes of fields first, then the size of the struct, then checksums.
fn rank(rule: &Rule) -> u8 {
    match rule {
        Rule::Count(_) | Rule::Copy(_) => 0,
        Rule::Len {
            of: Of::Field(_) | Of::Stored(_),
            ..
        } => 0,
        Rule::Len { of: Of::Struct, .. } => 1,
        Rule::Sum { .. } | Rule::Follows { .. } => 2,
    }
}

fn parts(span: Span, over: &[Part]) -> Vec<Span> {
    let len = span.len / 8;
    let part = |p: &Part| {
        let to = p.to.unwrap_or(len).min(len);
        let from = p.from.min(to);
        Span::bytes(span.start / 8 + from, to - from)
    };
    over.iter().map(part).collect()
}

fn sum_of(sum: fn(&[&[u8]]) -> u64, space: &Space, parts: &[Span], splices: &[Splice]) -> u64 {
    let bytes: Vec<_> = parts
        .iter()
        .map(|part| patched(space, *part, splices))
        .collect();
    let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    sum(&slices)
}

/// What a checksum of a struct should be, as it was decoded.
pub(crate) fn sum(rule: &Rule, parent: &Green) -> Option<u64> {
    match rule {
        Rule::Sum { sum, over } => {
            Some(sum_of(*sum, &parent.space, &parts(parent.span, over), &[]))
        }
        Rule::Len { .. } | Rule::Count(_) | Rule::Copy(_) | Rule::Follows { .. } => None,
    }
}
