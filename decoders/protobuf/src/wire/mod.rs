//! The wire format without a schema: format `protobuf`.
//!
//! A message is its records in order, `.fields[]` of `number`, `wire_type` and `value`. A `length` is there too, by its
//! name only: it follows the value, unless it is assigned. A field number as a key, `.["1"]`, stands for the value of that
//! field, or for an array of its values where there is more than one. What a length-delimited value is, [`guess`] says.

pub mod build;
pub mod codec;
pub mod guess;
pub mod record;
pub mod typed;
pub mod varint;
pub mod view;
