//! What makes a message malformed, though its frames can be read: RFC 9113 section 8. A peer answers it with a stream error.

use crate::http2::frame::{END_STREAM, HEAD, Parts, kind};
use crate::http2::hpack::Field;
use crate::http2::hpack::repr::Form;
use crate::http2::side::{Look, Side, look};
use std::collections::{HashMap, HashSet};

/// What was expected of a part of a field, and what was found.
pub type Wrong = (String, String);

/// A name or a value, by the index of its field.
pub type Place = (usize, &'static str);

fn shown(text: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(text))
}

/// A byte that a name never has (section 8.2.1); a colon begins the names of pseudo-header fields.
fn is_wrong(i: usize, b: u8) -> bool {
    matches!(b, 0..=b' ' | b'A'..=b'Z' | 0x7f..) || b == b':' && i > 0
}

fn name_wrong(name: &[u8]) -> Option<Wrong> {
    let expected = "a header field name in lower case, without white space and colons";
    let wrong = name.is_empty() || name.iter().enumerate().any(|(i, b)| is_wrong(i, *b));
    if wrong {
        return Some((expected.to_owned(), shown(name)));
    }
    // section 8.2.2
    let of_connection = matches!(
        name,
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade"
    );
    let expected = "a header field that HTTP/2 has";
    of_connection.then(|| (expected.to_owned(), shown(name)))
}

/// Whether a value is binary metadata as the C core of gRPC sends it to itself, where the peer said that it takes it so: as it is,
/// after a NUL. Of a field whose name is not known, it may be.
pub fn is_raw_binary(name: Option<&[u8]>, value: &[u8]) -> bool {
    name.is_none_or(|n| n.ends_with(b"-bin")) && value.first() == Some(&0)
}

fn value_wrong(name: &[u8], value: &[u8]) -> Option<Wrong> {
    if is_raw_binary(Some(name), value) {
        return None;
    }
    if name == b"te" && !value.eq_ignore_ascii_case(b"trailers") {
        return Some(("trailers".to_owned(), shown(value)));
    }
    // RFC 9110 section 5.5
    let is_control = |b: &u8| b.is_ascii_control() && *b != b'\t';
    let wrong = value.iter().any(is_control)
        || [value.first(), value.last()]
            .iter()
            .flatten()
            .any(|b| matches!(b, b' ' | b'\t'));
    let expected = "a value without control characters, and without white space at its ends";
    wrong.then(|| (expected.to_owned(), shown(value)))
}

const OF_REQUESTS: [&[u8]; 5] = [
    b":method",
    b":scheme",
    b":authority",
    b":path",
    b":protocol",
];

/// What is wrong with the fields of a block, each as far as its name and value are known (sections 8.2 and 8.3).
pub fn fields(fields: &[Field]) -> HashMap<Place, Wrong> {
    let mut all = HashMap::new();
    let mut pseudo: HashSet<&[u8]> = HashSet::new();
    let mut regular = false;
    for (i, field) in fields.iter().enumerate() {
        if field.repr.form == Form::SizeUpdate {
            continue;
        }
        let Some(name) = field.name.known() else {
            continue;
        };
        let wrong = match name.first() {
            Some(b':') => {
                let of_request = OF_REQUESTS.contains(&&name[..]);
                let others = |n: &&&[u8]| OF_REQUESTS.contains(*n) != of_request;
                let expected = match () {
                    _ if regular => "pseudo-header fields before all others",
                    _ if !of_request && name != ":status" => {
                        "a pseudo-header field that is defined"
                    }
                    _ if pseudo.contains(&name[..]) => "each pseudo-header field once",
                    _ if pseudo.iter().any(|n| others(&n)) => {
                        "those of a request, or those of a response"
                    }
                    _ => "",
                };
                pseudo.insert(name);
                (!expected.is_empty()).then(|| (expected.to_owned(), shown(name)))
            }
            _ => {
                regular = true;
                name_wrong(name)
            }
        };
        if let Some(wrong) = wrong {
            all.insert((i, "name"), wrong);
        }
        if let Some(wrong) = field.value.known().and_then(|v| value_wrong(name, v)) {
            all.insert((i, "value"), wrong);
        }
    }
    all
}

/// What one peer sent on a stream.
#[derive(Clone, Copy, Default)]
pub struct Body {
    /// Bytes of data.
    pub len: u64,
    /// Whether the stream was ended.
    pub ended: bool,
    /// Whether there is a DATA frame.
    pub data: bool,
    /// Whether its sender gave the stream up.
    pub reset: bool,
}

/// What one peer sent on its streams.
#[derive(Default)]
pub struct Sent {
    /// By stream.
    pub bodies: HashMap<u32, Body>,
    /// First bytes of frames that came after the end of their stream (section 5.1).
    pub after_end: HashSet<u64>,
    /// Whether something is missing in between, so that a body may have been longer.
    pub lost: bool,
}

impl Sent {
    /// Walk over a direction.
    pub fn of(side: &Side) -> Self {
        let mut out = Self {
            lost: side.begin.late || side.space.hole_in(side.space.span()).is_some(),
            ..Self::default()
        };
        let mut at = side.begin.frames;
        loop {
            let (head, end) = match look(&side.space, at, side.begin.who) {
                Look::Frame(head, end) => (head, end),
                Look::Lost(end) => {
                    (at, out.lost) = (end, true);
                    continue;
                }
                Look::End => return out,
            };
            if matches!(head.kind, kind::DATA | kind::HEADERS) && head.stream != 0 {
                let body = out.bodies.entry(head.stream).or_default();
                if body.ended || body.reset {
                    out.after_end.insert(at);
                }
                if head.kind == kind::DATA {
                    let parts = Parts::of(&side.space, &head, (at + HEAD).min(end), end);
                    body.len += parts.body_end - parts.body;
                    body.data = true;
                }
                // a frame that is cut ends nothing
                body.ended |= head.has(END_STREAM) && at + HEAD + head.length == end;
            } else if head.kind == kind::RST_STREAM {
                out.bodies.entry(head.stream).or_default().reset = true;
            }
            at = end;
        }
    }

    /// What is wrong with a `content-length` (section 8.1.1). What answers HEAD has no data, and may say how much there would be.
    pub fn length_wrong(&self, stream: u32, said: &[u8], of_response: bool) -> Option<Wrong> {
        let said = std::str::from_utf8(said).ok()?;
        let body = self.bodies.get(&stream).copied().unwrap_or_default();
        let expected = format!("the number of bytes in its DATA frames, {}", body.len);
        let digits = said.bytes().all(|b| b.is_ascii_digit());
        let Some(len) = said.parse::<u64>().ok().filter(|_| digits) else {
            return Some(("a number of bytes".to_owned(), format!("{said:?}")));
        };
        let short = body.ended && len > body.len && !self.lost && (body.data || !of_response);
        (short || len < body.len).then(|| (expected, said.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::hpack::read_block;
    use crate::http2::hpack::repr::write_literal;

    fn wrong(of: &[(&str, &str)]) -> Vec<(usize, &'static str)> {
        let literal = |(n, v): &(&str, &str)| {
            write_literal(Form::WithoutIndexing, 0, n.as_bytes(), v.as_bytes())
        };
        let bytes: Vec<u8> = of.iter().flat_map(literal).collect();
        let block = read_block(
            &bytes.into(),
            &mut Default::default(),
            &mut Default::default(),
        );
        let mut all: Vec<_> = fields(&block.fields).into_keys().collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn malformed_fields_are_told() {
        assert_eq!(
            wrong(&[
                (":method", "GET"),
                (":path", "/"),
                ("a", ""),
                ("te", "trailers")
            ]),
            []
        );
        assert_eq!(
            wrong(&[
                ("Upper", "a"),
                ("a b", "c"),
                ("", "x"),
                ("a:b", "x"),
                ("ü", "x")
            ])
            .len(),
            5
        );
        assert_eq!(
            wrong(&[
                ("a", "b\r\nc"),
                ("b", "\0"),
                ("c", " d"),
                ("e", "f\t"),
                ("g", "h i\tj"),
                ("i", "a\u{1}"),
                ("j", "\u{7f}"),
                ("k", "ü")
            ]),
            [0, 1, 2, 3, 5, 6].map(|i| (i, "value"))
        );
        assert_eq!(wrong(&[("a", "b"), (":path", "/")]), [(1, "name")]);
        assert_eq!(wrong(&[(":path", "/"), (":path", "/")]), [(1, "name")]);
        assert_eq!(wrong(&[(":path", "/"), (":status", "200")]), [(1, "name")]);
        assert_eq!(wrong(&[(":nothing", "/")]), [(0, "name")]);
        assert_eq!(
            wrong(&[("connection", "close"), ("te", "gzip")]),
            [(0, "name"), (1, "value")]
        );
        assert_eq!(
            wrong(&[("key-bin", "\0\n\0"), ("key", "\0\n\0")]),
            [(1, "value")]
        );
    }

    #[test]
    fn a_content_length_counts_the_data() {
        let sent = |len, ended, data| {
            let body = Body {
                len,
                ended,
                data,
                reset: false,
            };
            Sent {
                bodies: [(1, body)].into(),
                ..Sent::default()
            }
        };
        let wrong = |sent: &Sent, said: &str, response| {
            sent.length_wrong(1, said.as_bytes(), response).is_some()
        };
        assert!(!wrong(&sent(5, true, true), "5", false));
        assert!(wrong(&sent(5, true, true), "6", false));
        assert!(wrong(&sent(5, false, true), "4", false));
        assert!(!wrong(&sent(5, false, true), "6", false));
        assert!(!wrong(&sent(0, true, false), "6", true));
        assert!(wrong(&sent(0, true, false), "6", false));
        assert!(wrong(&sent(5, true, true), "x", false));
        let lost = Sent {
            lost: true,
            ..sent(5, true, true)
        };
        assert!(!wrong(&lost, "6", false) && wrong(&lost, "4", false));
    }
}
