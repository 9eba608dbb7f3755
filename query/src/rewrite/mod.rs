//! Where jaq's language and jq's differ, programs are rewritten before they are compiled.
//!
//! * `p |= f` with a `p` that jaq cannot update through, or through which it would delete at shifted indices, becomes a
//!   call of `_modify`, which collects the paths first.
//! * The operands of `l + r` are computed in jq's order where both have several outputs.
//! * `$__loc__` becomes the object it stands for.
//! * Paths and keys that are written out are put aside in [`Constants`], so that they are not computed for each input.
//! * Functions that call themselves check how much stack is left.
mod form;

use crate::constants::{Constants, MOST_KEYS, OBJECT, PATH, Step};
use crate::tokens::ALT;
use crate::value::Str;
use form::{awkward, calls, constant, fixed, only_one, single};
use jaq_core::load::Arena;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};
use std::cell::RefCell;

type Tm<'s> = Term<&'s str>;

/// Rewrites a program. Texts that are made on the way are kept in the arena.
///
/// # Errors
///
/// What jq finds wrong when it compiles, but jaq does not: the part of the program, and a message.
pub fn term<'s>(
    t: Tm<'s>,
    code: &str,
    arena: &'s Arena,
) -> Result<(Tm<'s>, Constants), Vec<(&'s str, String)>> {
    let r = Rewriter {
        code,
        arena,
        errors: RefCell::default(),
        constants: RefCell::default(),
    };
    let t = r.term(t);
    let errors = r.errors.into_inner();
    if errors.is_empty() {
        Ok((t, r.constants.into_inner()))
    } else {
        Err(errors)
    }
}

struct Rewriter<'c, 's> {
    code: &'c str,
    arena: &'s Arena,
    errors: RefCell<Vec<(&'s str, String)>>,
    constants: RefCell<Constants>,
}

fn call<'s>(name: &'s str, args: Vec<Tm<'s>>) -> Tm<'s> {
    Term::Call(name, args)
}

fn text(s: &str) -> Tm<'_> {
    Term::Str(None, vec![StrPart::Str(s)])
}

/// `l | r`
fn pipe<'s>(l: Tm<'s>, r: Tm<'s>) -> Tm<'s> {
    match l {
        Term::Id => r,
        l => Term::BinOp(Box::new(l), BinaryOp::Pipe(None), Box::new(r)),
    }
}

/// `t as $x | body`
fn bind<'s>(t: Tm<'s>, x: &'s str, body: Tm<'s>) -> Tm<'s> {
    Term::BinOp(
        Box::new(t),
        BinaryOp::Pipe(Some(Pattern::Var(x))),
        Box::new(body),
    )
}

impl<'s> Rewriter<'_, 's> {
    fn boxed(&self, t: Tm<'s>) -> Box<Tm<'s>> {
        Box::new(self.term(t))
    }

    fn all(&self, ts: Vec<Tm<'s>>) -> Vec<Tm<'s>> {
        ts.into_iter().map(|t| self.term(t)).collect()
    }

    fn term(&self, t: Tm<'s>) -> Tm<'s> {
        match t {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => t,
            Term::Var(x @ "$__loc__") => self.loc(x),
            Term::Var(_) => t,
            Term::Str(fmt, parts) => {
                Term::Str(fmt, parts.into_iter().map(|p| self.part(p)).collect())
            }
            Term::Arr(t) => Term::Arr(t.map(|t| self.boxed(*t))),
            Term::Obj(fields) => self.object(fields),
            Term::Neg(t) => Term::Neg(self.boxed(*t)),
            Term::BinOp(l, op, r) => self.binary(*l, op, *r),
            Term::Label(x, t) => Term::Label(x, self.boxed(*t)),
            Term::Fold(f, xs, pat, args) => {
                Term::Fold(f, self.boxed(*xs), self.pattern(pat), self.all(args))
            }
            Term::TryCatch(t, c) => Term::TryCatch(self.boxed(*t), c.map(|c| self.boxed(*c))),
            Term::IfThenElse(ifs, other) => {
                let ifs = ifs
                    .into_iter()
                    .map(|(i, t)| (self.term(i), self.term(t)))
                    .collect();
                Term::IfThenElse(ifs, other.map(|t| self.boxed(*t)))
            }
            Term::Def(defs, t) => Term::Def(
                defs.into_iter().map(|d| self.def(d)).collect(),
                self.boxed(*t),
            ),
            Term::Call(name, args) => Term::Call(name, self.all(args)),
            Term::Path(t, path) => self.path(*t, path),
        }
    }

    fn path(&self, t: Tm<'s>, path: Path<Tm<'s>>) -> Tm<'s> {
        let t = self.term(t);
        if !path.0.iter().all(|(p, _)| fixed(p)) {
            let part = |p| match p {
                Part::Index(i) => Part::Index(self.term(i)),
                Part::Range(l, r) => Part::Range(l.map(|t| self.term(t)), r.map(|t| self.term(t))),
            };
            let path = path.0.into_iter().map(|(p, opt)| (part(p), opt)).collect();
            return Term::Path(Box::new(t), Path(path));
        }
        let mut parts = path.0.into_iter().peekable();
        let mut whole = t;
        while parts.peek().is_some() {
            let key = |(p, opt): &(Part<Tm<'s>>, Opt)| match p {
                Part::Index(i) => constant(i).map(|k| (k, *opt)),
                Part::Range(..) => None,
            };
            let mut keys: Vec<Step> = Vec::new();
            while let Some(k) = parts.peek().and_then(key) {
                keys.push(k);
                parts.next();
            }
            if !keys.is_empty() {
                whole = pipe(whole, self.constant_path(keys));
            }
            let mut others = Vec::new();
            while let Some(p) = parts.next_if(|p| key(p).is_none()) {
                others.push(p);
            }
            if !others.is_empty() {
                whole = match whole {
                    Term::Id => Term::Path(Box::new(Term::Id), Path(others)),
                    whole => pipe(whole, Term::Path(Box::new(Term::Id), Path(others))),
                };
            }
        }
        whole
    }

    fn constant_path(&self, keys: Vec<Step>) -> Tm<'s> {
        let paths = &mut self.constants.borrow_mut().paths;
        paths.push(keys);
        call(PATH, vec![self.number(paths.len() - 1)])
    }

    fn number(&self, i: usize) -> Tm<'s> {
        Term::Num(self.arena.alloc(i.to_string()).as_str())
    }

    fn part(&self, p: StrPart<&'s str, Tm<'s>>) -> StrPart<&'s str, Tm<'s>> {
        match p {
            StrPart::Term(t) => StrPart::Term(self.term(t)),
            p => p,
        }
    }

    /// A key of an object or of a pattern.
    fn key(&self, k: Tm<'s>) -> Tm<'s> {
        let constant = match &k {
            Term::Num(n) => Some((*n, "number")),
            Term::Call(n @ ("true" | "false"), args) if args.is_empty() => Some((*n, "boolean")),
            Term::Call(n @ "null", args) if args.is_empty() => Some((*n, "null")),
            _ => None,
        };
        if let Some((at, kind)) = constant {
            self.errors
                .borrow_mut()
                .push((at, format!("cannot use {kind} ({at}) as object key")));
        }
        self.term(k)
    }

    fn pattern(&self, p: Pattern<&'s str>) -> Pattern<&'s str> {
        match p {
            Pattern::Var(_) => p,
            Pattern::Arr(ps) => Pattern::Arr(ps.into_iter().map(|p| self.pattern(p)).collect()),
            Pattern::Obj(ps) => Pattern::Obj(
                ps.into_iter()
                    .map(|(k, p)| (self.key(k), self.pattern(p)))
                    .collect(),
            ),
        }
    }

    fn def(&self, d: Def<&'s str>) -> Def<&'s str> {
        let recursive = calls(&d.body, d.name, d.args.len());
        let body = self.term(d.body);
        let body = match recursive {
            true => Term::BinOp(
                Box::new(call("__check", Vec::new())),
                BinaryOp::Pipe(None),
                Box::new(body),
            ),
            false => body,
        };
        Def { body, ..d }
    }

    /// `{file: "<top-level>", line: n}`; the line is that of `at`, if it is a part of the program.
    fn loc(&self, at: &str) -> Tm<'s> {
        let start = (at.as_ptr() as usize).wrapping_sub(self.code.as_ptr() as usize);
        let line = 1 + self
            .code
            .get(..start)
            .map_or(0, |before| before.matches('\n').count());
        let line = Term::Num(self.arena.alloc(line.to_string()).as_str());
        Term::Obj(vec![
            (text("file"), Some(text("<top-level>"))),
            (text("line"), Some(line)),
        ])
    }

    /// An object with keys that are written out, and values of one output each.
    fn constant_object(&self, fields: &[(Tm<'s>, Option<Tm<'s>>)]) -> Option<Tm<'s>> {
        if fields.is_empty() || fields.len() > MOST_KEYS {
            return None;
        }
        let mut keys = Vec::new();
        let mut values = Vec::new();
        for (k, v) in fields {
            match (k, v) {
                (Term::Var("$__loc__"), None) => return None,
                (Term::Var(x), None) => {
                    keys.push(Str::from(&x[1..]));
                    values.push(Term::Var(*x));
                }
                (k, None) => {
                    keys.push(constant(k)?);
                    values.push(self.constant_path(vec![(constant(k)?, Opt::Essential)]));
                }
                (k, Some(v)) if only_one(v) => {
                    keys.push(constant(k)?);
                    values.push(self.term(v.clone()));
                }
                _ => return None,
            }
        }
        // arguments are taken from the last to the first
        values.reverse();
        let objects = &mut self.constants.borrow_mut().objects;
        objects.push(keys);
        values.push(self.number(objects.len() - 1));
        Some(call(OBJECT, values))
    }

    fn object(&self, fields: Vec<(Tm<'s>, Option<Tm<'s>>)>) -> Tm<'s> {
        if let Some(t) = self.constant_object(&fields) {
            return t;
        }
        let field = |(k, v): (Tm<'s>, Option<Tm<'s>>)| match (k, v) {
            (Term::Var(x), None) if x == "$__loc__" => (text("__loc__"), Some(self.loc(x))),
            // a variable alone stands for its name and its value
            (k @ Term::Var(_), None) => (k, None),
            (k, v) => (self.key(k), v.map(|v| self.term(v))),
        };
        Term::Obj(fields.into_iter().map(field).collect())
    }

    fn binary(&self, l: Tm<'s>, op: BinaryOp<&'s str>, r: Tm<'s>) -> Tm<'s> {
        use BinaryOp as Op;
        let awkward = awkward(&l);
        let several = matches!(op, Op::Math(_) | Op::Cmp(_)) && !single(&l) && !single(&r);
        let (l, r) = (self.term(l), self.term(r));
        let with_value = |l, f: fn(Tm<'s>) -> Tm<'s>| {
            bind(
                r.clone(),
                "$__v",
                call("_modify", vec![l, f(Term::Var("$__v"))]),
            )
        };
        match op {
            Op::Update if awkward => call("_modify", vec![l, r]),
            Op::Assign if awkward => with_value(l, |v| v),
            Op::UpdateAlt if awkward => {
                with_value(l, |v| Term::BinOp(Box::new(Term::Id), Op::Alt, Box::new(v)))
            }
            Op::UpdateMath(op) if awkward => {
                let v = Term::BinOp(
                    Box::new(Term::Id),
                    Op::Math(op),
                    Box::new(Term::Var("$__v")),
                );
                bind(r, "$__v", call("_modify", vec![l, v]))
            }
            // jq runs through the outputs of the left operand fastest
            op if several => {
                let sum = Term::BinOp(Box::new(l), op, Box::new(Term::Var("$__r")));
                bind(r, "$__r", sum)
            }
            Op::Pipe(Some(Pattern::Arr(pats)))
                if matches!(pats.first(), Some(Pattern::Var(ALT))) =>
            {
                let pats = pats.into_iter().skip(1).map(|p| self.pattern(p)).collect();
                alternatives(l, pats, r)
            }
            Op::Pipe(Some(pat)) => {
                Term::BinOp(Box::new(l), Op::Pipe(Some(self.pattern(pat))), Box::new(r))
            }
            op => Term::BinOp(Box::new(l), op, Box::new(r)),
        }
    }
}

/// `l as P ?// Q | r`: where P or what follows fails, Q is tried. Variables of the other patterns are null.
fn alternatives<'s>(l: Tm<'s>, pats: Vec<Pattern<&'s str>>, r: Tm<'s>) -> Tm<'s> {
    let mut vars = Vec::new();
    pats.iter().for_each(|p| variables(p, &mut vars));
    let one = |p| {
        let body = Term::BinOp(
            Box::new(Term::Var("$__l")),
            BinaryOp::Pipe(Some(p)),
            Box::new(r.clone()),
        );
        vars.iter()
            .fold(body, |body, x| bind(call("null", Vec::new()), x, body))
    };
    let mut tries = pats.into_iter().rev().map(one);
    let last = tries.next().unwrap_or_default();
    let all = tries.fold(last, |rest, first| {
        let rest = Term::BinOp(
            Box::new(Term::Var("$__dot")),
            BinaryOp::Pipe(None),
            Box::new(rest),
        );
        Term::TryCatch(Box::new(first), Some(Box::new(rest)))
    });
    bind(Term::Id, "$__dot", bind(l, "$__l", all))
}

fn variables<'s>(p: &Pattern<&'s str>, out: &mut Vec<&'s str>) {
    match p {
        Pattern::Var(x) => out.push(x),
        Pattern::Arr(ps) => ps.iter().for_each(|p| variables(p, out)),
        Pattern::Obj(ps) => ps.iter().for_each(|(_, p)| variables(p, out)),
    }
}
