//! What the laws are tested on.

use crate::protobuf;
use binq_core::{Node, Options};
use bytes::Bytes;
use std::path::Path;
use std::sync::LazyLock;

/// An input, and what it is decoded with.
pub struct Sample {
    pub name: String,
    pub format: &'static str,
    pub options: Options,
    pub bytes: Bytes,
}

impl Sample {
    /// Whether bodies in it are base64: all groups after a change of size are others, though their bytes are the same.
    pub fn is_base64(&self) -> bool {
        self.name.starts_with("grpcweb-text")
    }
}

/// All samples, by the folder of their format.
pub static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut all = Vec::new();
    for (format, folder, ending) in [
        ("pg_wal", "pg_wal", "wal"),
        ("pg_control", "pg_control", "control"),
        ("http2", "http2", "h2"),
        ("pcap", "capture", "pcap"),
        ("pcapng", "capture", "pcapng"),
        ("png", "png", "png"),
        ("zip", "zip", "zip"),
    ] {
        let dir = root.join(folder);
        for entry in std::fs::read_dir(&dir).expect("the samples are there") {
            let path = entry.expect("a readable entry").path();
            if path.extension().is_some_and(|e| e == ending) {
                all.push(Sample {
                    name: path.file_name().unwrap().to_string_lossy().into_owned(),
                    format,
                    options: Options::default(),
                    bytes: std::fs::read(&path).unwrap().into(),
                });
            }
        }
    }
    assert!(all.len() >= 7, "a sample for each major");
    all.extend(protobuf::samples(&root.join("protobuf")));
    // to look for more in some: parts of the names of formats or samples, with commas between them
    if let Ok(parts) = std::env::var("BINQ_LAWS") {
        all.retain(|s| {
            let named = |part| s.format.contains(part) || s.name.contains(part);
            parts.split(',').any(named)
        });
        assert!(!all.is_empty(), "no format or sample is named like {parts}");
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
});

/// Whether all samples are looked at, and not those of `BINQ_LAWS` alone: how many of something there are is asserted of all.
pub fn are_all() -> bool {
    std::env::var("BINQ_LAWS").is_err()
}

pub fn decode(sample: &Sample, bytes: &Bytes) -> Node {
    decode_as(sample.format, bytes, &sample.options)
}

pub fn decode_as(format: &str, bytes: &Bytes, options: &Options) -> Node {
    binq_all::registry()
        .decode(Some(format), bytes.clone(), options)
        .expect("a format that is named always decodes")
}
