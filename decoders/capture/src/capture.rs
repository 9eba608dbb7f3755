//! Capture files: formats `pcap` and `pcapng`.

use crate::connection::{Connection, Connections, Lifted};
use crate::file::{File, PCAP_HEAD, PcapHead};
use crate::flows::{self, Flow};
use crate::link::LINK_TYPE;
use crate::packets::Packets;
use crate::pcapng::Blocks;
use crate::wire::Wire;
use binq_core::codec::{Codec, Int, Named};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Bits, Confidence, Format, Kind, Malformed, Misfit, Node, Options, Probe, Scalar, Space, Span,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What the nodes of a file share.
pub struct Shared {
    /// The file.
    pub file: File,
    options: Options,
    flows: OnceLock<Vec<Flow>>,
    /// Kept for good: two views of one connection must have the same spaces, or their edits would not meet.
    connections: Mutex<Vec<Option<Arc<Connection>>>>,
}

impl Shared {
    /// The flows, found on first use.
    pub fn flows(&self, wire: &Space) -> &[Flow] {
        self.flows.get_or_init(|| flows::find(&self.file, wire))
    }

    /// A connection. Whoever asks for it gets the same, and so the same spaces.
    pub fn connection(&self, number: u64, wire: &Space) -> Option<Arc<Connection>> {
        let flows = self.flows(wire);
        let flow = flows.get(usize::try_from(number).ok()?)?;
        let i = number as usize;
        let mut made = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if made.len() < flows.len() {
            made.resize(flows.len(), None);
        }
        let new = || Arc::new(Connection::new(number, flow, wire, &self.options));
        Some(made[i].get_or_insert_with(new).clone())
    }
}

/// `pcap`, draft-ietf-opsawg-pcap.
pub struct Pcap;

/// `pcapng`, draft-ietf-opsawg-pcapng.
pub struct PcapNg;

impl Format for Pcap {
    fn name(&self) -> &'static str {
        "pcap"
    }

    fn description(&self) -> &'static str {
        "Packet capture: packets, TCP connections, and what they carry"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        let head = PcapHead::of(probe.bytes);
        match head {
            Some(head) if head.order.u16(&probe.bytes[4..]) == 2 => Confidence::Certain,
            Some(_) => Confidence::Likely,
            None => Confidence::No,
        }
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        let file = PcapHead::of(&space.read(0, PCAP_HEAD)).map(File::Pcap);
        root(self.name(), file, space, options)
    }
}

impl Format for PcapNg {
    fn name(&self) -> &'static str {
        "pcapng"
    }

    fn description(&self) -> &'static str {
        "Packet capture, next generation: blocks, packets, TCP connections, and what they carry"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        match (File::of(probe.bytes), probe.bytes.get(8..12)) {
            (Some(File::PcapNg), Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a])) => {
                Confidence::Certain
            }
            _ => Confidence::No,
        }
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        root(self.name(), Some(File::PcapNg), space, options)
    }
}

fn root(name: &'static str, file: Option<File>, space: Space, options: &Options) -> Node {
    let span = space.span();
    let Some(file) = file else {
        return Node::root_of(name, Kind::fixed(&NoPcap), space, span);
    };
    let wire = Space::derived(
        space.clone(),
        Arc::new(Wire::new(file.clone(), space.len())),
    );
    let shared = Shared {
        file,
        options: options.clone(),
        flows: OnceLock::new(),
        connections: Mutex::new(Vec::new()),
    };
    let capture = Capture {
        shared: Arc::new(shared),
        wire,
    };
    Node::root_of(name, Kind::shared(Arc::new(capture)), space, span)
}

/// The magic number, whose order says that of the file; its bytes as they are.
static MAGIC: Named<Int> = Named {
    number: Int::U32BE,
    names: &[
        (0xa1b2_c3d4, "big_endian"),
        (0xd4c3_b2a1, "little_endian"),
        (0xa1b2_3c4d, "big_endian_nanoseconds"),
        (0x4d3c_b2a1, "little_endian_nanoseconds"),
    ],
};

/// An input that was said to be pcap, but is not.
struct NoPcap;

impl Shape for NoPcap {
    fn name(&self) -> &'static str {
        "pcap"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let space = cx.at.space.clone();
        let found = space.read(0, 4);
        let found: Vec<_> = found.iter().map(|b| format!("{b:02x}")).collect();
        let magic = Span::bytes(
            0,
            if found.len() == 4 && space.len() < PCAP_HEAD {
                0
            } else {
                found.len() as u64 / 4 * 4
            },
        );
        if magic.len > 0 {
            cx.leaf("magic", magic, &MAGIC);
        }
        cx.gap(
            &space,
            Span::bits(magic.end(), space.span().len - magic.len),
        );
        Err(Malformed::new(
            0,
            "24 bytes that begin with a magic number of pcap",
            found.join(" "),
        ))
    }
}

struct Capture {
    shared: Arc<Shared>,
    wire: Space,
}

/// The link type of a pcap file: the low 28 bits of its word.
struct Network {
    bytes: crate::order::Order,
}

impl Codec for Network {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.bytes.codec(4).decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        self.bytes.codec(4).encode(value, like)
    }

    fn symbol(&self, actual: &Scalar) -> Option<Scalar> {
        LINK_TYPE.symbol(actual)
    }

    fn actual(&self, symbol: &Scalar) -> Option<Scalar> {
        LINK_TYPE.actual(symbol)
    }
}

impl Capture {
    /// Where the walk over the records ends.
    fn end(&self) -> u64 {
        match &self.shared.file {
            File::Pcap(_) => {
                let mut place = self.shared.file.start();
                while let Some((_, next)) = self.shared.file.next(&self.wire, &place) {
                    place = next;
                }
                place.at
            }
            File::PcapNg => {
                let mut place = self.shared.file.start();
                while let Some((_, next)) = crate::file::next_block(&self.wire, &place) {
                    place = next;
                }
                place.at
            }
        }
    }
}

impl Shape for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let wire = &self.wire;
        let leaf = |cx: &mut Cx<'_>,
                    name: &'static str,
                    at: u64,
                    codec: binq_core::Ref<dyn Codec>,
                    len: u64| {
            cx.node_in(name, wire, Span::bytes(at, len), Kind::Leaf(codec));
        };
        if let File::Pcap(head) = &self.shared.file {
            let order = head.order;
            leaf(cx, "magic", 0, (&MAGIC).into(), 4);
            leaf(cx, "version_major", 4, order.codec(2), 2);
            leaf(cx, "version_minor", 6, order.codec(2), 2);
            leaf(cx, "thiszone", 8, order.codec(4), 4);
            leaf(cx, "sigfigs", 12, order.codec(4), 4);
            leaf(cx, "snaplen", 16, order.codec(4), 4);
            let network: Arc<dyn Codec> = Arc::new(Network { bytes: order });
            leaf(cx, "network", 20, network.into(), 4);
        } else {
            let blocks = Kind::array(Arc::new(Blocks));
            cx.node_in("blocks", wire, wire.span(), blocks);
        }
        let first = self.shared.file.start().at;
        let rest = Span::bytes(first, wire.len().saturating_sub(first));
        let packets = Kind::array(Arc::new(Packets(self.shared.clone())));
        cx.node_in("packets", wire, rest, packets);
        let connections = Kind::array(Arc::new(Connections(self.shared.clone())));
        cx.node_in("tcp_connections", wire, rest, connections);
        let registry = self.shared.options.registry.clone();
        // a list that several formats make has what all of them find
        let mut seen = Vec::new();
        let formats = registry.iter().flat_map(|r| r.formats());
        for list in formats.flat_map(|f| f.lists()) {
            if seen.contains(list) {
                continue;
            }
            seen.push(*list);
            let lifted = Lifted {
                shared: self.shared.clone(),
                list,
            };
            cx.node_in(*list, wire, rest, Kind::array(Arc::new(lifted)));
        }
        Ok(())
    }

    fn finish(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let end = self.end();
        let rest = self.wire.len() - end;
        cx.gap(&self.wire, Span::bytes(end, rest));
        match rest {
            0 => Ok(()),
            _ => Err(Malformed::new(
                end,
                "a record or block",
                format!("{rest} bytes"),
            )),
        }
    }
}
