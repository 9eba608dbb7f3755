//! `.proto` files of an edition, for a compiler that knows proto2 and proto3 only.
//!
//! Such a file is handed over as proto2: `edition = "2023"` becomes `syntax = "proto2"`, fields get the label `optional`
//! where they have none, and reserved names get quotes. Its features are options like any other, and are read from there.
//! What edition 2024 adds to the language means nothing for the bytes, and is left out: `export`, `local`, and that an import
//! is for options only; so are features that are not about the bytes ([`super::other_features`]). An edition that is not known is an error: its features may have other defaults.

use super::other_features;
use protox::Error;
use protox::file::{File, FileResolver, GoogleFileResolver};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The directories that `.proto` files are in.
pub struct Sources {
    directories: Vec<PathBuf>,
    /// How many of them were given; those after them are where files are.
    given: usize,
    /// The files that were named by a path that is no text, which no name says.
    named: Vec<(String, PathBuf)>,
    editions: Arc<Mutex<Vec<String>>>,
}

impl Sources {
    /// The directories of `-I`; without any, those that the files are in, and the current one.
    pub fn new(protos: &[OsString], paths: &[OsString]) -> Self {
        let mut directories: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        if directories.is_empty() {
            directories.push(PathBuf::from("."));
        }
        let given = directories.len();
        let mut sources = Self {
            directories,
            given,
            named: Vec::new(),
            editions: Arc::default(),
        };
        for proto in protos {
            let path = Path::new(proto);
            if sources.name_in_given(path).is_none()
                && let Some(parent) = path.parent()
            {
                sources.directories.push(parent.to_owned());
            }
            if path.to_str().is_none() {
                let found = sources.directories.iter().map(|d| d.join(path));
                let found = found.chain([path.to_owned()]).find(|file| file.is_file());
                let name = sources.name_of(path);
                sources.named.extend(found.map(|file| (name, file)));
            }
        }
        sources
    }

    /// The name of a file in one of the directories that were given. As protoc does: one that lies there has the rest of its
    /// path as its name, and any other path may be a name itself.
    fn name_in_given(&self, path: &Path) -> Option<String> {
        let given = &self.directories[..self.given];
        let own = given.iter().find_map(|d| name_in(d, path));
        let there = |d: &PathBuf| path.is_relative() && d.join(path).is_file();
        own.filter(|_| path.is_file())
            .or_else(|| {
                given
                    .iter()
                    .any(there)
                    .then(|| name_in(Path::new("."), path))?
            })
            .or_else(|| given.iter().find_map(|d| name_in(d, path)))
    }

    /// The names of the files that have an edition, as far as they were opened.
    pub fn editions(&self) -> Arc<Mutex<Vec<String>>> {
        self.editions.clone()
    }

    /// The name by which a file is imported.
    pub fn name_of(&self, path: &Path) -> String {
        let elsewhere = || {
            let mut others = self.directories[self.given..].iter();
            others.find_map(|d| name_in(d, path))
        };
        let name = self.name_in_given(path).or_else(elsewhere);
        name.unwrap_or_else(|| path.to_string_lossy().into_owned())
    }
}

fn name_in(directory: &Path, path: &Path) -> Option<String> {
    let relative = match path.strip_prefix(directory) {
        Ok(relative) => relative,
        Err(_) if directory == Path::new(".") && path.is_relative() => path,
        Err(_) => return None,
    };
    let plain = |c: std::path::Component<'_>| matches!(c, std::path::Component::Normal(_));
    let relative: PathBuf = relative
        .components()
        .filter(|c| !matches!(c, std::path::Component::CurDir))
        .collect();
    relative
        .components()
        .all(plain)
        .then(|| relative.to_string_lossy().replace('\\', "/"))
}

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        if other_features::declares_features(name) {
            return google_file(name);
        }
        let named = self.named.iter().filter(|(n, _)| n == name);
        let named = named.map(|(_, path)| path.clone());
        for path in named.chain(self.directories.iter().map(|d| d.join(name))) {
            let source = match std::fs::read_to_string(&path) {
                Ok(source) => source,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Error::new(e)),
            };
            let parsed = match as_proto2(&source) {
                None => File::from_source(name, &source),
                Some(_) if !edition_of(&source).is_some_and(is_known) => {
                    let edition = edition_of(&source).unwrap_or_default();
                    return Err(Error::new(unknown(edition)));
                }
                Some(proto2) => {
                    let mut editions = self.editions.lock().unwrap_or_else(PoisonError::into_inner);
                    editions.push(name.to_owned());
                    File::from_source(name, &proto2)
                }
            };
            // the parser is behind the newest descriptor.proto; its own copy of it will do
            return parsed.or_else(|e| google_file(name).map_err(|_| e));
        }
        google_file(name)
    }
}

/// A file of Google's that every compiler brings along.
///
/// # Errors
/// A file that is none of those.
pub fn google_file(name: &str) -> Result<File, Error> {
    match other_features::declares_features(name) {
        true => File::from_source(name, other_features::NO_FEATURES),
        false => GoogleFileResolver::new().open_file(name),
    }
}

/// The editions whose features are known, by their names and their numbers in a descriptor; the defaults of all are alike in
/// what means something for the bytes (`protoc --edition_defaults_out`).
const KNOWN: [(&str, u64); 2] = [("2023", 1000), ("2024", 1001)];

fn is_known(edition: &str) -> bool {
    KNOWN.iter().any(|(name, _)| *name == edition)
}

/// Whether a descriptor's edition is known.
pub fn is_known_number(edition: u64) -> bool {
    KNOWN.iter().any(|(_, number)| *number == edition)
}

/// What is said of an edition that is not known.
pub fn unknown(edition: &str) -> String {
    let names = KNOWN.map(|(name, _)| name);
    format!("expected edition {}, found {edition}", names.join(" or "))
}

/// What a file says its edition is.
fn edition_of(source: &str) -> Option<&str> {
    let words = tokens(source).into_iter().filter_map(Token::word);
    let text = words.take(3).last()?;
    Some(text.trim_matches(['"', '\'']))
}

/// A piece of a `.proto` file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// White space and comments.
    Blank(&'a str),
    /// A name, number, quoted text or single sign.
    Word(&'a str),
}

impl<'a> Token<'a> {
    /// The word, if it is one.
    pub fn word(self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Blank(_) => None,
        }
    }
}

/// The pieces of a `.proto` file.
pub fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let (blank, len) = if first.is_whitespace() {
            (
                true,
                rest.find(|c: char| !c.is_whitespace())
                    .unwrap_or(rest.len()),
            )
        } else if rest.starts_with("//") {
            (true, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (true, rest.find("*/").map_or(rest.len(), |i| i + 2))
        } else if matches!(first, '"' | '\'') {
            (false, quoted(rest, first))
        } else if word(first) {
            (false, rest.find(|c| !word(c)).unwrap_or(rest.len()))
        } else {
            (false, first.len_utf8())
        };
        let (token, next) = rest.split_at(len);
        out.push(if blank {
            Token::Blank(token)
        } else {
            Token::Word(token)
        });
        rest = next;
    }
    out
}

/// The size of a quoted text.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// What a pair of braces encloses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Fields that need a label: of a message or an `extend`.
    Labelled,
    /// Anything else.
    Other,
}

/// The file as proto2, if it has an edition.
fn as_proto2(source: &str) -> Option<String> {
    let tokens = tokens(source);
    if tokens.iter().find_map(|t| t.word()) != Some("edition") {
        return None;
    }
    let tokens = other_features::strip(tokens);
    let mut out = String::with_capacity(source.len() * 2);
    let mut blocks: Vec<Block> = Vec::new();
    // the words of the statement so far
    let mut statement: Vec<&str> = Vec::new();
    let mut header = 0;
    // parentheses and brackets that are open
    let mut open = 0u32;
    for (i, token) in tokens.iter().enumerate() {
        let word = match *token {
            Token::Blank(blank) => {
                out.push_str(blank);
                continue;
            }
            Token::Word(word) => word,
        };
        if header < 4 {
            // edition = "2023";
            header += 1;
            out.push_str(["syntax", "=", "\"proto2\"", ";"][header - 1]);
            continue;
        }
        let first = statement.is_empty();
        let name = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if statement.first() == Some(&"reserved") && name && !matches!(word, "to" | "max") {
            out.push('"');
            out.push_str(word);
            out.push('"');
            statement.push(word);
            continue;
        }
        let next = || tokens[i + 1..].iter().find_map(|t| t.word());
        let visibility = first && matches!(word, "export" | "local");
        if visibility && matches!(next(), Some("message" | "enum")) {
            continue;
        }
        if word == "option" && statement == ["import"] {
            continue;
        }
        if first && blocks.last() == Some(&Block::Labelled) && needs_label(word) {
            out.push_str("optional ");
        }
        out.push_str(word);
        match word {
            "(" | "[" => open += 1,
            ")" | "]" => open = open.saturating_sub(1),
            // braces of an option's value
            "{" if open > 0 || statement.first() == Some(&"option") => {
                open += 1;
            }
            "}" if open > 0 => open -= 1,
            "{" => {
                let labelled = matches!(statement.first(), Some(&"message" | &"extend"));
                blocks.push(if labelled {
                    Block::Labelled
                } else {
                    Block::Other
                });
                statement.clear();
                continue;
            }
            "}" => {
                blocks.pop();
                statement.clear();
                continue;
            }
            ";" if open == 0 => {
                statement.clear();
                continue;
            }
            _ => {}
        }
        statement.push(word);
    }
    Some(out)
}

/// Whether a statement that begins so in a message is a field without a label.
fn needs_label(word: &str) -> bool {
    let other = [
        "optional",
        "repeated",
        "required",
        "message",
        "enum",
        "extend",
        "extensions",
        "reserved",
        "option",
        "oneof",
        "map",
        ";",
        "}",
    ];
    !other.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::{as_proto2, edition_of};

    #[test]
    fn an_edition_becomes_proto2() {
        let source = r#"// head
edition = "2023";
option features.field_presence = IMPLICIT;
message A { // first
  int32 a = 1 [features = { field_presence: EXPLICIT }, default = 3];
  repeated .pkg.B b = 2;
  map<string, int32> c = 3;
  oneof d { string e = 4; }
  reserved foo, bar;
  reserved 7 to max;
  enum E { X = 0; }
  extensions 100 to 200;
}
extend A { string x = 100; }
"#;
        let expected = r#"// head
syntax = "proto2";
option features.field_presence = IMPLICIT;
message A { // first
  optional int32 a = 1 [features = { field_presence: EXPLICIT }, default = 3];
  repeated .pkg.B b = 2;
  map<string, int32> c = 3;
  oneof d { string e = 4; }
  reserved "foo", "bar";
  reserved 7 to max;
  enum E { X = 0; }
  extensions 100 to 200;
}
extend A { optional string x = 100; }
"#;
        assert_eq!(as_proto2(source).as_deref(), Some(expected));
        assert_eq!(as_proto2("syntax = \"proto3\";"), None);
    }

    #[test]
    fn what_2024_adds_is_left_out() {
        let source = r#"edition = "2024";
import option "o.proto";
import "local.proto";
local message A { export enum E { X = 0; } local.B b = 1; int32 export = 2; }
"#;
        let expected = r#"syntax = "proto2";
import  "o.proto";
import "local.proto";
 message A {  enum E { X = 0; } optional local.B b = 1; optional int32 export = 2; }
"#;
        assert_eq!(as_proto2(source).as_deref(), Some(expected));
        assert_eq!(edition_of(source), Some("2024"));
    }
}
