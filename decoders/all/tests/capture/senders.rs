//! Checksums that are wrong throughout a capture say nothing; one that is wrong among right ones is damage.

use crate::craft::{ACK, CLIENT, Ip, PSH, SERVER, Wire, as_pcapng};
use crate::oracle::{fields, has_tshark, temporary};
use crate::{at, decode, encoded, formats, int, set, text};
use binq_core::{Holder, Node, Options, Scalar, Severity, Space};
use binq_laws::Rng;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const IP_SUM: usize = 10;
const TCP_SUM: usize = 20 + 16;
const UDP_SUM: usize = 20 + 6;

/// The path of a sum of a packet.
fn path(packet: usize, sum: usize) -> String {
    match sum {
        IP_SUM => format!(".packets[{packet}].packet.header_checksum"),
        _ => format!(".packets[{packet}].packet.payload.checksum"),
    }
}

fn severity(root: &Node, packet: usize, sum: usize) -> Option<Severity> {
    Some(at(root, &path(packet, sum)).finding()?.severity)
}

/// The findings about sums, by their severity.
fn told(root: &Node) -> [usize; 2] {
    let mut count = [0; 2];
    for finding in root.findings().filter(|f| f.path.ends_with("checksum")) {
        count[usize::from(finding.severity == Severity::Damage)] += 1;
        assert!(
            matches!(finding.severity, Severity::Note | Severity::Damage),
            "{finding}"
        );
    }
    count
}

/// A connection over which the client sent these texts, each in a packet of its own, from packet 3 on.
fn sent(texts: &[&str]) -> Wire {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    for text in texts {
        let [seq, ack] = wire.next;
        wire.segment(CLIENT, seq, ack, ACK | PSH, b"", text.as_bytes());
        wire.next[CLIENT] += text.len() as u32;
    }
    wire
}

const TEXTS: [&str; 4] = ["first", "second", "third", "fourth"];
const STREAM: &str = ".tcp_connections[0].client.stream";

/// The client of [`sent`] has packets 0, 2 and 3 on; the server packet 1.
fn of_client(wire: &Wire) -> impl Iterator<Item = usize> + use<> {
    (0..wire.len()).filter(|i| *i != 1)
}

#[test]
fn one_that_is_wrong_among_right_ones_is_damage() {
    for sum in [IP_SUM, TCP_SUM] {
        let mut wire = sent(&TEXTS);
        wire.spoil(4, sum);
        for bytes in [wire.pcap(), as_pcapng(&wire.pcap())] {
            let root = decode(&bytes);
            assert_eq!(told(&root), [0, 1]);
            assert_eq!(severity(&root, 4, sum), Some(Severity::Damage));
            let description = at(&root, &path(4, sum)).description().unwrap();
            assert!(description.starts_with("invalid: "), "{description}");
        }
    }
}

#[test]
fn those_of_a_sender_that_are_wrong_throughout_are_notes() {
    let of_client = [0, 2, 3, 4, 5, 6];
    for (sum, name) in [(IP_SUM, "IPv4 header"), (TCP_SUM, "TCP")] {
        let mut wire = sent(&TEXTS);
        let [client, server] = wire.next;
        (0..2).for_each(|_| wire.segment(SERVER, server, client, ACK, b"", b""));
        of_client.into_iter().for_each(|i| wire.spoil(i, sum));
        let root = decode(&wire.pcap());
        assert_eq!(told(&root), [6, 0]);
        for i in of_client {
            let node = at(&root, &path(i, sum));
            assert!(node.fault().is_none());
            let found = node.finding().unwrap().to_string();
            let all = format!("wrong as nearly all {name} checksums of 10.0.0.1");
            assert!(found.contains(&all), "{found}");
            let description = node.description().unwrap();
            assert!(
                description.starts_with("wrong, as nearly all"),
                "{description}"
            );
        }
        // the same wrong sum of the other one is damage
        wire.spoil(1, sum);
        let root = decode(&wire.pcap());
        assert_eq!(severity(&root, 1, sum), Some(Severity::Damage), "{name}");
        assert_eq!(text(&at(&root, STREAM)), TEXTS.concat());
    }
}

#[test]
fn nine_of_ten_are_throughout() {
    for (all, right, severe) in [
        (10, 1, Severity::Note),
        (9, 1, Severity::Damage),
        (20, 2, Severity::Note),
        (29, 3, Severity::Damage),
    ] {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        (0..all).for_each(|_| wire.datagram(CLIENT, b"hello"));
        (right..all).for_each(|i| wire.spoil(i, UDP_SUM));
        let root = decode(&wire.pcap());
        for i in right..all {
            assert_eq!(
                severity(&root, i, UDP_SUM),
                Some(severe),
                "{right} right of {all}"
            );
        }
        assert_eq!(severity(&root, 0, UDP_SUM), None);
    }
}

/// Of who sends little, the others know.
#[test]
fn few_are_held_against_those_of_others() {
    let datagrams = |n: usize, sums: &[usize]| {
        let mut wire = Wire::new(Ip::V4, [1000, 5000]);
        (0..n).for_each(|_| wire.datagram(CLIENT, b"hello"));
        for sum in sums {
            (0..n).for_each(|i| wire.spoil(i, *sum));
        }
        wire
    };
    // a packet alone, and two whose headers are right: nobody knows
    assert_eq!(
        told(&decode(&datagrams(1, &[IP_SUM, UDP_SUM]).pcap())),
        [0, 2]
    );
    assert_eq!(told(&decode(&datagrams(2, &[UDP_SUM]).pcap())), [0, 2]);
    // nothing is right
    let wire = datagrams(2, &[IP_SUM, UDP_SUM]);
    let root = decode(&wire.pcap());
    assert_eq!(told(&root), [4, 0]);
    let found = at(&root, &path(0, UDP_SUM)).finding().unwrap().to_string();
    assert!(
        found.contains("wrong as nearly all checksums of the capture"),
        "{found}"
    );
    // each has an address of its own
    let mut wire = datagrams(30, &[]);
    (0..30).for_each(|i| wire.rename(i, [10, 0, 0, 1], [10, 7, 7, i as u8]));
    let root = decode(&wire.pcap());
    assert_eq!(told(&root), [60, 0]);
    let found = at(&root, &path(0, UDP_SUM)).finding().unwrap().to_string();
    assert!(
        found.contains("wrong as nearly all UDP checksums of the capture"),
        "{found}"
    );
    // one among others that are right
    let mut wire = datagrams(30, &[]);
    wire.rename(7, [10, 0, 0, 1], [10, 7, 7, 7]);
    assert_eq!(told(&decode(&wire.pcap())), [0, 2]);
}

/// Interfaces have senders of their own.
#[test]
fn the_same_address_elsewhere_is_another_sender() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    (0..8).for_each(|_| wire.datagram(CLIENT, b"hello"));
    (0..4).for_each(|i| wire.spoil(i, UDP_SUM));
    let pcapng = as_pcapng(&wire.pcap()).to_vec();
    assert_eq!(told(&decode(&pcapng.clone().into())), [0, 4]);
    // section header and interface have 28 and 20 bytes
    let (section, packets) = pcapng.split_at(48);
    let each = packets.len() / 8;
    // a second interface, of the last four packets
    let mut two = [section, &section[28..], packets].concat();
    (4..8).for_each(|i| two[68 + i * each + 8] = 1);
    assert_eq!(told(&decode(&two.into())), [4, 0]);
    // and a second section
    let two = [section, &packets[..4 * each], section, &packets[4 * each..]].concat();
    assert_eq!(told(&decode(&two.into())), [4, 0]);
}

/// What came again with a right sum does not push out what has a wrong one throughout.
#[test]
fn what_is_wrong_throughout_stays_in_its_stream() {
    for sum in [IP_SUM, TCP_SUM] {
        let mut wire = sent(&["the first one"]);
        let [seq, ack] = wire.next;
        let (again, len) = (b"the other one", 13);
        wire.segment(CLIENT, seq - len, ack, ACK | PSH, b"", again);
        for _ in 0..40 {
            let seq = wire.next[CLIENT];
            wire.segment(CLIENT, seq, ack, ACK | PSH, b"", b".");
            wire.next[CLIENT] += 1;
        }
        wire.spoil(3, sum);
        let shown = |wire: &Wire| text(&at(&decode(&wire.pcap()), STREAM));
        assert_eq!(shown(&wire), format!("the other one{}", ".".repeat(40)));
        of_client(&wire)
            .filter(|i| *i > 4)
            .for_each(|i| wire.spoil(i, sum));
        assert_eq!(shown(&wire), format!("the first one{}", ".".repeat(40)));
    }
}

/// A capture in which the client has another address than it had: no sum is right.
fn anonymous(texts: &[&str]) -> Node {
    let mut wire = sent(texts);
    (0..wire.len()).for_each(|i| wire.rename(i, [10, 0, 0, 1], [172, 16, 9, 9]));
    decode(&wire.pcap())
}

#[test]
fn edits_leave_what_is_wrong_throughout() {
    let sums = |root: &Node, i: usize| [IP_SUM, TCP_SUM].map(|sum| int(&at(root, &path(i, sum))));
    let root = anonymous(&TEXTS);
    // the server has one packet, and no more is right
    assert_eq!(told(&root), [14, 0]);
    let old: Vec<_> = (0..7).map(|i| sums(&root, i)).collect();
    for new in ["FIRST", "first, and more", ""] {
        let value = Scalar::Bytes(Bytes::copy_from_slice(new.as_bytes()));
        let out =
            decode(&encoded(&set(&root, ".packets[3].packet.payload.payload", value)).to_bytes());
        assert_eq!(text(&at(&out, STREAM)), format!("{new}secondthirdfourth"));
        assert_eq!(
            (0..7).map(|i| sums(&out, i)).collect::<Vec<_>>(),
            old,
            "{new:?}"
        );
        assert_eq!(told(&out), [14, 0]);
    }
    // a field of the header alone; and a sum that is assigned
    let out = decode(&encoded(&set(&root, ".packets[3].packet.ttl", 9u64)).to_bytes());
    assert_eq!(sums(&out, 3), old[3]);
    let out = decode(&encoded(&set(&root, &path(3, TCP_SUM), 77u64)).to_bytes());
    assert_eq!(sums(&out, 3), [old[3][0], 77]);
    // a segment that is cut in three
    let long = "x".repeat(3500);
    let value = Scalar::Bytes(long.clone().into_bytes().into());
    let out = decode(&encoded(&set(&root, STREAM, value)).to_bytes());
    assert_eq!(text(&at(&out, STREAM)), long);
    let packets = at(&out, ".packets").len() as usize;
    assert!(packets > 8, "{packets}");
    assert_eq!(told(&out), [packets * 2, 0]);
    let of_last = |i: usize| sums(&out, i)[1] == old[6][1];
    assert!((packets - 2..packets).all(of_last));
}

/// Of a sender whose sums are wrong throughout, one that is right stays right.
#[test]
fn a_right_one_stays_right() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    (0..20).for_each(|_| wire.datagram(CLIENT, b"hello"));
    (1..20).for_each(|i| wire.spoil(i, UDP_SUM));
    let root = decode(&wire.pcap());
    let payload = |i: usize| format!(".packets[{i}].packet.payload.payload");
    let edited = set(&root, &payload(0), Scalar::Bytes(b"other"[..].into()));
    let edited = set(&edited, &payload(1), Scalar::Bytes(b"other"[..].into()));
    let out = decode(&encoded(&edited).to_bytes());
    assert_eq!(severity(&out, 0, UDP_SUM), None);
    assert_eq!(
        int(&at(&out, &path(1, UDP_SUM))),
        int(&at(&root, &path(1, UDP_SUM)))
    );
    assert_eq!(told(&out), [19, 0]);
    // and of one whose sums are right, a wrong one is mended by an edit of what it covers
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    (0..20).for_each(|_| wire.datagram(CLIENT, b"hello"));
    wire.spoil(1, UDP_SUM);
    let edited = set(
        &decode(&wire.pcap()),
        &payload(1),
        Scalar::Bytes(b"other"[..].into()),
    );
    assert_eq!(told(&decode(&encoded(&edited).to_bytes())), [0, 0]);
}

/// A packet of a random capture: who sent it, whether it is TCP, and which of its sums are wrong.
type Made = (usize, bool, [bool; 2]);

fn random(rng: &mut Rng) -> (Bytes, Vec<Made>) {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    // how often the sums of each are wrong, of 20: by sender and protocol
    let often: Vec<u64> = (0..8)
        .map(|_| [0, 1, 10, 18, 19, 20, 20][rng.below(7) as usize])
        .collect();
    let mut made = Vec::new();
    for i in 0..rng.below(40) as usize {
        let who = usize::from(!rng.one_in(4));
        let is_tcp = rng.one_in(2);
        match is_tcp {
            true => wire.segment(who, 7, 7, ACK, b"", b"text"),
            false => wire.datagram(who, b"text"),
        }
        let of = |sum: usize| who * 4 + sum;
        let wrong = [0, 1 + usize::from(is_tcp)].map(|sum| rng.below(20) < often[of(sum)]);
        let at = if is_tcp { TCP_SUM } else { UDP_SUM };
        for (at, _) in [IP_SUM, at]
            .into_iter()
            .zip(wrong)
            .filter(|(_, wrong)| *wrong)
        {
            wire.spoil(i, at);
        }
        made.push((who, is_tcp, wrong));
    }
    (wire.pcap(), made)
}

/// What the rule says of them, packet by packet: the IP sum, and the other one.
fn by_rule(made: &[Made]) -> Vec<[Option<Severity>; 2]> {
    let mut count: HashMap<String, (u64, u64)> = HashMap::new();
    let circles = |(who, is_tcp, _): &Made, sum: usize| {
        let protocol = if sum == 0 {
            "ip"
        } else if *is_tcp {
            "tcp"
        } else {
            "udp"
        };
        [
            format!("{who} {protocol}"),
            protocol.to_owned(),
            "all".to_owned(),
        ]
    };
    for packet in made {
        for sum in 0..2 {
            for circle in circles(packet, sum) {
                let (all, wrong) = count.entry(circle).or_default();
                *all += 1;
                *wrong += u64::from(packet.2[sum]);
            }
        }
    }
    let one = |packet: &Made, sum: usize| {
        let counts = circles(packet, sum).map(|circle| count[&circle]);
        let tells = counts
            .into_iter()
            .find(|(all, wrong)| *all >= 3 || all > wrong);
        let is_note = tells.is_some_and(|(all, wrong)| wrong >= 3 && wrong * 10 >= all * 9);
        let severity = if is_note {
            Severity::Note
        } else {
            Severity::Damage
        };
        packet.2[sum].then_some(severity)
    };
    made.iter()
        .map(|packet| [one(packet, 0), one(packet, 1)])
        .collect()
}

#[test]
fn random_captures_follow_the_rule_in_whatever_order_they_are_asked() {
    let mut rng = Rng::new(1071);
    let mut seen = [0; 3];
    for _ in 0..200 {
        let (bytes, made) = random(&mut rng);
        let wanted = by_rule(&made);
        let root = decode(&bytes);
        let mut order: Vec<usize> = (0..made.len() * 2).collect();
        (1..order.len()).for_each(|i| order.swap(i, rng.below(i as u64 + 1) as usize));
        for i in order {
            let (packet, sum) = (i / 2, i % 2);
            let is = severity(&root, packet, [IP_SUM, TCP_SUM][sum]);
            assert_eq!(
                is, wanted[packet][sum],
                "packet {packet}, sum {sum} of {made:?}"
            );
            seen[is.map_or(0, |s| 1 + usize::from(s == Severity::Damage))] += 1;
        }
        let count = |severity| {
            wanted
                .iter()
                .flatten()
                .filter(|s| **s == Some(severity))
                .count()
        };
        assert_eq!(
            told(&decode(&bytes)),
            [count(Severity::Note), count(Severity::Damage)]
        );
    }
    assert!(seen.iter().all(|n| *n > 500), "{seen:?}");
}

/// Which sums are wrong is tshark's word, once it is told to look.
#[test]
fn tshark_finds_the_same_sums_wrong() {
    if !has_tshark() {
        return;
    }
    let mut rng = Rng::new(768);
    for i in 0..8 {
        let (bytes, _) = random(&mut rng);
        let root = decode(&bytes);
        let mut ours: Vec<String> = root.findings().map(|f| f.path).collect();
        let file = temporary(&format!("senders-{i}.pcap"), &bytes);
        let names = [
            "ip.checksum.status",
            "tcp.checksum.status",
            "udp.checksum.status",
        ];
        let mut theirs = Vec::new();
        for (packet, row) in fields(&file, None, &names).into_iter().enumerate() {
            let bad = (0..3).filter(|i| row[*i].iter().any(|status| status == "0"));
            theirs.extend(bad.map(|i| path(packet, [IP_SUM, TCP_SUM, UDP_SUM][i])));
        }
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
        std::fs::remove_file(file).unwrap();
    }
}

/// How far the input was read, and how often.
#[derive(Default)]
struct Reads {
    to: AtomicU64,
    count: AtomicU64,
}

impl Holder for Reads {
    fn touch(&self, at: u64, len: u64) {
        self.to.fetch_max(at + len, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_sum_is_asked_about_without_reading_all() {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.datagram(SERVER, b"hello");
    (0..4000).for_each(|_| wire.datagram(CLIENT, b"hello"));
    (2..4001).for_each(|i| wire.spoil(i, UDP_SUM));
    let bytes = wire.pcap();
    let each = (bytes.len() as u64 - 24) / 4001;
    let reads = Arc::new(Reads::default());
    let space = Space::held(bytes.clone(), Some(reads.clone()));
    let root = formats()
        .decode(Some("pcap"), space, &Options::default())
        .unwrap();
    let to = || reads.to.load(Ordering::Relaxed);
    let first = at(&root, ".packets[0]");
    assert_eq!(severity(&root, 0, UDP_SUM), None);
    assert!(
        first.fields().len() > 3 && to() <= 24 + 3 * each,
        "read to {}",
        to()
    );
    // right ones ask nobody
    assert_eq!(severity(&root, 1, UDP_SUM), None);
    assert!(to() <= 24 + 4 * each, "read to {}", to());
    // the first 1000 sums of the sender tell
    assert_eq!(severity(&root, 2, UDP_SUM), Some(Severity::Note));
    assert!(to() <= 24 + 1010 * each, "read to {}", to());
    let before = reads.count.load(Ordering::Relaxed);
    assert_eq!(severity(&root, 3, UDP_SUM), Some(Severity::Note));
    let more = reads.count.load(Ordering::Relaxed) - before;
    assert!(more < 100, "{more} reads");
    assert_eq!(told(&decode(&bytes)), [3999, 0]);
}
