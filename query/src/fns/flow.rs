//! What programs are rewritten to call where jq runs through outputs in another way than jaq: see `rewrite`.
use super::{filter_arg, paths};
use crate::run::Types;
use crate::stack;
use crate::value::{Error, V, ValX, too_deep};
use jaq_core::box_iter::box_once;
use jaq_core::native::Fun;
use jaq_core::{Bind, Exn, Native, ValT as _};

type Iter<'a, T> = Box<dyn Iterator<Item = ValX<'a, T>> + 'a>;

/// Hides how many outputs there are: jaq takes an upper bound of one to mean that there is exactly one.
fn lazy<'a, T>(next: impl FnMut() -> Option<ValX<'a, T>> + 'a) -> Iter<'a, T>
where
    T: 'a,
{
    Box::new(std::iter::from_fn(next))
}

/// What ran into a limit where nothing can fail, such as in a comparison.
fn limit_hit() -> Option<Error> {
    let hit = stack::hit().or_else(|| too_deep().then_some("Equality check too deep"));
    hit.map(Error::str)
}

/// The outputs of `body` up to an error, then those of `catch` of the error.
///
/// jaq's own `try` does not see that a comparison or `..` had to give up.
fn tried<'a, T: 'a>(
    mut body: Iter<'a, T>,
    catch: impl FnOnce(Error) -> Iter<'a, T> + 'a,
) -> Iter<'a, T> {
    let mut catch = Some(catch);
    let mut caught: Option<Iter<'a, T>> = None;
    lazy(move || {
        if let Some(caught) = &mut caught {
            return caught.next();
        }
        let next = body.next();
        let e = match (limit_hit(), next) {
            (Some(e), _) => e,
            (None, Some(Err(e))) => match e.get_err() {
                Ok(e) => e,
                Err(other) => return Some(Err(other)),
            },
            (None, next) => return next,
        };
        let rest = caught.insert(catch.take()?(e));
        rest.next()
    })
}

/// Outputs of `f` over the value, over its outputs, and so on, from the root down. A list of what is left at each level
/// takes the place of recursion: each output costs the same at any depth.
fn recurse<'a, T: Clone + 'a>(root: T, f: impl Fn(T) -> Iter<'a, T> + 'a) -> Iter<'a, T> {
    let mut open: Vec<Iter<'a, T>> = vec![box_once(Ok(root))];
    let mut last: Option<T> = None;
    lazy(move || {
        // the last output is gone down into only when more is asked for
        if let Some(x) = last.take() {
            open.push(f(x));
        }
        loop {
            let top = open.last_mut()?;
            let next = top.next();
            // what has no more is not kept: a recursion with one output at a time can go on forever
            if next.is_none() || top.size_hint() == (0, Some(0)) {
                open.pop();
            }
            match next {
                None => (),
                Some(Ok(x)) => {
                    last = Some(x.clone());
                    return Some(Ok(x));
                }
                Some(Err(e)) => {
                    open.clear();
                    return Some(Err(e));
                }
            }
        }
    })
}

/// The items or fields of a value; none of anything else.
fn children<'a>(v: V) -> Iter<'a, V> {
    match v.is_container() {
        true => Box::new(v.values().map(|v| v.map_err(Exn::from))),
        false => Box::new(std::iter::empty()),
    }
}

/// The last output; `otherwise` if there is none.
fn last<'a, T: 'a>(iter: Iter<'a, T>, otherwise: T) -> Iter<'a, T> {
    let mut found = otherwise;
    for x in iter {
        match x {
            Ok(x) => found = x,
            Err(e) => return box_once(Err(e)),
        }
    }
    box_once(Ok(found))
}

/// A `foreach` whose steps have any number of outputs: the next one goes on from the last, or from null.
fn foreach<'a, T: Clone + 'a>(
    mut init: Iter<'a, T>,
    xs: impl Fn() -> Iter<'a, V> + 'a,
    update: impl Fn(V, T) -> Iter<'a, T> + 'a,
    extract: impl Fn(V, T) -> Iter<'a, T> + 'a,
    null: T,
) -> Iter<'a, T> {
    let mut state = null.clone();
    let mut items: Option<Iter<'a, V>> = None;
    let mut step: Option<(V, Iter<'a, T>)> = None;
    let mut outputs: Option<Iter<'a, T>> = None;
    lazy(move || {
        loop {
            if let Some(out) = outputs.as_mut().and_then(Iterator::next) {
                return Some(out);
            }
            outputs = None;
            if let Some((x, ys)) = &mut step {
                match ys.next() {
                    Some(Ok(y)) => {
                        state = y.clone();
                        outputs = Some(extract(x.clone(), y));
                    }
                    Some(Err(e)) => return Some(Err(e)),
                    None => step = None,
                }
                continue;
            }
            match items.as_mut().and_then(Iterator::next) {
                Some(Ok(x)) => {
                    let before = std::mem::replace(&mut state, null.clone());
                    step = Some((x.clone(), update(x, before)));
                }
                Some(Err(e)) => return Some(Err(e)),
                None => match init.next()? {
                    Ok(first) => {
                        state = first;
                        items = Some(xs());
                    }
                    Err(e) => return Some(Err(e)),
                },
            }
        }
    })
}

fn pair(x: V, state: V) -> V {
    V::arr(vec![x, state])
}

/// `recurse`, `recurse(f)`, and what the rewritten program calls.
pub fn funs() -> Vec<Fun<Types>> {
    let args = |n| -> Box<[Bind]> { std::iter::repeat_n(Bind::Fun(()), n).collect() };
    let everything = Native::<Types>::new(|cv| recurse(cv.1, children))
        .with_paths(|cv| {
            recurse(cv.1, |(v, path)| match v.is_container() {
                true => Box::new(v.key_values().map(move |kv| {
                    let (k, v) = kv?;
                    Ok((v, path.clone().cons(k)))
                })),
                false => Box::new(std::iter::empty()),
            })
        })
        .with_update(|cv, u| {
            let v = cv.1.clone();
            let all = recurse((v, Vec::new()), |(v, path): (V, Vec<V>)| {
                match v.is_container() {
                    true => Box::new(v.key_values().map(move |kv| {
                        let (k, v) = kv?;
                        let mut path = path.clone();
                        path.push(k);
                        Ok((v, path))
                    })),
                    false => Box::new(std::iter::empty()),
                }
            });
            box_once(paths::modify(
                cv.1,
                all.map(|vp| vp.map(|(_, path)| path)),
                u,
            ))
        });
    let with = Native::<Types>::new(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        recurse(cv.1, move |v| f.run((fc.clone(), v)))
    })
    .with_paths(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        recurse(cv.1, move |vp| f.paths((fc.clone(), vp)))
    });
    let try_ = Native::<Types>::new(|mut cv| {
        let ((c, cc), (t, tc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        tried(t.run((tc, cv.1)), move |e| c.run((cc, e.into_val())))
    })
    .with_paths(|mut cv| {
        let ((c, cc), (t, tc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        tried(t.paths((tc, cv.1)), move |e| {
            let outputs = c.run((cc, e.into_val()));
            Box::new(outputs.map(|v| Err(Exn::from(Error::path_expr(v?)))))
        })
    });
    let last_ = Native::<Types>::new(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        last(f.run((fc, cv.1)), V::Null)
    })
    .with_paths(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        last(f.paths((fc, cv.1)), (V::Null, Default::default()))
    });
    let foreach_ = Native::<Types>::new(|mut cv| {
        let ((e, ec), (u, uc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        let ((i, ic), (xs, xc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        let v = cv.1;
        foreach(
            i.run((ic, v.clone())),
            move || xs.run((xc.clone(), v.clone())),
            move |x, y| u.run((uc.clone(), pair(x, y))),
            move |x, y| e.run((ec.clone(), pair(x, y))),
            V::Null,
        )
    })
    .with_paths(|mut cv| {
        let ((e, ec), (u, uc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        let ((i, ic), (xs, xc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        let (v, path) = cv.1;
        // what a step gives begins with the 1 of the pair
        macro_rules! on {
            ($outputs:expr, $path:expr) => {{
                let start = $path;
                Box::new($outputs.map(move |vp| {
                    let (v, steps) = vp?;
                    let mut steps: Vec<V> = steps.iter().cloned().collect();
                    steps.pop();
                    let path = steps
                        .into_iter()
                        .rev()
                        .fold(start.clone(), |p, k| p.cons(k));
                    Ok((v, path))
                }))
            }};
        }
        foreach(
            i.paths((ic, (v.clone(), path))),
            move || xs.run((xc.clone(), v.clone())),
            move |x, (y, path)| {
                on!(
                    u.paths((uc.clone(), (pair(x, y), Default::default()))),
                    path
                )
            },
            move |x, (y, path)| {
                on!(
                    e.paths((ec.clone(), (pair(x, y), Default::default()))),
                    path
                )
            },
            (V::Null, Default::default()),
        )
    });
    // what an unknown `@format` is
    let no_format = Native::<Types>::new(|cv| {
        super::unary(cv, |_, name| {
            let name = name.str().unwrap_or_else(|| "".into());
            super::fail(format_args!("{} is not a valid format", name.lossy()))
        })
    });
    vec![
        ("recurse", args(0), everything),
        ("recurse", filter_arg(), with),
        ("__try", args(2), try_),
        ("__last", filter_arg(), last_),
        ("__foreach", args(4), foreach_),
        ("__no_format", Box::new([Bind::Var(())]), no_format),
    ]
}
