//! What a derived field should hold, by its rule, as everything was decoded.

use crate::Scalar;
use crate::green::Kind;
use crate::node::Node;
use crate::rule::{Of, Rule};

impl Node {
    /// What a derived field should hold, by its rule, in the input as it was decoded; nothing for other fields, and where what
    /// the rule reads is not there.
    #[must_use]
    pub fn right(&self) -> Option<Scalar> {
        let (Some(rule), Some(parent)) = (&self.red.rule, self.red.parent()) else {
            return None;
        };
        let green = &parent.green;
        let Kind::Struct(shape) = &green.kind else {
            return None;
        };
        let field = |name: &str| {
            let found = green.field(&**shape, name)?;
            let parent = Node {
                red: parent.clone(),
                edit: None,
            };
            Some(parent.found(found, None))
        };
        let right = match &**rule {
            Rule::Len { of, bias } => {
                let len = match of {
                    Of::Struct => green.span.len / 8,
                    Of::Field(name) => field(name)?.span().len / 8,
                    Of::Stored(name) => field(name)?.green().stored_len(&green.space) / 8,
                };
                i128::from(len) + i128::from(*bias)
            }
            Rule::Count(of) => i128::from(field(of)?.len()),
            Rule::Copy(of) => field(of)?.actual()?.as_int()?,
            Rule::Sum { .. } => i128::from(super::sum(rule, green)?),
            // some of what it covers is not here
            Rule::Follows { .. } => return None,
        };
        Some(Scalar::Int(right))
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
