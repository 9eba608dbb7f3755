//! Which of the definitions written in jq a program needs. To read all of them takes most of the time of a short command.

use std::collections::HashSet;

/// What a program may call without naming it: what stands for operators, paths and texts, and what calls are rewritten to.
const UNNAMED: [&str; 18] = [
    "_modify", "_where", "empty", "error", "first", "getpath", "last", "limit", "map", "not",
    "path", "paths", "range", "recurse", "select", "tojson", "tonumber", "tostring",
];

/// Names in a text, and what else looks like some.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@');
    text.split(move |c| !of_name(c))
        .filter(|name| !name.is_empty())
}

/// The definitions in a text, each as text: one begins where a line does.
fn definitions(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let begins = text.match_indices("def ").map(|(at, _)| at);
    let begins = begins.filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
    let begins: Vec<usize> = begins.collect();
    let ends = begins.iter().skip(1).copied().chain([text.len()]);
    let ends: Vec<usize> = ends.collect();
    begins
        .into_iter()
        .zip(ends)
        .map(|(from, to)| &text[from..to])
}

/// Those definitions of a text that the other texts need. None calls one that is defined further down.
pub fn needed<'a>(text: &'a str, by: &[&'a str]) -> String {
    let mut called: HashSet<&str> = UNNAMED.into_iter().collect();
    called.extend(by.iter().flat_map(|text| names(text)));
    let mut kept: Vec<&str> = Vec::new();
    for definition in definitions(text).rev() {
        let name = names(&definition["def ".len()..])
            .next()
            .unwrap_or_default();
        if called.contains(name) {
            called.extend(names(definition));
            kept.push(definition);
        }
    }
    // what is before the first one is a remark, or wrong
    let before: usize = definitions(text).map(str::len).sum();
    kept.push(&text[..text.len() - before]);
    kept.reverse();
    kept.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_called_is_kept() {
        let text = "# before\n\ndef a: 1;\ndef b: a; # b\ndef c($x):\n  def b: 2;\n  $x | b;\ndef _d: 1;\ndef e: 2;\n";
        assert_eq!(
            needed(text, &["b"]),
            "# before\n\ndef a: 1;\ndef b: a; # b\n"
        );
        assert_eq!(needed(text, &[".x | c(1)"]).matches("def ").count(), 4);
        assert_eq!(needed(text, &[".bb, e1"]), "# before\n\n");
    }
}
