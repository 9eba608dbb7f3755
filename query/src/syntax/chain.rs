//! Chains of one operator, such as `a, b, c` or `a + b - c`.
//!
//! A chain of thousands is made a tree that is not thousands of levels high: it is walked by recursion, and each level
//! of jaq's costs time at each output.
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};

type Tm<'s> = Term<&'s str>;
type Op<'s> = BinaryOp<&'s str>;

/// Up to this many operands stay a list.
const FEW: usize = 64;

fn join<'s>(l: Tm<'s>, op: Op<'s>, r: Tm<'s>) -> Tm<'s> {
    Term::BinOp(Box::new(l), op, Box::new(r))
}

/// A tree of an operator for which it does not matter where the brackets are.
pub fn associative<'s>(terms: Vec<Tm<'s>>, op: &Op<'s>) -> Tm<'s> {
    if terms.len() <= FEW {
        let mut rest = terms.into_iter().rev();
        let last = rest.next().unwrap_or_default();
        return rest.fold(last, |r, l| join(l, op.clone(), r));
    }
    let mut terms = terms;
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(l) = rest.next() {
            pairs.push(match rest.next() {
                Some(r) => join(l, op.clone(), r),
                None => l,
            });
        }
        terms = pairs;
    }
    terms.pop().unwrap_or_default()
}

/// A chain of operators that bind to the left.
///
/// A long one becomes `. as $dot | first | ($dot | second) as $x | . + $x | …`.
pub fn left<'s>(first: Tm<'s>, rest: Vec<(Op<'s>, Tm<'s>)>) -> Tm<'s> {
    if rest.len() <= FEW || !rest.iter().all(|(_, t)| one(t)) || !one(&first) {
        return rest.into_iter().fold(first, |l, (op, r)| join(l, op, r));
    }
    let pipe = BinaryOp::Pipe(None);
    let step = |(op, t): (Op<'s>, Tm<'s>)| {
        if matches!(t, Term::Num(_) | Term::Var(_)) || literal(&t) {
            return join(Term::Id, op, t);
        }
        let value = join(Term::Var(DOT), pipe.clone(), t);
        let sum = join(Term::Id, op, Term::Var("$__x"));
        join(value, BinaryOp::Pipe(Some(Pattern::Var("$__x"))), sum)
    };
    let steps = std::iter::once(first).chain(rest.into_iter().map(step));
    let body = associative(steps.collect(), &pipe);
    join(Term::Id, BinaryOp::Pipe(Some(Pattern::Var(DOT))), body)
}

/// The input of a long chain.
const DOT: &str = "$__chain";

fn literal(t: &Tm<'_>) -> bool {
    use jaq_core::load::lex::StrPart;
    matches!(t, Term::Str(_, parts) if !parts.iter().any(|p| matches!(p, StrPart::Term(_))))
}

/// Whether a term has one output, and does nothing else.
fn one(t: &Tm<'_>) -> bool {
    use jaq_core::load::lex::StrPart;
    match t {
        Term::Id | Term::Num(_) | Term::Var(_) => true,
        Term::Str(_, parts) => parts.iter().all(|p| match p {
            StrPart::Term(t) => one(t),
            _ => true,
        }),
        Term::Arr(t) => t.as_deref().is_none_or(one),
        Term::Neg(t) => one(t),
        Term::Obj(fields) => fields
            .iter()
            .all(|(k, v)| one(k) && v.as_ref().is_none_or(one)),
        Term::BinOp(l, BinaryOp::Math(_) | BinaryOp::Cmp(_), r) => one(l) && one(r),
        Term::Path(t, Path(parts)) => {
            let part = |(p, opt): &(Part<Tm<'_>>, Opt)| matches!((p, opt), (Part::Index(i), Opt::Essential) if one(i));
            one(t) && parts.iter().all(part)
        }
        Term::Call(name, args) => {
            args.is_empty()
                && [
                    "length", "tostring", "tojson", "tonumber", "type", "true", "false", "null",
                ]
                .contains(name)
        }
        _ => false,
    }
}
