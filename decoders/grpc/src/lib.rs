//! gRPC for binq: calls in what HTTP carries, whatever its version; gRPC-Web too.
//!
//! * `calls`: which exchanges are calls. `call`: a call as a node.
//! * `body`: where the messages of a body are, and their lengths. `web`: the bodies of gRPC-Web, and its `trailers`.
//! * `message`: messages, compressed or not. `metadata`: the header fields that the application gave.
//! * `export.jq`: what leaves a capture as text: `grpcurl` commands, a summary.
#![forbid(unsafe_code)]

mod body;
mod call;
mod calls;
mod codecs;
mod functions;
mod message;
mod metadata;
mod trailers;
mod web;

use binq_core::codec::Raw;
use binq_core::dialogue::Dialogue;
use binq_core::{Confidence, Format, Kind, Node, NodeFn, Options, Probe, Ref, Space};
use binq_http::exchange::Carrier;
use std::sync::Arc;

/// gRPC, above HTTP.
pub struct Grpc;

impl Format for Grpc {
    fn name(&self) -> &'static str {
        "grpc"
    }

    fn description(&self) -> &'static str {
        "gRPC calls in what HTTP carries"
    }

    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn stands_alone(&self) -> bool {
        false
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let span = space.span();
        Node::root_of("grpc", Kind::Leaf(Ref::Static(&Raw::ANY)), space, span)
    }

    fn lists(&self) -> &'static [&'static str] {
        &[calls::LIST]
    }

    fn carried(&self, by: &dyn Dialogue, options: &Options) -> Option<Arc<dyn Dialogue>> {
        let Carrier(exchanges) = by.carries()?.downcast_ref()?;
        Some(Arc::new(calls::Calls::new(exchanges, options)))
    }

    fn node_functions(&self) -> &'static [NodeFn] {
        functions::ALL
    }

    fn definitions(&self) -> &'static str {
        functions::DEFINITIONS
    }
}
