//! HTTP/2, HTTP/1.1 and gRPC for binq: formats `http2` and `http1`, a raw byte stream of one direction, or both directions of a
//! connection that a capture holds.
//!
//! * `grpc`: calls, of whichever of the two carries them; gRPC-Web too.
//! * `http1`: messages, chunks, and what follows from a change of them.
//! * `functions` and `export.jq`: what leaves the capture as text: HAR, `grpcurl` commands, a summary.
//! * `hpack`: header compression, RFC 7541, its spelling kept.
//! * `detect`: what proves that a stream is HTTP/2.
//! * `side`: where the frames and the header blocks of one direction are.
//! * `limits`: what a peer allows the other one.
//! * `framing`: what follows from a change: lengths, header tables; `respell`: header blocks that come to another place.
#![forbid(unsafe_code)]

mod detect;
mod exchange;
pub mod frame;
mod frames;
mod framing;
mod functions;
mod grpc;
mod header;
pub mod hpack;
mod http1;
mod limits;
mod lines;
mod malformed;
mod payload;
mod respell;
pub mod side;
mod stream;
mod talk;
mod timing;

pub use http1::Http1;
pub use stream::Http2;

/// A node of these bytes.
fn raw(bytes: Vec<u8>) -> binq_core::Node {
    let space = binq_core::Space::source(bytes);
    let span = space.span();
    let kind = binq_core::Kind::Leaf(binq_core::Ref::Static(&binq_core::codec::Raw::ANY));
    binq_core::Node::root_of("http2", kind, space, span)
}
