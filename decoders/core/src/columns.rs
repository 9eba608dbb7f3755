//! Columns: some fields of many items at once, without a node of any item.
//!
//! A query that looks at three fields of each of 190,000 records wants numbers, not trees. [`Node::columns`] reads the fields into
//! batches of typed values. A sequence may bring a reader of its own ([`Sequence::columns`]); for all others the items are found
//! step by step, and fields of fixed layouts are read where they lie.
//!
//! Invariants:
//! * A [`Cell`] that has a value has the one that [`Node::actual`] of that field has. What is not sure, such as a field that cannot
//!   be decoded, misses bytes or was edited, is [`Cell::Ask`]: then the node tells, by [`Columns::item`].
//! * The rows are the items of the walk, all of them and in their order, however many are asked for at once.

use crate::codec::{Codec, Representation};
use crate::edit::Edit;
use crate::green::{Kind, Ref};
use crate::node::Node;
use crate::sequence::{SeqAt, Sequence, State};
use crate::shape::{At, Shape, What};
use crate::{Key, Name, Scalar, Span};
use bytes::Bytes;
use std::sync::Arc;

/// What is known of a field of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The actual value.
    Value(Scalar),
    /// The item has no such field.
    Null,
    /// Only the node of the item can tell.
    Ask,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Value,
    Null,
    Ask,
}

/// Values of one representation; a row that has none has a default in its place.
#[derive(Debug)]
pub enum Values {
    /// Integers without sign, symbols among them.
    Uint(Vec<u64>),
    /// Integers with sign.
    Int(Vec<i64>),
    /// Floating-point numbers.
    Float(Vec<f64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Text and bytes, by reference to the input.
    Bytes(Vec<Bytes>),
    /// Few different values, by number in a dictionary.
    Coded {
        /// A number a row.
        codes: Vec<u32>,
        /// What the numbers stand for.
        names: Vec<Scalar>,
    },
    /// Values of several kinds.
    Mixed(Vec<Scalar>),
}

impl Values {
    fn of(representation: Representation) -> Self {
        match representation {
            Representation::Int { signed: true, .. } => Self::Int(Vec::new()),
            Representation::Int { .. } | Representation::Symbol { .. } => Self::Uint(Vec::new()),
            Representation::Float => Self::Float(Vec::new()),
            Representation::Bool => Self::Bool(Vec::new()),
            Representation::Bytes => Self::Bytes(Vec::new()),
            Representation::Text | Representation::Mixed => Self::Mixed(Vec::new()),
        }
    }

    /// Add a value, if it is one of these.
    fn push(&mut self, value: Scalar) -> bool {
        match (self, value) {
            (Self::Uint(all), Scalar::Int(n)) => u64::try_from(n).map(|n| all.push(n)).is_ok(),
            (Self::Int(all), Scalar::Int(n)) => i64::try_from(n).map(|n| all.push(n)).is_ok(),
            (Self::Float(all), Scalar::Float(x)) => {
                all.push(x);
                true
            }
            (Self::Bool(all), Scalar::Bool(b)) => {
                all.push(b);
                true
            }
            (Self::Bytes(all), Scalar::Bytes(bytes)) => {
                all.push(bytes);
                true
            }
            (Self::Mixed(all), value) => {
                all.push(value);
                true
            }
            _ => false,
        }
    }

    /// Add what stands where there is no value.
    fn skip(&mut self) {
        match self {
            Self::Uint(all) => all.push(0),
            Self::Int(all) => all.push(0),
            Self::Float(all) => all.push(0.0),
            Self::Bool(all) => all.push(false),
            Self::Bytes(all) => all.push(Bytes::new()),
            Self::Coded { codes, .. } => codes.push(0),
            Self::Mixed(all) => all.push(Scalar::Null),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Uint(all) => all.clear(),
            Self::Int(all) => all.clear(),
            Self::Float(all) => all.clear(),
            Self::Bool(all) => all.clear(),
            Self::Bytes(all) => all.clear(),
            // the dictionary stays for the next batch
            Self::Coded { codes, .. } => codes.clear(),
            Self::Mixed(all) => all.clear(),
        }
    }

    fn get(&self, row: usize) -> Scalar {
        match self {
            Self::Uint(all) => Scalar::Int(all[row].into()),
            Self::Int(all) => Scalar::Int(all[row].into()),
            Self::Float(all) => Scalar::Float(all[row]),
            Self::Bool(all) => Scalar::Bool(all[row]),
            Self::Bytes(all) => Scalar::Bytes(all[row].clone()),
            Self::Coded { codes, names } => names[codes[row] as usize].clone(),
            Self::Mixed(all) => all[row].clone(),
        }
    }
}

/// A field of the items of a batch.
pub struct Column {
    codec: Option<Ref<dyn Codec>>,
    values: Values,
    known: Vec<Known>,
}

impl Column {
    /// A column whose values are those of a codec.
    pub fn of(codec: Ref<dyn Codec>) -> Self {
        Self {
            values: Values::of(codec.representation()),
            codec: Some(codec),
            known: Vec::new(),
        }
    }

    /// A column of few different values, which are what they show.
    pub fn coded() -> Self {
        Self {
            codec: None,
            values: Values::Coded {
                codes: Vec::new(),
                names: Vec::new(),
            },
            known: Vec::new(),
        }
    }

    /// A column of which nothing is known yet: the first value tells what it is.
    const fn open() -> Self {
        Self {
            codec: None,
            values: Values::Mixed(Vec::new()),
            known: Vec::new(),
        }
    }

    /// The codec of the values, which has their symbols; nothing if they are what they show.
    pub fn codec(&self) -> Option<&dyn Codec> {
        self.codec.as_deref()
    }

    /// The values of all rows, of which [`Self::is_whole`] tells whether all are there.
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// Whether each row has a value.
    pub fn is_whole(&self) -> bool {
        self.known.iter().all(|known| *known == Known::Value)
    }

    /// What is known of a row.
    ///
    /// # Panics
    /// There is no such row.
    pub fn cell(&self, row: usize) -> Cell {
        match self.known[row] {
            Known::Value => Cell::Value(self.values.get(row)),
            Known::Null => Cell::Null,
            Known::Ask => Cell::Ask,
        }
    }

    /// The same as a query sees it: the symbol, where there is one.
    ///
    /// # Panics
    /// There is no such row.
    pub fn shown(&self, row: usize) -> Cell {
        match (self.cell(row), &self.codec) {
            (Cell::Value(actual), Some(codec)) => {
                Cell::Value(codec.symbol(&actual).unwrap_or(actual))
            }
            (cell, _) => cell,
        }
    }

    /// Add a row with an unsigned integer. Only for columns of those.
    pub fn uint(&mut self, n: u64) {
        match &mut self.values {
            Values::Uint(all) => {
                all.push(n);
                self.known.push(Known::Value);
            }
            _ => self.value(Scalar::Int(n.into())),
        }
    }

    /// Add a row with an actual value; one that the column cannot hold must be asked for.
    pub fn value(&mut self, value: Scalar) {
        match self.values.push(value) {
            true => self.known.push(Known::Value),
            false => self.ask(),
        }
    }

    /// Add a row with the value of that number of the dictionary. Only for coded columns.
    pub fn code(&mut self, code: u32) {
        match &mut self.values {
            Values::Coded { codes, names } if (code as usize) < names.len() => {
                codes.push(code);
                self.known.push(Known::Value);
            }
            _ => self.ask(),
        }
    }

    /// The number of a value in the dictionary, which it is added to if need be. Only for coded columns.
    pub fn code_of(&mut self, value: &Scalar) -> Option<u32> {
        let Values::Coded { names, .. } = &mut self.values else {
            return None;
        };
        let found = names.iter().position(|name| name == value);
        let i = found.unwrap_or_else(|| {
            names.push(value.clone());
            names.len() - 1
        });
        u32::try_from(i).ok()
    }

    /// Add a row of an item that has no such field.
    pub fn null(&mut self) {
        self.values.skip();
        self.known.push(Known::Null);
    }

    /// Add a row that must be asked for.
    pub fn ask(&mut self) {
        self.values.skip();
        self.known.push(Known::Ask);
    }

    /// Add a row with a value of that codec, if the column is one of those, or empty.
    fn value_of(&mut self, codec: &Ref<dyn Codec>, value: Scalar) {
        match &self.codec {
            Some(own) if std::ptr::eq(&**own, &**codec) => self.value(value),
            None if self.known.iter().all(|known| *known != Known::Value) => {
                let rows = std::mem::take(&mut self.known);
                *self = Self::of(codec.clone());
                rows.iter().for_each(|_| self.values.skip());
                self.known = rows;
                self.value(value);
            }
            _ => self.ask(),
        }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.known.clear();
    }
}

/// Some fields of items that follow each other.
pub struct Batch {
    /// A column for each field that was asked for, in that order.
    pub columns: Vec<Column>,
    /// The state of the walk before each item.
    places: Vec<State>,
}

impl Batch {
    /// Begin the row of the item that the walk finds at `state`; each column gets a cell then.
    pub fn row(&mut self, state: &State) {
        self.places.push(state.clone());
    }

    /// Add a row of an item of which nothing is known.
    pub fn ask(&mut self, state: &State) {
        self.row(state);
        self.columns.iter_mut().for_each(Column::ask);
    }

    /// How many items.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn clear(&mut self) {
        self.places.clear();
        self.columns.iter_mut().for_each(Column::clear);
    }
}

/// A reader of some fields of the items of a sequence.
pub trait Read: Send {
    /// The columns, empty, in the order of the fields that were asked for.
    fn columns(&self) -> Vec<Column>;

    /// Move over up to `most` items and add a row for each; fewer only at the end.
    fn read(&mut self, at: &SeqAt<'_>, state: &mut State, most: usize, into: &mut Batch);
}

/// How a field of one shape is read.
enum Found {
    /// At a fixed place.
    Leaf(Span, Ref<dyn Codec>),
    Computed(Ref<dyn Codec>),
    /// The shape may find it.
    Peek,
}

/// Reads item by item, for sequences that have no reader of their own.
struct Steps {
    seq: Ref<dyn Sequence>,
    fields: Vec<Name>,
    /// The shape of the item before, and how its fields are read.
    last: Option<(Ref<dyn Shape>, Vec<Found>)>,
}

impl Steps {
    fn find(shape: &dyn Shape, name: &str) -> Found {
        let computed = shape.computed().iter().find(|(n, _)| *n == name);
        if let Some((_, codec)) = computed {
            return Found::Computed(Ref::Static(*codec));
        }
        match shape.layout().iter().find(|field| field.name == name) {
            Some(field) => match &field.what {
                What::Leaf(codec) => Found::Leaf(field.span, Ref::Static(*codec)),
                What::Struct(_) => Found::Peek,
            },
            None => Found::Peek,
        }
    }

    fn item(&mut self, shape: &Ref<dyn Shape>, at: &At<'_>, into: &mut Batch) {
        let is_same = |(last, _): &(Ref<dyn Shape>, _)| std::ptr::eq(&**last, &**shape);
        if !self.last.as_ref().is_some_and(is_same) {
            let found = self.fields.iter().map(|name| Self::find(&**shape, name));
            self.last = Some((shape.clone(), found.collect()));
        }
        let found = self.last.iter().flat_map(|(_, found)| found);
        for ((found, name), column) in found.zip(&self.fields).zip(&mut into.columns) {
            match found {
                Found::Leaf(span, codec) if span.end() <= at.span.len => {
                    let span = Span::bits(at.span.start + span.start, span.len);
                    let value = match at.space.hole_in(span) {
                        None => codec.decode(&at.space.bits(span)).ok(),
                        Some(_) => None,
                    };
                    match value {
                        Some(value) => column.value_of(codec, value),
                        None => column.ask(),
                    }
                }
                Found::Computed(codec) => column.value_of(codec, shape.compute(name, at)),
                Found::Peek => match shape.lazy().and_then(|lazy| lazy.peek(name, at)) {
                    // what it tells is what a query sees, and has no codec
                    Some(Scalar::Null) => column.null(),
                    Some(value) if column.codec.is_none() => column.value(value),
                    _ => column.ask(),
                },
                Found::Leaf(..) => column.ask(),
            }
        }
    }
}

impl Read for Steps {
    fn columns(&self) -> Vec<Column> {
        self.fields.iter().map(|_| Column::open()).collect()
    }

    fn read(&mut self, at: &SeqAt<'_>, state: &mut State, most: usize, into: &mut Batch) {
        for _ in 0..most {
            let seq = self.seq.clone();
            let Some(step) = seq.step(at, state) else {
                return;
            };
            match &step.kind {
                Kind::Struct(shape) => {
                    into.row(state);
                    self.item(shape, &At::new(at.space, step.span), into);
                }
                _ => into.ask(state),
            }
            *state = step.next;
        }
    }
}

/// Batches of some fields of the items of an array.
pub struct Columns {
    node: Node,
    reader: Box<dyn Read>,
    state: State,
    batch: Batch,
    /// The number of the first item of the batch, if the walk began at the first.
    first: Option<u64>,
}

impl Columns {
    fn new(node: &Node, fields: &[&str]) -> Option<Self> {
        let green = node.green();
        let Kind::Array(seq) = &green.kind else {
            return None;
        };
        if matches!(node.state(), Some(Edit::Items(_) | Edit::Replaced(_))) {
            return None;
        }
        let names: Vec<Name> = fields.iter().map(|f| Name::from((*f).to_owned())).collect();
        let reader = seq.columns(&names).unwrap_or_else(|| {
            Box::new(Steps {
                seq: seq.clone(),
                fields: names,
                last: None,
            })
        });
        Some(Self {
            state: seq.start(&green.seq_at()),
            batch: Batch {
                columns: reader.columns(),
                places: Vec::new(),
            },
            first: Some(0),
            node: node.clone(),
            reader,
        })
    }

    /// Go on where a walk can be entered, which [`Node::resync`] tells. The numbers of items are not known from there on.
    pub fn enter(&mut self, state: State) {
        self.state = state;
        self.batch.clear();
        self.first = None;
    }

    /// The state of the walk behind the items that were read.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Read up to `most` more items: false at the end.
    pub fn advance(&mut self, most: usize) -> bool {
        let done = self.batch.len() as u64;
        self.first = self.first.map(|first| first + done);
        self.batch.clear();
        let green = self.node.green();
        let at = green.seq_at();
        self.reader
            .read(&at, &mut self.state, most, &mut self.batch);
        if let (Some(Edit::Sparse(edits)), Some(first)) = (self.node.state(), self.first) {
            let end = first + self.batch.len() as u64;
            for (i, _) in edits.range(first..end) {
                for column in &mut self.batch.columns {
                    column.known[(i - first) as usize] = Known::Ask;
                }
            }
        }
        !self.batch.is_empty()
    }

    /// What was read.
    pub const fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The item of a row, if its number is known.
    pub fn item(&self, row: usize) -> Option<Node> {
        let i = self.first? + row as u64;
        let edit = match self.node.state() {
            Some(Edit::Sparse(edits)) => edits.get(&i).cloned(),
            _ => None,
        };
        let green = self.node.green();
        let Kind::Array(seq) = &green.kind else {
            return None;
        };
        let (step, frame) = seq.framed_step(&green.seq_at(), self.batch.places.get(row)?)?;
        let item = green.item(step.kind, step.span, frame);
        Some(self.node.child(Key::Index(i), Arc::new(item), None, edit))
    }
}

impl Node {
    /// Some fields of the items of an array, many items at once; nothing for what is no array, or one to which items came or from
    /// which some went.
    pub fn columns(&self, fields: &[&str]) -> Option<Columns> {
        Columns::new(self.content(), fields)
    }

    /// Where else than at its first item the walk over an array can begin: see [`Sequence::resync`]. `from` is a byte of the
    /// node's space.
    pub fn resync(&self, from: u64) -> Option<State> {
        let node = self.content();
        let green = node.green();
        match &green.kind {
            Kind::Array(seq) => seq.resync(&green.seq_at(), from * 8),
            _ => None,
        }
    }
}
