//! IPv4 (RFC 791) and IPv6 (RFC 8200).

use crate::codecs::{Checksum, Ip4, Ip6};
use crate::dissect::{
    self, AUTH, EXTENSIONS, FRAGMENT, Fragment, Ip, Length, Record, extension_len,
};
use crate::senders::{Senders, Sent};
use crate::tcp;
use binq_core::codec::{Bool, Codec, Int, Named, Raw, UBits};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Shape};
use binq_core::{Kind, Malformed, Ref, Severity, Space, Span};
use std::sync::Arc;

const PROTOCOLS: &[(i128, &str)] = &[
    (0, "hop_by_hop"),
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipv4"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (43, "routing"),
    (44, "fragment"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmpv6"),
    (59, "no_next"),
    (60, "destination_options"),
    (89, "ospf"),
    (132, "sctp"),
    (135, "mobility"),
    (139, "hip"),
    (140, "shim6"),
];

static PROTOCOL: Named<Int> = Named {
    number: Int::U8,
    names: PROTOCOLS,
};

/// What is at byte `at` of a packet, by its ether type.
pub fn kind(space: &Space, record: &Record, at: u64, kind: u16, senders: &Arc<Senders>) -> Kind {
    let bytes = space.read(record.data, record.body());
    let packet = Packet {
        record: *record,
        at,
        ip: dissect::ip(&bytes, at, kind, record.sent()),
        senders: senders.clone(),
    };
    match kind {
        dissect::IPV4 => Kind::shared(Arc::new(V4(packet))),
        dissect::IPV6 => Kind::shared(Arc::new(V6(packet))),
        _ => raw(),
    }
}

/// An IP packet.
struct Packet {
    record: Record,
    /// First byte in the packet of its record.
    at: u64,
    ip: Option<Ip>,
    senders: Arc<Senders>,
}

impl Packet {
    /// The checksum of its header, which is IPv4's.
    fn sum(&self, space: &Space) -> Sent {
        Sent::header(
            space,
            &self.record,
            (self.at, self.ip.as_ref()),
            &self.senders,
        )
    }

    /// What it carries.
    fn payload(&self, cx: &mut Cx<'_>, ip: &Ip) -> Result<(), Malformed> {
        let record = &self.record;
        let from = record.data + ip.payload.min(record.body());
        let to = record.data + ip.end.min(record.body());
        let kind = match ip.fragment {
            // the first fragment has the header
            None | Some(Fragment { offset: 0, .. }) => {
                tcp::kind(cx.at.space, record, ip, &self.senders)
            }
            Some(_) => None,
        };
        let span = Span::bytes(from, to - from);
        cx.node("payload", span, kind.unwrap_or_else(raw));
        // where no link header is around it, nobody else has what is behind the datagram
        let behind = Span::bytes(to, cx.at.span.end_byte() - to);
        if behind.len > 0 {
            cx.leaf("trailer", behind, &Raw::FIXED);
        }
        Ok(())
    }
}

fn raw() -> Kind {
    Kind::Leaf(Ref::Static(&Raw::ANY))
}

static V4_HEAD: [Field; 14] = [
    Field::bits("version", 0, 4, &UBits),
    Field::bits("ihl", 4, 4, &UBits),
    Field::bits("dscp", 8, 6, &UBits),
    Field::bits("ecn", 14, 2, &UBits),
    Field::leaf("total_length", 2, 2, &Int::U16BE),
    Field::leaf("identification", 4, 2, &Int::U16BE),
    Field::bits("reserved", 48, 1, &UBits),
    Field::bits("dont_fragment", 49, 1, &Bool),
    Field::bits("more_fragments", 50, 1, &Bool),
    Field::bits("fragment_offset", 51, 13, &UBits),
    Field::leaf("ttl", 8, 1, &Int::U8),
    Field::leaf("protocol", 9, 1, &PROTOCOL),
    Field::leaf("source_ip", 12, 4, &Ip4),
    Field::leaf("destination_ip", 16, 4, &Ip4),
];

/// An IPv4 packet.
struct V4(Packet);

impl Shape for V4 {
    fn name(&self) -> &'static str {
        "ipv4_packet"
    }

    fn layout(&self) -> &'static [Field] {
        &V4_HEAD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = self.0.record.data + self.0.at;
        let header = cx.at.read(0, 20);
        let ihl = u64::from(header.first().map_or(0, |b| b & 15)) * 4;
        let header_len = ihl.clamp(20, cx.at.len());
        let space = cx.at.space.clone();
        let sum: Arc<dyn Codec> = Arc::new(Checksum {
            space: space.clone(),
            of: self.0.sum(&space),
        });
        cx.leaf("header_checksum", Span::bytes(start + 10, 2), sum);
        if header_len > 20 {
            cx.leaf(
                "options",
                Span::bytes(start + 20, header_len - 20),
                &Raw::FIXED,
            );
        }
        let end = cx.at.span.end_byte();
        let Some(ip) = &self.0.ip else {
            let rest = start + header_len;
            cx.gap(&space, Span::bytes(rest, end - rest));
            let found = format!(
                "version {}, {ihl} bytes of header",
                header.first().map_or(0, |b| b >> 4)
            );
            return Err(Malformed::new(
                start,
                "version 4, a header of at least 20 bytes, and a total length that is no less",
                found,
            ));
        };
        self.0.payload(cx, ip)
    }

    fn short(&self, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
        Some(self.0.record.cut(at.span.end_byte(), wrong))
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        match field {
            "header_checksum" => self.0.sum(at.space).wrong(at.space),
            "total_length" => too_long(&self.0.record, self.0.ip.as_ref()?, 2, 0),
            _ => None,
        }
    }
}

/// What is wrong with the length in the header of an IP packet.
fn too_long(record: &Record, ip: &Ip, at: u64, counted: u64) -> Option<Malformed> {
    // what a short snaplen cut off is no fault of it
    if ip.end <= record.body() || record.captured < record.sent() {
        return None;
    }
    let most = (record.body() - ip.at).saturating_sub(counted);
    let said = ip.end - ip.at - counted;
    let field = match ip.length {
        Length::Jumbo(place) => place,
        _ => ip.at + at,
    };
    let wrong = Malformed::new(
        record.data + field,
        format!("at most {most}"),
        said.to_string(),
    );
    Some(wrong.with(Severity::Damage))
}

static V6_HEAD: [Field; 8] = [
    Field::bits("version", 0, 4, &UBits),
    Field::bits("ds", 4, 6, &UBits),
    Field::bits("ecn", 10, 2, &UBits),
    Field::bits("flow_label", 12, 20, &UBits),
    Field::leaf("payload_length", 4, 2, &Int::U16BE),
    Field::leaf("next_header", 6, 1, &PROTOCOL),
    Field::leaf("hop_limit", 7, 1, &Int::U8),
    Field::leaf("source_ip", 8, 16, &Ip6),
];

/// What is expected where its header is not all there.
const V6_EXPECTED: &str = "40 bytes of ipv6_packet";

/// An IPv6 packet.
struct V6(Packet);

impl Shape for V6 {
    fn name(&self) -> &'static str {
        "ipv6_packet"
    }

    fn layout(&self) -> &'static [Field] {
        &V6_HEAD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = self.0.record.data + self.0.at;
        let end = cx.at.span.end_byte();
        let space = cx.at.space.clone();
        if end - start < 40 {
            cx.gap(&space, Span::bytes(start + 24, end - start - 24));
            let found = format!("{} bytes", end - start);
            let wrong = Malformed::new(start, V6_EXPECTED, found);
            return Err(self.0.record.cut(end, wrong));
        }
        cx.leaf("destination_ip", Span::bytes(start + 24, 16), &Ip6);
        let Some(ip) = &self.0.ip else {
            cx.gap(&space, Span::bytes(start + 40, end - start - 40));
            let version = space.read(start, 1)[0] >> 4;
            if version != 6 {
                let found = format!("version {version}");
                return Err(Malformed::new(start, "version 6", found));
            }
            let said = u16::from_be_bytes([cx.at.read(4, 1)[0], cx.at.read(5, 1)[0]]);
            // by its length it goes on behind what the capture has of it
            let is_cut = self.0.at + 40 + u64::from(said) > self.0.record.body();
            let there = end - start - 40;
            return Err(match is_cut && self.0.record.is_cut_at(end) {
                true => {
                    let found = format!("{there} bytes, where the capture cut the packet");
                    Malformed::lost(end, "extension headers", found)
                }
                false => Malformed::new(
                    start,
                    "extension headers that fit into the payload",
                    format!("a payload of {said} bytes that ends within them"),
                ),
            });
        };
        let extensions = (ip.payload - ip.at - 40).min(end - start - 40);
        if extensions > 0 {
            let first = space.read(start + 6, 1)[0];
            let span = Span::bytes(start + 40, extensions);
            cx.node(
                "extensions",
                span,
                Kind::array(Arc::new(Extensions { first })),
            );
        }
        self.0.payload(cx, ip)
    }

    fn short(&self, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
        let expected = V6_EXPECTED.to_owned();
        let wrong = Malformed { expected, ..wrong };
        Some(self.0.record.cut(at.span.end_byte(), wrong))
    }

    fn check(&self, field: &str, _at: &At<'_>) -> Option<Malformed> {
        match field {
            "payload_length" => too_long(&self.0.record, self.0.ip.as_ref()?, 4, 40),
            _ => None,
        }
    }
}

/// Extension headers. The memory of the walk is the type of the next one.
struct Extensions {
    first: u8,
}

impl Sequence for Extensions {
    fn name(&self) -> &'static str {
        "extension header"
    }

    fn start(&self, at: &SeqAt<'_>) -> State {
        State {
            at: at.span.start,
            memory: self.first.into(),
            more: None,
        }
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let start = state.at / 8;
        let kind = state.memory as u8;
        let known = EXTENSIONS.contains(&kind) || kind == FRAGMENT || kind == AUTH;
        let left = at.span.end_byte().checked_sub(start)?;
        if left < 8 || !known {
            return None;
        }
        let head = at.space.read(start, 2);
        let len = extension_len(kind, head[1]).min(left);
        let span = Span::bytes(start, len);
        Some(Step {
            kind: Kind::fixed(if kind == FRAGMENT {
                &FragmentHeader
            } else {
                &Extension
            }),
            span,
            next: State {
                at: span.end(),
                memory: head[0].into(),
                more: None,
            },
        })
    }
}

struct Extension;

impl Shape for Extension {
    fn name(&self) -> &'static str {
        "extension header"
    }

    fn layout(&self) -> &'static [Field] {
        static FIELDS: [Field; 2] = [
            Field::leaf("next_header", 0, 1, &PROTOCOL),
            Field::leaf("length", 1, 1, &Int::U8),
        ];
        &FIELDS
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span = cx.at.span;
        let data = Span::bits(span.start + 16, span.len - 16);
        cx.leaf("data", data, &Raw::FIXED);
        Ok(())
    }
}

struct FragmentHeader;

impl Shape for FragmentHeader {
    fn name(&self) -> &'static str {
        "fragment header"
    }

    fn layout(&self) -> &'static [Field] {
        static FIELDS: [Field; 6] = [
            Field::leaf("next_header", 0, 1, &PROTOCOL),
            Field::leaf("reserved", 1, 1, &Int::U8),
            Field::bits("fragment_offset", 16, 13, &UBits),
            Field::bits("reserved2", 29, 2, &UBits),
            Field::bits("more_fragments", 31, 1, &Bool),
            Field::leaf("identification", 4, 4, &Int::U32BE),
        ];
        &FIELDS
    }
}
