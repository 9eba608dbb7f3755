//! Times, as C's `gmtime`, `timegm`, `strftime` and `strptime` have them in the C locale. What the zone of the place is comes
//! from jaq: see `defs.jq`.
use super::{Table, fail, unary};
use crate::value::{Brief, V, ValR, num};
use jaq_core::native::{bome, v};

pub fn table() -> Table {
    vec![
        ("gmtime", v(0), |cv| bome(gmtime(&cv.1))),
        ("mktime", v(0), |cv| bome(mktime(cv.1))),
        ("strptime", v(1), |cv| unary(cv, |s, f| strptime(&s, &f))),
        ("strftime", v(1), |cv| {
            unary(cv, |t, f| {
                let t = from_value(t, "strftime/1")?;
                format(&t, &f, "strftime/1", 0, "GMT")
            })
        }),
        // `_strfzone($format; $offset; $name)`
        ("_strfzone", v(3), |mut cv| {
            let (name, offset, f) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            let offset = offset.num().map_or(0, |n| num::to_f64(&n) as i64);
            let name = name.str().unwrap_or_else(|| "".into());
            let t = from_value(cv.1, "strflocaltime/1");
            bome(t.and_then(|t| format(&t, &f, "strflocaltime/1", offset, &name.lossy())))
        }),
    ]
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const DAY: i64 = 86_400;

/// C's `struct tm`, with the year counted from 0.
#[derive(Clone, Copy, Debug, Default)]
struct Tm {
    year: i64,
    mon: i64,
    mday: i64,
    hour: i64,
    min: i64,
    sec: i64,
    wday: i64,
    yday: i64,
}

/// Days from 1970-01-01 to the first of a month, which may lie outside of its year.
fn days_to(year: i64, mon: i64) -> i64 {
    let (year, mon) = (year + mon.div_euclid(12), mon.rem_euclid(12));
    // the year begins in March, so that the day that comes and goes is its last
    let (y, m) = if mon < 2 {
        (year - 1, mon + 10)
    } else {
        (year, mon - 2)
    };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * m + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Tm {
    /// Days since 1970-01-01.
    fn days(&self) -> i64 {
        days_to(self.year, self.mon) + self.mday - 1
    }

    fn seconds(&self) -> i64 {
        self.days() * DAY + self.hour * 3600 + self.min * 60 + self.sec
    }

    fn of(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let z = days + 719_468;
        let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let m = (5 * of_year + 2) / 153;
        let mon = (m + 2) % 12;
        let year = era * 400 + year_of_era + i64::from(mon < 2);
        Self {
            year,
            mon,
            mday: of_year - (153 * m + 2) / 5 + 1,
            hour: rest / 3600,
            min: rest / 60 % 60,
            sec: rest % 60,
            wday: (days + 4).rem_euclid(7),
            yday: days - days_to(year, 0),
        }
    }

    fn value(&self, fraction: f64) -> V {
        let sec = self.sec as f64 + fraction;
        let fields = [self.year, self.mon, self.mday, self.hour, self.min];
        let rest = [self.wday, self.yday].map(V::int);
        let fields = fields.into_iter().map(V::int);
        fields
            .chain([V::Num(num::integral(sec))])
            .chain(rest)
            .collect()
    }
}

/// The largest second whose year C has room for.
const LAST: f64 = 67_768_036_191_676_799.0;

fn seconds(f: f64) -> ValR<i64> {
    match f.abs() <= LAST {
        true => Ok(f as i64),
        false => fail("error converting number of seconds since epoch to datetime"),
    }
}

fn gmtime(v: &V) -> ValR {
    let Some(n) = v.num() else {
        return fail("gmtime() requires numeric inputs");
    };
    let f = num::to_f64(&n);
    Ok(Tm::of(seconds(f)?).value(f - f.floor()))
}

/// A time out of the fields that `gmtime` gives; those that are missing are 0, and too large ones go over into the next.
fn from_fields(v: V, name: &str) -> ValR<Tm> {
    // of what is not given, C has zeros, and counts years from 1900
    let mut fields = [1900_i64, 0, 0, 0, 0, 0, 0, 0];
    let items = v.into_items().unwrap_or_default();
    for (i, (field, item)) in fields.iter_mut().zip(items).enumerate() {
        let from = if i == 0 { 1900 } else { 0 };
        match item.num().map(|n| num::to_f64(&n)) {
            Some(f) if !f.is_nan() => {
                let f = f - f64::from(from);
                *field = f.clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i64 + i64::from(from);
            }
            _ => return fail(format_args!("{name} requires parsed datetime inputs")),
        }
    }
    let [year, mon, mday, hour, min, sec, ..] = fields;
    let t = Tm {
        year,
        mon,
        mday,
        hour,
        min,
        sec,
        ..Tm::default()
    };
    Ok(Tm::of(t.seconds()))
}

/// A time, or the number of one.
fn from_value(v: V, name: &str) -> ValR<Tm> {
    match v.num() {
        Some(n) => Ok(Tm::of(seconds(num::to_f64(&n))?)),
        None if v.kind() == crate::value::Kind::Arr => from_fields(v, name),
        None => fail(format_args!("{name} requires parsed datetime inputs")),
    }
}

fn mktime(v: V) -> ValR {
    match v.kind() {
        crate::value::Kind::Arr => Ok(V::int(from_fields(v, "mktime")?.seconds())),
        _ => fail("mktime requires array inputs"),
    }
}

/// The week of the year and the year that it belongs to, by ISO 8601.
fn iso_week(t: &Tm) -> (i64, i64) {
    // the Thursday of the week
    let monday = (t.wday + 6) % 7;
    let thursday = Tm::of(t.seconds() + (3 - monday) * DAY);
    (thursday.year, thursday.yday / 7 + 1)
}

/// How a field is written: how many digits, and what fills them up.
struct Field {
    pad: Option<char>,
    width: Option<usize>,
    upper: bool,
}

impl Field {
    fn number(&self, n: i64, width: usize, pad: char, out: &mut String) {
        let pad = match self.pad {
            Some('-') => None,
            Some('_') => Some(' '),
            Some(c) => Some(c),
            None => Some(pad),
        };
        let digits = n.unsigned_abs().to_string();
        let sign = if n < 0 { "-" } else { "" };
        let missing = self
            .width
            .unwrap_or(width)
            .saturating_sub(digits.len() + sign.len());
        match pad {
            Some('0') => {
                out.push_str(sign);
                out.extend(std::iter::repeat_n('0', missing));
            }
            Some(pad) => {
                out.extend(std::iter::repeat_n(pad, missing));
                out.push_str(sign);
            }
            None => out.push_str(sign),
        }
        out.push_str(&digits);
    }

    fn text(&self, s: &str, out: &mut String) {
        let missing = self.width.unwrap_or(0).saturating_sub(s.len());
        let pad = if self.pad == Some('0') { '0' } else { ' ' };
        out.extend(std::iter::repeat_n(pad, missing));
        match self.upper {
            true => out.push_str(&s.to_uppercase()),
            false => out.push_str(s),
        }
    }
}

fn format(t: &Tm, f: &V, name: &str, offset: i64, zone: &str) -> ValR {
    let Some(f) = f.str() else {
        return fail(format_args!("{name} requires a string format"));
    };
    let mut out = String::new();
    format_into(t, &f.lossy(), offset, zone, &mut out);
    Ok(V::text(out))
}

fn format_into(t: &Tm, f: &str, offset: i64, zone: &str, out: &mut String) {
    let mut rest = f.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let before = rest.clone();
        let mut field = Field {
            pad: None,
            width: None,
            upper: false,
        };
        let mut digits = String::new();
        let directive = loop {
            match rest.next() {
                Some(c @ ('-' | '_' | '0')) if digits.is_empty() => field.pad = Some(c),
                Some('^') => field.upper = true,
                Some('#') => field.upper = true,
                Some(c) if c.is_ascii_digit() && digits.len() < 4 => digits.push(c),
                // other forms of the locale, which C has none of
                Some('E' | 'O') if rest.clone().next().is_some_and(|c| c.is_ascii_alphabetic()) => {
                }
                other => break other,
            }
        };
        field.width = digits.parse().ok();
        let hour = (t.hour + 11) % 12 + 1;
        let monday = (t.wday + 6) % 7;
        let mut inner = |f: &str| {
            let mut s = String::new();
            format_into(t, f, offset, zone, &mut s);
            field.text(&s, out);
        };
        match directive {
            Some('Y') => field.number(t.year, 0, '0', out),
            Some('C') => field.number(t.year.div_euclid(100), 2, '0', out),
            Some('y') => field.number(t.year.rem_euclid(100), 2, '0', out),
            Some('m') => field.number(t.mon + 1, 2, '0', out),
            Some('d') => field.number(t.mday, 2, '0', out),
            Some('e') => field.number(t.mday, 2, ' ', out),
            Some('H') => field.number(t.hour, 2, '0', out),
            Some('k') => field.number(t.hour, 2, ' ', out),
            Some('I') => field.number(hour, 2, '0', out),
            Some('l') => field.number(hour, 2, ' ', out),
            Some('M') => field.number(t.min, 2, '0', out),
            Some('S') => field.number(t.sec, 2, '0', out),
            Some('j') => field.number(t.yday + 1, 3, '0', out),
            Some('u') => field.number(monday + 1, 1, '0', out),
            Some('w') => field.number(t.wday, 1, '0', out),
            Some('U') => field.number((t.yday + 7 - t.wday) / 7, 2, '0', out),
            Some('W') => field.number((t.yday + 7 - monday) / 7, 2, '0', out),
            Some('V') => field.number(iso_week(t).1, 2, '0', out),
            Some('G') => field.number(iso_week(t).0, 0, '0', out),
            Some('g') => field.number(iso_week(t).0.rem_euclid(100), 2, '0', out),
            Some('s') => field.number(t.seconds() - offset, 0, '0', out),
            Some('a') => field.text(&DAYS[t.wday as usize][..3], out),
            Some('A') => field.text(DAYS[t.wday as usize], out),
            Some('b' | 'h') => field.text(&MONTHS[t.mon as usize][..3], out),
            Some('B') => field.text(MONTHS[t.mon as usize], out),
            Some('p') => field.text(if t.hour < 12 { "AM" } else { "PM" }, out),
            Some('P') => field.text(if t.hour < 12 { "am" } else { "pm" }, out),
            Some('D' | 'x') => inner("%m/%d/%y"),
            Some('F') => inner("%Y-%m-%d"),
            Some('T' | 'X') => inner("%H:%M:%S"),
            Some('R') => inner("%H:%M"),
            Some('r') => inner("%I:%M:%S %p"),
            Some('c') => inner("%a %b %e %H:%M:%S %Y"),
            Some('z') => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                out.push_str(&format!("{sign}{:02}{:02}", minutes / 60, minutes % 60));
            }
            Some('Z') => field.text(zone, out),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('%') => out.push('%'),
            // what is no directive stays as it is
            _ => {
                out.push('%');
                rest = before;
            }
        }
    }
}

/// What `strptime` found.
#[derive(Default)]
struct Parsed {
    t: Tm,
    century: Option<i64>,
    short_year: bool,
    /// The hour is one of twelve, and whether it is after noon.
    twelve: bool,
    afternoon: bool,
    want_xday: bool,
    have_wday: bool,
    have_yday: bool,
    have_mon: bool,
    have_mday: bool,
    /// The week of the year, and whether it was given as one that begins on Sunday.
    week: Option<i64>,
    from_sunday: bool,
}

fn strptime(v: &V, f: &V) -> ValR {
    let (Some(s), Some(f)) = (v.str(), f.str()) else {
        return fail("strptime/1 requires string inputs and arguments");
    };
    let mut p = Parsed::default();
    // what jq gives where they do not follow from what is there
    (p.t.year, p.t.wday, p.t.yday) = (1900, 8, 367);
    let (s, f) = (s.lossy(), f.lossy());
    let rest = match p.parse(&s, &f) {
        Some(rest) if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()) => {
            rest
        }
        _ => {
            let (v, f) = (Brief(v), Brief(&V::text(&*f)).to_string());
            let text = |b: String| {
                b.trim_start_matches("string (")
                    .trim_end_matches(')')
                    .to_owned()
            };
            return fail(format_args!(
                "date {} does not match format {}",
                text(v.to_string()),
                text(f)
            ));
        }
    };
    p.settle();
    let mut out = p.t.value(0.0).into_items().unwrap_or_default();
    if !rest.is_empty() {
        out.push(V::text(rest));
    }
    Ok(V::arr(out))
}

fn space(s: &str) -> &str {
    s.trim_start_matches(|c: char| c.is_ascii_whitespace())
}

/// A number of some digits within bounds, after spaces.
fn digits(s: &str, most: usize, range: std::ops::RangeInclusive<i64>) -> Option<(i64, &str)> {
    let s = space(s);
    let len = s.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let n = s[..len].parse().ok()?;
    range.contains(&n).then_some((n, &s[len..]))
}

/// Which name the text begins with, in full or by its first three letters.
fn named<'s>(s: &'s str, names: &[&str]) -> Option<(i64, &'s str)> {
    let begins = |name: &str| {
        let part = s.get(..name.len())?;
        part.eq_ignore_ascii_case(name).then(|| &s[name.len()..])
    };
    let full = names
        .iter()
        .zip(0..)
        .find_map(|(name, i)| Some((i, begins(name)?)));
    full.or_else(|| {
        let mut short = names.iter().zip(0..);
        short.find_map(|(name, i)| Some((i, begins(&name[..3])?)))
    })
}

impl Parsed {
    /// Reads a text by a format, and gives what is left.
    fn parse<'s>(&mut self, mut s: &'s str, f: &str) -> Option<&'s str> {
        let mut f = f.chars();
        while let Some(c) = f.next() {
            if c.is_ascii_whitespace() {
                s = space(s);
                continue;
            }
            if c != '%' {
                s = s.strip_prefix(c)?;
                continue;
            }
            let mut directive = f.next()?;
            while matches!(directive, '-' | '_' | '0' | '^' | '#' | 'E' | 'O') {
                directive = f.next()?;
            }
            let t = &mut self.t;
            let mut number = |most, range| {
                let (n, rest) = digits(s, most, range)?;
                s = rest;
                Some(n)
            };
            match directive {
                'Y' => {
                    t.year = number(4, 0..=9999)?;
                    (self.short_year, self.century, self.want_xday) = (false, None, true);
                }
                'y' => {
                    let n = number(2, 0..=99)?;
                    t.year = if n >= 69 { 1900 + n } else { 2000 + n };
                    (self.short_year, self.want_xday) = (true, true);
                }
                'C' => {
                    self.century = Some(number(2, 0..=99)?);
                    self.want_xday = true;
                }
                'm' => {
                    t.mon = number(2, 1..=12)? - 1;
                    (self.have_mon, self.want_xday) = (true, true);
                }
                'd' | 'e' => {
                    t.mday = number(2, 1..=31)?;
                    (self.have_mday, self.want_xday) = (true, true);
                }
                'j' => {
                    t.yday = number(3, 1..=366)? - 1;
                    self.have_yday = true;
                }
                'H' | 'k' => {
                    t.hour = number(2, 0..=23)?;
                    self.twelve = false;
                }
                'I' | 'l' => {
                    t.hour = number(2, 1..=12)? % 12;
                    self.twelve = true;
                }
                'M' => t.min = number(2, 0..=59)?,
                'S' => t.sec = number(2, 0..=61)?,
                'u' => {
                    t.wday = number(1, 1..=7)? % 7;
                    self.have_wday = true;
                }
                'w' => {
                    t.wday = number(1, 0..=6)?;
                    self.have_wday = true;
                }
                'U' | 'W' => {
                    self.week = Some(number(2, 0..=53)?);
                    self.from_sunday |= directive == 'U';
                }
                'V' => _ = number(2, 0..=53)?,
                'g' => _ = number(2, 0..=99)?,
                // as in glibc, any number of digits
                'G' => {
                    s = s
                        .strip_prefix(|c: char| c.is_ascii_digit())?
                        .trim_start_matches(|c: char| c.is_ascii_digit())
                }
                's' => {
                    *t = Tm::of(number(18, 0..=i64::MAX)?);
                    (self.have_wday, self.have_yday, self.want_xday) = (true, true, false);
                }
                'a' | 'A' => {
                    (t.wday, s) = named(s, &DAYS)?;
                    self.have_wday = true;
                }
                'b' | 'B' | 'h' => {
                    (t.mon, s) = named(s, &MONTHS)?;
                    (self.have_mon, self.want_xday) = (true, true);
                }
                'p' | 'P' => {
                    let (half, rest) = (s.get(..2)?, s.get(2..)?);
                    self.afternoon = half.eq_ignore_ascii_case("pm");
                    if !self.afternoon && !half.eq_ignore_ascii_case("am") {
                        return None;
                    }
                    s = rest;
                }
                'D' | 'x' => s = self.parse(s, "%m/%d/%y")?,
                'F' => s = self.parse(s, "%Y-%m-%d")?,
                'T' | 'X' => s = self.parse(s, "%H:%M:%S")?,
                'R' => s = self.parse(s, "%H:%M")?,
                'r' => s = self.parse(s, "%I:%M:%S %p")?,
                'c' => s = self.parse(s, "%a %b %e %H:%M:%S %Y")?,
                'n' | 't' => s = space(s),
                '%' => s = s.strip_prefix('%')?,
                // zones are read, but change nothing
                'Z' => {
                    s = space(s);
                    s = &s[s.find(|c: char| c.is_ascii_whitespace()).unwrap_or(s.len())..];
                }
                'z' => {
                    s = space(s);
                    s = match s.strip_prefix('Z') {
                        Some(rest) => rest,
                        None => {
                            let rest = s.strip_prefix(['+', '-'])?;
                            let (_, rest) = digits(rest, 2, 0..=24)?;
                            let rest = rest.strip_prefix(':').unwrap_or(rest);
                            digits(rest, 2, 0..=59).map_or(rest, |(_, rest)| rest)
                        }
                    };
                }
                _ => return None,
            }
        }
        Some(s)
    }

    /// What follows from what was read, as in glibc.
    fn settle(&mut self) {
        let t = &mut self.t;
        if self.twelve && self.afternoon {
            t.hour += 12;
        }
        if let Some(century) = self.century {
            t.year = century * 100 + if self.short_year { t.year % 100 } else { 0 };
        }
        let by_yday = self.want_xday && !self.have_wday && self.have_yday;
        if by_yday && !(self.have_mon && self.have_mday) {
            let of = Tm::of((days_to(t.year, 0) + t.yday) * DAY);
            if !self.have_mon {
                t.mon = of.mon;
            }
            if !self.have_mday {
                t.mday = of.mday;
            }
        }
        let days = t.days();
        if self.want_xday && !self.have_wday {
            t.wday = (days + 4).rem_euclid(7);
        }
        if self.want_xday && !self.have_yday {
            t.yday = days - days_to(t.year, 0);
        }
        if let Some(week) = self.week.filter(|_| self.have_wday) {
            let begin = i64::from(!self.from_sunday);
            let before = |mon| days_to(t.year, mon) - days_to(t.year, 0);
            let first = (days_to(t.year, 0) + 4).rem_euclid(7);
            if !self.have_yday {
                t.yday = (7 - (first - begin)) % 7 + (week - 1) * 7 + (t.wday - begin + 7) % 7;
            }
            let mon = (0..12).take_while(|mon| before(*mon) <= t.yday).count() as i64 - 1;
            if !self.have_mday {
                t.mday = t.yday - before(mon) + 1;
            }
            if !self.have_mon {
                t.mon = mon;
            }
        }
    }
}
