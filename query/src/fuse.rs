//! Common shapes of programs that run without making a node of every item.
//!
//! `P[] | select(.name == literal) | …` at the top of a program becomes `P | _where("name"; literal) | …`, which asks the items
//! of a decoded array for that field alone, and makes nodes of those that fit. For any other input, `_where` is what was
//! written: see `defs.jq`. What is inside of a path, a definition or an argument is left as it is.
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_core::path::{Opt, Part, Path};

type Tm<'s> = Term<&'s str>;

/// Fuse what can be fused of a program.
pub fn term(t: Tm<'_>) -> Tm<'_> {
    let Term::BinOp(l, op @ BinaryOp::Pipe(None), r) = t else {
        return t;
    };
    match filter_of(&l, &r) {
        None => Term::BinOp(l, op, Box::new(term(*r))),
        Some((name, literal)) => {
            let filter = Term::Call("_where", vec![name, literal]);
            let rest = match *r {
                Term::BinOp(_, BinaryOp::Pipe(None), rest) => {
                    Term::BinOp(Box::new(filter), op, rest)
                }
                _ => filter,
            };
            Term::BinOp(
                Box::new(without_iteration(*l)),
                BinaryOp::Pipe(None),
                Box::new(rest),
            )
        }
    }
}

/// Name and literal of `P[] | select(.name == literal)`, if these two are that.
fn filter_of<'s>(l: &Tm<'s>, r: &Tm<'s>) -> Option<(Tm<'s>, Tm<'s>)> {
    let Term::Path(_, path) = l else {
        return None;
    };
    let (Part::Range(None, None), Opt::Essential) = path.0.last()? else {
        return None;
    };
    let first = match r {
        Term::BinOp(first, BinaryOp::Pipe(None), _) => first,
        other => other,
    };
    let Term::Call("select", args) = first else {
        return None;
    };
    let [Term::BinOp(field, BinaryOp::Cmp(Cmp::Eq), literal)] = args.as_slice() else {
        return None;
    };
    let Term::Path(of, path) = &**field else {
        return None;
    };
    let (Term::Id, [(Part::Index(name), Opt::Essential)]) = (&**of, path.0.as_slice()) else {
        return None;
    };
    let plain = |t: &Tm<'s>| match t {
        Term::Str(None, parts) => parts.iter().all(|p| matches!(p, StrPart::Str(_))),
        _ => false,
    };
    let fixed = plain(literal) || matches!(**literal, Term::Num(_));
    (plain(name) && fixed).then(|| (name.clone(), (**literal).clone()))
}

/// `P` of `P[]`.
fn without_iteration(t: Tm<'_>) -> Tm<'_> {
    match t {
        Term::Path(of, Path(mut parts)) => {
            parts.pop();
            match parts.is_empty() {
                true => *of,
                false => Term::Path(of, Path(parts)),
            }
        }
        other => other,
    }
}
