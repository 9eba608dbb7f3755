//! What reaches outside of the query: inputs, messages, the end.
use super::Table;
use crate::run::Message;
use crate::value::{Brief, Error, V, num};
use jaq_core::Exn;
use jaq_core::box_iter::box_once;
use jaq_core::load::Arena;
use jaq_core::native::{bome, v};

pub fn table() -> Table {
    vec![
        ("input", v(0), |cv| match cv.0.data().cx.next_input() {
            Some(r) => bome(r.map_err(Error::str)),
            // as jq says it, and programs compare with: `try repeat(input) catch if . == "break" then empty else error end`
            None => bome(Err(Error::str("break"))),
        }),
        ("inputs", v(0), |cv| {
            let cx = cv.0.data().cx;
            Box::new(
                std::iter::from_fn(|| cx.next_input()).map(|r| r.map_err(|e| Error::str(e).into())),
            )
        }),
        ("input_filename", v(0), |cv| {
            bome(Ok(cv.0.data().cx.filename()))
        }),
        // inputs are not read by lines
        ("input_line_number", v(0), |_| bome(Ok(V::size(0)))),
        ("env", v(0), |cv| bome(Ok(cv.0.data().cx.env()))),
        ("_debug", v(0), |cv| {
            cv.0.data().cx.tell(Message::Debug(cv.1.clone()));
            bome(Ok(cv.1))
        }),
        ("_stderr", v(0), |cv| {
            cv.0.data().cx.tell(Message::Stderr(cv.1.clone()));
            bome(Ok(cv.1))
        }),
        ("halt", v(0), |_| box_once(Err(Exn::halt(0)))),
        ("halt_error", v(1), |mut cv| {
            let code = cv.0.pop_var();
            let Some(code) = code.num().and_then(|n| num::to_index(&n)) else {
                let e = format_args!("halt_error/1: number required, not {}", Brief(&code));
                return bome(Err(Error::str(e)));
            };
            cv.0.data().cx.halt_with(cv.1.settle());
            // exit codes are a byte wide
            box_once(Err(Exn::halt((code & 0xff) as i32)))
        }),
        ("modulemeta", v(0), |cv| {
            let Some(name) = cv.1.str() else {
                return bome(Err(Error::str(
                    "modulemeta input module name must be a string",
                )));
            };
            let meta = crate::modules::meta(&name.lossy(), cv.0.data().library);
            bome(meta.map_err(Error::str))
        }),
        ("get_search_list", v(0), |cv| {
            let folders = cv.0.data().library.iter();
            bome(Ok(folders
                .map(|p| V::text(p.display().to_string()))
                .collect()))
        }),
        ("builtins", v(0), |_| {
            let natives = super::natives().map(|(name, args, _)| (name, args.len()));
            let arena = Arena::default();
            let defs = super::parse_defs(super::DEFS, &arena);
            let defs = defs.iter().map(|d| (d.name, d.args.len()));
            let names = natives
                .chain(defs)
                .filter(|(name, _)| !name.starts_with('_') && !name.ends_with("_empty"));
            let names: std::collections::BTreeSet<_> =
                names.filter(|(name, _)| !name.starts_with('@')).collect();
            bome(Ok(names
                .into_iter()
                .map(|(name, arity)| V::text(format!("{name}/{arity}")))
                .collect()))
        }),
    ]
}
