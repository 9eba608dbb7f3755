//! What the tests share.

#![allow(dead_code)]

use binq_core::{Format, Node, Options, Plain, Space};
use std::path::Path;

/// The samples, by name.
pub fn samples() -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/zip");
    let files = std::fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path());
    let read =
        |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
    let all: Vec<_> = files.map(read).collect();
    assert!(all.len() >= 7, "samples are missing");
    all
}

pub fn sample(name: &str) -> Vec<u8> {
    let mut all = samples().into_iter();
    all.find(|(path, _)| path.ends_with(name)).unwrap().1
}

pub fn decode(bytes: &[u8]) -> Node {
    binq_zip::Zip.decode(Space::source(bytes.to_vec()), &Options::default())
}

/// What lies at the end of a way of names and numbers.
pub fn field(root: &Node, path: &[&str]) -> Node {
    let step = |node: Node, key: &&str| match key.parse() {
        Ok(i) => node.item(i).unwrap(),
        Err(_) => node.field(key).unwrap(),
    };
    path.iter().fold(root.clone(), step)
}

pub fn set(node: &mut Node, path: &[&str], value: Plain) {
    let (first, rest) = path.split_first().unwrap();
    let index = first.parse::<u64>();
    let mut child = match index {
        Ok(i) => node.take_item(i).unwrap(),
        Err(_) => node.take_field(first).unwrap(),
    };
    match rest.is_empty() {
        true => child = child.assign(value).unwrap(),
        false => set(&mut child, rest, value),
    }
    match index {
        Ok(i) => node.put_item(i, child),
        Err(_) => node.put_field(child),
    }
}

pub fn text(node: &mut Node, path: &[&str], text: &str) {
    set(node, path, Plain::Scalar(text.into()));
}
