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
    /// Where in its segment it is.
    pub within: Within,
    /// Number of the packet that the segment was all there with.
    pub packet: usize,
}

/// Where in its segment a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// At the front of its payload.
    Front,
    /// At the front of a segment that had no payload.
    Empty,
    /// Behind bytes of its payload.
    Behind,
}

/// A segment, as far as its sequence number goes.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Place of its sequence number.
    pub place: i64,
    /// Whether it has no payload.
    pub is_empty: bool,
    /// Number of the packet that it was all there with.
    pub packet: usize,
}

impl Event {
    /// By how much it moves what comes after it.
    fn growth(&self) -> i64 {
        self.new - (self.to - self.from)
    }

    fn is_insertion(&self) -> bool {
        self.from == self.to
    }
}

/// All changes of a stream, in order: each of them once, where bytes were captured more than once.
///
/// What a segment carries, and how far those behind it move, are told by the same events. So the sequence number of the next
/// one stays its own and the size of its payload.
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
    /// Of these changes. Insertions of one segment in one place follow each other there.
    pub fn new(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|e| (e.from, e.to, e.packet));
        events.dedup_by(|e, last| {
            let joins =
                e.is_insertion() && (e.from, e.to, e.packet) == (last.from, last.to, last.packet);
            if joins {
                last.new += e.new;
            }
            joins
        });
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

    /// By how much the place moves that an acknowledgment in this packet points to: what is inserted there is not
    /// acknowledged if it comes with the bytes behind it.
    pub fn acknowledged(&self, place: i64, packet: usize) -> i64 {
        self.sum(place, |e| match e.within {
            Within::Front => false,
            Within::Empty => packet > e.packet,
            Within::Behind => true,
        })
    }

    /// By how much the beginning of a segment moves. What is inserted at its own front is part of it.
    pub fn start(&self, of: Start) -> i64 {
        self.sum(of.place, |e| match e.within {
            Within::Behind => true,
            // one without payload that was sent before was not behind it
            _ => e.packet != of.packet && (!of.is_empty || of.packet > e.packet),
        })
    }

    /// The sum of what is before a place, and of insertions in that place as far as they count.
    fn sum(&self, place: i64, counts: impl Fn(&Event) -> bool) -> i64 {
        let end = self.all.partition_point(|e| e.from <= place);
        let near = self.all[..end].iter().rev();
        // those that reach the place, or lie there: the others move all that comes after them
        let near = near.take_while(|e| e.from + self.longest >= place);
        let (mut count, mut sum) = (0, 0);
        for e in near {
            count += 1;
            if e.is_insertion() && e.from == place && !counts(e) {
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

    fn event(from: i64, to: i64, new: i64, within: Within, packet: usize) -> Event {
        Event {
            from,
            to,
            new,
            within,
            packet,
        }
    }

    fn start(place: i64, is_empty: bool, packet: usize) -> Start {
        Start {
            place,
            is_empty,
            packet,
        }
    }

    #[test]
    fn places_move_by_what_is_before_them() {
        // ten bytes become four; later, three are inserted at the end of a segment, and three more
        let shifts = Shifts::new(vec![
            event(100, 110, 4, Within::Behind, 1),
            event(200, 200, 3, Within::Behind, 2),
            event(200, 200, 3, Within::Behind, 2),
        ]);
        let at = |p| shifts.acknowledged(p, 9);
        assert_eq!(
            [99, 100, 103, 109, 110, 199, 200, 201].map(at),
            [0, 0, 0, -5, -6, -6, 0, 0]
        );
        assert_eq!(shifts.start(start(200, false, 3)), 0);
    }

    #[test]
    fn what_is_inserted_at_its_front_does_not_move_a_segment() {
        let shifts = Shifts::new(vec![event(50, 50, 7, Within::Front, 4)]);
        assert_eq!(shifts.start(start(50, false, 4)), 0);
        // the same bytes again, without what came before them
        assert_eq!(shifts.start(start(50, false, 6)), 7);
        assert_eq!(shifts.start(start(50, true, 3)), 0);
        assert_eq!(shifts.start(start(51, false, 5)), 7);
        // what was acknowledged lies before it
        assert_eq!(shifts.acknowledged(50, 5), 0);
        assert_eq!(shifts.acknowledged(51, 5), 7);
    }

    #[test]
    fn a_segment_without_payload_that_gets_one_moves_what_is_sent_after_it() {
        let shifts = Shifts::new(vec![event(50, 50, 7, Within::Empty, 4)]);
        assert_eq!(shifts.start(start(50, true, 3)), 0);
        assert_eq!(shifts.start(start(50, true, 4)), 0);
        assert_eq!(shifts.start(start(50, true, 5)), 7);
        assert_eq!(shifts.start(start(50, false, 5)), 7);
        assert_eq!(shifts.acknowledged(50, 3), 0);
        assert_eq!(shifts.acknowledged(50, 5), 7);
    }
}
