//! Header fields that are lines, as a format above HTTP sees them.

use super::{Line, Lines, TARGET, VALUE};
use crate::exchange::{Head, Meaning};
use binq_core::codec::Codec;
use binq_core::shape::Cx;
use binq_core::{Ref, Space, Span};

/// Header fields that are lines.
#[derive(Clone)]
pub struct LineHead {
    /// The space that they lie in.
    pub space: Space,
    /// The fields.
    pub lines: Vec<Line>,
    /// Where they end.
    pub end: u64,
    /// The target of a request.
    pub target: Option<Line>,
}

impl LineHead {
    /// The first field of that name. What HTTP/2 has as `:path` and `:authority` is the target and `Host` here.
    fn get(&self, name: &[u8]) -> Option<&Line> {
        match name {
            b":path" => self.target.as_ref(),
            b":authority" => self.get(b"host"),
            _ => self.lines.iter().find(|l| l.name == name),
        }
    }
}

impl Head for LineHead {
    fn space(&self) -> &Space {
        &self.space
    }

    fn first(&self) -> u64 {
        self.lines.first().map_or(self.end, |line| line.at)
    }

    fn count(&self, name: &[u8]) -> usize {
        self.lines.iter().filter(|l| l.name == name).count()
    }

    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.get(name).map(|l| &l.value[..])
    }

    fn place(&self, name: &[u8]) -> Option<(Span, Ref<dyn Codec>)> {
        let codec: Ref<dyn Codec> = match name {
            b":path" => (&TARGET).into(),
            _ => (&VALUE).into(),
        };
        Some((self.get(name)?.value_span(), codec))
    }

    fn add_list(
        &self,
        cx: &mut Cx<'_>,
        name: &'static str,
        wanted: fn(&[u8]) -> bool,
        means: Meaning,
    ) {
        let lines = self.lines.iter().filter(|l| wanted(&l.name));
        let lines: Vec<Line> = lines.cloned().collect();
        Lines::add_with(cx, name, &self.space, &lines, self.end, Some(means));
    }
}
