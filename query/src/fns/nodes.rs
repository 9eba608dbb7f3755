//! What can be asked of a node besides its value. The names are fq's.
use super::binary::to_bytes;
use super::{Args, Table, binary, fail};
use crate::value::{
    Brief, Error, Map, Str, V, ValR, ValXs, fault, finding, from_plain, hint, to_plain,
};
use binq_core::columns::Cell;
use binq_core::{FnCx, Key, Node, NodeKind, Plain, Scalar};
use jaq_core::ValT;
use jaq_core::box_iter::box_once;
use jaq_core::native::{bome, unary, v};
use std::borrow::Cow;
use std::ffi::OsString;

pub fn table() -> Table {
    vec![
        ("tovalue", v(0), |cv| bome(Ok(to_value(&cv.1, false)))),
        ("toactual", v(0), |cv| bome(Ok(to_value(&cv.1, true)))),
        ("tosym", v(0), |cv| {
            bome(node(&cv.1).map(|n| n.symbol().map_or(V::Null, V::from)))
        }),
        ("todescription", v(0), |cv| {
            bome(node(&cv.1).map(|n| n.description().map_or(V::Null, V::text)))
        }),
        ("topath", v(0), |cv| bome(node(&cv.1).map(|n| path(&n)))),
        ("parent", v(0), |cv| {
            bome(node(&cv.1).map(|n| n.parent().map_or(V::Null, V::node)))
        }),
        ("parents", v(0), |cv| parents(&cv.1)),
        ("root", v(0), |cv| {
            bome(node(&cv.1).map(|n| V::node(n.root())))
        }),
        ("format", v(0), |cv| {
            bome(Ok(match &cv.1 {
                V::Node(n) => V::text(n.node().format()),
                _ => V::Null,
            }))
        }),
        ("tobytesrange", v(0), |cv| bome(range(&cv.1, 8))),
        ("tobitsrange", v(0), |cv| bome(range(&cv.1, 1))),
        ("fault", v(0), |cv| bome(node(&cv.1).map(|n| fault(&n)))),
        ("faults", v(0), |cv| faults(cv.1)),
        ("formats", v(0), |cv| {
            bome(Ok(cv
                .0
                .data()
                .cx
                .registry
                .names()
                .into_iter()
                .map(V::text)
                .collect()))
        }),
        ("decode", v(0), |cv| bome(decode(&cv, V::Null, V::Null))),
        ("decode", v(1), |mut cv| {
            let format = cv.0.pop_var();
            bome(decode(&cv, format, V::Null))
        }),
        ("decode", v(2), |mut cv| {
            let options = cv.0.pop_var();
            let format = cv.0.pop_var();
            bome(decode(&cv, format, options))
        }),
        ("_extra", v(1), |cv| {
            let cx = cv.0.data().cx;
            unary(cv, move |v, i| {
                let i = i.num().and_then(|n| crate::value::num::to_index(&n));
                match i.and_then(|i| cx.extras.get(i as usize)) {
                    Some((_, f)) => f(&scalar(&v)?).map(V::from).map_err(Error::str),
                    None => fail("the query was compiled with the functions of other formats"),
                }
            })
        }),
        ("_has_items", v(0), |cv| {
            let array = matches!(&cv.1, V::Node(n) if n.kind() == NodeKind::Array);
            bome(Ok(V::Bool(array)))
        }),
        ("_items_where", v(2), |mut cv| {
            let wanted = cv.0.pop_var();
            let field = cv.0.pop_var();
            match (cv.1, field.settle()) {
                (V::Node(n), V::Text(field)) => items_where(&n.node(), &field.lossy(), wanted),
                _ => box_once(Err(
                    Error::str("expected an array and the name of a field").into()
                )),
            }
        }),
        ("_function", v(2), |cv| {
            let cx = cv.0.data().cx;
            binary(cv, move |v, i, args| {
                let i = i.num().and_then(|n| crate::value::num::to_index(&n));
                let Some(f) = i.and_then(|i| cx.functions.get(i as usize)) else {
                    return fail("the query was compiled with the functions of other formats");
                };
                let args = match to_plain(&args)? {
                    Plain::Array(args) => args,
                    other => vec![other],
                };
                let cx = FnCx {
                    registry: &cx.registry,
                    options: &cx.options,
                };
                let result = (f.run)(&cx, &to_plain(&v)?, &args);
                result.map(from_plain).map_err(Error::str)
            })
        }),
    ]
}

/// As many items are looked at first; then twice as many each time, up to the other number.
const FIRST: usize = 16;
const MOST: usize = 1024;

/// The items of an array whose field has that value. Of most items, only the field is looked at.
fn items_where<'a>(n: &Node, field: &str, wanted: V) -> ValXs<'a> {
    let (name, value) = (V::text(field), wanted.clone());
    let is_wanted = move |item: Node| {
        let item = V::node(item);
        match item.clone().index(&name) {
            Ok(found) if found == value => Some(Ok(item)),
            Ok(_) => None,
            Err(e) => Some(Err(e.into())),
        }
    };
    let Some(mut columns) = n.columns(&[field]) else {
        return Box::new(n.items().filter_map(is_wanted));
    };
    let (mut row, mut most) = (0, FIRST / 2);
    Box::new(std::iter::from_fn(move || {
        loop {
            if row == columns.batch().len() {
                most = (most * 2).min(MOST);
                row = 0;
                if !columns.advance(most) {
                    return None;
                }
            }
            let i = row;
            row += 1;
            // an ordinal equals more than its symbol
            let column = &columns.batch().columns[0];
            let is_sure = column.codec().is_none_or(|codec| !codec.is_ordinal());
            let differs = match column.shown(i) {
                Cell::Value(value) if is_sure => {
                    let value = V::from(value);
                    value != wanted && !hint::is_wanted(&value, &wanted)
                }
                Cell::Null => V::Null != wanted,
                _ => false,
            };
            if differs {
                continue;
            }
            if let Some(found) = columns.item(i).and_then(&is_wanted) {
                return Some(found);
            }
        }
    }))
}

/// What was found about the nodes in a value, one by one, notes included.
fn faults<'a>(v: V) -> ValXs<'a> {
    match v {
        V::Node(n) => Box::new(n.node().findings().map(|f| Ok(finding(&f)))),
        V::Arr(items) => {
            let items: Vec<V> = items.iter().cloned().collect();
            Box::new(items.into_iter().flat_map(faults))
        }
        V::Obj(_) => {
            let fields = v.into_fields().unwrap_or_default();
            Box::new(fields.into_iter().flat_map(|(_, v)| faults(v)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn node(v: &V) -> ValR<Cow<'_, Node>> {
    match v {
        V::Node(n) => Ok(n.node()),
        v => fail(format_args!("expected a decoded value, got {}", Brief(v))),
    }
}

/// A plain copy, all the way down: of the symbols, or of the actual values.
///
/// As in JSON, what went wrong with an object comes along under `_error`.
pub fn to_value(v: &V, actual: bool) -> V {
    copy(v, actual, 0)
}

fn copy(v: &V, actual: bool, depth: usize) -> V {
    // deeper than JSON goes, nothing is copied: this is recursive, and formats do not nest like that
    if depth > crate::json::DEEPEST {
        return v.clone();
    }
    match v {
        V::Node(n) if n.kind() == NodeKind::Scalar && !actual => n.scalar().into(),
        V::Node(n) => node_copy(&n.node(), actual, depth),
        // most plain values hold no nodes: look before copying
        V::Arr(a) if a.iter().any(holds_node) => {
            a.iter().map(|v| copy(v, actual, depth + 1)).collect()
        }
        V::Obj(o) if o.values().any(holds_node) => V::obj(
            o.iter()
                .map(|(k, v)| (k.clone(), copy(v, actual, depth + 1)))
                .collect(),
        ),
        v => v.clone(),
    }
}

fn node_copy(n: &Node, actual: bool, depth: usize) -> V {
    match n.kind() {
        NodeKind::Scalar if actual => n.actual().unwrap_or_else(|| n.scalar()).into(),
        NodeKind::Scalar => n.scalar().into(),
        // the word that flag bits make up
        NodeKind::Object if actual && depth == 0 && n.actual().is_some() => {
            n.actual().map_or(V::Null, V::from)
        }
        NodeKind::Array => n
            .items()
            .map(|n| copy(&V::node(n), actual, depth + 1))
            .collect(),
        NodeKind::Object => {
            let fields = n.shown_fields().into_iter();
            let mut map: Map = fields
                .map(|(k, n)| (Str::from(&*k), copy(&V::node(n), actual, depth + 1)))
                .collect();
            if crate::value::tells_fault(n) {
                map.insert("_error".into(), fault(n));
            }
            V::obj(map)
        }
    }
}

fn holds_node(v: &V) -> bool {
    matches!(v, V::Node(_) | V::Arr(_) | V::Obj(_))
}

fn path(n: &Node) -> V {
    let key = |k| match k {
        Key::Name(name) => V::text(&*name),
        Key::Index(i) => V::int(i),
    };
    n.path().into_iter().map(key).collect()
}

/// All nodes around this one, the nearest first.
fn parents<'a>(v: &V) -> ValXs<'a> {
    match node(v) {
        Ok(n) => {
            let mut up = n.parent();
            Box::new(std::iter::from_fn(move || {
                let n = up.take()?;
                up = n.parent();
                Some(Ok(V::node(n)))
            }))
        }
        Err(e) => box_once(Err(e.into())),
    }
}

/// Where the bytes lie in the input, in units of `unit` bits, together with the bytes.
fn range(v: &V, unit: u64) -> ValR {
    let n = node(v)?;
    let span = |s: &binq_core::Span| (s.start / unit, (s.start + s.len).div_ceil(unit));
    let places = n.places();
    // what is put together of several places has no bytes of its own
    let bytes = match places {
        Some(_) => V::Null,
        None => V::bytes(to_bytes(v)?),
    };
    let together = places.is_none();
    let ranges = places.unwrap_or_else(|| n.ranges());
    let (start, stop) = match ranges.as_slice() {
        [] => (V::Null, V::Null),
        [first, ..] => {
            let last = ranges.last().unwrap_or(first);
            (V::int(span(first).0), V::int(span(last).1))
        }
    };
    let mut fields: Map = [
        ("start".into(), start),
        ("stop".into(), stop),
        (
            "size".into(),
            V::int(ranges.iter().map(|s| span(s).1 - span(s).0).sum::<u64>()),
        ),
        ("unit".into(), V::int(unit)),
        ("bytes".into(), bytes),
    ]
    .into_iter()
    .collect();
    if ranges.len() > 1 || !together {
        let part = |s| V::fields([("start", V::int(span(s).0)), ("stop", V::int(span(s).1))]);
        fields.insert("ranges".into(), ranges.iter().map(part).collect());
    }
    Ok(V::obj(fields))
}

fn scalar(v: &V) -> ValR<Scalar> {
    match crate::value::to_plain(&v.clone().settle())? {
        binq_core::Plain::Scalar(s) => Ok(s),
        _ => fail(format_args!("expected a scalar, got {}", Brief(v))),
    }
}

/// The name of a file, which is not always text.
#[cfg(unix)]
fn os_string(name: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).to_owned()
}

#[cfg(not(unix))]
fn os_string(name: &[u8]) -> OsString {
    String::from_utf8_lossy(name).into_owned().into()
}

/// Decodes the bytes of the input; `null` stands for whatever format fits.
fn decode(cv: &Args<'_>, format: V, options: V) -> ValR {
    let registry = &cv.0.data().cx.registry;
    let name = match format.settle() {
        V::Null => None,
        V::Text(s) => Some(s.lossy().into_owned()),
        v => {
            return fail(format_args!(
                "expected the name of a format, got {}",
                Brief(&v)
            ));
        }
    };
    let fields = match options.settle() {
        V::Null => Vec::new(),
        v => v.into_fields().or_else(|v| {
            fail(format_args!(
                "expected an object of options, got {}",
                Brief(&v)
            ))
        })?,
    };
    // over those of the run: a list of texts is a setting that can be given more than once
    let mut options = cv.0.data().cx.options.clone();
    for (name, value) in fields {
        let name = name.lossy().into_owned();
        match to_plain(&value.settle())? {
            Plain::Scalar(value) => {
                options.values.insert(name, value);
            }
            Plain::Array(items) => {
                let text = |item: &Plain| match item {
                    Plain::Scalar(Scalar::Bytes(name)) => Some(os_string(name)),
                    Plain::Scalar(s) => s.as_str().map(OsString::from),
                    _ => None,
                };
                let items: Option<Vec<OsString>> = items.iter().map(text).collect();
                let Some(items) = items else {
                    return fail(format_args!("the option {name:?} takes a list of strings"));
                };
                options.lists.insert(name, items);
            }
            _ => return fail(format_args!("the option {name:?} takes a scalar or a list")),
        }
    }
    registry.knows(&options).map_err(Error::str)?;
    let node = registry.decode(name.as_deref(), to_bytes(&cv.1)?, &options);
    node.map(V::node).map_err(Error::str)
}
