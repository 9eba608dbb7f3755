//! Strings of a program.
use super::Error;
use super::lex::{Part, Tok};
use super::parser::{Parser, Res, Tm};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::Term;

impl<'s> Parser<'s> {
    /// A string, after its first quote was seen.
    pub fn string(&mut self, format: Option<&'s str>) -> Res<'s, Tm<'s>> {
        let open = self.start();
        let mut parts: Vec<StrPart<&'s str, Tm<'s>>> = Vec::new();
        loop {
            let part = self.lexer().string_part().map_err(|e| match e.at {
                // what was opened is of more use than where the text ends
                "" => Error {
                    at: &self.code()[open..open + 1],
                    message: format!("{}, found the end", e.message),
                },
                _ => e,
            })?;
            match part {
                Part::Text(s) => parts.push(StrPart::Str(s)),
                Part::Char(c) => parts.push(StrPart::Char(c)),
                Part::Open => {
                    let bracket = self.lexer().at() - 1;
                    self.enter(bracket);
                    let t = self.query()?;
                    // the rest of the string is no token
                    if self.peek() != Tok::Op(")") {
                        return Err(self.expected("`)`"));
                    }
                    self.leave();
                    parts.push(StrPart::Term(t));
                }
                Part::End => break,
            }
        }
        self.advance();
        Ok(Term::Str(format, parts))
    }
}
