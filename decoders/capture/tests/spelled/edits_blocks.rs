//! Edits of packets in pcapng: lengths of blocks and sections, padding, check sequences.

use super::build::{Ng, Order, Pcap, Sum, Tcp, crc, ethernet, option};
use super::edits::{STAYS, edit_but, number, text, udp_packet};
use super::edits_tcp::connection;
use super::{Listing, at, pcap, pcapng};
use binq_core::{Node, Plain, Scalar};
use binq_laws::{parse, put_back};

#[test]
fn blocks() {
    let mut all = Listing::of("edits_blocks");
    const LITTLE: Order = Order::Little;
    let payload = ".packets[0].packet.payload.payload";
    // 32 bytes of packet
    let data = udp_packet(Sum::Right, b"data");
    for (name, order) in [("little", Order::Little), ("big", Order::Big)] {
        let comment = option(order, 1, b"abc");
        for options in [&[][..], &comment] {
            let file = Ng::new(order)
                .interface(101, 0, &[])
                .packet(0, 1, &data, options);
            let root = pcapng(file.bytes());
            let with = if options.is_empty() {
                ""
            } else {
                ", a comment"
            };
            for new in ["dame", "data1", "data12", "data123", "data1234", "dat"] {
                edit_but(
                    &STAYS,
                    &mut all,
                    &format!("{name}-endian{with}, {new:?}"),
                    &root,
                    &[(payload, text(new))],
                );
            }
        }
    }
    let padded =
        Ng::new(LITTLE)
            .interface(101, 0, &[])
            .packet(0, 1, &udp_packet(Sum::Right, b"data1"), &[]);
    let root = pcapng(padded.bytes());
    for new in ["data2", "data", "data12", "data12345"] {
        edit_but(
            &STAYS,
            &mut all,
            &format!("padding, {new:?}"),
            &root,
            &[(payload, text(new))],
        );
    }
    edit_but(
        &STAYS,
        &mut all,
        "padding that is assigned",
        &root,
        &[
            (payload, text("data12")),
            (".packets[0].padding", text("pad")),
        ],
    );
    edit_but(
        &STAYS,
        &mut all,
        "a length that is assigned",
        &root,
        &[
            (payload, text("data12")),
            (".packets[0].capture_packet_length", number(33)),
        ],
    );
    let simple = |original: u32, data: &[u8]| [&original.to_le_bytes()[..], data].concat();
    let root = pcapng(
        Ng::new(LITTLE)
            .interface(101, 0, &[])
            .block(3, &simple(32, &data))
            .bytes(),
    );
    edit_but(
        &STAYS,
        &mut all,
        "a simple packet",
        &root,
        &[(payload, text("data1"))],
    );
    let old = [
        &[0; 12][..],
        &32u32.to_le_bytes(),
        &40u32.to_le_bytes(),
        &data,
    ]
    .concat();
    let root = pcapng(
        Ng::new(LITTLE)
            .interface(101, 0, &[])
            .block(2, &old)
            .bytes(),
    );
    edit_but(
        &STAYS,
        &mut all,
        "an older packet",
        &root,
        &[(payload, text("data1"))],
    );
    // lengths of sections: 20 bytes of interface and 64 of packet
    for (name, len) in [("right", 84), ("wrong", 80), ("unknown", u64::MAX)] {
        let file = Ng::bare(LITTLE)
            .section(LITTLE, len, &[])
            .interface(101, 0, &[])
            .packet(0, 1, &data, &[]);
        let file = file
            .section(Order::Big, 84, &[])
            .interface(101, 0, &[])
            .packet(0, 1, &data, &[]);
        let root = pcapng(file.bytes());
        edit_with_blocks(
            &mut all,
            &format!("section length {name}, the first one"),
            &root,
            &[(payload, text("data1"))],
        );
        edit_with_blocks(
            &mut all,
            &format!("section length {name}, the second one"),
            &root,
            &[(".packets[1].packet.payload.payload", text("data1"))],
        );
        edit_with_blocks(
            &mut all,
            &format!("section length {name}, same size"),
            &root,
            &[(payload, text("dame"))],
        );
        edit_with_blocks(
            &mut all,
            &format!("section length {name}, assigned"),
            &root,
            &[
                (payload, text("data1")),
                (".blocks[0].section_length", number(7)),
            ],
        );
    }
    // a frame with its check sequence
    let frame = ethernet(0x0800, &data);
    let frame = [&frame[..], &crc(&frame)].concat();
    let root = pcapng(
        Ng::new(LITTLE)
            .interface(1, 0, &option(LITTLE, 13, &[4]))
            .packet(0, 1, &frame, &[])
            .bytes(),
    );
    edit_but(
        &STAYS,
        &mut all,
        "a check sequence",
        &root,
        &[(".packets[0].packet.payload.payload.payload", text("data1"))],
    );
    // split: an MSS of 8
    let packets = connection(Tcp::default(), Sum::Right);
    for (name, order) in [("little", Order::Little), ("big", Order::Big)] {
        let file = packets
            .iter()
            .enumerate()
            .fold(Ng::new(order).interface(101, 0, &[]), |file, (i, data)| {
                file.packet(0, i as u64, data, &option(order, 1, b"note"))
            });
        edit_but(
            &STAYS,
            &mut all,
            &format!("split, {name}-endian"),
            &pcapng(file.bytes()),
            &[(
                ".packets[2].packet.payload.payload",
                text("hello all of you there"),
            )],
        );
    }
    let file = packets
        .iter()
        .fold(Ng::new(LITTLE).interface(101, 0, &[]), |file, data| {
            file.block(3, &simple(data.len() as u32, data))
        });
    edit_but(
        &STAYS,
        &mut all,
        "split, simple packets",
        &pcapng(file.bytes()),
        &[(
            ".packets[2].packet.payload.payload",
            text("hello all of you there"),
        )],
    );
    // frames with a trailer and a check sequence
    let framed = |data: &Vec<u8>| {
        let frame = [ethernet(0x0800, data), b"tr".to_vec()].concat();
        [&frame[..], &crc(&frame)].concat()
    };
    let file = packets
        .iter()
        .map(framed)
        .fold(Pcap::of(0x2400_0001), |file, data| file.packet(&data));
    edit_but(
        &STAYS,
        &mut all,
        "split, frames",
        &pcap(file.bytes()),
        &[(
            ".packets[2].packet.payload.payload.payload",
            text("hello all of you there"),
        )],
    );
    all.keep();
}

/// The same, and what became of the section headers.
fn edit_with_blocks(all: &mut Listing, title: &str, root: &Node, edits: &[(&str, Scalar)]) {
    edit_but(&STAYS, all, title, root, edits);
    let mut node = root.clone();
    for (path, value) in edits {
        let new = at(&node, path)
            .assign(Plain::Scalar(value.clone()))
            .expect("a value");
        node = put_back(&node, &parse(path), new);
    }
    let again = pcapng(node.bytes().expect("encodes").to_vec());
    all.only("lengths of sections", &again, &["section_length"]);
}
