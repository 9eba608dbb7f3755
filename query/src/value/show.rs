//! How values look inside messages. jaq puts whole values into its errors, so what is shown has to stay short.
use super::V;
use crate::json::{Options, to_text_bounded};
use std::fmt;

/// Longest text for a node or a container in a message, in bytes.
const SHOWN: usize = 200;
/// Longest text of a value in one of jq's own messages, in bytes.
const BRIEF: usize = 29;

/// The value as JSON, cut at `max` bytes with the marks that jq uses.
fn cut(v: &V, max: usize) -> String {
    // a little more than is shown, to see whether anything is left out
    let mut s = to_text_bounded(v, &Options::compact(), max + 8);
    if s.len() <= max {
        return s;
    }
    let close = match s.as_bytes()[0] {
        b'"' => "...\"",
        b'[' => "...]",
        b'{' => "...}",
        _ => "...",
    };
    let mut end = max - close.len();
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    s.truncate(end);
    s + close
}

/// A text in a message, cut as values are.
pub fn cut_text(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// `string ("abc...")`, as jq names a value in its messages.
pub struct Brief<'a>(pub &'a V);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.kind().name(), cut(self.0, BRIEF))
    }
}

impl fmt::Display for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&cut(self, SHOWN))
    }
}

impl fmt::Debug for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&cut(self, SHOWN))
    }
}
