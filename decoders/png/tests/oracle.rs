//! What `pngcheck` says of edited images. With `BINQ_REQUIRE_ORACLES=1`, it must be there.

use binq_core::{Format, Node, Options, Plain, Space};
use binq_laws::skip;
use binq_png::PNG;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn samples() -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/png");
    let files = std::fs::read_dir(dir).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let all: Vec<_> = paths
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    assert!(all.len() >= 3, "samples are missing");
    all
}

fn decode(bytes: &[u8]) -> Node {
    PNG.decode(Space::source(bytes.to_vec()), &Options::default())
}

/// What is wrong with an image; nothing where pngcheck is not here.
fn wrong(image: &[u8]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(image).unwrap();
    let mut check = Command::new("pngcheck");
    let check = check.arg("-q").arg(file.path()).stdin(Stdio::null());
    match check.output() {
        Ok(run) if run.status.success() => None,
        Ok(run) => Some(String::from_utf8_lossy(&run.stdout).into_owned()),
        Err(_) => {
            skip("pngcheck is missing");
            None
        }
    }
}

/// Change a field of an image.
fn set(node: &mut Node, path: &[&str], value: Plain) {
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

fn chunks(root: &Node) -> Vec<(String, Node)> {
    let chunks = root.field("chunks").unwrap();
    let name = |chunk: &Node| chunk.field("type").unwrap().scalar().to_string();
    chunks.items().map(|chunk| (name(&chunk), chunk)).collect()
}

/// Change a field of the data of all chunks that have it; how many that were.
fn change(root: &mut Node, field: &str, value: &Plain) -> usize {
    let mut done = 0;
    for (i, (_, chunk)) in chunks(root).iter().enumerate() {
        if chunk.field("data").unwrap().field(field).is_some() {
            let i = i.to_string();
            set(root, &["chunks", &i, "data", field], value.clone());
            done += 1;
        }
    }
    done
}

/// Edit all samples, and let pngcheck and binq check what is written; the edit gives how many fields it changed.
fn sound(edit: impl Fn(&mut Node) -> usize) {
    let mut done = 0;
    for (name, bytes) in samples() {
        let mut root = decode(&bytes);
        let changed = edit(&mut root);
        done += changed;
        let out = root.bytes().unwrap();
        assert_eq!(out == bytes, changed == 0, "{name}");
        assert_eq!(wrong(&out), None, "{name}");
        let read = decode(&out);
        let faults: Vec<_> = read.findings().map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    assert!(done > 0, "no sample has such a field");
}

#[test]
fn a_damaged_image_is_told() {
    let (name, mut bytes) = samples().swap_remove(0);
    bytes[20] ^= 1;
    let is_missing = Command::new("pngcheck").output().is_err();
    assert!(wrong(&bytes).is_some() || is_missing, "{name}");
    assert!(decode(&bytes).findings().next().is_some(), "{name}");
}

#[test]
fn longer_and_shorter_text_also_compressed() {
    for text in ["", "x", &"a text that is longer than it was, ".repeat(60)] {
        sound(|root| change(root, "text", &Plain::Scalar(text.into())));
    }
    sound(|root| change(root, "keyword", &Plain::Scalar("Warning".into())));
}

#[test]
fn numbers() {
    for (field, value) in [("gamma", 1), ("year", 2020), ("x", 3000)] {
        let value = Plain::Scalar(binq_core::Scalar::Int(value));
        sound(|root| change(root, field, &value));
    }
}

#[test]
fn palettes() {
    let edit_palette = |root: &mut Node, edit: &dyn Fn(Node) -> Node| {
        let found = chunks(root)
            .iter()
            .position(|(name, _)| name.contains("PLTE"));
        let Some(i) = found else {
            return 0;
        };
        let mut all = root.take_field("chunks").unwrap();
        let mut chunk = all.take_item(i as u64).unwrap();
        let data = chunk.take_field("data").unwrap();
        chunk.put_field(edit(data));
        all.put_item(i as u64, chunk);
        root.put_field(all);
        1
    };
    let seven = Plain::Scalar(binq_core::Scalar::Int(7));
    sound(|root| {
        edit_palette(root, &|mut data| {
            set(&mut data, &["0", "red"], seven.clone());
            data
        })
    });
    // one colour fewer
    sound(|root| {
        edit_palette(root, &|data| {
            let items = data.items().skip(1).map(Plain::Node).collect();
            data.clone().set_items(items).unwrap()
        })
    });
}

#[test]
fn chunks_go_and_are_moved_and_copied() {
    let is_text = |name: &str| ["tEXt", "zTXt", "iTXt"].iter().any(|t| name.contains(t));
    let order = |root: &mut Node, of: &dyn Fn(Vec<(String, Node)>) -> Vec<Node>| {
        let before = chunks(root);
        let has = before.iter().any(|(name, _)| is_text(name));
        let items = of(before).into_iter().map(Plain::Node).collect();
        let all = root.take_field("chunks").unwrap();
        root.put_field(all.set_items(items).unwrap());
        usize::from(has)
    };
    let split = |all: Vec<(String, Node)>| {
        let (texts, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(n, _)| is_text(n));
        let nodes = |some: Vec<(String, Node)>| some.into_iter().map(|(_, node)| node);
        (
            nodes(texts).collect::<Vec<_>>(),
            nodes(others).collect::<Vec<_>>(),
        )
    };
    sound(|root| order(root, &|all| split(all).1));
    // before IEND
    sound(|root| {
        order(root, &|all| {
            let (texts, mut others) = split(all);
            let end = others.pop();
            others.into_iter().chain(texts).chain(end).collect()
        })
    });
    sound(|root| {
        order(root, &|all| {
            let (texts, _) = split(all.clone());
            let mut out: Vec<Node> = all.into_iter().map(|(_, node)| node).collect();
            let end = out.pop();
            out.into_iter().chain(texts).chain(end).collect()
        })
    });
}
