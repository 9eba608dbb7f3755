//! Encoding: from a node and its edits back to bytes.
//!
//! Edits become [`Splice`]s, from the leaves up; each struct on the way recomputes the derived fields whose bytes changed;
//! layers carry splices of derived spaces down to the input. Everything else is copied.

mod arrange;
mod derive;
mod facts;
mod output;
mod places;
mod rebuild;
mod relate;
mod right;
mod settle;
mod shown;
mod splice;

pub use arrange::longest_rise;
pub use output::Encoded;
pub use rebuild::{Rebuilt, rebuild};
pub(crate) use right::right;
pub(crate) use shown::right_beside;
pub use splice::{Changes, Seat, Splice, agree, near, patched};

use crate::green::Kind;
use crate::node::Node;
use crate::{Reject, Scalar};
use std::fmt;

/// How to encode.
#[derive(Clone, Copy, Debug, Default)]
pub struct EncodeOptions {
    /// Recompute nothing: write what was assigned, and only that.
    pub no_fix: bool,
}

/// What encoding did beyond what was asked, and what it left.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One note for each field.
    pub notes: Vec<Note>,
}

/// A note about one place.
#[derive(Clone, Debug)]
pub struct Note {
    /// Path of the field.
    pub path: String,
    /// Byte offset of the field in the input.
    pub offset: u64,
    /// What was done.
    pub did: Did,
}

/// What was done with a derived field.
#[derive(Clone, Debug)]
pub enum Did {
    /// It was recomputed.
    Recomputed {
        /// The value before.
        from: Scalar,
        /// The value after.
        to: Scalar,
    },
    /// It was left as it is, though it does not fit.
    LeftWrong {
        /// The value it has.
        is: Scalar,
        /// The value that would fit.
        right: Scalar,
    },
    /// Something else, in words.
    Other(String),
    /// What the edit leaves wrong outside of what is written, in words. It is told whether it was asked for or not.
    Warning(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: ", self.path, self.offset)?;
        match &self.did {
            Did::Recomputed { from, to } => write!(f, "recomputed, {from} became {to}"),
            Did::LeftWrong { is, right } => {
                write!(
                    f,
                    "left wrong on purpose: {is}, where {right} would be right"
                )
            }
            Did::Other(what) | Did::Warning(what) => f.write_str(what),
        }
    }
}

/// Encode a node: its own bytes with its edits, or the whole input for a root.
///
/// # Errors
/// Edits that contradict each other, or that their format cannot carry.
pub fn encode(node: &Node, options: &EncodeOptions) -> Result<Encoded, Reject> {
    if matches!(node.green().kind, Kind::Computed(..)) && !node.is_edited() {
        return Err(Reject::Structure {
            path: node.path_text(),
            why: "is computed, not stored in the file: it has no bytes".to_owned(),
        });
    }
    node.green().space.begin_encoding();
    let mut settler = settle::Settler::new(options);
    let changes = settler.settle(node)?;
    let green = node.green();
    let (mut own, mut span) = (green.space.clone(), green.span);
    // what a joint layer makes right shows in the space under it
    while let Some((under, layer)) = own.under() {
        let origins = layer.origins(span);
        match origins.as_slice() {
            [origin] if layer.joint() && origin.len == span.len => {
                span = *origin;
                own = under.clone();
            }
            _ => break,
        }
    }
    let fix = !options.no_fix;
    if !own.same(&green.space) {
        let mut report = settler.report.clone();
        let below = settle::lower(changes.clone(), &own, fix, true, &mut report)?;
        let reaches_out = |s: &Splice| s.span.touches(span) && !span.contains(s.span);
        if !below.of(&own).iter().any(reaches_out) {
            return Encoded::new(node, (own, span), below, report);
        }
        // a layer wrote what lies around this node anew, and it within: it is shown as it is above that layer
        (own, span) = (green.space.clone(), green.span);
    }
    let changes = settle::lower(changes, &own, fix, true, &mut settler.report)?;
    Encoded::new(node, (own, span), changes, settler.report)
}
