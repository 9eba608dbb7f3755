//! Random walks over nodes, random values for leaves, random damage.

use binq_core::{Key, Node, NodeKind, Plain, Scalar};
use bytes::Bytes;

/// A small generator (SplitMix64), so that a case is reproduced by its seed.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }
}

/// Truncate, flip bits, overwrite, or splice a part elsewhere.
pub fn damage(bytes: &Bytes, rng: &mut Rng) -> Bytes {
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
                out[at..at + n].fill(rng.next() as u8);
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

/// The root, with an edited node put back at a path.
pub fn put_back(root: &Node, path: &[Key], child: Node) -> Node {
    let Some((key, rest)) = path.split_first() else {
        return child;
    };
    let mut node = root.clone();
    match key {
        Key::Name(name) => {
            let inner = node.take_field(name).unwrap();
            node.put_field(put_back(&inner, rest, child));
        }
        Key::Index(i) => {
            let inner = node.take_item(*i).unwrap();
            node.put_item(*i, put_back(&inner, rest, child));
        }
    }
    node
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
                _ => Scalar::Int(i128::from(rng.next() >> (64 - bits.min(64)))),
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

/// A path as `path_text` writes it.
pub fn parse(path: &str) -> Vec<Key> {
    let parts = path.split(['.', '[', ']']).filter(|p| !p.is_empty());
    parts
        .map(|p| match p.parse() {
            Ok(i) => Key::Index(i),
            Err(_) => Key::Name(p.to_owned().into()),
        })
        .collect()
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

/// Visit each leaf of a node.
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
