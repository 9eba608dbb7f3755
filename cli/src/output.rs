//! Outputs: results as JSON, as text or as bytes.

use crate::args::{Args, Form};
use crate::blocks::{BLOCK, Blocks, Sink};
use crate::failure::tell;
use crate::input::Current;
use binq_core::Node;
use binq_core::encode::{EncodeOptions, Encoded, encode};
use binq_query::{V, json};
use std::fs::File;
use std::io::{self, IsTerminal, Write};

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

/// Shorter runs are sooner copied from memory than read anew.
const LONG: usize = 1 << 16;

/// Write encoded bytes: long runs of the input from its file, the rest from memory.
///
/// # Errors
/// Those of the file and of the writer.
pub fn write_encoded<W: Sink>(
    encoded: &Encoded,
    input: &Current,
    out: &mut Blocks<W>,
) -> io::Result<()> {
    let input = input.borrow();
    encoded.pieces().try_for_each(|piece| {
        let input = input.as_ref().filter(|_| piece.len() >= LONG);
        match input.and_then(|input| Some((input, input.run(&piece)?))) {
            Some((input, run)) => out.copy(input, run),
            None => out.write_all(&piece),
        }
    })
}

/// Where results go, and how they are written.
pub struct Output {
    out: Blocks<File>,
    /// The input that is mapped, from which large runs are copied.
    pub input: Current,
    json: json::Options,
    bytes: bool,
    raw: bool,
    join: bool,
    encode: EncodeOptions,
    verbose: bool,
    flush: bool,
}

/// Why a result was not written.
#[derive(Debug)]
pub enum NotWritten {
    /// The writer failed.
    Io(io::Error),
    /// The result cannot be written so.
    Value(String),
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
        let raw = args.raw_output || args.join_output;
        let indent = match (args.compact_output, args.tab, args.indent) {
            (true, ..) | (_, _, Some(0)) => json::Indent::Compact,
            (_, true, _) => json::Indent::Tab,
            (.., spaces) => json::Indent::Spaces(spaces.unwrap_or(2)),
        };
        // results as text are seen soon
        let block = if args.bytes { BLOCK } else { 1 << 16 };
        Ok(Self {
            out: Blocks::new(block, stdout()?),
            input,
            json: json::Options {
                indent,
                colors: color.then(json::Colors::from_env),
                sort_keys: args.sort_keys,
                raw,
                ascii: args.ascii_output,
                bits,
            },
            bytes: args.form() == Form::Bytes,
            raw,
            join: args.join_output,
            encode: EncodeOptions {
                no_fix: args.no_fix,
            },
            verbose: args.verbose,
            flush: terminal,
        })
    }

    /// Write one result.
    ///
    /// # Errors
    /// Those of the writer, and a result that has no bytes where bytes are asked for.
    pub fn write(&mut self, value: &V) -> Result<(), NotWritten> {
        if self.bytes {
            return self.write_bytes(value);
        }
        match value.clone().settle() {
            V::Bytes(bytes) if self.raw => self.out.write_all(&bytes)?,
            _ => json::write(&mut self.out, value, &self.json)?,
        }
        if !self.join {
            self.out.write_all(b"\n")?;
        }
        if self.flush {
            self.out.flush()?;
        }
        Ok(())
    }

    fn write_bytes(&mut self, value: &V) -> Result<(), NotWritten> {
        match value {
            V::Node(node) => {
                let encoded = self.encoded(node)?;
                if encoded.is_empty() && is_view(node, 3) {
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
        let encoded = encode(node, &self.encode).map_err(|e| NotWritten::Value(e.to_string()))?;
        if self.verbose {
            for note in &encoded.report.notes {
                tell(format_args!("binq: {note}\n"));
            }
        }
        Ok(encoded)
    }

    /// Write what is still held back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
