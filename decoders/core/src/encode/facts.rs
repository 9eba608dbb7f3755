//! What a rule says: of things as they were decoded, or with edits.

use super::places::Places;
use super::settle::{Grown, Settler};
use super::splice::{Splice, patched};
use crate::node::{Node, NodeKind};
use crate::rule::{Edge, Of, Part, Path, Rule};
use crate::{Name, Reject, Scalar, Span};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Where the ways of a rule begin, and what changes there.
pub(super) struct Facts<'a> {
    node: &'a Node,
    /// What changes in the space of the node, in it.
    splices: &'a [Splice],
    /// By how much its fields grew, as far as that is known.
    known: Option<&'a BTreeMap<Name, Grown>>,
    /// Where the node begins, in bits from the start of the struct that declares the rule; nothing where that cannot be told.
    base: Option<i64>,
    settler: &'a mut Settler,
    places: OnceCell<Places>,
}

impl Node {
    /// What lies at the end of a way.
    pub(crate) fn walk(&self, path: &Path) -> Option<Node> {
        let mut node = self.clone();
        for name in path.names() {
            node = node.field(name)?;
        }
        Some(node)
    }

    /// Whether a node was decoded in this one, and nothing stands for what is between them.
    fn holds(&self, other: &Node) -> bool {
        let mut at = Some(other.unedited());
        while let Some(node) = at {
            if node.same_place(self) {
                return true;
            }
            at = node.parent();
        }
        false
    }
}

impl<'a> Facts<'a> {
    /// A struct as it was decoded.
    pub fn decoded(node: &'a Node, settler: &'a mut Settler) -> Self {
        Self::new(node, &[], settler)
    }

    /// A struct with what changes in it.
    pub fn new(node: &'a Node, splices: &'a [Splice], settler: &'a mut Settler) -> Self {
        Self {
            node,
            splices,
            known: None,
            base: Some(0),
            settler,
            places: OnceCell::new(),
        }
    }

    /// The same, with what is known of the growth of its fields.
    pub fn knowing(self, known: &'a BTreeMap<Name, Grown>) -> Self {
        Self {
            known: Some(known),
            ..self
        }
    }

    /// The same, so many bits behind the start of the struct that declares the rule.
    pub fn based(self, base: Option<i64>) -> Self {
        Self { base, ..self }
    }

    /// What the rule says about a field, of which the decoded value is given; nothing where what it reads is not there.
    pub fn right(&mut self, rule: &Rule, was: Option<&Scalar>) -> Result<Option<Scalar>, Reject> {
        Ok(match rule {
            Rule::Unless { is, rule } => match was.and_then(Scalar::as_int) {
                Some(n) if n == *is => None,
                _ => self.right(rule, was)?,
            },
            Rule::Len { of, unit, bias } => match self.size(of)? {
                Some(bits) => Some(self.counted(bits, *unit, *bias)?),
                None => None,
            },
            Rule::Offset { of, unit, bias } => match (self.edge(of)?, self.base) {
                (Some(bits), Some(base)) => Some(self.counted(base + bits, *unit, *bias)?),
                _ => None,
            },
            Rule::Count(of) => {
                let list = self.node.walk(of);
                let list = list.filter(|l| l.kind() == NodeKind::Array);
                list.map(|list| Scalar::Int(list.len().into()))
            }
            Rule::Copy(of) => self.settled(of)?.and_then(|field| field.actual()),
            Rule::Sum { sum, over } => self.parts(over)?.map(|parts| {
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                Scalar::Int(sum.of(&parts).into())
            }),
            Rule::Custom(right) => right.of(self.node),
            // some of what it covers is not here
            Rule::Follows { .. } => None,
        })
    }

    /// A number of bits in units of bytes.
    fn counted(&self, bits: i64, unit: u64, bias: i64) -> Result<Scalar, Reject> {
        let (bytes, unit) = (i128::from(bits / 8), i128::from(unit.max(1)));
        if bytes % unit != 0 {
            return Err(Reject::Structure {
                path: self.node.path_text(),
                why: format!("is counted in units of {unit} bytes, and has {bytes} bytes now"),
            });
        }
        Ok(Scalar::Int(bytes / unit + i128::from(bias)))
    }

    /// What lies at the end of a way, with the values that follow on the way.
    fn settled(&mut self, path: &Path) -> Result<Option<Node>, Reject> {
        let mut node = self.node.clone();
        for (i, name) in path.names().enumerate() {
            if i > 0 {
                node = self.settler.with_derived(node)?;
            }
            let Some(field) = node.field(name) else {
                return Ok(None);
            };
            node = field;
        }
        Ok(Some(node))
    }

    fn places(&self) -> Result<&Places, Reject> {
        if let Some(places) = self.places.get() {
            return Ok(places);
        }
        let places = Places::new(&self.node.green().space, self.splices)?;
        Ok(self.places.get_or_init(|| places))
    }

    /// By how much a node in the struct grew.
    fn grown(&mut self, field: &Node) -> Result<Grown, Reject> {
        if field.edit.is_none() || self.splices.is_empty() {
            return Ok(Grown::default());
        }
        self.settler.grown(field, &self.node.green().space)
    }

    /// By how much what lies at the end of a way grew.
    fn grown_at(&mut self, path: &Path, field: &Node) -> Result<Grown, Reject> {
        let mut names = path.names();
        if let (Some(known), Some(name), None) = (self.known, names.next(), names.next()) {
            return Ok(known.get(name).copied().unwrap_or_default());
        }
        self.grown(field)
    }

    /// The size of something, in bits.
    fn size(&mut self, of: &Of) -> Result<Option<i64>, Reject> {
        Ok(match of {
            Of::Struct => Some(self.whole()),
            Of::Field(path) => match self.node.walk(path) {
                Some(field) => {
                    let grown = self.grown_at(path, &field)?.shown;
                    Some(field.span().len as i64 + grown)
                }
                None => None,
            },
            Of::Stored(path) => match self.node.walk(path) {
                Some(field) => Some(self.stored(path, &field)?),
                None => None,
            },
            Of::Between(from, to) => match (self.edge(from)?, self.edge(to)?) {
                (Some(from), Some(to)) => Some(to - from),
                _ => None,
            },
        })
    }

    /// The size of the whole struct.
    fn whole(&self) -> i64 {
        let grown: i64 = self.splices.iter().map(Splice::growth).sum();
        self.node.green().span.len as i64 + grown
    }

    /// The size of a field in the space of the struct.
    fn stored(&mut self, path: &Path, field: &Node) -> Result<i64, Reject> {
        let was = field.green().stored_len(&self.node.green().space);
        Ok(was as i64 + self.grown_at(path, field)?.stored)
    }

    /// A place, in bits from the start of the struct.
    fn edge(&mut self, edge: &Edge) -> Result<Option<i64>, Reject> {
        let (path, end) = match edge {
            Edge::Byte(n) => return Ok(Some(*n as i64 * 8)),
            Edge::Last(n) => return Ok(Some(self.whole() - *n as i64 * 8)),
            Edge::Start(Path::Here) => return Ok(Some(0)),
            Edge::End(Path::Here) => return Ok(Some(self.whole())),
            Edge::Start(path) => (path, false),
            Edge::End(path) => (path, true),
        };
        let Some(field) = self.node.walk(path) else {
            return Ok(None);
        };
        if !self.node.holds(&field) {
            return Err(Reject::Structure {
                path: field.path_text(),
                why: format!(
                    "lies in what stands for a part of {} now: where it begins there cannot be told",
                    self.node.path_text()
                ),
            });
        }
        let green = self.node.green();
        let Some(was) = field.green().stored_in(&green.space) else {
            return Ok(None);
        };
        let first = self.grown_at(path, &field)?.first;
        let at = was.start as i64 - green.span.start as i64;
        let start = at + self.places()?.shift(was.start) - first;
        match end {
            true => Ok(Some(start + self.stored(path, &field)?)),
            false => Ok(Some(start)),
        }
    }

    /// The bytes that a checksum covers.
    fn parts(&mut self, over: &[Part]) -> Result<Option<Vec<Vec<u8>>>, Reject> {
        let green = self.node.green();
        if self.splices.is_empty() && over.iter().all(|p| matches!(p, Part::Between(..))) {
            return self.parts_as_decoded(over);
        }
        let all = patched(&green.space, green.span, self.splices);
        let mut out = Vec::with_capacity(over.len());
        for part in over {
            match part {
                Part::Between(from, to) => {
                    let (Some(from), Some(to)) = (self.edge(from)?, self.edge(to)?) else {
                        return Ok(None);
                    };
                    let to = (to.max(0) as usize / 8).min(all.len());
                    let from = (from.max(0) as usize / 8).min(to);
                    out.push(all[from..to].to_vec());
                }
                Part::Shown(path) => match self.node.walk(path) {
                    Some(field) => out.push(field.bytes()?.to_vec()),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(out))
    }

    /// The same where nothing changes: only the parts are read.
    fn parts_as_decoded(&mut self, over: &[Part]) -> Result<Option<Vec<Vec<u8>>>, Reject> {
        let green = self.node.green();
        let Some(spans) = self.spans(over)? else {
            return Ok(None);
        };
        let read = |s: &Span| green.space.read(s.first_byte(), s.byte_len()).into_owned();
        Ok(Some(spans.iter().map(read).collect()))
    }

    /// Where the parts of a checksum lie that lie in the struct, as it is now.
    pub fn spans(&mut self, over: &[Part]) -> Result<Option<Vec<Span>>, Reject> {
        let whole = self.node.green().span;
        let mut spans = Vec::with_capacity(over.len());
        for part in over {
            let Part::Between(from, to) = part else {
                continue;
            };
            let (Some(from), Some(to)) = (self.edge(from)?, self.edge(to)?) else {
                return Ok(None);
            };
            let to = (to.max(0) as u64).min(whole.len);
            let from = (from.max(0) as u64).min(to);
            spans.push(Span::bits(whole.start + from, to - from));
        }
        Ok(Some(spans))
    }

    /// Whether changes touch what a rule reads of the bytes of the struct, which was decoded. Those that speak of values are taken
    /// to be touched.
    pub fn is_touched(&mut self, rule: &Rule, splices: &[Splice]) -> Result<bool, Reject> {
        let over = match rule {
            Rule::Sum { over, .. } | Rule::Follows { over, .. } => over,
            Rule::Unless { rule, .. } => return self.is_touched(rule, splices),
            _ => return Ok(true),
        };
        let spans = self.spans(over)?.unwrap_or_default();
        let shown = |p: &Part| match p {
            Part::Shown(path) => self.node.walk(path).is_some(),
            Part::Between(..) => false,
        };
        let touched = |s: &Splice| spans.iter().any(|part| part.touches(s.span));
        Ok(splices.iter().any(touched) || !splices.is_empty() && over.iter().any(shown))
    }
}
