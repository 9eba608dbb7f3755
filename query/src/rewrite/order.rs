//! In which order the parts of a term run, where more than one of them has several outputs, or does something besides.
//!
//! jq computes the right operand first, and runs through the outputs of the left one fastest; so with the parts of a string.
//! The keys of a path come before what they are looked up in, the last one first. jaq goes from left to right. Parts whose
//! order matters are bound to variables in jq's order.
use super::form::{one, quiet, sure};
use super::{Rewriter, Tm, bind};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part, Path};

/// Whether two operands can run in either order.
///
/// Where one of them has no output, the other one may not run: then its error is told or not, as the order is.
pub fn free(l: &Tm<'_>, r: &Tm<'_>) -> bool {
    let both = || one(l) && one(r) && (quiet(l) || quiet(r));
    sure(l) || sure(r) || both()
}

/// More parts than this are added up one after the other.
const MANY: usize = 64;

pub fn string<'s>(
    fmt: Option<&'s str>,
    parts: Vec<StrPart<&'s str, Tm<'s>>>,
    to: &Rewriter<'s>,
) -> Tm<'s> {
    let loud = parts
        .iter()
        .filter(|p| matches!(p, StrPart::Term(t) if !quiet(t)));
    let ordered = loud.count() < 2;
    let mut bound = Vec::new();
    let mut part = |p| match p {
        StrPart::Term(t) if !ordered && !quiet(&t) => {
            let x = to.name(format!("$__s{}", bound.len()));
            bound.push((x, to.term(t)));
            StrPart::Term(Term::Var(x))
        }
        StrPart::Term(t) => StrPart::Term(to.term(t)),
        p => p,
    };
    let parts: Vec<_> = parts.into_iter().map(&mut part).collect();
    let whole = match parts.len() > MANY {
        false => Term::Str(fmt, parts),
        true => {
            // the input is what the parts are of, so the sum cannot be
            let dot = |t| {
                Term::BinOp(
                    Box::new(Term::Var("$__dot")),
                    BinaryOp::Pipe(None),
                    Box::new(t),
                )
            };
            let step = |p| {
                let t = Term::Str(fmt, vec![p]);
                let sum = Term::BinOp(
                    Box::new(Term::Id),
                    BinaryOp::Math(Math::Add),
                    Box::new(Term::Var("$__p")),
                );
                bind(dot(t), "$__p", sum)
            };
            let mut steps = vec![Term::Str(None, Vec::new())];
            steps.extend(parts.into_iter().map(step));
            let sum = crate::syntax::associative(steps, &BinaryOp::Pipe(None));
            bind(Term::Id, "$__dot", sum)
        }
    };
    // the last one that is bound runs through its outputs fastest, and that is the first part
    bound.into_iter().fold(whole, |t, (x, p)| bind(p, x, t))
}

/// A path whose keys are bound first; the path as it is if the order does not matter.
pub fn path<'s>(
    t: Tm<'s>,
    path: Path<Tm<'s>>,
    to: &Rewriter<'s>,
) -> Result<Tm<'s>, (Tm<'s>, Path<Tm<'s>>)> {
    let iterates = |p: &Part<Tm<'s>>| matches!(p, Part::Range(None, None));
    let keys = path.0.iter().flat_map(|(p, _)| match p {
        Part::Index(i) => [Some(i), None],
        Part::Range(l, r) => [l.as_ref(), r.as_ref()],
    });
    let loud = keys.flatten().filter(|k| !quiet(k)).count();
    // what runs through several outputs, or does something, besides the keys
    let others = usize::from(!quiet(&t)) + usize::from(path.0.iter().any(|(p, _)| iterates(p)));
    if loud == 0 || loud + others < 2 {
        return Err((t, path));
    }
    let mut bound = Vec::new();
    let mut key = |k: Tm<'s>| {
        if quiet(&k) && matches!(k, Term::Num(_) | Term::Str(..) | Term::Var(_)) {
            return k;
        }
        let x = to.name(format!("$__i{}", bound.len()));
        bound.push((x, to.term(k)));
        Term::Var(x)
    };
    let mut parts: Vec<(Part<Tm<'s>>, Opt)> = Vec::new();
    // the keys of later parts are outside, and the start of a slice is outside of its end
    for (p, opt) in path.0 {
        let p = match p {
            Part::Index(i) => Part::Index(key(i)),
            Part::Range(l, r) => {
                let r = r.map(&mut key);
                Part::Range(l.map(&mut key), r)
            }
        };
        parts.push((p, opt));
    }
    let whole = Term::Path(Box::new(to.term(t)), Path(parts));
    Ok(bound.into_iter().fold(whole, |t, (x, k)| bind(k, x, t)))
}
