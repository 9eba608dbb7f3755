//! The derived fields of a struct: those that declare the rule they follow themselves.
//!
//! They are settled in the order in which they read each other. Where a new value takes more bytes than the old one, all are
//! settled again, until nothing moves.

use super::facts::Facts;
use super::settle::{Grown, Settler};
use super::splice::{Changes, Splice, patched};
use super::{Did, Note};
use crate::edit::Edit;
use crate::green::{Found, Kind};
use crate::node::Node;
use crate::rule::{Part, Rule};
use crate::shape::Shape;
use crate::{Key, Name, Reject, Scalar, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A varint grows by a byte at a time, and never shrinks again for having grown: so often at most for each field.
const MOST_TURNS: usize = 12;

/// The derived fields of a struct that is being settled.
pub(super) struct Derive<'a> {
    /// The struct, with its edits.
    pub node: &'a Node,
    pub shape: &'a dyn Shape,
    /// The edits of its fields.
    pub fields: &'a BTreeMap<Name, Arc<Edit>>,
    /// By how much its edited fields grew.
    pub grown: BTreeMap<Name, Grown>,
    pub changes: &'a mut Changes,
}

/// A derived field, and what became of it.
struct Derived {
    found: Found,
    /// Its place among the splices of the space, if it has one.
    splice: Option<usize>,
    value: Option<Scalar>,
    note: Option<Note>,
}

impl Derive<'_> {
    /// Settle them; gives those that have other values now.
    pub fn settle(mut self, settler: &mut Settler) -> Result<Vec<(Name, Scalar)>, Reject> {
        let found = self.node.green().derived(self.shape);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.in_order(found)?;
        let mut all: Vec<Derived> = found
            .into_iter()
            .map(|found| Derived {
                found,
                splice: None,
                value: None,
                note: None,
            })
            .collect();
        // the values so far, for the rules that read them
        let mut now = self.node.clone();
        for _ in 0..MOST_TURNS {
            let mut moved = false;
            for derived in &mut all {
                moved |= self.derive(derived, &mut now, settler)?;
            }
            if !moved {
                let values = all.iter_mut().filter_map(|d| {
                    let value = d.value.take()?;
                    Some((d.found.name.clone(), value))
                });
                let values = values.collect();
                settler
                    .report
                    .notes
                    .extend(all.into_iter().filter_map(|d| d.note));
                return Ok(values);
            }
        }
        Err(self.circle(&all.iter().map(|d| &d.found.name).collect::<Vec<_>>()))
    }

    fn circle(&self, names: &[&Name]) -> Reject {
        let names: Vec<&str> = names.iter().map(|name| &***name).collect();
        Reject::Structure {
            path: self.node.path_text(),
            why: format!(
                "each of its fields {} follows from another one of them",
                names.join(", ")
            ),
        }
    }

    /// Whether a field was assigned.
    fn is_pinned(&self, field: &Found) -> bool {
        let edit = self.fields.get(&field.name).map(|edit| &**edit);
        edit.is_some_and(|edit| !matches!(edit, Edit::Derived(_)))
    }

    /// Whatever reads another field comes after it.
    fn in_order(&self, mut left: Vec<Found>) -> Result<Vec<Found>, Reject> {
        // sizes first, as they are read most
        left.sort_by_key(|f| f.rule.as_deref().is_some_and(is_late));
        let mut out = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let mut reads = Vec::with_capacity(left.len());
            for field in &left {
                reads.push(self.reads(field));
            }
            let waits = |i: &usize| {
                let others = left.iter().enumerate().filter(|(k, _)| k != i);
                let mut others = others.map(|(_, other)| other);
                !self.is_pinned(&left[*i]) && others.any(|other| reads[*i].covers(other))
            };
            let Some(next) = (0..left.len()).find(|i| !waits(i)) else {
                return Err(self.circle(&left.iter().map(|f| &f.name).collect::<Vec<_>>()));
            };
            out.push(left.remove(next));
        }
        Ok(out)
    }

    /// What the values are that a field follows from. Sizes do not count: where a value changes one, all is settled again.
    fn reads(&self, field: &Found) -> Reads {
        self.read_by(field.rule.as_deref())
    }

    fn read_by(&self, rule: Option<&Rule>) -> Reads {
        let green = self.node.green();
        match rule {
            Some(Rule::Unless { rule, .. }) => self.read_by(Some(rule)),
            Some(Rule::Copy(of)) => Reads {
                names: of
                    .names()
                    .next()
                    .map(|name| name.to_owned())
                    .into_iter()
                    .collect(),
                ..Reads::default()
            },
            Some(Rule::Sum { over, .. } | Rule::Follows { over, .. }) => {
                let whole = || {
                    let node = self.node.unedited();
                    let mut settler = Settler::default();
                    Facts::decoded(&node, &mut settler).spans(over)
                };
                let shown = over.iter().filter_map(|part| match part {
                    Part::Shown(path) => path.names().next().map(str::to_owned),
                    Part::Between(..) => None,
                });
                Reads {
                    spans: whole().ok().flatten().unwrap_or_else(|| vec![green.span]),
                    names: shown.collect(),
                    all: false,
                }
            }
            Some(Rule::Custom(_)) => Reads {
                all: true,
                ..Reads::default()
            },
            _ => Reads::default(),
        }
    }

    /// Settle one field; whether it takes another number of bits than before.
    fn derive(
        &mut self,
        derived: &mut Derived,
        now: &mut Node,
        settler: &mut Settler,
    ) -> Result<bool, Reject> {
        let green = self.node.green().clone();
        let field = &derived.found;
        let (Some(rule), Kind::Leaf(codec)) = (field.rule.as_deref(), &field.green.kind) else {
            return Ok(false);
        };
        let pinned = self.is_pinned(field);
        let decoded = self.node.unedited();
        let splices = self.changes.of(&green.space);
        if !pinned && !Facts::decoded(&decoded, settler).is_touched(rule, splices)? {
            return Ok(false);
        }
        let mut path = self.node.path();
        path.push(Key::Name(field.name.clone()));
        let path = crate::path_text(&path);
        let offset = green.space.offset(field.green.span.first_byte());
        let held = field.green.value(&**codec).ok();
        let (was, right) = match rule {
            Rule::Follows { follow, .. } => {
                let number = held.as_ref().and_then(Scalar::as_int);
                let number = number.and_then(|was| u64::try_from(was).ok()).unwrap_or(0);
                let old = patched(&green.space, green.span, &[]);
                match follow(number, &old, &patched(&green.space, green.span, splices)) {
                    Ok(right) => (held.clone(), Some(Scalar::Int(right.into()))),
                    Err(_) if pinned => return Ok(false),
                    Err(why) => {
                        let did = Did::Warning(why);
                        derived.note = Some(Note { path, offset, did });
                        return Ok(false);
                    }
                }
            }
            _ => {
                let was = Facts::decoded(&decoded, settler).right(rule, held.as_ref())?;
                let facts = Facts::new(now, splices, settler).knowing(&self.grown);
                (was, { facts }.right(rule, held.as_ref())?)
            }
        };
        let Some(right) = right.filter(|right| pinned || Some(right) != was.as_ref()) else {
            return Ok(false);
        };
        let old = field.green.space.bits(field.green.span);
        let is = match pinned {
            true => self.node.field(&field.name).and_then(|f| f.actual()),
            false => codec.decode(&old).ok(),
        };
        let is = is.unwrap_or(Scalar::Null);
        derived.note = None;
        if pinned || settler.no_fix {
            if is != right {
                let did = Did::LeftWrong { is, right };
                derived.note = Some(Note { path, offset, did });
            }
            return Ok(false);
        }
        if is == right && derived.splice.is_none() {
            return Ok(false);
        }
        let new = codec.encode(&right, &old).map_err(|e| Reject::Misfit {
            path: path.clone(),
            offset,
            expected: e.expected,
            found: e.found,
        })?;
        now.derive_field(&field.name, right.clone());
        derived.value = Some(right.clone());
        if is != right {
            let did = Did::Recomputed {
                from: is,
                to: right,
            };
            derived.note = Some(Note {
                path: path.clone(),
                offset,
                did,
            });
        }
        let splice = Splice {
            new,
            ..Splice::new(derived.found.green.span, Vec::new(), &path)
        };
        let grew = splice.growth();
        let grown = Grown {
            shown: grew,
            stored: grew,
            first: 0,
        };
        self.grown.insert(derived.found.name.clone(), grown);
        let list = self.changes.list(&green.space);
        match derived.splice {
            Some(i) => {
                let moved = list[i].new.len() != splice.new.len();
                list[i] = splice;
                Ok(moved)
            }
            None => {
                let moved = splice.growth() != 0;
                derived.splice = Some(list.len());
                list.push(splice);
                Ok(moved)
            }
        }
    }
}

/// Whether a rule reads values, and so comes after those that give sizes.
fn is_late(rule: &Rule) -> bool {
    match rule {
        Rule::Sum { .. } | Rule::Follows { .. } => true,
        Rule::Unless { rule, .. } => is_late(rule),
        _ => false,
    }
}

/// What the values are that a rule reads.
#[derive(Default)]
struct Reads {
    spans: Vec<Span>,
    names: Vec<String>,
    all: bool,
}

impl Reads {
    fn covers(&self, field: &Found) -> bool {
        let inside = |part: &Span| part.len > 0 && part.touches(field.green.span);
        self.all
            || self.names.iter().any(|name| *name == field.name)
            || self.spans.iter().any(inside)
    }
}
