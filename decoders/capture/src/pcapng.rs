//! Blocks of pcapng, draft-ietf-opsawg-pcapng.

use crate::dissect::Record;
use crate::file::{Block, Place, Section, beyond, block, next_block, options, packet_of};
use crate::hash;
use crate::link;
use crate::order::Order;
use crate::packets::{COMPUTED, time};
use crate::senders::Senders;
use binq_core::codec::{Codec, Int, Named, Raw, Representation, Text};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Ref, Scalar, Space, Span};
use std::sync::Arc;

/// `.blocks[]`.
pub struct Blocks(pub Arc<Senders>);

impl Sequence for Blocks {
    fn name(&self) -> &'static str {
        "block"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let section = state
            .more
            .as_ref()
            .and_then(|m| m.clone().downcast::<Section>().ok());
        let place = Place {
            at: state.at / 8,
            section,
        };
        let (block, next) = next_block(at.space, &place)?;
        let span = Span::bytes(block.at, block.end - block.at);
        let record = packet_of(at.space, &block);
        Some(Step {
            kind: Kind::shared(Arc::new(BlockShape {
                block,
                record,
                is_packet: false,
                senders: self.0.clone(),
            })),
            span,
            next: State {
                at: next.at * 8,
                memory: 0,
                more: next.section.map(|s| s as _),
            },
        })
    }
}

/// The struct of the block that holds a packet; `next` is the place after it.
pub fn packet_kind(senders: &Arc<Senders>, space: &Space, record: &Record, next: &Place) -> Kind {
    let place = Place {
        at: record.at,
        section: next.section.clone(),
    };
    match next_block(space, &place) {
        Some((block, _)) => Kind::shared(Arc::new(BlockShape {
            block,
            record: Some(*record),
            is_packet: true,
            senders: senders.clone(),
        })),
        // the walk has just found it there
        None => Kind::Leaf(Ref::Static(&Raw::FIXED)),
    }
}

/// A number with names, in the byte order of its section.
struct Symbols {
    order: Order,
    bytes: u64,
    names: &'static Named<Int>,
}

impl Codec for Symbols {
    fn representation(&self) -> Representation {
        self.order.codec(self.bytes).representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.order.codec(self.bytes).decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        self.order.codec(self.bytes).encode(value, like)
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        self.names.symbol(actual)
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        self.names.actual(symbol)
    }
}

static BLOCK_TYPES: Named<Int> = Named {
    number: Int::U32BE,
    names: &[
        (0x0a0d_0d0a, "section_header"),
        (1, "interface_description"),
        (2, "packet"),
        (3, "simple_packet"),
        (4, "name_resolution"),
        (5, "interface_statistics"),
        (6, "enhanced_packet"),
        (10, "decryption_secrets"),
        (0x0bad, "custom"),
        (0x4000_0bad, "custom_no_copy"),
    ],
};

static BYTE_ORDER_MAGIC: Named<Int> = Named {
    number: Int::U32BE,
    names: &[(0x1a2b_3c4d, "big_endian"), (0x4d3c_2b1a, "little_endian")],
};

struct BlockShape {
    block: Block,
    record: Option<Record>,
    /// Whether it is seen as a packet: then it is no other type of block, and its type is not shown.
    is_packet: bool,
    senders: Arc<Senders>,
}

/// Fields of a block before its options or data: name and size, signed or not.
fn fixed_fields(kind: u32) -> &'static [(&'static str, u64)] {
    match kind {
        block::INTERFACE => &[("link_type", 2), ("reserved", 2), ("snap_len", 4)],
        block::ENHANCED_PACKET => &[
            ("interface_id", 4),
            ("timestamp_high", 4),
            ("timestamp_low", 4),
            ("capture_packet_length", 4),
            ("original_packet_length", 4),
        ],
        block::PACKET => &[
            ("interface_id", 2),
            ("drops_count", 2),
            ("timestamp_high", 4),
            ("timestamp_low", 4),
            ("capture_packet_length", 4),
            ("original_packet_length", 4),
        ],
        block::SIMPLE_PACKET => &[("original_packet_length", 4)],
        block::STATISTICS => &[
            ("interface_id", 4),
            ("timestamp_high", 4),
            ("timestamp_low", 4),
        ],
        block::DECRYPTION_SECRETS => &[("secrets_type", 4), ("secrets_length", 4)],
        block::CUSTOM | block::CUSTOM_NO_COPY => &[("private_enterprise_number", 4)],
        _ => &[],
    }
}

impl BlockShape {
    /// What is wrong with a field before the options or data, which end at byte `to`.
    fn wrong(&self, name: &str, bytes: &[u8], at: u64, to: u64) -> Option<Malformed> {
        let order = self.block.section.order;
        let (said, expected) = match name {
            "interface_id" => {
                let said = match bytes.len() {
                    2 => order.u16(bytes).into(),
                    _ => order.u32(bytes),
                };
                let count = self.block.section.interfaces.len();
                let is_there = (said as usize) < count;
                (
                    said,
                    (!is_there).then(|| format!("one of the {count} interfaces before it"))?,
                )
            }
            "capture_packet_length" => {
                let said = order.u32(bytes);
                let most = to.saturating_sub(at + 8);
                if u64::from(said) <= most {
                    let number = self.record.as_ref()?.interface as usize;
                    let interface = self.block.section.interfaces.get(number)?;
                    return beyond(at, said, interface.snaplen);
                }
                (said, format!("at most {most}, up to the end of the block"))
            }
            _ => return None,
        };
        Some(Malformed::new(at, expected, said.to_string()))
    }

    fn body(&self, cx: &mut Cx<'_>, from: u64, to: u64) -> Result<(), Malformed> {
        let order = self.block.section.order;
        let mut at = from;
        for (name, len) in fixed_fields(self.block.kind) {
            if at + len > to {
                let space = cx.at.space.clone();
                cx.gap(&space, Span::bytes(at, to - at));
                return Err(Malformed::new(at, *name, format!("{} bytes", to - at)));
            }
            let span = Span::bytes(at, *len);
            let codec: Ref<dyn Codec> = match *name {
                "link_type" => {
                    let names: Arc<dyn Codec> = Arc::new(Symbols {
                        order,
                        bytes: 2,
                        names: &link::LINK_TYPE,
                    });
                    names.into()
                }
                _ => order.codec(*len),
            };
            let wrong = self.wrong(name, &cx.at.space.read(at, *len), at, to);
            let field = cx.leaf(*name, span, codec);
            if let Some(wrong) = wrong {
                field.wrong(wrong);
            }
            at += len;
        }
        if let Some(record) = &self.record {
            link::packet(cx, record, &self.senders);
            let end = record.data + record.captured;
            at = (end + (4 - (end - self.block.at) % 4) % 4).min(to);
            if at > end {
                cx.leaf("padding", Span::bytes(end, at - end), &Raw::FIXED);
            }
        }
        let with_options = matches!(
            self.block.kind,
            block::SECTION_HEADER
                | block::INTERFACE
                | block::ENHANCED_PACKET
                | block::PACKET
                | block::STATISTICS
        );
        if !with_options {
            cx.leaf("data", Span::bytes(at, to - at), &Raw::FIXED);
            return Ok(());
        }
        let all: Vec<_> = options(cx.at.space, order, at, to).collect();
        let end = all.last().map_or(at, |o| o.end);
        let list = Options {
            kind: self.block.kind,
            order,
            to,
            packet: self.record,
        };
        let span = Span::bytes(at, end - at);
        cx.node("options", span, Kind::array(Arc::new(list)));
        let space = cx.at.space.clone();
        cx.gap(&space, Span::bytes(end, to - end));
        Ok(())
    }
}

impl Shape for BlockShape {
    fn name(&self) -> &'static str {
        "block"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let order = self.block.section.order;
        let (at, end) = (self.block.at, self.block.end);
        let kind: Arc<dyn Codec> = Arc::new(Symbols {
            order,
            bytes: 4,
            names: &BLOCK_TYPES,
        });
        if !self.is_packet {
            let field = cx.leaf("type", Span::bytes(at, 4), kind);
            if at == 0 && self.block.kind != block::SECTION_HEADER {
                let found = self.block.kind.to_string();
                field.wrong(Malformed::new(at, "a section header first", found));
            }
        }
        let said = cx.at.space.read(at + 4, 4);
        let length = cx.leaf("length", Span::bytes(at + 4, 4), order.codec(4));
        if !self.block.sound {
            let said = order.u32(&said);
            let expected = format!("a block length of 12 to {}, a multiple of 4", end - at);
            length.wrong(Malformed::new(at + 4, expected, said.to_string()));
        }
        let mut from = at + 8;
        if self.block.kind == block::SECTION_HEADER {
            let mark = cx.at.space.read(from, 4);
            let magic = cx.leaf("byte_order_magic", Span::bytes(from, 4), &BYTE_ORDER_MAGIC);
            let mark = Order::BIG.u32(&mark);
            if BYTE_ORDER_MAGIC
                .names
                .iter()
                .all(|(n, _)| *n != mark.into())
            {
                let expected = "1a 2b 3c 4d, or the other way round";
                let [a, b, c, d] = mark.to_be_bytes();
                let found = format!("{a:02x} {b:02x} {c:02x} {d:02x}");
                magic.wrong(Malformed::new(from, expected, found));
            }
            from += 4;
        }
        let space = cx.at.space.clone();
        if !self.block.sound {
            cx.gap(&space, Span::bytes(from, end - from));
            return Ok(());
        }
        let to = end - 4;
        let short = || {
            let expected = "a section header of at least 28 bytes";
            Err(Malformed::new(at + 4, expected, (end - at).to_string()))
        };
        if from > to {
            cx.gap(&space, Span::bytes(from.min(end), end.saturating_sub(from)));
            return short();
        }
        let result = match self.block.kind {
            block::SECTION_HEADER if from + 12 > to => {
                cx.gap(&space, Span::bytes(from, to - from));
                short()
            }
            block::SECTION_HEADER => {
                cx.leaf("major_version", Span::bytes(from, 2), order.codec(2));
                cx.leaf("minor_version", Span::bytes(from + 2, 2), order.codec(2));
                cx.leaf("section_length", Span::bytes(from + 4, 8), order.codec(8));
                self.body(cx, from + 12, to)
            }
            _ => self.body(cx, from, to),
        };
        let footer = cx.leaf("footer_length", Span::bytes(to, 4), order.codec(4));
        let (a, b) = (space.read(at + 4, 4), space.read(to, 4));
        if a != b {
            let [right, said] = [a, b].map(|n| order.u32(&n).to_string());
            footer.wrong(Malformed::new(to, right, said));
        }
        result
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for BlockShape {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        match self.record {
            Some(_) => &COMPUTED,
            None => &[],
        }
    }

    fn compute(&self, _name: &str, _at: &At<'_>) -> Scalar {
        self.record.as_ref().map_or(Scalar::Null, time)
    }
}

/// The options of a block.
struct Options {
    kind: u32,
    order: Order,
    to: u64,
    packet: Option<Record>,
}

impl Sequence for Options {
    fn name(&self) -> &'static str {
        "option"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        if state.at >= at.span.end() {
            return None;
        }
        let option = options(at.space, self.order, state.at / 8, self.to).next()?;
        let span = Span::bytes(option.at, option.end - option.at);
        Some(Step {
            kind: Kind::shared(Arc::new(OptionShape {
                kind: self.kind,
                order: self.order,
                packet: self.packet,
                len: option.len,
                said: option.said,
                code: option.code,
            })),
            span,
            next: State::new(span.end()),
        })
    }
}

struct OptionShape {
    kind: u32,
    order: Order,
    packet: Option<Record>,
    code: u16,
    len: u64,
    said: u64,
}

static COMMON_OPTIONS: Named<Int> = Named {
    number: Int::U16BE,
    names: &[(0, "endofopt"), (1, "comment")],
};
static SECTION_OPTIONS: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0, "endofopt"),
        (1, "comment"),
        (2, "hardware"),
        (3, "os"),
        (4, "userappl"),
    ],
};
static INTERFACE_OPTIONS: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0, "endofopt"),
        (1, "comment"),
        (2, "name"),
        (3, "description"),
        (4, "ipv4_addr"),
        (5, "ipv6_addr"),
        (6, "mac_addr"),
        (7, "eui_addr"),
        (8, "speed"),
        (9, "tsresol"),
        (10, "tzone"),
        (11, "filter"),
        (12, "os"),
        (13, "fcslen"),
        (14, "tsoffset"),
        (15, "hardware"),
    ],
};
static PACKET_OPTIONS: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0, "endofopt"),
        (1, "comment"),
        (2, "flags"),
        (3, "hash"),
        (4, "dropcount"),
        (5, "packetid"),
        (6, "queue"),
        (7, "verdict"),
    ],
};
static STATISTICS_OPTIONS: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0, "endofopt"),
        (1, "comment"),
        (2, "starttime"),
        (3, "endtime"),
        (4, "ifrecv"),
        (5, "ifdrop"),
        (6, "filteraccept"),
        (7, "osdrop"),
        (8, "usrdeliv"),
    ],
};

impl Shape for OptionShape {
    fn name(&self) -> &'static str {
        "option"
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let is_hash = self.kind == block::ENHANCED_PACKET && self.code == hash::CODE;
        let packet = self.packet.filter(|_| is_hash && field == "value")?;
        let place = at.span.first_byte() + 4;
        let value = at.space.read(place, self.len);
        hash::wrong(place, &value, at.space, &packet)
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let at = cx.at.span.first_byte();
        let names = match self.kind {
            block::SECTION_HEADER => &SECTION_OPTIONS,
            block::INTERFACE => &INTERFACE_OPTIONS,
            block::ENHANCED_PACKET | block::PACKET => &PACKET_OPTIONS,
            block::STATISTICS => &STATISTICS_OPTIONS,
            _ => &COMMON_OPTIONS,
        };
        let code: Arc<dyn Codec> = Arc::new(Symbols {
            order: self.order,
            bytes: 2,
            names,
        });
        cx.leaf("code", Span::bytes(at, 2), code);
        cx.leaf("length", Span::bytes(at + 2, 2), self.order.codec(2));
        let value = Span::bytes(at + 4, self.len);
        let is_text = match self.kind {
            block::SECTION_HEADER => self.code <= 4,
            block::INTERFACE => matches!(self.code, 1..=3 | 11 | 12 | 15),
            _ => self.code == 1,
        };
        if is_text {
            cx.leaf("value", value, &FixedText);
        } else {
            cx.leaf("value", value, &Raw::FIXED);
        }
        let space = cx.at.space.clone();
        cx.gap(
            &space,
            Span::bits(value.end(), cx.at.span.end() - value.end()),
        );
        match self.said > self.len {
            true => Err(Malformed::new(
                at + 2,
                format!("an option of at most {} bytes", self.len),
                self.said.to_string(),
            )),
            false => Ok(()),
        }
    }
}

/// Text whose size cannot change.
struct FixedText;

impl Codec for FixedText {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Text.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Raw::FIXED.encode(value, like)
    }
}
