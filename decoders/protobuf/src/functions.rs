//! Functions that protobuf adds to the query language.

use binq_core::NodeFn;

/// All of them.
pub const ALL: &[NodeFn] = &[];
