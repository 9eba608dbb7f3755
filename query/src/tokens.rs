//! Where jaq's parser takes less than jq's, tokens are rewritten before it sees them.
//!
//! * `as P ?// Q | …` becomes `as [$__alt, P, Q] | …`, which [`rewrite`](crate::rewrite) then takes apart.
//! * `{$a: P}` in a pattern becomes `{$a, a: P}`.
//! * `.5` becomes one number.
//! * `as(…)`, which is nothing in jq, becomes `_as(…)`: a function that a format may have.
use jaq_core::load::lex::{StrPart, Tok, Token};

type Tk<'s> = Token<&'s str>;

/// The variable that marks a list of alternative patterns.
pub const ALT: &str = "$__alt";

/// What a function `as` is called.
pub const AS: &str = "_as";

/// Rewrites the tokens of a program.
pub fn rewrite<'s>(code: &'s str, tokens: Vec<Tk<'s>>) -> Vec<Tk<'s>> {
    let mut out: Vec<Tk<'s>> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().map(|t| inner(code, t)).peekable();
    while let Some(t) = rest.next() {
        if matches!(t.1, Tok::Num)
            && let Some(Token(".", Tok::Sym)) = out.last()
            && let Some(number) = joined(code, out[out.len() - 1].0, t.0)
        {
            out.pop();
            out.push(Token(number, Tok::Num));
            continue;
        }
        let is_as = matches!(t, Token("as", Tok::Word));
        let call = |t: &Tk<'_>| matches!(t, Token(s, Tok::Block(_)) if s.starts_with('('));
        if is_as && rest.peek().is_some_and(call) {
            out.push(Token(AS, Tok::Word));
            continue;
        }
        out.push(t);
        if is_as && rest.peek().is_some_and(is_pattern) {
            let mut patterns: Vec<Tk<'s>> = rest.next().map(pattern).into_iter().collect();
            let mut marks: Vec<Tk<'s>> = Vec::new();
            while let Some(question) = rest.next_if(|t| t.0 == "?") {
                match rest.next_if(|t| t.0 == "//") {
                    // lone question marks are left for the parser to complain about
                    None => {
                        marks.push(question);
                        break;
                    }
                    Some(slashes) => match rest.next_if(is_pattern) {
                        Some(p) => patterns.push(pattern(p)),
                        None => {
                            marks.extend([question, slashes]);
                            break;
                        }
                    },
                }
            }
            // `reduce` and `foreach` do not take alternatives here: there, the parser complains as well
            let bar = rest.peek().is_some_and(|t| t.0 == "|");
            if patterns.len() > 1 && bar && marks.is_empty() {
                out.push(alternatives(patterns));
            } else {
                for (i, p) in patterns.into_iter().enumerate() {
                    if i > 0 {
                        out.push(Token("?", Tok::Sym));
                        out.push(Token("//", Tok::Sym));
                    }
                    out.push(p);
                }
                out.extend(marks);
            }
        }
    }
    out
}

/// The part of the program from one token to the next, if nothing lies between them.
fn joined<'s>(code: &'s str, dot: &str, number: &str) -> Option<&'s str> {
    let at = |s: &str| (s.as_ptr() as usize).checked_sub(code.as_ptr() as usize);
    let (dot, num) = (at(dot)?, at(number)?);
    (dot + 1 == num)
        .then(|| code.get(dot..num + number.len()))
        .flatten()
}

fn inner<'s>(code: &'s str, Token(s, tok): Tk<'s>) -> Tk<'s> {
    Token(
        s,
        match tok {
            Tok::Block(tokens) => Tok::Block(rewrite(code, tokens)),
            Tok::Str(parts) => Tok::Str(
                parts
                    .into_iter()
                    .map(|p| match p {
                        StrPart::Term(t) => StrPart::Term(inner(code, t)),
                        p => p,
                    })
                    .collect(),
            ),
            tok => tok,
        },
    )
}

fn is_pattern(t: &Tk<'_>) -> bool {
    matches!(t, Token(_, Tok::Var))
        || matches!(t, Token(s, Tok::Block(_)) if s.starts_with(['[', '{']))
}

fn alternatives(patterns: Vec<Tk<'_>>) -> Tk<'_> {
    let mut tokens = vec![Token(ALT, Tok::Var)];
    for p in patterns {
        tokens.push(Token(",", Tok::Sym));
        tokens.push(p);
    }
    tokens.push(Token("]", Tok::Sym));
    Token("[", Tok::Block(tokens))
}

/// Rewrites `$a: P` inside of a pattern.
fn pattern(Token(s, tok): Tk<'_>) -> Tk<'_> {
    let Tok::Block(tokens) = tok else {
        return Token(s, tok);
    };
    let object = s.starts_with('{');
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    let mut key = true;
    while let Some(t) = rest.next() {
        let colon = rest.peek().is_some_and(|t| t.0 == ":");
        match t {
            Token(x, Tok::Var) if object && key && colon => {
                out.push(Token(x, Tok::Var));
                out.push(Token(",", Tok::Sym));
                out.push(Token(&x[1..], Tok::Word));
                key = false;
            }
            Token(",", t) => {
                out.push(Token(",", t));
                key = true;
            }
            t if is_pattern(&t) && !(object && key) => out.push(pattern(t)),
            t => {
                key = false;
                out.push(t);
            }
        }
    }
    Token(s, Tok::Block(out))
}
