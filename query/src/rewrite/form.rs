//! What the form of a term tells about it.
use super::Tm;
use crate::value::Str;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::Part;

/// The text of a string that is written out.
pub fn constant(t: &Tm<'_>) -> Option<Str> {
    let Term::Str(None, parts) = t else {
        return None;
    };
    let mut text = String::new();
    for p in parts {
        match p {
            StrPart::Str(s) => text.push_str(s),
            StrPart::Char(c) => text.push(*c),
            StrPart::Term(_) => return None,
        }
    }
    Some(text.into())
}

/// Whether a part of a path says nothing of the input.
pub fn fixed(p: &Part<Tm<'_>>) -> bool {
    let number = |t: &Tm<'_>| match t {
        Term::Num(_) => true,
        Term::Neg(t) => matches!(**t, Term::Num(_)),
        _ => false,
    };
    match p {
        Part::Index(i) => number(i) || constant(i).is_some(),
        Part::Range(l, r) => l.as_ref().is_none_or(number) && r.as_ref().is_none_or(number),
    }
}

/// Whether a term has at most one output, as far as its form tells.
pub fn single(t: &Tm<'_>) -> bool {
    match t {
        Term::Id | Term::Num(_) | Term::Arr(_) | Term::Var(_) => true,
        Term::Str(_, parts) => parts
            .iter()
            .all(|p| !matches!(p, StrPart::Term(t) if !single(t))),
        Term::Neg(t) => single(t),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| single(k) && v.as_ref().is_none_or(single)),
        Term::BinOp(_, BinaryOp::Comma, _) => false,
        Term::BinOp(l, _, r) => single(l) && single(r),
        Term::Fold("reduce", ..) => true,
        Term::TryCatch(t, c) => single(t) && c.as_deref().is_none_or(single),
        Term::IfThenElse(ifs, other) => {
            ifs.iter().all(|(i, t)| single(i) && single(t)) && other.as_deref().is_none_or(single)
        }
        Term::Path(t, path) => {
            let part = |p: &Part<Tm<'_>>| match p {
                Part::Index(i) => single(i),
                Part::Range(None, None) => false,
                Part::Range(l, r) => l.as_ref().is_none_or(single) && r.as_ref().is_none_or(single),
            };
            single(t) && path.0.iter().all(|(p, _)| part(p))
        }
        // only functions known to have one output
        Term::Call(name, args) => {
            let known = [
                "length", "add", "tojson", "tostring", "tonumber", "type", "not", "true", "false",
                "null",
            ];
            args.is_empty() && known.contains(name)
        }
        _ => false,
    }
}

/// Whether a term has at most one output, whatever functions are called.
pub fn only_one(t: &Tm<'_>) -> bool {
    match t {
        Term::Id | Term::Num(_) | Term::Arr(_) | Term::Var(_) => true,
        Term::Str(_, parts) => parts
            .iter()
            .all(|p| !matches!(p, StrPart::Term(t) if !only_one(t))),
        Term::Neg(t) => only_one(t),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| only_one(k) && v.as_ref().is_none_or(only_one)),
        Term::BinOp(l, BinaryOp::Pipe(None) | BinaryOp::Math(_) | BinaryOp::Cmp(_), r) => {
            only_one(l) && only_one(r)
        }
        Term::Path(t, path) => {
            let one = |p: &Part<_>| matches!(p, Part::Index(i) if only_one(i));
            only_one(t) && path.0.iter().all(|(p, _)| one(p))
        }
        _ => false,
    }
}

/// Whether jaq cannot update through a path, or would delete through it at indices that have shifted.
pub fn awkward(t: &Tm<'_>) -> bool {
    match t {
        Term::TryCatch(..) | Term::Label(..) => true,
        Term::BinOp(_, BinaryOp::Comma, _) => true,
        // the left side of `as` is no path
        Term::BinOp(_, BinaryOp::Pipe(Some(_)), r) => awkward(r),
        Term::BinOp(l, BinaryOp::Pipe(None) | BinaryOp::Alt, r) => awkward(l) || awkward(r),
        Term::Path(t, path) => {
            awkward(t)
                || path
                    .0
                    .iter()
                    .any(|(p, _)| matches!(p, Part::Index(i) if !single(i)))
        }
        Term::IfThenElse(ifs, other) => {
            ifs.iter().any(|(_, t)| awkward(t)) || other.as_deref().is_some_and(awkward)
        }
        Term::Def(_, t) => awkward(t),
        Term::Call(_, args) => args.iter().any(awkward),
        _ => false,
    }
}

/// Whether a term calls a function, not looking at what inner definitions might shadow.
pub fn calls(t: &Tm<'_>, name: &str, arity: usize) -> bool {
    let c = |t: &Tm<'_>| calls(t, name, arity);
    match t {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) => false,
        Term::Str(_, parts) => parts.iter().any(|p| matches!(p, StrPart::Term(t) if c(t))),
        Term::Arr(t) => t.as_deref().is_some_and(c),
        Term::Obj(fields) => fields
            .iter()
            .any(|(k, v)| c(k) || v.as_ref().is_some_and(c)),
        Term::Neg(t) | Term::Label(_, t) => c(t),
        Term::BinOp(l, _, r) => c(l) || c(r),
        Term::Fold(_, xs, _, args) => c(xs) || args.iter().any(c),
        Term::TryCatch(t, catch) => c(t) || catch.as_deref().is_some_and(c),
        Term::IfThenElse(ifs, other) => {
            ifs.iter().any(|(i, t)| c(i) || c(t)) || other.as_deref().is_some_and(c)
        }
        Term::Def(defs, t) => c(t) || defs.iter().any(|d| c(&d.body)),
        Term::Call(n, args) => (*n == name && args.len() == arity) || args.iter().any(c),
        Term::Path(t, path) => {
            let part = |p: &Part<Tm<'_>>| match p {
                Part::Index(i) => c(i),
                Part::Range(l, r) => l.as_ref().is_some_and(c) || r.as_ref().is_some_and(c),
            };
            c(t) || path.0.iter().any(|(p, _)| part(p))
        }
    }
}
