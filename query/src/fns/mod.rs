//! The functions that queries can call.
//!
//! Some are jaq's (paths, mathematics, dates). The others are here, because they take nodes, because jq's behave
//! differently, or because they are binq's own. What is best said in jq is in `defs.jq`.
mod arrays;
mod basic;
mod binary;
mod contains;
mod flow;
mod format;
mod io;
mod math;
mod nodes;
mod paths;
mod regex;
mod strings;
mod time;

pub use format::is_format;

use crate::run::Types;
use crate::syntax::AS;
use crate::value::{Error, V, ValR, ValXs};
use binq_core::{NodeFn, ScalarFn};
use jaq_core::load::Arena;
use jaq_core::load::parse::Def;
use jaq_core::native::{Filter, Fun, bome};
use jaq_core::{Bind, Cv, Native, RunPtr};

/// A list of functions as jaq wants them.
type Table = Vec<Filter<RunPtr<Types>>>;
type Args<'a> = Cv<'a, Types>;

/// The arguments of a function that takes one filter.
fn filter_arg() -> Box<[Bind]> {
    Box::new([Bind::Fun(())])
}

/// A function of its input and one value.
fn unary<'a>(mut cv: Args<'a>, f: impl FnOnce(V, V) -> ValR) -> ValXs<'a> {
    let x = cv.0.pop_var();
    bome(f(cv.1, x))
}

/// A function of its input and two values.
fn binary<'a>(mut cv: Args<'a>, f: impl FnOnce(V, V, V) -> ValR) -> ValXs<'a> {
    let y = cv.0.pop_var();
    let x = cv.0.pop_var();
    bome(f(cv.1, x, y))
}

fn fail<T>(message: impl std::fmt::Display) -> ValR<T> {
    Err(Error::str(message))
}

/// jaq's functions under names of their own: `defs.jq` gives them plain values, or several arguments in jq's order.
fn wrapped(name: &'static str) -> &'static str {
    match name {
        "strflocaltime" => "_strflocaltime",
        "localtime" => "_localtime",
        name => name,
    }
}

/// All native functions. Of functions with the same name and arity, jaq takes the first.
pub fn natives() -> impl Iterator<Item = Fun<Types>> {
    let tables = [
        basic::table(),
        strings::table(),
        format::table(),
        arrays::table(),
        regex::table(),
        binary::table(),
        nodes::table(),
        io::table(),
        math::table(),
        time::table(),
    ];
    let ours = tables
        .into_iter()
        .flatten()
        .map(|(name, args, f)| (name, args, Native::<Types>::new(f)));
    let std = jaq_std::funs::<Types>().map(|(name, args, f)| (wrapped(name), args, f));
    crate::constants::funs()
        .chain(paths::funs())
        .chain(flow::funs())
        .chain(ours)
        .chain(jaq_core::funs())
        .chain(std)
}

/// Parses definitions that come with the program.
pub fn parse_defs<'s>(code: &'s str, arena: &'s Arena) -> Vec<Def<&'s str>> {
    crate::syntax::program(code, arena)
        .expect("definitions of our own")
        .defs
}

/// The functions that are defined in jq.
pub const DEFS: &str = include_str!("../defs.jq");

/// Definitions for the functions that formats supply, which share one native function.
pub fn extra_defs(extras: &[ScalarFn], functions: &[NodeFn]) -> String {
    let extras = extras.iter().enumerate();
    let extras = extras.map(|(i, e)| format!("def {}: _extra({i});\n", e.0));
    let functions = functions.iter().enumerate().map(|(i, f)| {
        let args: Vec<String> = (0..f.arity).map(|k| format!("$a{k}")).collect();
        // a name that is a keyword of jq: see `syntax`
        let name = if f.name == "as" { AS } else { f.name };
        match args.join("; ") {
            none if none.is_empty() => format!("def {name}: _function({i}; []);\n"),
            list => format!(
                "def {name}({list}): _function({i}; [{}]);\n",
                args.join(", ")
            ),
        }
    });
    extras.chain(functions).collect()
}
