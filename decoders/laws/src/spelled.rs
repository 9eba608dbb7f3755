//! A decoded value as text: a line a node, to be held against what the standard says.
//!
//! The laws do not see a field that is read at the wrong place, as long as it is written back there. A listing does: it is kept
//! in a file, read by a person once, and compared ever after.

use binq_core::{Node, NodeKind, Span};
use std::fmt::Write;
use std::path::Path;

/// A node and all that is in it: path, place in its space, value, symbol and description, and what was found.
pub fn spelled(node: &Node) -> String {
    let mut out = String::new();
    let mut left = vec![node.clone()];
    while let Some(node) = left.pop() {
        line(&node, &mut out);
        let mut parts: Vec<Node> = match node.kind() {
            NodeKind::Array => node.items().collect(),
            NodeKind::Object => node.fields().into_iter().map(|(_, field)| field).collect(),
            NodeKind::Scalar => Vec::new(),
        };
        parts.reverse();
        left.extend(parts);
    }
    out
}

fn line(node: &Node, out: &mut String) {
    let path = node.path_text();
    let _ = write!(
        out,
        "{} {}",
        if path.is_empty() { "." } else { &path },
        place(node.span())
    );
    match node.kind() {
        NodeKind::Array => _ = write!(out, " [{}]", node.len()),
        NodeKind::Object => _ = write!(out, " {}", node.shape_name().unwrap_or("-")),
        NodeKind::Scalar => {
            _ = write!(out, " {}", node.scalar());
            if let Some(actual) = node.actual().filter(|actual| *actual != node.scalar()) {
                let _ = write!(out, " = {actual}");
            }
        }
    }
    if let Some(description) = node.description() {
        let _ = write!(out, " ({description})");
    }
    if let Some(found) = node.finding() {
        let at = found.offset.map_or("?".to_owned(), |at| at.to_string());
        let _ = write!(
            out,
            " !{} at {at}: expected {}, found {}",
            found.severity, found.expected, found.found
        );
    }
    out.push('\n');
}

/// `@12+4` in bytes, `@12.3+5b` from a bit on in bits.
fn place(span: Span) -> String {
    match (span.is_aligned(), span.start % 8) {
        (true, _) => format!("@{}+{}", span.first_byte(), span.byte_len()),
        (false, bit) => format!("@{}.{bit}+{}b", span.first_byte(), span.len),
    }
}

/// Compare a text with the file that keeps it; with `UPDATE=1` the file is written instead.
///
/// # Panics
/// When they differ, with the first line that does.
pub fn kept(file: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        return;
    }
    let old = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (lines(&old), lines(text));
    for i in 0..old.len().max(new.len()) {
        let of = |lines: &[String]| lines.get(i).cloned().unwrap_or("(the end)".to_owned());
        assert!(
            of(&old) == of(&new),
            "{}, line {}:\n  was {}\n  is  {}\n(UPDATE=1 writes it anew)",
            file.display(),
            i + 1,
            of(&old),
            of(&new)
        );
    }
}
