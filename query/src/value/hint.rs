//! Comparisons that are false, though the field could be assigned what it is compared with, and would stay as it is.
//!
//! A field of names shows its name: `.xl_rmid == 10` is false where 10 is stored and `"Heap"` is shown. The same goes for the name of a
//! field that shows a number. jq's equality stays what it is; whoever wants to know is told.
use super::node::to_plain;
use super::{Held, V};
use binq_core::NodeKind;
use std::cell::{Cell, RefCell};

/// So many comparisons are looked at: to ask for one takes an assignment.
const MOST: u32 = 1000;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(0) };
    static FOUND: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From here on, comparisons are looked at, or not.
pub fn want(wanted: bool) {
    let looks = wanted && FOUND.with_borrow(Option::is_none);
    LEFT.set(if looks { MOST } else { 0 });
}

/// What was found since this was asked last. Nothing is looked for behind the first one.
pub fn take() -> Option<String> {
    FOUND.take()
}

/// Whether two values are scalars of different kinds, and that is looked at.
pub fn is_wanted(x: &V, y: &V) -> bool {
    let (x, y) = (x.kind(), y.kind());
    let scalar = |kind| matches!(kind, super::Kind::Num | super::Kind::Str);
    LEFT.get() > 0 && x != y && scalar(x) && scalar(y)
}

/// A field was compared with a value, and is not equal to it.
pub fn differs(n: &Held, v: &V) {
    if n.kind() != NodeKind::Scalar || matches!(v, V::Node(_)) || !is_wanted(&V::Node(n.clone()), v)
    {
        return;
    }
    LEFT.set(LEFT.get() - 1);
    let node = n.node();
    let Ok(plain) = to_plain(v) else { return };
    let shown = node.scalar();
    let assigned = node.clone().into_owned().assign(plain);
    if !assigned.is_ok_and(|new| new.scalar() == shown) {
        return;
    }
    LEFT.set(0);
    let stored = node
        .actual()
        .map(V::from)
        .is_some_and(|actual| actual == *v);
    let (why, instead) = match stored {
        true => ("it stores that", ", or what toactual gives"),
        false => ("it takes that for the same", ""),
    };
    let (path, shown) = (node.path_text(), V::from(shown));
    FOUND.set(Some(format!(
        "{path} shows {shown}, so == {v} is false, though {why}: compare {shown}{instead}"
    )));
}
