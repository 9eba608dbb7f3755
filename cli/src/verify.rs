//! What is wrong with inputs: `--verify` lists it, `--strict` stops at it, and who writes an input is told of it.

use crate::text::one_line;
use binq_core::{Fault, Findings, Node, Severity};
use binq_query::V;
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// What `--verify` lists of an input. Of notes that are alike, such as a checksum in each packet that the network card makes, the
/// first one is listed, and how many more there are.
#[derive(Default)]
pub struct Listed {
    /// Where notes that are alike lie, what was expected, and how many follow the first one.
    alike: Vec<(String, String, u64)>,
    known: HashMap<(String, String), usize>,
    /// How many there are, by severity.
    counts: BTreeMap<Severity, u64>,
}

impl Listed {
    /// Count a finding; whether it is to be listed.
    pub fn is_new(&mut self, finding: &Fault) -> bool {
        *self.counts.entry(finding.severity).or_default() += 1;
        if finding.severity > Severity::Note {
            return true;
        }
        let kind = (without_indices(&finding.path), finding.expected.clone());
        match self.known.get(&kind) {
            Some(i) => {
                self.alike[*i].2 += 1;
                false
            }
            None => {
                self.known.insert(kind.clone(), self.alike.len());
                self.alike.push((kind.0, kind.1, 0));
                true
            }
        }
    }

    /// The lines at the end: how many notes were not listed, and how many findings there are, if it is more than one.
    pub fn end(&self, file: &str) -> Vec<String> {
        let alike = self.alike.iter().filter(|(.., more)| *more > 0);
        let mut lines: Vec<String> = alike
            .map(|(path, _, more)| {
                let path = if path.is_empty() { "." } else { path };
                format!(
                    "{file}: {}: note: \u{2026} and {} more like it",
                    one_line(path),
                    grouped(*more)
                )
            })
            .collect();
        if self.counts.values().sum::<u64>() > 1 {
            let counts = self.counts.iter().rev().map(|(severity, n)| {
                let plural = if *severity == Severity::Note && *n != 1 {
                    "s"
                } else {
                    ""
                };
                format!("{} {}{plural}", grouped(*n), severity.name())
            });
            lines.push(format!("{file}: {}", counts.collect::<Vec<_>>().join(", ")));
        }
        lines
    }
}

/// The path of all places that differ in the indices of items only.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('[');
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        out += &part[digits..];
    }
    out
}

/// A number with its digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The first faults of an input, and how many more there are.
#[derive(Default)]
pub struct Told {
    file: String,
    /// What tells a fault from others: of two views of one place, or of two results, it is told once.
    known: HashSet<u64>,
    lines: Vec<String>,
    more: u64,
    /// Whether it was told that not all was looked at.
    in_part: bool,
}

impl Told {
    /// Whether it is the first time that this is asked.
    pub fn first_in_part(&mut self) -> bool {
        !std::mem::replace(&mut self.in_part, true)
    }

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
    fn notes_that_are_alike_are_counted() {
        let fault = |path: &str, severity, expected: &str| Fault {
            format: "test".into(),
            path: path.to_owned(),
            offset: None,
            expected: expected.to_owned(),
            found: "y".to_owned(),
            severity,
            lost: false,
        };
        let note = |path: &str, expected| fault(path, Severity::Note, expected);
        let mut listed = Listed::default();
        assert!(listed.end("F").is_empty());
        assert!(listed.is_new(&note(".a[0].b", "x")));
        assert!(listed.end("F").is_empty());
        assert!(!listed.is_new(&note(".a[17].b", "x")));
        assert!(listed.is_new(&note(".a[0].c", "x")));
        assert!(listed.is_new(&note(".a[1].c", "z")));
        // faults are listed one by one
        for _ in 0..2 {
            assert!(listed.is_new(&fault(".a[0].b", Severity::Damage, "x")));
        }
        assert!(listed.is_new(&fault(".a[0].b", Severity::Stops, "x")));
        assert_eq!(
            listed.end("F"),
            [
                "F: .a[].b: note: \u{2026} and 1 more like it",
                "F: 1 stops, 2 damage, 4 notes"
            ]
        );
        assert_eq!(
            [999, 1203, 1234567].map(grouped),
            ["999", "1,203", "1,234,567"]
        );
        assert_eq!(without_indices(".a[3].m[\"k\"][12]"), ".a[].m[\"k\"][]");
    }

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
