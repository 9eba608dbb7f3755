//! The fields of an object: a list while they are few, a hash table from then on.
//!
//! Most objects that queries build have a handful of fields. Looking through a short list is quicker than hashing, and a
//! list takes one allocation.
use super::{Str, V};

/// Up to this many fields are kept in a list.
const FEW: usize = 12;

type Table = indexmap::IndexMap<Str, V, foldhash::fast::RandomState>;

/// The fields of an object, in order of insertion.
#[derive(Clone)]
pub struct Map(Repr);

#[derive(Clone)]
enum Repr {
    Few(Vec<(Str, V)>),
    // boxed, so that a small object stays small
    Many(Box<Table>),
}

impl Default for Map {
    fn default() -> Self {
        Self(Repr::Few(Vec::new()))
    }
}

impl Map {
    /// An object with room for some fields.
    pub fn with_capacity(n: usize) -> Self {
        Self(Repr::Few(Vec::with_capacity(n.min(FEW))))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Few(fields) => fields.len(),
            Repr::Many(table) => table.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        match &self.0 {
            Repr::Few(fields) => fields.iter().find(|(k, _)| **k == *key).map(|(_, v)| v),
            Repr::Many(table) => table.get(key),
        }
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        match &mut self.0 {
            Repr::Few(fields) => fields.iter_mut().find(|(k, _)| **k == *key).map(|(_, v)| v),
            Repr::Many(table) => table.get_mut(key),
        }
    }

    /// Sets a field: in its place if it is there, at the end otherwise.
    pub fn insert(&mut self, key: Str, value: V) {
        match &mut self.0 {
            Repr::Few(fields) => match fields.iter().position(|(k, _)| *k == key) {
                Some(i) => fields[i].1 = value,
                None if fields.len() < FEW => fields.push((key, value)),
                None => {
                    let fields = std::mem::take(fields);
                    let mut table: Table = fields.into_iter().collect();
                    table.insert(key, value);
                    self.0 = Repr::Many(Box::new(table));
                }
            },
            Repr::Many(table) => _ = table.insert(key, value),
        }
    }

    /// Removes a field; the others stay in order.
    pub fn remove(&mut self, key: &[u8]) {
        match &mut self.0 {
            Repr::Few(fields) => fields.retain(|(k, _)| **k != *key),
            Repr::Many(table) => _ = table.shift_remove(key),
        }
    }

    /// Keeps the fields whose key is wanted.
    pub fn retain(&mut self, keep: impl Fn(&Str) -> bool) {
        match &mut self.0 {
            Repr::Few(fields) => fields.retain(|(k, _)| keep(k)),
            Repr::Many(table) => table.retain(|k, _| keep(k)),
        }
    }

    /// The fields in order.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Repr::Few(fields) => Iter::Few(fields.iter()),
            Repr::Many(table) => Iter::Many(table.iter()),
        }
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, v)| v)
    }

    /// Calls a function on each value.
    pub fn change_values(&mut self, mut f: impl FnMut(&mut V)) {
        match &mut self.0 {
            Repr::Few(fields) => fields.iter_mut().for_each(|(_, v)| f(v)),
            Repr::Many(table) => table.values_mut().for_each(f),
        }
    }

    /// Gives up room for more fields.
    pub fn shrink(&mut self) {
        if let Repr::Few(fields) = &mut self.0 {
            fields.shrink_to_fit();
        }
    }

    /// Takes the fields out.
    pub fn take_all(&mut self) -> TakeAll {
        match std::mem::take(self).0 {
            Repr::Few(ref mut fields) => TakeAll::Few(std::mem::take(fields).into_iter()),
            Repr::Many(ref mut table) => TakeAll::Many(std::mem::take(&mut **table).into_iter()),
        }
    }
}

/// The fields of an object in order.
pub enum Iter<'a> {
    #[doc(hidden)]
    Few(std::slice::Iter<'a, (Str, V)>),
    #[doc(hidden)]
    Many(indexmap::map::Iter<'a, Str, V>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Str, &'a V);
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(i) => i.next().map(|(k, v)| (k, v)),
            Self::Many(i) => i.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(i) => i.size_hint(),
            Self::Many(i) => i.size_hint(),
        }
    }
}

/// The fields that were taken out of an object, in order.
pub enum TakeAll {
    #[doc(hidden)]
    Few(std::vec::IntoIter<(Str, V)>),
    #[doc(hidden)]
    Many(indexmap::map::IntoIter<Str, V>),
}

impl Iterator for TakeAll {
    type Item = (Str, V);
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(i) => i.next(),
            Self::Many(i) => i.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(i) => i.size_hint(),
            Self::Many(i) => i.size_hint(),
        }
    }
}

impl Extend<(Str, V)> for Map {
    fn extend<I: IntoIterator<Item = (Str, V)>>(&mut self, fields: I) {
        fields.into_iter().for_each(|(k, v)| self.insert(k, v));
    }
}

impl FromIterator<(Str, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (Str, V)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let mut map = Self::with_capacity(fields.size_hint().0);
        map.extend(fields);
        map
    }
}
