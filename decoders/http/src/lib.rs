//! HTTP for binq: formats `http1` and `http2`.
//!
//! * `exchange`: what both versions give to formats above them: a request with its response.
//! * `http1`: messages, chunks, and what follows from a change of them. `lines`: header fields as lines.
//! * `http2`: frames, header blocks, streams.
//! * `coding`: content codings. `functions` and `export.jq`: what leaves the capture as HAR.
#![forbid(unsafe_code)]

pub mod coding;
pub mod exchange;
mod functions;
mod http1;
pub mod http2;
pub mod lines;
pub mod text;

pub use http1::Http1;
pub use http2::Http2;
