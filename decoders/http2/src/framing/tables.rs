//! Header blocks after a change keep meaning what they meant.
//!
//! An entry of the dynamic table that is changed, added or missing changes what later indices stand for. The tables of before
//! and after are run side by side; a field that would stand for something else is spelled anew, every other stays as it is.
//! What was assigned is never respelled.

use super::Framing;
use crate::frame::HEAD;
use crate::hpack::repr::{self, Form, Repr, Spelling};
use crate::hpack::table::{Entry, Log, Window};
use crate::hpack::{Block, Field, apply, int, read_block, resolve};
use crate::side::{BlockInfo, Side};
use binq_core::encode::{Did, Note, Splice, agree, patched};
use binq_core::layer::{Gather, Layer, Patching};
use binq_core::{Reject, Scalar, Space, Span};
use bytes::Bytes;
use std::collections::HashMap;

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
        .filter(|c| c.items == Some("frame") && !c.new.is_empty())
        .peekable();
    for block in &blocks[first..] {
        while let Some(frames) = inserted.next_if(|c| c.span.start <= block.frame * 8) {
            run.foreign(frames.new.bytes());
        }
        if block.frame * 8 > last && run.table.same(&run.new, &block.table, &run.old) {
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
        len: side.space.len(),
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
    let bytes = patched(&own, own.span(), &localize(info, &changes));
    let (mut log, mut table) = (log, info.table);
    Ok(read_block(&bytes.into(), &mut log, &mut table))
}

/// The first block that a change, or a frame that is removed or inserted, is in or before.
fn first_touched(blocks: &[BlockInfo], changes: &[Splice]) -> Option<usize> {
    let in_block = |b: &BlockInfo| {
        let own = |c: &Splice| {
            b.fragments
                .iter()
                .any(|(at, len)| Span::bytes(*at, *len).touches(c.span))
                || Span::bytes(b.frame, b.end - b.frame).touches(c.span)
                    && (c.items == Some("frame") || c.span.len > 72)
        };
        changes.iter().any(own)
    };
    let inserted = changes
        .iter()
        .filter(|c| c.items == Some("frame") && c.span.len == 0);
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
    /// The table after it.
    table: &'a Window,
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
    /// What was replaced last, and is done.
    replaced: Option<Span>,
}

impl<'a> Run<'a> {
    fn new(framing: &'a Framing, under: &'a Space, old: Log, table: Window) -> Self {
        Self {
            framing,
            under,
            new: old.up_to(&table),
            old,
            table,
            out: Vec::new(),
            numbers: None,
            replaced: None,
        }
    }

    /// Frames that were inserted: their header blocks are taken as they are.
    fn foreign(&mut self, bytes: &Bytes) {
        let space = Space::source(bytes.clone());
        let begin = crate::side::Begin {
            upgrade: 0,
            preface: false,
            frames: 0,
            late: false,
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
        if let Some(whole) = changes.iter().find(|c| c.span.contains(head)) {
            if self.replaced.replace(whole.span) != Some(whole.span) {
                self.foreign(whole.new.bytes());
            }
            return Ok(());
        }
        let gather = info.gather();
        let bytes = info.bytes(self.under);
        let own = Space::source(bytes.clone());
        let local = localize(info, changes);
        let mut before = info.table;
        let old = read_block(&bytes, &mut self.old, &mut before);
        let new = Bytes::from(patched(&own, own.span(), &local));
        let kept = kept(&old.fields, &local);
        let mut at = 0;
        while at < new.len() {
            let Ok(repr) = repr::read(&new, at) else {
                break;
            };
            at = repr.end;
            let (name, value) = resolve(&new, &repr, &self.new, &self.table);
            let mut field = Field { repr, name, value };
            match kept.get(&repr.at) {
                Some(i) => {
                    let was = Before {
                        info,
                        gather: &gather,
                        table: &before,
                    };
                    self.keep(&was, (*i, &old.fields[*i]), &mut field, cx)?
                }
                None => self.keep_name(&old.fields, &local, &mut field, &gather)?,
            }
            apply(&field, &mut self.new, &mut self.table);
        }
        Ok(())
    }

    /// A field that was not touched: it must mean what it meant.
    fn keep(
        &mut self,
        was: &Before<'_>,
        (i, old): (usize, &Field),
        field: &mut Field,
        cx: &mut Patching<'_>,
    ) -> Result<(), Reject> {
        let Before {
            info,
            gather,
            table,
        } = *was;
        let repr = &old.repr;
        if repr.form == Form::SizeUpdate || old.name == field.name && old.value == field.value {
            return Ok(());
        }
        let spelled = match old.entry() {
            Some(entry) => self.spell(&entry, old),
            // an entry that nobody saw: as far from the newest one as it was, and as many as were added since
            None => {
                let ahead = self.table.ahead_of(table);
                let index = repr.int.checked_add_signed(ahead).unwrap_or(repr.int);
                int::encode(index, repr.form.prefix(), repr.form.pattern(), 1)
            }
        };
        let (from, to) = match old.entry() {
            Some(_) => (repr.at, repr.end),
            None => (repr.at, repr.int_end),
        };
        let path = format!(
            "{}[{}].payload.headers[{i}].index",
            self.framing.path,
            self.number(info.frame)
        );
        let offset = self.under.offset(info.frame);
        if info.bytes(self.under)[from..to] == spelled {
            return Ok(());
        }
        let index = Span::bytes(repr.at as u64, (repr.int_end - repr.at) as u64);
        if gather.origins(index).iter().any(|s| cx.pins.contains(s)) {
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
        self.out.extend(gather.scatter(vec![splice])?);
        (field.name, field.value) = (old.name.clone(), old.value.clone());
        Ok(())
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
    fn keep_name(
        &mut self,
        old: &[Field],
        local: &[Splice],
        field: &mut Field,
        gather: &Gather,
    ) -> Result<(), Reject> {
        let place = |f: &&Field| f.repr.at as i64 + moved(local, f.repr.at) == field.repr.at as i64;
        let Some(old) = old.iter().find(place) else {
            return Ok(());
        };
        let head = Span::bytes(old.repr.at as u64, (old.repr.int_end - old.repr.at) as u64);
        let (Some(name), None) = (old.name.known(), field.repr.name) else {
            return Ok(());
        };
        let same_index = field.repr.int == old.repr.int;
        if field.repr.form == Form::Indexed || !same_index || field.name.known() == Some(name) {
            return Ok(());
        }
        if let Some(by) = local
            .iter()
            .find(|c| c.span.touches(head) && c.span.len > 0)
        {
            return Err(Reject::Structure {
                path: by.by.to_string(),
                why: "another edit changes the dynamic table before it; make the two one after the other".to_owned(),
            });
        }
        let form = old.repr.form;
        let index = self.table.find_name(&self.new, name).unwrap_or(0);
        let mut spelled = int::encode(index, form.prefix(), form.pattern(), 1);
        if index == 0 {
            spelled.extend(repr::write_text(name, Spelling::Short));
        }
        let splice = Splice::new(head, spelled, &self.framing.path);
        self.out.extend(gather.scatter(vec![splice])?);
        field.name = old.name.clone();
        Ok(())
    }

    fn number(&mut self, frame: u64) -> u64 {
        let numbers = self.numbers.get_or_insert_with(|| {
            let mut all = HashMap::new();
            let mut at = self.framing.begin.frames;
            let mut n = 0;
            while let crate::side::Look::Frame(_, end) | crate::side::Look::Lost(end) =
                crate::side::look(self.under, at)
            {
                all.insert(at, n);
                n += 1;
                at = end;
            }
            all
        });
        numbers.get(&frame).copied().unwrap_or(0)
    }
}

/// The changes inside a block, in bits from its start.
fn localize(info: &BlockInfo, changes: &[Splice]) -> Vec<Splice> {
    let mut out = Vec::new();
    let mut base = 0;
    for (at, len) in info.fragments.iter() {
        let fragment = Span::bytes(*at, *len);
        let inside = |c: &&Splice| {
            // what is inserted before a fragment belongs to what comes before it: the one before, if there is one
            fragment.contains(c.span)
                && (c.span.len > 0 || c.span.start > fragment.start || base == 0)
                && c.items != Some("frame")
        };
        for c in changes.iter().filter(inside) {
            let mut c = c.clone();
            c.span.start = c.span.start - fragment.start + base * 8;
            out.push(c);
        }
        base += len;
    }
    out
}

/// By how many bytes what is at byte `at` of a block moves.
fn moved(local: &[Splice], at: usize) -> i64 {
    let before = |c: &&Splice| {
        c.span.end() <= at as u64 * 8
            && (c.span.len > 0 || c.span.start < at as u64 * 8 || c.items.is_some())
    };
    local.iter().filter(before).map(Splice::growth).sum::<i64>() / 8
}

/// The fields that no change touches: from their new place to their index.
fn kept(old: &[Field], local: &[Splice]) -> HashMap<usize, usize> {
    let touched = |r: &Repr| {
        let span = Span::bytes(r.at as u64, (r.end - r.at) as u64);
        local.iter().any(|c| match (c.items, c.span.len) {
            // inserted between two fields
            (Some(_), 0) => false,
            (_, 0) => span.start < c.span.start && c.span.start <= span.end(),
            _ => c.span.start < span.end() && span.start < c.span.end(),
        })
    };
    let all = old.iter().enumerate().filter(|(_, f)| !touched(&f.repr));
    let placed = all.filter_map(|(i, f)| {
        let at = f.repr.at as i64 + moved(local, f.repr.at);
        Some((usize::try_from(at).ok()?, i))
    });
    placed.collect()
}
