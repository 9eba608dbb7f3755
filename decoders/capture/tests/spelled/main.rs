//! Captures as listings: each packet is put together byte by byte, decoded, and written down node by node with place, value,
//! description and finding. Each listing was held against the standard once, and is compared ever after (`UPDATE=1` writes).

mod blocks;
mod build;
mod edits;
mod edits_blocks;
mod edits_tcp;
mod files;
mod heard;
mod ipv4;
mod ipv6;
mod links;
mod packets;
mod streams;
mod sums;
mod tcp;
mod udp;

use binq_capture::{Pcap, PcapNg};
use binq_core::{Format, Node, Options, Space};
use binq_laws::spelled::{kept, spelled};
use binq_laws::{follow, parse};
use std::fmt::Write;
use std::path::Path;

fn pcap(bytes: impl Into<Vec<u8>>) -> Node {
    Pcap.decode(Space::source(bytes.into()), &Options::default())
}

fn pcapng(bytes: impl Into<Vec<u8>>) -> Node {
    PcapNg.decode(Space::source(bytes.into()), &Options::default())
}

fn at(root: &Node, path: &str) -> Node {
    follow(root, &parse(path)).unwrap_or_else(|| panic!("no {path}"))
}

/// Cases and what they are decoded to.
struct Listing {
    name: &'static str,
    text: String,
}

impl Listing {
    /// That of the file `NAME.txt`.
    fn of(name: &'static str) -> Self {
        let text = String::new();
        Self { name, text }
    }

    /// A line of its own.
    fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.text, "{}", text.as_ref());
    }

    /// A value, under a title.
    fn add(&mut self, title: &str, node: &Node) {
        self.without(title, node, &[]);
    }

    /// The same without the nodes whose paths contain one of these.
    fn without(&mut self, title: &str, node: &Node, parts: &[&str]) {
        self.line(format!("# {title}"));
        for line in spelled(node).lines() {
            let path = line.split(' ').next().unwrap_or_default();
            if !parts.iter().any(|part| path.contains(part)) {
                self.line(line);
            }
        }
    }

    /// Only the nodes whose paths end with one of these.
    fn only(&mut self, title: &str, node: &Node, ends: &[&str]) {
        self.line(format!("# {title}"));
        for line in spelled(node).lines() {
            let path = line.split(' ').next().unwrap_or_default();
            if ends.iter().any(|end| path.ends_with(end)) {
                self.line(line);
            }
        }
    }

    /// Compare with the file.
    fn keep(self) {
        let file = format!("tests/spelled/{}.txt", self.name);
        kept(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(file),
            &self.text,
        );
    }
}
