//! One direction of a connection: where its frames are, and its header blocks with the table before each.

use crate::exchange::Who;
use crate::http2::conduct::Conduct;
use crate::http2::frame::{HEAD, Head, Parts, head_at, kind};
use crate::http2::hpack::table::{Log, Window};
use crate::http2::hpack::{Block, read_block};
use crate::http2::limits::{Exceeded, Peer};
use crate::http2::malformed::Sent;
use binq_core::layer::{Gather, Layer};
use binq_core::{Malformed, Severity, Space, Span};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The connection preface, RFC 9113 section 3.4.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How far to look for the first frame of a stream whose beginning is not there.
const LOOK: u64 = 1 << 16;

/// What comes before the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// First byte after the HTTP/1.1 message that upgraded the connection; 0 if there is none.
    pub upgrade: u64,
    /// Whether the preface follows.
    pub preface: bool,
    /// First byte of the frames.
    pub frames: u64,
    /// Whether frames before it are missing.
    pub late: bool,
    /// Who sent it, where that is known.
    pub who: Option<Who>,
}

impl Begin {
    /// Frames that begin after an upgrade of so many bytes, and the preface.
    pub fn after(upgrade: u64, preface: bool) -> Self {
        Self {
            upgrade,
            preface,
            frames: upgrade + if preface { PREFACE.len() as u64 } else { 0 },
            late: false,
            who: preface.then_some(Who::Client),
        }
    }

    /// Frames that begin there, and before which others are missing.
    pub fn late(frames: u64) -> Self {
        Self {
            upgrade: 0,
            preface: false,
            frames,
            late: true,
            who: None,
        }
    }
}

/// The first byte from `at` on where frames of that sender seem to begin: three that follow each other, or fewer up to the very
/// end, or up to the next byte that is missing.
pub fn resync(stream: &Space, at: u64, who: Option<Who>) -> Option<u64> {
    let is_plausible = |head: &Head| head.is_plausible() && head.may_be_from(who);
    // a stream that a server promised is rare, and a message of gRPC behind the rest of a header looks like a frame of one
    let is_first = |head: &Head| {
        let promised =
            matches!(head.kind, kind::DATA | kind::HEADERS) && head.stream.is_multiple_of(2);
        is_plausible(head) && !(promised && who == Some(Who::Server))
    };
    let end = stream.len();
    let last = end.min(at + LOOK);
    let (mut from, mut window) = (at, stream.read(at, LOOK + HEAD));
    (at..last).find(|start| {
        // what is read ends where bytes are missing: it is read on behind them
        if *start >= from + window.len() as u64 {
            if stream.hole_in(Span::bytes(*start, 1)).is_some() {
                return false;
            }
            (from, window) = (*start, stream.read(*start, last + HEAD - start));
        }
        // most bytes are no frame header: seen without asking for holes
        let bytes = &window[(start - from) as usize..];
        if !Head::of(bytes).is_some_and(|h| is_first(&h)) {
            return false;
        }
        let mut next = *start;
        for count in 0..3 {
            let head = match head_at(stream, next) {
                Some(head) if is_plausible(&head) => head,
                _ => return false,
            };
            next += HEAD + head.length;
            // a frame that ends where bytes are missing was not there by chance: its length says so
            let at_hole = || {
                let hole = stream.hole_in(Span::bytes(next, 1));
                hole.is_some() && stream.hole_in(Span::bytes(next - 1, 1)).is_none()
            };
            if next == end || next < end && at_hole() {
                // the type and flags of DATA are zeros, as much else is: one alone may be none
                let first = *start == at
                    || *start > 0 && stream.hole_in(Span::bytes(start - 1, 1)).is_some();
                return count > 0 || head.kind != kind::DATA || first;
            }
            if next > end {
                return false;
            }
        }
        true
    })
}

/// A step of the walk over frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A frame and its end; the end may be that of the stream.
    Frame(Head, u64),
    /// Bytes up to this one belong to no frame that is known.
    Lost(u64),
    /// Fewer bytes than a header has.
    End,
}

/// What is at a byte where a frame should begin.
pub fn look(space: &Space, at: u64, who: Option<Who>) -> Look {
    let len = space.len();
    if at >= len {
        return Look::End;
    }
    if let Some(head) = head_at(space, at) {
        return Look::Frame(head, (at + HEAD + head.length).min(len));
    }
    match space.hole_in(Span::bytes(at, HEAD.min(len - at))) {
        Some(hole) => Look::Lost(resync(space, hole.end_byte().max(at + 1), who).unwrap_or(len)),
        None => Look::End,
    }
}

/// A header block: the fragments of a HEADERS or PUSH_PROMISE frame and of the CONTINUATION frames after it.
#[derive(Clone, Debug)]
pub struct BlockInfo {
    /// First byte of the first frame.
    pub frame: u64,
    /// First byte after the last frame.
    pub end: u64,
    /// The stream.
    pub stream: u32,
    /// The fragments, in bytes of the framed space: first byte and length.
    pub fragments: Runs,
    /// The table before it.
    pub table: Window,
    /// Whether all of it is there.
    pub complete: bool,
}

/// Runs of bytes: first byte and length of each. There is mostly one.
#[derive(Clone, Debug)]
pub enum Runs {
    /// One.
    One((u64, u64)),
    /// Any number.
    Many(Vec<(u64, u64)>),
}

impl Runs {
    /// Append one.
    pub fn push(&mut self, run: (u64, u64)) {
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, run]),
            Self::Many(all) if all.is_empty() => *self = Self::One(run),
            Self::Many(all) => all.push(run),
        }
    }
}

impl Default for Runs {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl std::ops::Deref for Runs {
    type Target = [(u64, u64)];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::One(run) => std::slice::from_ref(run),
            Self::Many(all) => all,
        }
    }
}

/// What is known so far.
struct Progress {
    at: u64,
    who: Option<Who>,
    blocks: Vec<BlockInfo>,
    open: Option<BlockInfo>,
    log: Log,
    table: Window,
    /// Where bytes belong to no frame that is known: first byte, and the first byte after them.
    lost: Vec<(u64, u64)>,
    /// The blocks that were read last: a call asks for its own several times.
    recent: VecDeque<(u64, Arc<Read>)>,
}

/// A header block, and what it says.
pub type Read = (BlockInfo, Block);

/// How many blocks are kept as they were read.
const RECENT: usize = 16;

/// One direction of a connection.
pub struct Side {
    /// The stream, as its nodes see it.
    pub space: Space,
    /// What comes before the frames.
    pub begin: Begin,
    /// How bad it is that what was begun is not all there: a capture may end before its connections do.
    pub at_end: Severity,
    progress: Mutex<Progress>,
    /// What was sent on its streams, once somebody asks what is wrong.
    sent: OnceLock<Sent>,
    /// The other direction, if it is known.
    peer: OnceLock<Peer>,
    exceeded: OnceLock<Exceeded>,
    conduct: OnceLock<Conduct>,
}

impl Side {
    /// A direction whose frames begin there.
    pub fn new(space: Space, begin: Begin) -> Self {
        let mut table = Window::new();
        if begin.late {
            table.forget();
        }
        Self {
            space,
            begin,
            at_end: Severity::Stops,
            sent: OnceLock::new(),
            peer: OnceLock::new(),
            exceeded: OnceLock::new(),
            conduct: OnceLock::new(),
            progress: Mutex::new(Progress {
                at: begin.frames,
                who: begin.who,
                blocks: Vec::new(),
                open: None,
                log: Log::default(),
                table,
                lost: Vec::new(),
                recent: VecDeque::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // a walk that panicked would leave what it had found before
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent on its streams.
    pub fn sent(&self) -> &Sent {
        self.sent.get_or_init(|| Sent::of(self))
    }

    /// The other direction of its connection is that.
    pub fn meet(&self, peer: Peer) {
        // there is one
        _ = self.peer.set(peer);
    }

    /// The other direction of its connection.
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.get()
    }

    /// What was sent beyond the limits of the peer.
    pub fn exceeded(&self) -> &Exceeded {
        self.exceeded.get_or_init(|| Exceeded::of(self))
    }

    /// What was sent that no peer may send.
    pub fn conduct(&self) -> &Conduct {
        self.conduct.get_or_init(|| Conduct::of(self))
    }

    /// The header block that begins with the frame at this byte, and what it says.
    pub fn block(&self, frame: u64) -> Option<Arc<Read>> {
        self.lock().block(&self.space, frame)
    }

    /// First byte of the header block that the frame at this byte belongs to, and the first byte after it.
    pub fn around(&self, frame: u64) -> Option<Range<u64>> {
        let mut p = self.lock();
        p.pass_to(&self.space, frame);
        let i = p
            .blocks
            .partition_point(|b| b.frame <= frame)
            .checked_sub(1)?;
        let block = p.blocks.get(i).filter(|b| frame < b.end)?;
        Some(block.frame..block.end)
    }

    /// Where frames may be missing, as far as a walk over them came: first byte, and the first byte after them.
    pub fn lost(&self) -> Vec<(u64, u64)> {
        self.lock().lost.clone()
    }

    /// What the dynamic table held when it was that.
    pub fn log(&self, table: &Window) -> Log {
        self.lock().log.of(table)
    }

    /// A walk over the frames from this one on. Nobody else can ask for blocks while it lasts.
    pub fn walk(&self, at: u64) -> Walk<'_> {
        Walk {
            space: &self.space,
            who: self.begin.who,
            at,
            progress: self.lock(),
        }
    }

    /// All header blocks, and the log of the dynamic table.
    pub fn blocks(self) -> (Vec<BlockInfo>, Log) {
        let mut p = self.progress.into_inner();
        let p = p.as_mut().unwrap_or_else(|e| e.get_mut());
        while p.advance(&self.space) {}
        (std::mem::take(&mut p.blocks), std::mem::take(&mut p.log))
    }
}

/// A walk over the frames of a direction, which reads the header blocks on its way.
pub struct Walk<'a> {
    /// The space that the frames lie in.
    pub space: &'a Space,
    who: Option<Who>,
    /// First byte of the next frame.
    pub at: u64,
    progress: MutexGuard<'a, Progress>,
}

impl Walk<'_> {
    /// The header block that begins with the frame at this byte.
    pub fn block(&mut self, frame: u64) -> Option<Arc<Read>> {
        self.progress.block(self.space, frame)
    }
}

impl Iterator for Walk<'_> {
    /// First byte of a frame, its header, and the first byte after it.
    type Item = (u64, Head, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.at;
            let found = look(self.space, at, self.who);
            if self.progress.at == at {
                self.progress.pass(self.space, found);
            }
            match found {
                Look::Frame(head, end) => {
                    self.at = end;
                    return Some((at, head, end));
                }
                Look::Lost(end) => self.at = end,
                Look::End => return None,
            }
        }
    }
}

impl BlockInfo {
    /// The space that the block lies in, and its span there.
    pub fn space(&self, framed: &Space) -> (Space, Span) {
        if let [(at, len)] = self.fragments[..] {
            return (framed.clone(), Span::bytes(at, len));
        }
        let gather = self.gather();
        let span = Span::bytes(0, gather.len());
        (Space::derived(framed.clone(), Arc::new(gather)), span)
    }

    /// Its fragments in one piece.
    pub fn gather(&self) -> Gather {
        let mut gather = Gather::new();
        for (at, len) in self.fragments.iter() {
            gather.push_apart(*at, *len);
        }
        gather
    }

    /// Its bytes, up to the first one that is missing from the input: what comes after it cannot be read.
    pub fn bytes(&self, framed: &Space) -> Bytes {
        let mut all = Vec::new();
        for (at, len) in self.fragments.iter() {
            let part = framed.read(*at, *len);
            all.extend_from_slice(&part);
            if (part.len() as u64) < *len {
                break;
            }
        }
        all.into()
    }

    fn read(&self, framed: &Space, log: &mut Log) -> Block {
        let mut table = self.table;
        let mut read = read_block(&self.bytes(framed), log, &mut table);
        if !self.complete {
            (read.wrong, read.broken) = (None, None);
        }
        read
    }

    /// Why it is not whole, if it is not: of which its first frame, in whose space it is, tells.
    pub fn cut(&self, side: &Side) -> Option<Malformed> {
        if self.complete {
            return None;
        }
        let framed = &side.space;
        let (expected, found) = (
            "a whole header block",
            "a part of one; the rest is not there",
        );
        // what the input does not hold is no fault of who sent it
        let fragments = self.fragments.iter();
        let fragments = fragments.map(|(at, len)| Span::bytes(*at, *len));
        let missing = fragments
            .chain([Span::bytes(self.end, HEAD)])
            .find_map(|span| {
                let hole = framed.hole_in(span)?;
                Some(hole.first_byte().max(span.first_byte()))
            });
        if let Some(at) = missing {
            return Some(Malformed::lost(at, expected, found));
        }
        let first = self.fragments.first();
        let end = first.map_or(self.frame, |(at, len)| at + len);
        let broken = Malformed::new(end, expected, found);
        Some(match self.end == framed.len() {
            true => broken.with(side.at_end),
            false => broken,
        })
    }

    fn has_hole(&self, framed: &Space) -> bool {
        let mut spans = self
            .fragments
            .iter()
            .map(|(at, len)| Span::bytes(*at, *len));
        spans.any(|s| framed.hole_in(s).is_some())
    }
}

impl Progress {
    fn block(&mut self, space: &Space, frame: u64) -> Option<Arc<Read>> {
        let recent = |p: &Self| {
            let found = p.recent.iter().rev().find(|(at, _)| *at == frame);
            found.map(|(_, read)| read.clone())
        };
        if let Some(read) = recent(self) {
            return Some(read);
        }
        if self.pass_to(space, frame)
            && let Some(read) = recent(self)
        {
            return Some(read);
        }
        let i = self.blocks.binary_search_by_key(&frame, |b| b.frame).ok()?;
        let info = self.blocks[i].clone();
        let block = info.read(space, &mut self.log);
        Some(self.keep(info, block))
    }

    /// Walk up to a frame and to the end of its header block; whether that was still to do.
    fn pass_to(&mut self, space: &Space, frame: u64) -> bool {
        let ahead = |p: &Self| p.at <= frame || p.open.is_some();
        let was = ahead(self);
        while ahead(self) && self.advance(space) {}
        was
    }

    /// Walk over one frame; false at the end.
    fn advance(&mut self, space: &Space) -> bool {
        self.pass(space, look(space, self.at, self.who))
    }

    /// Walk over what is there; false at the end.
    fn pass(&mut self, space: &Space, found: Look) -> bool {
        let at = self.at;
        let (head, end) = match found {
            Look::Frame(head, end) => (head, end),
            Look::Lost(until) => {
                self.at = until;
                self.lost.push((at, until));
                self.close(space, false);
                self.table.forget();
                return true;
            }
            Look::End => {
                self.close(space, false);
                return false;
            }
        };
        self.at = end;
        let cut = end < at + HEAD + head.length;
        if head.has_fragment() {
            let parts = Parts::of(space, &head, at + HEAD, end);
            let fragment = (parts.body, parts.body_end - parts.body);
            match &mut self.open {
                Some(open) if head.kind == kind::CONTINUATION && open.stream == head.stream => {
                    open.fragments.push(fragment);
                    open.end = end;
                }
                open => {
                    // a continuation of nothing is a lost block, too
                    let lost = open.is_some() || head.kind == kind::CONTINUATION;
                    if lost {
                        self.close(space, false);
                        self.table.forget();
                    }
                    self.open = Some(BlockInfo {
                        frame: at,
                        end,
                        stream: head.stream,
                        fragments: Runs::One(fragment),
                        table: self.table,
                        complete: parts.fit && head.kind != kind::CONTINUATION,
                    });
                }
            }
            let ended = head.has(crate::http2::frame::END_HEADERS);
            if ended || cut {
                self.close(space, ended && !cut);
            }
        } else if self.open.is_some() {
            self.close(space, false);
        }
        true
    }

    fn keep(&mut self, info: BlockInfo, block: Block) -> Arc<Read> {
        let frame = info.frame;
        let read = Arc::new((info, block));
        self.recent.push_back((frame, read.clone()));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        read
    }

    /// The open block has all the fragments that it will get.
    fn close(&mut self, space: &Space, complete: bool) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        block.complete &= complete && !block.has_hole(space);
        let bytes = block.bytes(space);
        let mut read = read_block(&bytes, &mut self.log, &mut self.table);
        if !block.complete {
            // what breaks off is not malformed
            (read.wrong, read.broken) = (None, None);
            self.table.forget();
        }
        self.keep(block.clone(), read);
        self.blocks.push(block);
    }
}
