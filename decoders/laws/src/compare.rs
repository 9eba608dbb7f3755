//! Comparing what was edited with what is read from the bytes that the edit made.

use crate::Rng;
use binq_core::{Key, Node, NodeKind, Scalar, Span, path_text};

/// Whether two values are the same: bytes that are text may be shown as text, and NaN is NaN.
pub fn same(a: Option<&Scalar>, b: Option<&Scalar>) -> bool {
    match (a, b) {
        (Some(Scalar::Float(a)), Some(Scalar::Float(b))) => {
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
        }
        (Some(a), Some(b)) => a == b || a.as_bytes().is_some_and(|a| Some(a) == b.as_bytes()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// A difference between the tree that was edited and the one that was read again.
#[derive(Debug)]
pub struct Difference {
    /// Where, in both.
    pub path: Vec<Key>,
    /// What it was, or should be.
    pub wanted: String,
    /// What it is.
    pub read: String,
    /// Whether it is a derived field that does not hold what its rule says.
    pub is_derived: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, what) = (
            path_text(&self.path),
            if self.is_derived { "should be" } else { "was" },
        );
        write!(f, "{path} {what} {}, is {}", self.wanted, self.read)
    }
}

/// A walk over two trees at once.
pub struct Comparison<'a> {
    /// What was edited: there, everything is compared.
    pub edited: &'a [Key],
    /// Where edits were made, in the input before: what has a bit there shows the edit in its own view only.
    pub touched: &'a [Span],
    /// Whether what is computed and not stored is left out: it says where things are, and what they are called.
    pub moved: bool,
    /// Whether derived fields must be right.
    pub fixed: bool,
    /// Leaves that are not compared.
    pub skip: &'a dyn Fn(&[Key], &Node) -> bool,
    /// How many leaves were compared.
    pub leaves: u64,
    /// How many derived fields were asked.
    pub derived: u64,
    /// What was found.
    pub found: Vec<Difference>,
}

/// Of longer arrays, only the items near the edit and some others are compared.
const LONG: u64 = 48;

impl Comparison<'_> {
    /// Compare a node with edits, at a path, with what was read.
    pub fn nodes(&mut self, path: &mut Vec<Key>, edited: &Node, read: Option<&Node>) {
        if self.found.len() >= 20 || (self.skip)(path, edited) {
            return;
        }
        let Some(read) = read else {
            // a list of nothing may be no list
            let is_nothing = edited.kind() != NodeKind::Scalar && edited.is_empty();
            if !is_nothing && !self.is_other_view(path, edited) {
                self.differ(path, show(edited), "not there".to_owned(), false);
            }
            return;
        };
        match edited.kind() {
            _ if edited.kind() != read.kind() => {
                if !self.is_other_view(path, edited) {
                    self.differ(path, show(edited), show(read), false);
                }
            }
            NodeKind::Scalar => self.leaf(path, edited, read),
            NodeKind::Object => {
                let fields = edited.fields();
                let others = read.fields();
                for (name, child) in &fields {
                    let other = others.iter().find(|(n, _)| n == name).map(|(_, n)| n);
                    path.push(Key::Name(name.clone()));
                    self.nodes(path, child, other);
                    path.pop();
                }
                for (name, other) in &others {
                    if !fields.iter().any(|(n, _)| n == name) && !other.is_computed() {
                        path.push(Key::Name(name.clone()));
                        if !(self.skip)(path, other) && !self.is_other_view(path, edited) {
                            self.differ(path, "not there".to_owned(), show(other), false);
                        }
                        path.pop();
                    }
                }
            }
            NodeKind::Array => {
                let (len, now) = (edited.len(), read.len());
                if len != now && !self.is_other_view(path, edited) {
                    self.differ(path, format!("{len} items"), format!("{now} items"), false);
                }
                for i in some(len.min(now), path, self.edited) {
                    path.push(Key::Index(i));
                    if let Some(item) = edited.item(i) {
                        self.nodes(path, &item, read.item(i).as_ref());
                    }
                    path.pop();
                }
            }
        }
    }

    /// Whether a node, which is not around the edit nor inside it, has bytes that were edited. The lists of the root are no
    /// views: what is in them stays in them.
    fn is_other_view(&self, path: &[Key], node: &Node) -> bool {
        if path.len() < 2 && node.kind() == NodeKind::Array {
            return false;
        }
        let apart = !path.starts_with(self.edited) && !self.edited.starts_with(path);
        let touches = |r: &Span| self.touched.iter().any(|t| t.len > 0 && r.touches(*t));
        apart && node.ranges().iter().any(touches)
    }

    fn leaf(&mut self, path: &[Key], edited: &Node, read: &Node) {
        let (was, is) = (edited.actual(), read.actual());
        let within = path.starts_with(self.edited);
        if let (Some(right), true) = (read.right(), self.fixed) {
            self.derived += 1;
            if !same(Some(&right), is.as_ref()) {
                // one that was wrong may stay so, one that was assigned is as assigned
                let before = edited.as_decoded();
                let was_wrong = before.right().is_none_or(|r| Some(r) != before.actual());
                let assigned = (within || edited.is_edited()) && same(was.as_ref(), is.as_ref());
                if !was_wrong && !assigned {
                    self.differ(path, right.to_string(), show(read), true);
                }
            }
            return;
        }
        if self.moved && edited.is_computed() || self.is_other_view(path, edited) {
            return;
        }
        self.leaves += 1;
        if !same(was.as_ref(), is.as_ref()) {
            self.differ(path, show(edited), show(read), false);
        }
    }

    fn differ(&mut self, path: &[Key], wanted: String, read: String, is_derived: bool) {
        self.found.push(Difference {
            path: path.to_vec(),
            wanted,
            read,
            is_derived,
        });
    }
}

/// The items of an array that are compared.
fn some(len: u64, path: &[Key], edited: &[Key]) -> Vec<u64> {
    if len <= LONG {
        return (0..len).collect();
    }
    let mut rng = Rng::new(len);
    let mut all: Vec<u64> = (0..16).map(|_| rng.below(len)).collect();
    all.extend(0..4);
    all.extend(len - 4..len);
    if let (true, Some(Key::Index(i))) = (edited.starts_with(path), edited.get(path.len())) {
        all.extend(i.saturating_sub(6)..(i + 6).min(len));
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn show(node: &Node) -> String {
    match (node.kind(), node.actual()) {
        (NodeKind::Scalar, Some(value)) => value.to_string(),
        (NodeKind::Scalar, None) => "undecodable".to_owned(),
        (NodeKind::Object, _) => format!("an object {}", node.shape_name().unwrap_or("")),
        (NodeKind::Array, _) => format!("an array of {}", node.len()),
    }
}
