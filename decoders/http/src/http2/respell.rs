//! Header blocks that come to another place of a connection.
//!
//! The indices of a block would stand for something else there, so it is spelled out. It is in a HEADERS or PUSH_PROMISE frame
//! and in the CONTINUATION frames that follow it with nothing in between (RFC 9113 section 4.3): these stay together.

use crate::http2::frame::{END_HEADERS, HEAD, Head, Parts, head_at, kind};
use crate::http2::framing::{settled, split};
use crate::http2::hpack::Block;
use crate::http2::hpack::repr::{Form, write_literal};
use crate::http2::side::Side;
use binq_core::encode::{Splice, agree, longest_rise, patched};
use binq_core::sequence::{Arrange, Placed};
use binq_core::{Key, Node, Reject, Space, Span};
use std::ops::Range;

/// The least that every peer takes (section 4.2).
const MOST: u64 = 1 << 14;

/// Spell out the header blocks of frames that are new, or not where they were. A block becomes one item, whatever frames it is
/// in.
///
/// # Errors
/// A part of a block without the rest, and a block of which not everything is known.
pub fn respell(side: &Side, cx: &mut Arrange<'_>) -> Result<(), Reject> {
    let kinds: Vec<u8> = cx.items.iter().map(|item| kind_of(side, item)).collect();
    let blocks = groups(&cx.items, &kinds);
    // a copy of an item that comes before all of these stays nowhere
    let place = |item: &Placed| item.was.map(|w| w.start).filter(|at| *at >= cx.first.at);
    let mut was: Vec<_> = cx.items.iter().map(place).collect();
    let stays = loop {
        let stays = longest_rise(&was);
        let torn = |b: &&Range<usize>| {
            let some = stays[(*b).clone()].iter().any(|s| *s);
            some && !stays[(*b).clone()].iter().all(|s| *s)
        };
        let torn: Vec<_> = blocks.iter().filter(torn).cloned().collect();
        if torn.is_empty() {
            break stays;
        }
        for block in torn {
            was[block].fill(None);
        }
    };
    whole(side, cx, &kinds, &blocks, &stays)?;
    let mut gone = vec![false; cx.items.len()];
    for block in blocks.iter().filter(|b| !stays[b.start]) {
        let bytes = spelled(side, &cx.items[block.clone()], &cx.path)?;
        let item = &mut cx.items[block.start];
        (item.was, item.splices) = (None, Vec::new());
        item.new = Some(Node::of_bytes("http2", bytes));
        gone[block.start + 1..block.end].fill(true);
    }
    let mut gone = gone.into_iter();
    cx.items.retain(|_| gone.next() == Some(false));
    Ok(())
}

fn kind_of(side: &Side, item: &Placed) -> u8 {
    let new = || item.new.as_ref()?.field("type")?.actual()?.as_int();
    match item.was {
        Some(was) => head_at(&side.space, was.first_byte()).map(|h| h.kind),
        None => new().and_then(|n| u8::try_from(n).ok()),
    }
    .unwrap_or(u8::MAX)
}

/// The items that are a header block: its first frame, and those that went on from it where they come from.
fn groups(items: &[Placed], kinds: &[u8]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, is) in kinds.iter().enumerate() {
        match (*is, out.last_mut()) {
            (kind::HEADERS | kind::PUSH_PROMISE, _) => out.push(i..i + 1),
            (kind::CONTINUATION, Some(open))
                if open.end == i && goes_on(&items[i - 1], &items[i]) =>
            {
                open.end = i + 1;
            }
            _ => {}
        }
    }
    out
}

/// Whether one item followed the other where they come from.
fn goes_on(one: &Placed, next: &Placed) -> bool {
    match (one.was, next.was, &one.new, &next.new) {
        (Some(a), Some(b), ..) => a.end() == b.start,
        (None, None, Some(a), Some(b)) => {
            let (Some(Key::Index(i)), Some(Key::Index(k))) = (a.key(), b.key()) else {
                return false;
            };
            let together = a.parent().zip(b.parent());
            i + 1 == *k && together.is_some_and(|(a, b)| a.same_place(&b))
        }
        _ => false,
    }
}

/// See that no block is left without a part of it, and no part without its block.
fn whole(
    side: &Side,
    cx: &Arrange<'_>,
    kinds: &[u8],
    blocks: &[Range<usize>],
    stays: &[bool],
) -> Result<(), Reject> {
    let wrong = |at: u64, why: &str| {
        Err(Reject::Structure {
            path: format!("{}: the frame at byte {}", cx.path, side.space.offset(at)),
            why: format!(
                "{why}; move, copy or remove the frames of a header block together, or write them as they are with --no-fix"
            ),
        })
    };
    let mut expected = side
        .around(cx.first.at / 8)
        .filter(|b| b.start < cx.first.at / 8);
    let mut at = cx.first.at;
    for (i, item) in cx.items.iter().enumerate() {
        if let Some(block) = expected.as_ref().filter(|b| at < b.end * 8) {
            let next = item.was.filter(|was| was.start == at && stays[i]);
            let Some(was) = next else { break };
            at = was.end();
            if at >= block.end * 8 {
                expected = None;
            }
            continue;
        }
        let block = blocks.partition_point(|b| b.end <= i);
        let in_block = blocks.get(block).is_some_and(|b| b.contains(&i));
        if kinds[i] != kind::CONTINUATION || in_block {
            continue;
        }
        // one that went on from no frame that is known does not now either
        let from = match (&item.new, item.was) {
            (_, Some(was)) => was.first_byte(),
            (Some(node), None) => node.span().first_byte(),
            (None, None) => continue,
        };
        let block = side.around(from);
        if item.was.is_none() || block.is_some_and(|b| b.start < from) {
            let why = "a CONTINUATION frame comes right after the frame that it goes on from";
            return wrong(from, why);
        }
    }
    const GOES_ON: &str = "its header block goes on in CONTINUATION frames";
    if let Some(block) = expected {
        return wrong(block.start, GOES_ON);
    }
    for block in blocks.iter().filter(|b| stays[b.start]) {
        let [first, last] = [block.start, block.end - 1].map(|i| cx.items[i].was);
        let own = first.and_then(|was| side.around(was.first_byte()));
        if let (Some(own), Some(last)) = (own, last)
            && last.end_byte() < own.end
        {
            return wrong(own.start, GOES_ON);
        }
    }
    Ok(())
}

/// A frame of a block, to be filled anew.
struct Part {
    /// Its header, and what comes before the fragment.
    before: Vec<u8>,
    /// Bytes of the fragment that it had.
    room: usize,
    /// Padding.
    after: Vec<u8>,
    /// Whether its length was assigned.
    fixed: bool,
    /// Whether the length of its padding follows.
    pads: bool,
}

/// A header field that is spelled out: how, its name, and its value.
type Literal = (Form, Vec<u8>, Vec<u8>);

/// The frames of a block with all its fields spelled out.
fn spelled(side: &Side, items: &[Placed], path: &str) -> Result<Vec<u8>, Reject> {
    let first = &items[0];
    let unknown = |why: &str| Reject::Structure {
        path: match (&first.new, first.was) {
            (None, Some(was)) => {
                let at = side.space.offset(was.first_byte());
                format!("{path}: the frame at byte {at}")
            }
            (new, _) => new.as_ref().map_or_else(String::new, Node::path_text),
        },
        why: format!("cannot come to another place: {why}; --no-fix writes its bytes as they are"),
    };
    let incomplete = || unknown("its header block is not whole, or not all known");
    let (fields, parts, complete) = match (&first.new, first.was) {
        (Some(node), _) => {
            let fields = fields_of(node).ok_or_else(incomplete)?;
            let parts = items.iter().map(|i| copied(i.new.as_ref()?, i));
            (fields, parts.collect::<Option<Vec<_>>>(), None)
        }
        (None, Some(was)) => {
            let read = side.block(was.first_byte()).ok_or_else(incomplete)?;
            let info = &read.0;
            let all: Vec<Splice> = items.iter().flat_map(|i| i.splices.clone()).collect();
            let changes = agree(&side.space, all)?;
            let block = settled(side, info, &changes, path)?;
            let fields = info.complete.then(|| fields_in(&block)).flatten();
            let parts = items.iter().map(|i| moved(side, i, &changes));
            let complete = info.fragments.len() == items.len();
            (
                fields.ok_or_else(incomplete)?,
                parts.collect(),
                Some(complete),
            )
        }
        (None, None) => return Err(incomplete()),
    };
    let mut parts = parts.filter(|p| !p.is_empty()).ok_or_else(incomplete)?;
    let last = parts.len() - 1;
    // a copy of some of the frames ends with the last of them
    let ends = |p: &Part| p.before[4] & END_HEADERS != 0;
    if !complete.unwrap_or(ends(&parts[last])) {
        parts[last].before[4] |= END_HEADERS;
    }
    let block: Vec<u8> = fields
        .iter()
        .flat_map(|(form, name, value)| write_literal(*form, 0, name, value))
        .collect();
    let mut rest = &block[..];
    let mut out = Vec::new();
    for (i, part) in parts.into_iter().enumerate() {
        let take = if i == last {
            rest.len()
        } else {
            part.room.min(rest.len())
        };
        let (fragment, left) = rest.split_at(take);
        rest = left;
        out.extend(
            part.filled(fragment)
                .ok_or_else(|| unknown("its padding is too long"))?,
        );
    }
    Ok(out)
}

impl Part {
    fn filled(mut self, fragment: &[u8]) -> Option<Vec<u8>> {
        let len = self.before.len() as u64 - HEAD + (fragment.len() + self.after.len()) as u64;
        if self.pads {
            self.before[HEAD as usize] = u8::try_from(self.after.len()).ok()?;
        }
        if !self.fixed {
            let bytes = u32::try_from(len).ok()?.to_be_bytes();
            self.before[..3].copy_from_slice(&bytes[1..]);
        }
        let most =
            MOST.max(self.before.len() as u64 - HEAD + (self.room + self.after.len()) as u64);
        let frame = [&self.before, fragment, &self.after].concat();
        Some(match len > most && !self.fixed {
            true => split(&frame, most),
            false => frame,
        })
    }
}

fn is_fixed(item: &Placed) -> bool {
    item.pinned.iter().any(|name| name == "length")
}

/// A frame of this direction, with the changes outside of its fragment.
fn moved(side: &Side, item: &Placed, changes: &[Splice]) -> Option<Part> {
    let was = item.was?;
    let (at, end) = (was.first_byte(), was.end_byte());
    let head = head_at(&side.space, at)?;
    let parts = Parts::of(&side.space, &head, at + HEAD, end);
    let span = |from: u64, to: u64| Span::bytes(from, to - from);
    let own = |span: Span| -> Vec<Splice> {
        // what is inserted at its ends belongs to the fragment
        let own = changes
            .iter()
            .filter(|c| span.contains(c.span) && c.span.len > 0);
        own.cloned().collect()
    };
    let part = |from: u64, to: u64| patched(&side.space, span(from, to), &own(span(from, to)));
    let pads = |at: u64| own(Span::bytes(at, 1)).is_empty();
    parts.fit.then(|| Part {
        before: part(at, parts.body),
        room: (parts.body_end - parts.body) as usize,
        after: part(parts.body_end, end),
        fixed: is_fixed(item),
        pads: parts.pad_length.is_some_and(pads),
    })
}

/// The same of a frame from elsewhere.
fn copied(node: &Node, item: &Placed) -> Option<Part> {
    let bytes = node.bytes().ok()?;
    let head = Head::of(&bytes)?;
    let space = Space::source(bytes.clone());
    let parts = Parts::of(&space, &head, HEAD, space.len());
    let payload = node.field("payload")?;
    let padding = payload.field("padding");
    let after = padding.map_or(Some(Vec::new()), |p| Some(p.bytes().ok()?.to_vec()))?;
    let pads = payload.field("pad_length").is_some_and(|p| !p.is_edited());
    parts.fit.then(|| Part {
        before: bytes[..parts.body as usize].to_vec(),
        room: (parts.body_end - parts.body) as usize,
        after,
        fixed: is_fixed(item),
        pads,
    })
}

fn literal(form: Form) -> Form {
    match form {
        Form::NeverIndexed => form,
        _ => Form::WithoutIndexing,
    }
}

/// The fields of a block, where all of them are known.
fn fields_in(block: &Block) -> Option<Vec<Literal>> {
    let fields = block
        .fields
        .iter()
        .filter(|f| f.repr.form != Form::SizeUpdate);
    let known = fields.map(|f| {
        let entry = f.entry()?;
        Some((
            literal(f.repr.form),
            entry.name.to_vec(),
            entry.value.to_vec(),
        ))
    });
    block.wrong.is_none().then(|| known.collect()).flatten()
}

/// The same of a frame from elsewhere.
fn fields_of(node: &Node) -> Option<Vec<Literal>> {
    let payload = node.field("payload")?;
    let headers = payload.field("headers")?;
    let text =
        |header: &Node, name: &str| header.field(name)?.scalar().as_bytes().map(<[u8]>::to_vec);
    let fields = headers.items().filter(|h| h.field("max_size").is_none());
    let known = fields.map(|h| {
        let never = h.field("representation")?.scalar() == Form::NeverIndexed.name().into();
        let form = if never {
            Form::NeverIndexed
        } else {
            Form::WithoutIndexing
        };
        Some((form, text(&h, "name")?, text(&h, "value")?))
    });
    payload.fault().is_none().then(|| known.collect()).flatten()
}
