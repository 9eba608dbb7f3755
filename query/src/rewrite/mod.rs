//! Where the same term means something else to jq than to jaq, or costs more than it must, it is rewritten before it is
//! compiled.
//!
//! * `p |= f` becomes a call of `_modify`, which collects the paths first as jq does, unless `p` is so simple that it comes
//!   to the same ([`form::nested`]).
//! * Where several parts have several outputs, they run in jq's order: see [`order`](self::order).
//! * `reduce` and `foreach` go on from the last output of a step: see [`Rewriter::fold`].
//! * Paths and keys that are written out are put aside in [`Constants`], so that they are not computed for each input.
//! * Functions that call themselves check how much stack is left.
mod form;
mod order;

use crate::constants::{Constants, MOST_KEYS, OBJECT, PATH, Step};
use crate::value::Str;
pub use form::calls;
use form::{constant, fixed, nested, one, only_one, safe, sure};
use jaq_core::load::Arena;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};
use std::cell::RefCell;

type Tm<'s> = Term<&'s str>;

/// Rewrites programs. Texts that are made on the way are kept in the arena.
pub struct Rewriter<'s> {
    arena: &'s Arena,
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

/// `select(.)`, whatever the program defines
fn truthy<'s>() -> Tm<'s> {
    Term::IfThenElse(
        vec![(Term::Id, Term::Id)],
        Some(Box::new(Term::Call("empty", Vec::new()))),
    )
}

/// `t as $x | body`
fn bind<'s>(t: Tm<'s>, x: &'s str, body: Tm<'s>) -> Tm<'s> {
    pattern_bind(t, Pattern::Var(x), body)
}

fn pattern_bind<'s>(t: Tm<'s>, p: Pattern<&'s str>, body: Tm<'s>) -> Tm<'s> {
    Term::BinOp(Box::new(t), BinaryOp::Pipe(Some(p)), Box::new(body))
}

/// `t[i]`
fn at<'s>(t: Tm<'s>, i: &'s str) -> Tm<'s> {
    let part = (Part::Index(Term::Num(i)), Opt::Essential);
    Term::Path(Box::new(t), Path(vec![part]))
}

impl<'s> Rewriter<'s> {
    pub fn new(arena: &'s Arena) -> Self {
        Self {
            arena,
            constants: RefCell::default(),
        }
    }

    /// What was put aside.
    pub fn finish(self) -> Constants {
        self.constants.into_inner()
    }

    fn boxed(&self, t: Tm<'s>) -> Box<Tm<'s>> {
        Box::new(self.term(t))
    }

    fn all(&self, ts: Vec<Tm<'s>>) -> Vec<Tm<'s>> {
        ts.into_iter().map(|t| self.term(t)).collect()
    }

    pub fn term(&self, t: Tm<'s>) -> Tm<'s> {
        match t {
            Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_) => t,
            Term::Recurse => call("recurse", Vec::new()),
            Term::Str(fmt, parts) => self.string(fmt, parts),
            Term::Arr(t) => Term::Arr(t.map(|t| self.boxed(*t))),
            Term::Obj(fields) => self.object(fields),
            Term::Neg(t) => Term::Neg(self.boxed(*t)),
            Term::BinOp(l, op, r) => self.binary(*l, op, *r),
            Term::Label(x, t) => Term::Label(x, self.boxed(*t)),
            Term::Fold(f, xs, pat, args) => self.fold(f, *xs, pat, args),
            Term::TryCatch(t, c) => match safe(&t) {
                true => Term::TryCatch(self.boxed(*t), c.map(|c| self.boxed(*c))),
                // what runs into a limit is told by the side, see `paths.rs`
                false => {
                    let catch = c.map_or_else(|| call("empty", Vec::new()), |c| self.term(*c));
                    call("__try", vec![self.term(*t), catch])
                }
            },
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
            Term::Call(name, args) => self.call(name, args),
            Term::Path(t, path) => self.path(*t, path),
        }
    }

    fn call(&self, name: &'s str, args: Vec<Tm<'s>>) -> Tm<'s> {
        match name.strip_prefix('@') {
            // jq asks for the format when it runs
            Some(format) if !crate::fns::is_format(name) => call("__no_format", vec![text(format)]),
            _ => call(name, self.all(args)),
        }
    }

    fn path(&self, t: Tm<'s>, path: Path<Tm<'s>>) -> Tm<'s> {
        let (t, path) = match order::path(t, path, self) {
            Ok(ordered) => return ordered,
            Err(as_it_is) => as_it_is,
        };
        let t = self.term(t);
        if !path.0.iter().all(|(p, _)| fixed(p)) {
            return Term::Path(Box::new(t), self.parts(path));
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

    /// The left side of an update. jaq holds on to the value while a function updates it, which then has to be copied, so
    /// paths stay paths.
    fn place(&self, t: Tm<'s>) -> Tm<'s> {
        match t {
            Term::Path(t, path) => match order::path(*t, path, self) {
                Ok(ordered) => ordered,
                Err((t, path)) => {
                    let t = self.place(t);
                    Term::Path(Box::new(t), self.parts(path))
                }
            },
            Term::BinOp(l, op @ BinaryOp::Pipe(None), r) => {
                Term::BinOp(Box::new(self.place(*l)), op, Box::new(self.place(*r)))
            }
            t => self.term(t),
        }
    }

    /// A path with the programs in it rewritten.
    fn parts(&self, path: Path<Tm<'s>>) -> Path<Tm<'s>> {
        let part = |p| match p {
            Part::Index(i) => Part::Index(self.term(i)),
            Part::Range(l, r) => Part::Range(l.map(|t| self.term(t)), r.map(|t| self.term(t))),
        };
        Path(path.0.into_iter().map(|(p, opt)| (part(p), opt)).collect())
    }

    fn constant_path(&self, keys: Vec<Step>) -> Tm<'s> {
        let paths = &mut self.constants.borrow_mut().paths;
        paths.push(keys);
        call(PATH, vec![self.number(paths.len() - 1)])
    }

    fn number(&self, i: usize) -> Tm<'s> {
        Term::Num(self.arena.alloc(i.to_string()).as_str())
    }

    /// A text that is made.
    fn name(&self, s: String) -> &'s str {
        self.arena.alloc(s).as_str()
    }

    fn string(&self, fmt: Option<&'s str>, parts: Vec<StrPart<&'s str, Tm<'s>>>) -> Tm<'s> {
        if let Some(unknown) = fmt.filter(|f| !crate::fns::is_format(f)) {
            return match parts.iter().any(|p| matches!(p, StrPart::Term(_))) {
                true => call("__no_format", vec![text(&unknown[1..])]),
                false => Term::Str(None, parts),
            };
        }
        order::string(fmt, parts, self)
    }

    fn pattern(&self, p: Pattern<&'s str>) -> Pattern<&'s str> {
        match p {
            Pattern::Var(_) => p,
            Pattern::Arr(ps) => Pattern::Arr(ps.into_iter().map(|p| self.pattern(p)).collect()),
            Pattern::Obj(ps) => Pattern::Obj(
                ps.into_iter()
                    .map(|(k, p)| (self.term(k), self.pattern(p)))
                    .collect(),
            ),
        }
    }

    pub fn def(&self, d: Def<&'s str>) -> Def<&'s str> {
        let recursive = calls(&d.body, d.name, d.args.len());
        let body = self.term(d.body);
        let body = match recursive {
            true => pipe(call("__check", Vec::new()), body),
            false => body,
        };
        Def { body, ..d }
    }

    /// `reduce` and `foreach`. A step of jaq's goes on from each of its outputs, and ends where it has none. One of jq's
    /// goes on from the last, or from null.
    fn fold(&self, name: &'s str, xs: Tm<'s>, pat: Pattern<&'s str>, args: Vec<Tm<'s>>) -> Tm<'s> {
        let single = args.get(1).is_none_or(only_one);
        let xs = self.term(xs);
        let pat = self.pattern(pat);
        let mut args = self.all(args);
        if single {
            return Term::Fold(name, Box::new(xs), pat, args);
        }
        if name == "reduce" {
            args[1] = call("__last", vec![std::mem::take(&mut args[1])]);
            return Term::Fold(name, Box::new(xs), pat, args);
        }
        // `__foreach(xs; init; update; extract)`, the last two of `[x, state]`
        let (xs, pat) = match pat {
            Pattern::Var(_) => (xs, pat),
            pat => {
                let mut vars = Vec::new();
                variables(&pat, &mut vars);
                let list = vars.iter().map(|x| Term::Var(*x));
                let list =
                    list.reduce(|l, r| Term::BinOp(Box::new(l), BinaryOp::Comma, Box::new(r)));
                let bound = Pattern::Arr(vars.into_iter().map(Pattern::Var).collect());
                (pattern_bind(xs, pat, Term::Arr(list.map(Box::new))), bound)
            }
        };
        let with = |t| pattern_bind(at(Term::Id, "0"), pat.clone(), pipe(at(Term::Id, "1"), t));
        let mut args = args.into_iter();
        let init = args.next().unwrap_or_default();
        let update = args.next().unwrap_or_default();
        let extract = args.next().unwrap_or_default();
        call("__foreach", vec![xs, init, with(update), with(extract)])
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
        // jaq puts objects together from the end, which for many keys is quadratic
        if fields.len() > MOST_KEYS
            && fields
                .iter()
                .all(|(k, v)| only_one(k) && v.as_ref().is_none_or(only_one))
        {
            let mut sum = bind(Term::Id, "$__object", Term::Obj(Vec::new()));
            let mut steps = Vec::new();
            let mut fields = fields.into_iter();
            while fields.len() > 0 {
                let chunk = self.object(fields.by_ref().take(MOST_KEYS).collect());
                let chunk = pipe(Term::Var("$__object"), chunk);
                let add = BinaryOp::Math(jaq_core::ops::Math::Add);
                let added = Term::BinOp(Box::new(Term::Id), add, Box::new(Term::Var("$__x")));
                steps.push(bind(chunk, "$__x", added));
            }
            let body = std::iter::once(Term::Obj(Vec::new())).chain(steps);
            let body = crate::syntax::associative(body.collect(), &BinaryOp::Pipe(None));
            if let Term::BinOp(_, _, r) = &mut sum {
                **r = body;
            }
            return sum;
        }
        // jq runs through the last part fastest, and not at all through what follows one without outputs
        let free = fields
            .iter()
            .all(|(k, v)| one(k) && v.as_ref().is_none_or(one));
        let mut bound = Vec::new();
        let mut part = |t: Tm<'s>| match free || sure(&t) {
            true => self.term(t),
            false => {
                let x = self.name(format!("$__o{}", bound.len()));
                bound.push((x, self.term(t)));
                Term::Var(x)
            }
        };
        let mut out = Vec::new();
        for (k, v) in fields {
            // a variable alone stands for its name and its value
            if v.is_none() && (free || matches!(k, Term::Var(_))) {
                out.push((self.term(k), None));
                continue;
            }
            let k = part(k);
            let v = v.unwrap_or_else(|| {
                let key = (Part::Index(k.clone()), Opt::Essential);
                Term::Path(Box::new(Term::Id), Path(vec![key]))
            });
            // a variable that is a key stands for its name only without a value
            out.push((k, Some(part(v))));
        }
        let object = match free {
            true => Term::Obj(out),
            // of variables now
            false => self.constant_object(&out).unwrap_or(Term::Obj(out)),
        };
        bound
            .into_iter()
            .rev()
            .fold(object, |t, (x, k)| bind(k, x, t))
    }

    fn binary(&self, l: Tm<'s>, op: BinaryOp<&'s str>, r: Tm<'s>) -> Tm<'s> {
        use BinaryOp as Op;
        let nested = nested(&l, !matches!(op, Op::Update) || one(&r));
        let ordered = !matches!(op, Op::Math(_) | Op::Cmp(_)) || order::free(&l, &r);
        let update = matches!(
            op,
            Op::Update | Op::Assign | Op::UpdateAlt | Op::UpdateMath(_)
        );
        // jaq takes all outputs of `l // r` if one of them is true, where it is a path
        let l = match matches!(op, Op::Alt) && !only_one(&l) {
            true => pipe(l, truthy()),
            false => l,
        };
        let l = match nested && update {
            true => self.place(l),
            false => self.term(l),
        };
        let r = self.term(r);
        let with_value = |l, f: fn(Tm<'s>) -> Tm<'s>| {
            bind(
                r.clone(),
                "$__v",
                call("_modify", vec![l, f(Term::Var("$__v"))]),
            )
        };
        match op {
            Op::Update if !nested => call("_modify", vec![l, r]),
            Op::Assign if !nested => with_value(l, |v| v),
            Op::UpdateAlt if !nested => {
                with_value(l, |v| Term::BinOp(Box::new(Term::Id), Op::Alt, Box::new(v)))
            }
            Op::UpdateMath(op) if !nested => {
                let v = Term::BinOp(
                    Box::new(Term::Id),
                    Op::Math(op),
                    Box::new(Term::Var("$__v")),
                );
                bind(r, "$__v", call("_modify", vec![l, v]))
            }
            // jq runs through the outputs of the left operand fastest
            op if !ordered => {
                let sum = Term::BinOp(Box::new(l), op, Box::new(Term::Var("$__r")));
                bind(r, "$__r", sum)
            }
            Op::Pipe(Some(pat)) => {
                Term::BinOp(Box::new(l), Op::Pipe(Some(self.pattern(pat))), Box::new(r))
            }
            op => Term::BinOp(Box::new(l), op, Box::new(r)),
        }
    }
}

/// `l as P ?// Q | r`: where P or what follows fails, Q is tried. Variables of the other patterns are null.
pub fn alternatives<'s>(l: Tm<'s>, pats: Vec<Pattern<&'s str>>, r: Tm<'s>) -> Tm<'s> {
    let mut vars = Vec::new();
    pats.iter().for_each(|p| variables(p, &mut vars));
    let one = |p| {
        let body = pattern_bind(Term::Var("$__l"), p, r.clone());
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
