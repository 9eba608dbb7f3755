//! The core of binq: decode once, with exact spans; edit; and encode back, every other byte untouched.
//!
//! A decoder author writes the decode only: [`shape`] and [`sequence`] say where things are, [`codec`] says how a leaf is
//! stored, [`rule`] says what follows from what. Reading is lazy; untouched bytes are copied, never rebuilt.
#![forbid(unsafe_code)]

mod assign;
mod bits;
pub mod codec;
pub mod dialogue;
mod edit;
pub mod encode;
mod error;
mod green;
mod index;
pub mod layer;
mod node;
mod path;
mod registry;
pub mod rule;
mod scalar;
pub mod sequence;
pub mod shape;
mod space;
mod span;
pub mod time;

pub use bits::Bits;
pub use error::{Fault, Malformed, Misfit, Reject};
pub use green::{Child, Green, Kind, Ref};
pub use node::{Items, Node, NodeKind, Plain};
pub use path::{Key, path_text};
pub use registry::{Confidence, Format, Options, Probe, Registry, ScalarFn};
pub use scalar::Scalar;
pub use space::Space;
pub use span::Span;

/// A field's name; those known at compile time cost nothing.
pub type Name = std::borrow::Cow<'static, str>;
