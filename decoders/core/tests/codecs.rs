//! Codecs: whatever decodes is encoded to the same bits, and what does not fit is refused.

use binq_core::codec::{Codec, Float, Latin1, LeBits, Padded, Raw, Terminated, Text};
use binq_core::encode::{EncodeOptions, encode};
use binq_core::shape::{Field, Fixed};
use binq_core::{Bits, Kind, Node, Plain, Scalar, Space};
use proptest::prelude::*;

fn bits(bytes: &[u8]) -> Bits {
    Bits::from_bytes(bytes.to_vec())
}

proptest! {
    /// Every codec keeps the spelling of the value that it finds.
    #[test]
    fn what_decodes_is_encoded_to_the_same_bits(bytes in proptest::collection::vec(any::<u8>(), 0..9)) {
        let own = LeBits::new(3, 11);
        let codecs: [&dyn Codec; 9] = [
            &Float::F32LE, &Float::F32BE, &Float::F64LE, &Float::F64BE, &Terminated(Text), &Terminated(Latin1), &Latin1, &Padded, &own,
        ];
        let old = bits(&bytes);
        for codec in codecs {
            if let Ok(value) = codec.decode(&old) {
                prop_assert_eq!(codec.encode(&value, &old).unwrap(), old.clone());
            }
        }
    }

    /// After an assignment the value is the one that was assigned, and no other bit of the word changed.
    #[test]
    fn bit_fields_of_a_word_are_apart(word: u32, off in 0u32..1 << 15, flags in 0u32..4, len in 0u32..1 << 15) {
        // ItemIdData, src/include/storage/itemid.h
        let mut root = item_id(word);
        for (name, value) in [("lp_off", off), ("lp_flags", flags), ("lp_len", len)] {
            let field = root.take_field(name).unwrap();
            root.put_field(field.assign(Plain::Scalar(Scalar::Int(value.into()))).unwrap());
        }
        let out = encode(&root, &EncodeOptions::default()).unwrap().to_bytes();
        prop_assert_eq!(&out[..], (off | flags << 15 | len << 17).to_le_bytes());
        // and one alone
        let mut root = item_id(word);
        let field = root.take_field("lp_flags").unwrap();
        root.put_field(field.assign(Plain::Scalar(Scalar::Int(flags.into()))).unwrap());
        let expected = word & !(3 << 15) | flags << 15;
        prop_assert_eq!(&root.bytes().unwrap()[..], expected.to_le_bytes());
    }
}

static LP_OFF: LeBits = LeBits::new(0, 15);
static LP_FLAGS: LeBits = LeBits::new(15, 2);
static LP_LEN: LeBits = LeBits::new(17, 15);
static ITEM_ID: Fixed = Fixed {
    name: "ItemIdData",
    fields: &[
        Field::leaf("lp_off", 0, 4, &LP_OFF),
        Field::leaf("lp_flags", 0, 4, &LP_FLAGS),
        Field::leaf("lp_len", 0, 4, &LP_LEN),
    ],
    word: None,
};

fn item_id(word: u32) -> Node {
    let space = Space::source(word.to_le_bytes().to_vec());
    let span = space.span();
    Node::root_of("item", Kind::fixed(&ITEM_ID), space, span)
}

#[test]
fn bit_fields_read_as_c_lays_them_out() {
    let root = item_id(0x1234 | 1 << 15 | 0x0567 << 17);
    let value = |name| root.field(name).unwrap().actual();
    assert_eq!(value("lp_off"), Some(Scalar::Int(0x1234)));
    assert_eq!(value("lp_flags"), Some(Scalar::Int(1)));
    assert_eq!(value("lp_len"), Some(Scalar::Int(0x567)));
    assert!(LP_FLAGS.encode(&Scalar::Int(4), &bits(&[0; 4])).is_err());
    assert!(LP_LEN.decode(&bits(&[0; 3])).is_err());
}

#[test]
fn floats_are_those_of_both_byte_orders() {
    let one = 1234567.0f64;
    for (codec, bytes) in [
        (Float::F64LE, one.to_le_bytes().to_vec()),
        (Float::F64BE, one.to_be_bytes().to_vec()),
        (Float::F32LE, (one as f32).to_le_bytes().to_vec()),
        (Float::F32BE, (one as f32).to_be_bytes().to_vec()),
    ] {
        assert_eq!(codec.decode(&bits(&bytes)).unwrap(), Scalar::Float(one));
        let zero = bits(&vec![0; bytes.len()]);
        assert_eq!(
            codec.encode(&Scalar::Int(1_234_567), &zero).unwrap(),
            bits(&bytes)
        );
        assert!(codec.decode(&bits(&[0; 3])).is_err());
    }
    let zero = bits(&[0; 4]);
    assert!(Float::F32LE.encode(&Scalar::Float(1e300), &zero).is_err());
    assert!(Float::F32LE.encode(&"x".into(), &zero).is_err());
    let nan = Float::F32LE.encode(&"NaN".into(), &zero).unwrap();
    assert!(matches!(Float::F32LE.decode(&nan), Ok(Scalar::Float(x)) if x.is_nan()));
}

#[test]
fn a_nul_inside_a_text_is_refused() {
    let old = bits(b"text\0");
    assert_eq!(Terminated(Text).decode(&old).unwrap(), "text".into());
    assert_eq!(
        Terminated(Text).encode(&"longer".into(), &old).unwrap(),
        bits(b"longer\0")
    );
    assert!(Terminated(Text).encode(&"a\0b".into(), &old).is_err());
    for not in [&b"text"[..], b"a\0b\0", b""] {
        assert!(Terminated(Text).decode(&bits(not)).is_err());
    }
    let old = Latin1.encode(&"é".into(), &old).unwrap();
    assert_eq!(old, bits(b"\xe9"));
    assert_eq!(Latin1.decode(&old).unwrap(), "é".into());
    assert!(Latin1.encode(&"€".into(), &old).is_err());
    let old = bits(b"ab\0\x07x");
    assert_eq!(Padded.decode(&old).unwrap(), "ab".into());
    assert_eq!(
        Padded.encode(&"abc".into(), &old).unwrap(),
        bits(b"abc\0\0")
    );
    assert_eq!(
        Padded.encode(&"abcde".into(), &old).unwrap(),
        bits(b"abcde")
    );
    for not in ["abcdef", "a\0b"] {
        assert!(Padded.encode(&not.into(), &old).is_err());
    }
}

#[test]
fn raw_bytes_may_end_within_a_byte() {
    let old = Bits::from_uint(0b1010, 4);
    let value = Raw::FIXED.decode(&old).unwrap();
    assert_eq!(value, Scalar::Bytes(vec![0xa0].into()));
    assert_eq!(Raw::FIXED.encode(&value, &old).unwrap(), old);
    let new = Raw::FIXED.encode(&Scalar::Bytes(vec![0x50].into()), &old);
    assert_eq!(new.unwrap(), Bits::from_uint(0b0101, 4));
    for wrong in [&[0x51][..], &[], &[0, 0]] {
        let wrong = Scalar::Bytes(wrong.to_vec().into());
        assert!(Raw::FIXED.encode(&wrong, &old).is_err(), "{wrong}");
    }
}
