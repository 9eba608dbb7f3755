//! What a derived field should hold, by its rule, as everything was decoded.

use super::facts::Facts;
use super::settle::Settler;
use crate::Scalar;
use crate::green::Kind;
use crate::node::{Node, Red};
use crate::rule::Rule;
use std::sync::Arc;

/// What a field should hold by a rule of its struct, as that was decoded; nothing where what the rule reads is not there.
pub(crate) fn right(rule: &Rule, parent: Arc<Red>, held: Option<&Scalar>) -> Option<Scalar> {
    let parent = Node {
        red: parent,
        edit: None,
    };
    let mut settler = Settler::default();
    Facts::decoded(&parent, &mut settler)
        .right(rule, held)
        .ok()?
}

impl Node {
    /// What a derived field should hold, by its rule, in the input as it was decoded; nothing for other fields, and where what
    /// the rule reads is not there.
    #[must_use]
    pub fn right(&self) -> Option<Scalar> {
        match (&self.red.rule, self.red.parent()) {
            (Some(rule), Some(parent)) => right(rule, parent, self.as_decoded().actual().as_ref()),
            _ => self.related(),
        }
    }

    /// Whether the value is computed, not stored.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        matches!(self.green().kind, Kind::Computed(..))
    }

    /// The node as it was decoded, without its edits.
    #[must_use]
    pub fn as_decoded(&self) -> Node {
        Node {
            red: self.red.clone(),
            edit: None,
        }
    }
}
