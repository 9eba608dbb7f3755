//! The node that a value is.
use binq_core::{Kept, Node, NodeKind, Scalar};
use std::borrow::Cow;

/// A node, or only where to find it again: see [`Kept`].
#[derive(Clone)]
pub enum Held {
    /// The node with all that was decoded of it.
    Near(Node),
    /// One of many that were collected.
    Far(Kept),
}

const _: () = assert!(size_of::<Held>() <= 24);

impl Held {
    /// The node.
    pub fn node(&self) -> Cow<'_, Node> {
        match self {
            Self::Near(node) => Cow::Borrowed(node),
            Self::Far(kept) => Cow::Owned(kept.node()),
        }
    }

    /// The node.
    pub fn into_node(self) -> Node {
        match self {
            Self::Near(node) => node,
            Self::Far(kept) => kept.node(),
        }
    }

    /// How the node looks to a query.
    pub fn kind(&self) -> NodeKind {
        match self {
            Self::Near(node) => node.kind(),
            Self::Far(kept) => kept.kind(),
        }
    }

    /// The value of a scalar node.
    pub fn scalar(&self) -> Scalar {
        match self {
            Self::Near(node) => node.scalar(),
            Self::Far(kept) => kept.scalar(),
        }
    }

    /// The number that a scalar compares as, though it shows as a text.
    pub fn ordinal(&self) -> Option<i128> {
        match self {
            Self::Near(node) => node.ordinal(),
            Self::Far(kept) => kept.ordinal(),
        }
    }

    /// The same node in as little memory as can be.
    pub(crate) fn light(self) -> Self {
        match self {
            Self::Near(node) => match node.kept() {
                Some(kept) => Self::Far(kept),
                None => Self::Near(node.light()),
            },
            far => far,
        }
    }
}

impl From<Node> for Held {
    fn from(node: Node) -> Self {
        Self::Near(node)
    }
}
