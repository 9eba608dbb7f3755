//! Capture files: formats `pcap` and `pcapng`.

use crate::connection::{BYTES, Connection, Connections, Lifted};
use crate::file::{File, PCAP_HEAD, PcapHead};
use crate::flows::{self, Flow, Flows};
use crate::link::LINK_TYPE;
use crate::order::Order;
use crate::packets::Packets;
use crate::pcapng::Blocks;
use crate::senders::Senders;
use crate::wire::Wire;
use binq_core::codec::{Bool, Codec, Int, Named, Representation, UBits};
use binq_core::layer::Identity;
use binq_core::shape::{Cx, Lazy, Shape};
use binq_core::{
    Bits, Confidence, Format, Kind, Malformed, Misfit, Node, Options, Probe, Ref, Scalar, Setting,
    Space, Span,
};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// What the nodes of a file share.
pub struct Shared {
    /// The file.
    pub file: File,
    /// Who sent its packets.
    pub senders: Arc<Senders>,
    options: Options,
    flows: OnceLock<Flows>,
    connections: Mutex<Known>,
}

impl Shared {
    /// The flows, found on first use.
    fn flows(&self, wire: &Space) -> &Flows {
        self.flows.get_or_init(|| flows::find(&self.file, wire))
    }

    /// Before a walk comes to the items of a connection: go through it, and through those that began soon after it, in the
    /// order of the file. Each of them alone would be a way through much of the file. The first one is left alone, as it is
    /// often all that is asked for.
    pub fn hear(&self, number: u64, wire: &Space) {
        let mut known = self.known();
        known.ahead.retain(|c| c.number >= number);
        if number == 0 {
            // a walk begins, perhaps not the first one
            known.heard = 0;
        }
        if number == 0 || number < known.heard {
            return;
        }
        known.heard = number + TOGETHER;
        drop(known);
        let Flows { all, times } = self.flows(wire);
        let last = (number + TOGETHER).min(all.len() as u64);
        let together = all.get(number as usize..last as usize);
        let starts = together.into_iter().flatten().filter_map(Flow::start);
        let Some(start) = starts.min() else {
            return;
        };
        let ahead: Vec<_> = (number..last)
            .filter_map(|n| self.connection(n, wire))
            .collect();
        let mut speaking: Vec<_> = ahead.iter().flat_map(|c| c.dialogues.clone()).collect();
        self.known().ahead = ahead;
        for until in &times[times.partition_point(|t| *t < start)..] {
            speaking.retain(|dialogue| dialogue.hear((*until).into()));
            if speaking.is_empty() {
                break;
            }
        }
    }

    /// A connection. Whoever asks for it gets the same, and so the same spaces.
    pub fn connection(&self, number: u64, wire: &Space) -> Option<Arc<Connection>> {
        let flows = &self.flows(wire).all;
        let flow = flows.get(usize::try_from(number).ok()?)?;
        let mut known = self.known();
        let found = known.find(number);
        let new = || {
            let streams = flow.streams(wire, &self.senders);
            Arc::new(Connection::new(
                number,
                (flow, streams),
                wire,
                &self.options,
            ))
        };
        let connection = found.unwrap_or_else(new);
        known.keep(&connection, wire.is_encoding());
        Some(connection)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        let known = self.connections.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections that somebody uses, or may soon use.
///
/// A connection that was passed is forgotten, and made anew if it is asked for again: so memory does not grow with their
/// number. Once the file is encoded, all are kept: two views of one must then have the same spaces, or their edits would
/// not meet.
#[derive(Default)]
struct Known {
    used: HashMap<u64, Weak<Connection>>,
    recent: VecDeque<Arc<Connection>>,
    /// Those that were heard together, and not passed yet.
    ahead: Vec<Arc<Connection>>,
    /// So many connections were heard, see [`Shared::hear`].
    heard: u64,
    kept: HashMap<u64, Arc<Connection>>,
}

impl Known {
    fn find(&self, number: u64) -> Option<Arc<Connection>> {
        let recent = self.recent.iter().rev().find(|c| c.number == number);
        recent
            .cloned()
            .or_else(|| self.kept.get(&number).cloned())
            .or_else(|| self.used.get(&number)?.upgrade())
    }

    fn keep(&mut self, connection: &Arc<Connection>, for_good: bool) {
        const RECENT: usize = 8;
        let number = connection.number;
        if for_good {
            let kept = self.kept.entry(number);
            kept.or_insert_with(|| connection.clone());
        }
        if self.recent.iter().any(|c| c.number == number) {
            return;
        }
        self.recent.push_back(connection.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.used.insert(number, Arc::downgrade(connection));
        if self.used.len() > 2 * (self.ahead.len() + 2 * RECENT) + TOGETHER as usize {
            self.used.retain(|_, c| c.strong_count() > 0);
        }
    }
}

/// So many connections are heard together.
const TOGETHER: u64 = 64;

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

    fn settings(&self) -> &'static [Setting] {
        const ALL: &[Setting] = &[Setting::one(
            BYTES,
            "PORT,..: connections with these ports are bytes",
        )];
        ALL
    }

    fn check(&self, options: &Options) -> Result<(), String> {
        // of those that take connections, each has a setting with its name
        let formats = options.registry.iter().flat_map(|r| r.formats());
        let own = formats.filter(|f| !f.lists().is_empty()).map(|f| f.name());
        let mut seen: Vec<(u16, &str)> = Vec::new();
        for name in own.chain([BYTES]) {
            for port in options.ports(name)? {
                if let Some((_, other)) = seen.iter().find(|(p, o)| *p == port && *o != name) {
                    let both = format!("port {port} is in the options {other:?} and {name:?}");
                    return Err(both);
                }
                seen.push((port, name));
            }
        }
        Ok(())
    }

    fn decode(&self, space: Space, options: &Options) -> Node {
        match PcapHead::of(&space.read(0, PCAP_HEAD)) {
            Some(head) => root("pcap", File::Pcap(head), space, options),
            None => {
                let wanted = "24 bytes that begin with a magic number of pcap";
                unknown("pcap", wanted, space)
            }
        }
    }
}

impl Format for PcapNg {
    fn name(&self) -> &'static str {
        "pcapng"
    }

    fn description(&self) -> &'static str {
        "Packet capture, next generation: as pcap, and its blocks"
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
        // a section header may be damaged: one of its marks, or a length that fits, is enough
        let head = space.read(0, 12).into_owned();
        let is_block = |order: &Order| {
            let n = order.u32(&head[4..]);
            let fits = n >= 12 && n.is_multiple_of(4) && u64::from(n) <= space.len();
            // the length is behind the block once more
            fits && order.u32(&space.read(u64::from(n) - 4, 4)) == n
        };
        let is_marked = |at: usize, marks: &[[u8; 4]]| {
            let mark = head.get(at..at + 4);
            mark.is_some_and(|b| marks.iter().any(|m| b == m))
        };
        let known = is_marked(0, &[[0x0a, 0x0d, 0x0d, 0x0a]])
            || is_marked(8, &[[0x1a, 0x2b, 0x3c, 0x4d], [0x4d, 0x3c, 0x2b, 0x1a]])
            || head.len() == 12 && [Order::LITTLE, Order::BIG].iter().any(is_block);
        match known {
            true => root("pcapng", File::PcapNg, space, options),
            false => {
                let wanted = "a section header block, which begins with 0a 0d 0d 0a";
                unknown("pcapng", wanted, space)
            }
        }
    }
}

fn root(name: &'static str, file: File, space: Space, options: &Options) -> Node {
    let span = space.span();
    let senders = Arc::new(Senders::new(file.clone()));
    let wire = Identity::space(&space, Wire::new(file.clone(), senders.clone()));
    let shared = Shared {
        file,
        senders,
        options: options.clone(),
        flows: OnceLock::new(),
        connections: Mutex::default(),
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

/// An input that was said to be a capture, but is none.
struct Unknown {
    name: &'static str,
    wrong: Malformed,
}

fn unknown(name: &'static str, wanted: &str, space: Space) -> Node {
    let head = space.read(0, 4).into_owned();
    let found = match head.len() {
        0 => "no bytes".to_owned(),
        _ => head
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let wrong = Malformed::new(0, wanted, found);
    let span = space.span();
    let shape = Unknown { name, wrong };
    Node::root_of(name, Kind::shared(Arc::new(shape)), space, span)
}

impl Shape for Unknown {
    fn name(&self) -> &'static str {
        self.name
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let space = cx.at.space.clone();
        // where the rest is as long as a header, the magic number of pcap can be put right
        let is_pcap = self.name == "pcap" && space.len() >= PCAP_HEAD;
        let magic = Span::bytes(0, if is_pcap { 4 } else { 0 });
        if is_pcap {
            cx.leaf("magic", magic, &MAGIC);
        }
        let rest = space.span().len - magic.len;
        cx.gap(&space, Span::bits(magic.end(), rest));
        Ok(())
    }

    fn fault(&self) -> Option<Malformed> {
        Some(self.wrong.clone())
    }
}

struct Capture {
    shared: Arc<Shared>,
    wire: Space,
}

/// Add the link type of a pcap file: a word, or the lower half of one whose upper half says something about the frame check
/// sequence.
fn network(cx: &mut Cx<'_>, wire: &Space, order: Order) {
    let upper = if order == Order::BIG { 20 } else { 22 };
    let is_word = *wire.read(upper, 2) == [0, 0];
    let (at, len) = match (is_word, upper) {
        (true, _) => (20, 4),
        (false, 20) => (22, 2),
        (false, _) => (20, 2),
    };
    let codec: Arc<dyn Codec> = Arc::new(Network { order, len });
    cx.node_in(
        "network",
        wire,
        Span::bytes(at, len),
        Kind::Leaf(codec.into()),
    );
    if is_word {
        return;
    }
    // the first bits of the upper half, and what is left of it
    let first = if upper == 20 { 20 * 8 } else { 23 * 8 };
    let rest = if upper == 20 { 21 * 8 } else { 22 * 8 };
    let parts: [(&'static str, u64, u64, &'static dyn Codec); 5] = [
        ("fcs_words", first, 4, &UBits),
        ("reserved", first + 4, 1, &UBits),
        ("has_fcs_words", first + 5, 1, &Bool),
        ("reserved2", first + 6, 2, &UBits),
        ("reserved3", rest, 8, &UBits),
    ];
    for (name, at, len, codec) in parts {
        let kind = Kind::Leaf(Ref::Static(codec));
        cx.node_in(name, wire, Span::bits(at, len), kind);
    }
}

/// The codec of a link type.
struct Network {
    order: Order,
    len: u64,
}

impl Codec for Network {
    fn representation(&self) -> Representation {
        self.order.codec(self.len).representation().with_symbols()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        self.order.codec(self.len).decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let bits = self.order.codec(self.len).encode(value, like)?;
        // a word with more would be two halves, of which this is the lower one
        match self.decode(&bits)?.as_int() {
            Some(0..=0xffff) => Ok(bits),
            _ => Err(Misfit::new("an integer from 0 to 65535", value)),
        }
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
            network(cx, wire, order);
        } else {
            let blocks = Kind::array(Arc::new(Blocks(self.shared.senders.clone())));
            cx.node_in("blocks", wire, wire.span(), blocks);
        }
        let first = self.shared.file.start().at;
        let rest = Span::bytes(first, wire.len().saturating_sub(first));
        let packets = Kind::array(Arc::new(Packets(self.shared.clone())));
        cx.node_in("packets", wire, rest, packets);
        let connections = Kind::array(Arc::new(Connections(self.shared.clone())));
        // what the packets carry lies in them, in pieces
        let nowhere = Span::bytes(first.min(wire.len()), 0);
        cx.node_in("tcp_connections", wire, nowhere, connections);
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
            cx.node_in(*list, wire, nowhere, Kind::array(Arc::new(lifted)));
        }
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Capture {
    fn finish(&self, cx: &mut Cx<'_>) {
        let end = self.end();
        let rest = self.wire.len() - end;
        if let Some(gap) = cx.gap(&self.wire, Span::bytes(end, rest)) {
            let found = format!("{rest} bytes");
            gap.wrong(Malformed::new(end, "a record or block", found));
        }
    }
}
