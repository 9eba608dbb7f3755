//! How much of a mapped file is in memory.
//!
//! The system keeps the pages of a mapping until memory is short, so a walk over a large file would count all of it as ours.
//! Here pages that were looked at long ago are given back; whoever looks at them again gets them from the system's cache.

use crate::Map;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Pages come and go in parts of this size.
const PART: u64 = 1 << 20;
/// So many parts stay in memory.
const MOST: usize = 24;

/// Which parts of a mapping are in memory.
pub struct Resident {
    map: Arc<Map>,
    /// By part: whether it is in memory, as far as is known.
    is_in: Vec<AtomicBool>,
    /// The parts in memory, the one that came first at the front.
    order: Mutex<VecDeque<usize>>,
}

impl Resident {
    /// Of a mapping; nothing where all of it may stay in memory.
    pub(crate) fn of(map: &Arc<Map>) -> Option<Self> {
        let parts = (map.map.len() as u64).div_ceil(PART) as usize;
        (cfg!(target_os = "linux") && parts > MOST).then(|| Self {
            map: map.clone(),
            is_in: (0..parts).map(|_| AtomicBool::new(false)).collect(),
            order: Mutex::default(),
        })
    }

    /// These bytes are going to be looked at. A look at very many at once is not followed: it may be at few of them.
    pub fn touch(&self, at: u64, len: u64) {
        if len > PART {
            return;
        }
        let last = at.saturating_add(len.saturating_sub(1)) / PART;
        for part in at / PART..=last {
            let part = part as usize;
            let is_in = self.is_in.get(part);
            if is_in.is_some_and(|is_in| !is_in.load(Ordering::Relaxed)) {
                self.enter(part);
            }
        }
    }

    #[cold]
    fn enter(&self, part: usize) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_in[part].swap(true, Ordering::Relaxed) {
            return;
        }
        order.push_back(part);
        if order.len() > MOST
            && let Some(first) = order.pop_front()
        {
            self.is_in[first].store(false, Ordering::Relaxed);
            self.leave(first);
        }
    }

    #[cfg(target_os = "linux")]
    #[allow(unsafe_code)]
    fn leave(&self, part: usize) {
        let start = part * PART as usize;
        let len = (PART as usize).min(self.map.map.len() - start);
        // SAFETY: the mapping is of a file, private and never written to, so its pages are those of the file: one that is
        // given back is the same when it is looked at again, also by whoever holds a slice of it now.
        let left = unsafe {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            self.map.map.unchecked_advise_range(advice, start, len)
        };
        // an advice that is not taken costs memory, and nothing else
        drop(left);
    }

    #[cfg(not(target_os = "linux"))]
    fn leave(&self, _part: usize) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn bytes_that_left_are_the_same_when_they_come_back() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let parts = MOST + 4;
        for i in 0..parts {
            file.write_all(&vec![i as u8; PART as usize]).unwrap();
        }
        file.write_all(b"end").unwrap();
        let mapped = crate::Mapped::new(file.reopen().unwrap(), "").unwrap();
        let (bytes, resident) = (mapped.bytes(), mapped.resident().unwrap());
        let held = bytes.slice(..16);
        for _ in 0..2 {
            for i in 0..parts {
                let at = i as u64 * PART + PART - 1;
                resident.touch(at, 2);
                assert_eq!(bytes[at as usize], i as u8);
            }
            assert_eq!(bytes[bytes.len() - 3..], *b"end");
            assert_eq!(held[..], [0; 16]);
            let is_in = resident.is_in.iter().filter(|p| p.load(Ordering::Relaxed));
            assert_eq!(is_in.count(), MOST);
        }
        // past the end, and far too much
        resident.touch(u64::MAX - 1, 1);
        resident.touch(0, u64::MAX);
    }

    #[test]
    fn a_small_file_stays() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"small").unwrap();
        let mapped = crate::Mapped::new(file.reopen().unwrap(), "").unwrap();
        assert!(mapped.resident().is_none());
    }
}
