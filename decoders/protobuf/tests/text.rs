//! Protoscope: any bytes as text and back; the texts of Google's own tool.

mod common;

use binq_protobuf::text::protoscope::{read, write};
use common::{Rng, config, damage, hex, message};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

#[test]
fn the_text_is_readable() {
    let input = hex(
        "0a 05 12 03 1a 01 78  20 96 81 00  0b 10 01 8c 80 00  32 03 616200  0d 0000c03f  8a 81 00 83 00 616263",
    );
    let expected = "\
1: {
  2: {
    3: {\"x\"}
  }
}
4: long-form:1 150
1: !{
  2: 1
  long-form:2
}
6: {`616200`}
1: 1.5i32
long-form:1 17: long-form:1 {\"abc\"}
";
    assert_eq!(write(&input), expected);
    assert_eq!(read(expected), Ok(input));
    assert_eq!(write(&hex("08 01 0a 05 61")), "1: 1\n`0a0561`\n");
    assert_eq!(write(b""), "");
}

/// Golden files of <https://github.com/protocolbuffers/protoscope>: each text names the bytes that it is of.
#[test]
fn texts_of_googles_tool_read_as_its_bytes() {
    let dir = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/protobuf/protoscope"
    );
    let mut read_texts = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "txt") {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = text
                .lines()
                .next()
                .and_then(|l| l.strip_prefix("# ")?.split(" ").next())
                .unwrap();
            let expected = std::fs::read(path.with_file_name(name)).unwrap();
            assert_eq!(read(&text).as_ref(), Ok(&expected), "{}", path.display());
            assert_eq!(read(&write(&expected)), Ok(expected), "{}", path.display());
            read_texts += 1;
        }
    }
    assert_eq!(read_texts, 12);
}

#[test]
fn two_thousand_deep_is_written_and_read() {
    let mut deep = Vec::new();
    for _ in 0..2000 {
        let mut outer = Vec::new();
        binq_protobuf::wire::build::len_record(1, &deep, &mut outer);
        deep = outer;
    }
    assert_eq!(read(&write(&deep)), Ok(deep));
    assert!(read(&"1:{".repeat(5000)).is_err());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn messages_are_rebuilt_bit_for_bit(seed in any::<u64>(), damaged in any::<bool>()) {
        let rng = &mut Rng::new(seed);
        let mut input = message(rng, 4);
        if damaged { input = damage(&input, rng).to_vec() }
        let text = write(&input);
        prop_assert_eq!(read(&text), Ok(input), "{}", text);
    }

    #[test]
    fn any_bytes_are_rebuilt(input in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(read(&write(&input)), Ok(input));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-z:{}!\"`#. \\-\n]{0,60}") {
        if let Err(e) = read(&text) { prop_assert!(e.starts_with("protoscope, line ")) }
    }
}
