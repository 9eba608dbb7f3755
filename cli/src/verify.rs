//! What is wrong with inputs: `--verify` lists it, `--strict` stops at it, and who writes an input is told of it.

use crate::text::one_line;
use binq_core::{Fault, Findings, Node, Severity};
use binq_query::V;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many faults of an input are told one by one.
const TOLD: usize = 3;

/// What is written of an input is looked through for faults if it is no longer than this. Of what is longer, only that is looked
/// at which an edit touched: to write one byte of a gigabyte must not decode all of it. A whole look takes some fifty times as
/// long as copying the bytes does; at this size that is a tenth of a second.
const WHOLE: u64 = 2 << 20;

/// Whether bytes are wrong: `stops` and `damage`.
pub fn is_fault(finding: &Fault) -> bool {
    finding.severity >= Severity::Damage
}

/// A finding as a line: where it is, how bad it is, and what is wrong.
pub fn line(file: &str, f: &Fault) -> String {
    let offset = f
        .offset
        .map_or(String::new(), |at| format!(" at byte {at}"));
    let path = if f.path.is_empty() { "." } else { &f.path };
    let text = format!(
        "{path}{offset}: {}: expected {}, found {}",
        f.severity, f.expected, f.found
    );
    format!("{file}: {}", one_line(&text))
}

/// A finding as an object.
pub fn object(file: V, f: &Fault) -> V {
    V::fields([
        ("file", file),
        ("path", V::text(f.path.as_str())),
        ("offset", f.offset.map_or(V::Null, V::int)),
        ("severity", V::text(f.severity.name())),
        ("expected", V::text(f.expected.as_str())),
        ("found", V::text(f.found.as_str())),
        ("format", V::text(&*f.format)),
    ])
}

/// The first faults of an input, and how many more there are.
#[derive(Default)]
pub struct Told {
    file: String,
    /// What tells a fault from others: of two views of one place, or of two results, it is told once.
    known: HashSet<u64>,
    lines: Vec<String>,
    more: u64,
}

impl Told {
    /// Take note of these; gives the lines of those that are to be told.
    pub fn add(&mut self, file: &str, findings: impl Iterator<Item = Fault>) -> &[String] {
        let before = self.lines.len();
        file.clone_into(&mut self.file);
        for fault in findings.filter(is_fault) {
            let mut hasher = DefaultHasher::new();
            (&fault.path, fault.offset, &fault.found).hash(&mut hasher);
            if !self.known.insert(hasher.finish()) {
                continue;
            }
            match self.lines.len() < TOLD {
                true => self.lines.push(line(file, &fault)),
                false => self.more += 1,
            }
        }
        &self.lines[before..]
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line for those that were not told one by one.
    pub fn rest(&self) -> Option<String> {
        let Self { file, more, .. } = self;
        let more = *more;
        (more > 0).then(|| format!("{file}: {more} more faults; --verify lists them"))
    }
}

/// Whether something is so short that it is looked through for faults when it is written.
pub fn is_short(node: &Node) -> bool {
    node.span().len / 8 <= WHOLE
}

/// The faults that are told of what is written, as it was decoded: all of them, or of a long one those where it was edited.
pub fn of_written(node: &Node) -> Findings {
    match is_short(node) {
        true => node.unedited().findings(),
        false => node.touched_findings(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use binq_core::codec::Raw;
    use binq_core::{Kind, Space};

    #[test]
    fn two_mebibytes_are_short() {
        let node = |len: u64| {
            let space = Space::source(vec![0; len as usize]);
            let span = space.span();
            Node::root_of("test", Kind::Leaf((&Raw::ANY).into()), space, span)
        };
        assert!(is_short(&node(0)));
        assert!(is_short(&node(2 << 20)));
        assert!(!is_short(&node((2 << 20) + 1)));
    }

    #[test]
    fn three_faults_are_told_one_by_one() {
        let fault = |at: u64, severity| Fault {
            format: "test".into(),
            path: ".a".to_owned(),
            offset: Some(at),
            expected: "x".to_owned(),
            found: "y".to_owned(),
            severity,
            lost: false,
        };
        let mut told = Told::default();
        assert!(told.is_empty());
        // a note is none
        let notes = [fault(0, Severity::Note), fault(0, Severity::Odd)];
        assert!(told.add("F", notes.into_iter()).is_empty());
        assert!(told.is_empty());
        let some = [1, 1, 2].map(|at| fault(at, Severity::Damage));
        assert_eq!(
            told.add("F", some.into_iter()),
            [
                "F: .a at byte 1: damage: expected x, found y",
                "F: .a at byte 2: damage: expected x, found y"
            ]
        );
        assert!(!told.is_empty());
        assert_eq!(told.rest(), None);
        let more = [2, 3].map(|at| fault(at, Severity::Stops));
        assert_eq!(told.add("F", more.into_iter()).len(), 1);
        assert_eq!(told.rest(), None);
        let more = [3, 4].map(|at| fault(at, Severity::Stops));
        assert!(told.add("F", more.into_iter()).is_empty());
        let rest = "F: 1 more faults; --verify lists them";
        assert_eq!(told.rest().as_deref(), Some(rest));
    }
}
