//! What arrays and objects keep their values in.
//!
//! The two types exist for their `Drop`: a value may nest deeper than the stack is high, so beyond some depth children
//! are dropped from a list instead of by recursion.
use super::{Map, V};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// The items of an array.
#[derive(Clone, Default)]
pub struct List(Vec<V>);

impl List {
    /// Takes the items out.
    pub fn into_vec(mut self) -> Vec<V> {
        std::mem::take(&mut self.0)
    }
}

impl From<Vec<V>> for List {
    fn from(v: Vec<V>) -> Self {
        Self(v)
    }
}

impl FromIterator<V> for List {
    fn from_iter<I: IntoIterator<Item = V>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl Deref for List {
    type Target = Vec<V>;
    fn deref(&self) -> &Vec<V> {
        &self.0
    }
}

impl DerefMut for List {
    fn deref_mut(&mut self) -> &mut Vec<V> {
        &mut self.0
    }
}

/// Depth from which values are dropped one by one.
const DEEP: u32 = 128;

thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });

fn container(v: &V) -> bool {
    matches!(v, V::Arr(_) | V::Obj(_))
}

/// Drops `children` without using more stack than [`DEEP`] levels take.
fn bury(children: &mut dyn Iterator<Item = V>) {
    let depth = DEPTH.get();
    if depth < DEEP {
        DEPTH.set(depth + 1);
        children.for_each(drop);
        DEPTH.set(depth);
        return;
    }
    let mut rest: Vec<V> = children.filter(container).collect();
    while let Some(v) = rest.pop() {
        match v {
            V::Arr(a) => {
                if let Some(a) = Rc::into_inner(a) {
                    rest.extend(a.into_vec().into_iter().filter(container));
                }
            }
            V::Obj(o) => {
                if let Some(mut o) = Rc::into_inner(o) {
                    rest.extend(o.take_all().map(|(_, v)| v).filter(container));
                }
            }
            _ => (),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.0.iter().any(container) {
            bury(&mut self.0.drain(..));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.values().any(container) {
            bury(&mut self.take_all().map(|(_, v)| v));
        }
    }
}
