//! What the tests of the laws share: random walks over nodes, random values for leaves, random damage.
//!
//! For tests only: formats and the registry depend on it for their own tests.
#![forbid(unsafe_code)]

pub mod check;
pub mod compare;
pub mod edits;
mod skip;
pub mod spelled;
pub mod wire;

pub use skip::{required, skip, skip_anyway};

use binq_core::{Key, Node, NodeKind, Plain, Reject, Scalar};
use bytes::Bytes;

/// A small generator (SplitMix64), so that a case is reproduced by its seed.
pub struct Rng(u64);

impl Rng {
    /// A generator that starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn random(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` - 1; 0 for 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.random() % n }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Truncate, flip bits, overwrite, or splice a part elsewhere.
pub fn damage(bytes: &[u8], rng: &mut Rng) -> Bytes {
    let mut out = bytes.to_vec();
    let len = out.len() as u64;
    for _ in 0..=rng.below(4) {
        match rng.below(5) {
            0 => out.truncate(rng.below(len) as usize),
            1 | 2 => {
                let at = rng.below(out.len() as u64) as usize;
                if let Some(b) = out.get_mut(at) {
                    *b ^= 1 << rng.below(8);
                }
            }
            3 => {
                let at = rng.below(out.len() as u64) as usize;
                let n = (rng.below(64) as usize).min(out.len() - at);
                out[at..at + n].fill(rng.random() as u8);
            }
            _ => {
                let from = rng.below(out.len() as u64) as usize;
                let n = (rng.below(10_000) as usize).min(out.len() - from);
                let part = out[from..from + n].to_vec();
                let at = rng.below(out.len() as u64) as usize;
                out.splice(at..at, part);
                out.truncate(len as usize);
            }
        }
    }
    out.into()
}

/// The path of a leaf that a random walk from `node` comes to.
pub fn random_leaf(node: &Node, rng: &mut Rng) -> Option<Vec<Key>> {
    let mut path = Vec::new();
    let mut node = node.clone();
    for _ in 0..64 {
        match node.kind() {
            NodeKind::Scalar => return Some(path),
            NodeKind::Object => {
                let fields = node.fields();
                let i = rng.below(fields.len() as u64) as usize;
                let (name, child) = fields.into_iter().nth(i)?;
                path.push(Key::Name(name));
                node = child;
            }
            NodeKind::Array => {
                // often the last ones: the end of a log has rules of its own
                let len = node.len();
                let i = match rng.below(4) {
                    0 => len.saturating_sub(1 + rng.below(3)),
                    _ => rng.below(len),
                };
                node = node.item(i)?;
                path.push(Key::Index(i));
            }
        }
    }
    None
}

/// The node at a path.
pub fn follow(root: &Node, path: &[Key]) -> Option<Node> {
    path.iter().try_fold(root.clone(), |node, key| match key {
        Key::Name(name) => node.field(name),
        Key::Index(i) => node.item(*i),
    })
}

/// The root, with the node at a path changed; the path is one that there is.
///
/// # Errors
/// What `f` refuses.
pub fn update(
    root: &Node,
    path: &[Key],
    f: &mut dyn FnMut(Node) -> Result<Node, Reject>,
) -> Result<Node, Reject> {
    let Some((key, rest)) = path.split_first() else {
        return f(root.clone());
    };
    let mut node = root.clone();
    match key {
        Key::Name(name) => {
            let inner = node.take_field(name).expect("a field of the path");
            node.put_field(update(&inner, rest, f)?);
        }
        Key::Index(i) => {
            let inner = node.take_item(*i).expect("an item of the path");
            node.put_item(*i, update(&inner, rest, f)?);
        }
    }
    Ok(node)
}

/// The root, with an edited node put back at a path.
pub fn put_back(root: &Node, path: &[Key], child: Node) -> Node {
    let mut child = Some(child);
    let put = &mut |_| Ok(child.take().expect("one place"));
    update(root, path, put).expect("putting back refuses nothing")
}

/// Visit each leaf below a node.
pub fn leaves(node: &Node, visit: &mut impl FnMut(&Node)) {
    match node.kind() {
        NodeKind::Scalar => visit(node),
        NodeKind::Object => node
            .fields()
            .iter()
            .for_each(|(_, child)| leaves(child, visit)),
        NodeKind::Array => node.items().for_each(|child| leaves(&child, visit)),
    }
}

/// Another value for a leaf, of the same size unless it `resizes`, and the leaf with that value; `None` for one that takes
/// none.
pub fn random_value(leaf: &Node, rng: &mut Rng, resizes: bool) -> Option<(Scalar, Node)> {
    let bits = leaf.span().len;
    for _ in 0..8 {
        let value = match leaf.actual()? {
            Scalar::Int(_) if bits == 0 => return None,
            Scalar::Int(old) => match rng.below(4) {
                0 => Scalar::Int(0),
                1 => Scalar::Int(old + 1),
                2 => Scalar::Int(old - 1),
                _ => Scalar::Int(i128::from(rng.random() >> (64 - bits.min(64)))),
            },
            Scalar::Bool(b) => Scalar::Bool(!b),
            Scalar::Bytes(b) => {
                let mut b = b.to_vec();
                let i = rng.below(b.len() as u64) as usize;
                *b.get_mut(i)? ^= 1 + rng.below(255) as u8;
                Scalar::Bytes(b.into())
            }
            Scalar::Str(s) if resizes => Scalar::from(&*random_text(&s, rng)),
            _ => return None,
        };
        if let Ok(edited) = leaf.clone().assign(Plain::Scalar(value.clone())) {
            // a change of size moves what follows; that is tested for itself where it moves much
            let same_size = edited
                .bytes()
                .is_ok_and(|b| b.len() as u64 == bits.div_ceil(8));
            if edited.is_edited() && (resizes || same_size) {
                // some values can be written in several ways
                return Some((edited.actual()?, edited));
            }
        }
    }
    None
}

/// A text that differs in one letter, or is shorter or longer.
fn random_text(old: &str, rng: &mut Rng) -> String {
    let mut all: Vec<char> = old.chars().collect();
    let letter = |rng: &mut Rng| char::from(b'!' + rng.below(94) as u8);
    let at = rng.below(all.len() as u64 + 1) as usize;
    match rng.below(4) {
        0 => all.truncate(at),
        1 => all.extend((0..rng.below(40)).map(|_| letter(rng))),
        _ if at < all.len() => all[at] = letter(rng),
        _ => all.push('ü'),
    }
    all.into_iter().collect()
}

/// A path as `path_text` writes it: `.fields[0]."1"`; the dot at its start may be left out.
pub fn parse(path: &str) -> Vec<Key> {
    let mut out = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let end = |from: usize, ends: &[char]| {
            let found = rest[from..].find(ends);
            found.map_or(rest.len(), |i| from + i)
        };
        let to = if rest.starts_with('[') {
            let to = end(1, &[']']);
            out.push(Key::Index(rest[1..to].parse().expect("an index")));
            to + 1
        } else if rest.starts_with(".\"") {
            let to = end(2, &['"']);
            out.push(Key::Name(rest[2..to].to_owned().into()));
            to + 1
        } else {
            let from = usize::from(rest.starts_with('.'));
            let to = end(from, &['.', '[']);
            if to > from {
                out.push(Key::Name(rest[from..to].to_owned().into()));
            }
            to
        };
        rest = &rest[to..];
    }
    out
}

/// Read all there is to read of a node and, of each array, of `most` random items.
pub fn look_at_everything(node: &Node, rng: &mut Rng, most: u64) {
    let _ = (
        node.fault(),
        node.description(),
        node.ranges(),
        node.offset(),
    );
    match node.kind() {
        NodeKind::Scalar => {
            let _ = (node.scalar(), node.symbol());
        }
        NodeKind::Object => {
            for (name, child) in node.fields() {
                assert!(node.field(&name).is_some(), "{}", child.path_text());
                look_at_everything(&child, rng, most);
            }
        }
        NodeKind::Array => {
            let len = node.len();
            assert_eq!(node.items().count() as u64, len);
            for i in (0..most.min(len))
                .map(|_| rng.below(len))
                .collect::<Vec<_>>()
            {
                let item = node.item(i).expect("an index below the length");
                look_at_everything(&item, rng, most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        let name = |n: &'static str| Key::Name(n.into());
        for path in [
            vec![],
            vec![Key::Index(3)],
            vec![name("a"), Key::Index(0), Key::Index(1), name("1")],
            vec![name("[pkg.ext]"), name("b.c"), name("d")],
        ] {
            assert_eq!(parse(&binq_core::path_text(&path)), path);
        }
    }
}
