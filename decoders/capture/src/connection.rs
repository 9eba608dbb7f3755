//! `.tcp_connections[]`: who spoke with whom, and what they said.

use crate::capture::Shared;
use crate::flows::{Flow, Peer, Stream};
use binq_core::codec::{Bool, Codec, Int, Raw, Text};
use binq_core::dialogue::{Conversation, Dialogue, Half};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Shape};
use binq_core::{Kind, Malformed, Node, Options, Ref, Scalar, Space, Span};
use std::sync::Arc;

/// A connection with its streams, as the nodes see it.
pub struct Connection {
    /// Its index.
    pub number: u64,
    client: Side,
    server: Side,
    /// What a format makes of it, if one takes it for its own.
    pub dialogue: Option<Arc<dyn Dialogue>>,
}

struct Side {
    peer: Peer,
    stream: Space,
    begun: bool,
    has_end: bool,
    skipped: u64,
}

impl Connection {
    /// Number `number` of the connections.
    pub fn new(number: u64, flow: &Flow, wire: &Space, options: &Options) -> Self {
        let side = |peer: Peer, s: Stream| {
            let stream = Space::derived(wire.clone(), Arc::new(s.gather));
            let side = Side {
                peer,
                stream: stream.clone(),
                begun: s.begun,
                has_end: s.has_end,
                skipped: s.skipped,
            };
            let half = Half {
                stream,
                clock: Arc::new(s.times),
                whole: s.begun,
            };
            (side, half)
        };
        let [sent, received] = flow.streams();
        let (client, sent) = side(flow.client, sent);
        let (server, received) = side(flow.server, received);
        let with = Conversation {
            number,
            client: sent,
            server: received,
        };
        let turned = Conversation {
            number,
            client: with.server.clone(),
            server: with.client.clone(),
        };
        let formats = options.registry.iter().flat_map(|r| r.formats().iter());
        let dialogue = formats.clone().find_map(|f| f.converse(&with, options));
        // who is the client of a connection that was joined late is a guess; what was said may tell
        let late = flow.begun() == [false, false];
        let other = (late && dialogue.is_none())
            .then(|| formats.clone().find_map(|f| f.converse(&turned, options)))
            .flatten();
        let (client, server) = if other.is_some() {
            (server, client)
        } else {
            (client, server)
        };
        Self {
            number,
            client,
            server,
            dialogue: dialogue.or(other),
        }
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

    fn root(&self) -> Option<Node> {
        let dialogue = self.connection.dialogue.as_ref()?;
        Some(match self.is_client {
            true => dialogue.client(),
            false => dialogue.server(),
        })
    }
}

impl Shape for SideShape {
    fn name(&self) -> &'static str {
        "tcp_peer"
    }

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

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        match self.root() {
            Some(root) => {
                cx.root("stream", &root);
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
            Some(hole) => Err(Malformed::new(
                hole.first_byte(),
                "the next segment",
                format!("{} bytes that the capture lost", hole.len / 8),
            )),
            None => Ok(()),
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
            let item = connection
                .dialogue
                .as_ref()
                .and_then(|d| d.item(self.list, i));
            if let Some(kind) = item {
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
