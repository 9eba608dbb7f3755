//! `.records[]`: the walk over the records of the stream.

use super::geometry::Geometry;
use super::record::{Damaged, Lack, Record};
use super::record_columns::RecordColumns;
use super::relay;
use super::scan::{Header, Look, RECORD_HEADER, Scan, Searched, align};
use binq_core::sequence::{Arrange, SeqAt, Sequence, State, Step};
use binq_core::shape::Shape;
use binq_core::{Kind, Malformed, Name, Reject, Space, Span, columns};
use std::sync::Arc;

/// The records of a log. The memory of its walk is the LSN of the record before.
#[derive(Clone)]
pub struct Records {
    geometry: Arc<Geometry>,
    record: Arc<dyn Shape>,
    searched: Arc<Searched>,
}

impl Records {
    /// The records of a log with these pages.
    pub fn new(geometry: &Arc<Geometry>, searched: &Arc<Searched>) -> Self {
        Self {
            geometry: geometry.clone(),
            searched: searched.clone(),
            record: Arc::new(Record {
                geometry: geometry.clone(),
                prev_wrong: None,
            }),
        }
    }
}

/// An item: what it is, its length, where the next one is looked for, and the LSN that that one names.
type Item = (Kind, u64, u64, u64);

impl Records {
    /// Where the pages are.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// A reader of the stream.
    pub fn scan<'a>(&'a self, stream: &'a Space) -> Scan<'a> {
        Scan {
            geometry: &self.geometry,
            stream,
            searched: &self.searched,
        }
    }

    /// Damaged bytes from `start` to `until`, where there is a record again.
    fn damaged(
        &self,
        at: &SeqAt<'_>,
        start: u64,
        until: u64,
        lack: Lack,
        wrong: Malformed,
    ) -> Item {
        let shape = Damaged::new(&self.geometry, lack, Some(wrong), until - start);
        // the record that was found names the one before it
        let next = Header::read(&at.space.read(until, RECORD_HEADER));
        let prev = next.map_or(0, |h| h.prev);
        let memory = match prev {
            0 => self.geometry.lsn(start),
            prev => prev,
        };
        (Kind::shared(Arc::new(shape)), until - start, until, memory)
    }

    /// Damaged bytes from `start` to `until`, the last ones of a stretch.
    fn last(&self, start: u64, until: u64, lack: Lack, wrong: Malformed) -> Item {
        let shape = Damaged::new(&self.geometry, lack, Some(wrong), until - start);
        let lsn = self.geometry.lsn(start);
        (Kind::shared(Arc::new(shape)), until - start, until, lsn)
    }
}

impl Sequence for Records {
    fn name(&self) -> &'static str {
        "record"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let scan = self.scan(at.space);
        let mut start = align(state.at / 8);
        let prev = state.memory;
        let (kind, len, next, memory) = loop {
            match scan.look(start, prev) {
                Look::Record(found) => {
                    let record = match found.prev_wrong {
                        None => self.record.clone(),
                        wrong => Arc::new(Record {
                            geometry: self.geometry.clone(),
                            prev_wrong: wrong,
                        }),
                    };
                    let kind = Kind::shared(record);
                    break (kind, found.len, found.next, found.lsn);
                }
                // the aborted record is no item, and the one after it names the one before it; or a stretch ends
                Look::Aborted(next) => start = next,
                Look::Damaged(until, wrong) => {
                    break self.damaged(at, start, until, Lack::Whole, wrong);
                }
                Look::Rest(until, wrong) => {
                    break self.damaged(at, start, until, Lack::Head, wrong);
                }
                Look::Cut(until, wrong) => break self.last(start, until, Lack::Rest, wrong),
                Look::LastDamaged(until, wrong) => {
                    break self.last(start, until, Lack::Whole, wrong);
                }
                Look::Partial(..) | Look::End => return None,
            }
        };
        Some(Step {
            kind,
            span: Span::bytes(start, len),
            next: State {
                at: next * 8,
                memory,
                more: None,
            },
        })
    }

    fn advance(&self, at: &SeqAt<'_>, state: &mut State, most: u64) -> u64 {
        let scan = self.scan(at.space);
        let mut done = 0;
        while done < most {
            let ahead = scan.run(align(state.at / 8), state.memory, most - done);
            if ahead.records > 0 {
                done += ahead.records;
                state.at = ahead.next * 8;
                state.memory = ahead.prev;
                continue;
            }
            match self.step(at, state) {
                Some(step) => *state = step.next,
                None => return done,
            }
            done += 1;
        }
        done
    }

    fn columns(&self, fields: &[Name]) -> Option<Box<dyn columns::Read>> {
        Some(Box::new(RecordColumns::new(self, fields)?))
    }

    /// A page says how many bytes of a record it begins with. Behind them is the next one, which names the one before it.
    fn resync(&self, at: &SeqAt<'_>, from: u64) -> Option<State> {
        let scan = self.scan(at.space);
        let last = self.geometry.stream_len();
        let from = from.max(at.span.start) / 8;
        let mut page = self.geometry.place(from.min(last)).0;
        // not in the middle of the page
        if self.geometry.stream_of_page(page) < from {
            page += 1;
        }
        loop {
            let begins = self.geometry.stream_of_page(page);
            if begins >= last {
                return None;
            }
            let (header, current) = self.geometry.page(scan.file(), page)?;
            let rest = match header.continues() {
                true => u64::from(header.rem_len),
                false => 0,
            };
            let start = align(begins + rest);
            let record = Header::read(&at.space.read(start, RECORD_HEADER));
            let sound = record.filter(|record| {
                current && rest < last && record.prev != 0 && scan.is_record(start, record)
            });
            if let Some(record) = sound {
                return Some(State::with(start * 8, record.prev));
            }
            page += 1;
        }
    }

    fn resizable(&self) -> bool {
        true
    }

    fn relinks(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        relay::arrange(&self.geometry, self, cx)
    }
}
