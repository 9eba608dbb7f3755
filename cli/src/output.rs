//! Outputs: results as JSON, as text or as bytes.

use crate::args::{Args, Form};
use crate::blocks::{BLOCK, Blocks, Sink};
use crate::failure::tell;
use crate::input::{Current, Opened};
use crate::verify::{self, Told};
use binq_core::Node;
use binq_core::encode::{Did, EncodeOptions, Encoded, Note, encode};
use binq_mapped::Mapped;
use binq_query::{V, json};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;

/// Standard output without a buffer of its own: that of the library is made for lines.
#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

/// Standard output as it was opened. Nothing is written to it that was made of an input which meanwhile became shorter.
struct Checked {
    out: File,
    inputs: Current,
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.inputs.check()?;
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Sink for Checked {
    fn take(&mut self, from: &Mapped, run: Range<u64>) -> io::Result<()> {
        self.inputs.check()?;
        from.send(run, &self.out)
    }
}

/// Shorter runs are sooner copied from memory than read anew.
const LONG: usize = 1 << 16;

/// Write encoded bytes: long runs of the input from its file, the rest from memory.
///
/// # Errors
/// Those of the file and of the writer.
pub fn write_encoded<W: Sink>(
    encoded: &Encoded,
    input: &Opened,
    out: &mut Blocks<W>,
) -> io::Result<()> {
    encoded.pieces().try_for_each(|piece| {
        let copied = match piece.len() >= LONG {
            true => input.with_run(&piece, |file, run| out.copy(file, run)),
            false => None,
        };
        copied.unwrap_or_else(|| out.write_all(&piece))
    })
}

/// Where results go, and how they are written.
pub struct Output {
    out: Blocks<Checked>,
    /// The inputs that are mapped, from which large runs are copied.
    pub input: Current,
    json: json::Options,
    bytes: bool,
    raw: bool,
    /// What follows a result.
    end: &'static [u8],
    encode: EncodeOptions,
    verbose: bool,
    flush: bool,
    /// The faults of what is written of an input.
    told: RefCell<Told>,
}

/// Why a result was not written.
#[derive(Debug)]
pub enum NotWritten {
    /// The writer failed.
    Io(io::Error),
    /// The result cannot be written so.
    Value(String),
    /// Nor are those that follow it.
    Last(String),
}

impl From<io::Error> for NotWritten {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// Whether a node without bytes shows such as have some, a few levels down: what is stored elsewhere, and may be in pieces.
fn is_view(node: &Node, depth: u32) -> bool {
    let shown = |child: &Node| {
        child.bytes().is_ok_and(|b| !b.is_empty()) || depth > 0 && is_view(child, depth - 1)
    };
    node.fields().iter().any(|(_, child)| shown(child)) || node.items().any(|child| shown(&child))
}

impl Output {
    /// As the command line says.
    ///
    /// # Errors
    /// A standard output that cannot be written to.
    pub fn new(args: &Args, bits: json::BitsFormat, input: Current) -> io::Result<Self> {
        let terminal = io::stdout().is_terminal();
        let color = match (args.color_output, args.monochrome_output) {
            (true, _) => true,
            (_, true) => false,
            _ => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        let raw = args.raw_output || args.join_output || args.raw_output0;
        let end: &[u8] = match (args.raw_output0, args.join_output) {
            (true, _) => b"\0",
            (_, true) => b"",
            _ => b"\n",
        };
        let indent = match (args.compact_output, args.tab, args.indent) {
            (true, ..) => json::Indent::Compact,
            (_, true, _) | (.., Some(..0)) => json::Indent::Tab,
            (.., spaces) => json::Indent::Spaces(spaces.map_or(2, i8::unsigned_abs)),
        };
        // results as text are seen soon
        let block = if args.bytes { BLOCK } else { 1 << 16 };
        Ok(Self {
            out: Blocks::new(
                block,
                Checked {
                    out: stdout()?,
                    inputs: input.clone(),
                },
            ),
            input,
            json: json::Options {
                indent,
                colors: color.then(json::Colors::from_env),
                sort_keys: args.sort_keys,
                raw,
                ascii: args.ascii_output,
                terminal,
                bits,
            },
            bytes: args.form() == Form::Bytes,
            raw,
            end,
            encode: EncodeOptions {
                no_fix: args.no_fix,
            },
            verbose: args.verbose,
            flush: terminal || args.unbuffered,
            told: RefCell::default(),
        })
    }

    /// Write one result.
    ///
    /// # Errors
    /// Those of the writer, and a result that has no bytes where bytes are asked for.
    pub fn write(&mut self, value: &V) -> Result<(), NotWritten> {
        if self.bytes {
            self.write_bytes(value)?;
            if self.flush {
                self.out.flush()?;
            }
            return Ok(());
        }
        match value.clone().settle() {
            V::Bytes(text) | V::Text(text) if self.end == b"\0" && text.contains(&0) => {
                let e = "Cannot dump a string containing NUL with --raw-output0 option";
                return Err(NotWritten::Last(e.to_owned()));
            }
            V::Bytes(bytes) if self.raw && self.json.terminal => {
                json::write(&mut self.out, &V::Text(bytes), &self.json)?;
            }
            V::Bytes(bytes) if self.raw => self.out.write_all(&bytes)?,
            _ => json::write(&mut self.out, value, &self.json)?,
        }
        self.out.write_all(self.end)?;
        if self.flush {
            self.out.flush()?;
        }
        Ok(())
    }

    /// Write a line of text.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")?;
        match self.flush {
            true => self.out.flush(),
            false => Ok(()),
        }
    }

    fn write_bytes(&mut self, value: &V) -> Result<(), NotWritten> {
        match value {
            V::Node(node) => {
                let node = node.node();
                let encoded = self.encoded(&node)?;
                if encoded.is_empty() && is_view(&node, 3) {
                    return Err(NotWritten::Value(format!(
                        "{}: has no bytes of its own, as it is put together of others; write one of its fields",
                        node.path_text()
                    )));
                }
                write_encoded(&encoded, &self.input, &mut self.out)?;
            }
            V::Bytes(bytes) | V::Text(bytes) => self.out.write_all(bytes)?,
            V::Null => {
                return Err(NotWritten::Value(
                    "-b writes decoded values and strings, and this result is null".to_owned(),
                ));
            }
            other => {
                let kind = other.kind().name();
                let a = if kind.starts_with(['a', 'o']) {
                    "an"
                } else {
                    "a"
                };
                return Err(NotWritten::Value(format!(
                    "-b writes decoded values and strings, and this result is neither but {a} {kind}: {other}",
                )));
            }
        }
        Ok(())
    }

    /// Encode a result, and tell what was recomputed if that was asked for.
    ///
    /// # Errors
    /// Edits that cannot be encoded.
    pub fn encoded(&self, node: &Node) -> Result<Encoded, NotWritten> {
        self.tell_faults(node);
        let encoded = encode(node, &self.encode).map_err(|e| NotWritten::Value(e.to_string()))?;
        let warns = |note: &&Note| self.verbose || matches!(note.did, Did::Warning(_));
        for note in told_once(&encoded.report.notes).filter(warns) {
            tell(format_args!("binq: {note}\n"));
        }
        Ok(encoded)
    }

    /// Tell what is wrong with what is written, as it was decoded. What could not be decoded at all was told of before.
    fn tell_faults(&self, node: &Node) {
        let name = self.input.name();
        // what a filter made of nothing is no input
        if name.is_empty() || node.root().undecodable().is_some() {
            return;
        }
        let mut told = self.told.borrow_mut();
        for line in told.add(&name, verify::of_written(node)) {
            tell(format_args!("binq: {line}\n"));
        }
        if node.is_edited() && !verify::is_short(node) && told.first_in_part() {
            tell(format_args!(
                "binq: {name}: looked for faults near the edit only; --verify and --strict look at all of it\n"
            ));
        }
    }

    /// What was written of an input is all of it.
    pub fn end_input(&mut self) {
        let told = self.told.take();
        if let Some(rest) = told.rest() {
            tell(format_args!("binq: {rest}\n"));
        }
    }

    /// Write what is still held back.
    ///
    /// # Errors
    /// Those of the writer, and an input that became shorter.
    pub fn flush(&mut self) -> io::Result<()> {
        self.input.check()?;
        self.out.flush()
    }
}

/// The notes, each change once: a field that is reached in two ways is told of under the path that came first. It is the same
/// field where the same is done at the same byte of the input.
fn told_once(notes: &[Note]) -> impl Iterator<Item = &Note> {
    let mut told = HashSet::new();
    notes
        .iter()
        .filter(move |note| told.insert((note.offset, format!("{:?}", note.did))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use binq_core::Scalar;

    #[test]
    fn each_change_is_told_once() {
        let note = |path: &str, offset, to: i128| Note {
            path: path.to_owned(),
            offset,
            did: Did::Recomputed {
                from: Scalar::Int(1),
                to: Scalar::Int(to),
            },
        };
        let notes = [
            note(".records[3].xl_crc", 8, 2),
            note(".records at 0/B021A8 xl_crc", 8, 2),
            // another place, another value
            note(".records[4].xl_crc", 9, 2),
            note(".records[3].xl_crc", 8, 3),
            note(".records[3].xl_crc", 8, 2),
        ];
        let told: Vec<_> = told_once(&notes).map(ToString::to_string).collect();
        let of = |i: usize| notes[i].to_string();
        assert_eq!(told, [of(0), of(2), of(3)]);
    }
}
