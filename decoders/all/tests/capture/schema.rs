//! Messages inside calls, by a schema and without one.

use crate::{at, capture, dir, encoded, set, text};
use binq_core::{Node, Options};

fn decode(bytes: &bytes::Bytes, proto: bool) -> Node {
    let mut options = Options::default();
    if proto {
        let file = dir("capture").join("greeter.proto");
        let list = vec![file.to_string_lossy().into_owned()];
        options.lists.insert(
            "proto".to_owned(),
            list.into_iter().map(Into::into).collect(),
        );
        let path = dir("capture").to_string_lossy().into_owned();
        options
            .lists
            .insert("proto_path".to_owned(), vec![path.into()]);
    }
    binq_all::registry()
        .decode(None, bytes.clone(), &options)
        .expect("a capture")
}

#[test]
fn types_are_those_of_the_method() {
    for name in [
        "sums.pcap",
        "grpc-unary.pcap",
        "grpc-gzip.pcap",
        "grpc-unary.pcapng",
    ] {
        let root = decode(&capture(name), true);
        let call = at(&root, ".grpc_calls[0]");
        assert_eq!(
            text(&at(&call, ".requests[0].message.name"))[..3],
            *"Ada",
            "{name}"
        );
        assert_eq!(
            text(&at(&call, ".responses[0].message.text"))[..6],
            *"Hello ",
            "{name}"
        );
        assert_eq!(at(&call, ".responses[0].message").format(), "protobuf");
        assert_eq!(call.format(), root.format());
    }
}

#[test]
fn a_field_of_a_message_is_edited_through_all_layers() {
    for name in [
        "sums.pcap",
        "grpc-gzip.pcap",
        "reordered.pcap",
        "grpc-unary.pcapng",
    ] {
        let root = decode(&capture(name), true);
        let path = ".grpc_calls[0].requests[0].message.name";
        let new = "someone with a much longer name than before";
        let edited = set(&root, path, new);
        let again = decode(&encoded(&edited).to_bytes(), true);
        assert_eq!(text(&at(&again, path)), new, "{name}");
        let call = ".grpc_calls[0].requests[0]";
        let others = |root: &Node| {
            let message = at(root, &format!("{call}.message"));
            let rest = message
                .fields()
                .into_iter()
                .filter(|(name, _)| name != "name");
            rest.map(|(name, field)| (name, text(&field)))
                .collect::<Vec<_>>()
        };
        assert_eq!(others(&again), others(&root), "{name}");
        assert_eq!(
            text(&at(&again, ".grpc_calls[1].responses[0].message.text")),
            text(&at(&root, ".grpc_calls[1].responses[0].message.text"))
        );
    }
}

#[test]
fn without_a_schema_the_wire_is_shown() {
    let root = decode(&capture("sums.pcap"), false);
    let fields = at(&root, ".grpc_calls[0].requests[0].message.fields");
    assert_eq!(fields.len(), 2);
    let details = at(&root, ".grpc_calls[3].status_details.fields");
    assert_eq!(details.len(), 3);
}
