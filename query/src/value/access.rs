//! Reading: `.[k]`, `.[]`, `.[i:j]`, and what else jaq asks of a value.
use super::index::{self, Bounds};
use super::show::Brief;
use super::{Error, List, Map, Num, Str, V, ValR, ValX, node, num, update};
use binq_core::{Node, NodeKind};
use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;

/// Hides how many items remain: jaq takes an upper bound of one to mean that there is exactly one.
fn unsized_iter<T: 'static>(mut iter: impl Iterator<Item = T> + 'static) -> BoxIter<'static, T> {
    Box::new(std::iter::from_fn(move || iter.next()))
}

/// The items of a list, one by one; those that others have, too, are copied as they are asked for.
fn items(a: List) -> Box<dyn Iterator<Item = V>> {
    match a.is_own() {
        true => Box::new(a.into_vec().into_iter()),
        false => {
            let mut next = 0..a.len();
            Box::new(std::iter::from_fn(move || Some(a[next.next()?].clone())))
        }
    }
}

impl V {
    /// `.[index]`, `None` if there is nothing there.
    pub(crate) fn get(self, index: &V) -> ValR<Option<V>> {
        let index = &*index.as_index();
        Ok(match (self, index) {
            (V::Node(n), i) => return get_node(&n.node(), i),
            (V::Null, V::Text(_) | V::Bytes(_) | V::Num(_) | V::Null) => None,
            (V::Obj(o), V::Text(k) | V::Bytes(k)) => o.get(&k[..]).cloned(),
            (V::Arr(a), V::Num(n)) => {
                let i = num::to_index(n).and_then(|i| index::at(i, a.len() as u64));
                i.map(|i| a[i as usize].clone())
            }
            (V::Bytes(b), V::Num(n @ (Num::Int(_) | Num::BigInt(_)))) => {
                let i = num::to_index(n).and_then(|i| index::at(i, b.len() as u64));
                i.map(|i| V::int(b[i as usize]))
            }
            (V::Arr(x), V::Arr(y)) => Some(indices(&x, y)),
            // nothing is cut, so the bounds do not matter
            (V::Null, V::Obj(_)) => None,
            (v @ (V::Arr(_) | V::Text(_) | V::Bytes(_)), V::Obj(_)) => {
                match Bounds::from_obj(index) {
                    Some(bounds) => return slice(v, bounds?).map(Some),
                    None => None,
                }
            }
            (v, i) => return Err(index::cannot(&v, i)),
        })
    }
}

fn get_node(n: &Node, index: &V) -> ValR<Option<V>> {
    Ok(match (n.kind(), index) {
        (NodeKind::Object, V::Text(k) | V::Bytes(k)) => node::field(n, k),
        (_, V::Text(k)) if **k == *node::FAULT => Some(node::fault(n)),
        (NodeKind::Array, V::Num(i)) => match num::to_index(i) {
            Some(i) if i >= 0 => n.item(i as u64).map(V::node),
            Some(i) => index::at(i, n.len()).and_then(|i| n.item(i)).map(V::node),
            None => None,
        },
        (NodeKind::Array, V::Obj(_)) => match Bounds::from_obj(index) {
            Some(bounds) => return slice(V::node(n.clone()), bounds?).map(Some),
            None => None,
        },
        (NodeKind::Array, V::Arr(y)) => {
            Some(indices(&n.items().map(V::node).collect::<Vec<_>>(), y))
        }
        // a scalar with parts that are not listed, such as the seconds of a time
        (NodeKind::Scalar, V::Text(k)) if part(n, k).is_some() => part(n, k).map(V::node),
        (NodeKind::Scalar, i) => return V::from(n.scalar()).get(i),
        _ => return Err(index::cannot(&V::node(n.clone()), index)),
    })
}

/// The part of a scalar that is found by that name.
pub fn part(n: &Node, key: &[u8]) -> Option<Node> {
    n.field(std::str::from_utf8(key).ok()?)
}

/// Where `y` begins in `x`.
pub fn indices(x: &[V], y: &[V]) -> V {
    if y.is_empty() {
        return V::arr(Vec::new());
    }
    super::find_all(x, y).into_iter().map(V::size).collect()
}

/// The items of an array node within bounds.
pub fn node_slice(n: &Node, bounds: Bounds) -> std::ops::Range<u64> {
    bounds.within(if bounds.need_len() { n.len() } else { u64::MAX })
}

fn slice(v: V, bounds: Bounds) -> ValR {
    // of many bytes, no more than these are read
    if let V::Node(n) = &v
        && let Some(part) = n.node().byte_part(|len| bounds.within(len))
    {
        return part.map(V::bytes).map_err(node::rejected);
    }
    Ok(match v.settle() {
        V::Null => V::Null,
        V::Arr(a) => {
            let r = bounds.within(a.len() as u64);
            V::Arr(a.slice(r.start as usize..r.end as usize))
        }
        V::Text(s) => bounds.text_slice(&s),
        V::Bytes(s) => V::Bytes(s.slice(bounds.within_bytes(&s))),
        V::Node(n) if n.kind() == NodeKind::Array => {
            let n = n.into_node();
            let r = node_slice(&n, bounds);
            (r.start..r.end)
                .map_while(|i| n.item(i))
                .map(V::node)
                .collect()
        }
        v => {
            return Err(index::cannot_slice(&v, bounds));
        }
    })
}

impl jaq_core::ValT for V {
    fn from_num(n: &str) -> ValR {
        Ok(V::Num(num::parse(n).unwrap_or(Num::Float(f64::NAN))))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(iter: I) -> ValR {
        let key = |(k, v): (V, V)| match k.settle() {
            V::Text(k) => Ok((k, v)),
            V::Bytes(k) => Ok((k.into_key(true), v)),
            k => Err(Error::str(format_args!(
                "Cannot use {} as object key",
                Brief(&k)
            ))),
        };
        Ok(V::obj(iter.into_iter().map(key).collect::<ValR<Map>>()?))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(V, V)>> {
        if crate::stack::stop() {
            return Box::new(std::iter::empty());
        }
        let numbered = |(i, v)| Ok((V::size(i), v));
        match self {
            V::Arr(a) => unsized_iter(items(a).enumerate().map(numbered)),
            V::Node(n) if n.kind() == NodeKind::Array => {
                unsized_iter(n.node().items().map(V::node).enumerate().map(numbered))
            }
            v => match v.into_fields() {
                Ok(fields) => unsized_iter(fields.into_iter().map(|(k, v)| Ok((V::key(k), v)))),
                Err(v) => box_once(Err(index::cannot_iterate(&v))),
            },
        }
    }

    // `..` goes down by this, and would swallow an error
    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        if crate::stack::stop() {
            return Box::new(std::iter::empty());
        }
        match self {
            V::Arr(a) => unsized_iter(items(a).map(Ok)),
            V::Node(n) if n.kind() == NodeKind::Array => {
                unsized_iter(n.node().items().map(|n| Ok(V::node(n))))
            }
            v => match v.into_fields() {
                Ok(fields) => unsized_iter(fields.into_iter().map(|(_, v)| Ok(v))),
                Err(v) => box_once(Err(index::cannot_iterate(&v))),
            },
        }
    }

    fn index(self, index: &V) -> ValR {
        self.get(index).map(Option::unwrap_or_default)
    }

    fn range(self, range: Range<&V>) -> ValR {
        match self.kind() {
            // nothing is cut, so the bounds do not matter
            super::Kind::Null => Ok(V::Null),
            _ => slice(self, Bounds::new(&range)?),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a>>>(
        self,
        opt: Opt,
        f: impl Fn(V) -> I,
    ) -> ValX<'a> {
        update::values(self, opt, |v| f(v).next().transpose())
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a>>>(
        self,
        index: &V,
        opt: Opt,
        f: impl Fn(V) -> I,
    ) -> ValX<'a> {
        update::index(self, index, opt, |v| f(v).next().transpose())
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a>>>(
        self,
        range: Range<&V>,
        opt: Opt,
        f: impl Fn(V) -> I,
    ) -> ValX<'a> {
        update::range(self, Bounds::new(&range), opt, |v| f(v).next().transpose())
    }

    fn as_bool(&self) -> bool {
        self.truth()
    }

    fn into_string(self) -> V {
        match self.settle() {
            V::Text(s) | V::Bytes(s) => V::Text(s),
            v => V::text(crate::json::to_text(&v)),
        }
    }
}

impl jaq_std::ValT for V {
    fn into_seq<S: FromIterator<V>>(self) -> Result<S, V> {
        self.into_items().map(|items| items.into_iter().collect())
    }

    fn is_int(&self) -> bool {
        self.num().is_some_and(|n| num::is_int(&n))
    }

    fn as_isize(&self) -> Option<isize> {
        self.num().and_then(|n| n.as_isize())
    }

    fn as_f64(&self) -> Option<f64> {
        self.num().map(|n| num::to_f64(&n))
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, V::Text(_))
    }

    // A leaf has no bytes to lend. The functions that go through here are called on settled values only; see `fns`.
    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            V::Text(s) | V::Bytes(s) => Some(s),
            _ => None,
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> V {
        match self {
            V::Bytes(_) => V::Bytes(Str::from(sub)),
            _ => V::Text(Str::from(sub)),
        }
    }

    fn from_utf8_bytes(b: impl AsRef<[u8]> + Send + 'static) -> V {
        V::Text(Str::from(b.as_ref()))
    }
}
