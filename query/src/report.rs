//! What is wrong with a program, and how it is shown.
use jaq_core::compile::Undefined;
use jaq_core::load::{self, lex, parse};
use std::fmt;
use std::ops::Range;

/// One thing that is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Where: a range of bytes of the program. Empty at the end of the program.
    pub span: Range<usize>,
    /// What.
    pub message: String,
    /// Where it is in another file than the program: its path and its text.
    pub file: Option<(String, String)>,
}

/// Everything that is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileErrors {
    /// The program.
    pub code: String,
    /// The errors, in the order they were found.
    pub errors: Vec<CompileError>,
}

impl std::error::Error for CompileErrors {}

/// Shows each error with its line and a mark under it:
///
/// ```text
/// error: bar/1 is not defined
///   1 | .foo | bar(.)
///     |        ^^^
/// ```
impl fmt::Display for CompileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, e) in self.errors.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match &e.file {
                Some((path, text)) => {
                    write!(f, "error: {path}: {}", e.message)?;
                    show_line(f, text, &e.span)?;
                }
                None => {
                    write!(f, "error: {}", e.message)?;
                    show_line(f, &self.code, &e.span)?;
                }
            }
        }
        Ok(())
    }
}

/// Longest piece of a line that is shown, in characters.
const WIDTH: usize = 100;

fn show_line(f: &mut fmt::Formatter<'_>, code: &str, span: &Range<usize>) -> fmt::Result {
    let start = span.start.min(code.len());
    let (before, after) = (&code[..start], &code[start..]);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line_end = after.find('\n').map_or(code.len(), |i| start + i);
    let number = (1 + before.matches('\n').count()).to_string();
    let line = &code[line_start..line_end];
    let column = code[line_start..start].chars().count();
    let marked = code[start..span.end.clamp(start, line_end)]
        .chars()
        .count()
        .max(1);
    // of a long line, show what surrounds the error
    let skip = column.saturating_sub(WIDTH / 2);
    // tabs are as wide as the terminal pleases, so show them as single spaces
    let shown: String = line
        .chars()
        .skip(skip)
        .take(WIDTH)
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect();
    let marked = marked.min(WIDTH.saturating_sub(column - skip).max(1));
    let pad = " ".repeat(number.len());
    write!(f, "\n  {number} | {shown}")?;
    write!(
        f,
        "\n  {pad} | {}{}",
        " ".repeat(column - skip),
        "^".repeat(marked)
    )
}

/// The range of `part` in `code`; at the end if it is no part of it.
fn span(code: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    match start.checked_add(part.len()) {
        Some(end) if end <= code.len() => start..end,
        _ => code.len()..code.len(),
    }
}

fn quoted(found: &str) -> String {
    match found.lines().next().unwrap_or_default() {
        "" => "the end".into(),
        s if s.chars().count() > 20 => format!("`{}…`", s.chars().take(20).collect::<String>()),
        s => format!("`{s}`"),
    }
}

pub(crate) fn lex_errors(code: &str, errors: &[lex::Error<&str>]) -> Vec<CompileError> {
    let error = |(expect, found): &lex::Error<&str>| {
        let mut span = span(code, found);
        let message = match expect {
            // the lexer gives what follows; what was opened is of more use
            lex::Expect::Delim(open) => {
                let missing = expect.as_str();
                span = self::span(code, &open[..open.len().min(1)]);
                format!("expected a {missing}, found {}", quoted(found))
            }
            lex::Expect::Escape => format!("invalid escape in a string: found {}", quoted(found)),
            lex::Expect::Token => {
                format!(
                    "unexpected character {}",
                    quoted(&found.chars().take(1).collect::<String>())
                )
            }
            e => format!("expected {}, found {}", e.as_str(), quoted(found)),
        };
        // all but opened brackets and quotes are marked by their first character
        let len = code[span.start..].chars().next().map_or(0, char::len_utf8);
        CompileError {
            span: span.start..span.start + len,
            message,
            file: None,
        }
    };
    errors.iter().map(error).collect()
}

pub(crate) fn parse_errors(code: &str, errors: &[parse::Error<&str>]) -> Vec<CompileError> {
    let error = |(expect, found): &parse::Error<&str>| {
        let expected = match expect {
            parse::Expect::Nothing => "the end of the program".into(),
            parse::Expect::Term => "a term".into(),
            parse::Expect::Just(s) => format!("`{s}`"),
            e => e.as_str().to_string(),
        };
        let mut span = span(code, found);
        // a bracket stands for all that it holds: mark only the bracket
        if found.starts_with(['(', '[', '{']) {
            span.end = span.start + 1;
        }
        CompileError {
            span,
            message: format!("expected {expected}, found {}", quoted(found)),
            file: None,
        }
    };
    errors.iter().map(error).collect()
}

pub(crate) fn load_errors(code: &str, errors: load::Error<&str>) -> Vec<CompileError> {
    match errors {
        load::Error::Io(io) => io
            .into_iter()
            .map(|(path, e)| CompileError {
                span: span(code, path),
                message: e,
                file: None,
            })
            .collect(),
        load::Error::Lex(e) => lex_errors(code, &e),
        load::Error::Parse(e) => parse_errors(code, &e),
    }
}

pub(crate) fn undefined(code: &str, errors: &[(&str, Undefined)]) -> Vec<CompileError> {
    let error = |(name, what): &(&str, Undefined)| {
        let message = match what {
            Undefined::Filter(arity) => format!("{name}/{arity} is not defined"),
            Undefined::Var => format!("{name} is not defined"),
            what => format!("{} {name} is not defined", what.as_str()),
        };
        CompileError {
            span: span(code, name),
            message,
            file: None,
        }
    };
    errors.iter().map(error).collect()
}

pub(crate) fn constant_keys(code: &str, errors: Vec<(&str, String)>) -> Vec<CompileError> {
    let error = |(at, message)| CompileError {
        span: span(code, at),
        message,
        file: None,
    };
    errors.into_iter().map(error).collect()
}
