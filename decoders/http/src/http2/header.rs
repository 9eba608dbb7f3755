//! Header fields as nodes: each in its own spelling.

use crate::exchange::new_field;
use crate::http2::hpack::codec::{Integer, Literal, Resolved, entry_of, span_of};
use crate::http2::hpack::repr::{self, Form, Repr, write_literal};
use crate::http2::hpack::table::STATIC_LEN;
use crate::http2::hpack::{Block, Field, Part};
use crate::http2::malformed::{self, Place, Wrong};
use crate::http2::side::Side;
use binq_core::codec::{Codec, Text};
use binq_core::encode::{Splice, longest_rise, patched};
use binq_core::sequence::{Arrange, Placed, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Node, Plain, Ref, Reject, Scalar, Severity, Space, Span};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The header fields of a block, in order, size updates among them.
pub struct Headers {
    /// What the block says.
    pub block: Arc<Block>,
    /// First byte of the block in its space.
    pub base: u64,
    /// The frame that it begins in, where the block is that of the frame.
    pub of: Option<Arc<Framed>>,
}

/// The frame that a header block begins in. What is wrong with the message is told there, and in no other view of the block.
pub struct Framed {
    side: Arc<Side>,
    /// Its first byte.
    at: u64,
    stream: u32,
    block: Arc<Block>,
    wrong: OnceLock<HashMap<Place, Wrong>>,
}

impl Framed {
    /// The frame of this block, at this byte, on this stream.
    pub fn new(side: &Arc<Side>, (at, stream): (u64, u32), block: &Arc<Block>) -> Arc<Self> {
        Arc::new(Self {
            side: side.clone(),
            at,
            stream,
            block: block.clone(),
            wrong: OnceLock::new(),
        })
    }

    /// What is wrong with a name or a value.
    fn wrong(&self, i: usize, part: &str) -> Option<Wrong> {
        let wrong = self
            .wrong
            .get_or_init(|| malformed::fields(&self.block.fields));
        let part = ["name", "value"].into_iter().find(|p| *p == part)?;
        if let Some(wrong) = wrong.get(&(i, part)) {
            return Some(wrong.clone());
        }
        if let Some(wrong) = self.side.conduct().field(self.at, i, part) {
            return Some(wrong.clone());
        }
        let field = &self.block.fields[i];
        let is_length = field.name.known().is_some_and(|n| n == "content-length");
        let said = field
            .value
            .known()
            .filter(|_| is_length && part == "value")?;
        let of_response = self.block.get(b":status").is_some();
        self.side
            .sent()
            .length_wrong(self.stream, said, of_response)
    }
}

impl Sequence for Headers {
    fn name(&self) -> &'static str {
        "header field"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let n = state.memory as usize;
        let (repr, kind): (_, Arc<dyn Shape>) = match (self.block.fields.get(n), self.block.broken)
        {
            (Some(field), _) => {
                let field = field.clone();
                (
                    field.repr,
                    Arc::new(Header {
                        field,
                        of: self.of.clone().map(|of| (of, n)),
                    }),
                )
            }
            (None, Some(repr)) if n == self.block.fields.len() => (
                repr,
                Arc::new(Broken {
                    repr,
                    wrong: self.block.wrong.clone(),
                }),
            ),
            _ => return None,
        };
        let span = Span::bytes(self.base + repr.at as u64, (repr.end - repr.at) as u64);
        debug_assert!(at.span.contains(span));
        Some(Step {
            kind: Kind::shared(kind),
            span,
            next: State {
                at: span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        // a copy of one that comes before all of these stays nowhere
        let first = cx.first.at;
        let place = |i: &Placed| i.was.map(|s| s.start).filter(|at| *at >= first);
        let was: Vec<_> = cx.items.iter().map(place).collect();
        for (item, stays) in cx.items.iter_mut().zip(longest_rise(&was)) {
            // one that moves is elsewhere, too: to another place of the table
            if !stays && let Some(bytes) = self.moved(item, &cx.at, &cx.path)? {
                item.was = None;
                item.new = Some(standalone(bytes));
                continue;
            }
            // what an index of a field from elsewhere means here is not what it meant there: it is spelled out
            if let Some(new) = item.new.take() {
                let text = |name: &str| {
                    let scalar = new.field(name).map(|n| n.scalar());
                    scalar.and_then(|s| s.as_bytes().map(<[u8]>::to_vec))
                };
                item.new = Some(match (text("name"), text("value")) {
                    (Some(name), Some(value)) => {
                        let never = new.field("representation").map(|r| r.scalar());
                        let never = never == Some(Form::NeverIndexed.name().into());
                        let form = if never {
                            Form::NeverIndexed
                        } else {
                            Form::WithoutIndexing
                        };
                        standalone(write_literal(form, 0, &name, &value))
                    }
                    _ => new,
                });
            }
        }
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        let (name, value) = new_field(value, None)?;
        let bytes = write_literal(Form::WithoutIndexing, 0, &name, &value);
        Ok(standalone(bytes))
    }
}

impl Headers {
    /// A field for another place, its changes in it: spelled out where it refers to the dynamic table, or where both its name and
    /// its value are made of an index; nothing for one that can be patched.
    fn moved(&self, item: &Placed, at: &SeqAt<'_>, path: &str) -> Result<Option<Vec<u8>>, Reject> {
        let from = item.was.and_then(|s| s.first_byte().checked_sub(self.base));
        let fields = &self.block.fields;
        let find = |at: u64| {
            fields
                .binary_search_by_key(&(at as usize), |f| f.repr.at)
                .ok()
        };
        let Some(i) = from.and_then(find) else {
            return Ok(None);
        };
        let field = &fields[i];
        let is_dynamic = field.repr.form != Form::SizeUpdate && field.repr.int > STATIC_LEN;
        // name and value of an index are the same bytes
        let twice = |(i, s): (usize, &Splice)| item.splices[..i].iter().any(|b| b.span == s.span);
        if !is_dynamic && !item.splices.iter().enumerate().any(twice) {
            return Ok(None);
        }
        let known = |part: &Part| part.known().map(|text| text.to_vec());
        let mut texts = [known(&field.name), known(&field.value)];
        let old = texts.clone();
        for splice in &item.splices {
            let Some(new) = changed(field, &old, item.was, splice, at) else {
                // such as another index: what that stands for is found at the new place
                return Ok(None);
            };
            for ((text, old), new) in texts.iter_mut().zip(&old).zip(new) {
                if new != *old {
                    *text = new;
                }
            }
        }
        let form = match field.repr.form {
            Form::Indexed => Form::WithoutIndexing,
            form => form,
        };
        let [Some(name), Some(value)] = texts else {
            return Err(Reject::Structure {
                path: format!("{path}[{i}]"),
                why: format!(
                    "what its index {} stands for is not known, so it cannot move",
                    field.repr.int
                ),
            });
        };
        Ok(Some(write_literal(form, 0, &name, &value)))
    }
}

/// The name and the value of a field after one change, if both are then told by the field, or what they were.
fn changed(
    field: &Field,
    old: &[Option<Vec<u8>>; 2],
    was: Option<Span>,
    splice: &Splice,
    at: &SeqAt<'_>,
) -> Option<[Option<Vec<u8>>; 2]> {
    let bytes = patched(at.space, was?, std::slice::from_ref(splice));
    let repr = repr::read(&bytes, 0)
        .ok()
        .filter(|r| r.end == bytes.len())?;
    let text = |text: &repr::Text| repr::text_of(&bytes[text.at..text.end]).ok();
    let is_same = repr.int == field.repr.int;
    let name = match &repr.name {
        Some(name) => Some(text(name)?.to_vec()),
        None if is_same => old[0].clone(),
        None => return None,
    };
    let value = match &repr.value {
        Some(value) => Some(text(value)?.to_vec()),
        None if is_same => old[1].clone(),
        None => return None,
    };
    Some([name, value])
}

/// A header field with bytes of its own.
pub fn standalone(bytes: Vec<u8>) -> Node {
    let bytes = Bytes::from(bytes);
    let mut block =
        crate::http2::hpack::read_block(&bytes, &mut Default::default(), &mut Default::default());
    let space = Space::source(bytes);
    let span = space.span();
    let field = block.fields.remove(0);
    Node::root_of(
        "http2",
        Kind::shared(Arc::new(Header::of(field))),
        space,
        span,
    )
}

/// A header field.
pub struct Header {
    /// What it says, and how.
    pub field: Field,
    /// The frame of its block, and its index there.
    of: Option<(Arc<Framed>, usize)>,
}

impl Header {
    /// A field, wherever it is seen.
    pub fn of(field: Field) -> Self {
        Self { field, of: None }
    }

    /// Why the tables do not say what an index stands for.
    pub fn unresolved(&self, at: u64) -> Option<Malformed> {
        let repr = &self.field.repr;
        // index 0 stands for no name in a literal, and for nothing alone (RFC 7541 section 6.1)
        if repr.form == Form::SizeUpdate || repr.int == 0 && repr.form != Form::Indexed {
            return None;
        }
        let indexed = [
            Some(&self.field.name),
            Some(&self.field.value).filter(|_| repr.form == Form::Indexed),
        ];
        indexed.into_iter().flatten().find_map(|part| match part {
            Part::Known(_) => None,
            Part::Wrong(wrong) => Some(Malformed::new(at, wrong.0.clone(), wrong.1.clone())),
            Part::Unknown => {
                let found = "one from before the capture began, or that it lost";
                let unknown = Malformed::new(at, entry_of(repr.int), found);
                Some(unknown.with(Severity::Odd))
            }
        })
    }

    fn resolved(&self, is_value: bool) -> Arc<dyn Codec> {
        let indexed = self.field.repr.form == Form::Indexed;
        Arc::new(Resolved {
            form: self.field.repr.form,
            index: self.field.repr.int,
            name: self.field.name.clone(),
            value: indexed.then(|| self.field.value.clone()),
            is_value,
        })
    }

    /// Where the name and the value are written, and how, given the first byte of the block.
    pub fn place(&self, base: u64, is_value: bool) -> (Span, Ref<dyn Codec>) {
        let repr = &self.field.repr;
        let text = if is_value { &repr.value } else { &repr.name };
        match text {
            Some(text) => (span_of(text, base), (&Literal).into()),
            None => {
                let len = (repr.int_end - repr.at) as u64;
                let span = Span::bytes(base + repr.at as u64, len);
                (span, self.resolved(is_value).into())
            }
        }
    }
}

/// A header field of which only the index makes sense.
struct Broken {
    repr: Repr,
    wrong: Option<Malformed>,
}

impl Shape for Broken {
    fn name(&self) -> &'static str {
        "broken header field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at.span.first_byte();
        let len = (self.repr.int_end - self.repr.at) as u64;
        let prefix = &PREFIXES[usize::from(self.repr.form.prefix()) - 4];
        cx.leaf("index", Span::bytes(at, len), prefix);
        let space = cx.at.space.clone();
        let rest = Span::bytes(at + len, cx.at.span.byte_len() - len);
        cx.gap(&space, rest);
        let base = at - self.repr.at as u64;
        let wrong = self.wrong.clone().map(|w| Malformed {
            at: base + w.at,
            ..w
        });
        wrong.map_or(Ok(()), Err)
    }
}

static PREFIXES: [Integer; 4] = [
    Integer { prefix: 4 },
    Integer { prefix: 5 },
    Integer { prefix: 6 },
    Integer { prefix: 7 },
];

impl Shape for Header {
    fn name(&self) -> &'static str {
        "header field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let repr = &self.field.repr;
        // the struct begins where the representation does
        let base = cx.at.span.first_byte() - repr.at as u64;
        let int = Span::bytes(base + repr.at as u64, (repr.int_end - repr.at) as u64);
        let prefix = &PREFIXES[usize::from(repr.form.prefix()) - 4];
        if repr.form == Form::SizeUpdate {
            cx.leaf("max_size", int, prefix);
            return Ok(());
        }
        let (span, codec) = self.place(base, false);
        cx.leaf("name", span, codec);
        let (span, codec) = self.place(base, true);
        cx.leaf("value", span, codec);
        cx.leaf("index", int, prefix);
        self.unresolved(cx.at.span.first_byte()).map_or(Ok(()), Err)
    }

    fn check(&self, name: &str, at: &At<'_>) -> Option<Malformed> {
        let (of, i) = self.of.as_ref()?;
        let base = at.span.first_byte() - self.field.repr.at as u64;
        if name == "max_size" {
            // RFC 7541 section 4.2
            let first = of.block.fields[..*i]
                .iter()
                .all(|f| f.repr.form == Form::SizeUpdate);
            let late = Malformed::new(
                at.span.first_byte(),
                "size updates at the beginning of a block",
                "one after a field",
            );
            if !first {
                return Some(late);
            }
        }
        // section 6.3; a block that should begin with an update begins with the index of its first field
        if name == "max_size" || name == "index" && *i == 0 {
            let (expected, found, severity) = of.side.exceeded().update(of.at, *i)?;
            let wrong = Malformed::new(at.span.first_byte(), expected, found);
            return Some(wrong.with(severity));
        }
        let (expected, found) = of.wrong(*i, name)?;
        let at = self.place(base, name == "value").0.first_byte();
        Some(Malformed::new(at, expected, found).with(Severity::Damage))
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Header {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 1] = [("representation", &Text)];
        &COMPUTED
    }

    fn compute(&self, _name: &str, _at: &At<'_>) -> Scalar {
        self.field.repr.form.name().into()
    }
}
