//! What editions call features, for every syntax: <https://protobuf.dev/editions/features/>.
//!
//! prost-reflect knows proto2 and proto3 only. So descriptors are read here once more, from their bytes, for the features
//! of every field and enum, and files with an edition are handed over to it as proto2, which allows the most.

use crate::wire::build;
use crate::wire::record::{LEN, parts};
use crate::wire::varint;
use std::collections::HashMap;

/// The features of a field or an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `field_presence` is `IMPLICIT`: a field with its default is not written.
    pub implicit: bool,
    /// `enum_type` is `CLOSED`: numbers without a name are unknown fields.
    pub closed: bool,
    /// `repeated_field_encoding` is `PACKED`.
    pub packed: bool,
    /// `utf8_validation` is `VERIFY`.
    pub verify: bool,
    /// `message_encoding` is `DELIMITED`: messages are written as groups.
    pub delimited: bool,
}

const PROTO2: Features = Features {
    implicit: false,
    closed: true,
    packed: false,
    verify: false,
    delimited: false,
};

const PROTO3: Features = Features {
    implicit: true,
    closed: false,
    packed: true,
    verify: true,
    delimited: false,
};

/// Of all editions so far.
const EDITION: Features = Features {
    implicit: false,
    closed: false,
    packed: true,
    verify: true,
    delimited: false,
};

impl Default for Features {
    fn default() -> Self {
        EDITION
    }
}

impl Features {
    /// These features, with those of a `FeatureSet` over them.
    fn with(mut self, set: &[u8]) -> Self {
        for (record, body) in parts(set) {
            let value = varint::read(body).map_or(0, |(value, _)| value);
            match (record.number, value) {
                (_, 0) => {}
                (1, n) => self.implicit = n == 2,
                (2, n) => self.closed = n == 2,
                (3, n) => self.packed = n == 1,
                (4, n) => self.verify = n == 2,
                (5, n) => self.delimited = n == 2,
                _ => {}
            }
        }
        self
    }

    /// These features, with those in the options of a descriptor over them.
    fn under(self, descriptor: &[u8], options: u32, features: u32) -> Self {
        let all = find(descriptor, options);
        let sets = all.flat_map(|options| find(options, features));
        sets.fold(self, Self::with)
    }
}

/// The features of all fields and enums, by full name.
#[derive(Default)]
pub struct Table(HashMap<String, Features>);

impl Table {
    /// The features of a field or enum.
    pub fn get(&self, full_name: &str) -> Features {
        self.0.get(full_name).copied().unwrap_or_default()
    }

    /// Read the features of all files of a `FileDescriptorSet`. Gives back the set with every edition made proto2.
    ///
    /// `editions` are files that were compiled from source as something else than what they are.
    ///
    /// # Errors
    /// A file of an edition that is not known.
    pub fn read(&mut self, set: &[u8], editions: &[String]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        for file in find(set, 1) {
            let name = text(file, 1);
            let edition = editions.contains(&name) || text(file, 12) == "editions";
            if edition && !editions.contains(&name) {
                let number = number(file, 14).unwrap_or(0);
                if !super::editions::is_known_number(number) {
                    let found = super::editions::unknown(&format!("number {number}"));
                    return Err(format!("{name}: {found}"));
                }
            }
            let features = match (edition, text(file, 12).as_str()) {
                (true, _) => EDITION,
                (_, "proto3") => PROTO3,
                _ => PROTO2,
            };
            let features = features.under(file, 8, 50);
            self.scope(&text(file, 2), file, features, [4, 5, 7]);
            let file = if edition {
                without_edition(file)
            } else {
                file.to_vec()
            };
            build::len_record(1, &file, &mut out);
        }
        Ok(out)
    }

    /// What is declared in a file or message, by the numbers of its messages, enums and extensions.
    fn scope(&mut self, scope: &str, descriptor: &[u8], features: Features, numbers: [u32; 3]) {
        let [messages, enums, extensions] = numbers;
        for message in find(descriptor, messages) {
            self.message(scope, message, features);
        }
        for enumeration in find(descriptor, enums) {
            let name = join(scope, &text(enumeration, 1));
            self.0.insert(name, features.under(enumeration, 3, 7));
        }
        for extension in find(descriptor, extensions) {
            self.field(scope, extension, features);
        }
    }

    fn message(&mut self, scope: &str, message: &[u8], features: Features) {
        let features = features.under(message, 7, 12);
        let name = join(scope, &text(message, 1));
        let oneofs: Vec<Features> = find(message, 8)
            .map(|oneof| features.under(oneof, 2, 1))
            .collect();
        for field in find(message, 2) {
            let oneof = number(field, 9).and_then(|i| oneofs.get(i as usize));
            self.field(&name, field, oneof.copied().unwrap_or(features));
        }
        self.scope(&name, message, features, [3, 4, 6]);
    }

    fn field(&mut self, scope: &str, field: &[u8], features: Features) {
        let mut features = features.under(field, 8, 21);
        for options in find(field, 8) {
            // FieldOptions.packed, before editions
            if let Some(packed) = number(options, 2) {
                features.packed = packed != 0;
            }
        }
        self.0.insert(join(scope, &text(field, 1)), features);
    }
}

/// A file with its syntax made proto2.
fn without_edition(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (record, _) in parts(file) {
        if !matches!(record.number, 12 | 14) {
            out.extend_from_slice(&file[record.start as usize..record.end as usize]);
        }
    }
    build::len_record(12, b"proto2", &mut out);
    out
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}

fn find(bytes: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    let matching = parts(bytes).filter(move |(r, _)| r.number == number && r.wire_type == LEN);
    matching.map(|(_, body)| body)
}

fn number(bytes: &[u8], number: u32) -> Option<u64> {
    let (_, body) = parts(bytes).filter(|(r, _)| r.number == number).last()?;
    Some(varint::read(body)?.0)
}

fn text(bytes: &[u8], number: u32) -> String {
    let last = find(bytes, number).last().unwrap_or_default();
    String::from_utf8_lossy(last).into_owned()
}
