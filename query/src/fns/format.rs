//! The formatters: `@csv`, `@base64` and so on.
use super::strings::string;
use super::{Table, fail, unary};
use crate::json;
use crate::value::{Brief, Num, Str, V, ValR};
use jaq_core::ValT as _;
use jaq_core::native::{bome, v};

/// How a value looks in a format.
type Formatter = fn(V) -> ValR;

/// The formats by name.
const FORMATS: [(&str, Formatter); 12] = [
    ("@text", |v| Ok(v.into_string())),
    ("@json", |v| Ok(V::text(json::to_text(&v)))),
    ("@csv", |v| row(v, ",", "csv", csv)),
    ("@tsv", |v| row(v, "\t", "tsv", tsv)),
    ("@html", |v| Ok(escape(v, html))),
    ("@uri", |v| Ok(escape(v, uri))),
    ("@urid", |v| unuri(&v)),
    ("@sh", sh),
    ("@base64", |v| Ok(V::text(json::base64(&shown(v))))),
    ("@base64d", base64d),
    ("@base32", |v| Ok(V::text(json::base32(&shown(v))))),
    ("@base32d", base32d),
];

fn formatter(name: &str) -> Option<Formatter> {
    let (_, format) = FORMATS.iter().find(|(known, _)| *known == name)?;
    Some(*format)
}

/// Whether `@name` is a format.
pub fn is_format(name: &str) -> bool {
    formatter(name).is_some()
}

/// A native function for one of the formats.
macro_rules! natives {
    ($($i:literal)*) => {
        vec![
            $((FORMATS[$i].0, v(0), |cv| bome(FORMATS[$i].1(cv.1))),)*
            ("format", v(1), |cv| unary(cv, format)),
        ]
    };
}

pub fn table() -> Table {
    natives!(0 1 2 3 4 5 6 7 8 9 10 11)
}

/// `format("csv")` is `@csv`.
fn format(v: V, name: V) -> ValR {
    let Some(text) = name.str() else {
        return fail(format_args!("{} is not a valid format", Brief(&name)));
    };
    let text = text.lossy();
    match formatter(&format!("@{text}")) {
        Some(format) => format(v),
        None => fail(format_args!("{text} is not a valid format")),
    }
}

/// The string that a value is shown as.
fn shown(v: V) -> Str {
    match v.into_string() {
        V::Text(s) | V::Bytes(s) => s,
        _ => "".into(),
    }
}

fn row(v: V, sep: &str, name: &str, cell: fn(&[u8], &mut Vec<u8>)) -> ValR {
    let items = v.into_items().or_else(|v| {
        fail(format_args!(
            "{} cannot be {name}-formatted, only an array can be",
            Brief(&v)
        ))
    })?;
    let mut out = Vec::new();
    for (i, x) in items.into_iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(sep.as_bytes());
        }
        match x.settle() {
            V::Null => (),
            V::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            V::Num(Num::Float(f)) if f.is_nan() => (),
            x @ V::Num(_) => out.extend_from_slice(json::to_text(&x).as_bytes()),
            V::Text(s) => cell(&s, &mut out),
            // bytes as they look in JSON
            V::Bytes(s) => cell(json::hex(&s).as_bytes(), &mut out),
            x => return fail(format_args!("{} is not valid in a {name} row", Brief(&x))),
        }
    }
    Ok(V::text(out))
}

/// A byte that is as it is, but for 0, which is written out.
fn push(b: u8, out: &mut Vec<u8>) {
    match b {
        0 => out.extend_from_slice(b"\\0"),
        b => out.push(b),
    }
}

fn csv(s: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for b in s {
        if *b == b'"' {
            out.push(b'"');
        }
        push(*b, out);
    }
    out.push(b'"');
}

fn tsv(s: &[u8], out: &mut Vec<u8>) {
    for b in s {
        match b {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b => push(*b, out),
        }
    }
}

fn escape(v: V, f: fn(u8, &mut Vec<u8>)) -> V {
    let mut out = Vec::new();
    shown(v).iter().for_each(|b| f(*b, &mut out));
    V::text(out)
}

fn html(b: u8, out: &mut Vec<u8>) {
    match b {
        b'<' => out.extend_from_slice(b"&lt;"),
        b'>' => out.extend_from_slice(b"&gt;"),
        b'&' => out.extend_from_slice(b"&amp;"),
        b'\'' => out.extend_from_slice(b"&apos;"),
        b'"' => out.extend_from_slice(b"&quot;"),
        b => push(b, out),
    }
}

fn uri(b: u8, out: &mut Vec<u8>) {
    if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
        out.push(b);
    } else {
        out.extend_from_slice(format!("%{b:02X}").as_bytes());
    }
}

fn unuri(v: &V) -> ValR {
    let s = shown(v.clone());
    let mut out = Vec::with_capacity(s.len());
    let mut at = 0;
    while at < s.len() {
        if s[at] != b'%' {
            out.push(s[at]);
            at += 1;
            continue;
        }
        match s
            .get(at + 1..at + 3)
            .filter(|h| h.iter().all(u8::is_ascii_hexdigit))
            .and_then(json::from_hex)
        {
            Some(b) => out.extend(b),
            None => return fail(format_args!("{} is not a valid uri encoding", Brief(v))),
        }
        at += 3;
    }
    match String::from_utf8(out) {
        Ok(text) => Ok(V::text(text)),
        Err(_) => fail(format_args!("{} is not a valid uri encoding", Brief(v))),
    }
}

fn sh(v: V) -> ValR {
    let items = v.into_items().unwrap_or_else(|v| vec![v]);
    let mut out: Vec<u8> = Vec::new();
    for (i, x) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        match x.settle() {
            V::Text(s) | V::Bytes(s) => {
                out.push(b'\'');
                for b in s.iter() {
                    if *b == b'\'' {
                        out.extend_from_slice(b"'\\''");
                    } else {
                        push(*b, &mut out);
                    }
                }
                out.push(b'\'');
            }
            x if x.is_container() => {
                return fail(format_args!("{} can not be escaped for shell", Brief(&x)));
            }
            x => out.extend_from_slice(json::to_text(&x).as_bytes()),
        }
    }
    Ok(V::text(out))
}

/// As in jq, what follows the first `=` does not count, and nothing else is skipped.
fn base64d(v: V) -> ValR {
    let s = shown(v.clone());
    let digits = s.split(|b| *b == b'=').next().unwrap_or_default();
    let valid = |b: &u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
    let problem = match digits.iter().all(valid) {
        true if digits.len() % 4 != 1 => None,
        true => Some("trailing base64 byte found"),
        false => Some("is not valid base64 data"),
    };
    match (problem, json::from_base64(digits)) {
        (None, Some(b)) => Ok(V::text(replaced(&b))),
        (problem, _) => {
            let problem = problem.unwrap_or("is not valid base64 data");
            fail(format_args!("{} {problem}", Brief(&v.settle())))
        }
    }
}

/// Bytes as text, with what is no UTF-8 replaced as jq does it: once for each sequence that begins as one, whole or not.
fn replaced(b: &[u8]) -> String {
    let mut out = String::with_capacity(b.len());
    let mut rest = b;
    while let Some(first) = rest.first() {
        let len = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let follow = |b: &&u8| matches!(b, 0x80..=0xbf);
        let len = match rest.len() < len {
            true => rest.len(),
            false => 1 + rest[1..len].iter().take_while(follow).count(),
        };
        let (sequence, after) = rest.split_at(len);
        out.push_str(std::str::from_utf8(sequence).unwrap_or("\u{fffd}"));
        rest = after;
    }
    out
}

fn base32d(v: V) -> ValR {
    let s = string(&v, |v| format!("{v} cannot be base32-decoded"))?;
    match json::from_base32(&s) {
        Some(b) => Ok(V::text(String::from_utf8_lossy(&b).into_owned())),
        None => fail(format_args!("{} is not valid base32 data", Brief(&v))),
    }
}
