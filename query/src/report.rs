//! What is wrong with a program, and how it is shown.
use jaq_core::compile::Undefined;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

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

impl CompileErrors {
    /// Each of them alone, as it is shown.
    pub fn each(&self) -> impl Iterator<Item = String> {
        let alone = |e: &CompileError| Self {
            code: self.code.clone(),
            errors: vec![e.clone()],
        };
        self.errors.iter().map(move |e| alone(e).to_string())
    }
}

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
pub(crate) fn span(code: &str, part: &str) -> Range<usize> {
    within(code, part).unwrap_or(code.len()..code.len())
}

fn within(code: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    let end = start.checked_add(part.len())?;
    (end <= code.len()).then_some(start..end)
}

/// What jaq does not find: in the program, or in one of the modules.
pub(crate) fn undefined<'a>(
    code: &str,
    files: &[(PathBuf, &str)],
    errors: impl Iterator<Item = (&'a str, Undefined)>,
) -> Vec<CompileError> {
    let error = |(name, what): (&str, Undefined)| {
        let message = match what {
            Undefined::Filter(arity) => format!("{name}/{arity} is not defined"),
            Undefined::Var => format!("{name} is not defined"),
            what => format!("{} {name} is not defined", what.as_str()),
        };
        let file = files.iter().find(|(_, text)| within(text, name).is_some());
        CompileError {
            span: span(file.map_or(code, |(_, text)| text), name),
            message,
            file: file.map(|(path, text)| (path.display().to_string(), (*text).to_owned())),
        }
    };
    errors.map(error).collect()
}
