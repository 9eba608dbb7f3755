//! TCP (RFC 9293) and UDP (RFC 768).

use crate::checksum::pseudo;
use crate::codecs::Checksum;
use crate::dissect::{self, Ip, Record};
use crate::senders::{Protocol, Senders, Sent};
use binq_core::codec::{Bool, Codec, Int, Named, Raw, UBits};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Shape};
use binq_core::{Kind, Malformed, Severity, Space, Span};
use std::net::IpAddr;
use std::sync::Arc;

/// The pseudo header of what an IP packet carries.
pub fn pseudo_header(ip: &Ip, len: u64) -> Vec<u8> {
    let [from, to] = ip.ends.unwrap_or([ip.source, ip.destination]);
    pseudo_of(from, to, ip.protocol, len)
}

/// The pseudo header of so many bytes between these addresses.
pub fn pseudo_of(from: IpAddr, to: IpAddr, protocol: u8, len: u64) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(a), IpAddr::V4(b)) => pseudo(&a.octets(), &b.octets(), protocol, len),
        (IpAddr::V6(a), IpAddr::V6(b)) => pseudo(&a.octets(), &b.octets(), protocol, len),
        _ => Vec::new(),
    }
}

/// What an IP packet carries, if that is TCP or UDP.
pub fn kind(space: &Space, record: &Record, ip: &Ip, senders: &Arc<Senders>) -> Option<Kind> {
    let known = summed(ip.protocol)?;
    let sum = Sent::transport(space, record, (ip, &known), senders);
    let ip = *ip;
    Some(match known.udp {
        false => Kind::shared(Arc::new(Segment { ip, sum })),
        true => Kind::shared(Arc::new(Datagram { ip, sum })),
    })
}

static HEAD: [Field; 17] = [
    Field::leaf("source_port", 0, 2, &Int::U16BE),
    Field::leaf("destination_port", 2, 2, &Int::U16BE),
    Field::leaf("sequence_number", 4, 4, &Int::U32BE),
    Field::leaf("acknowledgment_number", 8, 4, &Int::U32BE),
    Field::bits("data_offset", 96, 4, &UBits),
    Field::bits("reserved", 100, 3, &UBits),
    Field::bits("ns", 103, 1, &Bool),
    Field::bits("cwr", 104, 1, &Bool),
    Field::bits("ece", 105, 1, &Bool),
    Field::bits("urg", 106, 1, &Bool),
    Field::bits("ack", 107, 1, &Bool),
    Field::bits("psh", 108, 1, &Bool),
    Field::bits("rst", 109, 1, &Bool),
    Field::bits("syn", 110, 1, &Bool),
    Field::bits("fin", 111, 1, &Bool),
    Field::leaf("window_size", 14, 2, &Int::U16BE),
    Field::leaf("urgent_pointer", 18, 2, &Int::U16BE),
];

struct Segment {
    ip: Ip,
    sum: Sent,
}

impl Shape for Segment {
    fn name(&self) -> &'static str {
        "tcp_segment"
    }

    fn layout(&self) -> &'static [Field] {
        &HEAD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = cx.at.span.first_byte();
        let end = cx.at.span.end_byte();
        let sum: Arc<dyn Codec> = Arc::new(Checksum {
            space: cx.at.space.clone(),
            of: self.sum.clone(),
        });
        cx.leaf("checksum", Span::bytes(start + 16, 2), sum);
        let offset = u64::from(cx.at.read(12, 1)[0] >> 4) * 4;
        let header = offset.clamp(20, end - start);
        if header > 20 {
            let all = Span::bytes(start + 20, header - 20);
            let options = Options::new(&cx.at.space.read(start + 20, header - 20), all);
            // where the header goes on, its last option does
            let rest = match offset > end - start {
                true if self.ip.fragment.is_some() => Rest::Next,
                true if self.ip.end > self.sum.record().body()
                    && self.sum.record().is_cut_at(end) =>
                {
                    Rest::Lost
                }
                _ => Rest::Here,
            };
            cx.node(
                "options",
                all,
                Kind::array(Arc::new(List { options, rest })),
            );
        }
        let payload = Span::bytes(start + header, end - start - header);
        cx.leaf("payload", payload, &Raw::ANY);
        Ok(())
    }

    fn short(&self, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
        header_goes_on(&self.ip, &self.sum, wrong, at)
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let start = at.span.first_byte();
        match field {
            "checksum" => self.sum.wrong(at.space),
            "data_offset" => {
                let offset = u64::from(at.read(12, 1).first()? >> 4) * 4;
                let there = at.span.byte_len();
                // a header that was cut off with its packet is no fault of its length
                let sent = self.ip.end - self.ip.payload.min(self.ip.end);
                let most = match (offset > sent, self.ip.fragment) {
                    // the other fragments tell how long the segment is, if they are there
                    (true, Some(_)) => match self.sum.whole(at.space) {
                        Some(whole) => whole.parts.iter().map(|p| p.sent).sum(),
                        None => u64::MAX,
                    },
                    // where not even the least header fits, that is told of the segment
                    _ => there.max(sent).max(20),
                };
                (offset < 20 || offset > most).then(|| {
                    let expected = format!("a data offset of 5 to {}", most / 4);
                    Malformed::new(start + 12, expected, (offset / 4).to_string())
                })
            }
            _ => None,
        }
    }
}

static OPTION: Named<Int> = Named {
    number: Int::U8,
    names: &[
        (0, "end"),
        (1, "nop"),
        (2, "maxseg"),
        (3, "winscale"),
        (4, "sack_permitted"),
        (5, "sack"),
        (8, "timestamp"),
        (30, "mptcp"),
        (34, "fast_open"),
    ],
};

/// The options of a header.
pub struct Options(pub Vec<Opt>);

/// An option.
#[derive(Clone, Copy)]
pub struct Opt {
    /// Kind.
    pub kind: u8,
    /// Where it is: to the end of the header where its length cannot be.
    pub span: Span,
    /// Whether its length can be (RFC 9293, section 3.1).
    pub sound: bool,
}

impl Opt {
    /// How many SACK blocks it has, if that is what it is (RFC 2018, section 3).
    pub fn sack_blocks(&self) -> u64 {
        let data = self.span.byte_len().saturating_sub(2);
        let is_sack = self.kind == 5 && self.sound && data.is_multiple_of(8);
        if is_sack { data / 8 } else { 0 }
    }
}

impl Options {
    /// Those in these bytes, which lie there.
    pub fn new(bytes: &[u8], at: Span) -> Self {
        let mut all = Vec::new();
        let mut i = 0;
        while let Some(&kind) = bytes.get(i) {
            let left = bytes.len() - i;
            let said = match kind {
                0 => Some(left),
                1 => Some(1),
                _ => bytes.get(i + 1).map(|n| usize::from(*n)),
            };
            let len = said.filter(|n| *n <= left && (*n >= 2 || kind <= 1));
            let sound = len.is_some();
            let len = len.unwrap_or(left);
            let span = Span::bits(at.start + i as u64 * 8, len as u64 * 8);
            all.push(Opt { kind, span, sound });
            i += len;
        }
        Self(all)
    }
}

/// Where the rest of a header is that ends too early.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nowhere else: all of it should be here.
    Here,
    /// In the next fragment.
    Next,
    /// In what the capture cut off.
    Lost,
}

/// `.options[]`.
struct List {
    options: Options,
    rest: Rest,
}

impl Sequence for List {
    fn name(&self) -> &'static str {
        "option"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let option = *self.options.0.get(state.memory as usize)?;
        let is_last = option.span.end() == at.span.end();
        let rest = if is_last { self.rest } else { Rest::Here };
        Some(Step {
            kind: Kind::shared(Arc::new(OptionShape(option, rest))),
            span: option.span,
            next: State {
                at: option.span.end(),
                memory: state.memory + 1,
                more: None,
            },
        })
    }
}

struct OptionShape(Opt, Rest);

impl Shape for OptionShape {
    fn name(&self) -> &'static str {
        "option"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (at, end) = (cx.at.span.first_byte(), cx.at.span.end_byte());
        cx.leaf("kind", Span::bytes(at, 1), &OPTION);
        let space = cx.at.space.clone();
        if self.0.kind <= 1 {
            cx.gap(&space, Span::bytes(at + 1, end - at - 1));
            return Ok(());
        }
        if at + 1 == end {
            let expected = "2 bytes of option";
            return match self.1 {
                Rest::Here => Err(Malformed::new(at, expected, "1 bytes").with(Severity::Odd)),
                Rest::Next => Ok(()),
                Rest::Lost => Err(lost_option(end, expected)),
            };
        }
        let said = cx.at.space.read(at + 1, 1)[0];
        let length = cx.leaf("length", Span::bytes(at + 1, 1), &Int::U8);
        let data = at + 2;
        if !self.0.sound && said >= 2 && self.1 != Rest::Here {
            cx.gap(&space, Span::bytes(data, end - data));
            return match self.1 {
                Rest::Lost => Err(lost_option(end, &format!("{said} bytes of option"))),
                _ => Ok(()),
            };
        }
        if !self.0.sound {
            let expected = format!("a length of 2 to {}", end - at);
            let wrong = Malformed::new(at + 1, expected, said.to_string());
            length.wrong(wrong.with(Severity::Odd));
            cx.gap(&space, Span::bytes(data, end - data));
            return Ok(());
        }
        match (self.0.kind, end - data) {
            (2, 2) => {
                cx.leaf("size", Span::bytes(data, 2), &Int::U16BE);
            }
            (3, 1) => {
                cx.leaf("shift", Span::bytes(data, 1), &Int::U8);
            }
            (8, 8) => {
                cx.leaf("value", Span::bytes(data, 4), &Int::U32BE);
                cx.leaf("echo_reply", Span::bytes(data + 4, 4), &Int::U32BE);
            }
            (5, n) if n.is_multiple_of(8) => {
                let span = Span::bytes(data, n);
                cx.node("blocks", span, Kind::array(Arc::new(SackBlocks)));
            }
            (_, n) if n > 0 => {
                cx.leaf("data", Span::bytes(data, n), &Raw::FIXED);
            }
            _ => {}
        }
        Ok(())
    }
}

fn lost_option(end: u64, expected: &str) -> Malformed {
    Malformed::lost(
        end,
        expected,
        "the end of what the capture has of the packet",
    )
}

/// What is said of a transport header that is not all in its packet.
fn header_goes_on(ip: &Ip, sum: &Sent, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
    let end = at.span.end_byte();
    if ip.fragment.is_none() {
        let is_cut = ip.end > sum.record().body();
        return Some(match is_cut {
            true => sum.record().cut(end, wrong),
            false => wrong,
        });
    }
    // the rest is in the next fragment, if that came
    let whole = sum.whole(at.space);
    whole.is_none().then(|| {
        let found = format!("{}, and no fragment with the others", wrong.found);
        Malformed::lost(end, wrong.expected, found)
    })
}

/// SACK blocks, RFC 2018.
struct SackBlocks;

static SACK_BLOCK: binq_core::shape::Fixed = binq_core::shape::Fixed {
    name: "sack_block",
    fields: &[
        Field::leaf("left_edge", 0, 4, &Int::U32BE),
        Field::leaf("right_edge", 4, 4, &Int::U32BE),
    ],
    word: None,
};

impl Sequence for SackBlocks {
    fn name(&self) -> &'static str {
        "sack_block"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 64);
        at.span.contains(span).then(|| Step {
            kind: Kind::fixed(&SACK_BLOCK),
            span,
            next: State::new(span.end()),
        })
    }

    fn stride(&self) -> Option<u64> {
        Some(64)
    }
}

static UDP_HEAD: [Field; 3] = [
    Field::leaf("source_port", 0, 2, &Int::U16BE),
    Field::leaf("destination_port", 2, 2, &Int::U16BE),
    Field::leaf("length", 4, 2, &Int::U16BE),
];

/// What is expected where its header is not all there.
const UDP_EXPECTED: &str = "8 bytes of udp_datagram";

struct Datagram {
    ip: Ip,
    sum: Sent,
}

impl Shape for Datagram {
    fn name(&self) -> &'static str {
        "udp_datagram"
    }

    fn layout(&self) -> &'static [Field] {
        &UDP_HEAD
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let start = cx.at.span.first_byte();
        let end = cx.at.span.end_byte();
        if end - start < 8 {
            let space = cx.at.space.clone();
            cx.gap(&space, Span::bytes(start + 6, end - start - 6));
            let found = format!("{} bytes", end - start);
            let wrong = Malformed::new(start, UDP_EXPECTED, found);
            return header_goes_on(&self.ip, &self.sum, wrong, &cx.at).map_or(Ok(()), Err);
        }
        let sum: Arc<dyn Codec> = Arc::new(Checksum {
            space: cx.at.space.clone(),
            of: self.sum.clone(),
        });
        cx.leaf("checksum", Span::bytes(start + 6, 2), sum);
        // bytes of the IP packet behind the datagram are none of it
        let head = cx.at.read(0, 8);
        let there = end - start;
        let len = summed(dissect::UDP).and_then(|udp| udp.covers(&head, there));
        let last = start + len.unwrap_or(there);
        cx.leaf(
            "payload",
            Span::bytes(start + 8, last - start - 8),
            &Raw::ANY,
        );
        let space = cx.at.space.clone();
        cx.gap(&space, Span::bytes(last, end - last));
        Ok(())
    }

    fn short(&self, wrong: Malformed, at: &At<'_>) -> Option<Malformed> {
        let expected = UDP_EXPECTED.to_owned();
        let wrong = Malformed { expected, ..wrong };
        header_goes_on(&self.ip, &self.sum, wrong, at)
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let start = at.span.first_byte();
        match field {
            "checksum" => self.sum.wrong(at.space),
            // of a fragment, it is that of the whole datagram; zero is that of a jumbogram
            "length" if self.ip.fragment.is_none() => {
                let said: [u8; 2] = at.read(4, 2)[..].try_into().ok()?;
                let said = u64::from(u16::from_be_bytes(said));
                // where not even the header fits, that is told of the datagram
                let sent = self.ip.end.checked_sub(self.ip.payload)?.max(8);
                (said != 0 && said < 8 || said > sent).then(|| {
                    let expected = format!("a length of 8 to {sent}");
                    let wrong = Malformed::new(start + 4, expected, said.to_string());
                    wrong.with(Severity::Damage)
                })
            }
            _ => None,
        }
    }
}

/// What is known of a transport protocol that has a checksum.
pub struct Summed {
    /// Which one it is.
    pub protocol: Protocol,
    /// First byte of the checksum.
    pub at: u64,
    /// Bytes of the fixed header.
    pub header: usize,
    /// Whether zero stands for none.
    pub udp: bool,
}

impl Summed {
    /// How many bytes it covers of a payload of `sent` bytes that begins with these: UDP says it itself. Nothing where that
    /// cannot be.
    pub fn covers(&self, head: &[u8], sent: u64) -> Option<u64> {
        let said = head.get(4..6).filter(|_| self.udp);
        match said.map_or(0, |n| u64::from(u16::from_be_bytes([n[0], n[1]]))) {
            // that of TCP, or of a jumbogram (RFC 2675 section 4)
            0 => Some(sent),
            said => (8..=sent).contains(&said).then_some(said),
        }
    }
}

/// Whether a packet's protocol has a checksum that is known here, and where.
pub fn summed(number: u8) -> Option<Summed> {
    let (protocol, at, header) = match number {
        dissect::TCP => (Protocol::Tcp, 16, 20),
        dissect::UDP => (Protocol::Udp, 6, 8),
        _ => return None,
    };
    Some(Summed {
        protocol,
        at,
        header,
        udp: protocol == Protocol::Udp,
    })
}
