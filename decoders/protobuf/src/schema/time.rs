//! `Timestamp` as RFC 3339 and `Duration` as seconds, as JSON has them.

use crate::wire::codec::Varint;
use binq_core::codec::Codec;
use binq_core::time::{civil_from_days, days_from_civil};
use binq_core::{Bits, Misfit, Scalar};

const IN_SECOND: i64 = 1_000_000_000;
/// 0001-01-01T00:00:00Z
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z
const LAST: i64 = 253_402_300_799;
/// About 10,000 years.
const LONGEST: i64 = 315_576_000_000;

/// A part of a time, which is zero where it is not there.
pub struct PartCodec(Varint);

/// The seconds.
pub static SECONDS: PartCodec = PartCodec(Varint::Int64);
/// The nanoseconds.
pub static NANOS: PartCodec = PartCodec(Varint::Int32);

impl Codec for PartCodec {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        match bits.len() {
            0 => Ok(Scalar::Int(0)),
            _ => self.0.decode(bits),
        }
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let absent = like.is_empty() && value.as_int() == Some(0);
        if absent {
            return Ok(like.clone());
        }
        self.0.encode(value, like)
    }
}

/// Nanoseconds with 0, 3, 6 or 9 digits.
fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1000 == 0 => format!(".{:06}", n / 1000),
        n => format!(".{n:09}"),
    }
}

/// The text of a `Timestamp`; `None` if JSON has none for it.
pub fn timestamp(seconds: i64, nanos: i32) -> Option<String> {
    let nanos = u32::try_from(nanos)
        .ok()
        .filter(|n| i64::from(*n) < IN_SECOND)?;
    if !(FIRST..=LAST).contains(&seconds) {
        return None;
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = fraction(nanos);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

/// The seconds and nanoseconds of a text as RFC 3339 has it.
pub fn parse_timestamp(text: &str) -> Option<(i64, i32)> {
    let bytes = text.as_bytes();
    let number = |from: usize, len: usize| -> Option<i64> {
        let part = text.get(from..from + len)?;
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let sign = |at: usize, sign: u8| (bytes.get(at) == Some(&sign)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    for (at, c) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        sign(at, c)?;
    }
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let (nanos, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (parse_fraction(&rest[..digits])?, &rest[digits..])
        }
    };
    let offset = match zone {
        "Z" => 0,
        zone => {
            let sign = match zone.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let part = |s: &str, most| {
                let digits = s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
                let n = digits.then(|| s.parse::<i64>().ok()).flatten();
                n.filter(|n| *n <= most)
            };
            sign * (part(hours, 23)? * 3600 + part(minutes, 59)? * 60)
        }
    };
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    (FIRST..=LAST)
        .contains(&seconds)
        .then_some((seconds, nanos))
}

/// 1 to 9 digits after the point.
fn parse_fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

/// The text of a `Duration`; `None` if JSON has none for it.
pub fn duration(seconds: i64, nanos: i32) -> Option<String> {
    let mixed = seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0;
    if mixed || i64::from(nanos).abs() >= IN_SECOND || !(-LONGEST..=LONGEST).contains(&seconds) {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = fraction(nanos.unsigned_abs());
    Some(format!("{sign}{}{fraction}s", seconds.unsigned_abs()))
}

/// The seconds and nanoseconds of such a text.
pub fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number),
    };
    let (whole, nanos) = match number.split_once('.') {
        None => (number, 0),
        Some((whole, digits)) => (whole, parse_fraction(digits)?),
    };
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    (seconds <= LONGEST).then_some((sign * seconds, sign as i32 * nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_the_json_mapping() {
        assert_eq!(
            timestamp(63_108_020, 21_000_000).as_deref(),
            Some("1972-01-01T10:00:20.021Z")
        );
        assert_eq!(
            parse_timestamp("1972-01-01T11:00:20.021+01:00"),
            Some((63_108_020, 21_000_000))
        );
        assert_eq!(timestamp(FIRST, 0).as_deref(), Some("0001-01-01T00:00:00Z"));
        assert_eq!(timestamp(LAST + 1, 0), None);
        for wrong in [
            "2023-02-29T00:00:00Z",
            "2023-02-28T00:00:00+-1:00",
            "2023-02-28T00:00:00+24:00",
            "2023-02-28T00:00:00+01:60",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
        assert_eq!(duration(1, 340_012).as_deref(), Some("1.000340012s"));
        assert_eq!(parse_duration("-1.5s"), Some((-1, -500_000_000)));
        assert_eq!(duration(1, -1), None);
    }

    #[test]
    fn times_end_where_json_has_no_text_for_them() {
        for (seconds, nanos, written) in [
            (FIRST - 1, 0, None),
            (FIRST, 0, Some("0001-01-01T00:00:00Z")),
            (LAST, 999_999_999, Some("9999-12-31T23:59:59.999999999Z")),
            (LAST + 1, 0, None),
            (0, -1, None),
            (0, 0, Some("1970-01-01T00:00:00Z")),
            (0, 1, Some("1970-01-01T00:00:00.000000001Z")),
            (0, 999, Some("1970-01-01T00:00:00.000000999Z")),
            (0, 1000, Some("1970-01-01T00:00:00.000001Z")),
            (0, 1001, Some("1970-01-01T00:00:00.000001001Z")),
            (0, 999_000, Some("1970-01-01T00:00:00.000999Z")),
            (0, 1_000_000, Some("1970-01-01T00:00:00.001Z")),
            (0, 1_001_000, Some("1970-01-01T00:00:00.001001Z")),
            (0, 999_999_999, Some("1970-01-01T00:00:00.999999999Z")),
            (0, 1_000_000_000, None),
            (-1, 0, Some("1969-12-31T23:59:59Z")),
            (59, 0, Some("1970-01-01T00:00:59Z")),
            (60, 0, Some("1970-01-01T00:01:00Z")),
            (3599, 0, Some("1970-01-01T00:59:59Z")),
            (3600, 0, Some("1970-01-01T01:00:00Z")),
            (86_399, 0, Some("1970-01-01T23:59:59Z")),
            (86_400, 0, Some("1970-01-02T00:00:00Z")),
            (951_782_400, 0, Some("2000-02-29T00:00:00Z")),
        ] {
            assert_eq!(timestamp(seconds, nanos).as_deref(), written);
            if let Some(text) = written {
                assert_eq!(parse_timestamp(text), Some((seconds, nanos)), "{text}");
            }
        }
    }

    #[test]
    fn zones_and_digits_of_a_time() {
        for (text, seconds) in [
            ("1970-01-02T00:00:00+23:59", Some(60)),
            ("1970-01-01T00:00:00-23:59", Some(86_340)),
            ("1970-01-01T00:00:00+00:00", Some(0)),
            ("1970-01-01T00:01:00+00:01", Some(0)),
            ("1970-01-01T02:00:00+02:00", Some(0)),
            ("1970-01-01T00:00:00+24:00", None),
            ("1970-01-01T00:00:00+00:60", None),
            ("1970-01-01T00:00:00+1:00", None),
            ("1970-01-01T00:00:00+01:0", None),
            ("1970-01-01T00:00:00+001:00", None),
            ("1970-01-01T00:00:00+0100", None),
            ("1970-01-01T00:00:00 01:00", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:00z", None),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01T24:00:00Z", None),
            ("1970-01-01T23:60:00Z", None),
            ("1970-01-01T23:59:60Z", None),
            ("1970-00-01T00:00:00Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-01-00T00:00:00Z", None),
            ("1970-01-32T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00.1234567890Z", None),
            ("0001-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59-00:01", None),
            ("x970-01-01T00:00:00Z", None),
            ("1970/01-01T00:00:00Z", None),
            ("1970-01/01T00:00:00Z", None),
            ("1970-01-01T00.00:00Z", None),
            ("1970-01-01T00:00.00Z", None),
        ] {
            assert_eq!(parse_timestamp(text).map(|(s, _)| s), seconds, "{text}");
        }
        for (text, nanos) in [(".1", 100_000_000), (".000000001", 1), (".12", 120_000_000)] {
            let text = format!("1970-01-01T00:00:00{text}Z");
            assert_eq!(parse_timestamp(&text), Some((0, nanos)), "{text}");
        }
    }

    #[test]
    fn durations_end_after_ten_thousand_years() {
        let longest = LONGEST;
        for (seconds, nanos, written) in [
            (-longest - 1, 0, None),
            (-longest, 0, Some("-315576000000s")),
            (longest, 0, Some("315576000000s")),
            (longest + 1, 0, None),
            (0, 0, Some("0s")),
            (0, 1, Some("0.000000001s")),
            (0, -1, Some("-0.000000001s")),
            (1, 0, Some("1s")),
            (-1, 0, Some("-1s")),
            (1, 1, Some("1.000000001s")),
            (-1, -1, Some("-1.000000001s")),
            (1, -1, None),
            (-1, 1, None),
            (0, 999_999_999, Some("0.999999999s")),
            (0, 1_000_000_000, None),
            (0, -1_000_000_000, None),
        ] {
            assert_eq!(duration(seconds, nanos).as_deref(), written);
            if let Some(text) = written {
                assert_eq!(parse_duration(text), Some((seconds, nanos)), "{text}");
            }
        }
        for wrong in [
            "",
            "s",
            "1",
            ".5s",
            "-s",
            "1.s",
            "+1s",
            "1.0000000001s",
            "1 s",
            "1ss",
            "--1s",
            "1.-1s",
            "315576000001s",
            "-315576000001s",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in FIRST..=LAST, nanos in 0i32..1_000_000_000) {
            let text = timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(parse_timestamp(&text), Some((seconds, nanos)));
            let text = duration(seconds, if seconds < 0 { -nanos } else { nanos }).unwrap();
            prop_assert_eq!(parse_duration(&text), Some((seconds, if seconds < 0 { -nanos } else { nanos })));
        }
    }
}
