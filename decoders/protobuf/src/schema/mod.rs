//! Messages of a known type: the same format, `protobuf`, with a schema.
//!
//! A message is an object keyed by field names; bytes that no field takes are `unknown[]`, in order. Nothing of a message is
//! copied or put in order: the object finds its fields in the bytes, and an edit changes these bytes only.

mod absent;
mod build;
pub mod canonical;
mod editions;
mod enums;
mod features;
mod hidden;
pub mod load;
mod map;
mod merge;
mod message_set;
mod other_features;
mod repeated;
pub(crate) mod text;
mod time;
pub mod types;
mod unknown;
mod value;
mod view;
pub mod well_known;

pub use build::{items, message as message_bytes, new_message, pairs, record, scalar};
pub use enums::is_enum;
pub use map::no_bits;
pub use view::{open_root, root};
