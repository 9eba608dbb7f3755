//! The core of binq: decode once, with exact spans; edit; and encode back, every other byte untouched.
//!
//! A decoder author writes the decode only: [`shape`] and [`sequence`] say where things are, [`codec`] says how a leaf is
//! stored, [`rule`] says what follows from what. Reading is lazy; untouched bytes are copied, never rebuilt.
//!
//! # A format
//!
//! Messages follow each other; each has a byte of length, a byte of kind, and text.
//!
//! ```
//! use binq_core::codec::{Int, Named, Raw};
//! use binq_core::rule::{Of, Rule};
//! use binq_core::sequence::{SeqAt, Sequence, State, Step};
//! use binq_core::shape::{Cx, Field, Shape};
//! use binq_core::{
//!     Confidence, Format, Kind, Malformed, Node, Options, Plain, Probe, Space, Span,
//! };
//! use std::sync::Arc;
//!
//! struct Message;
//!
//! static KIND: Named<Int> = Named { number: Int::U8, names: &[(1, "greeting"), (2, "farewell")] };
//! static LENGTH: Rule = Rule::len_of("text");
//! static HEAD: [Field; 2] = [
//!     // derived: recomputed when the text changes its size, unless it is assigned
//!     Field::leaf("length", 0, 1, &Int::U8).derived(&LENGTH),
//!     Field::leaf("kind", 1, 1, &KIND),
//! ];
//!
//! impl Shape for Message {
//!     fn name(&self) -> &'static str {
//!         "message"
//!     }
//!     fn layout(&self) -> &'static [Field] {
//!         &HEAD
//!     }
//!     fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
//!         let text = Span::bits(cx.at.span.start + 16, cx.at.span.len - 16);
//!         cx.leaf("text", text, &Raw::ANY);
//!         Ok(())
//!     }
//! }
//!
//! struct Messages;
//!
//! impl Sequence for Messages {
//!     fn name(&self) -> &'static str {
//!         "message"
//!     }
//!     fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
//!         // the length says where the next message begins; the message itself is not decoded
//!         let length = *at.space.read(state.at / 8, 1).first()?;
//!         let end = (state.at + 16 + u64::from(length) * 8).min(at.span.end());
//!         let span = Span::bits(state.at, end - state.at);
//!         Some(Step { kind: Kind::fixed(&Message), span, next: State::new(end) })
//!     }
//!     fn resizable(&self) -> bool {
//!         true
//!     }
//! }
//!
//! struct Messaging;
//!
//! impl Format for Messaging {
//!     fn name(&self) -> &'static str {
//!         "messaging"
//!     }
//!     fn description(&self) -> &'static str {
//!         "messages of a byte of length, a byte of kind, and text"
//!     }
//!     fn probe(&self, _probe: &Probe<'_>) -> Confidence {
//!         Confidence::No
//!     }
//!     fn decode(&self, space: Space, _options: &Options) -> Node {
//!         let span = space.span();
//!         Node::root_of("messaging", Kind::array(Arc::new(Messages)), space, span)
//!     }
//! }
//!
//! // read
//! let mut root = Messaging.decode(Space::source(&b"\x02\x01hi\x03\x02bye"[..]), &Options::default());
//! assert_eq!(root.len(), 2);
//! assert_eq!(root.item(1).unwrap().field("kind").unwrap().scalar(), "farewell".into());
//!
//! // change a field, as `.[0].text = "hello"` does
//! let mut message = root.take_item(0).unwrap();
//! let text = message.take_field("text").unwrap();
//! message.put_field(text.assign(Plain::Scalar("hello".into())).unwrap());
//! root.put_item(0, message);
//!
//! // and encode: the length follows, the rest is copied
//! assert_eq!(root.bytes().unwrap()[..], *b"\x05\x01hello\x03\x02bye");
//! ```
#![forbid(unsafe_code)]

/// The code of the page for those who write their first format.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/your-first-format.md")]
struct YourFirstFormat;

mod assign;
mod bits;
pub mod codec;
pub mod columns;
mod described;
pub mod dialogue;
mod edit;
pub mod encode;
mod error;
mod findings;
mod frame;
mod green;
mod index;
mod items;
pub mod layer;
mod light;
mod node;
mod path;
mod reader;
mod red;
mod registry;
pub mod rule;
mod scalar;
pub mod sequence;
pub mod shape;
mod space;
mod span;
pub mod time;
mod way;

pub use bits::Bits;
pub use described::{Described, Run, Table};
pub use error::{Fault, Malformed, Misfit, Reject, Severity};
pub use findings::Findings;
pub use frame::{Frame, Prefix};
pub use green::{Child, Green, Kind, Ref};
pub use light::Kept;
pub use node::{Items, Node, NodeKind, Plain};
pub use path::{Key, path_text};
pub use reader::{Reader, Row, Rows};
pub use registry::{
    Confidence, FnCx, Format, NodeFn, Options, Probe, Registry, Remarks, ScalarFn, Setting, Takes,
};
pub use scalar::Scalar;
pub use space::{Holder, Lost, Space};
pub use span::Span;

/// A field's name; those known at compile time cost nothing.
pub type Name = std::borrow::Cow<'static, str>;
