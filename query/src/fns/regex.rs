//! Regular expressions. Compiled ones are kept, as a query tries the same one on every record.
use super::{Args, Table, binary, fail};
use crate::value::{Brief, Error, Kind, Map, Str, V, ValR, ValX, ValXs};
use jaq_core::Bind;
use jaq_core::box_iter::box_once;
use jaq_core::native::v;
use regex::bytes::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;

pub fn table() -> Table {
    vec![
        ("_match", v(2), |cv| {
            binary(cv, |v, re, flags| matches(&v, re, flags))
        }),
        ("_test", v(2), |cv| {
            binary(cv, |v, re, flags| test(&v, re, flags))
        }),
        (
            "sub",
            Box::new([Bind::Var(()), Bind::Fun(()), Bind::Var(())]),
            sub,
        ),
    ]
}

/// What is asked for besides the expression itself.
#[derive(Clone, Copy, Default)]
struct Flags {
    global: bool,
    skip_empty: bool,
}

type Cached = (Str, Str, bool, Regex, Flags);

/// How many compiled expressions are kept; a query has a handful.
const KEPT: usize = 16;

thread_local!(static CACHE: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) });

fn compile(re: &Str, flags: &Str, bytes: bool) -> ValR<(Regex, Flags)> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(i) = cache
            .iter()
            .position(|(r, f, b, ..)| r == re && f == flags && *b == bytes)
        {
            // the one used last is found first
            cache.swap(0, i);
            return Ok((cache[0].3.clone(), cache[0].4));
        }
        let (regex, parsed) = build(&re.lossy(), &flags.lossy(), bytes)?;
        cache.truncate(KEPT - 1);
        cache.insert(0, (re.clone(), flags.clone(), bytes, regex.clone(), parsed));
        Ok((regex, parsed))
    })
}

fn build(re: &str, flags: &str, bytes: bool) -> ValR<(Regex, Flags)> {
    let mut b = RegexBuilder::new(re);
    let mut parsed = Flags::default();
    // over byte strings, `.` and classes mean bytes
    b.unicode(!bytes);
    for flag in flags.chars() {
        match flag {
            'g' => parsed.global = true,
            'n' => parsed.skip_empty = true,
            'i' => _ = b.case_insensitive(true),
            'x' => _ = b.ignore_whitespace(true),
            // as in jq, `s` lets `^` and `$` match at the ends only, which is so anyway; `.` matching a line break is
            // what users expect of it as well
            's' | 'p' => _ = b.dot_matches_new_line(true),
            'l' => _ = b.swap_greed(true),
            'b' => _ = b.unicode(false),
            _ => return fail(format_args!("{flags} is not a valid modifier string")),
        }
    }
    match b.build() {
        Ok(re) => Ok((re, parsed)),
        Err(e) => fail(format_args!("{re} (at offset 0) is not a valid regex: {e}")),
    }
}

/// The string, the expression and its flags; `[re, flags]` is taken for an expression, too.
fn prepare(v: &V, re: V, flags: V) -> ValR<(Str, bool, Regex, Flags)> {
    let (re, flags) = match re.into_items() {
        Ok(items) => {
            let mut items = items.into_iter();
            (
                items.next().unwrap_or_default(),
                items.next().unwrap_or(flags),
            )
        }
        Err(re) => (re, flags),
    };
    let Some(s) = v.str() else {
        return fail(format_args!(
            "{} cannot be matched, as it is not a string",
            Brief(v)
        ));
    };
    let Some(re) = re.str() else {
        return fail(format_args!(
            "{} cannot be matched, as it is not a string",
            Brief(&re)
        ));
    };
    let flags = match (flags.str(), flags.kind()) {
        (Some(f), _) => f,
        (None, Kind::Null) => "".into(),
        _ => return fail(format_args!("{} is not a string", Brief(&flags))),
    };
    let bytes = super::strings::is_bytes(v);
    let (regex, flags) = compile(&re, &flags, bytes)?;
    Ok((s, bytes, regex, flags))
}

fn test(v: &V, re: V, flags: V) -> ValR {
    let (s, _, re, flags) = prepare(v, re, flags)?;
    Ok(V::Bool(match flags.skip_empty {
        true => re.find_iter(&s).any(|m| !m.is_empty()),
        false => re.is_match(&s),
    }))
}

/// Replaces what an expression matches by the outputs of a filter over the named groups.
///
/// Where the filter has several outputs, there are several results: the first is made of the first output for each match,
/// and so on.
fn sub<'a>(mut cv: Args<'a>) -> ValXs<'a> {
    let flags = cv.0.pop_var();
    let (f, fc) = cv.0.pop_fun();
    let re = cv.0.pop_var();
    let results = || -> ValX<'a, Vec<V>> {
        let (s, bytes, re, flags) = prepare(&cv.1, re, flags)?;
        let wrap = |s: Str| if bytes { V::Bytes(s) } else { V::Text(s) };
        let names: Vec<Option<&str>> = re.capture_names().collect();
        let mut results: Vec<Vec<u8>> = Vec::new();
        let mut end = 0;
        for c in re.captures_iter(&s) {
            let whole = c.get_match();
            if flags.skip_empty && whole.is_empty() {
                continue;
            }
            let group = |(i, name): (usize, &Option<&str>)| {
                Some((
                    Str::from((*name)?),
                    c.get(i).map_or(V::Null, |m| wrap(s.slice(m.range()))),
                ))
            };
            let groups: Map = names.iter().enumerate().filter_map(group).collect();
            let gap = &s[end..whole.start()];
            for (i, insert) in f.run((fc.clone(), V::obj(groups))).enumerate() {
                let insert = insert?;
                let Some(text) = insert.str() else {
                    // the error that adding the two gives
                    return Err((V::Text(gap.into()) + insert)
                        .err()
                        .unwrap_or_else(|| Error::str("not a string"))
                        .into());
                };
                if results.len() <= i {
                    results.push(Vec::with_capacity(s.len()));
                }
                results[i].extend_from_slice(gap);
                results[i].extend_from_slice(&text);
            }
            end = whole.end();
            if !flags.global {
                break;
            }
        }
        if results.is_empty() {
            return Ok(vec![cv.1.clone()]);
        }
        let finish = |mut r: Vec<u8>| {
            r.extend_from_slice(&s[end..]);
            wrap(r.into())
        };
        Ok(results.into_iter().map(finish).collect())
    };
    match results() {
        Ok(results) => Box::new(results.into_iter().map(Ok)),
        Err(e) => box_once(Err(e)),
    }
}

/// Turns byte offsets into positions as they are counted: characters in text, bytes in bytes.
struct Counter<'a> {
    s: &'a [u8],
    plain: bool,
    last: (usize, usize),
}

impl Counter<'_> {
    fn count(&self, from: usize, upto: usize) -> usize {
        if self.plain {
            upto - from
        } else {
            String::from_utf8_lossy(&self.s[from..upto]).chars().count()
        }
    }

    fn pos(&mut self, at: usize) -> usize {
        // groups may begin before the one asked for last
        if at < self.last.0 {
            self.last = (0, 0);
        }
        self.last = (at, self.last.1 + self.count(self.last.0, at));
        self.last.1
    }
}

fn matches(v: &V, re: V, flags: V) -> ValR {
    let (s, bytes, re, flags) = prepare(v, re, flags)?;
    let mut counter = Counter {
        s: &s,
        plain: bytes || s.is_ascii(),
        last: (0, 0),
    };
    let names: Vec<Option<&str>> = re.capture_names().collect();
    let mut out = Vec::new();
    for c in re.captures_iter(&s) {
        if flags.skip_empty && c.get_match().is_empty() {
            continue;
        }
        out.push(object(&c, &names, &s, &mut counter, bytes));
        if !flags.global {
            break;
        }
    }
    Ok(V::arr(out))
}

fn object(
    c: &Captures<'_>,
    names: &[Option<&str>],
    s: &Str,
    counter: &mut Counter<'_>,
    bytes: bool,
) -> V {
    let wrap = |s: Str| if bytes { V::Bytes(s) } else { V::Text(s) };
    let mut part = |i: usize| match c.get(i) {
        Some(m) => [
            ("offset", V::size(counter.pos(m.start()))),
            ("length", V::size(counter.count(m.start(), m.end()))),
            ("string", wrap(s.slice(m.range()))),
        ],
        None => [
            ("offset", V::int(-1)),
            ("length", V::int(0)),
            ("string", V::Null),
        ],
    };
    let whole = part(0);
    let captures = (1..names.len()).map(|i| {
        let [offset, length, string] = part(i);
        V::fields([
            offset,
            length,
            string,
            ("name", names[i].map_or(V::Null, V::text)),
        ])
    });
    let captures = ("captures", V::arr(captures.collect::<Vec<_>>()));
    let [offset, length, string] = whole;
    V::fields([offset, length, string, captures])
}
