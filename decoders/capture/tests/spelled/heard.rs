//! What a format that hears a connection is given: both streams, when their bytes were seen, and in what order.

use super::Listing;
use super::build::{ACK, FIN, Pcap, SYN, Sum, Tcp, V4};
use binq_core::codec::Text;
use binq_core::dialogue::{Conversation, Dialogue};
use binq_core::{Confidence, Format, Kind, Node, Options, Probe, Registry, Scalar, Space};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// A format that speaks in every connection, and tells what it hears.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<String>>);

impl Ear {
    fn tell(&self, line: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(all, "{line}");
    }

    fn told(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Format for Ear {
    fn name(&self) -> &'static str {
        "ear"
    }

    fn description(&self) -> &'static str {
        "hears everything"
    }

    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::No
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let span = space.span();
        Node::root_of("ear", Kind::leaf(&binq_core::codec::Raw::ANY), space, span)
    }

    fn lists(&self) -> &'static [&'static str] {
        &["words", "other_words"]
    }

    fn converse(&self, with: &Conversation, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        let halves = [&with.client, &with.server];
        let [client, server] = halves.map(|half| {
            let len = half.stream.len();
            // asked in order, then backwards
            let times = (0..=len)
                .chain((0..len).rev())
                .map(|at| half.clock.time(at));
            let seconds = |time: Option<i128>| {
                time.map_or("?".to_owned(), |t| (t / 1_000_000_000).to_string())
            };
            let times: Vec<_> = times.map(seconds).collect();
            format!("whole {}, seen at {}", half.whole, times.join(" "))
        });
        if with.client.stream.len() < 40 {
            self.tell(&format!(
                "{}: client {client}; server {server}",
                with.number
            ));
        }
        Some(Arc::new(Words {
            ear: self.clone(),
            number: with.number,
            left: Mutex::new(2),
        }))
    }
}

/// Each connection has as many words as its number, modulo 4.
struct Words {
    ear: Ear,
    number: u64,
    left: Mutex<u32>,
}

impl Dialogue for Words {
    fn hear(&self, until: i128) -> bool {
        self.ear
            .tell(&format!("{} until {}", self.number, until / 1_000_000_000));
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(1);
        *left > 0
    }

    fn count(&self, list: &str) -> u64 {
        if list == "words" { self.number % 4 } else { 0 }
    }

    fn item(&self, list: &str, i: u64) -> Option<Kind> {
        let word = Scalar::from(&*format!("{}.{i}", self.number));
        (i < self.count(list)).then(|| Kind::computed(&Text, word))
    }
}

fn decode(ear: &Ear, bytes: Vec<u8>) -> Node {
    let registry = Registry::new(vec![&binq_capture::Pcap]).with(Arc::new(ear.clone()));
    registry
        .decode(Some("pcap"), Space::source(bytes), &Options::default())
        .expect("a capture")
}

/// A segment of connection `n`, from the client or from the server.
fn segment(n: u16, who: usize, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut ends = [[10, 0, (n >> 8) as u8, n as u8], [10, 1, 0, 0]];
    let mut ports = [40_000, 80];
    if who == 1 {
        ends.reverse();
        ports.reverse();
    }
    let tcp = Tcp {
        ports,
        seq,
        ack: 1,
        flags,
        sum: Sum::Right,
        ..Tcp::default()
    };
    let [source, destination] = ends;
    let body = tcp.between(&ends.concat(), payload);
    V4 {
        protocol: 6,
        source,
        destination,
        ..V4::default()
    }
    .with(&body)
}

#[test]
fn bytes_have_the_time_of_their_first_packet() {
    let mut all = Listing::of("heard_times");
    let cases: [(&str, Vec<Vec<u8>>); 5] = [
        (
            "in order",
            vec![
                segment(0, 0, 0, SYN, b""),
                segment(0, 1, 0, SYN | ACK, b""),
                segment(0, 0, 1, ACK, b"ab"),
                segment(0, 1, 1, ACK, b"c"),
                segment(0, 0, 3, ACK, b"de"),
                segment(0, 0, 5, ACK, b"f"),
            ],
        ),
        (
            "once more, and in the wrong order",
            vec![
                segment(0, 0, 0, SYN, b""),
                segment(0, 0, 3, ACK, b"cd"),
                segment(0, 0, 1, ACK, b"abcd"),
                segment(0, 0, 3, ACK, b"cdef"),
            ],
        ),
        (
            "something was lost",
            vec![
                segment(0, 0, 0, SYN, b""),
                segment(0, 0, 1, ACK, b"ab"),
                segment(0, 0, 6, ACK, b"fg"),
            ],
        ),
        (
            "joined late",
            vec![segment(0, 0, 9, ACK, b"ab"), segment(0, 1, 9, ACK, b"cd")],
        ),
        (
            "seven segments",
            (0..7).map(|i| segment(0, 0, i, ACK, b"x")).collect(),
        ),
    ];
    for (title, packets) in cases {
        let ear = Ear::default();
        let file = packets
            .iter()
            .fold(Pcap::of(101), |file, data| file.packet(data));
        let root = decode(&ear, file.bytes());
        let _ = root.field("tcp_connections").expect("a list").len();
        all.line(format!("# {title}"));
        all.line(ear.told().trim_end());
    }
    // a packet without a time
    let none = super::build::Ng::new(super::build::Order::Little)
        .interface(101, 0, &binq_core_seconds())
        .packet(0, u64::MAX, &segment(0, 0, 1, ACK, b"ab"), &[])
        .packet(0, 7, &segment(0, 0, 3, ACK, b"c"), &[]);
    let ear = Ear::default();
    let registry = Registry::new(vec![&binq_capture::PcapNg]).with(Arc::new(ear.clone()));
    let root = registry.decode(
        Some("pcapng"),
        Space::source(none.bytes()),
        &Options::default(),
    );
    let _ = root
        .expect("a capture")
        .field("tcp_connections")
        .expect("a list")
        .len();
    all.line("# a packet without a time");
    all.line(ear.told().trim_end());
    all.keep();
}

/// Units of a second.
fn binq_core_seconds() -> Vec<u8> {
    super::build::option(super::build::Order::Little, 9, &[0])
}

#[test]
fn connections_are_heard_side_by_side() {
    let mut all = Listing::of("heard_together");
    // 130 connections over three MiB: connection n speaks once, n seconds after the first one
    let mut file = Pcap::of(101);
    for n in 0..130 {
        file = file.packet(&segment(n, 0, 5, ACK, &vec![b'x'; 24_000]));
    }
    let file = file
        .packet(&segment(0, 0, 24_005, ACK | FIN, b"end"))
        .bytes();
    let ear = Ear::default();
    let root = decode(&ear, file);
    let names: Vec<_> = root
        .fields()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    all.line(format!("# the fields\n{}", names.join(" ")));
    let words = root.field("words").expect("a list");
    let said: Vec<_> = words
        .items()
        .map(|word| word.scalar().to_string())
        .collect();
    all.line(format!("# the words\n{}", said.join(" ")));
    let heard = ear.told();
    all.line(format!("# what was heard\n{}", heard.trim_end()));
    // once more: a walk that begins again hears again
    assert_eq!(words.items().count(), said.len());
    assert_eq!(ear.told(), heard);
    assert_eq!(
        words.item(9).expect("an item").scalar().to_string(),
        said[9]
    );
    assert_eq!(
        root.field("other_words").expect("a list").items().count(),
        0
    );
    all.keep();
}
