//! The laws over the samples of one format, for the tests of its own crate: [`check!`](crate::check!).
//!
//! `decoders/all/tests/laws` holds more of them, over all formats together, and knows their excuses. Here a format has its own.

use crate::compare::{Comparison, same};
use crate::edits::{Change, What, random_change};
use crate::{Rng, damage, follow, look_at_everything, parse};
use binq_core::encode::{Did, EncodeOptions, Note, encode, rebuild};
use binq_core::{Format, Key, Node, Options, Severity, Space, path_text};
use bytes::Bytes;
use std::path::Path;

/// How many cases each sample has, one half of them damaged.
const CASES: u64 = 60;

/// What a format says of its samples, and what it excuses.
#[derive(Clone, Copy, Default)]
pub struct Given {
    /// How the names of the samples end, where other files lie beside them.
    pub ending: &'static str,
    /// Names of fields that say how others are read: what is assigned to one is read again, and others read otherwise.
    pub shaping: &'static [&'static str],
    /// Parts of what is said where an edit is refused for what the input is.
    pub refusals: &'static [&'static str],
    /// How many bytes of a sample no field shows, such as padding.
    pub unshown: u64,
}

/// The laws over the samples of a folder, as one test named `laws`. The path is that from the crate.
///
/// ```ignore
/// binq_laws::check!(binq_png::PNG, "../../samples/png", shaping: &["length", "type"][..]);
/// ```
#[macro_export]
macro_rules! check {
    ($format:expr, $folder:literal $(, $name:ident: $value:expr)* $(,)?) => {
        #[test]
        fn laws() {
            let folder = ::std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join($folder);
            #[allow(unused_mut)]
            let mut given = $crate::check::Given::default();
            $( given.$name = ($value).into(); )*
            $crate::check::folder(&$format, &folder, given);
        }
    };
}

/// The laws over the samples of a folder.
///
/// # Panics
/// Where one does not hold; the message names the sample and the seed.
pub fn folder(format: &dyn Format, folder: &Path, given: Given) {
    let files = std::fs::read_dir(folder).expect("a folder of samples");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.is_file() && path.to_string_lossy().ends_with(given.ending));
    paths.sort();
    assert!(!paths.is_empty(), "no samples");
    let (mut asserted, mut cases) = (0, 0);
    for path in paths {
        let bytes: Bytes = std::fs::read(&path).expect("a sample").into();
        let name = path.display();
        let check = Check { format, given };
        check
            .sound(&bytes)
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        for seed in 0..CASES {
            let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) + 1);
            let bytes = match seed % 2 {
                0 => bytes.clone(),
                _ => damage(&bytes, &mut rng),
            };
            let done = check
                .all(&bytes, &mut rng)
                .unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}"));
            (asserted, cases) = (asserted + u64::from(done), cases + 1);
        }
    }
    assert!(
        asserted * 10 >= cases * 9,
        "only {asserted} of {cases} cases assert something of an edit"
    );
}

struct Check<'a> {
    format: &'a dyn Format,
    given: Given,
}

impl Check<'_> {
    fn decode(&self, bytes: &Bytes) -> Node {
        let space = Space::source(bytes.clone());
        self.format.decode(space, &Options::default())
    }

    /// What holds of a sample as it is: it has no fault, and is the sum of its parts.
    fn sound(&self, bytes: &Bytes) -> Result<(), String> {
        let root = self.decode(bytes);
        let fault = root.findings().find(|f| f.severity > Severity::Note);
        if let Some(fault) = fault {
            return Err(format!("a sound sample has a fault: {fault}"));
        }
        let unowned = rebuild(&root).unowned().iter().map(|s| s.len / 8).sum();
        match self.given.unshown < unowned {
            true => Err(format!("{unowned} bytes are in no field")),
            false => Ok(()),
        }
    }

    /// All laws of one input; whether something was asserted of an edit.
    fn all(&self, bytes: &Bytes, rng: &mut Rng) -> Result<bool, String> {
        let root = self.decode(bytes);
        self.identity(&root, bytes)?;
        look_at_everything(&root, rng, 500);
        let Some(change) = random_change(&root, rng) else {
            return Ok(false);
        };
        self.put_get(&root, &change)
    }

    /// Law 1.
    fn identity(&self, root: &Node, bytes: &Bytes) -> Result<(), String> {
        let copied = encode(root, &EncodeOptions::default()).map_err(|e| e.to_string())?;
        if copied.to_bytes() != *bytes {
            return Err("what no edit touched is not what it was".to_owned());
        }
        let rebuilt = rebuild(root);
        if let Some(wrong) = rebuilt.wrong.first() {
            return Err(format!("put together anew: {wrong}"));
        }
        let mut expected = bytes.to_vec();
        for span in rebuilt.unowned() {
            let (from, to) = (span.first_byte() as usize, span.end_byte() as usize);
            expected[from..to].copy_from_slice(&rebuilt.bytes[from..to]);
        }
        match rebuilt.bytes == expected {
            true => Ok(()),
            false => Err("put together anew, it is other bytes".to_owned()),
        }
    }

    /// Laws 2, 4, 5 and 6; whether something was asserted.
    fn put_get(&self, root: &Node, change: &Change) -> Result<bool, String> {
        let text = format!("{:?} {}", change.what, path_text(&change.path));
        let out = match encode(&change.edited, &EncodeOptions::default()) {
            Ok(out) => out,
            Err(e) => {
                let (e, known) = (e.to_string(), self.given.refusals.iter());
                return match known.into_iter().any(|part| e.contains(part)) {
                    true => Ok(false),
                    false => Err(format!("{text} is refused: {e}")),
                };
            }
        };
        let again = self.decode(&out.to_bytes());
        if self.is_shaping(&change.path) {
            return Ok(true);
        }
        if let (Some(value), What::Value) = (&change.given, change.what) {
            let read = follow(&again, &change.path).ok_or(format!("{text}: it is gone"))?;
            let shown = follow(&change.edited, &change.path).and_then(|n| n.actual());
            if !same(shown.as_ref(), read.actual().as_ref()) {
                return Err(format!("{text} = {value:?}: {:?} is read", read.actual()));
            }
        }
        // what follows from the edit is told
        let told = out.report.notes.iter();
        let told = told.filter(|n| matches!(n.did, Did::Recomputed { .. }));
        let told = told.filter_map(|note| follow(root, &parse(&note.path)));
        let touched: Vec<_> = told
            .chain(follow(root, &change.path))
            .flat_map(|node| node.ranges())
            .collect();
        let mut comparison = Comparison {
            edited: &change.path,
            touched: &touched,
            moved: true,
            fixed: true,
            skip: &|path, _| self.is_shaping(path) && path.starts_with(&change.path),
            leaves: 0,
            derived: 0,
            found: Vec::new(),
        };
        comparison.nodes(&mut Vec::new(), &change.edited, Some(&again));
        // a length that was assigned along, and does not fit, stays
        let left = |note: &Note| matches!(note.did, Did::LeftWrong { .. });
        let left = change.what == What::Struct && out.report.notes.iter().any(left);
        match comparison.found.first() {
            Some(found) if !left && !self.shapes(root, change) => Err(format!("{text}: {found}")),
            _ => Ok(true),
        }
    }

    fn is_shaping(&self, path: &[Key]) -> bool {
        let last = path.iter().rev().find_map(|key| match key {
            Key::Name(name) => Some(&**name),
            Key::Index(_) => None,
        });
        last.is_some_and(|last| self.given.shaping.contains(&last))
    }

    /// Whether a field in what was edited says how others are read, and has another value now.
    fn shapes(&self, root: &Node, change: &Change) -> bool {
        let (Some(was), Some(now)) = (
            follow(root, &change.path),
            follow(&change.edited, &change.path),
        ) else {
            return false;
        };
        let mut path = change.path.clone();
        self.differs(&mut path, &was, &now)
    }

    fn differs(&self, path: &mut Vec<Key>, was: &Node, now: &Node) -> bool {
        let children = |node: &Node| -> Vec<(Key, Node)> {
            let fields = node.fields().into_iter().map(|(n, c)| (Key::Name(n), c));
            let items = (0..).zip(node.items()).map(|(i, c)| (Key::Index(i), c));
            fields.chain(items).collect()
        };
        let (old, new) = (children(was), children(now));
        if old.is_empty() && new.is_empty() {
            return self.is_shaping(path) && !same(was.actual().as_ref(), now.actual().as_ref());
        }
        new.into_iter().any(|(key, now)| {
            let was = old.iter().find(|(k, _)| *k == key);
            path.push(key);
            let differs = was.is_some_and(|(_, was)| self.differs(path, was, &now));
            path.pop();
            differs
        })
    }
}
