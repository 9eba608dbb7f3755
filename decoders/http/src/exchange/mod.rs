//! Exchanges: a request with its response, as both versions of HTTP give them to what they carry.
//!
//! A format above HTTP (gRPC) finds a [`Carrier`] in the connections that it is shown
//! ([`Format::carried`](binq_core::Format::carried)), and reads through [`Exchanges`] whatever the version is.

mod head;
mod missing;
mod new_field;
mod times;

pub use head::{Head, Meaning};
pub use missing::find_missing;
pub use new_field::{is_renamed, new_field};
pub use times::Times;

use binq_core::{Kind, Malformed, Scalar, Space, Span};
use bytes::Bytes;
use std::sync::Arc;

/// Which peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Who {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What was found where the input does not have the bytes.
pub const LOST: &str = "bytes that the capture lost";

/// What a message of HTTP carries, in one piece, as it was sent. Whoever asks gets the same space.
#[derive(Clone)]
pub struct Body {
    /// Its bytes.
    pub space: Space,
    /// The runs of it that are missing, and may be shorter than they seem.
    pub breaks: Arc<[Span]>,
}

/// The exchanges of a connection, each by its index.
pub trait Exchanges: Send + Sync + 'static {
    /// How many there are.
    fn count(&self) -> usize;

    /// Whether it is spoken in HTTP/2.
    fn is_http2(&self) -> bool;

    /// The header fields that a peer sent.
    fn headers(&self, i: usize, who: Who) -> Option<Box<dyn Head>>;

    /// The trailers of the response.
    fn trailers(&self, i: usize) -> Option<Box<dyn Head>>;

    /// The content type of a message, where it is known; cheaper than its header fields.
    fn content_type(&self, i: usize, who: Who) -> Option<Bytes>;

    /// Remember the field of that name in the block that ends a response, as it will be asked for in every exchange. It is said
    /// before any exchange is looked at.
    fn remember(&self, _name: &'static [u8]) {}

    /// The value of the field that was to be remembered, if there is one such field: its text, and where that lies.
    fn remembered(&self, _i: usize) -> Option<(&[u8], &Space, Span)> {
        None
    }

    /// The path of the request, where it is known; cheaper than its header fields.
    fn path(&self, i: usize) -> Option<Bytes>;

    /// The body that a peer sent.
    fn body(&self, i: usize, who: Who) -> &Body;

    /// The computed fields of an exchange: `connection`, `stream_id`, `time`, `duration`.
    fn compute(&self, i: usize, name: &str) -> Scalar;

    /// Where a peer gave up: the space, and the error code of HTTP/2 there.
    fn reset(&self, i: usize, who: Who) -> Option<(&Space, Span)>;

    /// When it was said.
    fn times(&self, i: usize) -> Times;

    /// The exchange as a node.
    fn kind(&self, i: usize) -> Kind;

    /// Whether a peer did not end what it sent, as far as the input has it.
    fn is_open(&self, i: usize, who: Who) -> bool;

    /// That parts of what a peer sent may be missing, at a byte of the input.
    fn lost(&self, i: usize, who: Who) -> Option<Malformed>;
}

/// A connection that speaks HTTP, for formats above it.
pub struct Carrier(pub Arc<dyn Exchanges>);
