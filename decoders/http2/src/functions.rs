//! Functions for the query language: what leaves a capture as text.
//!
//! They are said in jq (`export.jq`); only what jq cannot know is here.

use crate::grpc::encoding::Encoding;
use binq_core::{FnCx, NodeFn, Plain, Scalar};

/// The functions in jq.
pub const DEFINITIONS: &str = concat!(
    "def _binq_version: \"",
    env!("CARGO_PKG_VERSION"),
    "\";\n",
    include_str!("export.jq")
);

/// Helpers of [`DEFINITIONS`].
pub const ALL: &[NodeFn] = &[
    NodeFn {
        name: "_message_json",
        arity: 0,
        run: message_json,
    },
    NodeFn {
        name: "_inflated",
        arity: 1,
        run: inflated,
    },
    NodeFn {
        name: "_utf8",
        arity: 0,
        run: utf8,
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

/// A `body` without its content coding (RFC 9110, 8.4.1), or in words `why` it cannot be undone.
fn inflated(_: &FnCx<'_>, input: &Plain, args: &[Plain]) -> Result<Plain, String> {
    let bytes = match input {
        Plain::Node(body) => body.bytes().map_err(|e| e.to_string())?,
        Plain::Scalar(Scalar::Bytes(bytes)) => bytes.clone(),
        _ => return Err("a body is bytes".to_owned()),
    };
    let [Plain::Scalar(Scalar::Str(coding))] = args else {
        return Err("a coding is a string".to_owned());
    };
    let coding = coding.trim().to_ascii_lowercase();
    let found = match Encoding::named(coding.as_bytes()) {
        Some(coding) => coding.inflate(&bytes),
        None => Err("a coding that is not known".to_owned()),
    };
    let (name, found) = match found {
        Ok(bytes) => ("body", Scalar::Bytes(bytes.into())),
        Err(why) => ("why", Scalar::from(why)),
    };
    Ok(Plain::Object(vec![(name.to_owned(), Plain::Scalar(found))]))
}

/// Bytes as text, or null if they are none: `tostring` would replace what is not.
fn utf8(_: &FnCx<'_>, input: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let text = match input {
        Plain::Scalar(Scalar::Bytes(bytes)) => std::str::from_utf8(bytes).ok().map(Scalar::from),
        _ => None,
    };
    Ok(Plain::Scalar(text.unwrap_or(Scalar::Null)))
}

/// The settings that were given more than once, such as files that describe messages.
fn given_lists(cx: &FnCx<'_>, _: &Plain, _: &[Plain]) -> Result<Plain, String> {
    let text = |s: &String| Plain::Scalar(Scalar::from(s.as_str()));
    let lists = cx.options.lists.iter();
    let lists =
        lists.map(|(name, list)| (name.clone(), Plain::Array(list.iter().map(text).collect())));
    Ok(Plain::Object(lists.collect()))
}
