//! Protobuf for binq.
//!
//! * [`wire`]: the wire format without a schema, format `protobuf`.
#![forbid(unsafe_code)]

pub mod wire;
