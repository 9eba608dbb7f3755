//! HTTP/2 and gRPC for binq.
#![forbid(unsafe_code)]

pub mod hpack;
