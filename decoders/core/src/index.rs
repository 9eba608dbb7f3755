//! A sparse index of a sequence, so that `.records[i]` does not walk from the start each time.

use crate::sequence::{SeqAt, Sequence, State};
use std::sync::{Mutex, PoisonError};

/// At most so many places are remembered; past that, every other one is dropped.
const MOST_MARKS: usize = 8192;

/// States of every `every`th item, as far as the walk has come.
#[derive(Default)]
pub(crate) struct Index(Mutex<Marks>);

struct Marks {
    every: u64,
    states: Vec<State>,
    total: Option<u64>,
    /// Where the last walk ended: the next item is often the one after it.
    last: Option<(u64, State)>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            every: 32,
            states: Vec::new(),
            total: None,
            last: None,
        }
    }
}

impl Marks {
    fn note(&mut self, i: u64, state: &State) {
        if i != self.states.len() as u64 * self.every {
            return;
        }
        self.states.push(state.clone());
        if self.states.len() > MOST_MARKS {
            let mut keep = false;
            self.states.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
    }

    /// The nearest place at or before item `i` that is known, and its number.
    fn nearest(&self, i: u64) -> Option<(u64, State)> {
        let last = self.last.as_ref().filter(|(n, _)| *n <= i);
        let k = (i / self.every).min((self.states.len() as u64).checked_sub(1)?);
        match last {
            Some((n, state)) if *n >= k * self.every => Some((*n, state.clone())),
            _ => Some((k * self.every, self.states[k as usize].clone())),
        }
    }
}

/// A part of the walk, which nobody else waits for.
struct Walked {
    /// Places on the way that the index may remember.
    passed: Vec<(u64, State)>,
    /// The number of items, if the walk came to the end.
    total: Option<u64>,
    last: (u64, State),
}

/// Walk from a place to item `i`, or to the end.
fn walk(
    seq: &dyn Sequence,
    at: &SeqAt<'_>,
    (mut n, mut state): (u64, State),
    i: u64,
    every: u64,
) -> Walked {
    let mut passed = Vec::new();
    let mut total = None;
    while n < i {
        // stop where the next place is to be remembered
        let most = (every - n % every).min(i - n);
        let done = seq.advance(at, &mut state, most);
        n += done;
        if done < most {
            total = Some(n);
            break;
        }
        if n.is_multiple_of(every) {
            passed.push((n, state.clone()));
        }
        if passed.len() > MOST_MARKS {
            break;
        }
    }
    Walked {
        passed,
        total,
        last: (n, state),
    }
}

impl Index {
    /// The state at item `i`; where there are fewer items, it may be the state at the end, or none.
    pub fn seek(&self, seq: &dyn Sequence, at: &SeqAt<'_>, i: u64) -> Option<State> {
        if let Some(stride) = seq.stride() {
            let start = i.checked_mul(stride)?;
            return (start <= at.span.len).then(|| State::new(at.span.start + start));
        }
        self.walk_to(seq, at, i)
    }

    /// How many items there are.
    pub fn len(&self, seq: &dyn Sequence, at: &SeqAt<'_>) -> u64 {
        if let Some(stride) = seq.stride() {
            return at.span.len.div_ceil(stride);
        }
        let known = self.lock().total;
        known.unwrap_or_else(|| {
            self.walk_to(seq, at, u64::MAX);
            self.lock().total.unwrap_or(0)
        })
    }

    /// Walk to item `i`, or to the end. The index is locked before and after the walk, and not while it lasts.
    fn walk_to(&self, seq: &dyn Sequence, at: &SeqAt<'_>, i: u64) -> Option<State> {
        loop {
            let (from, every) = {
                let marks = self.lock();
                if marks.total.is_some_and(|total| i > total) {
                    return None;
                }
                (marks.nearest(i), marks.every)
            };
            let from = from.unwrap_or_else(|| (0, seq.start(at)));
            let first = (from.0 == 0).then(|| from.clone());
            let walked = walk(seq, at, from, i, every);
            let mut marks = self.lock();
            for (n, state) in first.iter().chain(&walked.passed) {
                marks.note(*n, state);
            }
            if walked.total.is_some() {
                marks.total = walked.total;
                return None;
            }
            let (n, state) = walked.last;
            marks.last = Some((n, state.clone()));
            if n == i {
                return Some(state);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Marks> {
        // what a panicking walk left behind is still a valid beginning of the index
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
