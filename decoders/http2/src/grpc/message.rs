//! `requests[]` and `responses[]`: length-prefixed messages.

use super::Source;
use super::body::{MESSAGE, PREFIX, next};
use super::encoding::{Encoding, is_limit};
use super::head::Head;
use crate::talk::Who;
use binq_core::codec::{Bool, Codec, Int, Raw, Text};
use binq_core::encode::{Splice, agree, patched};
use binq_core::layer::{Layer, Patching, Window};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Lazy, Shape};
use binq_core::{
    Kind, Malformed, Node, Options, Plain, Ref, Reject, Scalar, Severity, Space, Span, inside,
};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// How the messages of a body are to be read.
struct How {
    options: Options,
    encoding: Option<Bytes>,
    /// Whether an encoding may have been told that is not known.
    unsure: bool,
    /// Whether the body may go on after the input ends.
    open: bool,
    /// The runs of it that are missing, and may be shorter than they seem.
    breaks: Arc<[Span]>,
    /// What the content type says of the messages.
    codec: Said,
}

impl How {
    /// Whether there is a schema, which says that messages are protobuf.
    fn is_described(&self) -> bool {
        let given = |name| !self.options.list(name).is_empty();
        given("proto") || given("descriptor_set")
    }
}

/// What the suffix of a content type says of the codec of messages: gRPC has any, and protobuf where nothing else is agreed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Protobuf,
    Other,
    Nothing,
}

impl Said {
    fn of(content_type: Option<&[u8]>) -> Self {
        let Some(kind) = content_type else {
            return Self::Nothing;
        };
        let kind = kind
            .split(|b| *b == b';')
            .next()
            .unwrap_or(kind)
            .trim_ascii();
        match kind.iter().position(|b| *b == b'+').map(|i| &kind[i + 1..]) {
            None => Self::Nothing,
            Some(b"proto") => Self::Protobuf,
            Some(_) => Self::Other,
        }
    }
}

/// Add the messages of a body as an array.
pub fn add(
    cx: &mut Cx<'_>,
    source: &dyn Source,
    who: Who,
    head: Option<&Head>,
    path: Option<String>,
) {
    let (name, side) = match who {
        Who::Client => ("requests", "request"),
        Who::Server => ("responses", "response"),
    };
    let opened = source.content(who).opened();
    let mut options = source.options().with(inside::SIDE, side.into());
    if let Some(path) = path {
        options = options.with(inside::METHOD, path.into());
    }
    let encoding = head.and_then(|h| h.value(b"grpc-encoding"));
    let how = How {
        options,
        encoding: encoding.map(Bytes::copy_from_slice),
        unsure: head.is_none_or(Head::hides),
        open: source.is_open(who),
        breaks: opened.breaks.clone(),
        codec: Said::of(head.and_then(|h| h.value(b"content-type"))),
    };
    let messages = Messages(Arc::new(how));
    cx.node_in(
        name,
        &opened.space,
        opened.messages,
        Kind::array(Arc::new(messages)),
    );
}

struct Messages(Arc<How>);

impl Sequence for Messages {
    fn name(&self) -> &'static str {
        "message"
    }

    fn label(&self) -> &'static str {
        MESSAGE
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        // a read that meets a hole is short
        let read = |from, len| at.space.read(from, len).into_owned();
        let found = next(&read, at.span.end_byte(), &self.0.breaks, state.at / 8)?;
        let (start, len) = found;
        let head = at.space.read(start + 1, 4);
        let said = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let span = Span::bytes(start, PREFIX + len);
        Some(Step {
            kind: Kind::shared(Arc::new(Message {
                how: self.0.clone(),
                said,
            })),
            span,
            next: State::new(span.end()),
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        if let Plain::Node(node) = value
            && node.shape_name() == Some(Message::NAME)
        {
            return Ok(node.clone());
        }
        let bytes = match value {
            Plain::Scalar(s) => s.as_bytes().map(<[u8]>::to_vec),
            Plain::Node(node) => node.bytes().ok().map(|b| b.to_vec()),
            _ => None,
        };
        let bytes = bytes.ok_or("a new message is given as its bytes, or copied from another")?;
        let mut out = vec![0];
        out.extend((bytes.len() as u32).to_be_bytes());
        out.extend(&bytes);
        let space = Space::source(out);
        let span = space.span();
        let shape = Message {
            how: self.0.clone(),
            said: bytes.len() as u64,
        };
        Ok(Node::root_of(
            "grpc",
            Kind::shared(Arc::new(shape)),
            space,
            span,
        ))
    }
}

struct Message {
    how: Arc<How>,
    said: u64,
}

impl Message {
    const NAME: &'static str = "grpc_message";

    /// What the message is encoded in, if its flag says that it is.
    fn encoding(&self, at: &At<'_>) -> Option<&[u8]> {
        let compressed = at.read(0, 1).first().is_some_and(|b| *b != 0);
        let name = self.how.encoding.as_deref()?;
        compressed.then_some(name)
    }
}

impl Shape for Message {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn layout(&self) -> &'static [Field] {
        static FIELDS: [Field; 2] = [
            Field::leaf("compressed", 0, 1, &Bool),
            Field::leaf("length", 1, 4, &Int::U32BE),
        ];
        &FIELDS
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let flag = at.read(0, 1).first().copied()?;
        let wrong = Malformed::new(at.span.first_byte(), "0 or 1", flag.to_string());
        (field == "compressed" && flag > 1).then(|| wrong.with(Severity::Damage))
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let body = cx.at.space.clone();
        let start = cx.at.span.first_byte() + PREFIX;
        let len = cx.at.span.end_byte() - start;
        let span = Span::bytes(start, len);
        if body.hole_in(span).is_some() {
            cx.leaf("message", span, &Raw::ANY);
            let lost = Malformed::new(
                start,
                format!("a message of {} bytes", self.said),
                "bytes that the capture lost",
            );
            return Err(lost.with(Severity::Odd));
        }
        if len < self.said {
            cx.leaf("message", span, &Raw::ANY);
            let breaks = &self.how.breaks;
            let i = breaks.partition_point(|b| b.first_byte() < span.end_byte());
            let lost = breaks.get(i).is_some_and(|b| b.start == span.end());
            let found = match lost {
                true => format!("{len} bytes, before those that the capture lost"),
                false => format!("{len} bytes"),
            };
            let expected = format!("a message of {} bytes", self.said);
            let cut = Malformed::new(start, expected, found);
            let severity = if self.how.open || lost {
                Severity::Odd
            } else {
                Severity::Damage
            };
            return Err(cut.with(severity));
        }
        let compressed = cx.at.read(0, 1).first().is_some_and(|b| *b != 0);
        let encoding = self.encoding(&cx.at).map(<[u8]>::to_vec);
        if !compressed || encoding.as_deref() == Some(b"identity") {
            let window = Window { at: start, len };
            let space = Space::derived(body, Arc::new(window));
            self.open(cx, &space);
            return match compressed {
                false => Ok(()),
                true => Err(Malformed::new(
                    cx.at.span.first_byte(),
                    "a message that is not compressed, as its encoding is identity",
                    "the flag that it is",
                )
                .with(Severity::Damage)),
            };
        }
        let inflated = encoding.as_deref().and_then(Encoding::named).map_or_else(
            || Err("an encoding that is not known".to_owned()),
            |e| Ok((e, e.inflate(&body.read(start, len))?)),
        );
        match inflated {
            Ok((encoding, bytes)) => {
                let layer = Inflated::new(encoding, span, bytes);
                let space = Space::derived(body, Arc::new(layer));
                self.open(cx, &space);
                Ok(())
            }
            Err(found) => {
                cx.leaf("message", span, &Raw::ANY);
                let name = encoding.as_deref().unwrap_or(b"no grpc-encoding");
                let is_known = encoding.is_none() || Encoding::named(name).is_some();
                let name = String::from_utf8_lossy(name).into_owned();
                let limit = is_limit(&found);
                let wrong = Malformed::new(start, format!("a message in {name}"), found);
                // an encoding that others may know, or that was told before the input begins
                let unsure = !is_known || encoding.is_none() && self.how.unsure || limit;
                Err(wrong.with(if unsure {
                    Severity::Odd
                } else {
                    Severity::Damage
                }))
            }
        }
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Message {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 1] = [("encoding", &Text)];
        &COMPUTED
    }

    fn compute(&self, _name: &str, at: &At<'_>) -> Scalar {
        match self.encoding(at) {
            Some(name) => String::from_utf8_lossy(name).into_owned().into(),
            None => "identity".into(),
        }
    }
}

impl Message {
    /// Add what the bytes of the message mean.
    fn open(&self, cx: &mut Cx<'_>, space: &Space) {
        let root = match self.how.codec {
            Said::Other => None,
            _ => self.how.options.inside("protobuf", space),
        };
        // what nobody says to be protobuf, and is none, is not damaged
        let is_other = |root: &Node| {
            self.how.codec == Said::Nothing
                && !self.how.is_described()
                && space.hole_in(space.span()).is_none()
                && root.fault().is_some_and(|f| f.severity == Severity::Stops)
        };
        match root.filter(|root| !is_other(root)) {
            Some(root) => {
                cx.root("message", &root);
            }
            None => {
                let kind = Kind::Leaf(Ref::Static(&Raw::ANY));
                cx.node_in("message", space, space.span(), kind);
            }
        }
    }
}

/// A message, inflated.
pub struct Inflated {
    encoding: Encoding,
    /// Where it lies.
    span: Span,
    bytes: Bytes,
}

impl Inflated {
    /// What lies there in that encoding.
    pub fn new(encoding: Encoding, span: Span, bytes: impl Into<Bytes>) -> Self {
        Self {
            encoding,
            span,
            bytes: bytes.into(),
        }
    }
}

impl Layer for Inflated {
    fn makes(&self) -> Option<&'static str> {
        Some("decompressed")
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read<'a>(&self, _under: &'a Space, at: u64, len: u64) -> Cow<'a, [u8]> {
        self.bytes[at as usize..(at + len) as usize].to_vec().into()
    }

    fn origins(&self, _span: Span) -> Vec<Span> {
        vec![self.span]
    }

    fn joint(&self) -> bool {
        true
    }

    fn patch(
        &self,
        under: &Space,
        changes: Vec<Splice>,
        _cx: &mut Patching<'_>,
    ) -> Result<Vec<Splice>, Reject> {
        let own = Space::source(self.bytes.clone());
        let changes = agree(&own, changes)?;
        let Some(first) = changes.first() else {
            return Ok(Vec::new());
        };
        let new = patched(&own, own.span(), &changes);
        if new == self.bytes {
            return Ok(Vec::new());
        }
        let old = under.read(self.span.first_byte(), self.span.byte_len());
        let deflated = self.encoding.deflate(&new, &old);
        let deflated = deflated.map_err(|why| Reject::Structure {
            path: first.by.to_string(),
            why,
        })?;
        Ok(vec![Splice::new(self.span, deflated, &first.by)])
    }
}
