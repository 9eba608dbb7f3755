//! Real schemas and messages, as `samples/fetch-protobuf` fetches them into `$BINQ_CACHE` (or `~/.cache/binq`).
//!
//! Of the 8,000 files of googleapis, every 40th is compiled, with all that it imports; with `BINQ_ALL_PROTOS=1`, each.

mod common;

use binq_core::{FnCx, Format, Node, NodeKind, Options, Plain, Registry, Space};
use binq_protobuf::Protobuf;
use binq_protobuf::schema::load;
use common::{bytes, leaves, set, text};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

fn cache(part: &str) -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/binq"));
    let cache = std::env::var_os("BINQ_CACHE")
        .map(PathBuf::from)
        .or_else(home)?;
    let found = cache.join("protobuf").join(part);
    if found.is_dir() {
        return Some(found);
    }
    binq_laws::skip(format_args!(
        "{} is missing; samples/fetch-protobuf fetches it",
        found.display()
    ));
    None
}

fn files(dir: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

fn options(protos: Vec<OsString>, paths: Vec<OsString>, message: &str) -> Options {
    let mut options = Options::default();
    options.lists.insert("proto".into(), protos);
    options.lists.insert("proto_path".into(), paths);
    options.values.insert("message".into(), message.into());
    options
}

/// Nothing damaged, nothing unknown, every leaf readable; the bytes come back; JSON can be made of it.
fn look(input: &[u8], options: &Options) -> (Node, usize) {
    let root = Protobuf.decode(Space::source(input.to_vec()), options);
    assert_eq!(root.fault(), None);
    assert_eq!(bytes(&root), input);
    let mut all = Vec::new();
    leaves(&root, &mut |leaf| all.push(leaf.clone()));
    for leaf in &all {
        assert_eq!(leaf.fault(), None, "{}", leaf.path_text());
        assert!(
            !leaf.path_text().contains(".unknown["),
            "{}",
            leaf.path_text()
        );
    }
    let registry = Registry::new(vec![&Protobuf]);
    let f = registry
        .node_functions()
        .into_iter()
        .find(|f| f.name == "to_protojson")
        .unwrap();
    let cx = FnCx {
        registry: &registry,
        options,
    };
    let json = (f.run)(&cx, &Plain::Node(root.clone()), &[]).unwrap();
    assert_eq!(json.kind(), NodeKind::Object);
    (root, all.len())
}

#[test]
fn googleapis() {
    let Some(dir) = cache("google-proto-files") else {
        return;
    };
    let mut protos = Vec::new();
    files(&dir.join("google"), "proto", &mut protos);
    // test data of protoc itself, with imports that are not there
    protos.retain(|p| !p.starts_with(dir.join("google/protobuf")));
    protos.sort();
    let every = if std::env::var("BINQ_ALL_PROTOS").is_ok() {
        1
    } else {
        40
    };
    let some: Vec<OsString> = protos
        .iter()
        .step_by(every)
        .map(|p| p.clone().into_os_string())
        .collect();
    assert!(some.len() >= 150, "{}", some.len());
    let path = vec![dir.into_os_string()];
    let with = options(some.clone(), path.clone(), "x");
    let schema = load::schema(&with).unwrap().unwrap();
    let names = schema.names();
    assert!(names.len() > 500, "{}", names.len());
    for name in &names {
        let of = schema.message(name).unwrap();
        assert_eq!(of.name, name);
        for field in &of.fields {
            assert!(
                field.value.codec().is_some() || field.value.message().is_some(),
                "{name}.{}",
                field.name
            );
        }
    }
    // the compiled set is a message too
    let set = load::compile(&some, &path).unwrap().set;
    let with = options(
        vec!["google/protobuf/descriptor.proto".into()],
        Vec::new(),
        "google.protobuf.FileDescriptorSet",
    );
    let root = Protobuf.decode(Space::source(set.clone()), &with);
    assert_eq!(root.fault(), None);
    assert_eq!(bytes(&root), set);
    assert!(root.field("file").unwrap().len() >= some.len() as u64);
    let first = root.field("file").unwrap().item(0).unwrap();
    let (_, n) = look(
        &first.bytes().unwrap(),
        &options(
            vec!["google/protobuf/descriptor.proto".into()],
            Vec::new(),
            "google.protobuf.FileDescriptorProto",
        ),
    );
    assert!(n > 10);
}

#[test]
fn onnx_models() {
    let Some(dir) = cache("onnx") else { return };
    let mut models = Vec::new();
    files(&dir, "onnx", &mut models);
    models.sort();
    let proto = dir.join("onnx-ml.proto").to_string_lossy().into_owned();
    let with = options(
        vec![proto.into()],
        vec![dir.into_os_string()],
        "onnx.ModelProto",
    );
    let mut read = 0;
    for path in &models {
        let input = std::fs::read(path).unwrap();
        if input.len() > 100_000 {
            continue;
        }
        let (root, n) = look(&input, &with);
        assert!(n > 2, "{}", path.display());
        if root.field("graph").and_then(|g| g.field("name")).is_some() {
            let edited = bytes(&set(
                &root,
                ".graph.name",
                text("another name, much longer than the one that was there before"),
            ));
            let (again, m) = look(&edited, &with);
            assert_eq!(n, m);
            assert_eq!(
                bytes(&set(
                    &again,
                    ".graph.name",
                    Plain::Scalar(root.field("graph").unwrap().field("name").unwrap().scalar())
                )),
                input
            );
            read += 1;
        }
    }
    assert!(read >= 50, "{read} of {}", models.len());
}
