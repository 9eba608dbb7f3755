//! Messages with something before them: `protobuf_delimited`, `grpc_message`, `confluent`.

use crate::format::{message_kind, message_type, undecodable, undecoded};
use crate::schema::types::MessageType;
use crate::schema::{self, load};
use crate::wire::build;
use crate::wire::codec::{LENGTH, Payload, Varint};
use crate::wire::varint;
use crate::wire::view::{self, root, step};
use binq_core::codec::{Int, Named};
use binq_core::rule::{Path, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{
    Confidence, Format, Frame, Kind, Malformed, Node, Options, Plain, Prefix, Probe, Ref, Severity,
    Space, Span,
};
use std::sync::Arc;

/// What the messages of an input are.
#[derive(Clone)]
struct Content {
    kind: Kind,
    of: Option<&'static MessageType>,
}

impl Content {
    fn new(options: &Options) -> Self {
        Self {
            kind: message_kind(options),
            of: message_type(options).ok().flatten(),
        }
    }

    fn bytes(&self, value: &Plain) -> Result<Vec<u8>, String> {
        match self.of {
            Some(of) => schema::message_bytes(of, value),
            None => build::message(value),
        }
    }
}

/// A stream of messages, each with its length as a varint before it.
pub struct Delimited;

impl Format for Delimited {
    fn name(&self) -> &'static str {
        "protobuf_delimited"
    }

    fn description(&self) -> &'static str {
        "Protobuf messages, each after its length as a varint"
    }

    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        undecodable("protobuf_delimited", &space, options).unwrap_or_else(|| {
            stream(
                "protobuf_delimited",
                space,
                DelimitedMessages(Content::new(options)),
            )
        })
    }
}

/// Messages as gRPC sends them: a flag, a length of 4 bytes, and the message.
pub struct Grpc;

impl Format for Grpc {
    fn name(&self) -> &'static str {
        "grpc_message"
    }

    fn description(&self) -> &'static str {
        "Protobuf messages with gRPC's prefix of 5 bytes"
    }

    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        undecodable("grpc_message", &space, options).unwrap_or_else(|| {
            let shape = Arc::new(GrpcMessage(Content::new(options)));
            stream("grpc_message", space, GrpcMessages(shape))
        })
    }
}

fn stream<S: Messages>(name: &'static str, space: Space, messages: S) -> Node {
    let span = space.span();
    let start = SeqAt {
        space: &space,
        span,
    };
    let first = match span.len {
        0 => None,
        _ => messages.message(&start, span.first_byte()).err(),
    };
    // of what does not begin with a whole message, no reader gets one
    if let Some(wrong) = first
        && !messages.is_item(span.byte_len())
    {
        return undecoded(name, space, wrong);
    }
    let shape = Stream {
        name,
        messages: Arc::new(messages),
    };
    Node::root_of(name, Kind::shared(Arc::new(shape)), space, span)
}

/// A sequence of messages that says what is wrong where it stops.
trait Messages: Sequence {
    /// The message at a byte before the end: first byte of its content, and first byte after it.
    fn message(&self, at: &SeqAt<'_>, start: u64) -> Result<(u64, u64), Malformed>;

    /// Whether what is left, `rest` bytes that are no whole message, is an item with a fault, and not a gap.
    fn is_item(&self, _rest: u64) -> bool {
        false
    }
}

/// The root of a stream: `messages`, and a gap after the last whole one.
struct Stream<S> {
    name: &'static str,
    messages: Arc<S>,
}

impl<S: Messages> Shape for Stream<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let inside = SeqAt {
            space: at.space,
            span: at.span,
        };
        let mut start = at.span.first_byte();
        let mut wrong = None;
        while start < at.span.end_byte() {
            match self.messages.message(&inside, start) {
                Ok((_, end)) => start = end,
                Err(e) => {
                    wrong = Some(e);
                    break;
                }
            }
        }
        cx.node("messages", at.span, Kind::array(self.messages.clone()));
        let Some(wrong) = wrong else {
            return Ok(());
        };
        let rest = at.span.end_byte() - start;
        if self.messages.is_item(rest) {
            // it tells what is wrong with it
            return Ok(());
        }
        cx.gap(at.space, Span::bytes(start, rest));
        Err(wrong)
    }

    /// A reader takes one message after the other.
    fn mark(&self) -> Option<&str> {
        Some("messages")
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl<S: Messages> Lazy for Stream<S> {
    /// The messages are found without walking over them.
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        if name == "messages" {
            let span = cx.at.span;
            cx.node("messages", span, Kind::array(self.messages.clone()));
        }
        name == "messages"
    }
}

struct DelimitedMessages(Content);

impl Messages for DelimitedMessages {
    fn message(&self, at: &SeqAt<'_>, start: u64) -> Result<(u64, u64), Malformed> {
        let rest = at.span.end_byte() - start;
        let head = at.space.read(start, rest.min(varint::MOST as u64));
        let Some((len, size)) = varint::read(&head) else {
            return Err(Malformed::new(
                start,
                "a length, a varint of at most 10 bytes",
                format!("{} bytes without its end", head.len()),
            ));
        };
        let rest = rest - size as u64;
        if len > rest {
            return Err(Malformed::new(
                start,
                format!("a length of at most {rest} bytes"),
                len.to_string(),
            ));
        }
        let body = start + size as u64;
        Ok((body, body + len))
    }
}

impl Sequence for DelimitedMessages {
    fn name(&self) -> &'static str {
        "message"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        self.framed_step(at, state).map(|(step, _)| step)
    }

    fn framed_step(&self, at: &SeqAt<'_>, state: &State) -> Option<(Step, Option<Frame>)> {
        let start = state.at / 8;
        if start >= at.span.end_byte() {
            return None;
        }
        let (body, end) = self.message(at, start).ok()?;
        let frame = Frame {
            outer: Span::bytes(start, end - start),
            len: Some(Prefix {
                span: Span::bytes(start, body - start),
                codec: &LENGTH,
            }),
            up: None,
        };
        let step = step(self.0.kind.clone(), Span::bytes(body, end - body), end);
        Some((step, Some(frame)))
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        Ok(root(self.0.bytes(value)?, self.0.kind.clone()))
    }

    fn wrap(&self, item: Vec<u8>, _inside: Option<&Frame>) -> Vec<u8> {
        let mut out = Vec::with_capacity(item.len() + 2);
        varint::write(item.len() as u64, &mut out);
        out.extend(item);
        out
    }
}

struct GrpcMessages(Arc<GrpcMessage>);

/// Flag and length.
const GRPC_PREFIX: u64 = 5;

impl Messages for GrpcMessages {
    fn message(&self, at: &SeqAt<'_>, start: u64) -> Result<(u64, u64), Malformed> {
        let rest = at.span.end_byte() - start;
        let head = at.space.read(start, GRPC_PREFIX.min(rest));
        let [_, len @ ..] = <[u8; GRPC_PREFIX as usize]>::try_from(&*head).map_err(|_| {
            Malformed::new(start, "5 bytes of prefix", format!("{} bytes", head.len()))
        })?;
        let len = u64::from(u32::from_be_bytes(len));
        let rest = rest - GRPC_PREFIX;
        if len > rest {
            return Err(Malformed::new(
                start + 1,
                format!("a length of at most {rest} bytes"),
                len.to_string(),
            ));
        }
        let body = start + GRPC_PREFIX;
        Ok((body, body + len))
    }

    fn is_item(&self, rest: u64) -> bool {
        rest >= GRPC_PREFIX
    }
}

impl Sequence for GrpcMessages {
    fn name(&self) -> &'static str {
        "gRPC message"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let start = state.at / 8;
        if start >= at.span.end_byte() {
            return None;
        }
        let rest = at.span.end_byte() - start;
        let end = match self.message(at, start) {
            Ok((_, end)) => end,
            Err(_) if self.is_item(rest) => start + rest,
            Err(_) => return None,
        };
        let kind = Kind::shared(self.0.clone());
        Some(step(kind, Span::bytes(start, end - start), end))
    }

    fn resizable(&self) -> bool {
        true
    }

    /// From `{message}`, with `compressed` or without.
    fn build(&self, value: &Plain) -> Result<Node, String> {
        let pairs = schema::pairs(value).unwrap_or_default();
        let get = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v);
        let message = get("message").ok_or("a gRPC message is an object with message")?;
        let message = self.0.0.bytes(message)?;
        let mut out = vec![0];
        let len = u32::try_from(message.len()).map_err(|_| "a message of at most 4 GiB")?;
        out.extend(len.to_be_bytes());
        out.extend(message);
        Ok(root(out, Kind::shared(self.0.clone())))
    }
}

/// One message with its prefix: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, Length-Prefixed-Message.
struct GrpcMessage(Content);

const COMPRESSED_FLAG: u8 = 1;
/// gRPC-Web has it where trailers follow in place of a message (PROTOCOL-WEB.md).
const TRAILERS: u8 = 0x80;

static COMPRESSED: Named<Int> = Named {
    number: Int::U8,
    names: &[(0, "none"), (1, "compressed")],
};

impl Shape for GrpcMessage {
    fn name(&self) -> &'static str {
        "gRPC message"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = cx.at.span.first_byte();
        let plain = cx.at.read(0, 1).first() == Some(&0);
        cx.leaf("compressed", Span::bytes(start, 1), &COMPRESSED);
        cx.leaf("length", Span::bytes(start + 1, 4), &Int::U32BE)
            .derived(Rule::len_of("message"));
        let body = Span::bytes(start + GRPC_PREFIX, cx.at.len().saturating_sub(GRPC_PREFIX));
        // with which algorithm it was compressed, only the headers say
        let kind = if plain {
            self.0.kind.clone()
        } else {
            Kind::Leaf(Ref::Static(&Payload::Bytes))
        };
        cx.node("message", body, kind);
        let flag = cx.at.read(0, 1).first().copied().unwrap_or(0);
        if flag & !(COMPRESSED_FLAG | TRAILERS) != 0 {
            let expected = "a flag of 0 or 1, or with 128 of trailers";
            return Err(Malformed::new(start, expected, flag.to_string()));
        }
        let said = cx.at.read(1, 4);
        let said = <[u8; 4]>::try_from(&*said).map_or(0, u32::from_be_bytes);
        if body.byte_len() < u64::from(said) {
            return Err(Malformed::new(
                start + 1,
                format!("a length of at most {} bytes", body.byte_len()),
                said.to_string(),
            ));
        }
        Ok(())
    }
}

/// A message in Confluent's wire format: a zero, the id of the schema, the place of the type in it, the message
/// (<https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format>).
pub struct Confluent;

impl Format for Confluent {
    fn name(&self) -> &'static str {
        "confluent_protobuf"
    }

    fn description(&self) -> &'static str {
        "Protobuf message with the prefix of Confluent's schema registry"
    }

    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        let span = space.span();
        let named = options.text(load::MESSAGE).is_some();
        let shape = ConfluentMessage {
            fixed: named.then(|| message_kind(options)),
            options: options.clone(),
        };
        let magic = space
            .read(span.first_byte(), 1.min(span.byte_len()))
            .first()
            .copied();
        let kind = Kind::shared(Arc::new(shape));
        let root = Node::root_of("confluent_protobuf", kind, space, span);
        match magic {
            Some(0) => root,
            None => root.wrong(Malformed::new(0, "a zero", "no bytes")),
            Some(magic) => root.wrong(Malformed::new(0, "a zero", magic.to_string())),
        }
    }
}

struct ConfluentMessage {
    /// The type that was asked for.
    fixed: Option<Kind>,
    options: Options,
}

/// Zero and schema id.
const CONFLUENT_PREFIX: u64 = 5;

impl ConfluentMessage {
    /// The type at that place: a message of the file, a message in that one, and so on.
    fn kind(&self, indexes: &[i64]) -> Kind {
        if let Some(kind) = &self.fixed {
            return kind.clone();
        }
        let indexes = indexes.iter().map(|i| u64::try_from(*i).ok());
        let indexes: Vec<u64> = indexes.collect::<Option<_>>().unwrap_or_default();
        let schema = load::schema(&self.options).ok().flatten();
        match schema.and_then(|schema| schema.at(&indexes)) {
            Some(of) => of.kind(),
            None => message_kind(&self.options),
        }
    }
}

impl Shape for ConfluentMessage {
    fn name(&self) -> &'static str {
        "confluent_protobuf"
    }

    fn mark(&self) -> Option<&str> {
        Some("message")
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at;
        let start = at.span.first_byte();
        let head = at.read(0, CONFLUENT_PREFIX);
        if head.len() < CONFLUENT_PREFIX as usize {
            cx.gap(at.space, at.span);
            return Err(Malformed::new(
                start,
                "a zero and 4 bytes of schema id",
                format!("{head:02x?}"),
            ));
        }
        let magic = head[0];
        cx.leaf("magic", Span::bytes(start, 1), &Int::U8);
        cx.leaf("schema_id", Span::bytes(start + 1, 4), &Int::U32BE);
        let mut place = start + CONFLUENT_PREFIX;
        let count = read_index(at.space, at.span, &mut place);
        let first = place;
        let mut indexes = Vec::new();
        let mut whole = count.is_some_and(|count| count >= 0);
        for _ in 0..count.unwrap_or(0) {
            match read_index(at.space, at.span, &mut place) {
                Some(index) => indexes.push(index),
                None => {
                    whole = false;
                    break;
                }
            }
        }
        let prefix = start + CONFLUENT_PREFIX;
        if first > prefix {
            let span = Span::bytes(prefix, first - prefix);
            cx.leaf("index_count", span, &Varint::Sint64)
                .derived(Rule::Count(Path::Name("message_indexes")));
        }
        if !whole {
            cx.gap(at.space, Span::bytes(first, at.span.end_byte() - first));
            return Err(Malformed::new(
                prefix,
                "a count and so many message indexes",
                format!("{} bytes", at.span.end_byte() - prefix),
            ));
        }
        let list = Kind::Array(Ref::Static(&Indexes));
        cx.node("message_indexes", Span::bytes(first, place - first), list);
        // a count of zero stands for the first message
        if indexes.is_empty() {
            indexes.push(0);
        }
        let body = Span::bytes(place, at.span.end_byte() - place);
        let message = cx.node("message", body, self.kind(&indexes));
        // of what is not of this format by its first byte, nothing more is wrong than that
        if magic != 0
            && let Some(broken) = view::breaks_off(&At::new(at.space, body))
        {
            message.wrong(broken.with(Severity::Note));
        }
        if magic != 0 {
            return Err(Malformed::new(start, "a zero", magic.to_string()));
        }
        Ok(())
    }
}

fn read_index(space: &Space, span: Span, at: &mut u64) -> Option<i64> {
    let head = space.read(*at, (span.end_byte() - *at).min(varint::MOST as u64));
    let (raw, size) = varint::read(&head)?;
    *at += size as u64;
    Some(varint::unzigzag(raw))
}

/// Message indexes, after their count.
struct Indexes;

impl Sequence for Indexes {
    fn name(&self) -> &'static str {
        "message index"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let packed = view::Packed.step(at, state)?;
        Some(Step {
            kind: Kind::Leaf(Ref::Static(&Varint::Sint64)),
            ..packed
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let index = match value {
            Plain::Scalar(index) => index.clone(),
            Plain::Node(node) => node.scalar(),
            other => {
                return Err(format!(
                    "a message index is an integer, not {}",
                    build::describe(other)
                ));
            }
        };
        let raw = Varint::Sint64.raw(&index);
        let raw = raw.map_err(|e| format!("a message index is {}, not {}", e.expected, e.found))?;
        let mut bytes = Vec::new();
        varint::write(raw, &mut bytes);
        Ok(root(bytes, Kind::Leaf(Ref::Static(&Varint::Sint64))))
    }
}
