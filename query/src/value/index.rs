//! Positions: what `.[i]` and `.[i:j]` mean for a given length.
use super::show::Brief;
use super::{Error, Num, Str, V, ValR, num};
use std::ops::Range;

/// An index into something of known length; negative ones count from the end. `None` if it lies outside.
pub fn at(i: isize, len: u64) -> Option<u64> {
    let i = if i < 0 {
        len.checked_sub(i.unsigned_abs() as u64)?
    } else {
        i as u64
    };
    (i < len).then_some(i)
}

/// The bound of a slice: nothing, or a number. Fractions are widened away from the slice, as in jq.
fn bound(v: Option<&V>, up: bool) -> ValR<Option<isize>> {
    let Some(v) = v else { return Ok(None) };
    match &*v.settled() {
        V::Null => Ok(None),
        V::Num(Num::Int(i)) => Ok(Some(*i)),
        V::Num(n) => {
            let f = num::to_f64(n);
            Ok((!f.is_nan()).then(|| (if up { f.ceil() } else { f.floor() }) as isize))
        }
        _ => Err(Error::str("Array/string slice indices must be integers")),
    }
}

/// The bounds of a slice before the length is known.
#[derive(Clone, Copy)]
pub struct Bounds {
    from: Option<isize>,
    upto: Option<isize>,
}

impl Bounds {
    /// Reads the bounds of `.[from:upto]`.
    pub fn new(range: &jaq_core::val::Range<&V>) -> ValR<Self> {
        Ok(Self {
            from: bound(range.start, false)?,
            upto: bound(range.end, true)?,
        })
    }

    /// Reads `{"start": …, "end": …}`, the form slices have in paths. `None` if the object is something else.
    pub fn from_obj(v: &V) -> Option<ValR<Self>> {
        let V::Obj(o) = v else { return None };
        let (start, end) = (o.get(&b"start"[..]), o.get(&b"end"[..]));
        if start.is_none() && end.is_none() {
            return Some(Err(Error::str(
                "Array/string slice indices must be integers",
            )));
        }
        Some(Self::new(&(start..end)))
    }

    /// Whether a length is needed to tell what is meant.
    pub fn need_len(self) -> bool {
        self.from.is_some_and(|i| i < 0) || self.upto.is_none_or(|i| i < 0)
    }

    /// The range within `len` items.
    pub fn within(self, len: u64) -> Range<u64> {
        let abs = |i: isize| {
            let i = if i < 0 {
                len.saturating_sub(i.unsigned_abs() as u64)
            } else {
                i as u64
            };
            i.min(len)
        };
        let from = self.from.map_or(0, abs);
        let upto = self.upto.map_or(len, abs);
        from..upto.max(from)
    }

    /// The range of bytes that holds the characters of a text.
    pub fn within_text(self, s: &Str) -> Range<usize> {
        if s.is_ascii() {
            return self.within_bytes(s);
        }
        if let Some(count) = s.chars() {
            let r = self.within(count as u64);
            return s.char_start(r.start as usize)..s.char_start(r.end as usize);
        }
        let text = s.lossy();
        let chars = self.within(text.chars().count() as u64);
        // where the text is not valid UTF-8, positions are those of its repaired form; see `text_slice`
        let mut starts = text.char_indices().map(|(i, _)| i).chain([text.len()]);
        let from = starts.nth(chars.start as usize).unwrap_or(text.len());
        match chars.end - chars.start {
            0 => from..from,
            n => from..starts.nth(n as usize - 1).unwrap_or(text.len()),
        }
    }

    /// The range of bytes.
    pub fn within_bytes(self, s: &Str) -> Range<usize> {
        let r = self.within(s.len() as u64);
        r.start as usize..r.end as usize
    }

    /// A part of a text; invalid UTF-8 counts as the replacement characters it is shown as.
    pub fn text_slice(self, s: &Str) -> V {
        let range = self.within_text(s);
        if s.is_ascii() {
            return V::Text(s.slice(range));
        }
        match s.chars() {
            Some(count) => {
                let r = self.within(count as u64);
                V::Text(s.slice_of(range, (r.end - r.start) as usize))
            }
            None => V::text(&s.lossy()[range]),
        }
    }
}

/// `Cannot index number with string ("a")`, in jq's words.
pub fn cannot(v: &V, index: &V) -> Error {
    Error::str(format_args!(
        "Cannot index {} with {}",
        v.kind().name(),
        Brief(index)
    ))
}

/// The same for a slice.
pub fn cannot_slice(v: &V, bounds: Bounds) -> Error {
    let bound = |i: Option<isize>| i.map_or(V::Null, V::from);
    let bounds = [("start", bound(bounds.from)), ("end", bound(bounds.upto))];
    cannot(v, &V::fields(bounds))
}

/// `Cannot iterate over number (1)`, in jq's words.
pub fn cannot_iterate(v: &V) -> Error {
    Error::str(format_args!("Cannot iterate over {}", Brief(v)))
}

/// The bounds that a step of a path such as `{"start": 1, "end": 2}` stands for.
pub fn slice_bounds(v: &V) -> ValR<Bounds> {
    Bounds::from_obj(v).unwrap_or_else(|| Err(Error::str("expected the bounds of a slice")))
}
