//! `.tcp_connections[]`: who spoke with whom, and what they said.

use crate::capture::Shared;
use crate::flows::{Flow, Peer};
use crate::half::Stream;
use binq_core::codec::{Bool, Codec, Int, Raw, Text};
use binq_core::dialogue::{Conversation, Dialogue, Half};
use binq_core::layer::Gather;
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape, Traits};
use binq_core::{Format, Kind, Malformed, Node, Options, Ref, Scalar, Space, Span};
use std::sync::Arc;

/// A connection with its streams, as the nodes see it.
pub struct Connection {
    /// Its index.
    pub number: u64,
    client: Side,
    server: Side,
    /// What formats make of it: mostly one of both directions, or of each direction another one.
    pub dialogues: Vec<Arc<dyn Dialogue>>,
}

struct Side {
    peer: Peer,
    stream: Space,
    begun: bool,
    has_end: bool,
    skipped: u64,
    /// What is odd about its segments.
    wrong: Option<Malformed>,
    /// The root of what a format makes of it, if one takes it for its own.
    root: Option<Node>,
}

impl Connection {
    /// Number `number` of the connections.
    pub fn new(
        number: u64,
        (flow, streams): (&Flow, [Stream; 2]),
        wire: &Space,
        options: &Options,
    ) -> Self {
        let side = |peer: Peer, s: Stream| {
            let stream = Space::derived(wire.clone(), Arc::new(s.gather));
            let side = Side {
                peer,
                stream: stream.clone(),
                begun: s.begun,
                has_end: s.has_end,
                skipped: s.skipped,
                wrong: s.wrong,
                root: None,
            };
            let half = Half {
                stream,
                clock: Arc::new(s.times),
                whole: s.begun,
            };
            (side, half)
        };
        let [sent, received] = streams;
        let (client, sent) = side(flow.client, sent);
        let (server, received) = side(flow.server, received);
        let ports = [flow.client.1, flow.server.1];
        let (formats, given) = speakers(options, ports);
        let with = Conversation {
            number,
            client: sent,
            server: received,
            given,
        };
        let mut said = Said::by(&formats, &with, options);
        let (mut client, mut server) = (client, server);
        // who is the client of a connection that was joined late is a guess; what was said may tell
        if flow.begun() == [false, false] && (given || said.dialogues.is_empty()) {
            let turned = Conversation {
                client: with.server.clone(),
                server: with.client.clone(),
                ..with
            };
            let proven = Conversation {
                given: false,
                ..turned
            };
            let other = Said::by(&formats, &proven, options);
            if !other.dialogues.is_empty() {
                said = other;
                (client, server) = (server, client);
            }
        }
        [client.root, server.root] = said.roots;
        Self {
            number,
            client,
            server,
            dialogues: said.dialogues,
        }
    }

    /// An item of a list, which has those of all dialogues.
    fn item(&self, list: &str, mut i: u64) -> Option<Kind> {
        for dialogue in &self.dialogues {
            if let Some(item) = dialogue.item(list, i) {
                return Some(item);
            }
            i = i.checked_sub(dialogue.count(list))?;
        }
        None
    }
}

/// The setting for ports whose connections are bytes.
pub const BYTES: &str = "bytes";

/// The formats that a connection between these ports may be of, and whether a setting says so.
fn speakers(options: &Options, ports: [u16; 2]) -> (Vec<Ref<dyn Format>>, bool) {
    // what is wrong with a setting was told before
    let lists = |name: &str| {
        let listed = options.ports(name).unwrap_or_default();
        ports.iter().any(|p| listed.contains(p))
    };
    let all = || options.registry.iter().flat_map(|r| r.formats()).cloned();
    if lists(BYTES) {
        return (Vec::new(), true);
    }
    match all().find(|f| !f.lists().is_empty() && lists(f.name())) {
        Some(format) => (vec![format], true),
        None => (all().collect(), false),
    }
}

/// What is said in a connection.
#[derive(Default)]
struct Said {
    dialogues: Vec<Arc<dyn Dialogue>>,
    roots: [Option<Node>; 2],
}

impl Said {
    /// As the formats hear it, one after the other. What one of them takes for its own, the next one does not see.
    fn by(formats: &[Ref<dyn Format>], with: &Conversation, options: &Options) -> Self {
        let mut out = Self::default();
        let mut left = with.clone();
        for format in formats {
            if out.roots.iter().all(Option::is_some) {
                break;
            }
            let Some(dialogue) = format.converse(&left, options) else {
                continue;
            };
            let halves = [&mut left.client, &mut left.server];
            let found = [dialogue.client(), dialogue.server()];
            for ((root, half), found) in out.roots.iter_mut().zip(halves).zip(found) {
                if root.is_none() && found.is_some() {
                    *root = found;
                    half.stream = Space::derived(half.stream.clone(), Arc::new(Gather::new()));
                }
            }
            out.dialogues.push(dialogue);
        }
        out.overheard(options);
        out
    }

    /// What formats above those that speak make of it.
    fn overheard(&mut self, options: &Options) {
        let formats = options.registry.iter().flat_map(|r| r.formats());
        let above = formats.flat_map(|f| self.dialogues.iter().map(move |d| (f, d)));
        let found: Vec<_> = above
            .filter_map(|(format, by)| format.carried(&**by, options))
            .collect();
        self.dialogues.extend(found);
    }
}

/// The list of connections.
pub struct Connections(pub Arc<Shared>);

impl Sequence for Connections {
    fn name(&self) -> &'static str {
        "tcp_connection"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let connection = self.0.connection(state.memory, at.space)?;
        Some(Step {
            kind: Kind::shared(Arc::new(ConnectionShape(connection))),
            span: Span::bits(at.span.start, 0),
            next: State {
                at: state.at,
                memory: state.memory + 1,
                more: None,
            },
        })
    }
}

struct ConnectionShape(Arc<Connection>);

impl Shape for ConnectionShape {
    fn name(&self) -> &'static str {
        "tcp_connection"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for (name, is_client) in [("client", true), ("server", false)] {
            let side = SideShape {
                connection: self.0.clone(),
                is_client,
            };
            let nowhere = Span::bits(cx.at.span.start, 0);
            cx.node(name, nowhere, Kind::shared(Arc::new(side)));
        }
        Ok(())
    }
}

struct SideShape {
    connection: Arc<Connection>,
    is_client: bool,
}

impl SideShape {
    fn side(&self) -> &Side {
        match self.is_client {
            true => &self.connection.client,
            false => &self.connection.server,
        }
    }
}

impl Shape for SideShape {
    fn name(&self) -> &'static str {
        "tcp_peer"
    }

    fn fault(&self) -> Option<Malformed> {
        self.side().wrong.clone()
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        match &self.side().root {
            Some(root) => {
                cx.root("stream", root);
            }
            None => {
                let stream = &self.side().stream;
                let lost = stream.hole_in(stream.span());
                let kind = match lost {
                    None => Kind::Leaf(Ref::Static(&Raw::ANY)),
                    Some(_) => Kind::fixed(&Parts),
                };
                cx.node_in("stream", stream, stream.span(), kind);
            }
        }
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for SideShape {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 5] = [
            ("ip", &Text),
            ("port", &Int::U16BE),
            ("has_start", &Bool),
            ("has_end", &Bool),
            ("skipped_bytes", &Int::U64BE),
        ];
        &COMPUTED
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        let side = self.side();
        match name {
            "ip" => side.peer.0.to_string().into(),
            "port" => u64::from(side.peer.1).into(),
            "has_start" => Scalar::Bool(side.begun),
            "has_end" => Scalar::Bool(side.has_end),
            _ => side.skipped.into(),
        }
    }
}

/// A stream with holes: the bytes that are there, as gaps.
struct Parts;

impl Shape for Parts {
    fn name(&self) -> &'static str {
        "tcp_stream"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let (space, span) = (cx.at.space.clone(), cx.at.span);
        let mut first = None;
        let mut at = span.start;
        while let Some(hole) = space.hole_in(Span::bits(at, span.end() - at)) {
            first = first.or(Some(hole));
            cx.gap(&space, Span::bits(at, hole.start.max(at) - at));
            at = hole.end();
            if at >= span.end() {
                break;
            }
        }
        cx.gap(&space, Span::bits(at, span.end().saturating_sub(at)));
        match first {
            Some(hole) => {
                let found = format!("{} bytes that the capture lost", hole.len / 8);
                Err(Malformed::lost(
                    hole.first_byte(),
                    "the next segment",
                    found,
                ))
            }
            None => Ok(()),
        }
    }

    fn traits(&self) -> Traits {
        Traits {
            is_bytes: true,
            ..Traits::default()
        }
    }
}

/// A list that another format makes of the connections, one after the other.
pub struct Lifted {
    /// The file.
    pub shared: Arc<Shared>,
    /// Name of the list.
    pub list: &'static str,
}

impl Sequence for Lifted {
    fn name(&self) -> &'static str {
        self.list
    }

    /// The memory of the walk is the connection, and the index of the item in its list.
    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let (mut number, mut i) = (state.memory >> 32, state.memory & 0xffff_ffff);
        loop {
            if i == 0 {
                self.shared.hear(number, at.space);
            }
            let connection = self.shared.connection(number, at.space)?;
            if let Some(kind) = connection.item(self.list, i) {
                return Some(Step {
                    kind,
                    span: Span::bits(at.span.start, 0),
                    next: State {
                        at: state.at,
                        memory: number << 32 | (i + 1),
                        more: None,
                    },
                });
            }
            (number, i) = (number + 1, 0);
        }
    }
}
