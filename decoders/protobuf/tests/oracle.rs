//! Against Google's own: the samples, which its Python runtime wrote and read, and, where they are installed, the Python
//! runtime and `protoc` themselves.
//!
//! `BINQ_PYTHON` names a Python with the package protobuf. With `BINQ_REQUIRE_ORACLES=1`, a missing oracle is a failure.

mod common;

use binq_core::{FnCx, Format, Node, NodeKind, Options, Plain, Registry, Scalar, Space};
use binq_protobuf::{Delimited, Protobuf};
use common::{Rng, bytes, follow, leaves, update};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TYPES: [(&str, &str); 3] = [
    ("all3", "all3.All"),
    ("all2", "all2.All"),
    ("edition", "ed.All"),
];

fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/protobuf"
    ))
    .join(name)
}

/// The options for a type, described by what `protoc` compiled, or by the source.
fn options(of: &str, source: Option<&str>, on: &[&str]) -> Options {
    let mut options = Options::default();
    match source {
        None => {
            let set = sample("types.desc").to_string_lossy().into_owned();
            options
                .lists
                .insert("descriptor_set".into(), vec![set.into()]);
        }
        Some(name) => {
            let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
            options
                .lists
                .insert("proto".into(), vec![format!("{dir}/{name}.proto").into()]);
            if of == "all3.All" {
                // the types that an Any may hold are in the same file
                options.lists.insert("proto_path".into(), vec![dir.into()]);
            }
        }
    }
    options.values.insert("message".into(), of.into());
    for name in on {
        options.values.insert((*name).into(), Scalar::Bool(true));
    }
    options
}

fn messages(name: &str, options: &Options) -> Vec<Node> {
    let input = std::fs::read(sample(&format!("{name}.delimited"))).unwrap();
    let root = Delimited.decode(Space::source(input), options);
    assert_eq!(root.fault(), None);
    root.field("messages").unwrap().items().collect()
}

fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sample(&format!("{name}.jsonl"))).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn call(name: &str, options: &Options, input: &Plain) -> Result<Plain, String> {
    let registry = Registry::new(vec![&Protobuf, &Delimited]);
    let f = registry
        .node_functions()
        .into_iter()
        .find(|f| f.name == name);
    let cx = FnCx {
        registry: &registry,
        options,
    };
    (f.unwrap().run)(&cx, input, &[])
}

/// As JSON; numbers as doubles, as the oracle's are compared.
fn json(value: &Plain) -> Value {
    match value {
        Plain::Scalar(Scalar::Null) => Value::Null,
        Plain::Scalar(Scalar::Bool(b)) => (*b).into(),
        Plain::Scalar(Scalar::Int(n)) => (*n as f64).into(),
        Plain::Scalar(Scalar::Float(x)) => (*x).into(),
        Plain::Scalar(Scalar::Str(s)) => s.to_string().into(),
        Plain::Scalar(Scalar::Bytes(b)) => panic!("bytes in JSON: {b:?}"),
        Plain::Array(items) => items.iter().map(json).collect(),
        Plain::Object(pairs) => {
            let pairs = pairs.iter().map(|(k, v)| (k.clone(), json(v)));
            Value::Object(pairs.collect())
        }
        Plain::Node(node) => json(&binq_protobuf::wire::build::plain(node)),
    }
}

/// Numbers as doubles.
fn doubles(value: &Value) -> Value {
    match value {
        Value::Number(n) => n.as_f64().unwrap().into(),
        Value::Array(items) => items.iter().map(doubles).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| (k.clone(), doubles(v)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[test]
fn json_is_that_of_the_python_runtime() {
    for (name, of) in TYPES {
        for (key, on) in [
            ("proto_names", vec![]),
            ("json", vec!["json_names"]),
            ("defaults", vec!["defaults"]),
        ] {
            for source in [None, Some(name)] {
                let options = options(of, source, &on);
                let all = messages(name, &options);
                let expected = lines(name);
                assert_eq!(all.len(), expected.len());
                assert!(all.len() >= 100);
                for (i, (message, expected)) in all.iter().zip(&expected).enumerate() {
                    let ours = call("to_protojson", &options, &Plain::Node(message.clone()));
                    let ours = ours.unwrap_or_else(|e| panic!("{name} {i} {key}: {e}"));
                    assert_eq!(
                        json(&ours),
                        doubles(&expected[key]),
                        "{name} {i} {key} {source:?}"
                    );
                }
            }
        }
    }
}

/// What `to_protojson` prints comes back to an equal message, and to the same bytes where a runtime wrote them without unknown
/// fields.
#[test]
fn json_comes_back() {
    for (name, of) in TYPES {
        for on in [vec![], vec!["json_names"], vec!["defaults"]] {
            let options = options(of, None, &on);
            let all = messages(name, &options);
            let schema = binq_protobuf::schema::load::schema(&options);
            let of = schema.unwrap().unwrap().message(of).unwrap();
            let mut same = 0;
            for (i, message) in all.iter().enumerate() {
                let json = call("to_protojson", &options, &Plain::Node(message.clone())).unwrap();
                let back = call("from_protojson", &options, &json);
                let Ok(Plain::Node(back)) = back else {
                    panic!("{name} {i}: {:?}", back.err());
                };
                let input = message.bytes().unwrap();
                let canonical = binq_protobuf::schema::canonical::canonical(of, &input).unwrap();
                let back = back.bytes().unwrap();
                let again = Protobuf.decode(Space::source(back.clone()), &options);
                let again = call("to_protojson", &options, &Plain::Node(again)).unwrap();
                assert_eq!(self::json(&again), self::json(&json), "{name} {i}");
                let unknown = message.field("unknown").is_some();
                if !unknown && on != ["defaults"] {
                    assert_eq!(back, canonical, "{name} {i}");
                    same += usize::from(back == input);
                }
            }
            assert!(same * 2 > all.len() || on == ["defaults"], "{name}: {same}");
        }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len() / 2).map(|i| &digits[2 * i..2 * i + 2]);
    let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap());
    bytes.collect()
}

/// What the Python runtime (7.36) says of what its samples do not have.
#[test]
fn json_of_what_is_rare() {
    for (input, on, expected) in [
        // an Any of nothing, and one of an Empty, which is a message without fields there
        ("9a0400", &[][..], r#"{"any":{}}"#),
        ("9a0400", &["defaults"], r#"{"any":{}}"#),
        (
            "9a04190a17782f676f6f676c652e70726f746f6275662e456d707479",
            &[],
            r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#,
        ),
        // 426592.625, and the smallest float: 6 digits or as few more as it takes
        ("15144cd048", &[], r#"{"f_float":426592.62}"#),
        ("1501000000", &[], r#"{"f_float":1.4013e-45}"#),
        ("15cdcccc3d", &[], r#"{"f_float":0.1}"#),
    ] {
        let options = options("all3.All", None, on);
        let node = Protobuf.decode(Space::source(unhex(input)), &options);
        let ours = json(&call("to_protojson", &options, &Plain::Node(node)).unwrap());
        let expected: Value = serde_json::from_str(expected).unwrap();
        for (name, value) in doubles(&expected).as_object().unwrap() {
            assert_eq!(ours[name], *value, "{input}");
        }
    }
}

/// What JSON has makes the message anew, with the same JSON; fields of bytes are left out, which are base64 there.
#[test]
fn a_new_message_has_the_values_it_is_given() {
    for (name, of) in TYPES {
        let options = options(of, None, &[]);
        for message in messages(name, &options) {
            let mut kept = message.clone();
            for (name, child) in message.fields() {
                let mut inside = Vec::new();
                leaves(&child, &mut |leaf| inside.push(leaf.clone()));
                let nan = |n: &Node| matches!(n.actual(), Some(Scalar::Float(x)) if !x.is_finite());
                if inside
                    .iter()
                    .any(|n| matches!(n.actual(), Some(Scalar::Bytes(_))) || nan(n))
                {
                    kept = kept.remove_field(&name).unwrap();
                }
            }
            let registry = Registry::new(vec![&Protobuf]);
            let cx = FnCx {
                registry: &registry,
                options: &options,
            };
            let f = registry
                .node_functions()
                .into_iter()
                .find(|f| f.name == "new_message")
                .unwrap();
            let fields = call("to_protojson", &options, &Plain::Node(kept.clone())).unwrap();
            let new = (f.run)(
                &cx,
                &Plain::Scalar(Scalar::Null),
                &[Plain::Scalar(of.into()), fields.clone()],
            );
            let new = new.unwrap_or_else(|e| panic!("{name}: {e}"));
            let again = call("to_protojson", &options, &new).unwrap();
            assert_eq!(json(&again), json(&fields));
        }
    }
}

#[test]
fn the_type_of_a_message_is_guessed() {
    for (name, of) in TYPES {
        let options = options(of, None, &[]);
        let mut right = 0;
        let all = messages(name, &options);
        for message in &all {
            let ranked = call("guess_message", &options, &Plain::Node(message.clone())).unwrap();
            let Plain::Array(items) = ranked else {
                panic!("not a list")
            };
            let first = items.first().map(|i| json(i)["message"].clone());
            right += usize::from(first == Some(of.into()));
        }
        assert!(
            right * 10 >= all.len() * 9,
            "{name}: {right} of {}",
            all.len()
        );
    }
}

fn oracle(command: &mut Command, what: &str) -> bool {
    let found = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !found {
        binq_laws::skip(format_args!("{what} is missing"));
    }
    found
}

fn python() -> String {
    std::env::var("BINQ_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// What the Python runtime says of messages: JSON, or nothing where it refuses.
fn ask_python(set: &Path, of: &str, all: &[Vec<u8>]) -> Vec<Option<Value>> {
    let script = sample("../make-protobuf");
    let mut child = Command::new(python())
        .arg(script)
        .arg("--json")
        .args([set.as_os_str(), of.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hex: String = all
        .iter()
        .map(|m| m.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(hex.as_bytes()));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let answers: Vec<_> = text
        .lines()
        .map(|l| (!l.starts_with("ERR")).then(|| serde_json::from_str(l).unwrap()))
        .collect();
    assert_eq!(answers.len(), all.len());
    answers
}

/// Messages as no serializer writes them: fields split, repeated and out of order, lists packed and not, padding.
#[test]
fn odd_spellings_read_as_in_the_python_runtime() {
    if !oracle(
        Command::new(python()).args(["-c", "import google.protobuf"]),
        "Python's protobuf",
    ) {
        return;
    }
    for (name, of) in TYPES {
        let options = options(of, None, &[]);
        let whole: Vec<Vec<u8>> = messages(name, &options).iter().map(bytes).collect();
        let rng = &mut Rng::new(7);
        // records of several messages, in random order
        let mixed: Vec<Vec<u8>> = (0..300)
            .map(|_| {
                let mut records = Vec::new();
                for _ in 0..2 {
                    let from = &whole[rng.below(whole.len() as u64) as usize];
                    for r in binq_protobuf::wire::record::Run::of(from).records() {
                        if rng.one_in(2) {
                            let at = rng.below(records.len() as u64 + 1) as usize;
                            records.insert(at, from[r.start as usize..r.end as usize].to_vec());
                        }
                    }
                }
                // a required field
                if name != "all3" {
                    records.push(if name == "all2" {
                        vec![8, 1]
                    } else {
                        vec![24, 1]
                    });
                }
                records.concat()
            })
            .collect();
        let mut compared = 0;
        for (message, theirs) in mixed
            .iter()
            .zip(ask_python(&sample("types.desc"), of, &mixed))
        {
            let node = Protobuf.decode(Space::source(message.clone()), &options);
            let ours = call("to_protojson", &options, &Plain::Node(node));
            if let Some(theirs) = theirs {
                let ours = ours.unwrap_or_else(|e| panic!("{name} {message:02x?}: {e}"));
                assert_eq!(json(&ours), doubles(&theirs), "{name} {message:02x?}");
                compared += 1;
            }
        }
        assert!(compared > 250, "{name}: {compared}");
    }
}

/// A message with one of its leaves changed, in each way that the leaf takes.
fn edits(message: &Node, rng: &mut Rng) -> Vec<Node> {
    let mut all = Vec::new();
    leaves(message, &mut |leaf| all.push(leaf.clone()));
    if all.is_empty() {
        return Vec::new();
    }
    let leaf = &all[rng.below(all.len() as u64) as usize];
    let values = [
        Scalar::Int(rng.below(1 << 20).into()),
        Scalar::Int(i128::from(rng.below(300)) - 150),
        "a text".into(),
        Scalar::Bool(true),
        "1972-01-01T10:00:20.021Z".into(),
        "7.500s".into(),
    ];
    let edited = values.into_iter().filter_map(|value| {
        let mut value = Some(Plain::Scalar(value));
        let set = &mut |n: Node| n.assign(value.take().unwrap());
        update(message, &leaf.path(), set).ok()
    });
    edited.collect()
}

/// Random schemas of every syntax: as `protoc` compiled them and as they are compiled here, their random messages read as in
/// the Python runtime, and so does what edits make of them.
#[test]
fn random_schemas_read_as_in_the_python_runtime() {
    if !oracle(
        Command::new(python()).args(["-c", "import google.protobuf, grpc_tools.protoc"]),
        "Python's protobuf and grpcio-tools",
    ) {
        return;
    }
    let dir = std::env::temp_dir().join(format!("binq-schemas-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut compared = 0;
    for seed in 0..12 {
        let mut make = Command::new(python());
        make.arg(sample("../make-protobuf"))
            .args(["--schema", &seed.to_string()])
            .arg(&dir);
        let made = make.output().unwrap();
        let errors = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{seed}: {errors}");
        let lines = String::from_utf8(made.stdout).unwrap();
        let set = dir.join(format!("{seed}.desc"));
        let source = dir.join(format!("{seed}.proto"));
        for (list, file) in [("descriptor_set", &set), ("proto", &source)] {
            let mut options = Options::default();
            let file = file.to_string_lossy().into_owned();
            options.lists.insert(list.into(), vec![file.into()]);
            options.values.insert("message".into(), "r.M0".into());
            let mut camel = options.clone();
            let on = Scalar::Bool(true);
            camel.values.insert("json_names".into(), on);
            let rng = &mut Rng::new(seed);
            let mut edited = Vec::new();
            for line in lines.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                let bytes = unhex(line["bytes"].as_str().unwrap());
                for (names, options) in [("proto_names", &options), ("json", &camel)] {
                    let message = Protobuf.decode(Space::source(bytes.clone()), options);
                    let ours = call("to_protojson", options, &Plain::Node(message));
                    let ours = ours.unwrap_or_else(|e| panic!("{seed} {line}: {e}"));
                    assert_eq!(json(&ours), doubles(&line[names]), "{seed} {list}");
                }
                let message = Protobuf.decode(Space::source(bytes), &options);
                edited.extend(edits(&message, rng));
            }
            let encoded: Vec<Vec<u8>> = edited.iter().map(bytes).collect();
            for (tree, theirs) in edited.iter().zip(ask_python(&set, "r.M0", &encoded)) {
                let ours = call("to_protojson", &options, &Plain::Node(tree.clone()));
                let (Ok(ours), Some(theirs)) = (ours, theirs) else {
                    continue;
                };
                assert_eq!(json(&ours), doubles(&theirs), "{seed} {list}");
                compared += 1;
            }
        }
    }
    assert!(compared > 400, "{compared}");
    std::fs::remove_dir_all(&dir).unwrap();
}

/// What the Python runtime reads of an edited message is what the edited tree shows.
#[test]
fn edits_read_back_in_the_python_runtime() {
    if !oracle(
        Command::new(python()).args(["-c", "import google.protobuf"]),
        "Python's protobuf",
    ) {
        return;
    }
    for (name, of) in TYPES {
        let options = options(of, None, &[]);
        let rng = &mut Rng::new(11);
        let mut edited = Vec::new();
        for message in messages(name, &options) {
            let message = Protobuf.decode(Space::source(message.bytes().unwrap()), &options);
            edited.extend(edits(&message, rng));
        }
        let encoded: Vec<Vec<u8>> = edited.iter().map(bytes).collect();
        let mut compared = 0;
        for (tree, theirs) in edited
            .iter()
            .zip(ask_python(&sample("types.desc"), of, &encoded))
        {
            let ours = call("to_protojson", &options, &Plain::Node(tree.clone()));
            let (Ok(ours), Some(theirs)) = (ours, theirs) else {
                continue;
            };
            assert_eq!(json(&ours), doubles(&theirs), "{name}");
            compared += 1;
        }
        assert!(compared > 80, "{name}: {compared} of {}", edited.len());
    }
}

/// A protoc that knows the type: the one that is installed, or that of Python's grpcio-tools, which knows editions sooner.
fn protoc_for(name: &str, of: &str) -> Option<Vec<String>> {
    let modules = vec![python(), "-m".to_owned(), "grpc_tools.protoc".to_owned()];
    [vec!["protoc".to_owned()], modules]
        .into_iter()
        .find(|command| protoc(command, name, of, &[]).is_some())
}

/// `protoc --decode` of a message, as lines.
fn protoc(command: &[String], name: &str, of: &str, message: &[u8]) -> Option<Vec<String>> {
    let set = sample("types.desc");
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .arg(format!("--descriptor_set_in={}", set.display()))
        .arg(format!("--decode={of}"))
        .arg(format!("{name}.proto"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // one that refuses the type does not read the message
    let _ = child.stdin.take()?.write_all(message);
    let out = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    out.status
        .success()
        .then(|| text.lines().map(str::to_owned).collect())
}

/// Fields of each type: where they are, what they are assigned, and what `protoc` then shows on their line.
fn changes(name: &str) -> Vec<(&'static str, Scalar, &'static str)> {
    let long = || Scalar::from("changed, and much longer than it was");
    match name {
        "all3" => vec![
            (
                ".f_string",
                long(),
                r#"f_string: "changed, and much longer than it was""#,
            ),
            (".f_int32", Scalar::Int(-77), "f_int32: -77"),
            (".f_enum", "GREEN".into(), "f_enum: GREEN"),
            (".f_message.b", "inner".into(), r#"  b: "inner""#),
            (".r_string[0]", "first".into(), r#"r_string: "first""#),
            (".r_int32[1]", Scalar::Int(77_777), "r_int32: 77777"),
        ],
        "all2" => vec![
            (".id", Scalar::Int(77_777), "id: 77777"),
            (
                ".name",
                long(),
                r#"name: "changed, and much longer than it was""#,
            ),
            (".color", "RED".into(), "color: RED"),
            (".ratio", Scalar::Float(0.25), "ratio: 0.25"),
            (".group.x", Scalar::Int(77_777), "  x: 77777"),
            (".many[0].s", "first".into(), r#"  s: "first""#),
            (".unpacked[0]", Scalar::Int(77_777), "unpacked: 77777"),
            (".packed[0]", Scalar::Int(77_777), "packed: 77777"),
            (".inner.b", "inner".into(), r#"  b: "inner""#),
            (
                r#"."[all2.ext_int]""#,
                Scalar::Int(77_777),
                "[all2.ext_int]: 77777",
            ),
        ],
        _ => vec![
            (".implicit", Scalar::Int(77_777), "implicit: 77777"),
            (".must", Scalar::Int(77_777), "must: 77777"),
            (".packed[0]", Scalar::Int(77_777), "packed: 77777"),
            (".expanded[0]", Scalar::Int(77_777), "expanded: 77777"),
            (".delimited.b", "inner".into(), r#"  b: "inner""#),
            (".many[0].b", "first".into(), r#"  b: "first""#),
            (
                ".text",
                long(),
                r#"text: "changed, and much longer than it was""#,
            ),
            (".closed", "C_TWO".into(), "closed: C_TWO"),
            (r#"."[ed.ext]""#, "new".into(), r#"[ed.ext]: "new""#),
        ],
    }
}

#[test]
fn protoc_shows_exactly_the_change() {
    for (name, of) in TYPES {
        let Some(command) = protoc_for(name, of) else {
            binq_laws::skip(format_args!("no protoc knows {of}"));
            continue;
        };
        let ask = |node: &Node| {
            let shown = protoc(&command, name, of, &bytes(node));
            shown.unwrap_or_else(|| panic!("{name}: protoc refuses {:02x?}", bytes(node)))
        };
        let options = options(of, None, &[]);
        let all: Vec<Node> = messages(name, &options)
            .into_iter()
            .map(|m| Protobuf.decode(Space::source(m.bytes().unwrap()), &options))
            .collect();
        for (path, value, shown) in changes(name) {
            // the first messages that have the field, with another value
            let keys = common::path(path);
            let has = |message: &Node| {
                let leaf = follow(message, &keys).filter(|n| n.kind() == NodeKind::Scalar);
                leaf.is_some_and(|leaf| leaf.scalar() != value)
            };
            let mut compared = 0;
            for message in all.iter().filter(|m| has(m)).take(2) {
                let mut new = Some(Plain::Scalar(value.clone()));
                let set = &mut |n: Node| n.assign(new.take().unwrap());
                let edited = update(message, &keys, set).unwrap();
                let (before, after) = (ask(message), ask(&edited));
                assert_eq!(before.len(), after.len(), "{name} {path}");
                let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
                assert_eq!(changed.len(), 1, "{name} {path}: {changed:?}");
                assert_eq!(changed[0].1, shown);
                compared += 1;
            }
            assert!(compared > 0, "no message of {name} has {path}");
        }
    }
}
