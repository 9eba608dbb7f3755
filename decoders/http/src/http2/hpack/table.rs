//! The static and the dynamic table, RFC 7541 section 2.3.

use bytes::Bytes;
use std::collections::HashMap;

/// Appendix A; entry 1 comes first.
static STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// Number of entries of the static table.
pub const STATIC_LEN: u64 = STATIC.len() as u64;

/// The size of the dynamic table before anything was said about it (RFC 9113 section 6.5.2).
pub const DEFAULT_SIZE: u64 = 4096;

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Name.
    pub name: Bytes,
    /// Value.
    pub value: Bytes,
}

impl Entry {
    /// Section 4.1.
    fn size(&self) -> u64 {
        32 + self.name.len() as u64 + self.value.len() as u64
    }
}

/// All that was ever inserted in the dynamic table. A table at some moment is a window of it: three numbers.
#[derive(Clone, Default, Debug)]
pub struct Log {
    /// How many entries were evicted before the first one that is kept here.
    gone: usize,
    entries: Vec<Option<Entry>>,
    places: Option<Box<Places>>,
}

/// Where each entry, and each name, was inserted last.
#[derive(Clone, Default, Debug)]
struct Places {
    entries: HashMap<Entry, usize>,
    names: HashMap<Bytes, usize>,
}

impl Places {
    fn add(&mut self, entry: &Entry, at: usize) {
        self.names.insert(entry.name.clone(), at);
        self.entries.insert(entry.clone(), at);
    }
}

impl Log {
    /// What this table holds: what follows may be another history. Entries are soon found in it.
    pub fn of(&self, table: &Window) -> Self {
        let entries = self.part(table.first, table.end).to_vec();
        let mut places = Places::default();
        for (at, entry) in (table.first..).zip(&entries) {
            if let Some(entry) = entry {
                places.add(entry, at);
            }
        }
        Self {
            gone: table.first,
            entries,
            places: Some(Box::new(places)),
        }
    }

    /// First entry after the last one.
    fn end(&self) -> usize {
        self.gone + self.entries.len()
    }

    fn get(&self, at: usize) -> Option<&Entry> {
        self.entries[at - self.gone].as_ref()
    }

    fn part(&self, first: usize, end: usize) -> &[Option<Entry>] {
        &self.entries[first - self.gone..end - self.gone]
    }

    fn push(&mut self, entry: Option<Entry>) {
        if let (Some(places), Some(entry)) = (&mut self.places, &entry) {
            places.add(entry, self.gone + self.entries.len());
        }
        self.entries.push(entry);
    }
}

/// The dynamic table at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The oldest entry that is still there.
    first: usize,
    /// The end: the newest entry is before it.
    end: usize,
    /// Sum of the sizes.
    size: u64,
    /// The most that the sizes may come to.
    max: u64,
    /// Whether older entries, which nobody saw, may be there.
    late: bool,
}

/// What an index stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// This entry.
    Entry(Entry),
    /// An entry that was made before the capture began, or that was lost.
    Unknown,
    /// Nothing: zero, or past the end of the table.
    Nothing,
}

impl Window {
    /// The table of a connection that begins.
    pub fn new() -> Self {
        Self {
            first: 0,
            end: 0,
            size: 0,
            max: DEFAULT_SIZE,
            late: false,
        }
    }

    /// Forget what the table holds: a header block was lost, or the capture begins late.
    pub fn forget(&mut self) {
        self.first = self.end;
        self.size = 0;
        self.late = true;
    }

    /// Whether entries may be there that nobody saw.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// What an index stands for (section 2.3.3).
    pub fn get(&self, log: &Log, index: u64) -> Lookup {
        if index == 0 {
            return Lookup::Nothing;
        }
        if let Some((name, value)) = STATIC.get(index as usize - 1) {
            return Lookup::Entry(Entry {
                name: Bytes::from_static(name.as_bytes()),
                value: Bytes::from_static(value.as_bytes()),
            });
        }
        let nth = index - STATIC_LEN;
        if nth > (self.end - self.first) as u64 {
            return match self.late {
                true => Lookup::Unknown,
                false => Lookup::Nothing,
            };
        }
        match log.get(self.end - nth as usize) {
            Some(entry) => Lookup::Entry(entry.clone()),
            None => Lookup::Unknown,
        }
    }

    /// Insert an entry (section 4.4); nothing for one whose name or value is not known.
    pub fn insert(&mut self, log: &mut Log, entry: Option<Entry>) {
        // an entry of unknown size: as if it took the least
        let size = entry.as_ref().map_or(32, Entry::size);
        // a block that is read once more finds its entries in the log
        if log.end() == self.end {
            log.push(entry);
        }
        self.end += 1;
        self.size += size;
        self.evict(log);
    }

    /// A size update (section 6.3).
    pub fn resize(&mut self, log: &Log, max: u64) {
        self.max = max;
        if max == 0 {
            // the usual way to clear the table; now all of it is known again
            self.late = false;
        }
        self.evict(log);
    }

    fn evict(&mut self, log: &Log) {
        while self.size > self.max && self.first < self.end {
            let size = log.get(self.first).map_or(32, Entry::size);
            self.size -= size;
            self.first += 1;
        }
    }

    /// Whether two tables hold the same, each in its own log.
    pub fn same(&self, log: &Log, other: &Self, other_log: &Log) -> bool {
        let ours = log.part(self.first, self.end);
        let theirs = other_log.part(other.first, other.end);
        self.max == other.max && self.late == other.late && ours == theirs
    }

    /// By how many entries this table is longer than another one that began as it did, those that were evicted included.
    pub fn ahead_of(&self, other: &Self) -> i64 {
        self.end as i64 - other.end as i64
    }

    /// The index of an entry of this name and value.
    pub fn find(&self, log: &Log, entry: &Entry) -> Option<u64> {
        let fits =
            |(n, v): &(&str, &str)| n.as_bytes() == entry.name && v.as_bytes() == entry.value;
        if let Some(i) = STATIC.iter().position(fits) {
            return Some(i as u64 + 1);
        }
        let newest = |p: &Places| p.entries.get(entry).copied();
        self.newest(log, newest, |e| e == entry)
    }

    /// An index whose entry has this name.
    pub fn find_name(&self, log: &Log, name: &[u8]) -> Option<u64> {
        if let Some(i) = STATIC.iter().position(|(n, _)| n.as_bytes() == name) {
            return Some(i as u64 + 1);
        }
        let newest = |p: &Places| p.names.get(name).copied();
        self.newest(log, newest, |e| e.name == name)
    }

    /// The index of the newest entry that fits. Where the log knows its places, the one that was inserted last of all is looked
    /// up: of a table at the end of its log, there is no newer one.
    fn newest(
        &self,
        log: &Log,
        last: impl Fn(&Places) -> Option<usize>,
        fits: impl Fn(&Entry) -> bool,
    ) -> Option<u64> {
        let index = |at: usize| STATIC_LEN + (self.end - at) as u64;
        if let (Some(places), true) = (&log.places, log.end() == self.end) {
            return last(places).filter(|at| *at >= self.first).map(index);
        }
        let dynamic = log.part(self.first, self.end).iter().rev();
        let back = { dynamic }.position(|e| e.as_ref().is_some_and(&fits))?;
        Some(index(self.end - 1 - back))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}
