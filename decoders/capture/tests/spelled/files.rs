//! Headers and records of pcap, draft-ietf-opsawg-pcap; what is no capture.

use super::build::{Order, Pcap, crc, ethernet};
use super::{Listing, at, pcap, pcapng};
use binq_capture as capture;
use binq_core::{Confidence, Format, Probe};

#[test]
fn byte_orders_and_units() {
    let mut all = Listing::of("pcap_orders");
    for (title, order, nano) in [
        ("little-endian", Order::Little, false),
        ("big-endian", Order::Big, false),
        ("little-endian, nanoseconds", Order::Little, true),
        ("big-endian, nanoseconds", Order::Big, true),
    ] {
        // a link type that nobody decodes
        let file = Pcap::new(order, nano, 147);
        let file = file
            .record([1, 2, 3, 3], b"abc")
            .record([3, 4, 2, 5], b"de");
        all.add(title, &pcap(file.bytes()));
    }
    all.keep();
}

#[test]
fn link_types_with_a_check_sequence() {
    let mut all = Listing::of("pcap_network");
    for (title, word) in [
        ("nothing in the upper half", 1),
        ("a link type that needs two bytes", 276),
        (
            "each part of the upper half: 2 words, 1, true, 2, 90",
            0x2e5a_0001,
        ),
        ("a length that is not said to be one", 0x2000_0001),
        ("only the lowest bit of the upper half", 0x0001_0065),
    ] {
        for (name, order) in [("little", Order::Little), ("big", Order::Big)] {
            let file = pcap(Pcap::new(order, false, word).bytes());
            let title = format!("{title}, {name}-endian");
            all.only(
                &title,
                &file,
                &["network", "fcs_words", "reserved", "reserved2", "reserved3"],
            );
        }
    }
    all.keep();
}

#[test]
fn check_sequences() {
    let mut all = Listing::of("fcs");
    let frame = ethernet(0x0806, b"arp.");
    let right = [&frame[..], &crc(&frame)].concat();
    let mut wrong = right.clone();
    wrong[20] ^= 1;
    const TWO_WORDS: u32 = 0x2400_0001;
    for (title, network, data, original) in [
        ("right", TWO_WORDS, &right[..], 22),
        ("wrong", TWO_WORDS, &wrong[..], 22),
        ("cut in it", TWO_WORDS, &right[..20], 22),
        ("cut before it", TWO_WORDS, &right[..18], 22),
        ("cut before the payload ends", TWO_WORDS, &right[..17], 22),
        ("a frame that is nothing else", TWO_WORDS, &right[18..], 4),
        ("a frame that is less", TWO_WORDS, &right[19..], 3),
        ("two bytes of it", 0x1400_0001, &right[..20], 20),
        (
            "its length is not said to be one",
            0x2000_0001,
            &right[..],
            22,
        ),
        ("more than the frame has", 0xf400_0001, &right[..], 22),
        ("all but a byte of the header", 0x6400_0001, &right[..], 25),
        (
            "of a link that is not Ethernet",
            0x2400_0093,
            &right[..],
            22,
        ),
    ] {
        let file = pcap(Pcap::of(network).cut(data, original).bytes());
        all.add(title, &at(&file, ".packets[0].packet"));
    }
    all.keep();
}

#[test]
fn records_that_end_too_early() {
    let mut all = Listing::of("pcap_cut");
    let head = Pcap::of(147).bytes();
    let one = Pcap::of(147).packet(b"abc").bytes();
    let skipped = &[
        "magic", "version", "thiszone", "sigfigs", "snaplen", "network",
    ];
    for (title, bytes) in [
        ("only a header", head.clone()),
        ("a byte after it", [&head[..], b"x"].concat()),
        ("15 bytes of a record", one[..39].to_vec()),
        ("a record without its bytes", one[..40].to_vec()),
        ("a byte is missing", one[..42].to_vec()),
        ("whole", one.clone()),
        (
            "less captured than sent",
            Pcap::of(147).cut(b"abc", 9).bytes(),
        ),
        (
            "more captured than sent",
            Pcap::of(147).cut(b"abc", 2).bytes(),
        ),
        ("nothing captured", Pcap::of(147).cut(b"", 9).bytes()),
        (
            "a length that is beyond all",
            Pcap::of(147).record([1, 0, u32::MAX, 3], b"abc").bytes(),
        ),
    ] {
        all.without(title, &pcap(bytes), skipped);
    }
    all.keep();
}

#[test]
fn what_is_no_capture() {
    let mut all = Listing::of("unknown");
    let mut zeros = vec![0; 24];
    all.add("pcap: nothing", &pcap(vec![]));
    all.add("pcap: 3 bytes", &pcap(vec![1, 2, 3]));
    all.add(
        "pcap: a header that is not all there",
        &pcap(Pcap::of(1).bytes()[..23].to_vec()),
    );
    all.add("pcap: 24 bytes", &pcap(zeros.clone()));
    zeros[..4].copy_from_slice(&[0x34, 0xcd, 0xb2, 0xa1]);
    zeros.push(7);
    all.add(
        "pcap: the magic of Kuznetzov's variant, whose records are longer",
        &pcap(zeros),
    );
    let marked = |mark: [u8; 4], len: [u8; 4], order: [u8; 4]| [mark, len, order].concat();
    let (mark, little, big) = (
        [0x0a, 0x0d, 0x0d, 0x0a],
        [0x4d, 0x3c, 0x2b, 0x1a],
        [0x1a, 0x2b, 0x3c, 0x4d],
    );
    let none = [0; 4];
    for (title, bytes) in [
        ("nothing", vec![]),
        (
            "11 bytes, of which the length would fit",
            vec![9, 9, 9, 9, 8, 0, 0, 0, 9, 9, 9],
        ),
        ("a length of 8", marked(none, [8, 0, 0, 0], none)),
        ("a length of 12", marked(none, [12, 0, 0, 0], none)),
        (
            "a length of 12, big-endian",
            marked(none, [0, 0, 0, 12], none),
        ),
        (
            "a length of 13",
            [marked(none, [13, 0, 0, 0], none), vec![0; 4]].concat(),
        ),
        (
            "a length of 16 that is more than there is",
            marked(none, [16, 0, 0, 0], none),
        ),
        ("its type", marked(mark, none, none)),
        ("its order, little-endian", marked(none, none, little)),
        ("its order, big-endian", marked(none, none, big)),
        ("its type cut", mark[..3].to_vec()),
    ] {
        all.add(&format!("pcapng: {title}"), &pcapng(bytes));
    }
    all.keep();
}

#[test]
fn how_sure_the_formats_are() {
    let sure = |format: &dyn Format, bytes: &[u8]| {
        let probe = Probe { bytes };
        format.probe(&probe)
    };
    let of = |bytes: &[u8]| (sure(&capture::Pcap, bytes), sure(&capture::PcapNg, bytes));
    for order in [Order::Little, Order::Big] {
        for nano in [false, true] {
            let mut file = Pcap::new(order, nano, 1).bytes();
            assert_eq!(of(&file), (Confidence::Certain, Confidence::No));
            let version = if order == Order::Big { 5 } else { 4 };
            file[version] = 3;
            assert_eq!(of(&file), (Confidence::Likely, Confidence::No));
            assert_eq!(of(&file[..23]), (Confidence::No, Confidence::No));
        }
        let file = super::build::Ng::new(order).bytes();
        assert_eq!(of(&file), (Confidence::No, Confidence::Certain));
        assert_eq!(of(&file[..12]), (Confidence::No, Confidence::Certain));
        assert_eq!(of(&file[..11]), (Confidence::No, Confidence::No));
        let mut other = file.clone();
        other[8] ^= 1;
        assert_eq!(of(&other), (Confidence::No, Confidence::No));
    }
}
