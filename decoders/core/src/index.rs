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

    /// Walk to item `i`, or to the end.
    fn walk(&mut self, seq: &dyn Sequence, at: &SeqAt<'_>, i: u64) -> Option<State> {
        if self.total.is_some_and(|total| i > total) {
            return None;
        }
        if self.states.is_empty() {
            self.states.push(seq.start(at));
        }
        let nearest = (i / self.every).min(self.states.len() as u64 - 1);
        let mut state = self.states[nearest as usize].clone();
        let mut n = nearest * self.every;
        if let Some((last, at_last)) = &self.last
            && (n..=i).contains(last)
        {
            (n, state) = (*last, at_last.clone());
        }
        while n < i {
            // stop where the next place is to be remembered
            let most = (self.every - n % self.every).min(i - n);
            let done = seq.advance(at, &mut state, most);
            n += done;
            if done < most {
                self.total = Some(n);
                return None;
            }
            self.note(n, &state);
        }
        self.last = Some((n, state.clone()));
        Some(state)
    }
}

impl Index {
    /// The state at item `i`; where there are fewer items, it may be the state at the end, or none.
    pub fn seek(&self, seq: &dyn Sequence, at: &SeqAt<'_>, i: u64) -> Option<State> {
        if let Some(stride) = seq.stride() {
            let start = i.checked_mul(stride)?;
            return (start <= at.span.len).then(|| State::new(at.span.start + start));
        }
        self.lock().walk(seq, at, i)
    }

    /// How many items there are.
    pub fn len(&self, seq: &dyn Sequence, at: &SeqAt<'_>) -> u64 {
        if let Some(stride) = seq.stride() {
            return at.span.len.div_ceil(stride);
        }
        let mut marks = self.lock();
        if marks.total.is_none() {
            marks.walk(seq, at, u64::MAX);
        }
        marks.total.unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Marks> {
        // what a panicking walk left behind is still a valid beginning of the index
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
