//! Random edits of every kind: values of every kind, other sizes, items and fields that come and go, whole structs and arrays.

use crate::{Rng, follow, put_back, random_leaf};
use binq_core::{Key, Node, NodeKind, Plain, Scalar};

/// The kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A leaf was assigned a value.
    Value,
    /// A struct was assigned an object, or another struct.
    Struct,
    /// An array was assigned a list.
    Array,
    /// An item was removed.
    Remove,
    /// A copy of an item was inserted.
    Insert,
    /// An item was moved.
    Move,
    /// A field was removed.
    RemoveField,
    /// A field was removed, and added with the value that it had.
    AddField,
}

/// All kinds.
pub const EVERY_KIND: [What; 8] = [
    What::Value,
    What::Struct,
    What::Array,
    What::Remove,
    What::Insert,
    What::Move,
    What::RemoveField,
    What::AddField,
];

/// An edit of a tree.
pub struct Change {
    /// Its kind.
    pub what: What,
    /// The node that was assigned, or that items or fields came to or went from.
    pub path: Vec<Key>,
    /// The root with the edit.
    pub edited: Node,
    /// For a leaf: the value that was given.
    pub given: Option<Scalar>,
}

/// Structs and arrays with more leaves than this are not assigned as a whole.
const MOST: usize = 400;

/// A random edit that is accepted where it is made; `None` where 24 tries found none.
pub fn random_change(root: &Node, rng: &mut Rng) -> Option<Change> {
    for _ in 0..24 {
        let Some(path) = random_leaf(root, rng) else {
            continue;
        };
        let what = match rng.below(20) {
            0..=10 => What::Value,
            11 | 12 => What::Struct,
            13 => What::Array,
            14 | 15 => What::Remove,
            16 => What::Insert,
            17 => What::Move,
            18 => What::RemoveField,
            _ => What::AddField,
        };
        if let Some(change) = change(root, path, what, rng) {
            return Some(change);
        }
    }
    None
}

/// An edit of that kind at the leaf of that path, or at what is around it.
pub fn change(root: &Node, mut path: Vec<Key>, what: What, rng: &mut Rng) -> Option<Change> {
    let done = |path: Vec<Key>, node: Node, given| Change {
        what,
        edited: put_back(root, &path, node),
        path,
        given,
    };
    if what == What::Value {
        let (given, node) = every_value(&follow(root, &path)?, rng)?;
        return Some(done(path, node, Some(given)));
    }
    // the nearest one of that kind, or one further out
    let wanted = match what {
        What::Struct | What::RemoveField | What::AddField => NodeKind::Object,
        _ => NodeKind::Array,
    };
    let mut further = rng.below(3);
    let around = loop {
        path.pop()?;
        let node = follow(root, &path)?;
        if node.kind() == wanted {
            if further == 0 || path.is_empty() {
                break node;
            }
            further -= 1;
        }
    };
    let node = match what {
        What::Struct => whole_struct(root, &around, &path, rng)?,
        What::Array => {
            let items = plain(&around, &mut MOST.clone())?;
            around.clone().assign(changed(items, rng)?).ok()?
        }
        What::RemoveField => {
            let name = random_field(&around, rng)?;
            around.clone().remove_field(&name).ok()?
        }
        What::AddField => {
            let name = random_field(&around, rng)?;
            let value = around.field(&name)?;
            let value = match rng.one_in(2) {
                true => Plain::Node(value),
                false => plain(&value, &mut MOST.clone())?,
            };
            let without = around.clone().remove_field(&name).ok()?;
            without.add_field(&name, value).ok()?
        }
        _ => {
            let len = around.len();
            if len == 0 || len > 20_000 {
                return None;
            }
            let mut items: Vec<_> = around.items().map(Plain::Node).collect();
            let i = near(len, rng);
            let item = changed_within(&around.item(i as u64)?, rng);
            match what {
                What::Remove => {
                    items.remove(i);
                }
                What::Insert => items.insert(near(len, rng), item),
                _ => {
                    items.remove(i);
                    items.insert(near(len, rng).min(items.len()), item);
                }
            }
            around.clone().set_items(items).ok()?
        }
    };
    node.is_edited().then(|| done(path, node, None))
}

/// An item that comes to lie elsewhere: in one of two cases a leaf in it has another value, too.
fn changed_within(item: &Node, rng: &mut Rng) -> Plain {
    let changed = |rng: &mut Rng| {
        let path = random_leaf(item, rng)?;
        let (_, leaf) = every_value(&follow(item, &path)?, rng)?;
        Some(put_back(item, &path, leaf))
    };
    let changed = rng.one_in(2).then(|| changed(rng)).flatten();
    Plain::Node(changed.unwrap_or_else(|| item.clone()))
}

/// An index, often one of the ends.
fn near(len: u64, rng: &mut Rng) -> usize {
    let i = match rng.below(4) {
        0 => 0,
        1 => len - 1,
        _ => rng.below(len),
    };
    usize::try_from(i).unwrap_or(0)
}

fn random_field(node: &Node, rng: &mut Rng) -> Option<String> {
    let fields = node.fields();
    let i = rng.below(fields.len() as u64) as usize;
    Some(fields.into_iter().nth(i)?.0.into_owned())
}

/// A struct with the value of another one like it, or with one of its own leaves changed, given as an object.
fn whole_struct(root: &Node, node: &Node, path: &[Key], rng: &mut Rng) -> Option<Node> {
    let other = match path.split_last() {
        Some((Key::Index(_), array)) if rng.one_in(2) => {
            let array = follow(root, array)?;
            array.item(rng.below(array.len()))?
        }
        _ => {
            let object = changed(plain(node, &mut MOST.clone())?, rng)?;
            return node.clone().assign(object).ok();
        }
    };
    let value = match rng.one_in(2) {
        true => Plain::Node(other),
        false => plain(&other, &mut MOST.clone())?,
    };
    node.clone().assign(value).ok()
}

/// A node as a value that stands for itself, if it has few leaves.
pub fn plain(node: &Node, most: &mut usize) -> Option<Plain> {
    *most = most.checked_sub(1)?;
    Some(match node.kind() {
        NodeKind::Scalar => Plain::Scalar(node.scalar()),
        NodeKind::Object => {
            let fields = node.fields().into_iter();
            let pairs = fields.map(|(name, child)| Some((name.into_owned(), plain(&child, most)?)));
            Plain::Object(pairs.collect::<Option<_>>()?)
        }
        NodeKind::Array => Plain::Array(
            node.items()
                .map(|i| plain(&i, most))
                .collect::<Option<_>>()?,
        ),
    })
}

/// The same with one number or text in it changed.
fn changed(value: Plain, rng: &mut Rng) -> Option<Plain> {
    Some(match value {
        Plain::Scalar(Scalar::Int(n)) => Plain::Scalar(Scalar::Int(n ^ i128::from(rng.below(8)))),
        Plain::Scalar(Scalar::Bool(b)) => Plain::Scalar(Scalar::Bool(!b)),
        Plain::Scalar(Scalar::Str(s)) => Plain::Scalar(random_text(&s, rng).into()),
        Plain::Scalar(s) => Plain::Scalar(s),
        Plain::Object(mut pairs) => {
            let i = rng.below(pairs.len() as u64) as usize;
            let (name, value) = pairs.get(i)?.clone();
            pairs[i] = (name, changed(value, rng)?);
            Plain::Object(pairs)
        }
        Plain::Array(mut items) => {
            let i = rng.below(items.len() as u64) as usize;
            items[i] = changed(items.get(i)?.clone(), rng)?;
            Plain::Array(items)
        }
        Plain::Node(node) => Plain::Node(node),
    })
}

/// A value of any kind that a leaf takes, and the leaf with it; `None` where 16 tries found none.
pub fn every_value(leaf: &Node, rng: &mut Rng) -> Option<(Scalar, Node)> {
    let old = leaf.actual()?;
    (0..16).find_map(|_| {
        let value = match rng.below(16) {
            0 => Scalar::Null,
            1 => any_value(rng),
            _ => like(leaf, &old, rng)?,
        };
        let edited = leaf.clone().assign(Plain::Scalar(value.clone())).ok()?;
        (edited.is_edited() && edited.actual().as_ref() != Some(&old)).then_some((value, edited))
    })
}

/// A value of any kind.
fn any_value(rng: &mut Rng) -> Scalar {
    match rng.below(6) {
        0 => Scalar::Int(border(64, rng)),
        1 => Scalar::Bool(rng.one_in(2)),
        2 => Scalar::Float(float(rng)),
        3 => random_text("", rng).into(),
        4 => Scalar::Bytes(random_bytes(&[], rng).into()),
        _ => Scalar::from("2024-02-29T12:34:56.789Z"),
    }
}

/// Another value of the kind that a leaf has.
fn like(leaf: &Node, old: &Scalar, rng: &mut Rng) -> Option<Scalar> {
    let shown = leaf.scalar();
    Some(match (old, &shown) {
        // an LSN, a time, or a name
        (Scalar::Int(_), Scalar::Str(text)) if rng.one_in(2) => symbol_like(leaf, text, rng),
        (Scalar::Int(n), _) => match rng.below(4) {
            0 => Scalar::Int(n + 1),
            1 => Scalar::Int(n - 1),
            _ => Scalar::Int(border(leaf.span().len, rng)),
        },
        (Scalar::Bool(b), _) => Scalar::Bool(!b),
        (Scalar::Float(_), _) => Scalar::Float(float(rng)),
        (Scalar::Str(text), _) if is_time(text) => digits(text, rng),
        (Scalar::Str(text), _) => random_text(text, rng).into(),
        (Scalar::Bytes(b), _) => Scalar::Bytes(random_bytes(b, rng).into()),
        (Scalar::Null, _) => return None,
    })
}

/// Numbers at the borders of what a field of so many bits holds, signed or not, and of varints.
fn border(bits: u64, rng: &mut Rng) -> i128 {
    const OTHERS: [u64; 9] = [1, 7, 8, 14, 16, 21, 28, 32, 64];
    let bits = match rng.below(3) {
        0 => OTHERS[rng.below(OTHERS.len() as u64) as usize],
        _ => bits.clamp(1, 64),
    };
    match rng.below(8) {
        0 => 0,
        1 => (1 << bits) - 1,
        2 => 1 << bits,
        3 => (1 << (bits - 1)) - 1,
        4 => 1 << (bits - 1),
        5 => -(1 << (bits - 1)),
        6 => -1,
        _ => i128::from(rng.random() >> (64 - bits)),
    }
}

fn float(rng: &mut Rng) -> f64 {
    const SOME: [f64; 12] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        16_777_217.0,
    ];
    match rng.below(3) {
        0 => f64::from_bits(rng.random()),
        _ => SOME[rng.below(SOME.len() as u64) as usize],
    }
}

fn is_time(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() >= 19 && bytes.nth(4) == Some(b'-') && bytes.nth(5) == Some(b'T')
}

/// The text with one of its digits changed.
fn digits(text: &str, rng: &mut Rng) -> Scalar {
    let mut bytes = text.as_bytes().to_vec();
    let at = rng.below(bytes.len() as u64) as usize;
    if let Some(b) = bytes.iter_mut().skip(at).find(|b| b.is_ascii_digit()) {
        *b = b'0' + rng.below(3) as u8;
    }
    String::from_utf8(bytes).unwrap_or_default().into()
}

/// Another text for a number that is shown as one: those that the refusal of a wrong one names, another LSN, another time.
fn symbol_like(leaf: &Node, text: &str, rng: &mut Rng) -> Scalar {
    let is_lsn = text.split_once('/').is_some_and(|(high, low)| {
        [high, low]
            .iter()
            .all(|h| u32::from_str_radix(h, 16).is_ok())
    });
    if is_lsn {
        let high = rng.below(3);
        return format!("{high:X}/{:X}", rng.random() >> 32 >> rng.below(32)).into();
    }
    if is_time(text) {
        return digits(text, rng);
    }
    let refusal = match leaf.clone().assign(Plain::Scalar("no such name".into())) {
        Err(e) => e.to_string(),
        Ok(_) => return random_text(text, rng).into(),
    };
    let names = refusal.split_once("one of ").map_or("", |(_, names)| names);
    let names = names.split_once(", not ").map_or(names, |(names, _)| names);
    let names: Vec<_> = names.split(", ").collect();
    names[rng.below(names.len() as u64) as usize].into()
}

/// A text that differs in one letter, or is shorter, longer or empty.
pub fn random_text(old: &str, rng: &mut Rng) -> String {
    let mut all: Vec<char> = old.chars().collect();
    let letter = |rng: &mut Rng| match rng.below(12) {
        0 => ['ü', '\u{1f600}', '"', '\\', ' ', '%'][rng.below(6) as usize],
        _ => char::from(b'!' + rng.below(94) as u8),
    };
    let at = rng.below(all.len() as u64 + 1) as usize;
    match rng.below(6) {
        0 => all.truncate(at),
        1 => all.clear(),
        2 => all.extend((0..rng.below(40)).map(|_| letter(rng))),
        3 => all.extend((0..rng.below(400)).map(|_| letter(rng))),
        _ if at < all.len() => all[at] = letter(rng),
        _ => all.push('ü'),
    }
    all.into_iter().collect()
}

/// Bytes that differ in one, or are fewer, more or none.
pub fn random_bytes(old: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut all = old.to_vec();
    let at = rng.below(all.len() as u64 + 1) as usize;
    match rng.below(6) {
        0 => all.truncate(at),
        1 => all.clear(),
        2 => all.extend((0..rng.below(40)).map(|_| rng.random() as u8)),
        3 => {
            all.splice(at..at, (0..rng.below(300)).map(|_| rng.random() as u8));
        }
        _ if at < all.len() => all[at] ^= 1 + rng.below(255) as u8,
        _ => all.push(0xff),
    }
    all
}
