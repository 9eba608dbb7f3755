//! The wire format without a schema: format `protobuf`.
//!
//! A message is its records in order, `.fields[]` of `number`, `wire_type` and `value`. A `length` is there too, by its
//! name only: it follows the value, unless it is assigned. A field number as a key, `.["1"]`, stands for the value of that
//! field, or for an array of its values where there is more than one. What a length-delimited value is, [`guess`] says.

pub mod build;
pub mod codec;
pub mod guess;
pub mod record;
pub mod varint;
pub mod view;

use binq_core::{Confidence, Format, Kind, Node, Options, Probe, Space};

/// Any protobuf message.
pub struct Protobuf;

impl Format for Protobuf {
    fn name(&self) -> &'static str {
        view::FORMAT
    }

    fn description(&self) -> &'static str {
        "Protobuf message, with a schema (--proto, --descriptor-set) or without"
    }

    /// A message has no mark: any short text may be one.
    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let span = space.span();
        Node::root_of(self.name(), Kind::fixed(&view::MESSAGE), space, span)
    }
}
