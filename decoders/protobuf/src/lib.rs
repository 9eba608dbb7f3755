//! Protobuf for binq: formats `protobuf`, `protobuf_delimited`, `grpc_message`, `confluent_protobuf`.
//!
//! * [`wire`]: the wire format, and messages without a schema.
//! * [`schema`]: messages of a known type.
#![forbid(unsafe_code)]

mod format;
mod framing;
mod functions;
mod guess_type;
pub mod schema;
pub mod text;
pub mod wire;

pub use format::Protobuf;
pub use framing::{Confluent, Delimited, Grpc};
