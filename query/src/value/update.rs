//! Changing values: what `|=` does at one step of a path.
//!
//! A child is taken out of its parent before the filter sees it, so that it is the only owner of its edits and can
//! change them in place.
use super::index::{self, Bounds};
use super::node::{field, rejected, to_plain};
use super::{Error, Kind, Str, V, ValR, ValX};
use binq_core::{Node, NodeKind, Plain};
use jaq_core::Exn;
use jaq_core::path::Opt;
use std::rc::Rc;

/// Longest array that an assignment past the end may make, as in jq.
const LONGEST: usize = 536_870_911;

/// What a filter made of a child: its first output, if there is one.
type Out<'a> = Result<Option<V>, Exn<'a, V>>;

fn give_up<'a>(v: V, opt: Opt, e: Error) -> ValX<'a> {
    opt.fail(v, |_| Exn::from(e))
}

/// `.[] |= f`
pub fn values<'a>(v: V, opt: Opt, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    crate::stack::check()?;
    match v {
        V::Arr(a) => {
            let items = a.into_vec().into_iter();
            items
                .filter_map(|x| f(x).transpose())
                .collect::<Result<V, _>>()
        }
        V::Obj(o) => {
            let mut fields = Rc::unwrap_or_clone(o);
            let new = fields
                .take_all()
                .filter_map(|(k, v)| f(v).transpose().map(|v| Ok((k, v?))));
            Ok(V::obj(new.collect::<Result<_, Exn<'a, V>>>()?))
        }
        V::Node(n) if n.kind() == NodeKind::Array => node_items(n.into_node(), f),
        V::Node(n) if n.kind() == NodeKind::Object => {
            let mut n = n.into_node();
            for name in n.fields().into_iter().map(|(k, _)| k).collect::<Vec<_>>() {
                n = node_field(n, &name, Opt::Essential, &f)?;
            }
            Ok(V::node(n))
        }
        v => {
            let e = index::cannot_iterate(&v);
            give_up(v, opt, e)
        }
    }
}

/// What became of a child that was taken out of its parent, as a node of the same place.
///
/// `slot` is what the parent has there without the child's pending edits: it tells whether the new value is still that
/// child, and is what a value is assigned to. It is looked up only after the filter ran, so that the child had no second
/// owner while it changed.
fn settled_child(new: V, slot: Option<Node>) -> ValR<Node> {
    let old = slot.ok_or_else(|| Error::str("the place to assign to is gone"))?;
    match new {
        V::Node(child) if child.node().same_place(&old) => Ok(child.into_node().asked()),
        v => old.assign(to_plain(&v)?).map_err(rejected),
    }
}

fn put_field(n: &mut Node, name: &str, new: V) -> ValR<()> {
    let child = settled_child(new, n.field(name))?;
    n.put_field(child);
    Ok(())
}

fn put_item(n: &mut Node, i: u64, new: V) -> ValR<()> {
    let child = settled_child(new, n.item(i))?;
    n.put_item(i, child);
    Ok(())
}

/// What a filter makes of a place where there is nothing: nothing if it leaves it so, as where an inner `[]?` finds nothing.
fn made<'a>(f: impl Fn(V) -> Out<'a>) -> Out<'a> {
    let absent = Node::absent();
    let new = f(V::node(absent.clone()))?;
    Ok(new.filter(|new| !matches!(new, V::Node(n) if n.node().same_place(&absent))))
}

fn node_field<'a>(
    mut n: Node,
    name: &str,
    opt: Opt,
    f: impl Fn(V) -> Out<'a>,
) -> Result<Node, Exn<'a, V>> {
    match n.take_field(name) {
        Some(child) => match f(V::node(n.shown_taken(child)))? {
            Some(new) => {
                put_field(&mut n, name, new)?;
                Ok(n)
            }
            None => Ok(n.remove_field(name).map_err(rejected)?),
        },
        None => match made(f)? {
            None => Ok(n),
            // a null is assigned only where it is a value
            Some(new) if new.kind() == Kind::Null && !n.takes_null(name) => Ok(n),
            Some(new) => {
                let new = to_plain(&new)?;
                match opt {
                    Opt::Optional if !n.can_add_field(name, &new) => Ok(n),
                    _ => Ok(n.add_field(name, new).map_err(rejected)?),
                }
            }
        },
    }
}

/// Up to this many items are removed one by one; more of them are worth a new list.
const FEW: usize = 8;

/// Removes items, given by ascending index.
pub fn remove_items(mut n: Node, gone: &[u64]) -> ValR<Node> {
    if gone.len() <= FEW {
        for i in gone.iter().rev() {
            n = n.remove_item(*i).map_err(rejected)?;
        }
        return Ok(n);
    }
    let mut gone = gone.iter().copied().peekable();
    let items = n.items().zip(0..);
    let keep = items
        .filter(|(_, i)| gone.next_if_eq(i).is_none())
        .map(|(n, _)| Plain::Node(n))
        .collect();
    n.set_items(keep).map_err(rejected)
}

fn node_items<'a>(mut n: Node, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    let mut gone = Vec::new();
    let mut i = 0;
    while let Some(child) = n.take_item(i) {
        match f(V::node(child))? {
            Some(new) => put_item(&mut n, i, new)?,
            None => gone.push(i),
        }
        i += 1;
    }
    Ok(V::node(remove_items(n, &gone)?))
}

/// The new value of a node; where there was nothing, and nothing was put, the same nothing.
fn still_absent(n: Node, new: V) -> V {
    match new {
        V::Null if n.is_absent() => V::node(n),
        new => new,
    }
}

/// `.[i] |= f`
pub fn index<'a>(v: V, at: &V, opt: Opt, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    crate::stack::check()?;
    let at = &*at.as_index();
    if let Some(bounds) = Bounds::from_obj(at)
        && !matches!(v.kind(), Kind::Obj)
    {
        return range(v, bounds, opt, f);
    }
    match (v, at) {
        (V::Node(n), at) => node_index(n.into_node(), at, opt, f),
        // `null` stays what it is if there is nothing to put there
        (V::Null, V::Text(_) | V::Bytes(_)) => {
            let new = index(V::obj(super::Map::default()), at, opt, f)?;
            let made = !matches!(&new, V::Obj(o) if o.is_empty());
            Ok(if made { new } else { V::Null })
        }
        (V::Null, V::Num(_)) => {
            let new = index(V::arr(Vec::new()), at, opt, f)?;
            let made = !matches!(&new, V::Arr(a) if a.is_empty());
            Ok(if made { new } else { V::Null })
        }
        (V::Obj(mut o), V::Text(_) | V::Bytes(_)) => {
            let key = at.as_key().unwrap_or_else(|| "".into());
            obj_index(Rc::make_mut(&mut o), key, f)?;
            Ok(V::Obj(o))
        }
        (V::Arr(a), V::Num(_)) => arr_index(a, at, opt, f),
        (v @ V::Arr(_), V::Arr(_)) => give_up(
            v,
            opt,
            Error::str("Cannot update field at array index of array"),
        ),
        (v, at) => {
            let e = index::cannot(&v, at);
            give_up(v, opt, e)
        }
    }
}

fn obj_index<'a>(o: &mut super::Map, k: Str, f: impl Fn(V) -> Out<'a>) -> Result<(), Exn<'a, V>> {
    match o.get_mut(&k[..]) {
        Some(slot) => match f(std::mem::take(slot))? {
            Some(new) => *slot = new,
            None => o.remove(&k),
        },
        None => {
            if let Some(new) = f(V::Null)? {
                o.insert(k, new);
            }
        }
    }
    Ok(())
}

fn arr_index<'a>(mut a: super::List, at: &V, opt: Opt, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    let len = a.len();
    let fail = |a, e: &str| give_up(V::Arr(a), opt, Error::str(e));
    let Some(i) = at.num().and_then(|n| super::num::to_index(&n)) else {
        return fail(a, "Cannot set array element at NaN index");
    };
    let i = match usize::try_from(i) {
        Ok(i) => i,
        Err(_) => match len.checked_sub(i.unsigned_abs()) {
            Some(i) => i,
            // jq asks what to put there first
            None => match f(V::Null)? {
                None => return Ok(V::Arr(a)),
                Some(_) => return fail(a, "Out of bounds negative array index"),
            },
        },
    };
    if i >= len {
        if i > LONGEST {
            return fail(a, "Array index too large");
        }
        if let Some(new) = f(V::Null)? {
            let nulls = std::iter::repeat_n(V::Null, i - len);
            a.append(nulls.chain([new]));
        }
        return Ok(V::Arr(a));
    }
    match f(std::mem::take(a.item_mut(i)))? {
        Some(new) => *a.item_mut(i) = new,
        None => a.change(|a| _ = a.remove(i)),
    }
    Ok(V::Arr(a))
}

fn node_index<'a>(mut n: Node, at: &V, opt: Opt, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    match (n.kind(), at) {
        (NodeKind::Object, V::Text(k) | V::Bytes(k)) => {
            let Ok(name) = std::str::from_utf8(k) else {
                return give_up(
                    V::node(n),
                    opt,
                    Error::str("a key that is not UTF-8 names no field"),
                );
            };
            if **k == *super::node::FAULT && n.field(name).is_none() {
                // readable, so that `path(.._error)` works, but nothing to write to
                let old = field(&n, k).unwrap_or_default();
                return match f(old.clone())? {
                    Some(new) if new == old => Ok(V::node(n)),
                    _ => give_up(
                        V::node(n),
                        opt,
                        Error::str("_error tells what went wrong; it cannot be assigned"),
                    ),
                };
            }
            Ok(V::node(node_field(n, name, opt, f)?))
        }
        (NodeKind::Array, V::Num(i)) => {
            let Some(i) = super::num::to_index(i) else {
                return give_up(
                    V::node(n),
                    opt,
                    Error::str("Cannot set array element at NaN index"),
                );
            };
            let i = match u64::try_from(i) {
                Ok(i) => i,
                Err(_) => match index::at(i, n.len()) {
                    Some(i) => i,
                    None if made(f)?.is_none() => return Ok(V::node(n)),
                    None => {
                        return give_up(
                            V::node(n),
                            opt,
                            Error::str("Out of bounds negative array index"),
                        );
                    }
                },
            };
            match n.take_item(i) {
                Some(child) => match f(V::node(child))? {
                    Some(new) => put_item(&mut n, i, new)?,
                    None => n = n.remove_item(i).map_err(rejected)?,
                },
                None => {
                    if let Some(new) = made(f)? {
                        let len = n.len();
                        if i > len {
                            let e = format_args!(
                                "index {i} lies beyond the end: the array has {len} items"
                            );
                            return give_up(V::node(n), opt, Error::str(e));
                        }
                        let mut items: Vec<_> = n.items().map(Plain::Node).collect();
                        items.push(to_plain(&new)?);
                        n = n.set_items(items).map_err(rejected)?;
                    }
                }
            }
            Ok(V::node(n))
        }
        (NodeKind::Scalar, V::Text(k)) if super::access::part(&n, k).is_some() => {
            Ok(V::node(node_field(n, &k.lossy(), opt, f)?))
        }
        (NodeKind::Scalar, at) => {
            let new = index(n.scalar().into(), at, opt, f)?;
            Ok(still_absent(n, new))
        }
        (_, at) => {
            let v = V::node(n);
            let e = index::cannot(&v, at);
            give_up(v, opt, e)
        }
    }
}

/// `.[i:j] |= f`
pub fn range<'a>(v: V, bounds: ValR<Bounds>, opt: Opt, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    let bounds = match bounds {
        Ok(b) => b,
        Err(e) => return give_up(v, opt, e),
    };
    match v {
        V::Null => match f(V::Null)? {
            None => Ok(V::Null),
            Some(new) => Ok(V::arr(new.into_items().map_err(|_| slice_needs())?)),
        },
        V::Arr(mut a) => {
            let r = bounds.within(a.len() as u64);
            let r = r.start as usize..r.end as usize;
            let new = f(V::Arr(a.slice(r.clone())))?;
            let new = new
                .map_or(Ok(Vec::new()), V::into_items)
                .map_err(|_| slice_needs())?;
            a.change(|a| _ = a.splice(r, new));
            Ok(V::Arr(a))
        }
        V::Bytes(s) => {
            let r = bounds.within_bytes(&s);
            let new = f(V::Bytes(s.slice(r.clone())))?;
            let new = new.map_or(Some(Str::from("")), |v| v.str());
            let new = new.ok_or_else(|| {
                Error::str("A slice of a byte string can only be assigned a string")
            })?;
            Ok(V::Bytes([&s[..r.start], &new, &s[r.end..]].concat().into()))
        }
        V::Node(n) => match n.kind() {
            NodeKind::Array => node_range(n.into_node(), bounds, f),
            // the parent assigns the new string to this leaf
            NodeKind::Scalar => match V::from(n.scalar()) {
                V::Text(s) => {
                    // a leaf has a place of its own, so that replacing a part of it means something
                    let r = bounds.within_text(&s);
                    let new =
                        f(V::Text(s.slice(r.clone())))?.map_or(Some(Str::from("")), |v| v.str());
                    let new = new.ok_or_else(|| {
                        Error::str("A slice of a string can only be assigned a string")
                    })?;
                    Ok(V::Text([&s[..r.start], &new, &s[r.end..]].concat().into()))
                }
                v => {
                    let new = range(v, Ok(bounds), opt, f)?;
                    Ok(still_absent(n.into_node(), new))
                }
            },
            NodeKind::Object => {
                let v = V::Node(n);
                let e = index::cannot_slice(&v, bounds);
                give_up(v, opt, e)
            }
        },
        V::Text(s) => {
            // jq asks what to put there first
            f(V::Text(s.slice(bounds.within_text(&s))))?;
            give_up(V::Text(s), opt, Error::str("Cannot update string slices"))
        }
        v => {
            let e = index::cannot_slice(&v, bounds);
            give_up(v, opt, e)
        }
    }
}

fn slice_needs() -> Error {
    Error::str("A slice of an array can only be assigned another array")
}

fn node_range<'a>(mut n: Node, bounds: Bounds, f: impl Fn(V) -> Out<'a>) -> ValX<'a> {
    let r = super::access::node_slice(&n, bounds);
    let old: Vec<Node> = (r.start..r.end).map_while(|i| n.item(i)).collect();
    let new = f(old.iter().cloned().map(V::node).collect())?;
    let new = new
        .map_or(Ok(Vec::new()), V::into_items)
        .map_err(|_| slice_needs())?;
    let same = |(i, v): (usize, &V)| matches!(v, V::Node(m) if m.node().same_place(&old[i]));
    if new.len() == old.len() && new.iter().enumerate().all(same) {
        // each item is still in its place: only what changed inside counts
        drop(old);
        for (i, v) in (r.start..).zip(new) {
            if let V::Node(child) = v {
                n.put_item(i, child.into_node());
            }
        }
        return Ok(V::node(n));
    }
    let upto = r.start + old.len() as u64;
    let mut items: Vec<Plain> = (0..r.start)
        .map_while(|i| n.item(i))
        .map(Plain::Node)
        .collect();
    for v in &new {
        items.push(to_plain(v)?);
    }
    items.extend((upto..).map_while(|i| n.item(i)).map(Plain::Node));
    Ok(V::node(n.set_items(items).map_err(rejected)?))
}
