//! What the derived fields of an edited struct show: what they hold once its edits are written.
//!
//! Whoever reads a value gets it from here. What edits and encodes takes fields as they are ([`Node::field`]), or what follows
//! would be taken for what was asked.

use super::facts::Facts;
use super::settle::Settler;
use crate::edit::Edit;
use crate::green::Kind;
use crate::node::{Node, Parent, Red};
use crate::rule::{Relation, Rule};
use crate::{Key, Name, Reject, Scalar};
use std::sync::Arc;

impl Node {
    /// The field of that name of an object, with the values that it has once the edits of the object are written.
    #[must_use]
    pub fn shown(&self, name: &str) -> Option<Node> {
        let node = self.content();
        let field = node.field(name)?;
        if !node.follows(name, &field) {
            return Some(field);
        }
        let settled = node.settled().and_then(|settled| settled.field(name));
        Some(node.beside(name, settled.unwrap_or(field)))
    }

    /// All fields of an object, as [`Self::fields`] gives them, with the values that they have once its edits are written.
    #[must_use]
    pub fn shown_fields(&self) -> Vec<(Name, Node)> {
        let node = self.content();
        let fields = node.fields();
        if !fields.iter().any(|(name, field)| node.follows(name, field)) {
            return fields;
        }
        let settled = node.settled().map(|settled| settled.fields());
        let beside = |(name, field): (Name, Node)| match node.follows(&name, &field) {
            true => (name.clone(), node.beside(&name, field)),
            false => (name, field),
        };
        settled.unwrap_or(fields).into_iter().map(beside).collect()
    }

    /// A field that was taken out of this object to be changed, with the value that it has if nobody changes it. Only what
    /// rules of the object itself say: its relations may read all of a long list, and fields are changed one by one.
    #[must_use]
    pub fn shown_taken(&self, field: Node) -> Node {
        match field.key() {
            Some(Key::Name(name)) if field.edit.is_none() && field.red.rule.is_some() => {
                self.shown(name).unwrap_or(field)
            }
            _ => field,
        }
    }

    /// The node without a value that follows from edits elsewhere: what is put back where it was taken from.
    #[must_use]
    pub fn asked(mut self) -> Node {
        if matches!(self.state(), Some(Edit::Derived(_))) {
            self.edit = None;
        }
        self
    }

    /// Whether edits of other fields may give a field, or something in it, another value.
    fn follows(&self, name: &str, field: &Node) -> bool {
        let (Some(Edit::Fields(edits)), Kind::Struct(shape)) = (self.state(), &self.green().kind)
        else {
            return false;
        };
        // one that was read again shows what is written already
        let own =
            matches!(&field.red.parent, Parent::Node(parent, _) if Arc::ptr_eq(parent, &self.red));
        let names = |relation: &Relation| match relation {
            Relation::One { field: path, .. } | Relation::Each { list: path, .. } => {
                path.names().next() == Some(name)
            }
        };
        let ruled = || field.red.rule.is_some() || shape.relations().iter().any(names);
        own && edits.keys().any(|edited| **edited != *name) && ruled()
    }

    /// The same struct with the values that follow; nothing where its edits cannot be written.
    fn settled(&self) -> Option<Node> {
        let mut settler = Settler::default();
        settler
            .quietly(|settler| settler.with_derived(self.clone()))
            .ok()
    }

    /// A field, which knows the edits around it.
    fn beside(&self, name: &str, field: Node) -> Node {
        if !field.red.rule.as_deref().is_some_and(Rule::is_sum) {
            return field;
        }
        let red = Red {
            green: field.red.green.clone(),
            rule: field.red.rule.clone(),
            parent: Parent::Node(self.red.clone(), Key::Name(name.to_owned().into())),
            donor: field.red.donor.clone(),
            around: Some(Arc::new(self.clone())),
        };
        Node {
            red: Arc::new(red),
            edit: field.edit,
        }
    }
}

/// What a field of an edited struct should hold by a rule of it, with these edits.
pub(crate) fn right_beside(
    rule: &Rule,
    around: &Node,
    name: &str,
    held: Option<&Scalar>,
) -> Result<Option<Scalar>, Reject> {
    let (Some(Edit::Fields(edits)), Kind::Struct(shape)) = (around.state(), &around.green().kind)
    else {
        return Ok(None);
    };
    let mut edits = edits.clone();
    edits.remove(name);
    let mut now = around.clone();
    now.edit = Some(Arc::new(Edit::Fields(edits.clone())));
    let mut settler = Settler::default();
    let (changes, values) = settler.settle_fields(&now, &**shape, &edits)?;
    for (name, value) in values {
        now.derive_field(&name, value);
    }
    let splices = changes.of(&around.green().space);
    Facts::new(&now, splices, &mut settler).right(rule, held)
}
