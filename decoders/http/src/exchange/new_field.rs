//! New header fields from plain values.

use super::Meaning;
use binq_core::codec::{Codec, Raw};
use binq_core::{Bits, Plain, Ref, Scalar};

/// The name and the text of a header field that is given as `{name, value}`, where names give values a meaning.
///
/// # Errors
/// What a new one looks like, for values that are none.
pub fn new_field(value: &Plain, means: Option<Meaning>) -> Result<(Vec<u8>, Vec<u8>), String> {
    let wanted = || "a new header field is {\"name\": string, \"value\": string}".to_owned();
    let Plain::Object(pairs) = value else {
        return Err(wanted());
    };
    let mut parts: [Option<Scalar>; 2] = [None, None];
    for (key, value) in pairs {
        let i = match key.as_str() {
            "name" => 0,
            "value" => 1,
            _ => return Err(wanted()),
        };
        parts[i] = match value {
            Plain::Scalar(s) => Some(s.clone()),
            Plain::Node(node) => Some(node.scalar()),
            _ => None,
        };
    }
    let [Some(name), Some(value)] = parts else {
        return Err(wanted());
    };
    let (Some(name), Some(text)) = (name.as_bytes(), value.as_bytes()) else {
        return Err(wanted());
    };
    let plain: Ref<dyn Codec> = (&Raw::ANY).into();
    let text = match means.and_then(|means| means(name, None, plain, 0)) {
        Some((codec, _)) => {
            let bits = codec.encode(&value, &Bits::from_bytes(Vec::new()));
            bits.map_err(|_| wanted())?.bytes().to_vec()
        }
        None => text.to_vec(),
    };
    Ok((name.to_vec(), text))
}

/// Whether an object names a field so that its value means something else than that of the old name.
pub fn is_renamed(value: &Plain, old: &[u8], means: Meaning) -> bool {
    let Plain::Object(pairs) = value else {
        return false;
    };
    let name = pairs.iter().find(|(key, _)| key == "name");
    let name = name.and_then(|(_, value)| match value {
        Plain::Scalar(s) => s.as_bytes().map(<[u8]>::to_vec),
        Plain::Node(node) => node.scalar().as_bytes().map(<[u8]>::to_vec),
        _ => None,
    });
    let plain = || -> Ref<dyn Codec> { (&Raw::ANY).into() };
    let has_meaning = |name: &[u8]| means(name, None, plain(), 0).is_some();
    name.is_some_and(|name| has_meaning(&name) != has_meaning(old))
}
