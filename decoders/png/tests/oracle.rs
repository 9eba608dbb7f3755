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

/// pngcheck and binq are of one mind about each value of a field.
#[test]
fn values_that_readers_refuse_are_faults() {
    let number = |n: u64| Plain::Scalar(binq_core::Scalar::Int(n.into()));
    let text = |len: usize| Plain::Scalar("k".repeat(len).into());
    let is_missing = Command::new("pngcheck").output().is_err();
    let mut values: Vec<(&str, Plain)> = Vec::new();
    for (field, numbers) in [
        ("width", &[0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff][..]),
        ("height", &[0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
        ("bit_depth", &[0, 1, 2, 3, 4, 5, 7, 8, 16, 32]),
        ("colour_type", &[0, 1, 2, 3, 4, 5, 6, 255]),
        ("compression_method", &[0, 1, 5]),
        ("filter_method", &[0, 1]),
        ("interlace_method", &[0, 1, 2]),
        ("unit", &[0, 1, 2]),
        ("month", &[0, 1, 12, 13]),
        ("day", &[0, 1, 31, 32]),
        ("hour", &[0, 23, 24]),
        ("minute", &[0, 59, 60]),
        ("second", &[0, 60, 61]),
        ("gamma", &[0, 1]),
    ] {
        values.extend(numbers.iter().map(|n| (field, number(*n))));
    }
    values.extend([0, 1, 79, 80, 200].map(|len| ("keyword", text(len))));
    let (mut done, mut refused) = (0, 0);
    for (name, bytes) in samples() {
        for (field, value) in &values {
            let mut root = decode(&bytes);
            if change(&mut root, field, value) == 0 {
                continue;
            }
            let out = root.bytes().unwrap();
            // the pixels do not fit any more; pngcheck does not count them
            let said = wrong(&out).filter(|said| !said.contains("IDAT"));
            let found = decode(&out).findings().map(|f| f.to_string());
            let found: Vec<_> = found.filter(|f| !f.contains("bytes of pixels")).collect();
            done += 1;
            refused += u32::from(!found.is_empty());
            let agree = said.is_some() != found.is_empty();
            assert!(
                agree || is_missing,
                "{name}: {field} {value:?}: {said:?}, {found:?}"
            );
        }
    }
    assert!(done > 120 && refused > 60, "{done}, {refused}");
}

/// A chunk behind the last one would be lost; one before it is not.
#[test]
fn nothing_is_put_behind_the_end() {
    for (name, bytes) in samples() {
        let put = |order: &dyn Fn(Vec<Node>) -> Vec<Node>| {
            let mut root = decode(&bytes);
            let all = chunks(&root).into_iter().map(|(_, node)| node).collect();
            let items = order(all).into_iter().map(Plain::Node).collect();
            let list = root.take_field("chunks").unwrap();
            root.put_field(list.set_items(items).unwrap());
            root.bytes()
        };
        let behind: [&dyn Fn(Vec<Node>) -> Vec<Node>; 4] = [
            &|all| [&all[..], &all[1..2]].concat(),
            &|all| [&all[..], &all[all.len() - 1..]].concat(),
            &|mut all| {
                all.rotate_right(1);
                all
            },
            &|mut all| {
                let last = all.len() - 1;
                all.swap(last, last - 1);
                all
            },
        ];
        for (i, order) in behind.iter().enumerate() {
            let refused = put(order).expect_err(&name).to_string();
            assert!(
                refused.contains("no chunk can follow IEND"),
                "{name} {i}: {refused}"
            );
        }
        let before = |all: Vec<Node>| {
            let last = all.len() - 1;
            [&all[..last], &all[1..2], &all[last..]].concat()
        };
        let out = put(&before).unwrap();
        assert_eq!(
            chunks(&decode(&out)).len(),
            chunks(&decode(&bytes)).len() + 1,
            "{name}"
        );
    }
}

/// pngcheck takes 7 for a colour type, which the standard does not know.
#[test]
fn a_colour_type_that_nobody_knows() {
    for (name, bytes) in samples() {
        let mut root = decode(&bytes);
        let seven = Plain::Scalar(binq_core::Scalar::Int(7));
        assert_eq!(change(&mut root, "colour_type", &seven), 1);
        let found: Vec<_> = decode(&root.bytes().unwrap()).findings().collect();
        assert_eq!(found[0].path, ".chunks[0].data.colour_type", "{name}");
    }
}
