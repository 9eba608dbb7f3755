//! Decoded values as they are spelled, node by node, kept in the files beside this one: each was read against its RFC.
//!
//! What no law can see is here: a field that is read at a wrong place and written back there.

mod above;
mod blocks;
mod build;
mod edits;
mod frames;
mod http1;
mod peers;
mod talks;

use std::path::Path;

/// Compare a text with the file of that name.
fn keep(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spelled");
    binq_laws::spelled::kept(&folder.join(format!("{name}.txt")), text);
}
