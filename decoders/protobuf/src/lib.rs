//! Protobuf for binq: format `protobuf`.
//!
//! * [`wire`]: the wire format, and messages without a schema.
//! * [`schema`]: messages of a known type.
#![forbid(unsafe_code)]

mod format;
mod functions;
pub mod schema;
pub mod wire;

pub use format::Protobuf;
