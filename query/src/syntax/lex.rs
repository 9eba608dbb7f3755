//! Tokens, one at a time, as jq's lexer (`src/lexer.l`) cuts them: the longest match wins.
//!
//! A string is no token, only its first quote is: what it holds may be any program, so the parser reads it.
use super::Error;

/// A token, with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tok<'s> {
    /// A name or a keyword, perhaps with modules before it: `a::b`.
    Word(&'s str),
    /// `.name`
    Field(&'s str),
    /// `$name`
    Var(&'s str),
    /// `@name`
    Format(&'s str),
    /// A number.
    Num(&'s str),
    /// The quote that begins a string.
    Quote,
    /// An operator or a bracket.
    Op(&'s str),
    /// A character that begins no token.
    Bad(&'s str),
    /// Nothing is left.
    End,
}

/// Reads tokens from a text.
#[derive(Clone)]
pub struct Lexer<'s> {
    code: &'s str,
    at: usize,
}

/// The operators, longer ones first.
const OPERATORS: [&str; 36] = [
    "?//", "//=", "!=", "==", "//", "|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=", "..", ".", "?",
    "=", ";", ",", ":", "|", "+", "-", "*", "/", "%", "<", ">", "(", ")", "[", "]", "{", "}", "$",
    "!",
];

fn word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

fn word_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// How many bytes from the start fit.
fn run(bytes: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|b| fits(**b)).count()
}

/// The length of `[a-zA-Z_][a-zA-Z_0-9]*`; 0 if there is no such word.
fn word(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b) if word_start(*b) => run(bytes, word_part),
        _ => 0,
    }
}

/// The length of a word with modules before it.
fn path(bytes: &[u8]) -> usize {
    let mut len = word(bytes);
    while len > 0 && bytes[len..].starts_with(b"::") {
        match word(&bytes[len + 2..]) {
            0 => break,
            more => len += 2 + more,
        }
    }
    len
}

/// The length of a number: `1`, `1.`, `.5`, `1e-5`.
fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| run(&bytes[from..], |b| b.is_ascii_digit());
    let int = digits(0);
    let mut len = int;
    if bytes.get(len) == Some(&b'.') {
        let fraction = digits(len + 1);
        if int == 0 && fraction == 0 {
            return 0;
        }
        len += 1 + fraction;
    }
    if len > 0 && matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        match digits(len + 1 + sign) {
            0 => (),
            exponent => len += 1 + sign + exponent,
        }
    }
    len
}

impl<'s> Lexer<'s> {
    /// Starts at the beginning.
    pub fn new(code: &'s str) -> Self {
        Self { code, at: 0 }
    }

    /// The whole text.
    pub fn code(&self) -> &'s str {
        self.code
    }

    /// Where the next character is.
    pub fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'s str {
        &self.code[self.at..]
    }

    /// Skips spaces and comments. A comment goes on in the next line after an odd number of backslashes.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if !self.rest().starts_with('#') {
                return;
            }
            let bytes = self.rest().as_bytes();
            let mut i = 1;
            while i < bytes.len() && bytes[i] != b'\n' {
                i += match &bytes[i..] {
                    [b'\\', b'\r', b'\n', ..] => 3,
                    [b'\\', b'\n' | b'\\', ..] => 2,
                    _ => 1,
                };
            }
            self.at += i.min(bytes.len());
        }
    }

    /// The next token and where it begins.
    pub fn next(&mut self) -> (usize, Tok<'s>) {
        self.space();
        let (start, rest) = (self.at, self.rest());
        let bytes = rest.as_bytes();
        let Some(first) = bytes.first() else {
            return (start, Tok::End);
        };
        let (len, tok): (usize, fn(&'s str) -> Tok<'s>) = match first {
            b'"' => (1, |_| Tok::Quote),
            b'@' => match run(&bytes[1..], word_part) {
                0 => (1, Tok::Bad),
                len => (1 + len, Tok::Format),
            },
            b'$' => match path(&bytes[1..]) {
                0 => (1, Tok::Op),
                len => (1 + len, Tok::Var),
            },
            b'.' if word(&bytes[1..]) > 0 => (1 + word(&bytes[1..]), Tok::Field),
            b if word_start(*b) => (path(bytes), Tok::Word),
            _ if number(bytes) > 0 => (number(bytes), Tok::Num),
            _ => match OPERATORS.iter().find(|op| rest.starts_with(**op)) {
                Some(op) if *op != "!" => (op.len(), Tok::Op),
                _ => (rest.chars().next().map_or(1, char::len_utf8), Tok::Bad),
            },
        };
        self.at += len;
        (start, tok(&rest[..len]))
    }

    /// A part of a string, after its first quote or after another part.
    pub fn string_part(&mut self) -> Result<Part<'s>, Error<'s>> {
        let rest = self.rest();
        let plain = rest.find(['"', '\\']).unwrap_or(rest.len());
        if plain > 0 {
            self.at += plain;
            return Ok(Part::Text(&rest[..plain]));
        }
        let escape = rest.as_bytes().get(1);
        let (len, part) = match (rest.as_bytes().first(), escape) {
            (Some(b'"'), _) => (1, Part::End),
            (Some(_), Some(b'(')) => (2, Part::Open),
            (Some(_), Some(b'u')) => match unicode(rest) {
                Some((c, len)) => (len, Part::Char(c)),
                None => {
                    return Err(Error::new(
                        rest,
                        2,
                        "expected the four digits of a character after \\u, and both halves of a pair of surrogates".into(),
                    ));
                }
            },
            (Some(_), Some(b)) => {
                let Some(c) = escaped(*b) else {
                    let found: String = rest.chars().take(2).collect();
                    let message = format!("invalid escape in a string: found `{found}`");
                    return Err(Error::new(rest, 2, message));
                };
                (2, Part::Char(c))
            }
            _ => return Err(Error::new(rest, 0, "expected a closing quote".into())),
        };
        self.at += len;
        Ok(part)
    }
}

/// The character of an escape of one letter.
pub fn escaped(letter: u8) -> Option<char> {
    Some(match letter {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// The character of `\u0041` or `\ud83d\ude00`, and how long that is. A second half alone is the replacement character, as in jq,
/// a first half alone is none.
pub fn unicode(s: &str) -> Option<(char, usize)> {
    let unit = |s: &str| {
        let digits = s.strip_prefix("\\u")?.get(..4)?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    let first = unit(s)?;
    let units = [first, s.get(6..).and_then(unit).unwrap_or(0)];
    let take = match first {
        0xdc00..=0xdfff => return Some((char::REPLACEMENT_CHARACTER, 6)),
        0xd800..=0xdbff => 2,
        _ => 1,
    };
    let c = char::decode_utf16(units.into_iter().take(take))
        .next()?
        .ok()?;
    Some((c, 6 * take))
}

/// A part of a string.
pub enum Part<'s> {
    /// Characters as they are.
    Text(&'s str),
    /// A character that was escaped.
    Char(char),
    /// `\(`, after which a program follows.
    Open,
    /// The closing quote.
    End,
}
