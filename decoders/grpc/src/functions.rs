//! Functions for the query language: what leaves a capture as `grpcurl` commands, and a summary of calls.
//!
//! They are said in jq (`export.jq`); only what jq cannot know is here.

use binq_core::{FnCx, NodeFn, Plain, Scalar};
use std::ffi::OsString;

/// The functions in jq.
pub const DEFINITIONS: &str = include_str!("export.jq");

/// Helpers of [`DEFINITIONS`].
pub const ALL: &[NodeFn] = &[
    NodeFn {
        name: "_message_json",
        arity: 0,
        run: message_json,
    },
    NodeFn {
        name: "_given_lists",
        arity: 0,
        run: given_lists,
    },
];

/// A message as JSON, as its schema says. What describes messages is another format's.
fn message_json(cx: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    if let Plain::Node(node) = input
        && node.bytes().is_ok_and(|b| b.is_empty())
    {
        return Ok(Plain::Object(Vec::new()));
    }
    let functions = cx.registry.node_functions();
    let found = functions.iter().find(|f| f.name == "to_protojson");
    let found = found.ok_or("no format here can say a message as JSON")?;
    (found.run)(cx, input, &[])
}

/// The settings that were given more than once, such as files that describe messages.
fn given_lists(cx: &FnCx<'_>, _: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let text = |s: &OsString| {
        Plain::Scalar(match s.to_str() {
            Some(text) => Scalar::from(text),
            None => Scalar::Bytes(s.as_encoded_bytes().to_vec().into()),
        })
    };
    let lists = cx.options.lists.iter();
    let lists =
        lists.map(|(name, list)| (name.clone(), Plain::Array(list.iter().map(text).collect())));
    Ok(Plain::Object(lists.collect()))
}
