//! What the header fields of a message must be: RFC 9113 section 8.3. A peer answers one that is not so with a stream error.

use crate::http2::hpack::repr::Form;
use crate::http2::hpack::{Block, Field};
use crate::http2::malformed::{Place, Wrong};
use crate::lines::TOKEN;

/// What a header block is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It begins a request, or promises one.
    Request,
    /// It begins a response.
    Response,
    /// It is an informational response.
    Interim,
    /// It ends a message.
    Trailers,
}

/// What is wrong with a block as a whole, and with its names and values.
#[derive(Default)]
pub struct Found {
    /// What it lacks.
    pub lacks: Option<Wrong>,
    /// Its fields.
    pub fields: Vec<(Place, Wrong)>,
}

/// The pseudo-header fields that a request has: with CONNECT (section 8.5), with CONNECT and `:protocol` (RFC 8441 section 4), and
/// with every other method.
const OF_CONNECT: [&str; 2] = [":method", ":authority"];
const OF_EXTENDED: [&str; 4] = [":method", ":scheme", ":path", ":authority"];
const OF_OTHERS: [&str; 3] = [":method", ":scheme", ":path"];

/// Fields by name, as far as they are known.
struct Fields<'a>(&'a Block);

impl<'a> Fields<'a> {
    fn all(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        let all = self.0.fields.iter().enumerate();
        all.filter(|(_, f)| f.repr.form != Form::SizeUpdate)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (usize, &'a Field)> {
        self.all()
            .filter(move |(_, f)| f.name.known().is_some_and(|n| n == name))
    }

    fn first(&self, name: &str) -> Option<(usize, &'a Field)> {
        self.named(name).next()
    }

    /// The value of the first field of that name, where it is known.
    fn value(&self, name: &str) -> Option<(usize, &'a [u8])> {
        let (i, field) = self.first(name)?;
        Some((i, field.value.known()?))
    }

    /// Whether every name is known, so that one that is not there is missing.
    fn is_known(&self) -> bool {
        self.0.wrong.is_none() && self.all().all(|(_, f)| f.name.known().is_some())
    }
}

fn shown(text: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(text))
}

impl Found {
    fn add(&mut self, i: usize, part: &'static str, expected: &str, found: &[u8]) {
        self.fields
            .push(((i, part), (expected.to_owned(), shown(found))));
    }

    /// Of those fields, the first that is missing.
    fn require(&mut self, fields: &Fields<'_>, names: &[&str]) {
        let missing = names.iter().find(|name| fields.first(name).is_none());
        if let Some(name) = missing.filter(|_| fields.is_known()) {
            self.lacks = Some((format!("the field {name}"), "none of that name".to_owned()));
        }
    }

    fn request(&mut self, fields: &Fields<'_>, may_connect: Option<bool>) {
        let method = fields.value(":method");
        let connects = method.is_some_and(|(_, m)| m == b"CONNECT");
        let protocol = fields.first(":protocol");
        let required: &[&str] = match (connects, protocol) {
            (true, None) => &OF_CONNECT,
            (true, Some(_)) => &OF_EXTENDED,
            (false, _) => &OF_OTHERS,
        };
        self.require(fields, required);
        if let Some((i, method)) = method.filter(|(_, m)| !(TOKEN.fits)(m)) {
            self.add(i, "value", "a method, which is a token", method);
        }
        match protocol {
            None if connects => {
                for name in [":scheme", ":path"] {
                    if let Some((i, _)) = fields.first(name) {
                        let expected = "CONNECT with :authority and no other target";
                        self.add(i, "name", expected, name.as_bytes());
                    }
                }
            }
            Some((i, _)) if !connects => {
                self.add(i, "name", "a request with CONNECT", b":protocol");
            }
            Some((i, _)) if may_connect == Some(false) => {
                let expected = "a field that the settings of the peer allow";
                self.add(i, "name", expected, b":protocol");
            }
            _ => {}
        }
        // section 8.3.1: of http and https
        let scheme = fields.value(":scheme").map(|(_, s)| s);
        let is_http = scheme.is_some_and(|s| s == b"http" || s == b"https");
        let options = method.is_some_and(|(_, m)| m == b"OPTIONS");
        let has_host = [":authority", "host"]
            .iter()
            .any(|n| fields.first(n).is_some());
        if is_http && !connects && !has_host && fields.is_known() && self.lacks.is_none() {
            // RFC 9110 section 7.2
            let expected = "the field :authority, or host";
            self.lacks = Some((expected.to_owned(), "neither of them".to_owned()));
        }
        if let Some((i, path)) = fields.value(":path")
            && (is_http && !path.starts_with(b"/") && !(options && path == b"*"))
        {
            self.add(
                i,
                "value",
                "a path that begins with /, or * of OPTIONS",
                path,
            );
        }
    }

    fn response(&mut self, fields: &Fields<'_>) {
        self.require(fields, &[":status"]);
        let Some((i, status)) = fields.value(":status") else {
            return;
        };
        let is_one = status.len() == 3 && status.iter().all(u8::is_ascii_digit) && status[0] > b'0';
        if !is_one {
            self.add(i, "value", "a status of three digits", status);
        } else if status == b"101" {
            // section 8.6
            self.add(i, "value", "a status that HTTP/2 has", status);
        }
        // RFC 9110 section 8.6; a length of zero says nothing wrong
        let has_no_content = status.starts_with(b"1") || status == b"204";
        if let Some((i, said)) = fields.value("content-length")
            && has_no_content
            && said != b"0"
        {
            let expected = "no content-length with a status that has no content";
            self.add(i, "name", expected, b"content-length");
        }
    }
}

/// What is wrong with a block that is that to its stream. `may_connect` is whether the peer takes `:protocol`, where that is known.
pub fn wrong(role: Role, block: &Block, may_connect: Option<bool>) -> Found {
    let fields = Fields(block);
    let mut found = Found::default();
    match role {
        Role::Request => found.request(&fields, may_connect),
        Role::Response | Role::Interim => found.response(&fields),
        Role::Trailers => {
            for (i, field) in fields.all() {
                let name = field.name.known().filter(|n| n.starts_with(b":"));
                if let Some(name) = name {
                    // section 8.1
                    found.add(i, "name", "no pseudo-header fields in trailers", name);
                }
            }
        }
    }
    // RFC 9110 section 8.6: rejected, or made one
    if let Some((i, _)) = fields.named("content-length").nth(1) {
        found.add(i, "name", "one content-length", b"content-length");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::hpack::read_block;
    use crate::http2::hpack::repr::write_literal;

    fn block(of: &[(&str, &str)]) -> Block {
        let literal = |(n, v): &(&str, &str)| {
            write_literal(Form::WithoutIndexing, 0, n.as_bytes(), v.as_bytes())
        };
        let bytes: Vec<u8> = of.iter().flat_map(literal).collect();
        read_block(
            &bytes.into(),
            &mut Default::default(),
            &mut Default::default(),
        )
    }

    /// What is missing, and the places of what is wrong, by index.
    fn found(role: Role, of: &[(&str, &str)]) -> (bool, Vec<Place>) {
        let found = wrong(role, &block(of), Some(false));
        let fields = found.fields.into_iter().map(|(place, _)| place);
        (found.lacks.is_some(), fields.collect())
    }

    const SOUND: (bool, Vec<Place>) = (false, Vec::new());

    #[test]
    fn a_request_has_what_it_must_have() {
        let [method, scheme, path] = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
        let host = ("host", "h");
        let of = |fields: &[(&str, &str)]| found(Role::Request, &[fields, &[host]].concat());
        assert_eq!(
            found(Role::Request, &[method, scheme, path]),
            (true, vec![])
        );
        let authority = (":authority", "h");
        assert_eq!(
            found(Role::Request, &[method, scheme, path, authority]),
            SOUND
        );
        assert_eq!(of(&[method, scheme, path]), SOUND);
        for missing in [[scheme, path], [method, path], [method, scheme]] {
            assert_eq!(of(&missing), (true, vec![]), "{missing:?}");
        }
        for wrong in ["", "abc", "*"] {
            let place = (2, "value");
            assert_eq!(
                of(&[method, scheme, (":path", wrong)]).1,
                [place],
                "{wrong}"
            );
        }
        let options = (":method", "OPTIONS");
        assert_eq!(of(&[options, scheme, (":path", "*")]), SOUND);
        // another scheme has paths of its own
        assert_eq!(of(&[method, (":scheme", "coap"), (":path", "abc")]), SOUND);
        assert_eq!(of(&[(":method", "G T"), scheme, path]).1, [(0, "value")]);
    }

    #[test]
    fn connect_has_an_authority_and_no_path() {
        let [connect, to] = [(":method", "CONNECT"), (":authority", "h:1")];
        let [scheme, path] = [(":scheme", "http"), (":path", "/")];
        let protocol = (":protocol", "websocket");
        let of = |fields: &[(&str, &str)]| found(Role::Request, fields);
        assert_eq!(of(&[connect, to]), SOUND);
        assert_eq!(of(&[connect]), (true, vec![]));
        assert_eq!(of(&[connect, to, path]).1, [(2, "name")]);
        let extended = [connect, protocol, scheme, path, to];
        assert_eq!(of(&extended).1, [(1, "name")]);
        let allowed = wrong(Role::Request, &block(&extended), Some(true));
        assert!(allowed.fields.is_empty() && allowed.lacks.is_none());
        let unknown = wrong(Role::Request, &block(&extended), None);
        assert!(unknown.fields.is_empty());
        let get = [(":method", "GET"), scheme, path, protocol, to];
        assert_eq!(of(&get).1, [(3, "name")]);
    }

    #[test]
    fn a_response_has_a_status() {
        let of = |fields: &[(&str, &str)]| found(Role::Response, fields);
        assert_eq!(of(&[(":status", "200")]), SOUND);
        assert_eq!(of(&[("a", "b")]), (true, vec![]));
        for wrong in ["", "abc", "99", "099", "2000", "101"] {
            assert_eq!(of(&[(":status", wrong)]).1, [(0, "value")], "{wrong}");
        }
        let length = ("content-length", "5");
        assert_eq!(of(&[(":status", "204"), length]).1, [(1, "name")]);
        assert_eq!(of(&[(":status", "204"), ("content-length", "0")]), SOUND);
        // what is not modified may say how long it is
        assert_eq!(of(&[(":status", "304"), length]), SOUND);
        assert_eq!(of(&[(":status", "200"), length, length]).1, [(2, "name")]);
    }

    #[test]
    fn trailers_have_no_pseudo_header_fields() {
        assert_eq!(found(Role::Trailers, &[("grpc-status", "0")]), SOUND);
        let fields = [("a", "b"), (":path", "/")];
        assert_eq!(found(Role::Trailers, &fields).1, [(1, "name")]);
    }
}
