//! Connections: how a format that carries others (a capture) meets one that is spoken in both directions (HTTP/2).
//!
//! Neither names the other: the one that has connections asks every format of the registry whether this one is its own.

use crate::{Kind, Node, Space};
use std::any::Any;
use std::sync::Arc;

/// When bytes were seen.
pub trait Clock: Send + Sync {
    /// When a byte of the stream was first seen, in nanoseconds since 1970.
    fn time(&self, at: u64) -> Option<i128>;
}

/// One direction of a connection.
#[derive(Clone)]
pub struct Half {
    /// What was sent, in order.
    pub stream: Space,
    /// When it was.
    pub clock: Arc<dyn Clock>,
    /// Whether the first byte of the stream is the first one that was sent.
    pub whole: bool,
}

/// A connection.
#[derive(Clone)]
pub struct Conversation {
    /// Its index among the connections.
    pub number: u64,
    /// What the client sent.
    pub client: Half,
    /// What the server sent.
    pub server: Half,
    /// Whether the user says what it speaks, so that nothing has to prove it.
    pub given: bool,
}

/// What a format makes of a connection of which at least one direction is its own. The peers may speak differently.
pub trait Dialogue: Send + Sync {
    /// What the client sent, if it is of this format.
    fn client(&self) -> Option<Node> {
        None
    }

    /// What the server sent, if it is of this format.
    fn server(&self) -> Option<Node> {
        None
    }

    /// What it carries, for formats above it ([`crate::Format::carried`]), which know the type of that.
    fn carries(&self) -> Option<&(dyn Any + Send + Sync)> {
        None
    }

    /// Go on through what was said, up to a moment; false once all of it was heard. Conversations whose bytes lie mixed in a
    /// file are heard in turn, so that the file is read once for all of them.
    fn hear(&self, _until: i128) -> bool {
        false
    }

    /// How many items a list of [`crate::Format::lists`] has.
    fn count(&self, list: &str) -> u64;

    /// An item of such a list. Its kind finds its own spaces.
    fn item(&self, list: &str, i: u64) -> Option<Kind>;
}
