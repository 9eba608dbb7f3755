//! Features of an edition that mean nothing for the bytes: those of one language, as `features.(pb.go).api_level`, and those
//! of the style of a `.proto` file, as `features.enforce_naming_style` (2024).
//!
//! The compiler knows the features of 2023 only, and refuses a file that sets others; so they are left out of the source.

use super::editions::Token;
use std::ops::Range;

/// The features that the compiler knows: `FeatureSet` of edition 2023.
const KNOWN: [&str; 6] = [
    "field_presence",
    "enum_type",
    "repeated_field_encoding",
    "utf8_validation",
    "message_encoding",
    "json_format",
];

/// Whether a file only declares the features of a language: `google/protobuf/cpp_features.proto` and the like.
pub fn declares_features(name: &str) -> bool {
    let language = name
        .strip_prefix("google/protobuf/")
        .and_then(|name| name.strip_suffix("_features.proto"));
    language.is_some()
}

/// What such a file is compiled as.
pub const NO_FEATURES: &str = "syntax = \"proto2\"; package pb;";

/// A file without the features that are not known. White space stays, and so do the lines of everything else.
pub fn strip(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let places = tokens.iter().enumerate();
    let words = places.filter_map(|(i, token)| token.word().map(|word| (i, word)));
    let (places, words): (Vec<usize>, Vec<&str>) = words.unzip();
    let mut gone = vec![false; tokens.len()];
    for dropped in Words(&words).dropped() {
        places[dropped].iter().for_each(|&i| gone[i] = true);
    }
    let kept = tokens.into_iter().zip(gone).filter(|(_, gone)| !gone);
    kept.map(|(token, _)| token).collect()
}

struct Words<'a>(&'a [&'a str]);

impl Words<'_> {
    /// The runs of words that go.
    fn dropped(&self) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut is_first = true;
        let mut at = 0;
        while let Some(word) = self.0.get(at) {
            match *word {
                "option" if is_first => {
                    let end = self.end(at, &[";"]);
                    let kept = self.option(at + 1..end, &mut out);
                    if !kept {
                        out.push(at..(end + 1).min(self.0.len()));
                    }
                    at = end + 1;
                }
                "[" => {
                    is_first = false;
                    at = self.list(at, &mut out);
                }
                _ => {
                    is_first = matches!(*word, ";" | "{" | "}");
                    at += 1;
                }
            }
        }
        out
    }

    /// Options in brackets. Gives back the place after them.
    fn list(&self, open: usize, out: &mut Vec<Range<usize>>) -> usize {
        let mut any = false;
        let mut at = open + 1;
        let mut inside = Vec::new();
        loop {
            let end = self.end(at, &[",", "]"]);
            let kept = self.option(at..end, &mut inside);
            let comma = if at == open + 1 { at } else { at - 1 };
            match (kept, any) {
                (false, _) => inside.push(comma..end),
                // all options before it are gone
                (true, false) => inside.push(comma..at),
                (true, true) => {}
            }
            any |= kept;
            at = end + 1;
            if self.0.get(end) != Some(&",") {
                break;
            }
        }
        let end = at.min(self.0.len());
        match any {
            true => out.extend(inside),
            false => out.push(open..end),
        }
        end
    }

    /// Whether an option stays; one that is a set of features stays with those that are known.
    fn option(&self, option: Range<usize>, out: &mut Vec<Range<usize>>) -> bool {
        match self.0.get(option.clone()) {
            Some(["features", "=", "{", ..]) => {
                self.set(option.start + 3, option.end, out);
                true
            }
            Some([name, ..]) => match name.strip_prefix("features.") {
                Some(feature) => KNOWN.contains(&feature),
                None => true,
            },
            _ => true,
        }
    }

    /// The features of `{ name: VALUE  [pb.go]: { … } }`, from after the brace on.
    fn set(&self, mut at: usize, end: usize, out: &mut Vec<Range<usize>>) {
        while at < end && self.0[at] != "}" {
            let start = at;
            let known = KNOWN.contains(&self.0[at]);
            at = self.after(at);
            if self.0.get(at) == Some(&":") {
                at += 1;
            }
            at = self.after(at);
            if matches!(self.0.get(at), Some(&("," | ";"))) {
                at += 1;
            }
            if !known {
                out.push(start..at.min(end));
            }
        }
    }

    /// The place after a word, or after what it opens.
    fn after(&self, at: usize) -> usize {
        let mut depth = 0u32;
        for (i, word) in self.0.iter().enumerate().skip(at) {
            match *word {
                "(" | "[" | "{" | "<" => depth += 1,
                ")" | "]" | "}" | ">" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return i + 1;
            }
        }
        self.0.len()
    }

    /// The place of the first of these words that nothing encloses.
    fn end(&self, mut at: usize, words: &[&str]) -> usize {
        while let Some(word) = self.0.get(at) {
            if words.contains(word) {
                break;
            }
            at = self.after(at);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::super::editions::{Token, tokens};

    fn strip(source: &str) -> String {
        let kept = super::strip(tokens(source));
        let text = kept.into_iter().map(|t| match t {
            Token::Blank(text) | Token::Word(text) => text,
        });
        text.collect()
    }

    #[test]
    fn what_the_compiler_does_not_know_is_left_out() {
        for (source, kept) in [
            (
                "option features.enforce_naming_style = STYLE_LEGACY;\noption a = 1;",
                "    \noption a = 1;",
            ),
            (
                "message A { option features.(pb.go).api_level = API_OPEN; int32 a = 1; }",
                "message A {     int32 a = 1; }",
            ),
            (
                "int32 a = 1 [features.(pb.cpp).string_type = VIEW];",
                "int32 a = 1   ;",
            ),
            ("a = 1 [b = 2, features.x = Y];", "a = 1 [b = 2  ];"),
            ("a = 1 [features.x = Y, b = 2];", "a = 1 [   b = 2];"),
            (
                "a = 1 [features.x=Y,features.x=Z,b=2,features.x=Q,c=3];",
                "a = 1 [b=2,c=3];",
            ),
            (
                "a = 1 [features = { x: Y, field_presence: EXPLICIT, [pb.go]: { z: 1 } }];",
                "a = 1 [features = {   field_presence: EXPLICIT,      }];",
            ),
        ] {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&strip(source)), words(kept), "{source}");
            assert_eq!(strip(source).lines().count(), source.lines().count());
        }
        for same in [
            "option features.field_presence = IMPLICIT; option x = { a: [1, 2] b { c: 3 } };",
            "a = 1 [features.field_presence = EXPLICIT, default = 3];",
            "extensions 1 to 3 [declaration = { number: 1, full_name: \".a\" }, verification = UNVERIFIED]",
            "a = 1 [",
            "option",
            "option features = {",
            "option features = { x",
        ] {
            let kept = strip(same);
            assert!(kept == same || same.ends_with('x'), "{kept}");
        }
    }
}
