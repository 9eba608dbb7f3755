//! Calls as they are spelled, node by node, kept in the files beside this one: each was read against gRPC's protocol documents.

#[allow(dead_code)]
#[path = "../../../http/tests/spelled/build.rs"]
mod build;
mod calls;
mod edits;
mod web;

use binq_core::dialogue::Dialogue;
use binq_core::{Format, Node, Options, Space};
use binq_grpc::Grpc;
use binq_laws::spelled::spelled;
use build::{Peer, conversation};
use std::path::Path;
use std::sync::Arc;

/// Compare a text with the file of that name.
fn keep(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spelled");
    binq_laws::spelled::kept(&folder.join(format!("{name}.txt")), text);
}

/// The calls of a conversation, and the streams of the client and of the server, in whose bytes the edits of a call are made.
fn calls(
    format: &dyn Format,
    client: &Peer,
    server: &Peer,
) -> Option<(Arc<dyn Dialogue>, [Space; 2])> {
    let with = conversation(client, server);
    let spaces = [with.client.stream.clone(), with.server.stream.clone()];
    let found = format.converse(&with, &Options::default())?;
    Some((Grpc.carried(&*found, &Options::default())?, spaces))
}

/// A call as a root, over the bytes of one of the peers.
fn call(calls: &dyn Dialogue, i: u64, space: &Space) -> Node {
    let kind = calls.item("grpc_calls", i).expect("a call that is counted");
    Node::root_of("grpc", kind, space.clone(), space.span())
}

/// All calls, with the fields that no list shows.
fn listed(format: &dyn Format, client: &Peer, server: &Peer) -> String {
    let Some((found, [space, _])) = calls(format, client, server) else {
        return "not of this format\n".to_owned();
    };
    let mut out = String::new();
    for i in 0..found.count("grpc_calls") {
        let node = call(&*found, i, &space);
        out += &format!("-- call {i}\n{}", spelled(&node));
        for name in ["timings", "_cut"] {
            out += &spelled(&node.field(name).expect("a field that is found"));
        }
    }
    // what stands where the bytes of a call lie is the whole stream
    out.replace(&format!(". @0+{} grpc_call", space.len()), ". grpc_call")
}

/// A message with its prefix.
fn message(flag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[flag][..], &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}
