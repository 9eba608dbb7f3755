//! Blocks of pcapng, draft-ietf-opsawg-pcapng.

use super::build::{Ng, Order, crc, ethernet, option};
use super::{Listing, at, pcapng};

const LITTLE: Order = Order::Little;

#[test]
fn every_block() {
    let mut all = Listing::of("blocks");
    for (name, order) in [("little", Order::Little), ("big", Order::Big)] {
        let o = |code: u16, value: &[u8]| option(order, code, value);
        let end = o(0, b"");
        let file = Ng::bare(order)
            .section(
                order,
                0x0102_0304_0506,
                &[
                    o(1, b"note"),
                    o(2, b"cpu"),
                    o(3, b"system"),
                    o(4, b"tool"),
                    end.clone(),
                ]
                .concat(),
            )
            .interface(147, 0x0004_0000, &[o(2, b"if0"), end.clone()].concat())
            .packet(
                0,
                0x0001_0000_0002,
                b"enhanced",
                &[o(2, &order.u32(1)), end.clone()].concat(),
            )
            .block(3, &[&order.u32(6)[..], b"simple"].concat())
            .block(
                2,
                &[
                    // interface, drops
                    &[order.u16(0), order.u16(7)].concat()[..],
                    &[0, 0x1234_5678, 3, 5].map(|n| order.u32(n)).concat(),
                    b"old",
                ]
                .concat(),
            )
            .block(
                4,
                &[&order.u16(1)[..], &order.u16(5), &[10, 0, 0, 1, b'a']].concat(),
            )
            .block(5, &[0, 1, 2].map(|n| order.u32(n)).concat())
            .block(
                10,
                &[&order.u32(0x544c_534b)[..], &order.u32(2), b"ab"].concat(),
            )
            .block(0xbad, &[&order.u32(32_473)[..], b"custom"].concat())
            .block(0x4000_0bad, &[&order.u32(32_473)[..], b"mine"].concat())
            .block(7, b"IRIG")
            .block(0x7fff_ffff, b"");
        all.add(&format!("{name}-endian"), &pcapng(file.bytes()));
    }
    all.keep();
}

#[test]
fn options_of_each_block() {
    let mut all = Listing::of("block_options");
    let codes = |most: u16| {
        let options = (1..=most).map(|code| option(LITTLE, code, b"ab"));
        [options.collect::<Vec<_>>().concat(), option(LITTLE, 0, b"")].concat()
    };
    let numbers = [0u32; 3].map(|n| LITTLE.u32(n)).concat();
    let named = [".code", ".value", "gap0"];
    let file = Ng::bare(LITTLE)
        .section(LITTLE, u64::MAX, &codes(5))
        .interface(147, 0, &codes(16))
        .packet(0, 0, b"", &codes(8))
        .block(2, &[vec![0; 20], codes(8)].concat())
        .block(5, &[numbers, codes(9)].concat());
    all.only(
        "all codes, with two bytes each",
        &pcapng(file.bytes()),
        &named,
    );
    let custom = |code: u16| option(LITTLE, code, &[&LITTLE.u32(32_473)[..], b"abc"].concat());
    let options = [2988, 2989, 19_372, 19_373].map(custom).concat();
    let file = Ng::new(LITTLE).interface(147, 0, &options);
    all.only("custom ones, without an end", &pcapng(file.bytes()), &named);
    for (title, options) in [
        ("no bytes", vec![]),
        (
            "an end, and bytes behind",
            [option(LITTLE, 0, b""), vec![7; 8]].concat(),
        ),
        ("an end with a value", option(LITTLE, 0, b"abcd")),
        ("a length that is all", option(LITTLE, 2, b"abcd")),
        (
            "a length of one more",
            [&[2, 0, 5, 0][..], b"abcd"].concat(),
        ),
        (
            "a length of far more",
            [&[2, 0, 255, 255][..], b"abcd"].concat(),
        ),
        ("a length without a value", vec![2, 0, 1, 0]),
        (
            "two options, the second cut",
            [option(LITTLE, 1, b"abc"), vec![2, 0, 9, 0]].concat(),
        ),
    ] {
        let file = pcapng(Ng::new(LITTLE).interface(147, 0, &options).bytes());
        all.add(title, &at(&file, ".blocks[1]"));
    }
    all.keep();
}

#[test]
fn times() {
    let mut all = Listing::of("block_times");
    let o = |code: u16, value: &[u8]| option(LITTLE, code, value);
    let offset = |n: i64| o(14, &n.to_le_bytes());
    for (title, options, time) in [
        ("microseconds", vec![], 0x0005_0000_0001),
        (
            "a name before the units",
            [o(2, b"eth0"), o(9, &[9])].concat(),
            1_000_000_001,
        ),
        ("seconds", o(9, &[0]), 77),
        ("tenths", o(9, &[1]), 77),
        ("milliseconds", o(9, &[3]), 1_234_567),
        ("nanoseconds", o(9, &[9]), 1_234_567),
        ("picoseconds", o(9, &[12]), 1_234_567),
        ("halves of a second", o(9, &[0x81]), 5),
        ("parts of 2^32", o(9, &[0xa0]), 0x0007_8000_0000),
        ("parts of 2^127", o(9, &[0xff]), u64::MAX),
        ("parts of 10^127", o(9, &[0x7f]), u64::MAX),
        (
            "units of two bytes, which are none",
            o(9, &[0, 0]),
            5_000_000,
        ),
        ("an offset of 3600 s", offset(3600), 5_000_000),
        ("an offset before 1970", offset(-3600), 5_000_000),
        (
            "an offset that needs eight bytes",
            [o(9, &[0]), offset(0x0001_0000_0000)].concat(),
            5,
        ),
        (
            "an offset of 4 bytes, which is none",
            o(14, &[1, 0, 0, 0]),
            5_000_000,
        ),
        ("the last second that is known", o(9, &[0]), 9_223_372_036),
        ("one more", o(9, &[0]), 9_223_372_037),
        ("all ones", vec![], u64::MAX),
        (
            "two units, of which the last counts",
            [o(9, &[0]), o(9, &[3])].concat(),
            5000,
        ),
        (
            "units behind the end",
            [o(0, b""), o(9, &[0])].concat(),
            5_000_000,
        ),
    ] {
        let file = Ng::new(LITTLE)
            .interface(147, 0, &options)
            .packet(0, time, b"", &[]);
        all.only(
            title,
            &pcapng(file.bytes()),
            &["packets[0].time", "blocks[2].time"],
        );
    }
    let big = |code: u16, value: &[u8]| option(Order::Big, code, value);
    let file = Ng::new(Order::Big).interface(147, 0, &big(14, &3600u64.to_be_bytes()));
    let file = file.packet(0, 0x0005_0000_0001, b"", &[]).bytes();
    all.only(
        "big-endian, an offset of 3600 s",
        &pcapng(file),
        &["packets[0].time"],
    );
    all.keep();
}

#[test]
fn interfaces_of_packets() {
    let mut all = Listing::of("interfaces");
    let named = [
        "].packet",
        "interface_id",
        "time",
        ".padding",
        "_length",
        ".data",
        "gap0",
    ];
    let o = |code: u16, value: &[u8]| option(LITTLE, code, value);
    // of two sections, in other byte orders, with other interfaces
    let file = Ng::new(LITTLE)
        .packet(0, 0, b"before", &[])
        .interface(147, 0, &[])
        .interface(101, 0, &o(9, &[0]))
        .packet(1, 3, b"\x45", &[])
        .packet(2, 0, b"none", &[])
        .section(Order::Big, u64::MAX, &[])
        .packet(0, 0, b"none", &[])
        .interface(148, 0, &[])
        .packet(0, 7, b"other", &[]);
    all.only(
        "interfaces by number and section",
        &pcapng(file.bytes()),
        &named,
    );
    let mut old = vec![1, 0, 0, 0];
    old.extend([0; 8]);
    old.extend([1, 0, 0, 0, 1, 0, 0, 0, b'x']);
    let file = Ng::new(LITTLE)
        .interface(147, 0, &[])
        .interface(148, 0, &o(9, &[0]))
        .block(2, &old);
    all.only(
        "the older packet block, interface 1",
        &pcapng(file.bytes()),
        &named,
    );
    // what is captured of a simple packet, its interface says
    let simple = |original: u32, data: &[u8]| [&original.to_le_bytes()[..], data].concat();
    for (title, snaplen, original, data) in [
        ("all of it", 0, 4, &b"abcd"[..]),
        ("3 of 4 bytes", 0, 3, b"abcd"),
        ("at most 3", 3, 4, b"abcd"),
        ("at most 4", 4, 9, b"abcd"),
        ("at most 5", 5, 9, b"abcd"),
        ("more than there is", 0, 9, b"abcd"),
        ("nothing", 0, 0, b""),
    ] {
        let file = Ng::new(LITTLE).interface(147, snaplen, &[]);
        let file = file.block(3, &simple(original, data));
        all.add(
            &format!("simple, {title}"),
            &at(&pcapng(file.bytes()), ".packets"),
        );
    }
    let file = Ng::new(LITTLE).block(3, &simple(4, b"abcd"));
    all.add(
        "simple, no interface",
        &at(&pcapng(file.bytes()), ".packets"),
    );
    for (title, lens, data) in [
        ("less captured than sent", [3, 9], &b"abc"[..]),
        ("more captured than sent", [3, 2], b"abc"),
        ("as much as its padding", [4, 4], b"abc"),
        ("more than its block", [5, 5], b"abc"),
        ("far more than its block", [u32::MAX, 3], b"abc"),
        ("no bytes", [0, 3], b""),
    ] {
        let file = Ng::new(LITTLE)
            .interface(147, 0, &[])
            .cut(0, 1, data, lens, &[]);
        all.add(
            &format!("enhanced, {title}"),
            &at(&pcapng(file.bytes()), ".packets"),
        );
    }
    all.keep();
}

#[test]
fn check_sequences() {
    let mut all = Listing::of("block_fcs");
    let o = |code: u16, value: &[u8]| option(LITTLE, code, value);
    let frame = ethernet(0x0806, b"arp..");
    let frame = [&frame[..], &crc(&frame)].concat();
    // bits 5 to 8 of the flags
    let flags = |bytes: u32| o(2, &(bytes << 5 | 1).to_le_bytes());
    for (title, link, interface, packet) in [
        ("nothing said", 1, vec![], vec![]),
        ("4 bytes by the interface", 1, o(13, &[4]), vec![]),
        ("7, in bytes", 1, o(13, &[7]), vec![]),
        ("8 bits", 1, o(13, &[8]), vec![]),
        ("32 bits", 1, o(13, &[32]), vec![]),
        (
            "two bytes of length, which say nothing",
            1,
            o(13, &[4, 0]),
            vec![],
        ),
        ("4 bytes by the packet", 1, vec![], flags(4)),
        (
            "2 bytes by the packet, 4 by the interface",
            1,
            o(13, &[4]),
            flags(2),
        ),
        (
            "none by the packet, which does not know",
            1,
            o(13, &[4]),
            flags(0),
        ),
        ("15 bytes by the packet", 1, vec![], flags(15)),
        (
            "flags behind a comment",
            1,
            vec![],
            [o(1, b"abc"), flags(4)].concat(),
        ),
        (
            "flags of 2 bytes, which are none",
            1,
            vec![],
            [o(2, &[0x80, 0]), o(0, b"")].concat(),
        ),
        (
            "flags that are cut",
            1,
            vec![],
            o(2, &[0x80, 0, 0, 0])[..4].to_vec(),
        ),
        ("a link that is not Ethernet", 147, o(13, &[4]), vec![]),
    ] {
        let file = Ng::new(LITTLE)
            .interface(link, 0, &interface)
            .packet(0, 1, &frame, &packet);
        let file = pcapng(file.bytes());
        all.without(
            title,
            &at(&file, ".packets[0].packet"),
            &["destination", "source"],
        );
    }
    all.keep();
}

#[test]
fn blocks_that_are_damaged() {
    let mut all = Listing::of("blocks_damaged");
    let good = || Ng::new(LITTLE).interface(147, 0, &[]);
    let body = [&[0; 12][..], &LITTLE.u32(1), &LITTLE.u32(1), b"x"].concat();
    // as long as no block may be shorter
    let statistics = [0, 1, 2].map(|n| LITTLE.u32(n)).concat();
    for (title, file) in [
        ("a length of 8", good().block_of(6, [8, 36], &body)),
        ("a length of 13", good().block_of(6, [13, 36], &body)),
        (
            "a length that is more than there is",
            good().block_of(6, [40, 36], &body),
        ),
        (
            "a length of far more",
            good().block_of(6, [u32::MAX, 36], &body),
        ),
        ("another one behind", good().block_of(6, [36, 40], &body)),
        (
            "a block that is no packet, of length 8",
            good().block_of(5, [8, 24], &statistics),
        ),
        ("a block of 12 bytes", good().block(9, b"")),
        (
            "11 bytes at the end",
            good().raw(&[9, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "a section header of 12 bytes",
            Ng::bare(LITTLE).block_of(0x0a0d_0d0a, [12, 12], &[]),
        ),
        (
            "a section header of 16 bytes",
            Ng::bare(LITTLE).block(0x0a0d_0d0a, &LITTLE.u32(0x1a2b_3c4d)),
        ),
        (
            "a section header of 24 bytes",
            Ng::bare(LITTLE).block(
                0x0a0d_0d0a,
                &[&LITTLE.u32(0x1a2b_3c4d)[..], &[1, 0, 2, 0, 9, 9, 9, 9]].concat(),
            ),
        ),
        (
            "a section header of 28 bytes",
            Ng::bare(LITTLE).block(
                0x0a0d_0d0a,
                &[&LITTLE.u32(0x1a2b_3c4d)[..], &[1, 0, 2, 0], &[9; 8]].concat(),
            ),
        ),
        (
            "a section header of length 13",
            Ng::bare(LITTLE).block_of(0x0a0d_0d0a, [13, 28], &LITTLE.u32(0x1a2b_3c4d)),
        ),
        (
            "an order of neither",
            Ng::bare(LITTLE).block(
                0x0a0d_0d0a,
                &[[9; 4], [1, 0, 2, 0], [9; 4], [9; 4]].concat(),
            ),
        ),
        (
            "no section header",
            Ng::bare(LITTLE)
                .interface(147, 0, &[])
                .packet(0, 1, b"x", &[]),
        ),
        (
            "an interface of 4 bytes",
            Ng::new(LITTLE)
                .block(1, &[147, 0, 0, 0])
                .packet(0, 1, b"x", &[]),
        ),
        (
            "an interface of 8 bytes",
            Ng::new(LITTLE).block(1, &[147, 0, 0, 0, 1, 2, 3, 4]),
        ),
        ("a packet of 16 bytes", good().block(6, &body[..16])),
        ("a packet of 20 bytes", good().block(6, &body[..20])),
        ("an older packet of 16 bytes", good().block(2, &body[..16])),
        ("a simple packet without its length", good().block(3, &[])),
        (
            "a simple packet without bytes",
            good().block(3, &LITTLE.u32(3)),
        ),
        ("statistics of 8 bytes", good().block(5, &statistics[..8])),
        ("secrets of 4 bytes", good().block(10, &[1; 4])),
        ("a custom block without a number", good().block(0xbad, &[])),
    ] {
        all.add(title, &pcapng(file.bytes()));
    }
    all.keep();
}
