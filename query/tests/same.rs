//! A node behaves as the value it stands for, in every function: programs, each over nodes and over copies of them.
mod common;
use binq_query::V;
use common::{node, run, run_values};
use std::fmt::Write;

/// One program a line. Updates are not among them: a node takes what its format can store.
const PROGRAMS: &str = include_str!("same.txt");

const DOC: &str = r#"{
    "magic": "PG", "tag": {"$int": 10, "$sym": {"10": "Heap", "0": "XLOG"}},
    "big": 18446744073709551615, "neg": -3, "ratio": 1.5, "ok": true, "no": false, "none": null,
    "data": {"$bytes": "00ff48656c6c6f"}, "time": "2026-11-22T09:06:00Z",
    "items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": null}],
    "nums": [3, 1, 2], "texts": ["b", "a", "b"], "nested": [[1, 2], [3]], "empty": [], "nothing": {},
    "pairs": [{"key": "k", "value": 1}, {"name": "n", "value": 2}],
    "bounds": {"start": 1, "end": 2}, "path": ["a", 0]
}"#;

const SUBJECTS: [&str; 21] = [
    ".",
    ".magic",
    ".tag",
    ".big",
    ".neg",
    ".ratio",
    ".ok",
    ".no",
    ".none",
    ".data",
    ".time",
    ".items",
    ".items[0]",
    ".nums",
    ".texts",
    ".nested",
    ".empty",
    ".nothing",
    ".pairs",
    ".bounds",
    ".path",
];

#[test]
fn nodes_and_their_copies() {
    let mut code = String::from(
        "def both(f): [., tovalue] | map([limit(40; try (f | tojson) catch [\"error\", .])])
            | select(.[0] != .[1]);\n",
    );
    write!(code, "({}) as $x | empty", SUBJECTS.join(", ")).unwrap();
    for program in PROGRAMS.lines() {
        let name = binq_query::json::to_text(&program.into());
        write!(
            code,
            ",\n($x | both({program}) | [{name}, ($x | topath), .])"
        )
        .unwrap();
    }
    let differ = run(node(DOC), &code);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// One update a line.
const UPDATES: &str = include_str!("same_updates.txt");

/// The updates that a node refuses, each with what it says: it cannot store all that a value of JSON could take.
const REFUSED: &str = include_str!("same_updates.refused");

/// An update of a node gives what it gives of its copy, or the node says why it cannot take it.
#[test]
fn updates_of_nodes_and_of_their_copies() {
    let mut differ = Vec::new();
    for update in UPDATES.lines() {
        let of = |copy: &str| {
            let code = format!("{copy} | try (({update}) | tovalue) catch [\"error\", .]");
            run_values(node(DOC), &code)
        };
        let (nodes, values) = (of("."), of("tovalue"));
        // values, not their text: the order of a node's fields is that of the file
        if nodes != values {
            let shown = |v: &Result<V, _>| v.as_ref().map_or("an error".into(), V::to_string);
            let shown: Vec<String> = nodes.iter().map(shown).collect();
            differ.push(format!("{update}  ->  {}", shown.join(" ")));
        }
    }
    let found = differ.join("\n") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/same_updates.refused"),
            &found,
        )
        .unwrap();
        return;
    }
    let listed: Vec<&str> = REFUSED.lines().collect();
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, listed);
}
