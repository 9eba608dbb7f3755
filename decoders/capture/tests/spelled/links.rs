//! Link headers, <https://www.tcpdump.org/linktypes.html>.

use super::build::{Pcap, V4, V6, ethernet};
use super::{Listing, at, pcap};

fn packet(link: u32, data: &[u8]) -> binq_core::Node {
    at(
        &pcap(Pcap::of(link).packet(data).bytes()),
        ".packets[0].packet",
    )
}

#[test]
fn frames_of_ethernet() {
    let mut all = Listing::of("ethernet");
    let v4 = V4::default().with(b"data");
    let tag = |kind: u16, tci: u16| [kind.to_be_bytes(), tci.to_be_bytes()].concat();
    let tagged = |tags: &[Vec<u8>], kind: u16, payload: &[u8]| {
        let mut frame = ethernet(0, b"")[..12].to_vec();
        frame.extend(tags.concat());
        frame.extend(kind.to_be_bytes());
        frame.extend(payload);
        frame
    };
    // priority 5, eligible to be dropped, VLAN 0x123
    let q = tag(0x8100, 0xb123);
    for (title, data) in [
        ("ARP", ethernet(0x0806, b"arp")),
        ("IPv4", ethernet(0x0800, &v4)),
        (
            "IPv4 and padding",
            [ethernet(0x0800, &v4), vec![0; 6]].concat(),
        ),
        ("IPv6", ethernet(0x86dd, &V6::default().with(b"data"))),
        ("LLDP", ethernet(0x88cc, b"lldp")),
        ("a length of IEEE 802.3", ethernet(3, b"llc")),
        ("nothing behind the header", ethernet(0x0800, b"")),
        ("13 bytes", ethernet(0x0800, b"")[..13].to_vec()),
        ("nothing", vec![]),
        ("a tag", tagged(std::slice::from_ref(&q), 0x0800, &v4)),
        (
            "two tags",
            tagged(&[tag(0x88a8, 0x0fff), q.clone()], 0x0806, b"arp"),
        ),
        (
            "tags of before",
            tagged(&[tag(0x9100, 1), tag(0x9200, 0x2000)], 0x88cc, b"lldp"),
        ),
        (
            "a tag without the type behind it",
            tagged(std::slice::from_ref(&q), 0, b"")[..16].to_vec(),
        ),
        (
            "a tag without half of the type",
            tagged(std::slice::from_ref(&q), 0, b"")[..17].to_vec(),
        ),
        (
            "a tag and nothing else",
            tagged(std::slice::from_ref(&q), 0x0800, b""),
        ),
        (
            "a type of tags, and no tag",
            tagged(std::slice::from_ref(&q), 0, b"")[..14].to_vec(),
        ),
        (
            "two tags, the second without a type",
            tagged(&[q.clone(), q.clone()], 0, b"")[..20].to_vec(),
        ),
    ] {
        all.without(title, &packet(1, &data), &[".payload."]);
    }
    for (title, len) in [
        ("cut in the header", 13),
        ("cut in the type of a tag", 17),
        ("cut behind the type of a tag", 18),
    ] {
        let data = tagged(std::slice::from_ref(&q), 0x0800, &v4);
        let file = pcap(Pcap::of(1).cut(&data[..len], data.len() as u32).bytes());
        all.without(title, &at(&file, ".packets[0].packet"), &[".payload."]);
    }
    all.keep();
}

#[test]
fn linux_cooked() {
    let mut all = Listing::of("sll");
    let v4 = V4::default().with(b"data");
    let v6 = V6::default().with(b"data");
    // packet type, ARPHRD type, address length, address, protocol
    let sll = |kind: u16, protocol: u16, payload: &[u8]| {
        let head = [0x0003, 0x0006];
        let mut out = kind.to_be_bytes().to_vec();
        out.extend(head.map(u16::to_be_bytes).concat());
        out.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        out.extend(protocol.to_be_bytes());
        out.extend(payload);
        out
    };
    for (title, data) in [
        ("to us", sll(0, 0x0800, &v4)),
        ("broadcast, IPv6", sll(1, 0x86dd, &v6)),
        ("from us", sll(4, 0x0806, b"arp")),
        ("an unknown packet type", sll(5, 0x88cc, b"")),
        ("15 bytes", sll(2, 0, b"")[..15].to_vec()),
    ] {
        all.without(
            &format!("SLL, {title}"),
            &packet(113, &data),
            &[".payload."],
        );
    }
    // protocol, reserved, interface, ARPHRD type, packet type, address length, address
    let sll2 = |kind: u8, protocol: u16, payload: &[u8]| {
        let mut out = protocol.to_be_bytes().to_vec();
        out.extend([0, 9, 0, 1, 0, 7, 0, 3, kind, 6]);
        out.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        out.extend(payload);
        out
    };
    for (title, data) in [
        ("to others", sll2(3, 0x0800, &v4)),
        ("multicast, IPv6", sll2(2, 0x86dd, &v6)),
        ("ARP", sll2(4, 0x0806, b"arp")),
        ("19 bytes", sll2(2, 0, b"")[..19].to_vec()),
    ] {
        all.without(
            &format!("SLL2, {title}"),
            &packet(276, &data),
            &[".payload."],
        );
    }
    all.keep();
}

#[test]
fn loopback() {
    let mut all = Listing::of("loopback");
    let (v4, v6) = (V4::default().with(b"data"), V6::default().with(b"data"));
    for (link, name) in [(0, "NULL"), (108, "LOOP")] {
        for family in [2u32, 10, 24, 28, 30, 7, 0, 0xffff, 0x1_0000] {
            let ip = if family == 2 { &v4 } else { &v6 };
            let big = [&family.to_be_bytes()[..], ip].concat();
            let little = [&family.to_le_bytes()[..], ip].concat();
            let title = format!("{name}, family {family}");
            all.without(
                &format!("{title}, big-endian"),
                &packet(link, &big),
                &[".payload."],
            );
            all.without(
                &format!("{title}, little-endian"),
                &packet(link, &little),
                &[".payload."],
            );
        }
        all.add(&format!("{name}, 3 bytes"), &packet(link, &[2, 0, 0]));
        all.add(&format!("{name}, 4 bytes"), &packet(link, &[0, 0, 0, 2]));
    }
    all.keep();
}

#[test]
fn ip_without_a_header_before_it() {
    let mut all = Listing::of("raw_ip");
    let (v4, v6) = (V4::default().with(b"data"), V6::default().with(b"data"));
    let mut other = v4.clone();
    other[0] = 0x55;
    for link in [12, 14, 101, 228, 229] {
        for (name, data) in [
            ("IPv4", &v4[..]),
            ("IPv6", &v6[..]),
            ("version 5", &other[..]),
            ("nothing", &[]),
        ] {
            // what is in the header is told elsewhere
            let title = format!("link type {link}, {name}");
            all.only(
                &title,
                &packet(link, data),
                &["packet", "version", "payload", "gap0"],
            );
        }
    }
    all.keep();
}
