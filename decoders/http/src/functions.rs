//! Functions for the query language: what leaves a capture as text.
//!
//! They are said in jq (`export.jq`); only what jq cannot know is here.

use crate::coding::Coding;
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
        name: "_inflated",
        arity: 1,
        run: inflated,
    },
    NodeFn {
        name: "_utf8",
        arity: 0,
        run: utf8,
    },
];

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
    let found = match Coding::named(coding.as_bytes()) {
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
