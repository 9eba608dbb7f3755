//! Between nodes and plain values.
use super::{Error, Num, Str, V, ValR, num};
use binq_core::{Fault, Node, Plain, Scalar};

/// The key under which a node tells what went wrong when it was decoded.
pub const FAULT: &[u8] = b"_error";

/// What `._error` gives: an object, or null where nothing went wrong.
pub fn fault(n: &Node) -> V {
    n.fault().map_or(V::Null, |f| finding(&f))
}

/// What was found about a node, as an object.
pub fn finding(f: &Fault) -> V {
    V::fields([
        ("error", V::text(f.to_string())),
        ("format", V::text(&*f.format)),
        ("path", V::text(f.path.as_str())),
        ("offset", f.offset.map_or(V::Null, V::int)),
        ("expected", V::text(f.expected.as_str())),
        ("found", V::text(f.found.as_str())),
        ("severity", V::text(f.severity.name())),
    ])
}

/// Whether an object carries its fault along under `_error`: a field of that name wins.
pub fn tells_fault(n: &Node) -> bool {
    n.fault().is_some() && n.field("_error").is_none()
}

/// Whether a value is what [`fault`] gives, and not the field of a schema.
fn is_fault(v: &V) -> bool {
    let V::Obj(o) = v else { return false };
    let keys = ["error", "format", "path", "expected", "found"];
    keys.iter().all(|key| o.get(key.as_bytes()).is_some())
}

/// The field of an object node; `None` if there is none of that name.
pub fn field(n: &Node, key: &[u8]) -> Option<V> {
    // a key that is not UTF-8 cannot be the name of a field
    let found = std::str::from_utf8(key).ok().and_then(|k| n.shown(k));
    match found {
        Some(child) => Some(V::node(child)),
        None if key == FAULT => Some(fault(n)).filter(V::truth),
        None => None,
    }
}

/// A value as something that can be assigned to a node. Nodes in it stay nodes, so that their bytes can be copied.
///
/// # Errors
///
/// An integer of more than 128 bits has no place in any format, nor has what nests thousands of levels deep.
pub fn to_plain(v: &V) -> ValR<Plain> {
    plain(v, 0)
}

fn plain(v: &V, depth: usize) -> ValR<Plain> {
    if depth > crate::json::DEEPEST {
        return Err(Error::str("the value to assign is nested too deep"));
    }
    Ok(match v {
        V::Null => Plain::Scalar(Scalar::Null),
        V::Bool(b) => Plain::Scalar(Scalar::Bool(*b)),
        V::Num(n) => Plain::Scalar(plain_num(n)?),
        V::Text(s) => Plain::Scalar(match std::str::from_utf8(s) {
            Ok(t) => Scalar::Str(t.into()),
            Err(_) => Scalar::Bytes(s.to_bytes()),
        }),
        V::Bytes(s) => Plain::Scalar(Scalar::Bytes(s.to_bytes())),
        V::Arr(a) => Plain::Array(a.iter().map(|v| plain(v, depth + 1)).collect::<ValR<_>>()?),
        V::Obj(o) => {
            let field = |(k, v): (&Str, &V)| Ok((k.lossy().into_owned(), plain(v, depth + 1)?));
            // what a fault says is no part of the data, but `tovalue` and JSON carry it along
            let fields = o.iter().filter(|(k, v)| ***k != *FAULT || !is_fault(v));
            Plain::Object(fields.map(field).collect::<ValR<_>>()?)
        }
        V::Node(n) => Plain::Node(n.node().into_owned()),
    })
}

fn plain_num(n: &Num) -> ValR<Scalar> {
    if num::is_int(n) {
        return match num::to_i128(n) {
            Some(i) => Ok(Scalar::Int(i)),
            None => Err(Error::str(format_args!(
                "{} has more than 128 bits",
                V::Num(n.clone())
            ))),
        };
    }
    // a codec of integers takes 5.0 as well; one that could be either takes it for a float
    let f = num::to_f64(n);
    if f.is_infinite() && matches!(n, Num::Dec(_)) {
        return Err(Error::str(format_args!(
            "{} is beyond the largest float",
            V::Num(n.clone())
        )));
    }
    Ok(Scalar::Float(f))
}

/// What a function of a format gave, as a value.
pub fn from_plain(value: Plain) -> V {
    match value {
        Plain::Scalar(s) => V::from(s),
        Plain::Array(items) => V::arr(items.into_iter().map(from_plain).collect::<Vec<_>>()),
        Plain::Object(pairs) => {
            let pairs = pairs.into_iter();
            V::obj(pairs.map(|(k, v)| (k.into(), from_plain(v))).collect())
        }
        Plain::Node(node) => V::node(node),
    }
}

/// An error from the core as a runtime error.
///
/// What a decoded value cannot take, a copy of it can.
pub fn rejected(e: binq_core::Reject) -> Error {
    use binq_core::Reject as R;
    let of_kind = |why: &str| why.starts_with("takes an ");
    match &e {
        R::UnknownField { .. } => {
            Error::str(format_args!("{e}; tovalue gives a copy that takes others"))
        }
        R::Structure { why, .. } if of_kind(why) => Error::str(format_args!(
            "{e}; tovalue gives a copy that takes anything"
        )),
        _ => Error::str(e),
    }
}
