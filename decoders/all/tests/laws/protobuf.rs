//! The samples of protobuf, with a schema and without, and what the wire leaves to be guessed.

use crate::samples::Sample;
use binq_core::{Key, Node, Options, Scalar};
use binq_laws::follow;
use std::path::Path;

/// Streams of messages in each framing, single messages, and a `FileDescriptorSet`.
pub fn samples(folder: &Path) -> Vec<Sample> {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a sample");
    let typed = |message: &str| {
        let set = folder.join("types.desc").to_string_lossy().into_owned();
        let mut options = Options::default();
        options
            .lists
            .insert("descriptor_set".to_owned(), vec![set.into()]);
        let message = Scalar::from(message);
        options.values.insert("message".to_owned(), message);
        options
    };
    let mut all = Vec::new();
    let mut add = |name: &str, format, options: &Options, bytes: Vec<u8>| {
        all.push(Sample {
            name: format!("protobuf/{name}"),
            format,
            options: options.clone(),
            bytes: bytes.into(),
        });
    };
    let untyped = Options::default();
    for (name, of) in [
        ("all3", "all3.All"),
        ("all2", "all2.All"),
        ("edition", "ed.All"),
    ] {
        let stream = read(&format!("{name}.delimited"));
        let options = typed(of);
        let first = messages(&stream).remove(0);
        add(name, "protobuf", &options, first);
        add(name, "protobuf_delimited", &options, stream.clone());
        add(name, "grpc_message", &options, grpc(&stream));
        if name == "all2" {
            add(name, "protobuf_delimited", &untyped, stream.clone());
            add(name, "grpc_message", &untyped, grpc(&stream));
        }
        let last = messages(&stream).pop().unwrap_or_default();
        add(name, "confluent_protobuf", &options, confluent(&last));
    }
    add("types", "protobuf", &untyped, read("types.desc"));
    for name in ["groups", "message", "packed", "maps"] {
        let bytes = read(&format!("protoscope/{name}.pb"));
        add(name, "protobuf", &untyped, bytes);
    }
    all
}

/// The messages of a stream, each after its length.
fn messages(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !stream.is_empty() {
        let size = 1 + stream.iter().take_while(|b| **b >= 0x80).count();
        let digits = stream[..size].iter().enumerate();
        let len: usize = digits.map(|(i, b)| usize::from(b & 0x7f) << (7 * i)).sum();
        all.push(stream[size..size + len].to_vec());
        stream = &stream[size + len..];
    }
    all
}

/// The messages of a stream in gRPC's framing.
fn grpc(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages(stream) {
        out.push(0);
        out.extend((message.len() as u32).to_be_bytes());
        out.extend(message);
    }
    out
}

/// A message in Confluent's framing: schema 7, the message with the indexes 1 and 0.
fn confluent(message: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 7, 4, 2, 0][..], message].concat()
}

/// Whether a field of a message has bytes that it did not have.
fn is_taken(edited: &Node, again: &Node, message: &[Key]) -> bool {
    let known = |root| {
        let fields = follow(root, message).map_or(Vec::new(), |m| m.fields());
        fields.into_iter().filter(|(name, _)| **name != *"unknown")
    };
    let before: Vec<_> = known(edited).map(|(k, n)| (k, n.bytes().ok())).collect();
    known(again).any(|(k, n)| !before.contains(&(k, n.bytes().ok())))
}

/// Whether one of the unknown records is not shown any more: the field that took it shows a later one.
fn is_superseded(edited: &Node, again: &Node, unknown: &[Key]) -> bool {
    let count = |root| follow(root, unknown).map_or(0, |list| list.len());
    count(again) + 1 == count(edited)
}

/// Whether a value that was assigned reads otherwise because it makes its record another one, or leads to another guess:
///
/// * without a schema, what a length-delimited value is, is guessed from its bytes, and a value that is read as something else
///   after an edit has no such path;
/// * a record that got another wire type ends elsewhere, or is no record; so is a group whose start alone got another number,
///   which `--no-fix` asks for;
/// * what is left where a message stopped to make sense may make sense, from its beginning on;
/// * a record that no field took may be taken by one, once it has another number, wire type or value.
pub fn is_read_otherwise(edited: &Node, again: &Node, path: &[Key], no_fix: bool) -> bool {
    let Some((last, record)) = path.split_last() else {
        return false;
    };
    let last = match last {
        Key::Name(name) => &**name,
        Key::Index(_) => "",
    };
    if last.starts_with("gap") {
        let bytes = |root| follow(root, path).and_then(|n| Some(n.actual()?.as_bytes()?.to_vec()));
        let (was, is) = (
            bytes(edited).unwrap_or_default(),
            bytes(again).unwrap_or_default(),
        );
        return is.len() < was.len() && was.ends_with(&is);
    }
    let is_record = |at: &[Key]| follow(edited, at).is_some_and(|n| n.field("wire_type").is_some());
    if is_record(record) {
        let gone = follow(again, record).is_none();
        let end = no_fix
            && last == "number"
            && follow(edited, record).is_some_and(|n| n.field("end_number").is_some());
        if gone && (last == "wire_type" || end) {
            return true;
        }
        if let [message @ .., Key::Name(list), Key::Index(_)] = record
            && **list == *"unknown"
            && (is_taken(edited, again, message)
                || last == "number" && is_superseded(edited, again, &record[..record.len() - 1]))
        {
            return true;
        }
    }
    (1..=path.len()).any(|n| {
        let value = matches!(&path[n - 1], Key::Name(name) if name == "value");
        if !value || !is_record(&path[..n - 1]) {
            return false;
        }
        let (Some(was), Some(is)) = (follow(edited, &path[..n]), follow(again, &path[..n])) else {
            return false;
        };
        match (was.actual(), is.actual()) {
            // bytes that are text are text
            (Some(was), Some(is)) => was != is && was.as_bytes() == is.as_bytes(),
            _ => was.kind() != is.kind(),
        }
    })
}
