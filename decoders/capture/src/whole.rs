//! The datagrams of a capture that came in fragments, for what is asked about one from its first fragment.

use crate::datagrams::{Datagram, Datagrams};
use crate::dissect::Record;
use crate::file::{File, Place};
use binq_core::Space;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The datagrams of a capture that came in fragments. The capture is gone through once, as far as somebody asks.
pub struct Wholes {
    file: File,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The next packet; none at the end.
    next: Option<Place>,
    waiting: Datagrams,
    /// Those that are all there, by the record of their first fragment.
    whole: HashMap<u64, Arc<Datagram>>,
}

impl Wholes {
    /// Those of a file.
    pub fn new(file: File) -> Self {
        let seen = Seen {
            next: Some(file.start()),
            waiting: Datagrams::default(),
            whole: HashMap::new(),
        };
        Self {
            file,
            seen: Mutex::new(seen),
        }
    }

    /// The datagram whose first fragment is in a record, if all of it is in the capture.
    pub fn of(&self, space: &Space, first: &Record) -> Option<Arc<Datagram>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = seen.whole.get(&first.at) {
                return Some(found.clone());
            }
            let place = seen.next.take()?;
            let (record, next) = self.file.next(space, &place)?;
            seen.next = Some(next);
            let whole = seen.waiting.packet(space, &record);
            if let Some(whole) = whole.filter(|whole| whole.key().is_some()) {
                seen.whole.insert(whole.parts[0].record.at, Arc::new(whole));
            }
        }
    }
}
