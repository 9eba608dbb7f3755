//! Header blocks after a change keep meaning what they meant.
//!
//! An entry of the dynamic table that is changed, added or missing changes what later indices stand for. The tables of before
//! and after are run side by side; a field that would stand for something else is spelled anew, every other stays as it is.
//! What was assigned is never respelled.

use super::{Framing, near};
use crate::http2::frame::HEAD;
use crate::http2::frames::FRAMES;
use crate::http2::hpack::repr::{self, Form, Repr, Spelling};
use crate::http2::hpack::table::{Entry, Log, STATIC_LEN, Window};
use crate::http2::hpack::{Block, Field, Part, apply, int, read_block, resolve};
use crate::http2::side::{BlockInfo, Side};
use binq_core::encode::{Did, Note, Splice, agree, patched};
use binq_core::layer::{Gather, Layer, Patching};
use binq_core::{Reject, Scalar, Space, Span};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// The splices that header blocks need beyond the changes.
pub fn follow(
    framing: &Framing,
    under: &Space,
    changes: &[Splice],
    cx: &mut Patching<'_>,
) -> Result<Vec<Splice>, Reject> {
    let side = Side::new(under.clone(), framing.begin);
    let (blocks, log) = side.blocks();
    let Some(first) = first_touched(&blocks, changes) else {
        return Ok(Vec::new());
    };
    let start = blocks.get(first).map(|b| b.table);
    let Some(start) = start else {
        return Ok(Vec::new());
    };
    let mut run = Run::new(framing, under, log, start);
    let last = changes.iter().map(|c| c.span.end()).max().unwrap_or(0);
    let mut inserted = changes
        .iter()
        .filter(|c| c.items == Some(FRAMES) && !c.new.is_empty())
        .peekable();
    for block in &blocks[first..] {
        while let Some(frames) = inserted.next_if(|c| c.span.start <= block.frame * 8) {
            run.foreign(frames.new.bytes());
        }
        // what nobody saw is as far away as it was
        let is_ahead = run.table.is_late() && run.table.ahead_of(&block.table) != 0;
        if block.frame * 8 > last && !is_ahead && run.table.same(&run.new, &block.table, &run.old) {
            break;
        }
        if block.table.is_late() && !start.is_late() {
            // a block was lost in between: what the table holds from here on is not known in either
            break;
        }
        run.block(block, changes, cx)?;
    }
    Ok(run.out)
}

/// A block with the changes in it, as its sender could have spelled it in the first place: what was not changed means what it
/// meant.
pub fn settled(
    side: &Side,
    info: &BlockInfo,
    changes: &[Splice],
    path: &str,
) -> Result<Block, Reject> {
    let framing = Framing {
        begin: side.begin,
        path: path.to_owned(),
    };
    let mut report = Default::default();
    let mut cx = Patching {
        fix: true,
        report: &mut report,
        pins: Vec::new(),
    };
    let (space, log) = (&side.space, side.log(&info.table));
    let mut run = Run::new(&framing, space, log.clone(), info.table);
    run.block(info, changes, &mut cx)?;
    let respelled = std::mem::take(&mut run.out);
    let changes = agree(space, [changes, &respelled].concat())?;
    let own = Space::source(info.bytes(space));
    let bytes = patched(&own, own.span(), &Local::new(info, &changes).changes);
    let (mut log, mut table) = (log, info.table);
    Ok(read_block(&bytes.into(), &mut log, &mut table))
}

/// The first block that a change, or a frame that is removed or inserted, is in or before.
fn first_touched(blocks: &[BlockInfo], changes: &[Splice]) -> Option<usize> {
    let in_block = |b: &BlockInfo| {
        let whole = Span::bytes(b.frame, b.end - b.frame);
        near(changes, whole).any(|c| {
            let first = b
                .fragments
                .partition_point(|(at, len)| (at + len) * 8 < c.span.start);
            let mut fragments = b.fragments[first..].iter();
            fragments
                .by_ref()
                .take_while(|(at, _)| at * 8 <= c.span.end())
                .any(|(at, len)| Span::bytes(*at, *len).touches(c.span))
                || whole.touches(c.span) && (c.items == Some(FRAMES) || c.span.len > 72)
        })
    };
    let inserted = changes
        .iter()
        .filter(|c| c.items == Some(FRAMES) && c.span.len == 0);
    let after = inserted.filter_map(|c| {
        let i = blocks.partition_point(|b| b.frame * 8 < c.span.start);
        (i < blocks.len()).then_some(i)
    });
    let touched = blocks.iter().position(in_block);
    touched.into_iter().chain(after).min()
}

/// A block as it was.
struct Before<'a> {
    info: &'a BlockInfo,
    gather: &'a Gather,
    bytes: &'a Bytes,
    fields: &'a [Field],
    /// How many entries were inserted before each of its fields comes.
    inserted: Vec<i64>,
    /// The changes in it, and where they bring its fields.
    local: Local,
    places: HashMap<usize, usize>,
}

struct Run<'a> {
    framing: &'a Framing,
    under: &'a Space,
    /// The log of before.
    old: Log,
    /// The log of after.
    new: Log,
    /// The table of after.
    table: Window,
    out: Vec<Splice>,
    /// The index of each frame, for reports.
    numbers: Option<HashMap<u64, u64>>,
    /// What was assigned the value that it had.
    pins: Option<HashSet<Span>>,
    /// What was replaced last, and is done.
    replaced: Option<Span>,
}

impl<'a> Run<'a> {
    fn new(framing: &'a Framing, under: &'a Space, old: Log, table: Window) -> Self {
        Self {
            framing,
            under,
            new: old.of(&table),
            old,
            table,
            out: Vec::new(),
            numbers: None,
            pins: None,
            replaced: None,
        }
    }

    /// Frames that were inserted: their header blocks are taken as they are.
    fn foreign(&mut self, bytes: &Bytes) {
        let space = Space::source(bytes.clone());
        let begin = crate::http2::side::Begin {
            upgrade: 0,
            preface: false,
            frames: 0,
            late: false,
            who: None,
        };
        let (blocks, _) = Side::new(space.clone(), begin).blocks();
        for block in blocks {
            read_block(&block.bytes(&space), &mut self.new, &mut self.table);
        }
    }

    fn block(
        &mut self,
        info: &BlockInfo,
        changes: &[Splice],
        cx: &mut Patching<'_>,
    ) -> Result<(), Reject> {
        // the first frame of a block goes with all of it
        let head = Span::bytes(info.frame, HEAD);
        if let Some(whole) = near(changes, head).find(|c| c.span.contains(head)) {
            if self.replaced.replace(whole.span) != Some(whole.span) {
                self.foreign(whole.new.bytes());
            }
            return Ok(());
        }
        let gather = info.gather();
        let bytes = info.bytes(self.under);
        let own = Space::source(bytes.clone());
        let local = Local::new(info, changes);
        let mut after = info.table;
        let old = read_block(&bytes, &mut self.old, &mut after);
        let new = Bytes::from(patched(&own, own.span(), &local.changes));
        let was = Before {
            info,
            gather: &gather,
            bytes: &bytes,
            fields: &old.fields,
            inserted: inserted(&old.fields),
            places: local.places(&old.fields),
            local,
        };
        let mut at = 0;
        while at < new.len() {
            let Ok(repr) = repr::read(&new, at) else {
                break;
            };
            at = repr.end;
            let (name, value) = resolve(&new, &repr, &self.new, &self.table);
            let mut field = Field { repr, name, value };
            if let Some(i) = was.places.get(&repr.at) {
                match was.local.touches(&old.fields[*i].repr) {
                    false => self.keep(&was, *i, &mut field, cx)?,
                    true => self.keep_name(&was, *i, &mut field)?,
                }
            }
            apply(&field, &mut self.new, &mut self.table);
        }
        Ok(())
    }

    /// A field that was not touched: it must mean what it meant.
    fn keep(
        &mut self,
        was: &Before<'_>,
        i: usize,
        field: &mut Field,
        cx: &mut Patching<'_>,
    ) -> Result<(), Reject> {
        let old = &was.fields[i];
        let repr = &old.repr;
        let unseen = self.unseen(was, i);
        let same = old.name == field.name && old.value == field.value;
        if repr.form == Form::SizeUpdate || unseen.map_or(same, |index| index == repr.int) {
            return Ok(());
        }
        let spelled = match old.entry() {
            Some(entry) => self.spell(&entry, old),
            None => {
                let index = unseen.unwrap_or(repr.int);
                int::encode(index, repr.form.prefix(), repr.form.pattern(), 1)
            }
        };
        let (from, to) = match old.entry() {
            Some(_) => (repr.at, repr.end),
            None => (repr.at, repr.int_end),
        };
        if was.bytes[from..to] == spelled {
            return Ok(());
        }
        let path = format!(
            "{}[{}].payload.headers[{i}].index",
            self.framing.path,
            self.number(was.info.frame)
        );
        let offset = self.under.offset(was.info.frame);
        let index = Span::bytes(repr.at as u64, (repr.int_end - repr.at) as u64);
        let pins = self
            .pins
            .get_or_insert_with(|| cx.pins.iter().copied().collect());
        if was.gather.origins(index).iter().any(|s| pins.contains(s)) {
            cx.report.notes.push(Note {
                path,
                offset,
                did: Did::LeftWrong {
                    is: repr.int.into(),
                    right: Scalar::Bytes(spelled.into()),
                },
            });
            return Ok(());
        }
        cx.report.notes.push(Note {
            path: path.clone(),
            offset,
            did: Did::Recomputed {
                from: repr.int.into(),
                to: Scalar::Bytes(spelled.clone().into()),
            },
        });
        let splice = Splice::new(Span::bytes(from as u64, (to - from) as u64), spelled, &path);
        self.out.extend(was.gather.scatter(vec![splice])?);
        (field.name, field.value) = (old.name.clone(), old.value.clone());
        Ok(())
    }

    /// The index of an entry that nobody saw: as far from the newest one as it was, and as many as were added since.
    fn unseen(&self, was: &Before<'_>, i: usize) -> Option<u64> {
        let field = &was.fields[i];
        let index = field.repr.int;
        if index <= STATIC_LEN || field.name != Part::Unknown {
            return None;
        }
        let ahead = self.table.ahead_of(&was.info.table) - was.inserted[i];
        Some(index.checked_add_signed(ahead).unwrap_or(index))
    }

    /// A field in its old form, with the indices of the new table.
    fn spell(&self, entry: &Entry, old: &Field) -> Vec<u8> {
        let (form, index) = match old.repr.form {
            Form::Indexed => match self.table.find(&self.new, entry) {
                Some(index) => {
                    return int::encode(index, 7, Form::Indexed.pattern(), 1);
                }
                None => (
                    Form::WithoutIndexing,
                    self.table.find_name(&self.new, &entry.name),
                ),
            },
            form => (form, self.table.find_name(&self.new, &entry.name)),
        };
        repr::write_literal(form, index.unwrap_or(0), &entry.name, &entry.value)
    }

    /// A field whose value was changed, but not its name: an index keeps standing for that name.
    fn keep_name(&mut self, was: &Before<'_>, i: usize, field: &mut Field) -> Result<(), Reject> {
        let old = &was.fields[i];
        let head = Span::bytes(old.repr.at as u64, (old.repr.int_end - old.repr.at) as u64);
        let same_index = field.repr.int == old.repr.int;
        if field.repr.name.is_some() || field.repr.form == Form::Indexed || !same_index {
            return Ok(());
        }
        let unseen = self.unseen(was, i);
        let same = match (old.name.known(), unseen) {
            (Some(name), _) => field.name.known() == Some(name),
            (None, Some(index)) => index == old.repr.int,
            (None, None) => true,
        };
        if same {
            return Ok(());
        }
        let mut near = near(&was.local.changes, head);
        if let Some(by) = near.find(|c| c.span.touches(head) && c.span.len > 0) {
            return Err(Reject::Structure {
                path: by.by.to_string(),
                why: "another edit changes the dynamic table before it; make the two one after the other".to_owned(),
            });
        }
        let form = old.repr.form;
        let name = old.name.known();
        let index = match name {
            Some(name) => self.table.find_name(&self.new, name).unwrap_or(0),
            None => unseen.unwrap_or(old.repr.int),
        };
        let mut spelled = int::encode(index, form.prefix(), form.pattern(), 1);
        if let (Some(name), 0) = (name, index) {
            spelled.extend(repr::write_text(name, Spelling::Short));
        }
        let splice = Splice::new(head, spelled, &self.framing.path);
        self.out.extend(was.gather.scatter(vec![splice])?);
        field.name = old.name.clone();
        Ok(())
    }

    fn number(&mut self, frame: u64) -> u64 {
        let numbers = self
            .numbers
            .get_or_insert_with(|| self.framing.numbers(self.under));
        numbers.get(&frame).copied().unwrap_or(0)
    }
}

/// How many entries a block inserts before each of its fields comes.
fn inserted(fields: &[Field]) -> Vec<i64> {
    let mut sum = 0;
    let before = fields.iter().map(|field| {
        let before = sum;
        sum += i64::from(field.repr.form == Form::Incremental);
        before
    });
    before.collect()
}

/// Whether a change is a whole field that is added or moved. One that came through the fragments of a block has only its seat.
fn is_field(change: &Splice) -> bool {
    change.items.is_some() || change.seat.is_some()
}

/// The changes inside a block, in bits from its start, in order.
struct Local {
    changes: Vec<Splice>,
    /// By how many bits those before each of them, and all, make the block longer.
    growth: Vec<i64>,
}

impl Local {
    fn new(info: &BlockInfo, changes: &[Splice]) -> Self {
        let mut out = Vec::new();
        let mut base = 0;
        for (at, len) in info.fragments.iter() {
            let fragment = Span::bytes(*at, *len);
            let inside = |c: &&Splice| {
                // what is inserted before a fragment belongs to what comes before it: the one before, if there is one
                fragment.contains(c.span)
                    && (c.span.len > 0 || c.span.start > fragment.start || base == 0)
                    && c.items != Some(FRAMES)
            };
            for c in near(changes, fragment).filter(inside) {
                let mut c = c.clone();
                c.span.start = c.span.start - fragment.start + base * 8;
                out.push(c);
            }
            base += len;
        }
        let mut sum = 0;
        let before = out.iter().map(|c| {
            let before = sum;
            sum += c.growth();
            before
        });
        let mut growth: Vec<i64> = before.collect();
        growth.push(sum);
        Self {
            changes: out,
            growth,
        }
    }

    /// By how many bytes what is at byte `at` of a block moves.
    fn moved(&self, at: usize) -> i64 {
        let at = at as u64 * 8;
        let mut n = self.changes.partition_point(|c| c.span.end() <= at);
        let mut here = 0;
        // what is inserted right here, other than a whole field, is of the field that is here
        while let Some(c) = n.checked_sub(1).map(|i| &self.changes[i])
            && c.span == Span::bits(at, 0)
        {
            here += if is_field(c) { c.growth() } else { 0 };
            n -= 1;
        }
        (self.growth[n] + here) / 8
    }

    /// Whether a change is in a field.
    fn touches(&self, r: &Repr) -> bool {
        let span = Span::bytes(r.at as u64, (r.end - r.at) as u64);
        near(&self.changes, span).any(|c| match (is_field(c), c.span.len) {
            // inserted between two fields
            (true, 0) => false,
            (_, 0) => span.start < c.span.start && c.span.start <= span.end(),
            _ => c.span.start < span.end() && span.start < c.span.end(),
        })
    }

    /// Where the fields come to: from their new place to their index.
    fn places(&self, fields: &[Field]) -> HashMap<usize, usize> {
        let mut places = HashMap::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            let at = field.repr.at as i64 + self.moved(field.repr.at);
            let Ok(at) = usize::try_from(at) else {
                continue;
            };
            // one that is removed makes room for the next
            match self.touches(&field.repr) {
                true => _ = places.entry(at).or_insert(i),
                false => _ = places.insert(at, i),
            }
        }
        places
    }
}
