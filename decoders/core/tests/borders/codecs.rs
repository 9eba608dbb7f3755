//! What codecs take, and what they refuse.

use super::{bytes, int};
use binq_core::codec::{Bool, Codec, Float, LeBits, Raw};
use binq_core::{Bits, Scalar, Span};

#[test]
fn a_truth_value_is_one_in_its_first_byte() {
    let of = |value: u128, len: u64| Bits::from_uint(value, len);
    for (len, one) in [(1, 1), (4, 1), (8, 1), (16, 0x100), (32, 0x100_0000)] {
        let (no, yes) = (of(0, len), of(one, len));
        assert_eq!(
            Bool.encode(&Scalar::Bool(true), &no),
            Ok(yes.clone()),
            "{len}"
        );
        assert_eq!(Bool.encode(&Scalar::Bool(false), &yes), Ok(no.clone()));
        assert_eq!(Bool.decode(&yes), Ok(Scalar::Bool(true)));
        assert_eq!(Bool.decode(&no), Ok(Scalar::Bool(false)));
        // another spelling stays
        let all = of(u128::MAX >> (128 - len), len);
        assert_eq!(Bool.encode(&Scalar::Bool(true), &all), Ok(all.clone()));
        assert_eq!(Bool.encode(&Scalar::Bool(false), &all), Ok(no.clone()));
        assert!(Bool.encode(&int(1), &no).is_err());
    }
}

#[test]
fn bytes_of_a_fixed_size_keep_it() {
    let old = Bits::from_bytes(vec![1, 2]);
    let say = |codec: Raw, value: Scalar| {
        codec
            .encode(&value, &old)
            .map_err(|e| (e.expected, e.found))
    };
    assert_eq!(
        say(Raw::FIXED, bytes(&[3, 4])),
        Ok(Bits::from_bytes(vec![3, 4]))
    );
    assert_eq!(
        say(Raw::FIXED, "ab".into()),
        Ok(Bits::from_bytes(b"ab".to_vec()))
    );
    let fixed = "a string of exactly 2 bytes".to_owned();
    assert_eq!(
        say(Raw::FIXED, bytes(&[3])),
        Err((fixed.clone(), "1 bytes".to_owned()))
    );
    assert_eq!(
        say(Raw::FIXED, bytes(&[3, 4, 5])),
        Err((fixed.clone(), "3 bytes".to_owned()))
    );
    assert_eq!(say(Raw::FIXED, int(1)).unwrap_err().0, fixed);
    assert_eq!(say(Raw::ANY, bytes(&[3])), Ok(Bits::from_bytes(vec![3])));
    assert_eq!(say(Raw::ANY, int(1)).unwrap_err().0, "a string");
    // 9 bits are two bytes, of which the second has one bit
    let old = Bits::extract(vec![0xff, 0x80].into(), 0, 9);
    let more = Raw::FIXED.encode(&bytes(&[0, 0xc0]), &old).unwrap_err();
    assert_eq!((&*more.expected, &*more.found), ("9 bits", "more"));
    let one = Raw::FIXED.encode(&bytes(&[0]), &old).unwrap_err();
    assert_eq!(one.expected, "a string of exactly 2 bytes");
}

#[test]
fn bits_of_a_word_say_what_they_take() {
    let codec = LeBits::new(6, 4);
    let word = |n: u16| Bits::from_bytes(n.to_le_bytes().to_vec());
    assert_eq!(codec.decode(&word(0x0240)), Ok(int(9)));
    assert_eq!(codec.encode(&int(15), &word(0)), Ok(word(0x03c0)));
    assert_eq!(codec.encode(&int(0), &word(0xffff)), Ok(word(0xfc3f)));
    for n in [-1, 16] {
        let e = codec.encode(&int(n), &word(0)).unwrap_err();
        assert_eq!(e.expected, "an integer from 0 to 15");
    }
    // the bits of value 64 and 128 are the first two of their byte, those of 256 and 512 the last two of the next one
    assert_eq!(
        codec.own_bits(),
        Some(vec![Span::bits(0, 2), Span::bits(14, 2)])
    );
    assert_eq!(LeBits::new(0, 8).own_bits(), Some(vec![Span::bits(0, 8)]));
    assert_eq!(LeBits::new(3, 1).own_bits(), Some(vec![Span::bits(4, 1)]));
    let short = codec.decode(&Bits::from_bytes(vec![1])).unwrap_err();
    assert_eq!(
        (&*short.expected, &*short.found),
        ("a word of 2 to 8 bytes", "8 bits")
    );
    assert!(LeBits::new(4, 4).decode(&Bits::from_bytes(vec![0x70])) == Ok(int(7)));
    assert!(codec.decode(&Bits::from_bytes(vec![0; 8])).is_ok());
    assert!(codec.decode(&Bits::from_bytes(vec![0; 9])).is_err());
    assert!(codec.decode(&Bits::from_uint(0, 12)).is_err());
    let all = LeBits::new(0, 64);
    let ones = Bits::from_bytes(vec![0xff; 8]);
    assert_eq!(all.decode(&ones), Ok(Scalar::from(u64::MAX)));
    assert_eq!(
        all.encode(&Scalar::from(u64::MAX), &Bits::from_bytes(vec![0; 8])),
        Ok(ones)
    );
}

#[test]
fn floats_are_read_as_they_are_written() {
    let zero = Bits::from_bytes(vec![0; 4]);
    let most = f64::from(f32::MAX);
    assert!(Float::F32BE.encode(&Scalar::Float(most), &zero).is_ok());
    assert!(
        Float::F32BE
            .encode(&Scalar::Float(most * 1.001), &zero)
            .is_err()
    );
    let infinite = Float::F32BE.encode(&"-Infinity".into(), &zero).unwrap();
    assert_eq!(infinite.bytes()[..], [0xff, 0x80, 0, 0]);
    let infinite = Float::F32LE.encode(&"Infinity".into(), &zero).unwrap();
    assert_eq!(infinite.bytes()[..], [0, 0, 0x80, 0x7f]);
    // another NaN stays, and so does minus zero
    let odd = Bits::from_bytes(vec![0x7f, 0xc0, 0, 9]);
    assert_eq!(
        Float::F32BE.encode(&Scalar::Float(f64::NAN), &odd),
        Ok(odd.clone())
    );
    let minus = Bits::from_bytes(vec![0x80, 0, 0, 0]);
    assert_eq!(
        Float::F32BE.encode(&Scalar::Float(0.0), &minus),
        Ok(zero.clone())
    );
    assert_eq!(Float::F32BE.encode(&Scalar::Float(-0.0), &minus), Ok(minus));
    for (bits, short) in [
        (0.1f32, 0.1),
        (426_592.63, 426_592.62),
        (16_777_216.0, 16_777_216.0),
        (1e-45, 1.4013e-45),
    ] {
        let like = Bits::from_bytes(bits.to_be_bytes().to_vec());
        assert_eq!(
            Float::F32BE.decode(&like),
            Ok(Scalar::Float(short)),
            "{bits}"
        );
    }
    let e = Float::F64LE.decode(&zero).unwrap_err();
    assert_eq!((&*e.expected, &*e.found), ("8 bytes", "32 bits"));
    let e = Float::F64BE.encode(&"x".into(), &zero).unwrap_err();
    assert_eq!(e.expected, "a number");
    let big = Float::F64BE.encode(&Scalar::Float(1e300), &Bits::from_bytes(vec![0; 8]));
    assert_eq!(big.unwrap().bytes()[..], 1e300f64.to_be_bytes());
}
