//! Nodes that are kept.
//!
//! A node keeps its parent, and that keeps all that was decoded below it. Who keeps one field of each of many items would keep
//! them all. What is kept knows the way from an array further up instead; what lies between is decoded again if it is asked for.
//!
//! * A [`Kept`] node has no more than its way, which it shares, and its place: three words.
//! * A *light* node has what was decoded of itself, for those that cannot be so small.

use crate::green::{Green, Kind};
use crate::node::{Node, NodeKind, Parent, Red};
use crate::scalar::Scalar;
use crate::way::{Far, Stored, Trace, Way};
use crate::{Key, Malformed, Span};
use std::sync::Arc;

/// A node without edits of which no more is kept than where it is found again.
#[derive(Clone)]
pub struct Kept {
    way: Arc<Way>,
    /// Its bits, those of the item it is in, or its number: as [`Stored`] says.
    spot: u64,
    item: u32,
}

const _: () = assert!(size_of::<Kept>() <= 24);

/// What lies in more bytes than these is dear to decode again each time it is looked at.
const SMALL: u64 = 4096;

/// How many bits of a spot are for the length of a span.
const LEN: u32 = 20;

/// A span in a word; nothing if it lies too far behind, or is too long.
fn packed(span: Span) -> Option<u64> {
    let fits = span.start < 1 << (64 - LEN) && span.len < 1 << LEN;
    fits.then_some(span.start << LEN | span.len)
}

fn unpacked(spot: u64) -> Span {
    Span::bits(spot >> LEN, spot & ((1 << LEN) - 1))
}

/// Whether what lies there is decoded again quickly. What has no bytes of its own may be put together of many.
fn is_small(span: Span) -> bool {
    span.len > 0 && span.byte_len() <= SMALL
}

impl Kept {
    /// The node, decoded again as far as it must be.
    pub fn node(&self) -> Node {
        self.found().unwrap_or_else(|| self.gone())
    }

    fn far(&self) -> Far {
        Far {
            way: self.way.clone(),
            item: u64::from(self.item),
        }
    }

    fn found(&self) -> Option<Node> {
        let Way { base, keys, .. } = &*self.way;
        let item = || Parent::Node(base.clone(), Key::Index(u64::from(self.item)));
        let again = |kind: &Kind, depth, rule, parent| {
            let green = Green::new(kind.clone(), base.green.space.clone(), unpacked(self.spot));
            Node::at(Arc::new(Red {
                green: Arc::new(green.below(depth)),
                rule,
                parent,
                donor: None,
                around: None,
            }))
        };
        match &self.way.stored {
            Stored::Alike { kind, rule, depth } => {
                let parent = match keys.is_empty() {
                    true => item(),
                    false => Parent::Far(self.far()),
                };
                Some(again(kind, *depth, rule.clone(), parent))
            }
            Stored::Inside {
                item: kind, depth, ..
            } => again(kind, *depth, None, item()).down(keys),
            Stored::Computed(_) | Stored::Apart => Node::at(base.clone())
                .item(u64::from(self.item))?
                .down(keys),
        }
    }

    /// What is there if bytes changed since.
    fn gone(&self) -> Node {
        let green = &self.way.base.green;
        let format = self.way.format().cloned().unwrap_or_default();
        let nothing = Span::bits(green.span.start, 0);
        let kind = Kind::leaf(&crate::codec::Raw::ANY);
        Node::root_of(format, kind, green.space.clone(), nothing).wrong(Malformed::new(
            nothing.first_byte(),
            "what was decoded there",
            "bytes that changed since",
        ))
    }

    /// How the node looks to a query.
    pub fn kind(&self) -> NodeKind {
        match &self.way.stored {
            Stored::Alike { kind, .. } => kind.looks(),
            Stored::Inside { kind, .. } => *kind,
            Stored::Computed(_) => NodeKind::Scalar,
            Stored::Apart => self.node().kind(),
        }
    }

    /// The value that a query sees: see [`Node::scalar`].
    pub fn scalar(&self) -> Scalar {
        match &self.way.stored {
            Stored::Computed(codec) => {
                let actual = Scalar::Int(self.spot.into());
                codec.symbol(&actual).unwrap_or(actual)
            }
            _ => self.node().scalar(),
        }
    }

    /// The number that a scalar compares as, though it shows as a text.
    pub fn ordinal(&self) -> Option<i128> {
        match &self.way.stored {
            Stored::Computed(codec) => codec.is_ordinal().then_some(self.spot.into()),
            _ => self.node().ordinal(),
        }
    }
}

impl Node {
    /// The same node in as little memory as can be, for whoever keeps many; nothing if it has to be kept as [`Self::light`].
    pub fn kept(&self) -> Option<Kept> {
        let (red, green) = (&self.red, &self.red.green);
        if self.edit.is_some() || red.around.is_some() || green.format().is_some() {
            return None;
        }
        let trace = Trace::of(red)?;
        let (index, item) = trace.item?;
        let index = u32::try_from(index).ok()?;
        let kept = |stored, spot| {
            Some(Kept {
                way: trace.way(red, stored)?,
                spot,
                item: index,
            })
        };
        let small = match self.kind() {
            NodeKind::Scalar => true,
            _ => is_small(green.span),
        };
        let alone = green.is_plain() && green.space.same(&trace.base.green.space);
        match &green.kind {
            Kind::Computed(computed) if green.is_plain() => {
                if let Scalar::Int(n) = computed.1
                    && let Ok(n) = u64::try_from(n)
                {
                    return kept(Stored::Computed(computed.0.clone()), n);
                }
            }
            Kind::Computed(_) => {}
            kind if alone && small => {
                let alike = Stored::Alike {
                    kind: kind.clone(),
                    rule: red.rule.clone(),
                    depth: green.depth(),
                };
                let found = packed(green.span).and_then(|spot| kept(alike, spot));
                if found.is_some() {
                    return found;
                }
            }
            _ => {}
        }
        if trace.is_item() {
            return None;
        }
        let around = &item?.green;
        let fits = is_small(around.span)
            && around.is_plain()
            && around.format().is_none()
            && around.space.same(&trace.base.green.space);
        let inside = || Stored::Inside {
            item: around.kind.clone(),
            depth: around.depth(),
            kind: self.kind(),
        };
        fits.then(|| kept(inside(), packed(around.span)?)).flatten()
    }

    /// The same node, for whoever keeps many: it does not keep what was decoded around it and below it.
    #[must_use]
    pub fn light(&self) -> Node {
        let red = &self.red;
        let far = Trace::of(red).filter(|trace| !trace.is_short());
        let far = far.and_then(|trace| {
            Some(Far {
                way: trace.way(red, Stored::Apart)?,
                item: trace.item.map_or(0, |(i, _)| i),
            })
        });
        let parent = match far {
            Some(far) => Parent::Far(far),
            None => match &red.parent {
                Parent::Node(parent, key) if red.donor.is_none() => {
                    Parent::Node(parent.clone(), key.clone())
                }
                // the root, what was added, and what is light already
                _ => return self.clone(),
            },
        };
        let green = match &red.green.kind {
            Kind::Struct(_) => red.green.bare().map(Arc::new),
            // the index of an array is small, and dear to make
            _ => None,
        };
        if green.is_none() && matches!(parent, Parent::Node(..)) {
            return self.clone();
        }
        Node {
            red: Arc::new(Red {
                green: green.unwrap_or_else(|| red.green.clone()),
                rule: red.rule.clone(),
                parent,
                donor: None,
                around: red.around.clone(),
            }),
            edit: self.edit.clone(),
        }
    }
}
