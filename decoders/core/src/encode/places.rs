//! Where things lie once the changes of their space are made.

use super::splice::{Seat, Splice, agree};
use crate::{Reject, Space};
use std::collections::HashMap;

/// The changes of one space, by their places.
#[derive(Default)]
pub(crate) struct Places {
    splices: Vec<Splice>,
    /// By how many bits the space grows before each of them, and in all.
    grown: Vec<i64>,
    seats: HashMap<Seat, usize>,
}

impl Places {
    pub fn new(space: &Space, splices: &[Splice]) -> Result<Self, Reject> {
        let splices = agree(space, splices.to_vec())?;
        let mut grown = vec![0];
        let mut seats = HashMap::new();
        for (i, splice) in splices.iter().enumerate() {
            grown.push(grown[i] + splice.growth());
            if let Some(seat) = &splice.seat {
                seats.insert(seat.clone(), i);
            }
        }
        Ok(Self {
            splices,
            grown,
            seats,
        })
    }

    pub fn splices(&self) -> &[Splice] {
        &self.splices
    }

    /// By how many bits the space grows before a bit of it; what is inserted there comes before it.
    pub fn shift(&self, at: u64) -> i64 {
        let before = |s: &Splice| s.span.start < at || s.span.start == at && s.span.len == 0;
        self.grown[self.splices.partition_point(before)]
    }

    /// Where an item begins now that was added or moved.
    pub fn seat(&self, seat: &Seat) -> Option<u64> {
        let i = *self.seats.get(seat)?;
        Some(
            self.splices[i]
                .span
                .start
                .saturating_add_signed(self.grown[i]),
        )
    }
}
