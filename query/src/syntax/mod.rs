//! The grammar of jq 1.8.2 (`src/parser.y`), which gives jaq's terms.
//!
//! jaq has a parser of its own, but its precedences differ, and so does what it takes. What both mean is told apart by
//! [`rewrite`](crate::rewrite).
mod chain;
mod lex;
mod parser;
mod strings;

pub use chain::associative;
pub use lex::{escaped, unicode};
pub use parser::{AS, Import, Program, program};

/// What is wrong with a program, and where.
#[derive(Clone, Debug)]
pub struct Error<'s> {
    /// The part of the program that is wrong; empty at its end.
    pub at: &'s str,
    /// What was expected and what was found.
    pub message: String,
}

impl<'s> Error<'s> {
    /// An error at the first `len` bytes of the rest of a program.
    fn new(rest: &'s str, len: usize, message: String) -> Self {
        let mut len = len.min(rest.len());
        while !rest.is_char_boundary(len) {
            len += 1;
        }
        Self {
            at: &rest[..len],
            message,
        }
    }
}
