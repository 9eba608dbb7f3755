//! Laws 2, 4 and 6: what was edited is read again from the new bytes, and nothing else changed but what follows from it.

use crate::guesses;
use crate::locality::{differences, is_split, moved, only_resized, told_lengths, within};
use crate::protobuf;
use crate::runner::{Case, Done, run};
use crate::samples::{Sample, decode};
use crate::shaping::{changed, is_shaping};
use binq_core::encode::{Did, EncodeOptions, Encoded, encode};
use binq_core::{Key, Node, Reject, Scalar, path_text};
use binq_laws::compare::{Comparison, Difference, same};
use binq_laws::edits::{Change, What, random_change};
use binq_laws::{Rng, follow, parse};

/// Of a thousand cases, so many may be excused by each of these, which say what they are where they are found.
const EXCUSES: &[(&str, u64)] = &[
    ("no edit is taken", 5),
    ("fragment twice", 2),
    ("fragment lost", 2),
    ("missing bytes", 8),
    ("before an aborted record", 6),
    ("no room before the next file", 14),
    ("header block that is not known", 2),
    ("header block in several frames", 2),
    ("index and name", 2),
    ("record known by its header alone", 2),
    ("magic of the only page", 2),
    ("last record", 8),
    ("space before a gap", 4),
    ("last record before damage", 2),
    ("a record that fills", 5),
    ("another view in what was assigned", 3),
    ("block data that is empty", 2),
    ("entry of a table that others use", 2),
    ("header that says how the body is read", 2),
    ("padding that fits", 2),
    ("packets come and go", 3),
    ("stream that is known by its bytes", 2),
    ("length assigned along", 3),
    ("preface", 8),
    ("split", 3),
    ("mark of a late stream", 2),
    ("remnant of a header block", 2),
    ("mark of a call", 2),
    ("no metadata any more", 2),
    ("index of a name", 2),
    ("informational", 2),
    ("protobuf, read otherwise", 6),
    ("view of what was empty", 2),
    ("an entry of it stays", 4),
    ("file that was streamed, without its entry", 2),
    ("extra field that gave the sizes", 2),
    ("gap that became a file", 2),
    ("behind the last chunk", 4),
];

#[test]
fn what_was_edited_is_read_again() {
    run(1000, EXCUSES, put_get);
}

/// Whether a value that was assigned is what the leaf shows then.
fn shows(leaf: &Node, given: &Scalar) -> bool {
    let as_number = || Some(leaf.actual()?.as_int()? == given.as_int()?);
    // the same number in the other case, or as a `float` holds it
    let (shown, written) = (leaf.scalar(), leaf.actual());
    let text = || Some(shown.as_str()?.eq_ignore_ascii_case(given.as_str()?));
    let single = || match (given, &shown) {
        (Scalar::Float(given), Scalar::Float(shown)) => Some(*given as f32 as f64 == *shown),
        (Scalar::Int(given), Scalar::Float(shown)) => {
            Some(*given as f64 == *shown || *given as f32 as f64 == *shown)
        }
        _ => None,
    };
    let seconds = |s: &Scalar| s.as_str()?.strip_suffix('s')?.parse::<f64>().ok();
    let span = || Some(seconds(given)? == seconds(&shown)?);
    text()
        .filter(|same| *same)
        .or_else(single)
        .or_else(span)
        .unwrap_or(false)
        || same(Some(given), written.as_ref())
        || same(Some(given), Some(&leaf.scalar()))
        || as_number().unwrap_or(false)
}

/// A random edit; of half of them one that changes a size, if one of a few does.
fn some_change(root: &Node, rng: &mut Rng) -> Option<Change> {
    let tries = if rng.one_in(2) { 8 } else { 1 };
    let mut found = None;
    for _ in 0..tries {
        found = random_change(root, rng);
        let Some(change) = &found else {
            break;
        };
        let size = |root| Some(follow(root, &change.path)?.bytes().ok()?.len());
        if size(root) != size(&change.edited) {
            break;
        }
    }
    found
}

fn put_get(case: &mut Case) -> Result<Done, String> {
    let (sample, bytes) = (case.sample, &case.bytes);
    let root = decode(sample, bytes);
    let Some(change) = some_change(&root, &mut case.rng) else {
        return Ok(Done::Ended("no edit is taken"));
    };
    let no_fix = case.rng.one_in(5);
    let (what, path) = (change.what, &change.path);
    let node = follow(&root, path).expect("a path of the tree");
    let fix = if no_fix { ", no_fix" } else { "" };
    let text = format!("{what:?} {}{fix}", path_text(path));
    // the tree that is edited keeps its shape and shows the new value
    let shown = follow(&change.edited, path).ok_or(format!("{text}: gone from the tree"))?;
    if let Some(given) = change.given.as_ref().filter(|given| !shows(&shown, given)) {
        let shown = shown.actual();
        return Err(format!(
            "{text}: {given:?} was assigned, {shown:?} is shown"
        ));
    }
    let out = match encode(&change.edited, &EncodeOptions { no_fix }) {
        Ok(out) => out,
        Err(e) => match refusal(&e) {
            Some(name) => return Ok(Done::Excused(name)),
            None => return Err(format!("{text} is refused: {e}")),
        },
    };
    let new = out.to_bytes();
    let size = |node: &Node| node.bytes().map(|b| b.len()).ok();
    let resized = size(&node) != size(&shown) || new.len() != bytes.len() || what != What::Value;
    let mut fields = Vec::new();
    changed(&mut path.clone(), Some(&node), &shown, &mut fields);
    let mut touched = [
        node.ranges(),
        node.copies(),
        told_lengths(&out, bytes),
        moved(&root, &out),
    ]
    .concat();
    for leaf in fields
        .iter()
        .take(50)
        .filter_map(|field| follow(&root, field))
    {
        touched.extend([leaf.ranges(), leaf.copies()].concat());
    }
    for note in recomputed(&out) {
        if no_fix {
            return Err(format!("{text}: {note}, with --no-fix"));
        }
        if let Some(derived) = follow(&root, &parse(&note.path)) {
            touched.extend([derived.ranges(), derived.copies()].concat());
        }
    }
    // what shows a default is stored once it has another value
    if !resized && node.is_stored() {
        for at in differences(bytes, &new) {
            if !within(at, &touched) {
                return Err(format!("{text}: byte {at} changed, too"));
            }
        }
    }
    if resized && no_fix {
        // no length says what was written: it cannot be read back
        let moves = sample.format == "pg_wal" || what != What::Value || sample.is_base64();
        if !moves && node.is_stored() && !only_resized(bytes, &new, &touched) {
            return Err(format!("{text}: bytes elsewhere changed, too"));
        }
        return Ok(Done::Asserted("resized, no_fix"));
    }
    let again = decode(sample, &new);
    for note in recomputed(&out) {
        if let (Did::Recomputed { to, .. }, Some(field)) =
            (&note.did, follow(&again, &parse(&note.path)))
            && what == What::Value
            && !is_split(&out)
            && !is_shaping(sample.format, path)
            && matches!(to, Scalar::Int(_) | Scalar::Str(_))
            && !same(Some(to), field.actual().as_ref())
            && !same(Some(to), Some(&field.scalar()))
        {
            return Err(format!("{text}: {note}, and is {:?}", field.actual()));
        }
    }
    let skip = |at: &[Key], leaf: &Node| is_free(at, leaf, sample, &change, resized);
    let mut comparison = Comparison {
        edited: path,
        touched: &touched,
        moved: resized,
        fixed: !no_fix,
        skip: &skip,
        leaves: 0,
        derived: 0,
        found: Vec::new(),
    };
    comparison.nodes(&mut Vec::new(), &change.edited, Some(&again));
    let found = comparison.found;
    if found.is_empty() {
        return Ok(Done::Asserted(match what {
            What::Value if !resized => "value",
            What::Value => "value of another size",
            What::Struct => "struct",
            What::Array => "array",
            What::Remove => "item removed",
            What::Insert => "item inserted",
            What::Move => "item moved",
            What::RemoveField => "field removed",
            What::AddField => "field added",
        }));
    }
    let why = Why {
        case: (sample, case.damaged),
        root: &root,
        change: &change,
        node: &node,
        again: &again,
        found: &found,
        no_fix,
        out: &out,
        fields: &fields,
    };
    if let Some(done) = why.excuse() {
        return Ok(done);
    }
    let found = found
        .iter()
        .take(4)
        .map(|d| d.to_string().chars().take(200).collect());
    let found: Vec<String> = found.collect();
    let (given, notes) = (&change.given, &out.report.notes);
    let sizes = if resized { "resized" } else { "same size" };
    let notes: Vec<String> = notes.iter().take(6).map(ToString::to_string).collect();
    Err(format!(
        "{text} ({sizes}) = {given:?}: {found:#?} {notes:?}"
    ))
}

/// The notes of fields that were recomputed.
fn recomputed(out: &Encoded) -> impl Iterator<Item = &binq_core::encode::Note> {
    let notes = out.report.notes.iter();
    notes.filter(|n| matches!(n.did, Did::Recomputed { .. }))
}

/// Edits that are refused for what the input is.
pub fn refusal(e: &Reject) -> Option<&'static str> {
    let text = e.to_string();
    let named = [
        (
            "a fragment of its packet was captured twice or overlaps another, so its size cannot change",
            "fragment twice",
        ),
        (
            "a fragment of its packet is not in the capture, so its size cannot change",
            "fragment lost",
        ),
        (
            "these bytes are missing from the input, and so cannot be changed",
            "missing bytes",
        ),
        ("an aborted record lies at ", "before an aborted record"),
        (
            "its header block is not whole, or not all known",
            "header block that is not known",
        ),
        (
            "a CONTINUATION frame comes right after the frame",
            "header block in several frames",
        ),
        (
            "where a record begins that cannot move",
            "no room before the next file",
        ),
        (
            "the records outgrow the end of the segment",
            "no room before the next file",
        ),
        (
            "its header block goes on in CONTINUATION frames",
            "header block in several frames",
        ),
        ("index and ", "index and name"),
        (
            "where a record begins that runs into the next file, by ",
            "no room before the next file",
        ),
        (
            "which was removed: remove this item too",
            "an entry of it stays",
        ),
        ("no chunk can follow IEND", "behind the last chunk"),
    ];
    let found = named.iter().find(|(words, _)| text.contains(words));
    found.map(|(_, name)| *name)
}

/// Leaves that follow from where something is, and are no fields of a rule.
fn is_free(at: &[Key], leaf: &Node, sample: &Sample, change: &Change, resized: bool) -> bool {
    let Some(Key::Name(last)) = at.last() else {
        return false;
    };
    // what is computed of fields that were edited
    if leaf.is_computed()
        && matches!(
            &**last,
            "time"
                | "duration"
                | "service"
                | "method"
                | "status_name"
                | "has_start"
                | "has_end"
                | "rmgr"
                | "record_type"
        )
    {
        return true;
    }
    let renames = matches!(change.path.last(), Some(Key::Name(n)) if matches!(&**n, "name" | "metadata" | "trailers" | "response_metadata" | "headers"));
    // the groups of base64 after an edit, in whatever packets or frames they are
    if sample.is_base64() && resized && matches!(&**last, "payload" | "data") {
        return true;
    }
    match sample.format {
        // the chain and the headers of pages, where records moved
        "pg_wal" => {
            resized
                && (matches!(&**last, "xl_prev" | "xl_crc" | "redo")
                    || at.first() == Some(&Key::Name("pages".into())))
        }
        "pcapng" => {
            resized && &**last == "padding" || renames && matches!(&**last, "header" | "trailers")
        }
        "pcap" | "http2" => renames && matches!(&**last, "header" | "trailers"),
        _ => false,
    }
}

/// What is known of a case in which something reads otherwise.
struct Why<'a> {
    case: (&'a Sample, bool),
    root: &'a Node,
    change: &'a Change,
    node: &'a Node,
    again: &'a Node,
    found: &'a [Difference],
    no_fix: bool,
    out: &'a Encoded,
    /// The leaves that have other values, by their paths.
    fields: &'a [Vec<Key>],
}

fn is_gap(key: &Key) -> bool {
    matches!(key, Key::Name(name) if name.starts_with("gap"))
}

impl Why<'_> {
    fn all(&self, f: impl Fn(&Difference) -> bool) -> bool {
        self.found.iter().all(f)
    }

    /// Whether a leaf without bytes got some, and all that differs is a view that has these now, too: it had none to know it by.
    fn filled_a_view(&self) -> bool {
        let bytes = |root: &Node, path: &[Key]| follow(root, path)?.bytes().ok();
        let Some(given) = bytes(&self.change.edited, &self.change.path) else {
            return false;
        };
        let is_view = |d: &Difference| {
            let (was, is) = (bytes(self.root, &d.path), bytes(self.again, &d.path));
            let (Some(was), Some(is)) = (was, is) else {
                return false;
            };
            let at = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
            let (head, tail) = was.split_at(at);
            [head, &given, tail].concat() == is
        };
        self.node.span().len == 0 && !given.is_empty() && self.all(is_view)
    }

    /// The field of that name beside the one that was edited.
    fn sibling(&self, name: &str) -> Option<Node> {
        self.node.parent()?.field(name)
    }

    /// Whether all that differs has the bytes of a leaf that was changed: two names of a field in one struct that was assigned.
    fn is_alias(&self) -> bool {
        let fields = self
            .fields
            .iter()
            .filter_map(|field| follow(self.root, field));
        let ranges: Vec<_> = fields.flat_map(|leaf| leaf.ranges()).collect();
        self.change.what != What::Value
            && self.all(|d| {
                let own = follow(self.root, &d.path).map_or(Vec::new(), |n| n.ranges());
                own.iter().any(|o| ranges.iter().any(|r| r.touches(*o)))
            })
    }

    /// Whether this is the value of a header field by which the body behind it is found.
    fn says_how_body_is_read(&self) -> bool {
        let name = self.sibling("name").and_then(|n| n.actual());
        let name = name.as_ref().and_then(|n| n.as_str()).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        matches!(
            &*name,
            "transfer-encoding"
                | "content-length"
                | "content-type"
                | "content-encoding"
                | "grpc-encoding"
        )
    }

    /// Whether all that differs had the value that was changed, and has the new one: header fields that only name an entry of a
    /// table, which are written anew unless nothing is fixed.
    fn is_of_a_table(&self) -> bool {
        let shown = follow(&self.change.edited, &self.change.path).and_then(|n| n.actual());
        let [was, is] = [self.node.actual(), shown].map(|v| v.map(|v| v.to_string()));
        self.all(|d| Some(&d.wanted) == was.as_ref() && Some(&d.read) == is.as_ref())
    }

    /// Whether only the last record, with damage in it, and what is behind it differ.
    fn is_beside_damage(&self) -> bool {
        let records = self.root.field("records");
        let last = records
            .as_ref()
            .and_then(|r| r.item(r.len().checked_sub(1)?));
        last.is_some_and(|last| {
            let path = last.path();
            last.field("gap0").is_some()
                && self.all(|d| d.path.len() == 1 || d.path.starts_with(&path))
        })
    }

    fn excuse(&self) -> Option<Done> {
        let (sample, damaged) = self.case;
        let path = &self.change.path;
        let shown = follow(&self.change.edited, path)?;
        let notes = &self.out.report.notes;
        let shaping = self
            .fields
            .iter()
            .any(|field| is_shaping(sample.format, field));
        let at_edit = self.found.iter().any(|d| d.path.starts_with(path));
        if shaping && (!at_edit || self.change.what != What::Value) {
            return Some(Done::Asserted("a field that says how others are read"));
        }
        let value = shown.actual();
        let name = |n: usize| match path.get(n) {
            Some(Key::Name(name)) => &**name,
            _ => "",
        };
        let last = name(path.len().wrapping_sub(1));
        Some(Done::Excused(match sample.format {
            "pg_wal" if damaged && guesses::is_unlinked(self.root, path) => {
                "record known by its header alone"
            }
            "pg_wal" if guesses::is_only_magic(self.again, path) => "magic of the only page",
            "pg_wal" if name(0) == "partial" && (damaged || last == "xl_prev") => "last record",
            "pg_wal" if self.all(|d| d.path.len() == 1 && is_gap(&d.path[0])) => {
                "space before a gap"
            }
            "pg_wal" if damaged && self.is_beside_damage() => "last record before damage",
            "pg_wal"
                if notes
                    .iter()
                    .any(|n| matches!(&n.did, Did::Other(what) if what.starts_with("filled"))) =>
            {
                "a record that fills"
            }
            "pg_wal" if last == "data" && self.all(|d| d.wanted == " (0 bytes)") => {
                "block data that is empty"
            }
            "pg_wal" => return None,
            // where files begin in a damaged archive is a guess, made by the bytes of the gap between those that are known
            "zip"
                if damaged
                    && path.len() == 1
                    && is_gap(&path[0])
                    && self.all(|d| is_gap(&d.path[0]) || d.path == parse(".local_files")) =>
            {
                "gap that became a file"
            }
            // only its entry says how long its data is
            "zip" if last == "central_directory" => "file that was streamed, without its entry",
            "zip" if last == "extra_fields" => "extra field that gave the sizes",
            _ if self.filled_a_view() => "view of what was empty",
            _ if self.is_alias() => "another view in what was assigned",
            _ if self.says_how_body_is_read() => "header that says how the body is read",
            _ if damaged && last == "data" && self.sibling("pad_length").is_some() => {
                "padding that fits"
            }
            _ if self.no_fix && self.is_of_a_table() => "entry of a table that others use",
            _ if damaged && last == "stream" => "stream that is known by its bytes",
            _ if matches!(last, "packets" | "blocks") => "packets come and go",
            _ if self.change.what != What::Value
                && notes.iter().any(|n| matches!(n.did, Did::LeftWrong { .. })) =>
            {
                "length assigned along"
            }
            _ if last == "preface" => "preface",
            _ if is_split(self.out) => "split",
            "http2" | "pcap" | "pcapng" if guesses::is_mark(self.root, path, sample, damaged) => {
                "mark of a late stream"
            }
            "http2" | "pcap" | "pcapng" if guesses::is_remnant(self.node) => {
                "remnant of a header block"
            }
            "http2" | "pcap" | "pcapng" if guesses::is_mark_of_call(self.root, path) => {
                "mark of a call"
            }
            "http2" | "pcap" | "pcapng"
                if value
                    .as_ref()
                    .is_some_and(|v| guesses::leaves_metadata(path, v)) =>
            {
                "no metadata any more"
            }
            "http2" | "pcap" | "pcapng"
                if value
                    .as_ref()
                    .is_some_and(|v| guesses::becomes_name(path, v)) =>
            {
                "index of a name"
            }
            "http2" | "pcap" | "pcapng"
                if value
                    .as_ref()
                    .is_some_and(|v| guesses::becomes_informational(path, v)) =>
            {
                "informational"
            }
            _ if protobuf::is_read_otherwise(
                &self.change.edited,
                self.again,
                path,
                self.no_fix,
            ) =>
            {
                "protobuf, read otherwise"
            }
            _ => return None,
        }))
    }
}
