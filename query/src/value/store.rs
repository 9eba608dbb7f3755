//! What arrays and objects keep their values in.
//!
//! The two types exist for their `Drop`: a value may nest deeper than the stack is high, so beyond some depth children
//! are dropped from a list instead of by recursion.
use super::{Map, V};
use std::cell::Cell;
use std::ops::{Deref, Range};
use std::rc::Rc;

/// The items of an array: a part of a list that others may have parts of, too. So a slice costs nothing, and a list that is
/// taken apart from its front is not copied each time.
#[derive(Clone, Default)]
pub struct List {
    /// Nothing if there are no items.
    items: Option<Rc<Vec<V>>>,
    from: usize,
    upto: usize,
}

impl List {
    /// A part of the list. The range must lie within it.
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.end <= self.len(), "within the list");
        match &self.items {
            Some(items) if !range.is_empty() => Self {
                items: Some(items.clone()),
                from: self.from + range.start,
                upto: self.from + range.end,
            },
            _ => Self::default(),
        }
    }

    /// Takes the items out; they are copied if others have them, too.
    pub fn into_vec(mut self) -> Vec<V> {
        let Some(items) = self.items.take() else {
            return Vec::new();
        };
        match Rc::try_unwrap(items) {
            Ok(mut items) => {
                items.truncate(self.upto);
                items.drain(..self.from);
                items
            }
            Err(items) => items[self.from..self.upto].to_vec(),
        }
    }

    /// The items, to be changed.
    pub fn change<T>(&mut self, f: impl FnOnce(&mut Vec<V>) -> T) -> T {
        let mut items = std::mem::take(self).into_vec();
        let out = f(&mut items);
        *self = items.into();
        out
    }

    /// Whether nobody else has the items.
    pub fn is_own(&self) -> bool {
        self.items
            .as_ref()
            .is_none_or(|items| Rc::strong_count(items) == 1)
    }

    /// One of the items, to be changed.
    pub fn item_mut(&mut self, i: usize) -> &mut V {
        if !self.is_own() {
            *self = self.to_vec().into();
        }
        let at = self.from + i;
        let items = self.items.as_mut().and_then(Rc::get_mut);
        &mut items.expect("items of our own")[at]
    }

    /// Puts items at the end.
    pub fn append(&mut self, more: impl Iterator<Item = V>) {
        if let Some(items) = self.items.as_mut().and_then(Rc::get_mut) {
            items.truncate(self.upto);
            // what was cut off in front goes when it is most of the list
            if self.from > items.len() / 2 {
                items.drain(..self.from);
                self.from = 0;
            }
            items.extend(more);
            self.upto = items.len();
            return;
        }
        // in one go, so that nothing is copied twice
        let mut items = Vec::with_capacity((self.len() + more.size_hint().0) * 3 / 2);
        items.extend_from_slice(self);
        items.extend(more);
        *self = items.into();
    }
}

impl From<Vec<V>> for List {
    fn from(items: Vec<V>) -> Self {
        let upto = items.len();
        Self {
            items: (upto > 0).then(|| Rc::new(items)),
            from: 0,
            upto,
        }
    }
}

impl FromIterator<V> for List {
    fn from_iter<I: IntoIterator<Item = V>>(iter: I) -> Self {
        iter.into_iter().collect::<Vec<V>>().into()
    }
}

impl Deref for List {
    type Target = [V];
    fn deref(&self) -> &[V] {
        match &self.items {
            Some(items) => &items[self.from..self.upto],
            None => &[],
        }
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
            V::Arr(mut a) => {
                if let Some(items) = a.items.take().and_then(Rc::into_inner) {
                    rest.extend(items.into_iter().filter(container));
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
        if let Some(items) = self.items.as_mut().and_then(Rc::get_mut)
            && items.iter().any(container)
        {
            bury(&mut items.drain(..));
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
