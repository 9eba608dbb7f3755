//! ZIP for binq: format `zip`. Numbers in comments are those of the sections of PKWARE's APPNOTE.TXT 6.3.10; all numbers are
//! little-endian.
//!
//! The directory says where the files are and how long their data is, as a reader of ZIP takes it: what was streamed has its sizes
//! behind the data only.
#![forbid(unsafe_code)]

mod archive;
mod directory;
mod file;
mod header;

use archive::Archive;
use binq_core::{Confidence, Format, Kind, Node, Options, Probe, Space};
use std::sync::Arc;

/// A ZIP archive.
pub struct Zip;

impl Format for Zip {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn description(&self) -> &'static str {
        "ZIP archives"
    }

    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        match probe.bytes.get(..4) {
            Some(b"PK\x03\x04") => Confidence::Certain,
            Some(b"PK\x05\x06") => Confidence::Likely,
            _ => Confidence::No,
        }
    }

    fn decode(&self, space: Space, _options: &Options) -> Node {
        let (span, archive) = (space.span(), Archive::find(&space));
        Node::root_of("zip", Kind::shared(Arc::new(archive)), space, span)
    }
}
