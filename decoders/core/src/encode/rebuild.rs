//! Putting an input together anew from the values of its leaves, as a test of identity needs it.
//!
//! [`super::encode`] copies what no edit touches, so its output says nothing about what was decoded. Here nothing is copied for
//! being untouched: every leaf is decoded and encoded by its codec, every length prefix too, and the bytes are carried down
//! through the layers to where they came from.

use crate::codec::Codec;
use crate::frame::Frame;
use crate::green::{Green, Kind};
use crate::node::Node;
use crate::{Bits, Space, Span};

/// An input that was put together from its parts.
#[derive(Default)]
pub struct Rebuilt {
    /// The bytes; zeros where nothing is owned.
    pub bytes: Vec<u8>,
    /// For each byte, the bits that some part gave.
    owned: Vec<u8>,
    /// Leaves and length prefixes that were encoded from their values.
    pub encoded: u64,
    /// Leaves that have no value, of which the bytes were taken.
    pub copied: u64,
    /// What did not come out as it was, by path of the node and place in its space: a codec that spells another way, two
    /// parts that disagree.
    pub wrong: Vec<String>,
}

impl Rebuilt {
    /// The runs of bytes of which no part has all bits.
    pub fn unowned(&self) -> Vec<Span> {
        let mut out: Vec<Span> = Vec::new();
        for (i, _) in self.owned.iter().enumerate().filter(|(_, m)| **m != 0xff) {
            match out.last_mut() {
                Some(last) if last.end_byte() == i as u64 => last.len += 8,
                _ => out.push(Span::bytes(i as u64, 1)),
            }
        }
        out
    }

    /// Write bits of the input.
    fn write(&mut self, span: Span, bits: &Bits) -> bool {
        let (from, to) = (span.first_byte() as usize, span.end_byte() as usize);
        if to > self.bytes.len() {
            return false;
        }
        if span.is_aligned() {
            let new = bits.bytes();
            let old = &self.bytes[from..to];
            let owned = &mut self.owned[from..to];
            let agrees = |((o, m), n): ((&u8, &u8), &u8)| *m == 0 || (*o ^ *n) & *m == 0;
            let fits = old.iter().zip(&*owned).zip(new.iter()).all(agrees);
            owned.fill(0xff);
            self.bytes[from..to].copy_from_slice(new);
            return fits;
        }
        let mut fits = true;
        for i in 0..span.len {
            let (at, mask) = (
                ((span.start + i) / 8) as usize,
                0x80u8 >> ((span.start + i) % 8),
            );
            let new = bits.slice(i, 1).uint() == 1;
            fits &= self.owned[at] & mask == 0 || (self.bytes[at] & mask != 0) == new;
            self.owned[at] |= mask;
            self.bytes[at] = if new {
                self.bytes[at] | mask
            } else {
                self.bytes[at] & !mask
            };
        }
        fits
    }
}

/// Put an input together anew from what was decoded of it. The node is the root, and has no edits.
pub fn rebuild(root: &Node) -> Rebuilt {
    let input = root.green().space.clone();
    let len = input.len() as usize;
    let mut walk = Walk {
        input,
        path: Vec::new(),
        out: Rebuilt {
            bytes: vec![0; len],
            owned: vec![0; len],
            ..Rebuilt::default()
        },
    };
    walk.node(root.green());
    walk.out
}

struct Walk {
    input: Space,
    path: Vec<String>,
    out: Rebuilt,
}

impl Walk {
    fn node(&mut self, green: &Green) {
        match &green.kind {
            Kind::Computed(..) => {}
            Kind::Leaf(codec) => self.leaf(green, &**codec),
            Kind::Struct(shape) => {
                for found in green.every_field(&**shape) {
                    // what shows a default is not stored
                    if found.donor.is_some() {
                        continue;
                    }
                    self.path.push(format!(".{}", found.name));
                    self.framed(&found.green);
                    self.path.pop();
                }
            }
            Kind::Array(seq) => {
                let at = green.seq_at();
                let mut state = seq.start(&at);
                let mut i = 0u64;
                while let Some((step, frame)) = seq.framed_step(&at, &state) {
                    self.path.push(format!("[{i}]"));
                    self.framed(&green.item(step.kind, step.span, frame));
                    self.path.pop();
                    state = step.next;
                    i += 1;
                }
            }
        }
    }

    fn framed(&mut self, green: &Green) {
        if let Some(frame) = &green.frame {
            self.frame(&green.space, frame, Some(green.span));
        }
        self.node(green);
    }

    /// What is around a node: its length prefix is encoded, its tags are taken as they are.
    fn frame(&mut self, space: &Space, frame: &Frame, inner: Option<Span>) {
        if let Some(prefix) = &frame.len {
            self.value(space, prefix.span, prefix.codec);
        }
        let ends = frame.len.map(|p| p.span.start);
        if let Some(end) = ends.or(inner.map(|i| i.start)) {
            self.take(space, frame.outer.start, end);
        }
        if let Some(inner) = inner {
            self.take(space, inner.end(), frame.outer.end());
        }
        if let Some(up) = &frame.up {
            self.frame(space, up, None);
        }
    }

    fn take(&mut self, space: &Space, from: u64, to: u64) {
        if from < to {
            let span = Span::bits(from, to - from);
            self.carry(space, span, &space.bits(span));
        }
    }

    fn leaf(&mut self, green: &Green, codec: &dyn Codec) {
        if green.space.hole_in(green.span).is_none() {
            self.value(&green.space, green.span, codec);
        }
    }

    /// The bits of a value, from the value.
    fn value(&mut self, space: &Space, span: Span, codec: &dyn Codec) {
        let old = space.bits(span);
        let value = codec.known().or_else(|| codec.decode(&old).ok());
        let new = match value {
            Some(value) => match codec.encode(&value, &old) {
                Ok(new) => new,
                Err(e) => {
                    return self.wrong(span, &format!("is {value}, which it does not take: {e:?}"));
                }
            },
            None => {
                self.out.copied += 1;
                old.clone()
            }
        };
        self.out.encoded += 1;
        if new != old {
            self.wrong(
                span,
                &format!("{:02x?} became {:02x?}", &old.bytes()[..], &new.bytes()[..]),
            );
        }
        if span.len == new.len() {
            self.carry(space, span, &new);
        }
    }

    /// Bits of a space, down to the input.
    fn carry(&mut self, space: &Space, span: Span, bits: &Bits) {
        let Some((under, layer)) = space.under() else {
            // a space of its own, such as one that holds what was decoded before: nothing of the input
            if space.same(&self.input) && !self.out.write(span, bits) {
                self.wrong(span, "another part has other bits there");
            }
            return;
        };
        let (under, origins) = (under.clone(), layer.origins(span));
        let copies = layer.copies(span);
        let straight = origins.iter().map(|o| o.len).sum::<u64>() == span.len && {
            let mut done = 0;
            origins.iter().all(|o| {
                let same = under.bits(*o) == space.bits(Span::bits(span.start + done, o.len));
                done += o.len;
                same
            })
        };
        let mut done = 0;
        for origin in origins.into_iter().chain(copies) {
            // a layer that stores its bytes another way gives those that it read
            let new = if straight && done < span.len {
                bits.slice(done, origin.len)
            } else {
                under.bits(origin)
            };
            done += origin.len;
            self.carry(&under, origin, &new);
        }
    }

    fn wrong(&mut self, span: Span, what: &str) {
        if self.out.wrong.len() < 20 {
            let path = self.path.concat();
            let text = format!("{path} at byte {} of its space: {what}", span.first_byte());
            self.out.wrong.push(text.chars().take(400).collect());
        }
    }
}
