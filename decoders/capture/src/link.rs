//! Link layers: Ethernet, Linux cooked, BSD loopback, raw IP.

use crate::codecs::Mac;
use crate::dissect::{self, Record, VLAN, carried, link};
use crate::fcs::{self, Fcs};
use crate::ip;
use crate::senders::Senders;
use binq_core::codec::{Codec, Int, Named, Raw, UBits};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Fixed, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Ref, Scalar, Span};
use std::sync::Arc;

/// Link types that are decoded, and some that are not.
pub static LINK_TYPE: Named<Int> = Named {
    number: Int::U32BE,
    names: &[
        (0, "null"),
        (1, "ethernet"),
        (101, "raw"),
        (105, "ieee802_11"),
        (108, "loop"),
        (113, "linux_sll"),
        (127, "ieee802_11_radiotap"),
        (228, "ipv4"),
        (229, "ipv6"),
        (276, "linux_sll2"),
    ],
};

static ETHER_TYPE: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0x0800, "ipv4"),
        (0x0806, "arp"),
        (0x8100, "vlan"),
        (0x86dd, "ipv6"),
        (0x88a8, "qinq"),
        (0x88cc, "lldp"),
    ],
};

static ETHERNET: [Field; 3] = [
    Field::leaf("destination", 0, 6, &Mac),
    Field::leaf("source", 6, 6, &Mac),
    Field::leaf("ether_type", 12, 2, &ETHER_TYPE),
];

static SLL_PACKET_TYPE: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (0, "to_us"),
        (1, "broadcast"),
        (2, "multicast"),
        (3, "to_other"),
        (4, "from_us"),
    ],
};

static SLL2_PACKET_TYPE: Named<Int> = Named {
    number: Int::U8,
    names: SLL_PACKET_TYPE.names,
};

static SLL: [Field; 5] = [
    Field::leaf("packet_type", 0, 2, &SLL_PACKET_TYPE),
    Field::leaf("arphrd_type", 2, 2, &Int::U16BE),
    Field::leaf("link_address_length", 4, 2, &Int::U16BE),
    Field::leaf("link_address", 6, 8, &Raw::FIXED),
    Field::leaf("protocol_type", 14, 2, &ETHER_TYPE),
];

static SLL2: [Field; 7] = [
    Field::leaf("protocol_type", 0, 2, &ETHER_TYPE),
    Field::leaf("reserved", 2, 2, &Int::U16BE),
    Field::leaf("interface_index", 4, 4, &Int::U32BE),
    Field::leaf("arphrd_type", 8, 2, &Int::U16BE),
    Field::leaf("packet_type", 10, 1, &SLL2_PACKET_TYPE),
    Field::leaf("link_address_length", 11, 1, &Int::U8),
    Field::leaf("link_address", 12, 8, &Raw::FIXED),
];

static FAMILIES: &[(i128, &str)] = &[
    (2, "ipv4"),
    (10, "ipv6"),
    (24, "ipv6"),
    (28, "ipv6"),
    (30, "ipv6"),
];
static FAMILY_BE: Named<Int> = Named {
    number: Int::U32BE,
    names: FAMILIES,
};
static FAMILY_LE: Named<Int> = Named {
    number: Int::U32LE,
    names: FAMILIES,
};
static LOOP: [Field; 1] = [Field::leaf("address_family", 0, 4, &FAMILY_BE)];
static NULL_BE: [Field; 1] = [Field::leaf("address_family", 0, 4, &Family(&FAMILY_BE))];
static NULL_LE: [Field; 1] = [Field::leaf("address_family", 0, 4, &Family(&FAMILY_LE))];

/// A family in the byte order of the capturing machine, which only its bytes tell.
struct Family(&'static Named<Int>);

/// The family is small: in the other order its first two bytes would not be zero.
fn is_little(family: &[u8]) -> bool {
    family.get(..2).is_some_and(|b| *b != [0, 0])
}

impl Codec for Family {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.0.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let bits = self.0.encode(value, like)?;
        if is_little(bits.bytes()) != is_little(like.bytes()) {
            let wanted = "an integer from 1 to 65535, which tells the byte order";
            return Err(Misfit::new(wanted, value));
        }
        Ok(bits)
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        self.0.symbol(actual)
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        self.0.actual(symbol)
    }
}

/// Add the packet of a record as a field.
pub fn packet(cx: &mut Cx<'_>, record: &Record, senders: &Arc<Senders>) {
    let span = dissect::data_span(record);
    let kind = match record.link {
        link::ETHERNET | link::LINUX_SLL | link::LINUX_SLL2 | link::NULL | link::LOOP => {
            let first = cx.at.space.read(record.data, 4);
            let little = record.link == link::NULL && is_little(&first);
            Kind::shared(Arc::new(LinkFrame {
                record: *record,
                little,
                senders: senders.clone(),
            }))
        }
        link::RAW | link::RAW_OLD | link::RAW_OPENBSD | link::IPV4 | link::IPV6 => {
            ip::kind(cx.at.space, record, 0, raw_version(record, cx), senders)
        }
        _ => raw(),
    };
    cx.node("packet", span, kind);
}

fn raw_version(record: &Record, cx: &Cx<'_>) -> u16 {
    let first = cx.at.space.read(record.data, 1);
    match (record.link, first.first().map(|b| b >> 4)) {
        // the link says it, whatever the packet says: as when its bytes are looked at for a stream
        (link::IPV4, _) => dissect::IPV4,
        (link::IPV6, _) | (_, Some(6)) => dissect::IPV6,
        // a version that is neither is read as the older one, with a fault
        _ => dissect::IPV4,
    }
}

fn raw() -> Kind {
    Kind::Leaf(Ref::Static(&Raw::FIXED))
}

/// A link layer frame.
struct LinkFrame {
    record: Record,
    little: bool,
    senders: Arc<Senders>,
}

impl Shape for LinkFrame {
    fn name(&self) -> &'static str {
        match self.record.link {
            link::ETHERNET => "ether8023_frame",
            link::LINUX_SLL => "sll_packet",
            link::LINUX_SLL2 => "sll2_packet",
            _ => "bsd_loopback_frame",
        }
    }

    fn layout(&self) -> &'static [Field] {
        match self.record.link {
            link::ETHERNET => &ETHERNET,
            link::LINUX_SLL => &SLL,
            link::LINUX_SLL2 => &SLL2,
            link::LOOP => &LOOP,
            _ if self.little => &NULL_LE,
            _ => &NULL_BE,
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let record = &self.record;
        let bytes = cx.at.space.read(record.data, record.body());
        let fixed = self.layout().last().map_or(0, |f| f.span.end()) / 8;
        let carried = carried(record.link, &bytes);
        let at = carried.map_or(fixed, |c| c.at);
        if at > fixed {
            let span = Span::bytes(record.data + fixed, at - fixed);
            cx.node("vlan_tags", span, Kind::array(Arc::new(VlanTags)));
        } else if record.link == link::ETHERNET
            && carried.is_none()
            && bytes
                .get(12..14)
                .is_some_and(|b| VLAN.contains(&u16::from_be_bytes([b[0], b[1]])))
        {
            let space = cx.at.space.clone();
            cx.gap(
                &space,
                Span::bytes(record.data + fixed, record.captured - fixed),
            );
            let wrong = Malformed::new(
                record.data + fixed,
                "a VLAN tag",
                format!("{} bytes", record.body() - fixed.min(record.body())),
            );
            return Err(record.cut(record.data + record.body(), wrong));
        }
        let kind = carried.map_or(0, |c| c.kind);
        // what is behind the datagram is not part of it: padding to the least size of an Ethernet frame
        let ip = dissect::ip(&bytes, at, kind, record.sent());
        let body = record.body();
        let end = ip.map_or(body, |ip| ip.end.min(body));
        let span = Span::bytes(record.data + at, end - at);
        let payload = ip::kind(cx.at.space, record, at, kind, &self.senders);
        cx.node("payload", span, payload);
        let trailer = Span::bytes(record.data + end, body - end);
        if trailer.len > 0 {
            cx.leaf("trailer", trailer, &Raw::FIXED);
        }
        let fcs = Span::bytes(record.data + body, record.captured - body);
        if record.captured > body {
            match fcs::is_crc(record) {
                true => {
                    let of = Span::bytes(record.data, body);
                    let codec: Arc<dyn Codec> = Arc::new(Fcs::new(cx.at.space, of));
                    cx.leaf("fcs", fcs, codec)
                }
                false => cx.leaf("fcs", fcs, &Raw::FIXED),
            };
        }
        Ok(())
    }

    fn short(&self, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
        Some(self.record.cut(at.span.end_byte(), wrong))
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        match field {
            "fcs" if fcs::is_crc(&self.record) => fcs::wrong(at.space, &self.record),
            _ => None,
        }
    }
}

/// VLAN tags, IEEE 802.1Q: each without its own ether type, but with that of what follows.
struct VlanTags;

static VLAN_TAG: Fixed = Fixed {
    name: "vlan_tag",
    fields: &[
        Field::bits("pcp", 0, 3, &UBits),
        Field::bits("dei", 3, 1, &UBits),
        Field::bits("vid", 4, 12, &UBits),
        Field::leaf("ether_type", 2, 2, &ETHER_TYPE),
    ],
    word: None,
};

impl Sequence for VlanTags {
    fn name(&self) -> &'static str {
        "vlan_tag"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 32);
        at.span.contains(span).then(|| Step {
            kind: Kind::fixed(&VLAN_TAG),
            span,
            next: State::new(span.end()),
        })
    }

    fn stride(&self) -> Option<u64> {
        Some(32)
    }
}
