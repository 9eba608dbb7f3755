//! Exit codes, which are those of jq, and how errors are shown.

use std::fmt::Display;
use std::io::{self, Write};

/// `-e`, and the last output was false or null.
pub const FALSE: u8 = 1;
/// An input or an argument is wrong.
pub const USAGE: u8 = 2;
/// The filter does not compile.
pub const COMPILE: u8 = 3;
/// `-e`, and there was no output.
pub const NO_OUTPUT: u8 = 4;
/// An error while running.
pub const RUNTIME: u8 = 5;

/// Show an error.
pub fn complain(what: impl Display) {
    tell(format_args!("binq: error: {what}\n"));
}

/// Write to standard error. Where nobody reads that any more there is nobody to tell: `eprint!` would panic.
pub fn tell(what: impl Display) {
    let _ = write!(io::stderr(), "{what}");
}

/// Whether the reader of our output went away, as `head` does.
pub fn is_closed(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::BrokenPipe
}
