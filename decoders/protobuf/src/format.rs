//! The format `protobuf`: with a schema, objects of fields; without, the wire view.

use crate::schema::load;
use crate::schema::types::{MessageType, Schema};
use crate::wire::record::Run;
use crate::wire::view::{self, FORMAT};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Node, NodeFn, Options, Probe, Setting, Space,
};
use std::sync::Arc;

/// A message.
pub struct Protobuf;

impl Format for Protobuf {
    fn name(&self) -> &'static str {
        FORMAT
    }

    fn description(&self) -> &'static str {
        "Protobuf message, with a schema (--proto, --descriptor-set) or without"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/protobuf", "application/x-protobuf"]
    }

    fn is_described(&self, options: &Options) -> bool {
        let given = |name| !options.list(name).is_empty();
        given("proto") || given("descriptor_set") || options.text("message").is_some()
    }

    fn settings(&self) -> &'static [Setting] {
        load::SETTINGS
    }

    fn check(&self, options: &Options) -> Result<(), String> {
        if options.text(load::MESSAGE).is_none() {
            // which type an input has is asked only if there is one: functions name theirs
            let found = load::schema(options).map(drop);
            return found.map_err(|e| format!("expected a schema, found {e}"));
        }
        let found = message_type(options).map(drop);
        found.map_err(|(expected, found)| format!("expected {expected}, found {found}"))
    }

    /// A message has no mark: any short text may be one.
    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        let of = match message_type(options) {
            Ok(of) => of,
            Err(why) => return no_schema(FORMAT, space, why),
        };
        let span = space.span();
        // of what begins with no record, nothing can be read
        if span.len > 0
            && let Err(wrong) = Run::new(&space, span).record(0)
        {
            return undecoded(FORMAT, space, wrong);
        }
        let kind = of.map_or_else(|| Kind::fixed(&view::MESSAGE), |of| of.kind());
        Node::root_of(FORMAT, kind, space, span)
    }

    fn node_functions(&self) -> &'static [NodeFn] {
        crate::functions::ALL
    }
}

/// What a message is, as the options say.
pub fn message_kind(options: &Options) -> Kind {
    match message_type(options) {
        Ok(Some(of)) => of.kind(),
        Ok(None) => Kind::fixed(&view::MESSAGE),
        Err((expected, found)) => {
            Kind::shared(Arc::new(Undecoded(Malformed::new(0, expected, found))))
        }
    }
}

fn no_schema(name: &'static str, space: Space, (expected, found): (String, String)) -> Node {
    undecoded(name, space, Malformed::new(0, expected, found))
}

/// An input that cannot be decoded, because of what is wrong with its beginning.
pub fn undecoded(name: &'static str, space: Space, wrong: Malformed) -> Node {
    let span = space.span();
    Node::root_of(name, Kind::shared(Arc::new(Undecoded(wrong))), space, span)
}

/// An input that cannot be decoded, as the options do not say what its messages are.
pub fn undecodable(name: &'static str, space: &Space, options: &Options) -> Option<Node> {
    let why = message_type(options).err()?;
    Some(no_schema(name, space.clone(), why))
}

/// The type of the input: the one named, or the only one possible; `None` for the wire view.
///
/// # Errors
/// What was expected and found, for a schema that cannot be loaded or lacks the type.
pub fn message_type(options: &Options) -> Result<Option<&'static MessageType>, (String, String)> {
    let schema = load::schema(options).map_err(|e| ("a schema".to_owned(), e))?;
    if let Some(found) = inside_type(schema, options) {
        return Ok(found);
    }
    let name = options.text(load::MESSAGE);
    match (schema, name) {
        (_, Some("")) => Ok(None),
        (Some(schema), Some(name)) => match schema.message(name) {
            Some(of) => Ok(Some(of)),
            None => match schema.short_name(name).as_slice() {
                [one] => Ok(schema.message(one)),
                [] => Err((format!("a message of {}", listed(schema)), name.to_owned())),
                several => Err((
                    format!("the package, too: one of {}", several.join(", ")),
                    name.to_owned(),
                )),
            },
        },
        // `--message ''`: read without a schema, which functions may use nevertheless
        (Some(schema), None) => match schema.only_message() {
            Some(of) => Ok(Some(of)),
            None => Err((
                format!(
                    "--message with one of {}, or --message '' to read without a schema",
                    listed(schema)
                ),
                "a schema of several types".to_owned(),
            )),
        },
        (None, Some(name)) => Err(("a schema that has the message".to_owned(), name.to_owned())),
        (None, None) => Ok(None),
    }
}

/// The types of a schema, the first of many.
fn listed(schema: &'static Schema) -> String {
    let mut names = schema.names();
    let more = if names.len() > 20 { ", …" } else { "" };
    names.truncate(20);
    names.join(", ") + more
}

/// For a message inside another format, which says what it is by parameters of the media type: the `type`, or the `method` of an
/// RPC and the `side` (`request`, `response`) that sent it. Its type, where the schema has it, else the wire view.
fn inside_type(
    schema: Option<&'static Schema>,
    options: &Options,
) -> Option<Option<&'static MessageType>> {
    let parameter = |name| options.parameters.get(name).map(|value| &**value);
    if let Some(name) = parameter("type") {
        return Some(schema.and_then(|s| s.message(name)));
    }
    let side = parameter("side")?;
    let of = parameter("method");
    let found = schema
        .zip(of)
        .and_then(|(s, path)| s.of_method(path, side == "request"));
    if schema.is_some() && found.is_none() {
        options.remarks.add(|| match of {
            Some(path) => format!(
                "the schema has no method {path}: messages of its calls are read without it"
            ),
            None => "of some calls the method is not known, as the input lacks their head: their messages are \
                read without the schema"
                .to_owned(),
        });
    }
    Some(found)
}

/// An input whose schema cannot be had, or that does not begin as the format does: all of it is a gap.
struct Undecoded(Malformed);

impl Shape for Undecoded {
    fn name(&self) -> &'static str {
        "input that cannot be decoded"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        cx.gap(at.space, at.span);
        Ok(())
    }

    fn fault(&self) -> Option<Malformed> {
        Some(self.0.clone())
    }
}
