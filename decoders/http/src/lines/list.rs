//! Lists of header fields that are lines, as nodes.

use super::{Flaw, Line, NO_FIELD, ONE_LINE, TOKEN, VALUE, breaks_line, read};
use crate::exchange::{Meaning, is_renamed, new_field};
use binq_core::codec::{Codec, Raw};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Fluid, Shape};
use binq_core::{Bits, Kind, Malformed, Node, Plain, Ref, Reject, Scalar, Severity, Space, Span};
use std::sync::Arc;

/// A list of header fields.
pub struct Lines {
    lines: Vec<Line>,
    means: Option<Meaning>,
    strict: bool,
}

impl Lines {
    /// A list of these.
    pub fn new(lines: &[Line], means: Option<Meaning>) -> Self {
        Self {
            lines: lines.to_vec(),
            means,
            strict: false,
        }
    }

    /// Whether all of their message is rejected for a malformed line, which it tells itself.
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Add lines as an array of `{name, value}`. `end` is where they end, if there is none.
    pub fn add(cx: &mut Cx<'_>, name: &'static str, space: &Space, lines: &[Line], end: u64) {
        Self::add_with(cx, name, space, lines, end, None);
    }

    /// Add this list; `end` is where it ends, if it has no lines.
    pub fn add_to(self, cx: &mut Cx<'_>, name: &'static str, space: &Space, end: u64) {
        let first = self.lines.first().map_or(end, |l| l.at);
        let last = self.lines.last().map_or(end, |l| l.end);
        let span = Span::bytes(first, last - first);
        cx.node_in(name, space, span, Kind::array(Arc::new(self)));
    }

    /// Like [`Self::add`], where values have a meaning to the format above.
    pub fn add_with(
        cx: &mut Cx<'_>,
        name: &'static str,
        space: &Space,
        lines: &[Line],
        end: u64,
        means: Option<Meaning>,
    ) {
        Self::new(lines, means).add_to(cx, name, space, end);
    }
}

impl Sequence for Lines {
    fn name(&self) -> &'static str {
        "header field"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let line = self.lines.get(state.memory as usize)?;
        let span = Span::bytes(line.at, line.end - line.at);
        let shape = LineShape {
            line: line.clone(),
            means: self.means,
            strict: self.strict,
        };
        Some(Step {
            kind: Kind::shared(Arc::new(shape)),
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
        spell_out(cx, self.means)?;
        cx.in_place()
    }

    fn build(&self, value: &Plain) -> Result<Node, String> {
        new_line(value, self.means)
    }
}

/// Make lines of fields that are spelled in another way elsewhere, as HPACK does. A value that is bytes is one that has a meaning,
/// and is written as that.
pub fn spell_out(cx: &mut Arrange<'_>, means: Option<Meaning>) -> Result<(), Reject> {
    for item in &mut cx.items {
        let Some(new) = item.new.take() else { continue };
        let scalar = |name: &str| Some(new.field(name)?.scalar());
        let text = |name: &str| Some(scalar(name)?.as_bytes()?.to_vec());
        let (name, mut value) = (text("name"), text("value"));
        let plain = || -> Ref<dyn Codec> { (&Raw::ANY).into() };
        let meant = name.as_deref().zip(means);
        let meant = meant.and_then(|(name, means)| means(name, None, plain(), 0));
        if let (Some((codec, _)), Some(bytes @ Scalar::Bytes(_))) = (meant, scalar("value")) {
            let bits = codec.encode(&bytes, &Bits::from_bytes(Vec::new()));
            value = bits.ok().map(|bits| bits.bytes().to_vec());
        }
        item.new = Some(match (name, value) {
            (Some(name), Some(value)) => {
                standalone(&name, &value, means).map_err(|why| Reject::Structure {
                    path: cx.path.clone(),
                    why,
                })?
            }
            _ => new,
        });
    }
    Ok(())
}

fn new_line(value: &Plain, means: Option<Meaning>) -> Result<Node, String> {
    let (name, text) = new_field(value, means)?;
    standalone(&name, &text, means)
}

/// A header field with bytes of its own.
fn standalone(name: &[u8], value: &[u8], means: Option<Meaning>) -> Result<Node, String> {
    for (form, text) in [(TOKEN, name), (ONE_LINE, value)] {
        if !(form.fits)(text) {
            let text = String::from_utf8_lossy(text);
            return Err(format!("takes {}, not {text:?}", form.expected));
        }
    }
    let bytes = [name, b": ", value, b"\r\n"].concat();
    let line = read(&bytes, 0).0.into_iter().next();
    let line = line.ok_or("a header field")?;
    let space = Space::source(bytes);
    let span = space.span();
    let shape = LineShape {
        line,
        means,
        strict: false,
    };
    Ok(Node::root_of(
        "http1",
        Kind::shared(Arc::new(shape)),
        space,
        span,
    ))
}

struct LineShape {
    line: Line,
    means: Option<Meaning>,
    strict: bool,
}

impl LineShape {
    /// What is wrong with a value that is no more than text.
    fn wrong(&self) -> Option<Malformed> {
        let at = self.line.value_at;
        // RFC 9110 section 5.5: a recipient rejects it, or reads spaces
        if breaks_line(&self.line.value) {
            let text = format!("{:?}", String::from_utf8_lossy(&self.line.value));
            let wrong = Malformed::new(at, "text without CR and NUL", text);
            return Some(wrong.with(Severity::Damage));
        }
        // section 5.2: a server may reject it, a client reads spaces
        let found = "one that is folded over several";
        self.line
            .folded
            .then(|| Malformed::new(at, "a value in one line", found).with(Severity::Odd))
    }
}

impl Fluid for LineShape {
    fn rebuild(&self, value: &Plain, _at: &At<'_>) -> Option<Result<Node, String>> {
        let means = self.means?;
        is_renamed(value, &self.line.name, means).then(|| new_line(value, self.means))
    }
}

impl Shape for LineShape {
    fn fluid(&self) -> Option<&dyn Fluid> {
        Some(self)
    }

    fn name(&self) -> &'static str {
        "header field"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let line = &self.line;
        let (field, is_field) = match line.flaw {
            Some(Flaw::NoField) => (cx.leaf("gap0", line.value_span(), &NO_FIELD), false),
            _ => (cx.leaf("name", line.name_span(), &TOKEN), true),
        };
        if let Some(wrong) = line.malformed().filter(|_| !self.strict) {
            field.wrong(wrong);
        }
        if !is_field {
            return Ok(());
        }
        let plain: Ref<dyn Codec> = (&VALUE).into();
        let meant = self
            .means
            .and_then(|means| means(&line.name, Some(&line.value), plain.clone(), line.value_at));
        let (codec, wrong) = meant.unwrap_or_else(|| (plain, self.wrong()));
        let value = cx.leaf("value", line.value_span(), codec);
        if let Some(wrong) = wrong {
            value.wrong(wrong);
        }
        Ok(())
    }
}
