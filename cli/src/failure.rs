//! Exit codes, which are those of jq and two more, and how errors are shown.

use crate::text::escaped;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// `-e`, and the last output was false or null; `--verify`, and there are faults.
pub const FALSE: u8 = 1;
/// A file is not there, or an argument is wrong.
pub const USAGE: u8 = 2;
/// The filter does not compile.
pub const COMPILE: u8 = 3;
/// `-e`, and there was no output.
pub const NO_OUTPUT: u8 = 4;
/// An error while running.
pub const RUNTIME: u8 = 5;
/// An input cannot be decoded, or `--strict` met a fault.
pub const UNDECODED: u8 = 6;

/// Show an error.
pub fn complain(what: impl Display) {
    tell(format_args!("binq: error: {what}\n"));
}

/// Write to standard error, with escapes for what a terminal would obey: names and values of files are in it. Where nobody
/// reads that any more there is nobody to tell: `eprint!` would panic.
pub fn tell(what: impl Display) {
    let _ = io::stderr().write_all(escaped(what).as_bytes());
}

/// Write what a filter wants on standard error: as it is, but escaped on a terminal.
pub fn pass_on(text: &[u8]) {
    let mut err = io::stderr();
    let _ = match err.is_terminal() {
        true => err.write_all(escaped(String::from_utf8_lossy(text)).as_bytes()),
        false => err.write_all(text),
    };
}

/// Whether the reader of our output went away, as `head` does.
pub fn is_closed(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::BrokenPipe
}
