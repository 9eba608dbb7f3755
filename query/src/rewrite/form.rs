//! What the form of a term tells about it.
use super::Tm;
use crate::value::Str;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Opt, Part};

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

/// Functions without arguments that have one output, or fail.
const ONE: [&str; 44] = [
    "length",
    "add",
    "tojson",
    "fromjson",
    "tostring",
    "tonumber",
    "type",
    "not",
    "true",
    "false",
    "null",
    "keys",
    "keys_unsorted",
    "values",
    "sort",
    "unique",
    "min",
    "max",
    "reverse",
    "to_entries",
    "floor",
    "ceil",
    "round",
    "sqrt",
    "fabs",
    "abs",
    "ascii_downcase",
    "ascii_upcase",
    "explode",
    "implode",
    "flatten",
    "any",
    "all",
    "first",
    "last",
    "utf8bytelength",
    "transpose",
    "from_entries",
    "trim",
    "ltrim",
    "rtrim",
    "toactual",
    "tosym",
    "tovalue",
];

/// Functions of values that have one output for each of their arguments.
const ONE_OF: [&str; 14] = [
    "has",
    "contains",
    "startswith",
    "endswith",
    "ltrimstr",
    "rtrimstr",
    "split",
    "join",
    "test",
    "index",
    "rindex",
    "getpath",
    "map",
    "select",
];

/// Whether a term has exactly one output, or fails, whatever functions the program defines.
///
/// `values` and `select` may have none, so they do not count.
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
        Term::BinOp(l, op, r) => match op {
            BinaryOp::Pipe(None | Some(Pattern::Var(_)))
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_)
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Alt => only_one(l) && only_one(r),
            BinaryOp::Assign | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => only_one(r),
            // an update has one output whatever it is made of
            BinaryOp::Update => true,
            BinaryOp::Comma | BinaryOp::Pipe(_) => false,
        },
        Term::Path(t, path) => {
            let one = |p: &Part<_>, opt: &Opt| match p {
                Part::Index(i) => only_one(i) && matches!(opt, Opt::Essential),
                Part::Range(None, None) => false,
                Part::Range(l, r) => {
                    l.as_ref().is_none_or(only_one)
                        && r.as_ref().is_none_or(only_one)
                        && matches!(opt, Opt::Essential)
                }
            };
            only_one(t) && path.0.iter().all(|(p, opt)| one(p, opt))
        }
        Term::IfThenElse(ifs, other) => {
            ifs.iter().all(|(i, t)| only_one(i) && only_one(t))
                && other.as_deref().is_none_or(only_one)
        }
        Term::Call("true" | "false" | "null", args) => args.is_empty(),
        _ => false,
    }
}

/// Whether it does not matter how often a term runs, and when: it has one output, which depends on its input alone.
///
/// Functions are taken for what they are unless the program defines them anew; then the order is jaq's.
pub fn quiet(t: &Tm<'_>) -> bool {
    match t {
        Term::Id | Term::Num(_) | Term::Var(_) => true,
        Term::Arr(t) => t.as_deref().is_none_or(quiet_many),
        Term::Str(_, parts) => parts
            .iter()
            .all(|p| !matches!(p, StrPart::Term(t) if !quiet(t))),
        Term::Neg(t) => quiet(t),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| quiet(k) && v.as_ref().is_none_or(quiet)),
        Term::BinOp(_, BinaryOp::Comma | BinaryOp::Pipe(Some(_)), _) => false,
        Term::BinOp(l, _, r) => quiet(l) && quiet(r),
        Term::Path(t, path) => {
            let part = |(p, opt): &(Part<Tm<'_>>, Opt)| match p {
                Part::Index(i) => quiet(i) && matches!(opt, Opt::Essential),
                Part::Range(None, None) => false,
                Part::Range(l, r) => l.as_ref().is_none_or(quiet) && r.as_ref().is_none_or(quiet),
            };
            quiet(t) && path.0.iter().all(part)
        }
        Term::IfThenElse(ifs, other) => {
            ifs.iter().all(|(i, t)| quiet(i) && quiet(t)) && other.as_deref().is_none_or(quiet)
        }
        Term::Call(name, args) => {
            let none = ["values", "select"].contains(name);
            !none
                && match args.as_slice() {
                    [] => ONE.contains(name),
                    args => ONE_OF.contains(name) && args.iter().all(quiet),
                }
        }
        _ => false,
    }
}

/// Whether a term has exactly one output, or fails.
pub fn one(t: &Tm<'_>) -> bool {
    only_one(t) || quiet(t)
}

/// Whether a term has one output whatever its input is, so that nothing is lost where it does not run.
pub fn sure(t: &Tm<'_>) -> bool {
    matches!(t, Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(None)) || constant(t).is_some()
}

/// Whether a term does nothing but to have outputs.
fn quiet_many(t: &Tm<'_>) -> bool {
    match t {
        Term::BinOp(l, BinaryOp::Comma, r) => quiet_many(l) && quiet_many(r),
        Term::Path(t, path) => {
            let part = |p: &Part<Tm<'_>>| match p {
                Part::Index(i) => quiet(i),
                Part::Range(l, r) => l.as_ref().is_none_or(quiet) && r.as_ref().is_none_or(quiet),
            };
            quiet_many(t) && path.0.iter().all(|(p, _)| part(p))
        }
        t => quiet(t),
    }
}

/// Whether an update can go down into the value instead of collecting paths: each place is reached once, and what leads
/// there depends on nothing that is changed.
///
/// There is at least one step, for that takes the first output of what is put there. If that may have none (`sure` is false),
/// what is absent must be made by the last step only: going down leaves what the steps before it made.
pub fn nested(t: &Tm<'_>, sure: bool) -> bool {
    fn steps(t: &Tm<'_>) -> bool {
        match t {
            Term::BinOp(l, BinaryOp::Pipe(None), r) => steps(l) || steps(r),
            Term::Path(..) | Term::Call("getpath", _) => true,
            _ => false,
        }
    }
    steps(t) && distinct(t, sure) && reaches(t, false, sure).is_some()
}

/// Whether a path that begins at what may be absent ends at what may be absent; nothing if it may end before that, as `.a[]?`
/// does, or `.a.b` where there may be nothing to put. There jq changes nothing, where going down would leave a null behind.
fn reaches(t: &Tm<'_>, absent: bool, sure: bool) -> Option<bool> {
    match t {
        Term::BinOp(l, BinaryOp::Pipe(None), r) => reaches(r, reaches(l, absent, sure)?, sure),
        Term::Path(t, path) => {
            let step = |absent: bool, (p, opt): &(Part<Tm<'_>>, Opt)| match p {
                Part::Range(None, None) if absent && matches!(opt, Opt::Optional) => None,
                // items are there
                Part::Range(None, None) => Some(false),
                _ if absent && !sure => None,
                _ => Some(true),
            };
            path.0.iter().try_fold(reaches(t, absent, sure)?, step)
        }
        Term::IfThenElse(ifs, other) => {
            let branches = ifs.iter().map(|(_, t)| t).chain(other.as_deref());
            let mut any = absent && other.is_none();
            for branch in branches {
                any |= reaches(branch, absent, sure)?;
            }
            Some(any)
        }
        Term::Call("getpath", _) if absent && !sure => None,
        Term::Call("getpath", _) => Some(true),
        // `select`, `values`, `empty`
        Term::Call(..) => (!absent).then_some(false),
        _ => Some(absent),
    }
}

fn distinct(t: &Tm<'_>, sure: bool) -> bool {
    let distinct = |t: &Tm<'_>| distinct(t, sure);
    match t {
        Term::Id => true,
        Term::BinOp(l, BinaryOp::Pipe(None), r) => distinct(l) && distinct(r),
        Term::Path(t, path) => {
            let part = |p: &Part<Tm<'_>>| match p {
                Part::Index(i) => only_one(i) || quiet(i),
                Part::Range(l, r) => {
                    let one = |t: &Tm<'_>| only_one(t) || quiet(t);
                    l.as_ref().is_none_or(one) && r.as_ref().is_none_or(one)
                }
            };
            distinct(t) && path.0.iter().all(|(p, _)| part(p))
        }
        Term::IfThenElse(ifs, other) => {
            ifs.iter()
                .all(|(i, t)| (only_one(i) || quiet(i)) && distinct(t))
                && other.as_deref().is_none_or(|t| nested(t, sure))
        }
        Term::Call("select", args) => args.len() == 1,
        Term::Call("getpath", args) => args.len() == 1 && quiet(&args[0]),
        Term::Call("empty" | "values", args) => args.is_empty(),
        _ => false,
    }
}

/// Whether nothing in a term can run into a limit of depth, other than by calling itself.
pub fn safe(t: &Tm<'_>) -> bool {
    match t {
        Term::Call(name, args) => {
            let known = [
                "tonumber", "error", "tojson", "fromjson", "length", "input", "empty",
            ];
            (known.contains(name)
                || name.starts_with('@')
                || ["tostring", "implode", "not"].contains(name))
                && args.iter().all(safe)
        }
        Term::BinOp(_, BinaryOp::Cmp(_), _) | Term::Recurse | Term::Fold(..) | Term::Def(..) => {
            false
        }
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Break(_) => true,
        Term::Str(_, parts) => parts
            .iter()
            .all(|p| !matches!(p, StrPart::Term(t) if !safe(t))),
        Term::Arr(t) => t.as_deref().is_none_or(safe),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| safe(k) && v.as_ref().is_none_or(safe)),
        Term::Neg(t) | Term::Label(_, t) => safe(t),
        Term::BinOp(l, _, r) => safe(l) && safe(r),
        Term::TryCatch(t, c) => safe(t) && c.as_deref().is_none_or(safe),
        Term::IfThenElse(ifs, other) => {
            ifs.iter().all(|(i, t)| safe(i) && safe(t)) && other.as_deref().is_none_or(safe)
        }
        Term::Path(t, path) => {
            let part = |p: &Part<Tm<'_>>| match p {
                Part::Index(i) => safe(i),
                Part::Range(l, r) => l.as_ref().is_none_or(safe) && r.as_ref().is_none_or(safe),
            };
            safe(t) && path.0.iter().all(|(p, _)| part(p))
        }
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
