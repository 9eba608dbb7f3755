//! Paths: how a node is reached from the root.

use crate::Name;
use std::fmt::Write;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A field of an object.
    Name(Name),
    /// An item of an array.
    Index(u64),
}

/// The path as one types it in a query: `.records[0].xl_tot_len`.
pub fn path_text(path: &[Key]) -> String {
    let mut out = String::new();
    for key in path {
        // writing to a String cannot fail
        let _ = match key {
            Key::Index(i) if out.is_empty() => write!(out, ".[{i}]"),
            Key::Index(i) => write!(out, "[{i}]"),
            Key::Name(n) if is_plain(n) => write!(out, ".{n}"),
            Key::Name(n) => write!(out, ".{n:?}"),
        };
    }
    if out.is_empty() {
        out.push('.');
    }
    out
}

fn is_plain(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_typed() {
        let path = [
            Key::Name("records".into()),
            Key::Index(0),
            Key::Name("1".into()),
        ];
        assert_eq!(path_text(&path), r#".records[0]."1""#);
        assert_eq!(path_text(&[]), ".");
    }
}
