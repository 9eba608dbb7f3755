//! Texts of files in messages: what a terminal would obey is escaped, and names that are no UTF-8 can be told apart.

use binq_query::json;
use std::fmt::{self, Write};
use std::path::Path;

/// Writes text on, with escapes for what a terminal would obey; but lines and tabulators stay.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '\n' | '\t' => self.write_char_as_is(c),
            c if json::is_obeyed(c) => write!(self.0, "\\u{:04x}", u32::from(c)),
            c => self.write_char_as_is(c),
        })
    }
}

impl Escaping<'_> {
    fn write_char_as_is(&mut self, c: char) -> fmt::Result {
        self.0.push(c);
        Ok(())
    }
}

/// A message as it can be shown on a terminal.
pub fn escaped(what: impl fmt::Display) -> String {
    let mut out = String::new();
    // writing to a string does not fail
    let _ = write!(Escaping(&mut out), "{what}");
    out
}

/// A path in a message. Bytes that are no UTF-8 are shown as `\xNN`, and a line break, too, is an escape.
pub fn shown(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out += &one_line(chunk.valid());
        for b in chunk.invalid() {
            out += &format!("\\x{b:02x}");
        }
    }
    out
}

/// A text that stays on its line, with escapes for all that a terminal would obey.
pub fn one_line(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match json::is_obeyed(c) {
            true => out += &format!("\\u{:04x}", u32::from(c)),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey() {
        let text = "a\u{1b}[31m\r\u{7f}\u{85}\u{9b}\u{202e}\u{2066}\u{200f}\u{61c} ü\t\n";
        let shown = r"a\u001b[31m\u000d\u007f\u0085\u009b\u202e\u2066\u200f\u061c ü";
        assert_eq!(escaped(text), format!("{shown}\t\n"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff\xc3\xa4\xc3/\n\x1b");
        assert_eq!(shown(Path::new(name)), r"a\xffä\xc3/\u000a\u001b");
    }
}
