//! `requests[]` and `responses[]`: length-prefixed messages.

use crate::body::{PREFIX, Prefixed, next};
use crate::calls::Carried;
use binq_core::codec::{Bool, Codec, Int, Raw, Text};
use binq_core::layer::{Recode, Window};
use binq_core::rule::{Of, Path, Rule};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Lazy, Shape};
use binq_core::{
    Kind, Malformed, Node, Options, Plain, Ref, Reject, Scalar, Severity, Space, Span,
};
use binq_http::coding::Coding;
use binq_http::exchange::Who;
use bytes::Bytes;
use std::sync::Arc;

/// The media type of a message, where nothing else is agreed.
pub const PROTOBUF: &str = "application/protobuf";

/// Its parameters: the path of the method that a message is of, `/package.Service/Method`.
const METHOD: &str = "method";
/// Whose message it is: `request` or `response`.
const SIDE: &str = "side";

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
pub fn add(cx: &mut Cx<'_>, call: &Carried, who: Who, path: Option<String>) {
    let (name, side) = match who {
        Who::Client => ("requests", "request"),
        Who::Server => ("responses", "response"),
    };
    let (opened, head) = (call.opened(who), call.headers(who));
    let mut options = Options::clone(&call.options).with_parameter(SIDE, side);
    if let Some(path) = path {
        options = options.with_parameter(METHOD, path);
    }
    let value = |name| head.as_ref().and_then(|head| head.value(name));
    let how = How {
        options,
        encoding: value(b"grpc-encoding").map(Bytes::copy_from_slice),
        unsure: head.as_ref().is_none_or(|head| head.hides()),
        open: call.is_open(who),
        breaks: opened.breaks.clone(),
        codec: Said::of(value(b"content-type")),
    };
    let messages = Kind::array(Arc::new(Messages(Arc::new(how))));
    cx.node_in(name, &opened.space, opened.messages, messages);
}

struct Messages(Arc<How>);

impl Messages {
    fn kind(&self, message: Prefixed) -> Kind {
        Kind::shared(Arc::new(Message {
            how: self.0.clone(),
            said: message.said,
            len: message.len,
        }))
    }
}

impl Sequence for Messages {
    fn name(&self) -> &'static str {
        "message"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        // a read that meets a hole is short
        let read = |from, len| at.space.read(from, len).into_owned();
        let found = next(&read, at.span.end_byte(), &self.0.breaks, state.at / 8)?;
        let span = Span::bytes(found.at, PREFIX + found.len);
        Some(Step {
            kind: self.kind(found),
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
        let len = bytes.len() as u64;
        let kind = self.kind(Prefixed {
            at: 0,
            said: len,
            len,
        });
        Ok(Node::root_of("grpc", kind, space, span))
    }
}

struct Message {
    how: Arc<How>,
    /// The length that it says, and that is there.
    said: u64,
    len: u64,
}

/// PROTOCOL-HTTP2.md, Length-Prefixed-Message.
static LENGTH: Rule = Rule::stored_len_of("message");
static WHOLE: [Field; 2] = [
    Field::leaf("compressed", 0, 1, &Bool),
    Field::leaf("length", 1, 4, &Int::U32BE).derived(&LENGTH),
];

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
        match self.said == self.len {
            true => &WHOLE,
            // the length of one that is cut follows, too
            false => &WHOLE[..1],
        }
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let flag = at.read(0, 1).first().copied()?;
        let wrong = Malformed::new(at.span.first_byte(), "0 or 1", flag.to_string());
        (field == "compressed" && flag > 1).then(|| wrong.with(Severity::Damage))
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let body = cx.at.space.clone();
        let (start, len) = (cx.at.span.first_byte() + PREFIX, self.len);
        let span = Span::bytes(start, len);
        if self.said != len {
            let length = Span::bytes(start - 4, 4);
            cx.leaf("length", length, &Int::U32BE).derived(Rule::Len {
                of: Of::Stored(Path::Name("message")),
                unit: 1,
                bias: self.said as i64 - len as i64,
            });
        }
        if body.hole_in(span).is_some() {
            // that bytes of it are lost, it tells itself
            cx.leaf("message", span, &Raw::ANY);
            return Ok(());
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
        let flag = cx.at.read(0, 1).first().copied().unwrap_or(0);
        if flag > 1 {
            // what is wrong is the flag
            cx.leaf("message", span, &Raw::ANY);
            return Ok(());
        }
        let compressed = flag != 0;
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
        let Some(name) = encoding.as_deref() else {
            cx.leaf("message", span, &Raw::ANY);
            // one that was told before the input begins
            let severity = if self.how.unsure {
                Severity::Odd
            } else {
                Severity::Stops
            };
            let expected = "a grpc-encoding, as the message is compressed";
            return Err(Malformed::new(start - PREFIX, expected, "none").with(severity));
        };
        let coding = Coding::named(name);
        let inflated = match coding {
            Some(coding) => Recode::space(&body, span, coding),
            None => Err(Malformed::new(start, "", "an encoding that is not known")),
        };
        let wrong = match inflated {
            Ok(space) => {
                self.open(cx, &space);
                return Ok(());
            }
            Err(wrong) => wrong,
        };
        cx.leaf("message", span, &Raw::ANY);
        let expected = format!("a message in {}", String::from_utf8_lossy(name));
        // an encoding that others may know
        let severity = match coding {
            None => Severity::Odd,
            Some(_) => wrong.severity,
        };
        Err(Malformed::new(start, expected, wrong.found).with(severity))
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
            _ => self.how.options.inside(PROTOBUF, space),
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
