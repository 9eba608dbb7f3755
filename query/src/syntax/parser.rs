//! Recursive descent, one method for a rule of the grammar.
use super::lex::{Lexer, Tok};
use super::{Error, chain};
use crate::rewrite::{alternatives, calls};
use jaq_core::load::Arena;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Opt, Part, Path};

pub type Tm<'s> = Term<&'s str>;
pub type Res<'s, T> = Result<T, Error<'s>>;

/// `import "path" as name meta;` or `include "path" meta;`
pub struct Import<'s> {
    /// The path as it is written.
    pub path: Tm<'s>,
    /// The name, that of data with its `$`; none after `include`.
    pub name: Option<&'s str>,
    /// What comes between the name and the semicolon.
    pub meta: Option<Tm<'s>>,
    /// The path in the program.
    pub at: &'s str,
}

/// A program or a module.
#[derive(Default)]
pub struct Program<'s> {
    /// What follows `module`.
    pub meta: Option<Tm<'s>>,
    /// The directives, in order.
    pub imports: Vec<Import<'s>>,
    /// The definitions before the body.
    pub defs: Vec<Def<&'s str>>,
    /// What the program does; a module has none.
    pub body: Option<Tm<'s>>,
}

/// Parses a program or a module. Texts that are made on the way are kept in the arena.
///
/// # Errors
///
/// The first thing that is no jq.
pub fn program<'s>(code: &'s str, arena: &'s Arena) -> Res<'s, Program<'s>> {
    let mut p = Parser {
        lexer: Lexer::new(code),
        start: 0,
        end: 0,
        tok: Tok::End,
        arena,
        depth: 0,
        open: Vec::new(),
    };
    p.advance();
    p.program()
}

pub struct Parser<'s> {
    lexer: Lexer<'s>,
    /// Where the token begins that comes next.
    start: usize,
    /// Where the last one that was taken ended.
    end: usize,
    tok: Tok<'s>,
    arena: &'s Arena,
    depth: usize,
    /// Where the brackets are that are open.
    open: Vec<usize>,
}

/// Deepest nesting, as in jq.
const DEEPEST: usize = 10_000;

/// The words that name no function.
const KEYWORDS: [&str; 19] = [
    "as", "def", "module", "import", "include", "if", "then", "else", "elif", "end", "reduce",
    "foreach", "and", "or", "try", "catch", "label", "break", "__loc__",
];

fn keyword(word: &str) -> bool {
    word != "__loc__" && KEYWORDS.contains(&word)
}

/// What a function `as` is called, which is nothing in jq: `as(…)` is a function that a format may have.
pub const AS: &str = "_as";

/// Precedences, from loose to tight.
const ALT: u8 = 1;
const ASSIGN: u8 = 2;
const OR: u8 = 3;
const AND: u8 = 4;
const COMPARE: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;

fn operator<'s>(tok: Tok<'s>) -> Option<(u8, BinaryOp<&'s str>)> {
    use BinaryOp as Op;
    let (Tok::Op(s) | Tok::Word(s)) = tok else {
        return None;
    };
    Some(match s {
        "//" => (ALT, Op::Alt),
        "=" => (ASSIGN, Op::Assign),
        "|=" => (ASSIGN, Op::Update),
        "+=" => (ASSIGN, Op::UpdateMath(Math::Add)),
        "-=" => (ASSIGN, Op::UpdateMath(Math::Sub)),
        "*=" => (ASSIGN, Op::UpdateMath(Math::Mul)),
        "/=" => (ASSIGN, Op::UpdateMath(Math::Div)),
        "%=" => (ASSIGN, Op::UpdateMath(Math::Rem)),
        "//=" => (ASSIGN, Op::UpdateAlt),
        "or" => (OR, Op::Or),
        "and" => (AND, Op::And),
        "==" => (COMPARE, Op::Cmp(Cmp::Eq)),
        "!=" => (COMPARE, Op::Cmp(Cmp::Ne)),
        "<" => (COMPARE, Op::Cmp(Cmp::Lt)),
        "<=" => (COMPARE, Op::Cmp(Cmp::Le)),
        ">" => (COMPARE, Op::Cmp(Cmp::Gt)),
        ">=" => (COMPARE, Op::Cmp(Cmp::Ge)),
        "+" => (SUM, Op::Math(Math::Add)),
        "-" => (SUM, Op::Math(Math::Sub)),
        "*" => (PRODUCT, Op::Math(Math::Mul)),
        "/" => (PRODUCT, Op::Math(Math::Div)),
        "%" => (PRODUCT, Op::Math(Math::Rem)),
        _ => return None,
    })
}

fn text(s: &str) -> Tm<'_> {
    Term::Str(None, vec![StrPart::Str(s)])
}

fn pipe<'s>(l: Tm<'s>, with: Option<Pattern<&'s str>>, r: Tm<'s>) -> Tm<'s> {
    Term::BinOp(Box::new(l), BinaryOp::Pipe(with), Box::new(r))
}

impl<'s> Parser<'s> {
    pub fn lexer(&mut self) -> &mut Lexer<'s> {
        &mut self.lexer
    }

    pub fn code(&self) -> &'s str {
        self.lexer.code()
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn peek(&self) -> Tok<'s> {
        self.tok
    }

    /// Goes to the next token.
    pub fn advance(&mut self) {
        match self.tok {
            Tok::Op("(" | "[" | "{") => self.open.push(self.start),
            Tok::Op(")" | "]" | "}") => _ = self.open.pop(),
            _ => (),
        }
        self.end = self.lexer.at();
        (self.start, self.tok) = self.lexer.next();
    }

    /// Goes from a string to the program in brackets that is a part of it.
    pub fn enter(&mut self, bracket: usize) {
        (self.start, self.tok) = self.lexer.next();
        self.open.push(bracket);
    }

    /// Goes back to the string.
    pub fn leave(&mut self) {
        self.open.pop();
        // the string is one token
        self.tok = Tok::Quote;
    }

    fn take(&mut self) -> Tok<'s> {
        let tok = self.tok;
        self.advance();
        tok
    }

    pub fn expected(&self, what: &str) -> Error<'s> {
        let rest = &self.code()[self.start..];
        // what was opened is of more use than where the text ends
        if let (Tok::End, Some(open)) = (self.tok, self.open.last()) {
            let rest = &self.code()[*open..];
            let missing = match rest.as_bytes().first() {
                Some(b'(') => "parenthesis",
                Some(b'[') => "bracket",
                _ => "brace",
            };
            let message = format!("expected a closing {missing}, found the end");
            return Error::new(rest, 1, message);
        }
        let (found, len) = match self.tok {
            Tok::End => ("the end".to_owned(), 0),
            Tok::Bad(c) => return Error::new(rest, c.len(), format!("unexpected character `{c}`")),
            Tok::Quote => ("a string".to_owned(), 1),
            Tok::Word(s)
            | Tok::Field(s)
            | Tok::Var(s)
            | Tok::Format(s)
            | Tok::Num(s)
            | Tok::Op(s) => {
                let shown: String = s.chars().take(20).collect();
                let more = if shown.len() < s.len() { "…" } else { "" };
                (format!("`{shown}{more}`"), s.len())
            }
        };
        let mut message = format!("expected {what}, found {found}");
        if self.tok == Tok::Op("?//") {
            message += " (`?//` is an operator of its own: write `? //`)";
        }
        Error::new(rest, len, message)
    }

    fn is(&self, op: &str) -> bool {
        self.tok == Tok::Op(op) || self.tok == Tok::Word(op)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        if found {
            self.advance();
        }
        found
    }

    fn need(&mut self, op: &str) -> Res<'s, ()> {
        match self.eat(op) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{op}`"))),
        }
    }

    fn var(&mut self) -> Res<'s, &'s str> {
        match self.tok {
            Tok::Var(x) if x != "$__loc__" => {
                self.advance();
                Ok(x)
            }
            _ => Err(self.expected("variable")),
        }
    }

    /// The part of the program from a place to the end of the last token.
    fn since(&self, start: usize) -> &'s str {
        &self.code()[start..self.end.max(start)]
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Res<'s, T>) -> Res<'s, T> {
        if self.depth == DEEPEST {
            return Err(Error::new(
                &self.code()[self.start..],
                1,
                "the program nests too deep".into(),
            ));
        }
        self.depth += 1;
        let out = f(self);
        self.depth -= 1;
        out
    }

    fn program(&mut self) -> Res<'s, Program<'s>> {
        let mut out = Program::default();
        if self.eat("module") {
            let (start, meta) = (self.start, self.query()?);
            self.metadata(start, &meta)?;
            self.need(";")?;
            out.meta = Some(meta);
        }
        while self.is("import") || self.is("include") {
            out.imports.push(self.import()?);
        }
        while self.is("def") {
            out.defs.push(self.def()?);
        }
        if self.tok != Tok::End {
            out.body = Some(self.query()?);
        }
        match self.tok {
            Tok::End => Ok(out),
            _ => Err(self.expected("the end of the program")),
        }
    }

    fn metadata(&self, start: usize, meta: &Tm<'s>) -> Res<'s, ()> {
        let problem = match (constant(meta), meta) {
            (false, _) => "module metadata must be constant",
            (true, Term::Obj(_)) => return Ok(()),
            (true, _) => "module metadata must be an object",
        };
        Err(Error {
            at: self.since(start),
            message: problem.into(),
        })
    }

    fn import(&mut self) -> Res<'s, Import<'s>> {
        let named = self.take() == Tok::Word("import");
        let at = self.start;
        let path = match self.tok {
            Tok::Quote => self.string(None)?,
            _ => return Err(self.expected("string")),
        };
        let at = self.since(at);
        if !constant(&path) {
            return Err(Error {
                at,
                message: "the path of a module must be constant".into(),
            });
        }
        let name = match named {
            false => None,
            true => {
                self.need("as")?;
                match self.tok {
                    Tok::Var(x) | Tok::Word(x) if !keyword(x) => {
                        self.advance();
                        Some(x)
                    }
                    _ => return Err(self.expected("identifier")),
                }
            }
        };
        let meta = match self.is(";") {
            true => None,
            false => {
                let (start, meta) = (self.start, self.query()?);
                self.metadata(start, &meta)?;
                Some(meta)
            }
        };
        self.need(";")?;
        Ok(Import {
            path,
            name,
            meta,
            at,
        })
    }

    /// `def name(params): body;`
    fn def(&mut self) -> Res<'s, Def<&'s str>> {
        self.need("def")?;
        let name = match self.tok {
            Tok::Word(w) if !keyword(w) => w,
            _ => return Err(self.expected("identifier")),
        };
        self.advance();
        let mut args = Vec::new();
        if self.eat("(") {
            loop {
                match self.tok {
                    Tok::Word(w) if !keyword(w) => args.push(w),
                    Tok::Var(x) if x != "$__loc__" => args.push(x),
                    _ => return Err(self.expected("argument")),
                }
                self.advance();
                if self.eat(")") {
                    break;
                }
                if !self.eat(";") {
                    return Err(self.expected("semicolon or right parenthesis"));
                }
            }
        }
        self.need(":")?;
        let mut body = self.nested(Self::query)?;
        self.need(";")?;
        // `$x` as a parameter is a function `x`, too, with all outputs of the argument
        let called = |(i, var): (usize, &&'s str)| {
            let name = var.strip_prefix('$')?;
            // a later parameter of that name is another one
            let same = |other: &&str| other.strip_prefix('$').unwrap_or(other) == name;
            let hidden = args[i + 1..].iter().any(same);
            (calls(&body, name, 0) && !hidden).then_some(name)
        };
        let called: Vec<_> = args.iter().enumerate().map(called).collect();
        if called.iter().any(Option::is_some) {
            // the first parameter runs slowest
            for (i, name) in called.into_iter().enumerate().rev() {
                let var = args[i];
                if !var.starts_with('$') {
                    continue;
                }
                args[i] = name.unwrap_or_else(|| self.arena.alloc(format!("__parameter{i}")));
                let value = Term::Call(args[i], Vec::new());
                let bound = BinaryOp::Pipe(Some(Pattern::Var(var)));
                body = Term::BinOp(Box::new(value), bound, Box::new(body));
            }
        }
        Ok(Def { name, args, body })
    }

    /// What is separated by `|` and `,`; definitions, labels and `as` take all that follows.
    pub fn query(&mut self) -> Res<'s, Tm<'s>> {
        self.nested(Self::query_inner)
    }

    fn query_inner(&mut self) -> Res<'s, Tm<'s>> {
        let mut stages = Vec::new();
        loop {
            let mut outputs = Vec::new();
            let whole = loop {
                let (t, whole) = self.element()?;
                outputs.push(t);
                if whole || !self.eat(",") {
                    break whole;
                }
            };
            stages.push(chain::associative(outputs, &BinaryOp::Comma));
            if whole || !self.eat("|") {
                return Ok(chain::associative(stages, &BinaryOp::Pipe(None)));
            }
        }
    }

    /// Also tells whether it took all that follows.
    fn element(&mut self) -> Res<'s, (Tm<'s>, bool)> {
        if self.is("def") {
            let mut defs = vec![self.def()?];
            while self.is("def") {
                defs.push(self.def()?);
            }
            let body = self.query()?;
            return Ok((Term::Def(defs, Box::new(body)), true));
        }
        if self.eat("label") {
            let x = self.var()?;
            self.need("|")?;
            let body = self.query()?;
            return Ok((Term::Label(x, Box::new(body)), true));
        }
        let t = self.expr(0)?;
        if !self.eat("as") {
            return Ok((t, false));
        }
        let mut patterns = self.patterns()?;
        self.need("|")?;
        let body = self.query()?;
        let bound = match patterns.len() {
            1 => pipe(t, patterns.pop(), body),
            _ => alternatives(t, patterns, body),
        };
        Ok((bound, true))
    }

    /// Operators that bind at least as tightly as asked for.
    fn expr(&mut self, min: u8) -> Res<'s, Tm<'s>> {
        let mut left = self.term()?;
        while let Some((level, op)) = operator(self.tok).filter(|(level, _)| *level >= min) {
            if level == ASSIGN || level == COMPARE {
                self.advance();
                let right = self.expr(level + 1)?;
                if operator(self.tok).is_some_and(|(next, _)| next == level) {
                    let what = match level {
                        ASSIGN => "one assignment (a second one needs parentheses)",
                        _ => "one comparison (a second one needs parentheses)",
                    };
                    return Err(self.expected(what));
                }
                left = Term::BinOp(Box::new(left), op, Box::new(right));
                continue;
            }
            let mut rest = Vec::new();
            while let Some((_, op)) = operator(self.tok).filter(|(next, _)| *next == level) {
                self.advance();
                rest.push((op, self.expr(level + 1)?));
            }
            left = match level {
                SUM | PRODUCT => chain::left(left, rest),
                _ => {
                    let terms = std::iter::once(left).chain(rest.into_iter().map(|(_, t)| t));
                    chain::associative(terms.collect(), &op)
                }
            };
        }
        Ok(left)
    }

    fn term(&mut self) -> Res<'s, Tm<'s>> {
        self.nested(Self::term_inner)
    }

    fn term_inner(&mut self) -> Res<'s, Tm<'s>> {
        let start = self.start;
        let t = match self.tok {
            Tok::Op("-") => {
                self.advance();
                return Ok(Term::Neg(Box::new(self.term()?)));
            }
            Tok::Word("try") => {
                self.advance();
                let body = Box::new(self.term()?);
                let catch = match self.eat("catch") {
                    true => Some(Box::new(self.term()?)),
                    false => None,
                };
                Term::TryCatch(body, catch)
            }
            Tok::Field(name) => {
                self.advance();
                let part = (Part::Index(text(&name[1..])), self.optional());
                Term::Path(Box::new(Term::Id), Path(vec![part]))
            }
            Tok::Op(".") => {
                self.advance();
                match self.key()? {
                    Some(key) => {
                        let part = (Part::Index(key), self.optional());
                        Term::Path(Box::new(Term::Id), Path(vec![part]))
                    }
                    None if matches!(self.tok, Tok::Word(w) if operator(self.tok).is_none() && !keyword(w)) =>
                    {
                        return Err(
                            self.expected("`.[\"field\"]` for a field with an unusual name")
                        );
                    }
                    None => Term::Id,
                }
            }
            Tok::Op("..") => {
                self.advance();
                Term::Recurse
            }
            Tok::Op("(") => {
                self.advance();
                let t = self.query()?;
                self.need(")")?;
                t
            }
            Tok::Op("[") => {
                self.advance();
                if self.eat("]") {
                    Term::Arr(None)
                } else {
                    let t = self.query()?;
                    self.need("]")?;
                    Term::Arr(Some(Box::new(t)))
                }
            }
            Tok::Op("{") => self.object()?,
            Tok::Num(n) => {
                self.advance();
                Term::Num(n)
            }
            Tok::Quote => self.string(None)?,
            Tok::Format(name) => {
                self.advance();
                match self.tok {
                    Tok::Quote => self.string(Some(name))?,
                    _ => Term::Call(name, Vec::new()),
                }
            }
            Tok::Var("$__loc__") => {
                self.advance();
                self.location(start)
            }
            Tok::Var(x) => {
                self.advance();
                Term::Var(x)
            }
            Tok::Word("if") => self.condition()?,
            Tok::Word("reduce" | "foreach") => self.fold()?,
            Tok::Word("break") => {
                self.advance();
                Term::Break(self.var()?)
            }
            Tok::Word("as") => {
                self.advance();
                match self.tok {
                    Tok::Op("(") => Term::Call(AS, self.arguments()?),
                    _ => {
                        let message = "expected a term, found `as`".into();
                        return Err(Error::new(&self.code()[start..], 2, message));
                    }
                }
            }
            Tok::Word(name) if !keyword(name) => {
                self.advance();
                Term::Call(name, self.arguments()?)
            }
            _ => return Err(self.expected("a term")),
        };
        self.postfix(t)
    }

    fn arguments(&mut self) -> Res<'s, Vec<Tm<'s>>> {
        let mut args = Vec::new();
        if self.eat("(") {
            loop {
                args.push(self.query()?);
                if self.eat(")") {
                    break;
                }
                if !self.eat(";") {
                    return Err(self.expected("semicolon or right parenthesis"));
                }
            }
        }
        Ok(args)
    }

    /// A string after a dot.
    fn key(&mut self) -> Res<'s, Option<Tm<'s>>> {
        match self.tok {
            Tok::Quote => self.string(None).map(Some),
            Tok::Format(name) => {
                self.advance();
                match self.tok {
                    Tok::Quote => self.string(Some(name)).map(Some),
                    _ => Err(self.expected("string")),
                }
            }
            _ => Ok(None),
        }
    }

    fn optional(&mut self) -> Opt {
        match self.eat("?") {
            true => Opt::Optional,
            false => Opt::Essential,
        }
    }

    /// What may follow a term: `.a`, `."a"`, `[…]`, `?`.
    fn postfix(&mut self, mut t: Tm<'s>) -> Res<'s, Tm<'s>> {
        loop {
            let part = match self.tok {
                Tok::Op("?") => {
                    self.advance();
                    t = Term::TryCatch(Box::new(t), None);
                    continue;
                }
                Tok::Field(name) => {
                    self.advance();
                    Part::Index(text(&name[1..]))
                }
                Tok::Op(".") => {
                    self.advance();
                    match self.key()? {
                        Some(key) => Part::Index(key),
                        None if self.is("[") => self.bracket(false)?,
                        // two dots may stand apart: `. .a`
                        None if matches!(self.tok, Tok::Field(_)) => continue,
                        None => return Err(self.expected("key")),
                    }
                }
                Tok::Op("[") => self.bracket(true)?,
                _ => return Ok(t),
            };
            let part = (part, self.optional());
            match &mut t {
                Term::Path(_, path) => path.0.push(part),
                _ => t = Term::Path(Box::new(t), Path(vec![part])),
            }
        }
    }

    /// `[]`, `[i]`, and where they may be, `[i:]`, `[:j]`, `[i:j]`.
    fn bracket(&mut self, slices: bool) -> Res<'s, Part<Tm<'s>>> {
        self.need("[")?;
        if self.eat("]") {
            return Ok(Part::Range(None, None));
        }
        if slices && self.eat(":") {
            let upto = self.query()?;
            self.need("]")?;
            return Ok(Part::Range(None, Some(upto)));
        }
        let from = self.query()?;
        if slices && self.eat(":") {
            if self.eat("]") {
                return Ok(Part::Range(Some(from), None));
            }
            let upto = self.query()?;
            self.need("]")?;
            return Ok(Part::Range(Some(from), Some(upto)));
        }
        self.need("]")?;
        Ok(Part::Index(from))
    }

    fn condition(&mut self) -> Res<'s, Tm<'s>> {
        let mut ifs = Vec::new();
        loop {
            // `if` or `elif`
            self.advance();
            let condition = self.query()?;
            self.need("then")?;
            ifs.push((condition, self.query()?));
            if self.is("elif") {
                continue;
            }
            let other = match self.eat("else") {
                true => Some(Box::new(self.query()?)),
                false => None,
            };
            if !self.eat("end") {
                let what = if other.is_some() {
                    "`end`"
                } else {
                    "else or end"
                };
                return Err(self.expected(what));
            }
            return Ok(Term::IfThenElse(ifs, other));
        }
    }

    /// `reduce` and `foreach`
    fn fold(&mut self) -> Res<'s, Tm<'s>> {
        let Tok::Word(name) = self.take() else {
            return Err(self.expected("a term"));
        };
        let source = Box::new(self.expr(0)?);
        self.need("as")?;
        let mut patterns = self.patterns()?;
        self.need("(")?;
        let init = self.query()?;
        self.need(";")?;
        let mut args = vec![init, self.query()?];
        if name == "foreach" && self.eat(";") {
            args.push(self.query()?);
        }
        self.need(")")?;
        if patterns.len() == 1 {
            let pattern = patterns.pop().unwrap_or(Pattern::Var("$__x"));
            return Ok(Term::Fold(name, source, pattern, args));
        }
        // where a pattern does not fit, or what is computed with it fails, the next one is tried
        let on = |body| {
            let body = pipe(Term::Var("$__s"), None, body);
            let tried = alternatives(Term::Var("$__x"), patterns.clone(), body);
            pipe(Term::Id, Some(Pattern::Var("$__s")), tried)
        };
        let mut args = args.into_iter();
        let init = args.next().unwrap_or_default();
        let args = std::iter::once(init).chain(args.map(on)).collect();
        Ok(Term::Fold(name, source, Pattern::Var("$__x"), args))
    }

    fn patterns(&mut self) -> Res<'s, Vec<Pattern<&'s str>>> {
        let mut out = vec![self.pattern()?];
        while self.eat("?//") {
            out.push(self.pattern()?);
        }
        Ok(out)
    }

    fn pattern(&mut self) -> Res<'s, Pattern<&'s str>> {
        self.nested(|p| match p.tok {
            Tok::Var(_) => p.var().map(Pattern::Var),
            Tok::Op("[") => {
                p.advance();
                let mut items = vec![p.pattern()?];
                while p.eat(",") {
                    items.push(p.pattern()?);
                }
                match p.eat("]") {
                    true => Ok(Pattern::Arr(items)),
                    false => Err(p.expected("comma or right bracket")),
                }
            }
            Tok::Op("{") => {
                p.advance();
                let mut fields = Vec::new();
                loop {
                    p.pattern_field(&mut fields)?;
                    if p.eat("}") {
                        return Ok(Pattern::Obj(fields));
                    }
                    if !p.eat(",") {
                        return Err(p.expected("comma or right brace"));
                    }
                }
            }
            _ => Err(p.expected("pattern")),
        })
    }

    fn pattern_field(&mut self, out: &mut Vec<(Tm<'s>, Pattern<&'s str>)>) -> Res<'s, ()> {
        let key = match self.tok {
            Tok::Var(_) => {
                let x = self.var()?;
                out.push((text(&x[1..]), Pattern::Var(x)));
                if !self.eat(":") {
                    return Ok(());
                }
                out.push((text(&x[1..]), self.pattern()?));
                return Ok(());
            }
            Tok::Word(w) if !w.contains("::") => {
                self.advance();
                text(w)
            }
            Tok::Op("(") => self.computed_key()?,
            _ => match self.key()? {
                Some(key) => key,
                None => return Err(self.expected("key")),
            },
        };
        self.need(":")?;
        out.push((key, self.pattern()?));
        Ok(())
    }

    /// `(…)` as the key of an object or of a pattern.
    fn computed_key(&mut self) -> Res<'s, Tm<'s>> {
        self.need("(")?;
        let start = self.start;
        let key = self.query()?;
        if let Some(kind) = kind(&key).filter(|kind| *kind != "string") {
            let at = self.since(start);
            let message = format!("cannot use {kind} ({at}) as object key");
            return Err(Error { at, message });
        }
        self.need(")")?;
        Ok(key)
    }

    fn object(&mut self) -> Res<'s, Tm<'s>> {
        self.need("{")?;
        let mut fields = Vec::new();
        if self.eat("}") {
            return Ok(Term::Obj(fields));
        }
        loop {
            fields.push(self.field()?);
            if self.eat("}") {
                return Ok(Term::Obj(fields));
            }
            if !self.eat(",") {
                return Err(self.expected("comma or right brace"));
            }
            if self.eat("}") {
                return Ok(Term::Obj(fields));
            }
        }
    }

    fn field(&mut self) -> Res<'s, (Tm<'s>, Option<Tm<'s>>)> {
        let start = self.start;
        let key = match self.tok {
            Tok::Var("$__loc__") => {
                self.advance();
                return Ok((text("__loc__"), Some(self.location(start))));
            }
            Tok::Var(x) => {
                self.advance();
                Term::Var(x)
            }
            Tok::Word(w) => {
                self.advance();
                text(w)
            }
            Tok::Op("(") => {
                let key = self.computed_key()?;
                self.need(":")?;
                return Ok((key, Some(self.field_value()?)));
            }
            Tok::Num(_) => {
                return Err(self.expected("key (a key that is computed needs parentheses)"));
            }
            _ => match self.key()? {
                Some(key) => key,
                None => return Err(self.expected("key")),
            },
        };
        let value = match self.eat(":") {
            true => Some(self.field_value()?),
            false => None,
        };
        Ok((key, value))
    }

    /// A value of an object: `|` is part of it, a comma is not.
    fn field_value(&mut self) -> Res<'s, Tm<'s>> {
        let mut stages = vec![self.expr(0)?];
        while self.eat("|") {
            stages.push(self.expr(0)?);
        }
        Ok(chain::associative(stages, &BinaryOp::Pipe(None)))
    }

    /// `{file: "<top-level>", line: n}`
    fn location(&self, at: usize) -> Tm<'s> {
        let line = 1 + self.code()[..at].matches('\n').count();
        let line = Term::Num(self.arena.alloc(line.to_string()).as_str());
        Term::Obj(vec![
            (text("file"), Some(text("<top-level>"))),
            (text("line"), Some(line)),
        ])
    }
}

/// The kind of a value that is written out, where that is easily told.
fn kind(t: &Tm<'_>) -> Option<&'static str> {
    Some(match t {
        t if !constant(t) => return None,
        Term::Num(_) | Term::Neg(_) => "number",
        Term::Str(..) => "string",
        Term::Arr(_) => "array",
        Term::Obj(_) => "object",
        Term::Call("null", _) => "null",
        Term::Call(..) => "boolean",
        Term::BinOp(l, _, r) => kind(l).filter(|k| kind(r) == Some(*k))?,
        _ => return None,
    })
}

/// Whether a term is written out: what jq knows before it runs.
pub fn constant(t: &Tm<'_>) -> bool {
    match t {
        Term::Num(_) => true,
        Term::Neg(t) => matches!(**t, Term::Num(_)),
        Term::Str(_, parts) => !parts.iter().any(|p| matches!(p, StrPart::Term(_))),
        Term::Call("true" | "false" | "null", args) => args.is_empty(),
        Term::Arr(None) => true,
        Term::Arr(Some(t)) => items(t),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| constant(k) && v.as_ref().is_some_and(constant)),
        Term::BinOp(l, BinaryOp::Math(_), r) => constant(l) && constant(r),
        _ => false,
    }
}

fn items(t: &Tm<'_>) -> bool {
    match t {
        Term::BinOp(l, BinaryOp::Comma, r) => items(l) && items(r),
        t => constant(t),
    }
}
