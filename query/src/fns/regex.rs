//! Regular expressions. Compiled ones are kept, as a query tries the same one on every record.
use super::strings::characters;
use super::{Args, Table, binary, fail};
use crate::value::{Brief, Error, Kind, Map, Str, V, ValR, ValX, ValXs, rejected};
use binq_core::Reject;
use jaq_core::Bind;
use jaq_core::box_iter::box_once;
use jaq_core::native::v;
use regex::bytes::{Regex, RegexBuilder};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

pub fn table() -> Table {
    vec![
        ("_match", v(2), |cv| {
            binary(cv, |v, re, flags| matches(&v, re, flags))
        }),
        ("_test", v(2), |cv| {
            binary(cv, |v, re, flags| test(&v, re, flags))
        }),
        ("_split", v(2), |cv| {
            binary(cv, |v, re, flags| split(&v, re, flags))
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

/// The whole match, and the groups.
type Groups = Vec<Option<Range<usize>>>;

/// An expression that is ready to match.
struct Compiled {
    flags: Flags,
    /// What `regex` has: it takes linear time.
    plain: Option<Regex>,
    /// What it has not, such as `(?=…)`, and `$` before a line break at the end.
    rich: Option<fancy_regex::Regex>,
    /// Whether `$` says more of a text that ends in a line break.
    ends: bool,
}

type Cached = (Str, Str, bool, Rc<Compiled>);

/// How many compiled expressions are kept; a query has a handful.
const KEPT: usize = 16;

thread_local!(static CACHE: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) });

fn compile(re: &Str, flags: &Str, bytes: bool) -> ValR<Rc<Compiled>> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(i) = cache
            .iter()
            .position(|(r, f, b, _)| r == re && f == flags && *b == bytes)
        {
            // the one used last is found first
            cache.swap(0, i);
            return Ok(cache[0].3.clone());
        }
        let compiled = Rc::new(build(re, &flags.lossy(), bytes)?);
        cache.truncate(KEPT - 1);
        cache.insert(0, (re.clone(), flags.clone(), bytes, compiled.clone()));
        Ok(compiled)
    })
}

/// The text of an expression. One that is no UTF-8 matches bytes: each of its bytes stands for itself.
fn pattern(re: &Str) -> (String, bool) {
    match std::str::from_utf8(re) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => {
            let byte = |b: &u8| match b.is_ascii() {
                true => char::from(*b).to_string(),
                false => format!("\\x{b:02x}"),
            };
            (re.iter().map(byte).collect(), true)
        }
    }
}

fn build(re: &Str, flags: &str, bytes: bool) -> ValR<Compiled> {
    let (text, raw) = pattern(re);
    let mut parsed = Flags::default();
    let (mut inline, mut unicode) = (String::new(), !(bytes || raw));
    for flag in flags.chars() {
        match flag {
            'g' => parsed.global = true,
            'n' => parsed.skip_empty = true,
            'i' => inline.push('i'),
            'x' => inline.push('x'),
            // `^` and `$` match at the ends only, which is so anyway
            's' => (),
            // both let `.` match line breaks
            'm' | 'p' => inline.push('s'),
            'l' => inline.push('U'),
            'b' => unicode = false,
            _ => return fail(format_args!("{flags} is not a valid modifier string")),
        }
    }
    let has = |flag| inline.contains(flag);
    let text = letters(&text);
    let (rich, ends) = ends_before_break(&text);
    let plain = RegexBuilder::new(&text.replace("\\Z", "\\z"))
        // over byte strings, `.` and classes mean bytes
        .unicode(unicode)
        .case_insensitive(has('i'))
        .ignore_whitespace(has('x'))
        .dot_matches_new_line(has('s'))
        .swap_greed(has('U'))
        .build();
    let invalid = |e: &dyn std::fmt::Display| {
        let re = re.lossy();
        fail(format_args!("{re} (at offset 0) is not a valid regex: {e}"))
    };
    // the other engine knows text only, and no other greed
    let other = unicode && !has('U');
    let rich = match (&plain, other && (ends || plain.is_err())) {
        (_, true) => {
            let flags = match inline.is_empty() {
                true => String::new(),
                false => format!("(?{inline})"),
            };
            match fancy_regex::Regex::new(&format!("{flags}{rich}")) {
                Ok(rich) => Some(rich),
                Err(e) if plain.is_err() => return invalid(&e),
                Err(_) => None,
            }
        }
        (Err(e), false) => return invalid(e),
        (Ok(_), false) => None,
    };
    Ok(Compiled {
        flags: parsed,
        plain: plain.ok(),
        rich,
        ends,
    })
}

/// An expression with the escapes of Oniguruma's Perl syntax in words of the engines: letters that mean nothing there stand for
/// themselves.
fn letters(re: &str) -> String {
    let mut out = String::with_capacity(re.len());
    let mut rest = re;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let Some(next) = escape[1..].chars().next() else {
            rest = escape;
            break;
        };
        rest = &escape[1 + next.len_utf8()..];
        match next {
            'Q' => {
                let (text, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                out.push_str(&regex::escape(text));
                rest = after;
            }
            'N' => out.push_str("[^\\n]"),
            'O' => out.push_str("(?s:.)"),
            'P' if rest.starts_with('{') => out.push_str("\\P"),
            'E' | 'H' | 'I' | 'J' | 'L' | 'M' | 'P' | 'T' | 'U' | 'V' | 'h' | 'i' | 'j' | 'l'
            | 'm' | 'q' | 'u' => out.push(next),
            _ => out.extend(['\\', next]),
        }
    }
    out.push_str(rest);
    out
}

/// An expression whose `$` and `\Z` match before a line break at the end of the text, too, as Oniguruma's do; and whether
/// there are any.
fn ends_before_break(re: &str) -> (String, bool) {
    let mut out = String::with_capacity(re.len());
    let (mut class, mut any) = (0usize, false);
    // in a group with this flag, `$` is the end of a line
    let lines = re.contains("(?m") || re.contains("(?im") || re.contains("(?sm");
    let mut chars = re.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') if class == 0 => {
                    any = true;
                    out.push_str("(?=\\n?\\z)");
                }
                Some('R') if class == 0 => {
                    out.push_str("(?:\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])")
                }
                Some(next) => out.extend(['\\', next]),
                None => out.push(c),
            },
            '[' => {
                class += 1;
                out.push(c);
            }
            ']' => {
                class = class.saturating_sub(1);
                out.push(c);
            }
            '$' if class == 0 && !lines => {
                any = true;
                out.push_str("(?=\\n?\\z)");
            }
            c => out.push(c),
        }
    }
    (out, any)
}

impl Compiled {
    /// The engine that a text needs: whether it is the rich one.
    fn rich<'s>(&self, s: &'s [u8]) -> ValR<Option<(&fancy_regex::Regex, &'s str)>> {
        let needed = self.plain.is_none() || (self.ends && s.ends_with(b"\n"));
        match &self.rich {
            Some(re) if needed => match std::str::from_utf8(s) {
                Ok(text) => Ok(Some((re, text))),
                Err(_) if self.plain.is_some() => Ok(None),
                Err(_) => {
                    fail("look-around and references back are for text only, and this is no UTF-8")
                }
            },
            _ => Ok(None),
        }
    }

    /// The names of the groups; the whole match is the first.
    fn names(&self) -> Vec<Option<&str>> {
        match (&self.plain, &self.rich) {
            (Some(re), _) => re.capture_names().collect(),
            (None, Some(re)) => re.capture_names().collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Calls `f` for each match that is asked for, with the whole match and the groups.
    ///
    /// After an empty match, jq goes on one character further; after another one, where it ended, so that an empty match may
    /// follow it.
    fn each<'a>(
        &self,
        s: &[u8],
        bytes: bool,
        mut f: impl FnMut(Range<usize>, &Groups) -> Result<(), jaq_core::Exn<'a, V>>,
    ) -> Result<(), jaq_core::Exn<'a, V>> {
        let rich = self.rich(s)?;
        let groups_at = |start| match rich {
            Some((re, text)) => {
                let groups = |c: fancy_regex::Captures<'_>| -> Groups {
                    (0..c.len()).map(|i| c.get(i).map(|m| m.range())).collect()
                };
                let found = re.captures_from_pos(text, start).map_err(too_hard)?;
                ValR::Ok(found.map(groups))
            }
            None => {
                let found = self.plain.as_ref().and_then(|re| re.captures_at(s, start));
                Ok(found.map(|c| c.iter().map(|m| m.map(|m| m.range())).collect()))
            }
        };
        let mut start = 0;
        while start <= s.len()
            && let Some(groups) = groups_at(start)?
        {
            let Some(whole) = groups.first().cloned().flatten() else {
                break;
            };
            start = whole.end;
            if whole.is_empty() {
                start += match bytes {
                    true => 1,
                    false => width(&s[whole.end..]),
                };
                if self.flags.skip_empty {
                    continue;
                }
            }
            f(whole, &groups)?;
            if !self.flags.global {
                break;
            }
        }
        Ok(())
    }

    fn is_match(&self, s: &[u8]) -> ValR<bool> {
        match self.rich(s)? {
            Some((re, text)) => re.is_match(text).map_err(too_hard),
            None => Ok(self.plain.as_ref().is_some_and(|re| re.is_match(s))),
        }
    }
}

/// How many bytes the first character has.
fn width(s: &[u8]) -> usize {
    // not more than it can have: to look at what follows would make a long text quadratic
    let chunk = s[..s.len().min(4)].utf8_chunks().next();
    chunk.map_or(1, |c| {
        c.valid()
            .chars()
            .next()
            .map_or(c.invalid().len(), char::len_utf8)
    })
}

fn too_hard(e: fancy_regex::Error) -> Error {
    Error::str(format_args!(
        "the expression takes too long on this text: {e}"
    ))
}

/// The string, the expression and its flags; `[re, flags]` is taken for an expression, too.
fn prepare(v: &V, re: V, flags: V) -> ValR<(Str, bool, Rc<Compiled>)> {
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
        // bytes of which some are lost are shown as gaps
        if let V::Node(n) = v
            && let Err(lost @ Reject::Lost { .. }) = n.node().bytes()
        {
            return Err(rejected(lost));
        }
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
    let compiled = compile(&re, &flags, bytes)?;
    Ok((s, bytes, compiled))
}

fn test(v: &V, re: V, flags: V) -> ValR {
    let (s, bytes, re) = prepare(v, re, flags)?;
    if !re.flags.skip_empty {
        return re.is_match(&s).map(V::Bool);
    }
    let mut found = false;
    let searched = re.each(&s, bytes, |_, _| {
        found = true;
        Ok(())
    });
    searched.map_err(|e| e.get_err().unwrap_or_else(|_| Error::str("break")))?;
    Ok(V::Bool(found))
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
        let (s, bytes, re) = prepare(&cv.1, re, flags)?;
        let wrap = |s: Str| if bytes { V::Bytes(s) } else { V::Text(s) };
        let names = re.names();
        let mut results: Vec<Vec<u8>> = Vec::new();
        let mut end = 0;
        re.each(&s, bytes, |whole, groups| {
            let group = |(i, name): (usize, &Option<&str>)| {
                let text = groups.get(i).cloned().flatten();
                Some((
                    Str::from((*name)?),
                    text.map_or(V::Null, |r| wrap(s.slice(r))),
                ))
            };
            let object: Map = names.iter().enumerate().filter_map(group).collect();
            let gap = &s[end..whole.start];
            for (i, insert) in f.run((fc.clone(), V::obj(object))).enumerate() {
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
            end = whole.end;
            Ok(())
        })?;
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
    /// Where the last match began, in bytes and as it is counted.
    base: (usize, usize),
}

impl Counter<'_> {
    fn count(&self, r: Range<usize>) -> usize {
        match self.plain {
            true => r.len(),
            false => characters(&self.s[r]),
        }
    }

    /// Goes to the next match, so that the text before it is counted once.
    fn go(&mut self, at: usize) {
        self.base = (at, self.base.1 + self.count(self.base.0..at));
    }

    fn position(&self, at: usize) -> usize {
        match at.checked_sub(self.base.0) {
            Some(_) => self.base.1 + self.count(self.base.0..at),
            // a group of a look-behind
            None => self.base.1 - self.count(at..self.base.0),
        }
    }
}

/// What lies between the matches.
fn split(v: &V, re: V, flags: V) -> ValR {
    let (s, bytes, re) = prepare(v, re, flags)?;
    let wrap = |s: Str| if bytes { V::Bytes(s) } else { V::Text(s) };
    let (mut parts, mut end) = (Vec::new(), 0);
    let found = re.each(&s, bytes, |whole, _| {
        parts.push(wrap(s.slice(end..whole.start)));
        end = whole.end;
        Ok(())
    });
    found.map_err(|e| e.get_err().unwrap_or_else(|_| Error::str("break")))?;
    parts.push(wrap(s.slice(end..s.len())));
    Ok(V::arr(parts))
}

fn matches(v: &V, re: V, flags: V) -> ValR {
    let (s, bytes, re) = prepare(v, re, flags)?;
    let mut counter = Counter {
        s: &s,
        plain: bytes || s.is_ascii(),
        base: (0, 0),
    };
    let names = re.names();
    let mut out = Vec::new();
    let found = re.each(&s, bytes, |whole, groups| {
        counter.go(whole.start);
        out.push(object(groups, &names, &s, &counter, bytes));
        Ok(())
    });
    found.map_err(|e| e.get_err().unwrap_or_else(|_| Error::str("break")))?;
    Ok(V::arr(out))
}

fn object(
    groups: &Groups,
    names: &[Option<&str>],
    s: &Str,
    counter: &Counter<'_>,
    bytes: bool,
) -> V {
    let wrap = |s: Str| if bytes { V::Bytes(s) } else { V::Text(s) };
    let part = |i: usize| match groups.get(i).cloned().flatten() {
        Some(r) => [
            ("offset", V::size(counter.position(r.start))),
            ("length", V::size(counter.count(r.clone()))),
            ("string", wrap(s.slice(r))),
        ],
        None => [
            ("offset", V::int(-1)),
            ("length", V::int(0)),
            ("string", V::Null),
        ],
    };
    let captures = (1..names.len()).map(|i| {
        let [offset, length, string] = part(i);
        let name = ("name", names[i].map_or(V::Null, V::text));
        // in jq's order
        V::fields(match string.1 {
            V::Null => [offset, string, length, name],
            _ => [offset, length, string, name],
        })
    });
    let captures = ("captures", V::arr(captures.collect::<Vec<_>>()));
    let [offset, length, string] = part(0);
    V::fields([offset, length, string, captures])
}
