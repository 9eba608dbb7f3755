//! Functions that can stand on the left of an assignment.
use super::filter_arg;
use crate::run::Types;
use crate::stack;
use crate::value::{Error, Held, Kind, V, ValR, ValX, ValXs, num, remove_items};
use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome};
use jaq_core::path::Opt;
use jaq_core::{Bind, Exn, Native, ValT as _};
use std::collections::HashSet;
use std::rc::Rc;

/// Deepest path, as in jq.
const DEEPEST: usize = 10_000;

/// How many outputs are wanted, as `limit` and `skip` take it.
fn count(n: &V, name: &str) -> ValR<u64> {
    let f = n
        .num()
        .map(|n| num::to_f64(&n))
        .ok_or_else(|| Error::str(format_args!("{name} needs a number")))?;
    if f < 0.0 {
        return Err(Error::str(format_args!(
            "{name} doesn't support negative count"
        )));
    }
    // a part of an output counts as one; `as` saturates
    Ok(f.ceil() as u64)
}

type Iter<'a, T> = Box<dyn Iterator<Item = ValX<'a, T>> + 'a>;

fn last<'a, T: 'a>(iter: Iter<'a, T>) -> Iter<'a, T> {
    let mut found = None;
    for x in iter {
        match x {
            Ok(x) => found = Some(x),
            Err(e) => return box_once(Err(e)),
        }
    }
    Box::new(found.into_iter().map(Ok))
}

/// Takes the first `n` without asking for another one after them.
fn limit<'a, T: 'a>(n: ValR<u64>, iter: impl FnOnce() -> Iter<'a, T>) -> Iter<'a, T> {
    match n {
        Err(e) => box_once(Err(Exn::from(e))),
        Ok(0) => Box::new(std::iter::empty()),
        Ok(n) => {
            let (mut left, mut iter) = (n, iter());
            // no bound on the number of outputs is given: jaq takes an upper bound of one to be exact
            Box::new(std::iter::from_fn(move || {
                left = left.checked_sub(1)?;
                iter.next()
            }))
        }
    }
}

fn skip<'a, T: 'a>(n: ValR<u64>, mut iter: Iter<'a, T>) -> Iter<'a, T> {
    let mut n = match n {
        Ok(n) => n,
        Err(e) => return box_once(Err(Exn::from(e))),
    };
    Box::new(std::iter::from_fn(move || {
        while n > 0 {
            n -= 1;
            if let Err(e) = iter.next()? {
                return Some(Err(e));
            }
        }
        iter.next()
    }))
}

/// Runs `f` on the places that paths lead to, one after the other. Where it has no output, the place is deleted in the
/// end, when that no longer shifts the others.
///
/// The paths lead through the value as it was, which they hold on to.
pub fn modify<'a, P>(
    v: V,
    paths: impl Iterator<Item = ValX<'a, P>>,
    f: impl Fn(V) -> ValXs<'a>,
) -> ValX<'a>
where
    P: Into<Vec<V>>,
{
    let mut v = v;
    let mut gone = Vec::new();
    for path in paths {
        let path: Vec<V> = path?.into();
        if path.len() > DEEPEST {
            return Err(Error::str("Path too deep").into());
        }
        let out;
        (v, out) = at(v, &path, &|old: V| match f(old.clone()).next() {
            None => Ok((old, Out::Nothing)),
            Some(new) => Ok((new?, Out::Value)),
        })?;
        if let Out::Nothing = out {
            gone.push(path);
        }
    }
    Ok(delete(v, gone)?)
}

/// What there is to put at a place.
#[derive(Clone, Copy, PartialEq)]
enum Out {
    /// A new value.
    Value,
    /// Nothing: what was there stays, and what was not there is not made.
    Nothing,
}

/// Whether there is nothing in a place.
fn nothing(v: &V) -> bool {
    match v {
        V::Null => true,
        V::Node(Held::Near(n)) => n.is_absent(),
        _ => false,
    }
}

type Placed<'a> = Result<(V, Out), Exn<'a, V>>;

fn at<'a>(v: V, path: &[V], f: &dyn Fn(V) -> Placed<'a>) -> Placed<'a> {
    stack::check()?;
    let Some((k, rest)) = path.split_first() else {
        return f(v);
    };
    let null = nothing(&v);
    let there = match (&v, k) {
        // a node gives no plain null for what is there
        (V::Node(_), _) => false,
        (V::Obj(o), V::Text(k) | V::Bytes(k)) => o.get(k).is_some(),
        (V::Null, _) => false,
        _ => v.clone().get(k)?.is_some(),
    };
    let out = std::cell::Cell::new(Out::Value);
    let new = v.map_index(k, Opt::Essential, |child| {
        let missing = !there && nothing(&child);
        let placed = at(child, rest, f).map(|(new, done)| {
            out.set(done);
            (!missing || done == Out::Value).then_some(new)
        });
        placed.transpose().into_iter()
    })?;
    Ok(match out.get() {
        Out::Nothing if null => (V::Null, Out::Nothing),
        out => (new, out),
    })
}

/// Paths as they come out of jaq, the other way round.
struct Steps(Vec<V>);

impl From<Steps> for Vec<V> {
    fn from(s: Steps) -> Self {
        s.0
    }
}

/// Collects the steps of a path that jaq gives as a list from last to first.
macro_rules! steps {
    ($paths:expr) => {
        $paths.map(|vp| {
            vp.map(|(_, path)| {
                let mut steps: Vec<V> = path.iter().cloned().collect();
                steps.reverse();
                Steps(steps)
            })
        })
    };
}

/// Deletes the places that paths lead to.
fn delete(v: V, mut paths: Vec<Vec<V>>) -> ValR {
    if paths.is_empty() {
        return Ok(v);
    }
    if paths.iter().any(|p| p.len() > DEEPEST) {
        return Err(Error::str("Path too deep"));
    }
    if paths.iter().any(Vec::is_empty) {
        return Ok(V::Null);
    }
    if v.kind() == Kind::Null {
        return Ok(v);
    }
    // positions from the end mean positions in the array as it is now, and so do slices
    if v.kind() == Kind::Arr {
        paths = in_array(&v, paths)?;
    }
    paths.sort();
    paths.dedup();
    let mut v = v;
    let mut whole: Vec<V> = Vec::new();
    // the longer ones first: deleting at this level shifts indices
    let mut i = 0;
    while i < paths.len() {
        let key = paths[i][0].clone();
        let end = i + paths[i..].iter().take_while(|p| p[0] == key).count();
        if paths[i].len() == 1 {
            // sorted, so that the shortest is first: it takes the others along
            whole.push(key);
        } else if !matches!(v.clone().index(&key)?, V::Null) {
            let inner: Vec<Vec<V>> = paths[i..end].iter().map(|p| p[1..].to_vec()).collect();
            v = v
                .map_index(&key, Opt::Essential, |x| {
                    std::iter::once(delete(x, inner.clone()).map_err(Exn::from))
                })
                .map_err(|e| e.get_err().unwrap_or_else(|_| Error::str("break")))?;
        }
        i = end;
    }
    delete_keys(v, whole)
}

/// Paths into an array with their first steps as plain indices within it; those that lie outside are dropped.
fn in_array(v: &V, paths: Vec<Vec<V>>) -> ValR<Vec<Vec<V>>> {
    let mut out = Vec::with_capacity(paths.len());
    let mut len = None;
    let mut paths = paths.into_iter().peekable();
    while let Some(mut path) = paths.next() {
        match &*path[0].as_index() {
            V::Num(n) => {
                let Some(mut i) = num::to_index(n) else {
                    continue;
                };
                if i < 0 {
                    let len = *len.get_or_insert_with(|| length(v));
                    match len.checked_sub(i.unsigned_abs() as u64) {
                        Some(from_start) => i = from_start as isize,
                        None => continue,
                    }
                }
                path[0] = V::from(i);
                out.push(path);
            }
            slice @ V::Obj(_) => {
                let len = *len.get_or_insert_with(|| length(v));
                if path.len() > 1 {
                    // a path that goes on below a slice: number the items of the slice through; all that follow below the same
                    // one at once, as to slice a decoded array costs what it has items
                    let range = crate::value::slice_bounds(slice)?.within(len);
                    let mut below = vec![path[1..].to_vec()];
                    while let Some(next) = paths.next_if(|p| p.len() > 1 && p[0] == path[0]) {
                        below.push(next[1..].to_vec());
                    }
                    for p in in_array(&v.clone().index(slice)?, below)? {
                        if let Some(i) = p[0].num().and_then(|n| num::to_index(&n)) {
                            let mut p = p;
                            p[0] = V::int(range.start as i128 + i as i128);
                            out.push(p);
                        }
                    }
                    continue;
                }
                let range = crate::value::slice_bounds(slice)?.within(len);
                out.extend(range.map(|i| vec![V::int(i)]));
            }
            k => {
                return Err(Error::str(format_args!(
                    "Cannot delete field at {} index of array",
                    k.kind().name()
                )));
            }
        }
    }
    Ok(out)
}

fn length(v: &V) -> u64 {
    match v {
        V::Arr(a) => a.len() as u64,
        V::Node(n) => n.node().len(),
        _ => 0,
    }
}

/// Deletes fields, or items at ascending indices.
fn delete_keys(v: V, keys: Vec<V>) -> ValR {
    if keys.is_empty() {
        return Ok(v);
    }
    let cannot = |v: &V, k: &V| {
        let what = if k.kind() == Kind::Str {
            "field"
        } else {
            "element"
        };
        Err(Error::str(format_args!(
            "Cannot delete {what} at {} index of {}",
            k.kind().name(),
            v.kind().name()
        )))
    };
    let indices = || {
        keys.iter()
            .filter_map(|k| k.num().and_then(|n| num::to_index(&n)))
    };
    match v {
        V::Arr(mut a) => {
            let mut gone = indices().map(|i| i as usize).peekable();
            let mut i = 0;
            a.change(|a| {
                a.retain(|_| {
                    i += 1;
                    gone.next_if_eq(&(i - 1)).is_none()
                })
            });
            Ok(V::Arr(a))
        }
        V::Obj(mut o) => {
            let map = Rc::make_mut(&mut o);
            let mut gone: HashSet<Vec<u8>> = HashSet::new();
            for k in &keys {
                match k.str() {
                    Some(k) => _ = gone.insert(k.to_vec()),
                    None => {
                        return cannot(&V::Null, k)
                            .or_else(|_: Error| cannot(&V::obj(Default::default()), k));
                    }
                }
            }
            map.retain(|k| !gone.contains(&k[..]));
            Ok(V::Obj(o))
        }
        V::Node(n) => match n.kind() {
            binq_core::NodeKind::Array => {
                let n = n.into_node();
                let len = n.len();
                let gone: Vec<u64> = indices().map(|i| i as u64).filter(|i| *i < len).collect();
                remove_items(n, &gone).map(V::node)
            }
            binq_core::NodeKind::Object => {
                let mut n = n.into_node();
                for k in &keys {
                    let Some(name) = k.str() else {
                        return cannot(&V::node(n), k);
                    };
                    let name = name.lossy().into_owned();
                    if n.field(&name).is_some() {
                        n = n.remove_field(&name).map_err(Error::str)?;
                    }
                }
                Ok(V::node(n))
            }
            binq_core::NodeKind::Scalar => cannot(&V::Node(n), &keys[0]),
        },
        v => cannot(&v, &keys[0]),
    }
}

fn path_items(path: V) -> ValR<Vec<V>> {
    let path = path
        .into_items()
        .map_err(|_| Error::str("Path must be specified as an array"))?;
    if path.len() > DEEPEST {
        Err(Error::str("Path too deep"))
    } else {
        Ok(path)
    }
}

fn delpaths(v: V, paths: V) -> ValR {
    let paths = paths
        .into_items()
        .map_err(|_| Error::str("Paths must be specified as an array"))?;
    let path = |p: V| {
        p.into_items()
            .map_err(|_| Error::str("Path must be specified as an array"))
    };
    delete(v, paths.into_iter().map(path).collect::<ValR<_>>()?)
}

/// `first(f)`, `last(f)`, `limit($n; f)`, `skip($n; f)`, and what updates and deletions are made of.
pub fn funs() -> Vec<Fun<Types>> {
    let n_f = || -> Box<[Bind]> { Box::new([Bind::Var(()), Bind::Fun(())]) };
    let first = Native::<Types>::new(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        Box::new(f.run((fc, cv.1)).next().into_iter())
    })
    .with_paths(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        Box::new(f.paths((fc, cv.1)).next().into_iter())
    })
    .with_update(|mut cv, u| {
        let (f, fc) = cv.0.pop_fun();
        let paths = steps!(f.paths((fc, (cv.1.clone(), Default::default()))).take(1));
        box_once(modify(cv.1, paths, u))
    });
    let last_ = Native::<Types>::new(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        last(f.run((fc, cv.1)))
    })
    .with_paths(|mut cv| {
        let (f, fc) = cv.0.pop_fun();
        last(f.paths((fc, cv.1)))
    })
    .with_update(|mut cv, u| {
        let (f, fc) = cv.0.pop_fun();
        let paths = steps!(last(f.paths((fc, (cv.1.clone(), Default::default())))));
        box_once(modify(cv.1, paths, u))
    });
    let limit_ = Native::<Types>::new(|mut cv| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        limit(count(&n, "limit"), || f.run((fc, cv.1)))
    })
    .with_paths(|mut cv| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        limit(count(&n, "limit"), || f.paths((fc, cv.1)))
    })
    .with_update(|mut cv, u| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        let v = cv.1.clone();
        let paths = steps!(limit(count(&n, "limit"), || f
            .paths((fc, (v, Default::default())))));
        box_once(modify(cv.1, paths, u))
    });
    let skip_ = Native::<Types>::new(|mut cv| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        skip(count(&n, "skip"), f.run((fc, cv.1)))
    })
    .with_paths(|mut cv| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        skip(count(&n, "skip"), f.paths((fc, cv.1)))
    })
    .with_update(|mut cv, u| {
        let ((f, fc), n) = (cv.0.pop_fun(), cv.0.pop_var());
        let paths = steps!(skip(
            count(&n, "skip"),
            f.paths((fc, (cv.1.clone(), Default::default())))
        ));
        box_once(modify(cv.1, paths, u))
    });
    // `_modify(paths; f)`: what the program is rewritten to use where jaq's own updates do not do
    let modify_ = Native::<Types>::new(|mut cv| {
        let ((f, fc), (p, pc)) = (cv.0.pop_fun(), cv.0.pop_fun());
        let paths = steps!(p.paths((pc, (cv.1.clone(), Default::default()))));
        box_once(modify(cv.1, paths, |v| f.run((fc.clone(), v))))
    });
    let getpath = Native::<Types>::new(|mut cv| {
        let path = cv.0.pop_var();
        bome(path_items(path).and_then(|path| path.iter().try_fold(cv.1, V::index)))
    })
    .with_paths(|mut cv| {
        let path = cv.0.pop_var();
        let mut place = cv.1;
        match path_items(path) {
            Ok(path) => {
                for k in path {
                    match place.0.index(&k) {
                        Ok(v) => place = (v, place.1.cons(k)),
                        Err(e) => return box_once(Err(Exn::from(e))),
                    }
                }
                box_once(Ok(place))
            }
            Err(e) => box_once(Err(Exn::from(e))),
        }
    })
    .with_update(|mut cv, u| {
        let path = cv.0.pop_var();
        box_once(match path_items(path) {
            Ok(path) => modify(cv.1, std::iter::once(Ok(path)), u),
            Err(e) => Err(Exn::from(e)),
        })
    });
    let setpath = Native::<Types>::new(|cv| {
        super::binary(cv, |v, path, x| {
            let path = path_items(path)?;
            let placed = at(v, &path, &|_| Ok((x.clone(), Out::Value)));
            placed
                .map(|(v, _)| v)
                .map_err(|e| e.get_err().unwrap_or_else(|_| Error::str("break")))
        })
    });
    let delpaths_ = Native::<Types>::new(|cv| super::unary(cv, delpaths));
    // `__check`: put before the body of functions that call themselves
    let check = Native::<Types>::new(|cv| bome(stack::check().map(|()| cv.1)))
        .with_paths(|cv| box_once(stack::check().map(|()| cv.1).map_err(Exn::from)))
        .with_update(|cv, u| match stack::check() {
            Ok(()) => u(cv.1),
            Err(e) => box_once(Err(Exn::from(e))),
        });
    vec![
        ("first", filter_arg(), first),
        ("last", filter_arg(), last_),
        ("limit", n_f(), limit_),
        ("skip", n_f(), skip_),
        ("getpath", Box::new([Bind::Var(())]), getpath),
        (
            "_setpath",
            Box::new([Bind::Var(()), Bind::Var(())]),
            setpath,
        ),
        ("_modify", Box::new([Bind::Fun(()), Bind::Fun(())]), modify_),
        ("delpaths", Box::new([Bind::Var(())]), delpaths_),
        ("__check", Box::new([]), check),
    ]
}
