//! How the bytes of a stream move when some of them grow or shrink.

/// A change of a stream: bytes `from .. to` become `new` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Place of the first byte.
    pub from: i64,
    /// Place after the last one.
    pub to: i64,
    /// Bytes afterwards.
    pub new: i64,
    /// Place where the segment begins that it was made in.
    pub owner: i64,
}

impl Event {
    /// By how much it moves what comes after it.
    fn growth(&self) -> i64 {
        self.new - (self.to - self.from)
    }
}

/// All changes of a stream, in order.
#[derive(Debug, Default)]
pub struct Shifts {
    /// Sorted by place.
    all: Vec<Event>,
    /// By how much all of them before each one move what follows; one more for the end.
    before: Vec<i64>,
    /// The most bytes that one of them replaces.
    longest: i64,
}

impl Shifts {
    /// Of these changes. One that was made in several copies of the same bytes counts once.
    pub fn new(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|e| (e.from, e.to, e.new));
        events.dedup_by_key(|e| (e.from, e.to, e.new));
        let mut before = vec![0];
        let mut sum = 0;
        before.extend(events.iter().map(|e| {
            sum += e.growth();
            sum
        }));
        let longest = events.iter().map(|e| e.to - e.from).max().unwrap_or(0);
        Self {
            all: events,
            before,
            longest,
        }
    }

    /// By how much a place moves: where an acknowledgment points to, or a segment begins.
    pub fn at(&self, place: i64) -> i64 {
        self.sum(place, |_| true)
    }

    /// By how much the beginning of a segment moves. What is inserted at its very beginning is part of it.
    pub fn at_start(&self, place: i64) -> i64 {
        self.sum(place, |e| {
            !(e.from == e.to && e.from == place && e.owner == place)
        })
    }

    fn sum(&self, place: i64, counts: impl Fn(&Event) -> bool) -> i64 {
        let end = self.all.partition_point(|e| e.from <= place);
        let near = self.all[..end].iter().rev();
        // those that reach the place, or lie there: the others move all that comes after them
        let near = near.take_while(|e| e.from + self.longest >= place);
        let (mut count, mut sum) = (0, 0);
        for e in near {
            count += 1;
            if !counts(e) {
                continue;
            }
            sum += if place >= e.to {
                e.growth()
            } else {
                // inside of what is replaced: as far as the new bytes reach
                let into = place - e.from;
                into.min(e.new) - into
            };
        }
        self.before[end - count] + sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(from: i64, to: i64, new: i64, owner: i64) -> Event {
        Event {
            from,
            to,
            new,
            owner,
        }
    }

    #[test]
    fn places_move_by_what_is_before_them() {
        // ten bytes become four; later, three are inserted at the end of a segment
        let shifts = Shifts::new(vec![
            event(100, 110, 4, 90),
            event(200, 200, 3, 150),
            event(100, 110, 4, 95),
        ]);
        assert_eq!(
            [99, 100, 103, 109, 110, 199, 200].map(|p| shifts.at(p)),
            [0, 0, 0, -5, -6, -6, -3]
        );
    }

    #[test]
    fn what_is_inserted_at_its_beginning_does_not_move_a_segment() {
        let shifts = Shifts::new(vec![event(50, 50, 7, 50)]);
        assert_eq!(shifts.at_start(50), 0);
        assert_eq!(shifts.at(50), 7);
        assert_eq!(shifts.at_start(51), 7);
    }
}
