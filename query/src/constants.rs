//! What is known of a program before it runs: paths such as `.a.b`, and the keys of objects such as `{a, b: .c}`.
//!
//! jaq computes paths and keys anew for each input, and puts an object together from one object per key. The program is
//! rewritten to call the functions here instead, which are told what to do by a number: functions that jaq calls cannot
//! carry data.
use crate::run::Types;
use crate::value::{Map, Num, Str, V, ValX};
use jaq_core::box_iter::box_once;
use jaq_core::native::Fun;
use jaq_core::path::Opt;
use jaq_core::{Bind, Cv, Exn, Native, ValT as _};

/// A step of a path: a key, and whether there is a `?` behind it.
pub type Step = (Str, Opt);

/// The paths and objects of a program, by the number that its calls are made with.
#[derive(Default)]
pub struct Constants {
    pub paths: Vec<Vec<Step>>,
    pub objects: Vec<Vec<Str>>,
}

/// Calls of this follow a path.
pub const PATH: &str = "__path";
/// Calls of this make an object. The arguments are the values, last one first, and the number.
pub const OBJECT: &str = "__object";
/// Objects with more keys are left to jaq.
pub const MOST_KEYS: usize = 16;

/// Takes the number that a call was made with.
fn number(cv: &mut Cv<'_, Types>) -> usize {
    let (f, fc) = cv.0.pop_fun();
    match f.run((fc, V::Null)).next() {
        Some(Ok(V::Num(Num::Int(i)))) => i as usize,
        other => unreachable!("the rewritten program passes a number: {}", other.is_some()),
    }
}

fn steps<'a>(cv: &mut Cv<'a, Types>) -> &'a [Step] {
    let i = number(cv);
    &cv.0.data().constants.paths[i]
}

fn update<'a>(v: V, steps: &[Step], f: &dyn Fn(V) -> jaq_core::ValXs<'a, V, V>) -> ValX<'a> {
    match steps {
        [] => Ok(v),
        [(k, opt)] => v.map_index(&V::Text(k.clone()), *opt, f),
        [(k, opt), rest @ ..] => v.map_index(&V::Text(k.clone()), *opt, |v| {
            std::iter::once(update(v, rest, f))
        }),
    }
}

fn object<'a>(mut cv: Cv<'a, Types>) -> jaq_core::ValXs<'a, V, V> {
    let i = number(&mut cv);
    let keys: &'a [Str] = &cv.0.data().constants.objects[i];
    let mut map = Map::with_capacity(keys.len());
    for k in keys {
        let (f, fc) = cv.0.pop_fun();
        // the rewriter makes sure that there is no second output
        match f.run((fc, cv.1.clone())).next() {
            Some(Ok(v)) => map.insert(k.clone(), v),
            Some(Err(e)) => return box_once(Err(e)),
            None => return Box::new(std::iter::empty()),
        }
    }
    box_once(Ok(V::obj(map)))
}

/// The functions that a rewritten program calls.
pub fn funs() -> impl Iterator<Item = Fun<Types>> {
    let path = Native::<Types>::new(|mut cv| {
        let mut v = cv.1.clone();
        for (k, opt) in steps(&mut cv) {
            v = match (v.index(&V::Text(k.clone())), opt) {
                (Ok(v), _) => v,
                (Err(_), Opt::Optional) => return Box::new(std::iter::empty()),
                (Err(e), Opt::Essential) => return box_once(Err(Exn::from(e))),
            };
        }
        box_once(Ok(v))
    })
    .with_paths(|cv| {
        let (ctx, (v, mut path)) = cv;
        let mut cv = (ctx, v);
        let steps = steps(&mut cv);
        let mut v = cv.1;
        for (k, opt) in steps {
            let k = V::Text(k.clone());
            v = match (v.index(&k), opt) {
                (Ok(v), _) => v,
                (Err(_), Opt::Optional) => return Box::new(std::iter::empty()),
                (Err(e), Opt::Essential) => return box_once(Err(Exn::from(e))),
            };
            path = path.cons(k);
        }
        box_once(Ok((v, path)))
    })
    .with_update(|mut cv, f| {
        let steps = steps(&mut cv);
        box_once(update(cv.1, steps, &*f))
    });
    let path: Fun<Types> = (PATH, Box::new([Bind::Fun(())]), path);
    let object = |n: usize| -> Fun<Types> {
        let args = std::iter::repeat_n(Bind::Fun(()), n + 1).collect();
        (OBJECT, args, Native::<Types>::new(object))
    };
    std::iter::once(path).chain((1..=MOST_KEYS).map(object))
}
