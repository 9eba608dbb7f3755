//! Metadata: the header fields that the application gave.

use crate::codecs::{Binary, not_base64, unwrap, wrap};
use binq_core::codec::{Codec, Raw};
use binq_core::layer::{Recode, Recoding};
use binq_core::shape::Cx;
use binq_core::{Bits, Kind, Malformed, Options, Ref};
use binq_http::exchange::Head;
use std::sync::Arc;

/// The protocols' own fields, beyond those that begin with `grpc-` or `:`.
const OWN: [&[u8]; 16] = [
    b"accept",
    b"accept-encoding",
    b"connection",
    b"content-length",
    b"content-type",
    b"date",
    b"host",
    b"keep-alive",
    b"server",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"user-agent",
    b"via",
    b"x-grpc-web",
    b"x-user-agent",
];

/// Whether the application gave a field of that name.
pub fn is_custom(name: &[u8]) -> bool {
    let own = [&b":"[..], b"grpc-", b"access-control-"];
    !own.iter().any(|o| name.starts_with(o)) && !OWN.contains(&name)
}

/// What values of metadata mean: those of names that end with `-bin` are bytes, in base64.
pub fn meaning(
    name: &[u8],
    text: Option<&[u8]>,
    codec: Ref<dyn Codec>,
    at: u64,
) -> Option<(Ref<dyn Codec>, Option<Malformed>)> {
    if !name.ends_with(b"-bin") {
        return None;
    }
    let binary: Arc<dyn Codec> = Arc::new(Binary(codec));
    Some((binary.into(), text.and_then(|text| not_base64(text, at))))
}

/// The parameter of a media type of protobuf that names the type of a message.
pub const TYPE: &str = "type";

/// Add `grpc-status-details-bin`, opened as `google.rpc.Status`.
pub fn add_details(cx: &mut Cx<'_>, head: &dyn Head, options: &Options) {
    const NAME: &[u8] = b"grpc-status-details-bin";
    let Some((span, codec)) = head.place(NAME) else {
        return;
    };
    let Ok(space) = Recode::space(head.space(), span, BinaryField(codec.clone())) else {
        cx.node_in("status_details", head.space(), span, Kind::Leaf(codec));
        return;
    };
    let options = options.clone().with_parameter(TYPE, "google.rpc.Status");
    match options.inside(crate::message::PROTOBUF, &space) {
        Some(root) => _ = cx.root("status_details", &root),
        None => {
            let kind = Kind::Leaf(Ref::Static(&Raw::ANY));
            cx.node_in("status_details", &space, space.span(), kind);
        }
    }
}

/// The value of a `-bin` header field, however that is written: the bytes that it stands for.
struct BinaryField(Ref<dyn Codec>);

impl BinaryField {
    fn text(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let text = self.0.decode(&Bits::from_bytes(stored.to_vec())).ok()?;
        text.as_bytes().map(<[u8]>::to_vec)
    }
}

impl Recoding for BinaryField {
    fn makes(&self) -> &'static str {
        "decoded from a header field"
    }

    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
        let bytes = self.text(stored).and_then(|text| unwrap(&text));
        let bytes = bytes.ok_or_else(|| Malformed::new(0, "base64", "other text"))?;
        Ok(bytes.to_vec())
    }

    fn encode(&self, shown: &[u8], old: &[u8]) -> Result<Vec<u8>, String> {
        let text = wrap(shown, &self.text(old).unwrap_or_default());
        let like = Bits::from_bytes(old.to_vec());
        let new = self.0.encode(&binq_core::Scalar::Bytes(text.into()), &like);
        let new = new.map_err(|e| format!("takes {}, not {}", e.expected, e.found))?;
        Ok(new.bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use binq_http::http2::hpack::codec::Literal;
    use binq_http::http2::hpack::repr::{Spelling, write_text};

    #[test]
    fn a_change_of_the_bytes_is_a_change_of_the_text() {
        let stored = write_text(b"AAEC", Spelling::Short);
        let field = BinaryField((&Literal).into());
        assert_eq!(field.decode(&stored).unwrap(), [0, 1, 2]);
        let new = field.encode(&[0, 9, 9, 2], &stored).unwrap();
        assert_eq!(field.decode(&new).unwrap(), [0, 9, 9, 2]);
    }
}
